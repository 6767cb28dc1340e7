"""Reading tensors, graphs and optimizers of any torch-shaped module through public names, changing nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from parity.trace import Array
from parity.ulp import canonical

LARGE = 2**15  # bytes; a larger array is digested by its sums

# How torch's tensors give their values, and what smaller engines offer instead, tried in this order.
_WAYS: tuple[Callable[[Any], Any], ...] = (
    lambda tensor: tensor.detach().numpy(),
    lambda tensor: tensor.detach().cpu().numpy(),
    lambda tensor: tensor.detach().cpu().float().numpy(),  # a type that numpy lacks
    lambda tensor: tensor.detach().to_dense().numpy(),
    lambda tensor: tensor.numpy(),
    lambda tensor: tensor.data,
    lambda tensor: tensor.tolist(),
)


def array_of(tensor: Any) -> Array:
    """A tensor's values; the array may share the tensor's memory. Raises TypeError if there is no way to them."""
    for way in _WAYS:
        try:
            array = np.asarray(way(tensor))
        except (AttributeError, TypeError, RuntimeError, ValueError, NotImplementedError):
            continue
        if array.dtype.kind in "biuf":
            return array
        if array.dtype.kind == "c":
            return np.stack([array.real, array.imag])
    raise TypeError(f"parity cannot read the values of a {type(tensor).__name__}")


def digestible(array: Array) -> bytes:
    """Bytes that stand for the array's contents; of a large array, its sums over two directions as integers.

    Any single element that changes changes them, and so does an exchange of two.
    """
    if array.dtype.kind == "f":
        flat = array.reshape(-1)
        with np.errstate(all="ignore"):
            if (norm := np.vdot(flat, flat)) != norm:  # nan² is nan, and nothing else gives nan here
                array = canonical(array)
    if array.nbytes <= LARGE:
        return array.tobytes()
    raw = np.frombuffer(array if array.flags.c_contiguous else array.tobytes(), np.uint8)
    words = raw[: raw.size // 512 * 512].view(np.uint64).reshape(-1, 64)
    down, across = np.add.reduce(words, axis=0), np.add.reduce(words, axis=1)
    rest = raw[words.nbytes :].tobytes()
    return hashlib.blake2b(down.tobytes() + across.tobytes() + rest, digest_size=16).digest()


def leaves(roots: list[Any]) -> list[Any] | None:
    """The leaf tensors that a backward pass from the roots would reach; None if the module has no such graph."""
    found: dict[int, Any] = {}
    stack: list[Any] = []
    for root in roots:
        node = getattr(root, "grad_fn", None)
        if node is not None:
            stack.append(node)
        elif getattr(root, "requires_grad", False):
            found[id(root)] = root
    if stack and not hasattr(stack[0], "next_functions"):
        return None
    seen = set(stack)  # the nodes themselves: an id could be given again while we walk
    while stack:
        following = stack.pop().next_functions
        for node, _ in following:
            if node is not None and node not in seen:
                seen.add(node)
                stack.append(node)
                if (variable := getattr(node, "variable", None)) is not None:
                    found[id(variable)] = variable
    return list(found.values())


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
