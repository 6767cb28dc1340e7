"""A tensor and the graph: requires_grad, grad, data, detach, versions, and what is refused."""

from __future__ import annotations

from typing import Any

from programs import Say, same


@same
def test_accumulate_into_grad(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    say(x.grad is first, x.grad, x.grad._version)
    x.grad = None
    (x * 3).sum().backward()
    say(x.grad, first)
    del x.grad
    say(x.grad)


@same
def test_gradient_given_is_not_aliased(t: Any, say: Say) -> None:
    g = t.tensor([1.0, 1.0])
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = t.tensor([1.0, 2.0], requires_grad=True)
    (x + y).backward(g)
    say(x.grad is g, x.grad is y.grad)
    x.grad.add_(5)
    say(g, y.grad)
    x.grad = None
    x.backward(g)
    x.grad.add_(5)
    say(g, x.grad)


@same
def test_layout_of_grads(t: Any, say: Say) -> None:
    m = t.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    for x in (
        m.t(),
        m.t().t(),
        m.view(3, 2),
        t.tensor([1.0]).expand(3),
        t.tensor([[1.0, 2.0]]).expand(3, 2),
        m.t().view(3, 2, 1),
        m.unsqueeze(0).transpose(0, 2),
    ):
        x = x.detach().requires_grad_()
        (x * x).sum().backward()
        say(x.grad)
        (x * 3).sum().backward()
        say(x.grad)


@same
def test_requires_grad_between(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = (x * 2).sum()
    x.requires_grad_(False)
    y.backward()
    say(x.grad)
    x.requires_grad_()
    y = (x * 2).sum()
    y.backward()
    say(x.grad)


@same
def test_leaf_setters(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    i = t.tensor([1, 2])
    say.outcome(y.requires_grad_, False)
    say.outcome(y.requires_grad_, True)
    say.outcome(y.requires_grad_)
    say.outcome(i.requires_grad_)
    say.outcome(i.requires_grad_, False)
    say.outcome(setattr, y, "requires_grad", False)
    say.outcome(setattr, y, "requires_grad", True)
    say.outcome(setattr, i, "requires_grad", True)
    say.outcome(setattr, i, "requires_grad", False)
    say.outcome(setattr, x, "requires_grad", 1)
    say.outcome(setattr, x, "requires_grad", None)
    say.outcome(setattr, x, "requires_grad", "a")
    say.outcome(x.requires_grad_, 1)
    say.outcome(x.requires_grad_, None)
    say.outcome(x.requires_grad_, requires_grad=False)
    say(x)
    say.outcome(t.tensor, [1, 2], requires_grad=True)


@same
def test_grad_setter(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    for value in (
        3,
        [1.0],
        t.tensor([1.0]),
        t.tensor([1.0, 2.0], dtype=t.float64),
        t.tensor([1, 2]),
        x,
        t.tensor([[1.0, 2.0]]),
        t.tensor([3.0, 4.0]),
        None,
        x * 2,
    ):
        say.outcome(setattr, x, "grad", value)
        say(x.grad)
    c = t.tensor([1.0])
    c.grad = t.tensor([2.0])
    say(c.grad)
    y = x * 2
    y.grad = t.tensor([2.0, 3.0])
    say(y.grad)


@same
def test_data_setter(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    say.outcome(setattr, x, "data", 3)
    say.outcome(setattr, x, "data", t.tensor([1, 2]))
    say.outcome(setattr, x, "data", None)
    y = x * x
    x.data = t.tensor([5.0, 6.0, 7.0])
    say(x, x._version)
    say.outcome(y.sum().backward)
    x.data = t.tensor([5.0, 6.0])
    x.data.mul_(2)
    say(x, x._version, x.data.requires_grad, x.data._version)
    x.grad = None
    y = x * x
    x.data = t.tensor([1.0, 1.0])
    y.sum().backward()
    say(x.grad)
    x.data = t.tensor([1.0, 2.0], dtype=t.float64)
    say(x, x.grad)
    x.grad = None
    (x * x).sum().backward()
    say(x.grad)
    z = x * 2
    z.data = t.tensor([9.0, 9.0], dtype=t.float64)
    say(z)
    say.outcome(delattr, x, "data")


@same
def test_data_shares_memory(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    d = x.data
    d.add_(1)
    say(x, x._version, d._version, d._is_view(), d.is_leaf)
    s = x.detach()
    s.add_(1)
    say(x, x._version, s._version, s._is_view(), s.is_leaf, s._base is None)
    y = x * x
    s.add_(1)
    say.outcome(y.sum().backward)
    y = x * x
    d.add_(1)
    say.outcome(y.sum().backward)
    say(x.grad)


@same
def test_detached_then_changed(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    s = y.detach()
    z = y * y
    s.zero_()
    say(y, s, y._version)
    say.outcome(z.sum().backward)


@same
def test_detach_in_place(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    say(y.detach_() is y, y)
    v = (x * 2).view(2, 1)
    say.outcome(v.detach_)
    w = x.view(2, 1)
    say.outcome(w.detach_)
    n = t.tensor([1.0, 2.0]).view(2, 1)
    say.outcome(n.detach_)
    u = x * 3
    k = u.view(2, 1)
    say.outcome(u.detach_)
    say(u, k)


@same
def test_saved_attributes(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    w = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * w
    f = y.grad_fn
    say(f._saved_self is x, f._saved_other, f.name(), type(f).__name__)
    say(x.reciprocal().grad_fn._saved_result)
    y.sum().backward()
    say.outcome(lambda: f._saved_self)
    say.outcome(lambda: f._saved_nothing)
    say.outcome(lambda: f.nothing)
    say(f.metadata, f.requires_grad)


@same
def test_inference_of_requires(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    c = t.tensor([1.0, 2.0])
    say((x * c).requires_grad, (c * c).requires_grad, (x.detach() * c).requires_grad, (x > 0).requires_grad)
    say(
        c.is_leaf,
        x.is_leaf,
        (x * c).is_leaf,
        (c * c).is_leaf,
        x.grad_fn,
        (c * c).grad_fn,
        c._base,
        x.view(2)._base is x,
    )


@same
def test_versions(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0])
    v = x.view(2, 1)
    d = x.detach()
    p = x.data
    say(x._version, v._version, d._version, p._version)
    x.add_(1)
    say(x._version, v._version, d._version, p._version)
    v.mul_(2)
    d.mul_(2)
    say(x._version, v._version, d._version, p._version)
    p.mul_(2)
    say(x._version, v._version, d._version, p._version)
    x += 1
    x *= x
    say(x._version)
    with t.no_grad():
        x.sub_(1)
    say(x._version)
    t.add(x, 1, out=x)
    say(x._version)
