"""What can be asked of a torch before it is compared: which of its kernels round as microtorch's torch_cpu.

Each probe takes milliseconds. They run in a process of their own, in the environment that is asked about.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from parity.backends import ENVIRONMENT
from parity.environment import KERNELS
from parity.products import FUSED, PLAIN, common, tried
from parity.runner import kernels

ROOT = str(Path(__file__).resolve().parent.parent)
CODE = "import sys; sys.path.insert(0, sys.argv[1]); from parity.probes import main; main()"

# Where torch's products may be chains, in the order in which they are tried: MKL by default (on AMD), in its one order
# for AVX2 (on Intel; elsewhere this is ignored), and in its order for all.
BRANCHES: tuple[dict[str, str], ...] = ({}, {"MKL_CBWR": "AVX2,STRICT"}, {"MKL_CBWR": "COMPATIBLE"})

# Rows of a batch, inputs and outputs of small layers: the products of such a layer and of its gradients are tried.
LAYERS = [(1, 1, 1), (4, 2, 1), (5, 3, 1), (10, 2, 1), (11, 1, 1), (50, 1, 1), (2000, 3, 1)]

NEITHER = "neither"


@dataclass(frozen=True)
class Probed:
    """What was found, and under which `variables` of the environment."""

    variables: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unlike(self) -> list[str]:
        """The kernels of this torch that are not those which microtorch follows."""
        return [name for name, expected in KERNELS.items() if self.found.get(name, expected) != expected]


def probe() -> Probed:
    """Ask torch in each environment until there is one in which its products are chains; else it is the first."""
    asked: list[tuple[Mapping[str, str], dict[str, Any]]] = [({}, _ask({}))] if "MKL_CBWR" in os.environ else []
    for variables in BRANCHES if not asked else ():
        asked.append((variables, _ask(variables)))
        if asked[-1][1].get("products") != NEITHER:
            return Probed(*asked[-1])
    return Probed(*asked[0])


def _ask(variables: Mapping[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, ROOT],
        env={**os.environ, **ENVIRONMENT, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Ask the torch of this process and print what was found."""
    import torch

    torch.set_num_threads(1)
    print(json.dumps(ask(torch)))


def ask(torch: Any) -> dict[str, Any]:
    """All probes."""
    return {
        "multiply-add": _multiply_add(torch),
        "normal": _normal(torch),
        "sums": _sums(torch),
        "products": _products(torch),
        "sqrt not correctly rounded": _square_roots(torch),
        "bernoulli words": _words(torch, lambda: torch.empty(1).bernoulli_(0.3)),
        "trunc_normal words": _words(torch, lambda: torch.nn.init.trunc_normal_(torch.empty(4))),
    }


def _multiply_add(torch: Any) -> str:
    """Whether a·b + c is rounded once or twice in torch's own kernels."""
    torch.manual_seed(0)
    unit = torch.rand(1000).numpy()
    torch.manual_seed(0)
    drawn = torch.empty(1000).uniform_(0.1, 5.3).numpy()
    low, high = np.float32(0.1), np.float32(5.3)
    if np.array_equal(drawn, kernels("fused").fma(unit, high - low, low)):
        return FUSED
    return PLAIN if np.array_equal(drawn, unit * (high - low) + low) else NEITHER


def _normal(torch: Any) -> bool:
    """Whether normal numbers are made from uniform ones as microtorch makes them."""
    torch.manual_seed(0)
    uniform = torch.rand(4096).numpy()
    torch.manual_seed(0)
    return np.array_equal(torch.randn(4096).numpy(), kernels("box_muller").box_muller(uniform))


def _sums(torch: Any) -> bool:
    """Whether sums are added up in the order of `cascade`."""
    x = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    lengths = [*range(1, 65), 200, 2000]
    return all(torch.from_numpy(x[:n]).sum().numpy() == kernels("cascade").total(x[:n]) for n in lengths)


def _products(torch: Any) -> str:
    """The chain that all products of small layers are."""
    asked = []
    for rows, inputs, outputs in LAYERS:
        one = 4  # bytes
        batch, grad = ((rows, inputs), (inputs * one, one), "f"), ((rows, outputs), (outputs * one, one), "f")
        weight = ((inputs, outputs), (one, inputs * one), "f")
        turned = ((outputs, rows), (one, outputs * one), "f")
        asked += [["addmm", [], ((outputs,), (one,), "f"), batch, weight], ["mm", [], batch, weight]]
        asked += [["mm", [], turned, batch], ["mm", [], grad, ((outputs, inputs), (inputs * one, one), "f")]]
    return common(tried(torch, asked)) or NEITHER


def _square_roots(torch: Any) -> float:
    """The share of square roots that are not correctly rounded."""
    x = np.random.default_rng(0).uniform(0.01, 100, 10_000).astype(np.float32)
    return float(np.mean(torch.from_numpy(x).sqrt().numpy() != np.sqrt(x)))


def _words(torch: Any, draw: Any) -> int:
    """How many 32-bit random numbers something draws, as far as these are fewer than 624."""
    torch.manual_seed(0)
    draw()
    return int.from_bytes(bytes(torch.get_rng_state()[16:24].tolist()), "little")
