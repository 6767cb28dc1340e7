"""A device that stands in for a GPU, where there is none: its tensors are in the CPU's memory, and torch cannot know.

Everything is computed by the CPU's kernels, so bits are the same; but a kernel of the device that would draw random
numbers fails, and so does mixing the device's tensors with the CPU's. What runs on it draws on the CPU and moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree as tree
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "standin"
LEFT = ("detach", "alias", "copy_")  # to torch, which can do these on any device


_raw: dict[int, torch.Tensor] = {}  # by a tensor's storage, which all that torch makes of it share


def wrap(raw: torch.Tensor) -> torch.Tensor:
    """The tensor on the device whose values `raw` holds."""
    made = torch._C._acc.create_empty_tensor(raw.shape, raw.dtype)
    _raw[made.untyped_storage()._cdata] = raw
    return made


def here(x: Any) -> Any:
    """What holds a tensor's values; the CPU in the device's place."""
    if isinstance(x, torch.device):
        return torch.device("cpu")
    return _raw[x.untyped_storage()._cdata] if isinstance(x, torch.Tensor) and x.device.type == NAME else x


def compute(operator: Any, *args: Any, **kwargs: Any) -> Any:
    """An operator on the CPU, for tensors that are there."""
    given = [x for x in tree.tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    assert all(x.device.type == NAME or not x.dim() for x in given), f"{operator} is given tensors on two devices"
    there = {id(here(x)): x for x in given}
    result = operator(*tree.tree_map(here, args), **tree.tree_map(here, kwargs))

    def moved(x: Any) -> Any:
        return x if not isinstance(x, torch.Tensor) else there[id(x)] if id(x) in there else wrap(x)

    return tree.tree_map(moved, result)


def copy(source: Any, target: Any, non_blocking: bool = False) -> Any:
    here(target).copy_(here(source))
    return target


def refusing(name: str) -> Callable[..., Any]:
    def draw(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"{name} drew on the device")

    return draw


def computing(name: str) -> Callable[..., Any]:
    packet, _, overload = name.partition(".")
    operator = getattr(getattr(torch.ops.aten, packet), overload or "default")
    return lambda *args, **kwargs: compute(operator, *args, **kwargs)


def put_up() -> list[Any]:
    """Make the device; it is there for as long as the result is kept."""
    _setup_privateuseone_for_python_backend(NAME)
    fallback, aten = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    fallback.fallback(compute, "PrivateUse1")
    aten.impl("_copy_from", copy, "PrivateUse1")
    for full in torch._C._dispatch_get_all_op_names():
        namespace, _, name = full.partition("::")
        if namespace != "aten":
            continue
        on_cpu, anywhere = (
            torch._C._dispatch_has_kernel_for_dispatch_key(full, key) for key in ("CPU", "CompositeExplicitAutograd")
        )
        arguments = torch._C._get_schema(full.partition(".")[0], name.partition(".")[2]).arguments
        places = any(argument.name == "device" for argument in arguments)
        moves = places and (name.startswith("rand") or any(str(argument.type) == "Tensor" for argument in arguments))
        if name == "native_dropout" or any("Generator" in str(argument.type) for argument in arguments):
            if on_cpu:
                aten.impl(name, refusing(name), "PrivateUse1")
        elif on_cpu or (anywhere and not moves and name not in LEFT):
            aten.impl(name, computing(name), "PrivateUse1")
    return [fallback, aten]
