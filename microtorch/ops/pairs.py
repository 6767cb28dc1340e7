"""Functions of two variables, element by element, that are no arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..arguments import no_overload
from ..memory import check_cast
from ..op import FLOAT, NUMBERS, composite, not_implemented, only_method, pointwise
from ..tensor import Tensor
from .arithmetic import require_tensor
from .comparison import UNDERIVABLE, where
from .creation import zeros_like
from .pointwise import LN2, exp
from .powers import pow

# -- logarithms of sums ------------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g, input, other: g / (1 + exp(other - input)),
    other=lambda g, input, other: g / (1 + exp(input - other)),
    refuses=("logaddexp_cpu", "bhilB?"),
    in_place=False,
)
def logaddexp(input, other):
    """ln(eˣ + eʸ), without overflow."""
    return _above_larger(input, other, lambda d: kernels.log1p(kernels.exp(d)))


@pointwise(
    input=lambda g, input, other: g / (1 + pow(2, other - input)),
    other=lambda g, input, other: g / (1 + pow(2, input - other)),
    refuses=("logaddexp2_cpu", "bhilB?"),
    in_place=False,
)
def logaddexp2(input, other):
    """log₂(2ˣ + 2ʸ), without overflow."""
    return _above_larger(input, other, lambda d: kernels.log1p(kernels.exp2(d)) * d.dtype.type(1 / LN2))


def _above_larger(x, y, more):
    """The larger of two, and what the smaller adds, a function of the distance; of equal infinities that infinity."""
    larger = np.maximum(x, y)
    return np.where(np.isinf(x) & (x == y), x, larger + more(-np.abs(x - y)))


@pointwise(
    input=lambda g, input, out: g * input / out,
    other=lambda g, other, out: g * other / out,
    refuses=("hypot_cpu", "bhilB?"),
)
def hypot(input, other):
    """√(x² + y²), without overflow."""
    return np.hypot(input, other)


# -- signs and steps ---------------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g, input, out: g * (out / input).masked_fill(input == 0, 0),
    other=lambda g, other: zeros_like(other),
    node=lambda input, other: "CopysignBackward0" if isinstance(other, Tensor) else "CopysignBackward1",
    hides="other",
    numbers=("other",),
    promotion=FLOAT,
)
def copysign(input, other):
    """|x| with the sign of y, of −0 too."""
    return np.copysign(input, other)


def _of_one_dtype(input, values):
    if isinstance(input, Tensor) and isinstance(values, Tensor) and input.dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


@pointwise(
    input=lambda g: None,
    values=lambda g: None,
    node="NotImplemented",
    check=_of_one_dtype,
    strict_out="heaviside is not yet implemented for tensors with different dtypes.",
)
def heaviside(input, values):
    """Heaviside's step: 0 below 0, 1 above, and `values` at 0."""
    return np.where(input == 0, values, input > 0).astype(input.dtype)


@pointwise(
    input=lambda g, input, other: where(input != other, g, 0),
    other=lambda g: zeros_like(g),
    refuses=("nextafter_cpu", "bhilB?"),
    in_half=True,
)
def nextafter(input, other):
    """The number next to x on the way to y."""
    return np.nextafter(input, other)


LDEXP_CAST = "ldexp can't be cast to the desired output type {1}"
FARTHEST = 2**14  # of powers of 2: beyond, all are 0 or infinite

# -- powers ------------------------------------------------------------------------------------------------------------


def _check_exponent(input, other):
    if isinstance(input, Tensor) and input.is_floating_point() and other.dtype is dtypes.bool_:
        raise not_implemented("ldexp_cpu_exp", dtypes.bool_)


@pointwise(
    input=lambda g, other: g * pow(2, other),  # of whole negative y 0, as the power is whole too
    other=lambda g, out: g * out * LN2,
    promotion=FLOAT,
    cast_error=LDEXP_CAST,
    check=_check_exponent,
    check_in_place=lambda input, other: check_cast(np.dtype(np.float32), input._array.dtype, LDEXP_CAST),
    unchecked=("other",),
)
def ldexp(input, other):
    """x·2ʸ."""
    whole = (np.rint(other) == other) & (np.abs(other) < FARTHEST)
    return np.where(whole, np.ldexp(input, np.where(whole, other, 0).astype(np.int32)), input * kernels.exp2(other))


def _in_double(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to(dtypes.float64)
    return float(value)


def _check_float_power(input: Any, exponent: Any) -> None:
    tensors = any(isinstance(value, Tensor) for value in (input, exponent))
    if not tensors or not all(isinstance(value, (Tensor, *NUMBERS)) for value in (input, exponent)):
        raise no_overload()


@composite
def float_power(input: Any, exponent: Any, *, out: Tensor | None = None) -> Tensor:
    """xʸ in float64, whatever the dtypes of x and y."""
    _check_float_power(input, exponent)
    if out is not None and out.dtype is not dtypes.float64:
        name = out.dtype.legacy_name
        raise RuntimeError(
            f"the output given to float_power has dtype {name} but the operation's result requires dtype Double"
        )
    return pow(_in_double(input), _in_double(exponent), out=out)


@only_method
def float_power_(input: Tensor, exponent: Any) -> Tensor:
    """`float_power` in place, of a float64."""
    require_tensor("input", 1, input)
    _check_float_power(input, exponent)
    if input.dtype is not dtypes.float64:
        name = input.dtype.legacy_name
        raise RuntimeError(
            f"the base given to float_power_ has dtype {name} but the operation's result requires dtype Double"
        )
    return input.pow_(_in_double(exponent))


# -- whole numbers -----------------------------------------------------------------------------------------------------


@pointwise(**UNDERIVABLE, refuses=("gcd_cpu", "efd?"))
def gcd(input, other):
    """The greatest common divisor, not negative; of 0 and 0 it is 0."""
    return np.gcd(input, other)


@pointwise(**UNDERIVABLE, refuses=("lcm_cpu", "efd?"))
def lcm(input, other):
    """The least common multiple, not negative; with 0 it is 0."""
    return np.lcm(input, other)
