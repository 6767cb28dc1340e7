"""torch's runs of a script in a small file, by which an engine is checked to the bit where torch is not installed.

What is recorded is torch under shared mathematics, which every CPU repeats: some steps in full, and of every step a mark
(`trace`). The file is a line that names the format, a seal, and compressed a JSON head and the traces: numbers and text.
Nothing in it is executed or unpickled.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from parity import fingerprint
from parity.backends import MICROTORCH, SHARED, TORCH, computing_with
from parity.compare import Comparison, compare, differs
from parity.floor import floor_of
from parity.judge import DEMANDS, DIFFERENT, UNABLE, Judgement, judge
from parity.launch import Outcome, launch
from parity.locate import first_parting
from parity.noise import Run
from parity.plain import TEXT, fits
from parity.session import Result, Settings
from parity.trace import MARK, PHASES, Trace, TraceError, sealed, unsealed
from parity.worker import Job

SUFFIX = ".golden"
TITLE, FORMAT = b"parity golden ", b"1\n"
LIMIT = 2**28  # bytes of a file, and of what it may hold once it is decompressed
KEEP = {"head": 6, "most": 10, "budget": 2**18}  # steps in full

# What a file says, in the words of `fits`.
HEAD: dict[str, Any] = {
    "script": TEXT,
    "source": str,
    "arguments": [TEXT],
    "seed": int,
    "functions": {str: {str: str}},
    "runs": {str: int},
}
ABOUT: dict[str, Any] = {
    "version": str,
    "numpy": str,
    "dtype": str,
    "steps": int,
    "warnings": [[str, TEXT]],
    "unread": [str],
    "error": (None, {"type": str, "text": TEXT, "frames": [[TEXT, int, str]]}),
    "mathematics": {"kernels": str, "shared": {str: int}, "outside": {str: int}},
}

CANDIDATE = computing_with(MICROTORCH, SHARED.mathematics)
KEPT = replace(TORCH, name="torch (golden)")
GROUND = "to torch's recorded run under shared mathematics"


class GoldenError(Exception):
    """A golden file that cannot be used, or not be made; the sentence says why."""


@dataclass(frozen=True)
class Golden:
    """torch's runs of one script by dtype, and of the machine's elementary functions that each used, a fingerprint."""

    script: str  # the name of its file
    source: str  # digest of its text
    argv: tuple[str, ...]
    seed: int
    runs: Mapping[str, Trace]
    functions: Mapping[str, Mapping[str, str]]

    def pack(self) -> bytes:
        """The file's bytes, the same for the same runs; raises GoldenError if they are too many."""
        traces = {dtype: trace.pack() for dtype, trace in self.runs.items()}
        head = {
            "script": self.script,
            "source": self.source,
            "arguments": self.argv,
            "seed": self.seed,
            "functions": self.functions,
            "runs": {dtype: len(raw) for dtype, raw in traces.items()},
        }
        header = json.dumps(head).encode()
        body = struct.pack("<Q", len(header)) + header + b"".join(traces.values())
        if len(body) > LIMIT:
            raise GoldenError(f"the run of {self.script} is too large to be kept: {len(body) >> 20} MB")
        return TITLE + FORMAT + sealed(zlib.compress(body, 9))

    @classmethod
    def load(cls, path: Path) -> Golden:
        """Read a file; raises GoldenError, in one sentence, if there is none, or another one, or a damaged one."""
        try:
            with path.open("rb") as file:
                return cls.unpack(file.read(LIMIT + 1), str(path))
        except OSError as error:
            raise GoldenError(f"cannot read {path}: {error.strerror}") from None

    @classmethod
    def unpack(cls, raw: bytes, name: str) -> Golden:
        """What `pack` made bytes of."""
        if not raw.startswith(TITLE):
            raise GoldenError(f"{name} is not a golden file of parity")
        if not raw.startswith(TITLE + FORMAT):
            raise GoldenError(f"{name} is of another version of parity: record it again with parity record")
        unzip = zlib.decompressobj()
        try:
            body = unzip.decompress(unsealed(raw[len(TITLE + FORMAT) :], name), LIMIT)
            if unzip.unconsumed_tail or unzip.unused_data or not unzip.eof:
                raise ValueError("it does not end where it should")
            start = 8 + struct.unpack_from("<Q", body)[0]
            head, runs = json.loads(body[8:start]), {}
            if not fits(head, HEAD):
                raise ValueError("its head is none")
            for dtype, size in head["runs"].items():
                runs[dtype] = _checked(Trace.unpack(body[start : start + size], name), dtype)
                start += size
            if start != len(body) or head["functions"].keys() != runs.keys():
                raise ValueError("it does not hold what its head says")
        except TraceError as error:
            raise GoldenError(str(error)) from None
        except (zlib.error, struct.error, ValueError, RecursionError) as error:
            raise GoldenError(f"{name} is damaged: {error}") from None
        return cls(head["script"], head["source"], tuple(head["arguments"]), head["seed"], runs, head["functions"])


def record(script: str, argv: Sequence[str], settings: Settings) -> Golden:
    """Run a script on torch under shared mathematics; raises GoldenError if it cannot be run."""
    jobs = [Job(SHARED, script, tuple(argv), dtype, settings.seed, keep=KEEP) for dtype in settings.dtypes]
    outcomes = launch(jobs, at_once=settings.at_once, timeout=settings.timeout, tell=settings.tell)
    runs, functions, folder = {}, {}, os.path.dirname(os.path.abspath(script))
    for outcome in outcomes:
        dtype, trace = outcome.job.dtype, outcome.trace
        if outcome.unable:
            raise GoldenError(f"{script} in {dtype}: {outcome.unable}")
        about = {key: trace.about[key] for key in ABOUT}
        about["mathematics"] = {key: about["mathematics"][key] for key in ABOUT["mathematics"]}
        runs[dtype] = replace(trace, about=_with_files(about, functools.partial(os.path.relpath, start=folder)))
        functions[dtype] = fingerprint.of_functions(about["mathematics"]["shared"], dtype)
    return Golden(Path(script).name, digest_of(script), tuple(argv), settings.seed, runs, functions)


def check(script: str, argv: Sequence[str], golden: Golden, settings: Settings) -> list[Result]:
    """Run a script on the candidate and hold it against the recording; raises GoldenError if it is another script."""
    if digest_of(script) != golden.source:
        raise GoldenError(f"{script} is not the script that was recorded as {golden.script}: its text is another")
    if argv and tuple(argv) != golden.argv:
        words = " ".join(golden.argv) or "none"
        raise GoldenError(f"{script} was recorded with other arguments than {' '.join(argv)}: {words}")
    dtypes = [dtype for dtype in settings.dtypes if dtype in golden.runs]
    if not dtypes:
        raise GoldenError(f"{script} was recorded in {' and '.join(golden.runs)} only")
    candidate = CANDIDATE if settings.candidate == MICROTORCH else settings.candidate

    def run(jobs: list[Job]) -> list[Outcome]:
        return launch(jobs, at_once=settings.at_once, timeout=settings.timeout, tell=settings.tell)

    outcomes = run([Job(candidate, script, golden.argv, dtype, golden.seed, keep=KEEP) for dtype in dtypes])
    return [_result(golden, outcome, run) for outcome in outcomes]


def digest_of(script: str) -> str:
    """Digest of a script's text, whatever its line ends."""
    return hashlib.blake2b(Path(script).read_text("utf-8", "replace").encode(), digest_size=16).hexdigest()


def file_of(script: str, path: Path) -> Path:
    """Where a script's recording is: in a folder under the script's own name."""
    return path / (Path(script).stem + SUFFIX) if path.is_dir() else path


def versions(results: Sequence[Result]) -> str:
    """The versions of torch with which the runs were recorded."""
    return ", ".join(sorted({str(result.reference.trace.about.get("version", "")) for result in results})) + " (golden)"


def _result(golden: Golden, candidate: Outcome, run: Run) -> Result:
    job, trace = candidate.job, golden.runs[candidate.job.dtype]
    folder = os.path.dirname(os.path.abspath(job.script))
    about = _with_files(trace.about, lambda file: os.path.normpath(os.path.join(folder, file)))
    trace = replace(trace, about=about | {"backend": KEPT.name})
    reference = Outcome(replace(job, backend=KEPT), trace, 0)
    if candidate.unable:
        unable = Judgement(UNABLE, (f"{job.backend.name}: {candidate.unable}",))
        return Result(job.script, job.argv, job.dtype, reference, candidate, unable, ground=GROUND)
    comparison = compare(trace, candidate.trace)
    excuses = _excuses(golden, job.dtype)
    if excuses and not comparison.identical:
        verdict = _judged(comparison, candidate, run, excuses)
    else:
        verdict = _demanded(comparison, job)
    first = None if comparison.identical else first_parting(comparison, differs)
    return Result(
        job.script, job.argv, job.dtype, reference, candidate, verdict, comparison, first=first, ground=GROUND
    )


def _excuses(golden: Golden, dtype: str) -> list[str]:
    """Why microtorch cannot be asked for the recording's bits, as sentences; none if it can."""
    strange = fingerprint.strange(golden.functions[dtype], dtype)
    outside = golden.runs[dtype].about["mathematics"]["outside"]
    why = [f"this machine rounds {', '.join(strange)} otherwise than the recording's"] * bool(strange)
    return why + [f"torch computed {', '.join(outside)} by itself"] * bool(outside)


def _demanded(comparison: Comparison, job: Job) -> Judgement:
    """microtorch must be identical; any other engine is judged as usual."""
    judgement = judge(comparison, DEMANDS[job.dtype])
    if comparison.identical or job.backend != CANDIDATE:
        return judgement
    step = first_unlike(comparison.reference.marks, comparison.candidate.marks)
    where = "after the last step" if step is None else f"at step {step}"
    return Judgement(DIFFERENT, (f"not identical to the recording, first {where}", *judgement.reasons))


def _judged(comparison: Comparison, candidate: Outcome, run: Run, excuses: Sequence[str]) -> Judgement:
    """Judged as usual; for torch's noise, which cannot be measured, stands the candidate's on its other kernels."""
    reasons, job = [f"identical bits are not demanded: {sentence}" for sentence in excuses], candidate.job
    judgement = judge(comparison, DEMANDS[job.dtype])
    if judgement.word == DIFFERENT and job.backend == CANDIDATE:
        (other,) = run([replace(job, backend=computing_with(job.backend, "numpy"))])
        floor = floor_of(comparison, () if other.unable else [compare(candidate.trace, other.trace)])
        judgement = judge(comparison, DEMANDS[job.dtype], floor)
        reasons.append("in place of torch's own noise, microtorch's with numpy's kernels was measured")
    return replace(judgement, reasons=(*judgement.reasons, *reasons))


def first_unlike(reference: bytes, candidate: bytes) -> int | None:
    """The first step whose marks differ, or that one side alone has made; None if there is none."""
    if reference == candidate:
        return None
    size = min(len(reference), len(candidate))
    unlike = np.flatnonzero(np.frombuffer(reference[:size], np.uint8) != np.frombuffer(candidate[:size], np.uint8))
    return int(unlike[0] if unlike.size else size) // MARK


def _with_files(about: Mapping[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    """A run's description where the files of its error are elsewhere: in the recording, relative to the script's."""
    error = about["error"]
    if error is None:
        return dict(about)
    frames = [[file if file.startswith("<") else place(file), *rest] for file, *rest in error["frames"]]
    return {**about, "error": {**error, "frames": frames}}


def _checked(trace: Trace, dtype: str) -> Trace:
    """A trace out of a file, if it says what `record` lets it say; raises ValueError if not."""
    phases = {phase for event in trace.events for phase, _ in event.arrays}
    if not fits(trace.about, ABOUT) or not fits(trace.text, TEXT) or trace.about["dtype"] != dtype:
        raise ValueError("what it says of a run is not understood")
    if not phases.issubset(PHASES) or len(trace.marks) != MARK * trace.steps:
        raise ValueError("a run has other steps or parts than it should")
    return trace
