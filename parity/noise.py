"""How far torch is from itself: the same script, in the same call, on torch's other kernels.

Nobody's fault is what torch does itself when it is given another CPU. The first of `KERNELS` is always measured where a
run is not identical, the others only if the first does not explain it. What was measured is kept on disk, under a key
of all that it can depend on, the reference's own run included: where that has changed, its noise is measured again.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from parity import environment
from parity.backends import ENVIRONMENT, SHARED, Backend
from parity.compare import Comparison, compare
from parity.launch import Outcome
from parity.trace import Trace, TraceError
from parity.worker import Job

Run = Callable[[list[Job]], list[Outcome]]

# torch with the plainest code that it has, with shared mathematics, with MKL's branches, with more threads. A branch
# that this CPU does not have is ignored by MKL and gives torch's own bits: it adds nothing, and is no harm.
KERNELS = (
    Backend("torch*", "torch", variables={"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"}),
    replace(SHARED, name="torch*"),
    Backend("torch*", "torch", variables={"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2,STRICT"}),
    Backend("torch*", "torch", variables={"MKL_CBWR": "COMPATIBLE"}),
    Backend("torch*", "torch", variables={"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}),
)

FORMAT = 1  # of what is kept; another number makes all that was kept before unknown
RELEVANT = ("ATEN_", "DNNL_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "OPENBLAS_", "PYTHON", "TORCH_")
LARGEST, MOST = 2**25, 2**28  # bytes: of one run that is kept, and of all of them


class Cache:
    """Runs of torch on its other kernels, kept in the user's cache folder; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @classmethod
    def of_user(cls) -> Cache:
        """The cache where the user keeps such things: `$XDG_CACHE_HOME/microtorch-parity`, by default in ~/.cache."""
        home = os.environ.get("XDG_CACHE_HOME", "")
        base = Path(home) if os.path.isabs(home) else Path("~/.cache").expanduser()
        return cls(base / "microtorch-parity")

    def get(self, key: str) -> Trace | None:
        """The run kept under a key; None if there is none, or a damaged one."""
        if self.folder is None:
            return None
        path = self.folder / key
        try:
            trace = Trace.load(path)
            os.utime(path)
        except (OSError, TraceError):
            return None
        return trace

    def put(self, key: str, trace: Trace) -> None:
        """Keep a run, and forget the oldest ones where all together are too large."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):  # a disk that is full or not ours: the next call measures again
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder) as place:
                new = Path(place, "trace")
                trace.save(new)
                if new.stat().st_size <= LARGEST:
                    new.replace(self.folder / key)
            kept = sorted((p for p in self.folder.iterdir() if p.is_file()), key=lambda p: -p.stat().st_mtime)
            room = MOST
            for path in kept:
                room -= path.stat().st_size
                if room < 0:
                    path.unlink()


def key_of(job: Job, reference: Trace) -> str:
    """What a run on other kernels can depend on, as a name for a file."""
    variables = {name: value for name, value in os.environ.items() if name.startswith(RELEVANT)}
    about = [FORMAT, environment.describe(), {**variables, **ENVIRONMENT, **job.backend.variables}, job.backend.module]
    about += [job.backend.mathematics]
    asked = [job.script, job.argv, job.dtype, job.seed, os.getcwd()]
    sources = [[str(path), path.read_text("utf-8", "replace")] for path in sources_of(Path(job.script))]
    seen = [reference.chain, reference.steps, reference.text, {k: reference.about.get(k) for k in ("error", "version")}]
    return hashlib.blake2b(json.dumps([about, asked, sources, seen]).encode(), digest_size=16).hexdigest()


def sources_of(script: Path) -> list[Path]:
    """The script and the modules of its own folder that it imports, directly or through each other."""
    found, waiting = [script], [script]
    while waiting:
        for name in _imported(waiting.pop()):
            parts = name.split(".")
            for count in range(1, len(parts) + 1):
                place = script.parent.joinpath(*parts[:count])
                for path in (place.with_suffix(".py"), place / "__init__.py"):
                    if path.is_file() and path not in found:
                        found.append(path)
                        waiting.append(path)
    return found


def _imported(path: Path) -> Iterator[str]:
    """The names of modules in a file's import statements; those of a relative import as if from the folder."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return  # it fails alike on both sides, or is known by its text alone
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            inside = [node.module] if node.module else []
            yield from inside
            yield from (".".join([*inside, alias.name]) for alias in node.names)


def measure(
    references: Sequence[Outcome], kernels: Sequence[Backend], run: Run, cache: Cache
) -> list[list[Comparison]]:
    """For each reference run the comparisons with the same run on these kernels, from the cache where it has them."""
    jobs = [
        (place, Job(k, r.job.script, r.job.argv, r.job.dtype, r.job.seed))
        for place, r in enumerate(references)
        for k in kernels
    ]
    keys = [key_of(job, references[place].trace) for place, job in jobs]
    traces = [cache.get(key) for key in keys]
    missing = [number for number, trace in enumerate(traces) if trace is None]
    for number, outcome in zip(missing, run([jobs[number][1] for number in missing]) if missing else (), strict=True):
        if not outcome.unable:
            traces[number] = outcome.trace
            cache.put(keys[number], outcome.trace)
    found: list[list[Comparison]] = [[] for _ in references]
    for (place, _), trace in zip(jobs, traces, strict=True):
        if trace is not None:
            found[place].append(compare(references[place].trace, trace))
    return found
