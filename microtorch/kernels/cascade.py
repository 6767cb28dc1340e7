"""Sums in torch's order: rows of vectors, four rows at a time, and partial sums that cascade through four levels.

torch's kernel (SumKernel.cpp) adds vectors of 8 float32 or 4 float64 lanes on every CPU, so its rounding can be followed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LEVELS = 4


def total(x: Array) -> Any:
    """The sum of a contiguous array, all dimensions taken as one."""
    flat = x.reshape(-1)
    n = flat.size
    lanes = 32 // flat.itemsize
    if n < lanes:
        return _interleaved(flat.reshape(n, 1))[0] + 0.0  # torch begins with +0, so that the sum is never −0
    whole = n - n % lanes
    vector = _interleaved(flat[:whole].reshape(-1, lanes))
    if n == whole:
        return _chain(vector) + 0.0
    return _chain(np.concatenate((flat[whole:], vector))) + 0.0


def _chain(values: Array) -> Any:
    """((x₀ + x₁) + x₂) + …"""
    return np.add.accumulate(values)[-1]


def _interleaved(rows: Array) -> Array:
    """The sum of rows, every fourth row on its own, then the four sums."""
    fours = len(rows) // 4
    if fours == 0:
        return np.add.accumulate(rows, 0)[-1] if len(rows) else np.zeros(rows.shape[1], rows.dtype)
    sums = cascade(rows[: 4 * fours].reshape(fours, -1)).reshape(4, -1)
    for row in rows[4 * fours :]:
        sums[0] += row
    return ((sums[0] + sums[1]) + sums[2]) + sums[3]


def cascade(rows: Array) -> Array:
    """The sum of rows: runs of 2ᵖ rows are summed, then runs of 2ᵖ such sums, and so on up to the fourth level."""
    size = len(rows)
    power = max(4, (size - 1).bit_length() // LEVELS)
    run = 1 << power
    rest: list[Array] = []  # of each level, the sum of what does not fill a run
    for level in range(LEVELS):
        full = len(rows) >> power if level < LEVELS - 1 else 0
        tail = rows[full << power :]
        rest.append(np.add.accumulate(tail, 0)[-1] if len(tail) else np.zeros(rows.shape[1:], rows.dtype))
        if not full:
            break
        # numpy adds along an outer axis row by row, in order
        rows = np.add.reduce(rows[: full << power].reshape(full, run, -1), axis=1).reshape(full, *rows.shape[1:])
    result = rest[0]
    for partial in rest[1:]:
        result = result + partial
    return result
