"""Recordings of torch: what keeps them honest where torch is not installed, and what may be read from a file."""

from __future__ import annotations

import functools
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from parity import cli, fingerprint, golden
from parity.golden import CANDIDATE, FORMAT, GROUND, TITLE, Golden, GoldenError
from parity.judge import DIFFERENT, IDENTICAL, WITHIN_NOISE
from parity.launch import Outcome
from parity.plain import TEXT, fits
from parity.report import data, terminal
from parity.session import Settings
from parity.trace import MAGIC, sealed

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

SCRIPT = """
import sys
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Dropout(0.2), torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
x = torch.rand(8, 3)
for step in range(int(sys.argv[1])):
    loss = ((net(x) - x.sum(1, keepdim=True)) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step} {loss.item():.4f}")
torch.zeros(2) + torch.zeros(int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def without_torch(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python that cannot import torch, nor can its children."""
    folder = tmp_path_factory.mktemp("apart")
    (folder / "sitecustomize.py").write_text(REFUSES_TORCH)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small script and its recording."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "script.py").write_text(SCRIPT)
    assert cli.main(["record", str(folder / "script.py"), "-o", str(folder / "script.golden"), "40"]) == cli.OK
    return folder


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


# -- files that are something else -------------------------------------------------------------------------------------


def narrowed(whole: Golden) -> Golden:
    return replace(whole, runs={"float32": whole.runs["float32"]}, functions={"float32": whole.functions["float32"]})


@functools.cache
def raw_of(path: Path) -> bytes:
    return narrowed(Golden.load(path)).pack()


def body_of(raw: bytes) -> bytes:
    return zlib.decompress(raw[len(TITLE + FORMAT) + 16 :])


def file_of(body: bytes) -> bytes:
    return TITLE + FORMAT + sealed(zlib.compress(body, 1))


def parts(body: bytes) -> tuple[Any, Any, bytes]:
    """The head of the file, the head of its trace, and the arrays' bytes."""
    size = int.from_bytes(body[:8], "little")
    trace = body[8 + size + len(MAGIC) + 16 :]
    inner = int.from_bytes(trace[:8], "little")
    return json.loads(body[8 : 8 + size]), json.loads(trace[16 : 16 + inner]), trace[16 + inner :]


def joined(head: Any, inner: Any, blob: bytes) -> bytes:
    written = json.dumps(inner).encode()
    sizes = len(written).to_bytes(8, "little") + len(blob).to_bytes(8, "little")
    trace = MAGIC + sealed(sizes + written + blob)
    if isinstance(head, dict) and head.get("runs") == {"float32": None}:
        head = {**head, "runs": {"float32": len(trace)}}
    outer = json.dumps(head).encode()
    return file_of(len(outer).to_bytes(8, "little") + outer + trace)


def checked(kept: Golden, folder: Path, render: bool = True) -> list[Any]:
    """What the command would report of a candidate that did what the recording says, shown and written as it would be."""
    trace = Golden.load(folder / "script.golden").runs["float32"]
    error = trace.about["error"]
    frames = [[str(folder / file), *rest] for file, *rest in error["frames"]]
    told = {"backend": "microtorch", "seconds": 1.0, "error": {**error, "frames": frames}}
    trace = replace(trace, about=trace.about | told)

    def launch(jobs: Any, **options: Any) -> list[Outcome]:
        return [Outcome(job, trace, 0) for job in jobs]

    with mock.patch.object(golden, "launch", launch):
        results = golden.check(str(folder / "script.py"), kept.argv, kept, Settings(dtypes=("float32",)))
    console = Console(file=io.StringIO(), width=200)
    console.print(golden.versions(results))
    terminal.table(console, results, "torch", "microtorch")
    terminal.details(console, results)
    data.write(folder / "written.json", results, {}, 0)
    assert "\x1b" not in console.file.getvalue()  # type: ignore[attr-defined]
    return results


def test_these_helpers_build_what_is_read(recorded: Path) -> None:
    head, inner, blob = parts(body_of(raw_of(recorded / "script.golden")))
    head["runs"] = {"float32": None}
    (result,) = checked(Golden.unpack(joined(head, inner, blob), "built"), recorded)
    assert (result.judgement.word, result.candidate.job.backend) == (IDENTICAL, CANDIDATE)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_damage_is_noticed(recorded: Path, data: st.DataObject) -> None:
    raw = raw_of(recorded / "script.golden")
    place = data.draw(st.integers(0, len(raw) - 1))
    flipped = raw[:place] + bytes([raw[place] ^ data.draw(st.integers(1, 255))]) + raw[place + 1 :]
    for changed in (flipped, raw[:place], raw + raw[place:]):
        with pytest.raises(GoldenError) as refusal:
            Golden.unpack(changed, "x.golden")
        assert str(refusal.value).startswith("x.golden is ")


# What a value may become in a file that somebody has written by hand and sealed as parity seals.
HOSTILE = st.one_of(
    st.sampled_from(
        [None, True, -1, 0, 2**31, 2**63, 10**40, 1.5, float("inf"), float("nan"), "", "\ud800", "\x1b[2J"]
    ),
    st.sampled_from(["|O", "O8", "V8", "f4,i4", "<U9", "3f8", "<f16", "<M8[s]", "os.system", "/dev/zero", "float32"]),
    st.sampled_from([[], {}, [[]], [2**62, 2**62], [0, -1], [1] * 99, {"a": 1}, [["a", "<f4"]], [None, None, None]]),
    st.text(max_size=5),
)


def inside(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from inside(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_whoever_wrote_it_a_file_is_read_or_refused(recorded: Path, data: st.DataObject) -> None:
    """Sealed well and changed anywhere: one sentence, or a report like any other."""
    head, inner, blob = parts(body_of(raw_of(recorded / "script.golden")))
    head["runs"] = {"float32": None}
    which = data.draw(st.sampled_from(["head", "about", "trace"]))
    whole = {"head": head, "about": inner["about"], "trace": inner}[which]
    changed = put(whole, data.draw(st.sampled_from(list(inside(whole)))), data.draw(HOSTILE))
    if which == "head":
        head = changed
    else:
        inner = changed if which == "trace" else {**inner, "about": changed}
    blob = blob[: data.draw(st.sampled_from([len(blob), 0, 9]))]
    refusal = ""
    try:
        checked(Golden.unpack(joined(head, inner, blob), "x.golden"), recorded)
    except GoldenError as error:
        refusal = str(error)
    assert len(refusal.splitlines()) <= 1


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("events", 0, "arrays", 0, 0), "feeling"),
        (("events", 0, "number"), float("inf")),
        (("arrays", 0, 1), [2**62, 2**62]),
        (("arrays", 0, 1), [2**62, 0, 2**62]),
        (("arrays", 0, 1), [-1]),
        (("arrays", 0, 2), 2**70),
        (("arrays", 0, 0), "<f2,<f2"),
        (("marks",), 0),
        (("text",), "\udc80"),
        (("about", "steps"), 41),
        (("about", "dtype"), "float64"),
    ],
)
def test_what_no_recording_says_is_refused(recorded: Path, place: tuple[Any, ...], value: Any) -> None:
    head, inner, blob = parts(body_of(raw_of(recorded / "script.golden")))
    head["runs"] = {"float32": None}
    with pytest.raises(GoldenError, match="x is damaged"):
        Golden.unpack(joined(head, put(inner, place, value), blob), "x")


def test_a_file_ends_where_it_should(recorded: Path) -> None:
    raw = raw_of(recorded / "script.golden")
    sealed_part = raw[len(TITLE + FORMAT) + 16 :]
    for changed in (TITLE + FORMAT + sealed(sealed_part + b"more"), file_of(body_of(raw) + b"more")):
        with pytest.raises(GoldenError, match="x is damaged"):
            Golden.unpack(changed, "x")


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_is_unpickled(recorded: Path, tmp_path: Path) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    head, inner, _ = parts(body_of(raw_of(recorded / "script.golden")))
    head["runs"] = {"float32": None}
    inner["arrays"] = [["|O", [1], 0] for _ in inner["arrays"]]
    for raw in (bomb, TITLE + FORMAT + bomb, file_of(bomb), file_of(len(bomb).to_bytes(8, "little") + bomb)):
        with pytest.raises(GoldenError):
            Golden.unpack(raw, "bomb")
    with pytest.raises(GoldenError, match=r"a trace holds numbers, not \|O"):
        Golden.unpack(joined(head, inner, bomb), "bomb")
    assert not (tmp_path / "exploded").exists()
    pickle.loads(bomb)
    assert (tmp_path / "exploded").exists(), "a bomb that does not go off shows nothing"


@pytest.mark.parametrize(
    "body",
    [
        bytes(2**24),
        b"",
        b"\xff" * 8 + b"{}",
        (2**20).to_bytes(8, "little") + b"[" * 2**20,
        (2).to_bytes(8, "little") + b"{}",
        (4).to_bytes(8, "little") + b"\xff\xfe\x00\x00",
    ],
    ids=["a zip bomb", "nothing", "a head of 2^64 bytes", "brackets without end", "an empty head", "no text"],
)
def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(golden, "LIMIT", 2**21)
    raw = file_of(body)
    tracemalloc.start()
    try:
        with pytest.raises(GoldenError, match=r"x\.golden is damaged"):
            Golden.unpack(raw, "x.golden")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_file_without_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "LIMIT", 2**20)
    with pytest.raises(GoldenError, match="/dev/zero is not a golden file of parity"):
        Golden.load(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("value", "form", "is_so"),
    [
        (1, int, True),
        (True, int, False),
        (1.0, int, False),
        ("a", str, True),
        ("a\n", str, False),
        ("a\n\x1b", TEXT, True),
        ("\ud800", TEXT, False),
        (None, (None, int), True),
        (2, (None, int), True),
        ("", (None, int), False),
        ([], [int], True),
        ([1, 2], [int], True),
        ([1, "2"], [int], False),
        ([1, "2"], [int, str], True),
        ([1], [int, str], False),
        ("12", [str], False),
        ({"a": 1}, {"a": int}, True),
        ({"a": 1, "b": 1}, {"a": int}, False),
        ({}, {"a": int}, False),
        ({"a": 1, "b": 1}, {str: int}, True),
        ({"a": "1"}, {str: int}, False),
        ({"\ud800": 1}, {str: int}, False),
        ([], {str: int}, False),
    ],
)
def test_forms(value: Any, form: Any, is_so: bool) -> None:
    assert fits(value, form) == is_so
