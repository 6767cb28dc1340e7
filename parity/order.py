"""In which order a library adds up a matrix product, revealed from outside (after FPRev, arXiv 2411.00442).

Two terms are huge and cancel, all others are 1: a 1 that is added before they meet is absorbed. So the result counts
the terms that join later, and tells how large the smallest part of the sum is that holds both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BIG = 2.0**60
MOST = 64  # terms


def order(product: Callable[[Any], float], terms: int) -> str:
    """The order as text: [0 1 2] is (0 + 1) + 2, and [0 1 [2 3]] is (0 + 1) + (2 + 3).

    `product` gives the sum of the terms of a vector, which it multiplies by 1.
    """

    def part(i: int, j: int) -> int:
        """How many terms the smallest part of the sum has that holds both."""
        row = np.ones(terms)
        row[i], row[j] = BIG, -BIG
        return terms - round(product(row))

    def tree(members: list[int]) -> str:
        first, *rest = members
        if not rest:
            return str(first)
        joined: dict[int, list[int]] = {}
        for other in rest:
            joined.setdefault(part(first, other), []).append(other)
        return f"[{first} {' '.join(tree(joined[size]) for size in sorted(joined))}]"

    return tree(list(range(terms)))


def chain(terms: int) -> str:
    """From left to right, in the same notation."""
    return f"[{' '.join(map(str, range(terms)))}]" if terms > 1 else "0"
