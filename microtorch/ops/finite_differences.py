"""The gradient of samples by finite differences: made of other operations, whose nodes it leaves in the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import dtypes
from ..arguments import is_int, no_overload, to_int, to_ints, to_number, type_name
from ..op import NUMBERS, only_function
from ..tensor import Tensor, wrap_dim
from .arithmetic import add, mul, neg, require_tensor, sub, true_divide
from .joining import cat
from .numbers import over_number, times_number
from .parts import select, slice_view
from .reduction import axes
from .statistics import diff

Operand = Callable[[], Tensor]


@only_function
def gradient(input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """The partial derivatives of a function that is known by samples, along every dimension or along those in `dim`.

    `spacing`: the distance of the samples, or one for each dimension, or for each the tensor of their coordinates.
    Inside the difference of both neighbours is taken, at the ends of the next `edge_order` ones, 1 or 2.
    """
    require_tensor("input", 1, input)
    if dim is not None and not (is_int(dim) or (isinstance(dim, (tuple, list)) and all(map(is_int, dim[:1])))):
        raise no_overload()
    if not is_int(edge_order):
        raise no_overload()
    edge_order = to_int("edge_order", 0, edge_order)
    dims = None if dim is None else to_ints("dim", 0, dim, or_one=True)
    distances = _distances(spacing, input.ndim if dims is None else len(dims))
    _check(input, len(distances), dims, edge_order)
    places = range(input.ndim) if dims is None else [wrap_dim(d, input.ndim) for d in dims]
    slopes = []
    for distance, axis in zip(distances, places, strict=True):
        along = _between if isinstance(distance, Tensor) else _evenly
        slopes.append(cat(along(input, distance, axis, edge_order), axis))
    return tuple(slopes)


def _distances(spacing: Any, count: int) -> Sequence[Any]:
    """What was given for each dimension, or one number for all."""
    if spacing is None:
        return [1.0] * count
    if not isinstance(spacing, (tuple, list)):
        try:
            return [to_number("spacing", 0, spacing)] * count
        except TypeError:
            raise no_overload() from None
    if not all(isinstance(each, NUMBERS) for each in spacing):
        for i, each in enumerate(spacing):
            if not isinstance(each, Tensor):
                raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type_name(each)}")
    return spacing


def _check(input: Tensor, given: int, dims: tuple[int, ...] | None, edge_order: int) -> None:
    if input.dtype is dtypes.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input.")
    if dims is None and given != input.ndim:
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to 'self.dim() = "
            f"{input.ndim}', since dim argument was not given, but got a list of length {given}"
        )
    if dims is not None and given != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the "
            f"same length, but got a spacing argument of length {given} and a dim argument of length {len(dims)}."
        )
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    if dims is not None:
        axes(dims, input.ndim)
        if dims and not input.ndim:
            raise IndexError(f"Dimension specified as {dims[0]} but tensor has no dimensions")
    if any(input.shape[d] <= edge_order for d in (range(input.ndim) if dims is None else dims)):
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")


# torch evaluates the operands of an operator from the right, which shows in the order in which gradients are added up.


def _from_right(function: Callable[..., Tensor], left: Operand, right: Operand) -> Tensor:
    """A function of two operands, each made when its turn comes."""
    second = right()
    return function(left(), second)


def _parts(x: Tensor, axis: int) -> Callable[..., Operand]:
    """Slices along a dimension from one bound to another, times a number or a tensor, each as an operand."""

    def part(start: int, end: int | None = None, times: Any = None) -> Operand:
        plain = partial(slice_view, x, axis, start, end, 1)
        if times is None:
            return plain
        return (lambda: mul(times, plain())) if isinstance(times, Tensor) else lambda: times_number(plain(), times)

    return part


def _evenly(x: Tensor, distance: Any, axis: int, edge_order: int) -> list[Tensor]:
    """The slope at the first sample, inside and at the last, of samples at one distance."""
    part, h = _parts(x, axis), to_number("spacing", 0, distance)
    inside = over_number(_from_right(sub, part(2), part(0, -2)), h)
    if edge_order == 1:
        first = _from_right(sub, part(1, 2), part(0, 1))
    else:
        first = _from_right(sub, partial(_from_right, add, part(0, 1, -1.5), part(1, 2, 2)), part(2, 3, 0.5))
    first = over_number(first, h)
    if edge_order == 1:
        last = _from_right(sub, part(-1), part(-2, -1))
    else:
        last = _from_right(add, partial(_from_right, sub, part(-3, -2, 0.5), part(-2, -1, 2)), part(-1, None, 1.5))
    last = over_number(last, h)
    return [first, over_number(inside, 2), last]


def _between(x: Tensor, coordinates: Tensor, axis: int, edge_order: int) -> list[Tensor]:
    """The same of samples at coordinates of their own: parabolas through three of them, or at the ends lines."""
    if coordinates.ndim != 1:
        raise RuntimeError(
            "torch.gradient expected each element of spacing to have one dimension, but got an element with "
            f"{coordinates.ndim} dimensions!"
        )
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    part, h = _parts(x, axis), diff(coordinates, 1, 0)
    before, after = slice_view(h, 0, 0, -1, 1), slice_view(h, 0, 1, None, 1)
    scale = mul(before, add(before, after))
    a = true_divide(neg(after), scale).reshape(shape)
    scale = mul(before, after)
    b = true_divide(sub(after, before), scale).reshape(shape)
    scale = mul(after, add(before, after))
    c = true_divide(before, scale).reshape(shape)
    inside = _sum([part(0, -2, a), part(1, -1, b), part(2, None, c)])
    if edge_order == 2:
        return [_at_first(part, h), inside, _at_last(part, h)]
    scale = select(h, 0, 0)
    first = true_divide(_from_right(sub, part(1, 2), part(0, 1)), scale)
    scale = select(h, 0, -1)
    return [first, inside, true_divide(_from_right(sub, part(-1), part(-2, -1)), scale)]


def _sum(terms: Sequence[Operand]) -> Tensor:
    """The sum of three."""
    first, second, third = terms
    return _from_right(add, partial(_from_right, add, first, second), third)


def _at_first(part: Callable[..., Operand], h: Tensor) -> Tensor:
    """The slope at the first sample of the parabola through the first three."""
    near, middle, far = _weights(h, 0, 1, 2.0)
    a, b, c = _quotient(near, True), _quotient(middle), _quotient(far, True)
    return _sum([part(0, 1, a), part(1, 2, b), part(2, 3, c)])


def _at_last(part: Callable[..., Operand], h: Tensor) -> Tensor:
    """The slope at the last sample of the parabola through the last three."""
    near, middle, far = _weights(h, -1, -2, 2)
    a, b, c = _quotient(far), _quotient(middle, True), _quotient(near)
    return _sum([part(-3, -2, a), part(-2, -1, b), part(-1, None, c)])


def _quotient(fraction: Callable[[], tuple[Tensor, Tensor]], negative: bool = False) -> Tensor:
    below, above = fraction()
    return true_divide(neg(above) if negative else above, below)


def _weights(h: Tensor, near: int, far: int, two: float) -> list[Callable[[], tuple[Tensor, Tensor]]]:
    """What the weights of the near sample, the middle one and the far one are divided by, and what is divided."""
    n, f = partial(select, h, 0, near), partial(select, h, 0, far)
    both = partial(_from_right, add, n, f)
    return [
        lambda: (_from_right(mul, n, both), _from_right(add, lambda: times_number(n(), two), f)),
        lambda: (_from_right(mul, n, f), both()),
        lambda: (_from_right(mul, f, both), n()),
    ]
