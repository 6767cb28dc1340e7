"""The constructors of old: torch.Tensor(2, 3), torch.LongTensor([1, 2]), x.new(3)."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import is_int, type_name
from ..op import FUNCTIONS, METHODS, only_function, only_method
from ..settings import warn_once
from ..tensor import Tensor, wrap
from ..types import Size, require_cpu
from .creation import check_shape
from .data import copy_of, from_data, is_sequence
from .shape import alias


@only_function
def set_default_tensor_type(t: Any, /) -> None:
    """`set_default_dtype` by a type such as torch.DoubleTensor, or by its name; deprecated."""
    if isinstance(t, str):
        kind = LEGACY_TYPES.get(t.removeprefix("torch."))
        if kind is None:
            raise TypeError(f"invalid type name: {t}")
        t = kind
    warn_once(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives."
    )
    if not isinstance(t, tensortype):
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    if not t.dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    dtypes.set_default_dtype(t.dtype)


class tensortype(type):
    """The type of `FloatTensor` and the like: calling one makes a tensor, and `isinstance` asks for the dtype."""

    dtype: dtypes.dtype
    is_cuda = False

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype

    def __call__(cls, *args: Any, **named: Any) -> Tensor:
        return legacy(cls.dtype, True, args, named)


_LEGACY = [
    "*, torch.device device = None",
    "torch.Storage storage",
    "Tensor other",
    "tuple of ints size, *, torch.device device = None",
    "object data, *, torch.device device = None",
]


def legacy(dtype: dtypes.dtype, strict: bool, args: Sequence[Any], named: dict[str, Any]) -> Tensor:
    """A tensor by the rules of old: ints or a Size are a shape, undefined values within; other sequences are data."""
    if set(named) - {"device"}:
        raise _refused(args, named)
    where = named.get("device")
    if where is not None:
        name = str(where).partition(":")[0]
        if name != "cpu":
            raise RuntimeError(f"legacy constructor expects device type: cpu but device type: {name} was passed")
        require_cpu(where)
    if not args:
        return wrap(np.empty(0, dtype.numpy))
    first = args[0]
    if (is_int(first) and not isinstance(first, Tensor)) or (isinstance(first, Size) and len(args) == 1):
        shape = _shape_of_old(args)
        check_shape(shape)
        return wrap(np.empty(shape, dtype.numpy))
    if len(args) > 1:
        raise _refused(args, named)
    if isinstance(first, Tensor):
        if strict and first.dtype is not dtype:
            raise TypeError(f"expected {_options_text(dtype)} (got {_options_text(first.dtype)})")
        return alias(first)
    if isinstance(first, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type_name(first)}'")
    if not is_sequence(first):
        raise TypeError(f"new(): data must be a sequence (got {type_name(first)})")
    return wrap(copy_of(first, dtype) if isinstance(first, np.ndarray) else from_data(first, dtype))


def _shape_of_old(args: Sequence[Any]) -> tuple[int, ...]:
    values = args[0] if isinstance(args[0], tuple) else args
    for i, value in enumerate(values):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            if isinstance(value, (list, tuple)) or i == 0:
                raise _refused(args, {})
            raise TypeError(
                f"new(): argument 'size' failed to unpack the object at pos {i + 1} with error \"type must be tuple of "
                f'ints,but got {type_name(value)}"'
            )
    return tuple(map(operator.index, values))


def _refused(args: Sequence[Any], named: dict[str, Any]) -> TypeError:
    given = [type_name(a) for a in args]
    marked = "".join(
        f", {k}={'torch.dtype' if isinstance(v, dtypes.dtype) else type_name(v)}" for k, v in named.items()
    )
    if named:
        unknown = ", ".join(k for k in named if k != "device")
        reason = f"      didn't match because some of the keywords were incorrect: {unknown}\n"
    else:
        shown = ", ".join(
            f"!list of [{', '.join(map(type_name, a))}]!" if isinstance(a, list) else f"!{type_name(a)}!" for a in args
        )
        reason = f"      didn't match because some of the arguments have invalid types: ({shown})\n"
    lines = [f" * ({s})\n" + (reason if i == 0 else "") for i, s in enumerate(_LEGACY)]
    return TypeError(
        f"new() received an invalid combination of arguments - got ({', '.join(given)}{marked}), but expected one of:\n"
        + "".join(lines)
    )


def _options_text(dtype: dtypes.dtype) -> str:
    cpp = {
        "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int", "int64": "long int",
        "float16": "c10::Half", "float32": "float", "float64": "double", "bool": "bool",
    }[dtype.name]  # fmt: skip
    return (
        f"TensorOptions(dtype={cpp}, device=cpu, layout=Strided, requires_grad=false (default), pinned_memory=false (default), "
        "memory_format=(nullopt))"
    )


def construct(cls: type[Tensor], *args: Any, **named: Any) -> Tensor:
    """`torch.Tensor(…)`, of the default dtype; a tensor is taken with the dtype it has."""
    made = legacy(dtypes.get_default_dtype(), False, args, named)
    if cls is not Tensor:
        made.__class__ = cls
    return made


METHODS.here["__new__"] = construct


@only_method
def new(self: Tensor, *args: Any, **named: Any) -> Tensor:
    """A tensor of this one's dtype by the rules of old."""
    return legacy(self.dtype, False, args, named)


tensortype.__module__ = "torch"
LEGACY_TYPES = {
    f"{d.legacy_name}Tensor": tensortype(f"{d.legacy_name}Tensor", (), {"dtype": d, "__module__": "torch"})
    for d in dtypes.ALL
}
FUNCTIONS.here |= LEGACY_TYPES
