"""NPS of a survey design: weights, strata, clusters, finite population, by Taylor linearisation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.table.net_promoter import net_class
from qstats.table.scores import Answers, Keys

__all__ = ["Design", "survey", "wald_size"]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What a survey design makes of the answers.

    Parameters
    ----------
    shares : ndarray, shape (3,)
        Weighted shares of detractors, passives, promoters.
    variance : float
        Of the NPS as a fraction.
    deff, n_eff, df : float
        Design effect as it shows, effective answers (bounded; infinite for a census only), degrees of freedom.
    notes : tuple of Note
    """

    shares: FloatArray
    variance: float
    deff: float
    n_eff: float
    df: float
    notes: tuple[Note, ...]


def _codes(keys: Keys | None, name: str, n: int) -> Keys:
    if keys is None:
        return Keys(np.zeros(n, dtype=np.intp), ("all",), 0)
    if keys.missing:
        raise DataError(f"{name}: missing for {keys.missing} answers; the design of every answer must be known")
    return keys


def _population(population: Any, strata: Keys, given: bool) -> FloatArray:
    """Return the population of each stratum, infinite where it was not told."""
    if population is None:
        return np.full(len(strata.labels), np.inf)
    if not given:
        return np.array([check_number(population, "population", above=0.0)])
    if not isinstance(population, Mapping):
        raise DataError(f"population: got {population!r}; with strata a mapping of stratum to population is wanted")
    told = {str(k): check_number(v, f"population of {k!r}", above=0.0) for k, v in population.items()}
    absent = [label for label in strata.labels if label not in told]
    if absent:
        raise DataError(f"population: stratum {absent[0]!r} is not in it ({', '.join(map(repr, told))})")
    silent = [label for label in told if label not in strata.labels]
    if silent:
        raise TooFewData(
            f"population: stratum {silent[0]!r} has no answer; nothing is known of it: merge it or leave it out"
        )
    return np.array([told[label] for label in strata.labels])


@dataclass(frozen=True, slots=True, eq=False)
class _Units:
    """First-stage units: sum of the linearised values, stratum, and how many such units there are."""

    total: FloatArray
    stratum: Any
    times: FloatArray


def _units(z: FloatArray, rows: FloatArray, strata: Keys, cluster: Keys | None) -> _Units:
    if cluster is None:
        return _Units(z, strata.codes, rows)
    pair = strata.codes * len(cluster.labels) + cluster.codes
    unit, where = np.unique(pair, return_inverse=True)
    total = np.bincount(where.reshape(-1), weights=z * rows, minlength=unit.size)
    return _Units(np.asarray(total, dtype=np.float64), unit // len(cluster.labels), np.ones(unit.size))


def _between(
    units: _Units, population: FloatArray, labels: tuple[str, ...], what: str
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ``(1 - n/N) n/(n-1) sum (total - mean)**2`` of each stratum, its units n, and ``1 - n/N``."""
    k = len(labels)
    m = np.bincount(units.stratum, weights=units.times, minlength=k)
    if (lonely := m < 2).any():
        where = labels[int(np.argmax(lonely))]
        place = f"stratum {where!r}" if k > 1 else "the data"
        has = "a single one" if m[lonely][0] else "none"
        raise TooFewData(f"{what}: {place} has {has}; two are wanted for a variance: merge strata")
    if (over := m > population).any():
        i = int(np.argmax(over))
        raise DataError(
            f"population: {population[i]:g} came for {m[i]:g} sampled ({labels[i]}); the population is at least those"
        )
    mean = np.bincount(units.stratum, weights=units.times * units.total, minlength=k) / m
    square = np.bincount(units.stratum, weights=units.times * (units.total - mean[units.stratum]) ** 2, minlength=k)
    left = 1.0 - m / population
    return left * m / (m - 1.0) * square, np.asarray(m, dtype=np.float64), left


def wald_size(n: float, deff: float, n_eff: float) -> float:
    """Return the answers at which Wald shows the design's own standard error, which has n - 1 in it."""
    return (n - 1.0) / deff if deff > 0.0 else n_eff * (1.0 - 1.0 / n)


@dataclass(frozen=True, slots=True, eq=False)
class _Strata:
    """Each stratum by itself: share of the weight, variance of one answer, Kish's answers, whether all are alike."""

    share: FloatArray
    variance: FloatArray
    kish: FloatArray
    alike: Any


def _strata(y: FloatArray, w: FloatArray, rows: FloatArray, codes: Any, k: int) -> _Strata:
    def add(x: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(codes, weights=x * rows, minlength=k), dtype=np.float64)

    total = add(w)
    share = np.array([add(w * (y == c)) / total for c in (-1.0, 0.0, 1.0)])
    # A dissenter that weighs less than half an answer tells as little of the scatter as none.
    alike = (1.0 - share.max(axis=0)) * add(np.ones(y.size)) < 0.5
    v = share[1] * (1.0 - share[1]) + 4.0 * share[0] * share[2]
    return _Strata(total / total.sum(), v, total * total / add(w * w), alike)


def _effective(
    s: _Strata, own: FloatArray, units: FloatArray, left: FloatArray, n: float, v: float
) -> tuple[float, float, tuple[Note, ...]]:
    """Design effect, effective answers with their bound, and what is to be said of them."""
    if not left.any():
        text = "everyone was asked: the score is certain"
        return 0.0, math.inf, (Note("no-design-variance", "warning", text),)
    base = s.share**2 * left  # times the variance of one answer over the answers: the variance of the score
    blind = s.alike & (left > 0.0)
    worth = np.where(blind, np.minimum(s.kish, units), s.kish)
    if v <= 0.0:
        n_eff = 1.0 / float(np.sum(base / np.minimum(s.kish, units)))
        text = f"all answers fall in one class: the design effect is unknown, {n_eff:.4g} effective answers are assumed"
        return n / n_eff, n_eff, (Note("design-effect-unknown", "warning", text),)
    least = base * np.where(blind, v, s.variance) / worth * n / (n - 1.0)
    whole = own.sum()
    deff = float(whole * (n - 1.0) / v) if whole > 1e-25 * v else 0.0  # less is rounding
    if s.share.size > 1:
        total = float(np.maximum(own, least).sum())
    else:
        total = float(max(whole, (base * v / s.kish).sum() * n / (n - 1.0)))
    notes: tuple[Note, ...] = ()
    if s.share.size > 1 and blind.any():
        text = (
            f"{int(blind.sum())} of {blind.size} strata show no scatter, which is no certainty: they are given that "
            f"of all answers"
        )
        notes = (Note("stratum-without-scatter", "warning", text),)
    elif total > whole * (1.0 + 1e-9):
        text = "the design looks more precise than its weights allow: the effective answers are bounded"
        notes = (Note("effective-size-bounded", "info", text),)
    return deff, n * v / (total * (n - 1.0)), notes


def survey(answers: Answers, population: Any) -> Design:
    r"""Return weighted shares, the design variance of the NPS, and the sample size it is worth.

    The value of a customer is y = -1, 0, 1; with weights w the estimate is :math:`e = \sum w y / \sum w`, linearised
    :math:`z_i = w_i (y_i - e) / \sum w`, added up to first-stage units (clusters, or the answers themselves), and
    :math:`V = \sum_h (1 - n_h/N_h) \frac{n_h}{n_h - 1} \sum_c (z_{hc} - \bar z_h)^2`.

    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 5.5; Korn & Graubard (1998), Survey
    Methodology 24, 193-201 (effective sample size).
    """
    m = answers.score.size
    w = answers.numbers.get("weight", np.ones(m))
    given = "strata" in answers.keys
    strata = _codes(answers.keys.get("strata"), "strata", m)
    cluster = _codes(answers.keys["cluster"], "cluster", m) if "cluster" in answers.keys else None
    size = _population(population, strata, given)
    rows, notes = answers.rows, []
    if given and "weight" not in answers.numbers:
        if population is not None and cluster is None:  # each stratum counts for its share of the population
            w = (size / np.bincount(strata.codes, weights=rows))[strata.codes]
        else:
            text = "strata without weight or population: every answer counts alike, right for proportional samples only"
            notes.append(Note("equal-weights", "warning", text))
    y = net_class(answers.score)
    total = float((w * rows).sum())
    shares = np.array([float((w * rows)[y == k].sum()) / total for k in (-1.0, 0.0, 1.0)])
    e = shares[2] - shares[0]
    units = _units(w * (y - e) / total, rows, strata, cluster)
    own, m_units, left = _between(units, size, strata.labels, "data" if cluster is None else "cluster")
    v = float(shares[1] * (1.0 - shares[1]) + 4.0 * shares[0] * shares[2])
    parts = _strata(y, w, rows, strata.codes, len(strata.labels))
    deff, n_eff, more = _effective(parts, own, m_units, left, float(rows.sum()), v)
    df = float(m_units.sum()) - m_units.size
    return Design(shares, float(own.sum()), deff, n_eff, df, (*notes, *more))
