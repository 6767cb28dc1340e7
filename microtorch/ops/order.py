"""Views with the dimensions in another order."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from ..arguments import called, is_int, no_overload, to_int, to_ints
from ..op import MEANINGS, composite, only_method, op
from ..settings import warn_once
from ..tensor import Tensor, wrap_dim
from .shape import alias, as_tensor_argument, publish_in_place


@op(input=lambda g, dim0, dim1: transpose(g, dim0, dim1), view=True)
def transpose(input, dim0, dim1):
    """Two dimensions exchanged."""
    a = wrap_dim(dim0 if type(dim0) is int else to_int("dim0", 2, dim0), input.ndim)
    b = wrap_dim(dim1 if type(dim1) is int else to_int("dim1", 3, dim1), input.ndim)
    return input.swapaxes(a, b) if input.ndim else input.view()


@op(input=lambda g: t(g), node="TBackward0", view=True)
def t(input):
    """The transpose of a matrix; a vector or a number as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"{called()[0]}() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return input.T


MEANINGS[t] = attrgetter("T")


@op(input=lambda g, dims: permute(g, _inverse(dims)), view=True)
def permute(input, dims):
    """All dimensions in a new order."""
    dims = to_ints("dims", 2, dims)
    if len(dims) != input.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(dims)}"
        )
    order = [wrap_dim(d, input.ndim) for d in dims]
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return input.transpose(order)


def _inverse(dims):
    order = [d % len(dims) for d in to_ints("dims", 2, dims)]
    return tuple([order.index(i) for i in range(len(order))])


@composite
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` under numpy's name."""
    return transpose(as_tensor_argument(input), to_int("axis0", 2, axis0), to_int("axis1", 3, axis1))


@composite
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` under another name."""
    return transpose(as_tensor_argument(input), to_int("dim0", 2, dim0), to_int("dim1", 3, dim1))


@composite
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other places, the rest in the order they have."""
    source, destination, ndim = *_both("movedim", source, destination), as_tensor_argument(input).ndim
    if len(source) != len(destination):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(source)} dims) should contain the same number of "
            f"dims as destination ({list(destination)} dims)"
        )
    sources, destinations = ([wrap_dim(d, ndim) for d in dims] for dims in (source, destination))
    for name, dims, given in (("source", sources, source), ("destination", destinations, destination)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(given)})")
    if not ndim:
        return alias(input)
    rest = iter([d for d in range(ndim) if d not in sources])
    placed = dict(zip(destinations, sources, strict=True))
    return permute(input, [placed[i] if i in placed else next(rest) for i in range(ndim)])


def _both(name: str, source: Any, destination: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    for kind in (is_int, lambda value: isinstance(value, (tuple, list)) and all(map(is_int, value))):
        if kind(source) and kind(destination):
            return to_ints("source", 2, source, or_one=True), to_ints("destination", 3, destination, or_one=True)
    raise no_overload()


@composite
def moveaxis(input: Tensor, source: Any, destination: Any) -> Tensor:
    """`movedim` under numpy's name."""
    return movedim(input, source, destination)


def reversed_dims(input: Tensor) -> Tensor:
    """The dimensions in reverse: the transpose of a matrix."""
    if input.ndim == 0:
        warn_once("Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.")
    elif input.ndim != 2:
        warn_once(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an "
            "error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim "
            "- 1, -1, -1))` to reverse the dimensions of a tensor."
        )
    return permute(input, tuple(range(input.ndim))[::-1])


def matrix_transpose(input: Tensor, name: str = "mT") -> Tensor:
    """The last two dimensions exchanged."""
    if input.ndim == 0:
        own = name if name == "adjoint()" else f"Tensor.{name}"
        instead = "This function is the identity in these cases." if name == "mT" else "Consider using x.conj()."
        warn_once(f"{own} is deprecated on 0-D tensors. {instead}")
        return input
    if input.ndim == 1:
        raise RuntimeError(f"tensor.{name} is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return transpose(input, -2, -1)


def hermitian(input: Tensor) -> Tensor:
    """The conjugate transpose of a matrix, which for real numbers is the transpose."""
    if input.ndim == 0:
        warn_once("Tensor.H is deprecated on 0-D tensors. Consider using x.conj().")
        return input
    if input.ndim != 2:
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {input.ndim}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if input.ndim > 2 else "")
        )
    return transpose(input, 0, 1)


@composite
def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of the matrices in the last two dimensions."""
    return matrix_transpose(as_tensor_argument(input), "adjoint()")


# Attributes of a tensor that are operations.
PROPERTIES: dict[str, Callable[[Tensor], Tensor]] = {
    "T": reversed_dims,
    "mT": matrix_transpose,
    "H": hermitian,
    "mH": lambda input: matrix_transpose(input, "mH"),
}


publish_in_place("t", lambda: "TBackward1")
publish_in_place("transpose", lambda dim0, dim1: "TransposeBackward1")


@only_method
def swapaxes_(self: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose_` under numpy's name."""
    return self.transpose_(to_int("axis0", 2, axis0), to_int("axis1", 3, axis1))


@only_method
def swapdims_(self: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose_` under another name."""
    return self.transpose_(to_int("dim0", 2, dim0), to_int("dim1", 3, dim1))
