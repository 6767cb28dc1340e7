"""Layers of torch.nn in tables: one row for each, made and run on both sides, everything that is to be seen compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from nn_scripts import plain, said
from sides import Array, Outcome, assert_same_outcome, graph, outcomes


@dataclass
class Layer:
    """A layer, as the text that makes it from `torch.nn`, and the shapes of its inputs.

    `ulp`: how far outputs and gradients may be from torch's, in units in the last place of the largest; `reason`: why.
    `inputs`: draws the inputs otherwise. `bad`: shapes of inputs that it refuses.
    """

    made: str
    shapes: tuple[tuple[int, ...], ...]
    bad: tuple[tuple[int, ...], ...] = ()
    ulp: float = 0
    reason: str = ""
    inputs: Callable[[np.random.Generator, tuple[int, ...]], Array] | None = None
    calls: int = 2  # so many batches, one after the other

    def __post_init__(self) -> None:
        assert bool(self.ulp) == bool(self.reason), "a tolerance needs a reason"


def drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Multiples of 1/64 between −4 and 4."""
    return np.asarray(np.rint(rng.uniform(-256, 256, shape)) / 64, np.float32)


def check(row: Layer) -> None:
    """The same layer on both sides, drawn alike, run alike, as nearly alike as the row says."""
    theirs, ours = outcomes(lambda side: life(side, row))
    if theirs.error is not None:
        raise theirs.error
    rough = row.ulp, bool(row.ulp), True
    assert_same_outcome(_part(theirs, 0), _part(ours, 0))
    assert_same_outcome(_part(theirs, 1), _part(ours, 1), rough, strides=False)


def _part(outcome: Outcome, index: int) -> Outcome:
    if outcome.error is not None:
        return outcome
    part = Outcome(lambda: outcome.value[index])
    part.warnings = outcome.warnings
    return part


def make(torch: Any, row: Layer) -> Any:
    return eval(f"nn.{row.made}", {"nn": torch.nn, "torch": torch})


def life(side: Any, row: Layer) -> Any:
    """What is the same to the bit, and what is computed: made, trained for a few batches, evaluated, saved."""
    torch = side.module
    torch.manual_seed(5)
    layer = make(torch, row)
    rng = np.random.default_rng(1)
    exact: list[Any] = [plain(layer), plain(torch.nn.Sequential(layer)), torch.rand(1)]
    exact += [[n, p, p.requires_grad, p.is_leaf] for n, p in layer.named_parameters()]
    exact += [list(layer.state_dict()), [[n, b] for n, b in layer.named_buffers()]]
    computed: list[Any] = []
    draw = row.inputs or drawn

    def inputs(shape: tuple[int, ...]) -> Any:
        return side.tensor(draw(rng, shape))

    for shape in row.shapes:
        for _ in range(row.calls):
            leaf = inputs(shape)
            if leaf.is_floating_point():
                leaf.requires_grad_()
            output = layer(leaf * 1)
            exact += [graph(output), list(output.shape), list(output.stride()), str(output.dtype), torch.rand(1)]
            computed.append(output.detach().clone())
            if output.requires_grad:
                output.backward(side.tensor(drawn(rng, tuple(output.shape))))
                computed += [leaf.grad, *[p.grad for p in layer.parameters()]]
            computed += [b.clone() for b in layer.buffers()]
            layer.zero_grad()
    layer.eval()
    for shape in row.shapes:
        leaf = inputs(shape)
        with torch.no_grad():
            computed.append(layer(leaf * 1))
        exact += [[plain(layer)], torch.rand(1)]
        if leaf.is_floating_point():
            output = layer(leaf.requires_grad_() * 1)
            exact.append(graph(output))
            output.backward(side.tensor(drawn(rng, tuple(output.shape))))
            computed.append(leaf.grad)
    exact += [said(lambda shape=shape: layer(inputs(shape)).shape) for shape in row.bad]
    torch.manual_seed(6)
    again = make(torch, row)
    exact.append(plain(again.load_state_dict(layer.state_dict())))
    if hasattr(layer, "reset_parameters"):
        torch.manual_seed(7)
        layer.reset_parameters()
        exact += [*layer.state_dict().values()]
    return exact, computed
