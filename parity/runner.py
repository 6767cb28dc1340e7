"""`install` and `run` of microtorch.script without the rest of microtorch, which torch's process does not import."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microtorch.script import install, run
else:

    def _alone() -> Any:
        package = importlib.util.find_spec("microtorch")
        place = Path(package.submodule_search_locations[0], "script.py")
        spec = importlib.util.spec_from_file_location("parity.script", place)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    _script = _alone()
    install, run = _script.install, _script.run

__all__ = ["install", "run"]
