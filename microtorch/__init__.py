"""PyTorch's eager core on numpy, under torch's names."""

from math import e, inf, nan, pi
from types import ModuleType as _Module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

import numpy as _numpy  # first, from the top: deep in other imports it takes a third longer

from . import autograd, binding, dtypes
from . import printing as _tensor_str
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .autograd.grad_mode import is_inference_mode_enabled
from .dtypes import bool_ as bool
from .dtypes import (
    can_cast,
    double,
    dtype,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    set_default_dtype,
    short,
    uint8,
)
from .dtypes import float32 as float
from .dtypes import int32 as int
from .later import member as _member
from .later import stand_in as _stand_in
from .op import FUNCTIONS as _FUNCTIONS
from .ops.data import tensor
from .printing import set_printoptions
from .settings import (
    are_deterministic_algorithms_enabled,
    get_default_device,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    get_num_threads,
    is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled,
    set_default_device,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    set_num_threads,
    set_warn_always,
    use_deterministic_algorithms,
)
from .tensor import Tensor
from .types import Size, contiguous_format, device, layout, memory_format, preserve_format, strided

newaxis = None

__version__ = "2.13.0"  # the torch whose behaviour this is


if _TYPE_CHECKING:
    from . import backends, cuda, linalg, nn, optim, random, special, utils
    from .autograd.anomaly_mode import is_anomaly_check_nan_enabled, is_anomaly_enabled, set_anomaly_enabled
    from .ops.generator import Generator, default_generator

# What not every program needs is loaded when it is asked for, as are most operations: exp, where, manual_seed, …
_INDEX = {
    "": "backends cuda linalg nn optim random return_types serialization special testing utils version",
    "autograd.anomaly_mode": "is_anomaly_check_nan_enabled is_anomaly_enabled set_anomaly_enabled",
    "serialization": "load save",
}
_LATER = {name: home or name for home, names in _INDEX.items() for name in names.split()}


def _installed() -> None:
    """Now that `import torch` gives this package, its classes say so when they are printed."""
    _stand_in("torch", [Tensor, Size, dtype, device, layout, memory_format])


def __getattr__(name: str) -> _Any:
    if name in _FUNCTIONS:
        globals()[name] = _FUNCTIONS[name]
        return _FUNCTIONS[name]
    if name in _LATER:
        return _member(__name__, _LATER, name)
    if name == "__all__":  # for `from torch import *`
        here = (name for name, value in globals().items() if not isinstance(value, _Module))
        later = (name for name, home in _LATER.items() if name != home)  # so do modules not belong to it
        return sorted(name for name in {*_FUNCTIONS, *here, *later} if not name.startswith("_"))
    from .lacking import lacking

    raise lacking("torch", name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_FUNCTIONS, *_LATER})
