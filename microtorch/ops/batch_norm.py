"""Normalization by the statistics of a batch, or by those that were gathered from batches before it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..arguments import to_bool, to_float
from ..engine import mode
from ..op import not_implemented, only_function, op
from ..tensor import Tensor
from .arithmetic import mul, require_tensor
from .normalization import (
    are_columns,
    but_channels,
    check_dtypes,
    inverse_deviation,
    per_channel,
    standardized,
    standardized_backward,
    statistics,
    sums,
    times,
)
from .softmax import widened


@op(
    input=lambda g, input, weight, running_var, training, eps: _slope(g, input, weight, running_var, training, eps),
    weight=lambda g, input, running_mean, running_var, training, eps: _slope_of_scale(
        g, input, running_mean, running_var, training, eps
    ),
    bias=lambda g: sum_by_channel(g),
    running_mean=None,
    running_var=None,
    shows={"input": "input"},
    out=False,
    public=False,
)
def native_batch_norm(
    input, weight=None, bias=None, running_mean=None, running_var=None, *, training=False, momentum=0.1, eps=1e-5
):
    """x̂·weight + bias for each channel; in training what has been gathered moves towards this batch."""
    if input.dtype.kind != "f":
        raise not_implemented("batch_norm", dtypes.FROM_NUMPY[input.dtype])
    check_dtypes(input, weight, bias, running_mean, running_var)
    x = np.ascontiguousarray(widened(input))
    if training:
        mean, squares, count = statistics(x, but_channels(x.ndim))
        mean, squares = mean.ravel(), squares.ravel()
        scale = inverse_deviation(squares / x.dtype.type(count), eps)
        if running_mean is not None:
            running_mean[...] = _moved(running_mean, mean, momentum)
        if running_var is not None:
            unbiased = squares / x.dtype.type(count - 1)
            running_var[...] = _moved(running_var, unbiased.astype(np.float64), momentum)
    else:
        mean = widened(running_mean)
        scale = 1 / np.sqrt(widened(running_var) + x.dtype.type(eps))
    if weight is not None:
        scale = scale * widened(weight)
    zero = np.zeros_like(scale) if bias is None else widened(bias)
    shift, scale = (_beside(c, x.ndim) for c in (kernels.addcmul(zero, mean, scale, -1), scale))
    return kernels.addcmul(shift, x, scale, 1).astype(input.dtype, copy=False)


def _moved(gathered, value, momentum):
    """(1 − momentum)·gathered + momentum·value; torch rounds the variance's second product once, with the sum."""
    gathered = widened(gathered)
    momentum = gathered.dtype.type(momentum)
    return momentum * value + (1 - momentum) * gathered


def _beside(channels, ndim):
    """Numbers for each channel in a shape that broadcasts beside the input."""
    return channels.reshape(-1, *(1,) * (ndim - 2))


def _slope(g, input, weight, running_var, training, eps):
    if training:
        return times(standardized_backward(g, input, but_channels(g.dim()), eps), per_channel(weight, g.dim()))
    return times(mul(g, per_channel(gathered_scale(running_var, eps), g.dim())), per_channel(weight, g.dim()))


def _slope_of_scale(g, input, running_mean, running_var, training, eps):
    if training:
        return correlated(g, input, eps)
    centred = input - per_channel(running_mean, g.dim())
    return product_by_channel(g, centred) * gathered_scale(running_var, eps)


@op(running_var=None, out=False, public=False)
def gathered_scale(running_var, eps):
    """1/√(variance + eps)."""
    return inverse_deviation(widened(running_var), eps)


@op(
    grad_output=lambda g, input, eps: mul(
        per_channel(g, input.dim()), standardized(input, but_channels(input.dim()), eps)
    ),
    input=lambda g, grad_output, input, eps: standardized_backward(
        mul(per_channel(g, input.dim()), grad_output), input, but_channels(input.dim()), eps
    ),
    out=False,
    public=False,
)
def correlated(grad_output, input, eps):
    """Σ g·x̂ for each channel."""
    g, x = widened(grad_output), widened(input)
    axes = but_channels(x.ndim)
    mean, squares, count = statistics(x, axes)
    scale = inverse_deviation(squares / x.dtype.type(count), eps).ravel()
    return (_products(g, x - mean) * scale).astype(input.dtype)


def _products(g, x):
    """Σ g·x for each channel."""
    axes = but_channels(x.ndim)
    return kernels.column_products(x, g) if are_columns(axes, x, g) else sums(x * g, axes).ravel()


@op(
    a=lambda g, b: mul(per_channel(g, b.dim()), b),
    b=lambda g, a: mul(per_channel(g, a.dim()), a),
    out=False,
    public=False,
)
def product_by_channel(a, b):
    """Σ a·b for each channel."""
    return _products(widened(a), widened(b)).astype(a.dtype)


@op(input=lambda g, input: per_channel(g, input.dim()).expand(input.shape), out=False, public=False)
def sum_by_channel(input):
    """Σ x for each channel."""
    axes = but_channels(input.ndim)
    if input.ndim == 2:
        return kernels.column_sums(input) if are_columns(axes, input) else kernels.sum(input, axes)
    return sums(input, axes).ravel().astype(input.dtype)


@only_function
def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: Any,
    eps: Any,
    cudnn_enabled: bool,
) -> Tensor:
    """(x − mean)/√(variance + eps)·weight + bias for each channel of x, shape (N, C, …) (Ioffe and Szegedy, 2015).

    In training mean and variance are those of the batch, and `running_mean` and `running_var` are moved towards them
    by the part `momentum`; else they are these.
    """
    require_tensor("input", 1, input)
    training = to_bool("training", 6, training)
    momentum, eps = to_float("momentum", 7, momentum), to_float("eps", 8, eps)
    features = input.size(1) if training or (running_mean is not None and running_var is not None) else 0
    if not input.numel():
        result = input.clone()
        result = result if weight is None else result * weight[0]
        return result if bias is None else result + bias[0]
    for name, gathered in (("running_mean", running_mean), ("running_var", running_var)):
        if gathered is None and not training:
            raise RuntimeError(f"{name} must be defined in evaluation mode")
    for name, numbers in (
        ("running_mean", running_mean),
        ("running_var", running_var),
        ("weight", weight),
        ("bias", bias),
    ):
        if numbers is not None and numbers.numel() != features:
            raise RuntimeError(f"{name} should contain {features} elements not {numbers.numel()}")
    if training and (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    for name, gathered in (("running_mean", running_mean), ("running_var", running_var)):
        if gathered is not None and gathered.requires_grad and mode.grad:
            raise RuntimeError(
                f"The function 'native_batch_norm' is not differentiable with respect to argument '{name}'. This "
                "input cannot have requires_grad True."
            )
    return native_batch_norm(
        input, weight, bias, running_mean, running_var, training=training, momentum=momentum, eps=eps
    )


@only_function
def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: Any,
    eps: Any,
    cudnn_enabled: bool,
) -> Tensor:
    """`batch_norm` for each sample by itself; what is gathered is the mean over the samples."""
    require_tensor("input", 1, input)
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    samples, channels = input.size(0), input.size(1)
    repeated = [None if t is None else t.repeat(samples) for t in (weight, bias, running_mean, running_var)]
    scale, shift, mean, var = repeated
    folded = input.contiguous().view(1, samples * channels, *input.shape[2:])
    result = batch_norm(folded, scale, shift, mean, var, use_input_stats, momentum, eps, cudnn_enabled)
    if use_input_stats:
        for gathered, each in ((running_mean, mean), (running_var, var)):
            if gathered is not None and each is not None:
                gathered.copy_(each.view(samples, channels).mean(0))
    return result.view(input.shape)
