"""What `out=` does to the tensor it is given and to others on its memory; gradients that only their recorded form shows."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from programs import Say, same

import microtorch


@same
def test_memory_stays_where_there_is_room(t: Any, say: Say) -> None:
    whole = t.arange(6.0)
    part = whole[1:]
    say(t.add(t.ones(2, 2), 1, out=part), whole, part.storage_offset())
    say(t.zeros(3, out=part), whole, part.storage_offset())


@same
def test_the_places_of_what_is_not_0(t: Any, say: Say) -> None:
    x = t.tensor([[1, 2, 0], [0, 3, 4]])
    for whole in (t.zeros(20, dtype=t.int64), t.zeros(9, dtype=t.int64), t.zeros(8, dtype=t.int64)):
        for out in (whole[::2], whole[:0], whole.view(-1)[-8:].view(4, 2)):
            with warnings.catch_warnings(action="ignore"):  # that `out` is resized
                say(t.nonzero(x, out=out) is out, out, whole, out.storage_offset(), out._version)
    for shape in ((5,), (4, 2)):
        say.outcome(t.nonzero, x, out=t.zeros(1, dtype=t.int64).expand(shape))


@same
def test_what_overlaps_itself_is_refused_before_it_is_resized(t: Any, say: Say) -> None:
    for dtype in (t.float32, t.int64):
        for other in (1, t.ones(4), t.ones(3)):
            out = t.zeros(1, dtype=dtype).expand(5)
            say.outcome(t.add, t.ones(4), other, out=out)
            say(out)
    for function in (t.exp, t.sigmoid, lambda x, **out: t.add(x.requires_grad_(), 1, **out)):
        say.outcome(function, t.ones(4), out=t.zeros(1).expand(5))


@same
def test_a_constant_decides_whether_its_tensor_requires_a_gradient(t: Any, say: Say) -> None:
    for create in (t.ones, t.zeros):
        x = t.ones(2, requires_grad=True)
        say.outcome(create, 2, out=x)
        with t.no_grad():
            say(create(2, out=x), create(2, out=x, requires_grad=True), create(2, out=x))
            say(create(2, out=t.ones(2, requires_grad=True) * 2))
            say.outcome(create, 2, out=t.ones(2, dtype=t.int64), requires_grad=True)


@same
def test_differences_of_nothing(t: Any, say: Say) -> None:
    say.outcome(t.diff, t.ones(0))
    say.outcome(t.diff, t.ones(0), out=t.ones(0))
    say.outcome(t.diff, t.ones(0), 0, out=t.ones(0))
    say.outcome(t.diff, t.ones(1), 2, out=t.ones(0))


@pytest.mark.filterwarnings("ignore::RuntimeWarning:microtorch")
def test_an_eps_below_0_is_none_unless_the_gradient_is_recorded() -> None:
    def slopes(t: Any) -> list[str]:
        x = t.tensor([0.25, -1.0, 2.0, -3.0, float("nan")], requires_grad=True)
        found = [
            t.autograd.grad(t.logit(x, eps).sum(), x, create_graph=recorded)[0].tolist()
            for eps in (None, -1.0, -0.0)
            for recorded in (False, True)
        ]
        return list(map(str, found))

    assert slopes(microtorch) == slopes(torch)


@same
def test_of_several_zeros_the_second_gradient_is_refused(t: Any, say: Say) -> None:
    for name in ("scatter_reduce", "index_reduce"):
        x, source = (t.tensor(numbers, requires_grad=True) for numbers in ([1.0, 2.0, 3.0], [0.0, 0.0, 2.0, 0.0]))
        with warnings.catch_warnings(action="ignore"):  # that index_reduce is young is said once
            product = getattr(t, name)(x, 0, t.tensor([0, 0, 1, 2]), source, "prod")
        of_x, of_source = t.autograd.grad(product.sum(), [x, source], create_graph=True)
        say(of_x.detach(), of_source.detach(), of_source.grad_fn.name())
        say.outcome(t.autograd.grad, of_source.sum(), source, retain_graph=True)
        say.outcome(t.autograd.grad, of_x.sum(), [x, source])


@same
def test_asarray_lets_a_view_have_a_gradient_of_its_own(t: Any, say: Say) -> None:
    x = t.ones(2, requires_grad=True)
    with t.no_grad():
        view = x[:1]
    with warnings.catch_warnings(action="ignore"):  # what `requires_grad` is by default is said once
        same_view = t.asarray(view)
    for y in (view, same_view):
        say(y is view, t.autograd.grad(y.sum(), y, allow_unused=True))


@same
def test_what_is_not_a_number_counts_as_negative(t: Any, say: Say) -> None:
    x, weight, g = (t.tensor([v], requires_grad=True) for v in (float("nan"), 0.25, 3.0))
    of_x, of_weight = t.autograd.grad(t.prelu(x, weight), (x, weight), g, create_graph=True)
    say(t.autograd.grad(of_x.sum(), weight, retain_graph=True), t.autograd.grad(of_weight.sum(), x))


@same
def test_of_two_reasons_not_to_negate_the_dtype_comes_first(t: Any, say: Say) -> None:
    say.outcome(t.tensor([True]).expand(2).neg_)
