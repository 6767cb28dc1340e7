"""What a node saved, found changed when it is used: which changes are refused, and how the changed tensor is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from programs import Say, difference, run

import microtorch

Case = Callable[[Any, Any], Any]  # of the library and a 2 × 2 leaf of zeros; what is returned is differentiated


def two(t: Any) -> Any:
    """A Function of two results."""

    class Two(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1, x * 2

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            return g + 2 * h

    return Two


def result_in_part(t: Any, x: Any) -> Any:
    y = x.exp()
    y[0].mul_(2)
    return y


def result_of_which_is_a_view(t: Any, x: Any) -> Any:
    y = x.exp()
    v = y.view(-1)
    v.add_(1)
    return v


def result_in_a_view(t: Any, x: Any) -> Any:
    y = x.clone()
    y[0].exp_()
    y[0].add_(1)
    return y


def result_in_a_view_that_lives(t: Any, x: Any) -> None:
    y = x.clone()
    v = y[0].exp_()
    y.mul_(2)
    y.sum().backward()
    assert v is not None


def result_in_a_view_that_was_asked(t: Any, x: Any) -> None:
    y = x.clone()
    v = y[0].exp_()
    node = v.grad_fn
    y[1].mul_(2)
    v.sum().backward()
    assert node is not None


def result_in_a_view_of_a_view(t: Any, x: Any) -> Any:
    y = x.clone()
    w = y[0][0:1]
    w.sqrt_()
    y[1].mul_(2)
    return w


def result_in_a_view_unrecorded(t: Any, x: Any) -> Any:
    y = x.clone()
    v = y[0].exp_()
    with t.no_grad():
        v.mul_(2)
    return v


def view_of_what_changed(t: Any, x: Any) -> Any:
    y = x * 2
    v = y[0]
    z = v * v
    y[0] = 1
    return z


def view_unrecorded(t: Any, x: Any) -> Any:
    v = (x * 1)[0]
    z = v * v
    with t.no_grad():
        v.mul_(2)
    return z


def one_of_several_views(t: Any, x: Any) -> Any:
    y = x * 2
    a, b = y.unbind()
    z = a * b
    y.add_(1)
    return z


def view_of_no_grad(t: Any, x: Any) -> Any:
    y = x * 2
    with t.no_grad():
        v = y.view(4)
    z = v * x.view(4)
    y.add_(1)
    return z


def view_of_what_got_a_history(t: Any, x: Any) -> Any:
    y = t.ones(2, 2)
    v = y.view(4)
    z = v * x.view(4)
    y.add_(x)
    return z


def plain_tensor(t: Any, x: Any) -> Any:
    y = t.ones(2, 2)
    z = y * x
    y.add_(1)
    return z


def second_of_two(t: Any, x: Any) -> Any:
    _, b = two(t).apply(x)
    z = b * b
    b.mul_(2)
    return z


def view_of_second_of_two(t: Any, x: Any) -> Any:
    _, b = two(t).apply(x)
    v = b[0]
    z = v * v
    b.mul_(2)
    return z


def indices(t: Any, x: Any) -> Any:
    largest, where = (x * 2).max(0)
    where.add_(1)
    return largest


def mean_of_two(t: Any, x: Any) -> Any:
    _, mean = t.var_mean(x * 2)
    z = mean * mean
    mean.add_(2)
    return z


def gradient(t: Any, x: Any) -> Any:
    (g,) = t.autograd.grad((x * x * x).sum(), x, create_graph=True)
    z = g * g
    g.t().add_(1)
    return z


def result_that_a_gradient_needs(t: Any, x: Any) -> Any:
    y = x.tanh()
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    y[0].add_(1)
    return g


def detached(t: Any, x: Any) -> Any:
    y = x * 1
    z = y * y
    y.detach_()
    return z


def detached_and_required(t: Any, x: Any) -> Any:
    y = x * 1
    z = y * y
    y.detach_().requires_grad_()
    return z


def changed_and_detached(t: Any, x: Any) -> Any:
    y = x * 1
    z = y * y
    y.mul_(2)
    y.detach_()
    return z


def detached_second_of_two(t: Any, x: Any) -> Any:
    _, b = two(t).apply(x)
    z = b * b
    b.detach_()
    b.mul_(2)
    return z


def detached_result(t: Any, x: Any) -> Any:
    y = x.exp()
    z = y * 2
    y.detach_()
    return z


CASES: list[Case] = [f for f in list(globals().values()) if callable(f) and f.__module__ == __name__ and f is not two]


@pytest.mark.parametrize("case", CASES)
def test_refused_in_the_same_words(case: Case) -> None:
    def program(t: Any, say: Say) -> None:
        def differentiate() -> Any:
            result = case(t, x)
            if result is not None:
                result.sum().backward()
            return x.grad

        x = t.zeros(2, 2, requires_grad=True)
        say.outcome(differentiate)

    theirs, ours = run(program, torch), run(program, microtorch)
    assert ours == theirs, difference(theirs, ours)


@pytest.mark.parametrize("living", [True, False])
def test_what_a_view_saved_has_its_history(living: bool) -> None:
    """The second gradient leads through the view's `grad_fn` while there is one, else through the operation itself."""

    def program(t: Any, say: Say) -> None:
        x = t.zeros(2, 2, requires_grad=True)
        y = x.clone()
        v = y[0]
        v.exp_()
        node = v.grad_fn if living else None
        del v
        (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
        say(g, node is None)
        say(*t.autograd.grad(g.sum(), x))

    theirs, ours = run(program, torch), run(program, microtorch)
    assert ours == theirs, difference(theirs, ours)
