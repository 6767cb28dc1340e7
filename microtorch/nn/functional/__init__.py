"""Layers and losses as functions; a module is loaded when one of its functions is asked for."""

from ...later import package as _package
from ...ops.linalg import linear as linear

INDEX = {
    "activations": "relu relu_ sigmoid tanh",
    "losses": "huber_loss l1_loss legacy_reduction mse_loss smooth_l1_loss",
    "noise": "dropout",
}

__getattr__, __dir__ = _package(__name__, INDEX)
