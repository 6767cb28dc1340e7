"""What is called while gradients flow: where hooks are kept, in which order they run, what they may give back."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

Gradient = Any  # a Tensor, which this room is above
Hooks = OrderedDict[int, Callable[..., Any]]


class RemovableHandle:
    """Removes a hook from the dictionary it was put in; also a context manager that does so at its end."""

    _ids = itertools.count()

    def __init__(self, hooks: Hooks) -> None:
        self.id = next(RemovableHandle._ids)
        self._hooks = weakref.ref(hooks)

    def remove(self) -> None:
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def add_hook(hooks: Hooks, hook: Callable[..., Any]) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


class NodeHooks:
    """The hooks of one node. In this order run: `tensor`, `retain`, `pre`, then the node, then `post`."""

    __slots__ = ("post", "pre", "retain", "tensor")

    def __init__(self) -> None:
        self.tensor: list[tuple[int, Hooks]] = []  # Tensor.register_hook: which output, and its hooks
        self.retain: dict[int, Callable[[Gradient], None]] = {}  # Tensor.retain_grad, by output
        self.pre: Hooks = OrderedDict()
        self.post: Hooks = OrderedDict()

    def run_tensor_hooks(self, gradients: Sequence[Gradient | None]) -> list[Gradient | None]:
        """What the tensors that the node made say to their gradients, one at a time."""
        gradients = list(gradients)
        for output_nr, hooks in self.tensor:
            for hook in list(hooks.values()):
                replacement = hook(gradients[output_nr])
                if replacement is not None:
                    _check_replacement(gradients[output_nr], replacement, hook)
                    gradients[output_nr] = replacement
        for output_nr, retain in self.retain.items():
            if gradients[output_nr] is not None:
                retain(gradients[output_nr])
        return gradients

    def run_pre_hooks(self, gradients: Sequence[Gradient | None]) -> Sequence[Gradient | None]:
        """What the node's own hooks say to all incoming gradients at once."""
        return _run(self.pre, gradients)

    def run_post_hooks(
        self, results: Sequence[Gradient | None], gradients: Sequence[Gradient | None]
    ) -> Sequence[Gradient | None]:
        """What the node's own hooks say to the outgoing gradients, given the incoming ones too."""
        return _run(self.post, results, tuple(gradients))


def run_post_accumulate_hooks(hooks: Hooks, tensor: Any) -> None:
    """Tell a leaf's hooks that its `.grad` was added to; they have nothing to replace."""
    for hook in list(hooks.values()):
        returned = hook(tensor)
        if _is_tensor(returned):
            raise RuntimeError("Tensor post accumulate grad hooks should return None.")
        if returned is not None:
            raise TypeError(f"expected Variable, but hook returned '{type(returned).__name__}'")


def _run(hooks: Hooks, values: Sequence[Gradient | None], *more: Any) -> Sequence[Gradient | None]:
    values = tuple(values)
    for hook in list(hooks.values()):
        replaced = hook(values, *more)
        if replaced is None:
            continue
        if not isinstance(replaced, tuple):
            raise TypeError(f"expected tuple, but hook returned '{type(replaced).__name__}'")
        if len(replaced) != len(values):
            raise RuntimeError(
                f"hook '{_name(hook)}' has returned an incorrect number of values (got {len(replaced)}, but expected "
                f"{len(values)})"
            )
        for value, replacement in zip(values, replaced, strict=True):
            if replacement is not None:
                _check_replacement(value, replacement, hook)
        values = replaced
    return values


def _check_replacement(gradient: Gradient | None, replacement: Any, hook: Callable[..., Any]) -> None:
    if gradient is None:
        raise RuntimeError("can't replace a None gradient with a non-None value")
    if not _is_tensor(replacement):
        raise TypeError(f"expected Variable, but hook returned '{type(replacement).__name__}'")
    if replacement.dtype is not gradient.dtype:
        raise RuntimeError(
            f"hook '{_name(hook)}' has changed the type of value (was torch.{gradient.dtype.legacy_name}Tensor got "
            f"torch.{replacement.dtype.legacy_name}Tensor)"
        )
    if replacement.shape != gradient.shape:
        raise RuntimeError(f"hook '{_name(hook)}' has changed the size of value")


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "_array")


def _name(hook: Callable[..., Any]) -> str:
    return getattr(hook, "__name__", "<unknown>")
