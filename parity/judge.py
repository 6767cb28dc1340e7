"""From distances to a verdict: what is demanded in each float type, and what torch's own noise excuses.

What is demanded is the same course of training, not only the same end: a wrong factor in a gradient often arrives at
the same weights. So every quantity that was recorded is held against the reference at every event that was kept,
relative to the largest size that it has had until then (near zero, digits are noise). The float64 run is the sharp
test, for there a fault shows as 1e-3 and rounding as 1e-13; the float32 run must end within a few units in the last
place. Random numbers must be the same bits, the printed text the same but for digits that the numbers above explain.

Some training amplifies rounding until it is visible. This is measured, not presumed: where the demand fails, torch is
compared with torch on its other kernels, and from the event on at which torch has visibly left itself the candidate
may be as far from torch, in order of magnitude, as torch is from itself. Once torch's weights are farther from torch's
than is demanded, it is the weights that are judged so; losses, gradients and states follow from them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from parity.compare import MISSING, Comparison, Point, differs, moment
from parity.text import Digits
from parity.trace import END, FORWARD, GENERATOR, GRADIENT, LOSS, STATE, WEIGHT, Key

IDENTICAL = "identical"
AS_DEMANDED = "as demanded"
WITHIN_NOISE = "within torch's own noise"
DIFFERENT = "different"
UNABLE = "could not run"
NOT_DEMANDED = "not identical, not demanded"
GOOD = (IDENTICAL, AS_DEMANDED, WITHIN_NOISE, NOT_DEMANDED)

FOLLOWING = (FORWARD, LOSS, GRADIENT, STATE)  # what weights and data determine
ONSET = 1e-3  # the part of a demand by which torch must have left itself for its noise to count
LIKENESS = 10.0  # of chaos, two runs tell only the order of magnitude


@dataclass(frozen=True)
class Demand:
    """The largest distance along the way, relative; of printed numbers, relative; and of the last weights, in ULP."""

    way: float
    digits: float
    last_weights: int | None = None


DEMANDS = {
    "float64": Demand(way=1e-9, digits=1e-9),
    "float32": Demand(way=1e-4, digits=1e-4, last_weights=4),
}


@dataclass(frozen=True)
class Judgement:
    """The verdict, the sentences that are its reasons, and which of the points compared are offences."""

    word: str
    reasons: tuple[str, ...] = ()
    offends: Callable[[Key, Point], bool] = field(default=differs, compare=False)


def judge(comparison: Comparison, demand: Demand, noise: Comparison | None = None) -> Judgement:
    """The verdict on a comparison, given that of torch with itself if it was measured."""
    if comparison.identical:
        return Judgement(IDENTICAL)

    def offends(key: Key, point: Point) -> bool:
        if not comparison.same_error and (point.number == END or point.gap.note.endswith(MISSING)):
            return False  # where one side has failed it goes without saying that the rest is missing
        if point.gap.note:
            return True
        if key[0] == GENERATOR:
            return point.gap.bits and not _excused_bits(key, noise)
        last = demand.last_weights if key[0] == WEIGHT and point.number == END else None
        within = point.relative <= demand.way if last is None else point.gap.ulp <= last
        return not (within or _excused(key, point, demand, noise))

    reasons = [*_told(comparison, demand, noise), *_offences(comparison, offends)]
    if reasons:
        return Judgement(DIFFERENT, tuple(reasons), offends)
    return Judgement(AS_DEMANDED if noise is None else WITHIN_NOISE, (), offends)


def _told(comparison: Comparison, demand: Demand, noise: Comparison | None) -> list[str]:
    """Offences in how the runs ended and in what they printed."""
    names = [trace.about.get("backend", "") for trace in (comparison.reference, comparison.candidate)]
    if not comparison.same_error:
        sides = (f"{n} {'ends well' if e is None else 'fails'}" for n, e in zip(names, comparison.errors, strict=True))
        return ["they fail in different ways" if all(comparison.errors) else ", ".join(sides)]
    reasons = []
    counts = comparison.reference.steps, comparison.candidate.steps
    if counts[0] != counts[1] and not (noise and noise.reference.steps != noise.candidate.steps):
        reasons.append(f"{names[0]} makes {counts[0]} steps, {names[1]} {counts[1]}")
    if not comparison.same_warnings:
        reasons.append("they warn of different things")
    if not _text_is_well(comparison, demand, noise):
        reasons.append("they print different text")
    return reasons


def _text_is_well(comparison: Comparison, demand: Demand, noise: Comparison | None) -> bool:
    """Whether the texts are the same, or differ in digits only and by no more than the numbers behind them may."""
    if comparison.text.digits is None:
        return noise is not None and noise.text.digits is None
    return all(d.within(demand.digits) or _excused_digits(d, noise) for d in comparison.text.digits)


def _offences(comparison: Comparison, offends: Callable[[Key, Point], bool]) -> list[str]:
    """One sentence for every phase in which something offends."""
    worst: dict[str, tuple[float, str]] = {}
    for key, point in comparison.points():
        if offends(key, point):
            name = f"{key[0]} {key[1]}".strip()
            what = point.gap.note or f"{point.relative:.1e} of its size" * (key[0] != GENERATOR) or "another state"
            if key[0] not in worst or point.relative > worst[key[0]][0]:
                worst[key[0]] = (point.relative, f"{name}: {what}")
    return [sentence for _, sentence in worst.values()]


def _excused(key: Key, point: Point, demand: Demand, noise: Comparison | None) -> bool:
    """Whether torch is about as far from itself in this quantity, and had left itself by then."""
    if noise is None:
        return False
    if key[0] in FOLLOWING and moment(point.number) >= _gone(noise, demand):
        return True
    own = noise.series.get(key, [])
    left = any(p.relative > ONSET * demand.way and moment(p.number) <= moment(point.number) for p in own)
    return left and point.relative <= LIKENESS * max(p.relative for p in own)


def _gone(noise: Comparison, demand: Demand) -> float:
    """The moment from which torch's weights are farther from torch's than is demanded; the end of time if never."""
    weights = [points for key, points in noise.series.items() if key[0] == WEIGHT]
    return min((moment(p.number) for points in weights for p in points if p.relative > demand.way), default=math.inf)


def _excused_bits(key: Key, noise: Comparison | None) -> bool:
    return noise is not None and any(point.gap.bits for point in noise.series.get(key, []))


def _excused_digits(digits: Digits, noise: Comparison | None) -> bool:
    """Whether torch on other kernels prints another number at this place, too."""
    return noise is not None and any(own.place == digits.place for own in noise.text.digits or ())
