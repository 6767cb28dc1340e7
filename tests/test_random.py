"""Random tensors and initial values: numbers, graph, errors and what is left of the generator, as torch has them."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import microtorch

Call = Callable[[Any], Any]
CALLS: dict[str, Call] = {
    "rand": lambda T: T.rand(3, 5),
    "rand of a list": lambda T: T.rand([2, 3]),
    "rand of size=": lambda T: T.rand(size=(2, 3)),
    "rand of a Size": lambda T: T.rand(T.Size([2])),
    "rand of no elements": lambda T: T.rand(0, 3),
    "rand of no dimensions": lambda T: T.rand(()),
    "rand float64": lambda T: T.rand(4, dtype=T.float64),
    "rand float16": lambda T: T.rand(40, dtype=T.float16),
    "rand into": lambda T: T.rand(3, out=T.zeros(0)),
    "rand into float64": lambda T: T.rand(2, out=T.zeros(2, dtype=T.float64)),
    "rand requires grad": lambda T: T.rand(2, requires_grad=True),
    "rand of integers": lambda T: T.rand(3, dtype=T.int64),
    "rand negative": lambda T: T.rand(-1),
    "rand of a string": lambda T: T.rand("a"),
    "rand of a float": lambda T: T.rand(2.0),
    "randn": lambda T: T.randn(15),
    "randn in blocks": lambda T: T.randn(5, 7),
    "randn odd, then one more": lambda T: (T.randn(3), T.randn(2)),
    "randn of integers": lambda T: T.randn(3, dtype=T.int64),
    "randint": lambda T: T.randint(10, (7,)),
    "randint from": lambda T: T.randint(-5, 30, (11,)),
    "randint named": lambda T: T.randint(low=-5, high=30, size=(11,)),
    "randint float": lambda T: T.randint(0, 3, (4,), dtype=T.float32),
    "randint wide": lambda T: T.randint(0, 2**40, (4,)),
    "randint without size": lambda T: T.randint(0, 3),
    "randint empty range": lambda T: T.randint(5, 2, (2,)),
    "randint requires grad": lambda T: T.randint(3, (2,), requires_grad=True),
    "randperm": lambda T: T.randperm(13),
    "randperm float": lambda T: T.randperm(5, dtype=T.float32),
    "randperm negative": lambda T: T.randperm(-1),
    "randperm of a float": lambda T: T.randperm(3.0),
    "rand_like": lambda T: T.rand_like(T.zeros(2, 3)),
    "rand_like transposed": lambda T: T.rand_like(T.zeros(2, 3).t()),
    "rand_like integers": lambda T: T.rand_like(T.zeros(2, dtype=T.int64)),
    "randn_like": lambda T: T.randn_like(T.zeros(4, 5)),
    "randn_like transposed": lambda T: T.randn_like(T.zeros(4, 5).t()),
    "randn_like other dtype": lambda T: T.randn_like(T.zeros(4), dtype=T.float64),
    "randint_like": lambda T: T.randint_like(T.zeros(5), 7),
    "randint_like from": lambda T: T.randint_like(T.zeros(5), 3, 7),
    "normal": lambda T: T.normal(0, 0.01, (20, 2)),
    "normal named": lambda T: T.normal(mean=1.0, std=2.0, size=(3,), requires_grad=True),
    "normal of means": lambda T: T.normal(T.arange(20.0), 2.0),
    "normal of deviations": lambda T: T.normal(1.0, T.arange(1.0, 5.0)),
    "normal of both": lambda T: T.normal(T.arange(3.0), T.arange(1.0, 4.0)),
    "normal of both, broadcasting": lambda T: T.normal(T.zeros(2, 3), T.ones(3)),
    "normal of both, shapes": lambda T: T.normal(T.zeros(2), T.ones(3)),
    "normal of negative deviation": lambda T: T.normal(T.zeros(2), -1.0),
    "normal of negative deviations": lambda T: T.normal(T.zeros(2), -T.ones(2)),
    "normal negative": lambda T: T.normal(0, -1, (2,)),
    "normal recorded in mean": lambda T: T.normal(T.zeros(2, requires_grad=True), 1.0),
    "normal recorded in std": lambda T: T.normal(0.0, T.ones(2, requires_grad=True)),
    "normal recorded in both": lambda T: T.normal(T.zeros(2, requires_grad=True), T.ones(2)),
    "bernoulli": lambda T: T.bernoulli(T.linspace(0, 1, 30)),
    "bernoulli of p": lambda T: T.bernoulli(T.zeros(9), 0.3),
    "bernoulli method": lambda T: T.zeros(9).bernoulli(0.3),
    "bernoulli recorded": lambda T: T.bernoulli(T.full((3,), 0.5, requires_grad=True)),
    "bernoulli of integers": lambda T: T.bernoulli(T.tensor([2, 1])),
    "bernoulli out of range": lambda T: T.bernoulli(T.tensor([2.0, 1.0])),
    "bernoulli transposed": lambda T: T.bernoulli(T.full((3, 4), 0.5).t()),
    "multinomial": lambda T: T.multinomial(T.tensor([0.1, 0.2, 0.3, 0.4]), 6, True),
    "multinomial one": lambda T: T.multinomial(T.tensor([0.1, 0.2, 0.3, 0.4]), 1),
    "multinomial rows": lambda T: T.multinomial(T.ones(3, 5), 4),
    "multinomial too many": lambda T: T.multinomial(T.tensor([0.2, 0.8]), 3),
    "poisson": lambda T: T.poisson(T.tensor([0.0, 0.3, 4.0, 9.99, 10.0, 35.0, 1e4, 1e9])),
    "poisson float64": lambda T: T.poisson(T.linspace(0, 60, 50, dtype=T.float64)),
    "poisson float16": lambda T: T.poisson(T.linspace(0, 60, 50, dtype=T.float16)),
    "poisson of large rates": lambda T: T.poisson(T.full((60,), 1e13, dtype=T.float64)),
    "poisson beyond int64": lambda T: T.poisson(T.tensor([1e18, 1e20, float("inf")])),
    "poisson transposed": lambda T: T.poisson(T.arange(6.0).reshape(2, 3).t()),
    "poisson recorded": lambda T: T.poisson(T.full((3,), 5.0, requires_grad=True)),
    "poisson negative": lambda T: T.poisson(T.tensor([1.0, -1.0])),
    "poisson of nan": lambda T: T.poisson(T.tensor([float("nan")])),
    "poisson of integers": lambda T: T.poisson(T.tensor([1, 2])),
    "poisson of a number": lambda T: T.poisson(3),
    "poisson of a generator": lambda T: T.poisson(T.ones(3), T.Generator().manual_seed(7)),
    "poisson of no generator": lambda T: T.poisson(T.ones(3), generator=3),
    "binomial": lambda T: T.binomial(T.tensor([0.0, 5, 10, 40, 100, 1e6]), T.tensor([0.5, 0.9, 0.1, 0.3, 0.7, 0.01])),
    "many poisson": lambda T: T.poisson(T.linspace(8, 90, 800)),
    "many binomial": lambda T: T.binomial(T.linspace(30, 400, 800), T.linspace(0.01, 0.99, 800)),
    "binomial float64": lambda T: T.binomial(T.full((9,), 50.0, dtype=T.float64), T.arange(9, dtype=T.float64) / 8),
    "binomial of float16": lambda T: T.binomial(T.ones(1, dtype=T.float16), T.ones(1, dtype=T.float16)),
    "binomial of strange numbers": lambda T: T.binomial(
        T.tensor([-10.0, float("inf"), 3, 3, 3]), T.tensor([0.5, 0.5, 1.5, -1, float("nan")])
    ),
    "binomial broadcasting": lambda T: T.binomial(T.arange(6.0).reshape(2, 3).t(), T.tensor([0.2, 0.8])),
    "binomial of another dtype": lambda T: T.binomial(T.ones(2), T.ones(2, dtype=T.float64)),
    "binomial of integers for probabilities": lambda T: T.binomial(T.ones(2), T.tensor([1, 0])),
    "binomial of integers": lambda T: T.binomial(T.tensor([1, 2]), T.tensor([0.2, 0.8])),
    "binomial of numbers": lambda T: T.binomial(T.ones(2), 0.5),
    "binomial recorded": lambda T: T.binomial(T.full((3,), 5.0, requires_grad=True), T.full((3,), 0.5)),
    "uniform_": lambda T: T.zeros(6).uniform_(-0.5, 3),
    "uniform_ transposed": lambda T: T.zeros(4, 3).t().uniform_(),
    "uniform_ a column": lambda T: column(T).uniform_(),
    "uniform_ to=": lambda T: T.zeros(2).uniform_(0, to=2),
    "uniform_ reversed": lambda T: T.zeros(2).uniform_(2, 1),
    "uniform_ integers": lambda T: T.zeros(2, dtype=T.int64).uniform_(),
    "normal_": lambda T: T.zeros(2, 1).normal_(0, 0.01),
    "normal_ in blocks": lambda T: T.zeros(50).normal_(1, 2),
    "normal_ a column": lambda T: T.zeros(20, 2)[:, 0].normal_(),
    "normal_ negative": lambda T: T.zeros(2).normal_(0, -1),
    "random_": lambda T: T.zeros(4).random_(),
    "random_ to": lambda T: T.zeros(4).random_(5),
    "random_ to=": lambda T: T.zeros(4).random_(to=5),
    "random_ from to": lambda T: T.zeros(4, dtype=T.int32).random_(2, 50),
    "random_ int64": lambda T: T.empty((), dtype=T.int64).random_(),
    "random_ bool": lambda T: T.zeros(9, dtype=T.bool).random_(),
    "bernoulli_": lambda T: T.zeros(20).bernoulli_(0.3),
    "bernoulli_ of a tensor": lambda T: T.zeros(2, 3).bernoulli_(T.tensor([0.2, 0.5, 1.0])),
    "bernoulli_ shapes": lambda T: T.zeros(2).bernoulli_(T.tensor([1.0, 0.0, 1.0])),
    "bernoulli_ integers": lambda T: T.zeros(5, dtype=T.int64).bernoulli_(),
    "exponential_": lambda T: T.zeros(5).exponential_(1.5),
    "exponential_ integers": lambda T: T.zeros(5, dtype=T.int64).exponential_(),
    "cauchy_": lambda T: T.zeros(5).cauchy_(),
    "log_normal_": lambda T: T.zeros(5).log_normal_(),
    "geometric_": lambda T: T.zeros(5).geometric_(0.3),
    "uniform_ on a leaf": lambda T: T.zeros(5, requires_grad=True).uniform_(),
    "uniform_ on a stretched tensor": lambda T: T.zeros(1).expand(3).uniform_(),
    "uniform_ recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).uniform_(),
    "normal_ recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).normal_(),
    "random_ recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).random_(),
    "random_ to recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).random_(3),
    "random_ to= recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).random_(to=3),
    "random_ from to recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).random_(1, 3),
    "bernoulli_ recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).bernoulli_(),
    "bernoulli_ of a tensor recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).bernoulli_(T.ones(3)),
    "exponential_ recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).exponential_(),
    "cauchy_ recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).cauchy_(),
    "log_normal_ recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).log_normal_(),
    "geometric_ recorded": lambda T: (T.zeros(3, requires_grad=True) * 1).geometric_(0.5),
    "dropout": lambda T: T.dropout(T.ones(40), 0.3, True),
    "dropout none": lambda T: T.dropout(T.ones(4), 0.0, True),
    "dropout all": lambda T: T.dropout(T.ones(4), 1.0, True),
    "dropout off": lambda T: T.dropout(T.ones(4), 0.5, False),
    "dropout_": lambda T: T.dropout_(T.ones(40), 0.3, True),
    "dropout recorded": lambda T: T.dropout(T.ones(4, requires_grad=True), 0.5, True),
    "dropout out of range": lambda T: T.dropout(T.ones(4), 1.5, True),
    "a generator": lambda T: T.randn(20, generator=T.Generator().manual_seed(7)),
    "a generator in place": lambda T: T.zeros(20).uniform_(generator=T.Generator().manual_seed(7)),
    "a fresh generator": lambda T: (T.Generator().initial_seed(), T.Generator().device, T.rand(3, generator=T.Generator())),
    "a generator of another device": lambda T: T.Generator("cpu").get_state().shape,
    "generator state": lambda T: T.Generator().manual_seed(-1).get_state(),
    "set_state of a number": lambda T: T.Generator().set_state(3),
    "set_state of floats": lambda T: T.Generator().set_state(T.zeros(3)),
    "manual_seed of a string": lambda T: T.manual_seed("a"),
    "manual_seed of a float": lambda T: (T.manual_seed(1.7), T.initial_seed(), T.rand(1))[1:],
    "manual_seed negative": lambda T: (T.manual_seed(-3), T.initial_seed(), T.rand(1))[1:],
    "manual_seed too large": lambda T: T.manual_seed(2**64),
    "rng state": lambda T: (state := T.get_rng_state(), T.rand(3), T.set_rng_state(state), T.rand(3))[1:],
    "init.uniform_": lambda T: T.nn.init.uniform_(T.empty(3, 5), -1, 2),
    "init.normal_": lambda T: T.nn.init.normal_(T.empty(3, 5), 1, 2),
    "init.constant_": lambda T: T.nn.init.constant_(T.empty(3, requires_grad=True), 1.5),
    "init.ones_": lambda T: T.nn.init.ones_(T.empty(3)),
    "init.zeros_": lambda T: T.nn.init.zeros_(T.empty(3)),
    "init.eye_": lambda T: T.nn.init.eye_(T.empty(3, 4)),
    "init.eye_ of a vector": lambda T: T.nn.init.eye_(T.empty(3)),
    "init.xavier_uniform_": lambda T: T.nn.init.xavier_uniform_(T.empty(3, 5), gain=0.7),
    "init.xavier_normal_": lambda T: T.nn.init.xavier_normal_(T.empty(3, 5)),
    "init.xavier of a vector": lambda T: T.nn.init.xavier_normal_(T.empty(3)),
    "init.kaiming_uniform_": lambda T: T.nn.init.kaiming_uniform_(T.empty(7, 5), a=5**0.5),
    "init.kaiming_uniform_ out": lambda T: T.nn.init.kaiming_uniform_(T.empty(7, 5, 2), mode="fan_out", nonlinearity="relu"),
    "init.kaiming_normal_": lambda T: T.nn.init.kaiming_normal_(T.empty(7, 5)),
    "init.kaiming wrong mode": lambda T: T.nn.init.kaiming_normal_(T.empty(7, 5), mode="fan"),
    "init.kaiming wrong function": lambda T: T.nn.init.kaiming_normal_(T.empty(7, 5), nonlinearity="sin"),
    "init.kaiming empty": lambda T: T.nn.init.kaiming_uniform_(T.empty(0, 5)),
    "init.trunc_normal_": lambda T: T.nn.init.trunc_normal_(T.empty(30, 5), std=1.5),
    "init.trunc_normal_ float64": lambda T: T.nn.init.trunc_normal_(T.empty(30, dtype=T.float64), std=1.5, a=-0.1),
    "init.trunc_normal_ tail": lambda T: T.nn.init.trunc_normal_(T.empty(30), a=1.2, b=2.0),
    "init.trunc_normal_ far tail": lambda T: T.nn.init.trunc_normal_(T.empty(30), mean=9.0, a=1.2, b=2.0),
    "init.calculate_gain": lambda T: [T.nn.init.calculate_gain(n) for n in ("linear", "tanh", "relu", "leaky_relu", "selu")],
    "init.calculate_gain slope": lambda T: T.nn.init.calculate_gain("leaky_relu", "a"),
    "init with a generator": lambda T: T.nn.init.normal_(T.empty(3), generator=T.Generator().manual_seed(3)),
    "init.orthogonal_ of a vector": lambda T: T.nn.init.orthogonal_(T.empty(3)),
    "init.orthogonal_ of half": lambda T: T.nn.init.orthogonal_(T.empty(3, 2).half()),
    "init.sparse_": lambda T: T.nn.init.sparse_(T.empty(5, 4), 0.3),
    "init.sparse_ of a vector": lambda T: T.nn.init.sparse_(T.empty(5), 0.3),
    "init.dirac_": lambda T: [T.nn.init.dirac_(T.empty(s), g) for s, g in (((3, 2, 3), 1), ((4, 3, 2, 3), 2))],
    "init.dirac_ wrong": lambda T: T.nn.init.dirac_(T.empty(3, 2)),
    "init.dirac_ groups": lambda T: T.nn.init.dirac_(T.empty(3, 2, 1), 2),
    "init.sparse": lambda T: T.nn.init.sparse(T.empty(2, 2), 0.5),
    "skip_init": lambda T: [tuple(p.shape) for p in T.nn.utils.skip_init(T.nn.Linear, 3, 2).parameters()],
    "skip_init of what is no layer": lambda T: T.nn.utils.skip_init(T.nn.ReLU),
    "init.uniform": lambda T: T.nn.init.uniform(T.empty(3)),
}  # fmt: skip


def column(T: Any) -> Any:
    return T.zeros(5, 3)[:, 1]


def seen(T: Any, call: Call, seed: int) -> Any:
    """What can be seen of a call: values, how they print, warnings, an error, and the generator afterwards."""
    T.manual_seed(seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = described(T, call(T))
        except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
            result = (type(error).__name__, str(error).partition("\n")[0])
    told = [(w.category.__name__, str(w.message)) for w in caught]
    return result, told, bytes(T.get_rng_state().numpy())


def described(T: Any, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [described(T, v) for v in value]
    if not isinstance(value, T.Tensor):
        return repr(value)
    array = value.detach().numpy()
    return repr(value), array.dtype.name, array.shape, value.stride(), array.tobytes(), value.requires_grad


@pytest.mark.parametrize("name", CALLS)
def test_as_torch(name: str) -> None:
    for seed in (0, 1, 123):
        assert seen(microtorch, CALLS[name], seed) == seen(torch, CALLS[name], seed)


def test_default_generator_is_seeded_anew() -> None:
    seeds = {microtorch.seed() for _ in range(3)}
    assert len(seeds) == 3
    assert microtorch.initial_seed() in seeds


def test_state_goes_both_ways() -> None:
    for ours, theirs in ((microtorch, torch), (torch, microtorch)):
        ours.manual_seed(5)
        ours.randn(1 + 7)
        state = theirs.from_numpy(ours.get_rng_state().numpy().copy())
        theirs.set_rng_state(state)
        assert np.array_equal(ours.randn(40).numpy(), theirs.randn(40).numpy())


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g)), lambda g: g.clone_state()]
)
def test_copies_of_a_generator_go_on_alike(duplicate: Callable[[Any], Any]) -> None:
    generator = microtorch.Generator().manual_seed(3)
    microtorch.randn(3, generator=generator)
    twin = duplicate(generator)
    assert np.array_equal(microtorch.randn(9, generator=twin).numpy(), microtorch.randn(9, generator=generator).numpy())
    assert twin is not generator


def test_fork_rng() -> None:
    values = []
    for T in (torch, microtorch):
        T.manual_seed(2)
        with T.random.fork_rng():
            T.rand(5)
        values.append(T.rand(3).tolist())
    assert values[0] == values[1]


def test_linear_starts_as_torchs() -> None:
    for seed in range(5):
        for shape in ((1, 1), (3, 2), (64, 10)):
            for T in (torch, microtorch):
                T.manual_seed(seed)
            theirs, ours = torch.nn.Linear(*shape), microtorch.nn.Linear(*shape)
            for a, b in zip(theirs.parameters(), ours.parameters(), strict=True):
                assert np.array_equal(a.detach().numpy(), b.detach().numpy())


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (3, 2, 2), (0, 3)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    """The rows or columns are those of a QR decomposition, whose last bits are the library's."""
    seen = []
    for T in (torch, microtorch):
        T.manual_seed(5)
        made = T.nn.init.orthogonal_(T.empty(shape), 1.5)
        seen.append([made.numpy(), T.rand(1).item(), made.requires_grad])
    np.testing.assert_allclose(seen[1][0], seen[0][0], atol=1e-5)
    assert seen[1][1:] == seen[0][1:]
    flat = seen[1][0].reshape(shape[0], int(np.prod(shape[1:])))
    square = flat @ flat.T if shape[0] < flat.shape[1] else flat.T @ flat
    assert not flat.size or np.allclose(square, 2.25 * np.eye(len(square)), atol=1e-5)
