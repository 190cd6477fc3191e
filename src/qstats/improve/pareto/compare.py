"""Two Pareto tables, before and after: which categories fell, judged as the many tests that they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, TooFewData
from qstats.improve.pareto.tally import OTHER, Tally, tally_of
from qstats.inference.comparison import ALTERNATIVES, Comparison, Comparisons
from qstats.inference.multiplicity import adjust_pvalues
from qstats.inference.proportions import compare_proportions
from qstats.inference.rates import compare_rates

__all__ = ["ParetoComparison", "compare_pareto"]

_METHODS = ("midp", "exact")


@dataclass(frozen=True, slots=True, eq=False)
class ParetoComparison(Result):
    """Each category before and after: did its rate change, did its share change, and does that survive their number?

    Rate and share answer different questions. Halve everything and each rate falls while no share moves; halve one
    category and the shares of all the others rise though nothing happened to them.

    Parameters
    ----------
    categories : tuple of str
        Largest before first, then the new ones; ``"(other)"`` last.
    before, after : ndarray, shape (m,)
        Counts.
    exposure0, exposure : float
        Before and after; 1 and 1 where they were taken as equal.
    rate : Comparisons
        Rate ratio after/before of each category; interval and p-value of each by itself.
    share : Comparisons
        Odds ratio of its share of all defects; each by itself.
    rate_adjusted, share_adjusted : ndarray, shape (m,)
        p-values adjusted for the number of categories.
    adjust : str
    total : Comparison
        All categories together: rate ratio after/before.
    status : tuple of str
        ``"both"``, ``"new"`` (none before), ``"vanished"`` (none after).
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.pareto-comparison/1"
    title: ClassVar[str] = "Pareto before and after"

    categories: tuple[str, ...]
    before: FloatArray
    after: FloatArray
    exposure0: float
    exposure: float
    rate: Comparisons
    share: Comparisons
    rate_adjusted: FloatArray
    share_adjusted: FloatArray
    adjust: str
    total: Comparison
    status: tuple[str, ...]
    notes: tuple[Note, ...] = ()

    def fell(self, alpha: float = 0.05) -> BoolArray:
        """Return the categories whose rate fell, at adjusted level `alpha`; shape (m,)."""
        return self._moved(alpha) & (self.rate.estimate < 1.0)

    def rose(self, alpha: float = 0.05) -> BoolArray:
        """Return the categories whose rate rose, at adjusted level `alpha`; shape (m,)."""
        return self._moved(alpha) & (self.rate.estimate > 1.0)

    def _moved(self, alpha: float) -> BoolArray:
        return np.asarray(self.rate_adjusted <= check_number(alpha, "alpha", above=0.0, below=1.0))

    def _rows(self) -> list[tuple[str, str]]:
        rate, share = self.rate, self.share
        return [
            (
                name,
                f"{self.before[i]:g} to {self.after[i]:g}  rate ratio {rate.estimate[i]:.3g} {rate.interval.at(i)} "
                f"adjusted p {self.rate_adjusted[i]:.3g}  share odds ratio {share.estimate[i]:.3g} "
                f"adjusted p {self.share_adjusted[i]:.3g}",
            )
            for i, name in enumerate(self.categories)
        ] + [("all", f"rate ratio {self.total.estimate:.3g} {self.total.interval}  p {self.total.pvalue:.3g}")]

    def _columns(self) -> Mapping[str, object]:
        return {
            "category": list(self.categories),
            "status": list(self.status),
            "before": self.before,
            "after": self.after,
            "rate_ratio": self.rate.estimate,
            "rate_low": self.rate.interval.low,
            "rate_high": self.rate.interval.high,
            "rate_pvalue": self.rate.pvalue,
            "rate_adjusted": self.rate_adjusted,
            "share_odds_ratio": self.share.estimate,
            "share_low": self.share.interval.low,
            "share_high": self.share.interval.high,
            "share_pvalue": self.share.pvalue,
            "share_adjusted": self.share_adjusted,
        }


def _exposures(exposure: object, exposure0: object) -> tuple[float, float, tuple[Note, ...]]:
    if exposure is None and exposure0 is None:
        text = (
            "no exposure was given: both times are taken as equally long and busy; a fall in volume looks like a gain"
        )
        return 1.0, 1.0, (Note("exposure-assumed-equal", "warning", text),)
    if exposure is None or exposure0 is None:
        raise DataError(
            "exposure, exposure0: one came without the other; both (orders, units, days) or none are wanted"
        )
    after = check_number(exposure, "exposure", above=0.0)
    return after, check_number(exposure0, "exposure0", above=0.0), ()


def _aligned(before: Tally, after: Tally, other_below: float, other: str | None) -> tuple[list[str], FloatArray]:
    """Return names and counts (m, 2), small categories pooled by both times together.

    Pooling looks only at the sum of the two counts, which the tests condition on: it favours neither direction.
    """
    counts: dict[str, list[float]] = {}
    for column, tally in enumerate((before, after)):
        for name, value in zip(tally.names, tally.values.tolist(), strict=True):
            counts.setdefault(name, [0.0, 0.0])[column] += value
    counts = {name: pair for name, pair in counts.items() if sum(pair) > 0.0}
    least = check_number(other_below, "other_below", least=0.0, below=1.0) * sum(map(sum, counts.values()))
    small = [name for name, pair in counts.items() if name == other or sum(pair) < least]
    if small == [name for name in small if name != other] and len(small) == 1:
        small = []  # one small category alone would only lose its name
    rest = [sum(counts[name][column] for name in small) for column in (0, 1)]
    names = sorted((n for n in counts if n not in set(small)), key=lambda n: (-counts[n][0], -counts[n][1], n))
    table = [counts[name] for name in names] + ([rest] if small else [])
    return names + ([OTHER] if small else []), np.array(table, dtype=np.float64).reshape(-1, 2)


def _shares(pairs: FloatArray, method: str, confidence: float, alternative: str) -> Comparisons:
    """Test each share; with no defect at all in one of the times no share exists there."""
    totals = pairs.sum(axis=0)
    if (totals > 0.0).all():
        found = compare_proportions(
            pairs[:, 1], totals[1], pairs[:, 0], totals[0], effect="odds_ratio", method=method, confidence=confidence,
            alternative=alternative,
        )  # fmt: skip
        assert isinstance(found, Comparisons)
        return found
    m = pairs.shape[0]
    note = Note("no-shares", "serious", "no defect at all in one of the times: there are no shares to compare")
    nothing = Intervals(frozen_array(np.zeros(m)), frozen_array(np.full(m, np.inf)), confidence)
    return Comparisons(
        "odds_ratio", frozen_array(np.full(m, np.nan)), nothing, frozen_array(np.ones(m)), alternative, 1.0, None,
        frozen_array(pairs[:, ::-1].copy()), f"conditional, {method}", "Fisher (1935), JRSS 98, 39-82", (note,),
    )  # fmt: skip


def _remarks(names: list[str], pairs: FloatArray, rate: FloatArray, share: FloatArray) -> tuple[Note, ...]:
    notes = []
    new, gone = (pairs[:, 0] == 0.0), (pairs[:, 1] == 0.0)

    def listed(which: BoolArray) -> str:
        found = [repr(n) for n, w in zip(names, which, strict=True) if w]
        return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")

    if new.any() and gone.any():
        text = f"new: {listed(new)}; vanished: {listed(gone)}. Was a category renamed, split or merged? Then pool them"
        notes.append(Note("categories-changed", "warning", text))
    elif new.any():
        text = f"new: {listed(new)}. Was there no such category before, or were such cases filed elsewhere?"
        notes.append(Note("new-categories", "warning", text))
    elif gone.any():
        text = f"vanished: {listed(gone)}. Is it still on the form? The interval says how many zero is compatible with"
        notes.append(Note("vanished-categories", "info", text))
    if (apart := (share <= 0.05) & (rate > 0.05)).any():
        text = f"the share moved but no change of the rate is shown: {listed(apart)}; the others moved"
        notes.append(Note("share-only", "info", text))
    return tuple(notes)


def compare_pareto(
    before: Any,
    after: Any,
    *,
    by: str | None = None,
    count: str | None = None,
    exposure: float | None = None,
    exposure0: float | None = None,
    adjust: str = "holm",
    method: str = "midp",
    confidence: float = 0.95,
    alternative: str = "two-sided",
    other_below: float = 0.0,
    other: str | None = OTHER,
) -> ParetoComparison:
    r"""Tell which kinds of complaint changed between two times, testing every one of them and paying for that.

    Use it in place of two Pareto charts side by side: among ten categories one nearly vanishes by chance alone. Not for
    the one category an action aimed at (declare it before: `verify_improvement`), and not for counts that scatter more
    than Poisson (`compare_overdispersed_rates` with the counts of each period).

    Parameters
    ----------
    before, after : frame, sequence of categories, or dict of counts
        As in `pareto`.
    by, count : str, optional
        Columns of both frames: category, and number of defects in a row.
    exposure, exposure0 : float, optional
        Orders, units or days after and before, one unit; both or neither. Without them they are taken as equal, and a
        note says so.
    adjust : {"holm", "hochberg", "hommel", "bonferroni", "bh", "by"}
        As in `adjust_pvalues`, over the categories; rates and shares are two families.
    method : {"midp", "exact"}
        Conditional tests of the rates and of the shares (Fisher's exact test, central, or its mid-p version).
    confidence : float
        Of each interval by itself.
    alternative : {"two-sided", "less", "greater"}
        "less": the category fell.
    other_below : float
        Pool categories with less than this share of all defects of both times together.
    other : str, optional
        Name of the catch-all in your own data; tested too, for its growth is a warning.

    Returns
    -------
    ParetoComparison
        New and vanished categories have zero counts and half-open intervals, and are noted.

    Raises
    ------
    DataError, TooFewData
        As `pareto`; one exposure without the other; no defect at all.

    Notes
    -----
    Rate: given :math:`y_{0j} + y_{1j}`, :math:`y_{1j}` is binomial with :math:`\pi = R t_1/(R t_1 + t_0)`. Share: given
    both totals and :math:`y_{0j} + y_{1j}`, :math:`y_{1j}` is noncentral hypergeometric with the odds ratio.

    References
    ----------
    Przyborowski & Wilenski (1940), Biometrika 31, 313-323. Fisher (1935), Journal of the Royal Statistical Society 98,
    39-82. Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    A small category nearly vanishes, and is no success once all seven are counted:

    >>> from qstats import compare_pareto
    >>> before = {"late": 120, "damaged": 95, "wrong": 60, "short": 30, "rude": 12, "invoice": 8, "else": 5}
    >>> after = before | {"invoice": 1}
    >>> r = compare_pareto(before, after, exposure=10_000, exposure0=10_000)
    >>> i = r.categories.index("invoice")
    >>> round(float(r.rate.pvalue[i]), 3), round(float(r.rate_adjusted[i]), 2), bool(r.fell().any())
    (0.021, 0.15, False)
    """
    check_choice(adjust, "adjust", ("holm", "hochberg", "hommel", "bonferroni", "bh", "by"))
    check_choice(method, "method", _METHODS)
    check_choice(alternative, "alternative", ALTERNATIVES)
    confidence = check_confidence(confidence)
    t, t0, notes = _exposures(exposure, exposure0)
    tallies = [tally_of(data, by, count, None) for data in (before, after)]
    names, pairs = _aligned(tallies[0], tallies[1], other_below, other)
    if not names:
        raise TooFewData("before, after: nothing to count (no rows, or all counts are zero)")
    options: dict[str, Any] = {"method": method, "confidence": confidence, "alternative": alternative}
    rate = compare_rates(pairs[:, 1], t, pairs[:, 0], t0, **options)
    total = compare_rates(float(pairs[:, 1].sum()), t, float(pairs[:, 0].sum()), t0, **options)
    assert isinstance(rate, Comparisons)
    assert isinstance(total, Comparison)
    share = _shares(pairs, **options)
    adjusted = [adjust_pvalues(c.pvalue, method=adjust).adjusted for c in (rate, share)]
    status = np.where(pairs[:, 0] == 0.0, "new", np.where(pairs[:, 1] == 0.0, "vanished", "both"))
    notes += _remarks(names, pairs, *adjusted) + share.notes
    return ParetoComparison(
        tuple(names), frozen_array(pairs[:, 0].copy()), frozen_array(pairs[:, 1].copy()), t0, t, rate, share,
        adjusted[0], adjusted[1], adjust, total, tuple(status.tolist()), notes,
    )  # fmt: skip
