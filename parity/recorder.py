"""Keeps what a training script does: events with their data, losses, gradients, optimizer states and weights.

The recorder reads and never writes: it draws no random number, keeps no graph alive and touches no gradient, so the
script computes the same bits and prints the same text with it and without it. Weights that are updated by hand are
seen as well as those of an optimizer, for they are read when the next backward pass begins, whoever has changed them.
"""

from __future__ import annotations

import gc
import hashlib
import random
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from parity.digest import Ledger
from parity.names import Names
from parity.reading import array_of, leaves, parameters_of, tensor_type, tensors_in
from parity.resync import Resync
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
    MARK,
    STATE,
    WEIGHT,
    Array,
    Event,
    Keep,
    Key,
    Trace,
)

CALLS = 16  # module calls between two backward passes that are recorded; a long evaluation has more of the same
HELD = 8  # events for which leaves are kept alive, so that the last update of a model that goes out of scope is seen
LAST = "momentum_buffer"  # of a parameter's state, for some optimizers make it of the rest
WARNINGS = 100  # different ones that are listed


class Recorder:
    """Records what is done with one torch-shaped module; `seconds` is the CPU time that recording took.

    `on_step` is called with the number of steps after each. With `resync` weights are recorded where updates end, and
    then given what a reference has: the only thing that changes what the script computes.
    """

    def __init__(
        self,
        torch: Any,
        keep: Keep | None = None,
        on_step: Callable[[int], None] | None = None,
        resync: Resync | None = None,
    ) -> None:
        self.torch = torch
        self.resync = resync
        self.engine = frozenset({torch.__name__.partition(".")[0], "torch", "parity"})  # packages, not the script's
        self.names = Names(getattr(getattr(torch, "nn", None), "Module", None), self.engine)
        self.steps = 0
        self.seconds = 0.0
        self.warnings: list[tuple[str, str]] = []
        self.unread: set[str] = set()  # types whose values could not be read
        self.unwatched: set[str] = set()  # functions that could not be hooked
        self.hidden = set() if hasattr(torch, "get_rng_state") else {GENERATOR}  # phases that the module does not show
        self._tensor: Any = tensor_type(torch)
        self._keep = keep if keep is not None else Keep()
        self._on_step = on_step
        self._chain = hashlib.blake2b(digest_size=16)  # of all events so far
        self._marks = bytearray()  # of every step, the first bytes of what the chain was at its end
        self._event: Event | None = None  # of the last backward pass; open until the next begins
        self._ledger = Ledger()  # what it consists of
        self._kept = False  # whether the open event is kept in full
        self._leaves: list[tuple[str, Any]] = []  # that the open event's pass reaches
        self._stepped: set[int] = set()  # optimizers that have updated in the open event
        self._settled: set[int] = set()  # leaves whose weight in the open event is recorded already
        self._held: dict[int, tuple[int, Any]] = {}  # leaves, and the number of the last event that reached them
        self._ahead = _Ahead()  # what was seen already of the next event
        self._first = self._last = 0.0  # times at which events began

    @property
    def seconds_per_step(self) -> float | None:
        """CPU time from the first event to the last, without the recorder's; None if there are fewer than two."""
        return (self._last - self._first) / (self.steps - 1) if self.steps > 1 else None

    def before_pass(self, roots: Any, frame: FrameType | None) -> None:
        """A backward pass from these roots begins: the last event is complete, a new one opens with the loss."""
        tensors = self._tensors(roots)
        reached = leaves(tensors)
        self._close()
        self._open(self.names.parameters() if reached is None else reached, frame)
        for place, root in enumerate(tensors):
            self._add(LOSS, "" if len(tensors) == 1 else f"[{place}]", root)

    def gradients_arrived(self) -> None:
        """The pass has put gradients into its leaves."""
        for name, leaf in self._leaves:
            if (gradient := getattr(leaf, "grad", None)) is not None:
                self._add(GRADIENT, name, gradient)

    def gradients_returned(self, inputs: Any, gradients: Any) -> None:
        """The pass has returned the gradients of these inputs."""
        given = gradients if isinstance(gradients, (list, tuple)) else [gradients]
        for place, (leaf, gradient) in enumerate(zip(self._tensors(inputs), given, strict=False)):
            if gradient is not None:
                self._add(GRADIENT, self.names.known(leaf) or f"input {place}", gradient)

    def pass_failed(self, error: BaseException) -> None:
        """The pass has raised an error."""
        self._put(ERROR, f"{type(error).__name__}: {error}", np.zeros(0))

    def module_called(self, module: Any, given: Any, result: Any) -> None:
        """The script has called a module: what goes in is data unless it has a graph, what comes out is forward."""
        self.names.add_module(module)
        ahead, kind = self._ahead, type(module).__name__
        ahead.calls += 1
        if ahead.calls > CALLS:
            return
        data = [tensor for tensor in self._tensors(given) if not getattr(tensor, "requires_grad", False)]
        keep = self._keep.wants(self.steps)
        for phase, what, tensors in ((BATCH, "input", data), (FORWARD, "output", self._tensors(result))):
            for place, tensor in enumerate(tensors):
                if (array := self._read(tensor)) is not None:
                    name = f"{kind} {what}" if len(tensors) == 1 else f"{kind} {what} {place}"
                    ahead.ledger.enter(phase, name, array)
                    if keep:
                        _store(ahead.arrays, phase, name, array)

    def before_step(self, optimizer: Any, frame: FrameType | None) -> None:
        """An optimizer is about to update; if there was no backward pass for this, it is an event of its own."""
        if self._event is None or id(optimizer) in self._stepped:
            self._close()
            self._open(parameters_of(optimizer), frame)
            self.gradients_arrived()

    def stepped(self, optimizer: Any) -> None:
        """An optimizer has made an update."""
        self._stepped.add(id(optimizer))
        self._add_state(optimizer)
        if self.resync is not None:
            self._updated(parameters_of(optimizer))

    def block_left(self) -> None:
        """A block in which nothing is recorded in graphs has ended: the place for updates by hand."""
        if self.resync is not None and self._event is not None:
            self._updated([leaf for _, leaf in self._leaves if self.resync.look(leaf)])

    def warned(self, category: str, text: str) -> None:
        """A warning was shown."""
        if (category, text) not in self.warnings and len(self.warnings) < WARNINGS:
            self.warnings.append((category, text))

    def finish(self) -> Trace:
        """The script has ended: the trace, with the state in which it left everything as the last event."""
        self._close()
        gc.collect()  # what only a reference cycle keeps alive must be gone on every backend, not just on some
        end = self._event = Event(END, self._ahead.arrays)
        self._ledger, self._kept = self._ahead.ledger, True
        for name, leaf in sorted(self.names.alive(), key=lambda pair: pair[0]):
            self._add(WEIGHT, name, leaf)
            if (gradient := getattr(leaf, "grad", None)) is not None:
                self._add(GRADIENT, name, gradient)
        for _, optimizer in self.names.optimizers():
            self._add_state(optimizer)
        for module in self.names.modules():
            for name, buffer in module.named_buffers() if hasattr(module, "named_buffers") else ():
                self._add(BUFFER, name, buffer)
        self._add_generator()
        self._put(GENERATOR, "random", np.array(random.getstate()[1], np.uint64))
        state: Any = np.random.get_state(legacy=False)
        self._put(GENERATOR, "numpy.random", np.append(state["state"]["key"], state["state"]["pos"]))
        end.chain = self._sealed().hex()
        self._event = None
        self._held.clear()
        about = {"steps": self.steps, "warnings": self.warnings}
        if self.resync is not None:
            about |= {"resync": [self.resync.steps, self.resync.why]}
        about |= {"unread": sorted(self.unread), "hidden": sorted(self.hidden), "unwatched": sorted(self.unwatched)}
        return Trace([*self._keep.events(), end], about, marks=bytes(self._marks))

    def _open(self, reached: list[Any], frame: FrameType | None) -> None:
        unnamed = [leaf for leaf in reached if self.names.known(leaf) is None]
        if unnamed:
            self.names.name(unnamed, frame)
        self._leaves = [(self.names.known(leaf) or "leaf", leaf) for leaf in reached]
        self._leaves.sort(key=lambda pair: pair[0])  # the order of the walk is the engine's affair
        self._kept = self._keep.wants(self.steps)
        self._event, self._ledger = Event(self.steps, self._ahead.arrays), self._ahead.ledger
        self._ahead = _Ahead()
        self._stepped.clear()
        self._settled.clear()
        fresh = {id(leaf) for leaf in unnamed}
        self._add_generator()
        for name, leaf in self._leaves:
            self._held[id(leaf)] = (self.steps, leaf)
            if id(leaf) in fresh:
                self._add(INITIAL, name, leaf)
            if self.resync is not None:
                self.resync.look(leaf)
        self.steps += 1
        self._last = time.process_time() - self.seconds
        self._first = self._first or self._last

    def _close(self) -> None:
        """The open event's weights are now what its update has made of them."""
        event = self._event
        if event is None:
            return
        unseen = [] if self.resync is None else [name for name, leaf in self._leaves if self.resync.look(leaf)]
        for name, leaf in self._leaves:
            if id(leaf) not in self._settled or name in unseen:
                self._add(WEIGHT, name, leaf)
        if self.resync is not None:
            self.resync.ended(event.number, unseen)
        chain = self._sealed()
        self._marks += chain[:MARK]
        if self._kept:
            event.chain = chain.hex()
            self._keep.add(event)
        self._event = None
        if len(self._held) > len(self._leaves):
            self._held = {key: entry for key, entry in self._held.items() if entry[0] > event.number - HELD}
        if self._on_step is not None:
            self._on_step(self.steps)

    def _sealed(self) -> bytes:
        """Digest of everything up to the open event's end."""
        self._chain.update(self._ledger.digest())
        return self._chain.digest()

    def _updated(self, updated: list[Any]) -> None:
        """What an update has made of these leaves, which from now on are what the reference has."""
        if self.resync is None or self._event is None:
            return
        for leaf in updated:
            if (name := self.names.known(leaf)) is not None:
                self.resync.give(self._event.number, self._add(WEIGHT, name, leaf), leaf)
                self.resync.look(leaf)
                self._settled.add(id(leaf))

    def _add_state(self, optimizer: Any) -> None:
        """What an optimizer knows: of each group the learning rate, of each parameter tensors and counts."""
        if not hasattr(optimizer, "param_groups"):
            self.hidden.add(STATE)
        for place, group in enumerate(getattr(optimizer, "param_groups", ())):
            self._add(STATE, f"lr of group {place}", group.get("lr"))
            for leaf in group["params"]:
                known = getattr(optimizer, "state", {}).get(leaf, {})
                for key, value in sorted(known.items(), key=lambda item: item[0] == LAST):
                    kept = self._add(STATE, f"{key} of {self.names.known(leaf) or 'leaf'}", value)
                    if self.resync is not None and self._event is not None:
                        self.resync.give_state(self._event.number, kept, known, key)

    def _add_generator(self) -> None:
        """The generator's state, in the events that are kept: a draw too many shows in all that follow."""
        if hasattr(self.torch, "get_rng_state") and self._event is not None and self._kept:
            _store(self._event.arrays, GENERATOR, "", array_of(self.torch.get_rng_state()))

    def _add(self, phase: str, name: str, value: Any) -> Key | None:
        """Record a tensor or a number in the open event; other values are left out. The key, if it is kept."""
        array = np.asarray(value) if isinstance(value, (int, float, np.ndarray)) else None
        if isinstance(value, self._tensor):
            array = self._read(value)
        return None if array is None else self._put(phase, name, array)

    def _put(self, phase: str, name: str, array: Array) -> Key | None:
        self._ledger.enter(phase, name, array)
        kept = self._event is not None and self._kept
        return _store(self._event.arrays, phase, name, array) if kept and self._event is not None else None

    def _read(self, tensor: Any) -> Array | None:
        try:
            return array_of(tensor)
        except TypeError:
            self.unread.add(type(tensor).__name__)
            return None

    def _tensors(self, value: Any) -> list[Any]:
        return [value] if isinstance(value, self._tensor) else list(tensors_in(value, self._tensor))


class _Ahead:
    """What the next event begins with: the data and the outputs of the modules that are called before its pass."""

    def __init__(self) -> None:
        self.calls = 0
        self.ledger = Ledger()
        self.arrays: dict[Key, Array] = {}


def _store(arrays: dict[Key, Array], phase: str, name: str, array: Array) -> Key:
    """Keep a copy; what occurs again under one name within an event is numbered."""
    key, count = (phase, name), 1
    while key in arrays:
        count += 1
        key = (phase, f"{name} ({count})")
    arrays[key] = np.array(array)
    return key
