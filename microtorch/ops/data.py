"""Tensors from Python numbers, nested sequences and numpy arrays."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import OVERFLOW, are_ints, fit, to_number, type_name
from ..casting import cast
from ..op import only_function, only_method
from ..settings import warn_once
from ..tensor import Tensor, wrap
from .conversion import in_dtype
from .creation import finish, options

Array = np.ndarray[Any, Any]
MAX_DIMS = 128
INT64 = dtypes.int64

# -- nested sequences --------------------------------------------------------------------------------------------------


def from_data(data: Any, dtype: dtypes.dtype | None) -> Array:
    """A fresh array with the numbers in a number or in sequences of sequences of one length; by default of their dtype."""
    kind = type(data)
    if kind is float or kind is int or kind is bool:  # the usual case
        return _store([data], dtype or dtypes.of_number(data), ()) if kind is not float else _fraction(data, dtype)
    if kind is list and (dtype is None or dtype is INT64) and data and are_ints(data):
        try:
            return np.array(data, INT64.numpy)
        except OverflowError:
            raise ValueError(OVERFLOW) from None
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type_name(data)}'")
    shape = _shape(data)
    found = _infer(data) if dtype is None else dtype
    leaves: list[Any] = []
    if 0 not in shape:
        _collect(data, shape, 0, leaves)
    return _store(leaves, found, shape)


def _fraction(value: float, dtype: dtypes.dtype | None) -> Array:
    target = dtype or dtypes.get_default_dtype()
    return _store([value], target, ())


def is_sequence(value: Any) -> bool:
    """Whether Python's C interface takes a value for a sequence."""
    if isinstance(value, (list, tuple, range, str, bytes, np.ndarray, memoryview)):
        return not (isinstance(value, np.ndarray) and value.ndim == 0)
    if isinstance(value, (Tensor, dict, set, frozenset, np.generic, type)):
        return False
    return hasattr(type(value), "__getitem__")


def _shape(data: Any) -> tuple[int, ...]:
    """The lengths along the first elements."""
    shape: list[int] = []
    while is_sequence(data):
        shape.append(len(data))
        if len(shape) > MAX_DIMS:
            raise ValueError(f"too many dimensions '{type_name(data)}'")
        if not shape[-1]:
            break
        data = data[0]
    return tuple(shape)


def _infer(data: Any) -> dtypes.dtype:
    """The dtype to which all numbers come together."""
    if isinstance(data, (np.ndarray, np.generic)):
        return _of_numpy(data.dtype)
    if isinstance(data, (bool, int, float)):
        return dtypes.of_number(data)
    if isinstance(data, complex):
        raise NotImplementedError("microtorch does not have complex dtypes")
    if isinstance(data, Tensor):
        return data.dtype
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type_name(data)}'")
    if not is_sequence(data):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    found: dtypes.dtype | None = None
    kinds = set(map(type, data)) if isinstance(data, (list, tuple)) else set()
    if kinds and kinds <= {int, float, bool}:
        return dtypes.get_default_dtype() if float in kinds else dtypes.int64 if int in kinds else dtypes.bool_
    for element in data:
        if element is data:
            raise TypeError("new(): self-referential lists are incompatible")
        kind = _infer(element)
        found = kind if found is None else dtypes.promote_types(found, kind)
    return dtypes.get_default_dtype() if found is None else found


def _collect(data: Any, shape: tuple[int, ...], dim: int, leaves: list[Any]) -> None:
    """All numbers in order; every sequence must be as long as the first of its depth."""
    if dim == len(shape):
        leaves.append(data)
        return
    try:
        elements = data if isinstance(data, (list, tuple)) else list(data)
    except TypeError:
        raise TypeError("not a sequence") from None
    if len(elements) != shape[dim]:
        raise ValueError(f"expected sequence of length {shape[dim]} at dim {dim} (got {len(elements)})")
    if dim == len(shape) - 1:
        leaves.extend(elements)
        return
    for element in elements:
        if isinstance(element, np.ndarray):
            _warn_slow()
        _collect(element, shape, dim + 1, leaves)


def _warn_slow() -> None:
    warn_once(
        "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list to a single "
        "numpy.ndarray with numpy.array() before converting to a tensor."
    )


def _store(leaves: list[Any], dtype: dtypes.dtype, shape: tuple[int, ...]) -> Array:
    """The numbers as an array; integers must be within the dtype's range."""
    if dtype.is_floating_point:
        values = [v if type(v) is float else _as_float(v) for v in leaves]
        return cast(np.array(values, np.float64), dtype.numpy).reshape(shape)
    if dtype is dtypes.bool_:
        return np.array([_as_number(v) != 0 for v in leaves], np.bool_).reshape(shape)
    numbers = [v if type(v) is int else _as_number(v) for v in leaves]
    if dtype is dtypes.int64 and all(type(v) is int for v in numbers):
        try:
            return np.array(numbers, np.int64).reshape(shape)
        except OverflowError:
            raise ValueError(OVERFLOW) from None
    for v in numbers:
        if type(v) is int and not -(2**63) <= v < 2**63:
            raise ValueError(OVERFLOW)
    return np.array([fit(v, dtype, dtype.name) for v in numbers], dtype.numpy).reshape(shape)


def _as_float(value: Any) -> float:
    if isinstance(value, np.ndarray):
        value = value.item()
    if not hasattr(value, "__float__"):
        raise TypeError(f"must be real number, not {type(value).__name__}")
    return float(value)


def _as_number(value: Any) -> bool | int | float:
    """A Python number; a sequence where a number should be is refused in Python's words."""
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        return value.item()
    if isinstance(value, Tensor):
        return operator.index(value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return value.item()
    raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")


# -- numpy arrays ------------------------------------------------------------------------------------------------------


def _of_numpy(dtype: np.dtype[Any]) -> dtypes.dtype:
    found = dtypes.FROM_NUMPY.get(dtype)
    if found is not None:
        return found
    if dtype.kind in "cu" and dtype.itemsize <= 16 and dtype.isnative:
        raise NotImplementedError(f"microtorch does not have the dtype {dtype.name}")
    raise TypeError(
        f"can't convert np.ndarray of type numpy.{dtype.type.__name__}. The only supported types are: float64, float32, "
        "float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
    )


def shared(array: Any, warn: bool = True) -> Array:
    """The memory of a numpy array as a storage of its own, if torch could use it."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type_name(array)})")
    if warn and not array.flags.writeable:
        warn_once(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to "
            "this tensor will result in undefined behavior. You may want to copy the array to protect its data or make it "
            "writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program."
        )
    for stride in array.strides:
        if stride % array.itemsize:
            raise ValueError(
                "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the "
                "memory."
            )
    if min(array.strides, default=0) < 0:
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently "
            "supported. (You can probably work around this by making a copy of your array  with array.copy().) "
        )
    if not array.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is "
            "currently not supported."
        )
    _of_numpy(array.dtype)
    return storage.borrow(array)


@only_function
def from_numpy(ndarray: Any, /) -> Tensor:
    """A tensor on the memory of a numpy array: what is written to one is seen in the other."""
    return wrap(shared(ndarray))


@only_function
def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A tensor on the bytes of a buffer, such as a bytearray."""
    array = np.frombuffer(buffer, dtypes.as_dtype(dtype, "frombuffer(): argument 'dtype'").numpy, count, offset)
    if not array.flags.writeable:
        _warn_buffer()
    return finish(storage.borrow(array), requires_grad)


def _warn_buffer() -> None:
    warn_once(
        "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can write to the "
        "underlying (supposedly non-writable) buffer using the tensor. You may want to copy the buffer to protect its data or "
        "make it writable before converting it to a tensor. This type of warning will be suppressed for the rest of this "
        "program."
    )


# -- whatever there is -------------------------------------------------------------------------------------------------


def copy_of(data: Any, dtype: dtypes.dtype | None) -> Array:
    """A fresh array with the values of a tensor, an array, a number or a sequence."""
    if isinstance(data, Tensor):
        same = data._array
        return storage.copy(same) if dtype is None or dtype.numpy is same.dtype else _cast_in_layout(same, dtype)
    if isinstance(data, np.ndarray):
        own = shared(data, warn=False)
        return storage.copy(own) if dtype is None or dtype.numpy is own.dtype else _cast_in_layout(own, dtype)
    return from_data(data, dtype)


def _cast_in_layout(array: Array, dtype: dtypes.dtype) -> Array:
    result = storage.empty_like(array, dtype.numpy)
    result[...] = cast(array, dtype.numpy)
    return result


@only_function
def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new leaf with a copy of numbers, nested sequences of them, an array or a tensor (of which `clone` is the copy)."""
    chosen = options("tensor", dtype, device, None, pin_memory)
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            stacklevel=2,
        )
    return finish(copy_of(data, chosen), requires_grad)


@only_method
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any
) -> Tensor:
    """A new leaf with a copy of data, by default in this tensor's dtype."""
    chosen = options("new_tensor", dtype, device) or self.dtype
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than tensor.new_tensor(sourceTensor).",
            stacklevel=2,
        )
    return finish(copy_of(data, chosen), requires_grad)


@only_function
def as_tensor(data: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor with the data: a tensor or an array itself, sharing memory, if it is of the dtype; otherwise a copy."""
    chosen = options("as_tensor", dtype, device)
    if isinstance(data, Tensor):
        return in_dtype(data, chosen or data.dtype)
    if isinstance(data, np.ndarray):
        made = wrap(shared(data))
        return in_dtype(made, chosen or made.dtype)
    return wrap(from_data(data, chosen))


@only_function
def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Tensor:
    """As `as_tensor`; `copy` demands a copy or refuses one, and whatever exposes its bytes is taken by them."""
    chosen = options("asarray", dtype, device)
    wanted = bool(requires_grad)
    if isinstance(obj, Tensor):
        made = obj
        if requires_grad is None and obj.requires_grad:
            warn_once(
                "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass "
                "requires_grad=False explicitly to get the old behavior and silence this warning."
            )
            wanted = True
    elif isinstance(obj, np.ndarray):
        made = wrap(shared(obj))
    elif isinstance(obj, (bytes, bytearray, memoryview)) and chosen is not None:
        made = frombuffer(obj, dtype=chosen)
    else:
        if copy is False and not isinstance(obj, np.generic):
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return finish(from_data(obj, chosen), wanted)
    if chosen is not None and chosen is not made.dtype:
        if copy is False:
            raise ValueError(
                f"can't alias tensor with dtype '{made.dtype.legacy_name}' into dtype '{chosen.legacy_name}'."
            )
        made = in_dtype(made, chosen)
    elif copy:
        made = made.clone()
    if not wanted and made.requires_grad:
        made = made.detach()
    elif wanted:  # also where it requires one as the view it is, to have a gradient of its own
        made = (made.detach() if made is obj and not made.requires_grad else made).requires_grad_()
    return made


@only_function
def scalar_tensor(
    s: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A number as a tensor of no dimensions, by default of the default dtype."""
    chosen = options("scalar_tensor", dtype, device, layout, pin_memory) or dtypes.get_default_dtype()
    return finish(np.array(fit(to_number("s", 1, s), chosen)), requires_grad)
