"""The layers, functions and utilities of torch.nn on both sides, and where they are found."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nn_scripts import Script, Scripts, linear, name, network, plain, said, tells_the_same, values
from sides import SIDES, graph

import microtorch

script = Scripts()

# -- layers ------------------------------------------------------------------------------------------------------------


@script
def linear_layer(torch: Any) -> Any:
    layer, bare = linear(torch, 3, 2), linear(torch, 3, 2, bias=False)
    seen: list[Any] = [plain(layer), plain(bare), bare.bias, layer.in_features, layer.out_features]
    for shape in ((3,), (4, 3), (2, 4, 3), (0, 3)):
        for module in (layer, bare):
            x = values(torch, *shape).requires_grad_()
            output = module(x)
            output.backward(values(torch, *output.shape, start=2))
            seen += [output, graph(output), repr(output), x.grad, module.weight.grad]
            module.zero_grad()
    del layer.weight
    layer.weight = values(torch, 2, 3) * 2  # not a parameter any more
    seen += [layer(values(torch, 3)), [n for n, _ in layer.named_parameters()]]
    return [
        *seen,
        said(lambda: bare(values(torch, 4, 2))),
        said(lambda: bare(torch.ones(3, dtype=torch.float64))),
        said(lambda: torch.nn.Linear(2)),
        torch.nn.Linear(2, 1, dtype=torch.float64).weight.dtype,
        said(lambda: torch.nn.Linear(2, 1, device="nowhere")),
    ]


@script
def linear_layers_drawn(torch: Any) -> Any:
    seen: list[Any] = []
    for inputs, outputs in ((1, 1), (2, 1), (3, 5), (16, 4), (40, 7)):
        for dtype in (torch.float32, torch.float64):
            torch.manual_seed(inputs)
            layer = torch.nn.Linear(inputs, outputs, dtype=dtype)
            seen += [layer.weight, layer.bias, torch.rand(1)]
            layer.reset_parameters()
            seen += [layer.weight, layer.bias]
    return seen


@script
def other_layers(torch: Any) -> Any:
    nn = torch.nn
    x = values(torch, 2, 3, 4)
    layers = [
        nn.Identity(),
        nn.Identity(3, any=4),
        nn.Flatten(),
        nn.Flatten(0, 1),
        nn.Flatten(0),
        nn.Unflatten(2, (2, 2)),
        nn.Unflatten(-1, [4, 1]),
        nn.Unflatten(1, torch.Size([3, 1])),
        nn.ReLU(),
        nn.ReLU(inplace=True),
        nn.ReLU(True),
        nn.Dropout(),
        nn.Dropout(0.25, inplace=True),
        nn.Dropout(p=0),
    ]
    seen: list[Any] = []
    for layer in layers:
        leaf = x.clone().requires_grad_()
        torch.manual_seed(1)
        output = layer(leaf * 1)
        output.backward(values(torch, *output.shape, start=2))
        seen += [plain(layer), output, graph(output), leaf.grad, torch.rand(1), layer.eval()(x.clone())]
    errors: list[Callable[[], Any]] = [
        lambda: nn.Flatten(2, 1)(x),
        lambda: nn.Flatten(5)(x),
        lambda: nn.Unflatten(1, 3),
        lambda: nn.Unflatten(1, (3, 1.5)),
        lambda: nn.Unflatten(1, (2, 2))(x),
        lambda: nn.Dropout(1.5),
        lambda: nn.Dropout(-0.1),
        lambda: nn.functional.dropout(x, 2.0),
        lambda: nn.ReLU(inplace=True)(x.clone().requires_grad_()),
    ]
    return [*seen, *map(said, errors)]


@pytest.mark.parametrize(("layer", "slope"), [("Sigmoid", lambda y: y * (1 - y)), ("Tanh", lambda y: 1 - y * y)])
def test_curves(layer: str, slope: Callable[[Any], Any]) -> None:
    """Their values are those of `torch.sigmoid` and `torch.tanh`, which have rows of their own."""
    for side in SIDES:
        torch, x = side.module, values(side.module, 5).requires_grad_()
        made = getattr(torch.nn, layer)()
        y = made(x)
        y.sum().backward()
        assert repr(made) == f"{layer}()"
        assert y.grad_fn.name() == f"{layer}Backward0"
        assert torch.equal(y, getattr(torch, layer.lower())(x))
        assert torch.equal(y, getattr(torch.nn.functional, layer.lower())(x))
        assert x.grad.tolist() == pytest.approx(slope(y.detach()).tolist(), rel=1e-6)


# -- functions and utilities -------------------------------------------------------------------------------------------


@script
def functions(torch: Any) -> Any:
    F = torch.nn.functional
    x = values(torch, 2, 3)
    seen: list[Any] = [
        F.relu(x),
        F.relu(x.clone(), inplace=True),
        F.relu_(x.clone()),
        F.dropout(x, 0.0),
        F.dropout(x, 1.0),
    ]
    torch.manual_seed(3)
    seen += [
        F.dropout(x),
        F.dropout(x, 0.3, True),
        F.dropout(x, training=False),
        F.dropout(x.clone(), 0.5, inplace=True),
    ]
    return [*seen, F.linear(x, values(torch, 2, 3), values(torch, 2)), F.linear(x, values(torch, 1, 3)), torch.rand(2)]


@script
def clipping(torch: Any) -> Any:
    utils = torch.nn.utils
    seen: list[Any] = []

    def parameters() -> list[Any]:
        made = [torch.nn.Parameter(torch.zeros(s)) for s in ((2,), (2, 2), (1,))]
        made[0].grad, made[1].grad = torch.tensor([3.0, 4.0]), torch.tensor([[0.0, 12.0], [0.0, 0.0]])
        return made

    def gradients(some: list[Any]) -> Any:
        return [None if p.grad is None else p.grad.clone() for p in some]

    for norm in (2, 1, float("inf"), "inf"):
        for largest in (1.5, 100, 0):
            some = parameters()
            total = utils.clip_grad_norm_(iter(some), largest, norm_type=norm)
            seen += [total, gradients(some)]
    one = parameters()[0]
    seen += [utils.clip_grad_norm_(one, 1.0), one.grad, utils.clip_grad_norm_([], 1.0)]
    some = parameters()
    seen += [utils.clip_grad_value_(some, 3.5), gradients(some)]
    seen += [
        utils.get_total_norm([torch.tensor([3.0, 4.0])]),
        utils.clip_grads_with_norm_(some, 1.0, torch.tensor(2.0)),
    ]
    seen += [gradients(some), utils.clip_grad_norm_((p for p in []), 1.0)]
    seen += [utils.clip_grad_norm(parameters(), 1.5)]
    some[0].grad[0] = float("nan")
    seen += [said(lambda: utils.clip_grad_norm_(some, 1.0, error_if_nonfinite=True)), gradients(some)]
    return [*seen, utils.clip_grad_norm_(some, 1.0), gradients(some), said(lambda: utils.clip_grad_norm_(3, 1.0))]


@script
def vectors(torch: Any) -> Any:
    utils = torch.nn.utils
    net = network(torch)
    vector = utils.parameters_to_vector(net.parameters())
    seen = [vector, graph(vector), vector.requires_grad]
    flat = torch.arange(20.0)
    seen += [utils.vector_to_parameters(flat, net.parameters()), list(net.parameters())]
    flat[0] = 7
    seen += [net.scale, said(lambda: utils.vector_to_parameters([1], net.parameters()))]
    return [*seen, said(lambda: utils.vector_to_parameters(torch.ones(3), net.parameters()))]


# -- names -------------------------------------------------------------------------------------------------------------


@script
def places(torch: Any) -> Any:
    from importlib import import_module

    root = torch.__name__
    nn = torch.nn
    where = {
        "nn.modules.module": "Module",
        "nn.modules.linear": "Linear",
        "nn.modules.container": "Sequential",
        "nn.modules.activation": "ReLU",
        "nn.modules.loss": "MSELoss",
        "nn.modules.dropout": "Dropout",
        "nn.modules.flatten": "Flatten",
        "nn.modules.batchnorm": "BatchNorm1d",
        "nn.modules.instancenorm": "InstanceNorm1d",
        "nn.modules.normalization": "LayerNorm",
        "nn.modules.padding": "ZeroPad2d",
        "nn.modules.sparse": "Embedding",
        "nn.modules": "HuberLoss",
        "nn.parameter": "Parameter",
        "nn.utils.clip_grad": "clip_grad_norm_",
        "nn.utils.convert_parameters": "parameters_to_vector",
    }
    found = [getattr(import_module(f"{root}.{path}"), name) is getattr(nn, name, None) for path, name in where.items()]
    return [found, [hasattr(nn, what) for what in ("functional", "init", "Module", "Nowhere")]]


@pytest.mark.parametrize(
    "path", ["nn.Conv2d", "nn.LSTM", "nn.functional.conv2d", "nn.utils.prune", "nn.Module().compile"]
)
def test_what_is_lacking_is_named(path: str) -> None:
    """What torch has and microtorch has not is an AttributeError that says so."""
    name = path.rpartition(".")[2]
    value = microtorch.nn.Module() if "()" in path else microtorch
    for part in path.split(".")[:-1]:
        value = value if part.endswith("()") or isinstance(value, microtorch.nn.Module) else getattr(value, part)
    with pytest.raises(
        AttributeError, match=rf"microtorch.* does not have (torch\.nn|Module).*\.{name}( \(.*\))?$|Module\.{name}$"
    ):
        getattr(value, name)
    assert not hasattr(value, name)


def test_every_layer_is_tested() -> None:
    """No name is exported that no test uses."""
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [layer for layer in microtorch.nn.modules.__all__ if not re.search(rf"\b{layer}\b", text)] == []


@pytest.mark.parametrize("script", script, ids=name)
def test_tells_the_same(script: Script) -> None:
    tells_the_same(script)
