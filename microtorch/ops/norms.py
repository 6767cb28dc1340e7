"""Norms of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from ..arguments import to_ints, to_number, wrong_type
from ..op import composite, op, renamed
from ..tensor import Tensor
from .arithmetic import name_of
from .reduction import EXPECTED_OUT, axes, in_order, named_dtype, restore

INF = float("inf")


@op(
    input=lambda g, input, out, ord, dim, keepdim: _backward(g, input, out, ord, dim, keepdim),
    node="LinalgVectorNormBackward0",
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
    reduced = axes(dim if dim is None else to_ints("dim", 3, dim, or_one=True), input.ndim)
    _check_not_empty(input, ord, dim, reduced)
    if abs(ord) == INF:
        norm = (np.maximum if ord > 0 else np.minimum).reduce(
            np.abs(input), axis=reduced, keepdims=keepdim, initial=0 if ord > 0 else INF
        )
    elif ord == 0:
        norm = np.count_nonzero(input, axis=reduced, keepdims=keepdim)
    else:
        norm = kernels.norm(input, ord, reduced, keepdim)
    return in_order(np.asarray(norm).astype(input.dtype))


vector_norm_of = renamed(vector_norm_of, "linalg_vector_norm", 1)


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


def _check_not_empty(input, ord, dim, reduced):
    """Refuse those norms of nothing that have no neutral element."""
    if input.size or not (ord < 0 or ord == INF):
        return
    name = f"{ord:g}"
    if reduced is None:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {name} norm on an empty tensor because the operation does not have "
            "an identity"
        )
    for axis in reduced:
        if input.shape[axis] == 0:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {name} norm on the dimension {axis}because this dimension is "
                "empty and the operation does not have an identity"
            )


def _backward(g, input, norm, p, dim, keepdim):
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


def vector_norm(
    x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """(Σ|x|ᵖ)^(1/p), over all or over `dim`; the largest |x| for p = ∞, the smallest for −∞, how many for 0."""
    return vector_norm_of(x, to_number("ord", 2, ord), dim, keepdim, dtype, out=out)


@composite
def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Tensor | None = None, dtype: Any = None
) -> Tensor:
    """The norm (Σ|x|ᵖ)^(1/p) over all elements or over `dim`; `"fro"` is that with p = 2."""
    if isinstance(p, str):
        if p != "fro":
            raise NotImplementedError(f"microtorch does not have the matrix norm '{p}'")
        p = 2
    return vector_norm_of(input, 2 if p is None else to_number("p", 2, p), dim, keepdim, dtype, out=out)
