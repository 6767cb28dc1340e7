"""Gradients as arrays, for backward passes that nobody records; tensors where a hook, a Function or the caller looks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .. import kernels
from ..casting import cast
from ..engine import TensorForm
from ..kernels.numpy import number
from ..layout import arranged
from ..ops.reduction import repeated, summed
from ..tensor import Tensor, wrap
from ..views import make_view

Array = Any


class ArrayForm(TensorForm):
    """The gradients of a pass that is not recorded. One that was a tensor is the same tensor when it is seen again."""

    recorded = False
    on_arrays = True

    @cached_property
    def _seen(self) -> dict[int, tuple[Array, Tensor]]:
        """The tensors by the identity of arrays, which are kept alive though `data` be set."""
        return {}

    def shown(self, gradients: Sequence[Array | None]) -> list[Tensor | None]:
        return [None if g is None else self._tensor(g) for g in gradients]

    def _tensor(self, gradient: Array) -> Tensor:
        seen = self._seen.get(id(gradient))
        if seen is not None:
            return seen[1]
        array = np.asarray(gradient)
        tensor, memory = wrap(array), array.base
        if memory is not None:  # a window onto the memory of another gradient is a view of it
            held = self._seen.get(id(memory))
            make_view(tensor, wrap(memory) if held is None else held[1])
        self._seen[id(array)] = array, tensor
        return tensor

    def taken(self, gradients: Sequence[Tensor | None]) -> list[Array | None]:
        for gradient in gradients:
            if gradient is not None:
                self._seen[id(gradient._array)] = gradient._array, gradient
        return [None if g is None else g._array for g in gradients]

    def add(self, a: Array, b: Array) -> Array:
        total = np.add(a, b)
        return total if total.ndim < 2 or (a.flags.c_contiguous and b.flags.c_contiguous) else arranged(total, (a, b))

    def unbroadcast(self, gradient: Array, shape: tuple[int, ...]) -> Array:
        lead = gradient.ndim - len(shape)
        if gradient.size == 1:  # a sum begins with +0
            total: Array = np.add(gradient, number(0.0, gradient.dtype.char))
        elif lead == 1 and gradient.shape[1:] == shape != () and gradient.dtype.char in "fd":
            return np.asarray(kernels.sum(gradient, (0,), False)).reshape(shape)
        else:
            total = summed(gradient, repeated(gradient.shape, shape), True)
        if shape and lead > 0:
            return total.reshape(shape)  # a view, for who sees it
        return total if total.shape == shape and total.base is None else np.array(total.reshape(shape))

    def cast(self, gradient: Array, dtype: Any) -> Array:
        return cast(gradient, dtype)
