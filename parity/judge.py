"""From distances to a verdict: what is demanded in each float type, and what torch's own noise excuses.

What is demanded is the same course of training, not only the same end: a wrong factor in a gradient often arrives at
the same weights. So every quantity that was recorded is held against the reference at every event that was kept,
relative to the largest size that it has had until then (near zero, digits are noise). No fixed tolerance decides: the
distance from torch must be of the order of torch's distance from itself on its other kernels, which was measured in
the same call (`floor`). An order of magnitude is what two or three runs can tell: one kernel may by chance round a
short sum just as the reference does, and which is nearer to the truth is chance as well. On top of this the float64
run, in which a fault shows as 1e-3 and rounding as 1e-13, must agree to 1e-9, and the float32 run must end within
a few units in the last place, or as near as torch to itself. Random numbers must be the same bits, the printed text
the same but for digits that the numbers above explain.

Some training amplifies rounding until it is visible: torch's weights are seen to go farther from torch's than is
demanded. When they do depends on the first few roundings, so that two runs cannot be held against each other step by
step. There the demand holds until torch has visibly left itself, and from then on the candidate may be as far from
torch as torch is from itself in the whole run. Once torch's weights have gone, it is the weights that are judged so;
losses, gradients and states follow from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from parity.compare import MISSING, Comparison, Point, differs, moment
from parity.floor import Floor, floor_of
from parity.trace import END, FORWARD, GENERATOR, GRADIENT, LOSS, STATE, WEIGHT, Key

IDENTICAL = "identical"
WITHIN_NOISE = "within torch's own noise"
DIFFERENT = "different"
UNABLE = "could not run"
NOT_DEMANDED = "not identical, not demanded"
GOOD = (IDENTICAL, WITHIN_NOISE, NOT_DEMANDED)

FOLLOWING = (FORWARD, LOSS, GRADIENT, STATE)  # what weights and data determine
ONSET = 1e-3  # the part of a demand by which torch must have left itself for its noise to count
LIKENESS = 10.0  # a few runs tell only the order of magnitude of noise


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


def judge(comparison: Comparison, demand: Demand, floor: Floor | None = None) -> Judgement:
    """The verdict on a comparison, given the noise floor; without one, by the rounding of one step alone."""
    if comparison.identical:
        return Judgement(IDENTICAL)
    known = floor_of(comparison) if floor is None else floor
    gone = known.weights_gone(demand.way)

    def offends(key: Key, point: Point) -> bool:
        if not comparison.same_error and (point.number == END or point.gap.note.endswith(MISSING)):
            return False  # where one side has failed it goes without saying that the rest is missing
        if point.gap.note:
            return True
        if key[0] == GENERATOR:
            return point.gap.bits and not known.bits(key)
        if gone is not None and key[0] in FOLLOWING and moment(point.number) >= gone:
            return False
        if gone is not None and _amplified(key, point, demand, known):
            return False
        return not _as_near(key, point, demand, known)

    reasons = [*_told(comparison, demand, known), *_offences(comparison, offends)]
    return Judgement(DIFFERENT if reasons else WITHIN_NOISE, tuple(reasons), offends)


def _as_near(key: Key, point: Point, demand: Demand, floor: Floor) -> bool:
    """Whether the candidate is as near to torch as torch was to itself by then, and as near as is demanded."""
    own = floor.until(key, point.number)
    if point.relative > LIKENESS * own and point.of_phase > LIKENESS * floor.rounding:
        return False
    if demand.last_weights is not None and key[0] == WEIGHT and point.number == END:
        return point.gap.ulp <= max(demand.last_weights, floor.last_ulp(key)) or point.relative <= LIKENESS * own
    return point.relative <= max(demand.way, own)


def _amplified(key: Key, point: Point, demand: Demand, floor: Floor) -> bool:
    """Whether the candidate is as near as is demanded, or torch had visibly left itself by then and goes about as far."""
    if point.relative <= demand.way and (key[0] != WEIGHT or point.number != END):
        return True
    return floor.until(key, point.number) > ONSET * demand.way and point.relative <= LIKENESS * floor.whole(key)


def _told(comparison: Comparison, demand: Demand, floor: Floor) -> list[str]:
    """Offences in how the runs ended and in what they printed."""
    names = [trace.about.get("backend", "") for trace in (comparison.reference, comparison.candidate)]
    if not comparison.same_error:
        sides = (f"{n} {'ends well' if e is None else 'fails'}" for n, e in zip(names, comparison.errors, strict=True))
        return ["they fail in different ways" if all(comparison.errors) else ", ".join(sides)]
    reasons = []
    counts = comparison.reference.steps, comparison.candidate.steps
    if counts[0] != counts[1] and not any(own.reference.steps != own.candidate.steps for own in floor.own):
        reasons.append(f"{names[0]} makes {counts[0]} steps, {names[1]} {counts[1]}")
    if not comparison.same_warnings:
        reasons.append("they warn of different things")
    if not _text_is_well(comparison, demand, floor):
        reasons.append("they print different text")
    return reasons


def _text_is_well(comparison: Comparison, demand: Demand, floor: Floor) -> bool:
    """Whether the texts are the same, or differ in digits only and by no more than the numbers behind them may."""
    if comparison.text.digits is None:
        return any(own.text.digits is None for own in floor.own)
    within = min(demand.digits, LIKENESS * max(floor.rounding, *(floor.whole(key) for key in comparison.series), 0.0))
    own = _own_digits(floor, demand.way)
    return all(d.within(within) or d.relative <= LIKENESS * own.get(d.place, 0.0) for d in comparison.text.digits)


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


def _own_digits(floor: Floor, beyond: float) -> dict[int, float]:
    """How far, relative, torch on other kernels prints another number, by its place; of each the largest.

    Once torch's weights have gone, how far one number is from another is chance: then it is the largest of the text.
    """
    found: dict[int, float] = {}
    for digits in (one for own in floor.own for one in own.text.digits or ()):
        found[digits.place] = max(found.get(digits.place, 0.0), digits.relative)
    if floor.weights_gone(beyond) is not None:
        found = dict.fromkeys(found, max(found.values(), default=0.0))
    return found
