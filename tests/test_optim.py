"""SGD and RMSprop against torch's: every option, states, hooks, texts, errors.

The rules are compared to the last bit: microtorch's kernels are replaced by ones that round as torch's do (fused
multiply-add where torch has it, torch's own square root), so that only the order of operations is left to differ. With
its own kernels microtorch must stay as near as the rounding of each operation allows.
"""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sides import OURS, SIDES, THEIRS, Outcome, Side, as_array, assert_same_error, is_tensor, outcomes

import microtorch
from microtorch import kernels
from microtorch.kernels.fused import fma

Array = np.ndarray[Any, Any]
SGD, RMSPROP = "SGD", "RMSprop"


# -- kernels that round as torch's -------------------------------------------------------------------------------------


def _into(out: Array | None, result: Array) -> Array:
    if out is None:
        return result
    out[...] = result
    return out


def _lerp(x: Array, end: Array, weight: float, out: Array | None = None) -> Array:
    weight, one = x.dtype.type(weight), x.dtype.type(1)
    if abs(weight) < 0.5:
        return _into(out, fma(weight, end - x, x))
    return _into(out, fma(-(end - x), one - weight, end))


TORCH_ROUNDING: dict[str, Callable[..., Any]] = {
    "add_scaled": lambda x, y, alpha, out=None: _into(out, fma(y, x.dtype.type(alpha), x)),
    "addcmul": lambda x, a, b, value, out=None: _into(out, fma(x.dtype.type(value) * a, b, x)),
    "addcdiv": lambda x, a, b, value, out=None: _into(out, x + x.dtype.type(value) * a / b),
    "lerp": _lerp,
    "sqrt": lambda x: torch.sqrt(torch.from_numpy(np.asarray(x))).numpy(),
}


@pytest.fixture(scope="module")
def torch_rounding() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        for name, kernel in TORCH_ROUNDING.items():
            patch.setattr(kernels, name, kernel)
        yield


# -- training on given gradients ---------------------------------------------------------------------------------------


def make(side: Side, kind: str, params: Any, options: dict[str, Any]) -> Any:
    """An optimizer; ("tensor", value, dtype) among the options stands for a tensor."""
    converted = {
        name: side.tensor(np.array(value[1], value[2])) if isinstance(value, tuple) else value
        for name, value in options.items()
    }
    return getattr(side.module.optim, kind)(params, **converted)


def arrays(value: Any) -> Any:
    """A structure with its tensors as (dtype, shape, bits); all nans are one."""
    if is_tensor(value):
        array = as_array(value)
        canonical = np.where(array != array, array.dtype.type(np.nan), array)
        return array.dtype.name, array.shape, canonical.tobytes()
    if isinstance(value, dict):
        return {key: arrays(v) for key, v in value.items()}
    return [arrays(v) for v in value] if isinstance(value, (list, tuple)) else value


def train(side: Side, kind: str, options: dict[str, Any], start: list[Array], gradients: list[list[Any]]) -> Any:
    """After each step of a training run: parameters, gradients, state, and the versions of all of them."""
    params = [side.tensor(array, requires_grad=True) for array in start]
    optimizer = make(side, kind, params, options)
    seen = []
    for step in gradients:
        for p, g in zip(params, step, strict=True):
            p.grad = None if g is None else side.tensor(g)
        optimizer.step()
        tensors = [*params, *(p.grad for p in params if p.grad is not None)]
        tensors += [t for state in optimizer.state.values() for t in state.values()]
        versions = [t._version for t in tensors]
        seen.append([arrays(params), arrays([p.grad for p in params]), versions, arrays(optimizer.state_dict())])
    return seen


FACTORS = st.sampled_from([0, 1e-4, 0.1, 0.3, 0.5, 0.9, 0.99, 1.0])
RATES = st.sampled_from([0.0, 1e-3, 0.01, 0.1, 0.3, 1.0, 1e-30]) | st.floats(0, 2)
TENSOR_RATES = st.tuples(st.just("tensor"), st.sampled_from([0.1, [0.03]]), st.sampled_from(["f4", "f8"]))


@st.composite
def sgd_options(draw: st.DrawFn) -> dict[str, Any]:
    options = {
        "lr": draw(RATES | TENSOR_RATES),
        "momentum": draw(FACTORS),
        "dampening": draw(FACTORS),
        "weight_decay": draw(FACTORS | st.just(("tensor", 0.1, "f4"))),
        "maximize": draw(st.booleans()),
        **draw(st.sampled_from([{}, {"foreach": True}, {"foreach": False}, {"fused": False}])),
    }
    if draw(st.booleans()):
        options |= {"nesterov": True, "momentum": options["momentum"] or 0.9, "dampening": 0}
    return options


@st.composite
def rmsprop_options(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "lr": draw(RATES | TENSOR_RATES),
        "alpha": draw(FACTORS),
        "eps": draw(st.sampled_from([1e-8, 1e-3, 1e-10, 1])),
        "weight_decay": draw(FACTORS),
        "momentum": draw(FACTORS),
        "centered": draw(st.booleans()),
        "maximize": draw(st.booleans()),
        **draw(st.sampled_from([{}, {"foreach": True}, {"foreach": False}])),
    }


@st.composite
def runs(draw: st.DrawFn, steps: int = 20) -> tuple[list[Array], list[list[Any]]]:
    """Parameters of several shapes and gradients for each step, some of them missing."""
    dtype = draw(st.sampled_from(["f4", "f8"]))
    shapes = draw(st.lists(st.sampled_from([(), (1,), (1, 1), (3,), (2, 3), (17,), (5, 7), (0,)]), min_size=1, max_size=3))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([1, 1e-3, 30]))
    missing = draw(st.sampled_from([0, 0, 0.3]))
    one = lambda shape: np.asarray(generator.normal(0, scale, shape), dtype)
    start = [one(shape) for shape in shapes]
    if draw(st.booleans()):
        start = [np.array(array, order="F") for array in start]
    gradients = [[None if generator.random() < missing else one(shape) for shape in shapes] for _ in range(steps)]
    return start, gradients


OFTEN = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.usefixtures("torch_rounding")
@OFTEN
@given(options=sgd_options(), run=runs())
def test_sgd_computes_what_torch_computes(options: dict[str, Any], run: Any) -> None:
    theirs, ours = (train(side, SGD, options, *run) for side in SIDES)
    assert ours == theirs


@pytest.mark.usefixtures("torch_rounding")
@OFTEN
@given(options=rmsprop_options(), run=runs())
def test_rmsprop_computes_what_torch_computes(options: dict[str, Any], run: Any) -> None:
    theirs, ours = (train(side, RMSPROP, options, *run) for side in SIDES)
    assert ours == theirs
