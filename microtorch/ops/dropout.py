"""Channels dropped as a whole, and dropping that keeps mean and variance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arguments import to_bool, to_float
from ..op import only_function
from ..tensor import Tensor, wrap
from .arithmetic import mul, require_tensor
from .creation import empty, empty_like

SATURATED = 1.7580993408473766  # −λ·α of selu, to which it tends


@only_function
def feature_dropout(input: Tensor, p: Any, train: bool) -> Tensor:
    """Whole channels (N, C, …) set to 0 with probability p and the others divided by 1 − p (Tompson et al., 2015)."""
    return _dropped(input, p, train, by_channel=True, selu=False, in_place=False)


@only_function
def feature_dropout_(input: Tensor, p: Any, train: bool) -> Tensor:
    """`feature_dropout` in place."""
    return _dropped(input, p, train, by_channel=True, selu=False, in_place=True)


@only_function
def alpha_dropout(input: Tensor, p: Any, train: bool) -> Tensor:
    """Elements set to the value at which selu saturates, all then scaled and shifted to keep mean and variance."""
    return _dropped(input, p, train, by_channel=False, selu=True, in_place=False)


@only_function
def alpha_dropout_(input: Tensor, p: Any, train: bool) -> Tensor:
    """`alpha_dropout` in place."""
    return _dropped(input, p, train, by_channel=False, selu=True, in_place=True)


@only_function
def feature_alpha_dropout(input: Tensor, p: Any, train: bool) -> Tensor:
    """`alpha_dropout` of whole channels."""
    return _dropped(input, p, train, by_channel=True, selu=True, in_place=False)


@only_function
def feature_alpha_dropout_(input: Tensor, p: Any, train: bool) -> Tensor:
    """`feature_alpha_dropout` in place."""
    return _dropped(input, p, train, by_channel=True, selu=True, in_place=True)


def _dropped(input: Any, p: Any, train: bool, by_channel: bool, selu: bool, in_place: bool) -> Tensor:
    require_tensor("input", 1, input)
    p, train = to_float("p", 2, p), to_bool("train", 3, train)
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    if p == 0 or not train or not input.numel():
        kept: Tensor = input
        return kept
    if p == 1:
        return _times(input, wrap(np.zeros((), input._array.dtype)), in_place)
    if by_channel and input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    shape = (*input.shape[:2], *(1,) * (input.dim() - 2))
    noise = empty(shape, dtype=input.dtype) if by_channel else empty_like(input)
    noise.bernoulli_(1 - p)
    if not selu:
        return _times(input, noise.div_(1 - p), in_place)
    scale = 1 / math.sqrt((SATURATED * SATURATED * p + 1) * (1 - p))
    shift = noise.add(-1).mul_(SATURATED * scale).add_(SATURATED * scale * p)
    return _times(input, noise.mul_(scale), in_place).add_(shift)


def _times(input: Tensor, noise: Tensor, in_place: bool) -> Tensor:
    return input.mul_(noise) if in_place else mul(input, noise)
