"""The views once more as copies: `permute_copy` has what `permute` shows in memory of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import op, text
from ..op.tables import OPERATIONS
from ..types import Size
from .expanding import expand
from .order import permute, t, transpose
from .parts import diagonal, select
from .reduction import EXPECTED_OUT
from .shape import ALL, alias, squeeze, unsqueeze, view_in_shape
from .windows import unfold


def _publish(view: Callable[..., Any], name: str) -> Any:
    """Publish the copy of what a view shows."""
    declared = OPERATIONS[view]
    lines = [
        f"def {name}_copy{inspect.signature(declared.forward)}:",
        f"    return _array(_forward({', '.join(f'{n}={n}' for n in declared.names)}), order='C')",
    ]
    names = {"_forward": declared.forward, "_array": np.array, "ALL": ALL, "__name__": __name__, "Size": Size}
    forward = text.compiled(f"{name}_copy", (lines, names))[f"{name}_copy"]
    forward.__doc__ = f"A copy of what `{name}` shows."
    node = declared.node_name
    called = f"{node}_copy" if isinstance(node, str) else lambda **arguments: f"{node(**arguments)}_copy"
    hides = declared.traits.hides
    return op(node=called, public="function", strict_out=EXPECTED_OUT, hides=hides, **declared.formulas)(forward)


_publish(alias, "alias")
diagonal_copy = _publish(diagonal, "diagonal")
_publish(expand, "expand")
_publish(permute, "permute")
_publish(select, "select")
_publish(squeeze, "squeeze")
_publish(t, "t")
_publish(transpose, "transpose")
_publish(unfold, "unfold")
_publish(unsqueeze, "unsqueeze")
_publish(view_in_shape, "view")
