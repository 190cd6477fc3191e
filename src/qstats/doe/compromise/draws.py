"""Joint draws of several fits: what the truth may be, and what the experiment would have shown if it were so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.compromise.surfaces import Surface
from qstats.doe.fitting.kernels.linear import LeastSquares
from qstats.doe.fitting.problem import make_problem
from qstats.doe.fitting.result import DesignFit

__all__ = ["Draws", "correlation", "simulate"]

_CELLS = 1 << 20  # numbers of a block of draws


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws of one response, one row or entry a draw.

    Parameters
    ----------
    truth : ndarray, shape (M, p)
        Coefficients as they may truly be.
    ratio : ndarray, shape (M,)
        True sigma over the estimated one.
    again : ndarray, shape (M, p)
        What the same experiment would have estimated under that truth.
    again_ratio : ndarray, shape (M,)
        Its estimate of sigma over ours.
    """

    truth: FloatArray
    ratio: FloatArray
    again: FloatArray
    again_ratio: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Squares:
    """A least-squares fit: x over its own runs, where they stand in the design, and its smoother."""

    x: FloatArray
    used: BoolArray
    smoother: FloatArray
    residuals: FloatArray


def _squares(fit: DesignFit, fitted: LeastSquares) -> _Squares:
    problem = make_problem(fit.design, fit.model, fit.response, np.asarray(fit.y), check=False)
    whole = np.full(problem.used.size, np.nan)
    whole[problem.used] = fitted.residuals
    return _Squares(problem.x, problem.used, fitted.unscaled @ problem.x.T, whole)


def correlation(residuals: FloatArray) -> FloatArray:
    """Return the correlations of residuals about zero over the runs that two responses share: shape (q, q).

    Parameters
    ----------
    residuals : ndarray, shape (N, q)
        NaN where a response has no value.

    Notes
    -----
    Where responses miss different runs the matrix may have a negative eigenvalue; it is then the nearest one without,
    rescaled to ones on the diagonal.
    """
    known = ~np.isnan(residuals)
    e = np.where(known, residuals, 0.0)
    scale = np.abs(e).max(axis=0)
    e = e / np.where(scale > 0.0, scale, 1.0)
    cross, square = e.T @ e, (e**2).T @ known.astype(np.float64)
    size = np.sqrt(square * square.T)
    r = np.where(size > 0.0, cross / np.where(size > 0.0, size, 1.0), 0.0)
    np.fill_diagonal(r, 1.0)
    value, vector = np.linalg.eigh(r)
    if value.min() >= 0.0:
        return np.asarray(r)
    r = (vector * np.maximum(value, 0.0)) @ vector.T
    d = np.sqrt(np.diag(r))
    return np.asarray(r / np.outer(d, d))


def _root(covariance: FloatArray) -> FloatArray:
    """A with A A' = covariance, whatever its rank and units."""
    d = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    unit = np.where(d > 0.0, d, 1.0)
    value, vector = np.linalg.eigh(covariance / np.outer(unit, unit))
    return np.asarray(unit[:, None] * vector * np.sqrt(np.maximum(value, 0.0)))


def _same_runs(a: DesignFit, b: DesignFit) -> bool:
    return np.array_equal(a.design.coded, b.design.coded) and np.array_equal(a.design.block, b.design.block)


def simulate(
    surfaces: Sequence[Surface], draws: int, rng: np.random.Generator
) -> tuple[tuple[Draws, ...], FloatArray, tuple[str, ...]]:
    """Return draws of all responses, the correlation they were drawn with, and which of them were drawn by themselves.

    Parameters
    ----------
    surfaces : sequence of Surface
    draws : int
    rng : Generator

    Returns
    -------
    draws : tuple of Draws
    correlation : ndarray, shape (q, q)
        Of the errors within a run; zero between responses drawn by themselves.
    alone : tuple of str
        Uncertain responses that are no least-squares fits of the same runs as the others.
    """
    q = len(surfaces)
    found: list[Draws | None] = [None] * q
    r = np.eye(q)
    groups = _groups(surfaces)
    for group in groups:
        held = [_held(surfaces[i]) for i in group]
        inner = correlation(np.column_stack([h.residuals for h in held]))
        r[np.ix_(group, group)] = inner
        drawn = _least_squares([surfaces[i] for i in group], held, inner, draws, rng)
        for i, d in zip(group, drawn, strict=True):
            found[i] = d
    for i, s in enumerate(surfaces):
        if found[i] is None:
            found[i] = _by_covariance(s, draws, rng)
    largest = max(groups, key=len, default=[])
    uncertain = [i for i, s in enumerate(surfaces) if s.fit is not None]
    alone = tuple(surfaces[i].name for i in uncertain if i not in largest) if len(uncertain) > 1 else ()
    return tuple(d for d in found if d is not None), r, alone


def _held(surface: Surface) -> _Squares:
    assert surface.fit is not None and isinstance(surface.fit.fitted, LeastSquares)
    return _squares(surface.fit, surface.fit.fitted)


def _plain(fit: DesignFit | None) -> bool:
    return (
        fit is not None
        and fit.distribution in ("normal", "lognormal")
        and fit.censored is None
        and not fit.design.split_plot
    )


def _groups(surfaces: Sequence[Surface]) -> list[list[int]]:
    """Least-squares fits, those of the same runs together."""
    groups: list[list[int]] = []
    for i, s in enumerate(surfaces):
        if s.fit is None or not _plain(s.fit):
            continue
        for group in groups:
            other = surfaces[group[0]].fit
            if other is not None and _same_runs(s.fit, other):
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def _least_squares(
    surfaces: Sequence[Surface], held: Sequence[_Squares], r: FloatArray, draws: int, rng: np.random.Generator
) -> list[Draws]:
    """The exact joint law of estimates under normal errors that are correlated within a run."""
    root = _root(r)
    n, q = held[0].used.size, len(surfaces)
    block = max(1, _CELLS // (n * q))
    parts: list[list[Draws]] = [[] for _ in surfaces]
    for start in range(0, draws, block):
        m = min(block, draws - start)
        first, second = (rng.normal(size=(m, n, q)) @ root.T for _ in range(2))
        for j, (s, h) in enumerate(zip(surfaces, held, strict=True)):
            parts[j].append(_pivoted(s, h, first[:, h.used, j], second[:, h.used, j]))
    names = ("truth", "ratio", "again", "again_ratio")
    return [Draws(*(np.concatenate([getattr(d, name) for d in part]) for name in names)) for part in parts]


def _pivoted(s: Surface, h: _Squares, e: FloatArray, e_again: FloatArray) -> Draws:
    """Estimates are truth + sigma H e: the same errors turned round give the truth from the estimates."""
    change, change_again = e @ h.smoother.T, e_again @ h.smoother.T
    left, left_again = e - change @ h.x.T, e_again - change_again @ h.x.T
    ratio = np.sqrt(s.df / (left**2).sum(axis=1))
    truth = s.coefficients - s.sigma * ratio[:, None] * change
    again = truth + s.sigma * ratio[:, None] * change_again
    return Draws(truth, ratio, again, ratio * np.sqrt((left_again**2).sum(axis=1) / s.df))


def _by_covariance(s: Surface, draws: int, rng: np.random.Generator) -> Draws:
    """A normal law of the coefficients, or Student's where the degrees of freedom are finite."""
    p = s.coefficients.size
    if s.fit is None:
        ones, same = np.ones(draws), np.broadcast_to(s.coefficients, (draws, p))
        return Draws(same, ones, same, ones)
    root = _root(np.asarray(s.fit.fitted.covariance))
    ratio, shrink = _chi(s.df, draws, rng), 1.0 / _chi(s.df, draws, rng)
    truth = s.coefficients - ratio[:, None] * (rng.normal(size=(draws, p)) @ root.T)
    again = truth + ratio[:, None] * (rng.normal(size=(draws, p)) @ root.T)
    return Draws(truth, ratio, again, ratio * shrink)


def _chi(df: float, draws: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    return np.ones(draws) if np.isinf(df) else np.sqrt(df / rng.chisquare(df, draws))
