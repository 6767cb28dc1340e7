"""The one table that hangs the operations on Tensor, as methods and as operators."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .arguments import is_int
from .autograd import backward
from .later import Member
from .op import FUNCTIONS, METHODS, OPERANDS
from .ops.order import PROPERTIES
from .tensor import Tensor

# Methods that take their ints as one argument or as several, x.permute((1, 0)) and x.permute(1, 0), under this name.
VARIADIC = {
    "broadcast_to": "size",
    "expand": "size",
    "flip": "dims",
    "permute": "dims",
    "repeat": "repeats",
    "reshape": "shape",
    "squeeze": "dim",
    "sum_to_size": "size",
    "tile": "dims",
}

# Operators by the method that does their work.
OPERATORS = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "truediv": "true_divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "pow",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}
# Operators of the right operand, and @: the method that does their work, or what they come to.
REFLECTED: dict[str, str | Callable[[Tensor, Any], Tensor]] = {
    "radd": "add",
    "rmul": "mul",
    "rsub": "rsub",
    "rtruediv": lambda self, other: self.reciprocal() * other,
    "rfloordiv": lambda self, other: FUNCTIONS["floor_divide"](other, self),
    "rmod": lambda self, other: FUNCTIONS["remainder"](other, self),
    "rpow": lambda self, other: FUNCTIONS["pow"](other, self),
    "rand": lambda self, other: self & other,
    "ror": lambda self, other: self | other,
    "rxor": lambda self, other: self ^ other,
    "rlshift": lambda self, other: FUNCTIONS["bitwise_left_shift"](other, self),
    "rrshift": lambda self, other: FUNCTIONS["bitwise_right_shift"](other, self),
    "matmul": lambda self, other: FUNCTIONS["matmul"](self, other) if isinstance(other, Tensor) else NotImplemented,
    "rmatmul": lambda self, other: FUNCTIONS["matmul"](other, self) if isinstance(other, Tensor) else NotImplemented,
}


def _operator(work: str | Callable[..., Any]) -> Callable[[Tensor, Any], Any]:
    """An operator leaves operands that it does not know to the other side, and to Python's own TypeError."""
    function: Any = work if callable(work) else METHODS[work] if work in METHODS else FUNCTIONS[work]
    if hasattr(function, "written"):
        return function.written.function(function.__name__, 0, operator=True)

    def operator(self: Tensor, other: Any) -> Any:
        return function(self, other) if isinstance(other, OPERANDS) else NotImplemented

    return operator


def _equal(name: str) -> Callable[..., Any]:
    """`==` alone of all operators takes numpy arrays as operands."""
    compare = _operator(name)

    def operator(self: Tensor, other: Any) -> Any:
        result = compare(self, other)
        if result is NotImplemented and isinstance(other, np.ndarray):
            return compare(self, FUNCTIONS["from_numpy"](other))
        return result

    return operator


def _method(name: str) -> Callable[..., Any]:
    return _variadic(METHODS[name], VARIADIC[name]) if name in VARIADIC else METHODS[name]


def _variadic(function: Callable[..., Any], parameter: str) -> Callable[..., Any]:
    """The method that gives its ints to a function as a tuple; one int, or anything else, as it is."""

    def method(self: Tensor, *ints: Any, **named: Any) -> Any:
        if len(ints) == 1:
            first = ints[0]
            alone = type(first) is int or (type(first) is not tuple and is_int(first))
            return function(self, (first,) if alone and parameter != "dim" else first, **named)
        if ints:
            if type(ints[0]) is not int and not is_int(ints[0]):
                raise TypeError(f"{function.__name__}() takes 1 positional argument but {len(ints)} were given")
            return function(self, ints, **named)
        if not named and parameter != "dim":
            raise TypeError(f'{function.__name__}() missing 1 required positional arguments: "{parameter}"')
        return function(self, **named)

    return functools.update_wrapper(method, function)


def _backward(
    self: Tensor, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
) -> None:
    """Add to the `.grad` of every leaf (or of `inputs`) the gradient of ⟨gradient, self⟩; of a scalar, of itself."""
    backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def bind() -> None:
    for name in METHODS:
        Member(Tensor, name, _method, name)
    for operator, name in OPERATORS.items():
        Member(Tensor, f"__{operator}__", _operator, name)
        if name + "_" in METHODS:
            Member(Tensor, f"__i{operator}__", _operator, name + "_")
    for operator, work in REFLECTED.items():
        Member(Tensor, f"__{operator}__", _operator, work)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        Member(Tensor, f"__{name}__", _equal if name == "eq" else _operator, name)
    for operator, name in {"neg": "neg", "pos": "positive", "abs": "abs"}.items():
        Member(Tensor, f"__{operator}__", _method, name)
    for name, function in PROPERTIES.items():
        setattr(Tensor, name, property(function))
    Tensor.backward = _backward
    _backward.__qualname__ = "Tensor.backward"  # which Python's own errors show


bind()
