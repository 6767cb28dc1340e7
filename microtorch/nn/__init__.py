"""Modules, parameters, losses."""

from ..later import package as _package
from . import modules
from .parameter import Buffer, Parameter

LAYERS = " ".join(names for module, names in modules.INDEX.items() if module)

__getattr__, __dir__ = _package(__name__, {"": "functional init parameter utils", "modules": LAYERS})
