"""Propose new limits where a process has moved for good; say how sure that is, and leave the decision to people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile
from qstats._core.result import Result
from qstats.errors import DataError, TooFewData
from qstats.spc.chart import ControlChart
from qstats.spc.labels import phase_ends

__all__ = ["BaselineProposal", "propose_baseline"]

LEAST = 8  # points on either side of a change: fewer say nothing about a level that is to stay
MOST = 2000  # points looked at: an older past says nothing about where limits should stand now
_SHUFFLES = 1999
_SEED = 20261121
_KINDS = ("individuals", "xbar_r", "xbar_s", "between_within", "p", "np", "c", "u", "laney_p", "laney_u")


@dataclass(frozen=True, slots=True, eq=False)
class BaselineProposal(Result):
    """Where the level of a chart's last phase changed, how sure that is, and whether limits should follow.

    Parameters
    ----------
    recommended : bool
        Whether to give the points from `start` on a phase of their own.
    start : int
        Position of the first point of the new level.
    label : str
        Its label.
    pvalue : float
        Chance of so clear a step, wherever it may lie, in points that are exchangeable.
    between : tuple of int
        First and last position where the new level may have begun, at `confidence`.
    before, after : float
        Level on either side, in the unit of the statistic.
    n_before, n_after : int
        Judged points on either side.
    shift : Interval
        Change of level at `confidence`, in the unit of the statistic, the place of the change taken as known.
    confidence : float
    against : tuple of str
        Codes of the reasons not to move the limits yet: ``"no-step"``, ``"trend"``, ``"not-settled"``,
        ``"autocorrelated"``, ``"few-points"``.
    method, reference : str
    notes : tuple of Note
        The reasons in words.
    """

    schema: ClassVar[str] = "qstats.baseline_proposal/1"
    title: ClassVar[str] = "Proposed baseline"

    recommended: bool
    start: int
    label: str
    pvalue: float
    between: tuple[int, int]
    before: float
    after: float
    n_before: int
    n_after: int
    shift: Interval
    confidence: float
    against: tuple[str, ...]
    method: str
    reference: str
    notes: tuple[Note, ...]

    def _rows(self) -> list[tuple[str, str]]:
        low, high = self.between
        level = f"{self.before:.6g} ({self.n_before} points) to {self.after:.6g} ({self.n_after} points)"
        return [
            ("new limits", "proposed" if self.recommended else f"not proposed: {', '.join(self.against)}"),
            ("new level from", f"{self.label} (position {self.start}; between {low} and {high})"),
            ("level", level),
            ("shift", f"{self.after - self.before:.6g} {self.shift}"),
            ("p-value", f"{self.pvalue:.3g}"),
            ("method", self.method),
            ("reference", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        names = ("recommended", "start", "label", "pvalue", "before", "after", "n_before", "n_after", "confidence")
        return {
            **{name: [getattr(self, name)] for name in names},
            "first": [self.between[0]],
            "last": [self.between[1]],
            "shift_low": [self.shift.low],
            "shift_high": [self.shift.high],
        }


_TEXTS: dict[str, str] = {
    "no-step": "no step stands out from what chance arranges; the limits may stay",
    "trend": "a steady trend fits better than a step: find out what drifts before drawing new limits",
    "not-settled": "the new level moves again: wait until it has settled",
    "autocorrelated": "neighbouring points follow one another: the p-value is too small, and a step may be a slow wave",
    "few-points": "few points at the new level: limits drawn from them would be trial limits",
}


def _standardised(chart: ControlChart) -> tuple[FloatArray, FloatArray, FloatArray, np.ndarray]:
    """Return statistic, zone width, z and position of the judged points of the last phase, the latest `MOST`."""
    panel = next(iter(chart.panels.values()))
    ends = phase_ends(chart.phases)
    start = ends[-2] if len(ends) > 1 else 0
    x, center, sigma = (a[start:] for a in (panel.statistic, panel.center, panel.sigma))
    judged: BoolArray = ~np.isnan(x)
    if chart.excluded is not None:
        judged &= ~chart.excluded[start:]
    at = np.flatnonzero(judged)[-MOST:]
    if at.size < 2 * LEAST:
        raise TooFewData(f"chart: {at.size} judged points in the last phase; at least {2 * LEAST} are wanted")
    x, center, sigma = x[at], center[at], sigma[at]
    if not (sigma > 0).all():
        raise DataError("chart: sigma is zero in the last phase; there is no scatter to hold a step against")
    return x, sigma, (x - center) / sigma, at + start


def _step_rss(z: FloatArray) -> FloatArray:
    """Return the residual sums of squares of a step before each possible point; the last axis is time."""
    n = z.shape[-1]
    d = z - z.mean(axis=-1, keepdims=True)
    total = (d * d).sum(axis=-1, keepdims=True)
    k = np.arange(LEAST, n - LEAST + 1)
    head = np.cumsum(d, axis=-1)[..., LEAST - 1 : n - LEAST]
    return np.asarray(total - head * head * n / (k * (n - k)))


def _clearest(rss: FloatArray, z: FloatArray) -> FloatArray:
    """Share of the scatter that the best step explains: grows with the two-sample t statistic."""
    d = z - z.mean(axis=-1, keepdims=True)
    total = (d * d).sum(axis=-1)
    return np.asarray(1.0 - rss.min(axis=-1) / np.where(total > 0, total, 1.0))


def _shuffled_pvalue(z: FloatArray, rng: np.random.Generator) -> float:
    observed = float(_clearest(_step_rss(z), z))
    above = 0
    rows = max(1, 200_000 // z.size)
    for done in range(0, _SHUFFLES, rows):
        many = min(rows, _SHUFFLES - done)
        mixed = rng.permuted(np.broadcast_to(z, (many, z.size)), axis=1)
        above += int(np.count_nonzero(_clearest(_step_rss(mixed), mixed) >= observed - 1e-12))
    return (1 + above) / (_SHUFFLES + 1)


def _likely(rss: FloatArray, n: int, confidence: float) -> tuple[int, int]:
    """Return first and last of the positions that hold `confidence` of the likelihood, the likeliest first."""
    k = np.arange(LEAST, n - LEAST + 1)
    # Both levels integrated out over a flat prior, then the variance: Smith (1975), section 3.
    log = -0.5 * np.log(k * (n - k)) - 0.5 * (n - 2) * np.log(np.maximum(rss, 1e-300 + 1e-14 * rss.max()))
    weight = np.exp(log - log.max())
    order = np.argsort(-weight, kind="stable")
    enough = int(np.searchsorted(np.cumsum(weight[order]), confidence * weight.sum())) + 1
    kept = k[order[: min(enough, k.size)]]
    return int(kept.min()), int(kept.max())


def _trend_fits_better(z: FloatArray, step_rss: float) -> bool:
    """Compare by BIC: a line has two parameters, a step three (its place is one)."""
    n = z.size
    t = np.arange(n) - 0.5 * (n - 1)
    d = z - z.mean()
    line_rss = float((d * d).sum() - (t @ d) ** 2 / (t @ t))
    return n * math.log(max(line_rss, 1e-300)) < n * math.log(max(step_rss, 1e-300)) + math.log(n)


def _lag_one(z: FloatArray, k: int) -> float:
    residual = np.concatenate((z[:k] - z[:k].mean(), z[k:] - z[k:].mean()))
    total = float(residual @ residual)
    return float(residual[1:] @ residual[:-1]) / total if total > 0 else 0.0


def _reasons(
    z: FloatArray, k: int, rss: float, pvalue: float, confidence: float, rng: np.random.Generator
) -> list[str]:
    if pvalue > 1.0 - confidence:
        return ["no-step"]
    out = []
    if _trend_fits_better(z, rss):
        out.append("trend")
    after = z[k:]
    if after.size >= 2 * LEAST and _shuffled_pvalue(after, rng) <= 1.0 - confidence:
        out.append("not-settled")
    if _lag_one(z, k) > 2.0 / math.sqrt(z.size):
        out.append("autocorrelated")
    if after.size < 12:
        out.append("few-points")
    return out


def _shift(x: FloatArray, sigma: FloatArray, k: int, confidence: float) -> tuple[float, float, Interval]:
    """Weighted levels on either side, and the interval of their difference with the scatter there really is."""
    w = 1.0 / (sigma * sigma)
    levels = [float((w[s] * x[s]).sum() / w[s].sum()) for s in (slice(None, k), slice(k, None))]
    residual = np.where(np.arange(x.size) < k, x - levels[0], x - levels[1])
    df = x.size - 2
    scale = float((w * residual * residual).sum()) / df
    error = math.sqrt(scale * (1.0 / w[:k].sum() + 1.0 / w[k:].sum()))
    reach = float(t_quantile(0.5 + 0.5 * confidence, df)) * error
    change = levels[1] - levels[0]
    return levels[0], levels[1], Interval(change - reach, change + reach, confidence)


def propose_baseline(chart: ControlChart, *, confidence: float = 0.95, rng: object = None) -> BaselineProposal:
    """Find where a chart's level moved for good and say whether its limits should move with it.

    After an improvement, or when signals keep coming on one side and the cause is known: the proposal names the point,
    says how sure it is, and lists what speaks against it. Nothing is changed; to follow it, make the chart again with
    ``phase=[proposal.start]``. Not for charts with a memory, whose points lean on one another.

    Parameters
    ----------
    chart : ControlChart
        Individuals, Xbar or attribute chart; its last phase is looked at, the latest 2,000 judged points.
    confidence : float
        Of the interval and the set of places; a step counts as shown at ``1 - confidence``.
    rng : numpy.random.Generator or int, optional
        For the shuffles behind the p-value; a fixed seed otherwise.

    Returns
    -------
    BaselineProposal

    Raises
    ------
    DataError
        A chart of a kind whose points are not independent, or one without scatter.
    TooFewData
        Fewer than 16 judged points in the last phase.

    Notes
    -----
    The step is the one with the least residual sum of squares of the standardised points, at least 8 points from either
    end; its p-value is that of the largest two-sample t over all places, by 1,999 shuffles. The place is uncertain as
    the likelihood says, with both levels and the variance integrated out.

    References
    ----------
    Hawkins, Qiu & Kang (2003), The changepoint model for statistical process control, Journal of Quality Technology
    35(4), 355-366; Smith (1975), A Bayesian approach to inference about a change-point, Biometrika 62(2), 407-416.

    Examples
    --------
    >>> from qstats import individuals, propose_baseline
    >>> level = [9, 11, 10, 12, 9, 10, 11, 8, 10, 9, 11, 10, 14, 16, 15, 13, 15, 16, 14, 15, 13, 15, 16, 14]
    >>> found = propose_baseline(individuals(level))
    >>> found.recommended, found.start, found.label
    (True, 12, '13')
    """
    if chart.kind not in _KINDS:
        raise DataError(f"chart: a {chart.kind} chart came; one of {', '.join(_KINDS)} is wanted")
    level = check_confidence(confidence)
    generator = np.random.default_rng(_SEED if rng is None else rng)  # type: ignore[arg-type]
    x, sigma, z, at = _standardised(chart)
    rss = _step_rss(z)
    k = LEAST + int(np.argmin(rss))
    pvalue = _shuffled_pvalue(z, generator)
    against = _reasons(z, k, float(rss.min()), pvalue, level, generator)
    before, after, shift = _shift(x, sigma, k, level)
    first, last = _likely(rss, z.size, level)
    blocking = [code for code in against if code != "few-points"]
    notes = tuple(Note(code, "warning" if code in blocking else "info", _TEXTS[code]) for code in against)
    return BaselineProposal(
        recommended=not blocking,
        start=int(at[k]),
        label=chart.labels[int(at[k])],
        pvalue=pvalue,
        between=(int(at[first]), int(at[last])),
        before=before,
        after=after,
        n_before=k,
        n_after=z.size - k,
        shift=shift,
        confidence=level,
        against=tuple(against),
        method=f"largest two-sample t over all places, {_SHUFFLES} shuffles; place by integrated likelihood",
        reference="Hawkins, Qiu & Kang (2003), Journal of Quality Technology 35(4), 355-366",
        notes=notes,
    )
