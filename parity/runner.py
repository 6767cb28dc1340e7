"""Parts of microtorch without the rest of it, which torch's process does not import: `install`, `run` and `kernels`."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any


def _alone(name: str, *place: str) -> Any:
    """The module or package of microtorch at a place, loaded as parity's."""
    package = importlib.util.find_spec("microtorch")
    assert package is not None
    assert package.submodule_search_locations is not None
    path = Path(package.submodule_search_locations[0], *place)
    folders = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(f"parity.{name}", path, submodule_search_locations=folders)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if TYPE_CHECKING:
    from microtorch.script import install, run
else:
    _script = _alone("script", "script.py")
    install, run = _script.install, _script.run


@functools.cache
def kernels(name: str = "") -> Any:
    """microtorch.kernels, or a module in it."""
    package = _alone("kernels", "kernels", "__init__.py") if not name else kernels()
    return importlib.import_module(f"{package.__name__}.{name}") if name else package


__all__ = ["install", "kernels", "run"]
