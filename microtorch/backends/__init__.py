"""The switches of torch's backends that scripts set, none of which is at work here; and of the kernels, which are."""

from . import cuda, cudnn, kernels, mkl, mps, openmp

__all__ = ["cuda", "cudnn", "kernels", "mkl", "mps", "openmp"]
