"""What a node keeps for its backward pass, and the checks when it is used: was it freed, was it changed in place."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from . import dtypes
from .engine import FREED, AccumulateGrad, Node, edge_to, mode, operation_name
from .settings import anomaly
from .tensor import InferenceCounter, Tensor, wrap
from .views import gradient_edge


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

    def maker(self, node: Node) -> Node:
        """Whose output it is, for the node that saved it."""
        return (self.view_node and self.view_node()) or node

    def unpack(self, node: Node) -> Tensor:
        differentiable = self.array.dtype.kind == "f"
        maker = self.maker(node)
        if self.counter[0] != self.version:
            named = maker if differentiable else None
            raise _modified(self.array, named, self.position, self.counter[0], self.version)
        tensor = wrap(self.array)
        tensor._counter = self.counter
        if differentiable:
            tensor._edge = edge_to(maker, self.position, self.array)
            tensor._requires_grad = True
        return tensor


class SavedPacked:
    """What a hook made of a tensor, from which another makes it again; nobody can tell whether it was changed."""

    __slots__ = ("edge", "is_leaf", "output", "packed", "requires_grad", "restore")

    def __init__(
        self,
        tensor: Tensor,
        pack: Callable[[Tensor], Any],
        restore: Callable[[Any], Tensor],
        output: SavedOutput | None = None,
        shown: Tensor | None = None,
    ) -> None:
        """`output`: how the tensor was saved if it is a result. `shown`: what `pack` is to see in its place."""
        self.output = output
        self.restore = restore
        self.is_leaf = tensor.is_leaf
        self.requires_grad = tensor.requires_grad
        self.edge = gradient_edge(tensor) if output is None and self.requires_grad else None
        shown = tensor if shown is None else shown
        version = shown._counter[0]
        previous, mode.grad = mode.grad, False
        try:
            self.packed = pack(shown)
        finally:
            mode.grad = previous
        if shown._counter[0] != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
                "cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open "
                "an issue if you need to perform in-place operations on the input to a pack hook."
            )

    def unpack(self, node: Node) -> Tensor:
        restored = self.restore(self.packed)
        if not isinstance(restored, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(restored).__name__}"
            )
        if not self.requires_grad and not restored.requires_grad:
            return restored
        tensor = wrap(restored._array)
        tensor._counter = restored._counter
        tensor._requires_grad = self.requires_grad
        if self.output is not None and not self.is_leaf:
            maker = self.output.maker(node)
            tensor._edge = edge_to(maker, self.output.position, restored._array)
        elif self.edge is not None and not self.is_leaf:
            tensor._edge = self.edge
        elif self.edge is not None and isinstance(self.edge[0], AccumulateGrad):
            tensor._meta.accumulator = weakref.ref(self.edge[0])
        return tensor


SAVED = (SavedInput, SavedOutput, SavedPacked)


def unpack(value: Any, node: Node) -> Any:
    """The value as the formula gets it."""
    if isinstance(value, SAVED):
        return value.unpack(node)
    if type(value) is list:
        return [unpack(v, node) for v in value]
    return value


def unpacked_once(values: list[Any], node: Node) -> list[Any]:
    """Saved values for a formula that will unpack them itself, perhaps several times: hooks do so but once."""
    return [SavedInput(value.unpack(node)) if type(value) is SavedPacked else value for value in values]


def is_freed_with_graph(value: Any) -> bool:
    return isinstance(value, SAVED) or (type(value) is list and any(map(is_freed_with_graph, value)))


class SavedTensor:
    """`node._raw_saved_self`: a tensor as a node keeps it."""

    def __init__(self, node: Any = None, position: int = 0, index: int | None = None) -> None:
        if node is None:
            raise RuntimeError("Trying to create a SavedTensor object from Python is forbidden.")
        self._node, self._position, self._index = node, position, index

    @property
    def _saved(self) -> Any:
        if self._node._saved is None:
            return None
        saved = self._node._saved[self._position]
        return saved if self._index is None else saved[self._index]

    def unpack(self) -> Tensor:
        """The tensor that was saved."""
        if self._saved is None:
            raise RuntimeError(FREED)
        return self._saved.unpack(self._node)

    def register_hooks(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        """Keep what `pack_hook` makes of the tensor; `unpack_hook` makes the tensor of it when it is needed."""
        if not (callable(pack_hook) and callable(unpack_hook)):
            raise TypeError(
                "register_hooks(): incompatible function arguments. The following argument types are supported:\n    1. "
                "(self: torch._C._autograd.SavedTensor, arg0: collections.abc.Callable, arg1: collections.abc.Callable) "
                f"-> None\n\nInvoked with: {self!r}, {pack_hook!r}, {unpack_hook!r}"
            )
        saved = self._saved
        if saved is None:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor after it has been freed. "
                + FREED.partition(". ")[2].replace("saved tensors after", "saved variables after")
            )
        if type(saved) is SavedPacked:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of "
                "hooks is allowed at a time."
            )
        node, position = self._node, self._position
        if type(saved) is SavedInput:
            packed = SavedPacked(saved.tensor, pack_hook, unpack_hook, None, saved.tensor.detach())
        else:
            packed = SavedPacked(saved.unpack(node), pack_hook, unpack_hook, saved, saved.unpack(node).detach())
        if self._index is not None:
            whole = list(node._saved[position])
            whole[self._index] = packed
            node._saved = (*node._saved[:position], whole, *node._saved[position + 1 :])
        else:
            node._saved = (*node._saved[:position], packed, *node._saved[position + 1 :])
        assert node.hooks  # a node that has hooks runs on tensors, as those want them


SavedTensor.__module__ = "torch._C._autograd"


def _modified(array: Any, maker: Node | None, output_nr: int, version: int, expected: int) -> RuntimeError:
    made_by = "" if maker is None else f", which is output {output_nr} of {operation_name(maker)},"
    hint = (
        "the backtrace further above shows the operation that failed to compute its gradient. The variable in question "
        "was changed in there or anywhere later. Good luck!"
        if anomaly.enabled
        else "enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{dtypes.FROM_NUMPY[array.dtype].legacy_name}Tensor {list(array.shape)}]{made_by} is at version "
        f"{version}; expected version {expected} instead. Hint: {hint}"
    )
