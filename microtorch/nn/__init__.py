"""Modules, parameters, losses."""

from typing import NoReturn as _NoReturn

from . import functional, init, modules, parameter, utils
from .modules import *  # noqa: F403  (all that `modules` exports)
from .modules import __all__ as _layers
from .parameter import Buffer, Parameter

__all__ = ["Buffer", "Parameter", "functional", "init", "modules", "parameter", "utils", *_layers]


def __getattr__(name: str) -> _NoReturn:
    raise AttributeError(
        f"module 'torch.nn' has no attribute '{name}': microtorch, which stands in for it here, does not have "
        f"torch.nn.{name}"
    )
