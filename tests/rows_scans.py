"""Rows for running extreme values and logarithms of sums; those of running sums are with the sums."""

from __future__ import annotations

from rows import Case, Row, call
from rows_pointwise import VML
from rows_sorting import with_nan

BAD: list[Case] = [lambda d: call(d(3), 1), lambda d: call(d(3), "x"), lambda d: call(d(3)), lambda d: call(3, 0)]

EXTREMES: list[Case] = [lambda d: call(d.ties(3, 6), 1), lambda d: call(d.ties(6, 3), dim=0), lambda d: call(d(), 0)]
MORE: list[Case] = [
    lambda d: call(with_nan(d, 4, 9), 1),
    lambda d: call(d.special(), 0),
    lambda d: call(d(2, 0), 1),
    lambda d: call(d(2, 3, 4).transpose(2, 0, 1), 1),
]

ROWS = [
    Row("cummax", EXTREMES, once=MORE, bad=[BAD[0], BAD[1]]),
    Row("cummin", EXTREMES, once=MORE, bad=[BAD[0], BAD[1]]),
    Row(
        "logcumsumexp",
        [lambda d: call(d(3, 4), 1), lambda d: call(d(4, 3), dim=0), lambda d: call(d(), 0)],
        once=[lambda d: call(d(2, 0), 1), lambda d: call(d(300), 0)],
        bad=[BAD[0], BAD[1]],
        ulp=1,
        grad_ulp=16,
        reason=VML,
    ),
    Row(
        "cumprod",
        [lambda d: call(d.ties(3, 6) + d(3, 6).astype(d.dtype) * (d.ties(3, 6) != 0), 1)],
        dtypes=["float32", "float64"],
    ),
]
