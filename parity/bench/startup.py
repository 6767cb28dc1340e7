"""Whole processes, each started afresh: the time of an import, and of a program from nothing to its last line."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from parity.backends import Backend
from parity.bench.catalogue import Workload
from parity.bench.result import Measured, Row
from parity.bench.side import VARIABLES
from parity.bench.turns import Pace, Tell, take_turns
from parity.launch import ROOT

NUMPY = Backend("numpy", "numpy")
IMPORTING = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
RUNNING = "import sys; from parity.runner import install, run; install({!r}); sys.exit(run(sys.argv[1], sys.argv[2:]))"


class Starter:
    """A side whose turn is a process of its own, from its start to its end."""

    def __init__(self, backend: Backend, workload: Workload, folder: Path, pace: Pace) -> None:
        self.measured = Measured(backend.name)
        self.text = ""  # what the program printed
        self._importing = workload.imports
        self._words = _command(backend, workload)
        self._patience = pace.loading
        places = [ROOT, backend.path, os.environ.get("PYTHONPATH", "")]
        path = os.pathsep.join(place for place in places if place)
        self._variables = {**os.environ, **VARIABLES, **backend.variables, "PYTHONPATH": path}
        self._compiled = folder / "compiled"
        self._place = _place(backend)

    def prepare(self) -> None:
        """Let Python compile the engine's files, as a user's first import does; an installed one has them.

        Where they are not to be written beside their sources, or cannot be, they have a place of their own.
        """
        if any(self._place.is_relative_to(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")):
            return
        if sys.dont_write_bytecode or not os.access(self._place, os.W_OK):
            self._variables |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(self._compiled)}
        self.turn(1)
        self.measured.seconds.clear()

    def turn(self, steps: int, lead: int = 0) -> float | None:
        """Start it and wait until it has ended."""
        if self.measured.unable:
            return None
        pipe = subprocess.PIPE
        started = time.perf_counter()
        process = subprocess.Popen(self._words, env=self._variables, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
        try:
            out, errors = process.communicate(timeout=self._patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.measured.unable = f"left out, for it runs longer than {self._patience:g} s"
            return None
        seconds = time.perf_counter() - started
        if process.returncode:
            last = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
            self.measured.unable = f"its process ended with status {process.returncode}: {last}"
            return None
        if self._importing:
            seconds = float(out)
        else:
            self.text = out.decode("utf-8", "replace")
        self.measured.seconds.append(seconds)
        return seconds


def _command(backend: Backend, workload: Workload) -> list[str]:
    """As a user types it, `import module` or `python script.py` or `microtorch script.py`; of others, what it comes to."""
    if workload.imports:
        return [sys.executable, "-c", IMPORTING.format(backend.module)]
    program = [str(workload.script), *workload.argv]
    if backend.module == "torch":
        return [sys.executable, *program]
    if backend.module == "microtorch":
        return [sys.executable, "-m", "microtorch", *program]
    return [sys.executable, "-c", RUNNING.format(backend.module), *program]


def _place(backend: Backend) -> Path:
    """The folder that an engine's files are in."""
    spec = PathFinder.find_spec(backend.module, [backend.path, *sys.path] if backend.path else None)
    return Path((spec and spec.origin) or os.devnull).parent


def measure(workload: Workload, backends: Sequence[Backend], folder: Path, pace: Pace, tell: Tell) -> Row:
    """The times of processes, which take turns; of imports, the reference is numpy's, on which microtorch stands."""
    engines = [NUMPY, *_modules(backends, pace)] if workload.imports else backends
    players = [Starter(backend, workload, folder, pace) for backend in engines]
    for player in players:
        player.prepare()
    take_turns(players, 1, pace, lambda done, of: tell("rounds", done, of))
    for player in players[1:]:
        if player.text != players[0].text:
            player.measured.differs = "it prints other text"
    return Row(workload, [player.measured for player in players])


def _modules(backends: Sequence[Backend], pace: Pace) -> list[Backend]:
    """Those whose imports differ, one of each module; in haste without torch, which takes longer than all others."""
    found = list({backend.module: backend for backend in reversed(backends)}.values())[::-1]
    return [backend for backend in found if not (pace.hasty and backend.module == "torch")]
