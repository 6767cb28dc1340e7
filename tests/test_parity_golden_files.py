"""Files given as recordings of torch that are damaged, or were never ones: what may be read from them."""

from __future__ import annotations

import functools
import json
import pickle
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import checked, narrowed

from parity import golden
from parity.golden import CANDIDATE, FORMAT, TITLE, Golden, GoldenError
from parity.judge import IDENTICAL
from parity.plain import TEXT, fits
from parity.trace import MAGIC, sealed


@functools.cache
def raw_of(path: Path) -> bytes:
    return narrowed(Golden.load(path)).pack()


def body_of(raw: bytes) -> bytes:
    return zlib.decompress(raw[len(TITLE + FORMAT) + 16 :])


def file_of(body: bytes) -> bytes:
    return TITLE + FORMAT + sealed(zlib.compress(body, 1))


def parts(body: bytes) -> tuple[Any, Any, bytes]:
    """The head of the file, the head of its trace, and the arrays' bytes."""
    size = int.from_bytes(body[:8], "little")
    trace = body[8 + size + len(MAGIC) + 16 :]
    inner = int.from_bytes(trace[:8], "little")
    return json.loads(body[8 : 8 + size]), json.loads(trace[16 : 16 + inner]), trace[16 + inner :]


def joined(head: Any, inner: Any, blob: bytes) -> bytes:
    written = json.dumps(inner).encode()
    sizes = len(written).to_bytes(8, "little") + len(blob).to_bytes(8, "little")
    trace = MAGIC + sealed(sizes + written + blob)
    if isinstance(head, dict) and head.get("runs") == {"float32": None}:
        head = {**head, "runs": {"float32": len(trace)}}
    outer = json.dumps(head).encode()
    return file_of(len(outer).to_bytes(8, "little") + outer + trace)


def test_these_helpers_build_what_is_read(recorded: Path) -> None:
    head, inner, blob = parts(body_of(raw_of(recorded / "script.golden")))
    head["runs"] = {"float32": None}
    (result,) = checked(Golden.unpack(joined(head, inner, blob), "built"), recorded)
    assert (result.judgement.word, result.candidate.job.backend) == (IDENTICAL, CANDIDATE)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_damage_is_noticed(recorded: Path, data: st.DataObject) -> None:
    raw = raw_of(recorded / "script.golden")
    place = data.draw(st.integers(0, len(raw) - 1))
    flipped = raw[:place] + bytes([raw[place] ^ data.draw(st.integers(1, 255))]) + raw[place + 1 :]
    for changed in (flipped, raw[:place], raw + raw[place:]):
        with pytest.raises(GoldenError) as refusal:
            Golden.unpack(changed, "x.golden")
        assert str(refusal.value).startswith("x.golden is ")


# What a value may become in a file that somebody has written by hand and sealed as parity seals.
HOSTILE = st.one_of(
    st.sampled_from(
        [None, True, -1, 0, 2**31, 2**63, 10**40, 1.5, float("inf"), float("nan"), "", "\ud800", "\x1b[2J"]
    ),
    st.sampled_from(["|O", "O8", "V8", "f4,i4", "<U9", "3f8", "<f16", "<M8[s]", "os.system", "/dev/zero", "float32"]),
    st.sampled_from([[], {}, [[]], [2**62, 2**62], [0, -1], [1] * 99, {"a": 1}, [["a", "<f4"]], [None, None, None]]),
    st.text(max_size=5),
)


def inside(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from inside(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_whoever_wrote_it_a_file_is_read_or_refused(recorded: Path, data: st.DataObject) -> None:
    """Sealed well and changed anywhere: one sentence, or a report like any other."""
    head, inner, blob = parts(body_of(raw_of(recorded / "script.golden")))
    head["runs"] = {"float32": None}
    which = data.draw(st.sampled_from(["head", "about", "trace"]))
    whole = {"head": head, "about": inner["about"], "trace": inner}[which]
    changed = put(whole, data.draw(st.sampled_from(list(inside(whole)))), data.draw(HOSTILE))
    if which == "head":
        head = changed
    else:
        inner = changed if which == "trace" else {**inner, "about": changed}
    blob = blob[: data.draw(st.sampled_from([len(blob), 0, 9]))]
    refusal = ""
    try:
        checked(Golden.unpack(joined(head, inner, blob), "x.golden"), recorded)
    except GoldenError as error:
        refusal = str(error)
    assert len(refusal.splitlines()) <= 1


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("events", 0, "arrays", 0, 0), "feeling"),
        (("events", 0, "number"), float("inf")),
        (("arrays", 0, 1), [2**62, 2**62]),
        (("arrays", 0, 1), [2**62, 0, 2**62]),
        (("arrays", 0, 1), [-1]),
        (("arrays", 0, 2), 2**70),
        (("arrays", 0, 0), "<f2,<f2"),
        (("marks",), 0),
        (("text",), "\udc80"),
        (("about", "steps"), 41),
        (("about", "dtype"), "float64"),
    ],
)
def test_what_no_recording_says_is_refused(recorded: Path, place: tuple[Any, ...], value: Any) -> None:
    head, inner, blob = parts(body_of(raw_of(recorded / "script.golden")))
    head["runs"] = {"float32": None}
    with pytest.raises(GoldenError, match="x is damaged"):
        Golden.unpack(joined(head, put(inner, place, value), blob), "x")


def test_a_file_ends_where_it_should(recorded: Path) -> None:
    raw = raw_of(recorded / "script.golden")
    sealed_part = raw[len(TITLE + FORMAT) + 16 :]
    for changed in (TITLE + FORMAT + sealed(sealed_part + b"more"), file_of(body_of(raw) + b"more")):
        with pytest.raises(GoldenError, match="x is damaged"):
            Golden.unpack(changed, "x")


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_is_unpickled(recorded: Path, tmp_path: Path) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    head, inner, _ = parts(body_of(raw_of(recorded / "script.golden")))
    head["runs"] = {"float32": None}
    inner["arrays"] = [["|O", [1], 0] for _ in inner["arrays"]]
    for raw in (bomb, TITLE + FORMAT + bomb, file_of(bomb), file_of(len(bomb).to_bytes(8, "little") + bomb)):
        with pytest.raises(GoldenError):
            Golden.unpack(raw, "bomb")
    with pytest.raises(GoldenError, match=r"a trace holds numbers, not \|O"):
        Golden.unpack(joined(head, inner, bomb), "bomb")
    assert not (tmp_path / "exploded").exists()
    pickle.loads(bomb)
    assert (tmp_path / "exploded").exists(), "a bomb that does not go off shows nothing"


@pytest.mark.parametrize(
    "body",
    [
        bytes(2**24),
        b"",
        b"\xff" * 8 + b"{}",
        (2**20).to_bytes(8, "little") + b"[" * 2**20,
        (2).to_bytes(8, "little") + b"{}",
        (4).to_bytes(8, "little") + b"\xff\xfe\x00\x00",
    ],
    ids=["a zip bomb", "nothing", "a head of 2^64 bytes", "brackets without end", "an empty head", "no text"],
)
def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(golden, "LIMIT", 2**21)
    raw = file_of(body)
    tracemalloc.start()
    try:
        with pytest.raises(GoldenError, match=r"x\.golden is damaged"):
            Golden.unpack(raw, "x.golden")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_file_without_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "LIMIT", 2**20)
    with pytest.raises(GoldenError, match="/dev/zero is not a golden file of parity"):
        Golden.load(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("value", "form", "is_so"),
    [
        (1, int, True),
        (True, int, False),
        (1.0, int, False),
        ("a", str, True),
        ("a\n", str, False),
        ("a\n\x1b", TEXT, True),
        ("\ud800", TEXT, False),
        (None, (None, int), True),
        (2, (None, int), True),
        ("", (None, int), False),
        ([], [int], True),
        ([1, 2], [int], True),
        ([1, "2"], [int], False),
        ([1, "2"], [int, str], True),
        ([1], [int, str], False),
        ("12", [str], False),
        ({"a": 1}, {"a": int}, True),
        ({"a": 1, "b": 1}, {"a": int}, False),
        ({}, {"a": int}, False),
        ({"a": 1, "b": 1}, {str: int}, True),
        ({"a": "1"}, {str: int}, False),
        ({"\ud800": 1}, {str: int}, False),
        ([], {str: int}, False),
    ],
)
def test_forms(value: Any, form: Any, is_so: bool) -> None:
    assert fits(value, form) == is_so
