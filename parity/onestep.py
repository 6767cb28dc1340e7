"""`--resync`: the error of single steps apart from drift, which is what training makes of the errors before.

Three runs of a script: the reference's, the candidate's, and the candidate's again with the reference's weights and
optimizer state before each step. The first steps are resynced, as many as fit into `KEEP`.
"""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from parity.compare import Comparison, Point, compare
from parity.launch import Outcome
from parity.trace import GRADIENT, LOSS, STATE, WEIGHT
from parity.worker import Job

KEEP = {"head": 2**31, "most": 2, "budget": 2**28}  # of the first steps all, up to 64 MB
SHOWN = (LOSS, GRADIENT, STATE, WEIGHT)

Run = Callable[[list[Job]], list[Outcome]]


@dataclass(frozen=True)
class Course:
    """The largest distance in a step, over all its tensors: its median and its largest, which was at a step.

    In units in the last place of each element, and relative to the size of the tensor.
    """

    median_ulp: int
    largest_ulp: int
    median: float
    largest: float
    step: int


@dataclass(frozen=True)
class Resynced:
    """How many of a script's steps were resynced, why no more, and by phase the errors with it and the drift without.

    `largest` is the largest error of all that was recorded of these steps, relative, as rounding is measured.
    """

    steps: int
    of: int
    why: str = ""
    one_step: dict[str, Course] = field(default_factory=dict)
    drift: dict[str, Course] = field(default_factory=dict)
    largest: float = math.inf


def measure(pairs: Sequence[tuple[Job, Job]], run: Run) -> list[Resynced]:
    """For each pair of a reference's and a candidate's job, what one step's errors are."""
    jobs = [replace(job, resync=True, keep=KEEP) for pair in pairs for job in pair]
    free = run(jobs)
    with tempfile.TemporaryDirectory(prefix="parity-") as folder:
        given = [Path(folder, str(place)) for place in range(len(pairs))]
        for path, reference in zip(given, free[::2], strict=True):
            reference.trace.save(path)
        led = run([replace(job, given=str(path)) for job, path in zip(jobs[1::2], given, strict=True)])
    return [_resynced(*outcomes) for outcomes in zip(free[::2], free[1::2], led, strict=True)]


def _resynced(reference: Outcome, candidate: Outcome, led: Outcome) -> Resynced:
    sides = (reference, candidate, led)
    if unable := next((side.unable for side in sides if side.unable), ""):
        return Resynced(0, reference.trace.steps, unable)
    ends = [side.trace.about["resync"] for side in (reference, led)]
    steps, why = min((tuple(end) for end in ends), key=lambda end: int(end[0]))
    with_it, without = (compare(reference.trace, side.trace) for side in (led, candidate))
    largest = max((point.of_phase for _, point in with_it.points() if 0 <= point.number < steps), default=0.0)
    return Resynced(steps, reference.trace.steps, why, _courses(with_it, steps), _courses(without, steps), largest)


def _courses(comparison: Comparison, steps: int) -> dict[str, Course]:
    """By phase, over the first steps."""
    found: dict[str, dict[int, list[Point]]] = {}
    for (phase, _), points in comparison.series.items():
        for point in points:
            if phase in SHOWN and 0 <= point.number < steps:
                found.setdefault(phase, {}).setdefault(point.number, []).append(point)
    return {phase: _course(found[phase]) for phase in SHOWN if phase in found}


def _course(points: dict[int, list[Point]]) -> Course:
    ulps = {step: max(point.gap.ulp for point in at) for step, at in points.items()}
    sizes = {step: max(point.relative for point in at) for step, at in points.items()}
    step = max(sizes, key=lambda step: sizes[step])
    median = statistics.median_high
    return Course(median(ulps.values()), max(ulps.values()), median(sizes.values()), sizes[step], step)
