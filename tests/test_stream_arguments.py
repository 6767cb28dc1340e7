"""What the random draws refuse: the same error as torch's, in the same words, and nothing drawn."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_draws import FLOATS, NAMES, bits, edited, numpy_type, state, torch_type, twins

from microtorch.stream import Stream


def outcome(f: Callable[[], Any]) -> tuple[Any, ...]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = bits(f())
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            result = (type(error), re.sub(r" *\(Triggered internally.*", "", str(error)))
    texts = [re.sub(r" *\(Triggered internally.*", "", str(w.message)) for w in caught]
    return *result, [(w.category, text) for w, text in zip(caught, texts, strict=True)]


def same_outcome(dtype: str, n: int, ours: Callable[..., Any], name: str, *arguments: Any) -> None:
    stream, generator = twins()
    tensor = torch.empty(n, dtype=torch_type(dtype))
    expected = outcome(lambda: getattr(tensor, name)(*arguments, generator=generator))
    assert outcome(lambda: ours(stream, (n,), numpy_type(dtype))) == expected
    assert state(stream) == state(generator)


SIZED = pytest.mark.parametrize(("dtype", "n"), [(d, n) for d in NAMES for n in (0, 1, 3)])


@SIZED
def test_arguments_every_dtype(dtype: str, n: int) -> None:
    same_outcome(dtype, n, lambda s, *a: s.uniform(*a), "uniform_")
    same_outcome(dtype, n, lambda s, *a: s.normal(*a), "normal_")
    same_outcome(dtype, n, lambda s, *a: s.exponential(*a), "exponential_")
    same_outcome(dtype, n, lambda s, *a: s.cauchy(*a), "cauchy_")
    same_outcome(dtype, n, lambda s, *a: s.log_normal(*a), "log_normal_")
    same_outcome(dtype, n, lambda s, *a: s.geometric(0.5, *a), "geometric_", 0.5)
    for low, high in [(-(2**63), None), (0, None), (1, None), (2, None)]:
        same_outcome(dtype, n, lambda s, *a, b=(low, high): s.integers(*b, *a), "random_", low, high)
    for p in ("uint8", "int64", "bool", "float16"):
        q = np.ones(n, p)
        same_outcome(dtype, n, lambda s, *a, q=q: s.bernoulli(q, *a), "bernoulli_", torch.from_numpy(q))


INF, NAN = math.inf, math.nan
BOUNDS = [
    (2, 1), (1, 1), (NAN, 1), (0, NAN), (-INF, 0), (0, INF), (-7e4, 0), (0, 1e39), (-6e4, 6e4), (-3e38, 3e38),
    (-1.7e308, 1.7e308), (1.1, 1.0), (1.0000000001, 1.0), (1e-50, 0), (0, 65504), (-0.0, 0.0),
    (2.0**103 + 1 - (2.0**128 - 2.0**104 - 2.0**127), 2.0**127 + 2.0**103 + 2.0**75), (0.0, 1e-46), (0.99999, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), BOUNDS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [0, 40])
def test_bounds_of_uniform(low: float, high: float, dtype: str, n: int) -> None:
    same_outcome(dtype, n, lambda s, *a: s.uniform(*a, low, high), "uniform_", low, high)


@pytest.mark.parametrize("scale", [0, -1, NAN, INF, -0.0, -1e-9, -1.5e300, -1 / 3, 1e-320, 1e300, 1e-30])
@pytest.mark.parametrize("center", [0.0, -0.0, 1.5, INF, NAN, 1e300])
@pytest.mark.parametrize("dtype", FLOATS)
def test_scales(scale: float, center: float, dtype: str) -> None:
    for n in (0, 3, 17):
        same_outcome(dtype, n, lambda s, *a: s.normal(*a, center, scale), "normal_", center, scale)
        same_outcome(dtype, n, lambda s, *a: s.log_normal(*a, center, scale), "log_normal_", center, scale)
        same_outcome(dtype, n, lambda s, *a: s.cauchy(*a, center, scale), "cauchy_", center, scale)
        same_outcome(dtype, n, lambda s, *a: s.exponential(*a, scale), "exponential_", scale)


@pytest.mark.parametrize("p", [0, 1, NAN, -0.5, 1.5, 1 / 3, 1e-30, 1e-320, 1 - 2**-53, 1 + 1e-9])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8"])
@pytest.mark.parametrize("n", [0, 3])
def test_probabilities(p: float, dtype: str, n: int) -> None:
    same_outcome(dtype, n, lambda s, *a: s.geometric(p, *a), "geometric_", p)
    same_outcome(dtype, n, lambda s, *a: s.bernoulli(p, *a), "bernoulli_", p)
    for kind in FLOATS:
        array = np.full(n, p, kind)
        same_outcome(dtype, n, lambda s, *a, q=array: s.bernoulli(q, *a), "bernoulli_", torch.from_numpy(array))


RANGES = [
    (0, -1), (0, 0), (5, 5), (6, 5), (0, 128), (0, 129), (0, 256), (0, 257), (0, 2**15 + 1), (0, 2**31 + 1),
    (0, 2**63 - 1), (0, 2**63), (-(2**63) - 1, 0), (-5, 5), (-129, 5), (-(2**63), 5), (128, None), (70000, None),
    (-5, None), (0, 2), (0, 3), (0, 65504), (0, 65505), (0, 2**17), (0, 2**24 + 2), (0, 2**53 + 5), (2049, 2050),
    (2**24 + 1, 2**24 + 2), (2**24 + 1, 2**24 + 3), (2**62 + 1, 2**62 + 2), (-(2**62) - 1, -(2**62)), (65503, 65504),
    (65504, 65505), (65504, 65520), (-65504, None), (-65505, None), (-70000, 3), (2048, None), (2047, None),
    (2**24, None), (2**24 - 1, None), (2**53 + 1, None), (2**31 - 1, None), (2**63 - 2, 2**63 - 1), (-2049, 3),
]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("n", [0, 3])
def test_ranges_of_integers(low: int, high: int | None, n: int) -> None:
    for dtype in NAMES:
        same_outcome(dtype, n, lambda s, *a: s.integers(low, high, *a), "random_", low, high)


@settings(deadline=None, max_examples=200)
@given(
    st.integers(-(2**63), 2**63 - 2) | st.integers(-70000, 70000),
    st.integers(-(2**63), 2**63 - 1) | st.integers(-70000, 70000) | st.none(),
    st.sampled_from(NAMES),
)
def test_any_range_of_integers(low: int, high: int | None, dtype: str) -> None:
    same_outcome(dtype, 2, lambda s, *a: s.integers(low, high, *a), "random_", low, high)


@pytest.mark.parametrize("dtype", NAMES)
def test_permutations_must_fit(dtype: str) -> None:
    limits = {"float16": 2049, "float32": 2**24 + 1, "uint8": 256, "int8": 128, "int16": 2**15, "bool": 2}
    for n in {-5, 0, 1, limits.get(dtype, 9), limits.get(dtype, 9) + 1}:
        if n == 2**24 + 1:  # torch takes it; a Python list of so many takes long
            continue
        stream, generator = twins()
        expected = outcome(lambda n=n, g=generator: torch.randperm(n, dtype=torch_type(dtype), generator=g))
        assert outcome(lambda n=n, s=stream: s.permutation(n, numpy_type(dtype))) == expected
        assert state(stream) == state(generator)


def test_very_long_permutations_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="microtorch does not have randperm for n of 214748364 and more"):
        Stream().permutation(214748364)


WEIGHTS = [
    ([0.5, 0.5], 0), ([0.5, 0.5], -1), ([0.5, 0.5], 3), ([[[0.5]]], 1), (0.5, 1), ([0.0, 0.0], 1), ([0.0, 0.0], 2),
    ([NAN, 1.0], 1), ([NAN, 1.0], 2), ([INF, 1.0], 1), ([INF, 1.0], 2), ([-1.0, 1.0], 1), ([-1.0, 1.0], 2), ([], 1),
    ([], 2), (np.zeros((0, 3)), 2), (np.zeros((3, 0)), 1), (np.zeros((3, 0)), 2), (np.zeros((0, 0)), 1),
    ([[0.0, 0.0], [1.0, 1.0]], 1), ([[0.0, 0.0], [1.0, 1.0]], 2), ([[0.0, 0.0], [INF, -1.0]], 2), ([1e-45, 0.0], 1),
    ([[INF, -1.0], [0.0, 0.0]], 2), ([[-1.0, INF], [0.0, 0.0]], 2), ([3e38, 3e38], 1), ([3e38, 3e38, 1], 3),
    ([1e-45, 1e-45, 1e-45], 2), ([-0.0, 1.0], 2), ([1e308, 1e308], 2), ([0.0, 1.0], 2), (np.ones(2**24 + 1), 1),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("replacement", [False, True])
def test_weights_of_multinomial(dtype: str, replacement: bool) -> None:
    for values, n in WEIGHTS:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            p = np.array(values).astype(dtype)
        stream, generator = twins()
        theirs = lambda p=p, n=n, g=generator: torch.multinomial(torch.from_numpy(p), n, replacement, generator=g)
        assert outcome(lambda p=p, n=n, s=stream: s.multinomial(p, n, replacement)) == outcome(theirs), (values, n)
        assert state(stream) == state(generator)


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, 1.5, 1.0, "a", True, None])
def test_seeds_that_are_refused(seed: Any) -> None:
    stream, generator = twins(4)

    def fails(f: Callable[[], Any]) -> tuple[type, str]:
        with pytest.raises((RuntimeError, ValueError)) as caught:
            f()
        return caught.type, str(caught.value)

    assert fails(lambda: stream.manual_seed(seed)) == fails(lambda: generator.manual_seed(seed))
    assert state(stream) == state(generator)


@pytest.mark.parametrize(
    "raw",
    [
        edited()[:-1],
        edited().astype(np.float32),
        np.stack([edited(), edited()], 1)[:, 0],
        edited((8, "i", 0)),
        edited((8, "i", 625)),
        edited((8, "i", -1)),
        edited((16, "Q", 625)),
        edited((12, "i", 0)),
    ],
)
def test_states_that_are_refused(raw: np.ndarray[Any, Any]) -> None:
    stream, generator = twins(4)
    messages = []
    for f in (lambda: stream.set_state(raw), lambda: generator.set_state(torch.from_numpy(raw))):
        with pytest.raises((RuntimeError, TypeError)) as caught:
            f()
        messages.append((caught.type, str(caught.value)))
    assert messages[0] == messages[1]
    assert state(stream) == state(generator)
