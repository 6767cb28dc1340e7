"""CUDA as a build of torch without it has it: not available, and every use says so."""

from __future__ import annotations

from typing import Any, NoReturn

from .later import package as _package

__getattr__, __dir__ = _package(__name__, {})

NOT_COMPILED = "Torch not compiled with CUDA enabled"


def is_available() -> bool:
    """Whether there is a GPU to compute on: no."""
    return False


def device_count() -> int:
    return 0


def is_initialized() -> bool:
    return False


def manual_seed(seed: int) -> None:
    """Seed the GPU's generator, if there were one."""


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all GPUs, if there were any."""


def empty_cache() -> None:
    """Free the memory that is cached on the GPU: there is none."""


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise AssertionError(NOT_COMPILED)


init = synchronize = current_device = get_device_name = get_device_properties = set_device = memory_allocated = _refuse
