"""Steps on tensors that are not what they mostly are: other dtypes and strides, inference tensors, no leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_same, torch_rounding
from optimizers import RMSPROP, SGD, leaf, optim
from sides import Side


@pytest.mark.parametrize(("of", "other"), [((2,), (3,)), ((1, 1), (1,)), ((1,), (1, 1)), ((), (1,))])
@pytest.mark.parametrize("kind", [SGD, RMSPROP])
def test_a_parameter_and_state_of_another_shape_do_not_go_together(
    kind: str, of: tuple[int, ...], other: tuple[int, ...]
) -> None:
    def case(side: Side) -> Any:
        p = side.tensor(np.ones(of, "f4"), requires_grad=True)
        p.grad = side.tensor(np.ones(of, "f4"))
        optimizer = getattr(optim(side), kind)([p], momentum=0.9)
        optimizer.step()
        optimizer.state[p]["momentum_buffer"] = side.tensor(np.ones(other, "f4"))
        optimizer.step()
        return p.detach()

    assert_same(case)


def _inference(side: Side, array: Any) -> Any:
    with side.module.inference_mode():
        return side.tensor(array) * 1


def buffer_of(state: dict[str, Any]) -> str:
    """A tensor of the state."""
    return next((name for name in ("exp_avg", "prev") if name in state), "momentum_buffer")


STRANGE: dict[str, Callable[[Side, Any, dict[str, Any]], Any]] = {
    "a buffer of another dtype": lambda s, p, state: state.update(
        **{buffer_of(state): s.tensor(np.full(p.shape, 1 / 3), False)}
    ),
    "a buffer whose elements are one": lambda s, p, state: state.update(
        **{buffer_of(state): s.tensor(np.ones(1, "f4")).expand(p.shape)}
    ),
    "a buffer made in inference mode": lambda s, p, state: state.update(
        **{buffer_of(state): _inference(s, np.ones(p.shape, "f4"))}
    ),
    "a parameter of another dtype": lambda s, p, _: setattr(p, "data", p.data.double()),
    "a parameter of another shape": lambda s, p, _: setattr(p, "data", p.data[None].clone()),
    "a parameter made in inference mode": lambda s, p, _: setattr(p, "data", _inference(s, np.ones(p.shape, "f4"))),
    "a gradient in other order": lambda s, p, _: setattr(p, "grad", s.tensor(np.ones(1, "f4")).expand(p.shape)),
    "a gradient made in inference mode": lambda s, p, _: setattr(p, "grad", _inference(s, np.ones(p.shape, "f4"))),
}


@pytest.mark.parametrize("shape", [(1,), (2, 3)], ids=str)
@pytest.mark.parametrize(("kind", "momentum"), [(SGD, 0), (SGD, 0.9), (RMSPROP, 0.9), ("Adam", None), ("Rprop", None)])
@pytest.mark.parametrize("strange", STRANGE)
def test_a_step_on_strange_tensors(strange: str, kind: str, momentum: float, shape: tuple[int, ...]) -> None:
    def case(side: Side) -> Any:
        p = side.tensor(np.full(shape, 0.7, "f4"), requires_grad=True)
        p.grad = side.tensor(np.full(shape, 0.3, "f4"))
        optimizer = getattr(optim(side), kind)([p], **({} if momentum is None else {"momentum": momentum}))
        optimizer.step()
        STRANGE[strange](side, p, optimizer.state[p])
        optimizer.step()
        return p.detach(), optimizer.state_dict()

    with torch_rounding():
        assert_same(case)


@pytest.mark.parametrize("shape", [(1,), (2, 3)], ids=str)
def test_a_gradient_of_lower_precision_is_multiplied_in_the_parameters(shape: tuple[int, ...]) -> None:
    def case(side: Side) -> Any:
        p = side.tensor(np.zeros(shape, "f4"), requires_grad=True)
        p.grad = side.tensor(np.full(shape, 1 + 2**-23, "f4"))
        p.data = p.data.double()
        optim(side).SGD([p], lr=1 + 2**-20).step()  # the product is exact in float64, not in float32
        return p.detach()

    assert_same(case)


@pytest.mark.parametrize("shape", [(1,), (2, 3)], ids=str)
def test_a_parameter_made_in_inference_mode_is_left_alone(shape: tuple[int, ...]) -> None:
    def case(side: Side) -> Any:
        p = _inference(side, np.ones(shape, "f4"))
        with side.module.inference_mode():
            p.requires_grad_()
            p.grad = side.tensor(np.ones(shape, "f4"))
        optim(side).SGD([p], lr=0.1).step()

    assert assert_same(case).error is not None


@pytest.mark.parametrize("kind", [SGD, RMSPROP])
def test_steps_of_what_is_no_leaf_are_recorded_wherever_they_are_taken(kind: str) -> None:
    def case(side: Side) -> Any:
        start, rate = leaf(side, grad=None), side.tensor(np.array([0.1], "f4"), requires_grad=True)
        p, silent = start * 1, start * 2
        p.retain_grad()
        silent.register_hook(lambda _: None)
        p.grad = side.tensor(np.array([0.3, 0.7], "f4"))
        optimizer = getattr(optim(side), kind)([start], lr=rate, differentiable=True)
        optimizer.param_groups[0]["params"] = [p, silent]
        with side.module.no_grad():
            optimizer.step()
            seen = [p.requires_grad, side.module.is_grad_enabled()]
        p.sum().backward()
        seen += [start.grad, rate.grad, p.grad]
        optimizer.zero_grad()
        return *seen, p.grad

    with torch_rounding():
        assert assert_same(case).warnings


@pytest.mark.parametrize("steps", [1.0, 16777216.0, [3.0]])
def test_steps_are_counted_in_a_tensor_of_any_kind(steps: Any) -> None:
    def case(side: Side) -> Any:
        p = leaf(side)
        optimizer = optim(side).RMSprop([p])
        optimizer.step()
        optimizer.state[p]["step"] = side.tensor(np.array(steps, "f4"), requires_grad=True)
        optimizer.step()
        return optimizer.state[p]["step"].detach(), optimizer.state[p]["step"]._version

    assert_same(case)
