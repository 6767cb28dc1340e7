"""The graph as the user meets it: `Node` is what `grad_fn` is."""

from __future__ import annotations

from typing import Any

from ..engine import Node

__all__ = ["Node"]


def __getattr__(name: str) -> Any:
    raise AttributeError(f"microtorch does not have torch.autograd.graph.{name}; of that module it has Node alone")
