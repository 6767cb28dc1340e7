"""Layers that look up, drop or pad, on both sides."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from nn_rows import Layer, check
from nn_scripts import Script, Scripts, name, said, tells_the_same, values

PADS = {
    1: "ConstantPad1d ZeroPad1d ReflectionPad1d ReplicationPad1d CircularPad1d",
    2: "ConstantPad2d ZeroPad2d ReflectionPad2d ReplicationPad2d CircularPad2d",
    3: "ConstantPad3d ZeroPad3d ReflectionPad3d ReplicationPad3d CircularPad3d",
}
BOTH = {1: ("1", "(2, 0)"), 2: ("1", "(1, 0, 2, 1)"), 3: ("1", "(1, 0, 2, 1, 0, 1)")}
SELU = "torch takes the product and the sum of two numbers at once, rounded once"


def indices(below: int) -> Any:
    return lambda rng, shape: np.asarray(rng.integers(0, below, shape))


def table(made: str, below: int, *shapes: tuple[int, ...], **more: Any) -> Layer:
    return Layer(made, shapes or ((3,), (2, 3), ()), inputs=indices(below), **more)


LAYERS = [
    table("Embedding(5, 3)", 5),
    table("Embedding(5, 3, padding_idx=2)", 5),
    table("Embedding(5, 3, -1, scale_grad_by_freq=True)", 5, ulp=1, reason=SELU),
    table("Embedding(5, 3, dtype=torch.float64)", 5),
    table("Embedding(5, 4, max_norm=1.5)", 5, ulp=2, reason="the norm is a sum, which torch adds up in another order"),
    table("Embedding(5, 4, None, 1.0, 1)", 5, ulp=2, reason="the norm is a sum, which torch adds up in another order"),
    table("Embedding.from_pretrained(torch.arange(6.0).reshape(3, 2))", 3),
    table("Embedding.from_pretrained(torch.arange(6.0).reshape(3, 2), freeze=False, padding_idx=0)", 3),
    Layer("Dropout()", ((4, 5),)),
    Layer("Dropout(0.25, inplace=True)", ((4, 5),)),
    Layer("Dropout1d(0.4)", ((3, 4, 5), (4, 5)), bad=((3,), (2, 2, 2, 2))),
    Layer("Dropout1d(inplace=True)", ((3, 4, 5), (4, 5))),
    Layer("Dropout2d(0.3)", ((3, 4, 2, 2), (3, 4, 5), (3, 4)), bad=((3,),)),
    Layer("Dropout3d(0.3)", ((3, 4, 2, 2, 2), (3, 4, 2, 2))),
    Layer("AlphaDropout()", ((4, 5),), ulp=1, reason=SELU),
    Layer("AlphaDropout(0.2, inplace=True)", ((3, 4),), ulp=1, reason=SELU),
    Layer("FeatureAlphaDropout(0.3)", ((3, 4, 5), (3, 4)), bad=((3,),), ulp=1, reason=SELU),
    *[
        Layer(
            f"{kind}({width}{', 1.5' * kind.startswith('Constant')})",
            ((2, 2, 3, 4, 3)[: n + 2], (2, 3, 4, 3)[: n + 1]),
            bad=((2,), (1,) * 6),
        )
        for n, kinds in PADS.items()
        for kind in kinds.split()
        for width in BOTH[n]
    ],
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.made)
def test_layer(layer: Layer) -> None:
    check(layer)


script = Scripts()


@script
def tables(torch: Any) -> Any:
    """What is shared with a given table, renormalized in place, and refused."""
    nn, F = torch.nn, torch.nn.functional
    given = values(torch, 3, 2)
    layer = nn.Embedding.from_pretrained(given, max_norm=1.0)
    seen: list[Any] = [layer.weight.requires_grad, layer.weight.data_ptr() == given.data_ptr(), given._version]
    layer(torch.tensor([2, 0, 2]))
    seen += [given._version, layer.weight[1], layer.extra_repr()]
    free = values(torch, 3, 2)
    seen += [torch.embedding_renorm_(free, torch.tensor([1]), 1.0, float("inf")), free._version]
    seen += [nn.Embedding(4, 2, 1, 2.0, 3, True), nn.Embedding(4, 2, padding_idx=-4).padding_idx, F.one_hot.__name__]
    names = ["padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"]
    seen += [[getattr(layer, n) for n in names], list(layer.state_dict())]
    errors: list[Callable[[], Any]] = [
        lambda: nn.Embedding(3, 2, padding_idx=3),
        lambda: nn.Embedding(3, 2, padding_idx=-4),
        lambda: nn.Embedding(3, 2, _weight=torch.ones(2, 3)),
        lambda: nn.Embedding.from_pretrained(torch.ones(3)),
        lambda: layer(torch.tensor([3])),
        lambda: layer(torch.tensor([1.0])),
        lambda: F.embedding(torch.tensor([1]), free, max_norm="a"),
        lambda: torch.embedding_renorm_(free.requires_grad_(), torch.tensor([1]), 1.0, 2.0),
        lambda: torch.embedding_renorm_(torch.ones(3), torch.tensor([1]), 1.0, 2.0),
        lambda: torch.embedding_renorm_(torch.ones(3, 1), torch.tensor([1.0]), 1.0, 2.0),
    ]
    seen.append([str(s) for s in seen if isinstance(s, nn.Module)])
    return [*[s for s in seen if not isinstance(s, nn.Module)], *map(said, errors)]


@script
def dropped(torch: Any) -> Any:
    """Random numbers that each takes; all, none, in place, out of range."""
    F = torch.nn.functional
    x = values(torch, 2, 3, 4)
    seen: list[Any] = []
    for kind in ("alpha_dropout", "feature_alpha_dropout", "feature_dropout"):
        function, in_place = getattr(torch, kind), getattr(torch, f"{kind}_")
        for p in (0.0, 0.25, 1.0):
            torch.manual_seed(1)
            y, again = function(x, p, True), in_place(x.clone(), p, True)
            seen += [y != 0 if p else y, (y == x).all(), again.shape, torch.rand(1), function(x, p, False) is x]
        seen += [said(lambda f=function, v=v, p=p: f(v, p, True)) for v, p in ((x, 2.0), (x, "a"), (3, 0.5))]  # type: ignore[misc]
        seen += [said(lambda f=function: f(x.int(), 0.5, True)), function(torch.zeros(0, 3), 0.5, True)]
        seen += [said(lambda f=in_place: f(x.clone().requires_grad_(), 0.5, True))]  # type: ignore[misc]
    for function in (F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout):
        seen += [said(lambda f=function: f(x, 1.5)), said(lambda f=function: f(values(torch, 2), 0.5, True).shape)]  # type: ignore[misc]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            function(x, 0.0)
        seen += [[str(w.message), w.filename == __file__] for w in caught]
    return seen


@script
def missing(torch: Any) -> Any:
    """Half a padding, and what is no number."""
    nn = torch.nn
    errors: list[Callable[[], Any]] = [
        lambda: nn.ZeroPad1d((1, 2, 3))(torch.ones(2, 3)),
        lambda: nn.ReflectionPad1d("ab")(torch.ones(2, 3)),
        lambda: nn.ReflectionPad2d(2)(torch.ones(1, 2, 2)),
    ]
    return [*map(said, errors), str(nn.ZeroPad2d([1, 2, 3, 4])), nn.ReplicationPad1d(2).padding]


def test_sparse_gradients_are_lacking() -> None:
    import microtorch

    with pytest.raises(NotImplementedError, match="microtorch does not have sparse tensors"):
        microtorch.nn.Embedding(3, 2, sparse=True)(microtorch.tensor([1]))


@pytest.mark.parametrize("script", script, ids=name)
def test_tells_the_same(script: Script) -> None:
    tells_the_same(script)
