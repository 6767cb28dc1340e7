"""Copies in another dtype, and copies into memory that exists."""

from __future__ import annotations

import numpy as np

from ..op import op


@op(input=lambda g: g, node="ToCopyBackward0", out=False, public=False)
def to_copy(input, dtype):
    """The values in another dtype; the engine brings the gradient back to this one."""
    return input.astype(dtype.numpy)


@op(input=lambda g: None, source=lambda g: g, node="CopyBackwards", out=False, in_place=True, public="method")
def copy(input, source):
    """The values of `source`, cast and broadcast, in place of those of `input`."""
    return np.broadcast_to(source, input.shape).astype(input.dtype)
