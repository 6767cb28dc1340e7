"""Which arguments the random draws accept, and torch's words for the others.

Apart from the messages this knows one thing: which integers a dtype holds. A floating point type holds all of them
only up to 2^digits, so torch moves bounds that lie beyond to the next ones that it holds.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np

from .dtypes import FROM_NUMPY

Array = np.ndarray[Any, np.dtype[Any]]
DType = np.dtype[Any]

FLOAT16, FLOAT32, FLOAT64, INT32, INT64, UINT32, UINT64, BOOL = map(
    np.dtype, ("f2", "f4", "f8", "i4", "i8", "u4", "u8", "?")
)
_CPP_NAMES = {
    "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int", "int64": "long int",
    "float16": "c10::Half", "float32": "float", "float64": "double", "bool": "bool",
}  # fmt: skip

OVERFLOW = "Overflow when unpacking long long"
ZERO_SUM = "invalid multinomial distribution (sum of probabilities <= 0)"


def cast(values: Array, dtype: DType) -> Array:
    """Convert as C++ does on x86-64: float16 by way of float32; integers of fewer than 64 bits by way of int32."""
    if values.dtype == dtype:
        return values
    with np.errstate(all="ignore"):
        if dtype == FLOAT16:
            values = values.astype(FLOAT32)
        elif values.dtype == FLOAT64 and dtype.kind in "iu":
            limit = 2.0**63 if dtype == INT64 else 2.0**31
            values = np.where(np.abs(values) < limit, values, -limit).astype(INT64)
        return values.astype(dtype)


def largest_integer(dtype: DType) -> int:
    """Up to which number a dtype holds every natural number."""
    if dtype.kind == "f":
        return 1 << _digits(dtype)
    return _limits(dtype)[1]


def integer_range(low: int, high: int | None, dtype: DType) -> tuple[int, int]:
    """The smallest integer to draw and how many there are; without `high`, up to the `largest_integer`."""
    for bound in (low, high):
        if bound is not None and not -(2**63) <= bound < 2**63:
            raise ValueError(OVERFLOW)
    if high is None:
        last = largest_integer(dtype)
        if dtype.kind == "f":
            low = _move_low(low, dtype)
            if low >= last:
                raise RuntimeError(
                    "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but "
                    f"got from={low} > to_inc={last}"
                )
    else:
        if low >= high:
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        if dtype.kind == "f":
            low, high = _move_low(low, dtype), _move_high(high, dtype)
            if low >= high:
                raise RuntimeError(
                    "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got "
                    f"from={low} >= to={high}"
                )
        last = high - 1
    _check_bounds(low, last, dtype)
    return low, last - low + 1


@cache
def _limits(dtype: DType) -> tuple[int, int]:
    if dtype == BOOL:
        return 0, 1
    info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return int(info.min), int(info.max)


@cache
def _digits(dtype: DType) -> int:
    return int(np.finfo(dtype).nmant) + 1


def _move_low(low: int, dtype: DType) -> int:
    rounded = _there_and_back(low + 1, dtype)
    return rounded + _gap(low + 1, dtype) if rounded < low else low


def _move_high(high: int, dtype: DType) -> int:
    rounded = _there_and_back(high - 1, dtype)
    return rounded - _gap(high - 1, dtype) if rounded >= high else high


def _there_and_back(value: int, dtype: DType) -> int:
    """An integer converted to a floating point type and back, as x86-64 does it also where it does not fit."""
    number = float(cast(np.array([value]), dtype)[0])
    return int(number) if -(2.0**63) <= number < 2.0**63 else -(2**63)


def _gap(value: int, dtype: DType) -> int:
    """How far apart a floating point type's numbers are near a value."""
    return 1 << (abs(value).bit_length() - _digits(dtype))


def _check_bounds(low: int, last: int, dtype: DType) -> None:
    name = _CPP_NAMES[dtype.name]
    smallest, biggest = _limits(dtype)
    bounds = (("from", low), ("to - 1", last))
    for label, bound in bounds:
        if not smallest <= bound <= biggest:
            raise RuntimeError(f"{label} is out of bounds for {name}")
    if dtype.kind == "f":
        digits = _digits(dtype)
        for label, bound in bounds:
            if abs(bound) > 1 << digits:
                warnings.warn(
                    f"{label} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations {name} can "
                    "support discrete uniform distribution only within this range. This warning will become an error "
                    "in version 1.7 release, please fix the code in advance",
                    stacklevel=4,
                )


def check_uniform(low: float, high: float, dtype: DType) -> None:
    """The bounds of a uniform distribution, and their distance, must be finite and in order."""
    limit = _limits(dtype)[1]
    for label, bound in (("from", low), ("to", high)):
        if not -limit <= bound <= limit:
            raise RuntimeError(f"{label} is out of bounds for {_CPP_NAMES[dtype.name]}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > limit:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{_name(dtype)}>::max(), but found to={high:g} and "
            f"from={low:g} which result in to-from to exceed the limit"
        )


def check_permutation(n: int, dtype: DType) -> None:
    """The dtype must hold the numbers 0 … n − 1."""
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    if dtype == BOOL:
        raise not_implemented("randperm", dtype)
    if n - 1 > largest_integer(dtype):
        if dtype.kind != "f":
            name = "int" if dtype == INT32 else f"{dtype.name}_t"
            raise RuntimeError(f"value cannot be converted to type {name} without overflow")
        limit = "2049" if dtype == FLOAT16 else f"2^{_digits(dtype)}+1"
        raise RuntimeError(f"n cannot be greater than {limit} for {_name(dtype)} type.")


def check_multinomial(p: Array, n: int, replacement: bool) -> None:
    """Weights in one row or several rows of floating point numbers, and enough of them."""
    if p.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if p.dtype.kind != "f":
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {_name(p.dtype)}")
    if n <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and n > p.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if p.shape[-1] > 2**24:
        raise RuntimeError("number of categories cannot exceed 2^24")


def check_race(p: Array) -> None:
    """Weights for draws without replacement: finite, none negative, not all of a row zero."""
    if not p.size:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    if not (p.max() < np.inf and p.min() >= 0):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not p.any(-1).all():
        raise RuntimeError(ZERO_SUM)


def check_weights(p: Array, total: Array) -> None:
    """Weights for draws with replacement: torch reports what is wrong with the first row that it cannot use."""
    negative, infinite = ~(p >= 0), np.isinf(p)
    for row in np.flatnonzero((negative | infinite).any(-1) | ~(total > 0)):
        faults = np.flatnonzero(negative[row] | infinite[row])
        if not faults.size:
            raise RuntimeError(ZERO_SUM)
        reason = "< 0" if negative[row, faults[0]] else "= infinity or NaN"
        raise RuntimeError(f"invalid multinomial distribution (encountering probability entry {reason})")


def _name(dtype: DType) -> str:
    return FROM_NUMPY[dtype].legacy_name


def not_implemented(kernel: str, dtype: DType) -> NotImplementedError:
    """For a kernel that there is not for this dtype."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{_name(dtype)}'")


def not_continuous(distribution: str, dtype: DType) -> RuntimeError:
    """For a dtype that has no fractions."""
    name = _CPP_NAMES[dtype.name] if distribution == "Cauchy" else _name(dtype)
    return RuntimeError(
        f"{distribution} distribution is a continuous probability distribution. dtype must be a floating point but "
        f"you specified {name}"
    )


def expected(condition: str) -> RuntimeError:
    """For a condition that torch checks without words of its own."""
    return RuntimeError(
        f"Expected {condition} to be true, but got false.  (Could this error message be improved?  If so, please "
        "report an enhancement request to PyTorch.)"
    )
