"""New tensors of evenly spaced values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import is_int, no_overload, to_int, to_number
from ..casting import cast
from ..kernels.fused import fma
from ..op import only_function
from ..settings import warn_once
from ..tensor import Tensor
from .creation import check_shape, finish, options

Array = np.ndarray[Any, Any]


@only_function
def arange(
    *bounds: Any,
    start: Any = None,
    end: Any = None,
    step: Any = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from `start` (0) in steps of `step` (1) to before `end`; int64 if all three are integers."""
    named = [("start", start), ("end", end), ("step", step)]
    given = list(bounds)
    if len(given) == 1 and end is None:
        given.insert(0, start if start is not None else 0)
        named = named[2:]
    elif start is not None:
        given.insert(0, start)
    given += [value for _, value in named[len(given) :] if value is not None]
    if not bounds and start is None and end is not None:
        given.insert(0, 0)
    if not 2 <= len(given) <= 3 or len(bounds) > 3:
        if start is not None and end is None and not bounds:
            raise TypeError('arange() missing 1 required positional arguments: "end"')
        raise no_overload()
    alone = len(bounds) == 1
    names = [("start", 0 if alone else 1), ("end", 1 if alone else 2), ("step", 3)]
    low, high, by, *_ = [to_number(n, p, v) for (n, p), v in zip(names, [*given, 1][:3], strict=True)]
    chosen = options("arange", dtype, device, layout, pin_memory, out)
    if chosen is None:
        fractional = any(isinstance(v, float) for v in (low, high, by))
        chosen = dtypes.get_default_dtype() if fractional else dtypes.int64
    array = _arange(low, high, by, chosen)
    if out is not None and out.numel() != array.size and out.numel():
        warn_once(
            f"The number of elements in the out tensor of shape {list(out.shape)} is {out.numel()} which does not match the "
            f"computed number of elements {array.size}. Note that this may occur as a result of rounding error. The out "
            f"tensor will be resized to a tensor of shape ({array.size},)."
        )
    return finish(array, requires_grad, out)


def _arange(start: Any, end: Any, step: Any, dtype: dtypes.dtype) -> Array:
    if dtype is dtypes.bool_:
        raise NotImplementedError("\"arange_cpu\" not implemented for 'Bool'")
    if not dtype.is_floating_point:
        exact = [int(v) if math.isfinite(v) else v for v in (start, end, step)]
        if dtype is dtypes.int64 and exact[2] == 0 != step:
            raise ValueError("step must be nonzero")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {_shown(start)} -> {_shown(end)}")
    if not ((step > 0 and end >= start) or (step < 0 and end <= start)):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is dtypes.int64:
        start, end, step = exact
        count = max(-((start - end) // step), 0)
    else:
        count = math.ceil((float(end) - float(start)) / float(step))
    check_shape((count,))
    if not dtype.is_floating_point:
        start, _, step = exact
        return cast(start + step * np.arange(count), dtype.numpy)
    return _steps(float(start), float(step), count, dtype.numpy)


def _shown(value: float) -> str:
    return f"{value:g}"


def _steps(start: float, step: float, count: int, dtype: Any) -> Array:
    """start + i·step in the order of torch's vector loop.

    It goes forward by two vectors of 32 bytes at a time: the first element of a vector is rounded to the dtype, the others
    are counted from there. The rest is computed one by one.
    """
    lanes = 32 // dtype.itemsize
    wide = np.dtype(np.float32) if dtype.itemsize == 2 else np.dtype(np.float64)
    i = np.arange(count, dtype=wide)
    by, origin = wide.type(step), wide.type(start)
    result = cast(fma(by, i, origin), dtype)
    whole = count - count % (2 * lanes)
    if whole:
        first = result[:whole:lanes].astype(wide)[:, None]
        result[:whole] = cast(fma(i[:lanes], by, first), dtype).reshape(-1)
    return result


@only_function
def range(start: Any = 0, end: Any = None, step: Any = 1, **named: Any) -> Tensor:
    """`arange` with `end` included; deprecated."""
    warn_once(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with Python's "
        "range builtin. Instead, use torch.arange, which produces values in [start, end)."
    )
    if end is None:
        start, end = 0, start
    dtype = named.pop("dtype", None) or dtypes.get_default_dtype()
    count = math.floor((float(end) - float(start)) / float(step)) + 1
    return finish(_steps(float(start), float(step), count, dtype.numpy), named.get("requires_grad", False))


@only_function
def linspace(
    start: Any,
    end: Any = None,
    steps: Any = None,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers from `start` to `end`, both included, at equal distances."""
    low, high, count = _ends("linspace", start, end, steps)
    chosen = options("linspace", dtype, device, layout, pin_memory, out) or dtypes.get_default_dtype()
    if chosen is dtypes.bool_:
        raise NotImplementedError("\"linspace_cpu\" not implemented for 'Bool'")
    return finish(cast(spaced(low, high, count, chosen), chosen.numpy), requires_grad, out)


@only_function
def logspace(
    start: Any,
    end: Any = None,
    steps: Any = None,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers from base^start to base^end whose logarithms are at equal distances."""
    low, high, count = _ends("logspace", start, end, steps)
    chosen = options("logspace", dtype, device, layout, pin_memory, out) or dtypes.get_default_dtype()
    if chosen is dtypes.bool_:
        raise NotImplementedError("\"logspace_cpu\" not implemented for 'Bool'")
    exponents = spaced(low, high, count, chosen).astype(np.float64)
    return finish(cast(np.power(float(base), exponents), chosen.numpy), requires_grad, out)


def _ends(name: str, start: Any, end: Any, steps: Any) -> tuple[float, float, int]:
    values = []
    for what, value in (("start", start), ("end", end)):
        if isinstance(value, Tensor):
            if value.ndim:
                raise RuntimeError(
                    f"{name} only supports 0-dimensional start and end tensors, but got {what} with {value.ndim} dimension(s)."
                )
            value = value._array.item()
        values.append(value)
    if isinstance(steps, bool) or not is_int(steps) or any(isinstance(v, str) or v is None for v in values):
        raise no_overload()
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return to_number("start", 1, values[0]), to_number("end", 2, values[1]), to_int("steps", 3, steps)


def spaced(start: float, end: float, count: int, dtype: dtypes.dtype) -> Array:
    """Evenly spaced numbers between two ends that are first brought to the dtype; float64 if it has integers."""
    kind = dtype.numpy if dtype.is_floating_point else np.dtype(np.float64)
    ends = np.array([start, end], np.float64 if dtype.is_floating_point else np.int64)
    low, high = cast(ends, dtype.numpy).astype(kind)
    if count <= 1:
        return np.full(count, low)
    with np.errstate(over="ignore"):
        step = (high - low) / kind.type(count - 1)
    i = np.arange(count).astype(kind)
    middle = count // 2
    if kind.itemsize == 2:
        return np.where(i < middle, low + step * i, high - step * (i[-1] - i))
    return np.concatenate([fma(step, i[:middle], low), fma(-step, i[-1] - i[middle:], high)])
