"""Any module of torch's shape in microtorch's place: an engine of a hundred lines, what it lacks, and odder ones."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from parity import cli, noise
from parity.backends import named
from parity.judge import DIFFERENT, WITHIN_NOISE
from parity.launch import Outcome, launch
from parity.trace import END, GENERATOR, GRADIENT, INITIAL, STATE, WEIGHT
from parity.worker import Job

TESTS = Path(__file__).parent
TINY = (TESTS / "tiny.py").read_text()

# The data are 2 x₀ − 3 x₁ + 1 and all short binary fractions: every way of rounding ends in the same bits.
SCRIPT = """
import torch
x = torch.tensor([[0.5, -1.25], [1.0, 0.75], [-0.5, 1.5], [0.25, 2.0], [1.5, -0.5]])
y = torch.tensor([[5.75], [0.75], [-4.5], [-4.5], [5.5]])
layer = torch.nn.Linear(2, 1)
criterion = torch.nn.MSELoss()
optimizer = torch.optim.SGD([layer.weight, layer.bias], lr=0.1, momentum=0.5)
for step in range(200):
    loss = criterion(layer(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step < 4:
        print(f"{step} {loss.item():.3f}")
"""
SHORT = SCRIPT.replace("200", "3")


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    """Runs a script on an engine of one's own writing, and gives what it has left."""

    def run(source: str, script: str, dtype: str = "float32") -> Outcome:
        (tmp_path / "script.py").write_text(script)
        (tmp_path / "own_engine.py").write_text(source)
        job = Job(named("own_engine", str(tmp_path)), str(tmp_path / "script.py"), dtype=dtype)
        return launch([job])[0]

    return run


def test_tiny_is_tiny() -> None:
    assert TINY.count("\n") < 150


@pytest.mark.parametrize("right", [False, True], ids=["faulty", "right"])
def test_the_fault_is_found_and_none_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], right: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TINY", "right" if right else "")
    (tmp_path / "script.py").write_text(SCRIPT)
    words = ["--candidate", "tiny", "--path", str(TESTS), str(tmp_path / "script.py")]
    monkeypatch.setattr(noise, "KERNELS", noise.KERNELS[:1])  # the fault is no noise of the others either
    status = cli.main(["--json", str(tmp_path / "found.json"), "--float32", *words])
    (result,) = json.loads((tmp_path / "found.json").read_text())["results"]
    assert "tiny: parity cannot see generator state, optimizer state" in capsys.readouterr().out
    if right:
        assert (status, result["verdict"]) == (cli.OK, WITHIN_NOISE)
        assert result["distance"]["final_weights"] == [0, 0.0]
        return
    assert (status, result["verdict"]) == (cli.DIFFERENCE, DIFFERENT)
    fault = result["fault"]
    assert (fault["step"], fault["phase"], fault["name"], fault["exact"]) == (0, GRADIENT, "bias", True)
    (ours, _), (theirs, _) = fault["values"]
    assert theirs == pytest.approx(ours / 5)
    assert result["cause"][0] == "semantic difference"


MUCH = """
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
class Mine(torch.nn.Module):
    def forward(self, x):
        with torch.no_grad():
            return torch.nn.Linear(1, 1)(x)
import torch.nn.functional as F
F.relu(torch.tensor(0.0))
class Best(torch.optim.Optimizer): pass
from torch import optim as o
o.SGD, o.lr_scheduler.StepLR, torch.autograd.grad
"""
LACKS = ["manual_seed", "set_default_dtype", "float64", "nn.Module", "no_grad", "nn.functional", "optim.Optimizer"]
LACKS = [f"torch.{name}" for name in [*LACKS, "optim.lr_scheduler", "autograd"]]


@pytest.mark.parametrize(
    ("script", "lacks"),
    [
        ("torch.nn.Linear(1, 1).register_forward_hook(print)", ["torch.Linear.register_forward_hook"]),
        ("torch.optim.SGD([], 0.1).state_dict()", ["torch.SGD.state_dict"]),
        ("(torch.tensor([1.0]).sum() + torch.ones(1)).backward()", ["torch.ones", "torch.Tensor.sum"]),
        ("from torch.utils.data import DataLoader\nfrom torch import optim, tensor", ["torch.utils"]),
        ("from torch import *\nones", []),
        (MUCH, LACKS),
    ],
)
def test_what_a_script_asks_for_and_the_engine_lacks_is_named(engine: Any, script: str, lacks: list[str]) -> None:
    outcome = engine(TINY, f"import torch\n{script}\n")
    assert (outcome.unable, outcome.status) == ("", 1)
    assert outcome.trace.about["error"]["type"] in ("AttributeError", "ModuleNotFoundError", "ImportError", "NameError")
    assert outcome.trace.about["lacks"] == lacks


def test_what_parity_itself_asks_for_is_named(engine: Any) -> None:
    about = engine(TINY, SHORT).trace.about
    assert about["error"] is None
    assert about["lacks"] == []
    assert about["hidden"] == sorted([GENERATOR, STATE])
    assert about["unread"] == about["unwatched"] == []


BY_HAND = """
import torch
w = torch.tensor(2.0, requires_grad=True)
for step in range(3):
    loss = torch.nn.MSELoss()(w, torch.tensor(1.0))
    loss.backward()
    w.data = w.data - 0.1 * w.grad.data
    w.grad = None
"""

NO_REFERENCES = 'class Tensor:\n    __slots__ = ("data", "grad", "requires_grad", "sources")\n'
GROUPS = "self.velocity = [np.zeros_like(x.data) for x in self.params]\n            self.param_groups = [{'params': params, 'lr': lr}]"
SEQUENTIAL = """
    class Sequential:
        def __init__(self, *parts): self.parts = parts
        def parameters(self): return [x for part in self.parts if hasattr(part, "parameters") for x in part.parameters()]
        def __call__(self, x):
            for part in self.parts: x = part(x)
            return x

    class Linear:
"""


@pytest.mark.parametrize(
    ("right", "wrong", "script", "names"),
    [
        ("", "", SHORT, ["weight", "bias"]),
        ("class Tensor:", NO_REFERENCES, SHORT, ["weight", "bias"]),
        ("        def parameters(self) -> list[Tensor]:\n            return [self.weight, self.bias]\n", "", SHORT, ["weight", "bias"]),
        ("self.velocity = [np.zeros_like(x.data) for x in self.params]", GROUPS, SHORT, ["weight", "bias"]),
        ("    class Linear:\n", SEQUENTIAL, SHORT.replace("torch.nn.Linear(2, 1)", "torch.nn.Sequential(torch.nn.Linear(2, 1))").replace("layer.weight, layer.bias", "*layer.parameters()"), ["0.weight", "0.bias"]),
        ("", "", BY_HAND, ["w"]),
        ("class optim:", "class others:", BY_HAND, ["w"]),
        ("Tensor(gradient if tensor.grad is None else tensor.grad.data + gradient)", "gradient if tensor.grad is None else tensor.grad + gradient", SHORT.replace("optimizer.step()", ""), ["weight", "bias"]),
    ],
)  # fmt: skip
def test_engines_of_other_shapes(engine: Any, right: str, wrong: str, script: str, names: list[str]) -> None:
    """Leaves have the names that torch's have, with gradients and weights at every step."""
    assert TINY.count(right) == 1 or not right
    outcome = engine(TINY.replace(right, wrong) if right else TINY, script)
    assert (outcome.unable, outcome.trace.about["error"]) == ("", None), outcome.warnings
    assert [event.number for event in outcome.trace.events] == [0, 1, 2, END]
    for event in outcome.trace.events:
        phases = (
            (WEIGHT,)
            if event.number == END
            else (INITIAL, GRADIENT, WEIGHT)
            if event.number == 0
            else (GRADIENT, WEIGHT)
        )
        for phase in phases:
            found = sorted(name for kind, name in event.arrays if kind == phase)
            assert found == sorted(names), (event.number, phase)


def test_an_engine_that_computes_in_float64_is_held_against_torchs_float64(engine: Any) -> None:
    source = TINY.replace("float32", "float64")
    assert engine(source, SHORT, "float64").unable == ""
    sentence = "own_engine has no set_default_dtype and computes in {}, so the script cannot be run in {}"
    assert engine(source, SHORT).unable == sentence.format("float64", "float32")
    assert engine(TINY, SHORT, "float64").unable == sentence.format("float32", "float64")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import nowhere", "import own_engine fails with ModuleNotFoundError: No module named 'nowhere'"),
        ("raise ValueError('not\\nyet')", "import own_engine fails with ValueError: not\nyet"),
        ("def", "import own_engine fails with SyntaxError"),
        ("import os; os._exit(5)", "its process ended with status 5 and left no trace"),
    ],
)
def test_an_engine_that_cannot_be_imported_says_so(engine: Any, source: str, sentence: str) -> None:
    assert engine(source, SHORT).unable.startswith(sentence)


def test_an_empty_module_lacks_everything(engine: Any) -> None:
    outcome = engine("", SHORT)
    assert outcome.unable == ""
    assert outcome.trace.about["lacks"] == ["torch.tensor", "torch.nn", "torch.optim"]


def test_hooks_do_not_change_the_engine(tmp_path: Path, engine: Any) -> None:
    """Recorded and not, it computes the same."""
    script = SHORT + "print(layer.weight.data.tobytes().hex())"
    texts = [engine(TINY, script).trace.text]
    job = Job(named("own_engine", str(tmp_path)), str(tmp_path / "script.py"), record=False)
    texts.append(launch([job])[0].trace.text)
    assert texts[0] == texts[1] != ""
    assert os.environ.get("TINY") is None
