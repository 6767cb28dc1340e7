"""`microtorch script.py` is `python script.py` with another torch."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Environments in which the command must work: here, where torch is installed, and where it cannot be imported.
NO_TORCH = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, NoTorch())
import runpy
sys.argv[0] = "microtorch"
runpy.run_module("microtorch", run_name="__main__", alter_sys=False)
"""


def execute(*command: str | Path, cwd: Path, code: str = "") -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, *(["-c", code] if code else []), *command],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))


LIKE_PYTHON = {
    "identity": """
        import os, sys
        print(sys.argv, __name__, __file__, __doc__, __spec__, __package__, os.getcwd(), sys.path[0])
        print(sys.modules["__main__"].__dict__ is globals(), sorted(globals()))
    """,
    "traceback": """
        def deep(n):
            if n: deep(n - 1)
            else: raise KeyError("gone")
        try:
            deep(2)
        except KeyError as error:
            raise ValueError("wrapped") from error
    """,
    "error in a module": "import beside; beside.fail()",
    "syntax error": "x = (1,\nfor\n",
    "encoding": "# -*- coding: latin-1 -*-\nprint('plain')\n",
    "exit with a status": "import sys; print('a'); sys.exit(5)",
    "exit with a text": "import sys; sys.exit('no data')",
    "exit without a status": "raise SystemExit",
    "at exit": "import atexit; atexit.register(print, 'last'); print('first')",
    "own excepthook": "import sys; sys.excepthook = lambda *e: print('hook', e[0].__name__, e[2] is not None); 1 / 0",
    "pickling what the script defines": """
        import pickle
        class Thing: pass
        print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)
    """,
    "warning": "import warnings; warnings.warn('look')",
    "thread": "import threading; threading.Thread(target=lambda: print('in thread')).start()",
    "future": "from __future__ import annotations\ndef f(x: nowhere): pass\nprint(f.__annotations__)",
    "no future of ours": "def f(x: int): pass\nprint(f.__annotations__)",
}


@pytest.fixture(scope="module")
def runner() -> str:
    """`python runner script args` by `run` alone, which must not need microtorch's other rooms."""
    path = ROOT / "microtorch" / "script.py"
    return (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('script', {str(path)!r})\n"
        "script = importlib.util.module_from_spec(spec); spec.loader.exec_module(script)\n"
        "sys.exit(script.run(sys.argv[1], sys.argv[2:]))\n"
    )


@pytest.mark.parametrize("name", LIKE_PYTHON)
def test_runs_as_python_does(name: str, tmp_path: Path, runner: str) -> None:
    folder = tmp_path / "sub folder"
    folder.mkdir()
    write(folder, script=LIKE_PYTHON[name], beside="def fail():\n    raise OSError('inside')\n")
    arguments = ("sub folder/script.py", "a", "--b", "-h")
    assert execute(*arguments, cwd=tmp_path, code=runner) == execute(*arguments, cwd=tmp_path)


def test_interrupt(tmp_path: Path, runner: str) -> None:
    write(tmp_path, script="raise KeyboardInterrupt")
    status, _, error = execute("script.py", cwd=tmp_path, code=runner)
    assert status == 130
    assert error.endswith("KeyboardInterrupt\n")


IMPORTS = """
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    from torch import optim
    from torch.utils import data
    from torch.utils.data import DataLoader
    import torch.optim
    import microtorch, microtorch.nn.functional, microtorch.utils.data, sys
    import beside
    assert torch is microtorch
    assert nn is torch.nn is microtorch.nn is sys.modules["torch.nn"]
    assert F is microtorch.nn.functional and data is microtorch.utils.data
    assert optim is torch.optim is microtorch.optim
    assert DataLoader is microtorch.utils.data.DataLoader
    assert torch.nn.__spec__.name == torch.nn.__name__ == "microtorch.nn"
    assert beside.torch is torch
    print(torch.__name__, sys.argv[1:])
"""


@pytest.mark.parametrize("code", ["", NO_TORCH], ids=["torch installed", "torch absent"])
def test_import_torch_gives_microtorch(code: str, tmp_path: Path) -> None:
    write(tmp_path, script=IMPORTS, beside="import torch")
    command = ["script.py", "2000"] if code else ["-m", "microtorch", "script.py", "2000"]
    assert execute(*command, cwd=tmp_path, code=code) == (0, "microtorch ['2000']\n", "")


TYPES = """
    import pickle
    import torch, torch.version
    from torch import nn
    x = torch.ones(2, 3)
    print(type(x), type(x.shape), type(x.dtype), type(x.device), torch.version.cuda)
    print(nn.Linear.__module__, nn.Parameter, nn.MSELoss, torch.optim.SGD, torch.utils.data.DataLoader)
    print(pickle.loads(pickle.dumps(x.max(0))), torch.return_types.max is type(x.max(0)), torch.return_types.linalg_eigh)
    print(pickle.loads(pickle.dumps(nn.Linear(2, 2))), torch.backends.cuda.matmul.allow_tf32)
    with torch.device("cpu"):
        print(torch.ones(1))
    try:
        torch.add(x, torch.Size([1]))
    except TypeError as error:
        print(error)
"""


def test_classes_name_torch_as_their_home(tmp_path: Path) -> None:
    write(tmp_path, script=TYPES)
    assert execute("-m", "microtorch", "script.py", cwd=tmp_path) == execute("script.py", cwd=tmp_path)


def test_import_microtorch_as_torch(tmp_path: Path) -> None:
    write(tmp_path, script="import microtorch as torch\nprint(torch.__name__)")
    assert execute("script.py", cwd=tmp_path) == (0, "microtorch\n", "")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        script="""
            try:
                import torch.nothing.here
            except ModuleNotFoundError as error:
                print(error, error.name)
            import torch.nowhere
        """,
    )
    status, out, error = execute("-m", "microtorch", "script.py", cwd=tmp_path)
    assert (status, out) == (1, "microtorch does not have torch.nothing torch.nothing\n")
    assert error.splitlines()[-1] == "ModuleNotFoundError: microtorch does not have torch.nowhere"


@pytest.mark.parametrize(
    ("arguments", "status", "shown"),
    [
        ([], 2, "usage: microtorch [--kernels NAME] script.py [args ...]"),
        (["-h"], 0, "usage: microtorch [--kernels NAME] script.py [args ...]"),
        (["--help"], 0, "usage: microtorch [--kernels NAME] script.py [args ...]"),
        (["--nothing", "x.py"], 2, "unknown option --nothing"),
        (["nothing.py"], 2, "microtorch: can't open file 'nothing.py': [Errno 2] No such file or directory"),
        (["."], 2, "microtorch: can't open file '.': [Errno 21] Is a directory"),
    ],
)
def test_command_line(arguments: list[str], status: int, shown: str, tmp_path: Path) -> None:
    code, out, error = execute("-m", "microtorch", *arguments, cwd=tmp_path)
    assert code == status
    assert (out if status == 0 else error).startswith(shown) or shown in error


ALIASED = {
    "a package": ({"engine/__init__": "name = 'engine'", "engine/nn": "Linear = 1"}, "torch.nn.Linear == 1"),
    "a file with namespaces": (
        {"engine": "from types import SimpleNamespace as S\nnn = S(Linear=1, functional=S(relu=2))"},
        "nn.Linear == 1 and F.relu == 2",
    ),
    "a wrapper of torch": (
        {"engine": "import torch, torch.nn.functional\ndef __getattr__(name): return getattr(torch, name)\nmine = 3"},
        "torch.mine == 3 and nn.Linear == 'real' and F.relu == 'real'",
    ),
}


@pytest.mark.parametrize("name", ALIASED)
def test_any_module_can_stand_behind_torch(name: str, tmp_path: Path, runner: str) -> None:
    files, truth = ALIASED[name]
    real = {
        "torch/__init__": "from . import nn",
        "torch/nn/__init__": "Linear = 'real'",
        "torch/nn/functional": "relu = 'real'",
    }
    for file, text in (files | real).items():
        (tmp_path / f"{file}.py").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{file}.py").write_text(text)
    functional = "import torch.nn.functional as F\n" if "F." in truth else ""
    write(tmp_path, script=f"import torch\nimport torch.nn as nn\nfrom torch import nn\n{functional}print({truth})")
    code = runner.replace("sys.exit(", "script.install('engine'); sys.exit(")
    assert execute("script.py", cwd=tmp_path, code=code) == (0, "True\n", "")


def test_install_after_torch_is_refused(tmp_path: Path, runner: str) -> None:
    write(tmp_path, torch="", engine="")
    code = runner.partition("sys.exit(")[0] + "import torch\nscript.install('engine')"
    status, _, error = execute(cwd=tmp_path, code=code)
    assert status == 1
    assert error.splitlines()[-1].startswith("RuntimeError: torch is already imported; engine can take its place only")


LACKING = """
    torch.compile torch.jit torch.fft torch.complex64 torch.complex torch.autocast torch.amp torch.sparse
    torch.sparse_coo_tensor torch.bfloat16 torch.distributed torch.vmap torch.onnx torch.cuda.amp torch.backends.opt_einsum
    torch.utils.tensorboard torch.multiprocessing torch.quantize_per_tensor torch.nn.Conv2d torch.storage.FloatStorage
"""
NOT_IMPORTED = """
    torch.fft torch.distributed torch.jit torch.cuda.amp torch.amp torch.onnx torch.nn.quantized torch.optim.swa_utils
"""


def test_what_is_lacking_is_named(tmp_path: Path) -> None:
    """Asked for as an attribute or imported as a module: one sentence with the name, and `hasattr` is False."""
    write(
        tmp_path,
        script=f"""
            import importlib, torch, torch.cuda, torch.nn
            for name in {LACKING.split()}:
                owner, _, last = name.rpartition(".")
                try:
                    eval(name)
                except AttributeError as error:
                    print(f"does not have {{name}}" in str(error), "\\n" in str(error), hasattr(eval(owner), last))
            for name in {NOT_IMPORTED.split()}:
                try:
                    importlib.import_module(name)
                except ModuleNotFoundError as error:
                    print(error)
        """,
    )
    status, shown, error = execute("-m", "microtorch", "script.py", cwd=tmp_path)
    assert (status, error) == (0, "")
    refused = [f"microtorch does not have {name}" for name in NOT_IMPORTED.split()]
    assert shown.splitlines() == ["True False False"] * len(LACKING.split()) + refused
