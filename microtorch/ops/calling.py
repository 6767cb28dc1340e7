"""A Python function called for every element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import fit, wrong_type
from ..op import only_method
from ..tensor import Tensor
from .expanding import expand


def _check(name: str, tensor: Tensor, callable: Any) -> None:
    if tensor.requires_grad:
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
    if not builtin_callable(callable):
        raise TypeError(f"'{type(callable).__name__}' object is not callable")


builtin_callable = callable


def _write(array: Any, place: tuple[int, ...], value: Any) -> None:
    if not isinstance(value, (bool, int, float, np.generic)):
        kind = type(value).__name__
        whole = array.dtype.kind != "f"
        raise TypeError(
            f"'{kind}' object cannot be interpreted as an integer" if whole else f"must be real number, not {kind}"
        )
    array[place] = fit(value.item() if isinstance(value, np.generic) else value, dtypes.FROM_NUMPY[array.dtype])


@only_method
def apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Write in the place of every x what the function gives for it; slow, and the version stays, as in torch."""
    _check("apply_", self, callable)
    array = self._array
    for place in np.ndindex(array.shape):
        _write(array, place, callable(array[place].item()))
    return self


@only_method
def map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Write in the place of every x what the function gives for it and the y of another tensor, which broadcasts."""
    return _mapped("map_", self, {"other": tensor}, "'other'", callable)


@only_method
def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """`map_` with two other tensors."""
    return _mapped("map2_", self, {"x": x, "y": y}, "argument '{}'", callable)


def _mapped(name: str, self: Tensor, others: dict[str, Any], called: str, callable: Any) -> Tensor:
    for position, (argument, tensor) in enumerate(others.items(), 2):
        if not isinstance(tensor, Tensor):
            raise wrong_type(argument, position, "Tensor", tensor)
    _check(name, self, callable)
    for tensor in others.values():
        if tensor.requires_grad:
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
            )
    for argument, tensor in others.items():
        if tensor.dtype is not self.dtype:
            expected = "CPUBoolType" if self.dtype is dtypes.bool_ else self.type()
            raise TypeError(f"{name}: expected {expected} for {called.format(argument)} (got {tensor.type()})")
    array = self._array
    arrays = [expand(tensor, array.shape)._array for tensor in others.values()]
    for place in np.ndindex(array.shape):
        _write(array, place, callable(array[place].item(), *(other[place].item() for other in arrays)))
    return self
