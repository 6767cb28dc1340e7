"""One script from start to verdict: both sides in both float types, torch's noise if it is needed, the parting."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from parity import noise, onestep, proof
from parity.backends import MICROTORCH, TORCH, Backend
from parity.cause import Cause, cause_of
from parity.compare import Comparison, Point, compare, differs, moment
from parity.floor import Floor, floor_of
from parity.judge import DEMANDS, DIFFERENT, GOOD, IDENTICAL, UNABLE, WITHIN_NOISE, Judgement, judge
from parity.launch import Outcome, Progress, launch
from parity.locate import Parting, first_parting, locate
from parity.trace import LOSS, PHASES, Key, Trace
from parity.worker import Job

Tell = Callable[[list[Progress]], None]

TO_UNMODIFIED = "to unmodified torch"


@dataclass(frozen=True)
class Settings:
    """What a session is asked to do; `timeout` in seconds for each run, 0 for none; `at_once` runs at the same time."""

    reference: Backend = TORCH
    candidate: Backend = MICROTORCH
    dtypes: tuple[str, ...] = ("float32", "float64")
    timeout: float = 600.0
    at_once: int = 2
    seed: int = 0
    tell: Tell | None = None
    resync: bool = False  # measure the errors of single steps, too
    cache: noise.Cache = field(default_factory=lambda: noise.Cache(None))  # of torch's runs on other kernels


@dataclass(frozen=True)
class Result:
    """What was found about one script in one float type.

    `first` is where the two runs part in any bit, `fault` where they part by more than is demanded or explained.
    """

    script: str
    argv: tuple[str, ...]
    dtype: str
    reference: Outcome
    candidate: Outcome
    judgement: Judgement
    comparison: Comparison | None = None
    floor: Floor | None = None  # torch's own noise, where it was asked for
    first: Parting | None = None
    fault: Parting | None = None
    cause: Cause | None = None  # of `fault`, or of `first` where nothing is at fault
    exact: Any = None  # the element that `fault` shows, as the reference has it in float64
    resynced: onestep.Resynced | None = None  # errors of single steps, where asked for
    ground: str = TO_UNMODIFIED  # what `identical` refers to

    @property
    def good(self) -> bool:
        return self.judgement.word in GOOD

    @property
    def nearer(self) -> str:
        """Which side's element at the fault is nearer to float64's; empty where that is not known."""
        values = None if self.fault is None else self.fault.values()
        if values is None or self.exact is None:
            return ""
        away = [abs(float(value) - float(self.exact)) for value in values]
        sides = [outcome.job.backend.name for outcome in (self.reference, self.candidate)]
        return "both" if away[0] == away[1] else sides[away[0] > away[1]]

    @property
    def fails_alike(self) -> bool:
        """Whether the script fails, in the same way on both sides: the same behaviour."""
        same = self.comparison is not None and self.comparison.same_error
        return same and self.reference.trace.about.get("error") is not None


def examine(script: str, argv: Sequence[str], settings: Settings) -> list[Result]:
    """Run a script on both sides in each float type; one result for each."""

    def job(backend: Backend, dtype: str) -> Job:
        return Job(backend, script, tuple(argv), dtype, settings.seed)

    def run(jobs: list[Job]) -> list[Outcome]:
        return launch(jobs, at_once=settings.at_once, timeout=settings.timeout, tell=settings.tell)

    sides = (settings.reference, settings.candidate)
    outcomes = run([job(side, dtype) for dtype in settings.dtypes for side in sides])
    pairs = [(outcomes[i], outcomes[i + 1]) for i in range(0, len(outcomes), 2)]
    results = [first_look(script, tuple(argv), *pair) for pair in pairs]
    results = _with_noise(results, noise.KERNELS[:1], lambda word: word != IDENTICAL, run, settings.cache)
    results = _with_noise(results, noise.KERNELS[1:], lambda word: word == DIFFERENT, run, settings.cache)
    results = _decided(_proved(explained(_located(results, run), run), run), run)
    results = _told_by_float64(_located(_arbitrated(results), run), run)
    return _resynced(results, [settings.resync and r.judgement.word != IDENTICAL for r in results], run)


def first_look(script: str, argv: tuple[str, ...], reference: Outcome, candidate: Outcome) -> Result:
    """Two runs of a script compared, and judged without knowing torch's own noise."""
    reasons = tuple(
        f"{outcome.job.backend.name}: {outcome.unable}" for outcome in (reference, candidate) if outcome.unable
    )
    dtype = reference.job.dtype
    if reasons:
        return Result(script, argv, dtype, reference, candidate, Judgement(UNABLE, reasons))
    comparison = compare(reference.trace, candidate.trace)
    judgement = judge(comparison, DEMANDS[dtype])
    first = None if judgement.word == IDENTICAL else first_parting(comparison, differs)
    return Result(script, argv, dtype, reference, candidate, judgement, comparison, first=first)


def _with_noise(
    results: list[Result],
    kernels: Sequence[Backend],
    doubtful: Callable[[str], bool],
    run: noise.Run,
    cache: noise.Cache,
) -> list[Result]:
    """Judge those with a doubtful verdict again, knowing how far torch is from itself on these kernels, too."""
    asked = [
        place
        for place, result in enumerate(results)
        if doubtful(result.judgement.word) and result.comparison is not None and result.comparison.same_error
    ]
    measured = noise.measure([results[place].reference for place in asked], kernels, run, cache)
    for place, own in zip(asked, measured, strict=True):
        result = results[place]
        if result.comparison is not None:
            known = (*result.floor.own, *own) if result.floor is not None else tuple(own)
            floor = floor_of(result.comparison, known)
            judgement = judge(result.comparison, DEMANDS[result.dtype], floor)
            results[place] = replace(result, floor=floor, judgement=judgement)
    return results


def _arbitrated(results: list[Result]) -> list[Result]:
    """float64 arbitrates: what differs there is no noise in float32 either, and has the same cause."""
    arbiter = next((r for r in results if r.dtype == "float64" and r.judgement.word == DIFFERENT), None)
    if arbiter is None:
        return results
    there = arbiter.fault

    def offends(key: Key, point: Point) -> bool:
        return (
            there is not None and key == there.key and moment(point.number) >= moment(there.number) and point.gap.bits
        )

    verdict = Judgement(DIFFERENT, ("more than torch's own noise, as the float64 run shows",), offends)
    results = [replace(r, judgement=verdict) if r.judgement.word == WITHIN_NOISE else r for r in results]
    return [replace(r, cause=arbiter.cause or r.cause) if r.judgement.word == DIFFERENT else r for r in results]


def _located(results: list[Result], run: noise.Run) -> list[Result]:
    """With the places where differences begin, as far as they are not known yet."""
    return [located(r, run) if r.judgement.word == DIFFERENT and r.fault is None else r for r in results]


def located(result: Result, run: noise.Run) -> Result:
    """Find where a difference begins, looking closer at the interval in which it does."""
    if result.comparison is None:
        return result

    def again(window: tuple[int, int]) -> tuple[Trace, Trace] | None:
        closer = run([replace(side.job, window=window) for side in (result.reference, result.candidate)])
        return None if any(outcome.unable for outcome in closer) else (closer[0].trace, closer[1].trace)

    fault = locate(result.comparison, result.judgement.offends, again)
    first = result.first
    if first is not None and not first.exact:
        first = locate(result.comparison, differs, again)
    return replace(result, first=first, fault=fault)


def explained(results: list[Result], run: noise.Run) -> list[Result]:
    """With the causes of what parts, and what float64 says of it."""
    runs = {result.dtype: result.comparison for result in results if result.comparison is not None}

    def cause(result: Result) -> Cause | None:
        parting = result.fault or result.first
        known = parting is not None and parting.key[0] in PHASES
        return cause_of(parting, result.dtype, runs) if parting is not None and known else None

    return _told_by_float64([replace(result, cause=cause(result)) for result in results], run)


def _proved(results: list[Result], run: noise.Run) -> list[Result]:
    """With the proof, under shared mathematics, of those causes of a difference that are rounding only."""
    asked = {}
    for place, result in enumerate(results):
        jobs = proof.jobs(result.cause, result.reference.job, result.candidate.job)
        if jobs and result.judgement.word == DIFFERENT:
            asked[place] = jobs
    outcomes = run([job for jobs in asked.values() for job in jobs]) if asked else []
    found = list(results)
    for place, *sides in zip(asked, outcomes[::2], outcomes[1::2], strict=True):
        if (cause := results[place].cause) is not None:
            found[place] = replace(results[place], cause=proof.proved(cause, *sides))
    return found


def _decided(results: list[Result], run: noise.Run) -> list[Result]:
    """Without the differences that are proved to be rounding, if float64 is among the runs and has no others.

    It alone tells a rounding from a small fault.
    """
    proved = [r.judgement.word == DIFFERENT and r.cause is not None and r.cause.proved for r in results]
    sharp = [r.judgement.word != DIFFERENT or sure for r, sure in zip(results, proved, strict=True) if _is_sharp(r)]
    if not any(proved) or sharp != [True]:
        return results
    results = _resynced(results, proved, run)
    found = list(results)
    for place, result in enumerate(results):
        if not proved[place] or result.resynced is None or result.comparison is None:
            continue
        if sentence := proof.only_rounds(result.resynced, result.comparison):
            judgement = replace(result.judgement, word=WITHIN_NOISE, reasons=(sentence,))
            found[place] = replace(result, judgement=judgement)
    return results if any(_is_sharp(r) and r.judgement.word == DIFFERENT for r in found) else found


def _is_sharp(result: Result) -> bool:
    return result.dtype == "float64"


def _resynced(results: list[Result], asked: Sequence[bool], run: noise.Run) -> list[Result]:
    """With the errors of single steps, where asked for, possible and not known yet."""
    places = [p for p, r in enumerate(results) if asked[p] and r.resynced is None and r.comparison is not None]
    if not places:
        return results
    measured = onestep.measure([(results[p].reference.job, results[p].candidate.job) for p in places], run)
    found = list(results)
    for place, resynced in zip(places, measured, strict=True):
        found[place] = replace(results[place], resynced=resynced)
    return found


def _told_by_float64(results: list[Result], run: noise.Run) -> list[Result]:
    """With the elements that faults show as the reference has them in float64."""
    sharp = next((r.reference for r in results if _is_sharp(r) and not r.reference.unable), None)
    found = list(results)
    for place, result in enumerate(results):
        if sharp is not None and result.fault is not None and result.exact is None and not _is_sharp(result):
            found[place] = replace(result, exact=_in_float64(result.reference.trace, sharp, result.fault, run))
    return found


def _in_float64(narrow: Trace, sharp: Outcome, parting: Parting, run: noise.Run) -> Any:
    """The element that a parting shows, as the float64 run has it, if that solves the same problem.

    A script that draws random numbers draws others in float64: then its run says nothing about this one's digits.
    """
    losses = [next((event.arrays.get((LOSS, "")) for event in t.events), None) for t in (narrow, sharp.trace)]
    if losses[0] is None or losses[1] is None or losses[0].shape != losses[1].shape or parting.values() is None:
        return None
    if not np.allclose(losses[0], losses[1], rtol=1e-4, atol=0):
        return None
    number, trace = parting.number, sharp.trace
    if all(event.number != number for event in trace.events):
        (closer,) = run([replace(sharp.job, window=(number, number + 1))])
        trace = closer.trace
    arrays = [event.arrays.get(parting.key) for event in trace.events if event.number == number]
    shown = parting.reference
    return next((a[parting.at] for a in arrays if a is not None and shown is not None and a.shape == shown.shape), None)


def scripts_in(words: Sequence[str]) -> list[str]:
    """The scripts that names, folders and patterns stand for; raises FileNotFoundError for one that is none."""
    found: list[str] = []
    for word in words:
        path = Path(word)
        if path.is_dir():
            matches = sorted(str(p) for p in path.glob("*.py") if not p.name.startswith("_"))
        elif path.is_file():
            matches = [word]
        else:
            matches = sorted(p for p in glob.glob(word, recursive=True) if Path(p).is_file())
        if not matches:
            what = "no scripts in" if path.is_dir() else "no script matches" if is_pattern(word) else "no such script:"
            raise FileNotFoundError(f"{what} {word}")
        found += (match for match in matches if match not in found)
    return found


def is_pattern(word: str) -> bool:
    """Whether a word is a pattern for names of files."""
    return glob.has_magic(word)
