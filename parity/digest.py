"""Short digests of many arrays, cheap enough to take at every step of a training run."""

from __future__ import annotations

import hashlib

import numpy as np

from parity.trace import Array
from parity.ulp import canonical

LARGE = 2**15  # bytes; a larger array is digested by its sums
ROW = 64  # words

Label = tuple[str, str, str, tuple[int, ...]]  # phase, name, dtype as the same text on every system, shape

_written: dict[tuple[Label, ...], bytes] = {}  # step after step has the same labels


class Ledger:
    """The arrays of one event, entered one by one with what they are, and their common digest.

    An array is copied when it is entered: it may share its memory with a tensor that is about to change.
    """

    __slots__ = ("_bytes", "_labels")

    def __init__(self) -> None:
        self._labels: list[Label] = []
        self._bytes: dict[str, list[bytes]] = {}  # by dtype

    def enter(self, phase: str, name: str, array: Array) -> None:
        kind: str = array.dtype.str
        self._labels.append((phase, name, kind, array.shape))
        if array.nbytes > LARGE:
            kind, raw = "", digest_of_large(array)
        else:
            raw = array.tobytes()
        if kind in self._bytes:
            self._bytes[kind].append(raw)
        else:
            self._bytes[kind] = [raw]

    def digest(self) -> bytes:
        """Equal for equal events: the same things in the same order, bit for bit, where one nan is like another."""
        labels = tuple(self._labels)
        if labels not in _written:
            if len(_written) > 1000:
                _written.clear()
            _written[labels] = repr(labels).encode()
        parts = [_written[labels]]
        for kind in sorted(self._bytes):
            joined = b"".join(self._bytes[kind])
            if kind[1:2] == "f":
                floats = np.frombuffer(joined, kind)
                joined = canonical(floats).tobytes() if _has_nan(floats) else joined
            parts.append(joined)
        return hashlib.blake2b(b"".join(parts), digest_size=16).digest()


def digest_of_large(array: Array) -> bytes:
    """Digest of an array's bytes taken as whole numbers in rows: the sums over rows and over columns.

    Any change of one element changes it, and so does an exchange of two.
    """
    if array.dtype.kind == "f" and _has_nan(array.reshape(-1)):
        array = canonical(array)
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    words = raw[: raw.size // (8 * ROW) * (8 * ROW)].view(np.uint64).reshape(-1, ROW)
    down, across = np.add.reduce(words, axis=0), np.add.reduce(words, axis=1)
    rest = raw[words.nbytes :]
    return hashlib.blake2b(down.tobytes() + across.tobytes() + rest.tobytes(), digest_size=16).digest()


def _has_nan(floats: Array) -> bool:
    """Whether a flat array holds nan: the sum of squares is nan then, and only then."""
    norm = np.vdot(floats, floats)
    return bool(norm != norm)
