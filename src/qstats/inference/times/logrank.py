"""Log-rank test: do times until closed differ between groups when some are still open?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_sf
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.inference.times.survival import as_closed, as_times

__all__ = ["LogRank", "logrank"]

_METHODS = {
    "logrank": ("log-rank", "Mantel (1966), Cancer Chemotherapy Reports 50, 163-170"),
    "peto-peto": ("Peto-Peto (early differences weigh more)", "Harrington & Fleming (1982), Biometrika 69, 553-566"),
}


@dataclass(frozen=True, slots=True, eq=False)
class LogRank(Result):
    """Do k groups close at the same pace?

    Parameters
    ----------
    groups : tuple of str
        Labels, sorted.
    n : ndarray, shape (k,)
        Times in each group.
    observed, expected : ndarray, shape (k,)
        Closed in each group, and how many would be if all groups shared one pace (weighted for ``"peto-peto"``).
    statistic, df, pvalue : float
        Chi-square, its degrees of freedom, upper tail.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.logrank/1"
    title: ClassVar[str] = "Log-rank test"

    groups: tuple[str, ...]
    n: FloatArray
    observed: FloatArray
    expected: FloatArray
    statistic: float
    df: float
    pvalue: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        seen = [
            (f"{name}: closed, expected", f"{o:.4g}, {e:.4g}")
            for name, o, e in zip(self.groups, self.observed, self.expected, strict=True)
        ]
        return [
            *seen,
            ("chi-square, df", f"{self.statistic:.4g}, {self.df:g}"),
            ("p-value", f"{self.pvalue:.4g}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {"group": list(self.groups), "n": self.n, "observed": self.observed, "expected": self.expected}


def _labels(data: Any, name: str, n: int) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    """Return the labels and the code of each row."""
    column = np.asarray(data)
    if column.ndim != 1 or column.size != n:
        raise DataError(f"{name}: got shape {column.shape} for {n} times; one label each is wanted")
    missing = np.isnan(column) if column.dtype.kind == "f" else np.array([])
    if column.dtype.kind == "O":
        missing = np.array([cell is None or cell != cell for cell in column], dtype=np.bool_)
        column = column.astype(np.str_)
    if missing.any():
        raise DataError(f"{name}: {int(missing.sum())} labels are missing; give every time a group or leave it out")
    found, codes = np.unique(column, return_inverse=True)
    return tuple(str(v) for v in found), codes


def _one_stratum(
    time: FloatArray, closed: npt.NDArray[np.bool_], codes: npt.NDArray[np.intp], k: int, rho: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weighted observed and expected counts, shape (k,), and the covariance of their difference."""
    at, inverse = np.unique(time, return_inverse=True)
    cell = inverse * k + codes
    shape = (at.size, k)
    total = np.bincount(cell, minlength=at.size * k).reshape(shape).astype(np.float64)
    events = np.bincount(cell, weights=closed.astype(np.float64), minlength=at.size * k).reshape(shape)
    risk = total[::-1].cumsum(axis=0)[::-1]
    keep = events.sum(axis=1) > 0
    events, risk = events[keep], risk[keep]
    d, n = events.sum(axis=1), risk.sum(axis=1)
    share = risk / n[:, np.newaxis]
    before = np.concatenate([[1.0], np.cumprod((n - d) / n)[:-1]]) if d.size else d
    weight = before**rho
    spread = weight**2 * d * np.divide(n - d, n - 1.0, out=np.zeros_like(n), where=n > 1)
    covariance = np.diag(spread @ share) - (share * spread[:, np.newaxis]).T @ share
    return weight @ events, (weight * d) @ share, covariance


def logrank(time: object, closed: object, group: object, *, strata: object = None, weight: str = "logrank") -> LogRank:
    r"""Tell whether groups (teams, channels, before and after) close at the same pace, open tickets included.

    Use it for times that may be censored and groups whose paces stay in proportion. Where the curves cross it can see
    nothing: compare mean times to a horizon (`compare_times`). It tells *whether*, not *how much*.

    Parameters
    ----------
    time : array-like, shape (n,)
        Zero or more.
    closed : array-like of bool, shape (n,), or None
        False where still open; None: all closed.
    group : array-like, shape (n,)
        Labels; at least two different ones.
    strata : array-like, shape (n,), optional
        Labels within which alone groups are compared, such as the kind of complaint.
    weight : {"logrank", "peto-peto"}
        All times alike, or each by the share still open before it.

    Returns
    -------
    LogRank

    Raises
    ------
    DataError
        Negative times, lengths that differ, missing labels, a single group.

    Notes
    -----
    At each time with :math:`d` closed of :math:`n` open, group j expects :math:`d n_j / n`; the covariance of
    observed less expected is :math:`d \frac{n-d}{n-1} (\mathrm{diag}(p) - p p')`, :math:`p_j = n_j / n`. Sums over
    times and strata make a quadratic form that is chi-square with as many degrees of freedom as the covariance has
    rank: groups less one, where all meet.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50, 163-170. Harrington & Fleming (1982), Biometrika 69, 553-566.

    Examples
    --------
    >>> from qstats import logrank
    >>> r = logrank([3, 5, 8, 9, 12, 2, 3, 4, 6, 7], None, ["old"] * 5 + ["new"] * 5)
    >>> round(r.statistic, 3), round(r.pvalue, 4)
    (3.067, 0.0799)
    """
    check_choice(weight, "weight", _METHODS)
    times = as_times(time, "time")
    ended = as_closed(closed, "closed", times.size)
    names, codes = _labels(group, "group", times.size)
    if len(names) < 2:
        raise DataError(f"group: got only {names[0]!r}; at least two groups are wanted")
    k, rho = len(names), 1.0 if weight == "peto-peto" else 0.0
    layers = np.zeros(times.size, dtype=np.intp) if strata is None else _labels(strata, "strata", times.size)[1]
    observed, expected, covariance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for layer in range(int(layers.max()) + 1):
        at = layers == layer
        parts = _one_stratum(times[at], ended[at], codes[at], k, rho)
        observed, expected, covariance = observed + parts[0], expected + parts[1], covariance + parts[2]
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True, rtol=1e-10)) if covariance.any() else 0
    text, source = _METHODS[weight]
    notes: tuple[Note, ...] = ()
    if rank:
        gap = observed - expected
        statistic = float(gap @ np.linalg.pinv(covariance, hermitian=True, rtol=1e-10) @ gap)
        df, pvalue = float(rank), float(chi2_sf(statistic, rank))
    else:
        words = "nothing closed while two groups were open: there is no information"
        statistic, df, pvalue, notes = 0.0, 0.0, 1.0, (Note("no-information", "serious", words),)
    sizes = np.bincount(codes, minlength=k)
    return LogRank(
        names, frozen_array(sizes), frozen_array(observed), frozen_array(expected), statistic, df, pvalue,
        text + (", stratified" if strata is not None else ""), source, notes,
    )  # fmt: skip
