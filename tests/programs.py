"""Small programs that are run on torch and on microtorch, and everything that can be seen of them as lines of text.

A program is a function of the library `t` and of `say`, which writes down values. Decorated with `same` it is a test.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Container
from typing import Any

import torch

import microtorch

Program = Callable[[Any, "Say"], None]


class Say:
    """Writes down what a program shows."""

    def __init__(self, module: Any, *, strides: bool = True) -> None:
        self.module = module
        self.strides = strides
        self.lines: list[str] = []

    def __call__(self, *values: Any) -> None:
        self.lines.append(" | ".join(map(self.text, values)))

    def outcome(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """What a call returns, or the error it raises."""
        try:
            self("returned", function(*args, **kwargs))
        except Exception as error:
            self.lines.append(f"{type(error).__name__}: {error}")

    def text(self, value: Any) -> str:
        if isinstance(value, self.module.Tensor):
            return self.tensor(value)
        if type(value) in (list, tuple):
            return "[" + ", ".join(map(self.text, value)) + "]"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k}: {self.text(v)}" for k, v in value.items()) + "}"
        if hasattr(value, "next_functions"):
            return graph(value)
        return str(value)

    def tensor(self, value: Any) -> str:
        """dtype, shape, strides, values, place in the graph. Not the version: torch adds up gradients in place."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with self.module.no_grad():
                numbers = value.detach().tolist()
        marks = "requires_grad " * value.requires_grad + "view " * value._is_view()
        try:
            history = "leaf" if value.is_leaf else f"{value.output_nr} of {graph(value.grad_fn)}"
        except RuntimeError as error:  # a view that must not be asked for its history any more
            history = str(error)
        strides = list(value.stride()) if self.strides else ""
        return f"{value.dtype}{list(value.shape)}{strides} {numbers} {marks}{history}"


def graph(node: Any, unnamed: Container[Any] = ()) -> str:
    """All nodes below a node, numbered as they are met, each with its edges; those `unnamed` with neither."""
    numbers, queue, parts = {node: 0}, [node], []
    for this in queue:
        if this in unnamed:
            parts.append(f"{numbers[this]} unnamed")
            continue
        edges = []
        for following, output_nr in this.next_functions:
            if following is not None and following not in numbers:
                numbers[following] = len(numbers)
                queue.append(following)
            edges.append(f"{'-' if following is None else numbers[following]}:{output_nr}")
        parts.append(f"{numbers[this]} {this.name()}({' '.join(edges)})")
    return "; ".join(parts)


def run(program: Program, module: Any) -> list[str]:
    """The lines of a program on one library, with the warnings it gave at the end."""
    say = Say(module)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program(module, say)
    shown = [f"{w.category.__name__}: {str(w.message).partition(' (Triggered internally')[0]}" for w in caught]
    return say.lines + [w for w in shown if "create a reference cycle" not in w]  # which torch says once a process


def difference(theirs: list[str], ours: list[str]) -> str:
    """The lines that are not the same."""
    return "\n".join(difflib.unified_diff(theirs, ours, "torch", "microtorch", lineterm="", n=1))


def same(program: Program) -> Callable[[], None]:
    """A test that a program shows the same on both libraries."""

    def test() -> None:
        theirs, ours = run(program, torch), run(program, microtorch)
        assert theirs
        assert ours == theirs, difference(theirs, ours)

    test.__name__, test.__qualname__, test.__doc__ = program.__name__, program.__qualname__, program.__doc__
    test.__module__ = program.__module__
    return test
