"""torch's global switches, as far as scripts set them. microtorch is deterministic and numpy decides on threads."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

import numpy as np

from .types import CPU, device, require_cpu


def _usual_threads() -> int:
    """What torch begins with: the number the environment gives, at most the processors', or those it may run on."""
    processors = os.cpu_count() or 1
    for name in ("MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name, "").partition(",")[0].strip()
        if text.isdecimal() and int(text):
            return min(int(text), processors)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else processors


_state = {"threads": _usual_threads(), "interop_threads": os.cpu_count() or 1, "deterministic": False, "warn": False}
_precision = "highest"


class Anomaly:
    """Whether nodes remember where they were made and backward passes tell it, and whether nan is an error in these."""

    enabled = False
    check_nan = True


anomaly = Anomaly()


def _positive(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise RuntimeError(f"{name} expects an int, but got {type(value).__name__}")
    if not -(2**31) <= value < 2**31:
        raise ValueError(f"Overflow when unpacking long{'' if -(2**63) <= value < 2**63 else ' long'}")
    if value <= 0:
        raise RuntimeError(f"{name} expects a positive integer")
    return int(value)


def get_num_threads() -> int:
    """The number that `set_num_threads` set; how many threads a matrix product uses is numpy's affair."""
    return _state["threads"]


def set_num_threads(int: int) -> None:
    """Remember a number of threads; it must be positive."""
    _state["threads"] = _positive("set_num_threads", int)


def get_num_interop_threads() -> int:
    return _state["interop_threads"]


def set_num_interop_threads(int: int) -> None:
    _state["interop_threads"] = _positive("set_num_interop_threads", int)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for deterministic algorithms; there are no others here."""
    _state["deterministic"], _state["warn"] = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    return bool(_state["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    return bool(_state["warn"])


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by the number or the name of a mode: 0 "default", 1 "warn", 2 "error"."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    names = ["default", "warn", "error"]
    if isinstance(debug_mode, str) and debug_mode not in names:
        raise RuntimeError(
            f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
        )
    mode = names.index(debug_mode) if isinstance(debug_mode, str) else debug_mode
    if mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {mode}")
    use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


def get_deterministic_debug_mode() -> int:
    """The number of the mode."""
    return (1 if _state["warn"] else 2) if _state["deterministic"] else 0


def get_float32_matmul_precision() -> str:
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """Remember a precision; products are always computed in full."""
    global _precision
    _precision = precision


def set_flush_denormal(mode: bool) -> bool:
    """Ask for subnormal numbers to become zero. numpy keeps them, so of True it says that it is not supported."""
    return not mode


def get_default_device() -> device:
    return CPU


def set_default_device(device: Any) -> None:
    """Set where new tensors live; there is only the CPU."""
    require_cpu(device)


_warned: set[str] = set()
_warn_always = False


def warn_once(message: str) -> None:
    """Warn as `warn` does, but each message once, unless `set_warn_always`."""
    if message in _warned and not _warn_always:
        return
    _warned.add(message)
    warn(message)


def warn(message: str) -> None:
    """Warn at the line of the user's code that is being executed."""
    level, frame = 1, sys._getframe(0)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    warnings.warn(message, UserWarning, stacklevel=level)


def set_warn_always(b: bool, /) -> None:
    """Repeat the warnings that are otherwise given once in a process."""
    global _warn_always
    _warn_always = bool(b)


def is_warn_always_enabled() -> bool:
    return _warn_always
