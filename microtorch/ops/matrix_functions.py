"""Functions of matrices that are made of products and decompositions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import to_int, to_ints, to_number
from ..op import compose_into, composite, only_function, op, unpublished, write_into
from ..tensor import Tensor
from ..types import contiguous_format
from .creation import empty
from .decompositions import check_finite, check_float, check_square, linalg_svdvals
from .joining import cat
from .linalg import matmul
from .norms import INF, linalg_matrix_norm
from .parts import slice_view
from .scans import cumprod
from .shape import as_tensor_argument
from .solving import CASTABLE, linalg_inv, linalg_inv_ex, linalg_solve, tolerance


def _into(out: Tensor, name: str, function: Callable[..., Tensor], *arguments: Any) -> Tensor:
    """`out=` where the result is cast."""
    named = name.replace(".", "_")
    return write_into(out, named, arguments, lambda: function(*arguments)._array, cast_error=CASTABLE.format(name))


# -- powers and the exponential ----------------------------------------------------------------------------------------


def _power(A: Tensor, n: int) -> Tensor:
    check_square("linalg.matrix_power", A._array)
    if n == 0:
        from .creation import eye

        return A.clone(memory_format=contiguous_format).copy_(eye(A.shape[-1], dtype=A.dtype))
    if n == 1:
        return A.clone()
    if n < 0:
        A = linalg_inv(A)
        if n == -1:
            return A
        n = -n
    if n == 3:
        return matmul(matmul(A, A), A)
    square: Tensor = A
    result: Any = None
    while True:
        n, odd = divmod(n, 2)
        if odd:
            result = square if result is None else matmul(result, square)
        if not n:
            return result
        square = matmul(square, square)


@unpublished
def linalg_matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """Aⁿ by repeated squaring; for n < 0 the power of the inverse."""
    as_tensor_argument(input)
    n = to_int("n", 2, n)
    return _power(input, n) if out is None else _into(out, "matrix_power", _power, input, n)


@composite
def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """`linalg.matrix_power`."""
    as_tensor_argument(input)
    n = to_int("n", 2, n)
    return _power(input, n) if out is None else _into(out, "matrix_power", _power, input, n)


def _exponential_slope(g, A):
    """Of exp [[Aᵀ, g], [0, Aᵀ]] the upper right."""
    n = A.shape[-1]
    upper = cat([A.mT, g], -1)
    lower = cat([A.new_zeros(A.shape), A.mT], -1)
    return exponential(cat([upper, lower], -2)).narrow(-2, 0, n).narrow(-1, n, n)


@op(input=lambda g, input: _exponential_slope(g, input), node="LinalgMatrixExpBackward0", out=False, public=False)
def exponential(input):
    """Σ Aᵏ/k!, of A halved until it is small, and squared as often."""
    check_square("linalg.matrix_exp", input)
    check_float("linalg.matrix_exp", input)
    a = input.astype(np.float32) if input.dtype == np.float16 else input
    size = float(np.abs(a).sum(-2).max(initial=0))
    halvings = max(0, math.frexp(size)[1] + 1) if math.isfinite(size) else 0
    a = a / a.dtype.type(2.0**halvings)
    identity = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    result = identity
    with np.errstate(all="ignore"):
        for k in range(16, 0, -1):
            result = identity + a @ result / a.dtype.type(k)
        for _ in range(halvings):
            result = result @ result
        return np.array(result, input.dtype, order="C")


@unpublished
def linalg_matrix_exp(input: Tensor) -> Tensor:
    """The exponential Σ Aᵏ/k! of a square matrix."""
    return exponential(as_tensor_argument(input))


@composite
def matrix_exp(input: Tensor) -> Tensor:
    """`linalg.matrix_exp`."""
    return exponential(as_tensor_argument(input))


# -- how near to singular ----------------------------------------------------------------------------------------------


@op(input=None, out=False, public=False)
def rank_of(input, atol, rtol, hermitian):
    """How many singular values are above the tolerance."""
    if input.ndim < 2:
        raise RuntimeError("torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions.")
    if input.dtype.char not in "fd":
        raise RuntimeError("This function doesn't handle types other than float and double")
    if not input.size:
        return np.zeros(input.shape[:-2], np.int64)
    atol, rtol = (np.asarray(t)[..., None] for t in tolerance(input, atol, rtol))
    if hermitian:
        check_square("linalg.eigh", input)
        values = np.abs(np.linalg.eigvalsh(input))
    else:
        check_finite(input)
        values = np.linalg.svd(input, compute_uv=False)
    return (values > np.maximum(atol, rtol * values.max(-1, keepdims=True))).sum(-1)


@unpublished
def linalg_matrix_rank(
    input: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """How many singular values are above max(atol, rtol·the largest); rtol is by default eps·max(rows, columns)."""
    as_tensor_argument(input)
    arguments = (input, atol, rtol, hermitian) if tol is None else (input, tol, 0.0, hermitian)
    return rank_of(*arguments) if out is None else compose_into(out, "linalg_matrix_rank", rank_of, *arguments)


def _condition(A: Tensor, p: Any) -> Tensor:
    if not isinstance(p, str):
        p = 2.0 if p is None else to_number("p", 2, p)
    if p not in ("fro", "nuc", 1, -1, 2, -2, INF, -INF):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p if isinstance(p, str) else format(p, 'g')}")
    shown = p if isinstance(p, str) else f"{p:g}"
    if A.ndim < 2:
        name, it = (f"linalg.cond(ord={shown})", "tensor A") if isinstance(p, str) else ("linalg.cond", "tensor")
        raise RuntimeError(f"{name}: The input {it} must have at least 2 dimensions.")
    if p in (2, -2):
        if not A.numel():
            return A.new_zeros(A.shape[:-2])
        values = linalg_svdvals(A)
        ends = values.narrow(-1, 0, 1), values.narrow(-1, values.shape[-1] - 1, 1)
        return (ends[0] / ends[1] if p == 2 else ends[1] / ends[0]).squeeze(-1)
    check_square(f"linalg.cond(ord={shown})", A._array)
    if not A.numel():
        return A.new_zeros(A.shape[:-2])
    if p == "nuc":
        values = linalg_svdvals(A)
        return values.sum(-1) * values.reciprocal().sum(-1)
    found, info = linalg_inv_ex(A)
    found.masked_fill_((info > 0)[..., None, None], INF)
    return (linalg_matrix_norm(A, p) * linalg_matrix_norm(found, p)).nan_to_num(INF, INF, -INF)


@unpublished
def linalg_cond(input: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number ‖A‖·‖A⁻¹‖: by default the largest singular value divided by the smallest."""
    as_tensor_argument(input)
    return _condition(input, p) if out is None else _into(out, "linalg.cond", _condition, input, p)


# -- tensors taken for matrices ----------------------------------------------------------------------------------------


@unpublished
def linalg_tensorinv(input: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A as a matrix of which the first `ind` dimensions are the rows."""
    as_tensor_argument(input)
    ind = to_int("ind", 0, ind)
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    if ind > input.ndim:
        raise RuntimeError(f"ArrayRef: invalid slice, N = {ind}; size = {input.ndim}")
    first, last = tuple(input.shape[:ind]), tuple(input.shape[ind:])
    if math.prod(first) != math.prod(last):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{math.prod(last)} != {math.prod(first)}"
        )

    def invert(input: Tensor) -> Tensor:
        return linalg_inv(input.reshape(math.prod(last), math.prod(first))).reshape(last + first)

    return invert(input) if out is None else compose_into(out, "linalg_tensorinv", invert, input)


@unpublished
def linalg_tensorsolve(input: Tensor, other: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """X with Σ A·X = B over all dimensions of X, which are the last of A; `dims` of A are moved there before."""
    as_tensor_argument(input), as_tensor_argument(other, "other", 2)
    if dims is not None:
        dims = to_ints("dims", 3, dims)
        input = input.movedim(dims, tuple(range(input.ndim - len(dims), input.ndim)))
    shape = tuple(input.shape[other.ndim :])
    rows = math.prod(input.shape[: other.ndim])
    if math.prod(shape) != rows:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but "
            f"got {math.prod(shape)} != {rows}"
        )

    def solve(input: Tensor, other: Tensor) -> Tensor:
        return linalg_solve(input.reshape(other.numel(), math.prod(shape)), other.flatten()).reshape(shape)

    return solve(input, other) if out is None else compose_into(out, "linalg_tensorsolve", solve, input, other)


# -- parts and patterns ------------------------------------------------------------------------------------------------


@unpublished
def linalg_diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonal of the matrices in two dimensions, by default the last."""
    return as_tensor_argument(A, "A").diagonal(offset, dim1, dim2)


@unpublished
def linalg_vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 0 … N − 1 of every element, along a new last dimension; N is by default their number."""
    as_tensor_argument(x, "x")
    if x.dtype in (dtypes.bool_, dtypes.float16):
        raise RuntimeError(
            f"linalg.vander supports floating point, complex, and integer tensors, but got {x.dtype.legacy_name}"
        )
    count = (x.shape[-1] if x.ndim else 1) if N is None else to_int("N", 0, N)
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    x = x if x.ndim else x.unsqueeze(0)
    powers = cumprod(x.unsqueeze(-1).expand(*x.shape, count - 1), -1)
    return cat([x.new_ones((*x.shape, 1)), powers], -1)


@only_function
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers N − 1 … 0 of the elements of a vector, one row for each; rising if `increasing`."""
    if as_tensor_argument(x, "x").ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else to_int("N", 2, N)
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    result = empty(x.shape[0], count, dtype=dtypes.promote_types(x.dtype, dtypes.int64))
    if count > 0:
        result.select(1, 0).fill_(1)
    if count > 1:
        slice_view(result, 1, 1, None, 1).copy_(x.unsqueeze(1))
        powers = cumprod(slice_view(result, 1, 1, None, 1), 1)
        slice_view(result, 1, 1, None, 1).copy_(powers)
    return result if increasing else result.flip(1)
