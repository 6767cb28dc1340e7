"""Products of matrices and vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..op import (
    MEANINGS,
    PROMOTE,
    broadcast_error,
    compose_into,
    composite,
    not_implemented,
    op,
    requires_grad,
    unpublished,
)
from ..settings import warn_once
from ..tensor import Tensor, wrap, wrap_dim
from .arithmetic import check_factor, mul, name_of, require_tensor, scaled
from .expanding import broadcast
from .order import t
from .reduction import EXPECTED_OUT
from .shape import unsafe_view, unsqueeze_to, view_in_shape

# -- what torch refuses ------------------------------------------------------------------------------------------------


def _check_matrices(name_a, name_b, a, b):
    for name, matrix in ((name_a, a), (name_b, b)):
        if matrix.ndim != 2:
            raise RuntimeError(
                f"{name} must be a matrix" + (f", got {matrix.ndim}-D tensor" if name_a == "mat1" else "")
            )


def _check_inner(a, b):
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]})"
        )


def _fit(a, b):
    """Whether two matrices of floating point numbers can be multiplied as they are."""
    dtype = a.dtype
    return b.dtype is dtype and dtype.kind == "f" and b.ndim == 2 and a.shape[1:] == (len(b),)


def check_expandable(x, shape):
    """What a sum of matrices says of a first term that does not broadcast to the product."""
    if x.ndim > len(shape):
        broadcast(x, shape)
    for back in range(1, x.ndim + 1):
        have, wanted = x.shape[-back], shape[-back]
        if have not in (1, wanted):
            raise RuntimeError(
                f"The expanded size of the tensor ({wanted}) must match the existing size ({have}) at non-singleton "
                f"dimension {len(shape) - back}.  Target sizes: {list(shape)}.  Tensor sizes: {list(x.shape)}"
            )


def no_bool(kernel, x, *also):
    """Refuse bools, but where there is nothing to multiply."""
    if x.dtype == bool and x.size and all(a.size for a in also):
        raise not_implemented(kernel, dtypes.bool_)


def _no_bool_sum(x, size):
    """Where there is nothing to multiply, torch multiplies x by beta, which makes an integer of a bool."""
    if x.dtype == bool and size:
        raise RuntimeError("result type Long can't be cast to the desired output type Bool")


IN_PLACE = "Bad in-place call: input tensor size {0} and output tensor size {1} should match"
OF_VECTORS = "result dtype {1} does not match input dtype {0}"
OF_MV = "addmv input tensors must have the same dtype, but got {1}, {0}, and {0}"


# -- matrix times matrix -----------------------------------------------------------------------------------------------


def _left_slope(g, mat2, transposed, alpha=1):
    """The gradient g·Bᵀ of the left factor, laid out as the factor is."""
    if transposed:
        return scaled(t(mm(mat2, t(g))), alpha)
    return scaled(mm(g, t(mat2)), alpha)


def _right_slope(g, mat1, transposed, alpha=1):
    """The gradient Aᵀ·g of the right factor, laid out as the factor is."""
    if transposed:
        return scaled(t(mm(t(g), mat1)), alpha)
    return scaled(mm(t(mat1), g), alpha)


@op(
    input=lambda g, mat2, input_transposed: _left_slope(g, mat2, input_transposed),
    mat2=lambda g, input, mat2_transposed: _right_slope(g, input, mat2_transposed),
    strict_out=EXPECTED_OUT,
)
def mm(input, mat2):
    """Matrix product (n×k)·(k×m)."""
    if _fit(input, mat2):
        return kernels.dot(input, mat2)
    _check_matrices("self", "mat2", input, mat2)
    _check_inner(input, mat2)
    if input.dtype is not mat2.dtype:
        a, b = (dtypes.FROM_NUMPY[x.dtype].cpp_name for x in (input, mat2))
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {a} != {b}")
    no_bool("addmm_impl_cpu_", input, mat2)
    return kernels.matmul(input, mat2)


MEANINGS[mm] = lambda input, mat2: kernels.dot(input, mat2)  # in the formulas they fit


def _check_addmm_in_place(input, mat1, mat2):
    a, b = mat1._array, mat2._array
    _check_matrices("mat1", "mat2", a, b)
    _check_inner(a, b)
    shape = (a.shape[0], b.shape[1])
    if input._array.shape != shape:
        raise RuntimeError(IN_PLACE.format(list(input.shape), list(shape)))


@op(
    input=lambda g, beta: scaled(g, beta),
    mat1=lambda g, mat2, mat1_transposed, alpha: _left_slope(g, mat2, mat1_transposed, alpha),
    mat2=lambda g, mat1, mat2_transposed, alpha: _right_slope(g, mat1, mat2_transposed, alpha),
    in_place=True,
    check_in_place=_check_addmm_in_place,
    strict_out=EXPECTED_OUT,
    apart=(),
    unchecked=("mat1", "mat2"),
    expanded=("input",),
)
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta·x + alpha·(mat1 @ mat2); x broadcasts."""
    if _fit(mat1, mat2) and input.dtype is mat1.dtype and input.shape == mat2.shape[1:]:
        return kernels.addmm(input, mat1, mat2, beta, alpha)
    _check_matrices("mat1", "mat2", mat1, mat2)
    _check_inner(mat1, mat2)
    check_expandable(input, (mat1.shape[0], mat2.shape[1]))
    if not input.dtype is mat1.dtype is mat2.dtype:
        first, second = (
            (("self", input), ("mat2", mat2)) if input.dtype is not mat2.dtype else (("mat1", mat1), ("mat2", mat2))
        )
        raise RuntimeError(
            f"{first[0]} and {second[0]} must have the same dtype, but got {name_of(first[1])} and {name_of(second[1])}"
        )
    if input.dtype.kind != "f":
        no_bool("addmm_impl_cpu_", mat1, mat2)
        _no_bool_sum(input, mat1.shape[0] * mat2.shape[1])
        return kernels.scaled_sum(input, kernels.matmul(mat1, mat2), beta, alpha)
    return kernels.addmm(input, mat1, mat2, beta, alpha)


# -- vectors -----------------------------------------------------------------------------------------------------------


def _check_vectors(a, b):
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.dtype is not b.dtype:
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {name_of(a)} and {name_of(b)}")
    if a.size != b.size:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{a.size}] and src [{b.size}] to have the same number of "
            f"elements, but got {a.size} and {b.size} elements respectively"
        )
    if a.dtype == bool:
        raise not_implemented("dot", dtypes.bool_)


@op(
    input=lambda g, tensor: g * tensor,
    tensor=lambda g, input: g * input,
    strict_out=OF_VECTORS,
)
def dot(input, tensor):
    """The inner product Σ xᵢyᵢ of two vectors."""
    _check_vectors(input, tensor)
    return kernels.dot(input, tensor)


@op(
    input=lambda g, other: g * other,
    other=lambda g, input: g * input,
    strict_out=OF_VECTORS,
)
def vdot(input, other):
    """The inner product Σ xᵢyᵢ of two vectors."""
    _check_vectors(input, other)
    return kernels.dot(input, other)


@op(input=lambda g, vec: g.ger(vec), vec=lambda g, input: input.t().mv(g), strict_out=OF_MV)
def mv(input, vec):
    """A matrix times a vector."""
    _check_mv(None, input, vec)
    return kernels.dot(input, vec)


@op(
    input=lambda g, beta: scaled(g, beta),
    mat=lambda g, vec, alpha: scaled(g.ger(vec), alpha),
    vec=lambda g, mat, alpha: scaled(mat.t().mv(g), alpha),
    in_place=True,
    shape_error=IN_PLACE,
    strict_out=EXPECTED_OUT,
    apart=(),
    unchecked=("mat", "vec"),
    expanded=("input",),
)
def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta·x + alpha·(mat @ vec)."""
    _check_mv(input, mat, vec)
    return kernels.scaled_sum(input, kernels.dot(mat, vec), beta, alpha)


def _check_mv(x, mat, vec):
    dims = 1 if x is None else x.ndim
    if mat.ndim != 2 or vec.ndim != 1 or dims > 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {dims}, {mat.ndim}, {vec.ndim}")
    size = mat.shape[0] if x is None else x.size
    if mat.shape[1] != vec.size or size not in (1, mat.shape[0]):
        raise RuntimeError(f"size mismatch, got input ({size}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({vec.size})")
    first = vec if x is None else x
    if not first.dtype is mat.dtype is vec.dtype:
        raise RuntimeError(
            "addmv input tensors must have the same dtype, but got "
            f"{name_of(first)}, {name_of(mat)}, and {name_of(vec)}"
        )
    no_bool("addmv_impl_cpu", mat, vec)


def _check_outer(input, vec1, vec2):
    for i, vec in enumerate((vec1, vec2), 1):
        if vec.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument vec{i}, but got {vec.ndim}-D")


def _check_outer_in_place(input, vec1, vec2):
    _check_outer(input, vec1, vec2)
    if input.ndim != 2:
        raise RuntimeError(f"2D tensor expected, got {input.ndim}D tensor for input")
    if tuple(input.shape) != (vec1.numel(), vec2.numel()):
        raise RuntimeError(f"size mismatch, input: {list(input.shape)}, v1: {list(vec1.shape)}, v2: {list(vec2.shape)}")


@op(
    input=lambda g, beta: scaled(g, beta),
    vec1=lambda g, vec2, alpha: scaled(g.mv(vec2), alpha),
    vec2=lambda g, vec1, alpha: scaled(g.t().mv(vec1), alpha),
    promotion=PROMOTE,
    in_place=True,
    check_in_place=_check_outer_in_place,
    order=lambda input, vec1, vec2: (input, vec1.reshape(-1, 1), vec2),
    expanded=("input",),
)
def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta·x + alpha·(vec1 ⊗ vec2)."""
    _check_outer(input, vec1, vec2)
    check_expandable(input, (vec1.size, vec2.size))
    for factor in (beta, alpha):
        check_factor(factor, input)
    return kernels.scaled_sum(input, np.multiply.outer(vec1, vec2), beta, alpha)


@composite
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The outer product xᵢyⱼ of two vectors."""
    for name, vector in (("self", input), ("vec2", vec2)):
        if vector.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {vector.ndim}-D")
    return mul(input.reshape(-1, 1), vec2, out=out)


@composite
def ger(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """An older name of `outer`."""
    if out is not None:
        warn_once("torch.ger is deprecated and will be removed in a future PyTorch release. Use torch.outer instead.")
    return outer(input, vec2, out=out)


# -- batches -----------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, mat2: g.bmm(mat2.transpose(1, 2)),
    mat2=lambda g, input: input.transpose(1, 2).bmm(g),
    strict_out=EXPECTED_OUT,
)
def bmm(input, mat2):
    """The products of corresponding matrices of two batches."""
    _check_batches("bmm", input, mat2)
    return kernels.matmul(input, mat2)


@op(
    input=lambda g, beta: scaled(g, beta),
    batch1=lambda g, batch2, alpha: scaled(g.bmm(batch2.transpose(1, 2)), alpha),
    batch2=lambda g, batch1, alpha: scaled(batch1.transpose(1, 2).bmm(g), alpha),
    in_place=True,
    shape_error=IN_PLACE,
    strict_out=EXPECTED_OUT,
    apart=(),
    unchecked=("batch1", "batch2"),
    expanded=("input",),
)
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta·x + alpha·(the products of corresponding matrices of two batches); x broadcasts."""
    for batch, axis in ((batch1, 0), (batch1, 1), (batch2, 2)):
        wrap_dim(axis, batch.ndim)  # torch, too, looks at the sizes before it counts the dimensions
    check_expandable(input, (batch1.shape[0], batch1.shape[1], batch2.shape[2]))
    if input.dtype is not batch1.dtype:
        names = [dtypes.FROM_NUMPY[x.dtype].cpp_name for x in (input, batch1, batch2)]
        raise RuntimeError("Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}".format(*names))
    _check_batches("baddbmm", batch1, batch2)
    _no_bool_sum(input, batch1.shape[0] * batch1.shape[1] * batch2.shape[2])
    return kernels.scaled_sum(input, kernels.matmul(batch1, batch2), beta, alpha)


def _check_batches(name, a, b):
    for i, batch in enumerate((a, b), 1):
        if batch.ndim != 3:
            raise RuntimeError(f"batch{i} must be a 3D tensor")
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, {a.shape[2]}] but got: "
            f"[{b.shape[0]}, {b.shape[1]}]."
        )
    no_bool(name, a, b)
    if a.dtype is not b.dtype:
        raise RuntimeError(f"expected scalar type {name_of(a)} but found {name_of(b)}")


# -- the product for all dimensions ------------------------------------------------------------------------------------


@op(
    input=lambda g, input_shape, dim: unsqueeze_to(g, input_shape, dim),
    node="SqueezeBackward4",
    out=False,
    public=False,
)
def squeezed(input, dim):
    """A fresh result without a dimension of length 1: no view, as nothing else holds its memory."""
    return input.squeeze(dim)


@composite
def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of vectors, matrices, or batches of matrices, whose batch dimensions broadcast.

    A vector on the left counts as a row, on the right as a column, and the result lacks that dimension.
    """
    require_tensor("other", 2, other)
    if out is not None:
        dims = input.ndim, other.ndim
        words = OF_VECTORS if dims == (1, 1) else OF_MV if dims == (2, 1) else EXPECTED_OUT
        return compose_into(out, "matmul", matmul, input, other, strict=words)
    left, right = input.ndim, other.ndim
    if left == 2 and right == 2:
        return mm(input, other)
    if left == 0 or right == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {left}D and {right}D")
    if left == 1 and right == 1:
        return dot(input, other)
    if left == 2 and right == 1:
        return mv(input, other)
    if left == 1 and right == 2:
        return squeezed(mm(input.unsqueeze(0), other), 0)
    return _folded(input, other) if _can_fold(input, other) else _batched(input, other)


def _can_fold(a: Tensor, b: Tensor) -> bool:
    """Whether the batch of one side can be stacked into one matrix, the other side being a matrix or a vector."""
    larger, smaller = (a, b) if a.ndim >= b.ndim else (b.mT, a)
    if smaller.ndim > 2:
        return False
    if smaller.requires_grad:
        return True
    if a.ndim == 2:
        return False
    shape, stride = larger.shape, larger.stride()
    return larger.numel() == 0 or all(stride[i] == stride[i + 1] * shape[i + 1] for i in range(larger.ndim - 2))


def _folded(a: Tensor, b: Tensor) -> Tensor:
    swapped = b.ndim > a.ndim
    large = b.mT if swapped else a
    small = (a.t() if a.ndim == 2 else a) if swapped else b
    *shape, inner = large.shape
    flat = large.reshape(math.prod(shape), inner)
    if small.ndim == 1:
        return unsafe_view(flat.mv(small), shape)
    product = unsafe_view(flat.mm(small), [*shape, small.shape[1]])
    return product.mT.contiguous() if swapped else product


def _batched(a: Tensor, b: Tensor) -> Tensor:
    if a.ndim == 3 and b.ndim == 3 and a.shape[0] != b.shape[0]:
        if a.shape[0] == 1 and a.requires_grad:
            return matmul(a.squeeze(0), b)
        if b.shape[0] == 1 and b.requires_grad:
            return matmul(a, b.squeeze(0))
    n = a.shape[-2] if a.ndim > 1 else 1
    batch = _broadcast(a.shape[:-2], b.shape[:-2])
    number = math.prod(batch)
    left = a.expand(*batch, n, a.shape[-1]).reshape(number, n, a.shape[-1])
    if b.ndim == 1:
        right = b.expand(*batch, b.shape[0]).reshape(number, b.shape[0]).unsqueeze(2)
        return unsafe_view(left.bmm(right).squeeze(-1), [*batch, n])
    right = b.expand(*batch, *b.shape[-2:]).reshape(number, *b.shape[-2:])
    shape = [*batch, *([n] if a.ndim > 1 else []), b.shape[-1]]
    return unsafe_view(left.bmm(right), shape)


def _broadcast(a: Any, b: Any) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(a, b)
    except ValueError as error:
        raise broadcast_error(error, [np.empty(a), np.empty(b)]) from None


@unpublished
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x·Wᵀ + b over the last dimension of x: (…, in) → (…, out), with W (out, in) and b (out)."""
    try:
        x, w, b = input._array, weight._array, None if bias is None else bias._array
    except AttributeError:
        for position, (name, value) in enumerate((("input", input), ("weight", weight), ("bias", bias)), 1):
            require_tensor(name, position, value)
        raise
    if x.ndim == 2 and b is not None:
        return addmm(bias, input, t(weight))
    if x.ndim == 0 or w.ndim == 0:
        dims = f"{x.ndim}D and {w.ndim}D"
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {dims}")
    if b is None:
        return matmul(input, t(weight))
    if b.ndim == 1 and x.flags.c_contiguous:
        *batch, k = x.shape
        shape = (math.prod(batch), k)
        if requires_grad(input):
            rows = view_in_shape(input, shape)
        else:  # a view that only the graph will see needs no base
            rows = wrap(x.reshape(shape))
            rows._counter = input._counter
        flat = addmm(bias, rows, t(weight))
        return view_in_shape(flat, (*batch, flat._array.shape[1]))
    return matmul(input, t(weight)) + bias
