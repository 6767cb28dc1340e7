"""Elements by their order, with ties in the order in which torch's CPU kernels leave them.

torch calls the C++ library: sort for whole rows, partial_sort for few of the largest, nth_element followed by sort
otherwise. None of these is stable, and which of several equal elements comes first is decided by how they move data
about. Without ties there is one answer and numpy finds it; with ties the moves are made here, one by one, as libstdc++
makes them. A k-th value is found by a quickselect of torch's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

LONGEST = 4096  # of longer rows that are sorted whole, equal elements stay in their order: to move them takes too long


def stable(values: Array, descending: bool = False) -> Array:
    """Indices that sort along the last axis, equals in the order in which they came, nan above everything."""
    if not descending:
        return np.argsort(values, -1, kind="stable")
    return values.shape[-1] - 1 - np.argsort(values[..., ::-1], -1, kind="stable")[..., ::-1]


def sort(values: Array, descending: bool = False) -> Array:
    """Indices that sort along the last axis, nan above everything, ties in the order of C++'s sort."""
    order = stable(values, descending)
    if not 16 < values.shape[-1] <= LONGEST:  # up to 16 elements it is an insertion sort, which is stable
        return order
    for row in _tied(values, order):
        keys = _keys(values[row], descending)
        queue = list(range(len(keys)))
        _sort(queue, keys, 0, len(keys))
        order[row] = queue
    return order


def _tied(values: Array, order: Array) -> list[tuple[int, ...]]:
    """The rows of which two elements that are neighbours in an order are equal; nan equals nan."""
    found = np.take_along_axis(values, order, -1)
    left, right = found[..., :-1], found[..., 1:]
    return [tuple(row) for row in np.argwhere(((left == right) | ((left != left) & (right != right))).any(-1)).tolist()]


def _keys(values: Array, descending: bool) -> list[int]:
    """The ranks of the elements of a row, 0 for what comes first."""
    distinct, rank = np.unique(values, return_inverse=True)  # nan comes last, as one value
    keys: list[int] = (len(distinct) - 1 - rank if descending else rank).tolist()
    return keys


def largest(values: Array, k: int) -> Array:
    """Indices along the last axis of the k largest elements, largest first, nan above everything; shape (..., k)."""
    return best(values, k, descending=True)


def best(values: Array, k: int, descending: bool, in_order: bool = True) -> Array:
    """Indices along the last axis of the k largest or smallest elements; the best first, unless that is not asked for."""
    order = stable(values, descending)
    rows = _tied(values, order[..., : k + 1]) if in_order else [*np.ndindex(values.shape[:-1])]
    for row in rows if k else []:
        order[row][:k] = _first(_keys(values[row], descending), k, in_order)
    return order[..., :k]


def _first(keys: list[int], k: int, in_order: bool) -> list[int]:
    queue = list(range(len(keys)))
    if k * 64 <= len(queue):
        _partial_sort(queue, keys, 0, k, len(queue))
    else:
        _select(queue, keys, k - 1)
        if in_order:
            _sort(queue, keys, 0, k - 1)
    return queue[:k]


def kth(values: Array, k: int) -> Array:
    """The index along the last axis of the k-th smallest element, counted from 0, nan above everything."""
    order = stable(values)
    place = order[..., k].copy()
    for row in _tied(values, order[..., max(k - 1, 0) : k + 2]):
        place[row] = _quickselect(_keys(values[row], False), k)
    return place


def _quickselect(keys: list[int], k: int) -> int:
    """Sedgewick's quickselect: halves around the median of three, until the k-th smallest is where it belongs."""
    queue = list(range(len(keys)))

    def swap_if(above: bool, a: int, b: int) -> None:
        if above:
            keys[a], keys[b] = keys[b], keys[a]
            queue[a], queue[b] = queue[b], queue[a]

    low, high = 0, len(keys) - 1
    while low < high:
        if high == low + 1:
            swap_if(keys[low] > keys[high], low, high)
            break
        swap_if(True, (low + high) // 2, low + 1)
        swap_if(keys[low + 1] > keys[high], low + 1, high)
        swap_if(keys[low] > keys[high], low, high)
        swap_if(keys[low + 1] > keys[low], low + 1, low)
        i, j, pivot = low + 1, high, keys[low]
        while True:
            i += 1
            while keys[i] < pivot:
                i += 1
            j -= 1
            while keys[j] > pivot:
                j -= 1
            if j < i:
                break
            swap_if(True, i, j)
        swap_if(True, low, j)
        low, high = (i if j <= k else low), (j - 1 if j >= k else high)
    return queue[k]


def mode(values: Array) -> Array:
    """The index along the last axis of the last, after sorting, of the most frequent elements, the smallest of them."""
    place = np.empty(values.shape[:-1], np.int64)
    for row in np.ndindex(place.shape):
        keys: list[Any] = values[row].tolist()
        queue = list(range(len(keys)))
        _sort(queue, keys, 0, len(keys), _insert if any(k != k for k in keys) else _insertion_sort)
        most = start = 0
        for i, at in enumerate(queue):
            if i + 1 == len(queue) or keys[at] != keys[queue[i + 1]]:
                if i + 1 - start > most:
                    most, place[row] = i + 1 - start, at
                start = i + 1
    return place


def _insert(queue: list[int], keys: list[Any], first: int, last: int) -> None:
    """The insertion sort in single moves, which nan, being neither above nor below, tells from others."""
    for i in range(first + 1, last):
        item, hole = queue[i], i
        if keys[item] < keys[queue[first]]:
            queue[first + 1 : i + 1] = queue[first:i]
            hole = first
        else:
            while keys[item] < keys[queue[hole - 1]]:
                queue[hole] = queue[hole - 1]
                hole -= 1
        queue[hole] = item


def _select(queue: list[int], keys: list[int], nth: int) -> None:
    """nth_element: what belongs at `nth` goes there, better ones before it, worse ones behind."""
    first, last = 0, len(queue)
    depth = 2 * (last.bit_length() - 1)
    while last - first > 3:
        if depth == 0:
            _heap_select(queue, keys, first, nth + 1, last)
            queue[first], queue[nth] = queue[nth], queue[first]
            return
        depth -= 1
        cut = _partition(queue, keys, first, last)
        first, last = (cut, last) if cut <= nth else (first, cut)
    _insertion_sort(queue, keys, first, last)


def _sort(queue: list[int], keys: list[int], first: int, last: int, finish: Callable[..., None] | None = None) -> None:
    """sort: quicksort down to runs of 16, which one insertion sort over everything then finishes."""
    parts = [(first, last, 2 * ((last - first).bit_length() - 1))]
    while parts:
        start, end, depth = parts.pop()
        while end - start > 16:
            if depth == 0:
                _partial_sort(queue, keys, start, end, end)
                break
            depth -= 1
            cut = _partition(queue, keys, start, end)
            parts.append((cut, end, depth))
            end = cut
    (finish or _insertion_sort)(queue, keys, first, last)


def _insertion_sort(queue: list[int], keys: list[int], first: int, last: int) -> None:
    queue[first:last] = sorted(queue[first:last], key=keys.__getitem__)  # both are stable: the same result


def _partition(queue: list[int], keys: list[int], first: int, last: int) -> int:
    """Move the median of three to the front and part the rest around it; where the second part begins."""
    a, b, c = first + 1, first + (last - first) // 2, last - 1
    ka, kb, kc = (keys[queue[i]] for i in (a, b, c))
    if ka < kb:
        median = b if kb < kc else c if ka < kc else a
    else:
        median = a if ka < kc else c if kb < kc else b
    queue[first], queue[median] = queue[median], queue[first]

    pivot = keys[queue[first]]
    left, right = first + 1, last
    while True:
        while keys[queue[left]] < pivot:
            left += 1
        right -= 1
        while pivot < keys[queue[right]]:
            right -= 1
        if left >= right:
            return left
        queue[left], queue[right] = queue[right], queue[left]
        left += 1


def _partial_sort(queue: list[int], keys: list[int], first: int, middle: int, last: int) -> None:
    """partial_sort: the best of [first, last) into [first, middle), in order."""
    _heap_select(queue, keys, first, middle, last)
    for end in range(middle - 1, first, -1):
        item, queue[end] = queue[end], queue[first]
        _sift(queue, keys, first, 0, end - first, item)


def _heap_select(queue: list[int], keys: list[int], first: int, middle: int, last: int) -> None:
    """The best of [first, last) as a heap in [first, middle), the worst of them on top."""
    size = middle - first
    for parent in range(size // 2 - 1, -1, -1):
        _sift(queue, keys, first, parent, size, queue[first + parent])
    for i in range(middle, last):
        if keys[queue[i]] < keys[queue[first]]:
            item, queue[i] = queue[i], queue[first]
            _sift(queue, keys, first, 0, size, item)


def _sift(queue: list[int], keys: list[int], first: int, hole: int, size: int, item: int) -> None:
    """Put an item into a heap with a hole: the hole sinks to the bottom along the worse children, the item rises."""
    top, child = hole, 2 * hole + 2
    while child <= size:
        if child == size or keys[queue[first + child]] < keys[queue[first + child - 1]]:
            child -= 1
        queue[first + hole] = queue[first + child]
        hole, child = child, 2 * child + 2
    while hole > top and keys[queue[first + (hole - 1) // 2]] < keys[item]:
        queue[first + hole] = queue[first + (hole - 1) // 2]
        hole = (hole - 1) // 2
    queue[first + hole] = item
