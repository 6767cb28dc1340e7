"""What one run of a script left behind: events with arrays and text, and the file that carries them.

A trace is a list of events in the order in which they happened. An event is one backward pass with what led to it and
what followed: the data that went into the model, the loss, the gradients, the optimizer's state and the weights after
the update. The last event, `END`, is the state in which the script left everything.

The file is a line that names the format, a JSON index and the arrays' bytes. Nothing in it is executed or unpickled.
`pack` and `unpack` are the file's bytes, for what carries several traces.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Key = tuple[str, str]  # phase and name

# The phases of an event, in the order in which one causes the next: the earliest that parts is named as the first.
INITIAL = "initial weight"
BATCH = "batch"
FORWARD = "forward"
LOSS = "loss"
ERROR = "error"
GRADIENT = "gradient"
STATE = "optimizer state"
WEIGHT = "weight"
BUFFER = "buffer"
GENERATOR = "generator state"
PHASES = (INITIAL, BATCH, FORWARD, LOSS, ERROR, GRADIENT, STATE, WEIGHT, BUFFER, GENERATOR)

END = -1  # the number of the event that holds the final state
MARK = 4  # bytes of the mark that every step leaves

MAGIC = b"parity trace 2\n"


class TraceError(Exception):
    """The file is no trace, or a damaged one."""


@dataclass
class Event:
    """One backward pass and its surroundings; `chain` is a digest of everything from the start up to its end."""

    number: int
    arrays: dict[Key, Array] = field(default_factory=dict)
    chain: str = ""

    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


@dataclass
class Trace:
    """The events that were kept, and `about`: what ran where, how long, how it ended, as plain JSON values.

    `marks` has a few bytes of every step's digest of all that had happened until then: two runs part in the first step
    whose marks differ (a later one in one of 2^32 cases).
    """

    events: list[Event] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    text: str = ""  # what the script printed
    marks: bytes = b""

    @property
    def steps(self) -> int:
        """The number of backward passes, or of updates without one."""
        return int(self.about.get("steps", 0))

    @property
    def chain(self) -> str:
        """Digest of every event of the run, kept or not."""
        return self.events[-1].chain if self.events else ""

    def save(self, path: Path) -> None:
        """Write the trace to a file."""
        path.write_bytes(self.pack())

    @classmethod
    def load(cls, path: Path) -> Trace:
        """Read a trace; raises TraceError, in one sentence, if the file is not one or is damaged."""
        return cls.unpack(path.read_bytes(), str(path))

    def pack(self) -> bytes:
        """The trace as bytes; equal arrays are written once."""
        places: dict[bytes, int] = {}
        index: list[tuple[str, tuple[int, ...], int]] = []
        blob = bytearray()

        def place(array: Array) -> int:
            raw = array.tobytes()
            identity = hashlib.blake2b(raw + f"{array.dtype.str}{array.shape}".encode()).digest()
            if identity not in places:
                places[identity] = len(index)
                index.append((array.dtype.str, array.shape, len(blob)))
                blob.extend(raw)
            return places[identity]

        events = [
            {"number": e.number, "chain": e.chain, "arrays": [[*key, place(array)] for key, array in e.arrays.items()]}
            for e in self.events
        ]
        marks = place(np.frombuffer(self.marks, np.uint8))
        head = {"about": self.about, "text": self.text, "events": events, "arrays": index, "marks": marks}
        header = json.dumps(head, allow_nan=False).encode()
        return MAGIC + sealed(struct.pack("<QQ", len(header), len(blob)) + header + bytes(blob))

    @classmethod
    def unpack(cls, raw: bytes, name: str) -> Trace:
        """The trace that `pack` made bytes of; raises TraceError, in one sentence about `name`, for other bytes."""
        if not raw.startswith(MAGIC):
            raise TraceError(f"{name} is not a parity trace")
        body = unsealed(raw[len(MAGIC) :], name)
        try:
            header_size, blob_size = struct.unpack_from("<QQ", body)
            head, blob = json.loads(body[16 : 16 + header_size]), body[16 + header_size :]
            if len(blob) != blob_size:
                raise ValueError(f"{len(blob)} bytes where {blob_size} should be")
            arrays = [_array(blob, *entry) for entry in head["arrays"]]
            events = [
                Event(int(e["number"]), {(str(p), str(n)): arrays[i] for p, n, i in e["arrays"]}, str(e["chain"]))
                for e in head["events"]
            ]
            return cls(events, dict(head["about"]), str(head["text"]), arrays[head["marks"]].tobytes())
        except (ValueError, TypeError, LookupError, ArithmeticError, struct.error, RecursionError) as error:
            raise TraceError(f"{name} is damaged: {error}") from None


def sealed(body: bytes) -> bytes:
    """Bytes after a digest of them."""
    return hashlib.blake2b(body, digest_size=16).digest() + body


def unsealed(raw: bytes, name: str) -> bytes:
    """What was sealed; raises TraceError if it has changed since."""
    if len(raw) < 16:
        raise TraceError(f"{name} is damaged: it ends in its first lines")
    if hashlib.blake2b(raw[16:], digest_size=16).digest() != raw[:16]:
        raise TraceError(f"{name} is damaged: its contents do not agree with their seal")
    return raw[16:]


def _array(blob: bytes, dtype: str, shape: list[int], offset: int) -> Array:
    if not re.fullmatch("[<>|][biuf][1248]", dtype):
        raise ValueError(f"a trace holds numbers, not {dtype}")
    if min(shape, default=0) < 0:
        raise ValueError(f"no array has the shape {shape}")
    return np.frombuffer(blob, dtype, count=math.prod(shape), offset=offset).reshape(shape)


class Keep:
    """Which events are kept in full, so that a run of any length leaves a bounded trace.

    The first `head` are kept, and of all from `start` to `stop` every `stride`-th, where the stride doubles whenever
    these are more than `most` or fill more than `budget` bytes. Two runs of the same length keep the same events.
    """

    def __init__(
        self, start: int = 0, stop: int | None = None, head: int = 64, most: int = 512, budget: int = 2**25
    ) -> None:
        self.start, self.stop = start, stop
        self.head, self.most, self.budget = head, most, budget
        self.stride = 1
        self._first: list[Event] = []
        self._thinned: list[Event] = []
        self._room = budget // 4  # bytes that are left for the first events
        self._filled = 0

    def wants(self, number: int) -> bool:
        """Whether the event of this number is to be kept, as far as is known before it."""
        return self._in_head(number) or self._in_window(number)

    def add(self, event: Event) -> None:
        """Keep an event that `wants` asked for."""
        if self._in_head(event.number):
            self._first.append(event)
            self._room -= event.nbytes()
        if not self._in_window(event.number):
            return
        self._thinned.append(event)
        self._filled += event.nbytes()
        while len(self._thinned) > 2 and (len(self._thinned) > self.most or self._filled > self.budget):
            self.stride *= 2
            self._thinned = [e for e in self._thinned if self._in_window(e.number)]
            self._filled = sum(e.nbytes() for e in self._thinned)

    def events(self) -> list[Event]:
        """The events kept, in order."""
        both = {event.number: event for event in (*self._first, *self._thinned)}
        return [both[number] for number in sorted(both)]

    def _in_head(self, number: int) -> bool:
        return number < self.head and self._room > 0

    def _in_window(self, number: int) -> bool:
        inside = number >= self.start and (self.stop is None or number < self.stop)
        return inside and (number - self.start) % self.stride == 0
