"""torch.utils.checkpoint: gradients without what was saved, what is computed again and when, what is refused."""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import Say, difference, run, same

import microtorch


def checkpoints(t: Any) -> Any:
    return importlib.import_module(f"{t.__name__}.utils.checkpoint")


def layers(t: Any) -> Any:
    """Three layers whose numbers are whole, and a leaf."""
    t.manual_seed(0)
    layers = [t.nn.Linear(2, 2), t.nn.Linear(2, 3), t.nn.Linear(3, 1)]
    with t.no_grad():
        for layer in layers:
            for p in layer.parameters():
                p.copy_(t.arange(float(p.numel())).reshape(p.shape) - 1)
    return layers, t.tensor([[1.0, 2.0], [-1.0, 3.0]], requires_grad=True)


@same
def test_both_kinds(t: Any, say: Say) -> None:
    checkpoint = checkpoints(t).checkpoint
    (a, b, c), x = layers(t)

    def hidden(x: Any) -> Any:
        say("computed", t.is_grad_enabled(), x.requires_grad, x.is_leaf)
        y = b(a(x).relu())
        return y * y

    for reentrant in (None, True, False):
        y = checkpoint(hidden, x, use_reentrant=reentrant)
        say(y)
        loss = c(y).sum()
        loss.backward(retain_graph=True)
        say(x.grad, *[p.grad for layer in (a, b, c) for p in layer.parameters()])
        loss.backward()
        say(x.grad)
        say.outcome(loss.backward)
    y = checkpoint(hidden, x, use_reentrant=False).sum()
    say(*t.autograd.grad(y, x, retain_graph=True), *t.autograd.grad(y, a.weight))
    y = checkpoint(hidden, x, use_reentrant=False).sum()
    (g,) = t.autograd.grad(y, x, create_graph=True)
    say(g.detach(), *t.autograd.grad(g.sum(), x))


@same
def test_one_pass_within_another_is_refused(t: Any, say: Say) -> None:
    checkpoint = checkpoints(t).checkpoint
    x = t.ones(2, requires_grad=True)
    say.outcome(t.autograd.grad, checkpoint(lambda x: x * x, x, use_reentrant=True).sum(), x)
    y = checkpoint(lambda x: x * x, x, use_reentrant=True).sum()
    say.outcome(lambda: y.backward(inputs=[x]))
    for function in (lambda x: x.detach(), lambda x: (x.detach(), 3)):
        y = checkpoint(function, x, use_reentrant=True)
        y = y[0] if isinstance(y, tuple) else y
        say(y)
        say.outcome(y.sum().backward)
    y, number, listed = checkpoint(lambda x: (x * 2, 3, [x]), x, use_reentrant=True)
    say(y, number, listed[0] is x)
    say.outcome(checkpoint(lambda xs: xs[0] * xs[1], [x, x], use_reentrant=True).sum().backward)
    say(checkpoint(lambda x: x * 2, x.detach(), use_reentrant=True))


class Changing:
    """Saves other tensors each time it is called."""

    def __init__(self, *shapes: Any) -> None:
        self.calls = iter(shapes)

    def __call__(self, x: Any) -> Any:
        for exponents in next(self.calls):
            x = x[:exponents] * x[:exponents] if isinstance(exponents, int) else x.to(exponents).sqrt()
        return x


@same
def test_another_computation_the_second_time(t: Any, say: Say) -> None:
    module = checkpoints(t)
    double, single = t.float64, t.float32
    for calls in (
        ([2, 2], [2]),
        ([2], [2, 2]),
        ([2, 2], [2, 1]),
        ([2, 2], [1, 1]),
        ([single], [double]),
        ([2, single], [2, double]),
        ([single, single], [single, 2, 2]),
        ([2], []),
    ):
        for early_stop in (True, False):
            for check in ("default", "none"):
                x = t.tensor([1.0, 4.0], requires_grad=True)
                say(calls, early_stop, check)
                y = module.checkpoint(
                    Changing(*calls), x, use_reentrant=False, early_stop=early_stop, determinism_check=check
                )
                say.outcome(y.sum().backward)
                say(x.grad)


@same
def test_early_stop(t: Any, say: Say) -> None:
    module = checkpoints(t)
    x = t.tensor([1.0, 4.0], requires_grad=True)

    def function(x: Any) -> Any:
        say("begins")
        y = x * x
        say("between")
        z = y.sqrt()
        say("ends")
        return z + 1

    for outer in (None, True, False):
        for inner in (True, False):
            if outer is None:
                y = module.checkpoint(function, x, use_reentrant=False, early_stop=inner)
            else:
                with module.set_checkpoint_early_stop(outer):
                    y = module.checkpoint(function, x, use_reentrant=False, early_stop=inner)
            y.sum().backward()
            say(x.grad)


@same
def test_random_numbers(t: Any, say: Say) -> None:
    checkpoint = checkpoints(t).checkpoint
    x = t.ones(6, requires_grad=True)
    for reentrant in (True, False):
        for keep in (True, False):
            t.manual_seed(3)
            y = checkpoint(
                lambda x: t.nn.functional.dropout(x * 2, 0.5) * x,
                x,
                use_reentrant=reentrant,
                preserve_rng_state=keep,
            )
            drawn = t.rand(2)
            x.grad = None
            y.sum().backward()
            say(y.detach(), x.grad, drawn, t.rand(2))


@same
def test_arguments(t: Any, say: Say) -> None:
    checkpoint, x = checkpoints(t).checkpoint, t.ones(2, requires_grad=True)
    for flags in (
        {"use_reentrant": True, "foo": 1},
        {"use_reentrant": True, "debug": True},
        {"use_reentrant": True, "context_fn": print},
        {"use_reentrant": False, "foo": 1},
        {"use_reentrant": False, "determinism_check": "all"},
        {"use_reentrant": False, "context_fn": lambda: 3},
        {"use_reentrant": False, "debug": True},
        {"use_reentrant": False, "debug": True, "context_fn": print},
        {},
    ):
        say.outcome(lambda f=flags: checkpoint(lambda x: x * 2, x, **f))
    for enabled in (True, False, None):
        with checkpoints(t).set_checkpoint_debug_enabled(enabled):
            say.outcome(lambda: checkpoint(lambda x: x * 2, x, use_reentrant=False, debug=True, context_fn=print))
            with checkpoints(t).set_checkpoint_debug_enabled(False):
                say.outcome(lambda: checkpoint(lambda x: x * 2, x, use_reentrant=False, debug=True))
    say(checkpoint(lambda x, k: x * k, x, k=3, use_reentrant=False))
    say.outcome(checkpoint, lambda x: 1 / 0, x, use_reentrant=False)
    say.outcome(checkpoint, lambda x: 1 / 0, x, use_reentrant=True)
    with t.no_grad():
        say(checkpoint(lambda x: x * 2, x, use_reentrant=False), checkpoint(lambda x: x * 2, x, use_reentrant=True))


@same
def test_contexts(t: Any, say: Say) -> None:
    checkpoint, x = checkpoints(t).checkpoint, t.ones(2, requires_grad=True)

    @contextmanager
    def told(name: str) -> Any:
        say("enter", name)
        yield
        say("leave", name)

    @contextmanager
    def suppressing() -> Any:
        try:
            yield
        except ZeroDivisionError:
            say("suppressed")

    def contexts() -> Any:
        return told("first"), told("second")

    checkpoint(lambda x: x * x, x, use_reentrant=False, context_fn=contexts, early_stop=False).sum().backward()
    checkpoint(lambda x: x * x, x, use_reentrant=False, context_fn=contexts).sum().backward()
    with t.no_grad():
        checkpoint(lambda x: x * x, x, use_reentrant=False, context_fn=contexts)
    failing = {"use_reentrant": False, "context_fn": lambda: (suppressing(), suppressing())}
    say.outcome(lambda: checkpoint(lambda x: 1 / 0, x, **failing))


@same
def test_nested(t: Any, say: Say) -> None:
    checkpoint, x = checkpoints(t).checkpoint, t.tensor([1.0, 4.0], requires_grad=True)

    def inner(x: Any) -> Any:
        say("inner")
        return (x * x).sqrt() * x

    for kinds in ((False, False), (True, False), (False, True), (True, True)):

        def outer(x: Any, kind: bool = kinds[1]) -> Any:
            say("outer")
            return checkpoint(inner, x * 2, use_reentrant=kind) * x

        x.grad = None
        checkpoint(outer, x, use_reentrant=kinds[0]).sum().backward()
        say(x.grad)


@same
def test_saved_tensors_by_hand(t: Any, say: Say) -> None:
    checkpoint, x = checkpoints(t).checkpoint, t.tensor([1.0, 4.0], requires_grad=True)
    y = checkpoint(lambda x: (say("computed"), x.sqrt())[1], x, use_reentrant=False)
    say(y.grad_fn._saved_result, y.grad_fn._saved_result)

    class Twice(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            say(*ctx.saved_tensors)
            return g * ctx.saved_tensors[0]

    say.outcome(checkpoint(Twice.apply, x, use_reentrant=False).sum().backward)


@same
def test_changed_arguments(t: Any, say: Say) -> None:
    checkpoint, x = checkpoints(t).checkpoint, t.ones(2, requires_grad=True)
    for reentrant in (True, False):
        y = x * 1
        z = checkpoint(lambda x: x * x, y, use_reentrant=reentrant)
        y.add_(1)
        say.outcome(z.sum().backward)


@same
def test_sequential(t: Any, say: Say) -> None:
    sequential = checkpoints(t).checkpoint_sequential
    (a, b, c), x = layers(t)
    module = t.nn.Sequential(a, t.nn.ReLU(), b, t.nn.ReLU(), c)
    for reentrant in (None, True, False):
        for segments in (1, 2, 3, 5):
            for functions in (module, list(module)):
                y = sequential(functions, segments, x, use_reentrant=reentrant)
                module.zero_grad()
                x.grad = None
                y.sum().backward()
                say(y, x.grad, *[p.grad for p in module.parameters()])
    say.outcome(sequential, [a], 3, x, use_reentrant=False)
    say.outcome(sequential, module, 0, x, use_reentrant=False)
    say.outcome(sequential, module, 2, x, use_reentrant=True, foo=3)


@same
def test_the_small_ones(t: Any, say: Say) -> None:
    module, x = checkpoints(t), t.ones(2, requires_grad=True) * 2
    say([y if isinstance(y, int) else (y, y.requires_grad) for y in module.detach_variable((x, 3, x.detach()))])
    say.outcome(module.detach_variable, [x])
    say.outcome(module.check_backward_validity, [3, x])
    say.outcome(module.check_backward_validity, [3, x.detach()])
    say([type(c).__name__ for c in module.noop_context_fn()], issubclass(module.CheckpointError, RuntimeError))


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.sampled_from(["square", "relu", "scale", "view", "sum", "place"]), min_size=1, max_size=6),
    st.booleans(),
    st.integers(0, 5),
)
def test_a_checkpoint_changes_no_gradient(names: list[str], reentrant: bool, cut: int) -> None:
    steps = {
        "square": lambda x: x * x,
        "relu": lambda x: x.relu(),
        "scale": lambda x: x * 4,
        "view": lambda x: x.view(-1)[:2].reshape(2),
        "sum": lambda x: x + x.detach(),
        "place": lambda x: (x * 1).mul_(4),
    }

    def program(t: Any, say: Say) -> None:
        def function(x: Any) -> Any:
            for name in names[:cut]:
                x = steps[name](x)
            return x * 1

        x = t.tensor([1.0, 4.0], requires_grad=True)
        y = checkpoints(t).checkpoint(function, x, use_reentrant=reentrant)
        for name in names[cut:]:
            y = steps[name](y)
        y.sum().backward()
        z = t.tensor([1.0, 4.0], requires_grad=True)
        plain = function(z)
        for name in names[cut:]:
            plain = steps[name](plain)
        plain.sum().backward()
        say(y.detach(), x.grad)
        assert t.equal(x.grad, z.grad)
        assert t.equal(y, plain)

    theirs, ours = run(program, torch), run(program, microtorch)
    assert ours == theirs, difference(theirs, ours)


@pytest.mark.parametrize("early_stop", [True, False])
def test_what_is_computed_again_is_given_free(early_stop: bool) -> None:
    """Nothing but the arguments is kept between the passes, and after the backward pass nothing."""
    import weakref

    made: list[weakref.ref[Any]] = []

    def function(x: Any) -> Any:
        y = x * 2
        made.append(weakref.ref(y))
        return (y * y).sqrt()

    x = microtorch.ones(2, requires_grad=True)
    z = checkpoints(microtorch).checkpoint(function, x, use_reentrant=False, early_stop=early_stop)
    assert made[0]() is None
    z.sum().backward()
    assert [r() for r in made] == [None, None]
