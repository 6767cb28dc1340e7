"""The file that carries a run, and which events are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.trace import END, GRADIENT, LOSS, WEIGHT, Event, Keep, Trace, TraceError


def a_trace() -> Trace:
    arrays: list[Any] = [
        np.float32(3.5).reshape(()),
        np.arange(6.0).reshape(2, 3).T,
        np.array([], np.int64),
        np.array([True]),
    ]
    events = [
        Event(0, {(LOSS, ""): arrays[0], (GRADIENT, "net.0.weight"): arrays[1]}, "ab"),
        Event(7, {(GRADIENT, "net.0.weight"): arrays[1], (WEIGHT, "Größe"): arrays[2]}, "cd"),
        Event(END, {(WEIGHT, "flag"): arrays[3]}, "ef"),
    ]
    return Trace(events, {"steps": 8, "error": None}, "printed\n\ttext ✓")


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    trace, path = a_trace(), tmp_path / "trace"
    trace.save(path)
    loaded = Trace.load(path)
    assert (loaded.text, loaded.about, loaded.steps, loaded.chain) == (trace.text, trace.about, 8, "ef")
    for one, two in zip(trace.events, loaded.events, strict=True):
        assert (one.number, one.chain, list(one.arrays)) == (two.number, two.chain, list(two.arrays))
        for key, array in one.arrays.items():
            assert (array.dtype, array.shape) == (two.arrays[key].dtype, two.arrays[key].shape)
            assert array.tobytes() == two.arrays[key].tobytes()


def test_equal_arrays_are_written_once(tmp_path: Path) -> None:
    array = np.random.default_rng(0).random(1000)
    for count in (1, 50):
        Trace([Event(i, {(LOSS, ""): array.copy()}) for i in range(count)]).save(tmp_path / str(count))
    assert (tmp_path / "50").stat().st_size < (tmp_path / "1").stat().st_size + 5000


def test_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    a_trace().save(path)
    good = path.read_bytes()
    for place in range(0, len(good), 7):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(TraceError):
            Trace.load(path)
    for size in (0, 5, 20, len(good) - 1):
        path.write_bytes(good[:size])
        with pytest.raises(TraceError, match="trace"):
            Trace.load(path)
    path.write_bytes(b"PK\x03\x04 another file")
    with pytest.raises(TraceError, match="is not a parity trace"):
        Trace.load(path)


def test_only_numbers_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that claims to hold objects is refused, however well it is sealed."""
    path, dumps = tmp_path / "trace", json.dumps
    monkeypatch.setattr(json, "dumps", lambda value, **options: dumps(value, **options).replace('"|b1"', '"|O"'))
    a_trace().save(path)
    with pytest.raises(TraceError, match="numbers, not"):
        Trace.load(path)


def kept(keep: Keep, steps: int, size: int = 1) -> list[int]:
    for number in range(steps):
        if keep.wants(number):
            keep.add(Event(number, {(LOSS, ""): np.zeros(size)}))
    return [event.number for event in keep.events()]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 5000), st.integers(0, 20), st.integers(2, 60))
def test_keep_is_bounded_even_and_begins_densely(steps: int, head: int, most: int) -> None:
    keep = Keep(head=head, most=most)
    numbers = kept(keep, steps)
    assert numbers[: min(head, steps)] == list(range(min(head, steps)))
    assert len(numbers) <= head + most
    rest = [number for number in numbers if number >= head]
    assert all(number % keep.stride == 0 for number in rest)
    assert len(rest) >= (steps - head) // keep.stride
    assert keep.stride == 1 or steps > most * keep.stride // 2


def test_two_runs_of_the_same_length_keep_the_same() -> None:
    assert kept(Keep(), 3001) == kept(Keep(), 3001)


def test_window_is_kept_densely() -> None:
    assert kept(Keep(100, 200, head=0), 1000) == list(range(100, 200))


def test_budget_thins(tmp_path: Path) -> None:
    keep = Keep(head=4, budget=80_000)
    numbers = kept(keep, 100, size=1000)
    assert len(numbers) <= 12
    assert numbers[0] == 0
    assert numbers[-1] >= 80


def test_arrays_larger_than_the_budget_are_kept_twice_at_most() -> None:
    assert len(kept(Keep(head=0, budget=1000), 500, size=1000)) <= 2
