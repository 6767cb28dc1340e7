"""The elements of one tensor in another order, repeated, or partly replaced by zeros."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import called, is_int, no_overload, to_int, to_ints
from ..memory import check_cast
from ..op import as_several, compose_into, composite, not_implemented, only_function, only_method, op
from ..tensor import Tensor, wrap, wrap_dim
from ..types import contiguous_format
from .copies import diagonal_copy
from .creation import check_shape, finish, options
from .parts import diagonal_backward, diagonal_window
from .reduction import EXPECTED_OUT
from .shape import as_tensor_argument as _tensor

# -- repeated ----------------------------------------------------------------------------------------------------------


@op(input=lambda g, input_shape, repeats: _repeat_backward(g, input_shape, repeats), out=False, public="method")
def repeat(input, repeats):
    """Copies of the whole laid side by side, so many times along each dimension."""
    repeats = to_ints("repeats", 2, repeats)
    if len(repeats) < input.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    shape = [n * times for n, times in zip((1,) * (len(repeats) - input.ndim) + input.shape, repeats, strict=True)]
    check_shape(shape)
    return np.array(np.tile(input, repeats), order="C")


def _repeat_backward(g, input_shape, repeats):
    """The sum over all copies."""
    repeats = to_ints("repeats", 2, repeats)
    if 0 in repeats:
        return g.new_zeros(input_shape)
    lead = len(repeats) - len(input_shape)
    for _ in range(lead):
        g = g.sum(0)
    shape: list[int] = []
    copies: list[int] = []
    for n, times in zip(input_shape, repeats[lead:], strict=True):
        if times != 1:
            copies.append(len(shape))
            shape.append(times)
        shape.append(n)
    return g.reshape(shape).sum(copies) if copies else g


@composite
def tile(input: Tensor, dims: Any) -> Tensor:
    """`repeat`, with 1 for the first dimensions where `dims` is shorter than the shape."""
    dims = to_ints("dims", 2, dims)
    return repeat(_tensor(input), (1,) * (input.ndim - len(dims)) + dims)


@composite
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Every element (or slice along `dim`) so many times in a row; given counts alone, the indices that do it."""
    if repeats is None and called()[1] == 1:
        return _repeated_indices(input, output_size)
    if not (is_int(repeats) or isinstance(repeats, Tensor)) or not (dim is None or is_int(dim)):
        raise no_overload()
    if not isinstance(repeats, Tensor):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        return _repeat_evenly(input, repeats, dim)
    if dim is None:
        input, dim = input.flatten(), 0
    size = input._array.shape[wrap_dim(dim, input.ndim)] if input.ndim else 1
    if repeats.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if repeats.ndim == 0 or repeats.numel() == 1:
        repeats = repeats.reshape(1).expand(size)
    elif repeats.numel() != size:
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {repeats.numel()} and "
            f"input.size({wrap_dim(dim, input.ndim)}) = {size}"
        )
    return input.index_select(dim, _repeated_indices(repeats, output_size))


def _repeat_evenly(input: Tensor, repeats: int, dim: int | None) -> Tensor:
    if dim is None:
        input, dim = input.flatten(), 0
    dim = wrap_dim(to_int("dim", 3, dim), input.ndim)
    wide = input.unsqueeze(dim + 1)
    copied = wide.expand([*wide.shape[: dim + 1], repeats, *wide.shape[dim + 2 :]]).clone(
        memory_format=contiguous_format
    )
    return copied.view([*copied.shape[:dim], copied.shape[dim] * repeats, *copied.shape[dim + 2 :]])


def _repeated_indices(repeats: Tensor, output_size: int | None) -> Tensor:
    counts = repeats._array
    if counts.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if counts.dtype.kind != "i" or counts.dtype.itemsize < 4:
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{repeats.dtype.legacy_name}'")
    if (counts < 0).any():
        raise RuntimeError("repeats can not be negative")
    if output_size is not None and output_size != counts.sum():
        raise RuntimeError("allocated size does not match required size")
    return wrap(np.repeat(np.arange(counts.size, dtype=counts.dtype), counts))


# -- turned and moved --------------------------------------------------------------------------------------------------


def unique_dims(dims, ndim):
    """Dimensions counted from the front, none of them twice."""
    found = [wrap_dim(d, ndim) for d in dims]
    for i, d in enumerate(found):
        if d in found[:i]:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return tuple(found)


@op(input=lambda g, dims: flip(g, dims), out=False)
def flip(input, dims):
    """The order of the indices reversed along some dimensions."""
    dims = unique_dims(to_ints("dims", 2, dims), input.ndim)
    result = storage.empty_like(input)
    result[...] = np.flip(input, dims) if input.ndim else input
    return result


@composite
def fliplr(input: Tensor) -> Tensor:
    """The order of the columns reversed."""
    if _tensor(input).ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


@composite
def flipud(input: Tensor) -> Tensor:
    """The order of the rows reversed."""
    if _tensor(input).ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


@op(
    input=lambda g, shifts, dims: roll(g, _negated(shifts), dims),
    shows={"shifts": lambda shifts: as_several(shifts), "dims": lambda dims: as_several(dims)},
    out=False,
)
def roll(input, shifts, dims=()):
    """Elements moved along dimensions, those that leave at one end coming back at the other; without `dims` as one row."""
    shifts, dims = to_ints("shifts", 2, shifts, or_one=True), to_ints("dims", 3, dims, or_one=True)
    if not shifts:
        raise RuntimeError("`shifts` required")
    if len(shifts) != len(dims) and not (len(shifts) == 1 and not dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not dims:
        return storage.in_order(np.roll(input.reshape(-1), shifts[0]).reshape(input.shape))
    axes = [wrap_dim(d, input.ndim) for d in dims]
    return storage.in_order(np.roll(input, shifts, axes)) if input.ndim else input.copy()


def _negated(shifts):
    return tuple([-s for s in to_ints("shifts", 2, shifts, or_one=True)])


@op(input=lambda g, k, dims: rot90(g, -k, dims), node="Rot90Backward0", out=False)
def rot90(input, k=1, dims=(0, 1)):
    """A quarter turn, `k` times, in the plane of two dimensions, from the first towards the second."""
    dims = to_ints("dims", 3, dims)
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == input.ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    a, b = (wrap_dim(d, input.ndim) for d in dims)
    if k % 4 == 0:
        return input.copy()
    if k % 4 == 2:
        result = storage.empty_like(input)
        result[...] = np.flip(input, (a, b))
        return result
    result = storage.empty_like(input)
    result[...] = np.flip(input, b if k % 4 == 1 else a)
    return result.swapaxes(a, b)


# -- triangles and diagonals -------------------------------------------------------------------------------------------


@op(input=lambda g, diagonal: tril(g, diagonal), in_place=True, strict_out=EXPECTED_OUT)
def tril(input, diagonal=0):
    """The lower triangle of matrices, zeros above the diagonal that lies `diagonal` above the main one."""
    return _triangle("tril", np.tril, input, diagonal)


@op(input=lambda g, diagonal: triu(g, diagonal), in_place=True, strict_out=EXPECTED_OUT)
def triu(input, diagonal=0):
    """The upper triangle of matrices, zeros below the diagonal that lies `diagonal` above the main one."""
    return _triangle("triu", np.triu, input, diagonal)


def _triangle(name, function, input, diagonal):
    diagonal = to_int("diagonal", 2, diagonal)
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    return np.array(function(input, diagonal), order="C")


def _triangle_indices(name, row, col, offset, dtype, device, layout):
    row, col, offset = to_int("row", 1, row), to_int("col", 2, col), to_int("offset", 3, offset)
    chosen = options(name, dtype, device, layout) or dtypes.int64
    for what, count in (("row", row), ("col", col)):
        if count < 0:
            raise RuntimeError(f"{what} must be non-negative, got{count}")
    indices = (np.tril_indices if name == "tril_indices" else np.triu_indices)(row, offset, col)
    return finish(np.array(indices, chosen.numpy))


@only_function
def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """Rows and columns of the elements of a lower triangle."""
    return _triangle_indices("tril_indices", row, col, offset, dtype, device, layout)


@only_function
def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """Rows and columns of the elements of an upper triangle."""
    return _triangle_indices("triu_indices", row, col, offset, dtype, device, layout)


@op(input=lambda g, input_shape: _trace_backward(g, input_shape), out=False)
def trace(input):
    """The sum of the elements on the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    if input.dtype.kind == "b":
        raise not_implemented("trace", dtypes.bool_)
    elements = np.diagonal(input)
    if input.dtype.kind != "f":
        return np.asarray(elements.astype(np.int64).sum())
    wide = np.float32 if input.dtype == np.float16 else np.float64 if input.dtype == np.float32 else input.dtype
    total = np.add.accumulate(np.concatenate([np.zeros(1, wide), elements.astype(wide)]))[-1]
    return np.asarray(total).astype(input.dtype)


def _trace_backward(g, input_shape):
    zeros = g.new_zeros(math.prod(input_shape))
    places = wrap(np.arange(0, zeros.numel(), input_shape[1] + 1))
    return zeros.index_fill(0, places[: min(input_shape)], g).view(input_shape)


def _diagonal_backward(g, input_shape, offset):
    return diagonal_backward(g, input_shape, offset, 0, 1)


@op(input=lambda g, offset, dim1, dim2: g.diagonal(offset, dim1, dim2), out=False)
def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Matrices, zero but for a diagonal that is the last dimension of the input."""
    offset, a, b = to_int("offset", 2, offset), to_int("dim1", 3, dim1), to_int("dim2", 4, dim2)
    ndim = input.ndim + 1
    a, b = wrap_dim(a, ndim), wrap_dim(b, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    length = input.shape[-1] + abs(offset)
    shape = list(input.shape[:-1])
    for dim in sorted((a, b)):
        shape.insert(dim, length)
    result = np.zeros(shape, input.dtype)
    diagonal_window(result, offset, a, b)[...] = input
    return result


@composite
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements in order on a diagonal."""
    return diag_embed(_tensor(input).contiguous().view(-1), to_int("offset", 2, offset))


@composite
def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Of a vector the matrix with this diagonal; of a matrix a copy of its diagonal."""
    _tensor(input)
    diagonal = to_int("diagonal", 2, diagonal)
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    make = diag_embed if input.ndim == 1 else diagonal_copy
    if out is not None:
        if isinstance(out, Tensor) and input.ndim == 1:
            words = "diag: result type {0} can't be cast to the desired out= type {1}"
            check_cast(input._array.dtype, out._array.dtype, words)
        return compose_into(out, "diag", make, input, diagonal, strict=EXPECTED_OUT)
    return make(input, diagonal)


@only_method
def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """A number put on the main diagonal, where all indices are equal."""
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if wrap:
        raise NotImplementedError("microtorch does not have fill_diagonal_(wrap=True)")
    if self.ndim > 2 and len(set(self._array.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    window = self.as_strided((min(self._array.shape),), (sum(self.stride()),))
    window.fill_(fill_value)
    return self
