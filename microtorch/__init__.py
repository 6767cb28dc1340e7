"""PyTorch's eager core on numpy, under torch's names."""

import warnings as _warnings

from . import autograd, binding, dtypes
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
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
from .dtypes import bool_ as bool  # noqa: A004
from .dtypes import float32 as float  # noqa: A004
from .dtypes import int32 as int  # noqa: A004
from .op import FUNCTIONS as _FUNCTIONS
from .printing import set_printoptions
from .tensor import Tensor
from .types import Size, contiguous_format, device, layout, memory_format, preserve_format, strided

# Overflow, division by zero and nan are values here, as in torch; numpy's warnings about them stop at our own modules.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"microtorch\.")

globals().update(_FUNCTIONS)

__version__ = "2.13.0"  # the torch whose behaviour this is
