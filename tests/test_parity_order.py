"""The order in which terms are added up, found out from the sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from parity import order

FLOATS = ("float32", "float64")

Nested = Any  # a term's number, or a pair of such


def trees(terms: int) -> st.SearchStrategy[Nested]:
    """Every way to add up terms in pairs."""

    def joined(parts: list[Nested], draws: list[int]) -> Nested:
        parts = list(parts)
        for draw in draws:
            one = parts.pop(draw % len(parts))
            parts[draw // 7 % len(parts)] = (one, parts[draw // 7 % len(parts)])
        return parts[0]

    draws = st.lists(st.integers(0, 10**4), min_size=terms - 1, max_size=terms - 1)
    return st.builds(joined, st.permutations(range(terms)), draws)


def leaves(tree: Nested) -> list[int]:
    return [tree] if isinstance(tree, int) else leaves(tree[0]) + leaves(tree[1])


def total(tree: Nested, values: Any) -> Any:
    return values[tree] if isinstance(tree, int) else total(tree[0], values) + total(tree[1], values)


def along(tree: Nested) -> order.Tree:
    """What is added, one after another, to the term with the smallest number."""
    if isinstance(tree, int):
        return tree
    first, second = sorted(tree, key=lambda part: min(leaves(part)))
    start = along(first)
    return (*(start if isinstance(start, tuple) else (start,)), along(second))


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 20).flatmap(lambda n: st.lists(trees(n), min_size=1, max_size=3)), st.sampled_from(FLOATS))
def test_every_order_is_revealed(drawn: list[Nested], dtype: str) -> None:
    terms = len(leaves(drawn[0]))

    def sums(values: Any) -> Any:
        return np.array([total(tree, values.astype(dtype)) for tree in drawn])

    found = order.orders(sums, terms)
    assert found == [along(tree) for tree in drawn]
    values = np.random.default_rng(0).normal(size=terms).astype(dtype)
    assert [order.added(tree, values) for tree in found] == [total(tree, values) for tree in drawn]


def test_orders_as_text() -> None:
    assert order.text((0, 1, (2, 3)), ["a", "b", "c", "d"]) == "[a b [c d]]"
    assert order.text(order.chain(3), ["0", "1", "bias"]) == "[0 1 bias]"
    assert order.text(order.chain(1), ["0"]) == "0"
