"""Net Promoter Score from raw answers, counts or a table, with an interval that holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_counts
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import ALTERNATIVES
from qstats.inference.resample import as_generator
from qstats.table.net_promoter import FIRST_PROMOTER, LAST_DETRACTOR, NPS_SCALE, net_class, three_classes
from qstats.table.scores import Answers, answers, check_blank, class_counts, tally, weighed
from qstats.voice.nps.design import survey, wald_size
from qstats.voice.nps.intervals import METHODS, OneSample, one_sample
from qstats.voice.nps.kernels import Counts, net
from qstats.voice.nps.resample import check_resamples
from qstats.voice.nps.result import Nps, NpsMany, NpsTable
from qstats.voice.nps.segments import check_segments, segments

__all__ = ["nps", "nps_from_counts", "read_counts"]

_RESAMPLES = 100_000
_ALWAYS_DISTRIBUTION = 1_000_000  # answers up to which eleven counts cost nothing worth saving


@dataclass(frozen=True, slots=True, eq=False)
class _Options:
    method: str
    null: float
    confidence: float
    alternative: str
    prior: float
    resamples: int
    rng: Any

    def infer(self, c: Counts, df: Any) -> OneSample:
        return one_sample(
            c, df, self.method, self.null / 100.0, self.confidence, self.alternative,
            prior=self.prior, resamples=self.resamples, rng=self.rng,
        )  # fmt: skip

    @property
    def text(self) -> tuple[str, str]:
        name, source = METHODS[self.method]
        return (f"{name} with {self.prior:.4g} per class" if self.method == "bayes" else name), source


def _options(
    method: str, null: float, confidence: float, alternative: str, prior: float | None, resamples: int | None, rng: Any
) -> _Options:
    check_choice(method, "method", METHODS)
    check_choice(alternative, "alternative", ALTERNATIVES)
    null = check_number(null, "null")
    if abs(null) > 100.0:
        raise DataError(f"null: got {null:g}; points of NPS from -100 to 100 are wanted")
    if prior is not None and method != "bayes":
        raise DataError(f"prior: got {prior!r} with method={method!r}; only method='bayes' has a prior")
    if method != "bootstrap-t" and (resamples is not None or rng is not None):
        raise DataError(f"resamples, rng: method={method!r} draws nothing at random; they go with 'bootstrap-t'")
    a = 1.0 / 3.0 if prior is None else check_number(prior, "prior", above=0.0)
    drawn = _RESAMPLES if resamples is None else check_resamples(resamples)
    draws = as_generator(rng) if method == "bootstrap-t" else None
    return _Options(method, null, check_confidence(confidence), alternative, a, drawn, draws)


def _one(c: float) -> FloatArray:
    return np.array([c], dtype=np.float64)


def _certain(e: float, null: float, alternative: str) -> OneSample:
    """Everyone was asked: the score is what it is."""
    beyond = {"less": e < null, "greater": e > null, "two-sided": e != null}[alternative]
    low, high = (-1.0 if alternative == "less" else e), (1.0 if alternative == "greater" else e)
    return OneSample(_one(low), _one(high), None, _one(0.0 if beyond else 1.0))


def _plain(
    d: float, u: float, p: float, distribution: tuple[float, ...] | None, options: _Options, notes: tuple[Note, ...]
) -> Nps:
    n = d + u + p
    c = (_one(d), _one(u), _one(p))
    seen = options.infer(c, math.inf)
    return _result(seen, 100.0 * (p - d) / n, (d, u, p), (d / n, u / n, p / n), distribution, options, notes, n_eff=n)


def _result(
    seen: OneSample, estimate: float, counts: tuple[float, float, float], shares: tuple[float, float, float],
    distribution: tuple[float, ...] | None, options: _Options, notes: tuple[Note, ...], *,
    n_eff: float, deff: float = 1.0, df: float | None = None,
) -> Nps:  # fmt: skip
    interval = Interval(100.0 * float(seen.low[0]), 100.0 * float(seen.high[0]), options.confidence)
    z = None if seen.statistic is None else float(seen.statistic[0])
    text, source = options.text
    if df is not None:
        text += ", survey design, t"
        source += "; Korn & Graubard (1998), Survey Methodology 24, 193-201"
    d, u, p = counts
    drawn = options.resamples if options.method == "bootstrap-t" else None
    return Nps(
        estimate, interval, float(seen.pvalue[0]), options.alternative, options.null, z, d + u + p, d, u, p, shares,
        distribution, text, source, (*notes, *seen.notes), n_eff, deff, df, drawn,
    )  # fmt: skip


def _class_totals(score: FloatArray, rows: FloatArray) -> tuple[float, float, float]:
    y = net_class(score)
    return float(rows[y < 0].sum()), float(rows[y == 0].sum()), float(rows[y > 0].sum())


def _distribution(a: Answers) -> tuple[float, ...]:
    return tuple(np.bincount(a.score.astype(np.intp), weights=a.rows, minlength=len(NPS_SCALE)).tolist())


def _designed(a: Answers, population: Any, options: _Options) -> Nps:
    if options.method not in ("score", "adjusted-wald", "wald"):
        raise DataError(
            f"method: {options.method!r} knows no survey design; 'score', 'adjusted-wald' or 'wald' is wanted"
        )
    design = survey(a, population)
    d, u, p = (float(s) for s in design.shares)
    if math.isinf(design.n_eff):  # a census
        seen = _certain(p - d, options.null / 100.0, options.alternative)
    else:
        n = wald_size(float(a.rows.sum()), design.deff, design.n_eff) if options.method == "wald" else design.n_eff
        seen = options.infer((_one(d * n), _one(u * n), _one(p * n)), design.df)
    counts = _class_totals(a.score, a.rows)
    return _result(
        seen, 100.0 * (p - d), counts, (d, u, p), _distribution(a), options, (*a.notes, *design.notes),
        n_eff=design.n_eff, deff=design.deff, df=design.df,
    )  # fmt: skip


def _from_scores(data: Any, options: _Options, missing: str, blank: Any, distribution: bool | None) -> Nps:
    """Answers in a plain sequence: only counted, never copied where they are one byte each."""
    size = len(data) if isinstance(data, list | tuple) else np.size(data)  # rows of unequal length have no np.size
    few = size <= _ALWAYS_DISTRIBUTION if distribution is None else distribution
    if not few:
        check_choice(missing, "missing", ("raise", "drop"))
        check_blank(blank, NPS_SCALE)
        classes = class_counts(data, LAST_DETRACTOR, FIRST_PROMOTER, NPS_SCALE)
        if classes is not None:
            return _plain(*classes, None, options, ())
    counted = tally(data, NPS_SCALE, missing=missing, blank=blank)
    x = counted.counts
    d, u, p = three_classes(x)
    return _plain(d, u, p, tuple(x.tolist()), options, counted.notes)


def nps(
    data: Any,
    *,
    values: str | None = None,
    by: Any = None,
    weight: Any = None,
    strata: Any = None,
    cluster: Any = None,
    population: Any = None,
    method: str = "score",
    null: float = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    missing: str = "raise",
    blank: Any = (),
    distribution: bool | None = None,
    prior: float | None = None,
    resamples: int | None = None,
    rng: Any = None,
) -> Nps | NpsTable:
    r"""Net Promoter Score in points, with an interval that holds also for loved products and small samples.

    Use it for answers 0 to 10 to "how likely are you to recommend us?". Not for other scales (`csat`, `ces`), and not
    to judge a move between two waves by eye: `compare_nps`.

    Parameters
    ----------
    data : array-like, shape (n,), or frame
        Answers, whole numbers 0 to 10. 11, -1, 7.5 and text are refused, with how often each came: an off-scale code is
        not a promoter. A table of any engine is counted where it is.
    values : str
        Column of the answer, for a frame.
    by : str or array-like, optional
        Segment: the answer is an `NpsTable`. Together with `weight` only; other designs one segment at a time. With a
        frame the name of a column, with plain answers one label each; so also the next three.
    weight, strata, cluster : str or array-like, optional
        Survey weight (only ratios matter), stratum, and cluster (branch, account) of each answer. Answers of weight 0
        are left out, counted in a note.
    population : float or mapping of stratum to float, optional
        How many could have been asked (clusters: how many clusters there are). Gives the finite population correction
        and, with strata and no weight, the weight of each stratum.
    method : {"score", "adjusted-wald", "wald", "bootstrap-t", "bayes"}
        ``"score"`` covers close to nominal everywhere. ``"wald"`` is what most dashboards show; at 95 % it covers 40 %
        for ten answers of a loved product. ``"bayes"``: posterior quantiles; p is the posterior tail.
    null : float
        Points the p-value is about.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
    missing : {"raise", "drop"}
        Dropped answers are counted in a note.
    blank : sequence of numbers
        Codes that mean "no answer", such as ``(11, 99)``: left out, counted in a note.
    distribution : bool, optional
        Count all eleven answers, not just the three classes. By default only beyond a million one-byte integers it is
        not done: it would cost four times as much.
    prior : float, optional
        For ``"bayes"``: Dirichlet weight of each class, 1/3 by default (1 pulls a loved product far down).
    resamples, rng : optional
        For ``"bootstrap-t"``: number (100,000) and randomness as in `numpy.random.default_rng`.

    Returns
    -------
    Nps or NpsTable
        A table where `by` is given: each segment against the rest with Holm, and shrunk towards the mean.

    Raises
    ------
    DataError, TooFewData
        Off-scale or missing answers, weights that are none, a stratum or the data with a single unit, no answer at all.

    Notes
    -----
    With shares :math:`p, d` of promoters and detractors among n answers, the score interval holds all :math:`\delta`
    with :math:`|p - d - \delta| \le z \sqrt{(2 q + \delta (1 - \delta)) / n}`, q the most likely share of detractors if
    the NPS is :math:`\delta`: the root of :math:`2 q^2 + B q - d \delta (1 - \delta) = 0` with
    :math:`B = (2 - p + d) \delta - d - p`. A survey design enters by its effective sample size and Student's t.

    The effective size :math:`n_e` is at most what weights leave of n if they have nothing to do with the answers,
    :math:`k = (\sum w)^2 / \sum w^2` (Kish), over 1 less the sampled fraction: a few heavy answers that agree look far
    more precise than they are. With strata the scatter of each is at least that of its own k answers; a stratum whose
    answers are all in one class (or all but one that weighs less than half an answer) is given the scatter of all
    answers, as if the strata explained nothing there. Only where everyone was asked is the score certain. ``"wald"``
    shows the standard error of the design without that bound, as survey software does.

    References
    ----------
    Tango (1998), Statistics in Medicine 17, 891-908. Rocks (2016), American Statistician 70(4), 365-372. Korn &
    Graubard (1998), Survey Methodology 24, 193-201.

    Examples
    --------
    >>> from qstats import nps
    >>> r = nps([10] * 9 + [8] * 3)
    >>> r.estimate, round(r.interval.low, 1), round(r.interval.high, 1)
    (75.0, 32.6, 91.1)
    """
    options = _options(method, null, confidence, alternative, prior, resamples, rng)
    is_frame = table.is_frame(data)
    keys = {"by": by, "strata": strata, "cluster": cluster}
    plain = weight is None and population is None and all(v is None for v in keys.values())
    if plain and not is_frame and values is None:
        return _from_scores(data, options, missing, blank, distribution)
    a = answers(data, NPS_SCALE, values=values, numbers={"weight": weight}, keys=keys, missing=missing, blank=blank)
    a = weighed(a)
    if by is not None:
        return _by_segment(a, population, options)
    if plain:
        return _plain(*_class_totals(a.score, a.rows), _distribution(a), options, a.notes)
    return _designed(a, population, options)


def _by_segment(a: Answers, population: Any, options: _Options) -> NpsTable:
    if "strata" in a.keys or "cluster" in a.keys or population is not None:
        raise DataError(
            "by: strata, clusters or a population tie segments together; take one segment at a time, without by="
        )
    if options.null != 0.0 or options.alternative != "two-sided":
        raise DataError("null, alternative: segments are compared with the rest, two-sided; leave them out with by=")
    if options.method == "bootstrap-t":
        raise DataError("method: 'bootstrap-t' takes one sample at a time; use method='score' with by=")
    check_segments(a)
    if "weight" in a.numbers:
        total = _designed(a, None, options)
    else:
        total = _plain(*_class_totals(a.score, a.rows), _distribution(a), options, ())
    return segments(a, total, lambda c, df: options.infer(c, df), *options.text)


def nps_from_counts(
    detractors: Any,
    passives: Any,
    promoters: Any,
    *,
    method: str = "score",
    null: float = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    prior: float | None = None,
    resamples: int | None = None,
    rng: Any = None,
) -> Nps | NpsMany:
    """Net Promoter Score from counts of detractors, passives and promoters; arrays give many at once.

    Use it for a published table or a dashboard that kept the counts only. Not where weights were used: weighted counts
    claim a precision they do not have; give the answers to `nps`.

    Parameters
    ----------
    detractors, passives, promoters : int or array-like, shape (m,)
        Answers 0 to 6, 7 and 8, 9 and 10.
    method, null, confidence, alternative, prior, resamples, rng
        As in `nps`.

    Returns
    -------
    Nps or NpsMany

    Raises
    ------
    DataError, TooFewData
        Negative or fractional counts, unequal lengths, no answer at all.

    References
    ----------
    As in `nps`.

    Examples
    --------
    >>> from qstats import nps_from_counts
    >>> r = nps_from_counts(15, 25, 60)
    >>> r.estimate, round(r.interval.low, 2), round(r.interval.high, 2)
    (45.0, 29.26, 58.13)
    """
    options = _options(method, null, confidence, alternative, prior, resamples, rng)
    c, many = read_counts(detractors, passives, promoters)
    if not many:
        return _plain(float(c[0][0]), float(c[1][0]), float(c[2][0]), None, options, ())
    seen = options.infer(c, math.inf)
    interval = Intervals(frozen_array(100.0 * seen.low), frozen_array(100.0 * seen.high), options.confidence)
    d, u, p = (frozen_array(x.copy()) for x in c)
    n = frozen_array(d + u + p)
    return NpsMany(
        frozen_array(100.0 * net(c)), interval, frozen_array(seen.pvalue), options.alternative, options.null, n,
        d, u, p, *options.text, seen.notes,
    )  # fmt: skip


def _count_vector(v: Any, name: str) -> FloatArray:
    cells = v if isinstance(v, list | tuple) else [v]
    if getattr(getattr(v, "dtype", None), "kind", "") == "b" or any(isinstance(c, bool | np.bool_) for c in cells):
        raise DataError(f"{name}: got True or False; counts of answers are wanted")
    return as_counts(v if isinstance(v, list | tuple) or np.ndim(v) else [v], name, missing="never")


def read_counts(detractors: Any, passives: Any, promoters: Any, suffix: str = "") -> tuple[Counts, bool]:
    """Return three count vectors of one length, and whether any came as an array."""
    given = {f"detractors{suffix}": detractors, f"passives{suffix}": passives, f"promoters{suffix}": promoters}
    many = any(isinstance(v, list | tuple) or np.ndim(v) > 0 for v in given.values() if not isinstance(v, str))
    vectors = [_count_vector(v, name) for name, v in given.items()]
    lengths = {v.size for v in vectors} - {1}
    if len(lengths) > 1:
        sizes = ", ".join(f"{name} {v.size}" for name, v in zip(given, vectors, strict=True))
        raise DataError(f"{', '.join(given)}: lengths differ ({sizes}); one each per score is wanted")
    d, u, p = np.broadcast_arrays(*vectors)
    if (empty := (d + u + p) == 0).any():
        raise TooFewData(f"{', '.join(given)}: no answer at position {int(np.argmax(empty))}; at least one is wanted")
    return (np.asarray(d), np.asarray(u), np.asarray(p)), many
