"""Rows for functions of two variables that are no arithmetic, and a few of one variable."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Case, Draw, Row, call
from rows_pointwise import VML, unary

FRACTIONS = ["float32", "float64", "float16", "int64", "bool"]  # the sorts of dtypes that the kernels tell apart


def two(first: str = "__call__", second: str = "__call__") -> list[Case]:
    """Two tensors of one shape and of two that broadcast."""

    def case(*shapes: tuple[int, ...]) -> Case:
        return lambda d: call(getattr(d, first)(*shapes[0]), getattr(d, second)(*shapes[1]))

    return [case((3, 4), (3, 4)), case((3, 4), (4,)), case((2, 1), ())]


def corners(d: Draw) -> Any:
    """Every special number with every other."""
    x = d.special()
    return call(np.repeat(x, x.size), np.tile(x, x.size))


def infinite(d: Draw) -> Any:
    """Infinities and nan with each other and with numbers."""
    x = np.array([np.inf, -np.inf, np.nan, 1, -700], d.dtype)
    return call(np.repeat(x, x.size), np.tile(x, x.size))


def bad(number: bool = True) -> list[Case]:
    cases: list[Case] = [lambda d: call(d(3), d(4)), lambda d: call(d(3), None), lambda d: call(d(3), "x")]
    return [*cases, lambda d: call(d(3), 2), lambda d: call(2, d(3))] if number else cases


def signs(d: Draw, *shape: int) -> Any:
    """−1, 0 and 1, of both signs."""
    return np.asarray(d.ties(*shape) - d.ties(*shape) if d.dtype.kind not in "bu" else d.ties(*shape))


def moderate(d: Draw, *shape: int) -> Any:
    """Numbers from 1.1 to 4."""
    return d(*shape, low=1.1, high=4)


Draw.signs, Draw.moderate = signs, moderate  # type: ignore[attr-defined]

ROWS = [
    unary("asinh", ulp=2, grad_ulp=4),
    unary("acosh", "moderate", ulp=2, grad_ulp=8),
    unary("atanh", "unit", ulp=2, grad_ulp=4),
    unary("arcsinh", ulp=2, grad_ulp=4),
    unary("deg2rad"),
    unary("rad2deg"),
    unary("angle"),
    unary("isreal"),
    unary("frexp", forms="function method"),
    Row("real", [lambda d: call(d(3, 4))], bad=[lambda d: call(3)], forms="function"),
    Row("logaddexp", two("positive"), once=[infinite], bad=bad(), ulp=2, grad_ulp=8, dtypes=FRACTIONS, reason=VML),
    Row("logaddexp2", two("positive"), once=[infinite], bad=bad(), ulp=2, grad_ulp=8, dtypes=FRACTIONS, reason=VML),
    Row("hypot", two("nonzero"), once=[corners], bad=bad(), ulp=1, grad_ulp=4, dtypes=FRACTIONS, reason=VML),
    Row(
        "copysign",
        [*two("__call__", "signs"), lambda d: call(d(3), -2), lambda d: call(d(3), 0.0)],
        once=[corners],
        bad=bad(number=False),
    ),
    Row(
        "atan2",
        [lambda d: call(d.signs(3, 4), d.signs(4)), lambda d: call(d(3) * 0, d(2, 1) * 0)],  # 0 has no angle
        dtypes=["float32", "float64"],
        forms="function",
        ulp=2,
        grad_ulp=4,
        reason=VML,
    ),
    Row("heaviside", two("signs"), once=[corners], bad=bad()),
    Row("nextafter", two(), once=[corners], bad=bad(), dtypes=FRACTIONS),
    Row(
        "ldexp",
        two("__call__", "signs"),
        once=[lambda d: call(d(3), np.array([-1, 2, 0]))],
        bad=bad(),
        forms="function method in_place",
        ulp=2,
        grad_ulp=2,
        reason=VML,
    ),
    Row(
        "float_power",
        [
            *two("positive"),
            lambda d: call(d(3), 2),
            lambda d: call(d(3), 0.5),
        ],
        once=[lambda d: call(2, d(3)), lambda d: call(2.5, d(3)), corners],
        bad=[*bad(number=False), lambda d: call(2, 3)],
        ulp=2,
        grad_ulp=8,
        reason=VML,
    ),
    Row("gcd", two("whole", "whole"), once=[lambda d: call(np.array([0, -4, 5]), np.array([0, 6, 0]))], bad=bad()),
    Row("lcm", two("whole", "whole"), once=[lambda d: call(np.array([0, -4, 5]), np.array([0, 6, 0]))], bad=bad()),
    Row(
        "threshold",
        [lambda d: call(d(3, 4), 1, 2), lambda d: call(d(3), threshold=0.5, value=20)],
        once=[lambda d: call(d.special(), 0.5, -1), lambda d: call(d(2, 0), 1, 2)],
        bad=[lambda d: call(d(3), None, 1), lambda d: call(d(3), 1, "x"), lambda d: call(3, 1, 2)],
    ),
]
