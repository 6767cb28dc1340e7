"""The numeric functions whose rounding depends on the order of operations, under one set of names.

`kernels.exp` is that of the kernels in use: numpy's own, the fast default, or those of `torch_cpu`, which round as torch's.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from types import TracebackType
from typing import Any

from . import heap, numpy
from .numpy import *  # noqa: F403  (the names are the interface; callers write kernels.exp)

# Overflow, division by zero and nan are values here, as in torch; numpy's warnings about them stop at our own modules.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"microtorch\.")

heap.keep_freed()

VARIABLE = "MICROTORCH_KERNELS"  # of the environment: the kernels to begin with
NAMES = ("numpy", "torch_cpu", "torch_cpu:fma")


class _Sets(Mapping[str, dict[str, Any]]):
    """All kernels by their names; those of `torch_cpu` are loaded when they are first asked for."""

    def __getitem__(self, name: str) -> dict[str, Any]:
        if name not in NAMES:
            raise KeyError(name)
        return _functions(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


@cache
def _functions(name: str) -> dict[str, Any]:
    if name == "numpy":
        return vars(numpy)
    from . import torch_cpu

    return vars(torch_cpu) | torch_cpu.products(fused=name == "torch_cpu:fma")


SETS = _Sets()


@cache
def shared() -> list[str]:
    """The names of the functions that every set has."""
    other = SETS["torch_cpu"]
    return [name for name, it in SETS["numpy"].items() if name in other and callable(it) and it is not Any]


_in_use = "numpy"


def current() -> str:
    """The name of the kernels in use."""
    return _in_use


class use:
    """Compute with the kernels of this name from now on; as a context manager, inside it only.

    Raises ValueError for a name that there is not.
    """

    def __init__(self, name: str) -> None:
        if name not in SETS:
            raise ValueError(f"there are no kernels named {name!r}; there are {', '.join(SETS)}")
        self._before = _in_use
        _switch(name)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _switch(self._before)


def _switch(name: str) -> None:
    global _in_use
    namespace: dict[str, Any] = globals()
    namespace.update((kernel, SETS[name][kernel]) for kernel in shared())
    _in_use = name


if VARIABLE in os.environ:
    use(os.environ[VARIABLE])
