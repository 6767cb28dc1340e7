"""More of a tensor at its ends, or less."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, storage
from ..arguments import fit, to_ints, to_number
from ..op import only_function, op
from ..tensor import Tensor
from .shape import as_tensor_argument


@op(
    input=lambda g, pad: padded(g, [-n for n in pad], 0),
    node="ConstantPadNdBackward0",
    called="constant_pad_nd",
    out=False,
    public=False,
)
def padded(input, pad, value):
    """One value before and behind the elements of the last dimensions; a negative number of them takes elements away."""
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Length of pad should be no more than twice the number of dimensions of the input. Pad length is "
            f"{len(pad)}while the input has {input.ndim}dimensions."
        )
    if not pad:
        return storage.copy(input)
    number = fit(value, dtypes.FROM_NUMPY[input.dtype])
    ends = [(0, 0)] * (input.ndim - len(pad) // 2) + list(zip(pad[-2::-2], pad[::-2], strict=True))
    part = []
    for n, (before, behind) in zip(input.shape, ends, strict=True):
        if n + min(before, 0) + min(behind, 0) < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
        part.append(slice(max(-before, 0), n - max(-behind, 0)))
    shape = [n + before + behind for n, (before, behind) in zip(input.shape, ends, strict=True)]
    result = np.full(shape, number, input.dtype)
    into = [slice(max(before, 0), n - max(behind, 0)) for n, (before, behind) in zip(shape, ends, strict=True)]
    result[tuple(into)] = input[tuple(part)]
    return result


@only_function
def constant_pad_nd(input: Tensor, pad: Any, value: Any = 0) -> Tensor:
    """One value before and behind the elements; `pad` has two numbers for every dimension, the last dimension first."""
    return padded(as_tensor_argument(input), to_ints("pad", 2, pad), to_number("value", 3, value))
