"""The default kernels: numpy's own, as fast as numpy goes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cascade import total

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
    return np.power(x, y)


def add_scaled(x: Array, y: Array, alpha: float, out: Array | None = None) -> Array:
    """x + alpha·y; into `out` where there is one, which may be x."""
    return np.add(x, alpha * y, out)


def addcmul(x: Array, a: Array, b: Array, value: float, out: Array | None = None) -> Array:
    """x + value·a·b; into `out` where there is one, which may be x."""
    return np.add(x, value * a * b, out)


def addcdiv(x: Array, a: Array, b: Array, value: float, out: Array | None = None) -> Array:
    """x + value·a/b; into `out` where there is one, which may be x."""
    return np.add(x, value * a / b, out)


def lerp(x: Array, end: Array, weight: float, out: Array | None = None) -> Array:
    """x + weight·(end − x), from whichever end is nearer; into `out` where there is one, which may be x."""
    if abs(weight) < 0.5:
        return np.add(x, weight * (end - x), out)
    return np.subtract(end, (end - x) * (1 - weight), out)


TOTAL = 1024  # up to so many elements a total is added in torch's order: a printed loss then has torch's digits


def sum(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """Σ over the given axes; an empty tuple sums nothing."""
    if axis is None and x.size <= TOTAL and x.dtype.char in "fd" and x.flags.c_contiguous and not keepdims:
        return total(x)
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


def mean(x: Array, axis: Any, keepdims: bool, count: int) -> Array:
    """Σ / count over the given axes."""
    return np.true_divide(sum(x, axis, keepdims), x.dtype.type(count))


matmul = np.matmul
dot = np.dot


def addmm(bias: Array, a: Array, b: Array, beta: float = 1, alpha: float = 1) -> Array:
    """beta·bias + alpha·(a @ b)."""
    product = np.dot(a, b)
    if alpha != 1:
        product *= alpha
    if beta == 0:  # torch ignores bias then, nan included
        return np.broadcast_to(product, np.broadcast_shapes(product.shape, bias.shape)).copy()
    return product + (bias if beta == 1 else beta * bias)


def mse_loss(x: Array, t: Array) -> Array:
    """(x − t)²."""
    d = x - t
    return d * d


def mse_loss_backward(g: Array, x: Array, t: Array, norm: Array) -> Array:
    """norm·(x − t)·g."""
    return norm * (x - t) * g


def smooth_l1_loss(x: Array, t: Array, beta: float) -> Array:
    """½·z·z/beta where z = |x − t| < beta, else z − ½·beta."""
    beta = x.dtype.type(beta)
    z = np.abs(x - t)
    return np.where(z < beta, 0.5 * z * z / beta, z - 0.5 * beta)


def smooth_l1_loss_backward(g: Array, x: Array, t: Array, norm: Array, beta: float) -> Array:
    """norm·d·g where d = (x − t)/beta is limited to ±1."""
    d = (x - t) / x.dtype.type(beta)
    return norm * np.minimum(np.maximum(d, -1), 1) * g


def huber_loss(x: Array, t: Array, delta: float) -> Array:
    """½·z·z where z = |x − t| < delta, else delta·(z − ½·delta)."""
    delta = x.dtype.type(delta)
    z = np.abs(x - t)
    return np.where(z < delta, 0.5 * z * z, delta * (z - 0.5 * delta))


def huber_loss_backward(g: Array, x: Array, t: Array, norm: Array, delta: float) -> Array:
    """norm·d·g where d = x − t is limited to ±delta."""
    delta = x.dtype.type(delta)
    d = x - t
    return norm * np.minimum(np.maximum(d, -delta), delta) * g
