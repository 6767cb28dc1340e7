"""Sorting, and selecting elements by their order, along one dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import MISSING, no_overload, to_int, wrong_type
from ..kernels import topk as by_order
from ..memory import check_partial_overlap
from ..op import compose_into, composite, not_implemented, op, write_into
from ..tensor import Tensor, wrap_dim
from .arithmetic import require_tensor
from .extrema import selected, to_selected
from .reduction import EXPECTED_OUT, in_order


def _along_last(x, axis, function):
    """A function of the last axis, applied to another."""
    return np.moveaxis(function(np.moveaxis(x, axis, -1)), -1, axis)


def _as_laid_out(array, like):
    """An array with its elements in the order in memory in which another has them."""
    if array.shape != like.shape or 0 in like.strides:
        return in_order(array)
    result = np.empty_like(like, dtype=array.dtype)
    result[...] = array
    return result


@op(
    input=lambda g, indices, input_shape, dim: to_selected(g, indices, input_shape, dim, True),
    node=lambda input, dim, descending, stable: "SortBackward0" if stable is MISSING else "SortBackward1",
    outputs=("values", "indices"),
    called="sort",
    strict_out=EXPECTED_OUT,
    public=False,
)
def sort_of(input, dim, descending, stable):
    """The elements along a dimension in order, and their indices."""
    axis = wrap_dim(dim, input.ndim)
    if not input.ndim:
        return input.copy(), np.zeros((), np.int64)
    kernel = by_order.stable if stable is True or not input.strides[axis] else by_order.sort
    order = _along_last(input, axis, lambda x: kernel(x, descending))
    values = np.take_along_axis(input, order, axis)
    return _as_laid_out(values, input), _as_laid_out(order, input)


def _check(input: Any, dim: Any, descending: Any, stable: Any, kinds: tuple[type, ...]) -> None:
    """Refuse arguments that no overload takes."""
    require_tensor("input", 1, input)
    fine = isinstance(dim, int) and not isinstance(dim, bool) and isinstance(descending, bool)
    if not fine or not (stable is MISSING or isinstance(stable, kinds)):
        raise no_overload()


@composite
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: Any = MISSING, out: Any = None) -> Any:
    """The elements along `dim` in order, nan above every number, and their indices.

    Equal elements stay in their order if the sort is `stable`; otherwise they come in the order of torch's own sort,
    but of more than 4096 they stay in theirs.
    """
    _check(input, dim, descending, stable, (bool, type(None)))
    return sort_of(input, dim, descending, stable, out=out)


@composite
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: Any = MISSING, out: Tensor | None = None
) -> Tensor:
    """The indices that `sort` gives."""
    _check(input, dim, descending, stable, (bool,))
    indices: Tensor = sort_of(input.detach(), dim, descending, stable)[1]
    return indices if out is None else write_into(out, "argsort", (), lambda: indices._array)


@composite
def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements in order along the first dimension."""
    require_tensor("input", 1, input)
    if out is not None:
        check_partial_overlap(out._array, input._array)
        return compose_into(out, "sort", msort, input, strict=EXPECTED_OUT)
    return sort_of(input, 0, False, MISSING)[0]


@op(
    input=lambda g, indices, input_shape, dim: to_selected(g, indices, input_shape, dim, True),
    outputs=("values", "indices"),
    strict_out=EXPECTED_OUT,
)
def topk(input, k, dim=-1, largest=True, sorted=True):
    """The k largest, or smallest, elements along `dim`, nan above every number, and their indices."""
    k = to_int("k", 2, k)
    axis = wrap_dim(to_int("dim", 3, dim), input.ndim)
    for name, position, value in (("largest", 4, largest), ("sorted", 5, sorted)):
        if not isinstance(value, bool):
            raise wrong_type(name, position, "bool", value)
    if not 0 <= k <= (input.shape[axis] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if input.dtype == bool:
        raise RuntimeError("topk does not support bool dtypes on CPU")
    if not input.ndim:
        return input.copy(), np.zeros((), np.int64)
    order = _along_last(input, axis, lambda x: by_order.best(x, k, largest, sorted))
    return in_order(np.take_along_axis(input, order, axis)), in_order(order)


@op(
    input=lambda g, indices, input_shape, dim, keepdim: to_selected(g, indices, input_shape, dim, keepdim),
    outputs=("values", "indices"),
    strict_out=("output values must be of same type as input", "output indices must be of scalar type Long"),
)
def kthvalue(input, k, dim=-1, keepdim=False):
    """The k-th smallest element along `dim`, nan above every number, and its index."""
    k = to_int("k", 2, k)
    axis = wrap_dim(to_int("dim", 3, dim), input.ndim)
    if input.ndim and not input.shape[axis]:
        raise IndexError(f"kthvalue(): Expected reduction dim {axis} to have non-zero size.")
    if not 1 <= k <= (input.shape[axis] if input.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {axis}")
    if input.dtype == bool and input.ndim:
        raise not_implemented("kthvalue_cpu", dtypes.bool_)
    return selected("kthvalue", lambda x, axis: by_order.kth(np.moveaxis(x, axis, -1), k - 1), input, dim, keepdim)


@op(
    input=lambda g, indices, input_shape, dim, keepdim: to_selected(g, indices, input_shape, dim, keepdim),
    outputs=("values", "indices"),
    strict_out=tuple(
        f"expected scalar type '{{0}}' but got '{{1}}' for {which} output" for which in ("values", "indices")
    ),
)
def mode(input, dim=-1, keepdim=False):
    """The most frequent element along `dim`, the smallest of several, and its index."""
    return selected("mode", lambda x, axis: by_order.mode(np.moveaxis(x, axis, -1)), input, dim, keepdim)
