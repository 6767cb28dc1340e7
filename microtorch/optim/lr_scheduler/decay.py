"""Schedules that are one formula of the epoch.

Most say how a rate follows from the one before, so that schedules can be chained and a rate that someone changed by hand
stays changed; `_get_closed_form_lr` says the same of an epoch by itself, for `step(epoch)`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..optimizer import Optimizer
from .scheduler import Formula, Rates, fields_of

Function = Callable[[int], float]


class LambdaLR(Formula):
    """lr = initial_lr·f(epoch), with one f or a list with one for each parameter group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Function | Sequence[Function], last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        count = len(optimizer.param_groups)
        if not isinstance(lr_lambda, (list, tuple)):
            lr_lambda = [lr_lambda] * count  # type: ignore[list-item]
        elif len(lr_lambda) != count:
            raise ValueError(f"Expected {count} lr_lambdas, but got {len(lr_lambda)}")
        self.lr_lambdas = list(lr_lambda)
        self._check()
        super().__init__(optimizer, last_epoch)

    def _check(self) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer; of the functions only the fields of those that are objects."""
        state = super().state_dict()
        del state["lr_lambdas"]
        return state | {"lr_lambdas": fields_of(self.lr_lambdas)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Become what a `state_dict` tells; functions have to be given to `__init__` again."""
        kept = state_dict["lr_lambdas"]
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, fields in zip(self.lr_lambdas, kept, strict=False):
            if fields is not None:
                function.__dict__.update(fields)

    def _rates(self) -> Rates:
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(LambdaLR):
    """lr ← lr·f(epoch), with one f or a list with one for each parameter group."""

    def _check(self) -> None:
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")

    def _rates(self) -> Rates:
        if self._is_initial:
            return self._scaled()
        groups = zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)
        return [group["lr"] * f(self.last_epoch) for f, group in groups]


class StepLR(Formula):
    """lr ← gamma·lr every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> Rates:
        stays = self.last_epoch == 0 or self.last_epoch % self.step_size != 0
        return self._scaled() if stays else self._scaled(self.gamma)

    def _get_closed_form_lr(self) -> Rates:
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


class MultiStepLR(Formula):
    """lr ← gamma·lr at each of the epochs `milestones`."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> Rates:
        if self.last_epoch not in self.milestones:
            return self._scaled()
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])

    def _get_closed_form_lr(self) -> Rates:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [lr * self.gamma**passed for lr in self.base_lrs]


class ConstantLR(Formula):
    """lr = factor·initial_lr until epoch `total_iters`."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if factor > 1.0 or factor < 0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> Rates:
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        return self._scaled() if self.last_epoch != self.total_iters else self._scaled(1.0 / self.factor)

    def _get_closed_form_lr(self) -> Rates:
        over = self.last_epoch >= self.total_iters
        return [lr * (self.factor + over * (1 - self.factor)) for lr in self.base_lrs]


class LinearLR(Formula):
    """lr = initial_lr times a factor that goes from `start_factor` to `end_factor` in `total_iters` even steps."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> Rates:
        start, end, total, epoch = self.start_factor, self.end_factor, self.total_iters, self.last_epoch
        if epoch == 0:
            return self._scaled(start)
        if self._is_initial or epoch > total:
            return self._scaled()
        return self._scaled(1.0 + (end - start) / (total * start + (epoch - 1) * (end - start)))

    def _get_closed_form_lr(self) -> Rates:
        start, end, total = self.start_factor, self.end_factor, self.total_iters
        return [lr * (start + (end - start) * min(total, self.last_epoch) / total) for lr in self.base_lrs]


class ExponentialLR(Formula):
    """lr ← gamma·lr every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> Rates:
        return self._scaled() if self._is_initial else self._scaled(self.gamma)

    def _get_closed_form_lr(self) -> Rates:
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]


class PolynomialLR(Formula):
    """lr = initial_lr·(1 − epoch/total_iters)^power until that is 0."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> Rates:
        epoch, total = self.last_epoch, self.total_iters
        if self._is_initial or epoch > total:
            return self._scaled()
        return self._scaled(((1.0 - epoch / total) / (1.0 - (epoch - 1) / total)) ** self.power)

    def _get_closed_form_lr(self) -> Rates:
        part = min(self.total_iters, self.last_epoch) / self.total_iters
        return [lr * (1.0 - part) ** self.power for lr in self.base_lrs]


class CosineAnnealingLR(Formula):
    """lr = eta_min + (initial_lr − eta_min)·(1 + cos(π·epoch/T_max))/2: down within T_max epochs, then up again."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> Rates:
        epoch, period, low = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return self._scaled()
        if self._step_count == 1 and epoch > 0:
            return [low + (lr - low) * (1 + math.cos(epoch * math.pi / period)) / 2 for lr in self.base_lrs]
        if (epoch - 1 - period) % (2 * period) == 0:  # the one before was the lowest, from which no factor leads up
            first_up = 1 - math.cos(math.pi / period)
            groups = zip(self.base_lrs, self.optimizer.param_groups, strict=True)
            return [group["lr"] + (lr - low) * first_up / 2 for lr, group in groups]
        factor = (1 + math.cos(math.pi * epoch / period)) / (1 + math.cos(math.pi * (epoch - 1) / period))
        return [factor * (group["lr"] - low) + low for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> Rates:
        wave = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [self.eta_min + (lr - self.eta_min) * wave / 2 for lr in self.base_lrs]
