"""x[…]: reading and writing by everything that torch indexes by.

An index is taken apart as torch takes it apart: integers, slices, None and `...` become views, one after the other;
tensors, and all that stands for one, are left over and handled at once, by `index` and `index_put_`.
"""

from __future__ import annotations

import operator
import sys
from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import OVERFLOW, fit, type_name
from ..casting import cast
from ..engine import GRAD, mode
from ..op import METHODS, requires_grad
from ..settings import warn
from ..tensor import Tensor, wrap
from .data import from_data, is_sequence, shared
from .index_tensors import check_index, kept
from .indexing import index, put_at
from .parts import select, slice_view
from .shape import alias, unsqueeze

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
    warn(
        "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use "
        "x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which "
        "will result either in an error or a different result"
    )


def _from_sequence(index: Any) -> Any:
    """A sequence as indices: a mask where it holds bools or bytes, otherwise integers."""
    if isinstance(index, np.ndarray):
        array = shared(index, warn=False)
    else:
        array = from_data(index, None)
    if array.dtype.kind in "bu":
        return array
    return from_data(index, dtypes.int64) if not isinstance(index, np.ndarray) else cast(array, np.dtype(np.int64))


def _bounds(index: slice) -> tuple[int, int, int]:
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
    return start or 0, sys.maxsize if stop is None else stop, step or 1


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
            part = _from_sequence(part)
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
            if start or step != 1 or stop < size:
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


# -- reading and writing -----------------------------------------------------------------------------------------------


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
    if _is_one_index(self, key):
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
        number = _number(self, value)
        if _fills_window(self, key, number):
            return
        value = wrap(np.asarray(number))
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
    elif _is_one_index(self, key):
        view, indices = self, [key]
    else:
        view, indices = _apart(self, _as_tuple(key))
    if not indices:
        _copy_to(view, value)
        return
    shape = _without_ones(value._array.shape)
    put_at(view, indices, value if shape == value._array.shape else value.view(shape))


def _is_one_index(self: Tensor, key: Any) -> bool:
    """Whether an index is a tensor of places along the first dimension, or a mask of the first dimensions."""
    if type(key) is not Tensor:
        return False
    array = key._array
    kind = array.dtype.char
    return (kind == "l" and array.ndim > 0 < self._array.ndim) or (kind == "?" and 0 < array.ndim <= self._array.ndim)


def _fills_window(self: Tensor, key: Any, number: Any) -> bool:
    """Write a number where integers and slices lead, if nothing is recorded or refused; or say that this is not done."""
    if (mode.flags & GRAD and requires_grad(self)) or type(self._counter) is not list:
        return False
    parts = key if type(key) is tuple else (key,)
    for part in parts:
        if type(part) is slice:
            step = part.step
            forward = step is None or (type(step) is int and step > 0)
            if not (forward and type(part.start) in _BOUNDS and type(part.stop) in _BOUNDS):
                return False
        elif type(part) is not int:
            return False
    try:
        window = self._array[(*parts, ...)]
    except IndexError:
        return False
    if 0 in window.strides:
        return False
    window.fill(number)
    self._counter[0] += 1
    return True


_BOUNDS = {int, type(None)}


def _number(self: Tensor, value: Any) -> Any:
    """A number in this tensor's dtype."""
    if isinstance(value, (bool, int, float, np.integer)):
        if isinstance(value, (int, np.integer)) and not -(2**63) <= value < 2**63:
            raise ValueError(OVERFLOW)
        return fit(int(value) if isinstance(value, np.integer) else value, self.dtype)
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
