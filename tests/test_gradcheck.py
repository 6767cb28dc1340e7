"""gradcheck and gradgradcheck: what passes, what is found, in which words."""

from __future__ import annotations

from typing import Any

from programs import Say, same


def _double(t, *values):
    return t.tensor(list(values), dtype=t.float64, requires_grad=True)


@same
def test_passes(t: Any, say: Say) -> None:
    x, y = _double(t, 1.0, 2.0, 3.0), _double(t, -1.0, 0.5, 2.0)
    check, check2 = t.autograd.gradcheck, t.autograd.gradgradcheck
    for f in (
        lambda a, b: a * b,
        lambda a, b: (a * b, a + b),
        lambda a, b: a * a * b.sum(),
        lambda a, b: a,
        lambda a, b: (b * 2, a),
    ):
        say(check(f, (x, y)), check(f, [x, y]), check(f, (x, y), fast_mode=True))
    say(
        check2(lambda a, b: a * a * b, (x, y)),
        check2(lambda a, b: (a * b, a * a), (x, y)),
        check2(lambda a: a * a * a, x),
    )
    say(
        check2(lambda a: a * a * a, x, _double(t, 1.0, 1.0, 2.0)),
        check2(lambda a: a * a * a, x, gen_non_contig_grad_outputs=True),
        check2(lambda a: a * a * a, x, fast_mode=True),
    )
    say(x, x.grad)


def _bad(t, backward, forward=lambda x: x * x, save=True):
    class Bad(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx, g):
            return backward(g, *ctx.saved_tensors)

    return Bad.apply


@same
def test_finds(t: Any, say: Say) -> None:
    x = _double(t, 1.0, 2.0, 3.0)
    check = t.autograd.gradcheck
    for f in (
        _bad(t, lambda g, x: g * x),
        _bad(t, lambda g, x: -2 * g * x),
        _bad(t, lambda g, x: 2 * x),
        _bad(t, lambda g, x: None),
        _bad(t, lambda g, x: 2 * g * x + 1e-3),
    ):
        say.outcome(check, f, x)
        say(check(f, x, raise_exception=False))
        say(check(f, x, raise_exception=False, fast_mode=True))
    say(
        check(_bad(t, lambda g, x: 2 * g * x), x),
        check(_bad(t, lambda g, x: 2.0001 * g * x), x),
        check(_bad(t, lambda g, x: 2.01 * g * x), x, rtol=0.1),
    )


@same
def test_forgotten_sum(t: Any, say: Say) -> None:
    x = _double(t, 1.0)
    f = _bad(t, lambda g, x: g[:1], lambda x: x.expand(3) * 1)
    say.outcome(t.autograd.gradcheck, f, x)


@same
def test_second_order_is_wrong(t: Any, say: Say) -> None:
    x = _double(t, 1.0, 2.0)
    f = _bad(t, lambda g, x: (2 * g * x).detach())
    say(t.autograd.gradcheck(f, x))
    say(t.autograd.gradgradcheck(f, x, raise_exception=False))
    f = _bad(t, lambda g, x: 2 * g * x.detach())
    say.outcome(t.autograd.gradgradcheck, f, x, t.tensor([1.0, 1.0], dtype=t.float64, requires_grad=True))


@same
def test_not_linear(t: Any, say: Say) -> None:
    x = _double(t, 1.0, 2.0)
    f = _bad(t, lambda g, x: 2 * x * g * g)
    say.outcome(t.autograd.gradcheck, f, x)
    say.outcome(t.autograd.gradcheck, _bad(t, lambda g, x: 2 * x), _double(t, 3.0))


@same
def test_not_reentrant(t: Any, say: Say) -> None:
    count = []

    def backward(g, x):
        count.append(1)
        return 2 * g * x + 1e-7 * len(count)

    x = _double(t, 1.0, 2.0)
    try:
        t.autograd.gradcheck(_bad(t, backward), x)
    except RuntimeError as e:
        say(type(e).__name__, str(e).split("nondeterminism was")[0])
    say(issubclass(t.autograd.gradcheck.__globals__["GradcheckError"], RuntimeError))


@same
def test_inputs(t: Any, say: Say) -> None:
    check = t.autograd.gradcheck
    f = lambda a: a * 2
    say.outcome(check, f, t.tensor([1.0]))
    say.outcome(check, f, t.tensor([1.0], dtype=t.float64).expand(3).requires_grad_())
    say.outcome(check, f, t.tensor([1.0], requires_grad=True), atol=1.0)
    say.outcome(check, lambda a, n: a * n, (_double(t, 1.0), 3))
    say.outcome(check, lambda a: a.detach() * 2, _double(t, 1.0))
    say.outcome(check, lambda a: a.detach() * 0, _double(t, 1.0))
    say.outcome(check, f, _double(t, 1.0), check_backward_ad=False)
    say.outcome(
        check,
        f,
        (),
    )


@same
def test_undefined(t: Any, say: Say) -> None:
    class F(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            if g is None:
                raise RuntimeError("no")
            return g * 2

    x = _double(t, 1.0, 2.0)
    say.outcome(t.autograd.gradcheck, F.apply, x)
    say.outcome(t.autograd.gradcheck, F.apply, x, check_undefined_grad=False)

    class G(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return t.tensor([1.0, 1.0], dtype=t.float64) if g is None else g * 2

    say.outcome(t.autograd.gradcheck, G.apply, x)


@same
def test_random_numbers_consumed(t: Any, say: Say) -> None:
    t.manual_seed(3)
    x = _double(t, 1.0, 2.0)
    t.autograd.gradgradcheck(lambda a: (a * a, a * 3), x)
    say(t.rand(3))
    t.manual_seed(3)
    t.autograd.gradcheck(lambda a: (a * a, a * 3), x, fast_mode=True)
    say(t.rand(3))
