"""Sums in the order of torch's loops for the negative log-likelihood (LossNLL.cpp): partial sums on eight levels.

A level holds what has been added since it was last emptied into the next one: the first after every 16 places, the next
one after every 16 of those. Place 0 empties all levels, so the first number is added to the others at the very end.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LEVELS = 8


def levelled(terms: Array, places: Array | None, size: int) -> Any:
    """The sum of terms that stand at these ascending places of `size`, or at all of them if it is None.

    Nothing is emptied at a place that is left out.
    """
    power = max(4, (size - 1).bit_length() // LEVELS)
    if places is None:
        return _dense(terms, 1 << power)
    rest: list[Any] = []
    for level in range(LEVELS - 1):
        if not len(terms) or places[-1] == 0:
            break
        emptied = np.flatnonzero(places >> level * power & (1 << power) - 1 == 0)
        sums = _in_groups(terms, emptied)
        rest.append(sums[-1])
        terms, places = sums[:-1], places[emptied]
    rest.append(_added(terms[None])[0])
    return functools.reduce(np.add, rest, terms.dtype.type(0))


def _dense(terms: Array, run: int) -> Any:
    """The same where no place is left out: every level holds runs of equal length, and what is left over."""
    total, zero = terms.dtype.type(0), terms.dtype.type(0)
    while len(terms) > 1:
        runs = (len(terms) - 1) // run
        end = 1 + runs * run
        total = total + (np.add.accumulate(terms[end:])[-1] if end < len(terms) else zero)
        sums = np.add.accumulate(terms[1:end].reshape(runs, run), 1)[:, -1] if runs else terms[:0]
        terms = np.concatenate((terms[:1], sums)) if runs else terms[:1]
    return total + (terms[0] if len(terms) else zero)


def _in_groups(terms: Array, last: Array) -> Array:
    """The sums of runs of terms that end at these positions, and of what is left over."""
    ends = np.append(last + 1, len(terms))
    starts = np.concatenate(([0], ends[:-1]))
    longest = int((ends - starts).max())
    if not longest:
        return np.zeros(len(ends), terms.dtype)
    rows = np.zeros((len(ends), longest), terms.dtype)
    group = np.repeat(np.arange(len(ends)), ends - starts)
    rows[group, np.arange(len(terms)) - starts[group]] = terms
    return _added(rows)


def _added(rows: Array) -> Array:
    """The sums of rows from the left to the right, every one of them rounded."""
    return np.add.accumulate(rows, 1)[:, -1] if rows.shape[1] else np.zeros(len(rows), rows.dtype)
