"""New random tensors, as torch draws them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import to_int
from ..op import composite, only_function, op
from ..tensor import Tensor, wrap
from ..types import require_cpu
from .arithmetic import require_tensor
from .creation import empty_like, finish, sizes, zeros_like
from .distributions import filled
from .generator import stream


def _dtype(dtype: Any, default: dtypes.dtype | None = None) -> Any:
    return (default or dtypes.get_default_dtype()).numpy if dtype is None else dtype.numpy


# -- new tensors -------------------------------------------------------------------------------------------------------


@only_function
def rand(
    *size: Any,
    generator: Any = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    **named: Any,
) -> Tensor:
    """Uniform numbers in [0, 1)."""
    shape = sizes("rand", size, named)
    require_cpu(device)
    source = stream(generator, "rand")
    dtype = out.dtype if out is not None and dtype is None else dtype
    return finish(source.uniform(shape, _dtype(dtype)), requires_grad, out)


@only_function
def randn(
    *size: Any,
    generator: Any = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    **named: Any,
) -> Tensor:
    """Normal numbers of mean 0 and variance 1."""
    shape = sizes("randn", size, named)
    require_cpu(device)
    source = stream(generator, "randn")
    dtype = out.dtype if out is not None and dtype is None else dtype
    return finish(source.normal(shape, _dtype(dtype)), requires_grad, out)


@only_function
def randint(
    *bounds: Any,
    low: int = 0,
    high: int | None = None,
    size: Any = None,
    generator: Any = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Integers in [low, high), each equally likely; low is 0 where it is left out."""
    given = list(bounds)
    if size is None and given:
        size = given.pop()
    if high is None and given:
        high = given.pop()
    if given:
        low = given.pop()
    if isinstance(size, int):
        raise TypeError("randint(): argument 'size' (position 2) must be tuple of ints, not int")
    if high is None or size is None or given:
        raise TypeError("randint() needs an upper bound and a size: randint(high, size) or randint(low, high, size)")
    require_cpu(device)
    source = stream(generator, "randint")
    dtype = out.dtype if out is not None and dtype is None else dtype
    return finish(
        source.integers(int(low), int(high), sizes("randint", (size,), {}), _dtype(dtype, dtypes.int64)),
        requires_grad,
        out,
    )


@only_function
def randperm(
    n: int,
    *,
    generator: Any = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """The numbers 0 … n − 1 in random order."""
    n = to_int("n", 1, n)
    require_cpu(device)
    source = stream(generator, "randperm")
    dtype = out.dtype if out is not None and dtype is None else dtype
    return finish(source.permutation(n, _dtype(dtype, dtypes.int64)), requires_grad, out)


def _like(input: Tensor, dtype: Any, device: Any) -> np.ndarray[Any, Any]:
    require_cpu(device)
    return np.empty_like(input._array, _dtype(dtype, input.dtype), order="K")


@only_function
def rand_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Any = None,
    **_: Any,
) -> Tensor:
    """Uniform numbers in [0, 1) in the shape of `input`."""
    return finish(filled(_like(input, dtype, device), stream(generator, "rand_like").uniform), requires_grad)


@only_function
def randn_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Any = None,
    **_: Any,
) -> Tensor:
    """Normal numbers of mean 0 and variance 1 in the shape of `input`."""
    array = _like(input, dtype, device)
    source = stream(generator, "randn_like")
    return finish(filled(array, source.normal, contiguous=array.flags.c_contiguous), requires_grad)


@only_function
def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Any = None,
    **_: Any,
) -> Tensor:
    """Integers in [low, high), or in [0, low), in the shape and dtype of `input`."""
    bounds = (0, low) if high is None else (low, high)
    source = stream(generator, "randint_like")
    array = filled(_like(input, dtype, device), lambda shape, dtype: source.integers(*bounds, shape, dtype))
    return finish(array, requires_grad)


# -- tensors of which every element has a distribution of its own ------------------------------------------------------


@only_function
def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Any = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Normal numbers; mean and std are numbers, or tensors that broadcast."""
    source = stream(generator, "normal")
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        if size is None:
            raise TypeError("normal() of two numbers needs a size: normal(mean, std, size)")
        require_cpu(device)
        dtype = out.dtype if out is not None and dtype is None else dtype
        array = source.normal(sizes("normal", (size,), {}), _dtype(dtype), float(mean), float(std))
        return finish(array, requires_grad, out)
    result = normal_of(mean, std, generator=source)
    return result if out is None else out.copy_(result)


@op(
    mean=lambda g: zeros_like(g),
    std=lambda g: zeros_like(g),
    node=lambda mean, std, generator: (
        "NormalBackward3"
        if isinstance(mean, Tensor) and isinstance(std, Tensor)
        else "NormalBackward1"
        if isinstance(mean, Tensor)
        else "NormalBackward2"
    ),
    promotion="promote",
    numbers=("mean", "std"),
    numbers_alone=True,
    out=False,
    public=False,
)
def normal_of(mean, std, *, generator):
    """z·std + mean, each product and sum rounded, for z drawn in the common shape."""
    if isinstance(std, np.ndarray) and std.size and not (std >= 0).all():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    shape = np.broadcast_shapes(np.shape(mean), np.shape(std))
    dtype = mean.dtype if isinstance(mean, np.ndarray) else std.dtype
    if not isinstance(std, np.ndarray):
        return generator.normal(shape, dtype, 0.0, float(std)) + mean
    return generator.normal(shape, dtype) * std + mean


@composite
def bernoulli(input: Tensor, p: float | None = None, *, generator: Any = None, out: Tensor | None = None) -> Tensor:
    """1 with probability `input`, or p, else 0."""
    if p is not None:
        result = empty_like(input).bernoulli_(p, generator=generator)
    else:
        result = bernoulli_of(input, generator=stream(generator, "bernoulli"))
    return result if out is None else out.copy_(result)


@op(input=lambda g: zeros_like(g), node="BernoulliBackward0", out=False, public=False)
def bernoulli_of(input, *, generator):
    """1 with probability `input`, else 0."""
    return generator.bernoulli(input, input.shape, input.dtype)


@composite
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None, out: Tensor | None = None
) -> Tensor:
    """Indices drawn from each row with probabilities proportional to its elements; int64."""
    chosen = stream(generator, "multinomial").multinomial(input._array, num_samples, replacement)
    return finish(np.ascontiguousarray(chosen), False, out)


@only_function
def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Elements set to 0 with probability p and the others divided by 1 − p; with `train` False, the input itself."""
    require_tensor("input", 1, input)
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    if p == 0 or not train or input.numel() == 0:
        return input
    return input * dropout_mask(input, p)


@only_function
def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`dropout` in place."""
    require_tensor("input", 1, input)
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    if p == 0 or not train or input.numel() == 0:
        return input
    return input.mul_(dropout_mask(input, p))


def dropout_mask(input: Tensor, p: float) -> Tensor:
    """What dropout multiplies by: 0 or 1/(1 − p); for p = 1, zeros without a draw."""
    if p == 1:
        return wrap(np.zeros((), input._array.dtype))
    return empty_like(input).bernoulli_(1 - p).div_(1 - p)
