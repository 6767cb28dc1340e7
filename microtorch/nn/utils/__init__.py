"""Gradients clipped, parameters as one vector."""

from typing import NoReturn as _NoReturn

from .clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .convert_parameters import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "vector_to_parameters",
]


def __getattr__(name: str) -> _NoReturn:
    raise AttributeError(
        f"module 'torch.nn.utils' has no attribute '{name}': microtorch, which stands in for it here, does not have "
        f"torch.nn.utils.{name}"
    )
