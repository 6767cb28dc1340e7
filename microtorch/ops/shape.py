"""Other views of the same elements, and their rearrangement."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided as _numpy_as_strided

from ..op import composite, op
from ..tensor import Tensor, wrap, wrap_dim
from ..views import AsStridedBackward0, geometry, gradient_edge, make_view
from ..engine import mode


# -- views -------------------------------------------------------------------------------------------------------------


@op(input=lambda g, input_shape: g.reshape(input_shape), view=True, public="method")
def view(input, size):
    """The same elements in order, in another shape; the memory must allow it without a copy."""
    shape = infer_size(size, input.size)
    try:
        return np.reshape(input, shape, copy=False)
    except ValueError:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        ) from None


def infer_size(size, numel):
    """A shape of `numel` elements in which one length may be −1: the one that fits."""
    size = tuple(size)
    known = math.prod(s for s in size if s != -1)
    if any(s < -1 for s in size):
        raise RuntimeError(f"invalid shape dimension {next(s for s in size if s < -1)}")
    if size.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if -1 in size:
        if known == 0 and numel == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(size)} because the unspecified dimension size -1 "
                "can be any value and is ambiguous"
            )
        if known == 0 or numel % known:
            raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")
        return tuple(numel // known if s == -1 else s for s in size)
    if known != numel:
        raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")
    return size


@op(input=lambda g: g, view=True, public="method")
def expand(input, size, *, implicit=False):
    """Dimensions of length 1 repeated without copying; the gradient is summed over them by the engine."""
    if len(size) < input.ndim:
        raise RuntimeError(
            f"expand(torch.{_type_name(input)}{{{list(input.shape)}}}, size={list(size)}): the number of sizes provided "
            f"({len(size)}) must be greater or equal to the number of dimensions in the tensor ({input.ndim})"
        )
    lead = len(size) - input.ndim
    shape = []
    for i, wanted in enumerate(size):
        have = input.shape[i - lead] if i >= lead else 1
        if wanted == -1:
            if i < lead:
                raise RuntimeError(
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {i}"
                )
            wanted = have
        if have not in (1, wanted):
            raise RuntimeError(
                f"The expanded size of the tensor ({wanted}) must match the existing size ({have}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(size)}.  Tensor sizes: {list(input.shape)}"
            )
        shape.append(wanted)
    expanded = np.broadcast_to(input, shape)
    expanded.flags.writeable = True
    return expanded


def _type_name(array):
    from ..dtypes import FROM_NUMPY

    return FROM_NUMPY[array.dtype].legacy_name + "Tensor"


@op(input=lambda g, dim0, dim1: g.transpose(dim0, dim1), view=True)
def transpose(input, dim0, dim1):
    """Two dimensions exchanged."""
    return input.swapaxes(wrap_dim(dim0, input.ndim), wrap_dim(dim1, input.ndim)) if input.ndim else input.view()


@op(input=lambda g: g.t(), node="TBackward0", view=True)
def t(input):
    """The transpose of a matrix; a vector or number as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return input.T


@op(input=lambda g, dims: g.permute(_inverse(dims)), view=True)
def permute(input, dims):
    """All dimensions in a new order."""
    if len(dims) != input.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(dims)}"
        )
    order = [wrap_dim(d, input.ndim) for d in dims]
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return input.transpose(order)


def _inverse(dims):
    order = [d % len(dims) for d in dims]
    return tuple(order.index(i) for i in range(len(order)))


@op(input=lambda g, dim: g.squeeze(dim), view=True)
def unsqueeze(input, dim):
    """A dimension of length 1 put in at `dim`."""
    return np.expand_dims(input, wrap_dim(dim, input.ndim + 1))


def _squeeze_node(input, dim):
    return "SqueezeBackward0" if dim is None else "SqueezeBackward1" if isinstance(dim, int) else "SqueezeBackward2"


@op(input=lambda g, input_shape: g.reshape(input_shape), node=_squeeze_node, view=True)
def squeeze(input, dim=None):
    """Without dimensions of length 1: all, or those among `dim`."""
    if dim is None:
        return np.squeeze(input)[...]
    dims = {wrap_dim(d, input.ndim) for d in ((dim,) if isinstance(dim, int) else dim)}
    return np.squeeze(input, tuple(d for d in dims if input.ndim and input.shape[d] == 1))[...]


@op(input=lambda g, input_shape, dim, index: select_backward(g, input_shape, dim, index), view=True)
def select(input, dim, index):
    """The slice at one index of a dimension, which goes."""
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, input.ndim)
    size = input.shape[dim]
    if not -size <= index < size:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}")
    return input[(slice(None),) * dim + (index, ...)]


@op(grad_output=lambda g, dim, index: g.select(dim, index), node="SelectBackwardBackward0", out=False, public=False)
def select_backward(grad_output, input_sizes, dim, index):
    """Zeros with the gradient at one index of a dimension."""
    result = np.zeros(input_sizes, grad_output.dtype)
    result[(slice(None),) * (dim % len(input_sizes)) + (index,)] = grad_output
    return result


@op(
    input=lambda g, input_shape, dim, start, end, step: slice_backward(g, input_shape, dim, start, end, step),
    node="SliceBackward0",
    view=True,
    public=False,
)
def slice_(input, dim, start, end, step):
    """Every `step`-th index of a dimension from `start` to before `end`."""
    return input[(slice(None),) * dim + (slice(start, end, step), ...)]


@op(
    grad_output=lambda g, dim, start, end, step: slice_(g, dim, start, end, step),
    node="SliceBackwardBackward0",
    out=False,
    public=False,
)
def slice_backward(grad_output, input_sizes, dim, start, end, step):
    """Zeros with the gradient where the slice was taken."""
    result = np.zeros(input_sizes, grad_output.dtype)
    result[(slice(None),) * dim + (slice(start, end, step),)] = grad_output
    return result


@composite
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A window of any shape and strides (in elements) onto the storage of `input`."""
    offset = input.storage_offset() if storage_offset is None else storage_offset
    array = _window(_storage(input._array), size, stride, offset)
    result = wrap(array)
    make_view(result, input)
    if mode.grad and input.requires_grad:
        result._edge = (AsStridedBackward0(gradient_edge(input), geometry(input), geometry(result), result), 0)
        result._requires_grad = True
    return result


def _storage(array):
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array.reshape(-1, copy=False) if array.flags.c_contiguous else np.ravel(array, order="K")


def _window(storage, size, stride, offset):
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 not in size and last >= storage.size:
        needed = (last + 1) * storage.itemsize
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
            f"{storage.itemsize} requiring a storage size of {needed} are out of bounds for storage of size {storage.nbytes}"
        )
    return _numpy_as_strided(storage[offset:], tuple(size), tuple(s * storage.itemsize for s in stride))


@op(
    grad_output=lambda g, source, window: _copy_with_strides(g, source[0], source[1]).as_strided(
        window[0], window[1], window[2] - source[2]
    ),
    node="AsStridedBackwardBackward0",
    out=False,
    public=False,
)
def as_strided_backward(grad_output, source, window):
    """Zeros in the geometry of the source, with what arrived at each place of the window added there."""
    low = min(source[2], window[2])
    places = [_places(shape, strides, start - low) for shape, strides, start in (source, window)]
    size = 1 + max((int(p.max()) for p in places if p.size), default=-1)
    storage = np.zeros(size, grad_output.dtype)
    np.add.at(storage, places[1], grad_output)
    if 0 in source[1]:  # where the source itself repeats a place, each repetition has its share
        counts = np.zeros(size, grad_output.dtype)
        np.add.at(counts, places[0], grad_output.dtype.type(1))
        storage /= np.maximum(counts, 1)
    result = np.empty(source[0], grad_output.dtype)
    result[...] = storage[places[0]]
    return result


def _places(shape, strides, start):
    """The place in memory of every element."""
    places = np.full(shape, start)
    for axis, (size, stride) in enumerate(zip(shape, strides, strict=True)):
        places += (np.arange(size) * stride).reshape((size,) + (1,) * (len(shape) - axis - 1))
    return places


def _copy_with_strides(gradient, shape, strides):
    """A copy of a gradient laid out as another tensor is; recorded when grad mode is on."""
    room = 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if 0 not in shape else 0
    result = wrap(_window(np.empty(room, gradient._array.dtype), shape, strides, 0))
    return result.copy_(gradient)
