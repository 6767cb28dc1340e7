"""The one table that hangs the operations on Tensor, as methods and as operators."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .arguments import is_int
from .autograd import backward
from .op import METHODS, OPERANDS
from .ops import (  # noqa: F401  (importing registers them)
    arithmetic,
    comparison,
    conversion,
    creation,
    data,
    distributions,
    expanding,
    extrema,
    gathering,
    generator,
    indexing,
    joining,
    legacy,
    linalg,
    loss,
    norms,
    order,
    parts,
    pointwise,
    questions,
    random,
    ranges,
    rearranging,
    reduction,
    shape,
    softmax,
    spread,
)
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
    "matmul": "matmul",
}
REFLECTED: dict[str, Callable[[Tensor, Any], Tensor]] = {
    "radd": METHODS["add"],
    "rmul": METHODS["mul"],
    "rsub": arithmetic.rsub,
    "rtruediv": lambda self, other: self.reciprocal() * other,
    "rfloordiv": lambda self, other: arithmetic.floor_divide(other, self),
    "rmod": lambda self, other: arithmetic.remainder(other, self),
    "rpow": lambda self, other: arithmetic.pow(other, self),
    "rand": lambda self, other: self & other,
    "ror": lambda self, other: self | other,
    "rxor": lambda self, other: self ^ other,
    "rlshift": lambda self, other: comparison.bitwise_left_shift(other, self),
    "rrshift": lambda self, other: comparison.bitwise_right_shift(other, self),
    "rmatmul": lambda self, other: linalg.matmul(other, self),
}


def _operator(function: Any) -> Callable[[Tensor, Any], Any]:
    """An operator leaves operands that it does not know to the other side, and to Python's own TypeError."""
    if hasattr(function, "written"):
        return function.written.function(function.__name__, 0, operator=True)

    def operator(self: Tensor, other: Any) -> Any:
        return function(self, other) if isinstance(other, OPERANDS) else NotImplemented

    return operator


def _equal(compare: Callable[..., Any]) -> Callable[..., Any]:
    """`==` alone of all operators takes numpy arrays as operands."""

    def operator(self: Tensor, other: Any) -> Any:
        result = compare(self, other)
        if result is NotImplemented and isinstance(other, np.ndarray):
            return compare(self, data.from_numpy(other))
        return result

    return operator


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
    for name, function in METHODS.items():
        setattr(Tensor, name, _variadic(function, VARIADIC[name]) if name in VARIADIC else function)
    for name, function in order.PROPERTIES.items():
        setattr(Tensor, name, property(function))
    for operator, name in OPERATORS.items():
        setattr(Tensor, f"__{operator}__", _operator(METHODS[name]))
        if name + "_" in METHODS:
            setattr(Tensor, f"__i{operator}__", _operator(METHODS[name + "_"]))
    for operator, function in REFLECTED.items():
        setattr(Tensor, f"__{operator}__", _operator(function))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Tensor, f"__{name}__", _operator(METHODS[name]))
    Tensor.__eq__ = _equal(Tensor.__eq__)  # type: ignore[method-assign]  # as all the others, by name
    for operator, name in {"neg": "neg", "pos": "positive", "abs": "abs"}.items():
        setattr(Tensor, f"__{operator}__", METHODS[name])
    Tensor.__invert__ = comparison.invert
    Tensor.backward = _backward
    _backward.__qualname__ = "Tensor.backward"  # which Python's own errors show
    Tensor.__new__ = legacy.construct  # type: ignore[method-assign, assignment]  # it may give any Tensor


bind()
