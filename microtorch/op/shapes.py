"""Broadcasting, and what torch says when it fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def broadcast_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The shape to which all broadcast, or None."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def broadcast_error(error: ValueError, arrays: Sequence[Any]) -> Exception:
    """torch's message for shapes that do not broadcast; another ValueError stays as it is."""
    shape: tuple[int, ...] = ()
    for array in arrays:
        if not isinstance(array, np.ndarray):
            continue
        other = array.shape
        for back in range(1, min(len(shape), len(other)) + 1):
            if shape[-back] != other[-back] and 1 not in (shape[-back], other[-back]):
                return RuntimeError(
                    f"The size of tensor a ({shape[-back]}) must match the size of tensor b ({other[-back]}) at "
                    f"non-singleton dimension {max(len(shape), len(other)) - back}"
                )
        shape = np.broadcast_shapes(shape, other)
    return error
