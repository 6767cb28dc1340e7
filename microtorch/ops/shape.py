"""Views: the same elements of the same memory, seen in another shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import from_sizes, is_int, no_overload, to_int, to_ints, wrong_type
from ..engine import mode
from ..op import MANY, METHODS, REGISTRY, check_writable, composite, only_function, only_method, op, publish, requires_grad
from ..settings import warn_once
from ..tensor import Tensor, wrap, wrap_dim
from ..types import Size
from ..types import contiguous_format as _contiguous
from ..views import check_inplace, set_edge

# -- another shape -----------------------------------------------------------------------------------------------------


@op(input=lambda g, input_shape: g.reshape(input_shape), node="ViewBackward0", view=True, public=False)
def view_in_shape(input, size):
    """The same elements in order, in another shape; the memory must allow it without a copy."""
    shape = infer_size(size, input.size)
    result = reshaped(input, shape)
    if result is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return result


@op(input=lambda g, input_shape: g.reshape(input_shape), node="ReshapeAliasBackward0", view=True, public=False)
def reshape_alias(input, size):
    """`view_in_shape` of a tensor that is not contiguous, as `reshape` makes it."""
    return reshaped(input, size)


@op(input=lambda g, input_shape: g.reshape(input_shape), out=False, public=False)
def unsafe_view(input, size):
    """A fresh tensor in another shape, which does not count as a view."""
    return input.reshape(size)


@only_method
def view(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """The same memory in another shape, of which one length may be −1: the one that fits. Given a dtype, its bytes as such."""
    if size and not named:
        if isinstance(size[0], dtypes.dtype) and len(size) == 1:
            return view_in_dtype(self, size[0])
        return view_in_shape(self, _view_size(size))
    if not size and list(named) == ["dtype"]:
        return view_in_dtype(self, dtypes.as_dtype(named["dtype"], "view(): argument 'dtype'"))
    if not size and list(named) == ["size"]:
        return view_in_shape(self, to_ints("size", 1, named["size"]))
    raise no_overload(_VIEW, size, **named)


_VIEW = ["torch.dtype dtype", "tuple of ints size"]


def _view_size(size: Sequence[Any]) -> tuple[int, ...]:
    first = size[0][0] if len(size) == 1 and isinstance(size[0], (tuple, list)) and size[0] else size[0]
    if not is_int(first) and not isinstance(first, (tuple, list)) or first is not size[0] and not is_int(first):
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


def infer_size(size: Sequence[int], numel: int) -> tuple[int, ...]:
    """A shape of `numel` elements in which one length may be −1: the one that fits."""
    size = tuple(size)
    known = math.prod(size)
    if known == numel and min(size, default=0) >= 0:
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
    if array.flags.c_contiguous:
        if shape == array.shape:
            return storage.window(array, shape, storage.contiguous_strides(shape), 0) if 1 in shape else array.view()
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
    array = input._array
    shape = to_ints("shape", 2, shape)
    if array.flags.c_contiguous:
        return view_in_shape(input, shape)
    shape = infer_size(shape, array.size)
    if _stride_in(array, shape) is not None:
        return reshape_alias(input, shape)
    return unsafe_view(input.clone(memory_format=_contiguous), shape)


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
        return reshape(input, (1,))
    if start == end:
        return input
    return reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


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
    return input if input._array.flags.c_contiguous else input.clone(memory_format=_contiguous)


def as_tensor_argument(value: Any, argument: str = "input", position: int = 1) -> Tensor:
    if not isinstance(value, Tensor):
        raise wrong_type(argument, position, "Tensor", value)
    return value


# -- another order -----------------------------------------------------------------------------------------------------


@op(input=lambda g, dim0, dim1: g.transpose(dim0, dim1), view=True)
def transpose(input, dim0, dim1):
    """Two dimensions exchanged."""
    a = wrap_dim(dim0 if type(dim0) is int else to_int("dim0", 2, dim0), input.ndim)
    b = wrap_dim(dim1 if type(dim1) is int else to_int("dim1", 3, dim1), input.ndim)
    return input.swapaxes(a, b) if input.ndim else input.view()


@op(input=lambda g: g.t(), node="TBackward0", view=True)
def t(input):
    """The transpose of a matrix; a vector or a number as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return input.T


@op(input=lambda g, dims: permute(g, _inverse(dims)), view=True)
def permute(input, dims):
    """All dimensions in a new order."""
    dims = to_ints("dims", 2, dims)
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
    order = [d % len(dims) for d in to_ints("dims", 2, dims)]
    return tuple([order.index(i) for i in range(len(order))])


@composite
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` under numpy's name."""
    return transpose(as_tensor_argument(input), to_int("axis0", 2, axis0), to_int("axis1", 3, axis1))


@composite
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` under another name."""
    return transpose(as_tensor_argument(input), to_int("dim0", 2, dim0), to_int("dim1", 3, dim1))


@composite
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other places, the rest in the order they have."""
    source, destination, ndim = *_both("movedim", source, destination), as_tensor_argument(input).ndim
    if len(source) != len(destination):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(source)} dims) should contain the same number of "
            f"dims as destination ({list(destination)} dims)"
        )
    sources, destinations = ([wrap_dim(d, ndim) for d in dims] for dims in (source, destination))
    for name, dims, given in (("source", sources, source), ("destination", destinations, destination)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(given)})")
    if not ndim:
        return alias(input)
    rest = iter([d for d in range(ndim) if d not in sources])
    placed = dict(zip(destinations, sources, strict=True))
    return permute(input, [placed[i] if i in placed else next(rest) for i in range(ndim)])


def _both(name: str, source: Any, destination: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    for kind in (is_int, lambda value: isinstance(value, (tuple, list)) and all(map(is_int, value))):
        if kind(source) and kind(destination):
            return to_ints("source", 2, source, or_one=True), to_ints("destination", 3, destination, or_one=True)
    raise no_overload(
        ["int source, int destination", "tuple of ints source, tuple of ints destination"], (source, destination)
    )


@composite
def moveaxis(input: Tensor, source: Any, destination: Any) -> Tensor:
    """`movedim` under numpy's name."""
    return movedim(input, source, destination)


def reversed_dims(input: Tensor) -> Tensor:
    """The dimensions in reverse: the transpose of a matrix."""
    if input.ndim == 0:
        warn_once("Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.")
    elif input.ndim != 2:
        warn_once(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an "
            "error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim "
            "- 1, -1, -1))` to reverse the dimensions of a tensor."
        )
    return permute(input, tuple(range(input.ndim))[::-1])


def matrix_transpose(input: Tensor, name: str = "mT") -> Tensor:
    """The last two dimensions exchanged."""
    if input.ndim == 0:
        own = name if name == "adjoint()" else f"Tensor.{name}"
        instead = "This function is the identity in these cases." if name == "mT" else "Consider using x.conj()."
        warn_once(f"{own} is deprecated on 0-D tensors. {instead}")
        return input
    if input.ndim == 1:
        raise RuntimeError(f"tensor.{name} is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return transpose(input, -2, -1)


def hermitian(input: Tensor) -> Tensor:
    """The conjugate transpose of a matrix, which for real numbers is the transpose."""
    if input.ndim == 0:
        warn_once("Tensor.H is deprecated on 0-D tensors. Consider using x.conj().")
        return input
    if input.ndim != 2:
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {input.ndim}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if input.ndim > 2 else "")
        )
    return transpose(input, 0, 1)


@composite
def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of the matrices in the last two dimensions."""
    return matrix_transpose(as_tensor_argument(input), "adjoint()")


# Attributes of a tensor that are operations.
PROPERTIES: dict[str, Callable[[Tensor], Tensor]] = {
    "T": reversed_dims,
    "mT": matrix_transpose,
    "H": hermitian,
    "mH": lambda input: matrix_transpose(input, "mH"),
}


# -- dimensions of length 1 --------------------------------------------------------------------------------------------


@op(input=lambda g, dim: g.squeeze(dim), view=True)
def unsqueeze(input, dim):
    """A dimension of length 1 put in at `dim`."""
    dim = wrap_dim(dim if type(dim) is int else to_int("dim", 2, dim), input.ndim + 1)
    shape, strides = input.shape, input.strides
    step = shape[dim] * strides[dim] if dim < len(shape) else input.itemsize
    return _restrided(input, (*shape[:dim], 1, *shape[dim:]), (*strides[:dim], step, *strides[dim:]))


def _restrided(array, shape, strides):
    """The same beginning with other strides, in bytes."""
    if array.flags.c_contiguous:
        return np.ndarray(shape, array.dtype, array, 0, strides)
    return storage.window(array, shape, [s // array.itemsize for s in strides], 0)


def _squeeze_node(input, dim):
    return "SqueezeBackward0" if dim is ALL else "SqueezeBackward1" if is_int(dim) else "SqueezeBackward2"


ALL: Any = type("ALL", (), {"__repr__": lambda self: "ALL"})()  # no dimension was named


@op(input=lambda g, input_shape, dim: unsqueeze_to(g, input_shape, dim), node=_squeeze_node, view=True)
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
        raise no_overload(["", "int dim", "tuple of ints dim"], (dim,))
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
            g = g.unsqueeze(d)
    return g


# -- repetition without copying ----------------------------------------------------------------------------------------


@op(input=lambda g: g, view=True, public="method")
def expand(input, size, *, implicit=False):
    """Dimensions of length 1 repeated without copying (−1: as they are); the gradient is summed over them."""
    return broadcast(input, to_ints("size", 2, size))


def broadcast(input: Any, size: tuple[int, ...]) -> Any:
    """An array expanded to a shape."""
    shape, strides = input.shape, input.strides
    if len(size) < len(shape):
        raise RuntimeError(
            f"expand(torch.{dtypes.FROM_NUMPY[input.dtype].legacy_name}Tensor{{{list(shape)}}}, size={list(size)}): the "
            f"number of sizes provided ({len(size)}) must be greater or equal to the number of dimensions in the tensor "
            f"({len(shape)})"
        )
    lead = len(size) - len(shape)
    new_shape, new_strides = list(size), [0] * len(size)
    step = input.itemsize
    for i in range(len(size) - 1, -1, -1):
        wanted = size[i]
        have, stride = (shape[i - lead], strides[i - lead]) if i >= lead else (1, step)
        if wanted == -1:
            if i < lead:
                raise RuntimeError(
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {i}"
                )
            wanted = have
        if wanted != have:
            if have != 1:
                raise RuntimeError(
                    f"The expanded size of the tensor ({wanted}) must match the existing size ({have}) at non-singleton "
                    f"dimension {i}.  Target sizes: {list(size)}.  Tensor sizes: {list(shape)}"
                )
            if wanted < 0:
                raise RuntimeError("numel: integer multiplication overflow")
            stride = 0
        new_shape[i], new_strides[i] = wanted, stride
        step = wanted * stride
    return _restrided(input, new_shape, new_strides)


@only_method
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of another tensor."""
    return expand(self, as_tensor_argument(other, "other", 2)._array.shape)


@composite
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """`expand` to a shape."""
    return expand(as_tensor_argument(input), to_ints("size", 2, size))


@only_function
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """All tensors expanded to the one shape to which they broadcast."""
    shape: tuple[int, ...] = ()
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}")
    for tensor in tensors:
        shape = common_shape(shape, tensor._array.shape)
    return tuple([tensor if tensor._array.shape == shape else expand(tensor, shape) for tensor in tensors])


def common_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which two shapes broadcast."""
    ndim = max(len(a), len(b))
    padded = [(1,) * (ndim - len(s)) + tuple(s) for s in (a, b)]
    for i in range(ndim - 1, -1, -1):
        x, y = padded[0][i], padded[1][i]
        if x != y and 1 not in (x, y):
            raise RuntimeError(
                f"The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension {i}"
            )
    return tuple([y if x == 1 else x for x, y in zip(*padded, strict=True)])


@only_function
def broadcast_shapes(*shapes: Any) -> Size:
    """The shape to which shapes broadcast, each a tuple of ints or one int."""
    found: list[int] = []
    given: list[tuple[int, ...]] = []
    for shape in shapes:
        if not isinstance(shape, (tuple, list, int)):
            raise RuntimeError(f"Input shapes should be of type ints, a tuple of ints, or a list of ints, got {shape}")
        given.append((shape,) if isinstance(shape, int) else tuple(shape))
    found = [1] * max(map(len, given), default=0)
    for number, shape in enumerate(given):
        for back in range(-1, -1 - len(shape), -1):
            if shape[back] < 0:
                raise ValueError("Attempting to broadcast a dimension with negative length!")
            if shape[back] in (1, found[back]):
                continue
            if found[back] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {shape[back]} at {back}! Mismatching argument at index "
                    f"{number} had {shape}; but expected shape should be broadcastable to {found}"
                )
            found[back] = shape[back]
    return Size(found)


# -- the tensor itself -------------------------------------------------------------------------------------------------


@op(input=lambda g: g, node="AliasBackward0", view=True, public=False)
def alias(input):
    """All of it, as it is."""
    return input.view()


@only_function
def detach(input: Tensor) -> Tensor:
    """The same memory and version counter without history."""
    return as_tensor_argument(input).detach()


@only_method
def detach_(self: Tensor) -> Tensor:
    """Cut the tensor's history off; a view cannot be."""
    if self._view is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, "
            "and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be "
            "called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in "
            "torch/optim/optimizer.py as the solution."
        )
    self._edge = None
    self._requires_grad = False
    return self


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
        set_edge(input, (made, 0))
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


publish_in_place("t", lambda: "TBackward1")
publish_in_place("transpose", lambda dim0, dim1: "TransposeBackward1")
publish_in_place("unsqueeze", lambda dim: "UnsqueezeBackward1")
publish_in_place("squeeze", lambda dim: f"SqueezeBackward{3 if dim is ALL else 4 if is_int(dim) else 5}")
for _name in ("swapaxes_", "swapdims_"):
    METHODS[_name] = METHODS["transpose_"]
