"""Memory shared with numpy and with torch itself, in both directions; numpy's functions on tensors."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest
import torch
from alike import assert_same, table
from sides import OURS, SIDES, Side, as_array

import microtorch

DTYPES = ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"]
LIBRARIES = {"numpy": np, "torch": torch, "microtorch": microtorch}


def address(value: Any) -> int:
    return value.ctypes.data if isinstance(value, np.ndarray) else value.data_ptr()


def strides(value: Any) -> tuple[int, ...]:
    return tuple(s // value.itemsize for s in value.strides) if isinstance(value, np.ndarray) else tuple(value.stride())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("giver", LIBRARIES)
@pytest.mark.parametrize("taker", LIBRARIES)
def test_memory_is_shared(giver: str, taker: str, dtype: str) -> None:
    """Between each two libraries: the same place, type, shape and strides, and what one writes the other reads."""
    for make in (
        lambda whole: whole,
        lambda whole: whole[1],
        lambda whole: whole[:, ::2],
        lambda whole: whole.T if giver == "numpy" else whole.t(),
        lambda whole: whole[1, 1] if giver != "numpy" else whole[1, 1:2].reshape(()),
        lambda whole: whole[:0],
    ):
        kind = getattr(LIBRARIES[giver], dtype)
        given = make(LIBRARIES[giver].ones((2, 3), dtype=kind))
        taken = LIBRARIES[taker].from_dlpack(given)
        assert str(taken.dtype).removeprefix("torch.") == dtype
        assert tuple(taken.shape) == tuple(given.shape)
        if 0 in given.shape:
            continue
        assert address(taken) == address(given)
        assert strides(taken) == strides(given)
        taken[...] = 0
        assert not np.asarray(given).any()


def test_memory_lives_as_long_as_it_is_used() -> None:
    array = np.arange(1000.0)
    alive = weakref.ref(array)
    tensor = microtorch.from_dlpack(array)[10:]
    del array
    assert alive() is not None
    assert tensor[0].item() == 10
    del tensor
    assert alive() is None


def capsule_name(value: Any) -> Any:
    return repr(value).split('"')[1] if type(value).__name__ == "PyCapsule" else value


@table(
    lambda s: capsule_name(s.module.ones(2).__dlpack__()),
    lambda s: s.module.ones(2).__dlpack_device__(),
    lambda s: capsule_name(s.module.ones(2).__dlpack__(stream=-1)),
    lambda s: s.module.ones(2).__dlpack__(stream=1),
    lambda s: s.module.ones(2).__dlpack__(stream="first"),
    lambda s: capsule_name(s.module.ones(2).__dlpack__(stream=None, max_version=(1, 0))),
    lambda s: capsule_name(s.module.ones(2).__dlpack__(max_version=(0, 8))),
    lambda s: capsule_name(s.module.ones(2).__dlpack__(dl_device=(1, 0), copy=False)),
    lambda s: capsule_name(s.module.ones(2).__dlpack__(copy=True)),
    lambda s: s.module.ones(2).__dlpack__(copy=3),
    lambda s: s.module.ones(2).__dlpack__(dl_device=s.module.device("cpu")),
    lambda s: s.module.ones(2, requires_grad=True).__dlpack__(),
    lambda s: (s.module.ones(2, requires_grad=True) * 2).__dlpack__(),
    lambda s: capsule_name(s.module.ones(2, requires_grad=True).detach().__dlpack__()),
    lambda s: capsule_name(s.module.to_dlpack(s.module.ones(2, requires_grad=True))),
    lambda s: s.module.to_dlpack(3),
    lambda s: s.module.utils.dlpack.from_dlpack(s.module.utils.dlpack.to_dlpack(s.module.ones(2))),
    lambda s: [s.module.from_dlpack(capsule) for capsule in [s.module.to_dlpack(s.module.ones(2))] * 2],
    lambda s: s.module.from_dlpack(s.module.ones(2, requires_grad=True)),
    lambda s: s.module.from_dlpack(3),
    lambda s: s.module.from_dlpack([1.0]),
    lambda s: s.module.from_dlpack(None),
    lambda s: s.module.from_dlpack(np.array(["a"])),
    lambda s: s.module.from_dlpack(np.array([1], ">f4")),
    lambda s: s.module.from_dlpack(np.arange(3.0), device="cpu"),
    lambda s: s.module.from_dlpack(np.arange(3.0), device="cuda"),
    lambda s: s.module.from_dlpack(np.arange(3.0), True),
    lambda s: s.module.from_dlpack(s.module.ones(2, 3)[1]).storage_offset(),
    lambda s: s.module.from_dlpack(s.module.ones(2)).is_leaf,
    lambda s: [int(s.module.utils.dlpack.DLDeviceType.kDLCPU), repr(s.module.utils.dlpack.DLDeviceType.kDLCUDA)],
    lambda s: np.from_dlpack(s.module.ones(2, requires_grad=True)),
    lambda s: np.from_dlpack(s.module.arange(6.0).expand(2, 6)).strides,
    lambda s: np.from_dlpack(s.module.ones(2)).flags.writeable,
)
def test_arguments(case: Any) -> None:
    assert_same(case)


def test_copies_and_what_must_not_be_written_to() -> None:
    """With `copy=True` the memory is another; memory that numpy protects is shared as torch shares it, unprotected."""
    fixed = np.arange(3.0)
    fixed.flags.writeable = False
    for side in SIDES:
        assert side.module.from_dlpack(fixed, copy=True).data_ptr() != fixed.ctypes.data
        assert side.module.from_dlpack(fixed, copy=False).data_ptr() == fixed.ctypes.data
        tensor = side.module.ones(3)
        assert np.from_dlpack(tensor, copy=True).ctypes.data != tensor.data_ptr()


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.ones(1, np.complex64), "the dtype complex64"),
        (np.ones(1, np.uint16), "the dtype uint16"),
        (np.ones(3)[::-1], "negative strides"),  # at which torch 2.13 ends the process
    ],
)
def test_what_microtorch_lacks(array: Any, says: str) -> None:
    with pytest.raises(NotImplementedError, match=f"microtorch does not have .*{says}"):
        microtorch.from_dlpack(array)
    with pytest.raises(NotImplementedError, match=r"on the CPU alone and has no device \(2, 0\)"):
        microtorch.ones(1).__dlpack__(dl_device=(2, 0))


# -- numpy's functions -------------------------------------------------------------------------------------------------

NUMPY_MATRIX = np.arange(6.0).reshape(2, 3)


def matrix(side: Side) -> Any:
    return side.module.arange(6.0).reshape(2, 3)


def shown(value: Any) -> Any:
    """An array as its type and values, to be compared."""
    return ("array", str(value.dtype), value.shape, value.tolist()) if isinstance(value, np.ndarray) else value


@table(
    lambda s: shown(np.array(matrix(s))),
    lambda s: shown(np.array(matrix(s), dtype="int64")),
    lambda s: shown(np.asarray(matrix(s).half())),
    lambda s: np.asarray(x := matrix(s)).ctypes.data == x.data_ptr(),
    lambda s: np.array(x := matrix(s)).ctypes.data == x.data_ptr(),
    lambda s: shown(np.array(s.module.ones(2, requires_grad=True))),
    lambda s: shown(np.array([matrix(s), matrix(s)])),
    lambda s: shown(np.asarray(matrix(s).t()).strides),
    lambda s: np.sin(s.module.zeros(2)),
    lambda s: np.add(matrix(s), NUMPY_MATRIX),
    lambda s: np.add(NUMPY_MATRIX, matrix(s)),
    lambda s: NUMPY_MATRIX + matrix(s),
    lambda s: matrix(s) + NUMPY_MATRIX,
    lambda s: np.float64(2) * matrix(s),
    lambda s: np.float32(2) * s.module.tensor(2.5),
    lambda s: np.float64(2) * s.module.ones(2, requires_grad=True),
    lambda s: np.exp(s.module.zeros(2, requires_grad=True)),
    lambda s: np.isnan(matrix(s)),
    lambda s: shown(np.concatenate([matrix(s), matrix(s)])),
    lambda s: shown(np.where(matrix(s) > 2, matrix(s), 0)),
    lambda s: np.allclose(matrix(s), NUMPY_MATRIX),
    lambda s: shown(NUMPY_MATRIX[s.module.tensor([1])]),
    lambda s: shown(NUMPY_MATRIX[s.module.tensor(1)]),
    lambda s: shown(np.zeros(s.module.tensor(2))),
    lambda s: shown(np.linspace(0, 1, s.module.tensor(3))),
    lambda s: shown(np.dot(NUMPY_MATRIX, NUMPY_MATRIX.T @ np.asarray(matrix(s)))),
    lambda s: shown(np.cumsum(matrix(s))),
    lambda s: shown(np.unique(matrix(s))),
    lambda s: np.linalg.norm(matrix(s)),
    lambda s: matrix(s).__array_wrap__(np.array([True])),
    lambda s: matrix(s).__array_priority__,
    lambda s: matrix(s).__array_interface__,
    lambda s: shown(matrix(s).__array__(np.float64)),
    lambda s: divmod(s.module.tensor(7), 2),
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_numpy_functions(case: Any) -> None:
    assert_same(case)


def test_result_of_numpy_on_shared_memory() -> None:
    """A ufunc that writes to the array of a tensor changes the tensor."""
    tensor = OURS.module.zeros(3)
    np.add(np.asarray(tensor), 1, out=np.asarray(tensor))
    assert as_array(tensor).tolist() == [1, 1, 1]
