"""Optimizers: `SGD` and `RMSprop`, and `Optimizer` for those of one's own."""

from typing import NoReturn

from . import optimizer, rmsprop, sgd
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["SGD", "Optimizer", "RMSprop", "optimizer", "rmsprop", "sgd"]


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(f"microtorch does not have torch.optim.{name}; its optimizers are SGD and RMSprop")
