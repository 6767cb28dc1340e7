"""What the tests of the optimizers share: a parameter to optimize, and where things are on either side."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from sides import Side, as_array, is_tensor

SGD, RMSPROP = "SGD", "RMSprop"
ADAPTIVE = ("RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "ASGD")


def leaf(side: Side, *values: float, dtype: str = "f4", grad: float | None = 1.0) -> Any:
    """A parameter with a gradient."""
    p = side.tensor(np.array(values or (1.0, 2.0), dtype), requires_grad=True)
    p.grad = None if grad is None else side.tensor(np.full_like(as_array(p), grad))
    return p


def integers(side: Side) -> Any:
    p = side.tensor(np.array([1, 2]))
    p.grad = side.tensor(np.array([1, 1]))
    return p


def optim(side: Side) -> Any:
    return side.module.optim


def optimizer_module(side: Side) -> Any:
    return importlib.import_module(f"{side.module.__name__}.optim.optimizer")


def moved(value: Any, side: Side) -> Any:
    """A state dictionary of either library as the other would have it: what `torch.save` would carry over."""
    if is_tensor(value):
        return side.tensor(as_array(value))
    if isinstance(value, dict):
        return type(value)({name: moved(v, side) for name, v in value.items()})
    return type(value)(moved(v, side) for v in value) if isinstance(value, (list, tuple)) else value
