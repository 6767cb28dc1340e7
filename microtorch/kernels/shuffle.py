"""A row of things shuffled by swaps, one place after the other: Fisher and Yates's method, as torch's randperm does it."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

FEW = 300  # swaps, which are made one by one sooner than traced


def shuffled(partners: Array) -> Array:
    """0 … n − 1 after place i, for i = 0, 1, … in turn, was swapped with place partners[i] ≥ i; int64."""
    if len(partners) > FEW:
        return _traced(partners)
    order = list(range(len(partners)))
    for i, j in enumerate(partners.tolist()):
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


def _traced(partners: Array) -> Array:
    """What every place ends up with, followed back through the swaps, all places at once.

    Swap i is the last to touch place i, which gets what then stands in place j = partners[i]: j itself, or what the
    swap before that had j as its partner put there. That is what had stood in that swap's own place, and so on.
    """
    swaps = np.arange(len(partners))
    keys = partners << 32 | swaps
    keys.sort()
    partner, swap = keys >> 32, keys & 0xFFFFFFFF  # the swaps by their partner, those with the same one in turn
    before = np.empty_like(swaps)  # the last swap before i that had the same partner; −1 where there is none
    before[swap[:1]] = -1
    before[swap[1:]] = np.where(partner[1:] == partner[:-1], swap[:-1], -1)
    is_first = before < 0

    source = swaps.copy()  # the last swap before i whose partner is place i; i where there is none
    source[partners] = swaps
    np.copyto(source, before, where=(partners == swaps) & ~is_first)
    while True:  # until it is the swap whose own place held at first what stands in place i just before swap i
        further = source.take(source)
        if (further == source).all():
            return np.where(is_first, partners, source.take(before, mode="wrap"))
        source = further
