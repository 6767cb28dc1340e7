"""Copies in which one part is written over: what assigning to a view does, with a gradient and in one step."""

from __future__ import annotations

import numpy as np

from .. import storage
from ..arguments import to_int
from ..casting import cast
from ..op import REGISTRY, op
from ..tensor import wrap_dim
from .parts import diagonal_arguments, diagonal_window, slice_view
from .reduction import EXPECTED_OUT


def _copied(input):
    """A copy with the same strides, gaps in memory included."""
    if 0 in input.strides or not input.size:
        return storage.copy(input)
    strides = storage.strides(input)
    memory = np.empty(storage.span(input.shape, strides), input.dtype)
    copy = storage.window(memory, input.shape, strides, 0)
    copy[...] = input
    return copy


def _written(copy, part, src):
    """The copy, with `src` in the part of it that is a view of its memory."""
    if part.shape != src.shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = "
            f"{list(part.shape)}"
        )
    part[...] = cast(src, part.dtype)
    return copy


@op(
    input=lambda g, src, dim, index: select_scatter(g, src.new_zeros(src.shape), dim, index),
    src=lambda g, dim, index: g.select(dim, index),
    hides="src",
    out=False,
)
def select_scatter(input, src, dim, index):
    """A copy with `src` as its slice at one index of a dimension."""
    copy = _copied(input)
    return _written(copy, REGISTRY["select"].forward(copy, to_int("dim", 3, dim), to_int("index", 4, index)), src)


@op(
    input=lambda g, src, dim, start, end, step: slice_scatter(g, src.new_zeros(src.shape), dim, start, end, step),
    src=lambda g, dim, start, end, step: slice_view(g, wrap_dim(dim, g.ndim), start, end, step),
    hides="src",
    strict_out=EXPECTED_OUT,
)
def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """A copy with `src` as every `step`-th slice of a dimension from `start` to before `end`."""
    dim, step = to_int("dim", 3, dim), to_int("step", 6, step)
    if input.ndim == 0:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, input.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    copy = _copied(input)
    return _written(copy, REGISTRY["slice_view"].forward(copy, dim, start, end, step), src)


@op(
    input=lambda g, src, offset, dim1, dim2: diagonal_scatter(g, src.new_zeros(src.shape), offset, dim1, dim2),
    src=lambda g, offset, dim1, dim2: g.diagonal(offset, dim1, dim2),
    hides="src",
    out=False,
)
def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """A copy with `src` as its diagonal."""
    copy = _copied(input)
    return _written(copy, diagonal_window(copy, *diagonal_arguments(input.ndim, offset, dim1, dim2)), src)
