"""Rounding is proved where it can be: a difference that is called so is looked at again under shared mathematics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parity import noise, proof, session
from parity.backends import MICROTORCH, SHARED, TORCH, Backend, computing_with, named
from parity.cause import ROUNDING, SEMANTIC, Cause
from parity.compare import compare
from parity.judge import DIFFERENT, WITHIN_NOISE, Judgement
from parity.launch import Outcome
from parity.onestep import Resynced
from parity.session import Result, Settings, examine
from parity.trace import END, WEIGHT, Event, Trace
from parity.worker import Job

BY_SIZE = Cause(ROUNDING, "by its size")
JOB = Job(TORCH, "script.py")

SCRIPT = """
import torch
torch.manual_seed(0)
x = torch.randn(64, 300)
w = torch.zeros(300, 64, requires_grad=True)
for step in range(3):
    loss = (x.exp() @ (w + x.t())).tanh().sum()
    loss.backward()
    with torch.no_grad():
        w -= 1e-3 * w.grad
print(loss.item().hex(), sum(w.flatten().tolist()).hex())
"""


def side(weight: float = 1.0, text: str = "", *, unable: str = "", **about: object) -> Outcome:
    """A run of one step that ends with this weight."""
    event = Event(END, {(WEIGHT, "w"): np.array([weight])}, f"{weight}")
    return Outcome(JOB, Trace([event], {"steps": 1, **about}, text), 0, unable=unable)


@pytest.mark.parametrize(
    ("reference", "candidate", "word", "sentence"),
    [
        (side(), side(), ROUNDING, "proved: it vanishes under shared mathematics"),
        (side(), side(1 + 2**-52), ROUNDING, "so it is microtorch's own: first at the end, weight w, 1 ULP"),
        (side(mathematics={"outside": {"conv2d": 3}}), side(1 + 2**-52), ROUNDING, "which does not cover conv2d: first"),
        (side(), side(2, error={"type": "E", "text": "", "frames": []}), ROUNDING, "own: they fail in different ways"),
        (side(unable="it is too old"), side(), ROUNDING, "not proved, for under shared mathematics torch could not run"),
        (side(text="yes"), side(text="no"), SEMANTIC, "all numbers are the same, to the last bit, but not the printed text"),
        (side(), side(warnings=[["UserWarning", "look"]]), SEMANTIC, "but not warnings"),
        (side(), side(error={"type": "E", "text": "", "frames": []}), SEMANTIC, "but not errors"),
    ],
)  # fmt: skip
def test_what_a_proof_says(reference: Outcome, candidate: Outcome, word: str, sentence: str) -> None:
    cause = proof.proved(BY_SIZE, reference, candidate)
    assert cause.word == word
    assert sentence in cause.evidence
    assert cause.evidence.startswith("by its size; ") == (word == ROUNDING)


@pytest.mark.parametrize(
    ("cause", "reference", "candidate", "asked"),
    [
        (BY_SIZE, TORCH, MICROTORCH, True),
        (BY_SIZE, TORCH, computing_with(MICROTORCH, "numpy"), True),
        (BY_SIZE, TORCH, named("tiny"), False),
        (BY_SIZE, named("tiny"), MICROTORCH, False),
        (BY_SIZE, replace(TORCH, device="cuda"), MICROTORCH, False),
        (Cause(SEMANTIC, ""), TORCH, MICROTORCH, False),
        (None, TORCH, MICROTORCH, False),
    ],
)
def test_what_can_be_proved(cause: Cause | None, reference: Backend, candidate: Backend, asked: bool) -> None:
    jobs = proof.jobs(cause, Job(reference, "a.py", ("1",), "float64", 7), Job(candidate, "a.py", ("1",), "float64", 7))
    if asked:
        assert [job.backend.mathematics for job in jobs] == ["torch_cpu", ""]
        assert jobs[1].backend.variables == {"MICROTORCH_KERNELS": "torch_cpu"}
        assert jobs == [Job(SHARED, "a.py", ("1",), "float64", 7), replace(jobs[0], backend=jobs[1].backend)]
    else:
        assert not jobs


def rounded(dtype: str, word: str, cause: Cause | None) -> Result:
    """What was found of a run that is a bit off."""
    one, two = (replace(side(weight), job=replace(JOB, dtype=dtype)) for weight in (1.0, 1 + 2**-52))
    comparison = compare(one.trace, two.trace)
    return Result("script.py", (), dtype, one, two, Judgement(word, ("it is",)), comparison, cause=cause)


PROVED = replace(BY_SIZE, proved=True)
FEW, MANY = Resynced(5, 5, largest=1e-15), Resynced(5, 5, largest=1e-9)


@pytest.mark.parametrize(
    ("narrow", "sharp", "one_step", "words"),
    [
        (None, (DIFFERENT, PROVED), FEW, [WITHIN_NOISE]),
        ((DIFFERENT, PROVED), (DIFFERENT, PROVED), FEW, [WITHIN_NOISE, WITHIN_NOISE]),
        ((WITHIN_NOISE, BY_SIZE), (DIFFERENT, PROVED), FEW, [WITHIN_NOISE, WITHIN_NOISE]),
        ((DIFFERENT, PROVED), (WITHIN_NOISE, BY_SIZE), FEW, [WITHIN_NOISE, WITHIN_NOISE]),
        ((DIFFERENT, BY_SIZE), (DIFFERENT, PROVED), FEW, [DIFFERENT, WITHIN_NOISE]),
        ((DIFFERENT, PROVED), (DIFFERENT, BY_SIZE), FEW, [DIFFERENT, DIFFERENT]),  # float64 says no
        ((DIFFERENT, PROVED), (DIFFERENT, PROVED), MANY, [DIFFERENT, DIFFERENT]),  # one step is enough to differ
        ((DIFFERENT, PROVED), None, FEW, [DIFFERENT]),  # float32 alone cannot tell
        (None, (DIFFERENT, PROVED), Resynced(4, 5, "too long", largest=1e-15), [DIFFERENT]),
        (None, (DIFFERENT, None), FEW, [DIFFERENT]),
    ],
)
def test_what_is_proved_to_be_rounding_is_no_difference(
    monkeypatch: pytest.MonkeyPatch,
    narrow: tuple[str, Cause | None] | None,
    sharp: tuple[str, Cause | None] | None,
    one_step: Resynced,
    words: list[str],
) -> None:
    monkeypatch.setattr(session.onestep, "measure", lambda pairs, run: [one_step for _ in pairs])
    given = [rounded(dtype, *found) for dtype, found in (("float32", narrow), ("float64", sharp)) if found]
    decided = session._decided(given, lambda jobs: [])
    assert [result.judgement.word for result in decided] == words
    for before, after in zip(given, decided, strict=True):
        changed = before.judgement.word != after.judgement.word
        assert ("amplified by the training" in after.judgement.reasons[0]) == changed


def test_rounding_of_products_and_functions_is_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judged without torch's own noise, what rounds in the vendor's library is different, until it is proved."""
    (tmp_path / "script.py").write_text(SCRIPT)
    monkeypatch.setattr(session.noise, "KERNELS", noise.KERNELS[:0])
    (result,) = examine(str(tmp_path / "script.py"), [], Settings(dtypes=("float64",)))
    assert result.judgement.word == WITHIN_NOISE
    assert "under shared mathematics every bit is the same" in result.judgement.reasons[0]
    assert result.cause is not None
    assert (result.cause.word, result.cause.proved) == (ROUNDING, True)
    assert "proved: it vanishes under shared mathematics, where 3 steps" in result.cause.evidence
    assert result.resynced is not None
    assert (result.resynced.steps, result.resynced.of) == (3, 3)
