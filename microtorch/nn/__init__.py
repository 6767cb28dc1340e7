"""Modules, parameters, losses."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import functional, init, modules, parameter
from .modules import *  # noqa: F403  (all that `modules` exports)
from .modules import __all__ as _layers
from .parameter import Buffer, Parameter

__all__ = ["Buffer", "Parameter", "functional", "init", "modules", "parameter", "utils", *_layers]


if _TYPE_CHECKING:
    from . import utils


def __getattr__(name: str) -> _Any:
    if name == "utils":
        return _import_module(".utils", __name__)
    raise AttributeError(
        f"module 'torch.nn' has no attribute '{name}': microtorch, which stands in for it here, does not have "
        f"torch.nn.{name}"
    )


def __dir__() -> list[str]:
    return sorted({*globals(), "utils"})
