"""The deprecated backward hooks of modules: what they see of a graph, what they may change, and what is warned of."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sides import SIDES, Side, as_array, is_tensor

Forward = Callable[..., Any]
FORWARDS: dict[str, Forward] = {
    "one operation": lambda x: x.relu(),
    "two operations": lambda x: x.relu() * x,
    "two nodes": lambda x: (x * 2, x * 3),
    "one node of two": lambda x: x.split(1),
    "a list": lambda x: [x * 2],
    "a dictionary": lambda x: {"k": 3, "y": x * 2},
    "nested": lambda x: ([x * 2], x * 3),
    "no tensor": lambda x: 3,
    "itself": lambda x: x,
    "detached": lambda x: x.detach() * 1,
}


def plain(value: Any) -> Any:
    if is_tensor(value):
        return as_array(value).tolist()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return type(value)(map(plain, value)) if isinstance(value, (list, tuple)) else value


def first(value: Any) -> Any:
    """The tensor whose node has the hooks."""
    while not is_tensor(value):
        value = value["y"] if isinstance(value, dict) else value[0]
    return value


def module(side: Side, forward: Forward) -> Any:
    class Made(side.module.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, *args: Any) -> Any:
            return forward(*args)

    return Made()


def both(run: Callable[[Side], Any]) -> list[Any]:
    """What happens on either side: values or an error, and warnings."""
    found = []
    for side in SIDES:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                value = run(side)
            except (RuntimeError, TypeError) as error:
                value = type(error), str(error)
        found.append([plain(value), [(w.category, str(w.message), w.filename) for w in seen]])
    return found


def same(run: Callable[[Side], Any]) -> Any:
    theirs, ours = both(run)
    kept = [[value, [(kind, text) for kind, text, _ in seen]] for value, seen in (theirs, ours)]
    assert kept[1] == kept[0]
    return ours


@pytest.mark.parametrize("name", FORWARDS)
def test_what_a_hook_sees(name: str) -> None:
    def run(side: Side) -> Any:
        log: list[Any] = []
        made = module(side, FORWARDS[name])
        handle = made.register_backward_hook(lambda m, i, o: log.append([m is made, i, o]))
        x = side.tensor(np.array([1.0, 2.0], np.float32), requires_grad=True)
        result = made(x * 1)
        if name != "detached":
            first(result).sum().backward()
        handle.remove()
        made(x * 1)
        return [log, x.grad, len(made._backward_hooks)]

    same(run)


def test_a_forward_hook_comes_first_and_other_arguments_are_warned_of() -> None:
    def run(side: Side) -> Any:
        log: list[Any] = []
        made = module(side, lambda x, k: x * k)
        made.register_backward_hook(lambda m, i, o: log.append([i, o]))
        made.register_forward_hook(lambda m, args, result: result.square())
        x = side.tensor(np.array([0.5], np.float32), requires_grad=True)
        made(x, 2).sum().backward()
        return log

    same(run)


@pytest.mark.parametrize(
    "change",
    [lambda i: (i[0] * 2,), lambda i: i[0], lambda i: (i[0], i[0]), lambda i: (i[0].double(),), lambda i: (None,)],
)
def test_what_a_hook_may_return(change: Callable[[Any], Any]) -> None:
    def run(side: Side) -> Any:
        made = module(side, lambda x: x.relu())

        def hook(m: Any, i: Any, o: Any) -> Any:
            return change(i)

        made.register_backward_hook(hook)
        x = side.tensor(np.array([1.0, 2.0], np.float32), requires_grad=True)
        made(x * 1).sum().backward()
        return x.grad

    same(run)


def test_the_two_sorts_do_not_go_together() -> None:
    def refused(register: Callable[..., Any]) -> str:
        with pytest.raises(RuntimeError) as error:
            register(lambda *args: None)
        return str(error.value)

    def run(side: Side) -> Any:
        modules = [module(side, lambda x: x) for _ in range(2)]
        modules[0].register_backward_hook(lambda *args: None)
        modules[1].register_full_backward_hook(lambda *args: None).remove()
        older, full = copy.deepcopy(modules)
        return [refused(older.register_full_backward_hook), refused(full.register_backward_hook)]

    assert "single Module" in same(run)[0][0]


def test_hooks_of_all_modules() -> None:
    """Last of the file: from here on torch takes no full ones for all modules in this process, so the state is put back."""

    def run(side: Side) -> Any:
        import importlib

        home = importlib.import_module(f"{side.module.__name__}.nn.modules.module")
        hooks = importlib.import_module(f"{side.module.__name__}.nn.modules.hooks") if side is SIDES[1] else None
        log: list[Any] = []
        before = home._global_is_full_backward_hook if hooks is None else hooks.EVERYWHERE.full
        try:
            _set(home, hooks, None)
            handle = home.register_module_backward_hook(lambda m, i, o: log.append([i, o]))
            own, full = module(side, lambda x: x.relu()), module(side, lambda x: x.relu())
            own.register_backward_hook(lambda *args: log.append("own"))
            full.register_full_backward_hook(lambda *args: log.append("full"))
            x = side.tensor(np.array([1.0, 2.0], np.float32), requires_grad=True)
            (own(x * 1).sum() + full(x * 1).sum()).backward()
            handle.remove()
            with pytest.raises(RuntimeError) as error:
                home.register_module_full_backward_hook(lambda *args: None)
            log.append(str(error.value))
        finally:
            _set(home, hooks, before)
        return log

    assert "own" in same(run)[0]


def _set(home: Any, hooks: Any, full: bool | None) -> None:
    if hooks is None:
        home._global_is_full_backward_hook = full
    else:
        hooks.EVERYWHERE.full = full
