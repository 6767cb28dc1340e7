"""With `create_graph` a gradient has a graph of its own: the nodes of torch's, in all but a few operations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from programs import Say, same
from rows import Case, Draw, Row, all_rows
from sides import SIDES, THEIRS, Side, main_form, tensors_in

# Where it has others, and why.
DIFFERENT = {
    "x̂ and its gradient are operations of their own, which torch has not": {
        "nn.functional.batch_norm",
        "nn.functional.group_norm",
        "nn.functional.instance_norm",
        "nn.functional.layer_norm",
    },
    "a sum in another order, or what torch has as an operation of its own made of several": {
        "bilinear",
        "cumprod",
        "linalg.matrix_exp",
        "linalg.qr",
        "linalg.svd",
        "linalg.vander",
        "masked_scatter",
        "matrix_exp",
        "prelu",
    },
    "torch converts to the dtype that it is": {"renorm"},
}
ROWS = [row for row in all_rows() if THEIRS.find(row, "function") or THEIRS.find(row, "method")]


def graphs(row: Row, case: Case, side: Side) -> Any:
    """The graph above the gradient of every input, with the edges; None if the call has none, or is refused.

    Nodes are numbered as they are met. What is reached of the first graph is named, and not gone into.
    """
    leaves = []

    def leaf(array: Any) -> Any:
        tensor = side.tensor(array, array.dtype.kind == "f")
        leaves.extend([tensor] * tensor.requires_grad)
        return tensor

    args, kwargs = side.arguments(case(Draw()), leaf)
    if row.mutates:
        args[0] = args[0] * 1
    function = side.find(row, main_form(row))
    try:
        assert function is not None
        out = function(*args, **kwargs)
    except (RuntimeError, TypeError):
        return None
    outs = [t for t in tensors_in(args[0] if row.mutates else out) if t.grad_fn is not None and t.is_floating_point()]
    first: list[Any] = []

    def enter(node: Any) -> None:
        if node is not None and node not in first:
            first.append(node)
            for following, _ in node.next_functions:
                enter(following)

    for tensor in outs:
        enter(tensor.grad_fn)
    ones = [side.tensor(np.ones(tuple(t.shape), str(t.dtype).partition(".")[2]), True) for t in outs]
    try:
        gradients = side.module.autograd.grad(outs, leaves, ones, create_graph=True, allow_unused=True)
    except RuntimeError:
        return None
    found: list[Any] = []
    for gradient in gradients:
        met: list[Any] = []
        lines: list[Any] = []

        def walk(node: Any, met: list[Any] = met, lines: list[Any] = lines) -> int | None:
            if node is None:
                return None
            if node not in met:
                met.append(node)
                at = len(lines)
                lines.append(node.name())
                if node not in first:
                    lines[at] = node.name(), [(walk(following), number) for following, number in node.next_functions]
            return met.index(node)

        walk(None if gradient is None else gradient.grad_fn)
        found.append(lines)
    return found or None


def test_the_graph_of_a_gradient() -> None:
    different = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row in ROWS:
            for case in row.every[:3]:
                if graphs(row, case, THEIRS) != graphs(row, case, SIDES[1]):
                    different.add(row.name)
    assert different == set().union(*DIFFERENT.values())


@same
def test_numbers_of_a_script(t: Any, say: Say) -> None:
    """They are tensors to torch in a backward and in a hook, too; those of its own formulas are not."""

    class Thrice(t.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 3

    def chain(tensor: Any) -> list[str]:
        node, names = tensor.grad_fn, []
        while node is not None:
            names.append(node.name())
            node = node.next_functions[0][0] if node.next_functions else None
        return names

    for change in (Thrice.apply, lambda x: x * 3, lambda x: 1 - x * 2, lambda x: x.add(x.detach(), alpha=2).exp2()):
        x = t.tensor([1.0, 2.0], requires_grad=True)
        y = x.clone()
        y.register_hook(lambda g: 1 - g / 2 + 1)
        with t.autograd.graph.saved_tensors_hooks(lambda saved: saved, lambda saved: saved * 1):
            z = change(y)
        g = t.ones(2, requires_grad=True)
        say(chain(t.autograd.grad(z, x, g, create_graph=True)[0]))
