"""cuBLAS and friends: not used; the switches of its products can be set and read."""

from types import SimpleNamespace

from ..later import package as _package

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=True, fp32_precision="none")


def is_available() -> bool:
    return False


def is_built() -> bool:
    return False


__getattr__, __dir__ = _package(__name__, {})
