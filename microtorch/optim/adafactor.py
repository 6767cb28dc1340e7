"""Adafactor: every weight has its own pace, of which for a matrix only the means of rows and columns are kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import ge, le
from typing import Any

from .. import dtypes
from ..autograd.grad_mode import no_grad
from ..tensor import Tensor
from .arithmetic import zero_dimensional
from .counted import counter, zeros_like
from .optimizer import Optimizer, Params, check_learning_rate, loss_of


def update(options: dict[str, Any], eps1: float, x: Tensor, g: Tensor, state: dict[str, Any]) -> None:
    """Step t for the parameter x with gradient g; RMS is the root of the mean of squares.

    lr ← min(lr, 1/√t)·max(eps2, RMS(x))
    x ← x − lr·weight_decay·x                 with the lr that was given
    v ← v + tᵈᵉᶜᵃʸ·(g² − v)                   of a matrix the means of v's rows and of its columns
    u ← g/√max(v, eps1²)                      of a matrix v = rows·columns/max(mean of the rows, eps1)
    x ← x − lr·u/max(1, RMS(u)/d)
    """
    lr = zero_dimensional(options["lr"])
    if options["maximize"]:
        g = -g
    state["step"] += 1
    t = state["step"].item()
    newest = t ** options["beta2_decay"]
    length = max(options["eps"][1], _rms(x)) * min(lr, 1 / t**0.5)
    if options["weight_decay"] != 0:
        x.mul_(1 - lr * options["weight_decay"])
    if g.dim() > 1:
        if not {"row_var", "col_var"} <= state.keys():
            raise AssertionError("row_var and col_var should be defined when grad is multidimensional")
        for name, dim in ("row_var", -1), ("col_var", -2):
            state[name].lerp_(g.norm(dim=dim, keepdim=True).square_().div_(g.size(dim)), newest)
        rows = state["row_var"]
        v = (rows @ state["col_var"]).div_(rows.mean(dim=-2, keepdim=True).clamp_(min=eps1))
    else:
        if "variance" not in state:
            raise AssertionError("variance should be defined when grad is a vector")
        v = state["variance"].lerp_(g * g, newest).clone()
    u = v.clamp_(min=eps1 * eps1).rsqrt_().mul_(g)
    x.add_(u, alpha=-length / max(1.0, u.norm(2).item() / (u.numel() ** 0.5 * options["d"])))


def _rms(x: Tensor) -> float:
    return float(x.norm(2).item() / x.numel() ** 0.5)


class Adafactor(Optimizer):
    """Adafactor, whose state for a matrix is one row and one column; see `update`.

    `lr`, which may be a tensor of one element, is the greatest relative step; `beta2_decay` ≤ 0 says how fast old
    gradients are forgotten, `eps` what the least variance (by default the first parameter's precision) and the least
    size of a parameter are, `d` ≥ 1 from which size on a step is cut. `maximize` ascends. `foreach` chooses between
    implementations in torch, which round otherwise, and take `eps` by dtype; here there is one.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_learning_rate(lr)
        checks: list[tuple[str, Any, Callable[[Any], bool]]] = [
            ("Learning rate should be >= 0", lr, partial(le, 0.0)),
            ("beta2_decay should be <= 0", beta2_decay, partial(ge, 0.0)),
            ("epsilon1 should be >= 0", eps[0], lambda least: least is None or least >= 0.0),
            ("epsilon2 should be >= 0", eps[1], partial(le, 0.0)),
            ("Clipping threshold d should be >= 1", d, partial(le, 1.0)),
            ("weight_decay should be >= 0", weight_decay, partial(le, 0.0)),
        ]
        for words, value, holds in checks:
            if not holds(value):
                raise ValueError(f"{words} but is: {value}")
        options = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            for p in group["params"]:
                known = self.state.get(p) or {}
                if known and not isinstance(known["step"], Tensor):
                    known["step"] = counter(float(known["step"]))

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; returns what `closure`, where given, returned."""
        loss = None if closure is None else loss_of(closure)
        for group in self.param_groups:
            ready = [(p, p.grad) for p in group["params"] if p.grad is not None]
            for p, g in ready:
                if not self.state[p]:
                    self._start(self.state[p], g)
            eps1 = group["eps"][0]
            for p, g in ready:
                if eps1 is None:  # of the first parameter, for all of the group
                    eps1 = dtypes.finfo(p.dtype).eps
                update(group, eps1, p, g, self.state[p])
        return loss

    def _start(self, state: dict[str, Any], g: Tensor) -> None:
        """Make the state of a parameter."""
        state["step"] = counter(0)
        if g.dim() > 1:
            shape = g.shape
            state["row_var"] = g.new_zeros((*shape[:-1], 1))
            state["col_var"] = g.new_zeros((*shape[:-2], 1, shape[-1]))
        else:
            state["variance"] = zeros_like(g)
