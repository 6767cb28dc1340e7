"""From the records of a file to tensors, and where `map_location` puts them."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from ..ops.storages import TypedStorage, UntypedStorage, whole
from ..types import device
from .archive import GROWTH, Reader
from .names import STORAGE_TYPES, StorageType
from .unpickler import Unpickler, refusal

Place = Callable[[TypedStorage, str], TypedStorage]


def placed(map_location: Any) -> Place:
    """What is to be done with a storage and the name of the device on which it was."""

    def place(memory: TypedStorage, tag: str) -> TypedStorage:
        if map_location is None:
            _require_cpu(tag)
        elif isinstance(map_location, dict):
            _require_cpu(map_location.get(tag, tag))
        elif isinstance(map_location, (str, bytes, device)):
            _require_cpu(map_location)
        else:
            found = map_location(memory._untyped_storage, tag)
            if found is None:
                _require_cpu(tag)
            elif isinstance(found, UntypedStorage):
                return TypedStorage(wrap_storage=found, dtype=memory.dtype, _internal=True)
            else:
                raise TypeError(f"Argument 'wrap_storage' must be UntypedStorage, but got {type(found)}")
        return memory

    return place


def _require_cpu(where: Any) -> None:
    tag = str(where)
    if tag.startswith("cuda"):
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are "
            "running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
            "storages to the CPU."
        )
    if tag != "cpu":
        raise RuntimeError(
            f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {tag})"
        )


def described(name: tuple[Any, ...]) -> tuple[np.dtype[Any], str, str, int]:
    """The type of the elements of a storage, its key, its device and its length, from its persistent id."""
    if len(name) == 4:
        kind, key, tag, count = name
        if kind is UntypedStorage:
            kind = STORAGE_TYPES["torch.ByteStorage"]
        if type(kind) is StorageType and type(key) is str and type(tag) is str and type(count) is int and count >= 0:
            return kind.dtype.numpy, key, tag, count
    raise refusal(f"A storage is described by type, key, device and length, not by {_types(name)}")


def _types(values: tuple[Any, ...]) -> str:
    return ", ".join(type(value).__name__ for value in values) or "nothing"


def load_archive(file: BinaryIO, place: Place) -> Any:
    """The object in a zip file."""
    reader = Reader(file)
    if reader.has("constants.pkl"):
        raise RuntimeError("Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``.")
    order = reader.read("byteorder", 100).decode(errors="replace") if reader.has("byteorder") else "little"
    if order not in ("little", "big"):
        raise ValueError(f"Unknown endianness type: {order}")
    loaded: dict[str, TypedStorage] = {}

    def find_storage(name: tuple[Any, ...]) -> TypedStorage:
        dtype, key, tag, count = described(name)
        if key not in loaded:
            record, expected = f"data/{key}", count * dtype.itemsize
            if (size := reader.size(record)) != expected:
                raise RuntimeError(
                    f"record size ({size} bytes) does not match expected size ({expected} bytes = {expected} elements "
                    "* 1 bytes/element) for dtype Byte"
                )
            memory = np.empty(count, dtype)
            reader.read_into(record, memory)
            if order != sys.byteorder:
                memory.byteswap(inplace=True)
            loaded[key] = place(whole(TypedStorage, memory), tag)
        return of_type(loaded[key], dtype)

    return Unpickler(io.BytesIO(reader.read("data.pkl")), find_storage, GROWTH * reader.length).load()


def of_type(memory: TypedStorage, dtype: np.dtype[Any]) -> TypedStorage:
    """The storage, of which a file may not say two different dtypes."""
    if memory._array.dtype != dtype:
        raise refusal(f"A storage of {memory.dtype} is asked for as one of {dtype}")
    return memory
