"""What optimizers share that count their steps: each parameter's state is the count and a few tensors like the parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from .. import dtypes
from ..autograd.grad_mode import set_grad_enabled
from ..tensor import Tensor, wrap
from . import arithmetic
from .arithmetic import ALL, LARGE, NUMBERS, blocks, count, fits, tensors_or_numbers, with_gradient
from .optimizer import Optimizer, check_fused_dtype, loss_of

Kept = tuple[tuple[str, str | None, str | None], tuple[int, int, int, int]]

CAPTURABLE_DEVICES = ["cuda", "xpu", "hpu", "privateuseone", "xla"]


class Counted(Optimizer):
    """An optimizer whose rule is `update(do, options, now, g, x, a, b, c)`, which returns x, a, b and c as they became.

    `do`: the arithmetic, `Tensor` or the module `arithmetic`. `options`: what `_options` takes of a parameter group. `now`:
    what `_now` makes of the number of the step. `g`: the gradient. `x`: the parameter. `a, b, c`: the tensors of its state
    that `_kept` names, or None.
    """

    update: ClassVar[Callable[..., Any]]
    OLDER: ClassVar[dict[str, Any]]  # the options that older state dictionaries do not have
    COUNTS: ClassVar[tuple[str, ...]] = ("step",)  # what is a number in older state dictionaries
    ON_DEVICE: ClassVar[tuple[str, str]] = ("params and state_steps",) * 2  # by loop, by foreach; for a message
    XLA: ClassVar[tuple[bool, bool]] = (True, False)  # whether that device is named there
    as_options: ClassVar[Callable[..., Any]] = staticmethod(tensors_or_numbers)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, default in self.OLDER.items():
                group.setdefault(name, default)
            for p in group["params"]:
                known = self.state.get(p) or {}
                for name in self.COUNTS if known else ():
                    if not isinstance(known[name], Tensor):
                        known[name] = counter(known[name], group.get("fused"))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; returns what `closure`, where given, returned."""
        loss = None if closure is None else loss_of(closure)
        for group in self.param_groups:
            self._update_group(group)
        return loss

    def _update_group(self, group: dict[str, Any]) -> None:
        differentiable, fused = self.defaults["differentiable"], group.get("fused")
        options = self._options(group)
        (first, second, third), writes = self._kept(group)
        ready = []
        for p, g, at in with_gradient(group["params"]):
            state = self.state[p]
            if not state:
                if fused:
                    check_fused_dtype(p)
                self._start(state, p, g, group)
            b, c = None if second is None else state[second], None if third is None else state[third]
            ready.append((p, g, at, state, state[first], b, c))
        if not ready:
            return
        self._refuse(group)
        recorded = differentiable
        if not NUMBERS.issuperset(map(type, options)):
            options, recorded = self.as_options(options, differentiable)
        update, told = self.update, self._now
        for p, g, at, state, a, b, c in ready:
            now = count(state["step"], differentiable)
            if told is not None:
                now = told(now, state, options)
            x: Any = p
            if fused:  # torch's fused form raises no versions; a tensor's `data` has versions of its own
                x, a, b, c = (None if t is None else t.data for t in (p, a, b, c))
            if recorded or at is None or not update_arrays(update, options, now, g, at, x, a, b, c, writes):
                with set_grad_enabled(differentiable):
                    update(Tensor, options, now, g, x, a, b, c)

    def _options(self, group: dict[str, Any]) -> Sequence[Any]:
        """The options that the rule takes."""
        raise NotImplementedError

    def _kept(self, group: dict[str, Any]) -> Kept:
        """The names of the state's tensors, None for those not kept, and how often a step writes to x and to each."""
        raise NotImplementedError

    # What the rule has to know of step t beside its options, by `_now(t, state, options)`; None where that is t.
    _now: Callable[..., Any] | None = None

    def _start(self, state: dict[str, Any], p: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        """Make the state of a parameter."""
        state["step"] = counter(0, group.get("fused"))
        for name in self._kept(group)[0]:
            if name is not None:
                state[name] = zeros_like(p)

    def _refuse(self, group: dict[str, Any]) -> None:
        """Raise what torch raises of combinations of options that it finds out at a step only."""
        if group["foreach"] and group["differentiable"]:
            raise AssertionError("_foreach ops don't support autograd")
        if group.get("capturable"):
            foreach = bool(group["foreach"])
            devices = CAPTURABLE_DEVICES if self.XLA[foreach] else CAPTURABLE_DEVICES[:-1]
            raise AssertionError(
                f"If capturable=True, {self.ON_DEVICE[foreach]} must be on supported devices: {devices}."
            )


def update_arrays(
    update: Any, options: Any, now: Any, g: Tensor, at: Any, p: Any, a: Any, b: Any, c: Any, writes: Sequence[int]
) -> bool:
    """One unrecorded step for a parameter and its state, in the place `at` of their arrays; or False if these differ."""
    second = third = None
    if b is not None:
        if not fits(b, p):
            return False
        second = b._array
    if c is not None:
        if not fits(c, p):
            return False
        third = c._array
    if not fits(a, p):
        return False
    gradient, x, first = g._array, p._array, a._array
    if at is not ALL:
        of_second, of_third = None if second is None else second[at], None if third is None else third[at]
        made = update(arithmetic, options, now, gradient[at], x[at], first[at], of_second, of_third)
        x[at], first[at], of_second, of_third = made
        if second is not None:
            second[at] = of_second
        if third is not None:
            third[at] = of_third
    elif x.size <= LARGE:
        update(arithmetic, options, now, gradient, x, first, second, third)
    else:
        for gs, *pieces in blocks(gradient, x, first, second, third):
            update(arithmetic, options, now, gs, *pieces)
    p._counter[0] += writes[0]
    a._counter[0] += writes[1]
    if b is not None:
        b._counter[0] += writes[2]
    if c is not None:
        c._counter[0] += writes[3]
    return True


def counter(value: float, fused: bool | None = None) -> Tensor:
    """A number, as the state keeps it."""
    wide = dtypes.get_default_dtype() is dtypes.float64 and not fused
    return wrap(np.array(value, np.float64 if wide else np.float32))


def zeros_like(p: Tensor) -> Tensor:
    """Zeros, in the parameter's order in memory."""
    return wrap(np.zeros_like(p._array))


def check_signs(values: dict[str, Any]) -> None:
    """Raise ValueError for one that is negative or nan."""
    for name, value in values.items():
        if not 0.0 <= value:  # noqa: SIM300  (nan is refused, too)
            raise ValueError(f"Invalid {name}: {value}")


def check_betas(betas: Sequence[Any]) -> None:
    """Raise ValueError for one outside of [0, 1)."""
    for index in (0, 1):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")
