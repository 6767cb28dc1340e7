"""The decorators that declare operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .code import unroll, write_function, write_in_place
from .operation import Op
from .tables import REGISTRY, publish
from .traits import PROMOTE, TRAITS, Traits


def op(**declaration: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an operation: keywords are its traits (see `Traits`) and the gradient formulas of its tensors."""
    traits = Traits(**{key: declaration.pop(key) for key in TRAITS & declaration.keys()})

    def declare(forward: Callable[..., Any]) -> Callable[..., Any]:
        declared = Op(forward, declaration, traits)
        REGISTRY[declared.name] = declared
        unroll(declared)
        declared.function = write_function(declared)
        public = traits.public
        if public and public != "in place":
            publish(declared.function, public)
        if traits.in_place:
            declared.function_ = write_in_place(declared)
            if public:
                publish(declared.function_, "method")
        return declared.function

    return declare


def pointwise(*, promotion: str = PROMOTE, in_place: bool = True, **declaration: Any) -> Any:
    """Declare an operation that works element by element: its inputs broadcast and are promoted."""
    return op(promotion=promotion, in_place=in_place, **declaration)
