"""Copies of microtorch with one line of their source changed, in this process."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

PACKAGE = Path(__file__).parents[1] / "microtorch"


@functools.cache
def compiled(path: str, right: str = "", wrong: str = "") -> CodeType:
    """A file's code, with `right` replaced by `wrong`."""
    text = Path(path).read_text()
    assert not right or text.count(right) == 1, f"{path} does not have {right!r} exactly once"
    return compile(text.replace(right, wrong) if right else text, path, "exec")


class _Loader(SourceFileLoader):
    change: tuple[str, ...] = ()

    def get_code(self, fullname: str) -> CodeType:
        return compiled(self.path, *self.change)


class _Finder(MetaPathFinder):
    def __init__(self, file: str, right: str, wrong: str) -> None:
        self.path, self.change = str(PACKAGE / file), (right, wrong)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname.partition(".")[0] == "microtorch" else None
        if spec is not None and spec.origin is not None:
            loader = spec.loader = _Loader(fullname, spec.origin)
            loader.change = self.change if spec.origin == self.path else ()
        return spec


def plant(file: str, right: str, wrong: str) -> MetaPathFinder:
    """From now on microtorch is imported with `wrong` in the place of the text `right` of `file`."""
    finder = _Finder(file, right, wrong)
    sys.meta_path.insert(0, finder)
    return finder


@contextlib.contextmanager
def microtorch_with(file: str, right: str, wrong: str) -> Iterator[Any]:
    """Another microtorch, in whose `file` the text `right` is `wrong`; the one that was loaded comes back afterwards."""
    kept = _taken_out()
    finder = plant(file, right, wrong)
    try:
        yield importlib.import_module("microtorch")
    finally:
        sys.meta_path.remove(finder)
        _taken_out()
        sys.modules.update(kept)


def _taken_out() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == "microtorch"]
    return {name: sys.modules.pop(name) for name in names}
