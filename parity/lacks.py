"""What a script asks of torch that a module in its place does not have: all of it, not only what fails first."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TORCH = "torch"


def lacking(script: str, module: Any, error: BaseException | None = None) -> list[str]:
    """The names of torch that a script uses and the module lacks; with the error that ended it, the tensor's method."""
    try:
        tree = ast.parse(Path(script).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    wanted = (_missing(name, module) for name in _names(tree))
    return list(dict.fromkeys([*filter(None, wanted), *_member(module, error)]))


def _names(tree: ast.AST) -> Iterator[str]:
    """Every dotted name that stands for something of torch, in the order of the script's lines."""
    bound: dict[str, str] = {}  # the script's names for parts of torch
    uses: list[tuple[int, int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == TORCH:
                    bound[alias.asname or TORCH] = alias.name if alias.asname else TORCH
                    uses.append((node.lineno, node.col_offset, alias.name))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == TORCH and not node.level:
            for alias in node.names:
                if alias.name != "*":
                    bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                uses.append((node.lineno, node.col_offset, f"{node.module}.{alias.name}".removesuffix(".*")))
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    dotted = ((node.lineno, node.col_offset, _dotted(node, bound)) for node in attributes)
    return (name for *_, name in sorted([*uses, *dotted]) if name)


def _dotted(node: ast.expr, bound: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return bound.get(node.id, "")
    if not isinstance(node, ast.Attribute):
        return ""
    owner = _dotted(node.value, bound)
    return f"{owner}.{node.attr}" if owner else ""


def _missing(name: str, module: Any) -> str:
    """The first part of a dotted name that the module does not have; nothing if it has all."""
    found, known = module, TORCH
    for part in name.split(".")[1:]:
        known = f"{known}.{part}"
        if not hasattr(found, part):
            try:
                importlib.import_module(known)
            except ImportError:
                return known
        found = getattr(found, part, found)
    return ""


def _member(module: Any, error: BaseException | None) -> Iterator[str]:
    """What an AttributeError says is missing in an object of one of the module's classes."""
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        kind = type(error.obj)
        if kind.__module__.partition(".")[0] in (module.__name__.partition(".")[0], TORCH):
            yield f"{TORCH}.{kind.__name__}.{error.name}"
