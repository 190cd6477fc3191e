"""What an evaluation of a design holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.notes import Note
from qstats._core.result import Result

__all__ = ["DesignEvaluation"]


@dataclass(frozen=True, slots=True, eq=False)
class DesignEvaluation(Result):
    """What a design can tell about a model, before it is run.

    Parameters
    ----------
    kind : str
        Of the design.
    runs, coefficients, rank : int
        Runs, coefficients of the model, rank of model and blocks together.
    labels : tuple of str, length p
        Columns of the model.
    estimable : ndarray of bool, shape (p,)
    relative_se : ndarray, shape (p,)
        Standard error of each coefficient for sigma = 1; infinite where it cannot be estimated.
    vif : ndarray, shape (p,)
        Variance inflation factors.
    terms : tuple of str, length t
    power : ndarray, shape (t,)
        Chance to find each term at `alpha` if it changes the response by `effect` sigma over the range; NaN where there
        is no test.
    df_term : ndarray, shape (t,)
        Error degrees of freedom of each test.
    effect, sigma, alpha : float
    alias : ndarray, shape (p, m)
        Shift of each coefficient by one unit of each omitted term.
    omitted : tuple of str, length m
        Two-factor interactions and squares the model leaves out.
    correlation : ndarray, shape (c, c)
        Correlations of all columns but the constant, model and omitted.
    correlation_labels : tuple of str, length c
    d_efficiency, a_efficiency, g_efficiency : float
        In percent of an orthogonal design of as many runs.
    average_variance, largest_variance : float
        Of a predicted mean over the region, in units of sigma squared.
    condition : float
        Condition number of the model matrix.
    fds_fraction, fds_variance : ndarray, shape (101,)
        Fraction of the design space, and the prediction variance it does not pass.
    leverage : ndarray, shape (n,)
    df_error, df_pure, df_lack : int
        Residual degrees of freedom; of them pure error; the rest tells lack of fit.
    balanced, orthogonal : bool
        Every setting equally often; no two terms of the model correlated.
    variance_ratio : float
        Between over within whole plots; 0 without.
    hours, cost : float
    term_of_column : ndarray of int, shape (p,)
        Place in `terms` of each column.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.design_evaluation/1"
    title: ClassVar[str] = "Evaluation of a design"

    kind: str
    runs: int
    coefficients: int
    rank: int
    labels: tuple[str, ...]
    estimable: BoolArray
    relative_se: FloatArray
    vif: FloatArray
    terms: tuple[str, ...]
    power: FloatArray
    df_term: FloatArray
    effect: float
    sigma: float
    alpha: float
    alias: FloatArray
    omitted: tuple[str, ...]
    correlation: FloatArray
    correlation_labels: tuple[str, ...]
    d_efficiency: float
    a_efficiency: float
    g_efficiency: float
    average_variance: float
    largest_variance: float
    condition: float
    fds_fraction: FloatArray
    fds_variance: FloatArray
    leverage: FloatArray
    df_error: int
    df_pure: int
    df_lack: int
    balanced: bool
    orthogonal: bool
    variance_ratio: float
    hours: float
    cost: float
    term_of_column: npt.NDArray[np.int64]
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def not_estimable(self) -> tuple[str, ...]:
        """Columns of the model that cannot be estimated."""
        return tuple(label for label, good in zip(self.labels, self.estimable, strict=True) if not good)

    @property
    def largest_vif(self) -> float:
        """Largest variance inflation factor, the constant left out."""
        return float(self.vif[[label != "1" for label in self.labels]].max(initial=1.0))

    def power_of(self, term: str) -> float:
        """Return the power of one term."""
        return float(self.power[self.terms.index(term)])

    def _rows(self) -> list[tuple[str, str]]:
        tested = self.power[np.isfinite(self.power)]
        rows = [
            ("design", f"{self.kind}, {self.runs} runs"),
            ("coefficients", f"{self.coefficients}, rank with blocks {self.rank}"),
            ("D, A, G efficiency", f"{self.d_efficiency:.2f}, {self.a_efficiency:.2f}, {self.g_efficiency:.2f} %"),
            (
                "prediction variance",
                f"average {self.average_variance:.4g}, largest {self.largest_variance:.4g} sigma^2",
            ),
            ("df of the error", f"{self.df_error}: pure {self.df_pure}, lack of fit {self.df_lack}"),
            ("largest VIF", f"{self.largest_vif:.4g}"),
            ("balanced, orthogonal", f"{_yes(self.balanced)}, {_yes(self.orthogonal)}"),
        ]
        if tested.size:
            rows.append((f"power for {self.effect:g} sigma", f"{tested.min():.3f} to {tested.max():.3f}"))
        if self.not_estimable:
            rows.append(("not estimable", ", ".join(self.not_estimable)))
        if self.hours:
            rows.append(("clock hours", f"{self.hours:.4g}"))
        if self.cost:
            rows.append(("cost", f"{self.cost:.6g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        """One row for each column of the model."""
        return {
            "column": list(self.labels),
            "term": [self.terms[i] for i in self.term_of_column],
            "estimable": self.estimable,
            "relative_se": self.relative_se,
            "standard_error": self.relative_se * self.sigma,
            "vif": self.vif,
            "power": self.power[self.term_of_column],
            "df": self.df_term[self.term_of_column],
        }


def _yes(value: bool) -> str:
    return "yes" if value else "no"
