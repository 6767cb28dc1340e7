"""In which order the elements of a result lie in memory.

torch orders the dimensions of a new result as those of its operands are ordered, the first operand's order deciding
before the second's; numpy decides by all together. They differ where operands are laid out differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def arranged(result: Array, operands: Sequence[Any]) -> Array:
    """The result of an elementwise operation, copied into torch's order if numpy chose another one."""
    shape = result.shape
    ndim = len(shape)
    if ndim < 2 or result.size == 0:
        return result
    strides = [_broadcast_strides(a, shape) for a in operands if isinstance(a, np.ndarray)]
    order = list(range(ndim))[::-1]  # innermost first
    for i in range(1, ndim):
        inner = i
        for outer in range(i - 1, -1, -1):
            comparison = _compare(order[outer], order[inner], strides, shape)
            if comparison > 0:
                order[outer], order[inner] = order[inner], order[outer]
                inner = outer
            elif comparison < 0:
                break
    axes = order[::-1]
    if _strides_in(axes, shape, result.itemsize) == result.strides:
        return result
    target = np.empty([shape[axis] for axis in axes], result.dtype)
    target = target.transpose(np.argsort(axes))
    target[...] = result
    return target


def _compare(a: int, b: int, strides: Sequence[Sequence[int]], shape: Sequence[int]) -> int:
    """Whether dimension `a`, the inner one so far, should be outside `b` (1), stay (-1), or either (0)."""
    for of in strides:
        if of[a] == 0 or of[b] == 0:
            continue
        if of[a] != of[b]:
            return 1 if of[a] > of[b] else -1
        if shape[a] > shape[b]:
            return 1
    return 0


def _broadcast_strides(array: Array, shape: Sequence[int]) -> list[int]:
    """The strides of an operand stretched to a shape: 0 along the dimensions in which it repeats."""
    lead = len(shape) - array.ndim
    own = [
        0 if n == 1 and whole != 1 else stride
        for n, stride, whole in zip(array.shape, array.strides, shape[lead:], strict=True)
    ]
    return [0] * lead + own


def _strides_in(axes: Sequence[int], shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    strides = [0] * len(shape)
    step = itemsize
    for axis in reversed(axes):
        strides[axis] = step
        step *= shape[axis]
    return tuple(strides)
