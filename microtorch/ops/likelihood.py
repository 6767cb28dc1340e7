"""Losses that are negative logarithms of a likelihood: of yes or no, of counts and measurements; Kullback and Leibler's.

The gradient of `binary_cross_entropy` is an operation with gradients of its own, so that it can be differentiated twice.
"""

from __future__ import annotations

import math

import numpy as np

from .. import dtypes, kernels, storage
from ..arguments import to_bool, to_float, to_int
from ..op import METHODS, not_implemented, only_function, op, unpublished
from ..tensor import Tensor, wrap
from .activation import log_sigmoid
from .loss import MEAN, NONE, reduce, reduced, require_tensors, without_gradient
from .numbers import less_tensor, plus_number, times_number

# -- yes or no ---------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, input, target, reduction, weight: binary_cross_entropy_backward(
        g, input, target, reduction, weight
    ),
    target=lambda g, input, target, reduction, weight: _scaled(-input.logit() * g, weight, reduction, target),
    weight=None,
    out=False,
    public=False,
)
def binary_cross_entropy(input, target, reduction, weight=None):
    """−t·ln x − (1 − t)·ln(1 − x), where no logarithm is below −100."""
    _check_pair(input, target, "binary_cross_entropy")
    _check_probabilities(input, target)
    least = input.dtype.type(-100)
    log_no = np.maximum(kernels.log1p(-input), least)
    log_yes = np.maximum(kernels.log(input), least)
    loss = (target - input.dtype.type(1)) * log_no - target * log_yes
    return reduced(_weighted(_laid_out(loss, input), weight), reduction, input)


@op(
    grad_output=lambda g, input, target, reduction, weight: _scaled(
        (input - target) / ((input + EPSILON) * (1 - input + EPSILON)) * g, weight, reduction, input
    ),
    input=lambda g, grad_output, input, target, reduction, weight: _scaled(
        (input * input - 2 * input * target + target)
        / ((input + EPSILON).pow(2) * (1 - input + EPSILON).pow(2))
        * (g * grad_output),
        weight,
        reduction,
        input,
    ),
    target=lambda g, grad_output, input, target, reduction, weight: _scaled(
        -g * grad_output, weight, reduction, target, ((1 - input) * input).clamp_min(EPSILON)
    ),
    weight=None,
    node="BinaryCrossEntropyBackwardBackward0",
    out=False,
    public=False,
)
def binary_cross_entropy_backward(grad_output, input, target, reduction, weight=None):
    """g·(x − t)/(x·(1 − x)), with `reduction` "mean" divided by the number of elements."""
    one, least = input.dtype.type(1), input.dtype.type(np.float32(EPSILON))
    gradient = grad_output * (input - target) / np.maximum((one - input) * input, least)
    gradient = _weighted(_laid_out(gradient, input), weight)
    return gradient / input.dtype.type(input.size or 1) if reduction == MEAN else gradient


EPSILON = 1e-12  # a slope is not divided by less


def _check_pair(input, target, kernel):
    if input.dtype is not target.dtype:
        found, expected = (dtypes.FROM_NUMPY[x.dtype].legacy_name for x in (target, input))
        raise RuntimeError(f"Found dtype {found} but expected {expected}")
    if input.dtype.kind != "f":
        raise not_implemented(kernel, dtypes.FROM_NUMPY[input.dtype])


def _check_probabilities(input, target):
    fine = [(x >= 0) & (x <= 1) for x in (input, target)]
    if not (fine[0].all() and fine[1].all()):
        first = np.flatnonzero(~(fine[0] & fine[1]).ravel())[0]
        which = "input" if not fine[0].ravel()[first] else "target"
        raise RuntimeError(f"all elements of {which} should be between 0 and 1")


def _laid_out(result, like):
    """The result in memory as `like`."""
    if like.ndim < 2 or like.flags.c_contiguous:
        return np.asarray(result)
    laid_out = storage.empty_like(like)
    laid_out[...] = result
    return laid_out


def _weighted(array, weight):
    return array if weight is None else METHODS["mul_"](wrap(array), wrap(weight))._array


def _scaled(gradient, weight, reduction, like, divisor=None):
    """A gradient times the weights, over a divisor and with `reduction` "mean" over the number of elements."""
    if weight is not None:
        gradient = gradient * weight
    if divisor is not None:
        gradient = gradient / divisor
    return gradient / like.numel() if reduction == MEAN else gradient


@op(
    input=lambda g, input, target, reduction, weight, pos_weight: _scaled(
        (input.sigmoid() - target if pos_weight is None else _slope(input, target, pos_weight * target)) * g,
        weight,
        reduction,
        input,
    ),
    target=lambda g, input, target, reduction, weight, pos_weight: _scaled(
        -input * g if pos_weight is None else (log_sigmoid(-input) - log_sigmoid(input) * pos_weight) * g,
        weight,
        reduction,
        target,
    ),
    weight=None,
    pos_weight=None,
    node="BinaryCrossEntropyWithLogitsBackward0",
    out=False,
    public=False,
)
def logits_loss(input, target, reduction, weight=None, pos_weight=None):
    """(1 − t)·x − (1 + (p − 1)·t)·ln σ(x)."""
    x, t = wrap(input), wrap(target)
    log_yes = log_sigmoid(x)
    if pos_weight is not None:
        log_yes.mul_(((wrap(pos_weight) - 1) * t).add_(1))
    loss = less_tensor(1, t).mul_(x).sub_(log_yes)
    return reduce(loss if weight is None else loss.mul_(wrap(weight)), reduction)._array


def _slope(input, target, positive):
    return (positive + 1 - target) * input.sigmoid() - positive


@only_function
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = NONE,
) -> Tensor:
    """`binary_cross_entropy` of σ(x), without overflow; ln σ(x), the part of t, counts `pos_weight` times.

    `reduction`: 0 for all elements, 1 for their mean, 2 for their sum.
    """
    require_tensors(input=input, target=target, weight=weight, pos_weight=pos_weight)
    reduction = to_int("reduction", 5, reduction)
    without_gradient("binary_cross_entropy_with_logits", weight=weight, pos_weight=pos_weight)
    return logits_loss(input, target, reduction, weight, pos_weight)


@unpublished
def binary_loss(input: Tensor, target: Tensor, weight: Tensor | None, reduction: int) -> Tensor:
    """`binary_cross_entropy`, but for what torch refuses before it."""
    require_tensors(input=input, target=target, weight=weight)
    without_gradient("binary_cross_entropy", weight=weight)
    return binary_cross_entropy(input, target, reduction, weight)


# -- distributions -----------------------------------------------------------------------------------------------------


@only_function
def kl_div(input: Tensor, target: Tensor, reduction: int = NONE, *, log_target: bool = False) -> Tensor:
    """t·(ln t − x) for logarithms x of probabilities; with `log_target`, t is a logarithm, too.

    `reduction`: 0 for all elements, 1 for their mean, 2 for their sum.
    """
    require_tensors(input=input, target=target)
    reduction, log_target = to_int("reduction", 3, reduction), to_bool("log_target", 0, log_target)
    if not (input.is_floating_point() and target.is_floating_point()):
        raise RuntimeError("kl_div: Integral inputs not supported.")
    if log_target:
        distance = target - input
        return reduce(target.exp() * distance, reduction)
    product = target * input  # before the other operand, as torch has it in the graph
    return reduce(target.xlogy(target) - product, reduction)


@only_function
def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """λ − t·ln λ for counts t with mean λ, of which the input is the logarithm if `log_input`.

    `full` adds ln t! where t > 1, as Stirling approximates it. `eps` is added to λ where its logarithm is taken.
    `reduction`: 0 for all elements, 1 for their mean, 2 for their sum.
    """
    require_tensors(input=input, target=target)
    log_input, full = to_bool("log_input", 3, log_input), to_bool("full", 4, full)
    eps, reduction = to_float("eps", 5, eps), to_int("reduction", 6, reduction)
    product = target * (input if log_input else plus_number(input, eps).log())  # before the rest, as in torch's graph
    loss = (input.exp() if log_input else input) - product
    if full:
        last = times_number(times_number(target, 2 * math.pi).log(), 0.5)
        stirling = target * target.log() - target + last
        loss += stirling.masked_fill(target <= 1, 0)
    return reduce(loss, reduction)
