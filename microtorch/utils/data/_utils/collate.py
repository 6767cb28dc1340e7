"""Collation: from a list of samples to a batch of the same structure."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from .... import dtypes
from ....ops.data import as_tensor, tensor
from ....ops.joining import stack
from ....tensor import Tensor

CollateMap = dict[type | tuple[type, ...], Callable[..., Any]]

NOT_COLLATED = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def collate(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """One sample whose leaves are `collate_fn_map[type of the leaf]` of the leaves of all samples in the batch.

    The structure is the first sample's: mappings, named tuples and sequences, nested at will; a tuple becomes a list.
    Raises TypeError for a leaf of a type that the map does not have, RuntimeError for sequences of unequal lengths.
    """
    first = batch[0]
    if collate_fn_map is not None:
        function = collate_fn_map.get(type(first))
        if function is None:
            function = next((f for kind, f in collate_fn_map.items() if isinstance(first, kind)), None)
        if function is not None:
            return function(batch, collate_fn_map=collate_fn_map)

    def together(leaves: Sequence[Any]) -> Any:
        return collate(leaves, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _mapping(first, lambda key: together([sample[key] for sample in batch]))
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*map(together, zip(*batch, strict=False)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = list(zip(*batch, strict=True))
        return list(map(together, columns)) if isinstance(first, tuple) else _sequence(first, together, columns)
    raise TypeError(NOT_COLLATED.format(type(first)))


def default_convert(data: Any) -> Any:
    """The same structure with numpy's arrays and numbers as tensors; all else stays; a tuple becomes a list."""
    kind = type(data)
    if isinstance(data, Tensor):
        return data
    if kind.__module__ == "numpy" and kind.__name__ != "str_":
        return data if kind is np.ndarray and _is_text(data) else as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping(data, lambda key: default_convert(data[key]))
    if isinstance(data, tuple):
        parts = map(default_convert, data)
        return kind(*parts) if hasattr(data, "_fields") else list(parts)
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _sequence(data, default_convert, data)
    return data


def _mapping(data: Mapping[Any, Any], value: Callable[[Any], Any]) -> Any:
    """A mapping of the same type with the value for each key; a dict where the type cannot be made so."""
    kind: Any = type(data)
    try:
        if not isinstance(data, MutableMapping):
            return kind({key: value(key) for key in data})
        clone = copy.copy(data)  # which may have more to it than its items
        clone.update({key: value(key) for key in data})
        return clone
    except TypeError:
        return {key: value(key) for key in data}


def _sequence(data: Sequence[Any], value: Callable[[Any], Any], entries: Iterable[Any]) -> Any:
    """A sequence of the same type with the value for each entry; a list where the type cannot be made so."""
    kind: Any = type(data)
    try:
        if not isinstance(data, MutableSequence):
            return kind([value(entry) for entry in entries])
        clone = copy.copy(data)
        for i, entry in enumerate(entries):
            clone[i] = value(entry)
        return clone
    except TypeError:
        return [value(entry) for entry in entries]


def _is_text(array: np.ndarray[Any, Any]) -> bool:
    return array.dtype.kind in "SaUO"


def collate_tensor_fn(batch: Sequence[Tensor], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """The tensors stacked along a new first dimension."""
    return stack(batch, 0)


def collate_numpy_array_fn(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """The arrays, as tensors, stacked along a new first dimension."""
    if _is_text(batch[0]):
        raise TypeError(NOT_COLLATED.format(batch[0].dtype))
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """A tensor of numpy's numbers, of their type."""
    return as_tensor(batch)


def collate_float_fn(batch: Sequence[float], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """A float64 tensor of the numbers."""
    return tensor(batch, dtype=dtypes.float64)


def collate_int_fn(batch: Sequence[int], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """A tensor of the integers or truth values."""
    return tensor(batch)


def collate_str_fn(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Sequence[Any]:
    """The texts as they are."""
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Sequence[Any]) -> Any:
    """`collate` with tensors stacked, numbers as tensors (floats as float64), and texts as they are."""
    return collate(batch, collate_fn_map=default_collate_fn_map)
