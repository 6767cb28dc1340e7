"""Sums and products with a number, which in torch's own code leave nodes of other names than those of x + 2 and 2·x."""

from __future__ import annotations

import numpy as np

from ..op import FLOAT, pointwise


@pointwise(input=lambda g: g, node="AddBackward1", promotion=FLOAT, in_place=False, out=False, public=False)
def plus(input, number):
    """x + c."""
    return np.add(input, input.dtype.type(number))


@pointwise(
    input=lambda g, number: times(g, number),
    node="MulBackward1",
    promotion=FLOAT,
    in_place=False,
    out=False,
    public=False,
)
def times(input, number):
    """c·x."""
    return np.multiply(input, input.dtype.type(number))


@pointwise(
    input=lambda g, number: over(g, number),
    node="DivBackward1",
    promotion=FLOAT,
    in_place=False,
    out=False,
    public=False,
)
def over(input, number):
    """x/c."""
    return np.true_divide(input, input.dtype.type(number))
