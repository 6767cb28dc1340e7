"""Views in another shape: the same elements in the same order of the same memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import from_sizes, is_int, no_overload, to_int, to_ints, wrong_type
from ..engine import edge_to, mode
from ..op import MEANINGS, REGISTRY, check_writable, composite, only_function, only_method, op, publish, requires_grad
from ..tensor import Tensor, wrap, wrap_dim
from ..types import contiguous_format
from ..views import check_inplace, set_edge

# -- another shape -----------------------------------------------------------------------------------------------------


@op(input=lambda g, input_shape: reshape(g, input_shape), node="ViewBackward0", view=True, public=False)
def view_in_shape(input, size):
    """The same elements in order, in another shape; the memory must allow it without a copy."""
    shape = infer_size(size, input.size)
    result = reshaped(input, shape)
    if result is None:
        raise RuntimeError(NO_VIEW)
    return result


NO_VIEW = (
    "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous "
    "subspaces). Use .reshape(...) instead."
)


@op(input=lambda g, input_shape: reshape(g, input_shape), node="ReshapeAliasBackward0", view=True, public=False)
def reshape_alias(input, size):
    """`view_in_shape` of a tensor that is not contiguous, as `reshape` makes it."""
    return reshaped(input, size)


@op(input=lambda g, input_shape: reshape(g, input_shape), out=False, public=False)
def unsafe_view(input, size):
    """A fresh tensor in another shape, which does not count as a view."""
    result = reshaped(input, tuple(size))
    if result is None:
        raise RuntimeError(NO_VIEW)
    return result


@only_method
def view(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """The same memory in another shape, of which one length may be −1: the one that fits. Given a dtype, its bytes as such."""
    if size and not named:
        if isinstance(size[0], dtypes.dtype) and len(size) == 1:
            return view_in_dtype(self, size[0])
        return view_in_shape(self, to_ints("size", 1, size) if type(size[0]) is int else _view_size(size))
    if not size and list(named) == ["dtype"]:
        return view_in_dtype(self, dtypes.as_dtype(named["dtype"], "view(): argument 'dtype'"))
    if not size and list(named) == ["size"]:
        return view_in_shape(self, to_ints("size", 1, named["size"]))
    raise no_overload(_VIEW, size, **named)


_VIEW = ["torch.dtype dtype", "tuple of ints size"]


def _view_size(size: Sequence[Any]) -> tuple[int, ...]:
    first = size[0][0] if len(size) == 1 and isinstance(size[0], (tuple, list)) and size[0] else size[0]
    if (not is_int(first) and not isinstance(first, (tuple, list))) or (first is not size[0] and not is_int(first)):
        raise no_overload(_VIEW, size)
    return from_sizes("size", 1, size)


def view_in_dtype(input: Tensor, dtype: dtypes.dtype) -> Tensor:
    """The same bytes taken for elements of another dtype; no gradient passes."""
    array = input._array
    old, new = array.itemsize, dtype.itemsize
    if old != new:
        _check_view_in_dtype(input, dtype)
    result = wrap(array.view(dtype.numpy))
    result._counter = input._counter
    return result


def _check_view_in_dtype(input: Tensor, dtype: dtypes.dtype) -> None:
    old, new = input.itemsize, dtype.itemsize
    what = f"to view {input.dtype.legacy_name} as {dtype.legacy_name} (different element sizes)"
    if not input.ndim:
        raise RuntimeError(f"self.dim() cannot be 0 {what}")
    if input.stride(-1) != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 {what}, but got {input.stride(-1)}")
    ratio = new // old
    if ratio > 1:
        named = [("size(-1)", input.size(-1)), ("storage_offset()", input.storage_offset())]
        named += [(f"stride({i})", s) for i, s in enumerate(input.stride()[:-1])]
        for name, count in named:
            if count % ratio:
                raise RuntimeError(f"self.{name} must be divisible by {ratio} {what}, but got {count}")


@lru_cache(maxsize=256)
def infer_size(size: tuple[int, ...], numel: int) -> tuple[int, ...]:
    """A shape of `numel` elements in which one length may be −1: the one that fits."""
    known = math.prod(size)
    if known == numel and (not size or min(size) >= 0):
        return size
    if size.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    for i, s in enumerate(size):
        if s < -1:
            raise RuntimeError(f"invalid shape dimension {s} at index {i} of shape {list(size)}")
    if -1 in size:
        known = -known if known else math.prod(s for s in size if s != -1)
        if numel == 0 and known == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(size)} because the unspecified dimension size -1 "
                "can be any value and is ambiguous"
            )
        if known and numel % known == 0:
            return tuple([numel // known if s == -1 else s for s in size])
    raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")


def reshaped(array: Any, shape: tuple[int, ...]) -> Any:
    """An array's memory in another shape, or None if the new dimensions would need uneven steps."""
    if array.strides == storage.packed(array.shape, array.itemsize) or not array.size:
        return array.reshape(shape)
    strides = _stride_in(array, shape)
    return None if strides is None else storage.window(array, shape, strides, 0)


def _stride_in(array: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The strides with which memory can be seen in another shape.

    The old dimensions are gathered, from the last, into runs that lie in memory as one; each must be filled by new ones.
    """
    old, own = array.shape, storage.strides(array)
    found = [0] * len(shape)
    new = len(shape) - 1
    step, length = own[-1], 1
    for dim in reversed(range(len(old))):
        length *= old[dim]
        if dim and (old[dim - 1] == 1 or own[dim - 1] == length * step):
            continue
        filled = 1
        while new >= 0 and (filled < length or shape[new] == 1):
            found[new] = filled * step
            filled *= shape[new]
            new -= 1
        if filled != length:
            return None
        if dim:
            step, length = own[dim - 1], 1
    return tuple(found) if new == -1 else None


@composite
def reshape(input: Tensor, shape: Any) -> Tensor:
    """The same elements in order in another shape: a view where the memory allows it, otherwise a copy."""
    if not isinstance(input, Tensor):
        raise wrong_type("input", 1, "Tensor", input)
    return _in_shape(input, to_ints("shape", 2, shape))


def _in_shape(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    array = input._array
    if array.flags.c_contiguous:
        return view_in_shape(input, shape)
    shape = infer_size(shape, array.size)
    if _stride_in(array, shape) is not None:
        return reshape_alias(input, shape)
    return unsafe_view(input.clone(memory_format=contiguous_format), shape)


MEANINGS[reshape] = lambda input, shape: input.reshape(shape)


@only_method
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """A view in the shape of another tensor."""
    return view_in_shape(self, as_tensor_argument(other, "other", 2)._array.shape)


@only_method
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """`reshape` to the shape of another tensor."""
    return reshape(self, as_tensor_argument(other, "other", 2)._array.shape)


@composite
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` joined into one."""
    shape = as_tensor_argument(input)._array.shape
    ndim = len(shape)
    start = wrap_dim(to_int("start_dim", 2, start_dim), ndim)
    end = wrap_dim(to_int("end_dim", 3, end_dim), ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not ndim:
        return _in_shape(input, (1,))
    if start == end:
        return input
    return _in_shape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@composite
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dimension cut into several."""
    shape = as_tensor_argument(input)._array.shape
    dim = wrap_dim(to_int("dim", 2, dim), len(shape))
    sizes = to_ints("sizes", 3, sizes)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    given = list(sizes)
    if -1 in sizes:
        sizes = infer_size(sizes, shape[dim])
    if math.prod(sizes) != shape[dim]:
        raise RuntimeError(
            f"unflatten: Provided sizes {given} don't multiply up to the size of dim {dim} ({shape[dim]}) in the input tensor"
        )
    return view_in_shape(input, (*shape[:dim], *sizes, *shape[dim + 1 :]))


@composite
def ravel(input: Tensor) -> Tensor:
    """All dimensions joined into one."""
    return view_in_shape(contiguous(as_tensor_argument(input)), (-1,))


@only_method
def contiguous(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """The tensor itself if its elements lie in memory in order, otherwise a copy in which they do."""
    return input if input._array.flags.c_contiguous else input.clone(memory_format=contiguous_format)


def as_tensor_argument(value: Any, argument: str = "input", position: int = 1) -> Tensor:
    if not isinstance(value, Tensor):
        raise wrong_type(argument, position, "Tensor", value)
    return value


# -- dimensions of length 1 --------------------------------------------------------------------------------------------


@op(input=lambda g, dim: squeeze(g, dim), view=True)
def unsqueeze(input, dim):
    """A dimension of length 1 put in at `dim`."""
    dim = wrap_dim(dim if type(dim) is int else to_int("dim", 2, dim), input.ndim + 1)
    shape, strides = input.shape, input.strides
    step = shape[dim] * strides[dim] if dim < len(shape) else input.itemsize
    return restrided(input, (*shape[:dim], 1, *shape[dim:]), (*strides[:dim], step, *strides[dim:]))


def restrided(array, shape, strides):
    """The same beginning with other strides, in bytes."""
    if array.flags.c_contiguous:
        return np.ndarray(shape, array.dtype, array, 0, strides)
    return storage.window(array, shape, [s // array.itemsize for s in strides], 0)


def _squeeze_node(input, dim):
    return "SqueezeBackward0" if dim is ALL else "SqueezeBackward1" if is_int(dim) else "SqueezeBackward2"


ALL: Any = type("ALL", (), {"__repr__": lambda self: "ALL"})()  # no dimension was named


@op(
    input=lambda g, input_shape, dim: unsqueeze_to(g, input_shape, dim),
    node=_squeeze_node,
    hides={"SqueezeBackward0": "dim", "SqueezeBackward3": "dim"},
    view=True,
)
def squeeze(input, dim=ALL):
    """Without dimensions of length 1: all, or those among `dim`."""
    if dim is ALL:
        return input.squeeze()
    if type(dim) is int:
        dim = wrap_dim(dim, input.ndim)
        return input.squeeze(dim) if input.ndim and input.shape[dim] == 1 else input.view()
    return input.squeeze(tuple([d for d in _squeezed(dim, input.ndim) if input.ndim and input.shape[d] == 1]))


def _squeezed(dim, ndim):
    if not is_int(dim) and not (isinstance(dim, (tuple, list)) and (not dim or is_int(dim[0]))):
        raise no_overload()
    found = [wrap_dim(d, ndim) for d in to_ints("dim", 2, dim, or_one=True)]
    for i, d in enumerate(found):
        if d in found[:i]:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return found


def unsqueeze_to(g, shape, dim):
    """The dimensions of length 1 put back that `squeeze` took out."""
    dims = range(len(shape)) if dim is ALL else sorted(_squeezed(dim, len(shape)))
    for d in dims:
        if shape and shape[d] == 1:
            g = unsqueeze(g, d)
    return g


# -- the tensor itself -------------------------------------------------------------------------------------------------


@op(input=lambda g: g, node="AliasBackward0", view=True, public=False)
def alias(input):
    """All of it, as it is."""
    return input.view()


@only_function
def detach(input: Tensor) -> Tensor:
    """The same memory and version counter without history."""
    return as_tensor_argument(input).detach()


@composite
def detach_(input: Tensor) -> Tensor:
    """Cut the tensor's history off; a view cannot be."""
    if input._view is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, "
            "and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be "
            "called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in "
            "torch/optim/optimizer.py as the solution."
        )
    input._edge = None
    input._requires_grad = False
    return input


# -- in place: the tensor itself becomes another view of its memory ----------------------------------------------------


def become_view(input: Tensor, see: Callable[[Any], Any], node: Callable[[Any], Any]) -> Tensor:
    """Make a tensor the view that `see` gives of its array; `node` gives, for that array, the node of the change."""
    recorded = mode.grad and requires_grad(input)
    if recorded:
        check_inplace(input)
    check_writable(input)
    array = see(input._array)
    made = node(array) if recorded else None
    input._array = array
    input._counter[0] += 1
    if made is not None:
        set_edge(input, edge_to(made, 0, array))
    return input


def publish_in_place(name: str, node: Callable[..., str]) -> None:
    """Publish `name_`, which makes of a tensor what the view `name` shows; `node` names what is recorded."""
    declared = REGISTRY[name]

    def change(input: Tensor, *args: Any, **named: Any) -> Tensor:
        arguments = dict(zip(declared.others, args), **named)  # noqa: B905
        extras = [arguments.get(p.name, p.default) for p in declared.parameters[1:]]
        return become_view(
            input,
            lambda array: declared.forward(array, *extras),
            lambda array: declared.make_node([wrap(array)], [input], extras, name=node(*extras)),
        )

    change.__name__ = name + "_"
    change.__doc__ = f"Make of the tensor itself what `{name}` shows."
    publish(change, "method")


publish_in_place("unsqueeze", lambda dim: "UnsqueezeBackward1")
publish_in_place("squeeze", lambda dim: f"SqueezeBackward{3 if dim is ALL else 4 if is_int(dim) else 5}")
