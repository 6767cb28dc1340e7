"""`Function`: an operation whose forward and backward the user writes.

The node of such an operation is its context, `ctx`: what `forward` leaves on it, `backward` finds there.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ..engine import FREED, Edge, Node, Output, mode
from ..saved import SavedInput, SavedOutput
from ..tensor import Tensor, wrap
from ..views import CUSTOM_FUNCTION, MULTI_OUTPUT, check_inplace, gradient_edge, rebase_history
from .grad_mode import no_grad


class FunctionCtx:
    """What `forward` (or `setup_context`) can say to the node."""

    to_save: tuple[Tensor | None, ...] | None = None
    dirty_tensors: tuple[Tensor, ...] | None = None
    non_differentiable: tuple[Tensor, ...] | None = None
    materialize_grads = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (or None) for `backward`, which finds them in `saved_tensors` if they were not changed."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Nothing: it serves forward-mode differentiation, which microtorch does not have."""
        if not all(tensor is None or isinstance(tensor, Tensor) for tensor in tensors):
            raise AssertionError(
                "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes on ctx."
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

    _forward_cls: type[Function]
    needs_input_grad: tuple[bool, ...]  # of every argument, whether it is a tensor that requires a gradient

    def __init__(self, arguments: Sequence[Any]) -> None:
        self.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in arguments)
        self._is_recorded = mode.grad and any(self.needs_input_grad)
        self._is_tensor = [isinstance(a, Tensor) for a in arguments]
        edges = [gradient_edge(a) for a in arguments if isinstance(a, Tensor)] if self._is_recorded else []
        super().__init__(tuple(edges), ())
        self._saved: Sequence[SavedInput | SavedOutput | None] | None = ()
        self._results: list[Output | None] = []  # of every tensor among the results, differentiable or not

    def apply(self, *gradients: Any) -> Sequence[Any]:
        if self.materialize_grads:
            gradients = tuple(
                self._zeros(result) if gradient is None and result is not None else gradient
                for gradient, result in zip(gradients, self._results, strict=True)
            )
        results = self._user_function()(self, *gradients)
        if not isinstance(results, tuple):
            results = (results,)
        expected = len(self._is_tensor)
        if not any(result is not None for result in results[expected:]):
            results = results[:expected]
        if len(results) != expected:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {expected}, got {len(results)})"
            )
        outgoing = []
        for i, (result, is_tensor) in enumerate(zip(results, self._is_tensor, strict=True)):
            if is_tensor:
                if not (result is None or isinstance(result, Tensor)):
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

    def _user_function(self) -> Callable[..., Any]:
        backward, vjp = self._forward_cls.backward, self._forward_cls.vjp
        if vjp is Function.vjp:
            return backward
        if backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement "
                "one of them."
            )
        return vjp

    @staticmethod
    def _zeros(result: Output) -> Tensor:
        shape, dtype = result
        return wrap(np.zeros(shape, dtype))

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What was saved for backward, checked to be unchanged."""
        if self._saved is None:
            raise RuntimeError(FREED)
        return tuple(None if saved is None else saved.unpack(self) for saved in self._saved)

    @property
    def saved_variables(self) -> tuple[Tensor | None, ...]:
        """The old name of `saved_tensors`."""
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors

    # -- after forward ------------------------------------------------------------------------------------------------

    def _connect(self, inputs: Sequence[Any], returned: Any, has_setup_context: bool) -> Any:
        """Give what `forward` returned its place in the graph, and keep what is to be saved."""
        to_save = self._take_saved()
        inputs_by_id = {id(value) for value in inputs if isinstance(value, Tensor)}
        saved_inputs = {id(t) for t in self.to_save or () if t is not None} & inputs_by_id if has_setup_context else set()
        no_gradient = self._take_marked("non_differentiable", "mark_non_differentiable only accepts variable arguments, but got ")
        dirty = self._take_marked("dirty_tensors", "mark_dirty can only accept variables, but argument ")
        for tensor in dirty.values():
            tensor._counter[0] += 1
        outputs: list[Any] = []
        views, differentiable = [], 0
        raw = returned if isinstance(returned, tuple) else (returned,)
        self._results = [(t._array.shape, t._array.dtype) if isinstance(t, Tensor) else None for t in raw]
'''
