"""Rows for copies of views and for parts written into copies; for what else shows, joins and counts parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Row, T, call

FEW = ["float32", "int64", "bool"]


def copies(name: str, *arguments: Any, shape: tuple[int, ...] = (3, 4), bad: Any = ()) -> Row:
    """The copy of a view: one call swept over everything."""
    refused = [lambda d: call(d(*shape), *bad)] if bad else []
    return Row(f"{name}_copy", [lambda d: call(d(*shape), *arguments)], bad=refused, dtypes=FEW)


COPIES = [
    copies("alias"),
    copies("diagonal", 1, bad=(0, 1, 1)),
    copies("expand", (2, 3, 4), bad=((2, 2),)),
    copies("permute", (1, 0), bad=((1, 1),)),
    copies("select", 0, 1, bad=(0, 5)),
    copies("squeeze", 0, shape=(1, 3), bad=(5,)),
    copies("squeeze", shape=(1, 3, 1)),
    copies("t", shape=(3, 4)),
    copies("transpose", 0, 1, bad=(0, 5)),
    copies("unfold", 0, 2, 1, bad=(0, 5, 1)),
    copies("unsqueeze", 1, bad=(5,)),
    Row(
        "view_copy",
        [
            lambda d: call(d(3, 4), (2, 6)),
            lambda d: call(d(3, 4).T, (-1,)),
            lambda d: call(d.typed("float32", 3, 4), T("int16")),
        ],
        once=[lambda d: call(d(3, 4), size=(12,)), lambda d: call(d(3, 4), dtype=T("int32"))],
        bad=[lambda d: call(d(3, 4), (5,)), lambda d: call(d(3, 4), 12), lambda d: call(d(3, 4), size="a")],
    ),
    Row(
        "narrow_copy",
        [lambda d: call(d(3, 4), 1, 1, 2), lambda d: call(d(3, 4), 0, -2, 1)],
        forms="function method",
        bad=[
            lambda d: call(d(3), 0, 0, 5),
            lambda d: call(d(3), 0, 4, 1),
            lambda d: call(d(), 0, 0, 0),
        ],
    ),
]

WRITTEN = [
    Row(
        "select_scatter",
        [lambda d: call(d(3, 4), d(4), 0, 1), lambda d: call(d(3, 4), d(3), 1, -1)],
        bad=[
            lambda d: call(d(3, 4), d(4), 0, 5),
            lambda d: call(d(3, 4), d(3), 0, 1),
            lambda d: call(d(), d(), 0, 0),
        ],
    ),
    Row(
        "slice_scatter",
        [lambda d: call(d(3, 4), d(3, 2), 1, 0, 4, 2), lambda d: call(d(3, 4), d(1, 4), 0, -1)],
        once=[lambda d: call(d(3, 4), d(3, 4)), lambda d: call(d(3, 4), d(1, 4), start=0, end=-2)],
        bad=[
            lambda d: call(d(3, 4), d(2, 4), 0, 0, 3),
            lambda d: call(d(3, 4), d(4), 0, 0, 1),
            lambda d: call(d(3, 4), d(1, 4), 0, 0, 3, -1),
            lambda d: call(d(3, 4), d(1, 4), 5),
        ],
    ),
    Row(
        "diagonal_scatter",
        [lambda d: call(d(3, 4), d(3)), lambda d: call(d(3, 4), d(2), -1)],
        bad=[lambda d: call(d(3, 4), d(2)), lambda d: call(d(3), d(3))],
    ),
]

PARTS = [
    Row(
        "dsplit",
        [lambda d: call(d(2, 3, 4), 2), lambda d: call(d(2, 3, 4), [1])],
        bad=[lambda d: call(d(2, 3), 1), lambda d: call(d(2, 3, 4), 3)],
        dtypes=FEW,
    ),
    Row(
        "unsafe_split",
        [lambda d: call(d(5, 2), 2), lambda d: call(d(5, 2), 1, dim=1)],
        bad=[lambda d: call(d(3), -1), lambda d: call(d(3), 2, 5)],
        dtypes=FEW,
    ),
    Row("unsafe_chunk", [lambda d: call(d(5, 2), 2)], bad=[lambda d: call(d(3), 0)], dtypes=FEW),
    Row(
        "unsafe_split_with_sizes",
        [lambda d: call(d(5, 2), [2, 3]), lambda d: call(d(2, 5), (4, 1), 1)],
        bad=[lambda d: call(d(3), [1, 1])],
        dtypes=FEW,
    ),
    Row("row_stack", [lambda d: call([d(3), d(2, 3)])], bad=[lambda d: call(d(3)), lambda d: call([])]),
    Row(
        "diagflat",
        [lambda d: call(d(2, 2)), lambda d: call(d(3), -1)],
        once=[lambda d: call(d())],
        bad=[lambda d: call(3), lambda d: call(d(2), "x")],
    ),
    Row(
        "combinations",
        [lambda d: call(d(4)), lambda d: call(d(3), 3, True)],
        once=[lambda d, r=r: call(d(3), r) for r in (0, 1, 5)],
        bad=[lambda d: call(d(2, 2)), lambda d: call(d(3), -1), lambda d: call(d(3), 1.5), lambda d: call(3)],
        dtypes=FEW,
    ),
]

ASKED = [
    Row(
        "nonzero_static",
        [lambda d: call(d.ties(3, 4), size=2), lambda d: call(d.ties(2, 2), size=9, fill_value=7)],
        once=[lambda d: call(d(), size=2)],
        forms="function method",
        bad=[lambda d: call(d(3), size=-1)],
    ),
    Row(
        "unravel_index",
        [lambda d: call(d.index(5, below=6), (2, 3)), lambda d: call(d.index(2, 2, below=6), 6)],
        once=[
            lambda d: call(np.array(5), (2, 3)),
            lambda d: call(np.array([7, -1, -7]), (2, 3)),
            lambda d: call(np.array([5], np.int32), (2, 3)),
        ],
        bad=[
            lambda d: call(d(3), (2, 3)),
            lambda d: call(np.array([1]), (2, -3)),
            lambda d: call(np.array([1]), (2.0, 3)),
            lambda d: call(np.array([True]), (2, 3)),
            lambda d: call(np.array([1]), None),
        ],
        layouts=("sliced",),
    ),
    Row("is_signed", [lambda d: call(d(2))], bad=[lambda d: call(3)]),
    Row("get_device", [lambda d: call(d(2))], dtypes=FEW),
]

ROWS = [*COPIES, *WRITTEN, *PARTS, *ASKED]
