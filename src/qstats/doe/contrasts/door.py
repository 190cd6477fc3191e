"""Effects of a two-level experiment: `effects`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats._core.result import frozen_array
from qstats.doe.contrasts.columns import Contrasts, contrasts_of, two_level_signs
from qstats.doe.contrasts.margins import FEWEST, METHODS, lenth
from qstats.doe.contrasts.pse import PSE, half_normal_scores
from qstats.doe.contrasts.repeats import block_indicators, pure_error
from qstats.doe.contrasts.result import Effects, Lenth
from qstats.doe.observed import Observed, observed
from qstats.errors import DataError, DesignError, TooFewData

__all__ = ["effects"]

_SMALL = 1e-9
_REFERENCE = (
    "Box, Hunter and Hunter 2005, Statistics for Experimenters, 2nd ed., ch. 5-6; Daniel 1959, Technometrics 1, 311"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Estimates:
    """Least squares of the contrasts with blocks taken out: effect and its variance for sigma = 1."""

    mean: float
    effect: FloatArray
    variance: FloatArray
    total: float
    orthogonal: bool


def effects(
    design: Any,
    response: Any,
    *,
    order: int | None = None,
    alias_order: int = 2,
    confidence: float = 0.95,
    method: str = "exact",
    pse: str = "lenth",
    name: str | None = None,
) -> Effects:
    r"""Return what each factor and interaction of a two-level experiment did to the response.

    Use it first on any full or fractional two-level factorial or Plackett-Burman experiment: every contrast the runs
    hold once, its aliases beside it, largest first in the summary, and a verdict: by pure error where settings were
    repeated, else by Lenth's method. Factors of three levels, settings off plan, and models go to `doe.fit`.

    Parameters
    ----------
    design : Design or RunRecord
    response : array-like of shape (n,), or str
        Results in standard order, NaN where there is none; of a record the name of the response.
    order : int, optional
        Interactions of up to this many factors; unsaid, all contrasts of a regular fraction, main effects of any
        other design. What is left out is taken to be nothing.
    alias_order : int
        Words of up to this many factors are listed as aliases.
    confidence : float
        Of intervals and of the verdict.
    method, pse
        Of `lenth`, for an experiment without repeated runs.
    name : str, optional
        What a response is called that comes as an array; a record and a pandas Series bring a name.

    Returns
    -------
    Effects

    Raises
    ------
    DesignError
        A factor has no two levels or was set off them, or the runs with a result cannot tell the contrasts apart.
    DataError
        Results are not numbers, or not one each run.

    Notes
    -----
    An effect is twice the coefficient of its column of -1 and +1 in a least-squares fit with the blocks: in an
    orthogonal design the mean at the high setting less the mean at the low one. Centre points never enter a contrast;
    with repeated settings they give the pure error :math:`s^2` (blocks additive), and
    :math:`\mathrm{se} = 2 s \sqrt{[(Z'Z)^{-1}]_{jj}}`, :math:`2 s/\sqrt{n}` if orthogonal. Contrasts that are
    differences between blocks are named apart.

    References
    ----------
    Box, Hunter and Hunter (2005), Statistics for Experimenters, 2nd ed., chapters 5 and 6. Daniel (1959),
    Technometrics 1(4), 311-341.

    Examples
    --------
    >>> from qstats.doe import fractional_factorial
    >>> from qstats.doe.contrasts.door import effects
    >>> held = effects(fractional_factorial(3, runs=8, rng=1), [67, 79, 61, 75, 59, 90, 52, 87])
    >>> held.effect("A"), held.effect("A:C"), held.significant_labels
    (23.0, 10.0, ('A', 'A:C'))
    """
    held = observed(design, response, name)
    level = check_confidence(confidence)
    check_choice(method, "method", METHODS)
    check_choice(pse, "pse", PSE)
    k = len(held.design.factors)
    top = None if order is None else _order(order, "order", k)
    signs = two_level_signs(held)
    every = contrasts_of(held, signs, top, min(_order(alias_order, "alias_order", 99), k))
    return _assembled(held, every, level, (method, pse))


def _order(value: object, name: str, most: int) -> int:
    number = check_number(value, name, least=1)
    if number != int(number) or number > most:
        raise DataError(f"{name}: got {number:g}; a whole number from 1 to {most} is wanted")
    return int(number)


def _assembled(held: Observed, every: Contrasts, level: float, options: tuple[str, str]) -> Effects:
    rows, center = held.present & ~held.center, held.present & held.center
    x = every.x[held.present[~held.center]]
    y, block = held.y[rows], np.asarray(held.design.block[rows])
    kept, confounded, z = _without_blocks(every, x, block)
    fit = _estimates(x[:, kept], z, y, block, int((~held.present).sum()))
    used = rows | center
    error = pure_error(held.design.coded[used], np.asarray(held.design.block[used]), held.y[used])
    labels = tuple(every.labels[i] for i in kept)
    split = held.design.split_plot
    verdict = None if error[1] or split else _verdict(fit, labels, level, options)
    tested = _tested(fit, error, level) if error[1] and not split else None
    m, square = len(labels), (0.5 * fit.effect) ** 2 / fit.variance
    score = np.empty(m)
    score[np.argsort(np.abs(fit.effect), kind="stable")] = half_normal_scores(m)
    return Effects(
        response=held.name, mean=fit.mean, labels=labels, aliases=tuple(every.aliases[i] for i in kept),
        order=frozen_array(np.array([every.order[i] for i in kept]), np.int64), effects=frozen_array(fit.effect),
        sum_of_squares=frozen_array(square),
        contribution=frozen_array(100.0 * square / fit.total if fit.total > 0.0 else np.zeros(m)),
        half_normal=frozen_array(score), error_sd=math.sqrt(error[0] / error[1]) if error[1] else None,
        df_error=error[1], lenth=verdict, confounded=confounded, orthogonal=fit.orthogonal and not split,
        runs=int(rows.sum()), centers=int(center.sum()), confidence=level, reference=_REFERENCE,
        notes=_notes(held, every, fit, (error, verdict is None, m)), **_judgement(tested, verdict, m),
    )  # fmt: skip


def _judgement(tested: tuple[FloatArray, ...] | None, verdict: Lenth | None, m: int) -> dict[str, Any]:
    """What the fields of the test hold: pure error, Lenth's method, or nothing."""
    if tested is not None:
        se, t, p, low, high, level = tested
        held = Intervals(frozen_array(low), frozen_array(high), float(level))
        return {
            "standard_error": frozen_array(se), "t": frozen_array(t), "pvalue": frozen_array(p), "interval": held,
            "significant": frozen_array(p < 1.0 - float(level), np.bool_), "method": "contrasts; t by pure error",
        }  # fmt: skip
    none = {"standard_error": None, "t": None, "pvalue": None}
    if verdict is not None:
        how = f"contrasts; {verdict.method}"
        return {**none, "interval": verdict.interval, "significant": verdict.active, "method": how}
    return {**none, "interval": None, "significant": frozen_array(np.zeros(m), np.bool_), "method": "contrasts"}


def _without_blocks(every: Contrasts, x: FloatArray, block: Any) -> tuple[list[int], tuple[str, ...], FloatArray]:
    """Return which contrasts are no differences between blocks, the others' names, and what blocks leave of each."""
    if not x.size:
        raise TooFewData("response: no factorial run has a result")
    member = block_indicators(block)
    z = x - member @ ((member.T @ x) / member.sum(axis=0)[:, None])
    size = (z**2).sum(axis=0)
    flat = np.abs(x.sum(axis=0)) == x.shape[0]
    if flat.any():
        name = every.labels[int(np.argmax(flat))]
        raise DesignError(f"response: {name} has one sign in all runs with a result; more runs are wanted")
    good = size > _SMALL * x.shape[0]
    kept = np.flatnonzero(good).tolist()
    if not kept:
        raise DesignError("design: every contrast is a difference between blocks")
    return kept, tuple(every.labels[i] for i in np.flatnonzero(~good).tolist()), z[:, kept]


def _estimates(x: FloatArray, z: FloatArray, y: FloatArray, block: Any, missing: int) -> _Estimates:
    """Fit all contrasts together with the blocks; in an orthogonal design one by one comes to the same."""
    n, m = z.shape
    level = float(y.mean())
    centred = y - level
    gram = z.T @ z
    scale = float(np.diag(gram).mean())
    orthogonal = bool(np.abs(gram - scale * np.eye(m)).max() <= _SMALL * scale)
    if orthogonal:
        half, inverse = z.T @ centred / scale, np.full(m, 1.0 / scale)
    else:
        s = np.linalg.svd(z, compute_uv=False)
        if m > n or s[-1] <= _SMALL * n * s[0]:
            why = f"{missing} run(s) have no result" if missing else "the runs do not tell them apart"
            raise DesignError(
                f"design: {m} contrasts, but {why}; pass a lower order, or fit a smaller model with doe.fit"
            )
        q, r = np.linalg.qr(z)
        upper = np.linalg.solve(r, np.eye(m))
        half, inverse = upper @ (q.T @ centred), (upper**2).sum(axis=1)
    noise = 8.0 * np.finfo(float).eps * float(np.abs(centred).sum()) / math.sqrt(n * scale)
    half = np.where(np.abs(half) <= noise, 0.0, half)  # sums that cancel exactly but for rounding are 0
    mean = level + float((centred - x @ half).mean())
    return _Estimates(mean, np.asarray(2.0 * half), np.asarray(inverse), float(centred @ centred), orthogonal)


def _tested(fit: _Estimates, error: tuple[float, int], level: float) -> tuple[FloatArray, ...]:
    """Standard errors, t, p and limits by pure error."""
    sd, df = math.sqrt(error[0] / error[1]), float(error[1])
    se = 2.0 * sd * np.sqrt(fit.variance)
    with np.errstate(divide="ignore"):
        t = np.divide(fit.effect, se, out=np.zeros_like(se), where=fit.effect != 0.0)
    reach = float(t_quantile(0.5 + 0.5 * level, df)) * se
    p = np.minimum(2.0 * t_sf(np.abs(t), df), 1.0)
    return se, t, np.asarray(p), fit.effect - reach, fit.effect + reach, np.array(level)


def _verdict(fit: _Estimates, labels: tuple[str, ...], level: float, options: tuple[str, str]) -> Lenth | None:
    if not fit.orthogonal or len(labels) < FEWEST:
        return None
    return lenth(fit.effect, labels=labels, confidence=level, method=options[0], pse=options[1])


def _notes(
    held: Observed, every: Contrasts, fit: _Estimates, told: tuple[tuple[float, int], bool, int]
) -> tuple[Note, ...]:
    (square, df), unjudged, m = told
    notes = []
    if (lost := int((~held.present).sum())) > 0:
        notes.append(Note("missed-runs", "warning", f"{lost} run(s) without a result are left out"))
    if not fit.orthogonal:
        text = "effects are correlated or of different variance: each is adjusted for the others by least squares"
        notes.append(Note("not-orthogonal", "warning", text))
    if not every.regular:
        text = "no regular fraction: effects are partly aliased with interactions; see alias_structure"
        notes.append(Note("partly-aliased", "warning", text))
    if held.design.split_plot:
        text = "hard-to-change factors have another error than the others: judge the effects with doe.fit"
        notes.append(Note("split-plot", "serious", text))
    elif df and square == 0.0:
        text = "repeats agree exactly, so every effect stands out: were they copied, or measured too coarsely?"
        notes.append(Note("zero-error", "serious", text))
    elif df and df < 3:
        notes.append(Note("few-df", "warning", f"{df} degree(s) of freedom of pure error: repeat more runs"))
    elif not df and (spare := int((held.present & ~held.center).sum()) - m - held.design.blocks) > 0:
        text = f"{spare} degrees of freedom are in none of these effects: doe.fit takes them for the error"
        notes.append(Note("spare-df", "info", text))
    if not held.design.split_plot and not df and unjudged:
        why = f"{m} contrasts are too few" if fit.orthogonal else "Lenth's method wants an orthogonal design"
        notes.append(Note("no-verdict", "warning", f"no repeated runs, and {why}: repeat runs, or use doe.fit"))
    return tuple(notes)
