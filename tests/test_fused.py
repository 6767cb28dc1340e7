"""The fused multiply-add against rational arithmetic and against the kernels of torch that fuse."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from microtorch.kernels import fused
from microtorch.kernels.fused import fma

Array = np.ndarray[Any, np.dtype[Any]]


def rounded(exact: Fraction, digits: int, smallest: int) -> float:
    """The nearest number with so many binary digits and no bit below 2^smallest, ties to even."""
    if exact == 0:
        return 0.0
    exponent = abs(exact.numerator).bit_length() - exact.denominator.bit_length()
    exponent -= abs(exact) < Fraction(2) ** exponent
    unit = Fraction(2) ** max(exponent - digits + 1, smallest)
    result = round(exact / unit) * unit  # a Fraction rounds ties to even
    limit = Fraction(2) ** (128 if digits == 24 else 1024)
    magnitude = math.inf if abs(result) >= limit else float(abs(result))
    return -magnitude if exact < 0 else magnitude


def reference(a: float, b: float, c: float, dtype: str) -> float:
    if not all(map(math.isfinite, (a, b, c))):
        return c if math.isfinite(a) and math.isfinite(b) else a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:  # the sign is that of a sum of zeros: negative only if both are
        product_sign = math.copysign(1, a) * math.copysign(1, b)
        both_negative = 0 in (a, b) and product_sign < 0 and math.copysign(1, c) < 0
        return -0.0 if both_negative else 0.0
    return rounded(exact, *((24, -149) if dtype == "float32" else (53, -1074)))


def same(result: Array, expected: Array) -> bool:
    bits = f"u{expected.itemsize}"
    both_nan = np.isnan(result) & np.isnan(expected)
    return result.dtype == expected.dtype and bool((both_nan | (result.view(bits) == expected.view(bits))).all())


def check(a: list[float], b: list[float], c: list[float], dtype: str) -> None:
    expected = np.array([reference(*abc, dtype) for abc in zip(a, b, c, strict=True)], dtype)
    operands = [np.array(x, dtype) for x in (a, b, c)]
    with np.errstate(all="raise"):
        assert same(fma(*operands), expected)
        # One number at a time, as numpy's numbers: no arrays, but numbers of the same type.
        singles = [fma(*abc) for abc in zip(*operands, strict=True)]
        assert {type(single) for single in singles} == {expected.dtype.type}
        assert same(np.array(singles), expected)
        # The same in longer arrays, where float64 is computed in another way.
        repeated = [np.resize(x, 3 * len(x) + 40) for x in operands]
        assert same(fma(*repeated), np.resize(expected, 3 * len(a) + 40))


def floats(width: int) -> st.SearchStrategy[float]:
    digits, low, high = (24, -149, 128) if width == 32 else (53, -1074, 1024)
    shaped = st.builds(
        lambda n, e, s: s * math.ldexp(n, e),
        st.integers(0, 2**digits - 1) | st.sampled_from([1, 2**digits - 1, 2 ** (digits - 1) + 1, 3]),
        st.integers(low, high - digits) | st.integers(-60, 10),
        st.sampled_from([1.0, -1.0]),
    )
    return shaped | st.floats(width=width) | st.sampled_from([0.0, -0.0, 1.0, -1.0])  # type: ignore[arg-type]


@settings(deadline=None, max_examples=400)
@given(st.data(), st.sampled_from([32, 64]))
def test_any_operands(data: st.DataObject, width: int) -> None:
    n = data.draw(st.integers(1, 8))
    a, b, c = (data.draw(st.lists(floats(width), min_size=n, max_size=n)) for _ in range(3))
    check(a, b, c, f"float{width}")


@settings(deadline=None, max_examples=400)
@given(st.data(), st.sampled_from(["float32", "float64"]), st.integers(-1100, 900))
def test_sums_beside_a_midpoint(data: st.DataObject, dtype: str, scale: int) -> None:
    """c lies a hair from halfway between two results, or cancels the product: what two roundings would get wrong."""
    digits = 24 if dtype == "float32" else 53
    scale = max(-140, min(60, scale)) if dtype == "float32" else scale
    odd = st.integers(2 ** (digits - 1), 2**digits - 1)
    a, b = data.draw(odd), data.draw(odd)
    shift = data.draw(st.integers(-digits - 2, digits + 2))
    number = np.dtype(dtype).type
    with np.errstate(all="ignore"):
        x, y = number(math.ldexp(a, scale // 2 - digits)), number(math.ldexp(b, scale - scale // 2 - digits))
        product = Fraction(float(x)) * Fraction(float(y))
        nearest = float(number(float(product))) if abs(product) < Fraction(2) ** 1000 else 1.0
        z = number(data.draw(st.sampled_from([-nearest, nearest, math.ldexp(data.draw(odd), scale - digits + shift)])))
        w = number(math.ldexp(float(z), data.draw(st.integers(-30, 30))) if np.isfinite(z) else 0)
    if all(map(np.isfinite, (x, y, z, w))):
        xs, ys, zs = zip(*((p, q, r) for p in (x, -x) for q in (y, number(1)) for r in (z, -z, w)), strict=True)
        check([float(v) for v in xs], [float(v) for v in ys], [float(v) for v in zs], dtype)


FLOAT32_MIDPOINTS = [
    (1.0, 1.0 + 2**-23, 2.0**-24), (1.0 + 2**-12, 1.0 + 2**-12, 2.0**-60), (1.0 + 2**-12, 1.0 + 2**-12, -(2.0**-60)),
    (2.0**-75, 2.0**-75, 2.0**-120), (2.0**-75, -(2.0**-75), 2.0**-149), (3 * 2.0**-75, 2.0**-75, 2.0**-149),
    (2.0**64, 2.0**64, -(2.0**103)), (2.0**64, 2.0**64, 0.0), (2.0**-100, 2.0**-100, -0.0), (0.0, -1.0, -0.0),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "c"), FLOAT32_MIDPOINTS)
def test_float32_midpoints(a: float, b: float, c: float) -> None:
    check([a, a, -a], [b, -b, b], [c, c, -c], "float32")


LARGE, TINY, INF, NAN = 1.7976931348623157e308, 5e-324, math.inf, math.nan
FLOAT64_RIM = [
    (LARGE, 2.0, -LARGE), (LARGE, 2.0, -INF), (LARGE, LARGE, -LARGE), (LARGE, 1.0, 2.0**969), (LARGE, 1.0, 2.0**970),
    (TINY, 0.5, TINY), (TINY, 0.5, -TINY), (TINY, TINY, 0.0), (-TINY, TINY, 0.0), (TINY, TINY, -0.0), (TINY, 1.5, 0.0),
    (TINY, 0.5, 1.0), (TINY, -0.5, 1.0), (TINY, TINY, LARGE), (INF, 0.0, 1.0), (INF, 1.0, -INF), (NAN, 1.0, 1.0),
    (1.0, 1.0, NAN), (0.0, LARGE, TINY), (0.0, -1.0, 0.0), (0.0, -1.0, -0.0), (2.0**1000, 2.0**-1000, -1.0),
    (1.0 + 2**-52, 1.0 - 2**-52, -1.0), (2.0**-540, 2.0**-540, -(2.0**-1074)), (2.0**600, 2.0**500, -(2.0**1023)),
    (1 + 2**-52, 2.0**-1022, TINY), ((1 + 2**-52) * 2.0**-500, 2.0**-523, TINY), (LARGE, -1.0, LARGE),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "c"), FLOAT64_RIM)
def test_float64_rim(a: float, b: float, c: float) -> None:
    check([a, b, -a], [b, a, b], [c, c, -c], "float64")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["float32", "float64"]), st.sampled_from([1, 7, 40, 300, 20_000]))
@example(0, "float32", 300_000)
@example(0, "float64", 300_000)
def test_torch_kernels_that_fuse(seed: int, dtype: str, n: int) -> None:
    rng = np.random.RandomState(seed)
    x, y, z = ((rng.standard_normal(n) * 10.0 ** rng.randint(-6, 6, n)).astype(dtype) for _ in range(3))
    tx, ty, tz = map(torch.from_numpy, (x, y, z))
    alpha = float(rng.standard_normal())
    assert same(fma(y, alpha, x), torch.add(tx, ty, alpha=alpha).numpy())
    assert same(fma(alpha * y, z, x) if n < 8 else fma((y * y.dtype.type(alpha)), z, x),
                torch.addcmul(tx, ty, tz, value=alpha).numpy())  # fmt: skip
    assert same(fma(y, z, x), torch.addcmul(tx, ty, tz).numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", [
    ((), (), ()), ((1,), (), ()), ((3, 1), (4,), (2, 1, 1)), ((0,), (1,), ()), ((5, 0), (5, 1), (1, 1)),
    ((300, 1), (1, 70), ()), ((9000,), (1, 1), (2, 1)), ((1, 1, 1), (10_000,), (1,)),
])  # fmt: skip
def test_broadcasting(dtype: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    rng = np.random.RandomState(0)
    a, b, c = (np.asarray(rng.standard_normal(shape), dtype) for shape in shapes)
    result = fma(a, b, c)
    whole = np.broadcast_shapes(*shapes)
    assert isinstance(result, np.ndarray)
    assert (result.shape, result.dtype) == (whole, dtype)
    assert result.flags.writeable
    assert same(result, torch.addcmul(*(torch.from_numpy(np.broadcast_to(x, whole).copy()) for x in (c, a, b))).numpy())


def test_strided_operands_are_read_and_left_alone() -> None:
    a = np.linspace(-3, 3, 40_000, dtype=np.float32).reshape(200, 200)
    before = a.copy()
    result = fma(a.T, a[::-1], a[:, :1])
    assert same(result, fma(a.T.copy(), a[::-1].copy(), np.broadcast_to(a[:, :1], a.shape).copy()))
    assert same(a, before)


def test_types() -> None:
    x = np.ones(3, np.float32)
    assert fma(x, 0.1, 2).dtype == np.float32
    assert same(fma(x, 0.1, 0.0), np.full(3, 0.1, np.float32))
    assert fma(x, np.ones(3), x).dtype == np.float64
    assert fma(0.1, 0.2, 0.3).dtype == np.float64
    assert type(fma(x[0], 0.1, x[0])) is np.float32
    assert same(fma(x[0], 0.1, np.float32(0)), np.float32(0.1))
    assert fma(x[0], np.float64(0.1), x[0]).dtype == np.float64
    for other in (np.float16, np.int64, np.complex128):
        with pytest.raises(TypeError, match="fma is defined for float32 and float64, not for"):
            fma(x.astype(other), x.astype(other), x.astype(other))


def test_the_reference_can_tell_two_roundings_from_one() -> None:
    """The plain a·b + c fails this file's comparison, and so do float64 sums that are not rounded to odd."""
    rng = np.random.RandomState(0)
    for dtype in ("float32", "float64"):
        a, b, c = (rng.standard_normal(1000).astype(dtype) for _ in range(3))
        expected = np.array([reference(float(p), float(q), float(r), dtype) for p, q, r in zip(a, b, c, strict=True)])
        assert same(fma(a, b, c), expected.astype(dtype))
        assert (a * b + c != expected).mean() > 0.1
    a, b, c = (np.array([x], np.float32) for x in FLOAT32_MIDPOINTS[1])
    assert not same((a.astype(float) * b + c).astype(np.float32), fma(a, b, c))
    assert fused._CHUNK < 20_000 < 300_000  # the sizes above reach the code for large arrays
