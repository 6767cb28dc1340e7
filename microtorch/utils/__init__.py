"""Tools around training: `data`, `checkpoint`, `dlpack`."""

from ..later import package as _package

__getattr__, __dir__ = _package(__name__, {"": "checkpoint data dlpack"})
