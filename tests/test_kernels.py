"""The kernels that round as torch's own: the same bits as torch, for every layout, at every rim of the numbers.

Only what is torch's own is compared here; products and elementary functions, which are the vendor's, have a test with
shared mathematics.
"""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import kernel_table
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import microtorch
from microtorch import kernels
from microtorch.kernels import torch_cpu
from microtorch.kernels.cascade import sum_over
from microtorch.kernels.layout import vectorised
from microtorch.kernels.sequential import euclidean, taxicab, welford

Array = np.ndarray[Any, np.dtype[Any]]
DTYPES = ("float32", "float64")
RIM = [0.0, -0.0, 1.0, -1.5, 1e-45, -3e-40, 2.5e-39, 1e-38, 3.4e38, -3.4e38, math.inf, -math.inf, math.nan, 1 + 2**-23]

lengths = st.sampled_from([1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40, 70])
shapes = st.lists(lengths, max_size=4).map(tuple).filter(lambda shape: math.prod(shape) <= 40_000)
seeds = st.integers(0, 2**32 - 1)


def same_bits(theirs: Any, ours: Any) -> bool:
    """Whether a tensor and an array hold the same bits; one nan is like another."""
    first, second = theirs.detach().numpy(), np.asarray(ours)
    alike = (
        first.dtype == second.dtype and first.shape == second.shape and np.array_equal(first, second, equal_nan=True)
    )
    return alike and bool((np.signbit(first) == np.signbit(second))[~np.isnan(second)].all())


def numbers(shape: tuple[int, ...], dtype: str, seed: int) -> Array:
    """Numbers of many sizes."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 4, shape)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float16", *DTYPES])
def test_what_relu_lets_through(dtype: str) -> None:
    rim = (
        np.array(RIM).astype("f4").astype(dtype)
        if dtype != "float16"
        else np.array([v for v in RIM if abs(v) != 3.4e38], dtype)
    )
    g, x = (np.ascontiguousarray(grid) for grid in np.meshgrid(rim, rim))
    for a, b in (
        (g, x),
        (g.T, x.T),
        (g[1, 2], x[1, 2]),
        (np.broadcast_to(rim, x.shape), x),
        (g[:, ::2], x[:, 1::2][:, : g[:, ::2].shape[1]]),
    ):
        theirs = torch.ops.aten.threshold_backward(*(torch.from_numpy(np.array(v)) for v in (a, b)), 0)
        assert same_bits(theirs, kernels.threshold_backward(np.asarray(a), np.asarray(b)))


def test_numbers_are_told_apart_by_sign_and_type() -> None:
    assert [np.signbit(kernels.number(zero, "f")) for zero in (0.0, -0.0, 0.0)] == [False, True, False]
    assert [kernels.number(one, dtype).dtype.char for one, dtype in ((1, "f"), (1.0, "d"), (True, "e"))] == [
        "f",
        "d",
        "e",
    ]
    assert np.isnan(kernels.number(math.nan, "f"))


@st.composite
def arrays(draw: Any) -> tuple[torch.Tensor, Array]:
    """A tensor and an array over the same memory, dense or not, permuted, expanded."""
    shape = draw(shapes)
    tensor = torch.from_numpy(numbers(shape, draw(st.sampled_from(DTYPES)), draw(seeds)))
    if tensor.ndim:
        tensor = tensor.permute(draw(st.permutations(range(tensor.ndim))))
        how, dim = (
            draw(st.sampled_from(["whole", "rows", "columns", "expanded"])),
            draw(st.integers(0, tensor.ndim - 1)),
        )
        if how == "rows":
            tensor = tensor[::2]
        elif how == "columns":
            tensor = tensor[..., 1::2]
        elif how == "expanded":
            tensor = tensor.narrow(dim, 0, 1).expand([5 if i == dim else n for i, n in enumerate(tensor.shape)])
    steps = [step * tensor.element_size() for step in tensor.stride()]
    return tensor, np.lib.stride_tricks.as_strided(tensor.numpy(), tuple(tensor.shape), steps)


@st.composite
def reductions(draw: Any) -> tuple[torch.Tensor, Array, tuple[int, ...], bool]:
    tensor, array = draw(arrays())
    every = range(tensor.ndim)
    dims = draw(st.lists(st.sampled_from(every), min_size=1, unique=True).map(tuple)) if tensor.ndim else ()
    return tensor, array, dims, draw(st.booleans())


def _count(array: Array, dims: tuple[int, ...]) -> int:
    return math.prod(array.shape[d] for d in dims)


REDUCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sum": (lambda t, d, k: t.sum(d, k) if d else t.sum(), lambda a, d, k: sum_over(a, d or None, k)),
    "mean": (
        lambda t, d, k: t.mean(d, k) if d else t.mean(),
        lambda a, d, k: torch_cpu.mean(a, d or None, k, _count(a, d)),
    ),
    "norm": (lambda t, d, k: torch.linalg.vector_norm(t, 2, d or None, k), lambda a, d, k: euclidean(a, d or None, k)),
    "norm 1": (lambda t, d, k: torch.linalg.vector_norm(t, 1, d or None, k), lambda a, d, k: taxicab(a, d or None, k)),
    "var_mean": (
        lambda t, d, k: torch.var_mean(t, d or None, correction=0, keepdim=k)[0],
        lambda a, d, k: welford(a, d or None, k, 0)[0].astype(a.dtype),
    ),
    "var": (
        lambda t, d, k: torch.var(t, d or None, correction=0, keepdim=k),
        lambda a, d, k: torch_cpu.moments(a, d or None, k, 0, False)[0].astype(a.dtype),
    ),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@settings(deadline=None, max_examples=60)
@given(reductions())
def test_reductions_of_any_layout(name: str, drawn: tuple[torch.Tensor, Array, tuple[int, ...], bool]) -> None:
    tensor, array, dims, keepdim = drawn
    if not tensor.numel():
        return
    theirs, ours = REDUCTIONS[name]
    assert same_bits(theirs(tensor, dims, keepdim), ours(array, dims, keepdim))


# -- element by element ------------------------------------------------------------------------------------------------

ELEMENTWISE: dict[str, tuple[int, Callable[..., Any], Callable[..., Any]]] = {
    "add alpha": (2, lambda x, y: torch.add(x, y, alpha=0.7), lambda x, y: torch_cpu.add_scaled(x, y, 0.7)),
    "add alpha 1": (2, torch.add, lambda x, y: torch_cpu.add_scaled(x, y, 1)),
    "add alpha -1": (2, torch.sub, lambda x, y: torch_cpu.add_scaled(x, y, -1)),
    "a number, alpha": (1, lambda x: torch.rsub(x, 3, alpha=0.7), lambda x: torch_cpu.add_scaled(3, x, -0.7)),
    "a number, alpha 1": (1, lambda x: torch.rsub(x, 3), lambda x: torch_cpu.add_scaled(3, x, -1)),
    "addcmul": (
        3,
        lambda x, a, b: torch.addcmul(x, a, b, value=-0.3),
        lambda x, a, b: torch_cpu.addcmul(x, a, b, -0.3),
    ),
    "addcdiv": (3, lambda x, a, b: torch.addcdiv(x, a, b, value=0.3), lambda x, a, b: torch_cpu.addcdiv(x, a, b, 0.3)),
    "lerp near": (2, lambda x, y: torch.lerp(x, y, 0.1), lambda x, y: torch_cpu.lerp(x, y, 0.1)),
    "lerp far": (2, lambda x, y: torch.lerp(x, y, 0.9), lambda x, y: torch_cpu.lerp(x, y, 0.9)),
    "lerp to the end": (2, lambda x, y: torch.lerp(x, y, 1.0), lambda x, y: torch_cpu.lerp(x, y, 1.0)),
    "lerp tensor": (3, torch.lerp, lambda x, y, w: torch_cpu.lerp(x, y, w)),
    "tanh_backward": (2, torch.ops.aten.tanh_backward, torch_cpu.tanh_backward),
    "pow 2": (1, lambda x: x**2, lambda x: torch_cpu.pow(x, 2)),
    "pow 3": (1, lambda x: x**3, lambda x: torch_cpu.pow(x, 3)),
    "pow -1": (1, lambda x: x**-1, lambda x: torch_cpu.pow(x, -1)),
    "pow -2": (1, lambda x: x**-2.0, lambda x: torch_cpu.pow(x, -2.0)),
    "pow -1/2": (1, lambda x: x**-0.5, lambda x: torch_cpu.pow(x, -0.5)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_element_by_element(name: str, dtype: str) -> None:
    """Numbers of many sizes, and every combination of those at the rim: subnormal, infinite, nan, zeros of both signs."""
    count, theirs, ours = ELEMENTWISE[name]
    rim = np.array(list(itertools.product(RIM, repeat=count)), dtype).T
    for operands in ([*rim], [numbers((4001,), dtype, seed) for seed in range(count)]):
        with np.errstate(all="ignore"):
            assert same_bits(theirs(*map(torch.from_numpy, map(np.copy, operands))), ours(*operands))


# -- losses, whose kernels differ in and outside of vectors -------------------------------------------------------------

LOSSES = {
    "mse_loss": {},
    "huber_loss": {"delta": 0.7},
    "smooth_l1_loss": {"beta": 0.7},
}


@pytest.mark.parametrize("name", LOSSES)
@settings(deadline=None, max_examples=60)
@given(arrays(), st.sampled_from(["mean", "sum", "none"]), seeds, st.booleans())
def test_losses_of_any_layout(
    name: str, drawn: tuple[torch.Tensor, Array], reduction: str, seed: int, dense: bool
) -> None:
    """Value and gradient for targets that lie in memory as the input does, or densely."""
    given_input, array = drawn
    if not given_input.numel():
        return
    target = np.asarray(array + np.random.default_rng(seed).uniform(-2, 2, array.shape), array.dtype)
    if not dense:
        target = np.copy(target, order="K")
    results = []
    with kernels.use("torch_cpu"):
        for module in (torch, microtorch):
            x = module.from_numpy(array.copy(order="K")).requires_grad_()
            loss = getattr(module.nn.functional, name)(
                x, module.from_numpy(target), reduction=reduction, **LOSSES[name]
            )
            loss.backward(module.ones_like(loss) * 0.3)
            results.append((loss.detach().numpy(), x.grad.numpy()))
    for theirs, ours in zip(*results, strict=True):
        assert theirs.tobytes() == ours.tobytes()


def test_what_is_computed_in_vectors() -> None:
    """Of a loop the part that fills vectors, where all operands step by one, or all but one and that stands still."""
    x = np.zeros((2, 20), np.float32)
    still = np.broadcast_to(np.float32(0), x.shape)
    assert vectorised([x, x, x], 16).sum() == 32  # one loop of 40
    assert vectorised([x, x, still], 16).sum() == 32
    assert vectorised([x, still, still], 16).sum() == 0
    assert vectorised([x[:, :17], x[:, :17]], 16).sum(axis=1).tolist() == [16, 16]  # two loops of 17
    assert vectorised([x[:, ::2], x[:, ::2]], 16).sum() == 0


# -- the table ---------------------------------------------------------------------------------------------------------


def test_the_table_in_the_docs_is_current() -> None:
    """What is torch's own is the same everywhere; the vendor's part is as here where the CPU and the versions are."""
    written, measured = kernel_table.DOC.read_text().splitlines(), kernel_table.document().splitlines()
    own = slice(0, next(i for i, line in enumerate(measured) if line.startswith("| exp ")))
    rows = [line for line in measured[own] if "| float" in line]
    assert len(rows) == 2 * len(kernel_table.OWN)
    assert all(row.endswith("| all | 0 |") for row in rows), "\n".join(rows)
    if written[2] == measured[2]:
        assert written == measured
    else:
        named = [[line.rsplit("|", 3)[0] for line in lines if line.startswith("|")] for lines in (written, measured)]
        assert named[0] == named[1]


# -- which are in use --------------------------------------------------------------------------------------------------


def test_every_set_has_every_kernel() -> None:
    for functions in kernels.SETS.values():
        assert all(callable(functions[name]) for name in kernels.shared())
    assert len(kernels.shared()) >= 36


def test_use_holds_until_it_is_left() -> None:
    assert kernels.current() == "numpy"
    with microtorch.backends.kernels.use("torch_cpu"):
        assert kernels.sum is torch_cpu.sum
        with kernels.use("torch_cpu:fma"):
            assert kernels.current() == microtorch.backends.kernels.current() == "torch_cpu:fma"
        assert kernels.current() == "torch_cpu"
    assert kernels.sum is kernels.SETS["numpy"]["sum"]
    with pytest.raises(ValueError, match="there are no kernels named 'mkl'; there are numpy, torch_cpu, torch_cpu:fma"):
        kernels.use("mkl")


@pytest.mark.parametrize(
    ("variable", "words", "name"),
    [("", [], "numpy"), ("torch_cpu:fma", [], "torch_cpu:fma"), ("numpy", ["--kernels", "torch_cpu"], "torch_cpu")],
)
def test_chosen_from_outside(variable: str, words: list[str], name: str, tmp_path: Any) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys, torch\nprint(torch.backends.kernels.current(), sys.argv[1:])\n")
    environment = {"PYTHONPATH": ":".join(sys.path)} | ({kernels.VARIABLE: variable} if variable else {})
    command = [sys.executable, "-m", "microtorch", *words, str(script), "--kernels", "its own"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{name} ['--kernels', 'its own']\n"


@pytest.mark.parametrize(
    ("variable", "words", "said"),
    [
        ("mkl", ["script.py"], "there are no kernels named 'mkl'; there are numpy, torch_cpu, torch_cpu:fma"),
        ("", ["--kernels", "mkl", "script.py"], "there are no kernels named 'mkl'"),
        ("", ["--kernels"], "--kernels needs a name"),
    ],
)
def test_kernels_that_there_are_not(variable: str, words: list[str], said: str) -> None:
    environment = {"PYTHONPATH": ":".join(sys.path)} | ({kernels.VARIABLE: variable} if variable else {})
    command = [sys.executable, "-m", "microtorch", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert said in done.stderr
