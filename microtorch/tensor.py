"""Tensor: a numpy array with a place in the graph. No mathematics.

Tensors that share memory share a version counter: every in-place operation raises it, and a value saved for backward
remembers the version it had. A view also knows its `base`, so that an in-place change of one shows in the gradients of
the other (`microtorch.views`).
"""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dtypes, printing
from .engine import Edge, Node, RemovableHandle, add_hook, mode
from .types import CPU, Size, device, layout, strided
from .views import View, data_pointer, gradient_edge, refresh_view

class AutogradMeta:
    """What only some tensors have: a gradient, hooks, the node that accumulates into it."""

    __slots__ = ("accumulator", "grad", "hooks", "post_accumulate", "retains_grad")

    def __init__(self) -> None:
        self.grad: Tensor | None = None
        self.hooks: OrderedDict[int, Any] | None = None
        self.post_accumulate: OrderedDict[int, Any] | None = None
        self.accumulator: weakref.ref[Node] | None = None  # weak: the node holds the tensor
        self.retains_grad = False


class InferenceCounter(list[int]):
    """The version counter of a tensor made in inference mode, which keeps no versions."""


class Tensor:
    """An n-dimensional array of one dtype that can record how it was computed."""

    __slots__ = ("__dict__", "__weakref__", "_array", "_autograd", "_counter", "_edge", "_requires_grad", "_view")

    _array: np.ndarray[Any, Any]
    _counter: list[int]  # the version, in a list so that views share it
    _edge: Edge | None  # (node that made it, which of its outputs); None for a leaf
    _requires_grad: bool
    _view: View | None
    _autograd: AutogradMeta | None

    if TYPE_CHECKING:  # the mathematics, which `microtorch.binding` adds

        def __getattr__(self, name: str) -> Any: ...

        __getitem__: Any
        __setitem__: Any
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = __pow__ = Any
        __and__ = __or__ = __xor__ = __invert__ = __matmul__ = __abs__ = __floordiv__ = __mod__ = __rpow__ = Any
        __lt__ = __le__ = __gt__ = __ge__ = Any

    __array_priority__ = 1000  # numpy scalars leave mixed arithmetic to Tensor
    layout: layout = strided
    is_cuda = is_sparse = is_quantized = is_meta = is_mps = is_xpu = is_mkldnn = is_nested = False
    is_cpu = True
    names: Any = None

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

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
        return self.shape if dim is None else self._array.shape[wrap_dim(dim, self._array.ndim)]

    def stride(self, dim: int | None = None) -> Any:
        """The distance in memory, in elements, between neighbours along each dimension (or along `dim`)."""
        array = self._array
        strides = [s // array.itemsize for s in array.strides]
        for i in reversed(range(array.ndim)):
            if array.shape[i] == 1 and strides[i] == 0:  # numpy's mark for a dimension that was put in
                strides[i] = strides[i + 1] * max(array.shape[i + 1], 1) if i + 1 < array.ndim else 1
        return tuple(strides) if dim is None else strides[wrap_dim(dim, array.ndim)]

    def storage_offset(self) -> int:
        """The distance in memory, in elements, from the start of the storage."""
        owner = self._array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        return (data_pointer(self._array) - data_pointer(owner)) // self._array.itemsize

    def data_ptr(self) -> int:
        return data_pointer(self._array) if self._array.size else 0

    def is_contiguous(self, memory_format: Any = None) -> bool:
        return self._array.flags.c_contiguous

    def is_floating_point(self) -> bool:
        return self._array.dtype.kind == "f"

    def is_complex(self) -> bool:
        return False

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    def is_inference(self) -> bool:
        return type(self._counter) is InferenceCounter

    # -- its place in the graph ---------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        view = self._view
        return self._requires_grad or (view is not None and view.base.requires_grad)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            hint = "" if value else (
                " If you want to use a computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )
            raise RuntimeError(f"you can only change requires_grad flags of leaf variables.{hint}")
        if value and self._array.dtype.kind != "f":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Node | None:
        if self._view is not None:
            refresh_view(self)
        return None if self._edge is None else self._edge[0]

    @property
    def output_nr(self) -> int:
        return 0 if self._edge is None else self._edge[1]

    @property
    def _version(self) -> int:
        if type(self._counter) is InferenceCounter:
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._counter[0]

    @property
    def _base(self) -> Tensor | None:
        return None if self._view is None else self._view.base

    def _is_view(self) -> bool:
        return self._view is not None

    @property
    def _meta(self) -> AutogradMeta:
        if self._autograd is None:
            self._autograd = AutogradMeta()
        return self._autograd

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient of a leaf, or None."""
        meta = self._autograd
        if meta is not None and meta.grad is not None:
            return meta.grad
        if self._edge is not None and (meta is None or not meta.retains_grad):
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated "
                "for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor "
                "by mistake, make sure you access the leaf Tensor instead. See "
                "github.com/pytorch/pytorch/pull/30531 for more information.",
                stacklevel=2,
            )
        return None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is None:
            if self._autograd is not None:
                self._autograd.grad = None
            return
        if not isinstance(value, Tensor):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
            )
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if value.dtype is not self.dtype:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype '{value.dtype.c_name}' to a tensor with grad_dtype "
                f"'{self.dtype.legacy_name}'. The gradient must match the tensor's grad_dtype (defaults to the "
                "tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to "
                "allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may "
                "break downstream systems that assume they match."
            )
        if value._array.shape != self._array.shape:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
            )
        self._meta.grad = value

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def _accumulate(self, gradient: Tensor) -> None:
        """Add to `.grad`: in place when it is there and the addition is not recorded, else a new tensor."""
        meta = self._meta
        held = meta.grad
        if held is None:
            meta.grad = gradient._recorded_copy_like(self) if mode.grad else wrap(copy_in_layout(gradient, self))
        elif mode.grad:
            meta.grad = held + gradient
        else:
            np.add(held._array, gradient._array, held._array)
            held._counter[0] += 1

    def _post_accumulate_hooks(self) -> list[Callable[[Tensor], None]]:
        meta = self._autograd
        return [] if meta is None or meta.post_accumulate is None else list(meta.post_accumulate.values())

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(grad)` when the gradient of this tensor is complete; what it returns replaces the gradient."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        node, output_nr = gradient_edge(self)
        if self._edge is None:  # a leaf's node can die and be made anew, its hooks must not
            meta = self._meta
            if meta.hooks is None:
                meta.hooks = OrderedDict()
                assert node is not None
                node.hooks.tensor[0] = meta.hooks
            return add_hook(meta.hooks, hook)
        assert node is not None
        return add_hook(node.hooks.tensor.setdefault(output_nr, OrderedDict()), hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook(tensor)` after the gradient of this leaf was added to `.grad`."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not self.is_leaf:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        meta = self._meta
        if meta.post_accumulate is None:
            meta.post_accumulate = OrderedDict()
        return add_hook(meta.post_accumulate, hook)

    @property
    def retains_grad(self) -> bool:
        return self._autograd is not None and self._autograd.retains_grad

    def retain_grad(self) -> None:
        """Keep the gradient of this non-leaf in `.grad`, too."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self.is_leaf or self.retains_grad:
            return
        node, output_nr = gradient_edge(self)
        assert node is not None
        self._meta.retains_grad = True
        this = weakref.ref(self)  # the node must not keep its own output alive

        def retain(gradient: Tensor) -> None:
            tensor = this()
            if tensor is not None:
                held = tensor._meta.grad
                tensor._meta.grad = gradient.clone() if held is None else held + gradient

        node.hooks.retain[output_nr] = retain

    # -- its data -----------------------------------------------------------------------------------------------------

    @property
    def data(self) -> Tensor:
        """The same memory without history and with a version counter of its own."""
        return wrap(self._array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.requires_grad and value._array.dtype.kind != "f":
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._array = value._array

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The array itself: tensor and array share memory. With `force`, of a tensor that requires a gradient, too."""
        if self.requires_grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._array.view()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self) -> bool | int | float:
        """The value of a tensor of one element as a Python number."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        return self._array.item()  # type: ignore[no-any-return]

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; of a 0-d tensor, the number."""
        return self._array.tolist()

    def _scalar(self) -> bool | int | float:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._array.item()  # type: ignore[no-any-return]

    def __float__(self) -> float:
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
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __hash__(self) -> int:
        return id(self)

    def __reversed__(self) -> Tensor:
        return self if self._array.ndim == 0 else self.flip(0)  # type: ignore[no-any-return]

    def __dir__(self) -> list[str]:
        return sorted(set(super().__dir__()))

    # -- as text ------------------------------------------------------------------------------------------------------

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        try:
            node = self.grad_fn
            grad_fn_name = None if node is None else type(node).__name__
        except RuntimeError:  # a view that was made under no_grad and then changed has none
            grad_fn_name = "Invalid"
        return printing.tensor_text(
            self._array,
            dtype=self.dtype,
            requires_grad=self.requires_grad,
            grad_fn_name=grad_fn_name,
            name="tensor" if type(self).__name__ in ("Tensor", "Parameter") else type(self).__name__,
            contents=tensor_contents,
        )

    def __format__(self, spec: str) -> str:
        if self._array.ndim == 0 and type(self) is Tensor:
            return self.item().__format__(spec)
        return object.__format__(self, spec)

    # -- copies -------------------------------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment.  If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm "
                "usage, see https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]  # type: ignore[no-any-return]
        copy = wrap(self._array.copy(order="K"), type(self))
        memo[id(self)] = copy
        copy._requires_grad = self._requires_grad
        if self._autograd is not None and self._autograd.grad is not None:
            copy._meta.grad = self._autograd.grad.__deepcopy__(memo)
        for name, value in self.__dict__.items():
            from copy import deepcopy

            copy.__dict__[name] = deepcopy(value, memo)
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            warn_nonleaf = "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not "
            raise RuntimeError(
                warn_nonleaf + "support crossing process boundaries.  If you just want to transfer the data, call "
                "detach() on the tensor before serializing (e.g., putting it on the queue)."
            )
        return (_rebuild, (type(self), self._array, self._requires_grad, self.__dict__ or None))


def _rebuild(cls: type[Tensor], array: Any, requires_grad: bool, attributes: dict[str, Any] | None) -> Tensor:
    tensor = wrap(array, cls)
    tensor._requires_grad = requires_grad
    if attributes:
        tensor.__dict__.update(attributes)
    return tensor


_new = object.__new__


def wrap(array: Any, cls: type[Tensor] = Tensor) -> Tensor:
    """A fresh leaf on an array, which is not copied."""
    tensor = _new(cls)
    tensor._array = array
    tensor._counter = InferenceCounter((0,)) if mode.inference else [0]
    tensor._edge = None
    tensor._requires_grad = False
    tensor._view = None
    tensor._autograd = None
    return tensor


def wrap_dim(dim: int, ndim: int) -> int:
    """A dimension counted from either end, as one counted from the front; a 0-d tensor has the dimensions -1 and 0."""
    extent = ndim or 1
    if not -extent <= dim < extent:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-extent}, {extent - 1}], but got {dim})"
        )
    return dim + extent if dim < 0 else dim


def copy_in_layout(gradient: Tensor, variable: Tensor) -> np.ndarray[Any, Any]:
    """A copy of a gradient whose memory is laid out as its variable's, or in order where that has no order of its own."""
    array = variable._array
    if array.flags.c_contiguous or 0 in array.strides:
        return np.array(gradient._array, order="C")
    copy = np.empty_like(array, order="K")
    copy[...] = gradient._array
    return copy
