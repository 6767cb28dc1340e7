"""What a node keeps for its backward pass, and the checks when it is used: was it freed, was it changed in place."""

from __future__ import annotations

from typing import Any

from . import dtypes
from .engine import NO_EDGE, Node, operation_name
from .tensor import InferenceCounter, Tensor, wrap


class SavedInput:
    """A tensor and the version it had."""

    __slots__ = ("tensor", "version")

    def __init__(self, tensor: Tensor) -> None:
        if type(tensor._counter) is InferenceCounter:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode "
                "in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor "
                "and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            )
        self.tensor = tensor
        self.version = tensor._counter[0]

    def unpack(self, node: Node) -> Tensor:
        tensor = self.tensor
        if tensor._counter[0] != self.version:
            node_of, output_nr = tensor._edge or NO_EDGE
            made_by = "" if node_of is None else f"output {output_nr} of {operation_name(node_of)}"
            raise _modified(tensor._array, made_by, tensor._counter[0], self.version)
        return tensor


class SavedOutput:
    """A result that its own backward needs, as data: the result holds its node, which must not hold it in turn."""

    __slots__ = ("array", "counter", "of_view", "position", "version")

    def __init__(self, tensor: Tensor, position: int) -> None:
        self.of_view = False  # the result was written into a view, whose history then is its base's
        self.array = tensor._array
        self.counter = tensor._counter
        self.version = tensor._counter[0]
        self.position = position

    def unpack(self, node: Node) -> Tensor:
        if self.counter[0] != self.version:
            made_by = (
                f"output {self.position} of {operation_name(node)}" if not self.of_view else "output 0 of AsStrided"
            )
            raise _modified(self.array, made_by, self.counter[0], self.version)
        tensor = wrap(self.array)
        tensor._counter = self.counter
        if self.array.dtype.kind == "f":
            tensor._edge = (node, self.position)
            tensor._requires_grad = True
        return tensor


class SavedNumber:
    """A number that torch keeps as a 0-d tensor, and therefore frees with the graph."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def unpack(self, node: Node) -> Any:
        return self.value


SAVED = (SavedInput, SavedOutput, SavedNumber)


def unpack(value: Any, node: Node) -> Any:
    """The value as the formula gets it."""
    if isinstance(value, SAVED):
        return value.unpack(node)
    if type(value) is list:
        return [unpack(v, node) for v in value]
    return value


def is_freed_with_graph(value: Any) -> bool:
    return isinstance(value, SAVED) or (type(value) is list and any(map(is_freed_with_graph, value)))


def _modified(array: Any, made_by: str, version: int, expected: int) -> RuntimeError:
    made_by = made_by and f", which is {made_by},"
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{dtypes.FROM_NUMPY[array.dtype].legacy_name}Tensor {list(array.shape)}]{made_by} is at version "
        f"{version}; expected version {expected} instead. Hint: enable anomaly detection to find the operation that "
        "failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )
