"""The four losses on both sides: values, gradients of first and second order, graphs, warnings, errors.

What torch computes element by element is demanded to the last bit, in float32 and float64. Two things may differ. A
sum of more than two elements is added in another order by numpy: n additions on each side, each off by half a unit in
the last place of a partial sum, so together by n·ε·Σ|x|, which is at most n²·ε·max|x|; what its terms are off adds up.
And the last n mod 16 elements of a gradient (of huber_loss and smooth_l1_loss, where torch has a second formula for
them) round otherwise: up to three roundings on each side by ε/2 of the value, together 3ε, which is at most 6 units in
the last place. A second gradient adds two such, which may cancel: 6ε of the larger of the two, and one for the sum.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sides import (
    OURS,
    SIDES,
    THEIRS,
    Outcome,
    as_array,
    assert_same_error,
    assert_same_outcome,
    graph,
    outcomes,
    ulp_distance,
)

Array = np.ndarray[Any, np.dtype[Any]]
NAMES = ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"]
WIDTHS = {"smooth_l1_loss": "beta", "huber_loss": "delta"}
LAYERS = {"mse_loss": "MSELoss", "l1_loss": "L1Loss", "smooth_l1_loss": "SmoothL1Loss", "huber_loss": "HuberLoss"}

TWO_DTYPES = [
    ("float32", "float64"),
    ("float64", "float32"),
    ("float64", "float16"),
    ("float16", "float16"),
    ("float16", "float32"),
    ("float32", "int64"),
    ("int64", "float64"),
    ("float32", "bool"),
    ("bool", "float32"),
    ("bool", "bool"),
    ("int64", "int32"),
    ("uint8", "uint8"),
]

each_loss = pytest.mark.parametrize("name", NAMES)


def call(side: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(side.module.nn.functional, name)(*args, **kwargs)


# -- values and gradients ----------------------------------------------------------------------------------------------


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    """A loss, two shapes that broadcast, a dtype, and the seed of the numbers."""
    shape = draw(st.lists(st.integers(0, 7), max_size=3))
    other = list(shape)
    if draw(st.booleans()):
        other = [1 if draw(st.integers(0, 2)) == 0 else n for n in shape][draw(st.integers(0, len(shape))) :]
    shapes = [tuple(shape), tuple(other)]
    if draw(st.booleans()):
        shapes.reverse()
    return {
        "name": draw(st.sampled_from(NAMES)),
        "shapes": shapes,
        "dtype": draw(st.sampled_from(["float32", "float64"])),
        "reduction": draw(st.sampled_from(["none", "mean", "sum"])),
        "width": draw(st.sampled_from([1.0, 0.5, 2, 0.1, 0.7, 3.0])),
        "near": draw(st.booleans()),
        "transposed": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**32)),
    }


def numbers(problem: dict[str, Any]) -> tuple[Array, Array]:
    """Input and target; some of the distances are 0, ±beta, or half of it."""
    rng = np.random.default_rng(problem["seed"])
    a, b = (rng.uniform(-2, 2, shape).astype(problem["dtype"]) for shape in problem["shapes"])
    if problem["near"] and a.size and b.size:
        whole = np.broadcast_shapes(a.shape, b.shape)
        if a.shape == whole:
            steps = rng.choice(np.array([0, 1, -1, 0.5, -0.5], a.dtype), whole) * a.dtype.type(problem["width"])
            a = np.where(rng.random(whole) < 0.5, b + steps, a).astype(a.dtype)
    if problem["transposed"]:
        a, b = (np.asfortranarray(x) if x.ndim else x for x in (a, b))
    return a, b


def assert_near(theirs: Any, ours: Any, ulp: float, sums: float, largest: float) -> None:
    """Within `ulp` units in the last place; of a sum, within `sums` times ε of the largest that its terms can be."""
    a, b = as_array(theirs), as_array(ours)
    assert (b.dtype, b.shape) == (a.dtype, a.shape)
    close = np.abs(a - b) <= sums * np.finfo(a.dtype).eps * largest if sums else ulp_distance(a, b) <= ulp
    assert close.all(), f"{b}, torch: {a}"


@settings(deadline=None, max_examples=250)
@given(problems())
def test_values_and_gradients(problem: dict[str, Any]) -> None:
    name, arrays = problem["name"], numbers(problem)
    rng = np.random.default_rng(problem["seed"] + 1)
    whole = np.broadcast_shapes(*problem["shapes"])
    cotangent = rng.uniform(-2, 2, whole if problem["reduction"] == "none" else ()).astype(problem["dtype"])
    directions = [rng.uniform(-2, 2, shape).astype(problem["dtype"]) for shape in problem["shapes"]]
    width = {WIDTHS[name]: problem["width"]} if name in WIDTHS else {}

    def differentiate(side: Any) -> Any:
        leaves = [side.tensor(array, True) for array in arrays]
        seed = side.tensor(cotangent, True)
        loss = call(side, name, *leaves, reduction=problem["reduction"], **width)
        grad = side.module.autograd.grad
        first = grad(loss, leaves, seed, create_graph=True)
        names = [g.grad_fn.name() for g in first]
        if name == "l1_loss":  # piecewise straight: torch has zeros for the second gradient
            return [loss, graph(loss), names, list(first)]
        again = grad(first, [*leaves, seed], [side.tensor(d) for d in directions])
        return [loss, graph(loss), names, list(first), list(again)]

    theirs, ours = outcomes(differentiate)
    if ours.error is not None or theirs.error is not None:
        assert_same_outcome(theirs, ours)
    assert ours.warnings == theirs.warnings
    assert ours.value[1:3] == theirs.value[1:3]
    size = int(np.prod(whole, dtype=int))
    strides = [
        [s for s, n in zip(loss.stride(), loss.shape, strict=True) if n > 1] for loss, *_ in (theirs.value, ours.value)
    ]
    assert strides[0] == strides[1] or not size
    # |x − t| ≤ 8, cotangents and directions ≤ 2: no loss of an element is above 64, no derivative above 64/beta
    largest = 64 / min(problem["width"], 1) / (size or 1 if problem["reduction"] == "mean" else 1)
    summed = 0 if problem["reduction"] == "none" or size <= 2 else size**2
    assert_near(theirs.value[0], ours.value[0], 0, summed, largest)
    ulp = 0 if name in ("mse_loss", "l1_loss") else 6
    for stage, gradients in enumerate(zip(theirs.value[3:], ours.value[3:], strict=True)):
        for a, b in zip(*gradients, strict=True):
            terms = size // max(a.numel(), 1)
            assert_near(a, b, ulp, (terms * (terms + ulp) if terms > 1 else 0) + 7 * stage, largest)


@each_loss
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_to_the_bit(name: str, reduction: str, dtype: str) -> None:
    """Values and gradients of whole vectors of 16 are torch's exactly, for any width."""
    rng = np.random.default_rng(5)
    for n in (16, 48, 160):
        for width in (1.0, 0.1, 0.7):
            arrays = [rng.uniform(-2, 2, n).astype(dtype) for _ in range(2)]
            cotangent = rng.uniform(-2, 2, n if reduction == "none" else ()).astype(dtype)
            options = {WIDTHS[name]: width} if name in WIDTHS else {}
            gradients = []
            for side in SIDES:
                leaves = [side.tensor(array, True) for array in arrays]
                loss = call(side, name, *leaves, reduction=reduction, **options)
                loss.backward(side.tensor(cotangent))
                gradients.append([as_array(leaf.grad) for leaf in leaves])
                if reduction == "none":
                    gradients[-1].append(as_array(loss))
            for a, b in zip(*gradients, strict=True):
                assert np.array_equal(a, b)


@each_loss
@pytest.mark.parametrize("dtypes", TWO_DTYPES)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_dtypes(name: str, dtypes: tuple[str, str], reduction: str) -> None:
    """Two dtypes: that of the result and of each gradient, or the error; the values are small halves, exact in all."""
    arrays = [np.array([3, 0, 1, 1]).astype(dtypes[0]), np.array([0, 1, 1, 0]).astype(dtypes[1])]

    def differentiate(side: Any) -> Any:
        leaves = [side.tensor(array, array.dtype.kind == "f") for array in arrays]
        loss = call(side, name, *leaves, reduction=reduction)
        requiring = [leaf for leaf in leaves if leaf.requires_grad]
        found = Outcome(lambda: side.module.autograd.grad(loss.sum(), requiring) if requiring else None)
        return [loss, str(found.error), found.value]

    assert_same_outcome(*outcomes(differentiate))


@each_loss
def test_special_numbers(name: str) -> None:
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e30, 1e-40, 3e38], np.float32)
    pairs = [np.repeat(special, special.size), np.tile(special, special.size)]

    def differentiate(side: Any) -> Any:
        leaves = [side.tensor(array, True) for array in pairs]
        loss = call(side, name, *leaves, reduction="none")
        return [loss, *side.module.autograd.grad(loss, leaves, side.module.ones_like(loss))]

    with np.errstate(all="ignore"):
        theirs, ours = differentiate(THEIRS), differentiate(OURS)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_array_equal(as_array(b), as_array(a))


@each_loss
@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1,), (3, 1)])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_small_and_empty(name: str, shape: tuple[int, ...], reduction: str) -> None:
    arrays = [np.full(shape, 1.5, np.float32), np.full(shape, 0.25, np.float32)]

    def differentiate(side: Any) -> Any:
        leaves = [side.tensor(array, True) for array in arrays]
        loss = call(side, name, *leaves, reduction=reduction)
        return [loss, repr(loss), graph(loss), *side.module.autograd.grad(loss.sum(), leaves)]

    assert_same_outcome(*outcomes(differentiate))


@pytest.mark.parametrize("name", ["mse_loss", "smooth_l1_loss", "huber_loss"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_derivatives_against_differences(name: str, reduction: str) -> None:
    """microtorch's own gradients of first and second order, against differences, where the losses are smooth."""
    rng = np.random.default_rng(1)
    leaves = [OURS.tensor(rng.uniform(-2, 2, 6), True) for _ in range(2)]
    options = {WIDTHS[name]: 0.9} if name in WIDTHS else {}
    check = OURS.module.autograd
    loss = lambda a, b: call(OURS, name, a, b, reduction=reduction, **options)
    assert check.gradcheck(loss, leaves)
    assert check.gradgradcheck(loss, leaves)


# -- arguments ---------------------------------------------------------------------------------------------------------


def attempts(name: str) -> list[Callable[[Any], Any]]:
    """Calls with every argument, right and wrong."""
    x = [0.5, -1.5, 2.0]

    def call_with(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        def attempt(side: Any) -> Any:
            make = lambda v: side.module.tensor(v) if isinstance(v, list) else v
            return call(side, name, *map(make, args), **{k: make(v) for k, v in kwargs.items()})

        return attempt

    legacy = [None, True, False]
    made = [call_with(x, [0.0, 0.0, 0.0], size_average=a, reduce=r) for a in legacy for r in legacy] * (
        name != "huber_loss"
    )
    made += [
        call_with(x, [0.0, 0.0, 0.0], reduction=r) for r in ("none", "mean", "sum", "elementwise_mean", "max", None, 1)
    ]
    made += [
        call_with(x, [[0.0], [1.0]]),
        call_with(x, [0.0, 1.0]),
        call_with(x, [0.0]),
        call_with([x], x),
        call_with(x, 1.0),
    ]
    made += [
        call_with(1.0, x),
        call_with(x, [[]], reduction="none"),
        call_with(x, [0.0, 1.0], reduction="bad"),
        call_with(x),
    ]
    if name != "smooth_l1_loss":
        w = [1.0, 2.0, 0.5]
        made += [call_with(x, [0.0, 0.5, 1.0], weight=w, reduction=r) for r in ("none", "mean", "sum", "bad")]
        made += [
            call_with(x, [0.0, 0.5, 1.0], weight=[1.0]),
            call_with([x], [[0.0], [1.0]], weight=[w], reduction="sum"),
        ]
        made += [call_with([1.0], [0.0, 2.0, 4.0], weight=[2.0])]
    if name in WIDTHS:
        made += [
            call_with(x, [0.0, 0.5, 1.0], **{WIDTHS[name]: w})
            for w in (0, 0.0, -1, 1, 0.5, float("inf"), float("nan"), "a")
        ]
        made += [call_with(x, [0.0, 0.5, 1.0], "sum", 2.0)] if name == "huber_loss" else []
    return made


@each_loss
def test_arguments(name: str) -> None:
    """Each call gives the same value, or fails in the same words, and warns in the same words."""
    for i, attempt in enumerate(attempts(name)):
        theirs, ours = outcomes(attempt)
        try:
            assert_same_outcome(theirs, ours)
        except AssertionError as error:
            error.add_note(f"attempt {i} on {name}")
            raise


@each_loss
def test_layers(name: str) -> None:
    """The layer passes its arguments on; the old ones warn."""
    options: list[dict[str, Any]] = [{}, {"reduction": "sum"}, {"reduction": "none"}, {"reduction": "bad"}]
    options += [{WIDTHS[name]: w} for w in (0.5, 2, -1, "a", None)] if name in WIDTHS else []
    options += [{"size_average": a, "reduce": r} for a in (True, False) for r in (None, True, False)]
    options += [{"weight": 3}]
    for chosen in options:

        def use(side: Any) -> Any:
            torch = side.module
            layer = getattr(torch.nn, LAYERS[name])(**chosen)  # noqa: B023
            x, t = torch.tensor([0.5, -1.5, 2.0], requires_grad=True), torch.tensor([0.0, 1.0, 1.0])
            loss = layer(x, t)
            loss.sum().backward()
            return [repr(layer), layer.reduction, getattr(layer, WIDTHS.get(name, ""), None), loss, graph(loss), x.grad]

        assert_same_outcome(*outcomes(use))


@each_loss
def test_the_warning_points_at_the_call(name: str) -> None:
    """Python shows where the sizes differ: in the script's own line for a function."""
    for side in SIDES:
        torch = side.module
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(torch.nn.functional, name)(torch.ones(3, 1), torch.ones(3))
        assert [w.filename for w in caught] == [__file__]
        assert "Using a target size (torch.Size([3])) that is different to the input size (torch.Size([3, 1]))" in str(
            caught[0].message
        )


@pytest.mark.parametrize("name", ["mse_loss", "smooth_l1_loss", "huber_loss"])
def test_what_is_saved(name: str) -> None:
    """Input and target are saved: changing one in place is noticed, and a second backward needs `retain_graph`."""

    def tamper(side: Any) -> Any:
        torch = side.module
        x, t = torch.tensor([0.5, 2.0], requires_grad=True), torch.tensor([0.0, 1.0])
        node = call(side, name, x, t).grad_fn
        saved = [node._saved_self, node._saved_target, node._saved_reduction]
        loss = call(side, name, x, t)
        loss.backward(retain_graph=True)
        loss.backward()
        again = Outcome(loss.backward)
        loss = call(side, name, x, t)
        t.add_(1)
        return [saved, str(again.error), str(Outcome(loss.backward).error), x.grad]

    assert_same_outcome(*outcomes(tamper))


@example(0.25)
@settings(deadline=None, max_examples=30)
@given(st.floats(-8, 8, width=32))
def test_the_losses_of_one_number(distance: float) -> None:
    """Their definitions, on one number."""
    torch = OURS.module
    x, t, d = torch.tensor(distance), torch.tensor(0.0), abs(distance)
    functional = torch.nn.functional
    close = pytest.approx
    assert functional.mse_loss(x, t).item() == close(d * d)
    assert functional.l1_loss(x, t).item() == d
    assert functional.huber_loss(x, t, delta=2.0).item() == close(d * d / 2 if d < 2 else 2 * (d - 1))
    assert functional.smooth_l1_loss(x, t, beta=2.0).item() == close(d * d / 4 if d < 2 else d - 1)


def test_a_difference_in_words_is_noticed() -> None:
    with pytest.raises(AssertionError):
        assert_same_error(ValueError("a"), ValueError("b"))
