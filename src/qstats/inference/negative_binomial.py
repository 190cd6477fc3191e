"""Compare two rates from counts period by period when they scatter more than Poisson."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray, as_counts, as_exposure
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import ALTERNATIVES, Comparison, Comparisons, tails
from qstats.inference.means.rows import in_lines
from qstats.inference.quasi_poisson import quasi_poisson_lines
from qstats.inference.rate_kernels import critical, score_pvalue
from qstats.inference.rates import compare_rates
from qstats.inference.roots import bracketed

__all__ = ["compare_overdispersed_rates"]

_Periods = np.ndarray[tuple[int], np.dtype[Any]] | Sequence[float]
_MODELS = ("quasi-poisson", "negative-binomial")
_NB_SOURCE = "Lawless (1987), Canadian Journal of Statistics 15, 209-225"
_GRID = np.concatenate(([0.0], np.exp(np.linspace(math.log(1e-7), math.log(1e4), 52))))
_FEW = 5  # periods per group under which the scatter is hardly known


class _Phase(NamedTuple):
    """Counts and exposures of one group's periods."""

    y: FloatArray
    t: FloatArray


def _log_means(y: FloatArray, offset: FloatArray, alpha: FloatArray) -> FloatArray:
    """Maximum-likelihood log rate for each `alpha`, shape (a,): Newton on a concave function, from the Poisson rate."""
    b = np.full(alpha.size, math.log(y.sum()) - float(scipy.special.logsumexp(offset)))
    a = alpha[:, None]
    for _ in range(100):
        mean = np.exp(b[:, None] + offset)
        spread = 1.0 + a * mean
        pull = ((y - mean) / spread).sum(axis=1)
        bend = (mean * (1.0 + a * y) / spread**2).sum(axis=1)
        step = np.clip(pull / bend, -2.0, 2.0)
        b = b + step
        if (np.abs(step) <= 1e-12 * (1.0 + np.abs(b))).all():
            break
    return b


def _log_likelihoods(y: FloatArray, offset: FloatArray, alpha: FloatArray) -> FloatArray:
    """Log likelihood at the best log rate for each `alpha` (0 is Poisson), without the terms in y alone; shape (a,)."""
    mean = np.exp(_log_means(y, offset, alpha)[:, None] + offset)
    poisson = (scipy.special.xlogy(y, mean) - mean).sum(axis=1)
    a = np.where(alpha > 0.0, alpha, 1.0)[:, None]
    # log Gamma(y + 1/a) - log Gamma(1/a) + y log a is the sum of log(1 + a j), j < y: small a must not cancel
    rising = _log_rising(y, a)
    negative = (rising + y * np.log(mean) - (y + 1.0 / a) * np.log1p(a * mean)).sum(axis=1)
    best: FloatArray = np.where(alpha > 0.0, negative, poisson)
    return best


def _log_rising(y: FloatArray, a: FloatArray) -> FloatArray:
    """Return the sum of ``log(1 + a j)`` over ``j = 0 .. y - 1``, shape (a, periods)."""
    most = int(y.max())
    if most <= 4096:
        sums = np.concatenate((np.zeros((a.size, 1)), np.log1p(a * np.arange(most)).cumsum(axis=1)), axis=1)
        return sums[:, y.astype(np.intp)]
    tall: FloatArray = scipy.special.gammaln(y + 1.0 / a) - scipy.special.gammaln(1.0 / a) + y * np.log(a)
    return tall


def _best(f: Callable[[FloatArray], FloatArray]) -> tuple[float, float]:
    """Return the greatest profile log likelihood over alpha, and that alpha: a grid, then finer ones."""
    values = f(_GRID)
    i = int(np.argmax(values))
    best, at = float(values[i]), float(_GRID[i])
    low, high = _GRID[max(i - 1, 0)], _GRID[min(i + 1, _GRID.size - 1)]
    for _ in range(7):
        points = np.linspace(low, high, 13) if low == 0.0 else np.geomspace(low, high, 13)
        values = f(points)
        i = int(np.argmax(values))
        if values[i] > best:
            best, at = float(values[i]), float(points[i])
        low, high = points[max(i - 1, 0)], points[min(i + 1, 12)]
    return best, at


def _free(after: _Phase, before: _Phase) -> tuple[float, float]:
    """Greatest log likelihood with two rates and one alpha, and that alpha."""
    parts = [(p.y, np.log(p.t)) for p in (after, before)]
    return _best(lambda alpha: _log_likelihoods(*parts[0], alpha) + _log_likelihoods(*parts[1], alpha))


def _tied(after: _Phase, before: _Phase, log_ratio: float) -> float:
    """Greatest log likelihood with the ratio of the rates fixed."""
    y = np.concatenate((after.y, before.y))
    offset = np.concatenate((np.log(after.t) + log_ratio, np.log(before.t)))
    return _best(lambda alpha: _log_likelihoods(y, offset, alpha))[0]


class _Likelihood:
    """Signed roots of the likelihood ratio of two phases, as a function of the log ratio of their rates."""

    def __init__(self, after: _Phase, before: _Phase) -> None:
        self.after, self.before = after, before
        self.top, self.alpha = _free(after, before)
        at = np.array([self.alpha])
        log_rates = [float(_log_means(p.y, np.log(p.t), at)[0]) for p in (after, before)]
        self.rates = (math.exp(log_rates[0]), math.exp(log_rates[1]))
        self.estimate = log_rates[0] - log_rates[1]

    def z(self, log_ratio: float) -> float:
        """Positive where the estimate lies above the ratio asked about."""
        root = math.sqrt(max(0.0, 2.0 * (self.top - _tied(self.after, self.before, log_ratio))))
        return root if self.estimate >= log_ratio else -root

    def limit(self, z: float, side: float) -> float:
        """Log ratio at which the root is ``side * z``; an infinite z leaves that side open."""
        if math.isinf(z):
            return -side * math.inf
        ends = [self.estimate, self.estimate]
        for end, sign in ((0, -1.0), (1, 1.0)):
            step = 0.5
            while sign * (self.z(ends[end]) - side * z) > 0.0 and step < 200.0:
                ends[end] += sign * step
                step *= 2.0

        def falling(x: FloatArray, _: Any) -> FloatArray:
            return np.array([self.z(float(v)) - side * z for v in x])

        return float(bracketed(falling, np.array([ends[0]]), np.array([ends[1]]), tolerance=1e-10)[0])


def _negative_binomial(after: _Phase, before: _Phase, null: float, confidence: float, alternative: str) -> Comparison:
    below, above = tails(alternative, confidence)
    counts = (float(after.y.sum()), float(before.y.sum()))
    text, df = (
        "negative binomial (NB2), signed root of the likelihood ratio, t",
        float(after.y.size + before.y.size - 2),
    )
    if not sum(counts):
        note = Note("no-information", "serious", "no event in either group: the data say nothing about the ratio")
        return Comparison(
            "rate_ratio", math.nan, Interval(0.0, math.inf, confidence), 1.0, alternative, null, None, counts, text,
            _NB_SOURCE, (note,), (0.0, 0.0),
        )  # fmt: skip
    if not all(counts):
        raise DataError(
            "counts: no event in one group; a likelihood ratio is far too sure of itself there: "
            "use model='quasi-poisson'"
        )
    model = _Likelihood(after, before)
    z = model.z(math.log(null))
    low, high = model.limit(critical(below, df), 1.0), model.limit(critical(above, df), -1.0)
    interval = Interval(math.exp(low), math.exp(high) if high < 700.0 else math.inf, confidence)
    p = float(score_pvalue(np.array(z), df, alternative))
    return Comparison(
        "rate_ratio", math.exp(model.estimate), interval, p, alternative, null, z, counts,
        f"{text}; alpha {model.alpha:.3g}", _NB_SOURCE, _remarks(after, before, model.alpha), model.rates, df,
    )  # fmt: skip


def _remarks(after: _Phase, before: _Phase, alpha: float) -> tuple[Note, ...]:
    notes = []
    if alpha == 0.0:
        text = "no more scatter than Poisson: fitted as Poisson, too little scatter does not narrow the interval"
        notes.append(Note("underdispersed", "info", text))
    few = min(after.y.size, before.y.size)
    if few < _FEW:
        text = f"{few} periods in a group: the scatter between periods is hardly known; collect more"
        notes.append(Note("few-periods", "warning", text))
    return tuple(notes)


def _pearson(phases: tuple[_Phase, _Phase]) -> tuple[float, int]:
    """Return Pearson's chi-square around each phase's own rate, and its df; a phase without events tells nothing."""
    chi2, df = 0.0, 0
    for y, t in phases:
        if y.any():
            expected = y.sum() / t.sum() * t
            chi2 += float(((y - expected) ** 2 / expected).sum())
            df += y.size - 1
    return chi2, df


def _phase(counts: object, exposure: object, suffix: str) -> _Phase:
    y = as_counts(counts, f"counts{suffix}", missing="never")
    return _Phase(y, as_exposure(exposure, f"exposure{suffix}", y.size, missing="never"))


@overload
def compare_overdispersed_rates(
    counts: _Periods, exposure: npt.ArrayLike, counts0: _Periods, exposure0: npt.ArrayLike, *, model: str = ...,
    effect: str = ..., null: float | None = ..., confidence: float = ..., alternative: str = ...,
) -> Comparison: ...  # fmt: skip
@overload
def compare_overdispersed_rates(
    counts: npt.ArrayLike, exposure: npt.ArrayLike, counts0: npt.ArrayLike, exposure0: npt.ArrayLike, *,
    model: str = ..., effect: str = ..., null: float | None = ..., confidence: float = ..., alternative: str = ...,
) -> Comparison | Comparisons: ...  # fmt: skip
def compare_overdispersed_rates(
    counts: npt.ArrayLike,
    exposure: npt.ArrayLike,
    counts0: npt.ArrayLike,
    exposure0: npt.ArrayLike,
    *,
    model: str = "quasi-poisson",
    effect: str = "rate_ratio",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Comparison | Comparisons:
    r"""Tell whether a rate changed when monthly (weekly, daily) counts scatter more than chance alone would make them.

    Use it with the counts of each period: complaints come in clusters, and a test that takes them for Poisson calls
    nothing "improved" far too often (14.5 % instead of 2.5 % at four times the Poisson variance). Not for totals
    without periods (`compare_rates`), and not where periods depend on each other or drift: both models take them for
    independent around one rate per group.

    Parameters
    ----------
    counts : array-like, shape (a,) or (pairs, a)
        Events in each period of the group asked about ("after"). Two dimensions are many pairs, one per line, for the
        quasi-Poisson model; lines of unequal length are not padded: a period without exposure is no period of zero
        events, so group the pairs by length.
    exposure : float or array-like, shape (a,) or (pairs, a)
        Exposure of each period, above zero; one number for all alike, one row for all pairs.
    counts0, exposure0 : array-like, shape (b,) or (pairs, b)
        The same for the reference group ("before").
    model : {"quasi-poisson", "negative-binomial"}
        Variance proportional to the mean, estimated by Pearson's chi-square and allowed for by Student's t (safe from
        few periods on); or :math:`\mu + \alpha \mu^2` by maximum likelihood (for exposures that differ much from
        period to period; each group needs an event).
    effect : {"rate_ratio", "rate_difference"}
        The difference is for the quasi-Poisson model only.
    null : float, optional
        Ratio (default 1) or difference (default 0) the p-value is about.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    Comparison or Comparisons
        Scatter below Poisson counts as Poisson, with a note. p-value and interval are one procedure: score with t, or
        likelihood ratio. The latter for one pair per line.

    Raises
    ------
    DataError
        Bad counts or exposures, an unknown option; the negative binomial with no event in one group, or for many pairs.
    TooFewData
        No group with two periods or more and an event: nothing to estimate the scatter from.

    Notes
    -----
    Quasi-Poisson: :math:`\hat\phi = \max(1, X^2 / \nu)` with :math:`X^2 = \sum (y_i - \hat\mu_i)^2 / \hat\mu_i`
    around each group's own rate and :math:`\nu` = periods - groups; the score statistic of the totals over
    :math:`\sqrt{\hat\phi}` is referred to :math:`t_\nu`. Negative binomial: the signed root of
    :math:`2 (\ell_{max} - \ell(R))`, :math:`\alpha` common to both groups and fitted anew at each ratio R, is
    referred to :math:`t_\nu` as well: the normal rejects too often with few periods.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., sections 4.5 and 6.2. Lawless (1987), Canadian
    Journal of Statistics 15, 209-225.

    Examples
    --------
    >>> from qstats import compare_overdispersed_rates
    >>> before, after = [9, 2, 14, 6, 11, 3, 8, 15, 1, 7], [4, 1, 6, 2, 0, 7, 3, 1]
    >>> r = compare_overdispersed_rates(after, 100, before, 100)
    >>> round(r.estimate, 3), round(r.pvalue, 4)
    (0.395, 0.022)
    """
    check_choice(model, "model", _MODELS)
    check_choice(effect, "effect", ("rate_ratio", "rate_difference"))
    check_choice(alternative, "alternative", ALTERNATIVES)
    confidence = check_confidence(confidence)
    if in_lines(counts, counts0):
        if model != "quasi-poisson":
            raise DataError(
                "model: 'negative-binomial' is fitted to one pair per call; for one pair per line use "
                "model='quasi-poisson', or call it for each line"
            )
        return quasi_poisson_lines(counts, exposure, counts0, exposure0, effect, null, confidence, alternative)
    after, before = _phase(counts, exposure, ""), _phase(counts0, exposure0, "0")
    chi2, df = _pearson((after, before))
    if not df and (after.y.any() or before.y.any()):
        raise TooFewData("counts: one period in each group with events; two are wanted to see how periods scatter")
    if model == "negative-binomial":
        if effect != "rate_ratio":
            raise DataError("effect: 'rate_difference' is for model='quasi-poisson'; this model compares by the ratio")
        null = 1.0 if null is None else check_number(null, "null", above=0.0)
        return _negative_binomial(after, before, null, confidence, alternative)
    totals = (float(after.y.sum()), float(after.t.sum()), float(before.y.sum()), float(before.t.sum()))
    return compare_rates(
        *totals, effect=effect, method="score", null=null, confidence=confidence, alternative=alternative,
        dispersion=chi2 / df if df else 1.0, df=float(df) if df else math.inf,
    )  # fmt: skip
