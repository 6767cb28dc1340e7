"""What is at the ends of the last dimensions mirrored, repeated, or coming round again beyond them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import to_float, to_ints, wrong_type
from ..op import not_implemented, op, unpublished
from ..tensor import Tensor
from .arithmetic import require_tensor
from .creation import empty
from .padding import constant_pad_nd
from .parts import slice_view

SUPPORTED = """Padding size {0} is not supported for {1}D input tensor.
Supported combinations for non-constant padding:
  - 2D or 3D input: padding size = 2 (pads last dimension)
  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)
  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"""


# -- the elements that are there ---------------------------------------------------------------------------------------


def _pairs(pad, ndim):
    """How much is added before and after each dimension, from the first one on."""
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    return [(0, 0)] * (ndim - len(pairs)) + pairs[::-1]


def _mirrored(positions, n):
    """Positions beyond an end counted back from it; the end itself is there once."""
    return n - 1 - np.abs(n - 1 - np.abs(positions))


def _repeated(positions, n):
    return np.clip(positions, 0, n - 1)


SOURCES = {"reflection": _mirrored, "replication": _repeated}


def _sources(shape, padding, kind):
    """For each of the last dimensions, which element every place of the result has."""
    pairs = _pairs(padding, len(padding) // 2)
    lengths = shape[len(shape) - len(pairs) :]
    return [SOURCES[kind](np.arange(-a, n + b), n) for n, (a, b) in zip(lengths, pairs, strict=True)]


@op(
    input=lambda g, input, padding, kind: pad_with_elements_backward(g, input, padding, kind),
    node=lambda input, padding, kind: f"{kind.capitalize()}Pad{len(padding) // 2}DBackward0",
    hides="kind",
    out=False,
    public=False,
)
def pad_with_elements(input, padding, kind):
    """Mirrored ("reflection") at the ends of the last dimensions, or the end repeated ("replication")."""
    sources = _sources(input.shape, padding, kind)
    return np.ascontiguousarray(input[(..., *np.ix_(*sources))])


@op(
    grad_output=lambda g, padding, kind: pad_with_elements(g, padding, kind),
    self=lambda g, self: self * 0,
    node=lambda grad_output, self, padding, kind: f"{kind.capitalize()}Pad{len(padding) // 2}DBackwardBackward0",
    out=False,
    public=False,
)
def pad_with_elements_backward(grad_output, self, padding, kind):
    """The gradients of all places that an element has, added up."""
    result = np.zeros_like(self, order="C")
    np.add.at(result, (..., *np.ix_(*_sources(self.shape, padding, kind))), grad_output)
    return result


def _check(input: Tensor, padding: tuple[int, ...], kind: str) -> None:
    """Refuse what torch's kernels for so many dimensions refuse."""
    count, shape = len(padding) // 2, list(input.shape)
    if 0 in shape[input.dim() - count - 1 :]:
        raise RuntimeError(
            f"Expected {count + 1}D or {count + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {shape}"
        )
    sizes = []
    for i in range(count):
        at = input.dim() - 1 - i
        before, after = padding[2 * i : 2 * i + 2]
        if kind == "reflection" and (before >= shape[at] or after >= shape[at]):
            raise RuntimeError(
                f"Argument #{4 + 2 * i}: Padding size should be less than the corresponding input dimension, but got: "
                f"padding ({before}, {after}) at dimension {at} of input {shape}"
            )
        sizes.append(shape[at] + before + after)
    if max(sizes) < 1:
        have, made = (
            " ".join(f"{n}: {m}" for n, m in zip("DHW"[3 - count :], numbers, strict=True))
            for numbers in (shape[-count:], sizes[::-1])
        )
        have = have.replace(" W", ", W") + (" " if count == 2 and kind == "replication" else "")
        raise RuntimeError(f"input ({have}) is too small. Calculated output {made}")
    if input.dtype is dtypes.bool_:
        raise not_implemented(f"{kind}_pad{count}d", input.dtype)


def _circular(input: Tensor, pad: tuple[int, ...]) -> Tensor:
    """The opposite end continued: the middle is copied, then dimension by dimension what comes round."""
    pairs = _pairs(pad, input.dim())
    size = [n + before + after for n, (before, after) in zip(input.shape, pairs, strict=True)]
    for n, (before, after), length in zip(input.shape, pairs, size, strict=True):
        if before > n or after > n:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if length < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension.")
    result = empty(size, dtype=input.dtype)
    target, source = result, input
    dims = range(input.dim() - len(pad) // 2, input.dim())
    for dim in dims:
        before, after = pairs[dim]
        target = _cut(target, dim, max(before, 0), size[dim] - max(after, 0))
        source = _cut(source, dim, max(-before, 0), input.size(dim) - max(-after, 0))
    target.copy_(source)
    for dim in reversed(dims):
        before, after = pairs[dim]
        length = size[dim]
        if before > 0:
            _cut(result, dim, 0, before).copy_(
                _cut(result, dim, length - before - max(after, 0), length - max(after, 0))
            )
        if after > 0:
            _cut(result, dim, length - after, length).copy_(_cut(result, dim, max(before, 0), max(before, 0) + after))
    return result


def _cut(x: Tensor, dim: int, start: int, end: int) -> Tensor:
    return slice_view(x, dim, start, end, 1)


@unpublished
def pad(input: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> Tensor:
    """`pad` has how many elements come before and after, from the last dimension on; less than 0 cuts off.

    `mode`: "constant" adds the `value` (0), "reflect" mirrors, "replicate" repeats the end, "circular" goes round.
    """
    require_tensor("input", 1, input)
    widths = to_ints("pad", 2, pad)
    if not isinstance(mode, str):
        raise wrong_type("mode", 3, "str", mode)
    number = None if value is None else to_float("value", 4, value)
    if len(widths) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(widths) > 2 * input.dim():
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(widths)} and input of dimension {input.dim()}"
        )
    if mode == "constant":
        return constant_pad_nd(input, widths, 0.0 if number is None else number)
    if number:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if len(widths) not in (2, 4, 6) or input.dim() - len(widths) // 2 not in (1, 2):
        raise NotImplementedError(SUPPORTED.format(len(widths), input.dim()))
    if mode == "circular":
        return _circular(input, widths)
    kinds = {"reflect": "reflection", "replicate": "replication"}
    if mode not in kinds:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    _check(input, widths, kinds[mode])
    return pad_with_elements(input, widths, kinds[mode])
