"""What is written may not be what is read: torch refuses it for some arguments of some operations, and so does microtorch.

From every row of the table that writes, in place or to `out`: each tensor it reads is, in turn, the one that it writes
to, another on the same memory, or one on a part of that memory. What is then computed, where that is allowed, is left
open; whether it is allowed is not.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from rows import Array, Call, Row, all_rows
from sides import SIDES, THEIRS, Outcome, Side, draw, main_form, map_arrays

# addmm copies its first term into `out` where it is not multiplied by 0, and so finds out what they share; take_along_dim
# looks at indices in whatever was written, which need be none; x⁰ and 1ʸ are filled in without a look at x and y.
UNLIKE = {"addmm": "out", "take_along_dim": "out", "pow": "out"}
WAYS = ["the same", "the same memory", "the part behind", "the part before"]


def writing() -> list[tuple[Row, str]]:
    """The rows that write, and in which form."""
    found = []
    for row in all_rows():
        forms = [main_form(row)] if row.mutates else ["in_place", "out"]
        for form in forms:
            function = THEIRS.find(row, "in_place" if form == "in_place" else main_form(row))
            fine = form in row.forms and form not in row.lacks and UNLIKE.get(row.name) != form
            if fine and function is not None and ("." not in row.name or form == "out"):
                found.append((row, form))
    return found


def arrays_of(call: Call) -> list[Array]:
    found: list[Array] = []
    map_arrays(call, lambda array: found.append(array) or array)  # type: ignore[func-returns-value]
    return found


def act(side: Side, row: Row, form: str, call: Call, written: Array, number: int, way: str) -> None:
    """Make the call, with the `number`th array lying, in some way, where is written."""
    read = arrays_of(call)[number]
    if way in WAYS[:2]:
        target = side.tensor(written.copy())
        source = target if way == WAYS[0] else target.detach()
    else:
        memory = side.tensor(np.zeros(written.size + read.size + 1, written.dtype))
        start = int(way == WAYS[2])
        target = memory[: written.size].view(written.shape)
        source = memory[start : start + read.size].view(read.shape)
        target.copy_(side.tensor(written.copy()))
        source.copy_(side.tensor(read.copy()))
    count = iter(range(99))

    def tensor(array: Array) -> Any:
        place = next(count)
        return source if place == number else target if place == 0 and form != "out" else side.tensor(array.copy())

    args, kwargs = side.arguments(call, tensor)
    function = side.find(row, "in_place" if form == "in_place" else main_form(row))
    assert function is not None
    function(*args, **kwargs, **({"out": target} if form == "out" else {}))


def result_of(row: Row, call: Call) -> Array | None:
    """What is written to `out`, if the call takes one, and it is one tensor with elements."""

    def into_new() -> Any:
        args, kwargs = THEIRS.arguments(call, torch.from_numpy)
        function: Any = THEIRS.find(row, main_form(row))
        return function(*args, **kwargs, out=function(*args, **kwargs))

    value = Outcome(into_new).value
    return value.detach().numpy() if isinstance(value, torch.Tensor) and value.numel() else None


def is_refused(outcome: Outcome) -> bool:
    return "refer to a single memory location" in str(outcome.error)


@pytest.mark.parametrize(
    ("row", "form"), [pytest.param(*found, id=f"{found[0].name} {found[1]}") for found in writing()]
)
def test_what_may_be_written(row: Row, form: str) -> None:
    for case in row.cases[:5]:
        for dtype in sorted({"float64", "int64"} & {*row.dtypes}):
            check(row, form, draw(case, dtype))
    for case in row.once[:3]:
        check(row, form, draw(case, "float32"))


def check(row: Row, form: str, call: Call) -> None:
    arrays = arrays_of(call)
    written = result_of(row, call) if form == "out" else arrays[0] if isinstance(call.args[0], np.ndarray) else None
    if written is None or not written.size:
        return
    for number in range(form != "out", len(arrays)):
        read = arrays[number]
        if read.dtype != written.dtype or not read.size:
            continue
        for way in WAYS if read.shape == written.shape else WAYS[2:]:
            theirs, ours = (Outcome(partial(act, side, row, form, call, written, number, way)) for side in SIDES)
            assert is_refused(ours) == is_refused(theirs), (
                f"argument {number} is {way} ({written.dtype}): {ours.error!r}, torch: {theirs.error!r}"
            )
