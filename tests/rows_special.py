"""Rows for the special functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Draw, Row, call
from rows_pointwise import VML, unary

FLOATS = ["float32", "float64"]
CEPHES = "torch computes with the C library's exp and log, and with numbers of its own dtype"


def above(d: Draw, *shape: int) -> Any:
    """Numbers from ½ to 6."""
    return d(*shape, low=0.5, high=6)


def probabilities(d: Draw, *shape: int) -> Any:
    """Numbers between 0 and 1."""
    return d(*shape, low=0.1, high=0.9) if d.dtype.kind == "f" else d.ties(*shape)


Draw.above, Draw.probabilities = above, probabilities  # type: ignore[attr-defined]

ROWS = [
    unary("erf", ulp=2, grad_ulp=4),
    unary("erfc", ulp=2, grad_ulp=4),
    unary("erfinv", "unit", ulp=2, grad_ulp=8),
    unary("lgamma", "above", ulp=2, grad_ulp=16),
    unary("digamma", "above", ulp=4, grad_ulp=8, reason=CEPHES),
    unary("i0", ulp=2, grad_ulp=8, reason=CEPHES),
    unary("sinc", "nonzero", ulp=4, grad_ulp=64),
    Row(
        "logit",
        [
            lambda d: call(d.probabilities(3, 4)),
            lambda d: call(d.probabilities()),
            lambda d: call(d(3, 4), 0.3),
            lambda d: call(d.probabilities(3), eps=0.2),
        ],
        once=[
            lambda d: call(d(4), 0.7),
            *[
                lambda d, eps=eps: call(np.float32([0, 1, -1, 2, np.nan, np.inf, 0.5]), eps)
                for eps in (None, 0, 0.25, -1)
            ],
        ],
        bad=[lambda d: call(d(3), "x"), lambda d: call(3), lambda d: call(None)],
        ulp=4,
        grad_ulp=8,
        reason=VML,
    ),
    Row(
        "polygamma",
        [lambda d: call(1, d.above(3, 4)), lambda d: call(2, d.above(3)), lambda d: call(0, d.above())],
        once=[lambda d: call(3, d.above(2, 0)), lambda d: call(1, d.special()), lambda d: call(2, d.special())],
        bad=[lambda d: call(-1, d(3)), lambda d: call(1.5, d(3)), lambda d: call(d(1), 1), lambda d: call(1, 2)],
        ulp=4,
        grad_ulp=8,
        reason=CEPHES,
    ),
    Row(
        "polygamma",
        [lambda d: call(d.above(3, 4), 1), lambda d: call(d.above(3), n=2)],
        bad=[lambda d: call(d(3), -1), lambda d: call(d(3), 1.5)],
        forms="method in_place",
        ulp=4,
        grad_ulp=8,
        reason=CEPHES,
    ),
    Row(
        "mvlgamma",
        [lambda d: call(d.above(3, 4) + 2, 3), lambda d: call(d.above() + 2, p=2)],
        once=[lambda d: call(d.above(2, 0), 2), lambda d: call(d(3), 1), lambda d: call(d.special(), 2)],
        bad=[lambda d: call(d(3), 0), lambda d: call(d(3), 1.5), lambda d: call(3, 2)],
        ulp=8,
        grad_ulp=16,
        reason=VML,
    ),
    Row(
        "xlogy",
        [
            lambda d: call(d(3, 4), d.positive(3, 4)),
            lambda d: call(d(3, 4), d.positive(4)),
            lambda d: call(d(3), 2),
            lambda d: call(d(3), 2.5),
        ],
        once=[
            lambda d: call(d.special(), d.special()[::-1].copy()),
            lambda d: call(np.zeros_like(d.special()), d.special()),
            lambda d: call(d(3), 0),
            lambda d: call(2, d.positive(3)),
            lambda d: call(2.5, d.positive(3)),
            lambda d: call(0, np.zeros(2, np.float32)),
            lambda d: call(np.zeros(2, np.float32), -1),
            lambda d: call(np.float32([np.nan, 0, 1]), 2),
        ],
        bad=[lambda d: call(d(3), d(4)), lambda d: call(2, 3), lambda d: call(d(3), "x"), lambda d: call(d(3), None)],
        ulp=4,
        grad_ulp=8,
        reason=VML,
    ),
    unary("special.entr", "positive", ulp=2, grad_ulp=4),
    unary("special.i0e", ulp=2, grad_ulp=8, reason=CEPHES),
    unary("special.i1", ulp=2, grad_ulp=16, reason=CEPHES),
    unary("special.i1e", ulp=2, grad_ulp=16, reason=CEPHES),
    unary("special.ndtr", "positive", ulp=2, grad_ulp=16),
    unary("special.expit", ulp=4, grad_ulp=16),
    unary("special.gammaln", "above", ulp=2, grad_ulp=16),
    unary("special.psi", "above", ulp=4, grad_ulp=8, reason=CEPHES),
    unary("special.log1p", "positive", ulp=2),
    Row("special.softmax", [lambda d: call(d(3, 4), 1)], dtypes=FLOATS, ulp=4, grad_ulp=8, reason=VML),
    Row("special.logsumexp", [lambda d: call(d(3, 4), 1)], ulp=8, largest=True, grad_ulp=8, dtypes=FLOATS, reason=VML),
    Row("special.round", [lambda d: call(d(3, 4)), lambda d: call(d(3), decimals=1)], bad=[lambda d: call(3)]),
    Row(
        "special.xlog1py",
        [lambda d: call(d(3, 4), d.positive(3, 4)), lambda d: call(d(3, 4), d.positive(4)), lambda d: call(d(3), 2)],
        once=[lambda d: call(d.special(), d.special()[::-1].copy()), lambda d: call(2, d.positive(3))],
        bad=[lambda d: call(2, 3)],
        ulp=4,
        grad_ulp=8,
        reason=VML,
    ),
    Row(
        "special.zeta",
        [
            lambda d: call(d.above(3, 4) + 1, d.above(3, 4)),
            lambda d: call(3, d.above(3)),
            lambda d: call(d.above(3), 2),
        ],
        ulp=2,
        grad_ulp=8,
        reason=CEPHES,
    ),
]
