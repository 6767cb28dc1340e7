"""Rectifiers: x where it is positive, and something small where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..arguments import to_number
from ..op import REGISTRY, composite, not_implemented, only_function, pointwise
from ..tensor import Tensor
from ..types import contiguous_format
from .arithmetic import require_tensor
from .comparison import where
from .creation import zeros_like
from .generator import stream

NOT_FLOAT = "bhilB?"  # the dtypes that most kernels of activations lack


def derived(**more: Any) -> Any:
    """Declare the gradient of an activation as an operation that nobody calls by name."""
    return pointwise(in_place=False, out=False, public=False, **more)


def overwriting(operation: Any) -> Any:
    """The variant with `_` of an operation that is not published."""
    return REGISTRY[operation.__name__].function_


NEGATIVE = (
    "In-place {0} backward calculation is triggered with a negative slope which is not supported. This is caused by "
    "calling in-place forward function with a negative slope, please call out-of-place version instead."
)


# -- leaky -------------------------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g, input, negative_slope: leaky_relu_backward(g, input, negative_slope, False),
    refuses=("leaky_relu_cpu", NOT_FLOAT),
    in_place=False,
    out=False,
    public=False,
)
def leaky_relu(input, negative_slope):
    """x where it is positive, else negative_slope·x."""
    return np.where(input > 0, input, input * input.dtype.type(negative_slope))


@pointwise(
    input=lambda g, out, negative_slope: leaky_relu_backward(g, out, negative_slope, True),
    node="LeakyReluBackward1",
    refuses=("leaky_relu_cpu", NOT_FLOAT),
    out=False,
    public=False,
)
def leaky_relu_over(input, negative_slope):
    """`leaky_relu` whose gradient is told by the result: the input has been overwritten."""
    return np.where(input > 0, input, input * input.dtype.type(negative_slope))


leaky_relu_ = overwriting(leaky_relu_over)


@derived(
    grad_output=lambda g, self, negative_slope: leaky_relu_backward(g, self, negative_slope, False),
    self=lambda g: zeros_like(g),
)
def leaky_relu_backward(grad_output, self, negative_slope, self_is_result):
    """g where x > 0, else negative_slope·g."""
    if self_is_result and negative_slope < 0:
        raise RuntimeError(
            NEGATIVE.format("leakyReLu") + " File an issue at https://github.com/pytorch/pytorch if you do require "
            "supporting in-place leakRelu backward calculation with negative slope"
        )
    return np.where(self > 0, grad_output, grad_output * grad_output.dtype.type(negative_slope))


@only_function
def rrelu(
    input: Tensor, lower: Any = 1 / 8, upper: Any = 1 / 3, training: bool = False, generator: Any = None
) -> Tensor:
    """x where it is positive, else a·x: in training a is drawn for every element, else it is the middle.

    The draws are uniform in [lower, upper); Xu et al., 2015.
    """
    return _rrelu(rrelu_with_noise, input, lower, upper, training, generator)


@only_function
def rrelu_(
    input: Tensor, lower: Any = 1 / 8, upper: Any = 1 / 3, training: bool = False, generator: Any = None
) -> Tensor:
    """`rrelu` in place."""
    return _rrelu(overwriting(rrelu_with_noise_over), input, lower, upper, training, generator)


def _rrelu(operation: Any, input: Any, lower: Any, upper: Any, training: bool, generator: Any) -> Tensor:
    require_tensor("input", 1, input)
    lower, upper = to_number("lower", 2, lower), to_number("upper", 3, upper)
    source = stream(generator, "rrelu")
    for name, bound in (("lower", lower), ("upper", upper)):
        if not np.isfinite(bound):
            raise RuntimeError(f"rrelu: {name} bound must be finite, got {bound}")
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    noise = zeros_like(input, memory_format=contiguous_format)
    if training:
        if input._array.dtype.char not in "fd":
            raise not_implemented("rrelu_with_noise_out_cpu", input.dtype)
        noise._array[...] = _slopes(input._array, lower, upper, source)
    result: Tensor = operation(input, noise, lower, upper, bool(training))
    return result


def _slopes(x, lower, upper, source):
    """What each element is multiplied by: 1, or a number drawn in float64 for every x that is not positive."""
    slopes = np.ones(x.shape, x.dtype)
    below = x <= 0
    low, high = float(x.dtype.type(lower)), float(x.dtype.type(upper))
    slopes[below] = source.uniform((np.count_nonzero(below),), np.dtype(np.float64)) * (high - low) + low
    return slopes


def _with_slopes(input, noise, lower, upper, training):
    if training:
        return input * noise
    slope = (float(lower) + float(upper)) / 2
    return np.where(input > 0, input, input * input.dtype.type(slope))


@pointwise(
    input=lambda g, input, noise, lower, upper, training: rrelu_with_noise_backward(
        g, input, noise, lower, upper, training, False
    ),
    noise=None,
    refuses=("leaky_relu_cpu", NOT_FLOAT),
    order=lambda input, noise: (noise,),
    in_place=False,
    out=False,
    public=False,
)
def rrelu_with_noise(input, noise, lower, upper, training):
    """x times the noise, or where it is negative times the middle between lower and upper."""
    return _with_slopes(input, noise, lower, upper, training)


@pointwise(
    input=lambda g, out, noise, lower, upper, training: rrelu_with_noise_backward(
        g, out, noise, lower, upper, training, True
    ),
    noise=None,
    node="RreluWithNoiseBackward1",
    refuses=("leaky_relu_cpu", NOT_FLOAT),
    out=False,
    public=False,
)
def rrelu_with_noise_over(input, noise, lower, upper, training):
    """`rrelu_with_noise` whose gradient is told by the result: the input has been overwritten."""
    return _with_slopes(input, noise, lower, upper, training)


@derived(
    grad_output=lambda g, self, noise, lower, upper, training: rrelu_with_noise_backward(
        g, self, noise, lower, upper, training, False
    ),
    self=lambda g: zeros_like(g),
    noise=None,
)
def rrelu_with_noise_backward(grad_output, self, noise, lower, upper, training, self_is_result):
    """g times what x was multiplied by."""
    if training and upper - lower > 1e-6:
        return grad_output * noise
    slope = (float(lower) + float(upper)) / 2
    if self_is_result and slope < 0:
        raise RuntimeError(
            NEGATIVE.format("leakyReLu") + " File an issue at https://github.com/pytorch/pytorch if you do require "
            "supporting in-place leakRelu backward calculation with negative slope"
        )
    return np.where(self > 0, grad_output, grad_output * grad_output.dtype.type(slope))


# -- with a slope that is learned ---------------------------------------------------------------------------------------


@composite
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where it is positive, else weight·x: one weight, or one for each element of dimension 1 (He et al., 2015)."""
    require_tensor("input", 1, input)
    require_tensor("weight", 2, weight)
    if input.dtype is not weight.dtype:
        names = input.dtype.legacy_name, weight.dtype.legacy_name
        raise RuntimeError("prelu: Type promoting not supported. Got {} and {}".format(*names))
    ndim, count = input.dim(), weight.numel()
    if count != 1:
        if ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.size(1) if ndim > 1 else 1
        if channels != count:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{count} and channel size = {channels}."
            )
    if weight.dim() > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.dim()}")
    if ndim != weight.dim():
        shape = [1] * ndim
        if ndim > 1:
            shape[1] = count
        weight = weight.reshape(shape)
    return prelu_kernel(input, weight)


@pointwise(
    input=lambda g, input, weight: prelu_kernel_backward(g, input, weight),
    weight=lambda g, input: prelu_weight_backward(g, input),
    refuses=("prelu_cpu", NOT_FLOAT),
    in_place=False,
    out=False,
    public=False,
)
def prelu_kernel(input, weight):
    """x where it is positive, else w·x."""
    return np.where(input > 0, input, weight * input)


@derived(
    grad_output=lambda g, self, weight: where(self >= 0, g, weight * g),
    self=lambda g: zeros_like(g),
    weight=lambda g, grad_output, self: where(self >= 0, 0, g * grad_output),
)
def prelu_kernel_backward(grad_output, self, weight):
    """g where x > 0, else w·g."""
    return np.where(self > 0, grad_output, weight * grad_output)


@derived(
    grad_output=lambda g, self: prelu_weight_backward(g, self),
    self=lambda g, grad_output, self: where(self >= 0, 0, g * grad_output),
    node="PreluKernelBackwardBackward0",
)
def prelu_weight_backward(grad_output, self):
    """0 where x > 0, else x·g."""
    return np.where(self > 0, 0, self * grad_output)


# -- exponential where x is negative -----------------------------------------------------------------------------------


def _elu(input, alpha, scale, input_scale):
    number = input.dtype.type
    negative = (kernels.exp(input * number(input_scale)) - 1) * (number(alpha) * number(scale))
    return np.where(input > 0, input * number(scale), negative)


@pointwise(
    input=lambda g, input, alpha, scale, input_scale: elu_backward(g, alpha, scale, input_scale, False, input),
    refuses=("elu_cpu", NOT_FLOAT),
    in_place=False,
    out=False,
    public=False,
)
def elu(input, alpha=1, scale=1, input_scale=1):
    """scale·x where x > 0, else scale·alpha·(exp(input_scale·x) − 1)."""
    return _elu(input, alpha, scale, input_scale)


@pointwise(
    input=lambda g, out, alpha, scale, input_scale: elu_backward(g, alpha, scale, input_scale, True, out),
    node="EluBackward1",
    refuses=("elu_cpu", NOT_FLOAT),
    out=False,
    public=False,
)
def elu_over(input, alpha=1, scale=1, input_scale=1):
    """`elu` whose gradient is told by the result: the input has been overwritten."""
    return _elu(input, alpha, scale, input_scale)


elu_ = overwriting(elu_over)


@derived(
    grad_output=lambda g, alpha, scale, input_scale, is_result, self_or_result: elu_backward(
        g, alpha, scale, input_scale, is_result, self_or_result
    ),
    self_or_result=lambda g, grad_output, alpha, scale, input_scale, is_result, self_or_result: _elu_curvature(
        g * grad_output * input_scale, alpha, scale, input_scale, is_result, self_or_result
    ),
)
def elu_backward(grad_output, alpha, scale, input_scale, is_result, self_or_result):
    """scale·g where x > 0, else input_scale·g·(y + scale·alpha), y being the result of elu."""
    if is_result and alpha < 0:
        raise RuntimeError(NEGATIVE.format("elu"))
    number = grad_output.dtype.type
    scale, input_scale, negative = number(scale), number(input_scale), number(alpha) * number(scale)
    if is_result:
        below = grad_output * input_scale * (self_or_result + negative)
    else:
        below = grad_output * input_scale * negative * kernels.exp(self_or_result * input_scale)
    return np.where(self_or_result > 0, grad_output * scale, below)


def _elu_curvature(g, alpha, scale, input_scale, is_result, self_or_result):
    """The slope of the slope, which is 0 where x is positive."""
    curvature = g if is_result else elu_backward(g, alpha, scale, input_scale, False, self_or_result)
    return curvature * (self_or_result < 0).type_as(g)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@only_function
def selu(input: Tensor) -> Tensor:
    """λ·x where x > 0, else λ·α·(eˣ − 1), with λ and α that keep mean and variance (Klambauer et al., 2017)."""
    require_tensor("input", 1, input)
    return elu(input, SELU_ALPHA, SELU_SCALE)


@only_function
def selu_(input: Tensor) -> Tensor:
    """`selu` in place."""
    require_tensor("input", 1, input)
    result: Tensor = elu_(input, SELU_ALPHA, SELU_SCALE)
    return result


@pointwise(
    input=lambda g, input, alpha: elu_backward(g, alpha, 1, 1.0 / alpha, False, input),
    node="CeluBackward0",
    refuses=("elu_cpu", NOT_FLOAT),
    in_place=False,
    out=False,
    public=False,
)
def celu_of(input, alpha):
    """x where it is positive, else alpha·(exp(x/alpha) − 1)."""
    return _elu(input, alpha, 1.0, 1.0 / alpha)


@pointwise(
    input=lambda g, out, alpha: elu_backward(g, alpha, 1, 1.0 / alpha, True, out),
    node="CeluBackward1",
    refuses=("elu_cpu", NOT_FLOAT),
    out=False,
    public=False,
)
def celu_over(input, alpha):
    """`celu` whose gradient is told by the result: the input has been overwritten."""
    return _elu(input, alpha, 1.0, 1.0 / alpha)


@only_function
def celu(input: Tensor, alpha: Any = 1.0) -> Tensor:
    """x where it is positive, else alpha·(exp(x/alpha) − 1) (Barron, 2017)."""
    require_tensor("input", 1, input)
    return celu_of(input, _celu_alpha(alpha))


@only_function
def celu_(input: Tensor, alpha: Any = 1.0) -> Tensor:
    """`celu` in place."""
    require_tensor("input", 1, input)
    result: Tensor = overwriting(celu_over)(input, _celu_alpha(alpha))
    return result


def _celu_alpha(alpha: Any) -> Any:
    alpha = to_number("alpha", 2, alpha)
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return alpha
