"""Pairs of uniform numbers to pairs of normal ones, to the bit as torch's CPU kernels do it for 16 numbers and more.

(u, v) → √(−2·ln(1 − u)) · (cos 2πv, sin 2πv), the eight u of a block of sixteen standing before its eight v. In float64
the functions are the C library's. In float32 they are the polynomials of the Cephes library with fused multiply-adds:
these polynomials, not the logarithm and the sine, are what torch computes.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_FLOAT32, _FLOAT64 = np.dtype("f4"), np.dtype("f8")
_CHUNK = 512  # blocks of sixteen at a time, so that the intermediate arrays stay in the processor's cache


def _float32(*values: float) -> list[Array]:
    """The values rounded to float32, as 0-d float64 arrays: numpy is quicker with them than with Python floats."""
    return [np.asarray(np.float32(v), _FLOAT64) for v in values]


_LOG = _float32(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_LN2_HIGH, _LN2_LOW = _float32(0.693359375, -2.12194440e-4)
_SQRT_HALF, _MINUS_HALF, _ONE, _MINUS_TWO = _float32(math.sqrt(0.5), -0.5, 1, -2)
_TWO_PI, _FOUR_OVER_PI = _float32(2 * math.pi, 4 / math.pi)
_QUARTER_PI = _float32(-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)  # −π/4 in three parts
_SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SINCOS = [np.reshape(_float32(*pair), (2, 1, 1)) for pair in zip(_SIN, _COS, strict=True)]


def box_muller(uniform: Array) -> Array:
    """Standard normal numbers from as many uniform ones in [0, 1), in whole blocks of sixteen, float32 or float64."""
    kernel = _blocks_float32 if uniform.dtype == _FLOAT32 else _blocks_float64
    blocks = uniform.reshape(-1, 2, 8)
    normal = np.empty_like(blocks)
    for i in range(0, len(blocks), _CHUNK):
        u, v = blocks[i : i + _CHUNK, 0], blocks[i : i + _CHUNK, 1]
        normal[i : i + _CHUNK, 0], normal[i : i + _CHUNK, 1] = kernel(1 - u, v)
    return normal.reshape(-1)


def libm(function: Callable[[float], float], x: Array) -> Array:
    """A function of the C library on every element: numpy's own float64 functions differ on some processors."""
    return np.fromiter(map(function, x.ravel().tolist()), _FLOAT64, x.size).reshape(x.shape)


def _blocks_float64(u: Array, v: Array) -> tuple[Array, Array]:
    radius = np.sqrt(-2 * libm(math.log, u))
    angle = 2 * math.pi * v
    points = map(cmath.rect, radius.ravel().tolist(), angle.ravel().tolist())
    plane = np.fromiter(points, np.complex128, u.size).reshape(u.shape)
    return plane.real, plane.imag


# From here on float64 arrays hold float32 numbers: each step is computed in float64 and rounded once to float32. For
# +, −, × and √ this is float32 arithmetic. For a·b + c it is a fused multiply-add unless the float64 sum is rounded to
# a midpoint of two float32, and for none of the 2²⁴ values that u and v can take is it (a test tries them all).


def _round(x: Array) -> Array:
    return x.astype(_FLOAT32).astype(_FLOAT64)


def _blocks_float32(u: Array, v: Array) -> tuple[Array, Array]:
    radius = _round(np.sqrt(_MINUS_TWO * _log(u)))
    sine, cosine = _sincos(_round(_TWO_PI * v))
    return radius * cosine, radius * sine


def _log(x: Array) -> Array:
    mantissa, exponent = np.frexp(x.astype(_FLOAT64))
    small = mantissa < _SQRT_HALF
    power = (exponent - small).astype(_FLOAT64)
    m = mantissa * (_ONE + small) - _ONE  # exact; x = (1 + m)·2^power with m from √½ − 1 to √2 − 1
    square = _round(m * m)
    y = _LOG[0]
    for coefficient in _LOG[1:]:
        y = _round(y * m + coefficient)
    y = _round(_round(y * m) * square + _round(power * _LN2_LOW))
    y = _round(square * _MINUS_HALF + y)
    return _round(power * _LN2_HIGH + _round(m + y))


def _sincos(x: Array) -> tuple[Array, Array]:
    octant = (_round(x * _FOUR_OVER_PI).astype(np.int32) + 1) & ~1  # its multiple of π/4 becomes the origin
    for part in _QUARTER_PI:
        x = _round(octant * part + x)
    square = _round(x * x)

    y = _SINCOS[0]
    for coefficient in _SINCOS[1:]:
        y = _round(y * square + coefficient)  # both polynomials at once
    y = _round(y * square)
    sine = _round(y[0] * x + x)
    cosine = _round(_round(y[1] * square + square * _MINUS_HALF) + _ONE)

    swap = (octant & 2) != 0
    sine, cosine = np.where(swap, cosine, sine), np.where(swap, sine, cosine)
    return np.where(octant & 4, -sine, sine), np.where((octant - 2) & 4, cosine, -cosine)
