"""Views of parts: one slice, some slices, all slices, a diagonal, any window onto the memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import MISSING, is_int, no_overload, to_int, to_ints
from ..engine import mode
from ..op import MANY, REGISTRY, composite, only_function, only_method, op, requires_grad
from ..tensor import Tensor, wrap, wrap_dim
from .joining import cat, stack
from .shape import as_tensor_argument as _tensor

# -- one slice ---------------------------------------------------------------------------------------------------------


@op(input=lambda g, input_shape, dim, index: select_backward(g, input_shape, dim, index), view=True)
def select(input, dim, index):
    """The slice at one index of a dimension, which goes."""
    dim = dim if type(dim) is int else to_int("dim", 2, dim)
    index = index if type(index) is int else to_int("index", 3, index)
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, input.ndim)
    size = input.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    return input[(slice(None),) * dim + (index, ...)]


@op(grad_output=lambda g, dim, index: g.select(dim, index), out=False, public=False)
def select_backward(grad_output, input_sizes, dim, index):
    """Zeros with the gradient at one index of a dimension."""
    result = np.zeros(input_sizes, grad_output.dtype)
    result[(slice(None),) * wrap_dim(dim, len(input_sizes)) + (index,)] = grad_output
    return result


# -- some slices -------------------------------------------------------------------------------------------------------


@op(
    input=lambda g, input_shape, dim, start, end, step: slice_backward(g, input_shape, dim, start, end, step),
    node="SliceBackward0",
    view=True,
    public=False,
)
def slice_view(input, dim, start, end, step):
    """Every `step`-th index of a dimension from `start` to before `end`; bounds beyond the dimension are moved to it."""
    if input.ndim == 0:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    dim = dim if dim >= 0 else dim + input.ndim
    start, end, _ = slice(start, end, step).indices(input.shape[dim])
    if start < end:
        return input[(slice(None),) * dim + (slice(start, end, step),)]
    shape, strides = list(input.shape), list(storage.strides(input))
    begin = start * strides[dim]
    shape[dim], strides[dim] = 0, strides[dim] * step
    return storage.window(input, shape, strides, begin)


@op(grad_output=lambda g, dim, start, end, step: slice_view(g, dim, start, end, step), out=False, public=False)
def slice_backward(grad_output, input_sizes, dim, start, end, step):
    """Zeros with the gradient where the slice was taken."""
    result = np.zeros(input_sizes, grad_output.dtype)
    result[(slice(None),) * (dim % result.ndim) + (slice(start, end, step),)] = grad_output
    return result


@composite
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` indices of a dimension from `start` on."""
    _tensor(input)
    if not (is_int(dim) and is_int(length) and (is_int(start) or isinstance(start, Tensor))):
        raise no_overload()
    if isinstance(start, Tensor) and (start.ndim or start._array.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    dim, length = to_int("dim", 2, dim), to_int("length", 4, length)
    _, start = _stretch(input._array.shape, dim, start, length)
    return slice_view(input, dim, start, start + length, 1)


def _stretch(shape: Sequence[int], dim: Any, start: Any, length: Any) -> tuple[int, int]:
    """The dimension and the start of `narrow`, counted from 0, once they are found to be inside."""
    dim, start, length = to_int("dim", 2, dim), to_int("start", 3, start), to_int("length", 4, length)
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim = wrap_dim(dim, len(shape))
    size = shape[dim]
    if not -size <= start <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start += size if start < 0 else 0
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return dim, start


@op(
    input=lambda g, input_shape, dim, start, length: _widened(g, input_shape, dim, start, length),
    strict_out="Expected self.dtype() == output.dtype() to be true, but got false.  (Could this error message be "
    "improved?  If so, please report an enhancement request to PyTorch.)",
)
def narrow_copy(input, dim, start, length):
    """A copy of what `narrow` shows."""
    dim, start = _stretch(input.shape, dim, start, length)
    return np.array(input[(slice(None),) * dim + (slice(start, start + length),)], order="C")


def _widened(g, shape, dim, start, length):
    dim, start = _stretch(shape, dim, start, length)
    return slice_backward(g, shape, dim, start, start + length, 1)


# -- all slices --------------------------------------------------------------------------------------------------------


def _all_of(g, input_shape, dim, sizes):
    """The gradients of several parts, zeros for those that have none."""
    parts = list(g) if isinstance(g, tuple) else [g]
    dim = wrap_dim(dim, len(input_shape))
    some = next(part for part in parts if part is not None)
    for i, size in enumerate(sizes):
        if parts[i] is None:
            parts[i] = some.new_zeros((*input_shape[:dim], size, *input_shape[dim + 1 :]))
    return parts


def _joined(g, input_shape, dim, sizes):
    return cat(_all_of(g, input_shape, dim, sizes), dim)


def _pieces(size, length):
    """The lengths of the parts of at most `length`."""
    count = max((size + length - 1) // length, 1) if length else 1
    return [length] * (count - 1) + [size - length * (count - 1)]


def _windows(input, dim, sizes):
    before = (slice(None),) * dim
    strides, start, found = storage.strides(input), 0, []
    for size in sizes:
        if size:
            found.append(input[(*before, slice(start, start + size))])
        else:
            shape = (*input.shape[:dim], 0, *input.shape[dim + 1 :])
            found.append(storage.window(input, shape, strides, start * strides[dim]))
        start += size
    return found


@op(
    input=lambda g, input_shape, split_size, dim: _joined(
        g, input_shape, dim, _pieces(input_shape[wrap_dim(dim, len(input_shape))], split_size)
    ),
    node="SplitBackward0",
    view=MANY,
    public=False,
)
def split_evenly(input, split_size, dim):
    """Parts of a given length along a dimension; the last may be shorter."""
    if input.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    if split_size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={split_size}")
    dim = wrap_dim(dim, input.ndim)
    size = input.shape[dim]
    if split_size == 0 and size:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}")
    return _windows(input, dim, _pieces(size, split_size))


@op(input=lambda g, input_shape, split_sizes, dim: _joined(g, input_shape, dim, split_sizes), view=MANY)
def split_with_sizes(input, split_sizes, dim=0):
    """Parts of given lengths along a dimension; together they must fill it."""
    split_sizes, dim = to_ints("split_sizes", 2, split_sizes), to_int("dim", 3, dim)
    if input.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, input.ndim)
    if min(split_sizes, default=0) < 0:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={list(split_sizes)}"
        )
    if sum(split_sizes) != input.shape[dim]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {input.shape[dim]} (input tensor's size at dimension "
            f"{dim}), but got split_sizes={list(split_sizes)}"
        )
    return _windows(input, dim, split_sizes)


@only_function
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts along a dimension: each of one length, or of the lengths in a list."""
    return tensor.split(split_size_or_sections, dim)


def _split(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts along a dimension: each of one length, or of the lengths in a list."""
    if isinstance(split_size, Tensor):
        split_size = int(split_size)
    if isinstance(split_size, int):
        if not is_int(dim):
            raise no_overload(
                ["Tensor input, int split_size, int dim = 0", "Tensor input, tuple of ints split_size, int dim = 0"],
                (self, split_size, dim),
            )
        return split_evenly(self, to_int("split_size", 2, split_size), to_int("dim", 3, dim))
    return split_with_sizes(self, split_size, dim)


_split.__name__ = "split"
only_method(_split)


@composite
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of equal length along a dimension; the last may be shorter."""
    _tensor(input)
    chunks, dim = to_int("chunks", 2, chunks), to_int("dim", 3, dim)
    if input.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = wrap_dim(dim, input.ndim)
    size = input._array.shape[dim]
    if not size:
        return split_with_sizes(input, [0] * chunks, dim)
    return split_evenly(input, (size + chunks - 1) // chunks, dim)


@composite
def tensor_split(
    input: Tensor,
    indices_or_sections: Any = MISSING,
    dim: int = 0,
    *,
    indices: Any = MISSING,
    sections: Any = MISSING,
    tensor_indices_or_sections: Any = MISSING,
) -> tuple[Tensor, ...]:
    """A number of parts that differ by at most one in length, or the parts between given indices."""
    _tensor(input)
    where = _one_of(indices_or_sections, indices, sections, tensor_indices_or_sections)
    if isinstance(where, Tensor):
        if where.ndim > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but got "
                f"a tensor with {where.ndim} dims"
            )
        if where.dtype is not dtypes.int64:
            raise RuntimeError(
                f"tensor_split expected tensor_indices_or_sections to have dtype of long, but got {where.dtype.legacy_name}"
            )
        where = where.tolist()
    if not (is_int(where) or isinstance(where, (tuple, list))):
        raise no_overload()
    if input.ndim == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = wrap_dim(to_int("dim", 3, dim), input.ndim)
    size = input._array.shape[dim]
    if is_int(where):
        sections = to_int("sections", 2, where)
        if sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
        ends = np.cumsum([size // sections + (i < size % sections) for i in range(sections)]).tolist()
    else:
        ends = [*to_ints("indices", 2, where), size]
    starts = [0, *ends[:-1]]
    return tuple([slice_view(input, dim, a, b, 1) for a, b in zip(starts, ends, strict=True)])


@composite
def hsplit(
    input: Tensor, indices_or_sections: Any = MISSING, *, indices: Any = MISSING, sections: Any = MISSING
) -> tuple[Tensor, ...]:
    """Parts along the second dimension, of a vector along its only one."""
    where = _one_of(indices_or_sections, indices, sections)
    if input.ndim < 1:
        raise RuntimeError(
            "torch.hsplit requires a tensor with at least 1 dimension, but got a tensor with 0 dimensions!"
        )
    return _even_split("hsplit", input, where, 1 if input.ndim > 1 else 0)


@composite
def vsplit(
    input: Tensor, indices_or_sections: Any = MISSING, *, indices: Any = MISSING, sections: Any = MISSING
) -> tuple[Tensor, ...]:
    """Parts along the first dimension of a tensor that has at least two."""
    where = _one_of(indices_or_sections, indices, sections)
    if input.ndim < 2:
        raise RuntimeError(
            f"torch.vsplit requires a tensor with at least 2 dimension, but got a tensor with {input.ndim} dimensions!"
        )
    return _even_split("vsplit", input, where, 0)


@composite
def dsplit(
    input: Tensor, indices_or_sections: Any = MISSING, *, indices: Any = MISSING, sections: Any = MISSING
) -> tuple[Tensor, ...]:
    """Parts along the third dimension of a tensor that has at least three."""
    where = _one_of(indices_or_sections, indices, sections)
    if input.ndim < 3:
        raise RuntimeError(
            f"torch.dsplit requires a tensor with at least 3 dimension, but got a tensor with {input.ndim} dimensions!"
        )
    return _even_split("dsplit", input, where, 2)


def _one_of(either: Any, indices: Any, sections: Any, tensor: Any = MISSING) -> Any:
    """Where to split, as it was given: by place, or by the name of its kind."""
    kinds = ((either, object), (indices, (tuple, list)), (sections, (int, np.integer)), (tensor, Tensor))
    given = [(value, kind) for value, kind in kinds if value is not MISSING]
    if len(given) != 1 or not isinstance(*given[0]):
        raise no_overload()
    return given[0][0]


def _even_split(name: str, input: Tensor, where: Any, dim: int) -> tuple[Tensor, ...]:
    if not is_int(where) and not isinstance(where, (tuple, list)):
        raise no_overload()
    size = input._array.shape[dim]
    if is_int(where) and (where == 0 or size % where):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not divisible by "
            f"the split_size {where}!"
        )
    return tensor_split(input, where, dim)


@op(
    input=lambda g, input_shape, split_sizes, dim: _joined(g, input_shape, dim, split_sizes),
    node=lambda split_size, **_: "UnsafeSplit{}Backward0".format("" if split_size is not None else "WithSizes"),
    shows={"split_size": "split_size"},
    hides={"UnsafeSplitBackward0": "split_sizes", "UnsafeSplitWithSizesBackward0": "split_size"},
    view=MANY,
    public=False,
)
def parts_alone(input, split_sizes, dim, split_size):
    """Parts in memory that they share, but that count as no views."""
    return _windows(input, dim, split_sizes)


def _alone(input: Tensor, split_sizes: Any, dim: int, split_size: int | None) -> tuple[Tensor, ...]:
    declared = REGISTRY["parts_alone"]
    found = tuple([wrap(part) for part in declared.forward(input._array, split_sizes, dim, split_size)])
    if mode.grad and requires_grad(input):
        declared.record(found, [input], [split_sizes, dim, split_size])
    return found


@composite
def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split` into parts that do not count as views, so that nothing watches over changes of them."""
    split_size, dim = to_int("split_size", 2, split_size), to_int("dim", 3, dim)
    parts = split_evenly(_tensor(tensor).detach(), split_size, dim)
    dim = wrap_dim(dim, tensor.ndim)
    return _alone(tensor, [part.shape[dim] for part in parts], dim, split_size)


@composite
def unsafe_split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """`split_with_sizes` into parts that do not count as views."""
    split_with_sizes(_tensor(input).detach(), split_sizes, dim)
    return _alone(input, to_ints("split_sizes", 2, split_sizes), wrap_dim(dim, input.ndim), None)


@composite
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunk` into parts that do not count as views."""
    parts = chunk(_tensor(input).detach(), chunks, dim)
    dim = wrap_dim(dim, input.ndim)
    lengths = [part.shape[dim] for part in parts]
    return _alone(input, lengths, dim, lengths[0])


@op(input=lambda g, input_shape, dim: _stacked(g, input_shape, dim), hides="self_sym_sizes", view=MANY)
def unbind(input, dim=0):
    """All slices of a dimension, which goes."""
    dim = dim if type(dim) is int else to_int("dim", 2, dim)
    if input.ndim == 0:
        wrap_dim(dim, 0)
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = wrap_dim(dim, input.ndim)
    before = (slice(None),) * dim
    return [input[(*before, i, ...)] for i in range(input.shape[dim])]


def _stacked(g, input_shape, dim):
    parts = list(g) if isinstance(g, tuple) else [g]
    some = next(part for part in parts if part is not None)
    zeros = None if all(part is not None for part in parts) else some.new_zeros(some.shape)
    return stack([zeros if part is None else part for part in parts], dim)


# -- a diagonal --------------------------------------------------------------------------------------------------------


@op(input=lambda g, input_shape, offset, dim1, dim2: diagonal_backward(g, input_shape, offset, dim1, dim2), view=True)
def diagonal(input, offset=0, dim1=0, dim2=1):
    """The elements whose index in `dim2` is that in `dim1` plus `offset`, as a new last dimension in place of the two."""
    return diagonal_window(input, *diagonal_arguments(input.ndim, offset, dim1, dim2))


def diagonal_arguments(ndim, offset, dim1, dim2):
    offset, a, b = to_int("offset", 2, offset), to_int("dim1", 3, dim1), to_int("dim2", 4, dim2)
    a, b = wrap_dim(a, ndim), wrap_dim(b, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return offset, a, b


def diagonal_window(array, offset, dim1, dim2):
    """The diagonal as a view of an array."""
    shape, strides = list(array.shape), list(storage.strides(array))
    rows, columns = shape[dim1], shape[dim2]
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    start = (offset * strides[dim2] if offset >= 0 else -offset * strides[dim1]) if length else 0
    step = strides[dim1] + strides[dim2]
    for dim in sorted((dim1, dim2), reverse=True):
        del shape[dim], strides[dim]
    return storage.window(array, [*shape, length], [*strides, step], start)


@op(grad_output=lambda g, offset, dim1, dim2: g.diagonal(offset, dim1, dim2), out=False, public=False)
def diagonal_backward(grad_output, input_sizes, offset, dim1, dim2):
    """Zeros with the gradient on a diagonal."""
    result = np.zeros(input_sizes, grad_output.dtype)
    diagonal_window(result, offset, wrap_dim(dim1, result.ndim), wrap_dim(dim2, result.ndim))[...] = grad_output
    return result
