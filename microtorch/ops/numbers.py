"""A tensor and a number, as the operations that torch makes of others combine them.

In a script the number of x + 2 is a tensor, too, to which an edge of the graph would lead; inside of torch it is none,
and the nodes have a name of their own. Values are those of the usual operations.
"""

from __future__ import annotations

import numpy as np

from ..arguments import fit
from ..op import op
from ..tensor import Tensor, wrap
from .arithmetic import add, div, mul, sub


@op(input=lambda g: g, node="AddBackward1", out=False, public=False)
def plus_number(input, number):
    """x + number."""
    return add(wrap(input), number)._array


@op(input=lambda g: g, node="SubBackward1", out=False, public=False)
def minus_number(input, number):
    """x − number."""
    return sub(wrap(input), number)._array


@op(
    input=lambda g, number: times_number(g, number),
    node="MulBackward1",
    shows={"other": "number"},
    out=False,
    public=False,
)
def times_number(input, number):
    """x·number."""
    return mul(wrap(input), number)._array


@op(
    input=lambda g, number: over_number(g, number),
    node="DivBackward1",
    shows={"other": "number"},
    out=False,
    public=False,
)
def over_number(input, number):
    """x / number."""
    return div(wrap(input), number)._array


def less_tensor(number: float, tensor: Tensor) -> Tensor:
    """number − x; here the number is a tensor inside of torch, too, and of the dtype of x."""
    return sub(wrap(np.array(fit(number, tensor.dtype))), tensor)
