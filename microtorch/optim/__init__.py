"""Optimizers and schedules of their learning rates."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ..later import member as _member
from .optimizer import Optimizer

if _TYPE_CHECKING:
    from . import lr_scheduler
    from .adadelta import Adadelta
    from .adagrad import Adagrad
    from .adam import Adam
    from .adamax import Adamax
    from .adamw import AdamW
    from .asgd import ASGD
    from .lbfgs import LBFGS
    from .nadam import NAdam
    from .radam import RAdam
    from .rmsprop import RMSprop
    from .rprop import Rprop
    from .sgd import SGD

_OPTIMIZERS = (
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "AdamW",
    "ASGD",
    "LBFGS",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
)
_MODULES = ("lr_scheduler",)
_LATER = {name: name.lower() for name in _OPTIMIZERS} | {name: name for name in _MODULES}
_LATER |= {home: home for home in _LATER.values()}

__all__ = [*_OPTIMIZERS, "Optimizer", *_MODULES]


def __getattr__(name: str) -> _Any:
    if name in _LATER:
        return _member(__name__, _LATER, name)
    raise AttributeError(f"microtorch does not have torch.optim.{name}; its optimizers are {', '.join(_OPTIMIZERS)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
