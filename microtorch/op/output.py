"""What `out=` means, and which tensors may be written to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..arguments import type_name
from ..engine import mode
from ..memory import check_cast, dtype_words, write_out
from ..tensor import InferenceCounter, Tensor


def requires_grad(value: Any) -> bool:
    """Whether an argument, or a tensor in it, requires a gradient."""
    if isinstance(value, Tensor):
        return value._requires_grad or (value._view is not None and value.requires_grad)
    return isinstance(value, (list, tuple)) and any(map(requires_grad, value))


def check_writable(tensor: Tensor) -> None:
    """Refuse to change a tensor of inference mode outside of it."""
    if type(tensor._counter) is InferenceCounter and not mode.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
            "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
        )


def write_into(
    out: Any,
    name: str,
    arguments: Sequence[Any],
    compute: Callable[[], Any],
    strict: str | tuple[str, ...] = "",
    cast_error: str | TypeError = "",
    number: int = 1,
) -> Any:
    """Write the array, or the tuple of arrays, that `compute` gives to the tensors `out`.

    `arguments`: those that must not require a gradient. `strict`: the error if a dtype is another than the result's (of several outputs, one for each),
    `cast_error`: if it is of a lower category; both as templates, see `memory.dtype_words`. `number`: how many results.
    """
    outs = out if number > 1 and isinstance(out, (tuple, list)) else (out,)
    if len(outs) != number:
        raise TypeError(f"expected tuple of {number} elements but got {len(outs)}")
    for o in outs:
        if not isinstance(o, Tensor):
            raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type_name(o)}")
    if mode.grad and arguments and any(map(requires_grad, (*arguments, *outs))):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    for o in outs:
        check_writable(o)
    results = compute()
    pairs = list(zip(outs, results if isinstance(results, tuple) else (results,), strict=True))
    for i, (o, result) in enumerate(pairs):
        words = strict if isinstance(strict, str) else strict[i]
        if words and result.dtype is not o._array.dtype:
            raise RuntimeError(dtype_words(words, result.dtype, o._array.dtype))
        check_cast(result.dtype, o._array.dtype, cast_error)
    for o, result in pairs:
        write_out(o, result)
    return out


def compose_into(out: Any, name: str, function: Callable[..., Any], *arguments: Any, strict: str = "") -> Any:
    """`out=` of a function that is made of others: its result is computed unrecorded and written."""

    def compute() -> Any:
        previous, mode.grad = mode.grad, False
        try:
            return function(*arguments)._array
        finally:
            mode.grad = previous

    return write_into(out, name, arguments, compute, strict)
