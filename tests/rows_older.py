"""Rows for functions that torch itself keeps for older code only."""

from __future__ import annotations

from rows import Row, call

FLOATS = ["float32", "float64", "float16"]

ROWS = [
    Row(
        "frobenius_norm",
        [lambda d: call(d(3, 4), 1), lambda d: call(d(3, 4), (0, 1), True)],
        once=[lambda d: call(d(3, 4), []), lambda d: call(d(2, 3, 4), (0, -1))],
        bad=[
            lambda d: call(d(2, 3, 4), (0, 1, 2)),
            lambda d: call(d.index(3, below=2), 0),
            lambda d: call(d(3), 5),
            lambda d: call(d(3, 4), (0, 0)),
            lambda d: call(d(3), "a"),
            lambda d: call(d(3), 0, keepdim=1),
            lambda d: call(3, 0),
        ],
        dtypes=FLOATS,
        ulp=4,
        grad_ulp=16,
        reason="sums of powers",
    ),
    Row(
        "nuclear_norm",
        [lambda d: call(d(3, 4)), lambda d: call(d(3, 4), (1, 0), True)],
        once=[lambda d: call(d(2, 3, 4), (0, 2)), lambda d: call(d(3, 4), True)],
        bad=[
            lambda d: call(d(3)),
            lambda d: call(d(3, 4), 0),
            lambda d: call(d(3, 4), (0,)),
            lambda d: call(d(3, 4), "a"),
            lambda d: call(d(3, 4), None),
            lambda d: call(d(3, 4), 1.5),
            lambda d: call(d(3, 4), (0, 1.5)),
            lambda d: call(d(3, 4), (True, False)),
            lambda d: call(d(3, 4), (0, 1), 1),
            lambda d: call(d(3, 4), True, True),
            lambda d: call(3),
        ],
        dtypes=FLOATS[:2],
        ulp=8,
        grad_ulp=32,
        largest=True,
        reason="LAPACK's singular values, as linalg.matrix_norm",
    ),
]
