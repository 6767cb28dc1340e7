"""Rows of a TensorDataset, which are taken at once, against torch's: values, indices, memory, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import assert_same, plain, table
from sides import OURS, SIDES, THEIRS, Side
from test_data import data, generator, rows


def columns(side: Side, **changes: Any) -> Any:
    """A TensorDataset of tensors of many kinds."""
    base = np.arange(24, dtype="f4").reshape(6, 4)
    arrays = [
        base,
        np.asfortranarray(base),
        base[:, ::2],
        base.astype("i8"),
        np.arange(6) % 2 == 0,
        base.reshape(6, 2, 2).transpose(0, 2, 1),
    ]
    return data(side).TensorDataset(*(side.tensor(a, **changes if a.dtype.kind == "f" else {}) for a in arrays))


@table(
    lambda s: columns(s),
    lambda s: columns(s, requires_grad=True),
    lambda s: data(s).Subset(columns(s), [5, 3, 1, 0]),
    lambda s: data(s).Subset(columns(s), range(1, 5)),
    lambda s: data(s).Subset(columns(s), np.array([5, 3, 1])),
    lambda s: data(s).Subset(data(s).Subset(columns(s), (5, 3, -1, 0)), [-1, 0, 2]),
    lambda s: data(s).Subset(columns(s), [5, 99]),
    lambda s: data(s).ConcatDataset([columns(s), columns(s)]),
    lambda s: type("Shifted", (data(s).TensorDataset,), {"__getitem__": lambda d, i: (i + 1, d.tensors[0][i] * 2)})(
        s.tensor(np.arange(4.0))
    ),
    lambda s: type("Batched", (data(s).TensorDataset,), {"__getitems__": lambda d, indices: [len(indices)]})(
        s.tensor(np.arange(4.0))
    ),
    lambda s: type("Whole", (data(s).Subset,), {"__getitems__": lambda d, indices: [(i, i) for i in indices]})(
        columns(s), [1, 2]
    ),
)
@pytest.mark.parametrize("mode", ["plain", "no_grad", "inference_mode"])
def test_rows_taken_at_once_are_those_taken_one_by_one(case: Any, mode: str) -> None:
    def loaded(side: Side) -> Any:
        with side.module.enable_grad() if mode == "plain" else getattr(side.module, mode)():
            batches = list(data(side).DataLoader(case(side), 2))
        flat = [t for batch in batches for t in (batch if isinstance(batch, (list, tuple)) else [batch])]
        kinds = [
            (t.stride(), t.is_contiguous(), t._is_view(), t.is_leaf, t.is_inference())
            for t in flat
            if hasattr(t, "stride")
        ]
        return batches, kinds

    assert_same(loaded)


@table(
    lambda s: data(s).DataLoader(told(s), 2, shuffle=True),
    lambda s: data(s).DataLoader(told(s), batch_sampler=[[0, 1], (2, 0), range(2), np.array([1, 2]), "", [True]]),
    lambda s: data(s).DataLoader(rows(s), batch_sampler=[[0, 1], (2, 0), range(2), np.array([1, 2])]),
    lambda s: data(s).DataLoader(rows(s), batch_sampler=[(i for i in [0, 1, 2])]),
    lambda s: data(s).DataLoader(rows(s), batch_sampler=[[0], [np.int64(1)], [-1], [99]]),
    lambda s: data(s).DataLoader(rows(s), batch_sampler=[[2**70]]),
    lambda s: data(s).DataLoader(rows(s), batch_sampler=[np.arange(10) % 2 == 0]),
    lambda s: data(s).DataLoader(rows(s), 4, sampler=data(s).SequentialSampler(range(11))),
    lambda s: data(s).DataLoader(rows(s), 4, sampler=data(s).RandomSampler(range(99), generator=generator(s, 0))),
)
def test_the_indices_that_a_dataset_sees(case: Any) -> None:
    def seen(side: Side) -> Any:
        side.module.manual_seed(0)
        return list(case(side))

    assert_same(seen)


@pytest.mark.parametrize("size", [1, 3000, 4096, 5000])
def test_more_indices_than_are_counted_at_once(size: int) -> None:
    assert_same(lambda s: list(data(s).DataLoader(data(s).TensorDataset(s.tensor(np.arange(9000))), size))[-4:])


def test_a_dataset_that_is_longer_than_memory() -> None:
    def case(side: Side) -> Any:
        members = {"__getitem__": lambda _, i: float(i), "__len__": lambda _: 2**60}
        return next(iter(data(side).DataLoader(type("Long", (data(side).Dataset,), members)(), 3)))

    assert_same(case)


def told(side: Side) -> Any:
    """A dataset whose samples are the types of their indices."""
    members = {"__getitem__": lambda _, i: f"{type(i).__name__} {i}", "__len__": lambda _: 5}
    return type("Told", (data(side).Dataset,), members)()


def test_a_batch_has_memory_of_its_own() -> None:
    def case(side: Side) -> Any:
        dataset = rows(side)
        for x, y in data(side).DataLoader(dataset, 4):
            x.zero_(), y.add_(1)
        return dataset.tensors, [t._version for t in dataset.tensors]

    assert_same(case)


def test_gradients_flow_through_batches() -> None:
    def case(side: Side) -> Any:
        x = side.tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
        (batch,) = next(iter(data(side).DataLoader(data(side).TensorDataset(x), sampler=[2, 0, 2], batch_size=3)))
        (batch * batch).sum().backward()
        return batch.grad_fn.name(), x.grad

    assert_same(case)


def test_plain_tells_apart_what_must_be_told_apart() -> None:
    """The comparison of this file is no sieve: dtype, shape, requires_grad and type of container count."""
    one = OURS.tensor(np.ones(2, "f4"))
    others = [np.ones(2), np.ones((1, 2), "f4"), np.array([1, 2], "f4")]
    assert all(plain(one) != plain(OURS.tensor(a)) for a in others)
    assert plain(one) == plain(THEIRS.tensor(np.ones(2, "f4"))) != plain(OURS.tensor(np.ones(2, "f4"), True))
    assert plain([1]) != plain((1,)) != plain([1.0]) != plain([True])
    assert len(SIDES) == 2
