"""Rows for distances and padding."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Case, Row, call

POWERS = "the vendor's powers and the order of a sum"
INF = float("inf")


def apart(*shapes: tuple[int, ...], **named: Any) -> Case:
    return lambda d: call(*[d(*s) for s in shapes], **named)


NEAR = {"ulp": 8, "grad_ulp": 64, "largest": True, "zeros": False, "reason": POWERS}
FLOATS = ["float32", "float64", "float16", "int64"]

ROWS = [
    Row(
        "dist",
        [apart((2, 3), (2, 3)), apart((2, 3), (3,), p=1)],
        once=[apart((2, 3), (2, 3), p=p) for p in (0.5, 1.5, 3, INF, -INF)],
        bad=[apart((2, 3), (2,)), lambda d: call(d(2), 3), lambda d: call(d(2), d(2), "x")],
        dtypes=FLOATS,
        **NEAR,
    ),
    Row(
        "pairwise_distance",
        [apart((2, 3), (2, 3)), apart((2, 3), (3,), p=1, keepdim=True)],
        once=[apart((2, 3), (2, 3), p=3, eps=0.5), apart((3,), (3,)), apart((2, 3), (2, 3), p=INF), apart((), ())],
        bad=[apart((2, 3), (2,)), lambda d: call(d(2), 3)],
        dtypes=FLOATS,
        **NEAR,
    ),
    *[
        Row(
            "cosine_similarity",
            [apart((2, 3), (2, 3)), apart((2, 3), (3,), dim=-1)],
            once=[apart((3,), (3,), dim=0), apart((2, 3, 2), (2, 1, 2)), lambda d: call(d(2, 3) * 0, d(2, 3))],
            bad=[
                apart((2, 3), (2,)),
                apart((2,), (2,)),
                lambda d: call(d.typed("int64", 2, 2), d.typed("int64", 2, 2)),
            ],
            dtypes=[dtype],
            **NEAR,
        )
        for dtype in ("float32", "float64", "float16")
    ],
    Row(
        "cdist",
        [apart((4, 3), (5, 3)), apart((2, 4, 3), (5, 3), p=1)],
        once=[
            *[apart((4, 3), (2, 3), p=p) for p in (0, 0.5, 1.5, 3, INF)],
            apart((30, 3), (2, 3)),
            apart((2, 30, 3), (3, 3)),
            apart((4, 3), (2, 3), compute_mode="use_mm_for_euclid_dist"),
            apart((30, 3), (2, 3), compute_mode="donot_use_mm_for_euclid_dist"),
        ],
        bad=[
            apart((3, 3), (3,)),
            apart((3,), (3, 3)),
            apart((2, 3), (2, 2)),
            apart((2, 3), (2, 3), p=-1),
            apart((2, 3), (2, 3), compute_mode="x"),
            apart((2, 3, 4), (5, 3, 4)),
            lambda d: call(d(2, 3), d.typed("float64", 2, 3)),
        ],
        dtypes=FLOATS,
        **NEAR,
    ),
    Row(
        "pdist",
        [apart((4, 3)), apart((4, 3), p=1)],
        once=[*[apart((4, 3), p=p) for p in (0, 0.5, 1.5, 3, INF)]],
        bad=[apart((3,)), apart((2, 2), p=-1), lambda d: call(d.typed("int64", 2, 2))],
        dtypes=FLOATS,
        **NEAR,
    ),
    Row(
        "renorm",
        [lambda d: call(d(3, 4), 2, 0, 3.5), lambda d: call(d(3, 4, 2), 1, 1, 9)],
        once=[lambda d: call(d(3, 4), 3, -1, 2)],
        bad=[
            lambda d: call(d(3, 4), 0, 0, 1),
            lambda d: call(d(3), 2, 0, 1),
            lambda d: call(d(3, 4), 2, 5, 1),
            lambda d: call(d(3, 4), 2, 0, -1),
        ],
        dtypes=FLOATS,
        layouts=("transposed", "sliced"),
        **NEAR,
    ),
    Row(
        "constant_pad_nd",
        [lambda d: call(d(2, 3), (1, 2)), lambda d: call(d(2, 3), (1, -1, 0, 2), 1.5), lambda d: call(d(2, 3), ())],
        once=[lambda d: call(d(2, 3), [-1, -1]), lambda d: call(d(0, 3), (0, 0, 1, 0)), lambda d: call(d(), ())],
        bad=[
            lambda d: call(d(2, 3), (1,)),
            lambda d: call(d(2, 3), (1,) * 6),
            lambda d: call(d(2, 3), (-2, -2)),
            lambda d: call(d(2, 3), (1, 1), "x"),
            lambda d: call(d(2, 3), 1),
            lambda d: call(np.zeros(2, np.int64), (1, 1), INF),
        ],
    ),
]
