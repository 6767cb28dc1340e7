"""Rows for elements and slices combined with what is at their place, and for parts written into copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Case, Row, call

ELEMENTS = np.array([[0, 1, 1], [0, 0, 2]])
SLICES = np.array([0, 0, 2])
ORDER = "quotients of products, which are taken in another order"


def elements(reduce: str, draw: str = "whole", **more: Any) -> Case:
    return lambda d: call(getattr(d, draw)(3, 3), 0, ELEMENTS, getattr(d, draw)(2, 3), reduce, **more)


def slices(reduce: str, draw: str = "whole", **more: Any) -> Case:
    return lambda d: call(getattr(d, draw)(3, 4), 0, SLICES, getattr(d, draw)(3, 4), reduce, **more)


FEW = ["float32", "float64", "float16", "int64", "uint8", "bool"]

ROWS = [
    Row(
        "scatter_reduce",
        [elements("sum"), elements("prod"), elements("mean"), elements("amax", "ties", include_self=False)],
        once=[
            elements("amin", "ties"),
            elements("amax", "ties"),
            elements("prod", "ties"),
            elements("prod", "nonzero", include_self=False),
            elements("mean", include_self=False),
            elements("sum", include_self=False),
            lambda d: call(d(), 0, np.array(0), d(), "prod"),
            lambda d: call(d(3), 0, np.zeros(0, np.int64), d(2), "amax"),
            lambda d: call(d(3, 4), -1, np.array([[3, 0], [1, 2]]), d(3, 3), "mean"),
            lambda d: call(d(3), 0, np.array([1, 1, 2]), np.array([0, 0, 2], d.dtype), "prod"),
        ],
        bad=[
            elements("x"),
            elements("add"),
            lambda d: call(d(3, 3), 0, ELEMENTS + 5, d(2, 3), "sum"),
            lambda d: call(d(3, 3), 0, ELEMENTS[0], d(2, 3), "sum"),
            lambda d: call(d(3, 3), 0, ELEMENTS, d(3), "sum"),
            lambda d: call(d(3, 3), 5, ELEMENTS, d(2, 3), "sum"),
            lambda d: call(d(3, 3), 0, ELEMENTS, d.typed("int64", 2, 3), "sum"),
            lambda d: call(d(3, 3), 0, ELEMENTS * 1.0, d(2, 3), "sum"),
            lambda d: call(d(3, 3), 0, ELEMENTS, d(2, 3), 3),
        ],
        dtypes=FEW,
        layouts=("transposed", "sliced"),
        grad_ulp=4,
        reason=ORDER,
    ),
    Row(
        "index_reduce",
        [slices("prod"), slices("mean"), slices("amax", "ties", include_self=False)],
        once=[
            slices("amin", "ties"),
            slices("prod", "ties"),
            slices("prod", "nonzero", include_self=False),
            slices("mean", include_self=False),
            lambda d: call(d(), 0, np.array(0), d(), "prod"),
            lambda d: call(d(3, 4), 1, np.array([3, 3]), d(3, 2), "amax"),
        ],
        bad=[
            slices("sum"),
            slices("x"),
            lambda d: call(d(3, 3), 0, SLICES, d.typed("int64", 3, 3), "prod"),
            lambda d: call(d(3, 3), 0, SLICES * 1.0, d(3, 3), "prod"),
            lambda d: call(d(3, 3), 0, SLICES[:2], d(3, 3), "prod"),
            lambda d: call(d(3, 3), 0, SLICES[::-1] + 1, d(3, 3), "prod"),
            lambda d: call(d(3, 3), 0, ELEMENTS, d(3, 3), "prod"),
            lambda d: call(d(3, 3), 0, SLICES, d(3, 2), "prod"),
            lambda d: call(d(3, 3), 5, SLICES, d(3, 3), "prod"),
        ],
        dtypes=FEW,
        forms="function method in_place",
        layouts=("transposed", "sliced"),
        grad_ulp=4,
        reason=ORDER,
    ),
    Row(
        "scatter",
        [
            lambda d: call(d.whole(3, 3), 0, ELEMENTS, d.whole(2, 3), reduce="add"),
            lambda d: call(d.whole(3, 3), 0, ELEMENTS, 2, reduce="multiply"),
        ],
        once=[
            lambda d: call(d.whole(3, 3), 0, ELEMENTS, d.whole(2, 3), reduce="multiply"),
            lambda d: call(d.whole(3, 3), 0, ELEMENTS, value=2, reduce="add"),
        ],
        bad=[
            lambda d: call(d(3, 3), 0, ELEMENTS, d(2, 3), reduce="x"),
            lambda d: call(d(3, 3), 0, ELEMENTS, 2, reduce="x"),
            lambda d: call(d(3, 3), 0, ELEMENTS, d.typed("int64", 2, 3), reduce="add"),
        ],
        layouts=("transposed", "sliced"),
    ),
]
