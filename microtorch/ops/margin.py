"""Losses that ask for a margin: of the right class before the others, of what is near before what is far."""

from __future__ import annotations

import numpy as np

from ..arguments import to_bool, to_float, to_int, to_number
from ..op import FUNCTIONS, not_implemented, only_function, op, unpublished
from ..tensor import Tensor, wrap
from .arithmetic import name_of, require_tensor
from .comparison import where
from .creation import ones_like
from .loss import MEAN, NONE, reduce, require_tensors, without_gradient
from .numbers import less_tensor, minus_number, plus_number

# -- pairs -------------------------------------------------------------------------------------------------------------


@only_function
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = NONE
) -> Tensor:
    """max(0, −t·(x₁ − x₂) + margin): x₁ shall be larger for t = 1, and smaller for t = −1.

    `reduction`: 0 for all elements, 1 for their mean, 2 for their sum.
    """
    require_tensors(input1=input1, input2=input2, target=target)
    margin, reduction = to_float("margin", 4, margin), to_int("reduction", 5, reduction)
    difference = input1 - input2  # first, as its errors are
    return reduce(plus_number(-target * difference, margin).clamp_min_(0), reduction)


@only_function
def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = NONE) -> Tensor:
    """The distance x where t = 1, max(0, margin − x) where t = −1.

    `reduction`: 0 for all elements, 1 for their mean, 2 for their sum.
    """
    require_tensors(input=input, target=target)
    margin, reduction = to_float("margin", 3, margin), to_int("reduction", 4, reduction)
    zeros = wrap(np.zeros(input._array.shape, input._array.dtype))
    far = where(target.ne(1), less_tensor(margin, input).clamp_min_(0), zeros)
    return reduce(far + where(target.ne(-1), input, zeros), reduction)


@only_function
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = NONE
) -> Tensor:
    """1 − cos(x₁, x₂) where t = 1, max(0, cos(x₁, x₂) − margin) where t = −1, the cosine being that along the last dim.

    `reduction`: 0 for all elements, 1 for their mean, 2 for their sum.
    """
    require_tensors(input1=input1, input2=input2, target=target)
    margin, reduction = to_float("margin", 4, margin), to_int("reduction", 5, reduction)
    dim = target._array.ndim
    if dim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if not input1._array.ndim == input2._array.ndim == dim + 1:
        raise RuntimeError(
            f"{dim}D target tensor expects {dim + 1}D input tensors, but found inputs with sizes {list(input1.shape)} "
            f"and {list(input2.shape)}."
        )
    product = (input1 * input2).sum(dim)
    size1, size2 = (plus_number((x * x).sum(dim), EPSILON) for x in (input1, input2))
    cosine = product / (size1 * size2).sqrt_()
    zeros = wrap(np.zeros(cosine._array.shape, cosine._array.dtype))
    near = where(target.eq(1), less_tensor(1, cosine), zeros)
    return reduce(near + where(target.eq(-1), minus_number(cosine, margin).clamp_min_(0), zeros), reduction)


EPSILON = float(np.float32(1e-12))  # so that no square of a size is 0


@only_function
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-06,
    swap: bool = False,
    reduction: int = NONE,
) -> Tensor:
    """max(0, d(a, p) − d(a, n) + margin) with distances in the norm of order p along the last dimension.

    `swap`: the nearer of the anchor and the positive counts for the distance to the negative.
    `reduction`: 0 for all elements, 1 for their mean, 2 for their sum.
    """
    require_tensors(anchor=anchor, positive=positive, negative=negative)
    margin, p, eps = to_float("margin", 4, margin), to_float("p", 5, p), to_float("eps", 6, eps)
    swap, reduction = to_bool("swap", 7, swap), to_int("reduction", 8, reduction)
    check_same_dims(anchor, positive, negative)
    distance = FUNCTIONS["pairwise_distance"]
    near, far = distance(anchor, positive, p, eps), distance(anchor, negative, p, eps)
    if swap:
        far = far.minimum(distance(positive, negative, p, eps))
    return reduce((plus_number(near, margin) - far).clamp_min(0), reduction)


def check_same_dims(anchor: Tensor, positive: Tensor, negative: Tensor) -> None:
    """Refuse a triplet whose members have different numbers of dimensions."""
    dims = [tensor.ndim for tensor in (anchor, positive, negative)]
    if len(set(dims)) > 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            "anchor {}D, positive {}D, and negative {}D inputs".format(*dims)
        )


# -- signs -------------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, input, target, reduction: soft_margin_loss_backward(g, input, target, reduction),
    target=None,
    node="SoftMarginLossBackward0",
    out=False,
    public=False,
)
def soft_margin_of(input, target, reduction):
    """ln(1 + exp(−t·x))."""
    loss = (-wrap(input)).mul_(wrap(target)).exp_().log1p_()
    return reduce(loss, reduction)._array


@op(
    grad_output=lambda g, grad_output, input, target, reduction: (
        soft_margin_loss_backward(g, input, target, reduction)
        if reduction == NONE
        else (soft_margin_loss_backward(ones_like(grad_output), input, target, reduction) * g).sum()
    ),
    input=lambda g, grad_output, input, target, reduction: _curved(
        g * grad_output, (input * -target).exp(), target, input.numel() if reduction == MEAN else 1
    ),
    target=None,
    node="SoftMarginLossBackwardBackward0",
    out=False,
    public=False,
)
def soft_margin_loss_backward(grad_output, input, target, reduction):
    """−g·t·z/(1 + z) with z = exp(−t·x), with `reduction` "mean" divided by the number of elements."""
    x, t = wrap(input), wrap(target)
    z = (-t * x).exp()
    norm = 1 / input.size if reduction == MEAN and input.size else 1.0
    return ((t * z).to(x.dtype).mul_(-norm) / (z + 1)).mul_(wrap(np.asarray(grad_output)))._array


def _curved(gradient, z, target, size):
    return gradient * (target * target) * z / ((z + 1) * (z + 1)) / size


@unpublished
def soft_margin_loss(input: Tensor, target: Tensor, reduction: int) -> Tensor:
    """ln(1 + exp(−t·x)) for signs t = ±1."""
    require_tensors(input=input, target=target)
    without_gradient("soft_margin_loss", target=target)
    return soft_margin_of(input, target, reduction)


# -- one class of several ----------------------------------------------------------------------------------------------


@op(
    input=lambda g, input, target, p, margin, reduction, weight: multi_margin_loss_backward(
        g, input, target, p, margin, reduction, weight
    ),
    target=None,
    weight=None,
    node="MultiMarginLossBackward0",
    out=False,
    public=False,
)
def multi_margin_of(input, target, p, margin, reduction, weight=None):
    """Σ max(0, margin − x[t] + x[d])ᵖ·w[t] over the other classes d, divided by the number of classes."""
    rows, classes = _rows(input), target.reshape(-1)
    z = _nearer(rows, classes, margin)
    loss = _from_left(_of_near(z, z if p == 1 else z * z, weight, classes)) / input.dtype.type(rows.shape[1])
    return _of_rows(loss, reduction, target.ndim)


@op(
    grad_output=lambda g: None,
    input=lambda g: None,
    target=None,
    weight=None,
    node="NotImplemented",
    out=False,
    public=False,
)
def multi_margin_loss_backward(grad_output, input, target, p, margin, reduction, weight=None):
    """p·(margin − x[t] + x[d])ᵖ⁻¹·w[t]·g for the classes that come too near, less their sum for t."""
    rows, classes = _rows(input), target.reshape(-1)
    z = _nearer(rows, classes, margin)
    norm = input.dtype.type(1 / (rows.size if reduction == MEAN else rows.shape[1]) if rows.size else 1)
    slopes = _of_near(z, norm if p == 1 else 2 * norm * z, weight, classes)
    slopes[np.arange(len(rows)), classes] = 0 - _from_left(slopes)
    return (slopes * _of_row(grad_output)).reshape(input.shape)


def _rows(input):
    return np.ascontiguousarray(input).reshape(-1, input.shape[-1] if input.ndim else 1)


def _of_row(grad_output):
    """The gradient that arrives at every row."""
    return grad_output[:, None] if grad_output.ndim else grad_output


def _nearer(rows, classes, margin):
    """By how much every class is nearer than the margin to the right one, which itself is at 0."""
    each = np.arange(len(rows))
    z = rows.dtype.type(margin) - rows[each, classes][:, None] + rows
    z[each, classes] = 0
    return z


def _of_near(z, values, weight, classes):
    """The values times the weights for the classes that are nearer than the margin, 0 for the others."""
    if weight is not None:
        values = values * weight.take(classes)[:, None]
    return np.where(z > 0, values, z.dtype.type(0))


def _from_left(terms):
    """The sum of every row, term after term."""
    return np.add.accumulate(terms, 1)[:, -1]


def _of_rows(loss, reduction, ndim):
    """The losses of rows, or their mean or sum, added in float64."""
    if reduction == NONE:
        return loss if ndim else loss.reshape(())
    total = np.add.accumulate(loss.astype(np.float64))[-1:].sum()
    return np.asarray(total / (len(loss) or 1) if reduction == MEAN else total).astype(loss.dtype)


def _check_rows(input: Tensor) -> tuple[int, int]:
    """The number of rows and of classes; or the error that there are none."""
    shape = input._array.shape
    if len(shape) > 2 or 0 in shape[-1:]:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(shape)}"
        )
    batch, classes = (1, 1, *shape)[-2:]
    return batch, classes


def _check_kernel(kernel: str, input: Tensor, target: Tensor) -> None:
    if input._array.dtype.char not in "fd":
        raise not_implemented(kernel, input.dtype)
    if target._array.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {name_of(target._array)}")


@unpublished
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int, margin: float, weight: Tensor | None, reduction: int
) -> Tensor:
    """Σ max(0, margin − x[t] + x[d])ᵖ·w[t] over the other classes d, divided by the number of classes."""
    require_tensors(input=input, target=target)
    margin = to_number("margin", 4, margin)
    if weight is not None:
        require_tensor("weight", 5, weight)
    without_gradient("multi_margin_loss", weight=weight)
    batch, classes = _check_rows(input)
    if target._array.ndim > 1 or target._array.size != batch:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). "
            f"Expected target size [{batch}], but got {list(target.shape)}. Input has shape {list(input.shape)}."
        )
    if weight is not None and weight._array.shape != (classes,):
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    if input._array.size:
        _check_kernel("multi_margin_loss_cpu_kernel", input, target)
        if weight is not None and weight._array.dtype is not input._array.dtype:
            raise RuntimeError(f"expected scalar type {name_of(input._array)} but found {name_of(weight._array)}")
        if ((target._array < 0) | (target._array >= classes)).any():
            raise RuntimeError("target out of range")
    return multi_margin_of(input, target, p, margin, reduction, weight)


# -- several classes ---------------------------------------------------------------------------------------------------


@op(
    input=lambda g, input, target, is_target, reduction: multilabel_margin_loss_backward(
        g, input, target, is_target, reduction
    ),
    target=None,
    is_target=None,
    node="MultilabelMarginLossBackward0",
    out=False,
    public=False,
)
def multilabel_margin_of(input, target, is_target, reduction):
    """Σ max(0, 1 − x[t] + x[d]) over the classes t that are meant and those d that are not, over their number."""
    if not input.size:
        return np.zeros(input.shape[:-1] if reduction == NONE else (), input.dtype)
    z, counts = _pairs(input, target, is_target)
    terms = np.where(counts, z, 0).reshape(len(z), -1)
    loss, classes = _from_left(terms.astype(np.float64)).astype(input.dtype), z.shape[-1]
    if reduction == NONE:
        return (loss / input.dtype.type(classes)).reshape(input.shape[:-1])
    total = _from_left(loss[None].astype(np.float64)) / classes
    return (total / len(z) if reduction == MEAN else total).astype(input.dtype).reshape(())


@op(
    grad_output=lambda g: None,
    input=lambda g: None,
    target=None,
    is_target=None,
    node="NotImplemented",
    out=False,
    public=False,
)
def multilabel_margin_loss_backward(grad_output, input, target, is_target, reduction):
    """g for a class every time that it comes too near, −g for the class that it comes too near to."""
    z, counts = _pairs(input, target, is_target)
    norm = input.dtype.type(1 / (z.shape[-1] * (len(z) if reduction == MEAN else 1))) if z.size else 1
    times = np.zeros(z.shape[:1] + z.shape[2:], np.int64)
    np.add.at(times, (np.arange(len(z))[:, None], _rows(target)), counts.sum(2))
    times += counts.sum(1)
    steps = np.full(times.max(initial=0) + 1, norm)
    steps[0] = 0
    size = np.add.accumulate(steps)[times]  # added up one by one
    gradient = np.where(_rows(is_target) != 0, 0 - size, size)
    return (gradient * _of_row(grad_output)).reshape(input.shape)


def _pairs(input, target, is_target):
    """1 − x[t] + x[d] for every listed class t and every class d; and which of these count."""
    rows, classes, meant = _rows(input), _rows(target), _rows(is_target) != 0
    listed = np.logical_and.accumulate(classes >= 0, 1)
    wanted = np.take_along_axis(rows, np.where(listed, classes, 0), 1)
    z = input.dtype.type(1) - wanted[:, :, None] + rows[:, None, :]
    return z, (z > 0) & listed[:, :, None] & ~meant[:, None, :]


@unpublished
def multilabel_margin_loss(input: Tensor, target: Tensor, reduction: int) -> Tensor:
    """Σ max(0, 1 − x[t] + x[d]) over the classes t that are meant and those d that are not, over their number.

    A row of the target lists classes up to the first −1.
    """
    require_tensors(input=input, target=target)
    x, t = input._array, target._array
    _, classes = _check_rows(input)
    if (t.shape != x.shape) if x.ndim > 1 else (t.ndim > 1 or t.size != classes):
        raise RuntimeError(f"inconsistent target size: {list(t.shape)} for input of size: {list(x.shape)}")
    is_target = np.zeros(t.shape, x.dtype)
    if x.size:
        if ((t < -1) | (t >= classes)).any():
            raise RuntimeError("argument #2 'target' is out of range")
        _check_kernel("multilabel_margin_loss_forward_out_frame", input, target)
        rows, of_row = t.reshape(-1, classes), is_target.reshape(-1, classes)
        listed = np.nonzero(np.logical_and.accumulate(rows >= 0, 1))
        of_row[listed[0], rows[listed]] = 1
    return multilabel_margin_of(input, target, wrap(is_target), reduction)
