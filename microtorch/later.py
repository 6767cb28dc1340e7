"""What is loaded, or made, when it is first asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any


class Table(Mapping[str, Any]):
    """Things by name. A module that is at home under some names is loaded when it has not and one is looked up."""

    def __init__(self) -> None:
        self.here: dict[str, Any] = {}  # those that loaded modules have entered
        self.homes: dict[str, str] = {}  # the modules that enter the others

    def __getitem__(self, name: str) -> Any:
        if name not in self.here:
            self.load(name)
        return self.here[name]

    def load(self, name: str) -> None:
        """Load the module of a name; raises KeyError for one that none has."""
        import_module(self.homes[name])

    def __contains__(self, name: object) -> bool:
        return name in self.here or name in self.homes

    def __iter__(self) -> Iterator[str]:
        return iter(self.homes | self.here)

    def __len__(self) -> int:
        return len(self.homes | self.here)


class Member:
    """An attribute of a class that `make(argument)` gives, once it is asked for, and that takes this one's place."""

    __slots__ = ("_argument", "_make", "_name", "_owner")

    def __init__(self, owner: type, name: str, make: Callable[[Any], Any], argument: Any) -> None:
        self._owner, self._name, self._make, self._argument = owner, name, make, argument
        setattr(owner, name, self)

    def __get__(self, instance: Any, kind: type) -> Any:
        made = self._make(self._argument)
        setattr(self._owner, self._name, made)
        return made.__get__(instance, kind)


_home = ""  # of the classes of microtorch, if it is to be another package than this


def stand_in(package: str, classes: Sequence[type]) -> None:
    """Let these classes, and all that are loaded from now on, name another package as theirs: what answers for it."""
    global _home
    _home = package
    for found in classes:
        found.__module__ = package


def _rename(found: Any) -> None:
    if _home and isinstance(found, type) and found.__module__.startswith("microtorch."):
        found.__module__ = found.__module__.replace("microtorch", _home, 1)


def member(package: str, homes: Mapping[str, str], name: str) -> Any:
    """The member of a package that is at home in the module `homes[name]`, or is that; it stays in the package."""
    module = import_module(f"{package}.{homes[name]}")
    found = module if homes[name] == name else getattr(module, name)
    _rename(found)
    setattr(sys.modules[package], name, found)
    return found


def package(name: str, index: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package, of which `index` says what is in which module; under "", modules.

    A name is loaded when it is first asked for; of one that is nowhere it is said that microtorch lacks it.
    """
    homes = {entry: module or entry for module, listed in index.items() for entry in listed.split()}
    for found in list(vars(sys.modules[name]).values()) if _home else ():
        _rename(found)

    def __getattr__(attribute: str) -> Any:
        if attribute in homes:
            return member(name, homes, attribute)
        if attribute == "__all__":  # for `from torch.nn import *`
            return [entry for entry in __dir__() if not entry.startswith("_")]
        from .lacking import lacking

        raise lacking(name.replace("microtorch", "torch", 1), attribute)

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[name]), *homes} - {"INDEX", "LAYERS"})

    return __getattr__, __dir__
