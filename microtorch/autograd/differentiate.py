"""Differentiation as the user calls it: `backward` adds gradients to `.grad`, `grad` returns them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine import NO_EDGE, Edge, Node, Output, TensorForm, run_backward
from ..settings import anomaly
from ..tensor import Tensor, wrap
from ..views import gradient_edge
from .arrays import ArrayForm


class GradientEdge(NamedTuple):
    """Where the gradient of a tensor goes; stands for the tensor in `backward` and `grad`."""

    node: Node
    output_nr: int
    ownership_token: Node | None = None


class KnownEdge(GradientEdge):
    """The same with what the pass needs to know of it, which not every node can tell."""

    edge: Edge


KnownEdge.__name__ = "GradientEdge"


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge over which the gradient of a tensor comes."""
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients",
        )
    edge = gradient_edge(tensor)
    assert edge[0] is not None
    known = KnownEdge(edge[0], edge[1])
    known.edge = edge
    return known


Tensors = Tensor | GradientEdge | Sequence[Tensor | GradientEdge]
Gradients = Tensor | Sequence[Tensor | None] | None


def backward(
    tensors: Tensors,
    grad_tensors: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Gradients = None,
    inputs: Tensors | dict[str, Tensor] | None = None,
) -> None:
    """Add to the `.grad` of every leaf (or of `inputs`) the gradient of Σ ⟨grad_tensors, tensors⟩."""
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only "
                "use `grad_tensors`."
            )
        grad_tensors = grad_variables
    targets = () if inputs is None else _inputs(inputs, "backward")
    roots = (tensors,) if isinstance(tensors, Tensor) else _roots(tensors, grad_tensors)
    form = _form(create_graph)
    start = _start(roots, grad_tensors, form)
    for target in targets:
        _require_tensor(target)
        if isinstance(target, Tensor):
            target.retain_grad()
    if create_graph:
        _warn_of_cycle()
    keep = create_graph if retain_graph is None else retain_graph
    run_backward(start, keep, form, _input_edges(targets) if targets else ())


def grad(
    outputs: Tensors,
    inputs: Tensors | dict[str, Tensor],
    grad_outputs: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of Σ ⟨grad_outputs, outputs⟩ with respect to `inputs`, as a tuple; no `.grad` is touched."""
    if is_grads_batched:
        raise NotImplementedError("microtorch does not have is_grads_batched, because it does not have vmap")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if allow_unused is None:
        allow_unused = materialize_grads
    roots = (outputs,) if isinstance(outputs, Tensor) else _roots(outputs, grad_outputs)
    targets = _inputs(inputs, "grad")
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    form = _form(create_graph)
    results = run_backward(
        _start(roots, grad_outputs, form),
        create_graph if retain_graph is None else retain_graph,
        form,
        _input_edges(targets),
        accumulate=False,
    )
    for index, result in enumerate(results):
        if result is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {index} appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior."
            )
        if result is None and materialize_grads:
            if isinstance(targets[index], GradientEdge):
                raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
            results[index] = targets[index].new_zeros(targets[index].shape, requires_grad=create_graph)
    return dict(zip(inputs, results, strict=True)) if type(inputs) is dict else tuple(results)


@functools.cache  # once is enough
def _warn_of_cycle() -> None:
    warnings.warn(
        "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient "
        "which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you "
        "have to use this function, make sure to reset the .grad fields of your parameters to None after use to break "
        "the cycle and avoid the leak.",
        stacklevel=3,
    )


def _form(create_graph: bool) -> TensorForm:
    form = TensorForm() if create_graph else ArrayForm()
    if anomaly.enabled:
        from .anomaly_mode import searching

        return searching(form)
    return form


def _as_tuple(tensors: Any) -> tuple[Any, ...]:
    return (tensors,) if isinstance(tensors, (Tensor, GradientEdge)) else tuple(tensors)


def _roots(tensors: Any, gradients: Gradients) -> tuple[Any, ...]:
    """Several roots, with stand-ins for edges: tensors of the right shape that came over them."""
    roots = list(_as_tuple(tensors))
    given = () if gradients is None else _as_tuple(gradients)
    for i, root in enumerate(roots):
        if isinstance(root, GradientEdge):
            edge = _edge(root)
            shape, dtype = edge[3:]
            if shape is None:
                shape, dtype = _made_by(root, given[i] if i < len(given) else None)
            roots[i] = stand_in = wrap(np.broadcast_to(np.zeros((), dtype), shape))
            stand_in._edge = edge if root.node._outputs is not None else (*edge[:3], shape, dtype)
            stand_in._requires_grad = True
    return tuple(roots)


def _made_by(root: GradientEdge, gradient: Any) -> Output:
    """What the node of an edge made; the gradient for it has to tell where the node does not know."""
    if root.node._outputs is not None:
        return root.node._outputs[root.output_nr]
    if root.output_nr:
        raise IndexError("tuple index out of range")
    if not isinstance(gradient, Tensor):
        raise NotImplementedError(
            "microtorch does not know the shape of what a node has made: give a gradient, or an edge from "
            "get_gradient_edge"
        )
    return gradient._array.shape, gradient._array.dtype


def _inputs(inputs: Any, function: str) -> tuple[Any, ...]:
    if isinstance(inputs, Mapping):
        if type(inputs) is not dict:
            raise TypeError(
                f"`inputs` argument to `{function}()` must be a dict, not {type(inputs).__name__}. Other Mapping types "
                "are not supported."
            )
        inputs = inputs.values()
    targets = _as_tuple(inputs)
    if not targets:
        raise RuntimeError(f"`inputs` argument to `{function}()` cannot be empty.")
    return targets


def _require_tensor(target: Any) -> None:
    if not isinstance(target, (Tensor, GradientEdge)):
        raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(target).__name__}")


def _input_edges(targets: tuple[Any, ...]) -> list[Edge]:
    for target in targets:
        _require_tensor(target)
        if isinstance(target, Tensor) and not target.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    return [_edge(target) for target in targets]


def _edge(target: Any) -> Edge:
    """The edge to a tensor, or the one that is given in its place."""
    if isinstance(target, Tensor):
        return gradient_edge(target)
    if isinstance(target, KnownEdge):
        return target.edge
    return (target.node, target.output_nr, target.node._order, None, None)  # enough to know where to go


def _start(roots: tuple[Any, ...], given: Gradients, form: TensorForm) -> list[tuple[Edge, Any]]:
    """The edges to the roots, with the gradients that are put in there."""
    start: list[tuple[Edge, Any]] = []
    for gradient in _initial_gradients(roots, given, form):
        root = roots[len(start)]
        edge = gradient_edge(root) if root._edge is None or root._view is not None else root._edge
        if edge is NO_EDGE:
            raise RuntimeError(f"element {len(start)} of tensors does not require grad and does not have a grad_fn")
        start.append((edge, gradient))
    return start


def _initial_gradients(roots: tuple[Any, ...], given: Gradients, form: TensorForm) -> list[Any]:
    """The gradient that is put in at each root: the given one, or 1 for a single number that came with none."""
    if given is None:
        return [_one(root, form) for root in roots]
    gradients = list(_as_tuple(given))
    for i, (root, gradient) in enumerate(zip(roots, gradients, strict=False)):
        if gradient is None:
            gradients[i] = _one(root, form)
            continue
        _require_root(root)
        if not isinstance(gradient, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        if gradient._array.shape != root._array.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {gradient.shape} and output[{i}] has a shape "
                f"of {root.shape}."
            )
        (gradients[i],) = form.taken([gradient])
    if len(gradients) < len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(gradients)} gradients")
    return gradients[: len(roots)]


def _one(root: Any, form: TensorForm) -> Any:
    """d root / d root of a single number that requires a gradient."""
    _require_root(root)
    if not (root._requires_grad or root.requires_grad):
        return None
    array = root._array
    dtype = array.dtype
    if array.size != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if dtype.kind != "f":
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {root.dtype}")
    one = np.empty(array.shape, dtype)
    one.fill(1)
    return wrap(one) if form.recorded else one


def _require_root(root: Any) -> None:
    if not isinstance(root, Tensor):
        raise AssertionError("Expected output to be a torch.Tensor")
