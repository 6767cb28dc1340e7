"""Layers and losses as functions; a module is loaded when one of its functions is asked for."""

from ...later import package as _package
from ...ops.linalg import linear as linear

INDEX = {
    "activations": "relu relu_ sigmoid softsign tanh tanhshrink",
    "losses": "huber_loss l1_loss legacy_reduction mse_loss smooth_l1_loss",
    "distances": "bilinear cosine_similarity pairwise_distance pdist",
    "lookup": "embedding one_hot",
    "noise": "alpha_dropout dropout dropout1d dropout2d dropout3d feature_alpha_dropout",
    "normalization": "batch_norm group_norm instance_norm layer_norm normalize rms_norm",
    "padding": "pad",
    "probabilities": "gumbel_softmax log_softmax softmax softmin",
    "rectifiers": """
        celu celu_ elu elu_ hardshrink hardsigmoid hardswish hardtanh hardtanh_ leaky_relu leaky_relu_ prelu relu6 rrelu
        rrelu_ selu selu_ softshrink threshold threshold_""",
    "smooth": "gelu glu logsigmoid mish silu softplus",
}

__getattr__, __dir__ = _package(__name__, INDEX)
