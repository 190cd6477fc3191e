"""Sites by periods: regressions with an effect of every site and every period, and permutations of the sites' dates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray

__all__ = ["TwoWay", "arrangements", "fit_two_way", "permutation_pvalue"]

_ROUNDS = 60
_EDGE = 30.0  # a log ratio beyond this is on its way to infinity
_DRAWS = 1999
_ALL = 5000
_SAME = 1e-9


class TwoWay(NamedTuple):
    """A fitted regression of sites (S) by periods (T) on k columns beside the effects of sites and periods.

    `effect` (k,), its `information` (k, k) at dispersion 1, the `periods` effects (T,), the `weight` and `pull` (weight
    times residual) of every cell (S, T), the columns clear of sites and periods (k, S, T), dispersion and its df.
    """

    effect: FloatArray
    information: FloatArray
    periods: FloatArray
    weight: FloatArray
    pull: FloatArray
    clear: FloatArray
    phi: float
    df: float
    settled: bool


class _Margins(NamedTuple):
    """Weights of the cells and what projecting on sites and periods needs of them."""

    weight: FloatArray
    rows: FloatArray
    inverse: FloatArray
    rank: int


def _margins(w: FloatArray) -> _Margins:
    rows = w.sum(axis=1)
    inner = np.diag(w.sum(axis=0)) - w.T @ (w / rows[:, None])
    values, vectors = np.linalg.eigh(inner)
    good = values > 1e-10 * max(float(values[-1]), 1e-300)  # one combination per connected part of the table is free
    inverse = (vectors[:, good] / values[good]) @ vectors[:, good].T
    return _Margins(w, rows, inverse, rows.size + int(good.sum()))


def _split(m: _Margins, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weighted least squares of columns (k, S, T) on sites and periods: the effects (k, S) and (k, T)."""
    rows, columns = (m.weight * x).sum(axis=2), (m.weight * x).sum(axis=1)
    b = (columns - (rows / m.rows) @ m.weight) @ m.inverse
    return (rows - b @ m.weight.T) / m.rows, b


def _cleared(m: _Margins, x: FloatArray) -> FloatArray:
    a, b = _split(m, x)
    return np.asarray(x - a[:, :, None] - b[:, None, :])


def fit_two_way(
    total: FloatArray, exposure: FloatArray, columns: FloatArray, *, variance: float | None = None
) -> TwoWay | None:
    """Fit sites + periods + columns: log-linear to counts, or linear to means of values with this `variance`.

    Parameters
    ----------
    total, exposure : ndarray, shape (S, T)
        Counts or sums, and exposure or number of values; a cell without exposure is not used. Every site and period
        must have exposure, and of counts an event.
    columns : ndarray, shape (k, S, T)
    variance : float, optional
        Of single values; None: counts. 0 where it is not known: the scatter between cells is all there is.

    Returns
    -------
    TwoWay or None
        None where a column cannot be told apart from sites and periods, or no degree of freedom is left.
    """
    counts, seen = variance is None, exposure > 0
    e = np.where(seen, exposure, 1.0)
    value = np.where(seen, total / e, 0.0)
    eta = np.where(seen, np.log((total + 0.5) / e), 0.0) if counts else value
    unit = 1.0 if counts or not variance else variance
    mean, weight = _moments(eta, e, seen, counts, unit)
    effect, settled = np.zeros(columns.shape[0]), False
    for _ in range(_ROUNDS if counts else 1):
        m = _margins(weight)
        work = np.where(seen, eta + (total - e * mean) / np.where(seen, weight, 1.0), 0.0) if counts else value
        clear = _cleared(m, columns)
        information = np.einsum("kst,st,jst->kj", clear, weight, columns)
        scale = np.einsum("kst,st,kst->k", columns, weight, columns)
        if effect.size and not (np.linalg.eigvalsh(information).min() > 1e-9 * max(float(scale.max()), 1e-300)):
            return None
        new = np.linalg.solve(information, np.einsum("kst,st,st->k", clear, weight, work)) if effect.size else effect
        a, b = _split(m, (work - np.tensordot(new, columns, 1))[None])
        last, eta = eta, np.where(seen, a[0][:, None] + b[0] + np.tensordot(new, columns, 1), 0.0)
        effect, settled = new, not counts or float(np.abs(eta - last)[seen].max()) < 1e-9
        mean, weight = _moments(eta, e, seen, counts, unit)
        if settled or (effect.size and float(np.abs(effect).max()) > _EDGE):
            break
    df = float(seen.sum()) - m.rank - effect.size
    if df < 1.0:
        return None
    pull = np.where(seen, (total - e * mean) / unit, 0.0)
    phi = float((pull**2 / np.where(seen, weight, 1.0)).sum()) / df
    return TwoWay(effect, information, b[0], weight, pull, clear, phi, df, settled)


def _moments(
    eta: FloatArray, e: FloatArray, seen: BoolArray, counts: bool, unit: float
) -> tuple[FloatArray, FloatArray]:
    """Mean per unit of exposure, and the weight of each cell."""
    mean = np.exp(np.clip(eta, -700.0, 700.0)) if counts else eta
    return mean, np.where(seen, e * mean if counts else e / unit, 0.0)


def arrangements(dates: npt.NDArray[np.intp], seed: int) -> tuple[npt.NDArray[np.intp], bool]:
    """Return arrangements of the sites' dates, shape (m, S): all distinct ones up to 5,000, else 1,999 drawn.

    Also whether these are all of them.
    """
    _, counts = np.unique(dates, return_counts=True)
    log_count = math.lgamma(dates.size + 1.0) - sum(math.lgamma(c + 1.0) for c in counts)
    if log_count <= math.log(_ALL + 0.5):
        return np.array(list(_distinct(tuple(sorted(dates.tolist()))))), True
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(dates, (_DRAWS, 1)), axis=1), False


def _distinct(values: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if len(values) <= 1:
        yield values
        return
    for i, first in enumerate(values):
        if i and values[i - 1] == first:
            continue
        for rest in _distinct(values[:i] + values[i + 1 :]):
            yield (first, *rest)


def permutation_pvalue(null: TwoWay, on: FloatArray, dates: npt.NDArray[np.intp], seed: int) -> float:
    """Return the two-sided p-value of the action by giving the dates to other sites.

    Parameters
    ----------
    null : TwoWay
        Sites and periods without the action.
    on : ndarray, shape (G, T)
        1 where the action of date g is in force.
    dates : ndarray of int, shape (S,)
        Which date each site has.
    seed : int

    Notes
    -----
    The statistic is the efficient score over its root information, ``U / sqrt(V)``; the fit without the action is the
    same for every arrangement. All arrangements: their share at least as extreme; drawn ones: (1 + hits) / (1 + drawn).
    """
    m = _margins(null.weight)
    reach, pull = null.weight @ on.T, null.pull @ on.T  # (S, G): of each site, had it each date

    def statistic(given: npt.NDArray[np.intp]) -> FloatArray:
        sites = np.arange(dates.size)
        rows = reach[sites, given]
        score = pull[sites, given].sum(axis=1)
        columns = np.zeros((given.shape[0], on.shape[1]))
        for g, line in enumerate(on):
            columns += (given == g).astype(np.float64) @ (null.weight * line)
        rest = columns - (rows / m.rows) @ m.weight
        taken = (rows * rows / m.rows).sum(axis=1) + np.einsum("pt,tu,pu->p", rest, m.inverse, rest)
        whole = rows.sum(axis=1)
        information = np.where(whole - taken > 1e-9 * np.maximum(whole, 1e-300), whole - taken, np.inf)
        return np.asarray(np.abs(score) / np.sqrt(information))

    given, complete = arrangements(dates, seed)
    observed = float(statistic(dates[None, :])[0])
    hits = int(np.count_nonzero(statistic(given) >= observed - _SAME * (1.0 + observed)))
    drawn = int(given.shape[0])
    return hits / drawn if complete else (1 + hits) / (1 + drawn)
