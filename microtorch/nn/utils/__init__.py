"""Gradients clipped, parameters as one vector."""

from ...later import package as _package

INDEX = {
    "": "clip_grad convert_parameters",
    "clip_grad": "clip_grad_norm_ clip_grad_value_ clip_grads_with_norm_ get_total_norm",
    "convert_parameters": "parameters_to_vector vector_to_parameters",
}

__getattr__, __dir__ = _package(__name__, INDEX)
