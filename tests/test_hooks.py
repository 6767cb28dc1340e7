"""Hooks on tensors and nodes: when they run, what they see, what they may give back."""

from __future__ import annotations

from typing import Any

from programs import Say, same


@same
def test_order_of_all_hooks(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: say("y hook 1", g))
    y.grad_fn.register_prehook(lambda g: say("y prehook", g))
    y.grad_fn.register_hook(lambda gi, go: say("y posthook", gi, go))
    y.register_hook(lambda g: (say("y hook 2", g), g * 10)[1])
    x.register_hook(lambda g: (say("x hook", g), g + 1)[1])
    x.register_post_accumulate_grad_hook(lambda v: say("x post accumulate", v.grad, v is x))
    acc = y.grad_fn.next_functions[0][0]
    acc.register_prehook(lambda g: say("acc prehook", g))
    acc.register_hook(lambda gi, go: say("acc posthook", gi, go, x.grad))
    z = y * 3
    z.sum().backward()
    say(x.grad, y.grad)


@same
def test_retain_sees_replaced(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.grad_fn.register_prehook(lambda g: (g[0] * 7,))
    y.retain_grad()
    y.sum().backward()
    say(y.grad, x.grad)


@same
def test_prehook_first_then_retain(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.grad_fn.register_prehook(lambda g: (g[0] * 7,))
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    say(y.grad, x.grad)


@same
def test_capture_and_hooks(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: (say("y", g), g * 10)[1])
    y.grad_fn.register_prehook(lambda g: (say("y pre", g), (g[0] * 7,))[1])
    y.grad_fn.register_hook(lambda gi, go: say("y post", gi, go))
    x.register_hook(lambda g: (say("x", g), g * 100)[1])
    acc = y.grad_fn.next_functions[0][0]
    acc.register_prehook(lambda g: say("acc pre", g))
    acc.register_hook(lambda gi, go: say("acc post", gi, go))
    x.register_post_accumulate_grad_hook(lambda v: say("post accumulate"))
    z = (y * 3).sum()
    say("y", t.autograd.grad(z, [y], retain_graph=True))
    say("x", t.autograd.grad(z, [x], retain_graph=True))
    say("xy", t.autograd.grad(z, [x, y], retain_graph=True))
    z.backward(inputs=[y], retain_graph=True)
    say("b y", x.grad, y.grad)
    z.backward(inputs=[x], retain_graph=True)
    say("b x", x.grad, y.grad)
    z.backward(inputs=[x, y])
    say("b xy", x.grad, y.grad)


@same
def test_backward_inputs_nonleaf_runs_node(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x.reciprocal()
    z = (y * 3).sum()
    z.backward(inputs=[y])
    say(x.grad, y.grad, y.retains_grad)
    say.outcome(y.sum().backward)
    a = t.tensor([1.0, 2.0], requires_grad=True)
    b = a.reciprocal()
    c = (b * 3).sum()
    say(t.autograd.grad(c, [b]))
    b.sum().backward()
    say(a.grad)


@same
def test_replaced_by_hooks_errors(t: Any, say: Say) -> None:
    def wrong(make, *where):
        x = t.tensor([1.0, 2.0], requires_grad=True)
        y = x * 2

        def named(g, *more):
            return make(g)

        getattr(y if "tensor" in where else y.grad_fn, where[-1])(named)
        say.outcome(y.sum().backward)
        say(x.grad)

    for how in (("tensor", "register_hook"), ("register_prehook",), ("register_hook",)):
        wrong(lambda g: 3, *how)
        wrong(lambda g: "s", *how)
        wrong(lambda g: t.tensor([1.0, 2.0, 3.0]), *how)
        wrong(lambda g: (t.tensor([1.0, 2.0, 3.0]),), *how)
        wrong(lambda g: (t.tensor([1.0, 2.0, 3.0], dtype=t.float64),), *how)
        wrong(lambda g: (t.tensor([1.0, 2.0]),), *how)
        wrong(lambda g: (t.tensor([1.0, 2.0]), None), *how)
        wrong(lambda g: (t.tensor([1.0, 2.0]), t.tensor([1.0, 2.0])), *how)
        wrong(lambda g: (t.tensor([1.0, 2.0]), t.tensor([1.0, 2.0]), None), *how)
        wrong(lambda g: t.tensor([1.0, 2.0], dtype=t.float64), *how)
        wrong(lambda g: t.tensor([1, 2]), *how)
        wrong(lambda g: [t.tensor([1.0, 2.0])], *how)
        wrong(lambda g: (), *how)
        wrong(lambda g: (None,), *how)
        wrong(lambda g: (5,), *how)


@same
def test_hook_names(t: Any, say: Say) -> None:
    import functools

    class Callable:
        def __call__(self, g):
            return t.tensor([1.0])

    class Named(Callable):
        __name__ = "given"

    for hook in (lambda g: t.tensor([1.0]), functools.partial(lambda k, g: t.tensor([1.0]), 1), Callable(), Named()):
        x = t.tensor([1.0, 2.0], requires_grad=True)
        y = x * 2
        y.register_hook(hook)
        say.outcome(y.sum().backward)


@same
def test_hooks_on_none(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    a, b = x.unbind(0)
    b.register_hook(lambda g: say("b", g))
    b.retain_grad()
    a.grad_fn.register_prehook(lambda g: say("pre", g))
    a.grad_fn.register_hook(lambda gi, go: say("post", gi, go))
    a.sum().backward()
    say(b.grad, x.grad)


@same
def test_prehook_replaces_none(t: Any, say: Say) -> None:
    for value in ((lambda g: (g[0], g[0])), (lambda g: (None, g[0])), (lambda g: (None, None))):
        x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        a, _ = x.unbind(0)
        a.grad_fn.register_prehook(value)
        say.outcome(a.sum().backward)
        say(x.grad)


@same
def test_posthook_replaces(t: Any, say: Say) -> None:
    for value in (lambda gi, go: (gi[0], gi[0]), lambda gi, go: (None, None), lambda gi, go: (gi[0] * 5, None)):
        x = t.tensor([1.0, 2.0], requires_grad=True)
        y = t.tensor([1.0, 2.0])
        z = x * y
        z.grad_fn.register_hook(value)
        say.outcome(z.sum().backward)
        say(x.grad)


@same
def test_removal(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    handle = x.register_hook(lambda g: say("1"))
    with x.register_hook(lambda g: say("2")):
        (x * 2).sum().backward()
    (x * 2).sum().backward()
    handle.remove()
    handle.remove()
    (x * 2).sum().backward()
    y = x * 2
    h = y.grad_fn.register_hook(lambda a, b: say("post"))
    g = y.grad_fn.register_prehook(lambda a: say("pre"))
    h.remove()
    g.remove()
    y.sum().backward()
    p = x.register_post_accumulate_grad_hook(lambda v: say("pa"))
    p.remove()
    (x * 2).sum().backward()
    say(type(handle).__name__)


@same
def test_removed_while_running(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    handles = []

    def first(g):
        say("first")
        for h in handles:
            h.remove()

    handles.append(x.register_hook(first))
    handles.append(x.register_hook(lambda g: say("second")))
    (x * 2).sum().backward()
    (x * 2).sum().backward()


@same
def test_added_while_running(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)

    def first(g):
        say("first")
        x.register_hook(lambda g: say("added"))

    x.register_hook(first)
    (x * 2).sum().backward()
    (x * 2).sum().backward()


@same
def test_leaf_hooks_survive_their_node(t: Any, say: Say) -> None:
    import gc

    x = t.tensor([1.0, 2.0], requires_grad=True)
    x.register_hook(lambda g: (say("hook", g), g * 2)[1])
    x.register_post_accumulate_grad_hook(lambda v: say("post", v.grad))
    for _ in range(3):
        y = x * 2
        y.sum().backward()
        del y
        gc.collect()
    say(x.grad)


@same
def test_node_hooks_of_a_leaf_die(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.grad_fn.next_functions[0][0].register_hook(lambda a, b: say("acc post"))
    y.sum().backward(retain_graph=True)
    del y
    y = x * 2
    y.sum().backward()


@same
def test_hook_registered_before_use(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0])
    say.outcome(x.register_hook, lambda g: g)
    say.outcome(x.register_post_accumulate_grad_hook, lambda g: g)
    x.requires_grad_()
    say.outcome((x * 2).register_post_accumulate_grad_hook, lambda g: g)
    x.requires_grad_(False)
    say.outcome(x.register_hook, lambda g: g)
    say.outcome(x.retain_grad)
    x.requires_grad_()
    x.retain_grad()
    say(x.retains_grad)


@same
def test_reentrant(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    w = t.tensor([3.0, 4.0], requires_grad=True)

    def hook(g):
        say("in", t.is_grad_enabled())
        with t.enable_grad():
            (w * g).sum().backward()
        return g * 2

    y = x * 2
    y.register_hook(hook)
    y.sum().backward()
    say(x.grad, w.grad, t.is_grad_enabled())


@same
def test_reentrant_same_graph(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = (y * y).sum()
    once = []

    def hook(g):
        say("hook", g)
        if not once:
            once.append(1)
            z.backward(retain_graph=True)

    y.register_hook(hook)
    z.backward(retain_graph=True)
    say(x.grad)


@same
def test_error_in_hook(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2

    def fail(g):
        raise ValueError("from the hook")

    h = y.register_hook(fail)
    for _ in range(2):
        say.outcome(y.sum().backward)
        say(t.is_grad_enabled(), x.grad)
    with t.no_grad():
        say.outcome(y.sum)
    h.remove()
    y.sum().backward()
    say(x.grad)


@same
def test_error_in_other_hooks(t: Any, say: Say) -> None:
    def fail(*a):
        raise KeyError("k")

    x = t.tensor([1.0, 2.0], requires_grad=True)
    x.register_post_accumulate_grad_hook(fail)
    say.outcome((x * 2).sum().backward)
    say(x.grad)
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.grad_fn.register_hook(fail)
    say.outcome(y.sum().backward)
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.grad_fn.register_prehook(fail)
    say.outcome(y.sum().backward)


@same
def test_grad_mode_in_hooks(t: Any, say: Say) -> None:
    for create in (False, True):
        x = t.tensor([1.0, 2.0], requires_grad=True)
        y = x * x
        y.register_hook(lambda g: say(t.is_grad_enabled(), g))
        x.register_post_accumulate_grad_hook(lambda v: say(t.is_grad_enabled(), v.grad))
        (y * y).sum().backward(create_graph=create)
        x.grad = None


@same
def test_grad_mode_changed_by_a_hook(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y.reciprocal()
    z.register_hook(lambda g: t.set_grad_enabled(True) and None)
    y.register_hook(lambda g: say(t.is_grad_enabled()))
    z.sum().backward()
    say(t.is_grad_enabled())


@same
def test_hooks_of_a_root_that_leads_nowhere(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    w = t.tensor([1.0, 2.0], requires_grad=True)
    x.register_hook(lambda g: say("x", g))
    y = x * 2
    y.register_hook(lambda g: say("y", g))
    g = t.tensor([1.0, 1.0])
    say(t.autograd.grad(x, w, g, allow_unused=True), t.autograd.grad(y, w, g, allow_unused=True))
    say(t.autograd.grad([x, y], w, [g, g], allow_unused=True))
    x.backward(g, inputs=[w])
    say(x.grad, w.grad)


@same
def test_post_accumulate_optimizer(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)

    def step(p):
        with t.no_grad():
            p -= 0.1 * p.grad
        p.grad = None

    x.register_post_accumulate_grad_hook(step)
    for _ in range(3):
        (x * x).sum().backward()
    say(x, x.grad)


@same
def test_post_accumulate_return_value(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    x.register_post_accumulate_grad_hook(lambda p: 5)
    say.outcome((x * 2).sum().backward)


@same
def test_tie_order(t: Any, say: Say) -> None:
    leaves = [t.tensor([float(i)], requires_grad=True) for i in range(9)]
    for i, leaf in enumerate(leaves):
        leaf.register_post_accumulate_grad_hook(lambda v, i=i: say(i))
    for n in range(2, 10):
        say("n", n)
        t.stack(leaves[:n]).sum().backward()


@same
def test_tie_order_roots(t: Any, say: Say) -> None:
    leaves = [t.tensor([float(i)], requires_grad=True) for i in range(7)]
    for i, leaf in enumerate(leaves):
        leaf.register_hook(lambda v, i=i: say(i))
    for n in range(1, 8):
        say("n", n)
        t.autograd.backward(leaves[:n], [t.tensor([1.0])] * n)


@same
def test_order_of_branches(t: Any, say: Say) -> None:
    x = t.tensor([1.0], requires_grad=True)
    a = x * 2
    b = x * 3
    c = a + b
    d = a * b
    for n, v in {"a": a, "b": b, "c": c, "d": d, "x": x}.items():
        v.register_hook(lambda g, n=n: say(n, g))
    t.autograd.backward([c, d])
    t.autograd.backward([x * 2, (x * 3) * (x * 4)])
    say(x.grad)


@same
def test_hooks_that_set_data(t: Any, say: Say) -> None:
    def double(g: Any) -> None:
        g.data = g.data * 2  # so that the memory of the gradient could be another's next

    x = t.ones(3, requires_grad=True)
    y = x * 2
    for _ in range(20):
        y = (y * 1.5).relu()
        y.register_hook(double)
    y.sum().backward()
    say(x.grad)


@same
def test_gradients_that_are_views(t: Any, say: Say) -> None:
    for step in (t.relu, t.exp, t.t, t.tanh, t.sigmoid, t.abs, lambda x: x.view(3), lambda x: x.expand(2, 3), t.sum):
        x = t.tensor([[1.0, -2.0, 3.0]], requires_grad=True)
        y = x * 1
        y.register_hook(lambda g: say(g._is_view(), g._base is None or g._base.dtype, g.shape, g.stride()))
        (step(y) * 2).sum().backward()
