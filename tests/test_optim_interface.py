"""What an optimizer is beside its rule: parameter groups, state dictionaries, hooks, texts and errors, as torch's."""

from __future__ import annotations

import copy
import importlib
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table, torch_rounding
from sides import SIDES, Side, as_array, is_tensor

SGD, RMSPROP = "SGD", "RMSprop"


def leaf(side: Side, *values: float, dtype: str = "f4", grad: float | None = 1.0) -> Any:
    """A parameter with a gradient."""
    p = side.tensor(np.array(values or (1.0, 2.0), dtype), requires_grad=True)
    p.grad = None if grad is None else side.tensor(np.full_like(as_array(p), grad))
    return p


def optim(side: Side) -> Any:
    return side.module.optim


def optimizer_module(side: Side) -> Any:
    return importlib.import_module(f"{side.module.__name__}.optim.optimizer")


# -- arguments that are refused ----------------------------------------------------------------------------------------


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


def integers(side: Side) -> Any:
    p = side.tensor(np.array([1, 2]))
    p.grad = side.tensor(np.array([1, 1]))
    return p


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


@pytest.mark.parametrize(("of", "other"), [((2,), (3,)), ((1, 1), (1,)), ((1,), (1, 1)), ((), (1,))])
@pytest.mark.parametrize("kind", [SGD, RMSPROP])
def test_a_parameter_and_state_of_another_shape_do_not_go_together(
    kind: str, of: tuple[int, ...], other: tuple[int, ...]
) -> None:
    def case(side: Side) -> Any:
        p = side.tensor(np.ones(of, "f4"), requires_grad=True)
        p.grad = side.tensor(np.ones(of, "f4"))
        optimizer = getattr(optim(side), kind)([p], momentum=0.9)
        optimizer.step()
        optimizer.state[p]["momentum_buffer"] = side.tensor(np.ones(other, "f4"))
        optimizer.step()
        return p.detach()

    assert_same(case)


def _inference(side: Side, array: Any) -> Any:
    with side.module.inference_mode():
        return side.tensor(array) * 1


STRANGE: dict[str, Callable[[Side, Any, dict[str, Any]], Any]] = {
    "a buffer of another dtype": lambda s, p, state: state.update(
        momentum_buffer=s.tensor(np.full(p.shape, 1 / 3), False)
    ),
    "a buffer whose elements are one": lambda s, p, state: state.update(
        momentum_buffer=s.tensor(np.ones(1, "f4")).expand(p.shape)
    ),
    "a buffer made in inference mode": lambda s, p, state: state.update(
        momentum_buffer=_inference(s, np.ones(p.shape, "f4"))
    ),
    "a parameter of another dtype": lambda s, p, _: setattr(p, "data", p.data.double()),
    "a parameter of another shape": lambda s, p, _: setattr(p, "data", p.data[None].clone()),
    "a parameter made in inference mode": lambda s, p, _: setattr(p, "data", _inference(s, np.ones(p.shape, "f4"))),
    "a gradient in other order": lambda s, p, _: setattr(p, "grad", s.tensor(np.ones(1, "f4")).expand(p.shape)),
    "a gradient made in inference mode": lambda s, p, _: setattr(p, "grad", _inference(s, np.ones(p.shape, "f4"))),
}


@pytest.mark.parametrize("shape", [(1,), (2, 3)], ids=str)
@pytest.mark.parametrize(("kind", "momentum"), [(SGD, 0), (SGD, 0.9), (RMSPROP, 0.9)])
@pytest.mark.parametrize("strange", STRANGE)
def test_a_step_on_strange_tensors(strange: str, kind: str, momentum: float, shape: tuple[int, ...]) -> None:
    def case(side: Side) -> Any:
        p = side.tensor(np.full(shape, 0.7, "f4"), requires_grad=True)
        p.grad = side.tensor(np.full(shape, 0.3, "f4"))
        optimizer = getattr(optim(side), kind)([p], momentum=momentum)
        optimizer.step()
        STRANGE[strange](side, p, optimizer.state[p])
        optimizer.step()
        return p.detach(), optimizer.state_dict()

    with torch_rounding():
        assert_same(case)


@pytest.mark.parametrize("shape", [(1,), (2, 3)], ids=str)
def test_a_gradient_of_lower_precision_is_multiplied_in_the_parameters(shape: tuple[int, ...]) -> None:
    def case(side: Side) -> Any:
        p = side.tensor(np.zeros(shape, "f4"), requires_grad=True)
        p.grad = side.tensor(np.full(shape, 1 + 2**-23, "f4"))
        p.data = p.data.double()
        optim(side).SGD([p], lr=1 + 2**-20).step()  # the product is exact in float64, not in float32
        return p.detach()

    assert_same(case)


@pytest.mark.parametrize("shape", [(1,), (2, 3)], ids=str)
def test_a_parameter_made_in_inference_mode_is_left_alone(shape: tuple[int, ...]) -> None:
    def case(side: Side) -> Any:
        p = _inference(side, np.ones(shape, "f4"))
        with side.module.inference_mode():
            p.requires_grad_()
            p.grad = side.tensor(np.ones(shape, "f4"))
        optim(side).SGD([p], lr=0.1).step()

    assert assert_same(case).error is not None


@pytest.mark.parametrize("kind", [SGD, RMSPROP])
def test_steps_of_what_is_no_leaf_are_recorded_wherever_they_are_taken(kind: str) -> None:
    def case(side: Side) -> Any:
        start, rate = leaf(side, grad=None), side.tensor(np.array([0.1], "f4"), requires_grad=True)
        p, silent = start * 1, start * 2
        p.retain_grad()
        silent.register_hook(lambda _: None)
        p.grad = side.tensor(np.array([0.3, 0.7], "f4"))
        optimizer = getattr(optim(side), kind)([start], lr=rate, differentiable=True)
        optimizer.param_groups[0]["params"] = [p, silent]
        with side.module.no_grad():
            optimizer.step()
            seen = [p.requires_grad, side.module.is_grad_enabled()]
        p.sum().backward()
        seen += [start.grad, rate.grad, p.grad]
        optimizer.zero_grad()
        return *seen, p.grad

    with torch_rounding():
        assert assert_same(case).warnings


@pytest.mark.parametrize("steps", [1.0, 16777216.0, [3.0]])
def test_steps_are_counted_in_a_tensor_of_any_kind(steps: Any) -> None:
    def case(side: Side) -> Any:
        p = leaf(side)
        optimizer = optim(side).RMSprop([p])
        optimizer.step()
        optimizer.state[p]["step"] = side.tensor(np.array(steps, "f4"), requires_grad=True)
        optimizer.step()
        return optimizer.state[p]["step"].detach(), optimizer.state[p]["step"]._version

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


# -- groups, texts, dictionaries ---------------------------------------------------------------------------------------

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


def moved(value: Any, side: Side) -> Any:
    """A state dictionary of either library as the other would have it: what `torch.save` would carry over."""
    if is_tensor(value):
        return side.tensor(as_array(value))
    if isinstance(value, dict):
        return {name: moved(v, side) for name, v in value.items()}
    return [moved(v, side) for v in value] if isinstance(value, list) else value


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


# -- closures, gradients, hooks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SGD, RMSPROP])
def test_closure_runs_with_gradients_and_its_result_is_returned(kind: str) -> None:
    def case(side: Side) -> Any:
        p = leaf(side, 2.0, grad=None)
        optimizer = getattr(optim(side), kind)([p], lr=0.1)
        seen = []

        def closure() -> Any:
            optimizer.zero_grad()
            loss = p * p  # of one element, whose sum nobody rounds
            seen.append((side.module.is_grad_enabled(), loss.requires_grad))
            loss.backward()
            return loss

        with side.module.no_grad():
            losses = [optimizer.step(closure) for _ in range(3)]
            seen.append(side.module.is_grad_enabled())
        seen.append(side.module.is_grad_enabled())
        assert getattr(optim(side), kind)([p], lr=0.1).step() is None
        return losses, seen, p

    with torch_rounding():
        assert_same(case)


def test_a_failing_closure_leaves_grad_mode_as_it_was() -> None:
    def case(side: Side) -> Any:
        try:
            optim(side).SGD([leaf(side)]).step(lambda: 1 / 0)
        except ZeroDivisionError:
            return side.module.is_grad_enabled()

    assert assert_same(case).value is True


@pytest.mark.parametrize("options", [{}, {"foreach": True}, {"fused": True}], ids=str)
@pytest.mark.parametrize("set_to_none", [True, False, None])
def test_zero_grad(set_to_none: bool | None, options: dict[str, Any]) -> None:
    def case(side: Side) -> Any:
        p, q, r = leaf(side), leaf(side, grad=None), leaf(side)
        g, r.grad = p.grad, side.tensor(np.ones(2, "f4"), requires_grad=True)
        recorded = side.tensor(np.ones(2, "f4"), requires_grad=True)
        s = leaf(side)
        s.grad = recorded * 2
        optimizer = optim(side).SGD([p, q, r, s], **options)
        optimizer.zero_grad() if set_to_none is None else optimizer.zero_grad(set_to_none=set_to_none)
        kept = [x.grad for x in (p, q, r, s)]
        return kept, g, p.grad is g, [x is not None and (x.requires_grad, x.grad_fn is None, x._version) for x in kept]

    assert_same(case)


def test_a_step_on_what_backward_saved_is_noticed() -> None:
    def case(side: Side) -> Any:
        w, x = leaf(side), leaf(side, 3.0, 4.0)
        loss = (w * x).sum()
        optim(side).SGD([w]).step()
        loss.backward()

    assert "modified by an inplace operation" in str(assert_same(case).error)


def test_hooks_run_in_order_and_can_change_arguments() -> None:
    def case(side: Side) -> Any:
        module, events = optimizer_module(side), []
        optimizer = optim(side).SGD([leaf(side)])
        note = lambda name, result=None: lambda *args: (events.append((name, len(args))), result)[1]
        handles = [
            module.register_optimizer_step_pre_hook(note("all before")),
            module.register_optimizer_step_post_hook(note("all after")),
        ]
        try:
            closure = note("closure", 7)
            optimizer.register_step_pre_hook(lambda o, args, kwargs: ((*args, closure), kwargs))
            optimizer.register_step_pre_hook(note("before"))
            optimizer.register_step_post_hook(
                lambda o, args, kwargs: events.append((len(args), args[1] is closure, kwargs))
            )
            last = optimizer.register_step_post_hook(note("after"))
            results = [optimizer.step()]
            last.remove()
            results.append(optimizer.step())
        finally:
            for handle in handles:
                handle.remove()
        results.append(optimizer.step())
        optimizer.register_state_dict_pre_hook(note("dict before"))
        optimizer.register_state_dict_pre_hook(note("first"), prepend=True)
        optimizer.register_state_dict_post_hook(lambda o, d: {**d, "more": 1})
        optimizer.register_state_dict_post_hook(lambda o, d: d.update(seen="more" in d), prepend=True)
        dictionary = optimizer.state_dict()
        optimizer.register_load_state_dict_pre_hook(note("load before"))
        optimizer.register_load_state_dict_pre_hook(
            lambda o, d: {**d, "param_groups": [{**d["param_groups"][0], "lr": 5}]}, prepend=True
        )
        optimizer.register_load_state_dict_post_hook(note("load after"))
        optimizer.register_load_state_dict_post_hook(note("load after, first"), prepend=True)
        optimizer.load_state_dict(dictionary)
        return results, events, dictionary, optimizer.state_dict(), repr(optimizer)

    assert_same(case)


def test_an_optimizer_of_ones_own() -> None:
    """A subclass with a step of its own has hooks, defaults, required options and a state dictionary."""

    def case(side: Side) -> Any:
        class Sign(optim(side).Optimizer):  # type: ignore[misc, name-defined]
            def __init__(self, params: Any, lr: Any = optimizer_module(side).required) -> None:
                super().__init__(params, {"lr": lr})

            def step(self, closure: Any = None) -> str:
                for group in self.param_groups:
                    for p in group["params"]:
                        self.state[p]["count"] = self.state[p].get("count", 0) + 1
                        with side.module.no_grad():
                            p.add_(p.grad, alpha=-group["lr"])
                return "done"

        with pytest.raises(ValueError) as raised:
            Sign([leaf(side)])
        p, calls = leaf(side), []
        optimizer = Sign([p], lr=0.5)
        optimizer.register_step_post_hook(lambda *_: calls.append(1))
        results = [optimizer.step(), optimizer.step()]
        twin = Sign([leaf(side)], lr=1)
        twin.load_state_dict(optimizer.state_dict())
        return str(raised.value), p, results, calls, repr(optimizer), twin.state_dict(), Sign.step.__name__

    assert_same(case)
