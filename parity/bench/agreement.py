"""Whether two sides have learned the same, by the verdict that parity has for scripts.

Weights, gradients and random state are compared at the end and, since a wrong step often arrives at the same weights,
after the first step as well. They are as near as the roundings of a step allow, or as near as torch is to itself where
nothing but rounding differs. That is measured, by the same number of steps, only where it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from parity.compare import Comparison, compare
from parity.floor import floor_of
from parity.judge import DEMANDS, GOOD, judge
from parity.trace import END, GENERATOR, GRADIENT, PHASES, WEIGHT, Trace

DTYPE = "float32"  # in which programs are timed

# What is compared, of a program after its first step and at its end, and of one that was watched as a whole.
LEARNED = (WEIGHT, GRADIENT, GENERATOR)
ALL = PHASES


@dataclass(frozen=True)
class Agreement:
    """How far the weights at the end are apart, in ULP and absolute, and why that is too far, if it is."""

    ulp: int | None
    absolute: float
    differs: str = ""


def agree(reference: Trace, candidate: Trace, noise: Iterable[Trace], phases: Sequence[str] = LEARNED) -> Agreement:
    """Compare two ends, given torch's runs with other roundings, which are taken only as long as there is doubt."""

    def compared(other: Trace) -> Comparison:
        found = compare(reference, other)
        series = {key: points for key, points in found.series.items() if key[0] in phases}
        parted = any(point.gap.bits for points in series.values() for point in points)
        return replace(found, series=series, same_bits=found.same_bits and not parted)

    comparison, own = compared(candidate), list[Comparison]()
    judgement = judge(comparison, DEMANDS[DTYPE])
    others = iter(noise)
    while judgement.word not in GOOD and (other := next(others, None)) is not None:
        own.append(compared(other))
        judgement = judge(comparison, DEMANDS[DTYPE], floor_of(comparison, own))
    ulp, absolute = comparison.largest(WEIGHT, END) or (None, 0.0)
    return Agreement(ulp, absolute, "" if judgement.word in GOOD else "; ".join(judgement.reasons))
