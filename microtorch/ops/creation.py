"""New tensors: of one value, of evenly spaced values, like another tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import fit, from_sizes, is_int, no_overload, to_int, to_ints, to_number, wrong_type
from ..casting import cast
from ..engine import mode
from ..kernels.fused import fma
from ..memory import write_out
from ..op import only_function, only_method, requires_grad as any_requires_grad
from ..settings import warn_once
from ..tensor import Tensor, wrap
from ..types import contiguous_format, preserve_format, require_cpu, strided
from ..types import device as Device

Array = np.ndarray[Any, Any]


# -- what all have in common -------------------------------------------------------------------------------------------


def finish(array: Any, requires_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """A leaf on a fresh array, or `out` with its values."""
    if out is not None:
        if out._array.shape != array.shape:
            out._array = np.empty(array.shape, out._array.dtype)
        write_out(out, array)
        return out
    tensor = wrap(array)
    if requires_grad:
        if array.dtype.kind != "f":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        tensor._requires_grad = True
    return tensor


def sizes(name: str, size: Sequence[Any], named: Mapping[str, Any], position: int = 1) -> tuple[int, ...]:
    """The shape given as ints, as a tuple of them, or by name."""
    unknown = [k for k in named if k != "size"]
    if unknown:
        raise TypeError(f"{name}() got an unexpected keyword argument '{unknown[0]}'")
    shape = to_ints("size", 0, named["size"]) if "size" in named and not size else from_sizes("size", position, size)
    if min(shape, default=0) < 0:
        if name == "zeros":
            raise RuntimeError("zeros: Dimension size must be non-negative.")
        check_shape(shape)
    if max(shape, default=0) > 2**24:
        check_shape(shape)
    return shape


def check_shape(shape: Sequence[int]) -> None:
    """No length may be negative, and the memory must be addressable."""
    for n in shape:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(shape)}")
    if math.prod(shape) >= 2**60:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")


def options(
    name: str, dtype: Any, device: Any, layout: Any = None, pin_memory: bool = False, out: Any = None
) -> dtypes.dtype | None:
    """Check what all functions here accept; the dtype that was asked for, that of `out`, or None."""
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype, f"{name}(): argument 'dtype'")
    if device is not None and not isinstance(device, (str, int, Device)):
        raise wrong_type("device", 0, "torch.device", device)
    require_cpu(device)
    if layout is not None and layout is not strided:
        raise NotImplementedError("microtorch has no layout but torch.strided")
    if pin_memory:
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on this "
            "system."
        )
    if out is not None:
        if not isinstance(out, Tensor):
            raise wrong_type("out", 0, "Tensor", out)
        if dtype is not None and dtype is not out.dtype:
            raise RuntimeError(
                f"dtype {dtype.legacy_name} does not match dtype of out parameter ({out.dtype.legacy_name})"
            )
        if mode.grad and any_requires_grad(out):
            if name == "empty":
                raise RuntimeError("cannot resize variables that require grad")
            raise RuntimeError(
                f"aten::{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
                "arguments requires grad."
            )
        return out.dtype
    return dtype


# -- of one value ------------------------------------------------------------------------------------------------------


@only_function
def zeros(
    *size: Any,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """Zeros; the shape as ints or as a tuple of them."""
    chosen = options("zeros", dtype, device, layout, pin_memory, out) or dtypes.get_default_dtype()
    return finish(np.zeros(sizes("zeros", size, named), chosen.numpy), requires_grad, out)


@only_function
def ones(
    *size: Any,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """Ones; the shape as ints or as a tuple of them."""
    chosen = options("ones", dtype, device, layout, pin_memory, out) or dtypes.get_default_dtype()
    return finish(np.ones(sizes("ones", size, named), chosen.numpy), requires_grad, out)


@only_function
def empty(
    *size: Any,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
    **named: Any,
) -> Tensor:
    """Memory as it comes; the shape as ints or as a tuple of them."""
    chosen = options("empty", dtype, device, layout, pin_memory, out) or dtypes.get_default_dtype()
    shape = sizes("empty", size, named)
    if memory_format is preserve_format:
        raise RuntimeError("unsupported memory format Preserve")
    return finish(np.empty(shape, chosen.numpy), requires_grad, out)


@only_function
def full(
    size: Any,
    fill_value: Any,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """One value everywhere; it decides on the dtype, floats becoming the default dtype."""
    shape = to_ints("size", 1, size)
    value = to_number("fill_value", 2, fill_value)
    chosen = options("full", dtype, device, layout, pin_memory, out) or dtypes.of_number(value)
    check_shape(shape)
    return finish(np.full(shape, fit(value, chosen)), requires_grad, out)


@only_function
def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The n×m matrix with ones on the diagonal, zeros elsewhere."""
    rows = to_int("n", 1, n)
    columns = rows if m is None else to_int("m", 2, m)
    chosen = options("eye", dtype, device, layout, pin_memory, out) or dtypes.get_default_dtype()
    for name, count in (("n", rows), ("m", columns)):
        if count < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {count}")
    return finish(np.eye(rows, columns, dtype=chosen.numpy), requires_grad, out)


@only_function
def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Memory as it comes, with given distances, in elements, between neighbours."""
    chosen = options("empty_strided", dtype, device, layout, pin_memory) or dtypes.get_default_dtype()
    return finish(_strided(to_ints("size", 1, size), to_ints("stride", 2, stride), chosen), requires_grad)


def _strided(shape: tuple[int, ...], stride: tuple[int, ...], dtype: dtypes.dtype) -> Array:
    if len(shape) != len(stride):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides ({len(stride)})"
        )
    check_shape(shape)
    if min(stride, default=0) < 0:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(stride)}")
    return storage.empty_strided(shape, stride, dtype.numpy)


# -- of evenly spaced values -------------------------------------------------------------------------------------------

_ARANGE = [
    "Number end, *, Tensor out = None, torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, "
    "bool pin_memory = False, bool requires_grad = False",
    "Number start, Number end, *, torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, bool "
    "pin_memory = False, bool requires_grad = False",
    "Number start, Number end, Number step = 1, *, Tensor out = None, torch.dtype dtype = None, torch.layout layout = None, "
    "torch.device device = None, bool pin_memory = False, bool requires_grad = False",
]


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
        raise no_overload(_ARANGE, bounds)
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
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {_shown(start)} -> {_shown(end)}")
    if not (step > 0 and end >= start or step < 0 and end <= start):
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


_SPACED = [
    f"{a} start, {b} end, int steps, {{}}*, Tensor out = None, torch.dtype dtype = None, torch.layout layout = None, "
    "torch.device device = None, bool pin_memory = False, bool requires_grad = False"
    for a, b in (("Tensor", "Tensor"), ("Number", "Tensor"), ("Tensor", "Number"), ("Number", "Number"))
]


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
    low, high, count = _ends("linspace", start, end, steps, "")
    chosen = options("linspace", dtype, device, layout, pin_memory, out) or dtypes.get_default_dtype()
    return finish(_linspace(low, high, count, chosen), requires_grad, out)


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
    low, high, count = _ends("logspace", start, end, steps, "float base = 10.0, ")
    chosen = options("logspace", dtype, device, layout, pin_memory, out) or dtypes.get_default_dtype()
    wide = chosen if chosen.is_floating_point else dtypes.float64
    exponents = _linspace(low, high, count, wide).astype(np.float64)
    return finish(cast(np.power(float(base), exponents), chosen.numpy), requires_grad, out)


def _ends(name: str, start: Any, end: Any, steps: Any, more: str) -> tuple[float, float, int]:
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
        given = [v for v in (start, end, steps) if v is not None]
        raise no_overload([s.format(more) for s in _SPACED], given)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return to_number("start", 1, values[0]), to_number("end", 2, values[1]), to_int("steps", 3, steps)


def _linspace(start: float, end: float, count: int, dtype: dtypes.dtype) -> Array:
    if dtype is dtypes.bool_:
        raise NotImplementedError("\"linspace_cpu\" not implemented for 'Bool'")
    kind = dtype.numpy if dtype.is_floating_point else np.dtype(np.float64)
    ends = np.array([start, end], np.float64 if dtype.is_floating_point else np.int64)
    low, high = cast(ends, dtype.numpy).astype(kind)
    if count <= 1:
        return cast(np.full(count, low), dtype.numpy)
    step = (high - low) / kind.type(count - 1)
    i = np.arange(count).astype(kind)
    middle = count // 2
    if kind.itemsize == 2:
        values = np.where(i < middle, low + step * i, high - step * (i[-1] - i))
    else:
        values = np.concatenate([fma(step, i[:middle], low), fma(-step, i[-1] - i[middle:], high)])
    return cast(values, dtype.numpy)


# -- like another tensor -----------------------------------------------------------------------------------------------


def _like(name: str, input: Any, dtype: Any, device: Any, layout: Any, memory_format: Any) -> Array:
    """Memory in the shape, the layout and, if no other is asked for, the dtype of a tensor."""
    if not isinstance(input, Tensor):
        raise wrong_type("input", 1, "Tensor", input)
    chosen = options(name, dtype, device, layout) or input.dtype
    array = input._array
    if array.flags.c_contiguous or memory_format is contiguous_format:
        return np.empty(array.shape, chosen.numpy)
    return storage.empty_like(array, chosen.numpy)


@only_function
def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Memory as it comes, in the shape of a tensor."""
    return finish(_like("empty_like", input, dtype, device, layout, memory_format), requires_grad)


@only_function
def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Zeros in the shape of a tensor."""
    array = _like("zeros_like", input, dtype, device, layout, memory_format)
    array.fill(0)
    return finish(array, requires_grad)


@only_function
def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Ones in the shape of a tensor."""
    array = _like("ones_like", input, dtype, device, layout, memory_format)
    array.fill(1)
    return finish(array, requires_grad)


@only_function
def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """One value everywhere in the shape of a tensor."""
    array = _like("full_like", input, dtype, device, layout, memory_format)
    array.fill(fit(to_number("fill_value", 2, fill_value), dtypes.FROM_NUMPY[array.dtype]))
    return finish(array, requires_grad)


def _new(name: str, input: Tensor, size: Sequence[Any], named: dict[str, Any]) -> tuple[tuple[int, ...], Any, bool]:
    chosen = options(
        name, named.pop("dtype", None), named.pop("device", None), named.pop("layout", None), named.pop("pin_memory", False)
    )
    requires_grad = named.pop("requires_grad", False)
    return sizes(name, size, named, 2), (chosen or input.dtype).numpy, requires_grad


@only_method
def new_zeros(self: Tensor, *size: Any, **options: Any) -> Tensor:
    """Zeros of this tensor's dtype."""
    shape, dtype, requires_grad = _new("new_zeros", self, size, options)
    return finish(np.zeros(shape, dtype), requires_grad)


@only_method
def new_ones(self: Tensor, *size: Any, **options: Any) -> Tensor:
    """Ones of this tensor's dtype."""
    shape, dtype, requires_grad = _new("new_ones", self, size, options)
    return finish(np.ones(shape, dtype), requires_grad)


@only_method
def new_empty(self: Tensor, *size: Any, **options: Any) -> Tensor:
    """Memory as it comes, of this tensor's dtype."""
    shape, dtype, requires_grad = _new("new_empty", self, size, options)
    return finish(np.empty(shape, dtype), requires_grad)


@only_method
def new_full(self: Tensor, size: Any, fill_value: Any, **options: Any) -> Tensor:
    """One value everywhere, of this tensor's dtype."""
    shape, dtype, requires_grad = _new("new_full", self, (to_ints("size", 2, size),), options)
    value = fit(to_number("fill_value", 3, fill_value), dtypes.FROM_NUMPY[dtype])
    return finish(np.full(shape, value, dtype), requires_grad)


@only_method
def new_empty_strided(self: Tensor, size: Any, stride: Any, **options: Any) -> Tensor:
    """Memory as it comes, of this tensor's dtype, with given distances between neighbours."""
    shape = to_ints("size", 2, size)
    _, dtype, requires_grad = _new("new_empty_strided", self, (shape,), options)
    return finish(_strided(shape, to_ints("stride", 3, stride), dtypes.FROM_NUMPY[dtype]), requires_grad)
