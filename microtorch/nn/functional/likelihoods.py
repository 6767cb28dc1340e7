"""Negative logarithms of a likelihood: how improbable a prediction finds its target."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

from ...autograd.grad_mode import no_grad
from ...op import FUNCTIONS
from ...ops import classes, likelihood
from ...ops.linalg import linear
from ...ops.loss import reduce as reduced
from ...tensor import Tensor
from .losses import legacy_reduction, number_of, reduction_number


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−w[t]·ln softmax(x)[t], or −Σ w·q·ln softmax(x) for probabilities q of the classes.

    The input is (C), (N, C) or (N, C, …) and has any numbers; classes t are (), (N) or (N, …), and of int64 or uint8;
    probabilities are as many as the input. "mean" divides the sum by Σ w[t], or by N for probabilities. Where t is
    `ignore_index`, nothing is counted. `label_smoothing` takes that share of the probability and spreads it evenly.
    Raises IndexError for a class that is none.
    """
    number = number_of(size_average, reduce, reduction)
    return classes.cross_entropy_loss(input, target, weight, number, ignore_index, label_smoothing)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: None = None,
) -> Tensor:
    """The `cross_entropy` of what a linear layer makes of the input, which is (features) or (N, features).

    The weight of the layer is (C, features), or (C, …, features) for targets (N, …). There are no `options` here: they
    divide the batch to save memory.
    """
    if options is not None:
        raise NotImplementedError("microtorch does not have linear_cross_entropy in chunks, which `options` ask for")
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if linear_weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}")
    (*outer, features), (*outputs, own) = input.shape, linear_weight.shape
    if features != own:
        raise RuntimeError(
            f"expected equal input and linear_weight last dimensions (in_features), got {features} and {own}, respectively"
        )
    if linear_bias is not None and [*linear_bias.shape] != outputs:
        raise RuntimeError(f"expected linear_bias shape {tuple(outputs)}, got {tuple(linear_bias.shape)}")
    if len(outputs) > 1 and not outer:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, (N, "
            f"{features}), got unbatched input with shape {tuple(input.shape)}"
        )
    shape = (*outer, *outputs)
    if ignore_index is None:
        ignore_index = -100
    elif target.shape == shape:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    if len(outputs) > 1:
        linear_weight = linear_weight.reshape((math.prod(outputs), features))
        linear_bias = None if linear_bias is None else linear_bias.reshape(math.prod(outputs))
    logits = linear(input, linear_weight, linear_bias).reshape(shape)
    return cross_entropy(
        logits,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
    )


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−w[t]·x[t] for logarithms x of probabilities; otherwise as `cross_entropy` for classes t."""
    number = number_of(size_average, reduce, reduction)
    return classes.nll_loss_nd(input, target, weight, number, ignore_index)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−w·(t·ln x + (1 − t)·ln(1 − x)) for x and t from 0 to 1; a logarithm is −100 at least."""
    number = number_of(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is deprecated. "
            "Please ensure they have the same size."
        )
    if weight is not None:
        shape = FUNCTIONS["broadcast_shapes"](target.size(), weight.size())
        weight = weight.expand(shape)
    return likelihood.binary_loss(input, target, weight, number)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of σ(x), without overflow; ln σ(x), the part of t, counts `pos_weight` times."""
    number = number_of(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    return likelihood.binary_cross_entropy_with_logits(input, target, weight, pos_weight, number)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """t·(ln t − x) for logarithms x of probabilities; with `log_target`, t is a logarithm, too.

    The divergence of Kullback and Leibler is what the reduction "batchmean" gives: the sum over the first dimension's
    size. "mean" divides by the number of elements.
    """
    legacy = size_average is not None or reduce is not None
    if not legacy and reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the same "
            "as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    batchmean = reduction == "batchmean"
    number = number_of(size_average, reduce, "sum" if batchmean else reduction)
    loss = likelihood.kl_div(input, target, number, log_target=log_target)
    return loss / input.size()[0] if batchmean and input.dim() != 0 else loss


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """λ − t·ln λ for counts t with mean λ, of which the input is the logarithm if `log_input`.

    `full` adds ln t! where t > 1, as Stirling approximates it. `eps` is added to λ where its logarithm is taken.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not a valid value for reduction")
    return likelihood.poisson_nll_loss(input, target, log_input, full, eps, reduction_number(reduction))


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """½·(ln v + (x − t)²/v), where the variance v is `eps` at least; `full` adds ½·ln 2π.

    The variance has the input's shape, or lacks its last dimension, or is 1 in one of them.
    """
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        variance = var * FUNCTIONS["ones_like"](input)
    elif FUNCTIONS["any"](var < 0):
        raise ValueError("var has negative entry/entries")
    else:
        variance = var
    if variance.size() != input.size():
        if input.size()[:-1] == variance.size():
            variance = variance.unsqueeze(-1)
        elif not _differ_in_one(input.size(), variance.size()):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    variance = variance.clone()
    with no_grad():
        variance.clamp_(min=eps)
    loss = 0.5 * (variance.log() + (input - target) ** 2 / variance)
    if full:
        loss += 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction_number(reduction))


def _differ_in_one(size: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes are as long and `other` is 1 in the one dimension in which they differ."""
    return len(size) == len(other) and sum(n for m, n in zip(size, other, strict=True) if m != n) == 1
