"""Split-plots: factors that are hard to change vary between whole plots, the others within them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.kernels.runs import as_columns, as_response, constant_weights
from qstats.doe.fitting.split_plots.plots import Contrasts, Plots, error_contrasts, plots_of
from qstats.doe.fitting.split_plots.reml import Variances, variances
from qstats.doe.fitting.split_plots.small_sample import SmallSample, small_sample
from qstats.errors import DataError, TooFewData

__all__ = ["DF_METHODS", "SplitPlotFitted", "fit_split_plot"]

DF_METHODS = ("kenward-roger", "satterthwaite")
_LOG_TWO_PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class SplitPlotFitted(Fitted):
    """A split-plot's coefficients; each contrast has its own degrees of freedom.

    Parameters
    ----------
    plot_effects : ndarray, shape (g,)
        Best predictions of the whole plots' own shifts, in the order of `plots`; they add nothing to `mean`.
    plots : ndarray of int, shape (g,)
        Numbers of the whole plots as they came.
    df_method : {"kenward-roger", "satterthwaite"}
    tests : SmallSample
        What the degrees of freedom follow from; for a residual variance of one.
    """

    plot_effects: FloatArray = field(default_factory=lambda: np.empty(0))
    plots: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    df_method: str = "kenward-roger"
    tests: SmallSample | None = None

    def contrast_df(self, contrasts: FloatArray) -> FloatArray:
        """Return the degrees of freedom of each of these combinations of coefficients, shape (m, p)."""
        return self._tests().single(np.asarray(contrasts, dtype=np.float64))

    def run_df(self, contrasts: FloatArray) -> FloatArray:
        """Return the degrees of freedom of ``standard error squared + sigma squared``: of one run in a new whole plot.

        Parameters
        ----------
        contrasts : ndarray, shape (m, p)

        Returns
        -------
        ndarray, shape (m,)
        """
        return self._tests().run(np.asarray(contrasts, dtype=np.float64), self.extra["ratio"])

    def wald(self, contrasts: FloatArray) -> tuple[float, float, float]:
        """Return F (scaled, for Kenward-Roger), its numerator and its denominator degrees of freedom."""
        rows = _independent(np.asarray(contrasts, dtype=np.float64))
        if not rows.shape[0]:
            return 0.0, 0.0, self.df
        q = rows.shape[0]
        value = rows @ self.coefficients
        middle = rows @ self.covariance @ rows.T
        if not value.any():
            f = 0.0
        elif not middle.any():
            f = float("inf")
        else:
            f = float(value @ np.linalg.solve(middle, value)) / q
        if self.df_method == "satterthwaite":
            return f, float(q), self._tests().satterthwaite(rows)
        factor, df = self._tests().kenward_roger(rows)
        return factor * f, float(q), df

    def _tests(self) -> SmallSample:
        if self.tests is None:
            raise DataError("tests: this fit was made without what its degrees of freedom follow from")
        return self.tests


def _independent(rows: FloatArray) -> FloatArray:
    """Return the contrasts as they are if independent, else a basis of what they span."""
    scale = np.linalg.norm(rows, axis=1)
    rows, scale = rows[scale > 0.0], scale[scale > 0.0]
    if not rows.shape[0]:
        return rows
    _, s, vt = np.linalg.svd(rows / scale[:, None], full_matrices=False)
    rank = int((s > 1e-9 * s[0]).sum())
    return rows if rank == rows.shape[0] else vt[:rank]


def fit_split_plot(x: Any, y: Any, plot: Any, *, df_method: str = "kenward-roger") -> SplitPlotFitted:
    """Fit a split-plot by REML: runs of one whole plot share what happened to it.

    Use it where a factor was not set anew for every run (oven loads, batches, days). Effects of such factors are then
    judged by the scatter between whole plots, the others by that within, and all of them when runs are missing. Not
    where every run was set up anew: that is least squares.

    Parameters
    ----------
    x : array-like, shape (n, p)
        Model matrix, with its constant and block columns (blocks stay fixed).
    y : array-like, shape (n,)
    plot : array-like of int, shape (n,)
        Whole plot of each run, any numbers.
    df_method : {"kenward-roger", "satterthwaite"}
        Kenward and Roger's adjusted covariance, F and degrees of freedom; or the plain covariance with Satterthwaite's.
        In balanced designs both are the classical analysis of variance.

    Returns
    -------
    SplitPlotFitted
        ``sigma`` is the root of both variances together (one run in a new whole plot) and ``df`` its degrees of
        freedom by Satterthwaite. ``extra`` holds the variances ``whole_plot`` and ``residual``, their ``ratio`` and
        the restricted log likelihood ``reml``; ``log_likelihood`` is the plain one at the estimates, which is what may
        be compared between models.

    Raises
    ------
    DataError
        No number per run, or every run in a whole plot of its own.
    TooFewData
        No degree of freedom for the scatter between, or within, whole plots.
    DesignError
        Terms that cannot be told apart.

    Notes
    -----
    y = X b + whole-plot shift + error. The restricted likelihood is profiled over the residual variance and searched
    in the one variance ratio, on the independent error contrasts of an eigen decomposition (g x g, for g whole
    plots). A ratio of zero is a solution like any other and said so in a note. W, the covariance of the variances, is
    the inverse of their expected restricted information.

    References
    ----------
    .. [1] Kenward, M. G. and Roger, J. H. (1997). Small sample inference for fixed effects from restricted maximum
           likelihood. Biometrics 53, 983-997.
    .. [2] Patterson, H. D. and Thompson, R. (1971). Recovery of inter-block information when block sizes are unequal.
           Biometrika 58, 545-554.
    .. [3] Fai, A. H.-T. and Cornelius, P. L. (1996). Approximate F-tests of multiple degree of freedom hypotheses in
           generalized least squares analyses of unbalanced split-plot experiments. J. Stat. Comput. Simul. 54, 363-378.

    Examples
    --------
    Temperature is set once per oven load, the recipe changes within it:

    >>> import numpy as np
    >>> from qstats.doe.fitting.split_plots.mixed import fit_split_plot
    >>> load = np.repeat([1, 2, 3, 4, 5, 6], 2)
    >>> hot, recipe = np.repeat([-1.0, 1, -1, 1, -1, 1], 2), np.tile([-1.0, 1], 6)
    >>> y = [50, 54, 61, 68, 47, 52, 66, 70, 53, 55, 60, 65]
    >>> fit = fit_split_plot(np.column_stack([np.ones(12), hot, recipe]), y, load)
    >>> fit.coefficients.round(3)
    array([58.417,  6.583,  2.25 ])
    >>> fit.contrast_df(np.eye(3)).round(3)
    array([4., 4., 5.])
    """
    if df_method not in DF_METHODS:
        raise DataError(f"df_method: got {df_method!r}; {' or '.join(map(repr, DF_METHODS))} is wanted")
    columns, basis = as_columns(x)
    response = as_response(y, columns.shape[0])
    names, index = _as_plots(plot, columns.shape[0])
    ones = constant_weights(columns)
    level = float(response.mean()) if ones is not None else 0.0
    centred = response - level
    unit = float(np.abs(centred).max()) or 1.0
    scaled = centred / unit
    plots = plots_of(columns, index)
    contrasts = _without_rounding(error_contrasts(basis.q, scaled, plots))
    _check_contrasts(contrasts, plots.count.size)
    found = variances(contrasts)
    tests = small_sample(plots, found.ratio)
    coefficients = _generalized(plots, tests, scaled, found.ratio)
    shift = np.zeros(columns.shape[1]) if ones is None else level * ones
    return _assemble(
        columns, plots, names, scaled, coefficients, shift, unit, level, found, contrasts, tests, df_method
    )


def _as_plots(plot: Any, n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.intp]]:
    a = np.asarray(plot)
    if a.shape != (n,) or a.dtype.kind not in "iuf" or not bool((a == np.floor(a)).all()):
        raise DataError(f"plot: a whole number for each of the {n} runs is wanted, the number of its whole plot")
    names, index = np.unique(a.astype(np.int64), return_inverse=True)
    if names.size == n:
        raise DataError("plot: every run is a whole plot of its own; nothing is split: fit by least squares instead")
    return names, index.reshape(-1)


def _without_rounding(contrasts: Contrasts) -> Contrasts:
    """Zero where only rounding is left of a response brought to a largest value of one."""
    tiny = (64.0 * np.finfo(float).eps) ** 2 * contrasts.total
    square = np.where(contrasts.square <= tiny, 0.0, contrasts.square)
    return Contrasts(contrasts.eigen, square, contrasts.df, 0.0 if contrasts.rss <= tiny else contrasts.rss)


def _check_contrasts(contrasts: Contrasts, plots: int) -> None:
    if not contrasts.eigen.size:
        raise TooFewData(
            f"plot: {plots} whole plots leave no degree of freedom for the scatter between them; run more whole plots, "
            "or drop terms of the hard-to-change factors (or blocks)"
        )
    if not contrasts.df:
        raise TooFewData(
            "plot: no degree of freedom is left for the scatter within whole plots; drop terms of the easy-to-change "
            "factors, or run more in each whole plot"
        )


def _generalized(plots: Plots, tests: SmallSample, y: FloatArray, ratio: float) -> FloatArray:
    """Generalized least squares, and once more on what is left: for the last digits."""
    b = np.zeros(plots.mean.shape[1])
    along = plots.count / (1.0 + ratio * plots.count)
    left = y
    whole = plots.mean[plots.index] + plots.inner
    for _ in range(2):
        average = plots.average(left)
        score = plots.inner.T @ (left - average[plots.index]) + plots.mean.T @ (along * average)
        b = b + tests.plain @ score
        left = y - whole @ b
    return np.asarray(b, dtype=np.float64)


def _assemble(
    x: FloatArray, plots: Plots, names: npt.NDArray[np.int64], y: FloatArray, b: FloatArray, shift: FloatArray,
    unit: float, level: float, found: Variances, contrasts: Contrasts, tests: SmallSample, df_method: str,
) -> SplitPlotFitted:  # fmt: skip
    n, p = x.shape
    fitted = x @ b
    residuals = y - fitted
    share = found.ratio * plots.count / (1.0 + found.ratio * plots.count)
    variance = found.residual * unit**2
    covariance = tests.plain if df_method == "satterthwaite" else tests.adjusted
    two = np.array([found.ratio, 1.0])
    extra = {
        "whole_plot": found.ratio * variance, "residual": variance, "ratio": found.ratio,
        "reml": _restricted(contrasts, found, tests, x) - (n - p) * float(np.log(unit)),
    }  # fmt: skip
    weighted = (x - (share[:, None] * plots.mean)[plots.index]) @ tests.plain
    name = "Kenward-Roger" if df_method == "kenward-roger" else "Satterthwaite"
    return SplitPlotFitted(
        unit * b + shift, variance * covariance, level + unit * fitted, unit * residuals,
        np.clip(np.einsum("ij,ij->i", weighted, x), 0.0, 1.0),
        float(np.sqrt(variance * (1.0 + found.ratio))),
        2.0 * float(two.sum()) ** 2 / float(tests.scatter.sum()),
        _plain_likelihood(residuals, plots, found) - n * float(np.log(unit)), p + 2, extra,
        f"REML split-plot, {name} degrees of freedom", "Kenward & Roger (1997), Biometrics 53, 983-997",
        _bound_notes(found), unit * share * plots.average(residuals), names, df_method, tests,
    )  # fmt: skip


def _plain_likelihood(residuals: FloatArray, plots: Plots, found: Variances) -> float:
    if found.residual == 0.0:
        return float("inf")
    average = plots.average(residuals)
    a = 1.0 / (1.0 + found.ratio * plots.count)
    within = residuals - average[plots.index]
    square = float(within @ within) + float((a * plots.count * average**2).sum())
    n = residuals.size
    size = n * (_LOG_TWO_PI + float(np.log(found.residual))) - float(np.log(a).sum())
    return -0.5 * (size + square / found.residual)


def _restricted(contrasts: Contrasts, found: Variances, tests: SmallSample, x: FloatArray) -> float:
    """Restricted log likelihood with its constants: of the error contrasts, and |X'V^-1X| as it is usually kept."""
    if found.residual == 0.0:
        return float("inf")
    n, p = x.shape
    deviance = float(contrasts.deviance(np.array([found.ratio]))[0])
    lost = float(np.linalg.slogdet(x.T @ x)[1])
    return -0.5 * float(deviance + (n - p) * (1.0 + _LOG_TWO_PI) + lost)


def _bound_notes(found: Variances) -> tuple[Note, ...]:
    if found.bound == "zero" and found.residual == 0.0:
        text = "the model meets every response exactly; no scatter is left: drop terms, or record more digits"
        return (Note("no-scatter", "serious", text),)
    if found.bound == "zero":
        text = (
            "whole plots scatter no more than runs within them would make them: their variance is estimated as zero, "
            "and both kinds of scatter are pooled; the degrees of freedom still respect the whole plots"
        )
        return (Note("whole-plot-variance-zero", "info", text),)
    if found.bound == "infinite":
        text = (
            "runs of one whole plot do not scatter at all; were responses copied from one measurement? Then use one "
            "run per whole plot"
        )
        return (Note("no-scatter-within", "serious", text),)
    return ()
