"""Comparison and logic, element by element, and the choice between elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dtypes
from ..arguments import MISSING, fit, no_overload, refused, to_number, wrong_type
from ..casting import cast
from ..memory import check_cast
from ..op import (
    METHODS,
    OPERANDS,
    REGISTRY,
    alias,
    composite,
    not_implemented,
    only_method,
    op,
    pointwise,
    renamed,
)
from ..settings import warn_once
from ..tensor import Tensor, wrap
from .arithmetic import SAME_DTYPE, check_half, name_of, require_tensor
from .creation import zeros_like

if TYPE_CHECKING:
    from ..op.operation import Op

# -- the larger and the smaller ----------------------------------------------------------------------------------------


@pointwise(
    input=lambda g, input, other: _share(g, input, other).masked_fill(input < other, 0),
    other=lambda g, input, other: _share(g, input, other).masked_fill(input > other, 0),
    in_place=False,
)
def maximum(input, other):
    """The larger of two; where they are equal, each receives half of the gradient."""
    return np.maximum(input, other)


@pointwise(
    input=lambda g, input, other: _share(g, input, other).masked_fill(input > other, 0),
    other=lambda g, input, other: _share(g, input, other).masked_fill(input < other, 0),
    in_place=False,
)
def minimum(input, other):
    """The smaller of two; where they are equal, each receives half of the gradient."""
    return np.minimum(input, other)


def _share(g, input, other):
    return (g / 2).where(input == other, g)


@pointwise(
    input=lambda g, input, other: g.masked_fill(_prefers(input >= other, other).logical_not(), 0),
    other=lambda g, input, other: g.masked_fill(_prefers(input >= other, other), 0),
    in_place=False,
)
def fmax(input, other):
    """The larger of two, a number rather than nan."""
    return np.fmax(input, other)


@pointwise(
    input=lambda g, input, other: g.masked_fill(_prefers(input <= other, other).logical_not(), 0),
    other=lambda g, input, other: g.masked_fill(_prefers(input <= other, other), 0),
    in_place=False,
)
def fmin(input, other):
    """The smaller of two, a number rather than nan."""
    return np.fmin(input, other)


def _prefers(is_first, other):
    return is_first.logical_or(other.isnan())


# -- limits ------------------------------------------------------------------------------------------------------------


def _castable(name):
    """A check that the result may be stored in the first tensor, in words that only these operations have."""

    def check(*values):
        common = REGISTRY[name].common_dtype(values, name, 0)
        words = "result type {0} can't be cast to the desired output type {3}"
        check_cast(common.numpy, values[0]._array.dtype, words)

    return check


def _within(input, min, max):
    if min is None:
        return input <= max
    return input >= min if max is None else (input >= min).logical_and_(input <= max)


def _limited(input, min, max):
    result = input if min is None else np.maximum(input, min)
    return result if max is None else np.minimum(result, max)


@pointwise(
    input=lambda g, input, min, max: g.where(_within(input, min, max), 0),
    min=None,
    max=None,
    node="ClampBackward1",
    check=check_half,
    check_in_place=_castable("clamp_numbers"),
    called="clamp",
    strict_out=SAME_DTYPE,
    numbers=("min", "max"),
    refuses=("clamp_scalar_cpu", "?"),
    public=False,
)
def clamp_numbers(input, min=None, max=None):
    """x limited to [min, max]; the gradient passes where x is not cut off."""
    return _limited(input, min, max)


@pointwise(
    input=lambda g, input, min, max: g.where(_within(input, min, max), 0),
    min=lambda g, input, min, max: g.where(input < min if max is None else (input < min).logical_and_(min < max), 0),
    max=lambda g, input, min, max: g.where(input > max if min is None else (input > max).logical_or_(max < min), 0),
    node="ClampBackward0",
    check_in_place=_castable("clamp_tensors"),
    called="clamp",
    public=False,
)
def clamp_tensors(input, min=None, max=None):
    """x limited to [min, max] element by element; where it is cut off, the gradient goes to the limit."""
    if input.dtype == bool and min is not None and max is not None:
        raise not_implemented("clamp_cpu", dtypes.bool_)
    return _limited(input, min, max)


def _clamp(min: Any, max: Any) -> tuple[Op, Any, Any]:
    """The operation and its limits. Beside a number, a tensor of no dimensions is one, too."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if all(limit is None or isinstance(limit, Tensor) for limit in (min, max)):
        return REGISTRY["clamp_tensors"], min, max
    numbers = {n: v if v is None else to_number(n, p, v) for n, p, v in (("min", 2, min), ("max", 3, max))}
    return REGISTRY["clamp_numbers"], numbers["min"], numbers["max"]


@composite
def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Tensor | None = None) -> Tensor:
    """x limited to [min, max]; both are numbers, or both are tensors; the gradient passes where x is not cut off."""
    operation, min, max = _clamp(min, max)
    return operation.function(input, min, max, out=out)


@only_method
def clamp_(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """`clamp` in place."""
    operation, min, max = _clamp(min, max)
    assert operation.function_ is not None
    return operation.function_(input, min, max)


@pointwise(
    input=lambda g, input, min: g.where(input >= min, 0),
    min=lambda g, input, min: g.where(input < min, 0),
    node=lambda input, min: "ClampMinBackward1" if isinstance(min, Tensor) else "ClampMinBackward0",
    check_in_place=_castable("clamp_min"),
    strict_out=lambda out, input, min: "" if isinstance(min, Tensor) else SAME_DTYPE,
    numbers=("min",),
    check=lambda input, min: _no_bool("clamp_min_scalar_cpu", input, min),
)
def clamp_min(input, min):
    """x, but at least `min`."""
    return _limited(input, min, None)


@pointwise(
    input=lambda g, input, max: g.where(input <= max, 0),
    max=lambda g, input, max: g.where(input > max, 0),
    node=lambda input, max: "ClampMaxBackward1" if isinstance(max, Tensor) else "ClampMaxBackward0",
    check_in_place=_castable("clamp_max"),
    strict_out=lambda out, input, max: "" if isinstance(max, Tensor) else SAME_DTYPE,
    numbers=("max",),
    check=lambda input, max: _no_bool("clamp_max_scalar_cpu", input, max),
)
def clamp_max(input, max):
    """x, but at most `max`."""
    return _limited(input, None, max)


def _no_bool(kernel, input, limit):
    if input.dtype is dtypes.bool_ and isinstance(limit, bool):
        raise not_implemented(kernel, dtypes.bool_)


# -- choice ------------------------------------------------------------------------------------------------------------


@pointwise(
    condition=None,
    input=lambda g, condition: g.where(condition, 0),
    other=lambda g, condition: where(condition, 0, g),
    node="WhereBackward0",
    called="where",
    numbers_alone=True,
    strict_out="Expected out type to be {0} but got {1}",
    keep=("condition",),
    wraps_numbers=True,
    in_place=False,
    public=False,
)
def select_where(condition, input, other):
    """x where the condition holds, else y."""
    if condition.dtype != bool:
        if condition.dtype != np.uint8:
            raise RuntimeError(
                f"where expected condition to be a boolean tensor, but got a tensor with dtype {name_of(condition)}"
            )
        warn_once(
            "where received a uint8 condition tensor. This behavior is deprecated and will be removed in a future "
            "version of PyTorch. Use a boolean condition instead."
        )
        condition = condition.astype(bool)
    return np.where(condition, *as_arrays(input, other))


@composite
def where(condition: Any = MISSING, input: Any = MISSING, other: Any = MISSING, *, out: Tensor | None = None) -> Any:
    """x where the condition holds, else y; with the condition alone, the indices where it holds."""
    if input is MISSING and other is MISSING:
        if not isinstance(condition, Tensor):
            raise refused(wrong_type("condition", 1, "Tensor", condition))
        return condition.nonzero(as_tuple=True)
    _check_where(condition, input, other)
    if out is not None:
        require_tensor("input", 2, input)
        require_tensor("other", 3, other)
    return select_where(condition, input, other, out=out)


def _check_where(condition: Any, *chosen: Any) -> None:
    if not isinstance(condition, Tensor) or not all(isinstance(value, OPERANDS) for value in chosen):
        raise no_overload()


@only_method
def where_method(input: Tensor, condition: Any = MISSING, other: Any = MISSING) -> Tensor:
    """The tensor where the condition holds, else `other`."""
    _check_where(condition, other)
    return select_where(condition, input, other)


METHODS.here["where"] = renamed(METHODS.here.pop("where_method"), "where", 0)


@op(
    input=lambda g, mask: g.masked_fill(mask, 0),
    mask=None,
    value=lambda g, mask: g.masked_select(mask).sum(),
    node=lambda input, mask, value: "MaskedFillBackward1" if isinstance(value, Tensor) else "MaskedFillBackward0",
    order=lambda input, mask, value: (mask, input),
    numbers=("value",),
    in_place=True,
    out=False,
    writes_expanded=True,
    unchecked=("value",),
)
def masked_fill(input, mask, value):
    """x with `value` where the mask holds."""
    if mask.dtype != bool:
        name = dtypes.FROM_NUMPY[mask.dtype].cpp_name
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {name}")
    if np.ndim(value):
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    filling = cast(value, input.dtype) if isinstance(value, np.ndarray) else fit(value, dtypes.FROM_NUMPY[input.dtype])
    return np.array(np.where(mask, filling, input), order="C")


def as_arrays(*operands):
    """Operands as arrays of one dtype, for numpy functions that do not let numbers give way."""
    dtype = next((v.dtype for v in operands if isinstance(v, np.ndarray)), None)
    if dtype is None and any(isinstance(v, float) for v in operands):
        dtype = dtypes.get_default_dtype().numpy
    return [np.asarray(v, dtype) for v in operands]


# -- comparison --------------------------------------------------------------------------------------------------------


def _compares(ufunc: Any, meaning: str) -> Any:
    """Declare a comparison. Its result has no gradient; in place it has one, which is 0."""
    name = {"equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge"}

    def forward(input, other):
        return ufunc(input, other)

    forward.__name__ = name[ufunc.__name__]
    forward.__doc__ = meaning
    forward.__module__ = __name__
    prefix = forward.__name__.capitalize() + "Backward"
    return pointwise(
        input=lambda g: zeros_like(g),
        other=lambda g: zeros_like(g),
        node=lambda input, other: prefix + ("1" if isinstance(other, Tensor) else "0"),
        numbers=("other",),
        gives_bool=True,
    )(forward)


eq = _compares(np.equal, "x = y.")
ne = _compares(np.not_equal, "x ≠ y.")
lt = _compares(np.less, "x < y.")
le = _compares(np.less_equal, "x ≤ y.")
gt = _compares(np.greater, "x > y.")
ge = _compares(np.greater_equal, "x ≥ y.")


@composite
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether |x − y| ≤ atol + rtol·|y|; infinities are close to themselves, nans only with `equal_nan`."""
    require_tensor("input", 1, input)
    require_tensor("other", 2, other)
    x, y = input._array, other._array
    if x.dtype is not y.dtype:
        raise RuntimeError(f"{name_of(x)} did not match {name_of(y)}")
    if rtol < 0 or atol < 0:
        which, value = ("rtol", rtol) if rtol < 0 else ("atol", atol)
        raise RuntimeError(f"{which} must be greater than or equal to zero, but got {value:g}")
    close = eq(input, other)
    if equal_nan and x.dtype.kind == "f":
        close = close.logical_or(input.isnan().logical_and(other.isnan()))
    if rtol == 0 and atol == 0:
        return close
    near = np.abs(np.subtract(x, y, dtype=x.dtype if x.dtype.kind == "f" else np.float64))
    allowed = atol + np.abs(rtol * y)
    return close.logical_or(wrap(np.asarray(np.isfinite(near) & (near <= allowed))))


@composite
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close, see `isclose`."""
    require_tensor("input", 1, input)
    require_tensor("other", 2, other)
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


@composite
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and elements."""
    require_tensor("input", 1, input)
    require_tensor("other", 2, other)
    return np.array_equal(input._array, other._array)


# -- logic -------------------------------------------------------------------------------------------------------------


@pointwise(input=None, other=None)
def logical_and(input, other):
    """x ≠ 0 and y ≠ 0."""
    return np.logical_and(input, other)


@pointwise(input=None, other=None)
def logical_or(input, other):
    """x ≠ 0 or y ≠ 0."""
    return np.logical_or(input, other)


@pointwise(input=None, other=None)
def logical_xor(input, other):
    """Exactly one of x ≠ 0 and y ≠ 0."""
    return np.logical_xor(input, other)


@pointwise(input=None)
def logical_not(input):
    """x = 0."""
    return np.logical_not(input)


# -- bits --------------------------------------------------------------------------------------------------------------

UNDERIVABLE: dict[str, Any] = {"input": lambda g: None, "other": lambda g: None, "node": "NotImplemented"}


@pointwise(**UNDERIVABLE, numbers=("input", "other"), refuses=("bitwise_and_cpu", "efd"))
def bitwise_and(input, other):
    """The bits that x and y share."""
    return np.bitwise_and(input, other)


@pointwise(**UNDERIVABLE, numbers=("input", "other"), refuses=("bitwise_or_cpu", "efd"))
def bitwise_or(input, other):
    """The bits that x or y has."""
    return np.bitwise_or(input, other)


@pointwise(**UNDERIVABLE, numbers=("input", "other"), refuses=("bitwise_xor_cpu", "efd"))
def bitwise_xor(input, other):
    """The bits that exactly one of x and y has."""
    return np.bitwise_xor(input, other)


@pointwise(input=lambda g: None, node="NotImplemented", refuses=("bitwise_not_cpu", "efd"))
def bitwise_not(input):
    """The bits that x does not have; of a bool, its opposite."""
    return np.invert(input)


def invert(input: Tensor) -> Tensor:
    """The operator ~."""
    if input.is_floating_point():
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return bitwise_not(input)


METHODS.here["__invert__"] = invert


@pointwise(**UNDERIVABLE, numbers=("input", "other"), refuses=("lshift_cpu", "efd?"))
def bitwise_left_shift(input, other):
    """x·2ʸ: the bits of x moved up by y places."""
    return np.left_shift(input, other)


@pointwise(**UNDERIVABLE, numbers=("input", "other"), refuses=("rshift_cpu", "efd?"))
def bitwise_right_shift(input, other):
    """⌊x/2ʸ⌋: the bits of x moved down by y places."""
    return np.right_shift(input, other)


alias("less", of="lt")
alias("less_equal", of="le")
alias("greater", of="gt")
alias("greater_equal", of="ge")
alias("not_equal", of="ne")
alias("clip", of="clamp")
