"""Products of other kinds: chains of matrices, Kronecker's, the cross product, sums of batches, blocks."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .. import dtypes, kernels
from ..arguments import to_int
from ..casting import cast
from ..op import compose_into, composite, not_implemented, only_function, op, unpublished
from ..settings import warn_once
from ..tensor import Tensor, wrap_real_dim
from .arithmetic import mul, name_of, scaled
from .expanding import common_shape
from .linalg import IN_PLACE, bmm, check_expandable, mm, no_bool, vdot
from .reduction import EXPECTED_OUT, sum
from .shape import as_tensor_argument, unsafe_view

# -- chains of matrices ------------------------------------------------------------------------------------------------


def _check_chain(tensors: Sequence[Tensor]) -> None:
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for name, tensor in (("first", tensors[0]), ("last", tensors[-1])):
        if tensor.ndim not in (1, 2):
            raise RuntimeError(f"multi_dot(): the {name} tensor must be 1D or 2D but got {tensor.ndim}D")
    for i, tensor in enumerate(tensors[1:-1], 1):
        if tensor.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {tensor.ndim}D")
    for i, tensor in enumerate(tensors):
        if tensor.dtype is not tensors[0].dtype:
            raise RuntimeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {tensors[0].dtype.cpp_name} and "
                f"tensor {i} {tensor.dtype.cpp_name}"
            )


def _multiplied(tensors: Sequence[Tensor]) -> Tensor:
    _check_chain(tensors)
    chain = list(tensors)
    shape = []
    if chain[0].ndim == 1:
        chain[0] = chain[0].unsqueeze(0)
    else:
        shape.append(chain[0].shape[0])
    if chain[-1].ndim == 1:
        chain[-1] = chain[-1].unsqueeze(-1)
    else:
        shape.append(chain[-1].shape[1])
    for i, (a, b) in enumerate(pairwise(chain)):
        if a.shape[1] != b.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {list(tensors[i].shape)} and "
                f"{list(tensors[i + 1].shape)} cannot be multiplied"
            )
    sizes = [chain[0].shape[0], *[matrix.shape[1] for matrix in chain]]
    late = len(chain) == 3  # of two ways to multiply three matrices that cost the same, torch takes (a·b)·c

    @functools.cache
    def cheapest(first: int, last: int) -> tuple[int, int]:
        """The number of multiplications for a part of the chain, and after which matrix it is best cut."""
        if first == last:
            return 0, first
        cuts = range(first, last)
        costs = [
            (cheapest(first, k)[0] + cheapest(k + 1, last)[0] + sizes[first] * sizes[k + 1] * sizes[last + 1], k)
            for k in cuts
        ]
        return min(costs, key=lambda cost: (cost[0], -cost[1] if late else cost[1]))

    def product(first: int, last: int) -> Tensor:
        if first == last:
            return chain[first]
        cut = cheapest(first, last)[1]
        return mm(product(first, cut), product(cut + 1, last))

    return product(0, len(chain) - 1).view(shape)


@unpublished
def linalg_multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The product of two or more matrices in the order that costs least; the first and the last may be vectors."""
    from .joining import tensors_in

    given = tensors_in(tensors)
    if out is not None:
        return compose_into(out, "linalg_multi_dot", _multiplied, given, strict=OF_CHAIN)
    return _multiplied(given)


OF_CHAIN = "multi_dot(): expected out tensor to have dtype {2} but got {3}"


@only_function
def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """An older name of `linalg.multi_dot`, for one matrix and more."""
    from .joining import tensors_in

    given = tensors_in(matrices)
    warn_once(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot "
        "instead, which accepts a list of two or more tensors rather than multiple parameters."
    )
    for matrix in given:
        if matrix.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {matrix.ndim}, expected 2 instead.")
    if not given:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    if out is not None:
        return compose_into(out, "chain_matmul", _multiplied, given, strict=OF_CHAIN)
    return given[0].clone() if len(given) == 1 else _multiplied(given)


# -- vectors -----------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, other, dim: cross_product(other, g, dim),
    other=lambda g, input, dim: cross_product(g, input, dim),
    called="linalg_cross",
    node="LinalgCrossBackward0",
    strict_out=EXPECTED_OUT,
    public=False,
    apart=("input", "other"),
)
def cross_product(input, other, dim):
    """x × y along a dimension of length 3."""
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    axis = wrap_real_dim(dim, input.ndim)
    if input.shape[axis] != 3 or other.shape[axis] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[axis]} and {other.shape[axis]}"
        )
    shape = common_shape(input.shape, other.shape)
    if input.dtype == bool:
        raise not_implemented("cross", dtypes.bool_)
    if input.dtype is not other.dtype:
        raise RuntimeError(f"expected scalar type {name_of(input)} but found {name_of(other)}")
    x, y = (np.moveaxis(np.broadcast_to(a, shape), axis, 0) for a in (input, other))
    result = np.empty(shape, input.dtype)
    into = np.moveaxis(result, axis, 0)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        into[i] = x[j] * y[k] - x[k] * y[j]
    return result


@unpublished
def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The cross product x × y along a dimension of length 3; the other dimensions broadcast."""
    as_tensor_argument(other, "other", 2)
    return cross_product(as_tensor_argument(input), other, to_int("dim", 0, dim), out=out)


@composite
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """`linalg.cross`, by default along the first dimension of length 3."""
    as_tensor_argument(input), as_tensor_argument(other, "other", 2)
    if dim is None:
        warn_once(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or "
            "simply use torch.linalg.cross.\nThe default value of dim will change to agree with that of linalg.cross in a "
            "future release."
        )
        if 3 not in input.shape:
            raise RuntimeError("no dimension of size 3 in input")
        dim = input.shape.index(3)
    return cross_product(input, other, to_int("dim", 3, dim), out=out)


@unpublished
def linalg_vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Σ xᵢyᵢ along a dimension; the others broadcast."""
    as_tensor_argument(x, "x"), as_tensor_argument(y, "y", 2)
    if not x.is_floating_point():
        raise RuntimeError(
            "linalg.vecdot: Expected a floating point or complex tensor as input. Got " + x.dtype.legacy_name
        )
    if x.dtype is not y.dtype:
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {x.dtype.legacy_name} and y of "
            f"type {y.dtype.legacy_name} instead"
        )
    if x.ndim == y.ndim == 1:
        return vdot(x, y, out=out)
    return sum(x * y, dim, out=out)


# -- products with more elements than their factors --------------------------------------------------------------------


@composite
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Kronecker's product: every element of the first tensor times the whole second one."""
    as_tensor_argument(input), as_tensor_argument(other, "other", 2)
    if out is not None:
        return compose_into(out, "kron", kron, input, other)
    ndim = max(input.ndim, other.ndim)
    rows, columns = ((1,) * (ndim - t.ndim) + tuple(t.shape) for t in (input, other))
    spread = unsafe_view(input, [n for size in rows for n in (size, 1)])
    repeated = unsafe_view(other, [n for size in columns for n in (1, size)])
    return unsafe_view(mul(spread, repeated), [m * n for m, n in zip(rows, columns, strict=True)])


@op(
    tensors=lambda g, tensors_shape, tensors_dtype: _blocks_cut(g, tensors_shape, tensors_dtype),
    node="BlockDiagBackward0",
    out=False,
    public=False,
)
def blocks(tensors):
    """Matrices along the diagonal of a larger one, zeros elsewhere."""
    for i, array in enumerate(tensors):
        if array.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {array.ndim} dimensions"
            )
    if not tensors:
        return np.zeros((1, 0), dtypes.get_default_dtype().numpy)
    common = functools.reduce(dtypes.promote_types, [dtypes.FROM_NUMPY[a.dtype] for a in tensors]).numpy
    matrices = [np.atleast_2d(cast(array, common)) for array in tensors]
    result = np.zeros([int(np.sum([m.shape[d] for m in matrices])) for d in (0, 1)], common)
    row = column = 0
    for matrix in matrices:
        height, width = matrix.shape
        result[row : row + height, column : column + width] = matrix
        row, column = row + height, column + width
    return result


def _blocks_cut(g, shapes, kinds):
    row = column = 0
    found = []
    for shape in shapes:
        height, width = (1,) * (2 - len(shape)) + tuple(shape)
        part = g.narrow(0, row, height).narrow(1, column, width)
        for _ in range(2 - len(shape)):
            part = part.squeeze(-1)
        found.append(part)
        row, column = row + height, column + width
    return found


@only_function
def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices along the diagonal of a larger one, zeros elsewhere; vectors and numbers count as rows."""
    from .joining import tensors_in

    return blocks(tensors_in(tensors))


# -- sums of products --------------------------------------------------------------------------------------------------


def _check_addbmm(a, b):
    for i, batch in enumerate((a, b), 1):
        if batch.ndim != 3:
            raise RuntimeError(f"batch{i} must be a 3D tensor")
    if a.shape[0] != b.shape[0]:
        raise RuntimeError(f"batch1 and batch2 must have same number of batches, got {a.shape[0]} and {b.shape[0]}")
    if a.shape[2] != b.shape[1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for bmm ({a.shape[1]}x{a.shape[2]} and {b.shape[1]}x{b.shape[2]})"
        )


def _in_every_batch(g, batch1_shape):
    return g.unsqueeze(0).expand((batch1_shape[0], *g.shape))


@op(
    input=lambda g, beta: scaled(g, beta),
    batch1=lambda g, batch1_shape, batch2, alpha: scaled(
        bmm(_in_every_batch(g, batch1_shape), batch2.transpose(1, 2)), alpha
    ),
    batch2=lambda g, batch1, alpha: scaled(bmm(batch1.transpose(1, 2), _in_every_batch(g, batch1.shape)), alpha),
    shows={
        "batch1_sym_argsize_0": lambda batch1_shape: batch1_shape[0],
        "batch1_sym_argsize_1": lambda batch1_shape: batch1_shape[1],
        "batch2_sym_argsize_2": lambda batch2_shape: batch2_shape[2],
    },
    in_place=True,
    shape_error=IN_PLACE,
    strict_out="self and mat2 must have the same dtype, but got {1} and {0}",
    unchecked=("batch1", "batch2"),
)
def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta·x + alpha·Σ of the products of corresponding matrices of two batches; x broadcasts."""
    _check_addbmm(batch1, batch2)
    check_expandable(input, (batch1.shape[1], batch2.shape[2]))
    for array in (batch1, batch2):
        if array.dtype is not input.dtype:
            raise RuntimeError(f"self and mat2 must have the same dtype, but got {name_of(input)} and {name_of(array)}")
    no_bool("addmm_impl_cpu_", batch1, batch2)
    total = np.broadcast_to(input, (batch1.shape[1], batch2.shape[2]))
    for a, b in zip(batch1, batch2, strict=True):  # each added to what the last one left
        total = kernels.scaled_sum(total, kernels.matmul(a, b), beta, alpha)
        beta = 1
    return np.array(total if len(batch1) else kernels.scaled_sum(total, np.zeros_like(total), beta, alpha))
