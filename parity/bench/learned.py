"""What a program's variables hold between two steps: weights and gradients, data, the random state, as a trace."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from parity.reading import array_of, tensor_type
from parity.trace import BATCH, GENERATOR, GRADIENT, WEIGHT, Array, Event, Key, Trace


def learned(torch: Any, variables: Mapping[str, Any], steps: int, number: int) -> Trace:
    """A trace of one event with this number, of a program that has made so many steps."""
    event = Event(number, dict(_arrays(torch, variables)))
    return Trace([event], {"steps": steps, "backend": torch.__name__})


def nudge(torch: Any, variables: Mapping[str, Any], seed: int) -> None:
    """Move every weight to a neighbouring float, up or down by chance."""
    draw = np.random.RandomState(seed)
    for _, tensor in _tensors(torch, variables):
        if tensor.requires_grad and tensor.is_leaf:
            array = np.array(array_of(tensor))
            toward = np.where(draw.random_sample(array.shape) < 0.5, -np.inf, np.inf).astype(array.dtype)
            tensor.data.copy_(torch.from_numpy(np.asarray(np.nextafter(array, toward))))


def _tensors(torch: Any, variables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    kind = tensor_type(torch)
    for name, value in variables.items():
        if isinstance(value, kind):
            yield name, value
        elif hasattr(value, "named_parameters") and not isinstance(value, type):
            yield from ((f"{name}.{inner}", weight) for inner, weight in value.named_parameters())


def _arrays(torch: Any, variables: Mapping[str, Any]) -> Iterator[tuple[Key, Array]]:
    for name, tensor in _tensors(torch, variables):
        if not tensor.requires_grad:
            yield (BATCH, name), np.array(array_of(tensor))
        elif tensor.is_leaf:
            yield (WEIGHT, name), np.array(array_of(tensor))
            if tensor.grad is not None:
                yield (GRADIENT, name), np.array(array_of(tensor.grad))
    if hasattr(torch, "get_rng_state"):
        yield (GENERATOR, ""), np.array(array_of(torch.get_rng_state()))
    yield (GENERATOR, "random"), np.array(random.getstate()[1], np.uint64)
