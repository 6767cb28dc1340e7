"""The activations as layers on both sides, and what the rows of the functions do not say."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from nn_rows import Layer, check
from nn_scripts import Script, Scripts, name, said, tells_the_same, values

VML = "torch takes the exponentials in it from a vendor's library, whose last bits are its own"
SIGNS = "torch's loops for many elements and for the last few differ in the sign of a zero"
SHAPES = ((4, 5), (3,), ())


def exact(layer: str, *shapes: tuple[int, ...], **more: Any) -> Layer:
    """Straight lines."""
    return Layer(layer, shapes or SHAPES, **more)


def curve(layer: str, *shapes: tuple[int, ...], **more: Any) -> Layer:
    """What has exponentials in it."""
    return Layer(layer, shapes or SHAPES[:1], ulp=8, reason=VML, **more)


LAYERS = [
    exact("ReLU()"),
    exact("ReLU(True)"),
    exact("ReLU6()"),
    exact("ReLU6(inplace=True)"),
    exact("LeakyReLU()"),
    exact("LeakyReLU(0.25, True)"),
    exact("RReLU()"),
    exact("RReLU(0.25, 0.5, inplace=True)"),
    exact("PReLU()", bad=((2, 0, 3),)),
    exact("PReLU(3, init=0.5)", (4, 3), (2, 3, 2), bad=((3, 4), (3,), ())),
    exact("Threshold(0.5, 2)"),
    exact("Threshold(0.25, -1.0, inplace=True)"),
    exact("Hardtanh()"),
    exact("Hardtanh(-2, 2.5, True)"),
    exact("Hardtanh(min_value=-2, max_value=3)"),
    exact("Hardsigmoid()"),
    exact("Hardsigmoid(inplace=True)"),
    exact("Hardswish()"),
    exact("Hardswish(True)"),
    exact("Hardshrink()"),
    exact("Hardshrink(2)"),
    Layer("Softshrink()", SHAPES, ulp=1, reason=SIGNS),
    Layer("Softshrink(lambd=1.5)", SHAPES, ulp=1, reason=SIGNS),
    exact("Softsign()"),
    curve("ELU()"),
    curve("ELU(0.5, inplace=True)"),
    curve("CELU()"),
    curve("CELU(alpha=2.0, inplace=True)"),
    curve("SELU()"),
    curve("SELU(True)"),
    curve("SiLU()"),
    curve("SiLU(inplace=True)"),
    curve("Mish()"),
    curve("Mish(inplace=True)"),
    curve("GELU()"),
    curve('GELU("tanh")'),
    curve("GLU()", (4, 6), (2,), bad=((3,), ())),
    curve("GLU(0)", (4, 3), (2, 2, 2)),
    curve("Sigmoid()"),
    curve("LogSigmoid()"),
    curve("Softplus()"),
    curve("Softplus(2, threshold=3)"),
    curve("Tanh()"),
    curve("Tanhshrink()"),
    curve("Softmax(dim=1)", (4, 5), (2, 3, 4), bad=((3,),)),
    curve("Softmax()", (4, 5), (3,), (2, 3, 4), ()),
    curve("Softmin(-1)"),
    curve("LogSoftmax(0)"),
    curve("LogSoftmax()", (4, 5)),
    curve("Softmax2d()", (2, 3, 2, 2), (3, 2, 2), bad=((3, 2),)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.made)
def test_layer(layer: Layer) -> None:
    check(layer)


script = Scripts()


@script
def randomized(torch: Any) -> Any:
    """What rrelu draws, and only for what is not positive; on memory in any order."""
    F = torch.nn.functional
    seen: list[Any] = []
    for dtype in (torch.float32, torch.float64):
        torch.manual_seed(3)
        x = torch.randn(5, 7).to(dtype)
        for input in (x, x.t(), x[:, ::2]):
            leaf = input.clone().requires_grad_()
            y = F.rrelu(leaf, 0.1, 0.9, training=True)
            y.sum().backward()
            again = input.clone().requires_grad_()
            z = F.rrelu_(again * 1, training=True)
            z.sum().backward()
            seen += [y.detach(), leaf.grad, z.detach(), again.grad, z.grad_fn.name(), torch.rand(1)]
    generator = torch.Generator().manual_seed(1)
    seen += [torch.rrelu(-torch.ones(3), 0.1, 0.5, True, generator), torch.rand(1), torch.rrelu_(-torch.ones(2), 0.2)]
    errors: list[Callable[[], Any]] = [
        lambda: F.rrelu(torch.tensor([1, 2]), training=True),
        lambda: F.rrelu(torch.ones(2).half(), training=True),
        lambda: F.rrelu(torch.ones(2), upper=float("inf"), training=True),
        lambda: F.rrelu(torch.ones(2), lower=float("nan")),
        lambda: F.rrelu(torch.ones(2), 0.5, 0.25),
        lambda: F.rrelu_(torch.ones(2, requires_grad=True)),
    ]
    return [*seen, *map(said, errors)]


@script
def overwritten(torch: Any) -> Any:
    """What is told by the result knows no negative slope; leaves stay as they are."""
    F = torch.nn.functional
    seen: list[Any] = []

    def slope(act: Callable[[Any], Any]) -> Any:
        leaf = torch.tensor([-1.0, 2.0, 4.0], requires_grad=True)
        x = leaf * 1
        y = act(x)
        y.sum().backward()
        return [y is x, y.grad_fn.name(), y.detach(), leaf.grad, x._version]

    names = ["leaky_relu", "elu", "celu", "rrelu"]
    seen += [said(lambda f=getattr(F, f"{n}_"): slope(lambda x: f(x, -0.5))) for n in names]  # type: ignore[misc]
    seen += [said(lambda: slope(lambda x: F.threshold(x, 3, 2.5, inplace=True)))]
    for function in ("leaky_relu", "elu", "celu", "hardtanh"):
        there = getattr(F, f"{function}_")
        for wrong in (3, torch.ones(2, requires_grad=True)):
            seen.append(said(lambda f=there, x=wrong: f(x)))  # type: ignore[misc]
    seen += [said(lambda: F.threshold(torch.ones(2), 1)), torch.threshold_(torch.tensor([1.0, 3]), 2, 1)]
    seen += [torch.selu_(torch.tensor([1.0, 3])), torch.celu_(torch.tensor([1.0, 3]), 2), F.threshold.__name__]
    return seen


@script
def limits(torch: Any) -> Any:
    F, nn = torch.nn.functional, torch.nn
    seen = [F.hardtanh(torch.tensor([-5, 2, 5], dtype=d), -1.5, 2.7) for d in (torch.int64, torch.int8)]
    seen += [F.hardtanh(torch.tensor([1, 200], dtype=torch.uint8), 0, 3), F.relu6(torch.tensor([-5, 2, 9]))]
    errors: list[Callable[[], Any]] = [
        lambda: F.hardtanh(torch.tensor([1], dtype=torch.uint8)),
        lambda: F.relu6(torch.tensor([True])),
        lambda: F.hardtanh(torch.ones(2), 2, 1),
        lambda: nn.Hardtanh(2, 1),
        lambda: nn.Hardtanh(1, 1),
        lambda: F.softshrink(torch.ones(2), float("inf")),
        lambda: F.softshrink(torch.ones(2).half(), 1e5),
        lambda: F.softshrink(torch.ones(2).double(), -1),
        lambda: F.softshrink(torch.ones(2).int()),
        lambda: nn.Threshold(1),
        lambda: nn.PReLU(2, 1, 1, 1, 1),
        lambda: F.glu(torch.ones(2, 3)),
        lambda: F.gelu(torch.ones(2), "tanh"),
    ]
    return [*seen, *map(said, errors)]


@script
def implicit(torch: Any) -> Any:
    """Without a dimension it is chosen by how many there are, and the caller is warned."""
    F = torch.nn.functional
    seen: list[Any] = []
    for function in (F.softmax, F.softmin, F.log_softmax):
        for shape in ((), (2,), (2, 1), (1, 2, 2), (2, 1, 1, 1)):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                seen.append(function(torch.zeros(shape)))
            seen += [[str(w.message), w.filename == __file__] for w in caught]
        seen.append(function(torch.zeros(2), 0, dtype=torch.float64))
        seen.append(said(lambda f=function: f(torch.zeros(2), 1)))  # type: ignore[misc]
    return seen


@script
def gumbel(torch: Any) -> Any:
    """Hard draws, which are whole numbers; the random numbers that soft ones take."""
    F = torch.nn.functional
    torch.manual_seed(1)
    x = torch.tensor([[1.0, 2, 3], [0, 0, 1]], requires_grad=True)
    hard = F.gumbel_softmax(x, 0.5, hard=True)
    seen = [hard.argmax(1), hard.requires_grad, torch.rand(1)]
    soft = F.gumbel_softmax(x, eps=1e-9)
    seen += [soft.grad_fn.name(), torch.rand(1), F.gumbel_softmax(values(torch, 3), dim=0).shape]
    return seen


@pytest.mark.parametrize("script", script, ids=name)
def test_tells_the_same(script: Script) -> None:
    tells_the_same(script)
