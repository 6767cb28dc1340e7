"""Smooth nonlinearities."""

from __future__ import annotations

from ...arguments import wrong_type
from ...op import unpublished
from ...ops import activation
from ...ops import gelu as normal
from ...ops.arithmetic import require_tensor
from ...tensor import Tensor
from .rectifiers import arguments


@unpublished
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x·sigmoid(x)."""
    return (activation.silu_ if inplace else activation.silu)(*arguments(input))


@unpublished
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·tanh(ln(1 + eˣ))."""
    return (activation.mish_ if inplace else activation.mish)(*arguments(input))


@unpublished
def softplus(input: Tensor, beta: float = 1, threshold: float = 20, *, out: Tensor | None = None) -> Tensor:
    """ln(1 + exp(beta·x))/beta; x itself where beta·x is beyond the threshold."""
    return activation.softplus(*arguments(input, beta=beta, threshold=threshold), out=out)


@unpublished
def log_sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln(1/(1 + e⁻ˣ))."""
    require_tensor("input", 1, input)
    return activation.log_sigmoid(input, out=out)


logsigmoid = log_sigmoid


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a·sigmoid(b), a and b being the halves of x along a dimension."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return activation.glu(input, dim)


@unpublished
def gelu(input: Tensor, *, approximate: str = "none", out: Tensor | None = None) -> Tensor:
    """x·Φ(x), Φ being the normal distribution's function; `approximate`: "none", or by "tanh"."""
    require_tensor("input", 1, input)
    if not isinstance(approximate, str):
        raise wrong_type("approximate", 0, "str", approximate)
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return normal.gelu(input, approximate=approximate, out=out)
