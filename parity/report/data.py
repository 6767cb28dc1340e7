"""Results as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from parity.compare import Comparison
from parity.launch import Outcome
from parity.locate import Parting
from parity.probes import Probed
from parity.session import Result
from parity.trace import END, GRADIENT, LOSS, WEIGHT
from parity.ulp import hexadecimal


def write(
    path: Path, results: Sequence[Result], environment: dict[str, str], status: int, probed: Probed | None = None
) -> None:
    """Write all that was found; numbers that JSON lacks (nan, infinities) are written as text."""
    found: dict[str, Any] = {"status": status, "environment": environment}
    if probed is not None:
        found["probes"] = {"variables": dict(probed.variables), **probed.found, "unlike": probed.unlike}
    found["results"] = [_result(result) for result in results]
    path.write_text(json.dumps(_plain(found), indent=1, allow_nan=False) + "\n")


def _result(result: Result) -> dict[str, Any]:
    return {
        "script": result.script,
        "arguments": result.argv,
        "dtype": result.dtype,
        "verdict": result.judgement.word,
        "ground": result.ground,
        "reasons": result.judgement.reasons,
        "fails_alike": result.fails_alike,
        "sides": [_side(outcome) for outcome in (result.reference, result.candidate)],
        "distance": _distance(result.comparison),
        "noise": None if result.floor is None else [_noise(own) for own in result.floor.own],
        "first": _parting(result.first),
        "fault": _parting(result.fault),
        "cause": None if result.cause is None else [result.cause.word, result.cause.evidence],
        "resync": None if result.resynced is None else asdict(result.resynced),
        "fault_in_float64": None if result.exact is None else float(result.exact),
        "nearer_to_float64": result.nearer or None,
    }


def _side(outcome: Outcome) -> dict[str, Any]:
    about = {key: value for key, value in outcome.trace.about.items() if key != "unable"}
    return {"unable": outcome.unable, "status": outcome.status, "text": outcome.trace.text} | about


def _distance(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    text = comparison.text
    series = {
        f"{phase} {name}".strip(): {
            "ulp": max(point.gap.ulp for point in points),
            "absolute": max(point.gap.absolute for point in points),
            "relative": max(point.relative for point in points),
            "events": len(points),
        }
        for (phase, name), points in comparison.series.items()
    }
    return {
        "identical": comparison.identical,
        "same_text": text.same,
        "text_line": None if text.same else [text.line, text.reference, text.candidate],
        "same_error": comparison.same_error,
        "same_warnings": comparison.same_warnings,
        "same_generator": comparison.same_generator,
        "losses": comparison.largest(LOSS),
        "gradients": comparison.largest(GRADIENT),
        "weights": comparison.largest(WEIGHT),
        "final_weights": comparison.largest(WEIGHT, END),
        "quantities": series,
    }


def _noise(own: Comparison) -> dict[str, Any] | None:
    about = own.candidate.about
    kernels = "shared mathematics" if about.get("mathematics") else about.get("variables", {})
    return {"kernels": kernels} | (_distance(own) or {})


def _parting(parting: Parting | None) -> dict[str, Any] | None:
    if parting is None:
        return None
    values = parting.values()
    return {
        "step": None if parting.number == END else parting.number,
        "phase": parting.key[0],
        "name": parting.key[1],
        "index": parting.at,
        "exact": parting.exact,
        "after": parting.after,
        "note": parting.gap.note,
        "ulp": parting.ulp(),
        "largest_ulp": parting.gap.ulp,
        "elements": parting.gap.parted,
        "values": None if values is None else [[value.item(), hexadecimal(value)] for value in values],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
