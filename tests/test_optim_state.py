"""Parameter groups, texts, state dictionaries in both directions, copies, states of earlier versions: as torch's."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table, torch_rounding
from optimizers import ADAPTIVE, RMSPROP, SGD, leaf, moved, optim
from sides import SIDES, Side, as_array

LAYOUTS: list[Callable[[Side], Any]] = [
    lambda s: optim(s).SGD([leaf(s), leaf(s, 1.0)]),
    lambda s: optim(s).SGD((leaf(s, i) for i in range(3)), 1, 0.5),
    lambda s: optim(s).SGD([{"params": leaf(s)}, {"params": [leaf(s), leaf(s)], "lr": 0.5, "own": "x"}], momentum=0.9),
    lambda s: optim(s).SGD([{"params": leaf(s), "weight_decay": 0.1, "nesterov": True}, {"params": []}], momentum=0.9),
    lambda s: optim(s).SGD([("w", leaf(s)), ("b", leaf(s))], maximize=True, foreach=False),
    lambda s: optim(s).SGD([{"params": [("w", leaf(s))]}, {"params": [("b", leaf(s))], "lr": 3}], lr=1e-7),
    lambda s: optim(s).SGD([leaf(s)], lr=s.tensor(np.array(0.125, "f4")), momentum=1),
    lambda s: optim(s).SGD([leaf(s)], lr=s.tensor(np.array([0.125], "f8"))),
    lambda s: optim(s).RMSprop([leaf(s), leaf(s, grad=None)]),
    lambda s: optim(s).RMSprop([leaf(s), leaf(s, 3.0, dtype="f8")], momentum=0.9, centered=True, eps=1e-6),
    lambda s: optim(s).RMSprop([{"params": leaf(s), "momentum": 0.5}, {"params": leaf(s), "centered": True}], 0.5),
    lambda s: optim(s).SGD([leaf(s)], lr=np.float64(0.1), momentum=True),
    lambda s: optim(s).Adam([leaf(s), leaf(s, 3.0, dtype="f8"), leaf(s, grad=None)], amsgrad=True),
    lambda s: optim(s).Adam([{"params": leaf(s), "betas": (0.5, 0.6)}, {"params": leaf(s), "lr": 1}], np.float64(0.1)),
    lambda s: optim(s).AdamW([leaf(s), leaf(s, 1.0)], lr=0.1),
    lambda s: optim(s).Adagrad([leaf(s), leaf(s, grad=None)], lr_decay=0.5, initial_accumulator_value=0.25),
    lambda s: optim(s).Adadelta([leaf(s), leaf(s, 1.0)], weight_decay=0.5),
    lambda s: optim(s).Adamax([leaf(s), leaf(s, 1.0)], maximize=True),
    lambda s: optim(s).NAdam([leaf(s), leaf(s, 1.0)], decoupled_weight_decay=True, weight_decay=0.1),
    lambda s: optim(s).RAdam([leaf(s), leaf(s, 1.0)], betas=(0.5, 0.8)),
    lambda s: optim(s).Rprop([leaf(s), leaf(s, 1.0)], lr=s.tensor(np.array([0.5], "f4"))),
    lambda s: optim(s).ASGD([leaf(s), leaf(s, 1.0)], t0=2),
    lambda s: optim(s).Adafactor([leaf(s), leaf(s, 1.0)], weight_decay=0.1),
]  # fmt: skip


@table(*LAYOUTS)
def test_text_and_state_dict(case: Callable[[Side], Any]) -> None:
    """The text char for char, and the dictionary with its keys in torch's order."""

    def observed(side: Side) -> Any:
        optimizer = case(side)
        before = repr(optimizer), optimizer.state_dict(), optimizer.defaults
        optimizer.step()
        optimizer.step()
        dictionary = optimizer.state_dict()
        order = [list(group) for group in (dictionary, *dictionary["param_groups"], *dictionary["state"].values())]
        return before, repr(optimizer), dictionary, order, optimizer.param_groups, len(optimizer.state)

    with torch_rounding():
        assert_same(observed)


@pytest.mark.parametrize("source", SIDES, ids=["from torch", "from microtorch"])
@table(*LAYOUTS)
def test_state_dict_goes_on_where_the_other_stopped(case: Callable[[Side], Any], source: Side) -> None:
    with torch_rounding():
        first = case(source)
        for _ in range(3):
            first.step()
        dictionary = first.state_dict()

    def go_on(side: Side) -> Any:
        optimizer = case(side)
        for group, trained in zip(optimizer.param_groups, first.param_groups, strict=True):
            for p, q in zip(group["params"], trained["params"], strict=True):
                p.data = side.tensor(as_array(q))
        optimizer.load_state_dict(moved(dictionary, side))
        for _ in range(3):
            optimizer.step()
        return optimizer.state_dict(), optimizer.param_groups

    with torch_rounding():
        assert_same(go_on)


@pytest.mark.parametrize(
    ("kind", "group", "state"),
    [
        (SGD, {}, lambda s: {0: {"momentum_buffer": s.tensor(np.ones(2, "f4"))}}),
        (SGD, {"fused": True}, lambda s: {0: {"step": s.tensor(np.array(3))}}),
        (SGD, {}, lambda s: {0: {"step": s.tensor(np.array(3))}}),
        (SGD, {"param_names": ["w"], "own": [1]}, lambda s: {"x": 5, 7: [1]}),
        (SGD, {}, lambda s: {0: {"a": [s.tensor(np.ones(1, "f4")), 2, (s.tensor(np.ones(1)),)], "b": {"c": 1}}}),
        (RMSPROP, {}, lambda s: {0: {"step": 3, "square_avg": s.tensor(np.ones(2, "f4"))}}),
        (RMSPROP, {"capturable": True}, lambda s: {0: {"step": s.tensor(np.array(3.0))}}),
    ],
)
def test_dtypes_and_missing_options_of_loaded_state(kind: str, group: dict[str, Any], state: Any) -> None:
    def observed(side: Side) -> Any:
        optimizer = getattr(optim(side), kind)([leaf(side, dtype="f8")])
        optimizer.load_state_dict({"state": state(side), "param_groups": [{"params": [0], **group}]})
        return optimizer.state_dict(), optimizer.param_groups

    assert_same(observed)


def test_loading_copies_groups_and_leaves_the_dictionary_alone() -> None:
    def case(side: Side) -> Any:
        first, second = (optim(side).SGD([leaf(side)], lr=lr, momentum=0.9) for lr in (0.1, 0.2))
        first.step()
        dictionary = first.state_dict()
        second.load_state_dict(dictionary)
        second.param_groups[0]["lr"] = 7
        mine, its = (next(iter(o.state.values()))["momentum_buffer"] for o in (first, second))
        return dictionary, first.param_groups, mine is its, second.defaults

    assert_same(case)


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
@table(*LAYOUTS[:6], *LAYOUTS[8:20], LAYOUTS[21])
def test_copies_are_whole_and_independent(case: Callable[[Side], Any], copier: Callable[[Any], Any]) -> None:
    def observed(side: Side) -> Any:
        optimizer = case(side)
        optimizer.step()
        twin = copier(optimizer)
        for group in twin.param_groups:
            for p in group["params"]:
                p.grad = side.tensor(np.ones_like(as_array(p)))
        twin.step()
        return repr(twin), twin.state_dict(), twin.param_groups, optimizer.state_dict(), optimizer.param_groups

    with torch_rounding():
        assert_same(observed)


OLD: dict[str, Callable[[Side], dict[str, Any]]] = {  # states in which numbers were no tensors yet
    "SGD": lambda s: {},
    "RMSprop": lambda s: {"step": 4, "square_avg": ones(s)},
    "Adam": lambda s: {"step": 4, "exp_avg": ones(s), "exp_avg_sq": ones(s)},
    "AdamW": lambda s: {"step": 4, "exp_avg": ones(s), "exp_avg_sq": ones(s)},
    "Adagrad": lambda s: {"step": 4, "sum": ones(s)},
    "Adadelta": lambda s: {"step": 4, "square_avg": ones(s), "acc_delta": ones(s)},
    "Adamax": lambda s: {"step": 4, "exp_avg": ones(s), "exp_inf": ones(s)},
    "NAdam": lambda s: {"step": 4, "mu_product": 0.5, "exp_avg": ones(s), "exp_avg_sq": ones(s)},
    "RAdam": lambda s: {"step": 4, "exp_avg": ones(s), "exp_avg_sq": ones(s)},
    "Rprop": lambda s: {"step": 4, "prev": ones(s), "step_size": ones(s)},
    "ASGD": lambda s: {"step": 4, "eta": 0.01, "mu": 1, "ax": ones(s)},
}


def ones(side: Side) -> Any:
    return side.tensor(np.ones(2, "f4"))


@pytest.mark.parametrize("default", ["float32", "float64"])
@pytest.mark.parametrize("kind", OLD)
def test_old_pickles_get_the_options_of_today(kind: str, default: str) -> None:
    def case(side: Side) -> Any:
        p, state = leaf(side), OLD[kind](side)
        optimizer = getattr(optim(side), kind)([p])
        side.module.set_default_dtype(getattr(side.module, default))
        try:
            optimizer.__setstate__(
                {"defaults": {}, "state": {p: state} if state else {}, "param_groups": [{"params": [p], "lr": 1}]}
            )
        finally:
            side.module.set_default_dtype(side.module.float32)
        return repr(optimizer), optimizer.state_dict(), optimizer.defaults

    assert_same(case)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("kind", ADAPTIVE)
def test_numbers_of_the_state_are_of_the_default_type(kind: str, fused: bool) -> None:
    def case(side: Side) -> Any:
        side.module.set_default_dtype(side.module.float64)
        try:
            optimizer = getattr(optim(side), kind)([leaf(side)], **({"fused": True} if fused else {}))
            optimizer.step()
        finally:
            side.module.set_default_dtype(side.module.float32)
        state = next(iter(optimizer.state.values()))
        return {name: (str(t.dtype), t._version, tuple(t.shape)) for name, t in state.items()}

    assert_same(case)
