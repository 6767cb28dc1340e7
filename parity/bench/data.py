"""All that was measured, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from parity.backends import MICROTORCH
from parity.bench.catalogue import Workload
from parity.bench.result import Measured, Row, Verdict, verdicts


def write(
    path: Path, rows: Sequence[Row], environment: dict[str, str], status: int, left_out: Sequence[Workload]
) -> None:
    """Write it: times in seconds, memory in bytes."""
    goals = verdicts(rows, MICROTORCH.name, environment["cpu"])
    found = {
        "status": status,
        "environment": environment,
        "left_out": [_title(work) for work in left_out],
        "workloads": [_row(row) for row in rows],
        "goals": [_goal(verdict) for verdict in goals],
    }
    path.write_text(json.dumps(found, indent=1) + "\n")


def _title(work: Workload) -> str:
    return f"{work.name} {work.title}".strip()


def _row(row: Row) -> dict[str, Any]:
    about = {"name": row.workload.name, "title": row.workload.title, "script": row.workload.script.name}
    blocks = {"unit": row.unit, "units_in_a_block": row.units(), "steps_in_all": row.total}
    return about | blocks | {"sides": [_side(row, side) for side in row.sides], "left_out": row.left_out}


def _side(row: Row, side: Measured) -> dict[str, Any]:
    found = asdict(side) | {"counts": side.counts}
    if side.counts:
        found |= {"time": asdict(row.time(side)), "bytes_a_step": row.growth(side)}
    if side.counts and row.reference.counts:
        found["ratios"] = {other.side: asdict(row.ratio(side, other)) for other in row.references()}
    return found


def _goal(verdict: Verdict) -> dict[str, Any]:
    found = {"most": verdict.most, "found": verdict.found, "holds": verdict.holds}
    return {"workload": _title(verdict.row.workload), "side": verdict.side, "what": verdict.what} | found
