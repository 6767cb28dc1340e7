"""Watches a training script from outside: backward passes, module calls, optimizer steps and the end.

The recorder wraps functions of the module that stands behind `import torch`, the same way for torch and for any module
of its shape, by public names only; what the module lacks is not watched. It reads and never writes: it draws no random
number, keeps no graph alive and touches no gradient, so the script computes the same bits and prints the same text
with it and without it. Weights that are updated by hand are seen too, since weights are read when the next backward
pass begins, whoever has changed them.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import random
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from parity.names import Names
from parity.reading import array_of, digestible, leaves, parameters_of, tensors_in
from parity.trace import (
    BATCH,
    BUFFER,
    END,
    ERROR,
    FORWARD,
    GENERATOR,
    GRADIENT,
    INITIAL,
    LOSS,
    STATE,
    WEIGHT,
    Array,
    Event,
    Keep,
    Trace,
)

CALLS = 16  # module calls of one event that are recorded; of a long evaluation this is enough
HELD = 8  # events for which leaves are kept alive, so that the last update of a model that goes out of scope is seen

clock = time.perf_counter


class Recorder:
    """Records what the script does with one torch-shaped module, from `attach` to `finish`.

    `seconds` is the time that recording itself took. `on_step` is called with the number of steps after each.
    """

    def __init__(self, torch: Any, keep: Keep | None = None, on_step: Callable[[int], None] | None = None) -> None:
        self.torch = torch
        self.keep = keep if keep is not None else Keep()
        self.steps = 0
        self.seconds = 0.0
        self.warnings: list[tuple[str, str]] = []
        engine = frozenset({torch.__name__.partition(".")[0], "torch", "parity"})
        self.engine = engine
        self.names = Names(getattr(getattr(torch, "nn", None), "Module", None), engine)
        self._on_step = on_step
        self._thread = threading.get_ident()
        self._hash = hashlib.blake2b(digest_size=16)
        self._event: Event | None = None  # of the last backward pass, open until the next begins
        self._ahead = _Ahead()  # what belongs to the next event
        self._held: dict[int, tuple[int, Any]] = {}
        self._leaves: list[tuple[str, Any]] = []  # of the open event
        self._stepped: set[int] = set()  # optimizers that have updated since the last backward pass
        self._depth = 0  # of module calls
        self._updating = 0  # depth of optimizer steps
        self._undo: list[Callable[[], None]] = []

    # ------------------------------------------------------------------------------------------- attaching

    def attach(self) -> None:
        """Begin to watch."""
        torch = self.torch
        autograd = getattr(torch, "autograd", None)
        tensor = getattr(torch, "Tensor", None)
        self._wrap(tensor, "backward", self._watch_backward)
        self._wrap(autograd, "backward", self._watch_backward)
        self._wrap(autograd, "grad", self._watch_grad)
        self._wrap(getattr(getattr(torch, "nn", None), "Module", None), "__call__", self._watch_module)
        for root in _optimizer_roots(getattr(torch, "optim", None)):
            self._wrap(root, "__init__", self._watch_optimizer)
        self._wrap(warnings, "showwarning", self._watch_warning)

    def detach(self) -> None:
        """End watching; everything is again as it was before `attach`."""
        while self._undo:
            self._undo.pop()()

    def _wrap(self, owner: Any, name: str, watch: Callable[[Any], Any]) -> None:
        """Put a watching function in the place of `owner.name`."""
        original = getattr(owner, name, None)
        if original is None:
            return
        own = name in vars(owner)
        setattr(owner, name, functools.wraps(original)(watch(original)))
        self._undo.append(lambda: setattr(owner, name, original) if own else delattr(owner, name))

    def _ours(self, frame: FrameType) -> bool:
        """Whether a call that comes from this frame is the script's, not the module's own, and in the first thread."""
        caller = frame.f_globals.get("__name__", "").partition(".")[0]
        return caller not in self.engine and threading.get_ident() == self._thread

    # ------------------------------------------------------------------------------------------- watching

    def _watch_backward(self, original: Any) -> Any:
        def backward(*args: Any, **kwargs: Any) -> Any:
            frame = sys._getframe(1)
            if not self._ours(frame):
                return original(*args, **kwargs)
            roots = self._tensors(args[0] if args else kwargs.get("tensors"))
            self._before_pass(roots, frame)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                self._failed(error)
                raise
            started = clock()
            for name, leaf in self._leaves:
                if (gradient := getattr(leaf, "grad", None)) is not None:
                    self._add(GRADIENT, name, gradient)
            self.seconds += clock() - started
            return result

        return backward

    def _watch_grad(self, original: Any) -> Any:
        def grad(*args: Any, **kwargs: Any) -> Any:
            frame = sys._getframe(1)
            if not self._ours(frame):
                return original(*args, **kwargs)
            self._before_pass(self._tensors(args[0] if args else kwargs.get("outputs")), frame)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                self._failed(error)
                raise
            started = clock()
            inputs = self._tensors(args[1] if len(args) > 1 else kwargs.get("inputs"))
            for place, (leaf, gradient) in enumerate(zip(inputs, result, strict=False)):
                if gradient is not None:
                    self._add(GRADIENT, self.names.known(leaf) or f"input {place}", gradient)
            self.seconds += clock() - started
            return result

        return grad

    def _watch_module(self, original: Any) -> Any:
        def __call__(*args: Any, **kwargs: Any) -> Any:
            if self._depth or not self._ours(sys._getframe(1)):
                return original(*args, **kwargs)
            self._depth += 1
            try:
                result = original(*args, **kwargs)
            finally:
                self._depth -= 1
            started = clock()
            self._module_called(args[0], args[1:], kwargs, result)
            self.seconds += clock() - started
            return result

        return __call__

    def _watch_optimizer(self, original: Any) -> Any:
        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            self.names.add_optimizer(optimizer)
            owner = next((kind for kind in type(optimizer).__mro__ if "step" in vars(kind)), None)
            if owner is not None and not getattr(owner.step, "_parity_watches", False):
                self._wrap(owner, "step", self._watch_step)
                owner.step._parity_watches = True

        return __init__

    def _watch_step(self, original: Any) -> Any:
        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            self._updating += 1
            try:
                result = original(optimizer, *args, **kwargs)
            finally:
                self._updating -= 1
            if not self._updating and threading.get_ident() == self._thread:
                started = clock()
                self._stepped_by(optimizer, sys._getframe(1))
                self.seconds += clock() - started
            return result

        return step

    def _watch_warning(self, original: Any) -> Any:
        def showwarning(message: Any, category: Any, *args: Any, **kwargs: Any) -> None:
            entry = (category.__name__, str(message))
            if entry not in self.warnings:
                self.warnings.append(entry)
            original(message, category, *args, **kwargs)

        return showwarning

    # ------------------------------------------------------------------------------------------- recording

    def _before_pass(self, roots: list[Any], frame: FrameType) -> None:
        """Close the last event and begin one: its leaves, and the loss."""
        started = clock()
        reached = leaves(roots)
        if reached is None:
            reached = self.names.parameters()
        self._close()
        self._open(reached, frame)
        for place, root in enumerate(roots):
            self._add(LOSS, "" if len(roots) == 1 else f"[{place}]", root)
        self.seconds += clock() - started

    def _open(self, reached: list[Any], frame: FrameType) -> None:
        if unnamed := [leaf for leaf in reached if self.names.known(leaf) is None]:
            self.names.name(unnamed, frame)
        fresh = {id(leaf) for leaf in unnamed}
        self._leaves = [(self.names.known(leaf) or "leaf", leaf) for leaf in reached]
        self._leaves.sort(key=lambda pair: pair[0])
        self._event = Event(self.steps, self._ahead.arrays)
        self._hash.update(self._ahead.hash.digest())
        self._ahead = _Ahead()
        self._stepped.clear()
        for name, leaf in self._leaves:
            self._held[id(leaf)] = (self.steps, leaf)
            if id(leaf) in fresh:
                self._add(INITIAL, name, leaf)
        self.steps += 1

    def _close(self) -> None:
        """The open event's weights are now what its update made of them."""
        event = self._event
        if event is None:
            return
        for name, leaf in self._leaves:
            self._add(WEIGHT, name, leaf)
        self._event = None
        if self.keep.wants(event.number):
            if (state := self._generator()) is not None:
                event.arrays[GENERATOR, ""] = state
            event.chain = self._hash.hexdigest()
            self.keep.add(event)
        if len(self._held) > len(self._leaves):
            self._held = {key: entry for key, entry in self._held.items() if entry[0] > event.number - HELD}
        if self._on_step is not None:
            self._on_step(self.steps)

    def _add(self, phase: str, name: str, tensor: Any) -> None:
        event = self._event
        if event is None:
            return
        array = array_of(tensor)
        self._hash.update(f"{phase} {name} {array.dtype.str} {array.shape}".encode() + digestible(array))
        if self.keep.wants(event.number):
            _store(event.arrays, phase, name, array)

    def _failed(self, error: BaseException) -> None:
        """A backward pass that raised: its error is what happened."""
        text = f"{type(error).__name__}: {error}"
        self._hash.update(text.encode())
        if self._event is not None and self.keep.wants(self._event.number):
            _store(self._event.arrays, ERROR, text, np.zeros(0))

    def _module_called(self, module: Any, args: Any, kwargs: Any, result: Any) -> None:
        self.names.add_module(module)
        ahead, kind = self._ahead, type(module).__name__
        ahead.calls += 1
        if ahead.calls > CALLS:
            return
        keep = self.keep.wants(self.steps)
        given = [tensor for tensor in self._tensors((args, kwargs)) if not getattr(tensor, "requires_grad", False)]
        for phase, what, tensors in ((BATCH, "input", given), (FORWARD, "output", self._tensors(result))):
            for place, tensor in enumerate(tensors):
                array = array_of(tensor)
                name = f"{kind} {what}" if len(tensors) == 1 else f"{kind} {what} {place}"
                ahead.hash.update(f"{phase} {name} {array.dtype.str} {array.shape}".encode() + digestible(array))
                if keep:
                    _store(ahead.arrays, phase, name, array)

    def _stepped_by(self, optimizer: Any, frame: FrameType) -> None:
        """Record an optimizer's state after its step; an update without a backward pass is an event of its own."""
        if self._event is None or id(optimizer) in self._stepped:
            self._close()
            self._open(parameters_of(optimizer), frame)
        self._stepped.add(id(optimizer))
        for name, value in self._state_of(optimizer):
            self._add(STATE, name, value)

    def _state_of(self, optimizer: Any) -> list[tuple[str, Any]]:
        """What an optimizer remembers: of each group the learning rate, of each parameter its tensors and counts."""
        found: list[tuple[str, Any]] = []
        for place, group in enumerate(getattr(optimizer, "param_groups", ())):
            if (rate := group.get("lr")) is not None:
                found.append((f"lr of group {place}", rate))
            for leaf in group["params"]:
                for key, value in optimizer.state.get(leaf, {}).items():
                    if value is not None:
                        found.append((f"{self.names.known(leaf) or 'leaf'} {key}", value))
        return [pair for pair in found if isinstance(pair[1], (int, float)) or self._tensors(pair[1])]

    def _generator(self) -> Array | None:
        state = getattr(self.torch, "get_rng_state", None)
        return None if state is None else array_of(state()).copy()

    def _tensors(self, value: Any) -> list[Any]:
        kind = getattr(self.torch, "Tensor", None)
        return [] if kind is None else list(tensors_in(value, kind))

    # ------------------------------------------------------------------------------------------- the end

    def finish(self) -> Trace:
        """Stop watching and return what was seen, with the state in which the script left everything."""
        self.detach()
        started = clock()
        self._close()
        gc.collect()  # what only a reference cycle keeps alive is gone on every backend, not just on some
        end = self._event = Event(END, self._ahead.arrays)
        self._hash.update(self._ahead.hash.digest())
        self.keep = Keep(start=END)
        for name, leaf in sorted(self.names.alive(), key=lambda pair: pair[0]):
            self._add(WEIGHT, name, leaf)
            if (gradient := getattr(leaf, "grad", None)) is not None:
                self._add(GRADIENT, name, gradient)
        for _, optimizer in self.names.optimizers():
            for name, value in self._state_of(optimizer):
                self._add(STATE, name, value)
        for module in self.names.modules():
            for name, buffer in getattr(module, "named_buffers", tuple)():
                self._add(BUFFER, name, buffer)
        if (state := self._generator()) is not None:
            self._add(GENERATOR, "", _Given(state))
        self._add(GENERATOR, "random", _Given(np.array(random.getstate()[1], np.uint64)))
        self._add(GENERATOR, "numpy.random", _Given(np.random.get_state(legacy=True)[1]))
        end.chain = self._hash.hexdigest()
        return Trace([end])
