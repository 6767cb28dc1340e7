"""Recordings of torch: what keeps them honest where torch is not installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recordings import SCRIPT, checked, narrowed

from parity import cli, fingerprint, golden
from parity.golden import GROUND, TITLE, Golden, GoldenError
from parity.judge import DIFFERENT, IDENTICAL, WITHIN_NOISE

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tests" / "golden"
NAMES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))

REFUSES_TORCH = """
import sys
class Finder:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Finder)
"""


@pytest.fixture(scope="module")
def without_torch(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python that cannot import torch, nor can its children."""
    folder = tmp_path_factory.mktemp("apart")
    (folder / "sitecustomize.py").write_text(REFUSES_TORCH)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


def parity(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "parity", *map(str, words)], cwd=ROOT, capture_output=True, text=True, **options
    )


# -- what is kept in tests/golden --------------------------------------------------------------------------------------


def test_the_eleven_are_kept_small() -> None:
    files = sorted(KEPT.glob("*.golden"))
    assert [file.stem for file in files] == NAMES
    assert sum(file.stat().st_size for file in files) < 1_000_000
    for file in files:
        kept = Golden.load(file)
        assert sorted(kept.runs) == ["float32", "float64"]
        assert kept.source == golden.digest_of(str(ROOT / "examples" / kept.script)), f"record {file.stem} again"
        assert all(trace.about["mathematics"]["outside"] == {} for trace in kept.runs.values())


def test_the_eleven_are_identical_where_torch_is_not_installed(without_torch: dict[str, str], tmp_path: Path) -> None:
    """Every bit that torch computed. Where this CPU rounds an elementary function otherwise it is said, and noise."""
    missing = parity("examples/ohms_law.py", env=without_torch)
    assert (missing.returncode, missing.stdout) == (cli.COULD_NOT, "")
    assert "PyTorch is not installed" in missing.stderr

    file = tmp_path / "found.json"
    done = parity("--json", file, "--golden", KEPT, "examples", env=without_torch)
    assert (done.returncode, done.stderr) == (cli.OK, ""), done.stdout + done.stderr
    results = json.loads(file.read_text())["results"]
    assert [(Path(r["script"]).stem, r["dtype"]) for r in results] == [
        (name, dtype) for name in NAMES for dtype in ("float32", "float64")
    ]
    for result in results:
        kept = Golden.load(KEPT / f"{Path(result['script']).stem}.golden")
        strange = fingerprint.strange(kept.functions[result["dtype"]], result["dtype"])
        where = f"{result['script']} {result['dtype']}: {result['reasons']}"
        assert result["verdict"] in ((IDENTICAL, WITHIN_NOISE) if strange else (IDENTICAL,)), where
        assert result["ground"] == GROUND
        assert [side["steps"] for side in result["sides"]] == [kept.runs[result["dtype"]].steps] * 2


# -- faults ------------------------------------------------------------------------------------------------------------

SIN = "sin, cos, tan = map(_through_float64, (np.sin, np.cos, np.tan))"
TANH = "sinh, cosh, tanh = map(_through_float64, (np.sinh, np.cosh, np.tanh))"
STEP = "    else:\n        x = do.add_(x, g, alpha=-lr)"
EXAMPLE = str(ROOT / "examples" / "{}.py")


def another(name: str, line: str) -> str:
    """A function of the line that is an ULP nearer to zero."""
    wrong = f"lambda x, _right={name}: np.nextafter(_right(x), x.dtype.type(0))"
    return f"{line}\n{name} = {wrong}"


def at_update(number: int) -> tuple[str, str, str]:
    """Three times the step in one update."""
    wrong = f"g * 3 if len(update.__dict__.setdefault('seen', [])) == {number} else g"
    return "optim/sgd.py", STEP, f"    else:\n        x = do.add_(x, {wrong}, alpha=-lr)\n        update.seen.append(x)"


@pytest.fixture
def house(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Plants faults in a copy of microtorch and parity, and gives the environment in which it is the one found."""

    def plant(*faults: tuple[str, str, str]) -> dict[str, str]:
        for name in ("microtorch", "parity"):
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name, right, wrong in faults:
            file = tmp_path / "microtorch" / name
            text = file.read_text()
            assert text.count(right) == 1, f"{name} does not have {right!r} exactly once"
            file.write_text(text.replace(right, wrong))
        return {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}

    return plant


def found(
    tmp_path: Path, environment: dict[str, str], script: Any, kept: Path, dtype: str
) -> tuple[int, dict[str, Any]]:
    """Exit status and result of a check; the copy of the package is in the folder that Python starts in."""
    file = tmp_path / "found.json"
    words = ["--json", file, f"--{dtype}", "--golden", kept, script]
    done = subprocess.run(
        [sys.executable, "-m", "parity", *map(str, words)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(file.read_text())["results"][0]


@pytest.mark.parametrize(
    ("fault", "said", "shown"),
    [
        (at_update(6), 3, (3, "weight", "linear.weight")),
        (at_update(7), 3, (3, "weight", "linear.bias")),
        (at_update(2 * 57), 57, None),  # that step was not kept in full
        (
            (
                "nn/modules/linear.py",
                "init.kaiming_uniform_(self.weight, a=math.sqrt(5))",
                "init.uniform_(self.weight)",
            ),
            0,
            (0, "initial weight", "linear.weight"),
        ),
    ],
)
def test_a_fault_is_found_with_its_step(
    house: Any, tmp_path: Path, fault: tuple[str, str, str], said: int, shown: tuple[int, str, str] | None
) -> None:
    status, result = found(tmp_path, house(fault), EXAMPLE.format("fit_line"), KEPT, "float32")
    assert (status, result["verdict"]) == (cli.DIFFERENCE, DIFFERENT)
    if not fingerprint.strange(Golden.load(KEPT / "fit_line.golden").functions["float32"], "float32"):
        assert result["reasons"][0] == f"not identical to the recording, first at step {said}"
    first = result["first"]
    if shown is not None:
        assert (first["step"], first["phase"], first["name"]) == shown
    else:
        assert first["after"] < said <= first["step"]


def test_another_sine_is_no_fault(house: Any, tmp_path: Path) -> None:
    """As on a CPU whose sine has other last bits, in the experiment that makes thousands of ULP of one."""
    environment = house(("kernels/torch_cpu.py", SIN, another("sin", SIN)))
    status, result = found(tmp_path, environment, EXAMPLE.format("sine_polynomial"), KEPT, "float64")
    assert (status, result["verdict"]) == (cli.OK, WITHIN_NOISE)
    (sentence,) = (reason for reason in result["reasons"] if "this machine rounds" in reason)
    assert sentence.startswith("identical bits are not demanded: this machine rounds ")
    assert "sin" in sentence
    assert any("microtorch's with numpy's kernels" in reason for reason in result["reasons"])


def test_another_tangent_hides_no_fault(house: Any, recorded: Path, tmp_path: Path) -> None:
    environment = house(("kernels/torch_cpu.py", TANH, another("tanh", TANH)), at_update(4 * 20))
    status, result = found(tmp_path, environment, recorded / "script.py", recorded, "float64")
    assert (status, result["verdict"]) == (cli.DIFFERENCE, DIFFERENT)
    assert any("this machine rounds" in reason and "tanh" in reason for reason in result["reasons"])


def test_what_torch_computed_by_itself_is_no_ground_for_a_demand(recorded: Path) -> None:
    kept = Golden.load(recorded / "script.golden")
    about = kept.runs["float32"].about
    about["mathematics"]["outside"] = {"convolution": 3}
    trace = replace(kept.runs["float32"], marks=bytes(len(kept.runs["float32"].marks)))
    (result,) = checked(replace(kept, runs={"float32": trace}), recorded)
    assert result.judgement.word == IDENTICAL, "the marks only tell where two runs part"
    trace.events[-1].chain = ""
    (result,) = checked(replace(kept, runs={"float32": trace}), recorded)
    assert result.judgement.word == WITHIN_NOISE
    assert result.judgement.reasons == ("identical bits are not demanded: torch computed convolution by itself",)
    about["mathematics"]["outside"] = {}
    (result,) = checked(replace(kept, runs={"float32": trace}), recorded)
    assert result.judgement.word == DIFFERENT


# -- recording ---------------------------------------------------------------------------------------------------------


def test_a_recording_is_the_same_twice_and_goes_with_its_script(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    script = tmp_path / "elsewhere" / "script.py"
    script.write_bytes(SCRIPT.replace("\n", "\r\n").encode())
    again = tmp_path / "again.golden"
    assert cli.main(["record", "--float32", str(script), "-o", str(again), "40"]) == cli.OK
    kept = Golden.load(recorded / "script.golden")
    assert again.read_bytes() == narrowed(kept).pack()
    for dtype, trace in kept.runs.items():
        assert trace.about["error"]["type"] == "RuntimeError"
        assert [frame[:2] for frame in trace.about["error"]["frames"]] == [["script.py", 14]]
        assert (trace.steps, len(trace.marks), trace.about["dtype"]) == (40, 160, dtype)
        assert len(trace.events) < 20, "only some steps are kept in full"
        assert list(trace.about["mathematics"]) == ["kernels", "shared", "outside"]
    file = tmp_path / "found.json"
    assert cli.main(["--json", str(file), "--golden", str(again), str(script)]) == cli.OK
    assert [r["fails_alike"] for r in json.loads(file.read_text())["results"]] == [True]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--golden", "none.golden", "script.py"], "cannot read none.golden: No such file or directory"),
        (["--golden", ".", "other.py"], "cannot read other.golden: No such file or directory"),
        (["--golden", "script.golden", "other.py"], "other.py is not the script that was recorded as script.py"),
        (["--golden", "script.golden", "script.py", "41"], "recorded with other arguments than 41: 40"),
        (["--golden", "narrow.golden", "--float64", "script.py"], "script.py was recorded in float32 only"),
        (["--golden", "script.py", "script.py"], "script.py is not a golden file of parity"),
        (["--golden", "older.golden", "script.py"], "is of another version of parity: record it again"),
        (["--golden", "cut.golden", "script.py"], "cut.golden is damaged"),
        (["--golden", "script.golden", "script.py", "other.py"], "script.golden is no folder"),
        (["--golden", "script.golden", "--device", "cuda", "script.py"], "--device does not go with --golden"),
        (["--golden", "script.golden", "--exact", "script.py"], "it does not go with --golden"),
        (["script.py", "--golden"], "--golden needs the name of a file"),
        (["record", "script.py"], "say where the recording shall be kept"),
        (["record", "script.py", "-o", "no/folder"], "there is no folder no to keep folder in"),
        (["record", "--exact", "script.py", "-o", "x"], "it does not go with -o"),
        (["record", "--candidate", "tiny", "script.py", "-o", "x"], "--candidate does not go with record"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    monkeypatch.chdir(recorded)
    whole = Golden.load(Path("script.golden"))
    Path("other.py").write_text("import torch\n")
    Path("older.golden").write_bytes(TITLE + b"0\n" + whole.pack())
    Path("cut.golden").write_bytes(whole.pack()[:-1])
    Path("narrow.golden").write_bytes(narrowed(whole).pack())
    assert cli.main(words) == cli.COULD_NOT
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("parity: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_run_too_large_is_not_kept(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Golden.load(recorded / "script.golden")
    monkeypatch.setattr(golden, "LIMIT", 10_000)
    with pytest.raises(GoldenError, match=r"the run of script\.py is too large to be kept"):
        kept.pack()
