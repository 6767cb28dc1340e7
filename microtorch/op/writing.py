"""Writing results over memory that exists: the in-place variant of an operation, and `out=`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..casting import cast
from ..engine import WATCHED, mode
from ..memory import check_cast, check_overlap, check_partial_overlap
from ..saved import SavedOutput
from ..tensor import Tensor, wrap
from ..views import check_inplace, rebase_history
from ..watched import pack_saved
from .nodes import NotImplementedNode, OpNode
from .output import check_writable, requires_grad, write_into
from .shapes import broadcast_error, broadcast_shape
from .traits import KEEP

if TYPE_CHECKING:
    from .operation import Op


def in_place(op: Op, values: Sequence[Any], extras: Sequence[Any], name: str, first: int = 0) -> Tensor:
    """Overwrite the first tensor with the result."""
    target: Tensor = values[0]
    array = op.array(0, target, name, first)
    recorded = mode.grad and bool(op.differentiable) and any(map(requires_grad, values))
    if recorded:
        check_inplace(target)
    check_writable(target)
    traits = op.traits
    try:
        if traits.check is not None:
            op.common_dtype(values, name, first)  # refuses what is no tensor
            traits.check(*values)
    except NotImplementedError as error:  # of several reasons to refuse, torch sees the shape first
        raise _wrong_shape(op, array.shape, values) or error from None
    if traits.check_in_place is not None:
        traits.check_in_place(*values)
    check_overlap(array, name if traits.writes_expanded else "")
    _check_memory(op, array, 1, values)
    try:
        result = op.compute(values, extras, name, first)
    except (RuntimeError, NotImplementedError) as error:
        raise _wrong_shape(op, array.shape, values) or error from None
    if result.shape != array.shape:
        raise RuntimeError(traits.shape_error.format(list(array.shape), list(result.shape)))
    check_cast(result.dtype, array.dtype)
    original = None
    if recorded and _needs_original(op, values):
        original = target.clone() if requires_grad(target) else wrap(array.copy())
    node = op.over.make_node([target], values, extras, original) if recorded else None
    np.copyto(array, cast(result, array.dtype))
    target._counter[0] += 1
    if node is not None:
        _rebase(target, node, name)
    return target


def _check_memory(op: Op, target: np.ndarray[Any, Any], first: int, values: Sequence[Any]) -> None:
    """Refuse to write where the values, from the `first` on, are read."""
    traits = op.traits
    for parameter, value in list(zip(op.tensors, values, strict=True))[first:]:
        if parameter in traits.unchecked:
            continue
        for tensor in value if isinstance(value, (tuple, list)) else [value]:
            if isinstance(tensor, Tensor) and not (parameter in traits.expanded and tensor.shape != target.shape):
                check_partial_overlap(target, tensor._array, parameter in (traits.apart or ()))


def _needs_original(op: Op, values: Sequence[Any]) -> bool:
    named = dict(zip(op.tensors, values, strict=True))
    return any(op.tensors[0] in needs and requires_grad(named[n]) for n, needs in op.needs.items())


def _rebase(target: Tensor, node: OpNode | NotImplementedNode, name: str) -> None:
    """Let a node be the history of what was overwritten."""
    rebase_history(target, node)
    if isinstance(node, NotImplementedNode):
        node.operation = name
    else:
        for saved in node._saved or ():
            if type(saved) is SavedOutput:
                saved.written(target)
        if mode.flags & WATCHED:
            pack_saved(node, [target])


def _wrong_shape(op: Op, shape: tuple[int, ...], values: Sequence[Any]) -> Exception | None:
    """The error of an elementwise operation in place whose result would have another shape."""
    if op.promotion == KEEP and not any(op.numbers):
        return None
    numbers = [number and op.promotion == KEEP for number in op.numbers]  # then no more than a number
    arrays = [v._array for v, n in zip(values, numbers, strict=True) if isinstance(v, Tensor) and not n]
    broadcast = broadcast_shape([a.shape for a in arrays])
    if broadcast is None:
        return broadcast_error(ValueError(), arrays)
    return None if broadcast == shape else RuntimeError(op.traits.shape_error.format(list(shape), list(broadcast)))


def into(op: Op, out: Any, values: Sequence[Any], extras: Sequence[Any], name: str) -> Any:
    """Write the result to `out`, which is resized where its shape is another."""
    traits = op.traits
    derivable = op.differentiable and not traits.gives_bool and op.node_name != "NotImplemented"
    arguments = (*values, *extras) if derivable else ()
    strict = traits.strict_out(out, *values) if callable(traits.strict_out) else traits.strict_out
    if traits.dtype_of_out and isinstance(out, Tensor):
        at = op.others.index("dtype")
        if extras[at] is not None:
            strict = traits.dtype_of_out
        elif not strict:
            extras = [*extras[:at], out.dtype, *extras[at + 1 :]]
    if (op.promotion != KEEP or traits.apart is not None) and isinstance(out, Tensor):
        _check_memory(op, out._array, 0, values)

    def compute() -> Any:
        if op.promotion != KEEP and isinstance(out, Tensor):  # the others may resize what overlaps itself
            check_overlap(out._array)
        return op.compute(values, extras, name)

    number = len(op.outputs) or 1
    write_into(out, op.called, arguments, compute, strict, traits.cast_error, number)
    if op.node_name == "NotImplemented" and mode.grad and any(map(requires_grad, values)):
        written = [out] if number == 1 else list(out)
        node = op.make_node(written, values, extras)
        for i, tensor in enumerate(written):
            rebase_history(tensor, node, i)
    return out if op.out_type is None else op.out_type(*out)
