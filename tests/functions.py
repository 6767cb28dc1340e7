"""How tests write Functions: `make` one from its forward and backward, which `saving` and `changing` decorate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def make(t: Any, forward: Any, backward: Any = None, *, name: str = "F", base: Any = None, **more: Any) -> Any:
    """A Function made of functions."""
    methods = {"forward": forward, "backward": backward, **more}
    members = {key: staticmethod(method) for key, method in methods.items() if method is not None}
    return type(name, (base or t.autograd.Function,), members)


def leaf(t: Any, *values: float) -> Any:
    return t.tensor(list(values) or [1.0, 2.0], requires_grad=True)


def saving(function: Callable[..., Any]) -> Callable[..., Any]:
    """The forward of a function that saves its argument and its result."""

    def forward(ctx: Any, x: Any) -> Any:
        y = function(x)
        ctx.save_for_backward(x, y)
        return y

    return forward


def changing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The forward of a function that changes its argument in place."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        return function(x)

    return forward
