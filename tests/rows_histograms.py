"""Rows for histograms, and for gradients by finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Draw, Row, call

FLOATS = ["float32", "float64"]
CORNERS = np.float32([0, -1, 0.5, 3, 1, 1.5, np.nan, np.inf])


def rising(d: Draw, *distances: float) -> Any:
    """Coordinates or edges that go up by these distances."""
    return (np.cumsum([0, *distances]) - 1).astype(d.dtype)


ROWS = [
    Row(
        "histc",
        [lambda d: call(d(40), 5), lambda d: call(d(8, 5), 4, -1, 2), lambda d: call(d.ties(9), bins=3, min=0, max=2)],
        once=[
            lambda d: call(d(9)),
            lambda d: call(np.float32([1, 1]), 2),
            lambda d: call(np.float32([1, np.nan]), 2, 0, 2),
            lambda d: call(d(0), 3),
            lambda d: call(np.float32([3e38, -3e38]), 3),
            lambda d: call(np.float32([1e38, -1e38, 0, 5e37]), 3),
        ],
        dtypes=["float32", "float64", "float16", "int64", "bool"],
        bad=[
            lambda d: call(d(3), 0),
            lambda d: call(d(3), 2, 3, 1),
            lambda d: call(np.float32([1, np.inf]), 2),
            lambda d: call(d(3), 2, np.inf, 0),
            *[
                lambda d, dtype=dtype, more=more: call(d.typed(dtype, 3), *more)
                for dtype in ("bool", "int64")
                for more in ((0,), (2, 3, 1), (2, 0, np.inf), (3,))
            ],
        ],
    ),
    Row(
        "histogram",
        [
            lambda d: call(d(8, 5), 4),
            lambda d: call(d(40), 7, range=(-1, 2.5), weight=d(40), density=True),
            lambda d: call(d(40), rising(d, 0.3, 1.2, 2)),
        ],
        once=[
            lambda d: call(d(9)),
            lambda d: call(d(40), bins=rising(d, 0.3, 1.2, 2), weight=d(40), density=True),
            lambda d: call(CORNERS, 6, range=(-1, 1.5)),
            lambda d: call(CORNERS, np.float32([0, np.nan, 1])),
            lambda d: call(d(9), np.float32([3, 1, 2])),
            lambda d: call(np.linspace(0, 1, 101).astype(np.float32), 100),  # each on an edge
            *[lambda d, n=n: call(np.linspace(-1.3, 2.7, n + 1).astype(np.float32), n) for n in (7, 49, 93, 190)],
            lambda d: call(np.float32([3, 3]), 2),
            lambda d: call(np.float32([1e38, -1e38, 0, 5e37]), 7),
            lambda d: call(d(), 3),
            lambda d: call(d(0), 3),
            lambda d: call(d(0), 3, density=True),
            lambda d: call(d.whole(2, 9).astype(np.float16), 2, range=(-1, 2)),
            lambda d: call(d(9).astype(np.float16), np.float16([-1, 0, 1])),
        ],
        bad=[
            lambda d: call(d(3), 0),
            lambda d: call(d(3), -1),
            lambda d: call(d(3), 2, range=(3, 1)),
            lambda d: call(d(3), 2, range=(3,)),
            lambda d: call(d(3), 2, range=(0, float("inf"))),
            lambda d: call(d(3), 2, range=3),
            lambda d: call(d(3), 2, range=("a", "b")),
            lambda d: call(np.float32([1, np.nan]), 2),
            lambda d: call(d(3), np.float64([1, 2])),
            lambda d: call(d(3), d(1, 2)),
            lambda d: call(d(3), d(0)),
            lambda d: call(d(3), d(1)),
            lambda d: call(d(3), 2, weight=d(1)),
            lambda d: call(d(3), 2, weight=np.ones(3)),
            lambda d: call(d(3), 2, weight=3),
            lambda d: call(d(3), 2, density=1),
            lambda d: call(d(3), 2.5),
            lambda d: call(d(3), [1, 2]),
            lambda d: call(3, 2),
            lambda d: call(d(3), d(2), range=(1, 2)),
            lambda d: call(d.index(3, below=5), 2),
            lambda d: call(d.index(3, below=5), 2, range=(1, 2)),
            lambda d: call(d(3) > 0, 2),
            lambda d: call(d(3).astype(np.float16), 2),
        ],
        dtypes=FLOATS,
    ),
    Row(
        "histogramdd",
        [
            lambda d: call(d(20, 2), [3, 2]),
            lambda d: call(d(20, 2), [rising(d, 1, 2), rising(d, 0.3, 1.2, 2)], weight=d(20)),
        ],
        once=[
            lambda d: call(d(5, 4, 3), 2, weight=d(5, 4), density=True),
            lambda d: call(d(20, 2), (3, 2), [-1, 2, 0, 1], None, True),
            lambda d: call(d(0, 2), [2, 3]),
            lambda d: call(d(3, 0), []),
            lambda d: call(d(3, 1), 4),
        ],
        bad=[
            lambda d: call(d(3), 2),
            lambda d: call(d(3), [2]),
            lambda d: call(d(3, 2), [2]),
            lambda d: call(d(3, 2), [2, 0]),
            lambda d: call(d(3, 2), [2, 2], [1, 2]),
            lambda d: call(d(3, 2), [2, 2], [1, 2, 4, 3]),
            lambda d: call(d(3, 2), [d(2)]),
            lambda d: call(d(3, 2), [d(2), np.ones(2)]),
            lambda d: call(d(3, 2), [d(2), d(1, 2)]),
            lambda d: call(d(3, 2), [d(2), d(0)]),
            lambda d: call(d(3, 2), [d(2), d(1)]),
            lambda d: call(d(3, 2), [d(2), 2]),
            lambda d: call(d(3, 2), [2, d(2)]),
            lambda d: call(d(3, 2), [2, 2], weight=d(2)),
            lambda d: call(d(3, 2), [2, 2], weight=np.ones(3)),
            lambda d: call(d(3, 2), [2, 2], weight=1),
            lambda d: call(d(3, 2), "a"),
            lambda d: call(d.index(3, 2, below=4), [2, 2]),
            lambda d: call(np.float32([[1, np.nan]]), [2, 2]),
        ],
        dtypes=FLOATS,
    ),
    Row(
        "gradient",
        [
            lambda d: call(d(3, 4)),
            lambda d: call(d(5), spacing=0.5, edge_order=2),
            lambda d: call(d(3, 4), spacing=(rising(d, 1, 2), rising(d, 1, 3, 2)), edge_order=2),
        ],
        once=[
            lambda d: call(d(3, 4), spacing=(rising(d, 1, 2), rising(d, 1, 3, 2))),
            lambda d: call(d(3, 4), spacing=(2, 0.3), dim=(1, 0)),
            lambda d: call(d(3, 4), spacing=[3], dim=-1),
            lambda d: call(d(3, 4), spacing=2, dim=[0], edge_order=2),
            lambda d: call(d(5), spacing=np.float32(0.3)),
            lambda d: call(d(5), spacing=(np.arange(5),)),
            lambda d: call(d(3, 4), dim=[]),
            lambda d: call(d()),
            lambda d: call(d(5), spacing=0),
        ],
        bad=[
            lambda d: call(d(3, 4), dim=(0, 0)),
            lambda d: call(d(3, 4), dim=(0, 2)),
            lambda d: call(d(3, 4), dim=5),
            lambda d: call(d(), dim=0),
            lambda d: call(d(3, 4), spacing=(2, 3), dim=0),
            lambda d: call(d(3, 4), spacing=(2,)),
            lambda d: call(d(3, 4), spacing=()),
            lambda d: call(d(3, 4), spacing=(d(1, 3),), dim=0),
            lambda d: call(d(3, 4), edge_order=3),
            lambda d: call(d(2, 4), edge_order=2),
            lambda d: call(d(1, 4)),
            lambda d: call(d(0)),
            lambda d: call(d(4), spacing="a"),
            lambda d: call(d(4), spacing=("a",)),
            lambda d: call(d(4), spacing=(d(4), 2)),
            lambda d: call(d(4), spacing=(2, d(4))),
            lambda d: call(d(4), spacing=d(4)),
            lambda d: call(d(4), dim="a"),
            lambda d: call(d(4), dim=True),
            lambda d: call(d(4), dim=(0, "a")),
            lambda d: call(d(4), edge_order=1.5),
            lambda d: call(3),
        ],
    ),
]
