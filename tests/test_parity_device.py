"""Scripts on another device: random numbers from the CPU, tensors moved, text the same. A GPU is stood in for."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from standin import NAME

from parity import cli, device
from parity.backends import TORCH, named, on_devices
from parity.compare import compare
from parity.launch import launch
from parity.mathematics import cpu_kernels
from parity.worker import Job

TESTS = Path(__file__).parent
CUDA = torch.cuda.is_available()

# Runs pieces of code on the CPU, then on a device, and tells of each what it made: text, bits, generator states.
PROBE = """
import hashlib, json, sys, warnings
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from parity import device
kind, pieces = json.load(sys.stdin)
if kind == "standin":
    import standin
    kept = standin.put_up()

def bits(x):
    if isinstance(x, torch.Tensor):
        return x.detach().cpu().contiguous().view(-1).numpy().tobytes().hex()
    return [bits(y) for y in x] if isinstance(x, (list, tuple)) else repr(x)

def told(code):
    torch.manual_seed(5)
    made = {"torch": torch, "nn": nn, "F": F, "np": np, "g": torch.Generator().manual_seed(7)}
    warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, of numpy's arrays
    try:
        exec(code, made)
        seen = [bits(made["x"]), str(made["x"])]
    except Exception as error:
        seen = [type(error).__name__, str(error)]
    states = [torch.get_rng_state(), made["g"].get_state()]
    here = made.get("x").device.type if isinstance(made.get("x"), torch.Tensor) else ""
    return [*seen, *(hashlib.md5(bytes(state.tolist())).hexdigest() for state in states)], here

on_cpu = [told(code)[0] for code in pieces]
device.put_in_place(torch, kind)
there = [told(code) for code in pieces]
flags = [torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32]
flags += [torch.are_deterministic_algorithms_enabled(), torch.get_default_device().type]
json.dump([on_cpu, there, flags], sys.stdout)
"""

# Each leaves `x`; what is drawn, or moved, must be the CPU's to the last bit.
DRAWS = [
    "x = torch.rand(7)",
    "x = torch.randn(40)",
    "x = torch.randn(40, dtype=torch.float64)",
    "x = torch.randn(2, 3, generator=g)",
    "x = torch.rand(3, generator=g)",
    "x = torch.randint(0, 9, (5,))",
    "x = torch.randint(9, (5,), generator=g)",
    "x = torch.randperm(11)",
    "x = torch.randperm(11, generator=g)",
    "x = torch.rand_like(torch.ones(2, 3))",
    "x = torch.randn_like(torch.ones(20, dtype=torch.float64))",
    "x = torch.randint_like(torch.ones(4), 7)",
    "x = torch.normal(0, 1, (3, 20))",
    "x = torch.normal(0.0, 1.0, size=(3,), generator=g)",
    "x = torch.normal(torch.arange(4.0), torch.ones(4))",
    "x = torch.normal(torch.arange(4.0), 2.0)",
    "x = torch.normal(1.0, torch.arange(1.0, 5.0))",
    "x = torch.empty(4); torch.normal(torch.arange(4.0), torch.ones(4), out=x)",
    "x = torch.bernoulli(torch.linspace(0, 1, 9))",
    "x = torch.bernoulli(torch.zeros(9), 0.4)",
    "x = torch.poisson(torch.linspace(0, 9, 5))",
    "x = torch.binomial(torch.full((4,), 9.0), torch.full((4,), 0.5))",
    "x = torch.multinomial(torch.tensor([1.0, 2.0, 3.0]), 2)",
    "x = torch.empty(3, 4).normal_()",
    "x = torch.zeros(4, 6); x[:, ::2].uniform_(1, 2)",
    "x = torch.zeros(4, 6); x[1].normal_(generator=g)",
    "x = torch.zeros(5).random_(3, 9)",
    "x = torch.zeros(5).random_(9)",
    "x = torch.zeros(5).random_()",
    "x = torch.zeros(5).exponential_(2.0)",
    "x = torch.zeros(5).cauchy_()",
    "x = torch.zeros(5).log_normal_()",
    "x = torch.zeros(5).geometric_(0.3)",
    "x = torch.zeros(5).bernoulli_(0.3)",
    "x = torch.zeros(5).bernoulli_(torch.linspace(0, 1, 5))",
    "x = torch.zeros(20); nn.init.trunc_normal_(x)",
    "x = torch.empty(5, 3); nn.init.orthogonal_(x)",
    "x = torch.distributions.Gamma(torch.tensor(2.0), 1.0).sample((3,))",
    "x = torch.distributions.Dirichlet(torch.ones(3)).sample()",
    "x = [p for p in nn.Linear(3, 5).parameters()]",
    "x = [p for p in nn.Sequential(nn.Conv2d(1, 2, 3), nn.Embedding(4, 3), nn.LSTM(2, 3)).parameters()]",
    "x = nn.Dropout(0.3)(torch.ones(4, 5))",
    "x = nn.Dropout(1.0)(torch.ones(4))",
    "x = nn.Dropout(0.0)(torch.ones(4))",
    "x = nn.Dropout(0.3).eval()(torch.ones(4))",
    "y = torch.ones(9, requires_grad=True); F.dropout(y, 0.5).sum().backward(); x = y.grad",
    "x = F.dropout(torch.ones(9), 0.5, inplace=True)",
    "x = F.alpha_dropout(torch.ones(9), 0.5, training=True)",
    "x = F.dropout1d(torch.ones(2, 3, 4))",
    "x = F.rrelu(-torch.ones(6), training=True)",
    "x = F.gumbel_softmax(torch.zeros(4))",
    "data = torch.utils.data; x = [b[0] for b in data.DataLoader(data.TensorDataset(torch.arange(10)), 3, shuffle=True)]",
    "data = torch.utils.data; x = [b for b in data.DataLoader(list(range(10)), 3, shuffle=True, generator=g)]",
    "data = torch.utils.data; x = [list(part) for part in data.random_split(range(9), [4, 5])]",
]
MOVES = [
    "x = torch.tensor([1.0, 2.0])",
    "x = torch.Tensor([1.0, 2.0])",
    "x = torch.Tensor(2, 2).fill_(1)",
    "x = torch.FloatTensor([1.0]) + 1",
    "x = torch.LongTensor(2).fill_(3)",
    "x = isinstance(torch.ones(1), torch.FloatTensor), isinstance(torch.ones(1), torch.LongTensor)",
    "x = torch.from_numpy(np.arange(3.0))",
    "x = torch.as_tensor(np.arange(3.0)) + torch.ones(3)",
    "x = torch.ones(3).numpy() + torch.ones(3, requires_grad=True).detach().numpy()",
    "x = np.asarray(torch.ones(3)) * np.array(torch.arange(3.0))",
    "x = np.sin(torch.ones(3).numpy()).tolist(), torch.ones(2).tolist(), torch.ones(1).item()",
    "x = torch.ones(2, requires_grad=True)",
    "x = [torch.ones(2, dtype=torch.float64) * 3, nn.Parameter(torch.zeros(2))]",
    "x = torch.tensor([1.0, 2.0]).sum() + torch.tensor(1)",
    "x = torch.get_rng_state()[:4]",
]


@functools.cache
def told(kind: str) -> Any:
    """What PROBE tells of all pieces."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])} | device.VARIABLES
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE],
        input=json.dumps([kind, DRAWS + MOVES]),
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


needs_cuda = pytest.mark.skipif(not CUDA, reason="torch finds no CUDA device here")


def check_piece(kind: str, piece: str) -> None:
    on_cpu, there, _ = told(kind)
    place = (DRAWS + MOVES).index(piece)
    seen, where = there[place]
    assert seen == on_cpu[place], piece
    if "rng_state" not in piece:
        assert where in (kind, ""), piece


@pytest.mark.parametrize("piece", DRAWS + MOVES)
def test_the_same_numbers_on_a_device_as_on_the_cpu(piece: str) -> None:
    check_piece(NAME, piece)


@needs_cuda
def test_the_same_numbers_on_a_gpu_as_on_the_cpu() -> None:
    for piece in DRAWS + MOVES:
        check_piece("cuda", piece)


@pytest.mark.parametrize("kind", [NAME, pytest.param("cuda", marks=needs_cuda)])
def test_what_is_set_from_outside(kind: str) -> None:
    """TF32 off, deterministic algorithms on, and the default device."""
    assert told(kind)[2] == [False, False, True, kind]


def test_every_kernel_that_draws_is_replaced() -> None:
    """Those of the CPU that take a generator, and dropout's, which is a kernel of its own on a GPU."""
    drawing = set()
    for full in cpu_kernels(torch):
        if torch._C._dispatch_has_kernel_for_dispatch_key(full, "CPU"):
            schema = torch._C._get_schema(full.partition(".")[0], full.partition(".")[2])
            if any("Generator" in str(argument.type) for argument in schema.arguments):
                drawing.add(full.removeprefix("aten::"))
    assert drawing == set(device.DRAWS)


def test_another_generator_is_refused() -> None:
    generator = SimpleNamespace(device=torch.device("cuda:0"))
    with pytest.raises(NotImplementedError, match=r"parity draws random numbers on the CPU, .* a generator on cuda:0"):
        device.drawn(torch, "normal_")(torch.zeros(3), generator=generator)


@pytest.mark.parametrize("name", ["uniform_", "normal_", "exponential_", "random_"])
def test_what_is_drawn_is_written_where_it_belongs(name: str) -> None:
    """In place, in any layout, and the same tensor is given back."""
    x, y = (torch.zeros(6, 8)[::2].t() for _ in range(2))
    torch.manual_seed(1)
    getattr(x, name)()
    state = torch.get_rng_state()
    torch.manual_seed(1)
    assert device.drawn(torch, name)(y) is y
    assert torch.equal(x, y)
    assert torch.equal(state, torch.get_rng_state())


def test_a_script_runs_on_a_device_that_it_does_not_know(tmp_path: Path) -> None:
    """An example in a child process, recorded on the stand-in: every bit is the CPU's."""
    (tmp_path / "elsewhere.py").write_text(
        f"import sys\nsys.path.append({str(TESTS)!r})\nimport standin, torch\nkept = standin.put_up()\n"
        f"from parity import device\ndevice.put_in_place(torch, {NAME!r})\n"
        "def __getattr__(name): return getattr(torch, name)\n"
    )
    script = str(TESTS.parent / "examples" / "huber_minibatch.py")
    cpu, there = launch([Job(b, script, ("1",)) for b in (TORCH, named("elsewhere", str(tmp_path)))], at_once=2)
    assert (cpu.unable, there.unable, there.warnings) == ("", "", "")
    assert compare(cpu.trace, there.trace).identical
    assert there.trace.steps == 100


def test_the_devices_environment() -> None:
    here, there = on_devices("cuda:1")
    assert (here.variables, here.device) == ({"CUDA_VISIBLE_DEVICES": ""}, "")
    assert (there.variables, there.device) == ({"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}, "cuda:1")
    assert (here.name, there.name) == ("torch (cpu)", "torch (cuda:1)")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mps", "parity: parity compares devices of the kind cuda; it does not know 'mps'\n"),
        ("cuda:x", "parity: parity compares devices of the kind cuda; it does not know 'cuda:x'\n"),
        pytest.param(
            "cuda",
            "parity: torch finds no CUDA device here, so nothing can be run on one\n",
            marks=pytest.mark.skipif(CUDA, reason="there is a CUDA device"),
        ),
    ],
)
def test_a_device_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, sentence: str
) -> None:
    (tmp_path / "script.py").write_text("import torch\n")
    assert cli.main(["--device", name, str(tmp_path / "script.py")]) == cli.COULD_NOT
    assert capsys.readouterr() == ("", sentence)


@needs_cuda
def test_examples_on_a_gpu(tmp_path: Path) -> None:
    """torch there against torch here, and microtorch against torch there: no difference beyond noise."""
    file = tmp_path / "found.json"
    scripts = [str(TESTS.parent / "examples" / f"{name}.py") for name in ("huber_minibatch", "learning_rates")]
    assert cli.main(["--device", "cuda", "--json", str(file), *scripts]) == cli.OK
    found = json.loads(file.read_text())
    assert found["environment"]["gpu"] == torch.cuda.get_device_name("cuda")
    assert len(found["results"]) == 8
