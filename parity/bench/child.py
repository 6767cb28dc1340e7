"""The child process: one engine behind `import torch`, and programs that run on it a block of steps at a time.

Orders and answers are lines of JSON. `begin` starts a program, which then waits; `run` lets it make some steps and
answers with their time, by phase where that is asked for, or with the memory that each phase takes; `show` writes down
what it has learned; `leave` ends it; `nudge`, before the first step, moves all weights by a rounding. A program may also be run as a whole: then its first run is watched by parity's
recorder, and `run` makes so many more.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from parity.backends import Backend, put_in_place
from parity.bench import loop, memory
from parity.bench.learned import learned, nudge
from parity.recorder import Recorder
from parity.runner import run
from parity.trace import Trace
from parity.watch import Watch

clock = time.perf_counter

Order = dict[str, Any]
BEGIN, NUDGE, RUN, SHOW, LEAVE = "begin", "nudge", "run", "show", "leave"  # what an order may say to do


class Enough(BaseException):
    """Leaves a program in the middle of its training: all that was asked for is done."""


def main(root: str, orders: str, answers: str) -> int:
    """Serve until there are no more orders; the arguments are this package's place and two open files."""
    with os.fdopen(int(orders)) as incoming, os.fdopen(int(answers), "w") as outgoing:
        order: Order = json.loads(incoming.readline())
        backend = Backend(**order["backend"])
        try:
            torch = put_in_place(backend)
        except Exception as error:
            traceback.print_exc()
            _tell(outgoing, unable=f"import {backend.module} fails with {type(error).__name__}: {error}")
            return 0
        sys.path.remove(root)
        threads = int(torch.get_num_threads()) if hasattr(torch, "get_num_threads") else 1
        _tell(outgoing, threads=threads, version=str(getattr(torch, "__version__", "")))
        desk = Desk(torch, incoming, outgoing)
        for line in incoming:
            desk.begin(json.loads(line))
    return 0


def _tell(outgoing: TextIO, **answer: Any) -> None:
    outgoing.write(json.dumps(answer) + "\n")
    outgoing.flush()


class Desk:
    """Runs one program after another as ordered."""

    def __init__(self, torch: Any, incoming: TextIO, outgoing: TextIO) -> None:
        self._torch = torch
        self._incoming = incoming
        self._outgoing = outgoing
        self._cost = loop.cost_of_a_mark(clock)
        self._held = self._peak = 0  # bytes, when the program began and at most

    def begin(self, order: Order) -> None:
        """Run a program, answering the orders that follow, until one ends it or it fails."""
        path, argv = Path(order["script"]), list(order["argv"])
        self._held, self._peak = memory.settle(), 0
        self._seed()
        try:
            if order["whole"]:
                self._as_a_whole(path, argv)
            else:
                self._step_by_step(path, argv, bool(order["phases"]))
        except Enough:
            pass
        except BaseException as error:
            traceback.print_exc()
            _tell(self._outgoing, unable=f"{type(error).__name__}: {error}")

    def _seed(self) -> None:
        """As parity's worker does, so that programs that set no seed can be compared."""
        if hasattr(self._torch, "manual_seed"):
            self._torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)

    def _step_by_step(self, path: Path, argv: list[str], phases: bool) -> None:
        marks: list[loop.Mark] = []
        names: dict[str, Any] = {"__name__": "__main__", "__file__": str(path)}
        steps = itertools.chain.from_iterable(self._blocks(names, marks if phases else None))
        names |= loop.hooks(steps.__next__, marks, clock)
        sys.argv = [str(path), *argv]
        exec(loop.compiled(path, phases), names)
        raise RuntimeError("it has ended before all steps were made")

    def _order(self) -> Order:
        line = self._incoming.readline()
        if not line:
            raise Enough  # the parent has gone
        order: Order = json.loads(line)
        return order

    def _blocks(self, names: dict[str, Any], marks: list[loop.Mark] | None) -> Iterator[Iterable[None]]:
        """The steps of a program, block by block: it waits in here for its turn, and runs on at the next one."""
        made = 0
        _tell(self._outgoing)
        while (order := self._order())["do"] != LEAVE:
            if order["do"] == SHOW:
                self._show(order, functools.partial(learned, self._torch, names, made))
                continue
            if order["do"] == NUDGE:
                nudge(self._torch, names, order["seed"])
                _tell(self._outgoing)
                continue
            made += order["lead"] + order["steps"]
            names[loop.CLOCK] = memory.resident if order["memory"] else clock
            yield itertools.repeat(None, order["lead"])
            if marks is not None:
                marks.clear()
            started = clock()
            yield itertools.repeat(None, order["steps"])
            seconds = clock() - started
            phases = {} if marks is None else loop.by_phase(marks, 0 if order["memory"] else self._cost)
            _tell(self._outgoing, seconds=seconds, phases=phases, resident=memory.resident())
        self._left()
        raise Enough

    def _as_a_whole(self, path: Path, argv: list[str]) -> None:
        """The same of whole runs, the first of which is recorded."""
        recorder = Recorder(self._torch)
        with _watched(self._torch, recorder):
            _run(path, argv)
        kept = recorder.finish()
        self._held, self._peak = memory.settle(), 0
        _tell(self._outgoing, steps=kept.steps)
        while (order := self._order())["do"] != LEAVE:
            if order["do"] == SHOW:
                self._show(order, lambda _: kept)
                continue
            seconds = 0.0
            for _ in range(order["steps"]):
                self._seed()
                started = clock()
                _run(path, argv)
                seconds += clock() - started
            _tell(self._outgoing, seconds=seconds, phases={}, resident=memory.resident())
        self._left()

    def _show(self, order: Order, trace: Callable[[int], Trace]) -> None:
        """Write down what was learned, which has no share in the peak of memory."""
        self._peak = max(self._peak, memory.peak())
        trace(order["number"]).save(Path(order["trace"]))
        memory.settle()
        _tell(self._outgoing)

    def _left(self) -> None:
        """Say how much memory the program needed."""
        _tell(self._outgoing, peak=max(0, self._peak - self._held, memory.peak() - self._held))


@contextlib.contextmanager
def _watched(torch: Any, recorder: Recorder) -> Iterator[None]:
    watch = Watch(torch, recorder)
    watch.attach()
    try:
        yield
    finally:
        watch.detach()


def _run(path: Path, argv: list[str]) -> None:
    """Run a whole program; raises what it raises, but for an exit that says that all is well."""
    raised: list[BaseException | None] = []
    finished: Callable[[BaseException | None], None] = raised.append
    with contextlib.suppress(SystemExit):
        run(str(path), argv, finished)
    error = raised[0]
    if error is not None and not (isinstance(error, SystemExit) and not error.code):
        raise error
