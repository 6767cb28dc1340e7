"""Kernels that round as torch's on a CPU, to the last bit.

torch's own kernels are compiled with fused multiply-add and add up in the order of `cascade`: they are followed here
(torch 2.13, x86-64). Its matrix products and elementary functions come from libraries that are not its own, whose bits
depend on the brand of the CPU. In their place stand the plainest definitions there are, which torch can be given, too:
products are chains over the inner index from left to right, every product and every sum rounded, a bias added last;
elementary functions are numpy's in float64, rounded.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import chains
from . import numpy as plain
from .cascade import BYTES, folded, sum_over
from .fused import fma
from .layout import vectorised
from .sequential import euclidean, spread_around, taxicab, welford

Array = Any  # a numpy array, or the numpy scalar that a 0-d operation returns

# -- elementary functions ----------------------------------------------------------------------------------------------


def _through_float64(function: np.ufunc) -> Callable[..., Array]:
    """The function computed in float64 and rounded once to the type of its arguments."""

    @functools.wraps(function, updated=())
    def rounded(*x: Array) -> Array:
        return function(*x, dtype=np.float64).astype(np.result_type(*x), copy=False)

    return rounded


exp, exp2, expm1 = map(_through_float64, (np.exp, np.exp2, np.expm1))
log, log2, log10, log1p = map(_through_float64, (np.log, np.log2, np.log10, np.log1p))
sin, cos, tan = map(_through_float64, (np.sin, np.cos, np.tan))
asin, acos, atan, atan2 = map(_through_float64, (np.arcsin, np.arccos, np.arctan, np.arctan2))
sinh, cosh, tanh = map(_through_float64, (np.sinh, np.cosh, np.tanh))
power = _through_float64(np.power)
sqrt = np.sqrt  # correctly rounded as it stands


def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ)."""
    return (1 / (1 + np.exp(-x, dtype=np.float64))).astype(x.dtype, copy=False)


def pow(x: Array, y: Array) -> Array:
    """xʸ; for a number y of ±½, −1, ±2 and 3 by roots, products and quotients, as torch computes them."""
    if type(y) not in (int, float):
        return power(x if isinstance(x, np.ndarray) else np.result_type(x, y).type(x), y)
    one = np.result_type(x).type(1)
    if y == 2:
        return x * x
    if y == 3:
        return x * x * x
    if y == -1:
        return one / x
    if y == -2:
        return one / (x * x)
    if y == 0.5:
        return sqrt(x)
    if y == -0.5:
        return one / np.sqrt(x)
    return power(x, np.result_type(x).type(y))


# -- element by element ------------------------------------------------------------------------------------------------


def _fused(*x: Array) -> bool:
    """Whether torch computes with elements of their type in fused multiply-adds."""
    return np.result_type(*x).char in "fd"


def tanh_backward(g: Array, y: Array) -> Array:
    """g·(1 − y²)."""
    return g * fma(-y, y, 1.0) if _fused(y) else plain.tanh_backward(g, y)


def add_scaled(x: Array, y: Array, alpha: float, out: Array | None = None) -> Array:
    """x + alpha·y; into `out` where there is one, which may be x."""
    if not _fused(x, y):
        return plain.add_scaled(x, y, alpha, out)
    if alpha in (1, -1):  # the product is exact
        return (np.add if alpha == 1 else np.subtract)(x, y, out)
    return _into(out, fma(y, alpha, x))


def addcmul(x: Array, a: Array, b: Array, value: float, out: Array | None = None) -> Array:
    """x + value·a·b; into `out` where there is one, which may be x."""
    if not _fused(x, a, b):
        return plain.addcmul(x, a, b, value, out)
    return _into(out, fma(value * a, b, x))


def addcdiv(x: Array, a: Array, b: Array, value: float, out: Array | None = None) -> Array:
    """x + value·a/b; into `out` where there is one, which may be x."""
    return plain.addcdiv(x, a, b, value, out)


def lerp(x: Array, end: Array, weight: Array | float, out: Array | None = None) -> Array:
    """x + weight·(end − x), from whichever end is nearer; into `out` where there is one, which may be x."""
    if not _fused(x):
        return plain.lerp(x, end, weight, out)
    way = end - x
    if isinstance(weight, np.ndarray) and weight.ndim:
        weight = weight.astype(x.dtype, copy=False)
        return np.where(np.abs(weight) < 0.5, fma(weight, way, x), fma(weight - 1, way, end))
    weight = x.dtype.type(weight)
    return _into(out, fma(way, weight, x) if abs(weight) < 0.5 else fma(way, weight - 1, end))


def _into(out: Array | None, result: Array) -> Array:
    if out is None:
        return result
    out[...] = result
    return out


# -- sums --------------------------------------------------------------------------------------------------------------


def sum(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """Σ over the given axes; an empty tuple sums nothing."""
    return sum_over(x, axis, keepdims) if _fused(x) else plain.sum(x, axis, keepdims)


def column_sums(x: Array) -> Array:
    """Σ down every column of a matrix whose rows lie in memory, row after row."""
    total = plain.column_sums(x) if x.shape[1] > 1 else np.add.accumulate(x, 0)[-1]
    return total + x.dtype.type(0)  # a sum begins with 0: it is not −0


def column_products(a: Array, b: Array) -> Array:
    """Σ a·b likewise."""
    return chains.down_columns(a, b)


def less_product(x: Array, a: Array, row: Array, dense: bool) -> Array:
    """x − a·row for matrices x and a, which may be written to; `dense`: their rows lay in memory where they came from."""
    lanes = BYTES // x.itemsize
    fused = x.shape[1] - x.shape[1] % lanes if dense else 0  # what fills no vector was compiled without multiply-adds
    x[:, fused:] -= a[:, fused:] * row[..., fused:]
    x[:, :fused] = fma(a[:, :fused], -row[..., :fused], x[:, :fused])
    return x


def mean(x: Array, axis: Any, keepdims: bool, count: int) -> Array:
    """Σ / count over the given axes."""
    return sum(x, axis, keepdims) / count


def norm(x: Array, order: float, axis: Any, keepdims: bool) -> Array:
    """(Σ|x|ᵖ)^(1/p) over the given axes, for a finite order p that is not 0; only those of order 1 and 2 are torch's."""
    if order not in (1, 2) or not _fused(x) or not x.size:
        return plain.norm(x, order, axis, keepdims)
    return (taxicab if order == 1 else euclidean)(x, axis, keepdims)


def moments(x: Array, axis: Any, keepdims: bool, correction: float, with_mean: bool) -> tuple[Array, Array]:
    """Variance Σ(x − mean)²/(n − correction) and mean over the given axes, in float64; the mean if it is asked for."""
    if not _fused(x) or not x.size:
        return plain.moments(x, axis, keepdims, correction, with_mean)
    if with_mean or (axis is not None and math.prod(n for a, n in enumerate(x.shape) if a not in axis) > 1):
        return welford(x, axis, keepdims, correction)
    average = np.float64(mean(x, None, False, x.size))
    shape = (1,) * (x.ndim if keepdims else 0 if axis is None else x.ndim - len(axis))
    return spread_around(x, average, correction).reshape(shape), np.full(shape, average)


# -- softmax -----------------------------------------------------------------------------------------------------------
# Along the last axis torch adds in vectors, else element after element. These vectors are those of a CPU without AVX-512;
# with it they are twice as wide, and sums of more than 8 float32 or 4 float64 are added in another order. The sum in the
# gradient of softmax is here that of several threads: with one, the compiler has fused some of its float32 products.


def softmax(x: Array, axis: int) -> Array:
    """eˣ/Σeˣ along an axis; along the last one eˣ·(1/Σeˣ)."""
    if not _fused(x):
        return plain.softmax(x, axis)
    e = exp(x - np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf))
    total = _along(e, axis)
    return e * (1 / total) if axis == x.ndim - 1 else e / total


def log_softmax(x: Array, axis: int) -> Array:
    """x − ln Σeˣ along an axis."""
    if not _fused(x):
        return plain.log_softmax(x, axis)
    x = x - np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    return x - log(_along(exp(x), axis))


def softmax_backward(g: Array, y: Array, axis: int) -> Array:
    """(g − Σ g·y)·y, the sum being along an axis."""
    if not _fused(g, y):
        return plain.softmax_backward(g, y, axis)
    if axis == y.ndim - 1:
        return (g - _along(g * y, axis)) * y
    rows = zip(*(np.moveaxis(np.broadcast_to(x, y.shape), axis, 0) for x in (g, y)), strict=True)
    total = functools.reduce(lambda total, row: fma(row[0], row[1], total), rows, np.zeros((), y.dtype))
    return (g - np.expand_dims(total, axis)) * y


def log_softmax_backward(g: Array, y: Array, axis: int) -> Array:
    """g − eʸ·Σ g, the sum being along an axis."""
    if not _fused(g, y):
        return plain.log_softmax_backward(g, y, axis)
    return fma(-exp(y), _along(np.broadcast_to(g, y.shape), axis), g)


def _along(x: Array, axis: int) -> Array:
    """The sum along an axis, which stays."""
    if axis == x.ndim - 1:
        return folded(x)[..., None]
    return np.expand_dims(np.add.accumulate(x, axis).take(-1, axis), axis)


# -- products ----------------------------------------------------------------------------------------------------------

scaled_sum = plain.scaled_sum


class Products:
    """The matrix products that follow from one kind of chain: of what it starts with, if anything, and two matrices."""

    def __init__(self, chain: Callable[[Array | None, Array, Array], Array]) -> None:
        self._chain = chain

    def matmul(self, a: Array, b: Array) -> Array:
        """The matrix product over the last two dimensions, as numpy.matmul."""
        if not _fused(a, b):
            return plain.matmul(a, b)
        left, right = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
        result = self._chain(None, left, right)
        if a.ndim == 1:
            result = result[..., 0, :]
        return result[..., 0] if b.ndim == 1 else result

    dot = matmul

    def addmm(self, bias: Array, a: Array, b: Array, beta: float = 1, alpha: float = 1) -> Array:
        """beta·bias + alpha·(a @ b)."""
        if not _fused(a):
            return plain.addmm(bias, a, b, beta, alpha)
        if alpha == 1 and beta == 1:
            return self._chain(bias, a, b)
        return scaled_sum(bias, self._chain(None, a, b), beta, alpha)


def products(fused: bool) -> dict[str, Callable[..., Array]]:
    """The matrix products by their kernels' names."""
    of = Products(chains.fused if fused else chains.plain)
    return {"matmul": of.matmul, "dot": of.dot, "addmm": of.addmm}


# -- losses ------------------------------------------------------------------------------------------------------------

mse_loss, mse_loss_backward = plain.mse_loss, plain.mse_loss_backward
smooth_l1_loss = plain.smooth_l1_loss
AT_ONCE = 64  # bytes that a kernel takes at once where it computes in vectors: two of them


def huber_loss(x: Array, t: Array, delta: float) -> Array:
    """½·z·z where z = |x − t| < delta, else delta·(z − ½·delta)."""
    dtype = x.dtype.char
    half, width = plain.number(0.5, dtype), plain.number(delta, dtype)
    z = np.abs(x - t)
    return np.where(z < width, half * z * z, width * (z - half * width))


def huber_loss_backward(g: Array, x: Array, t: Array, norm: float, delta: float) -> Array:
    """norm·d·g where d = x − t is limited to ±delta; outside of vectors it is norm·g·delta in float64."""

    def alone(result: Array, d: Array, g: Array) -> Array:
        return np.where(np.abs(d) > delta, np.copysign(1, d) * factor * g * np.float64(delta), result)

    dtype = x.dtype.char
    d, factor = x - t, plain.number(norm, dtype)
    near = np.minimum(np.maximum(d, plain.number(-delta, dtype)), plain.number(delta, dtype))
    return _one_by_one(factor * near * g, d, x, t, g, alone)


def smooth_l1_loss_backward(g: Array, x: Array, t: Array, norm: float, beta: float) -> Array:
    """norm·d·g where d = (x − t)/beta is limited to ±1; outside of vectors it is norm·(x − t)·g/beta in float64."""

    def alone(result: Array, d: Array, g: Array) -> Array:
        return np.where(np.abs(d) < beta, factor * d * g / np.float64(beta), result)

    d, factor, width = x - t, plain.number(norm, x.dtype.char), x.dtype.type(beta)
    sign = np.copysign(x.dtype.type(1), d)
    return _one_by_one(factor * np.where(np.abs(d) >= width, sign, d / width) * g, d, x, t, g, alone)


def _one_by_one(result: Array, d: Array, x: Array, t: Array, g: Array, alone: Callable[..., Array]) -> Array:
    """The result with other values where torch's kernel does not compute in vectors."""
    result, d = np.asarray(result), np.asarray(d)
    at_once = AT_ONCE // x.itemsize
    dense = x.flags.c_contiguous and t.flags.c_contiguous and x.shape == t.shape
    if dense and (g.size == 1 or (g.flags.c_contiguous and g.shape == x.shape)):  # one loop, but for its end in vectors
        end = x.size - x.size % at_once
        last = result.reshape(-1)[end:]
        last[...] = alone(last, d.reshape(-1)[end:], g if g.size == 1 else g.reshape(-1)[end:])
    else:
        each = [np.broadcast_to(operand, result.shape) for operand in (x, t, g)]
        where = ~vectorised([np.empty(result.shape, result.dtype), *each], at_once)
        result[where] = alone(result[where], d[where], each[2][where])
    return result
