"""Numbers brought to mean 0 and variance 1, or to length 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...op import FUNCTIONS
from ...ops import batch_norm as by_batch
from ...ops import normalization
from ...tensor import Tensor


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean)/√(variance + eps)·weight + bias for each channel of x, shape (N, C, …).

    In training mean and variance are those of the batch, and `running_mean` and `running_var` move towards them by the
    part `momentum`; else they are these.
    """
    if training:
        _check_batch_size(input.size())
    if training and eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return by_batch.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, True)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`batch_norm` for each sample by itself."""
    if use_input_stats and math.prod(input.size()[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    return by_batch.instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean)/√(variance + eps)·weight + bias over the last dimensions, which have `normalized_shape`."""
    return normalization.layer_norm(input, normalized_shape, weight, bias, eps, True)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """x/√(mean(x²) + eps)·weight over the last dimensions, which have `normalized_shape`."""
    return normalization.rms_norm(input, normalized_shape, weight, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """(x − mean)/√(variance + eps)·weight + bias for each sample and group of channels."""
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    _check_batch_size([input.size(0) * input.size(1) // num_groups, num_groups, *input.size()[2:]])
    return normalization.group_norm(input, num_groups, weight, bias, eps, True)


def _check_batch_size(size: Any) -> None:
    if size[0] * math.prod(size[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """x/max(‖x‖, eps) along `dim`, with the norm (Σ|x|ᵖ)^(1/p)."""
    norm = input.norm(p, dim, keepdim=True)
    if out is None:
        return input / norm.clamp_min(eps).expand_as(input)
    divided: Tensor = FUNCTIONS["div"](input, norm.clamp_min_(eps).expand_as(input), out=out)
    return divided
