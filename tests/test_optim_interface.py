"""What an optimizer is beside its rule and its state: closures, gradients that are forgotten, hooks, names: as torch's."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from alike import assert_same, torch_rounding
from optimizers import ADAPTIVE, SGD, leaf, optim, optimizer_module
from sides import SIDES, Side


@pytest.mark.parametrize("kind", [SGD, *ADAPTIVE])
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


# -- names -------------------------------------------------------------------------------------------------------------

FRESH = """
import sys
import microtorch as torch
p = torch.zeros(1, requires_grad=True)
p.grad = torch.ones(1)
torch.optim.SGD([p], lr=0.1).step()
loaded = [name for name in sys.modules if name.startswith("microtorch.optim.")]
assert sorted(loaded) == ["microtorch.optim." + name for name in ("arithmetic", "optimizer", "sgd")], loaded
assert torch.optim.lr_scheduler.StepLR.__name__ == "StepLR"
import microtorch.optim as optim
from microtorch.optim import Adam, lr_scheduler
from microtorch.optim.adam import Adam as same
from microtorch.optim.lr_scheduler import StepLR
from microtorch.optim import *
assert Adam is same is torch.optim.Adam is torch.optim.adam.Adam
assert RAdam([p]) and isinstance(AdamW([p]), Optimizer)
"""


def test_optimizers_are_loaded_when_asked_for() -> None:
    subprocess.run([sys.executable, "-c", FRESH], check=True)


def test_names_are_among_torchs() -> None:
    theirs, ours = (optim(side) for side in SIDES)
    missing = {"SparseAdam", "Muon", "swa_utils", "swap_in_optimizer_params_and_state"}
    assert set(ours.__all__) == set(theirs.__all__) - missing
    assert set(ours.__all__) <= set(dir(ours))
