"""The order of a strided array's elements in memory, which is the order in which torch's kernels visit them."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def memory_axes(array: Array) -> tuple[int, ...]:
    """The axes from the one with the longest strides to the one with the shortest, as torch's iterators order them."""
    axes = list(range(array.ndim))[::-1]  # innermost first, as torch sorts them
    for i in range(1, len(axes)):
        for j in range(i, 0, -1):
            inner, outer = axes[j - 1], axes[j]
            strides = array.strides[inner], array.strides[outer]
            if 0 in strides:
                continue
            if strides[0] > strides[1] or (strides[0] == strides[1] and array.shape[inner] > array.shape[outer]):
                axes[j - 1], axes[j] = outer, inner
            elif strides[0] < strides[1]:
                break
    return tuple(axes[::-1])


def in_memory_order(array: Array) -> Array:
    """A view with permuted axes whose C order is the order in which torch's kernels fill the array."""
    return array.transpose(memory_axes(array))
