"""Screen very many series at once: which processes are unstable, worst first, with chance taken into account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, TooFewData
from qstats.spc.door import Layers, label_array, read
from qstats.spc.kernels.funnel_model import adjusted_pvalues
from qstats.spc.kernels.screening import Series, alarm_rate, range_alarm_rate, screen
from qstats.spc.labels import PointLabels
from qstats.spc.rules import RuleSet, rule_set
from qstats.table.arrays import factorize

__all__ = ["SeriesScreen", "screen_series"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesScreen(Result):
    """One line per series: its individuals chart in numbers.

    Parameters
    ----------
    names : sequence of str
        The S series.
    n : numpy.ndarray of int
        Points with a value, shape (S,).
    center, sigma, overall : numpy.ndarray
        Mean, sigma from the moving ranges, and overall standard deviation, shape (S,), in the unit of the data; NaN
        where there are too few points.
    stability : numpy.ndarray
        ``overall / sigma``, shape (S,): about 1 for a stable series, larger the more its level moves.
    rules : tuple of str
        Names of the R rules.
    signals : numpy.ndarray of int
        Points at which each rule was completed, shape (S, R), as the individuals panel would list them.
    total : numpy.ndarray of int
        Their sum over the rules, shape (S,).
    first : numpy.ndarray of int
        Position of the first signal, counted from 0 with gaps; -1: none. Shape (S,).
    range_signals : numpy.ndarray of int
        Moving ranges beyond their limit, shape (S,).
    expected : numpy.ndarray
        What `total` would be on average for a stable normal series of that length with known limits, shape (S,).
    expected_ranges : numpy.ndarray
        The same for `range_signals`.
    ratio : numpy.ndarray
        Von Neumann's ratio, shape (S,): about 2 in random order, less for drifts and shifts, more for sawtooth.
    pvalue, qvalue : numpy.ndarray
        Two-sided p-value of random order (from 10 points on), and the same adjusted for the number of series by
        Benjamini and Hochberg: of the series with q below 0.05, at most 5 % are expected to be false findings.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.series_screen/1"
    title: ClassVar[str] = "Screening of series"

    names: Sequence[str]
    n: IntArray
    center: FloatArray
    sigma: FloatArray
    overall: FloatArray
    stability: FloatArray
    rules: tuple[str, ...]
    signals: IntArray
    total: IntArray
    first: IntArray
    range_signals: IntArray
    expected: FloatArray
    expected_ranges: FloatArray
    ratio: FloatArray
    pvalue: FloatArray
    qvalue: FloatArray
    method: str
    reference: str
    notes: tuple[Note, ...]

    def worst(self, k: int = 10) -> SeriesScreen:
        """Return the `k` series least likely to be in random order, the worst first; equal ones by `stability`.

        Parameters
        ----------
        k : int
            How many; all where there are fewer. p- and q-values stay those of the whole screening.
        """
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise DataError(f"k: got {k!r}; a whole number of 1 or more is wanted")
        at = np.lexsort((-self.stability, self.pvalue))[:k]
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        cut: dict[str, Any] = {
            name: frozen_array(a[at], a.dtype) for name, a in parts.items() if isinstance(a, np.ndarray)
        }
        return replace(self, names=tuple(self.names[int(i)] for i in at), **cut)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("series", str(len(self.names))), ("points", str(int(self.n.sum())))]
        found, usual = int(self.total.sum()), float(self.expected.sum())
        rows.append(("signals", f"{found} ({usual:.4g} expected if all were stable)"))
        rows.append(("series with a signal", str(int(np.count_nonzero(self.total)))))
        rows.append(("not in random order", f"{int((self.qvalue < 0.05).sum())} with q below 0.05"))
        for i in np.lexsort((-self.stability, self.pvalue))[:5]:
            text = f"stability {self.stability[i]:.3g}, {self.total[i]} signals, q {self.qvalue[i]:.2g}"
            rows.append((f"  {self.names[int(i)]}", text))
        return [*rows, ("method", self.method), ("reference", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        out: dict[str, object] = {"series": list(self.names)}
        for name in ("n", "center", "sigma", "overall", "stability", "total", "expected", "first", "range_signals"):
            out[name] = getattr(self, name)
        out |= {"ratio": self.ratio, "pvalue": self.pvalue, "qvalue": self.qvalue}
        return out | {rule: self.signals[:, r] for r, rule in enumerate(self.rules)}


def _matrix(a: npt.NDArray[Any], by: object, missing: str) -> tuple[Series, PointLabels]:
    """Read a matrix, one series a row."""
    rows, width = a.shape
    if rows == 0 or width == 0:
        raise TooFewData(f"data: shape {a.shape} holds no point")
    x = as_vector(a.reshape(-1), "data", missing=missing)
    lengths = np.full(rows, width, dtype=np.int64)
    names = PointLabels(rows) if by is None else PointLabels(rows, label_array(by, "by", rows).copy())
    return Series(x, lengths, _has_gaps(x, missing)), names


def _has_gaps(x: FloatArray, missing: str) -> bool:
    return missing == "drop" and bool(np.isnan(np.max(x)))


def _ragged(data: Sequence[Any], by: object, missing: str) -> tuple[Series, PointLabels]:
    """Read a list of series of any length."""
    parts = [as_vector(v, f"data[{i}]", missing=missing, least=0) for i, v in enumerate(data)]
    if not any(part.size for part in parts):
        raise TooFewData("data: no series has a point")
    x = np.concatenate(parts)
    lengths = np.array([part.size for part in parts], dtype=np.int64)
    names = PointLabels(len(parts)) if by is None else PointLabels(len(parts), label_array(by, "by", len(parts)).copy())
    return Series(x, lengths, _has_gaps(x, missing)), names


def _long(data: object, values: object, by: object, order_by: object, missing: str) -> tuple[Series, PointLabels]:
    """Read one column of values and one that says which series each belongs to."""
    if by is None:
        raise DataError("by: nothing came; the column (or array) that says which series a value belongs to is wanted")
    got = read(data, {"values": values, "by": by}, Layers(order_by)).values
    x = as_vector(got["values"], "values" if table.is_frame(data) else "data", missing=missing)
    keys = label_array(got["by"], "by", x.size)
    codes, distinct = factorize(keys if keys.dtype.kind in "OMf" else _as_objects(keys))
    lengths = np.bincount(codes, minlength=distinct.size).astype(np.int64)
    if x.size > 1 and not bool((codes[1:] >= codes[:-1]).all()):
        x = x[np.argsort(codes, kind="stable")]
    return Series(x, lengths, _has_gaps(x, missing)), PointLabels(distinct.size, _plain(distinct))


def _as_objects(keys: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return keys.astype(np.float64 if keys.dtype.kind in "biu" else object)


def _plain(distinct: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return distinct.astype(str) if distinct.dtype.kind == "O" else distinct


def _read(data: object, values: object, by: object, order_by: object, missing: str) -> tuple[Series, PointLabels]:
    if missing not in ("raise", "drop"):
        raise DataError(f"missing: got {missing!r}; 'raise' or 'drop' is wanted")
    plain = isinstance(data, list | tuple | np.ndarray)
    nested = isinstance(data, list | tuple) and len(data) > 0 and all(np.ndim(v) == 1 for v in data)
    matrix = isinstance(data, np.ndarray) and data.ndim == 2
    if plain and (nested or matrix):
        if values is not None or order_by is not None:
            raise DataError("order_by: data has one row per series, its points in order; leave values and order_by out")
        if isinstance(data, np.ndarray):
            return _matrix(data, by, missing)
        return _ragged(data, by, missing)  # type: ignore[arg-type]
    if isinstance(data, np.ndarray) and data.ndim > 2:
        raise DataError(f"data: got {data.ndim} dimensions; a matrix with one series a row is wanted")
    return _long(data, values, by, order_by, missing)


def _checked(rules: object) -> RuleSet:
    out = rule_set(rules)
    whole = [rule.name for rule in out.rules if rule.chart_level]
    if whole:
        raise DataError(f"rules: {whole[0]!r} judges a whole chart and has no point to count; leave it out")
    return out


def _notes(n: npt.NDArray[np.int64], sigma: FloatArray, lost: int) -> tuple[Note, ...]:
    out = []
    if lost:
        out.append(Note("missing-dropped", "warning", f"{lost} of {int(n.sum()) + lost} values are missing: gaps"))
    short = int(np.isnan(sigma).sum())
    if short:
        text = f"{short} series have fewer than 2 moving ranges: they are listed without sigma and are not judged"
        out.append(Note("too-short", "warning", text))
    still = int((sigma == 0).sum())
    if still:
        out.append(Note("zero-variance", "serious", f"sigma is zero in {still} series: look at their resolution"))
    return tuple(out)


def screen_series(
    data: object,
    *,
    values: str | None = None,
    by: object = None,
    order_by: object = None,
    rules: object = "nelson",
    nsigma: float = 3.0,
    missing: str = "raise",
) -> SeriesScreen:
    """Chart thousands of series in one call and list the unstable ones first.

    For the question "which of our 5,000 processes, stores or error codes need a look?", where nobody can look at 5,000
    charts and where chance alone makes thousands of signals. Each series gets the numbers of its `individuals` chart;
    a p-value adjusted for the number of series says which are more than chance. Then chart those.

    Parameters
    ----------
    data : array-like or frame
        One series a row (matrix, or list of series of any length), or values in one column with `by`; or a table.
    values : str, optional
        Column of the measurements, when `data` is a table.
    by : str or array-like, optional
        Column or labels that say which series each value belongs to; for rows: their names.
    order_by : str or array-like, optional
        Column (table) or array to sort by within series. Without it rows are in order.
    rules : str, RuleSet or tuple of Rule
        ``"nelson"``, ``"western_electric"``, another named set, or rules of your own.
    nsigma : float
        Distance of the limits from the centre, in sigmas.
    missing : {"raise", "drop"}
        ``"drop"`` keeps a missing value as a gap: no moving range across it, runs begin anew.

    Returns
    -------
    SeriesScreen
        ``worst(k)`` gives the k worst; `to_frame` one row per series.

    Raises
    ------
    DataError
        The data or an option cannot be used.

    Notes
    -----
    Limits and signals as in `individuals`. ``stability = sd / (mean(MR) / d2)``: some programs call it the stability
    index and its square the stability ratio. ``ratio = sum (x[i+1] - x[i])**2 / sum (x[i] - mean)**2``; over all orders
    of a series' values ``1 - ratio / 2`` has mean 0 and variance ``(2 n - 3 - b2) / (2 n (n - 1))``, b2 their kurtosis.

    References
    ----------
    von Neumann (1941), Annals of Mathematical Statistics 12(4), 367-395; Young (1941), ibid. 12(3), 293-300; Benjamini
    & Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats import screen_series
    >>> stores = np.random.default_rng(5).normal(20.0, 2.0, size=(200, 50))
    >>> stores[17, 25:] += 4.0
    >>> found = screen_series(stores)
    >>> found.worst(1).names, int((found.qvalue < 0.05).sum())
    (('18',), 1)
    """
    checked = _checked(rules)
    reach = check_number(nsigma, "nsigma", above=0.0)
    series, names = _read(data, values, by, order_by, missing)
    with np.errstate(over="ignore", invalid="ignore"):
        got = screen(series, checked.rules, reach)
    if not (np.isfinite(got.center) | (got.n == 0)).all() or not (np.isfinite(got.overall) | (got.n < 2)).all():
        raise DataError("data: values so large that their sums overflow; divide them by a power of ten first")
    with np.errstate(divide="ignore", invalid="ignore"):
        stability = got.overall / got.sigma
    judged = got.sigma >= 0
    rates = [(rule.m, alarm_rate(rule, reach)) for rule in checked.rules]
    expected = sum((rate * np.maximum(got.n - m + 1, 0) for m, rate in rates), np.zeros(got.n.size))
    return SeriesScreen(
        names=names,
        n=frozen_array(got.n, np.int64),
        center=frozen_array(got.center),
        sigma=frozen_array(got.sigma),
        overall=frozen_array(got.overall),
        stability=frozen_array(stability),
        rules=tuple(rule.name for rule in checked.rules),
        signals=frozen_array(got.fired, np.int64),
        total=frozen_array(got.fired.sum(axis=1), np.int64),
        first=frozen_array(got.first, np.int64),
        range_signals=frozen_array(got.ranges, np.int64),
        expected=frozen_array(np.where(judged, expected, 0.0)),
        expected_ranges=frozen_array(np.where(judged, range_alarm_rate(reach) * np.maximum(got.n - 1, 0), 0.0)),
        ratio=frozen_array(got.ratio),
        pvalue=frozen_array(got.pvalue),
        qvalue=frozen_array(adjusted_pvalues(got.pvalue, "bh")),
        method=f"individuals chart of each series, limits at {reach:g} sigma from the mean moving range; "
        f"rules {checked.name}; von Neumann's ratio, q by Benjamini-Hochberg",
        reference="Montgomery (2013), 7th ed., section 6.4; von Neumann (1941), Ann. Math. Stat. 12(4), 367-395",
        notes=_notes(got.n, got.sigma, int(series.length.sum() - got.n.sum())),
    )
