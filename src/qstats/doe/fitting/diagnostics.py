"""Residuals that tell whether the model can be believed: outliers, influence, normality, drift in time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import t_sf
from qstats.capability.nonnormal.normality import NormalityTests, tests_of
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.kernels.linear import decompose, unexplained
from qstats.doe.fitting.problem import Problem

__all__ = ["Diagnostics", "RunOrder", "diagnose", "press_of"]

FULL = 1.0 - 1e-10  # a leverage beyond it: the run decides its own fitted value
_FEWEST = 8
_FREE = 0.3  # share of runs left for the error below which residuals are alike for any errors, and no test holds


@dataclass(frozen=True, slots=True)
class RunOrder:
    """Whether residuals follow the order the runs were carried out in.

    Parameters
    ----------
    slope : float
        Change of the response per run that the order explains beside the model.
    t, p : float
        Its test: the order as one more column of the model.
    autocorrelation : float
        Of each residual with the next.
    durbin_watson, p_durbin_watson : float
        Statistic near 2 if neighbours have nothing in common; p-value of both sides from the beta distribution with
        the exact mean and variance for this model.
    """

    slope: float
    t: float
    p: float
    autocorrelation: float
    durbin_watson: float
    p_durbin_watson: float


@dataclass(frozen=True, slots=True, eq=False)
class Diagnostics:
    """One entry for each run with a response, in standard order; NaN where a leverage of 1 leaves no residual.

    Parameters
    ----------
    run : ndarray of int, shape (n,)
        Row of the design, from 1.
    residual, leverage : ndarray, shape (n,)
    studentized : ndarray, shape (n,)
        Residual over its standard error (internally studentised).
    deleted : ndarray or None, shape (n,)
        The same with the run itself left out of sigma (externally studentised): Student's t. Least squares only.
    cook : ndarray, shape (n,)
        Cook's distance.
    dffits : ndarray or None, shape (n,)
        Change of the fitted value without the run, in standard errors. Least squares only.
    outlier_pvalue : float or None
        Of the largest deleted residual, by Bonferroni for all runs.
    normality : NormalityTests or None
        Of the residuals, from 8 runs on, three tenths of which are left for the error; with fewer left residuals are
        alike whatever the errors are.
    run_order : RunOrder or None
    """

    run: np.ndarray[tuple[int], np.dtype[np.int64]]
    residual: FloatArray
    leverage: FloatArray
    studentized: FloatArray
    deleted: FloatArray | None
    cook: FloatArray
    dffits: FloatArray | None
    outlier_pvalue: float | None
    normality: NormalityTests | None
    run_order: RunOrder | None


def press_of(residual: FloatArray, leverage: FloatArray) -> float:
    """Return the sum of squares of runs predicted by all the others; infinite where one cannot be."""
    if (leverage > FULL).any():
        return math.inf
    d = residual / (1.0 - leverage)
    return float(d @ d)


def diagnose(p: Problem, fitted: Fitted) -> Diagnostics:
    """Return everything residuals tell."""
    e, h, df = fitted.residuals, fitted.leverage, fitted.df
    plain = p.least_squares
    live = (h <= FULL) & (0.0 < fitted.sigma < math.inf)
    free = np.where(live, 1.0 - h, 1.0)
    internal = np.where(live, e / (np.sqrt(free) * (fitted.sigma if live.any() else 1.0)), np.nan)
    cook = internal**2 * h / (free * p.x.shape[1])
    deleted = dffits = outlier = None
    if plain:
        # without the run the rest fits exactly, where its square reaches the degrees of freedom
        rest = np.maximum(df - internal**2, 1e-12 * max(df, 1.0))
        deleted = np.where(live & (df > 1.0), internal * np.sqrt((df - 1.0) / rest) if df > 1.0 else np.nan, np.nan)
        dffits = deleted * np.sqrt(h / free)
        outlier = _outlier(deleted, df)
    varies = bool(live.any()) and float(e.max() - e.min()) > 0.0
    return Diagnostics(
        run=np.flatnonzero(p.used) + 1, residual=e, leverage=h, studentized=internal, deleted=deleted, cook=cook,
        dffits=dffits, outlier_pvalue=outlier, normality=tests_of(e) if varies and _enough(p) else None,
        run_order=_run_order(p, fitted) if plain and varies else None,
    )  # fmt: skip


def _enough(p: Problem) -> bool:
    n, k = p.x.shape
    return bool(n >= _FEWEST and n - k >= _FREE * n)


def _outlier(deleted: FloatArray, df: float) -> float | None:
    known = deleted[~np.isnan(deleted)]
    if not known.size or df <= 1.0:
        return None
    return min(1.0, known.size * 2.0 * float(t_sf(float(np.abs(known).max()), df - 1.0)))


def _run_order(p: Problem, fitted: Fitted) -> RunOrder | None:
    df, n = fitted.df, p.y.size
    order = p.design.run_order[p.used[p.design.run_order]]
    place = np.empty(p.used.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    q = decompose(p.x).q
    time = place[p.used].astype(np.float64)
    alone = unexplained(q, time - time.mean())
    size = float(alone @ alone)
    if df < 2.0 or size < 1e-9 * n**3:
        return None  # the order is a column of the model, as in a design run in standard order
    e = fitted.residuals
    slope = float(alone @ e) / size
    rss = float(e @ e)
    rest = max(rss - slope * slope * size, 1e-30 * rss)
    t = slope * math.sqrt(size * (df - 1.0) / rest)
    in_time = np.argsort(place[p.used])
    d, pvalue = _durbin_watson(q[in_time], e[in_time], df)
    r = float(e[in_time][1:] @ e[in_time][:-1]) / rss
    return RunOrder(slope, t, 2.0 * float(t_sf(abs(t), df - 1.0)), r, d, pvalue)


def _durbin_watson(q: FloatArray, e: FloatArray, df: float) -> tuple[float, float]:
    """Statistic, and p-value from the beta distribution on 0 to 4 with its exact mean and variance."""
    n = e.size
    step = np.diff(e)
    d = float(step @ step) / float(e @ e)
    dq = np.diff(q, axis=0)
    inner = dq.T @ dq
    # A q, of A = D'D: second differences with the ends held
    aq = np.concatenate([-dq[:1], dq[:-1] - dq[1:], dq[-1:]])
    one = 2.0 * (n - 1) - float(np.trace(inner))
    two = 2.0 * (3.0 * n - 4.0) - 2.0 * float((aq * aq).sum()) + float((inner * inner).sum())
    mean = one / df
    variance = 2.0 * (two - one * mean) / (df * (df + 2.0))
    if variance <= 1e-12:
        return d, 1.0
    m, v = mean / 4.0, variance / 16.0
    size = m * (1.0 - m) / v - 1.0
    below = float(scipy.special.betainc(m * size, (1.0 - m) * size, min(d / 4.0, 1.0)))
    return d, min(1.0, 2.0 * min(below, 1.0 - below))
