"""`parity [options] script.py [arguments …]`: the command line, and what its exit status says."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from parity import device, environment, exact, golden, noise, probes, session
from parity.backends import MICROTORCH, TORCH, computing_with, named, on_devices
from parity.golden import Golden, GoldenError
from parity.judge import DIFFERENT, UNABLE
from parity.probes import Probed
from parity.runner import kernels
from parity.session import Result, Settings

OK, DIFFERENCE, COULD_NOT = 0, 1, 2

DESCRIPTION = """Runs unchanged PyTorch scripts on torch and on microtorch, in float32 and with float64 as the default
type, and says how far apart losses, gradients, weights, random state and printed text are.

Scripts are files, folders (every *.py in it) or patterns. What follows a single script's name are its own arguments.

`parity record script.py -o golden` keeps torch's run in a small file, and `parity script.py --golden golden` compares
with it where torch is not installed. Both may be folders, of scripts and of their files."""

EPILOG = """exit status: 0 identical or within torch's own noise, 1 different, 2 something could not be run"""


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    scripts: list[str]
    argv: list[str]
    settings: Settings
    json: Path | None
    device: str = ""
    exact: bool = False
    golden: Path | None = None  # the file or folder to compare with
    record: Path | None = None  # the one to write


class Refusal(Exception):
    """The command cannot be carried out; the sentence says what to do."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    words = sys.argv[1:] if words is None else words
    try:
        if words[:1] == ["bench"]:
            from parity.bench.cli import main as bench  # here, for it stands on this file

            return bench(words[1:])
        request = parse(words)
        if missing := _missing(request):
            raise Refusal(missing)
        return _run(request) if request.record is None else _record(request, request.record)
    except (Refusal, GoldenError) as refusal:
        print(f"parity: {refusal}", file=sys.stderr)
        return COULD_NOT
    except KeyboardInterrupt:
        print("parity: interrupted", file=sys.stderr)
        return 130


def parse(words: Sequence[str]) -> Request:
    """Understand the command line; raises Refusal for what cannot be carried out."""
    recording = words[:1] == ["record"]
    file, words = _taken("-o" if recording else "--golden", list(words)[recording:])
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
    chosen = {
        "--device": options.device,
        "--kernels": options.kernels,
        "--resync": options.resync,
        "-o" if recording else "--golden": file,
    }
    if options.exact and (beside := next((name for name, value in chosen.items() if value), "")):
        raise Refusal(f"--exact has its own kernels, torch's on the CPU: it does not go with {beside}")
    if recording and not file:
        raise Refusal("say where the recording shall be kept: parity record script.py -o FILE")
    unfit = ("device", "resync", *("candidate", "kernels", "json") * recording)
    if file and (wrong := [name for name in unfit if getattr(options, name) != parser.get_default(name)]):
        raise Refusal(f"--{wrong[0]} does not go with {'record' if recording else '--golden'}")
    if recording and not Path(file).absolute().parent.is_dir():
        raise Refusal(f"there is no folder {Path(file).parent} to keep {Path(file).name} in")
    if len(scripts) > 1 and file and not Path(file).is_dir():
        raise Refusal(f"{file} is no folder, and there are several scripts")
    if options.json is not None and not options.json.absolute().parent.is_dir():
        raise Refusal(f"there is no folder {options.json.parent} to write {options.json.name} to")
    dtypes = tuple(dtype for dtype in ("float32", "float64") if getattr(options, dtype))
    candidate = named(options.candidate, os.path.abspath(options.path) if options.path else "")
    settings = Settings(
        reference=TORCH,
        candidate=computing_with(candidate, options.kernels) if options.kernels else candidate,
        dtypes=dtypes or Settings.dtypes,
        timeout=options.timeout,
        at_once=max(1, options.jobs),
        seed=options.seed,
        resync=options.resync,
        cache=noise.Cache.of_user() if options.cache else noise.Cache(None),
    )
    argv = rest[1:] if rest[:1] == ["--"] else rest
    path = Path(file) if file else None
    files = (None, path) if recording else (path, None)
    return Request(scripts, argv, settings, options.json, options.device, options.exact, *files)


def _taken(option: str, words: list[str]) -> tuple[str, list[str]]:
    """A file's name that is given after an option, anywhere before `--`, and the other words."""
    stop = words.index("--") if "--" in words else len(words)
    if option not in words[:stop]:
        return "", words
    place = words.index(option)
    if place + 1 >= stop:
        raise Refusal(f"{option} needs the name of a file")
    return words[place + 1], words[:place] + words[place + 2 :]


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
    parser.add_argument(
        "--resync", action="store_true", help="show the errors of single steps, each from the reference's weights"
    )
    parser.add_argument("--kernels", choices=list(kernels().SETS), help="kernels that microtorch computes with (numpy)")
    parser.add_argument(
        "--no-cache", dest="cache", action="store_false", help="measure torch's own noise again, and keep nothing"
    )
    parser.add_argument(
        "--device", default="", metavar="cuda", help="torch on a GPU against torch on the CPU and all else"
    )
    parser.add_argument("--golden", metavar="FILE", help="compare with what parity record has kept; needs no torch")
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


def _missing(request: Request) -> str:
    """The sentence that says what is needed and not there, else nothing."""
    needed = [] if request.golden is not None else [TORCH]
    if request.record is None:
        needed.append(request.settings.candidate)
    sentences = [backend.missing() for backend in needed]
    if request.device and not any(sentences):
        sentences.append(device.missing(request.device))
    return next(filter(None, sentences), "")


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
    probed = probes.probe() if request.exact else None
    tables: list[tuple[str, str, list[Result]]] = []
    with terminal.LiveProgress(console) as progress:
        for settings in _pairs(request, replace(request.settings, tell=progress.tell)):
            results = [result for script in request.scripts for result in _examined(script, request, settings, probed)]
            tables.append((settings.reference.name, settings.candidate.name, results))
    every = [result for *_, results in tables for result in results]
    where = environment.describe(every)
    if request.golden is not None:
        where["torch"] = golden.versions(every)
    terminal.header(console, where)
    if probed is not None:
        terminal.probes(console, probed)
    if request.golden is None and (sentence := environment.unlike()):
        console.print(sentence, style="yellow", soft_wrap=True)
    for reference, candidate, results in tables:
        terminal.table(console, results, reference, candidate)
        terminal.details(console, results)
    terminal.called(console, exact.called(every))
    status = _status(every)
    if request.json is not None:
        data.write(request.json, every, where, status, probed)
    return status


def _pairs(request: Request, settings: Settings) -> list[Settings]:
    """What is compared with what: on a device torch with torch on the CPU, and the candidate with torch there."""
    if request.golden is not None:
        return [replace(settings, reference=golden.KEPT)]
    if not request.device:
        return [settings]
    here, there = on_devices(request.device)
    return [replace(settings, reference=here, candidate=there), replace(settings, reference=there)]


def _examined(script: str, request: Request, settings: Settings, probed: Probed | None) -> list[Result]:
    if request.golden is not None:
        kept = Golden.load(golden.file_of(script, request.golden))
        return golden.check(script, request.argv, kept, settings)
    if probed is not None:
        return exact.examine(script, request.argv, settings, probed)
    return session.examine(script, request.argv, settings)


def _record(request: Request, path: Path) -> int:
    for script in request.scripts:
        kept, file = golden.record(script, request.argv, request.settings), golden.file_of(script, path)
        try:
            size = file.write_bytes(kept.pack())
        except OSError as error:
            raise Refusal(f"cannot write {file}: {error.strerror}") from None
        steps = ", ".join(f"{trace.steps} steps in {dtype}" for dtype, trace in kept.runs.items())
        print(f"{' '.join([script, *request.argv])}: {steps}, {size / 1000:.0f} kB in {file}")
    return OK


def _status(results: Sequence[Result]) -> int:
    words = {result.judgement.word for result in results}
    return DIFFERENCE if DIFFERENT in words else COULD_NOT if UNABLE in words else OK
