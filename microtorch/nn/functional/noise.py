"""Random zeros."""

from __future__ import annotations

import warnings

from ...op import FUNCTIONS
from ...tensor import Tensor


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, each element becomes 0 with probability p and is divided by 1 − p otherwise."""
    _check(p)
    return FUNCTIONS["dropout_" if inplace else "dropout"](input, p, training)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """In training, elements become the value at which selu saturates, so that mean and variance stay."""
    _check(p)
    return FUNCTIONS["alpha_dropout_" if inplace else "alpha_dropout"](input, p, training)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels."""
    _check(p)
    return FUNCTIONS["feature_alpha_dropout_" if inplace else "feature_alpha_dropout"](input, p, training)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, whole channels of samples (N, C, L), or of one (C, L), become 0 with probability p."""
    _check(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that dropout1d exists to "
            "provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional "
            "batch dimension (i.e. 2D or 3D inputs)."
        )
    return _by_channel(input, p, training, inplace, alone=input.dim() == 2)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, whole channels of images (N, C, H, W) become 0 with probability p; three dimensions are (N, C, L)."""
    _check(p)
    _warn_of_dimensions(input, 2, (3, 4))
    if input.dim() == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _by_channel(input, p, training, inplace, alone=False)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, whole channels of samples (N, C, D, H, W), or of one, become 0 with probability p."""
    _check(p)
    _warn_of_dimensions(input, 3, (4, 5))
    return _by_channel(input, p, training, inplace, alone=input.dim() != 5)


def _check(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _warn_of_dimensions(input: Tensor, spatial: int, expected: tuple[int, int]) -> None:
    if input.dim() not in expected:
        name, (low, high) = f"dropout{spatial}d", expected
        warnings.warn(
            f"{name}: Received a {input.dim()}-D input to {name}, which is deprecated and will result in an error in a "
            "future release. To retain the behavior and silence this warning, please use dropout instead. Note that "
            f"{name} exists to provide channel-wise dropout on inputs with {spatial} spatial dimensions, a channel "
            f"dimension, and an optional batch dimension (i.e. {low}D or {high}D inputs).",
            stacklevel=3,
        )


def _by_channel(input: Tensor, p: float, training: bool, inplace: bool, alone: bool) -> Tensor:
    """Channels dropped; a sample that is `alone` becomes a batch for that."""
    drop = FUNCTIONS["feature_dropout_" if inplace else "feature_dropout"]
    if not alone:
        return drop(input, p, training)
    result = drop(input.unsqueeze_(0) if inplace else input.unsqueeze(0), p, training)
    return result.squeeze_(0) if inplace else result.squeeze(0)
