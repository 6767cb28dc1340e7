"""The views once more as copies: `permute_copy` has what `permute` shows in memory of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import is_int, no_overload
from ..op import only_function, op, text, write_into
from ..op.tables import OPERATIONS
from ..tensor import Tensor, wrap
from ..types import Size
from .expanding import expand
from .order import permute, t, transpose
from .parts import diagonal, select
from .reduction import EXPECTED_OUT
from .shape import ALL, alias, infer_size, squeeze, unsqueeze, view_in_dtype, view_in_shape
from .windows import unfold


def _publish(view: Callable[..., Any], name: str, shown: Callable[..., Any] | None = None) -> Any:
    """Publish the copy of what a view shows; `shown`: what does so where memory does not allow the view.

    With `shown` it is not public itself.
    """
    declared = OPERATIONS[view]
    lines = [
        f"def {name}_copy{inspect.signature(declared.forward)}:",
        f"    return _array(_forward({', '.join(f'{n}={n}' for n in declared.names)}), order='C')",
    ]
    names = {"_forward": shown or declared.forward, "_array": np.array, "ALL": ALL, "__name__": __name__, "Size": Size}
    forward = text.compiled(f"{name}_copy", (lines, names))[f"{name}_copy"]
    forward.__doc__ = f"A copy of what `{name}` shows."
    node = declared.node_name
    called = f"{node}_copy" if isinstance(node, str) else lambda **arguments: f"{node(**arguments)}_copy"
    hides = declared.traits.hides
    public = "function" if shown is None else False
    return op(node=called, public=public, strict_out=EXPECTED_OUT, hides=hides, **declared.formulas)(forward)


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
shape_copy = _publish(view_in_shape, "view", lambda input, size: input.reshape(infer_size(size, input.size)))


@only_function
def view_copy(input: Tensor, *size: Any, out: Tensor | None = None, **named: Any) -> Tensor:
    """A copy of what `view` shows, or would show if memory allowed it: the elements in a shape, or their bytes as a dtype."""
    given = [*size, *named.values()]
    if not isinstance(input, Tensor) or len(given) != 1 or not named.keys() <= {"size", "dtype"}:
        raise no_overload()
    if isinstance(given[0], dtypes.dtype) and "size" not in named:
        shown = view_in_dtype(input.detach(), given[0])._array
        return wrap(shown.copy()) if out is None else write_into(out, "view_copy", (), lambda: shown, EXPECTED_OUT)
    if not isinstance(given[0], (tuple, list)) or not all(map(is_int, given[0])) or "dtype" in named:
        raise no_overload()
    return shape_copy(input, tuple(given[0]), out=out)
