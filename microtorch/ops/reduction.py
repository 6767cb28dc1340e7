"""Sums, products and their like over dimensions."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..arguments import called, to_int, to_ints, wrong_type
from ..op import MEANINGS, SEVERAL_DIMS, not_implemented, only_method, op
from ..tensor import Tensor, wrap_dim
from .expanding import expand
from .shape import unsqueeze

ALL: Any = type("ALL", (), {"__repr__": lambda self: "ALL"})()  # no dimension was named, not even None

# What torch says of an `out` of the wrong dtype, see `memory.dtype_words`.
EXPECTED_OUT = "Expected out tensor to have dtype {2}, but got {3} instead"
NO_FRACTIONS = "result type {0} can't be cast to the desired output type {1}"

# -- dimensions --------------------------------------------------------------------------------------------------------


def axes(dim, ndim, keepdim=False):
    """The dimensions to reduce as numpy's axis argument: all for None or none given."""
    if keepdim is not True and keepdim is not False:
        raise wrong_type("keepdim", 3, "bool", keepdim)
    if dim is None or dim is ALL:
        return None
    if type(dim) is int:
        wrapped = wrap_dim(dim, ndim)
        return (wrapped,) if ndim else None
    found = tuple([wrap_dim(d, ndim) for d in to_ints("dim", 2, dim, or_one=True)])
    for i, d in enumerate(found):
        if d in found[:i]:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return found if ndim and found else None


def restore(g, input_shape, dim, keepdim):
    """A reduced tensor with its reduced dimensions put back at length 1."""
    if keepdim or not input_shape:
        return g
    reduced = axes(dim, len(input_shape))
    if reduced is None:
        return g
    for axis in sorted(reduced):
        g = unsqueeze(g, axis)
    return g


def count(shape, dim):
    """How many elements are reduced to one."""
    reduced = axes(dim, len(shape))
    return int(np.prod([n for i, n in enumerate(shape) if reduced is None or i in reduced], dtype=np.int64))


MEANINGS.update({axes: axes, count: count})  # no tensors in either


def in_order(result: Any) -> Any:
    """A reduction's result with its dimensions in order, whatever the order of the input's."""
    if not result.flags.c_contiguous:
        return np.array(result, order="C")
    return result.reshape(-1).reshape(result.shape) if 1 in result.shape else result


def _overload(name, has_dtype=True):
    """The node's name: the overload without dimensions comes first."""

    whole, along = f"{name}Backward0", f"{name}Backward1"

    def node(input, dim, keepdim, dtype=None):
        return derivable(whole if dim is ALL else along, dtype)

    return node if has_dtype else lambda input, dim, keepdim: node(input, dim, keepdim)


def derivable(node, dtype):
    """The node of a reduction to a dtype, which must have gradients."""
    if dtype is not None and not named_dtype(dtype).is_floating_point:
        raise RuntimeError(f"Autograd not support dtype: {named_dtype(dtype).legacy_name}")
    return node


def named_dtype(dtype):
    """The dtype of an argument `dtype`, which may be one of Python's types."""
    return dtype if dtype is None else dtypes.as_dtype(dtype, f"{called()[0]}(): argument 'dtype'")


def summed_in(input, dtype):
    """The input in the dtype of its sum: integers add up in int64."""
    dtype = named_dtype(dtype)
    if dtype is not None:
        return input.astype(dtype.numpy, copy=False)
    return input if input.dtype.kind == "f" else input.astype(np.int64)


def summed(x: Any, reduced: Any, keepdim: bool) -> Any:
    """Σ over dimensions of an array in its own dtype; float16 is added in float32."""
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    return in_order(np.asarray(kernels.sum(wide, reduced, keepdim))).astype(x.dtype, copy=False)


# -- sums --------------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, input_shape, dim, keepdim: expand(restore(g, input_shape, dim, keepdim), input_shape),
    node=_overload("Sum"),
    shows=SEVERAL_DIMS,
    hides={"SumBackward0": "dim keepdim"},
    dtype_of_out=EXPECTED_OUT,
)
def sum(input, dim=ALL, keepdim=False, *, dtype=None):
    """Σ over all elements or over the dimensions `dim`."""
    if dim is ALL and input.dtype.char in "fd" and dtype is None:
        return kernels.sum(input)
    return summed(summed_in(input, dtype), axes(dim, input.ndim, keepdim), keepdim)


@op(
    input=lambda g, input, dim, keepdim: (
        restore(g, input.shape, dim, keepdim).expand(input.shape) * input.isnan().logical_not()
    ),
    node="NansumBackward0",
    shows=SEVERAL_DIMS,
    dtype_of_out="nansum: provided dtype must match dtype of result. Got {1} and {0}.",
)
def nansum(input, dim=None, keepdim=False, *, dtype=None):
    """Σ of those elements that are not nan."""
    dtype = named_dtype(dtype)
    if input.dtype.kind == "f":
        if dtype is not None and not dtype.is_floating_point:
            raise not_implemented("nansum_cpu", dtype)
        input = np.where(np.isnan(input), input.dtype.type(0), input)
    return summed(summed_in(input, dtype), axes(dim, input.ndim, keepdim), keepdim)


@op(
    input=lambda g, input_shape, dim, keepdim: (
        expand(restore(g, input_shape, dim, keepdim), input_shape) / count(input_shape, dim)
    ),
    node=_overload("Mean"),
    shows=SEVERAL_DIMS,
    hides={"MeanBackward0": "dim keepdim"},
    strict_out=lambda out, input: "" if out.is_floating_point() else NO_FRACTIONS,
    dtype_of_out=EXPECTED_OUT,
)
def mean(input, dim=ALL, keepdim=False, *, dtype=None):
    """The arithmetic mean Σx/n."""
    if dim is ALL and input.dtype.char in "fd" and dtype is None:
        return kernels.mean(input, None, False, input.size)
    dtype = named_dtype(dtype)
    result = input.dtype if dtype is None else dtype.numpy
    if result.kind != "f":
        given = "Input" if dtype is None else "Optional"
        raise RuntimeError(
            f"mean(): could not infer output dtype. {given} dtype must be either a floating point or complex dtype. "
            f"Got: {dtypes.FROM_NUMPY[result].legacy_name}"
        )
    reduced = axes(dim, input.ndim, keepdim)
    n = count(input.shape, dim)
    if result == np.float16:
        wide = input.astype(result, copy=False).astype(np.float32)
        return in_order(np.asarray(kernels.mean(wide, reduced, keepdim, n).astype(result)))
    return in_order(np.asarray(kernels.mean(input.astype(result, copy=False), reduced, keepdim, n)))


@only_method
def sum_to_size(input: Tensor, size: Any) -> Tensor:
    """Σ over the dimensions in which the tensor is larger than `size`, to which it is brought; undoes broadcasting."""
    shape, size = input._array.shape, tuple(size)
    if shape == size and shape:
        return input
    lead = len(shape) - len(size)
    if lead < 0 or builtins.any(s not in (1, n) for n, s in zip(shape[lead:], size, strict=True)):
        raise RuntimeError(f"size {{{list(size)}}} is not expandable to size {{{list(shape)}}}.")
    if not size:
        return sum(input)
    total = sum(input, repeated(shape, size), True)
    return total.view(size) if lead else total


def repeated(shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, ...]:
    """The dimensions of a shape that are not there or of length 1 in the size from which it was broadcast."""
    lead = len(shape) - len(size)
    return (*range(lead), *[i for i, s in enumerate(size, lead) if s == 1 and shape[i] != 1])


# -- products ----------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, input, out, dim, keepdim: _prod_backward(g, input, out, dim, keepdim),
    node=_overload("Prod"),
    hides={"ProdBackward0": "dim keepdim"},
    dtype_of_out=EXPECTED_OUT,
)
def prod(input, dim=ALL, keepdim=False, *, dtype=None):
    """Π over all elements or over the dimension `dim`."""
    if dim is not ALL:
        dim = to_int("dim", 2, dim)
    x = summed_in(input, dtype)
    half = x.dtype == np.float16
    product = np.multiply.reduce(x.astype(np.float32) if half else x, axis=axes(dim, x.ndim, keepdim), keepdims=keepdim)
    return in_order(np.asarray(product)).astype(x.dtype, copy=False)


def _prod_backward(g, input, out, dim, keepdim):
    input = input.to(out.dtype)
    if input.ndim == 0:
        return g
    g, out = (restore(t, input.shape, dim, keepdim) for t in (g, out))
    zeros = input == 0
    if not zeros._array.any():
        return g * (out / input)
    if dim is ALL:
        return (g * _others(input.reshape(-1), 0)).reshape(input.shape)
    return g * _others(input, wrap_dim(dim, input.ndim))


def _others(x, dim):
    """The product of all other elements along a dimension, without a division."""
    from .joining import cat

    n = x.shape[dim]
    one = x.new_ones([1 if i == dim else n for i, n in enumerate(x.shape)])
    before = cat([one, x.narrow(dim, 0, n - 1)], dim).cumprod(dim)
    after = cat([one, x.narrow(dim, 1, n - 1).flip(dim)], dim).cumprod(dim).flip(dim)
    return before * after


# -- truth and number --------------------------------------------------------------------------------------------------


def _truth_words(name):
    words = name + " only supports bool tensor for result, got: {1}"
    return lambda out, input: "" if out.dtype is dtypes.uint8 else words


@op(input=None, strict_out=_truth_words("all"))
def all(input, dim=None, keepdim=False):
    """Whether all elements are different from 0; uint8 for uint8, otherwise bool."""
    return _truth(np.logical_and, input, dim, keepdim)


@op(input=None, strict_out=_truth_words("any"))
def any(input, dim=None, keepdim=False):
    """Whether any element is different from 0; uint8 for uint8, otherwise bool."""
    return _truth(np.logical_or, input, dim, keepdim)


def _truth(ufunc, x, dim, keepdim):
    reduced = () if dim == () or dim == [] else axes(dim, x.ndim, keepdim)
    result = in_order(np.asarray(ufunc.reduce(x, axis=reduced, keepdims=keepdim)))
    return result.astype(np.uint8 if x.dtype == np.uint8 else bool, copy=False)


@op(input=None, out=False)
def count_nonzero(input, dim=None):
    """How many elements are different from 0."""
    return np.asarray(np.count_nonzero(input, axis=axes(dim, input.ndim)), np.int64)
