"""Gradient formulas as plain arithmetic on arrays, for backward passes that nobody records.

A formula is written once, on tensors. Where it does nothing but apply operators and call operations, it can be run on
arrays as it stands: an operator of numpy's arrays is the forward of the operation, and where the formula names an
operation, its forward is put in. Who calls it sees to it that the arrays need no promotion.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .tables import OPERATIONS
from .traits import KEEP, MANY

Formula = Callable[..., Any]
Arrays = Callable[..., Any]

MEANINGS: dict[Callable[..., Any], Arrays] = {}  # what other functions than operations are where tensors are arrays
# Instructions that do nothing but call a function, and those that have to do with attributes.
CALLING = {"RESUME", "LOAD_GLOBAL", "PUSH_NULL", "PRECALL", "CALL", "RETURN_VALUE", "CACHE"}
ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "IMPORT_NAME"}
BUILTINS = {"len": len, "sorted": sorted, "range": range}  # that formulas use, on anything but tensors


def on_arrays(formula: Formula) -> Arrays | None:
    """The formula with forwards in the place of operations, or None if it does something that arrays do not."""
    translated = _translated(formula, {})
    passed = _passes_on(formula)
    return translated.__globals__[passed] if translated is not None and passed else translated


def _passes_on(formula: Formula) -> str:
    """The name of the function that a formula calls with its own arguments, where it does nothing else."""
    code = formula.__code__
    loads = {kind for kind in _kinds(code) if kind.startswith("LOAD_FAST")}
    if _kinds(code) - loads - CALLING or len(code.co_names) != 1:
        return ""
    loaded: list[str] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname in loads:
            loaded += instruction.argval if isinstance(instruction.argval, tuple) else [instruction.argval]
    (name,) = code.co_names
    return name if tuple(loaded) == code.co_varnames and name not in loaded else ""


def mixes(formula: Formula) -> bool:
    """Whether a formula combines its arguments so that dtype and layout of the result depend on all of theirs."""
    if not _kinds(formula.__code__).isdisjoint(("BINARY_OP", "COMPARE_OP")):
        return True
    for value in [formula.__globals__.get(name) for name in formula.__code__.co_names]:
        if isinstance(value, FunctionType) and value not in MEANINGS:
            operation = OPERATIONS.get(value)
            if mixes(value) if operation is None else operation.promotion != KEEP:
                return True
    return False


def _kinds(code: CodeType) -> set[str]:
    """The names of the instructions in a function."""
    return {dis.opname[instruction] for instruction in code.co_code[::2]}


def _translated(function: Any, known: dict[Any, Any]) -> Any:
    if function in known:
        return known[function]
    code = function.__code__
    if code.co_freevars or any(hasattr(constant, "co_code") for constant in code.co_consts):
        return None
    names = _globals(function)
    if names is None:
        return None
    namespace: dict[str, Any] = {"__name__": function.__module__}
    translated = FunctionType(code, namespace, function.__name__, function.__defaults__)
    translated.__kwdefaults__ = function.__kwdefaults__
    known[function] = translated
    for name in names:
        value = _meant(function.__globals__.get(name, BUILTINS.get(name)), known)
        if value is None:
            return None
        namespace[name] = value
    return translated


def _globals(function: FunctionType) -> Sequence[str] | None:
    """The global names in a function; None if it has to do with attributes, unless they are those of modules."""
    code = function.__code__
    if ATTRIBUTES.isdisjoint(_kinds(code)):
        return code.co_names
    modules = {name for name in code.co_names if isinstance(function.__globals__.get(name), ModuleType)}
    if not modules:
        return None
    names: list[str] = []
    before = ""  # the global name that the instruction before has loaded
    for instruction in dis.get_instructions(code):
        if instruction.opname in ATTRIBUTES and before not in modules:
            return None
        before = instruction.argval if instruction.opname == "LOAD_GLOBAL" else ""
        if before:
            names.append(before)
    return names


def _meant(value: Any, known: dict[Any, Any]) -> Any:
    """What stands for a global name when the formula runs on arrays; None if nothing can."""
    if isinstance(value, (int, float, str, ModuleType)) or value in BUILTINS.values():
        return value
    if not isinstance(value, FunctionType):
        return None
    if value in MEANINGS:
        return MEANINGS[value]
    operation = OPERATIONS.get(value)
    if operation is not None:
        plain = not (operation.outputs or operation.view == MANY or operation.takes_list)
        return operation.forward if plain else None
    return _translated(value, known) if value.__module__.startswith("microtorch.ops.") else None
