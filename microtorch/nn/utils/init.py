"""Layers made without drawing their weights."""

from __future__ import annotations

import inspect
from typing import Any

from ...ops.generator import get_rng_state, set_rng_state
from ..modules.module import Module


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A layer whose parameters hold anything, for which no random numbers are taken; it must have an argument `device`."""
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    before = get_rng_state()
    made = module_cls(*args, **kwargs)
    set_rng_state(before)
    return made
