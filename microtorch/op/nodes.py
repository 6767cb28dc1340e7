"""The nodes that operations leave on the tape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, index
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import is_int
from ..engine import FORMULA, FREED, LEAF, Edge, Node, mode
from ..saved import SavedTensor, is_freed_with_graph, unpack
from ..tensor import Tensor, wrap
from .traits import MANY, parameters_of

if TYPE_CHECKING:
    from .operation import Op


class OpNode(Node):
    """The node of a declared operation: evaluates the gradient formula of every input that needs one."""

    __slots__ = ("_plan", "_saved")
    holds = True

    op: Op
    _saved: tuple[Any, ...] | None  # a value, or None, for each of `op.saves`; None once freed

    def __init__(self, edges: tuple[Edge, ...], outputs: Any, saved: tuple[Any, ...], plan: Any) -> None:
        several = len(outputs) > 1  # of which integers get no gradient, not even none
        super().__init__(edges, tuple(o for o in outputs if o[1].kind == "f") if several else None)
        self._saved = saved
        self._plan = plan

    def apply(self, *gradients: Any) -> Sequence[Any]:
        saved = self._saved
        if saved is None:
            raise RuntimeError(FREED)
        results: list[Any] = [None] * len(self._edges)
        if all(gradient is None for gradient in gradients):
            return results
        op = self.op
        values = {need: unpack(value, self) for need, value in zip(op.saves, saved, strict=True)}
        several = (len(gradients) > 1 or op.view == MANY) and not op.outputs
        values |= {"g": gradients if several else gradients[0], "gradients": gradients}
        flags, mode.flags = mode.flags, mode.flags | op.formula_flag
        try:
            for parameter, position, width in self._plan:
                gradient = op.derivatives[parameter](*[values[need] for need in op.needs[parameter]])
                if parameter == "tensors":
                    results[position : position + width] = gradient
                else:
                    results[position] = gradient
        finally:
            mode.flags = flags
        return results

    def release(self) -> None:
        if self._saved is not None and any(map(is_freed_with_graph, self._saved)):
            self._saved = None


class SavedValue:
    """`_saved_other`, `_saved_result`: an attribute that shows what a node saved, under torch's name."""

    def __init__(self, name: str, position: int, need: str) -> None:
        self._name = name
        self._position = position
        self._need = need

    def __get__(self, node: OpNode | None, owner: Any = None) -> Any:
        if node is None:
            return self
        if node._saved is None:
            raise RuntimeError(FREED)
        value = unpack(node._saved[self._position], node)
        if self._need in node.op.tensors:
            number = node.op.traits.wraps_numbers and isinstance(value, (int, float))
            return wrap(np.asarray(value)) if number else value
        return visible(self._name, value)


class RawSavedValue(SavedValue):
    """`_raw_saved_other`: the same as it is kept."""

    def __get__(self, node: OpNode | None, owner: Any = None) -> Any:
        if node is None:
            return self
        saved = None if node._saved is None else node._saved[self._position]
        if type(saved) is list:
            return tuple(SavedTensor(node, self._position, i) for i in range(len(saved)))
        return SavedTensor(node, self._position)


class DerivedValue:
    """An attribute that is found from plain arguments and shapes that a node saved."""

    def __init__(self, name: str, positions: list[int], function: Callable[..., Any]) -> None:
        self._name = name
        self._positions = positions
        self._function = function

    def __get__(self, node: OpNode | None, owner: Any = None) -> Any:
        if node is None:
            return self
        if node._saved is None:
            raise RuntimeError(FREED)
        return visible(self._name, self._function(*[node._saved[position] for position in self._positions]))


# Whole numbers that torch shows as unsigned ones of 64 bits: −1 as 2⁶⁴ − 1.
INTEGERS = {
    "diagonal", "dim", "dim0", "dim1", "dim2", "dimension", "dims", "end", "ignore_index", "index", "k", "offset", "pad",
    "padding_idx", "shifts", "start",
}  # fmt: skip


def visible(name: str, value: Any) -> Any:
    """A plain value as torch's attribute of that name shows it."""
    if isinstance(value, (list, tuple)):
        return tuple(map(unsigned, value)) if name in INTEGERS else tuple(value)
    return unsigned(value) if name in INTEGERS else value


def unsigned(value: Any) -> Any:
    return value % 2**64 if type(value) is int else value


def as_several(value: Any) -> Any:
    """An argument that may be one whole number or several, which torch keeps as several."""
    if isinstance(value, (tuple, list)):
        return tuple(map(index, value))
    return (index(value),) if is_int(value) else value


# How nodes show dimensions that may be one or several.
SEVERAL_DIMS: dict[str, Callable[..., Any]] = {"dim": lambda dim: as_several(dim)}


def shown_needs(op: Op) -> set[str]:
    """What the nodes must save to show it."""
    return {
        need
        for source in op.traits.shows.values()
        for need in ([source] if isinstance(source, str) else parameters_of(source))
    }


def always_saved(op: Op) -> set[str]:
    """What is saved whichever formulas are asked for: no tensors."""
    return {n for n in op.saves if n in op.others} | (shown_needs(op) - {*op.tensors, *op.outputs, "out"})


def formula_flag(op: Op) -> int:
    """FORMULA, but where no formula can meet a number, or one that was saved is a tensor to torch."""
    if op.traits.wraps_numbers:
        return 0 if set(op.saves) & set(op.tensors) else FORMULA
    tensors = {
        "g",
        "out",
        *op.outputs,
        *(n for n, number in zip(op.tensors, op.numbers, strict=True) if not number),
    }
    plain = (
        not formula.__code__.co_names
        and formula.__code__.co_consts in ((), (None,))
        and tensors.issuperset(op.needs[name])
        for name, formula in op.derivatives.items()
    )
    return 0 if all(plain) else FORMULA


def attributes(op: Op, node: str) -> dict[str, Any]:
    """The attributes of the class of nodes of one name that show what these save, as far as torch has the like."""
    shows = op.traits.shows
    hides = op.traits.hides
    hidden = (hides if isinstance(hides, str) else hides.get(node.removesuffix("_copy"), "")).split()
    elsewhere = shown_needs(op)
    found: dict[str, Any] = {}
    for position, need in enumerate(op.saves):
        named = need == "out" or need in op.outputs or need in op.names
        described, _, what = need.rpartition("_")
        if need in elsewhere or (not named and (what != "shape" or described == "tensors")):
            continue
        name = "result" if need == "out" else torch_name(need) if named else f"{torch_name(described)}_sym_sizes"
        _show(found, op, name, position, need)
    for name, source in shows.items():
        if isinstance(source, str):
            _show(found, op, name, op.saves.index(source), source)
        else:
            positions = [op.saves.index(need) for need in parameters_of(source)]
            found[f"_saved_{name}"] = DerivedValue(name, positions, source)
    return {name: value for name, value in found.items() if name.partition("saved_")[2] not in hidden}


def _show(found: dict[str, Any], op: Op, name: str, position: int, need: str) -> None:
    found[f"_saved_{name}"] = SavedValue(name, position, need)
    if need == "out" or need in op.outputs or need in op.tensors or need == "indices":
        found[f"_raw_saved_{name}"] = RawSavedValue(name, position, need)


class NotImplementedNode(Node):
    """The node of an operation without a derivative, which says so when a gradient arrives."""

    __slots__ = ("operation",)

    _order = LEAF  # it takes no number

    def __init__(self, edges: tuple[Edge, ...], results: Sequence[Tensor], operation: str) -> None:
        self._edges = edges
        self._outputs = tuple((r._array.shape, r._array.dtype) for r in results) if len(results) > 1 else None
        self._hooks = None
        self.operation = operation

    def apply(self, *gradients: Any) -> Sequence[Any]:
        raise RuntimeError(f"derivative for aten::{self.operation} is not implemented")

    def is_watched(self) -> bool:
        """It shows when it runs, as it fails."""
        return True


NotImplementedNode.__name__ = "NotImplemented"


def transposed(matrix: Tensor) -> bool:
    """Whether a matrix lies in memory by columns."""
    array = matrix._array
    down, right = array.strides
    return down == array.itemsize and right == down * len(array)


# What a formula may ask of an input instead of the input itself.
DESCRIBED: dict[str, Callable[[Tensor], Any]] = {
    "shape": attrgetter("shape"),
    "dtype": attrgetter("dtype"),
    "transposed": transposed,
}


def describe(value: Any, what: str) -> Any:
    return DESCRIBED[what](value) if isinstance(value, Tensor) else None


def torch_name(parameter: str) -> str:
    """By these names torch orders what a node saved, which is checked in this order, and its formulas."""
    return "self" if parameter == "input" else parameter
