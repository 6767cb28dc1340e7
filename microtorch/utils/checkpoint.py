"""Checkpoints: what a part of a program would keep for its backward pass is computed anew when it is needed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from ..autograd import backward, enable_grad, is_grad_enabled, no_grad
from ..autograd.function import Function
from ..autograd.graph import saved_tensors_hooks
from ..engine import TensorForm, mode
from ..later import package
from ..random import fork_rng, get_rng_state, set_rng_state
from ..saved import SAVED
from ..tensor import Tensor
from ..watched import save

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "detach_variable",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
]

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]
NEITHER = (
    " use_reentrant=False is recommended, but if you need to preserve the current default behavior, you can pass "
    "use_reentrant=True. Refer to docs for more details on the differences between the two variants."
)


class CheckpointError(RuntimeError):
    """What was computed anew is not what it had been."""


def noop_context_fn() -> Contexts:
    """Nothing around the computation, neither the first time nor when it is repeated."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args), of which backward keeps only the arguments: it calls `function` again.

    With `use_reentrant` as one node, whose backward is a backward pass within the pass; else with the usual graph,
    whose nodes find what they saved when the first of them needs it. `early_stop`: the second call ends as soon as all
    is there. `determinism_check`: "none" lets it save other shapes and dtypes than the first. `preserve_rng_state`
    (True): it draws the same random numbers. `debug` adds nothing to the errors here.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
            f"calling checkpoint without use_reentrant will raise an exception.{NEITHER}",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if not use_reentrant:
        contexts = _contexts(context_fn, debug)
        return _graph(function, args, kwargs, preserve, contexts, determinism_check, early_stop)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn or debug is not False:
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    return CheckpointFunction.apply(function, preserve, *args)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The functions (or a Sequential) one after the other, in `segments` parts, all but the last of them checkpoints."""
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In "
            f"version 2.9 we will raise an exception if use_reentrant is not passed.{NEITHER}",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    functions = list(functions.children()) if hasattr(functions, "children") else functions
    length = len(functions) // segments
    end = 0
    for start in range(0, length * (segments - 1), length):
        end = start + length
        part = partial(_one_after_the_other, functions[start:end])
        input = checkpoint(part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return _one_after_the_other(functions[end:], input)


def _one_after_the_other(functions: Sequence[Callable[..., Any]], input: Any) -> Any:
    for function in functions:
        input = function(input)
    return input


# -- as one node -------------------------------------------------------------------------------------------------------


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The tensors apart from their graph, as leaves that require what they did."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs)


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn where no input requires a gradient."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


class CheckpointFunction(Function):
    """The node of a checkpoint with `use_reentrant`."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.state = get_rng_state() if preserve_rng_state else None
        ctx.inputs = [None if isinstance(x, Tensor) else x for x in args]
        ctx.places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        if mode.backward is not None and mode.backward.begun[1][0] is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        given = list(ctx.inputs)
        for place, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            given[place] = tensor
        inputs = detach_variable(tuple(given))
        with _state(ctx.state), enable_grad():
            outputs = ctx.run_function(*inputs)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = [(x, g) for x, g in zip(outputs, args, strict=False) if isinstance(x, Tensor) and x.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([x for x, _ in pairs], [g for _, g in pairs])
        return (None, None, *[x.grad if isinstance(x, Tensor) else None for x in inputs])


@contextmanager
def _state(state: Tensor | None) -> Iterator[None]:
    """For a block: the random numbers of a state."""
    with fork_rng(enabled=state is not None):
        if state is not None:
            set_rng_state(state)
        yield


# -- with the usual graph ----------------------------------------------------------------------------------------------


class _Enough(Exception):
    """All that the first call saved is there."""


class _Place:
    """What a node holds in the place of a tensor: the tensor for each backward pass, until it is taken."""

    def __init__(self) -> None:
        self.tensors: WeakKeyDictionary[Any, Tensor | None] = WeakKeyDictionary()


class _Frame:
    """A checkpoint: how to compute it again, and the places for what it saved, in order."""

    def __init__(self, again: Callable[..., Any], args: Sequence[Any], check: bool, early_stop: bool) -> None:
        self.again = again
        self.args = [save(x) if isinstance(x, Tensor) else x for x in args]
        self.check, self.early_stop = check, early_stop
        self.places: list[ReferenceType[_Place]] = []
        self.kinds: list[dict[str, Any]] = []
        self.complete = False  # whether the first call has ended
        self.filled: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()  # the passes for which it was computed again

    def pack(self, tensor: Tensor) -> _Place:
        place = _Place()
        self.places.append(ref(place))
        self.kinds.append(_kind(tensor))
        return place

    def unpack(self, place: _Place) -> Tensor:
        this: Any = mode.backward or TensorForm()  # who looks from outside of a pass makes one of its own
        if this not in self.filled:
            self._fill(this)
        tensor = place.tensors[this]
        if tensor is None:
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. If you "
                "are calling ctx.saved_tensors in backward, make sure to do so only once. Otherwise please open an "
                "issue with details on your use case."
            )
        place.tensors[this] = None
        return tensor

    def _fill(self, this: Any) -> None:
        """Compute again, and put what is saved into the places."""
        came: list[dict[str, Any]] = []
        surplus = False

        def put(tensor: Tensor) -> Tensor:
            nonlocal surplus
            tensor = tensor.detach() if tensor.requires_grad else tensor
            number = len(came)
            came.append(_kind(tensor))
            if number >= len(self.places):
                if self.complete:
                    raise CheckpointError(
                        "torch.utils.checkpoint: trying to save more tensors during recomputation than during the "
                        f"original forward pass.\n{_TIP}"
                    )
                surplus = True  # a backward pass within the first call
                return tensor
            place = self.places[number]()
            if place is not None:
                place.tensors[this] = tensor
            if self.early_stop and len(came) == len(self.places):
                raise _Enough
            return tensor

        args = [x.unpack(None) if isinstance(x, SAVED) else x for x in self.args]  # type: ignore[arg-type]
        try:
            with saved_tensors_hooks(put, lambda tensor: tensor), enable_grad():
                self.again(*args)
        except _Enough:
            pass
        self.filled[this] = True
        if not surplus:
            self._compare(came)

    def _compare(self, came: Sequence[dict[str, Any]]) -> None:
        if len(came) != len(self.places):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.places)}\nNumber of tensors saved "
                f"during recomputation: {len(came)}.\n{_TIP}"
            )
        differences = [
            f"tensor at position {i}:\nsaved metadata: {kind}\nrecomputed metadata: {other}\n"
            for i, (kind, other, place) in enumerate(zip(self.kinds, came, self.places, strict=True))
            if self.check and kind != other and place() is not None
        ]
        if differences:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                f"during the forward pass.\n{''.join(differences)}.\n{_TIP}"
            )


def _kind(tensor: Tensor) -> dict[str, Any]:
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


_early_stop: bool | None = None


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """For a block: whether the second call of a checkpoint ends early, whatever `checkpoint` is told."""
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


_debug: bool | None = None  # in the place of `debug`, unless None


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Inside, checkpoints take this for `debug`, which adds nothing to the errors here; None leaves it to each."""
    global _debug
    before, _debug = _debug, enabled
    try:
        yield
    finally:
        _debug = before


def _contexts(context_fn: Callable[[], Contexts], debug: bool) -> Callable[[], Contexts]:
    if (debug if _debug is None else _debug) and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn")
    return context_fn


def _graph(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    preserve_rng_state: bool,
    context_fn: Callable[[], Contexts],
    determinism_check: str,
    early_stop: bool,
) -> Any:
    """The call of a function whose nodes hold places, see `_Frame`."""
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of {['default', 'none']}, but got {determinism_check}")
    around_first, around_second = context_fn()
    state = get_rng_state() if preserve_rng_state else None

    def again(*args: Any) -> None:
        with _state(state), around_second:
            function(*args, **kwargs)

    if not is_grad_enabled():
        return function(*args, **kwargs)
    stop = early_stop if _early_stop is None else _early_stop
    frame = _Frame(again, args, determinism_check == "default", stop)
    with saved_tensors_hooks(frame.pack, frame.unpack), around_first:
        result = function(*args, **kwargs)
        frame.complete = True
    if not frame.complete:
        raise RuntimeError(
            "torch.utils.checkpoint: the forward context provided by context_fn suppressed an exception raised during "
            "the checkpointed forward. This is not supported because checkpoint cannot return a value for a failed "
            "forward."
        )
    return result


_TIP = """
Tip: To see a more detailed error message, either pass `debug=True` to
`torch.utils.checkpoint.checkpoint(...)` or wrap the code block
with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to
enable checkpoint\u2011debug mode globally.

If this error occurs under torch.compile with automatic_dynamic_shapes enabled,
it may be because the recomputation selected a different compiled graph than the
forward pass (e.g., a dynamic graph instead of the original static graph).
To fix this, either:
  - Use torch._dynamo.mark_dynamic() to explicitly mark varying dimensions as
    dynamic upfront, avoiding the static-to-dynamic transition.
  - Call torch._C._dynamo.eval_frame._set_lru_cache(False) to disable LRU cache
    reordering, which can change which graph is checked first between forward
    and recompute.
See https://github.com/pytorch/pytorch/issues/166926 for more details and
workaround examples.
"""


__getattr__, __dir__ = package(__name__, {})
