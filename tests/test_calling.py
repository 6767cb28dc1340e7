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
