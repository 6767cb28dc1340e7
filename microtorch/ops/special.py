"""Special functions, element by element: the error function, the gamma function and their relatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..arguments import no_overload, to_float, to_int
from ..engine import mode
from ..kernels import bessel, error_functions, gamma
from ..op import (
    FLOAT,
    METHODS,
    REGISTRY,
    compose_into,
    no_derivative,
    only_function,
    only_method,
    pointwise,
    renamed,
)
from ..tensor import Tensor
from .arithmetic import require_tensor
from .comparison import as_arrays, where
from .numbers import plus_number, times_number
from .pointwise import exp, log
from .ranges import arange

ROOT_OF_PI = float(np.sqrt(np.pi))

# -- the error function ------------------------------------------------------------------------------------------------


@pointwise(input=lambda g, input: 2.0 / ROOT_OF_PI * exp(-(input**2)) * g, promotion=FLOAT)
def erf(input):
    """The error function 2/√π·∫₀ˣ exp(−t²)dt; derivative 2/√π·exp(−x²)."""
    return error_functions.erf(input)


@pointwise(input=lambda g, input: -2.0 / ROOT_OF_PI * exp(-(input**2)) * g, promotion=FLOAT)
def erfc(input):
    """1 − erf(x), exact where it is small."""
    return error_functions.erfc(input)


@pointwise(input=lambda g, input: 0.5 * ROOT_OF_PI * exp(erfinv(input) ** 2) * g, promotion=FLOAT)
def erfinv(input):
    """The inverse of erf; derivative ½√π·exp(erfinv(x)²)."""
    return error_functions.erfinv(input)


# -- the gamma function ------------------------------------------------------------------------------------------------


@pointwise(input=lambda g, input: g * digamma(input), promotion=FLOAT)
def lgamma(input):
    """ln |Γ(x)|; derivative ψ(x)."""
    return gamma.lgamma(input)


@pointwise(input=lambda g, input: g * polygamma_of(input, 1), promotion=FLOAT)
def digamma(input):
    """ψ(x), the derivative of ln Γ."""
    return gamma.digamma(input)


@pointwise(
    input=lambda g, input, n: g * polygamma_of(input, n + 1),
    promotion=FLOAT,
    node="PolygammaBackward0",
    node_in_place="PolygammaBackward1",
    called="polygamma",
    public=False,
)
def polygamma_of(input, n):
    """The nth derivative of ψ."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return gamma.polygamma(n, input)


@only_function
def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The nth derivative of ψ, ψ itself for n = 0; its derivative is the next one."""
    n = to_int("n", 1, n)
    require_tensor("input", 2, input)
    return polygamma_of(input, n, out=out)


@only_method
def polygamma_(input: Tensor, n: int) -> Tensor:
    """`polygamma` in place."""
    return REGISTRY["polygamma_of"].in_place((input,), (to_int("n", 2, n),), "polygamma_")


def _turned(input: Tensor, n: int) -> Tensor:
    """The nth derivative of ψ."""
    return polygamma(n, input)


METHODS.here["polygamma"] = renamed(_turned, "polygamma", 0)


@pointwise(
    input=lambda g, input, p: g * digamma(_steps(input, p)).sum(-1),
    promotion=FLOAT,
    order=lambda input: (),
    cast_error="mvlgamma: result type {0} can't be cast to the desired output type {0}",
    check_in_place=lambda input: _of_fractions("mvlgamma", input),
    unchecked=("input",),
)
def mvlgamma(input, p):
    """ln of the multivariate gamma function of dimension p: p(p − 1)/4·ln π + Σ ln Γ(x − i/2) over i < p."""
    p = to_int("p", 2, p)
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    steps = np.arange(-p / 2 + 0.5, 0.25, 0.5).astype(input.dtype)
    total = kernels.sum(gamma.lgamma(np.expand_dims(np.ascontiguousarray(input), -1) + steps), (-1,))
    return total.reshape(input.shape) + np.asarray(p * (p - 1) * np.log(np.pi) * 0.25, input.dtype)


def _of_fractions(name: str, input: Tensor) -> None:
    if not input.is_floating_point():
        given, result = input.dtype.legacy_name, dtypes.get_default_dtype().legacy_name
        raise RuntimeError(f"{name}: result type {given} can't be cast to the desired output type {result}")


def _steps(input: Tensor, p: int) -> Tensor:
    return arange(-p / 2 + 0.5, 0.25, 0.5, dtype=input.dtype) + input.unsqueeze(-1)


@pointwise(
    input=no_derivative("zeta"),
    other=lambda g, input, other: g * -input * special_zeta(input + 1.0, other),
    promotion=FLOAT,
    node=lambda input, other: _overload("SpecialZetaBackward", input, other),
    hides={"SpecialZetaBackward2": "self other"},
    numbers=("input", "other"),
    refuses=("zeta_cpu", "e"),
    in_place=False,
    public=False,
)
def special_zeta(input, other):
    """Hurwitz's zeta function Σ 1/(k + y)ˣ over k ≥ 0."""
    return gamma.zeta(input, other)


def _overload(prefix: str, input: Any, other: Any) -> str:
    """The node's name: 0 for two tensors, 1 where the first is a number, 2 where the second is one."""
    return prefix + ("1" if not isinstance(input, Tensor) else "0" if isinstance(other, Tensor) else "2")


# -- x·ln y ------------------------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g, input, other: _without(xlogy(g, other), input, other, 0.0),
    other=lambda g, input, other: g * input / other,
    promotion=FLOAT,
    node=lambda input, other: _overload("XlogyBackward", input, other),
    numbers=("input", "other"),
    check=lambda input, other: _some_tensor(input, other),
)
def xlogy(input, other):
    """x·ln y, and 0 where x is 0."""
    return _times_log(kernels.log, input, other)


@pointwise(
    input=lambda g, input, other: _without(special_xlog1py(g, other), input, other, -1.0),
    other=lambda g, input, other: g * input / (other + 1),
    promotion=FLOAT,
    node=lambda input, other: _overload("SpecialXlog1PyBackward", input, other),
    numbers=("input", "other"),
    check=lambda input, other: _some_tensor(input, other),
    in_place=False,
    public=False,
)
def special_xlog1py(input, other):
    """x·ln(1 + y), and 0 where x is 0."""
    return _times_log(kernels.log1p, input, other)


def _times_log(log, x, y):
    x, y = as_arrays(x, y)
    return np.where(np.isnan(y), y, np.where(x == 0, x.dtype.type(0), x * log(y)))


def _without(slope: Tensor, input: Tensor, other: Any, limit: float) -> Tensor:
    """0 where x is 0 and y not above the limit, which is where the logarithm begins."""
    low = other <= limit
    if isinstance(low, Tensor):
        return slope.masked_fill(input.eq(0) & low, 0.0)
    return slope.masked_fill(input.eq(0), 0.0) if low else slope


def _some_tensor(*values: Any) -> None:
    if not any(isinstance(value, Tensor) for value in values):
        raise no_overload()


@pointwise(input=lambda g, input: g * -(1 + log(input)), promotion=FLOAT, in_place=False, public=False)
def special_entr(input):
    """−x·ln x: 0 at 0, −∞ below."""
    return np.where(np.isnan(input), input, np.where(input < 0, -np.inf, _entropy(input))).astype(input.dtype)


def _entropy(x):
    return np.where(x == 0, x.dtype.type(0), -x * kernels.log(x))


# -- the inverse of the sigmoid ----------------------------------------------------------------------------------------


@pointwise(input=lambda g, input, eps: _logit_slope(g, input, eps), promotion=FLOAT, in_half=True)
def logit(input, eps=None):
    """ln(x/(1 − x)), the inverse of sigmoid; x is first brought into [eps, 1 − eps], if eps is given."""
    eps = -1.0 if eps is None else to_float("eps", 2, eps)
    if eps < 0:
        return kernels.log(input / (1 - input))
    low, high = _limits(input, eps)
    x = np.where(input < low, low, np.where(input > high, high, input))
    return kernels.log(x / (1 - x))


def _limits(x, eps):
    low = x.dtype.type(eps)
    return low, x.dtype.type(1) - low


def _logit_slope(g, input, eps):
    """g/(x·(1 − x)) within the limits; beyond them 0, or nan if there was no eps: one below 0 is one if recorded only."""
    none = eps is None or (eps < 0 and not mode.grad)
    low, high, beyond = (0.0, 1.0, math.nan) if none else (*_limits(input._array, eps), 0.0)
    product = input * (1 - input)
    if mode.grad:
        return (g / product).where((input >= float(low)) & (input <= float(high)), beyond)
    outside = (input < float(low)) | (input > float(high))  # unlike above, where nan is outside, too
    return (g / product.abs()).masked_fill(outside, beyond)  # −0 is as good as 0


# -- probabilities -----------------------------------------------------------------------------------------------------


def normal_below(input: Tensor, out: Tensor | None) -> Tensor:
    """½·(1 + erf(x/√2)), of torch's nodes."""
    if out is not None:
        return compose_into(out, "special_ndtr", normal_below, input, None)
    require_tensor("input", 1, input)
    return times_number(plus_number(erf(times_number(input, math.sqrt(0.5))), 1), 0.5)


# -- sinc and Bessel's functions ---------------------------------------------------------------------------------------


@pointwise(input=lambda g, input: _sinc_backward(g, input), promotion=FLOAT)
def sinc(input):
    """sin(πx)/(πx), and 1 at 0."""
    product = input * input.dtype.type(np.pi)
    return np.where(input == 0, input.dtype.type(1), kernels.sin(product) / product)


def _sinc_backward(g, input):
    scaled = input * np.pi
    square = input * input * np.pi
    return where(square == 0, 0.0, g * ((scaled * scaled.cos() - scaled.sin()) / square))


@pointwise(input=lambda g, input: g * special_i1(input), promotion=FLOAT)
def i0(input):
    """The modified Bessel function I₀ of the first kind; derivative I₁(x)."""
    return bessel.i0(input)


@pointwise(
    input=lambda g, out, input: g * (special_i1e(input) - input.sgn() * out),
    promotion=FLOAT,
    node="SpecialI0EBackward0",
    in_place=False,
    public=False,
)
def special_i0e(input):
    """e⁻|ˣ|·I₀(x)."""
    return bessel.i0e(input)


@pointwise(input=lambda g, out, input: _i1_backward(g, out, input), promotion=FLOAT, in_place=False, public=False)
def special_i1(input):
    """The modified Bessel function I₁ of the first kind."""
    return bessel.i1(input)


@pointwise(
    input=lambda g, out, input: _i1e_backward(g, out, input),
    promotion=FLOAT,
    node="SpecialI1EBackward0",
    in_place=False,
    public=False,
)
def special_i1e(input):
    """e⁻|ˣ|·I₁(x)."""
    return bessel.i1e(input)


def _away_from_0(input: Tensor) -> tuple[Tensor, Tensor]:
    """Where x is large enough to divide by, and numbers that are."""
    eps = dtypes.finfo(input.dtype).eps
    large = input.abs() > eps
    return large, input.where(large, eps)


def _i1_backward(g, out, input):
    """I₀(x) − I₁(x)/x, which at 0 is ½."""
    large, safe = _away_from_0(input)
    return g * (i0(safe) - out * safe.reciprocal()).where(large, 0.5)


def _i1e_backward(g, out, input):
    large, safe = _away_from_0(input)
    return g * (special_i0e(safe) - out * (safe.sgn() + safe.reciprocal())).where(large, 0.5)
