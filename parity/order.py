"""In which order a library adds up a matrix product, revealed from outside (after FPRev, arXiv 2411.00442).

Two terms are huge and cancel, all others are 1: a 1 that is added before they meet is absorbed. So the result counts
the terms that join later, and tells how large the smallest part of the sum is that holds both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

BIG = 2.0**100  # in float32 it is finite, and absorbs a 1 also where more digits are kept
MOST = 64  # terms

Tree = int | tuple[Any, ...]  # the number of a term, or the sum of trees from left to right


def orders(sums: Callable[[Any], Any], terms: int) -> list[Tree]:
    """In which order each of several sums of the same terms is added up; `sums` gives them for the terms' values."""
    seen: dict[tuple[int, int], Any] = {}

    def parts(i: int, j: int) -> Any:
        """How many terms the smallest part of each sum has that holds both."""
        if (i, j) not in seen:
            values = np.ones(terms)
            values[i], values[j] = BIG, -BIG
            seen[i, j] = terms - np.rint(sums(values)).astype(int)
        return seen[i, j]

    def tree(place: int, members: list[int]) -> Tree:
        first, *rest = members
        joined: dict[int, list[int]] = {}
        for other in rest:
            joined.setdefault(int(parts(first, other)[place]), []).append(other)
        return (first, *(tree(place, joined[size]) for size in sorted(joined))) if rest else first

    return [tree(place, list(range(terms))) for place in range(len(sums(np.ones(terms))))]


def chain(terms: int) -> Tree:
    """From left to right."""
    return tuple(range(terms)) if terms > 1 else 0


def text(tree: Tree, names: Sequence[str]) -> str:
    """[a b c] is (a + b) + c, and [a b [c d]] is (a + b) + (c + d)."""
    return names[tree] if isinstance(tree, int) else f"[{' '.join(text(part, names) for part in tree)}]"


def added(tree: Tree, values: Any) -> Any:
    """The sum of the values in this order, rounded after each addition."""
    if isinstance(tree, int):
        return values[tree]
    total = added(tree[0], values)
    for part in tree[1:]:
        total = total + added(part, values)
    return total
