"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..op import requires_grad
from ..tensor import Tensor
from . import arithmetic
from .arithmetic import is_recorded, scalar, serves
from .optimizer import Optimizer, Params, check_learning_rate

FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]
OPTIONS = ("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize", "foreach")


class SGD(Optimizer):
    """Gradient descent x ← x − lr·g, with momentum, Nesterov momentum and weight decay; see `update`.

    `lr` may be a tensor of one element. `maximize` ascends. With `differentiable`, the steps are recorded by autograd,
    for parameters that are no leaves. `foreach` and `fused` choose between implementations in torch; here there is one.
    """

    _dtype_checked = False  # for fused=True, at the first step

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_learning_rate(lr)
        signed: dict[str, Any] = {
            "learning rate": lr,
            "momentum value": momentum,
            "weight_decay value": weight_decay,
        }
        for name, value in signed.items():
            if value < 0.0:
                raise ValueError(f"Invalid {name}: {value}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, options)
        if fused and differentiable:
            raise RuntimeError("`fused` does not support `differentiable`")
        if fused and foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        older = {"nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": False}
        for group in self.param_groups:
            for name, default in older.items():  # what older state dictionaries do not have
                group.setdefault(name, default)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; returns what `closure`, where given, returned."""
        return self._step(closure, self._update_group)

    def _update_group(self, group: dict[str, Any]) -> None:
        momentum, fused = group["momentum"] != 0, group["fused"]
        ready = []
        for p in group["params"]:
            g = p.grad
            if g is not None:
                if fused:
                    self._check_dtype(p)
                ready.append((p, g, self.state[p].get("momentum_buffer") if momentum else None))
        options = [scalar(group[name]) for name in OPTIONS]
        recorded = is_recorded(options)
        for p, g, b in ready:
            do = Tensor if recorded or not serves(p) else arithmetic
            if fused:  # torch's fused form raises no versions; a tensor's `data` has versions of its own
                made = update(p.data, g, None if b is None else b.data, do, *options)
            else:
                made = update(p, g, b, do, *options)
            if momentum and b is None:
                self.state[p]["momentum_buffer"] = made

    def _check_dtype(self, p: Tensor) -> None:
        if not self._dtype_checked and not p.is_floating_point():
            raise RuntimeError(
                "`fused=True` requires all the params to be floating point Tensors of supported devices: "
                f"{FUSED_DEVICES} but {p.dtype} and {p.device.type}"
            )
        self._dtype_checked = True


def update(
    x: Tensor,
    g: Tensor,
    b: Tensor | None,
    do: Any,
    lr: float | Tensor,
    momentum: float,
    dampening: float,
    weight_decay: float | Tensor,
    nesterov: bool,
    maximize: bool,
    foreach: bool | None,
) -> Tensor | None:
    """One step for the parameter x with gradient g and momentum buffer b, which is returned.

        g ← g + weight_decay·x
        b ← momentum·b + (1 − dampening)·g        at the first step b ← g
        x ← x − lr·b                               Nesterov looks ahead: x ← x − lr·(g + momentum·b)

    `do`: the arithmetic, `Tensor` or the module `arithmetic`.
    """
    if maximize:
        g = do.neg(g)
    if weight_decay != 0:
        g = do.addcmul_(g, x.clone(), weight_decay) if requires_grad(weight_decay) else do.add(g, x, alpha=weight_decay)
    if momentum != 0:
        if b is None:
            b = g.detach().clone()
        else:
            do.add_(do.mul_(b, momentum), g, alpha=1 - dampening)
        if nesterov:
            ahead = do.add_ if foreach else do.add  # torch's foreach form changes the gradient itself
            g = ahead(g, b, alpha=momentum)
        else:
            g = b
    if requires_grad(lr):
        do.addcmul_(x, g, lr, value=-1)
    else:
        do.add_(x, g, alpha=-lr)
    return b
