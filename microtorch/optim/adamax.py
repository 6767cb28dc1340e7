"""Adamax: Adam with the largest of the recent gradients in place of their root mean square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from .counted import Counted, Kept, check_betas, check_signs
from .optimizer import Params, check_learning_rate


def update(do: Any, options: Sequence[Any], now: float, g: Any, x: Any, m: Any, u: Any, _: Any) -> Any:
    """Step t = `now` for the parameter x with gradient g, exp_avg m and exp_inf u.

    g ← g + weight_decay·x
    m ← beta1·m + (1 − beta1)·g
    u ← max(beta2·u, |g| + eps)
    x ← x − lr/(1 − beta1ᵗ)·m/u
    """
    lr, beta1, beta2, eps, weight_decay, maximize, foreach = options
    if maximize:
        g = do.neg(g)
    if weight_decay != 0:
        g = do.add(g, x, alpha=weight_decay)
    m = do.lerp_(m, g, 1 - beta1)
    u = do.copy_(u, do.maximum(do.clone(do.mul_(u, beta2)), do.add(do.abs(g), eps)))
    if foreach and isinstance(lr, Tensor):  # torch computes with its value there
        lr = lr.item()
    x = do.addcdiv_(x, m, u, value=-(lr / (1 - beta1**now)))
    return x, m, u, None


class Adamax(Counted):
    """Adam in the infinity norm; see `update`.

    `lr` may be a tensor of one element. `maximize` ascends. With `differentiable`, the steps are recorded by autograd,
    for parameters that are no leaves. `foreach` chooses between implementations in torch; here there is one.
    `capturable` is for GPUs: a step refuses it.
    """

    update = staticmethod(update)
    OLDER = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_signs({"learning rate": lr, "epsilon value": eps})
        check_betas(betas)
        check_signs({"weight_decay value": weight_decay})
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, options)

    def _options(self, group: dict[str, Any]) -> Sequence[Any]:
        return [group["lr"], *group["betas"], *[group[name] for name in ("eps", "weight_decay", "maximize", "foreach")]]

    def _kept(self, group: dict[str, Any]) -> Kept:
        return ("exp_avg", "exp_inf", None), (1, 1, 2, 0)
