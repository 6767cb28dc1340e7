"""The child process: one script on one backend, watched, as `python script.py` would run it."""

from __future__ import annotations

import json
import os
import random
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from parity.backends import Backend, put_in_place
from parity.device import title
from parity.lacks import lacking
from parity.mathematics import share
from parity.products import tried
from parity.reading import array_of
from parity.recorder import Recorder
from parity.resync import Resync
from parity.runner import run
from parity.trace import Keep, Trace
from parity.watch import Watch

OFTEN = 0.1  # seconds between two notes of progress


@dataclass(frozen=True)
class Job:
    """One run of a script; `window` is the interval of events to be kept, all of them thinned if there is none.

    `keep` says how they are thinned, in the words of `Keep`.
    """

    backend: Backend
    script: str
    argv: tuple[str, ...] = ()
    dtype: str = "float32"
    seed: int = 0
    window: tuple[int, int] | None = None
    record: bool = True
    keep: Mapping[str, int] = field(default_factory=dict)
    products: tuple[Any, ...] = ()  # to be tried in torch before the script runs
    resync: bool = False  # look at weights where updates end, and give them what the trace `given` has, if there is one
    given: str = ""

    def write(self, folder: Path) -> None:
        """Lay the job where `main` finds it."""
        (folder / "job.json").write_text(json.dumps(asdict(self)))
        (folder / "progress").write_bytes(bytes(8))

    @classmethod
    def read(cls, folder: Path) -> Job:
        """The job that was written there."""
        fields = json.loads((folder / "job.json").read_text())
        window = tuple(fields["window"]) if fields["window"] else None
        backend = Backend(**fields["backend"])
        return cls(**fields | {"backend": backend, "argv": tuple(fields["argv"]), "window": window})


def main(root: str, folder: str) -> int:
    """Run the job in the folder and leave the trace there; returns the script's exit status.

    `root` is the place of this package, which is in Python's path only until everything is loaded.
    """
    place = Path(folder)
    job = Job.read(place)
    try:
        torch = _put_in_place(job.backend)
        about = {"products": tried(torch, job.products)} if job.products else {}
        told = share(torch, job.backend.mathematics) if job.backend.mathematics else dict
        _prepare(torch, job)
    except Unable as error:
        Trace(about={"unable": str(error)}).save(place / "trace")
        return 0
    sys.path.remove(root)
    keep = Keep(**job.keep) if job.window is None else Keep(*job.window, head=0, most=4096)
    given = Trace.load(Path(job.given)) if job.given else None
    recorder = Recorder(torch, keep, _note(place / "progress"), Resync(torch, given) if job.resync else None)
    watch = Watch(torch, recorder)
    process, started, began = os.getpid(), time.process_time(), time.monotonic()

    def finished(error: BaseException | None) -> None:
        seconds, wall = time.process_time() - started - recorder.seconds, time.monotonic() - began
        watch.detach()
        if os.getpid() != process:
            return  # a process that the script forked
        trace = recorder.finish() if job.record else Trace()
        trace.about |= (
            about
            | _about(torch, job)
            | {
                "seconds": seconds,
                "wall": wall,
                "seconds_per_step": recorder.seconds_per_step,
                "recording": recorder.seconds,
                "error": _described(error, recorder.engine),
                "lacks": [] if job.backend.module == "torch" else lacking(job.script, torch, error),
                "mathematics": told(),
            }
        )
        trace.save(place / "trace")

    if job.record:
        watch.attach()
    return run(job.script, job.argv, finished)


class Unable(Exception):
    """The backend cannot run the job; the sentence says why."""


def _put_in_place(backend: Backend) -> Any:
    try:
        return put_in_place(backend)
    except Exception as error:
        if backend.module == "torch":
            raise
        traceback.print_exc()
        raise Unable(f"import {backend.module} fails with {type(error).__name__}: {error}") from None


def _prepare(torch: Any, job: Job) -> None:
    """Set from outside: default dtype, threads, and seeds, so that a script that sets none can be compared."""
    if not hasattr(torch, "set_default_dtype"):
        if hasattr(torch, "tensor") and (own := array_of(torch.tensor(0.5)).dtype) != job.dtype:
            sentence = "has no set_default_dtype and computes in {}, so the script cannot be run in {}"
            raise Unable(f"{job.backend.module} {sentence.format(own, job.dtype)}")
    elif job.dtype != "float32":
        torch.set_default_dtype(getattr(torch, job.dtype))
    if hasattr(torch, "set_num_threads"):
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if hasattr(torch, "manual_seed"):
        torch.manual_seed(job.seed)
    random.seed(job.seed)
    np.random.seed(job.seed)


def _note(path: Path) -> Callable[[int], None]:
    """Writes the number of steps where the parent reads it, now and then."""
    file, last = path.open("r+b", buffering=0), time.monotonic()

    def note(steps: int) -> None:
        nonlocal last
        if (now := time.monotonic()) - last > OFTEN:
            last = now
            file.seek(0)
            file.write(steps.to_bytes(8, "little"))

    return note


def _about(torch: Any, job: Job) -> dict[str, Any]:
    cpu: Any = getattr(getattr(torch, "backends", None), "cpu", None)
    capability = cpu.get_cpu_capability() if hasattr(cpu, "get_cpu_capability") else ""
    return {
        "backend": job.backend.name,
        "variables": dict(job.backend.variables),
        "version": str(getattr(torch, "__version__", "")),
        "numpy": np.__version__,
        "python": sys.version.split()[0],
        "capability": str(capability),
        "threads": int(torch.get_num_threads()) if hasattr(torch, "get_num_threads") else 1,
        "dtype": job.dtype,
        "device": title(torch, job.backend.device) if job.backend.device else "",
    }


def _described(error: BaseException | None, engine: frozenset[str]) -> dict[str, Any] | None:
    """An error as data: type, text and the frames that are not the engine's."""
    if error is None:
        return None
    if isinstance(error, SystemExit):
        return {"type": "SystemExit", "text": str(error), "frames": []}
    own = [
        (frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] not in engine
    ]
    return {"type": type(error).__name__, "text": str(error), "frames": own}
