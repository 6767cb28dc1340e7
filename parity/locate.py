"""Where two runs part: the first event, quantity and element, found by running both again with a closer look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.compare import ALL, Comparison, Point, compare, differs, kind_of, moment
from parity.trace import END, Array, Key, Trace
from parity.ulp import Gap, apart, distances

PASSES = 4  # closer looks; each narrows the interval by hundreds

Bad = Callable[[Key, Point], bool]
Again = Callable[[tuple[int, int]], tuple[Trace, Trace] | None]  # runs both sides, keeping the events of an interval


@dataclass(frozen=True)
class Parting:
    """The first thing that was seen to differ.

    `after` is the last event before it that both sides kept, -1 if there is none; where `exact`, nothing lies between.
    """

    number: int
    key: Key
    gap: Gap
    after: int
    exact: bool
    reference: Array | None
    candidate: Array | None
    at: tuple[int, ...]  # index of the element that is shown
    seen: Comparison = field(repr=False, compare=False)  # in which it was found

    def values(self) -> tuple[Any, Any] | None:
        """Both sides' element; None if there is none to show."""
        if self.reference is None or self.candidate is None or self.gap.note or not self.reference.size:
            return None
        return self.reference[self.at], self.candidate[self.at]

    def ulp(self) -> int:
        """How far apart both sides' element is."""
        values = self.values()
        return self.gap.ulp if values is None else int(distances(np.asarray(values[0]), np.asarray(values[1])))


def first_parting(comparison: Comparison, bad: Bad) -> Parting | None:
    """The first point of a comparison that is bad, as far as the events kept show it.

    Where the sides fail in different ways, or one of them alone, the state in which they end shows nothing.
    """
    ends = comparison.same_error
    events = {first.number: (first, second) for first, second in comparison.pairs() if ends or first.number != END}
    numbers = sorted(events, key=moment)
    found = next(
        ((key, point) for key, point in comparison.points() if point.number in events and bad(key, point)), None
    )
    if bad is differs:  # the chain of digests knows of what happened between the events that were kept
        broken = next((n for n in numbers if events[n][0].chain != events[n][1].chain), None)
        if broken is not None and (found is None or moment(broken) < moment(found[1].number)):
            found = ("something", ""), Point(broken, apart("between the events that were kept"), 0.0, 0.0)
    if found is None:
        return None
    key, point = found
    after = max((n for n in numbers if n > END and moment(n) < moment(point.number)), default=-1)
    first, second = (event.arrays.get(key) for event in events[point.number])
    at = point.gap.first if bad is differs else point.gap.worst
    exact = after + 1 == (_steps(comparison) if point.number == END else point.number)
    return Parting(point.number, key, point.gap, after, exact, first, second, at, comparison)


def locate(comparison: Comparison, bad: Bad, again: Again) -> Parting | None:
    """The first parting, exact if running both again can make it so."""
    parting = first_parting(comparison, bad)
    for _ in range(PASSES):
        if parting is None or parting.exact or not _steps(comparison):
            break
        stop = _steps(comparison) if parting.number == END else parting.number + 1
        traces = again((max(parting.after, 0), stop))
        if traces is None:
            break
        closer = compare(*traces, sizes=_sizes(comparison, parting.after))
        found = first_parting(closer, bad)
        if found is None:
            break
        comparison, parting = closer, found
    return parting


def _steps(comparison: Comparison) -> int:
    """The number of steps that both sides have made."""
    return min(comparison.reference.steps, comparison.candidate.steps)


def _sizes(comparison: Comparison, number: int) -> dict[Key, float]:
    """The sizes that all quantities have had up to an event."""
    sizes: dict[Key, float] = {}
    for key, points in comparison.series.items():
        for point in points:
            if moment(point.number) <= number:
                kind = kind_of(key)
                for measured in (kind, (kind[0], ALL)):
                    sizes[measured] = max(sizes.get(measured, 0.0), point.size)
    return sizes
