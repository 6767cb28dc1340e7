"""Functions that are no operations: a Python function for every element, the dtype of a result, what a list's node gives."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sides import SIDES, Side, as_array, assert_same_outcome, outcomes

CALLS: dict[str, Callable[[Any], Any]] = {
    "apply_": lambda x: x.apply_(lambda v: 2 * v + 1),
    "apply_ to a view": lambda x: x.T.apply_(lambda v: v + 1),
    "apply_, another type": lambda x: x.apply_(lambda v: 1.75),
    "map_": lambda x: x.map_(x.clone() + 1, lambda a, b: a * b),
    "map_, broadcast": lambda x: x.map_(x[:1].clone(), lambda a, b: a - b),
    "no function": lambda x: x.apply_(3),
    "no number": lambda x: x.apply_(lambda v: "x"),
    "map_, another dtype": lambda x: x.map_(x.half(), lambda a, b: a),
    "map_, another shape": lambda x: x.map_(x.new_zeros(5, 1), lambda a, b: a),
    "map2_": lambda x: x.map2_(x.clone() + 1, x.clone()[:, :1], lambda a, b, c: a + b * c),
    "map2_, another dtype": lambda x: x.map2_(x.clone(), x.half(), lambda a, b, c: a),
    "map2_, another shape": lambda x: x.map2_(x.clone(), x.new_zeros(5, 1), lambda a, b, c: a),
    "map2_, no tensor": lambda x: x.map2_(x.clone(), 3, lambda a, b, c: a),
    "map2_, no number": lambda x: x.map2_(x.clone(), x.clone(), lambda a, b, c: "x"),
    "map2_, no function": lambda x: x.map2_(x.clone(), x.clone(), 3),
    "map2_, with a gradient": lambda x: x.double().map2_(x.double(), x.double().requires_grad_(), lambda a, b, c: a),
    "requires a gradient": lambda x: x.double().requires_grad_().apply_(lambda v: v),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_a_function_for_every_element(name: str, dtype: str) -> None:
    def run(side: Side) -> Any:
        x = side.tensor(np.arange(6).reshape(2, 3).astype(dtype))
        return [CALLS[name](x), x, x._version]

    assert_same_outcome(*outcomes(run))


def test_result_type() -> None:
    """Of every pair of dtypes, with dimensions and without, and numbers."""

    def table(side: Side) -> list[str]:
        dtypes = ["float32", "float64", "float16", "int64", "int8", "uint8", "bool"]
        values = [side.tensor(np.zeros(shape, dtype)) for dtype in dtypes for shape in ((2,), ())]
        values += [True, 2, 2.5]
        return [str(side.module.result_type(a, b)) for a in values for b in values]

    theirs, ours = map(table, SIDES)
    assert ours == theirs


@pytest.mark.parametrize("name", ["cat", "stack", "hstack"])
def test_the_node_of_a_list_computes_all_gradients(name: str) -> None:
    """A hook behind it sees those of inputs that require none, too."""

    def seen(side: Side) -> Any:
        x, y = side.tensor(np.ones((1, 2)), True), side.tensor(np.zeros((1, 2)))
        joined = getattr(side.module, name)([x * 2, y, x * 3])
        found: list[Any] = []
        joined.grad_fn.register_hook(lambda inputs, _: found.extend(inputs))
        joined.sum().backward()
        return [as_array(g).tolist() for g in found], as_array(x.grad).tolist()

    theirs, ours = map(seen, SIDES)
    assert ours == theirs


@pytest.mark.parametrize("other", [3, 2.5, "x", None, [1]], ids=repr)
def test_matmul_operator_with_what_is_no_tensor(other: Any) -> None:
    for order in (1, -1):
        operands = lambda side: [side.tensor(np.ones((2, 2))), other][::order]  # noqa: B023
        assert_same_outcome(*outcomes(lambda side: operator.matmul(*operands(side))))  # noqa: B023


ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "in order": lambda x, _: x(2, 3, 4).dim_order(),
    "transposed": lambda x, _: x(2, 3).T.dim_order(),
    "permuted": lambda x, _: x(2, 3, 4).permute(1, 2, 0).dim_order(),
    "expanded": lambda x, _: x(2, 1).expand(2, 3).dim_order(),
    "expanded twice": lambda x, _: x(1).expand(2, 3).dim_order(),
    "with ones": lambda x, _: x(1, 2, 1, 3).permute(3, 1, 0, 2).dim_order(),
    "empty": lambda x, _: x(2, 0, 3).dim_order(),
    "a number": lambda x, _: x().dim_order(),
    "the only one": lambda x, _: x(2, 4).dim_order(ambiguity_check=True),
    "not the only one": lambda x, _: x(1, 4).dim_order(ambiguity_check=True),
    "contiguous": lambda x, formats: x(1, 4).dim_order(ambiguity_check=formats),
    "not contiguous": lambda x, formats: x(1, 4, 2).mT.dim_order(ambiguity_check=formats),
    "no flag": lambda x, _: x(2, 4).dim_order(ambiguity_check="a"),
    "no format": lambda x, _: x(2, 4).dim_order(ambiguity_check=[3]),
}


@pytest.mark.parametrize("name", ORDERS)
def test_the_order_of_dimensions_in_memory(name: str) -> None:
    def run(side: Side) -> Any:
        return list(ORDERS[name](lambda *shape: side.module.zeros(shape), [side.module.contiguous_format]))

    assert_same_outcome(*outcomes(run))


PERMUTED: dict[str, Callable[[Any], Any]] = {
    "three": lambda make: make((2, 3, 4), (2, 0, 1)),
    "none": lambda make: make((), ()),
    "empty": lambda make: make((2, 0), (1, 0)),
    "twice": lambda make: make((2, 3), (0, 0)),
    "too few": lambda make: make((2, 3), (0,)),
    "out of range": lambda make: make((2, 3), (0, 5)),
    "negative": lambda make: make((2, 3), (-1, 0)),
    "negative size": lambda make: make((2, -3), (1, 0)),
    "no tuple": lambda make: make(2, 3),
    "no int": lambda make: make((2, 3), (0, "a")),
}


@pytest.mark.parametrize("name", PERMUTED)
def test_empty_permuted(name: str) -> None:
    def run(side: Side) -> Any:
        made = PERMUTED[name](side.module.empty_permuted)
        typed = PERMUTED[name](lambda *args: side.module.empty_permuted(*args, dtype=side.module.half))
        return [list(made.shape), list(made.stride()), str(made.dtype), str(typed.dtype)]

    assert_same_outcome(*outcomes(run))
