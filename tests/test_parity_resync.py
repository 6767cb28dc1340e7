"""With the reference's weights and state before each step, what is wrong in one step shows in that step alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from parity_harness import BY_HAND, TRAINING, at_call, patched, run

import microtorch
from parity import onestep
from parity.backends import MICROTORCH, TORCH
from parity.compare import Comparison, compare
from parity.launch import launch
from parity.resync import Resync, write
from parity.trace import END, GRADIENT, LOSS, STATE, WEIGHT, Keep
from parity.worker import Job

SINE = str(Path(__file__).parents[1] / "examples" / "sine_polynomial.py")

RMS = """
import torch
torch.manual_seed(2)
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Sigmoid(), torch.nn.Linear(4, 1))
optimizer = torch.optim.RMSprop(net.parameters(), lr=0.01, momentum=0.9, centered=True)
x = torch.randn(16, 3)
for step in range(STEPS):
    optimizer.zero_grad()
    ((net(x) - x[:, :1]) ** 2).mean().backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    with torch.no_grad():
        net[2].bias.clamp_(-0.1, 0.1)  # an update of its own after the optimizer's
        net(x)
"""

ACCUMULATED = TRAINING.replace("    loss.backward()\n", "    (loss / 2).backward()\n    net(x).mean().backward()\n")
IN_TWO_BLOCKS = """
import torch
torch.manual_seed(0)
a, b = (torch.randn(3, requires_grad=True) for _ in "ab")
@torch.no_grad()
def update(p):
    p -= 0.1 * p.grad
    p.grad.zero_()
for step in range(STEPS):
    (a * b - torch.rand(3)).square().sum().backward()
    update(a)
    update(b)
"""
SCRIPTS = {"momentum": TRAINING, "rmsprop": RMS, "hand": BY_HAND, "blocks": IN_TWO_BLOCKS, "accumulated": ACCUMULATED}


WORDS = {  # that leave the engine in torch's place, and what microtorch does not have out
    "schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5)\n": "",
    "    schedule.step()\n": "",
    "import torch\n": "",
    "from torch import nn\n": "nn = torch.nn\n",
    "import torch.nn.functional as F\n": "F = nn.functional\n",
}


def keep() -> Keep:
    return Keep(head=10**6)


def led(source: str, fault: Any = None, steps: int = 12, **options: Any) -> tuple[Comparison, Resync]:
    """A run against torch's with torch's weights and states before each step."""
    reference = run(source, steps=steps, keep=keep(), resync=Resync(torch), dtype=options.get("dtype", torch.float32))
    resync = Resync(options.get("engine", torch), reference[0])
    kwargs = options | ({"fault": fault} if fault else {})
    return compare(reference[0], run(source, steps=steps, keep=keep(), resync=resync, **kwargs)[0]), resync


def parted(comparison: Comparison) -> dict[int, set[str]]:
    """By step, the phases in which anything differs in any bit."""
    found: dict[int, set[str]] = {}
    for key, point in comparison.points():
        if point.gap.bits and point.number != END:
            found.setdefault(point.number, set()).add(key[0])
    return found


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_torch_is_not_led_astray_by_itself(source: str) -> None:
    """Looking changes nothing, and giving what is there already changes nothing."""
    comparison, resync = led(source)
    assert (resync.steps, resync.why) == (comparison.reference.steps, "")
    assert comparison.same_bits
    plain = run(source, keep=keep())[0]
    for event, other in zip(comparison.reference.events, plain.events, strict=True):
        for key, array in other.arrays.items():
            twice = (key[0], f"{key[1]} (2)")
            assert event.arrays.get(twice, event.arrays[key]).tobytes() == array.tobytes(), (event.number, key)


def push(step: int, change: Callable[[Any], Any]) -> Callable[[], Any]:
    """After the optimizer's step of this number something is changed."""

    def after(optimizer: Any, *_: Any) -> None:
        with torch.inference_mode():
            change(optimizer)

    return lambda: patched(torch.optim.SGD, "step", at_call(step, after=after))


def scaled(optimizer: Any) -> None:
    optimizer.param_groups[0]["params"][0].data.mul_(1.5)


def forgotten(optimizer: Any) -> None:
    optimizer.state[optimizer.param_groups[0]["params"][2]]["momentum_buffer"].zero_()


@pytest.mark.parametrize(
    ("source", "fault", "step", "phases"),
    [
        (TRAINING, push(5, scaled), 5, {WEIGHT}),
        (TRAINING, push(5, forgotten), 5, {STATE}),
        (
            BY_HAND,
            lambda: patched(torch.Tensor, "mean", at_call(7, after=lambda _, mean: mean * 1.5)),
            7,
            {LOSS, GRADIENT, WEIGHT},
        ),
    ],
    ids=["update", "state", "by hand"],
)
def test_a_fault_stays_in_its_step(source: str, fault: Any, step: int, phases: set[str]) -> None:
    comparison, resync = led(source, fault)
    assert resync.steps == 12
    assert parted(comparison) == {step: phases}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_microtorch_is_led_by_torch(source: str) -> None:
    """Another engine's tensors are written to as well: in float64 a single step is off by roundings only."""
    for line, same in WORDS.items():
        source = source.replace(line, same)
    comparison, resync = led(source, engine=microtorch, dtype=torch.float64)
    assert resync.steps == comparison.reference.steps >= 12
    assert max(point.of_phase for _, point in comparison.points() if point.number != END) < 1e-14


@pytest.mark.parametrize(
    ("source", "steps", "why"),
    [
        (
            BY_HAND.replace("with torch.no_grad():", "if True:").replace("param -=", "param.data -="),
            0,
            "where b, w are",
        ),
        (BY_HAND.replace("torch.no_grad()", "torch.inference_mode() if step == 4 else torch.no_grad()"), 4, "b, w are"),
    ],
)
def test_updates_that_cannot_be_seen_are_named(source: str, steps: int, why: str) -> None:
    _, resync = led(source)
    assert resync.steps == steps
    assert why in resync.why


def test_no_more_steps_than_were_kept() -> None:
    reference = run(TRAINING, keep=Keep(head=4, most=2), resync=Resync(torch))[0]
    resync = Resync(torch, reference)
    run(TRAINING, keep=keep(), resync=resync)
    assert (resync.steps, resync.why) == (4, "the reference's next steps are too much to be kept")


def test_what_cannot_be_written_to_is_named() -> None:
    reference = run(TRAINING, keep=keep(), resync=Resync(torch))[0]
    fixed = SimpleNamespace(numpy=lambda: np.zeros(8, np.float32), data=0)
    resync = Resync(SimpleNamespace(), reference)
    resync.give(0, (WEIGHT, "0.bias"), fixed)
    resync.ended(0, [])
    assert (resync.steps, resync.why) == (0, "parity cannot write to weight 0.bias, a SimpleNamespace")


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(3, requires_grad=True),
        torch.zeros(6)[::2],
        torch.zeros(3, dtype=torch.float32).as_subclass(torch.nn.Parameter),
        microtorch.zeros(3, requires_grad=True),
        SimpleNamespace(data=np.zeros(3, np.float32)),
        SimpleNamespace(data=[0.0, 0.0, 0.0]),
    ],
    ids=["leaf", "view", "parameter", "microtorch", "array", "list"],
)
def test_write(tensor: Any) -> None:
    dtype = np.float64 if isinstance(getattr(tensor, "data", None), list) else np.float32
    version = getattr(tensor, "_version", 0)
    assert write(torch, tensor, np.array([1, 2, 3], dtype))
    assert np.asarray(tensor.data).tolist() == [1, 2, 3]
    assert getattr(tensor, "_version", 0) == version
    assert not write(torch, tensor, np.zeros(4, dtype))
    assert not write(torch, tensor, np.zeros(3, np.float16))


def test_one_step_of_what_drifts_is_a_few_roundings() -> None:
    """The example that amplifies rounding most: 300 steps drift by far more than any of them is off."""
    jobs = Job(TORCH, SINE, ("300",), "float64"), Job(MICROTORCH, SINE, ("300",), "float64")
    (found,) = onestep.measure([jobs], lambda jobs: launch(jobs, at_once=2))
    assert (found.steps, found.of, found.why) == (300, 300, "")
    one, drift = found.one_step[WEIGHT], found.drift[WEIGHT]
    assert one.median_ulp <= 16
    assert one.largest < 1e-13
    assert found.one_step[GRADIENT].largest < 1e-12
    assert found.largest < 1e-12
    assert drift.largest > 1e4 * one.largest
    assert drift.median > 1e2 * one.median
