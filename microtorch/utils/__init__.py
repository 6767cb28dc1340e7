"""Tools around training: `data`."""

from typing import NoReturn

from . import data

__all__ = ["data"]


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(f"microtorch does not have torch.utils.{name}")
