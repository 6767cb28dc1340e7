"""Functions of one variable, element by element."""

from __future__ import annotations

import builtins
import math

import numpy as np

from .. import dtypes, kernels
from ..arguments import to_float, to_int
from ..layout import arranged
from ..op import FLOAT, alias, not_implemented, only_function, op, pointwise
from ..tensor import Tensor
from .arithmetic import SAME_DTYPE, require_tensor
from .creation import zeros_like

LN2 = float(np.log(2.0))
LN10 = 2.3025850929940456  # torch's, one unit in the last place below ln 10


# -- exponentials, logarithms, roots -----------------------------------------------------------------------------------


@pointwise(input=lambda g, out: g * out, promotion=FLOAT)
def exp(input):
    """eˣ, its own derivative."""
    return kernels.exp(input)


@pointwise(input=lambda g, out: g * out * LN2, promotion=FLOAT)
def exp2(input):
    """2ˣ; derivative 2ˣ·ln 2."""
    return kernels.exp2(input)


@pointwise(input=lambda g, out: g * (out + 1), promotion=FLOAT)
def expm1(input):
    """eˣ − 1, exact near 0."""
    return kernels.expm1(input)


@pointwise(input=lambda g, input: g / input, promotion=FLOAT)
def log(input):
    """Natural logarithm; derivative 1/x."""
    return kernels.log(input)


@pointwise(input=lambda g, input: g / (input * LN2), promotion=FLOAT)
def log2(input):
    """Logarithm to base 2; derivative 1/(x·ln 2)."""
    return kernels.log2(input)


@pointwise(input=lambda g, input: g / (input * LN10), promotion=FLOAT)
def log10(input):
    """Logarithm to base 10; derivative 1/(x·ln 10)."""
    return kernels.log10(input)


@pointwise(input=lambda g, input: g / (input + 1), node="Log1PBackward0", promotion=FLOAT)
def log1p(input):
    """ln(1 + x), exact near 0; derivative 1/(1 + x)."""
    return kernels.log1p(input)


@pointwise(input=lambda g, out: g / (2 * out), promotion=FLOAT)
def sqrt(input):
    """√x; derivative 1/(2√x)."""
    return kernels.sqrt(input)


@pointwise(input=lambda g, out: -0.5 * g * pow(out, 3), promotion=FLOAT)
def rsqrt(input):
    """1/√x; derivative −½·x^(−3/2)."""
    return np.true_divide(1, np.sqrt(input))


@pointwise(input=lambda g, input: g * input.cos(), promotion=FLOAT)
def sin(input):
    """Sine; derivative cos x."""
    return kernels.sin(input)


@pointwise(input=lambda g, input: g * -input.sin(), promotion=FLOAT)
def cos(input):
    """Cosine; derivative −sin x."""
    return kernels.cos(input)


@pointwise(input=lambda g, out: g * (1 + pow(out, 2)), promotion=FLOAT)
def tan(input):
    """Tangent; derivative 1 + tan² x."""
    return kernels.tan(input)


@pointwise(input=lambda g, input: g * (-input * input + 1).rsqrt(), promotion=FLOAT)
def asin(input):
    """Inverse sine; derivative 1/√(1 − x²)."""
    return kernels.asin(input)


@pointwise(input=lambda g, input: g * -((-input * input + 1).rsqrt()), promotion=FLOAT)
def acos(input):
    """Inverse cosine; derivative −1/√(1 − x²)."""
    return kernels.acos(input)


@pointwise(input=lambda g, input: g / (input * input + 1), promotion=FLOAT)
def atan(input):
    """Inverse tangent; derivative 1/(1 + x²)."""
    return kernels.atan(input)


def _reciprocal_square(input, other):
    """1/(x² + y²), but 0 where that square is 0."""
    square = input * input + other * other
    return square.reciprocal().masked_fill(square == 0, 0)


@pointwise(
    input=lambda g, input, other: g * other * _reciprocal_square(input, other),
    other=lambda g, input, other: g * -input * _reciprocal_square(input, other),
    promotion=FLOAT,
)
def atan2(input, other):
    """The angle of the point (y, x)."""
    return kernels.atan2(input, other)


@pointwise(input=lambda g, input: g * input.cosh(), promotion=FLOAT)
def sinh(input):
    """Hyperbolic sine; derivative cosh x."""
    return kernels.sinh(input)


@pointwise(input=lambda g, input: g * input.sinh(), promotion=FLOAT)
def cosh(input):
    """Hyperbolic cosine; derivative sinh x."""
    return kernels.cosh(input)


@pointwise(
    input=lambda g, input: g * (input**2 + 1).rsqrt(),
    node_in_place="AsinhBackward1",
    derived_in_place=False,
    promotion=FLOAT,
)
def asinh(input):
    """Inverse hyperbolic sine; derivative 1/√(x² + 1)."""
    return np.arcsinh(input)


@pointwise(
    input=lambda g, input: g * (input * input - 1).rsqrt(),
    node_in_place="AcoshBackward1",
    derived_in_place=False,
    promotion=FLOAT,
)
def acosh(input):
    """Inverse hyperbolic cosine; derivative 1/√(x² − 1)."""
    return np.arccosh(input)


@pointwise(
    input=lambda g, input: g * 1 / (1 - input**2),
    node_in_place="AtanhBackward1",
    derived_in_place=False,
    promotion=FLOAT,
)
def atanh(input):
    """Inverse hyperbolic tangent; derivative 1/(1 − x²)."""
    return np.arctanh(input)


@pointwise(input=lambda g: g * (math.pi / 180), node="Deg2RadBackward0", promotion=FLOAT)
def deg2rad(input):
    """An angle of x degrees in radians."""
    return input * input.dtype.type(math.pi / 180)


@pointwise(input=lambda g: g * (180 / math.pi), node="Rad2DegBackward0", promotion=FLOAT)
def rad2deg(input):
    """An angle of x radians in degrees."""
    return input * input.dtype.type(180 / math.pi)


@pointwise(input=lambda g, out: tanh_backward(g, out), promotion=FLOAT)
def tanh(input):
    """Hyperbolic tangent; derivative 1 − tanh² x."""
    return kernels.tanh(input)


@pointwise(
    grad_output=lambda g, output: tanh_backward(g, output),
    output=lambda g, grad_output, output: g * (-2 * output * grad_output),
    in_place=False,
    out=False,
    public=False,
)
def tanh_backward(grad_output, output):
    """g·(1 − y²)."""
    return kernels.tanh_backward(grad_output, output)


# -- the sigmoid and the rectifier -------------------------------------------------------------------------------------


@pointwise(input=lambda g, out: sigmoid_backward(g, out), promotion=FLOAT)
def sigmoid(input):
    """1/(1 + e⁻ˣ); derivative y·(1 − y)."""
    return kernels.sigmoid(input)


@pointwise(
    grad_output=lambda g, output: sigmoid_backward(g, output),
    output=lambda g, grad_output, output: g * grad_output * (-2 * output + 1),
    in_place=False,
    out=False,
    public=False,
)
def sigmoid_backward(grad_output, output):
    """g·(1 − y)·y."""
    return (grad_output * (1 - output)) * output


def _of_numbers(input: Tensor) -> None:
    if input.dtype is dtypes.bool_:
        raise RuntimeError("Boolean inputs not supported for relu")


@pointwise(input=lambda g, out: threshold_backward(g, out), out=False, check=_of_numbers)
def relu(input):
    """max(x, 0); derivative 1 where x > 0, else 0."""
    return np.maximum(0, input)  # of two equals the second: −0.0 stays as it is


@pointwise(
    grad_output=lambda g, self: threshold_backward(g, self),
    self=lambda g: zeros_like(g),
    in_place=False,
    out=False,
    public=False,
)
def threshold_backward(grad_output, self):
    """g where x > 0, else 0."""
    return kernels.threshold_backward(grad_output, self)


# -- signs and whole numbers -------------------------------------------------------------------------------------------


@pointwise(input=lambda g: zeros_like(g), strict_out=SAME_DTYPE)
def sign(input):
    """−1, 0 or 1."""
    return _sign(input)


@pointwise(input=lambda g: zeros_like(g), strict_out=SAME_DTYPE)
def sgn(input):
    """−1, 0 or 1."""
    return _sign(input)


def _sign(x):
    return _same(x) if x.dtype == bool else np.subtract(x > 0, x < 0, dtype=x.dtype)


def _same(x):
    """A copy, laid out as other functions' results."""
    return arranged(x.copy(), (x,))


def _nowhere(x):
    """False for every element."""
    return arranged(np.zeros(x.shape, bool), (x,))


@pointwise(input=lambda g: zeros_like(g), refuses=("floor_vml_cpu", "?"), strict_out=SAME_DTYPE)
def floor(input):
    """⌊x⌋."""
    return _whole(np.floor, input)


@pointwise(input=lambda g: zeros_like(g), refuses=("ceil_vml_cpu", "?"), strict_out=SAME_DTYPE)
def ceil(input):
    """⌈x⌉."""
    return _whole(np.ceil, input)


@pointwise(input=lambda g: zeros_like(g), refuses=("trunc_vml_cpu", "?"), strict_out=SAME_DTYPE)
def trunc(input):
    """x rounded towards zero."""
    return _whole(np.trunc, input)


@pointwise(
    input=lambda g: zeros_like(g),
    node=lambda input, decimals: "RoundBackward0" if decimals is None else "RoundBackward1",
    strict_out=SAME_DTYPE,
)
def round(input, *, decimals=None):
    """x rounded to the nearest, halves to even; to `decimals` places after the point."""
    if decimals is not None:
        decimals = to_int("decimals", 0, decimals)
    if input.dtype == bool or (decimals is not None and input.dtype.kind != "f"):
        raise not_implemented("round_cpu" if decimals else "round_vml_cpu", dtypes.FROM_NUMPY[input.dtype])
    if not decimals:
        return _whole(np.rint, input)
    power = input.dtype.type(np.float64(10) ** builtins.abs(decimals))  # infinite, if need be
    return np.rint(input * power) / power if decimals > 0 else np.rint(input / power) * power


def _whole(function, x):
    """A rounding: integers are whole already."""
    return function(x) if x.dtype.kind == "f" else _same(x)


@pointwise(input=lambda g: g, refuses=("frac_cpu", "bhilB?"), strict_out=SAME_DTYPE)
def frac(input):
    """What is left of x without its whole part: x − trunc(x)."""
    return input - np.trunc(input)


# -- nan and infinity --------------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g, input: g * input.isfinite(),
    strict_out="nan_to_num: dtype of out: {1} should be same as input: {0}",
)
def nan_to_num(input, nan=None, posinf=None, neginf=None):
    """x with numbers in place of nan (0) and of the infinities (the largest and the smallest number)."""
    kind = input.dtype.kind
    info = np.finfo(input.dtype if kind == "f" else np.float32)
    given = (("nan", nan, 0.0), ("posinf", posinf, info.max), ("neginf", neginf, info.min))
    nan, posinf, neginf = (
        usual if number is None else to_float(argument, position, number)
        for position, (argument, number, usual) in enumerate(given, 2)
    )
    if kind != "f":
        return _same(input)
    numbers = np.nan_to_num(input, nan=nan, posinf=posinf, neginf=neginf)
    return arranged(np.asarray(numbers), (input,))


@pointwise(input=None, in_place=False, out=False)
def isnan(input):
    """Whether x is not a number."""
    return np.isnan(input)


@pointwise(input=None, in_place=False, out=False)
def isinf(input):
    """Whether x is infinite."""
    return np.isinf(input)


@pointwise(input=None, in_place=False, out=False)
def isfinite(input):
    """Whether x is neither infinite nor nan."""
    return np.isfinite(input)


@pointwise(input=None, in_place=False, strict_out="isposinf does not support non-boolean outputs.")
def isposinf(input):
    """Whether x is +∞."""
    return np.isposinf(input) if input.dtype.kind == "f" else _nowhere(input)


@pointwise(input=None, in_place=False, strict_out="isneginf does not support non-boolean outputs.")
def isneginf(input):
    """Whether x is −∞."""
    return np.isneginf(input) if input.dtype.kind == "f" else _nowhere(input)


@pointwise(input=None, in_place=False, strict_out="signbit does not support non-boolean outputs.")
def signbit(input):
    """Whether x has a minus sign, as −0 has."""
    return np.signbit(input) if input.dtype.kind == "f" else np.less(input, 0)


@op(
    input=lambda gradients, exponent: None if gradients[0] is None else gradients[0] / exp2(exponent),
    outputs=("mantissa", "exponent"),
)
def frexp(input):
    """x = m·2ᵉ with ½ ≤ |m| < 1, as m and the whole number e."""
    if input.dtype.kind != "f":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return np.frexp(input)


@pointwise(input=None, in_place=False, out=False)
def isreal(input):
    """Whether x is a real number, which all are here."""
    return np.isnan(input) | True


@only_function
def real(input: Tensor) -> Tensor:
    """The real part of x: x itself."""
    require_tensor("input", 1, input)
    return input


@pointwise(input=lambda g, input: zeros_like(input), promotion=FLOAT, in_place=False)
def angle(input):
    """The angle of x in the complex plane: π below 0, else 0."""
    return np.where(np.isnan(input), input, np.where(input < 0, input.dtype.type(math.pi), input.dtype.type(0)))


# -- copies ------------------------------------------------------------------------------------------------------------


alias("arccos", of="acos")
alias("arcsin", of="asin")
alias("arctan", of="atan")
alias("arccosh", of="acosh")
alias("arcsinh", of="asinh")
alias("arctan2", of="atan2")
alias("arctanh", of="atanh")
alias("fix", of="trunc")
