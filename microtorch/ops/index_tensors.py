"""The tensors of an index: as one array of indices for every dimension, checked as torch checks them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..saved import SavedInput
from ..settings import warn
from ..tensor import Tensor, wrap

Indices = Sequence[Any]  # for every dimension in turn a tensor of indices or a mask, or None: all of it


def array_of(index: Any) -> Any:
    """The array of an index, however it comes; of one that was saved for backward, if it was not changed since."""
    if isinstance(index, Tensor):
        return index._array
    return index if index is None or isinstance(index, np.ndarray) else index.unpack(None)._array


def kept(indices: Indices) -> list[Any]:
    """Indices as the graph keeps them: freed with it, and not to be changed in between."""
    return [i if i is None else SavedInput(i if isinstance(i, Tensor) else wrap(i)) for i in indices]


def expanded_indices(input: Any, indices: Indices) -> list[Any]:
    """One entry for every dimension: arrays of int64, broadcast together, or None. A mask becomes the indices it marks."""
    found: list[Any] = []
    for index in map(array_of, indices):
        if index is None or index.dtype.kind == "i":
            found.append(index)
            continue
        if index.dtype.kind == "u":
            warn("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.")
        check_mask(input, index, len(found))
        found += list(np.nonzero(index))
    if len(found) > input.ndim:
        raise IndexError(f"too many indices for tensor of dimension {input.ndim} (got {len(found)})")
    given = [i for i in found if i is not None]
    shapes = {i.shape for i in given}
    if len(shapes) > 1:
        try:
            together = np.broadcast_shapes(*shapes)
        except ValueError:
            raise IndexError(
                "shape mismatch: indexing tensors could not be broadcast together with shapes "
                + ", ".join(str(list(i.shape)) for i in given)
            ) from None
        found = [i if i is None else np.broadcast_to(i, together) for i in found]
    return found + [None] * (input.ndim - len(found))


def check_mask(input: Any, mask: Any, start: int) -> None:
    for d, n in enumerate(mask.shape):
        if start + d >= input.ndim or n != input.shape[start + d]:
            raise IndexError(
                f"The shape of the mask {list(mask.shape)} at index {d} does not match the shape of the indexed tensor "
                f"{list(input.shape)} at index {start + d}"
            )


def check_index(array: Any) -> None:
    if array.dtype.kind == "f" or (array.dtype.kind == "i" and array.dtype.itemsize < 4):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")


def check_lengths(input: Any, indices: Sequence[Any]) -> None:
    """Refuse to index into a length of 0."""
    if not input.size and any(n == 0 and i is not None and i.size for n, i in zip(input.shape, indices, strict=True)):
        raise IndexError("index is out of bounds for dimension with size 0")


def bounded(input: Any, indices: Sequence[Any]) -> Sequence[Any]:
    """The indices, all of them inside their dimensions. Where nothing is read torch looks at none: they become 0."""
    check_lengths(input, indices)
    if not input.size and any(n == 0 and i is None for n, i in zip(input.shape, indices, strict=True)):
        return [i if i is None else np.zeros_like(i) for i in indices]
    count = 0
    for size, index in zip(input.shape, indices, strict=True):
        if index is None:
            continue
        outside = (index < -size) | (index >= size)
        if outside.any():
            bad = index[outside].reshape(-1)[0]
            raise IndexError(f"index {bad} is out of bounds for dimension {count} with size {size}")
        count += 1
    return indices


def front(array: Any, indices: Sequence[Any]) -> tuple[Any, list[Any], int]:
    """The array with its indexed dimensions next to each other, their indices, and the first of them.

    Where they are not, they come to the front, as in numpy.
    """
    dims = [d for d, index in enumerate(indices) if index is not None]
    given = [indices[d] for d in dims]
    if dims and dims[-1] - dims[0] + 1 == len(dims):
        return array, given, dims[0]
    rest = [d for d in range(array.ndim) if d not in dims]
    return array.transpose(dims + rest), given, 0


def result_shape(array: Any, given: list[Any], start: int) -> tuple[int, ...]:
    return array.shape[:start] + given[0].shape + array.shape[start + len(given) :]
