"""The fused multiply-add a·b + c with one rounding, which numpy does not have and torch's CPU kernels use everywhere.

float32 goes through float64, where the product of two float32 is exact: only the sum is rounded, then the result is
rounded again to float32. Rounding twice goes wrong only where the first rounding lands on the midpoint of two float32;
there the first one must round to odd, which keeps the second informed of what was cut off.

float64 has no wider type to go through. Veltkamp and Dekker's product and Knuth's sum write a·b + c as an exact
unevaluated sum of three floats, and rounding the two small ones to odd makes the last addition round correctly
(Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008).
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_FLOAT32, _FLOAT64, _INT64 = map(np.dtype, ("f4", "f8", "i8"))
_LAST_28 = np.array(2**28 - 1)
_LAST_28_ZERO = 2.0**28 + 1  # multiplied by it, a float64 tells its first 25 bits from the others (Veltkamp)
_CHUNK = 8192  # elements
_FEW = 32  # float64 elements, for which exact arithmetic is the quicker way
_FEWER = 4  # float32 elements, for which Python's floats are quicker than numpy's arrays
_SPLIT = 2.0**27 + 1  # cuts the 53 bits of a float64 into two halves whose products are exact
_SMALL, _LARGE = 2.0**-900, 2.0**900  # between these no step of the float64 algorithm over- or underflows


def fma(a: Any, b: Any, c: Any) -> Any:
    """a·b + c with broadcasting, rounded once; float32 or float64, Python numbers taking the type of the others.

    An array, except of numpy's single numbers, of which it is one itself.
    """
    kind = type(c)
    if kind in _SINGLE and type(a) is kind and type(b) in (kind, float, int):
        return kind(_SINGLE[kind](float(a), float(kind(b)), float(c)))
    dtype = np.result_type(a, b, c)
    if dtype not in (_FLOAT32, _FLOAT64):
        raise TypeError(f"fma is defined for float32 and float64, not for {dtype}")
    a, b, c = np.asarray(a, dtype), np.asarray(b, dtype), np.asarray(c, dtype)
    largest = max(a.size, b.size, c.size)
    if largest <= _FEWER and dtype == _FLOAT32:
        shape = a.shape or b.shape or c.shape
        if a.shape in (shape, ()) and b.shape in (shape, ()) and c.shape in (shape, ()):
            return _fma_few(a, b, c, shape)
    kernel = _fma_float32 if dtype == _FLOAT32 else _fma_float64
    with np.errstate(all="ignore"):
        return kernel(a, b, c) if largest <= _CHUNK else _in_chunks(kernel, a, b, c)


def _fma_few(a: Array, b: Array, c: Array, shape: tuple[int, ...]) -> Array:
    """The same for few float32 of this shape and numbers."""
    size = math.prod(shape)
    lists = [x.ravel().tolist() if x.size == size else [x.item()] * size for x in (a, b, c)]
    # Python's arrays round to the nearest float32, and say nothing of overflow.
    return np.ndarray(shape, _FLOAT32, array("f", map(_to_be_rounded, *lists))).copy()


def _to_be_rounded(a: float, b: float, c: float) -> float:
    """The float64 that rounds to float32 as a·b + c does, for float32 a, b and c."""
    product = a * b
    total = product + c
    scaled = total * _LAST_28_ZERO
    if scaled - (scaled - total) == total:  # perhaps the midpoint of two float32: of what was cut off, the sign decides
        shadow = total - product
        error = (product - (total - shadow)) + (c - shadow)
        if error:
            return math.nextafter(total, math.copysign(math.inf, error))
    return total


def _fma_single(a: float, b: float, c: float) -> float:
    return array("f", (_to_be_rounded(a, b, c),))[0]


def _in_chunks(kernel: Callable[..., Array], *operands: Array) -> Array:
    """The same piece by piece, several times as fast while the intermediate arrays fit into the processor's cache."""
    shape = np.broadcast_shapes(*(x.shape for x in operands))
    flat = [x.reshape(1) if x.size == 1 else np.broadcast_to(x, shape).reshape(-1) for x in operands]
    result = np.empty(math.prod(shape), operands[0].dtype)
    for i in range(0, result.size, _CHUNK):
        result[i : i + _CHUNK] = kernel(*(x if x.size == 1 else x[i : i + _CHUNK] for x in flat))
    return result.reshape(shape)


def _fma_float32(a: Array, b: Array, c: Array) -> Array:
    product = np.multiply(a, b, dtype=_FLOAT64)
    c = c.astype(_FLOAT64)
    total = np.asarray(product + c)
    result = total.astype(_FLOAT32)
    doubt = doubtful(total, result)
    if doubt is not None and doubt.any():
        product, c = (np.broadcast_to(x, total.shape)[doubt] for x in (product, c))
        result[doubt] = _add_to_odd(product, c).astype(_FLOAT32)
    return result


def doubtful(total: Array, rounded: Array) -> Array | None:
    """Where rounding to float32 a float64 that is rounded itself may have gone wrong: at midpoints of two float32."""
    last = total.view(_INT64) & _LAST_28  # a midpoint lacks these bits, and so does every float32
    if np.count_nonzero(last) == last.size:
        return None
    return (last == 0) & (total != rounded)


def _fma_float64(a: Array, b: Array, c: Array) -> Array:
    product = np.asarray(a * b)
    if product.size + c.size <= _FEW:
        return np.asarray(_one_by_one(a, b, c), _FLOAT64)
    size = np.abs(product)
    easy = (size < _LARGE) & (np.abs(a) < _LARGE) & (np.abs(b) < _LARGE) & (np.abs(c) < _LARGE)
    nothing = (a == 0) | (b == 0)  # then a·b + c is right as it stands, its sign included
    easy &= (size > _SMALL) | nothing

    low = _product_error(a, b, product)
    middle, rest = _two_sum(c, low)
    high, middle = _two_sum(product, middle)
    result = np.where(nothing, product + c, high + _add_to_odd(middle, rest))
    if not easy.all():
        hard = ~easy
        result[hard] = _one_by_one(*(np.broadcast_to(x, result.shape)[hard] for x in (a, b, c)))
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
    inexact = error != 0
    rounded_away = inexact & ((error < 0) != (total < 0))
    bits: Array = total.view(_INT64) - rounded_away  # sign and magnitude: back to the neighbour nearer zero
    bits |= inexact
    return bits.view(_FLOAT64)


def _fma_exact(a: float, b: float, c: float) -> float:
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return c if math.isfinite(a) and math.isfinite(b) else a * b + c
    if sys.version_info >= (3, 13):
        try:
            return math.fma(a, b, c)
        except OverflowError:
            return math.copysign(math.inf, a * b + c)
    (p, q), (r, s), (t, u) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    numerator = p * r * u + t * q * s
    if numerator == 0:
        return a * b + c  # knows the sign of zero
    try:
        return numerator / (q * s * u)  # Python rounds a quotient of integers correctly
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


_one_by_one = np.frompyfunc(_fma_exact, 3, 1)
_SINGLE: dict[Any, Callable[[float, float, float], float]] = {np.float32: _fma_single, np.float64: _fma_exact}
