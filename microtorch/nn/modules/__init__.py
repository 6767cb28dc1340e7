"""The layers, losses and containers; a module is loaded when one of its classes is asked for."""

from ...later import package as _package

INDEX = {
    "": "activation container distance dropout flatten linear loss module",
    "activation": "ReLU Sigmoid Tanh",
    "container": "ModuleDict ModuleList ParameterDict ParameterList Sequential",
    "distance": "CosineSimilarity PairwiseDistance",
    "dropout": "Dropout",
    "flatten": "Flatten Unflatten",
    "linear": "Identity Linear",
    "loss": """
        BCELoss BCEWithLogitsLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss HuberLoss
        KLDivLoss L1Loss MSELoss MarginRankingLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss
        PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss TripletMarginWithDistanceLoss""",
    "module": "Module",
}

__getattr__, __dir__ = _package(__name__, INDEX)
