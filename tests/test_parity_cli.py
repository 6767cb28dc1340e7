"""The command as a whole: scripts in child processes, the table, the exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from parity_harness import TRAINING

from parity import cli, launch, noise, session
from parity.backends import MICROTORCH, TORCH, Backend, named
from parity.worker import Job

TESTS = Path(__file__).parent
TINY = Backend("reference", "tiny_torch", str(TESTS))

SCRIPTS = {
    "good.py": """
        import sys
        import torch
        from torch.optim import SGD
        steps, rate = int(sys.argv[1]) if len(sys.argv) > 1 else 5, 0.1
        torch.manual_seed(1)
        w = torch.tensor(0.0, requires_grad=True)
        optimizer = SGD([w], lr=rate)
        for step in range(steps):
            x = torch.rand()
            error = w * x - x
            optimizer.zero_grad()
            (error * error).backward()
            optimizer.step()
        print(f"{len(sys.argv)} {w.item():.3f}")
    """,
    "fails.py": """
        import torch
        def deep():
            torch.tensor(1.0).backward()
        deep()
    """,
    "exits.py": "import sys; print('bye'); print('usage: not so', file=sys.stderr); sys.exit(7)",
    "one_side.py": """
        import torch
        print('start')
        w = torch.tensor(1.0, requires_grad=True)
        (w * w).backward()
        if torch.OTHER:
            raise ValueError('only here')
        (w * w).backward()
    """,
    "other_text.py": "import torch\nprint('same')\nprint('this' if torch.OTHER else 'that')",
    "hangs.py": "import time\nwhile True: time.sleep(1)",
    "dies.py": "import os\nos._exit(3)",
    "_private.py": "raise SystemExit('no script of its own')",
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of scripts, and an engine that says that it is the other one."""
    folder = tmp_path_factory.mktemp("scripts")
    for name, source in SCRIPTS.items():
        lines = source.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        (folder / name).write_text("\n".join(line[indent:] for line in lines) + "\n")
    engine = (TESTS / "tiny_torch.py").read_text()
    (folder / "engine").mkdir()
    (folder / "engine" / "other.py").write_text(engine + "\nOTHER = True\n")
    (folder / "engine" / "one.py").write_text(engine + "\nOTHER = False\n")
    return folder


@pytest.fixture
def parity(scripts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command in this process with the tiny engine on both sides; gives status, output and the JSON."""
    engine = str(scripts / "engine")
    monkeypatch.setattr(session, "TORCH", Backend("reference", "one", engine))
    monkeypatch.setattr(noise, "KERNELS", (Backend("reference*", "one", engine),))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cli, "TORCH", Backend("reference", "one", engine))
    monkeypatch.chdir(scripts)

    def run(*words: str, fault: str = "") -> tuple[int, str, Any]:
        monkeypatch.setattr(launch, "ENVIRONMENT", launch.ENVIRONMENT | ({"FAULT_ON": fault} if fault else {}))
        file = tmp_path / "found.json"
        status = cli.main(["--json", str(file), "--candidate", "other", "--path", "engine", *words])
        out = capsys.readouterr()
        return status, out.out + out.err, json.loads(file.read_text()) if file.exists() else None

    return run


def test_identical(parity: Any) -> None:
    status, out, found = parity("good.py", "40")
    assert status == cli.OK
    assert [(r["dtype"], r["verdict"]) for r in found["results"]] == [
        ("float32", "identical"),
        ("float64", "identical"),
    ]
    result = found["results"][0]
    assert result["arguments"] == ["40"]
    assert [side["steps"] for side in result["sides"]] == [40, 40]
    assert result["sides"][0]["text"].startswith("2 0.")
    assert result["distance"]["same_text"]
    assert "good.py 40" in out
    assert "\x1b[" not in out, "no colours and no live display where the output is no terminal"
    weights = [r["distance"]["quantities"]["weight w"]["events"] for r in found["results"]]
    assert weights == [41, 41]


def test_arguments_are_the_scripts_own(parity: Any) -> None:
    _, _, found = parity("--float32", "good.py", "3", "--json", "--timeout", "x.py", "-h")
    assert found["results"][0]["arguments"] == ["3", "--json", "--timeout", "x.py", "-h"]
    assert found["results"][0]["sides"][0]["text"].startswith("6 ")


def test_several_scripts_and_options_after_them(parity: Any) -> None:
    status, _, found = parity("good.py", "exits.py", "--float64")
    assert status == cli.OK
    assert [(r["script"], r["dtype"]) for r in found["results"]] == [("good.py", "float64"), ("exits.py", "float64")]
    assert [side["status"] for side in found["results"][1]["sides"]] == [7, 7]


def test_same_failure_is_the_same_behaviour(parity: Any) -> None:
    status, out, found = parity("fails.py")
    assert status == cli.OK
    assert [r["fails_alike"] for r in found["results"]] == [True, True]
    assert "identical to unmodified torch, fails alike" in out
    assert "torch.tensor(1.0).backward()" in out
    assert "RuntimeError: tensor does not require grad" in out
    assert "tiny" not in out.partition("both fail")[2], "frames of the engine are cut off"


def test_failure_on_one_side_is_a_difference(parity: Any) -> None:
    status, out, found = parity("--float32", "one_side.py")
    assert status == cli.DIFFERENCE
    assert found["results"][0]["verdict"] == "different"
    assert "reference ends well" in out
    assert found["results"][0]["reasons"] == ["reference ends well, other fails"]
    assert 'one_side.py", line 6, in <module>' in out
    assert "ValueError: only here" in out
    assert "first parts" not in out, "what one side did not come to is no place where they part"
    assert (found["results"][0]["first"], found["results"][0]["cause"]) == (None, None)


def test_what_was_said_before_an_exit_is_shown(parity: Any) -> None:
    _, out, _ = parity("--float32", "exits.py")
    assert "usage: not so\n      SystemExit: 7\n" in out


def test_other_text_is_a_difference(parity: Any) -> None:
    status, out, found = parity("--float32", "other_text.py")
    assert status == cli.DIFFERENCE
    assert found["results"][0]["distance"]["text_line"] == [2, "that", "this"]
    assert "text, line 2" in out


def test_timeout(parity: Any) -> None:
    started = time.monotonic()
    status, out, found = parity("--timeout", "1", "--float32", "hangs.py")
    assert status == cli.COULD_NOT
    assert time.monotonic() - started < 20
    assert "--timeout S gives it more" in out
    assert found["results"][0]["verdict"] == "could not run"


def test_a_process_that_dies_is_no_verdict(parity: Any) -> None:
    status, out, _ = parity("--float32", "dies.py")
    assert status == cli.COULD_NOT
    assert "ended with status 3 and left no trace" in out


def test_a_difference_outweighs_what_could_not_run(parity: Any) -> None:
    assert parity("--float32", "dies.py", "other_text.py")[0] == cli.DIFFERENCE


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "name a script"),
        (["nothing.py"], "no such script: nothing.py"),
        (["nothing*.py"], "no script matches nothing*.py"),
        (["engine/empty"], "no such script"),
        (["good.py", "exits.py", "--lr", "1"], "unrecognized arguments"),
        (["good.py", "exits.py", "7"], "arguments belong to a single script"),
        (["--candidate", "nowhere", "good.py"], "there is no module nowhere"),
        (["--json", "no/such/file.json", "good.py"], "there is no folder no/such"),
    ],
)
def test_what_cannot_be_run(parity: Any, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    try:
        status, out, _ = parity(*words)
    except SystemExit as exit:  # argparse's own way to refuse
        status, out = exit.code, capsys.readouterr().err
    assert status == cli.COULD_NOT
    assert sentence in out


def test_torch_is_asked_for(parity: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "TORCH", TORCH)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    status, out, _ = parity("good.py")
    assert status == cli.COULD_NOT
    assert "PyTorch is not installed" in out
    assert "pip install" in out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["."], ["dies.py", "exits.py", "fails.py", "good.py", "hangs.py", "one_side.py", "other_text.py"]),
        (["f*.py", "good.py"], ["fails.py", "good.py"]),
        (["good.py", "good.py", "exits.py"], ["good.py", "exits.py"]),
        (["engine", "good.py"], ["engine/one.py", "engine/other.py", "good.py"]),
    ],
)
def test_folders_and_patterns(
    scripts: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], found: list[str]
) -> None:
    monkeypatch.chdir(scripts)
    assert cli.parse(words).scripts == found


def test_arguments_after_a_double_dash(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scripts)
    request = cli.parse(["good.py", "--", "exits.py"])
    assert (request.scripts, request.argv) == (["good.py"], ["exits.py"])


def test_a_fault_is_reported_with_both_values(parity: Any, monkeypatch: pytest.MonkeyPatch, scripts: Path) -> None:
    faulty = (scripts / "engine" / "other.py").read_text().replace('os.environ.get("FAULT", "")', '"gradient:100"')
    (scripts / "engine" / "faulty.py").write_text(faulty)
    status, out, found = parity("--candidate", "faulty", "good.py", "2000")
    assert status == cli.DIFFERENCE
    sharp = found["results"][1]
    assert (sharp["dtype"], sharp["verdict"]) == ("float64", "different")
    fault = sharp["fault"]
    assert (fault["step"], fault["phase"], fault["name"], fault["exact"]) == (100, "gradient", "w", True)
    values = [value for value, _ in fault["values"]]
    assert values[1] == pytest.approx(1.01 * values[0])
    for value, bits in fault["values"]:
        exact, ieee = bits.split()
        assert float.fromhex(exact) == value
        assert len(ieee) == 16
    assert (
        fault["ulp"]
        == fault["largest_ulp"]
        == abs(int(np.float64(values[0]).view(int) - np.float64(values[1]).view(int)))
    )
    assert f"{fault['ulp']} ULP apart" in out
    assert sharp["cause"][0] == "semantic difference"
    assert "cause: semantic difference: " in out
    narrow = found["results"][0]
    assert narrow["nearer_to_float64"] == "reference"
    assert narrow["fault_in_float64"] == pytest.approx(narrow["fault"]["values"][0][0], rel=1e-3)
    assert "reference is nearer" in out
    assert "at step 100: gradient w" in out
    assert fault["values"][0][1] in out


def test_resync_shows_the_step_that_is_wrong(parity: Any, scripts: Path) -> None:
    faulty = (scripts / "engine" / "other.py").read_text().replace('os.environ.get("FAULT", "")', '"gradient:30"')
    (scripts / "engine" / "faulty.py").write_text(faulty)
    status, out, found = parity("--resync", "--float64", "--candidate", "faulty", "good.py", "60")
    assert status == cli.DIFFERENCE
    (result,) = found["results"]
    resync = result["resync"]
    assert (resync["steps"], resync["of"], resync["why"]) == (60, 60, "")
    one, drift = resync["one_step"]["weight"], resync["drift"]["weight"]
    assert (one["median_ulp"], one["median"], one["step"]) == (0, 0, 30)
    assert one["largest_ulp"] > 0
    assert drift["largest_ulp"] > 0 < drift["median_ulp"]
    assert resync["one_step"]["loss"]["largest_ulp"] == 0 < resync["drift"]["loss"]["largest_ulp"]
    assert "with reference's weights and optimizer state before each of 60 steps" in out


@pytest.mark.parametrize("other", ["--exact", "--golden"])
def test_resync_needs_a_run_of_torch(parity: Any, other: str) -> None:
    status, out, _ = parity("--resync", other, *(["good.py"] if other == "--golden" else []), "good.py")
    assert status == cli.COULD_NOT
    assert "--resync" in out


def test_what_a_small_engine_lacks_is_named(parity: Any, scripts: Path) -> None:
    engine = (scripts / "engine" / "other.py").read_text().replace("def set_default_dtype", "def _no_dtype")
    (scripts / "engine" / "smaller.py").write_text(engine)
    status, out, found = parity("--candidate", "smaller", "good.py")
    assert status == cli.COULD_NOT
    assert [r["verdict"] for r in found["results"]] == ["identical", "could not run"]
    assert "smaller has no set_default_dtype" in out


def test_children_run_as_python_runs_a_script(scripts: Path, tmp_path: Path) -> None:
    script = tmp_path / "who.py"
    script.write_text(
        "import os, sys\n"
        "print(sys.argv, __name__, __file__, os.getcwd(), sys.path[0])\n"
        "print(os.environ['OMP_NUM_THREADS'], os.environ['MPLBACKEND'])\n"
        "print('parity' in ' '.join(sys.path), sys.stdin.read() == '')\n"
        "import warnings; warnings.warn('look')\n"
    )
    job = Job(named("other", str(scripts / "engine")), str(script), ("a", "-b"))
    (outcome,) = launch.launch([job])
    assert (outcome.unable, outcome.status) == ("", 0)
    plain = subprocess.run(
        [sys.executable, script, "a", "-b"],
        env=os.environ | launch.ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert outcome.trace.text.splitlines()[:2] == plain.stdout.splitlines()[:2]
    assert outcome.warnings == plain.stderr


def test_what_a_package_loads_late_is_watched(scripts: Path, tmp_path: Path) -> None:
    """`import late` does not load `late.optim`; the script does, and its optimizer's parameters are known."""
    engine = (scripts / "engine" / "other.py").read_text()
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "__init__.py").write_text(engine.replace("optim = SimpleNamespace(SGD=SGD)", ""))
    (tmp_path / "late" / "optim.py").write_text("from late import SGD")
    (tmp_path / "script.py").write_text(
        "import torch, torch.optim\n"
        "def make():\n"
        "    w = torch.tensor(1.0, requires_grad=True)\n"
        "    return torch.optim.SGD([w], 0.1), lambda: w * w\n"
        "optimizer, loss = make()\n"
        "loss().backward()\n"
    )
    (outcome,) = launch.launch([Job(named("late", str(tmp_path)), str(tmp_path / "script.py"))])
    assert outcome.unable == ""
    assert ("weight", "parameter 0 of optimizer 0") in outcome.trace.events[0].arrays


def test_seeds_make_unseeded_scripts_comparable(scripts: Path, tmp_path: Path) -> None:
    script = tmp_path / "unseeded.py"
    script.write_text("import random, numpy, torch\nprint(random.random(), numpy.random.rand(), torch.rand().item())\n")
    engine = named("other", str(scripts / "engine"))
    texts = [outcome.trace.text for outcome in launch.launch([Job(engine, str(script), seed=s) for s in (0, 0, 1)])]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_recorder_changes_no_bit_of_microtorch(tmp_path: Path, dtype: str) -> None:
    """As on torch (test_parity_recorder), here in the worker: recorded and not, a script ends in the same bits."""
    script = tmp_path / "script.py"
    source = "\n".join(line for line in TRAINING.splitlines() if "schedule" not in line)  # microtorch has none
    script.write_text(
        source.replace("STEPS", "30") + "\n" + "print([p.tolist() for p in net.parameters()], torch.rand(2))"
    )
    recorded, plain = launch.launch(
        [Job(MICROTORCH, str(script), dtype=dtype, record=record) for record in (True, False)]
    )
    assert (recorded.unable, plain.unable) == ("", "")
    assert (recorded.status, plain.status) == (0, 0), recorded.warnings
    assert (recorded.trace.steps, plain.trace.steps) == (30, 0)
    assert recorded.trace.text == plain.trace.text != ""


def test_progress_is_told(scripts: Path) -> None:
    seen: list[int] = []
    job = Job(named("other", str(scripts / "engine")), str(scripts / "good.py"), ("20000",))
    launch.launch([job], tell=lambda running: seen.extend(progress.steps for progress in running))
    counts = [count for count in seen if count]
    assert counts
    assert counts == sorted(counts)
    assert counts[-1] <= 20_000


def test_parity_is_installed_as_a_command_and_a_module() -> None:
    out = subprocess.run([sys.executable, "-m", "parity", "-h"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"usage: parity .*--json FILE", out)
