"""Proportional odds: what moves answers on an ordered scale, several terms at once, with the assumption tested."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_quantile, chi2_sf
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, NoConvergence, TooFewData
from qstats.inference.ordinal.cumulative_logit import Grouped, LogitFit, fit_free, fit_logit, group_rows

__all__ = ["ProportionalOdds", "TermTest", "proportional_odds"]

_SOURCE = "McCullagh (1980), JRSS B 42, 109-142; Venzon & Moolgavkar (1988), Applied Statistics 37, 87-94 (limits)"
# A slope that has run off to infinity: log odds ratio over the range of its column, and error, that no sample gives.
_RUN_OFF, _VAGUE = 15.0, 30.0
_MOST = 1e140


@dataclass(frozen=True, slots=True)
class TermTest:
    """Two likelihood-ratio tests of one term.

    Parameters
    ----------
    name : str
    df : int
    statistic, pvalue : float
        Does the term matter at all?
    assumption_df : int
    assumption_statistic, assumption_pvalue : float
        Is its odds ratio the same at every cut of the scale? A small p-value says no. NaN with two categories, where
        there is one cut only, and where the fit with a slope for each cut found no maximum (a note says so).
    """

    name: str
    df: int
    statistic: float
    pvalue: float
    assumption_df: int
    assumption_statistic: float
    assumption_pvalue: float


@dataclass(frozen=True, slots=True, eq=False)
class ProportionalOdds(Result):
    """Odds ratios of higher answers.

    Parameters
    ----------
    names : tuple of str
        One per coefficient: the term, or ``term[level]`` for a level against the first one.
    coefficient, se : ndarray, shape (p,)
        Log odds ratio of a higher answer per unit (or level), and its standard error from expected information.
    odds_ratio : ndarray, shape (p,)
    interval : Intervals
        Of the odds ratios, by profile likelihood.
    pvalue : ndarray, shape (p,)
        Likelihood ratio, against an odds ratio of 1; below ``1 - confidence`` exactly when 1 lies outside the interval.
    terms : tuple of TermTest
    levels : tuple of float
        Scores seen, rising.
    thresholds : ndarray, shape (k - 1,)
        Log odds of an answer at or below each level but the last, where all columns are zero.
    loglik : float
    n : int
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.proportional_odds/1"
    title: ClassVar[str] = "Proportional odds"

    names: tuple[str, ...]
    coefficient: FloatArray
    se: FloatArray
    odds_ratio: FloatArray
    interval: Intervals
    pvalue: FloatArray
    terms: tuple[TermTest, ...]
    levels: tuple[float, ...]
    thresholds: FloatArray
    loglik: float
    n: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        ratios = [
            (name, f"odds ratio {self.odds_ratio[i]:.4g} {self.interval.at(i)}, p {self.pvalue[i]:.4g}")
            for i, name in enumerate(self.names)
        ]
        tests = [
            (f"{t.name}: same at every cut?", f"chi-square {t.assumption_statistic:.4g}, p {t.assumption_pvalue:.4g}")
            for t in self.terms
            if t.assumption_df and not math.isnan(t.assumption_pvalue)
        ]
        return [*ratios, *tests, ("n", f"{self.n}"), ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "name": list(self.names),
            "coefficient": self.coefficient,
            "se": self.se,
            "odds_ratio": self.odds_ratio,
            "low": self.interval.low,
            "high": self.interval.high,
            "pvalue": self.pvalue,
        }


def _columns_of(name: str, data: Any, n: int) -> tuple[list[str], FloatArray]:
    """Return the columns of one term: itself when numbers, one per level after the first when labels."""
    column = np.asarray(data)
    if column.dtype.kind in "OUST" and not all(isinstance(v, int | float | np.number) for v in column.flat):
        if column.ndim != 1 or column.size != n:
            raise DataError(f"terms: {name!r} has shape {column.shape} for {n} scores; one label each is wanted")
        if column.dtype.kind == "O" and any(v is None or v != v for v in column):
            raise DataError(f"terms: {name!r} has missing labels; give every answer one or leave it out")
        levels, codes = np.unique(column.astype(np.str_), return_inverse=True)
        labels = [f"{name}[{level}]" for level in levels[1:]]
        return labels, (codes[:, np.newaxis] == np.arange(1, levels.size)).astype(np.float64)
    values = as_vector(data, f"terms[{name!r}]", missing="never")
    if values.size != n:
        raise DataError(f"terms: {name!r} has {values.size} values for {n} scores; one each is wanted")
    return [name], values[:, np.newaxis]


def _design(terms: Any, n: int) -> tuple[list[str], list[tuple[str, npt.NDArray[np.intp]]], FloatArray]:
    """Return coefficient names, the columns of each term, and the design matrix."""
    if not isinstance(terms, Mapping) or not terms:
        raise DataError(f"terms: got {type(terms).__name__}; a mapping of names to columns is wanted")
    names: list[str] = []
    spans: list[tuple[str, npt.NDArray[np.intp]]] = []
    blocks = []
    for name, data in terms.items():
        labels, block = _columns_of(str(name), data, n)
        if not block.shape[1] or np.ptp(block, axis=0).min() == 0:
            raise DataError(f"terms: {str(name)!r} is the same for every answer; leave it out")
        spans.append((str(name), np.arange(len(names), len(names) + len(labels))))
        names += labels
        blocks.append(block)
    design = np.concatenate(blocks, axis=1)
    if not np.abs(design).max() < _MOST or not np.ptp(design, axis=0).min() > 1.0 / _MOST:
        raise DataError(f"terms: values up to {np.abs(design).max():g} have no squares in float64; scale the columns")
    if n <= design.shape[1]:
        raise TooFewData(f"scores: {n} answers came for {design.shape[1]} coefficients; more answers are wanted")
    centred = (design - design.mean(axis=0)) / design.std(axis=0)
    if np.linalg.matrix_rank(centred) < design.shape[1]:
        raise DataError("terms: some columns follow from the others; leave out those that repeat")
    return names, spans, design


def _standard_errors(fit: LogitFit, data: Grouped, names: list[str]) -> FloatArray:
    """Return the standard errors of the slopes, or refuse slopes that have none because they separate the scores."""
    m = data.counts.shape[1] - 1
    reach = np.abs(fit.parameters[m:]) * np.ptp(data.design, axis=0)
    root = np.sqrt(np.maximum(np.diag(fit.information), 1e-300))
    scaled = fit.information / np.outer(root, root)
    inverse = np.linalg.inv(scaled + 1e-13 * np.eye(root.size))  # what has run off gets a large error, not an exception
    se = (np.sqrt(np.maximum(np.diag(inverse), 0.0)) / root)[m:]
    if (off := (reach > _RUN_OFF) & (se > _VAGUE)).any():
        name = names[int(np.argmax(off))]
        raise NoConvergence(
            f"terms: {name!r} separates the scores, so its odds ratio has no upper end; compare the groups with "
            "compare_ordinal, or leave the term out"
        )
    return se  # type: ignore[no-any-return]


class _Profile:
    """Likelihood of the model with one coefficient held fixed."""

    def __init__(self, data: Grouped, fit: LogitFit, column: int, se: float) -> None:
        self.rest = Grouped(np.delete(data.design, column, axis=1), data.counts)
        self.column, self.top, self.se = data.design[:, column], fit.loglik, se
        at = data.counts.shape[1] - 1 + column
        self.at, self.start = float(fit.parameters[at]), np.delete(fit.parameters, at)

    def root(self, value: float) -> float:
        """Return the signed root of twice the loss of log-likelihood at `value`."""
        held = fit_logit(self.rest, offset=-self.column * value, start=self.start if value != 0.0 else None)
        loss = max(2.0 * (self.top - held.loglik), 0.0)
        return math.copysign(math.sqrt(loss), value - self.at)

    def limit(self, goal: float) -> float:
        """Return where the root is `goal`: secants inside a bracket, the root being close to a straight line."""
        inner, inner_root, outer = self.at, 0.0, self.at + 1.05 * goal * self.se
        outer_root = self.root(outer)
        for _ in range(30):
            if abs(outer_root) >= abs(goal):
                break
            inner, inner_root, outer = outer, outer_root, outer + (outer - self.at)
            outer_root = self.root(outer)
        else:
            return math.copysign(math.inf, goal)
        for _ in range(60):
            share = (goal - inner_root) / (outer_root - inner_root)
            middle = inner + min(max(share, 0.01), 0.99) * (outer - inner)
            value = self.root(middle)
            if abs(value - goal) < 1e-8 or abs(outer - inner) < 1e-12 * (1.0 + abs(middle)):
                break
            if abs(value) < abs(goal):
                inner, inner_root = middle, value
            else:
                outer, outer_root = middle, value
        return middle


def _term_test(data: Grouped, fit: LogitFit, name: str, columns: npt.NDArray[np.intp]) -> TermTest:
    """Return the tests of one term: left out, and with an odds ratio for each cut."""
    m, p = data.counts.shape[1] - 1, data.design.shape[1]
    without = fit_logit(Grouped(np.delete(data.design, columns, axis=1), data.counts))
    matters = max(2.0 * (fit.loglik - without.loglik), 0.0)
    df = int(columns.size)
    pvalue = float(chi2_sf(matters, df))
    if m < 2:
        return TermTest(name, df, matters, pvalue, 0, math.nan, math.nan)
    start = np.concatenate([fit.parameters[: m + p], np.zeros((m - 1) * df)])
    try:
        top = fit_free(data, columns, start)
    except NoConvergence:  # the test is lost, not the fit
        return TermTest(name, df, matters, pvalue, (m - 1) * df, math.nan, math.nan)
    bends = max(2.0 * (top - fit.loglik), 0.0)
    return TermTest(name, df, matters, pvalue, (m - 1) * df, bends, float(chi2_sf(bends, (m - 1) * df)))


def _all_tests(
    data: Grouped, fit: LogitFit, spans: list[tuple[str, npt.NDArray[np.intp]]]
) -> tuple[tuple[TermTest, ...], tuple[Note, ...]]:
    """Return the tests of every term, and what is to be said about them."""
    tests = tuple(_term_test(data, fit, name, columns) for name, columns in spans)
    notes = []
    if doubtful := ", ".join(t.name for t in tests if t.assumption_pvalue < 0.05):
        words = f"the odds ratio differs along the scale (p < 0.05) for {doubtful}: show shares at each cut"
        notes.append(Note("odds-not-proportional", "warning", words))
    if lost := ", ".join(t.name for t in tests if t.assumption_df and math.isnan(t.assumption_pvalue)):
        words = f"the fit with an odds ratio for each cut found no maximum for {lost}: the assumption is not tested"
        notes.append(Note("assumption-not-tested", "warning", words))
    return tests, tuple(notes)


def proportional_odds(
    scores: object, terms: Mapping[str, object], *, confidence: float = 0.95, assumption: bool = True
) -> ProportionalOdds:
    r"""Tell what moves answers on an ordered scale (1 to 5, 0 to 10) when several things may, as odds ratios.

    Use it for satisfaction by segment, channel and waiting time at once. For two groups and nothing else
    `compare_ordinal` assumes less. Not where the assumption test of a term says its odds ratio differs along the scale:
    then say so, and report shares above each cut.

    Parameters
    ----------
    scores : array-like, shape (n,)
        Answers; only their order is used. At least two different ones.
    terms : mapping of str to array-like, shape (n,)
        Columns by name. Numbers are one coefficient each; labels are one per level against the first in sorted order.
    confidence : float
        Of each odds ratio by itself.
    assumption : bool
        Whether to test each term for one odds ratio along the scale.

    Returns
    -------
    ProportionalOdds

    Raises
    ------
    DataError, TooFewData
        Columns of unequal length, constant or repeated columns, a single score.
    NoConvergence
        A term that separates the scores completely.

    Notes
    -----
    :math:`\mathrm{logit}\,P(Y \le j) = \theta_j - x'\beta`, fitted by maximum likelihood (Fisher scoring on equal rows
    counted together: time grows with distinct rows, so round the covariates of a million answers). p-values are
    likelihood ratios and the limits the values at which the profile likelihood has fallen by half the chi-square
    quantile, so they cannot disagree. The assumption test of a term is the likelihood ratio against
    :math:`\theta_j - x'\beta_j` for its columns, with the cuts in order wherever answers were seen:
    in small samples the maximum may lie where two cuts meet at an end of the column, and is found there.

    References
    ----------
    McCullagh (1980), JRSS B 42, 109-142. Peterson & Harrell (1990), Applied Statistics 39, 205-217 (partial
    proportional odds).

    Examples
    --------
    >>> from qstats import proportional_odds
    >>> scores = [1, 2, 2, 3, 3, 3, 4, 2, 3, 4, 4, 5, 5, 3, 5, 4]
    >>> r = proportional_odds(scores, {"team": ["old"] * 8 + ["new"] * 8})
    >>> r.names, r.odds_ratio.round(3)
    (('team[old]',), array([0.03]))
    """
    confidence = check_confidence(confidence)
    y = as_vector(scores, "scores", least=2, missing="never")
    levels, codes = np.unique(y, return_inverse=True)
    if levels.size < 2:
        raise DataError(f"scores: all answers are {levels[0]:g}; at least two different ones are wanted")
    names, spans, design = _design(terms, y.size)
    # Columns are fitted in their own standard deviations about their means: offsets and units cost no digits.
    centre, scale = design.mean(axis=0), design.std(axis=0)
    data = group_rows((design - centre) / scale, codes, levels.size)
    fit = fit_logit(data)
    se = _standard_errors(fit, data, names)
    m = levels.size - 1
    slopes = fit.parameters[m:]
    goal = math.sqrt(float(chi2_quantile(confidence, 1.0)))
    profiles = [_Profile(data, fit, j, float(se[j])) for j in range(len(names))]
    pvalue = np.array([chi2_sf(p.root(0.0) ** 2, 1.0) for p in profiles])
    with np.errstate(over="ignore"):
        low = np.exp(np.array([p.limit(-goal) for p in profiles]) / scale)
        high = np.exp(np.array([p.limit(goal) for p in profiles]) / scale)
    tests, notes = _all_tests(data, fit, spans) if assumption else ((), ())
    beta = slopes / scale
    return ProportionalOdds(
        tuple(names), frozen_array(beta), frozen_array(se / scale), frozen_array(np.exp(beta)),
        Intervals(frozen_array(low), frozen_array(high), confidence), frozen_array(pvalue), tests,
        tuple(float(v) for v in levels), frozen_array(fit.parameters[:m] + float(centre @ beta)), fit.loglik, y.size,
        "cumulative logit, likelihood ratio", _SOURCE, notes,
    )  # fmt: skip
