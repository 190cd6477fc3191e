"""The capability indices and their limits, elementwise: for one characteristic or ten thousand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.capability.intervals import bissell, chi_factors, cpm_df, cpmk_limits, distance_limits

__all__ = ["CONVENTIONS", "Limits", "Scale", "index_family", "target_indices"]

CONVENTIONS = ("qstats", "minitab", "qcc")


class Limits(NamedTuple):
    """An estimate and the limits of its interval."""

    estimate: Any
    low: Any
    high: Any


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Where the process is and how far it spreads; single numbers or arrays of one shape.

    Parameters
    ----------
    n : float or numpy.ndarray
        Values behind the mean (their number; fewer where means of subgroups vary more than their values).
    mean, sigma : float or numpy.ndarray
    factor : float or numpy.ndarray
        ``factor * sigma`` is the s of the intervals.
    df : float or numpy.ndarray
        Its degrees of freedom; infinite where sigma is known, NaN where no interval can be given.
    """

    n: Any
    mean: Any
    sigma: Any
    factor: Any
    df: Any


def _no_interval(found: Limits, df: Any) -> Limits:
    unknown = np.isnan(df)
    if not np.any(unknown):
        return found
    return Limits(found.estimate, np.where(unknown, -np.inf, found.low), np.where(unknown, np.inf, found.high))


def _cp(width: Any, s: Scale, below: float, above: float) -> Limits:
    estimate = width / (6.0 * s.sigma)
    low, high = chi_factors(s.df, below, above)
    return Limits(estimate, estimate / s.factor * low, estimate / s.factor * high)


def _sides(distances: list[Any], s: Scale, below: float, above: float, convention: str) -> list[Limits]:
    """Index against each limit: exact by the noncentral t, or as other programs have it."""
    d = np.stack(distances) / s.sigma
    estimate = d / 3.0
    if convention == "minitab":
        limits = bissell(estimate, s.n, s.df, below, above)
    elif convention == "qcc":  # its level is one-sided though it prints two limits
        limits = bissell(estimate, s.n, s.df, below + above, below + above)
    else:
        limits = tuple(v / 3.0 for v in distance_limits(d / s.factor, s.n, s.df, below, above))
    return [Limits(*found) for found in zip(estimate, *limits, strict=True)]


def index_family(
    lower: Any, upper: Any, s: Scale, below: float, above: float, convention: str = "qstats"
) -> dict[str, Limits]:
    """Return ``potential``, ``lower``, ``upper`` and ``worst`` (Cp, Cpl, Cpu, Cpk) with their limits.

    Parameters
    ----------
    lower, upper : float, numpy.ndarray or None
        Specification limits; None (NaN in an array) where there is none: then that index is missing (NaN).
    s : Scale
    below, above : float
        Chance of a lower limit above the truth, and of an upper limit below it.
    convention : str
    """
    known = Scale(s.n, s.mean, s.sigma, s.factor, np.where(np.isnan(s.df), 1.0, s.df)[()])
    out: dict[str, Limits] = {}
    if lower is not None and upper is not None:
        out["potential"] = _cp(upper - lower, known, below, above)
    given = {"lower": lower, "upper": upper}
    distances = {key: (s.mean - v if key == "lower" else v - s.mean) for key, v in given.items() if v is not None}
    sides = _sides(list(distances.values()), known, below, above, convention)
    out |= dict(zip(distances, sides, strict=True))
    if "potential" in out:
        worst = np.minimum(out["lower"].estimate, out["upper"].estimate)
        out["worst"] = Limits(worst, *bissell(worst, s.n, known.df, below, above))
    else:
        out["worst"] = out["lower" if upper is None else "upper"]
    return {name: _no_interval(found, s.df) for name, found in out.items()}


def target_indices(
    lower: Any,
    upper: Any,
    target: Any,
    s: Scale,
    overall: float | FloatArray,
    below: float,
    above: float,
    convention: str = "qstats",
) -> tuple[Limits, Limits]:
    """Return Cpm and Cpmk with their limits.

    Parameters
    ----------
    lower, upper : float, numpy.ndarray or None
        Specification limits, one of them at least.
    target : float or numpy.ndarray
    s : Scale
        Within: ``"qcc"`` uses its sigma.
    overall : float or numpy.ndarray
        Overall standard deviation (n - 1).
    """  # fmt: skip
    off = s.mean - target
    if convention == "qcc":
        tau = np.hypot(s.sigma, off)
        df = cpm_df(off / s.sigma, s.n) / (1.0 + np.square(off / s.sigma))  # a square that qcc leaves out
        room = (upper - lower) / 2.0 if lower is not None and upper is not None else _nearest(lower, upper, target)
    else:
        tau = np.hypot(overall * np.sqrt((s.n - 1.0) / s.n), off)
        df = cpm_df(off / overall, s.n)
        room = _nearest(lower, upper, target)
    cpm = room / (3.0 * tau)
    low, high = chi_factors(df, below, above)
    nearest = _nearest(lower, upper, s.mean)
    cpmk = nearest / (3.0 * tau)
    towards = np.where(_distance(s.mean, lower) <= _distance(upper, s.mean), -off, off)
    z = cpmk_limits(cpmk, towards / overall, s.n, below, above)
    return Limits(cpm, cpm * low, cpm * high), Limits(cpmk, *z)


def _distance(high: Any, low: Any) -> Any:
    return np.inf if high is None or low is None else high - low


def _nearest(lower: Any, upper: Any, at: Any) -> Any:
    return np.minimum(_distance(at, lower), _distance(upper, at))
