"""New tensors: of one value, like another tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import fit, from_sizes, no_overload, to_int, to_ints, to_number, wrong_type
from ..engine import mode
from ..memory import write_out
from ..op import only_function, only_method
from ..op import requires_grad as any_requires_grad
from ..tensor import Tensor, wrap
from ..types import contiguous_format, preserve_format, require_cpu, strided
from ..types import device as Device

Array = np.ndarray[Any, Any]


# -- what all have in common -------------------------------------------------------------------------------------------


def finish(array: Any, requires_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """A leaf on a fresh array, or `out` with its values."""
    if out is not None:
        if out._array.shape != array.shape:
            out._array = storage.resized(out._array, array.shape)
        write_out(out, array)
    tensor = wrap(array) if out is None else out
    if requires_grad and array.dtype.kind != "f":
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    if requires_grad or (out is not None and out.is_leaf):
        tensor._requires_grad = requires_grad
    return tensor


def sizes(name: str, size: Sequence[Any], named: Mapping[str, Any], position: int = 1) -> tuple[int, ...]:
    """The shape given as ints, as a tuple of them, or by name."""
    if named and (unknown := [k for k in named if k != "size"]):
        raise TypeError(f"{name}() got an unexpected keyword argument '{unknown[0]}'")
    if named and size:
        raise (
            no_overload()
            if name in ("rand", "randn")
            else TypeError(f"{name}() got multiple values for argument 'size'")
        )
    shape = to_ints("size", 0, named["size"]) if named and not size else from_sizes("size", position, size)
    for n in shape:
        if not 0 <= n <= 2**24:
            if name == "zeros" and min(shape) < 0:
                raise RuntimeError("zeros: Dimension size must be non-negative.")
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


@only_function
def empty_permuted(
    size: Any,
    physical_layout: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Memory as it comes, without gaps; its dimensions lie in memory in the order given, the outermost first."""
    shape, order = to_ints("size", 1, size), to_ints("physical_layout", 2, physical_layout)
    chosen = options("empty_permuted", dtype, device, layout, pin_memory) or dtypes.get_default_dtype()
    if len(order) != len(shape):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(shape)} is not equal to len(physical_layout) = {len(order)}"
        )
    for i, axis in enumerate(order):
        if not 0 <= axis < len(shape):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(shape) - 1}, but got {axis} at index {i}).  "
                "NB: negative dims not currently supported; file an issue if you want it."
            )
        if axis in order[:i]:
            raise RuntimeError("Duplicate dim not allowed")
    check_shape([shape[axis] for axis in order])
    strides, distance = [0] * len(shape), 1
    for axis in reversed(order):
        strides[axis] = distance
        distance *= max(shape[axis], 1)
    return finish(storage.empty_strided(shape, tuple(strides), chosen.numpy), requires_grad)


def _strided(shape: tuple[int, ...], stride: tuple[int, ...], dtype: dtypes.dtype) -> Array:
    if len(shape) != len(stride):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides ({len(stride)})"
        )
    check_shape(shape)
    if min(stride, default=0) < 0:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(stride)}")
    return storage.empty_strided(shape, stride, dtype.numpy)


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
        name,
        named.pop("dtype", None),
        named.pop("device", None),
        named.pop("layout", None),
        named.pop("pin_memory", False),
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
