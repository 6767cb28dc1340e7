"""What optimizers refuse, in torch's words, before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table, torch_rounding
from optimizers import RMSPROP, SGD, integers, leaf, optim, optimizer_module
from sides import Side


@table(
    lambda s: optim(s).SGD(leaf(s)),
    lambda s: optim(s).SGD(leaf(s, dtype="f8")),
    lambda s: optim(s).SGD([]),
    lambda s: optim(s).SGD(iter(())),
    lambda s: optim(s).SGD(5),
    lambda s: optim(s).SGD([5]),
    lambda s: optim(s).SGD([leaf(s), "a"]),
    lambda s: optim(s).SGD([None]),
    lambda s: optim(s).SGD([[leaf(s)]]),
    lambda s: optim(s).SGD([np.zeros(2)]),
    lambda s: optim(s).SGD([int]),
    lambda s: optim(s).SGD([leaf(s) * 2]),
    lambda s: optim(s).SGD({"params": [leaf(s)]}),
    lambda s: optim(s).SGD([{"params": {leaf(s)}}]),
    lambda s: optim(s).SGD([{"lr": 1}]),
    lambda s: optim(s).SGD([("a", leaf(s)), leaf(s)]),
    lambda s: optim(s).SGD([("a", leaf(s)), ("b",)]),
    lambda s: optim(s).SGD([leaf(s)]).add_param_group(5),
    lambda s: optim(s).SGD([leaf(s)]).add_param_group({"params": [("a", leaf(s))]}),
    lambda s: optim(s).SGD([("a", leaf(s))]).add_param_group({"params": leaf(s)}),
    lambda s: optim(s).SGD([leaf(s)], lr=s.tensor(np.ones(2))),
    lambda s: optim(s).SGD([leaf(s)], lr=s.tensor(np.array(-1.0, "f4"))),
    lambda s: optim(s).SGD([leaf(s)], lr=s.tensor(np.array([-1.0], "f4"))),
    lambda s: optim(s).SGD([leaf(s)], nesterov=True),
    lambda s: optim(s).SGD([leaf(s)], nesterov=True, momentum=0.9, dampening=0.1),
    lambda s: optim(s).SGD([], nesterov=True),
    lambda s: optim(s).SGD([leaf(s)], lr=None),
    lambda s: optim(s).SGD([leaf(s)], momentum="a"),
    lambda s: optim(s).SGD([leaf(s)], fused=True, foreach=True),
    lambda s: optim(s).SGD([leaf(s)], fused=True, differentiable=True),
    lambda s: optim(s).SGD([leaf(s)], 0.1, 0.9, 0, 0, True, True),
    lambda s: optim(s).SGD([leaf(s)], rate=1),
    lambda s: optim(s).RMSprop([leaf(s)], lr=None),
    lambda s: optim(s).RMSprop([leaf(s)], lr=s.tensor(np.ones(2))),
    lambda s: optim(s).RMSprop([leaf(s)], capturable=True).step(),
    lambda s: optim(s).RMSprop([leaf(s)], foreach=True, differentiable=True).step(),
    lambda s: optim(s).SGD([leaf(s)], differentiable=True).step(),
    lambda s: optim(s).RMSprop([leaf(s)], differentiable=True).step(),
    lambda s: optim(s).Optimizer([leaf(s)], {"differentiable": False}).step(),
    lambda s: optim(s).Optimizer([leaf(s)], {"a": optimizer_module(s).required}),
    lambda s: optim(s).SGD([leaf(s)]).load_state_dict({"state": {}}),
    lambda s: optim(s).SGD([leaf(s)]).load_state_dict({"param_groups": [{"params": [0]}]}),
    lambda s: optim(s).SGD([leaf(s)]).load_state_dict(5),
    lambda s: optim(s).SGD([leaf(s)]).load_state_dict({"state": {}, "param_groups": []}),
    lambda s: optim(s).SGD([leaf(s)]).load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]}),
    lambda s: _with_hook(optim(s).SGD([leaf(s)]), lambda *_: 5).step(),
    lambda s: _with_hook(optim(s).SGD([leaf(s)]), lambda *_: (1, 2, 3)).step(),
    lambda s: optim(s).SGD([leaf(s)]).step(1, 2),
    lambda s: optim(s).SGD([integers(s)], lr=0.1).step(),
    lambda s: optim(s).SGD([integers(s)], fused=True).step(),
    lambda s: optim(s).SGD([expanded(s)]).step(),
)
def test_errors(case: Callable[[Side], Any]) -> None:
    assert assert_same(case).error is not None


@pytest.mark.parametrize(
    ("kind", "names"),
    [(SGD, ("lr", "momentum", "weight_decay")), (RMSPROP, ("lr", "eps", "momentum", "weight_decay", "alpha"))],
)
@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), -float("inf")])
def test_values_out_of_range(kind: str, names: tuple[str, ...], value: float) -> None:
    for name in names:
        assert_same(lambda side, name=name: repr(getattr(optim(side), kind)([leaf(side)], **{name: value})))


def _with_hook(optimizer: Any, hook: Any) -> Any:
    optimizer.register_step_pre_hook(hook)
    return optimizer


def expanded(side: Side) -> Any:
    p = side.tensor(np.ones(1)).expand(3).requires_grad_()
    p.grad = side.tensor(np.ones(3))
    return p


def test_integers_take_whole_steps() -> None:
    def case(side: Side) -> Any:
        p = integers(side)
        optim(side).SGD([p], lr=1).step()
        return p

    assert_same(case)


def test_duplicates_are_warned_of_and_updated_twice() -> None:
    def case(side: Side) -> Any:
        p = leaf(side)
        optimizer = optim(side).SGD([p, p], lr=0.1, momentum=0.5)
        for _ in range(3):
            optimizer.step()
        return p, optimizer.state_dict(), repr(optimizer)

    with torch_rounding():
        assert len(assert_same(case).warnings) == 1


def test_a_parameter_belongs_to_one_group() -> None:
    def case(side: Side) -> Any:
        p, q = leaf(side), leaf(side)
        optimizer = optim(side).SGD([p])
        texts = []
        for params in ([p], [q, p], p, {p}):
            with pytest.raises((ValueError, TypeError)) as raised:
                optimizer.add_param_group({"params": params})
            texts.append(str(raised.value))
        return texts, len(optimizer.param_groups)

    assert_same(case)
