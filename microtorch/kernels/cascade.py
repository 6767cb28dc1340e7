"""Sums in torch's order: rows of vectors, four rows at a time, and partial sums that cascade through four levels.

torch's kernel (SumKernel.cpp) adds vectors of 8 float32 or 4 float64 lanes on every CPU, so its rounding can be followed.
Which elements share a vector follows from how the array lies in memory: the kernel gets the two innermost loops of the
iterator (`layout`), in which the axes that are summed lie inside the others.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .layout import Loop, loop_axes, loops

Array = np.ndarray[Any, Any]

LEVELS = 4
BYTES = 32  # of a vector
# The order in which fewer than eight rows are added: four begin a sum each, what is left over is added to the first.
_FOURS = [np.arange(n) for n in range(5)] + [np.array([0, *range(4, n), 1, 2, 3]) for n in range(5, 8)]


def total(x: Array) -> Any:
    """The sum of a contiguous array, all dimensions taken as one."""
    flat = x.ravel()
    n, lanes = len(flat), BYTES // x.itemsize
    if n < 8 * lanes:
        order, slots = _plan(n, lanes)
        values = flat[order]
        if slots is not None:
            sums = np.zeros(1 + lanes, x.dtype)
            np.add.at(sums, slots, values)  # one after the other
            values = sums
    else:
        whole = n - n % lanes
        vector = _interleaved(flat[:whole].reshape(-1, lanes))
        values = vector if whole == n else np.concatenate((flat[whole:], vector))
    return (np.add.accumulate(values)[-1] if n else x.dtype.type(0)) + 0.0  # torch begins with +0: a sum is never −0


@functools.cache
def _plan(n: int, lanes: int) -> tuple[Array, Array | None]:
    """The order in which the numbers of fewer than eight vectors are added, and which sum each goes to, if there are several.

    Sum 0 is that of what fills no vector, sum 1 + i that of lane i; the others are then added to the first in turn.
    """
    rows, places = n // lanes, np.arange(n)
    vectors, rest = np.split(places, [rows * lanes])
    if not rows:
        return places[_FOURS[n]], None
    by_lane = vectors.reshape(rows, lanes)[_FOURS[rows]].ravel()
    slots = np.concatenate((rest * 0, 1 + vectors % lanes)) if rows > 1 else None
    return np.concatenate((rest, by_lane)), slots


def sum_over(x: Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Array:
    """The sum over the given axes of an array that may lie in memory in any way; an empty tuple sums nothing."""
    if axis is None and x.flags.c_contiguous and not keepdims:
        return np.asarray(total(x)) if x.size else np.zeros((), x.dtype)
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    summed = {a % x.ndim for a in axes} if x.ndim else set()
    kept = tuple(1 if d in summed else n for d, n in enumerate(x.shape))
    shape = kept if keepdims else tuple(n for d, n in enumerate(x.shape) if d not in summed)
    if not x.size:
        return np.zeros(shape, x.dtype)
    if math.prod(kept) == 1 and x.flags.c_contiguous:
        return np.asarray(total(x)).reshape(shape)
    strides = result_strides(x.shape, summed, keepdims), tuple(step // x.itemsize for step in x.strides)
    nest = loops(x.shape, strides, loop_axes(x.shape, strides, reduces=True))
    if all(loop.steps[0] for loop in nest):
        return (x + 0.0).reshape(shape)
    return _summed(x, nest).reshape(shape)


def result_strides(shape: tuple[int, ...], summed: set[int], keepdims: bool) -> tuple[int, ...]:
    """The steps in the result: none along an axis that is summed, unless it has length 1 and is kept."""
    strides, step = [0] * len(shape), 1
    for axis in reversed(range(len(shape))):
        if axis not in summed:
            strides[axis] = step
            step *= shape[axis]
        elif keepdims and shape[axis] == 1:
            strides[axis] = step
    return tuple(strides)


def _summed(x: Array, nest: list[Loop]) -> Array:
    """The sum, flat; the innermost loop is one that sums."""
    if len(nest) == 1:
        nest = [*nest, Loop(1, (0, 0))]
    (size, (_, stride)), (columns, (_, across)), *_ = nest
    lanes = BYTES // x.itemsize
    shape, strides = [loop.size for loop in nest[::-1]], [loop.steps[1] * x.itemsize for loop in nest[::-1]]
    view = np.lib.stride_tricks.as_strided(x, shape, strides)  # the two innermost dimensions last
    if stride == 1 and size >= lanes:
        partial = _along_rows(view, lanes)
    else:
        rows = np.ascontiguousarray(view.transpose(view.ndim - 1, *range(view.ndim - 1)))
        if across == 1 and columns >= lanes:
            together = columns - columns % (4 * lanes)
        else:
            together = 0 if stride < across else columns - columns % 4
        parts = ((cascade, rows[..., :together]), (_interleaved, rows[..., together:]))
        partial = np.concatenate([_flat(function, part) for function, part in parts if part.size], -1)
    if len(nest) == 2 and nest[1].steps[0]:
        return partial + 0.0
    # Where outer loops sum as well, theirs is added to the result piece by piece.
    rest = nest[:0:-1]
    last = [i for i, loop in enumerate(rest) if loop.steps[0] == 0]
    first = sorted((i for i, loop in enumerate(rest) if loop.steps[0]), key=lambda i: -rest[i].steps[0])
    pieces = partial.transpose(first + last).reshape(math.prod(rest[i].size for i in first), -1)
    return np.add.accumulate(pieces, 1)[:, -1] + 0.0


def _along_rows(view: Array, lanes: int) -> Array:
    """The sums over the last dimension: of vectors first, then of what is left over and the vector's lanes in turn."""
    size = view.shape[-1]
    whole = size - size % lanes
    vectors = np.moveaxis(view[..., :whole].reshape(*view.shape[:-1], -1, lanes), -2, 0)
    values = np.concatenate((view[..., whole:], _flat(_interleaved, np.ascontiguousarray(vectors))), -1)
    return np.add.accumulate(values, -1)[..., -1]


def _flat(function: Any, rows: Array) -> Array:
    """A sum of rows applied to rows of more than one dimension."""
    return np.asarray(function(rows.reshape(len(rows), -1))).reshape(rows.shape[1:])


def _interleaved(rows: Array) -> Array:
    """The sum of rows, every fourth row on its own, then the four sums; what is left over is added to the first."""
    if len(rows) < 8:
        return _added(rows.take(_FOURS[len(rows)], 0) if len(rows) > 4 else rows)
    whole = len(rows) - len(rows) % 4
    sums = cascade(rows[:whole].reshape(whole // 4, -1)).reshape(4, -1)
    return _added(sums if whole == len(rows) else np.concatenate((sums[:1], rows[whole:], sums[1:])))


def cascade(rows: Array) -> Array:
    """The sum of rows: runs of 2ᵖ rows are summed, then runs of 2ᵖ such sums, and so on up to the fourth level."""
    power = max(4, (len(rows) - 1).bit_length() // LEVELS)
    rest: list[Array] = []  # of each level, the sum of what does not fill a run
    for _ in range(LEVELS - 1):
        full = len(rows) >> power
        if not full:
            break
        runs, tail = rows[: full << power], rows[full << power :]
        if len(tail):
            rest.append(_added(tail))
        rows = np.add.reduce(runs.reshape(full, 1 << power, -1), 1)
    return functools.reduce(np.add, rest + [_added(rows)])


def _added(rows: Array) -> Array:
    """The sum of rows from the first to the last: so numpy adds along an outer axis, and what is less than eight."""
    return np.asarray(np.add.reduce(rows, 0))


def folded(rows: Array) -> Array:
    """The sum over the last axis: one vector runs along it, and its lanes are added at last (vec/functional_base.h).

    Lanes of float32 by halves, those of float64 one after the other, as also what fills no vector.
    """
    lanes, size = BYTES // rows.itemsize, rows.shape[-1]
    if size < lanes:
        return np.asarray(np.add.accumulate(rows, -1)[..., -1])
    whole = size - size % lanes
    vector = np.add.accumulate(rows[..., :whole].reshape(*rows.shape[:-1], -1, lanes), -2)[..., -1, :]
    vector[..., : size - whole] += rows[..., whole:]
    if rows.itemsize == 8:
        return np.asarray(np.add.accumulate(vector, -1)[..., -1])
    while lanes > 1:
        lanes //= 2
        vector = vector[..., :lanes] + vector[..., lanes:]
    return np.asarray(vector[..., 0])
