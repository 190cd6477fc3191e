"""How long CUSUM and EWMA charts run before they signal, by integral equations.

Everything is in standard units: the plotted value has sigma 1, and a shift is counted in sigmas. The integral equation
of Page (1954) and Crowder (1987) is solved at Gauss-Legendre nodes, where the answer converges geometrically; a Markov
chain of Brook and Evans needs fifty times the states for six digits fewer.
"""

from __future__ import annotations

import math

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats.errors import DataError
from qstats.spc.runlength.markov import Chain, check_points, gauss_legendre, settled, settled_survival

__all__ = [
    "cusum_arl",
    "cusum_steady_arl",
    "cusum_survival",
    "ewma_arl",
    "ewma_chain",
    "ewma_steady_arl",
    "ewma_survival",
]

_SQRT_2PI = math.sqrt(2.0 * math.pi)
_CUSUM_SIDES = ("two", "upper", "lower", "crosier")
_EWMA_SIDES = ("two", "upper", "lower")
_SURE = 8.0  # sigmas: what is further out does not happen (6e-16)


def _density(z: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-0.5 * z * z) / _SQRT_2PI)


def _moves(k: float, h: float, shift: float, m: int, start: float) -> tuple[FloatArray, FloatArray]:
    """Return one-sided CUSUM moves from 0 and the nodes, and those from `start`; state 0 is the statistic at zero."""
    nodes, weights = gauss_legendre(m)
    y = np.concatenate([[0.0], h * nodes])
    source = np.concatenate([y, [start]])
    move = np.empty((m + 2, m + 1))
    move[:, 0] = scipy.special.ndtr(k - source - shift)
    move[:, 1:] = _density(y[1:] + (k - shift) - source[:, None]) * (h * weights)
    return move[:-1], move[-1]


def _crosier_moves(k: float, h: float, shift: float, m: int, start: float) -> tuple[FloatArray, FloatArray]:
    """Return the same for Crosier's statistic, which has both signs; a panel of nodes on each side of zero."""
    nodes, weights = gauss_legendre(m)
    y = np.concatenate([[0.0], -h * nodes, h * nodes])
    source = np.concatenate([y, [start]])
    move = np.empty((y.size + 1, y.size))
    mid = source + shift
    move[:, 0] = scipy.special.ndtr(k - mid) - scipy.special.ndtr(-k - mid)
    step = np.concatenate([np.full(m, -k), np.full(m, k)])
    move[:, 1:] = _density(y[1:] + step - mid[:, None]) * np.concatenate([h * weights, h * weights])
    return move[:-1], move[-1]


def _cusum_chain(k: float, h: float, shift: float, m: int, start: float, crosier: bool = False) -> Chain:
    move, mass = (_crosier_moves if crosier else _moves)(k, h, shift, m, start)
    return Chain(np.ones(1), mass, move)


def _two_sided_arl(k: float, h: float, shift: float, m: int, start: float) -> float:
    """Combine the two sides; exact because at a signal of one side the other one stands at zero."""
    up = _cusum_chain(k, h, shift, m, start)
    further_up = up.further()
    up_zero, up_start = float(further_up[0]), 1.0 + float(up.mass @ further_up)
    if k + abs(shift) > _SURE:  # the far side never leaves zero; its own equation is singular
        return up_start
    down = up if shift == 0.0 else _cusum_chain(k, h, -shift, m, start)
    further = further_up if shift == 0.0 else down.further()
    down_zero, down_start = float(further[0]), 1.0 + float(down.mass @ further)
    # Divided by the far side's run length, which may be too long to be known: only its smallness matters.
    return (up_start + up_zero * (down_start / down_zero - 1.0)) / (1.0 + up_zero / down_zero)


def _check_cusum(k: object, h: object, shift: object, head_start: object, sides: object) -> tuple[float, ...]:
    k, h = check_number(k, "k", least=0.0), check_number(h, "h", above=0.0)
    shift, start = check_number(shift, "shift"), check_number(head_start, "head_start", least=0.0)
    sides = check_choice(sides, "sides", _CUSUM_SIDES)
    if start > h:
        raise DataError(f"head_start: got {start:g}, which is above h = {h:g}; the usual head start is h / 2")
    if sides == "two" and start > h / 2.0 + k:
        raise DataError(
            f"head_start: got {start:g}; above h / 2 + k = {h / 2.0 + k:g} the two sides are no longer independent "
            f"of each other at a signal and the run length has no closed form: choose a smaller one"
        )
    return k, h, -shift if sides == "lower" else shift, start


def cusum_arl(k: float, h: float, shift: float = 0.0, *, head_start: float = 0.0, sides: str = "two") -> float:
    """Return how many points a CUSUM chart takes on average until it signals.

    To choose `k` and `h` before data come, and to say what a signal of the chart is worth. Not for data that are
    autocorrelated or far from normal.

    Parameters
    ----------
    k : float
        Reference value (allowance), in sigmas; half the shift the chart is tuned to.
    h : float
        Decision interval, in sigmas; the chart signals when the sum is above it.
    shift : float
        Shift of the mean from the first point on, in sigmas; 0 is the in-control run length.
    head_start : float
        Value the sums start at (fast initial response), in sigmas; ``h / 2`` is usual.
    sides : {"two", "upper", "lower", "crosier"}
        Two sums at once, one of them, or Crosier's single sum of both signs.

    Returns
    -------
    float
        Average run length in points, to 1e-8 of its value.

    Raises
    ------
    DataError
        An argument out of range, or a head start at which two sums depend on each other.
    NoConvergence
        The run length is beyond what double precision can tell.

    Notes
    -----
    ``L(s) = 1 + L(0) Phi(k - s - d) + integral over (0, h) of L(x) phi(x + k - s - d) dx``. Two sides from s:
    ``(U(s) D(0) + U(0) D(s) - U(0) D(0)) / (U(0) + D(0))``, U and D the run lengths of the upper and lower sum.

    References
    ----------
    Page (1954), Biometrika 41, 100-115; Lucas & Crosier (1982), Technometrics 24(3), 199-205; Crosier (1986),
    Technometrics 28(3), 187-194.

    Examples
    --------
    >>> from qstats.spc.runlength import cusum_arl
    >>> round(cusum_arl(0.5, 4.0), 4)
    167.6838
    >>> round(cusum_arl(0.5, 4.0, 1.0, head_start=2.0), 2)
    5.29
    """
    k, h, shift, start = _check_cusum(k, h, shift, head_start, sides)

    def value(m: int) -> float:
        if sides == "two":
            return _two_sided_arl(k, h, abs(shift), m, start)
        return _cusum_chain(k, h, shift, m, start, sides == "crosier").arl()

    return settled(value, 10 + math.ceil(1.5 * h), f"CUSUM with k = {k:g}, h = {h:g}")


def _first_of_two(up: FloatArray, down: FloatArray, up_zero: FloatArray, down_zero: FloatArray) -> FloatArray:
    """Return P(RL > n) of two sums from those of each: the one that did not signal stands at zero and starts anew."""
    f, g, f0, g0 = (-np.diff(s, prepend=1.0) for s in (up, down, up_zero, down_zero))
    a, b = np.zeros(f.size), np.zeros(f.size)
    for n in range(f.size):
        a[n] = f[n] - b[:n] @ f0[:n][::-1]
        b[n] = g[n] - a[:n] @ g0[:n][::-1]
    return np.asarray(1.0 - np.cumsum(a + b))


def cusum_survival(
    k: float, h: float, n: int, shift: float = 0.0, *, head_start: float = 0.0, sides: str = "two"
) -> FloatArray:
    """Return the probability that a CUSUM chart has not signalled by the 1st, ..., the n-th point.

    Parameters
    ----------
    k, h, shift, head_start, sides
        As in `cusum_arl`.
    n : int
        Number of points.

    Returns
    -------
    numpy.ndarray
        P(RL > 1), ..., P(RL > n), shape (n,).

    References
    ----------
    Waldmann (1986), Technometrics 28(1), 61-67. Two sides: a signal of one sum finds the other at zero, so the first
    passage of each is the first signal of both plus, where the other came first, a new passage from zero.

    Examples
    --------
    >>> from qstats.spc.runlength import cusum_survival
    >>> bool(cusum_survival(0.5, 4.0, 50)[-1] > 0.7)
    True
    """
    k, h, shift, start = _check_cusum(k, h, shift, head_start, sides)
    n = check_points(n)

    def value(m: int) -> FloatArray:
        one = _cusum_chain(k, h, shift, m, start, sides == "crosier").survival(n)
        if sides != "two":
            return one
        up_zero, down, down_zero = (
            _cusum_chain(k, h, d, m, s).survival(n) for d, s in ((shift, 0.0), (-shift, start), (-shift, 0.0))
        )
        return np.clip(_first_of_two(one, down, up_zero, down_zero), 0.0, 1.0)

    return settled_survival(value, 10 + math.ceil(1.5 * h), f"CUSUM with k = {k:g}, h = {h:g}")


def cusum_steady_arl(k: float, h: float, shift: float, *, sides: str = "upper") -> float:
    """Return how many points a shift stays unseen when it comes long after the start (conditional steady state).

    The sum is then where a stable process without a signal has left it, not at zero. For the upper or lower sum or
    Crosier's; two separate sums have no one-dimensional steady state.

    Parameters
    ----------
    k, h, shift
        As in `cusum_arl`.
    sides : {"upper", "lower", "crosier"}
        Which sum.
    """
    check_choice(sides, "sides", _CUSUM_SIDES[1:])
    k, h, shift, _ = _check_cusum(k, h, shift, 0.0, sides)

    def value(m: int) -> float:
        before = _cusum_chain(k, h, 0.0, m, 0.0, sides == "crosier")
        return float(before.resting() @ _cusum_chain(k, h, shift, m, 0.0, sides == "crosier").further())

    return settled(value, 10 + math.ceil(1.5 * h), f"CUSUM with k = {k:g}, h = {h:g}")


def _ewma_moves(
    lam: float, shift: float, source: FloatArray, target: FloatArray, weights: FloatArray, barrier: bool
) -> FloatArray:
    """Return the probability of going from each source to each target (a leading state at zero where it reflects)."""
    scaled = (1.0 - lam) / lam * source[:, None] + shift
    move = _density(target / lam - scaled) * (weights / lam)
    if not barrier:
        return move
    return np.hstack([scipy.special.ndtr(-scaled), move])


def ewma_chain(lam: float, width: float, shift: float, m: int, barrier: bool = False, exact: bool = False) -> Chain:
    """Return the chart as a chain; with exact limits the first points have limits of their own."""
    x, w = gauss_legendre(m)
    unit, weight = (x, w) if barrier else (2.0 * x - 1.0, 2.0 * w)
    zero = np.zeros(1)
    last = width * math.sqrt(lam / (2.0 - lam))
    # After t points the limits fall short of the final ones by less than 1e-10 of themselves.
    early = math.ceil(math.log(2e-10) / (2.0 * math.log1p(-lam))) if exact and lam < 1.0 else 1
    head, mass, source = np.ones(early), np.ones(1), zero
    for t in range(1, early + 1):
        c = last if t == early else last * math.sqrt(-math.expm1(2.0 * t * math.log1p(-lam)))
        mass = mass @ _ewma_moves(lam, shift, source, c * unit, c * weight, barrier)
        source = np.concatenate([zero, c * unit]) if barrier else c * unit
        if t < early:
            head[t] = mass.sum()
    return Chain(head, mass, _ewma_moves(lam, shift, source, last * unit, last * weight, barrier))


def _check_ewma(lam: object, width: object, shift: object, sides: object, limits: object) -> tuple[float, float, float]:
    lam = check_number(lam, "lam", above=0.0)
    if lam > 1.0:
        raise DataError(f"lam: got {lam:g}; a weight above 0 and at most 1 is wanted")
    width, shift = check_number(width, "L", above=0.0), check_number(shift, "shift")
    check_choice(limits, "limits", ("asymptotic", "exact"))
    return lam, width, -shift if check_choice(sides, "sides", _EWMA_SIDES) == "lower" else shift


def _ewma_nodes(lam: float, width: float) -> int:
    return 10 + math.ceil(4.0 * width / math.sqrt(lam * (2.0 - lam)))


def ewma_arl(lam: float, L: float, shift: float = 0.0, *, sides: str = "two", limits: str = "asymptotic") -> float:
    """Return how many points an EWMA chart takes on average until it signals.

    To choose `lam` and `L` before data come, and to say what a signal of the chart is worth. Not for data that are
    autocorrelated; small `lam` forgives data that are not normal.

    Parameters
    ----------
    lam : float
        Weight of the newest point, above 0 and at most 1 (1 is a Shewhart chart).
    L : float
        Distance of the limits from the centre, in standard deviations of the EWMA.
    shift : float
        Shift of the mean from the first point on, in sigmas of one point; 0 is the in-control run length.
    sides : {"two", "upper", "lower"}
        One-sided charts are reflected at the centre line.
    limits : {"asymptotic", "exact"}
        The final limits at every point, or each point's own: ``L sqrt(lam / (2 - lam) (1 - (1 - lam)**(2 t)))``.

    Returns
    -------
    float
        Average run length in points, to 1e-8 of its value.

    Raises
    ------
    DataError
        An argument out of range.
    NoConvergence
        The run length is beyond what double precision can tell.

    Notes
    -----
    ``A(z) = 1 + integral over (-c, c) of A(x) phi((x - (1 - lam) z) / lam - d) / lam dx``,
    ``c = L sqrt(lam / (2 - lam))``.

    References
    ----------
    Crowder (1987), Technometrics 29(4), 401-407; Lucas & Saccucci (1990), Technometrics 32(1), 1-12; limits of each
    point: Steiner (1999), Journal of Quality Technology 31(1), 75-86.

    Examples
    --------
    >>> from qstats.spc.runlength import ewma_arl
    >>> round(ewma_arl(0.1, 2.814), 2)
    499.58
    >>> round(ewma_arl(0.1, 2.814, 1.0), 3)
    10.331
    """
    lam, width, shift = _check_ewma(lam, L, shift, sides, limits)

    def value(m: int) -> float:
        return ewma_chain(lam, width, shift, m, sides != "two", limits == "exact").arl()

    return settled(value, _ewma_nodes(lam, width), f"EWMA with lam = {lam:g}, L = {width:g}")


def ewma_survival(
    lam: float, L: float, n: int, shift: float = 0.0, *, sides: str = "two", limits: str = "asymptotic"
) -> FloatArray:
    """Return the probability that an EWMA chart has not signalled by the 1st, ..., the n-th point.

    Parameters
    ----------
    lam, L, shift, sides, limits
        As in `ewma_arl`.
    n : int
        Number of points.

    Returns
    -------
    numpy.ndarray
        P(RL > 1), ..., P(RL > n), shape (n,).

    Examples
    --------
    >>> from qstats.spc.runlength import ewma_survival
    >>> bool(ewma_survival(0.2, 2.86, 40)[-1] > 0.9)
    True
    """
    lam, width, shift = _check_ewma(lam, L, shift, sides, limits)
    n = check_points(n)

    def value(m: int) -> FloatArray:
        return ewma_chain(lam, width, shift, m, sides != "two", limits == "exact").survival(n)

    return settled_survival(value, _ewma_nodes(lam, width), f"EWMA with lam = {lam:g}, L = {width:g}")


def ewma_steady_arl(lam: float, L: float, shift: float, *, sides: str = "two") -> float:
    """Return how many points a shift stays unseen when it comes long after the start (conditional steady state).

    The EWMA is then where a stable process without a signal has left it, not on the centre line.

    Parameters
    ----------
    lam, L, shift, sides
        As in `ewma_arl`; the limits have become the final ones.
    """
    lam, width, shift = _check_ewma(lam, L, shift, sides, "asymptotic")

    def value(m: int) -> float:
        before = ewma_chain(lam, width, 0.0, m, sides != "two", False)
        return float(before.resting() @ ewma_chain(lam, width, shift, m, sides != "two", False).further())

    return settled(value, _ewma_nodes(lam, width), f"EWMA with lam = {lam:g}, L = {width:g}")
