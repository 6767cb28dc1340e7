"""Elements collected from, and written to, places along one dimension: gather, scatter, index_select and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, kernels, storage
from ..arguments import fit, to_int, to_number, wrong_type
from ..casting import cast
from ..memory import write_out
from ..op import REGISTRY, composite, only_method, op, publish
from ..tensor import Tensor, wrap, wrap_dim
from .creation import zeros_like
from .expanding import common_shape, expand
from .reduction import EXPECTED_OUT

Array = Any


def _name(array: Array) -> str:
    return dtypes.FROM_NUMPY[array.dtype].legacy_name


def _along(ndim: int, dim: int, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * dim + (index,)


# -- one index for every element: gather and scatter -------------------------------------------------------------------


def _grid(index, dim):
    """For every dimension the indices of the elements that `index` speaks of."""
    if not index.ndim:
        return (index,)
    places = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    places[dim] = index
    return tuple(places)


def _check_index(name, input, dim, index, what="input"):
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if index.size and max(index.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {what} tensor")


def _check_places(input, dim, index):
    size = input.shape[dim] if input.ndim else 1
    outside = (index < 0) | (index >= size)
    if outside.any():
        bad = index[outside].reshape(-1)[0]
        raise RuntimeError(f"index {bad} is out of bounds for dimension {dim} with size {size}")


@op(
    input=lambda g, input_shape, dim, index: g.new_zeros(input_shape).scatter_add(dim, index, g),
    index=None,
    strict_out=EXPECTED_OUT,
)
def gather(input, dim, index, *, sparse_grad=False):
    """out[i, j] = x[i, index[i, j]] for dim = 1, and so on: an element for every index along a dimension."""
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    _check_index("gather", input, dim, index)
    if index.size:
        for d, (a, b) in enumerate(zip(index.shape, input.shape, strict=False)):
            if d != dim and a > b:
                raise RuntimeError(
                    f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                    f"{list(input.shape)} apart from dimension {dim}"
                )
        _check_places(input, dim, index)
    if not index.size:
        return np.empty(index.shape, input.dtype)
    if not input.ndim:
        return np.broadcast_to(input, index.shape).copy()
    if not index.ndim:
        return input[index]
    return storage.in_order(input[_grid(index, dim)])


def _check_scatter(name, input, dim, index, src=None):
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    _check_index("scatter", input, dim, index, "self")
    if src is not None and src.dtype != input.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if not index.size:
        return dim
    lengths = index.shape or (1,)
    wide = any(d != dim and a > b for d, (a, b) in enumerate(zip(lengths, input.shape or (1,), strict=False)))
    short = False
    if src is not None and not wide:
        wrap_dim(index.ndim - 1 if index.ndim else 0, src.ndim)  # torch looks at every length before it counts them
        if max(src.ndim, 1) != max(index.ndim, 1):
            raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
        short = any(a > b for a, b in zip(lengths, src.shape or (1,), strict=False))
    if wide or short:
        beside = "" if src is None else f" and to be no larger size than src {list(src.shape)}"
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from dimension {dim}"
            + beside
        )
    _check_places(input, dim, index)
    return dim


def _scattered(input, dim, index, values, add=False):
    """A copy with values at the places; of several for one place the last one stays, or all are added in order."""
    if add and input.dtype == np.float16:  # rounded once, at the end
        return _scattered(input.astype(np.float32), dim, index, values.astype(np.float32), add).astype(np.float16)
    result = input.copy()
    if not index.size:
        return result
    target, places = (result, _grid(index, dim)) if result.ndim else (result.reshape(1), (index.reshape(-1),))
    if isinstance(values, np.ndarray):
        values = values[tuple(slice(n) for n in index.shape)] if values.ndim else values
        values = values.reshape(-1) if not result.ndim else values
    if add:
        np.add.at(target, places, values)
    else:
        target[places] = values
    return target.reshape(result.shape) if not result.ndim else target


@op(
    input=lambda g, dim, index: g.scatter(dim, index, 0),
    index=None,
    src=lambda g, dim, index: g.gather(dim, index),
    node="ScatterBackward0",
    called="scatter",
    strict_out=EXPECTED_OUT,
    public=False,
)
def scatter_tensor(input, dim, index, src):
    """A copy with the elements of `src` at the places that `index` names along a dimension."""
    dim = _check_scatter("scatter", input, dim, index, src)
    return _scattered(input, dim, index, src)


@op(
    input=lambda g, dim, index: g.scatter(dim, index, 0),
    index=None,
    node="ScatterBackward1",
    called="scatter",
    strict_out=EXPECTED_OUT,
    public=False,
)
def scatter_value(input, dim, index, value):
    """A copy with one number at the places that `index` names along a dimension."""
    number = fit(value, dtypes.FROM_NUMPY[input.dtype])
    dim = _check_scatter("scatter", input, dim, index)
    return _scattered(input, dim, index, number)


def _scatter_kind(value: Any, src: Any, reduce: Any) -> tuple[str, Any]:
    if reduce is not None:
        raise NotImplementedError("microtorch does not have scatter(reduce=...); scatter_add adds")
    given = src if value is None else value
    if isinstance(given, Tensor):
        return "scatter_tensor", given
    return "scatter_value", to_number("value", 4, given)


@composite
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None, out: Any = None
) -> Tensor:
    """A copy in which out[i, index[i, j]] = src[i, j] for dim = 1, and so on; `src` may be a number."""
    kind, source = _scatter_kind(value, src, reduce)
    function = scatter_tensor if kind == "scatter_tensor" else scatter_value
    return function(input, dim, index, source, out=out)


@only_method
def scatter_(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """Write the elements of `src`, or a number, to the places that `index` names along a dimension."""
    kind, source = _scatter_kind(value, src, reduce)
    return _change(kind, "scatter_", self, dim, index, source)


@op(
    input=lambda g: g,
    index=None,
    src=lambda g, dim, index: g.gather(dim, index),
    in_place=True,
    strict_out=EXPECTED_OUT,
)
def scatter_add(input, dim, index, src):
    """A copy in which out[i, index[i, j]] += src[i, j] for dim = 1, and so on, one after the other in order."""
    dim = _check_scatter("scatter_add", input, dim, index, src)
    return _scattered(input, dim, index, src, add=True)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """`gather` where input and indices broadcast; without `dim`, of all elements in a row."""
    if dim is None:
        return gather(input.view(-1), 0, indices.view(-1), out=out)
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    dim = wrap_dim(to_int("dim", 3, dim), input.ndim)
    shapes = [list(input.shape), list(indices.shape)]
    lengths = [shape[dim] for shape in shapes]
    for shape in shapes:
        shape[dim] = 1
    common = list(common_shape(tuple(shapes[0]), tuple(shapes[1])))
    wide = [expand(t, (*common[:dim], n, *common[dim + 1 :])) for t, n in zip((input, indices), lengths, strict=True)]
    return gather(wide[0], dim, wide[1], out=out)


publish(take_along_dim)


# -- one index for every slice: index_select and its kin ---------------------------------------------------------------


@op(
    input=lambda g, input_shape, dim, index: g.new_zeros(input_shape).index_add(dim, index, g),
    index=None,
    strict_out="index_select(): self and result must have the same scalar type",
)
def index_select(input, dim, index):
    """The slices of a dimension at the indices of a vector."""
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if not input.ndim and index.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index.size} value(s)")
    places = index.reshape(-1)
    size = input.shape[dim] if input.ndim else 1
    if ((places < 0) | (places >= size)).any():
        raise IndexError("index out of range in self")
    return storage.in_order(input.take(places, dim)) if input.ndim else input.copy()


def _check_add(input, dim, index, source):
    if index.ndim > 1:
        raise IndexError("index_add_(): Index is supposed to be a vector, but got dim: " + str(index.ndim))
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError("index_add_(): Expected dtype int32/int64 for index but got: " + _name(index))
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"index_add_(): self ({_name(input)}) and source ({_name(source)}) must have the same scalar type"
        )
    if (source.ndim and index.size != source.shape[dim]) or (not source.ndim and index.size != 1):
        raise RuntimeError(
            f"index_add_(): Number of indices ({index.size}) should be equal to source.size(dim): "
            f"({source.shape[dim] if source.ndim else 1}), for dim: {dim}"
        )
    both = input.ndim and source.ndim
    shapes = [[n for d, n in enumerate(a.shape) if d != dim or not both] for a in (input, source)]
    if shapes[0] != shapes[1]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(input.shape)} source.shape = {list(source.shape)}"
        )


@op(
    input=lambda g: g,
    index=None,
    source=lambda g, dim, index, alpha: _selected(g, dim, index, alpha),
    in_place=True,
    strict_out=EXPECTED_OUT,
)
def index_add(input, dim, index, source, *, alpha=1):
    """A copy with the slices of `source`, times alpha, added at the indices of a vector, one after the other in order."""
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    _check_add(input, dim, index, source)
    _check_places(input, dim, index)
    half = input.dtype == np.float16
    result = input.astype(np.float32) if half else input.copy()  # float16 is rounded at the end
    if not input.ndim:
        result = result.reshape(1)
    source = source.reshape((*result.shape[:dim], index.size, *result.shape[dim + 1 :])).astype(
        result.dtype, copy=False
    )
    places = _along(result.ndim, dim, index.reshape(-1))
    if alpha == 1:
        np.add.at(result, places, source)
    else:  # each time a sum of its own, and rounded as such
        scale = result.dtype.type(alpha)
        for k, place in enumerate(index.reshape(-1).tolist()):
            at = _along(result.ndim, dim, place)
            result[at] = cast(kernels.add_scaled(result[at], source[_along(result.ndim, dim, k)], scale), input.dtype)
    return cast(result.reshape(input.shape), input.dtype)


def _slices_shape(input, dim, index):
    return (*input.shape[:dim], index.size, *input.shape[dim + 1 :])


def _selected(g, dim, index, alpha):
    part = g.index_select(dim, index)
    return part if alpha == 1 else part * alpha


def _index_filled(input, dim, index, number):
    """A copy with one number in the slices at the indices of a vector."""
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    if index.dtype != np.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    size = input.shape[dim] if input.ndim else 1
    outside = (index < -size) | (index >= size)
    if outside.any():
        raise IndexError(f"index {index[outside].reshape(-1)[0]} is out of bounds for dimension {dim} with size {size}")
    result = storage.copy(input)
    if input.ndim:
        result[_along(input.ndim, dim, index.reshape(-1))] = number
    elif index.size:
        result[...] = number
    return result


@op(
    input=lambda g, dim, index: g.index_fill(dim, index, 0),
    index=None,
    node="IndexFillBackward0",
    in_place=True,
    out=False,
    public=False,
)
def index_fill_number(input, dim, index, value):
    """A copy with one number in the slices at the indices of a vector."""
    return _index_filled(input, dim, index, fit(value, dtypes.FROM_NUMPY[input.dtype]))


@op(
    input=lambda g, dim, index: g.index_fill(dim, index, 0),
    index=None,
    value=lambda g, dim, index: g.index_select(dim, wrap(np.unique(index._array))).sum(),
    node="IndexFillBackward1",
    in_place=True,
    out=False,
    public=False,
)
def index_fill_tensor(input, dim, index, value):
    """A copy with the value of a tensor without dimensions in the slices at the indices of a vector."""
    if value.ndim:
        raise RuntimeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    return _index_filled(input, dim, index, cast(value, input.dtype))


@composite
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy with one value, a number or a tensor without dimensions, in the slices at the indices of a vector."""
    if isinstance(value, Tensor):
        return index_fill_tensor(input, dim, index, value)
    return index_fill_number(input, dim, index, to_number("value", 4, value))


@only_method
def index_fill_(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Write one value into the slices at the indices of a vector."""
    kind, given = ("tensor", value) if isinstance(value, Tensor) else ("number", to_number("value", 4, value))
    return _change(f"index_fill_{kind}", "index_fill_", self, dim, index, given)


def _change(kind: str, name: str, *arguments: Any) -> Tensor:
    """Do in place what an operation does, under a name of its own."""
    declared = REGISTRY[kind]
    named = dict(zip([p.name for p in declared.parameters], arguments, strict=True))
    return declared.in_place([named[n] for n in declared.tensors], [named[n] for n in declared.others], name)


@op(
    input=lambda g, dim, index: g.index_fill(dim, index, 0),
    index=None,
    source=lambda g, input_shape, dim, index: g.index_select(dim, index),
    in_place=True,
    strict_out=EXPECTED_OUT,
)
def index_copy(input, dim, index, source):
    """A copy with the slices of `source` in the place of those at the indices of a vector."""
    dim = wrap_dim(to_int("dim", 2, dim), input.ndim)
    if index.ndim >= 2:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})")
    if source.ndim == 0 and index.size != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {index.size})")
    if source.ndim != input.ndim and source.ndim and input.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality "
            f"({source.ndim}), destination dimensionality ({input.ndim})"
        )
    if index.dtype != np.int64:
        raise IndexError("index_copy_(): Expected a long tensor for index, but got " + _name(index))
    if input.dtype != source.dtype:
        raise RuntimeError(
            f"index_copy_(): self and source expected to have the same dtype, but got (self) {_name(input)} and (source) "
            f"{_name(source)}"
        )
    into = [n for d, n in enumerate(input.shape) if d != dim]
    of = [n for d, n in enumerate(source.shape) if d != dim]
    if into != of:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join(map(str, into))} at dimension {dim} and source slice shape: {' '.join(map(str, of))} at dimension 0."
        )
    count = source.shape[dim] if source.ndim else 1
    if index.size != count:
        raise IndexError(
            f"index_copy_(): Number of indices ({index.size}) should be equal to source.size(dim) ({count})"
        )
    size = input.shape[dim] if input.ndim else 1
    for place in index.reshape(-1).tolist():
        if not 0 <= place < size:
            raise IndexError(f"index_copy_(): index {place} is out of bounds for dimension {dim} with size {size}")
    result = input.copy()
    if not input.ndim:
        result[...] = source.reshape(())
        return result
    result[_along(input.ndim, dim, index.reshape(-1))] = source.reshape(_slices_shape(input, dim, index))
    return result


# -- by a mask, or by places among all elements ------------------------------------------------------------------------


@op(
    input=lambda g, input_shape, mask: _masked_select_backward(g, input_shape, mask),
    mask=None,
    strict_out="masked_select(): self and result must have the same scalar type",
)
def masked_select(input, mask):
    """The elements where the mask holds, in a row; the two broadcast."""
    if mask.dtype != bool:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    common_shape(mask.shape, input.shape)
    input, mask = np.broadcast_arrays(input, mask)
    return input[mask]


def _masked_select_backward(g, input_shape, mask):
    shape = common_shape(tuple(input_shape), mask._array.shape)
    return g.new_zeros(shape).masked_scatter(mask, g)


@op(
    input=lambda g, mask: g.masked_fill(mask, 0),
    mask=None,
    source=lambda g, mask, source_shape: _masked_scatter_backward(g, mask, source_shape),
    in_place=True,
    out=False,
)
def masked_scatter(input, mask, source):
    """A copy with the elements of `source`, in order, where the mask holds."""
    if mask.dtype != bool:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {_name(mask)}")
    if input.dtype != source.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got{_name(input)} and {_name(source)}"
        )
    shape = common_shape(input.shape, mask.shape)
    result = np.array(np.broadcast_to(input, shape), order="C")
    where = np.broadcast_to(mask, shape)
    count = int(where.sum())
    if source.size < count:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    result[where] = source.reshape(-1)[:count]
    return result


def _masked_scatter_backward(g, mask, shape):
    selected = g.masked_select(mask)
    missing = int(np.prod(shape, dtype=np.int64)) - selected.numel()
    if missing > 0:
        from .joining import cat

        selected = cat([selected, g.new_zeros(missing)], 0)
    return selected.view(shape)


@op(
    input=lambda g, input_shape, index: _take_backward(g, input_shape, index),
    index=None,
    strict_out="take(): self and out expected to have the same dtype, but got self.dtype = {0} and out.dtype = {1}",
)
def take(input, index):
    """The elements at places counted through all elements in order."""
    if index.dtype != np.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {_name(index)}")
    if index.size and not input.size:
        raise IndexError("take(): tried to take from an empty tensor")
    _check_take(input, index)
    return np.take(input, index)


def _check_take(input, index):
    outside = (index < -input.size) | (index >= input.size)
    if outside.any():
        bad = index[outside].reshape(-1)[0]
        raise IndexError(f"out of range: tried to access index {bad} on a tensor of {input.size} elements.")


def _take_backward(g, input_shape, index):
    return g.new_zeros(input_shape).put(index, g, True)


@op(
    input=lambda g, index, accumulate: g if accumulate else g.put(index, zeros_like(index).to(g.dtype), False),
    index=None,
    source=lambda g, index: g.take(index),
    in_place=True,
    out=False,
)
def put(input, index, source, accumulate=False):
    """A copy with values at places counted through all elements in order, or added there."""
    if index.dtype != np.int64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {_name(index)}")
    if input.dtype != source.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {_name(input)} and source.dtype = "
            f"{_name(source)}"
        )
    if index.size != source.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.size}, index.numel() = {index.size}"
        )
    _check_take(input, index)
    flat = input.reshape(-1).copy()
    if accumulate:
        np.add.at(flat, index.reshape(-1), source.reshape(-1))
    else:
        flat[index.reshape(-1)] = source.reshape(-1)
    result = storage.empty_like(input)
    result[...] = flat.reshape(input.shape)
    return result


# -- where something is ------------------------------------------------------------------------------------------------


@op(input=None, public=False, out=False)
def places(input):
    """The indices of all elements that are not zero, one set in a row."""
    found = np.array(np.nonzero(input if input.ndim else input.reshape(1)), np.int64)
    return found[: input.ndim].T if input.ndim else np.empty((found.shape[1], 0), np.int64)


@composite
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The indices of all elements that are not zero: one row for each, or one vector for each dimension."""
    if not isinstance(input, Tensor):
        raise wrong_type("input", 1, "Tensor", input)
    if not isinstance(as_tuple, bool):
        raise wrong_type("as_tuple", 0, "bool", as_tuple)
    if as_tuple:
        return places(input if input.ndim else input.unsqueeze(0)).unbind(1)
    found = places(input)
    if out is None:
        return found
    array = found._array
    if out.dtype is not dtypes.int64:
        raise RuntimeError(
            f"nonzero: Expected out tensor to have scalar type Long but got scalar type{out.dtype.legacy_name}"
        )
    resized = out._array.shape != array.shape
    write_out(out, array)
    if resized:
        out._array = array
    return out


@composite
def argwhere(input: Tensor) -> Tensor:
    """The indices of all elements that are not zero, one row for each."""
    return places(input)
