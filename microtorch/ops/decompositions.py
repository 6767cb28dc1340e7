"""Matrices as products of simpler ones: Cholesky, QR, singular values, eigenvalues of symmetric matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..op import compose_into, composite, not_implemented, op, unpublished
from ..settings import warn_once
from ..tensor import Tensor
from .arithmetic import name_of
from .joining import cat
from .linalg import matmul
from .reduction import EXPECTED_OUT
from .shape import as_tensor_argument


class LinAlgError(RuntimeError):
    """A matrix does not have what was asked for: it is singular, or not positive definite."""


LinAlgError.__name__ = LinAlgError.__qualname__ = "_LinAlgError"  # as torch's, which its module shows without the line
LinAlgError.__module__ = "torch._C"

# -- what all have in common -------------------------------------------------------------------------------------------


def check_matrix(name, a, what="A"):
    if a.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {what} must have at least 2 dimensions.")


def check_square(name, a):
    check_matrix(name, a)
    if a.shape[-1] != a.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {a.shape[-2]} by {a.shape[-1]} matrices"
        )


def check_float(name, a, half=True):
    """Only floating point numbers, and not `half` of them."""
    if a.dtype.kind != "f":
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {name_of(a)}")
    if a.dtype == np.float16 and not half:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {name_of(a)}")


def check_kernel(kernel, a):
    if a.dtype.char not in "fd":
        raise not_implemented(kernel, dtypes.FROM_NUMPY[a.dtype])


def check_finite(a):
    if not np.isfinite(a).all():
        raise LinAlgError(
            "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values."
        )


def by_columns(x):
    """In memory as LAPACK leaves a matrix: its columns one after the other."""
    return np.array(x.swapaxes(-1, -2), order="C").swapaxes(-1, -2) if x.ndim > 1 else x


def raise_first(info, words):
    """The error of the first matrix of a batch whose `info` is not 0; `words` has a place for that, and for which it is."""
    failed = np.flatnonzero(info)
    if failed.size:
        which = f"(Batch element {failed[0]}): " if info.ndim else ""
        raise LinAlgError(words.format(which, info.reshape(-1)[failed[0]]))


def each_matrix(function, a):
    """An int32 for every matrix of a batch."""
    found = np.zeros(a.shape[:-2], np.int32)
    for place in np.ndindex(found.shape):
        found[place] = function(a[place])
    return found


# -- Cholesky ----------------------------------------------------------------------------------------------------------

NOT_POSITIVE = (
    "{}: {{}}The factorization could not be completed because the input is not positive-definite (the leading minor of "
    "order {{}} is not positive-definite)."
)


def _triangle(a, upper):
    """L with L·Lᵀ = A, or its transpose; and of matrices without it, from which order on the leading minors fail."""
    a = a.swapaxes(-1, -2) if upper else a
    try:
        factor, info = np.linalg.cholesky(a), np.zeros(a.shape[:-2], np.int32)
        sound = not np.isnan(factor).any()
    except np.linalg.LinAlgError:
        sound = False
    if not sound:
        factor, info = np.full(a.shape, np.nan, a.dtype), each_matrix(_failing_order, a)
        for place in np.ndindex(info.shape):
            if not info[place]:
                factor[place] = np.linalg.cholesky(a[place])
    return by_columns(factor.swapaxes(-1, -2) if upper else factor), info


def _failing_order(matrix):
    for order in range(1, len(matrix) + 1):
        try:
            if np.isnan(np.linalg.cholesky(matrix[:order, :order])).any():
                return order
        except np.linalg.LinAlgError:
            return order
    return 0


def _triangle_slope(g, factor, upper):
    """½·L⁻ᵀ(Φ + Φᵀ)L⁻¹ with Φ = tril(Lᵀ·g), its diagonal halved."""
    from .solving import triangular

    lower, g = (factor.mT, g.mT) if upper else (factor, g)
    middle = matmul(lower.mT, g).tril()
    middle = 0.5 * (middle + middle.tril(-1).mT)
    middle = triangular(lower.mT, middle, True, True, False)
    return triangular(lower, middle, False, False, False)


@op(
    A=lambda g, L, upper: _triangle_slope(g, L, upper),
    node="LinalgCholeskyExBackward0",
    outputs=("L", "info"),
    called="linalg_cholesky_ex",
    strict_out=EXPECTED_OUT,
    public=False,
)
def cholesky_ex(A, upper, errors):
    """L with L·Lᵀ = A; `errors`: torch's name of the function that raises where there is none."""
    check_square("linalg.cholesky", A)
    check_float("linalg.cholesky", A)
    check_kernel("cholesky_cpu", A)
    factor, info = _triangle(A, upper)
    if errors:
        raise_first(info, NOT_POSITIVE.format(errors))
    return factor, info


@unpublished
def linalg_cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """The lower triangle L with L·Lᵀ = A, or its transpose, and 0, or else the order of the first minor that fails."""
    return cholesky_ex(as_tensor_argument(input), upper, "linalg.cholesky_ex" if check_errors else "", out=out)


@unpublished
def linalg_cholesky(input: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """The lower triangle L with L·Lᵀ = A, A being symmetric and positive definite; or its transpose."""
    into = None if out is None else (out, out.new_empty(0, dtype=dtypes.int32))
    return cholesky_ex(as_tensor_argument(input), upper, "linalg.cholesky", out=into)[0]


@op(input=lambda g, out, upper: _triangle_slope(g, out, upper), node="CholeskyBackward0", out=False, public=False)
def old_cholesky(input, upper):
    """`linalg.cholesky` before there was `linalg`."""
    check_square("cholesky", input)
    check_kernel("cholesky_cpu", input)
    factor, info = _triangle(input, upper)
    raise_first(info, NOT_POSITIVE.format("cholesky"))
    return factor


@composite
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """An older name of `linalg.cholesky`."""
    as_tensor_argument(input)
    warn_once(
        "torch.cholesky is deprecated in favor of torch.linalg.cholesky and will be removed in a future PyTorch "
        "release.\nL = torch.cholesky(A)\nshould be replaced with\nL = torch.linalg.cholesky(A)\nand\n"
        "U = torch.cholesky(A, upper=True)\nshould be replaced with\nU = torch.linalg.cholesky(A).mH\nThis transform "
        "will produce equivalent results for all valid (symmetric positive definite) inputs."
    )
    return old_cholesky(input, upper)


# -- QR ----------------------------------------------------------------------------------------------------------------


def _symmetrized(x):
    """The adjoint of taking the symmetric part's upper triangle."""
    x = x + x.mT
    return x - 0.5 * x.diagonal(0, -2, -1).diag_embed()


def _qr_slope(gradients, Q, R, mode):
    from .solving import triangular

    g_q, g_r = gradients
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, "
            "mode='reduced') if you are going to differentiate through linalg.qr."
        )
    rows, columns = Q.shape[-2], R.shape[-1]
    if mode == "complete" and rows > columns:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
    inner: Any = 0 if g_r is None else matmul(g_r, R.mT)
    if g_q is not None:
        inner = inner - matmul(Q.mT, g_q)
    if rows >= columns:
        g = matmul(Q, _symmetrized(inner.triu()))
        return triangular(R.mT, g if g_q is None else g + g_q, False, False, False)
    skew = (-inner).tril() - (-inner).mT.tril()
    skew = skew - 0.5 * skew.diagonal(0, -2, -1).diag_embed()
    g = triangular(R.narrow(-1, 0, rows).mT, matmul(Q, skew), False, False, False)
    g = cat([g, g.new_zeros((*g.shape[:-1], columns - rows))], -1)
    return g if g_r is None else matmul(Q, g_r) + g


@op(
    A=lambda gradients, Q, R, mode: _qr_slope(gradients, Q, R, mode),
    node="LinalgQrBackward0",
    outputs=("Q", "R"),
    called="linalg_qr",
    strict_out=EXPECTED_OUT,
    public=False,
)
def qr(A, mode):
    """Q·R = A with orthonormal columns in Q and an upper triangle R."""
    check_matrix("linalg.qr", A)
    check_float("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    check_kernel("geqrf_cpu", A)
    if mode == "r":
        return np.empty(0, A.dtype), by_columns(np.linalg.qr(A, "r"))
    q, r = np.linalg.qr(A, mode)
    return by_columns(q), by_columns(r)


@unpublished
def linalg_qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """Q·R = A: orthonormal columns times an upper triangle; Q is square if `mode` is "complete", and empty if "r"."""
    return qr(as_tensor_argument(A, "A"), mode, out=out)


# -- singular values ---------------------------------------------------------------------------------------------------


def _svd_slope(gradients, U, S, Vh, full_matrices):
    g_u, g_s, g_vh = gradients
    k = S.shape[-1]
    if full_matrices:
        U, Vh = U.narrow(-1, 0, k), Vh.narrow(-2, 0, k)
    rows, columns = U.shape[-2], Vh.shape[-1]
    if g_u is None and g_vh is None:
        return matmul(U, g_s.unsqueeze(-1) * Vh) if rows >= columns else matmul(U * g_s.unsqueeze(-2), Vh)
    squares = S * S
    gaps = squares.unsqueeze(-2) - squares.unsqueeze(-1)
    gaps.diagonal(0, -2, -1).fill_(1)
    g: Any = 0 if g_s is None else g_s.diag_embed()
    if g_u is not None:
        g_u = g_u.narrow(-1, 0, k) if full_matrices else g_u
        turned = matmul(U.mT, g_u)
        g = (turned - turned.mT) / gaps * S.unsqueeze(-2) + g
    if g_vh is not None:
        g_vh = g_vh.narrow(-2, 0, k) if full_matrices else g_vh
        turned = matmul(Vh, g_vh.mT)
        g = S.unsqueeze(-1) * ((turned - turned.mT) / gaps) + g
    if rows > k and g_u is not None:
        scaled = g_u / S.unsqueeze(-2)
        return matmul(matmul(U, g) + scaled - matmul(U, matmul(U.mT, scaled)), Vh)
    if columns > k and g_vh is not None:
        scaled = g_vh / S.unsqueeze(-1)
        return matmul(U, matmul(g, Vh) + scaled - matmul(matmul(scaled, Vh.mT), Vh))
    return matmul(U, matmul(g, Vh)) if rows >= columns else matmul(matmul(U, g), Vh)


@op(
    A=lambda gradients, U, S, Vh, full_matrices: _svd_slope(gradients, U, S, Vh, full_matrices),
    node="LinalgSvdBackward0",
    shows={"S_sym_argsize_minus_1": lambda A_shape: min(A_shape[-2:])},
    outputs=("U", "S", "Vh"),
    called="linalg_svd",
    strict_out=EXPECTED_OUT,
    public=False,
)
def svd(A, full_matrices, vectors):
    """U·diag(S)·Vᵀ = A, of which only S without `vectors`."""
    check_matrix("linalg.svd", A)
    check_float("linalg.svd", A)
    check_kernel("linalg_svd_cpu", A)
    check_finite(A)
    if not vectors:
        return np.empty(0, A.dtype), np.linalg.svd(A, compute_uv=False), np.empty(0, A.dtype)
    u, s, vh = np.linalg.svd(A, full_matrices)
    return by_columns(u), s, by_columns(vh)


@unpublished
def linalg_svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None) -> Any:
    """U·diag(S)·Vh = A with orthonormal columns in U, rows in Vh, and S ≥ 0 falling; square U, Vh if `full_matrices`."""
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )
    return svd(as_tensor_argument(A, "A"), full_matrices, True, out=out)


@unpublished
def linalg_svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values of a matrix, falling."""
    if out is not None:
        return compose_into(out, "_linalg_svd", linalg_svdvals, A, strict=EXPECTED_OUT)
    return svd(as_tensor_argument(A, "A"), False, A.requires_grad)[1]


# -- eigenvalues of symmetric matrices ---------------------------------------------------------------------------------


def _eigh_slope(gradients, eigenvalues, eigenvectors):
    g_values, g_vectors = gradients
    if g_vectors is None:
        return matmul(eigenvectors * g_values.unsqueeze(-2), eigenvectors.mT)
    gaps = eigenvalues.unsqueeze(-2) - eigenvalues.unsqueeze(-1)
    gaps.diagonal(0, -2, -1).fill_(1)
    turned = matmul(eigenvectors.mT, g_vectors)
    inner = 0.5 * (turned - turned.mT) / gaps
    if g_values is not None:
        inner.diagonal(0, -2, -1).copy_(g_values)  # which is 0 so far
    return matmul(eigenvectors, matmul(inner, eigenvectors.mT))


@op(
    A=lambda gradients, eigenvalues, eigenvectors: _eigh_slope(gradients, eigenvalues, eigenvectors),
    node="LinalgEighBackward0",
    outputs=("eigenvalues", "eigenvectors"),
    called="linalg_eigh",
    strict_out=EXPECTED_OUT,
    public=False,
)
def eigh(A, triangle, vectors):
    """V·diag(λ)·Vᵀ = A, of which only λ without `vectors`; A is what one `triangle` says."""
    check_square("linalg.eigh", A)
    if triangle.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {triangle}")
    check_kernel("linalg_eigh_cpu", A)
    try:
        if not vectors:
            return np.linalg.eigvalsh(A, triangle.upper()), np.empty(0, A.dtype)
        values, found = np.linalg.eigh(A, triangle.upper())
    except np.linalg.LinAlgError:
        raise LinAlgError(
            "linalg.eigh: The algorithm failed to converge because the input matrix is ill-conditioned or has too many "
            f"repeated eigenvalues (error code: {max(A.shape[-1] - 1, 1) if vectors else 1})."
        ) from None
    return values, by_columns(found)


@unpublished
def linalg_eigh(input: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """V·diag(λ)·Vᵀ = A, symmetric, of which one triangle is read: the eigenvalues, rising, and orthonormal vectors."""
    return eigh(as_tensor_argument(input), UPLO, True, out=out)


@unpublished
def linalg_eigvalsh(input: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of a symmetric matrix, rising."""
    if out is not None:
        return compose_into(out, "_linalg_eigh", linalg_eigvalsh, input, UPLO, strict=EXPECTED_OUT)
    return eigh(as_tensor_argument(input), UPLO, input.requires_grad)[0]
