"""Layers and losses as functions; a module is loaded when one of its functions is asked for."""

from ...later import package as _package
from ...ops.linalg import linear as linear

INDEX = {
    "activations": "relu relu_ sigmoid softsign tanh tanhshrink",
    "distances": "bilinear cosine_similarity pairwise_distance pdist",
    "likelihoods": """
        binary_cross_entropy binary_cross_entropy_with_logits cross_entropy gaussian_nll_loss kl_div
        linear_cross_entropy nll_loss poisson_nll_loss""",
    "lookup": "embedding one_hot",
    "losses": "huber_loss l1_loss legacy_reduction mse_loss smooth_l1_loss",
    "margins": """
        cosine_embedding_loss hinge_embedding_loss margin_ranking_loss multi_margin_loss multilabel_margin_loss
        multilabel_soft_margin_loss soft_margin_loss triplet_margin_loss triplet_margin_with_distance_loss""",
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
