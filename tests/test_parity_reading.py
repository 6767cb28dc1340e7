"""What parity reads of a graph, and that it leaves the graph as it can be freed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

import microtorch
from parity.reading import leaves

# A graph that is deeper than the stack, were its nodes freed inside each other; each line says which of its cases it is.
DEEP = """
import gc
import torch
from parity.reading import leaves
x = torch.ones(1, requires_grad=True)
def chain(y):
    for _ in range(100_000):
        y = 1.0001 * y
    return y
def walk(*roots):
    leaves(list(roots))
y = chain(x); walk(y); y.backward(); y = chain(x); walk(y); print("after a pass")
z = chain(y); walk(z); walk(z); del z; walk(x + 1); print("down to what is held")
del y; walk(x + 1); print("what was held")
print("all of it" if not any(type(one).__name__ == "MulBackward0" for one in gc.get_objects()) else "not all")
y = chain(x); walk(y); print("at the end of the process")
"""


def test_a_deep_graph_can_be_freed() -> None:
    """In a process of its own, for it would crash."""
    done = subprocess.run([sys.executable, "-c", DEEP], capture_output=True, text=True, timeout=120)
    cases = ["after a pass", "down to what is held", "what was held", "all of it", "at the end of the process"]
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (cases, "", 0)


@pytest.mark.parametrize("engine", [torch, microtorch], ids=["torch", "microtorch"])
@pytest.mark.parametrize("links", [2, 1500])
def test_leaves(engine: Any, links: int) -> None:
    """Each once, also of a graph with many paths; a leaf that is a root is its own."""
    w, b = (engine.full((1,), 0.5, requires_grad=True) for _ in range(2))
    data = engine.ones(1)
    y = data
    for _ in range(links):
        y = w * y + b * y
    found = leaves([y, y, data])
    assert found is not None
    assert sorted(map(id, found)) == sorted([id(w), id(b)])
    assert leaves([w]) == [w]
    assert leaves([data]) == []
    assert leaves([object()]) is None
