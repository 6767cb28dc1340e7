"""Rows for the activations; `test_nn_activations.py` has what a row cannot say."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Case, Draw, Row, call

FLOATS = ["float32", "float64", "float16"]
VML = "torch takes the exponentials in it from a vendor's library, whose last bits are its own"


def given(*args: Any, **named: Any) -> tuple[Case, Case, Case]:
    """Calls with these arguments after the tensor: on a matrix, on several dimensions, on one number."""
    return (
        lambda d: call(d(3, 4), *args, **named),
        lambda d: call(d(2, 3, 2), *args, **named),
        lambda d: call(d(), *args, **named),
    )


def activation(name: str, *cases: Case, ulp: float = 0, **more: Any) -> Row:
    """The cases that every activation is tested with."""
    function = name if name in ("hardshrink", "celu", "selu", "threshold") or "." in name else f"nn.functional.{name}"
    arguments = more.pop("arguments", ())
    first, second, third = given(*arguments)
    return Row(
        function,
        [first, *cases],
        once=[
            second,
            third,
            lambda d: call(d(2, 0), *arguments),
            lambda d: call(np.tile(d.special() if not ulp else rim(d), 16), *arguments),
            lambda d: call(np.arange(-28, 29).astype(d.dtype) / d.dtype.type(4), *arguments),  # all corners
            *more.pop("once", []),
        ],
        bad=[lambda d: call(3, *arguments), lambda d: call(None, *arguments), *more.pop("bad", [])],
        ulp=ulp,
        largest=bool(ulp),
        grad_ulp=4 * ulp,
        reason=more.pop("reason", VML if ulp else ""),
        **more,
    )


def rim(d: Draw) -> Any:
    """The special values without the largest, beside which all others would be nothing; some where exp overflows."""
    x = d.special()
    return np.where(np.isfinite(x) & (np.abs(x) > 2), np.copysign(x.dtype.type(120), x), x)


def text(*position: Any) -> list[Case]:
    """A call with a word in the place of a number."""
    return [lambda d: call(d(3), *position, "a")]


ROWS = [
    # straight lines
    activation("leaky_relu", *given(0.25)[:1], once=given(-0.5), bad=text()),
    activation("leaky_relu_", once=given(0.3), bad=text()),
    activation("relu6"),
    activation("hardtanh", *given(-2, 1.5)[:1], bad=[lambda d: call(d(3), 1, -1), lambda d: call(d(3), "a")]),
    activation("hardtanh_", once=given(-2, 1.5)),
    activation("hardsigmoid"),
    activation("hardswish"),
    activation(
        "softshrink",
        once=given(1.5),
        bad=[lambda d: call(d(3), -1.0), *text()],
        zeros=False,
        reason="torch's loops for many elements and for the last few differ in the sign of a zero",
    ),
    activation("hardshrink", once=given(1.5), bad=text()),
    activation("threshold", arguments=(0.5, 2.5), once=given(1, -2), bad=text(1)),
    activation("nn.functional.threshold", arguments=(0.5, 2.5)),
    activation(
        "nn.functional.threshold_",
        arguments=(0.5, 2.5),
        layouts=("transposed", "sliced"),  # alone of all, torch's writes where elements share memory
    ),
    Row(
        "prelu",
        [lambda d: call(d(3, 4), d(1)), lambda d: call(d(3, 4), d(4))],
        once=[
            lambda d: call(d(2, 3, 2), d(3)),
            lambda d: call(d(4), d(1)),
            lambda d: call(d(), d()),
            lambda d: call(d(), d(1)),
            lambda d: call(d(4), d()),
            lambda d: call(d.special(), d(1)),
            lambda d: call(d(2, 3) * np.array([0.0, 1.0, -0.0], d.dtype), d(1)),
            lambda d: call(d(2, 0), d(1)),
        ],
        bad=[
            lambda d: call(d(3, 4), d(3)),
            lambda d: call(d(3), d(3)),
            lambda d: call(d(), d(2)),
            lambda d: call(d(3, 4), d(1, 4)),
            lambda d: call(d(3, 4), d.typed("float64", 4)),
            lambda d: call(d(3, 4), 0.5),
            lambda d: call(3, d(1)),
        ],
    ),
    # exponentials
    activation("elu", *given(0.5)[:1], once=given(-0.5), ulp=2, bad=text()),
    activation("elu_", once=given(0.5), ulp=2, bad=text()),
    activation("selu", ulp=2),
    activation("nn.functional.selu_", ulp=2),
    activation("celu", *given(0.5)[:1], once=given(-0.5), ulp=2, bad=[lambda d: call(d(3), 0), *text()]),
    activation("celu_", once=given(0.5), ulp=2, bad=text()),
    activation("silu", ulp=4),
    activation("mish", ulp=4),
    activation("softplus", *given(2, 3)[:1], once=given(beta=0.5), ulp=4, bad=text()),
    activation("logsigmoid", ulp=4, forms="function"),  # `out` has rules of its own
    activation(
        "gelu",
        *given(approximate="tanh")[:1],
        ulp=4,
        bad=[lambda d: call(d(3), approximate="x"), lambda d: call(d(3), approximate=1)],
        forms="function",  # torch writes nothing to an `out` that is not in order
    ),
    activation("glu", lambda d: call(d(4, 3), 0), ulp=4, bad=[lambda d: call(d(4, 3)), lambda d: call(d(4), 1)]),
    activation("rrelu_", once=given(0.25, 0.25, True)),
    activation("nn.functional.rrelu", once=given(0.25, 0.25, True), bad=[lambda d: call(d(3), 0.5, 0.2), *text()]),
    activation("softsign"),
    activation("tanhshrink", ulp=4),
]
