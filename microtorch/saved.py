"""What a node keeps for its backward pass, and the checks when it is used: was it freed, was it changed in place."""

from __future__ import annotations

import weakref
from typing import Any

from . import dtypes
from .engine import Node, edge_to, operation_name
from .tensor import InferenceCounter, Tensor, wrap


class SavedInput:
    """A tensor, the version it had, and whether an operation had made it."""

    __slots__ = ("computed", "tensor", "version")

    def __init__(self, tensor: Tensor) -> None:
        if type(tensor._counter) is InferenceCounter:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode "
                "in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor "
                "and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            )
        self.tensor = tensor
        self.version = tensor._counter[0]
        self.computed = tensor._edge is not None

    def unpack(self, node: Node) -> Tensor:
        tensor = self.tensor
        if tensor._counter[0] != self.version or (self.computed and tensor._edge is None):
            maker = tensor.grad_fn  # which is found anew for a view whose base was changed, and may be refused
            if maker is None and self.computed:
                raise RuntimeError(
                    "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not "
                    "supported, please use out-of-place `.detach()` instead"
                )
            raise _modified(tensor._array, maker, tensor.output_nr, tensor._counter[0], self.version)
        return tensor


class SavedOutput:
    """A result that its own backward needs, as data: the result holds its node, which must not hold it in turn."""

    __slots__ = ("array", "counter", "position", "version", "view_node")

    def __init__(self, tensor: Tensor, position: int) -> None:
        self.array = tensor._array
        self.counter = tensor._counter
        self.version = tensor._counter[0]
        self.position = position
        self.view_node: weakref.ref[Node] | None = None

    def written(self, tensor: Tensor) -> None:
        """The result now stands in `tensor`, whose history, if it is a view, is that of its base."""
        self.version = tensor._counter[0]
        if tensor._view is not None:
            self.view_node = weakref.ref(tensor._edge[0])  # type: ignore[index, arg-type]

    def unpack(self, node: Node) -> Tensor:
        differentiable = self.array.dtype.kind == "f"
        maker = (self.view_node and self.view_node()) or node
        if self.counter[0] != self.version:
            named = maker if differentiable else None
            raise _modified(self.array, named, self.position, self.counter[0], self.version)
        tensor = wrap(self.array)
        tensor._counter = self.counter
        if differentiable:
            tensor._edge = edge_to(maker, self.position, self.array)
            tensor._requires_grad = True
        return tensor


SAVED = (SavedInput, SavedOutput)


def unpack(value: Any, node: Node) -> Any:
    """The value as the formula gets it."""
    if isinstance(value, SAVED):
        return value.unpack(node)
    if type(value) is list:
        return [unpack(v, node) for v in value]
    return value


def is_freed_with_graph(value: Any) -> bool:
    return isinstance(value, SAVED) or (type(value) is list and any(map(is_freed_with_graph, value)))


def _modified(array: Any, maker: Node | None, output_nr: int, version: int, expected: int) -> RuntimeError:
    made_by = "" if maker is None else f", which is output {output_nr} of {operation_name(maker)},"
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{dtypes.FROM_NUMPY[array.dtype].legacy_name}Tensor {list(array.shape)}]{made_by} is at version "
        f"{version}; expected version {expected} instead. Hint: enable anomaly detection to find the operation that "
        "failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )
