"""Activations made of straight lines: x is limited, cut off, or brought nearer to zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import fit, to_number
from ..op import composite, only_function, pointwise
from ..tensor import Tensor
from .arithmetic import SAME_DTYPE, mul, require_tensor
from .creation import zeros_like
from .rectifiers import NOT_FLOAT, derived, overwriting

# -- limits ------------------------------------------------------------------------------------------------------------


@pointwise(
    input=lambda g, input, min_val, max_val: hardtanh_backward(g, input, min_val, max_val),
    out=False,
    public=False,
)
def hardtanh(input, min_val, max_val):
    """x limited to [min_val, max_val]."""
    if input.dtype == bool:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if input.dtype.kind != "f":
        min_val, max_val = int(min_val), int(max_val)
        if input.dtype.kind == "u" and (min_val < 0 or max_val < 0):
            raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    dtype = dtypes.FROM_NUMPY[input.dtype]
    return np.minimum(fit(max_val, dtype), np.maximum(fit(min_val, dtype), input))  # of two equals x, as −0 may be


hardtanh_ = overwriting(hardtanh)


@derived(
    grad_output=lambda g, self, min_val, max_val: hardtanh_backward(g, self, min_val, max_val),
    self=lambda g: zeros_like(g),
)
def hardtanh_backward(grad_output, self, min_val, max_val):
    """g where min_val < x < max_val, else 0."""
    number = self.dtype.type
    return np.where((self > number(min_val)) & (self < number(max_val)), grad_output, 0)


@pointwise(
    input=lambda g, input: hardsigmoid_backward(g, input),
    refuses=("hardsigmoid_cpu", NOT_FLOAT),
    out=False,
    public=False,
)
def hardsigmoid(input):
    """(x + 3)/6 limited to [0, 1]."""
    return np.minimum(np.maximum(input + 3, 0), 6) / 6


hardsigmoid_ = overwriting(hardsigmoid)


@derived(grad_output=lambda g: None, self=lambda g: None, node="NotImplemented")
def hardsigmoid_backward(grad_output, self):
    """g/6 where −3 < x < 3, else 0."""
    sixth = self.dtype.type(np.float32(1) / np.float32(6))
    return np.where((self > -3) & (self < 3), grad_output * sixth, 0)


@pointwise(
    input=lambda g, input: hardswish_backward(g, input),
    refuses=("hardswish_cpu", NOT_FLOAT),
    out=False,
    public=False,
)
def hardswish(input):
    """x·(x + 3)/6, the second factor limited to [0, 1] (Howard et al., 2019)."""
    return input * np.minimum(np.maximum(input + 3, 0), 6) / 6


hardswish_ = overwriting(hardswish)


@derived(
    grad_output=lambda g, self: hardswish_backward(g, self),
    self=lambda g, grad_output, self: (mul(g, grad_output) / 3.0).where((self > -3.0).logical_and(self < 3.0), 0.0),
)
def hardswish_backward(grad_output, self):
    """g·(x/3 + ½) where −3 < x < 3; g above, 0 below."""
    middle = np.where(self >= 3, grad_output, grad_output * (self / 3 + self.dtype.type(0.5)))
    return np.where(self <= -3, 0, middle)


@pointwise(
    input=lambda g, input, lambd: softshrink_backward(g, input, lambd),
    refuses=("softshrink_check", NOT_FLOAT),
    in_place=False,
    strict_out=SAME_DTYPE,
    public=False,
)
def softshrink(input, lambd):
    """x brought nearer to 0 by lambd; 0 where it is nearer than that."""
    lambd = input.dtype.type(lambd)
    return np.where(input > lambd, input - lambd, np.where(input < -lambd, input + lambd, input * 0))


@derived(
    grad_output=lambda g, self, lambd: softshrink_backward(g, self, lambd),
    self=lambda g: zeros_like(g),
)
def softshrink_backward(grad_output, self, lambd):
    """g where |x| > lambd, else 0."""
    return _outside(grad_output, self, lambd)


@pointwise(
    input=lambda g, input, lambd: hardshrink_backward(g, input, lambd),
    node="HardshrinkBackward0",
    refuses=("hardshrink_cpu", NOT_FLOAT),
    in_place=False,
    strict_out=SAME_DTYPE,
    called="hardshrink",
    public=False,
)
def hardshrink_of(input, lambd):
    """x where |x| > lambd, else 0."""
    lambd = input.dtype.type(lambd)
    return np.where((input >= -lambd) & (input <= lambd), 0, input)


@composite
def hardshrink(input: Tensor, lambd: Any = 0.5, *, out: Tensor | None = None) -> Tensor:
    """x where |x| > lambd, else 0."""
    require_tensor("input", 1, input)
    return hardshrink_of(input, to_number("lambd", 2, lambd), out=out)


@derived(
    grad_output=lambda g, self, lambd: hardshrink_backward(g, self, lambd),
    self=lambda g: zeros_like(g),
)
def hardshrink_backward(grad_output, self, lambd):
    """g where |x| > lambd, else 0."""
    return _outside(grad_output, self, lambd)


def _outside(g, x, lambd):
    lambd = x.dtype.type(lambd)
    return np.where((x < -lambd) | (x > lambd), g, 0)


@pointwise(
    input=lambda g, input, threshold: threshold_backward_at(g, input, threshold),
    node="ThresholdBackward0",
    refuses=("threshold_cpu", "?"),
    in_place=False,
    called="threshold",
    public=False,
    unchecked=("input",),
)
def threshold_of(input, threshold, value):
    """x where it is greater than the threshold, else the value."""
    return _threshold(input, threshold, value)


@pointwise(
    input=lambda g, input, threshold: threshold_backward_at(g, input, threshold),
    node="ThresholdBackward1",
    refuses=("threshold_cpu", "?"),
    out=False,
    public=False,
)
def threshold_over(input, threshold, value):
    """`threshold` in place, which has a node of another name."""
    return _threshold(input, threshold, value)


def _threshold(input, threshold, value):
    dtype = dtypes.FROM_NUMPY[input.dtype]
    return np.where(input <= fit(threshold, dtype), fit(value, dtype), input)


@derived(
    grad_output=lambda g, self, threshold: threshold_backward_at(g, self, threshold),
    self=lambda g: zeros_like(g),
    node="ThresholdBackwardBackward0",
)
def threshold_backward_at(grad_output, self, threshold):
    """g where x is greater than the threshold, else 0."""
    return np.where(self <= self.dtype.type(threshold), 0, grad_output)


@only_function
def threshold(input: Tensor, threshold: Any, value: Any, *, out: Tensor | None = None) -> Tensor:
    """x where it is greater than the threshold, else the value."""
    require_tensor("input", 1, input)
    return threshold_of(input, to_number("threshold", 2, threshold), to_number("value", 3, value), out=out)


@only_function
def threshold_(input: Tensor, threshold: Any, value: Any) -> Tensor:
    """`threshold` in place."""
    require_tensor("input", 1, input)
    result: Tensor = overwriting(threshold_over)(
        input, to_number("threshold", 2, threshold), to_number("value", 3, value)
    )
    return result
