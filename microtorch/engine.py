"""Reverse-mode differentiation: grad mode, the nodes of the tape, and the backward pass.

Every recorded operation leaves a `Node`. Its `next_functions` are the edges to the nodes that made its inputs, an edge
being `(node, i)`: "the gradient goes to output i of that node". A leaf that requires a gradient ends in an
`AccumulateGrad`. `run_backward` walks this graph from the roots. Nothing here knows any operation: a gradient is
whatever has a shape and a dtype and can be added, and `Node.apply` says what to do with it.

The order is torch's. Nodes are numbered as they are made, and of those whose gradients are complete the youngest runs
first. So contributions to a tensor that is used several times are added from its latest use to its earliest: with
three or more of them, this order decides the last bit.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

Gradient = Any  # a Tensor; this room is above it and only adds, compares and passes on
Edge = tuple["Node | None", int]

NO_EDGE: Edge = (None, 0)
FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)


class Mode(threading.local):
    """What the current thread records: `grad` is off under `no_grad`, `inference` on under `inference_mode`."""

    grad = True
    inference = False


mode = Mode()
_next_sequence_nr = itertools.count().__next__
_accumulation = threading.Lock()  # several threads may run backward into the same leaf


class RemovableHandle:
    """Removes a hook from the dictionary it was put in; also a context manager that does so at its end."""

    _ids = itertools.count()

    def __init__(self, hooks: OrderedDict[int, Any]) -> None:
        self.id = next(RemovableHandle._ids)
        self._hooks = weakref.ref(hooks)

    def remove(self) -> None:
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def add_hook(hooks: OrderedDict[int, Any], hook: Callable[..., Any]) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


class NodeHooks:
    """The hooks of one node, in the order in which they run."""

    __slots__ = ("metadata", "post", "pre", "retain", "tensor")

    def __init__(self) -> None:
        self.tensor: dict[int, OrderedDict[int, Any]] = {}  # by output: Tensor.register_hook
        self.retain: dict[int, Callable[[Gradient], None]] = {}  # by output: Tensor.retain_grad
        self.pre: OrderedDict[int, Any] = OrderedDict()
        self.post: OrderedDict[int, Any] = OrderedDict()
        self.metadata: dict[Any, Any] = {}


class Node:
    """One recorded operation.

    `next_functions`: an edge for every differentiable input, in order. `_outputs`: (shape, numpy dtype) of every
    output, to which incoming gradients are checked and summed down. Subclasses hold what their formulas need and
    implement `apply`, which takes a gradient (or None) for every output and returns one for every edge.
    """

    __slots__ = ("__weakref__", "_hooks", "_outputs", "_sequence_nr", "next_functions")

    next_functions: tuple[Edge, ...]
    _outputs: tuple[tuple[tuple[int, ...], Any], ...]

    def __init__(self, next_functions: tuple[Edge, ...], outputs: tuple[tuple[tuple[int, ...], Any], ...]) -> None:
        self.next_functions = next_functions
        self._outputs = outputs
        self._hooks: NodeHooks | None = None
        self._sequence_nr = _next_sequence_nr()

    def apply(self, *gradients: Gradient | None) -> Sequence[Gradient | None]:
        raise NotImplementedError

    def release(self) -> None:
        """Drop the saved values; a later backward through this node fails."""

    def name(self) -> str:
        return type(self).__name__

    @property
    def hooks(self) -> NodeHooks:
        if self._hooks is None:
            self._hooks = NodeHooks()
        return self._hooks

    @property
    def metadata(self) -> dict[Any, Any]:
        return self.hooks.metadata

    @property
    def requires_grad(self) -> bool:
        return True

    def register_hook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call `fn(grad_inputs, grad_outputs)` after this node ran; what it returns replaces `grad_inputs`."""
        return add_hook(self.hooks.post, fn)

    def register_prehook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call `fn(grad_outputs)` before this node runs; what it returns replaces `grad_outputs`."""
        return add_hook(self.hooks.pre, fn)

    def __call__(self, *gradients: Gradient | None) -> Any:
        results = tuple(self.apply(*gradients))
        return results[0] if len(results) == 1 else results

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"


class AccumulateGrad(Node):
    """The end of a path: adds what arrives to the `.grad` of a leaf."""

    __slots__ = ("variable",)

    def __init__(self, variable: Any) -> None:
        super().__init__((), ((variable.shape, variable._array.dtype),))
        self.variable = variable

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def apply(self, *gradients: Gradient | None) -> Sequence[Gradient | None]:
        (gradient,) = gradients
        if gradient is not None:
            with _accumulation:
                self.variable._accumulate(gradient)
            for hook in self.variable._post_accumulate_hooks():
                hook(self.variable)
        return ()


def _reachable(roots: Sequence[Node]) -> dict[Node, int]:
    """Every node that a gradient can reach from the roots, with the number of edges that lead into it."""
    dependencies = dict.fromkeys(roots, 0)
    stack = list(dependencies)
    while stack:
        for node, _ in stack.pop().next_functions:
            if node is not None:
                if node in dependencies:
                    dependencies[node] += 1
                else:
                    dependencies[node] = 1
                    stack.append(node)
    return dependencies


def _leading_to(targets: Container[Node], nodes: Iterable[Node]) -> set[Node]:
    """Those of `nodes` that must run for a gradient to reach a target: an edge leads on to one, or to another such node.

    A depth-first walk without recursion, so that each node is judged after all that it points to.
    """
    running: set[Node] = set()
    visited: set[Node] = set()
    for start in nodes:
        if start in visited:
            continue
        visited.add(start)
        stack = [(start, iter(start.next_functions))]
        while stack:
            node, edges = stack[-1]
            for following, _ in edges:
                if following is not None and following not in visited:
                    visited.add(following)
                    stack.append((following, iter(following.next_functions)))
                    break
            else:
                stack.pop()
                if any(following in targets or following in running for following, _ in node.next_functions if following):
                    running.add(node)
    return running


def run_backward(
    roots: Sequence[tuple[Edge, Gradient]],
    *,
    retain_graph: bool,
    create_graph: bool,
    inputs: Sequence[Edge] = (),
    accumulate: bool = True,
) -> list[Gradient | None]:
    """Send the roots' gradients back through the graph.

    Without `inputs`, every leaf's `.grad` is added to. With them, only nodes on a path to one of these edges run; the
    gradient that arrives at each is added to `.grad` of leaves (`accumulate`), and returned.
    """
    buffers: dict[Node, list[Gradient | None]] = {}
    dependencies = _reachable([node for (node, _), _ in roots if node is not None])
    captures: dict[Node, list[tuple[int, int]]] = {}
    for position, (node, output_nr) in enumerate(inputs):
        if node is not None:
            captures.setdefault(node, []).append((position, output_nr))
    running = _leading_to(captures, dependencies) if inputs else None
    captured: list[Gradient | None] = [None] * len(inputs)

    previous, mode.grad = mode.grad, create_graph
    try:
        ready: list[tuple[float, int, Node]] = []
        ticket = itertools.count().__next__  # equal priorities: first come, first served
        for (node, output_nr), gradient in roots:
            assert node is not None
            _add(buffers, node, output_nr, gradient)
        for node in buffers:
            if dependencies[node] == 0:
                heapq.heappush(ready, (_priority(node), ticket(), node))
        while ready:
            node = heapq.heappop(ready)[2]
            gradients = _run_tensor_hooks(node, buffers.pop(node))
            if running is not None:
                for position, output_nr in captures.get(node, ()):
                    captured[position] = gradients[output_nr]
                if node not in running and not (accumulate and type(node) is AccumulateGrad):
                    continue
            results = _call(node, gradients)
            if not retain_graph:
                node.release()
            for (following, output_nr), result in zip(node.next_functions, results, strict=True):
                if following is None:
                    continue
                dependencies[following] -= 1
                if running is None or following in running or following in captures:
                    _add(buffers, following, output_nr, result)
                    if dependencies[following] == 0:
                        heapq.heappush(ready, (_priority(following), ticket(), following))
    finally:
        mode.grad = previous
    return captured


def _priority(node: Node) -> float:
    return float("-inf") if type(node) is AccumulateGrad else -node._sequence_nr


def _add(buffers: dict[Node, list[Gradient | None]], node: Node, output_nr: int, gradient: Gradient | None) -> None:
    buffer = buffers.get(node)
    if buffer is None:
        buffer = buffers[node] = [None] * len(node._outputs)
    if gradient is not None:
        held = buffer[output_nr]
        buffer[output_nr] = gradient if held is None else held + gradient


def _run_tensor_hooks(node: Node, gradients: list[Gradient | None]) -> list[Gradient | None]:
    hooks = node._hooks
    if hooks is None:
        return gradients
    for output_nr, tensor_hooks in hooks.tensor.items():
        for hook in list(tensor_hooks.values()):
            gradient = gradients[output_nr]
            if gradient is None:
                break
            replacement = hook(gradient)
            if replacement is not None:
                gradients[output_nr] = _checked_replacement(replacement, gradient, hook)
    if hooks.pre:
        for hook in list(hooks.pre.values()):
            replaced = hook(tuple(gradients))
            if replaced is not None:
                gradients = list(replaced) if isinstance(replaced, tuple) else [replaced]
    for output_nr, retain in hooks.retain.items():
        if gradients[output_nr] is not None:
            retain(gradients[output_nr])
    return gradients


def _checked_replacement(replacement: Gradient, gradient: Gradient, hook: Callable[..., Any]) -> Gradient:
    if not hasattr(replacement, "_array"):
        raise TypeError(f"expected Variable, but hook returned '{type(replacement).__name__}'")
    name = getattr(hook, "__name__", type(hook).__name__)
    if replacement.dtype is not gradient.dtype:
        raise RuntimeError(f"hook '{name}' has changed the type of value (was {gradient.type()} got {replacement.type()})")
    if replacement.shape != gradient.shape:
        raise RuntimeError(f"hook '{name}' has changed the size of value")
    return replacement


def _call(node: Node, gradients: list[Gradient | None]) -> Sequence[Gradient | None]:
    """Run one node and bring what it returns into the shapes and dtypes that its edges ask for."""
    results = node.apply(*gradients)
    edges = node.next_functions
    if len(results) != len(edges):
        raise RuntimeError(
            f"Function {node.name()} returned an invalid number of gradients - expected {len(edges)}, but got {len(results)}"
        )
    fitted: list[Gradient | None] | None = None
    for i, ((following, output_nr), result) in enumerate(zip(edges, results, strict=True)):
        if following is None or result is None:
            continue
        shape, dtype = following._outputs[output_nr]
        array = result._array
        if array.shape != shape or array.dtype != dtype:
            if fitted is None:
                fitted = list(results)
            fitted[i] = _fit(node, i, result, shape, dtype)
    if fitted is not None:
        results = fitted
    hooks = node._hooks
    if hooks is not None and hooks.post:
        for hook in list(hooks.post.values()):
            replaced = hook(tuple(results), tuple(gradients))
            if replaced is not None:
                results = replaced if isinstance(replaced, tuple) else (replaced,)
    return results


def _fit(node: Node, index: int, gradient: Gradient, shape: tuple[int, ...], dtype: Any) -> Gradient:
    """Undo broadcasting: a value that was repeated along a dimension receives the sum along it."""
    got = gradient._array.shape
    if got != shape:
        padded = (1,) * (len(got) - len(shape)) + tuple(shape)
        if len(got) < len(shape) or any(a not in (1, b) for a, b in zip(padded, got, strict=True)):
            raise RuntimeError(
                f"Function {node.name()} returned an invalid gradient at index {index} - got {list(got)} but expected "
                f"shape compatible with {list(shape)}"
            )
        gradient = gradient.sum_to_size(shape)
    if gradient._array.dtype != dtype:
        gradient = gradient._to_numpy_dtype(dtype)
    return gradient
