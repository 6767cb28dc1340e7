"""The noise floor: how far a run may be from torch with nobody at fault, by quantity and moment.

Two things make it. One is measured: torch's distance from itself on its other kernels. The other is known without a
measurement: a sum of n terms in another order is off by some √n roundings, and n is no more than the numbers that went
into the step. Below that no kernel can be asked to agree, even where torch's own happen to.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from parity.compare import Comparison, kind_of, moment
from parity.trace import BATCH, END, FORWARD, WEIGHT, Key


@dataclass(frozen=True)
class Floor:
    """torch's distances from itself, and the rounding of one step of the run, relative to the size of a quantity."""

    own: tuple[Comparison, ...] = ()
    rounding: float = 0.0

    def until(self, key: Key, number: int) -> float:
        """The largest relative distance of torch from itself in a quantity, from the start to this event."""
        moments, largest = self._course.get(kind_of(key), ((), ()))
        place = bisect.bisect_right(moments, moment(number))
        return largest[place - 1] if place else 0.0

    def whole(self, key: Key) -> float:
        """The same of the whole run."""
        return self.until(key, END)

    def largest(self, phase: str, number: int | None = None) -> tuple[int, float] | None:
        """torch's largest distance from itself in a phase, in ULP and absolute, of the run or of one event."""
        found = [pair for own in self.own if (pair := own.largest(phase, number)) is not None]
        return (max(ulp for ulp, _ in found), max(absolute for _, absolute in found)) if found else None

    def last_ulp(self, key: Key) -> int:
        """The largest distance of torch from itself in a quantity at the end, in ULP."""
        found = (point.gap.ulp for c in self.own for point in c.series.get(key, ()) if point.number == END)
        return max(found, default=0)

    def bits(self, key: Key) -> bool:
        """Whether torch on any other kernels has other bits in a quantity."""
        return any(point.gap.bits for c in self.own for point in c.series.get(key, ()))

    def weights_gone(self, beyond: float) -> float | None:
        """The moment from which torch's weights are farther from torch's than this; None if they never are."""
        courses = [course for key, course in self._course.items() if key[0] == WEIGHT]
        return min((m for course in courses for m, size in zip(*course, strict=True) if size > beyond), default=None)

    @cached_property
    def _course(self) -> dict[Key, tuple[tuple[float, ...], tuple[float, ...]]]:
        """Of each quantity the moments at which it was compared and the largest distance up to each."""
        points: dict[Key, list[tuple[float, float]]] = {}
        for comparison in self.own:
            for key, series in comparison.series.items():
                points.setdefault(kind_of(key), []).extend((moment(p.number), p.relative) for p in series)
        found = {}
        for kind, pairs in points.items():
            moments, sizes = zip(*sorted(pairs), strict=True)
            found[kind] = moments, tuple(itertools.accumulate(sizes, max))
        return found


def floor_of(comparison: Comparison, own: Sequence[Comparison] = ()) -> Floor:
    """The floor for a comparison, given torch's comparisons with itself."""
    return Floor(tuple(own), rounding_of(comparison))


def rounding_of(comparison: Comparison) -> float:
    """The relative rounding of the longest sum that a step of the run can hold, in the type of its weights."""
    arrays = [(key, array) for event in comparison.reference.events for key, array in event.arrays.items()]
    floats = [a.dtype for key, a in arrays if a.dtype.kind == "f" and key[0] in (WEIGHT, FORWARD)]
    longest = max((array.size for key, array in arrays if key[0] in (BATCH, FORWARD, WEIGHT)), default=1)
    return max((float(np.finfo(kind).eps) for kind in floats), default=0.0) * math.sqrt(max(longest, 1))
