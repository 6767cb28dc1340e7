"""Reverse-mode differentiation: grad mode, the nodes of the tape, and the backward pass.

Every recorded operation leaves a `Node` with edges to the nodes that made its inputs. An edge, which the user sees as
`(node, i)`, says: "the gradient goes to output i of that node". A leaf that requires a gradient ends in an
`AccumulateGrad`. `run_backward` walks this graph from the roots. Nothing here knows any operation: a gradient is
whatever has a shape and a dtype and can be added, and `Node.apply` says what to do with it.

The order is torch's. Nodes are numbered as they are made, and of those whose gradients are complete the youngest runs
first. So contributions to a tensor that is used several times are added from its latest use to its earliest: with
three or more of them, this order decides the last bit. It also makes counting needless: edges lead to older nodes, so
whatever still sends a gradient to a node is younger than it, and has run before the node is the youngest one waiting.
Only a leaf, which has no age and runs as soon as all has arrived, must know how many edges it waits for; and that
only if there is somebody to see when it runs.
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
Output = tuple[tuple[int, ...], Any]  # the shape and the numpy dtype of a result

# Where a gradient goes: to a node, as that of its output i; when the node runs, the lowest number first; the shape and
# the numpy dtype that the gradient is to have, unless the node must be asked for them. All that the pass needs of a
# node before it runs, in a tuple, as attributes of objects of many classes take Python long.
Edge = tuple["Node | None", int, int, tuple[int, ...] | None, Any]

NO_EDGE: Edge = (None, 0, 0, None, None)
LEAF = 1 - 2**64  # the order of leaves, and of nodes that only fail: they run before all others, once all has arrived
FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)


GRAD, INFERENCE, WATCHED, FORMULA = 1, 2, 4, 8


class Mode(threading.local):
    """What the current thread records: `grad` is off under `no_grad`, `inference` on under `inference_mode`.

    Both are kept in one number, `flags`, because to look at what belongs to a thread takes long; and there, too,
    whether somebody watches nodes being made (`microtorch.watched`), and whether it is a gradient formula that is
    recorded.
    """

    flags = GRAD
    backward: TensorForm | None = None  # the pass in which a node runs on tensors, for those who ask from inside it

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
orders = itertools.count(0, -1)  # in which nodes run: the youngest first
_accumulation = threading.Lock()  # several threads may run backward into the same leaf


class Node:
    """One recorded operation.

    `_edges`: where its gradients go, for every differentiable input, in order. `_outputs`: what gradients for its
    outputs are to be like, if it has several; the edges to a node of a single output tell that. Subclasses hold what
    their formulas need and implement `apply`, which takes a gradient (or None) for every output and returns one for
    every edge.
    """

    __slots__ = ("__weakref__", "_edges", "_hooks", "_metadata", "_order", "_outputs")

    _edges: tuple[Edge, ...]
    _order: int
    _outputs: Sequence[Output] | None
    computes_what_is_wanted = True  # not so the user's Functions: they compute everything
    holds = False  # whether there may be something to release

    def __init__(self, edges: tuple[Edge, ...], outputs: Sequence[Output] | None = None) -> None:
        self._edges = edges
        self._outputs = outputs
        self._hooks: NodeHooks | None = None
        self._order = next(orders)

    def apply(self, *gradients: Gradient | None) -> Sequence[Gradient | None]:
        raise NotImplementedError

    def step(self, gradient: Array | None, retain_graph: bool) -> Any:
        """`apply` on arrays and `release`, of nodes with one output; NotImplemented where it takes tensors.

        Gives, unlike `apply`, pairs of an edge and a gradient.
        """
        return NotImplemented

    def release(self) -> None:
        """Drop the saved values; a later backward through this node fails."""

    def __lt__(self, other: Node) -> bool:
        """Whether this node runs before another one that is ready, too."""
        return self._order < other._order

    def __call__(self, *gradients: Gradient | None) -> Any:
        expected = 1 if self._outputs is None else len(self._outputs)
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
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes that this one's gradients go to, each with the number of its output."""
        return tuple(edge[:2] for edge in self._edges)

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
        return -self._order


class AccumulateGrad(Node):
    """The end of a path: adds what arrives to the `.grad` of a leaf, as soon as all has arrived."""

    __slots__ = ("_dtype", "_shape", "variable")

    _shape: tuple[int, ...]
    _dtype: Any
    variable: Any
    _edges = ()
    _outputs = None
    _order = LEAF

    def apply(self, *gradients: Gradient | None) -> Sequence[Gradient | None]:
        gradient = gradients[0]
        if gradient is None:
            return ()
        self._accumulate(gradient if mode.flags & GRAD else gradient._array)
        hooks = self.variable._autograd.post_accumulate
        if hooks is not None:
            run_post_accumulate_hooks(hooks, self.variable)
        return ()

    def step(self, gradient: Array | None, retain_graph: bool) -> Any:
        if gradient is None or self.variable._autograd.post_accumulate is not None:
            return NotImplemented
        self._accumulate(gradient)
        return ()

    def _accumulate(self, gradient: Any) -> None:
        """Add an array, or a tensor, whose addition is recorded."""
        variable = self.variable
        if (variable._edge is not None or variable._view is not None) and not variable.is_leaf:
            raise RuntimeError("leaf variable has been moved into the graph interior")
        if variable._requires_grad:
            with _accumulation:
                variable._accumulate(gradient)

    def is_watched(self) -> bool:
        """Whether it shows when it runs: there are hooks, or it will fail."""
        variable = self.variable
        hooked = self._hooks is not None or variable._autograd.post_accumulate is not None
        return hooked or variable._edge is not None or variable._view is not None


class ReshapedLeaf(AccumulateGrad):
    """The same for a leaf that was given data of another shape since: its first gradient is copied into that."""

    __slots__ = ()

    def _accumulate(self, gradient: Any) -> None:
        super()._accumulate(self.variable._in_own_shape(gradient))


ReshapedLeaf.__name__ = AccumulateGrad.__name__


def edge_to(node: Node, output_nr: int, array: Array) -> Edge:
    """The edge to an output of a node, whose array is given."""
    if node._outputs is not None:
        return (node, output_nr, node._order, None, None)
    return (node, 0, node._order, array.shape, array.dtype)


class TensorForm:
    """The gradients of a pass that is recorded, so that they can be differentiated, too."""

    recorded = True
    on_arrays = False  # whether nodes may also run on arrays
    begun: tuple[Sequence[tuple[Edge, Any]], Aim]  # the roots and the aim of the pass

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

    def run(
        self, node: Node, incoming: Any, captured: list[Gradient | None], roots: Sequence[tuple[Edge, Any]], aim: Aim
    ) -> Sequence[tuple[Edge, Any]]:
        """Show a node's gradients to who wants to see them, and run it; gives its edges with what goes over them."""
        self.begun = roots, aim
        running, wanted, captures = aim
        hooks, outputs = node._hooks, node._outputs
        gradients = self.shown([incoming] if outputs is None else [incoming.get(i) for i in range(len(outputs))])
        before = mode.grad, mode.backward
        mode.grad = self.recorded
        mode.backward = self
        try:
            runs = running is None or node in running
            if hooks is not None and not runs:
                gradients = hooks.run_tensor_hooks(gradients)
            for position, output_nr in captures.get(node, ()):
                captured[position] = gradients[output_nr]
            if not runs:
                return ()
            results = node.apply(*gradients) if hooks is None else _run_hooked(node, hooks, gradients, wanted)
        finally:
            mode.grad, mode.backward = before
        return list(zip(node._edges, self.taken(results), strict=False))  # apply sees to the number


def run_backward(
    roots: Sequence[tuple[Edge, Any]],
    retain_graph: bool,
    form: TensorForm,
    inputs: Sequence[Edge] = (),
    accumulate: bool = True,
) -> list[Gradient | None]:
    """Send gradients back through the graph, from `roots`, which are edges with what comes over them.

    `form`: what gradients are on their way. Tensors are recorded; arrays, which cost less, become tensors only where
    somebody looks at them (`microtorch.autograd.arrays`).

    Without `inputs`, to every leaf. With them, only to these edges: they are either run themselves, so that leaves
    accumulate and others tell who retains their gradient (`accumulate`), or what arrives at them is returned.
    """
    captured: list[Gradient | None] = [None] * len(inputs)
    aim = running, wanted, _ = _aim_at(inputs, roots, accumulate) if inputs else EVERYWHERE
    recorded = form.recorded
    on_arrays = running is None and form.on_arrays
    arrived: dict[Node, Any] = {}  # the sum so far; for a node of several outputs, a dictionary of them
    ready: list[tuple[int, Node]] = []  # a heap, the node that runs next first
    waiting: dict[Node, int] = {}  # leaves, with the number of edges over which a gradient came
    awaited: dict[Node, int] = {}  # over how many it will; counted when somebody could see a leaf run, else all wait
    watched = not on_arrays
    node: Node | None = None
    outgoing: Any = roots
    if recorded:
        before = mode.grad
        mode.grad = True
    try:
        while True:
            for edge, gradient in outgoing:
                following, output_nr, order, shape, dtype = edge
                if following is None or (wanted is not None and following not in wanted):
                    continue
                if gradient is not None:
                    array = gradient._array if recorded else gradient
                    if array.shape != shape or array.dtype is not dtype:
                        gradient = fit(gradient, array, edge, node, outgoing, form)
                if following in arrived:
                    if gradient is not None:
                        sums, key = (arrived, following) if shape is not None else (arrived[following], output_nr)
                        held = sums.get(key)
                        sums[key] = gradient if held is None else form.add(held, gradient)
                else:
                    arrived[following] = gradient if shape is not None else {output_nr: gradient}
                    if order is not LEAF:
                        heappush(ready, (order, following))
                if order is LEAF:
                    waiting[following] = waiting.pop(following, 0) + 1
                    watched = watched or following.is_watched()
            if watched and waiting:
                awaited = awaited or edges_into(roots)
                for leaf in _complete(waiting, awaited):
                    heappush(ready, (LEAF, leaf))
            if not ready:
                for leaf in waiting:
                    leaf.step(arrived.pop(leaf), retain_graph)
                return captured
            node = heappop(ready)[1]
            incoming = arrived.pop(node)
            hooks = node._hooks
            try:
                outgoing = node.step(incoming, retain_graph) if hooks is None and on_arrays else NotImplemented
            except BaseException:
                for leaf in () if watched else _complete(waiting, edges_into(roots)):
                    leaf.step(arrived[leaf], retain_graph)
                raise
            if outgoing is not NotImplemented:
                continue
            if waiting and not watched:
                watched = True
                arrived[node] = incoming
                heappush(ready, (node._order, node))
                outgoing = ()
                continue
            outgoing = form.run(node, incoming, captured, roots, aim)
            if node.holds and not retain_graph and (running is None or node in running):
                node.release()
    finally:
        if recorded:
            mode.grad = before


def _complete(waiting: dict[Node, int], awaited: dict[Node, int]) -> list[Node]:
    """The leaves that wait no longer, in the order in which the last gradient came."""
    complete = [leaf for leaf, came in waiting.items() if came == awaited[leaf]]
    for leaf in complete:
        del waiting[leaf]
    return complete


Aim = tuple[set[Node] | None, set[Node] | None, dict[Node, list[tuple[int, int]]]]
EVERYWHERE: Aim = (None, None, {})


def _aim_at(inputs: Sequence[Edge], roots: Sequence[tuple[Edge, Any]], accumulate: bool) -> Aim:
    """The nodes that run for gradients to reach `inputs`, those that a gradient is sent to, and, where gradients are
    returned, for a node the places in the result with the outputs whose gradients go there.
    """
    targets = {node for node, *_ in inputs if node is not None}
    running = _leading_to(targets, edges_into(roots))
    captures: dict[Node, list[tuple[int, int]]] = {}
    if accumulate:
        running |= targets
    else:
        for position, (target, output_nr, *_) in enumerate(inputs):
            if target is not None:
                captures.setdefault(target, []).append((position, output_nr))
    wanted = running | targets
    if len(roots) == 1 and roots[0][0][0] is not None:
        wanted.add(roots[0][0][0])  # torch begins there: hooks are called, even if it leads nowhere
    return running, wanted, captures


def edges_into(roots: Sequence[tuple[Edge, Any]]) -> dict[Node, int]:
    """Every node that a gradient can reach from the roots, with the number of edges that lead into it."""
    counts: dict[Node, int] = {}
    stack: list[Sequence[Edge]] = [[edge for edge, _ in roots]]
    while stack:
        for following, *_ in stack.pop():
            if following in counts:
                counts[following] += 1
            elif following is not None:
                counts[following] = 1
                stack.append(following._edges)
    return counts


def _leading_to(targets: set[Node], nodes: Iterable[Node]) -> set[Node]:
    """Those of `nodes` that must run for a gradient to reach a target: one of their edges leads on to one."""
    leading: set[Node] = set()
    by_age = sorted(nodes, reverse=True)  # oldest first, as a node leads only to older ones; leaves lead nowhere
    again = True
    while again:
        again = False
        for node in by_age:
            for following, *_ in node._edges if node not in leading else ():
                if following is not None and (following in leading or following in targets):
                    leading.add(node)
                    again = again or node._order == LEAF  # it has no age: those that lead to it have been passed
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
    pairs = list(zip(node._edges, outgoing, strict=True))
    for i, (edge, gradient) in enumerate(pairs):
        if node.computes_what_is_wanted and (edge[0] is None or (wanted is not None and edge[0] not in wanted)):
            fitted[i] = None
        elif gradient is not None and edge[0] is not None:
            fitted[i] = fit(gradient, gradient._array, edge, node, pairs, TensorForm())
    return hooks.run_post_hooks(fitted, incoming)


def fit(
    gradient: Any,
    array: Array,
    edge: Edge,
    node: Node | None,
    outgoing: Sequence[tuple[Edge, Any]],
    form: TensorForm,
) -> Any:
    """Undo broadcasting and promotion: a value that was repeated along a dimension receives the sum along it."""
    following, output_nr, _, shape, dtype = edge
    if shape is None:
        assert following is not None
        assert following._outputs is not None
        shape, dtype = following._outputs[output_nr]
    got = array.shape
    if got != shape:
        lead = len(got) - len(shape)
        if got[lead:] != shape and (lead < 0 or not all(map(_broadcasts, shape, got[lead:]))):
            raise _invalid(gradient, got, shape, edge, node, outgoing)
        gradient = form.unbroadcast(gradient, shape)
    return gradient if array.dtype is dtype else form.cast(gradient, dtype)


def _invalid(
    gradient: Any,
    got: tuple[int, ...],
    shape: tuple[int, ...],
    edge: Edge,
    node: Node | None,
    outgoing: Sequence[tuple[Edge, Any]],
) -> RuntimeError:
    index = next(i for i, (e, g) in enumerate(outgoing) if e == edge and g is gradient)
    by = "" if node is None else f"Function {node.name()} returned an "
    return RuntimeError(
        f"{by}invalid gradient at index {index} - got {list(got)} but expected shape compatible with {list(shape)}"
    )


def _broadcasts(length: int, to: int) -> bool:
    return length in (1, to)


def operation_name(node: Node) -> str:
    """`Mul` of `MulBackward0`, `Sum1` of `SumBackward1`: as torch's messages name operations."""
    return re.sub(r"Backward0?(?=\d*$)", "", node.name())
