"""gauge_bias: how far off the gauge reads, part by part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats._core.result import Result
from qstats.errors import DataError, TooFewData
from qstats.inference.estimate import Estimate
from qstats.msa.bias.common import center_and_spread, magnitude, shown, t_estimate, t_pvalue
from qstats.msa.bias.door import Readings, check_tolerance, positive, read_parts
from qstats.msa.gauge.average_range import d2_star, range_df

__all__ = ["BiasOfPart", "GaugeBias", "gauge_bias"]

_MOST = 1000  # readings of which a range is of use
_FEW = 10
_REFERENCE = (
    "AIAG (2010), Measurement Systems Analysis, 4th ed., chapter III section B; Schuirmann (1987), J. Pharmacokinetics "
    "and Biopharmaceutics 15, 657-680 (two one-sided tests)"
)


@dataclass(frozen=True, slots=True, eq=False)
class BiasOfPart:
    """The bias on one reference part.

    Parameters
    ----------
    part : str
    reference_value, mean, sigma : float
        Its true value, mean of the readings, and the standard deviation the test uses; unit of the data.
    bias : Estimate
        Mean less reference.
    statistic, df, pvalue : float
        Student's t against no bias, two-sided.
    equivalence_pvalue : float or None
        Of the hypothesis that the bias is as large as `allowed` or larger; None where nothing is allowed for.
    percent_tolerance, percent_process : Estimate or None
        The bias without its sign, per cent of the tolerance, and of six process standard deviations.
    state : {"negligible", "too_large", "not_shown", "biased", "no_bias_found"}
        The first three against `allowed`; without it the last two, by the test alone.
    message : str
    n : int
    """

    part: str
    reference_value: float
    mean: float
    sigma: float
    bias: Estimate
    statistic: float
    df: float
    pvalue: float
    equivalence_pvalue: float | None
    percent_tolerance: Estimate | None
    percent_process: Estimate | None
    state: str
    message: str
    n: int


@dataclass(frozen=True, slots=True, eq=False)
class GaugeBias(Result):
    """The bias of a gauge on one or several reference parts.

    Parameters
    ----------
    parts : tuple of BiasOfPart
    average : Estimate
        Mean of the parts' biases, each part counting alike.
    average_pvalue : float
        Of no bias on average.
    allowed : float or None
        Bias that may be, unit of the data.
    confidence : float
        Of each interval; the tests of equivalence have error ``1 - confidence``.
    n : int
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.gauge_bias/1"
    title: ClassVar[str] = "Gauge bias"

    parts: tuple[BiasOfPart, ...]
    average: Estimate
    average_pvalue: float
    allowed: float | None
    confidence: float
    n: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def shown_small(self) -> bool | None:
        """Whether every part's bias is shown to lie within `allowed`; None without it."""
        return None if self.allowed is None else all(p.state == "negligible" for p in self.parts)

    @property
    def _only(self) -> BiasOfPart:
        if len(self.parts) != 1:
            raise DataError(f"parts: there are {len(self.parts)}; take one of `parts`")
        return self.parts[0]

    @property
    def bias(self) -> Estimate:
        """The bias, where there is one part."""
        return self._only.bias

    @property
    def pvalue(self) -> float:
        """The p-value of its test, where there is one part."""
        return self._only.pvalue

    def _rows(self) -> list[tuple[str, str]]:
        rows = [(f"part {p.part}", p.message) for p in self.parts]
        if len(self.parts) > 1:
            rows.append(("average bias", f"{shown(self.average)}, p = {self.average_pvalue:.4g}"))
        if self.allowed is not None:
            rows.append(
                ("allowed", f"{self.allowed:.4g}; {'shown' if self.shown_small else 'not shown'} for all parts")
            )
        rows.append(("confidence of each interval", f"{self.confidence:.4g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        p = self.parts
        columns: dict[str, object] = {name: [getattr(q, name) for q in p] for name in ("part", "n", "mean", "sigma")}
        columns["reference"] = [q.reference_value for q in p]
        columns["bias"] = [q.bias.estimate for q in p]
        columns["low"], columns["high"] = [q.bias.interval.low for q in p], [q.bias.interval.high for q in p]
        for name in ("statistic", "df", "pvalue", "equivalence_pvalue", "state"):
            columns[name] = [getattr(q, name) for q in p]
        for name in ("percent_tolerance", "percent_process"):
            if getattr(p[0], name) is not None:
                columns[name] = [getattr(q, name).estimate for q in p]
        return columns


@dataclass(frozen=True, slots=True)
class _Setting:
    method: str
    sigma: float | None
    df: float
    allowed: float | None
    tolerance: float | None
    sigma_process: float | None
    confidence: float


def gauge_bias(
    data: object,
    *,
    reference: object,
    values: str | None = None,
    part: object = None,
    method: str = "t",
    sigma_repeatability: float | None = None,
    df_repeatability: float | None = None,
    allowed: float | None = None,
    tolerance: float | None = None,
    spec: object = None,
    sigma_process: float | None = None,
    confidence: float = 0.95,
    missing: str = "raise",
) -> GaugeBias:
    r"""Tell how far off a gauge reads on parts whose value is known, and whether that is shown to be little enough.

    Use it on ten or more readings of each reference part. A bias that is "not significant" may still be large: few or
    scattered readings find nothing. Say with `allowed` what bias may be, and the study says whether it is shown to be
    less. Not for a bias that changes with the size of the part: that is `gauge_linearity`.

    Parameters
    ----------
    data : array-like or frame
        Readings, or a table with one reading a row.
    reference : float, mapping or array-like
        True value of the part; for several parts a mapping from part to value, or a value (column) per reading. Without
        `part`, readings with equal references are of one part.
    values : str, optional
        Column of the readings, where data is a table.
    part : str or array-like, optional
        Column, or one label per reading.
    method : {"t", "pooled", "range"}
        Standard deviation of the readings: of each part by itself; pooled over the parts; or each part's range over
        d2*, as on AIAG's form.
    sigma_repeatability : float, optional
        Known repeatability, as from `gauge_rr`, in place of that of these readings; unit of the data.
    df_repeatability : float, optional
        Its degrees of freedom; left out it is taken as exactly known.
    allowed : float, optional
        Largest bias that does not matter, unit of the data.
    tolerance : float, optional
        Width of the tolerance; the bias is given in per cent of it.
    spec : Spec or pair of float, optional
        In place of `tolerance`.
    sigma_process : float, optional
        Standard deviation of the process; the bias is given in per cent of six of them.
    confidence : float
    missing : {"raise", "drop"}

    Returns
    -------
    GaugeBias

    Raises
    ------
    DataError
        A part without its reference, or with two; readings that do not vary, without `sigma_repeatability`.
    TooFewData
        A part with one reading, without `sigma_repeatability`.

    Notes
    -----
    :math:`t = (\bar x - x_m) \sqrt n / s`. With ranges :math:`s = R / d_2^*` and Patnaik's degrees of freedom. AIAG's
    form multiplies the half-width of the interval by :math:`d_2 / d_2^*`, though not the test: the two then disagree;
    here both use :math:`d_2^*`. Equivalence: two one-sided tests; shown where the interval of confidence
    ``2 * confidence - 1`` lies within ``+-allowed``. The average over parts has Satterthwaite's degrees of freedom.

    References
    ----------
    AIAG (2010), Measurement Systems Analysis, 4th ed., chapter III section B. Schuirmann (1987), J. Pharmacokinetics
    and Biopharmaceutics 15, 657-680. Patnaik (1950), Biometrika 37, 78-87.

    Examples
    --------
    The example of AIAG's manual:

    >>> from qstats import gauge_bias
    >>> x = [5.8, 5.7, 5.9, 5.9, 6.0, 6.1, 6.0, 6.1, 6.4, 6.3, 6.0, 6.1, 6.2, 5.6, 6.0]
    >>> study = gauge_bias(x, reference=6.0, allowed=0.2)
    >>> round(study.bias.estimate, 4), round(study.pvalue, 3)
    (0.0067, 0.905)
    >>> study.parts[0].state
    'negligible'
    """
    how = check_choice(method, "method", ("t", "pooled", "range"))
    sigma, df = positive(sigma_repeatability, "sigma_repeatability"), positive(df_repeatability, "df_repeatability")
    if sigma is None and df is not None:
        raise DataError("df_repeatability: given without sigma_repeatability, whose degrees of freedom it would be")
    if sigma is not None and how != "t":
        raise DataError(
            f"method: {how!r} takes sigma from the readings, but sigma_repeatability is given; leave one out"
        )
    setting = _Setting(
        how, sigma, math.inf if df is None else df, positive(allowed, "allowed"), check_tolerance(tolerance, spec),
        positive(sigma_process, "sigma_process"), check_confidence(confidence),
    )  # fmt: skip
    return _study(read_parts(data, values, reference, part, missing), setting)


def _study(r: Readings, o: _Setting) -> GaugeBias:
    groups = [r.y[r.part == i] - r.reference[r.part == i] for i in range(len(r.labels))]
    sigmas = _sigmas(groups, r.labels, o)
    parts = tuple(
        _one(label, float(r.reference[np.argmax(r.part == i)]), center_and_spread(g)[0], g.size, sigmas[i], o)
        for i, (label, g) in enumerate(zip(r.labels, groups, strict=True))
    )
    average, pvalue = _average(parts, o)
    few = [p.part for p in parts if p.n < _FEW]
    notes = list(r.notes)
    if few:
        text = f"part {', '.join(few[:5])}: fewer than {_FEW} readings; the interval says how little they tell"
        notes.append(Note("few-readings", "warning", text))
    if len(parts) > 1 and o.allowed is None:
        text = f"{len(parts)} parts are tested, each by itself: some p-value under 0.05 comes by chance"
        notes.append(Note("each-by-itself", "info", text))
    how = {"t": "each part's own s", "pooled": "s pooled over the parts", "range": "each part's range / d2*"}[o.method]
    if o.sigma is not None:
        how = "repeatability given" + ("" if math.isinf(o.df) else f", {o.df:g} df")
    return GaugeBias(
        parts, average, pvalue, o.allowed, o.confidence, r.y.size, f"Student's t, {how}", _REFERENCE, tuple(notes)
    )


def _sigmas(groups: list[FloatArray], labels: tuple[str, ...], o: _Setting) -> list[tuple[float, float]]:
    """Return the standard deviation of each part's readings, and its degrees of freedom."""
    if o.sigma is not None:
        return [(o.sigma, o.df)] * len(groups)
    spread = [(center_and_spread(g)[1], g.size - 1.0) for g in groups]
    if o.method == "pooled":
        total, df = (math.fsum(v[i] for v in spread) for i in (0, 1))
        spread = [(total, df)] * len(groups)
    for label, (m2, df), g in zip(labels, spread, groups, strict=True):
        if df < 1.0:
            raise TooFewData(
                f"data: part {label!r} has one reading; two or more are wanted, or sigma_repeatability= (or, with "
                "other parts, method='pooled')"
            )
        if not m2 > 0.0 or (o.method != "pooled" and np.ptp(g) == 0.0):
            raise DataError(
                f"data: the readings of part {label!r} are all equal, so their scatter is unknown (the scale is too "
                "coarse); pass sigma_repeatability="
            )
    if o.method == "range":
        if max(g.size for g in groups) > _MOST:
            raise DataError(f"method: 'range' with over {_MOST} readings of a part wastes them; use 't'")
        return [(float(np.ptp(g)) / d2_star(g.size), range_df(g.size, 1)) for g in groups]
    return [(math.sqrt(m2 / df), df) for m2, df in spread]


def _one(label: str, reference: float, off: float, n: int, sigma: tuple[float, float], o: _Setting) -> BiasOfPart:
    s, df = sigma
    error = s / math.sqrt(n)
    name = "range" if o.method == "range" else "Student's t"
    bias = t_estimate("bias", off, error, df, n, o.confidence, f"{name}, {df:.4g} df")
    statistic, pvalue = t_pvalue(off, error, df)
    same = None if o.allowed is None else float(t_sf((o.allowed - abs(off)) / error, df))
    state, message = _verdict(bias, error, df, pvalue, same, o)
    return BiasOfPart(
        label, reference, reference + off, s, bias, statistic, df, pvalue, same,
        None if o.tolerance is None else magnitude("% of tolerance", bias, 100.0 / o.tolerance),
        None if o.sigma_process is None else magnitude("% of process variation", bias, 100.0 / (6.0 * o.sigma_process)),
        state, message, n,
    )  # fmt: skip


def _verdict(
    bias: Estimate, error: float, df: float, pvalue: float, same: float | None, o: _Setting
) -> tuple[str, str]:
    text = f"bias {shown(bias)}, p = {pvalue:.3g}"
    if same is None or o.allowed is None:
        if pvalue < 1.0 - o.confidence:
            return "biased", f"{text}: biased; whether it matters, say with allowed="
        most = max(abs(bias.interval.low), abs(bias.interval.high))
        return "no_bias_found", f"{text}: none found, but one of {most:.3g} is not excluded"
    if same < 1.0 - o.confidence:
        return "negligible", f"{text}: shown to be less than {o.allowed:.4g} (p = {same:.3g})"
    beyond = float(t_sf((abs(bias.estimate) - o.allowed) / error, df))
    if beyond < 1.0 - o.confidence:
        return "too_large", f"{text}: shown to be more than {o.allowed:.4g} (p = {beyond:.3g})"
    return "not_shown", f"{text}: not shown to be less than {o.allowed:.4g} (p = {same:.3g}), nor to be more"


def _average(parts: tuple[BiasOfPart, ...], o: _Setting) -> tuple[Estimate, float]:
    k, n = len(parts), sum(p.n for p in parts)
    off = math.fsum(p.bias.estimate for p in parts) / k
    pieces = np.array([p.sigma**2 / p.n for p in parts])
    top = float(pieces.sum())
    df = parts[0].df
    if o.sigma is None and o.method != "pooled" and k > 1:
        df = top**2 / float((pieces**2 / np.array([p.df for p in parts])).sum())
    error = math.sqrt(top) / k
    reach = float(t_quantile(0.5 + 0.5 * o.confidence, df)) * error
    limits = Interval(off - reach, off + reach, o.confidence)
    return Estimate("average bias", off, limits, n, f"Student's t, {df:.4g} df", _REFERENCE), t_pvalue(off, error, df)[
        1
    ]
