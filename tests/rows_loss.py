"""Rows for the losses; `test_losses.py` has the rest of what is asked of them."""

from __future__ import annotations

from typing import Any

from rows import Case, Row, call

FORMULAS = "numpy adds in another order; of 8 elements or fewer torch has a second formula for the gradient"
HALF = "; float16 is rounded after each operation, which torch does only once"


def cases(**options: Any) -> list[Case]:
    """Each reduction, on shapes that need no adding in another order, and none at all."""
    return [
        lambda d: call(d(2, 3), d(2, 3), **options),
        lambda d: call(d(2, 3), d(2, 3), reduction="sum", **options),
        lambda d: call(d(2, 3), d(2, 3), reduction="none", **options),
    ]


def loss(name: str, *more: Case, **tolerances: Any) -> Row:
    return Row(
        f"nn.functional.{name}",
        [*cases(), *more],
        once=[lambda d: call(d(), d()), lambda d: call(d(2, 0), d(2, 0)), lambda d: call(d.special(), d.special())],
        bad=[lambda d: call(d(3), d(4)), lambda d: call(d(3), d(3), reduction="x"), lambda d: call(d(3), 1.0)],
        forms="function",
        **tolerances,
    )


ROWS = [
    loss("mse_loss"),
    loss("l1_loss"),
    loss("smooth_l1_loss", *cases(beta=0.5), ulp=3, grad_ulp=6, reason=FORMULAS + HALF),
    loss("huber_loss", *cases(delta=0.5), ulp=3, grad_ulp=6, reason=FORMULAS + HALF),
]
