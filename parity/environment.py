"""What was running: versions, the CPU, threads. The same script gives other bits on another CPU or version."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parity.session import Result

TORCH = "2.13"  # the version whose behaviour microtorch has, and what the probes find in it; in 2.14 they find the same
KERNELS = {"multiply-add": "fused", "normal": True, "sums": True, "bernoulli words": 2, "trunc_normal words": 16}


def describe(results: Sequence[Result] = ()) -> dict[str, str]:
    """The environment as names and values; what only the child processes know comes from their results."""
    about = [outcome.trace.about for r in results for outcome in (r.reference, r.candidate) if outcome.trace.about]
    capability = next((a["capability"] for a in about if a.get("capability")), "")
    return {
        "parity": _version("microtorch"),
        "torch": _version("torch"),
        "numpy": _version("numpy"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu(),
        "gpu": next((a["device"] for a in about if a.get("device")), ""),
        "cores": str(os.cpu_count()),
        "capability": capability,
        "threads": str(max((a.get("threads", 1) for a in about), default=1)),
    }


def cpu() -> str:
    """The name that the CPU gives itself."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def unlike() -> str:
    """A sentence if the installed torch is not the version whose behaviour microtorch has, else nothing."""
    found = _version("torch")
    if not found or found.startswith(TORCH + "."):
        return ""
    return (
        f"torch {found} is installed; microtorch has the behaviour of torch {TORCH}, so differences may be torch's own"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
