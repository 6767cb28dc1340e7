"""Functions that change their inputs in place, return them, or return views of them."""

from __future__ import annotations

from typing import Any

from functions import changing, leaf, make
from programs import Say, same


@same
def test_in_place(t: Any, say: Say) -> None:
    increase = make(t, changing(lambda x: x.add_(1)), lambda ctx, g: (say(g), g * 5)[1], name="Inc").apply
    x = leaf(t)
    y = x * 2
    z = increase(y)
    say(z is y, y, y._version)
    y.sum().backward()
    say(x.grad)
    say.outcome(increase, x)
    say(x)
    c = t.tensor([1.0])
    say(increase(c) is c, c, c._version)
    y = (x * 2).view(2, 1)
    say(increase(y) is y, y, y._base)
    y.sum().backward()
    say(x.grad)
    y = x * 2
    v = y[0]
    increase(v)
    say(y, v)
    y.sum().backward()
    say(x.grad)
    with t.no_grad():
        say(increase(x) is x, x)
    a, _ = (x * 2).unbind(0)
    say.outcome(increase, a)


@same
def test_in_place_refused(t: Any, say: Say) -> None:
    def not_returned(ctx: Any, x: Any, y: Any) -> Any:
        ctx.mark_dirty(x)
        return y * 2

    def not_input(ctx: Any, x: Any, y: Any) -> Any:
        z = x * 2
        ctx.mark_dirty(z)
        return z

    def not_tensor(ctx: Any, x: Any, y: Any) -> Any:
        ctx.mark_dirty(3)
        return x * 2

    def one_of_two(ctx: Any, x: Any, y: Any) -> Any:
        ctx.mark_dirty(x)
        return x.mul_(2), y * 2

    def both(ctx: Any, x: Any, y: Any) -> Any:
        ctx.mark_dirty(x, y)
        return x.mul_(2), y.mul_(2)

    x = leaf(t)
    backward = lambda ctx, *g: (g[0], g[0])
    for forward in (not_returned, not_input, not_tensor, one_of_two, both):
        say.outcome(make(t, forward, backward).apply, x * 1, x * 2)
    say.outcome(make(t, one_of_two, backward).apply, (x * 1)[:], x * 2)
    a, b = x * 1, x * 3
    make(t, both, backward).apply(a, b)
    say(a, b)
    (a * b).sum().backward()
    say(x.grad)


@same
def test_in_place_with_saved_result(t: Any, say: Say) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x.reciprocal_()

    def backward(ctx: Any, g: Any) -> Any:
        (y,) = ctx.saved_tensors
        return -g * y * y

    inverse = make(t, forward, backward).apply
    x = leaf(t)
    y = x * 1
    inverse(y)
    (y * y).sum().backward()
    say(x.grad)
    y = x * 1
    u = y * y
    inverse(y)
    say.outcome(u.sum().backward)
    y = x * 1
    inverse(y)
    y.add_(1)
    say.outcome(y.sum().backward)


@same
def test_in_place_on_a_view_without_gradient(t: Any, say: Say) -> None:
    f = make(t, changing(lambda x: x.mul_(2)), lambda ctx, g: None).apply
    x = leaf(t, 1.0, 2.0, 3.0)
    y = x * 1
    f(y[1:])
    say(y)
    y.sum().backward()
    say(x.grad)


@same
def test_returns_its_input(t: Any, say: Say) -> None:
    f = make(t, lambda ctx, x: x, lambda ctx, g: g * 3, name="Same").apply
    x = leaf(t)
    y = f(x)
    say(y is x, y, y._is_view(), y._base is x)
    y.sum().backward()
    say(x.grad)
    say.outcome(y.mul_, 2)
    c = t.tensor([1.0])
    say(f(c) is c, f(c))
    with t.no_grad():
        say(f(x) is x, f(x))
    z = f(x * 2)
    say(z)
    say.outcome(z.mul_, 2)
    w = x * 2
    z = f(w)
    w.mul_(2)
    say.outcome(lambda: z.grad_fn)


@same
def test_returns_a_view(t: Any, say: Say) -> None:
    f = make(t, lambda ctx, x: x.view(-1), lambda ctx, g: (say(g), g.view(2, 1) * 3)[1], name="V").apply
    x = t.tensor([[1.0], [2.0]], requires_grad=True)
    y = f(x)
    say(y, y._is_view(), y._base is x)
    y.sum().backward()
    say(x.grad)
    say.outcome(f(x * 2).mul_, 2)
    w = x * 2
    y = f(w)
    w.mul_(2)
    say.outcome(lambda: y.grad_fn)
    a, b = make(t, lambda ctx, x: (x.view(-1), x[0]), lambda ctx, g, h: g.view(2, 1), name="W").apply(x * 2)
    say(a, b)
    say.outcome(a.mul_, 2)
    say.outcome(b.mul_, 2)
