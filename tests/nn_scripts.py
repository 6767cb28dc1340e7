"""Scripts for torch.nn that run once with torch and once with microtorch, and must tell the same.

A script takes the library and gives back what it saw: tensors are compared in all that can be asked of them, everything
else as text; an error is part of what was seen. Weights and inputs are small multiples of powers of two, so that their
products are exact on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from sides import assert_same_outcome, outcomes

Script = Callable[[Any], Any]


class Scripts(list[Script]):
    """The scripts of a file, which enter themselves as `@script`."""

    def __call__(self, function: Script) -> Script:
        self.append(function)
        return function


def name(function: Script) -> str:
    return function.__name__


def tells_the_same(script: Script) -> None:
    theirs, ours = outcomes(lambda side: script(side.module))
    if theirs.error is not None:
        raise theirs.error  # a script that does not run compares nothing
    assert_same_outcome(theirs, ours)


def said(action: Callable[[], Any]) -> Any:
    """What an action gives, or its error as text."""
    try:
        return action()
    except Exception as error:
        return plain(f"{type(error).__name__}: {error}")


def plain(text: Any) -> str:
    """A text without addresses, and with the names under which microtorch stands in for torch."""
    return re.sub(r"0x[0-9a-f]+", "0x", str(text)).replace("microtorch", "torch")


def values(torch: Any, *shape: int, start: int = -3) -> Any:
    """Multiples of ¼."""
    return torch.from_numpy((np.arange(start, start + np.prod(shape, dtype=int)) / 4).astype(np.float32).reshape(shape))


def linear(torch: Any, inputs: int, outputs: int, bias: bool = True) -> Any:
    """A Linear whose weights are known."""
    layer = torch.nn.Linear(inputs, outputs, bias)
    layer.weight.data = values(torch, outputs, inputs)
    if bias:
        layer.bias.data = values(torch, outputs, start=1)
    return layer


def network(torch: Any) -> Any:
    """A module with everything in it: a parameter, two buffers, a shared child, an empty place."""
    nn = torch.nn

    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = linear(torch, 2, 3)
            self.again = self.first
            self.nothing = None
            self.register_module("empty", None)

        def forward(self, x: Any) -> Any:
            return self.again(x).relu()

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(values(torch, 3))
            self.register_parameter("absent", None)
            self.register_buffer("mean", values(torch, 3, start=5))
            self.register_buffer("scratch", torch.tensor([1, 2]), persistent=False)
            self.inner = Inner()
            self.layers = nn.Sequential(nn.Identity(), nn.ReLU(inplace=True), linear(torch, 3, 1, bias=False))

        def forward(self, x: Any) -> Any:
            return self.layers(self.inner(x) * self.scale + self.mean)

    return Net()
