"""How far a prediction x is from a target t: element by element, and averaged or summed.

Here input and target have the same shape; `nn.functional` sees to it. The gradient of a loss is an operation with
gradients of its own, so that losses can be differentiated twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, kernels, storage
from ..engine import mode
from ..layout import arranged
from ..op import op, requires_grad
from ..tensor import Tensor
from .arithmetic import require_tensor
from .creation import ones_like

NONE, MEAN, SUM = range(3)  # torch's numbers for the kinds of reduction


@op(
    input=lambda g, input, target, reduction: mse_loss_backward(g, input, target, reduction),
    target=lambda g, input, target, reduction: mse_loss_backward(g, target, input, reduction),
    out=False,
    public=False,
)
def mse_loss(input, target, reduction):
    """(x − t)²."""
    if input.dtype is not target.dtype or input.dtype.kind != "f":
        input, target = _common(input, target, "mse_cpu")
    return reduced(kernels.mse_loss(input, target), reduction, input, target)


@op(
    grad_output=lambda g, input, target, reduction: _whole(mse_loss_backward(g, input, target, reduction), reduction),
    input=lambda g, grad_output, input_shape, reduction: _averaged(2 * (g * grad_output), input_shape, reduction),
    target=lambda g, grad_output, input_shape, reduction: -_averaged(2 * (g * grad_output), input_shape, reduction),
    node="MseLossBackwardBackward0",
    out=False,
    public=False,
)
def mse_loss_backward(grad_output, input, target, reduction):
    """2·g·(x − t), with `reduction` "mean" divided by the number of elements."""
    if input.dtype is not target.dtype or input.dtype.kind != "f":
        input, target = _common(input, target, "mse_backward_cpu_out")
    gradient = kernels.mse_loss_backward(grad_output, input, target, _norm(input, reduction, 2.0))
    return np.asarray(gradient, order="C")


@op(
    input=lambda g, input, target, reduction, beta: smooth_l1_loss_backward(g, input, target, reduction, beta),
    target=lambda g, input, target, reduction, beta: smooth_l1_loss_backward(g, target, input, reduction, beta),
    node="SmoothL1LossBackward0",
    out=False,
    public=False,
)
def smooth_l1_loss(input, target, reduction, beta):
    """(x − t)²/(2·beta) where |x − t| < beta, else |x − t| − beta/2."""
    if not beta >= 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    input, target = _common(input, target, "smooth_l1_cpu")
    return reduced(kernels.smooth_l1_loss(input, target, beta), reduction, input, target)


@op(
    grad_output=lambda g, input, target, reduction, beta: _whole(
        smooth_l1_loss_backward(g, input, target, reduction, beta), reduction
    ),
    input=lambda g, grad_output, input, target, reduction, beta: _averaged(
        g * grad_output * ((input - target).abs() < beta).to(g.dtype) / beta, input.shape, reduction
    ),
    target=lambda g, grad_output, input, target, reduction, beta: (
        -_averaged(g * grad_output * ((input - target).abs() < beta).to(g.dtype) / beta, input.shape, reduction)
    ),
    node="SmoothL1LossBackwardBackward0",
    out=False,
    public=False,
)
def smooth_l1_loss_backward(grad_output, input, target, reduction, beta):
    """g·(x − t)/beta where |x − t| < beta, else ±g; with `reduction` "mean" divided by the number of elements."""
    input, target = _common(input, target, "smooth_l1_backward_cpu_out")
    gradient = kernels.smooth_l1_loss_backward(grad_output, input, target, _norm(input, reduction), beta)
    return np.asarray(gradient, order="C")


@op(
    input=lambda g, input, target, reduction, delta: huber_loss_backward(g, input, target, reduction, delta),
    target=lambda g, input, target, reduction, delta: huber_loss_backward(g, target, input, reduction, delta),
    out=False,
    public=False,
)
def huber_loss(input, target, reduction, delta):
    """(x − t)²/2 where |x − t| < delta, else delta·(|x − t| − delta/2); in the dtype of x."""
    if not delta > 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    first = input
    if input.dtype is not target.dtype or input.dtype.kind != "f":
        input, target = _common(input, target, "huber_cpu", input.dtype)
    loss = kernels.huber_loss(input, target, delta)
    if input is not first:
        loss = loss.astype(first.dtype, copy=False)
    if reduction == NONE and not (input.flags.c_contiguous and target.flags.c_contiguous):
        laid_out = storage.empty_like(first)  # in memory as x, whatever t is
        laid_out[...] = loss
        return laid_out
    return reduced(loss, reduction, input, target)


@op(
    grad_output=lambda g, grad_output, input, target, reduction, delta: (
        huber_loss_backward(g, input, target, NONE, delta)
        if reduction == NONE
        else (huber_loss_backward(ones_like(grad_output), input, target, reduction, delta) * g).sum()
    ),
    input=lambda g, grad_output, input, target, reduction, delta: _averaged(
        g * grad_output * ((input - target).abs() < delta), input.shape, reduction
    ),
    target=lambda g, grad_output, input, target, reduction, delta: (
        -_averaged(g * grad_output * ((input - target).abs() < delta), input.shape, reduction)
    ),
    node="HuberLossBackwardBackward0",
    out=False,
    public=False,
)
def huber_loss_backward(grad_output, input, target, reduction, delta):
    """g·(x − t) where |x − t| < delta, else ±delta·g; with `reduction` "mean" divided by the number of elements."""
    if input.dtype is not target.dtype:
        found, expected = (dtypes.FROM_NUMPY[x.dtype].legacy_name for x in (target, input))
        raise RuntimeError(f"Found dtype {found} but expected {expected}")
    gradient = kernels.huber_loss_backward(grad_output, input, target, _norm(input, reduction), delta)
    return np.asarray(gradient, order="C")


def l1_loss(input: Tensor, target: Tensor, reduction: int) -> Tensor:
    """|x − t|."""
    return reduce((input - target).abs(), reduction)


# -- what losses have in common ----------------------------------------------------------------------------------------


def reduce(loss: Tensor, reduction: int) -> Tensor:
    """The mean of the elements, their sum, or all of them."""
    return loss.mean() if reduction == MEAN else loss.sum() if reduction == SUM else loss


def require_tensors(**named: Any) -> None:
    """Refuse a loss's first arguments where one is no tensor; those that are named `weight` may be None."""
    for position, (name, value) in enumerate(named.items(), 1):
        if value is not None or not name.endswith("weight"):
            require_tensor(name, position, value)


def without_gradient(name: str, **named: Tensor | None) -> None:
    """Refuse to record an operation with respect to a tensor for which torch has no gradient."""
    for argument, value in named.items():
        if value is not None and mode.grad and requires_grad(value):
            raise RuntimeError(
                f"The function '{name}' is not differentiable with respect to argument '{argument}'. This input cannot "
                "have requires_grad True."
            )


def _common(input, target, name, result=None):
    """Both in one floating point dtype, which can be cast to `result`; `name` is torch's for the kernel."""
    common = dtypes.FROM_NUMPY[input.dtype]
    if input.dtype is not target.dtype:
        common = dtypes.promote_types(common, dtypes.FROM_NUMPY[target.dtype])
        if result is not None and not dtypes.can_cast(common, dtypes.FROM_NUMPY[result]):
            wanted = dtypes.FROM_NUMPY[result].legacy_name
            raise RuntimeError(f"result type {common.legacy_name} can't be cast to the desired output type {wanted}")
        input, target = input.astype(common.numpy, copy=False), target.astype(common.numpy, copy=False)
    if not common.is_floating_point:
        raise NotImplementedError(f"\"{name}\" not implemented for '{common.legacy_name}'")
    return input, target


def reduced(loss, reduction, *operands):
    """The elements of a loss in the order in memory that torch gives them, or their mean or sum."""
    if loss.ndim > 1 and not all(operand.flags.c_contiguous for operand in operands):
        loss = arranged(np.asarray(loss), operands)
    if reduction not in (MEAN, SUM):
        return loss
    size = loss.size
    if size == 1:
        return loss.squeeze()
    if loss.dtype.char == "e":  # added in float32, as all sums of float16
        return reduced(loss.astype(np.float32), reduction).astype(np.float16)
    return kernels.mean(loss, None, False, size) if reduction == MEAN else kernels.sum(loss)


def _norm(input, reduction, factor=1.0):
    """What the gradient of every element is multiplied by."""
    return factor / (input.size or 1) if reduction == MEAN else factor


def _averaged(gradient, shape, reduction):
    return gradient / shape.numel() if reduction == MEAN else gradient


def _whole(gradient, reduction):
    """Brought to the shape of the loss."""
    return gradient if reduction == NONE else gradient.sum()
