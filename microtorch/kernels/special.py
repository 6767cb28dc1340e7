"""Special functions, which numpy does not have.

The error functions and the logarithm of Γ are those of Sun's FDLIBM (s_erf.c, e_lgamma_r.c, 1993): a rational function
for every stretch of the axis, below one unit in the last place in float64; other dtypes are computed in float64 and
rounded. The error function of these, which `gelu` calls, is one rational function, fitted for it. torch has them from
its vendor's library, about as accurate. The others are those that torch computes itself, after S. L. Moshier's Cephes,
in the dtype of the argument and in the same order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .fused import fma

Array = Any  # a numpy array, or the numpy scalar that a 0-d operation returns
Stretch = tuple[Array, Callable[[Array], Array]]  # where a formula holds, and the formula


def _piecewise(x: Array, stretches: Sequence[Stretch]) -> Array:
    """Each formula where it holds, elsewhere nan; laid out as numpy's own functions would."""
    x = np.asarray(x)
    result = np.asarray(x * x.dtype.type(np.nan))
    for where, formula in stretches:
        if where.any():
            result[where] = formula(x[where])
    return result


def _in_float64(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The function computed in float64 and rounded to the dtype of its argument."""

    @functools.wraps(function)
    def rounded(x: Array) -> Array:
        wide = np.positive(x, dtype=np.float64)  # laid out as other functions' results, which a conversion is not
        return np.asarray(function(wide)).astype(x.dtype, copy=False)

    return rounded


def _polynomial(x: Array, *coefficients: float) -> Array:
    """c₀ + c₁x + c₂x² + …, by Horner's scheme."""
    total: Array = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = c + x * total
    return total


def _correct(function: Callable[..., Array], x: Array) -> Array:
    """A function of numpy's in float64, rounded to the dtype of x: numpy's own of float32 is less precise than C's."""
    return function(x, dtype=np.float64).astype(x.dtype, copy=False)


# -- the error function ------------------------------------------------------------------------------------------------

ERF_1 = 8.45062911510467529297e-01  # erf(1) with 24 bits


def _erf_ratio(x: Array) -> Array:
    """erf(x)/x − 1 for |x| < 0.84375."""
    z = x * x
    return _polynomial(
        z, 1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
        -5.77027029648944159157e-03, -2.37630166566501626084e-05,
    ) / _polynomial(
        z, 1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03,
        1.32494738004321644526e-04, -3.96022827877536812320e-06,
    )  # fmt: skip


def _erf_near_1(x: Array) -> Array:
    """erf(x) − ERF_1 for 0.84375 ≤ x < 1.25."""
    s = x - 1
    return _polynomial(
        s, -2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01,
        3.18346619901161753674e-01, -1.10894694282396677476e-01, 3.54783043256182359371e-02,
        -2.16637559486879084300e-03,
    ) / _polynomial(
        s, 1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02,
        1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02,
    )  # fmt: skip


def _tail(x: Array, ratio: Callable[[Array], Array]) -> Array:
    """erfc(x) = exp(−x² − 0.5625 + R(1/x²))/x; the square of a rounded x is exact, the rest a factor of its own."""
    z = (x.view(np.int64) & -(1 << 32)).view(np.float64)
    return np.exp(-z * z - 0.5625) * np.exp((z - x) * (z + x) + ratio(1 / (x * x))) / x


def _near_ratio(s: Array) -> Array:
    return _polynomial(
        s, -9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e01,
        -6.23753324503260060396e01, -1.62396669462573470355e02, -1.84605092906711035994e02,
        -8.12874355063065934246e01, -9.81432934416914548592e00,
    ) / _polynomial(
        s, 1.0, 1.96512716674392571292e01, 1.37657754143519042600e02, 4.34565877475229228821e02,
        6.45387271733267880336e02, 4.29008140027567833386e02, 1.08635005541779435134e02,
        6.57024977031928170135e00, -6.04244152148580987438e-02,
    )  # fmt: skip


def _far_ratio(s: Array) -> Array:
    return _polynomial(
        s, -9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e01,
        -1.60636384855821916062e02, -6.37566443368389627722e02, -1.02509513161107724954e03,
        -4.83519191608651397019e02,
    ) / _polynomial(
        s, 1.0, 3.03380607434824582924e01, 3.25792512996573918826e02, 1.53672958608443695994e03,
        3.19985821950859553908e03, 2.55305040643316442583e03, 4.74528541206955367215e02,
        -2.24409524465858183362e01,
    )  # fmt: skip


def _tails(x: Array, end: float) -> list[Stretch]:
    """erfc from 1.25 to `end`."""
    middle = 1 / 0.35
    near, far = (x >= 1.25) & (x < middle), (x >= middle) & (x < end)
    return [(near, lambda x: _tail(x, _near_ratio)), (far, lambda x: _tail(x, _far_ratio))]


def _from(whole: float, part: Callable[..., Array]) -> Callable[[Array], Array]:
    """What a function leaves of a number."""
    return lambda x: whole - part(x)


def erf(x: Array) -> Array:
    """2/√π·∫₀ˣ exp(−t²)dt."""
    return _erf_single(x) if x.dtype.char in "ef" else _erf_double(x)


_CHUNK = 8192  # elements, whose intermediate arrays fit into the processor's cache


def _erf_single(x: Array) -> Array:
    """erf for float32 and float16, one quotient for the whole axis, within 9·10⁻¹²; beyond 4 it is 1 there."""
    with np.nditer(
        [x, None],
        ["external_loop", "buffered", "zerosize_ok"],
        [["readonly"], ["writeonly", "allocate"]],
        op_dtypes=[np.float64, x.dtype],
        casting="same_kind",
        buffersize=_CHUNK,
    ) as pieces:
        for piece, result in pieces:
            near = np.clip(piece, -4, 4)
            result[...] = near * _erf_quotient(near * near)
        return np.asarray(pieces.operands[1])


def _erf_quotient(z: Array) -> Array:
    """erf(x)/x for z = x² ≤ 16; least largest relative error, found by Lawson's weights in numbers of 40 digits."""
    return _polynomial(
        z, 1.12837916708626788, 2.00342658318978632e-01, 5.81180966579778916e-02, 4.96207748434120186e-03,
        5.13030438313960246e-04, 2.17858600331191678e-05, 7.52720610161526608e-07, 3.00448720886780012e-09,
    ) / _polynomial(
        z, 1.0, 5.10882391022215405e-01, 1.21799956167956352e-01, 1.77187841531079250e-02,
        1.71518656369661572e-03, 1.11511363019847386e-04, 4.51873374520358474e-06, 7.32923936754330814e-08,
    )  # fmt: skip


@_in_float64
def _erf_double(x: Array) -> Array:
    size = np.abs(x)
    stretches: list[Stretch] = [
        *[(where, _from(1, tail)) for where, tail in _tails(size, 6)],
        (size < 0.84375, lambda x: x + x * _erf_ratio(x)),
        ((size >= 0.84375) & (size < 1.25), lambda x: ERF_1 + _erf_near_1(x)),
        (size >= 6, np.ones_like),
    ]
    return np.copysign(_piecewise(size, stretches), x)


@_in_float64
def erfc(x: Array) -> Array:
    """1 − erf(x), exact where it is small."""
    size = np.abs(x)
    negative, near_1 = x < 0, (size >= 0.84375) & (size < 1.25)
    stretches: list[Stretch] = [
        ((size < 0.84375) & (x < 0.25), lambda x: 1 - (x + x * _erf_ratio(x))),
        ((x >= 0.25) & (x < 0.84375), lambda x: 0.5 - (x * _erf_ratio(x) + (x - 0.5))),
        (near_1 & ~negative, lambda x: (1 - ERF_1) - _erf_near_1(x)),
        (near_1 & negative, lambda x: 1 + (ERF_1 + _erf_near_1(-x))),
        (x >= 28, np.zeros_like),
        (x <= -6, lambda x: np.full_like(x, 2)),
        *_tails(x, 28),
        *[(where, _from(2, lambda x, tail=tail: tail(-x))) for where, tail in _tails(-x, 6)],
    ]
    return _piecewise(x, stretches)


def erfinv(y: Array) -> Array:
    """x with erf(x) = y: G. L. Pavlis's rational approximation, made precise by two of Halley's steps."""
    wide = np.positive(y, dtype=np.float64)
    size = np.abs(wide)

    def middle(y: Array) -> Array:
        z = y * y
        above = _polynomial(z, 0.886226899, -1.645349621, 0.914624893, -0.140543331)
        return y * above / _polynomial(z, 1.0, -2.118377725, 1.442710462, -0.329097515, 0.012229801)

    def outside(y: Array) -> Array:
        z = np.sqrt(-np.log((1 - np.abs(y)) / 2))
        above = _polynomial(z, -1.970840454, -1.624906493, 3.429567803, 1.641345311)
        return np.copysign(above, y) / _polynomial(z, 1.0, 3.543889200, 1.637067800)

    x: Array = _piecewise(wide, [(size <= 0.7, middle), ((size > 0.7) & (size < 1), outside)])
    for _ in range(2):
        error = np.where(size < 0.5, erf(x) - wide, np.sign(wide) * ((1 - size) - erfc(np.abs(x))))
        step = error / (2 / np.sqrt(np.pi) * np.exp(-x * x))
        x = x - step / (1 + x * step)
    found: Array = np.where(size == 1, np.copysign(np.inf, wide), x)
    return found.astype(y.dtype, copy=False)


# -- the gamma function ------------------------------------------------------------------------------------------------

LEAST, LOWEST = 1.46163214496836224576, -1.21486290535849611461e-01  # where ln Γ is least on the right, and its value
LOWEST_TAIL = -3.63867699703950536541e-18


def _lgamma_below_2(y: Array) -> Array:
    """ln Γ(2 − y) for y near 0."""
    z = y * y
    even = _polynomial(
        z, 7.72156649015328655494e-02, 6.73523010531292681824e-02, 7.38555086081402883957e-03,
        1.19270763183362067845e-03, 2.20862790713908385557e-04, 2.52144565451257326939e-05,
    )  # fmt: skip
    odd = _polynomial(
        z, 3.22467033424113591611e-01, 2.05808084325167332806e-02, 2.89051383673415629091e-03,
        5.10069792153511336608e-04, 1.08011567247583939954e-04, 4.48640949618915160150e-05,
    )  # fmt: skip
    return y * even + z * odd - 0.5 * y


def _lgamma_around_least(y: Array) -> Array:
    """ln Γ(LEAST + y) for y near 0."""
    z = y * y
    w = z * y
    p1 = _polynomial(
        w, 4.83836122723810047042e-01, -3.27885410759859649565e-02, 6.10053870246291332635e-03,
        -1.40346469989232843813e-03, 3.15632070903625950361e-04,
    )  # fmt: skip
    p2 = _polynomial(
        w, -1.47587722994593911752e-01, 1.79706750811820387126e-02, -3.68452016781138256760e-03,
        8.81081882437654011382e-04, -3.12754168375120860518e-04,
    )  # fmt: skip
    p3 = _polynomial(
        w, 6.46249402391333854778e-02, -1.03142241298341437450e-02, 2.25964780900612472250e-03,
        -5.38595305356740546715e-04, 3.35529192635519073543e-04,
    )  # fmt: skip
    return LOWEST + (z * p1 - (LOWEST_TAIL - w * (p2 + y * p3)))


def _lgamma_above_1(y: Array) -> Array:
    """ln Γ(1 + y) for y near 0."""
    return -0.5 * y + y * _polynomial(
        y, -7.72156649015328655494e-02, 6.32827064025093366517e-01, 1.45492250137234768737e00,
        9.77717527963372745603e-01, 2.28963728064692451092e-01, 1.33810918536787660377e-02,
    ) / _polynomial(
        y, 1.0, 2.45597793713041134822e00, 2.12848976379893395361e00, 7.69285150456672783825e-01,
        1.04222645593369134254e-01, 3.21709242282423911810e-03,
    )  # fmt: skip


def _lgamma_to_8(x: Array) -> Array:
    """ln Γ for 2 ≤ x < 8, from that in [2, 3)."""
    whole = np.floor(x)
    y = x - whole
    result = 0.5 * y + y * _polynomial(
        y, -7.72156649015328655494e-02, 2.14982415960608852501e-01, 3.25778796408930981787e-01,
        1.46350472652464452805e-01, 2.66422703033638609560e-02, 1.84028451407337715652e-03,
        3.19475326584100867617e-05,
    ) / _polynomial(
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
    w = 4.18938533204672725052e-01 + z * _polynomial(
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


@_in_float64
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
    return _piecewise(x, stretches)


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
        z == 10, total + x.dtype.type(2.25175258906672110764), total + _correct(np.log, z) - one / 2 / z - series
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


# -- Bessel functions --------------------------------------------------------------------------------------------------

I0_SMALL = (
    -4.41534164647933937950e-18, 3.33079451882223809783e-17, -2.43127984654795469359e-16, 1.71539128555513303061e-15,
    -1.16853328779934516808e-14, 7.67618549860493561688e-14, -4.85644678311192946090e-13, 2.95505266312963983461e-12,
    -1.72682629144155570723e-11, 9.67580903537323691224e-11, -5.18979560163526290666e-10, 2.65982372468238665035e-9,
    -1.30002500998624804212e-8, 6.04699502254191894932e-8, -2.67079385394061173391e-7, 1.11738753912010371815e-6,
    -4.41673835845875056359e-6, 1.64484480707288970893e-5, -5.75419501008210370398e-5, 1.88502885095841655729e-4,
    -5.76375574538582365885e-4, 1.63947561694133579842e-3, -4.32430999505057594430e-3, 1.05464603945949983183e-2,
    -2.37374148058994688156e-2, 4.93052842396707084878e-2, -9.49010970480476444210e-2, 1.71620901522208775349e-1,
    -3.04682672343198398683e-1, 6.76795274409476084995e-1,
)  # fmt: skip
I0_LARGE = (
    -7.23318048787475395456e-18, -4.83050448594418207126e-18, 4.46562142029675999901e-17, 3.46122286769746109310e-17,
    -2.82762398051658348494e-16, -3.42548561967721913462e-16, 1.77256013305652638360e-15, 3.81168066935262242075e-15,
    -9.55484669882830764870e-15, -4.15056934728722208663e-14, 1.54008621752140982691e-14, 3.85277838274214270114e-13,
    7.18012445138366623367e-13, -1.79417853150680611778e-12, -1.32158118404477131188e-11, -3.14991652796324136454e-11,
    1.18891471078464383424e-11, 4.94060238822496958910e-10, 3.39623202570838634515e-9, 2.26666899049817806459e-8,
    2.04891858946906374183e-7, 2.89137052083475648297e-6, 6.88975834691682398426e-5, 3.36911647825569408990e-3,
    8.04490411014108831608e-1,
)  # fmt: skip
I1_SMALL = (
    2.77791411276104639959e-18, -2.11142121435816608115e-17, 1.55363195773620046921e-16, -1.10559694773538630805e-15,
    7.60068429473540693410e-15, -5.04218550472791168711e-14, 3.22379336594557470981e-13, -1.98397439776494371520e-12,
    1.17361862988909016308e-11, -6.66348972350202774223e-11, 3.62559028155211703701e-10, -1.88724975172282928790e-9,
    9.38153738649577178388e-9, -4.44505912879632808065e-8, 2.00329475355213526229e-7, -8.56872026469545474066e-7,
    3.47025130813767847674e-6, -1.32731636560394358279e-5, 4.78156510755005422638e-5, -1.61760815825896745588e-4,
    5.12285956168575772895e-4, -1.51357245063125314899e-3, 4.15642294431288815669e-3, -1.05640848946261981558e-2,
    2.47264490306265168283e-2, -5.29459812080949914269e-2, 1.02643658689847095384e-1, -1.76416518357834055153e-1,
    2.52587186443633654823e-1,
)  # fmt: skip
I1_LARGE = (
    7.51729631084210481353e-18, 4.41434832307170791151e-18, -4.65030536848935832153e-17, -3.20952592199342395980e-17,
    2.96262899764595013876e-16, 3.30820231092092828324e-16, -1.88035477551078244854e-15, -3.81440307243700780478e-15,
    1.04202769841288027642e-14, 4.27244001671195135429e-14, -2.10154184277266431302e-14, -4.08355111109219731823e-13,
    -7.19855177624590851209e-13, 2.03562854414708950722e-12, 1.41258074366137813316e-11, 3.25260358301548823856e-11,
    -1.89749581235054123450e-11, -5.58974346219658380687e-10, -3.83538038596423702205e-9, -2.63146884688951950684e-8,
    -2.51223623787020892529e-7, -3.88256480887769039346e-6, -1.10588938762623716291e-4, -9.76109749136146840777e-3,
    7.78576235018280120474e-1,
)  # fmt: skip


def _chebyshev(x: Array, coefficients: Sequence[float]) -> Array:
    """Σ′ cₖ·Tₙ₋ₖ(x/2), the last by half, by Clenshaw's recurrence."""
    b0, b1, b2 = np.full_like(x, coefficients[0]), np.zeros_like(x), np.zeros_like(x)
    for c in coefficients[1:]:
        b0, b1, b2 = fma(x, b0, -b1) + x.dtype.type(c), b0, b1
    return x.dtype.type(0.5) * (b0 - b2)


def _bessel(x: Array, small: Sequence[float], large: Sequence[float], scaled: bool, odd: bool) -> Array:
    """I₀ or I₁ for x ≥ 0, without the factor eˣ if `scaled`, from the series up to 8 and the one beyond."""
    growth = np.ones_like(x) if scaled else _correct(np.exp, x)
    near = np.minimum(x, x.dtype.type(8))
    first = (growth * near if odd else growth) * _chebyshev(near / 2 - 2, small)
    far = np.maximum(x, x.dtype.type(8))
    return np.where(x <= 8, first, growth * _chebyshev(32 / far - 2, large) / np.sqrt(far))


def i0(x: Array) -> Array:
    """The modified Bessel function I₀."""
    return _bessel(np.abs(x), I0_SMALL, I0_LARGE, scaled=False, odd=False)


def i0e(x: Array) -> Array:
    """e⁻|ˣ|·I₀(x)."""
    return _bessel(np.abs(x), I0_SMALL, I0_LARGE, scaled=True, odd=False)


def _i1(x: Array, scaled: bool) -> Array:
    few = x.dtype == np.float32  # for which torch takes as many terms as its digits need
    small, large = (I1_SMALL[-17:], I1_LARGE[-7:]) if few else (I1_SMALL, I1_LARGE)
    size = _bessel(np.abs(x), small, large, scaled, odd=True)
    return np.where(x < 0, -size, size)


def i1(x: Array) -> Array:
    """The modified Bessel function I₁, the derivative of I₀."""
    return _i1(x, scaled=False)


def i1e(x: Array) -> Array:
    """e⁻|ˣ|·I₁(x)."""
    return _i1(x, scaled=True)
