"""Memory shared with other libraries by DLPack, which numpy speaks for us; nothing is copied."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import type_name
from ..op import only_function, only_method
from ..tensor import Tensor, wrap
from ..types import require_cpu


class DLDeviceType(IntEnum):
    """DLPack's numbers of the places where memory can be."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLROCMHost = 11
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14
    kDLWebGPU = 15
    kDLHexagon = 16
    kDLMAIA = 17


@only_method
def __dlpack_device__(self: Tensor) -> tuple[DLDeviceType, int]:
    """Where the memory is: on the CPU."""
    return DLDeviceType.kDLCPU, 0


@only_method
def __dlpack__(
    self: Tensor, *, stream: Any = -1, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
) -> Any:
    """A capsule with the memory of the tensor, or with a copy of it, for the `from_dlpack` of another library."""
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if stream is not None and type(stream) is not int:
        raise TypeError("stream must be ``int`` or ``none``")
    if stream not in (None, -1):
        raise AssertionError("stream should be None on cpu.")
    if copy is not None and not isinstance(copy, bool):
        raise TypeError(f"_to_dlpack(): argument 'copy' must be bool, not {type_name(copy)}")
    if dl_device is not None:
        if not isinstance(dl_device, tuple):
            raise TypeError(f"_to_dlpack(): argument 'dl_device' must be tuple of ints, not {type_name(dl_device)}")
        if tuple(dl_device) != (1, 0):
            raise NotImplementedError(f"microtorch computes on the CPU alone and has no device {tuple(dl_device)}")
    array = storage.copy(self._array) if copy else self._array
    return array.__dlpack__(max_version=max_version) if max_version is not None else array.__dlpack__()


class _Lent:
    """A capsule in the form in which numpy takes one."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **asked: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


@only_function
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of an array of another library, or of a capsule; with `copy` on a copy.

    RuntimeError: it is no such array, or the capsule has been used. Memory that must not be written to can be, here.
    """
    require_cpu(device)
    if not hasattr(ext_tensor, "__dlpack__"):
        if type(ext_tensor).__name__ != "PyCapsule" or '"dltensor' not in repr(ext_tensor):
            raise RuntimeError(
                "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so "
                "you might have already constructed a tensor from it once."
            )
        ext_tensor = _Lent(ext_tensor)
    array = np.from_dlpack(ext_tensor)
    if array.dtype not in dtypes.FROM_NUMPY:
        raise NotImplementedError(f"microtorch does not have the dtype {array.dtype}")
    if min(array.strides, default=0) < 0:
        raise NotImplementedError("microtorch does not have tensors with negative strides: copy the array first")
    tensor = wrap(storage.borrow(array))
    return tensor.clone() if copy else tensor


@only_function
def to_dlpack(tensor: Tensor, /) -> Any:
    """A capsule with the memory of a tensor, whatever its history."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"_to_dlpack(): argument 'data' (position 1) must be Tensor, not {type_name(tensor)}")
    return tensor._array.__dlpack__()
