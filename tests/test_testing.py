"""torch.testing: the same verdicts and messages, the same random tensors."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table
from hypothesis import given, settings
from hypothesis import strategies as st
from sides import OURS, SIDES, Side

NAN, INF = float("nan"), float("inf")


def close(side: Side, actual: Any, expected: Any, **options: Any) -> None:
    """`assert_close`, with arrays in structures as tensors."""

    def walk(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return side.tensor(value)
        if isinstance(value, (list, tuple)):
            return type(value)(map(walk, value))
        return {k: walk(v) for k, v in value.items()} if isinstance(value, dict) else value

    side.module.testing.assert_close(walk(actual), walk(expected), **options)


def f(*values: Any, dtype: str = "float32") -> np.ndarray:
    return np.array(values, dtype)


@table(
    lambda s: close(s, f(1, 2, 3), f(1, 2, 3)),
    lambda s: close(s, f(1, 2, 3), f(1, 4, 5)),
    lambda s: close(s, f(1, 2), f(1.000001, 2)),
    lambda s: close(s, f(1, 2), f(1.0001, 2)),
    lambda s: close(s, f(1, 2, dtype="float64"), f(1.000001, 2, dtype="float64")),
    lambda s: close(s, f(1, 2, dtype="float16"), f(1.001, 2.01, dtype="float16")),
    lambda s: close(s, f(1, 2, dtype="int64"), f(1, 5, dtype="int64")),
    lambda s: close(s, f(1, 200, dtype="uint8"), f(3, 100, dtype="uint8")),
    lambda s: close(s, f(-128, 0, dtype="int8"), f(127, 0, dtype="int8")),
    lambda s: close(s, f(True, False), f(True, True)),
    lambda s: close(s, f(True, False, dtype="bool"), f(True, True, dtype="bool")),
    lambda s: close(s, np.zeros((2, 3, 4), "f4"), np.arange(24, dtype="f4").reshape(2, 3, 4)),
    lambda s: close(s, np.zeros((0, 3)), np.zeros((0, 3))),
    lambda s: close(s, np.array(1.5, "f4"), np.array(2.5, "f4")),
    lambda s: close(s, np.array(1), np.array(0)),
    lambda s: close(s, np.array(True), np.array(False)),
    lambda s: close(s, np.array(NAN), np.array(NAN)),
    # not numbers, infinities
    lambda s: close(s, f(NAN, 1), f(NAN, 1)),
    lambda s: close(s, f(NAN, 1), f(NAN, 1), equal_nan=True),
    lambda s: close(s, f(NAN, 1), f(1, NAN), equal_nan=True),
    lambda s: close(s, f(INF, -INF), f(INF, -INF)),
    lambda s: close(s, f(INF, 1, 2), f(-INF, 1, 3)),
    lambda s: close(s, f(1, 2), f(0, 2)),
    # tolerances
    lambda s: close(s, f(1, 2), f(1, 4), rtol=0.5, atol=0),
    lambda s: close(s, f(1, 2), f(1, 4), rtol=0, atol=0),
    lambda s: close(s, f(1, 2), f(1, 4), rtol=0.1, atol=0.25),
    lambda s: close(s, f(1, 2, dtype="int64"), f(1, 4, dtype="int64"), rtol=0, atol=1),
    lambda s: close(s, f(1), f(1), rtol=0.1),
    lambda s: close(s, f(1), f(1), atol=0.1),
    lambda s: close(s, [1.0, f(1)], [1.0, f(1)], atol=0.1),
    # what else must agree
    lambda s: close(s, f(1, 2), f(1, 2, 3)),
    lambda s: close(s, f(1, 2), f(1, 2, dtype="float64")),
    lambda s: close(s, f(1, 2), f(1, 2, dtype="float64"), check_dtype=False),
    lambda s: close(s, f(1, 2), f(1, 3, dtype="float64"), check_dtype=False),
    lambda s: close(s, f(1, 2), f(1, 3, dtype="int64"), check_dtype=False),
    lambda s: close(s, np.ones((2, 3)).T, np.ones((3, 2))),
    lambda s: close(s, np.ones((2, 3)).T, np.ones((3, 2)), check_stride=True),
    lambda s: close(s, f(1), f(1), check_device=False, check_layout=False),
    # numbers
    lambda s: close(s, 1, 1),
    lambda s: close(s, 1, 2),
    lambda s: close(s, 1.0, 1.0 + 1e-9),
    lambda s: close(s, 1.0, 1.0 + 1e-5),
    lambda s: close(s, 1.0, 1),
    lambda s: close(s, 1.0, 1, check_dtype=False),
    lambda s: close(s, 1.5, 1, check_dtype=False),
    lambda s: close(s, 1, 0),
    lambda s: close(s, NAN, NAN),
    lambda s: close(s, NAN, NAN, equal_nan=True),
    lambda s: close(s, INF, INF),
    lambda s: close(s, INF, 1.0),
    lambda s: close(s, 1j, 1j),
    lambda s: close(s, 1j, 2j),
    lambda s: close(s, np.float32(1), 1.0),
    lambda s: close(s, np.int64(1), 2),
    lambda s: close(s, np.float32(1), np.float64(2)),
    lambda s: close(s, 1.0, 2.0, rtol=0, atol=0),
    lambda s: close(s, 1.0, 2.0, rtol=0.1),
    # truth values, None
    lambda s: close(s, True, True),
    lambda s: close(s, True, False),
    lambda s: close(s, np.True_, True),
    lambda s: close(s, np.False_, True),
    lambda s: close(s, None, None),
    lambda s: close(s, None, 1),
    lambda s: close(s, f(1), None),
    # structures
    lambda s: close(s, [f(1), f(2)], [f(1), f(3)]),
    lambda s: close(s, [f(1), (f(2), {"a": f(3)})], [f(1), (f(2), {"a": f(4)})]),
    lambda s: close(s, [f(1)], (f(1),)),
    lambda s: close(s, [f(1)], [f(1), f(2)]),
    lambda s: close(s, [[f(1)]], [[f(1), f(2)]]),
    lambda s: close(s, {"a": f(1), "b": f(2)}, {"b": f(2), "a": f(1)}),
    lambda s: close(s, {"a": f(1), "b": f(2)}, {"a": f(1), "c": f(2), "d": 1}),
    lambda s: close(s, {"b": 1, "a": 2}, {"b": 2, "a": 3}),
    lambda s: close(s, {"x": [{"a": 1, 2: 0}]}, {"x": [{"a": 1, 2: 3}]}),
    lambda s: close(s, OrderedDict(a=1), {"a": 1}),
    lambda s: close(s, [1, None, True], [1, None, False]),
    lambda s: close(s, [1, 2], [3, [4]]),
    lambda s: close(s, [], []),
    lambda s: close(s, [], {}),
    lambda s: close(s, s.module.Size([1, 2]), (1, 3)),
    lambda s: close(s, range(3), [0, 1, 2]),
    # what cannot be compared
    lambda s: close(s, f(1), [1.0]),
    lambda s: close(s, f(1), 1.0),
    lambda s: close(s, "a", "a"),
    lambda s: close(s, {"a": "x"}, {"a": "x"}),
    lambda s: close(s, {1}, {1}),
    lambda s: s.module.testing.assert_close(np.ones(2), np.ones(2)),
    lambda s: s.module.testing.assert_close(np.ones(2), np.zeros(2)),
    lambda s: s.module.testing.assert_close(np.ones(2), s.module.ones(2)),
    lambda s: s.module.testing.assert_close(np.array(["a"]), np.array(["a"])),
    # subclasses, gradients
    lambda s: s.module.testing.assert_close(s.module.nn.Parameter(s.module.ones(2)), s.module.ones(2)),
    lambda s: s.module.testing.assert_close(
        s.module.nn.Parameter(s.module.ones(2)), s.module.ones(2), allow_subclasses=False
    ),
    lambda s: s.module.testing.assert_close(s.module.ones(2, requires_grad=True) * 2, s.module.ones(2)),
    # messages
    lambda s: close(s, f(1, 2), f(1, 4), msg="not so"),
    lambda s: close(s, f(1, 2), f(1, 4), msg=lambda text: f"<{text}>"),
    lambda s: close(s, [f(1, 2)], [f(1, 4)], msg=lambda text: f"<{text}>"),
    lambda s: close(s, [f(1, 2)], [], msg="not so"),
    lambda s: close(s, 1, 2, msg=lambda text: text.upper()),
    # assert_allclose
    lambda s: s.module.testing.assert_allclose(s.module.ones(2), s.module.ones(2) * 1.00005),
    lambda s: s.module.testing.assert_allclose([1.0, NAN], [1.0, NAN]),
    lambda s: s.module.testing.assert_allclose(s.module.ones(2), [1, 2]),
    lambda s: s.module.testing.assert_allclose(s.module.ones(2), [1, 2], msg="not so"),
    lambda s: s.module.testing.assert_allclose(s.module.ones(2), 1, rtol=0.1),
)
def test_assert_close(case: Any) -> None:
    assert_same(case)


def test_a_truth_value_is_no_number() -> None:
    """torch says so by stumbling over it."""
    for side in SIDES:
        with pytest.raises(RuntimeError):
            side.module.testing.assert_close(True, 1)


values = st.sampled_from([0.0, -0.0, 1.0, 1.00001, 1.0001, -3.5, 1e-8, 1e30, NAN, INF, -INF])


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(values, values), min_size=1, max_size=6),
    st.sampled_from(["float16", "float32", "float64"]),
    st.sampled_from([{}, {"equal_nan": True}, {"rtol": 0.1, "atol": 0.01}, {"rtol": 0, "atol": 0}]),
)
def test_any_values(pairs: list[tuple[float, float]], dtype: str, options: Any) -> None:
    with np.errstate(over="ignore"):
        actual, expected = (np.array(column).astype(dtype) for column in zip(*pairs, strict=True))
    assert_same(lambda side: close(side, actual, expected, **options))


# -- make_tensor -------------------------------------------------------------------------------------------------------


def made(side: Side, *shape: Any, dtype: str = "float32", **options: Any) -> Any:
    """The tensor, its strides, and the draw that follows."""
    side.module.manual_seed(5)
    kind = getattr(side.module, dtype)
    tensor = side.module.testing.make_tensor(*shape, dtype=kind, **{"device": "cpu"} | options)
    return tensor, tensor.stride(), side.module.rand(1)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"])
def test_random_tensors(dtype: str) -> None:
    for shape in [(), (0,), (3,), (20, 3), (4, 1)]:
        assert_same(lambda side, shape=shape: made(side, shape, dtype=dtype))
        assert_same(lambda side, shape=shape: made(side, *shape, dtype=dtype, noncontiguous=True))
    assert_same(lambda side: made(side, 50, dtype=dtype, exclude_zero=True))
    assert_same(lambda side: made(side, 50, dtype=dtype, low=0, high=1))
    assert_same(lambda side: made(side, 50, dtype=dtype, low=-1e400, high=1e400))


@table(
    lambda s: made(s, 5, low=-1, high=1.5),
    lambda s: made(s, 5, low=2.5, high=2.5),
    lambda s: made(s, 5, dtype="int32", low=0.5, high=3.5),
    lambda s: made(s, 5, dtype="int64", low=-(2**63), high=2**63 - 1),
    lambda s: made(s, 5, dtype="uint8", low=-100, high=1000),
    lambda s: made(s, 5, requires_grad=True),
    lambda s: made(s, 5, dtype="int64", requires_grad=True),
    lambda s: made(s, 5, low=3, high=1),
    lambda s: made(s, 5, dtype="int64", low=3, high=3),
    lambda s: made(s, 5, low=NAN),
    lambda s: made(s, 5, dtype="uint8", low=256, high=300),
    lambda s: made(s, 5, dtype="bool", low=2, high=3),
    lambda s: made(s, [2, 3], memory_format=s.module.contiguous_format),
    lambda s: made(s, [2, 3], memory_format=s.module.contiguous_format, noncontiguous=True),
    lambda s: s.module.testing.make_tensor(3, dtype=s.module.float32),
)
def test_make_tensor(case: Any) -> None:
    assert_same(case)


def test_what_is_lacking_is_named() -> None:
    with pytest.raises(AttributeError, match=r"microtorch, .* does not have torch\.testing\.FileCheck"):
        getattr(OURS.module.testing, "FileCheck")  # noqa: B009
