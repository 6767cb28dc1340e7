"""The table of operations: one row for each, from which `test_ops.py` derives every check against torch.

How to add a row. Put it into the list ROWS of a module `rows_<topic>.py` (every such module is found by its name):

    Row("lerp",
        [lambda d: call(d(3, 4), d(3, 4), 0.3),              # a case: how to call it
         lambda d: call(d(3, 4), d(4), weight=d(3, 1))],     # another one, broadcasting
        bad=[lambda d: call(d(3), d(4), 0.3)])               # calls that torch refuses

A case is a function from a `Draw` to a `call(...)`: the arguments, of which every numpy array becomes a tensor on both
sides. `d(3, 4)` draws random numbers in the dtype that is being tested, so that one case is run in all dtypes; the
methods of `Draw` draw special sorts (`d.positive`, `d.index`, `d.mask`, `d.ties` …). Numbers, slices, None, strings
pass as they are, `T("float64")` becomes `torch.float64` on either side. The first argument is the tensor whose method
is tested.

The name says where the operation is found: "sin" is `torch.sin`, `Tensor.sin`, `Tensor.sin_` and `out=`, as far as
torch has them (what torch has, microtorch must have too, unless `lacks` names it); "__getitem__" is a method only; a
dotted name such as "nn.functional.linear" is a function only. Everything else is found out by asking torch: which
dtypes, errors, gradients, views, strides. Cases under `once=` run with float32 data; they are tested for values and
gradients, but not swept over other dtypes, layouts, `out=`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

DTYPES = ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


@dataclass(frozen=True)
class T:
    """An attribute of the torch module, the same name on both sides: T("float64")."""

    name: str


@dataclass
class Call:
    """Arguments whose arrays shall be tensors."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def call(*args: Any, **kwargs: Any) -> Call:
    """The arguments of one call."""
    return Call(args, kwargs)


class Constant(np.ndarray[Any, np.dtype[Any]]):
    """An array of floats that becomes a tensor which never requires a gradient."""


class Draw:
    """Draws input arrays in the dtype under test."""

    def __init__(self, dtype: str = "float32", seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.dtype = np.dtype(dtype)

    def __call__(self, *shape: int, low: float = -3, high: float = 3) -> Array:
        """Numbers from `low` to `high`; full mantissas for floats, 0 at least for uint8, either for bool."""
        kind = self.dtype.kind
        if kind == "b":
            return np.asarray(self.rng.integers(0, 2, shape).astype(bool))
        if kind == "f":
            return np.asarray(self.rng.uniform(low, high, shape).astype(self.dtype))
        low = max(low, 0) if kind == "u" else low
        return np.asarray(self.rng.integers(int(np.ceil(low)), int(high) + 1, shape).astype(self.dtype))

    def positive(self, *shape: int) -> Array:
        """Numbers from ¼ to 4 (integers from 1 to 4)."""
        return self(*shape, low=0.25, high=4)

    def constant(self, *shape: int) -> Array:
        """Numbers from ¼ to 4 that never require a gradient."""
        return self.positive(*shape).view(Constant)

    def nonzero(self, *shape: int) -> Array:
        """Numbers of both signs with magnitudes from ½ to 3, none of them 0; True for bool."""
        x = self.positive(*shape) + self.dtype.type(self.dtype.kind == "f") / 2
        sign = self.rng.integers(0, 2, shape) if self.dtype.kind in "if" else np.zeros(shape)
        return np.asarray(np.where(sign != 0, -x if self.dtype.kind != "b" else x, x).astype(self.dtype))

    def ties(self, *shape: int) -> Array:
        """Small whole numbers, many of them equal."""
        return np.asarray(self.rng.integers(0, 3, shape).astype(self.dtype))

    def whole(self, *shape: int, low: int = -3, high: int = 3) -> Array:
        """Whole numbers, in whatever dtype."""
        low = max(low, 0) if self.dtype.kind == "u" else low
        return np.asarray(self.rng.integers(low, high + 1, shape).astype(self.dtype))

    def special(self) -> Array:
        """The values at the rim of the dtype: zeros of both signs, infinities, nan, the largest, the smallest."""
        if self.dtype.kind == "f":
            info = np.finfo(self.dtype)
            rim = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, info.max, info.min, info.tiny, 0.5, -0.5, 1.5, 2.5]
        elif self.dtype.kind == "b":
            rim = [False, True]
        else:
            info = np.iinfo(self.dtype)
            rim = [0, 1, info.max, info.min, info.max - 1, info.min + 1, 3]
        return np.array(rim, self.dtype)

    def index(self, *shape: int, below: int) -> Array:
        """int64 indices from 0 to below `below`, whatever the dtype under test."""
        return np.asarray(self.rng.integers(0, below, shape))

    def mask(self, *shape: int) -> Array:
        """True and False, whatever the dtype under test."""
        return np.asarray(self.rng.integers(0, 2, shape).astype(bool))

    def typed(self, dtype: str, *shape: int) -> Array:
        """Numbers in a dtype of their own, whatever the dtype under test."""
        return Draw(dtype, int(self.rng.integers(2**30)))(*shape)


Case = Callable[[Draw], Call]


@dataclass
class Row:
    """One operation and how to call it; see the head of this file.

    cases: calls that are swept over everything. once: calls with float32 data alone. bad: calls that torch refuses.
    ulp: how far values may be from torch's, in units in the last place (0: the same bits), of each value, or with
    `largest` of the largest one. zeros: whether 0 and −0 differ. grad_ulp: how far gradients may be, in units in the
    last place of the largest; those that were summed down after broadcasting may differ by the rounding of that sum in
    any case. exact: the inputs are multiples of ⅛, so let the gradients drawn be such, and no sum of products is rounded.
    dtypes: those to sweep; the first of them is taken where one is enough. layouts: of the arguments; one is left out
    where torch itself leaves memory undefined. forms: those to test. lacks: those that microtorch lacks, unlike torch.
    at: where microtorch has the function, if elsewhere. reason: why there is a tolerance, or something lacks.
    """

    name: str
    cases: list[Case]
    once: list[Case] = field(default_factory=list)
    bad: list[Case] = field(default_factory=list)
    ulp: float = 0
    grad_ulp: float = 0
    largest: bool = False
    zeros: bool = True
    exact: bool = False
    dtypes: list[str] = field(default_factory=lambda: DTYPES)
    layouts: tuple[str, ...] = ("transposed", "sliced", "expanded")
    forms: str = "function method in_place out"
    lacks: str = ""
    at: str = ""
    reason: str = ""

    @property
    def mutates(self) -> bool:
        """Whether the operation changes its first argument, as `fill_` and `__setitem__` do."""
        return self.name == "__setitem__" or (self.name.endswith("_") and not self.name.endswith("__"))

    @property
    def room(self) -> tuple[float, bool, bool]:
        """How far values may be from torch's, for `assert_close`."""
        return self.ulp, self.largest, self.zeros

    @property
    def every(self) -> list[Case]:
        return [*self.cases, *self.once]

    def __post_init__(self) -> None:
        exact = not (self.ulp or self.grad_ulp or self.lacks) and self.zeros
        assert exact or self.reason, f"{self.name}: a tolerance needs a reason"


def all_rows() -> list[Row]:
    """The rows of all modules `rows_*.py` beside this one."""
    names = [m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name.startswith("rows_")]
    return [row for name in sorted(names) for row in importlib.import_module(name).ROWS]
