"""torch's own noise: what is run for it, what is remembered on disk, and when it is measured again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parity import noise
from parity.backends import Backend
from parity.compare import compare
from parity.floor import floor_of
from parity.launch import Outcome
from parity.noise import KERNELS, Cache, key_of, measure, sources_of
from parity.trace import BATCH, END, WEIGHT, Event, Trace
from parity.worker import Job


def trace(*weights: float, seen: int = 1) -> Trace:
    """A run in which a weight takes these values and a step sees so many numbers."""
    values = [np.array([weight], np.float64) for weight in (*weights, weights[-1])]
    numbers = [*range(len(weights)), END]
    arrays = [{(WEIGHT, "w"): value, (BATCH, "x"): np.zeros(seen)} for value in values]
    events = [Event(n, a, str(weights[: n + 1] or weights)) for n, a in zip(numbers, arrays, strict=True)]
    return Trace(events, {"steps": len(weights)}, "text")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that imports a module and a package of its folder, which import another."""
    (tmp_path / "package").mkdir()
    for name, text in {
        "script.py": "import json\nimport module, package.inner as inner\n",
        "module.py": "def late():\n    from deeper import thing\n",
        "deeper.py": "import script\n",
        "stranger.py": "",
        "package/__init__.py": "",
        "package/inner.py": "def broken(:",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path / "script.py"


class Runner:
    """Runs nothing: gives one trace for every job, and counts."""

    def __init__(self, given: Trace, unable: str = "") -> None:
        self.given, self.unable, self.jobs = given, unable, list[Job]()

    def __call__(self, jobs: list[Job]) -> list[Outcome]:
        self.jobs += jobs
        return [Outcome(job, self.given, 0, unable=self.unable) for job in jobs]


def reference(script: Path, run: Trace | None = None) -> Outcome:
    return Outcome(Job(Backend("torch", "torch"), str(script), ("5",)), run or trace(1, 2, 3), 0)


def test_sources_are_those_of_the_own_folder(script: Path) -> None:
    names = {str(path.relative_to(script.parent)) for path in sources_of(script)}
    assert names == {"script.py", "module.py", "deeper.py", "package/__init__.py", "package/inner.py"}


def test_measured_once_then_remembered(script: Path, tmp_path: Path) -> None:
    cache, own = Cache(tmp_path / "cache"), Runner(trace(1, 2, 3 + 1e-15))
    for times in (1, 1):
        ((noise,),) = measure([reference(script)], KERNELS[:1], own, cache)
        assert len(own.jobs) == times
        assert noise.series[WEIGHT, "w"][-1].gap.ulp == 2
        assert noise.candidate.text == "text"
    job = own.jobs[0]
    assert (job.backend, job.script, job.argv) == (KERNELS[0], str(script), ("5",))
    (file,) = (tmp_path / "cache").iterdir()
    for damage in (file.read_bytes()[:-1], b"", b"something else"):
        file.write_bytes(damage)
        ((noise,),) = measure([reference(script)], KERNELS[:1], own, cache)
        assert noise.series[WEIGHT, "w"][-1].gap.ulp == 2
    assert len(own.jobs) == 4


def test_nothing_is_kept_of_what_did_not_run_or_without_a_cache(script: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert measure([reference(script)], KERNELS[:2], Runner(Trace(), "it ran too long"), cache) == [[]]
    measure([reference(script)], KERNELS[:1], Runner(trace(1)), Cache(None))
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_is_no_error(script: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ((found,),) = measure([reference(script)], KERNELS[:1], Runner(trace(1)), Cache(tmp_path / "file"))
    assert not found.same_bits


def test_the_key_knows_what_the_run_depends_on(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, run = Job(KERNELS[0], str(script)), trace(1, 2, 3)
    keys = [key_of(job, run), key_of(job, run)]
    assert keys[0] == keys.pop()
    keys += [
        key_of(replace(job, **changed), run)
        for changed in ({"argv": ("1",)}, {"dtype": "float64"}, {"seed": 1}, {"backend": KERNELS[1]})
    ]
    keys.append(key_of(job, trace(1, 2, 4)))  # the data that the script reads are others
    for name in ("script.py", "deeper.py"):
        (script.parent / name).write_text("import module\n# changed")
        keys.append(key_of(job, run))
    (script.parent / "stranger.py").write_text("changed")
    assert key_of(job, run) == keys[-1]
    with monkeypatch.context() as patch:
        patch.setenv("MKL_DEBUG_CPU_TYPE", "5")
        keys.append(key_of(job, run))
    for what in ("cpu", "_version"):
        with monkeypatch.context() as patch:
            patch.setattr(noise.environment, what, lambda *_: "another")
            keys.append(key_of(job, run))
    assert len(set(keys)) == len(keys)


def test_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    for age, name in enumerate(("new", "old", "oldest")):
        cache.put(name, trace(1))
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    monkeypatch.setattr(noise, "MOST", 3 * (tmp_path / "new").stat().st_size)
    cache.put("newest", trace(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "newest", "old"]
    monkeypatch.setattr(noise, "LARGEST", 10)
    cache.put("too large", trace(1))
    assert cache.get("too large") is None


@pytest.mark.parametrize(("home", "folder"), [("/there", "/there"), ("", "~/.cache"), ("relative", "~/.cache")])
def test_cache_of_the_user(monkeypatch: pytest.MonkeyPatch, home: str, folder: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    assert Cache.of_user().folder == Path(folder).expanduser() / "microtorch-parity"


def test_the_floor_is_what_was_measured_until_then() -> None:
    base = trace(1, 2, 4, 4)
    own = [compare(base, trace(1, 2 + 2e-12, 4, 4)), compare(base, trace(1, 2, 4, 4 - 4e-9))]
    floor = floor_of(own[0], own)
    found = [floor.until((WEIGHT, "w"), number) for number in (0, 1, 2, 3, END)]
    assert found == pytest.approx([0, 1e-12, 1e-12, 1e-9, 1e-9], rel=1e-3)
    assert floor.until((WEIGHT, "other"), 3) == 0
    assert floor.weights_gone(1e-11) == 3
    assert floor.weights_gone(1e-8) is None
    assert floor.largest(WEIGHT) == (own[1].largest(WEIGHT) or (0, 0))


def test_rounding_is_that_of_the_longest_sum() -> None:
    assert [floor_of(compare(trace(1, seen=n), trace(2, seen=n))).rounding for n in (1, 100)] == [
        2.0**-52,
        10 * 2.0**-52,
    ]
