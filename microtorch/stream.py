"""torch's CPU random numbers: one stream of 32-bit words and every distribution that is drawn from it, to the bit.

The words come from the Mersenne Twister MT19937. Python's `random.Random` is the same machine, so it turns the wheel:
only the seeding and the layout of the saved state are torch's. What a distribution makes of the words, and how many it
takes, is as much part of the stream as the words themselves: one word too many and every later number is another.

All draws return new C-contiguous arrays, filled in C order; `kernels.layout.in_memory_order` gives the view of a
strided array whose C order is the order in which torch fills it. Dtypes are numpy's (`dtype.numpy` of a torch dtype).
"""

from __future__ import annotations

import cmath
import math
import os
import random
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from .kernels.box_muller import box_muller, libm
from .kernels.fused import fma
from .kernels.layout import memory_axes
from .kernels.shuffle import shuffled
from .kernels.topk import largest
from .stream_arguments import (
    BOOL,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INT32,
    INT64,
    OVERFLOW,
    UINT32,
    UINT64,
    cast,
    check_multinomial,
    check_permutation,
    check_race,
    check_uniform,
    check_weights,
    expected,
    integer_range,
    largest_integer,
    not_continuous,
    not_implemented,
)

Array = np.ndarray[Any, np.dtype[Any]]
DType = np.dtype[Any]
Shape = tuple[int, ...]

DEFAULT_SEED = 67280421310721  # of a new torch.Generator()
STATE_SIZE = 5056  # bytes

_WORDS = 624
# seed, left, seeded, next, the words in 64-bit slots, three float64 of which the second is the waiting normal number,
# whether one waits, the same in float32 (which no CPU kernel uses)
_STATE = struct.Struct(f"<QiiQ{_WORDS}Q3di4xf?3x")
_CHUNK = 1 << 13  # numbers drawn at once
_MASK24, _MASK53 = (1 << 24) - 1, (1 << 53) - 1
_UNIT24, _UNIT53 = 2.0**-24, 2.0**-53
# The same as 0-d arrays, with which numpy computes faster.
_LOW24, _LOW53 = np.array(_MASK24, UINT32), np.array(_MASK53, UINT64)
_UNITS24, _UNITS53 = np.array(_UNIT24, FLOAT32), np.array(_UNIT53, FLOAT64)


class Stream:
    """A Mersenne Twister seeded as torch seeds it, and the draws from it; `Stream(seed)` is as after `manual_seed`."""

    __slots__ = ("_bits", "_engine", "_float_normal", "_next", "_normal", "_seed", "_start")
    _normal: float | None  # the second of a pair of normal numbers, waiting for its turn
    _float_normal: float | None

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self._engine = random.Random.__new__(random.Random)  # which spares it a seed
        self._bits = self._engine.getrandbits
        Stream.manual_seed(self, seed)

    # Seed and state

    def manual_seed(self, seed: int) -> None:
        """Start anew from a seed in [−2⁶³, 2⁶⁴), negative ones meaning seed + 2⁶⁴; only the low 32 bits matter."""
        if type(seed) is not int:
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError(OVERFLOW)
        self._load(seed % 2**64, _seeded(seed % 2**32), used=0)

    def seed(self) -> int:
        """Start anew from a seed that cannot be foretold, and return it."""
        Stream.manual_seed(self, int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the stream started from, in [0, 2⁶⁴)."""
        return self._seed

    def state(self) -> Array:
        """All there is to know of the stream, 5056 bytes, as torch's `Generator.get_state` lays it out."""
        words = self._engine.getstate()[1]
        used = self._next if words == self._start else words[-1]
        head = self._seed, _WORDS + 1 - words[-1], 1, used
        normal, waits = (0.0, False) if self._normal is None else (self._normal, True)
        float_normal, float_waits = (0.0, False) if self._float_normal is None else (self._float_normal, True)
        packed = _STATE.pack(*head, *words[:-1], 0.0, normal, 0.0, waits, float_normal, float_waits)
        return np.frombuffer(bytearray(packed), np.uint8)

    def set_state(self, state: Array) -> None:
        """Continue where a stream with this state stood; the state may come from torch."""
        if state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if not state.flags.c_contiguous:
            raise RuntimeError("RNG state must be contiguous")
        if state.size != STATE_SIZE:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE_SIZE} but found the input RNG state size to be "
                f"{state.size}"
            )
        seed, left, seeded, used, *rest = _STATE.unpack(state.tobytes())
        used %= 2**32
        # torch also takes states with left > 1 that no stream ever has, and then reads beyond its words.
        if not (seeded and 0 < left <= _WORDS and used <= _WORDS and left in (1, _WORDS + 1 - used)):
            raise RuntimeError("Invalid mt19937 state")
        words = tuple(word % 2**32 for word in rest[:_WORDS])
        _, normal, _, waits, float_normal, float_waits = rest[_WORDS:]
        self._load(seed, (*words, _WORDS if left == 1 else used), used)
        self._normal = normal if waits else None
        self._float_normal = float_normal if float_waits else None

    def __reduce__(self) -> tuple[Any, ...]:  # copies and pickles are streams of their own
        return type(self), (), self.state()

    def __setstate__(self, state: Array) -> None:
        Stream.set_state(self, state)

    def _load(self, seed: int, words: tuple[int, ...], used: int) -> None:
        self._engine.setstate((3, words, None))
        self._seed = seed
        self._start, self._next = words, used  # torch's `next` before the first draw; after it both count alike
        self._normal = self._float_normal = None

    # Words

    def word32(self) -> int:
        """The next word."""
        return self._bits(32)

    def word64(self) -> int:
        """The next two words as one number, the first one above."""
        pair = self._bits(64)
        return (pair & 0xFFFFFFFF) << 32 | pair >> 32

    def words32(self, n: int) -> Array:
        """The next n words, uint32."""
        return self._in_parts(n, UINT32, self._words)

    def words64(self, n: int) -> Array:
        """The next 2n words as n numbers, the first of each two above the second, uint64."""
        return self._in_parts(n, UINT64, self._pairs)

    def _unit(self, n: int, dtype: DType) -> Array:
        """n numbers in [0, 1): multiples of 2⁻²⁴, a word each, or for float64 multiples of 2⁻⁵³, two words each."""
        if dtype == FLOAT64:
            return self._in_parts(n, FLOAT64, self._unit53)
        return self._in_parts(n, FLOAT32, self._unit24)

    def _unit24(self, n: int) -> Array:
        return (self._words(n) & _LOW24).view(INT32).astype(FLOAT32) * _UNITS24

    def _unit53(self, n: int) -> Array:
        return (self._pairs(n) & _LOW53).view(INT64) * _UNITS53

    def _words(self, n: int) -> Array:
        return np.frombuffer(self._bits(32 * n).to_bytes(4 * n, "little"), UINT32)

    def _pairs(self, n: int) -> Array:
        pairs = self._words(2 * n).view(UINT64)
        return pairs << 32 | pairs >> 32

    @staticmethod
    def _in_parts(n: int, dtype: DType, draw: Callable[[int], Array]) -> Array:
        """n numbers, drawn so many at a time that what they are made of stays in the processor's cache."""
        if 0 < n <= _CHUNK:
            return draw(n)
        numbers = np.empty(n, dtype)
        for i in range(0, n, _CHUNK):
            numbers[i : i + _CHUNK] = draw(min(_CHUNK, n - i))
        return numbers

    # Continuous distributions

    def uniform(self, shape: Shape, dtype: DType = FLOAT32, low: float = 0.0, high: float = 1.0) -> Array:
        """Uniform numbers in [low, high): u·(high − low) + low."""
        n = math.prod(shape)
        if low == 0.0 and high == 1.0:
            if n == 1 and dtype is FLOAT32:
                one = np.empty(shape, FLOAT32)
                one[(0,) * len(shape)] = (self._bits(32) & _MASK24) * _UNIT24
                return one
            if dtype.char in "fd":
                return self._unit(n, dtype).reshape(shape)

        if dtype.kind != "f":
            raise not_implemented("check_uniform_bounds", dtype)
        check_uniform(low, high, dtype)
        compute = FLOAT64 if dtype == FLOAT64 else FLOAT32
        with np.errstate(over="ignore"):
            start = compute.type(low)
            span = compute.type(high) - start
        if n and span == np.inf:
            raise expected("to - from <= std::numeric_limits<T>::max()")
        values = cast(fma(self._unit(n, dtype), span, start), dtype)
        values[values == dtype.type(high)] = dtype.type(low)  # rounding may reach the upper bound, which is excluded
        return values.reshape(shape)

    def one_uniform(self) -> float:
        """The next number in [0, 1), a multiple of 2⁻⁵³."""
        return (self.word64() & _MASK53) * _UNIT53

    def normal(
        self, shape: Shape, dtype: DType = FLOAT32, mean: float = 0.0, std: float = 1.0, *, contiguous: bool = True
    ) -> Array:
        """Normal numbers z·std + mean. From 16 on z is made in blocks, unless they go to a non-contiguous tensor."""
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        n = math.prod(shape)
        if n and dtype.kind != "f":
            raise not_implemented("normal_kernel_cpu", dtype)
        adds_nothing = mean == 0 and 1e-9 < std < 1e9  # then the sum is not rounded
        if n < 16 or not contiguous:
            each = [self._one_normal() for _ in range(n)]
            if adds_nothing and dtype.char in "fd":
                return np.array([one * std + mean for one in each], dtype).reshape(shape)
            z = np.array(each, FLOAT64)
        else:
            z = self._block_normals(n, dtype)
        with np.errstate(over="ignore"):
            mean, std = z.dtype.type(mean), z.dtype.type(std)
        z = z * std + mean if adds_nothing else fma(z, std, mean)
        return cast(z, dtype).reshape(shape)

    def _one_normal(self) -> float:
        z = self._normal
        if z is not None:
            self._normal = None
            return z
        u, v = self.one_uniform(), self.one_uniform()
        point = cmath.rect(math.sqrt(-2 * math.log1p(-v)), 2 * math.pi * u)
        self._normal = point.imag
        return point.real

    def _block_normals(self, n: int, dtype: DType) -> Array:
        """Blocks of sixteen; if n is no multiple, sixteen more take the last sixteen places."""
        excess = n % 16
        if not excess:
            return box_muller(self._unit(n, dtype))
        whole = n - excess
        skip = 0 if dtype == FLOAT16 else excess  # float32 and float64 also draw for the incomplete block, in vain
        uniform = self._unit(whole + skip + 16, dtype)
        z = box_muller(np.concatenate((uniform[:whole], uniform[whole + skip :])))
        return np.concatenate((z[: n - 16], z[whole:]))

    def exponential(self, shape: Shape, dtype: DType = FLOAT32, lambd: float = 1.0) -> Array:
        """Exponential numbers −ln(1 − u)/λ."""
        if not lambd > 0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
        n = math.prod(shape)
        if n and dtype.kind != "f":
            raise not_continuous("Exponential", dtype)
        with np.errstate(all="ignore"):
            return cast(np.float64(-1) / lambd * libm(math.log1p, -self._unit(n, FLOAT64)), dtype).reshape(shape)

    def cauchy(self, shape: Shape, dtype: DType = FLOAT32, median: float = 0.0, sigma: float = 1.0) -> Array:
        """Cauchy numbers median + σ·tan(π(u − ½))."""
        if not sigma > 0:
            raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
        if dtype.kind != "f":
            raise not_continuous("Cauchy", dtype)
        tangent = libm(math.tan, math.pi * (self._unit(math.prod(shape), FLOAT64) - 0.5))
        return cast(fma(tangent, sigma, median), dtype).reshape(shape)

    def log_normal(self, shape: Shape, dtype: DType = FLOAT32, mean: float = 1.0, std: float = 2.0) -> Array:
        """e to the power of normal numbers with this mean and standard deviation."""
        if not std > 0:
            raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
        if math.prod(shape) and dtype.kind != "f":
            raise not_implemented("log_normal_cpu", dtype)
        return cast(libm(_exp, self.normal(shape, FLOAT64, mean, std, contiguous=False)), dtype)

    # Discrete distributions

    def integers(self, low: int, high: int | None, shape: Shape, dtype: DType = INT64) -> Array:
        """Integers low + word % (high − low); high None: up to the last that the dtype counts to without gaps."""
        n = math.prod(shape)
        if high is None and low == -(2**63):
            return self._integers64(n, dtype).reshape(shape)
        low, span = integer_range(low, high, dtype)
        if span < 2**28:
            values = (self.words32(n) % np.uint32(span)).astype(INT64) + low
        else:
            values = (self.words64(n) % np.uint64(span) + np.uint64(low % 2**64)).view(INT64)
        return cast(values, dtype).reshape(shape)

    def _integers64(self, n: int, dtype: DType) -> Array:
        """All of int64's range."""
        if n and dtype in (FLOAT16, BOOL):
            raise not_implemented("random_full_64_bits_range_kernel_cpu", dtype)
        if n and dtype not in (FLOAT32, FLOAT64, INT64):
            raise RuntimeError("random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16")
        return cast(self.words64(n).view(INT64), dtype)

    def integers_full(self, shape: Shape, dtype: DType = INT64) -> Array:
        """Integers from 0 to the dtype's largest, of floats to the last one that they count to without gaps."""
        n = math.prod(shape)
        words = self.words64(n) if dtype in (INT64, FLOAT64) else self.words32(n)
        return cast((words % words.dtype.type(largest_integer(dtype) + 1)).astype(INT64), dtype).reshape(shape)

    def permutation(self, n: int, dtype: DType = INT64) -> Array:
        """The numbers 0 … n − 1 in random order: each place in turn is swapped with itself or a later one."""
        check_permutation(n, dtype)
        if n >= (2**32 - 1) // 20:
            raise NotImplementedError("microtorch does not have randperm for n of 214748364 and more")
        partners = np.arange(n)
        partners[:-1] += self.words32(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=UINT32)
        return shuffled(partners).astype(dtype, copy=False)

    def bernoulli(self, p: float | Array, shape: Shape, dtype: DType = FLOAT32) -> Array:
        """1 with probability p, else 0; p is a number, or an array that broadcasts to the shape."""
        n = math.prod(shape)
        if not isinstance(p, np.ndarray):
            if not 0 <= p <= 1:
                raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
            return (self._unit(n, FLOAT64) < p).astype(dtype).reshape(shape)
        if n and p.dtype.kind != "f":
            raise not_implemented("bernoulli_tensor_cpu_p_", p.dtype)
        if n and not ((p >= 0) & (p <= 1)).all():
            raise expected("p_in >= 0 && p_in <= 1")
        return (self._unit(n, p.dtype).reshape(shape) < p).astype(dtype)

    def geometric(self, p: float, shape: Shape, dtype: DType = FLOAT32) -> Array:
        """How many tries the first success takes if each succeeds with probability p: ⌈ln u / ln(1 − p)⌉."""
        if not 0 < p < 1:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
        n = math.prod(shape)
        if n and dtype == BOOL:
            raise not_implemented("geometric_cpu", dtype)
        with np.errstate(all="ignore"):
            return cast(np.ceil(libm(_log, self._unit(n, FLOAT64)) / math.log1p(-p)), dtype).reshape(shape)

    def multinomial(self, p: Array, n: int, replacement: bool = False) -> Array:
        """n indices into each row of the weights p (1-D or 2-D), drawn with probabilities p/Σp; int64."""
        check_multinomial(p, n, replacement)
        if p.ndim == 2 and not len(p):
            return np.empty((0, n), INT64)
        if replacement and n > 1:
            return self._choose(np.atleast_2d(p), n).reshape(*p.shape[:-1], n)
        return self._race(p, n)

    def _choose(self, p: Array, n: int) -> Array:
        """With replacement: the first index whose cumulative probability reaches a uniform u."""
        with np.errstate(all="ignore"):
            cumulative = np.cumsum(p, -1, dtype=FLOAT64 if p.dtype == FLOAT64 else FLOAT32)
            total = cumulative[:, -1:] if p.shape[1] else np.zeros((len(p), 1))
            check_weights(p, total[:, 0])
            cumulative /= total.copy()
        u = self._unit(len(p) * n, FLOAT64).reshape(-1, n)
        low, high = np.zeros(u.shape, INT64), np.full(u.shape, p.shape[1])
        while (searching := low < high).any():  # not np.searchsorted: if the sum overflows there are nan to pass
            middle = low + (high - low) // 2
            below = np.take_along_axis(cumulative, np.minimum(middle, p.shape[1] - 1), 1) < u
            low, high = np.where(searching & below, middle + 1, low), np.where(searching & ~below, middle, high)
        return low

    def _race(self, p: Array, n: int) -> Array:
        """Without replacement: runners with exponential times of rates p reach the goal in such an order."""
        check_race(p)
        time = np.empty(p.shape, p.dtype)
        axes = memory_axes(p)
        time.transpose(axes)[...] = self.exponential(tuple(p.shape[i] for i in axes), p.dtype)
        with np.errstate(all="ignore"):
            speed = p / time
        return speed.argmax(-1, keepdims=True) if n == 1 else largest(speed, n)


@lru_cache(maxsize=8)
def _seeded(seed: int) -> tuple[int, ...]:
    """The twister's 624 words right after seeding (Matsumoto's `init_genrand`), and that all of them are used up."""
    words = [seed]
    for i in range(1, _WORDS):
        seed = (1812433253 * (seed ^ seed >> 30) + i) & 0xFFFFFFFF
        words.append(seed)
    return (*words, _WORDS)


def _log(x: float) -> float:
    return math.log(x) if x else -math.inf


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf
