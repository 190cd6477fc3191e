"""Judge a design before it is run: `evaluate`."""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.doe.design import Design
from qstats.doe.evaluation.matrices import Matrices, as_design, matrices, omitted_columns
from qstats.doe.evaluation.metrics import (
    alias_matrix,
    balanced,
    correlations,
    degrees,
    inflation,
    largest_variance,
    leverages,
    variance,
)
from qstats.doe.evaluation.power import term_power
from qstats.doe.evaluation.result import DesignEvaluation
from qstats.doe.exchange.constraints import rules_of
from qstats.doe.exchange.criteria import a_value, d_efficiency, i_value
from qstats.doe.exchange.moments import moments
from qstats.doe.exchange.region import Region

__all__ = ["evaluate"]

_POINTS = 10_000
_SEED = 20_221
_REFERENCE = (
    "Atkinson, Donev and Tobias 2007, Optimum Experimental Designs, chapters 6, 10, 11; Zahran, Anderson-Cook and "
    "Myers 2003, J. Quality Technology 35, 377 (FDS); Goos and Jones 2011, Optimal Design of Experiments, 2.3, 10.2"
)


def evaluate(
    design: Design,
    *,
    model: Any = None,
    sigma: float = 1.0,
    effect: float = 2.0,
    alpha: float = 0.05,
    variance_ratio: float = 1.0,
    constraints: Any = (),
    disallowed: Any = (),
    run_cost: float = 0.0,
    hour_cost: float = 0.0,
) -> DesignEvaluation:
    r"""Judge a design: what it can estimate, how well, what would be mistaken for what, and what it would find.

    Call it on every design before anything is run, and again on the runs that were really made.

    Parameters
    ----------
    design : Design
    model : str, list or Model, optional
        ``"linear"``, ``"interactions"``, ``"quadratic"`` or terms; unsaid, what the design was made for, else linear.
    sigma : float
        Standard deviation of a run; scales standard errors in the frame only.
    effect : float
        Change of the response over the range of a factor that matters, in units of sigma: coefficients are half of it.
        Of a category, the difference between two levels, the others midway, at the pair that is hardest to find.
    alpha : float
        Chance of a false alarm for each term.
    variance_ratio : float
        For split-plots: variance between whole plots over variance within; sigma is then that within.
    constraints, disallowed
        As in `optimal`: the region over which prediction variances are taken.
    run_cost, hour_cost : float
        Cost of a run and of a clock hour.

    Returns
    -------
    DesignEvaluation

    Raises
    ------
    DataError
        No design.
    FormulaError
        A model or constraint that the grammar does not hold.

    Notes
    -----
    With :math:`C = (X'V^{-1}X)^{-1}`: relative standard errors :math:`\sqrt{C_{jj}}`, alias matrix
    :math:`C X'V^{-1} X_2`, D-efficiency :math:`100 |C|^{-1/p}/n`, A-efficiency :math:`100\,p/(n\,\mathrm{tr}\,C)`,
    G-efficiency :math:`100\,p/(n \max f'Cf)`, average variance :math:`\mathrm{tr}(WC)` with exact moments W where
    factors are free of each other. Power is exact: noncentral F with
    :math:`\lambda = \beta'(C_{\beta\beta})^{-1}\beta`. Block effects are eliminated. In a split-plot, terms of factors
    hard to change are judged with the degrees of freedom between whole plots, at a known variance ratio.

    References
    ----------
    Atkinson, Donev and Tobias (2007), Optimum Experimental Designs, with SAS, chapters 6, 10 and 11. Zahran,
    Anderson-Cook and Myers (2003), Journal of Quality Technology 35(4), 377-386.

    Examples
    --------
    >>> from qstats.doe import optimal
    >>> from qstats.doe import evaluate
    >>> e = evaluate(optimal(3, runs=8, model="linear", starts=16, rng=1))
    >>> round(e.d_efficiency, 6), e.orthogonal, e.df_error
    (100.0, True, 4)
    """
    as_design(design)
    sigma = check_number(sigma, "sigma", above=0.0)
    effect = check_number(effect, "effect", above=0.0)
    alpha = check_number(alpha, "alpha", above=0.0, below=1.0)
    ratio = check_number(variance_ratio, "variance_ratio", above=0.0)
    costs = check_number(run_cost, "run_cost", least=0.0), check_number(hour_cost, "hour_cost", least=0.0)
    region = Region(design.factors, rules_of(constraints, disallowed, design.factors))
    held = matrices(design, model, ratio)
    return _evaluation(held, region, (sigma, effect, alpha), costs)


def _evaluation(
    held: Matrices, region: Region, settings: tuple[float, float, float], costs: tuple[float, float]
) -> DesignEvaluation:
    design, basis, n = held.design, held.basis, len(held.design)
    sigma, effect, alpha = settings
    spread = _prediction(held, region)
    power, df = term_power(held, effect, alpha)
    x2, omitted = omitted_columns(held)
    wanted = np.array([label != "1" for label in basis.labels])
    every = correlations(np.concatenate([held.x[:, wanted], x2], axis=1))
    inside = every[: int(wanted.sum()), : int(wanted.sum())]
    apart = basis.term[wanted][:, None] != basis.term[wanted][None, :]
    df_error, df_pure = degrees(held)
    hours = design.hours
    finite = not held.singular
    return DesignEvaluation(
        kind=design.kind, runs=n, coefficients=basis.p, rank=held.rank, labels=basis.labels,
        estimable=frozen_array(held.estimable, np.bool_), relative_se=frozen_array(np.sqrt(np.diag(held.covariance))),
        vif=frozen_array(inflation(held)), terms=basis.model.labels, power=frozen_array(power),
        df_term=frozen_array(df), effect=effect, sigma=sigma, alpha=alpha, alias=frozen_array(alias_matrix(held, x2)),
        omitted=omitted, correlation=frozen_array(every),
        correlation_labels=tuple(v for v in basis.labels if v != "1") + omitted,
        d_efficiency=d_efficiency(held.covariance, n) if finite else 0.0,
        a_efficiency=100.0 * basis.p / (n * a_value(held.covariance)) if finite else 0.0,
        g_efficiency=100.0 * basis.p / (n * spread[1]) if finite else 0.0,
        average_variance=spread[0], largest_variance=spread[1],
        condition=float(np.linalg.cond(held.x)) if finite else float("inf"),
        fds_fraction=frozen_array(np.linspace(0.0, 1.0, 101)), fds_variance=frozen_array(spread[2]),
        leverage=frozen_array(leverages(held)), df_error=df_error, df_pure=df_pure, df_lack=df_error - df_pure,
        balanced=balanced(held), orthogonal=bool((np.abs(inside[apart]) < 1e-9).all()) and finite,
        variance_ratio=held.plan.ratio, hours=hours, cost=costs[0] * n + costs[1] * hours,
        term_of_column=frozen_array(basis.term, np.int64),
        method=f"{spread[3]}; exact power by the noncentral F", reference=_REFERENCE, notes=_notes(held, df),
    )  # fmt: skip


def _prediction(held: Matrices, region: Region) -> tuple[float, float, FloatArray, str]:
    """Average and largest variance of prediction, its quantiles over the region, and how they were taken."""
    weights, how = moments(held.basis, region)
    if held.singular:
        return float("inf"), float("inf"), np.full(101, np.inf), how
    points = region.sample(_POINTS, np.random.default_rng(_SEED))
    value = variance(held, points)
    largest = largest_variance(held, region, points)
    fds = np.quantile(value, np.linspace(0.0, 1.0, 101))
    fds[-1] = largest  # all of the space, its corners included, which no sample holds
    return i_value(held.covariance, weights), largest, fds, f"average variance by {how}"


def _notes(held: Matrices, df: FloatArray) -> tuple[Note, ...]:
    notes = []
    lost = [label for label, good in zip(held.basis.labels, held.estimable, strict=True) if not good]
    if lost:
        message = f"{', '.join(lost[:8])}: not estimable from these runs; add runs or leave terms out"
        notes.append(Note("not-estimable", "serious", message))
    if float(df.min(initial=1.0)) < 1.0:
        message = "nothing is left to judge the error by for some terms: no test, no power; add or repeat runs"
        notes.append(Note("no-error-df", "warning", message))
    return tuple(notes)
