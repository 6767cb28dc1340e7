"""Faults planted into torch are found by parity at the right step, quantity and element; none is called noise."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from parity_harness import BY_HAND, TRAINING, Fault, at_call, patched, run

from parity.compare import Comparison, compare, differs
from parity.floor import floor_of
from parity.judge import DEMANDS, DIFFERENT, IDENTICAL, WITHIN_NOISE, judge
from parity.locate import first_parting, locate
from parity.trace import (
    BATCH,
    END,
    FORWARD,
    GENERATOR,
    GRADIENT,
    INITIAL,
    LOSS,
    STATE,
    WEIGHT,
    Event,
    Keep,
    Trace,
)


def nudge(tensor: torch.Tensor, *index: int) -> None:
    """Make one element a thousandth larger."""
    with torch.no_grad():
        tensor[index] = tensor[index] * 1.001 + 1e-3


def parameter(optimizer: Any, place: int) -> torch.Tensor:
    found: torch.Tensor = optimizer.param_groups[0]["params"][place]
    return found


def in_step(number: int, **when: Any) -> Fault:
    return lambda: patched(torch.optim.SGD, "step", at_call(number, **when))


def in_linear_reset(number: int, after: Any) -> Fault:
    return lambda: patched(torch.nn.Linear, "reset_parameters", at_call(number, after=after))


def in_function(owner: Any, name: str, number: int, **when: Any) -> Fault:
    return lambda: patched(owner, name, at_call(number, **when))


F = torch.nn.functional

# fault, where it is first seen: step, phase, name, index
TABLE: dict[str, tuple[Fault, int, str, str, tuple[int, ...]]] = {
    "initial weight": (in_linear_reset(1, lambda self, _: nudge(self.weight, 0, 3)), 0, INITIAL, "2.weight", (0, 3)),
    "initial bias": (in_linear_reset(0, lambda self, _: nudge(self.bias, 7)), 0, INITIAL, "0.bias", (7,)),
    "one draw too many": (
        in_function(torch, "randperm", 4, before=lambda *_: torch.rand(1)),
        4,
        BATCH,
        "Sequential input",
        (0, 0),
    ),
    "a batch in another order": (
        in_function(
            torch, "randperm", 6, after=lambda n, index: torch.cat([index[2:3], index[1:2], index[:1], index[3:]])
        ),
        6,
        BATCH,
        "Sequential input",
        (0, 0),
    ),
    "forward": (
        in_function(torch, "tanh", 5, after=lambda x, y: y * 1.001),
        5,
        FORWARD,
        "Sequential output",
        (0, 0),
    ),
    "loss": (in_function(F, "mse_loss", 3, after=lambda a, b, loss: loss * 1.5), 3, LOSS, "", ()),
    "gradient of one element": (
        in_function(torch.Tensor, "backward", 9, after=lambda *_: nudge(the_net()[0].weight.grad, 5, 2)),
        9,
        GRADIENT,
        "0.weight",
        (5, 2),
    ),
    "sign of a gradient": (
        in_function(torch.Tensor, "backward", 2, after=lambda *_: the_net()[2].bias.grad.neg_() and None),
        2,
        GRADIENT,
        "2.bias",
        (0,),
    ),
    "a gradient that is missing": (
        in_function(torch.Tensor, "backward", 2, after=lambda *_: setattr(the_net()[2].bias, "grad", None)),
        2,
        GRADIENT,
        "2.bias",
        (),
    ),
    "optimizer state": (
        in_step(7, after=lambda self, _: nudge(self.state[parameter(self, 0)]["momentum_buffer"], 1, 1)),
        7,
        STATE,
        "momentum_buffer of 0.weight",
        (1, 1),
    ),
    "learning rate": (
        in_function(
            torch.optim.lr_scheduler.StepLR,
            "step",
            5,
            after=lambda self, _: self.optimizer.param_groups[0].update(lr=1e-3),
        ),
        5,
        STATE,
        "lr of group 0",
        (),
    ),
    "update": (in_step(10, after=lambda self, _: nudge(parameter(self, 3), 0)), 10, WEIGHT, "2.bias", (0,)),
}

nets: list[torch.nn.Module] = []


def the_net() -> Any:
    return nets[-1]


@pytest.fixture(autouse=True)
def remember_nets() -> Any:
    """The latest `Sequential`, for faults that reach into the model."""
    with patched(torch.nn.Sequential, "__init__", at_call_always(lambda self: nets.append(self))):
        yield
    nets.clear()


def at_call_always(then: Any) -> Any:
    def around(original: Any) -> Any:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            then(self)

        return wrapper

    return around


@cache
def reference(source: str, steps: int, dtype: torch.dtype) -> Trace:
    return run(source, steps=steps, dtype=dtype)[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", TABLE)
def test_planted_fault_is_found(name: str, dtype: torch.dtype) -> None:
    fault, step, phase, quantity, index = TABLE[name]
    comparison = compare(reference(TRAINING, 12, dtype), run(TRAINING, fault=fault, dtype=dtype)[0])
    parting = first_parting(comparison, differs)
    assert parting is not None
    assert (parting.number, parting.key, parting.exact) == (step, (phase, quantity), True)
    if phase not in (BATCH, FORWARD):  # there many elements change
        assert parting.at == index
    assert judge(comparison, DEMANDS[str(dtype).removeprefix("torch.")]).word == DIFFERENT


def test_no_fault_is_identical() -> None:
    comparison = compare(reference(TRAINING, 12, torch.float32), run(TRAINING)[0])
    assert comparison.identical
    assert judge(comparison, DEMANDS["float32"]).word == IDENTICAL
    assert first_parting(comparison, differs) is None


@pytest.mark.parametrize("step", [3, 64, 417, 699])
def test_fault_in_a_long_run_is_found_by_a_closer_look(step: int) -> None:
    fault = in_step(step, before=lambda self: nudge(parameter(self, 2).grad, 0, 6))
    coarse = {"head": 8, "most": 16}

    def both(window: tuple[int, int] | None) -> tuple[Trace, Trace]:
        keep = [Keep(*window, head=0) if window else Keep(**coarse) for _ in range(2)]
        return run(TRAINING, steps=700, keep=keep[0])[0], run(TRAINING, steps=700, keep=keep[1], fault=fault)[0]

    comparison = compare(*both(None))
    seen = first_parting(comparison, differs)
    assert seen is not None
    assert seen.exact == (step < 8)
    looks: list[tuple[int, int]] = []
    parting = locate(comparison, differs, lambda window: looks.append(window) or both(window))
    assert parting is not None
    assert (parting.number, parting.exact) == (step, True)
    assert parting.key == (STATE, "momentum_buffer of 2.weight")
    assert parting.at == (0, 6)
    assert len(looks) == (step >= 8)


def test_hand_updated_weight() -> None:
    """No optimizer: the update under `no_grad` is seen all the same, and the names are the script's variables."""
    fault = in_function(torch.Tensor, "__isub__", 2 * 5 + 1, after=lambda self, other, _: nudge(self, 0))
    comparison = compare(run(BY_HAND)[0], run(BY_HAND, fault=fault)[0])
    parting = first_parting(comparison, differs)
    assert parting is not None
    assert (parting.number, parting.key, parting.at) == (5, (WEIGHT, "b"), (0,))


def test_last_update_counts() -> None:
    fault = in_function(torch.Tensor, "__isub__", 2 * 11, after=lambda self, other, _: nudge(self, 1, 0))
    parting = first_parting(compare(run(BY_HAND)[0], run(BY_HAND, fault=fault)[0]), differs)
    assert parting is not None
    assert (parting.number, parting.key, parting.at) == (11, (WEIGHT, "w"), (1, 0))


@pytest.mark.parametrize(
    ("addition", "key", "reason"),
    [
        ("torch.rand(1)", (GENERATOR, ""), "generator state"),
        ("import random; random.random()", (GENERATOR, "random"), "generator state random"),
        ("net[0].bias.data[3] += 1", (WEIGHT, "0.bias"), "weight 0.bias"),
        ("optimizer.param_groups[0]['lr'] = 1.0", (STATE, "lr of group 0"), "optimizer state lr of group 0"),
        ("net[0].bias.grad[2] = 5.0", (GRADIENT, "0.bias"), "gradient 0.bias"),
    ],
)
def test_difference_at_the_end(addition: str, key: tuple[str, str], reason: str) -> None:
    comparison = compare(reference(TRAINING, 12, torch.float32), run(TRAINING + addition)[0])
    parting = first_parting(comparison, differs)
    assert parting is not None
    if key[0] != WEIGHT:
        assert (parting.number, parting.key) == (END, key)
    judgement = judge(comparison, DEMANDS["float32"])
    assert judgement.word == DIFFERENT
    assert any(sentence.startswith(reason) for sentence in judgement.reasons)


@pytest.mark.parametrize(
    ("addition", "reason"),
    [
        ("print('done')", "they print different text"),
        ("loss = F.mse_loss(net(x), y); loss.backward()", "makes 12 steps"),
        ("import warnings; warnings.warn('look', UserWarning)", "they warn of different things"),
    ],
)
def test_difference_in_what_is_told(addition: str, reason: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda *_, **__: None
        candidate = run(TRAINING + addition)[0]
    comparison = compare(reference(TRAINING, 12, torch.float32), candidate)
    assert not comparison.identical
    judgement = judge(comparison, DEMANDS["float32"])
    assert judgement.word == DIFFERENT
    assert any(reason in sentence for sentence in judgement.reasons)


def test_rounding_is_as_demanded_and_a_fault_is_not() -> None:
    """A last bit in one initial weight is rounding in float64; a thousandth of it is not."""

    def last_bit(self: Any, _: Any) -> None:
        with torch.no_grad():
            self.weight[0, 0] = torch.nextafter(self.weight[0, 0], torch.tensor(torch.inf))

    words = [
        judge(
            compare(
                reference(TRAINING, 12, torch.float64),
                run(TRAINING, fault=in_linear_reset(0, after), dtype=torch.float64)[0],
            ),
            DEMANDS["float64"],
        ).word
        for after in (last_bit, lambda self, _: nudge(self.weight, 0, 0))
    ]
    assert words == [WITHIN_NOISE, DIFFERENT]


def verdict(comparison: Comparison, own: Sequence[Comparison] = ()) -> str:
    """In float64, given torch's comparisons with itself."""
    return judge(comparison, DEMANDS["float64"], floor_of(comparison, own)).word


def course(*weights: float, losses: tuple[float, ...] = (1, 1, 1, 1, 1)) -> Trace:
    """A run in which a weight and the loss take these values."""
    numbers = [*range(len(weights)), END]
    values = np.array([*weights, weights[-1]], np.float64)
    events = [
        Event(number, {(LOSS, ""): np.array([losses[place]], np.float64), (WEIGHT, "w"): values[place : place + 1]})
        for place, number in enumerate(numbers)
    ]
    for place, event in enumerate(events):
        event.chain = str((weights[: place + 1], losses[: place + 1]))
    return Trace(events, {"steps": len(weights)})


@pytest.mark.parametrize(
    ("candidate", "itself", "weight", "word"),
    [
        ("sum 2.5, 7", "sum 2.5, 7", 1, WITHIN_NOISE),
        ("sum 2.50012, 7", "sum 2.5, 7", 1, DIFFERENT),
        ("sum 2.50012, 7", "sum 2.50008, 7", 1, WITHIN_NOISE),
        ("sum 3.75, 7", "sum 2.50008, 7", 1, DIFFERENT),  # torch prints another number there, but not so far from it
        ("sum nan, 7", "sum 2.50008, 7", 1, DIFFERENT),
        ("sum nan, 7", "sum inf, 7", 1, WITHIN_NOISE),
        ("sum 2.53, 7", "sum 2.50008, 7.1", 1 + 1e-6, WITHIN_NOISE),  # torch's weights have gone their own way
        ("sum 2.53, 7", "sum 2.50008, 7.1", 1, DIFFERENT),
        ("sum 2.53, 7", "sum 2.5, 7.1", 1 + 1e-6, DIFFERENT),  # torch always prints this one
    ],
)
def test_printed_numbers_are_as_near_as_torch_to_itself(candidate: str, itself: str, weight: float, word: str) -> None:
    reference = replace(course(1, 1, 1), text="sum 2.5, 7")
    own = compare(reference, replace(course(1, 1, weight), text=itself))
    assert verdict(compare(reference, replace(course(1, 1, 1 + 1e-15), text=candidate)), [own]) == word


@pytest.mark.parametrize(
    ("candidate", "itself", "word"),
    [
        ((1, 1, 1 + 1e-15, 1), None, WITHIN_NOISE),
        ((1, 1, 1 + 1e-12, 1), None, DIFFERENT),  # nothing in torch itself explains it
        ((1, 1, 1 + 1e-12, 1), (1, 1 - 2e-13, 1, 1), WITHIN_NOISE),
        ((1, 1 + 1e-12, 1, 1), (1, 1, 1 - 2e-13, 1), DIFFERENT),  # before
        ((1, 1, 1 + 2e-9, 1), (1, 1, 1 - 3e-10, 1), DIFFERENT),  # of torch's order, but more than is demanded
        ((1, 1, 1 + 1e-6, 1), None, DIFFERENT),
        ((1, 1, 1 + 1e-6, 1), (1, 1, 1, 1), DIFFERENT),
        ((1, 1, 1 + 1e-6, 1), (1, 1, 1 - 1e-6, 1), WITHIN_NOISE),
        ((1, 1, 1 + 1e-6, 1), (1, 1 + 1e-11, 1 - 1e-6, 1), WITHIN_NOISE),
        ((1, 1, 1 + 5e-5, 1), (1, 1, 1 - 1e-6, 1), DIFFERENT),  # farther than torch from itself
        ((1, 1 + 1e-6, 1, 1), (1, 1, 1 - 1e-6, 1), DIFFERENT),  # before torch has left itself
        ((1, 1 + 1e-6, 1, 1), (1, 1 + 1e-13, 1 - 1e-6, 1), DIFFERENT),  # it has not, visibly
        ((1, 1, 1, 1 + 1e-6), (1, 1, 1 - 1e-6, 1), WITHIN_NOISE),  # and does not come back
    ],
)
def test_noise_excuses_as_much_as_there_is_and_since_then(
    candidate: tuple[float, ...], itself: tuple[float, ...] | None, word: str
) -> None:
    reference = course(1, 1, 1, 1)
    noise = [] if itself is None else [compare(reference, course(*itself))]
    assert verdict(compare(reference, course(*candidate)), noise) == word


@pytest.mark.parametrize(
    ("losses", "itself", "word"),
    [
        ((1, 1, 1.5, 1, 1), 1 - 1e-6, WITHIN_NOISE),  # torch's weights have gone their own way
        ((1, 1.5, 1, 1, 1), 1 - 1e-6, DIFFERENT),  # before they have
        ((1, 1, 1.5, 1, 1), 1 - 1e-11, DIFFERENT),  # they have not
    ],
)
def test_losses_follow_the_weights(losses: tuple[float, ...], itself: float, word: str) -> None:
    reference = course(1, 1, 1, 1)
    noise = compare(reference, course(1, 1, itself, 1))
    assert verdict(compare(reference, course(1, 1, 1, 1, losses=losses)), [noise]) == word


@pytest.mark.parametrize(
    ("itself", "word"),
    [(0.0, DIFFERENT), (-1e-10, DIFFERENT), (-3e-8, WITHIN_NOISE)],
)
def test_last_weights_are_as_near_as_torchs_own(itself: float, word: str) -> None:
    """A small element of float32 weights that is a thousand units off: noise if torch's are about as far apart."""

    def end(small: float) -> Trace:
        weights = np.array([1.0, 1e-3 + small], np.float32)
        return Trace([Event(n, {(WEIGHT, "w"): weights}, str(small)) for n in (0, END)], {"steps": 1})

    comparison = compare(end(0.0), end(1e-7))
    assert judge(comparison, DEMANDS["float32"], floor_of(comparison, [compare(end(0.0), end(itself))])).word == word


def test_noise_of_one_step_does_not_excuse_a_fault() -> None:
    """The same with real runs: torch that rounds otherwise at step 5 explains what differs after it, not before."""

    def scaled(factor: float, step: int) -> Trace:
        def push(self: Any, *_: Any) -> None:
            with torch.no_grad():
                parameter(self, 3).mul_(1 + factor)

        return run(TRAINING, fault=in_step(step, after=push), dtype=torch.float64)[0]

    base = reference(TRAINING, 12, torch.float64)
    noise = compare(base, scaled(1e-3, 5))
    assert verdict(compare(base, scaled(1e-3, 5))) == DIFFERENT
    assert verdict(compare(base, scaled(-1e-3, 5)), [noise]) == WITHIN_NOISE
    assert verdict(compare(base, scaled(1e-3, 3)), [noise]) == DIFFERENT
    assert verdict(compare(base, scaled(1e-1, 5)), [noise]) == DIFFERENT


def test_what_heals_between_two_kept_events_is_found() -> None:
    """A loss that is wrong once and leaves nothing behind: the chain of digests knows, a closer look finds it."""
    source = """
import torch
w = torch.ones(1, requires_grad=True)
for step in range(STEPS):
    (w * torch.full((), 2.0)).sum().add(torch.zeros(1)).backward()
"""

    def both(window: tuple[int, int] | None) -> tuple[Trace, Trace]:
        keep = [Keep(*window, head=0) if window else Keep(head=2, most=4) for _ in range(2)]
        fault = in_function(torch, "zeros", 41, after=lambda size, zero: zero + 1)
        return run(source, steps=100, keep=keep[0])[0], run(source, steps=100, keep=keep[1], fault=fault)[0]

    comparison = compare(*both(None))
    assert not any(point.gap.bits for _, point in comparison.points())
    assert not comparison.same_bits
    parting = locate(comparison, differs, both)
    assert parting is not None
    assert (parting.number, parting.key, parting.exact) == (41, (LOSS, ""), True)


def test_sign_of_zero_is_a_bit_but_no_distance() -> None:
    source = "import torch\nw = torch.zeros(2, requires_grad=True)\n(w * torch.tensor([SIGN, 1.0])).sum().backward()\n"
    plus, minus = (run(source.replace("SIGN", zero))[0] for zero in ("0.0", "-0.0"))
    comparison = compare(plus, minus)
    assert not comparison.identical
    assert comparison.largest(GRADIENT) == (0, 0.0)
    assert judge(comparison, DEMANDS["float32"]).word == WITHIN_NOISE


def test_nan_is_nan() -> None:
    source = "import torch\nw = torch.ones(2, requires_grad=True)\n(w * BAD).sum().backward()\nw.data.mul_(w.grad)\n"
    one, two = (run(source.replace("BAD", bad))[0] for bad in ("float('nan')", "-torch.tensor(float('nan'))"))
    bits = [np.asarray(t.events[0].arrays[GRADIENT, "w"]).tobytes() for t in (one, two)]
    assert bits[0] != bits[1], "the two nan have different bits"
    assert compare(one, two).same_bits


def test_fault_context_leaves_torch_as_it_was() -> None:
    before = torch.optim.SGD.step
    with contextlib.suppress(ZeroDivisionError):
        run("1 / 0", fault=TABLE["update"][0])
    assert torch.optim.SGD.step is before


def test_a_gradient_that_cancels_is_measured_by_the_others() -> None:
    """The gradient of `b` is zero in exact arithmetic: what rounding leaves of it is no part of its size but of a's."""
    source = """
import torch
a, b = (torch.ones(1, dtype=torch.float64, requires_grad=True) for _ in "ab")
(a + b * REST).sum().backward()
"""
    demand = DEMANDS["float64"]
    zero, rounded, wrong = (run(source.replace("REST", rest))[0] for rest in ("0.0", "1e-16", "1e-6"))
    assert judge(compare(zero, rounded), demand).word == WITHIN_NOISE
    assert judge(compare(zero, wrong), demand).word == DIFFERENT
