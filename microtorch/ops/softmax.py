"""Sums of exponentials: logsumexp, softmax and its logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..arguments import to_int, to_ints
from ..op import SEVERAL_DIMS, composite, op
from ..tensor import Tensor, wrap_dim
from .arithmetic import name_of
from .reduction import EXPECTED_OUT, axes, in_order, named_dtype, restore


@op(
    input=lambda g, input, out, dim, keepdim: (
        restore(g, input.shape, dim, keepdim) * (input - restore(out, input.shape, dim, keepdim)).exp()
    ),
    shows=SEVERAL_DIMS,
    cast_error="logsumexp(): Expected floating point type for result tensor, but got: {1}",
)
def logsumexp(input, dim, keepdim=False):
    """ln Σ eˣ, without overflow."""
    x = input if input.dtype.kind == "f" else input.astype(dtypes.get_default_dtype().numpy)
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    reduced = axes(to_ints("dim", 2, dim, or_one=True), x.ndim, keepdim)
    largest = np.maximum.reduce(wide, axis=reduced, keepdims=True, initial=-np.inf)
    largest = np.where(np.isinf(largest), 0, largest).astype(wide.dtype)
    total = np.add.reduce(kernels.exp(wide - largest), axis=reduced, keepdims=True)
    result = np.asarray(kernels.log(total) + largest)
    shape = np.add.reduce(np.empty(x.shape, bool), axis=reduced, keepdims=keepdim).shape
    return in_order(result.reshape(shape)).astype(x.dtype, copy=False)


def _to_dtype(input: Tensor, dtype: Any) -> Tensor:
    dtype = named_dtype(dtype)
    return input if dtype is None or input.dtype is dtype else input.to(dtype)


@op(
    input=lambda g, out, dim: softmax_backward_data(g, out, dim),
    node="SoftmaxBackward0",
    called="softmax",
    strict_out=EXPECTED_OUT,
    public=False,
)
def softmax_of(input, dim):
    """eˣ/Σeˣ along a dimension."""
    x, axis = _exponents("softmax", input, dim)
    if not x.size:
        return input.copy()
    if not x.ndim:
        return np.ones_like(input)
    return in_order(kernels.softmax(x, axis).astype(input.dtype, copy=False))


@op(
    grad_output=lambda g, output, dim: softmax_backward_data(g, output, dim),
    output=lambda g, grad_output, output, dim: (
        g * grad_output - g * (output * grad_output).sum(dim, True) - grad_output * (output * g).sum(dim, True)
    ),
    node="SoftmaxBackwardDataBackward0",
    out=False,
    public=False,
)
def softmax_backward_data(grad_output, output, dim):
    """(g − Σ g·y)·y."""
    g, y = widened(grad_output), widened(output)
    if not y.size:
        return np.empty_like(output)
    gradient = kernels.softmax_backward(g, y, dim % y.ndim) if y.ndim else (g - g * y) * y
    return gradient.astype(output.dtype, copy=False)


@op(
    input=lambda g, out, dim: log_softmax_backward_data(g, out, dim),
    node="LogSoftmaxBackward0",
    called="log_softmax",
    strict_out=EXPECTED_OUT,
    public=False,
)
def log_softmax_of(input, dim):
    """x − ln Σeˣ along a dimension."""
    x, axis = _exponents("log_softmax", input, dim)
    if not x.size:
        return input.copy()
    if not x.ndim:
        return np.zeros_like(input)
    return in_order(kernels.log_softmax(x, axis).astype(input.dtype, copy=False))


@op(
    grad_output=lambda g, output, dim: g - (g * output.exp()).sum(dim, True),
    output=lambda g, grad_output, output, dim: -grad_output.sum(dim, True) * output.exp() * g,
    node="LogSoftmaxBackwardDataBackward0",
    out=False,
    public=False,
)
def log_softmax_backward_data(grad_output, output, dim):
    """g − eʸ·Σ g."""
    g, y = widened(grad_output), widened(output)
    if not y.size:
        return np.empty_like(output)
    gradient = kernels.log_softmax_backward(g, y, dim % y.ndim) if y.ndim else g - kernels.exp(y) * g
    return gradient.astype(output.dtype, copy=False)


def widened(x):
    """float16 as float32, in which torch computes with it."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _exponents(name, x, dim):
    axis = wrap_dim(to_int("dim", 2, dim), x.ndim)
    if x.dtype.kind != "f" and x.size:
        kernel = f"{name}_lastdim_kernel_impl" if axis == max(x.ndim - 1, 0) else f"{name}_kernel_impl"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{name_of(x)}'")
    return widened(x), axis


@composite
def softmax(input: Tensor, dim: int, dtype: Any = None, *, out: Tensor | None = None) -> Tensor:
    """eˣ/Σeˣ along `dim`: positive numbers whose sum is 1; computed in `dtype`, where one is given."""
    return softmax_of(_to_dtype(input, dtype), dim, out=out)


@composite
def log_softmax(input: Tensor, dim: int, dtype: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of softmax, x − ln Σeˣ along `dim`."""
    return log_softmax_of(_to_dtype(input, dtype), dim, out=out)
