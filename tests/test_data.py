"""Datasets, samplers and the DataLoader against torch's: samples, their order, and every random number."""

from __future__ import annotations

import importlib
import pickle
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sides import OURS, THEIRS, Side

import microtorch

OFTEN = settings(max_examples=150, deadline=None)


def data(side: Side) -> Any:
    return importlib.import_module(f"{side.module.__name__}.utils.data")


def rows(side: Side, n: int = 10) -> Any:
    """Samples (i, [2i, 2i + 1])."""
    return data(side).TensorDataset(side.tensor(np.arange(n, dtype="f4")), side.tensor(np.arange(2 * n).reshape(n, 2)))


def generator(side: Side, seed: int) -> Any:
    return side.module.Generator().manual_seed(seed)


def state(side: Side, *generators: Any) -> Any:
    """All that the next random numbers depend on."""
    return [side.module.get_rng_state(), *(g.get_state() for g in generators if g is not None)]


# -- order, and random numbers consumed --------------------------------------------------------------------------------


@st.composite
def samplers(draw: st.DrawFn, n: int) -> dict[str, Any]:
    """Arguments of a DataLoader that settle the order; a sampler is (class, arguments, whether with the generator)."""
    size = draw(st.sampled_from([1, 2, 3, 4, 7, 32, None]))
    batches = {"batch_size": size, "drop_last": size is not None and draw(st.booleans())}
    count = draw(st.sampled_from([1, 5, 31, 32, 33, 100]))
    with_generator = draw(st.booleans())
    kind = draw(st.integers(0, 8))
    if kind <= 2:
        return {**batches, "shuffle": [None, False, True][kind]}
    sampler: Any = {
        3: ("RandomSampler", (range(n),), {"replacement": True, "num_samples": count}),
        4: ("RandomSampler", (range(n),), {"num_samples": count}),
        5: ("SubsetRandomSampler", (list(range(0, n, 2)),), {}),
        6: ("WeightedRandomSampler", ([1.0 + i for i in range(n)], count), {}),
        7: ("WeightedRandomSampler", ([1.0 + i for i in range(n)], max(n // 2, 1), False), {}),
        8: list(range(n))[::-1],
    }[kind]
    if kind < 8:
        sampler = (*sampler, with_generator)
    if draw(st.booleans()):
        return {**batches, "sampler": sampler}
    return {"batch_sampler": ("BatchSampler", (sampler, size or 3, batches["drop_last"]), {}, False)}


def build(side: Side, value: Any, g: Any) -> Any:
    """The sampler that `samplers` describes."""
    if not (isinstance(value, tuple) and isinstance(value[0], str)):
        return value
    name, args, kwargs, with_generator = value
    if with_generator:
        kwargs = {**kwargs, "generator": g}
    return getattr(data(side), name)(*(build(side, a, g) for a in args), **kwargs)


@st.composite
def programs(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(st.sampled_from([1, 2, 5, 8, 10, 33, 70]))
    return {
        "n": n,
        "loader": draw(samplers(n)),
        "seeds": (draw(st.integers(0, 2**64 - 1)), draw(st.integers(0, 100))),
        "own": draw(st.sampled_from(["none", "other", "global"])),
        "between": draw(st.sampled_from([None, "global", "own"])),
        "epochs": draw(st.lists(st.sampled_from([None, None, 0, 1, 3]), min_size=1, max_size=3)),
    }


def load(side: Side, program: dict[str, Any]) -> Any:
    """Some epochs, whole or broken off, with random numbers drawn between the batches; then all states."""
    torch = side.module
    torch.manual_seed(program["seeds"][0])
    g = {"none": None, "other": generator(side, program["seeds"][1]), "global": torch.default_generator}[program["own"]]
    options = {name: build(side, value, g) for name, value in program["loader"].items()}
    loader = data(side).DataLoader(rows(side, program["n"]), generator=g, **options)
    seen: list[Any] = [len(loader)]
    for stop in program["epochs"]:
        for i, batch in enumerate(loader):
            if i == stop:
                break
            seen.append(batch)
            if program["between"] is not None:
                seen.append(torch.rand(1, generator=g if program["between"] == "own" else None))
        seen.append(state(side, g))
    return seen


WHOLE_PASSES = {
    "n": 10,
    "loader": {"batch_size": 4, "shuffle": True},
    "seeds": (0, 1),
    "own": "other",
    "between": None,
    "epochs": [None, None],
}


@OFTEN
@given(program=programs())
@example(program=WHOLE_PASSES)
def test_order_and_random_numbers(program: dict[str, Any]) -> None:
    assert_same(lambda side: load(side, program))


@OFTEN
@given(program=programs(), turns=st.lists(st.integers(0, 2), max_size=12))
def test_iterators_at_the_same_time(program: dict[str, Any], turns: list[int]) -> None:
    """Several passes over one loader, a step of this and a step of that; those that end begin anew."""

    def case(side: Side) -> Any:
        side.module.manual_seed(program["seeds"][0])
        g = None if program["own"] == "none" else generator(side, program["seeds"][1])
        options = {name: build(side, value, g) for name, value in program["loader"].items()}
        loader = data(side).DataLoader(rows(side, program["n"]), generator=g, **options)
        passes = [iter(loader) for _ in range(3)]
        seen: list[Any] = [len(passes[0])]
        for turn in turns:
            batch = next(passes[turn], None)
            if batch is None:
                passes[turn] = iter(loader)
            seen += [batch, state(side, g)]
        return seen

    assert_same(case)


@OFTEN
@given(n=st.integers(1, 80), seed=st.integers(0, 2**40), own=st.booleans(), data_=st.data())
def test_random_split(n: int, seed: int, own: bool, data_: st.DataObject) -> None:
    fractions = st.lists(st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 1 / 3]), min_size=1, max_size=4)
    whole = st.lists(st.integers(0, n), max_size=3).map(lambda cuts: np.diff(sorted([0, n, *cuts])).tolist())
    lengths = data_.draw(fractions.map(lambda f: [*f, 1 - sum(f)]) | fractions | whole)

    def case(side: Side) -> Any:
        side.module.manual_seed(seed)
        g = generator(side, seed) if own else None
        parts = data(side).random_split(range(n), lengths, **({"generator": g} if own else {}))
        return [list(part) for part in parts], [part.indices for part in parts], state(side, g)

    assert_same(case)


def test_golden_orders() -> None:
    """Batches that torch 2.13 gave once and for all."""
    loader = microtorch.utils.data.DataLoader
    microtorch.manual_seed(0)
    assert [batch.tolist() for batch in loader(range(8), 4, shuffle=True)] == [[2, 0, 5, 3], [1, 4, 7, 6]]
    assert microtorch.rand(1).numpy().view("u4") == 0x3E9D6686
    g = generator(OURS, 0)
    assert [batch.tolist() for batch in loader(range(8), 4, shuffle=True, generator=g)] == [[5, 3, 1, 7], [2, 6, 4, 0]]
    assert microtorch.rand(1, generator=g).numpy().view("u4") == 0x3F329A58


# -- arguments ---------------------------------------------------------------------------------------------------------


class Stream:
    """Mixed into either library's IterableDataset: 0 … n − 1, claiming to be another number."""

    def __init__(self, n: int = 5, claims: int = 5) -> None:
        self.n, self.claims = n, claims

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.n))

    def __len__(self) -> int:
        return self.claims

    def __repr__(self) -> str:
        return "a stream"


def stream(side: Side, n: int = 5, claims: int = 5) -> Any:
    return type("Numbers", (Stream, data(side).IterableDataset), {})(n, claims)


OPTIONS: list[dict[str, Any]] = [
    {"num_workers": -1},
    {"num_workers": None},
    {"num_workers": 1, "prefetch_factor": -1},
    {"num_workers": 1, "timeout": -1},
    {"timeout": -1},
    {"timeout": 5},
    {"prefetch_factor": 2},
    {"prefetch_factor": -1},
    {"persistent_workers": True},
    {"shuffle": True, "sampler": [1]},
    {"shuffle": False, "sampler": [1, 2, 3], "batch_size": 2},
    {"shuffle": "yes", "batch_size": 4},
    {"batch_sampler": [[1], [2, 3]]},
    {"batch_sampler": [[1]], "batch_size": 2},
    {"batch_sampler": [[1]], "batch_size": None},
    {"batch_sampler": [[1]], "shuffle": True},
    {"batch_sampler": [[1]], "sampler": [1]},
    {"batch_sampler": [[1]], "drop_last": True},
    {"batch_size": None, "drop_last": True},
    {"batch_size": 0},
    {"batch_size": -3},
    {"batch_size": 1.5},
    {"batch_size": True},
    {"batch_size": "3"},
    {"drop_last": 1},
    {"multiprocessing_context": "fork"},
    {"pin_memory": True, "batch_size": 5},
    {"pin_memory": True, "pin_memory_device": "cuda", "batch_size": 5},
    {"in_order": False, "worker_init_fn": print, "batch_size": 5},
    {"collate_fn": len, "batch_size": 4},
    {"collate_fn": lambda batch: batch, "batch_size": 3},
    {"batch_size": None, "collate_fn": lambda sample: sample},
    {"sampler": [-1, 9, -10], "batch_size": 3},
    {"sampler": [3, 10], "batch_size": 2},
    {"sampler": [3, -11], "batch_size": 2},
    {"sampler": [2**70], "batch_size": 1},
    {"sampler": [True, False], "batch_size": 2},
    {"sampler": [np.int64(3), 4], "batch_size": 2},
    {"sampler": [slice(0, 2), slice(3, 5)], "batch_size": 2},
    {"sampler": [[0, 2], [3, 5]], "batch_size": 2},
    {"sampler": [1.0], "batch_size": 1},
    {"sampler": [None], "batch_size": 1},
    {"batch_sampler": [[]]},
    {"batch_sampler": [(1, 2), range(3)]},
    {"batch_sampler": [3]},
    {"batch_size": 2, "unknown": 1},
]


@pytest.mark.parametrize("kind", [rows, stream, lambda side: list(range(10))], ids=["tensors", "stream", "list"])
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: re.sub(" at 0x[0-9a-f]+", "", str(options)))
def test_arguments(options: dict[str, Any], kind: Any) -> None:
    def case(side: Side) -> Any:
        side.module.manual_seed(0)
        loader = data(side).DataLoader(kind(side), **options)
        seen = [list(loader), list(loader), state(side)]
        names = ["batch_size", "drop_last", "num_workers", "prefetch_factor", "timeout", "persistent_workers"]
        names += ["pin_memory", "in_order", "multiprocessing_context", "generator"]
        kept = [getattr(loader, name) for name in names]
        return seen, len(loader), kept, type(loader.sampler).__name__, type(loader.batch_sampler).__name__

    assert_same(case)


@table(
    lambda s: len(data(s).DataLoader(5)),
    lambda s: data(s).DataLoader(5, shuffle=True),
    lambda s: data(s).DataLoader([], shuffle=True),
    lambda s: len(data(s).DataLoader(type("Endless", (data(s).IterableDataset,), {"__iter__": lambda _: iter(())})())),
    lambda s: len(iter(data(s).DataLoader(stream(s)))),
    lambda s: pickle.dumps(iter(data(s).DataLoader(rows(s)))),
    lambda s: list(data(s).DataLoader(data(s).Dataset(), sampler=[1])),
    lambda s: type("Nothing", (data(s).IterableDataset,), {})(),
    lambda s: setattr(data(s).DataLoader(rows(s)), "multiprocessing_context", "fork"),
    *(
        lambda s, name=name: setattr(data(s).DataLoader(rows(s)), name, 1)
        for name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
    ),
    lambda s: data(s).RandomSampler(range(3), replacement=1),
    lambda s: data(s).RandomSampler(range(3), num_samples=0),
    lambda s: data(s).RandomSampler(range(3), num_samples=1.5),
    lambda s: data(s).RandomSampler([]),
    lambda s: list(data(s).RandomSampler([], num_samples=2)),
    lambda s: list(data(s).RandomSampler([], replacement=True, num_samples=2)),
    lambda s: data(s).WeightedRandomSampler([1.0], 0),
    lambda s: data(s).WeightedRandomSampler([1.0], True),
    lambda s: data(s).WeightedRandomSampler([1.0], 1, 1),
    lambda s: data(s).WeightedRandomSampler([[1.0], [2.0]], 1),
    lambda s: list(data(s).WeightedRandomSampler([1.0, -1.0], 1)),
    lambda s: list(data(s).WeightedRandomSampler([1.0], 2, False)),
    lambda s: data(s).BatchSampler([1], 0, False),
    lambda s: data(s).BatchSampler([1], 2.0, False),
    lambda s: data(s).BatchSampler([1], 1, 0),
    lambda s: len(data(s).BatchSampler(iter([1]), 1, False)),
    lambda s: iter(data(s).Sampler()),
    lambda s: data(s).Sampler(range(3)),
    lambda s: data(s).TensorDataset(s.tensor(np.zeros(3)), s.tensor(np.zeros(4))),
    lambda s: data(s).TensorDataset(s.tensor(np.zeros(()))),
    lambda s: data(s).TensorDataset([1, 2]),
    lambda s: data(s).TensorDataset()[0] or len(data(s).TensorDataset()),
    lambda s: rows(s)[10],
    lambda s: data(s).ConcatDataset([]),
    lambda s: data(s).ConcatDataset([stream(s)]),
    lambda s: data(s).ConcatDataset([rows(s), rows(s)])[20],
    lambda s: data(s).ConcatDataset([rows(s), rows(s)])[-21],
    lambda s: list(data(s).ChainDataset([stream(s), rows(s)])),
    lambda s: len(data(s).ChainDataset([stream(s), rows(s)])),
    lambda s: data(s).StackDataset(),
    lambda s: data(s).StackDataset(rows(s), x=rows(s)),
    lambda s: data(s).StackDataset(rows(s), rows(s, 3)),
    lambda s: data(s).StackDataset(x=rows(s), y=rows(s, 3)),
    lambda s: (
        data(s).StackDataset(type("Bad", (list,), {"__getitems__": lambda _, i: [0]})([1, 2])).__getitems__([0, 1])
    ),
    lambda s: type("Half", (data(s).Subset,), {"__getitem__": lambda _, i: i})(rows(s), [1]),
    lambda s: data(s).Subset(rows(s), [1, 2])[2],
    lambda s: data(s).random_split(range(5), [2, 2]),
    lambda s: data(s).random_split(range(5), [1.5, -0.5]),
    lambda s: data(s).random_split(range(5), [0.5, 0.4]),
    lambda s: data(s).random_split(5, [5]),
)
def test_errors(case: Any) -> None:
    assert assert_same(case).error is not None


def test_attributes_that_may_be_changed() -> None:
    def case(side: Side) -> Any:
        loader = data(side).DataLoader(rows(side), 4)
        loader.generator, loader.collate_fn = generator(side, 3), len
        return list(loader), state(side, loader.generator)[1]

    assert_same(case)


@pytest.mark.parametrize("name", ["DistributedSampler", "IterDataPipe", "MapDataPipe"])
def test_what_is_missing_says_so(name: str) -> None:
    assert hasattr(data(THEIRS), name)
    with pytest.raises(AttributeError, match=f"microtorch.* does not have torch.utils.data.{name}"):
        getattr(data(OURS), name)
    with pytest.raises(AttributeError, match=r"microtorch.* does not have torch.utils.tensorboard"):
        microtorch.utils.tensorboard  # noqa: B018
    assert data(OURS).get_worker_info() is None


# -- datasets ----------------------------------------------------------------------------------------------------------


@table(
    lambda s: [rows(s)[3], rows(s)[2:4], rows(s)[[1, 2]], rows(s)[-1], len(rows(s))],
    lambda s: [x for x in rows(s, 3)],  # noqa: C416  (by __getitem__, until IndexError)
    lambda s: [list(rows(s, 2) + rows(s, 3)), len(rows(s, 2) + rows(s, 3)), type(rows(s) + rows(s)).__name__],
    lambda s: [
        type(stream(s) + stream(s, 2)).__name__,
        list(stream(s) + stream(s, 2)),
        len(stream(s) + stream(s, 2, 9)),
    ],
    lambda s: [data(s).ConcatDataset([rows(s, 2), [], range(3)])[i] for i in (0, 1, 2, 4, -1, -5)],
    lambda s: data(s).ConcatDataset([rows(s, 2), range(3)]).cumulative_sizes,
    lambda s: data(s).ConcatDataset([rows(s, 2), range(3)]).cummulative_sizes,
    lambda s: [data(s).StackDataset(range(3), rows(s, 3))[1], data(s).StackDataset(a=range(3), b=rows(s, 3))[-1]],
    lambda s: data(s).StackDataset(range(3), data(s).Subset(rows(s), [7, 8, 9])).__getitems__([2, 0]),
    lambda s: data(s).StackDataset(a=range(3), b=data(s).Subset(rows(s), [7, 8, 9])).__getitems__([2, 0]),
    lambda s: len(data(s).StackDataset(a=range(3))),
    lambda s: [data(s).Subset(rows(s), [5, 3])[1], data(s).Subset(range(9), [5, 3])[-1], len(data(s).Subset([], [1]))],
    lambda s: data(s).Subset(rows(s), np.array([5, 3, 1]))[[0, 2]],
    lambda s: data(s).Subset(data(s).Subset(rows(s), [5, 3, 1]), [2, 0]).__getitems__([0, 1]),
    lambda s: [hasattr(kind, "__getitems__") for kind in (rows(s), data(s).Subset(rows(s), []), data(s).Dataset())],
    lambda s: (
        data(s).Dataset[int] is not None and data(s).DataLoader[int] is not None and data(s).Sampler[int] is not None
    ),
    lambda s: issubclass(data(s).IterableDataset, data(s).Dataset),
)
def test_datasets(case: Any) -> None:
    assert assert_same(case).error is None


@pytest.mark.parametrize("claims", [0, 1, 3, 5, 9])
@pytest.mark.parametrize("size", [None, 1, 2, 5])
@pytest.mark.parametrize("drop_last", [False, True])
def test_streams_that_are_longer_than_they_said(claims: int, size: int | None, drop_last: bool) -> None:
    def case(side: Side) -> Any:
        side.module.manual_seed(1)
        loader = data(side).DataLoader(stream(side, 5, claims), size, drop_last=drop_last and size is not None)
        before = list(loader)
        return before, len(loader), list(loader), [next(it := iter(loader)), next(it, "end")], state(side)

    assert_same(case)
