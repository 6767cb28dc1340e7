"""Arithmetic, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..arguments import fit, wrong_type
from ..layout import arranged
from ..op import (
    FLOAT,
    METHODS,
    NUMBERS,
    REGISTRY,
    alias,
    composite,
    not_implemented,
    only_method,
    op,
    pointwise,
)
from ..tensor import Tensor
from .creation import zeros_like

SAME_DTYPE = "Found dtype {1} but expected {0}"  # of `out`, where torch does not convert


def _no_bools(input, other):
    """Refuse to subtract bools."""
    bools = [v.dtype is dtypes.bool_ if isinstance(v, Tensor) else isinstance(v, bool) for v in (input, other)]
    if all(bools):
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead."
        )
    if any(bools):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )


def name_of(array: Any) -> str:
    """The name of an array's dtype in torch's messages: Float, Long …"""
    return dtypes.FROM_NUMPY[array.dtype].legacy_name


def scaled(x: Any, factor: Any) -> Any:
    """factor·x, nothing to do for 1."""
    return x if factor == 1 else x * factor


def check_factor(factor: Any, *operands: Any) -> Any:
    """A factor in the type of the operands, to which torch rounds it first; integers take whole factors only."""
    array = next(v for v in operands if isinstance(v, np.ndarray))
    if isinstance(factor, bool) and array.dtype != bool:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if array.dtype.kind != "f" and isinstance(factor, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return (
        fit(factor, dtypes.FROM_NUMPY[array.dtype])
        if array.dtype.kind == "f"
        else np.asarray(factor).astype(array.dtype)[()]
    )


def require_tensor(argument: str, position: int, value: Any) -> None:
    """Refuse what is no tensor, in the name of the function that was called."""
    if not isinstance(value, Tensor):
        raise wrong_type(argument, position, "Tensor", value)


def require_operand(argument: str, position: int, value: Any) -> None:
    """Refuse what is neither a tensor nor a number."""
    if not isinstance(value, (Tensor, *NUMBERS)):
        raise wrong_type(argument, position, "Tensor", value)


# -- sums and differences ----------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g: g,
    other=lambda g, alpha: scaled(g, alpha),
    wraps_numbers=True,
    numbers_alone=True,
    in_formulas=lambda x, number, alpha: ("plus_number", [x], [number * alpha]),
)
def add(input, other, *, alpha=1):
    """Sum z = x + alpha·y, broadcasting."""
    if type(alpha) is int and alpha == 1:
        return np.add(input, other)
    return kernels.add_scaled(input, other, check_factor(alpha, input, other))


@pointwise(
    input=lambda g: g,
    other=lambda g, alpha: scaled(-g, alpha),
    wraps_numbers=True,
    numbers_alone=True,
    in_formulas=lambda x, number, alpha: ("minus_number", [x], [number * alpha]),
    check=_no_bools,
)
def sub(input, other, *, alpha=1):
    """Difference z = x − alpha·y, broadcasting."""
    if type(alpha) is int and alpha == 1:
        return np.subtract(input, other)
    return kernels.add_scaled(input, other, -check_factor(alpha, input, other))


@pointwise(
    input=lambda g, alpha: scaled(-g, alpha),
    other=lambda g: g,
    node=lambda input, other, alpha: "RsubBackward0" if isinstance(other, Tensor) else "RsubBackward1",
    numbers=("other",),
    in_formulas=lambda x, number, alpha: ("sub", [number, x], [alpha]),
    check=_no_bools,
    order=lambda input, other: (other, input),
    in_place=False,
    out=False,
    public="function",
)
def rsub(input, other, alpha=1):
    """Difference the other way round, z = y − alpha·x."""
    if type(alpha) is int and alpha == 1:
        return np.subtract(other, input)
    return kernels.add_scaled(other, input, -check_factor(alpha, input, other))


# -- products and quotients --------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g, other: g * other,
    other=lambda g, input: g * input,
    wraps_numbers=True,
    numbers_alone=True,
    in_formulas=lambda x, number: ("times_number", [x], [number]),
    precise=("other",),
)
def mul(input, other):
    """Product z = x·y, broadcasting."""
    return np.multiply(input, other)


@pointwise(
    input=lambda g, other: g / other,
    other=lambda g, input, other: -g * (true_divide(input, other) / other),
    node="DivBackward0",
    called="div",
    numbers_alone=True,
    promotion=FLOAT,
    wraps_numbers=True,
    in_formulas=lambda x, number: ("over_number", [x], [number]),
    precise=("other",),
)
def true_divide(input, other):
    """Quotient z = x/y, broadcasting; of integers it is a fraction."""
    return np.true_divide(input, other)


@pointwise(
    input=lambda g: zeros_like(g),
    other=lambda g: zeros_like(g),
    node="DivBackward2",
    called="div",
    numbers_alone=True,
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
    _no_bool("div_trunc_cpu", input, other)
    if np.result_type(input, other).kind == "f":
        return np.trunc(np.true_divide(input, other))
    quotient = _floor_divide(input, other)
    return quotient + ((quotient * other != input) & ((input < 0) != (other < 0)))


@pointwise(
    input=lambda g, other: g / other,
    other=lambda g, input, other: -g * (true_divide(input, other) / other),
    node="DivBackward2",
    called="div",
    numbers_alone=True,
    promotion=FLOAT,
    wraps_numbers=True,
    precise=("other",),
    public=False,
)
def div_unrounded(input, other):
    """The quotient when `rounding_mode=None` was asked for in so many words."""
    return np.true_divide(input, other)


NOT_GIVEN: Any = object()


@composite
def div(input: Tensor, other: Any, *, rounding_mode: Any = NOT_GIVEN, out: Tensor | None = None) -> Tensor:
    """Quotient x/y, or rounded towards zero (`rounding_mode="trunc"`) or downwards (`"floor"`)."""
    require_operand("input", 1, input)
    require_operand("other", 2, other)
    if rounding_mode is NOT_GIVEN:
        return true_divide(input, other, out=out)
    if rounding_mode is None:
        return div_unrounded(input, other, out=out)
    return div_rounded(input, other, rounding_mode=rounding_mode, out=out)


@pointwise(
    input=lambda g: None,
    other=lambda g: None,
    node="NotImplemented",
    numbers_alone=True,
    numbers=("input", "other"),
    precise=("other",),
)
def floor_divide(input, other):
    """⌊x/y⌋."""
    return _floor_divide(input, other)


def _floor_divide(x, y):
    _no_bool("div_floor_cpu", x, y)
    check_divisor(x, y)
    return np.floor_divide(x, y)


def _no_bool(kernel, x, y):
    if np.result_type(x, y).kind == "b":
        raise not_implemented(kernel, dtypes.bool_)


def check_divisor(x, y):
    """Refuse to divide integers by 0."""
    if np.result_type(x, y).kind != "f" and np.equal(y, 0).any() and np.size(x) and np.size(y):
        raise RuntimeError("ZeroDivisionError")


@pointwise(
    input=lambda g: g,
    other=lambda g, input, other: -g * input.div(other, rounding_mode="floor"),
    node=lambda input, other: "NotImplemented" if not isinstance(input, Tensor)
    else "RemainderBackward1" if isinstance(other, Tensor) else "RemainderBackward0",
    numbers=("input", "other"),
    refuses=("remainder_cpu", "?"),
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
    refuses=("fmod_cpu", "?"),
)
def fmod(input, other):
    """The rest of the division x/y, with the sign of x."""
    check_divisor(input, other)
    return np.fmod(input, other)


# -- signs and powers --------------------------------------------------------------------------------------------------


NO_MASKS = (
    "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or "
    "`logical_not()` operator instead."
)


def _no_mask(input):
    if input.dtype is dtypes.bool_:
        raise RuntimeError(NO_MASKS)


@pointwise(input=lambda g: -g, strict_out=SAME_DTYPE, check_in_place=_no_mask)
def neg(input):
    """Negation −x."""
    if input.dtype == bool:
        raise RuntimeError(NO_MASKS)
    return np.negative(input)


@composite
def positive(input: Tensor) -> Tensor:
    """+x, the tensor itself."""
    require_tensor("input", 1, input)
    if input.dtype is dtypes.bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


@pointwise(input=lambda g, input: g * input.sgn(), refuses=("abs_cpu", "?"), strict_out=SAME_DTYPE)
def abs(input):
    """|x|; derivative sign(x), 0 at 0."""
    return np.abs(input)


@pointwise(input=lambda g, out: -g * (out * out), promotion=FLOAT)
def reciprocal(input):
    """1/x; derivative −1/x²."""
    return np.true_divide(1, input)


def check_half(tensor: Tensor, *numbers: Any) -> None:
    """Refuse numbers beyond the range of a float16 tensor, where torch converts them."""
    if tensor.dtype is dtypes.float16:
        for number in numbers:
            if number is not None and not isinstance(number, Tensor) and 65504 < np.abs(number) < np.inf:
                raise RuntimeError("value cannot be converted to type c10::Half without overflow")


# -- several operations at once ----------------------------------------------------------------------------------------


@pointwise(
    input=lambda g: g,
    tensor1=lambda g, tensor2, value: g * (tensor2 * value),
    tensor2=lambda g, tensor1, value: g * (tensor1 * value),
    refuses=("addcmul_cpu_out", "?"),
)
def addcmul(input, tensor1, tensor2, *, value=1):
    """x + value·a·b."""
    return kernels.addcmul(input, tensor1, tensor2, _rounded(value, input))


def _rounded(value: Any, input: Any) -> Any:
    """The factor of a product in the type of the operands."""
    return np.asarray(value).astype(input.dtype)[()]


def _no_integers(input, tensor1, tensor2):
    """Refuse to divide integers, be they arrays or tensors."""
    if not any(np.dtype(getattr(t.dtype, "numpy", t.dtype)).kind == "f" for t in (tensor1, tensor2)):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
            "true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value "
            "* torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
            "tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value "
            "* tensor1 / tensor2), for all dtypes."
        )


@pointwise(
    input=lambda g: g,
    tensor1=lambda g, tensor2, value: g * (tensor2.new_full((), value) / tensor2),
    tensor2=lambda g, tensor1, tensor2, value: -g * (value * tensor1 / (tensor2 * tensor2)),
    check=_no_integers,
)
def addcdiv(input, tensor1, tensor2, *, value=1):
    """x + value·a/b."""
    _no_integers(input, tensor1, tensor2)
    return kernels.addcdiv(input, tensor1, tensor2, _rounded(value, input))


@op(
    input=lambda g, weight: g * (1 - weight),
    end=lambda g, weight: g * weight,
    weight=lambda g, input, end: g * (end - input),
    node=lambda input, end, weight: "LerpBackward1" if isinstance(weight, Tensor) else "LerpBackward0",
    hides={"LerpBackward0": "self end"},
    numbers=("weight",),
    strict_out=lambda out, input, end, weight: SAME_DTYPE if isinstance(weight, Tensor) and weight.ndim else "",
    in_place=True,
    apart=(),
)
def lerp(input, end, weight):
    """x + weight·(end − x), the straight line from x to end."""
    for name, array in (("end", end), ("weight", weight)):
        if isinstance(array, np.ndarray) and array.dtype is not input.dtype:
            expected, got = (dtypes.FROM_NUMPY[a.dtype].cpp_name for a in (input, array))
            raise RuntimeError(f"expected dtype {expected} for `{name}` but got dtype {got}")
    if input.dtype.kind != "f":
        kind = "tensor" if isinstance(weight, np.ndarray) else "scalar"
        raise not_implemented(f"lerp_kernel_{kind}", dtypes.FROM_NUMPY[input.dtype])
    x, y = (v.astype(np.float32) if v.dtype == np.float16 else v for v in (input, end))
    weights = weight.astype(x.dtype, copy=False) if isinstance(weight, np.ndarray) else weight
    result = np.asarray(kernels.lerp(x, y, weights)).astype(input.dtype, copy=False)
    return arranged(result, (input, end, weight) if isinstance(weight, np.ndarray) else (input, end))


# -- in place, and other names -----------------------------------------------------------------------------------------


@only_method
def div_(input: Tensor, other: Any, *, rounding_mode: Any = NOT_GIVEN) -> Tensor:
    """`div` in place."""
    require_operand("input", 1, input)
    require_operand("other", 2, other)
    if rounding_mode is NOT_GIVEN:
        return METHODS["true_divide_"](input, other)
    if rounding_mode is None:
        return REGISTRY["div_unrounded"].function_(input, other)
    return REGISTRY["div_rounded"].function_(input, other, rounding_mode=rounding_mode)


alias("absolute", of="abs")
alias("negative", of="neg")
alias("subtract", of="sub")
alias("multiply", of="mul")
alias("divide", of="div")
