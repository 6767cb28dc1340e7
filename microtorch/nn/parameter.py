"""Parameter and Buffer: tensors that a module registers when they are assigned to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..tensor import Tensor, wrap


class _Marked(type):
    """The type of Parameter and Buffer: a tensor that carries the class's mark is an instance, too."""

    def __instancecheck__(cls, instance: object) -> bool:
        if super().__instancecheck__(instance):
            return True
        mark = cls.__dict__.get("_mark")
        return mark is not None and isinstance(instance, Tensor) and bool(instance.__dict__.get(mark))


class Parameter(Tensor, metaclass=_Marked):
    """A tensor that is learned: a leaf on the memory of `data`, which requires a gradient unless told otherwise."""

    __slots__ = ()
    _mark = "_is_param"

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = wrap(np.empty(0, dtypes.get_default_dtype().numpy))
        if type(data) is not Tensor and type(data) is not Parameter:
            made = data.detach().requires_grad_(requires_grad)
            if type(made) is not type(data):
                raise RuntimeError(
                    f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() "
                    f"returns an instance of the same type, but return type {type(made).__name__} was found instead. "
                    "To use the type as a Parameter, please correct the detach() semantics defined by its "
                    "__torch_dispatch__() implementation."
                )
            made._is_param = True
            return made
        if not isinstance(requires_grad, bool):
            given = type(requires_grad).__name__
            raise TypeError(f"_make_subclass(): argument 'require_grad' (position 3) must be bool, not {given}")
        if requires_grad and not data.is_floating_point():
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        parameter = wrap(data._array, cls)
        parameter._counter = data._counter  # one memory, one version
        parameter._requires_grad = requires_grad
        return parameter  # type: ignore[return-value]  # wrap is declared to give a Tensor

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:  # type: ignore[override]  # as torch's, without the argument that Tensor's has
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor, metaclass=_Marked):
    """A tensor that is part of a module's state but not learned; `persistent`: it belongs into the `state_dict`, too.

    `Buffer(data)` is a plain tensor on the memory of `data` that carries a mark, as in torch.
    """

    __slots__ = ()
    _mark = "_is_buffer"

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Tensor:  # type: ignore[misc]  # as in torch
        if data is None:
            data = wrap(np.empty(0, dtypes.get_default_dtype().numpy))
        buffer: Tensor = data.detach().requires_grad_(data.requires_grad)
        buffer.__dict__.update(persistent=persistent, _is_buffer=True)
        return buffer
