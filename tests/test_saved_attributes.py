"""What nodes show of what they saved: `_saved_other`, `_saved_dim`, …, as torch's nodes do."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from programs import Say, same
from rows import Call, Draw, Row, all_rows
from sides import SIDES, THEIRS, Side, as_array, is_tensor, tensors_in

# What torch's nodes save and ours need not, by node: the formula asks for something else. Most often a shape is enough
# for it; or it solves and normalizes anew, without the factors and the statistics that torch has kept.
STATISTICS = {"result1", "result2"}
FACTORS = {"LU", "pivots"}
LACKS = {
    "AddmmBackward0": {"mat1_sym_sizes", "mat1_sym_strides", "mat2_sym_sizes", "mat2_sym_strides"},
    "CummaxBackward0": {"self"},
    "CumminBackward0": {"self"},
    "DivBackward2": {"other", "rounding_mode", "self"},
    "ExpandBackward0": {"self_sym_sizes"},
    "ExpandBackward0_copy": {"self_sym_sizes"},
    "GatherBackward0": {"self", "sparse_grad"},
    "IndexAddBackward0": {"source", "source_dim"},
    "IndexCopyBackward0": {"source", "source_dim"},
    "LinalgDetBackward0": FACTORS,
    "LinalgSlogdetBackward0": FACTORS | {"sign"},
    "LinalgSolveExBackward0": FACTORS,
    "LogSigmoidBackward0": {"buffer"},
    "MaskedSelectBackward0": {"self"},
    "MeanBackward0": {"self_sym_numel"},
    "MeanBackward1": {"self_sym_numel"},
    "MmBackward0": {"mat2_sym_sizes", "mat2_sym_strides", "self_sym_sizes", "self_sym_strides"},
    "NativeBatchNormBackward0": STATISTICS,
    "NativeGroupNormBackward0": STATISTICS,
    "NativeLayerNormBackward0": STATISTICS | {"bias"},
    "PutBackward0": {"source"},
    "SgnBackward0": {"result", "self"},
    "TakeBackward0": {"self"},
}
# What is there and not the same: an argument after its default was filled in; noise in memory that torch leaves as it
# was, as there is none outside of training.
OTHERWISE = {
    "AsStridedBackward0": {"storage_offset"},
    "RreluWithNoiseBackward0": {"noise"},
    "RreluWithNoiseBackward1": {"noise"},
}
UP_TO_SIGN = {"U", "Vh", "eigenvectors"}  # as these vectors are found, by LAPACK and by that of numpy


def nodes(row: Row, call: Call, side: Side) -> list[Any] | None:
    """The nodes above the result of a call, as they are met; None if the call is refused."""
    found: list[Any] = []

    def walk(node: Any) -> None:
        if node is not None and node not in found:
            found.append(node)
            for following, _ in node.next_functions:
                walk(following)

    def leaf(array: Any) -> Any:
        return side.tensor(array, array.dtype.kind == "f")

    args, kwargs = side.arguments(call, leaf)
    if row.mutates:
        args[0] = args[0] * 1
    function = side.find(row, "function") or side.find(row, "method")
    try:
        out = function(*args, **kwargs) if function is not None else None
    except (RuntimeError, TypeError):
        return None
    for tensor in tensors_in(args[0] if row.mutates else out):
        walk(tensor.grad_fn)
    return found


def names(node: Any) -> set[str]:
    return {name.removeprefix("_saved_") for name in dir(node) if name.startswith("_saved_")}


def saved(node: Any, attribute: str) -> Any:
    """What an attribute shows: a value, or the text of the error that it is not there any more."""
    try:
        return getattr(node, f"_saved_{attribute}")
    except RuntimeError as error:
        return str(error)


def shown(value: Any) -> Any:
    """What a value is, of tensors without the numbers."""
    if is_tensor(value):
        return str(as_array(value).dtype), tuple(value.shape), value.requires_grad, value.is_leaf
    if isinstance(value, (tuple, list)):
        return type(value), [shown(v) for v in value]
    return type(value).__name__, str(value)


def near(theirs: Any, ours: Any) -> bool:
    """Whether tensors have the same numbers, to the last bit if they are leaves; operations may round differently."""
    if isinstance(theirs, (tuple, list)):
        return all(map(near, theirs, ours))
    if not is_tensor(theirs):
        return True
    room = 0 if theirs.is_leaf else 1e-4
    return np.allclose(as_array(theirs), as_array(ours), rtol=room, atol=room, equal_nan=True)


def pairs(row: Row) -> Iterator[tuple[Any, Any]]:
    for case in row.every[:3]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs, ours = (nodes(row, case(Draw()), side) for side in SIDES)
        if theirs is not None and ours is not None and [n.name() for n in theirs] == [n.name() for n in ours]:
            yield from zip(theirs, ours, strict=True)


ROWS = [row for row in all_rows() if THEIRS.find(row, "function") or THEIRS.find(row, "method")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_same_is_shown(row: Row) -> None:
    for theirs, ours in pairs(row):
        name = theirs.name()
        assert names(ours) <= names(theirs), name
        assert names(theirs) - names(ours) <= LACKS.get(name, set()), name
        for attribute in names(ours) - OTHERWISE.get(name, set()):
            values = [saved(node, attribute) for node in (theirs, ours)]
            assert shown(values[1]) == shown(values[0]), f"{name}._saved_{attribute}"
            if attribute in UP_TO_SIGN:
                values = [value.abs() for value in values]
            assert near(*values), f"{name}._saved_{attribute}"


def test_the_lists_are_no_longer_than_they_must_be() -> None:
    lacking: dict[str, set[str]] = {}
    otherwise: dict[str, set[str]] = {}
    for theirs, ours in (pair for row in ROWS for pair in pairs(row)):
        name = theirs.name()
        lacking.setdefault(name, set()).update(names(theirs) - names(ours))
        for attribute in OTHERWISE.get(name, set()):
            values = [saved(node, attribute) for node in (theirs, ours)]
            if shown(values[0]) != shown(values[1]) or not near(*values):
                otherwise.setdefault(name, set()).add(attribute)
    assert {node: lacks for node, lacks in lacking.items() if lacks} == LACKS
    assert otherwise == OTHERWISE


@same
def test_after_backward(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 4.0], requires_grad=True)
    y = x * x
    z = y.sqrt()
    say(y.grad_fn._saved_self is x, z.grad_fn._saved_result)
    z.sum().backward()
    for node, name in ((y.grad_fn, "self"), (y.grad_fn, "other"), (z.grad_fn, "result")):
        say.outcome(getattr, node, f"_saved_{name}")


@same
def test_numbers(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 4.0]], requires_grad=True)
    for node in ((x * 2).grad_fn, (x * -2.5).grad_fn, (x * True).grad_fn, (x / 3).grad_fn):
        say(node._saved_other)
    say((x**-2).grad_fn._saved_exponent, x.add(x, alpha=-3).grad_fn._saved_alpha)
    say(x.transpose(-1, -2).grad_fn._saved_dim0, x.flip(-1).grad_fn._saved_dims, x[0].grad_fn._saved_dim)
    one = np.int64(1)
    for name in ("sum", "mean", "nansum", "amax", "logsumexp", "var", "std"):
        for dim in (one, -1, [0, one]):
            saved_dim = getattr(x, name)(dim).grad_fn._saved_dim
            say(name, saved_dim, [type(each).__name__ for each in saved_dim])
    for named in (t.var_mean, t.std_mean):
        say(named(x, one)[0].grad_fn._saved_dim)
    say(x.roll(one, one).grad_fn._saved_dims, x.narrow(-one, 0, one).grad_fn._saved_dim)
    split_size = t.unsafe_split(x, one)[0].grad_fn._saved_split_size
    say(split_size, type(split_size).__name__)
    node = x[:, 1:].grad_fn
    say(node._saved_start, node._saved_end, node._saved_dim, node._saved_step, node._saved_self_sym_sizes)
    say(np.asarray(x.sum((0, -1)).grad_fn._saved_dim).tolist())
    y = x * 1
    v = y.view(-1)
    y.mul_(2)
    say(v.grad_fn._saved_size, v.grad_fn._saved_stride, v.grad_fn._saved_storage_offset)
