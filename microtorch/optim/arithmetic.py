"""The arithmetic of an update that nobody differentiates.

Named and called as Tensor's own methods, so that an update rule is written once: `do.add_(x, g, alpha=-lr)` is
recorded where `do` is the class `Tensor`, and is plain work on arrays where `do` is this module. An optimizer changes
every parameter in every step, and most parameters are small: here such a change costs the numpy calls and little else.
What numpy refuses, Tensor refuses in torch's words.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..engine import mode
from ..op import requires_grad
from ..tensor import Tensor, wrap

REFUSED = (TypeError, ValueError)  # of numpy: dtypes or shapes that do not go together


def serves(x: Tensor) -> bool:
    """Whether the memory of `x` holds no surprises, so that what is here suffices for an unrecorded step."""
    array = x._array
    return array.flags.c_contiguous and array.dtype.kind == "f" and type(x._counter) is list


def is_recorded(options: list[Any]) -> bool:
    """Whether autograd is to see the step, or an option takes part in it as a tensor."""
    return mode.grad or Tensor in map(type, options)


def scalar(option: Any) -> Any:
    """An option as a number; as a 0-d tensor where it is a tensor that shall have a gradient itself."""
    if not isinstance(option, Tensor):
        return option
    return option.squeeze() if requires_grad(option) else option.item()


def neg(x: Tensor) -> Tensor:
    """−x."""
    return wrap(np.asarray(np.negative(x._array)))


def add(x: Tensor, y: Tensor | float, *, alpha: float = 1) -> Tensor:
    """x + alpha·y; a number y is added as it is."""
    try:
        if isinstance(y, Tensor):
            return wrap(np.asarray(kernels.add_scaled(x._array, y._array, float(alpha))))
        return wrap(np.asarray(np.add(x._array, float(y))))
    except REFUSED:
        return x.add(y, alpha=alpha)


def add_(x: Tensor, y: Tensor | float, *, alpha: float = 1) -> Tensor:
    """x ← x + alpha·y; a number y is added as it is."""
    array = x._array
    try:
        if isinstance(y, Tensor):
            kernels.add_scaled(array, y._array, float(alpha), array)
        else:
            np.add(array, float(y), array)
    except REFUSED:
        return x.add_(y, alpha=alpha)
    x._counter[0] += 1
    return x


def mul_(x: Tensor, factor: float) -> Tensor:
    """x ← factor·x."""
    np.multiply(x._array, float(factor), x._array)
    x._counter[0] += 1
    return x


def addcmul(x: Tensor, a: Tensor, b: Tensor, *, value: float) -> Tensor:
    """x + value·a·b."""
    try:
        return wrap(np.asarray(kernels.addcmul(x._array, a._array, b._array, float(value))))
    except REFUSED:
        return x.addcmul(a, b, value=value)


def addcmul_(x: Tensor, a: Tensor, b: Tensor, *, value: float) -> Tensor:
    """x ← x + value·a·b."""
    array = x._array
    try:
        kernels.addcmul(array, a._array, b._array, float(value), array)
    except REFUSED:
        return x.addcmul_(a, b, value=value)
    x._counter[0] += 1
    return x


def addcdiv_(x: Tensor, a: Tensor, b: Tensor, *, value: float = 1) -> Tensor:
    """x ← x + value·a/b."""
    array = x._array
    try:
        kernels.addcdiv(array, a._array, b._array, float(value), array)
    except REFUSED:
        return x.addcdiv_(a, b, value=value)
    x._counter[0] += 1
    return x


def lerp_(x: Tensor, end: Tensor, weight: float) -> Tensor:
    """x ← x + weight·(end − x)."""
    array = x._array
    try:
        kernels.lerp(array, end._array, float(weight), array)
    except REFUSED:
        return x.lerp_(end, weight)
    x._counter[0] += 1
    return x


def sqrt(x: Tensor) -> Tensor:
    """√x."""
    return wrap(np.asarray(kernels.sqrt(x._array)))
