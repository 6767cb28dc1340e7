"""Sums in torch's order: the same bits as torch.sum of a contiguous tensor, whatever the length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from microtorch.kernels.cascade import total

FLOATS = [np.float32, np.float64]


def same(values: Any) -> bool:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # with several, torch cuts long sums into pieces
    try:
        theirs = torch.from_numpy(values).sum().numpy()
    finally:
        torch.set_num_threads(threads)
    return theirs.tobytes() == np.asarray(total(values)).tobytes()


def draw(n: int, dtype: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(n) * 10.0 ** rng.integers(-4, 5, n)).astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_short_length(dtype: Any) -> None:
    for n in range(700):
        assert same(draw(n, dtype, n)), n


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [2000, 4096, 8191, 16384, 32768, 65536, 100_000, 262_221])
def test_long_lengths(dtype: Any, n: int) -> None:
    assert same(draw(n, dtype, n))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 30_000), st.sampled_from(FLOATS), st.integers(0, 2**32 - 1))
def test_any_length(n: int, dtype: Any, seed: int) -> None:
    assert same(draw(n, dtype, seed))


@pytest.mark.parametrize(
    "values", [[0.0], [-0.0], [-0.0] * 9, [np.inf, -np.inf], [np.nan, 1.0], [1e-45] * 40, [3e38] * 3]
)
def test_special_values(values: list[float]) -> None:
    with np.errstate(all="ignore"):
        array = np.array(values, np.float32)
        theirs, ours = torch.from_numpy(array).sum().numpy(), np.asarray(total(array))
    assert np.array_equal(theirs, ours, equal_nan=True)
    assert np.signbit(theirs) == np.signbit(ours) or np.isnan(ours)
