"""Testing the tests: faults planted in a copy of microtorch, each of which must turn part of the suite red.

A row names the file, the text that is replaced and what replaces it, and the tests that must then fail. That the text
is there exactly once is checked, so that a row cannot go stale; that the same tests pass without the fault is what the
rest of the suite shows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Fault:
    """A fault: in `file`, `right` becomes `wrong`; `tests` (pytest's words) must notice."""

    name: str
    file: str
    right: str
    wrong: str
    tests: str


FAULTS: list[Fault] = []


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of microtorch beside the suite as it is."""
    shutil.copytree(ROOT / "microtorch", tmp_path / "microtorch", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("tests", "parity", "examples", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_noticed(fault: Fault, house: Path) -> None:
    file = house / "microtorch" / fault.file
    text = file.read_text()
    assert text.count(fault.right) == 1, f"{fault.file} does not have {fault.right!r} exactly once"
    file.write_text(text.replace(fault.right, fault.wrong))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *fault.tests.split(" ")],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1, f"pytest ended with {run.returncode}\n{run.stdout[-2000:]}{run.stderr[-500:]}"
    assert "failed" in run.stdout.splitlines()[-1]
