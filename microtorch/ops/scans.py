"""Running sums, products and extreme values along one dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import to_int
from ..engine import mode
from ..op import REGISTRY, not_implemented, only_method, op
from ..tensor import Tensor, wrap, wrap_dim
from ..views import check_inplace
from .joining import cat
from .reduction import EXPECTED_OUT, derivable, in_order, named_dtype, summed, summed_in

FOUND = "expected scalar_type {0} but found {1}"

# -- running sums and products -----------------------------------------------------------------------------------------


@op(
    input=lambda g, dim: g.flip(dim).cumsum(dim).flip(dim) if g.ndim else g,
    node=lambda input, dim, dtype: derivable("CumsumBackward0", dtype),
    dtype_of_out=EXPECTED_OUT,
    apart=(),
)
def cumsum(input, dim, *, dtype=None):
    """Running sum along `dim`."""
    return _running(np.add, input, dim, dtype)


@op(
    input=lambda g, input, out, dim: _cumprod_backward(g, input, out, dim),
    node=lambda input, dim, dtype: derivable("CumprodBackward0", dtype),
    dtype_of_out=EXPECTED_OUT,
    apart=(),
)
def cumprod(input, dim, *, dtype=None):
    """Running product along `dim`."""
    return _running(np.multiply, input, dim, dtype)


def _running_in_place(name: str, input: Tensor, dim: int, dtype: Any) -> Tensor:
    dtype = named_dtype(dtype)
    if mode.grad and input.requires_grad:
        check_inplace(input)
    if dtype is not None and dtype is not input.dtype:
        raise RuntimeError(
            f"Bad in-place call: input tensor dtype {input.dtype.cpp_name} and output tensor dtype {dtype.cpp_name} "
            "should match"
        )
    return REGISTRY[name].in_place((input,), (dim, input.dtype), name + "_")


@only_method
def cumsum_(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """`cumsum` in place, in the dtype of the tensor."""
    return _running_in_place("cumsum", input, dim, dtype)


@only_method
def cumprod_(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """`cumprod` in place, in the dtype of the tensor."""
    return _running_in_place("cumprod", input, dim, dtype)


def _running(ufunc, x, dim, dtype):
    axis = wrap_dim(to_int("dim", 2, dim), x.ndim)
    dtype = named_dtype(dtype)
    x = summed_in(x, dtype)
    if x.ndim == 0:
        return x.copy()
    if dtype is dtypes.bool_ and x.size:
        raise not_implemented("cumsum_out_cpu" if ufunc is np.add else "cumprod_out_cpu", dtype)
    wide = np.float64 if x.dtype.kind == "f" else x.dtype
    result = in_order(ufunc.accumulate(x, axis=axis, dtype=wide)).astype(x.dtype, copy=False)
    return result + x.dtype.type(0) if ufunc is np.add else result  # a sum begins with 0: it is not −0


def _cumprod_backward(g, input, out, dim):
    input = input.to(out.dtype)
    if input.numel() <= 1 or input.shape[dim] == 1:
        return g
    if not (input == 0)._array.any():
        weighted = out * g
        return weighted.flip(dim).cumsum(dim).flip(dim) / input
    if not mode.grad:
        return wrap(_cumprod_backward_at_zeros(g._array, input._array, out._array, wrap_dim(dim, input.ndim)))
    dim = wrap_dim(dim, input.ndim)
    n = input.shape[dim]
    slopes = []
    for k in range(n):  # d(Π x₁…xⱼ)/dxₖ is the product without xₖ, for j ≥ k
        before = input.narrow(dim, 0, k).prod(dim, True)
        after = cat([before, input.narrow(dim, k + 1, n - k - 1)], dim).cumprod(dim)
        slopes.append((g.narrow(dim, k, n - k) * after).sum(dim, True))
    return cat(slopes, dim)


def _cumprod_backward_at_zeros(g, x, out, axis):
    """Before the first 0 as without one, at it the products up to the next one, behind it nothing."""
    zeros = np.cumsum(x == 0, axis)
    before = zeros == 0
    total = np.flip(_running(np.add, np.flip(np.where(before, out * g, x.dtype.type(0)), axis), axis, None), axis)
    first = np.expand_dims((zeros == 1).argmax(axis), axis)
    there = np.arange(x.shape[axis]).reshape([-1 if i == axis else 1 for i in range(x.ndim)]) == first
    at = there & (zeros == 1)
    behind = _running(np.multiply, np.where((zeros == 1) & ~at, x, x.dtype.type(1)), axis, None)
    slope = summed(behind * np.where(zeros == 1, g, x.dtype.type(0)), (axis,), True)
    ahead = np.where(first == 0, x.dtype.type(1), np.take_along_axis(out, np.maximum(first - 1, 0), axis))
    return np.where(before, total / x, np.where(at, slope * ahead, x.dtype.type(0)))


@op(
    input=lambda g, input, out, dim: _logcumsumexp_backward(g, input, out, dim),
    strict_out=FOUND,
    apart=(),
)
def logcumsumexp(input, dim):
    """ln of the running sum of eˣ along `dim`, without overflow."""
    axis = wrap_dim(to_int("dim", 2, dim), input.ndim)
    if input.dtype.kind != "f":
        raise not_implemented("logcumsumexp_out_cpu", dtypes.FROM_NUMPY[input.dtype])
    if not input.ndim:
        return input.copy()
    return in_order(np.logaddexp.accumulate(input.astype(np.float64), axis=axis).astype(input.dtype))


def _logcumsumexp_backward(g, input, out, dim):
    """Σⱼ gⱼ·exp(x − outⱼ) over j ≥ k, the positive and the negative g apart, so that logarithms can be added."""
    if not input.ndim or not input.numel():
        return g

    def running(h):
        return (h - out).flip(dim).logcumsumexp(dim).flip(dim)

    lowest = float(np.finfo(input._array.dtype).min)
    size = g.abs().log()
    positive, negative = size.where(g > 0, lowest), size.where(g < 0, lowest)
    return (running(positive) + input).exp() - (running(negative) + input).exp()


# -- running extreme values --------------------------------------------------------------------------------------------


def _extreme(x, dim, ufunc):
    axis = wrap_dim(to_int("dim", 2, dim), x.ndim)
    if not x.ndim or not x.size:
        return x.copy(), np.zeros(x.shape, np.int64)
    values = in_order(ufunc.accumulate(x, axis=axis))
    places = np.arange(x.shape[axis]).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    same = (x == values) | ((x != x) & (values != values))  # the last place at which the extreme value was met
    return values, in_order(np.maximum.accumulate(np.where(same, places, 0), axis=axis))


def _to_extremes(g, indices, input_shape, dim):
    return g.new_zeros(input_shape).scatter_add(dim, indices, g)


@op(
    input=lambda g, indices, input_shape, dim: _to_extremes(g, indices, input_shape, dim),
    outputs=("values", "indices"),
    hides="self_sym_sizes",
    strict_out=FOUND,
)
def cummax(input, dim):
    """The largest element so far along `dim`, and its index, the last of equals."""
    return _extreme(input, dim, np.maximum)


@op(
    input=lambda g, indices, input_shape, dim: _to_extremes(g, indices, input_shape, dim),
    outputs=("values", "indices"),
    hides="self_sym_sizes",
    strict_out=FOUND,
)
def cummin(input, dim):
    """The smallest element so far along `dim`, and its index, the last of equals."""
    return _extreme(input, dim, np.minimum)
