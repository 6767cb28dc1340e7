"""What belongs to a module: its parameters, buffers and children.

Each member is a plain attribute of the module, where Python finds it at once. Besides, the module keeps the names of
each kind in the order in which they came, each with the key of its value in the module's `__dict__`. That is the name
itself, unless the class has an attribute of this name: as in torch, the class's attribute then hides the member.
`module._parameters` and its like are windows onto all this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

# Where a module's `__dict__` keeps the names of each kind.
PARAMETERS, BUFFERS, MODULES = KINDS = ("_parameter_names", "_buffer_names", "_module_names")


def remove(module: Any, name: str) -> None:
    """Remove a member or another attribute, if it is there."""
    attributes = module.__dict__
    for kind in KINDS:
        attributes.pop(attributes[kind].pop(name, name), None)


def of_kind(module: Any, kind: str) -> Iterator[Any]:
    """The members of a kind, in order."""
    attributes = module.__dict__
    return map(attributes.__getitem__, attributes[kind].values())


class Members(MutableMapping[str, Any]):
    """The members of one kind by name, to read and to change."""

    __slots__ = ("_keys", "_kind", "_module")

    def __init__(self, module: Any, kind: str) -> None:
        self._module = module
        self._kind = kind
        self._keys: dict[str, str] = getattr(module, kind)

    def __getitem__(self, name: str) -> Any:
        return self._module.__dict__[self._keys[name]]

    def __setitem__(self, name: str, value: Any) -> None:
        """Enter a member; another attribute of the name gives way, a member of the same kind keeps its place."""
        if name not in self._keys:
            remove(self._module, name)
            self._keys[name] = f".{name}" if hasattr(type(self._module), name) else name
        self._module.__dict__[self._keys[name]] = value

    def __delitem__(self, name: str) -> None:
        del self._module.__dict__[self._keys.pop(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, name: object) -> bool:
        return name in self._keys

    def copy(self) -> dict[str, Any]:
        return dict(self)

    def __repr__(self) -> str:
        return repr(dict(self))


class Window:
    """The attribute of a module that shows its members of one kind; to assign to it replaces them all."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __get__(self, module: Any, owner: Any = None) -> Members:
        return Members(module, self.kind)

    def __set__(self, module: Any, members: Mapping[str, Any]) -> None:
        members = dict(members)
        window = Members(module, self.kind)
        window.clear()
        window.update(members)
