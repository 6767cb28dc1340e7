"""The eleven examples, run as a reader runs them, on torch and on microtorch: what they print, draw and learn."""

from __future__ import annotations

import doctest
import functools
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
README = (EXAMPLES / "README.md").read_text()
COMMANDS = {"torch": [sys.executable, "-W", "error"], "microtorch": [sys.executable, "-W", "error", "-m", "microtorch"]}
on_both = pytest.mark.parametrize("backend", COMMANDS)

# The weight and the bias that these runs end with, as the bits of two float32.
LEARNS = {
    ("fit_line", ""): (0x3F9DC6F5, 0x3F7CFB2D),
    ("shared_layer", ""): (0x3F8E21BE, 0x3EEFB245),
}

# Script, its arguments, and lines that it prints, in this order; `...` in a line is anything.
PRINTS = [
    ("fit_line", "", ["linear.weight=1.233", "linear.bias=0.988"]),
    ("shared_layer", "", ["linear.weight=1.110", "linear.bias=0.468", "applied twice: y = 1.233 x + 0.988"]),
    ("shared_layer", "300 --seed 3", ["linear.weight=-1.440", "linear.bias=-1.076"]),
    (
        "linear_regression",
        "",
        [
            "torch.Size([11]) torch.Size([11])",
            "generator",
            "[Parameter containing:",
            "tensor([[-0.9366]], requires_grad=True), Parameter containing:",
            "tensor([-0.5837], requires_grad=True)]",
            "epoch 1000: y = 5.3610 x + 30.0046, loss 0.7316",
        ],
    ),
    (
        "linear_layer",
        "",
        [
            "layer(x) = tensor([0.1714], grad_fn=<ViewBackward0>)",
            "by hand: ... = 0.1714",
            "... y torch.Size([3, 10])",
            "x W^T + b is the same to rounding: True",
            "so is one sample after another: True",
        ],
    ),
    (
        "full_batch_regression",
        "3000",
        ["Epoch[300/3000], loss: 0.496709", "Epoch[3000/3000], loss: 0.145262", "y = 1.6476 x + 1.4525"],
    ),
    ("sine_polynomial", "", ["99 24804.9...", "1999 8...", "y = ... + 0.85... x + ... x^2 + -0.09... x^3"]),
    (
        "regression_from_scratch",
        "",
        [
            "epoch 1, loss 0.873934",
            "epoch 2, loss 0.065524",
            "epoch 3, loss 0.006077",
            "error of w: tensor([ 0.1080, -0.0562], grad_fn=<SubBackward0>)",
            "error of b: tensor([0.0406], grad_fn=<RsubBackward1>)",
        ],
    ),
    ("ohms_law", "", ["epoch 3, loss 0.000047", "error of R: tensor([[-0.0001]], grad_fn=<SubBackward0>)"]),
    (
        "second_derivative",
        "",
        [
            "tensor(75.)",
            "RuntimeError: Trying to backward through the graph a second time ... after calling backward.",
            "tensor(150.)",
            "tensor(75., grad_fn=<CopyBackwards>)",
            "tensor(30.)",
            "Using backward() with create_graph=True will create a reference cycle ... memory leak.",
            "tensor(6., grad_fn=<MulBackward0>)",
            "tensor(0.)",
            "tensor(-0.9589, grad_fn=<MulBackward0>)",
        ],
    ),
    (
        "learning_rates",
        "",
        [
            "   lr 0.01 ... crawls",
            "   lr 1.2 ... 34.62  diverges",
            "   drop_last=False: 3 batches of [4, 4, 2]",
            "   drop_last=True : 2 batches of [4, 4]",
            "   mean, lr 0.1 ... 2.9772",
            "   sum,  lr 0.1 / len(batch) ... 2.9772 ...",
            "   The same to the last bit, ...: True",
        ],
    ),
    (
        "huber_minibatch",
        "",
        [
            "epoch 1, loss 2.226604",
            "epoch 2, loss 0.467332",
            "epoch 3, loss 0.002095",
            "weight tensor([[ 1.9662, -3.3640]])",
            "its gradient in the last batch tensor([[-0.0365,  0.0228]])",
            "bias tensor([4.1580])",
            "its gradient tensor([-0.0396])",
        ],
    ),
]
PRINTS = [pytest.param(*row, id=f"{row[0]} {row[1]}".strip()) for row in PRINTS]


@functools.cache
def poison() -> str:
    """A folder for PYTHONPATH whose matplotlib cannot be imported, so that a run in which it is shows at once."""
    folder = Path(tempfile.mkdtemp())
    (folder / "matplotlib.py").write_text('raise RuntimeError("the example imports matplotlib")\n')
    return str(folder)


def start(backend: str, *command: str, poisoned: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs `python COMMAND` or `python -m microtorch COMMAND` from the repository's root, on one thread."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": poison() if poisoned else ""}
    return subprocess.run(
        [*COMMANDS[backend], *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


PROBE = """\
import runpy, sys
sys.argv = sys.argv[1:]
model = runpy.run_path(sys.argv[0], run_name="__main__")["model"]
print(*(param.detach().numpy().view("uint32").item() for param in model.parameters()))
"""


def run(backend: str, script: str, args: str) -> tuple[str, list[int]]:
    """What a run prints, and the bits it learns if they are in LEARNS. Nothing may go to stderr, not even a warning."""
    command = [f"examples/{script}.py", *args.split()]
    with tempfile.TemporaryDirectory() as folder:
        if (script, args) in LEARNS:
            probe = Path(folder, "probe.py")
            probe.write_text(PROBE)
            command.insert(0, str(probe))
        done = start(backend, *command)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    if (script, args) not in LEARNS:
        return done.stdout, []
    *lines, bits = done.stdout.splitlines(keepends=True)
    return "".join(lines), [int(number) for number in bits.split()]


POOL = ThreadPoolExecutor(os.cpu_count())


@functools.cache
def running(backend: str, script: str, args: str) -> Future[tuple[str, list[int]]]:
    return POOL.submit(run, backend, script, args)


@pytest.fixture(scope="module", autouse=True)
def _ahead(request: pytest.FixtureRequest) -> None:
    """Starts every run that the chosen tests will wait for; xdist's workers, which share the tests, leave it."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    for item in request.session.items:
        params = item.callspec.params if item.path == Path(__file__) and hasattr(item, "callspec") else {}
        if "script" in params:
            for backend in [params["backend"]] if "backend" in params else COMMANDS:
                running(backend, params["script"], params["args"])


def printed(backend: str, script: str, args: str) -> str:
    text, _ = running(backend, script, args).result()
    return text


def test_the_eleven() -> None:
    named = set(re.findall(r"^## (\w+\.py)$", README, re.MULTILINE))
    assert {path.name for path in EXAMPLES.glob("*.py")} == named == {f"{row.values[0]}.py" for row in PRINTS}
    assert len(named) == 11


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_is_plain_pytorch_on_one_page(path: Path) -> None:
    source = path.read_text()
    assert "import torch" in source
    assert "microtorch" not in source
    assert "parity" not in source
    assert source.count("\n") <= 66


@on_both
@pytest.mark.parametrize(("script", "args", "lines"), PRINTS)
def test_prints(backend: str, script: str, args: str, lines: list[str]) -> None:
    text = printed(backend, script, args)
    rest = iter(text.splitlines())
    for line in lines:
        pattern = ".*".join(map(re.escape, line.split("...")))
        assert any(re.fullmatch(pattern, candidate) for candidate in rest), f"{line!r} is not there in\n{text}"
    assert " at 0x" not in text  # an address would differ from run to run
    assert str(ROOT) not in text


@pytest.mark.parametrize(("script", "args", "lines"), [row for row in PRINTS if row.values[0] != "sine_polynomial"])
def test_same_text_on_both(script: str, args: str, lines: list[str]) -> None:
    """To the last character; the digits of a sum over 50 samples in a product, whose order is the vendor's, to 1e-5."""
    ours, theirs = printed("microtorch", script, args), printed("torch", script, args)
    if script == "full_batch_regression":
        number = r"-?\d+\.\d+"
        assert re.sub(number, "#", ours) == re.sub(number, "#", theirs)
        digits = [np.array(re.findall(number, text), dtype=float) for text in (ours, theirs)]
        np.testing.assert_allclose(*digits, rtol=1e-5)
    else:
        assert ours == theirs


def test_sine_polynomial_differs_by_rounding_only() -> None:
    """RMSprop amplifies rounding, so the digits agree while it descends and the coefficients in the end."""
    numbers = {}
    for backend in COMMANDS:
        *losses, equation = printed(backend, "sine_polynomial", "").splitlines()
        table = np.array([line.split() for line in losses], dtype=float)
        np.testing.assert_array_equal(table[:, 0], np.arange(99, 2000, 100))
        numbers[backend] = table[:, 1], np.array(re.findall(r"-?\d\.\d+(?:e-\d+)?", equation), dtype=float)
    (loss, coefficients), (torch_loss, torch_coefficients) = numbers["microtorch"], numbers["torch"]
    np.testing.assert_allclose(loss[:10], torch_loss[:10], rtol=1e-4)
    np.testing.assert_allclose(loss[10:], torch_loss[10:], rtol=0.02)
    np.testing.assert_allclose(coefficients, torch_coefficients, rtol=0, atol=0.01)
    np.testing.assert_allclose(coefficients, [0, 0.857, 0, -0.093], rtol=0, atol=0.01)


@on_both
@pytest.mark.parametrize(("script", "args"), LEARNS)
def test_learns_these_bits(backend: str, script: str, args: str) -> None:
    _, learned = running(backend, script, args).result()
    ulps = [abs(found - bits) for found, bits in zip(learned, LEARNS[script, args], strict=True)]
    assert max(ulps) <= (0 if backend == "torch" else 4)


@on_both
@pytest.mark.parametrize(
    ("command", "magic"),
    [
        ("examples/linear_regression.py 40 --plot fit.png", b"\x89PNG\r\n\x1a\n"),
        ("examples/linear_regression.py 40 --plot fit.gif", b"GIF89a"),
        ("examples/full_batch_regression.py 20 --plot fit.png", b"\x89PNG\r\n\x1a\n"),
    ],
    ids=["linear_regression png", "linear_regression gif", "full_batch_regression png"],
)
def test_draws(backend: str, command: str, magic: bytes, tmp_path: Path) -> None:
    *command_line, name = command.split()
    picture = tmp_path / name
    done = start(backend, *command_line, str(picture), poisoned=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert picture.read_bytes().startswith(magic)
    assert picture.stat().st_size > 5000
    if name.endswith(".gif"):
        from PIL import Image

        with Image.open(picture) as movie:
            assert movie.n_frames == 4  # type: ignore[attr-defined]


def test_an_import_of_matplotlib_would_show() -> None:
    """The check that every run makes, seen to fail."""
    failed = start("torch", "examples/full_batch_regression.py", "1", "--plot", os.devnull)
    assert failed.returncode == 1
    assert failed.stderr.endswith("RuntimeError: the example imports matplotlib\n")


BLOCKS = re.findall(r"```console\n\$ python examples/(\w+)\.py ?([^#\n]*)\n(.+?)```", README, re.DOTALL)


@pytest.mark.parametrize("backend", ["microtorch"])
@pytest.mark.parametrize(("script", "args", "text"), [pytest.param(*b, id=f"{b[0]} {b[1]}".strip()) for b in BLOCKS])
def test_readme_shows_what_is_printed(backend: str, script: str, args: str, text: str) -> None:
    """The README's outputs are torch's (`...` is what it leaves out), so here microtorch has to print them."""
    got = printed(backend, script, args)
    assert doctest.OutputChecker().check_output(text, got, doctest.ELLIPSIS), got


def test_readme_shows_every_script() -> None:
    assert {script for script, _, _ in BLOCKS} == {path.stem for path in EXAMPLES.glob("*.py")}
