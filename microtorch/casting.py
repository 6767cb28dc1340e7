"""Conversion of elements from one dtype to another, where C++ leaves the result open: as torch's kernels do on x86-64."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_FLOAT16, _FLOAT32, _FLOAT64 = map(np.dtype, ("f2", "f4", "f8"))


def cast(values: Array, dtype: np.dtype[Any], order: Any = "K") -> Array:
    """The values in another dtype, in new memory unless the dtype is theirs.

    A float64 becomes a float16 by way of float32 and a small integer by way of int32 (a byte by way of int64); what
    does not fit there, nan too, becomes the smallest integer. Larger integers lose their upper bits.
    """
    if values.dtype is dtype:
        return values
    source = values.dtype
    if source.kind != "f" or dtype.kind == "b" or (dtype.kind == "f" and dtype is not _FLOAT16):
        return values.astype(dtype, order=order)
    with np.errstate(all="ignore"):
        if dtype is _FLOAT16:
            return values.astype(_FLOAT32, order=order).astype(dtype, order=order)
        if source is _FLOAT64:
            limit = 2.0**63 if dtype.kind == "u" or dtype.itemsize == 8 else 2.0**31
            within = np.abs(values) < limit  # False for nan
            if not within.all():
                values = np.where(within, values, -limit)
            if dtype.itemsize < 8:
                values = values.astype(np.int64, order=order)
        return values.astype(dtype, order=order)
