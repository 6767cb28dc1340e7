"""The workloads, and what is asked of microtorch on each: at most this part of torch's time, measured in one run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).with_name("workloads")
ENDLESS = str(10**9)  # steps or epochs; a program is left when all that was asked for is done

TIME = "time"  # to the reference's
MEMORY = "peak memory"  # to the reference's
NODE = "bytes a node"
STEP = "bytes a step"  # that memory grows by while it trains
LENGTH = "time a node"  # to that of a chain a tenth as long
KERNELS = "time to the default kernels'"
SECONDS = "seconds a step"


@dataclass(frozen=True)
class Goal:
    """At most so much, on an Intel CPU and on an AMD one; any other is given the looser of the two.

    It is microtorch's as it is by default, unless `kernels` names others.
    """

    what: str
    intel: float
    amd: float
    kernels: str = ""

    def most(self, cpu: str) -> float:
        """The limit for a CPU of this name."""
        brands = {"Intel": self.intel, "AMD": self.amd}
        return next((most for brand, most in brands.items() if brand in cpu), max(brands.values()))


@dataclass(frozen=True)
class Workload:
    """A program and what is asked of it.

    `nodes` is the number of graph nodes that a step makes, if that is what its time is told by. With `one_thread` torch
    on a single thread takes part as well, for where it uses more, a neighbour on the machine costs it many times that.
    What is `long` is left out of a quick run, unless it is named. A `whole` program is timed from its first line to its
    last, with `startup` in a process of its own each time; without a script that is the engine's import. `too_slow` are
    kernels of microtorch of which a step takes minutes: it is not for them.
    """

    name: str
    title: str
    script: Path = Path()
    argv: tuple[str, ...] = (ENDLESS,)
    goals: tuple[Goal, ...] = ()
    nodes: int = 0
    one_thread: bool = False
    long: bool = False
    whole: bool = False
    startup: bool = False
    too_slow: tuple[str, ...] = ()

    @property
    def imports(self) -> bool:
        return self.startup and self.script == Path()


def _workload(name: str, title: str, script: str, *goals: Goal, **more: Any) -> Workload:
    return Workload(name, title, PROGRAMS / script, goals=goals, **more)


def _exact(what: str, most: float) -> Goal:
    """What is asked of the kernels that compute torch's bits."""
    return Goal(what, most, most, "torch_cpu")


def _chain(title: str, nodes: int, *goals: Goal, long: bool = False) -> Workload:
    goals = (Goal(TIME, 0.30, 0.30), Goal(NODE, 450, 450), *goals)
    return Workload("W9", title, PROGRAMS / "chain.py", (ENDLESS, str(nodes)), goals, nodes, long=long)


SAME = 1.25  # what caches and the system's memory may cost a chain that is ten times as long
FLAT = 50  # bytes, less than the smallest object that could be left behind in each step

WORKLOADS = (
    _workload(
        "W1",
        "Linear(1, 1), one sample, SGD",
        "fit_line.py",
        Goal(TIME, 0.12, 0.18),
        Goal(STEP, FLAT, FLAT),
        _exact(KERNELS, 4),
    ),
    _workload("W2", "one layer applied twice", "shared_layer.py", Goal(TIME, 0.12, 0.18)),
    _workload("W3", "50×1 full batch", "full_batch.py", Goal(TIME, 0.12, 0.18)),
    _workload(
        "W4",
        "2000×3, RMSprop",
        "sine_polynomial.py",
        Goal(TIME, 0.20, 0.28),
        _exact(SECONDS, 0.0005),
        one_thread=True,
    ),
    _workload("W5", "DataLoader, batch 10, Huber", "huber_minibatch.py", Goal(TIME, 0.12, 0.17)),
    _workload("W6", "by hand, batch 2", "by_hand.py", Goal(TIME, 0.25, 0.37)),
    _workload(
        "W7",
        "256×784 → 256 → 10, momentum",
        "perceptron.py",
        Goal(TIME, 1.0, 0.85),
        _exact(SECONDS, 0.15),
        one_thread=True,
    ),
    _workload(
        "W8",
        "4096×1024 → 1024 → 1024 → 1, RMSprop",
        "wide_perceptron.py",
        Goal(TIME, 1.15, 0.95),
        Goal(MEMORY, 1.1, 1.1),
        one_thread=True,
        long=True,
        too_slow=("torch_cpu",),
    ),
    _chain("chain of 10⁵ nodes", 10**5),
    _chain("chain of 10⁶ nodes", 10**6, Goal(LENGTH, SAME, SAME), long=True),
    Workload("W10", "import, beside numpy's", Path(), (), (Goal(TIME, 1.3, 1.3),), startup=True),
    Workload("W10", "a process of W1", PROGRAMS / "fit_line.py", ("5000",), (Goal(TIME, 0.08, 0.08),), startup=True),
)
