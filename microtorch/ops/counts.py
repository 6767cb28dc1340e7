"""Random counts of which every element has a distribution of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..kernels import counts
from ..memory import warn_resized
from ..op import not_implemented, only_function, op
from ..tensor import Tensor
from .arithmetic import require_tensor
from .creation import zeros_like
from .generator import stream


@only_function
def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Poisson numbers, each of the mean that stands in its place."""
    require_tensor("input", 1, input)
    return poisson_of(input, stream(generator, "poisson"))


@op(input=lambda g: zeros_like(g), node="PoissonBackward0", out=False, public=False)
def poisson_of(input, generator):
    """Poisson numbers of these means, drawn in the order of the elements."""
    if input.dtype.kind != "f":
        raise not_implemented("poisson_cpu", dtypes.FROM_NUMPY[input.dtype])
    result = np.empty(input.size, np.float64)
    for i, rate in enumerate(input.ravel().tolist()):
        if not rate >= 0:
            raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
        result[i] = counts.poisson(generator.one_uniform, rate)
    return result.astype(input.dtype).reshape(input.shape)


@only_function
def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """How many of `count` tries succeed if each does with probability `prob`; the two broadcast."""
    require_tensor("count", 1, count)
    require_tensor("prob", 2, prob)
    return binomial_of(count, prob, stream(generator, "binomial"))


@op(count=lambda g: None, prob=lambda g: None, node="NotImplemented", called="binomial", out=False, public=False)
def binomial_of(count, prob, generator):
    """Binomial numbers, drawn in the order of the elements."""
    dtype, other = dtypes.FROM_NUMPY[count.dtype], dtypes.FROM_NUMPY[prob.dtype]
    for name, given in (("count", dtype), ("prob", other)):
        if not given.is_floating_point:
            raise ValueError(f"binomial only supports floating-point dtypes for {name}, got: {given.legacy_name}")
    if dtype is not other:
        raise RuntimeError(f"Found dtype {other.legacy_name} but expected {dtype.legacy_name}")
    if dtype is dtypes.float16:
        raise not_implemented("binomial_cpu", dtype)
    n, p = np.broadcast_arrays(count, prob)
    if n.shape != count.shape and count.size:
        warn_resized(count.shape, n.shape)
    if np.isnan(n).any():
        raise NotImplementedError("microtorch does not have binomial numbers of nan tries, which torch draws for ever")
    with np.errstate(all="ignore"):
        drawn = [counts.binomial(generator.one_uniform, *each) for each in zip(n.ravel(), p.ravel(), strict=True)]
    return np.array(drawn, count.dtype).reshape(n.shape)
