"""The arithmetic of a step that nobody differentiates, on pieces of memory.

Named and called as Tensor's own methods, so that an update rule is written once: `do.add_(x, g, alpha=-lr)` is recorded
where `do` is the class `Tensor`. Where `do` is this module, x and g are arrays, which change in place, or the numbers in
arrays of a single element: numpy computes with two such numbers in an eighth of the time. Numbers do not change, so a
rule has to return what it made of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .. import kernels
from ..autograd.grad_mode import set_grad_enabled
from ..tensor import Tensor, wrap

Array = Any
Piece = Any  # an array, or the numpy scalar in an array of one element

BLOCK, LARGE = 1 << 16, 1 << 20  # elements
NUMBERS = {float, int, bool, type(None)}
FLOAT32 = np.dtype(np.float32)
FLOATS = {np.dtype(kind) for kind in "efd"}
ALL = ...  # the index of all elements
ONE: dict[tuple[int, ...], Any] = {(1,) * n: (0,) * n for n in range(8)}  # the index of the single element, by shape


def numbers(options: Sequence[Any], differentiable: bool) -> tuple[Sequence[Any], bool]:
    """Options as numbers, and whether autograd is to see the step.

    Of a tensor that is the value; unless it shall have a gradient itself and takes part in the step, as a 0-d tensor.
    """
    with set_grad_enabled(differentiable):
        options = [_number(option) for option in options]
    return options, differentiable or not NUMBERS.issuperset(map(type, options))


def _number(option: Any) -> Any:
    if isinstance(option, Tensor) and option.requires_grad:
        return zero_dimensional(option)
    return option.item() if isinstance(option, (Tensor, np.generic, ndarray)) else option


def tensors_or_numbers(options: Sequence[Any], differentiable: bool) -> tuple[Sequence[Any], bool]:
    """Options as numbers or 0-d tensors, and whether there are such, with which only tensors compute, or autograd looks on.

    A rule that computes with options alone, as lr/(1 − betaᵗ), rounds in the dtype of these tensors.
    """
    with set_grad_enabled(differentiable):
        options = [_tensor_or_number(option) for option in options]
    return options, differentiable or not NUMBERS.issuperset(map(type, options))


def _tensor_or_number(option: Any) -> Any:
    return zero_dimensional(option) if isinstance(option, Tensor) else _number(option)


def zero_dimensional(option: Any) -> Any:
    """An option that is a tensor of one element without its dimensions; any other as it is."""
    return option.squeeze() if isinstance(option, Tensor) and option.dim() else option


def with_gradient(params: Iterable[Tensor]) -> list[tuple[Tensor, Tensor, Any]]:
    """The parameters that have a gradient, each with it and with the index of what a step takes from their arrays.

    That is the index of the single element, or ALL. It is None where a step may not leave the tensors aside: they are not
    of one kind, not in order, or inference tensors.
    """
    found = []
    for p in params:
        meta = p._autograd
        if meta is None or p._edge is not None:
            g = p.grad  # which has something to say of tensors that are no leaves
        else:
            g = meta.grad
        if g is not None:
            x, gradient = p._array, g._array
            dtype, shape = x.dtype, x.shape
            at = None
            if gradient.shape == shape and gradient.dtype is dtype and dtype in FLOATS and type(p._counter) is list:
                at = ONE.get(shape)
                if at is None and x.flags.c_contiguous:
                    at = ALL
            found.append((p, g, at))
    return found


def fits(s: Tensor, p: Tensor) -> bool:
    """Whether a step may leave this tensor aside, too, which belongs to the state of a parameter."""
    array, x = s._array, p._array
    return array.dtype is x.dtype and array.shape == x.shape and array.flags.c_contiguous and type(s._counter) is list


def blocks(*arrays: Any) -> Iterable[Any]:
    """Arrays that are equally long and in order in memory, cut alike into pieces that stay in the processor's cache."""
    first = arrays[0]
    if first.size <= LARGE:
        return (arrays,)
    rows = [None if array is None else array.reshape(-1) for array in arrays]
    pairs = itertools.combinations([row for row in rows if row is not None], 2)
    if any(np.may_share_memory(a, b) for a, b in pairs):  # then a piece could see what another one wrote
        return (arrays,)
    return ([None if row is None else row[i : i + BLOCK] for row in rows] for i in range(0, first.size, BLOCK))


def count(steps: Tensor, differentiable: bool) -> float:
    """steps ← steps + 1, and that as a number."""
    array = steps._array
    dtype = array.dtype
    if array.ndim == 0 and (dtype is FLOAT32 or dtype in FLOATS) and type(steps._counter) is list:
        array[()] = array.item() + 1
        steps._counter[0] += 1
    else:
        with set_grad_enabled(differentiable):
            steps.add_(1)
    return array.item()


def put(number: Tensor, value: Any) -> None:
    """number ← value, for a number that the state keeps."""
    array = number._array
    if type(value) is not Tensor and array.ndim == 0 and type(number._counter) is list:
        array[()] = value
        number._counter[0] += 1
    else:
        with set_grad_enabled(False):
            number.copy_(value if isinstance(value, Tensor) else wrap(np.asarray(value)))


def neg(x: Piece) -> Piece:
    """−x."""
    return -x


def add(x: Piece, y: Piece | float, *, alpha: float | None = None) -> Piece:
    """x + alpha·y; without alpha, y is a number."""
    return x + kernels.quick(y, x) if alpha is None else kernels.add_scaled(x, y, alpha)


def add_(x: Piece, y: Piece, *, alpha: float) -> Piece:
    """x ← x + alpha·y."""
    if alpha == 1:
        x += y
        return x
    return kernels.add_scaled(x, y, alpha, x if type(x) is ndarray else None)


def sub(x: Piece, y: Piece) -> Piece:
    """x − y."""
    return x - y


def mul(x: Piece, y: Piece | float) -> Piece:
    """x·y."""
    return x * kernels.quick(y, x)


def div(x: Piece, y: Piece | float) -> Piece:
    """x/y."""
    return x / kernels.quick(y, x)


def reciprocal(x: Piece) -> Piece:
    """1/x."""
    return np.reciprocal(x)


def abs(x: Piece) -> Piece:
    """|x|."""
    return np.absolute(x)


def sign(x: Piece) -> Piece:
    """−1, 0 or 1."""
    return np.sign(x)


def maximum(x: Piece, y: Piece) -> Piece:
    """The larger one; nan if one is nan."""
    return np.maximum(x, y)


def where(x: Piece, condition: Piece, other: float) -> Piece:
    """x where the condition holds, else a number."""
    if type(x) is ndarray:
        return np.where(condition, x, x.dtype.type(other))
    return x if condition else x.dtype.type(other)


def clone(x: Piece) -> Piece:
    """x as it is before a step changes it; nobody looks back here."""
    return x


def copy_(x: Piece, y: Piece) -> Piece:
    """x ← y."""
    if type(x) is not ndarray:
        return y
    x[...] = y
    return x


def clamp_(x: Piece, low: float, high: float) -> Piece:
    """x ← the nearest number in [low, high]."""
    return np.clip(x, low, high, out=x) if type(x) is ndarray else np.clip(x, low, high)


def mul_(x: Piece, factor: float) -> Piece:
    """x ← factor·x."""
    x *= kernels.quick(factor, x)
    return x


def addcmul(x: Piece, a: Piece, b: Piece, *, value: float) -> Piece:
    """x + value·a·b."""
    return kernels.addcmul(x, a, b, value)


def addcmul_(x: Piece, a: Piece, b: Piece, *, value: float) -> Piece:
    """x ← x + value·a·b."""
    return kernels.addcmul(x, a, b, value, x if type(x) is ndarray else None)


def addcdiv_(x: Piece, a: Piece, b: Piece, *, value: float = 1.0) -> Piece:
    """x ← x + value·a/b."""
    return kernels.addcdiv(x, a, b, value, x if type(x) is ndarray else None)


def lerp_(x: Piece, end: Piece, weight: float) -> Piece:
    """x ← x + weight·(end − x)."""
    return kernels.lerp(x, end, weight, x if type(x) is ndarray else None)


def sqrt(x: Piece) -> Piece:
    """√x."""
    return kernels.sqrt(x)
