"""Differentiation as the user calls it: `backward`, `grad`, grad modes, `Function`, checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..later import member
from . import grad_mode
from .differentiate import backward, grad
from .grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .gradcheck import gradcheck, gradgradcheck

if TYPE_CHECKING:
    from . import function, graph
    from .function import Function
    from .variable import Variable

__all__ = [
    "Function",
    "Variable",
    "backward",
    "enable_grad",
    "function",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]

_LATER = {name: name for name in ("function", "graph", "variable")} | {"Function": "function", "Variable": "variable"}
_LACKING = {
    "detect_anomaly": "anomaly mode, which finds the operation whose gradient failed",
    "set_detect_anomaly": "anomaly mode, which finds the operation whose gradient failed",
    "forward_ad": "forward-mode differentiation",
    "functional": "jacobian, hessian, vjp and jvp; torch.autograd.grad gives gradients of any order",
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
