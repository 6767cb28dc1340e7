"""Trace against trace: how far apart every quantity is along the run, by step, quantity and element."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.text import ADDRESS, TextGap, compare_texts
from parity.trace import END, GENERATOR, GRADIENT, INITIAL, PHASES, WEIGHT, Array, Event, Key, Trace
from parity.ulp import Gap, apart, gap

SPECK = 1e-6
MISSING = "has none"  # the end of the note where one side lacks what the other has
ALL = "*"  # in place of a name: the largest of a phase


@dataclass(frozen=True)
class Point:
    """The gap in one quantity at one event; `relative` is its part of the largest `size` of the quantity so far.

    A gradient counts as no smaller than `SPECK` of the largest gradient: of one that cancels to nothing, what is left
    is the rounding of what has cancelled. `of_phase` is the gap's part of the largest gradient altogether, which is
    what rounding is measured by; of all else it is `relative`.
    """

    number: int
    gap: Gap
    relative: float
    size: float
    of_phase: float = 0.0


@dataclass
class Comparison:
    """Everything in which two runs of a script may differ."""

    reference: Trace
    candidate: Trace
    text: TextGap
    series: dict[Key, list[Point]] = field(default_factory=dict)
    same_bits: bool = False  # all that was recorded, at every step, kept or not

    @property
    def errors(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """How each side failed, if it did."""
        return self.reference.about.get("error"), self.candidate.about.get("error")

    @property
    def same_error(self) -> bool:
        """Whether both ended alike: without an error, or with the same one at the same place of the script."""
        first, second = self.errors
        if first is None or second is None:
            return first is second
        return _essence(first) == _essence(second)

    @property
    def same_warnings(self) -> bool:
        """Whether both warned of the same."""
        first, second = (sorted(map(tuple, t.about.get("warnings", ()))) for t in (self.reference, self.candidate))
        return first == second

    @property
    def same_generator(self) -> bool:
        """Whether the random number generators' states were the same wherever they were looked at."""
        return not any(point.gap.bits for key, points in self.series.items() if key[0] == GENERATOR for point in points)

    @property
    def identical(self) -> bool:
        """To the last bit of every number and the last character of the text."""
        told = self.text.same and self.same_error and self.same_warnings
        return self.same_bits and self.same_generator and told

    def largest(self, phase: str, number: int | None = None) -> tuple[int, float] | None:
        """The largest distance in a phase, in ULP and absolute, of the run or of one event; None if it has none."""
        points = [
            point.gap
            for key, points in self.series.items()
            if key[0] == phase
            for point in points
            if (point.number != END if number is None else point.number == number)
        ]
        return (max(p.ulp for p in points), max(p.absolute for p in points)) if points else None

    def pairs(self) -> list[tuple[Event, Event]]:
        """The events that both sides have kept, in order, the end last."""
        others = {event.number: event for event in self.candidate.events}
        return [(event, others[event.number]) for event in self.reference.events if event.number in others]

    def points(self) -> list[tuple[Key, Point]]:
        """All points in the order in which things happened."""
        pairs = [(key, point) for key, points in self.series.items() for point in points]
        place = {phase: position for position, phase in enumerate(PHASES)}
        return sorted(pairs, key=lambda pair: (moment(pair[1].number), place[pair[0][0]]))


def moment(number: int) -> float:
    """The number of an event by which events are ordered in time: the end comes after all."""
    return float("inf") if number == END else number


def differs(key: Key, point: Point) -> bool:
    """Whether a point is not the same to the last bit."""
    return point.gap.bits


def compare(reference: Trace, candidate: Trace, sizes: dict[Key, float] | None = None) -> Comparison:
    """Compare two runs event by event, as far as both have kept them; `sizes` are those reached before the first."""
    comparison = Comparison(reference, candidate, compare_texts(reference.text, candidate.text))
    sizes = dict(sizes or {})
    unseen = _unseen(reference, candidate)
    for first, second in comparison.pairs():
        for key in {**first.arrays, **second.arrays}:
            if key in unseen or key[0] in unseen:
                continue
            one, two = first.arrays.get(key), second.arrays.get(key)
            if one is None or two is None:
                side = reference if one is None else candidate
                found = apart(f"{side.about.get('backend', 'one side')} {MISSING}")
            else:
                found = gap(one, two)
            kind, size = kind_of(key), _size(one)
            for measured in (kind, (kind[0], ALL)):
                sizes[measured] = max(sizes.get(measured, 0.0), size)
            size = max(sizes[kind], SPECK * sizes[kind[0], ALL] if kind[0] == GRADIENT else 0.0)
            relative = _relative(found, size)
            of_phase = _relative(found, sizes[kind[0], ALL]) if kind[0] == GRADIENT else relative
            point = Point(first.number, found, relative, size, of_phase)
            comparison.series.setdefault(key, []).append(point)
    comparison.same_bits = reference.steps == candidate.steps and reference.chain == candidate.chain
    return comparison


def _unseen(*traces: Trace) -> set[Any]:
    """The phases that a side cannot show; of the generators' states, that of the module's own."""
    hidden = {phase for trace in traces for phase in trace.about.get("hidden", ())}
    return (hidden - {GENERATOR}) | ({(GENERATOR, "")} if GENERATOR in hidden else set())


def kind_of(key: Key) -> Key:
    """What a quantity is measured by: a weight is a weight also at the start."""
    return (WEIGHT if key[0] == INITIAL else key[0]), key[1]


def _size(array: Array | None) -> float:
    """The largest absolute value, as far as finite."""
    if array is None or not array.size:
        return 0.0
    sizes = np.abs(array.astype(np.float64))
    return float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))


def _relative(found: Gap, size: float) -> float:
    if found.absolute == 0.0:
        return 0.0
    return found.absolute / size if size > 0 else float("inf")


def _essence(error: dict[str, Any]) -> tuple[Any, ...]:
    return error["type"], ADDRESS.sub("0x…", error["text"]), [list(frame) for frame in error["frames"]]
