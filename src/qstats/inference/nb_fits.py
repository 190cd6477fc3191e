"""Fits of negative binomial (NB2) counts in two groups, for many pairs at once: signed roots and their limits."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.inference.nb_kernels import Pairs, Slopes, misfit, slopes

__all__ = ["Fit", "free_fit", "limit", "signed_root", "tied_fit"]

_STEP = 2.0  # longest in a log rate or in the scale of alpha
_ROUNDS = 500
_GAIN = 1e-11  # a Newton step that promises less is the last one
_REACH = 500.0  # log ratios farther from the estimate than this are no numbers: that side is open
_LEAP = 8.0  # a log ratio that moves farther at once is better fitted anew
_FARTHEST = 540.0  # a ratio asked about that is farther off is taken for this: means must not overflow
_CLOSE = 1e-11  # relative error of a root at a limit


class Fit(NamedTuple):
    """Greatest log likelihood of each pair and where it is.

    Parameters
    ----------
    value, alpha : ndarray, shape (pairs,)
    shift : ndarray, shape (2, pairs)
        Log rates of the groups beside those of a Poisson fit.
    score, bend : ndarray, shape (2, pairs)
        Derivative by each log rate, and minus the second one.
    """

    value: FloatArray
    alpha: FloatArray
    shift: FloatArray
    score: FloatArray
    bend: FloatArray

    def take(self, which: Any) -> Fit:
        """Return the fits of some pairs."""
        return Fit(*(v[..., which] for v in self))

    def put(self, which: Any, other: Fit) -> None:
        """Write the fits of some pairs in their places."""
        for mine, theirs in zip(self, other, strict=True):
            mine[..., which] = theirs


def _joined(v: FloatArray, tied: bool) -> FloatArray:
    """Return derivatives by the one log rate left where the ratio of the rates is given."""
    return v.sum(axis=0, keepdims=True) if tied else v


def _rates_at(pairs: Pairs, shift: FloatArray, alpha: FloatArray, tied: bool) -> tuple[FloatArray, FloatArray]:
    """Return the best shifts at given alpha and the log likelihood without its part in alpha alone, within 1e-6.

    Newton on a concave function; what leaves the bracket found so far is halved.
    """
    low, high = np.full_like(_joined(shift, tied), -np.inf), np.full_like(_joined(shift, tied), np.inf)
    for _ in range(100):
        mean = pairs.means(shift)
        value, gap, part, thin, _, _ = misfit(pairs, mean, alpha)
        pull = -_joined(pairs.by_group(gap * thin), tied)
        bend = _joined(pairs.by_group(mean * thin * thin / part), tied)
        here = shift[-1:] if tied else shift
        low, high = np.where(pull > 0.0, here, low), np.where(pull > 0.0, high, here)
        step = np.clip(pull / bend, -50.0, 50.0)
        out = (here + step <= low) | (here + step >= high)
        move = np.where(out & np.isfinite(low) & np.isfinite(high), 0.5 * (low + high) - here, step)
        gain = 0.5 * pull * pull / bend
        done = (gain < 1e-6).all()
        shift = shift + np.where(gain > 0.0, move, 0.0)
        if done:
            return shift, value + gain.sum(axis=0)
    return shift, value


def _summit(pairs: Pairs, shift: FloatArray, tied: bool) -> Fit:
    """Return the highest fit: the climb from the best point of a grid of alpha, and from the next summit it shows.

    Unequal exposures, or a ratio far from the estimate, can raise two summits; one of them may be Poisson.
    """
    n = pairs.scale.size
    values, shifts = np.empty((pairs.grid.size, n)), np.empty((pairs.grid.size, 2, n))
    for k, alpha in enumerate(pairs.grid):
        shift, value = _rates_at(pairs, shift, np.full(n, alpha), tied)
        values[k], shifts[k] = value + pairs.fixed[k], shift
    best, every = values.argmax(axis=0), np.arange(n)
    fit = _climb(pairs, shifts[best, :, every].T, pairs.grid[best], tied)
    edge = np.full((1, n), -np.inf)
    summits = (values >= np.concatenate((edge, values[:-1]))) & (values >= np.concatenate((values[1:], edge)))
    summits[best, every] = False
    if (two := np.flatnonzero(summits.any(axis=0))).size:
        other = np.where(summits, values, -np.inf)[:, two].argmax(axis=0)
        second = _climb(pairs.take(two), shifts[other, :, two].T, pairs.grid[other], tied)
        higher = second.value > fit.value[two]
        fit.put(two[higher], second.take(higher))
    return fit


class _Move(NamedTuple):
    """Newton's step in u = log1p(alpha scale) and in the log rates, and the gain it promises."""

    u: FloatArray
    rate: FloatArray
    gain: FloatArray


def _newton(pairs: Pairs, s: Slopes, alpha: FloatArray, tied: bool) -> _Move:
    rate, rate2, mixed = _joined(s.rate, tied), _joined(s.rate2, tied), _joined(s.mixed, tied)
    slope = s.alpha - (mixed * rate / rate2).sum(axis=0)
    stretch = 1.0 / pairs.scale + alpha  # d alpha / d u, and its own derivative
    g = slope * stretch
    h = (s.alpha2 - (mixed * mixed / rate2).sum(axis=0)) * stretch**2 + g
    u = np.log1p(alpha * pairs.scale)
    du = np.where(h < 0.0, np.clip(-g / h, -_STEP, _STEP), np.sign(g))
    du = np.where(u + du > 0.0, du, -u)  # alpha = 0 is Poisson, and the end
    rates = -(rate + mixed * (stretch * du)) / rate2
    shorter = np.minimum(1.0, _STEP / np.maximum(np.abs(rates).max(axis=0), 1e-300))
    summit = np.where(h < 0.0, 0.5, 1.0) * g * du
    return _Move(du * shorter, rates * shorter, summit - 0.5 * (rate * rate / rate2).sum(axis=0))


def _climb(pairs: Pairs, shift: FloatArray, alpha: FloatArray, tied: bool) -> Fit:
    """Return the summit above a start: Newton in all parameters at once, steps that lead down are shortened."""
    n = pairs.scale.size
    fit = Fit(np.full(n, np.nan), alpha.copy(), shift.copy(), np.zeros((2, n)), np.zeros((2, n)))
    live, part, factor = np.arange(n), pairs, np.ones(n)
    here = slopes(part, shift, alpha)
    move = _newton(part, here, alpha, tied)
    for _ in range(_ROUNDS):
        last = (move.gain < _GAIN) | (factor < 1e-8)
        u = np.log1p(alpha * part.scale) + factor * move.u
        there, to = np.maximum(np.expm1(u), 0.0) / part.scale, shift + factor * move.rate
        if last.any():
            found = Fit(here.value + np.where(move.gain < _GAIN, move.gain, 0.0), there, to, here.rate, -here.rate2)
            fit.put(live[last], found.take(last))
            go = ~last
            live, part = live[go], part.take(go)
            shift, alpha, factor, there, to = (v[..., go] for v in (shift, alpha, factor, there, to))
            here, move = Slopes(*(v[..., go] for v in here)), _Move(*(v[..., go] for v in move))
        if not live.size:
            return fit
        new = slopes(part, to, there)
        up = new.value >= here.value - 1e-12 - 1e-15 * np.abs(here.value)
        here = Slopes(*(np.where(up, a, b) for a, b in zip(new, here, strict=True)))
        shift, alpha = np.where(up, to, shift), np.where(up, there, alpha)
        factor = np.where(up, 1.0, 0.25 * factor)
        move = _newton(part, here, alpha, tied)
    fit.put(live, Fit(here.value, alpha, shift, here.rate, -here.rate2))
    return fit


def free_fit(pairs: Pairs) -> Fit:
    """Return the fits with two rates and one alpha."""
    with np.errstate(all="ignore"):  # where a branch of `where` is not meant it may divide by zero
        return _summit(pairs, np.zeros_like(pairs.totals), False)


def tied_fit(pairs: Pairs, log_ratio: FloatArray) -> Fit:
    """Return the fits with the ratio of the rates given, as a log beside that of the Poisson rates."""
    y, y0 = np.log(pairs.totals)
    log_ratio = np.clip(log_ratio, -_FARTHEST, _FARTHEST)
    poisson = np.logaddexp(y, y0) - np.logaddexp(y + log_ratio, y0)
    with np.errstate(all="ignore"):
        return _summit(pairs, np.stack((poisson + log_ratio, poisson)), True)


def signed_root(top: Fit, tied: Fit, log_ratio: FloatArray) -> FloatArray:
    """Return the signed roots of the likelihood ratio, positive where the estimate lies above `log_ratio`."""
    root = np.sqrt(np.maximum(0.0, 2.0 * (top.value - tied.value)))
    signed: FloatArray = np.where(top.shift[0] - top.shift[1] >= log_ratio, root, -root)
    return signed


def limit(pairs: Pairs, top: Fit, z: float, side: float) -> FloatArray:
    """Return the log ratio on one side (-1 below, 1 above) of the estimate where the root has the size `z`.

    Fits follow the ratio from one to the next, which may lead up the lower of two summits: where a fit from the grid
    is better at the limit, the search is made again with such fits alone. Infinite where the root never gets there.
    """
    n = pairs.scale.size
    if math.isinf(z):
        return np.full(n, side * math.inf)
    x, at = _distance(pairs, top, z, side, sure=False)
    sure = tied_fit(pairs, top.shift[0] - top.shift[1] + side * np.minimum(x, _REACH))
    lost = np.flatnonzero(sure.value > at + 1e-8 * (1.0 + z))
    if lost.size:
        x[lost] = _distance(pairs.take(lost), top.take(lost), z, side, sure=True)[0]
    out: FloatArray = top.shift[0] - top.shift[1] + side * x
    return out


def _distance(pairs: Pairs, top: Fit, z: float, side: float, *, sure: bool) -> tuple[FloatArray, FloatArray]:
    """Return how far from the estimate the root is `z`, and the tied likelihood there: Newton inside a bracket."""
    n = top.value.size
    share = top.bend[0] / top.bend.sum(axis=0)
    x = z * np.sqrt((1.0 / top.bend).sum(axis=0))
    out, value = np.full(n, math.inf), np.full(n, -math.inf)
    low, high = np.zeros(n), np.full(n, math.inf)
    live, part, alpha, shift, was = np.arange(n), pairs, top.alpha, top.shift, np.zeros(n)
    for _ in range(200):
        x = np.minimum(x, _REACH)
        ahead = side * (x - was)
        to_shift = np.stack((shift[0] + (1.0 - share) * ahead, shift[1] - share * ahead))
        fit = _followed(part, to_shift, alpha, sure or bool((np.abs(ahead) > _LEAP).any()))
        root = np.sqrt(np.maximum(0.0, 2.0 * (top.value[live] - fit.value)))
        low, high = np.where(root < z, x, low), np.where(root < z, high, x)
        to = x + (z - root) * root / np.maximum(-side * fit.score[0], 1e-300)
        to = np.where((to > low) & (to < high), np.minimum(to, 3.0 * x + 0.5), _between(low, high, x))
        done = (np.abs(root - z) <= _CLOSE * z) | (high - low <= _CLOSE * x)
        ended = done | ((x == _REACH) & (root < z))
        value[live[ended]] = fit.value[ended]
        out[live[done]] = x[done]
        if ended.all():
            return out, value
        go = ~ended
        live, part, was = live[go], part.take(go), x[go]
        x, low, high, share, alpha = to[go], low[go], high[go], share[go], fit.alpha[go]
        shift = fit.shift[:, go]
    out[live] = was  # the last trial: a bracket that will not close is no open side
    return out, value


def _between(low: FloatArray, high: FloatArray, x: FloatArray) -> FloatArray:
    """Return the middle of a bracket, or twice as far where it has no upper end yet."""
    middle: FloatArray = np.where(
        np.isfinite(high), 0.5 * (low + np.where(np.isfinite(high), high, 0.0)), 2.0 * x + 0.1
    )
    return middle


def _followed(pairs: Pairs, shift: FloatArray, alpha: FloatArray, sure: bool) -> Fit:
    if sure:
        return tied_fit(pairs, shift[0] - shift[1])
    with np.errstate(all="ignore"):
        return _climb(pairs, shift, alpha, True)
