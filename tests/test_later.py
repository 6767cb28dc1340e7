"""What microtorch loads when it is first asked for: each name is where the index says, and nobody can tell the difference."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from microtorch.ops import INDEX

ROOT = Path(__file__).parents[1]


def python(code: str) -> str:
    """What a new process prints, in which nothing has been asked for."""
    done = subprocess.run(
        [sys.executable, "-c", "import microtorch as torch\n" + textwrap.dedent(code)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "module",
    [
        *(
            f"ops.{name}"
            for name in (
                "comparison",
                "exchange",
                "gathering",
                "indexing",
                "legacy",
                "pointwise",
                "random",
                "scattering",
                "storages",
                "subscripts",
            )
        ),
        *(
            "autograd.anomaly_mode",
            "autograd.function",
            "autograd.functional",
            "autograd.graph",
            "backends",
            "cuda",
            "kernels.torch_cpu",
            "linalg",
            "nn",
            "optim",
            "random",
            "serialization",
            "stream",
            "testing",
            "utils",
        ),
    ],
)
def test_import_leaves_out(module: str) -> None:
    assert python(f"import sys; print('microtorch.{module}' in sys.modules)") == "False"


@pytest.mark.parametrize("module", INDEX)
def test_each_module_publishes_what_the_index_says(module: str) -> None:
    """It can also be the first of all that is loaded."""
    code = f"""
        from microtorch.op import FUNCTIONS, METHODS
        import microtorch.ops.{module}
        for table in (FUNCTIONS, METHODS):
            own = {{name for name, home in table.homes.items() if home == "microtorch.ops.{module}"}}
            print(sorted(own - set(table.here)), sorted(set(table.here) - set(table.homes)))
    """
    assert python(code).split("\n") == ["[] []"] * 2


def test_all_names_are_there_before_they_are_asked_for() -> None:
    code = """
        from microtorch.op import FUNCTIONS, METHODS
        def names():
            lists = *map(dir, (torch, torch.autograd, torch.nn, torch.Tensor)), torch.__all__, FUNCTIONS, METHODS
            return [{name for name in names if name not in INTERNAL} for names in lists]
        INTERNAL = {"stream", "stream_arguments"}  # modules that belong to no name
        before = names()
        values = {name: getattr(torch, name) for name in before[0]}
        members = {name: getattr(torch.Tensor, name) for name in before[3]}
        for name in "autograd.function", "autograd.graph", "nn.utils":
            __import__(f"microtorch.{name}")
        import microtorch.autograd.anomaly_mode, microtorch.autograd.functional
        torch.autograd.Function, torch.autograd.Variable, torch.autograd.detect_anomaly, torch.is_anomaly_enabled
        print([now ^ then for now, then in zip(names(), before)])
        print([name for name in values if values[name] is not getattr(torch, name) and name != "__builtins__"])
        print([name for name in FUNCTIONS if values[name] is not FUNCTIONS[name]])
        print([name for name in METHODS if members[name] is not getattr(torch.Tensor, name)])
        print(hasattr(torch, "compile"), hasattr(torch.Tensor, "zeros"), hasattr(torch, "view"))
    """
    assert python(code).split("\n") == [str([set()] * 7), "[]", "[]", "[]", "False False False"]


def test_whoever_lists_the_operations_sees_them_all() -> None:
    counted = "from microtorch.op import REGISTRY; print(len(list(REGISTRY)), {!r} in REGISTRY, 'none' in REGISTRY)"
    loaded = "from microtorch.op import FUNCTIONS; list(FUNCTIONS.values());"
    few, all_of_them = python(counted.format("put")), python(loaded + counted.format("put"))
    assert few == all_of_them
    assert few.endswith("True False")


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (
            "import random; from microtorch import *; print(exp(zeros(1)), Generator, FloatTensor(1).shape, random.Random)",  # not torch's
            "tensor([1.]) <class 'microtorch.ops.generator.Generator'> torch.Size([1]) <class 'random.Random'>",
        ),
        (
            "class Mine(torch.Tensor):\n  def exp(self): return super().exp() + 1\nprint(Mine([0.0]).exp())",
            "tensor([2.])",
        ),
        ("print(torch.Tensor.exp(torch.zeros(1)), torch.nn.Parameter.exp is torch.Tensor.exp)", "tensor([1.]) True"),
        ("x = torch.zeros(1); x.exp = 3; print(x.exp, torch.zeros(1).exp())", "3 tensor([1.])"),
        ("print(2 - torch.ones(1) == torch.nn.Parameter(torch.ones(1)))", "tensor([True])"),
        ("import inspect; print(inspect.signature(torch.Tensor.gather))", "(input, dim, index, *, sparse_grad=False)"),
        *(
            (f"import pickle; print(pickle.loads(pickle.dumps(torch.{name})) is torch.{name})", "True")
            for name in ("exp", "absolute", "Tensor.exp", "Tensor.exp_", "Tensor.reshape_as", "Tensor.view")
        ),
        ("import microtorch.tensor; print(torch.tensor(1.0))", "tensor(1.)"),
    ],
)
def test_nobody_can_tell(code: str, shown: str) -> None:
    assert python(code) == shown
