"""Powers, of which an exponent may be a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..kernels.numpy import number
from ..op import MEANINGS, METHODS, composite, not_implemented, only_method, pointwise
from ..tensor import Tensor
from .arithmetic import check_half, require_tensor
from .comparison import where
from .creation import zeros_like


def _check_power(input, exponent):
    """Refuse a power of bools, unless the exponent is a number, and of an integer if that number is negative."""
    if not isinstance(exponent, Tensor):
        check_half(input, exponent)
        if not isinstance(exponent, float) and exponent < 0 and not input.is_floating_point():
            raise RuntimeError("Integers to negative integer powers are not allowed.")
    else:
        bools = [v.dtype is dtypes.bool_ if isinstance(v, Tensor) else isinstance(v, bool) for v in (input, exponent)]
        if all(bools):
            raise not_implemented("pow", dtypes.bool_)


def _pow_node(input, exponent):
    kinds = isinstance(input, Tensor), isinstance(exponent, Tensor)
    return {(True, False): "PowBackward0", (True, True): "PowBackward1", (False, True): "PowBackward2"}[kinds]


@pointwise(
    input=lambda g, input, exponent: _pow_backward(g, input, exponent),
    exponent=lambda g, input, exponent, out: g * _log_power(input, exponent, out),
    node=_pow_node,
    hides={"PowBackward0": "result"},
    numbers=("input", "exponent"),
    check=_check_power,
    order=lambda input, exponent: (input, exponent) if np.ndim(input) else (),
)
def pow(input, exponent):
    """xʸ, broadcasting; an integer to a negative whole number is refused."""
    is_float = type(input) is np.ndarray and input.dtype.kind == "f"
    if not is_float and np.result_type(input, exponent).kind != "f":
        return _integer_power(input, exponent).astype(np.result_type(input, exponent))
    return kernels.pow(input, exponent)


def _integer_power(x, y):
    """xʸ in integers, whose results wrap; 1/xʸ is 0 but where |x| is 1."""
    if np.result_type(x, y).kind == "b":
        return x | ~y
    x, y = np.broadcast_arrays(x, y)
    power = np.power(x, np.maximum(y, 0))
    if (y >= 0).all():
        return power
    units = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2, -1, 1), 0))
    return np.where(y < 0, units, power).astype(power.dtype)


def _pow_backward(g: Any, input: Any, exponent: Any) -> Any:
    if isinstance(exponent, Tensor):
        return where(exponent.eq(0), 0, g * (exponent * pow(input, exponent - 1)))
    return zeros_like(g) if exponent == 0 else g * (exponent * pow(input, exponent - 1))


def _pow_backward_on_arrays(g: Any, input: Any, exponent: Any) -> Any:
    if isinstance(exponent, np.ndarray):
        return np.where(exponent == 0, g.dtype.type(0), g * (exponent * kernels.pow(input, exponent - 1)))
    if exponent == 0:
        return np.zeros_like(g)
    return g * (number(exponent, g.dtype.char) * (input if exponent == 2 else kernels.pow(input, exponent - 1)))


MEANINGS[_pow_backward] = _pow_backward_on_arrays


def _log_power(input: Any, exponent: Any, out: Any) -> Any:
    """d xʸ/dy = xʸ·ln x, and 0 where x is 0 and y is not negative."""
    if isinstance(input, Tensor):
        return where(input.eq(0) & exponent.ge(0), 0, out * input.to(out.dtype).log())
    with np.errstate(all="ignore"):
        slope = out * float(np.log(float(input)))
    return where(exponent >= 0, 0, slope) if input == 0 else slope


@composite
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x²."""
    require_tensor("input", 1, input)
    return pow(input, 2, out=out)


@only_method
def square_(input: Tensor) -> Tensor:
    """`square` in place."""
    require_tensor("input", 1, input)
    return METHODS["pow_"](input, 2)
