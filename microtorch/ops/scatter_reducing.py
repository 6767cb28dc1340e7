"""Elements and slices combined with what is already at their place: by sum, product, mean, or the larger or smaller."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import fit, to_int, wrong_type
from ..casting import cast
from ..op import not_implemented, op
from ..settings import warn_once
from ..tensor import wrap_dim
from .comparison import where
from .gathering import check_indices, flat_places, flat_slices
from .reduction import EXPECTED_OUT
from .scattering import check_scatter, values_at
from .slices import check_filled, check_slices

COMBINE = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def _neutral(reduce, dtype):
    """What changes nothing when it is combined with a number."""
    if reduce in ("sum", "mean", "prod"):
        return dtype.type(reduce == "prod")
    if dtype.kind == "f":
        return dtype.type(-np.inf if reduce == "amax" else np.inf)
    if dtype.kind == "b":
        return np.bool_(reduce == "amin")
    return dtype.type(np.iinfo(dtype).min if reduce == "amax" else np.iinfo(dtype).max)


def _combined(input, places, values, reduce, include_self, stepwise=False):
    """A copy in which a row of values is combined with what is at their places, one after the other in order.

    `stepwise`: numbers of float16 are rounded each time, else once.
    """
    result = np.array(input, np.float32 if input.dtype == np.float16 and not stepwise else None, order="C")
    row, values = result.reshape(-1), values.astype(result.dtype, copy=False)
    if not include_self:
        row[places] = _neutral(reduce, result.dtype)
    COMBINE[reduce].at(row, places, values)
    if reduce == "mean":
        count = np.full(row.shape, int(include_self))
        np.add.at(count, places, 1)
        count = np.maximum(count, 1)
        total = cast(row, input.dtype)
        row[:] = total / count.astype(total.dtype) if total.dtype.kind == "f" else total // count
    return cast(result, input.dtype)


# -- elements ----------------------------------------------------------------------------------------------------------


class _Elements:
    """How the gradient formulas below reach the places of elements."""

    names = "scatter_reduce", "src"

    def __init__(self, dim: Any, index: Any) -> None:
        self.arguments = dim, index

    def get(self, x: Any) -> Any:
        return x.gather(*self.arguments)

    def add(self, x: Any, values: Any) -> Any:
        return x.scatter_add(*self.arguments, values)

    def clear(self, x: Any) -> Any:
        return x.scatter(*self.arguments, 0)

    def combine(self, x: Any, values: Any, include_self: bool) -> Any:
        return x.scatter_reduce(*self.arguments, values, "prod", include_self=include_self)


class _Slices(_Elements):
    """The same for whole slices."""

    names = "index_reduce", "source"

    def get(self, x: Any) -> Any:
        return x.index_select(*self.arguments)

    def add(self, x: Any, values: Any) -> Any:
        return x.index_add(*self.arguments, values)

    def clear(self, x: Any) -> Any:
        return x.index_fill(*self.arguments, 0)

    def combine(self, x: Any, values: Any, include_self: bool) -> Any:
        return x.index_reduce(*self.arguments, values, "prod", include_self=include_self)


def _slope_of_input(g, at, input, source, reduce, include_self, out):
    """The gradient of what was there before."""
    if reduce == "prod":
        filled = input.masked_fill(input == 0, 1)
        slope = g * at.combine(filled, source, include_self) / filled
    elif reduce == "mean":
        slope = g / _count(g, at, source, include_self)
    elif reduce in ("amax", "amin"):
        slope = (input == out).to(g.dtype) * (g / _ties(at, input, source, out))
    else:
        slope = g
    return slope if include_self else at.clear(slope)


def _slope_of_source(g, at, input, source, reduce, include_self, out):
    """The gradient of what was combined with it."""
    if reduce == "prod":
        zero = source == 0
        zeros = at.get(at.add(input.new_zeros(input.shape), zero.to(input.dtype)))
        alone = zero.logical_and(zeros == 1)
        others = at.combine(input, source.masked_fill(alone, 1), include_self)
        slope = where(alone, at.get(g * others), at.get(g * out) / source.masked_fill(zero, 1))
        return undifferentiable(slope, at.names) if bool((zeros > 1).any()) else slope
    if reduce == "mean":
        return at.get(g) / at.get(_count(g, at, source, include_self))
    if reduce in ("amax", "amin"):
        return (source == at.get(out)).to(g.dtype) * at.get(g / _ties(at, input, source, out))
    return at.get(g)


def _count(g, at, source, include_self):
    """How many numbers came together at each place."""
    count = g.new_ones(g.shape) if include_self else g.new_zeros(g.shape)
    count = at.add(count, source.new_ones(source.shape))
    return count.masked_fill(count == 0, 1)


def _ties(at, input, source, out):
    """How many of them are the result: they share its gradient."""
    return at.add((input == out).to(input.dtype), (source == at.get(out)).to(input.dtype))


@op(input=lambda names: _refuse(*names), node="Error", out=False, public=False)
def undifferentiable(input, names):
    """A gradient in which products of several zeros are taken for 0, so that its own gradient would be wrong."""
    return input


def _refuse(name, source):
    raise RuntimeError(
        f"{name}(): Double backward is unsupported for {source} when >1 zeros in {source} are scattered to the same position "
        "in self"
    )


@op(
    input=lambda g, dim, index, input, src, reduce, include_self, out: _slope_of_input(
        g, _Elements(dim, index), input, src, reduce, include_self, out
    ),
    index=None,
    src=lambda g, dim, index, input, src, reduce, include_self, out: _slope_of_source(
        g, _Elements(dim, index), input, src, reduce, include_self, out
    ),
    in_place=True,
    strict_out=EXPECTED_OUT,
    apart=("index", "src"),
)
def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    """A copy in which out[i, index[i, j]] is combined with src[i, j] for dim = 1, and so on.

    `reduce`: "sum", "prod", "mean", "amax" or "amin"; without `include_self` of the new ones alone.
    """
    if not isinstance(reduce, str):
        raise wrong_type("reduce", 5, "str", reduce)
    if reduce not in COMBINE:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    mean = reduce == "mean"
    dim = check_scatter(input, dim, index, src, "scatter_gather_tensor_cpu_reduce_mean" if mean else "")
    if mean and input.dtype == bool:
        raise not_implemented("div_floor_cpu", dtypes.bool_)
    return _scattered(input, dim, index, src, reduce, include_self)


def _scattered(input, dim, index, values, reduce, include_self=True):
    if not index.size:
        return np.array(input, order="C")
    return _combined(input, flat_places(input.shape, dim, index), values_at(values, index), reduce, include_self)


# -- what scatter(reduce=…) is -----------------------------------------------------------------------------------------

OLD = {"add": "sum", "multiply": "prod"}


def _old(reduce):
    if reduce not in OLD:
        raise RuntimeError("reduce argument must be either add or multiply.")
    return OLD[reduce]


@op(
    input=lambda g: g,
    index=None,
    src=lambda g: g,
    node="NotImplemented",
    called="scatter",
    strict_out=EXPECTED_OUT,
    in_place=True,
    public=False,
    apart=("index", "src"),
)
def scatter_reduce_tensor(input, dim, index, src, reduce):
    """`scatter_reduce` under an older name, without a gradient."""
    warn_once(
        "The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a future PyTorch "
        "release. Use torch.scatter_reduce instead for more reduction options."
    )
    dim = check_scatter(input, dim, index, src)
    return _scattered(input, dim, index, src, _old(reduce))


@op(
    input=lambda g: g,
    index=None,
    node="NotImplemented",
    called="scatter",
    strict_out=EXPECTED_OUT,
    in_place=True,
    public=False,
    apart=("index",),
)
def scatter_reduce_value(input, dim, index, value, reduce):
    """The same with one number in the place of all."""
    number = fit(value, dtypes.FROM_NUMPY[input.dtype])
    dim = check_scatter(input, dim, index)
    return _scattered(input, dim, index, np.broadcast_to(number, index.shape), _old(reduce))


# -- slices ------------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, dim, index, input, source, reduce, include_self, out: _slope_of_input(
        g, _Slices(dim, index), input, source, reduce, include_self, out
    ),
    index=None,
    source=lambda g, dim, index, input, source, reduce, include_self, out: _slope_of_source(
        g, _Slices(dim, index), input, source, reduce, include_self, out
    ),
    in_place=True,
    strict_out=EXPECTED_OUT,
    apart=("index", "source"),
)
def index_reduce(input, dim, index, source, reduce, *, include_self=True):
    """A copy in which slices of a dimension are combined with those of `source`, at the indices of a vector.

    `reduce`: "prod", "mean", "amax" or "amin"; without `include_self` of the new ones alone.
    """
    if not isinstance(reduce, str):
        raise wrong_type("reduce", 5, "str", reduce)
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    check_slices("index_reduce", input, dim, index, source)
    warn_once("index_reduce() is in beta and the API may change at any time.")
    if input.dtype == bool and input.ndim < 2 and include_self:
        raise not_implemented("index_func_", dtypes.bool_)
    if input.dtype == bool and (reduce == "mean" or not include_self):
        raise not_implemented("div_floor_cpu" if include_self else "index_reduce_func_exclude_input_init", dtypes.bool_)
    if not include_self:  # what is there is written over first
        check_filled(input, dim, index)
    check_indices(input, dim, index)
    places = flat_slices(input.shape, dim, index.reshape(-1)) if input.ndim else index.reshape(-1)
    return _combined(input, places, source.reshape(-1), reduce, include_self, stepwise=True)
