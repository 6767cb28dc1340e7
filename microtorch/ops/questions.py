"""What can be asked of a tensor by a function of the torch namespace."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from .. import dtypes
from ..arguments import no_overload, wrong_type
from ..kernels.layout import memory_axes
from ..op import NUMBERS, composite, only_function, only_method
from ..tensor import Tensor
from ..types import memory_format


def _tensor(value: Any, argument: str = "input", position: int = 1) -> Tensor:
    if not isinstance(value, Tensor):
        raise wrong_type(argument, position, "Tensor", value)
    return value


@only_function
def is_tensor(obj: Any) -> bool:
    """Whether an object is a tensor."""
    return isinstance(obj, Tensor)


@only_function
def numel(input: Tensor) -> int:
    """The number of elements."""
    return _tensor(input).numel()


@only_function
def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floating point numbers."""
    return _tensor(input).is_floating_point()


@only_function
def is_signed(input: Tensor) -> bool:
    """Whether the elements may be negative."""
    return _tensor(input).is_signed()


@only_function
def get_device(input: Tensor) -> int:
    """The number of the device, which for the CPU is −1."""
    return _tensor(input).get_device()


@only_function
def result_type(tensor: Any, other: Any) -> dtypes.dtype:
    """The dtype to which two tensors or numbers come together in arithmetic."""
    ranks: list[dtypes.dtype | None] = [None, None, None]  # of tensors with dimensions, of 0-d tensors, of numbers
    for value in (tensor, other):
        if isinstance(value, Tensor):
            rank, dtype = (0 if value.ndim else 1), value.dtype
        elif isinstance(value, NUMBERS):
            rank, dtype = 2, dtypes.of_number(value)  # type: ignore[arg-type]  # of NUMBERS, which are as numbers are
        else:
            raise no_overload()
        held = ranks[rank]
        ranks[rank] = dtype if held is None else dtypes.promote_types(held, dtype)
    return dtypes.result_type(*ranks)


@only_function
def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers; they never are here."""
    return _tensor(input).is_complex()


@composite
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero."""
    return bool(_tensor(input))


@only_function
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape."""
    return _tensor(input).is_same_size(_tensor(other, "other", 2))


@only_function
def is_inference(input: Tensor) -> bool:
    """Whether a tensor was made in inference mode."""
    return _tensor(input).is_inference()


@only_function
def is_conj(input: Tensor) -> bool:
    """Whether a tensor stands for its conjugate; it never does here."""
    return _tensor(input).is_conj()


@composite
def conj(input: Tensor) -> Tensor:
    """The conjugate, which of real numbers is the number itself."""
    return _tensor(input)


@composite
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: it does not stand for its conjugate."""
    return _tensor(input)


@composite
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: it does not stand for its negation."""
    return _tensor(input)


@only_method
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """Refused: there is no accelerator whose copies would be faster from pinned memory."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


@only_method
def dim_order(self: Tensor, *, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The dimensions as they lie in memory, the outermost first.

    With `ambiguity_check`, True or a list of memory formats, an order that is not the only one is refused, unless the
    tensor is of just one of these formats.
    """
    formats = ambiguity_check if isinstance(ambiguity_check, list) else []
    if not (isinstance(ambiguity_check, (bool, list)) and all(isinstance(each, memory_format) for each in formats)):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    array = self._array
    strides = self.stride()
    several = 1 in array.shape or any(a == b for a, b in pairwise(strides))
    if ambiguity_check is not False and several and sum(self.is_contiguous() for _ in formats) != 1:
        raise RuntimeError(
            "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
        )
    return tuple(range(array.ndim)) if self.is_contiguous() else memory_axes(array)
