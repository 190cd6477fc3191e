"""Tests of each term where the fit is not least squares: likelihood ratios, or F by the fit's own covariance."""

from __future__ import annotations

import math

import numpy as np

from qstats._core.quantiles import chi2_sf
from qstats.doe.fitting.anova import AnovaRow
from qstats.doe.fitting.dispatch import fit_kernel, likelihood_of
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.problem import Group, Problem, groups_of
from qstats.inference.groups.kernels import f_sf

__all__ = ["term_tests"]


def term_tests(p: Problem, fitted: Fitted) -> tuple[AnovaRow, ...]:
    """Return a test of blocks and of every term.

    Where coefficients are judged by Student's t (split-plots, gamma, censored runs): F of "its coefficients are zero"
    beside all other terms, so that one coefficient has the same p here and there. Counts and proportions: twice the
    log-likelihood gained beside all terms that do not contain it.
    """
    x, constant, groups = groups_of(p)
    if p.plot is not None or math.isfinite(fitted.df):
        return tuple(_wald(p, fitted, g, constant) for g in groups if g.columns)
    held: dict[tuple[int, ...], float] = {tuple(range(x.shape[1])): likelihood_of(fitted)}

    def likelihood(columns: tuple[int, ...]) -> float:
        if columns not in held:
            held[columns] = likelihood_of(fit_kernel(p, x[:, list(columns)]))
        return held[columns]

    rows = []
    for g in groups:
        full = tuple(j for j in range(x.shape[1]) if j not in g.above)
        less = tuple(j for j in full if j not in g.columns)
        if not g.columns:
            continue
        k = len(g.columns)
        if not less:  # nothing stands beside it: no model is left to compare with
            rows.append(AnovaRow(g.source, k, None, None, None, None, None, "chi-square"))
            continue
        ratio = max(2.0 * (likelihood(full) - likelihood(less)), 0.0)
        rows.append(AnovaRow(g.source, k, None, None, ratio, float(chi2_sf(ratio, k)), float("inf"), "chi-square"))
    return tuple(rows)


def _wald(p: Problem, fitted: Fitted, g: Group, constant: list[int]) -> AnovaRow:
    contrasts = np.zeros((len(g.columns), p.x.shape[1]))
    contrasts[np.arange(len(g.columns)), list(g.columns)] = 1.0
    if g.source == "linear mixture":  # differences from the component that stands for the constant
        contrasts[:, constant] -= 1.0
    f, df, df_error = fitted.wald(contrasts)
    return AnovaRow(g.source, df, None, None, f, f_sf(f, df, df_error) if df_error > 0.0 else None, df_error)
