"""`parity bench [options] [workloads, scripts, folders …]`: the command line, and what its exit status says."""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from parity import environment, session
from parity.backends import MICROTORCH, TORCH, Backend, computing_with, named
from parity.bench import startup
from parity.bench.catalogue import WORKLOADS, Workload
from parity.bench.result import ONE_THREAD, Row, called
from parity.bench.side import Side
from parity.bench.turns import Pace, Tell, play
from parity.cli import COULD_NOT, DIFFERENCE, OK, Refusal
from parity.runner import kernels

if TYPE_CHECKING:
    from parity.bench.table import Progress

DESCRIPTION = """Times the same programs on torch, on microtorch with each of its kernels, and on any module of their
shape, in processes that take turns block by block; a ratio is the median of the rounds' ratios to torch. A timing
counts only if the weights at the end are as near to torch's as torch is to itself.

Programs are workloads (W1 to W10, all of them if nothing is named), or scripts, folders and patterns, which are timed
from their first line to their last."""

EPILOG = """exit status: 0 all timings count, 1 some side's weights differ, 2 something could not be run"""

CHOICE = "MICROTORCH_KERNELS"  # the variable that names them
KERNELS = ("numpy", "torch_cpu")  # of microtorch, that are timed if none are named
QUICK = Pace(rounds=7, fewest=1, shortest=0.008, longest=0.2, budget=1.5, patience=5.0, hasty=True)


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    workloads: list[Workload]
    left_out: list[Workload]  # by a quick run
    backends: list[Backend]
    pace: Pace
    json: Path | None
    plot: Path | None


def main(words: Sequence[str]) -> int:
    """Run the command and return its exit status; raises Refusal."""
    request = parse(words)
    if missing := next(filter(None, (backend.missing() for backend in request.backends)), ""):
        raise Refusal(missing)
    wanted = ["rich", *(["matplotlib"] if request.plot is not None else [])]
    if package := next((name for name in wanted if importlib.util.find_spec(name) is None), ""):
        raise Refusal(f"{package} is not installed; parity bench needs it: pip install 'microtorch[parity]'")
    return _run(request)


def parse(words: Sequence[str]) -> Request:
    """Understand the command line; raises Refusal for what cannot be carried out."""
    options = _parser().parse_args(words)
    for file in filter(None, (options.json, options.plot)):
        if not file.absolute().parent.is_dir():
            raise Refusal(f"there is no folder {file.parent} to write {file.name} to")
    if options.rounds is not None and options.rounds < 1:
        raise Refusal(f"--rounds {options.rounds}: at least one round must be measured")
    chosen = _chosen(options.workloads)
    left_out = [work for work in chosen if options.quick and work.long] if not options.workloads else []
    path = os.path.abspath(options.path) if options.path else ""
    computing = [
        computing_with(replace(MICROTORCH, name=called(MICROTORCH.name, name)), name)
        for name in options.kernels or KERNELS
    ]
    backends = [TORCH, *computing, *(named(module, path) for module in options.candidate)]
    names = [backend.name for backend in backends]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise Refusal(f"{twice} is named twice")
    pace = QUICK if options.quick else Pace()
    if options.rounds is not None:
        pace = replace(pace, rounds=options.rounds, fewest=options.rounds)
    workloads = [work for work in chosen if work not in left_out]
    return Request(workloads, left_out, backends, pace, options.json, options.plot)


def _chosen(words: Sequence[str]) -> list[Workload]:
    """The workloads and scripts that words stand for, in the order in which they are named."""
    if not words:
        return list(WORKLOADS)
    found: list[Workload] = []
    for word in words:
        own = [work for work in WORKLOADS if work.name == word.upper()]
        if own:
            found += [work for work in own if work not in found]
            continue
        try:
            scripts = session.scripts_in([word])
        except FileNotFoundError as error:
            known = ", ".join(dict.fromkeys(work.name for work in WORKLOADS))
            raise Refusal(f"{error}; the workloads are {known}") from None
        found += [Workload(Path(script).stem, "", Path(script).absolute(), (), whole=True) for script in scripts]
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("parity bench", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured to a file")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios (.png, .svg, …)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="under a minute in all: fewer rounds, no W8, no 10⁶ nodes, no import of torch",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds of each workload (up to {Pace().rounds})")
    parser.add_argument(
        "--kernels",
        action="append",
        choices=list(kernels().SETS),
        help="these kernels of microtorch (numpy, torch_cpu)",
    )
    parser.add_argument(
        "--candidate", action="append", default=[], metavar="MODULE", help="another module; may be given several times"
    )
    parser.add_argument("--path", metavar="DIR", help="folder where these modules are found")
    parser.add_argument("workloads", nargs="*", help="W1 to W10, scripts, folders, patterns")
    return parser


def _run(request: Request) -> int:
    from rich.console import Console  # here, for a missing package deserves a sentence

    from parity.bench import data, table

    console = Console()
    if not console.is_terminal:
        console.width = 200
    with table.Progress(console, len(request.workloads)) as progress:
        rows = measure(request, progress)
    where = environment.describe() | {
        "threads": str(max((side.threads for row in rows for side in row.sides), default=1))
    }
    table.tell(console, rows, where, request.left_out)
    status = _status(rows)
    if request.json is not None:
        data.write(request.json, rows, where, status, request.left_out)
    if request.plot is not None:
        from parity.bench import plot

        plot.write(request.plot, rows, where)
    return status


def measure(request: Request, progress: Progress) -> list[Row]:
    """All workloads, one after another, each on all sides."""
    sides: dict[str, Side] = {}
    rows = []
    with tempfile.TemporaryDirectory(prefix="parity-bench-") as place:
        folder = Path(place)
        try:
            for work in request.workloads:
                tell: Tell = progress.of(work)
                if work.startup:
                    rows.append(startup.measure(work, request.backends, folder, request.pace, tell))
                    continue
                slow = [backend for backend in request.backends if backend.variables.get(CHOICE) in work.too_slow]
                playing = [backend for backend in request.backends if backend not in slow]
                if work.one_thread:
                    playing.append(ONE_THREAD)
                for backend in playing:
                    sides.setdefault(backend.name, Side(backend, folder)).start()
                rows.append(play(work, [sides[backend.name] for backend in playing], folder, request.pace, tell))
                rows[-1].left_out = [backend.name for backend in slow]
        finally:
            for side in sides.values():
                side.stop()
    return rows


def _status(rows: Sequence[Row]) -> int:
    sides = [side for row in rows for side in row.sides]
    return (
        DIFFERENCE if any(side.differs for side in sides) else COULD_NOT if any(side.unable for side in sides) else OK
    )
