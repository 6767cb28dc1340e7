"""From samples to batches: default_collate and default_convert against torch's, for structures of every kind."""

from __future__ import annotations

import importlib
from collections import OrderedDict, UserDict, UserList, namedtuple
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table
from hypothesis import given, settings
from hypothesis import strategies as st
from sides import Side

Point = namedtuple("Point", ["x", "y"])


def data(side: Side) -> Any:
    return importlib.import_module(f"{side.module.__name__}.utils.data")


class Words(UserDict[str, Any]):
    """A mapping with something beside its items."""

    language = "en"


class Fixed(tuple[Any, ...]):
    """A tuple of one's own."""


BATCHES: list[Any] = [
    lambda s: [1, 2, 3],
    lambda s: [1.5, 2],
    lambda s: [1, 2.5],
    lambda s: [True, False],
    lambda s: [2**40, -1],
    lambda s: ["a", "b"],
    lambda s: [b"a", b"b"],
    lambda s: ("a", "b"),
    lambda s: [None, None],
    lambda s: [object],
    lambda s: [1j, 2j],
    lambda s: [{1, 2}],
    lambda s: [],
    lambda s: [np.float32(1.5), np.float32(2)],
    lambda s: [np.float64(1.5), np.float64(2)],
    lambda s: [np.int8(1), np.int8(2)],
    lambda s: [np.bool_(True), np.bool_(False)],
    lambda s: [np.arange(3), np.arange(3) + 1],
    lambda s: [np.ones((2, 2), "f4"), np.zeros((2, 2), "f4")],
    lambda s: [np.ones(2), np.ones(3)],
    lambda s: [np.array("a"), np.array("b")],
    lambda s: [np.array(["a", "b"])],
    lambda s: [np.array([None])],
    lambda s: [np.str_("a"), np.str_("b")],
    lambda s: [np.array(1.0), np.array(2.0)],
    lambda s: [s.tensor(np.ones(2)), s.tensor(np.zeros(2))],
    lambda s: [s.tensor(np.ones((), "f4")), s.tensor(np.zeros((), "f4"))],
    lambda s: [s.tensor(np.ones(2)), s.tensor(np.zeros(3))],
    lambda s: [s.tensor(np.ones(2)), 3],
    lambda s: [s.tensor(np.ones(2), requires_grad=True), s.tensor(np.zeros(2))],
    lambda s: [(1, 2.0), (3, 4.0)],
    lambda s: [[1, 2.0], [3, 4.0]],
    lambda s: [[1, 2], [3]],
    lambda s: [(1,), (3, 4)],
    lambda s: [(), ()],
    lambda s: [[], []],
    lambda s: [range(2), range(2, 4)],
    lambda s: [{"a": 1, "b": [1, "x"]}, {"a": 2, "b": [3, "y"]}],
    lambda s: [{"a": 1}, {"b": 2}],
    lambda s: [{"a": 1}, {"a": 2, "b": 2}],
    lambda s: [{"a": None}],
    lambda s: [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
    lambda s: [Words(a=1), Words(a=2)],
    lambda s: [UserList([1, 2]), UserList([3, 4])],
    lambda s: [Point(1, (2, 3)), Point(4, (5, 6))],
    lambda s: [Point(1, "a"), Point(4, "b")],
    lambda s: [Fixed([1, 2]), Fixed([3, 4])],
    lambda s: [bytearray(b"ab"), bytearray(b"cd")],
    lambda s: {"a": 1},
    lambda s: Point(np.ones(2), np.float32(3)),
    lambda s: [{"x": np.arange(2), "y": [np.int8(3), None, "text"]}, (np.ones(1), 5)],
    lambda s: UserList([np.ones(1), 2]),
    lambda s: Words(a=np.ones(1)),
    lambda s: Fixed([np.ones(1)]),
    lambda s: np.ones(2),
    lambda s: np.array(["a"]),
    lambda s: np.str_("a"),
    lambda s: range(3),
    lambda s: "text",
    lambda s: 5,
]


@pytest.mark.parametrize("function", ["default_collate", "default_convert"])
@table(*BATCHES)
def test_collation(case: Any, function: str) -> None:
    assert_same(lambda side: getattr(data(side), function)(case(side)))


@settings(max_examples=150, deadline=None)
@given(
    shape=st.recursive(
        st.sampled_from(["int", "float", "text", "array", "tensor"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
        max_leaves=6,
    ),
    n=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_collation_of_nested_structures(shape: Any, n: int, seed: int) -> None:
    def sample(side: Side, part: Any, numbers: np.random.Generator) -> Any:
        if isinstance(part, dict):
            return {key: sample(side, inner, numbers) for key, inner in part.items()}
        if isinstance(part, list):
            kind = tuple if len(part) % 2 else list
            return kind([sample(side, inner, numbers) for inner in part])
        array = numbers.normal(size=(2, 3)).astype("f4")
        return {
            "int": int(array.size + 10 * array[0, 0]),
            "float": float(array[0, 0]),
            "text": str(array[0, 0]),
            "array": array,
            "tensor": side.tensor(array),
        }[part]

    def case(side: Side) -> Any:
        numbers = np.random.default_rng(seed)
        batch = [sample(side, shape, numbers) for _ in range(n)]
        return data(side).default_collate(batch), data(side).default_convert(batch)

    assert_same(case)


def test_collation_can_be_extended() -> None:
    def case(side: Side) -> Any:
        module = importlib.import_module(f"{side.module.__name__}.utils.data._utils.collate")
        added = {side.Tensor: lambda batch, *, collate_fn_map: len(batch), set: lambda batch, *, collate_fn_map: batch}
        with pytest.MonkeyPatch.context() as patch:
            for kind, function in added.items():
                patch.setitem(module.default_collate_fn_map, kind, function)
            sets = [(t, {2}) for t in side.tensor(np.ones(5))]
            rows = data(side).TensorDataset(side.tensor(np.ones(5)))
            loaded = [list(data(side).DataLoader(dataset, 4)) for dataset in (sets, rows)]
            extended = module.default_collate([(t, {1}) for t in side.tensor(np.ones(3))])
        return (
            loaded,
            extended,
            module.collate([1, 2], collate_fn_map={int: lambda batch, *, collate_fn_map: sum(batch)}),
        )

    assert_same(case)
