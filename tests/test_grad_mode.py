"""Grad modes and inference mode, as statements, context managers and decorators."""

from __future__ import annotations

from typing import Any

from programs import Say, same


@same
def test_contexts(t: Any, say: Say) -> None:
    say(t.is_grad_enabled())
    with t.no_grad():
        say(t.is_grad_enabled())
        with t.enable_grad():
            say(t.is_grad_enabled())
            with t.set_grad_enabled(False):
                say(t.is_grad_enabled())
            say(t.is_grad_enabled())
            with t.inference_mode():
                say(t.is_grad_enabled(), t.is_inference_mode_enabled())
                with t.inference_mode(False):
                    say(t.is_grad_enabled(), t.is_inference_mode_enabled())
                with t.enable_grad():
                    say(t.is_grad_enabled(), t.is_inference_mode_enabled())
        say(t.is_grad_enabled())
    say(t.is_grad_enabled(), t.is_inference_mode_enabled())


@same
def test_errors_leave_the_mode(t: Any, say: Say) -> None:
    def f():
        raise ValueError("x")

    for mode in (t.no_grad, t.enable_grad, t.inference_mode, lambda: t.set_grad_enabled(False)):
        try:
            with mode():
                f()
        except ValueError:
            pass
        say(t.is_grad_enabled(), t.is_inference_mode_enabled())
        say.outcome(mode()(f))
        say(t.is_grad_enabled(), t.is_inference_mode_enabled())


@same
def test_decorators(t: Any, say: Say) -> None:
    @t.no_grad()
    def a():
        return t.is_grad_enabled()

    @t.no_grad
    def b():
        return t.is_grad_enabled()

    @t.enable_grad()
    def c():
        return t.is_grad_enabled()

    @t.set_grad_enabled(False)
    def d():
        return t.is_grad_enabled()

    @t.inference_mode()
    def e():
        return t.is_inference_mode_enabled()

    @t.inference_mode
    def f():
        return t.is_inference_mode_enabled()

    @t.inference_mode(False)
    def g():
        return t.is_inference_mode_enabled()

    @t.inference_mode(mode=True)
    def h():
        return t.is_inference_mode_enabled()

    say(t.is_grad_enabled())
    say(a(), b(), c(), d(), e(), f(), g(), h())
    with t.no_grad():
        say(a(), b(), c(), d(), e(), f(), g(), h())
    say(a.__name__, d.__name__)


@same
def test_set_grad_as_statement(t: Any, say: Say) -> None:
    t.set_grad_enabled(False)
    say(t.is_grad_enabled())
    t.set_grad_enabled(True)
    say(t.is_grad_enabled())
    s = t.set_grad_enabled(False)
    say(t.is_grad_enabled())
    with s:
        say(t.is_grad_enabled())
    say(t.is_grad_enabled())
    with s:
        say(t.is_grad_enabled())
    say(t.is_grad_enabled())
    say.outcome(t.set_grad_enabled, 1)
    say.outcome(t.set_grad_enabled, "a")
    say.outcome(t.set_grad_enabled, None)
    say.outcome(t.set_grad_enabled)
    t.set_grad_enabled(mode=True)
    say(repr(t.set_grad_enabled(True)), str(t.set_grad_enabled(True)))


@same
def test_one_object_nested(t: Any, say: Say) -> None:
    n = t.no_grad()
    with n:
        with t.enable_grad():
            with n:
                say(t.is_grad_enabled())
            say(t.is_grad_enabled())
        say(t.is_grad_enabled())
    say(t.is_grad_enabled())


@same
def test_generators(t: Any, say: Say) -> None:
    @t.no_grad()
    def gen():
        try:
            say("in", t.is_grad_enabled())
            got = yield 1
            say("sent", got, t.is_grad_enabled())
            with t.enable_grad():
                yield 2
                say(t.is_grad_enabled())
            try:
                yield 3
            except KeyError as e:
                say("caught", str(e), t.is_grad_enabled())
            yield 4
        finally:
            say("end", t.is_grad_enabled())
        return 5

    g = gen()
    say(next(g), t.is_grad_enabled())
    say(g.send("hello"), t.is_grad_enabled())
    say(next(g), t.is_grad_enabled())
    say(g.throw(KeyError("k")), t.is_grad_enabled())
    try:
        next(g)
    except StopIteration as stop:
        say(stop.value)
    g = gen()
    next(g)
    g.close()
    say(t.is_grad_enabled())

    def outer():
        return (yield from gen())

    o = outer()
    say(list(o))


@same
def test_classes(t: Any, say: Say) -> None:
    @t.no_grad()
    class A:
        def __init__(self):
            self.mode = t.is_grad_enabled()

        def method(self):
            return t.is_grad_enabled()

    a = A()
    say(a.mode, a.method())


@same
def test_decorated_methods(t: Any, say: Say) -> None:
    class A:
        @t.no_grad()
        def m(self):
            return t.is_grad_enabled(), self

        @staticmethod
        @t.no_grad()
        def s():
            return t.is_grad_enabled()

        @classmethod
        @t.no_grad()
        def c(cls):
            return t.is_grad_enabled(), cls is A

    a = A()
    say(a.m()[0], a.m()[1] is a, A.s(), A.c())


@same
def test_coroutine(t: Any, say: Say) -> None:
    import asyncio

    @t.no_grad()
    async def f():
        return t.is_grad_enabled()

    say(asyncio.run(f()))


@same
def test_threads(t: Any, say: Say) -> None:
    import threading

    seen = []
    with t.no_grad():
        th = threading.Thread(target=lambda: seen.append((t.is_grad_enabled(), t.is_inference_mode_enabled())))
        th.start()
        th.join()
    with t.inference_mode():
        th = threading.Thread(target=lambda: seen.append((t.is_grad_enabled(), t.is_inference_mode_enabled())))
        th.start()
        th.join()

    def turn():
        t.set_grad_enabled(False)

    th = threading.Thread(target=turn)
    th.start()
    th.join()
    say(seen, t.is_grad_enabled())


@same
def test_no_grad_results(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    with t.no_grad():
        y = x * 2
        z = t.tensor([1.0], requires_grad=True)
        w = (z * 2).requires_grad_()
    say(y, z, w, w.is_leaf)


@same
def test_inference_tensors(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    c = t.tensor([1.0, 2.0])
    with t.inference_mode():
        a = t.tensor([1.0, 2.0])
        b = x * 2
        v = x.view(2, 1)
        va = a.view(2, 1)
        d = x.detach()
        say(a.is_inference(), b.is_inference(), v.is_inference(), va.is_inference(), d.is_inference(), x.is_inference())
        say(b.requires_grad, v.requires_grad, v._is_view(), va._is_view(), a._is_view())
        a.add_(1)
        c.add_(1)
        va.add_(1)
        say(c._version, c, a)
        say.outcome(lambda: a._version)
        e = t.tensor([1.0], requires_grad=True)
        say(e.requires_grad, (e * 2).requires_grad, e.is_inference())
        say.outcome(x.add_, 1)
    say(x, x._version)
    say.outcome(lambda: a._version)
    say(
        a.is_inference(),
        a.view(2, 1).is_inference(),
        (a * 2).is_inference(),
        a.detach().is_inference(),
        a.clone().is_inference(),
    )
    say(a.view(2, 1)._is_view())
    say.outcome(lambda: x * a)
    say.outcome(lambda: x + a)
    say.outcome(lambda: x * a.clone())
    say.outcome(a.requires_grad_)
    with t.no_grad():
        say.outcome(lambda: x * a)
    say.outcome(v.add_, 1)
    say(v.is_inference(), v._version, v.requires_grad)
    say.outcome(c.add_, a)
    say.outcome(c.mul_, a)
    say(a.data.is_inference())
    say.outcome(a.add_, 1)
    say.outcome(a.view(2, 1).add_, 1)
    say.outcome(t.add, c, 1, out=a)


@same
def test_inference_view_of_plain(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    c = t.tensor([1.0, 2.0])
    with t.inference_mode():
        v = c.view(2, 1)
    say(v.is_inference(), v._is_view(), v._base is c)
    v.add_(1)
    say(c, c._version)
    say.outcome(v.mul_, x.view(2, 1))
    say.outcome(c.mul_, x)
    say.outcome(lambda: v.grad_fn)
    z = x * 1
    with t.inference_mode():
        u = z.view(2, 1)
        z.add_(1)
    say(z)
    say.outcome(lambda: u.grad_fn)
    say.outcome(u.mul_, 2)


@same
def test_inference_requires_grad(t: Any, say: Say) -> None:
    with t.inference_mode():
        a = t.tensor([1.0, 2.0])
        say.outcome(a.requires_grad_)
        b = a * 2
        say.outcome(b.requires_grad_)
        say.outcome(setattr, a, "requires_grad", True)
    say.outcome(setattr, a, "requires_grad", True)
    say(a.requires_grad)
    say.outcome(lambda: a * 2)


@same
def test_backward_in_inference(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    with t.inference_mode():
        say.outcome(y.backward)
    say(x.grad)


@same
def test_names_and_repr(t: Any, say: Say) -> None:
    say(t.no_grad.__name__, t.autograd.grad_mode.no_grad is t.no_grad, t.autograd.no_grad is t.no_grad)
    say(t.inference_mode().mode, t.set_grad_enabled(True).mode)
    say(t.no_grad().clone().__class__.__name__)
    t.autograd.set_grad_enabled(True)
    say(t.autograd.grad_mode.set_grad_enabled is t.set_grad_enabled)


@same
def test_lambda_and_partial(t: Any, say: Say) -> None:
    import functools

    f = t.no_grad()(lambda: t.is_grad_enabled())
    g = t.no_grad()(functools.partial(lambda a: t.is_grad_enabled(), 1))
    say(f(), g())


@same
def test_recursion_of_decorated(t: Any, say: Say) -> None:
    @t.no_grad()
    def f(n):
        return [t.is_grad_enabled()] + (f(n - 1) if n else [])

    say(f(3), t.is_grad_enabled())


@same
def test_arguments(t: Any, say: Say) -> None:
    @t.no_grad()
    def f(a, *b, c=3, **d):
        return (a, b, c, d)

    say(f(1, 2, 3, c=4, e=5))


@same
def test_a_number_of_a_tensor_that_requires_grad(t: Any, say: Say) -> None:
    """torch warns of the graph that ends there; where none is recorded, nothing ends."""
    number = t.tensor(2.0, requires_grad=True)
    t.set_warn_always(True)
    try:
        with t.no_grad():
            say(float(number), complex(number))
        with t.inference_mode():
            say(float(number * 3))
        say(float(number), complex(number * 2), int(number), bool(number))
    finally:
        t.set_warn_always(False)
