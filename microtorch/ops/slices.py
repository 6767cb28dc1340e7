"""Whole slices written to the indices of a dimension: index_add, index_fill, index_copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, kernels, storage
from ..arguments import fit, to_int, to_number
from ..casting import cast
from ..op import composite, only_method, op
from ..tensor import Tensor, wrap, wrap_dim, wrap_real_dim
from .arithmetic import name_of, scaled
from .gathering import check_indices, check_places, flat_slices
from .reduction import EXPECTED_OUT
from .scattering import change


def _along(dim: int, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * dim + (index,)


def check_slices(name, input, dim, index, source):
    """Whether `source` has a slice like those of `input` for every index of a vector."""
    if index.ndim > 1:
        raise IndexError(
            f"{name}_(): Index is supposed to be a vector, but got dim: {index.ndim} with type: {name_of(index)} and size: "
            f"{list(index.shape)}"
        )
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}_(): Expected dtype int32/int64 for index but got: {name_of(index)}")
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"{name}_(): self ({name_of(input)}) and source ({name_of(source)}) must have the same scalar type"
        )
    if dim and dim >= source.ndim:
        raise RuntimeError(
            f"{name}_(): Indexing dim {dim} is out of bounds of the source tensor with dim {source.ndim}"
        )
    count = source.shape[dim] if source.ndim else 1
    if index.size != count:
        wrap_real_dim(dim, source.ndim)  # as torch, which names the length of that dimension
        raise RuntimeError(
            f"{name}_(): Number of indices ({index.size}) should be equal to source.size(dim): ({count}), for dim: {dim}"
        )
    both = input.ndim and source.ndim
    shapes = [[n for d, n in enumerate(a.shape) if d != dim or not both] for a in (input, source)]
    if shapes[0] != shapes[1]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(input.shape)} source.shape = {list(source.shape)}"
        )


def rounds(index):
    """Where the entries of a vector are found for the first time, the second time, and so on."""
    left = np.arange(index.size)
    while left.size:
        first = np.unique(index[left], return_index=True)[1]
        yield left[first]
        left = np.delete(left, first)


@op(
    input=lambda g: g,
    index=None,
    source=lambda g, dim, index, source_shape, alpha: scaled(_selected(g, dim, index, source_shape), alpha),
    hides="source_sym_sizes",
    in_place=True,
    strict_out=EXPECTED_OUT,
    apart=("index", "source"),
)
def index_add(input, dim, index, source, *, alpha=1):
    """A copy with the slices of `source`, times alpha, added at the indices of a vector, one after the other in order."""
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    check_slices("index_add", input, dim, index, source)
    if not input.size and input.ndim > 1:
        return input.copy()
    if input.ndim < 2:
        check_indices(input, dim, index)
    else:
        check_places(input, dim, index)
    step = input.dtype == np.float16 and input.ndim < 2  # then every sum is rounded, else the last one
    result = np.array(input, np.float32 if input.dtype == np.float16 else None, order="C")
    target = result.reshape(1) if not input.ndim else result
    index = index.reshape(-1)
    source = source.reshape(_slices_shape(target, dim, index)).astype(result.dtype, copy=False)
    if alpha == 1 and not step:
        np.add.at(target.reshape(-1), flat_slices(target.shape, dim, index), source.reshape(-1))
    else:  # each time a sum of its own, and rounded as such
        scale = fit(alpha, dtypes.FROM_NUMPY[result.dtype])
        for part in rounds(index):
            at, of = _along(dim, index[part]), _along(dim, part)
            target[at] = cast(kernels.add_scaled(target[at], source[of], scale), input.dtype)
    return cast(result, input.dtype)


def _selected(g, dim, index, source_shape):
    """The slices of a gradient that go to those of the source."""
    return g.index_select(dim, index).expand(source_shape) if source_shape else g.index_select(dim, index.squeeze(0))


def check_filled(input, dim, index):
    size = input.shape[dim] if input.ndim else 1
    outside = (index < -size) | (index >= size)
    if outside.any():
        raise IndexError(f"index {index[outside].reshape(-1)[0]} is out of bounds for dimension {dim} with size {size}")


def _index_filled(input, dim, index, number):
    """A copy with one number in the slices at the indices of a vector."""
    dim = to_int("dim", 2, dim)
    if index.dtype != np.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    dim = wrap_dim(dim, input.ndim)
    if index.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    check_filled(input, dim, index)
    result = storage.copy(input)
    if input.ndim:
        result[_along(dim, index.reshape(-1))] = number
    elif index.size:
        result[...] = number
    return result


@op(
    input=lambda g, dim, index: g.index_fill(dim, index, 0),
    index=None,
    node="IndexFillBackward0",
    in_place=True,
    out=False,
    public=False,
    apart=("index",),
    writes_expanded=True,
)
def index_fill_number(input, dim, index, value):
    """A copy with one number in the slices at the indices of a vector."""
    return _index_filled(input, dim, index, fit(value, dtypes.FROM_NUMPY[input.dtype]))


@op(
    input=lambda g, dim, index: g.index_fill(dim, index, 0),
    index=None,
    value=lambda g, dim, index: g.index_select(dim, wrap(np.unique(index._array))).sum(),
    node="IndexFillBackward1",
    in_place=True,
    out=False,
    public=False,
    apart=("index",),
    unchecked=("value",),
    writes_expanded=True,
)
def index_fill_tensor(input, dim, index, value):
    """A copy with the value of a tensor without dimensions in the slices at the indices of a vector."""
    if value.ndim:
        raise RuntimeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    return _index_filled(input, dim, index, cast(value, input.dtype))


@composite
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy with one value, a number or a tensor without dimensions, in the slices at the indices of a vector."""
    if isinstance(value, Tensor):
        return index_fill_tensor(input, dim, index, value)
    return index_fill_number(input, dim, index, to_number("value", 4, value))


@only_method
def index_fill_(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Write one value into the slices at the indices of a vector."""
    kind, given = ("tensor", value) if isinstance(value, Tensor) else ("number", to_number("value", 4, value))
    return change(f"index_fill_{kind}", "index_fill_", self, dim, index, given)


def _slices_shape(input, dim, index):
    return (*input.shape[:dim], index.size, *input.shape[dim + 1 :])


@op(
    input=lambda g, dim, index: g.index_fill(dim, index, 0),
    index=None,
    source=lambda g, dim, index, source_shape: _selected(g, dim, index, source_shape),
    hides="source_sym_sizes",
    in_place=True,
    strict_out=EXPECTED_OUT,
    apart=("index", "source"),
)
def index_copy(input, dim, index, source):
    """A copy with the slices of `source` in the place of those at the indices of a vector."""
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    if index.ndim >= 2:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})")
    if source.ndim == 0 and index.size != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {index.size})")
    if source.ndim != input.ndim and source.ndim and input.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality "
            f"({source.ndim}), destination dimensionality ({input.ndim})"
        )
    if index.dtype != np.int64:
        raise RuntimeError("index_copy_(): Expected a long tensor for index, but got " + name_of(index))
    if input.dtype != source.dtype:
        raise RuntimeError(
            f"index_copy_(): self and source expected to have the same dtype, but got (self) {name_of(input)} and (source) "
            f"{name_of(source)}"
        )
    into = [n for d, n in enumerate(input.shape) if d != dim]
    of = [n for d, n in enumerate(source.shape) if d != dim]
    if into != of:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join(map(str, into))} at dimension {dim} and source slice shape: {' '.join(map(str, of))} at dimension 0."
        )
    count = source.shape[dim] if source.ndim else 1
    if index.size != count:
        raise IndexError(
            f"index_copy_(): Number of indices ({index.size}) should be equal to source.size(dim) ({count})"
        )
    size = input.shape[dim] if input.ndim else 1
    for place in index.reshape(-1).tolist():
        if not 0 <= place < size:
            raise IndexError(f"index_copy_(): index {place} is out of bounds for dimension {dim} with size {size}")
    result = input.copy()
    if not input.ndim:
        result[...] = source.reshape(())
        return result
    result[_along(dim, index.reshape(-1))] = source.reshape(_slices_shape(input, dim, index))
    return result
