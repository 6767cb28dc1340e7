"""What a reader would call a leaf tensor: its name in a module, its variable, its place in an optimizer."""

from __future__ import annotations

import inspect
import itertools
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from parity.reading import parameters_of

DEEP = 20  # calling functions whose variables are looked at
ENOUGH = 1000  # leaves; a script that makes more makes them in a loop, and a number says as much as a name

Reference = Callable[[], Any]


class Names:
    """Gives every leaf one name, at its first sight, the same on every backend that runs the same script."""

    def __init__(self, module_type: type | None, engine: frozenset[str]) -> None:
        """`engine` holds the top-level names of the packages whose frames are not the script's."""
        self._module_type = module_type
        self._engine = engine
        self._given: dict[int, tuple[Reference, str]] = {}
        self._taken: Counter[str] = Counter()
        self._modules: dict[int, Reference] = {}
        self._optimizers: list[Reference] = []
        self._made: list[Reference] = []

    def add_leaf(self, leaf: Any) -> None:
        """A leaf that the script made of numbers."""
        self._made.append(_reference(leaf))

    def add_module(self, module: Any) -> None:
        """A module that the script called: its parameters have names."""
        reference = self._modules.get(id(module))
        if reference is None or reference() is not module:
            self._modules.pop(id(module), None)
            self._modules[id(module)] = _reference(module)

    def add_optimizer(self, optimizer: Any) -> None:
        """An optimizer that the script made: its parameters have places."""
        self._optimizers.append(_reference(optimizer))

    def modules(self) -> list[Any]:
        """The modules known and alive, in the order in which they were first called."""
        return [module for ref in self._modules.values() if (module := ref()) is not None]

    def optimizers(self) -> list[tuple[int, Any]]:
        """The optimizers that are alive, each with its number in the order in which the script made them."""
        return [(number, it) for number, ref in enumerate(self._optimizers) if (it := ref()) is not None]

    def parameters(self) -> list[Any]:
        """All parameters of the modules and optimizers known, and the leaves that the script made, each once."""
        found = {id(leaf): leaf for ref in self._made if (leaf := ref()) is not None}
        found |= {id(leaf): leaf for module in self.modules() for _, leaf in _named_parameters(module)}
        for _, optimizer in self.optimizers():
            found |= {id(leaf): leaf for leaf in parameters_of(optimizer)}
        return list(found.values())

    def known(self, leaf: Any) -> str | None:
        """The leaf's name, if it has one already."""
        entry = self._given.get(id(leaf))
        return entry[1] if entry is not None and entry[0]() is leaf else None

    def alive(self) -> list[tuple[str, Any]]:
        """Every named leaf that still exists, in the order of naming."""
        return [(name, leaf) for ref, name in list(self._given.values()) if (leaf := ref()) is not None]

    def name(self, leaves: list[Any], frame: FrameType | None) -> None:
        """Name the leaves; `frame` is where the script is, for its variables."""
        names: dict[int, str] = {}
        wanted = {id(leaf) for leaf in leaves}
        if len(self._given) < ENOUGH:
            for name, leaf in self._sightings(frame):
                if id(leaf) in wanted:
                    names.setdefault(id(leaf), name)
                    if len(names) == len(wanted):
                        break
        order = {identity: place for place, identity in enumerate(names)}
        for leaf in sorted(leaves, key=lambda leaf: order.get(id(leaf), len(order))):
            self._give(leaf, names.get(id(leaf), "leaf"))

    def _give(self, leaf: Any, name: str) -> None:
        self._taken[name] += 1
        unique = name if self._taken[name] == 1 else f"{name} ({self._taken[name]})"
        identity, given = id(leaf), self._given
        self._given[identity] = (_reference(leaf, lambda _: given.pop(identity, None)), unique)

    def _sightings(self, frame: FrameType | None) -> Iterator[tuple[str, Any]]:
        for module in self.modules():
            yield from _named_parameters(module)
        for namespace in self._namespaces(frame):
            for name, value in namespace.items():
                yield from self._inside(name, value)
        for number, optimizer in self.optimizers():
            for place, leaf in enumerate(parameters_of(optimizer)):
                yield f"parameter {place} of optimizer {number}", leaf

    def _inside(self, name: str, value: Any) -> Iterator[tuple[str, Any]]:
        """A variable and what it holds: a tensor, a list or dictionary of them, a module, an object's attributes."""
        yield name, value
        if isinstance(value, (list, tuple)):
            yield from ((f"{name}[{place}]", item) for place, item in enumerate(itertools.islice(value, 1000)))
        elif isinstance(value, dict):
            yield from ((f"{name}[{key!r}]", item) for key, item in itertools.islice(value.items(), 1000))
        elif self._module_type is not None and isinstance(value, self._module_type):
            yield from ((f"{name}.{inner}", leaf) for inner, leaf in _named_parameters(value))
        elif name == "self" and hasattr(value, "__dict__"):
            yield from ((f"self.{attribute}", item) for attribute, item in vars(value).items())

    def _namespaces(self, frame: FrameType | None) -> Iterator[dict[str, Any]]:
        """The variables of the calling functions, innermost first, and the globals of each."""
        seen: list[dict[str, Any]] = []
        for _ in range(DEEP):
            if frame is None:
                return
            if frame.f_globals.get("__name__", "").partition(".")[0] not in self._engine:
                if frame.f_code.co_flags & inspect.CO_OPTIMIZED:
                    yield _locals(frame)
                if not any(frame.f_globals is namespace for namespace in seen):
                    seen.append(frame.f_globals)
                    yield frame.f_globals
            frame = frame.f_back


def _locals(frame: FrameType) -> dict[str, Any]:
    """A copy of a function's variables that leaves none behind in the frame."""
    variables = frame.f_locals
    copy = dict(variables)
    if type(variables) is dict and sys.getrefcount(variables) <= 3:  # the frame's own copy (Python < 3.13), not yet
        variables.clear()  # given to the script by locals(): it must not keep tensors alive
    return copy


def _reference(thing: Any, callback: Callable[[Any], Any] | None = None) -> Reference:
    """A weak reference; a strong one to a thing of a type that has none."""
    try:
        return weakref.ref(thing, callback)
    except TypeError:
        return lambda: thing


def _named_parameters(module: Any) -> Iterator[tuple[str, Any]]:
    """A module's parameters by torch's names; where the module gives none, by its attributes."""
    if hasattr(module, "named_parameters"):
        yield from module.named_parameters()
        return
    own = list(module.parameters()) if hasattr(module, "parameters") else []
    known = {id(leaf) for leaf in own}
    for name, leaf in _attributes(module, known, {id(module)}):
        known.discard(id(leaf))
        yield name, leaf
    yield from ((f"parameter {place}", leaf) for place, leaf in enumerate(own) if id(leaf) in known)


def _attributes(owner: Any, known: set[int], seen: set[int], path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves in an object: `known` ones, and those that require a gradient; in a list they have their number."""
    for name, value in vars(owner).items() if hasattr(owner, "__dict__") else ():
        for part, item in enumerate(value) if isinstance(value, (list, tuple)) else [(name, value)]:
            if id(item) in known or getattr(item, "requires_grad", None) is True:
                yield f"{path}{part}", item
            elif callable(item) and not isinstance(item, type) and id(item) not in seen:
                seen.add(id(item))
                yield from _attributes(item, known, seen, f"{path}{part}.")
