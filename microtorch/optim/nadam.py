"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd.grad_mode import no_grad
from ..tensor import Tensor
from .arithmetic import put
from .counted import Counted, Kept, check_betas, check_signs, counter, zeros_like
from .optimizer import Params, check_learning_rate


def update(do: Any, options: Sequence[Any], now: Any, g: Any, x: Any, m: Any, v: Any, _: Any) -> Any:
    """Step t for the parameter x with gradient g, exp_avg m and exp_avg_sq v; `now`: t, μ, the next μ and their products.

    g ← g + weight_decay·x                                   decoupled: x ← x − lr·weight_decay·x
    m ← beta1·m + (1 − beta1)·g
    v ← beta2·v + (1 − beta2)·g²
    s ← √(v/(1 − beta2ᵗ)) + eps
    x ← x − lr·(1 − μₜ)/(1 − μ₁⋯μₜ)·g/s − lr·μₜ₊₁/(1 − μ₁⋯μₜ₊₁)·m/s        μₜ = beta1·(1 − ½·0.96^(t·momentum_decay))
    """
    lr, beta1, beta2, eps, weight_decay, _, decoupled, maximize, foreach, differentiable = options
    t, mu, next_mu, product, next_product = now
    if maximize:
        g = do.neg(g)
    if weight_decay != 0:
        if decoupled:
            x = do.mul_(x, 1 - lr * weight_decay)
        else:
            g = do.add(g, x, alpha=weight_decay)
    m = do.lerp_(m, g, 1 - beta1)
    v = do.addcmul_(do.mul_(v, beta2), g, g, value=1 - beta2)
    correction = 1 - beta2**t
    s = do.div(do.sqrt(v), correction**0.5) if foreach else do.sqrt(do.div(v, correction))
    s = do.add(s, eps)
    if foreach and isinstance(lr, Tensor):  # torch computes with its value there
        lr = lr.item()
    of_g, of_m = -lr * (1.0 - mu) / (1.0 - product), -lr * next_mu / (1.0 - next_product)
    if differentiable:
        x = do.addcdiv_(do.addcdiv_(x, g * of_g, s), m * of_m, s)
    else:
        x = do.addcdiv_(do.addcdiv_(x, g, s, value=of_g), m, s, value=of_m)
    return x, m, v, None


class NAdam(Counted):
    """Adam that looks ahead by a momentum which grows with the steps; see `update`.

    `lr` may be a tensor of one element. `maximize` ascends. With `differentiable`, the steps are recorded by autograd,
    for parameters that are no leaves. `foreach` takes √v/√(1 − beta2ᵗ) as torch's does. `capturable` is for GPUs: a step
    refuses it.
    """

    update = staticmethod(update)
    COUNTS = "step", "mu_product"
    ON_DEVICE = "params, mu_products and state_steps", "params, mu_products, and state_steps"
    OLDER = {
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
    }

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_signs({"weight_decay value": weight_decay, "momentum_decay value": momentum_decay})
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _options(self, group: dict[str, Any]) -> Sequence[Any]:
        names = ("eps", "weight_decay", "momentum_decay", "decoupled_weight_decay", "maximize", "foreach")
        return [group["lr"], *group["betas"], *[group[name] for name in names], group["differentiable"]]

    def _kept(self, group: dict[str, Any]) -> Kept:
        decays = bool(group["decoupled_weight_decay"] and group["weight_decay"] != 0)
        return ("exp_avg", "exp_avg_sq", None), (2 + decays, 1, 2, 0)

    def _start(self, state: dict[str, Any], p: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        state["step"], state["mu_product"] = counter(0), counter(1)
        state["exp_avg"], state["exp_avg_sq"] = zeros_like(p), zeros_like(p)

    def _now(self, t: float, state: dict[str, Any], options: Sequence[Any]) -> Any:
        beta1, decay, differentiable = options[1], options[5], options[-1]
        product = state["mu_product"]
        mu, next_mu = (beta1 * (1.0 - 0.5 * 0.96 ** (n * decay)) for n in (t, t + 1))
        if isinstance(mu, Tensor):
            with no_grad():
                product *= mu
        else:
            put(product, product._array * mu)
        product = product if differentiable else product.item()
        return t, mu, next_mu, product, product * next_mu
