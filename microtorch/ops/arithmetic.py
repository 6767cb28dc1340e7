"""Arithmetic, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..op import FLOAT, METHODS, REGISTRY, alias, composite, only_method, op, pointwise
from ..tensor import Tensor

NO_BOOL_SUBTRACTION = (
    "Subtraction, the `-` operator, with {} is not supported. If you are trying to invert a mask, use the `~` or "
    "`logical_not()` operator instead."
)


def name_of(array: Any) -> str:
    """The name of an array's dtype in torch's messages: Float, Long …"""
    return dtypes.FROM_NUMPY[array.dtype].legacy_name


def scaled(x: Any, factor: Any) -> Any:
    """factor·x, nothing to do for 1."""
    return x if factor == 1 else x * factor


def check_factor(name: str, factor: Any, *operands: Any) -> Any:
    """A factor in the type of the operands, to which torch rounds it first; integers take whole factors only."""
    array = next(v for v in operands if isinstance(v, np.ndarray))
    if isinstance(factor, bool) and array.dtype != bool:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if array.dtype.kind != "f" and isinstance(factor, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return array.dtype.type(factor)


# -- sums and differences ----------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g: g,
    other=lambda g, alpha: scaled(g, alpha),
    wraps_numbers=True,
)
def add(input, other, *, alpha=1):
    """Sum z = x + alpha·y, broadcasting."""
    if alpha == 1 and alpha is not True:
        return np.add(input, other)
    return kernels.add_scaled(input, other, check_factor("add", alpha, input, other))


@pointwise(
    input=lambda g: g,
    other=lambda g, alpha: scaled(-g, alpha),
    wraps_numbers=True,
)
def sub(input, other, *, alpha=1):
    """Difference z = x − alpha·y, broadcasting."""
    if getattr(input, "dtype", None) == bool or getattr(other, "dtype", None) == bool:
        raise RuntimeError(NO_BOOL_SUBTRACTION.format("two bool tensors"))
    if alpha == 1 and alpha is not True:
        return np.subtract(input, other)
    return kernels.add_scaled(input, other, -check_factor("sub", alpha, input, other))


@pointwise(
    input=lambda g, alpha: scaled(-g, alpha),
    other=lambda g: g,
    node=lambda input, other, alpha: "RsubBackward0" if isinstance(other, Tensor) else "RsubBackward1",
    numbers=("other",),
    in_place=False,
    out=False,
)
def rsub(input, other, alpha=1):
    """Difference the other way round, z = y − alpha·x."""
    if input.dtype == bool:
        raise RuntimeError(NO_BOOL_SUBTRACTION.format("two bool tensors"))
    if alpha == 1 and alpha is not True:
        return np.subtract(other, input)
    return kernels.add_scaled(other, input, -check_factor("rsub", alpha, input, other))


# -- products and quotients --------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g, other: g * other,
    other=lambda g, input: g * input,
    wraps_numbers=True,
    precise=("other",),
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
    precise=("other",),
)
def true_divide(input, other):
    """Quotient z = x/y, broadcasting; of integers it is a fraction."""
    return np.true_divide(input, other)


@pointwise(
    input=lambda g: g.zeros_like(),
    other=lambda g: g.zeros_like(),
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
    if rounding_mode == "floor":
        return _floor_divide(input, other)
    input, other = np.asarray(input), np.asarray(other)
    if np.result_type(input, other).kind == "f":
        return np.trunc(np.true_divide(input, other))
    quotient = _floor_divide(input, other)
    return quotient + ((quotient * other != input) & ((input < 0) != (other < 0)))


@composite
def div(input: Tensor, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """Quotient x/y, or rounded towards zero (`rounding_mode="trunc"`) or downwards (`"floor"`)."""
    if rounding_mode is None:
        return true_divide(input, other, out=out)
    return div_rounded(input, other, rounding_mode=rounding_mode, out=out)


def _not_implemented(name):
    """The gradient of what torch has no gradient of."""

    def formula(g):
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return formula


@pointwise(
    input=_not_implemented("floor_divide"),
    other=_not_implemented("floor_divide"),
    node="NotImplemented",
    wraps_numbers=True,
    precise=("other",),
)
def floor_divide(input, other):
    """⌊x/y⌋."""
    return _floor_divide(input, other)


def _floor_divide(x, y):
    check_divisor(x, y)
    return np.floor_divide(x, y)


def check_divisor(x, y):
    """Refuse to divide integers by 0."""
    if np.result_type(x, y).kind != "f" and np.equal(y, 0).any():
        raise RuntimeError("ZeroDivisionError")


@pointwise(
    input=lambda g: g,
    other=lambda g, input, other: -g * input.div(other, rounding_mode="floor"),
    node=lambda input, other: "NotImplemented" if not isinstance(input, Tensor)
    else "RemainderBackward1" if isinstance(other, Tensor) else "RemainderBackward0",
    numbers=("input", "other"),
)  # fmt: skip
def remainder(input, other):
    """The rest of the division x/y, with the sign of y."""
    check_divisor(input, other)
    rest = np.fmod(input, other)
    return np.where((rest != 0) & (np.less(other, 0) != (rest < 0)), rest + other, rest)


@pointwise(
    input=lambda g: g,
    other=lambda g, input, other: -g * input.div(other, rounding_mode="trunc"),
    node=lambda input, other: "FmodBackward1" if isinstance(other, Tensor) else "FmodBackward0",
    numbers=("other",),
)
def fmod(input, other):
    """The rest of the division x/y, with the sign of x."""
    check_divisor(input, other)
    return np.fmod(input, other)


# -- signs and powers --------------------------------------------------------------------------------------------------


@pointwise(input=lambda g: -g)
def neg(input):
    """Negation −x."""
    if input.dtype == bool:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the "
            "`~` or `logical_not()` operator instead."
        )
    return np.negative(input)


@composite
def positive(input: Tensor) -> Tensor:
    """+x, the tensor itself."""
    if input.dtype is dtypes.bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


@pointwise(input=lambda g, input: g * input.sgn())
def abs(input):
    """|x|; derivative sign(x), 0 at 0."""
    return np.abs(input)


@pointwise(input=lambda g, out: -g * (out * out), promotion=FLOAT)
def reciprocal(input):
    """1/x; derivative −1/x²."""
    return np.true_divide(1, input)


def _pow_node(input, exponent):
    kinds = isinstance(input, Tensor), isinstance(exponent, Tensor)
    return {(True, False): "PowBackward0", (True, True): "PowBackward1", (False, True): "PowBackward2"}[kinds]


@pointwise(
    input=lambda g, input, exponent: _pow_backward(g, input, exponent),
    exponent=lambda g, input, exponent, out: g * _log_power(input, exponent, out),
    node=_pow_node,
    numbers=("input", "exponent"),
)
def pow(input, exponent):
    """xʸ, broadcasting; an integer to a negative whole number is refused."""
    if np.result_type(input, exponent).kind != "f":
        if np.ndim(exponent) == 0 and exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        return _integer_power(input, exponent)
    return kernels.pow(input, exponent)


def _integer_power(x, y):
    """xʸ in integers, whose results wrap; 1/xʸ is 0 but where |x| is 1."""
    x, y = np.broadcast_arrays(x, y)
    power = np.power(x, np.maximum(y, 0))
    if (y >= 0).all():
        return power
    units = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2, -1, 1), 0))
    return np.where(y < 0, units, power).astype(power.dtype)


def _pow_backward(g, input, exponent):
    if isinstance(exponent, Tensor):
        slope = g * (exponent * pow(input, exponent - 1))
        return slope.masked_fill(exponent == 0, 0)
    return g.zeros_like() if exponent == 0 else g * (exponent * pow(input, exponent - 1))


def _log_power(input, exponent, out):
    """d xʸ/dy = xʸ·ln x, and 0 where x is 0 and y is not negative."""
    if isinstance(input, Tensor):
        return (out * input.log()).masked_fill((input == 0) & (exponent >= 0), 0)
    with np.errstate(all="ignore"):
        slope = out * float(np.log(float(input)))
    return slope.masked_fill(exponent >= 0, 0) if input == 0 else slope


@composite
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x²."""
    return pow(input, 2, out=out)


# -- several operations at once ----------------------------------------------------------------------------------------


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
    if tensor1.dtype.kind != "f" and tensor2.dtype.kind != "f":
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true "
            "division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * "
            "torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
            "tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * "
            "tensor1 / tensor2), for all dtypes."
        )
    return kernels.addcdiv(input, tensor1, tensor2, input.dtype.type(value))


@op(
    input=lambda g, weight: g * (1 - weight),
    end=lambda g, weight: g * weight,
    weight=lambda g, input, end: g * (end - input),
    node=lambda input, end, weight: "LerpBackward1" if isinstance(weight, Tensor) else "LerpBackward0",
    numbers=("weight",),
    in_place=True,
)
def lerp(input, end, weight):
    """x + weight·(end − x), the straight line from x to end."""
    for name, array in (("end", end), ("weight", weight)):
        if isinstance(array, np.ndarray) and array.dtype is not input.dtype:
            expected, got = (dtypes.FROM_NUMPY[a.dtype].c_name for a in (input, array))
            raise RuntimeError(f"expected dtype {expected} for `{name}` but got dtype {got}")
    if input.dtype == np.float16:
        return lerp_float16(input, end, weight)
    return kernels.lerp(input, end, weight)


def lerp_float16(input, end, weight):
    """Computed in float32 and rounded once."""
    wide = [v.astype(np.float32) if isinstance(v, np.ndarray) else v for v in (input, end, weight)]
    return np.asarray(kernels.lerp(*wide)).astype(np.float16)


# -- in place, and other names -----------------------------------------------------------------------------------------


@only_method
def div_(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """`div` in place."""
    if rounding_mode is None:
        return METHODS["true_divide_"](input, other)  # type: ignore[no-any-return]
    return REGISTRY["div_rounded"].function_(input, other, rounding_mode=rounding_mode)  # type: ignore[misc, no-any-return]


@only_method
def square_(input: Tensor) -> Tensor:
    """`square` in place."""
    return METHODS["pow_"](input, 2)  # type: ignore[no-any-return]


alias("absolute", of="abs")
alias("negative", of="neg")
alias("subtract", of="sub")
alias("multiply", of="mul")
alias("divide", of="div")
