"""Where functions and methods are published, and under which names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

from ..arguments import register
from ..later import Table

if TYPE_CHECKING:
    from .operation import Op

Function = TypeVar("Function", bound=Callable[..., Any])


class Registry(Table):
    """The operations have names of their own, at home nobody knows where: who lists them loads all modules."""

    def load(self, name: str = "") -> None:
        for home in {*FUNCTIONS.homes.values(), *METHODS.homes.values()}:
            import_module(home)

    def __iter__(self) -> Iterator[str]:
        self.load()
        return iter(self.here)


FUNCTIONS = Table()  # the torch namespace: torch.add
METHODS = Table()  # the methods of Tensor: x.add, x.add_
REGISTRY = Registry()  # every operation with a node of its own
OPERATIONS: dict[Callable[..., Any], Op] = {}  # the same, by the function that is called


def publish(function: Function, where: bool | str = True) -> Function:
    """Enter a function among those of the torch namespace ("function"), the methods of Tensor ("method"), or both."""
    name = function.__name__
    if not hasattr(function, "written"):
        register(function.__code__, name, 1, function)  # type: ignore[arg-type]
    if where is True or where == "function" or (where and _changes_too(name)):
        FUNCTIONS.here[name] = function
    if where is True or where == "method":
        METHODS.here[name] = renamed(function, name, 0)
    return function


def publish_in_place(method: Function) -> None:
    """Enter a method that changes its tensor, or a function, as torch.exp_, or both: as the index says."""
    name = method.__name__
    if name in METHODS.homes:
        METHODS.here[name] = method
    if _changes_too(name):
        FUNCTIONS.here[name] = renamed(method, name, 1)


def _changes_too(name: str) -> bool:
    """Whether a name is that of a function in place."""
    return name.endswith("_") and name in FUNCTIONS.homes


def alias(name: str, of: str) -> None:
    """Publish an operation, its in-place variant too, under another name."""
    for table in (FUNCTIONS, METHODS):
        for suffix in ("", "_"):
            if of + suffix in table.here and (not suffix or name + suffix in table.homes):
                function = table.here[of + suffix]
                table.here[name + suffix] = renamed(function, name + suffix, 1 if table is FUNCTIONS else 0)


def renamed(function: Any, name: str, first: int) -> Any:
    """A copy of a function that names itself in errors as it was called; methods count arguments from 0."""
    if hasattr(function, "written"):
        return function.written.function(name, first)
    code = function.__code__.replace(co_qualname=name if first else f"Tensor.{name}")
    register(code, name, first, function)
    copy = FunctionType(code, function.__globals__, name, function.__defaults__, function.__closure__)
    copy.__kwdefaults__, copy.__doc__ = function.__kwdefaults__, function.__doc__
    copy.__module__ = home(first)
    return copy


def home(first: int) -> str:
    """The module in which pickle finds a function or, where the first argument counts as 0, a method."""
    package = __name__.partition(".")[0]
    return package if first else f"{package}.tensor"


def composite(function: Function) -> Function:
    """Publish, as function and method, what is made of other operations and has no node of its own."""
    return publish(function)


def only_function(function: Function) -> Function:
    """Publish a function of the torch namespace that is no method."""
    return publish(function, "function")


def only_method(function: Function) -> Function:
    """Publish a method of Tensor that is no function of the torch namespace."""
    return publish(function, "method")


def unpublished(function: Function) -> Function:
    """A function that errors can name but that is in no table: `torch.nn.functional.linear`."""
    return publish(function, False)
