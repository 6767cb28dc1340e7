"""Learning rate schedules against torch's: every rate to the last bit, state dictionaries, warnings, errors."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizers import moved
from sides import SIDES, Side

import microtorch

Options = dict[str, Any]
OFTEN = settings(max_examples=120, deadline=None)


def schedules(side: Side) -> Any:
    return side.module.optim.lr_scheduler


def optimizer_of(side: Side, kind: str = "SGD", *rates: Any, **options: Any) -> Any:
    """An optimizer with a group for each rate; ("tensor", x) stands for a tensor."""
    groups = []
    for rate in rates or (0.1,):
        p = side.tensor(np.ones(2, "f4"), requires_grad=True)
        p.grad = side.tensor(np.ones(2, "f4"))
        groups.append({"params": [p], "lr": side.tensor(np.array(rate[1], "f4")) if isinstance(rate, tuple) else rate})
    return getattr(side.module.optim, kind)(groups, **options)


# -- drawn schedules ---------------------------------------------------------------------------------------------------


def halves(epoch: int) -> float:
    return 0.5 ** (epoch // 3)


class Falling:
    """A function with a state."""

    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, epoch: float) -> float:
        return 1 / (1 + self.by * epoch)


UNIT = st.sampled_from([0.1, 0.5, 1 / 3, 0.9, 1.0, 0.97])
COUNT = st.integers(1, 8)
DRAWN: dict[str, Any] = {
    "LambdaLR": {"lr_lambda": st.sampled_from([halves, Falling(0.3)])},
    "MultiplicativeLR": {"lr_lambda": st.sampled_from([halves, Falling(0.3)])},
    "StepLR": {"step_size": COUNT, "gamma": UNIT},
    "MultiStepLR": {"milestones": st.lists(st.integers(0, 9), max_size=4), "gamma": UNIT},
    "ConstantLR": {"factor": UNIT, "total_iters": COUNT},
    "LinearLR": {"start_factor": UNIT, "end_factor": UNIT | st.just(0.0), "total_iters": COUNT},
    "ExponentialLR": {"gamma": UNIT},
    "PolynomialLR": {"total_iters": COUNT, "power": st.sampled_from([1.0, 2.0, 0.5, 0.9])},
    "CosineAnnealingLR": {"T_max": COUNT, "eta_min": st.sampled_from([0.0, 0.001, 0.2])},
    "CosineAnnealingWarmRestarts": {"T_0": COUNT, "T_mult": st.integers(1, 3), "eta_min": st.sampled_from([0, 0.001])},
}
CYCLES: dict[str, Any] = {
    "CyclicLR": {
        "base_lr": UNIT,
        "max_lr": UNIT,
        "step_size_up": COUNT,
        "step_size_down": COUNT | st.none(),
        "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
        "gamma": UNIT,
        "scale_fn": st.sampled_from([None, None, halves, Falling(0.3)]),
        "scale_mode": st.sampled_from(["cycle", "iterations"]),
        "cycle_momentum": st.booleans(),
    },
    "OneCycleLR": {
        "max_lr": UNIT,
        "total_steps": st.integers(13, 20),
        "pct_start": UNIT.filter(lambda part: part < 0.4),
        "anneal_strategy": st.sampled_from(["cos", "linear"]),
        "cycle_momentum": st.booleans(),
        "div_factor": st.sampled_from([25.0, 3]),
        "final_div_factor": st.sampled_from([1e4, 7]),
        "three_phase": st.booleans(),
    },
}
Plan = tuple[str, Any]


def simple(names: list[str] | None = None) -> st.SearchStrategy[Plan]:
    every = DRAWN | CYCLES
    kinds = st.sampled_from(names or list(every))
    return kinds.flatmap(lambda kind: st.tuples(st.just(kind), st.fixed_dictionaries(every[kind])))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    kind = draw(st.sampled_from(["simple"] * 3 + ["SequentialLR", "ChainedScheduler"]))
    if kind == "simple":
        return draw(simple())
    parts = draw(st.lists(simple(list(DRAWN)), min_size=1, max_size=3))
    cuts = draw(st.lists(st.integers(1, 10), min_size=len(parts) - 1, max_size=len(parts) - 1, unique=True))
    return kind, (parts, sorted(cuts))


def build(side: Side, optimizer: Any, plan: Plan) -> Any:
    kind, options = plan
    if kind in DRAWN | CYCLES:
        return getattr(schedules(side), kind)(optimizer, **copy.deepcopy(options))
    parts = [build(side, optimizer, part) for part in options[0]]
    if kind == "ChainedScheduler":
        return schedules(side).ChainedScheduler(parts)
    return schedules(side).SequentialLR(optimizer, parts, milestones=list(options[1]))


def seen(optimizer: Any, schedule: Any) -> list[Any]:
    options = [{name: v for name, v in group.items() if name != "params"} for group in optimizer.param_groups]
    state = schedule.state_dict()
    return [schedule.get_last_lr(), options, state, list(state)]


RATES = st.lists(st.sampled_from([0.1, 1 / 3, 1, 1e-3, ("tensor", 0.1)]), min_size=1, max_size=2)
KINDS = st.sampled_from([("SGD", {"momentum": 0.9}), ("Adam", {}), ("RMSprop", {})])


@OFTEN
@given(plan=plans(), rates=RATES, kind=KINDS, jump=st.none() | st.integers(0, 9))
def test_rates_are_torchs_to_the_last_bit(plan: Plan, rates: list[Any], kind: Any, jump: int | None) -> None:
    def case(side: Side) -> Any:
        optimizer = optimizer_of(side, kind[0], *rates, **kind[1])
        schedule = build(side, optimizer, plan)
        results = [seen(optimizer, schedule)]
        for _ in range(12):
            optimizer.step()
            schedule.step()
            results.append(seen(optimizer, schedule))
        if jump is not None and plan[0] in DRAWN:
            schedule.step(jump)
            results.append(seen(optimizer, schedule))
            schedule.step()
        return results, seen(optimizer, schedule)

    assert_same(case)


@pytest.mark.parametrize("source", SIDES, ids=["from torch", "from microtorch"])
@settings(OFTEN, max_examples=40)
@given(plan=plans(), rates=RATES, kind=KINDS, after=st.integers(0, 8))
def test_a_schedule_goes_on_from_the_others_dictionary(
    source: Side, plan: Plan, rates: list[Any], kind: Any, after: int
) -> None:
    first = optimizer_of(source, kind[0], *rates, **kind[1])
    run = build(source, first, plan)
    for _ in range(after):
        first.step()
        run.step()
    dictionaries = first.state_dict(), run.state_dict()

    def go_on(side: Side) -> Any:
        optimizer = optimizer_of(side, kind[0], *rates, **kind[1])
        schedule = build(side, optimizer, plan)
        kept = moved(dictionaries, side)
        optimizer.load_state_dict(kept[0])
        schedule.load_state_dict(kept[1])
        results = []
        for _ in range(4):
            optimizer.step()
            schedule.step()
            results.append(seen(optimizer, schedule))
        return results

    assert_same(go_on)


@pytest.mark.parametrize("kind", DRAWN)
@settings(OFTEN, max_examples=8)
@given(data=st.data(), start=st.integers(0, 9))
def test_a_schedule_may_start_late(kind: str, data: st.DataObject, start: int) -> None:
    """With `last_epoch`, from groups that know their initial rates."""
    options = data.draw(st.fixed_dictionaries(DRAWN[kind]))

    def case(side: Side) -> Any:
        optimizer = optimizer_of(side, "SGD", 0.1)
        optimizer.param_groups[0]["initial_lr"] = 0.3
        schedule = getattr(schedules(side), kind)(optimizer, **copy.deepcopy(options), last_epoch=start)
        results = [seen(optimizer, schedule)]
        for _ in range(3):
            optimizer.step()
            schedule.step()
            results.append(seen(optimizer, schedule))
        return results

    assert_same(case)


@OFTEN
@given(
    options=st.fixed_dictionaries(
        {
            "mode": st.sampled_from(["min", "max"]),
            "factor": st.sampled_from([0.1, 0.5, 1 / 3]),
            "patience": st.integers(0, 2),
            "threshold": st.sampled_from([1e-4, 0.1, 0]),
            "threshold_mode": st.sampled_from(["rel", "abs"]),
            "cooldown": st.integers(0, 2),
            "min_lr": st.sampled_from([0, 0.01]),
            "eps": st.sampled_from([1e-8, 0.03]),
        }
    ),
    metrics=st.lists(st.sampled_from([1.0, 0.95, 0.5, 2.0, -1.0, float("nan"), 0]), min_size=12, max_size=12),
    rates=RATES,
)
def test_plateaus(options: Options, metrics: list[float], rates: list[Any]) -> None:
    def case(side: Side) -> Any:
        optimizer = optimizer_of(side, "SGD", *rates)
        schedule = schedules(side).ReduceLROnPlateau(optimizer, **options)
        results = [seen(optimizer, schedule)]
        for i, metric in enumerate(metrics):
            if i == 6:
                again = schedules(side).ReduceLROnPlateau(optimizer)
                again.load_state_dict(schedule.state_dict())
                schedule = again
            schedule.step(side.tensor(np.array(metric)) if i % 2 else metric)
            results.append([*seen(optimizer, schedule), schedule.in_cooldown])
        return results

    assert_same(case)


# -- warnings, errors, and what else there is --------------------------------------------------------------------------


def step_lr(side: Side, optimizer: Any = None, **options: Any) -> Any:
    return schedules(side).StepLR(optimizer or optimizer_of(side), **{"step_size": 2, **options})


def overridden(side: Side) -> Any:
    optimizer = optimizer_of(side)
    schedule = step_lr(side, optimizer)
    optimizer.step = lambda: None
    schedule.step()
    return schedule.get_last_lr()


def closed(side: Side) -> Any:
    optimizer = optimizer_of(side)
    schedule = step_lr(side, optimizer)
    optimizer.step()
    schedule.step(5)
    return schedule.get_last_lr(), schedule.last_epoch


@table(
    lambda s: step_lr(s).step(),
    lambda s: step_lr(s).get_lr(),
    overridden,
    closed,
    lambda s: schedules(s).CosineAnnealingWarmRestarts(optimizer_of(s), 3).get_lr(),
    lambda s: schedules(s).ReduceLROnPlateau(optimizer_of(s)).step(1.0, epoch=3),
    lambda s: schedules(s).ChainedScheduler([step_lr(s)]).step(),
)
def test_warnings(case: Callable[[Side], Any]) -> None:
    assert assert_same(case).warnings


def grown(side: Side, **options: Any) -> Any:
    """A plateau of an optimizer that has got another group since."""
    optimizer = optimizer_of(side)
    schedule = schedules(side).ReduceLROnPlateau(optimizer, patience=0, **options)
    optimizer.add_param_group({"params": [side.tensor(np.ones(1))], "lr": 0.5})
    schedule.step(1.0)
    schedule.step(2.0)
    return [group["lr"] for group in optimizer.param_groups]


def of_two(side: Side) -> Any:
    one, other = optimizer_of(side), optimizer_of(side)
    return [step_lr(side, one), step_lr(side, other)]


@table(
    lambda s: schedules(s).StepLR(5, 2),
    lambda s: schedules(s).LRScheduler(optimizer_of(s)),
    lambda s: schedules(s).StepLR(optimizer_of(s), 2, last_epoch=3),
    lambda s: schedules(s).StepLR(optimizer_of(s), 0).step(),
    lambda s: schedules(s).LambdaLR(optimizer_of(s), [halves, halves]),
    lambda s: schedules(s).MultiplicativeLR(optimizer_of(s), [halves, halves]),
    lambda s: schedules(s).MultiplicativeLR(optimizer_of(s), 5),
    lambda s: schedules(s).LambdaLR(optimizer_of(s), 5),
    lambda s: schedules(s).ConstantLR(optimizer_of(s), 1.5),
    lambda s: schedules(s).LinearLR(optimizer_of(s), 0),
    lambda s: schedules(s).LinearLR(optimizer_of(s), 0.5, -1),
    lambda s: schedules(s).CosineAnnealingLR(optimizer_of(s), 0).step(),
    lambda s: schedules(s).CosineAnnealingWarmRestarts(optimizer_of(s), 0),
    lambda s: schedules(s).CosineAnnealingWarmRestarts(optimizer_of(s), 2, 1.5),
    lambda s: schedules(s).CosineAnnealingWarmRestarts(optimizer_of(s), 2, eta_min="a"),
    lambda s: schedules(s).CosineAnnealingWarmRestarts(optimizer_of(s), 2).step(-1),
    lambda s: schedules(s).CyclicLR(5, 0.1, 0.2),
    lambda s: schedules(s).CyclicLR(optimizer_of(s), [0.1, 0.2], 0.3),
    lambda s: schedules(s).CyclicLR(optimizer_of(s), 0.1, 0.3, mode="none"),
    lambda s: schedules(s).CyclicLR(optimizer_of(s, "Adagrad"), 0.1, 0.3),
    lambda s: schedules(s).OneCycleLR(5, 0.1),
    lambda s: schedules(s).OneCycleLR(optimizer_of(s), 0.1),
    lambda s: schedules(s).OneCycleLR(optimizer_of(s), 0.1, 0),
    lambda s: schedules(s).OneCycleLR(optimizer_of(s), 0.1, epochs=1.5, steps_per_epoch=1),
    lambda s: schedules(s).OneCycleLR(optimizer_of(s), 0.1, epochs=2, steps_per_epoch=0),
    lambda s: schedules(s).OneCycleLR(optimizer_of(s), 0.1, 10, pct_start=1),
    lambda s: schedules(s).OneCycleLR(optimizer_of(s), 0.1, 10, anneal_strategy="none"),
    lambda s: schedules(s).OneCycleLR(optimizer_of(s, "Adagrad"), 0.1, 10),
    lambda s: overstepped(s),
    lambda s: schedules(s).ReduceLROnPlateau(optimizer_of(s), factor=1.0),
    lambda s: schedules(s).ReduceLROnPlateau(5),
    lambda s: schedules(s).ReduceLROnPlateau(optimizer_of(s), min_lr=[1, 2]),
    lambda s: schedules(s).ReduceLROnPlateau(optimizer_of(s), "none"),
    lambda s: schedules(s).ReduceLROnPlateau(optimizer_of(s), threshold_mode="none"),
    lambda s: schedules(s).ReduceLROnPlateau(optimizer_of(s)).step("a"),
    lambda s: grown(s, min_lr=[0.1]),
    lambda s: schedules(s).SequentialLR(optimizer_of(s), [], []),
    lambda s: schedules(s).SequentialLR(optimizer_of(s), [5], []),
    lambda s: schedules(s).SequentialLR(optimizer_of(s), [step_lr(s)], [1]),
    lambda s: schedules(s).SequentialLR(optimizer_of(s), [step_lr(s)], []),
    lambda s: schedules(s).SequentialLR(optimizer_of(s), [schedules(s).ReduceLROnPlateau(optimizer_of(s))], []),
    lambda s: schedules(s).ChainedScheduler([]),
    lambda s: schedules(s).ChainedScheduler(of_two(s)),
    lambda s: schedules(s).ChainedScheduler([schedules(s).ReduceLROnPlateau(optimizer_of(s))]),
    lambda s: schedules(s).ChainedScheduler([step_lr(s), 5]),
    lambda s: schedules(s).LambdaLR(optimizer_of(s), halves).load_state_dict({}),
)
def test_errors(case: Callable[[Side], Any]) -> None:
    assert assert_same(case).error is not None


def overstepped(side: Side) -> Any:
    optimizer = optimizer_of(side)
    schedule = schedules(side).OneCycleLR(optimizer, 0.1, 2)
    for _ in range(3):
        optimizer.step()
        schedule.step()


def test_a_plateau_follows_new_groups() -> None:
    assert_same(grown)


def test_a_schedule_of_ones_own() -> None:
    def case(side: Side) -> Any:
        class Root(schedules(side).LRScheduler):  # type: ignore[misc, name-defined]
            def get_lr(self) -> list[float]:
                return [lr / (1 + self.last_epoch) ** 0.5 for lr in self.base_lrs]

        optimizer = optimizer_of(side, "SGD", 0.1, 1)
        schedule = Root(optimizer)
        results = [schedule.get_last_lr()]
        for _ in range(4):
            optimizer.step()
            schedule.step()
            results.append(schedule.get_last_lr())
        return results, schedule.state_dict()

    assert_same(case)


def test_optimizers_with_a_schedule_can_be_copied_and_hooked() -> None:
    def case(side: Side) -> Any:
        optimizer, calls = optimizer_of(side), []
        step_lr(side, optimizer)
        step_lr(side, optimizer)
        optimizer.register_step_post_hook(lambda *_: calls.append(1))
        before = hasattr(optimizer, "_opt_called")
        optimizer.step()
        twin = copy.deepcopy(optimizer)
        names = optimizer.step.__name__, hasattr(twin.step, "_wrapped_by_lr_sched"), hasattr(twin, "_opt_called")
        return before, optimizer._opt_called, calls, names, twin.state_dict()

    assert_same(case)


def test_names() -> None:
    theirs, ours = (schedules(side) for side in SIDES)
    assert sorted(ours.__all__) == sorted(theirs.__all__)
    assert microtorch.optim.lr_scheduler.StepLR is ours.StepLR
