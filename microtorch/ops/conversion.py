"""Copies in another dtype, and values written into memory that exists."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import fit, from_sizes, no_overload, to_number, wrong_type
from ..casting import cast
from ..engine import GRAD, mode
from ..memory import check_overlap, check_partial_overlap
from ..op import REGISTRY, check_writable, composite, only_function, only_method, op, publish, requires_grad
from ..tensor import Tensor, wrap
from ..types import Size, contiguous_format, device, preserve_format, require_cpu
from ..views import check_inplace, rebase_history
from .creation import check_shape, zeros_like
from .expanding import common_shape

NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)

# -- copies ------------------------------------------------------------------------------------------------------------


@op(input=lambda g: g, node="ToCopyBackward0", out=False, public=False)
def to_copy(input, dtype, memory_format=None):
    """The values in another dtype; the engine brings the gradient back to this one."""
    target = dtype.numpy
    if input.flags.c_contiguous or memory_format is contiguous_format:
        return input.copy() if input.dtype is target else np.asarray(cast(input, target), order="C")
    result = storage.empty_like(input, target)
    result[...] = cast(input, target)
    return result


@op(input=lambda g: g, out=False)
def clone(input, *, memory_format=None):
    """A copy; the gradient passes through."""
    if memory_format is None or memory_format is preserve_format:
        return storage.copy(input)
    if memory_format is not contiguous_format:
        raise wrong_type("memory_format", 0, "torch.memory_format", memory_format)
    return input.copy()


_TO = [
    "torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, *, "
    "torch.memory_format memory_format = None",
    "torch.dtype dtype, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None",
    "Tensor tensor, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None",
]


@only_method
def to(self: Tensor, *args: Any, copy: bool = False, memory_format: Any = None, **named: Any) -> Tensor:
    """The values in another dtype, or in that of another tensor; the tensor itself if it has it, unless asked to `copy`."""
    dtype = named.get("dtype")
    rest = list(args)
    if rest and isinstance(rest[0], Tensor):
        dtype = rest.pop(0).dtype
    elif rest and (isinstance(rest[0], dtypes.dtype) or _is_python_type(rest[0])):
        dtype = rest.pop(0)
    elif isinstance(named.get("tensor"), Tensor):
        dtype = named["tensor"].dtype
    elif rest:
        where = rest.pop(0)
        if not isinstance(where, (str, device, int, builtins.type(None))):
            raise no_overload(_TO, args, **named)
        require_cpu(where)
        if rest:
            dtype = rest.pop(0)
    require_cpu(named.get("device"))
    if _is_python_type(dtype):
        dtype = dtypes.FROM_PYTHON[dtype]  # type: ignore[index]
    unknown = set(named) - {"dtype", "device", "non_blocking", "tensor"}
    if unknown or len(rest) > 2 or not all(isinstance(flag, bool) for flag in rest):
        raise no_overload(_TO, args, **named)
    if dtype is not None and not isinstance(dtype, dtypes.dtype):
        raise no_overload(_TO, args, **named)
    return in_dtype(self, dtype or self.dtype, copy or (len(rest) == 2 and rest[1]), memory_format)


def _is_python_type(value: Any) -> bool:
    return any(value is t for t in dtypes.FROM_PYTHON)


def in_dtype(input: Tensor, dtype: dtypes.dtype, copy: bool = False, memory_format: Any = None) -> Tensor:
    """The tensor itself if it is of this dtype and no copy is asked for, otherwise a copy."""
    if input._array.dtype is dtype.numpy and not copy:
        return input
    if not dtype.is_floating_point:  # no gradient can pass
        return wrap(REGISTRY["to_copy"].forward(input._array, dtype, memory_format))
    return to_copy(input, dtype, memory_format)


def _publish_conversion(name: str, dtype: dtypes.dtype) -> None:
    def convert(self: Tensor, *, memory_format: Any = None) -> Tensor:
        return in_dtype(self, dtype, False, memory_format)

    convert.__name__ = name
    convert.__doc__ = f"The values as {dtype.name}."
    publish(convert, "method")


for _name, _dtype in {
    "float": dtypes.float32,
    "double": dtypes.float64,
    "half": dtypes.float16,
    "int": dtypes.int32,
    "long": dtypes.int64,
    "short": dtypes.int16,
    "char": dtypes.int8,
    "byte": dtypes.uint8,
    "bool": dtypes.bool_,
}.items():
    _publish_conversion(_name, _dtype)

BY_LEGACY_NAME = {f"torch.{d.legacy_name}Tensor": d for d in dtypes.ALL}


@only_method
def type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type, such as torch.FloatTensor; given a dtype or such a name, the values in it."""
    if dtype is None:
        return f"torch.{self.dtype.legacy_name}Tensor"
    if isinstance(dtype, dtypes.dtype):
        return in_dtype(self, dtype)
    if isinstance(dtype, str):
        name = dtype
    elif dtype is Tensor:
        name = f"torch.{dtypes.get_default_dtype().legacy_name}Tensor"
    elif isinstance(dtype, builtins.type):
        name = f"torch.{dtype.__name__}" if hasattr(dtype, "dtype") else dtype.__name__
    else:
        raise TypeError("dtype must be a type, str, or dtype object")
    if name not in BY_LEGACY_NAME:
        raise ValueError(f"invalid type: '{name}'")
    return in_dtype(self, BY_LEGACY_NAME[name])


@only_function
def typename(obj: Any, /) -> str:
    """A type, or that of an object, as torch names it: `torch.FloatTensor`, `torch.nn.modules.linear.Linear`."""
    if isinstance(obj, Tensor):
        return type(obj)
    kind = obj if hasattr(obj, "__qualname__") else builtins.type(obj)
    package, dot, rest = (getattr(kind, "__module__", None) or "builtins").partition(".")
    if package == "builtins":
        return kind.__qualname__
    if package == "microtorch":
        package = "torch"
        if kind in (dtypes.dtype, device, Size, Tensor):  # which are at the top there
            dot = rest = ""
    return f"{package}{dot}{rest}.{kind.__qualname__}"


@only_method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The values in the dtype of another tensor."""
    if not isinstance(other, Tensor):
        raise wrong_type("other", 2, "Tensor", other)
    return in_dtype(self, other.dtype)


@only_method
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself: it is on the CPU."""
    return self


@only_method
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Refused: there is no GPU here."""
    require_cpu("cuda")
    return self


@only_method
def bfloat16(self: Tensor, *, memory_format: Any = None) -> Tensor:
    """Refused: numpy has no such numbers."""
    raise NotImplementedError("microtorch does not have the dtype bfloat16")


@only_method
def _to_numpy_dtype(self: Tensor, dtype: Any) -> Tensor:
    """What the engine calls to bring a gradient to the dtype of its input."""
    return in_dtype(self, dtypes.FROM_NUMPY[dtype])


# -- into memory that exists -------------------------------------------------------------------------------------------


@op(input=lambda g: zeros_like(g), source=lambda g: g, node="CopyBackwards", out=False, public=False)
def copied(input, source):
    """The values of `source`, cast and broadcast, in the place of those of `input`."""
    return np.array(cast(np.broadcast_to(source, input.shape), input.dtype))


@only_method
def copy_(self: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """Write the values of another tensor, cast and broadcast, into this one."""
    if not isinstance(other, Tensor):
        if not isinstance(other, NUMBERS):
            raise wrong_type("other", 2, "Tensor", other)
        other = wrap(np.asarray(other, np.float64 if isinstance(other, (float, np.floating)) else None))
    target, source = self._array, other._array
    recorded = mode.grad and target.dtype.kind == "f" and (requires_grad(self) or requires_grad(other))
    if recorded:
        check_inplace(self)
    check_writable(self)
    if not self.is_set_to(other):  # of itself a tensor may be a copy even where it overlaps itself
        check_overlap(target)
        check_partial_overlap(target, source)
    if target.shape != source.shape:
        shape = common_shape(target.shape, source.shape)
        if shape != target.shape:
            raise RuntimeError(
                f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(shape)}"
            )
    node = REGISTRY["copied"].make_node([self], [self, other], []) if recorded else None
    target[...] = cast(source, target.dtype)
    self._counter[0] += 1
    if node is not None:
        rebase_history(self, node)
    return self


@op(
    input=lambda g: zeros_like(g),
    value=lambda g: g.sum(),
    node=lambda input, value: "FillBackward1" if isinstance(value, Tensor) else "FillBackward0",
    out=False,
    public=False,
)
def filled(input, value):
    """One value everywhere."""
    result = storage.empty_like(input)
    result.fill(value)
    return result


def _fill_value(input: Tensor, value: Any) -> Any:
    """The value in the dtype of the tensor."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
            )
        return cast(value._array, input._array.dtype)[()]
    if not isinstance(value, NUMBERS):
        raise no_overload()
    return fit(to_number("value", 2, value), input.dtype)


@only_function
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of the shape of `input` with one value everywhere."""
    number = _fill_value(input, value)
    array = storage.empty_like(input._array)
    array.fill(number)
    result = wrap(array)
    if mode.grad and (requires_grad(input) or requires_grad(value)):
        REGISTRY["filled"].record((result,), [input, value], [])
    return result


def _fill_in_place(input: Tensor, number: Any, node: str, *value: Tensor) -> Tensor:
    """Write a number everywhere, also into memory that overlaps itself; `value`: the tensor that it came from."""
    recorded = mode.flags & GRAD and any(map(requires_grad, (input, *value)))
    if recorded:
        check_inplace(input)
    check_writable(input)
    if value:
        check_overlap(input._array)
    made = None
    if recorded:
        made = REGISTRY["filled"].make_node([input], [input, value[0] if value else 0], [], name=node)
    input._array.fill(number)
    input._counter[0] += 1
    if made is not None:
        rebase_history(input, made)
    return input


@composite
def fill_(input: Tensor, value: Any) -> Tensor:
    """Write one value everywhere; a number that the dtype cannot hold is refused."""
    number = _fill_value(input, value)
    if isinstance(value, Tensor):
        return _fill_in_place(input, number, "FillBackward3", value)
    return _fill_in_place(input, number, "FillBackward2")


@composite
def zero_(input: Tensor) -> Tensor:
    """Write zeros everywhere."""
    return _fill_in_place(input, 0, "ZeroBackward0")


@only_method
def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Another shape on the same memory, or on more of it: its elements in order, what is new undefined."""
    shape = from_sizes("size", 2, sizes)
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if min(shape, default=0) < 0:
        raise RuntimeError("numel: integer multiplication overflow")
    check_shape(shape)
    if shape != self._array.shape:
        self._array = storage.resized(self._array, shape)
    self._counter[0] += 1
    return self


@composite
def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """`resize_` to the shape of another tensor."""
    return resize_(input, the_template._array.shape)
