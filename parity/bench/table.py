"""What was measured, on the terminal: progress, the ratios, where the time of a step goes, the goals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from parity.backends import MICROTORCH
from parity.bench.catalogue import KERNELS, LENGTH, MEMORY, NODE, SECONDS, STEP, TIME, Workload
from parity.bench.loop import PHASES
from parity.bench.result import Measured, Row, Spread, Verdict, verdicts
from parity.report.terminal import header

LITTLE = 20e6  # bytes; less is a matter of what the process had held, and used again

IN_WORDS = {
    TIME: "time, as a part of {reference}'s",
    MEMORY: "peak memory, as a part of {reference}'s",
    NODE: "bytes a node",
    STEP: "bytes that memory grows by in a step",
    LENGTH: "time a node, to that of a chain a tenth as long",
    KERNELS: "time, as a part of that with the default kernels",
    SECONDS: "time of a step",
}


class Progress:
    """Two bars, of the workloads and of what is done for one; drawn only between turns, when nothing is timed."""

    def __init__(self, console: Console, workloads: int) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[doing]}"),
            TimeElapsedColumn(),
        )
        self._bars = Bars(*columns, console=console, auto_refresh=False, transient=True)
        self._shown = console.is_terminal
        self._all = self._bars.add_task("workloads", total=workloads, doing="")
        self._one = self._bars.add_task("", doing="")
        self._begun = -1

    def __enter__(self) -> Progress:
        if self._shown:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def of(self, workload: Workload) -> Callable[[str, int, int], None]:
        """What tells the progress of one workload."""
        self._begun += 1
        self._bars.update(self._all, completed=self._begun)
        self._bars.reset(self._one, description=escape(title(workload)), doing="")

        def tell(doing: str, done: int, of: int) -> None:
            self._bars.update(self._one, completed=done, total=of, doing=f"{doing} {done}/{of}" if of > 1 else doing)
            if self._shown:
                self._bars.refresh()

        return tell


def title(workload: Workload) -> str:
    """A workload's name and what it is."""
    return f"{workload.name} {workload.title}".strip()


def tell(console: Console, rows: Sequence[Row], environment: dict[str, str], left_out: Sequence[Workload]) -> None:
    """Print all of it."""
    header(console, environment)
    found = verdicts(rows, MICROTORCH.name, environment["cpu"])
    _ratios(console, rows, found)
    _phases(console, rows)
    _goals(console, [verdict for verdict in found if verdict.what != TIME])
    _troubles(console, rows)
    for row in rows:
        for name in row.left_out:
            sentence = f"{title(row.workload)}: {name} is left out, for a step takes it minutes"
            console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    if left_out:
        names = ", ".join(title(work) for work in left_out)
        console.print(f"\nleft out of a quick run: {names}", markup=False, highlight=False, soft_wrap=True)


def _ratios(console: Console, rows: Sequence[Row], found: Sequence[Verdict]) -> None:
    """The table of times: the reference's, and of every other side the part of it that it takes."""
    names = list(dict.fromkeys(side.side for row in rows for side in row.sides[1:]))
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("workload")
    table.add_column("reference", justify="right")
    for name in names:
        table.add_column(escape(name), justify="right")
    table.add_column("goal", justify="right")
    table.add_column("memory", justify="right")
    goals = {id(verdict.row): verdict for verdict in found if verdict.what == TIME}
    for row in rows:
        own = {side.side: _ratio(row, side) for side in row.sides[1:]}
        goal = _goal(goals[id(row)]) if id(row) in goals else ""
        cells = [_time(row), *(own.get(name, "") for name in names), goal, _memory(row)]
        table.add_row(escape(title(row.workload)), *cells)
    console.print(table)
    console.print(
        "Reference: its median time. Others: the median of the rounds' ratios to it, the quartiles of these, and after "
        "a slash the ratio to torch on one thread. Memory: the peak beyond what the process held before, the reference's "
        f"and {MICROTORCH.name}'s, in MB.",
        style="dim",
        soft_wrap=True,
    )


def _time(row: Row) -> str:
    side = row.reference
    if not side.counts:
        return "[red]could not run[/]"
    name = "" if side.side == "torch" else f"{side.side} "
    return f"{name}{_seconds(row.time(side).median)}/{row.unit}"


def _seconds(seconds: float) -> str:
    scale, unit = next((pair for pair in ((1.0, "s"), (1e-3, "ms")) if seconds >= pair[0]), (1e-6, "µs"))
    return f"{short(seconds / scale)} {unit}"


def short(number: float) -> str:
    """Three digits of a number, or all before its point; none before it if that is zero."""
    places = 0 if number >= 100 else 1 if number >= 10 else 2
    if number < 0.1:
        places = 3
    text = f"{number:.{places}f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def _ratio(row: Row, side: Measured) -> str:
    if side.unable:
        return "[red]could not run[/]"
    if side.differs:
        return "[red]other weights[/]"
    if not row.reference.counts:
        return ""
    first, *others = (row.ratio(side, reference) for reference in row.references() if reference is not side)
    faster = "green" if first.high < 1 else "red" if first.low > 1 else "yellow"
    beside = "".join(f" / {short(spread.median)}" for spread in others)
    return f"[{faster}]{short(first.median)}[/]{beside} [dim]{_quartiles(first)}[/]"


def _quartiles(spread: Spread) -> str:
    return f"{short(spread.low)}–{short(spread.high)}"


def _goal(verdict: Verdict) -> str:
    mark = "[dim]?[/]" if verdict.holds is None else "[green]✓[/]" if verdict.holds else "[red]✗[/]"
    return f"≤ {_number(verdict, verdict.most)} {mark}"


def _number(verdict: Verdict, number: float) -> str:
    return _seconds(number) if verdict.what == SECONDS else short(number)


def _memory(row: Row) -> str:
    own = row.side(MICROTORCH.name)
    if own is None or max(own.peak, row.reference.peak) < LITTLE:
        return ""
    return f"{short(row.reference.peak / 1e6)} {short(own.peak / 1e6)}"


def _phases(console: Console, rows: Sequence[Row]) -> None:
    """Where the time of a step goes, on each engine as it is by default."""
    known = [phase for phase in PHASES if any(phase in side.phases for row in rows for side in row.sides)]
    if not known:
        return
    table = Table(
        show_edge=False,
        pad_edge=False,
        header_style="bold",
        title="where the time of a step goes",
        title_justify="left",
    )
    table.add_column("workload")
    table.add_column("side")
    for phase in known:
        table.add_column(phase, justify="right")
    for row in rows:
        last = ""
        for side in row.sides:
            if side.phases and side.counts and "," not in side.side:
                times = (side.phases.get(phase) for phase in known)
                name = row.workload.name if row.workload.name != last else ""
                table.add_row(escape(name), side.side, *("" if t is None else _seconds(t) for t in times))
                last = row.workload.name
    console.print()
    console.print(table)


def _goals(console: Console, found: Sequence[Verdict]) -> None:
    """The goals that are not a ratio of times."""
    if found:
        console.print()
    for verdict in found:
        name = IN_WORDS[verdict.what].format(reference=verdict.row.reference.side)
        value = "not measured" if verdict.found is None else _number(verdict, verdict.found)
        about = title(verdict.row.workload) + ("" if verdict.side == MICROTORCH.name else f", {verdict.side}")
        console.print(f"{escape(about)}: {name} {value}, goal {_goal(verdict)}", highlight=False)


def _troubles(console: Console, rows: Sequence[Row]) -> None:
    """Why timings do not count."""
    for row in rows:
        for side in row.sides:
            if why := side.unable or (f"does not count: {side.differs}" if side.differs else ""):
                sentence = f"{title(row.workload)}, {side.side}: {why}"
                console.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
