"""Hooks around the functions of a torch-shaped module, so that a recorder learns what a script does with them.

Everything is hooked through public names, in the same way for torch and for any module of its shape; what the module
lacks is not watched. Only calls that come from the script count: what the module calls within itself is its own affair
and differs from engine to engine. Only the thread that attached is watched, for the order of others is not the same
twice.
"""

from __future__ import annotations

import functools
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

from parity.reading import tensor_type
from parity.recorder import Recorder
from parity.trace import BATCH, FORWARD

clock = time.process_time  # what else the machine does is not counted
SOURCE = re.compile(r" \(Triggered internally at [^()]+:\d+\.\)$")  # the line of torch's C++, which differs by version


class Watch:
    """Tells a recorder of every backward pass, outermost module call, optimizer step and warning while attached."""

    def __init__(self, torch: Any, recorder: Recorder) -> None:
        self.torch = torch
        self.recorder = recorder
        self._thread = threading.get_ident()
        self._undo: list[Callable[[], None]] = []
        self._calling = False  # inside a module that the script called
        self._updating = False  # inside an optimizer's step

    def attach(self) -> None:
        """Begin to watch."""
        autograd, tensor = getattr(self.torch, "autograd", None), tensor_type(self.torch)
        self._wrap(tensor, "backward", self._backward)
        if not hasattr(tensor, "grad_fn"):  # without a graph, from which the leaves could be read
            self._wrap(self.torch, "tensor", self._made)
        self._wrap(autograd, "backward", self._backward)
        self._wrap(autograd, "grad", self._grad)
        modules = _roots_of_modules(getattr(self.torch, "nn", None))
        for root in modules:
            self._wrap(root, "__call__", self._module_call)
        if not modules:
            self.recorder.hidden |= {BATCH, FORWARD}
        for root in _roots_of_optimizers(getattr(self.torch, "optim", None)):
            self._wrap(root, "__init__", self._optimizer)
        if self.recorder.resync is not None:
            self._wrap(getattr(self.torch, "no_grad", None), "__exit__", self._block)
        self._wrap(warnings, "showwarning", self._warning)

    def detach(self) -> None:
        """End watching: everything is again as it was before `attach`."""
        while self._undo:
            self._undo.pop()()

    def _wrap(self, owner: Any, name: str, around: Callable[[Any], Any]) -> None:
        original = getattr(owner, name, None)
        if original is None:
            return
        own = name in vars(owner)
        try:
            setattr(owner, name, functools.wraps(original)(around(original)))
        except (AttributeError, TypeError):  # a class that is not written in Python
            self.recorder.unwatched.add(f"{owner.__name__}.{name}")
            return
        self._undo.append(lambda: setattr(owner, name, original) if own else delattr(owner, name))

    def _by_script(self, frame: FrameType) -> bool:
        caller = frame.f_globals.get("__name__", "").partition(".")[0]
        return caller not in self.recorder.engine and threading.get_ident() == self._thread

    def _backward(self, original: Any) -> Any:
        def backward(*args: Any, **kwargs: Any) -> Any:
            if not self._by_script(frame := sys._getframe(1)):
                return original(*args, **kwargs)
            roots = args[0] if args else kwargs.get("tensors")
            with _Aside(self.recorder):
                self.recorder.before_pass(roots, frame)
            result = self._guarded(original, args, kwargs)
            with _Aside(self.recorder):
                self.recorder.gradients_arrived()
            return result

        return backward

    def _grad(self, original: Any) -> Any:
        def grad(*args: Any, **kwargs: Any) -> Any:
            if not self._by_script(frame := sys._getframe(1)):
                return original(*args, **kwargs)
            with _Aside(self.recorder):
                self.recorder.before_pass(args[0] if args else kwargs.get("outputs"), frame)
            result = self._guarded(original, args, kwargs)
            with _Aside(self.recorder):
                self.recorder.gradients_returned(args[1] if len(args) > 1 else kwargs.get("inputs"), result)
            return result

        return grad

    def _made(self, original: Any) -> Any:
        def tensor(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if getattr(result, "requires_grad", None) is True and self._by_script(sys._getframe(1)):
                self.recorder.names.add_leaf(result)
            return result

        return tensor

    def _guarded(self, original: Any, args: Any, kwargs: Any) -> Any:
        try:
            return original(*args, **kwargs)
        except BaseException as error:
            self.recorder.pass_failed(error)
            raise

    def _module_call(self, original: Any) -> Any:
        def __call__(*args: Any, **kwargs: Any) -> Any:
            if self._calling or not self._by_script(sys._getframe(1)):
                return original(*args, **kwargs)
            self._calling = True
            try:
                result = original(*args, **kwargs)
            finally:
                self._calling = False
            with _Aside(self.recorder):
                self.recorder.module_called(args[0], (args[1:], kwargs), result)
            return result

        return __call__

    def _optimizer(self, original: Any) -> Any:
        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            self.recorder.names.add_optimizer(optimizer)
            for kind in cast("tuple[Any, ...]", type(optimizer).__mro__):  # a step may call the one that it overrides
                if "step" in vars(kind) and not hasattr(kind.step, "_parity"):
                    self._wrap(kind, "step", self._step)
                    kind.step._parity = True

        return __init__

    def _step(self, original: Any) -> Any:
        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if self._updating or threading.get_ident() != self._thread:
                return original(optimizer, *args, **kwargs)
            if not args and not kwargs:  # a closure makes backward passes of its own
                with _Aside(self.recorder):
                    self.recorder.before_step(optimizer, sys._getframe(1))
            self._updating = True
            try:
                result = original(optimizer, *args, **kwargs)
            finally:
                self._updating = False
            with _Aside(self.recorder):
                self.recorder.stepped(optimizer)
            return result

        return step

    def _block(self, original: Any) -> Any:
        def __exit__(*args: Any) -> Any:
            result = original(*args)
            if not self._updating and threading.get_ident() == self._thread:
                with _Aside(self.recorder):
                    self.recorder.block_left()
            return result

        return __exit__

    def _warning(self, original: Any) -> Any:
        def showwarning(message: Any, category: Any, *args: Any, **kwargs: Any) -> None:
            self.recorder.warned(category.__name__, SOURCE.sub("", str(message)))
            original(message, category, *args, **kwargs)

        return showwarning


class _Aside:
    """Counts the time inside as the recorder's, not the script's."""

    __slots__ = ("recorder", "started")

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def __enter__(self) -> None:
        self.started = clock()

    def __exit__(self, *error: object) -> None:
        self.recorder.seconds += clock() - self.started


def _roots_of_modules(nn: Any) -> list[type]:
    """The classes by which modules are called; of torch, `Module` alone."""
    if hasattr(nn, "Module"):
        return [nn.Module]
    kinds = [kind for kind in vars(nn).values() if isinstance(kind, type)] if nn is not None else []
    callers = (next((base for base in kind.__mro__ if "__call__" in vars(base)), None) for kind in kinds)
    return list(dict.fromkeys(base for base in callers if base is not None))


def _roots_of_optimizers(optim: Any) -> list[type]:
    """The classes that all optimizers in a namespace derive from; of torch, `Optimizer` alone."""
    kinds = [kind for kind in vars(optim).values() if isinstance(kind, type)] if optim is not None else []
    return list(dict.fromkeys(kind.__mro__[-2] for kind in kinds if callable(getattr(kind, "step", None))))
