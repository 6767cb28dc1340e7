"""Rprop: descent by signs alone, in which a weight goes faster as long as its gradient keeps its sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ops.creation import full_like
from ..tensor import Tensor
from .arithmetic import zero_dimensional
from .counted import Counted, Kept, check_signs, counter, zeros_like
from .optimizer import Params, check_learning_rate


def update(do: Any, options: Sequence[Any], now: float, g: Any, x: Any, previous: Any, size: Any, _: Any) -> Any:
    """One step for the parameter x with gradient g, the one before it, and step_size `size`.

    turned ← g·previous
    size ← size·(etaplus if turned > 0, etaminus if turned < 0, else 1), kept in step_sizes
    g ← 0 if turned < 0
    x ← x − sign(g)·size
    """
    smaller, larger, least, most, maximize, foreach = options
    if maximize:
        g = do.neg(g)
    turned = do.mul(g, do.clone(previous))
    factor = turned
    for holds, eta in ((turned > 0, larger), (turned < 0, smaller), (turned == 0, 1.0)):
        factor = do.where(factor, ~holds, eta)
    size = do.clamp_(do.mul_(size, factor), least, most)
    g = do.where(g, factor != smaller, 0.0)
    x = do.addcmul_(x, do.sign(g), size, value=-1)
    for _ in range(copies(maximize, foreach)):
        previous = do.copy_(previous, g)
    return x, previous, size, None


def copies(maximize: bool, foreach: bool | None) -> int:
    """How often a step writes to `prev`, whose versions count it: torch's foreach form makes g there."""
    return (3 if maximize else 2) if foreach else 1


class Rprop(Counted):
    """Descent by the signs of the gradients, with a step of its own for each weight; see `update`.

    `lr` is the first step of each weight, and may be a tensor of one element. `maximize` ascends. With `differentiable`,
    the steps are recorded by autograd, for parameters that are no leaves. `foreach` chooses between implementations in
    torch; here there is one. `capturable` is for GPUs: a step refuses it.
    """

    update = staticmethod(update)
    XLA = True, True
    OLDER = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_signs({"learning rate": lr})
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        options = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, options)

    def _options(self, group: dict[str, Any]) -> Sequence[Any]:
        return [*group["etas"], *group["step_sizes"], group["maximize"], group["foreach"]]

    def _kept(self, group: dict[str, Any]) -> Kept:
        return ("prev", "step_size", None), (1, copies(group["maximize"], group["foreach"]), 2, 0)

    def _start(self, state: dict[str, Any], p: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        state["step"] = counter(0)
        state["prev"] = zeros_like(p)
        state["step_size"] = full_like(g, zero_dimensional(group["lr"]))
