"""Rows for the different elements, and for bins."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import DTYPES, Draw, Row, call
from rows_sorting import with_nan


def rising(d: Draw, *shape: int) -> Any:
    """Numbers in order."""
    return np.sort(d(*shape), -1)


NUMBERS = [dtype for dtype in DTYPES if dtype != "bool"]
BINS = ["float32", "float64", "int64", "uint8", "bool"]

ROWS = [
    Row(
        "unique",
        [
            lambda d: call(d.ties(3, 6)),
            lambda d: call(d.ties(9), True, True, True),
            lambda d: call(d.ties(9, 2), dim=0, return_inverse=True, return_counts=True),
            lambda d: call(d.ties(2, 9), dim=1, return_inverse=True),
        ],
        once=[
            lambda d: call(d.ties(9), sorted=False, return_counts=True),
            lambda d: call(with_nan(d, 9), return_inverse=True, return_counts=True),
            lambda d: call(np.float32([0.0, -0.0]), return_inverse=True),
            lambda d: call(d()),
            lambda d: call(d(0), True, True, True),
            lambda d: call(d(0, 2), dim=0),
            lambda d: call(d(2, 3, 4).transpose(2, 1, 0), dim=-1),
        ],
        bad=[
            lambda d: call(d(3), dim=3),
            lambda d: call(d(), dim=0),
            lambda d: call(d(3), dim=1.5),
            lambda d: call(d(3), 1),
            lambda d: call(d(3), return_counts=0),
            lambda d: call(3),
            lambda d: call(d(0, 2), dim=1),
            lambda d: call(d(0, 0), dim=0),
        ],
        layouts=("transposed", "sliced"),
    ),
    Row(
        "unique_consecutive",
        [
            lambda d: call(d.ties(3, 6)),
            lambda d: call(d.ties(12), True, True),
            lambda d: call(np.repeat(d.ties(3, 2), 2, 0), dim=0, return_inverse=True, return_counts=True),
        ],
        once=[
            lambda d: call(d(), True, True),
            lambda d: call(d(0), True, True),
            lambda d: call(with_nan(d, 9), True, True),
        ],
        bad=[
            lambda d: call(d(0, 2), dim=1),
            lambda d: call(d(3), dim=3),
            lambda d: call(d(), dim=-1),
            lambda d: call(d(3), dim="x"),
            lambda d: call(d(3), 1),
        ],
    ),
    Row(
        "isin",
        [lambda d: call(d.ties(3, 4), d.ties(2)), lambda d: call(d.ties(5), d.ties(2), invert=True)],
        once=[
            lambda d: call(1, d.ties(3)),
            lambda d: call(d.ties(3), 1),
            lambda d: call(d.ties(3), 1.5),
            lambda d: call(d.special(), d.special()),
            lambda d: call(d(0), d(2)),
            lambda d: call(d(2), d(0)),
            lambda d: call(np.arange(50), np.arange(0, 90, 2)),
            lambda d: call(np.float32([0.1]), np.float64([0.1])),
        ],
        bad=[
            lambda d: call(1, 1),
            lambda d: call(d(3), "x"),
            lambda d: call(d(3), True),
            lambda d: call(d(3), d(3), invert=1),
        ],
    ),
    Row(
        "bucketize",
        [
            lambda d: call(d(3, 4), rising(d, 5)),
            lambda d: call(d.ties(4), rising(d, 5), right=True),
            lambda d: call(d(4), rising(d, 3), out_int32=True),
        ],
        once=[
            lambda d: call(2, rising(d, 3)),
            lambda d: call(0.5, rising(d, 3)),
            lambda d: call(d.special(), np.float32([-1, 0, 1])),
            lambda d: call(d(3), np.float32([3, 1, 2])),
            lambda d: call(d(3), np.float32([1, 2, np.nan])),
        ],
        bad=[lambda d: call(d(3), d(1, 3)), lambda d: call(d(3), 3)],
        dtypes=BINS,
        forms="function",
    ),
    Row(
        "searchsorted",
        [
            lambda d: call(rising(d, 2, 5), d(2, 3)),
            lambda d: call(rising(d, 5), d(2, 3), right=True),
            lambda d: call(rising(d, 5), d.ties(3), side="right", out_int32=True),
        ],
        once=[
            lambda d: call(rising(d, 5), 1),
            lambda d: call(np.float32([3, 1, 2]), d(4), sorter=np.array([1, 2, 0])),
            lambda d: call(d(0), d(3)),
            lambda d: call(rising(d, 3), d()),
        ],
        bad=[
            lambda d: call(rising(d, 2, 3), 1),
            lambda d: call(rising(d, 3), 1, side="x"),
            lambda d: call(rising(d, 3), 1, side="left", right=True),
            lambda d: call(rising(d, 2, 3), d(3, 1)),
            lambda d: call(d(3), d(1), sorter=np.array([1, 2])),
            lambda d: call(d(3), d(1), sorter=np.array([1, 2, 3])),
            lambda d: call(d(3), d(1), sorter=d(3)),
            lambda d: call(d(), d(1)),
            lambda d: call(d(3), d(1), sorter=3),
            lambda d: call(d(3), d(1), side=3),
            lambda d: call(d(3), d(1), right=1),
            lambda d: call(d(3), d(1), out=3),
        ],
        dtypes=BINS,
        forms="function",
    ),
    Row(
        "bincount",
        [
            lambda d: call(d.index(9, below=5), d(9)),
            lambda d: call(np.abs(d.whole(9)).astype(d.dtype)),
            lambda d: call(d.index(3, below=5), minlength=7),
        ],
        once=[
            lambda d: call(d.index(0, below=5), d(0)),
            lambda d: call(d.index(0, below=5)),
            lambda d: call(d.index(0, below=5), minlength=2),
        ],
        bad=[
            lambda d: call(np.array([-1])),
            lambda d: call(d(3)),
            lambda d: call(d.index(2, 2, below=4)),
            lambda d: call(d.index(2, below=4), d(3)),
            lambda d: call(d.index(2, below=4), minlength=-1),
        ],
    ),
]
