"""Why two runs part: the first of a few checks that finds the reason, each of which can be read here.

The checks are made where the runs part, in the order in which one thing would explain the next: random numbers, the
order of the data, the size of a rounding, the first weights. What none of them explains is computed otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from parity.compare import Comparison, moment
from parity.floor import rounding_of
from parity.locate import Parting
from parity.trace import BATCH, GENERATOR, GRADIENT, INITIAL, PHASES, Array, Event

RANDOM = "other random numbers consumed"
ORDER = "other data order"
INITIALISATION = "other initialisation"
ROUNDING = "rounding only"
SEMANTIC = "semantic difference"

ROUNDINGS = 100.0  # of the longest sum, as which a difference may count: a float64 run has 2^29 times finer ones
GROWTH = 100.0  # by which one step may amplify rounding
FAR = 64  # blocks of 624 random numbers that one generator may be ahead of the other, to be told by how many


@dataclass(frozen=True)
class Cause:
    """A reason in a few words, the sentence with what was found, and whether shared mathematics has proved it."""

    word: str
    evidence: str
    proved: bool = False


def cause_of(parting: Parting, dtype: str, runs: Mapping[str, Comparison]) -> Cause:
    """The cause of a parting in one float type, given the comparisons of the script's runs in each, this one included."""
    look = _Look(parting, dtype, runs)
    checks: tuple[tuple[str, Callable[[_Look], str]], ...] = (
        (RANDOM, _random_numbers),
        (ORDER, _data_order),
        (ROUNDING, _rounding),
        (ROUNDING, _amplified_rounding),
        (INITIALISATION, _initialisation),
    )
    return next((Cause(word, found) for word, check in checks if (found := check(look))), Cause(SEMANTIC, _rest(look)))


@dataclass(frozen=True)
class _Look:
    """What the checks look at."""

    parting: Parting
    dtype: str
    runs: Mapping[str, Comparison]

    @property
    def number(self) -> float:
        return moment(self.parting.number)

    @property
    def candidate(self) -> str:
        return str(self.runs[self.dtype].candidate.about.get("backend", "the candidate"))

    @property
    def counts(self) -> bool:
        """Whether what parts has a distance."""
        return not self.parting.gap.note and self.parting.key[0] != GENERATOR

    def until(self) -> list[tuple[Event, Event]]:
        """The events up to the parting, on both sides."""
        return [pair for pair in self.parting.seen.pairs() if moment(pair[0].number) <= self.number]

    def sizes(self) -> dict[str, float]:
        """By float type the relative distance of the quantity that parts, at that step or the next one kept."""
        found = {}
        for dtype, run in {**self.runs, self.dtype: self.parting.seen}.items():
            points = (p.of_phase for p in run.series.get(self.parting.key, ()) if moment(p.number) >= self.number)
            if (size := next(points, None)) is not None:
                found[dtype] = size
        return found

    def few(self, dtype: str, size: float) -> bool:
        """Whether a relative distance is of the size of a few roundings in a float type."""
        return few_roundings(size, self.runs[dtype])


def few_roundings(size: float, run: Comparison) -> bool:
    """Whether a relative distance in a run is of the size of a few roundings in its float type."""
    return size <= ROUNDINGS * rounding_of(run)


def _random_numbers(look: _Look) -> str:
    """A generator's state is another one when the step's loss is known: another number of draws, or another seed."""
    for first, second in look.until():
        for (phase, name), one in first.arrays.items():
            two = second.arrays.get((phase, name))
            if phase == GENERATOR and two is not None and one.tobytes() != two.tobytes():
                which = name or "torch"
                return f"{which}'s generator: {_draws(one, two, look.candidate)}"
    return ""


def _draws(one: Array, two: Array, candidate: str) -> str:
    """By how many 32-bit words the second of two Mersenne Twisters is ahead of the first."""
    first, second = _twister(one), _twister(two)
    if first is not None and second is not None:
        for ahead, (start, goal) in (("more", (first, second)), ("fewer", (second, first))):
            if (count := _words_between(start, goal)) is not None:
                return f"{candidate} has drawn {count} words of 32 bits {ahead}" if count else "another cached number"
    return "another seed, or draws too many to be counted"


def _twister(state: Array) -> tuple[Array, int] | None:
    """Words and position of a generator's state: torch's 5056 bytes, or Python's or numpy's words with the position."""
    if state.dtype == np.uint8 and state.size == 5056:
        raw = state.tobytes()
        left, following = np.frombuffer(raw, np.int32, 1, 8)[0], np.frombuffer(raw, np.uint64, 1, 16)[0]
        return np.frombuffer(raw, np.uint64, 624, 24), 624 if left == 1 else int(following)
    return (state[:624], int(state[624])) if state.shape == (625,) else None


def _words_between(start: tuple[Array, int], goal: tuple[Array, int]) -> int | None:
    """How many words lead from one state to the other; None if they are too many or there is no way."""
    stream = np.random.MT19937()
    words, place = start
    stream.state = {"bit_generator": "MT19937", "state": {"key": words.astype(np.uint32), "pos": 624}}
    for block in range(FAR):
        if np.array_equal(words, goal[0]) and (count := 624 * block + goal[1] - place) >= 0:
            return count
        stream.random_raw(624)
        words = stream.state["state"]["key"].astype(np.uint64)
    return None


def _data_order(look: _Look) -> str:
    """The batch has the same rows in another order, or it and the next ones together have."""
    if look.parting.key[0] != BATCH:
        return ""
    seen: Counter[bytes] = Counter()
    count = 0
    for first, second in look.parting.seen.pairs():
        one, two = first.arrays.get(look.parting.key), second.arrays.get(look.parting.key)
        if moment(first.number) < look.number or one is None or two is None or not one.shape:
            continue
        seen.update(row.tobytes() for row in one)
        seen.subtract(row.tobytes() for row in two)
        count += 1
        if not any(seen.values()):
            return "the same rows in another order" + (f", {count} batches together" if count > 1 else "")
    return ""


def _rounding(look: _Look) -> str:
    """The difference is of the size of a few roundings, in each float type of its own."""
    sizes = look.sizes()
    few = look.counts and all(look.few(dtype, size) for dtype, size in sizes.items())
    return f"by its size, {_in_each(sizes)}" if few else ""


def _amplified_rounding(look: _Look) -> str:
    """The difference is no more than what one step can make of that of the step before, and began as a rounding."""
    first = next((p for _, p in look.runs[look.dtype].points() if p.relative > 0), None)
    earlier = [p for _, p in look.parting.seen.points() if p.relative > 0 and moment(p.number) < look.number]
    if not look.counts or not earlier or first is None or not look.few(look.dtype, first.of_phase):
        return ""
    last = max(p.relative for p in earlier if p.number == earlier[-1].number)
    now = next(p.relative for p in look.parting.seen.series[look.parting.key] if p.number == look.parting.number)
    if now > GROWTH * last:
        return ""
    grown = f"{first.relative:.1e} at step {first.number}, here {last:.1e} to {now:.1e}"
    return f"by its size, amplified by the training: {grown}"


def _initialisation(look: _Look) -> str:
    """The first weights differ, and the same random numbers were drawn for them."""
    if look.parting.key[0] != INITIAL:
        return ""
    return "the first weights are not the same, though the generator is in the same state after them"


def _rest(look: _Look) -> str:
    """What is the same before it, and that float64 does not make the difference smaller."""
    note, phase = look.parting.gap.note, look.parting.key[0]
    if note:
        return note
    found = {key[0] for key, point in look.parting.seen.points() if point.number == look.parting.number}
    same = [p for p in PHASES[: PHASES.index(phase)] if p in found and p != GENERATOR] if phase in PHASES else []
    agree = "is as it" if len(same) == 1 else "are as they"
    before = f"the same step's {', '.join(same)} {agree} should be; " if same else ""
    size = "the largest gradient" if phase == GRADIENT else "its size"
    return f"{before}it is off by {_in_each(look.sizes())}, as a part of {size}"


def _in_each(sizes: Mapping[str, float]) -> str:
    return ", ".join(f"{size:.1e} in {dtype}" if size else f"0 in {dtype}" for dtype, size in sizes.items())
