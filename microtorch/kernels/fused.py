"""The fused multiply-add a·b + c with one rounding, which numpy does not have and torch's CPU kernels use everywhere.

float32 goes through float64, where the product of two float32 is exact: only the sum is rounded, then the result is
rounded again to float32. Rounding twice goes wrong only where the first rounding lands on the midpoint of two float32;
there the first one must round to odd, which keeps the second informed of what was cut off.

float64 has no wider type to go through. Veltkamp and Dekker's product and Knuth's sum write a·b + c as an exact
unevaluated sum of three floats, and rounding the two small ones to odd makes the last addition round correctly
(Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008).
"""

from __future__ import annotations

from fractions import Fraction
from math import copysign, inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray[Any, np.dtype[Any]]

_FLOAT32, _FLOAT64, _INT64 = map(np.dtype, ("f4", "f8", "i8"))
_LAST_28 = np.array(2**28 - 1)
_SPLIT = 2.0**27 + 1  # cuts the 53 bits of a float64 into two halves whose products are exact
_SMALL, _LARGE = 2.0**-900, 2.0**900  # between these no step of the float64 algorithm over- or underflows


def fma(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Array:
    """a·b + c elementwise with broadcasting, rounded once; float32 or float64, Python numbers taking the arrays' type."""
    dtype = np.result_type(a, b, c)
    with np.errstate(all="ignore"):
        if dtype == _FLOAT32:
            return _fma_float32(*(np.asarray(x, dtype) for x in (a, b, c)))
        if dtype == _FLOAT64:
            return _fma_float64(*(np.asarray(x, dtype) for x in (a, b, c)))
    raise TypeError(f"fma is defined for float32 and float64, not for {dtype}")


def _fma_float32(a: Array, b: Array, c: Array) -> Array:
    product = np.multiply(a, b, dtype=_FLOAT64)
    total = np.asarray(product + c)
    result = total.astype(_FLOAT32)
    # A midpoint of two float32 lacks, as a float64, the last 28 bits, and so does every float32.
    if not (total.view(_INT64) & _LAST_28).all():
        doubtful = ((total.view(_INT64) & _LAST_28) == 0) & (total != result)
        product, c = (np.broadcast_to(x, total.shape)[doubtful] for x in (product, c))
        result[doubtful] = _add_to_odd(product, c.astype(_FLOAT64)).astype(_FLOAT32)
    return result


def _fma_float64(a: Array, b: Array, c: Array) -> Array:
    product = a * b
    size = np.abs(product)
    easy = (size < _LARGE) & (np.abs(a) < _LARGE) & (np.abs(b) < _LARGE) & (np.abs(c) < _LARGE)
    nothing = (a == 0) | (b == 0)  # then a·b + c is right as it stands, its sign included
    easy &= (size > _SMALL) | nothing

    low = _product_error(a, b, product)
    middle, rest = _two_sum(c, low)
    high, middle = _two_sum(product, middle)
    result = np.asarray(np.where(nothing, product + c, high + _add_to_odd(middle, rest)))
    if not easy.all():
        operands = (np.broadcast_to(x, result.shape)[~easy].tolist() for x in (a, b, c))
        result[~easy] = list(map(_fma_exact, *operands))
    return result


def _product_error(a: Array, b: Array, product: Array) -> Array:
    """a·b − product, exactly."""
    a_high, b_high = (_SPLIT * x - (_SPLIT * x - x) for x in (a, b))
    a_low, b_low = a - a_high, b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """The rounded sum and what the rounding left out."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def _add_to_odd(a: Array, b: Array) -> Array:
    """a + b, rounded to whichever of its two neighbours has an odd last bit unless it is exact."""
    total, error = _two_sum(a, b)
    bits = np.asarray(total).view(np.int64)
    inexact = error != 0
    rounded_away = inexact & ((error < 0) != (total < 0))
    # On sign and magnitude: back to the neighbour nearer zero, then set the last bit.
    return ((bits - rounded_away) | inexact).view(np.float64)


def _fma_exact(a: float, b: float, c: float) -> float:
    """a·b + c in rational numbers, for the rim of float64."""
    if not (isfinite(a) and isfinite(b) and isfinite(c)):
        return c if isfinite(a) and isfinite(b) else a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c
    try:
        return copysign(float(exact), exact)
    except OverflowError:
        return copysign(inf, exact)
