"""What the analysis of two-level contrasts holds: `Lenth`, `Effects`, `UnreplicatedPower`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import Result

__all__ = ["Effects", "Lenth", "UnreplicatedPower"]


@dataclass(frozen=True, slots=True, eq=False)
class Lenth(Result):
    """Which contrasts of an unreplicated experiment stand out from the noise of the others.

    Parameters
    ----------
    labels : tuple of str, length m
    effects : ndarray, shape (m,)
        Unit of the response.
    s0, pse : float
        First and final pseudo standard error, unit of the response.
    me, sme : float
        Margin an inert contrast passes with chance 1 - confidence, and the largest of m inert contrasts does; infinite
        where there is no pseudo standard error.
    ratio : ndarray, shape (m,)
        ``|effect| / pse``.
    pvalue, pvalue_simultaneous : ndarray, shape (m,)
        Of each contrast by itself, and with all m looked at.
    pvalue_step_down : ndarray, shape (m,), or None
        Simultaneous, after the larger contrasts were taken out one by one; where asked for.
    interval, interval_simultaneous : Intervals
        effect -/+ `me` and effect -/+ `sme`; zero is outside exactly where the p-value is below 1 - confidence.
    active, active_simultaneous : ndarray of bool, shape (m,)
        By `pvalue`; by `pvalue_step_down` where asked for, else by `pvalue_simultaneous`.
    confidence : float
    draws : int
        Sets of contrasts behind the reference distribution; 0 where it is a formula.
    seed : int or None
        What they were drawn with.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.lenth/1"
    title: ClassVar[str] = "Contrasts against their pseudo standard error"

    labels: tuple[str, ...]
    effects: FloatArray
    s0: float
    pse: float
    me: float
    sme: float
    ratio: FloatArray
    pvalue: FloatArray
    pvalue_simultaneous: FloatArray
    pvalue_step_down: FloatArray | None
    interval: Intervals
    interval_simultaneous: Intervals
    active: BoolArray
    active_simultaneous: BoolArray
    confidence: float
    draws: int
    seed: int | None
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def active_labels(self) -> tuple[str, ...]:
        """Contrasts beyond the individual margin, largest first."""
        return _largest_first(self.labels, self.effects, self.active)

    def _rows(self) -> list[tuple[str, str]]:
        sure = _largest_first(self.labels, self.effects, self.active_simultaneous)
        rows = [
            ("active", ", ".join(self.active_labels) or "none"),
            ("active, all looked at", ", ".join(sure) or "none"),
            ("contrasts", str(len(self.labels))),
            ("PSE", f"{self.pse:.6g}"),
            (f"ME, SME ({self.confidence:.4g})", f"{self.me:.6g}, {self.sme:.6g}"),
        ]
        if self.draws:
            rows.append(("reference", f"{self.draws} simulated sets, seed {self.seed}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        out: dict[str, object] = {
            "contrast": list(self.labels), "effect": self.effects, "ratio": self.ratio, "pvalue": self.pvalue,
            "pvalue_simultaneous": self.pvalue_simultaneous,
        }  # fmt: skip
        if self.pvalue_step_down is not None:
            out["pvalue_step_down"] = self.pvalue_step_down
        return {
            **out, "low": self.interval.low, "high": self.interval.high, "active": self.active,
            "active_simultaneous": self.active_simultaneous,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Effects(Result):
    """Effects of a two-level experiment: mean at the high setting minus mean at the low one.

    Parameters
    ----------
    response : str
    mean : float
        Of the factorial runs, every cell of a block design weighted as the fit does; unit of the response.
    labels : tuple of str, length m
        Lowest-order name of each contrast: ``"A"``, ``"A:B"``.
    aliases : tuple of str, length m
        The whole chain with signs, ``"A:B = C:D"``; of words up to the order asked for.
    order : ndarray of int, shape (m,)
        How many factors the label names.
    effects : ndarray, shape (m,)
    sum_of_squares : ndarray, shape (m,)
        What the effect explains with all others in the model.
    contribution : ndarray, shape (m,)
        `sum_of_squares` in percent of the factorial runs' total about their mean.
    standard_error, t, pvalue : ndarray, shape (m,), or None
        By pure error; None without replicated runs or centre points.
    interval : Intervals or None
        Of the effects, by t, or by the margin of error of an unreplicated experiment.
    error_sd : float or None
        Standard deviation of a run by pure error.
    df_error : int
    half_normal : ndarray, shape (m,)
        Half-normal quantile at (rank - 1/2)/m, the rank being that of ``|effect|``.
    significant : ndarray of bool, shape (m,)
        p below 1 - confidence by pure error, else active by `lenth`; all False where neither can be told.
    lenth : Lenth or None
        Verdict on an unreplicated experiment.
    confounded : tuple of str
        Contrasts that are differences between blocks: not among the effects.
    orthogonal : bool
        Whether the effects are uncorrelated and of one variance.
    runs : int
        Factorial runs used.
    centers : int
        Centre points with a result: they count for pure error only.
    confidence : float
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.effects/1"
    title: ClassVar[str] = "Effects"

    response: str
    mean: float
    labels: tuple[str, ...]
    aliases: tuple[str, ...]
    order: np.ndarray[tuple[int], np.dtype[np.int64]]
    effects: FloatArray
    sum_of_squares: FloatArray
    contribution: FloatArray
    standard_error: FloatArray | None
    t: FloatArray | None
    pvalue: FloatArray | None
    interval: Intervals | None
    error_sd: float | None
    df_error: int
    half_normal: FloatArray
    significant: BoolArray
    lenth: Lenth | None
    confounded: tuple[str, ...]
    orthogonal: bool
    runs: int
    centers: int
    confidence: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def effect(self, label: str) -> float:
        """Return one effect by its label."""
        return float(self.effects[self.labels.index(label)])

    @property
    def significant_labels(self) -> tuple[str, ...]:
        """Significant effects, largest first."""
        return _largest_first(self.labels, self.effects, self.significant)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("significant", ", ".join(self.significant_labels) or "none"), ("mean", f"{self.mean:.6g}")]
        order = np.argsort(-np.abs(self.effects), kind="stable")[:10].tolist()
        rows += [(self.labels[i], f"{self.effects[i]:.6g}  ({self.contribution[i]:.1f} %)") for i in order]
        if len(self.labels) > len(order):
            rows.append(("", f"... and {len(self.labels) - len(order)} smaller"))
        if self.error_sd is not None:
            rows.append(("pure error", f"sd {self.error_sd:.4g}, df {self.df_error}"))
        if self.lenth is not None:
            rows.append(("PSE, ME, SME", f"{self.lenth.pse:.5g}, {self.lenth.me:.5g}, {self.lenth.sme:.5g}"))
        if self.confounded:
            rows.append(("confounded with blocks", ", ".join(self.confounded)))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        out: dict[str, object] = {
            "effect": list(self.labels), "aliases": list(self.aliases), "estimate": self.effects,
            "sum_of_squares": self.sum_of_squares, "contribution": self.contribution,
        }  # fmt: skip
        pvalue = self.pvalue if self.lenth is None else self.lenth.pvalue
        if self.standard_error is not None:
            out |= {"standard_error": self.standard_error, "t": self.t}
        if pvalue is not None:
            out["pvalue"] = pvalue
        if self.interval is not None:
            out |= {"low": self.interval.low, "high": self.interval.high}
        return {**out, "half_normal": self.half_normal, "significant": self.significant}


@dataclass(frozen=True, slots=True, eq=False)
class UnreplicatedPower(Result):
    """What an unreplicated experiment would find.

    Parameters
    ----------
    m, active : int
        Contrasts, and how many of them are active.
    effect : float
        Size of each active contrast in standard deviations of a contrast.
    power : float
        Chance that an active contrast is found.
    power_any, power_all : float
        Chance to find at least one, and every one, of them.
    false_alarm : float
        Chance that an inert contrast is taken for active, with the others at work.
    standard_error : float
        Of `power`, from the simulation.
    alpha : float
    simultaneous : bool
    draws : int
    seed : int
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.unreplicated_power/1"
    title: ClassVar[str] = "Power of an unreplicated experiment"

    m: int
    active: int
    effect: float
    power: float
    power_any: float
    power_all: float
    false_alarm: float
    standard_error: float
    alpha: float
    simultaneous: bool
    draws: int
    seed: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("power", f"{self.power:.3f} +/- {2 * self.standard_error:.3f}"),
            ("at least one, all", f"{self.power_any:.3f}, {self.power_all:.3f}"),
            ("false alarm of an inert contrast", f"{self.false_alarm:.4f}"),
            ("contrasts", f"{self.m}, {self.active} active of {self.effect:g} standard deviations"),
            ("draws", f"{self.draws}, seed {self.seed}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        names = ("m", "active", "effect", "power", "power_any", "power_all", "false_alarm", "standard_error")
        return {name: [getattr(self, name)] for name in names}


def _largest_first(labels: tuple[str, ...], effects: FloatArray, which: BoolArray) -> tuple[str, ...]:
    order = np.argsort(-np.abs(effects), kind="stable")
    return tuple(labels[i] for i in order.tolist() if which[i])
