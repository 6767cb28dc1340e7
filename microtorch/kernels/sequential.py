"""Norm and variance in torch's order: element after element, as its iterator meets them (ReduceOpsKernel.cpp)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .cascade import BYTES, result_strides
from .fused import fma
from .layout import loop_axes, loops

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...] | int | None


def in_turn(x: Array, axis: Axes, keepdims: bool) -> tuple[Array, tuple[int, ...], bool]:
    """For every element of a reduction's result, a row of what is reduced to it in the order in which torch meets it.

    Also the shape of the result, and whether the rows lie in memory as they stand, one element behind the other.
    """
    reduced = {a % x.ndim for a in (range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis)}
    kept = [a for a in range(x.ndim) if a not in reduced]
    shape = tuple((1 if a in reduced else n) for a, n in enumerate(x.shape) if keepdims or a not in reduced)
    strides = result_strides(x.shape, reduced, keepdims), tuple(step // x.itemsize for step in x.strides)
    axes = loop_axes(x.shape, strides, reduces=True)
    rows = x.transpose(kept + [a for a in reversed(axes) if a in reduced]).reshape(math.prod(shape), -1)
    inner = [loop for loop in loops(x.shape, strides, axes) if loop.steps[0] == 0]
    return rows, shape, len(inner) == 1 and inner[0].steps[1] == 1


def taxicab(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """Σ|x| over the given axes."""
    rows, shape, _ = in_turn(x, axis, keepdims)
    return np.asarray(np.add.accumulate(np.abs(rows), 1)[:, -1]).reshape(shape)


def euclidean(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """√Σx² over the given axes. Rows that lie in memory are added up in vectors, what does not fill one behind them."""
    rows, shape, dense = in_turn(x, axis, keepdims)
    squares = rows * rows
    if not dense:
        return np.asarray(np.sqrt(np.add.accumulate(squares, 1)[:, -1])).reshape(shape)
    lanes = BYTES // x.itemsize
    whole = rows.shape[1] - rows.shape[1] % lanes
    vector = np.zeros((len(rows), lanes), x.dtype)
    if whole:
        vector = np.add.accumulate(squares[:, :whole].reshape(len(rows), -1, lanes), 1)[:, -1]
    total = np.add.accumulate(vector, 1)[:, -1]
    rest = rows.shape[1] - whole
    alone = whole + (rest - rest % 4 if lanes == 8 else 0)  # the compiler has taken four float32 at once, unfused
    for k in range(whole, rows.shape[1]):
        total = total + squares[:, k] if k < alone else fma(rows[:, k], rows[:, k], total)
    return np.asarray(np.sqrt(total)).reshape(shape)


def welford(x: Array, axis: Axes, keepdims: bool, correction: float) -> tuple[Array, Array]:
    """Variance and mean in float64, brought up to date with every element (Welford, 1962)."""
    rows, shape, _ = in_turn(x, axis, keepdims)
    mean = np.zeros(len(rows))
    spread = np.zeros(len(rows))
    for count, column in enumerate(np.ascontiguousarray(rows.T, np.float64), 1):
        away = column - mean
        mean = mean + away / count
        spread = spread + away * (column - mean)
    variance = np.true_divide(spread, max(rows.shape[1] - correction, 0))
    return variance.reshape(shape), mean.reshape(shape)


def spread_around(x: Array, mean: float, correction: float) -> Any:
    """The variance of all elements around their mean, which is given, in float64; added up loop by loop of two axes."""
    strides = (tuple(step // x.itemsize for step in x.strides),)
    axes = loop_axes(x.shape, strides)
    innermost = math.prod(loop.size for loop in loops(x.shape, strides, axes)[:2])
    away = x.transpose(axes[::-1]).reshape(-1, innermost).astype(np.float64) - mean
    parts = np.add.accumulate(away * away, 1)[:, -1]
    return np.true_divide(np.add.accumulate(parts)[-1], max(x.size - correction, 0))
