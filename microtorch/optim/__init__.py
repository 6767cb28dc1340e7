"""Optimizers and schedules of their learning rates; a module is loaded when what is in it is asked for."""

from ..later import package as _package
from .optimizer import Optimizer

_OPTIMIZERS = "Adadelta Adafactor Adagrad Adam AdamW Adamax ASGD LBFGS NAdam RAdam RMSprop Rprop SGD".split()  # noqa: SIM905
_INDEX = {name.lower(): name for name in _OPTIMIZERS}

__all__ = [*_OPTIMIZERS, "Optimizer", "lr_scheduler"]

__getattr__, __dir__ = _package(__name__, {"": " ".join(("lr_scheduler", *_INDEX)), **_INDEX})
