"""Whether a difference that is called rounding vanishes under shared mathematics: a proof where its size is a hint.

There torch computes products and elementary functions as microtorch does, and everything else by itself. What vanishes
there came from microtorch's fast kernels; what remains is in the rest of it. That the fast kernels do no more than round
is shown by single steps from torch's weights (`onestep`), in which nothing is amplified. Both together decide where
training amplifies rounding beyond what torch's own noise happens to be.
"""

from __future__ import annotations

from dataclasses import replace

from parity.backends import MICROTORCH, SHARED, TORCH, computing_with
from parity.cause import ROUNDING, SEMANTIC, Cause, few_roundings
from parity.compare import Comparison, compare, differs
from parity.launch import Outcome
from parity.locate import first_parting
from parity.onestep import Resynced
from parity.trace import END
from parity.worker import Job


def jobs(cause: Cause | None, reference: Job, candidate: Job) -> list[Job]:
    """Both sides' runs that would prove a cause; none where it is not rounding or the sides cannot share mathematics."""
    sides = reference.backend, candidate.backend
    able = [side.module for side in sides] == [TORCH.module, MICROTORCH.module] and not any(s.device for s in sides)
    if cause is None or cause.word != ROUNDING or not able:
        return []
    following = computing_with(candidate.backend, SHARED.mathematics)
    return [replace(reference, backend=SHARED), replace(candidate, backend=following)]


def proved(cause: Cause, reference: Outcome, candidate: Outcome) -> Cause:
    """The cause with what its proof has shown."""
    unable = [f"{side.job.backend.name} could not run: {side.unable}" for side in (reference, candidate) if side.unable]
    if unable:
        return _and(cause, f"not proved, for under shared mathematics {unable[0]}")
    comparison = compare(reference.trace, candidate.trace)
    if comparison.identical:
        steps = comparison.reference.steps
        sentence = f"proved: it vanishes under shared mathematics, where {steps} steps are the same to the last bit"
        return replace(_and(cause, sentence), proved=True)
    if comparison.same_bits and comparison.same_generator:
        what = "the printed text" if not comparison.text.same else "warnings" if comparison.same_error else "errors"
        return Cause(SEMANTIC, f"under shared mathematics all numbers are the same, to the last bit, but not {what}")
    outside = list(reference.trace.about.get("mathematics", {}).get("outside", ()))
    why = f", which does not cover {', '.join(outside)}" if outside else ", so it is microtorch's own"
    return _and(cause, f"it does not vanish under shared mathematics{why}: {_first(comparison)}")


def only_rounds(resynced: Resynced, comparison: Comparison) -> str:
    """The sentence that says that every single step of a run does no more than round; empty if that was not seen."""
    if resynced.steps < resynced.of or not few_roundings(resynced.largest, comparison):
        return ""
    return (
        "rounding, amplified by the training: under shared mathematics every bit is the same, and no single step from "
        f"torch's weights is off by more than {resynced.largest:.1e}"
    )


def _first(comparison: Comparison) -> str:
    parting = first_parting(comparison, differs)
    if parting is None:
        return "they fail in different ways"
    where = "at the end" if parting.number == END else f"at step {parting.number}"
    return f"first {where}, {' '.join(parting.key).strip()}, {parting.gap.note or f'{parting.gap.ulp} ULP'}"


def _and(cause: Cause, sentence: str) -> Cause:
    return Cause(cause.word, f"{cause.evidence}; {sentence}")
