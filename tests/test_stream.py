"""microtorch.stream against torch: every draw, to the bit, and the state of the generator after it."""

from __future__ import annotations

import copy
import pickle
import struct
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_draws import CASES, DRAWS, FLOATS, bits, compare, edited, numpy_type, state, torch_type, twins, weights

from microtorch.kernels.layout import in_memory_order
from microtorch.stream import DEFAULT_SEED, Stream

SIZES = [*range(20), 31, 32, 33, 47, 48, 49, 63, 64, 65, 100, 159, 160, 311, 312, 313, 500, 623, 624, 625, 1000]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_draws_and_states_are_torchs(name: str, dtype: str) -> None:
    with np.errstate(all="raise"):  # a draw settles its own floating point exceptions
        assert compare(name, dtype, range(2), SIZES) == 0


@pytest.mark.parametrize("name", ["rand", "randn", "randperm", "random_"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_draws(name: str, dtype: str) -> None:
    assert compare(name, dtype, range(1), [100_003]) == 0


def untempered(word: int) -> int:
    """The state word from which the twister makes this word."""
    word ^= word >> 18
    word ^= word << 15 & 0xEFC60000
    undone = word
    for _ in range(4):
        undone = word ^ undone << 7 & 0x9D2C5680
    word = undone & 0xFFFFFFFF
    return word ^ word >> 11 ^ word >> 22


def state_with(words: list[int]) -> np.ndarray[Any, Any]:
    """A state from which these words, and then some, come next."""
    raw = bytearray(Stream(1).state().tobytes())
    struct.pack_into("<iiQ", raw, 8, 624, 1, 1)
    for i, word in enumerate(words):
        struct.pack_into("<Q", raw, 24 + 8 * (i + 1), untempered(word))
    return np.frombuffer(raw, np.uint8)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(CASES),
    st.lists(st.sampled_from([0, 1, 2**21, 2**24 - 1, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1), max_size=64),
    st.integers(1, 32),
)
def test_rare_words(case: tuple[str, str], words: list[int], n: int) -> None:
    """u = 0, where logarithms are −0 or −inf, u just below 1, and whatever else chance would hardly ever draw."""
    name, dtype = case
    stream, generator = Stream(), torch.Generator()
    raw = state_with(words)
    stream.set_state(raw)
    generator.set_state(torch.from_numpy(raw))
    _, ours, theirs = DRAWS[name]
    with np.errstate(all="raise"):
        assert bits(ours(stream, n, dtype)) == bits(theirs(generator, n, dtype))
    assert state(stream) == state(generator)


@pytest.mark.parametrize(("name", "dtype"), CASES)
@pytest.mark.parametrize("word", [0, 2**32 - 1])
def test_the_rarest_words(name: str, dtype: str, word: int) -> None:
    test_rare_words.hypothesis.inner_test((name, dtype), [word] * 64, 16)  # type: ignore[attr-defined]
    test_rare_words.hypothesis.inner_test((name, dtype), [word] * 64, 5)  # type: ignore[attr-defined]


def test_the_words_are_the_chosen_ones() -> None:
    words = [0, 2**32 - 1, 123456789, 2**31]
    stream = Stream()
    stream.set_state(state_with(words))
    assert stream.words32(4).tolist() == words


@settings(deadline=None, max_examples=200)
@given(data=st.data(), seed=st.integers(-(2**63), 2**64 - 1))
def test_mixtures_on_one_generator(data: st.DataObject, seed: int) -> None:
    """Any draws in any order, now and then handing the state from one library to the other."""
    stream, generator = twins(seed)
    for _ in range(data.draw(st.integers(1, 12))):
        name, dtype = data.draw(st.sampled_from(CASES))
        n = data.draw(st.integers(0, 40) | st.sampled_from([311, 623, 624, 700]))
        _, ours, theirs = DRAWS[name]
        assert bits(ours(stream, n, dtype)) == bits(theirs(generator, n, dtype)), (name, dtype, n)
        match data.draw(st.sampled_from(["go on", "go on", "to torch", "from torch", "seed"])):
            case "to torch":
                generator = torch.Generator()
                generator.set_state(torch.from_numpy(stream.state()))
            case "from torch":
                stream = Stream()
                stream.set_state(generator.get_state().numpy())
            case "seed":
                stream.manual_seed(n)
                generator.manual_seed(n)
    assert state(stream) == state(generator)
    assert stream.initial_seed() == generator.initial_seed()


# What a draw is made of


@given(st.lists(st.tuples(st.sampled_from(["word32", "word64", "words32", "words64"]), st.integers(0, 700))))
@settings(deadline=None, max_examples=50)
def test_words_are_one_stream(requests: list[tuple[str, int]]) -> None:
    stream = Stream(5)
    reference = np.random.RandomState(5)
    for kind, n in requests:
        count = n if kind.startswith("words") else 1
        words = reference.randint(0, 2**32, size=(count, 1 + ("64" in kind)), dtype=np.uint64)
        expected = [int(w[0]) if len(w) == 1 else int(w[0]) << 32 | int(w[1]) for w in words]
        drawn = getattr(stream, kind)(n).tolist() if kind.startswith("words") else [getattr(stream, kind)()]
        assert drawn == expected


@given(st.lists(st.integers(1, 6), max_size=4), st.data())
@settings(deadline=None, max_examples=60)
def test_strided_tensors_are_filled_in_memory_order(shape: list[int], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(shape))))
    steps = [data.draw(st.integers(1, 3)) for _ in shape]
    stream, generator = twins()
    array = np.zeros([n * step for n, step in zip(shape, steps, strict=True)], np.float32)
    array = array[(*(slice(None, None, step) for step in steps), ...)].transpose(order)
    tensor = torch.from_numpy(np.zeros_like(array.base if array.base is not None else array))
    tensor = tensor[(*(slice(None, None, step) for step in steps), ...)].permute(order)

    view = in_memory_order(array)
    view[...] = stream.uniform(view.shape)
    assert bits(array) == bits(tensor.uniform_(generator=generator))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (3, 5), (2, 0), (4, 4, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes(shape: tuple[int, ...], dtype: str) -> None:
    stream, generator = twins()
    d = numpy_type(dtype)
    ours = [
        stream.uniform(shape, d),
        stream.normal(shape, d),
        stream.integers(0, 9, shape, d),
        stream.bernoulli(0.5, shape, d),
    ]
    empty = lambda: torch.empty(shape, dtype=torch_type(dtype))
    theirs = [
        empty().uniform_(generator=generator), empty().normal_(generator=generator),
        empty().random_(0, 9, generator=generator), empty().bernoulli_(0.5, generator=generator),
    ]  # fmt: skip
    assert [bits(x) for x in ours] == [bits(x) for x in theirs]
    assert all(x.flags.writeable and x.flags.c_contiguous for x in ours)
    p = weights(5, dtype)
    expected = torch.bernoulli(torch.from_numpy(p).expand(4, 5), generator=generator)
    assert bits(stream.bernoulli(p, (4, 5), d)) == bits(expected)


# multinomial


@settings(deadline=None, max_examples=300)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_multinomial(data: st.DataObject, seed: int) -> None:
    """Weights with zeros and equal values, so that ties decide; rows, columns, transposed and expanded."""
    dtype = data.draw(st.sampled_from(FLOATS))
    rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 40) | st.sampled_from([200, 1000]))
    rng = np.random.RandomState(seed)
    p = rng.choice([0, 0, 1e-7, 0.3, 1, 7, rng.rand()], size=(rows, columns)).astype(dtype)
    p[:, rng.randint(columns)] = 2
    layout = data.draw(st.sampled_from(["rows", "transposed", "one row", "expanded", "sliced"]))
    if layout == "transposed":
        p = np.asfortranarray(p)
    elif layout == "one row":
        p = p[0]
    elif layout == "expanded":
        p = np.broadcast_to(p[0], (3, columns))
    elif layout == "sliced":
        p = np.repeat(p, 2, axis=1)[:, ::2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's remark on read-only arrays
        tensor = torch.from_numpy(p)
    replacement = data.draw(st.booleans())
    n = data.draw(st.integers(1, 30 if replacement else columns))
    stream, generator = twins(seed)
    ours = stream.multinomial(p, n, replacement)
    assert bits(ours) == bits(torch.multinomial(tensor, n, replacement, generator=generator))
    assert state(stream) == state(generator)


# Seeds and states


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**32 + 1, 2**63, 2**64 - 1, -1, -(2**63), DEFAULT_SEED])
def test_seeds(seed: int) -> None:
    stream, generator = twins(seed)
    assert stream.initial_seed() == generator.initial_seed()
    assert state(stream) == state(generator)
    assert bits(stream.uniform((3,))) == bits(torch.rand(3, generator=generator))


def test_default_and_unforeseeable_seeds() -> None:
    stream = Stream()
    assert state(stream) == state(torch.Generator())
    seeds = {stream.seed() for _ in range(5)}
    assert len(seeds) == 5
    assert stream.initial_seed() in seeds
    assert state(stream) == state(torch.Generator().manual_seed(stream.initial_seed()))


@pytest.mark.parametrize("drawn", [0, 1, 5, 623, 624, 625, 1248])
@pytest.mark.parametrize("normals", [0, 1, 2])
def test_states_go_both_ways(drawn: int, normals: int) -> None:
    stream, generator = twins(3)
    for n in (drawn, 0):
        stream.uniform((n,))
        torch.rand(n, generator=generator)
    stream.normal((normals,))
    torch.randn(normals, generator=generator)

    heir, torch_heir = Stream(), torch.Generator()
    heir.set_state(generator.get_state().numpy())
    torch_heir.set_state(torch.from_numpy(stream.state()))
    for g in (stream, generator, heir, torch_heir):
        assert state(g) == state(generator)
    draws = [s.normal((3,)).tobytes() + s.uniform((700,)).tobytes() for s in (stream, heir)]
    draws += [
        torch.randn(3, generator=g).numpy().tobytes() + torch.rand(700, generator=g).numpy().tobytes()
        for g in (generator, torch_heir)
    ]
    assert len(set(draws)) == 1
    assert len({state(g) for g in (stream, generator, heir, torch_heir)}) == 1


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_copies_go_their_own_way(copied: Callable[[Any], Any]) -> None:
    for g in twins(5):
        draw = lambda g: bits(g.normal((3,)) if isinstance(g, Stream) else torch.randn(3, generator=g))
        draw(g)
        other = copied(g)
        before = state(g)
        assert state(other) == before
        numbers = draw(other)
        assert state(g) == before != state(other)
        assert draw(g) == numbers


@pytest.mark.parametrize(
    "raw",
    [
        edited((16, "Q", 624)),
        edited((16, "Q", 300)),
        edited((16, "Q", 2**32)),
        edited((12, "i", 2)),
        edited((24, "Q", 2**40 + 5)),
        edited((5024, "d", 0.25)),
        edited((5024, "d", 0.25), (5040, "i", 7)),
        edited((5024, "d", -0.0), (5040, "i", 1)),
        edited((5048, "f", 0.5), (5052, "?", True)),
    ],
)
def test_states_edited_by_hand(raw: np.ndarray[Any, Any]) -> None:
    stream, generator = Stream(), torch.Generator()
    stream.set_state(raw)
    generator.set_state(torch.from_numpy(raw))
    assert state(stream) == state(generator)
    assert bits(stream.normal((1,))) == bits(torch.randn(1, generator=generator))
    assert state(stream) == state(generator)


def test_a_state_no_stream_has_is_refused() -> None:
    stream = Stream(7)
    before = state(stream)
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        stream.set_state(edited((8, "i", 300)))
    assert state(stream) == before


# The same numbers for ever: bits that torch 2.13 gave, so that the streams stay known where torch is not installed.


def hexadecimal(x: np.ndarray[Any, Any]) -> str:
    return " ".join(f"{v:x}" for v in x.view(f"u{x.itemsize}").ravel().tolist())


ROOT = 3**-0.5
FLOAT64 = np.dtype("float64")
GOLDEN = [
    (lambda s: hexadecimal(s.uniform((4,))), "3efe1558 3f44aa2f 3db533a8 3e073300"),
    (lambda s: hexadecimal(s.uniform((2,), FLOAT64)), "3fef0aac97c4aa2f 3fe6a675d821ccc0"),
    (lambda s: hexadecimal(s.normal((3,))), "3fc53f5c be963c50 c00b7149"),
    (lambda s: hexadecimal(s.normal((3,), FLOAT64)), "3ff8a7eb8902be3a bfd2c78a087c6fea c0016e2920a70ee5"),
    (lambda s: hexadecimal(s.normal((16,))[:4]), "bf901b85 bf93808a be804bd6 bede255d"),
    (lambda s: hexadecimal(s.normal((17,))[[0, 1, 16]]), "bf901b85 bfd91446 3f6e8c30"),
    (lambda s: hexadecimal(s.normal((16,), FLOAT64)[[0, 8]]), "c0027bb92e9262dc bff4bae386384915"),
    (lambda s: hexadecimal(s.uniform((4,), low=-ROOT, high=ROOT)), "bb8da3e8 3e9e9313 bef34b7e bed98bc9"),
    (lambda s: s.integers(0, 10, (8,)).tolist(), [4, 9, 3, 0, 3, 9, 7, 3]),
    (lambda s: s.integers(0, 2**28, (2,)).tolist(), [130329135, 136432832]),
    (lambda s: s.permutation(8).tolist(), [4, 0, 7, 3, 2, 5, 1, 6]),
    (lambda s: s.bernoulli(0.3, (8,)).tolist(), [0, 0, 0, 0, 0, 0, 1, 0]),
    (lambda s: hexadecimal(s.exponential((2,))), "4060886b 3f9d7d3f"),
    (lambda s: s.multinomial(np.array([0.1, 0.2, 0.3, 0.4], np.float32), 6, True).tolist(), [3, 3, 2, 3, 3, 3]),
]


@pytest.mark.parametrize(("draw", "expected"), GOLDEN)
def test_golden_values(draw: Callable[[Stream], Any], expected: Any) -> None:
    assert draw(Stream(0)) == expected
