"""The default kernels: numpy's own, as fast as numpy goes."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy import ndarray

from . import cascade

Array = Any  # a numpy array, or the numpy scalar that a 0-d operation returns

exp, exp2, expm1 = np.exp, np.exp2, np.expm1
log, log2, log10, log1p = np.log, np.log2, np.log10, np.log1p
sin, cos, tan = np.sin, np.cos, np.tan
asin, acos, atan, atan2 = np.arcsin, np.arccos, np.arctan, np.arctan2
sinh, cosh, tanh = np.sinh, np.cosh, np.tanh
sqrt = np.sqrt


def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ)."""
    return 1 / (1 + np.exp(-x))


def tanh_backward(g: Array, y: Array) -> Array:
    """g·(1 − y²)."""
    return g * (1 - y * y)


def pow(x: Array, y: Array) -> Array:
    """xʸ; small whole exponents by multiplication."""
    if type(y) in (int, float):
        if y == 2:
            return x * x
        if y == 3:
            return x * x * x
        if y == 1:
            return np.positive(x)
    return np.power(x, y)


_ONE = np.array(1, np.int8)
_ZEROS = {kind: (np.array(0, kind), np.dtype(whole)) for kind, whole in (("e", "i2"), ("f", "i4"), ("d", "i8"))}


def threshold_backward(g: Array, x: Array) -> Array:
    """g where x > 0 or nan, else 0; made of bits, as numpy's `where` takes ten times as long on signs without order."""
    zero, whole = _ZEROS[g.dtype.char]
    kept = (x <= zero).view(np.int8) - _ONE  # no bits or all
    result = np.empty(x.shape if x.shape == g.shape else np.broadcast_shapes(x.shape, g.shape), g.dtype)
    np.bitwise_and(kept, g.view(whole), result.view(whole))
    return result


def add_scaled(x: Array, y: Array, alpha: float, out: Array | None = None) -> Array:
    """x + alpha·y; into `out` where there is one, which may be x."""
    return x + alpha * y if out is None else np.add(x, quick(alpha, y) * y, out)


def addcmul(x: Array, a: Array, b: Array, value: float, out: Array | None = None) -> Array:
    """x + value·a·b; into `out` where there is one, which may be x."""
    product = a * b if value == 1 else quick(value, a) * a * b
    return x + product if out is None else np.add(x, product, out)


def addcdiv(x: Array, a: Array, b: Array, value: float, out: Array | None = None) -> Array:
    """x + value·a/b; into `out` where there is one, which may be x."""
    return x + value * a / b if out is None else np.add(x, quick(value, a) * a / b, out)


def lerp(x: Array, end: Array, weight: Array | float, out: Array | None = None) -> Array:
    """x + weight·(end − x), from whichever end is nearer; into `out` where there is one, which may be x."""
    if isinstance(weight, np.ndarray):
        return np.where(np.abs(weight) < 0.5, x + weight * (end - x), end - (end - x) * (1 - weight))
    near, way = abs(weight) < 0.5, end - x
    start, step = (x, quick(weight, way) * way) if near else (end, -(quick(1 - weight, way) * way))
    return start + step if out is None else np.add(start, step, out)


def quick(value: float, x: Array) -> Array | float:
    """The number `value` in the form in which numpy soonest computes with x."""
    return nonzero(value, x.dtype.char) if type(x) is ndarray and type(value) is float and value else value


TOTAL = 1024  # up to so many elements a total is added in torch's order: a printed loss then has torch's digits


def sum(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """Σ over the given axes; an empty tuple sums nothing."""
    if axis is None and x.size <= TOTAL and x.dtype.char in "fd" and x.flags.c_contiguous and not keepdims:
        return cascade.total(x)
    return _add(x, axis, keepdims)


def _add(x: Array, axis: Any, keepdims: bool) -> Array:
    total: Array = np.add.reduce(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]  # numpy's stubs know literals
    return total


def column_sums(x: Array) -> Array:
    """Σ down every column of a matrix whose rows lie in memory, row after row."""
    return _add(x, 0, False)


def column_products(a: Array, b: Array) -> Array:
    """Σ a·b likewise."""
    return _add(a * b, 0, False)


def less_product(x: Array, a: Array, row: Array, dense: bool) -> Array:
    """x − a·row for matrices x and a, which may be written to; `dense`: their rows lay in memory where they came from."""
    return np.subtract(x, np.multiply(a, row, a), x)


def mean(x: Array, axis: Any, keepdims: bool, count: int) -> Array:
    """Σ / count over the given axes."""
    return sum(x, axis, keepdims) / count


def norm(x: Array, order: float, axis: Any, keepdims: bool) -> Array:
    """(Σ|x|ᵖ)^(1/p) over the given axes, for a finite order p that is not 0."""
    size = np.abs(x, dtype=np.float64)
    if order == 1:
        total = _add(size, axis, keepdims)
    elif order == 2:
        total = np.sqrt(_add(size * size, axis, keepdims))
    else:
        total = _add(size**order, axis, keepdims) ** (1 / order)
    return total.astype(x.dtype)


def moments(x: Array, axis: Any, keepdims: bool, correction: float, with_mean: bool) -> tuple[Array, Array]:
    """Variance Σ(x − mean)²/(n − correction) and mean over the given axes, in float64; the mean if it is asked for."""
    x = x.astype(np.float64, copy=False)
    n = x.size if axis is None else math.prod(x.shape[a] for a in axis)
    mean = np.true_divide(np.add.reduce(x, axis=axis, keepdims=True), n)
    square = _add(np.square(x - mean), axis, keepdims)
    variance = np.true_divide(square, max(n - correction, 0))
    return variance, mean.reshape(np.shape(variance))


def softmax(x: Array, axis: int) -> Array:
    """eˣ/Σeˣ along an axis."""
    e = exp(x - _largest(x, axis))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


def log_softmax(x: Array, axis: int) -> Array:
    """x − ln Σeˣ along an axis."""
    x = x - _largest(x, axis)
    return x - log(np.add.reduce(exp(x), axis=axis, keepdims=True))


def _largest(x: Array, axis: int) -> Array:
    return np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)


def softmax_backward(g: Array, y: Array, axis: int) -> Array:
    """(g − Σ g·y)·y, the sum being along an axis."""
    return (g - np.add.reduce(g * y, axis=axis, keepdims=True)) * y


def log_softmax_backward(g: Array, y: Array, axis: int) -> Array:
    """g − eʸ·Σ g, the sum being along an axis."""
    return g - exp(y) * np.add.reduce(g, axis=axis, keepdims=True)


matmul = np.matmul


# Σ aᵢbᵢ over the last dimension of a and the first of b, which have two dimensions at most.
dot = np.ndarray.dot  # the method: numpy's function of the name looks for overrides first


def addmm(bias: Array, a: Array, b: Array, beta: float = 1, alpha: float = 1) -> Array:
    """beta·bias + alpha·(a @ b)."""
    product = a.dot(b)
    if beta != 1 or alpha != 1:
        return scaled_sum(bias, product, beta, alpha)
    if bias.size == 1:
        bias = bias.squeeze()  # which needs no broadcasting
    return np.add(product, bias, product) if product.size > 1 else product + bias  # in place numpy is slow with one


def scaled_sum(x: Array, product: Array, beta: Any, alpha: Any) -> Array:
    """beta·x + alpha·product with the factors rounded to the dtype; with beta 0, x does not matter, nan included."""
    if beta == 1 and alpha == 1:
        return product + x
    beta, alpha = (np.asarray(factor).astype(product.dtype) for factor in (beta, alpha))
    if alpha != 1:
        product = product * alpha
    if beta == 0:
        return np.broadcast_to(product, np.broadcast_shapes(product.shape, x.shape)).copy()
    return product + (x if beta == 1 else x * beta)


def number(value: float, dtype: str) -> Array:
    """A number as a 0-d array, with which numpy computes faster than with a Python float; not to be written to."""
    return nonzero(value, dtype) if value else np.array(value, dtype)  # 0.0 and −0.0 are equal, and not the same


@functools.lru_cache(maxsize=256)
def nonzero(value: float, dtype: str) -> Array:
    """`number` for one that is not 0."""
    return np.array(value, dtype)


@functools.lru_cache(maxsize=256)
def nonzeros(dtype: str, *values: float) -> list[Array]:
    """The same for several."""
    return [np.array(value, dtype) for value in values]


def mse_loss(x: Array, t: Array) -> Array:
    """(x − t)²."""
    d = x - t
    return d * d


def mse_loss_backward(g: Array, x: Array, t: Array, norm: float) -> Array:
    """norm·(x − t)·g."""
    return times(nonzero(norm, x.dtype.char) * (x - t), g)


def times(x: Array, g: Array) -> Array:
    """x·g; nothing is to be done for the number 1, with which a backward pass begins."""
    return x if g.ndim == 0 and g.item() == 1 else x * g


def smooth_l1_loss(x: Array, t: Array, beta: float) -> Array:
    """½·z·z/beta where z = |x − t| < beta, else z − ½·beta."""
    dtype = x.dtype.char
    half, width = number(0.5, dtype), number(beta, dtype)
    z = np.abs(x - t)
    return np.where(z < width, half * z * z / width, z - half * width)


def smooth_l1_loss_backward(g: Array, x: Array, t: Array, norm: float, beta: float) -> Array:
    """norm·d·g where d = (x − t)/beta is limited to ±1."""
    norm, low, high = nonzeros(x.dtype.char, norm, -1.0, 1.0)
    d = (x - t) / number(beta, x.dtype.char)
    return times(norm * np.minimum(np.maximum(d, low), high), g)


def huber_loss(x: Array, t: Array, delta: float) -> Array:
    """m·(z − ½·m) where z = |x − t| and m = min(z, delta): ½·z² near the target, a straight line beyond."""
    width, half = nonzeros(x.dtype.char, delta, 0.5)
    z = np.abs(x - t)
    m = np.minimum(z, width)
    return m * (z - half * m)


def huber_loss_backward(g: Array, x: Array, t: Array, norm: float, delta: float) -> Array:
    """norm·d·g where d = x − t is limited to ±delta."""
    norm, low, high = nonzeros(x.dtype.char, norm, -delta, delta)
    return times(norm * np.minimum(np.maximum(x - t, low), high), g)
