"""parity on real torch, in child processes: what is the same, a planted fault, and noise that is torch's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parity import environment, session
from parity.backends import Backend, named
from parity.cause import SEMANTIC, Cause
from parity.compare import compare, differs
from parity.judge import DEMANDS, DIFFERENT, IDENTICAL, WITHIN_NOISE, Judgement
from parity.launch import Outcome, launch
from parity.locate import first_parting
from parity.noise import KERNELS
from parity.session import Result, Settings, examine
from parity.trace import END, GRADIENT, LOSS, WEIGHT, Event, Trace
from parity.worker import Job

SCRIPT = """
import torch
torch.manual_seed(0)
x = torch.linspace(-3, 3, 120).view(40, 3) + torch.eye(3)[torch.arange(40) % 3]
y = x.sum(1, keepdim=True).sin()
w = torch.zeros(3, 1, requires_grad=True)
for step in range(30):
    loss = ((x @ w - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
        w.grad.zero_()
print(f"{loss:.6f}", w.T)
"""

FAULTY = """
import torch
passes, original = 0, torch.Tensor.backward
def backward(self, *args, **kwargs):
    global passes
    original(self, *args, **kwargs)
    if passes == 20:
        import __main__
        __main__.w.grad[1] *= 1.5
    passes += 1
torch.Tensor.backward = backward
def __getattr__(name): return getattr(torch, name)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("torch")
    (folder / "script.py").write_text(SCRIPT)
    (folder / "faulty.py").write_text(FAULTY)
    return folder


def look(folder: Path, candidate: Backend, *dtypes: str) -> list[Result]:
    return examine(str(folder / "script.py"), [], Settings(candidate=candidate, dtypes=dtypes))


def test_torch_is_identical_to_itself(folder: Path) -> None:
    (result,) = look(folder, named("torch"), "float32")
    assert result.judgement.word == IDENTICAL
    assert result.reference.trace.steps == 30
    assert result.reference.trace.about["version"].startswith("2.")
    assert result.reference.trace.about["threads"] == 1
    described = environment.describe([result])
    assert described["capability"] == result.reference.trace.about["capability"] != ""
    assert described["torch"] == result.reference.trace.about["version"]


def test_planted_fault_is_no_noise_in_either_type(folder: Path) -> None:
    results = look(folder, named("faulty", str(folder)), "float32", "float64")
    assert [result.judgement.word for result in results] == [DIFFERENT, DIFFERENT]
    for result in results:
        fault = result.fault
        assert fault is not None
        assert (fault.number, fault.key, fault.at, fault.exact) == (20, (GRADIENT, "w"), (1, 0), True)
        assert result.floor is not None
    narrow, sharp = results
    assert sharp.exact is None
    reference, candidate = narrow.fault.values() if narrow.fault is not None else (0, 0)
    assert abs(reference - narrow.exact) < abs(candidate - narrow.exact), "float64 tells which of the two is right"
    assert (narrow.nearer, sharp.nearer) == ("torch", "")


@pytest.mark.parametrize(
    ("narrow", "sharp", "verdict"),
    [
        (WITHIN_NOISE, DIFFERENT, DIFFERENT),
        (WITHIN_NOISE, WITHIN_NOISE, WITHIN_NOISE),
        (IDENTICAL, DIFFERENT, IDENTICAL),
    ],
)
def test_float64_arbitrates(monkeypatch: pytest.MonkeyPatch, narrow: str, sharp: str, verdict: str) -> None:
    """What is within noise in float32 is not if float64 shows that it is no noise; what is identical stays so."""
    words = {DEMANDS["float32"]: narrow, DEMANDS["float64"]: sharp}
    monkeypatch.setattr(session, "launch", lambda jobs, **_: [Outcome(job, Trace(), 0) for job in jobs])
    monkeypatch.setattr(session, "judge", lambda comparison, demand, floor=None: Judgement(words[demand]))
    monkeypatch.setattr(session.noise, "measure", lambda references, *_: [[] for _ in references])
    assert [found.judgement.word for found in session.examine("x.py", [], Settings())] == [verdict, sharp]


def trace_of(dtype: str, steps: int, at: int, loss: float, by: float = 0.0) -> Outcome:
    """A run that has kept its first step and the one at a place, where a weight of two elements is off by this."""
    weights = {n: np.array([1.0, 2.0 + by * (n == at)], dtype) for n in (0, at)}
    events = [
        Event(n, {(LOSS, ""): np.array(loss, dtype), (WEIGHT, "w"): w}, f"{n} {by if n == at else 0}")
        for n, w in weights.items()
    ]
    return Outcome(Job(named("torch"), "x.py", dtype=dtype), Trace(events, {"steps": steps}), 0)


@pytest.mark.parametrize(
    ("kept", "loss", "off", "nearer"),
    [(7, 1.0, 1e-3, "torch"), (3, 1.0, 1e-3, "torch"), (7, 1.0, -1e-3, "torch"), (7, 1.1, 1e-3, "")],
    ids=["kept", "asked for again", "below", "another problem"],
)
def test_float64_tells_which_is_nearer(kept: int, loss: float, off: float, nearer: str) -> None:
    """Also where its run has not kept the step; and not where it solves another problem."""
    one, two = trace_of("float32", 8, 7, 1.0), trace_of("float32", 8, 7, 1.0, off)
    two = replace(two, job=replace(two.job, backend=named("other")))
    comparison = compare(one.trace, two.trace)
    found = Result(
        "x.py", (), "float32", one, two, Judgement(DIFFERENT), comparison, fault=first_parting(comparison, differs)
    )
    sharp = trace_of("float64", 8, kept, loss)
    asked: list[Job] = []

    def run(jobs: list[Job]) -> list[Outcome]:
        asked.extend(jobs)
        return [trace_of("float64", 8, 7, loss)]

    told = session._told_by_float64([found, Result("x.py", (), "float64", sharp, sharp, Judgement(WITHIN_NOISE))], run)[
        0
    ]
    assert told.nearer == nearer
    assert [job.window for job in asked] == ([(7, 8)] if kept != 7 else [])
    if nearer:
        assert told.exact == 2.0


def test_what_float64_finds_is_shown_in_float32_at_the_same_place() -> None:
    def pair(dtype: str, word: str) -> Result:
        one, two = trace_of(dtype, 8, 1, 1.0), trace_of(dtype, 8, 1, 1.0, 1e-3)
        two.trace.events[0].arrays[LOSS, ""] = np.nextafter(two.trace.events[0].arrays[LOSS, ""], np.array(2, dtype))
        return Result("x.py", (), dtype, one, two, Judgement(word), compare(one.trace, two.trace))

    sharp = pair("float64", DIFFERENT)
    assert sharp.comparison is not None
    fault = first_parting(sharp.comparison, lambda key, point: point.relative > 1e-9)
    arbiter = replace(sharp, fault=fault, cause=Cause(SEMANTIC, "it is"))
    narrow, _ = session._located(session._arbitrated([pair("float32", WITHIN_NOISE), arbiter]), lambda jobs: [])
    assert narrow.judgement.word == DIFFERENT
    assert narrow.cause == arbiter.cause
    assert narrow.fault is not None
    assert (narrow.fault.number, narrow.fault.key, narrow.fault.at) == (1, (WEIGHT, "w"), (1,))
    assert narrow.fault.reference is not None
    assert narrow.fault.reference.dtype == np.float32


def test_noise_is_measured_on_other_kernels(folder: Path) -> None:
    """The environment of the noise run reaches torch: its plainest kernels, and with them other roundings."""
    own, other = launch([Job(b, str(folder / "script.py")) for b in (named("torch"), KERNELS[0])], at_once=2)
    assert other.trace.about["capability"] in ("DEFAULT", "NO AVX")
    noise = compare(own.trace, other.trace)
    assert not noise.same_bits
    last = noise.largest(WEIGHT, END)
    assert last is not None
    assert 0 < last[0] < 100
