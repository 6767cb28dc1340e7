"""Random programs of operations, views, in-place changes, hooks and backward passes, on torch and on microtorch.

Numbers are small and whole, so that every value and gradient is exact: all that differs is a difference of logic.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import torch
from hypothesis import HealthCheck, given, settings
from programs import Say, difference

import microtorch

LIMIT = 64  # larger values are not computed with any further

Step = tuple[str, int, int, int]
Word = Callable[["Machine", Any, Any, int], Any]


class Machine:
    """Runs the steps of a program on one library; `pool` are the tensors that they work on."""

    def __init__(self, module: Any) -> None:
        self.t = module
        self.say = Say(module, strides=False)  # they have tests of their own
        self.records = True
        self.pool: list[Any] = []
        self.unversioned: list[Any] = []  # whose versions say how torch computed them

    def start(self, leaves: list[tuple[int, int]]) -> None:
        shapes: list[Any] = [
            3.0,
            [1.0, -2.0, 3.0],
            [[2.0, -1.0, 1.0], [3.0, 1.0, -2.0]],
            [[1.0], [2.0]],
            [[2.0, 0.0, 1.0]],
        ]
        for shape, kind in leaves:
            dtype = self.t.float32 if kind & 2 else self.t.float64
            tensor = self.t.tensor(shapes[shape % len(shapes)], dtype=dtype, requires_grad=bool(kind & 1))
            self.pool.append(tensor.t().clone().t() if kind & 4 and tensor.dim() == 2 and not kind & 1 else tensor)

    def step(self, name: str, a: int, b: int, k: int) -> None:
        x, y = self.pool[a % len(self.pool)], self.pool[b % len(self.pool)]
        try:
            x.grad_fn, y.grad_fn  # noqa: B018  (a view that lost its history says so before shapes are looked at)
            with self.t.set_grad_enabled(self.records):
                result = WORDS[name](self, x, y, k)
        except (RuntimeError, TypeError, IndexError, ValueError, NotImplementedError) as error:
            self.say(name, f"{type(error).__name__}: {error}")
            return
        results = [r for r in (result if isinstance(result, (tuple, list)) else [result]) if r is not None]
        self.say(name, results)
        if name in ("grad", "the grad", "matmul") or any(x is known for known in self.unversioned):
            self.unversioned += results
        for tensor in results[:3]:
            if not any(tensor is known for known in self.pool) and self.small(tensor):
                self.pool.append(tensor)

    def small(self, tensor: Any) -> bool:
        with self.t.no_grad():
            return bool(tensor.numel() and (tensor.detach().abs() <= LIMIT).all())

    def end(self) -> None:
        for i, tensor in enumerate(self.pool):
            self.say(i, tensor, tensor.retains_grad)
            if not any(tensor is known for known in self.unversioned):
                self.say(tensor._version)
            self.say.outcome(lambda tensor=tensor: tensor.grad)


def shown(machine: Machine, label: str, factor: int) -> Callable[..., Any]:
    """A hook that says what it sees and returns a multiple of it, or nothing."""

    def hook(gradient: Any, *_: Any) -> Any:
        machine.say(label, gradient)
        if not factor or gradient is None:
            return None
        if isinstance(gradient, tuple):
            return tuple(None if g is None else g * factor for g in gradient)
        return gradient * factor

    return hook


def add_hook(machine: Machine, x: Any, k: int) -> None:
    x.register_hook(shown(machine, "hook", k % 3))


def say_only(machine: Machine, label: str) -> Callable[[Any], None]:
    return lambda tensor: machine.say(label, tensor.grad)


def ones(machine: Machine, x: Any) -> Any:
    return machine.t.ones_like(x.detach())


def backward(machine: Machine, x: Any, y: Any, k: int) -> None:
    inputs = {} if k & 4 else {"inputs": [y]}
    gradient = None if k & 8 else ones(machine, x)
    x.backward(gradient, retain_graph=bool(k & 1), create_graph=bool(k & 3 == 3), **inputs)


def gradients(machine: Machine, x: Any, y: Any, k: int) -> Any:
    other = machine.pool[k % len(machine.pool)]
    return machine.t.autograd.grad(
        x, [y, other], ones(machine, x), retain_graph=bool(k & 1), create_graph=bool(k & 2), allow_unused=bool(k & 4)
    )


def set_item(x: Any, index: Any, value: Any) -> Any:
    x[index] = value
    return x


def set_attribute(x: Any, name: str, value: Any) -> None:
    setattr(x, name, value)


def record(machine: Machine, k: int) -> None:
    machine.records = bool(k % 3)


PURE: dict[str, Word] = {
    "add": lambda m, x, y, k: x + y,
    "sub": lambda m, x, y, k: x - y,
    "mul": lambda m, x, y, k: x * y,
    "square": lambda m, x, y, k: x * x,
    "scale": lambda m, x, y, k: x * (k % 5 - 2),
    "shift": lambda m, x, y, k: x + k % 3,
    "add alpha": lambda m, x, y, k: x.add(y, alpha=k % 3),
    "from": lambda m, x, y, k: k % 4 - x,
    "neg": lambda m, x, y, k: -x,
    "sum": lambda m, x, y, k: x.sum(),
    "sum along": lambda m, x, y, k: x.sum(k % 2),
    "sum kept": lambda m, x, y, k: x.sum(k % 2 - 1, keepdim=True),
    "sum to": lambda m, x, y, k: x.sum_to_size(y.shape),
    "relu": lambda m, x, y, k: x.relu(),
    "abs": lambda m, x, y, k: x.abs(),
    "maximum": lambda m, x, y, k: m.t.maximum(x + 3, y + 3),  # no −0.0: of two zeros torch takes now one, now the other
    "where": lambda m, x, y, k: m.t.where(x > k % 3, x, y),
    "clone": lambda m, x, y, k: x.clone(),
    "stack": lambda m, x, y, k: m.t.stack([x, y, x]),
    "cat": lambda m, x, y, k: m.t.cat([x, y]),
    "fill masked": lambda m, x, y, k: x.masked_fill(x > 1, k % 3),
    "matmul": lambda m, x, y, k: x @ y + 0,  # no −0.0
    "to": lambda m, x, y, k: x.to(m.t.float64 if k % 2 else m.t.float32),
    "index": lambda m, x, y, k: x[[k % 2, 0, 0]],
    "mask": lambda m, x, y, k: x[x > k % 3],
    "cube": lambda m, x, y, k: CUBES[m.t].apply(x),
}

VIEWS: dict[str, Word] = {
    "view": lambda m, x, y, k: x.view(-1),
    "view as": lambda m, x, y, k: x.view(x.shape),
    "reshape": lambda m, x, y, k: x.reshape(-1),
    "t": lambda m, x, y, k: x.t(),
    "transpose": lambda m, x, y, k: x.transpose(0, -1),
    "unsqueeze": lambda m, x, y, k: x.unsqueeze(k % 3 - 1),
    "squeeze": lambda m, x, y, k: x.squeeze(),
    "squeeze along": lambda m, x, y, k: x.squeeze(k % 2),
    "select": lambda m, x, y, k: x[k % 3],
    "slice": lambda m, x, y, k: x[1:],
    "slice last": lambda m, x, y, k: x[..., k % 2 : 2],
    "step": lambda m, x, y, k: x[::2],
    "none": lambda m, x, y, k: x[None],
    "expand": lambda m, x, y, k: x.expand(2, *x.shape),
    "detach": lambda m, x, y, k: x.detach(),
    "data": lambda m, x, y, k: x.data,
    "unbind": lambda m, x, y, k: x.unbind(0),
    "split": lambda m, x, y, k: x.split(k % 2 + 1),
    "chunk": lambda m, x, y, k: x.chunk(2, -1),
    "same": lambda m, x, y, k: SAMES[m.t].apply(x),
}

CHANGES: dict[str, Word] = {
    "add_": lambda m, x, y, k: x.add_(y),
    "sub_": lambda m, x, y, k: x.sub_(k % 3),
    "mul_": lambda m, x, y, k: x.mul_(y),
    "scale_": lambda m, x, y, k: x.mul_(k % 3),
    "neg_": lambda m, x, y, k: x.neg_(),
    "relu_": lambda m, x, y, k: x.relu_(),
    "zero_": lambda m, x, y, k: x.zero_(),
    "fill_": lambda m, x, y, k: x.fill_(k % 4),
    "copy_": lambda m, x, y, k: x.copy_(y),
    "masked_fill_": lambda m, x, y, k: x.masked_fill_(x > 1, k % 3),
    "set row": lambda m, x, y, k: set_item(x, k % 2, y),
    "set rest": lambda m, x, y, k: set_item(x, slice(1, None), y),
    "set number": lambda m, x, y, k: set_item(x, 0, k % 5),
    "set all": lambda m, x, y, k: set_item(x, ..., y),
    "set masked": lambda m, x, y, k: set_item(x, x > 1, k % 3),
    "change row": lambda m, x, y, k: x[k % 2].mul_(2),
    "change part": lambda m, x, y, k: x[..., :1].add_(y),
    "change flat": lambda m, x, y, k: x.view(-1).mul_(k % 3),
    "double_": lambda m, x, y, k: DOUBLES[m.t].apply(x),
}

GRAPH: dict[str, Word] = {
    "require": lambda m, x, y, k: x.requires_grad_(bool(k % 3)),
    "retain": lambda m, x, y, k: x.retain_grad(),
    "hook": lambda m, x, y, k: add_hook(m, x, k),
    "leaf hook": lambda m, x, y, k: x.register_post_accumulate_grad_hook(say_only(m, "accumulated")) and None,
    "node hook": lambda m, x, y, k: x.grad_fn and x.grad_fn.register_hook(shown(m, "post", k % 3)) and None,
    "pre hook": lambda m, x, y, k: x.grad_fn and x.grad_fn.register_prehook(shown(m, "pre", k % 3)) and None,
    "detach_": lambda m, x, y, k: x.detach_(),
    "no grad": lambda m, x, y, k: set_attribute(x, "grad", None),
    "set grad": lambda m, x, y, k: set_attribute(x, "grad", y),
    "set data": lambda m, x, y, k: set_attribute(x, "data", y) if x.shape == y.shape else None,
    "the grad": lambda m, x, y, k: x.grad,
    "record": lambda m, x, y, k: record(m, k),
    "backward": backward,
    "backward of sum": lambda m, x, y, k: x.sum().backward(),
    "grad": gradients,
}

WORDS = PURE | VIEWS | CHANGES | GRAPH


def functions(t: Any) -> tuple[Any, Any, Any]:
    """Three custom functions: with a saved output, returning its input, and in place."""

    class Cube(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x * x * x
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, _ = ctx.saved_tensors
            return 3 * g * x * x

    class Same(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    class Double_(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    return Cube, Same, Double_


CUBES, SAMES, DOUBLES = (
    dict(zip((torch, microtorch), pair, strict=True))
    for pair in zip(functions(torch), functions(microtorch), strict=True)
)


def play(module: Any, leaves: list[tuple[int, int]], steps: list[Step]) -> list[str]:
    machine = Machine(module)
    machine.start(leaves)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in steps:
            machine.step(*step)
        machine.end()
    for tensor in machine.pool:  # gradients that were recorded hold their tensors, which hold them
        tensor.grad = None
    return machine.say.lines


numbers = st.integers(0, 15)
kinds = st.sampled_from([1, 1, 1, 0, 3, 2, 4])
all_leaves = st.lists(st.tuples(st.integers(0, 4), kinds), min_size=1, max_size=3)
words = st.one_of(*(st.sampled_from(sorted(group)) for group in (PURE, VIEWS, CHANGES, GRAPH)))
all_steps = st.lists(st.tuples(words, numbers, numbers, numbers), min_size=3, max_size=14)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(all_leaves, all_steps)
def test_programs_do_the_same(leaves: list[tuple[int, int]], steps: list[Step]) -> None:
    theirs, ours = play(torch, leaves, steps), play(microtorch, leaves, steps)
    assert ours == theirs, difference(theirs, ours)


def test_every_word_works_somewhere() -> None:
    """No word only ever fails, which would test nothing but its error."""
    for word in WORDS:
        tries = (
            play(torch, [(2, kind), (3, kind), (1, 1)], [("clone", 0, 0, 0), (word, a, b, k)])[1]
            for kind in (0, 1)
            for a in range(4)
            for b in range(4)
            for k in range(16)
        )
        assert any("Error" not in line for line in tries), word
