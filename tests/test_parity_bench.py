"""parity bench: what a benchmark must not get wrong, on clocks and engines that are known."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import cli
from parity.bench import loop
from parity.bench.agreement import LEARNED, agree
from parity.bench.catalogue import KERNELS, LENGTH, MEMORY, NODE, SECONDS, STEP, TIME, WORKLOADS, Goal, Workload
from parity.bench.result import Measured, Row, Spread, verdicts
from parity.bench.turns import Pace, block_length, long_enough, take_turns
from parity.trace import END, WEIGHT, Event, Trace


class Machine:
    """A clock that slows down while it runs, as a machine does when a neighbour comes."""

    def __init__(self) -> None:
        self.now = 0.0

    def work(self, amount: float) -> float:
        """Do it, and return the seconds that this has taken."""
        seconds = amount * (1 + self.now)
        self.now += seconds
        return seconds


class Runner:
    """A side that takes the same work for each step."""

    def __init__(self, machine: Machine, cost: float, order: list[str] | None = None, name: str = "") -> None:
        self.machine, self.cost, self.order, self.name = machine, cost, order, name
        self.seconds: list[float] = []

    def turn(self, steps: int, lead: int = 0) -> float:
        self.machine.work(self.cost * lead)
        self.seconds.append(self.machine.work(self.cost * steps))
        if self.order is not None:
            self.order.append(self.name)
        return self.seconds[-1]


def quiet(*_: Any) -> None:
    """Tells nobody."""


def row(first: Runner, second: Runner) -> Row:
    sides = [Measured(name, seconds=one.seconds) for name, one in (("torch", first), ("microtorch", second))]
    return Row(Workload("W", ""), sides, steps=10)


def test_a_drift_of_the_machine_cancels() -> None:
    machine = Machine()
    first, second = Runner(machine, 0.002), Runner(machine, 0.0005)
    take_turns([first, second], 10, Pace(rounds=24), quiet)
    assert len(first.seconds) == 24
    assert first.seconds[-1] > 1.5 * first.seconds[0]
    assert row(first, second).ratio(Measured("", seconds=second.seconds)).median == pytest.approx(0.25, rel=0.01)

    machine = Machine()  # the same, one side after the other
    first, second = Runner(machine, 0.002), Runner(machine, 0.0005)
    for runner in (first, second):
        take_turns([runner], 10, Pace(rounds=24), quiet)
    assert row(first, second).ratio(Measured("", seconds=second.seconds)).median > 0.3


def test_another_side_begins_each_round() -> None:
    machine, order = Machine(), list[str]()
    take_turns([Runner(machine, 1e-6, order, name) for name in "abc"], 1, Pace(rounds=3), quiet)
    assert "".join(order) == "abcbcacab"


@pytest.mark.parametrize(
    ("what", "pace", "rounds"),
    [
        (STEP, Pace(), 102),
        (TIME, Pace(), Pace().rounds),
        (STEP, Pace(hasty=True), Pace().rounds),
        (STEP, Pace(rounds=4, fewest=4), 4),
    ],
    ids=["growth is asked", "it is not", "in haste", "rounds are given"],
)
def test_rounds_enough_to_tell_growth(what: str, pace: Pace, rounds: int) -> None:
    workload = Workload("W", "", goals=(Goal(what, 1, 1),))
    assert long_enough(workload, 200, pace).rounds == rounds


@pytest.mark.parametrize(
    ("round_seconds", "rounds"), [(0.1, 25), (2.0, 12), (100.0, 3)], ids=["all", "what time allows", "the fewest"]
)
def test_rounds(round_seconds: float, rounds: int) -> None:
    told: list[tuple[int, int]] = []
    runner = Runner(Machine(), round_seconds)
    runner.machine.work = lambda amount: amount  # type: ignore[method-assign]
    take_turns([runner], 1, Pace(rounds=25, fewest=3, budget=25.0), lambda done, of: told.append((done, of)))
    assert len(runner.seconds) == rounds
    assert told[-1] == (rounds, rounds)


@pytest.mark.parametrize(
    ("costs", "least", "most"),
    [((1e-5, 1e-4), 2000, 5000), ((1e-4, 2e-1), 1, 2), ((3.0, 4.0), 1, 1)],
    ids=["the fastest needs its time", "the slowest bounds it", "a step is enough"],
)
def test_block_length(costs: tuple[float, ...], least: int, most: int) -> None:
    machine = Machine()
    machine.work = lambda amount: amount  # type: ignore[method-assign]
    assert least <= block_length([Runner(machine, cost) for cost in costs], Pace(shortest=0.02, longest=0.5)) <= most


def test_spread() -> None:
    assert Spread.of([3.0, 1.0, 2.0, 5.0, 4.0]) == Spread(3.0, 2.0, 4.0)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)


SCRIPT = """
seen = []
for epoch in range(2):
    for x in (1, 2, 3):  # loader
        seen.append(  # draw
            x)
        y = 2 * x  # forward: of the model
        y += 1
        for _ in range(2):  # backward
            y -= 1
        if x == 2:  # step
            continue
        seen.append(y)  # step
"""


def run(script: str, path: Path, phases: bool) -> tuple[dict[str, Any], int, list[loop.Mark]]:
    """A script's variables, the number of steps in which it was seen to begin, and the marks that it left."""
    path.write_text(script)
    marks: list[loop.Mark] = []
    turns, ticks = itertools.count(), itertools.count()
    names: dict[str, Any] = {}
    exec(loop.compiled(path, phases), names | loop.hooks(lambda: next(turns), marks, lambda: float(next(ticks))), names)
    return names, next(turns), marks


@pytest.mark.parametrize("phases", [False, True])
def test_a_script_is_left_as_it_is(tmp_path: Path, phases: bool) -> None:
    plain: dict[str, Any] = {}
    exec(SCRIPT, {}, plain)
    names, turns, marks = run(SCRIPT, tmp_path / "script.py", phases)
    assert names == plain
    assert turns == 6
    assert bool(marks) == phases


def test_phases_are_told_apart(tmp_path: Path) -> None:
    *_, marks = run(SCRIPT, tmp_path / "script.py", True)
    named = [loop.PHASES[phase] if phase != loop.BETWEEN else "-" for phase, _ in marks]
    whole, short = (
        ["loader", "-", "draw", "forward", "backward", "step"],
        ["loader", "-", "draw", "forward", "backward"],
    )
    assert named == [*whole, *short, *whole] * 2
    # The clock goes on by one with every mark: each phase takes one for each time it is passed.
    assert loop.by_phase(marks) == {"loader": 5, "draw": 6, "forward": 6, "backward": 6, "step": 4}
    assert loop.by_phase(marks, 0.25)["step"] == 3


def test_a_script_without_phases(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no comment in .*script\.py names a phase of a step"):
        run("for x in range(3):  # a loop\n    y = x  # nothing\n", tmp_path / "script.py", False)


@pytest.mark.parametrize("work", [work for work in WORKLOADS if not work.imports], ids=lambda work: work.script.stem)
def test_every_step_of_a_workload_has_its_phases(work: Workload) -> None:
    """Only one loop is one of steps, it makes a backward pass, and each of its statements has a phase."""
    text = work.script.read_text()
    loops = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.For)]
    lines = text.splitlines()

    def phase(statement: ast.stmt) -> bool:
        _, _, comment = lines[statement.lineno - 1].partition("  # ")
        return comment.partition(" ")[0] in loop.PHASES

    marked = [node for node in loops if any(map(phase, node.body))]
    assert all(phase(statement) for statement in marked[-1].body)
    assert any("backward()" in ast.unparse(statement) for statement in marked[-1].body)
    assert all(marked[-1] in node.body for node in marked[:-1])  # those around it are of epochs


def trace(weight: float, first: float = 1.0) -> Trace:
    events = [
        Event(n, {(WEIGHT, "w"): np.array([w], np.float32)}, chain=str(w)) for n, w in ((0, first), (END, weight))
    ]
    return Trace(events, {"steps": 9})


@pytest.mark.parametrize(
    ("candidate", "noise", "measured", "differs"),
    [
        (trace(2.0), [], 0, False),
        (trace(np.nextafter(np.float32(2), 3)), [], 0, False),
        (trace(2.001), [trace(2.0), trace(2.0005), trace(2.0)], 2, False),
        (trace(2.001), [trace(2.0), trace(2.0)], 2, True),
        (trace(2.0, first=1.001), [trace(2.0)], 1, True),
    ],
    ids=["the same", "rounded", "as far as torch from itself", "farther", "the same by another way"],
)
def test_agreement(candidate: Trace, noise: list[Trace], measured: int, differs: bool) -> None:
    asked: list[Trace] = []
    runs = (asked.append(run) or run for run in noise)  # type: ignore[func-returns-value]
    found = agree(trace(2.0), candidate, runs, LEARNED)
    assert bool(found.differs) == differs
    assert len(asked) == measured


GOALS = (Goal(TIME, 0.1, 0.2), Goal(MEMORY, 1.1, 1.1), Goal(NODE, 450, 450), Goal(STEP, 50, 50))


def measured(name: str, seconds: float, **more: Any) -> Measured:
    return Measured(name, seconds=[seconds] * 3, resident=[0, 500_000, 1_000_000], **more)


def test_goals() -> None:
    held = {"forward": 40_000.0}
    sides = [measured("torch", 1.0, peak=100), measured("microtorch", 0.15, peak=120, held=held)]
    short = Row(Workload("W", "", goals=GOALS, nodes=100), sides, steps=20_000)
    longer = Workload("W", "", goals=(Goal(LENGTH, 1.25, 1.25),), nodes=1000)
    long = Row(longer, [measured("torch", 20.0), measured("microtorch", 1.5)], steps=20_000)
    found = {verdict.what: verdict for verdict in verdicts([short, long], "microtorch", "AMD EPYC")}
    values = {TIME: 0.15, MEMORY: 1.2, NODE: 400, STEP: 25, LENGTH: 1.0}
    assert {what: verdict.found for what, verdict in found.items()} == pytest.approx(values)
    assert {what for what, verdict in found.items() if not verdict.holds} == {MEMORY}
    assert not next(iter(verdicts([short], "microtorch", "Intel(R) Xeon(R)"))).holds
    assert next(iter(verdicts([short], "microtorch", "another CPU"))).holds

    sides[1].differs = "weight: 1e-2 of its size"
    assert all(v.found is None and v.holds is None for v in verdicts([short], "microtorch", "AMD EPYC"))
    assert verdicts([short], "another", "AMD EPYC") == []


@pytest.mark.parametrize(
    ("default", "exact", "found"),
    [(0.5, 1.5, [3.0, 1.5]), (0.5, 2.5, [5.0, 2.5]), (None, 1.5, [None, 1.5]), (0.5, None, [])],
    ids=["held", "missed", "without the default kernels", "without these"],
)
def test_goals_of_other_kernels(default: float | None, exact: float | None, found: list[float | None]) -> None:
    goals = (Goal(KERNELS, 4, 4, "torch_cpu"), Goal(SECONDS, 2, 2, "torch_cpu"))
    times = {"torch": 1.0, "microtorch": default, "microtorch, torch_cpu": exact}
    sides = [measured(name, seconds) for name, seconds in times.items() if seconds is not None]
    verdict = verdicts([Row(Workload("W", "", goals=goals), sides)], "microtorch", "AMD EPYC")
    assert [(one.side, one.found) for one in verdict] == [("microtorch, torch_cpu", value) for value in found]
    assert [one.holds for one in verdict] == [
        None if n is None else n <= m for n, m in zip(found, (4, 2), strict=False)
    ]


def test_few_steps_say_nothing_about_growth() -> None:
    few = Row(Workload("W", "", goals=GOALS[3:]), [measured("torch", 1.0), measured("microtorch", 1.0)], steps=100)
    assert [verdict.found for verdict in verdicts([few], "microtorch", "AMD")] == [None]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["W11"], "no such script: W11; the workloads are W1, W2, W3, W4, W5, W6, W7, W8, W9, W10"),
        (["missing.py"], "no such script: missing.py"),
        (["--json", "nowhere/x.json"], "there is no folder nowhere to write x.json to"),
        (["--plot", "nowhere/x.png"], "there is no folder nowhere to write x.png to"),
        (["--rounds", "0"], "--rounds 0: at least one round must be measured"),
        (["W1", "--candidate", "no_such_module"], "there is no module no_such_module"),
        (["W1", "--candidate", "microtorch"], "microtorch is named twice"),
    ],
)
def test_refusals(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["bench", *words]) == cli.COULD_NOT
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("package", ["rich", "matplotlib", "torch"])
def test_what_is_not_installed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    find: Callable[..., Any] = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == package else find(name, *more))
    assert cli.main(["bench", "W1", "--plot", str(tmp_path / "x.png")]) == cli.COULD_NOT
    said = capsys.readouterr().err
    assert "not installed" in said
    assert "pip install 'microtorch[parity]'" in said
