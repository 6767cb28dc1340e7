"""Parameter groups, texts, state dictionaries in both directions, copies, states of earlier versions: as torch's."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table, torch_rounding
from optimizers import RMSPROP, SGD, leaf, moved, optim
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
@table(*LAYOUTS[:6], *LAYOUTS[8:])
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


def test_old_pickles_get_the_options_of_today() -> None:
    def case(side: Side) -> Any:
        made = []
        for kind in (SGD, RMSPROP):
            p = leaf(side)
            optimizer = getattr(optim(side), kind)([p])
            state = {p: {"step": 4, "square_avg": side.tensor(np.ones(2, "f4"))}} if kind == RMSPROP else {}
            optimizer.__setstate__({"defaults": {}, "state": state, "param_groups": [{"params": [p], "lr": 1}]})
            made.append((repr(optimizer), optimizer.state_dict(), optimizer.defaults))
        return made

    assert_same(case)
