"""The element types of a tensor and the rules by which two of them meet.

A `dtype` is a singleton; `dtype.numpy` is the numpy type that stores it. Promotion follows torch, not numpy:
Python numbers and 0-d tensors yield to tensors with dimensions unless they are of a higher category
(bool < integer < floating point), and an integer that meets a floating point number takes its type.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BOOL, INTEGER, FLOATING = range(3)


class dtype:
    """The type of a tensor's elements."""

    __slots__ = ("category", "itemsize", "legacy_name", "name", "numpy")

    def __init__(self, name: str, numpy_type: Any, category: int, legacy_name: str) -> None:
        self.name = name
        self.numpy = np.dtype(numpy_type)
        self.category = category
        self.itemsize = self.numpy.itemsize
        self.legacy_name = legacy_name  # as in `torch.FloatTensor` and torch's error messages

    @property
    def c_name(self) -> str:
        """The name of the type in C++, which some of torch's messages use."""
        if self.category == FLOATING:
            return {2: "c10::Half", 4: "float", 8: "double"}[self.itemsize]
        return "bool" if self.category == BOOL else f"{self.name}_t"

    @property
    def cpp_name(self) -> str:
        """The type itself as C++ writes it, which others of torch's messages use."""
        integers = {
            "int64": "long int",
            "int32": "int",
            "int16": "short int",
            "int8": "signed char",
            "uint8": "unsigned char",
        }
        return integers.get(self.name, self.c_name)

    @property
    def is_floating_point(self) -> bool:
        return self.category == FLOATING

    @property
    def is_complex(self) -> bool:
        return False

    @property
    def is_signed(self) -> bool:
        return self.category == FLOATING or self.numpy.kind == "i"

    def to_complex(self) -> dtype:
        if not self.is_floating_point:
            raise RuntimeError(f"Unknown Complex ScalarType for {self.legacy_name}")
        raise NotImplementedError("microtorch does not have complex dtypes")

    def to_real(self) -> dtype:
        return self

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return "bool_" if self is bool_ else self.name  # the name by which this module knows it


float16 = half = dtype("float16", np.float16, FLOATING, "Half")
float32 = dtype("float32", np.float32, FLOATING, "Float")
float64 = double = dtype("float64", np.float64, FLOATING, "Double")
uint8 = dtype("uint8", np.uint8, INTEGER, "Byte")
int8 = dtype("int8", np.int8, INTEGER, "Char")
int16 = short = dtype("int16", np.int16, INTEGER, "Short")
int32 = dtype("int32", np.int32, INTEGER, "Int")
int64 = long = dtype("int64", np.int64, INTEGER, "Long")
bool_ = dtype("bool", np.bool_, BOOL, "Bool")

ALL = (uint8, int8, int16, int32, int64, float16, float32, float64, bool_)
FROM_NUMPY = {d.numpy: d for d in ALL}
FROM_PYTHON = {bool: bool_, int: int64, float: float64}

_default = float32


def as_dtype(value: Any, argument: str) -> dtype:
    """The dtype that `value` is or, where it is one of Python's number types, stands for.

    `argument` tells in the error where a dtype was expected: "can_cast(): argument 'to' (position 2)".
    """
    if isinstance(value, dtype):
        return value
    if isinstance(value, type) and value in FROM_PYTHON:
        return FROM_PYTHON[value]
    raise TypeError(f"{argument} must be torch.dtype, not {type(value).__name__}")


def get_default_dtype() -> dtype:
    """The floating point type given to Python floats and to results of integer arithmetic that must be fractions."""
    return _default


def set_default_dtype(d: dtype, /) -> None:
    """Set the type that `get_default_dtype` returns; it must be a floating point type."""
    global _default
    if not isinstance(d, dtype):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


def of_number(value: bool | int | float) -> dtype:
    """The type a number has when it meets nothing but other numbers. Of numpy's, torch takes a bool for a float."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    return _default


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type to which both can be cast without losing their category or, within it, their range."""
    type1 = as_dtype(type1, "promote_types(): argument 'type1' (position 1)")
    type2 = as_dtype(type2, "promote_types(): argument 'type2' (position 2)")
    if type1 is type2:
        return type1
    if type1.category != type2.category:
        return type1 if type1.category > type2.category else type2
    low, high = sorted((type1, type2), key=lambda d: d.itemsize)
    if high.category == INTEGER and uint8 in (low, high):  # unsigned beside signed needs one more bit
        return int16 if high.itemsize == 1 else high
    return high


def result_type(dimensioned: dtype | None, zero_dim: dtype | None, number: dtype | None) -> dtype:
    """The type of a result: the promoted type of the tensors with dimensions, unless that of the 0-d tensors is of a
    higher category, or that of the Python numbers is of a higher one still (None: there were none of the kind).
    """
    result = dimensioned
    for lower in (zero_dim, number):
        if result is None or (lower is not None and lower.category > result.category):
            result = lower
    assert result is not None
    return result


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether a result of one type may be stored as another: the category must not fall."""
    from_ = as_dtype(from_, "can_cast(): argument 'from_' (position 1)")
    return from_.category <= as_dtype(to, "can_cast(): argument 'to' (position 2)").category


_NOT_GIVEN: Any = object()


class finfo:
    """The numerical limits of a floating point type, by default of the default dtype.

    `eps` is the distance from 1 to the next number, `tiny` the least number of full precision, `resolution` the least
    power of ten that counts beside 1.
    """

    def __init__(self, type: dtype = _NOT_GIVEN) -> None:
        d = _default if type is _NOT_GIVEN else as_dtype(type, "finfo(): argument 'type' (position 1)")
        if not d.is_floating_point:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        info = np.finfo(d.numpy)
        self.bits = info.bits
        self.eps = float(info.eps)
        self.max = float(info.max)
        self.min = float(info.min)
        self.tiny = self.smallest_normal = float(info.tiny)
        self.resolution = 10.0**-info.precision
        self.dtype = d.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """The numerical limits of an integer type."""

    def __init__(self, type: dtype) -> None:
        d = as_dtype(type, "iinfo(): argument 'type' (position 1)")
        if d is bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if d.category != INTEGER:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        info = np.iinfo(d.numpy)
        self.bits = info.bits
        self.max = int(info.max)
        self.min = int(info.min)
        self.dtype = d.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
