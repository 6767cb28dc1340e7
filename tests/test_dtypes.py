"""dtypes and promotion, against torch."""

from __future__ import annotations

import copy
import itertools
import pickle
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import microtorch
from microtorch import dtypes

NAMES = [d.name for d in dtypes.ALL]
FLOATS = [d.name for d in dtypes.ALL if d.is_floating_point]


def ours(name: str) -> dtypes.dtype:
    return getattr(dtypes, "bool_" if name == "bool" else name)


def theirs(name: str) -> torch.dtype:
    return getattr(torch, name)


@pytest.fixture(autouse=True)
def restore_default() -> Iterator[None]:
    yield
    torch.set_default_dtype(torch.float32)
    dtypes.set_default_dtype(dtypes.float32)


def set_default(name: str) -> None:
    torch.set_default_dtype(theirs(name))
    dtypes.set_default_dtype(ours(name))


def same_outcome(our_call: Any, their_call: Any) -> None:
    """Both return the same, as text, or both raise the same type with the same words."""
    results = []
    for call in (our_call, their_call):
        try:
            results.append(("returned", repr(call())))
        except Exception as error:
            results.append((type(error).__name__, str(error)))
    assert results[0] == results[1]


@pytest.mark.parametrize("name", NAMES)
def test_attributes(name: str) -> None:
    mine, other = ours(name), theirs(name)
    for attribute in ("itemsize", "is_floating_point", "is_signed", "is_complex"):
        assert getattr(mine, attribute) == getattr(other, attribute), attribute
    assert repr(mine) == str(mine) == repr(other)
    assert mine.to_real() is mine
    assert other.to_real() is other
    assert f"torch.{mine.legacy_name}Tensor" == torch.zeros(1, dtype=other).type()
    if mine.is_floating_point:
        with pytest.raises(NotImplementedError, match=r"^microtorch does not have complex dtypes$"):
            mine.to_complex()
    else:
        same_outcome(mine.to_complex, other.to_complex)


@pytest.mark.parametrize("name", NAMES)
def test_a_dtype_is_one_object(name: str) -> None:
    mine = ours(name)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(mine, protocol)) is mine
    assert copy.copy(mine) is copy.deepcopy(mine) is mine
    assert dtypes.FROM_NUMPY[mine.numpy] is mine
    assert mine.numpy == torch.zeros(1, dtype=theirs(name)).numpy().dtype
    assert len({ours(n) for n in NAMES}) == len(NAMES)
    assert mine != mine.name


@pytest.mark.parametrize("alias", ["half", "double", "short", "long"])
def test_aliases(alias: str) -> None:
    assert repr(ours(alias)) == repr(theirs(alias))


@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("b", NAMES)
def test_pairs(a: str, b: str) -> None:
    assert repr(dtypes.promote_types(ours(a), ours(b))) == repr(torch.promote_types(theirs(a), theirs(b)))
    assert dtypes.can_cast(ours(a), ours(b)) is torch.can_cast(theirs(a), theirs(b))


PAIRS_OF_NUMBERS = list(itertools.product([True, 0, 3, -7, 0.1, 2.5, -7.5, 16777217.0, 1e-30], repeat=2))


@pytest.mark.parametrize(
    ("default", "name", "named"),
    [
        *itertools.product(FLOATS, ("add", "sub", "mul", "div", "true_divide", "floor_divide", "remainder"), [{}]),
        *itertools.product(FLOATS, ("add", "sub"), [{"alpha": 2}]),
        *itertools.product(("float32", "float64"), ["div"], [{"rounding_mode": mode} for mode in ("trunc", "floor")]),
    ],
)
def test_operations_of_two_python_numbers(default: str, name: str, named: dict[str, Any]) -> None:
    set_default(default)

    def outcome(module: Any, pair: tuple[Any, Any]) -> Any:
        with np.errstate(all="ignore"):
            result = getattr(module, name)(*pair, **named)
        return str(result.dtype), result.tolist()

    for pair in PAIRS_OF_NUMBERS:
        same_outcome(lambda pair=pair: outcome(microtorch, pair), lambda pair=pair: outcome(torch, pair))


@pytest.mark.parametrize("default", FLOATS)
def test_result_type(default: str) -> None:
    """Every pair of: tensor with dimensions, 0-d tensor (of every dtype), Python number."""
    set_default(default)
    numbers = [True, 3, 2.5]
    operands = [(kind, name) for kind in ("dimensioned", "zero_dim") for name in NAMES] + [
        ("number", n) for n in numbers
    ]

    def promoted(kind: str, pair: Any) -> dtypes.dtype | None:
        of_kind = [dtypes.of_number(x) if kind == "number" else ours(x) for k, x in pair if k == kind]
        return of_kind[0] if len(of_kind) == 1 else dtypes.promote_types(*of_kind) if of_kind else None

    def operand(kind: str, x: Any) -> Any:
        return x if kind == "number" else torch.zeros((2,) if kind == "dimensioned" else (), dtype=theirs(x))

    for pair in itertools.product(operands, operands):
        mine = dtypes.result_type(*(promoted(kind, pair) for kind in ("dimensioned", "zero_dim", "number")))
        assert repr(mine) == repr(torch.result_type(*(operand(*o) for o in pair))), pair


@pytest.mark.parametrize("number", [True, 3, 2.5])
def test_result_type_of_all_three_kinds(number: float) -> None:
    """One promotion of three agrees with torch's two, one after the other."""
    for a, b in itertools.product(NAMES, NAMES):
        mine = dtypes.result_type(ours(a), ours(b), dtypes.of_number(number))
        two = torch.result_type(torch.zeros(2, dtype=theirs(a)), torch.zeros((), dtype=theirs(b)))
        assert repr(mine) == repr(torch.result_type(torch.zeros(2, dtype=two), number)), (a, b)


@pytest.mark.parametrize("name", [*FLOATS, None])
def test_finfo(name: str | None) -> None:
    set_default("float64")
    mine, other = (
        (dtypes.finfo(), torch.finfo()) if name is None else (dtypes.finfo(ours(name)), torch.finfo(theirs(name)))
    )
    assert repr(mine) == repr(other)
    for field in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype"):
        ours_, theirs_ = getattr(mine, field), getattr(other, field)
        assert (type(ours_), ours_) == (type(theirs_), theirs_), field


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "int64"])
def test_iinfo(name: str) -> None:
    mine, other = dtypes.iinfo(ours(name)), torch.iinfo(theirs(name))
    assert repr(mine) == repr(other)
    for field in ("bits", "max", "min", "dtype"):
        ours_, theirs_ = getattr(mine, field), getattr(other, field)
        assert (type(ours_), ours_) == (type(theirs_), theirs_), field


def test_limits_compare_by_type_and_do_not_hash() -> None:
    for module in (dtypes, torch):
        assert module.finfo(module.half) == module.finfo(module.float16) != module.finfo(module.float32)
        assert module.iinfo(module.int8) == module.iinfo(module.int8) != module.iinfo(module.int16)
        assert module.finfo(module.half) != 3
        assert module.iinfo(module.int8) != module.finfo(module.half)
        with pytest.raises(TypeError, match=r"unhashable type: '.*finfo'"):
            hash(module.finfo(module.half))


OTHERS = [3, None, "float32", 2.5, torch.ones(1), float, int, bool, str, []]


@pytest.mark.parametrize(
    ("mine", "other"), [*((ours(name), theirs(name)) for name in NAMES), *zip(OTHERS, OTHERS, strict=True)], ids=str
)
def test_arguments(mine: Any, other: Any) -> None:
    """Python's number types stand for dtypes, except as the default; everything else is refused in torch's words."""
    same_outcome(lambda: dtypes.finfo(mine), lambda: torch.finfo(other))
    same_outcome(lambda: dtypes.iinfo(mine), lambda: torch.iinfo(other))
    same_outcome(lambda: dtypes.promote_types(mine, dtypes.int8), lambda: torch.promote_types(other, torch.int8))
    same_outcome(lambda: dtypes.promote_types(dtypes.int8, mine), lambda: torch.promote_types(torch.int8, other))
    same_outcome(lambda: dtypes.promote_types(mine, mine), lambda: torch.promote_types(other, other))
    same_outcome(lambda: dtypes.can_cast(mine, dtypes.int8), lambda: torch.can_cast(other, torch.int8))
    same_outcome(lambda: dtypes.can_cast(dtypes.int8, mine), lambda: torch.can_cast(torch.int8, other))
    same_outcome(lambda: dtypes.set_default_dtype(mine), lambda: torch.set_default_dtype(other))
    assert repr(dtypes.get_default_dtype()) == repr(torch.get_default_dtype())


@pytest.mark.parametrize("default", FLOATS)
@pytest.mark.parametrize("number", [True, False, 0, -3, 2.5, float("nan")])
def test_of_number(default: str, number: float) -> None:
    set_default(default)
    assert repr(dtypes.of_number(number)) == repr(torch.tensor(number).dtype)


def test_as_dtype_names_the_argument() -> None:
    words = "zeros(): argument 'dtype' must be torch.dtype, not str"
    for call in (lambda: dtypes.as_dtype("x", "zeros(): argument 'dtype'"), lambda: torch.zeros(2, dtype="x")):
        with pytest.raises(TypeError, match=f"^{re.escape(words)}$"):
            call()
