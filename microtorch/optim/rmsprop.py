"""RMSprop: gradient descent in which every weight has its own pace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..autograd.grad_mode import set_grad_enabled
from ..tensor import Tensor, wrap
from . import arithmetic
from .arithmetic import ALL, NUMBERS, blocks, count, fits, numbers, with_gradient
from .optimizer import Optimizer, Params, check_learning_rate, loss_of

CAPTURABLE_DEVICES = ["cuda", "xpu", "hpu", "privateuseone", "xla"]


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
        loss = None if closure is None else loss_of(closure)
        for group in self.param_groups:
            self._update_group(group)
        return loss

    def _update_group(self, group: dict[str, Any]) -> None:
        lr, alpha, eps, weight_decay = group["lr"], group["alpha"], group["eps"], group["weight_decay"]
        momentum, centered, differentiable = group["momentum"], group["centered"], self.defaults["differentiable"]
        ready = []
        for p, g, at in with_gradient(group["params"]):
            state = self.state[p]
            if not state:
                self._initialise(state, p, group)
            m = state["grad_avg"] if centered else None
            b = state["momentum_buffer"] if momentum > 0 else None
            ready.append((p, g, at, state["step"], state["square_avg"], m, b))
        if not ready:
            return
        if group["foreach"] and group["differentiable"]:
            raise AssertionError("_foreach ops don't support autograd")
        if group["capturable"]:
            raise AssertionError(
                f"If capturable=True, params and state_steps must be on supported devices: {CAPTURABLE_DEVICES}."
            )
        options: Sequence[Any] = lr, alpha, eps, weight_decay, momentum, centered, group["maximize"]
        recorded = differentiable
        if not NUMBERS.issuperset((type(lr), type(alpha), type(eps), type(weight_decay), type(momentum))):
            options, recorded = numbers(options, differentiable)
        for p, g, at, steps, v, m, b in ready:
            count(steps, differentiable)
            alike = fits(v, p) and (m is None or fits(m, p)) and (b is None or fits(b, p))
            if recorded or at is None or not alike:
                with set_grad_enabled(differentiable):
                    update(p, v, m, b, g, Tensor, options)
            else:
                update_arrays(p, v, m, b, g, at, options)

    @staticmethod
    def _initialise(state: dict[str, Any], p: Tensor, group: dict[str, Any]) -> None:
        state["step"] = _count(0)
        state["square_avg"] = wrap(np.zeros_like(p._array))
        if group["momentum"] > 0:
            state["momentum_buffer"] = wrap(np.zeros_like(p._array))
        if group["centered"]:
            state["grad_avg"] = wrap(np.zeros_like(p._array))


def update_arrays(
    p: Tensor, v: Tensor, m: Tensor | None, b: Tensor | None, g: Tensor, at: Any, options: Sequence[Any]
) -> None:
    """One unrecorded step for a parameter and its state, in the place `at` of their arrays."""
    x, square, gradient = p._array, v._array, g._array
    mean, buffer = None if m is None else m._array, None if b is None else b._array
    if at is ALL:
        for xs, vs, ms, bs, gs in blocks(x, square, mean, buffer, gradient):
            update(xs, vs, ms, bs, gs, arithmetic, options)
    else:
        of_mean, of_buffer = None if mean is None else mean[at], None if buffer is None else buffer[at]
        made = update(x[at], square[at], of_mean, of_buffer, gradient[at], arithmetic, options)
        x[at], square[at], of_mean, of_buffer = made
        if mean is not None:
            mean[at] = of_mean
        if buffer is not None:
            buffer[at] = of_buffer
    p._counter[0] += 1
    v._counter[0] += 2
    if m is not None:
        m._counter[0] += 1
    if b is not None:
        b._counter[0] += 2


def update(x: Any, v: Any, m: Any, b: Any, g: Any, do: Any, options: Sequence[Any]) -> tuple[Any, Any, Any, Any]:
    """One step for the parameter x with gradient g, square_avg v, grad_avg m and momentum_buffer b; returns x, v, m, b.

        g ← g + weight_decay·x
        v ← alpha·v + (1 − alpha)·g²
        s ← √v + eps                      centered: m ← alpha·m + (1 − alpha)·g,  s ← √(v − m²) + eps
        x ← x − lr·g/s                    with momentum: b ← momentum·b + g/s,  x ← x − lr·b

    `do`: the arithmetic, `Tensor` or the module `arithmetic`.
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
    return x, v, m, b


def _count(steps: float) -> Tensor:
    """A number of steps, as the optimizer keeps it."""
    dtype = dtypes.get_default_dtype() if dtypes.get_default_dtype() is dtypes.float64 else dtypes.float32
    return wrap(np.array(steps, dtype.numpy))
