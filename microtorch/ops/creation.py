"""New tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..op import composite, only_function
from ..tensor import Tensor, wrap
from ..types import require_cpu


def finish(array: Any, requires_grad: bool = False) -> Tensor:
    """A leaf on a fresh array."""
    tensor = wrap(array)
    if requires_grad:
        tensor.requires_grad = True
    return tensor


@composite
def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None) -> Tensor:
    """Zeros in the shape of `input`."""
    require_cpu(device)
    return finish(np.zeros_like(input._array, None if dtype is None else dtype.numpy), requires_grad)


@composite
def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None) -> Tensor:
    """Ones in the shape of `input`."""
    require_cpu(device)
    return finish(np.ones_like(input._array, None if dtype is None else dtype.numpy), requires_grad)


@only_function
def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`."""
    require_cpu(device)
    array = np.array(data._array if isinstance(data, Tensor) else data)
    if dtype is None and array.dtype == np.float64 and not isinstance(data, np.ndarray):
        dtype = dtypes.get_default_dtype()
    return finish(array if dtype is None else array.astype(dtype.numpy), requires_grad)
