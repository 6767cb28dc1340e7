"""Which different elements there are, how often, and in which bin they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import check_optional_tensors, is_int, no_overload, to_bool, to_int, type_name, wrong_type
from ..op import NUMBERS, composite, no_derivative, not_implemented, only_function, op, write_into
from ..settings import warn_once
from ..tensor import Tensor, wrap, wrap_dim
from .arithmetic import require_tensor
from .reduction import EXPECTED_OUT, in_order

# -- different elements ------------------------------------------------------------------------------------------------


def _declare(name: str, node: str) -> Any:
    """An operation that gives three results, the first of which has a node but no gradient."""

    def forward(input, along):
        return (_runs if name == "unique_consecutive" else _unique)(input, along)

    forward.__name__ = {"_unique2": "unique_elements", "unique_dim": "unique_slices"}.get(name, "unique_runs")
    forward.__doc__ = (
        "The different elements or slices, for each one of the input which it is, and how often they come."
    )
    forward.__module__ = __name__
    return op(
        input=no_derivative(name),
        node=node,
        outputs=("output", "inverse_indices", "counts"),
        called=name,
        out=False,
        public=False,
    )(forward)


unique_elements = _declare("_unique2", "Unique2Backward0")
unique_slices = _declare("unique_dim", "UniqueDimBackward0")
unique_runs = _declare("unique_consecutive", "UniqueConsecutiveBackward0")


def _slices(x, dim):
    """The slices along a dimension as rows."""
    if not x.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    axis = wrap_dim(dim, x.ndim)
    zeros = sum(n == 0 for n in x.shape)
    if x.shape[axis] == 0 and zeros > 1:
        raise RuntimeError("Number of zero sized dimensions is more than one, so unique cannot be applied ")
    if zeros and x.shape[axis]:
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    count = x.shape[axis]
    return axis, np.moveaxis(x, axis, 0).reshape(count, x.size // max(count, 1))


def _unique(x, dim):
    if dim is None:
        values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True, equal_nan=False)
        if x.dtype.kind == "f" and np.isnan(values).any():  # every nan is another, in the order in which they come
            inverse = inverse.reshape(x.shape)
            nan = np.isnan(x)
            inverse[nan] = np.arange(nan.sum()) + (values.size - nan.sum())
        return values, inverse.reshape(x.shape), counts
    axis, rows = _slices(x, dim)
    if not len(rows):
        return x.copy(), np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.lexsort(rows.T[::-1]) if not _has_nan(rows) else np.arange(len(rows))
    return _grouped(x, axis, rows, order)


def _has_nan(x):
    return x.dtype.kind == "f" and bool(np.isnan(x).any())


def _grouped(x, axis, rows, order):
    """Of rows in an order: the first of every run of equal ones."""
    new = np.ones(len(order), bool)
    new[1:] = (rows[order[1:]] != rows[order[:-1]]).any(1)
    run = np.cumsum(new) - 1
    inverse = np.empty(len(order), np.int64)
    inverse[order] = run
    return np.moveaxis(in_order(np.moveaxis(x, axis, 0)[order[new]]), 0, axis), inverse, np.bincount(run)


def _runs(x, dim):
    if dim is not None:
        axis, rows = _slices(x, dim)
        if not len(rows):
            return x.copy(), np.zeros(0, np.int64), np.zeros(0, np.int64)
        return _grouped(x, axis, rows, np.arange(len(rows)))
    flat = x.reshape(-1)
    values, inverse, counts = _grouped(flat, 0, flat[:, None], np.arange(flat.size)) if flat.size else (flat,) * 3
    if not flat.size:
        return values.copy(), np.zeros(x.shape, np.int64), np.zeros(0, np.int64)
    return values, inverse.reshape(x.shape), counts


def _chosen(results: Any, return_inverse: bool, return_counts: bool) -> Any:
    output, inverse, counts = results
    chosen = (output, *([inverse] if return_inverse else []), *([counts] if return_counts else []))
    return chosen if len(chosen) > 1 else output


@composite
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements, or slices along `dim`, in order; with them where each one went, and how often it came.

    Every nan differs from every other. They come in order also where `sorted` is False.
    """
    function = unique_elements if dim is None else unique_slices
    name = "_unique2" if dim is None else "unique_dim"
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type_name(input)}")
    _check(name, " (position 2)", dim, sorted=sorted, return_inverse=return_inverse, return_counts=return_counts)
    return _chosen(function(input, dim), return_inverse, return_counts)


def _check(name: str, place: str, dim: Any, **flags: Any) -> None:
    """Refuse arguments in the name of the function that torch calls."""
    if dim is not None and not is_int(dim):
        raise TypeError(f"{name}(): argument 'dim'{place} must be int, not {type_name(dim)}")
    for argument, value in flags.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name}(): argument '{argument}' must be bool, not {type_name(value)}")


@composite
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements, or slices along `dim`, without those that equal the one before; see `unique`.

    torch leaves the inverse empty where there is no `dim` and no counts are asked for.
    """
    require_tensor("input", 1, input)
    _check("unique_consecutive", "", dim, return_inverse=return_inverse, return_counts=return_counts)
    return _chosen(unique_runs(input, dim), return_inverse, return_counts)


@only_function
def isin(
    elements: Any,
    test_elements: Any,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Which elements are among the test elements; nan is in nothing."""
    if not (isinstance(elements, Tensor) or isinstance(test_elements, Tensor)):
        raise no_overload()
    for value in (elements, test_elements):
        if not isinstance(value, (Tensor, *NUMBERS)):
            raise no_overload()
        if isinstance(value, (bool, np.bool_)) or (isinstance(value, Tensor) and value.dtype is dtypes.bool_):
            raise RuntimeError("Unsupported input type encountered for isin(): Bool")
    to_bool("assume_unique", 0, assume_unique)
    invert = to_bool("invert", 0, invert)
    wanted, given = (v._array if isinstance(v, Tensor) else np.asarray(v) for v in (elements, test_elements))
    found = np.asarray(np.isin(wanted, given, invert=invert))
    return wrap(found) if out is None else write_into(out, "isin", (), lambda: found, EXPECTED_OUT)


# -- bins --------------------------------------------------------------------------------------------------------------


@only_function
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """For each number the index at which it is to be inserted so that the last dimension of the sequence stays sorted.

    Before those that equal it, or with `right` behind them. `sorter`: the indices that sort the sequence.
    """
    if not isinstance(sorted_sequence, Tensor) or not isinstance(input, (Tensor, *NUMBERS)):
        raise no_overload()
    return _search("torch.searchsorted", sorted_sequence, input, out_int32, right, side, sorter, out)


@only_function
def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Tensor | None = None
) -> Tensor:
    """The index of the bin in which each number is, of those between the boundaries; see `searchsorted`."""
    if not isinstance(boundaries, Tensor) or not isinstance(input, (Tensor, *NUMBERS)):
        raise no_overload()
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return _search("torch.searchsorted", boundaries, input, out_int32, right, None, None, out)


def _search(name, sequence, input, out_int32, right, side, sorter, out):
    out_int32, right = to_bool("out_int32", 0, out_int32), to_bool("right", 0, right)
    check_optional_tensors(sorter=sorter, out=out)
    if not isinstance(side, (str, type(None))):
        raise wrong_type("side", 0, "str", side)
    edges = sequence._array
    x = input._array if isinstance(input, Tensor) else np.asarray(input)
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"{name}(): side can only be 'left' or 'right' but got {side}")
    if right and side == "left":
        raise RuntimeError(f"{name}(): side and right can't be set to opposites, got side of left while right was True")
    _check_sorter(name, edges, sorter)
    if not edges.ndim:
        raise RuntimeError(f"{name}(): boundaries tensor should have positive dimension, but got 0 dimension")
    if not x.ndim and edges.ndim != 1:
        raise RuntimeError(
            f"{name}(): input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries "
            f"tensor dim({edges.ndim}) and input value's dim(0) numel(1)"
        )
    if edges.ndim != 1 and edges.shape[:-1] != x.shape[:-1]:
        raise RuntimeError(
            f"{name}(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and "
            f"input value tensor must match, but we got boundaries tensor {list(edges.shape)} and input value tensor "
            f"{list(x.shape)}"
        )
    dtype = np.dtype(np.int32 if out_int32 else np.int64)
    if out is not None and out._array.dtype is not dtype:
        got = out.dtype.legacy_name
        raise RuntimeError(
            f"{name}(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on whether "
            f"out_int32 flag is True, but we got output tensor's dtype {got} and out_int32 flag is {bool(out_int32)}"
        )
    if edges.dtype == bool and x.dtype == bool:
        raise not_implemented("searchsorted_out_cpu", dtypes.bool_)
    if sorter is not None:
        edges = np.take_along_axis(edges, sorter._array, -1)
    for what, array in (("boundary", edges), ("input value", x)):
        if not array.flags.c_contiguous:
            warn_once(
                f"{name}(): {what} tensor is non-contiguous, this will lower the performance due to extra data copy when "
                f"converting non-contiguous tensor to contiguous, please use contiguous {what} tensor if possible. This "
                "message will only appear once per program."
            )
    places = np.empty(x.shape, dtype)
    for row in np.ndindex(edges.shape[:-1]):
        places[row] = bisect(edges[row], x[row] if edges.ndim > 1 else x, right or side == "right")
    return wrap(places) if out is None else write_into(out, name, (), lambda: places)


def bisect(edges, x, right):
    """Binary search: also among edges that are not sorted, or nan, it asks the questions that torch asks."""
    low, high = np.zeros(x.shape, np.int64), np.full(x.shape, edges.size)
    while (low < high).any():
        open_ = low < high
        middle = (low + high) // 2
        at = edges[np.minimum(middle, edges.size - 1)]
        beyond = ~(at > x) if right else ~(at >= x)
        low, high = np.where(open_ & beyond, middle + 1, low), np.where(open_ & ~beyond, middle, high)
    return low


def _check_sorter(name, edges, sorter):
    if sorter is None:
        return
    if sorter._array.shape != edges.shape:
        raise RuntimeError(
            f"{name}(): boundary and sorter must have the same size, but got boundary tensor {list(edges.shape)}and got "
            f"sorter tensor {list(sorter.shape)}"
        )
    if sorter.dtype is not dtypes.int64:
        got = sorter.dtype.legacy_name
        raise RuntimeError(f"{name}(): sorter must be a tensor of long dtype but got dtype {got}")
    if sorter._array.size and not (sorter._array.min() >= 0 and sorter._array.max() < edges.shape[-1]):
        raise RuntimeError(f"{name}(): sorter index out of range")


@op(
    input=None,
    weights=lambda g: None,
    node="NotImplemented",
    out=False,
)
def bincount(input, weights=None, minlength=0):
    """How often each of the numbers 0, 1, 2 … comes, or the sum of its weights."""
    minlength = to_int("minlength", 3, minlength)
    if input.dtype.kind in "fb":
        raise not_implemented("bincount_cpu", dtypes.FROM_NUMPY[input.dtype])
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if input.ndim != 1 or (input.size and input.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and input.size and weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    if weights is None or not input.size:
        return np.bincount(input, minlength=minlength)
    size = max(minlength, int(input.max()) + 1)
    total = np.zeros(size, weights.dtype if weights.dtype.char in "fd" else np.float64)
    np.add.at(total, input, weights.astype(total.dtype))
    return total
