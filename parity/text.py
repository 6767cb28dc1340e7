"""Printed text against printed text: the same, the same but for digits, or another."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf\b|nan\b)")
NOTHING = "(nothing)"  # the line of a text that has ended
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")


@dataclass(frozen=True)
class Digits:
    """Two numbers at the same place of two texts: which one of the text's numbers, and on which line."""

    place: int
    line: int
    reference: str
    candidate: str

    def within(self, relative: float) -> bool:
        """Whether they agree to one unit of the finer one's last digit, or to this part of their size."""
        unit = min(_unit(self.reference), _unit(self.candidate))
        apart = abs(float(self.reference) - float(self.candidate))
        return self.relative <= relative or apart <= 1.000001 * unit

    @property
    def relative(self) -> float:
        """Their distance as a part of the larger one's size, infinite where only one is a finite number."""
        first, second = float(self.reference), float(self.candidate)
        if first == second or (first != first and second != second):
            return 0.0
        apart = abs(first - second) / max(abs(first), abs(second))
        return apart if math.isfinite(apart) else math.inf


@dataclass(frozen=True)
class TextGap:
    """How two texts differ; `line` is the first line that differs, with both sides.

    `digits` are the numbers that differ where nothing else does, None where words or spaces differ as well.
    """

    same: bool
    digits: tuple[Digits, ...] | None = ()
    line: int = 0
    reference: str = ""
    candidate: str = ""


def compare_texts(reference: str, candidate: str) -> TextGap:
    """Compare two printed texts; memory addresses are not part of a text, they are never the same twice."""
    first, second = ADDRESS.sub("0x…", reference), ADDRESS.sub("0x…", candidate)
    if first == second:
        return TextGap(same=True)
    pairs = itertools.zip_longest(first.splitlines(), second.splitlines())
    line, (left, right) = next(
        ((n, pair) for n, pair in enumerate(pairs, 1) if pair[0] != pair[1]), (len(first.splitlines()), ("", ""))
    )
    digits = _digits(first, second) or None  # without a number that differs, the spaces do
    return TextGap(False, digits, line, NOTHING if left is None else left, NOTHING if right is None else right)


def _digits(first: str, second: str) -> tuple[Digits, ...] | None:
    """The numbers that differ, if the texts without their numbers, and without how they are spaced, are the same."""
    if _skeleton(first) != _skeleton(second):
        return None
    pairs = zip(NUMBER.finditer(first), NUMBER.finditer(second), strict=True)
    return tuple(
        Digits(place, first.count("\n", 0, one.start()) + 1, one[0], two[0])
        for place, (one, two) in enumerate(pairs)
        if one[0] != two[0]
    )


def _skeleton(text: str) -> str:
    return re.sub(r"\s+", "", NUMBER.sub("#", text))


def _unit(number: str) -> float:
    """One unit of the last digit printed; of a number without a fraction nothing, for it was counted."""
    mantissa, _, exponent = number.lower().partition("e")
    fraction = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - fraction) if fraction else 0.0
