"""Arithmetic, functions of one variable, comparison and logic, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..op import FLOAT, KEEP, PROMOTE, composite, op, pointwise
from ..tensor import Tensor
from ..types import contiguous_format

# -- arithmetic --------------------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g: g,
    other=lambda g, alpha: g if alpha == 1 else g * alpha,
    wraps_numbers=True,
)
def add(input, other, *, alpha=1):
    """Sum z = x + alpha·y, broadcasting."""
    return np.add(input, other) if alpha == 1 else kernels.add_scaled(input, other, _alpha(alpha, input, other))


@pointwise(
    input=lambda g: g,
    other=lambda g, alpha: -g if alpha == 1 else -g * alpha,
    wraps_numbers=True,
)
def sub(input, other, *, alpha=1):
    """Difference z = x − alpha·y, broadcasting."""
    if getattr(input, "dtype", None) == bool:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )
    return np.subtract(input, other) if alpha == 1 else kernels.add_scaled(input, other, -_alpha(alpha, input, other))


@pointwise(
    input=lambda g, alpha: -g if alpha == 1 else -g * alpha,
    other=lambda g: g,
    node="RsubBackward1",
    in_place=False,
    out=False,
)
def rsub(input, other, *, alpha=1):
    """Difference the other way round, z = y − alpha·x."""
    if getattr(input, "dtype", None) == bool:
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )
    return np.subtract(other, input) if alpha == 1 else kernels.add_scaled(other, input, -_alpha(alpha, input, other))


@pointwise(
    input=lambda g, other: g * other,
    other=lambda g, input: g * input,
    wraps_numbers=True,
)
def mul(input, other):
    """Product z = x·y, broadcasting."""
    return np.multiply(input, other)


@pointwise(
    input=lambda g, other: g / other,
    other=lambda g, input, other: -g * ((input / other) / other),
    node="DivBackward0",
    promotion=FLOAT,
    wraps_numbers=True,
)
def true_divide(input, other):
    """Quotient z = x/y, broadcasting; of integers it is a fraction."""
    return np.true_divide(input, other)


@pointwise(
    input=lambda g: g.zeros_like(),
    other=lambda g, other: g.zeros_like(),
    node="DivBackward2",
    wraps_numbers=True,
    public=False,
)
def div_rounded(input, other, *, rounding_mode):
    """Quotient rounded towards zero (`"trunc"`) or downwards (`"floor"`)."""
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    integer = all(np.asarray(v).dtype.kind in "iub" for v in (input, other))
    if integer and np.any(np.asarray(other) == 0):
        raise RuntimeError("ZeroDivisionError")
    if rounding_mode == "floor":
        return np.floor_divide(input, other)
    if integer:
        return (np.sign(input) * np.sign(other) * (np.abs(input) // np.abs(other))).astype(np.result_type(input))
    return np.trunc(np.true_divide(input, other))


@composite
def div(input: Tensor, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """Quotient x/y, or rounded towards zero (`rounding_mode="trunc"`) or downwards (`"floor"`)."""
    if rounding_mode is None:
        return true_divide(input, other, out=out)
    return div_rounded(input, other, rounding_mode=rounding_mode, out=out)


def _alpha(alpha: Any, *operands: Any) -> Any:
    """The factor in the type of the operands, to which torch rounds it first; integers take whole factors only."""
    array = next(v for v in operands if isinstance(v, np.ndarray))
    if array.dtype.kind != "f" and isinstance(alpha, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return array.dtype.type(alpha)


@pointwise(input=lambda g: -g)
def neg(input):
    """Negation −x."""
    if input.dtype == bool:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the "
            "`~` or `logical_not()` operator instead."
        )
    return np.negative(input)


@pointwise(input=lambda g, out: -g * (out * out), promotion=FLOAT)
def reciprocal(input):
    """1/x; derivative −1/x²."""
    return np.true_divide(1, input)


def _pow_node(input, exponent):
    return "PowBackward0" if not isinstance(exponent, Tensor) else "PowBackward1" if isinstance(input, Tensor) else "PowBackward2"


@pointwise(
    input=lambda g, input, exponent: _pow_backward(g, input, exponent),
    exponent=lambda g, input, exponent, out: _pow_backward_exponent(g, input, exponent, out),
    node=_pow_node,
)
def pow(input, exponent):
    """xʸ, broadcasting; an integer to a negative whole number is refused."""
    if not isinstance(exponent, np.ndarray):
        if input.dtype.kind in "iu" and exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
    elif exponent.dtype.kind in "iu" and (exponent < 0).any():
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return kernels.pow(input, exponent)


def _pow_backward(g, input, exponent):
    if isinstance(exponent, Tensor):
        return where(exponent == 0, 0.0, g * (exponent * pow(input, exponent - 1)))
    return g.zeros_like() if exponent == 0 else g * (exponent * pow(input, exponent - 1))


def _pow_backward_exponent(g, input, exponent, out):
    if isinstance(input, Tensor):
        return where((input == 0) & (exponent >= 0), 0.0, g * (out * input.log()))
    return where(exponent >= 0, 0.0, g * out) if input == 0 else g * (out * np.log(input).item())


@pointwise(input=lambda g: g.zeros_like(), other=None, node="RemainderBackward0", wraps_numbers=True)
def remainder(input, other):
    """The rest of the division x/y, with the sign of y."""
    return np.remainder(input, other)


@pointwise(input=lambda g: g.zeros_like(), other=None, node="FmodBackward0", wraps_numbers=True)
def fmod(input, other):
    """The rest of the division x/y, with the sign of x."""
    return np.fmod(input, other)


@pointwise(input=None, other=None)
def floor_divide(input, other):
    """⌊x/y⌋."""
    return np.floor_divide(input, other)


@pointwise(input=lambda g, input: g * input.sign())
def abs(input):
    """|x|; derivative sign(x), 0 at 0."""
    return np.abs(input)


@pointwise(input=lambda g, other, input: _share(g, input, other), other=lambda g, input, other: _share(g, other, input))
def maximum(input, other):
    """The larger of two; where they are equal, each receives half of the gradient."""
    return np.maximum(input, other)


@pointwise(input=lambda g, other, input: _share(g, other, input), other=lambda g, input, other: _share(g, input, other))
def minimum(input, other):
    """The smaller of two; where they are equal, each receives half of the gradient."""
    return np.minimum(input, other)


def _share(g, larger, smaller):
    return where(larger == smaller, g / 2, g).masked_fill(larger < smaller, 0)


def _clamp_node(input, min, max):
    return "ClampBackward0" if isinstance(min, Tensor) or isinstance(max, Tensor) else "ClampBackward1"


@pointwise(
    input=lambda g, input, min, max: where(_within(input, min, max), g, 0.0),
    min=lambda g, input, min, max: where((input < min) if max is None else (min < max) & (input < min), g, 0.0),
    max=lambda g, input, min, max: where((input > max) if min is None else (input > max) | (max < min), g, 0.0),
    node=_clamp_node,
)
def clamp(input, min=None, max=None):
    """x limited to [min, max]; the gradient passes where x is not cut off."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    result = input if min is None else np.maximum(input, min)
    return result if max is None else np.minimum(result, max)


def _within(input, min, max):
    if min is None:
        return input <= max
    return input >= min if max is None else (input >= min) & (input <= max)


@pointwise(
    input=lambda g: g,
    tensor1=lambda g, tensor2, value: g * (tensor2 * value),
    tensor2=lambda g, tensor1, value: g * (tensor1 * value),
)
def addcmul(input, tensor1, tensor2, *, value=1):
    """x + value·a·b."""
    return kernels.addcmul(input, tensor1, tensor2, input.dtype.type(value))


@pointwise(
    input=lambda g: g,
    tensor1=lambda g, tensor2, value: g * (value / tensor2),
    tensor2=lambda g, tensor1, tensor2, value: -g * (value * tensor1 / (tensor2 * tensor2)),
)
def addcdiv(input, tensor1, tensor2, *, value=1):
    """x + value·a/b."""
    return kernels.addcdiv(input, tensor1, tensor2, input.dtype.type(value))


@pointwise(
    input=lambda g, weight: g * (1 - weight),
    end=lambda g, weight: g * weight,
    weight=lambda g, input, end: g * (end - input),
    node=lambda input, end, weight: "LerpBackward1" if isinstance(weight, Tensor) else "LerpBackward0",
)
def lerp(input, end, weight):
    """x + weight·(end − x), the straight line from x to end."""
    return kernels.lerp(input, end, weight)


# -- functions of one variable -----------------------------------------------------------------------------------------

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


@pointwise(input=lambda g, input: g / (input + 1), promotion=FLOAT)
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


@pointwise(
    input=lambda g, input, other: g * (other / (input * input + other * other)),
    other=lambda g, input, other: g * (-input / (input * input + other * other)),
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


@pointwise(input=lambda g, out: tanh_backward(g, out), promotion=FLOAT)
def tanh(input):
    """Hyperbolic tangent; derivative 1 − tanh² x."""
    return kernels.tanh(input)


@pointwise(
    grad_output=lambda g, output: tanh_backward(g, output),
    output=lambda g, grad_output, output: g * grad_output * (-2 * output),
    in_place=False,
    out=False,
    public=False,
)
def tanh_backward(grad_output, output):
    """g·(1 − y²)."""
    return kernels.tanh_backward(grad_output, output)


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


@pointwise(input=lambda g, out: threshold_backward(g, out))
def relu(input):
    """max(x, 0); derivative 1 where x > 0, else 0."""
    if input.dtype == bool:
        raise RuntimeError("Boolean inputs not supported for relu")
    return np.maximum(input, 0)


@pointwise(
    grad_output=lambda g, self: threshold_backward(g, self),
    self=lambda g: g.zeros_like(),
    in_place=False,
    out=False,
    public=False,
)
def threshold_backward(grad_output, self):
    """g where x > 0, else 0."""
    return np.where(self <= 0, grad_output.dtype.type(0), grad_output)


@pointwise(input=lambda g: g.zeros_like())
def sign(input):
    """−1, 0 or 1."""
    return np.greater(input, 0) if input.dtype == bool else np.sign(input)


@pointwise(input=lambda g: g.zeros_like())
def floor(input):
    """⌊x⌋."""
    return _round_with(np.floor, input)


@pointwise(input=lambda g: g.zeros_like())
def ceil(input):
    """⌈x⌉."""
    return _round_with(np.ceil, input)


@pointwise(input=lambda g: g.zeros_like())
def trunc(input):
    """x rounded towards zero."""
    return _round_with(np.trunc, input)


@pointwise(
    input=lambda g: g.zeros_like(),
    node=lambda input, decimals: "RoundBackward0" if decimals == 0 else "RoundBackward1",
)
def round(input, *, decimals=0):
    """x rounded to the nearest, halves to even."""
    if input.dtype.kind != "f":
        return input.copy()
    return np.rint(input) if decimals == 0 else np.rint(input * 10.0**decimals) / 10.0**decimals


def _round_with(function, input):
    return function(input) if input.dtype.kind == "f" else input.copy()


LN2 = float(np.log(2.0))
LN10 = float(np.log(10.0))


# -- choice ------------------------------------------------------------------------------------------------------------


@pointwise(
    condition=None,
    input=lambda g, condition: where(condition, g, 0.0),
    other=lambda g, condition: where(condition, 0.0, g),
    node="WhereBackward0",
    keep=("condition",),
    wraps_numbers=True,
    in_place=False,
    public=False,
)
def select_where(condition, input, other):
    """x where the condition holds, else y."""
    if condition.dtype != bool:
        if condition.dtype != np.uint8:
            name = dtypes.FROM_NUMPY[condition.dtype].legacy_name
            raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {name}")
        condition = condition.astype(bool)
    return np.where(condition, *as_arrays(input, other))


@composite
def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """x where the condition holds, else y; with the condition alone, the indices where it holds."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    return select_where(condition, input, other, out=out)


@op(
    input=lambda g, mask: g.masked_fill(mask, 0),
    mask=None,
    value=lambda g, mask: where(mask, g, 0.0).sum(),
    node=lambda input, mask, value: "MaskedFillBackward1" if isinstance(value, Tensor) else "MaskedFillBackward0",
    promotion=PROMOTE,
    keep=("mask", "value"),
    in_place=True,
    out=False,
)
def masked_fill(input, mask, value):
    """x with `value` where the mask holds."""
    if mask.dtype != bool:
        raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype " + dtypes.FROM_NUMPY[mask.dtype].c_name)
    if isinstance(value, np.ndarray) and value.ndim:
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    if input.dtype.kind in "iu" and np.asarray(value).dtype.kind == "f":
        raise RuntimeError(f"value cannot be converted to type {dtypes.FROM_NUMPY[input.dtype].c_name} without overflow")
    return np.where(mask, np.asarray(value).astype(input.dtype), input)


def as_arrays(*operands):
    """Operands as arrays of one dtype, for numpy functions that do not let numbers give way."""
    dtype = next((v.dtype for v in operands if isinstance(v, np.ndarray)), None)
    if dtype is None:
        dtype = dtypes.get_default_dtype().numpy if any(isinstance(v, float) for v in operands) else None
    return [np.asarray(v, dtype) for v in operands]


# -- comparison and logic ----------------------------------------------------------------------------------------------


@pointwise(input=None, other=None)
def eq(input, other):
    """x = y."""
    return np.equal(input, other)


@pointwise(input=None, other=None)
def ne(input, other):
    """x ≠ y."""
    return np.not_equal(input, other)


@pointwise(input=None, other=None)
def lt(input, other):
    """x < y."""
    return np.less(input, other)


@pointwise(input=None, other=None)
def le(input, other):
    """x ≤ y."""
    return np.less_equal(input, other)


@pointwise(input=None, other=None)
def gt(input, other):
    """x > y."""
    return np.greater(input, other)


@pointwise(input=None, other=None)
def ge(input, other):
    """x ≥ y."""
    return np.greater_equal(input, other)


@pointwise(input=None, other=None)
def logical_and(input, other):
    """x ≠ 0 and y ≠ 0."""
    return np.logical_and(input, other)


@pointwise(input=None, other=None)
def logical_or(input, other):
    """x ≠ 0 or y ≠ 0."""
    return np.logical_or(input, other)


@pointwise(input=None, other=None)
def logical_xor(input, other):
    """Exactly one of x ≠ 0 and y ≠ 0."""
    return np.logical_xor(input, other)


@pointwise(input=None)
def logical_not(input):
    """x = 0."""
    return np.logical_not(input)


@pointwise(input=None, other=None)
def bitwise_and(input, other):
    """The bits that x and y share."""
    return np.bitwise_and(*_integers("bitwise_and", input, other))


@pointwise(input=None, other=None)
def bitwise_or(input, other):
    """The bits that x or y has."""
    return np.bitwise_or(*_integers("bitwise_or", input, other))


@pointwise(input=None, other=None)
def bitwise_xor(input, other):
    """The bits that exactly one of x and y has."""
    return np.bitwise_xor(*_integers("bitwise_xor", input, other))


@pointwise(input=None)
def bitwise_not(input):
    """The bits that x does not have; of a bool, its opposite."""
    return np.invert(*_integers("bitwise_not", input))


def _integers(name, *operands):
    for operand in operands:
        if np.asarray(operand).dtype.kind == "f":
            dtype = next(v.dtype for v in operands if isinstance(v, np.ndarray))
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{dtypes.FROM_NUMPY[dtype].legacy_name}'")
    return operands


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


@op(input=lambda g: g, promotion=KEEP, out=False)
def clone(input, *, memory_format=None):
    """A copy; the gradient passes through."""
    return np.array(input, order="C") if memory_format is contiguous_format else input.copy(order="K")


# -- names for the same ------------------------------------------------------------------------------------------------

@composite
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x²."""
    return pow(input, 2, out=out)


@composite
def positive(input: Tensor) -> Tensor:
    """+x, the tensor itself."""
    if input.dtype is dtypes.bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input
