"""What all schedules share: the count of their steps, the rates they start from, their dictionary, their warnings."""

from __future__ import annotations

import functools
import types
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...tensor import Tensor
from ..arithmetic import zero_dimensional
from ..optimizer import Optimizer

Rates = list[Any]  # one for each parameter group: numbers, or tensors where the optimizer's rates are tensors

SEE = "See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the closed form "
    "is used instead of the new chainable form, where available. Please open an issue if you are unable to replicate "
    "your use case: https://github.com/pytorch/pytorch/issues/new/choose."
)


class LRScheduler:
    """What all schedules share; a subclass implements `get_lr`, the rates of epoch `last_epoch`.

    A step sets each group's "lr". The rates that a schedule starts from are the groups' "initial_lr"; with `last_epoch`
    of 0 or more, where a schedule goes on, they must be there.
    """

    _get_lr_called_within_step = False
    _is_initial = False
    _last_lr: Rates

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked(optimizer)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, current(optimizer, "lr"), strict=True):
                group.setdefault("initial_lr", lr)
        else:
            for i, group in enumerate(optimizer.param_groups):
                if "initial_lr" not in group:
                    raise KeyError(
                        f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                        "last_epoch >= 0.\nThis typically happens when:\n1. You're trying to resume training from a "
                        "checkpoint but haven't properly loaded the optimizer state\n2. You're using last_epoch >= 0 "
                        "for a fresh training run (not recommended)"
                    )
        self.base_lrs: Rates = current(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        notice_steps(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """All that the schedule is but for its optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Become what a `state_dict` tells."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> Rates:
        """The rates set last, one for each parameter group."""
        return self._last_lr

    def get_lr(self) -> Rates:
        """The rates of epoch `last_epoch`, for `step`: most follow from the rates as they are."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next epoch; or, which torch deprecates, to the one given, by the closed form where there is one."""
        if self._step_count == 1:
            if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
                warnings.warn(
                    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
                    f"Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. {SEE}",
                    stacklevel=2,
                )
            elif not getattr(self.optimizer, "_opt_called", False):
                warnings.warn(
                    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you "
                    "should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure "
                    f"to do this will result in PyTorch skipping the first value of the learning rate schedule. {SEE}",
                    stacklevel=2,
                )
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._set(closed or self.get_lr)

    def _set(self, rates_of: Callable[[], Iterable[Any]]) -> None:
        self._get_lr_called_within_step = True
        try:
            rates = rates_of()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            set_option(group, "lr", lr)
        self._last_lr = current(self.optimizer, "lr")


class Formula(LRScheduler):
    """A schedule whose rates `_rates` computes; only `step` is meant to ask for them by `get_lr`."""

    def get_lr(self) -> Rates:
        """The rates of epoch `last_epoch`, for `step`; `get_last_lr` has those that are in use."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", stacklevel=2
            )
        return self._rates()

    def _rates(self) -> Rates:
        raise NotImplementedError

    def _scaled(self, factor: float | None = None) -> Rates:
        """The rates in use, times a factor."""
        if factor is None:
            return current(self.optimizer, "lr")
        return [group["lr"] * factor for group in self.optimizer.param_groups]


def checked(optimizer: Optimizer) -> Optimizer:
    """The optimizer, if it is one; raises TypeError."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def notice_steps(optimizer: Optimizer) -> None:
    """Let the optimizer know whether it took a step, for a warning of steps in the wrong order."""
    if hasattr(optimizer.step, "_wrapped_by_lr_sched"):
        return
    step, itself = optimizer.step.__func__, weakref.ref(optimizer)  # type: ignore[attr-defined]

    @functools.wraps(step)
    def noticed(*args: Any, **kwargs: Any) -> Any:
        it = itself()
        it._opt_called = True  # type: ignore[union-attr]
        return step(it, *args, **kwargs)

    noticed._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    optimizer.step = noticed  # type: ignore[method-assign]


def current(optimizer: Optimizer, name: str) -> list[Any]:
    """An option of all groups; of tensors, copies."""
    return [copied(group[name]) for group in optimizer.param_groups]


def copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def set_option(group: dict[str, Any], name: str, value: Any) -> None:
    """Give a group's option a value; a tensor stays the same tensor."""
    if isinstance(group[name], Tensor):
        group[name].fill_(zero_dimensional(value))
    else:
        group[name] = value


def for_each_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A value for each parameter group: of a list its elements; raises ValueError where they are not as many."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        value = [value] * count
    elif len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, param_groups "
            f"has {count}."
        )
    return [copied(v) for v in value]


def fields_of(functions: Sequence[Any]) -> list[Any]:
    """What a dictionary keeps of functions: nothing of those written with `def` or `lambda`, of objects their fields."""
    return [None if isinstance(f, types.FunctionType) else f.__dict__.copy() for f in functions]
