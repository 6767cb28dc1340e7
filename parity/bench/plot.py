"""The ratios as a picture: a bar for every side of every workload, on a logarithmic axis, with the goals marked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from parity.backends import MICROTORCH
from parity.bench.catalogue import TIME
from parity.bench.result import Row, verdicts
from parity.bench.table import title

COLOURS = ("#1f6feb", "#e3872d", "#7d55c7", "#2a9d6f", "#c2416b", "#5c6770")
HEIGHT = 0.8  # of the bars of one workload, where 1 is from workload to workload


def write(path: Path, rows: Sequence[Row], environment: dict[str, str]) -> None:
    """Draw it to a file, whose ending says of which kind."""
    names = list(dict.fromkeys(side.side for row in rows for side in row.sides[1:] if side.counts))
    colours = dict(zip(names, COLOURS * (len(names) // len(COLOURS) + 1), strict=False))
    figure = Figure(figsize=(9, 1.6 + 0.26 * sum(len(row.sides) for row in rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        shown = [side for side in row.sides[1:] if side.counts and row.reference.counts]
        thick = HEIGHT / max(len(shown), 1)
        for number, side in enumerate(shown):
            spread = row.ratio(side)
            height = place - HEIGHT / 2 + (number + 0.5) * thick
            error = [[spread.median - spread.low], [spread.high - spread.median]]
            line = {"ecolor": "0.35", "elinewidth": 0.9}
            label = "" if side.side in axes.get_legend_handles_labels()[1] else side.side
            axes.barh(
                height, spread.median, 0.9 * thick, xerr=error, error_kw=line, color=colours[side.side], label=label
            )
    for verdict in verdicts(rows, MICROTORCH.name, environment["cpu"]):
        if verdict.what == TIME:
            place = next(place for place, row in enumerate(rows) if row is verdict.row)
            first = not any(label == "goal" for label in axes.get_legend_handles_labels()[1])
            ends = (place - HEIGHT / 2, place + HEIGHT / 2)
            axes.vlines(verdict.most, *ends, color="black", linewidth=2, label="goal" if first else "", zorder=3)
    axes.axvline(1.0, color="0.3", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(range(len(rows)), [title(row.workload) for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("time, as a part of torch's (of an import: of numpy's); bars: median, lines: quartiles")
    axes.set_title(f"{environment['cpu']}, {environment['cores']} cores, torch {environment['torch']}", loc="left")
    axes.grid(axis="x", which="both", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=130)
