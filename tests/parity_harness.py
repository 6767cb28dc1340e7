"""Runs scripts on torch in this process, watched by parity's recorder, with faults planted into torch on request."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable, Iterator
from typing import Any

import torch

from parity.recorder import Recorder
from parity.resync import Resync
from parity.trace import Keep, Trace
from parity.watch import Watch

Fault = Callable[[], contextlib.AbstractContextManager[None]]

TRAINING = """
import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(3)
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5)
x = torch.randn(32, 4)
y = x.sum(1, keepdim=True)
for step in range(STEPS):
    index = torch.randperm(32)[:8]
    loss = F.mse_loss(net(x[index]), y[index])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    if step % 4 == 0:
        print(f"{step} {loss.item():.4f}")
print(net[2].bias)
"""

BY_HAND = """
import torch
torch.manual_seed(0)
w = torch.zeros(2, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
x = torch.normal(0, 1, (20, 2))
y = x @ torch.tensor([[2.0], [-3.4]]) + 4.2
for step in range(STEPS):
    loss = ((x @ w + b - y) ** 2 / 2).mean()
    loss.backward()
    with torch.no_grad():
        for param in [w, b]:
            param -= 0.1 * param.grad
            param.grad.zero_()
"""


@contextlib.contextmanager
def patched(owner: Any, name: str, around: Callable[[Any], Any]) -> Iterator[None]:
    """Replace `owner.name` by `around(original)` for a while."""
    original = getattr(owner, name)
    setattr(owner, name, around(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


def at_call(number: int, before: Callable[..., Any] | None = None, after: Callable[..., Any] | None = None) -> Any:
    """A wrapper for `patched`: around the call of this number something happens."""

    def around(original: Any) -> Any:
        count = -1

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count == number and before is not None:
                before(*args)
            result = original(*args, **kwargs)
            if count == number and after is not None:
                changed = after(*args, result)
                return result if changed is None else changed
            return result

        wrapper.__dict__.update(getattr(original, "__dict__", {}))
        return wrapper

    return around


def run(
    source: str,
    *,
    steps: int = 12,
    fault: Fault = contextlib.nullcontext,
    keep: Keep | None = None,
    dtype: torch.dtype = torch.float32,
    record: bool = True,
    engine: Any = torch,
    resync: Resync | None = None,
) -> tuple[Trace, dict[str, Any]]:
    """Run a script's source; returns its trace and its variables. Without an import, `torch` in it is the engine."""
    variables: dict[str, Any] = {"__name__": "__main__", "STEPS": steps, "torch": engine}
    printed = io.StringIO()
    name = str(dtype).removeprefix("torch.")
    engine.manual_seed(0)
    random.seed(0)
    engine.set_default_dtype(getattr(engine, name))
    recorder = Recorder(engine, keep, resync=resync)
    watch = Watch(engine, recorder)
    try:
        with fault(), contextlib.redirect_stdout(printed):
            if record:
                watch.attach()
            try:
                exec(compile(source, "script.py", "exec"), variables)
            finally:
                watch.detach()
    finally:
        engine.set_default_dtype(engine.float32)
    trace = recorder.finish()
    trace.text = printed.getvalue()
    trace.about |= {"backend": engine.__name__ if fault is contextlib.nullcontext else "faulty", "error": None}
    return trace, variables
