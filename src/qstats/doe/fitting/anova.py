"""Analysis of variance by least squares: sums of squares of types I, II and III, tests of each term."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.fitting.kernels.linear import LeastSquares, decompose, unexplained
from qstats.doe.fitting.lack_of_fit import LackOfFit
from qstats.doe.fitting.problem import Group, Problem, groups_of
from qstats.inference.groups.kernels import f_sf

__all__ = ["TYPES", "AnovaRow", "analysis_of_variance", "total_of"]

TYPES = ("I", "II", "III")
_ROUNDING = (64.0 * np.finfo(float).eps) ** 2


@dataclass(frozen=True, slots=True)
class AnovaRow:
    """One row of an analysis of variance, or of deviance.

    Parameters
    ----------
    source : str
        A term, ``"block"``, ``"linear mixture"``, ``"residual"``, ``"lack of fit"``, ``"pure error"`` or ``"total"``.
    df : float
    ss, ms : float or None
        Sum of squares and mean square; None where the test is not of least squares.
    f : float or None
        Statistic of the test: F, or chi-square where `test` says so. None where there is nothing to test with.
    p : float or None
    df_error : float or None
        Denominator degrees of freedom; infinite for a chi-square.
    test : {"F", "chi-square"}
    """

    source: str
    df: float
    ss: float | None
    ms: float | None
    f: float | None
    p: float | None
    df_error: float | None = None
    test: str = "F"


def analysis_of_variance(p: Problem, fitted: LeastSquares, lack: LackOfFit | None, kind: str) -> tuple[AnovaRow, ...]:
    """Return the rows: blocks, terms, residual with its parts, total.

    Parameters
    ----------
    p : Problem
    fitted : LeastSquares
    lack : LackOfFit or None
    kind : {"I", "II", "III"}
        Each after those before it; after all that do not contain it; after all others.
    """
    x, constant, groups = groups_of(p)
    sums = _sums(x, p.scaled, constant, groups, kind)
    df = int(fitted.df)
    rss = float(fitted.residuals @ fitted.residuals)
    rows = [_tested(g.source, len(g.columns), ss, rss, df) for g, ss in zip(groups, sums, strict=True)]
    rows.append(AnovaRow("residual", df, rss, rss / df if df else None, None, None))
    if lack is not None:
        rows += _parts(lack)
    total, of = total_of(p.scaled, bool(constant))
    return (*rows, AnovaRow("total", of, total, None, None, None))


def total_of(y: FloatArray, about_mean: bool) -> tuple[float, int]:
    """Return the sum of squares about the mean, or about zero if no constant is in the model, and its df."""
    if not about_mean:
        return float(y @ y), y.size
    d = y - y.mean()
    d -= d.mean()
    return float(d @ d), y.size - 1


def _tested(source: str, k: int, ss: float, rss: float, df: int) -> AnovaRow:
    if not df or not k:
        return AnovaRow(source, k, ss, ss / k if k else None, None, None)
    f = ss / k / (rss / df) if rss > 0.0 else (math.inf if ss > 0.0 else 0.0)
    return AnovaRow(source, k, ss, ss / k, f, f_sf(f, k, df), float(df))


def _parts(lack: LackOfFit) -> list[AnovaRow]:
    rows = []
    if lack.df:
        rows.append(AnovaRow("lack of fit", lack.df, lack.ss, lack.ss / lack.df, lack.f, lack.p, float(lack.df_pure)))
    rows.append(AnovaRow("pure error", lack.df_pure, lack.ss_pure, lack.ss_pure / lack.df_pure, None, None))
    return rows


def _sums(x: FloatArray, y: FloatArray, constant: list[int], groups: list[Group], kind: str) -> list[float]:
    """Sum of squares of every group; those that rounding made are zero."""
    d = decompose(x)
    centred = y - y.mean() if constant else y
    z = d.q.T @ centred
    small = _ROUNDING * float(centred @ centred)
    if kind == "I":
        order = [*constant, *(j for g in groups for j in g.columns)]
        share = (np.linalg.qr(d.r[:, order])[0].T @ z) ** 2
        ends = np.cumsum([len(constant), *(len(g.columns) for g in groups)])
        found = [float(share[a:b].sum()) for a, b in itertools.pairwise(ends.tolist())]
    else:
        found = _after_others(d.r, z, groups, kind)
    return [ss if ss > small else 0.0 for ss in found]


def _after_others(r: FloatArray, z: FloatArray, groups: list[Group], kind: str) -> list[float]:
    inverse = np.linalg.solve(r, np.eye(r.shape[1]))
    single = (inverse @ z) ** 2 / np.einsum("ij,ij->i", inverse, inverse)
    found = []
    for g in groups:
        above = g.above if kind == "II" else ()
        if len(g.columns) == 1 and not above:
            found.append(float(single[g.columns[0]]))
            continue
        gone = {*g.columns, *above}
        base = [j for j in range(r.shape[1]) if j not in gone]
        rest = unexplained(np.linalg.qr(r[:, base])[0], r[:, list(g.columns)]) if base else r[:, list(g.columns)]
        found.append(float(((np.linalg.qr(rest)[0].T @ z) ** 2).sum()))
    return found
