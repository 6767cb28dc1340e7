"""Matrix products are chains from left to right, whatever their size, layout and numbers, and whichever way is quickest."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from microtorch.kernels import chains, torch_cpu
from microtorch.kernels.fused import fma

Array = np.ndarray[Any, np.dtype[Any]]

lengths = st.sampled_from([1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40, 70])
seeds = st.integers(0, 2**32 - 1)
RIM = [0.0, -0.0, 1.0, -1.5, 0.25, 1e-45, -3e-40, 1e-38, 2.0**-80, 3.4e38, -3.4e38, math.inf, -math.inf, math.nan]


def chain(a: Array, b: Array, fused: bool) -> Array:
    """Σₖ a[:, k]·b[k], step by step."""
    total = a[:, :1] * b[:1]
    for k in range(1, a.shape[1]):
        total = fma(a[:, k : k + 1], b[k : k + 1], total) if fused else total + a[:, k : k + 1] * b[k : k + 1]
    return total


def same(result: Array, expected: Array) -> bool:
    """The same bits, lying densely; one nan is like another."""
    numbers = ~(np.isnan(result) & np.isnan(expected))
    alike = (result == expected) & (np.signbit(result) == np.signbit(expected))
    return (result.shape, result.dtype) == (expected.shape, expected.dtype) and bool(
        alike[numbers].all() and result.flags.c_contiguous and result.flags.owndata
    )


def drawn(kind: str, shape: tuple[int, ...], dtype: str, rng: np.random.Generator) -> Array:
    """Numbers whose sums are rounded, meet midpoints, are subnormal, cancel, or lie at the rim."""
    x = rng.standard_normal(shape)
    if kind == "many sizes":
        x *= 10.0 ** rng.integers(-3, 4, shape)
    elif kind == "small":
        x *= 10.0 ** rng.integers(-24, -18, shape)
    elif kind == "coarse":
        x = np.round(x * 2**12) / 2**12
    elif kind == "rim":
        x = np.where(rng.random(shape) < 0.3, rng.choice(RIM, shape), x)
    elif kind == "zeros":
        x = rng.choice([0.0, -0.0, 1.0, -1.0], shape)
    return x.astype(dtype)


KINDS = ("plain", "many sizes", "small", "coarse", "rim", "zeros")


@pytest.mark.parametrize("fused", [False, True])
@settings(deadline=None, max_examples=150)
@given(st.tuples(lengths, lengths, lengths), st.sampled_from(("float32", "float32", "float64")),
       st.sampled_from(KINDS), st.sampled_from(KINDS), seeds, st.booleans())  # fmt: skip
@example((3, 8, 300), "float32", "plain", "plain", 0, False)
@example((90, 5, 200), "float32", "coarse", "coarse", 0, True)
def test_products_are_chains(
    fused: bool, sizes: tuple[int, int, int], dtype: str, left: str, right: str, seed: int, transposed: bool
) -> None:
    """A bias comes last, and only with it the product can be −0; strides do not matter; the result lies densely."""
    m, k, n = sizes
    rng = np.random.default_rng(seed)
    a, b, bias = drawn(left, (m, k), dtype, rng), drawn(right, (k, n), dtype, rng), drawn(right, (n,), dtype, rng)
    if transposed:
        a, b = np.asfortranarray(a), np.asfortranarray(b)
    products = torch_cpu.products(fused)
    with np.errstate(all="ignore"):
        alone = chain(a, b, fused)
        expected = alone + a.dtype.type(0)
        assert same(products["matmul"](a, b), expected)
        assert same(products["addmm"](bias, a, b), bias + alone)
        assert same(np.array(products["matmul"](a[0], b)), expected[0])
        assert same(np.array(products["dot"](a, b[:, 0])), expected[:, 0])
        assert same(products["matmul"](np.stack([a, a])[:, None], b), np.stack([expected, expected])[:, None])


@pytest.mark.parametrize("zeros", [0.0, -0.0])
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 2, 1), (1, 3, 5), (5, 3, 1), (40, 4, 40), (1, 500, 2)])
def test_zeros_have_the_signs_of_their_sum(sizes: tuple[int, int, int], fused: bool, zeros: float) -> None:
    m, k, n = sizes
    a, b, bias = np.zeros((m, k), np.float32), np.full((k, n), -1, np.float32), np.full(n, zeros, np.float32)
    products = torch_cpu.products(fused)
    assert np.signbit(products["addmm"](bias, a, b)).all() == np.signbit(zeros)
    assert not np.signbit(products["matmul"](a, b)).any()


@pytest.mark.parametrize("sizes", [(1, 1), (2, 30)])
@pytest.mark.parametrize("hair", [0.0, 2.0**-18])
@pytest.mark.parametrize("ulps", [0, 1, 2, 3])
def test_fused_sums_beside_a_midpoint(ulps: int, hair: float, sizes: tuple[int, int]) -> None:
    """Half an ulp from a float32, or less by a hair that float64 does not have."""
    for sign in (1, -1):
        row = np.float32([1 + ulps * 2.0**-23, (1 + hair) * 2.0**-12])
        column = np.float32([1, sign * (1 - hair) * 2.0**-12])
        a, b = np.tile(row, (sizes[0], 1)), np.tile(column[:, None], (1, sizes[1]))
        assert same(torch_cpu.products(True)["matmul"](a, b), chain(a, b, fused=True))


def test_a_long_fused_chain_comes_in_blocks() -> None:
    """Of 192, and of one half each up to 384, each added to what is there from the left, as MKL does it for AVX2."""
    for n in (3, 40):
        for k, block in ((256, 256), (257, 129), (384, 192), (385, 192), (500, 192)):
            rng = np.random.default_rng(k)
            a, b = drawn("many sizes", (2, k), "float32", rng), drawn("many sizes", (k, n), "float32", rng)
            total = np.zeros((2, n), np.float32)
            for start in range(0, k, block):
                total += chain(a[:, start : start + block], b[start : start + block], fused=True)
            assert same(torch_cpu.products(True)["matmul"](a, b), total)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("sizes", [(2, 0, 3), (0, 2, 3), (2, 3, 0), (0, 300, 2), (0, 0, 0)])
def test_products_of_nothing(sizes: tuple[int, int, int], fused: bool) -> None:
    m, k, n = sizes
    a, b = np.zeros((m, k), np.float32), np.zeros((k, n), np.float32)
    assert same(torch_cpu.products(fused)["matmul"](a, b), np.zeros((m, n), np.float32))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [(1, 9, 1), (2, 20, 3), (4, 9, 20)])
def test_every_way_leads_to_the_same_bits(
    sizes: tuple[int, int, int], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Python's floats, and with an einsum that rounds a multiply-add once."""
    m, k, n = sizes
    rng = np.random.default_rng(0)
    a, b = drawn(kind, (m, k), "float32", rng), drawn(kind, (k, n), "float32", rng)

    def both() -> list[Array]:
        with np.errstate(all="ignore"):
            return [torch_cpu.products(fused)["matmul"](a, b) for fused in (False, True)]

    quickest = both()
    monkeypatch.setattr(chains, "_FEW_STEPS", -math.inf)
    monkeypatch.setattr(chains, "_einsum_rounds_products", lambda: False)
    assert all(map(same, both(), quickest))


def test_an_einsum_that_fuses_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    chains._einsum_rounds_products.cache_clear()
    einsum = np.einsum
    monkeypatch.setattr(np, "einsum", lambda names, *x: einsum(names, *(y.astype(np.longdouble) for y in x)))
    assert not chains._einsum_rounds_products()
    chains._einsum_rounds_products.cache_clear()
