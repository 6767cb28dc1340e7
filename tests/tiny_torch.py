"""A student's engine: the least of torch's shape that a training script can use. parity's tests compare it with itself.

Its children start in a fraction of the time of torch's. An environment variable plants a fault: FAULT=gradient:STEP.
"""

from __future__ import annotations

import os
import random
from types import SimpleNamespace
from typing import Any

import numpy as np

FAULT, _, AT = os.environ.get("FAULT", "").partition(":")
__version__ = "tiny"
float32, float64 = np.dtype("float32"), np.dtype("float64")
_state: dict[str, Any] = {"dtype": float32, "passes": 0}


def set_default_dtype(dtype: Any) -> None:
    _state["dtype"] = dtype


def manual_seed(seed: int) -> None:
    _state["random"] = random.Random(seed)


class Tensor:
    """A value, and how to pass its gradient on to what it was made of."""

    def __init__(self, data: Any, requires_grad: bool = False, parents: Any = ()) -> None:
        self.data, self.parents, self.grad = np.asarray(data, _state["dtype"]), parents, None
        self.requires_grad = requires_grad or any(parent.requires_grad for parent, _ in parents)

    def numpy(self) -> Any:
        return self.data

    def detach(self) -> Tensor:
        return Tensor(self.data)

    def item(self) -> float:
        return float(self.data)

    def __mul__(self, other: Tensor) -> Tensor:
        return Tensor(
            self.data * other.data, parents=[(self, lambda g: g * other.data), (other, lambda g: g * self.data)]
        )

    def __sub__(self, other: Tensor) -> Tensor:
        return Tensor(self.data - other.data, parents=[(self, lambda g: g), (other, lambda g: -g)])

    def backward(self) -> None:
        if not self.requires_grad:
            raise RuntimeError("tensor does not require grad")
        self._pass_on(1.01 if FAULT == "gradient" and int(AT) == _state["passes"] else 1.0)
        _state["passes"] += 1

    def _pass_on(self, gradient: Any) -> None:
        for parent, back in self.parents:
            if parent.requires_grad:
                parent._pass_on(back(gradient))
        if not self.parents:
            self.grad = Tensor(gradient if self.grad is None else self.grad.data + gradient)


def tensor(value: Any, requires_grad: bool = False) -> Tensor:
    return Tensor(value, requires_grad)


def rand() -> Tensor:
    return Tensor(_state["random"].random())


class SGD:
    def __init__(self, params: list[Tensor], lr: float) -> None:
        self.params, self.lr = params, lr

    def zero_grad(self) -> None:
        for parameter in self.params:
            parameter.grad = None

    def step(self) -> None:
        for parameter in self.params:
            parameter.data = parameter.data - np.asarray(self.lr, parameter.data.dtype) * parameter.grad.data


optim = SimpleNamespace(SGD=SGD)
