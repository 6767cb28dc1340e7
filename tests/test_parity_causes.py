"""Forty faults planted into microtorch, one line each: parity says where, and why; none is called noise.

And the other way round: what only rounds otherwise is called rounding.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from parity_harness import run
from planted import microtorch_with

from parity.cause import INITIALISATION, ORDER, RANDOM, ROUNDING, SEMANTIC, Cause, cause_of
from parity.compare import Comparison, compare, differs
from parity.floor import floor_of
from parity.judge import DEMANDS, DIFFERENT, IDENTICAL, WITHIN_NOISE, judge
from parity.locate import Parting, first_parting
from parity.noise import KERNELS
from parity.trace import BATCH, FORWARD, GRADIENT, INITIAL, LOSS, STATE, WEIGHT, Trace

SCRIPTS = {
    "mlp": """
torch.manual_seed(3)
nn = torch.nn
x = torch.randn(24, 4)
y = x.sum(1, keepdim=True).sin()
net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(0.2), nn.Linear(6, 1))
error = nn.MSELoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=9, shuffle=True)
for epoch in range(2):
    for X, Y in data:
        optimizer.zero_grad()
        error(net(X), Y).backward()
        optimizer.step()
""",
    "rms": """
torch.manual_seed(5)
nn = torch.nn
x = torch.linspace(-2, 2, 20).reshape(10, 2)
net = nn.Sequential(nn.Linear(2, 5), nn.Sigmoid(), nn.Linear(5, 3), nn.ReLU(), nn.Linear(3, 1), nn.Flatten(0))
error = nn.HuberLoss(delta=0.5)
optimizer = torch.optim.RMSprop(net.parameters(), lr=0.01, momentum=0.5, centered=True)
for step in range(6):
    rows = torch.randint(0, 10, (7,))
    optimizer.zero_grad()
    error(net(x[rows]), 3 * x[rows, 0]).backward()
    optimizer.step()
""",
    "hand": """
torch.manual_seed(7)
x = torch.rand(12, 3)
y = torch.exp(x @ torch.tensor([[1.0], [-0.5], [0.2]]))
w = torch.normal(0, 0.3, (3, 1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for step in range(6):
    rows = torch.randperm(12)[:8]
    X, Y = x[rows], y[rows]
    h = X @ w + b
    loss = ((h.exp() - Y) ** 2 / (1 + Y)).mean() + 0.1 * (w * w * b.cos()).sum() + 0.01 * w.abs().sqrt().max()
    loss.backward()
    with torch.no_grad():
        for p in (w, b):
            p -= 0.1 * p.grad
            p.grad.zero_()
""",
}
DTYPES = {"float32": torch.float32, "float64": torch.float64}


class Fault(NamedTuple):
    """In `file`, `right` becomes `wrong`; while `script` runs, that is seen at this step as this quantity first."""

    name: str
    script: str
    file: str
    right: str
    wrong: str
    step: int
    key: tuple[str, str]
    cause: str


F = Fault
ENGINE, SGD, RMS, KERNELS_, LINEAR = (
    "engine.py",
    "optim/sgd.py",
    "optim/rmsprop.py",
    "kernels/numpy.py",
    "nn/modules/linear.py",
)
ARITHMETIC, POINTWISE, RANDOMS, SAMPLER = (
    "ops/arithmetic.py",
    "ops/pointwise.py",
    "ops/random.py",
    "utils/data/sampler.py",
)
FAULTS = [
    # random numbers
    F("the bias is drawn first", "mlp", LINEAR, "        init.kaiming_uniform_(self.weight, a=math.sqrt(5))\n", "        init.uniform_(self.bias)\n        init.kaiming_uniform_(self.weight, a=math.sqrt(5))\n", 0, (INITIAL, "0.bias"), RANDOM),
    F("dropout draws twice", "mlp", RANDOMS, "    return empty_like(input).bernoulli_(1 - p)", "    empty_like(input).bernoulli_(1 - p)\n    return empty_like(input).bernoulli_(1 - p)", 0, (FORWARD, "Sequential output"), RANDOM),
    F("a seed for every pass is not drawn", "mlp", SAMPLER, "generator.manual_seed(draw_seed())", "generator.manual_seed(0)", 0, (BATCH, "Sequential input"), RANDOM),
    F("another seed", "mlp", "stream.py", "_seeded(seed % 2**32)", "_seeded((seed + 1) % 2**32)", 0, (INITIAL, "0.bias"), RANDOM),
    F("a cached normal is thrown away", "hand", "stream.py", "self._normal = point.imag\n        return point.real", "self._normal = None\n        return point.real", 0, (INITIAL, "w"), RANDOM),
    F("one index too many is drawn", "rms", RANDOMS, '    source = stream(generator, "randint")\n', '    source = stream(generator, "randint"); source.word32()\n', 0, (BATCH, "Sequential input"), RANDOM),
    # the order of the data
    F("batches backwards", "mlp", SAMPLER, "            yield run[start:end]\n", "            yield run[start:end][::-1]\n", 0, (BATCH, "Sequential input"), ORDER),
    F("no shuffling", "mlp", SAMPLER, "                yield randperm(n, generator=generator)._array\n", "                yield np.sort(randperm(n, generator=generator)._array)\n", 0, (BATCH, "Sequential input"), ORDER),
    # the first weights
    F("bound of the first weights", "mlp", "nn/init.py", "    std = calculate_gain(nonlinearity, a) / math.sqrt(fan)\n", "    std = calculate_gain(nonlinearity, a) / fan\n", 0, (INITIAL, "0.weight"), INITIALISATION),
    F("bound of the first bias", "mlp", LINEAR, "bound = 1 / math.sqrt(fan_in)", "bound = 2 / math.sqrt(fan_in)", 0, (INITIAL, "0.bias"), INITIALISATION),
    F("slope of the gain", "rms", LINEAR, "a=math.sqrt(5)", "a=math.sqrt(4)", 0, (INITIAL, "0.weight"), INITIALISATION),
    F("gain of the wrong mode", "rms", "nn/init.py", 'mode == "fan_out"', 'mode == "fan_in"', 0, (INITIAL, "0.weight"), INITIALISATION),
    F("first weights upside down", "rms", "nn/init.py", "    return tensor.uniform_(a, b, generator=generator)", "    return tensor.copy_(tensor.uniform_(a, b, generator=generator).flip(0))", 0, (INITIAL, "0.bias"), INITIALISATION),
    F("variance for deviation", "hand", RANDOMS, "float(mean), float(std))\n", "float(mean), float(std) ** 2)\n", 0, (INITIAL, "w"), INITIALISATION),
    # forward
    F("tanh", "mlp", POINTWISE, "    return kernels.tanh(input)", "    return kernels.tanh(input * 1.0001)", 0, (FORWARD, "Sequential output"), SEMANTIC),
    F("dropout does not scale", "mlp", RANDOMS, ".div_(1 - p)", "", 0, (FORWARD, "Sequential output"), SEMANTIC),
    F("dropout keeps what it should drop", "mlp", RANDOMS, "bernoulli_(1 - p).div_(1 - p)", "bernoulli_(1 - p).neg_().add_(1).div_(1 - p)", 0, (FORWARD, "Sequential output"), SEMANTIC),
    F("sigmoid", "rms", KERNELS_, "return 1 / (1 + np.exp(-x))", "return 1 / (1 + np.exp(-x) + 1e-6)", 0, (FORWARD, "Sequential output"), SEMANTIC),
    F("relu leaks", "rms", POINTWISE, "return np.maximum(0, input)", "return np.maximum(1e-3 * input, input)", 0, (FORWARD, "Sequential output"), SEMANTIC),
    F("no bias", "rms", KERNELS_, "np.add(product, bias, product)", "np.add(product, 0 * bias, product)", 0, (FORWARD, "Sequential output"), SEMANTIC),
    # losses
    F("mse off by a little", "mlp", KERNELS_, "    d = x - t\n    return d * d", "    d = x - t\n    return d * d + 1e-7", 0, (FORWARD, "MSELoss output"), SEMANTIC),
    F("huber of a wrong constant", "rms", KERNELS_, "return m * (z - half * m)", "return m * (z - m)", 0, (FORWARD, "HuberLoss output"), SEMANTIC),
    F("huber of another width", "rms", KERNELS_, "    m = np.minimum(z, width)", "    m = np.minimum(z, 2 * width)", 0, (FORWARD, "HuberLoss output"), SEMANTIC),
    F("mean over too many", "hand", "kernels/numpy.py", "keepdims) / count", "keepdims) / (count + 1)", 0, (LOSS, ""), SEMANTIC),
    # gradients
    F("tanh of a wrong slope", "mlp", KERNELS_, "return g * (1 - y * y)", "return g * (1 - y)", 0, (GRADIENT, "0.bias"), SEMANTIC),
    F("sigmoid of a wrong slope", "rms", POINTWISE, "return (grad_output * (1 - output)) * output", "return grad_output * output", 0, (GRADIENT, "0.bias"), SEMANTIC),
    F("relu passes everything", "rms", POINTWISE, "return kernels.threshold_backward(grad_output, self)", "return kernels.threshold_backward(grad_output, self + 1)", 0, (GRADIENT, "0.bias"), SEMANTIC),
    F("mse of half the slope", "mlp", KERNELS_, "* (x - t), g)", "* (x - t) / 2, g)", 0, (GRADIENT, "0.bias"), SEMANTIC),
    F("mse's slope a millionth too steep", "mlp", KERNELS_, "* (x - t), g)", "* (x - t) * 1.000001, g)", 0, (GRADIENT, "0.bias"), SEMANTIC),
    F("huber not limited below", "rms", KERNELS_, "np.minimum(np.maximum(x - t, low), high)", "np.minimum(x - t, high)", 0, (GRADIENT, "0.bias"), SEMANTIC),
    F("mul forgets the other factor", "hand", ARITHMETIC, "    input=lambda g, other: g * other,\n", "    input=lambda g, other: g,\n", 0, (GRADIENT, "w"), SEMANTIC),
    F("cosine of a wrong sign", "hand", POINTWISE, "g * -input.sin()", "g * input.sin()", 1, (GRADIENT, "b"), SEMANTIC),
    F("a contribution is lost", "hand", ENGINE, "gradient if held is None else form.add(held, gradient)", "gradient", 0, (GRADIENT, "w"), SEMANTIC),
    F("root of half the slope", "hand", POINTWISE, "g / (2 * out)", "g / (4 * out)", 0, (GRADIENT, "w"), SEMANTIC),
    F("exp of another slope", "hand", POINTWISE, "@pointwise(input=lambda g, out: g * out, promotion=FLOAT)", "@pointwise(input=lambda g, out: g, promotion=FLOAT)", 0, (GRADIENT, "b"), SEMANTIC),
    # optimizers
    F("dampening from the first step on", "mlp", SGD, "b = g.detach().clone()", "b = (1 - momentum) * g.detach()", 0, (STATE, "momentum_buffer of 0.weight"), SEMANTIC),
    F("momentum is forgotten", "mlp", SGD, "do.add_(do.mul_(b, momentum), g, alpha=1 - dampening)", "do.add_(do.mul_(b, 0), g, alpha=1 - dampening)", 1, (STATE, "momentum_buffer of 0.weight"), SEMANTIC),
    F("momentum of the last step but one", "mlp", SGD, "            b = do.add_(do.mul_(b, momentum), g, alpha=1 - dampening)\n", "            b = do.add_(do.mul_(b * 1, momentum), g, alpha=1 - dampening)\n", 1, (STATE, "momentum_buffer of 0.weight"), SEMANTIC),
    F("decay only where positive", "mlp", SGD, "do.add(g, x, alpha=weight_decay)", "do.add(g, x * (x > 0), alpha=weight_decay)", 0, (STATE, "momentum_buffer of 0.weight"), SEMANTIC),
    F("a step too short", "mlp", SGD, "do.add_(x, g, alpha=-lr)", "do.add_(x, g, alpha=-lr * 0.99999)", 0, (WEIGHT, "0.bias"), SEMANTIC),
    F("eps inside the root", "rms", RMS, "s = do.add(do.sqrt(variance), eps)", "s = do.sqrt(do.add(variance, eps))", 0, (STATE, "momentum_buffer of 0.weight"), SEMANTIC),
    F("eps is forgotten", "rms", RMS, "s = do.add(do.sqrt(variance), eps)", "s = do.sqrt(variance)", 0, (STATE, "momentum_buffer of 0.weight"), SEMANTIC),
    F("centered adds the mean", "rms", RMS, "variance = do.addcmul(v, m, m, value=-1)", "variance = do.addcmul(v, m, m, value=1)", 0, (STATE, "momentum_buffer of 0.weight"), SEMANTIC),
    F("the average of another weight", "rms", RMS, "g, g, value=1 - alpha)", "g, g, value=alpha / 100)", 0, (STATE, "square_avg of 0.weight"), SEMANTIC),
    F("counts from one", "rms", "optim/counted.py", "counter(0, ", "counter(1, ", 0, (STATE, "step of 0.weight"), SEMANTIC),
    F("the gradient's mean lags", "rms", RMS, "m = do.lerp_(m, g, 1 - alpha)", "m = do.lerp_(m, g, alpha)", 0, (STATE, "grad_avg of 0.weight"), SEMANTIC),
]  # fmt: skip

ROUNDINGS = [
    ("broadcasting is undone backwards", "mlp", "autograd/arrays.py", "kernels.sum(gradient, (0,), False)", "kernels.sum(np.flip(gradient, 0), (0,), False)"),
    ("products add up backwards", "mlp", KERNELS_, "    product = a.dot(b)\n", "    product = np.dot(np.ascontiguousarray(a[..., ::-1]), np.ascontiguousarray(b[::-1]))\n"),
    ("totals add up backwards", "hand", KERNELS_, "        return cascade.total(x)", "        return np.add.reduce(x.ravel()[::-1])"),
    ("sums along an axis add up backwards", "mlp", KERNELS_, "total: Array = np.add.reduce(x, axis=axis", "total: Array = np.add.reduce(np.flip(x, axis), axis=axis"),
    ("the factor goes to the second", "rms", KERNELS_, "else quick(value, a) * a * b", "else a * (b * quick(value, a))"),
    ("multiplied by the reciprocal", "rms", KERNELS_, "quick(value, a) * a / b,", "quick(value, a) * a * (1 / b),"),
    ("the slope of tanh in two terms", "mlp", KERNELS_, "return g * (1 - y * y)", "return g * (1 - y) * (1 + y)"),
    ("huber in other words", "rms", KERNELS_, "return m * (z - half * m)", "return m * z - m * m * half"),
    ("the mean by its reciprocal", "hand", KERNELS_, "return sum(x, axis, keepdims) / count", "return sum(x, axis, keepdims) * x.dtype.type(1 / count)"),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _few_objects() -> Iterator[None]:
    """What is loaded already is no work for the collection at the end of every recorded run."""
    gc.freeze()
    yield
    gc.unfreeze()


@cache
def reference(script: str, dtype: str) -> Trace:
    return run(SCRIPTS[script], dtype=DTYPES[dtype])[0]


OTHER_KERNELS = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_parity_causes import DTYPES, SCRIPTS, reference
for script in SCRIPTS:
    for dtype in DTYPES:
        reference(script, dtype).save(Path(sys.argv[2], f"{script} {dtype}"))
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Comparison]:
    """torch's distance from itself in every script and float type, measured in one process for all."""
    folder, here = tmp_path_factory.mktemp("own"), str(Path(__file__).parent)
    environment = os.environ | KERNELS[0].variables
    subprocess.run([sys.executable, "-c", OTHER_KERNELS, here, str(folder)], env=environment, check=True)
    cases = [(script, dtype) for script in SCRIPTS for dtype in DTYPES]
    found = {case: compare(reference(*case), Trace.load(folder / " ".join(case))) for case in cases}
    assert not any(comparison.same_bits for comparison in found.values())
    return found


class Seen(NamedTuple):
    """What parity says of one float type: the verdict, where and why."""

    word: str
    parting: Parting | None
    cause: Cause | None


def look(script: str, own: dict[tuple[str, str], Comparison], *change: str) -> dict[str, Seen]:
    """What parity says, in each float type, of a microtorch with a change."""
    with microtorch_with(*change) as engine:
        traces = {dtype: run(SCRIPTS[script], dtype=DTYPES[dtype], engine=engine)[0] for dtype in DTYPES}
    runs = {dtype: compare(reference(script, dtype), trace) for dtype, trace in traces.items()}
    found = {}
    for dtype, comparison in runs.items():
        judgement = judge(comparison, DEMANDS[dtype], floor_of(comparison, [own[script, dtype]]))
        parting = first_parting(comparison, judgement.offends if judgement.word == DIFFERENT else differs)
        found[dtype] = Seen(judgement.word, parting, parting and cause_of(parting, dtype, runs))
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_found_and_explained(fault: Fault, own: dict[tuple[str, str], Comparison]) -> None:
    found = look(fault.script, own, fault.file, fault.right, fault.wrong)
    sharp, narrow = found["float64"], found["float32"]
    assert sharp.word == DIFFERENT
    assert sharp.parting is not None
    assert (sharp.parting.number, sharp.parting.key, sharp.parting.exact) == (fault.step, fault.key, True)
    assert narrow.word != IDENTICAL
    assert sharp.cause is not None
    assert sharp.cause.word == fault.cause, sharp.cause


@pytest.mark.parametrize("change", ROUNDINGS, ids=lambda change: change[0])
def test_rounding_is_no_fault(change: tuple[str, ...], own: dict[tuple[str, str], Comparison]) -> None:
    _, script, *where = change
    for seen in look(script, own, *where).values():
        assert seen.word == WITHIN_NOISE
        assert seen.cause is not None
        assert seen.cause.word == ROUNDING
