"""Capability of very many characteristics in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.capability.column_input import read_columns, specifications
from qstats.capability.column_moments import COLUMN_SIGMA, ColumnMoments, column_moments
from qstats.capability.indices import Limits, Scale, index_family, target_indices
from qstats.capability.intervals import log_fraction
from qstats.errors import DataError, TooFewData
from qstats.inference.estimate import Estimates

__all__ = ["CapabilityTable", "capability_columns"]

PPM = 1e6
_ROLES = {"potential": "", "lower": "l", "upper": "u", "worst": "k"}
_INDICES = ("cp", "cpl", "cpu", "cpk", "pp", "ppl", "ppu", "ppk", "cpm")
_REFERENCE = "Bissell (1990), Applied Statistics 39(3), 331-340; Kushler & Hurley (1992), JQT 24(4), 188-195"


@dataclass(frozen=True, slots=True, eq=False)
class CapabilityTable(Result):
    """Capability of m characteristics; arrays of shape (m,), NaN where there is no such number.

    Parameters
    ----------
    names : tuple of str
    cp, cpl, cpu, cpk, pp, ppl, ppu, ppk, cpm : Estimates
        Each with its interval; one characteristic by itself, not all together.
    mean, sigma_within, sigma_overall, df_within, n : ndarray
    expected_ppm_within, expected_ppm_overall, observed_ppm : ndarray
        Parts per million beyond the specification; `process_capability` on one characteristic gives their intervals.
    stability_ratio : ndarray
        Sigma overall over sigma within: near 1 for a stable process, well above it for one that wanders.
    lower, upper, target : ndarray
        Specification of each.
    sigma, method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.capability_table/1"
    title: ClassVar[str] = "Capability of many characteristics"

    names: tuple[str, ...]
    cp: Estimates
    cpl: Estimates
    cpu: Estimates
    cpk: Estimates
    pp: Estimates
    ppl: Estimates
    ppu: Estimates
    ppk: Estimates
    cpm: Estimates
    mean: FloatArray
    sigma_within: FloatArray
    sigma_overall: FloatArray
    df_within: FloatArray
    n: FloatArray
    expected_ppm_within: FloatArray
    expected_ppm_overall: FloatArray
    observed_ppm: FloatArray
    stability_ratio: FloatArray
    lower: FloatArray
    upper: FloatArray
    target: FloatArray
    sigma: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def worst(self, k: int = 10, *, by: str = "ppk") -> CapabilityTable:
        """Return the `k` characteristics with the smallest index `by`, the smallest first.

        Parameters
        ----------
        k : int
        by : {"cp", "cpk", "pp", "ppk", "cpm"}
        """
        check_choice(by, "by", ("cp", "cpk", "pp", "ppk", "cpm"))
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise DataError(f"k: got {k!r}; a whole number of characteristics is wanted")
        order = np.argsort(getattr(self, by).estimate, kind="stable")[:k]
        changed: dict[str, Any] = {"names": tuple(self.names[i] for i in order.tolist())}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Estimates):
                changed[f.name] = _picked(value, order)
            elif isinstance(value, np.ndarray):
                changed[f.name] = frozen_array(value[order])
        return replace(self, **changed)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("characteristics", f"{len(self)}"),
            ("confidence of each interval", f"{self.cpk.interval.confidence:.4g}"),
        ]
        for level in (1.0, 1.33):
            rows.append((f"Ppk below {level:g}", f"{int(np.count_nonzero(self.ppk.estimate < level))}"))
        worst = self.worst(5)
        rows.append(
            ("lowest Ppk", ", ".join(f"{a} {v:.3g}" for a, v in zip(worst.names, worst.ppk.estimate, strict=True)))
        )
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        out: dict[str, object] = {"name": list(self.names), "n": self.n, "mean": self.mean}
        out |= {"sigma_within": self.sigma_within, "sigma_overall": self.sigma_overall}
        out |= {"stability_ratio": self.stability_ratio}
        for name in _INDICES:
            e: Estimates = getattr(self, name)
            out |= {name: e.estimate, f"{name}_low": e.interval.low, f"{name}_high": e.interval.high}
        for name in ("expected_ppm_within", "expected_ppm_overall", "observed_ppm", "lower", "upper", "target"):
            out[name] = getattr(self, name)
        return out


def _picked(e: Estimates, order: npt.NDArray[np.intp]) -> Estimates:
    limits = Intervals(frozen_array(e.interval.low[order]), frozen_array(e.interval.high[order]), e.interval.confidence)
    return replace(e, estimate=frozen_array(e.estimate[order]), interval=limits, n=frozen_array(e.n[order]))


def _part(s: Scale, at: npt.NDArray[np.bool_]) -> Scale:
    return Scale(s.n[at], s.mean[at], s.sigma[at], s.factor[at], s.df[at])


def _family(lower: FloatArray, upper: FloatArray, s: Scale, tail: float) -> dict[str, Limits]:
    """Return the indices of every column; those with one df together, so that its noncentral t is worked out once."""
    m = lower.size
    out = {role: Limits(*np.full((3, m), np.nan)) for role in _ROLES}
    sound = np.isfinite(s.sigma) & (s.sigma > 0) & np.isfinite(s.df)
    for df in np.unique(s.df[sound]).tolist():
        for has_low, has_high in ((True, True), (True, False), (False, True)):
            at = sound & (s.df == df) & (np.isfinite(lower) == has_low) & (np.isfinite(upper) == has_high)
            if not at.any():
                continue
            limits = (lower[at] if has_low else None), (upper[at] if has_high else None)
            for role, found in index_family(*limits, _part(s, at), tail, tail).items():
                for whole, piece in zip(out[role], found, strict=True):
                    whole[at] = piece
    return out


def _about_target(lower: FloatArray, upper: FloatArray, target: FloatArray, s: Scale, tail: float) -> Limits:
    out = Limits(*np.full((3, lower.size), np.nan))
    at = np.isfinite(target) & np.isfinite(s.sigma) & (s.sigma > 0)
    if at.any():
        low, high = np.where(np.isnan(lower), -np.inf, lower)[at], np.where(np.isnan(upper), np.inf, upper)[at]
        found, _ = target_indices(low, high, target[at], _part(s, at), s.sigma[at], tail, tail)
        for whole, piece in zip(out, found, strict=True):
            whole[at] = piece
    return out


def _ppm(lower: FloatArray, upper: FloatArray, mean: FloatArray, sigma: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        to_lower, to_upper = (mean - lower) / sigma, (upper - mean) / sigma
    sound = np.isfinite(sigma) & (sigma > 0)
    near = (np.where(np.isnan(d) | ~sound, np.inf, d) for d in (to_lower, to_upper))
    out: FloatArray = np.where(sound, PPM * np.exp(log_fraction(*near)), np.nan)
    return out


def _notes(found: ColumnMoments) -> tuple[Note, ...]:
    out = []
    flat, few = (found.overall == 0) | (found.within == 0), ~(found.n >= 2) | np.isnan(found.within)
    if flat.any():
        text = f"{int(flat.sum())} columns do not vary, or not from one value to the next: they have no capability"
        out.append(Note("zero-variance", "serious", text + "; look at the resolution of the measurement"))
    if few.any():
        out.append(Note("too-few-values", "serious", f"{int(few.sum())} columns hold too few values for a capability"))
    return tuple(out)


def _estimates(name: str, found: Limits, n: FloatArray, confidence: float, method: str) -> Estimates:
    limits = Intervals(frozen_array(found.low), frozen_array(found.high), confidence)
    return Estimates(name, frozen_array(found.estimate), limits, frozen_array(n), method, _REFERENCE)


_HOW = {"": "chi-square", "l": "noncentral t", "u": "noncentral t", "k": "Bissell; noncentral t against one limit"}


def capability_columns(
    data: object,
    *,
    spec: object,
    values: object = None,
    size: int = 1,
    sigma: str | None = None,
    confidence: float = 0.95,
    missing: str = "raise",
) -> CapabilityTable:
    r"""Give the capability of every column of a table at once: ten thousand characteristics of a product.

    Use it to find the characteristics that need work; then study those with `process_capability`, which checks
    stability with a chart and gives intervals of the ppm. Not for one characteristic measured in many places.

    Parameters
    ----------
    data : array-like, shape (n, m), or frame
        Rows in time order, one column a characteristic.
    spec : Spec, sequence of Spec, or tuple of arrays
        One for all columns, one for each, or ``(lower, upper)`` or ``(lower, upper, target)`` with arrays of shape
        (m,), NaN where there is no such limit.
    values : list of str, optional
        Columns of a table (left out: all of them); of a matrix, the names to show.
    size : int
        So many consecutive rows are a subgroup; 1: single values.
    sigma : {"pooled", "pooled_raw", "moving_range", "mssd"}, optional
        Sigma within; left out: ``"pooled"`` for subgroups, ``"moving_range"`` for single values.
    confidence : float
    missing : {"raise", "drop"}
        ``"drop"`` leaves out missing cells, column by column.

    Returns
    -------
    CapabilityTable
        Columns that do not vary or hold too few values have NaN, and a note counts them.

    Raises
    ------
    DataError
        No matrix, infinite or missing values, specifications that do not fit the columns.

    Notes
    -----
    Formulas as in `process_capability`, elementwise.

    References
    ----------
    Bissell (1990), Applied Statistics 39(3), 331-340. Kushler & Hurley (1992), Journal of Quality Technology 24(4),
    188-195.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats import Spec, capability_columns
    >>> x = np.random.default_rng(1).normal([10, 20], [1, 2], (200, 2))
    >>> got = capability_columns(x, spec=[Spec(6, 14), Spec(12, None)], size=5)
    >>> got.worst(1, by="cpk").names, got.cpk.estimate.round(2)
    (('1',), array([1.38, 1.43]))
    """
    x, names = read_columns(data, values, missing)
    level = check_confidence(confidence)
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise DataError(f"size: got {size!r}; a whole number of rows per subgroup is wanted")
    if x.shape[0] < 2 or x.shape[1] < 1:
        raise TooFewData(f"data: {x.shape[0]} rows and {x.shape[1]} columns came; two rows and a column are the least")
    choices = COLUMN_SIGMA["subgroups" if size > 1 else "single"]
    name = choices[0] if sigma is None else check_choice(sigma, "sigma", choices)
    lower, upper, target = specifications(spec, x.shape[1])
    found = column_moments(x, lower, upper, int(size), name)
    tail = 0.5 * (1.0 - level)
    inner = Scale(found.n, found.mean, found.within, found.factor, found.df)
    outer = Scale(found.n, found.mean, found.overall, np.ones(found.n.size), found.n - 1.0)
    indices: dict[str, Any] = {}
    for stem, scale in (("cp", inner), ("pp", outer)):
        for role, limits in _family(lower, upper, scale, tail).items():
            letter = _ROLES[role]
            indices[stem + letter] = _estimates(stem.capitalize() + letter, limits, found.n, level, _HOW[letter])
    cpm = _about_target(lower, upper, target, outer, tail)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(found.within > 0, found.overall / found.within, np.nan)
        seen = np.where(found.n > 0, PPM * (found.below + found.above) / found.n, np.nan)
    arrays: dict[str, Any] = {
        "mean": found.mean, "sigma_within": found.within, "sigma_overall": found.overall, "df_within": found.df,
        "n": found.n, "expected_ppm_within": _ppm(lower, upper, found.mean, found.within),
        "expected_ppm_overall": _ppm(lower, upper, found.mean, found.overall), "observed_ppm": seen,
        "stability_ratio": ratio, "lower": lower, "upper": upper, "target": target,
    }  # fmt: skip
    frozen: dict[str, Any] = indices | {key: frozen_array(a) for key, a in arrays.items()}
    return CapabilityTable(
        names=names, **frozen,
        cpm=_estimates("Cpm", cpm, found.n, level, "chi-square, Boyles"), sigma=name,
        method=f"sigma within: {name}", reference=_REFERENCE, notes=_notes(found),
    )  # fmt: skip
