"""Fingerprints of elementary functions: numpy and the C library may round their last bit by the kind of CPU."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping

import numpy as np

from parity.mathematics import ELEMENTARY, POWER
from parity.runner import kernels
from parity.ulp import canonical

OF_TWO = ("atan2", POWER)
LIBRARY = "the C library's functions"  # by which normal numbers are drawn, a few at a time or in float64
PROBES = np.concatenate([np.arange(-2000, 2000) / 97, np.ldexp(1.0, np.arange(-70, 70))])


def of_functions(names: Iterable[str], dtype: str) -> dict[str, str]:
    """By its name, a digest of each elementary function's values in a dtype; other names are left out."""
    found = {name: _of(name, dtype) for name in sorted(names) if name in (*ELEMENTARY, POWER)}
    return found | {LIBRARY: _of_library()}


def strange(recorded: Mapping[str, str], dtype: str) -> list[str]:
    """The functions whose values on this machine are not those that were recorded."""
    here = of_functions(recorded, dtype)
    return [name for name, digest in recorded.items() if here.get(name) != digest]


def _of(name: str, dtype: str) -> str:
    """Digest of the values at the probes, in a row and one in two: numpy has other loops for what is not in a row."""
    function, values = kernels().SETS["torch_cpu"][name], []
    for first in (PROBES.astype(dtype), PROBES.astype(dtype)[::2]):
        with np.errstate(all="ignore"):
            value = function(first, first[::-1]) if name in OF_TWO else function(first)
        values.append(canonical(np.asarray(value)).tobytes())
    return _digest(*values)


def _of_library() -> str:
    functions = (math.log, math.log1p, math.exp, math.sin, math.cos, math.tan)
    values = [[function(k / 1009) for k in range(1, 1009)] for function in functions]
    return _digest(np.array(values).tobytes())


def _digest(*parts: bytes) -> str:
    return hashlib.blake2b(b"".join(parts), digest_size=8).hexdigest()
