"""Every random draw twice: as microtorch's stream and as torch makes n numbers of a dtype."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from microtorch.dtypes import ALL
from microtorch.stream import Stream

NAMES = [d.name for d in ALL]
FLOATS = ["float16", "float32", "float64"]
INTEGERS = [d for d in NAMES if "int" in d]
NUMBERS = INTEGERS + FLOATS


def numpy_type(name: str) -> np.dtype[Any]:
    return np.dtype(name)


def torch_type(name: str) -> torch.dtype:
    result = getattr(torch, name)
    assert isinstance(result, torch.dtype)
    return result


def twins(seed: int = 0) -> tuple[Stream, torch.Generator]:
    return Stream(seed), torch.Generator().manual_seed(seed)


def bits(result: Any) -> tuple[Any, ...]:
    array = result.numpy() if isinstance(result, torch.Tensor) else result
    return array.dtype, array.shape, array.tobytes()


def state(generator: Stream | torch.Generator) -> bytes:
    return (generator.state() if isinstance(generator, Stream) else generator.get_state().numpy()).tobytes()


def method(name: str, *arguments: float, **keywords: float) -> Callable[..., Any]:
    return lambda g, n, d: getattr(torch.empty(n, dtype=torch_type(d)), name)(*arguments, **keywords, generator=g)


def weights(n: int, d: str) -> np.ndarray[Any, Any]:
    """n probabilities, the same at every call, some of them 0 or 1."""
    return np.abs(np.sin(np.arange(n) * 7.3) * 1.2).clip(0, 1).round(2).astype(d)


def pair(dtypes: list[str], ours: Callable[..., Any], theirs: Callable[..., Any]) -> tuple[Any, ...]:
    return dtypes, lambda s, n, d: ours(s, n, numpy_type(d)), theirs


DRAWS = {
    "rand": pair(FLOATS, lambda s, n, d: s.uniform((n,), d),
                 lambda g, n, d: torch.rand(n, dtype=torch_type(d), generator=g)),
    "uniform": pair(FLOATS, lambda s, n, d: s.uniform((n,), d, -0.3, 5.3), method("uniform_", -0.3, 5.3)),
    "uniform narrow": pair(FLOATS, lambda s, n, d: s.uniform((n,), d, 1, 1.00001), method("uniform_", 1, 1.00001)),
    "uniform point": pair(FLOATS, lambda s, n, d: s.uniform((n,), d, 0.1, 0.1), method("uniform_", 0.1, 0.1)),
    "uniform tiny": pair(FLOATS, lambda s, n, d: s.uniform((n,), d, -1e-40, 3e-39), method("uniform_", -1e-40, 3e-39)),
    "uniform wide": pair(FLOATS[1:], lambda s, n, d: s.uniform((n,), d, -1e38, 2e38), method("uniform_", -1e38, 2e38)),
    "randn": pair(FLOATS, lambda s, n, d: s.normal((n,), d),
                  lambda g, n, d: torch.randn(n, dtype=torch_type(d), generator=g)),
    "normal": pair(FLOATS, lambda s, n, d: s.normal((n,), d, 0.1, 0.01), method("normal_", 0.1, 0.01)),
    "normal scaled": pair(FLOATS, lambda s, n, d: s.normal((n,), d, 0, 0.3), method("normal_", 0, 0.3)),
    "normal tiny": pair(FLOATS, lambda s, n, d: s.normal((n,), d, 0, 1e-45), method("normal_", 0, 1e-45)),
    "normal point": pair(FLOATS, lambda s, n, d: s.normal((n,), d, 0, 0), method("normal_", 0, 0)),
    "normal strided": pair(FLOATS, lambda s, n, d: s.normal((n,), d, 2, 3, contiguous=False),
                           lambda g, n, d: torch.empty(n, 2, dtype=torch_type(d))[:, 0].normal_(2, 3, generator=g)
                           if n > 1 else method("normal_", 2, 3)(g, n, d)),
    "exponential": pair(FLOATS, lambda s, n, d: s.exponential((n,), d, 1.7), method("exponential_", 1.7)),
    "cauchy": pair(FLOATS, lambda s, n, d: s.cauchy((n,), d, 0.3, 1.7), method("cauchy_", 0.3, 1.7)),
    "log_normal": pair(FLOATS, lambda s, n, d: s.log_normal((n,), d, 0.3, 1.7), method("log_normal_", 0.3, 1.7)),
    "log_normal wide": pair(FLOATS, lambda s, n, d: s.log_normal((n,), d, 0, 900), method("log_normal_", 0, 900)),
    "geometric": pair(NUMBERS, lambda s, n, d: s.geometric(0.3, (n,), d), method("geometric_", 0.3)),
    "geometric rare": pair(NUMBERS, lambda s, n, d: s.geometric(1e-9, (n,), d), method("geometric_", 1e-9)),
    "geometric never": pair(NUMBERS, lambda s, n, d: s.geometric(1e-18, (n,), d), method("geometric_", 1e-18)),
    "bernoulli": pair(NAMES, lambda s, n, d: s.bernoulli(0.3, (n,), d), method("bernoulli_", 0.3)),
    "bernoulli array": pair(FLOATS, lambda s, n, d: s.bernoulli(weights(n, d), (n,), d),
                            lambda g, n, d: torch.bernoulli(torch.from_numpy(weights(n, d)), generator=g)),
    "bernoulli from float64": pair(NAMES, lambda s, n, d: s.bernoulli(weights(n, "float64"), (n,), d), lambda g, n, d:
        torch.empty(n, dtype=torch_type(d)).bernoulli_(torch.from_numpy(weights(n, "float64")), generator=g)),
    "random_": pair(NAMES, lambda s, n, d: s.integers_full((n,), d), method("random_")),
    "random_ from": pair(NAMES, lambda s, n, d: s.integers(1, None, (n,), d), method("random_", 1, None)),
    "random_ 64 bits": pair(["int64", "float32", "float64"], lambda s, n, d: s.integers(-(2**63), None, (n,), d),
                            method("random_", -(2**63), None)),
    "randint": pair(NUMBERS, lambda s, n, d: s.integers(0, 100, (n,), d),
                    lambda g, n, d: torch.randint(100, (n,), dtype=torch_type(d), generator=g)),
    "randint bool": pair(["bool"], lambda s, n, d: s.integers(0, 2, (n,), d), method("random_", 0, 2)),
    "randint below": pair([*INTEGERS[1:], *FLOATS], lambda s, n, d: s.integers(-5, 30, (n,), d),
                          method("random_", -5, 30)),
    **{f"randint {high - low}": pair(["int64", "float64"], lambda s, n, d, low=low, high=high:
        s.integers(low, high, (n,), d), method("random_", low, high))
       for low, high in [(0, 2**28 - 1), (-7, 2**28 - 7), (0, 2**28 + 1), (0, 2**32), (-(2**40), 2**50), (0, 2**53)]},
    "randint 64 bits": pair(["int64"], lambda s, n, d: s.integers(-(2**63), 2**63 - 1, (n,), d),
                            method("random_", -(2**63), 2**63 - 1)),
    "randperm": pair([d for d in NUMBERS if d not in ("int8", "uint8")], lambda s, n, d: s.permutation(n, d),
                     lambda g, n, d: torch.randperm(n, dtype=torch_type(d), generator=g)),
}  # fmt: skip
CASES = [(name, dtype) for name, (dtypes, *_) in DRAWS.items() for dtype in dtypes]


def compare(name: str, dtype: str, seeds: range, sizes: list[int]) -> int:
    """Draw with both for every seed and size in turn on one generator; how many numbers or states differ."""
    _, ours, theirs = DRAWS[name]
    different = 0
    for seed in seeds:
        stream, generator = twins(seed)
        for n in sizes:
            different += bits(ours(stream, n, dtype)) != bits(theirs(generator, n, dtype))
            different += state(stream) != state(generator)
    return different


def edited(*edits: tuple[int, str, float]) -> np.ndarray[Any, Any]:
    """The state of a new stream with some fields (offset, struct format, value) written over."""
    raw = bytearray(Stream(1).state().tobytes())
    for offset, kind, value in edits:
        struct.pack_into("<" + kind, raw, offset, value)
    return np.frombuffer(raw, np.uint8)
