"""The memory that this process holds in RAM, in bytes, as far as the system tells."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import sys
from pathlib import Path

HERE = Path("/proc/self")
UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


def resident() -> int:
    """What is held now; 0 where the system does not say."""
    try:
        return int((HERE / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def peak() -> int:
    """The most that was held since it was last forgotten; where the system does not say, ever."""
    try:
        lines = (HERE / "status").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):  # ru_maxrss would have the parent's memory in it, which exec inherits
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


def settle() -> int:
    """Give back what is not used and forget the peak: a new measurement begins. Returns what is held then."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # a C library that has no such function
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        (HERE / "clear_refs").write_text("5")
    return resident() or peak()
