"""x[…] with random indices of every form: what is read, what is written, the graph, the gradients, the errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sides import OURS, THEIRS, Array, Outcome, Side, as_array, assert_same_outcome, graph

Draw = Callable[[Any], Any]
REFUSED = (IndexError, RuntimeError, TypeError, ValueError)
SHAPES: Any = st.lists(st.sampled_from([1, 2, 3, 3, 4, 0]), max_size=4).map(tuple)


@dataclass
class AsTensor:
    """A part of an index that is a tensor on either side."""

    array: Array

    def __repr__(self) -> str:
        return f"tensor({self.array.tolist()}, {self.array.dtype})"


def numbers(draw: Draw, size: int, shape: tuple[int, ...]) -> Array:
    """Indices into a dimension; now and then one that is out of it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    room = max(size, 1) + (draw(st.integers(0, 19)) == 0)
    return np.asarray(rng.integers(-room, room, shape))


def mask(draw: Draw, shape: tuple[int, ...]) -> Array:
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return np.asarray(rng.integers(0, 2, shape).astype(bool))


def bound(size: int) -> Any:
    return st.none() | st.integers(-size - 2, size + 2)


@st.composite
def keys(draw: Draw, shape: tuple[int, ...], together: tuple[int, ...]) -> Any:
    """An index for a shape; index tensors broadcast to `together`, mostly."""
    parts: list[Any] = []
    left = list(shape)
    kinds = ["int", "slice", "slice", "none", "bool", "tensor", "tensor", "mask", "list", "numpy", "0-d", "stop"]
    while left or not parts:
        kind = draw(st.sampled_from(kinds))
        size = left[0] if left else 1
        if kind == "stop":
            break
        if kind == "none":
            parts.append(None)
            if len(parts) > 5:
                break
            continue
        if kind == "bool":
            parts.append(draw(st.booleans()))
            if len(parts) > 5:
                break
            continue
        if kind == "mask" and left:
            covered = draw(st.integers(1, len(left)))
            array = mask(draw, tuple(left[:covered]))
            parts.append(AsTensor(array.astype(np.uint8) if draw(st.integers(0, 5)) == 0 else array))
            left = left[covered:]
            continue
        shape_of_index = tuple(1 if draw(st.integers(0, 4)) == 0 else n for n in together)[
            draw(st.integers(0, len(together))) :
        ]
        if kind == "int":
            parts.append(int(numbers(draw, size, ())))
        elif kind == "slice":
            parts.append(slice(draw(bound(size)), draw(bound(size)), draw(st.none() | st.integers(1, 3))))
        elif kind == "tensor":
            dtype = draw(st.sampled_from(["int64", "int64", "int64", "int32"]))
            parts.append(AsTensor(numbers(draw, size, shape_of_index).astype(dtype)))
        elif kind == "list":
            parts.append(numbers(draw, size, shape_of_index or (2,)).tolist())
        elif kind == "numpy":
            parts.append(numbers(draw, size, shape_of_index))
        else:
            parts.append(AsTensor(numbers(draw, size, ())))
        if left:
            left = left[1:]
    if draw(st.integers(0, 3)) == 0:
        parts.insert(draw(st.integers(0, len(parts))), Ellipsis)
    if len(parts) == 1 and draw(st.booleans()):
        return parts[0]
    return tuple(parts)


def on(side: Side, key: Any) -> Any:
    if isinstance(key, AsTensor):
        return side.tensor(key.array)
    return tuple(on(side, part) for part in key) if isinstance(key, tuple) else key


def layout(array: Array, kind: str) -> Array:
    if kind == "transposed":
        return np.asfortranarray(array)
    if kind == "sliced" and array.ndim:
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    return array


@dataclass
class Case:
    """An array to index, how it lies in memory, and the index."""

    array: Array
    kind: str
    key: Any


@st.composite
def cases(draw: Draw) -> Case:
    shape = draw(SHAPES)
    together = tuple(draw(st.lists(st.sampled_from([1, 2, 3]), max_size=2)))
    array = np.random.default_rng(draw(st.integers(0, 99))).uniform(-2, 2, shape).astype(np.float32)
    kind = draw(st.sampled_from(["contiguous", "contiguous", "transposed", "sliced"]))
    return Case(array, kind, draw(keys(shape, together)))


def read(side: Side, case: Case) -> Any:
    """The result, its graph, and first and second gradients."""
    x = side.tensor(layout(case.array, case.kind), True)
    y = x[on(side, case.key)]
    rng = np.random.default_rng(1)
    cotangent = side.tensor(rng.uniform(-1, 1, tuple(y.shape)).astype(np.float32), True)
    grad = side.module.autograd.grad
    (first,) = grad(y, x, cotangent, create_graph=True)
    direction = side.tensor(rng.uniform(-1, 1, tuple(x.shape)).astype(np.float32))
    (second,) = grad(first, cotangent, direction)
    return [y, graph(y), as_array(first).tolist(), as_array(second).tolist()]


def write(side: Side, case: Case, value: Any, recorded: bool) -> Any:
    """What is there after `x[key] = value`, the graph, and the gradients of both."""
    source = side.tensor(layout(case.array, case.kind), recorded)
    x = source.clone() if recorded else source
    v = side.tensor(value, recorded) if isinstance(value, np.ndarray) else value
    try:
        x[on(side, case.key)] = v
    except REFUSED as error:
        return [type(error).__name__, str(error)]  # torch may have written part of it
    result = [x, x._version, graph(x)]
    if recorded:
        whole = np.random.default_rng(2).integers(-99, 99, tuple(x.shape))  # sums of them are exact in any order
        x.backward(side.tensor(whole.astype(np.float32)))
        result += [as_array(t.grad).tolist() for t in (source, v) if isinstance(t, side.Tensor) and t.grad is not None]
    return result


@st.composite
def writes(draw: Draw) -> tuple[Case, Any, bool]:
    case = draw(cases())
    indexed = Outcome(lambda: torch.zeros(case.array.shape)[on(THEIRS, case.key)])
    shape = (2,) if indexed.error else tuple(indexed.value.shape)
    kind = draw(st.sampled_from(["number", "whole", "whole", "part", "one", "wrong"]))
    if kind == "number":
        return case, draw(st.sampled_from([1.5, 2, True])), draw(st.booleans())
    if kind == "part":
        shape = tuple(1 if draw(st.booleans()) else n for n in shape)[draw(st.integers(0, len(shape))) :]
    elif kind == "one":
        shape = draw(st.sampled_from([(), (1,), (1, 1)]))
    elif kind == "wrong":
        shape = (*shape, 2)
    value = np.random.default_rng(draw(st.integers(0, 99))).uniform(-2, 2, shape).astype(np.float32)
    return case, value, draw(st.booleans())


def has_duplicates(case: Case) -> bool:
    """Whether two indices name the same place; which of two values remains there torch leaves open."""
    places = torch.arange(case.array.size).reshape(case.array.shape)
    named = Outcome(lambda: places[on(THEIRS, case.key)])
    return named.error is None and named.value.unique().numel() < named.value.numel()


def check_read(case: Case) -> None:
    theirs, ours = Outcome(lambda: read(THEIRS, case)), Outcome(lambda: read(OURS, case))
    try:
        assert_same_outcome(theirs, ours)
    except AssertionError as error:
        error.add_note(f"{case.array.shape} {case.kind} {case.key!r}")
        raise


def check_write(case: Case, value: Any, recorded: bool) -> None:
    if isinstance(value, np.ndarray) and value.size > 1 and has_duplicates(case):
        return
    theirs, ours = (Outcome(lambda s=side: write(s, case, value, recorded)) for side in (THEIRS, OURS))
    try:
        assert_same_outcome(theirs, ours)
    except AssertionError as error:
        error.add_note(f"{case.array.shape} {case.kind} {case.key!r} = {value!r} {recorded}")
        raise


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_read(case: Case) -> None:
    check_read(case)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(writes())
def test_write(drawn: tuple[Case, Any, bool]) -> None:
    check_write(*drawn)
