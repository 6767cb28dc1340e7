"""The parent's side of the worker: starts child processes, follows their progress, and collects what they leave."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from parity.backends import ENVIRONMENT
from parity.trace import Trace, TraceError
from parity.worker import Job

ROOT = str(Path(__file__).resolve().parent.parent)
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from parity.worker import main; sys.exit(main(*sys.argv[1:]))"
TICK = 0.05  # seconds


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its trace with the printed text, or the sentence that says why there is none."""

    job: Job
    trace: Trace
    status: int
    warnings: str = ""  # what was written to standard error
    unable: str = ""


@dataclass(frozen=True)
class Progress:
    """Where a run is: steps done and seconds since its start."""

    job: Job
    steps: int
    seconds: float


class Child:
    """A running worker process."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.job, self.folder = job, folder
        folder.mkdir()
        job.write(folder)
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", BOOT, ROOT, str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **ENVIRONMENT, **job.backend.variables},
                start_new_session=True,
            )
        self.started = time.monotonic()

    def progress(self) -> Progress:
        """How far it is."""
        steps = int.from_bytes((self.folder / "progress").read_bytes()[:8], "little")
        return Progress(self.job, steps, time.monotonic() - self.started)

    def stop(self) -> None:
        """End it, and what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def outcome(self, timed_out: float = 0.0) -> Outcome:
        """What it has left."""
        errors = (self.folder / "err").read_text("utf-8", "replace")
        status, path = self.process.returncode, self.folder / "trace"
        if timed_out:
            sentence = f"it ran longer than {timed_out:g} s; --timeout S gives it more"
            return Outcome(self.job, Trace(), status, errors, sentence)
        if not path.exists():
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            last = next((f": {line.strip()}" for line in reversed(errors.splitlines()) if line.strip()), "")
            return Outcome(self.job, Trace(), status, errors, f"its process {how} and left no trace{last}")
        try:
            trace = Trace.load(path)
        except TraceError as error:
            return Outcome(self.job, Trace(), status, errors, str(error))
        trace.text = (self.folder / "out").read_text("utf-8", "replace")
        return Outcome(self.job, trace, status, errors, str(trace.about.get("unable", "")))


def launch(
    jobs: Sequence[Job], *, at_once: int = 1, timeout: float = 0.0, tell: Callable[[list[Progress]], None] | None = None
) -> list[Outcome]:
    """Run the jobs, at most `at_once` together, and return their outcomes in the order of the jobs.

    `timeout` is in seconds, 0 for none; `tell` is called many times a second with the progress of all that run.
    """
    outcomes: dict[int, Outcome] = {}
    running: dict[int, Child] = {}
    waiting = list(enumerate(jobs))
    with tempfile.TemporaryDirectory(prefix="parity-") as folder:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    place, job = waiting.pop(0)
                    running[place] = Child(job, Path(folder, str(place)))
                time.sleep(TICK)
                for place, child in list(running.items()):
                    late = timeout > 0 and time.monotonic() - child.started > timeout
                    if child.process.poll() is None and not late:
                        continue
                    late = late and child.process.returncode is None
                    child.stop()
                    outcomes[place] = child.outcome(timeout if late else 0.0)
                    del running[place]
                if tell is not None:
                    tell([child.progress() for child in running.values()])
        finally:
            for child in running.values():
                child.stop()
    return [outcomes[place] for place in range(len(jobs))]
