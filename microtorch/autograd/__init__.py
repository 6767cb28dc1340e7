"""Differentiation as the user calls it: `backward`, `grad`, grad modes, `Function`, checks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ..engine import run_backward
from ..ops.creation import ones_like
from ..tensor import Tensor
from ..types import Size
from ..views import gradient_edge
from .grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled

__all__ = ["backward", "enable_grad", "grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled"]

Tensors = Tensor | Sequence[Tensor]
Gradients = Tensor | Sequence[Tensor | None] | None


def backward(
    tensors: Tensors,
    grad_tensors: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Tensors | None = None,
) -> None:
    """Add to the `.grad` of every leaf (or of `inputs`) the gradient of Σ ⟨grad_tensors, tensors⟩."""
    targets = _as_tuple(inputs) if inputs is not None else ()
    if inputs is not None and not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    tensors = _as_tuple(tensors)
    roots = _roots(tensors, grad_tensors)
    if create_graph:
        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its "
            "gradient which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid "
            "this. If you have to use this function, make sure to reset the .grad fields of your parameters after use "
            "to None to break the cycle and avoid the leak.",
            stacklevel=2,
        )
    for i, target in enumerate(targets):
        if not target.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    captured = run_backward(
        roots,
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
        inputs=[gradient_edge(target) for target in targets],
    )
    for target, gradient in zip(targets, captured, strict=True):
        if gradient is not None and not target.is_leaf:
            target._accumulate(gradient)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of Σ ⟨grad_outputs, outputs⟩ with respect to `inputs`; no `.grad` is touched."""
    if is_grads_batched:
        raise NotImplementedError("microtorch does not have is_grads_batched: it has no vmap")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    allow_unused = materialize_grads if allow_unused is None else allow_unused
    outputs, inputs = _as_tuple(outputs), _as_tuple(inputs)
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other "
            "parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    roots = _roots(outputs, grad_outputs)
    for wanted in inputs:
        if not wanted.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    results = run_backward(
        roots,
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
        inputs=[gradient_edge(wanted) for wanted in inputs],
        accumulate=False,
    )
    if not allow_unused and None in [None if r is None else 0 for r in results]:
        index = next(i for i, r in enumerate(results) if r is None)
        raise RuntimeError(
            f"The differentiated Tensor at index {index} appears to not have been used in the graph. Set "
            "allow_unused=True if this is the desired behavior."
        )
    if materialize_grads:
        results = [
            wanted.new_zeros(wanted.shape) if r is None else r
            for r, wanted in zip(results, inputs, strict=True)
        ]
    return tuple(results)


def _as_tuple(tensors: Tensors) -> tuple[Tensor, ...]:
    return (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)


def _roots(tensors: Sequence[Tensor], gradients: Gradients) -> list[tuple[Any, Tensor]]:
    """Where backward begins, each place with the gradient that is put in: 1 for a scalar that came with none."""
    if gradients is None or isinstance(gradients, Tensor):
        given: Sequence[Tensor | None] = [gradients] * len(tensors) if gradients is None else [gradients]
    else:
        given = list(gradients) or [None] * len(tensors)
    if len(given) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(given)} gradients")
    roots = []
    for i, (tensor, gradient) in enumerate(zip(tensors, given, strict=True)):
        if gradient is None:
            if tensor.requires_grad:
                if tensor.numel() != 1:
                    raise RuntimeError("grad can be implicitly created only for scalar outputs")
                if not tensor.is_floating_point():
                    raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {tensor.dtype}")
                gradient = ones_like(tensor)
        elif not isinstance(gradient, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        elif gradient.shape != tensor.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {gradient.shape} and output[{i}] has a shape of "
                f"{Size(tensor.shape)}."
            )
        if not tensor.requires_grad:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        if gradient is not None:
            if gradient._array.dtype != tensor._array.dtype:
                gradient = gradient._to_numpy_dtype(tensor._array.dtype)
            roots.append((gradient_edge(tensor), gradient))
    return roots
