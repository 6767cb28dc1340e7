"""Formulas that hold on stretches of the axis, and polynomials: what the special functions are made of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any  # a numpy array, or the numpy scalar that a 0-d operation returns
Stretch = tuple[Array, Callable[[Array], Array]]  # where a formula holds, and the formula


def piecewise(x: Array, stretches: Sequence[Stretch]) -> Array:
    """Each formula where it holds, elsewhere nan; laid out as numpy's own functions would."""
    x = np.asarray(x)
    result = np.asarray(x * x.dtype.type(np.nan))
    for where, formula in stretches:
        if where.any():
            result[where] = formula(x[where])
    return result


def in_float64(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The function computed in float64 and rounded to the dtype of its argument."""

    @functools.wraps(function)
    def rounded(x: Array) -> Array:
        wide = np.positive(x, dtype=np.float64)  # laid out as other functions' results, which a conversion is not
        return np.asarray(function(wide)).astype(x.dtype, copy=False)

    return rounded


def polynomial(x: Array, *coefficients: float) -> Array:
    """c₀ + c₁x + c₂x² + …, by Horner's scheme."""
    total: Array = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = c + x * total
    return total


def correctly(function: Callable[..., Array], x: Array) -> Array:
    """A function of numpy's in float64, rounded to the dtype of x: numpy's own of float32 is less precise than C's."""
    return function(x, dtype=np.float64).astype(x.dtype, copy=False)
