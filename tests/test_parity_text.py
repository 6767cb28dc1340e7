"""Printed text: the same, the same but for digits, or another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.text import compare_texts


@pytest.mark.parametrize(
    ("first", "second", "places"),
    [
        ("loss 0.1234", "loss 0.1235", [0]),
        ("tensor([[5.3610, 1.0000]])", "tensor([[5.3611, 1.0000]])", [0]),
        ("a 1.0 b -2.5e-03 c", "a 1.0 b -2.5e-04 c", [1]),
        ("y = 0.1 + 2 x^2", "y = -0.1 + 2 x^2", [0]),
        ("loss: nan", "loss: 1.5", [0]),
        ("loss: inf", "loss: -inf", [0]),
        ("tensor([9.9999e-05, 1.0000e+00])", "tensor([1.0000e-04, 1.0000e+00])", [0]),
        ("tensor([ 0.1000, -0.2000])", "tensor([-0.1000, -0.2000])", [0]),
    ],
)
def test_digits(first: str, second: str, places: list[int]) -> None:
    found = compare_texts(first, second)
    assert not found.same
    assert found.digits is not None
    assert [digits.place for digits in found.digits] == places


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [
        ("one\ntwo", "one\nTwo", 2),
        ("one\n", "one\ntwo\n", 2),
        ("one\ntwo\n", "", 1),
        ("grad_fn=<AddBackward0>", "grad_fn=<SubBackward0>", 1),
        ("tensor([1., 2.])", "tensor([1., 2., 3.])", 1),
        ("tensor(1., dtype=torch.float64)", "tensor(1.)", 1),
    ],
)
def test_other_text(first: str, second: str, line: int) -> None:
    found = compare_texts(first, second)
    assert (found.same, found.digits, found.line) == (False, None, line)


def test_spaces_between_numbers_may_only_differ_where_numbers_do() -> None:
    assert compare_texts("a  1.0", "a 1.0").digits is None
    assert compare_texts("[1.0, -1.0]", "[ 1.0,  1.0]").digits is not None


def test_addresses_are_not_compared() -> None:
    text = "<generator object Module.parameters at {}>"
    assert compare_texts(text.format("0x7f2b1c0d5e40"), text.format("0x7f9a00112233")).same
    assert not compare_texts("0x1f", "0x2f").same


@pytest.mark.parametrize(
    ("first", "second", "relative", "agree"),
    [
        ("0.1234", "0.1235", 0.0, True),
        ("0.1234", "0.1236", 0.0, False),
        ("0.12", "0.1234", 0.0, False),
        ("30.", "30.0001", 1e-4, True),
        ("30.", "31.", 1e-4, False),
        ("731", "732", 1e-4, False),
        ("0.8571234567890123", "0.8571234567890999", 1e-9, True),
        ("0.8571234567890123", "0.8571244567890123", 1e-9, False),
        ("1.0000e-04", "9.9999e-05", 0.0, True),
        ("nan", "nan", 0.0, True),
        ("nan", "1.0", 1.0, False),
        ("inf", "-inf", 1.0, False),
    ],
)
def test_within(first: str, second: str, relative: float, agree: bool) -> None:
    digits = compare_texts(f"x {first}", f"x {second}").digits
    if first == second:
        assert digits == ()
    else:
        assert digits is not None
        assert digits[0].within(relative) is agree


@settings(deadline=None)
@given(st.text(alphabet="ab1.e-+ \n[]", max_size=40), st.text(alphabet="ab1.e-+ \n[]", max_size=40))
def test_any_two_texts_can_be_compared(first: str, second: str) -> None:
    assert compare_texts(first, first).same
    found, turned = compare_texts(first, second), compare_texts(second, first)
    assert found.same == (first == second)
    assert found.line == turned.line
    if found.digits is not None:
        assert turned.digits is not None
        assert [d.place for d in found.digits] == [d.place for d in turned.digits]
