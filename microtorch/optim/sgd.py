"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd.grad_mode import set_grad_enabled
from ..tensor import Tensor
from . import arithmetic
from .arithmetic import ALL, NUMBERS, blocks, fits, numbers, with_gradient
from .optimizer import Optimizer, Params, check_fused, check_fused_dtype, check_learning_rate, loss_of


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
        check_fused(fused, foreach, differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        older = {"nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": False}
        for group in self.param_groups:
            for name, default in older.items():  # what older state dictionaries do not have
                group.setdefault(name, default)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; returns what `closure`, where given, returned."""
        loss = None if closure is None else loss_of(closure)
        for group in self.param_groups:
            self._update_group(group)
        return loss

    def _update_group(self, group: dict[str, Any]) -> None:
        lr, momentum, dampening = group["lr"], group["momentum"], group["dampening"]
        weight_decay, nesterov, foreach = group["weight_decay"], group["nesterov"], group["foreach"]
        fused, differentiable = group["fused"], self.defaults["differentiable"]
        ready = with_gradient(group["params"])
        if fused and ready and not self._dtype_checked:
            check_fused_dtype(ready[0][0])
            self._dtype_checked = True
        buffers = {p: self.state[p].get("momentum_buffer") for p, _, _ in ready} if momentum != 0 else {}
        options: Sequence[Any] = lr, momentum, dampening, weight_decay, nesterov, group["maximize"], foreach
        recorded = differentiable
        if not NUMBERS.issuperset((type(lr), type(momentum), type(dampening), type(weight_decay))):
            options, recorded = numbers(options, differentiable)
        for p, g, at in ready:
            x, b = p, None
            if momentum != 0:
                b = buffers[p]
                if b is None or not fits(b, p) or (foreach and nesterov):
                    at = None
            if fused:  # torch's fused form raises no versions; a tensor's `data` has versions of its own
                x, b = p.data, None if b is None else b.data
            if recorded or at is None:
                with set_grad_enabled(differentiable):
                    _, made = update(x, b, g, Tensor, options)
                if b is None and momentum != 0:
                    self.state[p]["momentum_buffer"] = made
                continue
            array, buffer, gradient = x._array, None if b is None else b._array, g._array
            if at is ALL:
                for xs, bs, gs in blocks(array, buffer, gradient):
                    update(xs, bs, gs, arithmetic, options)
            elif buffer is None:
                array[at], _ = update(array[at], None, gradient[at], arithmetic, options)
            else:
                array[at], buffer[at] = update(array[at], buffer[at], gradient[at], arithmetic, options)
            x._counter[0] += 1
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
