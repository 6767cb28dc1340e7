"""Tools around training: `data`, `checkpoint`."""

from ..later import package as _package

__getattr__, __dir__ = _package(__name__, {"": "checkpoint data"})
