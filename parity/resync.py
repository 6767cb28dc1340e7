"""The child's side of `--resync`: weights are looked at where an update ends, and given the reference's values there.

An update ends with an optimizer's step, and with a `no_grad` block in which the script has changed a weight by hand.
What is recorded is what the update has made; what is given is what the reference's made of it. So the next step starts
from the reference's weights and optimizer state, and its error is one step's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.reading import array_of
from parity.trace import END, Array, Key, Trace

# How a tensor is given values: through memory that it shares with an array, or as torch would copy them.
_WAYS: tuple[Callable[[Any, Any, Array], Any], ...] = (
    lambda torch, tensor, array: np.copyto(array_of(tensor), array, casting="no"),
    lambda torch, tensor, array: tensor.data.copy_(torch.from_numpy(array)),
    lambda torch, tensor, array: setattr(tensor, "data", array),
)


def write(torch: Any, tensor: Any, array: Array) -> bool:
    """Give a tensor these values, of its own dtype and shape, unseen by any graph; whether that could be done."""
    before = array_of(tensor)
    if (before.dtype, before.shape) != (array.dtype, array.shape):
        return False
    for way in _WAYS:
        try:
            way(torch, tensor, array.copy())
        except (AttributeError, TypeError, RuntimeError, ValueError):
            continue
        if array_of(tensor).tobytes() == array.tobytes():
            return True
    return False


class Resync:
    """Knows which weights have changed since they were looked at; gives them, and optimizers, a reference's values.

    `steps` is the number of steps from the first on after which all that had changed was given, or could have been
    where there is no reference; `why` is the sentence that says what ended them.
    """

    def __init__(self, torch: Any, reference: Trace | None = None) -> None:
        self.steps, self.why = 0, ""
        self._torch = torch
        self._given: dict[int, dict[Key, Array]] | None = None
        if reference is not None:
            self._given = {event.number: event.arrays for event in reference.events if event.number != END}
        self._looks: dict[int, tuple[Any, bytes]] = {}

    def look(self, leaf: Any) -> bool:
        """Whether a leaf has changed since the last look, or was never looked at."""
        digest = hashlib.blake2b(array_of(leaf).tobytes(), digest_size=16).digest()
        seen = getattr(leaf, "_version", None), digest  # a version counts updates that round to nothing
        changed = self._looks.get(id(leaf)) != seen
        self._looks[id(leaf)] = seen
        return changed

    def give(self, number: int, key: Key | None, tensor: Any) -> None:
        """Let a tensor be as the reference's was after the same update."""
        array = self._of_reference(number, key)
        if array is not None and not write(self._torch, tensor, array):
            self._end(f"parity cannot write to {' '.join(key or ())}, a {type(tensor).__name__}")

    def give_state(self, number: int, key: Key | None, known: dict[Any, Any], name: Any) -> None:
        """The same for what an optimizer knows under a name, a tensor or a number."""
        if not isinstance(known[name], (int, float)):
            self.give(number, key, known[name])
        elif (array := self._of_reference(number, key)) is not None:
            known[name] = type(known[name])(array.item())

    def ended(self, number: int, unseen: list[str]) -> None:
        """A step has ended; these leaves have changed where no update was seen."""
        if unseen:
            self._end(f"parity cannot see where {', '.join(unseen)} {'is' if len(unseen) == 1 else 'are'} updated")
        if self._given is not None and number not in self._given:
            self._end("the reference's next steps are too much to be kept")
        if not self.why and number == self.steps:
            self.steps += 1

    def _of_reference(self, number: int, key: Key | None) -> Array | None:
        if self._given is None or key is None or number not in self._given or self.why:
            return None
        if (array := self._given[number].get(key)) is None:
            self._end(f"the reference has no {' '.join(key)} at step {number}")
        return array

    def _end(self, why: str) -> None:
        self.why = self.why or why
