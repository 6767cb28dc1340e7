"""Short digests of many arrays, cheap enough to take at every step of a training run."""

from __future__ import annotations

import hashlib

import numpy as np

from parity.trace import Array
from parity.ulp import canonical

LARGE = 2**15  # bytes; a larger array is digested at once, so that no copy of it is held

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
            kind, raw = "", _digest(array)
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


def _digest(array: Array) -> bytes:
    """Digest of an array's bytes, by the fastest function at hand that sees every bit wherever it is."""
    floats = array.dtype.kind == "f" and _has_nan(array.reshape(-1))
    raw = np.ascontiguousarray(canonical(array) if floats else array)
    return hashlib.sha1(raw.reshape(-1).view(np.uint8).data, usedforsecurity=False).digest()


def _has_nan(floats: Array) -> bool:
    """Whether a flat array holds nan: the sum of squares is nan then, and only then."""
    norm = np.vdot(floats, floats)
    return bool(norm != norm)
