"""The memory of tensors as objects: what torch says of bytes and elements, and whose memory is whose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from alike import assert_same, table
from sides import OURS, SIDES, THEIRS, Side

from microtorch.ops import storages


@pytest.fixture(autouse=True)
def _warned_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each library says once in a process that storages of elements are deprecated; here it has."""
    monkeypatch.setattr(storages, "_warned", True)
    torch.storage._warn_typed_storage_removal.__dict__["has_warned"] = True


def numbers(side: Side) -> Any:
    return side.module.arange(6.0).reshape(2, 3)


def memory(side: Side) -> Any:
    return numbers(side).untyped_storage()


def written(storage: Any, index: Any, value: Any) -> Any:
    storage[index] = value
    return storage


def window(side: Side, *place: Any, dtype: str = "float32") -> Any:
    tensor = side.module.empty(0, dtype=getattr(side.module, dtype)).set_(memory(side), *place)
    return tensor, tensor.stride(), tensor.storage_offset(), tensor._version


@table(
    lambda s: memory(s),
    lambda s: [memory(s).nbytes(), memory(s).size(), len(memory(s)), memory(s).element_size()],
    lambda s: [memory(s)[7], memory(s)[-1], memory(s)[2:9], memory(s)[5:2]],
    lambda s: memory(s)[24],
    lambda s: memory(s)[-25],
    lambda s: memory(s)[::2],
    lambda s: memory(s)["a"],
    lambda s: list(memory(s)),
    lambda s: memory(s).tolist(),
    lambda s: [memory(s).is_cuda, memory(s).is_shared(), memory(s).is_pinned(), memory(s).resizable()],
    lambda s: [memory(s).device, memory(s).type(), memory(s).is_sparse],
    lambda s: written(memory(s), 7, 65),
    lambda s: written(memory(s), "a", 65),
    lambda s: written(memory(s), slice(2, 5), 65),
    lambda s: written(memory(s), 2, "a"),
    lambda s: memory(s).fill_(3),
    lambda s: memory(s).clone(),
    lambda s: s.module.UntypedStorage(4).copy_(s.module.ones(1).untyped_storage()),
    lambda s: memory(s).resize_(24),
    lambda s: [s.module.UntypedStorage([1, 2]), s.module.UntypedStorage(), len(s.module.UntypedStorage(4))],
    lambda s: s.module.UntypedStorage("a"),
    lambda s: s.module.zeros(0).untyped_storage().data_ptr(),
    lambda s: numbers(s).storage(),
    lambda s: [numbers(s).storage().dtype, numbers(s).storage().size(), numbers(s).storage()[1]],
    lambda s: [numbers(s)[1].storage().tolist(), numbers(s).storage().nbytes(), numbers(s).storage().element_size()],
    lambda s: numbers(s).storage().untyped(),
    lambda s: s.module.TypedStorage([1, 2], dtype=s.module.int32),
    lambda s: [s.module.is_storage(x) for x in (memory(s), numbers(s)._typed_storage(), numbers(s), 3)],
    # a tensor on a storage
    lambda s: window(s),
    lambda s: window(s, 1, (2,), (1,)),
    lambda s: window(s, 1, (2, 2)),
    lambda s: window(s, 0, (3,), (2,)),
    lambda s: window(s, -1, (2,), (1,)),
    lambda s: window(s, 0, (2,), (1, 1)),
    lambda s: window(s, dtype="int64"),
    lambda s: window(s, 1, (2,), dtype="int16"),
    lambda s: s.module.empty(0).set_(numbers(s), 1, (2,), (2,)),
    lambda s: s.module.empty(0).set_(numbers(s).storage(), 1, (2,), (2,)),
    lambda s: s.module.empty(0, dtype=s.module.float64).set_(numbers(s).storage()),
    lambda s: s.module.empty(0).set_(3),
    lambda s: s.module.empty(0).set_(numbers(s).storage(), 0, (-2,), (1,)),
    lambda s: s.module.empty(0).set_(numbers(s).storage(), 0, (2, 1), (-1, 1)),
    lambda s: s.module.UntypedStorage([300, -1]).tolist(),
    lambda s: s.module.storage.UntypedStorage is s.module.UntypedStorage,
    lambda s: (numbers(s).nbytes, numbers(s).is_shared()),
)
def test_as_torch(case: Any) -> None:
    assert_same(case)


def test_elements_are_deprecated(monkeypatch: pytest.MonkeyPatch) -> None:
    """With torch's words, once in a process."""
    monkeypatch.setattr(storages, "_warned", False)
    with pytest.warns(UserWarning, match=r"^TypedStorage is deprecated\. It will be removed in the future") as caught:
        _ = OURS.module.ones(1).storage(), OURS.module.ones(1).storage()
    assert len(caught) == 1
    torch.storage._warn_typed_storage_removal.__dict__.pop("has_warned", None)
    with pytest.warns(UserWarning, match=r"^TypedStorage") as expected:
        THEIRS.module.ones(1).storage()
    assert str(caught[0].message) == str(expected[0].message)


def test_whose_memory_it_is() -> None:
    """Views have the storage of what they show; a storage is written to in the place of its tensors."""
    for side in SIDES:
        tensor = numbers(side)
        for view in (tensor, tensor[1], tensor.t(), tensor.detach(), tensor[:, ::2]):
            storage = view.untyped_storage()
            assert storage == tensor.untyped_storage()
            assert hash(storage) == hash(tensor.untyped_storage())
            assert storage.data_ptr() == tensor.data_ptr()
            assert side.module.empty(0).set_(storage).untyped_storage() == storage
            assert storage._cdata == tensor.untyped_storage()._cdata
        assert tensor.clone().untyped_storage() != tensor.untyped_storage()
        tensor[1].untyped_storage()[4:8] = 255
        assert tensor[0, 1].isnan()
        tensor.untyped_storage().fill_(0)
        assert not tensor.any()


def test_borrowed_memory() -> None:
    """The storage of a tensor on an array begins where the array begins, and goes on to its last element."""
    array = np.arange(10.0)
    for side in SIDES:
        tensor = side.module.from_numpy(array[3::2])
        assert tensor.untyped_storage().nbytes() == 7 * 8
        assert tensor.untyped_storage().data_ptr() == array[3:].ctypes.data
        assert tensor.untyped_storage() == tensor[1:].untyped_storage()


def test_what_microtorch_lacks() -> None:
    tensor = numbers(OURS)
    for call in (
        lambda: tensor.untyped_storage().resize_(0),
        lambda: tensor.set_(tensor.untyped_storage(), 0, (7,)),
        lambda: tensor.share_memory_(),
        lambda: tensor.untyped_storage().type("torch.FloatStorage"),
    ):
        with pytest.raises(NotImplementedError, match=r"^microtorch does not "):
            call()
