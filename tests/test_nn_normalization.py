"""The normalizing layers on both sides: what they compute, what they gather, how old states are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from nn_rows import Layer, check
from nn_scripts import Script, Scripts, name, said, tells_the_same, values

import microtorch
from microtorch import kernels

SUMS = "statistics are sums, which torch adds up in another order, for batches in as many pieces as it has threads"


def layer(made: str, *shapes: tuple[int, ...], bad: tuple[tuple[int, ...], ...] = ()) -> Layer:
    return Layer(made, shapes, bad, ulp=16, reason=SUMS)


LAYERS = [
    layer("BatchNorm1d(4)", (5, 4), (3, 4, 2), bad=((5, 3), (4,), (2, 4, 2, 2))),
    layer("BatchNorm1d(4, eps=0.5, momentum=0.3)", (5, 4)),
    layer("BatchNorm1d(4, momentum=None)", (5, 4), (3, 4)),
    layer("BatchNorm1d(4, affine=False)", (5, 4)),
    layer("BatchNorm1d(4, track_running_stats=False)", (5, 4)),
    layer("BatchNorm1d(4, affine=False, track_running_stats=False)", (5, 4), bad=((1, 4),)),
    layer("BatchNorm1d(4, bias=False)", (5, 4)),
    layer("BatchNorm1d(2, dtype=torch.float32, device='cpu')", (5, 2)),
    layer("BatchNorm2d(3)", (2, 3, 2, 2), bad=((2, 3), (2, 3, 2))),
    layer("BatchNorm3d(2)", (2, 2, 2, 2, 2), bad=((2, 3),)),
    layer("LayerNorm(4)", (3, 4), (2, 3, 4), bad=((4, 3), ())),
    layer("LayerNorm([3, 4], eps=0.5)", (2, 3, 4)),
    layer("LayerNorm((4,), elementwise_affine=False)", (3, 4)),
    layer("LayerNorm(4, bias=False)", (3, 4)),
    layer("RMSNorm(4)", (3, 4), bad=((4, 3),)),
    layer("RMSNorm((3, 4), eps=0.5)", (2, 3, 4)),
    layer("RMSNorm(4, elementwise_affine=False)", (3, 4)),
    layer("GroupNorm(2, 4)", (3, 4, 5), (2, 4, 2, 2), bad=((3, 3, 5), (4,))),
    layer("GroupNorm(1, 6, eps=0.5)", (3, 6)),
    layer("GroupNorm(2, 4, affine=False)", (3, 4, 5)),
    layer("GroupNorm(2, 4, bias=False)", (3, 4, 5)),
    layer("InstanceNorm1d(3)", (2, 3, 5), (3, 5), bad=((2, 3, 1), (3,), (2, 3, 2, 2))),
    layer("InstanceNorm1d(2)", (2, 3, 5)),
    layer("InstanceNorm1d(3, affine=True)", (2, 3, 5), bad=((2, 4, 5),)),
    layer("InstanceNorm1d(3, affine=True, track_running_stats=True)", (2, 3, 5)),
    layer("InstanceNorm1d(3, momentum=None, track_running_stats=True)", (2, 3, 5)),
    layer("InstanceNorm2d(2, affine=True, bias=False)", (2, 2, 3, 2), (2, 3, 2)),
    layer("InstanceNorm3d(2)", (2, 2, 2, 2, 2)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.made)
def test_layer(layer: Layer) -> None:
    check(layer)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 3), (7, 5), (32, 8), (100, 33), (64, 1), (1000, 17)], ids=str)
@pytest.mark.parametrize(
    "way", ["training", "evaluation", "one gradient for all", "gradients in columns", "not affine"]
)
def test_a_batch_of_vectors_to_the_bit(shape: tuple[int, int], dtype: str, way: str) -> None:
    rng = np.random.default_rng(0)
    x, g = (rng.normal(1, 3, shape).astype(dtype) for _ in range(2))
    weight, bias, mean = rng.normal(size=(3, shape[1])).astype(dtype)
    variance = rng.uniform(0.5, 2, shape[1]).astype(dtype)

    def run(t: Any) -> list[Any]:
        leaves = [t.tensor(a, requires_grad=True) for a in ([x] if way == "not affine" else [x, weight, bias])]
        gathered = t.tensor(mean), t.tensor(variance)
        training = way != "evaluation"
        out = t.nn.functional.batch_norm(leaves[0], *gathered, *leaves[1:], training=training, momentum=0.3)
        gradient = t.tensor(g)
        if way == "one gradient for all":
            gradient = gradient[0, :1].expand(shape)
        if way == "gradients in columns":
            gradient = gradient.t().contiguous().t()
        out.backward(gradient)
        return [t.detach().numpy() for t in (out, *gathered)] + [leaf.grad.numpy() for leaf in leaves]

    with kernels.use("torch_cpu"):
        for theirs, ours in zip(run(torch), run(microtorch), strict=True):
            assert theirs.dtype == ours.dtype
            np.testing.assert_array_equal(ours, theirs)


script = Scripts()


@script
def states(torch: Any) -> Any:
    """Old states without a count, statistics that are of no use, unfit ones."""
    nn = torch.nn
    batch, instance = nn.BatchNorm1d(2), nn.InstanceNorm1d(2)
    state = batch.state_dict()
    seen: list[Any] = [list(state), {k: v.tolist() for k, v in state.items()}, dict(state._metadata)]
    batch(values(torch, 4, 2))
    del state["num_batches_tracked"]
    seen += [said(lambda: batch.load_state_dict(state))]
    del state._metadata
    seen += [str(said(lambda: batch.load_state_dict(state))), batch.num_batches_tracked]
    seen += [said(lambda: batch.load_state_dict({"weight": torch.ones(2)}))]
    old = {"running_mean": torch.zeros(2), "running_var": torch.ones(2)}
    seen += [said(lambda: instance.load_state_dict(old)), said(lambda: nn.BatchNorm1d(3).load_state_dict(state))]
    batch.reset_running_stats()
    return [*seen, batch.running_mean, batch.running_var, batch.num_batches_tracked, batch.weight]


@script
def refused(torch: Any) -> Any:
    nn, F = torch.nn, torch.nn.functional
    errors: list[Callable[[], Any]] = [
        lambda: nn.GroupNorm(3, 4),
        lambda: nn.BatchNorm1d(2)(torch.ones(1, 2)),
        lambda: nn.BatchNorm1d(2).eval()(torch.ones(1, 2)).shape,
        lambda: nn.BatchNorm1d(2)(torch.ones(3, 2).double()),
        lambda: nn.BatchNorm1d(2)(torch.ones(3, 2).half()).dtype,
        lambda: nn.BatchNorm1d(2)(torch.ones(3, 2).int()),
        lambda: nn.BatchNorm1d(2, eps=0)(torch.ones(3, 2)),
        lambda: F.batch_norm(torch.ones(0, 2), torch.zeros(2), torch.ones(2), training=True).shape,
        lambda: F.batch_norm(torch.ones(0, 2), None, None).shape,
        lambda: F.batch_norm(torch.ones(3, 2), None, None),
        lambda: F.batch_norm(torch.ones(3, 2), None, None, torch.ones(2), torch.ones(2).half(), training=True),
        lambda: torch.batch_norm(torch.ones(3, 2), None, None, None, None, True, 0.1, 1e-5, True),
        lambda: torch.batch_norm(torch.ones(3, 2), None, None, None, None, 1, 0.1, 1e-5, True),
        lambda: F.layer_norm(torch.ones(2), [2], eps=torch.tensor(0.5)),
        lambda: F.layer_norm(torch.ones(2), [2], eps=torch.tensor([0.5])),
        lambda: F.layer_norm(torch.ones(2), [2], eps=torch.tensor(0.5, requires_grad=True)),
        lambda: F.group_norm(torch.ones(1, 3), 3),
        lambda: F.instance_norm(torch.ones(2, 3)),
        lambda: F.layer_norm(torch.ones(2, 3).int(), (3,)),
    ]
    names = ["BatchNorm1d", "BatchNorm3d", "InstanceNorm1d"]
    common = torch.nn.modules.batchnorm
    seen = [[isinstance(getattr(nn, n)(2), c) for c in (common._BatchNorm, common._NormBase)] for n in names]
    return [seen, *map(said, errors)]


@script
def between(torch: Any) -> Any:
    """What a layer gathers is no change that an earlier backward pass minds; in evaluation it is saved."""
    layer = torch.nn.BatchNorm1d(2)
    x = values(torch, 4, 2).requires_grad_()
    first = layer(x)
    layer(x * 2)
    seen: list[Any] = [layer.running_mean._version, layer.running_var._version]
    first.sum().backward()
    layer.eval()
    second = layer(x)
    layer.running_var.mul_(2)
    seen += [said(lambda: second.sum().backward())]
    layer.train()
    layer.track_running_stats = False
    layer(x)
    return [*seen, layer.num_batches_tracked]


@pytest.mark.parametrize("script", script, ids=name)
def test_tells_the_same(script: Script) -> None:
    tells_the_same(script)
