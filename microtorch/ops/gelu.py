"""The Gaussian error linear unit: x times the probability that a normal number is below it."""

from __future__ import annotations

import math

from .. import kernels
from ..kernels.error_functions import erf
from ..op import pointwise
from .arithmetic import SAME_DTYPE
from .pointwise import exp, tanh
from .rectifiers import NOT_FLOAT, derived

ROOT_HALF = math.sqrt(0.5)
DENSITY = math.sqrt(0.5 / math.pi)  # of the normal distribution at 0
BETA, KAPPA = math.sqrt(2 / math.pi), 0.044715  # tanh(BETA·(x + KAPPA·x³)) is nearly erf(x·√½)


@pointwise(
    input=lambda g, input, approximate: gelu_backward(g, input, approximate),
    refuses=("GeluKernelImpl", NOT_FLOAT),
    in_place=False,
    strict_out=SAME_DTYPE,
    public=False,
)
def gelu(input, *, approximate):
    """x·Φ(x), Φ being the normal distribution's function (Hendrycks and Gimpel, 2016); exact or by means of tanh."""
    number = input.dtype.type
    if approximate == "tanh":
        cube = input * input * input
        return number(0.5) * input * (1 + kernels.tanh(number(BETA) * (input + number(KAPPA) * cube)))
    below = erf(input * number(ROOT_HALF))
    below += 1
    result = input * number(0.5)
    result *= below
    return result


@derived(
    grad_output=lambda g, self, approximate: gelu_backward(g, self, approximate),
    self=lambda g, grad_output, self, approximate: g * grad_output * _curvature(self, approximate),
)
def gelu_backward(grad_output, self, approximate):
    """g·(Φ(x) + x·Φ′(x))."""
    number = self.dtype.type
    square = self * self
    if approximate == "tanh":
        t = kernels.tanh(number(BETA) * (self + number(KAPPA) * (square * self)))
        slope = number(BETA) * (1 + 3 * number(KAPPA) * square)
        return grad_output * (number(0.5) * (1 + t) + number(0.5) * self * (1 - t * t) * slope)
    below = erf(self * number(ROOT_HALF))
    below += 1
    below *= number(0.5)
    square *= number(-0.5)
    slope = kernels.exp(square)
    slope *= number(DENSITY)
    slope *= self
    slope += below
    return grad_output * slope


def _curvature(x, approximate):
    """The second derivative: Φ′(x)·(2 − x²), or that of the approximation."""
    if approximate != "tanh":
        return exp(x * x * -0.5) * DENSITY * (2 - x * x)
    t = tanh(BETA * (x + KAPPA * x * x * x))
    slope = BETA * (1 + 3 * KAPPA * x * x)
    bend = 1 - t * t
    return bend * (slope + 3 * BETA * KAPPA * x * x) - bend * slope * t * slope * x
