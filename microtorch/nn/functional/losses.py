"""How far a prediction is from its target."""

from __future__ import annotations

import warnings
from typing import Any

from ...op import FUNCTIONS, NUMBERS
from ...ops import loss
from ...tensor import Tensor


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(x − t)², as `reduction` says: "mean", "sum" or "none"; the mean with weights is Σ w·(x − t)² / Σ w."""
    broadcasts = _differ(input, target)
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    expanded, target = _broadcast(input, target) if broadcasts else (input, target)
    if weight is None:
        return loss.mse_loss(expanded, target, reduction_number(reduction))
    _check_weight(weight, input)
    return _weighted_mean((expanded - target).pow(2) * weight, weight, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|x − t|, as `reduction` says: "mean", "sum" or "none"; the mean with weights is Σ w·|x − t| / Σ w."""
    broadcasts = _differ(input, target)
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    expanded, target = _broadcast(input, target) if broadcasts else (input, target)
    if weight is None:
        return loss.l1_loss(expanded, target, reduction_number(reduction))
    _check_weight(weight, input)
    return _weighted_mean((expanded - target).abs() * weight, weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """(x − t)²/(2·beta) where |x − t| < beta, else |x − t| − beta/2; with beta = 0 the L1 loss."""
    broadcasts = _differ(input, target)
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    input, target = _broadcast(input, target) if broadcasts else (input, target)
    if beta == 0.0:
        return loss.l1_loss(input, target, reduction_number(reduction))
    beta = _width("smooth_l1_loss", "beta", beta)
    return loss.smooth_l1_loss(input, target, reduction_number(reduction), beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """(x − t)²/2 where |x − t| < delta, else delta·(|x − t| − delta/2); the mean with weights is over the count."""
    expanded, target_ = _broadcast(input, target) if _differ(input, target) else (input, target)
    delta = _width("huber_loss", "delta", delta)
    if weight is None:
        return loss.huber_loss(expanded, target_, reduction_number(reduction), delta)
    _check_weight(weight, input)
    weighted = loss.huber_loss(expanded, target_, loss.NONE, delta) * weight
    if reduction == "mean":
        return weighted.mean()
    return _weighted_mean(weighted, weight, reduction)


def _differ(input: Any, target: Any) -> bool:
    """Whether the sizes of input and target differ, which is warned of: it is a mistake nearly always."""
    try:
        if input._array.shape == target._array.shape:
            return False
    except AttributeError:  # not tensors; let Python say so of `size`, as it does in torch
        target.size(), input.size()
    warnings.warn(
        f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will likely "
        "lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        stacklevel=3,
    )
    return True


def _broadcast(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    a, b = FUNCTIONS["broadcast_tensors"](input, target)
    return a, b


def reduction_number(reduction: str) -> int:
    """The number by which torch knows a kind of reduction."""
    if reduction == "mean":
        return loss.MEAN
    if reduction == "none":
        return loss.NONE
    if reduction == "sum":
        return loss.SUM
    if reduction == "elementwise_mean":
        warnings.warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=3)
        return loss.MEAN
    raise ValueError(f"{reduction} is not a valid value for reduction")


def number_of(size_average: bool | None, reduce: bool | None, reduction: str) -> int:
    """The number of a reduction, which the old arguments decide where they are given."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    return reduction_number(reduction)


def legacy_reduction(size_average: bool | None, reduce: bool | None) -> str:
    """What the old arguments `size_average` and `reduce`, both True by default, mean as `reduction`."""
    summed = reduce is None or reduce
    reduction = ("mean" if size_average is None or size_average else "sum") if summed else "none"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.", stacklevel=3
    )
    return reduction


def _width(name: str, argument: str, value: Any) -> float:
    """How far from the target a loss is quadratic, as a Python number."""
    if type(value) is float:
        return value
    if not isinstance(value, (*NUMBERS, Tensor)):
        raise TypeError(f"{name}(): argument '{argument}' (position 4) must be float, not {type(value).__name__}")
    return float(value)


def _check_weight(weight: Tensor, input: Tensor) -> None:
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")


def _weighted_mean(weighted: Tensor, weight: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return weighted
    if reduction == "sum":
        return weighted.sum()
    if reduction == "mean":
        return weighted.sum() / weight.sum()
    raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")
