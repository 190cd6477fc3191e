"""Settings that can be trusted to hold their limits, whichever of them is then chosen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import normal_quantile, t_quantile
from qstats._core.spec import Spec
from qstats.doe.compromise.draws import Draws
from qstats.doe.compromise.surfaces import Surface
from qstats.errors import DataError

__all__ = ["Limit", "blocks", "calibrate", "limits_of", "margins", "multiplier", "pointwise", "scores"]

_CELLS = 1 << 18  # settings times draws of a block: what stays in the cache


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one response on the scale of its link.

    Parameters
    ----------
    place : int
        Of the response among the surfaces.
    sign : float
        +1 for a lower limit, -1 for an upper.
    value : float
        On the scale of the link.
    lift, shift : float
        From the linear predictor to what the limit is about: half a variance times `lift`, and a constant.
    z : float
        How many sigmas of a run must fit between the predictor and the limit; 0 for limits of the mean.
    """

    place: int
    sign: float
    value: float
    lift: float
    shift: float
    z: float


def limits_of(surfaces: Sequence[Surface], specs: Mapping[str, Spec], share: float | None) -> tuple[Limit, ...]:
    """Return the limits of all specifications.

    Parameters
    ----------
    surfaces : sequence of Surface
    specs : mapping of str to Spec
        Boundaries that nature sets are no limits.
    share : float or None
        Of single runs that must hold the limits of their response; None for limits of the mean.
    """
    found = []
    for i, s in enumerate(surfaces):
        if s.name not in specs:
            continue
        spec = specs[s.name]
        sides = [(1.0, spec.lower_spec), (-1.0, spec.upper_spec)]
        given = [(sign, value) for sign, value in sides if value is not None]
        z = 0.0 if share is None else float(normal_quantile(1.0 - (1.0 - share) / len(given)))
        if share is not None:
            _check_runs(s)
        lift, shift = (s.lift, s.shift) if share is None else (0.0, 0.0)
        for sign, value in given:
            if (at := _on_link(s, sign, value)) is not None:
                found.append(Limit(i, sign, at, lift, shift, z))
    return tuple(found)


def _check_runs(s: Surface) -> None:
    fit = s.fit
    if fit is not None and (fit.distribution not in ("normal", "lognormal") or fit.censored is not None):
        kind = fit.distribution if fit.censored is None else f"censored {fit.distribution}"
        raise DataError(
            f"of: {s.name!r} is {kind}; single runs are judged where they are normal or lognormal: of='mean'"
        )


def _on_link(s: Surface, sign: float, value: float) -> float | None:
    """A limit on the scale of the link; None where it holds by nature."""
    if s.link == "identity":
        return value
    low, high = (0.0, math.inf) if s.link == "log" else (0.0, 1.0)
    if value <= low if sign > 0 else value >= high:
        return None
    if not low < value < high:
        side = "above" if sign > 0 else "below"
        raise DataError(f"specs[{s.name!r}]: the mean of this response is never {side} {value:g}")
    return math.log(value) if s.link == "log" else math.log(value / (1.0 - value))


def margins(limit: Limit, eta: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return by how much a limit is held, on the scale of the link; below zero it is not."""
    if limit.lift or limit.shift:
        eta = eta + (0.5 * limit.lift * np.square(sigma) + limit.shift)
    room = limit.sign * (eta - limit.value)
    return room - limit.z * sigma if limit.z else room


def _spread(limit: Limit, surface: Surface, variance: FloatArray, ratio: FloatArray) -> FloatArray:
    """Standard error of a margin: of the predictor, and of sigma where the margin depends on it."""
    sigma = surface.sigma * ratio
    slope = limit.sign * limit.lift * sigma - limit.z
    of_sigma = (slope * sigma) ** 2 / (2.0 * surface.df)
    return np.sqrt(ratio**2 * variance + of_sigma)


def _divided(margin: FloatArray, se: FloatArray) -> FloatArray:
    """Margins in standard errors; without any error they are certain."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        out = margin / se
    return np.where(se > 0.0, out, np.where(margin >= 0.0, np.inf, -np.inf))


def scores(limits: Sequence[Limit], surfaces: Sequence[Surface], rows: Sequence[FloatArray]) -> FloatArray:
    """Return by how many standard errors each limit is held: shape (limits, m)."""
    m = rows[0].shape[0]
    out = np.empty((len(limits), m))
    for at, limit in enumerate(limits):
        s, x = surfaces[limit.place], rows[limit.place]
        one = np.ones(1)
        se = _spread(limit, s, s.standard_errors(x) ** 2, one)
        out[at] = _divided(margins(limit, x @ s.coefficients, s.sigma * one), se)
    return out


def blocks(draws: int, settings: int) -> Iterator[slice]:
    """Yield draws in blocks, so that a block of all settings stays in the cache."""
    step = max(1, _CELLS // max(settings, 1))
    for start in range(0, draws, step):
        yield slice(start, min(start + step, draws))


def calibrate(
    limits: Sequence[Limit], surfaces: Sequence[Surface], rows: Sequence[FloatArray], draws: Sequence[Draws]
) -> tuple[FloatArray, FloatArray]:
    """Return by draw how well the best-looking bad setting seemed to hold its limits, and by setting P(good).

    Parameters
    ----------
    limits : sequence of Limit
    surfaces : sequence of Surface
    rows : sequence of ndarray, shape (m, p)
        Settings, as rows of each surface.
    draws : sequence of Draws

    Returns
    -------
    need : ndarray, shape (M,)
        The bound that would have kept out every setting that is out of its limits; minus infinity without any.
    probability : ndarray, shape (m,)
        Share of draws in which all limits hold.
    """
    m, count = rows[0].shape[0], draws[0].ratio.size
    need, good = np.full(count, -np.inf), np.zeros(m)
    variance = {i: surfaces[i].standard_errors(rows[i]) ** 2 for i in {limit.place for limit in limits}}
    for at in blocks(count, m):
        size = at.stop - at.start
        bad, least = np.zeros((size, m), dtype=np.bool_), np.full((size, m), np.inf)
        for i, v in variance.items():
            s, d = surfaces[i], draws[i]
            true, seen = d.truth[at] @ rows[i].T, d.again[at] @ rows[i].T
            ratio = d.again_ratio[at, None]
            for limit in (limit for limit in limits if limit.place == i):
                bad |= margins(limit, true, s.sigma * d.ratio[at, None]) < 0.0
                held = _divided(margins(limit, seen, s.sigma * ratio), _spread(limit, s, v, ratio))
                np.minimum(least, held, out=least)
        good += (~bad).sum(axis=0)
        need[at] = np.where(bad, least, -np.inf).max(axis=1)
    return need, good / count


def pointwise(limits: Sequence[Limit], surfaces: Sequence[Surface], assurance: float) -> FloatArray:
    """Return Student's quantile of each limit."""
    return np.array([float(t_quantile(assurance, surfaces[limit.place].df)) for limit in limits])


def multiplier(need: FloatArray, assurance: float, least: float) -> float:
    """Return how many standard errors let no bad setting in with this assurance, `least` at least."""
    place = min(math.ceil(assurance * (need.size + 1)) - 1, need.size - 1)
    return max(least, float(np.sort(need)[place]))
