"""A loss with a linear layer of its own, and a linear layer with the batch normalization behind it: as torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import assert_same, table
from sides import Side, assert_same_outcome, outcomes

CLOSE = 32, True, False  # the vendor's products, exponentials and roots

LOSSES: list[dict[str, Any]] = [
    {},
    {"bias": True, "reduction": "sum", "label_smoothing": 0.25},
    {"out_features": (2,), "bias": True, "ignore_index": 1},
    {"weight": np.ones(4, np.float32), "reduction": "none"},
    {"weight": np.ones(3, np.float32)},
    {"label_smoothing": 1.5},
    {"label_smoothing": -0.5},
]


@pytest.mark.parametrize("options", LOSSES, ids=str)
def test_a_loss_with_a_layer(options: dict[str, Any]) -> None:
    """What it shows, draws, keeps and gives, and the gradients of its layer."""

    def use(side: Side) -> Any:
        torch = side.module
        torch.manual_seed(0)
        chosen = {k: side.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        made = torch.nn.LinearCrossEntropyLoss(3, 4, **chosen)
        x = side.tensor(np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3), True)
        shape = (2, *options.get("out_features", ()))
        loss = made(x, side.tensor(np.arange(np.prod(shape)).reshape(shape) % 4))
        loss.sum().backward()
        state = made.state_dict()
        return [repr(made), list(state), list(state.values()), loss, x.grad, [p.grad for p in made.parameters()]]

    assert_same_outcome(*outcomes(use), CLOSE)


def pair(side: Side, features: int = 3, trained: bool = True, **options: Any) -> tuple[Any, Any]:
    """A layer and its normalization, which have seen a batch."""
    nn = side.module.nn
    side.module.manual_seed(0)
    linear, bn = nn.Linear(2, 3, bias=options.pop("bias", True)), nn.BatchNorm1d(features, **options)
    bn(side.tensor(np.arange(4.0 * features, dtype=np.float32).reshape(4, features) ** 2 / 16))
    return (linear.eval(), bn.eval()) if trained else (linear, bn)


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_and_its_normalization_as_one(bias: bool) -> None:
    def use(side: Side) -> Any:
        linear, bn = pair(side, bias=bias)
        linear.weight.requires_grad_(False)
        fused = side.module.nn.utils.fuse_linear_bn_eval(linear, bn)
        x = side.tensor(np.linspace(-1, 1, 8, dtype=np.float32).reshape(4, 2))
        flags = [p.requires_grad for p in (fused.weight, fused.bias)]
        same = side.module.allclose(fused(x), bn(linear(x)), atol=1e-5)
        return [repr(fused), fused.weight, fused.bias, flags, fused is linear, same]

    theirs, ours = outcomes(use)
    assert_same_outcome(theirs, ours, CLOSE)
    assert ours.value[-1] is True


@table(
    lambda s: s.module.nn.utils.fuse_linear_bn_eval(*pair(s, trained=False)),
    lambda s: s.module.nn.utils.fuse_linear_bn_eval(*pair(s, features=4)),
    lambda s: s.module.nn.utils.fuse_linear_bn_eval(*pair(s, track_running_stats=False)),
)
def test_what_cannot_be_one(case: Callable[[Side], Any]) -> None:
    assert assert_same(case).error is not None
