"""The steps of a training script: a loop whose comments name the phases of a step, as in

    for x, y in batches:         # loader
        loss = criterion(net(x), y)  # forward, and the loss
        loss.backward()          # backward
        optimizer.step()         # step

The first word of a comment names the phase of its statement; one without belongs to the phase before it. The script is
compiled so that it calls `turn` when a step begins. Only where phases are asked for is the clock read between them.
"""

from __future__ import annotations

import ast
import io
import itertools
import tokenize
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

PHASES = ("draw", "loader", "forward", "loss", "backward", "step", "zero_grad", "freeing")
BETWEEN = -1  # the number of the time between two steps, where it is nobody's phase

Mark = tuple[int, float]  # the number of a phase, and what the clock showed at its end
TURN, MARK, CLOCK = "__parity_turn__", "__parity_mark__", "__parity_clock__"


def compiled(path: Path, phases: bool = False) -> CodeType:
    """A script that calls `turn` before each step, with `phases` also `mark` after each phase; ValueError without steps."""
    text = path.read_text("utf-8")
    loops = _Loops(_named_lines(text), phases)
    tree = loops.visit(ast.parse(text, str(path)))
    if not loops.found:
        raise ValueError(f"no comment in {path} names a phase of a step")
    return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)


def hooks(turn: Callable[[], object], marks: list[Mark], clock: Callable[[], float]) -> dict[str, Any]:
    """The names under which a compiled script finds what it calls."""
    return {TURN: turn, MARK: marks.append, CLOCK: clock}


def by_phase(marks: list[Mark], cost: float = 0.0) -> dict[str, float]:
    """What the clock went on by in each phase, all steps together, without what the marks themselves cost."""
    found: dict[str, float] = {}
    for (_, before), (phase, after) in itertools.pairwise(marks):
        if phase != BETWEEN:
            found[PHASES[phase]] = found.get(PHASES[phase], 0.0) + after - before - cost
    return found


def cost_of_a_mark(clock: Callable[[], float], count: int = 2000) -> float:
    """The seconds that one mark takes: the median of many in a row."""
    marks: list[Mark] = []
    code = compile(f"for _ in range({count}): {MARK}((0, {CLOCK}()))", "<marks>", "exec")
    exec(code, hooks(lambda: None, marks, clock))
    apart = sorted(after - before for (_, before), (_, after) in itertools.pairwise(marks))
    return apart[len(apart) // 2]


def _named_lines(text: str) -> dict[int, int]:
    """The lines whose comment names a phase, and its number."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = ((t.start[0], t.string.lstrip("# ").split()) for t in tokens if t.type == tokenize.COMMENT)
    named = ((line, words[0].rstrip(",.:;")) for line, words in comments if words)
    return {line: PHASES.index(word) for line, word in named if word in PHASES}


class _Loops(ast.NodeTransformer):
    """Adds the calls to every innermost loop whose own statements have comments that name phases."""

    def __init__(self, named: dict[int, int], phases: bool) -> None:
        self.found = 0
        self._named = named
        self._phases = phases

    def visit_For(self, loop: ast.For) -> ast.stmt:
        return self._loop(loop)

    def visit_While(self, loop: ast.While) -> ast.stmt:
        return self._loop(loop)

    def _loop(self, loop: ast.For | ast.While) -> ast.stmt:
        found = self.found
        self.generic_visit(loop)
        named = [self._phase(statement) for statement in loop.body]
        if self.found > found or all(phase is None for phase in named):  # one of epochs, or of something else
            return loop
        self.found += 1
        begin: list[ast.stmt] = [_statement(f"{TURN}()")]
        if not self._phases:
            loop.body = begin + loop.body
            return loop
        header = self._phase(loop)
        now = BETWEEN if header is None else header
        # The end of one step and the beginning of the next: what fetches the data, then the turn, which is no phase.
        loop.body = [_mark(now), *begin, _mark(BETWEEN), *self._marked(loop.body, named)]
        return loop

    @staticmethod
    def _marked(body: list[ast.stmt], named: list[int | None]) -> list[ast.stmt]:
        """The statements with a mark after the last one of each phase."""
        phases, now = [], BETWEEN
        for phase in named:
            now = now if phase is None else phase
            phases.append(now)
        found: list[ast.stmt] = []
        for statement, phase, following in zip(body, phases, [*phases[1:], None], strict=True):
            found += [statement] if phase == following else [statement, _mark(phase)]
        return found

    def _phase(self, statement: ast.stmt) -> int | None:
        """What the comment says on a statement's lines; of one that has others inside, on the lines before these."""
        inside: list[ast.stmt] = getattr(statement, "body", [])
        end = inside[0].lineno - 1 if inside else statement.end_lineno or statement.lineno
        lines = range(statement.lineno, max(end, statement.lineno) + 1)
        return next((self._named[line] for line in lines if line in self._named), None)


def _mark(phase: int) -> ast.stmt:
    return _statement(f"{MARK}(({phase}, {CLOCK}()))")


def _statement(source: str) -> ast.stmt:
    return ast.parse(source).body[0]
