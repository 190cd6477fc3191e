"""Which characteristics are behind a T2 signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.spc.chart import ControlChart
from qstats.spc.charts.multivariate_fit import Known
from qstats.spc.kernels.hotelling import t2_drops
from qstats.spc.labels import phase_ends

__all__ = ["T2Contributions", "t2_contributions"]


@dataclass(frozen=True, slots=True, eq=False)
class T2Contributions(Result):
    """What each characteristic adds to the T2 of each point.

    Parameters
    ----------
    names : tuple of str
        The p variables, in the order of the columns below: that of `values`, or of the columns of the data.
    labels : sequence of str
        Labels of the n points.
    statistic : numpy.ndarray
        T2, shape (n,); NaN at a gap.
    drop : numpy.ndarray
        T2 less the T2 of the other variables, shape (n, p), zero or more: large where a variable is off by itself or
        off its relation to the others.
    alone : numpy.ndarray
        Squared distance of the variable by itself from its mean, in its own standard errors, shape (n, p).
    signals : tuple of int
        Positions of the points beyond the limit.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.t2_contributions/1"
    title: ClassVar[str] = "Contributions to T2"

    names: tuple[str, ...]
    labels: Sequence[str]
    statistic: FloatArray
    drop: FloatArray
    alone: FloatArray
    signals: tuple[int, ...]
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def ranked(self, index: int) -> tuple[tuple[str, float], ...]:
        """Return the variables of one point with their drops, the largest first.

        Parameters
        ----------
        index : int
            Position of the point, counted from 0.
        """
        if isinstance(index, bool) or not isinstance(index, int | np.integer) or not 0 <= index < len(self.labels):
            raise DataError(f"index: got {index!r}; a position from 0 to {len(self.labels) - 1} is wanted")
        order = np.argsort(-self.drop[index], kind="stable")
        return tuple((self.names[j], float(self.drop[index, j])) for j in order)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("points", str(len(self.labels))), ("variables", ", ".join(self.names))]
        for i in self.signals[:10]:
            parts = ", ".join(f"{name} {d:.3g}" for name, d in self.ranked(i)[:5])
            rows.append((f"at {self.labels[i]}", f"T2 {self.statistic[i]:.4g}: {parts}"))
        if len(self.signals) > 10:
            rows.append(("signals", f"... and {len(self.signals) - 10} more"))
        return [*rows, ("method", self.method), ("reference", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        """Return one row per point and variable."""
        n, p = self.drop.shape
        return {
            "label": np.repeat(np.array(list(self.labels), dtype=object), p),
            "variable": list(self.names) * n,
            "t2": np.repeat(self.statistic, p),
            "drop": self.drop.reshape(-1),
            "alone": self.alone.reshape(-1),
        }


def t2_contributions(chart: ControlChart) -> T2Contributions:
    """Tell which characteristics are behind the points of a T2 chart.

    After a signal: which of the ten characteristics is it? Start with the largest `drop`; where its `alone` is small
    the characteristic is usual by itself and what is odd is its relation to the others. Not a test: the largest of ten
    is large by chance too.

    Parameters
    ----------
    chart : ControlChart
        Of kind ``"t2"``; each phase is taken with its own mean and covariance.

    Returns
    -------
    T2Contributions

    Raises
    ------
    DataError
        A chart of another kind.

    Notes
    -----
    ``drop_j = T2 - T2 without j = n (S^-1 d)_j**2 / (S^-1)_jj``, ``alone_j = n d_j**2 / S_jj``, ``d = x - mean``. Drops
    do not add up to T2, and they do not depend on the order of the variables, as sequential terms would.

    References
    ----------
    Runger, Alt & Montgomery (1996), Communications in Statistics: Theory and Methods 25(10), 2203-2213; Montgomery
    (2013), 7th ed., eq. 11.22; Mason, Tracy & Young (1995), Journal of Quality Technology 27(2), 99-108.

    Examples
    --------
    >>> from qstats import t2, t2_contributions
    >>> minutes = [[5.1, 10.3], [4.8, 9.4], [5.5, 11.2], [4.6, 9.1], [5.3, 10.5], [5.0, 10.1], [4.7, 9.5], [5.2, 10.2]]
    >>> parts = t2_contributions(t2([*minutes, [5.4, 9.6]], baseline=8))
    >>> parts.drop[-1].round(1).tolist(), parts.alone[-1].round(1).tolist()
    ([69.9, 68.8], [1.5, 0.4])
    """
    if not isinstance(chart, ControlChart) or chart.kind != "t2":
        got = chart.kind if isinstance(chart, ControlChart) else type(chart).__name__
        raise DataError(f"chart: got {got!r}; a chart made by t2 is wanted")
    x = chart.columns["mean"]
    drop, alone = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    known = [Known.of(lim) for lim in chart.limits_by_phase]
    start = 0
    for about, lim, stop in zip(known, chart.limits_by_phase, phase_ends(chart.phases), strict=True):
        there = np.flatnonzero(~np.isnan(chart.columns["later"][start:stop])) + start
        n = chart.size[there] if lim.parameters["basis"] == "pooled" else np.ones(there.size)
        drop[there] = t2_drops(x[there], about.mean, about.cov, n, about.names)
        alone[there] = n[:, None] * (x[there] - about.mean) ** 2 / np.diag(about.cov)
        start = stop
    return T2Contributions(
        names=known[0].names,
        labels=chart.labels,
        statistic=chart.panels["t2"].statistic,
        drop=frozen_array(drop),
        alone=frozen_array(alone),
        signals=tuple(s.index for s in chart.signals if s.index is not None),
        method="drop: T2 less the T2 of the other variables; alone: squared distance of the variable by itself",
        reference="Runger, Alt & Montgomery (1996), Communications in Statistics: Theory and Methods 25(10), 2203-2213",
    )
