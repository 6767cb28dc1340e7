"""Gradients clipped, parameters as one vector, two layers as one, layers made without drawing."""

from ...later import package as _package

INDEX = {
    "": "clip_grad convert_parameters fusion init",
    "clip_grad": "clip_grad_norm clip_grad_norm_ clip_grad_value_ clip_grads_with_norm_ get_total_norm",
    "convert_parameters": "parameters_to_vector vector_to_parameters",
    "fusion": "fuse_linear_bn_eval fuse_linear_bn_weights",
    "init": "skip_init",
}

__getattr__, __dir__ = _package(__name__, INDEX)
