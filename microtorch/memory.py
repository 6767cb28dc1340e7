"""Rules of writing into memory that exists: in-place operations and `out=`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dtypes, storage
from .casting import cast
from .settings import warn
from .tensor import Tensor
from .views import data_pointer


def check_overlap(array: np.ndarray[Any, Any], tolerant: str = "") -> None:
    """Refuse to write where several elements are one place in memory, as after `expand`.

    `tolerant`: the name of an operation that only warns.
    """
    if not array.flags.c_contiguous and _overlaps_itself(array):
        if tolerant:
            warn(
                f"Use of {tolerant} on expanded tensors is deprecated. Please clone() the tensor before performing this "
                "operation. This also applies to advanced indexing e.g. tensor[mask] = scalar"
            )
            return
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )


def _overlaps_itself(array: np.ndarray[Any, Any]) -> bool:
    return any(stride == 0 and size > 1 for size, stride in zip(array.shape, array.strides, strict=True))


def check_partial_overlap(target: np.ndarray[Any, Any], source: np.ndarray[Any, Any], whole: bool = False) -> None:
    """Refuse to write into part of what is being read; the same memory in the same order is fine, but for `whole`."""
    if target is not source:
        if not np.may_share_memory(target, source) or target.size == 0 or source.size == 0:
            return
        if not (_is_dense(target) and _is_dense(source)):  # torch finds this too hard to tell, and goes on
            return
        same_place = (data_pointer(target), target.nbytes) == (data_pointer(source), source.nbytes)
        if same_place and target.strides == source.strides and not whole:
            return
    elif not whole:
        return
    raise RuntimeError(
        "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
        "location. Please clone() the tensor before performing the operation."
    )


def _is_dense(array: np.ndarray[Any, Any]) -> bool:
    """Whether the elements fill a stretch of memory, in whatever order of the dimensions."""
    expected = array.itemsize
    for stride, size in sorted((st, n) for st, n in zip(array.strides, array.shape, strict=True) if n != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def check_cast(result: np.dtype[Any], target: np.dtype[Any], words: str | TypeError = "") -> None:
    """Refuse to store a result in a type of a lower category; `words`: in others than the usual ones."""
    if result is target:
        return
    from_, to = dtypes.FROM_NUMPY[result], dtypes.FROM_NUMPY[target]
    if not dtypes.can_cast(from_, to):
        usual = "result type {0} can't be cast to the desired output type {1}"
        kind = TypeError if isinstance(words, TypeError) else RuntimeError
        raise kind(dtype_words(str(words) or usual, result, target))


def dtype_words(template: str, result: np.dtype[Any], target: np.dtype[Any]) -> str:
    """A message about two dtypes: {0} and {1} stand for their names in torch, {2} and {3} for those in C++."""
    from_, to = dtypes.FROM_NUMPY[result], dtypes.FROM_NUMPY[target]
    return template.format(from_.legacy_name, to.legacy_name, from_.cpp_name, to.cpp_name)


def warn_resized(had: Sequence[int], has: Sequence[int]) -> None:
    """Warn that the shape of a tensor with elements is changed for a result."""
    warn(
        f"An output with one or more elements was resized since it had shape {list(had)}, which does not match the "
        f"required output shape {list(has)}. This behavior is deprecated, and in a future PyTorch release outputs will "
        "not be resized unless they have zero elements. You can explicitly reuse an out tensor t by resizing it, "
        "inplace, to zero elements with t.resize_(0)."
    )


def write_out(out: Tensor, result: np.ndarray[Any, Any]) -> None:
    """Write a result into the tensor given as `out=`, resizing it where its shape is another."""
    if out._array.shape != result.shape:
        if out._array.size:
            warn_resized(out.shape, result.shape)
        out._array = storage.resized(out._array, result.shape)
    check_overlap(out._array)
    np.copyto(out._array, cast(result, out._array.dtype))
    out._counter[0] += 1
