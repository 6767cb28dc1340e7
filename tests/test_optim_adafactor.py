"""Adafactor beside torch's: training, state in both directions, arguments that are refused.

Its norms are sums of squares, which torch adds up in vectors: what differs is their last bits.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table
from optimizers import leaf, moved, optim
from sides import OURS, SIDES, THEIRS, Side, as_array, is_tensor

SHAPES = [(3, 4), (4,), (), (2, 3, 2), (1, 1), (1,)]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"lr": 0.3, "weight_decay": 0.1},
    {"eps": (1e-3, 0.5), "d": 2.5, "maximize": True},
    {"beta2_decay": -0.3, "foreach": True},
    {"lr": "tensor"},
    {"eps": (0.5, 1e-3), "lr": 10.0},
]


def made(side: Side, options: dict[str, Any], dtype: str) -> tuple[list[Any], Any]:
    rng = np.random.default_rng(0)
    params = [side.tensor(rng.normal(0, 1, shape).astype(dtype), requires_grad=True) for shape in SHAPES]
    if options.get("lr") == "tensor":
        options = options | {"lr": side.tensor(np.array([0.02], "f4"))}
    return params, optim(side).Adafactor(params, **options)


def plain(value: Any) -> Any:
    """With copies of arrays in the place of tensors."""
    if is_tensor(value):
        return as_array(value).copy()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def steps(side: Side, params: list[Any], optimizer: Any, count: int, seed: int = 1) -> list[Any]:
    rng = np.random.default_rng(seed)
    seen = []
    for step in range(count):
        for i, p in enumerate(params):
            g = rng.normal(0, 3.0**-step, p.shape).astype(str(p.dtype).partition(".")[2])
            p.grad = None if step == 1 and i == 2 else side.tensor(np.asarray(g))
        optimizer.step()
        seen.append([plain(params), plain(optimizer.state_dict()["state"]), [p._version for p in params]])
    return seen


def near(theirs: Any, ours: Any, dtype: str) -> None:
    """All numbers, in the same places of the same keys, shapes and dtypes."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            near(theirs[key], ours[key], dtype)
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for a, b in zip(theirs, ours, strict=True):
            near(a, b, dtype)
    elif isinstance(theirs, np.ndarray) and theirs.dtype.kind == "f":
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        tolerance = {"f4": 3e-6, "f8": 1e-14, "f2": 4e-3}[dtype]
        np.testing.assert_allclose(ours.astype("f8"), theirs.astype("f8"), rtol=tolerance, atol=tolerance)
    else:
        assert ours == theirs


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_goes_where_torch_goes(options: dict[str, Any], dtype: str) -> None:
    theirs, ours = (steps(side, *made(side, options, dtype), 4) for side in SIDES)
    if options.get("foreach"):  # which counts other writes
        theirs, ours = ([step[:2] for step in seen] for seen in (theirs, ours))
    near(theirs, ours, dtype)


@pytest.mark.parametrize("source", SIDES, ids=["from torch", "from microtorch"])
def test_goes_on_from_the_others_state(source: Side) -> None:
    target = OURS if source is THEIRS else THEIRS
    params, optimizer = made(source, {"weight_decay": 0.1}, "f8")
    steps(source, params, optimizer, 3)
    others, other = made(target, {}, "f8")
    with target.module.no_grad():
        for p, q in zip(others, params, strict=True):
            p.copy_(moved(q.detach(), target))
    other.load_state_dict(moved(optimizer.state_dict(), target))
    first, second = steps(source, params, optimizer, 2, 7), steps(target, others, other, 2, 7)
    near([step[:2] for step in first], [step[:2] for step in second], "f8")


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_copies_count_on(copier: Callable[[Any], Any]) -> None:
    params, optimizer = made(OURS, {}, "f8")
    steps(OURS, params, optimizer, 2)
    twin = copier(optimizer)
    twins = twin.param_groups[0]["params"]
    assert steps(OURS, params, optimizer, 2, 5)[-1][1].keys() == steps(OURS, twins, twin, 2, 5)[-1][1].keys()
    near(plain(params), plain(twins), "f8")


def test_older_states_have_a_number_of_steps() -> None:
    def case(side: Side) -> Any:
        p = leaf(side)
        optimizer = optim(side).Adafactor([p])
        optimizer.step()
        state = optimizer.__getstate__()
        state["state"][p]["step"] = 1
        del state["param_groups"][0]["foreach"]
        optimizer.__setstate__(state)
        return [optimizer.state[p]["step"], optimizer.param_groups[0]["foreach"]]

    assert_same(case)


def with_state_of(side: Side, first: Any, second: Any) -> Any:
    """An optimizer of the second tensor with the state of the first."""
    optimizers = [optim(side).Adafactor([p]) for p in (first, second)]
    for p in (first, second):
        p.grad = p.detach().clone()
    optimizers[0].step()
    optimizers[1].load_state_dict(optimizers[0].state_dict())
    return optimizers[1]


@table(
    lambda s: optim(s).Adafactor([leaf(s)], lr=-1),
    lambda s: optim(s).Adafactor([leaf(s)], lr=float("nan")),
    lambda s: optim(s).Adafactor([leaf(s)], lr=s.tensor(np.ones(2))),
    lambda s: optim(s).Adafactor([leaf(s)], beta2_decay=0.1),
    lambda s: optim(s).Adafactor([leaf(s)], eps=(-1, 0.1)),
    lambda s: optim(s).Adafactor([leaf(s)], eps=(None, -0.1)),
    lambda s: optim(s).Adafactor([leaf(s)], d=0.5),
    lambda s: optim(s).Adafactor([leaf(s)], weight_decay=-0.5),
    lambda s: optim(s).Adafactor([leaf(s)], lr=-1.0, eps=(None, None)),
    lambda s: optim(s).Adafactor([leaf(s)], eps=(1, None)),
    lambda s: with_state_of(s, leaf(s), s.tensor(np.ones((2, 3)), True)).step(),
    lambda s: with_state_of(s, s.tensor(np.ones((2, 3)), True), leaf(s)).step(),
    lambda s: optim(s).Adafactor([leaf(s)], 0.1, -0.8, (None, 1e-3), 1.0, 0.0, True),
)
def test_errors(case: Callable[[Side], Any]) -> None:
    assert assert_same(case).error is not None
