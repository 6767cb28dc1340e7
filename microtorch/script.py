"""Run an unchanged PyTorch script on another module: `import torch` gives that module, all else is as under `python`.

`install` puts a module behind the name `torch`, with every `torch.x.y` the very object that is `module.x.y`;
`run` executes a file as `python script.py` does. Only the standard library is used here.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any

TORCH = "torch"


def install(module: str = "microtorch") -> ModuleType:
    """Make `import torch` give the module of this name, and return it; a torch that is installed is not looked at.

    A module that itself imports the real torch (a wrapper around it) leaves torch's own submodules in place.
    Raises RuntimeError if torch has been imported before: scripts and torch would then hold different objects.
    """
    if TORCH in sys.modules and sys.modules[TORCH] is not sys.modules.get(module):
        raise RuntimeError(f"torch is already imported; {module} can take its place only before that")
    target = importlib.import_module(module)
    stands_on_torch = TORCH in sys.modules and module != TORCH
    sys.modules[TORCH] = target
    if not hasattr(target, "__path__"):
        target.__path__ = []  # `import torch.nn` asks for a package, even where `nn` is an attribute
    getattr(target, "_installed", lambda: None)()
    if not stands_on_torch and not any(isinstance(finder, Alias) for finder in sys.meta_path):
        sys.meta_path.insert(0, Alias(module))
    return target


class Alias:
    """Finder and loader of `torch.x.y`: the module `module.x.y`, or the attribute of that name.

    It is both without the classes of `importlib.abc`, whose import takes longer than a small script.
    """

    def __init__(self, module: str) -> None:
        self.module = module

    def find_spec(self, fullname: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not fullname.startswith(TORCH + "."):
            return None
        found = self._lookup(self.module + fullname.removeprefix(TORCH))
        if found is None:
            raise ModuleNotFoundError(f"{self.module} does not have {fullname}", name=fullname)
        loader: Any = self  # as a package, so that this is also asked for what it lacks
        return ModuleSpec(fullname, loader, loader_state=(found, getattr(found, "__spec__", None)), is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        found: ModuleType = spec.loader_state[0]
        return found

    def exec_module(self, module: ModuleType) -> None:
        """Undo what the import system wrote on a module that had been loaded under its own name before."""
        spec: Any = module.__spec__
        if spec is not None and spec.loader is self:
            module.__spec__ = spec.loader_state[1]

    @staticmethod
    def _lookup(name: str) -> Any:
        """The module of this name, else the attribute that it names, else None."""
        if name in sys.modules:
            return sys.modules[name]
        parent, _, last = name.rpartition(".")
        try:
            if importlib.util.find_spec(name) is not None:
                return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
                raise  # the module is there, and lacks something itself
        owner: Any = sys.modules.get(parent) or (Alias._lookup(parent) if "." in parent else None)
        return getattr(owner, last, None)


def run(path: str, argv: Sequence[str], finished: Callable[[BaseException | None], None] | None = None) -> int:
    """Run a file as `python path argv…` does and return the exit status.

    The script is `__main__`, finds modules beside itself, and its tracebacks begin with its own frames. `finished`
    is called when its last line has run or an exception has left it, before anything is printed about that. SystemExit
    is passed on, so the interpreter ends as the script said.
    """
    error: BaseException | None = None
    try:
        code = _compile(path)
        namespace = _become_main(path, argv)
        exec(code, namespace)
    except BaseException as raised:
        error = raised
        error.__traceback__ = _after_this_file(error.__traceback__)
    if finished is not None:
        finished(error)
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        raise error
    sys.excepthook(type(error), error, error.__traceback__)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def _compile(path: str) -> CodeType:
    with io.open_code(os.path.abspath(path)) as file:
        return compile(file.read(), os.path.abspath(path), "exec", dont_inherit=True)


def _become_main(path: str, argv: Sequence[str]) -> dict[str, Any]:
    """Give the process the identity of `python path argv…`; returns the new `__main__`'s namespace."""
    main = ModuleType("__main__")
    main.__file__ = os.path.abspath(path)
    main.__loader__ = SourceFileLoader("__main__", main.__file__)
    main.__dict__.update(__builtins__=sys.modules["builtins"], __cached__=None, __annotations__={})
    sys.modules["__main__"] = main
    sys.argv = [path, *argv]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    return main.__dict__


def _after_this_file(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without its leading frames from this file."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback
