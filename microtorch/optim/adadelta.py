"""Adadelta: gradient descent whose steps are as large as the earlier ones were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from .counted import Counted, Kept, check_signs
from .optimizer import Params, check_learning_rate


def update(do: Any, options: Sequence[Any], now: float, g: Any, x: Any, v: Any, d: Any, _: Any) -> Any:
    """One step for the parameter x with gradient g, square_avg v and acc_delta d.

    g ← g + weight_decay·x
    v ← rho·v + (1 − rho)·g²
    δ ← √(d + eps)/√(v + eps)·g
    d ← rho·d + (1 − rho)·δ²
    x ← x − lr·δ
    """
    lr, rho, eps, weight_decay, maximize = options
    if maximize:
        g = do.neg(g)
    if weight_decay != 0:
        g = do.add(g, x, alpha=weight_decay)
    v = do.addcmul_(do.mul_(v, rho), g, g, value=1 - rho)
    delta = do.mul(do.div(do.sqrt(do.add(d, eps)), do.sqrt(do.add(v, eps))), g)
    d = do.addcmul_(do.mul_(d, rho), delta, delta, value=1 - rho)
    x = do.add_(x, delta, alpha=-lr)
    return x, v, d, None


class Adadelta(Counted):
    """Gradient descent in which moving averages of g² and of the squared steps set the pace; see `update`.

    `lr` may be a tensor of one element. `maximize` ascends. With `differentiable`, the steps are recorded by autograd,
    for parameters that are no leaves. `foreach` chooses between implementations in torch; here there is one.
    `capturable` is for GPUs: a step refuses it.
    """

    update = staticmethod(update)
    XLA = False, False
    OLDER = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_signs({"learning rate": lr})
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_signs({"epsilon value": eps, "weight_decay value": weight_decay})
        options = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _options(self, group: dict[str, Any]) -> Sequence[Any]:
        return [group[name] for name in ("lr", "rho", "eps", "weight_decay", "maximize")]

    def _kept(self, group: dict[str, Any]) -> Kept:
        return ("square_avg", "acc_delta", None), (1, 2, 2, 0)
