"""Which kernels compute: `use("torch_cpu")` has all that rounds do so as torch's own on a CPU. Not in torch."""

from ..kernels import current, use

__all__ = ["current", "use"]
