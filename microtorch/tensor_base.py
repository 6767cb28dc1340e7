"""TensorBase: what a tensor knows of the graph. Where it comes from, whether it wants a gradient, who wants to see it.

A tensor has a gradient edge, `_edge`, to the node that made it; a leaf has none, but may want a gradient
(`_requires_grad`). Tensors that share memory share a version counter, which every in-place operation raises. A view
also knows its base, from which it takes its history when the shared memory was changed (`microtorch.views`).
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .engine import AccumulateGrad, Edge, Node, mode
from .hooks import Hooks, RemovableHandle, add_hook
from .types import contiguous_format
from .views import InferenceCounter, View, gradient_edge, refresh_view

_creation = threading.Lock()


class AutogradMeta:
    """What only some tensors have: a gradient, hooks, the node that accumulates into it."""

    __slots__ = ("accumulator", "grad", "hooks", "post_accumulate", "retains_grad")

    def __init__(self) -> None:
        self.grad: Any = None
        self.hooks: Hooks | None = None  # register_hook, since the tensor got the grad_fn it has
        self.post_accumulate: Hooks | None = None
        self.accumulator: weakref.ref[AccumulateGrad] | None = None  # weak: the node holds the tensor
        self.retains_grad = False


class TensorBase:
    """An array's place in the graph."""

    __slots__ = ("__dict__", "__weakref__", "_array", "_autograd", "_counter", "_edge", "_requires_grad", "_view")

    _array: np.ndarray[Any, Any]
    _counter: list[int]  # the version, in a list so that views share it
    _edge: Edge | None  # to the node that made it; None for a leaf
    _requires_grad: bool
    _view: View | None
    _autograd: AutogradMeta | None

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        view = self._view
        return self._requires_grad or (view is not None and view.base.requires_grad)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError("requires_grad must be a bool")
        if self._edge is not None:
            raise RuntimeError(f"you can only change requires_grad flags of leaf variables.{'' if value else _DETACH}")
        if value and not self._is_differentiable:
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        self._set_requires_grad(value)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Record operations on this leaf from now on, or no longer."""
        if not isinstance(requires_grad, bool):
            raise TypeError(
                "requires_grad_(): argument 'requires_grad' (position 1) must be bool, not "
                f"{type(requires_grad).__name__}"
            )
        if not requires_grad and self._edge is not None:
            raise RuntimeError(f"you can only change requires_grad flags of leaf variables.{_DETACH}")
        if requires_grad and not self._is_differentiable:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self._set_requires_grad(requires_grad)
        return self

    def _set_requires_grad(self, value: bool) -> None:
        if value and self.is_inference() and not mode.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        self._requires_grad = value

    @property
    def _is_differentiable(self) -> bool:
        return bool(self._array.dtype.kind == "f")

    @property
    def is_leaf(self) -> bool:
        """Whether it was not made by a recorded operation."""
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Node | None:
        """The node that made it, or None for a leaf."""
        if self._view is not None:
            refresh_view(self)
        return None if self._edge is None else self._edge[0]

    @property
    def output_nr(self) -> int:
        return 0 if self._edge is None else self._edge[1]

    @property
    def _version(self) -> int:
        if self.is_inference():
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._counter[0]

    @property
    def _base(self) -> Any:
        return None if self._view is None else self._view.base

    def _is_view(self) -> bool:
        return self._view is not None

    def is_inference(self) -> bool:
        """Whether it was made in inference mode, and so can never enter a graph that has to save it."""
        return type(self._counter) is InferenceCounter

    # -- its gradient -------------------------------------------------------------------------------------------------

    @property
    def _meta(self) -> AutogradMeta:
        if self._autograd is None:
            with _creation:  # two threads may come here with the same leaf
                self._autograd = self._autograd or AutogradMeta()
        return self._autograd

    @property
    def grad(self) -> Any:
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
    def grad(self, value: Any) -> None:
        if value is None:
            if self._autograd is not None:
                self._autograd.grad = None
            return
        if not isinstance(value, TensorBase):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
            )
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        mine, its = (dtypes.FROM_NUMPY[t._array.dtype] for t in (self, value))
        if its is not mine:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype '{its.cpp_name}' to a tensor with grad_dtype "
                f"'{mine.legacy_name}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's "
                "dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any "
                "dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break "
                "downstream systems that assume they match."
            )
        if value._array.shape != self._array.shape:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(value._array.shape)}' to a tensor of size "
                f"'{list(self._array.shape)}'. Please ensure that the gradient and the tensor are the same size"
            )
        self._meta.grad = value

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    # -- who wants to see it ------------------------------------------------------------------------------------------

    def register_hook(self, hook: Callable[[Any], Any]) -> RemovableHandle:
        """Call `hook(grad)` when the gradient of this tensor is complete; what it returns replaces the gradient."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        node, output_nr, *_ = gradient_edge(self)
        meta = self._meta
        if meta.hooks is None:  # kept here as well, since a leaf's node can die and be made anew
            meta.hooks = OrderedDict()
            if node is not None:
                node.hooks.tensor.append((output_nr, meta.hooks))
        return add_hook(meta.hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], None]) -> RemovableHandle:
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
        """Whether this non-leaf keeps its gradient in `.grad`."""
        return self._autograd is not None and self._autograd.retains_grad

    def retain_grad(self) -> None:
        """Keep the gradient of this non-leaf in `.grad`, too."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._edge is None or self.retains_grad:
            return
        node, output_nr, *_ = gradient_edge(self)
        assert node is not None
        self._meta.retains_grad = True
        this = weakref.ref(self)  # the node must not keep its own output alive

        def retain(gradient: Any) -> None:
            tensor = this()
            if tensor is not None:
                meta = tensor._meta
                meta.grad = (
                    gradient.clone(memory_format=contiguous_format) if meta.grad is None else meta.grad + gradient
                )

        node.hooks.retain[output_nr] = retain


_DETACH = (
    " If you want to use a computed variable in a subgraph that doesn't require differentiation use "
    "var_no_grad = var.detach()."
)
