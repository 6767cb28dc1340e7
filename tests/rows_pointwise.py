"""Rows for the functions of one variable."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Draw, Row, call

VML = "torch takes these functions from Intel's MKL, whose last bits are its own; numpy has its own as well"


def unary(name: str, domain: str = "__call__", ulp: float = 0, grad_ulp: float | None = None, **more: Any) -> Row:
    """The cases that every function of one variable is tested with; `domain` names the draw of its arguments."""
    once = more.pop("once", [])

    def on(*shape: int) -> Any:
        return lambda d: call(getattr(d, domain)(*shape))

    return Row(
        name,
        [on(3, 4), on(), on(2, 0), on(2, 3, 2), *more.pop("cases", [])],
        once=[lambda d: call(d.special()), on(1), on(40), *once],
        bad=[lambda d: call(3), lambda d: call(None), lambda d: call("x"), *more.pop("bad", [])],
        ulp=ulp,
        grad_ulp=2 * ulp if grad_ulp is None else grad_ulp,
        reason=more.pop("reason", VML if ulp else ""),
        **more,
    )


def unit(d: Draw, *shape: int) -> Any:
    """Numbers between −1 and 1."""
    return d(*shape, low=-0.9, high=0.9)


Draw.unit = unit  # type: ignore[attr-defined]

ROWS = [
    unary("exp", ulp=2),
    unary("exp2", ulp=2),
    unary("expm1", ulp=2),
    unary("log", "positive", ulp=2),
    unary("log2", "positive", ulp=2),
    unary("log10", "positive", ulp=2),
    unary("log1p", "positive", ulp=2),
    unary("sqrt", "positive", ulp=1),
    unary("rsqrt", "positive", ulp=1, reason="the square root in it"),
    unary("sin", ulp=2),
    unary("cos", ulp=2),
    unary("tan", "unit", ulp=2, grad_ulp=16),
    unary("asin", "unit", ulp=2, grad_ulp=16),
    unary("acos", "unit", ulp=2, grad_ulp=16),
    unary("atan", ulp=2, grad_ulp=16),
    unary("sinh", ulp=2, grad_ulp=16),
    unary("cosh", ulp=2, grad_ulp=16),
    unary("tanh", ulp=2, grad_ulp=16),
    unary("sigmoid", ulp=4, grad_ulp=16),
    unary("arcsin", "unit", ulp=2, grad_ulp=16),
    unary("arccos", "unit", ulp=2, grad_ulp=16),
    unary("arctan", ulp=2, grad_ulp=16),
    unary("abs"),
    unary("absolute"),
    unary("neg"),
    unary("negative"),
    unary("positive"),
    unary("reciprocal", "nonzero"),
    unary("square"),
    unary("relu", zeros=False, reason="−0 is as good as 0"),
    unary("sign"),
    unary("sgn"),
    unary("floor", once=[lambda d: call(d.typed("int64", 4, 3).T)]),
    unary("ceil"),
    unary("trunc"),
    unary("fix"),
    unary("frac"),
    unary(
        "round",
        cases=[lambda d: call(d(3, 4), decimals=1), lambda d: call(d(3, 4), decimals=-1)],
        once=[lambda d: call(d(3, 4), decimals=d.rng.integers(0, 1).item())],
    ),
    unary("isnan"),
    unary("isinf"),
    unary("isfinite"),
    unary("isposinf", once=[lambda d: call(d.typed("int64", 4, 3).T)]),
    unary("isneginf"),
    unary("signbit"),
    unary("logical_not", "ties"),
    unary("bitwise_not"),
    unary(
        "nan_to_num",
        once=[
            lambda d: call(d.special(), 7.5),
            lambda d: call(d.special(), nan=1.0, posinf=2.0, neginf=-3.0),
            lambda d: call(np.array([np.nan, np.inf, 1], np.float64), 7.5),
        ],
    ),
    Row(
        "clone",
        [lambda d: call(d(3, 4)), lambda d: call(d()), lambda d: call(d(2, 0))],
        once=[lambda d: call(d(4, 3).T)],
    ),
]
