"""Actions start at peaks, and peaks pass: how often a trigger rule makes a success out of nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray, as_counts
from qstats._core.checks import check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError, TooFewData
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.rates import rate_pvalues
from qstats.inference.resample import as_generator

__all__ = ["TriggerTrap", "triggered_false_success"]

_CUT = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class TriggerTrap(Result):
    """False successes of a trigger rule on data like the user's, with no effect at all.

    Parameters
    ----------
    false_success : float
        Share of triggered runs in which "after" is significantly lower than the reference periods.
    interval : Interval
        Of that share: simulation error only.
    median_ratio : float
        Median rate ratio after/reference: what no effect looks like.
    trigger_rate : float
        Chance that a period triggers.
    trigger_at : float
        Smallest count that triggers.
    mean, dispersion : float
        Mean count of a period, and variance over mean, of the baseline simulated from.
    alpha : float
        Level the comparison claims.
    runs : int
    rule : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.trigger-trap/1"
    title: ClassVar[str] = "False success after a trigger"
    reference: ClassVar[str] = "parametric simulation from the baseline given"

    false_success: float
    interval: Interval
    median_ratio: float
    trigger_rate: float
    trigger_at: float
    mean: float
    dispersion: float
    alpha: float
    runs: int
    rule: str
    notes: tuple[Note, ...] = ()

    def sentence(self, lang: str = "en") -> str:
        """Return the result in one sentence, in "en" or "zh"."""
        if lang not in ("en", "zh"):
            raise DataError(f"lang: got {lang!r}; one of 'en', 'zh' is wanted")
        if lang == "zh":
            return (
                f"在与您类似的数据中，即使措施毫无效果，仅此规则也会在 {self.false_success:.1%} 的情形下得出“有效”"
                f"（名义水平 {self.alpha:.1%}）。"
            )
        return (
            f"In data like yours this rule alone would produce {self.false_success:.1%} false successes "
            f"(claimed: {self.alpha:.1%})."
        )

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("rule", self.rule),
            ("false successes", f"{self.false_success:.1%} {self.interval} of {self.runs} runs"),
            ("claimed level", f"{self.alpha:.3g}"),
            ("median ratio after/reference", f"{self.median_ratio:.3g}"),
            ("a period triggers from", f"{self.trigger_at:g} ({self.trigger_rate:.3g} of periods)"),
            ("mean count, dispersion", f"{self.mean:.4g}, {self.dispersion:.4g}"),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "rule": [self.rule],
            "false_success": [self.false_success],
            "low": [self.interval.low],
            "high": [self.interval.high],
            "median_ratio": [self.median_ratio],
            "trigger_rate": [self.trigger_rate],
        }


def _distribution(mean: float, dispersion: float) -> FloatArray:
    """Return the probabilities of 0, 1, 2 ... events in a period: Poisson, or negative binomial of the same mean."""
    top = mean * dispersion
    k = np.arange(math.ceil(mean + 12.0 * math.sqrt(top) + 40.0 * dispersion) + 1.0)
    lgamma = scipy.special.gammaln
    if dispersion <= 1.0 + 1e-6:
        log_p = scipy.special.xlogy(k, mean) - mean - lgamma(k + 1.0)
    else:
        shape = mean / (dispersion - 1.0)
        log_p = lgamma(shape + k) - lgamma(shape) - lgamma(k + 1.0) - shape * math.log(dispersion)
        log_p = log_p + k * math.log1p(-1.0 / dispersion)
    p: FloatArray = np.exp(log_p)
    p /= p.sum()
    return p


def _whole(value: object, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise DataError(f"{name}: got {value!r}; a whole number of {least} or more is wanted")
    return int(value)


def _drawn(p: FloatArray, size: Any, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    cumulative = np.cumsum(p)
    found: npt.NDArray[np.intp] = np.searchsorted(cumulative / cumulative[-1], rng.random(size), side="right")
    return np.asarray(np.minimum(found, p.size - 1), dtype=np.intp)


def triggered_false_success(
    counts: npt.ArrayLike,
    *,
    sds: float = 2.0,
    reference: int = 1,
    after: int = 6,
    include_trigger: bool = True,
    method: str = "midp",
    alpha: float = 0.025,
    runs: int = 20_000,
    rng: object = None,
) -> TriggerTrap:
    r"""Tell how often "an action is opened when a month is bad, then compared with that month" succeeds with no effect.

    Use it before believing a before/after comparison that began at a peak, with your own baseline. Not as a correction:
    leave the trigger out of the baseline (`VerificationPlan`), or compare with `predicted_after`.

    Parameters
    ----------
    counts : array-like, shape (n,)
        Events of each period of a baseline without an action, of about equal exposure.
    sds : float
        A period triggers when its count is above mean + `sds` standard deviations (Poisson: root of the mean).
    reference : int
        Number of periods the time after is compared with.
    after : int
        Number of periods after.
    include_trigger : bool
        Whether the last of the reference periods is the trigger itself; else they all lie before it.
    method : {"midp", "exact", "score"}
        Of the comparison, as in `compare_rates`.
    alpha : float
        One-sided level of the comparison.
    runs : int
        Triggered runs simulated.
    rng : None, int, SeedSequence or Generator

    Returns
    -------
    TriggerTrap

    Raises
    ------
    DataError, TooFewData
        Bad counts, fewer than six periods, no event, a trigger that never comes.

    Notes
    -----
    Periods are independent with the mean of the baseline, Poisson or (variance above the mean, by Pearson's chi-square)
    negative binomial. The trigger is drawn given that it is above the threshold, the periods before it given that they
    are not: it is the first that triggered. The periods after are free.

    References
    ----------
    Galton (1886), Journal of the Anthropological Institute 15, 246-263. Barnett, van der Pols & Dobson (2005),
    International Journal of Epidemiology 34, 215-220.

    Examples
    --------
    >>> from qstats import triggered_false_success
    >>> r = triggered_false_success([18, 22, 20, 19, 25, 16, 21, 19, 17, 23, 20, 20], rng=1)
    >>> 0.5 < r.false_success < 0.6
    True
    """
    y = as_counts(counts, "counts")
    if y.size < 6:
        raise TooFewData(f"counts: {y.size} periods came; at least 6 are wanted to learn what periods are like")
    mean = float(y.mean())
    if mean == 0.0:
        raise TooFewData("counts: no event in any period; nothing can trigger")
    sds = check_number(sds, "sds", least=0.0)
    alpha = check_number(alpha, "alpha", above=0.0, below=0.5)
    before, later = _whole(reference, "reference", 1), _whole(after, "after", 1)
    runs, generator = _whole(runs, "runs", 100), as_generator(rng)
    phi = max(1.0, float(((y - mean) ** 2).sum()) / mean / (y.size - 1.0))
    p = _distribution(mean, phi)
    at = math.floor(mean + sds * math.sqrt(mean)) + 1
    if at >= p.size or not p[at:].sum() > _CUT:
        raise DataError(f"sds: got {sds:g}; a period {sds:g} standard deviations up practically never comes")
    quiet = before - 1 if include_trigger else before
    seen = _drawn(p[:at], (runs, quiet), generator).sum(axis=1).astype(np.float64)
    if include_trigger:
        seen += at + _drawn(p[at:], runs, generator)
    found = _drawn(p, (runs, later), generator).sum(axis=1).astype(np.float64)
    pvalue = rate_pvalues(found, float(later), seen, float(before), method=method, alternative="less")
    hits = int(np.count_nonzero(pvalue <= alpha))
    share: Any = estimate_proportion(hits, runs)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (found / later) / (seen / before)
    note = Note("periods-independent", "info", "periods are taken as independent: a season or a trend adds to the trap")
    what = "the trigger" if include_trigger and before == 1 else f"{before} periods"
    what += " up to the trigger" if include_trigger and before > 1 else "" if include_trigger else " before the trigger"
    return TriggerTrap(
        hits / runs, share.interval, float(np.nanmedian(ratio)), float(p[at:].sum()), float(at), mean, phi, alpha, runs,
        f"next {later} periods against {what}", (note,),
    )  # fmt: skip
