"""RAdam: Adam that waits for enough gradients before it sets the pace by their variance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from .counted import Counted, Kept, check_betas, check_signs
from .optimizer import Params, check_learning_rate


def update(do: Any, options: Sequence[Any], now: float, g: Any, x: Any, m: Any, v: Any, _: Any) -> Any:
    """Step t = `now` for the parameter x with gradient g, exp_avg m and exp_avg_sq v.

    g ← g + weight_decay·x                     decoupled: x ← x − lr·weight_decay·x
    m ← beta1·m + (1 − beta1)·g
    v ← beta2·v + (1 − beta2)·g²
    x ← x − lr·r·m/(1 − beta1ᵗ)                r = r(t)·√(1 − beta2ᵗ)/(√v + eps) once r(t) exists; before, r = 1
    """
    lr, beta1, beta2, eps, weight_decay, decoupled, maximize, foreach = options
    if maximize:
        g = do.neg(g)
    if weight_decay != 0:
        if decoupled:
            x = do.mul_(x, 1 - lr * weight_decay)
        else:
            g = do.add(g, x, alpha=weight_decay)
    m = do.lerp_(m, g, 1 - beta1)
    v = do.addcmul_(do.mul_(v, beta2), g, g, value=1 - beta2)
    first, second, r = 1 - beta1**now, 1 - beta2**now, rectification(beta2, now)
    if foreach:  # torch folds everything into the factor of m
        s = do.div(do.add(do.sqrt(v), eps), second**0.5 * (lr * (r or 0) / first) * -1)
        factor = do.add(do.reciprocal(s), lr * (0 if r else 1.0) / first * -1)
        return do.addcmul_(x, m, factor, value=1), m, v, None
    step = do.mul(do.div(m, first), lr)
    if r is not None:
        step = do.mul(do.mul(step, do.mul(do.reciprocal(do.add(do.sqrt(v), eps)), second**0.5)), r)
    return do.add_(x, step, alpha=-1.0), m, v, None


def rectification(beta2: float, t: float) -> float | None:
    """r(t) = √((ρₜ − 4)(ρₜ − 2)ρ / (ρ − 4)(ρ − 2)ρₜ), where ρₜ = ρ − 2t·beta2ᵗ/(1 − beta2ᵗ) and ρ its limit; from ρₜ > 5 on."""
    limit = 2 / (1 - beta2) - 1
    rho = limit - 2 * t * beta2**t / (1 - beta2**t)
    if not rho > 5.0:
        return None
    return ((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) ** 0.5


class RAdam(Counted):
    """Adam with a rectified start: as long as v is made of few gradients it is left aside; see `update`.

    `lr` may be a tensor of one element. `maximize` ascends. With `differentiable`, the steps are recorded by autograd,
    for parameters that are no leaves. `foreach` rounds as torch's does. `capturable` is for GPUs: a step refuses it.
    """

    update = staticmethod(update)
    OLDER = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _options(self, group: dict[str, Any]) -> Sequence[Any]:
        names = ("eps", "weight_decay", "decoupled_weight_decay", "maximize", "foreach")
        return [group["lr"], *group["betas"], *[group[name] for name in names]]

    def _kept(self, group: dict[str, Any]) -> Kept:
        decays = bool(group["decoupled_weight_decay"] and group["weight_decay"] != 0)
        return ("exp_avg", "exp_avg_sq", None), (1 + decays, 1, 2, 0)
