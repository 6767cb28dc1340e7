"""Products of matrices and vectors."""

from __future__ import annotations

import numpy as np

from .. import kernels
from ..op import composite, op
from ..tensor import Tensor


def check_same_dtype(*arrays, names=("mat1", "mat2")):
    a, b = arrays[:2]
    if a.dtype is not b.dtype:
        from ..dtypes import FROM_NUMPY

        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {FROM_NUMPY[a.dtype].c_name} != {FROM_NUMPY[b.dtype].c_name}"
        )


@op(
    input=lambda g, mat2: g.mm(mat2.t()),
    mat2=lambda g, input: input.t().mm(g),
)
def mm(input, mat2):
    """Matrix product (n×k)·(k×m)."""
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    _check_product(input, mat2)
    return kernels.matmul(input, mat2)


@op(
    input=lambda g, beta: g if beta == 1 else g * beta,
    mat1=lambda g, mat2, alpha: _scaled(g.mm(mat2.t()), alpha),
    mat2=lambda g, mat1, alpha: _scaled(mat1.t().mm(g), alpha),
    in_place=True,
)
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta·x + alpha·(mat1 @ mat2); x broadcasts."""
    if mat1.ndim != 2:
        raise RuntimeError(f"mat1 must be a matrix, got {mat1.ndim}-D tensor")
    if mat2.ndim != 2:
        raise RuntimeError(f"mat2 must be a matrix, got {mat2.ndim}-D tensor")
    _check_product(mat1, mat2)
    return kernels.addmm(input, mat1, mat2, beta, alpha)


def _scaled(x, alpha):
    return x if alpha == 1 else x * alpha


def _check_product(a, b):
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]})"
        )
    check_same_dtype(a, b)


@composite
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x·Wᵀ + b over the last dimension of x."""
    if input.ndim == 2 and bias is not None:
        return addmm(bias, input, weight.t())
    flat = input.reshape(-1, input._array.shape[-1])
    result = mm(flat, weight.t()) if bias is None else addmm(bias, flat, weight.t())
    return result.view(*input._array.shape[:-1], -1)
