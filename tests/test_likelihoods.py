"""The losses for classes, probabilities, counts and margins on both sides, where a row of the table cannot say it.

What torch computes in loops of its own must be the same to the last bit: `nll_loss` of any size in all its forms. With
the vendor's exp and log in it, a loss may be off by a few units of the largest of its terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import table
from hypothesis import given, settings
from hypothesis import strategies as st
from sides import OURS, SIDES, as_array, assert_same_outcome, graph, outcomes

Array = np.ndarray[Any, np.dtype[Any]]
REDUCTIONS = ["none", "mean", "sum"]
EXACT = (0.0, False, True)


def call(side: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    """A function of `nn.functional` on arrays, which become tensors."""
    convert = lambda v: side.tensor(v) if isinstance(v, np.ndarray) else v
    return getattr(side.module.nn.functional, name)(*map(convert, args), **{k: convert(v) for k, v in kwargs.items()})


# -- classes -----------------------------------------------------------------------------------------------------------


@st.composite
def classified(draw: st.DrawFn) -> dict[str, Any]:
    """Logarithms of probabilities, classes, weights, and which class does not count."""
    classes = draw(st.integers(1, 6))
    batch = draw(st.sampled_from([0, 1, 2, 5, 16, 17, 18, 33, 273, 1000]))
    pixels = draw(st.lists(st.integers(0 if batch < 50 else 1, 3), max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape, of_target = (batch, classes, *pixels), (batch, *pixels)
    if draw(st.integers(0, 7)) == 0:
        shape, of_target = (classes,), ()
    dtype = draw(st.sampled_from(["float32", "float64", "float16"]))
    x = rng.uniform(-3, 1, shape).astype(dtype)
    target = np.asarray(rng.integers(0, classes, of_target))
    ignored = draw(st.sampled_from([-100, 0, classes - 1, -1]))
    if ignored < 0 and target.ndim:
        target[rng.random(of_target) < draw(st.sampled_from([0.0, 0.2, 1.0]))] = ignored
    options = {"ignore_index": ignored, "reduction": draw(st.sampled_from(REDUCTIONS))}
    if draw(st.booleans()):
        options["weight"] = rng.uniform(0, 2, classes).astype(dtype)
    if draw(st.booleans()):
        x = np.asfortranarray(x) if x.ndim in (1, 2) else x
    return {"x": x, "target": target, "options": options, "seed": int(rng.integers(2**32))}


@settings(deadline=None, max_examples=200)
@given(classified())
def test_nll_loss_to_the_bit(problem: dict[str, Any]) -> None:
    """Value, graph, gradient, its gradient: torch's bits, in float16 too."""

    def differentiate(side: Any) -> Any:
        x = side.tensor(problem["x"], True)
        loss = call(side, "nll_loss", x, problem["target"], **problem["options"])
        rng = np.random.default_rng(problem["seed"])
        seed = side.tensor(rng.uniform(-2, 2, tuple(loss.shape)).astype(problem["x"].dtype), True)
        (first,) = side.module.autograd.grad(loss, x, seed, create_graph=True)
        direction = side.tensor(rng.uniform(-2, 2, tuple(first.shape)).astype(problem["x"].dtype))
        again = side.module.autograd.grad(first, [seed], direction)
        return [loss, graph(loss), first, graph(first).partition("(")[0], list(again)]

    assert_same_outcome(*outcomes(differentiate))


@settings(deadline=None, max_examples=150)
@given(classified(), st.sampled_from([0.0, 0.1, 1.0]))
def test_cross_entropy(problem: dict[str, Any], smoothing: float) -> None:
    """Value, graph and gradient for classes, from their logits; float16 is torch's float32, rounded."""
    x = problem["x"]

    def differentiate(side: Any) -> Any:
        leaf = side.tensor(x, True)
        options = problem["options"] | {"label_smoothing": smoothing}
        loss = call(side, "cross_entropy", leaf, problem["target"], **options)
        (first,) = side.module.autograd.grad(loss.sum(), leaf)
        return [graph(loss), loss, first]

    theirs, ours = outcomes(differentiate)
    if theirs.error is None and ours.error is None:
        assert ours.value[0] == theirs.value[0]
        for a, b in zip(theirs.value[1:], ours.value[1:], strict=True):
            assert (b.dtype, b.shape, b.stride()) == (
                getattr(OURS.module, str(a.dtype).removeprefix("torch.")),
                tuple(a.shape),
                a.stride(),
            ) or not a.numel()
            # A logarithm is up to 8, a weight up to 2. In a sum, what one term is off is lost among the others, and what
            # float16 loses with every addition is lost on both sides.
            room = 64 * np.finfo(x.dtype).eps * max(problem["target"].size ** 0.5, 1)
            wide = [np.asarray(as_array(v), np.float64) for v in (b, a)]
            np.testing.assert_allclose(*wide, rtol=room, atol=room)
    else:
        assert_same_outcome(theirs, ours)


@pytest.mark.parametrize("size", [1, 16, 17, 18, 257, 258, 4097, 70_000])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_order_of_the_sum(size: int, weighted: bool) -> None:
    """Also where torch's loop leaves out the place at which it would have emptied a level."""
    rng = np.random.default_rng(size)
    target = rng.integers(0, 3, size)
    target[rng.random(size) < 0.1] = -100
    weight = {"weight": rng.uniform(0, 1, 3).astype(np.float32)} if weighted else {}
    x = rng.uniform(-3, 1, (size, 3)).astype(np.float32)
    for reduction in ("mean", "sum"):
        assert_same_outcome(*outcomes(lambda s: call(s, "nll_loss", x, target, reduction=reduction, **weight)))  # noqa: B023


# -- dtypes ------------------------------------------------------------------------------------------------------------

SIGNS = np.array([1, 0, 1, 1])
PAIRS = [
    ("float32", "float64"),
    ("float64", "float32"),
    ("float64", "float16"),
    ("float16", "float16"),
    ("float32", "int64"),
    ("int64", "float32"),
    ("int64", "int64"),
    ("float32", "bool"),
    ("bool", "float64"),
    ("bool", "bool"),
    ("uint8", "float32"),
]
ELEMENTWISE = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge_embedding_loss",
    "kl_div",
    "multilabel_soft_margin_loss",
    "poisson_nll_loss",
    "soft_margin_loss",
]


@pytest.mark.parametrize("dtypes", PAIRS, ids=lambda p: "-".join(p))
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_dtypes(name: str, dtypes: tuple[str, str]) -> None:
    """Input and target of two dtypes, and weights of a third: dtypes of the loss and of each gradient, or the error."""
    x, t = (np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype) for dtype in dtypes)
    third: list[dict[str, Any]] = [{}]
    if "binary" in name or name in ("cross_entropy", "multilabel_soft_margin_loss"):
        third += [{"weight": np.ones(3, dtype)} for dtype in ("float64", "float16", "int64")]
    for options in third:
        for reduction in ("none", "sum"):

            def differentiate(side: Any) -> Any:
                leaves = [side.tensor(array, array.dtype.kind == "f") for array in (x, t)]
                if name == "soft_margin_loss":
                    leaves[1] = leaves[1].detach()
                loss = call(side, name, *leaves, reduction=reduction, **options)  # noqa: B023
                requiring = [leaf for leaf in leaves if leaf.requires_grad]
                side.module.manual_seed(0)
                gradients = side.module.autograd.grad(loss.sum(), requiring) if loss.requires_grad else []
                return [graph(loss), str(loss.dtype), list(loss.shape), [str(g.dtype) for g in gradients]]

            theirs, ours = outcomes(differentiate)
            for outcome in (theirs, ours):
                if outcome.value is not None:
                    outcome.value = str(outcome.value).replace("microtorch.", "torch.")
            assert_same_outcome(theirs, ours)


# -- derivatives -------------------------------------------------------------------------------------------------------


def smooth(name: str, *more: Callable[[np.random.Generator], Any], **options: Any) -> Any:
    return pytest.param(name, more, options, id=" ".join([name, *options]))


unit = lambda rng: rng.uniform(0.1, 0.9, (3, 4))
real = lambda rng: rng.uniform(-2, 2, (3, 4))
each_smooth = pytest.mark.parametrize(
    ("name", "drawn", "options"),
    [
        smooth("nll_loss", real, lambda rng: rng.integers(0, 4, 3)),
        smooth("cross_entropy", real, lambda rng: rng.integers(0, 4, 3), label_smoothing=0.2),
        smooth("cross_entropy", real, unit),
        smooth("binary_cross_entropy", unit, unit),
        smooth("binary_cross_entropy_with_logits", real, unit),
        smooth("binary_cross_entropy_with_logits", real, unit, pos_weight=np.array([1.0, 2.0, 0.5, 3.0])),
        smooth("kl_div", real, unit, reduction="batchmean"),
        smooth("kl_div", real, real, log_target=True),
        smooth("poisson_nll_loss", real, unit),
        smooth("gaussian_nll_loss", real, real, unit, full=True),
        smooth("soft_margin_loss", real, lambda rng: np.sign(real(rng)).astype(np.int64)),
        smooth("multilabel_soft_margin_loss", real, unit),
    ],
)


@each_smooth
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_derivatives_against_differences(name: str, drawn: Any, options: dict[str, Any], reduction: str) -> None:
    """microtorch's own gradients of first and second order against differences, where the losses are smooth."""
    rng = np.random.default_rng(2)
    arrays = [d(rng) for d in drawn]
    leaves = [OURS.tensor(a, True) for a in arrays if a.dtype.kind == "f"]
    whole = [OURS.tensor(a) for a in arrays if a.dtype.kind != "f"]
    chosen = {"reduction": reduction} | options
    loss = lambda *x: call(OURS, name, *x, *whole, **chosen)
    if name == "kl_div" and chosen["reduction"] == "mean":
        chosen["reduction"] = "sum"  # "mean" is warned of
    assert OURS.module.autograd.gradcheck(loss, leaves)
    assert OURS.module.autograd.gradgradcheck(loss, leaves)


# -- memory ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "name",
    ["mse_loss", "huber_loss", "smooth_l1_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
     "soft_margin_loss", "nll_loss", "multi_margin_loss", "multilabel_margin_loss"],
)  # fmt: skip
def test_gradients_lie_in_memory_as_torchs(name: str, reduction: str) -> None:
    """The gradient for an input that is transposed; most are contiguous all the same."""
    rng = np.random.default_rng(3)
    whole = {"nll_loss": (3,), "multi_margin_loss": (3,), "multilabel_margin_loss": (3, 4)}.get(name)
    target = rng.integers(0, 4, whole) if whole else rng.random((3, 4)).astype(np.float32)
    for t in (target, np.asfortranarray(target)):

        def strides(side: Any) -> Any:
            x = side.tensor(np.asfortranarray(rng.random((3, 4)).astype(np.float32)), True)
            loss = call(side, name, x, t, reduction=reduction)  # noqa: B023
            return [loss.stride(), side.module.autograd.grad(loss.sum(), x)[0].stride()]

        theirs, ours = outcomes(strides)
        assert ours.value == theirs.value


@pytest.mark.parametrize("name", ["nll_loss", "binary_cross_entropy", "multi_margin_loss", "soft_margin_loss"])
def test_what_is_saved(name: str) -> None:
    """Nodes show what they saved under torch's names; changed in place it is noticed, and freed it is missed."""
    x = np.array([[0.25, 0.5], [0.75, 0.125]], np.float32)
    t = (
        np.array([0, 1])
        if name in ("nll_loss", "multi_margin_loss")
        else np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    )

    def tamper(side: Any) -> Any:
        leaf, target = side.tensor(x.copy(), True), side.tensor(t.copy())
        loss = call(side, name, leaf, target)
        names = [n for n in dir(loss.grad_fn) if n.startswith("_saved_")]
        shown = [getattr(loss.grad_fn, n) for n in names if n != "_saved_ignore_index"]
        loss.backward(retain_graph=True)
        loss.backward()
        errors = []
        for tampered in (loss, call(side, name, leaf, target)):
            target.add_(0)
            with pytest.raises(RuntimeError) as caught:
                tampered.backward()
            errors.append(str(caught.value))
        return [names, shown, errors, leaf.grad]

    assert_same_outcome(*outcomes(tamper), (4, True, False))


# -- arguments ---------------------------------------------------------------------------------------------------------

LEGACY = [{"size_average": a, "reduce": r} for a in (None, True, False) for r in (None, True, False)]
INPUTS: dict[str, tuple[Any, ...]] = {
    "nll_loss": (np.eye(3), np.array([0, 2, 1])),
    "cross_entropy": (np.eye(3), np.array([0, 2, 1])),
    "binary_cross_entropy": (np.eye(3), np.eye(3)),
    "binary_cross_entropy_with_logits": (np.eye(3), np.eye(3)),
    "kl_div": (np.eye(3), np.eye(3)),
    "poisson_nll_loss": (np.eye(3), np.eye(3)),
    "hinge_embedding_loss": (np.eye(3), np.eye(3)),
    "margin_ranking_loss": (np.eye(3), np.eye(3), np.eye(3)),
    "cosine_embedding_loss": (np.eye(3), np.ones((3, 3)), np.array([1, -1, 0])),
    "soft_margin_loss": (np.eye(3), np.eye(3)),
    "multi_margin_loss": (np.eye(3), np.array([0, 2, 1])),
    "multilabel_margin_loss": (np.eye(3), np.array([[0, 2, -1], [1, -1, 0], [-1, 0, 0]])),
    "multilabel_soft_margin_loss": (np.eye(3), np.eye(3)),
    "triplet_margin_loss": (np.eye(3), np.ones((3, 3)), np.zeros((3, 3))),
}


@pytest.mark.parametrize("name", INPUTS)
def test_reductions(name: str) -> None:
    """Every kind of reduction, old and new, right and wrong: the same warnings and errors, values near enough."""
    options = LEGACY[1:] + [{"reduction": r} for r in (*REDUCTIONS, "batchmean", "elementwise_mean", "x", 1)]
    for chosen in options:
        attempt = lambda side: call(side, name, *INPUTS[name], **chosen)  # noqa: B023
        assert_same_outcome(*outcomes(attempt), (16, True, False))


@pytest.mark.parametrize("name", INPUTS)
def test_what_is_no_tensor(name: str) -> None:
    arrays = INPUTS[name]
    for place in range(len(arrays)):
        for wrong in (1.0, None, "x"):
            given = [wrong if i == place else a for i, a in enumerate(arrays)]
            theirs, ours = outcomes(lambda side: call(side, name, *given, reduction="sum"))  # noqa: B023
            assert_same_outcome(theirs, ours, (16, True, False))  # a number does for one of them


@table(
    lambda s: s.module.kl_div(s.module.ones(3), s.module.ones(3)),
    lambda s: s.module.kl_div(s.module.ones(3), s.module.zeros(3), 2, log_target=True),
    lambda s: s.module.kl_div(s.module.ones(3), s.module.ones(3), 2, log_target=1),
    lambda s: s.module.poisson_nll_loss(s.module.zeros(3), s.module.ones(3), True, False, 1e-8, 1),
    lambda s: s.module.poisson_nll_loss(s.module.zeros(3), s.module.ones(3), 1, False, 1e-8, 1),
    lambda s: s.module.hinge_embedding_loss(s.module.ones(3), s.module.ones(3), 2.0),
    lambda s: s.module.hinge_embedding_loss(s.module.ones(3), s.module.ones(3), 2.0, 1),
    lambda s: s.module.hinge_embedding_loss(s.module.ones(3), s.module.ones(3), 2.0, "mean"),
    lambda s: s.module.margin_ranking_loss(s.module.ones(3), s.module.ones(3), s.module.ones(3, 1), 0.5),
    lambda s: s.module.margin_ranking_loss(s.module.ones(3), s.module.ones(3), s.module.ones(3), 0.5, 7),
    lambda s: s.module.cosine_embedding_loss(s.module.ones(3), s.module.ones(3), s.module.tensor(-1), 0.25, 2),
    lambda s: s.module.binary_cross_entropy_with_logits(s.module.zeros(1), s.module.zeros(3, 1)),
    lambda s: s.module.triplet_margin_loss(s.module.ones(2, 3), s.module.zeros(2, 3), s.module.ones(2, 3), reduction=1),
)
def test_functions_of_torch(case: Callable[[Any], Any]) -> None:
    """These take a reduction by its number, and by default none."""
    assert_same_outcome(*outcomes(case), (4, True, False))


def test_gradients_with_numbers_leave_torchs_nodes() -> None:
    """Where torch's own code multiplies by a number, the gradient's node is that of a number, too."""

    def nodes(side: Any) -> Any:
        x, t = side.tensor(np.eye(2), True), side.tensor(np.eye(2), True)
        loss = side.module.nn.functional.cross_entropy(x, t, label_smoothing=0.5)
        gradients = side.module.autograd.grad(loss, [x, t], create_graph=True)
        seen, waiting = [], [g.grad_fn for g in gradients]
        while waiting:
            node = waiting.pop()
            seen.append(node.name())
            waiting += [next for next, _ in node.next_functions if next is not None]
        return seen

    assert_same_outcome(*outcomes(nodes))


def rejects_weight(name: str, *more: str) -> Callable[[Any], Any]:
    def attempt(side: Any) -> Any:
        weights = {argument: side.tensor(np.ones(3), True) for argument in (more or ("weight",))}
        with side.module.no_grad():
            call(side, name, *INPUTS[name], **weights)
        return call(side, name, *INPUTS[name], **weights)

    return attempt


@pytest.mark.parametrize(
    "case",
    [
        rejects_weight("nll_loss"),
        rejects_weight("cross_entropy"),
        rejects_weight("binary_cross_entropy"),
        rejects_weight("binary_cross_entropy_with_logits", "weight"),
        rejects_weight("binary_cross_entropy_with_logits", "pos_weight"),
        rejects_weight("multi_margin_loss"),
    ],
)
def test_weights_have_no_gradient(case: Callable[[Any], Any]) -> None:
    """torch refuses to record one, and only then."""
    theirs, ours = outcomes(case)
    assert "cannot have requires_grad True" in str(theirs.error)
    assert_same_outcome(theirs, ours)


# -- layers ------------------------------------------------------------------------------------------------------------

W = np.array([1.0, 2.0, 0.5])
LAYERS: list[tuple[str, dict[str, Any], str]] = [
    ("CrossEntropyLoss", {"weight": W, "ignore_index": 1, "label_smoothing": 0.1, "reduction": "sum"}, "cross_entropy"),
    ("CrossEntropyLoss", {"size_average": False}, "cross_entropy"),
    ("CrossEntropyLoss", {"weight": 1.0}, "cross_entropy"),
    ("NLLLoss", {"weight": W, "ignore_index": 0}, "nll_loss"),
    ("BCELoss", {"weight": W}, "binary_cross_entropy"),
    ("BCEWithLogitsLoss", {"weight": W, "pos_weight": W}, "binary_cross_entropy_with_logits"),
    ("BCEWithLogitsLoss", {"pos_weight": 3}, "binary_cross_entropy_with_logits"),
    ("KLDivLoss", {"reduction": "batchmean"}, "kl_div"),
    ("KLDivLoss", {"log_target": True}, "kl_div"),
    ("PoissonNLLLoss", {"full": True, "eps": 0.5, "log_input": False}, "poisson_nll_loss"),
    ("HingeEmbeddingLoss", {"margin": 0.5}, "hinge_embedding_loss"),
    ("MarginRankingLoss", {"margin": 0.5}, "margin_ranking_loss"),
    ("CosineEmbeddingLoss", {"margin": 0.5}, "cosine_embedding_loss"),
    ("SoftMarginLoss", {}, "soft_margin_loss"),
    ("MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": W}, "multi_margin_loss"),
    ("MultiMarginLoss", {"p": 3}, "multi_margin_loss"),
    ("MultiMarginLoss", {"weight": np.ones((2, 2))}, "multi_margin_loss"),
    ("MultiLabelMarginLoss", {"reduction": "none"}, "multilabel_margin_loss"),
    ("MultiLabelSoftMarginLoss", {"weight": W}, "multilabel_soft_margin_loss"),
    ("TripletMarginLoss", {"margin": 0.5, "p": 1.0, "swap": True}, "triplet_margin_loss"),
    ("TripletMarginLoss", {"margin": 0}, "triplet_margin_loss"),
    ("TripletMarginWithDistanceLoss", {"margin": 0.5, "swap": True}, "triplet_margin_loss"),
    ("TripletMarginWithDistanceLoss", {"margin": -1}, "triplet_margin_loss"),
]


@pytest.mark.parametrize(("layer", "options", "name"), LAYERS, ids=[f"{n} {' '.join(o)}" for n, o, _ in LAYERS])
def test_layers(layer: str, options: dict[str, Any], name: str) -> None:
    """What a layer shows, keeps and gives."""

    def use(side: Any) -> Any:
        chosen = {k: side.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        made = getattr(side.module.nn, layer)(**chosen)
        loss = made(*[side.tensor(a) for a in INPUTS[name]])
        state = made.state_dict()
        return [repr(made), list(state), list(state.values()), sorted(n for n, _ in made.named_buffers()), loss]

    assert_same_outcome(*outcomes(use), (16, True, False))


@table(
    lambda s: s.module.nn.PairwiseDistance(1.0, keepdim=True)(s.tensor(np.eye(3)), s.tensor(np.ones(3))),
    lambda s: s.module.nn.CosineSimilarity(0)(s.tensor(np.eye(3)), s.tensor(np.ones((3, 3)))),
    lambda s: [repr(layer()) + str(vars(layer())["training"]) for layer in (s.module.nn.PairwiseDistance,)],
    lambda s: repr(s.module.nn.CosineSimilarity(eps=0.5)) + str(s.module.nn.CosineSimilarity(eps=0.5).eps),
)
def test_distances(case: Callable[[Any], Any]) -> None:
    assert_same_outcome(*outcomes(case), (4, True, False))


def test_gaussian_layer() -> None:
    def use(side: Any) -> Any:
        made = side.module.nn.GaussianNLLLoss(full=True, eps=0.25, reduction="sum")
        x, v = side.tensor(np.eye(3), True), side.tensor(np.full((3, 1), 0.125), True)
        loss = made(x, side.tensor(np.ones((3, 3))), v)
        return [repr(made), loss, list(side.module.autograd.grad(loss, (x, v)))]

    assert_same_outcome(*outcomes(use), (16, True, False))


def test_a_classifier_learns() -> None:
    """Weights after 40 steps are within rounding of torch's, in float64."""

    def train(side: Any) -> Any:
        torch = side.module
        torch.manual_seed(0)
        x = torch.randn(60, 2, dtype=torch.float64)
        y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 0] > 1).long()
        model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)).double()
        criterion, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        for _ in range(40):
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        return [as_array(p) for p in (loss, *model.parameters())]

    theirs, ours = (train(side) for side in SIDES)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-12)
    assert theirs[0] < 0.5
