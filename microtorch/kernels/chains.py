"""Matrix products as chains over the inner index, from left to right, so that their rounding is known on every CPU.

In a plain chain every product and every sum is rounded. A fused one consists of multiply-adds that are rounded once; a
long one comes in blocks, as MKL for AVX2 has it (oneMKL 2024.2).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .fused import doubtful, fma

Array = np.ndarray[Any, Any]

_FLOAT32, _FLOAT64 = map(np.dtype, ("f4", "f8"))
_ZERO = {char: np.zeros((), char) for char in "fd"}


def plain(start: Array | None, a: Array, b: Array) -> Array:
    """start + Σₖ a[…, i, k]·b[…, k, j]: what it starts with comes last, and without it the sum is no −0."""
    if a.shape[-1] == 1:
        total: Array = a * b
    else:
        total = _plain_chain(a, b, signed=start is not None and _has_negative_zero(start))
    return np.ascontiguousarray(total + _ZERO[total.dtype.char] if start is None else start + total)


def fused(start: Array | None, a: Array, b: Array) -> Array:
    """The same in fused multiply-adds, block by block."""
    if a.shape[-1] == 1:
        return plain(start, a, b)
    with np.errstate(all="ignore"):
        blocks = _fused_blocks(a, b)
    total = blocks[0] + _ZERO[a.dtype.char] if start is None else start + blocks[0]
    for block in blocks[1:]:
        total = total + block
    return np.ascontiguousarray(total)


def down_columns(a: Array, b: Array) -> Array:
    """Σᵢ a[i, j]·b[i, j] for every column j, in fused multiply-adds that begin with 0."""
    with np.errstate(all="ignore"):
        total = _fused_chain(a.T[:, None, :], b.T[:, :, None])
    return np.asarray(total[:, 0, 0] + _ZERO[total.dtype.char])


# -- plain chains ------------------------------------------------------------------------------------------------------


def _plain_chain(a: Array, b: Array, signed: bool) -> Array:
    """The sum alone; `signed` if it matters whether a sum of zeros is −0."""
    steps, rows, columns = a.shape[-1], a.shape[-2], b.shape[-1]
    if rows > columns:  # x·y is y·x, and long rows of the result are quicker
        return _plain_chain(b.mT, a.mT, signed).mT
    if columns == 1 and steps:
        return np.add.accumulate(np.multiply(a, b.mT, order="C"), -1)[..., -1:]
    if not steps or (not signed and _einsum_rounds_products()):
        # Where rows lie in memory, einsum adds a[i, k]·b[k, :] to a row of +0, one k after the other.
        return np.einsum("...ik,...kj->...ij", np.ascontiguousarray(a), np.ascontiguousarray(b))
    total = np.full((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), rows, columns), -0.0, a.dtype)
    term = np.empty_like(total)
    for k in range(steps):
        total += np.multiply(a[..., :, k, None], b[..., None, k, :], out=term)
    return total


def _has_negative_zero(x: Array) -> bool:
    return bool(np.count_nonzero(x) < x.size and (np.signbit(x) & (x == 0)).any())


@functools.cache
def _einsum_rounds_products() -> bool:
    """Whether numpy's einsum was built without fused multiply-adds, as it is for x86-64."""
    for dtype, digits in ((_FLOAT32, 12), (_FLOAT64, 27)):
        x = np.full((2, 31), 1 + 2.0**-digits, dtype)  # whose square rounds to 1 + 2 · 2^−digits
        x[0] = -(x[0] * x[0])
        if np.einsum("ik,kj->ij", np.array([[1, x[1, 0]]] * 2, dtype), x).any():
            return False
    return True


# -- fused chains ------------------------------------------------------------------------------------------------------

_FEW = 32  # elements of a result whose blocks are computed side by side
_FEW_STEPS = 128  # multiply-adds beyond those of 8 elements: up to here Python's floats are quicker than arrays
_AT_ONCE = 8192  # elements of a result, and
_BUFFER = 16384  # elements of intermediate results, which stay in the processor's cache


def _fused_blocks(a: Array, b: Array) -> list[Array]:
    steps = a.shape[-1]
    block = steps if steps <= 256 else -(-steps // 2) if steps <= 384 else 192
    if block < steps and a.ndim == b.ndim == 2 and 0 < len(a) * b.shape[1] <= _FEW:  # all in the time of one
        missing = -steps % block  # filled up with products of −0, which add nothing
        lefts = np.concatenate((a, np.full((len(a), missing), -0.0, a.dtype)), 1).reshape(len(a), -1, block)
        rights = np.concatenate((b, np.zeros((missing, b.shape[1]), b.dtype))).reshape(-1, block, b.shape[1])
        return list(_fused_chain(lefts.transpose(1, 0, 2), rights))
    starts = range(0, steps, block) if steps else [0]
    return [_fused_chain(a[..., k : k + block], b[..., k : k + block, :]) for k in starts]


def _fused_chain(a: Array, b: Array) -> Array:
    steps, rows, columns = a.shape[-1], a.shape[-2], b.shape[-1]
    if steps < 2:
        return _plain_chain(a, b, signed=True)  # nothing to fuse
    if a.ndim == b.ndim == 2 and a.dtype == _FLOAT32 and (rows * columns - 8) * steps <= _FEW_STEPS:
        result = _fused_in_floats(a, b)
        if result is not None:
            return result
    if rows > columns:
        return _fused_chain(b.mT, a.mT).mT
    dims = max(a.ndim, b.ndim) - 1
    a, b = (x if x.ndim > dims else x.reshape((1,) * (dims + 1 - x.ndim) + x.shape) for x in (a, b))
    # The inner index first: a row of products for every step.
    lefts = a.transpose(dims, *range(dims))[..., None]
    rights = b.transpose(dims - 1, *range(dims - 1), dims)[..., None, :]
    if a.dtype == _FLOAT64:
        total = lefts[0] * rights[0]
        for left, right in zip(lefts[1:], rights[1:], strict=True):
            total = fma(left, right, total)
        return total
    lefts, rights = lefts.astype(_FLOAT64, "C"), rights.astype(_FLOAT64, "C")
    height = max(_AT_ONCE // max(columns, 1), 1)
    if height >= rows:
        return _fused_float32(lefts, rights)
    return np.concatenate([_fused_float32(lefts[..., i : i + height, :], rights) for i in range(0, rows, height)], -2)


def _fused_in_floats(a: Array, b: Array) -> Array | None:
    """The same, for few float32; None where a sum cannot be rounded to 24 bits as here, by a product that pushes out the
    last 29 of a float64 (Veltkamp): at a midpoint of two float32, and where those have other than 24 bits."""
    columns, results = b.T.tolist(), []
    for row in a.tolist():
        for column in columns:
            total = -0.0  # to which any number can be added
            for x, y in zip(row, column, strict=True):
                total += x * y
                if total:
                    pushed = total * (2.0**29 + 1)
                    rounded = pushed - (pushed - total)
                    pushed = total * (2.0**28 + 1)
                    midpoint = rounded != total and pushed - (pushed - total) == total
                    if midpoint or not 2.0**-126 < abs(total) < 2.0**127:
                        return None
                    total = rounded
            results.append(total)
    return np.array(results, _FLOAT32).reshape(len(a), len(columns))


def _fused_float32(lefts: Array, rights: Array) -> Array:
    """The sum of lefts[k]·rights[k], which are float32 in float64: their products are exact, and each sum is rounded to
    float64 and then to float32. Where that may differ from rounding once, `fma` goes through the steps again."""
    first = lefts[0] * rights[0]
    rounded = first.astype(_FLOAT32).reshape(-1)
    at_once = max(min(_BUFFER // max(first.size, 1), len(lefts) - 1), 1)
    products, totals = np.empty((at_once, *first.shape)), np.empty((at_once + 1, first.size))
    sums = products.reshape(at_once, -1)
    for k in range(1, len(lefts), at_once):
        left, right = lefts[k : k + at_once], rights[k : k + at_once]
        count = len(left)
        np.multiply(left, right, products[:count])
        totals[0] = rounded
        for before, row, after in zip(totals, sums[:count], totals[1:], strict=False):
            np.add(row, before, row)
            rounded[...] = row
            after[...] = rounded
        doubt = doubtful(sums[:count], totals[1 : count + 1])
        if doubt is not None and doubt.any():
            again = totals[0].astype(_FLOAT32).reshape(first.shape)
            for pair in zip(left.astype(_FLOAT32), right.astype(_FLOAT32), strict=True):
                again = fma(*pair, again)
            rounded[...] = again.reshape(-1)
    return rounded.reshape(first.shape)
