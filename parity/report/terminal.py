"""Results on the terminal: progress while scripts run, one table, and what stands behind each difference."""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from parity.judge import DIFFERENT, IDENTICAL, NOT_DEMANDED, UNABLE, WITHIN_NOISE
from parity.launch import Outcome, Progress
from parity.locate import Parting
from parity.onestep import Resynced
from parity.probes import Probed
from parity.session import Result
from parity.text import NOTHING
from parity.trace import END, GENERATOR, GRADIENT, LOSS, WEIGHT
from parity.ulp import NEVER, hexadecimal

STYLES = {IDENTICAL: "green", WITHIN_NOISE: "cyan", NOT_DEMANDED: "yellow", DIFFERENT: "red", UNABLE: "red"}

WRITTEN = 3  # last lines of what a script wrote to standard error

PHASE = {WEIGHT: "update of weight", GENERATOR: "random numbers"}  # what a step does to these


class LiveProgress:
    """Lines that show what is running: script, steps, steps per second, time left where the number of steps is known.

    Nothing is shown where the output is no terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live("", console=console, transient=True, auto_refresh=False)
        self._total: dict[tuple[str, tuple[str, ...]], int] = {}  # steps of runs that were seen to end
        self._last: dict[int, Progress] = {}

    def __enter__(self) -> LiveProgress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def tell(self, running: list[Progress]) -> None:
        """Show where the runs are."""
        now = {id(progress.job): progress for progress in running}
        for key, progress in self._last.items():
            if key not in now:
                script = (progress.job.script, progress.job.argv)
                self._total[script] = max(self._total.get(script, 0), progress.steps)
        self._last = now
        if self._console.is_terminal:
            table = Table.grid(padding=(0, 2))
            for progress in running:
                table.add_row(*self._line(progress))
            self._live.update(table, refresh=True)

    def _line(self, progress: Progress) -> list[str]:
        job = progress.job
        rate = progress.steps / progress.seconds if progress.seconds > 0 else 0.0
        total = self._total.get((job.script, job.argv), 0)
        left = f"{(total - progress.steps) / rate:.0f} s left" if rate and total > progress.steps else ""
        steps = f"{progress.steps}/{total} steps" if total else f"{progress.steps} steps"
        return [escape(job.script), job.backend.name, job.dtype, steps, f"{rate:.0f} steps/s", left]


def header(console: Console, environment: dict[str, str]) -> None:
    """One line that says what was running."""
    names = ("torch", "numpy", "python", "cpu", "gpu", "capability")
    known = [
        environment[name] if name in ("cpu", "gpu") else f"{name} {environment[name]}"
        for name in names
        if environment[name]
    ]
    console.print(", ".join(known) + f", threads {environment['threads']}", style="dim", soft_wrap=True)


def probes(console: Console, probed: Probed) -> None:
    """What the probes of torch's kernels have found."""
    variables = ", ".join(f"{name}={value}" for name, value in probed.variables.items())
    found = ", ".join(f"{name} {_said(value)}" for name, value in probed.found.items())
    console.print(f"probes{f' with {variables}' if variables else ''}: {found}", style="dim", soft_wrap=True)
    if probed.unlike:
        names = ", ".join(probed.unlike)
        console.print(f"not as in the torch that microtorch follows: {names}", style="yellow", soft_wrap=True)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "as followed" if value else "other"
    return f"{value:.1%}" if isinstance(value, float) else str(value)


def called(console: Console, calls: Sequence[tuple[str, str, dict[str, int]]]) -> None:
    """Which functions were shared, and how often each was called."""
    if calls:
        console.print("\nShared mathematics", style="bold")
    for script, dtype, counts in calls:
        told = ", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing that is shared was called"
        console.print(f"  {script}, {dtype}: {told}", markup=False, highlight=False, soft_wrap=True)


def table(console: Console, results: Sequence[Result], reference: str, candidate: str) -> None:
    """The table of verdicts: distances are the largest, in units in the last place and absolute."""
    found = Table(show_edge=False, pad_edge=False, header_style="bold")
    for title in ("script", "dtype", "steps", "text", "losses", "gradients", "weights", "generator"):
        found.add_column(title, justify="right" if title == "steps" else "left")
    for title in (reference, candidate):
        found.add_column(title, justify="right")
    found.add_column("verdict")
    last = None
    for result in results:
        script = " ".join([Path(result.script).name, *result.argv])
        found.add_row(escape(script) if script != last else "", result.dtype, *_cells(result), _verdict(result))
        last = script
    console.print(found)
    console.print(
        "Distances: the largest, in ULP and absolute; of weights, at the end. Times: the CPU's, on one thread, for "
        "the script without parity's share. Identical: every bit and every character. "
        "Noise: torch's distance from itself on its other kernels, measured for the same script and arguments.",
        style="dim",
        soft_wrap=True,
    )


def details(console: Console, results: Sequence[Result]) -> None:
    """What stands behind the verdicts that are not good, and how scripts failed."""
    for result in results:
        lines = _lines(result)
        if lines:
            title = f"{result.script} {' '.join(result.argv)}".strip()
            console.print(
                f"\n{title}, {result.dtype}: {_in_words(result)}", markup=False, highlight=False, style="bold"
            )
            for line in lines:
                console.print("  " + line, markup=False, highlight=False, soft_wrap=True)


def _cells(result: Result) -> list[str]:
    comparison = result.comparison
    if comparison is None:
        return ["", "", "", "", "", "", "", ""]
    first, second = comparison.reference.steps, comparison.candidate.steps
    text = comparison.text
    return [
        str(first) if first == second else f"{first}/{second}",
        "same" if text.same and comparison.same_warnings else "digits" if text.digits and not text.same else "not",
        *(_distance(comparison.largest(phase)) for phase in (LOSS, GRADIENT)),
        _distance(comparison.largest(WEIGHT, END)),
        "same" if comparison.same_generator else "not",
        _time(result.reference),
        _time(result.candidate),
    ]


def _distance(largest: tuple[int, float] | None) -> str:
    if largest is None:
        return "–"
    return _size(*largest)


def _size(ulp: int, size: float) -> str:
    if ulp == 0:
        return "0"
    count = "∞" if ulp == NEVER else str(ulp) if ulp < 100_000 else f"{ulp:.1e}"
    return f"{count} {size:.1e}"


def _time(outcome: Outcome) -> str:
    about = outcome.trace.about
    if "seconds" not in about:
        return ""
    step = about.get("seconds_per_step")
    return f"{about.get('seconds', 0.0):.2f} s" + (f" {step * 1e6:.0f} µs/step" if step is not None else "")


def _verdict(result: Result) -> str:
    word = result.judgement.word
    alike = ", fails alike" if result.fails_alike and result.good else ""
    return f"[{STYLES[word]}]{_in_words(result)}[/]{alike}"


def _in_words(result: Result) -> str:
    """The verdict, and where it is of identity, to what."""
    word = result.judgement.word
    return word.replace(IDENTICAL, f"{IDENTICAL} {result.ground}") if word in (IDENTICAL, NOT_DEMANDED) else word


def _lines(result: Result) -> list[str]:
    lines = list(result.judgement.reasons)
    if result.floor is not None and result.good:
        own = [_distance(result.floor.largest(phase)) for phase in (LOSS, GRADIENT)]
        own.append(_distance(result.floor.largest(WEIGHT, END)))
        lines.append("torch on its other kernels is from itself: losses {}, gradients {}, weights {}".format(*own))
    names = (result.reference.job.backend.name, result.candidate.job.backend.name)
    lines += _gaps(result.candidate)
    if result.fault is not None:
        lines += _parting("parts by more than is demanded", result.fault, names)
        if nearer := result.nearer:
            word = "both are as near" if nearer == "both" else f"{nearer} is nearer"
            lines.append(f"    in float64 {names[0]} has {float(result.exact)}: {word}")
        elif result.dtype != "float64" and result.fault.values() is not None:
            lines.append("    which is nearer to float64 is not known: no run in float64 solves the same problem")
    if result.first is not None and result.good:
        lines.append(f"first parts {_where(result.first)}{_noted(result.first)}")
    elif result.first is not None and not _same_place(result.first, result.fault):
        lines += _parting("first parts in any bit", result.first, names)
    if result.cause is not None:
        lines.append(f"cause: {result.cause.word}: {result.cause.evidence}")
    if result.resynced is not None:
        lines += _resynced(result.resynced, names[0])
    comparison = result.comparison
    if comparison is None:
        return lines
    if result.fails_alike and result.good:
        lines += ["both fail:", *_error(result.reference)]
    elif not comparison.same_error:
        for name, side in zip(names, (result.reference, result.candidate), strict=True):
            error = side.trace.about.get("error")
            lines += [f"{name} {'ends well' if error is None else 'fails:'}", *_error(side)]
    text = comparison.text
    if not text.same and (comparison.same_error or NOTHING not in (text.reference, text.candidate)):
        lines += [
            f"text, line {text.line}:",
            *(
                f"    {n:{max(map(len, names))}}  {t}"
                for n, t in zip(names, (text.reference, text.candidate), strict=True)
            ),
        ]
    if not comparison.same_warnings:
        for name, trace in zip(names, (comparison.reference, comparison.candidate), strict=True):
            lines += [f"{name} warns: {kind}: {said}" for kind, said in trace.about.get("warnings", [])]
    return lines


def _resynced(found: Resynced, reference: str) -> list[str]:
    """The errors of single steps beside the drift of a run that is left alone: of each step the largest distance."""
    count = f"each of {found.steps} steps" if found.steps == found.of else f"{found.steps} of {found.of} steps"
    lines = [f"with {reference}'s weights and optimizer state before {count}{f': {found.why}' if found.why else ''}"]
    row = "    {:16} {:>18} {:>18} {:>8}   {:>18} {:>18} {:>8}".format
    if found.one_step:
        lines.append(row("ULP, relative", "median", "largest", "at step", "drift: median", "largest", "at step"))
    for phase, one in found.one_step.items():
        cells: list[object] = [phase]
        for course in (one, found.drift[phase]):
            cells += [_size(course.median_ulp, course.median), _size(course.largest_ulp, course.largest), course.step]
        lines.append(row(*cells))
    return lines


def _gaps(outcome: Outcome) -> list[str]:
    """What a module does not have of what the script, and of what parity asks for."""
    about, name = outcome.trace.about, outcome.job.backend.name
    said = (
        ("lacks", "{}: it lacks {}"),
        ("hidden", "{}: parity cannot see {}"),
        ("unwatched", "{}: parity cannot watch {}"),
        ("unread", "{}: parity cannot read a {}"),
    )
    return [sentence.format(name, ", ".join(about[key])) for key, sentence in said if about.get(key)]


def _same_place(first: Parting, fault: Parting | None) -> bool:
    return fault is not None and (first.number, first.key) == (fault.number, fault.key)


def _where(parting: Parting) -> str:
    """Step, quantity and element."""
    step = "at the end" if parting.number == END else f"at step {parting.number}"
    if not parting.exact:
        step += f" or in the {'steps' if parting.after >= 0 else 'first steps'} since {max(parting.after, 0)}"
    index = f"[{', '.join(map(str, parting.at))}]" if parting.at else ""
    phase = PHASE.get(parting.key[0], parting.key[0]) if parting.number != END else parting.key[0]
    return f"{step}: {phase} {parting.key[1]}".rstrip() + index


def _noted(parting: Parting) -> str:
    return f", {parting.gap.note}" if parting.gap.note else f", {_units(parting.ulp())}"


def _units(ulp: int) -> str:
    return "no number of ULP" if ulp == NEVER else f"{ulp} ULP"


def _parting(title: str, parting: Parting, names: tuple[str, str]) -> list[str]:
    """Step, quantity, element, and both sides' value in decimal and in hexadecimal."""
    lines = [f"{title} {_where(parting)}"]
    values = parting.values()
    if values is None:
        return [*lines, f"    {parting.gap.note}"] if parting.gap.note else lines
    width = max(map(len, names))
    lines += [
        f"    {name:{width}}  {value!s:24} {hexadecimal(value)}" for name, value in zip(names, values, strict=True)
    ]
    size = 1 if parting.reference is None else parting.reference.size
    most = f"{_units(parting.gap.ulp)} and {parting.gap.absolute:.3g} at most"
    apart = f"    {_units(parting.ulp())} apart"
    return [*lines, f"{apart}; {parting.gap.parted} of {size} elements differ, by {most}" if size > 1 else apart]


def _error(outcome: Outcome) -> list[str]:
    """How a run failed: a traceback, as far as it is the script's own; of an exit, what was written before it."""
    error = outcome.trace.about.get("error")
    if error is None:
        return []
    lines = []
    for file, line, function in error["frames"]:
        lines.append(f'    File "{file}", line {line}, in {function}')
        if source := linecache.getline(file, line).strip():
            lines.append(f"      {source}")
    if error["type"] == "SystemExit":
        lines += [f"    {said}" for said in outcome.warnings.splitlines()[-WRITTEN:]]
    return [*lines, *(f"    {said}" for said in f"{error['type']}: {error['text']}".splitlines())]
