"""The switches of torch's backends that scripts set; none of these backends is at work here."""

from . import cuda, cudnn, mkl, mps, openmp

__all__ = ["cuda", "cudnn", "mkl", "mps", "openmp"]
