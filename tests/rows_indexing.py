"""Rows for elements taken from places and put to places: x[...], gather, scatter and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Draw, Row, call


def repeated(*shape: int, below: int) -> Any:
    """Indices among which the same come again and again, so that several values meet in one place."""
    return np.random.default_rng(5).integers(0, below, shape)


def mask(*shape: int) -> Any:
    return np.random.default_rng(6).integers(0, 2, shape).astype(bool)


INDEXED = [
    Row(
        "__getitem__",
        [
            lambda d: call(d(3, 4), 1),
            lambda d: call(d(3, 4), (slice(None), -1)),
            lambda d: call(d(3, 4), slice(1, None, 2)),
            lambda d: call(d(3, 4), (slice(1, 3), None, slice(None, None, 3))),
            lambda d: call(d(3, 4), (Ellipsis, 2)),
            lambda d: call(d(3, 4), repeated(5, below=3)),
            lambda d: call(d(3, 4), (repeated(5, below=3), repeated(5, below=4))),
            lambda d: call(d(3, 4, 2), (repeated(2, 1, below=3), slice(None), repeated(3, below=2))),
            lambda d: call(d(3, 4), (slice(None), repeated(2, 2, below=4))),
            lambda d: call(d(3, 4), mask(3, 4)),
            lambda d: call(d(3, 4), (slice(1, None), mask(4))),
            lambda d: call(d(3, 4), [2, 0, -1]),
            lambda d: call(d(3, 4), (True, [0, 1, 1])),
        ],
        once=[
            lambda d: call(d(3), ()),
            lambda d: call(d(), None),
            lambda d: call(d(3), slice(5, 2)),
            lambda d: call(d(3, 2), np.array(1)),
            lambda d: call(d(3, 2), np.zeros((0,), np.int64)),
            lambda d: call(d(3, 2), np.array([1, 0, 1], np.uint8)),
            lambda d: call(d(2, 0), slice(0, 1)),
            lambda d: call(d(4), [[0, 1], [1, 2]]),
        ],
        bad=[
            lambda d: call(d(3), 3),
            lambda d: call(d(3), slice(None, None, -1)),
            lambda d: call(d(3), (0, 0)),
            lambda d: call(d(3), np.array([3])),
            lambda d: call(d(3), mask(4)),
            lambda d: call(d(3, 4), (np.array([0, 1]), np.array([0, 1, 2]))),
            lambda d: call(d(3), 1.5),
            lambda d: call(d(3), "a"),
            lambda d: call(d(), 0),
            lambda d: call(d(3), np.array([1.0])),
        ],
    ),
    Row(
        "__setitem__",
        [
            lambda d: call(d(3, 4), 1, d(4)),
            lambda d: call(d(3, 4), slice(None, 2), d(2, 1)),
            lambda d: call(d(3, 4), (slice(None), -1), d()),
            lambda d: call(d(3, 4), np.array([2, 0]), d(2, 4)),
            lambda d: call(d(3, 4), (np.array([2, 0]), np.array([1, 1])), d()),
            lambda d: call(d(3, 4), Ellipsis, d(1, 1, 4)),
        ],
        once=[
            lambda d: call(d(3, 4), 1, 2.5),
            lambda d: call(d(3, 4), (0, 0), True),
            lambda d: call(d(3, 4), mask(3, 4), 2.5),
            lambda d: call(d(3, 4), mask(3), d(4)),
            lambda d: call(d(3, 4), (None, 1), d(4)),
            lambda d: call(d(3, 4), True, d(4)),
            lambda d: call(d(3, 4), False, d(7)),
            lambda d: call(d(3, 4), 1, d.typed("int64", 4)),
            lambda d: call(d(), (), d()),
            lambda d: call(d(3, 4), (slice(1), mask(4)), d()),
        ],
        bad=[
            lambda d: call(d(3, 4), 1, d(3)),
            lambda d: call(d(3, 4), 3, 0),
            lambda d: call(d(3, 4), 0, "a"),
            lambda d: call(d(3, 4), 0, [1, 2, 3, 4]),
            lambda d: call(d(3, 4), np.array([0, 1]), d(3)),
            lambda d: call(d(3, 4), np.array([0, 1]), d.typed("float64", 4)),
            lambda d: call(d(3, 4), slice(None, None, -1), 0),
        ],
        forms="method",
    ),
    Row(
        "index_put",
        [
            lambda d: call(d(3, 4), (np.array([2, 0]),), d(4)),
            lambda d: call(d(3, 4), [np.array([2, 0]), np.array([1, 1])], d(2), False),
            lambda d: call(d(3, 4), (repeated(6, below=3),), d(6, 4), accumulate=True),
            lambda d: call(d(3, 4), (repeated(6, below=3), repeated(6, below=4)), d(), True),
            lambda d: call(d(3, 4), (mask(3, 4),), d()),
        ],
        bad=[
            lambda d: call(d(3, 4), (np.array([2, 0]),), d(3)),
            lambda d: call(d(3, 4), np.array([2, 0]), d(4)),
            lambda d: call(d(3, 4), (1,), d(4)),
        ],
        layouts=("transposed", "sliced"),
    ),
    Row(
        "take",
        [lambda d: call(d(3, 4), d.index(5, below=12)), lambda d: call(d(3, 4), d.index(2, 3, below=12) - 6)],
        once=[lambda d: call(d(4), np.array(2)), lambda d: call(d(0), np.zeros(0, np.int64))],
        bad=[
            lambda d: call(d(3), np.array([3])),
            lambda d: call(d(3), d(2)),
            lambda d: call(d(3), np.array([0], np.int32)),
        ],
    ),
    Row(
        "put",
        [
            lambda d: call(d(3, 4), np.array([1, 5, -1]), d(3)),
            lambda d: call(d(3, 4), repeated(5, below=12), d(5), True),
        ],
        bad=[
            lambda d: call(d(3), np.array([3]), d(1)),
            lambda d: call(d(3), np.array([1]), d(2)),
            lambda d: call(d(3), np.array([1]), d.typed("int64", 1)),
        ],
        layouts=("transposed", "sliced"),
    ),
    Row(
        "masked_select",
        [lambda d: call(d(3, 4), d.mask(3, 4)), lambda d: call(d(3, 4), d.mask(4)), lambda d: call(d(4), d.mask(3, 1))],
        bad=[lambda d: call(d(3), d.mask(2)), lambda d: call(d(3), d.index(3, below=2))],
    ),
    Row(
        "masked_scatter",
        [lambda d: call(d(3, 4), d.mask(3, 4), d(12)), lambda d: call(d(3, 4), d.mask(4), d(3, 5))],
        bad=[
            lambda d: call(d(3), d.index(3, below=2), d(3)),
            lambda d: call(d(3), d.mask(3), d.typed("int64", 3)),
        ],
        layouts=("transposed", "sliced"),
    ),
    Row(
        "nonzero",
        [lambda d: call(d.ties(3, 4)), lambda d: call(d.ties(3, 4), as_tuple=True)],
        once=[lambda d: call(d(1)), lambda d: call(d.nonzero())],
    ),
    Row("argwhere", [lambda d: call(d.ties(3, 4))]),
]


def placed(d: Draw, *more: Any, **named: Any) -> Any:
    return call(d(3, 4), 0, repeated(5, below=3), *more, **named)


ALONG = [
    Row(
        "gather",
        [
            lambda d: call(d(3, 4), 0, repeated(5, 4, below=3)),
            lambda d: call(d(3, 4), 1, repeated(2, 6, below=4)),
            lambda d: call(d(2, 3, 2), -2, repeated(2, 4, 1, below=3)),
        ],
        once=[
            lambda d: call(d(), 0, np.array(0)),
            lambda d: call(d(3), 0, np.array([1], np.int32)),
            lambda d: call(d(3), 0, np.zeros(0, np.int64)),
        ],
        bad=[
            lambda d: call(d(3, 4), 0, np.array([[3]])),
            lambda d: call(d(3, 4), 0, np.array([0])),
            lambda d: call(d(3, 4), 0, repeated(1, 5, below=3)),
            lambda d: call(d(3), 0, d(1)),
            lambda d: call(d(3), 1, np.array([0])),
            lambda d: call(d(3), 0, 1),
        ],
    ),
    Row(
        "scatter",
        [
            lambda d: call(d(3, 4), 0, np.array([[2, 0, 1, 1]]), d(1, 4)),
            lambda d: call(d(3, 4), 1, np.array([[3, 0], [1, 2]]), d(3, 3)),
            lambda d: call(d(3, 4), 1, np.array([[3, 0], [1, 2]]), 2.5),
        ],
        once=[
            lambda d: call(d(), 0, np.array(0), d()),
            lambda d: call(d(3), 0, np.zeros(0, np.int64), d(2)),
            lambda d: call(d(3, 1), 0, np.array([[1]]), value=2),
        ],
        bad=[
            lambda d: call(d(3, 4), 0, np.array([[3]]), d(1, 1)),
            lambda d: call(d(3, 4), 0, np.array([[0, 1]]), d(1, 1)),
            lambda d: call(d(3, 4), 0, np.array([0]), d(1)),
            lambda d: call(d(3, 4), 0, np.array([[0]]), d.typed("int64", 1, 1)),
        ],
        layouts=("transposed", "sliced"),
    ),
    Row(
        "scatter_add",
        [
            lambda d: call(d(3, 4), 0, repeated(6, 4, below=3), d(6, 4)),
            lambda d: call(d(3, 4), 1, repeated(2, 5, below=4), d(3, 5)),
        ],
        once=[lambda d: call(d(), 0, np.array(0), d())],
        bad=[
            lambda d: call(d(3, 4), 0, np.array([[3]]), d(1, 1)),
            lambda d: call(d(3, 4), 0, np.array([[0, 1]]), d(1, 1)),
            lambda d: call(d(3), 0, np.array([0]), 1.0),
        ],
        layouts=("transposed", "sliced"),
    ),
    Row(
        "take_along_dim",
        [
            lambda d: call(d(3, 4), repeated(3, 2, below=4), 1),
            lambda d: call(d(3, 4), repeated(1, 4, below=3), 0),
            lambda d: call(d(3, 4), repeated(5, below=12)),
        ],
        bad=[lambda d: call(d(3, 4), np.array([0]), 1)],
    ),
    Row(
        "index_select",
        [lambda d: placed(d), lambda d: call(d(3, 4), -1, repeated(6, below=4))],
        once=[
            lambda d: call(d(3), 0, np.array(1)),
            lambda d: call(d(), 0, np.array([0])),
            lambda d: call(d(3), 0, np.array([1], np.int32)),
        ],
        bad=[
            lambda d: call(d(3), 0, np.array([3])),
            lambda d: call(d(3), 0, np.array([-1])),
            lambda d: call(d(3), 0, np.array([[0]])),
            lambda d: call(d(3), 1, np.array([0])),
            lambda d: call(d(3), 0, d(1)),
            lambda d: call(d(3), 0, 1),
        ],
    ),
    Row(
        "index_add",
        [
            lambda d: placed(d, d(5, 4)),
            lambda d: call(d(3, 4), 1, repeated(6, below=4), d(3, 6)),
            lambda d: placed(d, d(5, 4), alpha=2),
        ],
        once=[lambda d: call(d(), 0, np.array(0), d())],
        bad=[
            lambda d: call(d(3, 4), 0, np.array([3]), d(1, 4)),
            lambda d: call(d(3, 4), 0, np.array([0]), d(2, 4)),
            lambda d: call(d(3, 4), 0, np.array([0]), d(1, 3)),
            lambda d: call(d(3, 4), 0, np.array([0]), d.typed("int64", 1, 4)),
            lambda d: call(d(), 0, np.array([0]), d(1)),
            lambda d: call(d(3), 0, np.array(1), d()),
        ],
        layouts=("transposed", "sliced"),
    ),
    Row(
        "index_fill",
        [lambda d: placed(d, 2), lambda d: call(d(3, 4), 1, np.array([0, -1]), 1), lambda d: placed(d, d())],
        once=[lambda d: call(d(3), 0, np.array(1), 2.5), lambda d: call(d(), 0, np.array([0]), 1)],
        bad=[
            lambda d: call(d(3), 0, np.array([3]), 1),
            lambda d: call(d(3), 0, np.array([0]), d(2)),
            lambda d: call(d(3), 0, np.array([0], np.int32), 1),
            lambda d: call(d(3), 0, np.array([[0]]), 1),
        ],
        layouts=("transposed", "sliced"),
    ),
    Row(
        "index_copy",
        [lambda d: call(d(3, 4), 0, np.array([2, 0]), d(2, 4)), lambda d: call(d(3, 4), 1, np.array([1, 3]), d(3, 2))],
        once=[lambda d: call(d(3), 0, np.array(1), d(1)), lambda d: call(d(), 0, np.array([0]), d())],
        bad=[
            lambda d: call(d(3, 4), 0, np.array([3]), d(1, 4)),
            lambda d: call(d(3, 4), 0, np.array([0]), d(2, 4)),
            lambda d: call(d(3, 4), 0, np.array([0]), d(1, 3)),
            lambda d: call(d(3, 4), 0, np.array([0]), d(1)),
            lambda d: call(d(3, 4), 0, np.array([0]), d.typed("int64", 1, 4)),
        ],
        layouts=("transposed", "sliced"),
    ),
]

ROWS = [*INDEXED, *ALONG]
