"""The gamma function's logarithm and that one's derivatives, and Hurwitz's zeta function.

`lgamma` is that of Sun's FDLIBM (e_lgamma_r.c, 1993), below one unit in the last place in float64; other dtypes are
computed in float64 and rounded; torch has it from its vendor's library. The others are those that torch computes itself,
after S. L. Moshier's Cephes, in the dtype of the argument and in the same order.
"""

from __future__ import annotations

import numpy as np

from .approximation import Array, correctly, in_float64, piecewise, polynomial

LEAST, LOWEST = 1.46163214496836224576, -1.21486290535849611461e-01  # where ln Γ is least on the right, and its value
LOWEST_TAIL = -3.63867699703950536541e-18


def _lgamma_below_2(y: Array) -> Array:
    """ln Γ(2 − y) for y near 0."""
    z = y * y
    even = polynomial(
        z, 7.72156649015328655494e-02, 6.73523010531292681824e-02, 7.38555086081402883957e-03,
        1.19270763183362067845e-03, 2.20862790713908385557e-04, 2.52144565451257326939e-05,
    )  # fmt: skip
    odd = polynomial(
        z, 3.22467033424113591611e-01, 2.05808084325167332806e-02, 2.89051383673415629091e-03,
        5.10069792153511336608e-04, 1.08011567247583939954e-04, 4.48640949618915160150e-05,
    )  # fmt: skip
    return y * even + z * odd - 0.5 * y


def _lgamma_around_least(y: Array) -> Array:
    """ln Γ(LEAST + y) for y near 0."""
    z = y * y
    w = z * y
    p1 = polynomial(
        w, 4.83836122723810047042e-01, -3.27885410759859649565e-02, 6.10053870246291332635e-03,
        -1.40346469989232843813e-03, 3.15632070903625950361e-04,
    )  # fmt: skip
    p2 = polynomial(
        w, -1.47587722994593911752e-01, 1.79706750811820387126e-02, -3.68452016781138256760e-03,
        8.81081882437654011382e-04, -3.12754168375120860518e-04,
    )  # fmt: skip
    p3 = polynomial(
        w, 6.46249402391333854778e-02, -1.03142241298341437450e-02, 2.25964780900612472250e-03,
        -5.38595305356740546715e-04, 3.35529192635519073543e-04,
    )  # fmt: skip
    return LOWEST + (z * p1 - (LOWEST_TAIL - w * (p2 + y * p3)))


def _lgamma_above_1(y: Array) -> Array:
    """ln Γ(1 + y) for y near 0."""
    return -0.5 * y + y * polynomial(
        y, -7.72156649015328655494e-02, 6.32827064025093366517e-01, 1.45492250137234768737e00,
        9.77717527963372745603e-01, 2.28963728064692451092e-01, 1.33810918536787660377e-02,
    ) / polynomial(
        y, 1.0, 2.45597793713041134822e00, 2.12848976379893395361e00, 7.69285150456672783825e-01,
        1.04222645593369134254e-01, 3.21709242282423911810e-03,
    )  # fmt: skip


def _lgamma_to_8(x: Array) -> Array:
    """ln Γ for 2 ≤ x < 8, from that in [2, 3)."""
    whole = np.floor(x)
    y = x - whole
    result = 0.5 * y + y * polynomial(
        y, -7.72156649015328655494e-02, 2.14982415960608852501e-01, 3.25778796408930981787e-01,
        1.46350472652464452805e-01, 2.66422703033638609560e-02, 1.84028451407337715652e-03,
        3.19475326584100867617e-05,
    ) / polynomial(
        y, 1.0, 1.39200533467621045958e00, 7.21935547567138069525e-01, 1.71933865632803078993e-01,
        1.86459191715652901344e-02, 7.77942496381893596434e-04, 7.32668430744625636189e-06,
    )  # fmt: skip
    factor = np.ones_like(y)
    for k in (6, 5, 4, 3, 2):
        factor = np.where(whole > k, factor * (y + k), factor)
    return result + np.log(factor)


def _lgamma_from_8(x: Array) -> Array:
    """ln Γ by Stirling's series."""
    z = 1 / x
    w = 4.18938533204672725052e-01 + z * polynomial(
        z * z, 8.33333333333329678849e-02, -2.77777777728775536470e-03, 7.93650558643019558500e-04,
        -5.95187557450339963135e-04, 8.36339918996282139126e-04, -1.63092934096575273989e-03,
    )  # fmt: skip
    return (x - 0.5) * (np.log(x) - 1) + w


def _lgamma_to_2(x: Array) -> Array:
    """ln Γ for 0 < x < 2; up to 0.9 from Γ(x + 1) = x·Γ(x)."""
    below = x <= 0.9
    one = np.where(below, 0.0, 1.0)
    result: Array = np.where(x < one + 0.2316321, _lgamma_above_1(x - one), _lgamma_around_least(x - (LEAST - 1 + one)))
    result = np.where(x < one + 0.7316321, result, _lgamma_below_2(1 + one - x))
    return np.where(below, result - np.log(x), result)


def _lgamma_reflected(x: Array) -> Array:
    """ln |Γ| for x < 0, from Γ(x)·Γ(−x) = −π/(x·sin πx)."""
    sine = np.sin(np.pi * np.abs(x - np.rint(x)))
    return np.log(np.pi / np.abs(sine * x)) - lgamma(-x)


@in_float64
def lgamma(x: Array) -> Array:
    """ln |Γ(x)|; infinite at 0 and the negative integers, where Γ has its poles."""
    tiny = np.abs(x) < 2.0**-70
    pole = (x <= 0) & (x == np.rint(x))
    stretches = [
        (tiny, lambda x: -np.log(np.abs(x))),
        ((x > 0) & (x < 2) & ~tiny, _lgamma_to_2),
        ((x >= 2) & (x < 8), _lgamma_to_8),
        ((x >= 8) & (x < np.inf), _lgamma_from_8),
        ((x < 0) & ~pole & ~tiny, _lgamma_reflected),
        (pole | np.isinf(x), lambda x: np.full_like(x, np.inf)),
    ]
    return piecewise(x, stretches)


def digamma(x: Array) -> Array:
    """(ln Γ)′: from x ≥ 10 by its asymptotic series, below by ψ(x + 1) = ψ(x) + 1/x, for x < 0 by reflection."""
    one = x.dtype.type(1)
    reflected = x < 0
    whole = np.trunc(x)
    z: Array = np.where(reflected, one - x, x)
    total: Array = np.zeros_like(z)
    for _ in range(10):
        small = z < 10
        total = np.where(small, total - one / z, total)
        z = np.where(small, z + one, z)
    w = one / (z * z)
    series = np.zeros_like(z)
    for c in (1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12):
        series = series * w + x.dtype.type(c)
    series = np.where(z < 1e17, w * series, 0)
    result = np.where(
        z == 10, total + x.dtype.type(2.25175258906672110764), total + correctly(np.log, z) - one / 2 / z - series
    )
    rest = (x - whole).astype(np.float64)
    result = np.where(reflected, result - (np.pi / np.tan(np.pi * rest)).astype(x.dtype), result)
    result = np.where(reflected & (x == whole), np.nan, result)
    return np.where(x == 0, np.copysign(np.inf, -x), result).astype(x.dtype, copy=False)


def trigamma(x: Array) -> Array:
    """(ln Γ)″: by its asymptotic series after six steps of ψ′(x + 1) = ψ′(x) − 1/x², for x < ½ by reflection."""
    kind = x.dtype.type
    one, pi = kind(1), kind(np.pi)
    reflected = x < 0.5
    sine = np.sin(pi * x)
    total: Array = np.where(reflected, -(pi * pi) / (sine * sine), kind(0))
    z: Array = np.where(reflected, one - x, x)
    for _ in range(6):
        total = total + one / (z * z)
        z = z + one
    w = one / (z * z)
    series = one + one / (2 * z) + w * (kind(1 / 6) - w * (kind(1 / 30) - w * kind(1 / 42)))
    total = total + series / z
    return np.where(reflected, -total, total)


def polygamma(n: int, x: Array) -> Array:
    """The nth derivative of digamma."""
    if n == 0:
        return digamma(x)
    if n == 1:
        return trigamma(x)
    factorial = np.exp(lgamma(np.asarray(n + 1, x.dtype))).astype(x.dtype)
    return (factorial if n % 2 else -factorial) * zeta(np.asarray(n + 1, x.dtype), x)


ZETA = (
    12.0, -720.0, 30240.0, -1209600.0, 47900160.0, -1.8924375803183791606e9, 7.47242496e10, -2.950130727918164224e12,
    1.1646782814350067249e14, -4.5979787224074726105e15, 1.8152105401943546773e17, -7.1661652561756670113e18,
)  # fmt: skip
EPSILON = 2.0**-53


def zeta(x: Array, q: Array) -> Array:
    """Hurwitz's Σ 1/(k + q)ˣ over k ≥ 0: the first terms, and the rest by Euler and Maclaurin's formula."""
    dtype = np.result_type(x, q)
    shape = np.broadcast_shapes(np.shape(x), np.shape(q))
    x, q = (np.broadcast_to(v, shape).astype(np.float64).reshape(-1) for v in (x, q))
    pole = (q <= 0) & (q == np.floor(q))
    undefined = (x < 1) | ((q <= 0) & ~pole & (x != np.floor(x))) | np.isnan(x) | np.isnan(q)
    infinite = (x == 1) | (pole & ~undefined)
    total = np.where(undefined, np.nan, np.inf)
    rest = np.flatnonzero(~(undefined | infinite))
    x, a = x[rest], q[rest]
    sums = np.power(a, -x)
    i = 0
    b = sums
    while rest.size and (i < 9 or (a <= 9).any()):
        step = (a <= 9) | (i < 9)
        i += 1
        a = np.where(step, a + 1, a)
        b = np.where(step, np.power(a, -x), b)
        sums = np.where(step, sums + b, sums)
        rest, x, a, b, sums = _settle(total, rest, step & (np.abs(b) < EPSILON * sums), x, a, b, sums)
    w = a
    sums = sums + b * w / (x - 1) - 0.5 * b
    factor, k = np.ones_like(x), 0
    for divisor in ZETA:
        factor = factor * (x + k)
        b = b / w
        term = factor * b / divisor
        sums = sums + term
        rest, x, w, b, sums, factor = _settle(total, rest, np.abs(term / sums) < EPSILON, x, w, b, sums, factor)
        factor = factor * (x + k + 1)
        b = b / w
        k += 2
    total[rest] = sums
    return total.reshape(shape).astype(dtype)


def _settle(total: Array, rest: Array, done: Array, *columns: Array) -> tuple[Array, ...]:
    """Write the sums, fourth of the columns, that change no more to `total`; what is left of all columns."""
    total[rest[done]] = columns[3][done]
    return rest[~done], *[c[~done] for c in columns]
