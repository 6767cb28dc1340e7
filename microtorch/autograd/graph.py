"""The graph as the user meets it: nodes, edges, hooks on several tensors, hooks on what nodes save."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal
from weakref import WeakKeyDictionary, WeakSet

from .. import watched
from ..engine import AccumulateGrad, Node, TensorForm, edges_into
from ..engine import mode as current
from ..hooks import RemovableHandle
from ..later import package
from ..tensor import Tensor
from ..views import gradient_edge
from .differentiate import GradientEdge, get_gradient_edge

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Say that the memory of a tensor, or of several, was changed where microtorch could not see it."""
    if not isinstance(tensor, Iterable):
        raise RuntimeError("increment_version expect a Iterable[Tensor] as input")
    for changed in (tensor,) if isinstance(tensor, Tensor) else tensor:
        if not isinstance(changed, Tensor):
            raise RuntimeError("increment_version expects each element of the iterable to be a tensor")
        if not changed.is_inference():
            changed._counter[0] += 1


class MultiHandle(RemovableHandle):
    """Removes several hooks."""

    def __init__(self, handles: tuple[RemovableHandle, ...]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


MultiHandle.__name__ = MultiHandle.__qualname__ = "_MultiHandle"


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[[Any], None], *, mode: Literal["all", "any"] = "all"
) -> RemovableHandle:
    """Call `fn` once in every backward pass that computes gradients of some of `tensors`: in mode "all" with a list of
    these (None where there is none) after the last of them, in mode "any" with the first of them.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of {('all', 'any')} but got {mode}")
    if mode == "any":
        return MultiHandle(_on_first(tensors, fn))
    return MultiHandle(_on_last(tensors, fn))


def _on_first(tensors: Sequence[Tensor], fn: Callable[[Any], None]) -> tuple[RemovableHandle, ...]:
    told: WeakSet[TensorForm] = WeakSet()  # the passes

    def hook(gradient: Any) -> None:
        if current.backward not in told:
            told.add(_this_pass())
            fn(gradient)

    return tuple(tensor.register_hook(hook) for tensor in tensors if tensor.requires_grad)


def _on_last(tensors: Sequence[Tensor], fn: Callable[[Any], None]) -> tuple[RemovableHandle, ...]:
    nodes = [gradient_edge(tensor)[0] for tensor in tensors]
    if None in nodes:
        raise AssertionError("Expected gradient function to be set")
    passes: WeakKeyDictionary[TensorForm, tuple[int, dict[int, Any]]] = WeakKeyDictionary()

    def hook(position: int, gradient: Any) -> None:
        this = _this_pass()
        if this not in passes:
            passes[this] = _number_of_runs(this, nodes), {}
        expected, came = passes[this]
        came[position] = gradient
        if len(came) == expected:
            del passes[this]
            fn([came.get(i) for i in range(len(nodes))])

    return tuple(tensor.register_hook(partial(hook, i)) for i, tensor in enumerate(tensors))


def _this_pass() -> TensorForm:
    if current.backward is None:
        raise AssertionError("expected this hook to be called inside a backward call")
    return current.backward


def _number_of_runs(this: TensorForm, nodes: Sequence[Node | None]) -> int:
    """How many of `nodes` a pass meets on its way to where it is to go."""
    roots, (running, _, captures) = this.begun
    edges = [edge for edge, _ in roots]
    if len(edges) == 1 and edges[0][0] is not None:
        edges = list(edges[0][0]._edges)  # torch does not count where it begins
    met = edges_into([(edge, None) for edge in edges])
    if running is not None:
        if any(isinstance(node, AccumulateGrad) and node in captures and node in met for node in nodes):
            raise RuntimeError(
                "A leaf node was passed to _will_engine_execute_node but we are currently running autograd.grad(). "
                "This is currently not supported."
            )
        met = {node: 1 for node in met if node in running or node in captures}
    return sum(node in met for node in nodes)


class saved_tensors_hooks:
    """For a block: what nodes save is given to `pack_hook`, and what that returns is kept; when it is needed,
    `unpack_hook` makes the tensor of it. Of several pairs, the innermost counts.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        watched.push(self.pack_hook, self.unpack_hook)

    def __exit__(self, *exc: object) -> None:
        watched.pop()


class save_on_cpu(saved_tensors_hooks):
    """For a block: what nodes save is kept in the memory of the CPU, where it is anyway."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Tensor) -> Any:
            return (tensor.device, tensor.contiguous().clone() if pin_memory else tensor.cpu())

        super().__init__(pack, lambda packed: packed[1].to(packed[0]))


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """For a block: who wants to hook what nodes save gets an error."""
    before = watched.watching.forbidden
    try:
        watched.forbid(error_message)
        yield
    finally:
        watched.watching.forbidden = before


__getattr__, __dir__ = package(__name__, {})
