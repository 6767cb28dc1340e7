"""Nonlinearities, element by element, which are methods of tensors or made of these."""

from __future__ import annotations

from ...op import FUNCTIONS
from ...tensor import Tensor


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0); `inplace` overwrites x."""
    output: Tensor = FUNCTIONS["relu_" if inplace else "relu"](input)
    return output


def relu_(input: Tensor) -> Tensor:
    """max(x, 0), written over x."""
    return relu(input, True)


def sigmoid(input: Tensor) -> Tensor:
    """1/(1 + e⁻ˣ)."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return input.tanh()


def softsign(input: Tensor) -> Tensor:
    """x/(1 + |x|)."""
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh x."""
    return input - input.tanh()
