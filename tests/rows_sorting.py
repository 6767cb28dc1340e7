"""Rows for sorting and selecting."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Case, Draw, Row, call
from rows_reduction import distinct


def with_nan(d: Draw, *shape: int) -> Any:
    """Few different numbers, some of them nan."""
    x = d.ties(*shape)
    return np.asarray(np.where(d.mask(*shape), d.dtype.type(np.nan), x)) if x.dtype.kind == "f" else x


NO_INT: list[Case] = [
    lambda d: call(d(3, 4), "x"),
    lambda d: call(d(3, 4), 1.5),
    lambda d: call(3),
    lambda d: call(None),
]
OUT_OF_RANGE: list[Case] = [lambda d: call(d(3, 4), 2), lambda d: call(d(3, 4), -3), lambda d: call(d(), 1)]

ROWS = [
    Row(
        "sort",
        [
            lambda d: call(d.ties(3, 4)),
            lambda d: call(d.ties(4, 3), 0, True),
            lambda d: call(d(3, 4), stable=True, dim=1, descending=True),
            lambda d: call(d()),
        ],
        once=[
            lambda d: call(d.ties(2, 200)),
            lambda d: call(d.ties(2, 200), descending=True),
            lambda d: call(d.ties(200, 2), stable=True, dim=0, descending=True),
            lambda d: call(d.ties(40), stable=False),
            lambda d: call(d.ties(40), stable=None),
            lambda d: call(with_nan(d, 40)),
            lambda d: call(with_nan(d, 2, 40), -1, True),
            lambda d: call(d.special()),
            lambda d: call(d(2, 0)),
            lambda d: call(d(2, 0), 0),
            lambda d: call(np.broadcast_to(d(1, 2), (17, 2)), 0),
            lambda d: call(d(4, 3, 2).transpose(1, 2, 0), 1),
        ],
        bad=[*OUT_OF_RANGE, *NO_INT, lambda d: call(d(3), stable=1), lambda d: call(d(3), descending=1)],
    ),
    Row(
        "argsort",
        [lambda d: call(d.ties(3, 4)), lambda d: call(d.ties(4, 3), 0, True), lambda d: call(d(3), stable=True)],
        once=[lambda d: call(d.ties(2, 200)), lambda d: call(d())],
        bad=[*OUT_OF_RANGE, *NO_INT],
        forms="function method",
    ),
    Row(
        "msort",
        [lambda d: call(d.ties(3, 4)), lambda d: call(d(3))],
        once=[lambda d: call(d())],
        bad=[lambda d: call(3)],
    ),
    Row(
        "topk",
        [
            lambda d: call(d.ties(3, 6), 2),
            lambda d: call(d.ties(6, 3), 4, 0, False),
            lambda d: call(d.ties(3, 6), k=3, sorted=False),
            lambda d: call(d(), 1),
        ],
        once=[
            lambda d: call(d.ties(2, 200), 3),
            lambda d: call(d.ties(2, 200), 30, largest=False),
            lambda d: call(with_nan(d, 2, 40), 20),
            lambda d: call(with_nan(d, 2, 40), 20, largest=False),
            lambda d: call(d(3), 0),
            lambda d: call(d(2, 0), 0),
            lambda d: call(d(0, 2), 1),
            lambda d: call(np.array([2**60, 2**60 + 1, -(2**63)]), 2),
            lambda d: call(np.array([2**60, 2**60 + 1, -(2**63)]), 2, largest=False),
        ],
        bad=[
            lambda d: call(d(3), 4),
            lambda d: call(d(3), -1),
            lambda d: call(d(), 2),
            lambda d: call(d(3), 1, 2),
            lambda d: call(d(3), 1.5),
            lambda d: call(d(3), 1, 0, 1),
            lambda d: call(d(3) > 0, 1),
        ],
    ),
    Row(
        "kthvalue",
        [
            lambda d: call(distinct(d, 3, 4), 2),
            lambda d: call(d.ties(6, 3), 3, 0),
            lambda d: call(d.ties(3, 6), k=5, keepdim=True),
            lambda d: call(d(), 1),
        ],
        once=[*[lambda d, k=k: call(d.ties(2, 31), k) for k in (1, 7, 16, 31)], lambda d: call(with_nan(d, 3, 20), 15)],
        bad=[
            lambda d: call(d(3), 4),
            lambda d: call(d(3), 0),
            lambda d: call(d(), 2),
            lambda d: call(d(3), 1, 2),
            lambda d: call(d(3), "x"),
            lambda d: call(d(0, 2), 1, 0),
        ],
        forms="function method",  # of `out` torch squeezes what it has resized, and warns of another shape
    ),
    Row(
        "mode",
        [lambda d: call(d.ties(3, 5)), lambda d: call(d.ties(5, 3), 0), lambda d: call(d(), 0, True)],
        once=[
            lambda d: call(d.ties(2, 200), -1, True),
            lambda d: call(with_nan(d, 4, 9)),
            lambda d: call(with_nan(d, 2, 60)),
            lambda d: call(d(0, 2), 1),
        ],
        bad=[*OUT_OF_RANGE, lambda d: call(d(0)), lambda d: call(d(3), "x")],
        forms="function method",
    ),
]
