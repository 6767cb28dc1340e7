"""The switches of torch's backends that scripts set, none of which is at work here; and of the kernels, which are."""

from ..later import package as _package
from . import cuda, cudnn, kernels, mkl, mps, openmp

__getattr__, __dir__ = _package(__name__, {})

__all__ = ["cuda", "cudnn", "kernels", "mkl", "mps", "openmp"]
