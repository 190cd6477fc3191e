"""Counts and moments by group, computed where the rows are; a small table comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.table.arrays import factorize, python_keys, series_to_array, series_to_keys
from qstats.table.dates import to_dates
from qstats.table.fetch import columns, plain_expr
from qstats.table.frames import check_columns, collect, open_frame

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

    AnyFrame = nw.DataFrame[Any] | nw.LazyFrame[Any]

__all__ = ["MomentsTable", "counts_by", "moments_by"]

_RESERVED = ("n", "weight", "weight_missing")
_EXACT = 2.0**53


@dataclass(frozen=True, slots=True, eq=False)
class MomentsTable:
    """Moments of one column in each group; all arrays have shape (groups,), are read-only and sorted by key.

    Parameters
    ----------
    key : object array
        Group: text, int, float, date or datetime.
    n : float64 array
        Values in the group, never zero.
    mean, m2 : float64 array
        Mean, and sum of squared deviations from it.
    low, high : float64 array
        Smallest and largest value.
    dropped_missing : int
        Rows with a key but no value. A group of such rows only is not in the table.
    dropped_keys : int
        Rows without a key.
    """

    key: npt.NDArray[Any]
    n: FloatArray
    mean: FloatArray
    m2: FloatArray
    low: FloatArray
    high: FloatArray
    dropped_missing: int
    dropped_keys: int


def counts_by(
    data: object, by: Sequence[str], *, weight: str | None = None, dates: Sequence[str] = ()
) -> dict[str, npt.NDArray[Any]]:
    """Count the rows of each combination of keys, inside the engine.

    Use it for Pareto tables, complaint counts by day and category, or the events and units of a rate. No row is lost:
    a missing key is a key of its own.

    Parameters
    ----------
    data : data frame
        Any frame; a lazy one is aggregated where it is.
    by : sequence of str
        Key columns.
    weight : str, optional
        Column of numbers to add up as well (units, cost).
    dates : sequence of str
        Those of `by` to cut down to the day first; text is read as `to_dates` reads it.

    Returns
    -------
    dict of str to ndarray
        Each key column: datetime64[D] for `dates`, datetime64[us] for other dates and times (NaT where missing), else
        objects (str, int, float; None where missing). ``"n"``: rows, int64. With `weight`, ``"weight"``: the sum,
        float64, NaN where a row of the group has no weight, and ``"weight_missing"``: how many rows have none, int64.
        Sorted by the keys, missing last.

    Raises
    ------
    DataError
        Unknown column, weights that are no numbers, dates that are none, a key column named like an answer.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.table import counts_by
    >>> log = pd.DataFrame({"cause": ["scratch", "dent", "scratch", None], "cost": [5, 9, 1, 2]})
    >>> counts_by(log, ["cause"], weight="cost")["weight"]
    array([9., 6., 2.])
    """
    by = _check_keys(by, dates)
    frame = open_frame(data)
    wanted = [("by", c) for c in by] + ([("weight", weight)] if weight is not None else [])
    schema = check_columns(frame, wanted)
    small = _count_query(frame, schema, by, weight, frozenset(dates))
    keys = {}
    for i, c in enumerate(by):
        label = f"by (column {c!r})"
        array = series_to_keys(small[f"_k{i}"], label)
        keys[c] = to_dates(array, label) if c in dates else array
    sums = {"n": small["_n"].to_numpy().astype(np.int64)}
    if weight is not None:
        sums["weight_missing"] = sums["n"] - small["_c"].to_numpy().astype(np.int64)
        # The sum of what is there is not the sum: a gap must not pass for a smaller total.
        sums["weight"] = np.where(sums["weight_missing"] > 0, np.nan, _float_column(small, "_s"))
    return _regroup(keys, sums)


def _check_keys(by: Sequence[str], dates: Sequence[str]) -> list[str]:
    if isinstance(by, str) or isinstance(dates, str):
        raise DataError("by, dates: got one text; a list of column names is wanted")
    by = list(dict.fromkeys(by))
    if not by:
        raise DataError("by: got no column; at least one key is wanted")
    for c in by:
        if c in _RESERVED:
            raise DataError(f"by: a key column named {c!r} would hide the answer of that name; rename the column")
    for c in dates:
        if c not in by:
            raise DataError(f"dates: {c!r} is not one of by ({', '.join(map(repr, by))})")
    return by


def _count_query(
    frame: AnyFrame, schema: Mapping[str, Any], by: list[str], weight: str | None, dates: frozenset[str]
) -> nw.DataFrame[Any]:
    import narwhals.stable.v2 as nw

    picked = [_key_expr(frame, c, schema[c], as_day=c in dates).alias(f"_k{i}") for i, c in enumerate(by)]
    totals = [nw.len().alias("_n")]
    if weight is not None:
        frame = _numeric_column(frame, schema[weight], weight, "weight")
        picked.append(_value_expr(weight).alias("_w"))
        totals += [nw.col("_w").sum().alias("_s"), nw.col("_w").count().alias("_c")]
    try:
        grouped = frame.select(*picked).group_by(*[f"_k{i}" for i in range(len(by))]).agg(*totals)
    except TypeError as error:  # lists or dicts as keys
        raise DataError(
            f"by: a column holds cells that are no keys ({error}); text, numbers or dates are wanted"
        ) from None
    return collect(grouped)


def _key_expr(frame: AnyFrame, column: str, dtype: Any, *, as_day: bool = False) -> nw.Expr:
    """Return a key with one meaning of missing and, if wanted, without its time of day."""
    import narwhals.stable.v2 as nw

    expr = plain_expr(column, dtype)
    if dtype.is_float():
        return nw.when(~expr.is_nan()).then(expr)
    if as_day and dtype == nw.Datetime:
        engine = frame.implementation
        # pandas has no Date without pyarrow; a Spark timestamp cut by truncate gets its zone back.
        return expr.dt.truncate("1d") if engine.is_pandas_like() or engine.is_dask() else expr.cast(nw.Date)
    return expr


def _value_expr(column: str) -> nw.Expr:
    """Return numbers as float64 with NaN as null: engines differ on NaN in sums, extremes and counts, never on null."""
    import narwhals.stable.v2 as nw

    value = nw.col(column).cast(nw.Float64)
    return nw.when(~value.is_nan()).then(value)


def _numeric_column(frame: AnyFrame, dtype: Any, column: str, parameter: str) -> AnyFrame:
    """Refuse text (a cast would read it silently); a pandas column of Decimals or mixed objects becomes floats."""
    import narwhals.stable.v2 as nw

    if dtype.is_numeric() or dtype == nw.Boolean:
        return frame
    label = f"{parameter} (column {column!r})"
    if isinstance(frame, nw.DataFrame) and dtype == nw.Object:
        array = series_to_array(frame[column], label)
        if array.dtype.kind == "f":
            return frame.with_columns(nw.new_series(column, array, nw.Float64, backend=frame.implementation))
    raise DataError(f"{label}: got {dtype} values; numbers are wanted: convert the column first")


def _regroup(keys: dict[str, npt.NDArray[Any]], sums: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Sort by the keys and join rows the engine kept apart but we do not (two spellings of a day, NaN and null)."""
    codes = [factorize(a)[0] for a in keys.values()]
    order = np.lexsort(codes[::-1])
    starts = np.zeros(0, dtype=np.intp)
    if order.size:
        new = np.ones(order.size, dtype=np.bool_)
        new[1:] = np.any([c[order][1:] != c[order][:-1] for c in codes], axis=0)
        starts = np.flatnonzero(new)
    out = {name: a[order][starts] for name, a in keys.items()}
    for name, a in sums.items():
        out[name] = np.add.reduceat(a[order], starts) if starts.size else a
    return out


def moments_by(data: object, values: str, by: str) -> MomentsTable:
    """Return count, mean, spread and extremes of a column in each group, right to the last digits on every engine.

    For everything computed from subgroups or groups: X-bar charts, t tests, analysis of variance. Medians and ranks
    need the rows: use `columns`.

    Parameters
    ----------
    data : data frame
        Any frame; a lazy one is aggregated where it is.
    values, by : str
        Column of numbers, and the column that names the group.

    Returns
    -------
    MomentsTable
        One entry per group with at least one value. What was dropped is counted, never silent.

    Raises
    ------
    DataError
        Unknown column, text, infinite values, whole numbers beyond 2**53.

    Notes
    -----
    Two passes: group means first, then sums of ``d = x - mean`` and ``d**2``; with them ``mean += sum(d) / n`` and
    ``m2 = sum(d**2) - sum(d)**2 / n``, so a large offset cancels nothing.

    References
    ----------
    Chan, Golub & LeVeque (1983), The American Statistician 37(3), 242-247, eq. 1.7 (corrected two-pass algorithm).

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.table import moments_by
    >>> frame = pd.DataFrame({"lot": [1, 1, 2, 2], "mm": [1e9 + 1, 1e9 + 3, 5.0, None]})
    >>> table = moments_by(frame, "mm", "lot")
    >>> table.m2, table.dropped_missing
    (array([2., 0.]), 1)
    """
    import narwhals.stable.v2 as nw

    frame = open_frame(data)
    schema = check_columns(frame, [("values", values), ("by", by)])
    if isinstance(frame, nw.LazyFrame):
        _numeric_column(frame, schema[values], values, "values")
        table = _moments_lazy(frame, schema, values, by)
    else:
        arrays = columns(data, {"values": values, "by": by})
        if arrays["values"].dtype.kind != "f":
            raise DataError(f"values (column {values!r}): got {schema[values]} values; numbers are wanted")
        table = _moments_eager(arrays["values"], arrays["by"])
    extreme = np.abs(np.concatenate([table.low, table.high]))
    if np.isinf(extreme).any():
        raise DataError(f"values (column {values!r}): infinite values; finite numbers are wanted")
    if schema[values].is_integer() and bool((extreme > _EXACT).any()):
        raise DataError(f"values (column {values!r}): whole numbers beyond 2**53 would lose digits; subtract an offset")
    return table


def _moments_eager(x: FloatArray, by: npt.NDArray[Any]) -> MomentsTable:
    codes, uniques = factorize(by)
    keyed = codes < uniques.size
    there = keyed & ~np.isnan(x)
    lost_keys, lost_values = int(x.size - keyed.sum()), int(keyed.sum() - there.sum())
    if not there.all():
        x, codes = x[there], codes[there]
    k = uniques.size
    n = np.bincount(codes, minlength=k).astype(np.float64)
    some = n > 0
    low, high = np.full(k, np.inf), np.full(k, -np.inf)
    np.minimum.at(low, codes, x)
    np.maximum.at(high, codes, x)
    # An infinite value is refused by the caller, who sees it in low or high.
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.bincount(codes, weights=x, minlength=k) / n
        centre += np.bincount(codes, weights=x - centre[codes], minlength=k) / n
        d = x - centre[codes]
        s1 = np.bincount(codes, weights=d, minlength=k)
        s2 = np.bincount(codes, weights=d * d, minlength=k)
        mean, m2 = centre + s1 / n, np.maximum(s2 - s1 * s1 / n, 0.0)
    n, mean, m2, low, high = (frozen_array(a[some]) for a in (n, mean, m2, low, high))
    key = frozen_array(python_keys(uniques[some]), object)
    return MomentsTable(key, n, mean, m2, low, high, lost_values, lost_keys)


def _moments_lazy(frame: nw.LazyFrame[Any], schema: Mapping[str, Any], values: str, by: str) -> MomentsTable:
    """Join group means back, then sum deviations: only len, sum, mean, min and max, which no engine gets wrong."""
    import narwhals.stable.v2 as nw

    x, m, d, k = nw.col("_x"), nw.col("_m"), nw.col("_d"), nw.col("_k")
    f = frame.select(_key_expr(frame, by, schema[by]).alias("_k"), _value_expr(values).alias("_x"))
    gaps = f.with_columns(k.is_null().cast(nw.Int64).alias("_a"), x.is_null().cast(nw.Int64).alias("_b"))
    gaps = gaps.with_columns((nw.col("_b") * (1 - nw.col("_a"))).alias("_b")).select("_a", "_b")
    lost = collect(gaps.select(nw.col("_a").sum(), nw.col("_b").sum()))
    f = f.filter(~x.is_null(), ~k.is_null())
    f = f.join(f.group_by("_k").agg(x.mean().alias("_m")), on="_k", how="left")
    f = f.with_columns((x - m).alias("_d")).with_columns((d * d).alias("_q"))
    sums = [nw.len().alias("n"), m.min().alias("m"), d.sum().alias("s1"), nw.col("_q").sum().alias("s2")]
    t = collect(f.group_by("_k").agg(*sums, x.min().alias("low"), x.max().alias("high")))
    keys = series_to_array(t["_k"], f"by (column {by!r})")
    order = np.argsort(factorize(keys)[0], kind="stable")
    n, c, s1, s2, low, high = (_float_column(t, name)[order] for name in ("n", "m", "s1", "s2", "low", "high"))
    with np.errstate(invalid="ignore"):  # as above: an infinite value is refused by the caller
        mean, m2 = c + s1 / n, np.maximum(s2 - s1 * s1 / n, 0.0)
    n, mean, m2, low, high = (frozen_array(a) for a in (n, mean, m2, low, high))
    # A sum over no rows is null on some engines and zero on others.
    lost_values, lost_keys = (int(np.nan_to_num(_float_column(lost, name)).sum()) for name in ("_b", "_a"))
    key = frozen_array(python_keys(keys[order]), object)
    return MomentsTable(key, n, mean, m2, low, high, lost_values, lost_keys)


def _float_column(frame: nw.DataFrame[Any], name: str) -> FloatArray:
    return frame[name].to_numpy().astype(np.float64)
