"""Power where no formula is exact: counts, proportions and times, by simulation."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.doe.design import Design
from qstats.doe.evaluation.fits import binomial_deviance, censored_loglik, f_ratio, poisson_deviance
from qstats.doe.evaluation.matrices import Matrices, as_design, matrices
from qstats.doe.evaluation.power import patterns
from qstats.errors import DataError, DesignError

__all__ = ["SimulatedPower", "simulate_power"]

_MOST_RUNS = 1_000_000
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPower(Result):
    """Power of every term of a model, from simulated experiments.

    Parameters
    ----------
    response : str
    terms : tuple of str, length t
    power, low, high : ndarray, shape (t,)
        Share of simulated experiments that found the term, and its 95 % interval (Wilson) for the simulation's own
        error.
    false_alarm : ndarray, shape (t,)
        The same share where no term has an effect: what `alpha` really is in so few runs.
    coefficients : ndarray, shape (p,)
        On the scale of the model (log, logit), used where all terms act at once; each term's own run has it alone.
    alpha : float
    runs : int
        Simulated experiments.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.simulated_power/1"
    title: ClassVar[str] = "Power by simulation"

    response: str
    terms: tuple[str, ...]
    power: FloatArray
    low: FloatArray
    high: FloatArray
    false_alarm: FloatArray
    coefficients: FloatArray
    alpha: float
    runs: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        each = zip(self.terms, self.power, self.low, self.high, strict=True)
        rows = [(term, f"{p:.3f} ({a:.3f} to {b:.3f})") for term, p, a, b in each]
        top = float(self.false_alarm.max(initial=0.0))
        rows.append(("false alarms", f"at most {top:.3f} where {self.alpha:g} is meant"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "term": list(self.terms), "power": self.power, "low": self.low, "high": self.high,
            "false_alarm": self.false_alarm,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Law:
    """How responses come about: kind, level at the centre, size of a run, spread and cap of times."""

    response: str
    level: float
    size: float
    spread: float
    cap: float


def simulate_power(
    design: Design,
    *,
    model: Any = None,
    effect: float | None = None,
    coefficients: Mapping[str, float] | None = None,
    response: str = "normal",
    baseline: float | None = None,
    size: float = 1.0,
    spread: float = 1.0,
    cap: float | None = None,
    alpha: float = 0.05,
    runs: int = 2000,
    rng: Any = None,
    progress: bool = False,
) -> SimulatedPower:
    """Estimate by simulation how probably each term would be found, for counts, proportions and times.

    For responses that are no normal measurements: complaints per week, shares of defects, times to resolve of which
    some are cut off. For normal responses `evaluate` is exact and faster.

    Parameters
    ----------
    design : Design
    model : str, list or Model, optional
        As in `evaluate`.
    effect : float, optional
        Change over the range: in sigma for ``"normal"``; the ratio of means (``"poisson"``), of odds (``"binomial"``)
        or of median times (``"time"``), above 0 and not 1. Each term is simulated with its own effect alone, a category
        at the pair of levels hardest to find.
    coefficients : mapping of column label to number, optional
        Instead of `effect`: coefficients in coded units on the scale of the model, acting all at once; 0 where unsaid.
    response : {"normal", "poisson", "binomial", "time"}
    baseline : float, optional
        At the centre: mean count of one unit of `size`, proportion, or median time. Not for ``"normal"``.
    size : float
        Units of exposure (counts) or trials (proportions) in each run.
    spread : float
        Standard deviation of a normal response, or of the logarithm of a time.
    cap : float, optional
        Times are not followed beyond it.
    alpha : float
    runs : int
        Simulated experiments.
    rng : None, int or Generator
    progress : bool
        Show a bar.

    Returns
    -------
    SimulatedPower

    Raises
    ------
    DataError
        An effect or baseline that the response cannot have.
    DesignError
        The design cannot estimate the model, or leaves no degrees of freedom; it is a split-plot.

    Notes
    -----
    Normal responses and uncapped times (on the log scale) are judged by the exact F test, all others by the likelihood
    ratio against chi-square, whose true false alarm rate in few runs is given in `false_alarm`.

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models, sections 2.5 and 4.4. Olsen (1978), Econometrica 46(5),
    1211-1215 (censored normal).

    Examples
    --------
    >>> from qstats.doe import optimal
    >>> from qstats.doe import simulate_power
    >>> design = optimal(3, runs=8, model="linear", starts=16, rng=1)
    >>> found = simulate_power(design, response="poisson", baseline=20, effect=2.0, runs=400, rng=1)
    >>> bool(found.power[1] > 0.9)
    True
    """
    held = matrices(as_design(design), model, 1.0)
    law = _law(response, baseline, size, spread, cap)
    alpha = check_number(alpha, "alpha", above=0.0, below=1.0)
    if isinstance(runs, bool) or not isinstance(runs, int | np.integer) or not 10 <= runs <= _MOST_RUNS:
        raise DataError(
            f"runs: got {runs!r}; a whole number from 10 to {_MOST_RUNS} of simulated experiments is wanted"
        )
    _check(held)
    draw = np.random.default_rng(rng)
    betas, shared = _betas(held, law, effect, coefficients)
    terms = [i for i, term in enumerate(held.basis.model.terms) if term.parts]
    jobs = _bar(terms, progress)
    nothing = _responses(held, law, np.zeros(held.basis.p), int(runs), draw)
    together = None if betas else _responses(held, law, shared, int(runs), draw)
    power, false = [], []
    for i in jobs:
        made = together if together is not None else _responses(held, law, betas[i], int(runs), draw)
        power.append(float((_pvalues(held, law, made, i) <= alpha).mean()))
        false.append(float((_pvalues(held, law, nothing, i) <= alpha).mean()))
    return _result(held, law, (np.array(power), np.array(false)), (shared, alpha, int(runs)))


def _law(response: object, baseline: object, size: object, spread: object, cap: object) -> _Law:
    kind = check_choice(response, "response", ("normal", "poisson", "binomial", "time"))
    if kind == "normal" and baseline is not None:
        raise DataError("baseline: got one for a normal response, whose power does not depend on it; leave it out")
    if kind != "normal" and baseline is None:
        raise DataError(f"baseline: missing; the level at the centre is wanted for response={kind!r}")
    below = 1.0 if kind == "binomial" else math.inf
    level = 0.0 if kind == "normal" else check_number(baseline, "baseline", above=0.0, below=below)
    units = check_number(size, "size", above=0.0)
    if kind == "binomial" and units != round(units):
        raise DataError(f"size: got {units:g}; a whole number of trials in each run is wanted")
    if kind in ("normal", "time") and units != 1.0:
        raise DataError(f"size: got {units:g}; exposure or trials are for counts and proportions only")
    sd = check_number(spread, "spread", above=0.0)
    if kind in ("poisson", "binomial") and sd != 1.0:
        raise DataError(f"spread: got {sd:g}; counts and proportions have none of their own, leave it out")
    if cap is not None and kind != "time":
        raise DataError(f"cap: got {cap!r}; it is for response='time' only")
    end = math.inf if cap is None else check_number(cap, "cap", above=0.0)
    return _Law(kind, level, units, sd, end)


def _check(held: Matrices) -> None:
    if held.design.split_plot:
        raise DesignError(
            "design: a split-plot, whose whole plots add an error of their own; use evaluate for its power"
        )
    if not held.basis.model.intercept:
        raise DesignError("model: it has no constant, around which effects are simulated; add 1 to it")
    if held.singular or len(held.design) <= held.rank:
        raise DesignError(
            f"design: {len(held.design)} runs for a model (and blocks) of {held.whole.shape[1]} coefficients, rank "
            f"{held.rank}; every term must be estimable with runs to spare"
        )


def _betas(
    held: Matrices, law: _Law, effect: float | None, coefficients: Mapping[str, float] | None
) -> tuple[dict[int, FloatArray], FloatArray]:
    """Coefficients of each term alone, or (of none and) of all at once."""
    p = held.basis.p
    if (effect is None) == (coefficients is None):
        raise DataError("effect: pass either effect= (change over the range) or coefficients=, one of them")
    if coefficients is not None:
        lost = [str(name) for name in coefficients if name not in held.basis.labels or name == "1"]
        if lost:
            known = ", ".join(label for label in held.basis.labels if label != "1")
            raise DataError(f"coefficients: {', '.join(lost)} is no column of the model; there are {known}")
        given = [check_number(coefficients.get(v, 0.0), f"coefficients: {v}") for v in held.basis.labels]
        return {}, np.array(given)
    if law.response == "normal":
        half = 0.5 * check_number(effect, "effect", above=0.0) * law.spread
    else:
        ratio = check_number(effect, "effect", above=0.0)
        if ratio == 1.0:
            raise DataError("effect: a ratio of 1 is no effect; 2 doubles the response over the range")
        half = 0.5 * math.log(ratio)
    betas, shared = {}, np.zeros(p)
    for i, term in enumerate(held.basis.model.terms):
        mine = np.flatnonzero(held.basis.term == i)
        some = patterns(held, term, half)
        inner = np.linalg.inv(held.covariance[np.ix_(mine, mine)])
        hardest = some[int(((some @ inner) * some).sum(axis=1).argmin())]
        betas[i] = np.zeros(p)
        if term.parts:
            betas[i][mine] = shared[mine] = hardest
    return betas, shared


def _bar(terms: list[int], shown: bool) -> Any:
    if not shown:
        return terms
    from tqdm import tqdm

    return tqdm(terms, desc="terms", file=sys.stderr, leave=False)


Responses = tuple[FloatArray, BoolArray]


def _responses(held: Matrices, law: _Law, beta: FloatArray, runs: int, rng: np.random.Generator) -> Responses:
    """Simulated responses of shape (runs, n), and which are seen to the end."""
    eta = held.x @ beta
    shape = (runs, eta.size)
    everything = np.ones(shape, dtype=np.bool_)
    if law.response == "normal":
        return eta + law.spread * rng.standard_normal(shape), everything
    if law.response == "poisson":
        with np.errstate(over="ignore"):
            mean = law.size * law.level * np.exp(eta)
        if not mean.max() < 1e15:
            raise DataError("effect: counts grow beyond 1e15 at some runs; a smaller effect or baseline is wanted")
        return rng.poisson(mean, shape).astype(np.float64), everything
    if law.response == "binomial":
        p = scipy.special.expit(math.log(law.level / (1.0 - law.level)) + eta)
        return rng.binomial(int(law.size), p, shape).astype(np.float64), everything
    log = math.log(law.level) + eta + law.spread * rng.standard_normal(shape)
    end = math.log(law.cap) if math.isfinite(law.cap) else math.inf
    return np.minimum(log, end), log <= end


def _pvalues(held: Matrices, law: _Law, made: Responses, i: int) -> FloatArray:
    """P values of one term in every simulated experiment."""
    y, seen = made
    x = held.whole
    mine = np.concatenate([held.basis.term == i, np.zeros(x.shape[1] - held.basis.p, dtype=np.bool_)])
    less, df = x[:, ~mine], float(mine.sum())
    if law.response == "normal" or (law.response == "time" and bool(seen.all())):
        f = f_ratio(y, x, less)
        return np.asarray(scipy.special.fdtrc(df, float(x.shape[0] - x.shape[1]), f), dtype=np.float64)
    if law.response == "time":
        enough = seen.sum(axis=1) > x.shape[1]
        ratio = np.zeros(y.shape[0])
        if enough.any():
            full, some = (censored_loglik(y[enough], seen[enough], m) for m in (x, less))
            ratio[enough] = 2.0 * (full - some)
        return np.asarray(np.where(enough, scipy.special.chdtrc(df, np.maximum(ratio, 0.0)), 1.0))
    deviance = poisson_deviance if law.response == "poisson" else binomial_deviance
    units = np.full(x.shape[0], law.size)
    ratio = deviance(y, less, units) - deviance(y, x, units)
    return np.asarray(scipy.special.chdtrc(df, np.maximum(ratio, 0.0)), dtype=np.float64)


def _result(
    held: Matrices, law: _Law, shares: tuple[FloatArray, FloatArray], settings: tuple[FloatArray, float, int]
) -> SimulatedPower:
    shared, alpha, runs = settings
    power, false = shares
    centre = (power + _Z**2 / (2 * runs)) / (1.0 + _Z**2 / runs)
    half = _Z * np.sqrt(power * (1.0 - power) / runs + _Z**2 / (4.0 * runs**2)) / (1.0 + _Z**2 / runs)
    notes = []
    top = float(false.max(initial=0.0))
    if top > alpha + 4.0 * math.sqrt(alpha * (1.0 - alpha) / runs):
        message = f"in so few runs the test raises {top:.3f} false alarms, not {alpha:g}: its power looks too good"
        notes.append(Note("liberal-test", "warning", message))
    exact = law.response == "normal" or (law.response == "time" and math.isinf(law.cap))
    test = "exact F test" if exact else "likelihood ratio against chi-square"
    return SimulatedPower(
        response=law.response, terms=tuple(str(t) for t in held.basis.model.terms if t.parts),
        power=frozen_array(power), low=frozen_array(np.maximum(centre - half, 0.0)),
        high=frozen_array(np.minimum(centre + half, 1.0)), false_alarm=frozen_array(false),
        coefficients=frozen_array(shared), alpha=alpha, runs=runs,
        method=f"{runs} simulated experiments, {test}",
        reference="McCullagh and Nelder 1989, Generalized Linear Models, 4.4; Olsen 1978, Econometrica 46, 1211",
        notes=tuple(notes),
    )  # fmt: skip
