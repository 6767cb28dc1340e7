"""Hooks on what nodes save: when they pack and unpack, what they see, what they may give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from programs import Say, difference, run, same

import microtorch

Hooks = Callable[[Any, Say, str], Any]


def told(t: Any, say: Say, name: str = "") -> Any:
    """Hooks that write down what they see."""

    def pack(x: Any) -> Any:
        say(name, "pack", x)
        return x.detach().clone()

    def unpack(x: Any) -> Any:
        say(name, "unpack", x)
        return x

    return t.autograd.graph.saved_tensors_hooks(pack, unpack)


@same
def test_inputs_and_results(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    with told(t, say, "outer"):
        y = x * x
        with told(t, say, "inner"):
            z = y.sqrt()
        w = z.prod()
    say(z.grad_fn._saved_result, y.grad_fn._saved_self, y.grad_fn._saved_other is x)
    w.backward(retain_graph=True)
    w.backward()
    say(x.grad)
    say.outcome(lambda: y.grad_fn._saved_self)


# What is done to x = (1, 4) while the hooks are on; what is returned is differentiated. Nothing here is rounded.
RECORDED: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda t, x: x + x,
    "number": lambda t, x: x * 2.0,
    "cat": lambda t, x: t.cat([x, x * x]),
    "stack": lambda t, x: t.stack([x, x]).prod(),
    "max": lambda t, x: (x * 1).max(0)[0],
    "matmul": lambda t, x: x @ t.ones(2, 3).mul(x[0]),
    "var_mean": lambda t, x: sum(t.var_mean(x * 1)),
    "where": lambda t, x: t.where(x > 1.5, x.sqrt(), x * 2),
    "index": lambda t, x: x[t.tensor([1, 1, 0])] * x[0],
    "index_put": lambda t, x: (x * 1).index_put_((t.tensor([1]),), x[:1].sqrt()),
    "view": lambda t, x: x.view(2, 1).expand(2, 3).sum(0).reshape(3, 1).t(),
    "unbind": lambda t, x: x.unbind()[0] * x.unbind()[1],
    "softmax": lambda t, x: t.softmax(x - x.detach(), 0),
    "in place": lambda t, x: (x * 1).mul_(4).sqrt_(),
    "in place, by itself": lambda t, x: (lambda y: y.mul_(y))(x * 1),
    "in place, a view": lambda t, x: (lambda y: (y[0].sqrt_(), y)[1])(x * 1),
    "in place, a view of a view": lambda t, x: (lambda y: (y[0:1][0].sqrt_(), y)[1])(x * 1),
    "power": lambda t, x: x**3,
    "linear": lambda t, x: t.nn.functional.linear(x, x.view(1, 2), x[:1]),
    "mse": lambda t, x: t.nn.functional.mse_loss(x, x.detach() * 2),
    "div": lambda t, x: x / (x * 2),
    "norm": lambda t, x: (x * t.tensor([3.0, 1.0])).norm(),
}


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("create_graph", [False, True])
def test_what_operations_save(name: str, create_graph: bool) -> None:
    """Each tensor that torch saves is packed, in the order of the calls, and unpacked when the gradient needs it."""

    def program(t: Any, say: Say) -> None:
        x = t.tensor([1.0, 4.0], requires_grad=True)
        with told(t, say):
            y = RECORDED[name](t, x)
        say("made", y)
        (g,) = t.autograd.grad(y.sum(), x, create_graph=create_graph)
        say("gradient", g.detach())
        if g.requires_grad:
            (second,) = t.autograd.grad(g.sum(), x, allow_unused=True)
            say("second", second if second is None else second + 0)  # 0 may be −0

    theirs, ours = run(program, torch), run(program, microtorch)
    assert ours == theirs, difference(theirs, ours)


@same
def test_function(t: Any, say: Say) -> None:
    class Root(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x.sqrt()
            ctx.save_for_backward(x, y, None)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            say(*ctx.saved_tensors)
            return g / (2 * ctx.saved_tensors[1])

    x = t.tensor([1.0, 4.0], requires_grad=True)
    with told(t, say):
        y = Root.apply(x)
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    say(g)
    say(*t.autograd.grad(g.sum(), x))


@same
def test_what_is_unpacked_need_not_be_what_was_packed(t: Any, say: Say) -> None:
    for unpack in (
        lambda x: x * 10,
        lambda x: x.double(),
        lambda x: x[0],
        lambda x: x.clone().requires_grad_(),
        lambda x: t.ones(2),
    ):
        x = t.tensor([1.0, 2.0], requires_grad=True)
        with t.autograd.graph.saved_tensors_hooks(lambda x: x.detach(), unpack):
            y = x * x
            z = y.sqrt()
        say(y.grad_fn._saved_self, z.grad_fn._saved_result)
        z.sum().backward()
        say(x.grad)


@same
def test_changes_after_packing_are_not_seen(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    with t.autograd.graph.saved_tensors_hooks(lambda x: x.detach().clone(), lambda x: x):
        z = (y * y).sqrt()
    y.mul_(5)
    z.add_(1)
    z.sum().backward()
    say(x.grad)


@same
def test_refused(t: Any, say: Say) -> None:
    graph = t.autograd.graph

    def pack_in_place(x: Any) -> Any:
        return x.add_(1)

    def square(pack: Any, unpack: Any) -> Any:
        x = t.ones(2, requires_grad=True)
        with graph.saved_tensors_hooks(pack, unpack):
            y = x * t.ones(2)
        y.sum().backward()
        return x.grad

    say.outcome(square, pack_in_place, lambda x: x)
    for wrong in (3, None, "text"):
        say.outcome(square, lambda x: x, lambda x, wrong=wrong: wrong)
    say.outcome(square, lambda x: 1 / 0, lambda x: x)
    say.outcome(square, lambda x: x, lambda x: {}[0])
    say(t.ones(2, requires_grad=True).sqrt().grad_fn._saved_result)  # nothing has stayed on


@same
def test_a_failing_pack_leaves_all_as_it_was(t: Any, say: Say) -> None:
    x = t.ones(2, requires_grad=True) * 3
    with t.autograd.graph.saved_tensors_hooks(lambda x: {}[0], lambda x: x):
        say.outcome(lambda: x.mul_(x))
        say(x, x._version)


@same
def test_disabled(t: Any, say: Say) -> None:
    graph = t.autograd.graph

    def both(outer: Any, inner: Any) -> None:
        with outer, inner:
            say("inside")

    def hooks() -> Any:
        return graph.saved_tensors_hooks(lambda x: x, lambda x: x)

    say.outcome(both, graph.disable_saved_tensors_hooks("no hooks"), hooks())
    say.outcome(both, graph.disable_saved_tensors_hooks("no hooks"), graph.save_on_cpu())
    say.outcome(both, hooks(), graph.disable_saved_tensors_hooks("no hooks"))
    say.outcome(both, graph.disable_saved_tensors_hooks("a"), graph.disable_saved_tensors_hooks("b"))
    say.outcome(both, hooks(), hooks())
    with graph.disable_saved_tensors_hooks("outer"):
        with graph.disable_saved_tensors_hooks("inner"):
            say.outcome(hooks().__enter__)
        say.outcome(hooks().__enter__)


@same
def test_save_on_cpu(t: Any, say: Say) -> None:
    for pin_memory in (False, True):
        x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        with t.autograd.graph.save_on_cpu(pin_memory=pin_memory):
            y = (x * x).sqrt().t()
        say(y.grad_fn.next_functions[0][0]._saved_result)
        y.sum().backward()
        say(x.grad)


@same
def test_raw_saved(t: Any, say: Say) -> None:
    x = t.ones(2, requires_grad=True)
    y = x * x
    raw = y.grad_fn._raw_saved_self
    say(type(raw).__name__, raw.unpack() is x)
    raw.register_hooks(lambda x: (say("pack", x), 5)[1], lambda packed: (say("unpack", packed), t.full((2,), 7.0))[1])
    say(y.grad_fn._saved_self, y.grad_fn._saved_self is x, y.grad_fn._saved_other is x)
    say.outcome(raw.register_hooks, lambda x: x, lambda x: x)
    changed = t.ones(2)
    say.outcome((x * changed).grad_fn._raw_saved_other.register_hooks, lambda x: x.add_(1), lambda x: x)
    z = x.sqrt()
    z.grad_fn._raw_saved_result.register_hooks(lambda x: (say("pack", x), x * 2)[1], lambda x: x)
    say(z.grad_fn._saved_result)
    (y.sum() + z.sum()).backward()
    say(x.grad)
    say.outcome(raw.register_hooks, lambda x: x, lambda x: x)
    say.outcome(type(raw))
    say(hasattr((x * 2).sum(0).grad_fn, "_raw_saved_dim"), hasattr(x.sum(0).grad_fn, "_raw_saved_self"))


@same
def test_raw_saved_tensors_of_a_function(t: Any, say: Say) -> None:
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x, None)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g * ctx.saved_tensors[0]

    x = t.ones(2, requires_grad=True)
    y = Square.apply(x)
    say([type(raw).__name__ for raw in y.grad_fn._raw_saved_tensors])
    y.grad_fn._raw_saved_tensors[0].register_hooks(lambda x: x.tolist(), t.tensor)
    say(*y.grad_fn.saved_tensors)
    y.sum().backward()
    say(x.grad)
    say.outcome(lambda: y.grad_fn._raw_saved_tensors)


@same
def test_hooks_that_are_none(t: Any, say: Say) -> None:
    say.outcome(t.autograd.graph.saved_tensors_hooks(1, len).__enter__)
    say.outcome(t.autograd.graph.saved_tensors_hooks(print, None).__enter__)
    y = t.ones(2, requires_grad=True).exp()
    with pytest.raises(TypeError, match=r"register_hooks\(\): incompatible function arguments"):
        y.grad_fn._raw_saved_result.register_hooks(len, 2)
    y.sum().backward()


@same
def test_hooks_of_one_thread(t: Any, say: Say) -> None:
    import threading

    x = t.ones(2, requires_grad=True)
    made = []
    with told(t, say):
        thread = threading.Thread(target=lambda: made.append(x * x))
        thread.start()
        thread.join()
    say(*made)
