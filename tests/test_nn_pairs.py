"""The layers that take two inputs, on both sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from nn_rows import drawn
from nn_scripts import plain, said
from sides import THEIRS, assert_same_outcome, graph, outcomes

SUMS = (
    16.0,
    True,
    True,
)  # sums and roots, which torch computes in another order: units of the last place of the largest

LAYERS = [
    ("Bilinear(3, 4, 2)", ((5, 3), (5, 4)), ((2, 3, 3), (2, 3, 4)), ((5, 3), (5, 3))),
    ("Bilinear(2, 2, 3, bias=False)", ((5, 2), (5, 2)), ((2,), (2,)), ((5, 2), (4, 2))),
    ("Bilinear(1, 2, 1, dtype=torch.float32)", ((5, 1), (5, 2)), ((0, 1), (0, 2)), ((1,), (5, 2))),
    ("CosineSimilarity()", ((5, 3), (5, 3)), ((2, 4, 3), (2, 4, 1)), ((3,), (3,))),
    ("CosineSimilarity(dim=0, eps=0.5)", ((5,), (5,)), ((5, 2), (5, 1)), ((5, 2), (4, 2))),
    ("PairwiseDistance()", ((5, 3), (5, 3)), ((3,), (5, 3)), ((5, 3), (5, 2))),
    ("PairwiseDistance(1, keepdim=True)", ((5, 3), (5, 3)), ((3,), (3,)), ((5, 3), (5, 2))),
    ("PairwiseDistance(float('inf'), eps=0.25)", ((5, 3), (1, 3)), ((2, 5, 3), (5, 3)), ((5, 3), (5, 2))),
]


@pytest.mark.parametrize(("made", "first", "second", "bad"), LAYERS, ids=[row[0] for row in LAYERS])
def test_layer(made: str, first: Any, second: Any, bad: Any) -> None:
    """Made, drawn, run and refused alike."""

    def life(side: Any) -> Any:
        torch = side.module
        torch.manual_seed(3)
        layer = eval(f"nn.{made}", {"nn": torch.nn, "torch": torch})
        rng = np.random.default_rng(2)
        exact: list[Any] = [plain(layer), torch.rand(1), [[n, p] for n, p in layer.named_parameters()]]
        computed: list[Any] = []
        for shapes in (first, second):
            leaves = [side.tensor(drawn(rng, shape), True) for shape in shapes]
            output = layer(*leaves)
            exact += [graph(output), list(output.shape)]
            output.backward(side.tensor(drawn(rng, tuple(output.shape))))
            computed += [output.detach(), *[leaf.grad for leaf in leaves], *[p.grad for p in layer.parameters()]]
            layer.zero_grad()
        exact.append(said(lambda: layer(*[side.tensor(drawn(rng, shape)) for shape in bad])))
        return exact, computed

    theirs, ours = outcomes(life)
    if theirs.error is not None:
        raise theirs.error
    for part, room in ((0, (0.0, False, True)), (1, SUMS)):
        for outcome in (theirs, ours):
            if outcome.error is not None:
                raise outcome.error
        chosen = [outcome.value[part] for outcome in (theirs, ours)]
        assert_same_outcome(*outcomes(lambda side: chosen[side is not THEIRS]), room, strides=False)  # noqa: B023


def test_refused() -> None:
    def errors(side: Any) -> Any:
        nn = side.module.nn
        actions: list[Callable[[], Any]] = [
            lambda: nn.Bilinear(0, 2, 1),
            lambda: nn.Bilinear(2, 1),
            lambda: nn.functional.cosine_similarity(side.module.ones(2), 3),
            lambda: nn.functional.pairwise_distance(3, side.module.ones(2)),
        ]
        return list(map(said, actions))

    assert_same_outcome(*outcomes(errors))
