"""Sums and other reductions over dimensions."""

from __future__ import annotations

import numpy as np

from .. import dtypes, kernels
from ..op import op
from ..tensor import wrap_dim


def axes(dim, ndim):
    """The dimensions to reduce as numpy's axis argument: all for None or none given."""
    if dim is None:
        return None
    if isinstance(dim, int):
        return (wrap_dim(dim, ndim),) if ndim else None
    found = tuple(wrap_dim(d, ndim) for d in dim)
    for d in found:
        if found.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return found if ndim and found else None


def restore(g, input_shape, dim, keepdim):
    """A reduced gradient with its reduced dimensions put back at length 1."""
    if keepdim or dim is None or not input_shape:
        return g
    reduced = axes(dim, len(input_shape))
    if reduced is None:
        return g
    return g.reshape([1 if i in reduced else n for i, n in enumerate(input_shape)])


@op(
    input=lambda g, input_shape, dim, keepdim: restore(g, input_shape, dim, keepdim).expand(input_shape),
    node=lambda input, dim, keepdim, dtype: "SumBackward0" if dim is ALL else "SumBackward1",
)
def sum(input, dim=None, keepdim=False, *, dtype=None):
    """Σ over all elements or over the dimensions `dim`."""
    if dtype is not None:
        input = input.astype(dtype.numpy)
    elif input.dtype.kind != "f":
        input = input.astype(np.int64)
    return kernels.sum(input, axes(dim, input.ndim), keepdim)


ALL = None
