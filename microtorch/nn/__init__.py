"""Modules, parameters, losses."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ..later import member as _member
from . import functional, init, modules, parameter
from .modules import *  # noqa: F403  (all that `modules` exports)
from .modules import __all__ as _layers
from .parameter import Buffer, Parameter

__all__ = ["Buffer", "Parameter", "functional", "init", "modules", "parameter", "utils", *_layers]


if _TYPE_CHECKING:
    from . import utils

_LATER = {"utils": "utils"}


def __getattr__(name: str) -> _Any:
    if name in _LATER:
        return _member(__name__, _LATER, name)
    raise AttributeError(
        f"module 'torch.nn' has no attribute '{name}': microtorch, which stands in for it here, does not have "
        f"torch.nn.{name}"
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
