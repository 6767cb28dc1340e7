"""torch.autograd.graph: hooks on several tensors, edges in the place of tensors, versions; what passes may be asked."""

from __future__ import annotations

from typing import Any

from programs import Say, same


def four(t: Any) -> Any:
    a, b = (t.ones(2, requires_grad=True) for _ in range(2))
    return a, b, a * b, a * b


def shown(gradients: Any) -> Any:
    return [None if g is None else g.tolist() for g in gradients]


@same
def test_multi_grad_hook_for_all(t: Any, say: Say) -> None:
    hook = t.autograd.graph.register_multi_grad_hook
    a, b, c, d = four(t)
    handle = hook((a, b, c, d), lambda gradients: say(shown(gradients)))
    say(type(handle).__name__)
    c.sum().backward(retain_graph=True)
    for inputs in ((a,), (b,), (a, b), (c,), (d, a)):
        (c + 2 * d).sum().backward(inputs=inputs, retain_graph=True)
        c.sum().backward(inputs=inputs, retain_graph=True)
    for inputs in ([c], [c, d], [c, c], [a], [a, c]):
        say.outcome(t.autograd.grad, (c + d).sum(), inputs, retain_graph=True)
    handle.remove()
    (c + d).sum().backward(retain_graph=True)
    with hook((c,), lambda gradients: say("in a block", shown(gradients))):
        c.sum().backward(retain_graph=True)
    c.sum().backward(retain_graph=True)


@same
def test_multi_grad_hook_for_any(t: Any, say: Say) -> None:
    hook = t.autograd.graph.register_multi_grad_hook
    a, b, c, d = four(t)
    handle = hook((a, b, c, d, t.ones(2)), lambda gradient: say(gradient), mode="any")
    (c + 2 * d).sum().backward(retain_graph=True)
    d.sum().backward(retain_graph=True)
    say(*t.autograd.grad(d.sum(), a, retain_graph=True))
    handle.remove()
    d.sum().backward()
    say(a.grad, b.grad)


@same
def test_multi_grad_hooks_that_are_wrong(t: Any, say: Say) -> None:
    hook = t.autograd.graph.register_multi_grad_hook
    a, _, c, _ = four(t)

    def fail(gradients: Any) -> None:
        raise ValueError("in the hook")

    say.outcome(hook, (a,), print, mode="x")
    say.outcome(hook, (t.ones(2),), print)
    for mode in ("all", "any"):
        handle = hook((a, c), fail, mode=mode)
        say.outcome(lambda: c.sum().backward(retain_graph=True))
        handle.remove()
        with hook((a, c), lambda gradients: 5, mode=mode):
            say.outcome(lambda: c.sum().backward(retain_graph=True))


@same
def test_a_pass_within_a_pass_is_another(t: Any, say: Say) -> None:
    x = t.ones(2, requires_grad=True)

    class Inner(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            y = t.ones(2, requires_grad=True)
            with t.enable_grad():
                z = y * 3
            with t.autograd.graph.register_multi_grad_hook((y, z), lambda gs: say("inner", shown(gs))):
                z.backward(t.ones(2))
            return g * y.grad

    y = Inner.apply(x)
    t.autograd.graph.register_multi_grad_hook((x, y), lambda gs: say("outer", shown(gs)))
    y.sum().backward()
    say(x.grad)


@same
def test_edges(t: Any, say: Say) -> None:
    grad, backward, edge = t.autograd.grad, t.autograd.backward, t.autograd.graph.get_gradient_edge
    x = t.ones(2, requires_grad=True)
    y = x * 2
    z = y.sum()
    say(edge(z)._fields, edge(y).node is y.grad_fn, edge(y).output_nr, edge(y).ownership_token)
    say(edge(t.ones(2, 2, requires_grad=True).unbind()[1]).output_nr, type(edge(y)).__name__)
    for inputs in (
        edge(y),
        edge(x),
        [edge(x), y],
        (edge(x), edge(y)),
        {"a": edge(x)},
        t.autograd.graph.GradientEdge(y.grad_fn, 0),
    ):
        say(grad(z, inputs, retain_graph=True))
        say(grad(edge(z), inputs, retain_graph=True))
        say(grad([edge(y), z], inputs, [t.tensor([3.0, 4.0]), None], retain_graph=True))
    for inputs in (edge(x), [edge(y)], [x, edge(y)]):
        backward(z, inputs=inputs, retain_graph=True)
        say(x.grad)
    backward(edge(z), retain_graph=True)
    backward(edge(y), t.ones(2), retain_graph=True)
    backward((z, t.autograd.graph.GradientEdge(y.grad_fn, 0)), (None, t.ones(2)), retain_graph=True)
    backward(edge(x), t.ones(2))
    say(x.grad)
    (g,) = grad(edge(z * z), x, create_graph=True)
    say(g, *grad(g.sum(), x))


@same
def test_edges_that_are_refused(t: Any, say: Say) -> None:
    grad, backward, edge = t.autograd.grad, t.autograd.backward, t.autograd.graph.get_gradient_edge
    x = t.ones(2, requires_grad=True)
    y = x * 2
    z = y.sum()
    unused = edge(t.ones(3, requires_grad=True))
    say.outcome(edge, t.ones(2))
    say.outcome(edge, 3)
    say.outcome(backward, edge(y))
    say.outcome(backward, edge(y), t.ones(3))
    say.outcome(grad, z, [unused], retain_graph=True)
    say.outcome(grad, z, [unused], retain_graph=True, allow_unused=True)
    say.outcome(grad, z, [edge(x), unused], retain_graph=True, materialize_grads=True)
    say.outcome(grad, z, edge(x), retain_graph=True, materialize_grads=True)
    say.outcome(grad, z, [3])
    say.outcome(backward, z, inputs=[3])


@same
def test_increment_version(t: Any, say: Say) -> None:
    increment = t.autograd.graph.increment_version
    x = t.ones(2)
    versions = [x._version]
    increment(x)
    versions.append(x._version)
    increment([x, x[:1]])
    versions.append(x._version)
    say([v - versions[0] for v in versions])
    for wrong in (3, [3], None):
        say.outcome(increment, wrong)
    with t.inference_mode():
        y = t.ones(2)
    say.outcome(increment, y)
    z = t.ones(2, requires_grad=True) * x
    increment(x)
    say.outcome(z.sum().backward)


@same
def test_multithreading_is_remembered(t: Any, say: Say) -> None:
    allowed, allow = t.autograd.is_multithreading_enabled, t.autograd.set_multithreading_enabled

    @allow(False)
    def function() -> Any:
        return allowed()

    say(allowed())  # to decorate is to set
    with allow(True):
        say(allowed(), function())
    say(allowed())
    allow(True)
    say(allowed(), t.autograd.is_view_replay_enabled())
    say.outcome(allow, 3)


@same
def test_variable(t: Any, say: Say) -> None:
    variable, x = t.autograd.Variable, t.ones(2, requires_grad=True)
    say(variable(x), variable(x) is x, isinstance(x, variable), isinstance(variable(x), variable))
    say(
        variable(t.ones(2), True),
        variable(t.ones(2), requires_grad=1),
        variable(data=t.ones(2)),
        variable(),
        variable(None),
    )
    say(variable(t.ones(2), volatile=True))
    for arguments in ((3,), ([1.0],), (t.tensor([1]), True)):
        say.outcome(variable, *arguments)


@same
def test_integers_among_outputs_get_no_gradient(t: Any, say: Say) -> None:
    x = t.tensor([[3.0, 1.0], [2.0, 4.0]], requires_grad=True)
    for several in (x.max(0), x.sort(), x.kthvalue(1), x.cummax(0), t.linalg.inv_ex(x), t.frexp(x), t.aminmax(x)):
        node = several[0].grad_fn
        node.register_prehook(lambda gradients: say(len(gradients)))
        several[0].sum().backward()
        say(node.name())


@same
def test_full_contractions(t: Any, say: Say) -> None:
    """What comes to one number is a product of vectors if they lie in memory as one, and else a sum of products."""
    base = t.arange(36.0, requires_grad=True)
    m = base.view(6, 6)
    for a, b in ((m[0], m[1]), (m[:, 1], m[0]), (base[:1].expand(6), m[0]), (m[:1], m[1:2]), (m[:, :1].t(), m[:1])):
        say(t.inner(a, b), t.tensordot(a, b, ([-1], [-1])), t.outer(a.flatten(), b.flatten()))
    y = m * 1
    of_none = t.diff(y, 0)
    y[0] = 2
    say(of_none)
