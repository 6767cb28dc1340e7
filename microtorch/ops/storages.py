"""The memory of tensors as objects: bytes, or elements of one dtype. Tensors that share memory have equal storages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import dtypes
from .. import storage as memory
from ..arguments import from_sizes, is_int, no_overload
from ..engine import mode
from ..op import FUNCTIONS, only_function, only_method
from ..settings import warn
from ..tensor import Tensor
from ..types import CPU, device, require_cpu
from ..views import check_inplace

_warned = False


def _deprecated() -> None:
    """Warn, once in a process whatever is set."""
    global _warned
    if _warned:
        return
    _warned = True
    warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage "
        "class. This should only matter to you if you are using storages directly.  To access UntypedStorage directly, "
        "use tensor.untyped_storage() instead of tensor.storage()"
    )


class _Storage:
    """What storages of bytes and of elements have alike: all of the memory as one dimension, and whose it is."""

    __slots__ = ("_array", "_owner")

    _array: memory.Array
    _owner: memory.Array  # the same for all that share the memory
    is_cuda = is_sparse = is_hpu = False
    device: device = CPU

    def _position(self, index: int) -> int:
        size = self._array.size
        counted = index + size if index < 0 else index
        if not 0 <= counted < size:
            raise IndexError(f"index {counted} out of range for storage of size {size}")
        return counted

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._array.size)
            if step != 1:
                raise RuntimeError(f"Trying to slice with a step of {step}, but only a step of 1 is supported")
            return whole(type(self), memory.borrow(self._array[start : max(start, stop)]))
        if not is_int(index):
            raise TypeError(f"can't index a torch.{type(self).__name__} with {type(index).__name__}")
        return self._array[self._position(index)].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        if not is_int(value) and type(self) is UntypedStorage:
            raise RuntimeError(f"can only set storage content with a int types, but got {type(value).__name__} instead")
        if not isinstance(index, slice) and not is_int(index):
            raise RuntimeError(f"can't index a torch.{type(self).__name__} with {type(index).__name__}")
        self._array[index if isinstance(index, slice) else self._position(index)] = value

    def __len__(self) -> int:
        return self._array.size

    size = __len__

    def __iter__(self) -> Iterator[Any]:
        return iter(self._array.tolist())

    def tolist(self) -> list[Any]:
        """The elements as a list of numbers."""
        found: list[Any] = self._array.tolist()
        return found

    def nbytes(self) -> int:
        return self._array.nbytes

    def element_size(self) -> int:
        return self._array.itemsize

    def data_ptr(self) -> int:
        """The address, or 0 of no memory."""
        return memory.pointer(self._array) if self._array.size else 0

    @property
    def _cdata(self) -> int:
        return id(self._owner)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._cdata == self._cdata

    def __hash__(self) -> int:
        return self._cdata

    def clone(self) -> Any:
        return whole(type(self), self._array.copy())

    def copy_(self, source: Any, non_blocking: bool | None = None) -> Any:
        """Write the elements of another storage of the same length."""
        if source._array.size != self._array.size:
            raise RuntimeError(f"size does not match, self was {self._array.size} and src was {source._array.size}")
        self._array[...] = source._array
        return self

    def fill_(self, value: Any) -> Any:
        self._array.fill(value)
        return self

    def resize_(self, size: int) -> Any:
        """Refused, unless the size is the one there is: numpy's memory does not grow under its windows."""
        if size != self._array.size:
            raise NotImplementedError(
                "microtorch does not resize a storage; Tensor.resize_ takes new memory if need be"
            )
        return self

    def cpu(self) -> Any:
        return self

    def is_shared(self) -> bool:
        return False

    def is_pinned(self) -> bool:
        return False

    def share_memory_(self) -> Any:
        """Refused: there is no memory shared between processes."""
        raise NotImplementedError("microtorch does not have memory that is shared between processes")

    def __reduce__(self) -> Any:
        return (whole, (type(self), self._array))

    def _text(self, kind: str) -> str:
        lines = "\n ".join(map(str, self._array.tolist()))
        return f" {lines}\n[torch.storage.{kind} of size {self._array.size}]"


def whole(kind: type[Any], array: memory.Array) -> Any:
    """The storage of an array, in its dtype or as bytes."""
    made = object.__new__(kind)
    made._owner = memory.owner(array)
    made._array = memory.storage(array).view(np.uint8) if kind is UntypedStorage else memory.storage(array)
    return made


class UntypedStorage(_Storage):
    """Memory as bytes: a number of zeros, or the bytes given."""

    __slots__ = ()

    def __init__(self, data: Any = 0, *, device: Any = None) -> None:
        require_cpu(device)
        if is_int(data):
            self._array = self._owner = np.zeros(data, np.uint8)
            return
        for item in data:
            if not is_int(item):
                raise RuntimeError(
                    f"torch.UntypedStorage(): tried to construct a storage from a sequence ({type(data).__name__}), "
                    f"but one of the items was of type {type(item).__name__} instead of int"
                )
        self._array = self._owner = np.array([item % 256 for item in data], np.uint8)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        if dtype is not None:
            raise NotImplementedError("microtorch does not convert storages by name: use torch.tensor(storage)")
        return "torch.storage.UntypedStorage"

    def resizable(self) -> bool:
        return True

    def get_device(self) -> int:
        return -1

    def __repr__(self) -> str:
        return self._text("UntypedStorage(device=cpu)")


class TypedStorage(_Storage):
    """Memory as elements of one dtype, on that of `wrap_storage` where one is given; deprecated in torch."""

    __slots__ = ()

    def __init__(
        self,
        data: Any = 0,
        *,
        dtype: dtypes.dtype | None = None,
        device: Any = None,
        wrap_storage: Any = None,
        _internal: bool = False,
    ) -> None:
        if not _internal:
            _deprecated()
        require_cpu(device)
        kind = (dtype or dtypes.get_default_dtype()).numpy
        if wrap_storage is None:
            self._array = self._owner = np.zeros(data, kind) if is_int(data) else np.array(list(data), kind)
        elif isinstance(wrap_storage, UntypedStorage):
            self._array, self._owner = wrap_storage._array.view(kind), wrap_storage._owner
        else:
            raise TypeError(f"Argument 'wrap_storage' must be UntypedStorage, but got {type(wrap_storage)}")

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.FROM_NUMPY[self._array.dtype]

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        _deprecated()
        return self._untyped_storage

    @property
    def _untyped_storage(self) -> UntypedStorage:
        made = object.__new__(UntypedStorage)
        made._array, made._owner = self._array.view(np.uint8), self._owner
        return made

    def pickle_storage_type(self) -> str:
        return f"{self.dtype.legacy_name}Storage"

    def __repr__(self) -> str:
        _deprecated()
        return self._text(f"TypedStorage(dtype={self.dtype!r}, device=cpu)")


# -- of tensors --------------------------------------------------------------------------------------------------------


@only_method
def untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory of this tensor and of all that share it, as bytes."""
    made: UntypedStorage = whole(UntypedStorage, self._array)
    return made


@only_method
def _typed_storage(self: Tensor) -> TypedStorage:
    """The memory of this tensor as elements of its dtype."""
    made: TypedStorage = whole(TypedStorage, self._array)
    return made


@only_method
def storage(self: Tensor) -> TypedStorage:
    """`untyped_storage` as elements of the tensor's dtype; deprecated."""
    _deprecated()
    return _typed_storage(self)


@only_method
def share_memory_(self: Tensor) -> Tensor:
    """Refused: there is no memory shared between processes."""
    return untyped_storage(self).share_memory_()


@only_method
def set_(self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Take over the memory, the shape and the strides of another tensor, or a window onto a storage, or no elements."""
    kind = self._array.dtype
    if isinstance(source, Tensor) and source._array.dtype is not kind:
        raise RuntimeError(
            f"Could not set tensor of type {source.dtype.c_name} to a tensor of type {self.dtype.c_name}"
        )
    if isinstance(source, TypedStorage) and source._array.dtype != kind:
        raise RuntimeError(
            f"Expected a Storage of type {self.dtype.c_name} or an UntypedStorage, but got type "
            f"{source.dtype.legacy_name} for argument 1 'storage'"
        )
    if mode.grad and self.requires_grad:
        check_inplace(self)
        raise NotImplementedError("microtorch does not have set_ on a tensor that requires a gradient")
    if source is None:
        array = np.empty(0, kind)
    elif isinstance(source, Tensor) and size is None:
        array = source._array
    elif isinstance(source, (Tensor, _Storage)):
        elements = memory.storage(source._array) if isinstance(source, Tensor) else source._array
        room = elements[: elements.nbytes // kind.itemsize * kind.itemsize // elements.itemsize].view(kind)
        array = _window(room, storage_offset, size, stride)
    else:
        raise no_overload()
    self._array = array
    self._counter[0] += 1
    return self


def _window(room: memory.Array, offset: int, size: Any, stride: Any) -> memory.Array:
    """The part of a storage that has a shape and strides, by default all of it."""
    shape = (room.size - offset,) if size is None else from_sizes("size", 3, (size,))
    steps = memory.contiguous_strides(shape) if stride is None else tuple(stride)
    if len(steps) != len(shape):
        raise RuntimeError(f"unequal size length ({len(shape)}) and stride length ({len(steps)})")
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if min(shape, default=0) < 0:
        raise RuntimeError("numel: integer multiplication overflow")
    if min(steps, default=0) < 0:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(steps)}")
    extent = memory.span(shape, steps)
    if extent and offset + extent > room.size:
        raise NotImplementedError("microtorch does not resize a storage, which would have to be larger for this shape")
    return memory.window(room, shape, steps, offset)


@only_function
def is_storage(obj: Any, /) -> bool:
    """Whether an object is a storage."""
    return isinstance(obj, _Storage)


FUNCTIONS.here.update(UntypedStorage=UntypedStorage, TypedStorage=TypedStorage)
