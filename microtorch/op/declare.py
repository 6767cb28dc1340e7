"""The decorators that declare operations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .code import function_text, in_place_text
from .operation import Op
from .tables import OPERATIONS, REGISTRY, publish, publish_in_place
from .text import Written
from .traits import PROMOTE, TRAITS, Traits


def op(**declaration: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an operation: keywords are its traits (see `Traits`) and the gradient formulas of its tensors."""
    traits = Traits(**{key: declaration.pop(key) for key in TRAITS & declaration.keys()})

    def declare(forward: Callable[..., Any]) -> Callable[..., Any]:
        declared = Op(forward, declaration, traits)
        REGISTRY.here[declared.name] = declared
        name, public = declared.name, traits.public
        published = bool(public) and public != "in place"
        written = Written(forward, name, partial(function_text, declared))
        declared.function = written.function(name, 1, published=published)
        OPERATIONS[declared.function] = declared
        if published:
            publish(declared.function, public)
        if traits.in_place:
            name += "_"
            written = Written(forward, name, partial(in_place_text, declared))
            declared.function_ = written.function(name, 0, published=bool(public))
            if public:
                publish_in_place(declared.function_)
        return declared.function

    return declare


def pointwise(*, promotion: str = PROMOTE, in_place: bool = True, **declaration: Any) -> Any:
    """Declare an operation that works element by element: its inputs broadcast and are promoted."""
    return op(promotion=promotion, in_place=in_place, **declaration)
