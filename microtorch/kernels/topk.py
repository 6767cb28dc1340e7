"""Which k elements are the largest, with ties in the order in which torch's CPU kernel leaves them.

torch calls the C++ library's partial_sort for small k and nth_element followed by sort otherwise; neither is stable,
and which of several equal elements comes first is decided by how they move data about. Without ties there is one
answer and numpy finds it; with ties the moves are made here, one by one, as libstdc++ makes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def largest(values: Array, k: int) -> Array:
    """Indices along the last axis of the k largest elements, largest first, nan above everything; shape (..., k)."""
    keys = -values.astype(np.float64)
    keys[np.isnan(keys)] = -np.inf  # provisional: only a tie with +inf, which goes the careful way, could tell
    order = np.argsort(keys, axis=-1, kind="stable")
    found = np.take_along_axis(keys, order[..., : k + 1], -1)
    tied = np.equal(found[..., 1:], found[..., :-1]).any(-1)
    for row in np.argwhere(tied):
        order[tuple(row)][:k] = _with_ties(values[tuple(row)], k)
    return order[..., :k]


def _with_ties(values: Array, k: int) -> list[int]:
    distinct, rank = np.unique(values, return_inverse=True)  # nan comes last, as one value
    keys: list[int] = (len(distinct) - 1 - rank).tolist()  # smaller is better
    queue = list(range(len(keys)))
    if k * 64 <= len(queue):
        _partial_sort(queue, keys, 0, k, len(queue))
    else:
        _select(queue, keys, k - 1)
        _sort(queue, keys, 0, k - 1)
    return queue[:k]


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


def _sort(queue: list[int], keys: list[int], first: int, last: int) -> None:
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
    _insertion_sort(queue, keys, first, last)


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
