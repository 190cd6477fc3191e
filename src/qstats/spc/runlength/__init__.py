"""How often a chart signals: on a stable process, and after a shift. Everything counts in points."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats._core.quantiles import binomial_cdf, binomial_sf, poisson_cdf, poisson_sf
from qstats._core.result import Result
from qstats.errors import DataError, NoConvergence
from qstats.spc.rules import Rule, rule_set
from qstats.spc.runlength.design import (
    CusumDesign,
    EwmaDesign,
    cusum_limit,
    design_cusum,
    design_ewma,
    ewma_limit,
)
from qstats.spc.runlength.markov import quantile_of
from qstats.spc.runlength.memory import (
    cusum_arl,
    cusum_steady_arl,
    cusum_survival,
    ewma_arl,
    ewma_steady_arl,
    ewma_survival,
)
from qstats.spc.runlength.multivariate import (
    mcusum_arl,
    mcusum_limit,
    mcusum_survival,
    mewma_arl,
    mewma_limit,
    mewma_survival,
)
from qstats.spc.runlength.rules_chain import has_chain, rule_chain, rules_survival, shewhart_rules_arl
from qstats.spc.runlength.rules_simulated import simulate_rules_arl, simulate_run_lengths

__all__ = [
    "CHAMP_WOODALL",
    "CusumDesign",
    "EwmaDesign",
    "RunLength",
    "attribute_alarm",
    "cusum_arl",
    "cusum_limit",
    "cusum_steady_arl",
    "cusum_survival",
    "design_cusum",
    "design_ewma",
    "ewma_arl",
    "ewma_limit",
    "ewma_steady_arl",
    "ewma_survival",
    "mcusum_arl",
    "mcusum_limit",
    "mcusum_survival",
    "mewma_arl",
    "mewma_limit",
    "mewma_survival",
    "rules_survival",
    "run_length_of_cusum",
    "run_length_of_ewma",
    "run_length_of_lengths",
    "run_length_of_mcusum",
    "run_length_of_mewma",
    "run_length_of_probability",
    "run_length_of_rules",
    "shewhart_rules_arl",
    "simulate_rules_arl",
    "simulate_run_lengths",
]

_POINTS = (25, 50, 100)
CHAMP_WOODALL = "Champ & Woodall (1987), Technometrics 29(4), 393-399"


@dataclass(frozen=True, slots=True, eq=False)
class RunLength(Result):
    """How many points a chart takes until it signals.

    Parameters
    ----------
    arl : float
        Average run length, in points, the signalling point included.
    shift : float
        Shift of the mean from the first point on, in standard errors of the plotted point; 0 is in control, where a
        signal is a false alarm.
    standard_error : float or None
        Monte Carlo error of `arl`; None where it is exact.
    median : int
        Number of points by which every second chart has signalled.
    within : tuple of (int, float)
        Number of points and probability of at least one signal within them.
    method, reference : str
        What was computed and where it is described.
    notes : tuple of Note
        Doubtful assumptions.
    """

    schema: ClassVar[str] = "qstats.run_length/1"
    title: ClassVar[str] = "Run length"

    arl: float
    shift: float
    standard_error: float | None
    median: int
    within: tuple[tuple[int, float], ...]
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        error = "" if self.standard_error is None else f" (standard error {self.standard_error:.2g})"
        rows = [
            ("average run length", f"{self.arl:.2f} points{error}"),
            ("shift", f"{self.shift:g} sigma" if self.shift else "none: in control"),
            ("median", f"{self.median} points"),
        ]
        rows += [(f"within {n} points", f"{100.0 * p:.1f} %") for n, p in self.within]
        return [*rows, ("method", self.method), ("reference", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        row: dict[str, Any] = {
            "shift": [self.shift],
            "arl": [self.arl],
            "standard_error": [math.nan if self.standard_error is None else self.standard_error],
            "median": [self.median],
        }
        return row | {f"within_{n}": [p] for n, p in self.within}


def _exact(arl: float, survival: Callable[[int], FloatArray], shift: float, method: str, reference: str) -> RunLength:
    clear = survival(_POINTS[-1])
    within = tuple((n, float(1.0 - clear[n - 1])) for n in _POINTS)
    return RunLength(arl, shift, None, quantile_of(survival, 0.5), within, method, reference)


def run_length_of_lengths(lengths: npt.NDArray[np.int64], shift: float, reference: str) -> RunLength:
    """Return the summary of simulated run lengths."""
    return RunLength(
        arl=float(lengths.mean()),
        shift=shift,
        standard_error=float(lengths.std(ddof=1)) / math.sqrt(lengths.size),
        median=int(np.quantile(lengths, 0.5, method="inverted_cdf")),
        within=tuple((n, float((lengths <= n).mean())) for n in _POINTS),
        method=f"simulation of {lengths.size} new charts",
        reference=reference,
    )


def _simulated(
    rules: tuple[Rule, ...], shift: float, nsigma: float, rng: np.random.Generator | int | None, runs: int
) -> RunLength:
    lengths = simulate_run_lengths(rules, shift, nsigma, rng=rng, runs=runs)
    return run_length_of_lengths(lengths, shift, CHAMP_WOODALL)


def run_length_of_rules(
    rules: object,
    shift: float = 0.0,
    nsigma: float = 3.0,
    rng: np.random.Generator | int | None = None,
    *,
    runs: int = 20_000,
    start: str = "central",
) -> RunLength:
    """Return how many points a chart with run rules takes until any of them signals.

    Exact for rules about zones; simulated where a rule compares points with one another (trend, alternation) or the
    rules have too many states together.

    Parameters
    ----------
    rules : str, RuleSet, Rule or sequence of Rule
        What to look for.
    shift : float
        Shift of the mean, in standard errors of the plotted point.
    nsigma : float
        Where the control limits stand, in the same unit.
    rng : numpy.random.Generator or int, optional
        Source of randomness; unused where the answer is exact.
    runs : int
        Number of simulated charts.
    start : {"central", "empty"}
        What lies before the first point, as in `shewhart_rules_arl`; a simulated chart is always new (``"empty"``).

    Returns
    -------
    RunLength

    Raises
    ------
    DataError
        No rules, or a rule about the whole chart.
    NoConvergence
        The rules hardly ever signal.

    Examples
    --------
    >>> from qstats.spc.runlength import run_length_of_rules
    >>> run = run_length_of_rules("western_electric")
    >>> round(run.arl, 2), run.standard_error, run.median
    (91.75, None, 65)
    """
    chosen = rule_set(rules).rules
    check_choice(start, "start", ("central", "empty"))
    if chosen and all(has_chain(rule) for rule in chosen):
        nsigma, shift = check_number(nsigma, "nsigma", above=0.0), check_number(shift, "shift")
        try:
            chain = rule_chain(chosen, nsigma, start)
        except NoConvergence:  # too many states
            return _simulated(chosen, shift, nsigma, rng, runs)
        before = "points before the first count for no rule" if start == "central" else "a new chart"
        method = f"exact, Markov chain of {chain.after.shape[0]} states, {before}"
        return _exact(chain.arl(shift), lambda n: chain.survival(n, shift), shift, method, CHAMP_WOODALL)
    return _simulated(chosen, shift, nsigma, rng, runs)


def run_length_of_cusum(
    k: float, h: float, shift: float = 0.0, *, head_start: float = 0.0, sides: str = "two"
) -> RunLength:
    """Return how many points a CUSUM chart takes until it signals; arguments as in `cusum_arl`.

    Examples
    --------
    >>> from qstats.spc.runlength import run_length_of_cusum
    >>> round(run_length_of_cusum(0.5, 5.0).arl, 1)
    465.4
    """
    return _exact(
        cusum_arl(k, h, shift, head_start=head_start, sides=sides),
        lambda n: cusum_survival(k, h, n, shift, head_start=head_start, sides=sides),
        float(shift),
        "exact, integral equation at Gauss-Legendre nodes",
        "Lucas & Crosier (1982), Technometrics 24(3), 199-205",
    )


def run_length_of_ewma(
    lam: float, L: float, shift: float = 0.0, *, sides: str = "two", limits: str = "asymptotic"
) -> RunLength:
    """Return how many points an EWMA chart takes until it signals; arguments as in `ewma_arl`.

    Examples
    --------
    >>> from qstats.spc.runlength import run_length_of_ewma
    >>> round(run_length_of_ewma(0.2, 2.962, 1.0).arl, 2)
    10.54
    """
    return _exact(
        ewma_arl(lam, L, shift, sides=sides, limits=limits),
        lambda n: ewma_survival(lam, L, n, shift, sides=sides, limits=limits),
        float(shift),
        f"exact, integral equation at Gauss-Legendre nodes, {limits} limits",
        "Crowder (1987), Technometrics 29(4), 401-407",
    )


def run_length_of_mewma(r: float, h: float, p: int, delta: float = 0.0) -> RunLength:
    """Return how many points a multivariate EWMA chart takes until it signals; arguments as in `mewma_arl`."""
    return _exact(
        mewma_arl(r, h, p, delta),
        lambda n: mewma_survival(r, h, p, n, delta),
        float(delta),
        "exact, integral equation at Gauss nodes, asymptotic limits",
        "Rigdon (1995), Journal of Statistical Computation and Simulation 52(4), 351-365",
    )


def run_length_of_mcusum(k: float, h: float, p: int) -> RunLength:
    """Return how many points Crosier's multivariate CUSUM takes until a false alarm; arguments as in `mcusum_arl`."""
    return _exact(
        mcusum_arl(k, h, p),
        lambda n: mcusum_survival(k, h, p, n),
        0.0,
        "exact, integral equation at Gauss-Legendre nodes",
        "Crosier (1988), Technometrics 30(3), 291-303",
    )


def run_length_of_probability(alarm: float, shift: float = 0.0) -> RunLength:
    """Return the run length of a chart whose points signal one by one, each with the probability `alarm`.

    For charts with rule 1 only: attribute charts (`attribute_alarm`), T2, rare events.

    Parameters
    ----------
    alarm : float
        Probability that one point signals, above 0 and at most 1.
    shift : float
        The shift the probability belongs to, for the record.

    Examples
    --------
    >>> from qstats.spc.runlength import run_length_of_probability
    >>> round(run_length_of_probability(0.0026997960632601866).arl, 2)
    370.4
    """
    alarm = check_number(alarm, "alarm", above=0.0)
    if alarm > 1.0:
        raise DataError(f"alarm: got {alarm:g}; a probability above 0 and at most 1 is wanted")
    stay = math.log1p(-alarm) if alarm < 1.0 else -math.inf
    return RunLength(
        arl=1.0 / alarm,
        shift=check_number(shift, "shift"),
        standard_error=None,
        median=max(1, math.ceil(math.log(0.5) / stay)),
        within=tuple((n, -math.expm1(n * stay)) for n in _POINTS),
        method="exact, geometric",
        reference="Montgomery, Introduction to Statistical Quality Control, section on average run length",
    )


def _first_above(n: FloatArray, line: FloatArray) -> FloatArray:
    """Return the smallest count x with ``x / n > line``, by the division the chart makes itself."""
    x = np.floor(line * n) + 1.0
    x = np.where(x / n > line, x, x + 1.0)  # rounding may have put it one off, either way
    return np.asarray(np.where((x - 1.0) / n > line, x - 1.0, x))


def _last_below(n: FloatArray, line: FloatArray) -> FloatArray:
    """Return the largest count x with ``x / n < line``; -1 where there is none."""
    x = np.ceil(line * n) - 1.0
    x = np.where(x / n < line, x, x - 1.0)
    return np.asarray(np.maximum(np.where((x + 1.0) / n < line, x + 1.0, x), -1.0))


def attribute_alarm(
    kind: str,
    center: float,
    size: npt.ArrayLike = 1.0,
    lower: npt.ArrayLike | None = None,
    upper: npt.ArrayLike | None = None,
    *,
    rate: float | None = None,
) -> FloatArray:
    """Return the exact probability that one point of an attribute chart lies beyond its limits.

    Three-sigma limits of counts are no 0.27 per cent limits: at n = 50 and p = 0.02 one point in 56 is a false alarm.

    Parameters
    ----------
    kind : {"p", "np", "c", "u"}
        What is plotted: fraction, count of items, count of events, events per unit.
    center : float
        Fraction (p, np) or events per unit (c, u) the limits were made for.
    size : array-like
        Items inspected (p, np) or units of exposure (c, u), shape (n,) or one number.
    lower, upper : array-like, optional
        Limits in the unit of what is plotted; None or NaN where there is none. A point on a limit does not signal.
    rate : float, optional
        True fraction or events per unit; None is `center`, which gives the false-alarm probability.

    Returns
    -------
    numpy.ndarray
        Probability of a signal at each point, shape of `size` and limits together.

    Raises
    ------
    DataError
        A fraction outside 0 to 1, a size of zero or less, items that are not whole.

    Examples
    --------
    >>> from qstats.spc.runlength import attribute_alarm
    >>> round(float(attribute_alarm("c", 4.0, upper=10.0)), 5)
    0.00284
    """
    check_choice(kind, "kind", ("p", "np", "c", "u"))
    binomial = kind in ("p", "np")
    true = check_number(center if rate is None else rate, "center" if rate is None else "rate", least=0.0)
    if binomial and true > 1.0:
        raise DataError(f"{'center' if rate is None else 'rate'}: got {true:g}; a fraction from 0 to 1 is wanted")
    n, low, high = (np.asarray(np.nan if v is None else v, dtype=np.float64) for v in (size, lower, upper))
    if not (np.isfinite(n) & (n > 0)).all() or (binomial and (n != np.floor(n)).any()):
        raise DataError(f"size: got {size!r}; {'whole numbers' if binomial else 'numbers'} above 0 are wanted")
    n, low, high = np.broadcast_arrays(n, low, high)
    per = n if kind in ("p", "u") else np.ones_like(n)
    over = np.maximum(_first_above(per, np.where(np.isnan(high), 0.0, high)), 0.0)
    under = _last_below(per, np.where(np.isnan(low), 0.0, low))
    if binomial:
        above = np.where(over > n, 0.0, binomial_sf(np.minimum(over, n), n, true))
        below = binomial_cdf(np.clip(under, 0.0, n), n, true)
    else:
        above, below = poisson_sf(over, n * true), poisson_cdf(np.maximum(under, 0.0), n * true)
    nothing = np.isnan(low) | (under < 0.0)
    return np.asarray(np.where(np.isnan(high), 0.0, above) + np.where(nothing, 0.0, below))
