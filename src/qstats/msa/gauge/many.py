"""Gauge R&R of many characteristics at once: sums of squares as squared contrasts, by one matrix product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, TooFewData
from qstats.msa.gauge.study import CONVENTIONS, checked_pool

__all__ = ["GaugeTable", "gauge_kernel", "gauge_rr_many"]

_ROWS = 512  # characteristics at once: their values stay in cache
_LOSS = 1e-9  # share of the total below which a difference of sums of squares is computed again from the values


class Kernel(NamedTuple):
    """Variance components, cut off at zero, of m characteristics; each shape (m,)."""

    repeatability: FloatArray
    operator: FloatArray
    interaction: FloatArray
    part: FloatArray
    pooled: BoolArray
    f: FloatArray
    mean: FloatArray
    whole: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class GaugeTable(Result):
    """Gauge R&R of many characteristics; all arrays have shape (m,), one entry per characteristic.

    Parameters
    ----------
    name : tuple of str
    repeatability, operator, interaction, reproducibility, gauge_rr, part, total : ndarray
        Variances, unit of the data squared; NaN where all measurements are equal (noted).
    pooled : ndarray of bool
        Whether the interaction was put into the repeatability (its own column is then 0).
    interaction_pvalue : ndarray
        NaN where neither interaction nor repeatability shows any variation.
    percent_contribution, percent_study : ndarray
        Of the gauge R&R, per cent of total variance and of total standard deviation.
    percent_tolerance : ndarray or None
        None where no tolerance was given.
    ndc : ndarray
        ``sqrt(2) PV / GRR``, not cut off; infinite where the gauge shows no variation.
    ndc_truncated : ndarray
        ``max(1, floor(1.41 PV / GRR))``; infinite where `ndc` is.
    mean : ndarray
    multiplier : float
    shape : tuple of int
        Parts, operators, repeats.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.gauge_table/1"
    title: ClassVar[str] = "Gauge R&R of many characteristics"

    name: tuple[str, ...]
    repeatability: FloatArray
    operator: FloatArray
    interaction: FloatArray
    reproducibility: FloatArray
    gauge_rr: FloatArray
    part: FloatArray
    total: FloatArray
    pooled: BoolArray
    interaction_pvalue: FloatArray
    percent_contribution: FloatArray
    percent_study: FloatArray
    percent_tolerance: FloatArray | None
    ndc: FloatArray
    ndc_truncated: FloatArray
    mean: FloatArray
    multiplier: float
    shape: tuple[int, int, int]
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return self.part.size

    def _rows(self) -> list[tuple[str, str]]:
        study = self.percent_study
        parts, operators, repeats = self.shape
        return [
            ("characteristics", f"{len(self)}"),
            ("design", f"crossed: {parts} parts, {operators} operators, {repeats} repeats"),
            ("gauge R&R under 10 % of the study", f"{np.count_nonzero(study < 10.0)}"),
            ("10 to 30 %", f"{np.count_nonzero((study >= 10.0) & (study <= 30.0))}"),
            ("over 30 %", f"{np.count_nonzero(study > 30.0)}"),
            ("five or more distinct categories", f"{np.count_nonzero(self.ndc_truncated >= 5)}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        columns: dict[str, object] = {"name": list(self.name), "mean": self.mean}
        for field in (
            "repeatability",
            "operator",
            "interaction",
            "reproducibility",
            "gauge_rr",
            "part",
            "total",
            "pooled",
            "interaction_pvalue",
            "percent_contribution",
            "percent_study",
        ):
            columns[field] = getattr(self, field)
        if self.percent_tolerance is not None:
            columns["percent_tolerance"] = self.percent_tolerance
        return {**columns, "ndc": self.ndc, "ndc_truncated": self.ndc_truncated}


def _contrasts(k: int) -> FloatArray:
    """Return the orthonormal Helmert contrasts of k values, shape (k, k - 1)."""
    out = np.zeros((k, k - 1))
    for j in range(1, k):
        out[:j, j - 1], out[j, j - 1] = 1.0, -float(j)
        out[:, j - 1] /= np.sqrt(j * (j + 1.0))
    return out


@lru_cache(maxsize=32)
def _basis(p: int, o: int, r: int) -> FloatArray:
    """Return the contrasts of parts, operators and their interaction on p x o x r values, side by side."""
    one = [np.full((k, 1), k**-0.5) for k in (p, o, r)]
    part, operator = _contrasts(p), _contrasts(o)
    blocks = [(part, one[1]), (one[0], operator), (part, operator)]
    return np.concatenate([np.kron(np.kron(a, b), one[2]) for a, b in blocks], axis=1)


def _squares(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean (m,) and the sums of squares of part, operator, interaction, repeats, total (5, m)."""
    m, p, o, r = x.shape
    flat, basis = x.reshape(m, -1), _basis(p, o, r)
    edges = (0, p - 1, p + o - 2, p * o - 1)
    mean, ss = np.empty(m), np.empty((5, m))
    for i in range(0, m, _ROWS):
        rows = slice(i, i + _ROWS)
        block = flat[rows]
        # Repeats come as total less explained, which an offset would drown: centre first.
        mean[rows] = block.mean(axis=1)
        block = block - mean[rows, None]
        found = block @ basis
        for j, (a, b) in enumerate(pairwise(edges)):
            part = found[:, a:b]
            np.einsum("ij,ij->i", part, part, out=ss[j, rows])
        np.einsum("ij,ij->i", block, block, out=ss[4, rows])
    ss[3] = ss[4] - ss[0] - ss[1] - ss[2]
    lost = np.flatnonzero(ss[3] <= _LOSS * ss[4])
    if lost.size:
        cells = x[lost] - mean[lost, None, None, None]
        ss[3, lost] = ((cells - cells.mean(axis=3, keepdims=True)) ** 2).sum(axis=(1, 2, 3))
    return mean, ss


def gauge_kernel(x: FloatArray, critical: float) -> Kernel:
    """Return the components of characteristics x parts x operators x repeats.

    Parameters
    ----------
    x : ndarray, shape (m, p, o, r)
    critical : float
        The interaction is pooled where its F is below this (infinite: always, below zero: never).
    """
    m, p, o, r = x.shape
    mean, ss = _squares(x)
    df = p - 1.0, o - 1.0, (p - 1.0) * (o - 1.0), p * o * (r - 1.0)
    ms_part, ms_operator, ms_cross, ms_error = (s / d for s, d in zip(ss, df, strict=False))
    f = np.divide(ms_cross, ms_error, out=np.full(m, np.nan), where=ms_error > 0.0)
    f[(ms_error <= 0.0) & (ms_cross > 0.0)] = np.inf
    pooled = ~(f >= critical) if critical >= 0.0 else np.zeros(m, dtype=np.bool_)
    joint = (ss[2] + ss[3]) / (df[2] + df[3])
    under = np.where(pooled, joint, ms_cross)
    return Kernel(
        np.where(pooled, joint, ms_error),
        np.maximum(ms_operator - under, 0.0) / (p * r),
        np.where(pooled, 0.0, np.maximum(ms_cross - ms_error, 0.0) / r),
        np.maximum(ms_part - under, 0.0) / (o * r),
        pooled,
        f,
        mean,
        ss[4],
    )


def _critical_f(pool: float | str, df: float, df_error: float) -> float:
    if isinstance(pool, str):
        return np.inf if pool == "always" else -1.0
    return float(scipy.special.fdtri(df, df_error, 1.0 - pool))


def _checked_cubes(data: object) -> FloatArray:
    try:
        x = np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("data: got text or rows of unequal length; an array of numbers is wanted") from None
    if x.ndim != 4:
        raise DataError(f"data: shape {x.shape} came; characteristics x parts x operators x repeats is wanted")
    m, p, o, r = x.shape
    if m < 1 or min(p, o, r) < 2:
        raise TooFewData(f"data: {m} characteristics of {p} x {o} x {r} came; two of each at least")
    return x


def _check_finite(kernel: Kernel) -> None:
    # One number that is missing, infinite or too large leaves no finite sum of squares.
    if (bad := ~np.isfinite(kernel.whole)).any():
        where = int(np.argmax(bad))
        raise DataError(
            f"data: characteristic {where} has missing, infinite or huge values; use gauge_rr(data[{where}], "
            "missing='drop') for it"
        )


def gauge_rr_many(
    data: object,
    *,
    names: Sequence[str] | None = None,
    pool: float | str | None = None,
    tolerance: float | Sequence[float] | FloatArray | None = None,
    multiplier: float = 6.0,
    convention: str | None = None,
) -> GaugeTable:
    """Gauge R&R of many characteristics measured in one balanced crossed study, in one call.

    Use it to screen thousands of features of a machine that measures them all at once; look closer at the doubtful ones
    with `gauge_rr`, which gives intervals. Not for missing values.

    Parameters
    ----------
    data : array-like, shape (m, parts, operators, repeats)
    names : sequence of str, optional
        One per characteristic; their numbers if not given.
    pool : float or {"never", "always"}, optional
        As in `gauge_rr`; decided for each characteristic.
    tolerance : float or array-like, shape (m,), optional
        Width of the tolerance.
    multiplier : float
        Standard deviations set against the tolerance.
    convention : {"minitab", "aiag", "jasp"}, optional
        As in `gauge_rr`.

    Returns
    -------
    GaugeTable

    Raises
    ------
    DataError
        Another shape, missing values, names or tolerances that do not fit.
    TooFewData
        Fewer than two parts, operators or repeats.

    References
    ----------
    As for `gauge_rr`.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats import gauge_rr_many
    >>> x = np.array([[[9.8, 9.9], [9.9, 10.0]], [[10.5, 10.4], [10.6, 10.5]], [[11.2, 11.3], [11.4, 11.3]]])
    >>> table = gauge_rr_many(np.stack([x, 25.4 * x]))
    >>> table.percent_study.round(2)
    array([12.74, 12.74])
    """
    if convention is not None:
        check_choice(convention, "convention", CONVENTIONS)
    rule = checked_pool(CONVENTIONS.get(convention or "", 0.05) if pool is None else pool)
    k = check_number(multiplier, "multiplier", above=0.0)
    x = _checked_cubes(data)
    m, p, o, r = x.shape
    width = _widths(tolerance, m)
    label = _names(names, m)
    df = (p - 1.0) * (o - 1.0), p * o * (r - 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        kernel = gauge_kernel(x, _critical_f(rule, *df))
    _check_finite(kernel)
    return _table(kernel, x, label, width, k)


def _widths(tolerance: object, m: int) -> FloatArray | None:
    if tolerance is None:
        return None
    width = np.asarray(tolerance, dtype=np.float64)
    if width.ndim > 1 or (width.ndim == 1 and width.size != m):
        raise DataError(f"tolerance: shape {width.shape} came for {m} characteristics; one, or one each, is wanted")
    if not (np.isfinite(width) & (width > 0.0)).all():
        raise DataError("tolerance: widths above zero are wanted")
    return np.broadcast_to(width, (m,))


def _names(names: Sequence[str] | None, m: int) -> tuple[str, ...]:
    if names is None:
        return tuple(str(i) for i in range(m))
    if isinstance(names, str) or len(names) != m:
        raise DataError(f"names: one per characteristic is wanted, {m} in all")
    return tuple(str(name) for name in names)


def _constant(kernel: Kernel, x: FloatArray) -> BoolArray:
    """Tell which characteristics never vary; only those with next to nothing about their mean are looked at."""
    out = np.zeros(len(x), dtype=np.bool_)
    near = np.flatnonzero(kernel.whole <= 1e-20 * kernel.mean**2 * x[0].size)
    out[near] = (x[near] == x[near][:, :1, :1, :1]).all(axis=(1, 2, 3))
    return out


def _table(kernel: Kernel, x: FloatArray, label: tuple[str, ...], width: FloatArray | None, k: float) -> GaugeTable:
    constant = _constant(kernel, x)
    _, p, o, r = x.shape
    df = (p - 1.0) * (o - 1.0), p * o * (r - 1.0)
    variances = [np.where(constant, np.nan, v) for v in kernel[:4]]
    repeat, operator, cross, part = variances
    between = operator + cross
    gauge = repeat + between
    total = gauge + part
    share = gauge / total
    with np.errstate(divide="ignore"):
        ndc = np.sqrt(2.0 * part / gauge)
    notes: tuple[Note, ...] = ()
    if gone := int(constant.sum()):
        notes = (Note("constant", "serious", f"{gone} of {constant.size} never vary: nothing to estimate"),)
    return GaugeTable(
        name=label,
        repeatability=frozen_array(repeat),
        operator=frozen_array(operator),
        interaction=frozen_array(cross),
        reproducibility=frozen_array(between),
        gauge_rr=frozen_array(gauge),
        part=frozen_array(part),
        total=frozen_array(total),
        pooled=frozen_array(kernel.pooled, np.bool_),
        interaction_pvalue=frozen_array(scipy.special.fdtrc(*df, kernel.f)),
        percent_contribution=frozen_array(100.0 * share),
        percent_study=frozen_array(100.0 * np.sqrt(share)),
        percent_tolerance=None if width is None else frozen_array(100.0 * k * np.sqrt(gauge) / width),
        ndc=frozen_array(ndc),
        ndc_truncated=frozen_array(np.maximum(1.0, np.floor(1.41 / np.sqrt(2.0) * ndc))),
        mean=frozen_array(kernel.mean),
        multiplier=k,
        shape=(int(p), int(o), int(r)),
        method="analysis of variance, crossed, all effects random, each characteristic by itself",
        reference="AIAG MSA 4th ed. (2010), appendix A",
        notes=notes,
    )
