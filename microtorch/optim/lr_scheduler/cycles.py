"""Schedules that go up and down, some of them with the momentum the other way."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from ..optimizer import Optimizer
from .scheduler import Formula, Rates, checked, fields_of, for_each_group, set_option


class CosineAnnealingWarmRestarts(Formula):
    """lr = eta_min + (initial_lr − eta_min)·(1 + cos(π·T_cur/T_i))/2, from the start again after T_i epochs.

    T_i is T_0 at first and T_mult times as long each time. `step` takes parts of epochs, too.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> Rates:
        wave = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (lr - self.eta_min) * wave / 2 for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next epoch, or to the one given."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self._restart(epoch)
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr)

    def _restart(self, epoch: float) -> None:
        """Find the cycle in which an epoch lies."""
        first, times = self.T_0, self.T_mult
        if epoch < first:
            self.T_i, self.T_cur = first, epoch
        elif times == 1:
            self.T_cur = epoch % first
        else:
            cycle = int(math.log(epoch / first * (times - 1) + 1, times))
            self.T_cur = epoch - first * (times**cycle - 1) / (times - 1)
            self.T_i = first * times**cycle


class _WithMomentum(Formula):
    """A schedule that also sets the momentum, or for Adam and its kin beta1."""

    optimizer: Optimizer
    cycle_momentum: bool

    def _momenta(self, base: Any, most: Any, last_epoch: int) -> tuple[list[Any], list[Any]]:
        """The least and the largest momentum of each group, which a new schedule starts from."""
        optimizer = self.optimizer
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in optimizer.defaults
        bases = for_each_group("base_momentum", optimizer, base)
        largest = for_each_group("max_momentum", optimizer, most)
        if last_epoch == -1:
            for group, lower, upper in zip(optimizer.param_groups, bases, largest, strict=True):
                self._set_momentum(group, upper)
                group["max_momentum"] = upper
                group["base_momentum"] = lower
        return bases, largest

    def _set_momentum(self, group: dict[str, Any], momentum: Any) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """lr = base_lr + (max_lr − base_lr)·height·scale, the height up from 0 to 1 and down again along straight lines.

    The scale is 1 ("triangular"), halves with each cycle ("triangular2"), is gamma^iteration ("exp_range"), or
    `scale_fn` of the cycle or iteration, as `scale_mode` says. The momentum goes the other way.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = checked(optimizer)
        base_lrs = for_each_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                set_option(group, "lr", lr)
        self.max_lrs = for_each_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (float(step_size_down) if step_size_down is not None else up)
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        self._init_scale_fn()
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._momenta(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _init_scale_fn(self) -> None:
        if self._scale_fn_custom is not None:
            return
        scales: dict[str, Callable[[float], float]] = {
            "triangular": _one,
            "triangular2": _halved,
            "exp_range": functools.partial(_power, self.gamma),
        }
        if self.mode in scales:
            self._scale_fn_ref = scales[self.mode]
            self.scale_mode = "iterations" if self.mode == "exp_range" else "cycle"

    def scale_fn(self, x: float) -> float:
        """The scale in a cycle, counted from 1, or at an iteration, as `scale_mode` says."""
        return self._scale_fn_ref(x) if self._scale_fn_custom is None else self._scale_fn_custom(x)

    def _rates(self) -> Rates:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        counted = cycle if self.scale_mode == "cycle" else self.last_epoch
        rates = [
            base + (most - base) * height * self.scale_fn(counted)
            for base, most in zip(self.base_lrs, self.max_lrs, strict=True)
        ]
        if self.cycle_momentum:
            limits = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, base, most in limits:
                self._set_momentum(group, most - (most - base) * height * self.scale_fn(counted))
        return rates

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer; of `scale_fn` only the fields of an object."""
        state = super().state_dict()
        state.pop("_scale_fn_ref", None)
        custom = state.pop("_scale_fn_custom")
        return state | {"_scale_fn_custom": None if custom is None else fields_of([custom])[0]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Become what a `state_dict` tells; `scale_fn` has to be given to `__init__` again."""
        fields = state_dict["_scale_fn_custom"]
        super().load_state_dict({name: v for name, v in state_dict.items() if name != "_scale_fn_custom"})
        if fields is not None:
            self._scale_fn_custom.__dict__.update(fields)
        self._init_scale_fn()


def _one(x: float) -> float:
    return 1.0


def _halved(x: float) -> float:
    return 1 / 2.0 ** (x - 1)


def _power(gamma: float, x: float) -> float:
    return gamma**x


class OneCycleLR(_WithMomentum):
    """One cycle: lr from max_lr/div_factor up to max_lr, then down to a `final_div_factor` of where it started.

    The way up takes the part `pct_start` of `total_steps`, or of `epochs` times `steps_per_epoch`; with `three_phase` the
    way down to the start takes as long, and only the rest leads below it. Along a cosine, or "linear". The momentum goes
    from `max_momentum` to `base_momentum` and back.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = checked(optimizer)
        if total_steps is not None:
            self.total_steps = _positive("total_steps", total_steps)
        elif epochs is None or steps_per_epoch is None:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        else:
            self.total_steps = _positive("epochs", epochs) * _positive("steps_per_epoch", steps_per_epoch)
        start, top, end = ("initial_lr", "max_momentum"), ("max_lr", "base_momentum"), ("min_lr", "max_momentum")
        warm = float(pct_start * self.total_steps) - 1
        if three_phase:
            back = float(2 * pct_start * self.total_steps) - 2
            phases = [(warm, start, top), (back, top, start), (self.total_steps - 1, start, end)]
        else:
            phases = [(warm, start, top), (self.total_steps - 1, top, end)]
        names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
        self._schedule_phases: list[dict[str, Any]] = [
            dict(zip(names, (until, *[name for pair in zip(a, b, strict=True) for name in pair]), strict=True))
            for until, a, b in phases
        ]
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        max_lrs = for_each_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = lr / div_factor
                group["max_lr"] = lr
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._momenta(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _anneal_func(self, start: Any, end: Any, part: float) -> Any:
        """How far a part of the way leads from start to end."""
        if self._anneal_func_type == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)

    def _rates(self) -> Rates:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        began = 0.0
        for phase in self._schedule_phases:
            if step <= phase["end_step"] or phase is self._schedule_phases[-1]:
                break
            began = phase["end_step"]
        rates = []
        for group in self.optimizer.param_groups:
            part = (step - began) / (phase["end_step"] - began)
            rates.append(self._anneal_func(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                momenta = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._anneal_func(*momenta, part))
        return rates


def _positive(name: str, value: Any) -> int:
    if value <= 0 or not isinstance(value, int):
        raise ValueError(f"Expected positive integer {name}, but got {value}")
    return value
