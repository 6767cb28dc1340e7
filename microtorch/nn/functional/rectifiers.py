"""Nonlinearities made of straight lines, and of a line and an exponential."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arguments import to_number
from ...op import FUNCTIONS, unpublished
from ...ops import piecewise, rectifiers
from ...ops.arithmetic import require_tensor
from ...ops.piecewise import threshold_ as threshold_
from ...ops.rectifiers import celu_ as celu_
from ...ops.rectifiers import prelu as prelu
from ...ops.rectifiers import rrelu_ as rrelu_
from ...ops.rectifiers import selu_ as selu_
from ...tensor import Tensor

hardshrink = FUNCTIONS["hardshrink"]


def arguments(input: Any, **numbers: Any) -> list[Any]:
    """The arguments of an activation: a tensor and numbers."""
    require_tensor("input", 1, input)
    return [input, *(to_number(name, place, value) for place, (name, value) in enumerate(numbers.items(), 2))]


# -- rectifiers --------------------------------------------------------------------------------------------------------


@unpublished
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where it is positive, else negative_slope·x."""
    if inplace:
        return leaky_relu_(input, negative_slope)
    return rectifiers.leaky_relu(*arguments(input, negative_slope=negative_slope))


@unpublished
def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu` in place."""
    return rectifiers.leaky_relu_(*arguments(input, negative_slope=negative_slope))


@unpublished
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where it is positive, else alpha·(eˣ − 1)."""
    return elu_(input, alpha) if inplace else rectifiers.elu(*arguments(input, alpha=alpha))


@unpublished
def elu_(input: Tensor, alpha: float = 1) -> Tensor:
    """`elu` in place."""
    return rectifiers.elu_(*arguments(input, alpha=alpha))


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """λ·x where x > 0, else λ·α·(eˣ − 1), with λ and α that keep mean and variance."""
    return selu_(input) if inplace else rectifiers.selu(input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where it is positive, else alpha·(exp(x/alpha) − 1)."""
    return celu_(input, alpha) if inplace else rectifiers.celu(input, alpha)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x where it is positive, else a·x, with a drawn for every element in training and else in the middle."""
    return rrelu_(input, lower, upper, training) if inplace else rectifiers.rrelu(input, lower, upper, training)


# -- straight lines ----------------------------------------------------------------------------------------------------


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it is greater than the threshold, else the value."""
    return (threshold_ if inplace else piecewise.threshold)(input, threshold, value)


threshold.__name__ = threshold.__qualname__ = "_threshold"  # torch's, which Python says of missing arguments


@unpublished
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x limited to [min_val, max_val]."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if inplace:
        return hardtanh_(input, min_val, max_val)
    return piecewise.hardtanh(*arguments(input, min_val=min_val, max_val=max_val))


@unpublished
def hardtanh_(input: Tensor, min_val: float = -1, max_val: float = 1) -> Tensor:
    """`hardtanh` in place."""
    return piecewise.hardtanh_(*arguments(input, min_val=min_val, max_val=max_val))


@unpublished
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """x limited to [0, 6]."""
    return (piecewise.hardtanh_ if inplace else piecewise.hardtanh)(*arguments(input), 0, 6)


@unpublished
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """(x + 3)/6 limited to [0, 1]."""
    return (piecewise.hardsigmoid_ if inplace else piecewise.hardsigmoid)(*arguments(input))


@unpublished
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·(x + 3)/6, the second factor limited to [0, 1]."""
    return (piecewise.hardswish_ if inplace else piecewise.hardswish)(*arguments(input))


@unpublished
def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """x brought nearer to 0 by lambd; 0 where it is nearer than that."""
    checked = arguments(input, lambd=lambd)
    largest = float(np.finfo(input.dtype.numpy).max) if input.dtype.is_floating_point else 0
    if input.dtype.is_floating_point and not 0 <= checked[1] <= largest:
        raise RuntimeError(
            f"lambda must be in range [0, {largest:g}] for input dtype {input.dtype.legacy_name}, but found {lambd:g}"
        )
    return piecewise.softshrink(*checked, out=out)
