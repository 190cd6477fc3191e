r"""Binomial tails and single probabilities by their uniform expansion: the digits of betainc, a tenth of its time.

With x = k/n, ``eps = x - p``, ``sigma**2 = n x (1 - x)`` and half the deviance ``r**2/2``, a tail of the count k is

.. math:: \bar\Phi(r) + S \varphi(r) g, \qquad S \varphi(r) / \sigma = P(X = k),

where S holds Stirling's corrections. Near the middle g is a series in ``1/sigma`` with polynomials of the skewness
``c = 1 - 2x`` as coefficients (integrals of ``phi(t) t**i``); further out it is the asymptotic series of the tail by
repeated integration by parts, less that of the normal tail. Both are Temme's expansion of the incomplete beta function,
written without a removable singularity.

References
----------
Temme (1982), SIAM Journal on Mathematical Analysis 13, 239-253: the uniform expansion; also NIST Digital Library of
Mathematical Functions, section 8.18(ii). Loader (2000), Fast and Accurate Computation of Binomial Probabilities.
Daniels (1987), International Statistical Review 55, 37-48: tails by saddlepoint. Cornish & Fisher (1937), Revue de
l'Institut International de Statistique 5, 307-320.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy

__all__ = ["LEAST", "binomial_chance", "binomial_tail", "tail_logit"]

FloatArray = npt.NDArray[np.float64]

LEAST = 20.0  # counts on both sides from which the expansion is right to 1e-10 of either tail
_NEAR = 1.25  # |r| below which the outer series loses digits to its poles
_LAST = 36.0  # r above which ndtr is about to lose digits to subnormal numbers
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
_SMALL = 16
# log k! less Stirling's formula, where the series for it has not converged
_STIRLING = np.array(
    [0.0] + [math.lgamma(k + 1.0) - (k + 0.5) * math.log(k) + k - math.log(_ROOT_TWO_PI) for k in range(1, _SMALL)]
)
# (1 - c y/2) R/y as a series in R, where R**2 = 2 * integral of y/(1 - c y - v y**2) and v = (1 - c**2)/4. Row i holds
# the coefficient of R**i, a polynomial in c: its powers i mod 2, i mod 2 + 2, ...
_INNER = (
    (-1 / 6,),
    (1 / 16, 1 / 48),
    (1 / 60, -1 / 540),
    (1 / 1536, 1 / 2304, 1 / 13824),
    (-1 / 3360, -1 / 15120, 1 / 90720),
    (-1 / 24576, -89 / 614400, 53 / 5529600, -139 / 49766400),
    (-1 / 40320, -1 / 72576, -1 / 1088640, 1 / 3265920),
    (-1 / 2621440, -33 / 22937600, -443 / 1238630400, 1 / 1114767360, -571 / 66886041600),
    (1 / 1419264, 23 / 19958400, -1 / 53222400, 1 / 51321600, -281 / 77598259200),
    (
        19 / 377487360, 145259 / 277453209600, 313793 / 1248539443200, 87491 / 11236854988800,
        -278461 / 67421129932800, 163879 / 202263389798400,
    ),
    (
        9 / 205004800, 3061 / 27675648000, 1 / 43929600, -361 / 373621248000, 8963 / 20175547392000,
        -5221 / 60526642176000,
    ),
    (
        79 / 253671505920, 6311 / 1953270595584, 239029 / 89690996736000, 4949029 / 9888432390144000,
        77989 / 39553729560576000, -656413 / 177991783022592000, 5246819 / 3203852094406656000,
    ),
)  # fmt: skip


def _horner(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    """Return the polynomial with rising powers of x; in place, as it is called on block after block."""
    out = np.full(x.size, coefficients[-1])
    for a in coefficients[-2::-1]:
        out *= x
        out += a
    return out


_ATANH = tuple(1.0 / (2 * i + 1) for i in range(1, 9))  # (artanh(w) - w) / w**3 in w**2, for |w| < 0.1


def _loss(k: FloatArray, mean: FloatArray, gap: FloatArray) -> FloatArray:
    """Return ``k log(k/mean) + mean - k`` from ``gap = k - mean`` with its own digits."""
    w = gap / (k + mean)
    square = w * w
    out = w * (gap + 2.0 * k * square * _horner(_ATANH, square))
    if (far := np.flatnonzero(square > 0.01)).size:
        out[far] = k[far] * np.log(k[far] / mean[far]) - gap[far]
    return out


def _half_deviance(k: FloatArray, m: FloatArray, p: FloatArray, q: FloatArray, gap: FloatArray) -> FloatArray:
    n = k + m
    return _loss(k, n * p, gap) + _loss(m, n * q, -gap)


def _stirling(k: FloatArray) -> FloatArray:
    inverse = 1.0 / np.maximum(k, _SMALL)
    out = inverse * _horner((1 / 12, -1 / 360, 1 / 1260, -1 / 1680), inverse * inverse)
    if (small := np.flatnonzero(k < _SMALL)).size:
        out[small] = _STIRLING[k[small].astype(np.intp)]
    return out


def binomial_chance(k: FloatArray, m: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """Return P(X = k) of k + m trials, k and m at least 1, ``q = 1 - p`` with its own digits: Loader (2000)."""
    n = k + m
    fit = _stirling(n) - _stirling(k) - _stirling(m) - _half_deviance(k, m, p, q, k * q - m * p)
    chance: FloatArray = np.exp(fit) * np.sqrt(n / (k * m)) / _ROOT_TWO_PI
    return chance


def _total_orders(k: FloatArray, m: FloatArray) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    """Return log(1/S), and the orders 0 to 5 in 1/n of 1/S, by Stirling's series."""
    a, b, d = 1.0 / k, 1.0 / m, 1.0 / (k + m)
    a2, b2, d2 = a * a, b * b, d * d
    l1 = (a + b - d) / 12.0
    a3, b3, d3 = a * a2, b * b2, d * d2
    l3 = (d3 - a3 - b3) / 360.0
    l5 = (a3 * a2 + b3 * b2 - d3 * d2) / 1260.0
    l7 = (d3 * d2 * d2 - a3 * a2 * a2 - b3 * b2 * b2) / 1680.0
    square = l1 * l1
    orders = (
        l1, 0.5 * square, square * l1 / 6.0 + l3, (square / 24.0) * square + l1 * l3,
        square * (square * l1 / 120.0 + 0.5 * l3) + l5,
    )  # fmt: skip
    return l1 + l3 + l5 + l7, orders


def _inner(r: FloatArray, c: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return g near the middle: sum of a_i(c) h_i(r) / sigma**i, ``h_i = r**(i - 1) + (i - 1) h_(i - 2)``."""
    s, square = 1.0 / sigma, c * c
    below, this = np.zeros(r.size), np.ones(r.size)  # h_(i - 2) and h_i
    before, power, scale = np.zeros(r.size), np.ones(r.size), s.copy()
    out = np.zeros(r.size)
    for i, row in enumerate(_INNER, 1):
        this = power + (i - 1) * below
        term = _horner(row, square) * this * scale
        out += term * c if i % 2 else term
        below, before = before, this
        power = power * r
        scale = scale * s
    return out


def _outer(
    r: FloatArray, c: FloatArray, z: FloatArray, y: FloatArray, spread: FloatArray, orders: tuple[FloatArray, ...]
) -> FloatArray:
    """Return g away from the middle: the tail's asymptotic series less the normal tail's, both to five orders.

    `spread` is ``w = p q / (x (1 - x)) = 1 - c y - v y**2``; the terms of the tail are Q_j(w) / y**(2j + 1) with
    ``Q_(j + 1) = w ((2j + 1) Q_j - y dQ_j/dy)``, polynomials in a = w, ``b = y w'`` and ``d = y**2 w''``.
    """
    a, cy = spread, c * y
    d = 2.0 * (a + cy - 1.0)
    b = d - cy
    ab, ad, bb = a * b, a * d, b * b
    aa = a * a
    q3 = 15.0 * aa - 10.0 * ab + ad + bb
    q4 = 105.0 * aa * a + ab * (25.0 * b - 105.0 * a) + ad * (15.0 * a - 4.0 * b) - bb * b
    q5 = aa * (945.0 * aa - 1260.0 * ab + 210.0 * ad + 490.0 * bb - 119.0 * b * d + 4.0 * d * d)
    q5 += bb * (bb - 56.0 * ab + 11.0 * ad)
    t = 1.0 / (z * z)
    tail = (1.0 - a * t * (1.0 - t * (3.0 * a - b - t * (q3 - t * (q4 - t * q5))))) / z
    t = 1.0 / (r * r)
    e1, e2, e3, e4, e5 = orders
    # each order of 1/S times the normal tail's series up to the order that is left: Horner over both
    normal = 1.0 + e1 + e2 + e3 + e4 + e5 - t * (
        1.0 + e1 + e2 + e3 + e4 - 3.0 * t * (
            1.0 + e1 + e2 + e3 - 5.0 * t * (1.0 + e1 + e2 - 7.0 * t * (1.0 + e1 - 9.0 * t))
        )
    )  # fmt: skip
    return tail - normal / r


def binomial_tail(
    k: FloatArray, m: FloatArray, p: FloatArray, q: FloatArray, weight: float
) -> tuple[FloatArray, FloatArray]:
    """Return ``P(X > k) + weight P(X = k)`` of k + m trials, and P(X = k); k and m at least `LEAST`.

    Right to 1e-10 of its value and of its complement (a grid against mpmath in the tests), to 1e-11 from counts of 30.
    ``q = 1 - p`` comes with its own digits.
    """
    n = k + m
    sigma, c, gap = np.sqrt(k * m / n), (m - k) / n, k * q - m * p
    half = _half_deviance(k, m, p, q, gap)
    r = np.copysign(np.sqrt(2.0 * half), gap)
    stirling, orders = _total_orders(k, m)
    share = np.exp(-half - stirling) / _ROOT_TWO_PI
    with np.errstate(all="ignore"):  # without a gap: those rows are replaced
        y = gap * n / (k * m)
        g = _outer(r, c, gap / sigma, y, p * q * n * n / (k * m), orders)
    g += (weight - 0.5 - 0.5 * c) / sigma
    if (near := np.flatnonzero(np.abs(r) < _NEAR)).size:
        g[near] = _inner(r[near], c[near], sigma[near]) + (weight - 0.5) / sigma[near]
    tail: FloatArray = scipy.special.ndtr(-r)
    if (last := np.flatnonzero(r > _LAST)).size:
        tail[last] = 0.5 * scipy.special.erfcx(r[last] / math.sqrt(2.0)) * np.exp(-half[last])
    tail += share * g
    return np.maximum(tail, 0.0), share / sigma


def tail_logit(k: FloatArray, m: FloatArray, z: float, weight: float) -> FloatArray:
    """Return log odds at which `binomial_tail` is about that of a normal beyond z: Cornish & Fisher's series, 4 orders.

    The error is that of the first order left out, ``(z/sigma)**5`` of some 1e-4: a start for one step of Halley's.
    """
    n = k + m
    s, c, w = np.sqrt(n / (k * m)), (m - k) / n, weight - 0.5
    zz = z * z
    first = (w, (zz - 1.0) / 6.0)
    second = (z * ((zz + 3.0) / 48.0 - 0.5 * w * w), 0.5 * z * w, z * (zz - 7.0) / 144.0)
    third = (
        w**3 * (zz - 1.0) / 3.0, (zz + 1.0) * (zz + 8.0) / 240.0 - w * w * (zz - 1.0) / 3.0, w * (zz - 1.0) / 12.0,
        -((3.0 * zz + 7.0) * zz - 16.0) / 6480.0,
    )  # fmt: skip
    fourth = (
        z * (((zz + 20.0) * zz + 15.0) / 7680.0 + w * w * (zz - 1.0) / 32.0 - w**4 * (2.0 * zz - 5.0) / 8.0),
        z * w * (5.0 * w * w * (2.0 * zz - 5.0) / 36.0 - (zz - 1.0) / 32.0),
        z * (((zz + 134.0) * zz + 93.0) / 11520.0 - w * w * (25.0 * zz - 67.0) / 288.0),
        z * w * (zz - 7.0) / 288.0,
        z * ((9.0 * zz + 256.0) * zz - 433.0) / 622080.0,
    )  # fmt: skip
    out = _horner(fourth, c)
    for order in (third, second, first):
        out *= s
        out += _horner(order, c)
    return np.log(k / m) - s * (z + s * out)
