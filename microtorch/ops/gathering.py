"""Elements collected from places: gather, index_select, take, masked_select, nonzero."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import to_int, wrong_type
from ..memory import check_overlap, check_partial_overlap, warn_resized, write_out
from ..op import composite, only_function, op, publish
from ..tensor import Tensor, wrap, wrap_dim, wrap_real_dim
from .arithmetic import name_of
from .expanding import common_shape, expand
from .reduction import EXPECTED_OUT
from .shape import as_tensor_argument

# -- one index for every element ---------------------------------------------------------------------------------------


def flat_places(shape, dim, index):
    """Where the elements are that `index` speaks of along a dimension, counted through all elements of a shape in order."""
    if not (shape and index.ndim):
        return index.reshape(-1)
    return _flat(shape, dim, index, index.shape).reshape(-1)


def flat_slices(shape, dim, index):
    """The same of whole slices, at the indices of a vector."""
    places = index.reshape((-1,) + (1,) * (len(shape) - dim - 1))
    return _flat(shape, dim, places, (*shape[:dim], index.size, *shape[dim + 1 :])).reshape(-1)


def _flat(shape, dim, index, lengths):
    offsets = _offsets if math.prod(lengths) <= REMEMBERED else _offsets.__wrapped__
    step, others = offsets(shape, dim, tuple(lengths))
    return (index if step == 1 else index * step) + others


REMEMBERED = 4096  # elements


@functools.lru_cache(maxsize=64)
def _offsets(shape, dim, lengths):
    """How far a step along a dimension goes through all elements, and where the steps along the others lead."""
    others: Any = np.zeros((1,) * len(shape), np.int64)
    step = along = 1
    for d in reversed(range(len(shape))):
        if d == dim:
            along = step
        else:
            others = others + (np.arange(lengths[d]) * step).reshape((-1,) + (1,) * (len(shape) - d - 1))
        step *= shape[d]
    others.flags.writeable = False
    return along, others


def check_index_of(name, input, dim, index, what="input"):
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if index.size and max(index.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {what} tensor")


def check_places(input, dim, index):
    size = input.shape[dim] if input.ndim else 1
    if not index.size or (index.dtype.char == "l" and np.maximum.reduce(index.view(np.uint64), None) < size):
        return  # what is negative would be beyond all places
    outside = (index < 0) | (index >= size)
    if outside.any():
        bad = index[outside].reshape(-1)[0]
        raise RuntimeError(f"index {bad} is out of bounds for dimension {dim} with size {size}")


@op(
    input=lambda g, input_shape, dim, index: g.new_zeros(input_shape).scatter_add(dim, index, g),
    index=None,
    hides="self_sym_sizes",
    strict_out=EXPECTED_OUT,
    apart=("input",),
)
def gather(input, dim, index, *, sparse_grad=False):
    """out[i, j] = x[i, index[i, j]] for dim = 1, and so on: an element for every index along a dimension."""
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    check_index_of("gather", input, dim, index)
    if index.size:
        for d, (a, b) in enumerate(zip(index.shape, input.shape, strict=False)):
            if d != dim and a > b:
                raise RuntimeError(
                    f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                    f"{list(input.shape)} apart from dimension {dim}"
                )
        check_places(input, dim, index)
    if not index.size:
        return np.empty(index.shape, input.dtype)
    if not input.ndim:
        return np.broadcast_to(input, index.shape).copy()
    if not index.ndim:
        return input[index]
    if input.flags.c_contiguous:
        return input.reshape(-1).take(flat_places(input.shape, dim, index)).reshape(index.shape)
    part = tuple(slice(None) if d == dim else slice(n) for d, n in enumerate(index.shape))
    return storage.in_order(np.take_along_axis(input[part], index.astype(np.int64, copy=False), dim))


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """`gather` where input and indices broadcast; without `dim`, of all elements in a row."""
    if dim is None:
        return gather(input.view(-1), 0, indices.view(-1), out=out)
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    if indices.dtype is not dtypes.int64:
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype.legacy_name}"
        )
    dim = wrap_real_dim(wrap_dim(to_int("dim", 3, dim), input.ndim), input.ndim)
    shapes = [list(input.shape), list(indices.shape)]
    lengths = [shape[dim] for shape in shapes]
    for shape in shapes:
        shape[dim] = 1
    common = list(common_shape(tuple(shapes[0]), tuple(shapes[1])))
    wide = [expand(t, (*common[:dim], n, *common[dim + 1 :])) for t, n in zip((input, indices), lengths, strict=True)]
    return gather(wide[0], dim, wide[1], out=out)


publish(take_along_dim)


# -- one index for every slice -----------------------------------------------------------------------------------------


@op(
    input=lambda g, input_shape, dim, index: g.new_zeros(input_shape).index_add(dim, index, g),
    index=None,
    strict_out="index_select(): self and result must have the same scalar type",
    apart=("input", "index"),
)
def index_select(input, dim, index):
    """The slices of a dimension at the indices of a vector."""
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if not input.ndim and index.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index.size} value(s)")
    if index.size and input.ndim > 1 and not input.shape[dim]:
        raise RuntimeError("index_select(): self indexing axis dim should be positive")
    if dim == 1 and (outside := (index < 0) | (index >= input.shape[1])).any():  # which has a kernel of its own
        raise RuntimeError(f"INDICES element is out of DATA bounds, id={index[outside][0]} axis_dim={input.shape[1]}")
    check_indices(input, dim, index)
    return storage.in_order(input.take(index.reshape(-1), dim)) if input.ndim else input.copy()


def check_indices(input, dim, index):
    if ((index < 0) | (index >= (input.shape[dim] if input.ndim else 1))).any():
        raise IndexError("index out of range in self")


# -- by a mask, or by places among all elements ------------------------------------------------------------------------


@op(
    input=lambda g, input_shape, mask: _masked_select_backward(g, input_shape, mask),
    mask=None,
    hides="self_sym_sizes",
    strict_out="masked_select(): self and result must have the same scalar type",
    apart=("input", "mask"),
)
def masked_select(input, mask):
    """The elements where the mask holds, in a row; the two broadcast."""
    if mask.dtype != bool:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    common_shape(mask.shape, input.shape)
    input, mask = np.broadcast_arrays(input, mask)
    return input[mask]


def _masked_select_backward(g, input_shape, mask):
    shape = common_shape(tuple(input_shape), mask._array.shape)
    return g.new_zeros(shape).masked_scatter(mask, g)


@op(
    input=lambda g, input_shape, index: _take_backward(g, input_shape, index),
    index=None,
    hides="self_sym_sizes",
    strict_out="take(): self and out expected to have the same dtype, but got self.dtype = {0} and out.dtype = {1}",
    apart=("input", "index"),
)
def take(input, index):
    """The elements at places counted through all elements in order."""
    if index.dtype != np.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {name_of(index)}")
    if index.size and not input.size:
        raise IndexError("take(): tried to take from an empty tensor")
    check_take(input, index)
    return np.take(input, index)


def check_take(input, index):
    outside = (index < -input.size) | (index >= input.size)
    if outside.any():
        bad = index[outside].reshape(-1)[0]
        raise IndexError(f"out of range: tried to access index {bad} on a tensor of {input.size} elements.")


def _take_backward(g, input_shape, index):
    return g.new_zeros(input_shape).put(index, g, True)


# -- where something is ------------------------------------------------------------------------------------------------


@op(input=None, public=False, out=False)
def places(input):
    """The indices of all elements that are not zero, one set in a row."""
    found = np.array(np.nonzero(input if input.ndim else input.reshape(1)), np.int64)
    return found[: input.ndim].T if input.ndim else np.empty((found.shape[1], 0), np.int64)


@composite
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The indices of all elements that are not zero: one row for each, or one vector for each dimension."""
    if not isinstance(input, Tensor):
        raise wrong_type("input", 1, "Tensor", input)
    if not isinstance(as_tuple, bool):
        raise wrong_type("as_tuple", 0, "bool", as_tuple)
    if as_tuple:
        return places(input if input.ndim else input.unsqueeze(0)).unbind(1)
    found = places(input)
    if out is None:
        return found
    array = found._array
    if out.dtype is not dtypes.int64:
        raise RuntimeError(
            f"nonzero: Expected out tensor to have scalar type Long but got scalar type{out.dtype.legacy_name}"
        )
    check_overlap(out._array)
    check_partial_overlap(out._array, input._array, whole=True)
    if out._array.shape != array.shape:
        if out._array.size:
            warn_resized(out.shape, array.shape)
        out._array = storage.resized(out._array, array.shape[::-1]).T
    write_out(out, array)
    return out


@composite
def argwhere(input: Tensor) -> Tensor:
    """The indices of all elements that are not zero, one row for each."""
    return places(input)


@composite
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """`nonzero` with so many rows: the rest is left out, or what is missing filled up."""
    size, fill_value = to_int("size", 0, size), to_int("fill_value", 0, fill_value)
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = places(as_tensor_argument(input))._array[:size]
    result = np.full((size, found.shape[1]), fill_value)
    result[: len(found)] = found
    return wrap(result)


@only_function
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The index in every dimension of elements that are counted through all in order."""
    if indices.is_floating_point() or indices.dtype is dtypes.bool_:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if not isinstance(shape, (int, Sequence)):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    lengths = (shape,) if isinstance(shape, int) else tuple(shape)
    for length in lengths:
        if not isinstance(length, int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(length)}")
    if any(length < 0 for length in lengths):
        raise ValueError(f"'shape' cannot have negative values, but got {lengths}")
    steps = [math.prod(lengths[i + 1 :]) for i in range(len(lengths))]
    counted = indices.unsqueeze(-1).floor_divide(wrap(np.array(steps, np.int64)))
    return (counted % wrap(np.array(lengths, np.int64))).unbind(-1)
