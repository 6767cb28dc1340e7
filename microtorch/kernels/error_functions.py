"""The error function, its complement and its inverse, which numpy does not have.

They are those of Sun's FDLIBM (s_erf.c, 1993): a rational function for every stretch of the axis, below one unit in the
last place in float64; other dtypes are computed in float64 and rounded. `erf` in float32, which `gelu` calls, is one
rational function, fitted for it. torch has them from its vendor's library, about as accurate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .approximation import Array, Stretch, in_float64, piecewise, polynomial

ERF_1 = 8.45062911510467529297e-01  # erf(1) with 24 bits


def _erf_ratio(x: Array) -> Array:
    """erf(x)/x − 1 for |x| < 0.84375."""
    z = x * x
    return polynomial(
        z, 1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
        -5.77027029648944159157e-03, -2.37630166566501626084e-05,
    ) / polynomial(
        z, 1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03,
        1.32494738004321644526e-04, -3.96022827877536812320e-06,
    )  # fmt: skip


def _erf_near_1(x: Array) -> Array:
    """erf(x) − ERF_1 for 0.84375 ≤ x < 1.25."""
    s = x - 1
    return polynomial(
        s, -2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01,
        3.18346619901161753674e-01, -1.10894694282396677476e-01, 3.54783043256182359371e-02,
        -2.16637559486879084300e-03,
    ) / polynomial(
        s, 1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02,
        1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02,
    )  # fmt: skip


def _tail(x: Array, ratio: Callable[[Array], Array]) -> Array:
    """erfc(x) = exp(−x² − 0.5625 + R(1/x²))/x; the square of a rounded x is exact, the rest a factor of its own."""
    z = (x.view(np.int64) & -(1 << 32)).view(np.float64)
    return np.exp(-z * z - 0.5625) * np.exp((z - x) * (z + x) + ratio(1 / (x * x))) / x


def _near_ratio(s: Array) -> Array:
    return polynomial(
        s, -9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e01,
        -6.23753324503260060396e01, -1.62396669462573470355e02, -1.84605092906711035994e02,
        -8.12874355063065934246e01, -9.81432934416914548592e00,
    ) / polynomial(
        s, 1.0, 1.96512716674392571292e01, 1.37657754143519042600e02, 4.34565877475229228821e02,
        6.45387271733267880336e02, 4.29008140027567833386e02, 1.08635005541779435134e02,
        6.57024977031928170135e00, -6.04244152148580987438e-02,
    )  # fmt: skip


def _far_ratio(s: Array) -> Array:
    return polynomial(
        s, -9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e01,
        -1.60636384855821916062e02, -6.37566443368389627722e02, -1.02509513161107724954e03,
        -4.83519191608651397019e02,
    ) / polynomial(
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


_CHUNK = 16384  # elements, whose intermediate arrays fit into the processor's cache


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
        room = np.empty((4, min(x.size, _CHUNK)))
        for piece, result in pieces:
            near, square, above, below = room[:, : piece.size]
            np.clip(piece, -4, 4, out=near)
            np.multiply(near, near, square)
            np.divide(_horner(square, _ABOVE, above), _horner(square, _BELOW, below), above)
            np.multiply(near, above, result)
        return np.asarray(pieces.operands[1])


def _horner(x: Array, coefficients: Sequence[Array], total: Array) -> Array:
    """`polynomial`, written to `total`."""
    np.multiply(x, coefficients[-1], total)
    for c in coefficients[-2:0:-1]:
        np.multiply(np.add(total, c, total), x, total)
    return np.add(total, coefficients[0], total)


# The numerator and the denominator of erf(x)/x for z = x² ≤ 16; least largest relative error, found by Lawson's weights
# in numbers of 40 digits.
_ABOVE, _BELOW = (
    list(map(np.array, coefficients))
    for coefficients in (
        [1.12837916708626788, 2.00342658318978632e-01, 5.81180966579778916e-02, 4.96207748434120186e-03,
         5.13030438313960246e-04, 2.17858600331191678e-05, 7.52720610161526608e-07, 3.00448720886780012e-09],
        [1.0, 5.10882391022215405e-01, 1.21799956167956352e-01, 1.77187841531079250e-02,
         1.71518656369661572e-03, 1.11511363019847386e-04, 4.51873374520358474e-06, 7.32923936754330814e-08],
    )
)  # fmt: skip


@in_float64
def _erf_double(x: Array) -> Array:
    size = np.abs(x)
    stretches: list[Stretch] = [
        *[(where, _from(1, tail)) for where, tail in _tails(size, 6)],
        (size < 0.84375, lambda x: x + x * _erf_ratio(x)),
        ((size >= 0.84375) & (size < 1.25), lambda x: ERF_1 + _erf_near_1(x)),
        (size >= 6, np.ones_like),
    ]
    return np.copysign(piecewise(size, stretches), x)


@in_float64
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
    return piecewise(x, stretches)


def erfinv(y: Array) -> Array:
    """x with erf(x) = y: G. L. Pavlis's rational approximation, made precise by two of Halley's steps."""
    wide = np.positive(y, dtype=np.float64)
    size = np.abs(wide)

    def middle(y: Array) -> Array:
        z = y * y
        above = polynomial(z, 0.886226899, -1.645349621, 0.914624893, -0.140543331)
        return y * above / polynomial(z, 1.0, -2.118377725, 1.442710462, -0.329097515, 0.012229801)

    def outside(y: Array) -> Array:
        z = np.sqrt(-np.log((1 - np.abs(y)) / 2))
        above = polynomial(z, -1.970840454, -1.624906493, 3.429567803, 1.641345311)
        return np.copysign(above, y) / polynomial(z, 1.0, 3.543889200, 1.637067800)

    x: Array = piecewise(wide, [(size <= 0.7, middle), ((size > 0.7) & (size < 1), outside)])
    for _ in range(2):
        error = np.where(size < 0.5, erf(x) - wide, np.sign(wide) * ((1 - size) - erfc(np.abs(x))))
        step = error / (2 / np.sqrt(np.pi) * np.exp(-x * x))
        x = x - step / (1 + x * step)
    found: Array = np.where(size == 1, np.copysign(np.inf, wide), x)
    return found.astype(y.dtype, copy=False)
