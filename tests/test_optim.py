"""The optimizers' rules against torch's, with every option.

They are compared to the last bit: microtorch's kernels are replaced by such as round like torch's (fused multiply-add
where torch has it, torch's own square root), so that only the order of operations is left to differ. With its own
kernels microtorch must stay as near as the roundings of each operation allow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alike import Array, plain, torch_rounding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sides import OURS, SIDES, THEIRS, Side, as_array, assert_same_error, outcomes

import microtorch
from microtorch import kernels
from microtorch.optim import arithmetic

SGD, RMSPROP = "SGD", "RMSprop"


# -- training on given gradients ---------------------------------------------------------------------------------------


def make(side: Side, kind: str, params: Any, options: dict[str, Any]) -> Any:
    """An optimizer; ("tensor", value, dtype) among the options stands for a tensor."""

    def converted(value: Any) -> Any:
        if not isinstance(value, tuple):
            return value
        if value[0] == "tensor":
            return side.tensor(np.array(value[1], value[2]))
        return tuple(converted(v) for v in value)

    return getattr(side.module.optim, kind)(params, **{name: converted(value) for name, value in options.items()})


def train(side: Side, kind: str, options: dict[str, Any], start: list[Array], gradients: list[list[Any]]) -> Any:
    """After each step of a training run: parameters, gradients, state, and the versions of all of them."""
    params = [side.tensor(array, requires_grad=True) for array in start]
    optimizer = make(side, kind, params, options)
    seen = []
    for step in gradients:
        for p, g in zip(params, step, strict=True):
            p.grad = None if g is None else side.tensor(g)
        optimizer.step()
        tensors = [*params, *(p.grad for p in params if p.grad is not None)]
        tensors += [t for state in optimizer.state.values() for t in state.values()]
        versions = [t._version for t in tensors]
        seen.append([plain(params), plain([p.grad for p in params]), versions, plain(optimizer.state_dict())])
    return seen


FACTORS = st.sampled_from([0, 1e-4, 0.1, 0.3, 0.5, 0.9, 0.99, 1.0])
BELOW_ONE = st.sampled_from([0.0, 1e-4, 0.1, 0.5, 0.9, 0.999])
RATES = st.sampled_from([0.0, 1e-3, 0.01, 0.1, 0.3, 1.0, 1e-30]) | st.floats(0, 2)
TENSOR_RATES = st.tuples(st.just("tensor"), st.sampled_from([0.1, [0.03]]), st.sampled_from(["f4", "f8"]))
EPS = st.sampled_from([1e-8, 1e-3, 1e-10, 1])
COMMON = {"maximize": st.booleans()}
DECAYS = COMMON | {"weight_decay": FACTORS}
DECOUPLED = DECAYS | {"decoupled_weight_decay": st.booleans()}
BETAS = {"eps": EPS, "betas": st.tuples(BELOW_ONE, BELOW_ONE)}

OPTIONS: dict[str, dict[str, Any]] = {  # beside lr and foreach
    "SGD": DECAYS
    | {"momentum": FACTORS, "dampening": FACTORS, "weight_decay": FACTORS | st.just(("tensor", 0.1, "f4"))},
    "RMSprop": DECAYS | {"alpha": FACTORS, "eps": EPS, "momentum": FACTORS, "centered": st.booleans()},
    "Adam": DECOUPLED | BETAS | {"amsgrad": st.booleans()},
    "AdamW": DECAYS | BETAS | {"amsgrad": st.booleans()},
    "Adagrad": DECAYS | {"lr_decay": FACTORS, "initial_accumulator_value": FACTORS, "eps": EPS},
    "Adadelta": DECAYS | {"rho": FACTORS, "eps": EPS},
    "Adamax": DECAYS | BETAS,
    "NAdam": DECOUPLED | BETAS | {"momentum_decay": FACTORS},
    "RAdam": DECOUPLED | BETAS,
    "Rprop": COMMON
    | {
        "etas": st.tuples(st.sampled_from([0.5, 0.1]), st.sampled_from([1.2, 3])),
        "step_sizes": st.sampled_from([(1e-6, 50), (0.01, 0.1)]),
    },
    "ASGD": DECAYS | {"lambd": FACTORS, "alpha": FACTORS, "t0": st.sampled_from([1e6, 3, 0])},
}
EXACT_POWERS = st.tuples(st.just("tensor"), st.sampled_from([0.0, 0.25, 0.5]), st.just("f4"))
TENSOR_BETAS = {"betas": st.tuples(EXACT_POWERS, EXACT_POWERS)}  # other powers of tensors differ by the CPU's brand


@st.composite
def options_of(draw: st.DrawFn, kind: str, tensors: bool = True) -> dict[str, Any]:
    options: dict[str, Any] = draw(st.fixed_dictionaries({"lr": RATES, **OPTIONS[kind]}))
    options |= draw(st.sampled_from([{}, {"foreach": True}, {"foreach": False}]))
    if kind == "SGD" and draw(st.booleans()):
        options |= {"nesterov": True, "momentum": options["momentum"] or 0.9, "dampening": 0}
    if kind == "ASGD" and options.get("foreach"):
        options["alpha"] = draw(st.sampled_from([0, 0.5, 1.0]))  # other powers of tensors differ by the CPU's brand
    if tensors and draw(st.booleans()) and not (options.get("foreach") and kind in LOOPED_WITH_TENSORS):
        options |= draw(
            st.fixed_dictionaries({"lr": TENSOR_RATES} | (TENSOR_BETAS if kind in ("Adam", "AdamW") else {}))
        )
    return options


LOOPED_WITH_TENSORS = ("Adam", "AdamW")  # torch's foreach form refuses them


@st.composite
def runs(draw: st.DrawFn, steps: int = 20, any_layout: bool = True) -> tuple[list[Array], list[list[Any]]]:
    """Parameters of several shapes and gradients for each step, some of them missing."""
    dtype = draw(st.sampled_from(["f4", "f8"]))
    shapes = draw(
        st.lists(st.sampled_from([(), (1,), (1, 1), (3,), (2, 3), (17,), (5, 7), (0,)]), min_size=1, max_size=3)
    )
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([1, 1e-3, 30]))
    missing = draw(st.sampled_from([0, 0, 0.3]))
    one = lambda shape: np.asarray(generator.normal(0, scale, shape), dtype)
    start = [one(shape) for shape in shapes]
    if any_layout and draw(st.booleans()):
        start = [np.array(array, order="F") for array in start]
    gradients = [[None if generator.random() < missing else one(shape) for shape in shapes] for _ in range(steps)]
    return start, gradients


OFTEN = settings(max_examples=100, deadline=None)
KINDS = st.sampled_from(list(OPTIONS))


@pytest.mark.parametrize("kind", OPTIONS)
@settings(OFTEN, max_examples=40)
@given(data=st.data(), run=runs(steps=9))
def test_the_same_bits_as_torch(kind: str, data: st.DataObject, run: Any) -> None:
    options = data.draw(options_of(kind))
    with torch_rounding():
        theirs, ours = (train(side, kind, options, *run) for side in SIDES)
    assert ours == theirs


@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1}, {"maximize": True}], ids=str)
def test_nesterov_by_foreach_changes_the_gradients_themselves(options: dict[str, Any]) -> None:
    options = {"lr": 0.1, "momentum": 0.9, "nesterov": True, "foreach": True, **options}
    start, gradients = [np.ones(3)], [[np.full(3, 2.0)]] * 3
    with torch_rounding():
        theirs, ours = (train(side, SGD, options, start, gradients) for side in SIDES)
    assert ours == theirs
    assert (theirs[-1][1] != plain([THEIRS.tensor(gradients[0][0])])) == (len(options) == 4)


DYADIC = st.sampled_from([0, 0.25, 0.5, 1.0])  # products with these are exact, so that fused and unfused sums agree


@OFTEN
@given(options=st.fixed_dictionaries({"lr": DYADIC, "momentum": DYADIC, "weight_decay": DYADIC}), run=runs(steps=5))
def test_sgd_is_identical_where_products_are_exact(options: dict[str, Any], run: Any) -> None:
    with torch_rounding():
        theirs, ours = (train(side, SGD, options, *run) for side in SIDES)
    assert ours == theirs


def sgd_magnitudes(o: dict[str, Any], x: Array, gradients: list[Array]) -> Array:
    """SGD with every term counted positive: what the roundings of a run are relative to, as the rule is linear."""
    x, b = abs(x), None
    for g in map(abs, gradients):
        g = g + o["weight_decay"] * x
        b = g if b is None else o["momentum"] * b + (1 - o["dampening"]) * g
        x = x + o["lr"] * (g + o["momentum"] * b if o["nesterov"] else b if o["momentum"] else g)
    return x


def rmsprop_magnitudes(o: dict[str, Any], x: Array, gradients: list[Array]) -> Array:
    """The same for RMSprop without weight decay; what makes the variance v − m² uncertain enlarges the quotient."""
    x, v, m, b = abs(x), 0 * x, 0 * x, 0 * x
    for g in gradients:
        v, m = o["alpha"] * v + (1 - o["alpha"]) * g**2, o["alpha"] * m + (1 - o["alpha"]) * g
        spread = v - m**2 if o["centered"] else v
        quotient = abs(g) / np.sqrt(spread) * (v + m**2) / spread
        b = o["momentum"] * b + quotient
        x = x + o["lr"] * (b if o["momentum"] else quotient)
    return x


def adam_magnitudes(o: dict[str, Any], x: Array, gradients: list[Array]) -> Array:
    """The same for Adam without weight decay in the gradient, whose mean of g may cancel."""
    x, m, v, (beta1, beta2) = abs(x), 0 * x, 0 * x, o.get("betas", (0.9, 0.999))
    for t, g in enumerate(gradients, 1):
        m, v = beta1 * m + (1 - beta1) * abs(g), beta2 * v + (1 - beta2) * g**2
        x = x * (1 + o["lr"] * o.get("weight_decay", 0)) + o["lr"] / (1 - beta1**t) * m / np.sqrt(v / (1 - beta2**t))
    return x


def adagrad_magnitudes(o: dict[str, Any], x: Array, gradients: list[Array]) -> Array:
    x, v = abs(x), 0 * x
    for g in gradients:
        v = v + g**2
        x = x + o["lr"] * abs(g) / np.sqrt(v)
    return x


MAGNITUDES: dict[str, Any] = {
    SGD: sgd_magnitudes,
    RMSPROP: rmsprop_magnitudes,
    "Adam": adam_magnitudes,
    "AdamW": adam_magnitudes,
    "Adagrad": adagrad_magnitudes,
}
ROUNDINGS = 8  # of one step, at most, on the way from a gradient to a parameter


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [(SGD, {"momentum": m, "weight_decay": w, "nesterov": n, "fused": f, "dampening": 0 if n else 0.3})
     for m in (0.0, 0.9) for w in (0.0, 0.1) for n in (False, True) if m or not n for f in (False, True)]
    + [(RMSPROP, {"momentum": m, "alpha": a, "centered": c})
       for m in (0.0, 0.9) for a in (0.99, 0.7) for c in (False, True)]
    + [(kind, {"fused": f, **more}) for f in (False, True)
       for kind, more in (("Adam", {}), ("Adam", {"betas": (0.5, 0.7)}), ("AdamW", {"weight_decay": 0.1}),
                          ("Adagrad", {}), ("Adagrad", {"maximize": True}))],
)  # fmt: skip
def test_own_kernels_are_as_near_as_rounding_allows(kind: str, options: dict[str, Any], dtype: str) -> None:
    """So are torch's fused kernels, which round otherwise than its own single steps; the state's versions are theirs."""
    generator = np.random.default_rng(0)
    x, *gradients = generator.normal(0, 1, (21, 37)).astype(dtype)
    options = {"lr": 0.03, **options}
    runs = [train(side, kind, options, [x], [[g] for g in gradients]) for side in SIDES]
    theirs, ours = (np.frombuffer(run[-1][0][1][0][3], dtype) for run in runs)
    scale = MAGNITUDES[kind](options, x.astype("f8"), [g.astype("f8") for g in gradients])
    assert not np.array_equal(theirs, x)
    assert (abs(ours.astype("f8") - theirs) <= len(gradients) * ROUNDINGS * np.finfo(dtype).eps * scale).all()
    assert runs[0][-1][2] == runs[1][-1][2]


@settings(OFTEN, max_examples=30)
@given(rate=RATES, decay=FACTORS, maximize=st.booleans(), run=runs(steps=5, any_layout=False))
def test_fused_sgd(rate: float, decay: float, maximize: bool, run: Any) -> None:
    """Without momentum the same bits. With it torch's fused kernel rounds otherwise than its own single steps, and it
    takes no notice of strides: a parameter in another order than its gradient gets the wrong elements.
    """
    options = {"lr": rate, "weight_decay": decay, "maximize": maximize, "fused": True}
    with torch_rounding():
        theirs, ours = (train(side, SGD, options, *run) for side in SIDES)
    assert ours == theirs


# -- steps that are differentiated -------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("learns", ["", "lr", "weight_decay", "lr weight_decay", "beta"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGD, {}),
        (SGD, {"maximize": True}),
        (SGD, {"momentum": 0.9}),
        (SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        (SGD, {"momentum": 0.9, "dampening": 0.5, "foreach": False}),
        (RMSPROP, {}),
        (RMSPROP, {"momentum": 0.9}),
        (RMSPROP, {"centered": True, "weight_decay": 0.1, "maximize": True}),
        ("Adam", {}),
        ("Adam", {"amsgrad": True, "maximize": True}),
        ("Adam", {"betas": [0.9, 0.999], "weight_decay": 0.1}),
        ("AdamW", {}),
        ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.1}),
        ("Adadelta", {}),
        ("Adamax", {"weight_decay": 0.1}),
        ("NAdam", {"decoupled_weight_decay": True, "weight_decay": 0.1}),
        ("RAdam", {}),
        ("Rprop", {}),
        ("ASGD", {"t0": 0}),
    ],
    ids=str,
)
def test_gradients_through_steps(kind: str, options: dict[str, Any], learns: str, steps: int) -> None:
    """The gradients of the parameters after steps with respect to all that went into them; or torch's refusal."""

    def case(side: Side) -> Any:
        start, g = side.tensor(np.array([0.5, -0.25])), side.tensor(np.array([0.3, 0.7]))
        learned = {name: side.tensor(np.array(0.1)).requires_grad_() for name in learns.split()}
        inputs = [start.requires_grad_(), g.requires_grad_(), *learned.values()]
        if "beta" in learned:
            learned = {"betas": (learned["beta"], side.tensor(np.array(0.5)).requires_grad_())}
            inputs.append(learned["betas"][1])
        p = start.clone()
        p.retain_grad()  # or to ask for its gradient is warned of
        optimizer = make(side, kind, [p], {"lr": 0.1, **options, **learned, "differentiable": True})
        for _ in range(steps):
            p.grad = g * 1.5
            optimizer.step()
        names = [p.grad_fn.name(), p.grad.grad_fn.name()]
        return names, [p, p.grad, *side.module.autograd.grad((p * p).sum(), inputs, allow_unused=True)]

    theirs, ours = outcomes(case)
    if theirs.error is not None:
        assert ours.error is not None
        assert_same_error(theirs.error, ours.error)
        return
    if ours.error is not None:
        raise ours.error
    assert ours.value[0] == theirs.value[0]
    for a, b in zip(theirs.value[1], ours.value[1], strict=True):
        assert (a is None) == (b is None)
        if (
            a is not None
        ):  # gradients of g/√v nearly cancel: what is left is as certain as the terms, which are about 10
            np.testing.assert_allclose(as_array(b), as_array(a), rtol=1e-14, atol=1e-14)


# -- what is not there -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SparseAdam", "Muon", "swa_utils"])
def test_what_is_missing_says_so(name: str) -> None:
    assert hasattr(THEIRS.module.optim, name)
    with pytest.raises(AttributeError, match=f"microtorch.* does not have torch.optim.{name}"):
        getattr(microtorch.optim, name)


@OFTEN
@given(
    kind_and_options=KINDS.flatmap(lambda kind: st.tuples(st.just(kind), options_of(kind))),
    kernel_set=st.sampled_from(["numpy", "torch_cpu"]),
    dtype=st.sampled_from(["f2", "f4", "f8"]),
    values=st.lists(st.sampled_from([0.0, -0.0, 1.0, -3e-5, 0.7, 1e30, np.inf, np.nan]), min_size=2, max_size=4),
)
def test_a_single_element_is_changed_like_one_of_many(
    kind_and_options: Any, kernel_set: str, dtype: str, values: list[float]
) -> None:
    """numpy computes with numbers there, with arrays here: to the same bits."""
    kind, options = kind_and_options
    gradients = np.random.default_rng(0).normal(0, 1, (3, len(values))).astype(dtype)
    with kernels.use(kernel_set), np.errstate(all="ignore"):
        start = np.array(values).astype(dtype)
        many = train(OURS, kind, options, [start], [[g] for g in gradients])[-1]
        each = train(
            OURS, kind, options, list(start.reshape(-1, 1, 1)), [list(g.reshape(-1, 1, 1)) for g in gradients]
        )[-1]
    for name in (0, 1):  # parameters and gradients
        (_, whole), (_, parts) = many[name], each[name]
        assert whole[0][3] == b"".join(part[3] for part in parts)
    assert set(each[2][: len(values)]) == {many[2][0]}


@pytest.fixture
def cut_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters of more than four elements are cut into blocks of three."""
    monkeypatch.setattr(arithmetic, "LARGE", 4)
    monkeypatch.setattr(arithmetic, "BLOCK", 3)


@pytest.mark.usefixtures("cut_small")
@settings(OFTEN, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind_and_options=KINDS.flatmap(lambda kind: st.tuples(st.just(kind), options_of(kind))),
    run=runs(steps=3),
)
def test_large_parameters_are_changed_block_by_block(kind_and_options: Any, run: Any) -> None:
    with torch_rounding():
        theirs, ours = (train(side, *kind_and_options, *run) for side in SIDES)
    assert ours == theirs


@pytest.mark.usefixtures("cut_small")
def test_blocks_do_not_see_what_others_wrote() -> None:
    """The gradient may be the parameter's own memory, moved by one."""

    def stepped(array: Array) -> Array:
        p = microtorch.from_numpy(array[1:]).requires_grad_()
        p.grad = microtorch.from_numpy(array[:-1])
        microtorch.optim.SGD([p], lr=0.5).step()
        return array

    start = np.arange(12.0)
    expected = start.copy()
    expected[1:] -= 0.5 * start[:-1]
    assert np.array_equal(stepped(start), expected)


def test_steps_on_small_parameters_make_few_objects() -> None:
    """An unrecorded step makes no node, and none of its tensors outlive it but the state."""
    p = OURS.tensor(np.ones(2), requires_grad=True)
    p.grad = OURS.tensor(np.ones(2))
    optimizer = microtorch.optim.SGD([p], lr=0.1, momentum=0.9)
    optimizer.step()
    array, buffer = p._array, optimizer.state[p]["momentum_buffer"]
    optimizer.step()
    assert p._array is array
    assert optimizer.state[p]["momentum_buffer"] is buffer
    assert p.grad_fn is None
    assert buffer.grad_fn is None
