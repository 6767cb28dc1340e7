"""`save` and `load`: tensors in the file that torch reads and writes. Of a file nothing is ever executed.

A file is read as data: its pickle by an interpreter of a few instructions (`unpickler`), which calls only what `names`
lists; all that can be wrong with it is an UnpicklingError, a RuntimeError or an EOFError.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from contextlib import nullcontext
from typing import Any

import numpy as np

from ..later import package as _package
from ..settings import warn
from .archive import ALIGNMENT, MAGIC, Writer
from .legacy import load_legacy, write_legacy
from .pickler import dump
from .reading import load_archive, placed

__getattr__, __dir__ = _package(__name__, {})


def save(
    obj: object,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write tensors, and containers, numbers and strings around them, to a path or a file; shared memory stays shared.

    Unlike torch it saves no other objects: of a module or an optimizer save its `state_dict()`.
    """
    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    if pickle_module is not pickle:
        raise NotImplementedError("microtorch saves with Python's pickle alone")
    data, storages = dump(obj, pickle_protocol, not _use_new_zipfile_serialization)
    path, folder = None, "archive"
    if isinstance(f, (str, os.PathLike)):
        path = os.fspath(f)
        parent, name = os.path.split(path)
        if parent and not os.path.isdir(parent):
            raise RuntimeError(f"Parent directory {parent} does not exist.")
        if path.isascii():
            folder = name.rpartition(".")[0] if "." in name else name
        if not folder:
            raise RuntimeError(f"invalid file name: {path}")
    with open(path, "wb") if path is not None else nullcontext(f) as file:
        if _use_new_zipfile_serialization:
            _write(file, folder, data, storages, not _disable_byteorder_record)
        else:
            write_legacy(file, data, storages, pickle_protocol)


def _write(file: Any, folder: str, data: bytes, storages: dict[str, Any], byteorder: bool) -> None:
    """The records in torch's order."""
    writer = Writer(file, folder)
    writer.write("data.pkl", data)
    writer.write(".format_version", b"1")
    writer.write(".storage_alignment", str(ALIGNMENT).encode())
    if byteorder:
        writer.write("byteorder", sys.byteorder.encode())
    for key in storages:
        writer.write(f"data/{key}", storages[key].view(np.uint8))
    writer.close()


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what `save` or torch's wrote to a path or a file that can be sought in.

    `weights_only=False`, which could execute what the file says, is refused, and so is `mmap`.
    """
    if weights_only is False:
        raise NotImplementedError(
            "microtorch does not have torch.load(weights_only=False): nothing of a file is ever executed"
        )
    if pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if pickle_load_args:
        warn("pickle_load_args only works if `weights_only=False`.")
        if unknown := sorted(set(pickle_load_args) - {"encoding"}):
            raise TypeError(f"Unpickler.__init__() got an unexpected keyword argument '{unknown[0]}'")
    if mmap:
        raise NotImplementedError("microtorch does not map files into memory: load without mmap=True")
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return _load(file, map_location)
    try:
        f.seek(f.tell())
    except (io.UnsupportedOperation, AttributeError) as error:
        if not any(word in str(error) for word in ("seek", "tell")):
            raise
        raise type(error)(
            f"{error}. You can only torch.load from a file that is seekable. Please pre-load the data into a buffer "
            "like io.BytesIO and try to load from it instead."
        ) from None
    return _load(f, map_location)


def _load(file: Any, map_location: Any) -> Any:
    start = file.tell()
    magic = file.read(len(MAGIC))
    if not isinstance(magic, bytes):
        raise TypeError(f"a file opened in binary mode is needed: reading gave {type(magic).__name__}")
    file.seek(start)
    if magic != MAGIC:
        return load_legacy(file, placed(map_location))
    return load_archive(file, placed(map_location))
