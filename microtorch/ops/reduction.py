"""Sums, means, variances and other reductions over dimensions."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..arguments import called, to_int, to_ints, wrong_type
from ..engine import mode
from ..memory import check_cast
from ..op import REGISTRY, composite, not_implemented, only_function, only_method, op
from ..settings import warn
from ..tensor import Tensor, wrap, wrap_dim
from ..views import check_inplace
from .arithmetic import name_of

ALL: Any = type("ALL", (), {"__repr__": lambda self: "ALL"})()  # no dimension was named, not even None

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
        g = g.unsqueeze(axis)
    return g


def count(shape, dim):
    """How many elements are reduced to one."""
    reduced = axes(dim, len(shape))
    return int(np.prod([n for i, n in enumerate(shape) if reduced is None or i in reduced], dtype=np.int64))


def in_order(result):
    """A reduction's result with its dimensions in order, whatever the order of the input's."""
    if not result.flags.c_contiguous:
        return np.array(result, order="C")
    return result.reshape(-1).reshape(result.shape) if 1 in result.shape else result


def _overload(name, has_dtype=True):
    """The node's name: the overload without dimensions comes first."""

    def node(input, dim, keepdim, dtype=None):
        dtype = named_dtype(dtype)
        if dtype is not None and not dtype.is_floating_point:
            raise RuntimeError(f"Autograd not support dtype: {dtype.legacy_name}")
        return f"{name}Backward{0 if dim is ALL else 1}"

    return node if has_dtype else lambda input, dim, keepdim: node(input, dim, keepdim)


def named_dtype(dtype):
    """The dtype of an argument `dtype`, which may be one of Python's types."""
    return dtype if dtype is None else dtypes.as_dtype(dtype, f"{called()[0]}(): argument 'dtype'")


def _summed_in(input, dtype):
    """The input in the dtype of its sum: integers add up in int64."""
    dtype = named_dtype(dtype)
    if dtype is not None:
        return input.astype(dtype.numpy, copy=False)
    return input if input.dtype.kind == "f" else input.astype(np.int64)


def _sum(x, reduced, keepdim):
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    return in_order(np.asarray(kernels.sum(wide, reduced, keepdim))).astype(x.dtype, copy=False)


# -- sums --------------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, input_shape, dim, keepdim: restore(g, input_shape, dim, keepdim).expand(input_shape),
    node=_overload("Sum"),
    dtype_of_out=EXPECTED_OUT,
)
def sum(input, dim=ALL, keepdim=False, *, dtype=None):
    """Σ over all elements or over the dimensions `dim`."""
    if dim is ALL and input.dtype.char in "fd" and dtype is None:
        return kernels.sum(input)
    return _sum(_summed_in(input, dtype), axes(dim, input.ndim, keepdim), keepdim)


@op(
    input=lambda g, input, dim, keepdim: restore(g, input.shape, dim, keepdim).expand(input.shape)
    * input.isnan().logical_not(),
    node="NansumBackward0",
    dtype_of_out="nansum: provided dtype must match dtype of result. Got {1} and {0}.",
)
def nansum(input, dim=None, keepdim=False, *, dtype=None):
    """Σ of those elements that are not nan."""
    dtype = named_dtype(dtype)
    if input.dtype.kind == "f":
        if dtype is not None and not dtype.is_floating_point:
            raise not_implemented("nansum_cpu", dtype)
        input = np.where(np.isnan(input), input.dtype.type(0), input)
    return _sum(_summed_in(input, dtype), axes(dim, input.ndim, keepdim), keepdim)


@op(
    input=lambda g, input_shape, dim, keepdim: restore(g, input_shape, dim, keepdim).expand(input_shape)
    / count(input_shape, dim),
    node=_overload("Mean"),
    strict_out=lambda out, input: "" if out.is_floating_point() else NO_FRACTIONS,
    dtype_of_out=EXPECTED_OUT,
)
def mean(input, dim=ALL, keepdim=False, *, dtype=None):
    """The arithmetic mean Σx/n."""
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
    reduced = [*range(lead), *(i for i, s in enumerate(size, lead) if s == 1 and shape[i] != 1)]
    total = sum(input, reduced, True)
    return total.view(size) if lead else total


# -- products ----------------------------------------------------------------------------------------------------------


@op(input=lambda g, input, out, dim, keepdim: _prod_backward(g, input, out, dim, keepdim), node=_overload("Prod"), dtype_of_out=EXPECTED_OUT)
def prod(input, dim=ALL, keepdim=False, *, dtype=None):
    """Π over all elements or over the dimension `dim`."""
    if dim is not ALL:
        dim = to_int("dim", 2, dim)
    x = _summed_in(input, dtype)
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
        return g * _others(input.reshape(-1), 0).reshape(input.shape)
    return g * _others(input, wrap_dim(dim, input.ndim))


def _others(x, dim):
    """The product of all other elements along a dimension, without a division."""
    from .joining import cat

    n = x.shape[dim]
    one = x.narrow(dim, 0, 1) * 0 + 1
    before = cat([one, x.narrow(dim, 0, n - 1)], dim).cumprod(dim)
    after = cat([one, x.narrow(dim, 1, n - 1).flip(dim)], dim).cumprod(dim).flip(dim)
    return before * after


# -- running sums and products -----------------------------------------------------------------------------------------


@op(input=lambda g, dim: g.flip(dim).cumsum(dim).flip(dim) if g.ndim else g, dtype_of_out=EXPECTED_OUT)
def cumsum(input, dim, *, dtype=None):
    """Running sum along `dim`."""
    return _running(np.add, input, dim, dtype)


@op(input=lambda g, input, out, dim: _cumprod_backward(g, input, out, dim), dtype_of_out=EXPECTED_OUT)
def cumprod(input, dim, *, dtype=None):
    """Running product along `dim`."""
    return _running(np.multiply, input, dim, dtype)


def _running_in_place(name: str, input: Tensor, dim: int, dtype: Any) -> Tensor:
    dtype = named_dtype(dtype)
    if mode.grad and input.requires_grad:
        check_inplace(input)
    if dtype is not None and dtype is not input.dtype:
        raise RuntimeError(
            f"Bad in-place call: input tensor dtype {input.dtype.cpp_name} and output tensor dtype {dtype.cpp_name} should "
            "match"
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
    x = _summed_in(x, dtype)
    if x.ndim == 0:
        return x.copy()
    if dtype is dtypes.bool_ and x.size:
        raise not_implemented("cumsum_out_cpu" if ufunc is np.add else "cumprod_out_cpu", dtype)
    wide = np.float64 if x.dtype.kind == "f" else x.dtype
    return in_order(ufunc.accumulate(x, axis=axis, dtype=wide)).astype(x.dtype, copy=False)


def _cumprod_backward(g, input, out, dim):
    input = input.to(out.dtype)
    if input.numel() <= 1 or input.shape[dim] == 1:
        return g
    if not (input == 0)._array.any():
        weighted = out * g
        return weighted.flip(dim).cumsum(dim).flip(dim) / input
    from .joining import cat

    dim = wrap_dim(dim, input.ndim)
    n = input.shape[dim]
    slopes = []
    for k in range(n):  # d(Π x₁…xⱼ)/dxₖ is the product without xₖ, for j ≥ k
        before = input.narrow(dim, 0, k).prod(dim, True)
        after = cat([before, input.narrow(dim, k + 1, n - k - 1)], dim).cumprod(dim)
        slopes.append((g.narrow(dim, k, n - k) * after).sum(dim, True))
    return cat(slopes, dim)


# -- variance ----------------------------------------------------------------------------------------------------------


def _var_backward(g, input, dim, correction, keepdim):
    """2/(n − correction)·g·(x − mean); for an empty tuple of dimensions, torch takes n to be 1."""
    freedom = (1 if dim == () else count(input.shape, dim)) - correction
    if dim is None or input.ndim == 0:
        if freedom <= 0:
            limit = np.where(input._array == input._array.mean(), np.nan, np.inf).astype(input._array.dtype)
            return g * wrap(np.asarray(limit))
        return (2.0 / freedom) * g * (input - input.mean())
    g = restore(g, input.shape, dim, keepdim)
    with np.errstate(all="ignore"):
        factor = float(np.divide(2.0, freedom))
    return factor * g * (input - input.mean(dim, True))


def _std_backward(g, out, input, dim, correction, keepdim):
    return _var_backward((g / (out * 2)).masked_fill(out == 0, 0), input, dim, correction, keepdim)


def _moments(name, input, dim, correction, keepdim):
    """Variance and mean, computed in float64."""
    if input.dtype.kind != "f":
        who = name if name.endswith("_mean") else "std and var"
        raise RuntimeError(f"{who} only support floating point and complex dtypes")
    reduced = axes(dim, input.ndim, keepdim)
    n = count(input.shape, dim)
    if n - correction <= 0 and input.size + (n == 0):
        warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
            "(input numel divided by output numel)."
        )
    x = input.astype(np.float64, copy=False)
    mean = np.true_divide(np.add.reduce(x, axis=reduced, keepdims=True), n)
    square = np.add.reduce(np.square(x - mean), axis=reduced, keepdims=keepdim)
    variance = np.true_divide(square, max(n - correction, 0))
    return in_order(np.asarray(variance)), in_order(np.asarray(mean).reshape(np.shape(variance)))


@op(
    input=lambda g, input, dim, correction, keepdim: _var_backward(g, input, dim, correction, keepdim),
    node="VarBackward0",
    called="var",
    public=False,
)
def var_correction(input, dim, correction, keepdim):
    """Variance Σ(x − mean)²/(n − correction)."""
    return _moments("var", input, dim, correction, keepdim)[0].astype(input.dtype)


@op(
    input=lambda g, out, input, dim, correction, keepdim: _std_backward(g, out, input, dim, correction, keepdim),
    node="StdBackward0",
    called="std",
    public=False,
)
def std_correction(input, dim, correction, keepdim):
    """The root of the variance."""
    return np.sqrt(_moments("std", input, dim, correction, keepdim)[0]).astype(input.dtype)


def _mean_too(gradients, backward, arguments, input, dim, keepdim):
    """The gradient through the variance, and that through the mean which was asked for with it."""
    g, g_mean = gradients
    first = None if g is None else backward(g, *arguments)
    if g_mean is None:
        return first
    mean = restore(g_mean, input.shape, dim, keepdim).expand(input.shape) / count(input.shape, dim)
    return mean if first is None else first + mean


@op(
    input=lambda gradients, input, dim, correction, keepdim: _mean_too(
        gradients, _var_backward, (input, dim, correction, keepdim), input, dim, keepdim
    ),
    node="VarMeanBackward0",
    outputs=("var", "mean"),
    public=False,
)
def var_mean_correction(input, dim, correction, keepdim):
    """Variance and mean."""
    return tuple(m.astype(input.dtype) for m in _moments("var_mean", input, dim, correction, keepdim))


@op(
    input=lambda gradients, std, input, dim, correction, keepdim: _mean_too(
        gradients, _std_backward, (std, input, dim, correction, keepdim), input, dim, keepdim
    ),
    node="StdMeanBackward0",
    outputs=("std", "mean"),
    public=False,
)
def std_mean_correction(input, dim, correction, keepdim):
    """Standard deviation and mean."""
    variance, mean = _moments("std_mean", input, dim, correction, keepdim)
    return np.sqrt(variance).astype(input.dtype), mean.astype(input.dtype)


def _spread(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any, bool]:
    """The arguments (dim, correction, keepdim) from any of: (unbiased), (dim, unbiased, keepdim), (dim, *, correction…)."""
    named = {{"axis": "dim", "keepdims": "keepdim"}.get(name, name): value for name, value in named.items()}
    if args and isinstance(args[0], bool):
        named["unbiased"], args = args[0], args[1:]
    named |= zip(("dim", "unbiased", "keepdim"), args, strict=False)
    correction = named.get("correction")
    if correction is None:
        correction = 1 if named.get("unbiased", True) else 0
    dim = named.get("dim")
    return (tuple(dim) if isinstance(dim, list) else dim), correction, named.get("keepdim", False)


def _no_such_call(name: str, named: dict[str, Any]) -> None:
    unknown = named.keys() - {"dim", "unbiased", "keepdim", "correction", "axis", "keepdims", "out"}
    if unknown or {"unbiased", "correction"} <= named.keys():
        raise TypeError(f"{name}() received an invalid combination of arguments: {', '.join(sorted(named))}")


@composite
def var(input: Tensor, *args: Any, out: Tensor | None = None, **named: Any) -> Tensor:
    """Variance Σ(x − mean)²/(n − correction): `var(dim=None, *, correction=1, keepdim=False)`; `unbiased` is an older name."""
    _no_such_call("var", named)
    if out is not None:
        check_cast(input._array.dtype, out._array.dtype)
    return var_correction(input, *_spread(args, named), out=out)


@composite
def std(input: Tensor, *args: Any, out: Tensor | None = None, **named: Any) -> Tensor:
    """Standard deviation, the root of the variance; called as `var`."""
    _no_such_call("std", named)
    if out is not None:
        check_cast(input._array.dtype, out._array.dtype)
    return std_correction(input, *_spread(args, named), out=out)


@only_function
def var_mean(input: Tensor, *args: Any, **named: Any) -> tuple[Tensor, Tensor]:
    """Variance and mean; called as `var`."""
    _no_such_call("var_mean", named)
    return tuple(var_mean_correction(input, *_spread(args, named)))  # type: ignore[return-value]


@only_function
def std_mean(input: Tensor, *args: Any, **named: Any) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean; called as `var`."""
    _no_such_call("std_mean", named)
    return tuple(std_mean_correction(input, *_spread(args, named)))  # type: ignore[return-value]


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


# -- exponentials ------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, input, out, dim, keepdim: restore(g, input.shape, dim, keepdim)
    * (input - restore(out, input.shape, dim, keepdim)).exp(),
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
    e = kernels.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf))
    return in_order((e / np.add.reduce(e, axis=axis, keepdims=True)).astype(input.dtype, copy=False))


@op(
    grad_output=lambda g, output, dim: softmax_backward_data(g, output, dim),
    output=lambda g, grad_output, output, dim: g * grad_output
    - g * (output * grad_output).sum(dim, True)
    - grad_output * (output * g).sum(dim, True),
    node="SoftmaxBackwardDataBackward0",
    out=False,
    public=False,
)
def softmax_backward_data(grad_output, output, dim):
    """(g − Σ g·y)·y."""
    g, y = _widened(grad_output), _widened(output)
    total = np.add.reduce(g * y, axis=dim, keepdims=True) if y.ndim else g * y
    return ((g - total) * y).astype(output.dtype, copy=False)


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
    x = x - np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    result = x - kernels.log(np.add.reduce(kernels.exp(x), axis=axis, keepdims=True))
    return in_order(result.astype(input.dtype, copy=False))


@op(
    grad_output=lambda g, output, dim: g - (g * output.exp()).sum(dim, True),
    output=lambda g, grad_output, output, dim: -grad_output.sum(dim, True) * output.exp() * g,
    node="LogSoftmaxBackwardDataBackward0",
    out=False,
    public=False,
)
def log_softmax_backward_data(grad_output, output, dim):
    """g − eʸ·Σ g."""
    g, y = _widened(grad_output), _widened(output)
    total = np.add.reduce(g, axis=dim, keepdims=True) if y.ndim else g
    return (g - kernels.exp(y) * total).astype(output.dtype, copy=False)


def _widened(x):
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _exponents(name, x, dim):
    axis = wrap_dim(to_int("dim", 2, dim), x.ndim)
    if x.dtype.kind != "f" and x.size:
        kernel = f"{name}_lastdim_kernel_impl" if axis == max(x.ndim - 1, 0) else f"{name}_kernel_impl"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{name_of(x)}'")
    return _widened(x), axis


@composite
def softmax(input: Tensor, dim: int, dtype: Any = None, *, out: Tensor | None = None) -> Tensor:
    """eˣ/Σeˣ along `dim`: positive numbers whose sum is 1; computed in `dtype`, where one is given."""
    return softmax_of(_to_dtype(input, dtype), dim, out=out)


@composite
def log_softmax(input: Tensor, dim: int, dtype: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of softmax, x − ln Σeˣ along `dim`."""
    return log_softmax_of(_to_dtype(input, dtype), dim, out=out)


