"""What is said of arguments that fit none of several signatures: the signatures are torch's, and so is what is marked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from sides import SIDES, Outcome, assert_same_error

from microtorch.op import FUNCTIONS, METHODS
from microtorch.signatures import signatures_of


def of_torch(function: Callable[..., Any], *first: Any) -> tuple[str, ...]:
    """The signatures that torch lists when a function is called in a way that fits none; none if it has but one."""
    for count in range(5):
        try:
            function(*first, *[object()] * count, no_such_argument=1)
        except TypeError as error:
            if "expected one of" in str(error):
                return tuple(re.findall(r"^ \* \((.*)\)$", str(error), re.MULTILINE))
        except (RuntimeError, ValueError, NotImplementedError, IndexError):
            return ()
    return ()


# torch lists one signature of these alone, as a second one is for the GPU; the constructors list what the old ones took.
UNLISTED = {"addmm", "addmm_", "baddbmm", "baddbmm_", "bmm", "mm"}
SPOKEN_FOR = {"UntypedStorage", "to", "view", "new", "fill_", *(name for name in FUNCTIONS if name.endswith("Tensor"))}


@pytest.mark.parametrize("is_method", [False, True])
def test_the_signatures_are_torchs(is_method: bool) -> None:
    names = sorted({*(METHODS if is_method else FUNCTIONS)} - SPOKEN_FOR - (UNLISTED if is_method else set()))
    home: Any = torch.Tensor if is_method else torch
    first = [torch.ones(2)] if is_method else []
    different = {
        name: (found, ours)
        for name in names
        if hasattr(home, name)
        and (found := of_torch(getattr(home, name), *first)) != (ours := signatures_of(name, is_method))
    }
    assert different == {}


VALUES: list[Callable[[Any], Any]] = [
    lambda t: t.ones(2),
    lambda t: t.nn.Parameter(t.ones(2)),
    lambda t: "x",
    lambda t: None,
    lambda t: [1.0, "a"],
    lambda t: (1,),
    lambda t: 2,
    lambda t: 2.5,
    lambda t: True,
    lambda t: t.float64,
    lambda t: object,
]
NAMES = ["sub", "multiply", "eq", "fmod", "bitwise_and", "floor_divide", "pow", "remainder", "true_divide", "rsub"]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(NAMES), st.booleans(), st.lists(st.integers(0, len(VALUES) - 1), min_size=2, max_size=2))
def test_what_fits_none(name: str, is_method: bool, values: list[int]) -> None:
    """Any values in the place of operands."""

    def call(module: Any) -> Any:
        first, second = (VALUES[value](module) for value in values)
        if is_method:
            return getattr(module.ones(2), name)(second)
        return getattr(module, name)(first, second)

    theirs, ours = (Outcome(lambda module=side.module: call(module)) for side in SIDES)  # type: ignore[misc]
    assert (ours.error is None) == (theirs.error is None), f"{ours.error!r}, torch: {theirs.error!r}"
    if theirs.error is not None:
        assert ours.error is not None
        assert_same_error(theirs.error, ours.error)
        if "invalid combination" in str(theirs.error):
            assert str(ours.error) == str(theirs.error)
