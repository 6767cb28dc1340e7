"""Rows for sums, extreme values and other reductions over dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import DTYPES, Case, Draw, Row, T, call

ORDER = "the numbers are added in another order"
EXPONENTIALS = "exponentials and sums, whose last bits are MKL's and numpy's own"


def eighths(d: Draw, *shape: int) -> Any:
    """Multiples of ⅛ that are added up without rounding, so that every order of adding gives the same."""
    return np.asarray((d.whole(*shape, low=-8, high=8) / 8).astype(d.dtype)) if d.dtype.kind == "f" else d.whole(*shape)


def along(draw: Any, *more: Any, dims: tuple[Any, ...] = (0, 1, -1), tuples: bool = True) -> list[Case]:
    """The ways of naming dimensions; `draw` draws the tensor."""

    def case(shape: tuple[int, ...], *args: Any, **named: Any) -> Case:
        return lambda d: call(draw(d, *shape), *args, **named)

    cases = [case((3, 4), dim) for dim in dims]
    cases += [case((2, 3, 4), 1, True), case((2, 3, 4), dim=2, keepdim=True), case((), 0), case((3, 4, 2), 1)]
    if tuples:
        cases += [
            case((2, 3, 4), (0, 2)),
            case((2, 3, 4), (1, -1), True),
            case((3, 4), [0, 1]),
            case((2, 3), dim=None),
            case((2, 3), ()),
        ]
    return [*cases, *more]


def whole(draw: Any) -> list[Case]:
    """The reduction of everything."""
    return [
        lambda d: call(draw(d, 3, 4)),
        lambda d: call(draw(d)),
        lambda d: call(draw(d, 2, 3, 2)),
        lambda d: call(draw(d, 1)),
    ]


OUT_OF_RANGE: list[Case] = [
    lambda d: call(d(3, 4), 2),
    lambda d: call(d(3, 4), -3),
    lambda d: call(d(), 1),
    lambda d: call(d(3, 4), "x"),
    lambda d: call(d(3, 4), 1.5),
]
NO_BOOL: list[Case] = [lambda d: call(d(3, 4), 0, 1), lambda d: call(d(3, 4), 0, None)]
TWICE: list[Case] = [lambda d: call(d(3, 4), (0, 0)), lambda d: call(d(3, 4), (1, -1)), lambda d: call(d(3, 4), (0, 2))]
EMPTY: list[Case] = [lambda d: call(d(0)), lambda d: call(d(2, 0), 1), lambda d: call(d(2, 0), 0)]


def ties(d: Draw, *shape: int) -> Any:
    return d.ties(*shape)


def positive(d: Draw, *shape: int) -> Any:
    return d.positive(*shape)


def distinct(d: Draw, *shape: int) -> Any:
    """Numbers of which no two are equal."""
    n = int(np.prod(shape))
    return np.asarray(d.rng.permutation(n).reshape(shape).astype(d.dtype))


def nans(d: Draw, *shape: int) -> Any:
    x = eighths(d, *shape)
    return np.asarray(np.where(d.mask(*shape), d.dtype.type(np.nan), x)) if x.dtype.kind == "f" else x


FLOATS = ["float32", "float64"]
HALVES = ["float32", "float64", "float16"]

ROWS = [
    Row(
        "sum",
        [
            *whole(eighths),
            *along(eighths),
            lambda d: call(eighths(d, 3), dtype=T("float64")),
            lambda d: call(eighths(d, 3, 2), 0, dtype=T("int32")),
            lambda d: call(eighths(d, 3, 2), axis=0),
            lambda d: call(eighths(d, 3, 2), axis=1, keepdims=True),
            lambda d: call(eighths(d, 3, 2), np.int64(1)),
            lambda d: call(eighths(d, 3), dtype=float),
        ],
        once=[*EMPTY, lambda d: call(d.special())],
        bad=[*OUT_OF_RANGE, *TWICE, *NO_BOOL],
    ),
    Row(
        "sum",
        [*whole(positive), *along(positive)],
        once=[
            lambda d: call(d.positive(1000)),
            lambda d: call(d.positive(30, 40), 0),
            lambda d: call(d.positive(30, 40), 1),
        ],
        dtypes=FLOATS,
        ulp=8,
        reason=ORDER,
    ),
    Row(
        "nansum",
        [*whole(nans), *along(nans), lambda d: call(nans(d, 3, 2), 0, dtype=T("float64"))],
        bad=[*OUT_OF_RANGE, *TWICE],
    ),
    Row("mean", whole(eighths), forms="function method"),
    Row(
        "mean",
        [*along(eighths), lambda d: call(eighths(d, 3, 2), axis=0)],
        once=[*EMPTY, lambda d: call(eighths(d, 3), dtype=T("float64"))],
        bad=[
            *OUT_OF_RANGE,
            *TWICE,
            *NO_BOOL,
            lambda d: call(d.typed("int64", 3)),
            lambda d: call(d.typed("bool", 3), 0),
            lambda d: call(d(3), dtype=T("int64")),
        ],
    ),
    Row(
        "sum_to_size",
        [
            lambda d: call(eighths(d, 3, 4), 4),
            lambda d: call(eighths(d, 3, 4), 3, 1),
            lambda d: call(eighths(d, 3, 4), (1, 4)),
            lambda d: call(eighths(d, 3, 4), ()),
            lambda d: call(eighths(d, 2, 3, 4), 3, 1),
        ],
        once=[lambda d: call(d(3, 4), 3, 4)],
        bad=[lambda d: call(d(3, 4), 5), lambda d: call(d(3, 4), 1, 3, 4)],
    ),
    Row(
        "prod",
        [
            *whole(ties),
            *along(ties, tuples=False),
            lambda d: call(d.ties(3, 4), dtype=T("float64")),
            lambda d: call(d.ties(3, 4), 1, dtype=T("int64")),
        ],
        once=[*EMPTY, lambda d: call(np.array([[0, 2, 3], [1, 2, 4], [0, 5, 0]], d.dtype), 1)],
        bad=OUT_OF_RANGE,
        grad_ulp=4,
        reason="products in another order",
    ),
    Row(
        "prod",
        [*whole(positive), *along(positive, tuples=False)],
        once=[lambda d: call(d(3, 4)), lambda d: call(d(3, 4), 0)],
        dtypes=FLOATS,
        ulp=12,
        grad_ulp=12,
        reason="products in another order",
    ),
    Row(
        "cumsum",
        [
            lambda d: call(eighths(d, 3, 4), 0),
            lambda d: call(eighths(d, 3, 4), -1),
            lambda d: call(eighths(d), 0),
            lambda d: call(eighths(d, 2, 3, 4), dim=1),
            lambda d: call(eighths(d, 3), 0, dtype=T("float64")),
            lambda d: call(eighths(d, 2, 0), 1),
        ],
        bad=OUT_OF_RANGE,
    ),
    Row("cumsum", [lambda d: call(d(3, 40), 0), lambda d: call(d(3, 40), 1)], dtypes=FLOATS, ulp=0),
    Row(
        "cumprod",
        [
            lambda d: call(d.ties(3, 4), 0),
            lambda d: call(d.ties(3, 4), -1),
            lambda d: call(d.ties(), 0),
            lambda d: call(d.ties(2, 3, 4), dim=1),
            lambda d: call(d.ties(3), 0, dtype=T("float64")),
        ],
        once=[lambda d: call(d(3, 4), 1)],
        bad=OUT_OF_RANGE,
        grad_ulp=8,
        reason="products in another order",
    ),
    # spread
    *[
        Row(
            name,
            [
                *whole(eighths),
                *along(eighths),
                lambda d: call(eighths(d, 3, 4), False),
                lambda d: call(eighths(d, 3, 4), 0, False),
                lambda d: call(eighths(d, 3, 4), 0, False, True),
                lambda d: call(eighths(d, 3, 4), correction=0),
                lambda d: call(eighths(d, 3, 4), 1, correction=0.5, keepdim=True),
                lambda d: call(eighths(d, 3, 4), dim=1, unbiased=False),
                lambda d: call(eighths(d, 3, 4), unbiased=False),
                lambda d: call(eighths(d, 3, 4), axis=0),
            ],
            once=[
                lambda d: call(d(1)),
                lambda d: call(d(0)),
                lambda d: call(d(2, 1), 1),
                lambda d: call(d(2, 0), 1),
                lambda d: call(d(2, 0), 0),
                lambda d: call(d(30, 4), 0),
                lambda d: call(d(3, 4) + 100),
                lambda d: call(d(3, 4) * 0, 0),
                lambda d: call(d(3, 4), np.int64(1)),
            ],
            bad=[
                *OUT_OF_RANGE,
                *TWICE,
                lambda d: call(d.typed("int64", 3)),
                lambda d: call(d(3), 0, unbiased=True, correction=1),
                lambda d: call(d(3), unbiased=None),
                lambda d: call(d(3), unbiased=True, keepdim=True),
                lambda d: call(d(3), True, dim=0),
                lambda d: call(d(3), 0, dim=0),
                lambda d: call(d(3), 0, None),
                lambda d: call(d(3), 0, 1.5),
                lambda d: call(d(3), 0, True, 1),
                lambda d: call(d(3), 0, True, True, True),
                lambda d: call(d(3), (1.5,)),
                lambda d: call(d(3), 0, correction="a"),
                lambda d: call(d(3), 0, keepdim=None),
            ],
            dtypes=HALVES,
            ulp=4,
            grad_ulp=8,
            largest=True,
            reason=ORDER,
        )
        for name in ("var", "std", "var_mean", "std_mean")
    ],
    # truth and number
    *[
        Row(
            name,
            [*whole(ties), *along(ties)],
            once=[*EMPTY, lambda d: call(d.special(), 0)],
            bad=[*OUT_OF_RANGE, *TWICE],
        )
        for name in ("all", "any")
    ],
    Row(
        "count_nonzero",
        [
            *whole(ties),
            lambda d: call(d.ties(3, 4), 0),
            lambda d: call(d.ties(3, 4), dim=-1),
            lambda d: call(d.ties(2, 3, 4), (0, 2)),
        ],
        once=[lambda d: call(d(0))],
        bad=OUT_OF_RANGE,
    ),
    # extremes
    *[
        Row(
            name,
            [
                *whole(ties),
                *along(ties, tuples=False),
                lambda d: call(d.ties(3, 4), d.ties(3, 4)),
                lambda d: call(d.ties(3, 4), d.ties(4)),
                lambda d: call(d.ties(3, 2), axis=0),
            ],
            once=[
                lambda d: call(d.special()),
                lambda d: call(d.special(), 0),
                lambda d: call(d(2, 0), 0),
                lambda d: call(d(3, 4), 1),
                lambda d: call(d(3, 4)),
                lambda d: call(d.ties(3, 4), other=d.ties(3, 4)),
            ],
            bad=[*OUT_OF_RANGE, *NO_BOOL, lambda d: call(d(0)), lambda d: call(d(2, 0), 1), lambda d: call(d(3), d(4))],
        )
        for name in ("max", "min")
    ],
    *[
        Row(
            name,
            [*whole(ties), *along(ties)[:-2], lambda d: call(d.ties(3, 4), ())],
            once=[lambda d: call(d.special(), 0), lambda d: call(d(2, 0), 0), lambda d: call(d(3, 4), 1)],
            bad=[*OUT_OF_RANGE, *TWICE, *NO_BOOL, lambda d: call(d(0)), lambda d: call(d(2, 0), 1)],
        )
        for name in ("amax", "amin")
    ],
    *[
        Row(
            name,
            [
                *whole(ties),
                *along(ties, tuples=False),
                lambda d: call(d.ties(3, 4), keepdim=True),
                lambda d: call(d.ties(3, 4), None),
            ],
            once=[lambda d: call(d.special(), 0), lambda d: call(d(2, 0), 0), lambda d: call(d.special())],
            bad=[
                *OUT_OF_RANGE,
                *NO_BOOL,
                lambda d: call(d(0)),
                lambda d: call(d(2, 0), 1),
                lambda d: call(d.mask(3)),
                lambda d: call(d(3), (0, 1)),
            ],
        )
        for name in ("argmax", "argmin")
    ],
    Row(
        "median",
        [*whole(distinct), *along(distinct, tuples=False)],
        once=[
            lambda d: call(d.ties(30)),
            lambda d: call(d.ties(5, 9), 1),
            lambda d: call(d.ties(40, 3), 0),
            lambda d: call(d.special(), 0),
            lambda d: call(d.special()),
            lambda d: call(d(0)),
            lambda d: call(d(2, 0), 0),
        ],
        bad=[*OUT_OF_RANGE, lambda d: call(d(2, 0), 1), lambda d: call(d.mask(3)), lambda d: call(d.mask(3), 0)],
        layouts=("transposed", "sliced"),
        forms="function method",
    ),
    # norms
    *[
        Row(
            name,
            [
                *whole(eighths),
                lambda d: call(d.nonzero(3, 4), 1),
                lambda d: call(d.nonzero(3, 4), 2, 1),
                lambda d: call(d.nonzero(3, 4), float("inf")),
                lambda d: call(d.nonzero(3, 4), -float("inf"), 0),
                lambda d: call(d.nonzero(3, 4), 3, (0, 1), True),
                lambda d: call(d.nonzero(2, 3, 4), 1.5, (0, 2)),
                lambda d: call(d.nonzero(3, 4), 0.5, 1),
                lambda d: call(d.nonzero(3, 4), 0, 1),
                lambda d: call(d.nonzero(3, 4), -1),
                lambda d: call(d.nonzero(3, 4), dim=-1, keepdim=True),
                lambda d: call(d.nonzero(3), dtype=T("float64")),
            ],
            once=[
                lambda d: call(d(0)),
                lambda d: call(d(2, 0), 2, 1),
                lambda d: call(d.ties(3, 4) * 0),
                lambda d: call(d.ties(3, 4), float("inf"), 1),
            ],
            bad=[
                lambda d: call(d(3, 4), 2, 2),
                lambda d: call(d(3, 4), 2, (0, 0)),
                lambda d: call(d(0), float("inf")),
                lambda d: call(d(2, 0), -1, 1),
                lambda d: call(d.typed("int64", 3)),
                lambda d: call(d(3), dtype=T("int64")),
                lambda d: call(d(3), dtype=T("float16")),
                lambda d: call(d(3, 4), 2, "x"),
                lambda d: call(d(3, 4), 2, 0, 1),
            ],
            ulp=4,
            grad_ulp=16,
            reason="sums of powers",
            **more,
        )
        for name, more in (("norm", {}), ("linalg.vector_norm", {}))
    ],
    Row(
        "linalg.norm",
        [
            *whole(eighths),
            lambda d: call(d.nonzero(3), 1),
            lambda d: call(d.nonzero(3, 4), "fro"),
            lambda d: call(d.nonzero(2, 3, 4), 2, 1),
        ],
        bad=[lambda d: call(d(2, 3, 4), 2)],
        forms="function",
        ulp=4,
        grad_ulp=16,
        reason="sums of powers",
    ),
    # exponentials
    Row(
        "logsumexp",
        [
            lambda d: call(d(3, 4), 0),
            lambda d: call(d(3, 4), -1, True),
            lambda d: call(d(2, 3, 4), (0, 2)),
            lambda d: call(d(), 0),
            lambda d: call(d(2, 3, 4), dim=(1,), keepdim=True),
        ],
        once=[
            lambda d: call(d.special()[:6], 0),
            lambda d: call(d(0), 0),
            lambda d: call(d(3) * 100, 0),
            lambda d: call(np.full(3, -np.inf, d.dtype), 0),
        ],
        bad=[*OUT_OF_RANGE, *TWICE],
        ulp=16,
        grad_ulp=16,
        reason=EXPONENTIALS,
    ),
    *[
        Row(
            name,
            [
                lambda d: call(d(3, 4), 0),
                lambda d: call(d(3, 4), -1),
                lambda d: call(d(2, 3, 4), 1),
                lambda d: call(d(), 0),
                lambda d: call(d(3, 4), dim=1),
                lambda d: call(d(2, 0), 1),
            ],
            once=[lambda d: call(d(3) * 100, 0)],
            bad=OUT_OF_RANGE,
            dtypes=[t for t in DTYPES if t != "float64"],
            ulp=8,
            grad_ulp=16,
            reason=EXPONENTIALS,
        )
        for name in ("softmax", "log_softmax")
    ],
    *[
        Row(
            name,
            [lambda d: call(d(3, 4), 0), lambda d: call(d(3, 4), -1), lambda d: call(d(3), 0, dtype=T("float64"))],
            dtypes=["float64", "float32", "int64"],
            ulp=2000,
            grad_ulp=2000,
            reason="torch's exponential is good to 13 digits only here",
        )
        for name in ("softmax", "log_softmax")
    ],
]
