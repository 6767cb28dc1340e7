"""Tensors filled with random numbers in place: x.uniform_(), x.normal_(0, 0.01), …; what was in them is forgotten."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import is_int, no_overload, to_float
from ..kernels.layout import memory_axes
from ..op import REGISTRY, op
from ..tensor import Tensor
from .creation import zeros_like
from .generator import stream


def filled(array: Any, draw: Any, *args: Any, **named: Any) -> Any:
    """An array like the given one with draws in the order in which its elements lie in memory."""
    result = np.empty_like(array, order="K")
    ordered = result.transpose(memory_axes(array))
    ordered[...] = draw(ordered.shape, array.dtype, *args, **named)
    return result


def _no_gradient(g):
    return zeros_like(g)


@op(input=_no_gradient, in_place=True, out=False, public="in place")
def uniform(input, from_=0.0, to=1.0, *, generator=None):
    """Uniform numbers in [from, to)."""
    return filled(input, stream(generator, "uniform_").uniform, to_float("from", 2, from_), to_float("to", 3, to))


@op(input=_no_gradient, in_place=True, out=False, public="in place")
def normal(input, mean=0.0, std=1.0, *, generator=None):
    """Normal numbers of this mean and standard deviation."""
    mean, std = to_float("mean", 2, mean), to_float("std", 3, std)
    return filled(input, stream(generator, "normal_").normal, mean, std, contiguous=input.flags.c_contiguous)


def _random_node(input, from_, to, generator):
    return "RandomBackward2" if from_ is to is None else "RandomBackward1" if None in (from_, to) else "RandomBackward0"


@op(input=_no_gradient, node=_random_node, in_place=True, out=False, public="in place")
def random(input, from_=None, to=None, *, generator=None):
    """Integers in [from, to), in [0, from), or up to the last that the dtype counts to without gaps."""
    if not all(bound is None or is_int(bound) for bound in (from_, to)):
        raise no_overload()
    source = stream(generator, "random_")
    if from_ is to is None:
        return filled(input, source.integers_full)
    bounds = (0, int(to if from_ is None else from_)) if None in (from_, to) else (int(from_), int(to))
    return filled(input, lambda shape, dtype: source.integers(*bounds, shape, dtype))


@op(
    input=_no_gradient,
    p=None,
    node=lambda input, p, generator: "BernoulliBackward1" if isinstance(p, Tensor) else "BernoulliBackward2",
    numbers=("p",),
    check_in_place=lambda input, p: p.expand(input.shape) if isinstance(p, Tensor) else None,
    in_place=True,
    out=False,
    public="in place",
)
def bernoulli(input, p=0.5, *, generator=None):
    """1 with probability p, a number or a tensor that broadcasts, else 0."""
    source = stream(generator, "bernoulli_")
    if isinstance(p, np.ndarray):
        p = REGISTRY["expand"].forward(p, input.shape).transpose(memory_axes(input))
    return filled(input, lambda shape, dtype: source.bernoulli(p, shape, dtype))


@op(input=_no_gradient, in_place=True, out=False, public="in place")
def exponential(input, lambd=1.0, *, generator=None):
    """Exponential numbers of rate λ."""
    return filled(input, stream(generator, "exponential_").exponential, to_float("lambd", 2, lambd))


@op(input=_no_gradient, in_place=True, out=False, public="in place")
def cauchy(input, median=0.0, sigma=1.0, *, generator=None):
    """Cauchy numbers."""
    return filled(
        input, stream(generator, "cauchy_").cauchy, to_float("median", 2, median), to_float("sigma", 3, sigma)
    )


@op(input=_no_gradient, in_place=True, out=False, public="in place")
def log_normal(input, mean=1.0, std=2.0, *, generator=None):
    """e to the power of normal numbers."""
    return filled(
        input, stream(generator, "log_normal_").log_normal, to_float("mean", 2, mean), to_float("std", 3, std)
    )


@op(input=_no_gradient, in_place=True, out=False, public="in place")
def geometric(input, p, *, generator=None):
    """How many tries the first success takes."""
    p = to_float("p", 2, p)
    source = stream(generator, "geometric_")
    return filled(input, lambda shape, dtype: source.geometric(p, shape, dtype))
