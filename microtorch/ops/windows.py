"""Views by any strides: overlapping pieces, and windows onto the memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import storage
from ..arguments import to_int, to_ints
from ..engine import edge_to, mode
from ..op import composite, only_method, op
from ..tensor import Tensor, wrap, wrap_dim
from ..views import AsStridedBackward0, Geometry, geometry, gradient_edge, make_view
from .shape import become_view

# -- overlapping pieces ------------------------------------------------------------------------------------------------


@op(
    input=lambda g, input_shape, dimension, size, step: unfold_backward(g, input_shape, dimension, size, step),
    view=True,
    public="method",
)
def unfold(input, dimension, size, step):
    """All pieces of a length along a dimension, each `step` behind the one before, with their elements as the last one."""
    dim = wrap_dim(to_int("dimension", 2, dimension), input.ndim)
    size, step = to_int("size", 3, size), to_int("step", 4, step)
    shape, strides = list(input.shape), list(storage.strides(input))
    length, stride = (shape[dim], strides[dim]) if input.ndim else (1, 1)
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > length:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {length} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if input.ndim:
        shape[dim], strides[dim] = (length - size) // step + 1, stride * step
    return storage.window(input, [*shape, size], [*strides, stride], 0)


@op(grad_in=lambda g, dim, size, step: g.unfold(dim, size, step), out=False, public=False)
def unfold_backward(grad_in, input_sizes, dim, size, step):
    """Zeros with the gradients of all pieces added where they lie."""
    result = np.zeros(input_sizes, grad_in.dtype)
    if not result.ndim:
        return grad_in.reshape(()) if size else result
    axis = wrap_dim(dim, result.ndim)
    for piece in range(grad_in.shape[axis]):
        start = piece * step
        part = np.moveaxis(result[(slice(None),) * axis + (slice(start, start + size),)], axis, -1)
        part += grad_in[(slice(None),) * axis + (piece,)]
    return result


# -- any window --------------------------------------------------------------------------------------------------------


@composite
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A window of any shape and strides (in elements) onto the storage, from any place in it."""
    array = as_strided_window(input, size, stride, storage_offset)
    result = wrap(array)
    make_view(result, input)
    if mode.grad and input.requires_grad:
        node = AsStridedBackward0(gradient_edge(input), geometry(input), geometry(result))
        result._edge = edge_to(node, 0, array)
        result._requires_grad = True
    return result


class AsStridedBackward1(AsStridedBackward0):
    """The gradient of a tensor that itself became a window onto its memory."""

    __slots__ = ()


@only_method
def as_strided_(self: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """Make of the tensor itself a window onto its storage."""

    def node(array: Any) -> Any:
        return AsStridedBackward1(gradient_edge(self), geometry(self), geometry(wrap(array)))

    return become_view(self, lambda _: as_strided_window(self, size, stride, storage_offset), node)


def as_strided_window(input: Tensor, size: Any, stride: Any, storage_offset: int | None) -> Any:
    size, stride = to_ints("size", 2, size), to_ints("stride", 3, stride)
    array = input._array
    own = storage.offset(array)
    offset = own if storage_offset is None else to_int("storage_offset", 4, storage_offset)
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if min(stride, default=0) < 0:
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    if min(size, default=0) < 0:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}")
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    room = storage.storage(array).size
    last = offset + storage.span(size, stride)
    if 0 not in size and last > room:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
            f"{array.itemsize} requiring a storage size of {last * array.itemsize} are out of bounds for storage of size "
            f"{room * array.itemsize}"
        )
    return storage.window(array, size, stride, offset - own)


@only_method
def _as_strided_backward(self: Tensor, source: Geometry, window: Geometry) -> Tensor:
    """Zeros where the source lies, with the gradient `self` of the window added at its place.

    Made of operations, as torch makes it, so that it can be differentiated in turn.
    """
    gradient, (shape, strides, first) = self, window
    for axis in reversed(range(len(shape))):  # what the window repeats is added up first
        if shape[axis] == 1 or strides[axis] == 0:
            gradient = gradient.squeeze(axis) if shape[axis] == 1 else gradient.sum(axis)
            shape, strides = shape[:axis] + shape[axis + 1 :], strides[:axis] + strides[axis + 1 :]
    start = min(first, source[2])
    end = max(place[2] + storage.span(place[0], place[1]) for place in (window, source))
    memory = gradient.new_zeros(end - start)
    if 0 in shape:
        pass
    elif _may_overlap(shape, strides):
        memory.index_add_(0, _places(shape, strides, first - start), gradient.reshape(-1))
    else:
        memory.as_strided(shape, strides, first - start).copy_(gradient)
    shape, strides, first = source
    if _may_overlap(shape, strides):  # where the source itself repeats a place, each repetition has its share
        places = _places(shape, strides, first - start)
        memory.div_(memory.new_zeros(memory.numel()).index_add_(0, places, memory.new_ones(places.numel())))
    return memory.as_strided(shape, strides, first - start)


def _may_overlap(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether several elements may be one place in memory: not if every stride leads beyond all that is inside it."""
    reach = 0
    for stride, size in sorted((stride, size) for size, stride in zip(shape, strides, strict=True) if size > 1):
        if stride <= reach:
            return True
        reach += stride * (size - 1)
    return False


def _places(shape: Sequence[int], strides: Sequence[int], start: int) -> Tensor:
    """The place in memory of every element, in order."""
    places = np.full(shape, start)
    for axis, (size, stride) in enumerate(zip(shape, strides, strict=True)):
        places += (np.arange(size) * stride).reshape((size,) + (1,) * (len(shape) - axis - 1))
    return wrap(places.reshape(-1))
