"""Layers and losses as functions; a module is loaded when one of its functions is asked for."""

from ...later import package as _package
from ...ops.linalg import linear as linear

INDEX = {
    "activations": "relu relu_ sigmoid tanh",
    "likelihoods": """
        binary_cross_entropy binary_cross_entropy_with_logits cross_entropy gaussian_nll_loss kl_div nll_loss
        poisson_nll_loss""",
    "losses": "huber_loss l1_loss legacy_reduction mse_loss smooth_l1_loss",
    "margins": """
        cosine_embedding_loss hinge_embedding_loss margin_ranking_loss multi_margin_loss multilabel_margin_loss
        multilabel_soft_margin_loss soft_margin_loss triplet_margin_loss triplet_margin_with_distance_loss""",
    "noise": "dropout",
}

__getattr__, __dir__ = _package(__name__, INDEX)
