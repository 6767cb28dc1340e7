"""Random zeros."""

from __future__ import annotations

from ...op import FUNCTIONS
from ...tensor import Tensor


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, each element becomes 0 with probability p and is divided by 1 − p otherwise."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return FUNCTIONS["dropout_" if inplace else "dropout"](input, p, training)
