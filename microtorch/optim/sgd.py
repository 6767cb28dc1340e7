"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from ..tensor import Tensor
from . import arithmetic
from .arithmetic import are_plain, numbers
from .optimizer import Optimizer, Params, check_learning_rate

FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]
OPTIONS = itemgetter("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize", "foreach")


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
        options, recorded = numbers(OPTIONS(group))
        recorded = recorded or (group["foreach"] and group["nesterov"])
        for p, g, b in ready:
            x, buffer = p, b
            if fused:  # torch's fused form raises no versions; a tensor's `data` has versions of its own
                x, buffer = p.data, None if b is None else b.data
            if recorded or (momentum and b is None) or not are_plain(x, g, buffer):
                _, made = update(x, buffer, g, Tensor, options)
                if momentum and b is None:
                    self.state[p]["momentum_buffer"] = made
            else:
                update_arrays(x, buffer, g, options)

    def _check_dtype(self, p: Tensor) -> None:
        if not self._dtype_checked and not p.is_floating_point():
            raise RuntimeError(
                "`fused=True` requires all the params to be floating point Tensors of supported devices: "
                f"{FUSED_DEVICES} but {p.dtype} and {p.device.type}"
            )
        self._dtype_checked = True


def update_arrays(p: Tensor, b: Tensor | None, g: Tensor, options: Sequence[Any]) -> None:
    """One unrecorded step for a parameter and its momentum buffer."""
    x, gradient = p._array, g._array
    buffer = None if b is None else b._array
    if x.size == 1:
        at = (0,) * x.ndim
        x[at], number = update(x[at], None if buffer is None else buffer[at], gradient[at], arithmetic, options)
        if buffer is not None:
            buffer[at] = number
    else:
        for xs, bs, gs in arithmetic.blocks(x, buffer, gradient):
            update(xs, bs, gs, arithmetic, options)
    p._counter[0] += 1
    if b is not None:
        b._counter[0] += 2


def update(x: Any, b: Any, g: Any, do: Any, options: Sequence[Any]) -> tuple[Any, Any]:
    """One step for the parameter x with gradient g and momentum buffer b; returns x and b.

        g ← g + weight_decay·x
        b ← momentum·b + (1 − dampening)·g        at the first step b ← g
        x ← x − lr·b                               Nesterov looks ahead: x ← x − lr·(g + momentum·b)

    `do`: the arithmetic, `Tensor` or the module `arithmetic`.
    """
    lr, momentum, dampening, weight_decay, nesterov, maximize, foreach = options
    if maximize:
        g = do.neg(g)
    if weight_decay != 0:
        if isinstance(weight_decay, Tensor):
            g = do.addcmul_(g, x.clone(), weight_decay)
        else:
            g = do.add(g, x, alpha=weight_decay)
    if momentum != 0:
        if b is None:
            b = g.detach().clone()
        else:
            b = do.add_(do.mul_(b, momentum), g, alpha=1 - dampening)
        if nesterov:
            ahead = do.add_ if foreach else do.add  # torch's foreach form changes the gradient itself
            g = ahead(g, b, alpha=momentum)
        else:
            g = b
    if isinstance(lr, Tensor):
        x = do.addcmul_(x, g, lr, value=-1)
    else:
        x = do.add_(x, g, alpha=-lr)
    return x, b
