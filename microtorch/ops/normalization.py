"""Numbers brought to mean 0 and variance 1, along dimensions or by batches, then scaled and shifted.

x̂ = (x − mean)·r with r = 1/√(variance + eps), over `axes` of x. A change v of x changes x̂ by P(v) = r·(v − mean(v) −
x̂·mean(v·x̂)); P is its own transpose, so it is the gradient, too, and its own gradient. Statistics are sums in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..arguments import to_float, to_int, to_ints
from ..op import not_implemented, only_function, op
from ..settings import warn_once
from ..tensor import Tensor
from .arithmetic import mul, require_tensor
from .numbers import plus_number
from .pointwise import rsqrt
from .reduction import mean as mean_of
from .softmax import widened

# -- x̂ and P -----------------------------------------------------------------------------------------------------------


def statistics(x, axes):
    """Mean, in the dtype of x, and the sum of the squares of what deviates from it; `axes` are kept."""
    count = math.prod(x.shape[a] for a in axes)
    columns = are_columns(axes, x)
    total = kernels.column_sums(x)[None].astype(np.float64) if columns else sums(x, axes)
    mean = np.true_divide(total, count).astype(x.dtype, copy=False)
    deviation = x - mean
    if columns:
        return mean, kernels.column_products(deviation, deviation)[None], count
    return mean, sums(np.square(deviation, deviation), axes).astype(x.dtype, copy=False), count


def are_columns(axes, *arrays):
    """Whether the samples of a batch are vectors, one behind the other: those torch adds up in their own dtype."""
    return axes == (0,) and all(x.ndim == 2 and x.flags.c_contiguous for x in arrays)


def sums(x, axes):
    """Σ x in float64; `axes` are kept."""
    if axes == (0,) and x.shape[1:] == (1,):  # which numpy would add up in pairs
        return np.add.accumulate(x, 0, dtype=np.float64)[-1:]
    return np.add.reduce(x, axis=axes, keepdims=True, dtype=np.float64)


def _mean_and_scale(x, axes, eps):
    mean, squares, count = statistics(x, axes)
    return mean, inverse_deviation(squares / x.dtype.type(max(count, 1)), eps), count


def inverse_deviation(variance, eps):
    """r = 1/√(variance + eps)."""
    return (1 / np.sqrt(variance.astype(np.float64) + eps)).astype(variance.dtype, copy=False)


@op(input=lambda g, input, axes, eps: standardized_backward(g, input, axes, eps), out=False, public=False)
def standardized(input, axes, eps):
    """x̂."""
    x = widened(input)
    mean, scale, _ = _mean_and_scale(x, axes, eps)
    centred = x - mean
    centred *= scale
    return centred.astype(input.dtype, copy=False)


@op(
    grad_output=lambda g, input, axes, eps: standardized_backward(g, input, axes, eps),
    input=lambda g, grad_output, input, axes, eps: _curvature(g, grad_output, input, axes, eps),
    out=False,
    public=False,
)
def standardized_backward(grad_output, input, axes, eps):
    """P(g)."""
    g, x = widened(grad_output), widened(input)
    mean, scale, count = _mean_and_scale(x, axes, eps)
    centred = x - mean
    columns, dense = are_columns(axes, x), are_columns(axes, x, g)
    if dense:
        along, total = kernels.column_products(centred, g), kernels.column_sums(g)
    else:
        along = sums(centred * g, axes).astype(x.dtype, copy=False)
        total = kernels.sum(g, axes, True) if columns else sums(g, axes)
    count = x.dtype.type(max(count, 1))
    share = along * scale * scale / count
    rest = g - (total / count).astype(x.dtype, copy=False)
    if columns:
        result = kernels.less_product(rest, centred, share, dense)
    else:
        result = kernels.addcmul(rest, centred, -share, 1, rest if rest.strides == centred.strides else None)
    return np.multiply(result, scale, result).astype(input.dtype, copy=False)


def _curvature(u, v, x, axes, eps):
    """The gradient of ⟨u, P(v)⟩ in x: −r·(r·x̂·(mean(u·v) − ū·v̄ − ûx·v̂x) + P(v)·ûx + P(u)·v̂x), ûx being mean(u·x̂)."""
    along = {"dim": axes, "keepdim": True}
    hat = standardized(x, axes, eps)
    centred = x - mean_of(x, **along)
    scale = rsqrt(mean_of(centred * centred, **along) + eps)
    of_u, of_v = mean_of(u * hat, **along), mean_of(v * hat, **along)
    alike = mean_of(u * v, **along) - mean_of(u, **along) * mean_of(v, **along) - of_u * of_v
    both = standardized_backward(v, x, axes, eps) * of_u + standardized_backward(u, x, axes, eps) * of_v
    return -scale * (scale * hat * alike + both)


# -- over the last dimensions ------------------------------------------------------------------------------------------


@op(
    input=lambda g, input, weight, axes, eps: standardized_backward(times(g, weight), input, axes, eps),
    weight=lambda g, input, axes, eps: mul(g, standardized(input, axes, eps)),
    bias=lambda g: g,
    shows={"input": "input", "normalized_shape": lambda input_shape, axes: input_shape[-len(axes) :]},
    hides="eps",
    out=False,
    public=False,
)
def native_layer_norm(input, weight=None, bias=None, *, axes, eps):
    """x̂·weight + bias over the last dimensions."""
    check_dtypes(input, weight, bias)
    if input.dtype.kind != "f":
        raise not_implemented("LayerNormKernelImpl", dtypes.FROM_NUMPY[input.dtype])
    x = np.ascontiguousarray(widened(input))
    mean, scale, _ = _mean_and_scale(x, axes, eps)
    result = kernels.addcmul(-scale * mean, x, scale, 1)
    if weight is not None:
        result = (
            np.multiply(result, weight, result) if bias is None else kernels.addcmul(bias, result, weight, 1, result)
        )
    elif bias is not None:
        result += bias
    return result.astype(input.dtype, copy=False)


@only_function
def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: Any = 1e-05,
    cudnn_enable: bool = True,
) -> Tensor:
    """(x − mean)/√(variance + eps)·weight + bias over the last dimensions, which have `normalized_shape`.

    weight and bias have that shape (Ba et al., 2016).
    """
    require_tensor("input", 1, input)
    shape = to_ints("normalized_shape", 2, normalized_shape)
    eps = to_float("eps", 5, eps)
    _check_shape(input, shape, "*, ", weight=weight, bias=bias)
    return native_layer_norm(input, weight, bias, axes=tuple(range(input.dim() - len(shape), input.dim())), eps=eps)


def _check_shape(input: Tensor, shape: tuple[int, ...], lead: str, **parameters: Tensor | None) -> None:
    listed = f"{list(shape)}"
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            f"normalized_shape = {listed}"
        )
    for name, parameter in parameters.items():
        if parameter is not None and parameter.shape != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(parameter.shape)} and normalized_shape = {listed}"
            )
    if input.dim() < len(shape) or input.shape[input.dim() - len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={listed}, expected input with shape [{lead}{listed[1:]}, but got input of "
            f"size{list(input.shape)}"
        )


@only_function
def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: Any = None) -> Tensor:
    """x/√(mean(x²) + eps)·weight over the last dimensions; eps is by default that of the dtype (Zhang, 2019)."""
    require_tensor("input", 1, input)
    shape = to_ints("normalized_shape", 2, normalized_shape)
    if shape and input.dim() < len(shape):
        raise ValueError(f"Input tensor must have at least {len(shape)} dimensions, but got {input.dim()}")
    _check_shape(input, shape, "*", weight=weight)
    if weight is not None and weight.dtype is not input.dtype:
        warn_once(
            f"Mismatch dtype between input and weight: input dtype = {input.dtype.cpp_name}, weight dtype = "
            f"{weight.dtype.cpp_name}, Cannot dispatch to fused implementation."
        )
    if not input.is_floating_point():
        raise not_implemented("rms_norm", input.dtype)
    half = input.dtype is dtypes.float16
    x = input.float() if half else input
    if eps is None:
        eps = dtypes.finfo(x.dtype if half else input.dtype).eps
    mean = x.pow(2).mean([input.dim() - 1 - i for i in range(len(shape))], keepdim=True)
    result = x * plus_number(mean, to_float("eps", 4, eps)).rsqrt()
    if weight is not None:
        result = result * weight
    return result.type_as(input).contiguous()


# -- by groups of channels ---------------------------------------------------------------------------------------------


@op(
    input=lambda g, input, weight, groups, eps: _grouped(
        standardized_backward, groups, eps, times(g, per_channel(weight, g.dim())), input
    ),
    weight=lambda g, input, groups, eps: mul(g, _grouped(standardized, groups, eps, input)).sum(but_channels(g.dim())),
    bias=lambda g: g.sum(but_channels(g.dim())),
    shows={
        "input": "input",
        "N": lambda input_shape: input_shape[0],
        "C": lambda input_shape: input_shape[1],
        "HxW": lambda input_shape: math.prod(input_shape[2:]),
        "group": "groups",
    },
    out=False,
    public=False,
)
def native_group_norm(input, weight=None, bias=None, *, groups, eps):
    """x̂·weight + bias over groups of channels and what comes after them."""
    check_dtypes(input, weight, bias)
    if input.dtype.kind != "f":
        raise not_implemented("GroupNormKernelImpl", dtypes.FROM_NUMPY[input.dtype])
    x = np.ascontiguousarray(widened(input)).reshape(_group_shape(input.shape, groups))
    mean, scale, _ = _mean_and_scale(x, (2,), eps)
    channels = (*input.shape[:2], *(1,) * (input.ndim - 2))
    scale, mean = (np.repeat(s.reshape(input.shape[0], groups), input.shape[1] // groups, 1) for s in (scale, mean))
    if weight is not None:
        scale = scale * weight
    shift = -scale * mean if bias is None else kernels.addcmul(np.broadcast_to(bias, mean.shape), -scale, mean, 1)
    result = kernels.addcmul(shift.reshape(channels), x.reshape(input.shape), scale.reshape(channels), 1)
    return result.astype(input.dtype, copy=False)


def _group_shape(shape, groups):
    return shape[0], groups, shape[1] // groups * math.prod(shape[2:])


def _grouped(operation, groups, eps, *tensors):
    """An operation on the tensors in the shape (N, groups, rest), over the rest."""
    shape = tensors[0].shape
    folded = [tensor.reshape(_group_shape(shape, groups)) for tensor in tensors]
    return operation(*folded, (2,), eps).reshape(shape)


def but_channels(ndim):
    """All dimensions but that of the channels."""
    return (0, *range(2, ndim))


def per_channel(weight, ndim):
    """Numbers for each channel in a shape that broadcasts beside an input of so many dimensions."""
    return weight if weight is None else weight.reshape([-1, *(1,) * (ndim - 2)])


def times(g, weight):
    """g·weight, where there is a weight."""
    return g if weight is None else mul(g, weight)


@only_function
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: Any = 1e-05,
    cudnn_enabled: bool = True,
) -> Tensor:
    """(x − mean)/√(variance + eps)·weight + bias for each sample and group of channels (Wu and He, 2018).

    x has the shape (N, C, …), weight and bias (C,).
    """
    require_tensor("input", 1, input)
    num_groups = to_int("num_groups", 2, num_groups)
    eps = to_float("eps", 5, eps)
    shape = list(input.shape)
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if shape[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{shape} and num_groups={num_groups}"
        )
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and parameter.shape != (shape[1],):
            shown = parameter if weight is None else weight  # for both, as torch does
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(shown.shape)} and input of shape {shape}"
            )
    return native_group_norm(input.contiguous(), weight, bias, groups=num_groups, eps=eps)


# -- dtypes ------------------------------------------------------------------------------------------------------------


def check_dtypes(input, *parameters):
    """Refuse parameters of another dtype, but for those of float32 beside float16."""
    types = [p.dtype for p in parameters if p is not None]
    if not types:
        return
    if types[0] == input.dtype:
        if other := next((dtype for dtype in types if dtype != input.dtype), None):
            expected, found = (dtypes.FROM_NUMPY[dtype].legacy_name for dtype in (input.dtype, other))
            raise RuntimeError(f"expected scalar type {expected} but found {found}")
        return
    if any(dtype != np.float32 for dtype in types):
        raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float")
    if input.dtype != np.float16:
        raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")
