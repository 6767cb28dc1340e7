"""Reading, writing and measuring at the edges: nothing at all, one number, memory that is read and written at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from optimizers import ADAPTIVE, SGD, optim
from sides import SIDES, as_array, assert_same_outcome, outcomes

Use = Callable[[Any], Any]  # of the module


def at(t: Any, *indices: Any, dtype: str = "int64") -> Any:
    return t.tensor(indices, dtype=getattr(t, dtype))


def written(t: Any, key: Callable[[Any], Any], value: Callable[[Any], Any], size: int = 4) -> Any:
    """What x is after x[key(x)] = value(x)."""
    x = t.arange(size)
    x[key(x)] = value(x)
    return x


def halves(t: Any) -> Any:
    """Numbers of float16: added to 1, their sum depends on when it is rounded."""
    return t.full((9,), 0.0005, dtype=t.float16)


OVERLAPPING: list[Use] = [
    lambda t: written(t, lambda x: at(t, 0, 1, 2, 3), lambda x: x),
    lambda t: written(t, lambda x: at(t, 0, 1), lambda x: x[2:]),
    lambda t: written(t, lambda x: x, lambda x: 7),
    lambda t: written(t, lambda x: x[:2], lambda x: t.tensor(5)),
    lambda t: written(t, lambda x: x > 1, lambda x: x),
    lambda t: written(t, lambda x: x > 1, lambda x: x[0]),
    lambda t: written(t, lambda x: at(t, 9), lambda x: x),
    lambda t: t.zeros(3).index_put_((at(t, 0),), t.zeros(2, 2), accumulate=True),
]
ALONG: list[Use] = [
    lambda t: t.ones(5).index_add(0, at(t, 5), t.ones(1)),
    lambda t: t.ones(3, 0).index_add(1, at(t, 0), t.ones(3, 1)),
    lambda t: t.ones(2, 3).index_add(0, at(t, 5), t.ones(1, 3)),
    lambda t: t.ones(2, 3).index_add(0, t.zeros(1, 1, dtype=t.int64), t.ones(1, 3)),
    lambda t: t.ones(2, 3).index_add(1, at(t, 0), t.ones(1)),
    lambda t: t.ones(2).index_add(0, at(t, 0, 0), t.tensor(3.0)),
    lambda t: t.ones(2, 2, dtype=t.int8).index_add(0, at(t, 0), t.ones(1, 2, dtype=t.int8), alpha=200),
    lambda t: t.ones(2, dtype=t.uint8).index_add(0, at(t, 0, 0), t.ones(2, dtype=t.uint8), alpha=-1),
    lambda t: t.ones(6).index_add(0, at(t, 2, 0, 2, 2, 1), t.linspace(0, 1, 5), alpha=0.3),
    lambda t: t.ones(1, dtype=t.float16).index_add(0, at(t, *[0] * 9), halves(t)),
    lambda t: t.ones(1, 1, dtype=t.float16).index_add(1, at(t, *[0] * 9), halves(t)[None]),
    lambda t: t.ones(1, dtype=t.float16).scatter_add(0, at(t, *[0] * 9), halves(t)),
    lambda t: t.ones(1, dtype=t.float16).scatter_reduce(0, at(t, *[0] * 9), halves(t), "mean"),
    lambda t: t.ones(1, dtype=t.float16).index_reduce(0, at(t, *[0] * 9), halves(t), "mean"),
    lambda t: t.ones(1, dtype=t.float16).index_reduce(0, at(t, *[0] * 9), 1 + halves(t), "prod"),
    lambda t: t.ones(2).index_reduce(0, at(t, 0), t.tensor(3.0), "prod"),
    lambda t: t.ones(1, 2).index_reduce(1, at(t, 0), t.tensor(3.0), "prod"),
    lambda t: t.tensor(1.0).index_reduce(0, at(t, 0), t.ones(1, 2), "prod"),
    lambda t: t.ones(2, dtype=t.bool).index_reduce(0, at(t, 0), t.ones(1, dtype=t.bool), "amax"),
    lambda t: t.ones(2, 2, dtype=t.bool).index_reduce(0, at(t, 0), t.ones(1, 2, dtype=t.bool), "amax"),
    lambda t: t.ones(0, dtype=t.bool).scatter_reduce(0, at(t), t.ones(0, dtype=t.bool), "mean"),
    lambda t: t.ones(3).index_fill(5, at(t, 0, dtype="int32"), 1),
    lambda t: t.ones(3).index_copy(0, at(t, 0, dtype="int32"), t.ones(1)),
    lambda t: t.ones(3, 0).index_select(1, at(t, 0)),
    lambda t: t.ones(0).index_select(0, at(t, 0)),
    lambda t: t.ones(0).put(at(t, 0), t.ones(1)),
    lambda t: t.take_along_dim(t.ones(2, 3), t.zeros(1, 3, dtype=t.int32), 0),
    lambda t: t.take_along_dim(t.tensor(1.0), t.tensor(0), 0),
    lambda t: t.arange(12).reshape(3, 4).mT.gather(0, t.tensor([[3], [0]])),
    lambda t: t.floor_divide(t.ones(0, dtype=t.int64), 0),
    lambda t: t.remainder(t.ones(0, dtype=t.int64), at(t, 0)),
    lambda t: t.ones(0, dtype=t.int64).fmod(0),
]
MEASURED: list[Use] = [
    *(
        lambda t, shape=shape, order=order, keepdim=keepdim: t.linalg.matrix_norm(t.ones(shape), order, keepdim=keepdim)
        for shape in ((3, 0), (0, 3), (2, 0, 0))
        for order in (1, 2, float("inf"), "fro", "nuc")
        for keepdim in (False, True)
    ),
    lambda t: t.linalg.vector_norm(t.ones(3, 0), -1, -1),
    lambda t: t.dist(t.ones(0), t.ones(0), float("inf")),
    lambda t: t.cdist(t.tensor(1.0), t.tensor(1.0)),
    lambda t: t.cdist(t.ones(2, 3, dtype=t.int64), t.ones(2, 2)),
    lambda t: t.cdist(t.ones(2, 3, dtype=t.float16), t.ones(0, 3, dtype=t.float16)),
    lambda t: t.pdist(t.ones(3, 0, dtype=t.float16)),
    lambda t: t.linalg.cross(t.tensor(1.0), t.tensor(1.0)),
    lambda t: t.tensordot(t.tensor(1.0), t.tensor(1.0), ([0], [0])),
    lambda t: t.linalg.vander(t.tensor(2.0), N=4),
    lambda t: t.linalg.tensorinv(t.ones(2, 3), 3),
    lambda t: t.linalg.matrix_power(t.ones(2, 3, 3).mT, 0),
    lambda t: t.linalg.matrix_rank(t.tensor(1)),
    lambda t: t.linalg.cond(t.ones(3), "fro"),
    lambda t: t.linalg.solve(t.ones(2, 3, dtype=t.int64), t.ones(2)),
    lambda t: t.linalg.solve(t.eye(3), t.ones(2), left=False),
    lambda t: t.linalg.solve_triangular(t.ones(2, 3), t.tensor(1.0), upper=True),
    lambda t: t.linalg.lstsq(t.ones(2, 3, dtype=t.float16), t.ones(3, dtype=t.float16)),
    lambda t: t.linalg.lstsq(t.ones(2, 3, 3), t.ones(1, 3)),
]


@pytest.mark.parametrize(
    "use", [*OVERLAPPING, *ALONG, *MEASURED], ids=lambda use: f"line {use.__code__.co_firstlineno}"
)
def test_edges(use: Use) -> None:
    """The same value, or the same error in the same words."""
    assert_same_outcome(*outcomes(lambda side: use(side.module)))


@pytest.mark.parametrize(
    "use",
    [
        lambda t: t.arange(3)[[slice(None)]],
        lambda t: t.arange(2)[at(t, 0, 1, dtype="uint8")],
        lambda t: t.ones(1).expand(3).index_put_((at(t, 0),), t.ones(1)),
        lambda t: t.ones(1).expand(3).masked_fill_(t.tensor([True, False, True]), 1.0),
    ],
)
def test_warnings_repeat(use: Use) -> None:
    """These torch repeats; Python's own filter shows each line's once."""
    for side in SIDES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            use(side.module), use(side.module)
        assert len(caught) == 2, side


@pytest.mark.parametrize("name", [SGD, *ADAPTIVE])
def test_steps_of_float16(name: str) -> None:
    """Weights and states are float16; a step is torch's but for the rounding of its intermediate results.

    torch rounds them one way in vectors, whose width depends on the processor, and another way in what is left over.
    """
    x, g = np.random.default_rng(0).uniform(0.5, 2, (2, 40)).astype("f2")
    found, kinds = [], []
    for side in SIDES:
        p = side.tensor(x, requires_grad=True)
        p.grad = side.tensor(g)
        optimizer = getattr(optim(side), name)([p], lr=1.0)
        optimizer.step()
        found.append(as_array(p).astype(float) - x)
        kinds.append({key: str(value.dtype).partition(".")[2] for key, value in optimizer.state[p].items()})
    assert kinds[0] == kinds[1]
    assert np.all(np.abs(found[0]) > 0)
    last = np.spacing(x).astype(float)  # x itself is rounded, at most four intermediate results by 2⁻¹¹ of the step
    assert np.all(np.abs(found[0] - found[1]) <= last + 4 * 2.0**-11 * np.abs(found[0]))
