"""How tensors that share memory share a history.

An in-place operation on a view changes its base, so it enters the base's graph: as `CopySlices`, which passes the
gradient of the base through the operation where the view lies and leaves the rest as it is. A view whose base was
changed gets a new `grad_fn` when it is next asked for: `AsStridedBackward0`, a window onto the base as it is now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import ref

from .engine import FREED, GRAD, LEAF, NO_EDGE, AccumulateGrad, Edge, Node, edge_to, mode, operation_name
from .engine import INFERENCE as INFERENCE_MODE

# How a view was made, where this forbids changing it in place later.
NO_GRAD, INFERENCE, MULTI_OUTPUT, CUSTOM_FUNCTION = "no_grad", "inference", "multi_output", "custom_function"

Geometry = tuple[tuple[int, ...], tuple[int, ...], int]  # shape, strides and offset in memory, in elements


class InferenceCounter(list[int]):
    """The version counter of a tensor made in inference mode, which keeps no versions."""


class View:
    """What a view remembers: its base, how it was made, and the version at which its `grad_fn` was last right."""

    __slots__ = ("base", "origin", "version")

    def __init__(self, base: Any, origin: str | None, version: int) -> None:
        self.base = base
        self.origin = origin
        self.version = version


_new = object.__new__


def data_pointer(array: Any) -> int:
    return array.__array_interface__["data"][0]


def geometry(tensor: Any) -> Geometry:
    return tensor._array.shape, tensor.stride(), data_pointer(tensor._array) // tensor._array.itemsize


def make_view(tensor: Any, source: Any, origin: str | None = None) -> None:
    """Declare a fresh tensor on part of `source`'s memory to be a view of it."""
    counter = tensor._counter = source._counter
    if type(counter) is InferenceCounter:
        return  # nothing is kept of where it came from
    flags = mode.flags
    if flags & INFERENCE_MODE:
        origin = INFERENCE
    elif not flags & GRAD:
        origin = NO_GRAD
    seen = source._view
    if seen is None:
        tensor._view = View(source, origin, counter[0])
    else:
        tensor._view = View(seen.base, origin or seen.origin, counter[0])


def gradient_edge(tensor: Any) -> Edge:
    """Where the gradient of a tensor goes: to the node that made it, to its AccumulateGrad, or nowhere."""
    if tensor._view is not None:
        refresh_view(tensor)
    if tensor._edge is not None:
        return tensor._edge
    if not tensor._requires_grad:
        return NO_EDGE
    meta = tensor._autograd or tensor._meta
    node = None if meta.accumulator is None else meta.accumulator()
    if node is None:
        node = _new(AccumulateGrad)  # for every leaf in every step, hence without __init__
        array = tensor._array
        node._shape, node._dtype, node._hooks, node.variable = array.shape, array.dtype, None, tensor
        meta.accumulator = ref(node)
        if meta.hooks is not None:
            node.hooks.tensor.append((0, meta.hooks))
    return (node, 0, LEAF, node._shape, node._dtype)


def set_edge(tensor: Any, edge: Edge) -> None:
    """Make `edge` the origin of a tensor that may have had another: hooks stay with that, retain_grad comes along."""
    old = tensor._edge
    tensor._edge = edge
    tensor._requires_grad = True
    if tensor._view is not None:
        tensor._view.version = tensor._counter[0]
    meta = tensor._autograd
    if meta is not None:
        meta.hooks = None
        if meta.retains_grad:
            edge[0].hooks.retain[edge[1]] = old[0].hooks.retain.pop(old[1])  # type: ignore[union-attr]


def refresh_view(tensor: Any) -> None:
    """Give a view a new `grad_fn` if its memory was changed in place since it got the one it has."""
    view = tensor._view
    if view.version == tensor._counter[0] or (tensor._edge is None and not view.base.requires_grad):
        return
    _forbid_change(tensor, "its base or another view of its base has been")
    node = AsStridedBackward0(gradient_edge(view.base), geometry(view.base), geometry(tensor))
    set_edge(tensor, edge_to(node, 0, tensor._array))


def check_inplace(tensor: Any) -> None:
    """Refuse a recorded in-place operation on a leaf, or on a view that must not be changed."""
    view = tensor._view
    if view is not None:
        _forbid_change(tensor, "is being")
        if tensor.requires_grad and view.base._edge is None:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if tensor.requires_grad and tensor._edge is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


def rebase_history(tensor: Any, node: Node, output_nr: int = 0) -> None:
    """Record that `node`, whose first edge is to the value before, made the present value of `tensor` in place."""
    view = tensor._view
    if view is None:
        set_edge(tensor, edge_to(node, output_nr, tensor._array))
    else:
        set_edge(view.base, edge_to(CopySlices(view.base, tensor, node), 0, view.base._array))
        refresh_view(tensor)


def _forbid_change(tensor: Any, event: str) -> None:
    origin = tensor._view.origin
    if origin is None:
        return
    node, output_nr, *_ = tensor._edge or NO_EDGE
    if node is not None:
        what = f"Output {output_nr} of {operation_name(node)} is a view"
    if origin is INFERENCE or origin is NO_GRAD or node is None:
        what = "A view was created" if node is None else f"{what} of a view which was created"
        made, normal = ("inference", "in normal mode") if origin is INFERENCE else ("no_grad", "with grad mode enabled")
        what = f"{what} in {made} mode and {event} modified inplace {normal}."
    else:
        what = f"{what} and {event} modified inplace."
    block = "inference_mode" if origin is INFERENCE else "no_grad"
    ambiguous = (
        "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving "
        f"both the view and the inplace either both inside the {block} block (if you don't want the inplace to be "
        "tracked) or both outside (if you want the inplace to be tracked)."
    )
    reason = {
        NO_GRAD: ambiguous,
        INFERENCE: ambiguous,
        MULTI_OUTPUT: "This view is the output of a function that returns multiple views. Such functions do not allow "
        "the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.",
        CUSTOM_FUNCTION: "This view was created inside a custom Function (or because an input was returned as-is) and "
        "the autograd logic to handle view+inplace would override the custom backward associated with the custom "
        "Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output "
        "of the custom Function.",
    }
    raise RuntimeError(f"{what} {reason[origin]}")


class AsStridedBackward0(Node):
    """The gradient of a window onto memory: what arrives is put where the window lies, zero elsewhere."""

    __slots__ = ("_source", "_window")

    def __init__(self, edge: Edge, source: Geometry, window: Geometry) -> None:
        super().__init__((edge,))
        self._source = source
        self._window = window

    @property
    def _saved_size(self) -> tuple[int, ...]:
        return self._window[0]

    @property
    def _saved_stride(self) -> tuple[int, ...]:
        return self._window[1]

    @property
    def _saved_storage_offset(self) -> int:
        return self._window[2] - self._source[2]

    def apply(self, *gradients: Any) -> Sequence[Any]:
        (gradient,) = gradients
        return (None if gradient is None else gradient._as_strided_backward(self._source, self._window),)


class CopySlices(Node):
    """An in-place operation on part of a tensor: there its gradient passes through it, elsewhere stays as it is."""

    __slots__ = ("_function", "_source", "_window")
    holds = True

    def __init__(self, base: Any, view: Any, function: Node) -> None:
        super().__init__((gradient_edge(base), *function._edges[1:]))
        self._function: Node | None = function
        self._source = geometry(base)
        self._window = geometry(view)

    def apply(self, *gradients: Any) -> Sequence[Any]:
        (gradient,) = gradients
        if gradient is None:
            return [None] * len(self._edges)
        if self._function is None:
            raise RuntimeError(FREED)
        shape, strides, start = self._source
        result = gradient.new_empty_strided(shape, strides).copy_(gradient)
        window_shape, window_strides, window_start = self._window
        window = result.as_strided(window_shape, window_strides, window_start - start)
        first, *others = self._function.apply(window.clone())
        if self._edges[0][0] is None or first is None:
            return [None, *others]
        window.copy_(first)
        return [result, *others]

    def release(self) -> None:
        self._function = None
