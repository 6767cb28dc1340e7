"""In-place operations: on leaves, on results, through views; versions, rebased graphs, and what is refused."""

from __future__ import annotations

from typing import Any

from programs import Say, same


@same
def test_inplace_on_leaves(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    c = t.tensor([1.0, 2.0])
    say.outcome(x.add_, 1)
    say.outcome(x.mul_, c)
    say.outcome(x.view(2, 1).mul_, 2)
    say.outcome(x.view(2, 1).view(2).mul_, 2)
    say.outcome(x[0:1].mul_, 2)
    say.outcome(x.__setitem__, 0, 5.0)
    say.outcome(x.copy_, c)
    say.outcome(x.fill_, 1.0)
    say.outcome(x.zero_)
    say(x, x._version)
    with t.no_grad():
        x.add_(1)
        x.view(2, 1).mul_(2)
        x[0] = 7
    say(x, x._version)
    c.add_(x.detach())
    say(c)
    c.add_(x)
    say(c)
    i = t.tensor([1, 2])
    i.add_(1)
    say(i)


@same
def test_inplace_on_nonleaf(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    before = y.grad_fn
    say(y.add_(1) is y, y, before is y.grad_fn)
    y *= 3
    y -= x
    y /= 2
    say(y, y._version)
    y.sum().backward()
    say(x.grad)


@same
def test_inplace_makes_nonleaf(t: Any, say: Say) -> None:
    c = t.tensor([1.0, 2.0])
    x = t.tensor([3.0, 4.0], requires_grad=True)
    c.mul_(x)
    say(c, c.requires_grad)
    c.sum().backward()
    say(x.grad)
    d = t.tensor([1.0, 2.0, 3.0])
    v = d[1:]
    v.mul_(x)
    say(v, d)
    (d * d).sum().backward()
    say(x.grad)


@same
def test_inplace_on_view(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 2
    v = y[0]
    w = y.view(4)
    v.mul_(3)
    say(y)
    say(v)
    say(w)
    say(y._version, v._version, w._version)
    (y * y).sum().backward()
    say(x.grad)


@same
def test_inplace_on_base(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 2
    v = y.t()
    u = v[1]
    e = y[:1].expand(3, 2)
    y.add_(x)
    say(v, u, e)
    (v.sum() + (u * u).sum() + (e * 2).sum()).backward()
    say(x.grad)


@same
def test_chains_of_views(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    y = x * 1
    a = y.t()
    b = a[1:]
    c = b.transpose(0, 1)
    c.mul_(2)
    a.add_(1)
    b[0].mul_(x[:, 0])
    say(y, a, b, c)
    (y * t.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).sum().backward()
    say(x.grad)


@same
def test_is_leaf_is_not_refreshed(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = t.tensor([1.0, 2.0])
    v = y.view(2, 1)
    y.mul_(x)
    say(v.is_leaf, v.requires_grad, v.output_nr)
    say(type(v.grad_fn).__name__)
    say(v.is_leaf, v.requires_grad)


@same
def test_assignment(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = t.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    y[0] = x
    y[1, 1] = x[0]
    y[:, 2] = 5.0
    say(y, y._version)
    (y * y).sum().backward()
    say(x.grad)
    z = x * 2
    z[1:] = x[:2]
    say(z)
    (z * z).sum().backward()
    say(x.grad)


@same
def test_copy_and_fill(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0, 3.0], requires_grad=True)
    d = t.tensor([1.0, 2.0, 3.0], dtype=t.float64, requires_grad=True)
    y = x * 2
    y.copy_(d)
    say(y)
    (y * y).sum().backward()
    say(x.grad, d.grad)
    x.grad = None
    y = x * 2
    y.zero_()
    say(y)
    y.sum().backward()
    say(x.grad)
    x.grad = None
    y = x * 2
    y.fill_(3)
    say(y)
    y[1:].zero_()
    say(y)
    y.sum().backward()
    say(x.grad)


@same
def test_no_grad_views(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    with t.no_grad():
        v = x.view(2, 1)
        w = v.view(2)
    say(v, v.requires_grad, v.is_leaf, v._base is x, w._base is x)
    say.outcome(v.mul_, 2)
    say.outcome(w.mul_, 2)
    u = w.view(1, 2)
    say(u)
    say.outcome(u.mul_, 2)
    with t.no_grad():
        v.mul_(2)
    say.outcome(lambda: v.grad_fn)
    say(x)
    say.outcome(lambda: v * 2)
    say(repr(v).replace("\n", ""))
    y = x * 1
    with t.no_grad():
        v = y.view(2, 1)
    k = v.view(2)
    say(k)
    say.outcome(k.mul_, 2)
    y.mul_(2)
    say.outcome(lambda: v.grad_fn)
    say.outcome(lambda: k.grad_fn)


@same
def test_no_grad_view_of_plain(t: Any, say: Say) -> None:
    c = t.tensor([1.0, 2.0])
    x = t.tensor([1.0, 2.0], requires_grad=True)
    with t.no_grad():
        v = c.view(2, 1)
    v.mul_(2)
    say(v, c)
    say.outcome(v.mul_, x.view(2, 1))
    say.outcome(c.mul_, x)
    say(c)
    say.outcome(lambda: v.grad_fn)


@same
def test_multi_output_views(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for split in (lambda y: y.unbind(0), lambda y: y.split(1), lambda y: y.chunk(2)):
        y = x * 2
        a, b = split(y)
        say(a, b)
        say.outcome(a.mul_, 2)
        say.outcome(a.view(-1).mul_, 2)
        c = a.view(-1)
        say(c)
        y.mul_(2)
        say.outcome(getattr, a, "grad_fn")
        say.outcome(getattr, c, "grad_fn")
        with t.no_grad():
            a.mul_(2)
        say(y)
    with t.no_grad():
        a, _ = (x * 2).unbind(0)
    say.outcome(a.mul_, x[0])
    p, _ = t.tensor([[1.0, 2.0], [3.0, 4.0]]).unbind(0)
    p.mul_(2)
    say(p)
    say.outcome(p.mul_, x[0])
    a, _ = (x * 2).unbind(0)
    with t.no_grad():
        v = a.view(2, 1)
    say.outcome(v.mul_, 2)


@same
def test_requires_grad_on_views(t: Any, say: Say) -> None:
    c = t.tensor([1.0, 2.0])
    v = c.view(2, 1)
    v.requires_grad_()
    say(v, c, v.is_leaf)
    (v * 2).sum().backward()
    say(v.grad, c.grad)
    say.outcome(v.mul_, 2)
    say.outcome(c.mul_, 2)
    say(v, v.grad_fn)
    c = t.tensor([1.0, 2.0])
    v = c.view(2, 1)
    c.requires_grad_()
    say(v.requires_grad, v.is_leaf, v.grad_fn)
    say(v * 2)
    say.outcome((v * 2).sum().backward)
    say.outcome(v.mul_, 2)
    say.outcome(v.requires_grad_, False)
    say(v.requires_grad)
    with t.no_grad():
        c.mul_(2)
    say(v.grad_fn)
    say.outcome(v.requires_grad_, False)


@same
def test_requires_grad_through_base(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    c = t.tensor([1.0, 2.0])
    v = c.view(2, 1)
    w = c.view(1, 2)
    v.mul_(x.view(2, 1))
    say(c.requires_grad, v.requires_grad, w.requires_grad)
    say(c, v, w)


@same
def test_double_backward_through_views(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * x
    y[0].mul_(x[1])
    (g,) = t.autograd.grad((y * y).sum(), x, create_graph=True)
    say(g)
    say(t.autograd.grad((g * g).sum(), x))
    y = x * x
    v = y.t()
    y.mul_(x)
    (g,) = t.autograd.grad((v * v)[1].sum(), x, create_graph=True)
    say(g)
    say(t.autograd.grad((g * g).sum(), x))


@same
def test_double_backward_through_expanded(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    v = y.expand(3, 2)
    y.mul_(x)
    (g,) = t.autograd.grad((v * v).sum(), x, create_graph=True)
    say(g)
    say(t.autograd.grad((g * g).sum(), x))


@same
def test_unneeded_in_copy_slices(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    c = t.tensor([1.0, 2.0])
    y = x * 2
    y[:1].mul_(c[1:])
    y.sum().backward()
    say(x.grad)
    d = t.tensor([1.0, 2.0])
    d[:1].mul_(x[1:])
    d.sum().backward()
    say(x.grad)
    y = x * 2
    y[:1].mul_(x[1:])
    y.sum().backward()
    say.outcome(y.sum().backward)
    y = x * 2
    y[:1].add_(x[1:])
    y.sum().backward()
    say.outcome(y.sum().backward)
    y = x * 1
    y[:1] = x[1:]
    z = y.sum()
    z.backward()
    say.outcome(z.backward)


@same
def test_second_backward_through_copy_slices(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    for retain in (False, True):
        y = x.clone()
        y[:1].add_(x[1:])
        z = y.sum()
        z.backward(retain_graph=retain)
        say.outcome(z.backward)
    say(x.grad)


@same
def test_a_leaf_that_becomes_a_result(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    c = t.tensor([1.0, 2.0], requires_grad=True)
    y = c * 2
    c.requires_grad_(False)
    c.mul_(x)
    say.outcome(y.sum().backward)
    v = t.tensor([1.0, 2.0]).view(2, 1).requires_grad_()
    y = v * 2
    v._base.mul_(x)
    say.outcome(y.sum().backward)
    say(x.grad, v)


@same
def test_a_view_gets_its_history_at_once(t: Any, say: Say) -> None:
    """So that it is older than what is computed from its base afterwards, and runs later."""
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    v = y[1:]
    v.mul_(3)
    w = y * 5
    v.register_hook(lambda g: say("v", g))
    w.register_hook(lambda g: say("w", g))
    t.autograd.backward([v.sum(), w.sum()])
    say(x.grad)


@same
def test_original_saved_by_inplace(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    w = t.tensor([3.0, 4.0], requires_grad=True)
    y = x * 1
    y.mul_(w)
    y.sum().backward()
    say(x.grad, w.grad)
    y = x * 1
    say.outcome(y.mul_(y).sum().backward)
    y = x * 1
    y.exp_()
    say.outcome(y.sum().backward)
    y = x * 1
    say.outcome(y.sin_().sum().backward)
    y = x * 1
    y.pow_(2)
    say.outcome(y.sum().backward)


@same
def test_out_of_autograd(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    o = t.tensor([1.0, 2.0])
    say.outcome(t.add, x, 1, out=o)
    say.outcome(t.add, o, 1, out=x)
    with t.no_grad():
        say.outcome(t.add, x, 1, out=o)
        say.outcome(t.add, o, 1, out=x)
    say(x, o, x._version, o._version)


@same
def test_version_of_view_after_data(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0])
    v = x.view(2, 1)
    x.data = t.tensor([5.0, 6.0])
    say(x, v, v._base is x)
    x.add_(1)
    say(x, v, v._version)


@same
def test_detach_keeps_counter(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    d = y.detach()
    dv = d.view(2, 1)
    dv.add_(1)
    say(y._version, d._version, dv._version, y, dv._base is d)
    v = y.view(2, 1).detach()
    v.add_(1)
    say(y._version, v._version, v._is_view(), y.grad_fn)


@same
def test_swap_through_grad(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    (x * 2).sum().backward()
    x.grad.zero_()
    say(x.grad)
    x.grad.data.add_(1)
    say(x.grad, x.grad._version)
    x.data.sub_(x.grad)
    say(x)
    x.grad.detach_()
    x.grad.requires_grad_(False)
    say(x.grad)


@same
def test_base_dies(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    v = (x * 2).view(2, 1)
    v.mul_(3)
    say(v, v._base)
    v.sum().backward()
    say(x.grad)


@same
def test_set_requires_grad_false_then_inplace(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    x.requires_grad_(False)
    x.add_(1)
    x.requires_grad_()
    (x * x).sum().backward()
    say(x.grad)


@same
def test_iadd_operators(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    z = y
    y += 1
    say(z is y, y)
    y = y + 1
    say(z is y)

    def f():
        nonlocal x
        x += 1

    say.outcome(f)


@same
def test_setitem_keeps_graph_of_value(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    buffer = t.tensor([0.0, 0.0, 0.0, 0.0])
    for i in range(2):
        buffer[i] = (x * x)[i]
    buffer[2:] = x
    say(buffer)
    (buffer * buffer).sum().backward()
    say(x.grad)
