"""The k largest elements in torch's order, above all where elements are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from microtorch.kernels import topk
from microtorch.kernels.topk import largest

Array = np.ndarray[Any, np.dtype[Any]]


def differs(values: Array, k: int) -> bool:
    expected = torch.topk(torch.from_numpy(values.copy()), k).indices.numpy()
    result = largest(values, k)
    return result.dtype != expected.dtype or not np.array_equal(result, expected)


@settings(deadline=None, max_examples=300)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40) | st.integers(1, 2000),
    kinds=st.sampled_from([1, 2, 3, 10, 100, 10**6]),
    portion=st.floats(0.001, 1),
    special=st.sampled_from([None, np.nan, np.inf, -np.inf, -0.0]),
    arrangement=st.sampled_from(["random", "rising", "falling", "organ pipe"]),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
)
def test_ties_come_in_torchs_order(
    seed: int, n: int, kinds: int, portion: float, special: float | None, arrangement: str, dtype: str
) -> None:
    rng = np.random.RandomState(seed)
    values = rng.randint(0, min(kinds, 60_000), (rng.randint(1, 4), n)).astype(dtype)
    if special is not None:
        values[rng.random_sample(values.shape) < 0.2] = special
    if arrangement != "random":
        values.sort(-1)
    if arrangement == "falling":
        values = values[:, ::-1]
    elif arrangement == "organ pipe":
        values = np.concatenate((values[:, ::2], values[:, 1::2][:, ::-1]), -1)
    for k in {max(1, round(n * portion)), 1, n, max(1, n // 64)}:
        assert not differs(values, k)
        assert not differs(values[0], k)


UNKNOWN = 10**6


class Adversary:
    """A number that is not known until it must be (McIlroy): it makes any quicksort take its slowest way."""

    known = 0
    candidate: Adversary | None = None

    def __init__(self) -> None:
        self.value = UNKNOWN

    def __lt__(self, other: Adversary) -> bool:
        if self.value == other.value == UNKNOWN:
            (self if self is Adversary.candidate else other).value = Adversary.known
            Adversary.known += 1
        for key in (other, self):
            if key.value == UNKNOWN:
                Adversary.candidate = key
        return self.value < other.value


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("step", ["select", "sort"])
def test_the_way_out_of_slow_quicksorts(n: int, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Adversary.known = 0
    keys: Any = [Adversary() for _ in range(n)]
    queue = list(range(n))
    if step == "select":
        k = n // 2
        topk._select(queue, keys, k - 1)
    else:
        k = n
        for i, large in enumerate((1, n // 2, n - 1)):  # the first pivot, which parts all others from these three
            keys[large].value = UNKNOWN + 1 + i
        topk._select(queue, keys, k - 1)
        assert Adversary.known == 0
        topk._sort(queue, keys, 0, k - 1)
    values = -np.array([max(key.value, 1) for key in keys], np.float32)  # two are equal: numpy must not do the work

    way_out = "_heap_select" if step == "select" else "_partial_sort"
    taken: list[int] = []
    function = getattr(topk, way_out)
    monkeypatch.setattr(topk, way_out, lambda *a: (taken.append(1), function(*a))[1])
    assert not differs(values, k)
    assert taken
