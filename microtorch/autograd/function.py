"""`Function`: an operation whose forward and backward the user writes.

The node of such an operation is its context, `ctx`: what `forward` leaves on it, `backward` finds there.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import FREED, WATCHED, Node, Output, edge_to, mode
from ..saved import SavedInput, SavedOutput, SavedPacked, SavedTensor
from ..tensor import Tensor, wrap
from ..views import CUSTOM_FUNCTION, MULTI_OUTPUT, check_inplace, gradient_edge, rebase_history, set_edge
from ..watched import watch
from .grad_mode import no_grad


class FunctionCtx:
    """What `forward` (or `setup_context`) can say to the node."""

    to_save: tuple[Tensor | None, ...] = ()
    dirty_tensors: tuple[Tensor, ...] = ()
    non_differentiable: tuple[Tensor, ...] = ()
    materialize_grads = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (or None) for `backward`, which finds them in `saved_tensors` if they were not changed."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Nothing: it serves forward-mode differentiation, which microtorch does not have."""
        if not all(tensor is None or isinstance(tensor, Tensor) for tensor in tensors):
            raise AssertionError(
                "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes on "
                "ctx."
            )

    def mark_dirty(self, *args: Tensor) -> None:
        """Say which inputs `forward` changed in place; they must be returned."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say which outputs have no gradient; `backward` is given zeros for them."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether `backward` is given zeros (as it is unless told otherwise) or None where no gradient came."""
        self.materialize_grads = value


class BackwardCFunction(Node, FunctionCtx):
    """The node of a `Function`, and its `ctx`."""

    computes_what_is_wanted = False
    holds = True
    _forward_cls: type[Function]
    needs_input_grad: tuple[bool, ...]  # of every argument, whether it is a tensor that requires a gradient

    def __init__(self, arguments: Sequence[Any]) -> None:
        self.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in arguments)
        self._is_recorded = mode.grad and any(self.needs_input_grad)
        self._is_tensor = [isinstance(a, Tensor) for a in arguments]
        edges = [gradient_edge(a) for a in arguments if isinstance(a, Tensor)] if self._is_recorded else []
        super().__init__(tuple(edges), ())
        self._saved: tuple[SavedInput | SavedOutput | SavedPacked | None, ...] | None = ()
        self._results: list[Output | None] = []  # of every result that is a tensor, differentiable or not

    def apply(self, *gradients: Any) -> Sequence[Any]:
        if self.materialize_grads:
            gradients = tuple(
                wrap(np.zeros(*result)) if gradient is None and result is not None else gradient
                for gradient, result in zip(gradients, self._results, strict=True)
            )
        results = self._user_function()(self, *gradients)
        if not isinstance(results, tuple):
            results = (results,)
        expected = len(self._is_tensor)
        if all(result is None for result in results[expected:]):
            results = results[:expected]
        if len(results) != expected:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {expected}, got "
                f"{len(results)})"
            )
        outgoing = []
        for i, (result, is_tensor) in enumerate(zip(results, self._is_tensor, strict=True)):
            if is_tensor:
                if result is not None and not isinstance(result, Tensor):
                    raise RuntimeError(f"expected Variable or None (got {type(result).__name__})")
                outgoing.append(result)
            elif result is not None:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different than None at position {i + 1}, but the "
                    "corresponding forward input was not a Variable"
                )
        return outgoing

    def release(self) -> None:
        self._saved = None

    def name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{type(self).__name__} object at {id(self):#x}>"

    def _user_function(self) -> Callable[..., Any]:
        backward, vjp = self._forward_cls.backward, self._forward_cls.vjp
        if vjp is Function.vjp:
            return backward
        if backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only "
                "implement one of them."
            )
        return vjp

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What was saved for backward, checked to be unchanged."""
        if self._saved is None:
            raise RuntimeError(FREED)
        return tuple(None if saved is None else saved.unpack(self) for saved in self._saved)

    @property
    def _raw_saved_tensors(self) -> tuple[SavedTensor, ...]:
        if self._saved is None:
            raise RuntimeError(FREED)
        return tuple(SavedTensor(self, position) for position in range(len(self._saved)))

    @property
    def saved_variables(self) -> tuple[Tensor | None, ...]:
        """The old name of `saved_tensors`."""
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors

    # -- after forward ------------------------------------------------------------------------------------------------

    def _connect(self, arguments: Sequence[Any], returned: Any, *, has_setup_context: bool) -> Any:
        """Give what `forward` returned its place in the graph, and keep what is to be saved."""
        for i, tensor in enumerate(self.to_save if self._is_recorded else ()):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type {type(tensor).__name__}"
                )
        results = returned if isinstance(returned, tuple) else (returned,)
        inputs = _identities(arguments)
        saved = _identities(self.to_save) if has_setup_context else set()
        constant = _identities(
            self.non_differentiable, "mark_non_differentiable only accepts variable arguments, but got "
        )
        dirty = _identities(self.dirty_tensors, "mark_dirty can only accept variables, but argument ")
        for tensor in self.dirty_tensors:
            tensor._counter[0] += 1

        outputs: list[Any] = []
        connected = []
        for position, result in enumerate(results):
            if isinstance(result, Tensor):
                this = id(result)
                is_input, is_dirty = this in inputs, this in dirty
                if is_input and this in saved and not is_dirty:
                    raise RuntimeError(
                        "An input that has been returned as-is as output is being saved for backward. This is not "
                        "supported if you override setup_context. You should return and save a view of the input "
                        "instead, e.g. with x.view_as(x) or setup ctx inside the forward function itself."
                    )
                if not (self._is_recorded and this not in constant and result._is_differentiable):
                    result = _without_history(result, is_input, is_dirty)
                elif is_dirty:
                    self._rebase(result, position, is_input, len(results))
                    connected.append(position)
                else:
                    result = _alias(result) if is_input else result
                    set_edge(result, edge_to(self, position, result._array))
                    connected.append(position)
                if result._view is not None and not (is_input and is_dirty):
                    result._view.origin = CUSTOM_FUNCTION
            outputs.append(result)
        if len(connected) > 1:
            for output in outputs:
                if isinstance(output, Tensor) and output._view is not None:
                    output._view.origin = MULTI_OUTPUT
        if not dirty <= _identities(results):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
                "are modified inplace must all be outputs of the Function."
            )
        if self._is_recorded:
            self._results = [(o._array.shape, o._array.dtype) if isinstance(o, Tensor) else None for o in outputs]
            self._outputs = [r if r and i in connected else ((), None) for i, r in enumerate(self._results)]
            self._saved = tuple(self._keep(tensor, outputs) for tensor in self.to_save)
            if mode.flags & WATCHED:
                watch(self, outputs)
        self.to_save = self.dirty_tensors = self.non_differentiable = ()  # the node must not keep its own results
        return tuple(outputs) if isinstance(returned, tuple) else outputs[0]

    def _rebase(self, tensor: Tensor, position: int, is_input: bool, number: int) -> None:
        """Make the node the origin of an input that was changed in place."""
        if tensor.requires_grad and tensor._edge is None:
            raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
        if not is_input:
            what = (
                "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been mutated "
                "should be passed to ctx.mark_dirty()."
            )
            if tensor._view is not None:
                raise RuntimeError(what)
            warnings.warn(what, stacklevel=4)
        if tensor._view is not None and number > 1:
            raise RuntimeError(
                "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot "
                "return more than one Tensor. This is not supported by the current autograd engine. You should either "
                "make sure the input is not a view (using .clone() for example) or make your Function only return one "
                "Tensor (potentially splitting it into two Functions: one doing the inplace that returns a single "
                "Tensor and a second one that does the other operations). You can ask on the forum "
                "https://discuss.pytorch.org/ if you need help to do this change."
            )
        tensor.grad = None
        check_inplace(tensor)
        rebase_history(tensor, self, position)

    @staticmethod
    def _keep(tensor: Tensor | None, outputs: Sequence[Any]) -> SavedInput | SavedOutput | None:
        if tensor is None:
            return None
        for position, output in enumerate(outputs):
            if output is tensor and tensor.requires_grad:
                return SavedOutput(tensor, position)
        return SavedInput(tensor)


def _identities(values: Sequence[Any], complaint: str | None = None) -> set[int]:
    """The identities of the tensors among `values`, which must all be tensors if there is a complaint."""
    if complaint is not None and not all(isinstance(value, Tensor) for value in values):
        raise RuntimeError(complaint)
    return {id(value) for value in values if isinstance(value, Tensor)}


def _alias(tensor: Tensor) -> Tensor:
    """Another tensor on the same memory, as views that are made inside a Function are."""
    with no_grad():
        return tensor.view(tensor.shape)


def _without_history(result: Tensor, is_input: bool, is_dirty: bool) -> Tensor:
    if not result.requires_grad:
        return _alias(result) if is_input and not is_dirty else result
    if is_input:
        return result.detach()
    if result._view is None:
        result.detach_()
    return result


class FunctionMeta(type):
    """Makes the node class of every Function: `SquareBackward` for `Square`."""

    def __init__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> None:
        super().__init__(name, bases, attributes)
        cls._backward_cls = type(f"{name}Backward", (BackwardCFunction,), {"_forward_cls": cls})


class Function(metaclass=FunctionMeta):
    """An operation with a gradient of the user's own: subclass it, write `forward` and `backward`, call `apply`.

    Either `forward(ctx, *args)`, or `forward(*args)` with `setup_context(ctx, inputs, output)`.
    """

    _backward_cls: type[BackwardCFunction]
    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. "
            "(Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; nothing in here is recorded."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Leave on `ctx` what `backward` needs, where `forward` takes no `ctx`."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """From a gradient for every result, one for every argument; None for what is no tensor or needs none."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Never called: microtorch does not have forward-mode differentiation."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """Never called: microtorch does not have vmap."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or set "
            "generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` and record it."""
        has_setup_context = cls.setup_context is not Function.setup_context
        if has_setup_context:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        if kwargs:
            args = _positional(cls.forward, args, kwargs, skip=0 if has_setup_context else 1)
        ctx = cls._backward_cls(args)
        with no_grad():
            if has_setup_context:
                returned = cls.forward(*args)
                cls.setup_context(ctx, args, returned)
            else:
                returned = cls.forward(ctx, *args)
        return ctx._connect(args, returned, has_setup_context=has_setup_context)


def _positional(
    forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], skip: int
) -> tuple[Any, ...]:
    """Arguments given by name, put where `forward` has them; its first `skip` parameters do not count."""
    code = forward.__code__
    names = code.co_varnames[skip : code.co_argcount]
    for name in kwargs:
        if name not in names:
            raise TypeError(f"forward() got an unexpected keyword argument '{name}'")
        if names.index(name) < len(args):
            raise TypeError(f"forward() got multiple values for argument '{name}'")
    number = max(map(names.index, kwargs)) + 1
    for i, name in enumerate(names[len(args) : number], len(args)):
        if name not in kwargs:
            raise TypeError(f"forward() missing required argument: '{name}' (position {i})")
    return args + tuple(kwargs[name] for name in names[len(args) : number])


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A `backward` that is not recorded; what needs its derivative is told so."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with no_grad():
            outputs = fn(ctx, *args, **kwargs)
        if not mode.grad or not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            return outputs
        gradients = outputs if isinstance(outputs, tuple) else (outputs,)
        gradients = tuple(None if g is None else g.detach().requires_grad_() for g in gradients)
        known = [g for g in gradients if g is not None]
        node = Error(tuple(map(gradient_edge, known)), [(g._array.shape, g._array.dtype) for g in known])
        for position, gradient in enumerate(known):
            set_edge(gradient, edge_to(node, position, gradient._array))
        return gradients if len(gradients) > 1 else gradients[0]

    return wrapper


class Error(Node):
    """The node of what cannot be differentiated."""

    def apply(self, *gradients: Any) -> Sequence[Any]:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def __getattr__(name: str) -> Any:
    if name in ("InplaceFunction", "NestedIOFunction"):
        raise AttributeError(f"microtorch does not have {name}, a form of Function that torch keeps for old programs")
    raise AttributeError(f"module 'torch.autograd.function' has no attribute '{name}'")
