"""What a fitted model holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.doe.design import Design
from qstats.doe.fitting.anova import TYPES, AnovaRow, analysis_of_variance
from qstats.doe.fitting.diagnostics import Diagnostics
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.kernels.linear import LeastSquares
from qstats.doe.fitting.lack_of_fit import Curvature, LackOfFit
from qstats.doe.fitting.prediction import Prediction, predict
from qstats.doe.fitting.problem import Problem, basis_of, make_problem
from qstats.doe.fitting.transform import ResponseTransform, box_cox
from qstats.doe.terms import Model
from qstats.errors import DataError

__all__ = ["DesignFit"]


@dataclass(frozen=True, slots=True, eq=False)
class DesignFit(Result):
    """A model fitted to the results of an experiment.

    Parameters
    ----------
    design : Design
        As run.
    response : str
        Name of the response.
    y : ndarray, shape (N,)
        Response in standard order; NaN where a run has none.
    model : Model
    labels : tuple of str, length p
        Columns of the model, those of blocks last.
    fitted : Fitted
        Coefficients and covariance on the scale of the link, residuals, leverage; n runs with a response.
    distribution : str
    link : {"identity", "log", "logit"}
    size : ndarray, shape (N,), or None
        Exposure of counts or number of trials.
    censored : ndarray of bool, shape (N,), or None
        Runs stopped at `y`.
    estimate, standard_error, t, p : ndarray, shape (p,)
        Coefficients in coded units (half the change from low to high), tests of zero; t is normal where `df` is
        infinite.
    interval : Intervals
    df : ndarray, shape (p,)
    vif : ndarray, shape (p,)
        Variance inflation factors.
    anova : tuple of AnovaRow
        Tests of each term, blocks first; least squares: type II, with residual, lack of fit, pure error, total.
    lack_of_fit : LackOfFit or None
    curvature : Curvature or None
        Two-level designs with repeated centre points.
    r2, r2_adjusted, r2_predicted : float or None
        About the mean (about zero if the model has no constant and cannot have one); of the logarithm for a lognormal
        response. None where they do not exist.
    press : float or None
        Sum of squares of each run predicted from the others; infinite where a run cannot be.
    aicc : float or None
        Akaike's criterion for small samples; None where the runs are too few for it.
    sigma : float
        Standard deviation of a run, as in `Fitted`.
    diagnostics : Diagnostics
    confidence : float
    df_method : str
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.design_fit/1"
    title: ClassVar[str] = "Model of an experiment"

    design: Design
    response: str
    y: FloatArray
    model: Model
    labels: tuple[str, ...]
    fitted: Fitted
    distribution: str
    link: str
    size: FloatArray | None
    censored: BoolArray | None
    estimate: FloatArray
    standard_error: FloatArray
    t: FloatArray
    p: FloatArray
    interval: Intervals
    df: FloatArray
    vif: FloatArray
    anova: tuple[AnovaRow, ...]
    lack_of_fit: LackOfFit | None
    curvature: Curvature | None
    r2: float | None
    r2_adjusted: float | None
    r2_predicted: float | None
    press: float | None
    aicc: float | None
    sigma: float
    diagnostics: Diagnostics
    confidence: float
    df_method: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    # ---- using it ----

    @property
    def model_columns(self) -> int:
        """How many of the columns are the model's; those behind are blocks."""
        return int(basis_of(self.model, self.design.factors).p)

    def rows(self, coded: npt.ArrayLike) -> FloatArray:
        """Return model rows at coded settings, zero in the block columns.

        Parameters
        ----------
        coded : array-like, shape (m, k)

        Returns
        -------
        ndarray, shape (m, p)
            Times the coefficients: the linear predictor.
        """
        basis = basis_of(self.model, self.design.factors)
        c = np.asarray(coded, dtype=np.float64)
        return np.concatenate([basis.rows(c), np.zeros((c.shape[0], len(self.labels) - basis.p))], axis=1)

    def predict(self, settings: Any, *, confidence: float = 0.95, block: int | None = None) -> Prediction:
        """Predict the mean and one new run at settings, each with its interval.

        Parameters
        ----------
        settings : mapping or frame
            Factor to its value or values, in natural units. Factors the model does not hold may be left out.
        confidence : float
            Of each interval by itself.
        block : int, optional
            A block of the design; unsaid, the average of all blocks.

        Returns
        -------
        Prediction
            A note warns where settings lie outside the region of the design.

        Raises
        ------
        DataError
            A factor of the model without a value, an unknown factor, level or block, columns of unequal length.

        Notes
        -----
        On the scale of the link :math:`x'b \\pm t\\,\\sqrt{x'Vx}` for the mean and
        :math:`x'b \\pm t\\,\\sqrt{x'Vx + \\sigma^2}` for one new run, carried back by the inverse link.
        In a split-plot :math:`\\sigma^2` is of one run in a new whole plot, with the degrees of freedom of the mean.

        Examples
        --------
        >>> from qstats.doe import full_factorial
        >>> from qstats.doe.fitting.door import fit
        >>> design = full_factorial({"time": (10, 20), "heat": (150, 170)}, rng=1)
        >>> found = fit(design, [60, 72, 54, 68])
        >>> found.predict({"time": 15, "heat": 160}).mean.round(6).tolist()
        [63.5]
        """
        return predict(self, settings, confidence, block)

    def anova_type(self, kind: str) -> tuple[AnovaRow, ...]:
        """Return the analysis of variance with sums of squares of type "I", "II" or "III" (least squares only)."""
        check_choice(kind, "kind", TYPES)
        if not (self._least_squares and isinstance(self.fitted, LeastSquares)):
            raise DataError(f"kind: sums of squares are of least squares; this is a {self.distribution} fit: see anova")
        return analysis_of_variance(self._problem(), self.fitted, self.lack_of_fit, kind)

    def box_cox(self, *, confidence: float = 0.95) -> ResponseTransform | None:
        """Return the power of the response that suits this model best.

        None where a response is zero or below, nothing is left for the error, or the constant is not in the model.

        Parameters
        ----------
        confidence : float
            Of the interval of the power.

        Raises
        ------
        DataError
            The fit is not by least squares.
        """
        confidence = check_confidence(confidence)
        if not self._least_squares:
            raise DataError("box_cox: a power of the response is for least squares; fit a normal response first")
        problem = self._problem()
        ones = np.ones(problem.y.size)
        if float(np.abs(ones - problem.x @ np.linalg.lstsq(problem.x, ones, rcond=None)[0]).max()) > 1e-9:
            return None
        return box_cox(problem.x, problem.y, confidence)

    @property
    def _least_squares(self) -> bool:
        plain = self.censored is None and not self.design.split_plot
        return plain and self.distribution in ("normal", "lognormal")

    def _problem(self) -> Problem:
        return make_problem(self.design, self.model, self.response, np.asarray(self.y), distribution=self.distribution)

    # ---- views ----

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("response", f"{self.response}, {self.distribution}, {int((~np.isnan(self.y)).sum())} runs")]
        rows.append(("model", str(self.model)))
        rows += [(r.source, _tested(r)) for r in self.anova if r.p is not None]
        if not math.isinf(self.sigma):
            rows.append(("sigma", f"{self.sigma:.5g} ({self.fitted.df:g} df)"))
        named = (("R2", self.r2), ("adjusted", self.r2_adjusted), ("predicted", self.r2_predicted))
        if told := ", ".join(f"{name} {v:.4f}" for name, v in named if v is not None):
            rows.append(("determination", told))
        if self.curvature is not None:
            rows.append(("curvature", f"t {self.curvature.t:.4g}, p = {self.curvature.p:.3g}"))
        if self.aicc is not None:
            rows.append(("AICc", f"{self.aicc:.5g}"))
        for i, label in enumerate(self.labels[:40]):
            rows.append((f"  {label}", f"{self.estimate[i]:.5g} {self.interval.at(i)}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        """One row for each coefficient."""
        return {
            "column": list(self.labels), "estimate": self.estimate, "standard_error": self.standard_error,
            "t": self.t, "df": self.df, "p": self.p, "low": self.interval.low, "high": self.interval.high,
            "vif": self.vif,
        }  # fmt: skip

    def anova_frame(self) -> Any:
        """Return the analysis of variance as a pandas DataFrame."""
        import pandas as pd

        names = ("source", "df", "ss", "ms", "f", "p")
        return pd.DataFrame({name: [getattr(row, name) for row in self.anova] for name in names})


def _tested(row: AnovaRow) -> str:
    name = "F" if row.test == "F" else "chi-square"
    return f"{name} {row.f:.4g} ({row.df:g} df), p = {row.p:.3g}"
