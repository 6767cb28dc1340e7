"""How tensors that share memory share a history.

An in-place operation on a view changes its base, so it enters the base's graph: as `CopySlices`, which passes the
gradient of the base through the operation where the view lies and leaves the rest as it is. A view whose base was
changed gets a new `grad_fn` when it is next asked for: `AsStridedBackward0`, a window onto the base as it is now.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from .engine import NO_EDGE, AccumulateGrad, Edge, Node, mode

# How a view was made, where this forbids changing it in place later.
NO_GRAD, MULTI_OUTPUT, CUSTOM_FUNCTION = "no_grad", "multi_output", "custom_function"

Geometry = tuple[tuple[int, ...], tuple[int, ...], int]  # shape, strides and offset in memory, in elements


class View:
    """What a view remembers: its base, how it was made, and the version at which its `grad_fn` was last right."""

    __slots__ = ("base", "origin", "version")

    def __init__(self, base: Any, origin: str | None, version: int) -> None:
        self.base = base
        self.origin = origin
        self.version = version


def data_pointer(array: Any) -> int:
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def make_view(tensor: Any, source: Any, origin: str | None = None) -> None:
    """Declare a fresh tensor on part of `source`'s memory to be a view of it."""
    seen = source._view
    if origin is None:
        origin = (seen.origin if seen is not None else None) if mode.grad else NO_GRAD
    counter = tensor._counter = source._counter
    tensor._view = View(source if seen is None else seen.base, origin, counter[0])


def gradient_edge(tensor: Any) -> Edge:
    """Where the gradient of a tensor goes: to the node that made it, to its AccumulateGrad, or nowhere."""
    if tensor._view is not None:
        refresh_view(tensor)
    if tensor._edge is not None:
        return tensor._edge  # type: ignore[no-any-return]
    if not tensor.requires_grad:
        return NO_EDGE
    meta = tensor._meta
    node = None if meta.accumulator is None else meta.accumulator()
    if node is None:
        node = AccumulateGrad(tensor)
        meta.accumulator = weakref.ref(node)
        if meta.hooks is not None:
            node.hooks.tensor[0] = meta.hooks
    return (node, 0)


def refresh_view(tensor: Any) -> None:
    """Give a view a new `grad_fn` if its memory was changed in place since it got the one it has."""
    view = tensor._view
    version = tensor._counter[0]
    if view.version == version or (tensor._edge is None and not view.base.requires_grad):
        return
    _forbid_change(tensor, "its base or another view of its base has been modified inplace")
    node = AsStridedBackward0(gradient_edge(view.base), geometry(view.base), geometry(tensor), tensor)
    tensor._edge = (node, 0)
    tensor._requires_grad = True
    view.version = version


def check_inplace(tensor: Any) -> None:
    """Refuse a recorded in-place operation on a leaf, or on a view that must not be changed."""
    view = tensor._view
    if view is not None:
        _forbid_change(tensor, "is being modified inplace")
        if tensor.requires_grad and view.base.is_leaf:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if tensor.requires_grad and tensor.is_leaf:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


def rebase_history(tensor: Any, node: Node) -> None:
    """Record that `node`, whose first edge is to the value before, made the present value of `tensor` in place."""
    view = tensor._view
    if view is None:
        tensor._edge = (node, 0)
        tensor._requires_grad = True
    else:
        base = view.base
        copy_slices = CopySlices(base, tensor, node)
        base._edge = (copy_slices, 0)
        base._requires_grad = True
        view.version = -1
        refresh_view(tensor)


def geometry(tensor: Any) -> Geometry:
    return tensor._array.shape, tensor.stride(), data_pointer(tensor._array) // tensor._array.itemsize


def _forbid_change(tensor: Any, event: str) -> None:
    origin = tensor._view.origin
    if origin is None:
        return
    if origin is NO_GRAD:
        if not event.startswith("is"):
            event = f"{event}"
        raise RuntimeError(
            f"A view was created in no_grad mode and {event} with grad mode enabled. Given that this use case is "
            "ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the "
            "inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both "
            "outside (if you want the inplace to be tracked)."
        )
    node, output_nr = tensor._edge or NO_EDGE
    made_by = "" if node is None else f"Output {output_nr} of {node.name()} "
    if made_by and origin is MULTI_OUTPUT:
        made_by = made_by.replace("Backward0", "")
    reason = {
        MULTI_OUTPUT: "This view is the output of a function that returns multiple views. Such functions do not allow "
        "the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.",
        CUSTOM_FUNCTION: "This view was created inside a custom Function (or because an input was returned as-is) and "
        "the autograd logic to handle view+inplace would override the custom backward associated with the custom "
        "Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output "
        "of the custom Function.",
    }[origin]
    raise RuntimeError(f"{made_by}is a view and {event}. {reason}")


class AsStridedBackward0(Node):
    """The gradient of a window onto memory: what arrives is put where the window lies, zero elsewhere."""

    __slots__ = ("_source", "_window")

    def __init__(self, edge: Edge, source: Geometry, window: Geometry, output: Any) -> None:
        super().__init__((edge,), ((output._array.shape, output._array.dtype),))
        self._source = source
        self._window = window

    def apply(self, *gradients: Any) -> Sequence[Any]:
        (gradient,) = gradients
        return (None if gradient is None else gradient._as_strided_backward(self._source, self._window),)


class CopySlices(Node):
    """An in-place operation on part of a tensor: its gradient passes through the operation there, and as it is elsewhere."""

    __slots__ = ("_function", "_source", "_window")

    def __init__(self, base: Any, view: Any, function: Node) -> None:
        super().__init__(
            (gradient_edge(base), *function.next_functions[1:]), ((base._array.shape, base._array.dtype),)
        )
        self._function = function
        self._source = geometry(base)
        self._window = geometry(view)

    def name(self) -> str:
        return "torch::autograd::CopySlices"

    def apply(self, *gradients: Any) -> Sequence[Any]:
        (gradient,) = gradients
        if gradient is None:
            return [None] * len(self.next_functions)
        shape, strides, start = self._source
        result = gradient._copy_with_strides(shape, strides)
        window_shape, window_strides, window_start = self._window
        window = result.as_strided(window_shape, window_strides, window_start - start)
        first, *others = self._function.apply(window.clone())
        if self.next_functions[0][0] is not None:
            if first is None:
                window.zero_()
            else:
                window.copy_(first)
        return [result, *others]

    def release(self) -> None:
        self._function.release()
