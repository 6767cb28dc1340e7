"""Anomaly mode: which node failed or gave nan, and where it was made."""

from __future__ import annotations

import re
from typing import Any

import pytest
from programs import Say, run, same

import microtorch


@pytest.fixture(autouse=True)
def _plain_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines inside of either library are no part of what is compared, nor are numpy's own warnings of nan."""
    import programs

    def trimmed(program: Any, module: Any) -> list[str]:
        inside = r'  File "[^"]*/(torch|microtorch)/[^"]*", line \d+, in \w+\n(    .*\n)+'
        return [re.sub(inside, "", line) for line in run(program, module) if not line.startswith("RuntimeWarning")]

    monkeypatch.setattr(programs, "run", trimmed)


def nan(t: Any) -> Any:
    return t.tensor(float("nan"))


@same
def test_nan(t: Any, say: Say) -> None:
    with t.autograd.detect_anomaly():
        x = t.tensor([0.0, -1.0], requires_grad=True)
        y = x.sqrt()
        say.outcome((y * 2).sum().backward)
        say(x.grad, sorted(y.grad_fn.metadata), y.grad_fn.metadata["traceback_"][-1])
        say(sorted(y.grad_fn.next_functions[0][0].metadata))


@same
def test_nan_of_the_second_input(t: Any, say: Say) -> None:
    with t.autograd.detect_anomaly():
        x, y = (t.tensor([0.0, 1.0], requires_grad=True) for _ in range(2))
        say.outcome((x / y).sum().backward)
        say.outcome((x + y).sum().backward, nan(t))
        say.outcome(t.autograd.grad, x * 3, x, t.tensor([1.0, float("nan")]))
        say.outcome(t.autograd.grad, x * t.tensor([[1.0, 1.0], [0.0, 0.0]]), x, t.full((2, 2), float("inf")))


@same
def test_nan_is_none_of_its_business(t: Any, say: Say) -> None:
    with t.autograd.detect_anomaly(check_nan=False):
        x = t.tensor([0.0, -1.0], requires_grad=True)
        say.outcome(x.sqrt().sum().backward)
        say(x.grad)
    with t.autograd.detect_anomaly():
        y = x.sqrt()
    say.outcome(y.sum().backward)  # the mode is off again


@same
def test_unknown_forward(t: Any, say: Say) -> None:
    x = t.tensor([0.0, -1.0], requires_grad=True)
    y = x.sqrt()
    with t.autograd.detect_anomaly():
        say.outcome(y.sum().backward)


@same
def test_gradients_of_gradients(t: Any, say: Say) -> None:
    """The node that failed was made in the backward pass of another, which is told, too."""
    with t.autograd.detect_anomaly(check_nan=False):
        x = t.tensor([1.0], requires_grad=True)
        y = (x**3).exp()
        (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
        say("parent_" in y.grad_fn.metadata, g.grad_fn.metadata["parent_"].name())
        (h,) = t.autograd.grad(g.sum(), x, create_graph=True)
        h.register_hook(lambda g: {}[0])
        say.outcome(h.sum().backward)
        t.autograd.set_detect_anomaly(True)
        k = g * float("nan")
        say.outcome(k.sum().backward)


class Wrong(Exception):
    pass


@same
def test_whatever_fails(t: Any, say: Say) -> None:
    class Raises(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise Wrong("in backward")

    class Long(Raises):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return t.ones(3)

    class Nan(Raises):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * nan(t)

    def in_place() -> Any:
        y = x.exp()
        y += 1
        return y

    def hooked(kind: str, hook: Any) -> Any:
        y = x * 2
        getattr(y if kind == "tensor" else y.grad_fn, {"tensor": "register_hook"}.get(kind, f"register_{kind}"))(hook)
        return y

    with t.autograd.detect_anomaly():
        x = t.ones(2, requires_grad=True)
        for make in (
            lambda: Raises.apply(x),
            lambda: Long.apply(x),
            lambda: Nan.apply(x),
            in_place,
            lambda: hooked("tensor", lambda g: {}[0]),
            lambda: hooked("hook", lambda gi, go: 3),
            lambda: hooked("hook", lambda gi, go: (gi[0] * nan(t), None)),
            lambda: hooked("prehook", lambda go: {}[0]),
        ):
            say.outcome(make().sum().backward)
        y = t.ones(2, requires_grad=True)
        y.register_hook(lambda g: {}[0])
        say.outcome((y * 2).sum().backward)
        say(x.grad)


@same
def test_what_works_gives_the_same(t: Any, say: Say) -> None:
    with t.autograd.set_detect_anomaly(True):
        x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        v = (x * 1)[0]
        v.mul_(3)
        y = v @ x + x.sum(0)
        y.retain_grad()
        y.sum().backward(retain_graph=True)
        say(x.grad, y.grad)
        (g,) = t.autograd.grad((y * y).sum(), x, create_graph=True)
        say(g.detach(), *t.autograd.grad(g.sum(), x))
        with t.autograd.graph.saved_tensors_hooks(lambda x: x.tolist(), t.tensor):
            z = x * x
        z.sum().backward()
        say(x.grad)


@same
def test_switches(t: Any, say: Say) -> None:
    def state() -> Any:
        return t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled()

    switch = t.autograd.set_detect_anomaly
    say(state())
    switch(True, False)
    say(state())
    with switch(True):
        say(state())
    say(state())
    switch(False)
    say(state())
    t.set_anomaly_enabled(True, check_nan=False)
    say(state())
    with t.autograd.detect_anomaly():
        say(state())
    say(state())
    t.set_anomaly_enabled(False)
    say(state())
    for wrong in ((1,), (True, 1)):
        say.outcome(t.set_anomaly_enabled, *wrong)
    say.outcome(switch, 3)
    say.outcome(t.autograd.detect_anomaly(3).__enter__)
    say(state())


@same
def test_switched_on_during_a_pass(t: Any, say: Say) -> None:
    """What a hook switches on stays on when the pass, which has switches of its own, is over."""
    for create_graph in (False, True):
        x = t.ones(2, requires_grad=True)
        x.register_hook(lambda g: t.set_anomaly_enabled(True))
        t.autograd.grad((x * x).sum(), x, create_graph=create_graph)
        say(t.is_anomaly_enabled(), "traceback_" in x.exp().grad_fn.metadata)
        t.set_anomaly_enabled(False)
        say("traceback_" in x.exp().grad_fn.metadata)


def test_nothing_of_microtorch_in_the_trace() -> None:
    with microtorch.autograd.set_detect_anomaly(True):
        y = microtorch.ones(2, requires_grad=True).sqrt()
        z = microtorch.ones(2, requires_grad=True)[0].exp()
    for node in (y.grad_fn, z.grad_fn):
        assert "/microtorch/" not in node.metadata["traceback_"][-1].split('"')[1]
        assert "microtorch.ones(2" in node.metadata["traceback_"][-1]
