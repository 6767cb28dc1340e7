"""RMSprop: gradient descent in which every weight has its own pace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..tensor import Tensor, wrap
from . import arithmetic
from .arithmetic import is_recorded, scalar, serves
from .optimizer import Optimizer, Params, check_learning_rate

CAPTURABLE_DEVICES = ["cuda", "xpu", "hpu", "privateuseone", "xla"]
OPTIONS = ("lr", "alpha", "eps", "weight_decay", "momentum", "centered", "maximize")


class RMSprop(Optimizer):
    """Gradient descent whose steps are divided by the root of a moving average of g²; see `update`.

    `centered` takes the variance of g in place of the mean of g². `lr` may be a tensor of one element. `maximize`
    ascends. With `differentiable`, the steps are recorded by autograd, for parameters that are no leaves. `foreach`
    chooses between implementations in torch; here there is one. `capturable` is for GPUs: a step refuses it.
    """

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
        signed: dict[str, Any] = {
            "learning rate": lr,
            "epsilon value": eps,
            "momentum value": momentum,
            "weight_decay value": weight_decay,
            "alpha value": alpha,
        }
        for name, value in signed.items():
            if not 0.0 <= value:  # noqa: SIM300  (nan is refused, too)
                raise ValueError(f"Invalid {name}: {value}")
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

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        older = {"momentum": 0, "centered": False, "foreach": None, "maximize": False, "differentiable": False}
        for group in self.param_groups:
            for name, default in {**older, "capturable": False}.items():  # what older state dictionaries do not have
                group.setdefault(name, default)
            for p in group["params"]:
                known = self.state.get(p)
                if known and not isinstance(known["step"], Tensor):
                    known["step"] = _count(known["step"])

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; returns what `closure`, where given, returned."""
        return self._step(closure, self._update_group)

    def _update_group(self, group: dict[str, Any]) -> None:
        ready = []
        for p in group["params"]:
            g = p.grad
            if g is not None:
                state = self.state[p]
                if not state:
                    self._initialise(state, p, group)
                ready.append((p, g, state))
        if not ready:
            return
        if group["foreach"] and group["differentiable"]:
            raise AssertionError("_foreach ops don't support autograd")
        if group["capturable"]:
            raise AssertionError(
                f"If capturable=True, params and state_steps must be on supported devices: {CAPTURABLE_DEVICES}."
            )
        options = [scalar(group[name]) for name in OPTIONS]
        recorded = is_recorded(options)
        for p, g, state in ready:
            update(p, g, state, Tensor if recorded or not serves(p) else arithmetic, *options)

    @staticmethod
    def _initialise(state: dict[str, Any], p: Tensor, group: dict[str, Any]) -> None:
        state["step"] = _count(0)
        state["square_avg"] = wrap(np.zeros_like(p._array))
        if group["momentum"] > 0:
            state["momentum_buffer"] = wrap(np.zeros_like(p._array))
        if group["centered"]:
            state["grad_avg"] = wrap(np.zeros_like(p._array))


def update(
    x: Tensor,
    g: Tensor,
    state: dict[str, Tensor],
    do: Any,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
    maximize: bool,
) -> None:
    """One step for the parameter x with gradient g; v, m and b are its square_avg, grad_avg and momentum_buffer.

        g ← g + weight_decay·x
        v ← alpha·v + (1 − alpha)·g²
        s ← √v + eps                      centered: m ← alpha·m + (1 − alpha)·g,  s ← √(v − m²) + eps
        x ← x − lr·g/s                    with momentum: b ← momentum·b + g/s,  x ← x − lr·b

    `do`: the arithmetic, `Tensor` or the module `arithmetic`.
    """
    if maximize:
        g = do.neg(g)
    do.add_(state["step"], 1)
    if weight_decay != 0:
        g = do.add(g, x, alpha=weight_decay)
    v = do.addcmul_(do.mul_(state["square_avg"], alpha), g, g, value=1 - alpha)
    if centered:
        m = do.lerp_(state["grad_avg"], g, 1 - alpha)
        v = do.addcmul(v, m, m, value=-1)
    s = do.add(do.sqrt(v), eps)
    if momentum > 0:
        b = do.addcdiv_(do.mul_(state["momentum_buffer"], momentum), g, s)
        do.add_(x, b, alpha=-lr)
    else:
        do.addcdiv_(x, g, s, value=-lr)


def _count(steps: float) -> Tensor:
    """A number of steps, as the optimizer keeps it."""
    dtype = dtypes.get_default_dtype() if dtypes.get_default_dtype() is dtypes.float64 else dtypes.float32
    return wrap(np.array(steps, dtype.numpy))
