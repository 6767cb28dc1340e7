"""Distance between arrays in units in the last place (ULP): how many floating point numbers lie between two.

+0 and −0 are the same place, nan is at distance 0 from nan and at distance `NEVER` from any number. Nothing is
promoted: arrays of another dtype or shape have no distance, they differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
NEVER = 2**64 - 1  # farther than any two float64 are


@dataclass(frozen=True)
class Gap:
    """How far one array is from another.

    `bits` says whether any element's bits part (all nan count as one, +0 and −0 do not), `first` is the index of the
    first such element, `parted` their number; `ulp` and `absolute` are the largest distances, `worst` the index of the
    largest absolute one. `note` is the sentence for arrays that cannot be compared; their distances are infinite.
    """

    bits: bool
    ulp: int = 0
    absolute: float = 0.0
    first: tuple[int, ...] = ()
    worst: tuple[int, ...] = ()
    parted: int = 0
    note: str = ""


SAME = Gap(bits=False)


def apart(note: str) -> Gap:
    """The gap between things that have no distance: another dtype, another shape, one of them missing."""
    return Gap(bits=True, ulp=NEVER, absolute=float("inf"), note=note)


def gap(reference: Array, candidate: Array) -> Gap:
    """The distance of two arrays, element by element."""
    if reference.dtype != candidate.dtype:
        return apart(f"dtype {reference.dtype} against {candidate.dtype}")
    if reference.shape != candidate.shape:
        return apart(f"shape {reference.shape} against {candidate.shape}")
    if reference.tobytes() == candidate.tobytes():
        return SAME
    parted = _bits_differ(reference, candidate)
    if not parted.any():
        return SAME
    absolute = _absolute(reference, candidate)
    return Gap(
        bits=True,
        ulp=int(distances(reference, candidate).max()),
        absolute=float(absolute.max()),
        first=_unravel(parted.ravel().argmax(), reference.shape),
        worst=_unravel(absolute.ravel().argmax(), reference.shape),
        parted=int(parted.sum()),
    )


def distances(reference: Array, candidate: Array) -> NDArray[np.uint64]:
    """Elementwise distance in ULP of floats of one type; of integers and booleans, the difference."""
    if reference.dtype.kind != "f":
        first, second = reference.astype(object), candidate.astype(object)  # exact also across 2^63
        return np.asarray(abs(first - second), dtype=object).astype(np.uint64)
    first, second = _place(reference), _place(candidate)
    steps = np.where(first > second, first - second, second - first)
    nans = np.isnan(reference).astype(np.int8) + np.isnan(candidate)
    return np.where(nans == 2, np.uint64(0), np.where(nans == 1, np.uint64(NEVER), steps)).astype(np.uint64)


def hexadecimal(value: Any) -> str:
    """A number's exact value and its IEEE bits, `0x1.8p+0 3fc00000`; an integer's digits."""
    scalar = np.asarray(value)
    if scalar.dtype.kind != "f":
        return str(scalar.item())
    bits = scalar.view(f"u{scalar.itemsize}").item()
    return f"{float(scalar).hex()} {bits:0{2 * scalar.itemsize}x}"


def canonical(array: Array) -> Array:
    """The array with every nan made the same nan, for nan's sign and payload say nothing about training."""
    if array.dtype.kind == "f" and np.isnan(array).any():
        return np.where(np.isnan(array), np.asarray(np.nan, array.dtype), array)
    return array


def _place(array: Array) -> NDArray[np.uint64]:
    """Position of each float in the order of all floats of its type; neighbours are 1 apart, ±0 both at the middle."""
    width = array.dtype.itemsize * 8
    bits = np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}").astype(np.uint64).reshape(array.shape)
    magnitude = bits & np.uint64(2 ** (width - 1) - 1)
    middle = np.uint64(2**63)
    return np.asarray(np.where(bits >> np.uint64(width - 1) == 1, middle - magnitude, middle + magnitude))


def _bits_differ(reference: Array, candidate: Array) -> NDArray[np.bool_]:
    first, second = canonical(reference), canonical(candidate)
    raw = (np.frombuffer(array.tobytes(), np.uint8).reshape(-1, array.itemsize) for array in (first, second))
    return np.asarray((next(raw) != next(raw)).any(axis=1).reshape(reference.shape))


def _absolute(reference: Array, candidate: Array) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        first, second = reference.astype(np.float64), candidate.astype(np.float64)
        difference = np.abs(first - second)
    difference = np.where(first == second, 0.0, difference)  # inf − inf
    nans = np.isnan(first).astype(np.int8) + np.isnan(second)
    return np.where(nans == 2, 0.0, np.where(nans == 1, np.inf, difference))


def _unravel(position: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(position), shape)) if shape else ()
