"""Each room of microtorch imports only rooms above it, microtorch needs numpy alone, and parity reaches neither inside."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "microtorch"

# From the top of the house to the bottom; rooms of one line may import each other.
ROOMS = [
    ["dtypes", "types", "storage", "casting", "lacking", "layout", "later"],
    ["arguments", "signatures"],
    ["kernels"],
    ["stream", "stream_arguments"],
    ["printing"],
    ["settings", "cuda", "backends", "script", "hooks"],
    ["engine"],
    ["views"],
    ["tensor_base"],
    ["tensor"],
    ["saved", "memory"],
    ["watched"],
    ["op"],
    ["ops"],
    ["autograd"],
    ["binding"],
    ["linalg", "special", "utils", "random", "return_types"],
    ["nn"],
    ["optim"],
    ["serialization", "testing"],
    ["__init__", "version"],
    ["__main__"],
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: tuple[str, ...]) -> str:
    """The room of a module path inside the package, which for a name of the package itself is `__init__`."""
    return module[0] if module and module[0] in LEVEL else "__init__"


def imports(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and module path inside microtorch of every import in a file, also those inside functions."""
    package = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = tuple(alias.name.split("."))
                if parts[0] == "microtorch":
                    yield node.lineno, parts[1:]
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                base = package[: len(package) - node.level + 1]
                assert node.level <= len(package) + 1, f"{path}:{node.lineno} leaves the package"
                module = base + module
            elif module[0] == "microtorch":
                module = module[1:]
            else:
                continue
            if module:
                yield node.lineno, module
            else:
                for alias in node.names:
                    yield node.lineno, (alias.name,)


def test_every_file_is_in_a_room() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}
    assert rooms <= set(LEVEL), f"give these a place in ROOMS: {sorted(rooms - set(LEVEL))}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_rooms_above(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for line, module in imports(path):
        assert LEVEL[room_of(module)] <= LEVEL[room], (
            f"{path}:{line}: {room} imports {'.'.join(module)}, which is below it"
        )


def test_imports_of_the_package_are_found(tmp_path: Path) -> None:
    """The reader of imports sees each form that Python has."""
    nested = PACKAGE / "ops" / "imaginary.py"
    forms = {
        "from .. import nn": ("nn",),
        "from ..nn import functional": ("nn",),
        "import microtorch.nn": ("nn",),
        "from microtorch.nn.functional import relu": ("nn", "functional"),
        "def f():\n    from ..optim import SGD": ("optim",),
    }
    for text, module in forms.items():
        source = type("Source", (), {"read_text": lambda self, t=text: t, "relative_to": nested.relative_to})()
        assert [m for _, m in imports(source)] == [module], text  # type: ignore[arg-type]


def test_needs_numpy_alone() -> None:
    """Importing all of microtorch loads nothing beyond the standard library and numpy."""
    code = (
        "import sys, pkgutil, importlib, microtorch\n"
        "for m in pkgutil.walk_packages(microtorch.__path__, 'microtorch.'):\n"
        "    if not m.name.endswith('__main__'): importlib.import_module(m.name)\n"
        "roots = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(roots - set(sys.stdlib_module_names) - {'microtorch', 'numpy', '__main__'}))"
    )
    shown = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    foreign = [
        name for name in ast.literal_eval(shown.stdout) if not name.startswith(("_", "sitecustomize", "__editable"))
    ]
    assert foreign == []


def test_parity_and_microtorch_keep_apart() -> None:
    """microtorch never names parity or torch; parity reaches microtorch only through the script runner."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            assert not {name.partition(".")[0] for name in names} & {"parity", "torch"}, f"{path}:{node.lineno}"
    for path in (ROOT / "parity").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "microtorch":
                assert node.module == "microtorch.script" or [a.name for a in node.names] == ["script"], (
                    f"{path}:{node.lineno}"
                )
