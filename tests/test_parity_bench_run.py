"""parity bench as a whole: processes that take turns, what they have learned, the table, the files, the exit status."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import cli
from parity.backends import MICROTORCH, TORCH, Backend, named
from parity.bench import cli as bench
from parity.bench import startup, turns
from parity.bench.catalogue import ENDLESS, WORKLOADS, Workload
from parity.bench.side import Side, Unable
from parity.bench.turns import Pace, Participant, play
from parity.trace import END, GENERATOR, GRADIENT, WEIGHT, Trace

FAST = Pace(rounds=2, fewest=1, shortest=0.001, longest=0.1, budget=1.0, patience=30.0)
BY_NAME = {work.script.stem: work for work in WORKLOADS if not work.startup}
CHAIN = replace(BY_NAME["chain"], argv=(ENDLESS, "1000"), nodes=1000)

# microtorch under another name, with one line that makes it another engine.
ENGINE = """
import microtorch
globals().update({name: getattr(microtorch, name) for name in dir(microtorch) if not name.startswith("__")})
step = optim.SGD.step
"""
ENGINES = {
    "wrong": "optim.SGD.step = lambda self: (step(self), [p.data.mul_(1.001) for p in self.param_groups[0]['params']])",
    "broken": "optim.SGD.step = None",
    "mortal": "import os; optim.SGD.step = lambda self: os._exit(7)",
    "slow": "import time; optim.SGD.step = lambda self: time.sleep(60)",
    "unimportable": "raise RuntimeError('not today')",
}


@pytest.fixture
def engines(tmp_path: Path) -> Path:
    for name, line in ENGINES.items():
        tmp_path.joinpath(name).with_suffix(".py").write_text(ENGINE + line + "\n")
    return tmp_path


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Side]]:
    """torch and microtorch, loaded once."""
    sides = [Side(backend, tmp_path_factory.mktemp("both")) for backend in (TORCH, MICROTORCH)]
    for side in sides:
        side.start()
    yield sides
    for side in sides:
        side.stop()


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """microtorch is the reference: what is tested is what is done with the sides."""
    monkeypatch.setattr(turns, "NUDGED", 0)
    monkeypatch.setattr(bench, "TORCH", Backend("torch", "microtorch"))


def after_a_step(side: Side, work: Workload, folder: Path) -> dict[Any, Any]:
    player = Participant(side, work, Pace())
    player.begin()
    player.turn(1)
    trace = player.ended(Trace(), folder)
    assert trace is not None, player.measured.unable
    return trace.events[-1].arrays


@pytest.mark.parametrize("name", BY_NAME)
def test_a_step_of_a_workload(both: list[Side], tmp_path: Path, name: str) -> None:
    """Both engines begin with the same weights and arrive at the same ones, having drawn the same random numbers."""
    work = CHAIN if name == "chain" else BY_NAME[name]
    if name == "wide_perceptron":  # an eighth as wide
        text = work.script.read_text()
        (tmp_path / "narrow.py").write_text(text.replace("4096", "512").replace("1024", "128"))
        work = replace(work, script=tmp_path / "narrow.py")
    first, second = (after_a_step(side, work, tmp_path) for side in both)
    assert first.keys() == second.keys()
    assert {WEIGHT, GRADIENT, GENERATOR} <= {phase for phase, _ in first}
    for key, array in first.items():
        apart, size = np.abs(np.subtract(array, second[key], dtype=np.float64)), np.abs(array).max()
        if key[0] == GENERATOR:
            assert not apart.any(), key
        elif key[0] in (GRADIENT, WEIGHT):  # of many, some are decided by rounding: whether a ReLU lets a sample
            assert np.mean(apart > 1e-5 * size) < 1e-2, key  # through, the sign of a gradient, which is RMSprop's step


SCRIPT = """
import torch
torch.manual_seed(1)
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(7):
    loss = model(torch.rand(3, 2)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
"""


@pytest.mark.usefixtures("without_torch")
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    files = ["--json", str(tmp_path / "x.json"), "--plot", str(tmp_path / "x.png")]
    words = ["bench", "--quick", "--rounds", "2", "w1", str(tmp_path / "script.py"), *files]
    assert cli.main(words) == cli.OK
    shown = capsys.readouterr().out
    assert "W1 Linear(1, 1), one sample, SGD" in shown
    assert "where the time of a step goes" in shown
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads((tmp_path / "x.json").read_text())
    assert found["status"] == cli.OK
    assert found["environment"]["cpu"] in shown
    first, script = found["workloads"]
    assert [first["name"], first["unit"], script["name"], script["unit"]] == ["W1", "step", "script", "step"]
    assert script["units_in_a_block"] % 7 == 0
    for row in (first, script):
        assert [side["side"] for side in row["sides"]] == ["torch", "microtorch", "microtorch, torch_cpu"]
        for side in row["sides"]:
            assert side["counts"]
            assert len(side["seconds"]) == 2
            assert side["time"]["low"] <= side["time"]["median"] <= side["time"]["high"]
        assert row["sides"][0]["ratios"]["torch"]["median"] == 1
        assert row["sides"][1]["ulp"] == 0
    assert set(first["sides"][0]["phases"]) == {"zero_grad", "draw", "forward", "loss", "backward", "step"}
    assert script["sides"][0]["phases"] == {}
    goals = [(goal["side"], goal["what"]) for goal in found["goals"]]
    assert goals[:2] == [("microtorch", "time"), ("microtorch", "bytes a step")]
    assert goals[2:] == [("microtorch, torch_cpu", "time to the default kernels'")]
    assert "W1 Linear(1, 1), one sample, SGD, microtorch, torch_cpu: time, as a part of that with the default" in shown


@pytest.mark.usefixtures("without_torch")
def test_sides_that_do_not_count(
    tmp_path: Path, engines: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has learned other weights, and one that the workload is not for."""
    monkeypatch.setattr(bench, "WORKLOADS", [replace(BY_NAME["full_batch"], too_slow=("torch_cpu",))])
    words = ["W3", "--candidate", "wrong", "--path", str(engines), "--rounds", "1", "--quick"]
    assert cli.main(["bench", *words, "--json", str(tmp_path / "x.json")]) == cli.DIFFERENCE
    shown = capsys.readouterr().out
    assert "other weights" in shown
    assert "W3 50×1 full batch, wrong: does not count: weight model.linear." in shown
    assert "W3 50×1 full batch: microtorch, torch_cpu is left out, for a step takes it minutes" in shown
    row = json.loads((tmp_path / "x.json").read_text())["workloads"][0]
    assert row["left_out"] == ["microtorch, torch_cpu"]
    sides = row["sides"]
    assert [side["counts"] for side in sides] == [True, True, False]
    assert "ratios" not in sides[2]


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        ("broken", "TypeError: 'NoneType' object is not callable"),
        ("mortal", "its process ended with status 7"),
        ("slow", "left out, for a step or the way to it takes more than"),
        ("unimportable", "import unimportable fails with RuntimeError: not today"),
    ],
)
def test_a_side_that_cannot_run(both: list[Side], tmp_path: Path, engines: Path, engine: str, sentence: str) -> None:
    """It drops out, the others go on; and it is asked again with the next workload."""
    sides = [both[1], Side(named(engine, str(engines)), tmp_path)]
    try:
        row = play(BY_NAME["full_batch"], sides, tmp_path, replace(FAST, rounds=1, patience=0.5), lambda *_: None)
        assert row.sides[0].counts
        assert row.sides[1].unable.startswith(sentence)
        if engine == "broken":
            assert play(CHAIN, sides, tmp_path, replace(FAST, rounds=1), lambda *_: None).sides[1].counts
    finally:
        sides[1].stop()


def test_a_process_that_is_not_asked_stands_still(tmp_path: Path) -> None:
    side = Side(MICROTORCH, tmp_path)
    try:
        side.greet(60.0)
        assert side._process is not None
        state, late = "", time.monotonic() + 10
        while state != "T" and time.monotonic() < late:
            state = Path(f"/proc/{side._process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        assert state == "T"
        with pytest.raises(Unable, match="FileNotFoundError"):
            side.ask(60.0, do="begin", script=str(tmp_path / "none.py"), argv=[], whole=False, phases=False)
    finally:
        side.stop()


def test_a_script_that_fails(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import torch\nraise ValueError('as it is written')\n")
    side = Side(MICROTORCH, tmp_path)
    try:
        work = Workload("script", "", tmp_path / "script.py", (), whole=True)
        assert play(work, [side], tmp_path, FAST, lambda *_: None).reference.unable == "ValueError: as it is written"
    finally:
        side.stop()


def test_processes_and_imports(engines: Path, tmp_path: Path) -> None:
    imports, process = (work for work in WORKLOADS if work.startup)
    backends = [MICROTORCH, replace(MICROTORCH, name="again"), named("wrong", str(engines))]
    row = startup.measure(imports, backends, tmp_path, replace(FAST, rounds=1), lambda *_: None)
    assert [side.side for side in row.sides] == ["numpy", "microtorch", "wrong"]
    assert all(side.counts for side in row.sides)

    work = replace(process, argv=("5",))
    row = startup.measure(work, backends, tmp_path, replace(FAST, rounds=1), lambda *_: None)
    assert [side.differs for side in row.sides] == ["", "", "it prints other text"]
    assert row.unit == "process"


@pytest.mark.parametrize("clean", [False, True])
def test_compiled_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean: bool) -> None:
    """An import is timed as a user has it, with files that Python has compiled, whether they may be beside it or not."""
    monkeypatch.setattr("sys.dont_write_bytecode", clean)
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1" if clean else "")
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "tiny.py").write_text("pass\n")
    imports = next(work for work in WORKLOADS if work.imports)
    backends = [named("tiny", str(tmp_path / "engine"))]
    row = startup.measure(imports, backends, tmp_path / "place", replace(FAST, rounds=2, budget=60.0), lambda *_: None)
    assert [len(side.seconds) for side in row.sides] == [2, 2]
    written = [path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("tiny*.pyc")]
    assert written == ["place" if clean else "engine"]


@pytest.mark.parametrize("whole", [False, True])
def test_memory_is_what_the_program_needs(tmp_path: Path, whole: bool) -> None:
    """Not what it takes to look at its weights, nor what the process has held before."""
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\nw = torch.zeros(2_000_000, requires_grad=True)\n"
        "for _ in range(2 if STEPS else 10**9):\n    w.sum().backward()  # backward\n".replace("STEPS", str(whole))
    )
    side = Side(MICROTORCH, tmp_path)
    try:
        for _ in range(2):
            work = Workload("script", "", script, (), whole=whole)
            found = play(work, [side], tmp_path, replace(FAST, rounds=1), lambda *_: None).reference
            assert found.counts
            assert 0.9 * 8e6 < found.peak < 4 * 8e6  # the gradient, and what a pass may need besides
    finally:
        side.stop()


def test_memory_is_told_by_phase(tmp_path: Path) -> None:
    """A chain's nodes are there after the forward pass, in proportion to its length."""
    sizes = {}
    for nodes in (20_000, 40_000):
        side = Side(MICROTORCH, tmp_path)
        try:
            player = Participant(side, replace(CHAIN, argv=(ENDLESS, str(nodes)), nodes=nodes), FAST)
            player.first_look()
        finally:
            side.stop()
        assert player.measured.held["backward"] < player.measured.held["forward"]
        sizes[nodes] = player.measured.held["forward"] / nodes
    assert sizes[20_000] == pytest.approx(sizes[40_000], rel=0.2)
    assert 100 < sizes[40_000] < 2000


def test_a_rounding_at_the_start(both: list[Side], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise that wrong weights are told from: torch's own course from weights that are one rounding away."""
    monkeypatch.setattr(turns, "NUDGED", 2)
    work = BY_NAME["full_batch"]
    runs = [trace.events for trace in turns.Noise(work, both[0], 3, tmp_path, FAST)]
    assert [[event.number for event in events] for events in runs] == [[0, END]] * turns.NUDGED
    first = after_a_step(both[0], work, tmp_path)
    for key, array in first.items():
        if key[0] == WEIGHT:
            assert any((events[0].arrays[key] != array).any() for events in runs)
            assert all(np.allclose(events[0].arrays[key], array, rtol=4e-7) for events in runs)
        if key[0] == GENERATOR:
            assert all((events[0].arrays[key] == array).all() for events in runs)


def test_the_event_at_the_end(both: list[Side], tmp_path: Path) -> None:
    player = Participant(both[1], BY_NAME["fit_line"], Pace())
    player.begin()
    player.turn(1)
    first = player.show(tmp_path, 0)
    player.turn(4)
    trace = player.ended(first, tmp_path)
    assert trace is not None
    assert [event.number for event in trace.events] == [0, END]
    assert trace.steps == 5
