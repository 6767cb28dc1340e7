"""What the declaration of an operation may say besides its forward and its gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes

NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)

# How the inputs of an operation come to one dtype: not at all; by torch's promotion; and so that integers become the
# default floating point type.
KEEP, PROMOTE, FLOAT = "keep", "promote", "float"
MANY = "many"  # of a view: a list of them


class Traits:
    """Templates of errors take the names of two dtypes, see `memory.dtype_words`."""

    called: str = ""  # torch's name of the operation, if another than the forward's
    node: str | Callable[..., str] = ""  # the node's name, or a function of the call's arguments that gives it
    outputs: tuple[str, ...] = ()  # the names of several results
    # Attributes of nodes that have another name than what is saved, or are found from it; and those that torch's do not
    # have: of all nodes, or by the node's name.
    shows: dict[str, str | Callable[..., Any]] = {}
    hides: str | dict[str, str] = ""
    view: bool | str = False  # the result is a window onto the first input's memory, or MANY are
    gives_bool: bool = False  # the result has no gradient: only the in-place variant enters the graph

    promotion: str = KEEP
    keep: tuple[str, ...] = ()  # tensors that take no part in the promotion
    numbers: tuple[str, ...] = ()  # where a number may stand for a tensor
    numbers_alone: bool = False  # numbers make a tensor even without one beside them
    wraps_numbers: bool = False  # a number may stand for any, and counts as an input of the graph
    # In gradient formulas, where torch takes a number for no tensor: the operation that is recorded, its tensors, the rest.
    in_formulas: Callable[..., tuple[str, list[Any], list[Any]]] | None = None
    precise: tuple[str, ...] = ()  # numbers that are not rounded to float16 beside tensors of that dtype
    refuses: tuple[str, str] = ("", "")  # the name of torch's kernel and the dtypes (numpy's characters) it lacks
    check: Callable[..., None] | None = None  # called with the tensor arguments as they came, to refuse them
    order: Callable[..., Any] | None = None  # of the operands' arrays, those after which the result is laid out

    in_half: bool = False  # float16 is computed as it is, not in float32

    in_place: bool = False  # there is a variant with `_`
    node_in_place: str = ""  # the name of that variant's node, if another
    derived_in_place: bool = True  # that variant has a gradient
    check_in_place: Callable[..., None] | None = None  # as `check`, for that variant
    apart: tuple[str, ...] | None = None  # tensors that share no memory with what is written; then `out` is checked
    expanded: tuple[str, ...] = ()  # tensors that torch first expands, so that it cannot tell what they share
    unchecked: tuple[str, ...] = ()  # tensors that may even be part of it
    writes_expanded: bool = False  # that variant also writes where elements share memory, and warns
    shape_error: str = "output with shape {0} doesn't match the broadcast shape {1}"

    out: bool = True  # there is an argument `out`
    # The error if `out` is of another dtype, of several outputs one for each; or a function of `out` and inputs.
    strict_out: str | tuple[str, ...] | Callable[..., str] = ""
    cast_error: str | TypeError = ""  # the error if it is of a lower category
    dtype_of_out: str = ""  # `dtype` is by default that of `out`; the error if it is another

    public: bool | str = True  # where it is published, see `publish`; "in place": only the variant with `_`

    def __init__(self, **given: Any) -> None:
        self.__dict__.update(given)


TRAITS = set(Traits.__annotations__)


def parameters_of(function: Callable[..., Any]) -> list[str]:
    """The names of a function's parameters, none of which is starred."""
    code = function.__code__
    return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def not_implemented(kernel: str, dtype: dtypes.dtype) -> NotImplementedError:
    """torch's error for a dtype that one of its kernels does not have."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{dtype.legacy_name}'")


def no_derivative(of: str) -> Callable[..., Any]:
    """The gradient formula of what has none."""

    def formula(g):  # type: ignore[no-untyped-def]
        raise NotImplementedError(f"the derivative for '{of}' is not implemented.")

    return formula
