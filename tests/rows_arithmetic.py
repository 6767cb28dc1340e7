"""Rows for arithmetic, comparison, logic, and the choice between elements."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Draw, Row, call
from rows_pointwise import VML

ZEROS = "which zero of max(0, −0) is taken depends on the vector instructions"
FUSED = "torch rounds the product and the sum together (a fused multiply-add), numpy one after the other"


def pairs(first: str, second: str) -> list[Any]:
    """Two tensors of the same shape, then such as broadcast, 0-d, empty."""

    def on(a: tuple[int, ...], b: tuple[int, ...]) -> Any:
        return lambda d: call(getattr(d, first)(*a), getattr(d, second)(*b))

    shapes = [((3, 4), (3, 4)), ((3, 4), (4,)), ((), (3,)), ((3,), ()), ((), ()), ((2, 1, 3), (4, 1)), ((2, 0), (1, 1))]
    return [on(a, b) for a, b in shapes]


def scaled(*factors: Any) -> list[Any]:
    """One call for every factor `alpha`."""
    return [lambda d, a=a: call(d.whole(3, 4), d.whole(3, 4), alpha=a) for a in factors]


def binary(
    name: str,
    first: str = "__call__",
    second: str = "__call__",
    numbers: tuple[Any, ...] = (2, -3, 2.5, 0.1, True),
    **more: Any,
) -> Row:
    """The cases that every function of two variables is tested with; `numbers` stand for the second."""

    def beside(number: Any) -> Any:
        return lambda d: call(getattr(d, first)(2, 3), number)

    def rim(d: Draw) -> Any:
        x = d.special()
        return call(x[:, None], x)

    return Row(
        name,
        [*pairs(first, second), *map(beside, numbers), *more.pop("cases", [])],
        once=[rim, *more.pop("once", [])],
        bad=[
            lambda d: call(d(3), d(4)),
            lambda d: call(d(2, 3, 4), d(2, 4)),
            lambda d: call(d(3), "x"),
            lambda d: call(d(3), None),
            lambda d: call(d(3), [1.0, 2.0]),
            *more.pop("bad", []),
        ],
        **more,
    )


ROWS = [
    # sums and differences
    binary(
        "add",
        cases=[lambda d: call(1.5, d(3)), lambda d: call(2, d(3)), lambda d: call(d(3), d.typed("float64", 2, 3))],
        bad=[
            lambda d: call(d.whole(3).astype(int), d.whole(3).astype(int), alpha=1.5),
            lambda d: call(np.ones(2, np.float16), np.ones(2, np.float16), alpha=70_000),
            lambda d: call(d(2), d(2), alpha=1e39),
        ],
    ),
    binary(
        "sub",
        cases=[lambda d: call(1.5, d(3)), lambda d: call(2, d(3))],
        bad=[lambda d: call(d.mask(3), d.mask(3)), lambda d: call(d.mask(3), True)],
        once=[lambda d: call(d.whole(3).astype(int), np.bool_(True))],
    ),
    binary("subtract"),
    binary("rsub", bad=[lambda d: call(d.mask(3), d.mask(3)), lambda d: call(d.mask(3), True)]),
    Row(
        "add",
        [
            lambda d: call(d.whole(3, 4), d.whole(3, 4), alpha=2),
            lambda d: call(d.whole(3, 4), 3, alpha=2),
            lambda d: call(d.whole(3, 4), d.whole(4), alpha=-1),
        ],
        once=scaled(0.5, 2.0, np.array(2), np.array(1), np.float64(0.5), np.bool_(True)),
        bad=scaled(np.array(True), np.array([2.0]), None),
    ),
    Row(
        "sub",
        [
            lambda d: call(d.whole(3, 4), d.whole(3, 4), alpha=2),
            lambda d: call(d.whole(3, 4), 3, alpha=2),
            lambda d: call(d.whole(3, 4), d.whole(4), alpha=-1),
        ],
        once=scaled(0.5, 2.0, np.array(2), np.array(1), np.float64(0.5), np.bool_(True)),
        bad=scaled(np.array(True), np.array([2.0]), None),
    ),
    Row("rsub", [lambda d: call(d.whole(3, 4), d.whole(3, 4), alpha=2), lambda d: call(d.whole(3, 4), 3, alpha=2)]),
    Row(
        "add",
        [lambda d: call(d(3, 4), d(3, 4), alpha=0.3)],
        dtypes=["float32", "float64"],
        ulp=1,
        largest=True,
        reason=FUSED,
    ),
    # products and quotients
    binary("mul", cases=[lambda d: call(1.5, d(3)), lambda d: call(2, d(3))]),
    binary("multiply"),
    binary("div", "nonzero", "nonzero", cases=[lambda d: call(1.5, d.nonzero(3))]),
    binary("true_divide", "nonzero", "nonzero"),
    binary("divide", "nonzero", "nonzero"),
    Row(
        "div",
        [
            lambda d: call(d(3, 4), d.nonzero(3, 4), rounding_mode="floor"),
            lambda d: call(d(3, 4), d.nonzero(4), rounding_mode="trunc"),
            lambda d: call(d(3, 4), 2, rounding_mode="trunc"),
            lambda d: call(d(3, 4), -1.5, rounding_mode="floor"),
            lambda d: call(d(3, 4), d.nonzero(3, 4), rounding_mode=None),
        ],
        once=[
            lambda d: call(d.special()[:, None], d.special(), rounding_mode="floor"),
            lambda d: call(d.special()[:, None], d.special(), rounding_mode="trunc"),
        ],
        bad=[
            lambda d: call(d(3), d(3), rounding_mode="up"),
            lambda d: call(d.typed("int64", 3), d.typed("int64", 3) * 0, rounding_mode="floor"),
            lambda d: call(d.typed("int64", 3), 0, rounding_mode="trunc"),
        ],
    ),
    binary(
        "floor_divide",
        "__call__",
        "nonzero",
        bad=[lambda d: call(d.typed("int64", 3), 0), lambda d: call(d.typed("int8", 3), d.typed("int8", 3) * 0)],
    ),
    binary(
        "remainder",
        "__call__",
        "nonzero",
        once=[lambda d: call(7, d.nonzero(3)), lambda d: call(-2.5, d.nonzero(3))],
        bad=[lambda d: call(d.typed("int64", 3), 0)],
    ),
    binary("fmod", "__call__", "nonzero", bad=[lambda d: call(d.typed("int64", 3), 0)]),
    # powers
    binary(
        "pow",
        "positive",
        "__call__",
        bad=[lambda d: call(np.ones(2, np.float16), 1e5)],
        numbers=(0.5, -1.5, 2.5, 0.1, -1, -2, 4),
        ulp=2,
        grad_ulp=8,
        reason=VML,
        dtypes=["float32", "float64", "float16"],
        cases=[lambda d: call(2.5, d(3)), lambda d: call(0, d(3)), lambda d: call(0.0, d.ties(4))],
        once=[lambda d: call(1, d(3)), lambda d: call(d.ties(3, 4), d.ties(3, 4)), lambda d: call(d.ties(3, 4), 0.5)],
    ),
    Row(
        "pow",
        [
            lambda d: call(d(3, 4), 2),
            lambda d: call(d(3, 4), 3),
            lambda d: call(d(3, 4), 1),
            lambda d: call(d(3, 4), 0),
            lambda d: call(d(3, 4), True),
            lambda d: call(d(2, 3), 2.0),
            lambda d: call(d(2, 3), 3.0),
            lambda d: call(d(2, 3), 1.0),
            lambda d: call(d(2, 3), 0.0),
        ],
    ),
    Row(
        "pow",
        [
            lambda d: call(d.whole(3, 4), d.whole(4)),
            lambda d: call(d.whole(3, 4), 2),
            lambda d: call(2, d.whole(3, 4)),
            lambda d: call(d.whole(3), 7),
            lambda d: call(-1, d.whole(3, 4)),
        ],
        dtypes=["int64", "int32", "int16", "int8", "uint8"],
        bad=[lambda d: call(d.typed("int64", 3), -1), lambda d: call(d.typed("int32", 3), -2)],
    ),
    # the larger and the smaller
    binary("maximum", "ties", "ties", numbers=(), zeros=False, reason=ZEROS),
    binary("minimum", "ties", "ties", numbers=(), zeros=False, reason=ZEROS),
    binary("fmax", "ties", "ties", numbers=(), zeros=False, reason=ZEROS),
    binary("fmin", "ties", "ties", numbers=(), zeros=False, reason=ZEROS),
    *[
        Row(
            name,
            [
                lambda d: call(d(3, 4), -1, 1),
                lambda d: call(d(3, 4), min=0),
                lambda d: call(d(3, 4), max=1),
                lambda d: call(d(3, 4), -0.5, 1.5),
                lambda d: call(d(3, 4), 2, -2),
                lambda d: call(d.whole(3, 4), d.whole(3, 4)),
                lambda d: call(d.whole(3, 4), None, d.whole(4)),
                lambda d: call(d.whole(3, 4), d.whole(3, 4), d.whole(4)),
                lambda d: call(d.whole(3), d.whole(2, 1), d.whole()),
                lambda d: call(d(), 0, 1),
                lambda d: call(d(2, 0), 0, 1),
            ],
            once=[
                lambda d: call(d.special(), -1.0, 1.0),
                lambda d: call(d.special()[:, None], d.special()),
                lambda d: call(d(3), float("nan"), 1.0),
                lambda d: call(d(3), np.array(-0.5), 1),
                lambda d: call(d(3), min=0, max=np.array(1)),
            ],
            bad=[lambda d: call(d(3)), lambda d: call(d(3), d(2))],
            zeros=False,
            reason=ZEROS,
        )
        for name in ("clamp", "clip")
    ],
    *[
        Row(
            name,
            [
                lambda d: call(d(3, 4), 1),
                lambda d: call(d(3, 4), 0.5),
                lambda d: call(d.whole(3, 4), d.whole(4)),
                lambda d: call(d.whole(3), d.whole(2, 1)),
                lambda d: call(d(), d(2)),
            ],
            once=[lambda d: call(d.special(), 1.0)],
            bad=[lambda d: call(d(3), d(2))],
            zeros=False,
            reason=ZEROS,
        )
        for name in ("clamp_min", "clamp_max")
    ],
    # several at once
    Row(
        "addcmul",
        [
            lambda d: call(d.whole(3, 4), d.whole(3, 4), d.whole(3, 4)),
            lambda d: call(d.whole(3, 4), d.whole(4), d.whole(3, 1), value=2),
            lambda d: call(d.whole(), d.whole(2), d.whole(3, 1), value=-1),
        ],
        once=[lambda d: call(d.whole(3, 4), d.whole(3, 4), d.whole(3, 4), value=0.5)],
        bad=[lambda d: call(d(3), d(2), d(2)), lambda d: call(d(3), 2, d(3))],
    ),
    Row(
        "addcdiv",
        [
            lambda d: call(d(3, 4), d(3, 4), d.nonzero(3, 4)),
            lambda d: call(d(3, 4), d(4), d.nonzero(3, 1), value=2),
            lambda d: call(d(), d(2), d.nonzero(3, 1), value=-0.5),
        ],
        bad=[lambda d: call(d(3), d(2), d(2)), lambda d: call(d(3), 2, d(3))],
    ),
    Row(
        "lerp",
        [
            lambda d: call(d.whole(3, 4), d.whole(3, 4), 0.25),
            lambda d: call(d.whole(3, 4), d.whole(4), 0.75),
            lambda d: call(d.whole(3, 4), d.whole(3, 4), d.whole(3, 4)),
            lambda d: call(d.whole(3), d.whole(2, 1), d.whole()),
            lambda d: call(d.whole(3), d.whole(3), 2),
        ],
        bad=[
            lambda d: call(d(3), d(2), 0.5),
            lambda d: call(d(3), d.typed("float64", 3), 0.5),
            lambda d: call(d(3), d(3), d.typed("float64", 3)),
        ],
    ),
    Row(
        "lerp",
        [
            lambda d: call(d(3, 4), d(3, 4), 0.3),
            lambda d: call(d(3, 4), d(3, 4), d(3, 4)),
            lambda d: call(d(3, 4), d(3, 4), 0.7),
        ],
        dtypes=["float32", "float64"],
        ulp=1,
        grad_ulp=1,
        largest=True,
        reason=FUSED,
    ),
    binary("atan2", numbers=(), ulp=2, grad_ulp=4, reason=VML),
    binary("arctan2", numbers=(), ulp=2, grad_ulp=4, reason=VML),
    # comparison
    *[
        binary(name, "ties", "ties", numbers=(1, 1.5, True, 0.1))
        for name in ["eq", "ne", "lt", "le", "gt", "ge", "less", "less_equal", "greater", "greater_equal", "not_equal"]
    ],
    *[binary(name, "ties", "ties", numbers=()) for name in ["logical_and", "logical_or", "logical_xor"]],
    *[
        binary(name, "whole", "whole", numbers=(1, 6, True), cases=[lambda d: call(5, d.whole(3))])
        for name in ["bitwise_and", "bitwise_or", "bitwise_xor"]
    ],
    *[
        Row(
            name,
            [
                lambda d: call(d.whole(3, 4), d.ties(3, 4)),
                lambda d: call(d.whole(3, 4), d.ties(4)),
                lambda d: call(d.whole(3, 4), 2),
                lambda d: call(3, d.ties(4)),
                lambda d: call(d.whole(), d.ties(2)),
            ],
            bad=[lambda d: call(d.typed("int64", 3), d.typed("int64", 2))],
        )
        for name in ("bitwise_left_shift", "bitwise_right_shift")
    ],
    Row(
        "isclose",
        [
            lambda d: call(d.ties(3, 4), d.ties(3, 4)),
            lambda d: call(d.ties(3, 4), d.ties(4)),
            lambda d: call(d.ties(3), d.ties(3), 0.0, 0.0),
            lambda d: call(d.ties(3, 4), d.ties(3, 4), atol=1.0),
            lambda d: call(d.ties(3, 4), d.ties(3, 4), rtol=0.5),
        ],
        once=[
            lambda d: call(d.special()[:, None], d.special()),
            lambda d: call(d.special()[:, None], d.special(), equal_nan=True),
        ],
        bad=[
            lambda d: call(d(3), d.typed("float64", 3)),
            lambda d: call(d(3), d(3), rtol=-1.0),
            lambda d: call(d(3), d(3), atol=-1.0),
            lambda d: call(d(3), d(2)),
        ],
    ),
    Row(
        "allclose",
        [
            lambda d: call(d.ties(3, 4), d.ties(3, 4)),
            lambda d: call(np.ones(3, d.dtype), np.ones(3, d.dtype)),
            lambda d: call(d.ties(2, 0), d.ties(1, 0)),
            lambda d: call(d.ties(3), d.ties(3), atol=5.0),
        ],
        bad=[lambda d: call(d(3), d.typed("float64", 3))],
    ),
    Row(
        "equal",
        [
            lambda d: call(d.ties(3, 4), d.ties(3, 4)),
            lambda d: call(np.ones(3, d.dtype), np.ones(3, d.dtype)),
            lambda d: call(np.ones(3, d.dtype), np.ones((3, 1), d.dtype)),
            lambda d: call(d.ties(0), d.ties(0)),
        ],
        once=[lambda d: call(d.special(), d.special())],
    ),
    # choice
    Row(
        "where",
        [
            lambda d: call(d.mask(3, 4), d(3, 4), d(3, 4)),
            lambda d: call(d.mask(3, 4), d(4), d(3, 1)),
            lambda d: call(d.mask(3), d(3), 2),
            lambda d: call(d.mask(3), 1.5, d(3)),
            lambda d: call(d.mask(), d(3), d()),
            lambda d: call(d.mask(2, 0), d(1, 1), d(2, 0)),
        ],
        once=[
            lambda d: call(d.mask(3), 1, 2),
            lambda d: call(d.mask(3), 1.0, 2),
            lambda d: call(d.mask(3), True, False),
            lambda d: call(d.mask(3), 1.0, 2.0),
        ],
        bad=[
            lambda d: call(d(3), d(3), d(3)),
            lambda d: call(d.mask(3), d(2), d(3)),
            lambda d: call(d.typed("int64", 3), d(3), d(3)),
        ],
        forms="function out",
    ),
    Row(
        "where",
        [lambda d: call(d(3, 4), d.mask(3, 4), d(3, 4)), lambda d: call(d(3), d.mask(2, 1), 2.5)],
        forms="method",
    ),
    Row(
        "masked_fill",
        [
            lambda d: call(d(3, 4), d.mask(3, 4), 2),
            lambda d: call(d(3, 4), d.mask(4), 0.5),
            lambda d: call(d(3, 4), d.mask(3, 1), d()),
            lambda d: call(d(4), d.mask(3, 4), 1),
            lambda d: call(d(), d.mask(), 1),
        ],
        bad=[
            lambda d: call(d(3), d.typed("int64", 3), 1),
            lambda d: call(d(3), d.mask(3), d(2)),
            lambda d: call(d(3), d.mask(2), 1.0),
        ],
        once=[lambda d: call(d.typed("int64", 3), d.mask(3), 2.5)],
    ),
]
