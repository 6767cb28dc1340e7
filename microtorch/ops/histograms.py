"""How many elements there are in each of a row of bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import is_int, no_overload, to_int, to_ints, to_number, type_name
from ..engine import mode
from ..op import NUMBERS, composite, not_implemented, only_function, op, requires_grad
from ..op.nodes import NotImplementedNode
from ..op.operation import return_type
from ..tensor import Tensor, wrap
from ..views import gradient_edge, rebase_history
from .ranges import spaced
from .sets import bisect

Array = np.ndarray[Any, Any]

SAME_HIST = "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {2} and hist {3}"
SAME_EDGES = (
    "torch.histogram: input tensor and bin_edges tensor should have the same dtype, but got input {2} and bin_edges {3} "
    "for dimension 0"
)
# How a bin is found: by its number in a row of equal ones, which rounds; by that and a look at its edges; by search.
ROUGHLY, EXACTLY, SEARCHING = range(3)


@op(input=None, strict_out=SAME_HIST)
def histc(input, bins=100, min=0, max=0):
    """How many elements there are in each of `bins` bins of one width from `min` to `max`, or over their whole range."""
    bins = to_int("bins", 2, bins)
    low, high = (float(to_number(*given)) for given in (("min", 3, min), ("max", 4, max)))
    _check_count(bins, 0)
    if low == high and input.size:
        low, high = float(np.minimum.reduce(input, axis=None)), float(np.maximum.reduce(input, axis=None))
    if not np.isfinite(low) or not np.isfinite(high):
        raise RuntimeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError("torch.histc: max must be larger than min")
    if input.dtype == bool:
        raise not_implemented("linspace_cpu", dtypes.bool_)
    _check_kernel(input)
    if low == high:
        low, high = low - 1, high + 1
    return _counted(input.reshape(-1, 1), [_edges(low, high, bins, input)], None, ROUGHLY)


@op(
    input=lambda g: None,
    bins=lambda g: None,
    weight=lambda g: None,
    node="NotImplemented",
    called="histogram",
    outputs=("hist", "bin_edges"),
    strict_out=(SAME_HIST, SAME_EDGES),
    public=False,
)
def histogram_of(input, bins=None, weight=None, count=0, range=None, density=False):
    """The counts, and the edges of the bins."""
    rows = input.reshape(-1, 1)
    weight = None if weight is None else weight.reshape(-1)
    if bins is None:
        _check_count(count, 0)
        ((low, high),) = _outer_edges(rows, range)
        bins = _edges(low, high, count, input)
        _check(rows, [bins], weight)
        return _histogram(rows, [bins], weight, density, EXACTLY), bins
    _check(rows, [bins], weight)
    _check_count(bins.size - 1, 0)
    return _histogram(rows, [bins], weight, density, SEARCHING), bins.copy()


@composite
def histogram(
    input: Tensor,
    bins: Any = 100,
    *,
    range: Any = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Any = None,
) -> Any:
    """How many elements there are in each bin, or the sum of their weights; and the edges of the bins.

    `bins`: how many bins of one width there are over the whole `range`, or their edges in order. With `density` the area
    is 1. A bin holds its left edge, the last one the right edge, too.
    """
    by_edges = isinstance(bins, Tensor)
    if not (
        isinstance(input, Tensor)
        and (range is None if by_edges else is_int(bins) and _is_range(range))
        and _are_options(weight, density)
        and (out is None or (isinstance(out, (tuple, list)) and all(isinstance(each, Tensor) for each in out)))
    ):
        raise no_overload()
    edges, count = (bins, 0) if by_edges else (None, to_int("bins", 2, bins))
    return histogram_of(input, edges, weight, count, range, density, out=out)


def _declare(of: str, how: int) -> Any:
    """The counts of points, which are the first of the tensors; then come their edges and perhaps weights."""

    def forward(tensors, weighted, density):
        points, *edges = tensors
        weight = edges.pop() if weighted else None
        _check(points, edges, weight)
        for i, each in enumerate(edges):
            _check_count(each.size - 1, i)
        return _histogram(_rows(points), edges, None if weight is None else weight.reshape(-1), density, how)

    forward.__name__ = f"histogramdd_from_{of}"
    forward.__module__ = __name__
    return op(tensors=lambda g: None, node="NotImplemented", called="_" + forward.__name__, out=False, public=False)(
        forward
    )


histogramdd_from_bin_cts = _declare("bin_cts", EXACTLY)
histogramdd_from_bin_tensors = _declare("bin_tensors", SEARCHING)


def _inner_edges(input: Tensor, counts: Sequence[int], range: Any) -> tuple[Tensor, ...]:
    """The edges of bins of one width for each of the coordinates of points."""
    edges = []
    for (low, high), count in zip(_outer_edges(_rows(input._array), range), counts, strict=True):
        if count < -1:
            raise RuntimeError("number of steps must be non-negative")
        edges.append(wrap(_edges(low, high, count, input._array)))
    return tuple(edges)


def _record(edges: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Let edges that were found from the sources all come from one node."""
    recorded = [tensor for tensor in sources if requires_grad(tensor)]
    if mode.grad and recorded:
        node = NotImplementedNode(tuple(map(gradient_edge, recorded)), edges, "_histogramdd_bin_edges")
        for i, tensor in enumerate(edges):
            rebase_history(tensor, node, i)


@only_function
def histogramdd(
    input: Tensor, bins: Any, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """`histogram` of points in as many dimensions as the last one of `input` has elements.

    `bins` and `range` are given for each of them; one number of bins may stand for all.
    """
    weights = [] if weight is None else [weight]
    fitting = isinstance(input, Tensor) and _is_range(range) and _are_options(weight, density)
    if isinstance(bins, (tuple, list)):
        if not (fitting and (not bins or is_int(bins[0]))):
            for i, each in enumerate(bins):
                if not isinstance(each, Tensor):
                    raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type_name(each)}")
            if not fitting:
                raise no_overload()
            _check_dimensions(input)
            return HISTOGRAMDD(
                histogramdd_from_bin_tensors([input, *bins, *weights], len(weights), density), tuple(bins)
            )
        counts = to_ints("bins", 0, bins)
    elif fitting and is_int(bins):
        counts = (to_int("bins", 2, bins),) * (input.size(-1) if input.ndim != 1 else 1)
    else:
        raise no_overload()
    _check_dimensions(input)
    if len(counts) != input.shape[-1]:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    edges = _inner_edges(input, counts, range)
    hist = histogramdd_from_bin_cts([input, *edges, *weights], len(weights), density)
    _record(edges, [input, *weights])
    return HISTOGRAMDD(hist, edges)


HISTOGRAMDD = return_type("histogramdd", ("hist", "bin_edges"))


def _is_range(range: Any) -> bool:
    return range is None or (isinstance(range, (tuple, list)) and all(isinstance(end, NUMBERS) for end in range))


def _are_options(weight: Any, density: Any) -> bool:
    return (weight is None or isinstance(weight, Tensor)) and isinstance(density, bool)


def _check_dimensions(input: Tensor) -> None:
    if input.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")


def _check_kernel(input: Array) -> None:
    if input.dtype.kind != "f":
        raise not_implemented("histogram_cpu", dtypes.FROM_NUMPY[input.dtype])


def _check_count(count: int, dim: int) -> None:
    if count <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {count} for dimension {dim}")


def _check(points: Array, bins: Sequence[Array], weight: Array | None) -> None:
    dtype, n = dtypes.FROM_NUMPY[points.dtype], points.shape[-1]
    if len(bins) != n:
        raise RuntimeError(
            f"torch.histogramdd: expected {n} sequences of bin edges for a {n}-dimensional histogram but got {len(bins)}"
        )
    for i, edges in enumerate(bins):
        if edges.dtype is not points.dtype:
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{dtype.cpp_name} and bins for dimension {i} with dtype {dtypes.FROM_NUMPY[edges.dtype].cpp_name}"
            )
        if edges.ndim != 1:
            raise RuntimeError(
                f"torch.histogramdd: bins tensor should have one dimension, but got {edges.ndim} dimensions in the bins "
                f"tensor for dimension {i}"
            )
        if not edges.size:
            raise RuntimeError(
                "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins tensor "
                f"for dimension {i}"
            )
    if weight is None:
        return
    if weight.dtype is not points.dtype:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same dtype, "
            f"but got input({dtype.cpp_name}), and weight({dtypes.FROM_NUMPY[weight.dtype].cpp_name})"
        )
    if (weight.shape or (1,)) != points.shape[:-1]:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding "
            f"its innermost dimension, but got input with shape {list(points.shape)} and weight with shape "
            f"{list(weight.shape)}"
        )


def _outer_edges(rows: Array, ends: Any) -> list[tuple[float, float]]:
    """The outermost edges for each coordinate: as given, or the least and the largest there is, or 0 and 1."""
    n = rows.shape[1]
    if ends is not None:
        if len(ends) != 2 * n:
            raise RuntimeError(
                f"torch.histogramdd: for a {n}-dimensional histogram range should have {2 * n} elements, but got "
                f"{len(ends)}"
            )
        pairs = [(float(low), float(high)) for low, high in zip(ends[::2], ends[1::2], strict=True)]
    elif rows.size:
        if rows.dtype.char not in "fd":
            raise not_implemented("histogramdd", dtypes.FROM_NUMPY[rows.dtype])
        pairs = list(zip(rows.min(0).tolist(), rows.max(0).tolist(), strict=True))
    else:
        pairs = [(0.0, 1.0)] * n
    for i, (low, high) in enumerate(pairs):
        if not (np.isfinite(low) and np.isfinite(high)):
            raise RuntimeError(f"torch.histogramdd: dimension {i}'s range [{low:g}, {high:g}] is not finite")
        if low > high:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {i}"
            )
    return [(low - 0.5, high + 0.5) if low == high else (low, high) for low, high in pairs]


def _rows(points: Array) -> Array:
    """The points one below the other."""
    return points.reshape(math.prod(points.shape[:-1]), points.shape[-1])


def _edges(low: float, high: float, count: int, like: Array) -> Array:
    return spaced(low, high, count + 1, dtypes.FROM_NUMPY[like.dtype]).astype(like.dtype, copy=False)


def _histogram(rows: Array, bins: Sequence[Array], weight: Array | None, density: bool, how: int) -> Array:
    """The counts, or with `density` their parts of the whole by the volumes of the bins."""
    _check_kernel(rows)
    hist = _counted(rows, bins, weight, how)
    if density:
        parts = wrap(hist)
        parts.div_(parts.sum().item())
        for i, edges in enumerate(bins):
            parts.div_(wrap(np.diff(edges)).reshape([-1 if i == d else 1 for d in range(hist.ndim)]))
    return hist


def _counted(rows: Array, bins: Sequence[Array], weight: Array | None, how: int) -> Array:
    """How many rows, or what sum of their weights, there are in each bin; what is outside or nan is in none."""
    shape = [edges.size - 1 for edges in bins]
    if not shape:
        return np.zeros((), rows.dtype)
    places, inside = np.zeros(len(rows), np.int64), np.ones(len(rows), bool)
    for x, edges, count in zip(rows.T, bins, shape, strict=True):
        fits = (x >= edges[0]) & (x <= edges[-1])
        inside &= fits
        found = _bins(np.where(fits, x, edges[0]), edges, how) if fits.any() else 0
        places = places * count + np.minimum(found, count - 1)
    places = places[inside]
    if weight is None:
        return np.bincount(places, minlength=int(np.prod(shape))).astype(rows.dtype).reshape(shape)
    hist = np.zeros(int(np.prod(shape)), rows.dtype)
    np.add.at(hist, places, weight[inside])
    return hist.reshape(shape)


def _bins(x: Array, edges: Array, how: int) -> Array:
    """The number of the bin in which each x is; the last edge begins a bin, too."""
    if how == SEARCHING:
        return bisect(edges, x, True) - 1
    count = edges.size - 1
    with np.errstate(all="ignore"):
        found = ((x - edges[0]) * x.dtype.type(count) / (edges[-1] - edges[0])).astype(np.int64)
    found = np.maximum(found, 0)  # what overflows has become the least of integers
    if how == ROUGHLY:
        return found
    first, end = np.maximum(found - 1, 0), np.minimum(found + 2, count + 1)
    near = first[:, None] + np.arange(3)
    reached = (near < end[:, None]) & (edges[np.minimum(near, count)] <= x[:, None])
    return first + reached.sum(1) - 1
