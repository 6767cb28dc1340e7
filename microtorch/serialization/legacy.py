"""torch's file format before version 1.6, a row of pickles with the storages behind them."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from .. import storage
from ..ops.storages import TypedStorage, whole
from .archive import GROWTH, failure
from .reading import Place, described, of_type
from .unpickler import Unpickler, brief, refusal

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


def write_legacy(file: Any, data: bytes, storages: dict[str, storage.Array], protocol: int) -> None:
    """Write a pickled object, and the memory of its tensors."""
    machine = {
        "protocol_version": PROTOCOL,
        "little_endian": sys.byteorder == "little",
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    keys = sorted(storages)
    for part in (MAGIC_NUMBER, PROTOCOL, machine):
        pickle.dump(part, file, protocol)
    file.write(data)
    pickle.dump(keys, file, protocol)
    for key in keys:
        file.write(len(storages[key]).to_bytes(8, "little"))
        file.write(storages[key].tobytes())
    file.flush()


def load_legacy(file: BinaryIO, place: Place) -> Any:
    """The object in a file of pickles: a magic number, a version, the machine, the object, keys; then the storages."""
    loaded: dict[str, TypedStorage] = {}
    start = file.tell()
    room = file.seek(0, io.SEEK_END) - start
    file.seek(start)

    def find_storage(name: tuple[Any, ...]) -> TypedStorage:
        nonlocal room
        *of_storage, view = name
        if view is not None:
            raise refusal("microtorch does not read views of storages, which torch wrote before version 0.4")
        dtype, key, tag, count = described(tuple(of_storage))
        if key not in loaded:
            room -= count * dtype.itemsize
            if room < 0:
                raise EOFError("Ran out of input")
            loaded[key] = place(whole(TypedStorage, np.empty(count, dtype)), tag)
        return of_type(loaded[key], dtype)

    def unpickled(find: Callable[[tuple[Any, ...]], Any] = described, most: int = GROWTH * room) -> Any:
        return Unpickler(file, find, most).load()

    if unpickled() != MAGIC_NUMBER:
        raise RuntimeError("Invalid magic number; corrupt file?")
    if (version := unpickled()) != PROTOCOL:
        raise RuntimeError(f"Invalid protocol version: {brief(version)}")
    machine = unpickled()
    result = unpickled(find_storage)
    keys = unpickled()
    if type(keys) is not list or any(type(key) is not str for key in keys) or sorted(keys) != sorted(loaded):
        raise refusal("The storages in the file are not those that its tensors need")
    for key in keys:
        memory: Any = loaded[key]._array
        count = int.from_bytes(_exactly(file, 8), "little", signed=True)
        if count != memory.size:
            raise failure(f"reading storage {key}: it has {count} elements, expected are {memory.size}")
        memory.view(np.uint8)[...] = np.frombuffer(_exactly(file, memory.nbytes), np.uint8)
        if type(machine) is dict and machine.get("little_endian") is False:
            memory.byteswap(inplace=True)
    return result


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise EOFError("Ran out of input")
    return data
