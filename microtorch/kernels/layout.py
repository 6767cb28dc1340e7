"""The order in which torch's iterator goes through arrays: on it depends what is drawn, added up or vectorised together.

Dimensions are sorted by stride, the fastest first, and neighbours that step through memory as one are merged; a kernel
gets the innermost of them as one loop (TensorIterator.cpp, torch 2.13).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Strides = tuple[int, ...]


class Loop(NamedTuple):
    """A loop of the iterator: how often, and the step that every operand takes."""

    size: int
    steps: Strides


def loop_axes(shape: Sequence[int], operands: Sequence[Strides], reduces: bool = False) -> list[int]:
    """The axes from the innermost loop to the outermost, for the strides of the operands, the result's first.

    In a reduction the axes along which the result does not move come first. A stride of 0 says nothing else.
    """
    axes = list(range(len(shape)))[::-1]
    for i in range(1, len(axes)):
        here = i
        for before in range(i - 1, -1, -1):
            order = _order(shape, operands, axes[before], axes[here], reduces)
            if order > 0:
                axes[before], axes[here] = axes[here], axes[before]
                here = before
            elif order < 0:
                break
    return axes


def _order(shape: Sequence[int], operands: Sequence[Strides], a: int, b: int, reduces: bool) -> int:
    """1 if axis b must lie inside axis a, −1 if outside, 0 if nothing says so."""
    if reduces and (operands[0][a] == 0) != (operands[0][b] == 0):
        return 1 if operands[0][b] == 0 else -1
    for strides in operands:
        if strides[a] and strides[b]:
            if strides[a] != strides[b]:
                return -1 if strides[a] < strides[b] else 1
            if shape[a] > shape[b]:
                return 1
    return 0


def loops(shape: Sequence[int], operands: Sequence[Strides], axes: Sequence[int]) -> list[Loop]:
    """The loops over these axes, the innermost first, those merged that step through every operand as one."""
    merged: list[Loop] = []
    for axis in axes:
        size, steps = shape[axis], tuple(strides[axis] for strides in operands)
        if merged and (inner := merged[-1]):
            if inner.size == 1:
                merged.pop()
            elif size == 1 or steps == tuple(inner.size * step for step in inner.steps):
                merged[-1] = Loop(inner.size * size, inner.steps)
                continue
        merged.append(Loop(size, steps))
    return merged


def memory_axes(array: Array) -> tuple[int, ...]:
    """The axes from the one with the longest strides to the one with the shortest."""
    return tuple(loop_axes(array.shape, [array.strides])[::-1])


def in_memory_order(array: Array) -> Array:
    """A view with permuted axes whose C order is the order in which torch's kernels fill the array."""
    return array.transpose(memory_axes(array))


def vectorised(operands: Sequence[Array], at_once: int) -> Array:
    """Where a kernel computes element by element in vectors, as a mask of the operands' common shape.

    It does so in the innermost loop if every operand steps by one element there, or one of them by none; what is left at
    the loop's end, less than `at_once` elements, is computed one by one.
    """
    shape = operands[0].shape
    mask = np.zeros(operands[0].size, bool)
    if mask.size:
        strides = [tuple(step // x.itemsize for step in x.strides) for x in operands]
        axes = loop_axes(shape, strides)
        inner, *_ = *loops(shape, strides, axes), Loop(1, (1,) * len(operands))
        still, *others = sorted(inner.steps)
        if still in (0, 1) and set(others) <= {1}:
            mask.reshape(-1, inner.size)[:, : inner.size - inner.size % at_once] = True
        axes.reverse()
        mask = mask.reshape([shape[axis] for axis in axes]).transpose(np.argsort(axes).tolist())
    return mask.reshape(shape)
