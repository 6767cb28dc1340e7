"""Tools around training: `data`."""

from ..later import package as _package

__getattr__, __dir__ = _package(__name__, {"": "data"})
