"""RMSprop: gradient descent in which every weight has its own pace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from .arithmetic import numbers
from .counted import Counted, Kept, check_signs
from .optimizer import Params, check_learning_rate


def update(do: Any, options: Sequence[Any], now: float, g: Any, x: Any, v: Any, b: Any, m: Any) -> Any:
    """One step for the parameter x with gradient g, square_avg v, momentum_buffer b and grad_avg m.

    g ← g + weight_decay·x
    v ← alpha·v + (1 − alpha)·g²
    s ← √v + eps                      centered: m ← alpha·m + (1 − alpha)·g,  s ← √(v − m²) + eps
    x ← x − lr·g/s                    with momentum: b ← momentum·b + g/s,  x ← x − lr·b
    """
    lr, alpha, eps, weight_decay, momentum, centered, maximize = options
    if maximize:
        g = do.neg(g)
    if weight_decay != 0:
        g = do.add(g, x, alpha=weight_decay)
    v = variance = do.addcmul_(do.mul_(v, alpha), g, g, value=1 - alpha)
    if centered:
        m = do.lerp_(m, g, 1 - alpha)
        variance = do.addcmul(v, m, m, value=-1)
    s = do.add(do.sqrt(variance), eps)
    if momentum > 0:
        b = do.addcdiv_(do.mul_(b, momentum), g, s)
        x = do.add_(x, b, alpha=-lr)
    else:
        x = do.addcdiv_(x, g, s, value=-lr)
    return x, v, b, m


class RMSprop(Counted):
    """Gradient descent whose steps are divided by the root of a moving average of g²; see `update`.

    `centered` takes the variance of g in place of the mean of g². `lr` may be a tensor of one element. `maximize`
    ascends. With `differentiable`, the steps are recorded by autograd, for parameters that are no leaves. `foreach`
    chooses between implementations in torch; here there is one. `capturable` is for GPUs: a step refuses it.
    """

    update = staticmethod(update)
    as_options = staticmethod(numbers)
    XLA = True, True
    OLDER = {
        "momentum": 0,
        "centered": False,
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_signs({"learning rate": lr, "epsilon value": eps, "momentum value": momentum})
        check_signs({"weight_decay value": weight_decay, "alpha value": alpha})
        options = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _options(self, group: dict[str, Any]) -> Sequence[Any]:
        lr, alpha, eps, weight_decay = group["lr"], group["alpha"], group["eps"], group["weight_decay"]
        return lr, alpha, eps, weight_decay, group["momentum"], group["centered"], group["maximize"]

    def _kept(self, group: dict[str, Any]) -> Kept:
        mean, buffer = group["centered"], group["momentum"] > 0
        return ("square_avg", "momentum_buffer" if buffer else None, "grad_avg" if mean else None), (1, 2, 2, 1)
