"""Single elements written to places: scatter, scatter_add, masked_scatter, put."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import fit, to_int, to_number
from ..op import REGISTRY, composite, not_implemented, only_method, op, renamed
from ..tensor import Tensor, wrap_dim
from .arithmetic import name_of
from .creation import zeros_like
from .expanding import common_shape
from .gathering import check_index_of, check_places, check_take, flat_places
from .reduction import EXPECTED_OUT

# -- one index for every element ---------------------------------------------------------------------------------------


def check_scatter(input, dim, index, src=None, not_for_bool=""):
    """The dimension, if all fits; `not_for_bool`: the kernel that lacks it."""
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    check_index_of("scatter", input, dim, index, "self")
    if src is not None and src.dtype != input.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if not index.size:
        return dim
    lengths = index.shape or (1,)
    wide = any(d != dim and a > b for d, (a, b) in enumerate(zip(lengths, input.shape or (1,), strict=False)))
    short = False
    if src is not None and not wide:
        wrap_dim(index.ndim - 1 if index.ndim else 0, src.ndim)  # torch looks at every length before it counts them
        if max(src.ndim, 1) != max(index.ndim, 1):
            raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
        short = any(a > b for a, b in zip(lengths, src.shape or (1,), strict=False))
    if wide or short:
        beside = "" if src is None else f" and to be no larger size than src {list(src.shape)}"
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension {dim}"
            + beside
        )
    if not_for_bool and input.dtype == bool:
        raise not_implemented(not_for_bool, dtypes.bool_)
    check_places(input, dim, index)
    return dim


def _scattered(input, dim, index, values, add=False):
    """A copy with values at the places; of several for one place the last one stays, or all are added in order."""
    if add and input.dtype == np.float16:  # rounded once, at the end
        return _scattered(input.astype(np.float32), dim, index, values.astype(np.float32), add).astype(np.float16)
    result = input.copy()
    if index.size:
        places, row = flat_places(input.shape, dim, index), result.reshape(-1)
        if add:
            np.add.at(row, places, values_at(values, index))
        else:
            row[places] = values_at(values, index) if isinstance(values, np.ndarray) else values
    return result


def values_at(values, index):
    """In a row the values that belong to the indices, which may be fewer along each dimension."""
    return values[tuple(slice(n) for n in index.shape)].reshape(-1) if values.ndim else values.reshape(-1)


@op(
    input=lambda g, dim, index: g.scatter(dim, index, 0),
    index=None,
    src=lambda g, dim, index: g.gather(dim, index),
    node="ScatterBackward0",
    called="scatter",
    in_place=True,
    strict_out=EXPECTED_OUT,
    public=False,
    apart=("index", "src"),
)
def scatter_tensor(input, dim, index, src):
    """A copy with the elements of `src` at the places that `index` names along a dimension."""
    dim = check_scatter(input, dim, index, src)
    return _scattered(input, dim, index, src)


@op(
    input=lambda g, dim, index: g.scatter(dim, index, 0),
    index=None,
    node="ScatterBackward1",
    called="scatter",
    in_place=True,
    strict_out=EXPECTED_OUT,
    public=False,
    apart=("index",),
)
def scatter_value(input, dim, index, value):
    """A copy with one number at the places that `index` names along a dimension."""
    number = fit(value, dtypes.FROM_NUMPY[input.dtype])
    dim = check_scatter(input, dim, index)
    return _scattered(input, dim, index, number)


def _scatter_kind(value: Any, src: Any, reduce: Any) -> tuple[str, Any]:
    given = src if value is None else value
    kind = "scatter" if reduce is None else "scatter_reduce"
    if isinstance(given, Tensor):
        return f"{kind}_tensor", given
    return f"{kind}_value", to_number("value", 4, given)


@composite
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None, out: Any = None
) -> Tensor:
    """A copy in which out[i, index[i, j]] = src[i, j] for dim = 1, and so on; `src` may be a number.

    `reduce`: "add" or "multiply" what is there instead; then there is no gradient, which `scatter_reduce` has.
    """
    kind, source = _scatter_kind(value, src, reduce)
    if reduce is None:
        return (scatter_tensor if kind == "scatter_tensor" else scatter_value)(input, dim, index, source, out=out)
    from . import scatter_reducing

    return getattr(scatter_reducing, kind)(input, dim, index, source, reduce, out=out)


@only_method
def scatter_(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """Write the elements of `src`, or a number, to the places that `index` names along a dimension."""
    kind, source = _scatter_kind(value, src, reduce)
    if reduce is None:
        return change(kind, "scatter_", self, dim, index, source)
    from . import scatter_reducing  # noqa: F401  (which declares it)

    return change(kind, "scatter_", self, dim, index, source, reduce)


def change(kind: str, name: str, *arguments: Any) -> Tensor:
    """Do in place what an operation does, under a name of its own."""
    return _changing(kind, name)(*arguments)


@functools.cache
def _changing(kind: str, name: str) -> Any:
    return renamed(REGISTRY[kind].function_, name, 0)


@op(
    input=lambda g: g,
    index=None,
    src=lambda g, dim, index: g.gather(dim, index),
    in_place=True,
    strict_out=EXPECTED_OUT,
    apart=("index", "src"),
)
def scatter_add(input, dim, index, src):
    """A copy in which out[i, index[i, j]] += src[i, j] for dim = 1, and so on, one after the other in order."""
    dim = check_scatter(input, dim, index, src)
    return _scattered(input, dim, index, src, add=True)


# -- by a mask, or by places among all elements ------------------------------------------------------------------------


@op(
    input=lambda g, mask: g.masked_fill(mask, 0),
    mask=None,
    source=lambda g, mask, source_shape: _masked_scatter_backward(g, mask, source_shape),
    in_place=True,
    out=False,
    unchecked=("mask", "source"),
)
def masked_scatter(input, mask, source):
    """A copy with the elements of `source`, in order, where the mask holds."""
    if mask.dtype != bool:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {name_of(mask)}")
    if input.dtype != source.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got{name_of(input)} and {name_of(source)}"
        )
    shape = common_shape(input.shape, mask.shape)
    result = np.array(np.broadcast_to(input, shape), order="C")
    where = np.broadcast_to(mask, shape)
    count = int(where.sum())
    if source.size < count:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    result[where] = source.reshape(-1)[:count]
    return result


def _masked_scatter_backward(g, mask, shape):
    selected = g.masked_select(mask)
    missing = int(np.prod(shape, dtype=np.int64)) - selected.numel()
    if missing > 0:
        from .joining import cat

        selected = cat([selected, g.new_zeros(missing)], 0)
    return selected.view(shape)


@op(
    input=lambda g, index, accumulate: g if accumulate else g.put(index, zeros_like(index).to(g.dtype), False),
    index=None,
    source=lambda g, index, source_shape: g.take(index).reshape(source_shape),
    hides="source_sym_sizes",
    in_place=True,
    out=False,
    apart=("index", "source"),
)
def put(input, index, source, accumulate=False):
    """A copy with values at places counted through all elements in order, or added there."""
    if index.dtype != np.int64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {name_of(index)}")
    if input.dtype != source.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {name_of(input)} and source.dtype = "
            f"{name_of(source)}"
        )
    if index.size != source.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.size}, index.numel() = {index.size}"
        )
    if index.size and not input.size:
        raise IndexError("put_(): Tried to put elements into an empty tensor")
    check_take(input, index)
    flat = input.reshape(-1).copy()
    if accumulate:
        np.add.at(flat, index.reshape(-1), source.reshape(-1))
    else:
        flat[index.reshape(-1)] = source.reshape(-1)
    result = storage.empty_like(input)
    result[...] = flat.reshape(input.shape)
    return result
