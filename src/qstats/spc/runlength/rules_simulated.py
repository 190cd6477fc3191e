"""Run length of a chart by simulation, for rules that compare points with one another."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from qstats._core.checks import check_number
from qstats.errors import DataError, NoConvergence
from qstats.spc.rules import Rule, rule_set
from qstats.spc.rules.engine import find
from qstats.spc.stretch import Flat

__all__ = ["simulate_rules_arl", "simulate_run_lengths"]

_BATCH = 1 << 20  # points at once
_FIRST, _LONGEST = 64, 4096  # points a series is lengthened by
_QUIET = 4_000_000  # points without any signal after which it is hopeless
_MOST_POINTS = 1_000_000_000


def _first_hits(
    rules: tuple[Rule, ...], points: npt.NDArray[np.float64], nsigma: float, known: int
) -> npt.NDArray[np.intp]:
    """Return the column of the first signal at or after column `known` in each row, -1 where there is none.

    The rows stand one after another, parted by a gap over which no rule reaches.
    """
    rows, width = points.shape
    flat = points.reshape(-1)
    broken = np.zeros(points.shape, dtype=np.bool_)
    broken[:, -1] = True
    stretch = Flat(0, flat.size, flat, 0.0, 1.0, -nsigma, nsigma)
    first = np.full(rows, width, dtype=np.intp)
    for at in find(rules, stretch, broken.reshape(-1)):
        row, column = np.divmod(at, width)
        new = column >= known
        np.minimum.at(first, row[new], column[new])
    return np.where(first == width, -1, first)


def _lengths_of_batch(
    rules: tuple[Rule, ...], shift: float, nsigma: float, rng: np.random.Generator, runs: int
) -> npt.NDArray[np.int64]:
    """Return one run length per series; series without a signal are lengthened, keeping what the rules still see."""
    context = max(rule.m for rule in rules) - 1
    out = np.zeros(runs, dtype=np.int64)
    alive = np.arange(runs)
    tail = np.empty((runs, 0))
    seen, step, spent = 0, _FIRST, 0
    while alive.size:
        known = tail.shape[1]
        points = np.full((alive.size, known + step + 1), np.nan)
        points[:, :known] = tail
        points[:, known:-1] = rng.standard_normal((alive.size, step)) + shift
        hit = _first_hits(rules, points, nsigma, known)
        done = hit >= 0
        out[alive[done]] = seen + hit[done] - known + 1
        seen, spent = seen + step, spent + alive.size * step
        if (spent > _QUIET and not out.any()) or spent > _MOST_POINTS:
            raise NoConvergence(
                f"rules: {alive.size} of {runs} simulated charts had no signal in {seen} points; the rules hardly ever "
                f"signal at a shift of {shift:g}"
            )
        alive = alive[~done]
        tail = points[~done, -1 - min(context, known + step) : -1]
        step = int(min(_LONGEST, 2 * step, max(_FIRST, _BATCH // max(alive.size, 1))))
    return out


def simulate_run_lengths(
    rules: object,
    shift: float = 0.0,
    nsigma: float = 3.0,
    *,
    rng: np.random.Generator | int | None = None,
    runs: int = 10_000,
) -> npt.NDArray[np.int64]:
    """Return simulated run lengths of a new chart with run rules, by the engine that judges real charts.

    Parameters
    ----------
    rules : str, RuleSet, Rule or sequence of Rule
        What to look for; any kind that signals at points.
    shift : float
        Shift of the mean, in standard errors of the plotted point.
    nsigma : float
        Where the control limits stand, in the same unit.
    rng : numpy.random.Generator or int, optional
        Source of randomness.
    runs : int
        Number of charts.

    Returns
    -------
    numpy.ndarray of int
        Points until the first signal, the signalling one included, shape (runs,).

    Raises
    ------
    DataError
        No rules, a rule about the whole chart, or fewer than 2 runs.
    NoConvergence
        The rules hardly ever signal.
    """
    chosen = rule_set(rules).rules
    if not chosen:
        raise DataError("rules: there are none; a chart without rules never signals")
    whole = [rule.name for rule in chosen if rule.chart_level]
    if whole:
        raise DataError(
            f"rules: {', '.join(map(repr, whole))} judge a whole chart and have no run length; leave them out"
        )
    if isinstance(runs, bool) or not isinstance(runs, int) or not 2 <= runs <= 10_000_000:
        raise DataError(f"runs: got {runs!r}; a whole number from 2 to 10000000 is wanted")
    shift, nsigma = check_number(shift, "shift"), check_number(nsigma, "nsigma", above=0.0)
    try:
        source = np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise DataError(f"rng: got {rng!r}; a numpy Generator, a seed or None is wanted") from None
    most = _BATCH // _FIRST
    parts = [min(most, runs - done) for done in range(0, runs, most)]
    return np.concatenate([_lengths_of_batch(chosen, shift, nsigma, source, part) for part in parts])


def simulate_rules_arl(
    rules: object,
    shift: float = 0.0,
    nsigma: float = 3.0,
    *,
    rng: np.random.Generator | int | None = None,
    runs: int = 10_000,
) -> tuple[float, float]:
    """Return the average run length of a new chart with run rules and its Monte Carlo standard error, in points.

    For trends and alternation; rules about zones have an exact answer (`shewhart_rules_arl`).

    Parameters
    ----------
    rules, shift, nsigma, rng, runs
        As in `simulate_run_lengths`. The error falls with the square root of `runs`: about 1 per cent at 10,000.

    Examples
    --------
    >>> from qstats.spc.runlength import simulate_rules_arl
    >>> mean, error = simulate_rules_arl("western_electric", 2.0, rng=1, runs=1000)
    >>> bool(abs(mean - 3.44) < 5 * error)
    True
    """
    lengths = simulate_run_lengths(rules, shift, nsigma, rng=rng, runs=runs)
    return float(lengths.mean()), float(lengths.std(ddof=1)) / math.sqrt(lengths.size)
