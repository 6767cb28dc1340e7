"""Differentiation as the user calls it: `backward` adds gradients to `.grad`, `grad` returns them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..engine import NO_EDGE, Edge, TensorForm, run_backward
from ..tensor import Tensor, wrap
from ..views import gradient_edge
from .arrays import ArrayForm

Tensors = Tensor | Sequence[Tensor]
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
    roots = _as_tuple(tensors)
    form = TensorForm() if create_graph else ArrayForm()
    start = _start(roots, grad_tensors, form)
    for target in targets:
        _require_tensor(target)
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
    roots = _as_tuple(outputs)
    targets = _inputs(inputs, "grad")
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    form = TensorForm() if create_graph else ArrayForm()
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


def _as_tuple(tensors: Any) -> tuple[Any, ...]:
    return (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)


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
    if not isinstance(target, Tensor):
        raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(target).__name__}")


def _input_edges(targets: tuple[Any, ...]) -> list[Edge]:
    for target in targets:
        _require_tensor(target)
        if not target.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    return [gradient_edge(target) for target in targets]


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
