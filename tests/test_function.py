"""autograd.Function: both styles, what ctx can do, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from functions import leaf, make, saving
from programs import Say, same


@same
def test_basic(t: Any, say: Say) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        say(t.is_grad_enabled(), x.requires_grad, ctx.needs_input_grad, type(ctx).__name__)
        ctx.save_for_backward(x)
        return x * x

    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        say(t.is_grad_enabled(), ctx.needs_input_grad, g)
        return 2 * x * g

    square = make(t, forward, backward, name="Square").apply
    x = leaf(t, 1.0, 2.0, 3.0)
    y = square(x)
    say(y, y.grad_fn.name(), type(y.grad_fn).__name__, repr(y.grad_fn).split(" object")[0])
    say(repr(y))
    y.sum().backward()
    say(x.grad)
    say.outcome(y.sum().backward)
    say.outcome(lambda: y.grad_fn.saved_tensors)
    say(square(t.tensor([1.0])))
    with t.no_grad():
        say(square(x))
    (g,) = t.autograd.grad(square(x).sum(), x, create_graph=True)
    say(g)
    say(t.autograd.grad(g.sum(), x))


@same
def test_setup_context(t: Any, say: Say) -> None:
    def forward(x: Any, y: Any, scale: float = 2.0) -> Any:
        say(t.is_grad_enabled())
        return x * y * scale

    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, y, ctx.scale = inputs
        say(type(inputs).__name__, ctx.scale, output, t.is_grad_enabled())
        ctx.save_for_backward(x, y)

    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        return g * y * ctx.scale, g * x * ctx.scale, None

    scaled = make(t, forward, backward, setup_context=setup_context, name="Mul").apply
    x, y = leaf(t), t.tensor([3.0, 4.0])
    z = scaled(x, y)
    say(z, z.grad_fn.scale, z.grad_fn.needs_input_grad, z.grad_fn.saved_tensors)
    for result in (z, scaled(x, y, 3.0), scaled(x, y=y, scale=4.0)):
        result.sum().backward()
        say(x.grad)
    say.outcome(scaled, x)
    say.outcome(scaled, x, y, 1.0, 2.0)
    say.outcome(scaled, x, y, foo=3)
    returned = make(
        t, lambda x: x, lambda ctx, g: g, setup_context=lambda ctx, inputs, output: ctx.save_for_backward(output)
    )
    say.outcome(returned.apply, x)
    say.outcome(make(t, lambda x: x * 2, lambda ctx, g: g).apply, x)


@same
def test_keywords(t: Any, say: Say) -> None:
    f = make(t, lambda ctx, x, y, z=5: x * y * z, lambda ctx, g: (g, g, None)).apply
    x = leaf(t)
    say.outcome(f, x, y=3)
    say.outcome(f, x, 3)
    say.outcome(f, x, 3, z=4)
    say.outcome(f, x, z=4)
    say.outcome(f, x, q=4)
    say.outcome(f, x, 3, x=4)
    say.outcome(f, x, 3, 4, 5)
    say.outcome(f, y=x, x=x, z=2)
    say.outcome(f)


@same
def test_several_outputs(t: Any, say: Say) -> None:
    def backward(ctx: Any, *gs: Any) -> Any:
        say(gs)
        return gs[0] * 2 + gs[2] * 3, None

    split = make(t, lambda ctx, x, n: (x * 2, n, x * 3, "text"), backward, name="Split").apply
    x = leaf(t)
    a, n, b, text = split(x, 7)
    say(a, n, b, text, type(split(x, 7)).__name__)
    say(a.grad_fn is b.grad_fn, a.output_nr, b.output_nr)
    a.sum().backward()
    say(x.grad)
    a, n, b, text = split(x, 7)
    (a + b).sum().backward()
    say(x.grad)


@same
def test_materialized_gradients(t: Any, say: Say) -> None:
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        say(g, h)
        return h if g is None else g

    for flag in (True, False):
        forward = lambda ctx, x, flag=flag: (ctx.set_materialize_grads(flag), (x * 2, x * 3))[1]
        x = leaf(t)
        _, b = make(t, forward, backward).apply(x)
        b.sum().backward()
        say(x.grad)


@same
def test_outputs_without_gradient(t: Any, say: Say) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        a, b = x * 2, x * 3
        ctx.mark_non_differentiable(b)
        return a, b, x > 1

    def backward(ctx: Any, g: Any, h: Any, i: Any) -> Any:
        say(g, h, i)
        return g * 2

    x = leaf(t)
    a, b, c = make(t, forward, backward).apply(x)
    say(a, b, c)
    a.sum().backward()
    say(x.grad)
    f = make(t, lambda ctx, x: (ctx.mark_non_differentiable(x), x)[1], lambda ctx, g: g).apply
    say(f(x), f(x) is x)
    say.outcome(make(t, lambda ctx, x: (ctx.mark_non_differentiable(3), x)[1], lambda ctx, g: g).apply, x)
    y, i = make(t, lambda ctx, x: (x.to(t.float64), x > 0), lambda ctx, g, h: (say(g, h), g)[1]).apply(x)
    say(y, i)
    y.sum().backward()
    say(x.grad)


@same
def test_wrong_gradients(t: Any, say: Say) -> None:
    def check(result: Callable[[Any], Any], *more: Any) -> None:
        x, y = leaf(t), leaf(t)
        f = make(t, lambda ctx, x, y, *more: x + y, lambda ctx, g: result(g)).apply
        say.outcome(f(x, y, *more).sum().backward)
        say(x.grad, y.grad)

    check(lambda g: g)
    check(lambda g: (g, g))
    check(lambda g: [g, g])
    check(lambda g: (g, g, None))
    check(lambda g: (g, g, None, None))
    check(lambda g: (g, g, g))
    check(lambda g: (g,))
    check(lambda g: ())
    check(lambda g: None)
    check(lambda g: (None, None))
    check(lambda g: (g, None))
    check(lambda g: (g, 3))
    check(lambda g: (g, "s"))
    check(lambda g: (g, g, g), 3)
    check(lambda g: (g, g), 3)
    check(lambda g: (g, g, None), 3)
    check(lambda g: (g.sum(), g))
    check(lambda g: (g.view(2, 1) + g, g))
    check(lambda g: (t.tensor([[1.0, 2.0], [3.0, 4.0]]), g))
    check(lambda g: (t.tensor([1.0, 2.0, 3.0]), g))
    check(lambda g: (g, t.tensor([1.0, 2.0, 3.0])))
    check(lambda g: (t.tensor([1.0, 2.0], dtype=t.float64), g))
    check(lambda g: (t.tensor([1, 2]), g))


@same
def test_not_implemented(t: Any, say: Say) -> None:
    x = leaf(t)
    say.outcome(make(t, lambda ctx, x: x * 2).apply(x).sum().backward)
    say.outcome(make(t, None).apply, x)
    with_vjp = make(t, lambda ctx, x: x * 2, vjp=lambda ctx, g: g * 7)
    with_vjp.apply(x).sum().backward()
    say(x.grad)
    say.outcome(make(t, None, lambda ctx, g: g, base=with_vjp).apply(x).sum().backward)
    say.outcome(with_vjp.jvp, None, 1)
    say.outcome(with_vjp.vmap, None, None)
    say.outcome(with_vjp.setup_context, None, None, None)
    say.outcome(t.autograd.Function.forward)
    say.outcome(t.autograd.Function.backward, None)
    say.outcome(with_vjp(), t.tensor([1.0]))


@same
def test_saved_tensors(t: Any, say: Say) -> None:
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        out = x * y
        ctx.save_for_backward(x, None, out, x + y)
        ctx.attribute = "hello"
        say(ctx.to_save[1])
        return out

    def backward(ctx: Any, g: Any) -> Any:
        x, nothing, out, between = ctx.saved_tensors
        say(x.grad_fn, nothing, out, between, ctx.attribute)
        return g * 2, None

    x, y = leaf(t), t.tensor([3.0, 4.0])
    z = make(t, forward, backward).apply(x, y)
    say(z.grad_fn.attribute, z.grad_fn.saved_tensors)
    z.sum().backward()
    say.outcome(lambda: z.grad_fn.saved_tensors)
    z.grad_fn.other = 3
    say(z.grad_fn.attribute, z.grad_fn.other)
    number = make(t, lambda ctx, x: (ctx.save_for_backward(3), x * 2)[1], lambda ctx, g: g).apply
    say.outcome(number, x)
    say.outcome(number, y)
    with t.no_grad():
        say.outcome(number, x)
    show = lambda ctx, g: (say(ctx.saved_tensors), g)[1]
    make(t, lambda ctx, x: x * 2, show).apply(x).sum().backward()
    early = lambda ctx, x: (ctx.save_for_backward(x), say(ctx.saved_tensors), x * 2)[2]
    make(t, early, show).apply(x).sum().backward()
    m = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    make(t, saving(lambda x: x.sum()), lambda ctx, g: g * ctx.saved_tensors[0]).apply(m.t()).backward()
    say(m.grad)


@same
def test_saved_tensors_that_were_changed(t: Any, say: Say) -> None:
    f = make(t, saving(lambda x: x.reciprocal()), lambda ctx, g: -g * ctx.saved_tensors[1] * ctx.saved_tensors[1]).apply
    x = leaf(t)
    y = x * 2
    z = f(y)
    y.add_(1)
    say.outcome(z.sum().backward)
    z = f(x * 2)
    z.add_(1)
    say.outcome(z.sum().backward)
    z = f(x)
    with t.no_grad():
        x.add_(1)
    say.outcome(z.sum().backward)


@same
def test_once_differentiable(t: Any, say: Say) -> None:
    def backward(ctx: Any, g: Any) -> Any:
        say(t.is_grad_enabled())
        return 2 * ctx.saved_tensors[0] * g

    f = make(t, saving(lambda x: x * x), t.autograd.function.once_differentiable(backward)).apply
    x = leaf(t)
    f(x).sum().backward()
    say(x.grad)
    say(t.autograd.grad(f(x).sum(), x, create_graph=True))
    (g,) = t.autograd.grad((f(x) * x).sum(), x, create_graph=True)
    say(g)
    say.outcome(g.sum().backward)


@same
def test_nested(t: Any, say: Say) -> None:
    inner = make(t, lambda ctx, x: x * 2, lambda ctx, g: g * 2).apply

    def forward(ctx: Any, x: Any) -> Any:
        with t.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.y = inner(ctx.x) * ctx.x
        return ctx.y.detach()

    def backward(ctx: Any, g: Any) -> Any:
        with t.enable_grad():
            return t.autograd.grad(ctx.y, ctx.x, g)[0]

    x = leaf(t)
    y = make(t, forward, backward, name="Outer").apply(x)
    say(y)
    y.sum().backward()
    say(x.grad)


@same
def test_backward_inside_backward(t: Any, say: Say) -> None:
    def backward(ctx: Any, g: Any) -> Any:
        with t.enable_grad():
            y = ctx.saved_tensors[0].detach().requires_grad_()
            (y * y).sum().backward()
        return y.grad * g

    x = leaf(t)
    (make(t, saving(lambda x: x.clone()), backward).apply(x * 2) * 3).sum().backward()
    say(x.grad)


@same
def test_exceptions(t: Any, say: Say) -> None:
    f = make(t, lambda ctx, x: {1.0: x * 2}[x[0].item()], lambda ctx, g: {}["in backward"]).apply
    x = leaf(t)
    say.outcome(f(x).sum().backward)
    say(t.is_grad_enabled(), x.grad)
    say.outcome(f, leaf(t, 10.0))
    say(t.is_grad_enabled())


@same
def test_needs_input_grad(t: Any, say: Say) -> None:
    def backward(ctx: Any, g: Any) -> Any:
        say(ctx.needs_input_grad)
        return tuple(g if needed else None for needed in ctx.needs_input_grad)

    f = make(t, lambda ctx, a, b, c, d: (say(ctx.needs_input_grad), a * 1)[1], backward).apply
    a, b = leaf(t), t.tensor([1.0, 2.0])
    f(a, b, 3, a * 2).sum().backward()
    say(a.grad)
    f(b, b, 3, a).sum().backward()
    say(a.grad)
    say(f(a, b, 3, a * 2))
    with t.no_grad():
        f(a, b, None, a)


@same
def test_only_tensors_and_tuples_of_them_are_seen(t: Any, say: Say) -> None:
    a, b = leaf(t), leaf(t, 2.0, 3.0)
    backward = lambda ctx, g, h: (say(g, h), (None, g))[1]
    y, rest = make(t, lambda ctx, xs, y: (xs[0] * y, [y]), backward).apply([a], b)
    say(y, type(rest).__name__)
    y.sum().backward()
    say(a.grad, b.grad)
    say(make(t, lambda ctx, x: [x * 2, x * 3], lambda ctx, g: g).apply(a))
    say(make(t, lambda ctx, x: None, lambda ctx, g: g).apply(a))
    say(make(t, lambda ctx, x: (x * 2,), lambda ctx, g: g).apply(a))


@same
def test_hooks(t: Any, say: Say) -> None:
    f = make(t, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    x = leaf(t)
    y = f.apply(x)
    y.grad_fn.register_hook(lambda a, b: say("post", a, b))
    y.grad_fn.register_prehook(lambda a: say("pre", a))
    y.register_hook(lambda a: say("tensor", a))
    y.sum().backward()
    say(isinstance(y.grad_fn, t.autograd.graph.Node), y.grad_fn.next_functions[0][0].name())
    say(isinstance(y.grad_fn, f._backward_cls), f._backward_cls.__name__)


@same
def test_inherited(t: Any, say: Say) -> None:
    first = make(t, lambda ctx, x: x * 2, lambda ctx, g: g * 2, name="A")
    second = make(t, None, lambda ctx, g: g * 4, name="B", base=first)
    x = leaf(t)
    y = second.apply(x)
    say(y)
    y.sum().backward()
    say(x.grad)
