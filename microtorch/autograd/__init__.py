"""Differentiation as the user calls it: `backward`, `grad`, grad modes, `Function`, checks."""

from __future__ import annotations

from ..later import package
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

__getattr__, __dir__ = package(
    __name__,
    {
        "": "anomaly_mode function functional graph variable",
        "anomaly_mode": "detect_anomaly set_detect_anomaly",
        "function": "Function",
        "variable": "Variable",
    },
)
