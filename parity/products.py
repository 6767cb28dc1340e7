"""How torch's own library multiplies the matrices that a script multiplies: as one of microtorch's chains, or not.

Tried with random numbers in the same shapes and layouts, at several places in memory, for a library may choose its
kernel by all of these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from parity import order
from parity.mathematics import functions
from parity.runner import kernels

PLAIN, FUSED = "plain", "fused"
CHAINS = {PLAIN: "torch_cpu", FUSED: "torch_cpu:fma"}  # and microtorch's kernels that have them
OFFSETS = (0, 1, 3)  # elements from the beginning of an aligned piece of memory
ENOUGH = 32  # elements of a result: both chains may by chance round a few of them alike
LOOKED_AT = 64  # elements of a result whose order is revealed

Product = Callable[[list[Any]], Any]


def tried(torch: Any, products: Sequence[Any]) -> list[dict[str, Any]]:
    """For each product the chains that give torch's bits, and where none does, in which orders torch adds up.

    A product is what `mathematics.Shared` has counted: a name, factors, and each operand's shape, strides and type.
    """
    ours = {chain: functions(kernels().SETS[name]) for chain, name in CHAINS.items()}
    found = []
    for title, factors, *operands in products:
        theirs = _in_torch(torch, title, dict(factors))
        mine = {chain: _by(functions_of[title], dict(factors)) for chain, functions_of in ours.items()}
        found.append({"product": words(title, operands)} | _chains(theirs, mine, operands))
        if not found[-1]["chains"]:
            found[-1] |= _orders(theirs, dict(factors), operands)
    return found


def words(title: str, operands: Sequence[Any]) -> str:
    """The product as text: mm 5×3 · 3×2."""
    return f"{title} {' · '.join('×'.join(map(str, shape)) or '1' for shape, *_ in operands)}"


def common(found: Sequence[Mapping[str, Any]]) -> str:
    """The chain that all these products are, the plain one if there is none of them; nothing if they have none."""
    return next((chain for chain in CHAINS if all(chain in product["chains"] for product in found)), "")


def most(found: Sequence[Mapping[str, Any]]) -> str:
    """The chain that most of these products are, the plain one if there are no more of the other."""
    return max(CHAINS, key=lambda chain: sum(chain in product["chains"] for product in found))


def _in_torch(torch: Any, title: str, factors: Mapping[str, float]) -> Product:
    return lambda arrays: getattr(torch, title)(*map(torch.from_numpy, arrays), **factors).numpy()


def _by(function: Callable[..., Any], factors: Mapping[str, float]) -> Product:
    return lambda arrays: function(*arrays, **factors)


def _chains(theirs: Product, ours: Mapping[str, Product], operands: Sequence[Any]) -> dict[str, Any]:
    """The chains that give torch's bits; and if none does, whether every element is one of them."""
    chains, in_parts = dict(ours), True
    with np.errstate(all="ignore"):
        for arrays in _drawn(operands):
            result = theirs(arrays)
            chains = {chain: f for chain, f in chains.items() if np.array_equal(f(arrays), result)}
            if not chains:
                in_parts &= bool(np.all(np.logical_or.reduce([f(arrays) == result for f in ours.values()])))
                if not in_parts:
                    break
    return {"chains": sorted(chains)} | ({} if chains else {"in parts": in_parts})


def _drawn(operands: Sequence[Any]) -> Iterator[list[Any]]:
    """Operands of random numbers, often enough and at several places."""
    (*_, (left, *_), (right, *_)), random = operands, np.random.default_rng(0)
    size = math.prod(left[:-1]) * math.prod(right[1:][-1:])
    for offset in OFFSETS:
        for _ in range(math.ceil(ENOUGH / max(size, 1))):
            yield [_memory(operand, random, offset) for operand in operands]


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


def _orders(product: Product, factors: Mapping[str, float], operands: Sequence[Any]) -> dict[str, Any]:
    """torch's orders in some elements of the result, beside ours; a bias that is added as it stands is a term, too.

    "explained" says whether the terms, rounded and added up in these orders, give torch's bits.
    """
    arrays = [_memory(operand, np.random.default_rng(0), 0) for operand in operands]
    *start, a, b = arrays
    inner, ways = a.shape[-1], [a.strides[-1], b.strides[-2 if b.ndim > 1 else -1]]
    if not 1 < inner <= order.MOST or not any(ways):  # what repeats one number cannot have another for each term
        return {"terms": inner}
    names = [str(k) for k in range(inner)]
    rows, columns = np.atleast_2d(a), (b if b.ndim > 1 else b[:, None]).swapaxes(-1, -2)
    result = product(arrays)
    looked = np.unique(np.linspace(0, result.size - 1, LOOKED_AT).astype(int))
    *batch, i, j = np.unravel_index(looked, (*rows.shape[:-1], columns.shape[-2]))
    terms, expected = rows[*batch, i] * columns[*batch, j], result.ravel()[looked]
    with_bias = bool(start) and all(factor == 1 for factor in factors.values())
    if with_bias:
        names.append("bias")
        terms = np.column_stack([terms, np.broadcast_to(start[0], result.shape).ravel()[looked]])

    def sums(values: Any) -> Any:
        for array in arrays:
            array[...] = 1
        if start:
            start[0][...] = values[inner] if with_bias else 0
        if ways[0]:
            a[...] = values[:inner]
        else:
            b.T[...] = values[:inner] if b.ndim < 3 else values[:inner, None]
        return product(arrays).ravel()[looked]

    found, ours = order.orders(sums, len(names)), order.chain(len(names))
    return {
        "terms": inner,
        "orders": list(dict.fromkeys(order.text(tree, names) for tree in found)),
        "ours": order.text(ours, names),
        "explained": all(order.added(tree, x) == y for tree, x, y in zip(found, terms, expected, strict=True)),
    }
