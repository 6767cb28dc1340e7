"""Tensor → text, char for char as torch prints.

All elements share one notation and one width. The notation is chosen from the finite nonzero elements: whole numbers
print as `3.`, others with `precision` decimals, and all in scientific notation when the extremes are too far apart
(ratio over 1000), too large (over 1e8) or too small (under 1e-4). An array of more than `threshold` elements is cut
to the first and last `edgeitems` along every axis; what is cut away has no say in notation or width.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from . import dtypes

Array = np.ndarray[Any, Any]


class PrintOptions:
    """What `set_printoptions` sets."""

    def __init__(self) -> None:
        self.precision = 4
        self.threshold: float = 1000
        self.edgeitems = 3
        self.linewidth = 80
        self.sci_mode: bool | None = None


PRINT_OPTS = PrintOptions()

PROFILES: dict[str | None, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print: decimals, size above which to cut, elements kept at an edge, characters in a line.

    A `profile` ("default", "short", "full") is applied first. An option that is left out keeps its value, except
    `sci_mode`, which returns to None: chosen anew for every tensor. As in torch nothing is checked here; a value that
    makes no sense fails when a tensor is printed.
    """
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    chosen: dict[str, Any] = {**PROFILES.get(profile, {}), **{k: v for k, v in given.items() if v is not None}}
    for option, value in chosen.items():
        setattr(PRINT_OPTS, option, value)
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options in force, in the form that `set_printoptions` takes."""
    return dict(vars(PRINT_OPTS))


@contextlib.contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Print with other options inside a `with` block; takes what `set_printoptions` takes."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


def tensor_text(
    array: Array,
    *,
    dtype: dtypes.dtype,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    name: str = "tensor",
    contents: str | None = None,
) -> str:
    """The `repr` of a tensor: its elements, then what a reader cannot infer from them (size, dtype, gradient).

    `name` stands before the bracket: "tensor", or the name of a subclass; `contents` in the place of the elements.
    """
    size, indent = array.size, len(name) + 1
    notes = []
    if (size == 0 and array.ndim != 1) or (size and not PRINT_OPTS.edgeitems):
        notes.append(f"size={array.shape}")
    # Without elements nothing shows that a type is int64 or bool, so only the default type goes without saying.
    unsaid = (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool_)[: 3 if size else 1]
    if dtype not in unsaid:
        notes.append(f"dtype={dtype!r}")
    if grad_fn_name is not None:
        notes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        notes.append("requires_grad=True")
    if contents is None:
        contents = _array_text(array, indent) if size else "[]"
    return _with_notes(f"{name}({contents}", notes, indent)


def _array_text(array: Array, indent: int) -> str:
    edge = PRINT_OPTS.edgeitems
    cut = [False] * array.ndim
    if array.size > PRINT_OPTS.threshold and array.ndim:
        if not edge:
            return "[...]"
        cut = [length > 2 * edge for length in array.shape]
        kept = [
            [*range(n)[:edge], *range(n)[-edge:]] if far else range(n) for n, far in zip(array.shape, cut, strict=True)
        ]
        array = array[np.ix_(*kept)]
    texts, width = (_number_texts if array.dtype.kind == "f" else _exact_texts)(array.reshape(-1).tolist())
    texts = [text.rjust(width) for text in texts]
    if not array.ndim:
        return texts[0]
    innermost = indent + array.ndim - 1
    per_line = max(1, math.floor((PRINT_OPTS.linewidth - innermost) / (width + 2)))  # 2: the comma and the space
    return _bracketed(iter(texts), array.shape, cut, indent, per_line)


def _exact_texts(values: list[int] | list[bool]) -> tuple[list[str], int]:
    texts = [str(value) for value in values]
    return texts, max(map(len, texts))


def _number_texts(values: list[float]) -> tuple[list[str], int]:
    """Each value in the notation that suits all of them, and the width to which they are filled up."""
    counted = [value != 0 and math.isfinite(value) for value in values]
    sizes = [abs(value) for value, counts in zip(values, counted, strict=True) if counts]
    scientific, suffix, decimals = False, "", PRINT_OPTS.precision
    if sizes:
        low, high = min(sizes), max(sizes)
        scientific = high / low > 1000 or high > 1e8 or low < 1e-4
        if PRINT_OPTS.sci_mode is not None:
            scientific = PRINT_OPTS.sci_mode
    if not scientific and all(map(float.is_integer, sizes)):
        decimals, suffix = 0, "."  # the point alone shows that the type is a floating point type
    spec = f".{decimals}{'e' if scientific else 'f'}"
    texts = [format(value, spec) + (suffix if math.isfinite(value) else "") for value in values]
    # Zeros, infinities and nan do not widen the column: where they need more room than the others, they stick out.
    return texts, max((len(text) for text, counts in zip(texts, counted, strict=True) if counts), default=1)


def _bracketed(texts: Iterator[str], lengths: Sequence[int], cut: Sequence[bool], indent: int, per_line: int) -> str:
    """Take as many texts as `lengths` asks for and set them in nested brackets, `...` where an axis was cut."""
    length, *inner = lengths
    if inner:
        items = [_bracketed(texts, inner, cut[1:], indent + 1, per_line) for _ in range(length)]
        ellipsis, per_line = "...", 1
    else:
        items, ellipsis = list(islice(texts, length)), " ..."
    if cut[0]:
        items.insert(PRINT_OPTS.edgeitems, ellipsis)
    lines = [", ".join(items[start : start + per_line]) for start in range(0, len(items), per_line)]
    return "[" + ("," + "\n" * max(1, len(inner)) + " " * (indent + 1)).join(lines) + "]"


def _with_notes(text: str, notes: list[str], indent: int) -> str:
    """Append the notes and the closing bracket; a note that would cross the line's end starts a line of its own."""
    used = len(text) - text.rfind("\n") + 1
    for note in notes:
        if used + len(note) + 2 > PRINT_OPTS.linewidth:
            text += ",\n" + " " * indent + note
            used = indent + len(note)
        else:
            text += ", " + note
            used += len(note) + 2
    return text + ")"
