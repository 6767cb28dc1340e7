"""Reverse-mode differentiation: grad mode, the nodes of the tape, and the backward pass.

Every recorded operation leaves a `Node`. Its `next_functions` are the edges to the nodes that made its inputs, an edge
being `(node, i)`: "the gradient goes to output i of that node". A leaf that requires a gradient ends in an
`AccumulateGrad`. `run_backward` walks this graph from the roots. Nothing here knows any operation: a gradient is
whatever has a shape and a dtype and can be added, and `Node.apply` says what to do with it.

The order is torch's. Nodes are numbered as they are made, and of those whose gradients are complete the youngest runs
first. So contributions to a tensor that is used several times are added from its latest use to its earliest: with
three or more of them, this order decides the last bit. It also makes counting needless: edges lead to older nodes, so
whatever still sends a gradient to a node is younger than it, and has run before the node is the youngest one waiting.
Only a leaf, which has no age and runs as soon as all has arrived, must know how many edges it waits for.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

from . import dtypes
from .hooks import Gradient, NodeHooks, RemovableHandle, add_hook, run_post_accumulate_hooks

Array = Any  # a numpy array
Edge = tuple["Node | None", int]
Output = tuple[tuple[int, ...], Any]  # the shape and the numpy dtype of a result

NO_EDGE: Edge = (None, 0)
FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)


GRAD, INFERENCE = 1, 2


class Mode(threading.local):
    """What the current thread records: `grad` is off under `no_grad`, `inference` on under `inference_mode`.

    Both are kept in one number, `flags`, because to look at what belongs to a thread takes long.
    """

    flags = GRAD

    @property
    def grad(self) -> bool:
        return bool(self.flags & GRAD)

    @grad.setter
    def grad(self, on: bool) -> None:
        self.flags = self.flags | GRAD if on else self.flags & ~GRAD

    @property
    def inference(self) -> bool:
        return bool(self.flags & INFERENCE)

    @inference.setter
    def inference(self, on: bool) -> None:
        self.flags = self.flags | INFERENCE if on else self.flags & ~INFERENCE


mode = Mode()
next_number = itertools.count().__next__
_accumulation = threading.Lock()  # several threads may run backward into the same leaf


class Node:
    """One recorded operation.

    `next_functions`: an edge for every differentiable input, in order. `_shape`, `_dtype`: of the first output, to which
    incoming gradients are brought; `_others`: of the other outputs, which few nodes have. Subclasses hold what their
    formulas need and implement `apply`, which takes a gradient (or None) for every output and returns one for every edge.
    """

    __slots__ = ("__weakref__", "_dtype", "_hooks", "_metadata", "_number", "_others", "_shape", "next_functions")

    next_functions: tuple[Edge, ...]
    _shape: tuple[int, ...]
    _dtype: Any
    _others: Sequence[Output]
    computes_what_is_wanted = True  # not so the user's Functions: they compute everything
    holds = False  # whether there may be something to release

    def __init__(self, next_functions: tuple[Edge, ...], outputs: Sequence[Output]) -> None:
        self.next_functions = next_functions
        self._hooks: NodeHooks | None = None
        self._number = next_number()
        self._describe(outputs)

    def _describe(self, outputs: Sequence[Output]) -> None:
        """Note the shapes and dtypes of all outputs."""
        self._shape, self._dtype = outputs[0] if outputs else ((), None)
        self._others = outputs[1:]

    def apply(self, *gradients: Gradient | None) -> Sequence[Gradient | None]:
        raise NotImplementedError

    def step(self, gradient: Array | None) -> Any:
        """`apply` on arrays, of nodes with one output; NotImplemented where it takes tensors."""
        return NotImplemented

    def release(self) -> None:
        """Drop the saved values; a later backward through this node fails."""

    def __lt__(self, other: Node) -> bool:
        """Whether this node runs before another one that is ready, too."""
        return self._number > other._number

    def __call__(self, *gradients: Gradient | None) -> Any:
        expected = 1 + len(self._others)
        if len(gradients) != expected:
            raise TypeError(f"expected {expected} arguments, got {len(gradients)} instead")
        results = tuple(self.apply(*gradients))
        return results[0] if len(results) == 1 else results or None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"

    def name(self) -> str:
        """The name that torch gives: plain if it derives the operation's code from a table, else with its C++ home."""
        name = type(self).__name__
        return name if name[-1].isdigit() or name.endswith("_copy") else f"torch::autograd::{name}"

    @property
    def hooks(self) -> NodeHooks:
        if self._hooks is None:
            self._hooks = NodeHooks()
        return self._hooks

    def register_hook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call `fn(grad_inputs, grad_outputs)` after this node ran; what it returns replaces `grad_inputs`."""
        return add_hook(self.hooks.post, fn)

    def register_prehook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call `fn(grad_outputs)` before this node runs; what it returns replaces `grad_outputs`."""
        return add_hook(self.hooks.pre, fn)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary for the user."""
        try:
            return self._metadata
        except AttributeError:
            self._metadata: dict[Any, Any] = {}
            return self._metadata

    @property
    def requires_grad(self) -> bool:
        return True

    def _sequence_nr(self) -> int:
        return self._number


class AccumulateGrad(Node):
    """The end of a path: adds what arrives to the `.grad` of a leaf, as soon as all has arrived."""

    __slots__ = ("edges", "variable")

    def __init__(self, variable: Any) -> None:  # one for every leaf in every step, hence without super
        self.next_functions, self._others, self._hooks = (), (), None
        self._shape, self._dtype = variable._array.shape, variable._array.dtype
        self._number = 2**64 - 1
        self.variable = variable
        self.edges = 0  # at most so many lead here

    def apply(self, *gradients: Gradient | None) -> Sequence[Gradient | None]:
        gradient = gradients[0]
        return self.step(gradient if gradient is None or mode.flags & GRAD else gradient._array)

    def step(self, gradient: Any) -> Sequence[Any]:
        """Add an array, or a tensor, whose addition is recorded."""
        if gradient is None:
            return ()
        variable = self.variable
        if (variable._edge is not None or variable._view is not None) and not variable.is_leaf:
            raise RuntimeError("leaf variable has been moved into the graph interior")
        if variable._requires_grad:
            with _accumulation:
                variable._accumulate(gradient)
        hooks = variable._autograd.post_accumulate
        if hooks is not None:
            run_post_accumulate_hooks(hooks, variable)
        return ()


class TensorForm:
    """The gradients of a pass that is recorded, so that they can be differentiated, too."""

    recorded = True

    def shown(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """As tensors, for nodes and hooks that compute on these."""
        return gradients

    def taken(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """As they go on from there."""
        return gradients

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def unbroadcast(self, gradient: Any, shape: tuple[int, ...]) -> Any:
        return gradient.sum_to_size(shape)

    def cast(self, gradient: Any, dtype: Any) -> Any:
        return gradient.to(dtypes.FROM_NUMPY[dtype])


def run_backward(
    roots: Sequence[Edge],
    gradients: Sequence[Gradient],
    retain_graph: bool,
    form: TensorForm,
    inputs: Sequence[Edge] = (),
    accumulate: bool = True,
) -> list[Gradient | None]:
    """Send the roots' gradients back through the graph.

    `form`: what gradients are on their way. Tensors are recorded; arrays, which cost less, become tensors only where
    somebody looks at them (`microtorch.autograd.arrays`).

    Without `inputs`, to every leaf. With them, only to these edges: they are either run themselves, so that leaves
    accumulate and others tell who retains their gradient (`accumulate`), or what arrives at them is returned.
    """
    awaited: dict[Node, int] = {}  # for a leaf with several edges, over how many a gradient will come
    captured: list[Gradient | None] = [None] * len(inputs)
    running, wanted, captures = _aim_at(inputs, roots, accumulate) if inputs else (None, None, {})
    arrived: dict[Node, Any] = {}  # the sum so far for the output of a node; for several, a list of them
    ready: list[tuple[int, Node]] = []  # a heap, the youngest node first
    node: Node | None = None
    edges = roots
    outgoing: Any = form.taken(gradients)
    recorded, before = form.recorded, mode.flags
    mode.flags = before | GRAD if recorded else before & ~GRAD
    try:
        while True:
            for edge, gradient in zip(edges, outgoing):  # noqa: B905  (apply sees to the number)
                following, output_nr = edge
                if following is None or (wanted is not None and following not in wanted):
                    continue
                if gradient is not None:
                    array = gradient._array if recorded else gradient
                    if output_nr:
                        shape, dtype = following._others[output_nr - 1]
                    else:
                        shape, dtype = following._shape, following._dtype
                    if array.shape != shape or array.dtype is not dtype:
                        gradient = _fit(gradient, array, edge, node, edges, outgoing, form)
                waits = type(following) is AccumulateGrad and following.edges > 1
                if following in arrived:
                    sums: Any = arrived[following] if following._others else arrived
                    key: Any = output_nr if following._others else following
                    if gradient is not None:
                        held = sums[key]
                        sums[key] = gradient if held is None else form.add(held, gradient)
                else:
                    arrived[following] = gradient
                    if following._others:
                        arrived[following] = [None] * (1 + len(following._others))
                        arrived[following][output_nr] = gradient
                    if not waits:
                        heappush(ready, (-following._number, following))
                if waits:
                    awaited = awaited or _edges_into(roots)
                    awaited[following] -= 1
                    if awaited[following] == 0:
                        heappush(ready, (-following._number, following))
            if not ready:
                return captured
            node = heappop(ready)[1]
            incoming = arrived.pop(node)
            hooks = node._hooks
            edges = node.next_functions
            outgoing = node.step(incoming) if hooks is None and running is None and not recorded else NotImplemented
            if outgoing is NotImplemented:
                incoming = form.shown(incoming if node._others else [incoming])
                runs = running is None or node in running
                if hooks is not None and not runs:
                    incoming = hooks.run_tensor_hooks(incoming)
                for position, output_nr in captures.get(node, ()):
                    captured[position] = incoming[output_nr]
                if not runs:
                    outgoing = ()
                    continue
                outgoing = node.apply(*incoming) if hooks is None else _run_hooked(node, hooks, incoming, wanted)
                outgoing = form.taken(outgoing)
                mode.flags = mode.flags | GRAD if recorded else mode.flags & ~GRAD  # whatever a hook did to it
            if node.holds and not retain_graph:
                node.release()
    finally:
        mode.flags = before


def _aim_at(
    inputs: Sequence[Edge], roots: Sequence[Edge], accumulate: bool
) -> tuple[set[Node], set[Node], dict[Node, list[tuple[int, int]]]]:
    """The nodes that run for gradients to reach `inputs`, those that a gradient is sent to, and, where gradients are
    returned, for a node the places in the result with the outputs whose gradients go there.
    """
    targets = {node for node, _ in inputs if node is not None}
    running = _leading_to(targets, _edges_into(roots))
    captures: dict[Node, list[tuple[int, int]]] = {}
    if accumulate:
        running |= targets
    else:
        for position, (target, output_nr) in enumerate(inputs):
            if target is not None:
                captures.setdefault(target, []).append((position, output_nr))
    wanted = running | targets
    if len(roots) == 1 and roots[0][0] is not None:
        wanted.add(roots[0][0])  # torch begins there: hooks are called, even if it leads nowhere
    return running, wanted, captures


def _edges_into(roots: Sequence[Edge]) -> dict[Node, int]:
    """Every node that a gradient can reach from the roots, with the number of edges that lead into it."""
    counts: dict[Node, int] = {}
    stack = [roots]
    while stack:
        for following, _ in stack.pop():
            if following in counts:
                counts[following] += 1
            elif following is not None:
                counts[following] = 1
                stack.append(following.next_functions)
    return counts


def _leading_to(targets: set[Node], nodes: Iterable[Node]) -> set[Node]:
    """Those of `nodes` that must run for a gradient to reach a target: one of their edges leads on to one."""
    leading: set[Node] = set()
    for node in sorted(nodes, reverse=True):  # oldest first: a node leads only to older ones, and to leaves
        for following, _ in node.next_functions:
            if following is not None and (following in leading or following in targets):
                leading.add(node)
                break
    return leading


def _run_hooked(
    node: Node, hooks: NodeHooks, incoming: Sequence[Gradient | None], wanted: set[Node] | None
) -> Sequence[Gradient | None]:
    """Run a node between its hooks. Those after it see gradients in their final shape, those that go nowhere only
    where a user's Function computed them.
    """
    incoming = hooks.run_pre_hooks(hooks.run_tensor_hooks(incoming))
    outgoing = node.apply(*incoming)
    if not hooks.post:
        return outgoing
    fitted = list(outgoing)
    for i, (edge, gradient) in enumerate(zip(node.next_functions, outgoing, strict=True)):
        if node.computes_what_is_wanted and (edge[0] is None or (wanted is not None and edge[0] not in wanted)):
            fitted[i] = None
        elif gradient is not None and edge[0] is not None:
            fitted[i] = _fit(gradient, gradient._array, edge, node, node.next_functions, outgoing, TensorForm())
    return hooks.run_post_hooks(fitted, incoming)


def _fit(
    gradient: Any,
    array: Array,
    edge: Edge,
    node: Node | None,
    edges: Sequence[Edge],
    outgoing: Sequence[Any],
    form: TensorForm,
) -> Any:
    """Undo broadcasting and promotion: a value that was repeated along a dimension receives the sum along it."""
    following, output_nr = edge
    assert following is not None
    shape, dtype = following._others[output_nr - 1] if output_nr else (following._shape, following._dtype)
    got = array.shape
    if got != shape:
        lead = len(got) - len(shape)
        if lead < 0 or not all(map(_broadcasts, shape, got[lead:])):
            pairs = zip(edges, outgoing, strict=True)
            index = next(i for i, (e, g) in enumerate(pairs) if e == edge and g is gradient)
            by = "" if node is None else f"Function {node.name()} returned an "
            raise RuntimeError(
                f"{by}invalid gradient at index {index} - got {list(got)} but expected shape compatible with "
                f"{list(shape)}"
            )
        gradient = form.unbroadcast(gradient, shape)
    return gradient if array.dtype is dtype else form.cast(gradient, dtype)


def _broadcasts(length: int, to: int) -> bool:
    return length in (1, to)


def operation_name(node: Node) -> str:
    """`Mul` of `MulBackward0`, `Sum1` of `SumBackward1`: as torch's messages name operations."""
    return re.sub(r"Backward0?(?=\d*$)", "", node.name())
