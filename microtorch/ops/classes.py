"""Losses for one class of several: the negative log-likelihood, and the cross entropy made of it and `log_softmax`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arguments import to_float, to_int
from ..kernels.levels import levelled
from ..op import not_implemented, op, unpublished
from ..tensor import Tensor, wrap
from .arithmetic import name_of
from .creation import zeros_like
from .loss import MEAN, NONE, SUM, require_tensors, without_gradient
from .numbers import over_number, plus_number, times_number
from .softmax import log_softmax_of


def _node(name: str, spatial: str) -> Any:
    """The name of a node, another one for inputs (N, C, H, W)."""
    return lambda input, **_: spatial if input._array.ndim == 4 else name


@op(
    input=lambda g, input, target, total_weight, reduction, ignore_index, weight: nll_loss_backward(
        g, input, target, total_weight, reduction, ignore_index, weight
    ),
    target=None,
    total_weight=None,
    weight=None,
    node=_node("NllLossBackward0", "NllLoss2DBackward0"),
    out=False,
    public=False,
)
def nll_loss(input, target, total_weight, reduction, ignore_index, weight=None):
    """−w[t]·x[t]: of (N, C) for every row, of (N, C, H, W) for every pixel; their sum; or that divided by Σ w[t]."""
    places, classes, where = _looked_up(input, target, ignore_index)
    terms = -input.ravel().take(places)
    if weight is not None:
        terms = terms * weight.take(classes)
    if reduction == NONE:
        return _spread(terms, where, target.size).reshape(target.shape if input.ndim > 1 else ())
    if not target.size:
        return np.array(np.nan if reduction == MEAN else 0, input.dtype)
    total = levelled(terms, where, target.size)
    return total / total_weight if reduction == MEAN else total


@op(
    grad_output=lambda g, target, total_weight, reduction, ignore_index, weight: nll_loss(
        g, target, total_weight, reduction, ignore_index, weight
    ),
    input=lambda g: zeros_like(g),
    target=None,
    total_weight=None,
    weight=None,
    node=lambda grad_output, input, **_: f"NllLoss{'2D' if input._array.ndim == 4 else ''}BackwardBackward0",
    out=False,
    public=False,
)
def nll_loss_backward(grad_output, input, target, total_weight, reduction, ignore_index, weight=None):
    """−g·w[t] at the place of t, with `reduction` "mean" divided by Σ w[t]; 0 everywhere else."""
    places, classes, where = _looked_up(input, target, ignore_index)
    if reduction == NONE:
        g = -np.broadcast_to(grad_output, target.shape).ravel()
        g = g if where is None else g[where]
    else:
        g = -(grad_output / total_weight if reduction == MEAN else grad_output)
    gradient = np.zeros(input.shape, input.dtype)
    gradient.reshape(-1)[places] = g if weight is None else weight.take(classes) * g
    return gradient


def _looked_up(input, target, ignore_index):
    """For the targets that count: the places of their elements in the input, their classes, and their own places."""
    batch, classes = (1, input.size) if input.ndim == 1 else input.shape[:2]
    pixels = math.prod(input.shape[2:])
    first = np.arange(batch) * (classes * pixels)  # where the first class stands
    if input.ndim > 2:
        first = np.add.outer(first, np.arange(pixels)).ravel()
    wanted, where = target.ravel(), _counted(target, classes, ignore_index)
    if where is not None:
        first, wanted = first[where], wanted[where]
    return first + (wanted if pixels == 1 else wanted.astype(np.int64) * pixels), wanted, where


def _counted(target, classes, ignore_index):
    """The places of the targets that count, None if all do; or the error that one of these is no class."""
    wanted = target.ravel()
    whole = (
        wanted.view(np.uint64) if wanted.dtype == np.int64 else wanted
    )  # what is negative is then beyond all classes
    if not 0 <= ignore_index < classes and (not whole.size or np.maximum.reduce(whole) < classes):
        return None
    where = np.flatnonzero(wanted != ignore_index)
    outside = where[whole[where] >= classes]
    if outside.size:
        raise IndexError(f"Target {wanted[outside[0]]} is out of bounds.")
    return where if where.size < wanted.size else None


def _spread(terms, where, size):
    """The terms at their places, and 0 elsewhere."""
    if where is None:
        return terms
    spread = np.zeros(size, terms.dtype)
    spread[where] = terms
    return spread


def _total_weight(input, target, weight, ignore_index):
    """Σ w[t] over the targets that count; or the error that one of these is no class."""
    where = _counted(target, input.shape[min(1, input.ndim - 1)], ignore_index)
    wanted = target.ravel() if where is None else target.ravel()[where]
    if weight is None:
        return np.array(wanted.size, input.dtype)
    return np.asarray(levelled(weight.take(wanted), where, target.size))


def _check_classes(input, target, weight):
    """Refuse what the kernel for (N, C), or that for (N, C, H, W), refuses."""
    x, t = input._array, target._array
    w = None if weight is None else weight._array
    spatial = x.ndim == 4
    if not spatial and t.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if spatial and t.ndim != 3:
        raise RuntimeError(
            "only batches of spatial targets supported (3D tensors) but got targets of dimension: " + str(t.ndim)
        )
    if t.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {name_of(t)}")
    if spatial:
        if w is not None and w.size != x.shape[1]:
            raise RuntimeError("weight tensor should be defined either for all or no classes")
        if (x.shape[0], *x.shape[2:]) != t.shape:
            raise RuntimeError(f"size mismatch (got input: {list(x.shape)} , target: {list(t.shape)}")
    elif w is not None and w.shape != x.shape[-1:]:
        raise RuntimeError(
            f"weight tensor should be defined either for all {x.shape[-1]} classes or no classes but got weight tensor "
            f"of shape: {list(w.shape)}"
        )
    if x.dtype.kind != "f":
        raise not_implemented("nll_loss2d_forward_out_frame" if spatial else "nll_loss_out_frame", input.dtype)
    if w is not None and w.dtype is not x.dtype:
        raise RuntimeError(f"expected scalar type {name_of(x)} but found {name_of(w)}")
    if spatial and t.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {name_of(t)}")


def _of_classes(input: Tensor, target: Tensor, weight: Tensor | None, reduction: int, ignore_index: int) -> Tensor:
    """`nll_loss` of an input (C), (N, C) or (N, C, H, W)."""
    spatial = input._array.ndim == 4
    without_gradient("nll_loss2d_forward" if spatial else "nll_loss_forward", weight=weight)
    _check_classes(input, target, weight)
    total = _total_weight(input._array, target._array, None if weight is None else weight._array, ignore_index)
    total = np.zeros_like(total) if reduction == NONE else total
    return nll_loss(input, target, wrap(total), reduction, ignore_index, weight)


@unpublished
def nll_loss_nd(input: Tensor, target: Tensor, weight: Tensor | None, reduction: int, ignore_index: int) -> Tensor:
    """−w[t]·x[t] for the logarithms of probabilities (C), (N, C) or (N, C, …) and the classes t, (), (N) or (N, …)."""
    require_tensors(input=input, target=target, weight=weight)
    ignore_index = to_int("ignore_index", 5, ignore_index)
    shape, of_target = input._array.shape, target._array.shape
    if not shape:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    found = of_target[0] if of_target else 0
    if len(shape) > 1 and shape[0] != found:
        raise ValueError(f"Expected input batch_size ({shape[0]}) to match target batch_size ({found}).")
    if len(shape) == 1 and len(of_target) == 1 and found != 1 and target._array.dtype in (np.int64, np.uint8):
        raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {found}")
    if len(shape) == 2 and not of_target:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    if len(shape) in (1, 2, 4):
        return _of_classes(input, target, weight, reduction, ignore_index)
    if not of_target:
        raise RuntimeError("ArrayRef: invalid slice, N = 1; size = 0")
    batch, classes, *pixels = shape
    if of_target[1:] != shape[2:]:
        raise RuntimeError(f"Expected target size {[batch, *pixels]}, got {list(of_target)}")
    flat = input.contiguous().view(batch, classes, *((1, -1) if input.numel() else (0, 0)))
    wanted = target.contiguous().view(batch, *((1, -1) if target.numel() else (0, 0)))
    loss = _of_classes(flat, wanted, weight, reduction, ignore_index)
    return loss if reduction in (MEAN, SUM) else loss.view(batch, *pixels)


@unpublished
def cross_entropy_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: int,
    ignore_index: int,
    label_smoothing: float,
) -> Tensor:
    """−Σ q·ln softmax(x) over the classes, for the classes themselves or for their probabilities q."""
    require_tensors(input=input, target=target, weight=weight)
    ignore_index = to_int("ignore_index", 5, ignore_index)
    label_smoothing = to_float("label_smoothing", 6, label_smoothing)
    probable = input._array.shape == target._array.shape
    if probable:
        if target._array.dtype.kind != "f":
            raise RuntimeError(
                f"Expected floating point type for target with class probabilities, got {name_of(target._array)}"
            )
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
    elif label_smoothing > 1:
        raise _wrong_smoothing(label_smoothing)
    class_dim = 0 if input._array.ndim == 1 else 1
    if probable:
        return _of_probabilities(input, target, weight, reduction, label_smoothing, class_dim)
    logarithms = log_softmax_of(input, class_dim)
    loss = nll_loss_nd(logarithms, target, weight, reduction, ignore_index)
    if not label_smoothing > 0:
        return loss
    smooth = _smooth_loss(logarithms, target, weight, reduction, ignore_index, class_dim)
    share = label_smoothing / input._array.shape[class_dim]
    return times_number(loss, 1 - label_smoothing) + times_number(smooth, share)


def _smooth_loss(logarithms, target, weight, reduction, ignore_index, class_dim):
    """−Σ w·ln p, every class as probable as the others."""
    if weight is not None:
        logarithms = logarithms * weight.view(*(-1 if i == class_dim else 1 for i in range(logarithms._array.ndim)))
    ignored = target == ignore_index
    loss = (-logarithms.sum(class_dim)).masked_fill_(ignored, 0.0)
    if reduction != MEAN:
        return loss.sum() if reduction == SUM else loss
    if weight is None:
        return loss.sum() / ignored.logical_not().sum()
    return loss.sum() / weight.gather(0, target.masked_select(ignored.logical_not()).long()).sum()


def _of_probabilities(input, target, weight, reduction, label_smoothing, class_dim):
    if input._array.ndim == 0:
        raise IndexError("Dimension specified as 1 but tensor has no dimensions")
    classes = input._array.shape[class_dim]
    if weight is not None and weight._array.shape != (classes,):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes but got "
            f"weight tensor of shape: {list(weight.shape)}"
        )
    terms = log_softmax_of(input, class_dim)
    if label_smoothing > 0:
        if label_smoothing > 1:
            raise _wrong_smoothing(label_smoothing)
        target = plus_number(times_number(target, 1 - label_smoothing), label_smoothing / classes)
    terms = terms * target
    if weight is not None:
        terms = terms * (weight if class_dim == 0 else weight.view(1, classes, *(1 for _ in input._array.shape[2:])))
    if reduction not in (MEAN, SUM):
        return -terms.sum(class_dim)
    if reduction == SUM:
        return -terms.sum()
    size = input._array.size
    return over_number(-terms.sum(), size // classes) if size else -terms.sum().fill_(np.nan)


def _wrong_smoothing(label_smoothing):
    return RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
