"""Functions from text: compiled when they are first called, and the names that such text may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from ..arguments import register, to_number
from ..engine import FORMULA, FREED, GRAD, INFERENCE, NO_EDGE, mode, orders
from ..kernels.numpy import nonzero
from ..layout import arranged
from ..saved import SAVED, SavedInput, SavedOutput, unpacked_once
from ..tensor import InferenceCounter, Tensor, wrap
from ..types import Size
from ..views import MULTI_OUTPUT, View, gradient_edge, make_view
from .nodes import DESCRIBED, describe
from .output import requires_grad
from .shapes import broadcast_error
from .tables import home
from .traits import NUMBERS

Text = tuple[list[str], dict[str, Any]]  # the lines of a function, and the names in it besides these:
NAMES = {
    "_Tensor": Tensor,
    "_new": object.__new__,
    "_wrap": wrap,
    "_mode": mode,
    "_GRAD": GRAD,
    "_FORMULA": FORMULA,
    "_IN_FORMULA": GRAD | FORMULA,
    "_INFERENCE": INFERENCE,
    "_requires_grad": requires_grad,
    "_broadcast_error": broadcast_error,
    "_make_view": make_view,
    "_View": View,
    "_MULTI_OUTPUT": MULTI_OUTPUT,
    "_ndarray": np.ndarray,
    "_asarray": np.asarray,
    "_copyto": np.copyto,
    "_may_share_memory": np.may_share_memory,
    "_float32": np.dtype(np.float32),
    "_float64": np.dtype(np.float64),
    "_number": nonzero,
    "_NUMBER": (float, int),
    "_InferenceCounter": InferenceCounter,
    "_arranged": arranged,
    "_gradient_edge": gradient_edge,
    "_next": next,
    "_orders": orders,
    "_NO_EDGE": NO_EDGE,
    "_SavedInput": SavedInput,
    "_SavedOutput": SavedOutput,
    "_SAVED": SAVED,
    "_unpacked_once": unpacked_once,
    "_describe": describe,
    **{f"_{what}": function for what, function in DESCRIBED.items()},
    "_Size": Size,
    "_new_size": tuple.__new__,
    "_to_number": to_number,
    "_RuntimeError": RuntimeError,
    "_FREED": FREED,
    "_NotImplemented": NotImplemented,
}
OPERANDS = (Tensor, *NUMBERS)


def compiled(name: str, text: Text) -> dict[str, Any]:
    """The namespace in which the text of an operation's functions was executed."""
    lines, names = text
    namespace = NAMES | names
    exec(compile("\n".join(lines), f"<microtorch op {name}>", "exec"), namespace)
    return namespace


def listed(names: Sequence[str]) -> str:
    """The text of a tuple."""
    return "(" + "".join(f"{n}, " for n in names) + ")"


class Written:
    """A function of an operation whose text is written and compiled when it is first called, under whatever name."""

    def __init__(self, forward: Callable[..., Any], name: str, write: Callable[[], Text]) -> None:
        self._forward, self._name, self._write = forward, name, write
        self._namespace: dict[str, Any] = {}

    def function(self, name: str, first: int, operator: bool = False, published: bool = True) -> FunctionType:
        """The function, which names itself in errors as it was called and counts its arguments from `first`.

        As an operator it leaves operands that it does not know to the other side, and to Python's own TypeError. One
        that is not published leaves it to its callers to be named in errors.
        """
        namespace: dict[str, Any] = {"_begin": None}
        function = FunctionType(_FIRST_CALL, namespace, name)
        function.__doc__ = self._forward.__doc__
        function.__module__ = self._forward.__module__ if first and name == self._name else home(first)
        function.__qualname__ = name if first else f"Tensor.{name}"
        namespace["_begin"] = partial(self._begin, function, name, first, operator, published)
        function.written = self  # type: ignore[attr-defined]  # functions carry what one hangs on them
        function.__wrapped__ = self._forward  # type: ignore[attr-defined]  # whose parameters `help` shows
        return function

    def _begin(self, function: FunctionType, name: str, first: int, operator: bool, published: bool) -> FunctionType:
        if not self._namespace:
            self._namespace = compiled(self._name, self._write())
        original = self._namespace[self._name]
        function.__globals__.update(self._namespace, _name=name, _first=first)
        if operator:
            for unusual in ("_general", "_in_place"):
                function.__globals__[unusual] = partial(_unless_unknown, self._namespace[unusual])
        code = original.__code__.replace(co_name=name, co_qualname=function.__qualname__)
        if published:
            register(code, name, first, original)
        function.__defaults__, function.__kwdefaults__ = original.__defaults__, original.__kwdefaults__
        function.__code__ = code
        return function


def _first_call(*args: Any, **named: Any) -> Any:
    return _begin()(*args, **named)  # type: ignore[name-defined]  # noqa: F821  (of each function's own globals)


_FIRST_CALL: CodeType = _first_call.__code__


def _unless_unknown(function: Callable[..., Any], values: Sequence[Any], *rest: Any) -> Any:
    return function(values, *rest) if isinstance(values[1], OPERANDS) else NotImplemented
