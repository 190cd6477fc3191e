"""NPS of a survey design: weights, strata, clusters, finite population, by Taylor linearisation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray, first_bad
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.table.scores import Answers, Keys

__all__ = ["Design", "net_class", "survey"]


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
        Design effect, effective answers, degrees of freedom.
    notes : tuple of Note
    """

    shares: FloatArray
    variance: float
    deff: float
    n_eff: float
    df: float
    notes: tuple[Note, ...]


def net_class(score: FloatArray) -> FloatArray:
    """Return -1, 0 or 1: detractor, passive, promoter."""
    return (score >= 9).astype(np.float64) - (score <= 6).astype(np.float64)


def _codes(keys: Keys | None, name: str, n: int) -> Keys:
    if keys is None:
        return Keys(np.zeros(n, dtype=np.intp), ("all",), 0)
    if keys.missing:
        raise DataError(f"{name}: missing for {keys.missing} answers; the design of every answer must be known")
    return keys


def _weights(given: FloatArray | None, n: int) -> FloatArray:
    if given is None:
        return np.ones(n)
    gaps = np.isnan(given)
    if gaps.any():
        raise DataError(f"weight: missing ({first_bad(gaps, given)}); every answer that counts needs its weight")
    if (bad := given < 0).any():
        raise DataError(f"weight: {first_bad(bad, given)}; weights of zero or more are wanted")
    if not given.sum() > 0:
        raise DataError("weight: all are zero; at least one above zero is wanted")
    return np.asarray(given / given.max())  # only their ratios matter


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


def _between(units: _Units, population: FloatArray, labels: tuple[str, ...], what: str) -> tuple[float, float]:
    """Sum over strata of ``(1 - n/N) n/(n-1) sum (total - mean)**2``, and the degrees of freedom."""
    k = len(labels)
    m = np.bincount(units.stratum, weights=units.times, minlength=k)
    if (lonely := m < 2).any():
        where = labels[int(np.argmax(lonely))]
        place = f"stratum {where!r}" if k > 1 else "the data"
        raise TooFewData(f"{what}: {place} has a single one; two are wanted for a variance: merge strata")
    if (over := m > population).any():
        i = int(np.argmax(over))
        raise DataError(
            f"population: {population[i]:g} came for {m[i]:g} sampled ({labels[i]}); the population is at least those"
        )
    mean = np.bincount(units.stratum, weights=units.times * units.total, minlength=k) / m
    square = np.bincount(units.stratum, weights=units.times * (units.total - mean[units.stratum]) ** 2, minlength=k)
    return float(np.sum((1.0 - m / population) * m / (m - 1.0) * square)), float(m.sum() - k)


def _effective(n: float, v: float, variance: float, fallback: float) -> tuple[float, float, tuple[Note, ...]]:
    """Design effect and effective answers; where all answers are alike the data cannot tell, so a safe bound."""
    if v > 0.0 and variance > 1e-25 * v:  # less is rounding
        deff = variance * (n - 1.0) / v
        return deff, n / deff, ()
    if v > 0.0:  # a census, or strata that explain every difference
        text = "the design leaves no variance: everyone was asked, or the answers are alike within every stratum"
        return 0.0, math.inf, (Note("no-design-variance", "warning", text),)
    text = f"all answers fall in one class: the design effect is unknown, {fallback:.4g} effective answers are assumed"
    return n / fallback, fallback, (Note("design-effect-unknown", "warning", text),)


def survey(answers: Answers, population: Any) -> Design:
    r"""Return weighted shares, the design variance of the NPS, and the sample size it is worth.

    The value of a customer is y = -1, 0, 1; with weights w the estimate is :math:`e = \sum w y / \sum w`, linearised
    :math:`z_i = w_i (y_i - e) / \sum w`, added up to first-stage units (clusters, or the answers themselves), and
    :math:`V = \sum_h (1 - n_h/N_h) \frac{n_h}{n_h - 1} \sum_c (z_{hc} - \bar z_h)^2`.

    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 5.5; Korn & Graubard (1998), Survey
    Methodology 24, 193-201 (effective sample size).
    """
    m = answers.score.size
    w = _weights(answers.numbers.get("weight"), m)
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
    variance, df = _between(units, size, strata.labels, "data" if cluster is None else "cluster")
    v = float(shares[1] * (1.0 - shares[1]) + 4.0 * shares[0] * shares[2])
    kish = total * total / float((w * w * rows).sum())
    fallback = kish if cluster is None else min(kish, float(units.times.sum()))
    deff, n_eff, more = _effective(float(rows.sum()), v, variance, fallback)
    return Design(shares, variance, deff, n_eff, df, (*notes, *more))
