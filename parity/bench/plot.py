"""The ratios as a picture: a bar for every side of every workload, on a logarithmic axis, with the goals marked."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from parity.backends import MICROTORCH
from parity.bench.catalogue import TIME
from parity.bench.result import Row, Spread, verdicts
from parity.bench.table import short, title

COLOURS = {
    "microtorch": "#1f6feb",
    "microtorch, torch_cpu": "#8ab8ff",
    "torch, 1 thread": "#b0b7bf",
    "torch": "#6e7781",
}
OTHERS = ("#d9730d", "#2a9d6f", "#7d55c7", "#c2416b")  # in the order of the candidates
HALO = [withStroke(linewidth=2.5, foreground="white")]
ROOM = 0.8  # for the bars of one workload, where 1 is from workload to workload


def write(path: Path, rows: Sequence[Row], environment: dict[str, str]) -> None:
    """Draw it to a file, whose ending says of which kind."""
    rows = [row for row in rows if row.reference.counts and any(side.counts for side in row.sides[1:])]
    figure = Figure(figsize=(9, 1.8 + 0.22 * sum(len(row.sides) for row in rows)), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    for name, colour in _colours(rows).items():
        bars = [bar for place, row in enumerate(rows) for bar in _bars(place, row) if bar.side == name]
        _draw(axes, name, bars, colour)
    goals = [verdict for verdict in verdicts(rows, MICROTORCH.name, environment["cpu"]) if verdict.what == TIME]
    for number, verdict in enumerate(goals):
        place = next(place for place, row in enumerate(rows) if row is verdict.row)
        ends = (place - 0.46, place + 0.46)
        axes.vlines(verdict.most, *ends, color="black", linewidth=2, label="" if number else "goal", zorder=3)
    axes.axvline(1.0, color="0.3", linewidth=1)
    axes.margins(x=0.12, y=0.01)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(range(len(rows)), [title(row.workload) for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("time as a part of torch's (of imports: of numpy's); median, and quartiles of the rounds")
    axes.set_title(f"{environment['cpu']}, {environment['cores']} cores, torch {environment['torch']}", fontsize=11)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if rows:
        figure.legend(loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(path, dpi=130)


@dataclass(frozen=True)
class Bar:
    """A side's ratio in a row, and where it is drawn."""

    side: str
    spread: Spread
    middle: float
    height: float


def _bars(place: int, row: Row) -> list[Bar]:
    shown = [side for side in row.sides[1:] if side.counts]
    height = min(ROOM / max(len(shown), 1), ROOM / 2)
    top = place - height * len(shown) / 2
    return [Bar(side.side, row.ratio(side), top + (n + 0.5) * height, 0.9 * height) for n, side in enumerate(shown)]


def _draw(axes: Axes, name: str, bars: Sequence[Bar], colour: str) -> None:
    """The bars of one side, each with its quartiles and its number."""
    medians = [bar.spread.median for bar in bars]
    around = [[b.spread.median - b.spread.low for b in bars], [b.spread.high - b.spread.median for b in bars]]
    lines = {"ecolor": "0.35", "elinewidth": 0.9}
    middles, heights = [bar.middle for bar in bars], [bar.height for bar in bars]
    axes.barh(middles, medians, heights, xerr=around, error_kw=lines, color=colour, label=name)
    for bar in bars:
        place = (bar.spread.high, bar.middle)
        text = short(bar.spread.median)
        axes.annotate(text, place, (4, 0), textcoords="offset points", va="center", fontsize=8, path_effects=HALO)


def _colours(rows: Sequence[Row]) -> dict[str, str]:
    names = list(dict.fromkeys(side.side for row in rows for side in row.sides[1:] if side.counts))
    others = itertools.cycle(OTHERS)
    return {name: COLOURS.get(name) or next(others) for name in names}
