"""Tensor: a numpy array with a place in the graph. No mathematics."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dtypes, printing, storage
from .arguments import is_int, type_name
from .engine import GRAD, INFERENCE, ReshapedLeaf, mode
from .settings import warn_once
from .tensor_base import TensorBase
from .types import CPU, Size, contiguous_format, device, layout, strided
from .views import InferenceCounter as InferenceCounter


class Tensor(TensorBase):
    """An n-dimensional array of one dtype that can record how it was computed."""

    __slots__ = ()

    if TYPE_CHECKING:  # the mathematics, which `microtorch.binding` adds

        def __getattr__(self, name: str) -> Any: ...

        __getitem__: Any
        __setitem__: Any
        __add__: Any
        __radd__: Any
        __sub__: Any
        __rsub__: Any
        __mul__: Any
        __rmul__: Any
        __truediv__: Any
        __rtruediv__: Any
        __neg__: Any
        __pow__: Any
        __rpow__: Any
        __and__: Any
        __or__: Any
        __xor__: Any
        __invert__: Any
        __matmul__: Any
        __abs__: Any
        __floordiv__: Any
        __mod__: Any
        __lt__: Any
        __le__: Any
        __gt__: Any
        __ge__: Any
        backward: Any

    __array_priority__ = 1000  # numpy scalars leave mixed arithmetic to Tensor
    layout: layout = strided
    is_cuda = is_sparse = is_quantized = is_meta = is_mps = is_xpu = is_mkldnn = is_nested = False
    is_cpu = True

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return tuple.__new__(Size, self._array.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.FROM_NUMPY[self._array.dtype]

    @property
    def device(self) -> device:
        return CPU

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def itemsize(self) -> int:
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        return self._array.nbytes

    def dim(self) -> int:
        return self._array.ndim

    ndimension = dim

    def numel(self) -> int:
        return self._array.size

    nelement = numel

    def element_size(self) -> int:
        return self._array.itemsize

    def get_device(self) -> int:
        return -1

    def size(self, dim: int | None = None) -> Any:
        """The shape, or its length along `dim`."""
        return self.shape if dim is None else self._array.shape[self._dim("size", dim)]

    def stride(self, dim: int | None = None) -> Any:
        """The distance in memory, in elements, between neighbours along each dimension (or along `dim`)."""
        strides = storage.strides(self._array)
        return strides if dim is None else strides[self._dim("stride", dim)]

    def _dim(self, name: str, dim: Any) -> int:
        if not is_int(dim):
            raise TypeError(f"{name}(): argument 'dim' (position 1) must be int, not {type_name(dim)}")
        return wrap_real_dim(int(dim), self._array.ndim)

    def storage_offset(self) -> int:
        """The distance in memory, in elements, from the start of the storage."""
        return storage.offset(self._array)

    def data_ptr(self) -> int:
        return storage.pointer(self._array) if self._array.size else 0

    def is_contiguous(self, *, memory_format: Any = None) -> bool:
        return self._array.flags.c_contiguous

    def is_floating_point(self) -> bool:
        return self._is_differentiable

    def is_complex(self) -> bool:
        return False

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    def is_same_size(self, other: Tensor) -> bool:
        return self._array.shape == other._array.shape

    def is_set_to(self, tensor: Tensor) -> bool:
        """Whether this and another tensor are the same window onto the same memory."""
        a, b = self._array, tensor._array
        return (storage.pointer(a), a.shape, a.strides) == (storage.pointer(b), b.shape, b.strides)

    def is_conj(self) -> bool:
        return False

    def is_neg(self) -> bool:
        return False

    def is_shared(self) -> bool:
        return False

    def is_pinned(self) -> bool:
        return False

    @property
    def real(self) -> Tensor:
        return self

    @property
    def imag(self) -> Tensor:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")

    # -- its data -----------------------------------------------------------------------------------------------------

    @property
    def data(self) -> Tensor:
        """The same memory without history and with a version counter of its own."""
        tensor = wrap(self._array)
        tensor._counter = type(self._counter)((0,))
        return tensor

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.requires_grad and not value._is_differentiable:
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        meta = self._autograd
        if meta is not None and meta.accumulator is not None:
            accumulator = meta.accumulator()
            if value._array.dtype != self._array.dtype:
                meta.accumulator = None  # it expects gradients of the dtype there was
            elif accumulator is not None and value._array.shape != self._array.shape:
                accumulator.__class__ = ReshapedLeaf
        self._array = value._array

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")

    def detach(self) -> Tensor:
        """The same memory and version counter without history."""
        tensor = wrap(self._array)
        tensor._counter = self._counter
        return tensor

    def _in_own_shape(self, gradient: Any) -> Any:
        """A first gradient, an array or a tensor, of another shape: it is repeated, or refused."""
        if self._autograd is not None and self._autograd.grad is not None:
            return gradient
        is_tensor = isinstance(gradient, Tensor)
        copy = wrap(np.empty_like(self._array)).copy_(gradient if is_tensor else wrap(gradient))
        return copy if is_tensor else copy._array

    def _accumulate(self, gradient: Any) -> None:
        """Add an array to `.grad`, in place when it is there; a tensor is added differentiably."""
        meta = self._autograd or self._meta
        held = meta.grad
        if isinstance(gradient, Tensor):
            meta.grad = _recorded_copy(gradient, self) if held is None else held + gradient
        elif held is None:
            meta.grad = wrap(copy_in_layout(gradient, self))
        elif type(held._counter) is InferenceCounter or held._array.shape != gradient.shape:
            flags, mode.flags = mode.flags, mode.flags & ~GRAD
            try:
                held.add_(wrap(np.asarray(gradient)))  # which may be refused
            finally:
                mode.flags = flags
        else:
            np.add(held._array, gradient, held._array)
            held._counter[0] += 1

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The array itself: tensor and array share memory. With `force`, of a tensor that requires a gradient, too."""
        if self.requires_grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._array.view()

    def __array__(self, dtype: Any = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __array_wrap__(self, array: Any) -> Tensor:
        """What numpy makes of the result of its functions on tensors; truth values become bytes, as in torch."""
        return wrap(np.asarray(array, np.uint8 if array.dtype == bool else None))

    def item(self) -> bool | int | float:
        """The value of a tensor of one element as a Python number."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        return self._array.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; of a 0-d tensor, the number."""
        return self._array.tolist()

    def _scalar(self) -> bool | int | float:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._array.item()

    def __complex__(self) -> complex:
        return complex(self.__float__())

    def __float__(self) -> float:
        if self.requires_grad and mode.grad:
            _warn_of_gradient()
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar())

    def __index__(self) -> int:
        if self._array.size != 1 or self._array.dtype.kind == "f":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.item())

    def __bool__(self) -> bool:
        if self._array.size != 1:
            kind = "no values" if self._array.size == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {kind} is ambiguous")
        return bool(self._array.item())

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return int(self._array.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (Tensor, bool, int, float, np.number)):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        found: Tensor = self == element  # type: ignore[assignment]
        return bool(found.any())

    def __hash__(self) -> int:
        return id(self)

    def __reversed__(self) -> Tensor:
        return self if self._array.ndim == 0 else self.flip(0)

    def __dir__(self) -> list[str]:
        return sorted(set(super().__dir__()))

    # -- as text ------------------------------------------------------------------------------------------------------

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        try:
            node = self.grad_fn
            grad_fn_name = None if node is None else type(node).__name__
        except RuntimeError:  # a view that was made under no_grad and then changed has none
            grad_fn_name = "Invalid"
        plain = type(self).__name__ in ("Tensor", "Parameter")
        text = printing.tensor_text(
            self._array,
            dtype=self.dtype,
            requires_grad=self.requires_grad,
            grad_fn_name=grad_fn_name,
            name="tensor" if plain else type(self).__name__,
            contents=tensor_contents,
        )
        is_parameter = "_is_param" in (getattr(type(self), "_mark", None), *self.__dict__)
        return f"Parameter({text})" if is_parameter and not plain else text

    def __format__(self, spec: str) -> str:
        if self._array.ndim == 0 and type(self) is Tensor:
            return self.item().__format__(spec)
        return object.__format__(self, spec)

    # -- copies -------------------------------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment.  If you were attempting to deepcopy a module, this may be because of a "
                "torch.nn.utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]
        array = self._array
        owner = storage.owner(array)
        key: Any = (id(owner), array.dtype)
        if key not in memo:  # tensors that share memory share the copy of it
            memo[key] = storage.storage(array).copy()
        memory = memo[key]
        copy = wrap(storage.window(memory, array.shape, storage.strides(array), storage.offset(array)), type(self))
        copy._counter = type(copy._counter)((1,))
        memo[id(self)] = copy
        copy._requires_grad = self._requires_grad
        if self._autograd is not None and self._autograd.grad is not None:
            copy._meta.grad = self._autograd.grad.__deepcopy__(memo)
        for name, value in self.__dict__.items():
            copy.__dict__[name] = deepcopy(value, memo)
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        array = self._array
        place = (array.shape, storage.strides(array), storage.offset(array))
        return (_rebuild, (type(self), storage.storage(array), place, self.requires_grad, self.__dict__ or None))


def _rebuild(
    cls: type[Tensor], memory: Any, place: Any, requires_grad: bool, attributes: dict[str, Any] | None
) -> Tensor:
    dtype = dtypes.FROM_NUMPY[memory.dtype].numpy
    if memory.dtype is not dtype:  # unpickled arrays have an equal one, we compare with `is`
        memory = memory.astype(dtype)
    tensor = wrap(storage.window(memory, *place), cls)
    tensor._counter = type(tensor._counter)((1,))
    tensor._requires_grad = requires_grad
    if attributes:
        tensor.__dict__.update(attributes)
    return tensor


_new = object.__new__


def wrap(array: Any, cls: type[Tensor] = Tensor) -> Tensor:
    """A fresh leaf on an array, which is not copied."""
    tensor = _new(cls)
    tensor._array = array
    tensor._counter = InferenceCounter((0,)) if mode.flags & INFERENCE else [0]
    tensor._edge = tensor._view = tensor._autograd = None
    tensor._requires_grad = False
    return tensor


def _warn_of_gradient() -> None:
    warn_once(
        "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using "
        "tensor.detach() first."
    )


def wrap_dim(dim: int, ndim: int) -> int:
    """A dimension counted from either end, as one counted from the front; a 0-d tensor has the dimensions -1 and 0."""
    extent = ndim or 1
    if not -extent <= dim < extent:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-extent}, {extent - 1}], but got {dim})"
        )
    return dim + extent if dim < 0 else dim


def wrap_real_dim(dim: int, ndim: int) -> int:
    """A dimension counted from either end, as one counted from the front; a 0-d tensor has none."""
    if not ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, ndim)


def copy_in_layout(gradient: Any, variable: Tensor) -> np.ndarray[Any, Any]:
    """A copy of an array whose memory is laid out as a variable's, or in order where that has gaps or repeats."""
    array = variable._array
    if array.flags.c_contiguous and type(gradient) is np.ndarray:
        return gradient.copy()
    empty = _empty_in_layout(array)
    if empty is None:
        return np.array(gradient, order="C")
    empty[...] = gradient
    return empty


def _recorded_copy(gradient: Tensor, variable: Tensor) -> Tensor:
    """`copy_in_layout`, differentiably."""
    empty = _empty_in_layout(variable._array)
    if empty is None:
        return gradient.clone(memory_format=contiguous_format)
    return wrap(empty).copy_(gradient)


def _empty_in_layout(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Room for values in the strides of an array, if those fill a stretch of memory."""
    empty = np.empty_like(array, order="K")
    dense = all(n == 1 or a == b for n, a, b in zip(array.shape, array.strides, empty.strides, strict=True))
    return np.lib.stride_tricks.as_strided(empty, array.shape, array.strides) if dense else None
