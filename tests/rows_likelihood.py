"""Rows for the losses that are likelihoods or ask for margins; `test_likelihoods.py` has the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Array, Case, Draw, Row, call

FLOATS = ["float32", "float64", "float16", "int64", "bool"]
ALONE = ["float32"]  # with what else a dtype may stand is in `test_likelihoods.py`: float32 parts of a float64 are off
VENDOR = "exp and log are the vendor's, each off by an ULP or two"
KERNELS = "exp and log are the vendor's, and a sum over the classes is added in another order"


def probable(d: Draw, *shape: int) -> Array:
    """Numbers from 0 to 1, both included."""
    return np.asarray(np.clip(np.abs(d(*shape)) / 2, 0, 1).astype(d.dtype))


def signs(d: Draw, *shape: int) -> Array:
    """1 and −1."""
    return np.where(d.mask(*shape), 1, -1)


def losses(name: str, *cases: Case, **more: Any) -> Row:
    return Row(f"nn.functional.{name}", [*cases], forms="function", **{"dtypes": FLOATS} | more)


NONE, MEAN, SUM = ({"reduction": kind} for kind in ("none", "mean", "sum"))

ROWS = [
    losses(
        "nll_loss",
        lambda d: call(d(5, 4), d.index(5, below=4), d(4), ignore_index=1),
        lambda d: call(d(5, 4), d.index(5, below=4), **NONE),
        once=[
            lambda d: call(d(40, 3), d.index(40, below=3), d(3), ignore_index=0),
            lambda d: call(d(4), d.index(below=4), d(4)),
            lambda d: call(d(2, 3, 4), d.index(2, 4, below=3), **NONE),
            lambda d: call(d(2, 3, 4, 2), d.index(2, 4, 2, below=3), d(3), **SUM),
            lambda d: call(d(2, 3, 4, 2), d.index(2, 4, 2, below=3), d(3), ignore_index=2, **NONE),
            lambda d: call(d(2, 3, 1, 2, 2), d.index(2, 1, 2, 2, below=3)),
            lambda d: call(d(0, 4), d.index(0, below=4)),
            lambda d: call(d(2, 3, 0), d.index(2, 0, below=3), **NONE),
            lambda d: call(d(3, 4), d.index(3, below=4).astype(np.uint8)),
            lambda d: call(d(3, 4), np.full(3, -100)),
            lambda d: call(d(3, 4), np.array([-100, 2, -100]), d(4), **SUM),
        ],
        bad=[
            lambda d: call(d(3, 4), d.index(4, below=4)),
            lambda d: call(d(3, 4), np.array([0, 5, -7])),
            lambda d: call(d(3, 4), d.index(3, 1, below=4)),
            lambda d: call(d(3, 4), d(3)),
            lambda d: call(d(3, 4), d.index(3, below=4), d(5)),
            lambda d: call(d(), d.index(below=1)),
            lambda d: call(d(4), d.index(3, below=4)),
            lambda d: call(d(4), d.index(3, below=4).astype(np.int32)),
            lambda d: call(d(0, 4), d.index(below=4)),
            lambda d: call(d(3, 4, 2, 2), d.index(3, 2, below=4).astype(np.int32)),
            lambda d: call(d(3, 4, 2, 2), d.index(3, 2, 2, below=4).astype(np.uint8)),
            lambda d: call(d(3, 4, 2), d.index(3, below=4)),
            lambda d: call(d(3, 4, 2), d.index(below=4)),
            lambda d: call(d(3, 4, 2, 2), d.index(3, 2, below=4)),
            lambda d: call(d(3, 4, 2, 2), d.index(3, 2, 1, below=4)),
            lambda d: call(d(3, 4, 2, 2), d.index(3, 2, 2, below=4), d(3)),
            lambda d: call(d(3, 4), d.index(3, below=4), ignore_index=1.5),
            lambda d: call(1.0, d.index(3, below=4)),
        ],
    ),
    losses(
        "cross_entropy",
        lambda d: call(d(5, 4), d.index(5, below=4), d.positive(4), ignore_index=1, label_smoothing=0.1),
        lambda d: call(d(3, 4), d(3, 4), d.positive(4), label_smoothing=0.25),
        once=[
            lambda d: call(d(5, 4), d.index(5, below=4)),
            lambda d: call(d(4), d.index(below=4), **NONE),
            lambda d: call(d(2, 3, 4), d.index(2, 4, below=3), d.positive(3), **NONE),
            lambda d: call(d(5, 4), d.index(5, below=4), label_smoothing=0.2, **SUM),
            lambda d: call(d(5, 4), d.index(5, below=4), label_smoothing=0.2, ignore_index=3),
            lambda d: call(d(5, 4), d.index(5, below=4), d.positive(4), label_smoothing=1, **NONE),
            lambda d: call(d(4), d(4), d(4)),
            lambda d: call(d(2, 3, 4), d(2, 3, 4), d(3), **SUM),
            lambda d: call(d(2, 3), d(2, 3), **NONE),
            lambda d: call(d(0, 3), d(0, 3), label_smoothing=0.1),
            lambda d: call(d(2, 0), d(2, 0), **NONE),
        ],
        bad=[
            lambda d: call(d(3, 4), d.index(3, 4, below=4)),
            lambda d: call(d(3, 4), d(3, 4), ignore_index=1),
            lambda d: call(d(3, 4), d(3, 4), label_smoothing=1.5),
            lambda d: call(d(3, 4), d.index(3, below=4), label_smoothing=1.5),
            lambda d: call(d(3, 4), d(3, 4), d(3)),
            lambda d: call(d(3, 4), d(4, 4)),
            lambda d: call(d(), d()),
            lambda d: call(d(3, 4), d.index(3, below=4), label_smoothing="x"),
            lambda d: call(d(3, 4), np.array([0, 4, 1])),
        ],
        ulp=16,
        grad_ulp=16,
        largest=True,
        dtypes=ALONE,
        reason=KERNELS,
    ),
    losses(
        "linear_cross_entropy",
        lambda d: call(d(5, 3), d(4, 3), d.index(5, below=4), linear_bias=d(4), weight=d.positive(4), ignore_index=1),
        once=[
            lambda d: call(d(5, 3), d(4, 3), d.index(5, below=4), reduction="none", label_smoothing=0.1),
            lambda d: call(d(3), d(4, 3), d.index(below=4)),
            lambda d: call(d(5, 3), d(4, 3), d(5, 4), reduction="sum"),
            lambda d: call(d(5, 3), d(4, 2, 3), d.index(5, 2, below=4), linear_bias=d(4, 2)),
        ],
        bad=[
            lambda d: call(d(5, 3, 2), d(4, 2), d.index(5, below=4)),
            lambda d: call(d(), d(4, 2), d.index(5, below=4)),
            lambda d: call(d(5, 3), d(3), d.index(5, below=4)),
            lambda d: call(d(5, 3), d(4, 2), d.index(5, below=4)),
            lambda d: call(d(5, 3), d(4, 3), d.index(5, below=4), linear_bias=d(3)),
            lambda d: call(d(3), d(4, 2, 3), d.index(2, below=4)),
            lambda d: call(d(5, 3), d(4, 3), d(5, 4), ignore_index=1),
            lambda d: call(d(5, 3), d(4, 3), d.index(4, below=4)),
            lambda d: call(d(5, 3), d(4, 3), d.index(5, below=4), reduction="x"),
        ],
        ulp=32,
        grad_ulp=64,
        largest=True,
        dtypes=ALONE,
        reason="the vendor's products, and " + KERNELS,
    ),
    losses(
        "binary_cross_entropy",
        lambda d: call(probable(d, 3, 4), probable(d, 3, 4), d(4)),
        lambda d: call(probable(d, 3, 4), probable(d, 3, 4), **NONE),
        once=[
            lambda d: call(probable(d, 3, 4), probable(d, 3, 4), d(1, 4), **SUM),
            lambda d: call(probable(d), probable(d)),
            lambda d: call(probable(d, 0), probable(d, 0)),
        ],
        bad=[
            lambda d: call(probable(d, 3), probable(d, 4)),
            lambda d: call(probable(d, 3) + 1, probable(d, 3)),
            lambda d: call(probable(d, 3), probable(d, 3) - 2),
            lambda d: call(probable(d, 2, 3), probable(d, 2, 3), d(2)),
            lambda d: call(probable(d, 2, 3), probable(d, 2, 3), d(4, 2, 3)),
            lambda d: call(1.0, probable(d, 3)),
        ],
        ulp=4,
        grad_ulp=4,
        largest=True,
        reason=VENDOR,
    ),
    losses(
        "binary_cross_entropy_with_logits",
        lambda d: call(d(3, 4), probable(d, 3, 4), d(4), pos_weight=d.positive(3, 1)),
        lambda d: call(d(3, 4), probable(d, 3, 4), **NONE),
        once=[lambda d: call(d(), probable(d)), lambda d: call(d(0), d(0)), lambda d: call(d(3) * 100, d(3), **SUM)],
        bad=[
            lambda d: call(d(3), d(4)),
            lambda d: call(d(2, 3), d(2, 3), d(2)),
            lambda d: call(d(2, 3), d(2, 3), pos_weight=d(2)),
            lambda d: call(d(2, 3), d(2, 3), d(4, 2, 3)),
            lambda d: call(d(3), d(3), 1.0),
        ],
        ulp=8,
        grad_ulp=8,
        largest=True,
        dtypes=ALONE,
        reason=VENDOR,
    ),
    losses(
        "kl_div",
        lambda d: call(d(3, 4), probable(d, 3, 4), reduction="batchmean"),
        lambda d: call(d(3, 4), d(3, 4), log_target=True, **NONE),
        once=[lambda d: call(d(3, 4), d(3, 4)), lambda d: call(d(), d(), reduction="batchmean")],
        bad=[lambda d: call(d(3), d(4)), lambda d: call(d(3), d.index(3, below=2)), lambda d: call(d(3), 1.0)],
        ulp=8,
        grad_ulp=8,
        largest=True,
        dtypes=ALONE,
        reason=VENDOR,
    ),
    losses(
        "poisson_nll_loss",
        lambda d: call(d(3, 4), d.positive(3, 4), full=True),
        lambda d: call(d.positive(3, 4), d.positive(3, 4), log_input=False, **NONE),
        once=[lambda d: call(d(3, 1), d(4), **SUM), lambda d: call(d(0), d(0))],
        bad=[
            lambda d: call(d(3), d(4)),
            lambda d: call(d(3), d(3), full=1),
            lambda d: call(d(3), d(3), eps="x"),
            lambda d: call(d(3), 1.0),
            lambda d: call(d(3), d(3), reduction="x"),
        ],
        ulp=8,
        grad_ulp=8,
        largest=True,
        dtypes=ALONE,
        reason=VENDOR,
    ),
    losses(
        "gaussian_nll_loss",
        lambda d: call(d(3, 4), d(3, 4), d.positive(3), full=True),
        lambda d: call(d(3, 4), d(3, 4), d.positive(3, 1), **NONE),
        once=[lambda d: call(d(3, 4), d(3, 4), 0.5), lambda d: call(d(3), d(3), d.positive(3) * 0, eps=0.5, **SUM)],
        bad=[
            lambda d: call(d(3), d(3), -d.positive(3)),
            lambda d: call(d(3), d(3), -0.5),
            lambda d: call(d(3, 4), d(3, 4), d.positive(4)),
            lambda d: call(d(3, 4), d(3, 4), d.positive(1, 1)),
            lambda d: call(d(3), d(4), d.positive(3)),
            lambda d: call(d(3), d(3), d.positive(3), reduction="x"),
        ],
        ulp=8,
        grad_ulp=8,
        largest=True,
        dtypes=ALONE,
        reason=VENDOR,
    ),
    losses(
        "soft_margin_loss",
        lambda d: call(d(3, 4), signs(d, 3, 4)),
        lambda d: call(d(3, 4), signs(d, 4), **NONE),
        once=[lambda d: call(d(3), d(3)), lambda d: call(d(), signs(d)), lambda d: call(d(0), signs(d, 0), **SUM)],
        bad=[lambda d: call(d(3), signs(d, 2)), lambda d: call(d(3), signs(d, 2, 3)), lambda d: call(d(3), 1.0)],
        ulp=4,
        grad_ulp=8,
        largest=True,
        reason=VENDOR,
    ),
    losses(
        "multi_margin_loss",
        lambda d: call(d(5, 4), d.index(5, below=4)),
        lambda d: call(d(5, 4), d.index(5, below=4), 2, 0.5, d(4), **NONE),
        once=[
            lambda d: call(d(4), d.index(below=4), **SUM),
            lambda d: call(d(4), d.index(1, below=4), **NONE),
            lambda d: call(d(), d.index(below=1)),
            lambda d: call(d(0, 4), d.index(0, below=4), **NONE),
        ],
        bad=[
            lambda d: call(d(3, 4), d.index(4, below=4)),
            lambda d: call(d(3, 4), np.array([0, 4, 1])),
            lambda d: call(d(2, 0), d.index(2, below=4)),
            lambda d: call(d(2, 3, 4), d.index(2, below=3)),
            lambda d: call(d(3, 4), d.index(3, below=4), 3),
            lambda d: call(d(3, 4), d.index(3, below=4), 1, "x"),
            lambda d: call(d(3, 4), d.index(3, below=4), weight=d(3)),
            lambda d: call(d(3, 4), d.index(3, below=4), weight=d(1, 4)),
            lambda d: call(d(3, 4), d.index(3, below=4).astype(np.int32)),
        ],
    ),
    losses(
        "multilabel_margin_loss",
        lambda d: call(d(5, 4), d.index(5, 4, below=5) - 1),
        lambda d: call(d(5, 4), d.index(5, 4, below=5) - 1, **NONE),
        once=[
            lambda d: call(d(4), d.index(4, below=5) - 1, **NONE),
            lambda d: call(d(), d.index(below=1)),
            lambda d: call(d(30, 3), d.index(30, 3, below=4) - 1, **SUM),
            lambda d: call(d(0, 4), d.index(0, 4, below=4), **NONE),
        ],
        bad=[
            lambda d: call(d(3, 4), d.index(3, below=4)),
            lambda d: call(d(3, 4), d.index(3, 4, below=4) + 2),
            lambda d: call(d(3, 4), d.index(3, 4, below=4) - 3),
            lambda d: call(d(2, 0), d.index(2, 0, below=4)),
            lambda d: call(d(3, 4), d(3, 4)),
        ],
    ),
    losses(
        "multilabel_soft_margin_loss",
        lambda d: call(d(3, 4), probable(d, 3, 4), d(4)),
        once=[lambda d: call(d(4), probable(d, 4), **NONE), lambda d: call(d(0, 4), probable(d, 0, 4), **SUM)],
        bad=[lambda d: call(d(3), d(4)), lambda d: call(d(), d()), lambda d: call(d(3), d(3), reduction="x")],
        ulp=8,
        grad_ulp=8,
        largest=True,
        dtypes=ALONE,
        reason=VENDOR,
    ),
    losses(
        "margin_ranking_loss",
        lambda d: call(d(3, 4), d(3, 4), signs(d, 3, 4), 0.5, **NONE),
        once=[lambda d: call(d(3), d(3), d(3)), lambda d: call(d(0), d(0), d(0)), lambda d: call(d(), d(), d())],
        bad=[
            lambda d: call(d(3), d(3), signs(d, 3, 1)),
            lambda d: call(d(3), d(4), signs(d, 3)),
            lambda d: call(d(3), d(3), d(3), "x"),
            lambda d: call(d(3), 1.0, d(3)),
            lambda d: call(d.mask(3), d.mask(3), d.mask(3)),
        ],
    ),
    losses(
        "hinge_embedding_loss",
        lambda d: call(d(3, 4), signs(d, 4), 0.75, **NONE),
        once=[lambda d: call(d(3), signs(d, 3)), lambda d: call(d(0), d(0), **SUM)],
        bad=[lambda d: call(d(3), d(4)), lambda d: call(d(3), d(3), "x"), lambda d: call(d(3), 1.0)],
    ),
    losses(
        "cosine_embedding_loss",
        lambda d: call(d(3, 4), d(3, 4), signs(d, 3), 0.25),
        once=[lambda d: call(d(4), d(4), signs(d), **NONE), lambda d: call(d(3, 4) * 0, d(3, 4), signs(d, 3), **SUM)],
        bad=[
            lambda d: call(d(3, 4), d(3, 4), signs(d, 3, 1)),
            lambda d: call(d(4), d(4), signs(d, 1)),
            lambda d: call(d(3, 4), d(3, 4), signs(d)),
            lambda d: call(d(3, 4), d(2, 4), signs(d, 3)),
            lambda d: call(d(3, 4), d(3, 4), signs(d, 3), "x"),
        ],
        ulp=4,
        grad_ulp=16,
        largest=True,
        dtypes=ALONE,
        reason="sums along a dimension are added in another order",
    ),
    losses(
        "triplet_margin_loss",
        lambda d: call(d(3, 4), d(3, 4), d(3, 4), swap=True),
        once=[lambda d: call(d(4), d(4), d(4), 0.5, 1.0, **NONE), lambda d: call(d(3, 4), d(1, 4), d(4, 3).T, **SUM)],
        bad=[
            lambda d: call(d(3, 4), d(3, 4), d(4)),
            lambda d: call(d(3), d(3), d(3), 0),
            lambda d: call(d(3), d(3), d(4)),
            lambda d: call(d(3), d(3), d(3), 1.0, "x"),
            lambda d: call(d(3), d(3), d(3), swap=1),
        ],
        ulp=64,
        grad_ulp=16,
        largest=True,
        dtypes=ALONE,
        reason="two norms, whose sums are added in another order, cancel",
    ),
    losses(
        "triplet_margin_with_distance_loss",
        lambda d: call(d(3, 4), d(3, 4), d(3, 4), swap=True),
        once=[lambda d: call(d(3, 4), d(3, 4), d(3, 4), **NONE)],
        bad=[
            lambda d: call(d(3, 4), d(3, 4), d(4)),
            lambda d: call(d(3), d(3), d(3), margin=-1),
            lambda d: call(d(3), d(3), d(3), reduction="x"),
        ],
        ulp=64,
        grad_ulp=16,
        largest=True,
        dtypes=ALONE,
        reason="two norms, whose sums are added in another order, cancel",
    ),
]
