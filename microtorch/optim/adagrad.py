"""Adagrad: gradient descent in which a weight moves the less, the more its gradients were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor, wrap
from .counted import Counted, Kept, check_signs, counter
from .optimizer import Params, check_fused, check_fused_dtype, check_learning_rate


def update(do: Any, options: Sequence[Any], now: float, g: Any, x: Any, v: Any, *_: Any) -> Any:
    """Step t = `now` for the parameter x with gradient g and sum v.

    g ← g + weight_decay·x
    v ← v + g²
    x ← x − lr/(1 + (t − 1)·lr_decay)·g/(√v + eps)
    """
    lr, lr_decay, weight_decay, eps, maximize = options
    if maximize:
        g = do.neg(g)
    if weight_decay != 0:
        g = do.add(g, x, alpha=weight_decay)
    v = do.addcmul_(v, g, g, value=1)
    x = do.addcdiv_(x, g, do.add(do.sqrt(v), eps), value=-(lr / (1 + (now - 1) * lr_decay)))
    return x, v, None, None


class Adagrad(Counted):
    """Gradient descent whose steps are divided by the root of the sum of all g² so far; see `update`.

    `lr` may be a tensor of one element. `maximize` ascends. With `differentiable`, the steps are recorded by autograd,
    for parameters that are no leaves. `foreach` and `fused` choose between implementations in torch; here there is one.
    """

    update = staticmethod(update)
    OLDER = {"foreach": None, "maximize": False, "differentiable": False, "fused": None}
    _dtype_checked = False  # for fused=True, at the first step

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_learning_rate(lr)
        check_signs({"learning rate": lr, "lr_decay value": lr_decay, "weight_decay value": weight_decay})
        check_signs({"initial_accumulator_value value": initial_accumulator_value, "epsilon value": eps})
        options = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, options)
        check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for p in group["params"]:
                self._start(self.state[p], p, p, group)

    def _options(self, group: dict[str, Any]) -> Sequence[Any]:
        return [group[name] for name in ("lr", "lr_decay", "weight_decay", "eps", "maximize")]

    def _kept(self, group: dict[str, Any]) -> Kept:
        return ("sum", None, None), (1, 1, 0, 0)

    def _start(self, state: dict[str, Any], p: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        state["step"] = counter(0, group["fused"])
        state["sum"] = wrap(np.full_like(p._array, self.defaults["initial_accumulator_value"]))

    def _refuse(self, group: dict[str, Any]) -> None:
        if group["fused"]:
            if not self._dtype_checked:
                check_fused_dtype(next(p for p in group["params"] if p.grad is not None))
                self._dtype_checked = True
            if group["differentiable"]:
                raise RuntimeError("adagrad with fused=True does not support differentiable=True")
        else:
            super()._refuse(group)
