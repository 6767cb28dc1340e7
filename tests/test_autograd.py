"""backward and grad: values, order, graphs of gradients, and what is refused."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from programs import Say, same


@same
def test_three_uses_order(t: Any, say: Say) -> None:
    x = t.tensor([0.1, 0.2, 0.3], requires_grad=True)
    y = x * 0.7 + x * 1.3 + x * 0.9 + x * x * 1.1
    y.sum().backward()
    say([float(v).hex() for v in x.grad.tolist()])


@same
def test_second_backward(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward()
    say.outcome(y.backward)
    y = (x + x).sum()
    y.backward()
    y.backward()
    say(x.grad)
    y = x.reciprocal().sum()
    y.backward(retain_graph=True)
    y.backward()
    say.outcome(y.backward)
    y = (x * 2).sum()
    y.backward()
    say.outcome(y.backward)


@same
def test_backward_errors(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    c = t.tensor([1.0, 2.0])
    s = c.sum()
    say.outcome(y.backward)
    say.outcome(c.backward)
    say.outcome(s.backward)
    say.outcome(c.backward, t.tensor([1.0, 2.0]))
    say.outcome(y.backward, t.tensor([1.0, 2.0, 3.0]))
    say.outcome(y.backward, t.tensor(1.0))
    say.outcome(y.backward, 1.0)
    say.outcome(y.backward, [1.0, 2.0])
    say.outcome(y.backward, t.tensor([1.0, 2.0], dtype=t.float64), retain_graph=True)
    say.outcome(y.backward, t.tensor([1, 2]), retain_graph=True)
    say.outcome(y.backward, t.tensor([True, False]), retain_graph=True)
    say(x.grad)
    say.outcome(y.backward, t.tensor([1.0, 2.0]), inputs=[])
    say.outcome(y.backward, t.tensor([1.0, 2.0]), inputs=c)
    say.outcome(y.backward, t.tensor([1.0, 2.0]), inputs=[c])
    say.outcome(y.backward, t.tensor([1.0, 2.0]), inputs=[3])
    say.outcome(y.backward, t.tensor([1.0, 2.0]), inputs=3)
    say.outcome(y.backward, t.tensor([1.0, 2.0]), inputs={"x": x}, retain_graph=True)
    say(x.grad)
    say.outcome(t.autograd.backward, [y, y], [t.tensor([1.0, 2.0])])
    say.outcome(t.autograd.backward, [y], [t.tensor([1.0, 2.0]), t.tensor([1.0, 2.0])])
    say.outcome(t.autograd.backward, [y, y])
    say.outcome(t.autograd.backward, [])
    say.outcome(t.autograd.backward, [3])
    say.outcome(t.autograd.backward, 3)
    say.outcome(t.autograd.backward, [y, 3])
    say.outcome(t.autograd.backward, [y, c], [t.tensor([1.0, 2.0]), None])
    say.outcome(t.autograd.backward, [c, y], [None, t.tensor([1.0, 2.0])])
    say.outcome(t.autograd.backward, y, t.tensor([1.0, 2.0]), grad_variables=t.tensor([1.0, 2.0]))
    say.outcome(t.autograd.backward, y, grad_variables=t.tensor([1.0, 2.0]), retain_graph=True)
    say(x.grad)
    say.outcome(t.autograd.backward, y, retain_graph=5, grad_tensors=t.tensor([1.0, 2.0]))
    say.outcome(t.autograd.backward, y, t.tensor([1.0, 2.0]), create_graph=1)
    say.outcome(y.backward, t.tensor([1.0, 2.0]), True, False, [x])
    say.outcome(y.backward, t.tensor([1.0, 2.0]), True, False, [x], 5)
    say.outcome(y.backward, gradients=t.tensor([1.0, 2.0]))


@same
def test_grad_errors(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    w = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    c = t.tensor([1.0, 2.0])
    g = t.tensor([1.0, 2.0])
    grad = t.autograd.grad
    say.outcome(grad, y, x)
    say.outcome(grad, y, w, g)
    say.outcome(grad, y, [x, w], g)
    say.outcome(grad, y, [w, x], g)
    say.outcome(grad, y, [x, w], g, allow_unused=True)
    say.outcome(grad, y, [x, w], g, allow_unused=False)
    say.outcome(grad, y, [x, w], g, materialize_grads=True)
    say.outcome(grad, y, [x, w], g, materialize_grads=True, allow_unused=False)
    say.outcome(grad, y, [x, c], g)
    say.outcome(grad, y, [c], g, allow_unused=True)
    say.outcome(grad, c, [x], g)
    say.outcome(grad, c.sum(), [x])
    say.outcome(grad, y, [], g)
    say.outcome(grad, y, [3], g)
    say.outcome(grad, y, 3, g)
    say.outcome(grad, 3, [x], g)
    say.outcome(grad, [3], [x], g)
    say.outcome(grad, [], [x])
    say.outcome(grad, y, x, [g, g])
    say.outcome(grad, [y, y], x, [g])
    say.outcome(grad, [y, y], x, [g, g])
    say.outcome(grad, [y, y.sum()], x, [g, None])
    say.outcome(grad, y, x, t.tensor([1.0]))
    say.outcome(grad, y, x, 3.0)
    say.outcome(grad, y, x, g, only_inputs=False)
    say.outcome(grad, y, {"a": x, "b": w}, g, allow_unused=True)
    say.outcome(grad, y, (x, x), g)
    say.outcome(grad, x, x, g)
    say.outcome(grad, y, y, g)
    say.outcome(grad, y, [y, x], g)
    say.outcome(grad, x, [y], g)
    say.outcome(grad, x, [y, x], g, allow_unused=True)


@same
def test_grad_of_intermediates(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y * y
    w = z * y
    s = w.sum()
    say(t.autograd.grad(s, [w, z, y, x], retain_graph=True))
    say(t.autograd.grad(s, [x, y, x, y], retain_graph=True))
    say(t.autograd.grad([s, z], [y, x], [t.tensor(1.0), t.tensor([1.0, 5.0])], retain_graph=True))
    say(t.autograd.grad(s, y, retain_graph=True))
    say(x.grad, y.retains_grad)


@same
def test_unused_parts_do_not_run(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    w = t.tensor([1.0, 2.0], requires_grad=True)
    a = x.reciprocal()
    b = w.relu()
    s = (a * b).sum()
    t.autograd.grad(s, w)
    a.sum().backward()
    say(x.grad)
    say.outcome(b.sum().backward)


@same
def test_materialize(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    w = t.tensor([1.0, 2.0], requires_grad=True, dtype=t.float64)
    (g,) = t.autograd.grad((x * x).sum(), [w], materialize_grads=True, create_graph=True)
    say(g)
    (g,) = t.autograd.grad((x * x).sum(), [w], materialize_grads=True)
    say(g)


@same
def test_higher_orders(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0, -3.0], requires_grad=True)
    y = (x * x * x * x).sum()
    for _ in range(4):
        (g,) = t.autograd.grad(y, x, create_graph=True)
        say(g)
        y = g.sum()
    say(t.autograd.grad(y, x, allow_unused=True) if y.requires_grad else None)


@same
def test_create_graph_grad_fn(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward(create_graph=True)
    say(x.grad)
    z = x.grad.sum()
    z.backward(create_graph=True)
    say(x.grad)
    x.grad = None
    w = t.tensor([1.0, 2.0], requires_grad=True)
    (w * 2).sum().backward(create_graph=True)
    say(w.grad)
    (w * w).sum().backward(create_graph=True)
    say(w.grad)
    w.grad = None
    m = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    mt = m.detach().t().requires_grad_()
    (mt * mt).sum().backward(create_graph=True)
    say(mt.grad)
    mt.grad = None
    e = t.tensor([1.0]).expand(3).requires_grad_()
    (e * e).sum().backward(create_graph=True)
    say(e.grad)
    e.grad = None


@same
def test_unbroadcast(t: Any, say: Say) -> None:
    a = t.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    b = t.tensor([[1.0], [2.0]], requires_grad=True)
    c = t.tensor(3.0, requires_grad=True)
    d = t.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = a * b + c * d - a / c
    gs = t.autograd.grad(y.sum(), [a, b, c, d], create_graph=True)
    say(gs)
    say(t.autograd.grad(sum((g * g).sum() for g in gs), [a, b, c, d]))


@same
def test_mixed_dtypes(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = t.tensor([1.0, 2.0], dtype=t.float64, requires_grad=True)
    (x * y).sum().backward()
    say(x.grad, y.grad)


@same
def test_retained_flag(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    (g,) = t.autograd.grad(y, x, create_graph=True)
    y.backward()
    say(x.grad)
    say.outcome(y.backward)
    say.outcome(g.sum().backward)
    say(x.grad)


@same
def test_changed_in_place(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    for change in (lambda y, z: y.add_(1), lambda y, z: z.add_(1), lambda y, z: y.view(2, 1).mul_(2)):
        for use in (
            lambda y: y * y,
            lambda y: y.reciprocal(),
            lambda y: y + 1,
            lambda y: y.relu(),
            lambda y: y.view(2, 1) * y,
        ):
            y = x * 2
            z = use(y)
            try:
                change(y, z)
            except RuntimeError as e:
                say(str(e))
                continue
            x.grad = None
            say.outcome(z.sum().backward)
            say(x.grad)


@same
def test_node_is_callable(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    w = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * w
    say.outcome(y.grad_fn, t.tensor([1.0, 5.0]))
    say.outcome(x.reciprocal().grad_fn, t.tensor([1.0, 5.0]))
    say.outcome(x.reciprocal().grad_fn)
    say.outcome(x.reciprocal().grad_fn, None)
    acc = y.grad_fn.next_functions[0][0]
    say(acc.variable is x)
    acc(t.tensor([1.0, 5.0]))
    say(x.grad)
    say(isinstance(acc, t.autograd.graph.Node), isinstance(y.grad_fn, t.autograd.graph.Node))


@same
def test_sequence_numbers(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    a = x * 1
    b = a * 2
    c = b + a
    base = a.grad_fn._sequence_nr()
    say(b.grad_fn._sequence_nr() - base, c.grad_fn._sequence_nr() - base, a.grad_fn.next_functions[0][0]._sequence_nr())


@same
def test_nodes_without_a_derivative_have_no_number(t: Any, say: Say) -> None:
    """They run before all others, and so the first that is reached tells its name."""
    x = t.ones(5, 2, requires_grad=True)
    counts, edges = t.histogramdd(x * 2, [2, 2])
    say(counts.grad_fn._sequence_nr(), edges[0].grad_fn._sequence_nr())
    say(t.autograd.grad((counts * counts + counts.exp()).sum() + counts.sum(), counts))
    roots = [counts.sum(), edges[0].sum()]
    for order in (roots, roots[::-1], [counts.sum(), edges[1].sum()], [edges[1].sum(), counts.sum()]):
        say.outcome(t.autograd.grad, order, x, retain_graph=True)


@same
def test_same_node_object(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    say(y.grad_fn is y.grad_fn, y.grad_fn == y.grad_fn, y.grad_fn.next_functions == y.grad_fn.next_functions)
    z = x * 3
    say(y.grad_fn.next_functions[0][0] is z.grad_fn.next_functions[0][0])


@same
def test_backward_of_leaf(t: Any, say: Say) -> None:
    x = t.tensor(3.0, requires_grad=True)
    x.backward()
    say(x.grad)
    x.backward(t.tensor(2.0))
    say(x.grad)
    v = t.tensor([3.0], requires_grad=True)
    v.backward()
    say(v.grad)


@same
def test_duplicate_roots(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    t.autograd.backward([y, y, x], [t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0]), t.tensor([5.0, 6.0])])
    say(x.grad)
    a, b = (x * 2).unbind(0)
    t.autograd.backward([b, a, b])
    say(x.grad)


@same
def test_root_within_graph(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x.reciprocal()
    z = y * y
    t.autograd.backward([y, z.sum()], [t.tensor([1.0, 1.0]), None])
    say(x.grad)


@same
def test_when_leaves_run(t: Any, say: Say) -> None:
    """As soon as all has arrived: a hook, a Function and an error see what was accumulated by then."""

    class Look(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, *leaves: Any) -> Any:
            ctx.leaves = leaves
            return x.clone()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            say("look", *[leaf.grad for leaf in ctx.leaves])
            return g, None, None

    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            return x + y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g, g.sum().expand(7)

    def function(early: Any, late: Any) -> None:
        (Look.apply(late * 2, early, late) * early * early).sum().backward()

    def error(early: Any, late: Any) -> None:
        y = late * 2
        z = (y * y * early * early).sum()
        y.mul_(2)
        say.outcome(z.backward)
        say(early.grad, late.grad)
        say.outcome(z.backward)

    def hook(early: Any, late: Any) -> None:
        y = late * 2
        y.register_hook(lambda g: say("hook", early.grad, late.grad))
        (y * early * early * late).sum().backward()

    def hooks_of_a_leaf(early: Any, late: Any) -> None:
        early.register_hook(lambda g: say("leaf", late.grad))
        early.register_post_accumulate_grad_hook(lambda p: say("accumulated", p.grad, late.grad))
        ((early * late).reciprocal() * late * early * late).sum().backward()

    def hook_of_the_last(early: Any, late: Any) -> None:
        late.register_post_accumulate_grad_hook(lambda p: say("accumulated", p.grad, early.grad))
        ((early * 3) * late * early).sum().backward()

    def wrong_shape(early: Any, late: Any) -> None:
        say.outcome(Wrong.apply(early, late).sum().backward)
        say(early.grad, late.grad)
        say.outcome((Wrong.apply(early, late * 2) * early).sum().backward)

    for case in (function, error, hook, hooks_of_a_leaf, hook_of_the_last, wrong_shape):
        for kept in (False, True):  # from a graph that is kept, edges lead to the leaves, too
            early, late = (t.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
            older = late * early * early if kept else None
            case(early, late)
            say(early.grad, late.grad, older is None)
    say((early * 2).requires_grad)


@same
def test_names_of_nodes(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    for y in (x + 1, x.exp(), x.view(2, 1), x.sum(), x[0]):
        say(y.grad_fn.name(), type(y.grad_fn).__name__, repr(y.grad_fn).split(" at ")[0])


@same
def test_grad_mode_of_results(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    with t.no_grad():
        (g,) = t.autograd.grad([x], [x], [t.tensor([1.0, 1.0])])
        say(g)
    y = (x * x).sum()
    with t.no_grad():
        (g,) = t.autograd.grad(y, x, create_graph=True)
    say(g.requires_grad, t.is_grad_enabled())
    y = (x * x).sum()
    with t.no_grad():
        y.backward()
    say(x.grad)


@same
def test_numbers_of_numpy(t: Any, say: Say) -> None:
    for number in (np.float64(0.1), np.float32(0.1), np.float16(0.1), np.int64(2**24 + 1), np.int32(3), np.bool_(True)):
        for dtype in (t.float32, t.float64):
            for result in (lambda x, n=number: x * n, lambda x, n=number: x / n, lambda x, n=number: x.clone().mul_(n)):
                x = t.tensor([0.3, -1.7, 2.9, 0.7], dtype=dtype, requires_grad=True)
                y = result(x)
                y.backward(t.tensor([0.11, 0.37, -0.77, 1.3], dtype=dtype))
                say(type(number).__name__, y, x.grad)
    x = t.ones(3, dtype=t.float64, requires_grad=True)
    (x ** np.float16(0.1)).sum().backward()  # whose predecessor, 0.1 − 1, no float16 is
    say(x.grad)


@same
def test_exponents_of_another_dtype(t: Any, say: Say) -> None:
    for of_base, of_exponent in itertools.permutations((t.float16, t.float32, t.float64), 2):
        x = t.tensor([1.0, 4.0], dtype=of_base, requires_grad=True)
        y = t.tensor([2.0, 3.0], dtype=of_exponent, requires_grad=True)
        x.pow(y).sum().backward()
        say(x.grad, y.grad.dtype, [round(v, 6) for v in y.grad.tolist()])
