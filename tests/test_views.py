"""Random chains of views and of changes in place, on bases and on views: everything that can be asked is asked of both.

A chain is drawn while torch executes it, so that every step fits the shapes at hand, and is then repeated here. After
each step all tensors are compared: values, strides, offsets, versions, bases, graphs; in the end the gradients. A step
that torch refuses must be refused in the same words, and leave everything as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sides import OURS, THEIRS, Side, as_array

Draw = Callable[[Any], Any]
Step = tuple[str, int, tuple[Any, ...], bool]


def _dim(draw: Draw, x: Any) -> int:
    return int(draw(st.integers(-max(x.ndim, 1), max(x.ndim, 1) - 1)))


def _some_slice(draw: Draw, x: Any) -> slice:
    bound = st.none() | st.integers(-4, 4)
    return slice(draw(bound), draw(bound), draw(st.none() | st.integers(1, 3)))


def _key(draw: Draw, x: Any) -> tuple[Any, ...]:
    parts: list[Any] = [
        draw(st.integers(-n, n - 1)) if n and draw(st.booleans()) else _some_slice(draw, x)
        for n in x.shape[: draw(st.integers(0, x.ndim))]
    ]
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), draw(st.sampled_from([None, Ellipsis])))
    return tuple(parts)


def _factors(draw: Draw, n: int) -> list[int]:
    """A shape of n elements."""
    shape: list[int] = []
    while n > 1 and len(shape) < 3:
        k = draw(st.sampled_from([d for d in range(1, n + 1) if n % d == 0]))
        shape.append(k)
        n //= k
    return [*shape, n] if n != 1 or draw(st.booleans()) else shape


def _part(draw: Draw, x: Any) -> tuple[Any, ...]:
    dim = _dim(draw, x)
    n = x.shape[dim] if x.ndim else 1
    start = draw(st.integers(0, n))
    return dim, start, draw(st.integers(0, n - start + 1))


def _widened(draw: Draw, x: Any) -> tuple[Any, ...]:
    lead = draw(st.lists(st.integers(1, 2), max_size=1))
    return ([*lead, *[draw(st.sampled_from([n, -1, 2])) if n == 1 else n for n in x.shape]],)


def _window(draw: Draw, x: Any) -> tuple[Any, ...]:
    return [2, 2], [draw(st.integers(0, 2)), 1], draw(st.integers(0, 3))


# Every operation: how its arguments are drawn for a tensor, and the operation itself.
VIEWS: dict[str, tuple[Callable[[Draw, Any], tuple[Any, ...]], Callable[..., Any]]] = {
    "index": (lambda draw, x: (_key(draw, x),), lambda t, x, key: x[key]),
    "view": (lambda draw, x: (_factors(draw, x.numel()),), lambda t, x, shape: x.view(shape)),
    "reshape": (lambda draw, x: (_factors(draw, x.numel()),), lambda t, x, shape: x.reshape(shape)),
    "transpose": (lambda draw, x: (_dim(draw, x), _dim(draw, x)), lambda t, x, a, b: x.transpose(a, b)),
    "t": (lambda draw, x: (), lambda t, x: x.t()),
    "permute": (lambda draw, x: (draw(st.permutations(range(x.ndim))),), lambda t, x, dims: x.permute(dims)),
    "unsqueeze": (lambda draw, x: (draw(st.integers(-x.ndim - 1, x.ndim)),), lambda t, x, d: x.unsqueeze(d)),
    "squeeze": (lambda draw, x: (_dim(draw, x),), lambda t, x, d: x.squeeze(d)),
    "squeeze all": (lambda draw, x: (), lambda t, x: x.squeeze()),
    "expand": (_widened, lambda t, x, shape: x.expand(shape)),
    "narrow": (_part, lambda t, x, *part: x.narrow(*part)),
    "diagonal": (lambda draw, x: (draw(st.integers(-2, 2)),), lambda t, x, k: x.diagonal(k)),
    "unfold": (
        lambda draw, x: (_dim(draw, x), draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        lambda t, x, *a: x.unfold(*a),
    ),
    "split": (lambda draw, x: (draw(st.integers(1, 3)), _dim(draw, x)), lambda t, x, *a: list(x.split(*a))[:2]),
    "unbind": (lambda draw, x: (_dim(draw, x),), lambda t, x, d: list(x.unbind(d))[:2]),
    "as_strided": (_window, lambda t, x, *window: x.as_strided(*window)),
    "detach": (lambda draw, x: (), lambda t, x: x.detach()),
    "data": (lambda draw, x: (), lambda t, x: x.data),
    "clone": (lambda draw, x: (), lambda t, x: x.clone()),
    "contiguous": (lambda draw, x: (), lambda t, x: x.contiguous()),
    "times": (lambda draw, x: (), lambda t, x: x * 2),
}


def _set(x: Any, key: Any, value: Any) -> Any:
    x[key] = value
    return x


CHANGES: dict[str, tuple[Callable[[Draw, Any], tuple[Any, ...]], Callable[..., Any]]] = {
    "mul_": (lambda draw, x: (), lambda t, x: x.mul_(1.5)),
    "add_ leaf": (lambda draw, x: (), lambda t, x: x.add_(t.leaf[0])),
    "mul_ leaf": (lambda draw, x: (), lambda t, x: x.mul_(t.leaf[1])),
    "exp_": (lambda draw, x: (), lambda t, x: x.sub_(x.detach()).sigmoid_()),
    "zero_": (lambda draw, x: (), lambda t, x: x.zero_()),
    "fill_": (lambda draw, x: (), lambda t, x: x.fill_(t.leaf[2])),
    "copy_": (lambda draw, x: (), lambda t, x: x.copy_(t.leaf[0].double() * 3)),
    "setitem": (lambda draw, x: (_key(draw, x),), lambda t, x, key: _set(x, key, 0.25)),
    "setitem leaf": (lambda draw, x: (_key(draw, x),), lambda t, x, key: _set(x, key, t.leaf[1])),
    "index_put": (
        lambda draw, x: (draw(st.lists(st.integers(-1, 0), min_size=1, max_size=2)),),
        lambda t, x, i: _set(x, i, t.leaf[2]),
    ),
    "t_": (lambda draw, x: (), lambda t, x: x.t_()),
    "transpose_": (lambda draw, x: (_dim(draw, x), _dim(draw, x)), lambda t, x, a, b: x.transpose_(a, b)),
    "unsqueeze_": (lambda draw, x: (draw(st.integers(-x.ndim - 1, x.ndim)),), lambda t, x, d: x.unsqueeze_(d)),
    "squeeze_": (lambda draw, x: (), lambda t, x: x.squeeze_()),
    "detach_": (lambda draw, x: (), lambda t, x: x.detach_()),
    "requires_grad_": (lambda draw, x: (), lambda t, x: x.requires_grad_()),
}
OPERATIONS = VIEWS | CHANGES
RESHAPING = ["t_", "transpose_", "unsqueeze_", "squeeze_"]


class Pool:
    """The tensors of a chain on one side."""

    def __init__(self, side: Side, shape: tuple[int, ...]) -> None:
        self.side = side
        rng = np.random.default_rng(0)
        self.leaf = [side.tensor(np.array(v, np.float32), True) for v in (0.5, -1.25, 3.0)]
        self.root = side.tensor(rng.uniform(-2, 2, shape).astype(np.float32), True)
        plain = side.tensor(rng.uniform(-2, 2, shape).astype(np.float32))
        self.tensors = [self.root * 1, plain, self.root]

    def step(self, step: Step) -> str:
        name, at, args, recorded = step
        try:
            with self.side.module.set_grad_enabled(recorded):
                result = OPERATIONS[name][1](self, self.tensors[at], *args)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        if name in VIEWS:
            self.tensors += result if isinstance(result, list) else [result]
        return "done"

    def wants_gradient(self, at: int) -> bool:
        x = self.tensors[at]
        try:
            return bool(x.requires_grad and x.is_leaf)
        except RuntimeError:  # a view of a base that was changed, without a history of its own
            return False

    def described(self) -> list[str]:
        return [self._describe(x) for x in self.tensors]

    def _describe(self, x: Any) -> str:
        base = x._base
        known = [i for i, y in enumerate(self.tensors) if y is base]
        # Where a result is no view, nothing depends on the step along a length of 1.
        strides = [s for n, s in zip(x.shape, x.stride(), strict=True) if n != 1 or x._is_view()]
        place = f"{strides}+{x.storage_offset()}" if x.numel() else ""
        about = f"{tuple(x.shape)}{place} v{x._version}"
        about += f" of {known[0] if known else base is not None}"
        try:
            about += f" {x.requires_grad} {x.is_leaf} {_graph(x.grad_fn, 3)}.{x.output_nr}"
        except RuntimeError as error:
            about += f" {error}"
        return f"{about} {np.round(as_array(x.detach()), 5).tolist()}"

    def gradients(self) -> list[Any]:
        """The gradients of the weighted sum of everything that has a history."""
        rng = np.random.default_rng(1)
        leaves = [self.root, *self.leaf]
        found: list[Any] = []
        total: Any = None
        for x in self.tensors:
            try:
                if not x.requires_grad or x.is_leaf:
                    continue
                weight = self.side.tensor(rng.uniform(-2, 2, tuple(x.shape)).astype(np.float32))
                term = (x.clone() * weight).sum()
            except RuntimeError as error:
                found.append(str(error))
                continue
            total = term if total is None else total + term
        if total is not None:
            try:
                total.backward()
            except RuntimeError as error:
                found.append(str(error))
        return [*found, *[None if leaf.grad is None else as_array(leaf.grad) for leaf in leaves]]


def _meets_itself(x: Any) -> bool:
    """Whether elements share places in memory."""
    places = np.zeros(tuple(x.shape), int)
    for axis, (n, stride) in enumerate(zip(x.shape, x.stride(), strict=True)):
        places += (np.arange(n) * stride).reshape((n,) + (1,) * (x.ndim - axis - 1))
    return len(np.unique(places)) < places.size


def _graph(node: Any, depth: int) -> str:
    if node is None or not depth:
        return "-"
    return f"{node.name()}({', '.join(_graph(f, depth - 1) for f, _ in node.next_functions)})"


@st.composite
def chains(draw: Draw, length: int = 8) -> tuple[tuple[int, ...], list[Step], list[tuple[str, list[str]]], list[Any]]:
    """A chain, and what torch says to it."""
    shape = draw(st.sampled_from([(2, 3), (4,), (2, 1, 3), (1, 2), (3, 2), ()]))
    pool = Pool(THEIRS, shape)
    steps: list[Step] = []
    said = []
    for _ in range(draw(st.integers(2, length))):
        name = draw(st.sampled_from(sorted(VIEWS) if draw(st.booleans()) else sorted(CHANGES)))
        at = draw(st.integers(0, len(pool.tensors) - 1))
        if name in RESHAPING and pool.wants_gradient(at):
            name = "mul_"  # a leaf that changes its shape after it was used: torch fails in backward, by accident
        if name in CHANGES and _meets_itself(pool.tensors[at]):
            name = "clone"  # which of several values for one place remains is not said
        step = (name, at, OPERATIONS[name][0](draw, pool.tensors[at]), draw(st.integers(0, 7)) > 0)
        steps.append(step)
        said.append((pool.step(step), pool.described()))
    return shape, steps, said, pool.gradients()


def check(chain: tuple[tuple[int, ...], list[Step], list[tuple[str, list[str]]], list[Any]]) -> None:
    shape, steps, said, gradients = chain
    pool = Pool(OURS, shape)
    for k, (step, (outcome, described)) in enumerate(zip(steps, said, strict=True)):
        mine = pool.step(step)
        if "modified inplace" in outcome:  # of two reasons to refuse, torch sees the lost history first
            assert mine != "done", f"step {k} of {shape}: {steps[: k + 1]}"
        else:
            assert mine == outcome, f"step {k} of {shape}: {steps[: k + 1]}"
        for i, (mine, theirs) in enumerate(zip(pool.described(), described, strict=True)):
            assert mine == theirs, (
                f"tensor {i} after step {k} of {shape}: {steps[: k + 1]}\nours   {mine}\ntorchs {theirs}"
            )
    for mine, theirs in zip(pool.gradients(), gradients, strict=True):
        if isinstance(theirs, np.ndarray) and isinstance(mine, np.ndarray):
            np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=1e-5, err_msg=f"{shape}: {steps}")
        else:
            assert type(mine) is type(theirs), f"{shape}: {steps}\nours   {mine}\ntorchs {theirs}"
            assert mine == theirs, f"{shape}: {steps}"


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # asked of every tensor
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(chains())
def test_chains(chain: Any) -> None:
    check(chain)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_is_fit_for_chains(name: str) -> None:
    """What is drawn from works on some tensor, on torch."""
    rng = np.random.default_rng(0)
    draw: Draw = lambda strategy: _sample(strategy, rng)
    outcomes = []
    for shape in [(2, 3), (4,), (2, 1, 3)] * 4:
        pool = Pool(THEIRS, shape)
        outcomes.append(pool.step((name, 1, OPERATIONS[name][0](draw, pool.tensors[1]), True)))
    assert "done" in outcomes, outcomes


def _sample(strategy: Any, rng: np.random.Generator) -> Any:
    """One value of a strategy, outside of hypothesis."""
    found: list[Any] = []

    @settings(max_examples=1, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def take(value: Any) -> None:
        found.append(value)

    take()
    return found[0]


def test_chains_notice_a_wrong_version() -> None:
    """The comparison is sharp: a version that is not raised is seen."""
    pool = Pool(OURS, (2, 3))
    before = pool.described()
    pool.tensors[1]._counter[0] += 1
    assert pool.described() != before
    assert torch.ones(1)._version == 0
