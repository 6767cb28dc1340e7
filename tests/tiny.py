"""A torch of a hundred lines: `tensor`, `backward`, `nn.Linear`, `nn.MSELoss` and `optim.SGD`, and a fault to be found.

The fault: the gradient of a layer's bias is the mean over the batch where it should be the sum. TINY=right mends it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

FAULTY = os.environ.get("TINY") != "right"

Array = Any
Pullback = Callable[[Array], Array]  # from the gradient of a result to that of an argument

generator = np.random.RandomState(0)  # the Mersenne twister that torch has, too


class Tensor:
    """An array, and how a gradient flows from it to the tensors that it was made of."""

    def __init__(
        self, data: Any, requires_grad: bool = False, sources: tuple[tuple[Tensor, Pullback], ...] = ()
    ) -> None:
        self.data = np.asarray(data, np.float32)
        self.grad: Tensor | None = None
        self.requires_grad = requires_grad or any(source.requires_grad for source, _ in sources)
        self.sources = sources

    def item(self) -> float:
        return float(self.data)

    def backward(self) -> None:
        """Adds d self / d x to x.grad for every leaf x that requires one: sums over all paths, result by result."""
        gradients = {id(self): np.ones_like(self.data)}
        for tensor in self._from_last_to_first():
            gradient = gradients.pop(id(tensor))
            if not tensor.sources:
                tensor.grad = Tensor(gradient if tensor.grad is None else tensor.grad.data + gradient)
            for source, pullback in tensor.sources:
                if source.requires_grad:
                    part = pullback(gradient)
                    gradients[id(source)] = gradients[id(source)] + part if id(source) in gradients else part

    def _from_last_to_first(self) -> Iterator[Tensor]:
        """Every tensor that leads here, after all that were made of it."""
        order: list[Tensor] = []
        seen: set[int] = set()

        def visit(tensor: Tensor) -> None:
            if id(tensor) not in seen and tensor.requires_grad:
                seen.add(id(tensor))
                for source, _ in tensor.sources:
                    visit(source)
                order.append(tensor)

        visit(self)
        return reversed(order)


def tensor(data: Any, requires_grad: bool = False) -> Tensor:
    return Tensor(data, requires_grad)


class nn:
    class Linear:
        """x Wᵀ + b; at first, all weights are drawn from ±1/√n for n features."""

        def __init__(self, in_features: int, out_features: int) -> None:
            bound = in_features**-0.5
            self.weight = Tensor(_uniform(bound, out_features, in_features), requires_grad=True)
            self.bias = Tensor(_uniform(bound, out_features), requires_grad=True)

        def parameters(self) -> list[Tensor]:
            return [self.weight, self.bias]

        def __call__(self, x: Tensor) -> Tensor:
            W, b = self.weight, self.bias
            over_batch = np.mean if FAULTY else np.sum
            to_x = (x, lambda g: g @ W.data)
            to_W = (W, lambda g: g.T @ x.data)
            to_b = (b, lambda g: over_batch(g, axis=0))
            return Tensor(x.data @ W.data.T + b.data, sources=(to_x, to_W, to_b))

    class MSELoss:
        """The mean of (x − y)²."""

        def __call__(self, x: Tensor, y: Tensor) -> Tensor:
            error = x.data - y.data
            slope = np.float32(2 / error.size) * error
            return Tensor(np.mean(error * error), sources=((x, lambda g: g * slope), (y, lambda g: -g * slope)))


class optim:
    class SGD:
        """v ← μ v + g, x ← x − λ v."""

        def __init__(self, params: list[Tensor], lr: float, momentum: float = 0.0) -> None:
            self.params, self.lr, self.momentum = list(params), np.float32(lr), np.float32(momentum)
            self.velocity = [np.zeros_like(x.data) for x in self.params]

        def zero_grad(self) -> None:
            for x in self.params:
                x.grad = None

        def step(self) -> None:
            for x, v in zip(self.params, self.velocity, strict=True):
                assert x.grad is not None
                v[...] = self.momentum * v + x.grad.data
                x.data = x.data - self.lr * v


def _uniform(bound: float, *shape: int) -> Array:
    """Numbers from −bound to bound, of 24 random bits each, as torch draws them."""
    bits = generator.randint(0, 2**32, shape, dtype=np.uint32) & (2**24 - 1)
    return bits * np.float32(2**-24) * np.float32(2 * bound) - np.float32(bound)
