"""`make_tensor`: random values of any dtype to test with."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from .. import dtypes
from ..ops.creation import empty
from ..ops.random import randint
from ..tensor import Tensor
from ..types import require_cpu


def make_tensor(
    *shape: Any,
    dtype: dtypes.dtype,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of values drawn uniformly from [low, high), from [-9, 10) for integers and [-9, 9) for floats.

    `noncontiguous`: it shows every other element along its last dimension; `exclude_zero`: the smallest positive number
    stands in the place of 0. ValueError: there is no such interval in the dtype.
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    require_cpu(device)
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"{noncontiguous=} and {memory_format=}"
        )
    if requires_grad and not dtype.is_floating_point:
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got dtype={dtype!r}"
        )
    noncontiguous = noncontiguous and math.prod(sizes) > 1
    if noncontiguous:
        sizes = (*sizes[:-1], 2 * sizes[-1])
    start, end = _interval(dtype, low, high)
    if not dtype.is_floating_point:
        made = randint(math.ceil(start), math.ceil(end), sizes, dtype=dtype)
    elif end - start >= dtypes.finfo(dtype).max:  # more than a draw can span
        made = empty(sizes, dtype=dtype).uniform_(start / 2, end / 2).mul_(2)
    else:
        made = empty(sizes, dtype=dtype).uniform_(start, end)
    if noncontiguous:
        made = made[..., 1::2]
    elif memory_format is not None:
        made = made.clone(memory_format=memory_format)
    if exclude_zero:
        made[made.eq(0)] = dtypes.finfo(dtype).tiny if dtype.is_floating_point else 1
    if requires_grad:
        made.requires_grad = True
    return made


def _interval(dtype: dtypes.dtype, low: float | None, high: float | None) -> tuple[float, float]:
    """From where to where is drawn: what is asked for, or what is usual, as far as the dtype reaches."""
    lowest: float
    highest: float
    if dtype is dtypes.bool_:
        lowest, highest, usual = 0, 2, (0, 2)
    elif dtype.is_floating_point:
        lowest, highest, usual = dtypes.finfo(dtype).min, dtypes.finfo(dtype).max, (-9, 9)
    else:
        lowest, highest, usual = dtypes.iinfo(dtype).min, dtypes.iinfo(dtype).max, (-9, 10)
        highest += dtype is not dtypes.int64  # randint cannot draw the largest of these
    low = usual[0] if low is None else low
    high = usual[1] if high is None else high
    if any(isinstance(bound, float) and math.isnan(bound) for bound in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and dtype.is_floating_point:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 "
            "and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=3,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < lowest or low >= highest:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} only supports "
            f"[{lowest}, {highest})"
        )
    return min(max(low, lowest), highest), min(max(high, lowest), highest)
