"""Lenth's method and its relatives: `lenth`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats._core.result import frozen_array
from qstats.doe.contrasts.null import FLOOR, null_distribution
from qstats.doe.contrasts.pse import PSE, pseudo_error
from qstats.doe.contrasts.result import Effects, Lenth
from qstats.errors import DataError, DesignError, TooFewData

__all__ = ["FEWEST", "METHODS", "Judge", "lenth"]

FEWEST = 3
METHODS = ("exact", "t")
_MOST = 4095
_SOURCES = {
    "lenth": "Lenth 1989, Technometrics 31, 469-473",
    "dong": "Dong 1993, Statistica Sinica 3, 209-217",
    "daniel": "Daniel 1959, Technometrics 1, 311-341",
    "juan-pena": "Juan and Pena 1992, Communications in Statistics: Theory and Methods 21, 1383-1403",
    "zahn": "Zahn 1975, Technometrics 17, 189-200",
}


@dataclass(frozen=True, slots=True)
class Judge:
    """How large a ratio ``|contrast| / PSE`` is large, for any number of contrasts.

    Parameters
    ----------
    method : {"exact", "t"}
    pse : str
    """

    method: str
    pse: str

    def critical(self, m: int, alpha: float, *, simultaneous: bool = False) -> float:
        """Return the ratio that is passed with chance `alpha` when nothing is active."""
        if self.method == "exact":
            return null_distribution(m, self.pse).critical(alpha, simultaneous=simultaneous)
        # Sidak: m contrasts taken as independent; 1 - (1 - alpha)^(1/m) without cancellation
        one = -np.expm1(np.log1p(-alpha) / m) if simultaneous else alpha
        return float(-t_quantile(one / 2.0, m / 3.0))

    def tail(self, m: int, ratio: FloatArray, *, simultaneous: bool = False) -> FloatArray:
        """Return the chance to pass each ratio when nothing is active."""
        if self.method == "exact":
            return null_distribution(m, self.pse).tail(ratio, simultaneous=simultaneous)
        p = np.minimum(2.0 * t_sf(ratio, m / 3.0), 1.0)
        if not simultaneous:
            return np.asarray(p, dtype=np.float64)
        with np.errstate(divide="ignore"):
            return np.asarray(-np.expm1(m * np.log1p(-p)), dtype=np.float64)


def lenth(
    effects: Any,
    *,
    confidence: float = 0.95,
    method: str = "exact",
    pse: str = "lenth",
    step_down: bool = False,
    labels: Sequence[str] | None = None,
) -> Lenth:
    r"""Tell which contrasts of an unreplicated two-level experiment are more than noise.

    Use it when every run was made once: the many inert contrasts tell how large noise is. It wants uncorrelated
    contrasts of one variance (an orthogonal design), and that most of them are inert: with more than about a third of
    them active it finds too little. With replicated runs or several centre points use the t tests of `effects`.

    Parameters
    ----------
    effects : Effects or array-like of shape (m,)
        Contrasts in one unit, without the mean; at least 3.
    confidence : float
        Of the margins: 0.95 takes one inert contrast in twenty for active (individual), or any of them in one
        experiment in twenty (simultaneous).
    method : {"exact", "t"}
        ``"exact"``: critical values from the distribution of the ratio itself, simulated once and tabled. ``"t"``:
        Student's t with m/3 degrees of freedom, as Lenth 1989 and Minitab; for 7 contrasts its individual 5 % is 2 %.
    pse : {"lenth", "dong", "daniel", "juan-pena", "zahn"}
        Which pseudo standard error.
    step_down : bool
        Take out the largest contrast where it is significant, judge the others again without it, and so on: as a
        rule finds more where several are active, with the same simultaneous error.
    labels : sequence of str, optional
        Names of plain numbers; c1, c2, ... unsaid.

    Returns
    -------
    Lenth

    Raises
    ------
    DataError
        Numbers missing, or an option that does not go with another.
    TooFewData
        Fewer than 3 contrasts.
    DesignError
        The effects are correlated, of different variance, or of a split-plot.

    Notes
    -----
    :math:`s_0 = 1.5\,\mathrm{median}|c|`; Lenth's PSE is :math:`1.5\,\mathrm{median}\{|c| : |c| < 2.5 s_0\}`. Of the
    others, Daniel's is the order statistic of :math:`|c|` at 68.3 %, Dong's the root mean square of
    :math:`|c| \le 2.5 s_0`, Juan and Pena's the median of :math:`|c|` not beyond 3.5 medians, iterated, over .6578,
    Zahn's the slope of the smallest 68.3 % of :math:`|c|` on half-normal scores. p-values below 2e-5 are given as 2e-5.

    References
    ----------
    Lenth (1989), Technometrics 31(4), 469-473. Ye and Hamada (2000), Journal of Quality Technology 32(1), 57-66
    (critical values by simulation). Ye, Hamada and Wu (2001), Journal of Quality Technology 33(2), 140-152 (step-down).

    Examples
    --------
    >>> from qstats.doe.contrasts.margins import lenth
    >>> strength = [23, -5, 1.5, 1.5, 10, 0, 0.5]
    >>> held = lenth(strength, labels=["A", "B", "C", "AB", "AC", "BC", "ABC"])
    >>> held.pse, held.active_labels
    (2.25, ('A', 'AC'))
    """
    level = check_confidence(confidence)
    check_choice(method, "method", METHODS)
    check_choice(pse, "pse", PSE)
    if not isinstance(step_down, bool | np.bool_):
        raise DataError(f"step_down: got {step_down!r}; True or False is wanted")
    if step_down and method == "exact" and pse != "lenth":
        raise DataError("step_down: exact steps are tabled for pse='lenth'; pass that, or method='t'")
    if method == "exact" and 1.0 - level < FLOOR:
        raise DataError(
            f"confidence: got {level!r}; simulated critical values reach to {1 - FLOOR:g}, method='t' beyond"
        )
    values, names = _contrasts(effects, labels)
    return _judged(values, names, Judge(method, pse), level, bool(step_down))


def _contrasts(effects: Any, labels: Sequence[str] | None) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the numbers and their names, checked."""
    names: tuple[str, ...]
    if isinstance(effects, Effects):
        if not effects.orthogonal:
            raise DesignError(
                "effects: they are correlated or of different variance, so no one margin fits them; "
                "fit a model with doe.fit and test its terms"
            )
        if labels is not None:
            raise DataError("labels: the effects have their own; leave labels out")
        values, names = np.asarray(effects.effects), effects.labels
    else:
        values = as_vector(effects, "effects", missing="never")
        if isinstance(labels, str):
            raise DataError("labels: got one text; a sequence of texts is wanted")
        names = tuple(f"c{i + 1}" for i in range(values.size)) if labels is None else tuple(str(v) for v in labels)
        if len(names) != values.size:
            raise DataError(f"labels: {len(names)} came for {values.size} effects; one each is wanted")
    if values.size < FEWEST:
        raise TooFewData(f"effects: {values.size} came; at least {FEWEST} contrasts are wanted, 7 or more are useful")
    if values.size > _MOST:
        raise DataError(f"effects: {values.size} came; at most {_MOST} contrasts are taken")
    return values, names


def _judged(values: FloatArray, names: tuple[str, ...], judge: Judge, level: float, step_down: bool) -> Lenth:
    m, size = values.size, np.abs(values)
    rising = np.sort(size)[None, :]
    s0, pse = 1.5 * float(np.median(size)), float(pseudo_error(rising, judge.pse)[0])
    ratio = size / pse if pse > 0.0 else np.zeros(m)
    one, all_of = (judge.tail(m, ratio, simultaneous=s) for s in (False, True))
    steps = _step_down(size, judge) if step_down else None
    me, sme = (_margin(judge, m, 1.0 - level, pse, simultaneous=s) for s in (False, True))
    held = null_distribution(m, judge.pse) if judge.method == "exact" else None
    return Lenth(
        labels=names, effects=frozen_array(values.copy()), s0=s0, pse=pse, me=me, sme=sme, ratio=frozen_array(ratio),
        pvalue=frozen_array(one), pvalue_simultaneous=frozen_array(all_of),
        pvalue_step_down=None if steps is None else frozen_array(steps),
        interval=Intervals(frozen_array(values - me), frozen_array(values + me), level),
        interval_simultaneous=Intervals(frozen_array(values - sme), frozen_array(values + sme), level),
        active=frozen_array(size > me, np.bool_),
        active_simultaneous=frozen_array(size > sme if steps is None else steps < 1.0 - level, np.bool_),
        confidence=level, draws=0 if held is None else held.sets, seed=None if held is None else held.seed,
        method=_words(judge, step_down), reference=_SOURCES[judge.pse], notes=_notes(pse, one, judge),
    )  # fmt: skip


def _margin(judge: Judge, m: int, alpha: float, pse: float, *, simultaneous: bool) -> float:
    return judge.critical(m, alpha, simultaneous=simultaneous) * pse if pse > 0.0 else float("inf")


def _step_down(size: FloatArray, judge: Judge) -> FloatArray:
    """Return p-values of the largest of what is left, never smaller than those before."""
    order = np.argsort(-size, kind="stable")
    out, before = np.ones(size.size), 0.0
    for taken, i in enumerate(order[: size.size - FEWEST + 1].tolist()):
        left = np.sort(size[order[taken:]])
        pse = float(pseudo_error(left[None, :], judge.pse)[0])
        if pse > 0.0:
            before = max(before, float(judge.tail(left.size, left[-1:] / pse, simultaneous=True)[0]))
        else:
            before = 1.0
        out[i] = before
    return out


def _words(judge: Judge, step_down: bool) -> str:
    how = "simulated critical values" if judge.method == "exact" else "t with m/3 degrees of freedom"
    return f"pseudo standard error: {judge.pse}; {how}" + ("; step-down" if step_down else "")


def _notes(pse: float, p: FloatArray, judge: Judge) -> tuple[Note, ...]:
    notes = []
    if not pse > 0.0:
        text = "the pseudo standard error is 0: most contrasts are exactly 0, so nothing tells noise; measure finer"
        notes.append(Note("zero-pse", "serious", text))
    elif judge.method == "exact" and float(p.min()) <= FLOOR:
        notes.append(
            Note("p-floor", "info", f"p-values of {FLOOR:g} mean that or less: the simulation tells no smaller")
        )
    if float((p < 0.05).mean()) > 1.0 / 3.0:
        text = "more than a third of the contrasts stand out: the noise is then overstated, and more may be active"
        notes.append(Note("many-active", "warning", text))
    return tuple(notes)
