"""`assert_close`: whether two values, or two structures of them, are equal up to tolerances, and where they are not."""

from __future__ import annotations

import cmath
import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import dtypes
from ..ops.conversion import typename
from ..ops.data import as_tensor, tensor
from ..tensor import Tensor

Path = tuple[Any, ...]  # the indices and keys that lead to an item
Message = str | Callable[[str], str] | None

PRECISIONS = {dtypes.float16: (1e-3, 1e-5), dtypes.float32: (1.3e-6, 1e-5), dtypes.float64: (1e-7, 1e-7)}
_EXACT = (0.0, 0.0)
_NUMBERS = {int: _EXACT, float: PRECISIONS[dtypes.float64], complex: (1e-7, 1e-7)}


class Options(NamedTuple):
    """The arguments of `assert_close`."""

    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool

    def tolerances(self, path: Path, *usual: tuple[float, float]) -> tuple[float, float]:
        """The relative and the absolute tolerance: those given, else the loosest usual ones."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        if self.rtol is not None or self.atol is not None:
            lacking = "rtol" if self.rtol is None else "atol"
            words = f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {lacking}."
            raise ValueError(_at(words, path))
        rtols, atols = zip(*usual, strict=True)
        return max(rtols), max(atols)


Comparison = Callable[[], str | None]  # which says what is wrong, or None


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: Message = None,
) -> None:
    """Assert |actual − expected| ≤ atol + rtol · |expected| for tensors, arrays, numbers, sequences and mappings of them.

    Without tolerances those of the dtype are taken, (1.3e-6, 1e-5) for float32; integers must be equal. `msg` takes the
    place of the AssertionError's message, or is given that and returns another. TypeError: the two cannot be compared.
    """
    __tracebackhide__ = True
    options = Options(allow_subclasses, rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride)
    for compare, path in list(_comparisons(actual, expected, (), options)):  # all are found before one is made
        if (problem := compare()) is not None:
            problem = _at(problem, path)
            if msg is not None:
                problem = msg(problem) if callable(msg) else msg
            raise AssertionError(problem)


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """`assert_close` with other usual tolerances, for values of any dtype; deprecated."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. Please use "
        "`torch.testing.assert_close()` instead. You can find detailed upgrade instructions in "
        "https://github.com/pytorch/pytorch/issues/61844.",
        FutureWarning,
        stacklevel=2,
    )
    actual = actual if isinstance(actual, Tensor) else tensor(actual)
    expected = expected if isinstance(expected, Tensor) else tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        loose = {dtypes.float16: (1e-3, 1e-3), dtypes.float32: (1e-4, 1e-5), dtypes.float64: (1e-5, 1e-8)}
        usual = [loose.get(value.dtype, _EXACT) for value in (actual, expected)]
        rtol, atol = max(r for r, _ in usual), max(a for _, a in usual)
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)


def _at(problem: str, path: Path) -> str:
    where = "".join(f"[{step!r}]" for step in path)
    return f"{problem}\n\nThe failure occurred for item {where}" if path else problem


# -- what is compared with what ----------------------------------------------------------------------------------------


def _comparisons(actual: Any, expected: Any, path: Path, options: Options) -> Iterator[tuple[Comparison, Path]]:
    """The comparisons of two structures, item by item. Structures that differ are an AssertionError at once."""
    if all(isinstance(value, Sequence) and not isinstance(value, str) for value in (actual, expected)):
        if len(actual) != len(expected):
            raise AssertionError(_at(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path))
        for index in range(len(actual)):
            yield from _comparisons(actual[index], expected[index], (*path, index), options)
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        keys, wanted = set(actual), set(expected)
        if keys != wanted:
            raise AssertionError(
                _at(
                    "The keys of the mappings do not match:\n"
                    f"Missing keys in the actual mapping: {sorted(wanted - keys)}\n"
                    f"Additional keys in the actual mapping: {sorted(keys - wanted)}",
                    path,
                )
            )
        ordered: Any = keys
        with contextlib.suppress(TypeError):  # of keys that have an order the first that fails is always the same
            ordered = sorted(keys)
        for key in ordered:
            yield from _comparisons(actual[key], expected[key], (*path, key), options)
    else:
        yield _comparison(actual, expected, path, options)


def _comparison(actual: Any, expected: Any, path: Path, options: Options) -> tuple[Comparison, Path]:
    """How two single values are compared, and where they are; TypeError, if they cannot be."""
    both = (actual, expected)
    if actual is None or expected is None:
        return lambda: None if actual is expected else f"None mismatch: {actual} is not {expected}", path
    if all(isinstance(value, (bool, np.bool_)) for value in both):  # of which torch does not say where they are
        return lambda: None if actual == expected else f"Booleans mismatch: {bool(actual)} is not {bool(expected)}", ()
    if all(isinstance(value, (*_NUMBERS, np.number)) for value in both):
        a, b = (value.item() if isinstance(value, np.number) else value for value in both)
        if type(a) not in _NUMBERS or type(b) not in _NUMBERS:
            raise RuntimeError(
                f"microtorch compares a number with a number, but got {_type(actual)} and {_type(expected)}"
            )
        tolerances = options.tolerances(path, _NUMBERS[type(a)], _NUMBERS[type(b)])
        return lambda: _compare_numbers(a, b, *tolerances, options), path
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if related and (options.allow_subclasses or type(actual) is type(expected)):
        tensors = [_as_tensor(value) for value in both]
        if all(found is not None for found in tensors):
            x, y = tensors
            tolerances = options.tolerances(path, *(PRECISIONS.get(value.dtype, _EXACT) for value in (x, y)))
            return lambda: _compare_tensors(x, y, *tolerances, options), path
    raise TypeError(
        _at(f"No comparison pair was able to handle inputs of type {_type(actual)} and {_type(expected)}.", path)
    )


def _as_tensor(value: Any) -> Any:
    """The tensor that a value is, or of which one can be made, otherwise None."""
    if isinstance(value, Tensor):
        return value.detach()
    try:
        return as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def _type(value: Any) -> str:
    return f"<class '{typename(type(value))}'>"


# -- comparing ---------------------------------------------------------------------------------------------------------


def _compare_numbers(actual: Any, expected: Any, rtol: float, atol: float, options: Options) -> str | None:
    if options.check_dtype and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    if actual == expected or (options.equal_nan and cmath.isnan(actual) and cmath.isnan(expected)):
        return None
    difference = abs(actual - expected)
    if cmath.isfinite(difference) and difference <= atol + rtol * abs(expected):
        return None
    return _numbers_differ(actual, expected, rtol, atol)


def _numbers_differ(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    difference = abs(actual - expected)
    relative = float("inf") if expected == 0 else difference / abs(expected)
    equality, *allowed = _allowed(rtol, atol)
    return (
        f"Scalars are not {equality}!\n\nExpected {expected} but got {actual}.\n"
        f"Absolute difference: {difference}{allowed[1]}\nRelative difference: {relative}{allowed[0]}"
    )


def _allowed(rtol: float, atol: float) -> tuple[str, str, str]:
    """What was demanded, and what is said of each tolerance."""
    if rtol == atol == 0:
        return "equal", "", ""
    return "close", f" (up to {rtol} allowed)", f" (up to {atol} allowed)"


def _compare_tensors(actual: Tensor, expected: Tensor, rtol: float, atol: float, options: Options) -> str | None:
    for name, checked in {"shape": True, "stride()": options.check_stride, "dtype": options.check_dtype}.items():
        a, b = (value.stride() if name == "stride()" else getattr(value, name) for value in (actual, expected))
        if checked and a != b:
            return f"The values for attribute '{name}' do not match: {a} != {b}."
    if actual.dtype is not expected.dtype:
        common = dtypes.promote_types(actual.dtype, expected.dtype)
        actual, expected = actual.to(common), expected.to(common)
    matches = actual.isclose(expected, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
    if matches.all():
        return None
    if not actual.shape:
        return _numbers_differ(actual.item(), expected.item(), rtol, atol)
    return _tensors_differ(actual, expected, matches, rtol, atol)


def _tensors_differ(actual: Tensor, expected: Tensor, matches: Tensor, rtol: float, atol: float) -> str:
    """How many elements differ, and which do so most, in absolute and in relative terms."""
    total = matches.numel()
    wrong = total - int(matches.sum())
    a, b, good = actual.flatten(), expected.flatten(), matches.flatten()
    if not a.is_floating_point():
        a, b = a.long(), b.long()
    absolute: Tensor = (a - b).abs()
    absolute[good] = 0
    relative: Tensor = absolute / b.abs()
    relative[good] = 0
    equality, *allowed = _allowed(rtol, atol)
    lines = [f"Mismatched elements: {wrong} / {total} ({wrong / total:.1%})"]
    for kind, differences, note in (("absolute", absolute, allowed[1]), ("relative", relative, allowed[0])):
        value, at = differences.max(0)
        index = tuple(int(i) for i in np.unravel_index(int(at), tuple(actual.shape)))
        lines.append(f"Greatest {kind} difference: {value.item()} at index {index}{note}")
    return f"Tensor-likes are not {equality}!\n\n" + "\n".join(lines)
