"""Testing the tests: faults planted into microtorch, each of which must turn part of the suite red.

A row names the file, the text that is replaced and what replaces it, and the tests that must then fail. That the text
is there exactly once is checked, so that a row cannot go stale; that the same tests pass without the fault is what the
rest of the suite shows.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from planted import PACKAGE, compiled, plant

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Fault:
    """A fault: in `file`, `right` becomes `wrong`; `tests` (pytest's words) must notice."""

    name: str
    file: str
    right: str
    wrong: str
    tests: str


FAULTS = [
    # gradients
    Fault("mul forgets the other factor", "ops/arithmetic.py", "input=lambda g, other: g * other,", "input=lambda g: g,",
          "tests/test_autograd.py::test_higher_orders"),
    Fault("tanh of a wrong slope", "kernels/numpy.py", "return g * (1 - y * y)", "return g * (1 - y)",
          "tests/test_nn_layers.py::test_curves"),
    Fault("power of a wrong exponent", "ops/powers.py", "zeros_like(g) if exponent == 0 else g * (exponent * pow(input, exponent - 1))",
          "zeros_like(g) if exponent == 0 else g * (exponent * pow(input, exponent))", "tests/test_ops.py -k pow"),
    Fault("mse of half the slope", "kernels/numpy.py", "nonzero(norm, x.dtype.char) * (x - t), g)", "nonzero(norm, x.dtype.char) * (x - t) / 2, g)",
          "tests/test_losses.py::test_a_batch_to_the_bit"),
    Fault("huber not limited below", "kernels/numpy.py", "np.minimum(np.maximum(x - t, low), high)",
          "np.minimum(x - t, high)", "tests/test_losses.py::test_special_numbers"),
    Fault("huber of a wrong constant", "kernels/numpy.py", "return m * (z - half * m)", "return m * (z - m)",
          "tests/test_losses.py::test_values_and_gradients"),
    # the engine
    Fault("oldest node first", "engine.py", "heappush(ready, (order, following))", "heappush(ready, (-order, following))",
          "tests/test_autograd.py::test_three_uses_order"),
    Fault("leaves run last whoever looks", "engine.py", "            if waiting and not watched:\n", "            if False:\n",
          "tests/test_autograd.py::test_when_leaves_run"),
    Fault("a leaf's hook runs last", "engine.py", "watched = watched or following.is_watched()", "pass",
          "tests/test_autograd.py::test_when_leaves_run"),
    Fault("leaves are forgotten in errors", "engine.py", "for leaf in () if watched else", "for leaf in () if True else",
          "tests/test_autograd.py::test_when_leaves_run"),
    Fault("broadcasting is not undone", "autograd/arrays.py", "summed(gradient, repeated(gradient.shape, shape), True)", "gradient[:1]",
          "tests/test_autograd.py::test_unbroadcast"),
    Fault("grad mode is not restored", "engine.py", "mode.grad, mode.backward = before\n", "mode.backward = before[1]\n",
          "tests/test_autograd.py::test_when_leaves_run"),
    Fault("a contribution is lost", "engine.py", "gradient if held is None else form.add(held, gradient)", "gradient",
          "tests/test_autograd.py::test_three_uses_order"),
    Fault("the graph is never freed", "op/tape.py", "if not retain_graph and ({holds}): self._saved = None", "pass", "tests/test_autograd.py::test_second_backward"),
    Fault("create_graph is ignored", "engine.py", "    recorded = True\n", "    recorded = False\n",
          "tests/test_autograd.py::test_higher_orders"),
    Fault("gradients replace each other", "tensor.py", "np.add(held._array, gradient, held._array)",
          "held._array = gradient", "tests/test_autograd.py::test_backward_of_leaf"),
    # in-place operations
    Fault("a changed value is used", "saved.py", "if tensor._counter[0] != self.version or", "if",
          "tests/test_autograd.py::test_changed_in_place"),
    Fault("the version stays", "op/writing.py", "    target._counter[0] += 1", "    pass", "tests/test_inplace.py::test_inplace_on_nonleaf"),
    Fault("a view has its own versions", "op/code.py", "out._counter = counter = {0}._counter", "out._counter, counter = [0], {0}._counter",
          "tests/test_inplace.py::test_inplace_on_view"),
    Fault("leaves may be changed", "op/writing.py", "    if recorded:\n        check_inplace(target)", "    if recorded:\n        pass",
          "tests/test_inplace.py::test_inplace_on_leaves"),
    # optimizers
    Fault("eps inside the root", "optim/rmsprop.py", "s = do.add(do.sqrt(variance), eps)", "s = do.sqrt(do.add(variance, eps))",
          "tests/test_optim.py::test_the_same_bits_as_torch"),
    Fault("centered adds the mean", "optim/rmsprop.py", "variance = do.addcmul(v, m, m, value=-1)", "variance = do.addcmul(v, m, m, value=1)",
          "tests/test_optim.py::test_the_same_bits_as_torch"),
    Fault("dampening from the first step on", "optim/sgd.py", "b = g.detach().clone()", "b = (1 - dampening) * g.detach()",
          "tests/test_optim.py::test_the_same_bits_as_torch"),
    Fault("nesterov does not look ahead", "optim/sgd.py", "g = ahead(g, b, alpha=momentum)", "g = b",
          "tests/test_optim.py::test_the_same_bits_as_torch"),
    Fault("maximize is forgotten", "optim/sgd.py", "    if maximize:\n        g = do.neg(g)", "    if False:\n        g = do.neg(g)",
          "tests/test_optim.py::test_the_same_bits_as_torch"),
    # random numbers and data
    Fault("one draw too many", "stream.py", "skip = 0 if dtype == FLOAT16 else excess", "skip = 0",
          "tests/test_random.py"),
    Fault("normal numbers in the wrong order", "stream.py", "self._normal = point.imag\n        return point.real",
          "self._normal = point.real\n        return point.imag", "tests/test_random.py"),
    Fault("the bias is drawn first", "nn/modules/linear.py", "        init.kaiming_uniform_(self.weight, a=math.sqrt(5))\n", "        init.uniform_(self.bias)\n        init.kaiming_uniform_(self.weight, a=math.sqrt(5))\n",
          "tests/test_random.py::test_linear_starts_as_torchs"),
    Fault("the last batch is dropped", "utils/data/sampler.py", "if self.drop_last and len(batch)", "if len(batch)",
          "tests/test_data.py::test_order_and_random_numbers"),
    Fault("the last rows are dropped", "utils/data/sampler.py", "if start < len(run) and not self.drop_last:", "if False:",
          "tests/test_data.py::test_order_and_random_numbers"),
    Fault("no draw for a whole number of passes", "utils/data/sampler.py", "if rest or generator is self.generator:", "if rest:",
          "tests/test_data.py::test_order_and_random_numbers"),
    Fault("swaps traced to the last place", "kernels/shuffle.py", "where=(partners == swaps) & ~is_first)", "where=partners > swaps)",
          "tests/test_stream.py -k randperm"),
    # text
    Fault("numbers print too short", "printing.py", "self.precision = 4", "self.precision = 3", "tests/test_printing.py"),
    Fault("integers promote as in numpy", "dtypes.py", "return type1 if type1.category > type2.category else type2",
          "return FROM_NUMPY[np.promote_types(type1.numpy, type2.numpy)]", "tests/test_dtypes.py"),
]  # fmt: skip


class Server:
    """A process that has loaded what tests need, except microtorch, and runs them in a fork of itself with a fault."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env={**os.environ, "PLANTED_FAULT": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, fault: Fault) -> tuple[int, str]:
        """The exit status of pytest, and the end of what it printed."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([fault.file, fault.right, fault.wrong, fault.tests]) + "\n")
        self.process.stdin.flush()
        status, output = json.loads(self.process.stdout.readline())
        return status, output


# hypothesis is there before pytest, which would like to rewrite its asserts.
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore::pytest.PytestAssertRewriteWarning"]


def serve() -> None:
    """For each line of standard input, a fault and tests, write a line: their exit status and the end of the output."""
    for name in ("torch", "hypothesis.strategies"):
        importlib.import_module(name)
    for path in PACKAGE.rglob("*.py"):
        compiled(str(path))
    for line in sys.stdin:
        *fault, tests = json.loads(line)
        with tempfile.TemporaryFile("w+") as output:
            child = os.fork()
            if not child:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                plant(*fault)
                os._exit(pytest.main([*OPTIONS, *tests.split(" ")]))
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            output.seek(0)
            print(json.dumps([status, output.read()]), flush=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = Server()
    yield started
    with started.process:
        pass


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_noticed(fault: Fault, server: Server) -> None:
    assert (PACKAGE / fault.file).read_text().count(fault.right) == 1, (
        f"{fault.file} does not have {fault.right!r} once"
    )
    status, output = server.run(fault)
    assert status == 1, f"pytest ended with {status}\n{output[-2500:]}"
    assert "\nFAILED " in output


def test_nothing_is_noticed_without_a_fault(server: Server) -> None:
    status, output = server.run(
        Fault("none", "engine.py", "", "", "tests/test_autograd.py tests/test_nn_layers.py::test_curves")
    )
    assert status == 0, output


if __name__ == "__main__":
    serve()
