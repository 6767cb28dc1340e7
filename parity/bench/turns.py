"""One workload on all sides, which take turns: every round each side makes the same number of steps.

What slows the machine for a second or a minute slows all sides of a round alike, and so leaves their ratio as it is.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from parity import noise
from parity.backends import Backend
from parity.bench.agreement import ALL, LEARNED, agree
from parity.bench.catalogue import STEP, Workload
from parity.bench.child import BEGIN, LEAVE, NUDGE, RUN, SHOW
from parity.bench.result import ENOUGH_STEPS, Measured, Row
from parity.bench.side import Side, Unable
from parity.trace import END, Trace

LEAD = 10  # this part of a block is run before it untimed, for the caches
PHASED = (3, 4)  # blocks in which the phases are timed, and the part of a usual block that each is

NUDGED = 4  # runs that tell how far rounding is carried

Tell = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much


@dataclass(frozen=True)
class Pace:
    """How long to measure; all times are in seconds.

    A block is long enough for the fastest side to take `shortest`, unless the slowest would take more than `longest`.
    There are as many rounds as fit into `budget`, at least `fewest`, at most `rounds`. A side that does not answer
    within `patience`, and twenty times the reference's first step, is left out; loading an engine and building a model
    may take `loading`. In haste, what no goal is about is left out where it takes long.
    """

    rounds: int = 25
    fewest: int = 3
    shortest: float = 0.02
    longest: float = 0.5
    budget: float = 25.0
    patience: float = 10.0
    loading: float = 180.0
    hasty: bool = False

    def most_rounds(self, seconds: float) -> int:
        """The number of rounds, of which each takes so long."""
        return max(min(self.fewest, self.rounds), min(self.rounds, int(self.budget / seconds)))


class Player(Protocol):
    """Who takes part: makes some steps when it is its turn, and returns their seconds; None when it is out."""

    def turn(self, steps: int, lead: int = 0) -> float | None: ...


def block_length(players: Sequence[Player], pace: Pace) -> int:
    """The steps of a block, found by trying."""
    steps = 1
    while True:
        seconds = [took for player in players if (took := player.turn(steps)) is not None]
        if not seconds or min(seconds) >= pace.shortest or 2 * max(seconds) > pace.longest:
            return steps
        factor = min(8.0, pace.shortest / min(seconds), pace.longest / max(seconds))
        steps = max(steps + 1, int(steps * factor * 1.1))


def take_turns(players: Sequence[Player], steps: int, pace: Pace, tell: Callable[[int, int], None]) -> None:
    """Round by round a block of every side; another one begins each time."""
    rounds, number = pace.rounds, 0
    while number < rounds:
        begin = number % len(players)
        seconds = [player.turn(steps, steps // LEAD) or 0.0 for player in (*players[begin:], *players[:begin])]
        number += 1
        rounds = min(rounds, pace.most_rounds(sum(seconds)) if sum(seconds) else number)
        tell(number, rounds)


class Participant:
    """A side in a workload: keeps what was measured, and drops out when it cannot go on."""

    def __init__(self, side: Side, workload: Workload, pace: Pace) -> None:
        self.side = side
        self.measured = Measured(side.name)
        self.total = 0  # steps made
        self.per_run = 0  # steps of a run, if that is what is timed
        self.keeping = False  # timings count from now on
        self.workload = workload
        # The reference is waited for, the others in proportion to it.
        self.patience = pace.loading if workload.whole or self.is_torch else pace.patience
        self._loading = pace.loading

    @property
    def out(self) -> bool:
        return bool(self.measured.unable)

    @property
    def is_torch(self) -> bool:
        return self.side.backend.module == "torch"

    def begin(self, phases: bool = False) -> None:
        """Start the program, which waits before its first step; one that is run as a whole is run once."""
        work = self.workload
        order = {"script": str(work.script), "argv": work.argv, "whole": work.whole, "phases": phases}
        if (answer := self._ask(self._loading, BEGIN, **order)) is not None:
            self.per_run = answer.get("steps", 0)
            self.measured.threads = self.side.about["threads"]
            self.measured.version = self.side.about["version"]

    def nudge(self, seed: int) -> None:
        """Move all weights by one rounding."""
        self._ask(self._loading, NUDGE, seed=seed)

    def turn(self, steps: int, lead: int = 0) -> float | None:
        """Make some steps, after others that are not timed."""
        answer = self._ask(self.patience, RUN, steps=steps, lead=lead, memory=False)
        if answer is None:
            return None
        self.total += steps + lead
        if self.keeping:
            self.measured.seconds.append(answer["seconds"])
            self.measured.resident.append(answer["resident"])
        return float(answer["seconds"])

    def show(self, folder: Path, number: int) -> Trace | None:
        """What it has learned, as an event of this number; of a program that is run as a whole, all of it."""
        answer = self._ask(self._loading, SHOW, trace=str(folder / "trace"), number=number)
        return None if answer is None else Trace.load(folder / "trace")

    def first_look(self) -> float:
        """The memory that each phase of the first step takes, before much was held and freed; returns its seconds."""
        self.begin(phases=True)
        answer = self._ask(self.patience, RUN, steps=1, lead=0, memory=True) or {"phases": {}, "seconds": 0.0}
        self.measured.held = answer["phases"]
        self.leave()
        return float(answer["seconds"])

    def phases(self, steps: int) -> dict[str, float]:
        """The seconds of each phase of a step."""
        answer = self._ask(self.patience, RUN, steps=steps, lead=0, memory=False) or {"phases": {}}
        return {phase: took / steps for phase, took in answer["phases"].items()}

    def ended(self, first: Trace | None, folder: Path) -> Trace | None:
        """What it has learned at the end, after what it had learned in its first step."""
        last = self.show(folder, END)
        self.leave()
        if first is None or last is None:
            return None
        return last if self.workload.whole else Trace([*first.events, *last.events], last.about)

    def leave(self) -> None:
        """Leave the program where it is. The memory that counts is what the last one needed: an engine was loaded then."""
        if (answer := self._ask(self._loading, LEAVE)) is not None:
            self.measured.peak = answer["peak"]

    def _ask(self, timeout: float, do: str, **order: Any) -> dict[str, Any] | None:
        if self.out:
            return None
        try:
            return self.side.ask(timeout, do=do, **order)
        except Unable as error:
            self.measured.unable = str(error)
        return None


def play(workload: Workload, sides: Sequence[Side], folder: Path, pace: Pace, tell: Tell) -> Row:
    """Measure a workload on all sides, of which the first is the reference."""
    players = [Participant(side, workload, pace) for side in sides]
    row = Row(workload, [player.measured for player in players])
    tell("begins", 0, 1)
    first = _begin(players, pace)
    if players[0].out:
        for player in players:
            player.leave()
        return row
    traces = [player.show(folder, 0) for player in players]
    row.steps = block_length(players, pace) if first < pace.longest else 1
    for player in players:
        player.keeping = True
    take_turns(players, row.steps, long_enough(workload, row.steps, pace), lambda done, of: tell("rounds", done, of))
    row.total, row.per_run = players[0].total, players[0].per_run
    tell("compares", 0, 1)
    traces = [player.ended(trace, folder) for player, trace in zip(players, traces, strict=True)]
    _compare(players, traces, Noise(workload, sides[0], row.total, folder, pace))
    if not workload.whole:
        tell("phases", 0, 1)
        _time_phases(players, row.steps, slow=first >= pace.longest)
    return row


def long_enough(workload: Workload, steps: int, pace: Pace) -> Pace:
    """With as many rounds as it takes to tell whether memory grows, where that is asked and the rounds are not given."""
    asked = any(goal.what == STEP for goal in workload.goals)
    if not asked or pace.hasty or pace.fewest == pace.rounds:
        return pace
    return replace(pace, rounds=max(pace.rounds, ENOUGH_STEPS // steps + 2))


def _begin(players: Sequence[Participant], pace: Pace) -> float:
    """A look at each program, its start and its first step; how long to wait for a side is seen from the reference.

    Returns the seconds of the reference's first step.
    """
    reference, *others = players
    if not reference.workload.whole:
        slowest = reference.first_look()
        for player in others:
            player.patience = max(player.patience, 20 * slowest)
            player.first_look()
    for player in players:
        player.begin()
    seconds = [player.turn(1) for player in players]
    return seconds[0] or 0.0


def _compare(players: Sequence[Participant], traces: Sequence[Trace | None], noise: Iterable[Trace]) -> None:
    """Hold what each side has learned against the reference; other runs of torch say how near they can be."""
    first, own = traces[0], [trace for player, trace in zip(players, traces, strict=True) if player.is_torch and trace]
    for player, trace in zip(players[1:], traces[1:], strict=True):
        if first is None or trace is None:
            continue
        found = agree(first, trace, itertools.chain(own[1:], noise), ALL if player.workload.whole else LEARNED)
        player.measured.ulp, player.measured.absolute = found.ulp, found.absolute
        player.measured.differs = found.differs


class Noise:
    """Runs of torch for as many steps that nothing but rounding makes differ, made as they are asked for, and kept.

    They begin with weights that are one rounding away, or where nobody knows when a script has made its weights, compute
    with torch's other kernels.
    """

    def __init__(self, workload: Workload, torch: Side, total: int, folder: Path, pace: Pace) -> None:
        self._workload, self._torch, self._total, self._folder = workload, torch, total, folder
        self._pace = replace(pace, patience=10 * pace.loading, loading=10 * pace.loading)
        self._kept: list[Trace | None] = []

    def __iter__(self) -> Iterator[Trace]:
        kernels = [backend for backend in noise.KERNELS if not backend.mathematics]
        for place in range(len(kernels) if self._workload.whole else NUDGED):
            if place == len(self._kept):
                run = self._on(kernels[place]) if self._workload.whole else self._nudged(place)
                self._kept.append(run)
            if (trace := self._kept[place]) is not None:
                yield trace

    def _nudged(self, seed: int) -> Trace | None:
        player = Participant(self._torch, self._workload, self._pace)
        player.begin()
        player.nudge(seed)
        player.turn(1)
        first = player.show(self._folder, 0)
        player.turn(self._total - 1)
        return player.ended(first, self._folder)

    def _on(self, kernels: Backend) -> Trace | None:
        side = Side(kernels, self._folder)
        try:
            player = Participant(side, self._workload, self._pace)
            player.begin()
            return player.show(self._folder, END)
        finally:
            side.stop()


def _time_phases(players: Sequence[Participant], steps: int, slow: bool) -> None:
    """The program once more, with the clock read between its phases: the median of a few blocks, of slow ones of one."""
    count, part = PHASED
    found: list[list[dict[str, float]]] = [[] for _ in players]
    for player in players:
        player.begin(phases=True)
        if not slow:
            player.phases(1)
    for _ in range(1 if slow else count):
        for player, blocks in zip(players, found, strict=True):
            blocks.append(player.phases(max(1, steps // part)))
    for player, blocks in zip(players, found, strict=True):
        player.leave()
        if not player.out:
            names = blocks[0]
            player.measured.phases = {name: statistics.median(block[name] for block in blocks) for name in names}
