"""Reading tensors, graphs and optimizers of any torch-shaped module through public names, changing nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from parity.trace import Array

# How tensors that are not plain ones give their values, and what smaller engines offer; tried in this order.
_WAYS: tuple[Callable[[Any], Any], ...] = (
    lambda tensor: tensor.detach().numpy(),
    lambda tensor: tensor.detach().cpu().numpy(),
    lambda tensor: tensor.detach().cpu().float().numpy(),  # a type that numpy lacks
    lambda tensor: tensor.detach().to_dense().numpy(),
    lambda tensor: tensor.numpy(),
    lambda tensor: tensor.data,
    lambda tensor: tensor.tolist(),
)

DEEP = 1000  # nodes that may be freed inside each other


def tensor_type(torch: Any) -> Any:
    """The class of a module's tensors, whether it has a name or not; an empty tuple if it has no tensors."""
    if (named := getattr(torch, "Tensor", None)) is not None:
        return named
    return type(torch.tensor(0.0)) if hasattr(torch, "tensor") else ()


def array_of(tensor: Any) -> Array:
    """A tensor's values; the array may share the tensor's memory. Raises TypeError if there is no way to them."""
    for way in _WAYS:
        try:
            array: Array = np.asarray(way(tensor))
        except (AttributeError, TypeError, RuntimeError, ValueError):
            continue
        if array.dtype.kind in "biuf":
            return array
        if array.dtype.kind == "c":
            return np.stack([array.real, array.imag])
    raise TypeError(f"parity cannot read the values of a {type(tensor).__name__}")


def leaves(roots: list[Any]) -> list[Any] | None:
    """The leaf tensors that a backward pass from the roots would reach; None if the module has no such graph."""
    found: dict[int, Any] = {}
    stack: list[Any] = []
    for root in roots:
        if not hasattr(root, "grad_fn"):
            return None
        if (node := root.grad_fn) is not None:
            stack.append(node)
        elif getattr(root, "requires_grad", False):
            found[id(root)] = root
    if stack and not hasattr(stack[0], "next_functions"):
        return None
    _let_go()
    seen = set(stack)  # the nodes themselves: an id could be given again while we walk
    while stack:
        following = stack.pop().next_functions
        for node, _ in following:
            if node is not None and node not in seen:
                seen.add(node)
                stack.append(node)
                if (variable := getattr(node, "variable", None)) is not None:
                    found[id(variable)] = variable
    if len(seen) > DEEP:
        for node in seen:
            _free_by_itself(node)
    return list(found.values())


class _Following:
    """Lives in a node and keeps those that it leads to; when the node is freed, they are left for `_let_go`.

    Once torch's nodes have been seen by Python, freeing one frees the next inside, and so on: a long chain of them
    overflows the stack. Kept from outside, each is freed by itself.
    """

    left: list[Any] = []  # found through the class: when the interpreter ends, the module's names are gone before it

    def __init__(self, functions: Any) -> None:
        self.functions = functions

    def __del__(self) -> None:
        self.left.append(self.functions)


def _free_by_itself(node: Any) -> None:
    about = getattr(node, "metadata", None)
    if isinstance(about, dict) and _Following not in about:
        about[_Following] = _Following(node.next_functions)


def _let_go() -> None:
    """Free what nodes that are gone have left; what these lead to is added meanwhile."""
    while _Following.left:
        _Following.left.pop()


def tensors_in(value: Any, tensor_type: type) -> Iterator[Any]:
    """The tensors in an argument: itself, or inside lists, tuples and dictionaries."""
    if isinstance(value, tensor_type):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item, tensor_type)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item, tensor_type)


def parameters_of(optimizer: Any) -> list[Any]:
    """The tensors that an optimizer updates, group by group."""
    groups = getattr(optimizer, "param_groups", None)
    if groups is None:
        return list(getattr(optimizer, "params", None) or getattr(optimizer, "parameters", None) or ())
    return [parameter for group in groups for parameter in group["params"]]
