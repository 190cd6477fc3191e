"""What would mislead: how often each trap alone makes a success out of nothing, on data like the user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import as_counts, as_exposure
from qstats._core.checks import check_choice, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError, TooFewData
from qstats.improve.guards.trap_kernels import TRAPS, Setting
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.resample import as_generator

__all__ = ["Trap", "TrapTable", "trap_table"]

_YEAR = {"month": 12, "week": 52, "day": 365}


@dataclass(frozen=True, slots=True)
class Trap:
    """One trap: its size, and how often it alone makes a success out of nothing.

    Parameters
    ----------
    code : str
        ``"trend"``, ``"season"``, ``"delay"`` ...
    warning : str
        Warning code of a verdict, such as ``"W-TREND"``.
    size : float
        How strong it was taken to be, in the unit that `setting` names.
    setting : str
        What was simulated.
    false_success : float
        Share of runs in which a plain comparison claims an improvement.
    interval : Interval
        Of that share: simulation error only.
    """

    code: str
    warning: str
    size: float
    setting: str
    false_success: float
    interval: Interval


@dataclass(frozen=True, slots=True, eq=False)
class TrapTable(Result):
    """False successes of every trap, one at a time, on data without any effect.

    Parameters
    ----------
    traps : tuple of Trap
        In the order of the table they are documented in.
    mean, dispersion : float
        Mean count of a period and variance over mean, of the baseline simulated from.
    before, after : int
        Periods compared.
    alpha : float
        One-sided level the plain comparison claims: its false success without any trap.
    runs : int
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.trap-table/1"
    title: ClassVar[str] = "What would mislead"
    reference: ClassVar[str] = "parametric simulation from the baseline given"

    traps: tuple[Trap, ...]
    mean: float
    dispersion: float
    before: int
    after: int
    alpha: float
    runs: int
    notes: tuple[Note, ...] = ()

    def __getitem__(self, code: str) -> Trap:
        for trap in self.traps:
            if trap.code == code:
                return trap
        raise KeyError(code)

    def _rows(self) -> list[tuple[str, str]]:
        shown = [(f"{t.code}: {t.setting}", f"{t.false_success:.1%} ({t.warning})") for t in self.traps]
        return [
            ("baseline", f"{self.mean:.4g} a period, variance {self.dispersion:.3g} times Poisson"),
            ("compared", f"{self.after} periods after with {self.before} before, level {self.alpha:.1%}"),
            *shown,
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "trap": [t.code for t in self.traps],
            "warning": [t.warning for t in self.traps],
            "setting": [t.setting for t in self.traps],
            "size": [t.size for t in self.traps],
            "false_success": [t.false_success for t in self.traps],
            "low": [t.interval.low for t in self.traps],
            "high": [t.interval.high for t in self.traps],
        }


def _whole(value: object, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise DataError(f"{name}: got {value!r}; a whole number of {least} or more is wanted")
    return int(value)


def _sizes(given: Mapping[str, float] | None) -> dict[str, float]:
    """Return the size of each trap: as given, else the documented one."""
    out = {code: trap.size for code, trap in TRAPS.items()}
    if given is None:
        return out
    if not isinstance(given, Mapping):
        raise DataError(f"sizes: got {given!r}; a table from the name of a trap to its size is wanted")
    for code, size in given.items():
        if code not in TRAPS:
            raise DataError(f"sizes: unknown trap {code!r}; known are {', '.join(TRAPS)}")
        low, high = TRAPS[code].bounds
        out[code] = check_number(size, f"sizes[{code!r}]", least=low)
        if out[code] > high:
            raise DataError(f"sizes[{code!r}]: got {size}; at most {high:g} is wanted")
    return out


def _baseline(counts: npt.ArrayLike, exposure: object) -> tuple[float, float, int]:
    """Return mean count of a period, dispersion and number of periods."""
    y = as_counts(counts, "counts")
    e = as_exposure(1.0 if exposure is None else exposure, "exposure", y.size)
    if y.size < 6:
        raise TooFewData(f"counts: {y.size} periods came; at least 6 are wanted to learn what periods are like")
    if not y.sum() > 0:
        raise TooFewData("counts: no event in any period; nothing can mislead")
    expected = y.sum() / e.sum() * e
    phi = float(((y - expected) ** 2 / expected).sum()) / (y.size - 1.0)
    return float(y.mean()), max(1.0, phi), int(y.size)


def trap_table(
    counts: npt.ArrayLike,
    exposure: object = None,
    *,
    after: int = 6,
    before: int | None = None,
    sizes: Mapping[str, float] | None = None,
    only: tuple[str, ...] | None = None,
    period: str = "month",
    alpha: float = 0.025,
    runs: int = 20_000,
    rng: object = None,
) -> TrapTable:
    r"""Tell, for data like yours, how often each trap alone turns no effect into a "success".

    Use it when planning a verification, to see which trap matters at your volume, and to answer "does it matter that
    volume fell?" with a number. Not as a correction: `verify_improvement` takes the traps out, this shows what they do.

    Parameters
    ----------
    counts : array-like, shape (n,)
        Events of each period of a baseline without an action, six or more.
    exposure : array-like, shape (n,), or number, optional
    after, before : int
        Periods that are compared; `before` is the length of the baseline unless given.
    sizes : mapping of str to float, optional
        How strong a trap is, where it is not as documented: ``{"trend": 0.02, "volume": 0.2, "season": 0.3}``.
    only : tuple of str, optional
        Simulate these traps only.
    period : {"month", "week", "day"}
        What a period is: for the season and for looks every week.
    alpha : float
        One-sided level the plain comparison claims.
    runs : int
        Simulated comparisons per trap.
    rng : None, int, SeedSequence or Generator

    Returns
    -------
    TrapTable

    Raises
    ------
    DataError, TooFewData
        Bad counts, fewer than six periods, no event, an unknown trap or a size out of range.

    Notes
    -----
    Periods are Poisson with the mean of the baseline, except where scatter is the trap: then negative binomial, or with
    a log-normal level that persists. Each trap is simulated alone and judged by the conditional mid-p test of the
    totals (the one that `compare_rates` makes), one-sided. Without a trap that test is wrong in at most about `alpha`.

    References
    ----------
    Barnett, van der Pols & Dobson (2005), International Journal of Epidemiology 34, 215-220 (regression to the mean).
    Bernal, Cummins & Gasparrini (2017), ibid. 46, 348-355 (trend and season). Armitage, McPherson & Rowe (1969), JRSS A
    132, 235-244 (repeated looks).

    Examples
    --------
    >>> from qstats import trap_table
    >>> found = trap_table([21, 18, 24, 17, 22, 20, 19, 23, 16, 22, 18, 20], after=6, rng=1)
    >>> 0.3 < found["trend"].false_success < 0.4, 0.4 < found["volume"].false_success < 0.48
    (True, True)
    """
    mean, phi, periods = _baseline(counts, exposure)
    length = periods if before is None else _whole(before, "before", 1)
    setting = Setting(
        mean, phi, length, _whole(after, "after", 1), check_number(alpha, "alpha", above=0.0, below=0.5),
        _whole(runs, "runs", 100), _YEAR[check_choice(period, "period", _YEAR)],
    )  # fmt: skip
    chosen = tuple(TRAPS) if only is None else only
    for code in chosen:
        if code not in TRAPS:
            raise DataError(f"only: unknown trap {code!r}; known are {', '.join(TRAPS)}")
    strength, generator = _sizes(sizes), as_generator(rng)
    out = []
    for code in chosen:
        trap = TRAPS[code]
        size = strength[code]
        hits = float(np.count_nonzero(trap.simulate(setting, size, generator)))
        share: Any = estimate_proportion(hits, setting.runs)
        out.append(Trap(code, trap.warning, size, trap.say(setting, size), hits / setting.runs, share.interval))
    text = "each trap alone, by simulation of periods like the baseline's; several together add up"
    note = Note("one-at-a-time", "info", text)
    return TrapTable(tuple(out), mean, phi, length, setting.after, setting.alpha, setting.runs, (note,))
