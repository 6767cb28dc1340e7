"""Norms of vectors and of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..arguments import to_ints, to_number, wrong_type
from ..op import SEVERAL_DIMS, compose_into, composite, op, renamed, unpublished
from ..tensor import Tensor, wrap_dim
from .arithmetic import name_of
from .reduction import EXPECTED_OUT, axes, in_order, named_dtype, restore
from .shape import as_tensor_argument

INF = float("inf")


@op(
    input=lambda g, input, out, ord, dim, keepdim: norm_slope(g, input, out, ord, dim, keepdim),
    node="LinalgVectorNormBackward0",
    shows=SEVERAL_DIMS,
    called="linalg_vector_norm",
    strict_out=EXPECTED_OUT,
    public=False,
)
def vector_norm_of(input, ord, dim, keepdim, dtype=None):
    """(Σ|x|ᵖ)^(1/p)."""
    if input.dtype.kind != "f":
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {name_of(input)}"
        )
    dtype = named_dtype(dtype)
    if dtype is not None:
        _check_dtype(input, dtype)
        input = input.astype(dtype.numpy)
    if type(keepdim) is not bool:
        raise wrong_type("keepdim", 4, "bool", keepdim)
    dims = dim if dim is None else to_ints("dim", 3, dim, or_one=True)
    reduced = axes(dims, input.ndim)
    check_not_empty(input, ord, dims or reduced)
    return in_order(p_norm(input, ord, reduced, keepdim))


vector_norm_of = renamed(vector_norm_of, "linalg_vector_norm", 1)


def p_norm(array, p, dims, keepdim=False):
    """(Σ|x|ᵖ)^(1/p) of an array; the largest |x| for p = ∞, the smallest for −∞, how many are not 0 for 0."""
    if p == 0:
        norm = np.count_nonzero(array, axis=dims, keepdims=keepdim)
    elif abs(p) == INF:
        extreme, neutral = (np.maximum, 0) if p > 0 else (np.minimum, INF)
        norm = extreme.reduce(np.abs(array), axis=dims, keepdims=keepdim, initial=neutral)
    else:
        norm = kernels.norm(array, p, dims, keepdim)
    return np.asarray(norm).astype(array.dtype)


def _check_dtype(input, dtype):
    if not dtype.is_floating_point:
        raise RuntimeError(
            f"linalg.vector_norm: dtype should be floating point or complex, but got {dtype.legacy_name}"
        )
    if dtype.itemsize < input.itemsize:
        raise RuntimeError(
            f"linalg.vector_norm: the dtype of the input ({name_of(input)}) should be convertible without narrowing to "
            f"the specified dtype ({dtype.legacy_name})"
        )


def check_not_empty(input, ord, dims=None):
    """Refuse those norms of nothing that have no neutral element."""
    if input.size or not (ord < 0 or ord == INF):
        return
    name = f"{ord:g}"
    if dims is None:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {name} norm on an empty tensor because the operation does not have "
            "an identity"
        )
    for axis in dims:
        if input.shape[axis] == 0:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {name} norm on the dimension {axis}because this dimension is "
                "empty and the operation does not have an identity"
            )


def norm_slope(g, input, norm, p, dim, keepdim):
    """g·sign(x)·(|x|/norm)^(p−1), 0 where the norm is 0; where only the largest count, they share it."""
    input = input.to(norm.dtype)
    g, norm = (restore(t, input.shape, dim, keepdim) for t in (g, norm))
    if p == 0:
        return None
    if p == 1:
        return input.sgn() * g
    if p == 2:
        return g * (input / norm).masked_fill(norm == 0, 0)
    size = input.abs()
    if abs(p) == INF:
        chosen = size.eq(norm).logical_or(size.isnan())
        return input.sgn() * (g / chosen.sum(dim, True) * chosen)
    if p < 1:
        return input.sgn() * size.pow(p - 1).masked_fill(input == 0, 0) * g * norm.pow(1 - p)
    steep = input.sgn() * size.pow(p - 1) if p < 2 else input * size.pow(p - 2)
    return steep * (g / norm.pow(p - 1)).masked_fill(norm == 0, 0)


@unpublished
def linalg_vector_norm(
    x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """(Σ|x|ᵖ)^(1/p), over all or over `dim`; the largest |x| for p = ∞, the smallest for −∞, how many for 0."""
    return vector_norm_of(x, to_number("ord", 2, ord), dim, keepdim, dtype, out=out)


# -- of matrices -------------------------------------------------------------------------------------------------------


@unpublished
def linalg_matrix_norm(
    input: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """A norm of the matrices in two dimensions.

    "fro": √Σx²; "nuc": the sum of the singular values, 2 and −2: the largest and the smallest; 1 and −1: the largest and
    the smallest sum of |x| in a column, ∞ and −∞ in a row.
    """
    if out is not None:
        return compose_into(
            out, "linalg_matrix_norm", _matrix_norm, input, ord, dim, keepdim, dtype, strict=OF_MATRICES
        )
    return _matrix_norm(as_tensor_argument(input), ord, dim, keepdim, dtype)


OF_MATRICES = "linalg.matrix_norm expected out tensor dtype {0} but got: {1}"


def _matrix_norm(A: Tensor, ord: Any, dim: Any, keepdim: bool, dtype: Any) -> Tensor:
    if ord not in ("fro", "nuc") and (isinstance(ord, str) or abs(ord) not in (1, 2, INF)):
        shown = ord if isinstance(ord, str) else f"{ord:g}"
        raise RuntimeError(f"linalg.matrix_norm: Order {shown} not supported.")
    if A.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if not A.is_floating_point():
        raise RuntimeError(
            "linalg.matrix_norm: Expected a floating point or complex tensor as input. Got " + A.dtype.legacy_name
        )
    dim = to_ints("dim", 3, dim, or_one=True)
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    down, across = (wrap_dim(d, A.ndim) for d in dim)
    if down == across:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return vector_norm_of(A, 2, (down, across), keepdim, dtype)
    if ord == "nuc" or abs(ord) == 2:
        from .decompositions import check_float, linalg_svdvals

        A = A if dtype is None else A.to(dtype)
        check_float("linalg.matrix_norm", A._array, half=False)
        rest = [d for d in range(A.ndim) if d not in (down, across)]
        values = linalg_svdvals(A.permute([*rest, down, across]))
        if ord == "nuc":
            norm = values.sum(-1, keepdim)
        else:
            norm = _extreme(values, ord, -1, keepdim)
        if not keepdim:
            return norm
        order = [*rest, down, across]
        return norm.unsqueeze(-1).permute([order.index(d) for d in range(A.ndim)])
    if abs(ord) == INF:
        down, across = across, down
    sums = vector_norm_of(A, 1.0, (down,), keepdim, dtype)
    if not keepdim and down < across:
        across -= 1
    return _extreme(sums, ord, across, keepdim)


def _extreme(x: Tensor, ord: float, dim: int, keepdim: bool) -> Tensor:
    """The largest number along a dimension, or 0 of none; for a negative order the smallest."""
    if ord < 0:
        return x.amin(dim, keepdim)
    return x.amax(dim, keepdim) if x.shape[dim] else x.new_zeros(x.shape).sum(dim, keepdim)


@unpublished
def linalg_norm(
    input: Tensor,
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
) -> Tensor:
    """The norm of a vector or, over two dimensions, of a matrix; without `ord` √Σx² over all, or over `dim`."""
    as_tensor_argument(input)
    if dim is not None:
        dim = to_ints("dim", 3, dim, or_one=True)
        if ord is not None and len(dim) not in (1, 2):
            raise RuntimeError(
                "linalg.norm: If dim is specified, it must be of length 1 or 2. Got [" + ", ".join(map(str, dim)) + "]"
            )
    elif ord is not None and input.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {input.ndim}D."
        )
    if ord is not None and (isinstance(ord, str) or (input.ndim if dim is None else len(dim)) == 2):
        return linalg_matrix_norm(input, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype, out=out)
    return vector_norm_of(input, 2.0 if ord is None else to_number("ord", 2, ord), dim, keepdim, dtype, out=out)


# -- the older name ----------------------------------------------------------------------------------------------------


@composite
def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Tensor | None = None, dtype: Any = None
) -> Tensor:
    """The norm (Σ|x|ᵖ)^(1/p) over all elements or over `dim`; "fro" is that with p = 2, "nuc" that of a matrix."""
    if isinstance(p, str) and p != "fro":
        whole = tuple(range(input.ndim)) if dim is None else dim
        return linalg_matrix_norm(input, p, whole, keepdim, dtype=dtype, out=out)
    return vector_norm_of(input, 2 if p is None or p == "fro" else to_number("p", 2, p), dim, keepdim, dtype, out=out)
