"""Arguments that are no tensors: what torch takes for an int, a tuple of ints, a number, and its words for the rest.

A check looks for the published function on the stack only when it fails. That tells the name by which the operation was
called, and the number of the argument, which is one less in a method than in a function.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Mapping, Sequence
from inspect import CO_VARARGS, CO_VARKEYWORDS
from itertools import islice
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from . import dtypes
from .casting import cast
from .types import Size, device, layout, memory_format

# Name and number of the first argument for every function and method; two codes may differ in nothing but their qualname.
PUBLISHED: dict[tuple[CodeType, str], tuple[str, int]] = {}
DEFAULTS: dict[tuple[CodeType, str], tuple[tuple[Any, ...], Mapping[str, Any]]] = {}  # of their arguments
MISSING: Any = type("MISSING", (), {"__repr__": lambda self: "MISSING"})()  # an argument that was not given
VALUES = dtypes.dtype, Size, device, layout, memory_format  # which torch names with its own name before theirs
OVERFLOW = "Overflow when unpacking long long"


def called() -> tuple[str, int]:
    """The published function that is being executed: its name and the number of its first argument."""
    return _caller()[1]


def _caller() -> tuple[FrameType, tuple[str, int]]:
    frame = sys._getframe(2)
    while (frame.f_code, frame.f_code.co_qualname) not in PUBLISHED:
        assert frame.f_back is not None, "a check of arguments outside a published function"
        frame = frame.f_back
    return frame, PUBLISHED[frame.f_code, frame.f_code.co_qualname]


def register(code: CodeType, name: str, first: int, like: FunctionType) -> None:
    """Note that this is the code of a published function or method, with the defaults of a function like it."""
    key = code, code.co_qualname
    PUBLISHED[key] = name, first
    DEFAULTS[key] = like.__defaults__ or (), like.__kwdefaults__ or {}


def type_name(value: Any) -> str:
    """The type of a value as torch's messages write it."""
    module, name = type(value).__module__, type(value).__name__
    if isinstance(value, VALUES):
        return f"torch.{name}"
    return name if module == "builtins" or module.partition(".")[0] in ("torch", "microtorch") else f"{module}.{name}"


def wrong_type(argument: str, position: int, expected: str, value: Any) -> TypeError:
    """The `position`th argument of the function (0: it has only a name) is of the wrong type."""
    name, first = called()
    place = f" (position {position - 1 + first})" if position else ""
    return refused(TypeError(f"{name}(): argument '{argument}'{place} must be {expected}, not {type_name(value)}"))


def is_int(value: Any) -> bool:
    """Whether torch takes a value for an int: also numpy's, and integer tensors of one element, but no bool."""
    if type(value) is int:
        return True
    if isinstance(value, (bool, np.bool_)):
        return False
    try:
        operator.index(value)
    except (TypeError, RuntimeError):
        return False
    return not hasattr(value, "_array") or value._array.dtype.kind != "b"


def to_int(argument: str, position: int, value: Any) -> int:
    """An int, or the error that it must be one."""
    if type(value) is not int:
        if getattr(value, "ndim", 0) or not is_int(value):
            raise wrong_type(argument, position, "int", value)
        value = operator.index(value)
    if not -(2**63) <= value < 2**63:
        raise ValueError(OVERFLOW)
    return value


def check_optional_tensors(**given: Any) -> None:
    """Refuse arguments, known by their names alone, that are neither tensors nor None."""
    for argument, value in given.items():
        if value is not None and not hasattr(value, "_array"):
            raise wrong_type(argument, 0, "Tensor", value)


def are_ints(values: Sequence[Any]) -> bool:
    """Whether all are of the type int, as they mostly are."""
    for value in values:  # noqa: SIM110  (which takes half the time of a generator)
        if type(value) is not int:
            return False
    return True


def may_be_ints(value: Any) -> bool:
    """Whether torch takes a value for one int or several, of which it looks at the first."""
    return all(map(is_int, value[:1])) if isinstance(value, (tuple, list)) else is_int(value)


def to_ints(argument: str, position: int, value: Any, or_one: bool = False) -> tuple[int, ...]:
    """A tuple of ints, or the error that it must be one; with `or_one`, a lone int will do."""
    if isinstance(value, (tuple, list)):
        if are_ints(value):
            return tuple(value)
        for i, element in enumerate(value):
            if not is_int(element):
                if i == 0:
                    name, first = called()
                    place = f" (position {position - 1 + first})" if position else ""
                    raise TypeError(
                        f"{name}(): argument '{argument}'{place} must be tuple of ints, but found element of type "
                        f"{type_name(element)} at pos 0"
                    )
                raise TypeError(
                    f"{called()[0]}(): argument '{argument}' failed to unpack the object at pos {i + 1} with error "
                    f'"type must be tuple of ints,but got {type_name(element)}"'
                )
        return tuple(map(operator.index, value))
    if or_one and is_int(value):
        return (operator.index(value),)
    raise wrong_type(argument, position, "tuple of ints", value)


def from_sizes(argument: str, position: int, sizes: Sequence[Any]) -> tuple[int, ...]:
    """The tuple of ints that was given to a parameter as it is, or spelled out in several arguments."""
    if sizes and are_ints(sizes):
        return tuple(sizes)
    if len(sizes) == 1:
        return to_ints(argument, position, sizes[0], or_one=True)
    if not sizes:
        raise TypeError(f'{called()[0]}() missing 1 required positional arguments: "{argument}"')
    if not is_int(sizes[0]):
        many = "s" if position > 1 else ""
        raise TypeError(
            f"{called()[0]}() takes {position} positional argument{many} but {position - 1 + len(sizes)} were given"
        )
    return to_ints(argument, position, sizes)


def no_overload(signatures: Sequence[str] = (), args: Sequence[Any] = (), **named: Any) -> TypeError:
    """The error for arguments of the published function of which none of its signatures can make use.

    Or of which no `signature`, such as "int dim, Tensor start", can make use.
    """
    from .signatures import listed, signatures_of

    frame, (name, first) = _caller()
    if signatures:
        return listed(name, signatures, args, named)
    return listed(name, signatures_of(name, first == 0), *_given(frame, first))


def refused(error: TypeError) -> TypeError:
    """The error for arguments of the published function: torch's list of signatures where it has several, else `error`."""
    from .signatures import fits_none, signatures_of

    frame, (name, first) = _caller()
    signatures = signatures_of(name, first == 0)
    return (fits_none(name, signatures, *_given(frame, first)) if signatures else None) or error


def _given(frame: FrameType, first: int) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a published function as they seem to have been given: all but those that are as by default."""
    code, values = frame.f_code, frame.f_locals
    defaults, keyword_defaults = DEFAULTS[code, code.co_qualname]
    count, names = code.co_argcount, iter(code.co_varnames)
    args = [values[name] for name in islice(names, count)]
    named = {
        name: values[name]
        for name in islice(names, code.co_kwonlyargcount)
        if values[name] is not keyword_defaults.get(name, code)
    }
    more = values[next(names)] if code.co_flags & CO_VARARGS else ()
    if not more:  # what comes behind an argument that is as by default has probably been named
        usual = [i for i, default in enumerate(defaults, count - len(defaults)) if args[i] is default]
        if usual:
            behind = range(usual[0], count)
            named = {code.co_varnames[i]: args[i] for i in behind if i not in usual} | named
            del args[usual[0] :]
    if code.co_flags & CO_VARKEYWORDS:
        named |= values[next(names)]
    return [*args[1 - first :], *more], named


def to_number(argument: str, position: int, value: Any) -> bool | int | float:
    """A Python number; of a tensor of no dimensions that requires no gradient, its value."""
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        return float(value) if isinstance(value, np.bool_) else value.item()
    if isinstance(value, complex):
        raise NotImplementedError("microtorch does not have complex dtypes")
    array = getattr(value, "_array", None)
    if array is None or array.ndim or value.requires_grad:
        raise wrong_type(argument, position, "Number", value)
    return array.item()


def to_float(argument: str, position: int, value: Any) -> float:
    """A Python float; whatever is a number will do."""
    if type(value) is not float:
        try:
            value = to_number(argument, position, value)
        except (TypeError, NotImplementedError):
            raise wrong_type(argument, position, "float", value) from None
    return float(value)


def to_bool(argument: str, position: int, value: Any) -> bool:
    """True or False, for which nothing else will do."""
    if value is True or value is False:
        return value
    raise wrong_type(argument, position, "bool", value)


def fit(value: bool | int | float, dtype: dtypes.dtype, name: str | None = None) -> Any:
    """A number in a dtype, as a numpy scalar; refused where it is beyond the dtype's range.

    `name` is that of the dtype in the error, otherwise its name in C++.
    """
    target = dtype.numpy
    if dtype.is_floating_point:
        number = float(value)
        if dtype is dtypes.float32 and _FLOAT32_MAX < abs(number) < np.inf:
            raise _no_room(dtype, name)
        return cast(np.array(number), target)[()] if dtype is dtypes.float16 else target.type(number)
    if dtype is dtypes.bool_:
        return np.bool_(value != 0)
    low, high = _RANGES[target]
    if isinstance(value, float):
        if not low <= value <= float(high):
            raise _no_room(dtype, name)
        return cast(np.array(value), target)[()]
    if low <= value <= high:
        return target.type(value)
    if dtype is dtypes.uint8 and -high <= value < low:  # in a byte a negative integer wraps around
        return np.array(value).astype(target)[()]
    raise _no_room(dtype, name)


_RANGES = {
    np.dtype(kind): (int(np.iinfo(kind).min), int(np.iinfo(kind).max)) for kind in ("i1", "i2", "i4", "i8", "u1")
}
_FLOAT32_MAX = float(np.finfo(np.float32).max)


def _no_room(dtype: dtypes.dtype, name: str | None) -> RuntimeError:
    cpp = "int" if dtype is dtypes.int32 else dtype.c_name
    return RuntimeError(f"value cannot be converted to type {name or cpp} without overflow")
