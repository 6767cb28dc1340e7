"""Quantiles, covariances, differences and areas: made of other operations, whose nodes they leave in the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import MISSING, check_optional_tensors, no_overload, to_int, to_number, wrong_type
from ..memory import check_partial_overlap
from ..op import NUMBERS, compose_into, composite, only_function
from ..settings import warn
from ..tensor import Tensor, wrap, wrap_dim
from .arithmetic import add, mul, require_tensor, sub, true_divide
from .comparison import clamp, logical_xor
from .creation import zeros_like
from .gathering import gather
from .joining import cat
from .linalg import mm
from .numbers import over_number, times_number
from .parts import narrow, select, slice_view
from .pointwise import sqrt
from .reduction import nansum, sum
from .scans import cumsum
from .sorting import sort_of

# -- quantiles ---------------------------------------------------------------------------------------------------------

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@composite
def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The numbers below which the parts q of all elements lie, or of those along `dim`; nan if one of these is.

    Between two elements by `interpolation`: "linear", "lower", "higher", "midpoint" or "nearest". Several q stand
    along a first dimension of the result.
    """
    return _quantile(input, q, dim, keepdim, interpolation, out, False)


@composite
def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The `quantile` of those elements that are not nan."""
    return _quantile(input, q, dim, keepdim, interpolation, out, True)


def _quantile(input, q, dim, keepdim, interpolation, out, ignores_nan):
    if not isinstance(input, Tensor) or not isinstance(q, (Tensor, *NUMBERS)):
        raise no_overload()
    if not isinstance(interpolation, str):
        raise wrong_type("interpolation", 0, "str", interpolation)
    check_optional_tensors(out=out)
    if out is not None and out.dtype is not input.dtype and input.is_floating_point():
        raise RuntimeError("quantile() out tensor must be same dtype as the input tensor")
    if out is not None:
        return compose_into(out, "quantile", _quantile, input, q, dim, keepdim, interpolation, None, ignores_nan)
    axis = None if dim is None else wrap_dim(to_int("dim", 3, dim), input.ndim)
    q = _checked_part(input, q)
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(
            f"quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    ordered, shape = _ordered(input, axis, keepdim)
    parts = max(q.numel(), 0) if q.ndim else 1
    ordered = ordered.view((*shape, ordered.shape[-1]))
    ranks = _ranks(ordered, q, ignores_nan)
    if interpolation in ("lower", "higher", "nearest"):
        ranks = {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}[interpolation]()
    below = ranks.detach().to(dtypes.int64)
    values = gather(ordered, -1, below)
    if interpolation in ("linear", "midpoint"):
        weights = wrap(np.full_like(ranks._array, 0.5)) if interpolation == "midpoint" else sub(ranks, below)
        values.lerp_(gather(ordered, -1, ranks.detach().ceil().to(dtypes.int64)), weights)
    assert values.shape[-1] == parts
    if not q.ndim:
        return values.squeeze_(-1)
    return values.unsqueeze_(0).transpose_(0, -1).squeeze_(-1)


def _checked_part(input: Tensor, q: Any) -> Tensor:
    """The argument q as a tensor."""
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {float(q):g}")
        q = wrap(np.asarray(q, input._array.dtype if input.is_floating_point() else None))
    if not input.numel():
        raise RuntimeError("quantile() input tensor must be non-empty")
    if q.ndim > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    if input.dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    if q.dtype is not input.dtype:
        raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    if not ((q._array >= 0) & (q._array <= 1)).all():
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    return q


def _ordered(input: Tensor, axis: int | None, keepdim: bool) -> tuple[Tensor, tuple[int, ...]]:
    """The elements to choose from in order along the last dimension, and the shape of what is chosen."""
    shape = list(input.shape)
    if axis is None:
        return sort_of(input.flatten(), -1, False, MISSING)[0], (1,) * input.ndim if keepdim else ()
    if input.ndim:
        shape[axis : axis + 1] = [1] if keepdim else []
    if axis != input.ndim - 1:
        input = input.unsqueeze(-1).transpose(axis, -1)
    return sort_of(input, -1, False, MISSING)[0], tuple(shape)


def _ranks(ordered: Tensor, q: Tensor, ignores_nan: bool) -> Tensor:
    """The places of the quantiles in their order, fractions included."""
    x = ordered._array
    if ignores_nan:
        counts = wrap(np.expand_dims((~np.isnan(x)).sum(-1), -1) - 1)
        ranks = mul(q, counts)
        return ranks.masked_fill(ranks < 0, 0)
    last = x.shape[-1] - 1
    nan = wrap(np.expand_dims(np.isnan(x).any(-1), -1))
    ranks = times_number(q, last)
    shape = np.broadcast_shapes(ranks.shape, nan.shape)
    return (ranks if ranks.shape == shape else ranks.expand(shape)).masked_fill(nan.expand(shape), last)


@composite
def nanmean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """The mean of those elements that are not nan."""
    require_tensor("input", 1, input)
    if not input.is_floating_point():
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype.legacy_name}"
        )
    if out is not None:
        return compose_into(out, "nanmean", lambda x: nanmean(x, dim, keepdim, dtype=dtype), input)
    counts = sum(wrap(~np.isnan(input._array)), None if dim is None else dim, keepdim)
    return true_divide(nansum(input, dim, keepdim, dtype=dtype), counts)


# -- covariance --------------------------------------------------------------------------------------------------------


def _weights(name: str, weights: Any, kind: str, count: int) -> Tensor | None:
    """The weights of observations, checked."""
    if weights is None:
        return None
    if weights.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.ndim} dimensions"
        )
    if (weights.is_floating_point() or weights.dtype is dtypes.bool_) is not (kind == "floating point"):
        got = weights.dtype.legacy_name
        raise RuntimeError(f"cov(): expected {name} to have {kind} dtype but got {name} with {got} dtype")
    if weights.numel() != count:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got "
            f"{weights.numel()} != {count}"
        )
    if weights.numel() and weights._array.min() < 0:
        raise RuntimeError(f"cov(): {name} cannot be negative")
    return weights


@composite
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariance matrix Σ w·(x − mean)(y − mean)/(Σw − correction) of variables in rows, observations in columns.

    `fweights`: how often each observation counts; `aweights`: how much.
    """
    require_tensor("input", 1, input)
    correction = to_int("correction", 0, correction)
    check_optional_tensors(fweights=fweights, aweights=aweights)
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    if input.dtype is dtypes.bool_:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.view((1, -1)) if input.ndim < 2 else input
    n = x.shape[1]
    often = _weights("fweights", fweights, "integral", n)
    much = _weights("aweights", aweights, "floating point", n)
    weights = mul(often, much) if often is not None and much is not None else often if much is None else much
    total = wrap(np.asarray(n)) if weights is None else sum(weights)
    if weights is not None and not total._array:
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    weighted = x if weights is None else mul(x, weights)
    mean = true_divide(sum(weighted, 1), total)
    norm = total - correction if correction or weights is None else total
    if much is not None and correction:
        assert weights is not None
        norm = total - times_number(sum(mul(weights, much)), correction) / total
    if norm._array <= 0:
        warn("cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.")
        norm = norm * 0
    centred = sub(x, mean.unsqueeze(1))
    product = mm(centred, (centred if weights is None else mul(centred, weights)).t())
    return true_divide(product, norm).squeeze()


@composite
def corrcoef(input: Tensor) -> Tensor:
    """The matrix of correlations of variables in rows: their covariance, divided by their standard deviations."""
    require_tensor("input", 1, input)
    if input.ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    c = cov(input)
    if not c.ndim:
        return true_divide(c, c)
    deviation = sqrt(c.diagonal())
    return clamp(true_divide(true_divide(c, deviation.view((-1, 1))), deviation.view((1, -1))), -1, 1)


# -- differences and areas ---------------------------------------------------------------------------------------------


@composite
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The differences of neighbours along `dim`, n times over; of bools, whether they differ."""
    require_tensor("input", 1, input)
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    axis = wrap_dim(to_int("dim", 3, dim), input.ndim)
    n = to_int("n", 2, n)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    check_optional_tensors(prepend=prepend, append=append)
    for end in (prepend, append):
        if end is not None:
            _check_end(input, end, axis)
    joined = [end for end in (prepend, input, append) if end is not None]
    result = cat(joined, dim) if len(joined) > 1 else input
    steps = min(n, result.shape[axis])
    if not steps and out is not None:
        if n:
            narrow(result, axis, 1, 0)  # which is refused; without `out` torch sees that there is nothing to subtract
        check_partial_overlap(out._array, input._array)
        return compose_into(out, "sub", diff, input, n, dim, prepend, append)
    if not n:
        return zeros_like(result).copy_(result)
    for step in range(steps, 0, -1):
        length = result.shape[axis] - 1
        behind, ahead = narrow(result, dim, 0, length), narrow(result, dim, 1, length)
        between = logical_xor if result.dtype is dtypes.bool_ else sub
        result = between(ahead, behind, out=out if step == 1 else None)
    return result


def _check_end(input: Tensor, end: Tensor, axis: int) -> None:
    if end.ndim != input.ndim:
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    for i, (a, b) in enumerate(zip(input.shape, end.shape, strict=True)):
        if i != axis and a != b:
            raise RuntimeError(
                "diff expects the shape of tensor to prepend or append to match that of input except along the "
                f"differencing dimension; input.size({i}) = {a}, but got tensor.size({i}) = {b}"
            )


def _steps(name: str, y: Tensor, x: Tensor, axis: int) -> Tensor:
    """The distances of the sample points."""
    if x.ndim == 1:
        if x.shape[0] != y.shape[axis]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.view([-1 if i == axis else 1 for i in range(y.ndim)])
    elif x.ndim < y.ndim:
        x = x.view((1,) * (y.ndim - x.ndim) + tuple(x.shape))
    before, after = _neighbours(x, axis)
    return sub(after, before)


def _pairs(y: Tensor, dim: int) -> Tensor:
    """The sums of neighbours."""
    return add(*_neighbours(y, dim))


def _neighbours(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """All but the last, and all but the first."""
    return slice_view(x, dim, 0, -1, 1), slice_view(x, dim, 1, None, 1)


def _check_tensors(y: Any, x: Any) -> None:
    if not isinstance(y, Tensor) or not (x is None or isinstance(x, Tensor)):
        raise no_overload()


def _check_samples(name: str, y: Tensor, x: Tensor | None, dx: Any) -> None:
    """Refuse what is no samples."""
    if y.dtype is dtypes.bool_ or (x is not None and x.dtype is dtypes.bool_):
        which = "`y`" if x is None else "`x` or `y`"
        raise RuntimeError(f"{name}: received a bool input for {which}, but bool is not supported")
    if isinstance(dx, bool):
        raise RuntimeError(f"{name}: Currently, we only support dx as a real number.")


@only_function
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The area below samples along `dim`, by the trapezoidal rule; their points are x, or a distance dx apart."""
    _check_tensors(y, x)
    dx = to_number("dx", 0, dx)
    dim = to_int("dim", 0, dim)
    if not y.ndim:
        place = dim if x is None else wrap_dim(dim, 0)
        raise IndexError(f"Dimension specified as {place} but tensor has no dimensions")
    axis = wrap_dim(dim, y.ndim)
    if not y.shape[axis]:
        return wrap(np.zeros(y.shape[:axis] + y.shape[axis + 1 :], y._array.dtype))
    _check_samples("trapezoid", y, x, dx)
    if x is not None:
        return over_number(sum(mul(_pairs(y, axis), _steps("trapezoid", y, x, axis)), axis), 2.0)
    ends = add(select(y, dim, 0), select(y, dim, -1))
    return times_number(sub(sum(y, dim), times_number(ends, 0.5)), float(dx))


@only_function
def trapz(y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """`trapezoid` under numpy's name."""
    return trapezoid(y, x, dx=dx, dim=dim)


@only_function
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The area from the first sample to each other, as `trapezoid`."""
    _check_tensors(y, x)
    dx = to_number("dx", 0, dx)
    _check_samples("cumulative_trapezoid", y, x, dx)
    if not y.ndim:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    dim = to_int("dim", 0, dim)
    axis = wrap_dim(dim, y.ndim)
    if x is not None:
        return over_number(cumsum(mul(_pairs(y, axis), _steps("cumulative_trapezoid", y, x, axis)), axis), 2.0)
    return cumsum(times_number(_pairs(y, dim), float(dx) / 2.0), dim)
