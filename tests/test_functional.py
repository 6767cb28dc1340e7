"""torch.autograd.functional: values, structure and place in the graph of derivatives, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import Say, difference, run

import microtorch


def x3(t: Any, requires_grad: bool = False) -> Any:
    return t.tensor([1.0, 2.0, 4.0], requires_grad=requires_grad)


def w(t: Any, requires_grad: bool = False) -> Any:
    return t.tensor([[1.0, 2.0], [-1.0, 0.5]], requires_grad=requires_grad)


def one(t: Any) -> Any:
    return t.tensor([3.0])


# A function of the library's tensors and its inputs.
Case = tuple[Callable[[Any], Callable[..., Any]], Callable[[Any], Any]]
VECTORS: dict[str, Case] = {
    "square": (lambda t: lambda x: x**2, x3),
    "square of what requires a gradient": (lambda t: lambda x: x**2, lambda t: x3(t, True)),
    "linear": (lambda t: lambda x: x * 3, x3),
    "sum": (lambda t: lambda x: (x * x * x).sum(), x3),
    "one of one": (lambda t: lambda x: x * x, one),
    "number": (lambda t: lambda x: (x * x).sum(), one),
    "matrix": (lambda t: lambda x: x[:, None] * x, x3),
    "constant": (lambda t: lambda x: t.ones(2), x3),
    "constant with a gradient": (lambda t: lambda x: t.ones(2, requires_grad=True) * 2, x3),
    "whole numbers": (lambda t: lambda x: (x * 2).int(), x3),
    "itself": (lambda t: lambda x: x, x3),
    "in a tuple": (lambda t: lambda x: (x * x,), x3),
    "two": (lambda t: lambda x: (x * x, x.sum()), x3),
    "two, one constant": (lambda t: lambda x: (x * x, t.ones(2)), x3),
    "of a tuple": (lambda t: lambda x: x * x, lambda t: (x3(t),)),
    "of two": (lambda t: lambda x, y: x * y.sum(), lambda t: (x3(t), w(t))),
    "number of two": (lambda t: lambda x, y: (x * x).sum() * (y * y).sum(), lambda t: (x3(t), w(t, True))),
    "of two, one unused": (lambda t: lambda x, y: x * x, lambda t: (x3(t), w(t))),
    "of two, one used linearly": (lambda t: lambda x, y: (x * x).sum() + y.sum(), lambda t: (x3(t), w(t))),
    "two of two": (lambda t: lambda x, y: (x * y.sum(), y * 2), lambda t: (x3(t, True), w(t))),
    "transposed": (lambda t: lambda x: x.t() * x, w),
    "other dtype": (lambda t: lambda x: x.double() * 2, x3),
    "of whole numbers": (lambda t: lambda x: x * 2, lambda t: t.tensor([1, 2])),
    "of nothing": (lambda t: lambda x: x * 2, lambda t: t.ones(0)),
    "not a tensor": (lambda t: lambda x: 3, x3),
    "list": (lambda t: lambda x: [x], x3),
    "not tensors": (lambda t: lambda x: (x, 3), x3),
    "of a number": (lambda t: lambda x: x, lambda t: 3),
    "of a list": (lambda t: lambda x: x, lambda t: [x3(t)]),
    "of numbers": (lambda t: lambda x, y: x, lambda t: (x3(t), 2)),
    "failing": (lambda t: lambda x: {}[0], x3),
}


def like(t: Any, value: Any) -> Any:
    """A vector of the structure of a value."""
    if isinstance(value, tuple):
        return tuple(like(t, v) for v in value)
    if not isinstance(value, t.Tensor):
        return x3(t)
    return t.arange(1.0, value.numel() + 1).reshape(value.shape).to(value.dtype)


def compare(program: Callable[[Any, Say], None]) -> None:
    theirs, ours = run(program, torch), run(program, microtorch)
    theirs = [line for line in theirs if not line.startswith("DeprecationWarning: `torch.jit")]  # of forward mode
    assert ours == theirs, difference(theirs, ours)


def told(say: Say, call: Callable[[], Any], graph: bool = True) -> None:
    """What a call gives; of its place in the graph only whether it has one, as that of second gradients differs.

    Without `graph`, neither that nor strides, which in torch follow from its computing all rows at once.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)(map(plain, value))
        if graph:
            say(value.requires_grad, value.grad_fn is None)
        return value.detach() if graph else value.detach().contiguous()

    say.outcome(lambda: plain(call()))


FLAGS = [
    dict(zip(("create_graph", "strict"), flags, strict=True)) for flags in itertools.product((False, True), repeat=2)
]


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("function", ["vjp", "jvp", "vhp", "hvp"])
def test_products(function: str, name: str) -> None:
    def program(t: Any, say: Say) -> None:
        made, inputs = VECTORS[name]
        product = getattr(t.autograd.functional, function)
        for flags in FLAGS:
            told(say, lambda f=flags: product(made(t), inputs(t), **f))
            v = None
            try:
                v = like(t, made(t)(*inputs(t) if isinstance(inputs(t), tuple) else (inputs(t),)))
            except Exception as error:
                say(type(error).__name__)
            if function != "vjp":
                v = like(t, inputs(t))
            for vector in (v, w(t), (w(t),), 3):
                told(say, lambda f=flags, v=vector: product(made(t), inputs(t), v, **f))

    compare(program)


@pytest.mark.parametrize("name", VECTORS)
def test_jacobian(name: str) -> None:
    def program(t: Any, say: Say) -> None:
        made, inputs = VECTORS[name]
        jacobian = t.autograd.functional.jacobian
        for flags in FLAGS:
            told(say, lambda f=flags: jacobian(made(t), inputs(t), **f))
            told(say, lambda f=flags: jacobian(made(t), inputs(t), vectorize=True, **f), graph=False)
        for flags in (*FLAGS, {"vectorize": True}, {"vectorize": True, "strict": True}):
            if name not in ("constant with a gradient", "of nothing"):  # of which torch makes something else
                told(say, lambda f=flags: jacobian(made(t), inputs(t), strategy="forward-mode", **f), graph=False)
        told(say, lambda: jacobian(made(t), inputs(t), strategy="mode"))

    compare(program)


@pytest.mark.parametrize("name", VECTORS)
def test_hessian(name: str) -> None:
    def program(t: Any, say: Say) -> None:
        made, inputs = VECTORS[name]
        hessian = t.autograd.functional.hessian
        for flags in FLAGS:
            told(say, lambda f=flags: hessian(made(t), inputs(t), **f))
            told(say, lambda f=flags: hessian(made(t), inputs(t), vectorize=True, **f), graph=False)
        told(say, lambda: hessian(made(t), inputs(t), outer_jacobian_strategy="forward-mode"), graph=False)
        if name not in ("of nothing", "constant with a gradient"):
            told(
                say,
                lambda: hessian(made(t), inputs(t), vectorize=True, outer_jacobian_strategy="forward-mode"),
                graph=False,
            )
        told(say, lambda: hessian(made(t), inputs(t), outer_jacobian_strategy="mode"))

    compare(program)


def test_results_go_on_in_the_graph() -> None:
    def program(t: Any, say: Say) -> None:
        functional = t.autograd.functional
        x = x3(t, True)
        j = functional.jacobian(lambda x: x**3, x, create_graph=True)
        h = functional.hessian(lambda x: (x**3).sum(), x, create_graph=True)
        value, product = functional.hvp(lambda x: (x**3).sum(), x, x, create_graph=True)
        for result in (j, h, value, product):
            say(result.grad_fn.name(), *t.autograd.grad(result.sum(), x, retain_graph=True))
        with t.no_grad():
            for result in functional.vjp(lambda x: x**3, x, t.ones(3)):
                say(result)
            for result in functional.jvp(lambda x: x**3, x, t.ones(3), create_graph=True):
                say(result.requires_grad)
        say(x.grad)

    compare(program)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_polynomial(data: st.DataObject) -> None:
    """Sums of products of the inputs' elements: all that is computed is exact."""
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    values = [data.draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n)) for n in sizes]
    powers = data.draw(st.lists(st.tuples(*[st.integers(0, 3)] * len(sizes)), min_size=1, max_size=3))
    number = data.draw(st.booleans())
    flags = {
        "create_graph": data.draw(st.booleans()),
        "strict": data.draw(st.booleans()),
    }

    def program(t: Any, say: Say) -> None:
        def function(*inputs: Any) -> Any:
            total = 0
            for exponents in powers:
                term = t.ones(1)
                for x, exponent in zip(inputs, exponents, strict=True):
                    for _ in range(exponent):
                        term = term * (x.sum() if number or len(inputs) > 1 else x)
                total = total + term
            return total.sum() if number else total

        inputs = tuple(t.tensor([float(v) for v in value]) for value in values)
        functional = t.autograd.functional
        told(say, lambda: functional.jacobian(function, inputs, **flags))
        told(say, lambda: functional.hessian(function, inputs, **flags))
        for product in (functional.vjp, functional.jvp, functional.vhp, functional.hvp):
            told(say, lambda p=product: p(function, inputs, inputs, **flags))

    compare(program)
