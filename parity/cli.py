"""`parity [options] script.py [arguments …]`: the command line, and what its exit status says."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from parity import environment, exact, probes, session
from parity.backends import MICROTORCH, TORCH, computing_with, named
from parity.judge import DIFFERENT, UNABLE
from parity.session import Result, Settings

OK, DIFFERENCE, COULD_NOT = 0, 1, 2
KERNELS = ("numpy", "torch_cpu", "torch_cpu:fma")

DESCRIPTION = """Runs unchanged PyTorch scripts on torch and on microtorch, in float32 and with float64 as the default
type, and says how far apart losses, gradients, weights, random state and printed text are.

Scripts are files, folders (every *.py in it) or patterns. What follows a single script's name are its own arguments."""

EPILOG = """exit status: 0 all as demanded, 1 a difference, 2 something could not be run"""


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    scripts: list[str]
    argv: list[str]
    settings: Settings
    json: Path | None
    exact: bool = False


class Refusal(Exception):
    """The command cannot be carried out; the sentence says what to do."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        request = parse(sys.argv[1:] if words is None else words)
        for backend in (TORCH, request.settings.candidate):
            if missing := backend.missing():
                raise Refusal(missing)
        return _run(request)
    except Refusal as refusal:
        print(f"parity: {refusal}", file=sys.stderr)
        return COULD_NOT
    except KeyboardInterrupt:
        print("parity: interrupted", file=sys.stderr)
        return 130


def parse(words: Sequence[str]) -> Request:
    """Understand the command line; raises Refusal for what cannot be carried out."""
    parser = _parser()
    options = parser.parse_args(words)
    given = list(options.scripts)
    if not given:
        parser.print_usage(sys.stderr)
        raise Refusal("name a script, a folder or a pattern")
    named_scripts, rest = _split(given)
    alone = len(named_scripts) == 1 and Path(named_scripts[0]).is_file()
    if rest and not alone:
        after = [word for word in rest if word != "--"]
        options = parser.parse_args(after, options)  # options may follow what has no arguments of its own
        if options.scripts:
            raise Refusal(f"{options.scripts[0]!r} is no script, and arguments belong to a single script")
        rest = []
    try:
        scripts = session.scripts_in(named_scripts)
    except FileNotFoundError as error:
        raise Refusal(str(error)) from None
    if options.json is not None and not options.json.absolute().parent.is_dir():
        raise Refusal(f"there is no folder {options.json.parent} to write {options.json.name} to")
    dtypes = tuple(dtype for dtype in ("float32", "float64") if getattr(options, dtype))
    candidate = named(options.candidate, os.path.abspath(options.path) if options.path else "")
    settings = Settings(
        candidate=computing_with(candidate, options.kernels) if options.kernels else candidate,
        dtypes=dtypes or Settings.dtypes,
        timeout=options.timeout,
        at_once=max(1, options.jobs),
        seed=options.seed,
    )
    argv = rest[1:] if rest[:1] == ["--"] else rest
    return Request(scripts, argv, settings, options.json, options.exact)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("parity", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was found to a file")
    parser.add_argument(
        "--timeout", type=float, default=600.0, metavar="S", help="seconds for each run, 0 for no limit (600)"
    )
    parser.add_argument("--float32", action="store_true", help="only in float32")
    parser.add_argument("--float64", action="store_true", help="only with float64 as the default type")
    parser.add_argument("--candidate", default=MICROTORCH.module, metavar="MODULE", help="module in microtorch's place")
    parser.add_argument("--path", metavar="DIR", help="folder where that module is found")
    parser.add_argument(
        "--exact", action="store_true", help="demand the same bits, with shared mathematics and of unmodified torch"
    )
    parser.add_argument("--kernels", choices=KERNELS, help="kernels that microtorch computes with (numpy)")
    parser.add_argument("--seed", type=int, default=0, help="seed for scripts that set none (0)")
    cores = min(2, os.cpu_count() or 1)
    parser.add_argument("--jobs", type=int, default=cores, metavar="N", help=f"runs at the same time ({cores})")
    parser.add_argument(
        "scripts", nargs=argparse.REMAINDER, help="script.py [arguments …], or scripts, folders, patterns"
    )
    return parser


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """The scripts at the front, and the rest: what is neither a file named *.py nor a folder nor a pattern of some."""
    count = 1
    while count < len(words) and _is_script(words[count]):
        count += 1
    return words[:count], words[count:]


def _is_script(word: str) -> bool:
    path = Path(word)
    if path.is_dir() or (path.suffix == ".py" and path.is_file()):
        return True
    return session.is_pattern(word) and word.endswith(".py")


def _run(request: Request) -> int:
    try:
        from rich.console import Console  # here, for a missing package deserves a sentence

        from parity.report import data, terminal
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("rich"):
            raise
        raise Refusal("rich is not installed; parity needs it: pip install 'microtorch[parity]'") from None
    console = Console()
    if not console.is_terminal:
        console.width = 200
    results: list[Result] = []
    probed = probes.probe() if request.exact else None
    with terminal.LiveProgress(console) as progress:
        settings = replace(request.settings, tell=progress.tell)
        for script in request.scripts:
            if probed is None:
                results += session.examine(script, request.argv, settings)
            else:
                results += exact.examine(script, request.argv, settings, probed)
    where = environment.describe(results)
    terminal.header(console, where)
    if probed is not None:
        terminal.probes(console, probed)
    if sentence := environment.unlike():
        console.print(sentence, style="yellow", soft_wrap=True)
    terminal.table(console, results, request.settings.candidate.name)
    terminal.details(console, results)
    terminal.called(console, exact.called(results))
    status = _status(results)
    if request.json is not None:
        data.write(request.json, results, where, status, probed)
    return status


def _status(results: Sequence[Result]) -> int:
    words = {result.judgement.word for result in results}
    return DIFFERENCE if DIFFERENT in words else COULD_NOT if UNABLE in words else OK
