"""Linear systems: inverses, solutions, least squares, determinants."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import compose_into, composite, op, unpublished
from ..tensor import Tensor
from .arithmetic import name_of
from .decompositions import (
    by_columns,
    check_finite,
    check_float,
    check_kernel,
    check_matrix,
    check_square,
    each_matrix,
    raise_first,
)
from .expanding import common_shape
from .linalg import matmul
from .reduction import EXPECTED_OUT
from .shape import as_tensor_argument

CASTABLE = "{}: Expected result to be safely castable from {{0}} dtype, but got result with dtype {{1}}"


def _zero_pivot(matrix):
    """The number of the first pivot that is 0 when a matrix is eliminated by rows, the largest pivot first; or else 0."""
    rest = np.array(matrix)
    for k in range(len(rest)):
        largest = k + int(np.argmax(np.abs(rest[k:, k])))
        if rest[largest, k] == 0:
            return k + 1
        rest[[k, largest]] = rest[[largest, k]]
        rest[k + 1 :, k:] -= np.multiply.outer(rest[k + 1 :, k] / rest[k, k], rest[k, k:])
    return 0


def _solved(a, b):
    """A⁻¹·B, nan for singular matrices; and for those the number of the first pivot that is 0."""
    a = np.broadcast_to(a, (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *a.shape[-2:]))
    try:
        return np.linalg.solve(a, b), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        info = each_matrix(lambda matrix: _zero_pivot(matrix) or 0, a)
    b = np.broadcast_to(b, (*a.shape[:-2], *b.shape[-2:]))
    found = np.full(b.shape, np.nan, b.dtype)
    for place in np.ndindex(info.shape):
        if not info[place]:
            try:
                found[place] = np.linalg.solve(a[place], b[place])
            except np.linalg.LinAlgError:  # the last pivot is 0 in LAPACK's order of operations
                info[place] = len(a[place])
    return found, info


# -- the inverse -------------------------------------------------------------------------------------------------------


@op(
    A=lambda g, inverse: -matmul(inverse.mT, matmul(g, inverse.mT)),
    node="LinalgInvExBackward0",
    outputs=("inverse", "info"),
    called="linalg_inv_ex",
    strict_out=EXPECTED_OUT,
    public=False,
)
def inv_ex(A, errors):
    """A⁻¹; `errors`: torch's name of the function that raises where there is none."""
    check_square("linalg.inv", A)
    check_float("linalg.inv", A, half=False)
    inverse, info = _solved(A, np.broadcast_to(np.eye(A.shape[-1], dtype=A.dtype), A.shape))
    if errors:
        raise_first(
            info,
            errors + ": {}The diagonal element {} is zero, the inversion could not be completed because the input "
            "matrix is singular.",
        )
    return by_columns(inverse), info


@unpublished
def linalg_inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """A⁻¹ and 0; of a singular matrix nan, where torch has what LAPACK leaves, and the number of the pivot that is 0."""
    return inv_ex(as_tensor_argument(A, "A"), "linalg.inv_ex" if check_errors else "", out=out)


def _inverse(A: Tensor, out: Tensor | None) -> Tensor:
    if out is not None:
        return compose_into(out, "linalg_inv_ex", _inverse, A, None, strict=EXPECTED_OUT)
    return inv_ex(A, "linalg.inv")[0]


@unpublished
def linalg_inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A⁻¹, of a square matrix or a batch of them; a singular one raises `LinAlgError`."""
    return _inverse(as_tensor_argument(A, "A"), out)


@composite
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.inv`."""
    return _inverse(as_tensor_argument(input), out)


# -- A·X = B -----------------------------------------------------------------------------------------------------------


def _is_vector(a_shape, b_shape):
    """Whether the right side of A·X = B is a vector, or a batch of them."""
    return len(b_shape) == 1 or tuple(a_shape[:-1]) == tuple(b_shape)


def _check_fit(name, a, b, left):
    rows, columns = (b.shape[-2], b.shape[-1]) if b.ndim > 1 else (b.shape[0], 1)
    if a.shape[-1] != (rows if left else columns):
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {equation} "
            f"({a.shape[-2]}x{a.shape[-1]} and {rows}x{columns})"
        )


def _solve_slopes(g, result, A, B_shape, left):
    """The gradient of B, and of A with the sign turned."""
    vector = left and _is_vector(A.shape, B_shape)
    if vector:
        g_b = solve_once(A.mT, g.unsqueeze(-1))
        return g_b.squeeze(-1), matmul(g_b, result.unsqueeze(-1).mT)
    g_b = solve_once(A.mT, g, left)
    return g_b, matmul(g_b, result.mT) if left else matmul(result.mT, g_b)


@op(
    A=lambda g, result, A, B_shape, left: -_solve_slopes(g, result, A, B_shape, left)[1],
    B=lambda g, result, A, B_shape, left: _solve_slopes(g, result, A, B_shape, left)[0],
    node="LinalgSolveExBackward0",
    hides="B_sym_sizes",
    outputs=("result", "info"),
    called="linalg_solve_ex",
    strict_out=EXPECTED_OUT,
    public=False,
)
def solve_ex(A, B, left, errors):
    """X with A·X = B, or X·A = B; `errors`: in whose name a singular matrix raises, if it does."""
    check_float("linalg.solve", A)
    check_square("linalg.solve", A)
    if B.dtype is not A.dtype:
        raise RuntimeError(
            f"linalg.solve: Expected A and B to have the same dtype, but found A of type {name_of(A)} and B of type "
            f"{name_of(B)} instead"
        )
    vector = _is_vector(A.shape, B.shape)
    if not vector:
        check_matrix("linalg.solve", B, "B")
    columns = B[..., None] if vector else B
    _check_fit("linalg.solve", A, columns, left)
    if vector and not left:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False")
    common_shape(columns.shape[:-2], A.shape[:-2])
    check_kernel("lu_cpu", A)
    if left:
        found, info = _solved(A, columns)
    else:
        found, info = _solved(A.swapaxes(-1, -2), columns.swapaxes(-1, -2))
        found = found.swapaxes(-1, -2)
    if errors:
        raise_first(info, f"torch.{errors}: {{}}The solver failed because the input matrix is singular.")
    found = found[..., 0] if vector else found
    return (by_columns(found) if left else np.ascontiguousarray(found)), info


def solve_once(A: Tensor, B: Tensor, left: bool = True) -> Tensor:
    return solve_ex(A, B, left, "linalg.solve")[0]


@unpublished
def linalg_solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """`linalg.solve`, and 0; of a singular matrix nan, where torch has what LAPACK leaves, and the pivot that is 0."""
    errors = "linalg.solve_ex" if check_errors else ""
    return solve_ex(as_tensor_argument(A, "A"), as_tensor_argument(B, "B", 2), left, errors, out=out)


@unpublished
def linalg_solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """X with A·X = B, or with X·A = B if not `left`; B may be a vector; a singular A raises `LinAlgError`."""
    as_tensor_argument(A, "A"), as_tensor_argument(B, "B", 2)
    if out is not None:
        return compose_into(out, "_linalg_solve_ex", solve_once, A, B, left, strict=EXPECTED_OUT)
    return solve_once(A, B, left)


def _triangle(x, upper, unit):
    """The part of a gradient that belongs to a triangle."""
    return x.triu(int(unit)) if upper else x.tril(-int(unit))


@op(
    A=lambda g, A, out, upper, left, unitriangular: _triangular_slope(g, A, out, upper, left, unitriangular),
    B=lambda g, A, upper, left, unitriangular: triangular(A.mT, g, not upper, left, unitriangular),
    node="LinalgSolveTriangularBackward0",
    shows={"self": "A"},
    called="linalg_solve_triangular",
    public=False,
)
def triangular(A, B, upper, left, unitriangular):
    """X with A·X = B, or X·A = B, where A is what one triangle says."""
    check_square("linalg.solve_triangular", A)
    check_matrix("linalg.solve_triangular", B, "B")
    _check_fit("linalg.solve_triangular", A, B, left)
    common_shape(A.shape[:-2], B.shape[:-2])
    check_kernel("triangular_solve_cpu", A)
    a, b = (np.triu(A) if upper else np.tril(A)), B.astype(A.dtype, copy=False)
    if unitriangular:
        a = a.copy()
        np.einsum("...ii->...i", a)[...] = 1
    if not left:
        a, b, upper = a.swapaxes(-1, -2), b.swapaxes(-1, -2), not upper
    shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    found = np.zeros((*shape, *b.shape[-2:]), a.dtype)
    n = a.shape[-1]
    with np.errstate(all="ignore"):
        for i in reversed(range(n)) if upper else range(n):  # from the end at which there is one unknown
            known = (a[..., i : i + 1, :] @ found)[..., 0, :]
            found[..., i, :] = (b[..., i, :] - known) / a[..., i, i, None]
    return by_columns(found) if left else by_columns(found.swapaxes(-1, -2))


def _triangular_slope(g, A, X, upper, left, unitriangular):
    g_b = triangular(A.mT, g, not upper, left, unitriangular)
    g_a = -matmul(g_b, X.mT) if left else -matmul(X.mT, g_b)
    return _triangle(g_a, upper, unitriangular)


@unpublished
def linalg_solve_triangular(
    input: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Tensor | None = None
) -> Tensor:
    """X with A·X = B, or X·A = B, where only one triangle of A counts, with ones on its diagonal if `unitriangular`."""
    return triangular(as_tensor_argument(input), as_tensor_argument(B, "B", 2), upper, left, unitriangular, out=out)


# -- least squares -----------------------------------------------------------------------------------------------------

DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _lstsq_slopes(gradients, input, b, solution, wanted):
    """Of the solution X = A⁺·B, and of the sums of squares of A·X − B."""
    g, g_residuals = gradients[:2]
    vector = _is_vector(input.shape, b.shape)
    columns, found = (b.unsqueeze(-1), solution.unsqueeze(-1)) if vector else (b, solution)
    slope = None
    if g is not None:
        g = g.unsqueeze(-1) if vector else g
        inverse = pseudo_inverse(input, None, None, False)
        if wanted == "A":
            slope = _pinv_slope(matmul(g, columns.mT), inverse, input)
        else:
            slope = matmul(inverse.mT, g)
    if g_residuals is not None and g_residuals.numel():
        rest = 2 * g_residuals.unsqueeze(-2) * (matmul(input, found) - columns)
        extra = matmul(rest, found.mT) if wanted == "A" else -rest
        slope = extra if slope is None else slope + extra
    return slope.squeeze(-1) if wanted == "B" and vector and slope is not None else slope


@op(
    input=lambda gradients, input, b, solution: _lstsq_slopes(gradients, input, b, solution, "A"),
    b=lambda gradients, input, b, solution: _lstsq_slopes(gradients, input, b, solution, "B"),
    node="LinalgLstsqBackward0",
    outputs=("solution", "residuals", "rank", "singular_values"),
    called="linalg_lstsq",
    public=False,
)
def least_squares(input, b, rcond, driver):
    """The shortest X for which ‖A·X − B‖ is least."""
    name = "torch.linalg.lstsq"
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if b.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if input.dtype is not b.dtype:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but got input's dtype {name_of(input)} and "
            f"other's dtype {name_of(b)}"
        )
    if not 0 <= input.ndim - b.ndim <= 1:
        raise RuntimeError(
            f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1"
        )
    vector = input.ndim - 1 == b.ndim and (b.ndim == 1 or tuple(input.shape[:-1]) == tuple(b.shape))
    columns = b[..., None] if vector else b
    rows, n = input.shape[-2:]
    if rows != columns.shape[-2]:
        dim = -1 if vector else -2
        raise RuntimeError(f"{name}: input.size(-2) should match other.size({dim})")
    if input.dtype.char not in "fd":
        raise RuntimeError("This function doesn't handle types other than float and double")
    if driver not in DRIVERS:
        raise RuntimeError(f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    shape = common_shape(input.shape[:-2], columns.shape[:-2])
    a = np.broadcast_to(input, (*shape, rows, n))
    columns = np.broadcast_to(columns, (*shape, *columns.shape[-2:]))
    room = np.zeros((*shape, columns.shape[-1], max(rows, n)), a.dtype)  # where LAPACK reads B and writes X
    found = room.swapaxes(-1, -2)[..., :n, :]
    ranks = np.zeros(shape, np.int64)
    values = np.zeros((*shape, min(rows, n)), a.dtype)
    limit = np.finfo(a.dtype).eps * max(rows, n) if rcond is None else rcond
    for place in np.ndindex(shape):
        found[place], _, ranks[place], values[place] = np.linalg.lstsq(a[place], columns[place], limit)
    residuals = np.zeros(0, a.dtype)
    if rows > n and driver != "gelsy" and (ranks == n).all():
        residuals = np.square(a @ found - columns).sum(-2)
    return (
        found[..., 0] if vector else found,
        residuals,
        np.zeros(0, np.int64) if driver == "gels" else ranks,
        values if driver in ("gelsd", "gelss") else np.zeros(0, a.dtype),
    )


@unpublished
def linalg_lstsq(input: Tensor, b: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """The X, and of several the shortest, for which ‖A·X − B‖ is least; with residuals, rank and singular values.

    Singular values below `rcond` times the largest count as 0. As torch's, `driver` "gelsy", which is taken by default,
    gives no residuals and no singular values.
    """
    found = least_squares(as_tensor_argument(input), as_tensor_argument(b, "b", 2), rcond, driver or "gelsy")
    return found._replace(singular_values=found.singular_values.detach())


@composite
def lstsq(input: Tensor, A: Any) -> Tensor:
    """Gone, as from torch: `linalg.lstsq` has its place."""
    raise RuntimeError(
        "This function was deprecated since version 1.9 and is now removed. `torch.lstsq` is deprecated in favor of "
        "`torch.linalg.lstsq`.\n`torch.linalg.lstsq` has reversed arguments and does not return the QR decomposition in "
        "the returned tuple (although it returns other information about the problem).\n\nTo get the QR decomposition "
        "consider using `torch.linalg.qr`.\n\nThe returned solution in `torch.lstsq` stored the residuals of the "
        "solution in the last m - n columns of the returned value whenever m > n. In torch.linalg.lstsq, the residuals "
        "are in the field 'residuals' of the returned named tuple.\n\nThe unpacking of the solution, as in\n"
        "X, _ = torch.lstsq(B, A).solution[:A.size(1)]\nshould be replaced with:\nX = torch.linalg.lstsq(A, B).solution"
    )


# -- the pseudo-inverse ------------------------------------------------------------------------------------------------


def tolerance(a: Any, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """From which singular value on, absolutely and relative to the largest, a matrix counts as that much smaller."""
    atol, rtol = (t._array if isinstance(t, Tensor) else t for t in (atol, rtol))
    if rtol is None:
        positive = atol is not None and np.all(np.asarray(atol) > 0)
        rtol = 0.0 if positive else float(np.finfo(a.dtype).eps) * max(a.shape[-2:])
    return 0.0 if atol is None else atol, rtol


def _pinv_slope(g, inverse, A):
    """For P = A⁺: −(P·gᵀ·P)ᵀ and the parts that belong to what A does not reach."""
    turned, g = inverse.mT, g.mT
    if A.shape[-2] <= A.shape[-1]:
        k = matmul(g, inverse)
        rest = matmul(k, turned)
        slope = -matmul(inverse, k).mT + rest - matmul(matmul(A, inverse), rest)
        return slope + matmul(matmul(turned, inverse), g - matmul(k, A))
    k = matmul(inverse, g)
    rest = matmul(turned, k)
    slope = -matmul(k, inverse).mT + matmul(matmul(g - matmul(A, k), inverse), turned)
    return slope + rest - matmul(matmul(rest, inverse), A)


@op(
    input=lambda g, out, input: _pinv_slope(g, out, input),
    node="LinalgPinvBackward0",
    called="linalg_pinv",
    cast_error=CASTABLE.format("linalg.pinv"),
    public=False,
)
def pseudo_inverse(input, atol, rtol, hermitian):
    """A⁺ by singular values, those within the tolerance being taken for 0."""
    if input.ndim < 2 or input.dtype.char not in "fd":
        raise RuntimeError(
            f"linalg.pinv({name_of(input)}{{{list(input.shape)}}}): expected a tensor with 2 or more dimensions of float, "
            "double, cfloat or cdouble types"
        )
    shape = (*input.shape[:-2], input.shape[-1], input.shape[-2])
    if not input.size:
        return np.zeros(shape, input.dtype)
    atol, rtol = (np.asarray(t)[..., None] for t in tolerance(input, atol, rtol))
    if hermitian:
        check_square("linalg.eigh", input)
        values, vectors = np.linalg.eigh(input)
        left, right = vectors, vectors.swapaxes(-1, -2)
    else:
        check_finite(input)
        left, values, right = np.linalg.svd(input, full_matrices=False)
    sizes = np.abs(values)
    kept = sizes > np.maximum(atol, rtol * sizes.max(-1, keepdims=True))
    inverses = np.where(kept, 1 / np.where(kept, values, 1), 0).astype(input.dtype)
    return np.ascontiguousarray((right.swapaxes(-1, -2) * inverses[..., None, :]) @ left.swapaxes(-1, -2))


@unpublished
def linalg_pinv(
    input: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The pseudo-inverse: A⁺ with A·A⁺·A = A, A⁺·A·A⁺ = A⁺, and A·A⁺, A⁺·A symmetric.

    Singular values up to max(atol, rtol·the largest) count as 0; rtol is by default eps·max(rows, columns).
    """
    return pseudo_inverse(as_tensor_argument(input), atol, rcond if rtol is None else rtol, hermitian, out=out)


@composite
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` with another tolerance."""
    return pseudo_inverse(as_tensor_argument(input), None, rcond, False)
