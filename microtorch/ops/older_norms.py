"""Norms under names that torch keeps for older code, and warns of."""

from __future__ import annotations

from typing import Any

from ..arguments import may_be_ints, no_overload, to_ints, wrong_type
from ..op import only_function, op
from ..settings import warn_once
from ..tensor import Tensor
from .arithmetic import name_of
from .norms import linalg_matrix_norm, norm_slope, p_norm
from .reduction import axes, in_order
from .shape import as_tensor_argument


@op(
    input=lambda g, input, out, p, dim, keepdim: norm_slope(g, input, out, p, dim, keepdim),
    node="NormBackward1",
    called="norm",
    strict_out="Expected out tensor to have dtype {2}, but got {3} instead",
    public=False,
)
def norm_along(input, p, dim, keepdim):
    """(Σ|x|ᵖ)^(1/p) along dimensions, as an older node has it."""
    if input.dtype.kind != "f":
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {name_of(input)} instead."
        )
    return in_order(p_norm(input, p, axes(dim, input.ndim), keepdim))


@only_function
def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """√Σx² along up to two dimensions; deprecated in torch."""
    as_tensor_argument(input)
    dim = to_ints("dim", 2, dim, or_one=True)
    if type(keepdim) is not bool:
        raise wrong_type("keepdim", 0, "bool", keepdim)
    _warn_deprecated("frobenius_norm", "linalg.vector_norm(A, 2., dim, keepdim)")
    if len(dim) > 2:
        raise RuntimeError(f"Expected at most 2 dimensions, but got {len(dim)} dimensions instead.")
    return norm_along(input, 2.0, dim, keepdim, out=out)


@only_function
def nuclear_norm(input: Tensor, dim: Any = (-2, -1), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The sum of the singular values of the matrices in two dimensions; deprecated in torch."""
    as_tensor_argument(input)
    if isinstance(dim, bool) and keepdim is False:
        dim, keepdim = (-2, -1), dim
    elif type(keepdim) is not bool or not may_be_ints(dim):
        raise no_overload()
    dim = to_ints("dim", 2, dim) if isinstance(dim, (tuple, list)) else (dim, dim)
    _warn_deprecated("nuclear_norm", "linalg.matrix_norm(A, 'nuc', dim, keepdim)")
    return linalg_matrix_norm(input, "nuc", dim, keepdim, out=out)


def _warn_deprecated(name: str, instead: str) -> None:
    warn_once(
        f"at::{name} is deprecated and it is just left for JIT compatibility. It will be removed in a future PyTorch "
        f"release. Please use `{instead}` instead"
    )
