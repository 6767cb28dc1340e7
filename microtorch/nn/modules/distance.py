"""Distances between vectors."""

from __future__ import annotations

from ...op import FUNCTIONS
from ...tensor import Tensor
from .module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class PairwiseDistance(Module):
    """‖x₁ − x₂ + eps‖ in the norm of order p along the last dimension."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        distance: Tensor = FUNCTIONS["pairwise_distance"](x1, x2, self.norm, self.eps, self.keepdim)
        return distance


class CosineSimilarity(Module):
    """x₁·x₂ / (‖x₁‖·‖x₂‖) along a dimension, neither norm being taken for less than eps."""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        similarity: Tensor = FUNCTIONS["cosine_similarity"](x1, x2, self.dim, self.eps)
        return similarity
