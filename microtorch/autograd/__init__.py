"""Differentiation as the user calls it: `backward`, `grad`, grad modes, `Function`, checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..later import member
from . import grad_mode
from .differentiate import backward, grad
from .grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_multithreading_enabled,
    is_view_replay_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from .gradcheck import gradcheck, gradgradcheck

if TYPE_CHECKING:
    from . import anomaly_mode, function, functional, graph
    from .anomaly_mode import detect_anomaly, set_detect_anomaly
    from .function import Function
    from .variable import Variable

__all__ = [
    "Function",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "is_multithreading_enabled",
    "is_view_replay_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

_LATER = {name: name for name in ("anomaly_mode", "function", "functional", "graph", "variable")} | {
    "Function": "function",
    "Variable": "variable",
    "detect_anomaly": "anomaly_mode",
    "set_detect_anomaly": "anomaly_mode",
}
_LACKING = {
    "forward_ad": "forward-mode differentiation",
    "profiler": "a profiler",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return member(__name__, _LATER, name)
    if name in _LACKING:
        raise AttributeError(f"microtorch does not have torch.autograd.{name} ({_LACKING[name]})")
    raise AttributeError(f"module 'torch.autograd' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
