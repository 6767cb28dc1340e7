"""Real torch and microtorch side by side: the same call on both, and everything that can be asked of it compared."""

from __future__ import annotations

import functools
import importlib
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from rows import Array, Call, Case, Constant, Draw, Row, T

import microtorch
from microtorch import settings
from microtorch.tensor import wrap

# -- the two sides -----------------------------------------------------------------------------------------------------


class Side:
    """One of the two libraries."""

    def __init__(self, module: Any, adopt: Callable[[Array], Any]) -> None:
        self.module = module
        self.Tensor = module.Tensor
        self.adopt = adopt  # a tensor on the memory of an array

    def tensor(self, array: Array, requires_grad: bool = False) -> Any:
        """A leaf with a copy of an array, in the same strides."""
        made = self.adopt(copy_with_strides(array))
        return made.requires_grad_() if requires_grad else made

    def find(self, row: Row, form: str) -> Callable[..., Any] | None:
        """The function or method of a row, if this side has it."""
        if form == "method":
            return None if "." in row.name else getattr(self.Tensor, row.name, None)
        if form == "in_place":
            name = row.name + "_"
            return None if "." in row.name or row.name.endswith("_") else getattr(self.Tensor, name, None)
        path, _, name = (row.at if row.at and self is OURS else row.name).rpartition(".")
        module = importlib.import_module(f"{self.module.__name__}.{path}") if path else self.module
        return getattr(module, name, None)

    def arguments(self, call: Call, convert: Callable[[Array], Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a call on this side, arrays converted in order."""

        def walk(value: Any) -> Any:
            if isinstance(value, np.ndarray):
                return convert(value)
            if isinstance(value, T):
                return functools.reduce(getattr, value.name.split("."), self.module)
            if isinstance(value, (list, tuple)):
                return type(value)(walk(v) for v in value)
            return value

        return [walk(a) for a in call.args], {k: walk(v) for k, v in call.kwargs.items()}


def copy_with_strides(array: Array) -> Array:
    """A copy of an array whose elements have the same distances in memory."""
    if 0 in array.shape or array.flags.c_contiguous:
        return array.copy()
    room = 1 + sum((n - 1) * (s // array.itemsize) for n, s in zip(array.shape, array.strides, strict=True))
    copy = np.lib.stride_tricks.as_strided(np.zeros(room, array.dtype), array.shape, array.strides)
    copy[...] = array
    return copy


THEIRS = Side(torch, torch.from_numpy)
OURS = Side(microtorch, wrap)
SIDES = (THEIRS, OURS)


@contextmanager
def warn_always() -> Iterator[None]:
    """Warnings that are given once in a process are repeated, on both sides."""
    for setting in (torch, settings):
        setting.set_warn_always(True)
    try:
        yield
    finally:
        for setting in (torch, settings):
            setting.set_warn_always(False)


class Outcome:
    """What a call gave: a value or an error, and the warnings on the way."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.value: Any = None
        self.error: Exception | None = None
        with warnings.catch_warnings(record=True) as caught, warn_always():
            warnings.simplefilter("always")
            warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"microtorch\.")
            try:
                self.value = function()
            except Exception as error:
                self.error = error
        self.warnings = [(w.category, re.sub(r" \(Triggered internally.*", "", str(w.message))) for w in caught]


def outcomes(function: Callable[[Side], Any]) -> tuple[Outcome, Outcome]:
    """What a function of the side gives on both."""
    return Outcome(lambda: function(THEIRS)), Outcome(lambda: function(OURS))


# -- comparing ---------------------------------------------------------------------------------------------------------


def as_array(tensor: Any) -> Array:
    array: Array = tensor.detach().numpy(force=True) if isinstance(tensor, torch.Tensor) else tensor._array
    return array


def is_tensor(value: Any) -> bool:
    return isinstance(value, (torch.Tensor, microtorch.Tensor))


def ulp_distance(a: Array, b: Array) -> Array:
    """How many floats lie between two; 0 for two nans."""
    bits = np.dtype(f"i{a.itemsize}")
    ordered = [
        np.where(x.view(bits) < 0, np.iinfo(bits).min - x.view(bits), x.view(bits)) for x in map(np.asarray, (a, b))
    ]
    low, high = (f(*ordered).astype(np.int64).view(np.uint64) for f in (np.minimum, np.maximum))
    distance = (high - low).astype(float)  # of whole numbers first: as floats, those of float64 would lose nine bits
    return np.where(np.isnan(a) & np.isnan(b), 0, distance)


def assert_close(theirs: Array, ours: Array, ulp: float, of_largest: bool = False, zeros: bool = True) -> None:
    """The same dtype, shape and values: the same bits (−0 may count as 0), or within `ulp` of each or of the largest."""
    assert ours.dtype == theirs.dtype, f"dtype {ours.dtype}, torch: {theirs.dtype}"
    assert ours.shape == theirs.shape, f"shape {ours.shape}, torch: {theirs.shape}"
    if theirs.dtype.kind != "f":
        assert np.array_equal(ours, theirs), f"values {ours}, torch: {theirs}"
        return
    ours, theirs = np.ascontiguousarray(ours), np.ascontiguousarray(theirs)
    distance = ulp_distance(ours, theirs)
    if of_largest:
        finite = np.abs(theirs[np.isfinite(theirs)])
        room = ulp * np.spacing(finite.max()) if finite.size else 0
        with np.errstate(all="ignore"):
            far = ~((distance == 0) | (np.abs(ours - theirs) <= room))
    else:
        far = distance > ulp
        if ulp == 0 and zeros:
            far |= (np.signbit(ours) != np.signbit(theirs)) & ~np.isnan(ours)
    assert not far.any(), (
        f"{int(far.sum())} of {far.size} values differ by up to {distance[far].max():g} ULP (allowed: {ulp}):\n"
        f"{ours[far][:8]}, torch:\n{theirs[far][:8]}"
    )


Room = tuple[float, bool, bool]  # the last three arguments of `assert_close`
EXACT: Room = (0.0, False, True)


def assert_same(theirs: Any, ours: Any, room: Room = EXACT, strides: bool = True) -> None:
    """Two results are the same: tensors in all that can be asked of them, containers in type and contents."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, microtorch.Tensor), f"{ours!r}, torch: {theirs!r}"
        assert_close(as_array(theirs), as_array(ours), *room)
        if strides and theirs.numel():
            assert ours.stride() == theirs.stride(), f"strides {ours.stride()}, torch: {theirs.stride()}"
        assert ours.requires_grad == theirs.requires_grad, f"requires_grad {ours.requires_grad}"
        assert ours._is_view() == theirs._is_view(), f"_is_view {ours._is_view()}"
        if theirs._is_view() and theirs.numel():  # without elements an offset means nothing
            assert ours.storage_offset() == theirs.storage_offset(), f"storage_offset {ours.storage_offset()}"
    elif isinstance(theirs, (tuple, list)):
        assert type(ours).__name__ == type(theirs).__name__, f"{type(ours)}, torch: {type(theirs)}"
        assert len(ours) == len(theirs), f"{len(ours)} results, torch: {len(theirs)}"
        for a, b in zip(theirs, ours, strict=True):
            assert_same(a, b, room, strides)
        if hasattr(theirs, "n_fields") and not room[0]:
            assert repr(ours) == repr(theirs)
    elif isinstance(theirs, float) and room[0]:
        assert_close(np.array(theirs), np.array(ours), *room)
    else:
        assert type(ours).__name__ == type(theirs).__name__, f"{ours!r}, torch: {theirs!r}"
        assert str(ours) == str(theirs), f"{ours!r}, torch: {theirs!r}"


def assert_same_outcome(theirs: Outcome, ours: Outcome, room: Room = EXACT, strides: bool = True) -> None:
    """Both gave the same, or failed in the same words; then they also warned in the same words."""
    if theirs.error is None:
        if ours.error is not None:
            raise AssertionError("microtorch fails, torch does not") from ours.error
        assert_same(theirs.value, ours.value, room, strides)
    else:
        assert ours.error is not None, f"microtorch does not fail, torch: {theirs.error!r}"
        assert_same_error(theirs.error, ours.error)
    assert sorted(ours.warnings, key=str) == sorted(theirs.warnings, key=str)


def assert_same_error(theirs: Exception, ours: Exception) -> None:
    """The same type and words."""
    if type(ours).__name__ != type(theirs).__name__ or str(ours) != str(theirs):
        raise AssertionError(f"{type(ours).__name__}: {ours}\ntorch: {type(theirs).__name__}: {theirs}") from ours


def graph(tensor: Any) -> str:
    """The graph above a tensor as text: node names, to which output each edge leads, shapes at the leaves."""

    def walk(node: Any) -> str:
        if node is None:
            return "None"
        leaf = getattr(node, "variable", None) if "AccumulateGrad" in node.name() else None
        if leaf is not None:
            return f"AccumulateGrad{list(leaf.shape)}"
        assert node.name() == type(node).__name__ or "::" in node.name()
        return f"{node.name()}({', '.join(f'{walk(f)}.{i}' for f, i in node.next_functions)})"

    return f"{walk(tensor.grad_fn)}.{tensor.output_nr}"


def tensors_in(value: Any) -> Iterator[Any]:
    if is_tensor(value):
        yield value
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from tensors_in(v)


@contextmanager
def about(row: Row, case: Case, what: str = "") -> Iterator[None]:
    """Says in a failure which case it is."""
    try:
        yield
    except BaseException as error:
        number = row.every.index(case) if case in row.every else row.bad.index(case)
        error.add_note(f"{row.name}: case {number} (from 0, at line {case.__code__.co_firstlineno}) {what}")
        raise


# -- calling -----------------------------------------------------------------------------------------------------------


class Run:
    """One call on one side: its result, the leaves made for it, and its first argument."""

    def __init__(self, side: Side, row: Row, form: str, call: Call, requiring: Sequence[int] = ()) -> None:
        self.side = side
        self.leaves: list[Any] = []
        args, kwargs = side.arguments(call, lambda array: self._leaf(array, requiring))
        self.first: Any = args[0]
        self.changes = form == "in_place" or row.mutates
        if self.changes and requiring:  # a leaf that requires a gradient must not be changed
            args[0] = self.first = self.first.clone()
        function = side.find(row, form)
        assert function is not None, f"no {form} {row.name}"
        self.result = function(*args, **kwargs)

    def _leaf(self, array: Array, requiring: Sequence[int]) -> Any:
        leaf = self.side.tensor(array, len(self.leaves) in requiring)
        self.leaves.append(leaf)
        return leaf

    def observed(self) -> Any:
        """All that the call did: its result, or whether that is the first argument; the arguments, their versions."""
        result = [self.first, self.result is self.first, self.result is None] if self.changes else self.result
        return [result, [[leaf, leaf._version] for leaf in self.leaves]]

    def roots(self) -> list[Any]:
        """The results that have a gradient."""
        return [t for t in tensors_in(self.first if self.changes else self.result) if t.requires_grad]


def callable_as(form: str, call: Call) -> bool:
    """Whether a call can be made in a form: a number has no methods."""
    return form == "function" or isinstance(call.args[0], np.ndarray)


def compare(row: Row, form: str, case: Case, call: Call, what: str = "") -> None:
    """The same call on both sides does the same."""
    if not callable_as(form, call):
        return
    with about(row, case, what):
        theirs, ours = outcomes(lambda side: Run(side, row, form, call).observed())
        assert_same_outcome(theirs, ours, row.room)


def draw(case: Case, dtype: str, seed: int = 0) -> Call:
    """The call of a case with random arguments."""
    return case(Draw(dtype, seed))


def main_form(row: Row) -> str:
    """The form in which a row is tested where one is enough."""
    usable = "function" in row.forms and "function" not in row.lacks and THEIRS.find(row, "function") is not None
    return "function" if usable else "method"


def map_arrays(call: Call, function: Callable[[Array], Array]) -> Call:
    """The call with other arrays."""

    def walk(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return function(value)
        return type(value)(walk(v) for v in value) if type(value) in (list, tuple) else value

    return Call(tuple(map(walk, call.args)), {k: walk(v) for k, v in call.kwargs.items()})


def float_positions(call: Call) -> list[int]:
    """Which of a call's arrays can require a gradient."""
    kinds: list[str] = []
    map_arrays(call, lambda array: kinds.append("" if isinstance(array, Constant) else array.dtype.kind) or array)
    return [i for i, kind in enumerate(kinds) if kind == "f"]
