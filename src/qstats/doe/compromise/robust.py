"""What production makes of a setting: factors that wander, noise that cannot be set, and the scatter of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats._core.interval import Interval
from qstats._core.quantiles import normal_sf
from qstats._core.result import FrozenMapping, frozen_array
from qstats._core.spec import Spec
from qstats.capability.defects import sigma_level
from qstats.doe.compromise.draws import Draws
from qstats.doe.compromise.frontier import quantiles
from qstats.doe.compromise.safe import blocks
from qstats.doe.compromise.surfaces import Surface
from qstats.doe.factor import Factor
from qstats.errors import DataError
from qstats.inference.estimate import Estimate

__all__ = ["Production", "Robustness", "along", "production", "slopes", "spread_of", "transmitted", "wander"]

_UNITS = 1000
_STEP = 1e-4
_MILLION = 1e6
_REFERENCE = "Montgomery 2013, Design and Analysis of Experiments, 8th edition, 12.4 (transmitted variance)"


@dataclass(frozen=True, slots=True, eq=False)
class Production:
    """One response in production at one setting.

    Parameters
    ----------
    response : str
    mean, sd : Estimate
        Of single units, in the unit of the response, by Monte Carlo over the wandering factors.
    transmitted : float
        Standard deviation that the factors pass on, by the delta method, on the scale of the link.
    residual : float
        Standard deviation of a run on the scale of the link.
    slopes : mapping of str to float
        Change of the predictor for one natural unit of each wandering factor.
    cpk : Estimate or None
        On the scale of the link, from mean and sd there; None without limits.
    dpmo : Estimate or None
        Defects per million units.
    sigma_level : Estimate or None
        Of the DPMO, without a shift.
    """

    response: str
    mean: Estimate
    sd: Estimate
    transmitted: float
    residual: float
    slopes: FrozenMapping[str, float]
    cpk: Estimate | None
    dpmo: Estimate | None
    sigma_level: Estimate | None

    @property
    def delta_sd(self) -> float:
        """Standard deviation of single units by the delta method, on the scale of the link."""
        return math.hypot(self.transmitted, self.residual)


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """What is to be expected in production.

    Parameters
    ----------
    spread : mapping of str to float
        Standard deviation of each wandering factor, in natural units.
    responses : mapping of str to Production
        At the recommended setting, or at the closest where none is.
    front_sd : mapping of str to ndarray, shape (f,)
        Along the front: standard deviation of single units by the delta method, on the scale of the link.
    front_dpmo : mapping of str to ndarray, shape (f,)
        Along the front, from predictions, normal with that standard deviation; of responses with limits.
    reference : str
    """

    spread: FrozenMapping[str, float]
    responses: FrozenMapping[str, Production]
    front_sd: FrozenMapping[str, FloatArray]
    front_dpmo: FrozenMapping[str, FloatArray]
    reference: str = _REFERENCE

    def rows(self) -> list[tuple[str, str]]:
        """Return label and text of each response."""
        out = []
        for name, p in self.responses.items():
            text = f"mean {p.mean.estimate:.5g}, sd {p.sd.estimate:.4g}"
            if p.cpk is not None and p.dpmo is not None:
                text += f"; Cpk {p.cpk.estimate:.3g} {p.cpk.interval}, DPMO {p.dpmo.estimate:.3g} {p.dpmo.interval}"
            out.append((f"{name} in production", text))
        return out


def spread_of(
    tolerance: Any, noise: Any, factors: tuple[Factor, ...]
) -> tuple[FrozenMapping[str, float], tuple[str, ...]]:
    """Return the standard deviation of each factor that wanders, in natural units, and which of them are noise.

    Parameters
    ----------
    tolerance : None or mapping of str to float
        Of factors that are set.
    noise : None or mapping of str to float
        Of factors that cannot be set; those marked as noise and not named have a quarter of their range.
    factors : tuple of Factor
    """
    place = {f.name: f for f in factors}
    found: dict[str, float] = {}
    for given, name in ((tolerance, "tolerance"), (noise, "noise")):
        if given is None:
            continue
        if not isinstance(given, Mapping):
            raise DataError(f"{name}: got {given!r}; a mapping of factor to its standard deviation is wanted")
        for factor, sd in given.items():
            if factor not in place:
                raise DataError(f"{name}: {factor!r} is no factor; there are {', '.join(place)}")
            if place[factor].kind in ("categorical", "mixture"):
                raise DataError(f"{name}: {factor!r} is {place[factor].kind}; only numbers that are set freely wander")
            if factor in found:
                raise DataError(f"noise: {factor!r} stands in tolerance too; in one of them it is wanted")
            if name == "tolerance" and place[factor].noise:
                raise DataError(f"tolerance: {factor!r} is a noise factor; give its standard deviation in noise=")
            found[factor] = check_number(sd, f"{name}[{factor!r}]", least=0.0)
    named = tuple(noise or ())
    for f in factors:
        if f.noise and f.name not in found:
            low, high = (f.low, f.high) if f.low is not None else (f.levels[0], f.levels[-1])
            found[f.name] = 0.25 * (float(high or 0.0) - float(low or 0.0))
    return FrozenMapping(found), tuple(f.name for f in factors if f.noise or f.name in named)


def _coded(spread: Mapping[str, float], factors: tuple[Factor, ...]) -> FloatArray:
    """Standard deviations in coded units, shape (k,)."""
    out = np.zeros(len(factors))
    for j, f in enumerate(factors):
        if f.name in spread:
            ends = (f.low, f.high) if f.low is not None else (f.levels[0], f.levels[-1])
            out[j] = 2.0 * spread[f.name] / (float(ends[1] or 0.0) - float(ends[0] or 0.0))
    return out


def wander(spread: Mapping[str, float], factors: tuple[Factor, ...], rng: np.random.Generator) -> FloatArray:
    """Return deviations of single units from a setting, coded: shape (units, k).

    Their means, variances and covariances are made exactly what they should be: of a straight response nothing is left
    to chance.
    """
    sd = _coded(spread, factors)
    moving = np.flatnonzero(sd > 0.0)
    out = np.zeros((_UNITS, sd.size))
    if moving.size:
        half = rng.normal(size=(_UNITS // 2, moving.size))
        z = np.concatenate([half, -half])
        root = np.linalg.cholesky(z.T @ z / _UNITS)
        out[:, moving] = np.linalg.solve(root, z.T).T * sd[moving]
    return out


def slopes(surface: Surface, coded: FloatArray, j: int) -> FloatArray:
    """Return the derivative of the predictor by coded factor j at settings of shape (m, k)."""
    step = np.zeros(coded.shape[1])
    step[j] = _STEP
    up, down = surface.rows(coded + step), surface.rows(coded - step)
    return np.asarray((up - down) @ surface.coefficients / (2.0 * _STEP))


def transmitted(
    surface: Surface, coded: FloatArray, spread: Mapping[str, float], factors: tuple[Factor, ...]
) -> FloatArray:
    """Return the variance that wandering factors pass on at settings (delta method, scale of the link): shape (m,)."""
    sd = _coded(spread, factors)
    parts = [(sd[j] * slopes(surface, coded, int(j))) ** 2 for j in np.flatnonzero(sd > 0.0)]
    return np.asarray(sum(parts, start=np.zeros(coded.shape[0])))


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Of single units, one entry a draw: natural mean and sd, those of the predictor's scale, share out of limits."""

    mean: FloatArray
    sd: FloatArray
    link_mean: FloatArray
    link_sd: FloatArray
    out: FloatArray


def _moments(surface: Surface, rows: FloatArray, truth: FloatArray, sigma: FloatArray, limits: Any) -> _Moments:
    eta = truth @ rows.T
    s = sigma[:, None]
    centre = eta.mean(axis=1)
    link_sd = np.sqrt(np.maximum(eta.var(axis=1), 0.0) + sigma**2)
    if surface.link == "log":
        # about the centre: squares of large responses would not fit a float64
        with np.errstate(over="ignore", invalid="ignore"):
            away = eta - centre[:, None]
            first = np.exp(away + 0.5 * s**2).mean(axis=1)
            second = np.exp(2.0 * away + 2.0 * s**2).mean(axis=1)
            scale = np.exp(centre)
            mean, sd = scale * first, scale * np.sqrt(np.maximum(second - first**2, 0.0))
    else:
        mean, sd = centre, link_sd
    out = np.zeros(sigma.size)
    for sign, value in limits:
        with np.errstate(divide="ignore", invalid="ignore"):
            z = sign * (eta - value) / s
        out += np.where(s > 0.0, normal_sf(z), sign * (eta - value) < 0.0).mean(axis=1)
    return _Moments(mean, sd, centre, link_sd, np.minimum(out, 1.0))


def _limits(surface: Surface, spec: Spec | None) -> list[tuple[float, float]]:
    if spec is None:
        return []
    given = [(s, v) for s, v in ((1.0, spec.lower_spec), (-1.0, spec.upper_spec)) if v is not None]
    if surface.link != "log":
        return given
    return [(s, math.log(v) if v > 0.0 else -math.inf) for s, v in given if v > 0.0 or s < 0]


def _cpk(moments: _Moments, limits: Sequence[tuple[float, float]]) -> FloatArray:
    room = np.min([sign * (moments.link_mean - value) for sign, value in limits], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(moments.link_sd > 0.0, room / (3.0 * moments.link_sd), np.copysign(np.inf, room)))


def production(
    surface: Surface,
    draws: Draws,
    at: FloatArray,
    deviations: FloatArray,
    spec: Spec | None,
    spread: Mapping[str, float],
    confidence: float,
) -> Production:
    """Return what production makes of one setting.

    Parameters
    ----------
    surface : Surface
        Normal or lognormal.
    draws : Draws
    at : ndarray, shape (k,)
        Coded.
    deviations : ndarray, shape (u, k)
        Of single units, from `wander`.
    spec : Spec or None
    spread : mapping of str to float
    confidence : float
    """
    assert surface.fit is not None
    factors = surface.fit.design.factors
    rows, limits = surface.rows(at + deviations), _limits(surface, spec)
    sigma = surface.sigma * draws.ratio
    parts = [
        _moments(surface, rows, draws.truth[some], sigma[some], limits) for some in blocks(sigma.size, rows.shape[0])
    ]
    names = ("mean", "sd", "link_mean", "link_sd", "out")
    drawn = _Moments(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))
    best = _moments(surface, rows, surface.coefficients[None], np.array([surface.sigma]), limits)
    n = float((~np.isnan(surface.fit.y)).sum())

    def estimate(name: str, value: FloatArray, of: FloatArray) -> Estimate:
        low, high = (float(v) for v in quantiles(of, confidence))
        return Estimate(name, float(value[0]), Interval(low, high, confidence), n, "credible, Monte Carlo", _REFERENCE)

    one = at[None]
    passed = math.sqrt(float(transmitted(surface, one, spread, factors)[0]))
    rate = {
        f.name: float(slopes(surface, one, j)[0]) * float(_coded({f.name: 1.0}, factors)[j])
        for j, f in enumerate(factors)
        if f.name in spread
    }
    dpmo = estimate("DPMO", _MILLION * best.out, _MILLION * drawn.out) if limits else None
    return Production(
        surface.name, estimate("mean", best.mean, drawn.mean), estimate("standard deviation", best.sd, drawn.sd),
        passed, surface.sigma, FrozenMapping(rate),
        estimate("Cpk", _cpk(best, limits), _cpk(drawn, limits)) if limits else None,
        dpmo, None if dpmo is None else sigma_level(dpmo, shift=0.0),
    )  # fmt: skip


def along(
    surface: Surface, coded: FloatArray, spec: Spec | None, spread: Mapping[str, float]
) -> tuple[FloatArray, FloatArray | None]:
    """Return standard deviation and DPMO at settings by the delta method, from predictions: shape (m,) each."""
    assert surface.fit is not None
    sd = np.sqrt(transmitted(surface, coded, spread, surface.fit.design.factors) + surface.sigma**2)
    limits = _limits(surface, spec)
    if not limits:
        return frozen_array(sd), None
    eta, out = surface.rows(coded) @ surface.coefficients, np.zeros(coded.shape[0])
    for sign, value in limits:
        with np.errstate(divide="ignore", invalid="ignore"):
            out += np.where(sd > 0.0, normal_sf(sign * (eta - value) / sd), sign * (eta - value) < 0.0)
    return frozen_array(sd), frozen_array(_MILLION * np.minimum(out, 1.0))
