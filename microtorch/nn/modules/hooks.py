"""Functions that run before and after a module's `forward` and its backward pass.

A module without hooks pays nothing for them: `Module.__call__` goes straight to `forward`. With hooks it comes here.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...autograd.function import Function
from ...engine import Node, mode
from ...hooks import Hooks, RemovableHandle, add_hook
from ...tensor import Tensor

if TYPE_CHECKING:
    from .module import Module

Hook = Callable[..., Any]


class ModuleHooks:
    """The hooks of one module, or of all: of each kind a dictionary from the handle's id, in the order of running."""

    full: bool | None = None  # whether those of kind `backward` are full ones, once there was one

    def __init__(self) -> None:
        self.forward_pre: Hooks = OrderedDict()
        self.forward: Hooks = OrderedDict()
        self.backward_pre: Hooks = OrderedDict()
        self.backward: Hooks = OrderedDict()
        self.state_dict_pre: Hooks = OrderedDict()
        self.state_dict: Hooks = OrderedDict()
        self.load_state_dict_pre: Hooks = OrderedDict()
        self.load_state_dict_post: Hooks = OrderedDict()
        self.with_kwargs: set[int] = set()  # those that get the keyword arguments of the call, too
        self.always: set[int] = set()  # forward hooks that run even if something fails before them
        self.with_module: set[int] = set()  # load_state_dict_pre hooks that get the module as first argument


NONE = ModuleHooks()  # for a module that has none of its own
EVERYWHERE = ModuleHooks()  # those of all modules
everywhere: ModuleHooks | None = None  # EVERYWHERE once it was used: one look tells a call that there are none


def add(hooks: Hooks, hook: Hook, prepend: bool = False, flags: Sequence[set[int]] = ()) -> RemovableHandle:
    """Enter a hook, at the end or in front of the others, and its number in every set of `flags`."""
    handle = add_hook(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    for flag in flags:
        flag.add(handle.id)
    return handle


def _for_all() -> ModuleHooks:
    global everywhere
    everywhere = EVERYWHERE
    return EVERYWHERE


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, args)` before the forward of every module; what it returns replaces the arguments."""
    return add(_for_all().forward_pre, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after the forward of every module; what it returns replaces the output."""
    flags = [EVERYWHERE.with_kwargs] * with_kwargs + [EVERYWHERE.always] * always_call
    return add(_for_all().forward, hook, flags=flags)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_output)` before the backward of every module; what it returns replaces `grad_output`."""
    return add(_for_all().backward_pre, hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` after the backward of every module; it may replace `grad_input`."""
    return add_backward(_for_all(), hook, True, "as a global Module hook")


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` behind the node of every module's output; see `Module`."""
    return add_backward(_for_all(), hook, False, "as a global Module hook")


def add_backward(hooks: ModuleHooks, hook: Hook, full: bool, where: str, prepend: bool = False) -> RemovableHandle:
    """Enter a backward hook, which goes with none of the other sort."""
    if hooks.full is (not full):
        raise RuntimeError(
            f"Cannot use both regular backward hooks and full backward hooks {where}. Please use only one of them."
        )
    hooks.full = full
    return add(hooks.backward, hook, prepend)


def call(module: Module, own: ModuleHooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`module.forward` between the hooks of all modules and the module's own."""
    due = {n for hooks in (EVERYWHERE, own) for n in hooks.forward if n in hooks.always}
    result = None
    try:
        for number, hook in (*EVERYWHERE.forward_pre.items(), *own.forward_pre.items()):
            if number not in own.with_kwargs:
                changed = hook(module, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
                continue
            changed = hook(module, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
            args, kwargs = changed

        backward_pre = [*EVERYWHERE.backward_pre.values(), *own.backward_pre.values()]
        backward = [hook for hooks in (EVERYWHERE, own) if hooks.full for hook in hooks.backward.values()]
        on_nodes = [hook for hooks in (EVERYWHERE, own) if hooks.full is False for hook in hooks.backward.values()]
        watch = BackwardHook(module, backward, backward_pre) if backward or backward_pre else None
        if watch is not None:
            args = watch.on_inputs(args)
        result = module.forward(*args, **kwargs)
        for hooks in (EVERYWHERE, own):
            for number, hook in list(hooks.forward.items()):
                due.discard(number)
                changed = _after(hooks, number, hook, module, args, kwargs, result)
                if changed is not None:
                    result = changed
        if watch is not None:
            if not isinstance(result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
                    f"received {type(result)}",
                    stacklevel=3,
                )
            result = watch.on_outputs(result)
        if on_nodes:
            from . import grad_fn_hooks

            grad_fn_hooks.watch(module, on_nodes, args, result)
        return result
    except Exception:  # raised again, once the hooks that are always called have been
        for hooks, which in ((EVERYWHERE, "global module"), (own, "module")):
            for number, hook in hooks.forward.items():
                if number not in due:
                    continue
                try:
                    changed = _after(hooks, number, hook, module, args, kwargs, result)
                    if changed is not None:
                        result = changed
                except Exception as error:
                    warnings.warn(
                        f"{which} forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error}",
                        stacklevel=3,
                    )
        raise


def _after(hooks: ModuleHooks, number: int, hook: Hook, module: Module, args: Any, kwargs: Any, result: Any) -> Any:
    return hook(module, args, kwargs, result) if number in hooks.with_kwargs else hook(module, args, result)


class BackwardHookFunction(Function):
    """The identity; its node sees the gradients that pass."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Any:
        ctx.mark_non_differentiable(*[tensor for tensor in tensors if not tensor.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients


class BackwardHook:
    """Brings the gradients of a module's outputs and inputs together for its backward hooks.

    The tensors among the arguments pass through one identity, those among the results through another. When backward
    comes to the second, the gradients of the outputs are known; when it comes to the first, those of the inputs are.
    """

    def __init__(self, module: Module, hooks: list[Hook], pre_hooks: list[Hook]) -> None:
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.inputs: list[int] | None = None  # the places of the tensors among the arguments, None if none is watched
        self.n_inputs = 0
        self.grad_outputs: tuple[Any, ...] | None = None

    def on_inputs(self, args: tuple[Any, ...]) -> Any:
        self.n_inputs = len(args)
        args, self.inputs, node = _watched(args)
        if node is not None:
            node.register_hook(self._inputs_known)
        return args

    def on_outputs(self, result: Any) -> Any:
        results = result if isinstance(result, tuple) else (result,)
        watched, places, node = _watched(results)
        if node is not None:
            node.register_hook(lambda _, gradients: self._outputs_known(gradients, places, len(results)))
        return watched if isinstance(result, tuple) else watched[0]

    def _outputs_known(self, gradients: Sequence[Any], places: list[int], count: int) -> tuple[Any, ...]:
        grad_outputs = _spread(places, gradients, count)
        for hook in self.pre_hooks:
            changed = hook(self.module, grad_outputs)
            if changed is None:
                continue
            if len(changed) != count:
                raise RuntimeError(
                    f"Backward pre hook returned an invalid number of grad_output, got {len(changed)}, but expected "
                    f"{count}"
                )
            grad_outputs = changed
        if self.inputs is not None:
            self.grad_outputs = grad_outputs
        else:
            self._call_without_inputs(grad_outputs)
        return tuple(grad_outputs[place] for place in places)

    def _call_without_inputs(self, grad_outputs: tuple[Any, ...]) -> None:
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module."
            "register_full_backward_hook for more details.",
            stacklevel=5,
        )
        for hook in self.hooks:
            changed = hook(self.module, (None,) * self.n_inputs, grad_outputs)
            if changed is not None and not (isinstance(changed, tuple) and all(c is None for c in changed)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )

    def _inputs_known(self, gradients: Sequence[Any], _: Any) -> tuple[Any, ...] | None:
        if self.grad_outputs is None:  # the gradient came to the inputs without passing the outputs
            return None
        assert self.inputs is not None
        grad_inputs = _spread(self.inputs, gradients, self.n_inputs)
        for hook in self.hooks:
            changed = hook(self.module, grad_inputs, self.grad_outputs)
            if changed is None:
                continue
            if len(changed) != len(grad_inputs):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(changed)}, but expected "
                    f"{len(grad_inputs)}"
                )
            grad_inputs = changed
        self.grad_outputs = None
        return tuple(grad_inputs[place] for place in self.inputs)


def _watched(values: tuple[Any, ...]) -> tuple[Any, Any, Node | None]:
    """The values with their tensors passed through the identity, the places of these, and the identity's node."""
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not (mode.grad and any(values[i].requires_grad for i in places)):
        return values, None, None
    passed = BackwardHookFunction.apply(*[values[i] for i in places])
    node = next(t.grad_fn for t in passed if t.grad_fn is not None)
    changed = list(values)
    for i, tensor in zip(places, passed, strict=True):
        changed[i] = tensor
    return (tuple(changed) if type(values) is tuple else type(values)(*changed)), places, node


def _spread(places: Sequence[int], gradients: Sequence[Any], count: int) -> tuple[Any, ...]:
    spread = [None] * count
    for place, gradient in zip(places, gradients, strict=True):
        spread[place] = gradient
    return tuple(spread)
