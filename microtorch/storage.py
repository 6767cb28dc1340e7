"""The memory that an array is a window onto: other windows onto the same, and new memory laid out in the same way.

Sizes, strides and offsets are counted in elements here, as torch counts them. The storage of an array begins where the
array begins that owns the memory, or that came from outside (`borrow`).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from .lacking import lacking

Array = np.ndarray[Any, np.dtype[Any]]


def pointer(array: Array) -> int:
    """The address of the first element."""
    return array.__array_interface__["data"][0]


def owner(array: Array) -> Array:
    """The array whose memory this one shows."""
    while type(array.base) is np.ndarray:
        array = array.base
    return array


def storage(array: Array) -> Array:
    """All the memory of an array's storage, as one dimension of its dtype."""
    whole = owner(array)
    if whole.dtype.itemsize != array.dtype.itemsize:
        return np.ndarray((whole.nbytes // array.itemsize,), array.dtype, whole.reshape(-1))
    flat = np.ravel(whole, order="K") if whole.flags.owndata else None  # a view, for what is owned has no gaps
    if flat is None or flat.base is None:
        extent = span(whole.shape, strides(whole))
        flat = np.asarray(_Memory(whole, (extent,), (whole.itemsize,)))
    return flat if flat.dtype is array.dtype else flat.view(array.dtype)


def offset(array: Array) -> int:
    """How far behind the beginning of its storage an array begins."""
    whole = owner(array)
    return 0 if whole is array else (pointer(array) - pointer(whole)) // array.itemsize


def strides(array: Array) -> tuple[int, ...]:
    """The distances between neighbours; numpy gives a new array without elements none, which are made up for here."""
    size = array.itemsize
    found = tuple([s // size for s in array.strides])
    return found if array.size or any(found) else contiguous_strides(array.shape)


def span(shape: Sequence[int], strides: Sequence[int]) -> int:
    """How many elements lie from the first to the last."""
    return 0 if 0 in shape else 1 + sum([(n - 1) * s for n, s in zip(shape, strides, strict=True)])


def window(array: Array, shape: Sequence[int], strides: Sequence[int], offset: int) -> Array:
    """Another window onto the storage of an array, `offset` elements behind the array's own beginning."""
    size = array.itemsize
    byte_strides = [s * size for s in strides]
    if offset == 0 and array.flags.c_contiguous and span(shape, strides) <= array.size:
        return np.ndarray(shape, array.dtype, array, 0, byte_strides)
    whole = storage(array)
    start = pointer(array) - pointer(whole) + offset * size
    if 0 in shape:
        start = min(start, whole.nbytes)  # an empty window may lie behind the end, for torch
    return np.ndarray(shape, array.dtype, whole, start, byte_strides)


def resized(array: Array, shape: tuple[int, ...]) -> Array:
    """The elements in order from where an array begins, in another shape; on new memory if its storage is too small."""
    room, start, steps = storage(array), offset(array), contiguous_strides(shape)
    last = start + span(shape, steps)
    if last <= room.size:
        return window(array, shape, steps, 0)
    fresh = np.empty(last, array.dtype)
    fresh[: room.size] = room
    return fresh[start:].reshape(shape)


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of memory that is filled in order, the last dimension fastest."""
    found = []
    step = 1
    for size in reversed(shape):
        found.append(step)
        step *= max(size, 1)
    return tuple(found[::-1])


@functools.lru_cache(4096)
def packed(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides, in bytes, of an array that is filled in order."""
    return tuple([s * itemsize for s in contiguous_strides(shape)])


def is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements fill a stretch of memory without gaps and overlaps, in whatever order of the dimensions."""
    expected = 1
    for stride, size in sorted([(s, n) for s, n in zip(strides, shape, strict=True) if n > 1]):
        if stride != expected:
            return False
        expected *= size
    return True


def dense_strides(array: Array) -> tuple[int, ...]:
    """The strides of a copy: the array's own if it has no gaps, otherwise without gaps in the order of its dimensions."""
    shape, own = array.shape, strides(array)
    if is_dense(shape, own):
        return own
    order = list(range(len(shape)))[::-1]  # innermost first
    for i in range(1, len(order)):
        inner = i
        for outer in range(i - 1, -1, -1):
            a, b = own[order[outer]], own[order[inner]]
            if a == 0 or b == 0 or (a == b and shape[order[outer]] <= shape[order[inner]]):
                continue
            if a < b:
                break
            order[outer], order[inner] = order[inner], order[outer]
            inner = outer
    found = [0] * len(shape)
    step = 1
    for axis in order:
        found[axis] = step
        step *= max(shape[axis], 1)
    return tuple(found)


def in_order(array: Array) -> Array:
    """The elements in order in memory, with the strides that go with it also where a length is 1."""
    array = np.ascontiguousarray(array) if array.ndim else array
    return array.reshape(-1).reshape(array.shape) if 1 in array.shape else array


def empty_strided(shape: Sequence[int], strides: Sequence[int], dtype: Any) -> Array:
    """New memory with its elements at the given distances."""
    size = np.dtype(dtype).itemsize
    memory = np.empty(span(shape, strides), dtype)
    return np.ndarray(shape, dtype, memory, 0, [s * size for s in strides])


def empty_like(array: Array, dtype: Any = None) -> Array:
    """New memory laid out as the array is, without its gaps."""
    fresh = np.empty_like(array, dtype)
    wanted = dense_strides(array)
    return fresh if strides(fresh) == wanted else empty_strided(array.shape, wanted, fresh.dtype)


def copy(array: Array) -> Array:
    """A copy laid out as the array is, without its gaps."""
    same = array.copy(order="K")
    if same.strides == array.strides:
        return same
    laid_out = empty_like(array)
    laid_out[...] = array
    return laid_out


class _Memory:
    """What numpy makes an array of: a window whose memory belongs to another object, at which `owner` stops."""

    def __init__(self, keep: Array, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.keep = keep
        self.__array_interface__ = {
            "version": 3,
            "typestr": keep.dtype.str,
            "data": (pointer(keep), False),
            "shape": shape,
            "strides": strides,
        }


def borrow(array: Array) -> Array:
    """The same elements in the same place as a storage of its own, which may be written to."""
    return np.asarray(_Memory(array, array.shape, array.strides))


def __getattr__(name: str) -> Any:
    """The classes of torch.storage, which are made far below in the house."""
    if name in ("TypedStorage", "UntypedStorage"):
        return getattr(sys.modules[__package__], name)
    raise lacking("torch.storage", name)
