"""The largest, the smallest and the middle element, and where they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import to_int
from ..casting import cast
from ..op import SEVERAL_DIMS, composite, not_implemented, op
from ..tensor import Tensor, wrap, wrap_dim
from .comparison import maximum, minimum
from .reduction import ALL, EXPECTED_OUT, axes, in_order, restore

CAST = (
    "Expected canCast( typeMetaToScalarType(self.dtype()), typeMetaToScalarType(out.dtype())) to be true, but got "
    "false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)"
)
SAME = "Expected the dtype for input and out to match, but got {0} for input's dtype and {1} for out's dtype."


def _evenly(g, input, out):
    """The gradient of an extreme value, shared by all elements that are equal to it."""
    value = out._array
    mask = input.isnan() if np.isnan(value) else input == out
    return _zeros(input.shape, g).masked_fill(mask, g / mask.sum())


def to_selected(g, indices, input_shape, dim, keepdim):
    """Zeros with the gradient at the elements that were selected."""
    g, indices = (restore(t, input_shape, dim, keepdim) for t in (g, indices))
    return _zeros(input_shape, g).scatter(dim, indices, g)


def _zeros(shape, like):
    return wrap(np.zeros(tuple(shape), like._array.dtype))


def _not_empty(name, x, dim, error=IndexError):
    """Refuse to reduce nothing, which has no extreme value."""
    if x.size:
        return
    if dim is None or dim is ALL or dim == () or dim == []:
        hint = "" if error is IndexError else " Specify the reduction dim with the 'dim' argument."
        raise error(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.{hint}")
    for given in [dim] if isinstance(dim, int) else dim:
        if x.shape[wrap_dim(to_int("dim", 2, given), x.ndim)] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {given} to have non-zero size.")


# -- over all elements, or along one dimension with the place ---------------------------------------------------------


@op(
    input=lambda g, input, out: _evenly(g, input, out), node="MaxBackward1", called="max", cast_error=CAST, public=False
)
def max_all(input):
    """The largest element; nan if there is one."""
    _not_empty("max", input, None, RuntimeError)
    return np.maximum.reduce(input, axis=None)


@op(
    input=lambda g, input, out: _evenly(g, input, out), node="MinBackward1", called="min", cast_error=CAST, public=False
)
def min_all(input):
    """The smallest element; nan if there is one."""
    _not_empty("min", input, None, RuntimeError)
    return np.minimum.reduce(input, axis=None)


def selected(name, function, x, dim, keepdim):
    axis = wrap_dim(to_int("dim", 2, dim), x.ndim)
    axes(axis, x.ndim, keepdim)
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    _not_empty(name, x, axis)
    indices = np.expand_dims(function(x, axis=axis), axis)
    values = np.take_along_axis(x, indices, axis)
    return tuple(in_order(v if keepdim else v.squeeze(axis)) for v in (values, indices))


@op(
    input=lambda g, indices, input_shape, dim, keepdim: to_selected(g, indices, input_shape, dim, keepdim),
    node="MaxBackward0",
    outputs=("values", "indices"),
    called="max",
    strict_out=EXPECTED_OUT,
    public=False,
)
def max_dim(input, dim, keepdim=False):
    """The largest elements along a dimension and their indices, the first of equals."""
    return selected("max", np.argmax, input, dim, keepdim)


@op(
    input=lambda g, indices, input_shape, dim, keepdim: to_selected(g, indices, input_shape, dim, keepdim),
    node="MinBackward0",
    outputs=("values", "indices"),
    called="min",
    strict_out=EXPECTED_OUT,
    public=False,
)
def min_dim(input, dim, keepdim=False):
    """The smallest elements along a dimension and their indices, the first of equals."""
    return selected("min", np.argmin, input, dim, keepdim)


def _extreme(name: str, input: Tensor, dim: Any, keepdim: bool, other: Any, axis: Any, keepdims: Any, out: Any) -> Any:
    """One of the overloads (x), (x, dim, keepdim=False), (x, other), told apart by their arguments."""
    if isinstance(dim, Tensor):
        dim, other = ALL, dim
    if axis is not None:
        dim = axis
    if keepdims is not None:
        keepdim = keepdims
    if other is not None:
        return {"max": maximum, "min": minimum}[name](input, other, out=out)
    if dim is ALL:
        return {"max": max_all, "min": min_all}[name](input, out=out)
    return {"max": max_dim, "min": min_dim}[name](input, dim, keepdim, out=out)


@composite
def max(
    input: Tensor,
    dim: Any = ALL,
    keepdim: bool = False,
    *,
    other: Any = None,
    axis: Any = None,
    keepdims: Any = None,
    out: Any = None,
) -> Any:
    """The largest element; with `dim`, the largest along it and their indices; with a tensor, the larger of two."""
    return _extreme("max", input, dim, keepdim, other, axis, keepdims, out)


@composite
def min(
    input: Tensor,
    dim: Any = ALL,
    keepdim: bool = False,
    *,
    other: Any = None,
    axis: Any = None,
    keepdims: Any = None,
    out: Any = None,
) -> Any:
    """The smallest element; with `dim`, the smallest along it and their indices; with a tensor, the smaller of two."""
    return _extreme("min", input, dim, keepdim, other, axis, keepdims, out)


# -- over several dimensions -------------------------------------------------------------------------------------------


def _by_count(g, input, out, dim, keepdim):
    """The gradient of an extreme value, shared by the elements along `dim` that are equal to it."""
    dim = None if dim == () else dim
    if not keepdim:
        reduced = axes(dim, input.ndim) or range(input.ndim)
        shape = [1 if i in reduced else n for i, n in enumerate(input.shape)]
        g, out = g.view(shape), out.view(shape)
    mask = out == input
    return g / mask.sum(dim, True) * mask


def _reduce(name, ufunc, x, dim, keepdim):
    _not_empty(name, x, dim, RuntimeError)
    return in_order(np.asarray(ufunc.reduce(x, axis=axes(dim, x.ndim, keepdim), keepdims=keepdim)))


@op(
    input=lambda g, input, out, dim, keepdim: _by_count(g, input, out, dim, keepdim),
    shows=SEVERAL_DIMS,
    strict_out=SAME,
)
def amax(input, dim=(), keepdim=False):
    """The largest element over the dimensions `dim`; equals share the gradient."""
    return _reduce("amax", np.maximum, input, dim, keepdim)


@op(
    input=lambda g, input, out, dim, keepdim: _by_count(g, input, out, dim, keepdim),
    shows=SEVERAL_DIMS,
    strict_out=SAME,
)
def amin(input, dim=(), keepdim=False):
    """The smallest element over the dimensions `dim`; equals share the gradient."""
    return _reduce("amin", np.minimum, input, dim, keepdim)


@op(
    input=lambda gradients, input, min, max, dim, keepdim: _extremes_backward(gradients, input, min, max, dim, keepdim),
    outputs=("min", "max"),
    strict_out=EXPECTED_OUT,
)
def aminmax(input, *, dim=None, keepdim=False):
    """The smallest and the largest element, over all or along `dim`; equals share the gradient."""
    if dim is None and not input.size:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    if dim is not None:
        axis = wrap_dim(to_int("dim", 0, dim), input.ndim)
        if input.ndim and not input.shape[axis]:
            raise IndexError(f"aminmax: Expected reduction dim {axis} to have non-zero size.")
    reduced = axes(dim, input.ndim, keepdim)
    return tuple(
        in_order(np.asarray(f.reduce(input, axis=reduced, keepdims=keepdim))) for f in (np.minimum, np.maximum)
    )


def _extremes_backward(gradients, input, min, max, dim, keepdim):
    parts = [
        _by_count(g, input, out, dim, keepdim) for g, out in zip(gradients, (min, max), strict=True) if g is not None
    ]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


# -- places ------------------------------------------------------------------------------------------------------------


@op(input=None, strict_out=EXPECTED_OUT)
def argmax(input, dim=None, keepdim=False):
    """The index of the largest element, the first of equals; over all, counted in order."""
    return _place("argmax", np.argmax, input, dim, keepdim)


@op(input=None, strict_out=EXPECTED_OUT)
def argmin(input, dim=None, keepdim=False):
    """The index of the smallest element, the first of equals; over all, counted in order."""
    return _place("argmin", np.argmin, input, dim, keepdim)


def _place(name, function, x, dim, keepdim):
    if x.dtype == bool:
        raise RuntimeError(f"{name}(): does not support bool input")
    if dim is not None:
        dim = wrap_dim(to_int("dim", 2, dim), x.ndim)
    axes(dim, x.ndim, keepdim)
    _not_empty(name, x, dim)
    return in_order(np.asarray(function(x, axis=dim if x.ndim else None, keepdims=keepdim)))


# -- the middle --------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, input, out: _evenly(g, input, out), node="MedianBackward0", called="median", public=False, out=False
)
def median_all(input):
    """The middle element in order of size, the lower of two; nan if there is one."""
    return _middle_of(input)


def _middle_of(input):
    if input.size == 0:
        return cast(np.asarray(np.nan), input.dtype)
    if input.dtype == bool:
        raise not_implemented("median_cpu", dtypes.bool_)
    x = input.reshape(-1)
    if x.dtype.kind == "f" and np.isnan(x).any():
        return np.asarray(np.nan, x.dtype)
    return np.partition(x, (x.size - 1) // 2)[(x.size - 1) // 2]


@op(
    input=lambda g, indices, input_shape, dim, keepdim: to_selected(g, indices, input_shape, dim, keepdim),
    node="MedianBackward1",
    outputs=("values", "indices"),
    called="median",
    public=False,
)
def median_dim(input, dim, keepdim=False):
    """The middle elements along a dimension and their indices."""
    return _middle_along(_middle, input, dim, keepdim)


def _middle_along(function, input, dim, keepdim):
    axis = wrap_dim(to_int("dim", 2, dim), input.ndim)
    if input.dtype == bool and (not input.ndim or input.shape[axis]):
        raise not_implemented("median_out", dtypes.bool_)
    return selected("median", function, input, axis, keepdim)


def _middle(x, axis):
    """The index of the lower middle element along an axis, or of the first nan."""
    order = np.argsort(x, axis, kind="stable")
    middle = order.take((x.shape[axis] - 1) // 2, axis)
    nan = np.isnan(x)
    return np.where(nan.any(axis), nan.argmax(axis), middle)


@op(
    input=lambda g, input, out: _evenly(g, input, out),
    node="NanmedianBackward0",
    called="nanmedian",
    public=False,
    out=False,
)
def nanmedian_all(input):
    """The middle of the elements that are not nan, the lower of two."""
    numbers = input[~np.isnan(input)]
    return _middle_of(numbers if numbers.size else input)


@op(
    input=lambda g, indices, input_shape, dim, keepdim: to_selected(g, indices, input_shape, dim, keepdim),
    node="NanmedianBackward1",
    outputs=("values", "indices"),
    called="nanmedian",
    public=False,
)
def nanmedian_dim(input, dim, keepdim=False):
    """The middle elements along a dimension of those that are not nan, and their indices."""
    return _middle_along(_middle_number, input, dim, keepdim)


def _middle_number(x, axis):
    """The index of the lower middle element along an axis, nan left out."""
    order = np.argsort(x, axis, kind="stable")
    count = np.maximum((~np.isnan(x)).sum(axis), 1)
    return np.take_along_axis(order, np.expand_dims((count - 1) // 2, axis), axis).squeeze(axis)


@composite
def nanmedian(
    input: Tensor, dim: Any = ALL, keepdim: bool = False, *, axis: Any = None, keepdims: Any = None, out: Any = None
) -> Any:
    """The `median` of those elements that are not nan."""
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is None else keepdims
    return nanmedian_all(input) if dim is ALL else nanmedian_dim(input, dim, keepdim, out=out)


@composite
def median(
    input: Tensor, dim: Any = ALL, keepdim: bool = False, *, axis: Any = None, keepdims: Any = None, out: Any = None
) -> Any:
    """The middle element in order of size, the lower of two; with `dim`, along it and with the indices."""
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is None else keepdims
    return median_all(input) if dim is ALL else median_dim(input, dim, keepdim, out=out)
