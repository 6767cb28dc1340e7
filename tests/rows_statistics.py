"""Rows for quantiles, covariances, differences and areas."""

from __future__ import annotations

import numpy as np
from rows import DTYPES, Row, T, call
from rows_reduction import ORDER, eighths
from rows_sorting import with_nan

FLOATS = ["float32", "float64"]
SORTS = ["float32", "float64", "float16", "int64", "bool"]

ROWS = [
    *[
        Row(
            name,
            [
                lambda d: call(d(3, 4), 0.3),
                lambda d: call(d(3, 4), 0.6, 1),
                lambda d: call(d(3, 4), np.array([0.25, 0.5], d.dtype), 0, True),
            ],
            once=[
                *[
                    lambda d, i=i: call(d(3, 5), 0.4, 1, interpolation=i)
                    for i in ("lower", "higher", "midpoint", "nearest")
                ],
                lambda d: call(with_nan(d, 6, 5), 0.4, 0),
                lambda d: call(d(3, 4), np.float32(0.3)[()], keepdim=True),
                lambda d: call(d(2, 3, 4), np.float32([0.1, 1, 0]), 1),
                lambda d: call(d(), 0.5),
                lambda d: call(d(), 0.5, 0, True),
                lambda d: call(d(), np.float32([0.5, 1]), -1),
                lambda d: call(d(3), np.array(0.5, np.float32)),
            ],
            bad=[
                lambda d: call(d(3), 1.5),
                lambda d: call(d(3), np.float32([0.5, 1.5])),
                lambda d: call(d(3), np.float64([0.5])),
                lambda d: call(d(3), np.float32([[0.5]])),
                lambda d: call(d(0), 0.5),
                lambda d: call(d(3), 0.5, 1),
                lambda d: call(d(3), 0.5, interpolation="x"),
                lambda d: call(d(3), 0.5, interpolation=3),
                lambda d: call(d(3) > 0, 0.5),
                lambda d: call(d(3), "x"),
            ],
            dtypes=FLOATS,
            ulp=1,
            grad_ulp=2,
            reason="torch interpolates in fused multiply-adds",
        )
        for name in ("quantile", "nanquantile")
    ],
    Row(
        "nanmean",
        [lambda d: call(with_nan(d, 3, 4)), lambda d: call(with_nan(d, 3, 4), 1, True)],
        once=[
            lambda d: call(with_nan(d, 3, 4), (0, 1)),
            lambda d: call(with_nan(d, 3, 4), dtype=T("float64")),
            lambda d: call(d(0)),
        ],
        bad=[lambda d: call(d(3), 5), lambda d: call(3)],
        dtypes=SORTS,
        forms="function method",
    ),
    Row(
        "nanmedian",
        [lambda d: call(with_nan(d, 3, 5)), lambda d: call(d(3, 4)), lambda d: call(d())],
        once=[
            lambda d: call(d(0)),
            lambda d: call(np.full(3, np.nan, np.float32)),
            *[lambda d, dtype=dtype: call(np.zeros(0, dtype)) for dtype in ("int64", "int16", "uint8", "bool")],
        ],
        dtypes=SORTS,
        forms="function method",
    ),
    Row(
        "nanmedian",
        [lambda d: call(d(3, 5), 1), lambda d: call(d(4, 3), 0, True), lambda d: call(d(), 0)],
        once=[
            lambda d: call(np.float32([3, np.nan, 1, 2, np.nan]), 0),
            lambda d: call(np.full(3, np.nan, np.float32), 0),
        ],
        bad=[
            lambda d: call(d(3), 1),
            lambda d: call(d(3), "x"),
            lambda d: call(d(0), 0),
            lambda d: call(np.zeros((2, 0), bool), 0),
            lambda d: call(np.zeros((2, 0), bool), 1),
        ],
        dtypes=["float32", "float64", "int64"],
        layouts=("transposed", "sliced"),
        forms="function method",
    ),
    Row(
        "aminmax",
        [
            lambda d: call(d.ties(3, 4)),
            lambda d: call(d.ties(3, 4), dim=1),
            lambda d: call(d(3, 4), dim=0, keepdim=True),
        ],
        once=[lambda d: call(d.special()), lambda d: call(d(2, 0), dim=0), lambda d: call(d(), dim=0, keepdim=True)],
        bad=[lambda d: call(d(0)), lambda d: call(d(2, 0), dim=1), lambda d: call(d(3), dim=4)],
        dtypes=SORTS,
        forms="function method",
    ),
    Row(
        "cov",
        [lambda d: call(d(3, 5)), lambda d: call(d(5)), lambda d: call(d(2, 5), correction=0)],
        once=[
            lambda d: call(d(2, 5), fweights=np.array([1, 2, 1, 3, 1])),
            lambda d: call(d(2, 5), aweights=d.positive(5)),
            lambda d: call(d(2, 5), fweights=np.array([1, 2, 1, 3, 1]), aweights=d.positive(5), correction=0),
            lambda d: call(d()),
            lambda d: call(d(3), correction=3),
        ],
        bad=[
            lambda d: call(d(2, 2, 2)),
            lambda d: call(d(3) > 0),
            lambda d: call(d(3), fweights=d(3)),
            lambda d: call(d(3), aweights=np.array([1, 2, 1])),
            lambda d: call(d(3), fweights=np.array([1, 2])),
            lambda d: call(d(3), fweights=np.array([-1, 2, 1])),
            lambda d: call(d(3), fweights=np.array([0, 0, 0])),
            lambda d: call(d(3), fweights=np.array([[1, 2, 1]])),
            lambda d: call(d(3), fweights=3),
            lambda d: call(d(3), correction=1.5),
        ],
        dtypes=FLOATS,
        layouts=(),
        ulp=64,
        largest=True,
        grad_ulp=64,
        reason=ORDER,
    ),
    Row(
        "corrcoef",
        [lambda d: call(d(3, 5))],
        once=[lambda d: call(d())],
        bad=[lambda d: call(d(1, 1, 1))],
        dtypes=FLOATS,
        layouts=(),
        ulp=64,
        largest=True,
        grad_ulp=256,
        reason=ORDER,
    ),
    Row(
        "diff",
        [
            lambda d: call(eighths(d, 3, 5)),
            lambda d: call(eighths(d, 5, 3), 2, 0),
            lambda d: call(d(4), prepend=d(1), append=d(2)),
        ],
        once=[
            lambda d: call(d(3), 0),
            lambda d: call(d(3, 4)[:, ::2], 0),
            lambda d: call(d(3), 5),
            lambda d: call(d(0)),
            lambda d: call(d(2, 3), dim=0),
        ],
        bad=[
            lambda d: call(d()),
            lambda d: call(d(3), -1),
            lambda d: call(d(3), 1, 3),
            lambda d: call(d(3), prepend=d(1, 1)),
            lambda d: call(d(3), append=3),
            lambda d: call(d(2, 2), prepend=d(3, 1)),
        ],
        dtypes=[dtype for dtype in DTYPES if dtype not in ("int16", "int8")],
    ),
    *[
        Row(
            name,
            [
                lambda d: call(eighths(d, 3, 5)),
                lambda d: call(eighths(d, 3, 5), dx=2, dim=0),
                lambda d: call(eighths(d, 3, 5), eighths(d, 5)),
            ],
            once=[
                lambda d: call(eighths(d, 3, 5), dx=0.25),
                lambda d: call(eighths(d, 3, 5), eighths(d, 3, 5), dim=0),
                lambda d: call(d(1)),
                lambda d: call(d(2, 0)),
                lambda d: call(d(0), d(0)),
                lambda d: call(d(3), dx=np.float32(2)),
            ],
            bad=[
                lambda d: call(d(3), d(2)),
                lambda d: call(d()),
                lambda d: call(d(), dim=0),
                lambda d: call(np.zeros((), bool)),
                lambda d: call(d(), d()),
                lambda d: call(d(3), dx="x"),
                lambda d: call(d(3) > 0),
                lambda d: call(d(2, 3), d(3, 1)),
                lambda d: call(d(3), dx=True),
            ],
            dtypes=SORTS,
        )
        for name in ("trapezoid", "cumulative_trapezoid")
    ],
]
