"""Variance and standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..arguments import may_be_ints, no_overload, to_ints, to_number
from ..memory import check_cast
from ..op import NUMBERS, composite, only_function, op
from ..settings import warn
from ..tensor import Tensor, wrap
from .reduction import axes, count, in_order, restore


def _var_backward(g, input, dim, correction, keepdim):
    """2/(n − correction)·g·(x − mean); for an empty tuple of dimensions, torch takes n to be 1."""
    freedom = (1 if dim == () else count(input.shape, dim)) - (1 if correction is None else correction)
    if dim is None or input.ndim == 0:
        if freedom <= 0:
            limit = np.where(input._array == input._array.mean(), np.nan, np.inf).astype(input._array.dtype)
            return g * wrap(np.asarray(limit))
        return (2.0 / freedom) * g * (input - input.mean())
    g = restore(g, input.shape, dim, keepdim)
    with np.errstate(all="ignore"):
        factor = float(np.divide(2.0, freedom))
    return factor * g * (input - input.mean(dim, True))


def _std_backward(g, out, input, dim, correction, keepdim):
    return _var_backward((g / (out * 2)).masked_fill(out == 0, 0), input, dim, correction, keepdim)


def _moments(name, input, dim, correction, keepdim):
    """Variance and mean, computed in float64."""
    if input.dtype.kind != "f":
        who = name if name.endswith("_mean") else "std and var"
        raise RuntimeError(f"{who} only support floating point and complex dtypes")
    reduced = axes(dim, input.ndim, keepdim)
    n = count(input.shape, dim)
    correction = 1 if correction is None else correction
    if (n if input.size else 0) - correction <= 0:
        warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
            "(input numel divided by output numel)."
        )
    variance, mean = kernels.moments(input, reduced, keepdim, correction, name.endswith("_mean"))
    return in_order(np.asarray(variance)), in_order(np.asarray(mean))


@op(
    input=lambda g, input, dim, correction, keepdim: _var_backward(g, input, dim, correction, keepdim),
    node="VarBackward0",
    called="var",
    public=False,
)
def var_correction(input, dim, correction, keepdim):
    """Variance Σ(x − mean)²/(n − correction)."""
    return _moments("var", input, dim, correction, keepdim)[0].astype(input.dtype)


@op(
    input=lambda g, out, input, dim, correction, keepdim: _std_backward(g, out, input, dim, correction, keepdim),
    node="StdBackward0",
    called="std",
    public=False,
)
def std_correction(input, dim, correction, keepdim):
    """The root of the variance."""
    return np.sqrt(_moments("std", input, dim, correction, keepdim)[0]).astype(input.dtype)


def _mean_too(gradients, backward, arguments, input, dim, keepdim):
    """The gradient through the variance, and that through the mean which was asked for with it."""
    g, g_mean = gradients
    first = None if g is None else backward(g, *arguments)
    if g_mean is None:
        return first
    mean = restore(g_mean, input.shape, dim, keepdim).expand(input.shape) / count(input.shape, dim)
    return mean if first is None else first + mean


@op(
    input=lambda gradients, input, dim, correction, keepdim: _mean_too(
        gradients, _var_backward, (input, dim, correction, keepdim), input, dim, keepdim
    ),
    node="VarMeanBackward0",
    outputs=("var", "mean"),
    public=False,
)
def var_mean_correction(input, dim, correction, keepdim):
    """Variance and mean."""
    return tuple(m.astype(input.dtype) for m in _moments("var_mean", input, dim, correction, keepdim))


@op(
    input=lambda gradients, std, input, dim, correction, keepdim: _mean_too(
        gradients, _std_backward, (std, input, dim, correction, keepdim), input, dim, keepdim
    ),
    node="StdMeanBackward0",
    shows={"result0": "std"},
    outputs=("std", "mean"),
    public=False,
)
def std_mean_correction(input, dim, correction, keepdim):
    """Standard deviation and mean."""
    variance, mean = _moments("std_mean", input, dim, correction, keepdim)
    return np.sqrt(variance).astype(input.dtype), mean.astype(input.dtype)


OPTIONS = {"dim", "unbiased", "keepdim", "correction"}
ALIASES = {"axis": "dim", "keepdims": "keepdim"}


def _spread(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any, bool]:
    """(dim, correction, keepdim) from the overload (unbiased), (dim, unbiased, keepdim) or (dim, *, correction…)."""
    alone = bool(args) and isinstance(args[0], bool)
    names = ("unbiased",) if alone else ("dim", "unbiased", "keepdim")
    placed = dict(zip(names, args, strict=False))
    named = {ALIASES.get(name, name): value for name, value in named.items()}
    given = placed | named
    dim, keepdim, correction = given.get("dim"), given.get("keepdim", False), given.get("correction")
    older = "unbiased" in given
    if (
        len(args) > len(names)
        or (alone and named)
        or placed.keys() & named.keys()
        or not given.keys() <= OPTIONS
        or (older and ("correction" in given or ("keepdim" in given and "dim" not in given)))
        or type(keepdim) is not bool
        or type(given.get("unbiased", True)) is not bool
        or not (correction is None or isinstance(correction, (Tensor, *NUMBERS)))
        or not (dim is None or may_be_ints(dim))
    ):
        raise no_overload()
    if older:
        correction = int(given["unbiased"])
    elif isinstance(correction, Tensor):
        correction = to_number("correction", 0, correction)
    return (None if dim is None else to_ints("dim", 2, dim, or_one=True)), correction, keepdim


@composite
def var(input: Tensor, *args: Any, out: Tensor | None = None, **named: Any) -> Tensor:
    """Variance Σ(x − mean)²/(n − correction): `var(dim=None, *, correction=1, keepdim=False)`.

    `unbiased` is an older argument: True for a correction of 1, False for 0.
    """
    options = _spread(args, named)
    if out is not None:
        check_cast(input._array.dtype, out._array.dtype)
    return var_correction(input, *options, out=out)


@composite
def std(input: Tensor, *args: Any, out: Tensor | None = None, **named: Any) -> Tensor:
    """Standard deviation, the root of the variance; called as `var`."""
    options = _spread(args, named)
    if out is not None:
        check_cast(input._array.dtype, out._array.dtype)
    return std_correction(input, *options, out=out)


@only_function
def var_mean(input: Tensor, *args: Any, **named: Any) -> Any:
    """Variance and mean; called as `var`."""
    return tuple(var_mean_correction(input, *_spread(args, named)))


@only_function
def std_mean(input: Tensor, *args: Any, **named: Any) -> Any:
    """Standard deviation and mean; called as `var`."""
    return tuple(std_mean_correction(input, *_spread(args, named)))
