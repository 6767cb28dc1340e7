"""Several tensors made into one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import called, no_overload, to_int, type_name, wrong_type
from ..casting import cast
from ..op import only_function, op
from ..settings import warn_once
from ..tensor import Tensor, wrap, wrap_dim

# -- one after the other -----------------------------------------------------------------------------------------------


NO_CAST = TypeError("torch.cat(): input types can't be cast to the desired output type {1}")


@op(
    tensors=lambda g, tensors_shape, dim: _cut(g, tensors_shape, dim),
    cast_error=NO_CAST,
    public="function",
    apart=("tensors",),
)
def cat(tensors, dim=0):
    """Tensors one after the other along a dimension; they must agree in the others. A tensor of shape (0,) is left out."""
    dim = to_int("dim", 2, dim)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, array in enumerate(tensors):
        if array.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    common = functools.reduce(dtypes.promote_types, [dtypes.FROM_NUMPY[a.dtype] for a in tensors]).numpy
    parts = [(i, array) for i, array in enumerate(tensors) if array.shape != (0,)]
    first = parts[0][1] if parts else tensors[0]
    dim = wrap_dim(dim, first.ndim)
    for i, array in parts[1:]:
        if array.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {array.ndim}")
        for d, (a, b) in enumerate(zip(first.shape, array.shape, strict=True)):
            if a != b and d != dim:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {a} but got size {b} for tensor "
                    f"number {i} in the list."
                )
    arrays = [cast(array, common) for _, array in parts]
    shape = [sum(a.shape[d] for a in arrays) if d == dim else n for d, n in enumerate(first.shape)]
    return np.concatenate(arrays, dim, out=np.empty(shape, common)) if arrays else np.empty(shape, common)


def _cut(g, shapes, dim):
    """The parts of a gradient that belong to each of the joined tensors."""
    start, found = 0, []
    for shape in shapes:
        if shape == (0,):
            found.append(g.new_zeros((0,)))
        else:
            found.append(g.narrow(dim, start, shape[dim]))
            start += shape[dim]
    return found


@only_function
def concat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """`cat` under another name."""
    return cat(tensors, dim, out=out)


@only_function
def concatenate(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """`cat` under numpy's name."""
    return cat(tensors, dim, out=out)


@op(
    tensors=lambda g, dim: [g.select(dim, i) for i in range(g.shape[dim])],
    cast_error=NO_CAST,
    public="function",
    apart=("tensors",),
)
def stack(tensors, dim=0):
    """Tensors of one shape side by side along a new dimension."""
    dim = to_int("dim", 2, dim)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    first = tensors[0]
    dim = wrap_dim(dim, first.ndim + 1)
    for i, array in enumerate(tensors):
        if array.shape != first.shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first.shape)} at entry 0 and "
                f"{list(array.shape)} at entry {i}"
            )
    common = functools.reduce(dtypes.promote_types, [dtypes.FROM_NUMPY[a.dtype] for a in tensors]).numpy
    result = np.empty((*first.shape[:dim], len(tensors), *first.shape[dim:]), common)
    return np.stack([cast(a, common) for a in tensors], dim, out=result)


def tensors_in(value: Any) -> list[Tensor]:
    """A list of tensors, or torch's error for what is none."""
    if not isinstance(value, (tuple, list)):
        raise wrong_type("tensors", 1, "tuple of Tensors", value)
    for i, tensor in enumerate(value):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type_name(tensor)}")
    return list(value)


def tensor_list(value: Any) -> list[Tensor]:
    """A list of tensors that is not empty."""
    found = tensors_in(value)
    if not found:
        raise RuntimeError(f"{called()[0]} expects a non-empty TensorList")
    return found


@only_function
def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors one after the other along the second dimension, vectors along their only one."""
    made = atleast_1d(tensor_list(tensors))
    return cat(made, 0 if made[0].ndim == 1 else 1, out=out)


@only_function
def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors one after the other along the first dimension, vectors as rows."""
    return cat(atleast_2d(tensor_list(tensors)), 0, out=out)


@only_function
def row_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """`vstack` under numpy's older name."""
    return vstack(tensors_in(tensors), out=out)


@only_function
def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors one after the other along the third dimension."""
    return cat(atleast_3d(tensor_list(tensors)), 2, out=out)


@only_function
def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side, vectors as columns."""
    columns = [t.reshape(t.numel(), 1) if t.ndim <= 1 else t for t in tensor_list(tensors)]
    return hstack(columns, out=out)


# -- more dimensions ---------------------------------------------------------------------------------------------------


def _each(tensors: tuple[Any, ...], grow: Callable[[Tensor], Tensor]) -> Any:
    if len(tensors) == 1:
        if isinstance(tensors[0], Tensor):
            return grow(tensors[0])
        if not isinstance(tensors[0], (list, tuple)):
            raise no_overload(["Tensor input", "tuple of Tensors tensors"], tensors)
        tensors = tuple(tensors[0])
    return tuple([grow(t) for t in (tensor_list(tensors) if tensors else ())])


@only_function
def atleast_1d(*tensors: Any) -> Any:
    """A number as a vector of one; others as they are."""
    return _each(tensors, lambda t: t.reshape(1) if t.ndim == 0 else t)


@only_function
def atleast_2d(*tensors: Any) -> Any:
    """A number or a vector as a matrix of one row; others as they are."""
    return _each(tensors, lambda t: t.reshape(1, 1) if t.ndim == 0 else t.unsqueeze(0) if t.ndim == 1 else t)


@only_function
def atleast_3d(*tensors: Any) -> Any:
    """With dimensions of length 1 put in until there are three."""

    def grow(t: Tensor) -> Tensor:
        if t.ndim == 0:
            return t.reshape(1, 1, 1)
        if t.ndim == 1:
            return t.unsqueeze(0).unsqueeze(-1)
        return t.unsqueeze(-1) if t.ndim == 2 else t

    return _each(tensors, grow)


# -- grids -------------------------------------------------------------------------------------------------------------


@only_function
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid over vectors: row index first ("ij") or, of the first two, column index first ("xy")."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if indexing is None:
        warn_once("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.")
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}")
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if any(t.dtype is not tensors[0].dtype for t in tensors):
        raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in (None, "xy", "ij"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for tensor in tensors:
        if tensor.ndim > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                + repr(tensor).removesuffix("\n")
            )
    swap = indexing == "xy" and len(tensors) >= 2
    order = [1, 0, *range(2, len(tensors))] if swap else list(range(len(tensors)))
    shape = [tensors[i].numel() for i in order]
    grids = [tensors[i].view([-1 if i == j else 1 for j in order]).expand(shape) for i in range(len(tensors))]
    return tuple(grids)


@only_function
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of the elements of vectors, one in a row."""
    for tensor in tensors:
        if tensor.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(tensor.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    grids = meshgrid(*tensors, indexing="ij")
    return stack([g.flatten() for g in grids], 1)


@only_function
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All ways to take `r` elements of a vector in their order, one in a row; again and again `with_replacement`."""
    if not isinstance(input, Tensor):
        raise wrong_type("input", 1, "Tensor", input)
    r = to_int("r", 2, r)
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    places = np.indices((input.numel(),) * r)
    later = np.less_equal if with_replacement else np.less
    mask = wrap(
        np.logical_and.reduce([later(a, b) for a, b in pairwise(places)], axis=0) & np.ones(places.shape[1:], bool)
    )
    grids = meshgrid(*[input] * r, indexing="ij")
    return stack([grid.masked_select(mask) for grid in grids], 1)
