"""Training runs drawn at random: under shared mathematics torch and microtorch are the same to the last bit, at every step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import microtorch
from microtorch import kernels
from parity.mathematics import Shared

RUNS = int(os.environ.get("TRAINING_RUNS", "500"))
ADAPTIVE = ("Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "ASGD")
ACTIVATIONS = ("ReLU", "Tanh", "Sigmoid", "Identity", "LeakyReLU", "Hardtanh", "Hardswish")
sizes = st.sampled_from([1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 32, 33, 40])
rates = st.sampled_from([1e-3, 0.01, 0.03, 0.1, 1 / 3])
parts = st.sampled_from([0.0, 0.0, 0.1, 0.5, 0.9])


@dataclass
class Training:
    """All that a run is made of."""

    dtype: str
    seed: int
    features: list[int]  # of the input, between the layers, of the output
    bias: bool
    activation: str
    norm: bool
    dropout: float
    twice: bool  # the middle layer is applied twice
    in_place: bool
    loss: tuple[str, dict[str, Any]]
    optimizer: tuple[str, dict[str, Any]]
    clip: float | None
    samples: int
    loader: dict[str, Any]
    own_generator: bool
    steps: int = field(default=4)


def losses() -> Any:
    reduction = st.sampled_from(["mean", "sum"])
    width = st.sampled_from([0.1, 0.7, 1.0, 2.0])
    return st.one_of(
        st.tuples(st.just("MSELoss"), st.fixed_dictionaries({"reduction": reduction})),
        st.tuples(st.just("L1Loss"), st.fixed_dictionaries({"reduction": reduction})),
        st.tuples(st.just("HuberLoss"), st.fixed_dictionaries({"reduction": reduction, "delta": width})),
        st.tuples(st.just("SmoothL1Loss"), st.fixed_dictionaries({"reduction": reduction, "beta": width})),
        st.tuples(
            st.just("CrossEntropyLoss"),
            st.fixed_dictionaries({"reduction": reduction, "label_smoothing": st.sampled_from([0.0, 0.1])}),
        ),
    )


@st.composite
def optimizers(draw: Any) -> tuple[str, dict[str, Any]]:
    options: dict[str, Any] = {"lr": draw(rates), "weight_decay": draw(parts), "maximize": draw(st.booleans())}
    options["foreach"] = draw(st.sampled_from([None, None, False, True]))
    kind = draw(st.sampled_from(["SGD", "SGD", "RMSprop", "RMSprop", "by hand", *ADAPTIVE]))
    if kind == "by hand":
        return kind, {"lr": options["lr"]}
    if kind in ADAPTIVE:
        if kind == "Rprop":
            del options["weight_decay"]
        if kind in ("Adam", "AdamW"):
            options["amsgrad"] = draw(st.booleans())
        if kind == "ASGD":
            options |= {"t0": draw(st.sampled_from([0, 1, 1e6])), "alpha": draw(st.sampled_from([0.5, 1.0]))}
        return kind, options
    options["momentum"] = draw(parts)
    if kind == "SGD":
        options["nesterov"] = bool(options["momentum"]) and draw(st.booleans())
        options["dampening"] = 0.0 if options["nesterov"] else draw(parts)
    else:
        options |= {"alpha": draw(st.sampled_from([0.9, 0.99])), "eps": draw(st.sampled_from([1e-8, 1e-3]))}
        options["centered"] = draw(st.booleans())
    return kind, options


@st.composite
def trainings(draw: Any) -> Training:
    samples = draw(st.integers(1, 40))
    loader = {"batch_size": draw(st.integers(1, samples)), "shuffle": draw(st.booleans())}
    return Training(
        dtype=draw(st.sampled_from(["float32", "float32", "float64"])),
        seed=draw(st.integers(0, 2**32)),
        features=draw(st.lists(sizes, min_size=2, max_size=4)),
        bias=draw(st.sampled_from([True, True, False])),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        norm=draw(st.sampled_from([False, False, True])),
        dropout=draw(parts),
        twice=draw(st.booleans()),
        in_place=draw(st.booleans()),
        loss=draw(losses()),
        optimizer=draw(optimizers()),
        clip=draw(st.sampled_from([None, None, 0.5])),
        samples=samples,
        loader=loader | {"drop_last": draw(st.booleans())},
        own_generator=draw(st.booleans()),
    )


def model_of(t: Any, training: Training) -> Any:
    """The layers with an activation between each two; in the middle, where it fits, one of them twice, added in place."""
    nn = t.nn

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            pairs = zip(training.features, training.features[1:], strict=False)
            self.layers = nn.ModuleList([nn.Linear(n, m, bias=training.bias) for n, m in pairs])
            self.shared = nn.Linear(training.features[1], training.features[1], bias=training.bias)
            self.activation = getattr(nn, training.activation)()
            self.norm = nn.BatchNorm1d(training.features[1]) if training.norm else None
            self.dropout = nn.Dropout(training.dropout)

        def forward(self, x: Any) -> Any:
            for place, layer in enumerate(self.layers):
                x = layer(x)
                if place == 0 and self.norm is not None and len(x) > 1:
                    x = self.norm(x)
                if place == 0 and training.twice:
                    x = self.shared(self.activation(self.shared(x)))
                if place == 0 and training.in_place:
                    x *= 0.7
                    x[:, 0] += 0.1
                if place + 1 < len(self.layers):
                    x = self.dropout(self.activation(x))
            return x

    return Model()


def bits(tensor: Any) -> tuple[Any, ...]:
    array = tensor.detach().numpy()
    return (
        array.dtype.name,
        array.shape,
        np.ascontiguousarray(array + 0 if array.dtype.kind == "f" else array).tobytes(),
    )


def run(t: Any, training: Training) -> Iterator[tuple[str, Any]]:
    """Everything that may differ, as it comes about."""
    t.manual_seed(training.seed)
    model, dtype = model_of(t, training), getattr(t, training.dtype)
    model.to(dtype)
    inputs = t.randn(training.samples, training.features[0], dtype=dtype)
    targets = t.sin(3 * inputs.sum(1, keepdim=True)) * t.rand(training.features[-1], dtype=dtype)
    generator = t.Generator().manual_seed(training.seed) if training.own_generator else None
    data = t.utils.data
    loader = data.DataLoader(data.TensorDataset(inputs, targets), generator=generator, **training.loader)
    kind, options = training.loss
    loss_function = getattr(t.nn, kind)(**options)
    name, options = training.optimizer
    optimizer = None if name == "by hand" else getattr(t.optim, name)(model.parameters(), **options)
    step = 0
    while step < training.steps:
        before = step
        for x, y in loader:
            yield "batch", bits(x)
            loss = loss_function(model(x), y.argmax(1) if kind == "CrossEntropyLoss" else y)
            model.zero_grad()
            loss.backward()
            yield "loss", bits(loss)
            for key, parameter in model.named_parameters():
                yield f"gradient {key}", None if parameter.grad is None else bits(parameter.grad)
            if training.clip is not None:
                yield "norm", bits(t.nn.utils.clip_grad_norm_(model.parameters(), training.clip))
            if optimizer is not None:
                optimizer.step()
                for number, state in optimizer.state_dict()["state"].items():
                    for key, value in state.items():
                        yield f"state {number} {key}", value if value is None or type(value) is int else bits(value)
            else:
                with t.no_grad():
                    for parameter in model.parameters():
                        if parameter.grad is not None:
                            parameter -= options["lr"] * parameter.grad
            for key, tensor in model.state_dict().items():
                yield f"state {key}", bits(tensor)
            step += 1
            if step == training.steps:
                break
        if step == before:
            break  # a loader that drops its only batch
    yield "generator", bits(t.get_rng_state())


@pytest.fixture(scope="module")
def shared() -> Iterator[None]:
    with Shared(torch), kernels.use("torch_cpu"):
        yield


@settings(deadline=None, max_examples=RUNS, suppress_health_check=list(HealthCheck))
@given(trainings())
def test_the_same_bits_at_every_step(shared: None, training: Training) -> None:
    with np.errstate(all="ignore"):
        ours, theirs = run(microtorch, training), run(torch, training)
        for number, (expected, found) in enumerate(zip(theirs, ours, strict=True)):
            assert found == expected, f"{expected[0]}, after {number} that are the same"
