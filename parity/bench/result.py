"""What was measured: of each workload the sides' times, round by round, and what follows from them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from parity.backends import Backend
from parity.bench.catalogue import KERNELS, LENGTH, MEMORY, NODE, SECONDS, STEP, TIME, Workload

ONE_THREAD = Backend("torch, 1 thread", "torch", variables={"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
ENOUGH_STEPS = 20_000  # for growing memory to show


@dataclass(frozen=True)
class Spread:
    """The median and the quartiles of a few numbers."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Spread:
        """The spread of at least one number."""
        found = sorted(numbers)
        low, _, high = statistics.quantiles(found, n=4, method="inclusive") if len(found) > 1 else found * 3
        return cls(statistics.median(found), low, high)


@dataclass
class Measured:
    """One side's part in a workload; times are in seconds, memory is in bytes.

    It counts only if the side could run it, and has computed what the reference has.
    """

    side: str
    threads: int = 1
    version: str = ""
    seconds: list[float] = field(default_factory=list)  # of its block in each round
    phases: dict[str, float] = field(default_factory=dict)  # of a step
    held: dict[str, float] = field(default_factory=dict)  # that the first step takes in each phase
    peak: int = 0  # beyond what the process held before
    resident: list[int] = field(default_factory=list)  # after the block of each round
    unable: str = ""  # why it could not run, or not in time
    differs: str = ""  # how its weights at the end differ by more than rounding explains
    ulp: int | None = None  # the largest distance of a weight at the end
    absolute: float = 0.0

    @property
    def counts(self) -> bool:
        return not self.unable and not self.differs and bool(self.seconds)


@dataclass
class Row:
    """A workload on all sides, the first of which is the reference; `steps` make a block, `total` is all that were made.

    Of a program that is timed as a whole a block is so many runs, each of `per_run` steps.
    """

    workload: Workload
    sides: list[Measured]
    steps: int = 1
    total: int = 0
    per_run: int = 0
    left_out: list[str] = field(default_factory=list)  # sides that it is not for

    @property
    def unit(self) -> str:
        """What a time is given of."""
        work = self.workload
        if work.startup:
            return "process"
        return "node" if work.nodes else "step" if self.per_run or not work.whole else "run"

    @property
    def reference(self) -> Measured:
        return self.sides[0]

    def references(self) -> list[Measured]:
        """What ratios are given to: the reference, and torch on one thread where it took part."""
        return [side for side in self.sides if side.counts and (side is self.reference or side.side == ONE_THREAD.name)]

    def side(self, name: str) -> Measured | None:
        """The side of this name, if it took part and its timing counts."""
        return next((side for side in self.sides if side.side == name and side.counts), None)

    def units(self) -> float:
        """How many units a block has."""
        return self.steps * (self.workload.nodes or self.per_run or 1)

    def time(self, side: Measured) -> Spread:
        """Seconds a unit."""
        return Spread.of(seconds / self.units() for seconds in side.seconds)

    def ratio(self, side: Measured, reference: Measured | None = None) -> Spread:
        """A side's time to the reference's, round by round: what slows the machine for a while slows both."""
        own = (reference or self.reference).seconds
        return Spread.of(seconds / other for seconds, other in zip(side.seconds, own, strict=True))

    def growth(self, side: Measured) -> float | None:
        """The bytes that memory grew by in a step, if there were enough of them to tell."""
        steps = self.steps * (len(side.resident) - 1)
        return (side.resident[-1] - side.resident[0]) / steps if steps >= ENOUGH_STEPS else None


@dataclass(frozen=True)
class Verdict:
    """A goal and what was found; nothing if it could not be measured."""

    row: Row
    side: str
    what: str
    most: float
    found: float | None

    @property
    def holds(self) -> bool | None:
        return None if self.found is None else self.found <= self.most


def called(engine: str, kernels: str) -> str:
    """What an engine is called as a side with these kernels; the default ones are not mentioned."""
    return engine if kernels in ("", "numpy") else f"{engine}, {kernels}"


def verdicts(rows: Sequence[Row], engine: str, cpu: str) -> list[Verdict]:
    """The goals of all that was measured, held against what an engine did."""
    found = []
    for row in rows:
        for goal in row.workload.goals:
            name = called(engine, goal.kernels)
            if any(one.side == name for one in row.sides):
                found.append(Verdict(row, name, goal.what, goal.most(cpu), _found(goal.what, row, name, engine, rows)))
    return found


def _found(what: str, row: Row, name: str, engine: str, rows: Sequence[Row]) -> float | None:
    side = row.side(name)
    if side is None or not row.reference.counts:
        return None
    if what == TIME:
        return row.ratio(side).median
    if what == KERNELS:
        default = row.side(engine)
        return None if default is None else row.ratio(side, default).median
    if what == SECONDS:
        return row.time(side).median
    if what == MEMORY:
        return side.peak / row.reference.peak if row.reference.peak else None
    if what == NODE:
        return side.held["forward"] / row.workload.nodes if "forward" in side.held else None
    if what == STEP:
        return row.growth(side)
    assert what == LENGTH, what
    shorter = next((r for r in rows if r.workload.nodes * 10 == row.workload.nodes and r.side(name) is not None), None)
    other = None if shorter is None else shorter.side(name)
    return None if shorter is None or other is None else row.time(side).median / shorter.time(other).median
