"""L-BFGS against torch's: same decisions, same state, and weights as near as the CPU's dot products allow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import assert_same, table
from optimizers import moved
from sides import SIDES, Side, as_array, is_tensor, outcomes


def lbfgs(side: Side, *params: Any, **options: Any) -> Any:
    return side.module.optim.LBFGS(params, **options)


def leaf(side: Side, *values: float) -> Any:
    return side.tensor(np.array(values), requires_grad=True)


def bowl(x: Any, y: Any) -> Any:
    return ((x - 1) ** 2).sum() + (x[0] * y - 2) ** 2 * 0.5


def valley(x: Any, y: Any) -> Any:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2 + (y - x[0]) ** 2


def hills(x: Any, y: Any) -> Any:
    return (x * 3).sin().sum() + 0.1 * (x**2).sum() + (y * 2).cos() + 0.2 * y**2


def numbers(value: Any) -> list[float]:
    """All numbers in a state, in order."""
    if is_tensor(value):
        return [float(v) for v in as_array(value).reshape(-1)]
    if isinstance(value, dict):
        return [v for name in value for v in numbers(value[name])]
    if isinstance(value, list):
        return [v for entry in value for v in numbers(entry)]
    return [] if value is None else [float(value)]


OPTIONS: list[dict[str, Any]] = [
    {},
    {"lr": 0.1},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "lr": 30},
    {"line_search_fn": "strong_wolfe", "max_eval": 7},
    {"max_iter": 4, "history_size": 2},
    {"max_iter": 1},
    {"lr": ("tensor", 0.3)},
    {"tolerance_grad": 0.5},
    {"tolerance_change": 0.01},
]


@pytest.mark.parametrize("function", [bowl, valley, hills], ids=lambda f: f.__name__)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_goes_where_torch_goes(function: Any, options: dict[str, Any]) -> None:
    """On few calls, before roundings that both sides may choose grow; what is counted is the same."""

    def case(side: Side) -> Any:
        x, y = leaf(side, -0.5, 0.7), leaf(side, 0.3)
        converted = {k: side.tensor(np.array(v[1])) if isinstance(v, tuple) else v for k, v in options.items()}
        optimizer, losses = lbfgs(side, x, y, **converted), []

        def closure() -> Any:
            optimizer.zero_grad()
            loss = function(x, y[0])
            loss.backward()
            losses.append(loss.item())
            return loss

        with side.module.no_grad():
            results = [optimizer.step(closure).item() for _ in range(2)]
        state = optimizer.state_dict()
        return state, [len(losses), list(state["state"][0]), repr(optimizer)], [losses, results, numbers([x, y])]

    theirs, ours = outcomes(case)
    assert theirs.error is None
    if ours.error is not None:
        raise ours.error
    assert ours.value[1] == theirs.value[1]
    for a, b in zip(theirs.value[2], ours.value[2], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-6, atol=1e-9)
    state, its = (value[0]["state"][0] for value in (ours.value, theirs.value))
    assert [state[name] for name in ("func_evals", "n_iter")] == [its[name] for name in ("func_evals", "n_iter")]
    for name in ("old_dirs", "old_stps", "ro"):
        assert len(numbers(state.get(name))) == len(numbers(its.get(name)))


def test_goes_on_from_the_others_state() -> None:
    def run(side: Side, state: Any = None, start: Any = (2.0, -1.5), calls: int = 1) -> Any:
        x = leaf(side, *start)
        optimizer = lbfgs(side, x, max_iter=3)
        if state is not None:
            optimizer.load_state_dict(state)

        def closure() -> Any:
            optimizer.zero_grad()
            loss = (x**4).sum() + (x[0] * x[1] - 1) ** 2
            loss.backward()
            return loss

        for _ in range(calls):
            optimizer.step(closure)
        return as_array(x), optimizer.state_dict()

    for source in SIDES:
        x, state = run(source)
        ends = [run(side, moved(state, side), x)[0] for side in SIDES]
        np.testing.assert_allclose(*ends, rtol=1e-9)
        assert not np.allclose(ends[0], run(source, None, x)[0])  # the history counts


@table(
    lambda s: lbfgs(s, leaf(s, 1.0), lr=-1),
    lambda s: lbfgs(s, leaf(s, 1.0), lr=s.tensor(np.ones(2))),
    lambda s: lbfgs(s, {"params": [leaf(s, 1.0)]}, {"params": [leaf(s, 1.0)]}),
    lambda s: lbfgs(s, leaf(s, 1.0)).step(),
    lambda s: lbfgs(s, leaf(s, 1.0)).step(lambda: "a"),
    lambda s: searched(s, "armijo"),
)
def test_errors(case: Any) -> None:
    assert assert_same(case).error is not None


def searched(side: Side, how: str) -> None:
    x = leaf(side, 1.0)
    x.grad = side.tensor(np.ones(1))
    lbfgs(side, x, line_search_fn=how).step(lambda: 1.0)
