"""Settings of the process: threads, and memory that is kept for the next array."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from alike import assert_same
from sides import Side


def run(script: str, **environment: str) -> list[str]:
    """What a script prints in a process of its own."""
    names = ("MKL_NUM_THREADS", "OMP_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    result = subprocess.run([sys.executable, "-c", script], env=kept | environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


@pytest.mark.parametrize(
    "environment",
    [{}, {"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "1,2", "MKL_NUM_THREADS": "2"}, {"MKL_NUM_THREADS": "1"}],
    ids=str,
)
def test_threads_to_begin_with(environment: dict[str, str]) -> None:
    script = "import torch, microtorch\nfor t in (torch, microtorch): print(t.get_num_threads(), t.get_num_interop_threads())"
    numbers = run(script, **environment)
    assert numbers[:2] == numbers[2:]


@pytest.mark.parametrize("name", ["set_num_threads", "set_num_interop_threads"])
@pytest.mark.parametrize("value", [0, -1, True, 2.0, "1", None, 2**31, -(2**31), -(2**31) - 1, 2**63, -(2**63) - 1])
def test_numbers_of_threads_that_are_refused(name: str, value: Any) -> None:
    assert assert_same(lambda side: getattr(side.module, name)(value)).error is not None


def test_a_number_of_threads() -> None:
    def case(side: Side) -> Any:
        before = side.module.get_num_threads()
        seen = []
        for number in (3, np.int32(2), before):
            side.module.set_num_threads(number)
            seen.append(side.module.get_num_threads() == number)
        return seen

    assert_same(case)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are not told anything")
def test_freed_arrays_stay_with_the_process() -> None:
    """A new array of a megabyte, used and freed a hundred times, does not bring new pages from the system every time."""
    script = """
import resource, numpy as np
import microtorch
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
before = faults()
for _ in range(100):
    a, b = np.ones(1 << 17), np.ones(1 << 17)
    del a, b
print(faults() - before)
"""
    pages = 2 * (1 << 20) // os.sysconf("SC_PAGE_SIZE")
    assert int(run(script)[0]) < 10 * pages


@pytest.mark.parametrize("mode", [0, 1, 2, "default", "warn", "error", True, 3, -1, "x", 1.5, None])
def test_debug_mode_of_determinism(mode: Any) -> None:
    def case(side: Side) -> Any:
        torch = side.module
        try:
            torch.set_deterministic_debug_mode(mode)
            flags = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
            return [torch.get_deterministic_debug_mode(), *flags]
        finally:
            torch.use_deterministic_algorithms(False)

    assert_same(case)
