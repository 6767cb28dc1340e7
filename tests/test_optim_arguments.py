"""What optimizers refuse, in torch's words, before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table, torch_rounding
from optimizers import ADAPTIVE, integers, leaf, optim, optimizer_module
from sides import Side, as_array


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


SIGNED: dict[str, tuple[str, ...]] = {
    "SGD": ("momentum", "weight_decay"),
    "RMSprop": ("eps", "momentum", "weight_decay", "alpha"),
    "Adam": ("eps", "weight_decay"),
    "AdamW": ("eps", "weight_decay"),
    "Adagrad": ("lr_decay", "weight_decay", "initial_accumulator_value", "eps"),
    "Adadelta": ("rho", "eps", "weight_decay"),
    "Adamax": ("eps", "weight_decay"),
    "NAdam": ("eps", "weight_decay", "momentum_decay"),
    "RAdam": ("eps", "weight_decay"),
    "Rprop": (),
    "ASGD": ("weight_decay", "lambd", "alpha", "t0"),
    "LBFGS": (),
}


@pytest.mark.parametrize("kind", SIGNED)
@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), -float("inf")])
def test_values_out_of_range(kind: str, value: float) -> None:
    for name in ("lr", *SIGNED[kind]):
        assert_same(lambda side, name=name: repr(getattr(optim(side), kind)([leaf(side)], **{name: value})))


@pytest.mark.parametrize("kind", ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"])
@pytest.mark.parametrize("betas", [(-0.1, 0.9), (0.9, 1.0), (0.9, 2), (0.9, float("nan")), (0, 0.9), (0.9,), 0.9, ()])
def test_betas_out_of_range(kind: str, betas: Any) -> None:
    assert_same(lambda side: repr(getattr(optim(side), kind)([leaf(side)], betas=betas)))


def scalar(side: Side, *values: float) -> Any:
    return side.tensor(np.array(values if len(values) > 1 else values[0], "f4"))


def one_step(side: Side, kind: str, **options: Any) -> Any:
    p = leaf(side)
    optimizer = getattr(optim(side), kind)([p], **options)
    try:
        optimizer.step()
    finally:
        assert as_array(p).tolist() == [1, 2], "changed before the error"


@pytest.mark.parametrize("kind", ADAPTIVE)
@pytest.mark.parametrize(
    "options",
    [
        {"capturable": True},
        {"capturable": True, "foreach": True},
        {"foreach": True, "differentiable": True},
        {"differentiable": True},
        {"rate": 1},
        {"lr": None},
        {"lr": "a"},
        {"foreach": True, "fused": True},
        {"fused": True, "differentiable": True},
    ],
    ids=str,
)
def test_options_that_do_not_go_together(kind: str, options: dict[str, Any]) -> None:
    assert assert_same(lambda side: one_step(side, kind, **options)).error is not None


@table(
    lambda s: one_step(s, "Adam", betas=(scalar(s, 0.9), 0.9)),
    lambda s: one_step(s, "Adam", betas=(scalar(s, 0.9, 0.9), scalar(s, 0.9))),
    lambda s: one_step(s, "Adam", betas=(scalar(s, 0.9), scalar(s, 0.9, 0.9))),
    lambda s: one_step(s, "Adam", betas=(scalar(s, 0.9), scalar(s, 0.9)), foreach=True),
    lambda s: one_step(s, "Adam", lr=scalar(s, 0.9), foreach=True),
    lambda s: one_step(s, "AdamW", lr=scalar(s, 0.9, 0.9)),
    lambda s: one_step(s, "NAdam", lr=scalar(s, 0.9, 0.9)),
    lambda s: _regrouped(s, "Adam", foreach=True, lr=scalar(s, 0.9)),
    lambda s: _regrouped(s, "Adam", foreach=True, betas=(scalar(s, 0.9), scalar(s, 0.9))),
    lambda s: _regrouped(s, "Adam", fused=True, differentiable=True),
    lambda s: _regrouped(s, "Adagrad", fused=True, differentiable=True),
    lambda s: one_step(s, "Rprop", etas=(0.5, 0.9)),
    lambda s: one_step(s, "Rprop", etas=(0, 1.5)),
    lambda s: one_step(s, "Adadelta", rho=1.5),
    lambda s: optim(s).Adam([integers(s)], fused=True).step(),
    lambda s: optim(s).Adagrad([integers(s)], fused=True).step(),
)
def test_errors_of_some(case: Callable[[Side], Any]) -> None:
    assert assert_same(case).error is not None


def _regrouped(side: Side, kind: str, **options: Any) -> None:
    optimizer = getattr(optim(side), kind)([leaf(side)])
    optimizer.param_groups[0].update(options)
    optimizer.step()


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
