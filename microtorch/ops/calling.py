"""A Python function called for every element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import fit
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
    _check("map_", self, callable)
    if tensor.requires_grad:
        raise RuntimeError("Can't call map_() on Variable that requires grad. Use var.detach().map_() instead.")
    if tensor.dtype is not self.dtype:
        expected = "CPUBoolType" if self.dtype is dtypes.bool_ else self.type()
        raise TypeError(f"map_: expected {expected} for 'other' (got {tensor.type()})")
    array, other = self._array, expand(tensor, self._array.shape)._array
    for place in np.ndindex(array.shape):
        _write(array, place, callable(array[place].item(), other[place].item()))
    return self
