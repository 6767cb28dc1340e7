"""Smooth activations: sums of exponentials, and what is made of them."""

from __future__ import annotations

import numpy as np

from .. import dtypes, kernels
from ..layout import arranged
from ..op import not_implemented, op, pointwise
from ..tensor import wrap_dim
from .arithmetic import SAME_DTYPE
from .joining import cat
from .parts import narrow
from .pointwise import exp, log1p, sigmoid, sigmoid_backward, tanh
from .rectifiers import NOT_FLOAT, derived, overwriting
from .softmax import widened

# -- x times something between 0 and 1 ---------------------------------------------------------------------------------


def _silu_slope(g, input):
    """g·σ·(1 + x·(1 − σ)) with σ = sigmoid(x)."""
    s = sigmoid(input)
    return g * s * (1 + input * (1 - s))


@pointwise(input=lambda g, input: _silu_slope(g, input), refuses=("silu_cpu", NOT_FLOAT), out=False, public=False)
def silu(input):
    """x·sigmoid(x), also called swish (Hendrycks and Gimpel, 2016)."""
    return input / (1 + kernels.exp(-input))


silu_ = overwriting(silu)


def _mish_slope(g, input):
    """g·(t + x·σ·(1 − t²)) with t = tanh(softplus(x)) and σ = sigmoid(x)."""
    t = tanh(log1p(exp(input)))
    return g * (t + input * sigmoid(input) * (1 - t * t))


@pointwise(input=lambda g, input: _mish_slope(g, input), refuses=("mish_cpu", NOT_FLOAT), out=False, public=False)
def mish(input):
    """x·tanh(ln(1 + eˣ)) (Misra, 2019)."""
    return input * kernels.tanh(kernels.log1p(kernels.exp(input)))


mish_ = overwriting(mish)


@op(
    input=lambda g, input, dim: glu_backward(g, input, dim),
    out=False,
    public=False,
)
def glu(input, dim):
    """a·sigmoid(b), a and b being the halves of x along a dimension (Dauphin et al., 2016)."""
    axis = wrap_dim(dim, input.ndim)
    if input.shape[axis] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {axis} is size {input.shape[axis]}")
    if input.dtype.kind != "f":
        raise not_implemented("glu_cpu", dtypes.FROM_NUMPY[input.dtype])
    a, b = np.split(widened(input), 2, axis)
    return arranged(np.asarray(a * (1 / (1 + kernels.exp(-b)))), (a, b)).astype(input.dtype, copy=False)


@op(
    grad_output=lambda g, self, dim: _glu_slopes(g, self, dim),
    self=lambda g, grad_output, self, dim: _glu_curvatures(g, grad_output, self, dim),
    out=False,
    public=False,
)
def glu_backward(grad_output, self, dim):
    """g·σ beside g·a·σ·(1 − σ), with σ = sigmoid(b)."""
    g = widened(grad_output)
    a, b = np.split(widened(self), 2, dim)
    s = kernels.sigmoid(b)
    return np.concatenate([s * g, (1 - s) * s * g * a], dim).astype(self.dtype, copy=False)


def _glu_slopes(g, self, dim):
    """The gradient of ⟨g, glu_backward⟩ in the incoming gradient."""
    half = self.size(dim) // 2
    s = sigmoid(narrow(self, dim, half, half))
    return s * narrow(g, dim, 0, half) + (1 - s) * s * narrow(self, dim, 0, half) * narrow(g, dim, half, half)


def _glu_curvatures(g, grad_output, self, dim):
    """The gradient of ⟨g, glu_backward⟩ in x."""
    half = self.size(dim) // 2
    s, of_a, of_b = sigmoid(narrow(self, dim, half, half)), narrow(g, dim, 0, half), narrow(g, dim, half, half)
    slope = grad_output * s * (1 - s)
    second = of_a * slope + of_b * narrow(self, dim, 0, half) * slope * (1 - 2 * s)
    return cat([of_b * slope, second], dim)


# -- the rectifier, smooth ---------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g, input, beta, threshold: softplus_backward(g, input, beta, threshold),
    refuses=("softplus_cpu", NOT_FLOAT),
    in_place=False,
    strict_out=SAME_DTYPE,
    public=False,
)
def softplus(input, beta, threshold):
    """ln(1 + exp(beta·x))/beta, and x itself where beta·x is beyond the threshold."""
    beta = input.dtype.type(beta)
    z = input * beta
    return np.where(z > input.dtype.type(threshold), input, kernels.log1p(kernels.exp(z)) / beta)


@derived(
    grad_output=lambda g, self, beta, threshold: softplus_backward(g, self, beta, threshold),
    self=lambda g, grad_output, self, beta, threshold: (
        sigmoid_backward(g * grad_output, sigmoid(self * beta)) * (self * beta < threshold).type_as(g) * beta
    ),
)
def softplus_backward(grad_output, self, beta, threshold):
    """g·z/(z + 1) with z = exp(beta·x), and g where beta·x is beyond the threshold."""
    scaled = self * self.dtype.type(beta)
    z = kernels.exp(scaled)
    return np.where(scaled > self.dtype.type(threshold), grad_output, grad_output * z / (z + 1))


@op(
    input=lambda g, input: log_sigmoid_backward(g, input),
    strict_out="expected scalar type {0} but found {1}",
    public=False,
)
def log_sigmoid(input):
    """ln(1/(1 + e⁻ˣ)), computed as min(x, 0) − ln(1 + e^−|x|)."""
    if input.dtype.kind != "f":
        raise not_implemented("log_sigmoid_cpu", dtypes.FROM_NUMPY[input.dtype])
    x = np.ascontiguousarray(widened(input)).reshape(input.shape)
    return (np.minimum(x, 0) - kernels.log1p(kernels.exp(-np.abs(x)))).astype(input.dtype, copy=False)


@derived(
    grad_output=lambda g, self: log_sigmoid_backward(g, self),
    self=lambda g, grad_output, self: g * grad_output * (sigmoid(self) - 1) * sigmoid(self),
)
def log_sigmoid_backward(grad_output, self):
    """g·(1 − sigmoid(x)), computed with z = e^−|x|, which does not overflow."""
    z = kernels.exp(-np.abs(self))
    share = z / (1 + z)
    return np.where(self < 0, 1 - share, share) * grad_output
