"""The float32 normal numbers for every input there is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from microtorch.kernels import box_muller
from microtorch.kernels.fused import fma

Array = np.ndarray[Any, np.dtype[Any]]
F = np.float32
LOG = (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
QUARTER_PI = (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)


def horner(coefficients: tuple[float, ...], x: Array) -> Array:
    y = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        y = fma(y, x, F(coefficient))
    return y


def log(x: Array) -> Array:
    """Cephes' logf in float32 with true fused multiply-adds."""
    m, exponent = np.frexp(x)
    e = exponent.astype(F)
    small = m < F(0.70710678)
    e, m = np.where(small, e - 1, e), np.where(small, (m - 1) + m, m - 1)
    z = m * m
    y = horner(LOG, m) * m
    y = fma(z, F(-0.5), fma(y, z, e * F(-2.12194440e-4)))
    return fma(e, F(0.693359375), m + y)


def sincos(x: Array) -> tuple[Array, Array]:
    """Cephes' sinf and cosf in float32 with true fused multiply-adds."""
    j = ((x * F(1.27323954473516)).astype(np.int32) + 1) & ~1
    for part in QUARTER_PI:
        x = fma(j.astype(F), F(part), x)
    z = x * x
    cosine = fma(horner(COS, z) * z, z, -(z * F(0.5))) + 1
    sine = fma(horner(SIN, z) * z, x, x)
    quarter = j // 2 % 4
    return np.choose(quarter, (sine, cosine, -sine, -cosine)), np.choose(quarter, (cosine, -sine, -cosine, sine))


@pytest.mark.parametrize("part", range(8))
def test_float64_steps_are_fused_multiply_adds_for_all_inputs(part: int) -> None:
    uniform = np.arange(part << 21, (part + 1) << 21, dtype=np.int32).astype(F).reshape(-1, 8) * F(2**-24)
    for rows in np.split(uniform, 64):
        radius = np.sqrt(F(-2) * log(1 - rows))
        sine, cosine = sincos(F(2 * np.pi) * rows)
        blocks = np.stack((rows, rows), axis=1)  # the same numbers as u and as v
        result = box_muller.box_muller(blocks.reshape(-1)).reshape(blocks.shape)
        assert np.array_equal(result[:, 0].view("u4"), (radius * cosine).view("u4"))
        assert np.array_equal(result[:, 1].view("u4"), (radius * sine).view("u4"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch(dtype: str) -> None:
    n = 16 * (2 * box_muller._CHUNK + 3)
    generator = torch.Generator().manual_seed(3)
    uniform = torch.rand(n, dtype=getattr(torch, dtype), generator=generator).numpy()
    normal = torch.randn(n, dtype=getattr(torch, dtype), generator=generator.manual_seed(3)).numpy()
    assert np.array_equal(box_muller.box_muller(uniform), normal)
    assert np.abs(normal.mean()) < 0.03 > np.abs(normal.std() - 1)
