"""Distance in units in the last place is a distance, counts floats, and promotes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from parity.ulp import NEVER, SAME, distances, gap, hexadecimal

FLOATS = [np.float16, np.float32, np.float64]


def one(value: Any, kind: Any) -> Any:
    return np.asarray([value], kind)


def apart(first: Any, second: Any) -> int:
    return int(distances(first, second)[0])


@st.composite
def same_type(draw: st.DrawFn, count: int) -> list[Any]:
    """Arrays of one float type and shape, all bit patterns."""
    kind = np.dtype(draw(st.sampled_from(FLOATS)))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4))
    return [draw(hnp.arrays(f"u{kind.itemsize}", shape)).view(kind) for _ in range(count)]


@settings(deadline=None)
@given(same_type(3))
def test_is_a_distance(arrays: list[Any]) -> None:
    a, b, c = arrays
    assert np.array_equal(distances(a, b), distances(b, a))
    assert not distances(a, a).any()
    through = [int(x) + int(y) for x, y in zip(distances(a, c).ravel(), distances(c, b).ravel(), strict=True)]
    assert all(int(d) <= t for d, t in zip(distances(a, b).ravel(), through, strict=True))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    assert np.array_equal(distances(a, b) == 0, same)
    assert np.array_equal(distances(a, b) == NEVER, np.isnan(a) != np.isnan(b))


@settings(deadline=None)
@given(st.sampled_from(FLOATS), st.floats(width=16), st.integers(0, 50))
def test_counts_the_floats_between(kind: Any, start: float, steps: int) -> None:
    value = one(start, kind)
    moved = value
    for _ in range(steps):
        following = np.nextafter(moved, one(np.inf, kind))
        moved = following
    counted = apart(value, moved)
    reached = np.isinf(moved).any() or np.isnan(moved).any()
    assert counted == steps or (reached and counted < steps)


@settings(deadline=None)
@given(same_type(2))
def test_gap_agrees_with_elements(arrays: list[Any]) -> None:
    first, second = arrays
    found = gap(first, second)
    bits = [np.where(np.isnan(a), np.asarray(np.nan, a.dtype), a).tobytes() for a in arrays]
    assert found.bits == (bits[0] != bits[1])
    assert found.ulp == int(distances(first, second).max())
    if found.bits:
        assert first[found.first].tobytes() != second[found.first].tobytes()
        assert 0 < found.parted <= first.size


def test_extremes() -> None:
    for kind in FLOATS:
        largest = np.finfo(kind).max
        assert apart(one(0.0, kind), one(-0.0, kind)) == 0
        assert apart(one(largest, kind), one(np.inf, kind)) == 1
        assert apart(one(-np.inf, kind), one(np.inf, kind)) == 2 * apart(one(0, kind), one(np.inf, kind))
        smallest = np.nextafter(one(0, kind), one(1, kind))
        assert apart(smallest, -smallest) == 2
    assert apart(one(1.0, np.float32), one(1.0 + 2.0**-23, np.float32)) == 1
    assert apart(one(1.0, np.float64), one(1.0 + 2.0**-23, np.float64)) == 2**29


def test_zeros_of_both_signs_part_in_bits_only() -> None:
    found = gap(np.array([1.0, 0.0]), np.array([1.0, -0.0]))
    assert (found.bits, found.ulp, found.absolute, found.first, found.parted) == (True, 0, 0.0, (1,), 1)


def test_all_nan_are_one() -> None:
    patterns = np.array([0x7FC00000, 0xFFC00001], np.uint32).view(np.float32)
    assert gap(patterns[:1], patterns[1:]) == SAME
    assert gap(patterns[:1], one(1.0, np.float32)).ulp == NEVER


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        (np.zeros(2, np.float32), np.zeros(2, np.float64), "dtype float32 against float64"),
        (np.zeros(2), np.zeros((2, 1)), "shape (2,) against (2, 1)"),
        (np.zeros(()), np.zeros(1), "shape () against (1,)"),
        (np.zeros(1, np.int64), np.zeros(1, np.int32), "dtype int64 against int32"),
    ],
)
def test_nothing_is_promoted(first: Any, second: Any, note: str) -> None:
    found = gap(first, second)
    assert (found.bits, found.ulp, found.note) == (True, NEVER, note)


def test_integers_and_booleans() -> None:
    assert gap(np.array([3, -(2**62)]), np.array([3, 2**62])).ulp == 2**63
    assert gap(np.array([True, False]), np.array([True, True])).first == (1,)
    assert gap(np.array([], np.int64), np.array([], np.int64)) == SAME


def test_worst_is_the_largest_and_first_the_first() -> None:
    found = gap(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.5], [3.0, 6.0]]))
    assert (found.first, found.worst, found.absolute, found.parted) == ((0, 1), (1, 1), 2.0, 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(1.233), "0x1.3ba5e40000000p+0 3f9dd2f2"),
        (np.float64(-0.0), "-0x0.0p+0 8000000000000000"),
        (np.float16(1), "0x1.0000000000000p+0 3c00"),
        (np.int64(-3), "-3"),
        (np.float32("nan"), "nan 7fc00000"),
    ],
)
def test_hexadecimal(value: Any, text: str) -> None:
    assert hexadecimal(value) == text
