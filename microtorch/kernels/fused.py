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
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray[Any, np.dtype[Any]]

_FLOAT32, _FLOAT64, _INT64 = map(np.dtype, ("f4", "f8", "i8"))
_LAST_28 = np.array(2**28 - 1)
_CHUNK = 8192  # elements
_FEW = 32  # elements, for which exact arithmetic is the quicker way
_SPLIT = 2.0**27 + 1  # cuts the 53 bits of a float64 into two halves whose products are exact
_SMALL, _LARGE = 2.0**-900, 2.0**900  # between these no step of the float64 algorithm over- or underflows


def fma(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Array:
    """a·b + c with broadcasting, rounded once; float32 or float64, Python numbers taking the type of the arrays."""
    dtype = np.result_type(a, b, c)
    if dtype not in (_FLOAT32, _FLOAT64):
        raise TypeError(f"fma is defined for float32 and float64, not for {dtype}")
    kernel = _fma_float32 if dtype == _FLOAT32 else _fma_float64
    a, b, c = np.asarray(a, dtype), np.asarray(b, dtype), np.asarray(c, dtype)
    with np.errstate(all="ignore"):
        return kernel(a, b, c) if max(a.size, b.size, c.size) <= _CHUNK else _in_chunks(kernel, a, b, c)


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
    _mend(result, total, product, c)
    return result


def _mend(result: Array, total: Array, product: Array, c: Array) -> None:
    """Round product + c again where rounding it twice, to `total` and then to float32, may have gone wrong."""
    # A midpoint of two float32 lacks, as a float64, the last 28 bits, and so does every float32.
    if np.count_nonzero(total.view(_INT64) & _LAST_28) < total.size:
        doubtful = ((total.view(_INT64) & _LAST_28) == 0) & (total != result)
        if doubtful.any():
            product, c = (np.broadcast_to(x, total.shape)[doubtful] for x in (product, c))
            result[doubtful] = _add_to_odd(product, c).astype(_FLOAT32)


def chain(a: Array, b: Array) -> Array:
    """Σₖ a[…, i, k]·b[…, k, j] in fused multiply-adds, k from left to right."""
    steps = a.shape[-1]
    result = np.ascontiguousarray(a[..., :, 0, None] * b[..., None, 0, :])
    if result.dtype == _FLOAT64:
        for k in range(1, steps):
            result = fma(a[..., :, k, None], b[..., None, k, :], result)
        return result
    a, b, sum_so_far = a.astype(_FLOAT64), b.astype(_FLOAT64), result.astype(_FLOAT64)
    product, total = np.empty(result.shape), np.empty(result.shape)
    with np.errstate(all="ignore"):
        for k in range(1, steps):
            np.multiply(a[..., :, k, None], b[..., None, k, :], out=product)
            np.add(product, sum_so_far, out=total)
            np.copyto(result, total, casting="same_kind")
            _mend(result, total, product, sum_so_far)
            np.copyto(sum_so_far, result)
    return result


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
