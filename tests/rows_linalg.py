"""Rows for products of matrices and vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import DTYPES, Case, Row, call
from rows_reduction import eighths

ZERO = "BLAS adds the products to 0, which loses a −0"
INNER = "the products are added in another order"


def exact(*shapes: tuple[int, ...], **named: Any) -> Case:
    """Arguments whose products and sums need no rounding."""
    return lambda d: call(*[eighths(d, *s) for s in shapes], **named)


def rough(*shapes: tuple[int, ...], **named: Any) -> Case:
    """Positive arguments with full mantissas."""
    return lambda d: call(*[d.positive(*s) for s in shapes], **named)


def typed(*shapes: tuple[int, ...]) -> list[Case]:
    """The same call with a float64 in one of the places."""

    def case(at: int) -> Case:
        return lambda d: call(*[d.typed("float64", *s) if i == at else d(*s) for i, s in enumerate(shapes)])

    return [case(at) for at in range(len(shapes))]


def products(name: str, shapes: list[tuple[tuple[int, ...], ...]], bad: list[Case], **more: Any) -> list[Row]:
    """One row of exact numbers that demands the same bits, one of others that allows for the order of addition."""
    cases = (
        [exact(*s) for s in shapes] + [exact(*shapes[0], **more.pop("factors"))]
        if "factors" in more
        else [exact(*s) for s in shapes]
    )
    return [
        Row(name, cases, bad=bad, exact=True, zeros=False, reason=ZERO, **more),
        Row(
            name,
            [rough(*s) for s in shapes[:2]],
            ulp=8,
            grad_ulp=8,
            reason=INNER,
            **{**more, "dtypes": ["float32", "float64"], "forms": "function method"},
        ),
    ]


MATMUL = [
    ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)), ((2, 3), (5, 3, 4)), ((3,), (5, 3, 4)), ((2, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (1, 3, 4)),
    ((1, 2, 3), (5, 3, 4)), ((2, 2, 2, 3), (3,)), ((2, 2, 2, 3), (3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3)),
    ((0, 2, 3), (3, 2)),
]  # fmt: skip
LINEAR = [
    ((2, 3), (4, 3), (4,)), ((2, 3), (4, 3)), ((3,), (4, 3), (4,)), ((3,), (4, 3)), ((5, 2, 3), (4, 3), (4,)),
    ((5, 2, 3), (4, 3)), ((2, 2, 2, 3), (4, 3), (4,)), ((2, 2, 2, 3), (4, 3)), ((3,), (3,)), ((3,), (3,), ()),
    ((2, 3), (3,)), ((0, 3), (4, 3), (4,)), ((2, 3), (4, 3), (1,)), ((2, 3), (1, 3), (1,)),
]  # fmt: skip


NO_BOOL = [t for t in DTYPES if t != "bool"]  # the last ones refused, in whatever order of reasons


def sizes(*shapes: tuple[int, ...]) -> Case:
    return lambda d: call(*[d(*s) for s in shapes])


ROWS = [
    *products(
        "mm",
        [((2, 3), (3, 4)), ((5, 1), (1, 2)), ((1, 3), (3, 1)), ((0, 3), (3, 2)), ((2, 0), (0, 3))],
        [
            sizes((2, 3), (2, 3)),
            sizes((3,), (3, 2)),
            sizes((2, 3), (3,)),
            lambda d: call(d(2, 3), 2),
            *typed((2, 3), (3, 2)),
        ],
    ),
    *products(
        "matmul",
        MATMUL,
        [
            sizes((2, 3), (2, 3)),
            sizes((3,), (2,)),
            sizes((2, 3), (2,)),
            sizes((2,), (3, 2)),
            sizes((), (3,)),
            sizes((3,), ()),
            sizes((5, 2, 3), (5, 2, 3)),
            sizes((5, 2, 3), (3, 3, 4)),
            sizes((5, 2, 3), (2, 3)),
            *typed((2, 3), (3, 2)),
            *typed((2, 3), (3,)),
            *typed((3,), (3,)),
            *typed((5, 2, 3), (5, 3, 2)),
            *typed((5, 2, 3), (3,)),
        ],
        forms="function method",
    ),
    Row(
        "matmul",
        [exact((2, 3), (3, 4)), exact((3,), (3,)), exact((2, 3), (3,)), exact((5, 2, 3), (5, 3, 4))],
        exact=True,
        zeros=False,
        reason=ZERO,
    ),
    *products(
        "mv",
        [((2, 3), (3,)), ((4, 1), (1,)), ((0, 3), (3,)), ((2, 0), (0,))],
        [sizes((2, 3), (2,)), sizes((2, 3), (2, 3)), sizes((3,), (3,)), *typed((2, 3), (3,))],
    ),
    *products(
        "dot", [((3,), (3,)), ((1,), (1,)), ((0,), (0,))], [sizes((3,), (2,)), sizes((2, 3), (3,)), *typed((3,), (3,))]
    ),
    *products("vdot", [((3,), (3,)), ((0,), (0,))], [sizes((3,), (2,)), sizes((2, 3), (3,)), *typed((3,), (3,))]),
    *products(
        "inner",
        [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((), (2, 3)), ((2, 2, 3), (3,))],
        [sizes((2, 3), (2,))],
    ),
    *products(
        "bmm",
        [((5, 2, 3), (5, 3, 4)), ((1, 2, 1), (1, 1, 2)), ((0, 2, 3), (0, 3, 2)), ((2, 2, 0), (2, 0, 3))],
        [
            sizes((2, 3), (5, 3, 4)),
            sizes((5, 2, 3), (5, 2, 3)),
            sizes((5, 2, 3), (2, 3, 4)),
            *typed((5, 2, 3), (5, 3, 4)),
        ],
    ),
    *[
        Row(
            name,
            [exact((3,), (2,)), exact((1,), (3,)), exact((0,), (2,))],
            bad=[sizes((2, 3), (2,)), sizes((2,), (2, 3))],
        )
        for name in ("outer", "ger")
    ],
    *products(
        "addmm",
        [
            ((2, 4), (2, 3), (3, 4)),
            ((4,), (2, 3), (3, 4)),
            ((2, 1), (2, 3), (3, 4)),
            ((), (2, 3), (3, 4)),
            ((4,), (2, 0), (0, 4)),
            ((4,), (0, 3), (3, 4)),
        ],
        [
            sizes((3,), (2, 3), (3, 4)),
            sizes((4,), (2, 3), (2, 3)),
            sizes((4,), (3,), (3, 4)),
            sizes((4,), (2, 3), (3,)),
            sizes((1, 2, 4), (2, 3), (3, 4)),
        ],
        dtypes=NO_BOOL,
        factors={"beta": 2, "alpha": -1},
    ),
    *products(
        "addmv",
        [((2,), (2, 3), (3,)), ((1,), (2, 3), (3,)), ((), (2, 3), (3,))],
        [sizes((3,), (2, 3), (3,)), sizes((2,), (2, 3), (2,)), sizes((2, 2), (2, 3), (3,)), *typed((2,), (2, 3), (3,))],
        dtypes=NO_BOOL,
        factors={"beta": 2, "alpha": -1},
        layouts=("transposed", "sliced"),
    ),
    *products(
        "addr",
        [((2, 3), (2,), (3,)), ((3,), (2,), (3,)), ((), (2,), (3,))],
        [sizes((2, 3), (3,), (3,)), sizes((2, 3), (2, 1), (3,))],
        factors={"beta": 2, "alpha": -1},
    ),
    *products(
        "baddbmm",
        [((5, 2, 4), (5, 2, 3), (5, 3, 4)), ((4,), (5, 2, 3), (5, 3, 4)), ((), (2, 2, 3), (2, 3, 4))],
        [
            sizes((5, 2, 3), (5, 2, 3), (5, 3, 4)),
            sizes((5, 2, 4), (5, 2, 3), (5, 2, 3)),
        ],
        dtypes=NO_BOOL,
        factors={"beta": 2, "alpha": -1},
        layouts=("transposed", "sliced"),
    ),
    *[
        Row(name, [], bad=bad, forms="function method")
        for name, bad in (
            ("baddbmm", [*typed((5, 2, 4), (5, 2, 3), (5, 3, 4)), lambda d: call(*[d.typed("bool", 2, 2, 2)] * 3)]),
            ("addmm", [*typed((4,), (2, 3), (3, 4)), lambda d: call(*[d.typed("bool", 2, 2)] * 3)]),
            ("addmv", [lambda d: call(d.typed("bool", 2), d.typed("bool", 2, 2), d.typed("bool", 2))]),
        )
    ],
    Row(
        "addmm",
        [lambda d: call(d(2, 4) * 0 + d.dtype.type(1), d.whole(2, 3), d.whole(3, 4), beta=0)],
        once=[
            lambda d: call(d(4) * float("nan"), d.whole(2, 3), d.whole(3, 4), beta=0),
            lambda d: call(d.whole(4), d.whole(2, 3), d.whole(3, 4), beta=np.array(2), alpha=np.array(-1)),
        ],
        exact=True,
    ),
    *products(
        "nn.functional.linear",
        LINEAR,
        [
            sizes((2,), (4, 3)),
            sizes((2,), (4, 3), (4,)),
            sizes((3, 2), (4, 3), (4,)),
            sizes((3, 2), (4, 3)),
            sizes((5, 3, 2), (4, 3), (4,)),
            sizes((), (4, 3)),
            sizes((2, 3), (3,), ()),
            sizes((2, 3), (4, 3), (3,)),
            sizes((2, 3), (5, 3, 4)),
            lambda d: call(d(2, 3), 3),
            *typed((2, 3), (4, 3), (4,)),
            *typed((2, 3), (4, 3)),
            *typed((3,), (4, 3), (4,)),
            *typed((3,), (4, 3)),
            *typed((5, 2, 3), (4, 3), (4,)),
            *typed((5, 2, 3), (4, 3)),
        ],
        forms="function",
        once=[sizes((0, 2, 3), (4, 3), (4,))],
    ),
]
