"""How near two tensors are to each other, and forms that take two."""

from __future__ import annotations

from ...op import FUNCTIONS
from ...tensor import Tensor


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Σ x₁·x₂ / max(‖x₁‖·‖x₂‖, eps) along `dim`."""
    similarity: Tensor = FUNCTIONS["cosine_similarity"](x1, x2, dim, eps)
    return similarity


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """‖x₁ − x₂ + eps‖ₚ along the last dimension."""
    distance: Tensor = FUNCTIONS["pairwise_distance"](x1, x2, p, eps, keepdim)
    return distance


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The distances between all rows of a matrix, those of the upper triangle."""
    distances: Tensor = FUNCTIONS["pdist"](input, p)
    return distances


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x₁ᵀ·W·x₂ + b for every output."""
    form: Tensor = FUNCTIONS["bilinear"](input1, input2, weight, bias)
    return form
