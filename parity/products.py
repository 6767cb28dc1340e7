"""How torch's own library multiplies the matrices that a script multiplies: as one of microtorch's chains, or not.

Tried with random numbers in the same shapes and layouts, at several places in memory, for a library may choose its
kernel by all of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from parity import order
from parity.mathematics import functions
from parity.runner import kernels

CHAINS = {"plain": "torch_cpu", "fused": "torch_cpu:fma"}  # and microtorch's kernels that have them
DRAWS = 3
OFFSETS = (0, 1, 3)  # elements from the beginning of an aligned piece of memory


def tried(torch: Any, products: Sequence[Any]) -> list[dict[str, Any]]:
    """For each product the chains that give torch's bits, and where none does, in which order torch adds up.

    A product is what `mathematics.Shared` has counted: a name, factors, and each operand's shape, strides and type.
    """
    ours = {chain: functions(kernels().SETS[name]) for chain, name in CHAINS.items()}
    found = []
    for title, factors, *operands in products:
        chains = _chains(torch, title, dict(factors), operands, {c: f[title] for c, f in ours.items()})
        found.append({"product": words(title, operands), "chains": chains})
        if not chains:
            found[-1] |= _order(torch, title, dict(factors), operands)
    return found


def words(title: str, operands: Sequence[Any]) -> str:
    """The product as text: mm 5×3 · 3×2."""
    return f"{title} {' · '.join('×'.join(map(str, shape)) or '1' for shape, *_ in operands)}"


def _chains(
    torch: Any, title: str, factors: dict[str, float], operands: Sequence[Any], ours: Mapping[str, Any]
) -> list[str]:
    random, chains = np.random.default_rng(0), set(ours)
    for offset in OFFSETS:
        for _ in range(DRAWS):
            arrays = [_memory(operand, random, offset) for operand in operands]
            theirs = getattr(torch, title)(*map(torch.from_numpy, arrays), **factors).numpy()
            with np.errstate(all="ignore"):
                chains &= {c for c, f in ours.items() if np.array_equal(f(*arrays, **factors), theirs, equal_nan=True)}
    return sorted(chains)


def _memory(operand: Any, random: np.random.Generator, offset: int) -> Any:
    """Normal numbers in an operand's layout."""
    shape, strides, kind = operand
    dtype = np.dtype(kind)
    room = 1 + sum((n - 1) * (s // dtype.itemsize) for n, s in zip(shape, strides, strict=True) if n)
    aligned = np.empty(room + offset + 64 // dtype.itemsize, dtype)
    start = -aligned.ctypes.data % 64 // dtype.itemsize + offset
    flat = aligned[start : start + room]
    flat[...] = random.normal(size=room)
    return np.lib.stride_tricks.as_strided(flat, shape, strides)


def _order(torch: Any, title: str, factors: dict[str, float], operands: Sequence[Any]) -> dict[str, Any]:
    """torch's order in the first element of the result, beside ours."""
    terms = operands[-2][0][-1]
    if terms > order.MOST:
        return {"terms": terms}
    arrays = [_memory(operand, np.random.default_rng(0), 0) for operand in operands]
    for array in arrays:
        array[...] = 0 if len(arrays) == 3 and array is arrays[0] else 1

    def product(row: Any) -> float:
        arrays[-2][...] = row
        return float(
            getattr(torch, title)(
                *map(torch.from_numpy, arrays), **{**factors, "alpha": 1} if factors else {}
            ).flatten()[0]
        )

    return {"terms": terms, "order": order.order(product, terms), "ours": order.chain(terms)}
