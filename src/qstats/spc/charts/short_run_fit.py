"""Means and sigmas of parts, pooled over what is taken to scatter alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray, as_vector, first_bad
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.spc.build import center_of
from qstats.spc.charts.subgroup_fit import check_finite, zero_variance
from qstats.spc.charts.subgroup_forms import label_rows
from qstats.spc.kernels.grouping import first_codes
from qstats.spc.kernels.moving_ranges import moving_ranges
from qstats.spc.kernels.sigma import MOVING_RANGE_SIGMA, describe_sigma
from qstats.spc.labels import text_of
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout
from qstats.spc.points import Points

__all__ = [
    "POOLING",
    "PartTable",
    "RunFit",
    "known_numbers",
    "logarithms",
    "nominals_of",
    "part_codes",
    "run_codes",
    "standardised",
]

Codes = npt.NDArray[np.signedinteger[Any]]
POOLING = ("by_part", "constant", "relative", "by_run")
_FEW = 5  # pieces of a part: below this its own mean and sigma are very uncertain
_SHOWN = 10


def part_codes(parts: Any, n: int, name: str) -> tuple[tuple[str, ...], Codes]:
    """Return the names of the parts in order of first appearance, and which one each value is of."""
    labels = label_rows(parts, n, name)
    codes, k = first_codes(labels)
    first = np.empty(k, dtype=np.intp)
    first[codes[::-1]] = np.arange(n - 1, -1, -1)
    names = tuple(text_of(labels[i]) for i in first.tolist())
    if len(set(names)) != k:
        raise DataError(f"{name}: different labels read alike as text; give each part its own name")
    return names, codes


def run_codes(codes: Codes) -> Codes:
    """Return the number of the run each value is in: a run ends where another part begins."""
    change = np.zeros(codes.size, dtype=np.intp)
    change[1:] = codes[1:] != codes[:-1]
    return np.cumsum(change)


def _by_name(given: Mapping[Any, object], names: Sequence[str], what: str) -> dict[str, object]:
    out = {text_of(key): value for key, value in given.items()}
    lacking = [name for name in names if name not in out]
    if lacking:
        raise DataError(f"{what}: nothing came for part {lacking[0]!r} ({len(lacking)} in all); each part needs one")
    return out


def known_numbers(sigma: object, names: Sequence[str], what: str) -> FloatArray | None:
    """Return the known standard deviation of each part; None where `sigma` names an estimator."""
    if isinstance(sigma, str):
        check_choice(sigma, what, tuple(MOVING_RANGE_SIGMA))
        return None
    if isinstance(sigma, Mapping):
        given = _by_name(sigma, names, what)
        return np.array([check_number(given[name], f"{what}[{name!r}]", above=0.0) for name in names])
    return np.full(len(names), check_number(sigma, what, above=0.0))


def nominals_of(nominal: Any, names: Sequence[str], codes: Codes) -> FloatArray:
    """Return the nominal value of each part."""
    if isinstance(nominal, Mapping):
        given = _by_name(nominal, names, "nominal")
        return np.array([check_number(given[name], f"nominal[{name!r}]") for name in names])
    each = as_vector(nominal, "nominal")
    if each.size != codes.size:
        raise DataError(f"nominal: {each.size} values came for {codes.size} measurements; one each is wanted")
    out = np.empty(len(names))
    out[codes] = each
    if not (out[codes] == each).all():
        where = int(np.argmax(out[codes] != each))
        raise DataError(f"nominal: part {names[codes[where]]!r} has more than one (position {where}); one is wanted")
    return out


def logarithms(x: FloatArray) -> FloatArray:
    """Return log x; refuse zero and less."""
    bad = x <= 0
    if bad.any():
        raise DataError(f"data: {first_bad(bad, x)}; pooling='relative' takes logarithms: values above zero are wanted")
    logs: FloatArray = np.log(x)
    return logs


@dataclass(frozen=True, slots=True, eq=False)
class PartTable:
    """Parts as limits hold them: names with level and sigma, NaN where a part was never seen.

    Parameters
    ----------
    names : tuple of str
    level : numpy.ndarray
        Mean (of the logarithms where relative), or nominal value.
    sigma : numpy.ndarray
        Standard deviation; ones where deviations from nominal are charted.
    """

    names: tuple[str, ...]
    level: FloatArray
    sigma: FloatArray

    @classmethod
    def of(cls, limits: ControlLimits) -> PartTable:
        """Return the parts of stored limits, or say what is wrong with them."""
        parts = limits.parameters.get("parts")
        width = 2 if limits.parameters.get("pooling") == "nominal" else 3
        if not isinstance(parts, tuple) or not all(isinstance(p, tuple) and len(p) in (1, width) for p in parts):
            raise DataError("limits: they hold no parts; pass the limits of a short-run chart")
        rows = [(*p[1:], *([math.nan] * (width - len(p)))) for p in parts]  # type: ignore[index,arg-type]
        try:
            numbers = np.array(rows, dtype=np.float64).reshape(len(rows), width - 1)
        except (TypeError, ValueError, OverflowError):
            raise DataError("limits.parameters['parts']: a name and numbers are wanted for each part") from None
        if np.isinf(numbers).any() or (width == 3 and (numbers[:, 1] <= 0.0).any()):
            raise DataError("limits.parameters['parts']: finite levels and sigmas above zero are wanted")
        sigma = numbers[:, 1] if width == 3 else np.ones(len(rows))
        return cls(tuple(str(p[0]) for p in parts), numbers[:, 0], sigma)  # type: ignore[index]

    def places(self, names: Sequence[str], what: str) -> Codes:
        """Return where each name stands; refuse a part without numbers."""
        index = {name: i for i, name in enumerate(self.names) if not math.isnan(self.level[i])}
        unknown = [name for name in names if name not in index]
        if unknown:
            known = ", ".join(map(repr, list(index)[:_SHOWN])) + (", ..." if len(index) > _SHOWN else "")
            raise DataError(f"{what}: the limits know nothing of part {unknown[0]!r}; they hold {known}")
        return np.array([index[name] for name in names], dtype=np.intp)


def standardised(x: FloatArray, part: FloatArray, limits: ControlLimits) -> FloatArray:
    """Return z, or deviations from nominal, of values whose parts are numbered as in `limits`."""
    table = PartTable.of(limits)
    at = part.astype(np.intp)
    scaled = np.log(x) if limits.parameters.get("pooling") == "relative" else x
    z: FloatArray = (scaled - table.level[at]) / table.sigma[at]
    return z


@dataclass(frozen=True, slots=True, eq=False)
class RunFit:
    """Means and sigmas of the parts, in one phase after another.

    Parameters
    ----------
    points : Points
        Columns ``value`` and ``part`` (the run where each run has a sigma of its own).
    layout : Layout
    nsigma : float
    mode : str
        One of `POOLING`, or ``"nominal"``.
    constants : str
    names : tuple of str
        Parts.
    parts : numpy.ndarray of int
        Which part each value is of.
    sigma : str, float or dict
        Estimator, or what was known.
    known : numpy.ndarray or None
        Known standard deviation of each part.
    goals : numpy.ndarray or None
        Nominal value of each part.
    """

    points: Points
    layout: Layout
    nsigma: float
    mode: str
    constants: str
    names: tuple[str, ...]
    parts: Codes
    sigma: object
    known: FloatArray | None
    goals: FloatArray | None

    def __call__(self, name: str, where: slice) -> ControlLimits:
        used = self.layout.used[where]
        which = f" in phase {name!r}" if name else ""
        if not used.any():
            raise TooFewData(f"data: no point is left to rest limits on{which}; exclude fewer or widen the baseline")
        x = self.points["value"][where]
        count = int(np.count_nonzero(used))
        if self.mode == "nominal":
            return self._deviations(name, which, x, where, used, count)
        x = np.log(x) if self.mode == "relative" else x
        level = self._means(x, where, used, which)
        gaps = x - level[self.parts[where]]
        sigmas, ranges = self._sigmas(gaps, where, used, which)
        check_finite(float(np.nanmax(np.abs(level))), float(np.nanmax(sigmas)))
        rows = self._rows(level, sigmas, where)
        method = f"pooling {self.mode}; {self._how()}"
        return ControlLimits(
            "short_run", 0.0, 1.0, self.nsigma, name, count, method, self._parameters(rows), ranges or None
        )

    def _how(self) -> str:
        return describe_sigma(self.sigma, self.constants)

    def _parameters(self, rows: tuple[Parameter, ...]) -> dict[str, Parameter]:
        out: dict[str, Parameter] = {"pooling": self.mode, "parts": rows}
        if self.constants != "exact":
            out["constants"] = self.constants
        return out

    def _deviations(
        self, name: str, which: str, x: FloatArray, where: slice, used: npt.NDArray[np.bool_], count: int
    ) -> ControlLimits:
        assert self.goals is not None  # the mode says so
        gaps = x - self.goals[self.parts[where]]
        center = center_of(gaps[used])
        sigma, ranges = self._one_sigma(gaps, used, which)
        check_finite(center, 10.0 * self.nsigma * sigma)
        rows = tuple((part, float(goal)) for part, goal in zip(self.names, self.goals, strict=True))
        method = f"one sigma for all parts; {self._how()}"
        return ControlLimits(
            "short_run", center, sigma, self.nsigma, name, count, method, self._parameters(rows), ranges or None
        )

    def _means(self, x: FloatArray, where: slice, used: npt.NDArray[np.bool_], which: str) -> FloatArray:
        part = self.parts[where]
        k = len(self.names)
        n = np.bincount(part[used], minlength=k)
        lost = np.flatnonzero((np.bincount(part, minlength=k) > 0) & (n == 0))
        if lost.size:
            raise DataError(
                f"part: {self.names[lost[0]]!r} has no point to rest its mean on{which}; exclude fewer or widen the "
                f"baseline"
            )
        with np.errstate(invalid="ignore"):
            rough = np.bincount(part[used], weights=x[used], minlength=k) / n  # NaN: not in this phase
            rest = np.bincount(part[used], weights=x[used] - rough[part[used]], minlength=k) / n
        level: FloatArray = rough + rest
        return level

    def _one_sigma(self, gaps: FloatArray, used: npt.NDArray[np.bool_], which: str) -> tuple[float, float]:
        """Return one sigma for all, and how many moving ranges it rests on (0: it was known)."""
        if self.known is not None:
            return float(self.known[0]), 0.0
        ranges = moving_ranges(gaps, missing=~used)
        ranges = ranges[~np.isnan(ranges)]
        if ranges.size < 2:
            raise TooFewData(f"data: {ranges.size} moving ranges{which}; at least 2 are wanted, or pass sigma=")
        return MOVING_RANGE_SIGMA[str(self.sigma)](ranges, self.constants), float(ranges.size)

    def _sigmas(
        self, gaps: FloatArray, where: slice, used: npt.NDArray[np.bool_], which: str
    ) -> tuple[FloatArray, float]:
        """Return the sigma of each group (part or run), NaN for one that is not in the phase."""
        group = self.points["part"][where].astype(np.intp)
        k = len(self.names) if self.mode != "by_run" else int(self.points["part"][-1]) + 1
        if self.known is not None:
            known = np.full(k, np.nan)
            known[group] = self.known[self.parts[where]]
            return known, 0.0
        out = np.full(k, np.nan)
        if self.mode in ("constant", "relative"):
            sigma, total = self._one_sigma(gaps, used, which)
            out[group] = sigma
        else:
            total = self._by_group(gaps, group, used, which, out)
        zero = np.flatnonzero(out == 0.0)
        if zero.size:
            raise DataError(
                f"data: the values of {self._called(int(zero[0]))} do not vary{which}: sigma is zero, there is no z; "
                f"pool wider or pass sigma="
            )
        return out, total

    def _by_group(
        self, gaps: FloatArray, group: Codes, used: npt.NDArray[np.bool_], which: str, out: FloatArray
    ) -> float:
        order = np.argsort(group, kind="stable")
        lying = group[order]
        starts = np.flatnonzero(np.append(True, lying[1:] != lying[:-1]))
        ranges = moving_ranges(gaps[order], starts=starts, missing=~used[order])
        total = 0
        for start, some in zip(starts.tolist(), np.split(ranges, starts[1:]), strict=True):
            kept = some[~np.isnan(some)]
            if kept.size < 2:
                what = self._called(int(lying[start]))
                raise TooFewData(
                    f"data: {kept.size} moving ranges of {what}{which}; at least 2 are wanted for a sigma of its own: "
                    f"pool wider (pooling='constant' or 'relative') or pass sigma="
                )
            out[lying[start]] = MOVING_RANGE_SIGMA[str(self.sigma)](kept, self.constants)
            total += kept.size
        return float(total)

    def _called(self, group: int) -> str:
        if self.mode != "by_run":
            return f"part {self.names[group]!r}"
        first = int(np.argmax(self.points["part"] == group))
        return f"run {group + 1} (part {self.names[self.parts[first]]!r})"

    def _rows(self, level: FloatArray, sigmas: FloatArray, where: slice) -> tuple[Parameter, ...]:
        names: Sequence[str] = self.names
        if self.mode == "by_run":
            run = self.points["part"].astype(np.intp)
            part = np.empty(int(run[-1]) + 1, dtype=np.intp)
            part[run] = self.parts
            names = [f"{self.names[p]} (run {i + 1})" for i, p in enumerate(part.tolist())]
            level = level[part]
        rows = zip(names, level.tolist(), sigmas.tolist(), strict=True)
        return tuple((n,) if math.isnan(s) else (n, m, s) for n, m, s in rows)

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say which parts rest on very few pieces."""
        out = list(zero_variance(limits, lambda lim: lim.sigma))
        if self.mode == "nominal":
            return out
        few: dict[str, int] = {}
        for _, where in self.layout.parts():
            n = np.bincount(self.parts[where][self.layout.used[where]], minlength=len(self.names))
            few |= {self.names[i]: int(n[i]) for i in np.flatnonzero((n > 0) & (n < _FEW)).tolist()}
        if few:
            shown = ", ".join(f"{name}: {n}" for name, n in list(few.items())[:_SHOWN])
            text = f"parts with fewer than {_FEW} pieces ({shown}): their means are rough, their z shrink towards zero"
            out.append(Note("short-part", "warning", text))
        return out
