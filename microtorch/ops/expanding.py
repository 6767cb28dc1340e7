"""Broadcasting: dimensions of length 1 repeated without copying."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .. import dtypes
from ..arguments import to_ints
from ..op import MEANINGS, composite, only_function, only_method, op
from ..tensor import Tensor
from ..types import Size
from .shape import as_tensor_argument, restrided


@op(input=lambda g: g, view=True, public="method")
def expand(input, size, *, implicit=False):
    """Dimensions of length 1 repeated without copying (−1: as they are); the gradient is summed over them."""
    return broadcast(input, to_ints("size", 2, size))


def broadcast(input: Any, size: tuple[int, ...]) -> Any:
    """An array expanded to a shape."""
    shape = input.shape
    if len(size) < len(shape):
        raise RuntimeError(
            f"expand({_kind(dtypes.FROM_NUMPY[input.dtype])}{{{list(shape)}}}, size={list(size)}): the number of sizes provided ({len(size)}) "
            f"must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
    return restrided(input, *_expanded(shape, input.strides, input.itemsize, size))


def _kind(dtype: dtypes.dtype) -> str:
    """The type of a tensor as this error alone writes it."""
    return "CPUBoolType" if dtype is dtypes.bool_ else f"torch.{dtype.legacy_name}Tensor"


@lru_cache(maxsize=256)
def _expanded(
    shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int, size: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape and strides, in bytes, that an array has when it is expanded."""
    lead = len(size) - len(shape)
    new_shape, new_strides = list(size), [0] * len(size)
    step = itemsize if shape else 0
    for i in range(len(size) - 1, -1, -1):
        wanted = size[i]
        have, stride = (shape[i - lead], strides[i - lead]) if i >= lead else (1, step)
        if wanted == -1:
            if i < lead:
                raise RuntimeError(
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {i}"
                )
            wanted = have
        if wanted != have:
            if have != 1:
                raise RuntimeError(
                    f"The expanded size of the tensor ({wanted}) must match the existing size ({have}) at non-singleton "
                    f"dimension {i}.  Target sizes: {list(size)}.  Tensor sizes: {list(shape)}"
                )
            if wanted < 0:
                raise RuntimeError("numel: integer multiplication overflow")
            stride = 0
        new_shape[i], new_strides[i] = wanted, stride
        step = wanted * stride
    return tuple(new_shape), tuple(new_strides)


MEANINGS[expand] = broadcast  # in formulas to the shape of a tensor


@only_method
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of another tensor."""
    return expand(self, as_tensor_argument(other, "other", 2)._array.shape)


@composite
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """`expand` to a shape."""
    return expand(as_tensor_argument(input), to_ints("size", 2, size))


@only_function
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """All tensors expanded to the one shape to which they broadcast."""
    shape: tuple[int, ...] = ()
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}")
    for tensor in tensors:
        shape = common_shape(shape, tensor._array.shape)
    return tuple([tensor if tensor._array.shape == shape else expand(tensor, shape) for tensor in tensors])


def common_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which two shapes broadcast."""
    ndim = max(len(a), len(b))
    padded = [(1,) * (ndim - len(s)) + tuple(s) for s in (a, b)]
    for i in range(ndim - 1, -1, -1):
        x, y = padded[0][i], padded[1][i]
        if x != y and 1 not in (x, y):
            raise RuntimeError(
                f"The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension {i}"
            )
    return tuple([y if x == 1 else x for x, y in zip(*padded, strict=True)])


@only_function
def broadcast_shapes(*shapes: Any) -> Size:
    """The shape to which shapes broadcast, each a tuple of ints or one int."""
    found: list[int] = []
    given: list[Sequence[int]] = []
    for shape in shapes:
        if not isinstance(shape, (tuple, list, int)):
            raise RuntimeError(f"Input shapes should be of type ints, a tuple of ints, or a list of ints, got {shape}")
        given.append((shape,) if isinstance(shape, int) else shape)
    found = [1] * max(map(len, given), default=0)
    for number, shape in enumerate(given):
        for back in range(-1, -1 - len(shape), -1):
            if shape[back] < 0:
                raise ValueError("Attempting to broadcast a dimension with negative length!")
            if shape[back] in (1, found[back]):
                continue
            if found[back] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {shape[back]} at {back}! Mismatching argument at index "
                    f"{number} had {shape}; but expected shape should be broadcastable to {found}"
                )
            found[back] = shape[back]
    return Size(found)
