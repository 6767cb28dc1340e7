"""What a file may name: each global that torch writes, and what stands for it here. Nothing else is looked up."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pickle import UnpicklingError
from typing import Any

from .. import dtypes, storage
from ..nn.parameter import Parameter
from ..ops.storages import TypedStorage, UntypedStorage
from ..tensor import Tensor, wrap
from ..types import Size, device, layout, strided


class StorageType:
    """The type of a storage in a file, which names a dtype."""

    def __init__(self, dtype: dtypes.dtype) -> None:
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"StorageType(dtype={self.dtype})"


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise UnpicklingError(what)


def _ints(value: Any, what: str) -> tuple[int, ...]:
    _require(isinstance(value, tuple) and all(type(n) is int for n in value), f"{what} must be a tuple of ints")
    return tuple(value)


def require_keys(keys: Iterable[Any]) -> None:
    """Refuse keys that are tuples of too many parts: their hash takes that long, each time that a file names them."""
    for key in keys:
        if isinstance(key, tuple):
            few = all(number < 1000 for number, _ in enumerate(_parts(key)))
            _require(few, "a key must not have more than 1000 parts")


def _parts(key: tuple[Any, ...], depth: int = 3) -> Iterator[Any]:
    """What is in a tuple, and in those in it; for the hash of many in each other Python's own stack is not enough."""
    _require(depth > 0, "tuples are nested too deep to be keys")
    for part in key:
        yield part
        if isinstance(part, tuple):
            yield from _parts(part, depth - 1)


def rebuild_tensor(
    memory: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, backward_hooks: Any, metadata: Any = None
) -> Tensor:
    """A tensor on a storage that was read; its window must lie inside."""
    _require(type(memory) is TypedStorage, "a tensor needs a storage")
    _require(type(requires_grad) is bool, "requires_grad must be a bool")
    _require(not metadata, "microtorch does not have tensors that are conjugated or negated lazily")
    size, stride = _ints(size, "size"), _ints(stride, "stride")
    _require(len(size) == len(stride), "size and stride must be of the same length")
    _require(type(offset) is int, "storage offset must be an int")
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if min(size, default=0) < 0:
        raise RuntimeError("numel: integer multiplication overflow")
    _require(min(stride, default=0) >= 0, "stride must not be negative")
    whole: Any = memory._array
    extent = storage.span(size, stride)
    if extent and offset + extent > whole.size:
        raise RuntimeError("Trying to resize storage that is not resizable")
    tensor = wrap(storage.window(whole, size, stride, offset))
    if requires_grad:
        tensor.requires_grad = True
    return tensor


def rebuild_tensor_v3(
    memory: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    backward_hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Tensor:
    """`rebuild_tensor` with a dtype of its own, which torch writes for dtypes that have no type of storage."""
    _require(type(memory) is TypedStorage and memory.dtype is dtype, "the storage must be of the tensor's dtype")
    return rebuild_tensor(memory, offset, size, stride, requires_grad, backward_hooks, metadata)


def rebuild_parameter(data: Any, requires_grad: Any, backward_hooks: Any) -> Parameter:
    _require(type(data) is Tensor, "a parameter needs a tensor")
    return Parameter(data, requires_grad)


def rebuild_parameter_with_state(data: Any, requires_grad: Any, backward_hooks: Any, state: Any) -> Parameter:
    """A parameter with attributes."""
    parameter = rebuild_parameter(data, requires_grad, backward_hooks)
    give_state(parameter, state)
    return parameter


def rebuild_from_type(function: Any, kind: Any, args: Any, state: Any) -> Tensor:
    """A tensor with attributes."""
    _require(function in (rebuild_tensor, rebuild_tensor_v3) and kind is Tensor, "only a Tensor can have attributes")
    tensor: Tensor = function(*args)
    give_state(tensor, state)
    return tensor


def give_state(target: Any, state: Any) -> None:
    """The attributes of a tensor or of an OrderedDict."""
    if type(state) is tuple and len(state) == 2 and not state[1]:  # of one that could have slots
        state = state[0]
    _require(type(state) is dict and all(type(name) is str for name in state), "attributes must be a dict of names")
    target.__dict__.update(state)


def get_layout(name: Any) -> layout:
    _require(type(name) is str, "a layout is given by its name")
    _require(name == "torch.strided", f"microtorch does not have the layout {name}")
    return strided


def encode(text: Any, encoding: Any) -> bytes:
    """Bytes, which pickle keeps as text."""
    _require(type(text) is str and encoding in ("latin1", "latin-1"), "bytes must be encoded as latin1")
    return text.encode("latin1")


def make_nothing() -> bytes:
    """No bytes, of which pickle keeps the type."""
    return b""


def make_bytearray(*content: Any) -> bytearray:
    """A bytearray from bytes, or from text; a length, from which Python makes one too, can be any number."""
    if len(content) == 2:
        content = (encode(*content),)
    _require(not content or type(content[0]) is bytes, "a bytearray is made of bytes")
    return bytearray(*content)


def make_set(*items: Any) -> set[Any]:
    _require(not items or type(items[0]) in (list, tuple), "a set is made of a list")
    require_keys(*items or ((),))
    return set(*items)


def make_counter(*items: Any) -> Counter[Any]:
    _require(not items or type(items[0]) is dict, "a Counter is made of a dict")
    return Counter(*items)


def make_ordered(*items: Any) -> OrderedDict[Any, Any]:
    pairs = items[0] if items else []
    _require(type(pairs) is list and all(type(pair) in (list, tuple) for pair in pairs), "OrderedDict needs pairs")
    require_keys(key for pair in pairs for key in pair[:1])
    return OrderedDict(*items)


def make_device(kind: Any, index: Any = None) -> device:
    _require(type(kind) is str and (index is None or type(index) is int), "a device is a name and a number")
    return device(kind, index)


def make_size(sizes: Any = ()) -> Size:
    return Size(_ints(sizes, "torch.Size"))


# By the names in the file. What may be called is a function of this module, which checks what it gets, or complex.
CALLABLE: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    "torch._utils._rebuild_tensor_v3": rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": rebuild_parameter_with_state,
    "torch._tensor._rebuild_from_type_v2": rebuild_from_type,
    "torch.serialization._get_layout": get_layout,
    "torch.Size": make_size,
    "torch.device": make_device,
    "collections.OrderedDict": make_ordered,
    "collections.Counter": make_counter,
    "builtins.set": make_set,
    "builtins.bytearray": make_bytearray,
    "builtins.complex": complex,
    "builtins.bytes": make_nothing,
    "_codecs.encode": encode,
}
STORAGE_TYPES = {f"torch.{d.legacy_name}Storage": StorageType(d) for d in dtypes.ALL}
NAMED: dict[str, Any] = {
    **CALLABLE,
    **STORAGE_TYPES,
    **{repr(d): d for d in dtypes.ALL},
    "torch.Tensor": Tensor,
    "torch.storage.UntypedStorage": UntypedStorage,
}
