"""Tensors, containers, numbers and strings as the pickle that torch writes of them."""

from __future__ import annotations

import io
import pickle
from codecs import encode
from collections import Counter, OrderedDict
from typing import Any

from .. import dtypes, storage
from ..nn.parameter import Parameter
from ..ops.storages import TypedStorage, UntypedStorage, whole
from ..tensor import Tensor
from ..types import Size, device, layout
from .names import NAMED, STORAGE_TYPES, get_layout, rebuild_from_type, rebuild_parameter, rebuild_parameter_with_state
from .names import rebuild_tensor as rebuild

_PATHS = {id(thing): path for path, thing in NAMED.items()} | {id(Size): "torch.Size", id(device): "torch.device"}
_BY_DTYPE = {kind.dtype: kind for kind in STORAGE_TYPES.values()}
_KNOWN = {
    id(thing) for thing in (OrderedDict, Counter, set, bytes, bytearray, complex, encode)
}  # pickle names them so itself
_PLAIN = (dict, list, tuple, str, int, float, bool, type(None), bytes, bytearray, set, complex, OrderedDict, Counter)


_Python: Any = pickle._Pickler  # pickle's own in Python, whose parts can be replaced


class Pickler(_Python):  # type: ignore[misc]
    """Writes tensors by torch's names, and puts their memory aside in `storages`, by key."""

    def __init__(self, file: io.BytesIO, protocol: int, legacy: bool) -> None:
        super().__init__(file, protocol)
        self.legacy = legacy
        self.storages: dict[str, storage.Array] = {}
        self._keys: dict[int, str] = {}  # by owner
        self._dtypes: dict[int, dtypes.dtype] = {}  # by address
        self._owners: list[Any] = []  # kept alive, as long as they are known by their ids

    def persistent_id(self, obj: Any) -> Any:
        if type(obj) is TypedStorage:
            kind: Any = _BY_DTYPE[obj.dtype]
            dtype = obj.dtype
        elif type(obj) is UntypedStorage:
            kind, dtype = UntypedStorage, dtypes.uint8
        else:
            return None
        if obj.data_ptr() and self._dtypes.setdefault(obj.data_ptr(), dtype) is not dtype:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        key = self._keys.setdefault(obj._cdata, str(len(self._keys)))
        self._owners.append(obj._owner)
        self.storages[key] = obj._array
        described = ("storage", kind, key, "cpu", len(obj))
        return (*described, None) if self.legacy else described  # None: it is no view of another

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        hooks: OrderedDict[int, Any] = OrderedDict()  # which no file has
        if kind in _PLAIN or id(obj) in _KNOWN:
            return NotImplemented
        if id(obj) in _PATHS:
            return _PATHS[id(obj)]
        if kind is Parameter:
            data = obj.data
            if obj.__dict__:
                return (rebuild_parameter_with_state, (data, obj.requires_grad, hooks, obj.__dict__))
            return (rebuild_parameter, (data, obj.requires_grad, hooks))
        if kind is Tensor:
            array, memory = obj._array, whole(TypedStorage, obj._array)
            place = (storage.offset(array), tuple(array.shape), storage.strides(array))
            args = (memory, *place, obj.requires_grad, hooks)
            return (rebuild_from_type, (rebuild, kind, args, obj.__dict__)) if obj.__dict__ else (rebuild, args)
        if kind is Size:
            return (Size, (tuple(obj),))
        if kind is device:
            return (device, (obj.type,) if obj.index is None else (obj.type, obj.index))
        if kind is layout:
            return (get_layout, (repr(obj),))
        raise NotImplementedError(
            f"microtorch saves tensors, containers, numbers and strings, and no object of type {kind.__name__}: of a "
            "module or an optimizer save its state_dict()"
        )

    def save_global(self, obj: Any, name: str | None = None) -> None:
        if id(obj) in _KNOWN:
            super().save_global(obj, name)
            return
        module, _, last = _PATHS[id(obj)].rpartition(".")
        self.write(pickle.GLOBAL + f"{module}\n{last}\n".encode())
        self.memoize(obj)


def dump(obj: Any, protocol: int, legacy: bool = False) -> tuple[bytes, dict[str, storage.Array]]:
    """The pickle of an object, and the memory of its tensors by key."""
    file = io.BytesIO()
    pickler = Pickler(file, protocol, legacy)
    pickler.dump(obj)
    return file.getvalue(), pickler.storages
