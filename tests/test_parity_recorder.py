"""The recorder sees what a script does, and the script does not notice."""

from __future__ import annotations

import gc
import sys
import warnings
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from parity_harness import BY_HAND, TRAINING, run

from parity.digest import LARGE, Ledger
from parity.recorder import CALLS, Recorder
from parity.trace import BATCH, BUFFER, END, ERROR, FORWARD, GENERATOR, GRADIENT, INITIAL, LOSS, STATE, WEIGHT, Keep
from parity.watch import Watch

DROPOUT = """
import torch
from torch import nn
torch.manual_seed(1)
net = nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.5), nn.BatchNorm1d(5), nn.Linear(5, 1))
optimizer = torch.optim.RMSprop(net.parameters(), lr=0.01, momentum=0.9, centered=True)
for step in range(STEPS):
    x = torch.randn(6, 3)
    loss = nn.functional.huber_loss(net(x), x.sum(1, keepdim=True))
    optimizer.zero_grad(set_to_none=step % 2 == 0)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    print(loss)
grad, = torch.autograd.grad(net(torch.ones(2, 3)).sum(), net[0].weight)
print(grad, torch.rand(3))
"""

CLOSURE = """
import torch
w = torch.tensor([3.0, -2.0], requires_grad=True)
optimizer = torch.optim.LBFGS([w], max_iter=4)
def closure():
    optimizer.zero_grad()
    loss = (w ** 4).sum() + (w[0] - w[1]) ** 2
    loss.backward(retain_graph=True)
    return loss
for step in range(3):
    print(optimizer.step(closure))
"""


def bits(variables: dict[str, Any]) -> list[bytes]:
    """Everything a script holds in the end, as bytes."""
    tensors = [value for value in variables.values() if isinstance(value, torch.Tensor)]
    if "net" in variables:
        tensors += [*variables["net"].state_dict().values(), *(p.grad for p in variables["net"].parameters())]
    tensors.append(torch.get_rng_state())
    return [tensor.detach().numpy().tobytes() for tensor in tensors]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("source", [TRAINING, BY_HAND, DROPOUT, CLOSURE], ids=["sgd", "by hand", "dropout", "closure"])
def test_recorder_changes_no_bit(source: str, dtype: torch.dtype) -> None:
    plain, recorded = (run(source, dtype=dtype, record=record) for record in (False, True))
    assert plain[0].steps == 0
    assert recorded[0].steps >= 12
    assert bits(plain[1]) == bits(recorded[1])
    assert plain[0].text == recorded[0].text


def test_detach_leaves_torch_as_it_was() -> None:
    owners = [torch.Tensor, torch.autograd, torch.nn.Module, torch.optim.Optimizer, torch.optim.SGD, warnings]
    torch.optim.SGD([torch.zeros(1)])  # torch wraps `step` at the first use
    before = [dict(vars(owner)) for owner in owners]
    run(TRAINING)
    for owner, names in zip(owners, before, strict=True):
        after = dict(vars(owner))
        assert {name for name in names if after[name] is not names[name]} <= {
            "__annotations__",
            "_global_forward_hooks",
        }


def test_everything_of_a_step_is_recorded() -> None:
    event = run(TRAINING)[0].events[2]
    parameters = [f"{layer}.{kind}" for layer in (0, 2) for kind in ("bias", "weight")]
    assert set(event.arrays) == {
        (BATCH, "Sequential input"),
        (FORWARD, "Sequential output"),
        (LOSS, ""),
        *((GRADIENT, name) for name in parameters),
        (STATE, "lr of group 0"),
        *((STATE, f"momentum_buffer of {name}") for name in parameters),
        *((WEIGHT, name) for name in parameters),
        (GENERATOR, ""),
    }
    assert event.arrays[BATCH, "Sequential input"].shape == (8, 4)


def test_weights_are_those_after_the_update() -> None:
    trace, variables = run(TRAINING, steps=5)
    last = next(event for event in trace.events if event.number == 4)
    for event in (last, trace.events[-1]):
        assert np.array_equal(event.arrays[WEIGHT, "0.weight"], variables["net"][0].weight.detach().numpy())
    assert trace.events[-1].number == END
    assert (INITIAL, "0.weight") in trace.events[0].arrays


def test_final_state_of_what_has_gone_out_of_scope() -> None:
    body = "".join(f"    {line}\n" for line in TRAINING.splitlines() if line)
    source = f"def main():\n{body}    return net[0].weight.detach().clone()\nkept = main()\n"
    trace, variables = run(source)
    assert np.array_equal(trace.events[-1].arrays[WEIGHT, "0.weight"], variables["kept"].numpy())


def test_final_state_of_models_that_take_turns() -> None:
    """The last update of a model is seen although the last pass was another's and both are gone."""
    source = """
import torch
def main():
    nets = [torch.nn.Linear(1, 1, bias=False) for _ in range(2)]
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.1) for net in nets]
    for step in range(6):
        for net, optimizer in zip(nets, optimizers):
            optimizer.zero_grad()
            net(torch.ones(1, 1)).sum().backward()
            optimizer.step()
    return [net.weight.item() for net in nets]
last = main()
"""
    trace, variables = run(source)
    end = trace.events[-1].arrays
    assert [end[WEIGHT, name].item() for name in ("weight", "weight (2)")] == variables["last"]


def test_buffers_are_part_of_the_end() -> None:
    end = run(DROPOUT)[0].events[-1]
    assert (BUFFER, "2.running_mean") in end.arrays


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("net = torch.nn.Linear(1, 1); net(torch.ones(1)).sum().backward()", ["bias", "weight"]),
        ("a, b = (torch.ones(1, requires_grad=True) for _ in 'ab'); (a * b).sum().backward()", ["a", "b"]),
        ("params = [torch.ones(1, requires_grad=True)]; params[0].sum().backward()", ["params[0]"]),
        ("params = {'w': torch.ones(1, requires_grad=True)}; params['w'].sum().backward()", ["params['w']"]),
        ("def f(v):\n    v.sum().backward()\nf(torch.ones(1, requires_grad=True))", ["v"]),
        ("net = torch.nn.Linear(1, 1, bias=False); (net.weight * 2).sum().backward()", ["net.weight"]),
        (
            "class Model:\n"
            "    def __init__(self): self.w = torch.ones(1, requires_grad=True)\n"
            "    def fit(self): self.w.sum().backward()\n"
            "Model().fit()",
            ["self.w"],
        ),
        (
            "nets = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)\n"
            "for net in nets: net(torch.ones(1)).sum().backward()",
            ["weight", "weight (2)"],
        ),
        (
            "def make():\n"
            "    w = torch.ones(1, requires_grad=True)\n"
            "    return torch.optim.SGD([w], lr=1.0), lambda: w.sum()\n"
            "optimizer, loss = make(); loss().backward()",
            ["parameter 0 of optimizer 0"],
        ),
        ("(torch.ones(2, requires_grad=True) * 2).sum().backward()", ["leaf"]),
    ],
)
def test_names(source: str, names: list[str]) -> None:
    trace, _ = run("import torch\n" + source)
    found = [name for event in trace.events[:-1] for phase, name in event.arrays if phase == WEIGHT]
    assert found == names


def test_autograd_grad_and_errors_are_events() -> None:
    source = """
import torch
x = torch.tensor([2.0], requires_grad=True)
y = (x ** 3).sum()
first, = torch.autograd.grad(y, x, create_graph=True)
second, = torch.autograd.grad(first.sum(), x)
try:
    x.exp().backward()
    y = x.exp()
    y.backward()
    y.backward()
except RuntimeError as error:
    print(error)
"""
    trace, _ = run(source)
    gradients = [event.arrays[GRADIENT, "x"].tolist() for event in trace.events[:2]]
    assert gradients == [[12.0], [12.0]]
    assert [key[1][:42] for key in trace.events[4].arrays if key[0] == ERROR] == [
        "RuntimeError: Trying to backward through t"
    ]


def test_torch_calling_itself_is_no_event() -> None:
    """gradcheck calls `grad` many times, each engine in its own way: only what the script calls is an event."""
    source = """
import torch
x = torch.ones(2, dtype=torch.float64, requires_grad=True)
torch.autograd.gradcheck(lambda t: t * t, x)
(x * x).sum().backward()
"""
    assert run(source)[0].steps == 1


def test_updates_without_a_backward_pass_are_events() -> None:
    source = """
import torch
w = torch.ones(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.5)
for step in range(4):
    w.grad = torch.full((2,), float(step))
    optimizer.step()
"""
    trace, _ = run(source)
    assert trace.steps == 4
    assert [event.arrays[WEIGHT, "w"][0] for event in trace.events[:-1]] == [1.0, 0.5, -0.5, -2.0]


def test_no_graph_is_kept_alive() -> None:
    source = """
import torch, weakref, gc
gc.disable()
class Hook:  # lives as long as the graph that it hangs on
    def __call__(self, grad): pass
def step(w):
    y = (w * 2).exp()
    hook = Hook()
    y.register_hook(hook)
    y.sum().backward()
    refs = weakref.ref(y), weakref.ref(hook)
    del y, hook
    return [ref() is not None for ref in refs]
w = torch.ones(3, requires_grad=True)
alive = step(w)
gc.enable()
"""
    assert run(source)[1]["alive"] == [False, False]


def test_leaves_die_after_a_few_events() -> None:
    source = """
import torch, weakref
w = torch.ones(3, requires_grad=True)
w.sum().backward()
ref = weakref.ref(w)
del w
for step in range(20):
    v = torch.ones(1, requires_grad=True)
    v.sum().backward()
alive = ref() is not None
"""
    assert run(source)[1]["alive"] is False


def test_warnings_are_recorded_and_shown(recwarn: pytest.WarningsRecorder) -> None:
    line = " (Triggered internally at /src/aten/Cross.cpp:63.)"  # of torch's sources; what is shown has it
    source = f"import warnings\nfor i in range(3): warnings.warn(f'look {{i % 2}}{line}', UserWarning)"
    shown: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_, **__: shown.append(str(message))
        trace, _ = run(source)
    assert trace.about["warnings"] == [("UserWarning", "look 0"), ("UserWarning", "look 1")]
    assert shown == [f"look {i}{line}" for i in (0, 1, 0)]


def test_trace_is_bounded_over_300_000_steps() -> None:
    """Driven directly, for speed: what is kept stays bounded and is spread over the whole run."""
    recorder = Recorder(torch)
    w = torch.zeros(3, requires_grad=True)
    loss = (w * 2).sum()
    frame = sys._getframe()
    most = 0
    for step in range(300_000):
        if step < 2000 or step % 50 == 0:  # in between, an event without its reading of tensors
            recorder.before_pass(loss, frame)
        else:
            recorder._close()
            recorder._open([], None)
        if step % 10_000 == 0:
            most = max(most, len(recorder._keep.events()))
    trace = recorder.finish()
    numbers = [event.number for event in trace.events[:-1]]
    assert trace.steps == 300_000
    assert most <= 64 + 512
    assert numbers[:64] == list(range(64))
    assert np.diff(numbers[65:]).max() == 1024
    assert numbers[-1] > 298_000
    assert sum(event.nbytes() for event in trace.events) < 4e6


def test_trace_of_large_arrays_is_bounded() -> None:
    source = """
import torch
w = torch.zeros(50_000, requires_grad=True)
for step in range(STEPS):
    (w * 2).sum().backward()
"""
    keep = Keep(budget=4_000_000)
    trace, _ = run(source, steps=100, keep=keep)
    assert sum(event.nbytes() for event in trace.events) < 6_500_000
    assert trace.events[-2].number > 60


def test_many_module_calls_between_two_passes_are_bounded() -> None:
    source = """
import torch
net = torch.nn.Linear(1, 1)
for step in range(3):
    for i in range(100):
        net(torch.ones(1))
    net(torch.ones(1)).sum().backward()
"""
    event = run(source)[0].events[1]
    assert sum(phase == BATCH for phase, _ in event.arrays) == CALLS


class Scalar:
    """A tensor of a student's engine: a number, no graph that could be walked, no numpy."""

    def __init__(self, value: float) -> None:
        self.data, self.grad = np.asarray(value), None

    def backward(self) -> None:
        for parameter in Parameter.made:
            parameter.grad = Scalar(2.0)


class Parameter(Scalar):
    made: list[Parameter] = []

    def __init__(self, value: float) -> None:
        super().__init__(value)
        self.made.append(self)


class TinySGD:
    def __init__(self, params: list[Scalar]) -> None:
        self.params = params

    def step(self) -> None:
        for parameter in self.params:
            parameter.data = parameter.data - 0.5


def test_a_module_with_little_of_torch_is_watched() -> None:
    engine: Any = ModuleType("tiny")
    engine.Tensor, engine.optim = Scalar, SimpleNamespace(SGD=TinySGD)
    recorder = Recorder(engine)
    watch = Watch(engine, recorder)
    watch.attach()
    source = "w = Parameter(1.0)\no = SGD([w])\nfor _ in range(3):\n    Scalar(7.0).backward()\n    o.step()\n"
    exec(source, {"__name__": "__main__", "Parameter": Parameter, "Scalar": Scalar, "SGD": TinySGD})
    watch.detach()
    trace = recorder.finish()
    assert trace.steps == 3
    weights = [value for event in trace.events for key, value in event.arrays.items() if key == (WEIGHT, "w")]
    assert [float(value) for value in weights] == [0.5, 0.0, -0.5, -0.5]
    gradients = [key for key in trace.events[0].arrays if key[0] == GRADIENT]
    assert gradients == [(GRADIENT, "w")]


def digest(array: Any) -> bytes:
    ledger = Ledger()
    ledger.enter("phase", "name", array)
    return ledger.digest()


@pytest.mark.parametrize("size", [5, LARGE // 4 + 3, 40_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8])
def test_digest_sees_every_element_and_their_order(size: int, dtype: Any) -> None:
    random = np.random.default_rng(size)
    array = random.integers(0, 100, size).astype(dtype)
    assert digest(array) == digest(array.copy())
    assert digest(array) != digest(array.reshape(1, -1))
    for place in random.integers(0, size, 20):
        changed = array.copy()
        changed[place] += 1
        assert digest(changed) != digest(array)
    swapped = array.copy()
    one, two = 0, int(np.argmax(array != array[0]))
    swapped[[one, two]] = swapped[[two, one]]
    assert digest(swapped) != digest(array)
    for distance in (1, 64, 64 * 8 // array.itemsize):
        one = int(np.argmax(array[:-distance] != array[distance:])) if size > distance else 0
        swapped = array.copy()
        swapped[[one, (one + distance) % size]] = swapped[[(one + distance) % size, one]]
        assert (digest(swapped) == digest(array)) == np.array_equal(swapped, array)


@pytest.mark.parametrize("rows", [2, 512])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digest_sees_signs(rows: int, dtype: Any) -> None:
    array = np.random.default_rng(0).normal(size=(rows, 64)).astype(dtype)
    corner = array.copy()
    corner[:2, :2] *= -1
    zeros = np.zeros_like(array)
    digests = [digest(one) for one in (array, -array, corner, zeros, -zeros)]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("size", [5, LARGE])
def test_digest_takes_one_nan_for_another(size: int) -> None:
    array = np.full(size, np.nan)
    assert digest(array) == digest(-array)
    array[0] = 1
    assert digest(array) != digest(-array)


def test_garbage_of_cycles_is_no_part_of_the_end() -> None:
    """What only a reference cycle keeps alive depends on when garbage was collected, not on what the script did."""
    source = """
import gc, torch
gc.disable()
def main():
    holder = {"w": torch.ones(1, requires_grad=True)}
    holder["self"] = holder
    holder["w"].sum().backward()
main()
for step in range(20):
    v = torch.ones(1, requires_grad=True)
    v.sum().backward()
"""
    try:
        end = run(source)[0].events[-1]
    finally:
        gc.enable()
    assert not any("holder" in name for _, name in end.arrays)
    assert (WEIGHT, "v (20)") in end.arrays
