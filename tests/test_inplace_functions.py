"""Functions of the torch namespace that change their argument, such as torch.exp_: there where torch has them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sides import assert_same_outcome, outcomes

import microtorch
from microtorch.op import METHODS


def in_place(names: Any) -> set[str]:
    return {name for name in names if name.endswith("_") and not name.startswith("_")}


NAMES = sorted(in_place(dir(torch)) & set(METHODS))
ARGUMENTS: dict[str, Any] = {  # besides the tensor
    "addmv_": lambda m: (m.ones(2, 2), m.ones(2)),
    "as_strided_": lambda m: ((1,), (1,)),
    "clamp_": lambda m: (0.6,),
    "clamp_max_": lambda m: (0.6,),
    "clamp_min_": lambda m: (0.6,),
    "clip_": lambda m: (None, 0.6),
    "fill_": lambda m: (3,),
    "gcd_": lambda m: (m.ones(2),),
    "index_put_": lambda m: ((m.tensor([1]),), m.tensor([5.0])),
    "lcm_": lambda m: (m.ones(2),),
    "ldexp_": lambda m: (m.ones(2),),
    "resize_as_": lambda m: (m.ones(1),),
    "xlogy_": lambda m: (m.ones(2) / 3,),
}


def test_functions_are_those_of_torch() -> None:
    """Every function in place that torch has and whose method is here; and no other."""
    assert NAMES
    assert in_place(dir(microtorch)) & set(METHODS) == set(NAMES)
    assert in_place(dir(microtorch)) <= in_place(dir(torch))


@pytest.mark.parametrize("name", NAMES)
def test_changes_its_argument(name: str) -> None:
    def run(side: Any) -> Any:
        m = side.module
        x = m.tensor([0.5, 0.75])
        result = getattr(m, name)(x, *ARGUMENTS.get(name, lambda m: ())(m))
        return [x, result is x, x._version]

    assert_same_outcome(*outcomes(run), room=(2, False, True))


@pytest.mark.parametrize("name", sorted({"exp_", "neg_", "square_", "relu_", "addmv_"} & set(NAMES)))
@pytest.mark.parametrize("value", [3, None, "leaf"])
def test_refuses(name: str, value: Any) -> None:
    """What is no tensor is the argument in position 1; a leaf that requires a gradient is left alone."""

    def run(side: Any) -> Any:
        m = side.module
        x = m.ones(2, requires_grad=True) if value == "leaf" else value
        return getattr(m, name)(x, *ARGUMENTS.get(name, lambda m: ())(m))

    assert_same_outcome(*outcomes(run))
