"""Power of the F test of every term: exact, by the noncentral F distribution."""

from __future__ import annotations

import itertools
import math

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.doe.evaluation.matrices import Matrices
from qstats.doe.terms import Term

__all__ = ["f_power", "patterns", "term_degrees", "term_power"]

_MOST_PATTERNS = 4096


def f_power(df: float, df_error: float, noncentrality: float, alpha: float) -> float:
    """Return the chance that an F statistic with this noncentrality passes its upper alpha point.

    A sum over Poisson weights of tails of the beta distribution: all terms are positive, nothing cancels.

    Parameters
    ----------
    df, df_error : float
        Above 0.
    noncentrality : float
        At least 0.
    alpha : float

    Examples
    --------
    >>> round(f_power(1, 10, 0.0, 0.05), 12)
    0.05
    """
    if math.isinf(noncentrality):
        return 1.0
    half = 0.5 * noncentrality
    # 1 - x where F is critical, with x = df F / (df F + df_error)
    rest = float(scipy.special.betaincinv(0.5 * df_error, 0.5 * df, alpha))
    width = 12.0 * math.sqrt(half) + 60.0
    j = np.arange(max(0.0, math.floor(half - width)), math.ceil(half + width) + 1.0)
    log = j * math.log(half) - half - scipy.special.gammaln(j + 1.0) if half > 0.0 else np.where(j == 0.0, 0.0, -np.inf)
    tail = scipy.special.betainc(0.5 * df_error, 0.5 * df + j, rest)
    return float(min(1.0, np.sum(np.exp(log) * tail)))


def patterns(held: Matrices, term: Term, size: float) -> FloatArray:
    """Return coefficients of one term for which it matters least: shape (m, columns of the term).

    Numbers change the response by twice `size` over their range; of a category one level is `size` above and one below
    the mean, for every pair of levels.
    """
    factors = {f.name: f for f in held.design.factors}
    found = np.array([[size]])
    for name in dict.fromkeys(p.name for p in term.parts):
        factor = factors[name]
        if factor.numeric:
            continue
        m = len(factor.levels)
        rows = []
        for a, b in itertools.combinations(range(m), 2):
            row = np.zeros(m)
            row[a], row[b] = 1.0, -1.0
            rows.append(row[1:])
        single = np.array(rows)[: max(1, _MOST_PATTERNS // found.shape[0])]
        found = (found[:, None, :, None] * single[None, :, None, :]).reshape(len(found) * len(single), -1)
    return found


def term_degrees(held: Matrices) -> FloatArray:
    """Return error degrees of freedom of every term; in a split-plot those of its own stratum.

    Terms of factors hard to change alone are judged by the differences between whole plots, all others within them.
    """
    d = held.design
    terms = held.basis.model.terms
    if not d.split_plot:
        return np.full(len(terms), float(len(d) - held.rank))
    hard = {f.name for f in d.factors if f.hard_to_change}
    above = np.array([set(t.names) <= hard for t in terms])
    plots = int(np.unique(d.whole_plot).size)
    columns = above[held.basis.term]
    upper = plots - int(np.linalg.matrix_rank(held.x[:, columns])) if columns.any() else plots
    lower = (
        len(d) - plots - (held.rank - int(np.linalg.matrix_rank(held.x[:, columns])) if columns.any() else held.rank)
    )
    return np.where(above, float(max(upper, 0)), float(max(lower, 0)))


def term_power(held: Matrices, effect: float, alpha: float) -> tuple[FloatArray, FloatArray]:
    """Return power of every term for a change of `effect` sigma over its range, and the df of its error.

    NaN where a term cannot be estimated or nothing is left to judge the error by.
    """
    terms = held.basis.model.terms
    df = term_degrees(held)
    power = np.full(len(terms), np.nan)
    for i, term in enumerate(terms):
        mine = np.flatnonzero(held.basis.term == i)
        if df[i] < 1.0 or not held.estimable[mine].all():
            continue
        beta = patterns(held, term, 0.5 * effect)
        inner = np.linalg.inv(held.covariance[np.ix_(mine, mine)])
        least = float(((beta @ inner) * beta).sum(axis=1).min())
        power[i] = f_power(float(mine.size), df[i], least, alpha)
    return power, df
