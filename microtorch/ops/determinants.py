"""Determinants and their logarithms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine import mode
from ..op import composite, op, unpublished
from ..tensor import Tensor
from .comparison import where
from .creation import eye
from .decompositions import check_float, check_kernel, check_square, linalg_svd
from .linalg import matmul
from .reduction import EXPECTED_OUT
from .shape import as_tensor_argument
from .solving import solve_once


def _det_slope(g, det, A):
    """g·det·A⁻ᵀ. Of a singular matrix, as torch: the cofactors in a recorded backward pass, otherwise zeros."""
    if not A.numel():
        return A.new_zeros(A.shape)
    singular = (det.abs() < 100 * float(np.finfo(A._array.dtype).eps)) if mode.grad else det == 0
    if not singular.any():
        return _slope_of_regular(g * det, A)
    if not mode.grad:
        whole = where(singular[..., None, None], _identity(A), A)
        return _slope_of_regular(g * det, whole)
    U, S, Vh = linalg_svd(A)
    n = S.shape[-1]
    others = S.unsqueeze(-2).expand(*S.shape[:-1], n, n).masked_fill(_identity(A).bool(), 1).prod(-1)
    others = others * (linalg_det(U) * linalg_det(Vh) * g).unsqueeze(-1)
    return matmul(U * others.unsqueeze(-2), Vh)


def _identity(A):
    return eye(A.shape[-1], dtype=A.dtype)


def _slope_of_regular(scale, A):
    return solve_once(A.mT, scale.unsqueeze(-1).expand(A.shape[:-1]).diag_embed().mT)


@op(
    A=lambda g, out, A: _det_slope(g, out, A),
    node="LinalgDetBackward0",
    called="_linalg_det",
    strict_out=EXPECTED_OUT,
    public=False,
)
def determinant(A):
    """The determinant."""
    check_square("linalg.det", A)
    check_float("linalg.det", A)
    check_kernel("lu_cpu", A)
    with np.errstate(invalid="ignore"):
        return np.linalg.det(A)


@unpublished
def linalg_det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of a square matrix."""
    return determinant(as_tensor_argument(A, "A"), out=out)


@composite
def det(input: Tensor) -> Tensor:
    """`linalg.det`."""
    return determinant(as_tensor_argument(input))


def _slogdet(name):
    def slogdet(A):
        """The sign of the determinant and the logarithm of its size."""
        check_square("linalg.slogdet", A)
        check_float("linalg.slogdet", A, half=False)
        with np.errstate(invalid="ignore"):
            return np.linalg.slogdet(A)

    slogdet.__name__ = f"{name}_of"
    return op(
        A=lambda gradients, A: _slogdet_slope(gradients[1], A),
        node="LinalgSlogdetBackward0",
        outputs=("sign", "logabsdet"),
        called=name,
        public=False,
    )(slogdet)


def _slogdet_slope(g, A):
    return None if g is None else _slope_of_regular(g, A)


_old_slogdet, _linalg_slogdet = _slogdet("slogdet"), _slogdet("linalg_slogdet")


@unpublished
def linalg_slogdet(A: Tensor, *, out: Any = None) -> Any:
    """The sign of the determinant, and the logarithm of its size: of a singular matrix 0 and −∞."""
    return _linalg_slogdet(as_tensor_argument(A, "A"), out=out)


@composite
def slogdet(input: Tensor, *, out: Any = None) -> Any:
    """`linalg.slogdet`."""
    return _old_slogdet(as_tensor_argument(input), out=out)


@composite
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; nan if it is negative."""
    check_square("logdet", as_tensor_argument(input)._array)
    check_float("logdet", input._array, half=False)
    sign, size = _linalg_slogdet(input)
    return where(sign == -1, math.nan, size)
