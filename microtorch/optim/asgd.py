"""ASGD: stochastic gradient descent that also keeps the average of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from .arithmetic import put
from .counted import Counted, Kept, check_signs, counter, zeros_like
from .optimizer import Params, check_learning_rate


def update(do: Any, options: Sequence[Any], now: tuple[Any, Any], g: Any, x: Any, average: Any, *_: Any) -> Any:
    """One step for the parameter x with gradient g and average ax; `now`: η and μ of this step.

    g ← g + weight_decay·x
    x ← x − lambd·η·x − η·g
    ax ← ax + μ·(x − ax)
    after step t: η ← lr/(1 + lambd·lr·t)^alpha, μ ← 1/max(1, t − t0)
    """
    _, lambd, _, _, weight_decay, maximize, foreach = options
    eta, mu = now
    if maximize:
        g = do.neg(g)
    if weight_decay != 0:
        g = do.add(g, x, alpha=weight_decay)
    if foreach:  # torch multiplies by η once, which is a tensor then
        eta, mu = now if do is Tensor else (eta.item(), mu.item())
        x = do.addcmul_(x, do.add(g, x, alpha=lambd), eta, value=-1)
        average = do.addcmul_(average, do.sub(x, average), mu, value=1)
    else:
        x = do.add_(do.mul_(x, 1 - lambd * eta), g, alpha=-eta)
        average = do.copy_(average, x) if mu == 1 else do.add_(average, do.mul(do.sub(x, average), mu), alpha=1)
    return x, average, None, None


class ASGD(Counted):
    """Averaged stochastic gradient descent; the average of the weights is in `state[p]["ax"]`; see `update`.

    `lr` may be a tensor of one element. `maximize` ascends. With `differentiable`, the steps are recorded by autograd,
    for parameters that are no leaves. `foreach` rounds as torch's does. `capturable` is for GPUs: a step refuses it.
    """

    update = staticmethod(update)
    COUNTS = "step", "eta", "mu"
    ON_DEVICE = ("params, mus, etas, and state_steps",) * 2
    OLDER = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_signs({"learning rate": lr, "weight_decay value": weight_decay})
        options = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, options)

    def _options(self, group: dict[str, Any]) -> Sequence[Any]:
        return [group[name] for name in ("lr", "lambd", "alpha", "t0", "weight_decay", "maximize", "foreach")]

    def _kept(self, group: dict[str, Any]) -> Kept:
        return ("ax", None, None), (1 if group["foreach"] else 2, 1, 0, 0)

    def _start(self, state: dict[str, Any], p: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        lr = group["lr"]
        first = {"step": 0, "eta": lr.item() if isinstance(lr, Tensor) else lr, "mu": 1}
        state.update({name: counter(value) for name, value in first.items()})
        state["ax"] = zeros_like(p)

    def _now(self, t: float, state: dict[str, Any], options: Sequence[Any]) -> Any:
        lr, lambd, alpha, t0, *_, foreach = options
        eta, mu = state["eta"], state["mu"]
        now = (eta.detach().clone(), mu.detach().clone()) if foreach else (eta.item(), mu.item())
        put(eta, lr / (1 + lambd * lr * (state["step"] if foreach else t)) ** alpha)
        put(mu, 1 / max(1, t - t0))
        return now
