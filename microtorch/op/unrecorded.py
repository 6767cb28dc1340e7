"""Gradient formulas as plain arithmetic on arrays, for backward passes that nobody records.

A formula is written once, on tensors. Where it does nothing but apply operators and call operations, it can be run on
arrays as it stands: an operator of numpy's arrays is the forward of the operation, and where the formula names an
operation, its forward is put in. Who calls it sees to it that the arrays need no promotion.
"""

from __future__ import annotations

import dis
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from .tables import OPERATIONS
from .traits import MANY

Formula = Callable[..., Any]
Arrays = Callable[..., Any]

MEANINGS: dict[Callable[..., Any], Arrays] = {}  # what other functions than operations are where tensors are arrays
BUILTINS = {"len": len, "sorted": sorted, "range": range}  # that formulas use, on anything but tensors


def on_arrays(formula: Formula) -> Arrays | None:
    """The formula with forwards in the place of operations, or None if it does something that arrays do not."""
    translated = _translated(formula, {})
    passed = _passes_on(formula)
    return translated.__globals__[passed] if translated is not None and passed else translated


def _passes_on(formula: Formula) -> str:
    """The name of the function that a formula calls with its own arguments, where it does nothing else."""
    code = formula.__code__
    loaded: list[str] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname.startswith("LOAD_FAST"):
            loaded += instruction.argval if isinstance(instruction.argval, tuple) else [instruction.argval]
        elif instruction.opname not in ("RESUME", "LOAD_GLOBAL", "PUSH_NULL", "PRECALL", "CALL", "RETURN_VALUE"):
            return ""
    alone = len(code.co_names) == 1 and tuple(loaded) == code.co_varnames and code.co_names[0] not in loaded
    return code.co_names[0] if alone else ""


def has_operators(formula: Formula) -> bool:
    """Whether a formula combines its arguments by operators, so that the result's layout depends on all of theirs."""
    return any(i.opname in ("BINARY_OP", "COMPARE_OP") for i in dis.get_instructions(formula))


def _translated(function: Any, known: dict[Any, Any]) -> Any:
    if function in known:
        return known[function]
    code = function.__code__
    if code.co_freevars or any(hasattr(constant, "co_code") for constant in code.co_consts):
        return None
    namespace: dict[str, Any] = {"__name__": function.__module__}
    translated = FunctionType(code, namespace, function.__name__, function.__defaults__)
    translated.__kwdefaults__ = function.__kwdefaults__
    known[function] = translated
    module = None  # that the instruction before has loaded
    for instruction in dis.get_instructions(code):
        name, before = instruction.opname, module
        module = None
        if name == "LOAD_GLOBAL":
            value = _meant(function.__globals__.get(instruction.argval, BUILTINS.get(instruction.argval)), known)
            if value is None:
                return None
            namespace[instruction.argval] = value
            module = value if isinstance(value, ModuleType) else None
        elif name in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "IMPORT_NAME") and before is None:
            return None
    return translated


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
