"""Random counts, drawn by rejection from uniform numbers in float64: how many is not known before.

Poisson numbers after W. Hörmann, "The transformed rejection method for generating Poisson random variables" (1993),
binomial ones after his "The generation of binomial random variates" (1993). A logarithm decides whether a candidate is
taken, so the functions are the C library's, and what is rounded to the dtype of the arguments is what torch rounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Uniform = Callable[[], float]  # the next number in [0, 1)
Number = Any  # a numpy scalar

FEW = 10  # below that mean counting is quicker
NO_INTEGER = -(2**63)  # what becomes of a float beyond int64


def poisson(uniform: Uniform, rate: float) -> int:
    """How many events there are in a unit of time at a rate ≥ 0."""
    if rate == 0:
        return 0
    return _poisson_by_rejection(uniform, rate) if rate >= FEW else _poisson_by_counting(uniform, rate)


def _poisson_by_counting(uniform: Uniform, rate: float) -> int:
    """As many uniform numbers as multiply to more than e⁻ʳᵃᵗᵉ."""
    least, product, count = math.exp(-rate), uniform(), 0
    while product > least:
        product *= uniform()
        count += 1
    return count


def _poisson_by_rejection(uniform: Uniform, rate: float) -> int:
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    log_inverse_alpha, log_rate = math.log(1.1239 + 1.1328 / (b - 3.4)), math.log(rate)
    surely = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = uniform() - 0.5, uniform()
        edge = 0.5 - abs(u)
        k = _whole((2 * a / edge + b) * u + rate + 0.43 if edge else -math.inf)
        if edge >= 0.07 and v <= surely:
            return k
        if k < 0 or (edge < 0.013 and v > edge):
            continue
        accepted = _log(v) + log_inverse_alpha - math.log(a / (edge * edge) + b)
        if accepted <= -rate + k * log_rate - _log_factorial(k):
            return k


def _whole(x: float) -> int:
    """⌊x⌋ as an int64."""
    return math.floor(x) if -(2.0**63) <= x < 2.0**63 else NO_INTEGER


def _log(x: float) -> float:
    return math.log(x) if x else -math.inf


# The series of ln Γ(x) for x ≥ 8, as the C library has it from Sun's fdlibm; Python's own differs in the last bits.
_STIRLING = (
    -1.63092934096575273989e-03, 8.36339918996282139126e-04, -5.95187557450339963135e-04,
    7.93650558643019558500e-04, -2.77777777728775536470e-03, 8.33333333333329678849e-02, 4.18938533204672725052e-01,
)  # fmt: skip


def _log_factorial(k: int) -> float:
    """ln k!"""
    x = float(k) + 1
    if x < 8:
        return math.log(math.factorial(k))
    if x >= 2.0**58:
        return x * (math.log(x) - 1)
    z = 1 / x
    y = z * z
    series = 0.0
    for coefficient in _STIRLING[:-2]:
        series = series * y + coefficient
    series = _STIRLING[-1] + z * (_STIRLING[-2] + y * series)
    return (x - 0.5) * (math.log(x) - 1) + series


def binomial(uniform: Uniform, count: Number, p: Number) -> Number:
    """How many of `count` tries succeed if each does with probability p; all three in one dtype."""
    kind = type(count)
    if count <= 0 or p <= 0:
        return kind(0)
    if p >= 1:
        return count
    if np.isnan(p):
        return kind(np.nan)
    rare = p if p <= 0.5 else kind(1 - float(p))
    draw = _binomial_by_rejection if count * rare >= FEW else _binomial_by_waiting
    found = draw(uniform, count, rare)
    return found if p <= 0.5 else count - found


def _binomial_by_waiting(uniform: Uniform, count: Number, p: Number) -> Number:
    """The successes whose waiting times, which are geometric numbers, fit into `count` tries."""
    waited, found, kind = 0.0, 0, type(count)
    log_failure = float(kind(math.log1p(-float(p))))
    while True:
        waited += np.ceil(_log(uniform()) / log_failure)
        if waited > count:
            return kind(found)
        found += 1


def _binomial_by_rejection(uniform: Uniform, count: Number, p: Number) -> Number:
    kind = type(count)
    one, n = kind(1), float(count)
    deviation = float(np.sqrt(count * p * (one - p)))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * float(p)
    centre = float(count * p) + 0.5
    surely = 0.92 - 4.2 / b
    odds = float(p / (one - p))
    alpha = (2.83 + 5.1 / b) * deviation
    mode = float(np.floor((count + one) * p))
    while True:
        u, v = uniform() - 0.5, uniform()
        edge = 0.5 - abs(u)
        k = kind(np.floor((2 * a / edge + b) * u + centre) if edge else -np.inf)
        if k < 0 or k > count:
            continue
        if edge >= 0.07 and v <= surely:
            return k
        failures, tries, successes = float(count - k + one), float(count + one), float(k + one)
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (n - mode + 1)))
            + tries * math.log((n - mode + 1) / failures)
            + (float(k) + 0.5) * math.log(odds * failures / successes)
            + _stirling_rest(mode)
            + _stirling_rest(n - mode)
            - _stirling_rest(float(k))
            - _stirling_rest(float(count - k))
        )
        if _log(v * alpha / (a / (edge * edge) + b)) <= bound:
            return k


# ln k! less Stirling's approximation, for small k.
_RESTS = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _stirling_rest(k: float) -> float:
    if k < len(_RESTS):
        return _RESTS[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
