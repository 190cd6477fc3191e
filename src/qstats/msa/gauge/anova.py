"""Analysis of variance of balanced studies: crossed, nested, one operator; the mean squares and their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.msa.gauge.mls import MeanSquares

__all__ = ["AnovaFit", "AnovaTable", "crossed_anova", "nested_anova", "sums_of_squares"]

INTERACTION = "part x operator"
_NONE = float("nan")
_ROUNDING = 64.0 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False)
class AnovaTable(Result):
    """One analysis-of-variance table.

    Parameters
    ----------
    source : tuple of str
        Rows, the total last.
    df, ss, ms : ndarray, shape (rows,)
        Degrees of freedom, sums of squares, mean squares (unit of the data squared).
    f, pvalue : ndarray, shape (rows,)
        NaN in rows that are not tested.
    """

    schema: ClassVar[str] = "qstats.anova_table/1"
    title: ClassVar[str] = "Analysis of variance"

    source: tuple[str, ...]
    df: FloatArray
    ss: FloatArray
    ms: FloatArray
    f: FloatArray
    pvalue: FloatArray

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for i, name in enumerate(self.source):
            text = f"df {self.df[i]:g}  SS {self.ss[i]:.6g}"
            if not np.isnan(self.ms[i]):
                text += f"  MS {self.ms[i]:.6g}"
            if not np.isnan(self.f[i]):
                text += f"  F {self.f[i]:.4g}  p {self.pvalue[i]:.4g}"
            rows.append((name, text))
        return rows

    def _columns(self) -> Mapping[str, object]:
        return {
            "source": list(self.source),
            "df": self.df,
            "ss": self.ss,
            "ms": self.ms,
            "f": self.f,
            "pvalue": self.pvalue,
        }


@dataclass(frozen=True, slots=True, eq=False)
class AnovaFit:
    """Tables, the mean squares that carry the estimates, and what became of the interaction."""

    tables: FrozenMapping[str, AnovaTable]
    squares: MeanSquares
    interaction_pvalue: float | None
    pooled: bool


def sums_of_squares(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return sums of squares of part, operator, interaction, repeats of a centred cube, and their df; shape (4,).

    Each is the sum of squared deviations of its own kind, so a small one keeps its digits beside a large one.
    """
    p, o, r = x.shape
    cell = x.mean(axis=2)
    part, operator = cell.mean(axis=1), cell.mean(axis=0)
    left = cell - part[:, None] - operator + cell.mean()
    ss = np.array(
        [
            o * r * float(((part - part.mean()) ** 2).sum()),
            p * r * float(((operator - operator.mean()) ** 2).sum()),
            r * float((left**2).sum()),
            float(((x - cell[:, :, None]) ** 2).sum()),
        ]
    )
    # What is left of equal numbers by rounding is zero.
    noise = (_ROUNDING * max(float(np.abs(x).max()), 0.0)) ** 2 * x.size
    return np.where(ss <= noise, 0.0, ss), np.array([p - 1.0, o - 1.0, (p - 1.0) * (o - 1.0), p * o * (r - 1.0)])


def _f_test(ms: float, df: float, error: float, df_error: float) -> tuple[float, float]:
    """Return F and its p-value; none where neither mean square is above zero."""
    if ms == 0.0 and error == 0.0:
        return _NONE, _NONE
    if error == 0.0:
        return float("inf"), 0.0
    f = ms / error
    return f, float(scipy.special.fdtrc(df, df_error, f))


def _table(rows: list[tuple[str, float, float, int | None]]) -> AnovaTable:
    """Build a table from (source, df, SS, row of the denominator of F)."""
    df, ss = (np.array([row[i] for row in rows], dtype=np.float64) for i in (1, 2))
    ms = ss / df
    under = [row[3] for row in rows]
    tests = [(_NONE, _NONE) if j is None else _f_test(ms[i], df[i], ms[j], df[j]) for i, j in enumerate(under)]
    return AnovaTable(
        (*(row[0] for row in rows), "total"),
        *(frozen_array(v) for v in (np.append(df, df.sum()), np.append(ss, ss.sum()), np.append(ms, _NONE))),
        *(frozen_array([*(t[i] for t in tests), _NONE]) for i in (0, 1)),
    )


def _pool(p: float | None, pool: float | str) -> bool:
    if isinstance(pool, str):
        return pool == "always"
    return p is None or not p <= pool


def crossed_anova(x: FloatArray, pool: float | str) -> AnovaFit:
    """Analyse a centred parts x operators x repeats cube.

    Parameters
    ----------
    x : ndarray, shape (parts, operators, repeats)
    pool : float or {"never", "always"}
        The interaction joins the repeatability if its p-value is above this.
    """
    p, o, r = x.shape
    ss, df = sums_of_squares(x)
    if o == 1:
        table = _table([("part", df[0], ss[0], 1), ("repeatability", df[3], ss[3], None)])
        one = MeanSquares(
            table.ms[:2], df[[0, 3]], {"repeatability": np.array([0.0, 1.0]), "part": np.array([1.0, -1.0]) / r}
        )
        return AnovaFit(FrozenMapping({"one_operator": table}), one, None, False)
    tables: dict[str, AnovaTable] = {}
    pvalue = None
    if r > 1:
        full = [("part", df[0], ss[0], 2), ("operator", df[1], ss[1], 2), (INTERACTION, df[2], ss[2], 3)]
        tables["with_interaction"] = _table([*full, ("repeatability", df[3], ss[3], None)])
        found = float(tables["with_interaction"].pvalue[2])
        pvalue = None if np.isnan(found) else found
    error = df[2] + df[3], ss[2] + ss[3]
    tables["without_interaction"] = _table(
        [("part", df[0], ss[0], 2), ("operator", df[1], ss[1], 2), ("repeatability", *error, None)]
    )
    pooled = r > 1 and _pool(pvalue, pool)
    squares = _reduced(tables, p, o, r) if pooled or r == 1 else _full(tables, p, o, r)
    return AnovaFit(FrozenMapping(tables), squares, pvalue, pooled)


def _full(tables: Mapping[str, AnovaTable], p: int, o: int, r: int) -> MeanSquares:
    table = tables["with_interaction"]
    weights = {
        "repeatability": np.array([0.0, 0.0, 0.0, 1.0]),
        "operator": np.array([0.0, 1.0, -1.0, 0.0]) / (p * r),
        "interaction": np.array([0.0, 0.0, 1.0, -1.0]) / r,
        "part": np.array([1.0, 0.0, -1.0, 0.0]) / (o * r),
    }
    return MeanSquares(table.ms[:4], table.df[:4], weights)


def _reduced(tables: Mapping[str, AnovaTable], p: int, o: int, r: int) -> MeanSquares:
    table = tables["without_interaction"]
    weights = {
        "repeatability": np.array([0.0, 0.0, 1.0]),
        "operator": np.array([0.0, 1.0, -1.0]) / (p * r),
        "part": np.array([1.0, 0.0, -1.0]) / (o * r),
    }
    return MeanSquares(table.ms[:3], table.df[:3], weights)


def nested_anova(x: FloatArray) -> AnovaFit:
    """Analyse a centred operators x parts of each x repeats cube: parts are nested in operators."""
    o, p, r = x.shape
    cell = x.mean(axis=2)
    operator = cell.mean(axis=1)
    ss = (
        p * r * float(((operator - operator.mean()) ** 2).sum()),
        r * float(((cell - operator[:, None]) ** 2).sum()),
        float(((x - cell[:, :, None]) ** 2).sum()),
    )
    df = (o - 1.0, o * (p - 1.0), o * p * (r - 1.0))
    names = ("operator", "part (within operator)", "repeatability")
    table = _table([(names[0], df[0], ss[0], 1), (names[1], df[1], ss[1], 2), (names[2], df[2], ss[2], None)])
    weights = {
        "repeatability": np.array([0.0, 0.0, 1.0]),
        "operator": np.array([1.0, -1.0, 0.0]) / (p * r),
        "part": np.array([0.0, 1.0, -1.0]) / r,
    }
    return AnovaFit(FrozenMapping({"nested": table}), MeanSquares(table.ms[:3], table.df[:3], weights), None, False)
