"""The part of torch.linalg that microtorch has: norms of vectors, and the Frobenius norm of matrices."""

from __future__ import annotations

from typing import Any

from .ops.linalg import matmul as matmul
from .ops.norms import vector_norm as vector_norm
from .tensor import Tensor

LACKS = "microtorch does not have torch.linalg.{}"


def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, out: Tensor | None = None, dtype: Any = None
) -> Tensor:
    """The norm of a vector, or the Frobenius norm of a matrix; without `ord`, that of all elements as one vector."""
    if ord is not None and dim is None and A.ndim > 2:
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D."
        )
    dims = A.ndim if dim is None else 1 if isinstance(dim, int) else len(dim)
    if ord is not None and dims == 2 and not A.is_floating_point():
        raise RuntimeError(
            f"linalg.matrix_norm: Expected a floating point or complex tensor as input. Got {A.dtype.legacy_name}"
        )
    if ord is not None and dims == 2 and ord != "fro":
        raise NotImplementedError(LACKS.format(f"norm with ord={ord!r} for matrices"))
    return vector_norm(A, 2 if ord in (None, "fro") else ord, dim, keepdim, dtype=dtype, out=out)


def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The Frobenius norm √Σx² of matrices."""
    if ord != "fro":
        raise NotImplementedError(LACKS.format(f"matrix_norm with ord={ord!r}"))
    return vector_norm(A, 2, dim, keepdim, dtype=dtype, out=out)


def __getattr__(name: str) -> Any:
    raise AttributeError(LACKS.format(name))
