"""What is at the places that tensors name: read, by `index`, and written, by `index_put_`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import called, type_name, wrong_type
from ..casting import cast
from ..engine import GRAD, mode
from ..layout import arranged
from ..memory import check_partial_overlap
from ..op import REGISTRY, check_writable, composite, op, requires_grad
from ..settings import warn
from ..tensor import Tensor
from ..views import check_inplace, rebase_history
from .index_tensors import (
    Indices,
    array_of,
    bounded,
    check_index,
    check_lengths,
    check_mask,
    expanded_indices,
    front,
    kept,
    result_shape,
)

# -- reading -----------------------------------------------------------------------------------------------------------


def _take(input: Any, indices: Sequence[Any]) -> Any:
    """The indexed elements, laid out in memory as torch's iterator lays them out."""
    array, given, start = front(input, indices)
    key = (slice(None),) * start + tuple(given)
    result = array[key]
    if array.flags.c_contiguous and all(i.flags.c_contiguous for i in given):
        return storage.in_order(result)
    between = given[0].ndim
    shape = result_shape(array, given, start)
    strides = array.strides[:start] + (0,) * between + array.strides[start + len(given) :]
    source = np.lib.stride_tricks.as_strided(array, shape, strides) if array.size else array
    before, after = (1,) * start, (1,) * (len(shape) - start - between)
    widened = [i.reshape(before + i.shape + after) for i in given]
    return arranged(storage.in_order(result), [source, *widened])


def _index_backward(g, input_shape, indices):
    zeros = g.new_zeros(input_shape)
    return index_put_accumulated(zeros, indices, g)


@op(input=_index_backward, public=False)
def index(input, indices):
    """The elements at the places that tensors of indices, broadcast together, name in the first dimensions."""
    rows = array_of(indices[0])
    if (
        len(indices) == 1
        and rows.dtype.kind == "i"
        and input.flags.c_contiguous
        and rows.flags.c_contiguous
        and input.ndim
    ):
        try:
            return input.take(rows, 0)
        except IndexError:
            pass  # the general way finds which it is
    return _take(input, bounded(input, expanded_indices(input, indices)))


# -- writing -----------------------------------------------------------------------------------------------------------


def _put(target: Any, indices: Sequence[Any], values: Any, accumulate: bool) -> None:
    """Write values to the indexed places; with `accumulate` add them, one after the other in order."""
    array, given, start = front(target, indices)
    key = (slice(None),) * start + tuple(given)
    shape = result_shape(array, given, start)
    values = _without_leading_ones(values, len(shape))
    if not accumulate:
        try:
            array[key] = values
        except IndexError:  # which it is; or else nothing is written
            bounded(target, indices)
        return
    values = np.broadcast_to(values, shape)
    if not values.size:
        return
    if array.dtype.kind == "b":
        np.logical_or.at(array, key, values)
    else:
        _add_at(array, given, start, values)


def _without_leading_ones(values: Any, ndim: int) -> Any:
    return values.reshape(values.shape[values.ndim - ndim :]) if values.ndim > ndim else values


def _add_at(array: Any, given: list[Any], start: int, values: Any) -> None:
    if start == 0 and len(given) == 1 and array.ndim == 1:
        np.add.at(array, given[0], values)
        return
    if array.dtype.kind == "f" and array.dtype.itemsize > 2:
        # One index for each row of what lies behind: then numpy's fast loop applies, and the order is the same.
        flat = np.zeros(given[0].shape, np.int64)
        for index, size in zip(given, array.shape[start:], strict=False):
            flat = flat * size + np.where(index < 0, index + size, index)
        before, behind = array.shape[:start], array.shape[start + len(given) :]
        count = int(np.prod(array.shape[start : start + len(given)]))
        inner = int(np.prod(behind))
        places = flat.reshape(-1, 1) * inner + np.arange(inner)
        whole = np.ascontiguousarray(array).reshape((-1, count * inner))
        spread = values.reshape((whole.shape[0], -1)) if values.size else np.zeros((whole.shape[0], 0), array.dtype)
        for row, added in zip(whole, spread, strict=True):
            np.add.at(row, places.reshape(-1), added)
        array[...] = whole.reshape(before + array.shape[start : start + len(given)] + behind)
        return
    np.add.at(array, (slice(None),) * start + tuple(given), values)


def _index_put_gradient(g, indices, accumulate):
    return g if accumulate else index_put_out_of_place(g, indices, g.new_zeros(()), False)


@op(
    input=_index_put_gradient,
    values=lambda g, indices: index(g, indices),
    node="IndexPutBackward0",
    out=False,
    public=False,
)
def index_put_out_of_place(input, indices, values, accumulate):
    """A copy with values at the indexed places."""
    result = storage.copy(input)
    expanded = _checked(result, indices, values, accumulate)
    _put(result, expanded, values, accumulate)
    return result


@op(
    input=lambda g: g,
    values=lambda g, indices: index(g, indices),
    node="IndexPutImplBackward0",
    out=False,
    public=False,
)
def index_put_accumulated(input, indices, values):
    """A copy with values added at the indexed places."""
    result = input.copy()
    _put(result, expanded_indices(result, indices), values, True)
    return result


def _checked(target: Any, indices: Indices, values: Any, accumulate: bool) -> Sequence[Any]:
    """The indices one for each dimension, after the checks that torch makes before it writes."""
    expanded = expanded_indices(target, indices)
    check_lengths(target, expanded)
    array, given, start = front(target, expanded)
    shape = result_shape(array, given, start)
    lead = len(shape) - values.ndim
    fits = all(n in (1, shape[lead + i]) if lead + i >= 0 else n == 1 for i, n in enumerate(values.shape))
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of shape "
            f"{list(shape)}"
        )
    if values.dtype != target.dtype:
        into, of = (dtypes.FROM_NUMPY[a.dtype].legacy_name for a in (target, values))
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {into} for the destination and {of} for the "
            "source."
        )
    return bounded(target, expanded) if accumulate else expanded


def put_at(input: Tensor, indices: Indices, values: Tensor, accumulate: bool = False) -> Tensor:
    """Write into the tensor itself."""
    target, source = input._array, values._array
    recorded = mode.flags & GRAD and (requires_grad(input) or requires_grad(values))
    if recorded:
        check_inplace(input)
    check_writable(input)
    mask, place = (None, 0) if accumulate or source.size != 1 else _one_mask(indices)
    expanded: Sequence[Any] = ()
    if mask is not None:  # as masked_fill_, which casts
        check_mask(target, mask, place)
        if mask.dtype.kind == "u":
            raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype unsigned char")
        check_partial_overlap(target, mask)
        source = cast(source, target.dtype)
    else:
        for read in (source, *(array_of(i) for i in indices if i is not None)):
            check_partial_overlap(target, read, whole=True)
        expanded = _checked(target, indices, source, accumulate)
    if not target.flags.c_contiguous and 0 in target.strides:
        _warn_expanded(target)
    node = None
    if recorded:
        node = REGISTRY["index_put_out_of_place"].make_node([input], [input, values], [kept(indices), accumulate])
    if mask is None:
        _put(target, expanded, source, accumulate)
    else:
        target[(slice(None),) * place + (mask,)] = source.reshape(())
    input._counter[0] += 1
    if node is not None:
        rebase_history(input, node)
    return input


def _one_mask(indices: Indices) -> tuple[Any, int]:
    """The mask and its first dimension, if that is all there is to the index."""
    given = [(array_of(index), place) for place, index in enumerate(indices) if index is not None]
    return given[0] if len(given) == 1 and given[0][0].dtype.kind in "bu" else (None, 0)


def _warn_expanded(array: Any) -> None:
    if any(n > 1 and s == 0 for n, s in zip(array.shape, array.strides, strict=True)):
        warn(
            "Use of index_put_ on expanded tensors is deprecated. Please clone() the tensor before performing this operation. "
            "This also applies to advanced indexing e.g. tensor[indices] = tensor"
        )


# -- by name -----------------------------------------------------------------------------------------------------------


def _checked_indices(indices: Any) -> list[Tensor]:
    if not isinstance(indices, (tuple, list)):
        raise wrong_type("indices", 2, "tuple of Tensors", indices)
    for i, tensor in enumerate(indices):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument {called()[1]}, but got {type_name(tensor)}")
        check_index(tensor._array)
    return list(indices)


@composite
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy with values at the places named by tensors of indices, or added to what is there."""
    return index_put_out_of_place(input, kept(_checked_indices(indices)), values, accumulate)


@composite
def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Write values to the places named by tensors of indices, or add them to what is there."""
    return put_at(input, _checked_indices(indices), values, accumulate)
