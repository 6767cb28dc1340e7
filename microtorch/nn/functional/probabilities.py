"""Numbers made probabilities."""

from __future__ import annotations

import warnings
from typing import Any

from ...op import FUNCTIONS
from ...tensor import Tensor
from ...types import contiguous_format


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """eˣ/Σeˣ along `dim`, computed in `dtype` where one is given."""
    dim = _implicit_dim("softmax", input.dim(), _stacklevel) if dim is None else dim
    return input.softmax(dim, dtype=dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The softmax of −x."""
    dim = _implicit_dim("softmin", input.dim(), _stacklevel) if dim is None else dim
    return (-input).softmax(dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """x − ln Σeˣ along `dim`, computed in `dtype` where one is given."""
    dim = _implicit_dim("log_softmax", input.dim(), _stacklevel) if dim is None else dim
    return input.log_softmax(dim, dtype=dtype)


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    """The dimension taken where none is given, which is warned of."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """softmax((x + G)/tau) for G drawn from the Gumbel distribution; `hard`: the largest is 1, the others 0.

    The gradient is that of the softmax in either case.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -FUNCTIONS["empty_like"](logits, memory_format=contiguous_format).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = FUNCTIONS["zeros_like"](logits, memory_format=contiguous_format).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft
