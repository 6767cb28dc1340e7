"""Hooks and retained gradients of tensors that are changed in place, are views, or die."""

from __future__ import annotations

from typing import Any

from programs import Say, same


@same
def test_hooks_and_inplace(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: say("old", g))
    y.retain_grad()
    y.mul_(3)
    y.register_hook(lambda g: say("new", g))
    y.sum().backward()
    say(y.grad, y.retains_grad, x.grad)


@same
def test_hooks_and_inplace_between(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    z = y * 5
    y.add_(1)
    (z + y).sum().backward()
    say(y.grad, x.grad)


@same
def test_hooks_on_views_after_inplace(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 2
    v = y.view(4)
    v.register_hook(lambda g: say("v old", g))
    y.register_hook(lambda g: say("y old", g))
    v.retain_grad()
    y.retain_grad()
    v.mul_(3)
    v.register_hook(lambda g: say("v new", g))
    y.register_hook(lambda g: say("y new", g))
    (v.sum() + y.sum()).backward()
    say(v.grad, y.grad, x.grad)


@same
def test_retained_view_changed_through_base(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 2
    v = y.view(4)
    v.retain_grad()
    w = v * 3
    y.mul_(3)
    (v.sum() + w.sum()).backward()
    say(v.grad, x.grad)


@same
def test_retain_twice_and_accumulate(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    z = y.sum()
    z.backward(retain_graph=True)
    first = y.grad
    z.backward(retain_graph=True)
    say(y.grad, first, first is y.grad)
    t.autograd.grad(z, x, retain_graph=True)
    say(y.grad)
    say(t.autograd.grad(z, y))
    say(y.grad)


@same
def test_retain_create_graph(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y.retain_grad()
    z = (y * y).sum()
    z.backward(create_graph=True)
    say(y.grad, x.grad)
    z = (y * y).sum()
    z.backward(create_graph=True)
    say(y.grad, x.grad)
    y.grad = None
    x.grad = None


@same
def test_retain_grad_of_strided(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 2
    y.retain_grad()
    (y.t() * t.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    say(y.grad, x.grad)


@same
def test_grad_of_a_dead_retained(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    z = y * 3
    del y
    z.sum().backward()
    say(x.grad)


@same
def test_nonleaf_grad_warns(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    say(y.grad)
    y.retain_grad()
    say(y.grad)
    y.grad = t.tensor([5.0, 5.0])
    say(y.grad)
    y.sum().backward()
    say(y.grad)


@same
def test_data_of_another_shape_before_backward(t: Any, say: Say) -> None:
    """The first gradient is copied into the shape that the leaf has now, where it can be."""
    for use in (lambda x: x.sum(0) * 1, lambda x: x * x, lambda x: x.t()):
        for shape in ((3, 2), (6,), (3,), (2, 3), (2, 2, 3)):
            x = t.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
            y = use(x)
            x.data = t.ones(*shape)
            say(shape)
            say.outcome(y.sum().backward)
            say(x.grad)
    x = t.ones(2, 3, requires_grad=True)
    y = x * 2
    x.data = t.ones(3)
    say(*t.autograd.grad(y.sum(), x))
    x.data = t.ones(4)
    say.outcome((x * 2).sum().backward)
    del y
    say.outcome((x * 2).sum().backward)  # the graph before is gone
    say(x.grad)
