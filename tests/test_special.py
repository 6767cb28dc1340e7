"""The special functions over their whole range, against torch's: how far in units in the last place, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sides import as_array, ulp_distance

import microtorch
from microtorch.kernels import bessel, error_functions, gamma
from microtorch.tensor import wrap

Array = np.ndarray[Any, np.dtype[Any]]
COUNT = 4000


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What numpy warns of are values here; inside microtorch nobody hears of it."""
    with np.errstate(all="ignore"):
        yield


def between(low: float, high: float) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.uniform(low, high, COUNT)


def magnitudes(low: float, high: float) -> Callable[[np.random.Generator], Array]:
    """Numbers of either sign whose magnitudes are powers of 10 between these."""
    return lambda rng: rng.choice([-1, 1], COUNT) * 10 ** rng.uniform(low, high, COUNT)


TABLE = [  # a function, where, how far from torch at most, in float32 and float64
    (error_functions.erf, between(-6, 6), 1, 1),
    (error_functions.erf, magnitudes(-30, 30), 1, 1),
    (error_functions.erfc, between(-7, 9), 1, 2),
    (error_functions.erfc, between(9, 26), 64, 2),  # float32 ends in numbers with few digits
    (error_functions.erfinv, between(-1, 1), 1, 2),
    (error_functions.erfinv, lambda rng: 1 - 10 ** rng.uniform(-7, 0, COUNT), 1, 2),
    (gamma.lgamma, between(0, 3), 1, 2),
    (gamma.lgamma, between(3, 100), 1, 2),
    (gamma.lgamma, lambda rng: 10 ** rng.uniform(-30, 30, COUNT), 1, 2),
    (gamma.digamma, between(0, 20), 32, 0),
    (gamma.digamma, between(-30, 0), 32, 0),
    (bessel.i0, between(-80, 80), 4, 1),
    (bessel.i0e, between(-8000, 8000), 0, 0),
    (bessel.i1, between(-80, 80), 4, 1),
    (bessel.i1e, between(-8000, 8000), 8, 0),
]


@pytest.mark.parametrize(("function", "draw", "single", "double"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_over_the_whole_range(function: Any, draw: Any, single: float, double: float) -> None:
    for dtype, room in (("float32", single), ("float64", double)):
        x = draw(np.random.default_rng(0)).astype(dtype)
        name = "gammaln" if function is gamma.lgamma else function.__name__
        theirs = getattr(torch.special, name)(torch.from_numpy(x)).numpy()
        ours = function(x)
        assert ours.dtype == theirs.dtype
        distance = ulp_distance(theirs, ours)
        worst = distance.argmax()
        assert distance[worst] <= room, f"{distance[worst]} ULP at {x[worst]!r}: {ours[worst]!r}, {theirs[worst]!r}"


def test_lgamma_of_negative_numbers() -> None:
    """Between its poles it has zeros, near which only the absolute error is small."""
    x = between(-20, 0)(np.random.default_rng(0))
    theirs, ours = torch.lgamma(torch.from_numpy(x)).numpy(), gamma.lgamma(x)
    assert np.abs(theirs - ours).max() < 4e-14
    poles = np.array([0.0, -0.0, -1.0, -7.0, -1e300, np.inf, -np.inf])
    assert np.array_equal(gamma.lgamma(poles), torch.lgamma(torch.from_numpy(poles)).numpy())


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_polygamma(n: int) -> None:
    """trigamma to torch's bits but for the sine, the others to those of its zeta function."""
    rng = np.random.default_rng(0)
    for low, high in ((0, 20), (-20, 0)):
        x = rng.uniform(low, high, COUNT)
        theirs, ours = torch.polygamma(n, torch.from_numpy(x)).numpy(), gamma.polygamma(n, x)
        assert ulp_distance(theirs, ours).max() <= 2


@settings(deadline=None, max_examples=60)
@given(x=st.floats(0.5, 30), q=st.floats(-10, 1e6), dtype=st.sampled_from(["float32", "float64"]))
def test_zeta(x: float, q: float, dtype: str) -> None:
    pair = np.array([x], dtype), np.array([q], dtype)
    theirs = torch.special.zeta(*map(torch.from_numpy, pair)).numpy()
    assert ulp_distance(theirs, gamma.zeta(*pair)).max() <= 2


@settings(deadline=None, max_examples=60)
@given(x=st.lists(st.floats(width=32), min_size=1, max_size=9))
def test_frexp_and_ldexp_undo_each_other(x: list[float]) -> None:
    """Also where the power of 2 alone is beyond the dtype."""
    values = np.array(x, np.float32)
    mantissa, exponent = microtorch.frexp(wrap(values))
    assert np.array_equal(as_array(microtorch.ldexp(mantissa, exponent)), values, equal_nan=True)
    for ours, theirs in zip((mantissa, exponent), torch.frexp(torch.from_numpy(values)), strict=True):
        assert np.array_equal(as_array(ours), theirs.numpy(), equal_nan=True)
