"""How far vectors are apart, and how much they point the same way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..arguments import to_int, to_number
from ..engine import mode
from ..op import not_implemented, only_function, op
from ..tensor import Tensor, wrap_dim
from .arithmetic import mul, name_of
from .comparison import where
from .conversion import in_dtype
from .expanding import common_shape, expand
from .linalg import matmul
from .norms import INF, check_not_empty, norm_slope, p_norm, vector_norm_of
from .numbers import plus_number
from .reduction import EXPECTED_OUT, sum
from .shape import as_tensor_argument, view_in_shape


def _tensors(input: Any, other: Any, names: tuple[str, str] = ("x1", "x2")) -> None:
    as_tensor_argument(input, names[0]), as_tensor_argument(other, names[1], 2)


# -- of all elements together ------------------------------------------------------------------------------------------


@op(
    input=lambda g, input, other, p, out: norm_slope(g, input - other, out, p, None, False),
    other=lambda g, input, other, p, out: _opposite(norm_slope(g, input - other, out, p, None, False)),
    out=False,
)
def dist(input, other, p=2):
    """(Σ|x − y|ᵖ)^(1/p) over all elements; the two broadcast."""
    p = to_number("p", 3, p)
    common_shape(input.shape, other.shape)
    common = dtypes.promote_types(dtypes.FROM_NUMPY[input.dtype], dtypes.FROM_NUMPY[other.dtype])
    if not common.is_floating_point:
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {common.legacy_name} instead."
        )
    difference = input.astype(common.numpy) - other.astype(common.numpy)
    check_not_empty(difference, p)
    return p_norm(difference, p, None)


def _opposite(slope):
    return None if slope is None else -slope


# -- of pairs of vectors in the same place -----------------------------------------------------------------------------


@op(
    input=lambda g, input, out, p, dim, keepdim: norm_slope(g, input, out, p, dim, keepdim),
    node="NormBackward1",
    out=False,
    public=False,
)
def norm_along(input, p, dim, keepdim):
    """(Σ|x|ᵖ)^(1/p) along a dimension, as torch had it before there was `linalg`."""
    return p_norm(input, p, dim if input.ndim else None, keepdim)


@only_function
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """(Σ|x − y + eps|ᵖ)^(1/p) over the last dimension; the others broadcast."""
    _tensors(x1, x2)
    p, eps = float(to_number("p", 3, p)), to_number("eps", 4, eps)
    difference = x1 - x2
    if not difference.is_floating_point():
        difference = in_dtype(difference, dtypes.get_default_dtype())
    return norm_along(plus_number(difference, eps), p, (max(difference.ndim - 1, 0),), keepdim)


@only_function
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Σxy / (max(‖x‖, eps)·max(‖y‖, eps)) along a dimension; the others broadcast."""
    _tensors(x1, x2)
    dim, eps = to_int("dim", 3, dim), to_number("eps", 4, eps)
    common = dtypes.promote_types(x1.dtype, x2.dtype)
    if not common.is_floating_point:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {common.legacy_name}")
    shape = common_shape(x1._array.shape, x2._array.shape)
    unit = []
    for x in (x1, x2):
        x = x if x.is_floating_point() else in_dtype(x, common)
        x = x if x1.shape == x2.shape else expand(x, shape)
        length = vector_norm_of(x, 2, (dim,), True, common).clone()
        previous, mode.grad = mode.grad, False
        try:
            length.clamp_min_(eps)
        finally:
            mode.grad = previous
        unit.append(x / length)
    return sum(mul(*unit), (dim,))


# -- of every vector to every other ------------------------------------------------------------------------------------


def _slope_of_distance(difference, g, distance, p):
    """g times the derivative of the distance after one vector, for every pair."""
    if p == 0:
        return np.zeros_like(difference)
    size, sign = np.abs(difference), np.sign(difference)
    if p == 1:
        return g * sign
    if p == INF:
        return g * sign * (size == distance)
    with np.errstate(all="ignore"):
        slope = g * difference / distance if p == 2 else sign * size ** (p - 1) * g / distance ** (p - 1)
    return np.where((distance == 0) | ((difference == 0) & (p < 1)), 0, slope)


def _check_cdist(x1, x2, p):
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.dtype.kind != "f":
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {name_of(x)}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    common_shape(x1.shape[:-2], x2.shape[:-2])
    if x1.dtype == np.float16 and x1.size and x2.size:
        raise not_implemented("cdist", dtypes.float16)
    if x1.dtype is not x2.dtype:
        raise RuntimeError(f"expected scalar type {name_of(x1)} but found {name_of(x2)}")


@op(
    x1=lambda g, x1, x2, p, out: cdist_slope(g.contiguous(), x1, x2, p, out),
    x2=lambda g, x1, x2, p, out: cdist_slope(g.mT.contiguous(), x2, x1, p, out.mT.contiguous()),
    node="CdistBackward0",
    out=False,
    public=False,
)
def distances(x1, x2, p):
    """The distance of every row of the first matrix to every row of the second."""
    difference = x1[..., :, None, :] - x2[..., None, :, :]
    return np.ascontiguousarray(p_norm(difference, p, (-1,)))


def _no_slope(name):
    raise NotImplementedError(f"the derivative for '{name}' is not implemented.")


@op(
    grad=lambda g: _no_slope("_cdist_backward"),
    x1=lambda g: _no_slope("_cdist_backward"),
    x2=lambda g: _no_slope("_cdist_backward"),
    cdist=lambda g: _no_slope("_cdist_backward"),
    node="CdistBackwardBackward0",
    out=False,
    public=False,
)
def cdist_slope(grad, x1, x2, p, cdist):
    """Σ over all partners of a row of its part of the gradient."""
    difference = x1[..., :, None, :] - x2[..., None, :, :]
    slope = _slope_of_distance(difference, grad[..., None], cdist[..., None], p)
    return np.asarray(slope.sum(-2)).astype(x1.dtype, copy=False)


@op(
    x1=lambda g, x1, x2, out: _euclidean_slope(g, x1, x2, out),
    x2=lambda g, x1, x2, out: _euclidean_slope(g.mT, x2, x1, out.mT),
    node="EuclideanDistBackward0",
    out=False,
    public=False,
)
def euclidean_distances(x1, x2):
    """√(x² − 2xy + y²) by one product of matrices."""
    squares = [np.square(x).sum(-1, keepdims=True, dtype=x.dtype) for x in (x1, x2)]
    left = np.concatenate([-2 * x1, squares[0], np.ones_like(squares[0])], -1)
    right = np.concatenate([x2, np.ones_like(squares[1]), squares[1]], -1)
    return np.sqrt(np.maximum(kernels.matmul(left, right.swapaxes(-1, -2)), 0))


def _euclidean_slope(g, x1, x2, distance):
    ratio = where(distance == 0, 0.0, g / distance)
    return x1 * ratio.sum(-1, True) - matmul(ratio, x2)


MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


@only_function
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = MODES[0]) -> Tensor:
    """(Σ|x − y|ᵖ)^(1/p) for every row x of the first matrix and y of the second: (…, n, k), (…, m, k) → (…, n, m).

    For p = 2 and more than 25 rows by a product of matrices, which rounds more; `compute_mode` says otherwise.
    """
    if compute_mode not in MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    _tensors(x1, x2)
    p = float(to_number("p", 3, p))
    product = compute_mode == MODES[1] or (
        compute_mode == MODES[0] and max((*x1.shape[-2:-1], *x2.shape[-2:-1]), default=0) > 25
    )
    _check_cdist(x1._array, x2._array, p)
    if p != 2 or not product:
        return distances(x1, x2, p)
    batch = common_shape(x1._array.shape[:-2], x2._array.shape[:-2])
    n, m, k = x1.shape[-2], x2.shape[-2], x1.shape[-1]
    if not (n and m and math.prod(batch) and k):
        return distances(x1, x2, p)
    if batch:
        x1, x2 = (
            view_in_shape(expand(x, (*batch, *x.shape[-2:])).contiguous(), (math.prod(batch), *x.shape[-2:]))
            for x in (x1, x2)
        )
    return view_in_shape(euclidean_distances(x1, x2), (*batch, n, m))


@op(
    input=lambda g, input, p, out: pdist_slope(g, input, p, out),
    node="PdistBackward0",
    out=False,
    public=False,
)
def distances_among(input, p):
    """The distances of all pairs of rows."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if input.dtype.kind != "f":
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    if input.dtype == np.float16 and len(input) > 1 and input.size:
        raise not_implemented("pdist", dtypes.float16)
    first, second = np.triu_indices(len(input), 1)
    return p_norm(input[first] - input[second], p, (1,))


@op(
    grad=lambda g: _no_slope("_pdist_backward"),
    input=lambda g: _no_slope("_pdist_backward"),
    pdist=lambda g: _no_slope("_pdist_backward"),
    node="PdistBackwardBackward0",
    out=False,
    public=False,
)
def pdist_slope(grad, input, p, pdist):
    """Each pair's gradient added to its first row and taken from its second."""
    first, second = np.triu_indices(len(input), 1)
    slope = _slope_of_distance(input[first] - input[second], grad[:, None], pdist[:, None], p)
    result = np.zeros_like(input)
    np.add.at(result, first, slope)
    np.subtract.at(result, second, slope)
    return result


@only_function
def pdist(input: Tensor, p: float = 2) -> Tensor:
    """(Σ|x − y|ᵖ)^(1/p) for every pair of rows, the first row's pairs first."""
    return distances_among(as_tensor_argument(input).contiguous(), float(to_number("p", 2, p)))


# -- no longer than --------------------------------------------------------------------------------------------------


def _dims_but(ndim, dim):
    return tuple(d for d in range(ndim) if d != dim % ndim)


def _renorm_slope(g, input, p, dim, maxnorm):
    dims = _dims_but(input.ndim, dim)
    length = vector_norm_of(input, p, dims, True)
    along = norm_slope((input * g).sum(dims, True), input, length, p, dims, True)
    inverse = (length + 1e-7).reciprocal()
    return where(length > maxnorm, maxnorm * inverse * (g - inverse * along), g)


@op(
    input=lambda g, input, p, dim, maxnorm: _renorm_slope(g, input, p, dim, maxnorm),
    in_place=True,
    strict_out=EXPECTED_OUT,
    apart=(),
)
def renorm(input, p, dim, maxnorm):
    """The slices of a dimension, those with a longer p-norm than `maxnorm` brought to that length."""
    p, dim, maxnorm = to_number("p", 2, p), to_int("dim", 3, dim), to_number("maxnorm", 4, maxnorm)
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    dim = wrap_dim(dim, input.ndim)
    if input.dtype.kind != "f":
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {name_of(input)}"
        )
    wide = input.astype(np.float32) if input.dtype == np.float16 else input
    length = p_norm(wide, p, _dims_but(input.ndim, dim), True)
    factor = np.where(length > maxnorm, wide.dtype.type(maxnorm) / (length + wide.dtype.type(1e-7)), 1)
    return np.array(wide * factor.astype(wide.dtype), input.dtype, order="C")
