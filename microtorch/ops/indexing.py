"""x[…]: reading and writing by everything that torch indexes by.

An index is taken apart as torch takes it apart: integers, slices, None and `...` become views, one after the other;
tensors, and all that stands for one, are left over and handled at once, by `index` and `index_put_`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import OVERFLOW, called, fit, type_name, wrong_type
from ..casting import cast
from ..engine import GRAD, mode
from ..layout import arranged
from ..memory import check_partial_overlap
from ..op import METHODS, REGISTRY, check_writable, composite, op, requires_grad
from ..saved import SavedInput
from ..settings import warn_once
from ..tensor import Tensor, wrap
from ..views import check_inplace, rebase_history
from .data import from_data, is_sequence, shared
from .parts import select, slice_view
from .shape import alias, unsqueeze

Indices = Sequence[Any]  # for every dimension in turn a tensor of indices or a mask, or None: all of it

# -- the tensors of an index -------------------------------------------------------------------------------------------


def _array(index: Any) -> Any:
    """The array of an index, however it comes; of one that was saved for backward, if it was not changed since."""
    if isinstance(index, Tensor):
        return index._array
    return index if index is None or isinstance(index, np.ndarray) else index.unpack(None)._array


def kept(indices: Indices) -> list[Any]:
    """Indices as the graph keeps them: freed with it, and not to be changed in between."""
    return [i if i is None else SavedInput(i if isinstance(i, Tensor) else wrap(i)) for i in indices]


def _expanded(input: Any, indices: Indices) -> list[Any]:
    """One entry for every dimension: arrays of int64, broadcast together, or None. A mask becomes the indices it marks."""
    found: list[Any] = []
    for index in map(_array, indices):
        if index is None or index.dtype.kind == "i":
            found.append(index)
            continue
        if index.dtype.kind == "u":
            warn_once("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.")
        _check_mask(input, index, len(found))
        found += list(np.nonzero(index))
    if len(found) > input.ndim:
        raise IndexError(f"too many indices for tensor of dimension {input.ndim} (got {len(found)})")
    given = [i for i in found if i is not None]
    shapes = {i.shape for i in given}
    if len(shapes) > 1:
        try:
            together = np.broadcast_shapes(*shapes)
        except ValueError:
            raise IndexError(
                "shape mismatch: indexing tensors could not be broadcast together with shapes "
                + ", ".join(str(list(i.shape)) for i in given)
            ) from None
        found = [i if i is None else np.broadcast_to(i, together) for i in found]
    return found + [None] * (input.ndim - len(found))


def _check_mask(input: Any, mask: Any, start: int) -> None:
    for d, n in enumerate(mask.shape):
        if start + d >= input.ndim or n != input.shape[start + d]:
            raise IndexError(
                f"The shape of the mask {list(mask.shape)} at index {d} does not match the shape of the indexed tensor "
                f"{list(input.shape)} at index {start + d}"
            )


def _check_lengths(input: Any, indices: Sequence[Any]) -> None:
    """Refuse to index into a length of 0."""
    if any(n == 0 and i is not None and i.size for n, i in zip(input.shape, indices, strict=True)):
        raise IndexError("index is out of bounds for dimension with size 0")


def _bounded(input: Any, indices: Sequence[Any]) -> Sequence[Any]:
    """The indices, all of them inside their dimensions. Where nothing is read torch looks at none: they become 0."""
    _check_lengths(input, indices)
    if any(n == 0 and i is None for n, i in zip(input.shape, indices, strict=True)):
        return [i if i is None else np.zeros_like(i) for i in indices]
    count = 0
    for size, index in zip(input.shape, indices, strict=True):
        if index is None:
            continue
        outside = (index < -size) | (index >= size)
        if outside.any():
            bad = index[outside].reshape(-1)[0]
            raise IndexError(f"index {bad} is out of bounds for dimension {count} with size {size}")
        count += 1
    return indices


def _front(array: Any, indices: Sequence[Any]) -> tuple[Any, list[Any], int]:
    """The array with its indexed dimensions next to each other, their indices, and the first of them.

    Where they are not, they come to the front, as in numpy.
    """
    dims = [d for d, index in enumerate(indices) if index is not None]
    given = [indices[d] for d in dims]
    if dims and dims[-1] - dims[0] + 1 == len(dims):
        return array, given, dims[0]
    rest = [d for d in range(array.ndim) if d not in dims]
    return array.transpose(dims + rest), given, 0


def _result_shape(array: Any, given: list[Any], start: int) -> tuple[int, ...]:
    return array.shape[:start] + given[0].shape + array.shape[start + len(given) :]


def _take(input: Any, indices: Sequence[Any]) -> Any:
    """The indexed elements, laid out in memory as torch's iterator lays them out."""
    array, given, start = _front(input, indices)
    key = (slice(None),) * start + tuple(given)
    result = array[key]
    if array.flags.c_contiguous and all(i.flags.c_contiguous for i in given):
        return storage.in_order(result)
    between = given[0].ndim
    shape = _result_shape(array, given, start)
    strides = array.strides[:start] + (0,) * between + array.strides[start + len(given) :]
    source = np.lib.stride_tricks.as_strided(array, shape, strides) if array.size else array
    before, after = (1,) * start, (1,) * (len(shape) - start - between)
    widened = [i.reshape(before + i.shape + after) for i in given]
    return arranged(storage.in_order(result), [source, *widened])


# -- reading -----------------------------------------------------------------------------------------------------------


def _index_backward(g, input_shape, indices):
    zeros = g.new_zeros(input_shape)
    return index_put_accumulated(zeros, indices, g)


@op(input=_index_backward, public=False)
def index(input, indices):
    """The elements at the places that tensors of indices, broadcast together, name in the first dimensions."""
    rows = _array(indices[0])
    if (
        len(indices) == 1
        and rows.dtype.kind == "i"
        and input.flags.c_contiguous
        and rows.flags.c_contiguous
        and input.ndim
    ):
        try:
            return input.take(rows, 0)
        except IndexError:
            pass  # the general way finds which it is
    return _take(input, _bounded(input, _expanded(input, indices)))


# -- writing -----------------------------------------------------------------------------------------------------------


def _put(target: Any, indices: Sequence[Any], values: Any, accumulate: bool) -> None:
    """Write values to the indexed places; with `accumulate` add them, one after the other in order."""
    array, given, start = _front(target, indices)
    key = (slice(None),) * start + tuple(given)
    shape = _result_shape(array, given, start)
    values = np.broadcast_to(_without_leading_ones(values, len(shape)), shape)
    if not values.size:
        return
    if not accumulate:
        array[key] = values
    elif array.dtype.kind == "b":
        np.logical_or.at(array, key, values)
    else:
        _add_at(array, given, start, values)


def _without_leading_ones(values: Any, ndim: int) -> Any:
    return values.reshape(values.shape[values.ndim - ndim :]) if values.ndim > ndim else values


def _add_at(array: Any, given: list[Any], start: int, values: Any) -> None:
    if start == 0 and len(given) == 1 and array.ndim == 1:
        np.add.at(array, given[0], values)
        return
    if array.dtype.kind == "f" and array.dtype.itemsize > 2:
        # One index for each row of what lies behind: then numpy's fast loop applies, and the order is the same.
        flat = np.zeros(given[0].shape, np.int64)
        for index, size in zip(given, array.shape[start:], strict=False):
            flat = flat * size + np.where(index < 0, index + size, index)
        before, behind = array.shape[:start], array.shape[start + len(given) :]
        count = int(np.prod(array.shape[start : start + len(given)]))
        inner = int(np.prod(behind))
        places = flat.reshape(-1, 1) * inner + np.arange(inner)
        whole = np.ascontiguousarray(array).reshape((-1, count * inner))
        spread = values.reshape((whole.shape[0], -1)) if values.size else np.zeros((whole.shape[0], 0), array.dtype)
        for row, added in zip(whole, spread, strict=True):
            np.add.at(row, places.reshape(-1), added)
        array[...] = whole.reshape(before + array.shape[start : start + len(given)] + behind)
        return
    np.add.at(array, (slice(None),) * start + tuple(given), values)


def _index_put_gradient(g, indices, accumulate):
    return g if accumulate else index_put_out_of_place(g, indices, g.new_zeros(()), False)


@op(
    input=_index_put_gradient,
    values=lambda g, indices: index(g, indices),
    node="IndexPutBackward0",
    out=False,
    public=False,
)
def index_put_out_of_place(input, indices, values, accumulate):
    """A copy with values at the indexed places."""
    result = storage.copy(input)
    expanded = _checked(result, indices, values)
    _put(result, expanded, values, accumulate)
    return result


@op(
    input=lambda g: g,
    values=lambda g, indices: index(g, indices),
    node="IndexPutImplBackward0",
    out=False,
    public=False,
)
def index_put_accumulated(input, indices, values):
    """A copy with values added at the indexed places."""
    result = input.copy()
    _put(result, _expanded(result, indices), values, True)
    return result


def _checked(target: Any, indices: Indices, values: Any) -> Sequence[Any]:
    """The indices one for each dimension, after the checks that torch makes before it writes."""
    expanded = _expanded(target, indices)
    _check_lengths(target, expanded)
    array, given, start = _front(target, expanded)
    shape = _result_shape(array, given, start)
    lead = len(shape) - values.ndim
    fits = all(n in (1, shape[lead + i]) if lead + i >= 0 else n == 1 for i, n in enumerate(values.shape))
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of shape "
            f"{list(shape)}"
        )
    if values.dtype != target.dtype:
        into, of = (dtypes.FROM_NUMPY[a.dtype].legacy_name for a in (target, values))
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {into} for the destination and {of} for the "
            "source."
        )
    return _bounded(target, expanded)


def put_at(input: Tensor, indices: Indices, values: Tensor, accumulate: bool = False) -> Tensor:
    """Write into the tensor itself."""
    target, source = input._array, values._array
    recorded = mode.grad and (requires_grad(input) or requires_grad(values))
    if recorded:
        check_inplace(input)
    check_writable(input)
    if not accumulate and source.size == 1 and _is_one_mask(indices):  # as masked_fill_, which casts
        place = next(i for i, index in enumerate(indices) if index is not None)
        mask = _array(indices[place])
        _check_mask(target, mask, place)
        if mask.dtype.kind == "u":
            raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype unsigned char")
        expanded: Sequence[Any] = _expanded(target, indices)
        source = cast(source, target.dtype)
    else:
        expanded = _checked(target, indices, source)
    if not target.flags.c_contiguous and 0 in target.strides:
        _warn_expanded(target)
    check_partial_overlap(target, source)
    node = None
    if recorded:
        node = REGISTRY["index_put_out_of_place"].make_node([input], [input, values], [kept(indices), accumulate])
    _put(target, expanded, source, accumulate)
    input._counter[0] += 1
    if node is not None:
        rebase_history(input, node)
    return input


def _is_one_mask(indices: Indices) -> bool:
    given = [_array(i) for i in indices if i is not None]
    return len(given) == 1 and given[0].dtype.kind in "bu"


def _warn_expanded(array: Any) -> None:
    if any(n > 1 and s == 0 for n, s in zip(array.shape, array.strides, strict=True)):
        warn_once(
            "Use of index_put_ on expanded tensors is deprecated. Please clone() the tensor before performing this operation. "
            "This also applies to advanced indexing e.g. tensor[indices] = tensor"
        )


# -- taking an index apart ---------------------------------------------------------------------------------------------


def _as_tuple(key: Any) -> tuple[Any, ...]:
    """The index for each dimension. A list that holds sequences, slices, None or `...` counts as a tuple, with a warning."""
    if isinstance(key, tuple):
        return key
    if isinstance(key, (Tensor, np.ndarray)) or not is_sequence(key) or len(key) >= 32:
        return (key,)
    for element in key:
        if element is None or element is Ellipsis or isinstance(element, (Tensor, slice)) or is_sequence(element):
            _warn_sequence()
            return tuple(key)
    return (key,)


def _warn_sequence() -> None:
    warn_once(
        "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use "
        "x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which "
        "will result either in an error or a different result"
    )


def _array_of(index: Any) -> Any:
    """A sequence as indices: a mask where it holds bools or bytes, otherwise integers."""
    if isinstance(index, np.ndarray):
        array = shared(index, warn=False)
    else:
        array = from_data(index, None)
    if array.dtype.kind in "bu":
        return array
    return from_data(index, dtypes.int64) if not isinstance(index, np.ndarray) else cast(array, np.dtype(np.int64))


def _bounds(index: slice) -> tuple[int, int | None, int]:
    """Start, end and step of a slice; a step backwards is refused."""
    try:
        start, stop, step = (None if v is None else operator.index(v) for v in (index.start, index.stop, index.step))
    except TypeError as error:
        if any(isinstance(v, Tensor) for v in (index.start, index.stop, index.step)):
            raise
        raise TypeError("slice indices must be integers or None or have an __index__ method") from error
    if step == 0:
        raise ValueError("slice step cannot be zero")
    if step is not None and step < 0:
        raise ValueError("step must be greater than zero")
    return start or 0, stop, step or 1


def _select(view: Tensor, dim: int, index: int, real_dim: int) -> Tensor:
    size = view._array.shape[dim] if view._array.ndim else 0
    if not -size <= index < size:
        if not -(2**63) <= index < 2**63:
            raise ValueError(OVERFLOW)
        if view._array.ndim == 0 and index == 0:
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim "
                "tensor to a number"
            )
        raise IndexError(f"index {index} is out of bounds for dimension {real_dim} with size {size}")
    return select(view, dim, index)


def check_index(array: Any) -> None:
    if array.dtype.kind == "f" or (array.dtype.kind == "i" and array.dtype.itemsize < 4):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")


def _apart(input: Tensor, key: tuple[Any, ...]) -> tuple[Tensor, list[Any]]:
    """The view that the plain parts of an index make, and the arrays left over, each at the place of its dimension."""
    ndim = input._array.ndim
    specified = 0
    for part in key:
        if isinstance(part, Tensor):
            specified += part._array.ndim if part._array.dtype.kind in "bu" else 1
        elif part is not None and part is not Ellipsis and part is not True and part is not False:
            specified += 1
    if specified > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    indices: list[Any] = []
    view, dim = input, 0
    extra = 0  # how many dimensions the masks so far have covered beyond one each

    def record(index: Any, covered: int = 1) -> None:
        nonlocal dim, extra
        indices.extend([None] * (dim - extra - len(indices)))
        indices.append(index)
        dim += covered
        extra += covered - 1

    for real_dim, part in enumerate(key):
        if isinstance(part, (list, tuple, range, np.ndarray)) or _is_other_sequence(part):
            part = _array_of(part)
        array = part._array if isinstance(part, Tensor) else part
        if isinstance(array, np.ndarray):
            if array.ndim or array.dtype.kind == "f":
                check_index(array)
                record(part, array.ndim if array.dtype.kind in "bu" else 1)
                continue
            if array.dtype.kind == "i":
                view = _select(view, dim, int(array), real_dim)
                continue
            part = bool(array)
        if part is None:
            view = unsqueeze(view, dim)
            dim += 1
        elif part is Ellipsis:
            dim += ndim - specified
        elif part is True or part is False:
            view = unsqueeze(view, dim)
            record(np.zeros(1 if part else 0, np.int64))
        elif isinstance(part, slice):
            start, stop, step = _bounds(part)
            size = view._array.shape[dim]
            if start or step != 1 or (stop is not None and stop < size):
                view = slice_view(view, dim, start, stop, step)
            dim += 1
        else:
            try:
                number = operator.index(part)
            except TypeError:
                raise IndexError(
                    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
                    f"{type_name(part)})"
                ) from None
            view = _select(view, dim, number, real_dim)
    return view, indices


def _is_other_sequence(part: Any) -> bool:
    return not isinstance(part, (int, slice, type(None), type(Ellipsis), np.generic)) and is_sequence(part)


def getitem(self: Tensor, key: Any) -> Tensor:
    """x[key]: a view where the index has no tensors and sequences, otherwise a copy."""
    kind = type(key)
    if kind is int:
        array = self._array
        if array.ndim and -array.shape[0] <= key < array.shape[0]:
            return select(self, 0, key)
        return _select(self, 0, key, 0)
    if kind is slice:
        start, stop, step = _bounds(key)
        return slice_view(self, 0, start, stop, step)
    if kind is Tensor and key._array.dtype.char == "l" and key._array.ndim and self._array.ndim:
        view, indices = self, [key]
    else:
        view, indices = _apart(self, _as_tuple(key))
    if indices:
        recorded = mode.flags & GRAD and requires_grad(view)
        return index(view, kept(indices) if recorded else indices)
    return alias(view) if view is self else view


def setitem(self: Tensor, key: Any, value: Any) -> None:
    """x[key] = value: the value, cast and broadcast, is written to these places; through views and their graph."""
    if not isinstance(value, Tensor):
        value = _value(self, value)
    kind = type(key)
    if key is False:
        return
    if kind is int:
        indices: list[Any] = []
        view = _select(self, 0, key, 0)
    elif key is True:
        view, indices = unsqueeze(self, 0), []
    elif kind is slice and not self._array.ndim:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    else:
        view, indices = _apart(self, _as_tuple(key))
    if not indices:
        _copy_to(view, value)
        return
    shape = _without_ones(value._array.shape)
    put_at(view, indices, value if shape == value._array.shape else value.view(shape))


def _value(self: Tensor, value: Any) -> Tensor:
    """A number as a tensor of this one's dtype."""
    if isinstance(value, (bool, int, float, np.integer)):
        if isinstance(value, (int, np.integer)) and not -(2**63) <= value < 2**63:
            raise ValueError(OVERFLOW)
        return wrap(np.asarray(fit(int(value) if isinstance(value, np.integer) else value, self.dtype)))
    raise TypeError(f"can't assign a {type_name(value)} to a {self.type()}")


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape from its first length other than 1 on."""
    for i, n in enumerate(shape):
        if n != 1:
            return shape[i:]
    return ()


def _copy_to(view: Tensor, value: Tensor) -> None:
    shape, own = view._array.shape, value._array.shape
    if own == shape:
        view.copy_(value)
    elif not own:
        view.fill_(value)
    else:
        short = _without_ones(own)
        value = value.view(short)
        view.copy_(value if short == shape else value.expand(shape))


def delitem(self: Tensor, key: Any) -> None:
    raise TypeError("Tensor does not support deleting items")


METHODS.here |= {"__getitem__": getitem, "__setitem__": setitem, "__delitem__": delitem}


# -- the same by name --------------------------------------------------------------------------------------------------


def _checked_indices(indices: Any) -> list[Tensor]:
    if not isinstance(indices, (tuple, list)):
        raise wrong_type("indices", 2, "tuple of Tensors", indices)
    for i, tensor in enumerate(indices):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument {called()[1]}, but got {type_name(tensor)}")
        check_index(tensor._array)
    return list(indices)


@composite
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy with values at the places named by tensors of indices, or added to what is there."""
    return index_put_out_of_place(input, kept(_checked_indices(indices)), values, accumulate)


@composite
def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Write values to the places named by tensors of indices, or add them to what is there."""
    return put_at(input, _checked_indices(indices), values, accumulate)
