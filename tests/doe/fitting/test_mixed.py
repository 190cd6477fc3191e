"""Split-plots: classical analyses of variance, statsmodels' REML, and Kenward and Roger's formulas written out."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qstats.doe.fitting.kernels.linear import fit_linear
from qstats.doe.fitting.split_plots.mixed import fit_split_plot
from qstats.errors import DataError, DesignError, QStatsError, TooFewData

HELD = json.loads((Path(__file__).parents[2] / "reference" / "doe_kernels.json").read_text())
METHODS = ["kenward-roger", "satterthwaite"]


def effects(group: np.ndarray) -> np.ndarray:
    """Sum-to-zero columns."""
    k = int(group.max()) + 1
    return (group[:, None] == np.arange(k - 1)).astype(float) - (group[:, None] == k - 1)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ik->ijk", a, b).reshape(a.shape[0], -1)


BLOCK, VARIETY, NITROGEN = (
    np.repeat(np.arange(6), 12),
    np.tile(np.repeat(np.arange(3), 4), 6),
    np.tile(np.arange(4), 18),
)
OATS = np.array(HELD["oats"]["yield"], dtype=float)
V, N = effects(VARIETY), effects(NITROGEN)
OATS_X = np.column_stack([np.ones(72), V, N, cross(V, N), effects(BLOCK)])
OATS_PLOT = 3 * BLOCK + VARIETY
TERMS = {"variety": range(1, 3), "nitrogen": range(3, 6), "interaction": range(6, 12)}


def rows(columns: Any, p: int) -> np.ndarray:
    return np.eye(p)[list(columns)]


@pytest.mark.parametrize("method", METHODS)
def test_oats_is_the_classical_analysis(method: str) -> None:
    want = HELD["oats"]["anova"]
    fit = fit_split_plot(OATS_X, OATS, OATS_PLOT, df_method=method)
    for term, df in (("variety", 10.0), ("nitrogen", 45.0), ("interaction", 45.0)):
        f, q, df_error = fit.wald(rows(TERMS[term], 17))
        assert f == pytest.approx(want[term][2], rel=1e-4) and q == want[term][0]
        assert df_error == pytest.approx(df, rel=1e-9)
    whole, error = want["whole_plot_error"][1] / 10, want["error"][1] / 45
    assert fit.extra["residual"] == pytest.approx(error, rel=1e-9)
    assert fit.extra["whole_plot"] == pytest.approx((whole - error) / 4, rel=1e-4)  # expected mean squares
    np.testing.assert_allclose(fit.contrast_df(np.eye(17)), [10.0] * 3 + [45.0] * 9 + [10.0] * 5, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_furnace_run_is_tested_against_zone_within_run(method: str) -> None:
    y = np.array(HELD["furnace"]["thickness"], dtype=float)
    anova = HELD["furnace"]["anova"]
    run, zone = np.repeat(np.arange(21), 8), np.repeat(np.arange(84), 2)
    fit = fit_split_plot(np.column_stack([np.ones(168), effects(run)]), y, zone, df_method=method)
    f, q, df = fit.wald(rows(range(1, 21), 21))
    assert f == pytest.approx(anova["run"][3], abs=5e-6) and q == 20.0
    assert df == pytest.approx(63.0, rel=1e-9)
    assert fit.extra["residual"] == pytest.approx(anova["within"][2], abs=5e-4)
    assert fit.extra["whole_plot"] == pytest.approx((anova["zone"][2] - anova["within"][2]) / 2, abs=5e-4)


def balanced(rng: np.random.Generator, plots: int, size: int) -> tuple[np.ndarray, ...]:
    """Layout: whole-plot factor of 2 levels, subplot factor of `size` levels, both and their interaction."""
    whole, sub = np.repeat(np.arange(plots) % 2, size), np.tile(np.arange(size), plots)
    x = np.column_stack([np.ones(plots * size), effects(whole), effects(sub), cross(effects(whole), effects(sub))])
    plot = np.repeat(np.arange(plots), size)
    y = rng.normal(size=plots * size) + 2.0 * rng.normal(size=plots)[plot] + rng.normal(size=size)[sub]
    return x, y, plot, whole, sub


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(2, 5), st.sampled_from(METHODS))
@settings(max_examples=40)
def test_balanced_layouts_are_the_classical_analysis(seed: int, half: int, size: int, method: str) -> None:
    plots = 2 * half
    x, y, plot, whole, _ = balanced(np.random.default_rng(seed), plots, size)
    cells = y.reshape(plots, size)
    of_plot, group = cells.mean(axis=1), whole[::size]
    between = size * sum(((of_plot[group == g] - of_plot[group == g].mean()) ** 2).sum() for g in (0, 1)) / (plots - 2)
    inner = cells - of_plot[:, None]
    left = inner - np.stack([inner[group == g].mean(axis=0) for g in (0, 1)])[group]
    df_error = (plots - 2) * (size - 1)
    error = (left**2).sum() / df_error
    assume(between > 1.01 * error)
    fit = fit_split_plot(x, y, plot, df_method=method)
    assert fit.extra["residual"] == pytest.approx(error, rel=1e-6)
    assert fit.extra["whole_plot"] == pytest.approx((between - error) / size, rel=1e-6)
    f, _, df = fit.wald(rows([1], x.shape[1]))
    treat = size * half * sum((of_plot[group == g].mean() - y.mean()) ** 2 for g in (0, 1))
    assert f == pytest.approx(treat / between, rel=1e-6) and df == pytest.approx(plots - 2, rel=1e-6)
    f, q, df = fit.wald(rows(range(2, size + 1), x.shape[1]))
    sub = plots * (inner.mean(axis=0) ** 2).sum() / (size - 1)
    assert f == pytest.approx(sub / error, rel=1e-6) and q == size - 1
    assert df == pytest.approx(df_error, rel=1e-6)


@pytest.mark.parametrize("plots", [3, 4, 5, 6, 7])
def test_kenward_roger_keeps_exact_f_where_its_formulas_divide_zero_by_zero(plots: int) -> None:
    # three groups of whole plots, 1 to 4 error degrees of freedom between them for a test of two contrasts
    group = np.arange(plots + 1) % 3
    x = np.column_stack([np.ones(2 * (plots + 1)), effects(group.repeat(2)), np.tile([-1.0, 1.0], plots + 1)])
    plot = np.arange(plots + 1).repeat(2)
    rng = np.random.default_rng(plots)
    y = rng.normal(size=plot.size) + 10.0 * rng.normal(size=plots + 1)[plot]
    fit = fit_split_plot(x, y, plot)
    means = y.reshape(-1, 2).mean(axis=1)
    centre = np.array([means[group == g].mean() for g in range(3)])
    df = plots + 1 - 3
    error = ((means - centre[group]) ** 2).sum() / df
    f, q, df_error = fit.wald(rows([1, 2], 4))
    treat = sum((group == g).sum() * (centre[g] - means.mean()) ** 2 for g in range(3)) / 2
    assert (f, q, df_error) == pytest.approx((treat / error, 2.0, df), rel=1e-6)


# ------------------------------------------------------------------ unbalanced


def explicit(
    x: np.ndarray, y: np.ndarray, plot: np.ndarray, whole: float, error: float, c: np.ndarray
) -> tuple[Any, ...]:
    """Kenward and Roger (1997) as printed, with n x n matrices: F, df, adjusted covariance; also plain quantities."""
    z = (plot[:, None] == np.unique(plot)).astype(float)
    g = [z @ z.T, np.eye(y.size)]
    vi = np.linalg.inv(whole * g[0] + error * g[1])
    phi = np.linalg.inv(x.T @ vi @ x)
    two = range(2)
    p = [-x.T @ vi @ a @ vi @ x for a in g]
    q = [[x.T @ vi @ a @ vi @ b @ vi @ x for b in g] for a in g]
    info = np.array([[0.5 * (np.trace(vi @ g[i] @ vi @ g[j]) - 2 * np.trace(phi @ q[i][j])
                             + np.trace(phi @ p[i] @ phi @ p[j])) for j in two] for i in two])  # fmt: skip
    w = np.linalg.inv(info)
    middle = sum(w[i, j] * (q[i][j] - p[i] @ phi @ p[j]) for i in two for j in two)
    adjusted = phi + 2.0 * phi @ middle @ phi
    ell = c.shape[0]
    theta = c.T @ np.linalg.inv(c @ phi @ c.T) @ c
    a1 = sum(
        w[i, j] * np.trace(theta @ phi @ p[i] @ phi) * np.trace(theta @ phi @ p[j] @ phi) for i in two for j in two
    )
    a2 = sum(w[i, j] * np.trace(theta @ phi @ p[i] @ phi @ theta @ phi @ p[j] @ phi) for i in two for j in two)
    b = (a1 + 6 * a2) / (2 * ell)
    gg = ((ell + 1) * a1 - (ell + 4) * a2) / ((ell + 2) * a2)
    below = 3 * ell + 2 * (1 - gg)
    c1, c2, c3 = gg / below, (ell - gg) / below, (ell + 2 - gg) / below
    e = 1 / (1 - a2 / ell)
    v = 2 / ell * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
    m = 4 + (ell + 2) / (ell * v / (2 * e * e) - 1)
    beta = phi @ x.T @ vi @ y
    value = c @ beta
    f = m / (e * (m - 2)) / ell * value @ np.linalg.solve(c @ adjusted @ c.T, value)
    return f, m, adjusted, phi, w, beta, [phi @ a @ phi for a in p]


def thinned(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    keep = np.sort(np.random.default_rng(seed).choice(72, 58, replace=False))
    return OATS_X[keep], OATS[keep], OATS_PLOT[keep]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_reml_of_unbalanced_data_against_statsmodels(seed: int) -> None:
    x, y, plot = thinned(seed)
    fit = fit_split_plot(x, y, plot)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = sm.MixedLM(y, x, plot).fit(reml=True, method=["bfgs", "nm"], gtol=1e-12)
    assert fit.extra["residual"] == pytest.approx(other.scale, rel=1e-6)
    assert fit.extra["whole_plot"] == pytest.approx(float(other.cov_re[0, 0]), rel=1e-5)
    assert fit.extra["reml"] == pytest.approx(other.llf, rel=1e-9)
    np.testing.assert_allclose(fit.coefficients, other.fe_params, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(fit.plot_effects, [float(v.iloc[0]) for v in other.random_effects.values()], rtol=1e-4)
    v = fit.extra["whole_plot"] * (plot[:, None] == plot) + fit.extra["residual"] * np.eye(y.size)
    exact = scipy.stats.multivariate_normal(x @ fit.coefficients, v).logpdf(y)
    assert fit.log_likelihood == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_kenward_roger_and_satterthwaite_against_the_formulas(seed: int) -> None:
    x, y, plot = thinned(seed)
    fit = fit_split_plot(x, y, plot)
    other = fit_split_plot(x, y, plot, df_method="satterthwaite")
    variances = fit.extra["whole_plot"], fit.extra["residual"]
    for columns in ([1], [3], [1, 2], [3, 4, 5], list(range(6, 12)), [1, 3, 4]):
        c = rows(columns, 17)
        f, m, adjusted, phi, w, beta, slopes = explicit(x, y, plot, *variances, c)
        got = fit.wald(c)
        assert got == pytest.approx((f, len(columns), m), rel=1e-7)
        np.testing.assert_allclose(fit.covariance, adjusted, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(fit.coefficients, beta, rtol=1e-8, atol=1e-8)
        size, spread = c @ phi @ c.T, np.array([-(c @ s @ c.T) for s in slopes])
        d = np.diag(size)
        g = np.array([np.diag(s) for s in spread]).T
        np.testing.assert_allclose(fit.contrast_df(c), 2 * d**2 / np.einsum("ia,ab,ib->i", g, w, g), rtol=1e-7)
        # Fai and Cornelius: independent contrasts by the eigenvectors, their mean t^2 matched by its expectation
        values, vectors = np.linalg.eigh(size)
        g = np.einsum("ji,ajk,ki->ia", vectors, spread, vectors)
        nu = 2 * values**2 / np.einsum("ia,ab,ib->i", g, w, g)
        t2 = (vectors.T @ c @ beta) ** 2 / values
        total = (nu / (nu - 2)).sum()
        want = nu[0] if len(columns) == 1 else 2 * total / (total - len(columns))
        assert other.wald(c) == pytest.approx((t2.mean(), len(columns), want), rel=1e-7)
    whole, error = variances
    both = 2 * (whole + error) ** 2 / w.sum()
    assert fit.df == pytest.approx(both, rel=1e-7) and fit.sigma == pytest.approx(math.sqrt(whole + error))
    d, g = phi[0, 0] + whole + error, np.array([-s[0, 0] for s in slopes]) + 1.0
    assert fit.run_df(rows([0], 17))[0] == pytest.approx(2 * d**2 / (g @ w @ g), rel=1e-7)


def test_leverage_is_the_hat_matrix_of_generalized_least_squares() -> None:
    x, y, plot = thinned(1)
    fit = fit_split_plot(x, y, plot)
    v = fit.extra["ratio"] * (plot[:, None] == plot) + np.eye(y.size)
    hat = x @ np.linalg.inv(x.T @ np.linalg.solve(v, x)) @ x.T @ np.linalg.inv(v)
    np.testing.assert_allclose(fit.leverage, np.diag(hat), rtol=1e-8)
    np.testing.assert_allclose(fit.mean + fit.residuals, y)


@given(st.integers(0, 2**32 - 1), st.sampled_from(METHODS))
@settings(max_examples=60)
def test_tiny_layouts_have_positive_f_and_degrees_of_freedom(seed: int, method: str) -> None:
    """Kenward and Roger's moments do not exist where next to nothing is known of the variances."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(8, 17)), int(rng.integers(2, 7))
    x = np.column_stack([np.ones(n), rng.choice([-1.0, 1.0], (n, p - 1))])
    plot = rng.integers(0, 5, n)
    y = rng.normal(size=n) + rng.choice([0.0, 3.0]) * rng.normal(size=5)[plot]
    try:
        fit = fit_split_plot(x, y, plot, df_method=method)
    except QStatsError:
        return
    for c in (np.eye(p), np.eye(p)[1:], np.eye(p)[:1]):
        f, q, df = fit.wald(c)
        assert f >= 0.0 and q == c.shape[0] and df > 0.0
    assert (fit.contrast_df(np.eye(p)) > 0.0).all() and np.isfinite(fit.covariance).all()


# ------------------------------------------------------------------ the edge of the ratio


def test_a_ratio_of_zero_is_least_squares_with_honest_degrees_of_freedom() -> None:
    x, y, plot, whole, _ = balanced(np.random.default_rng(3), 8, 3)
    y = y - (y.reshape(8, 3).mean(axis=1) - 1.5 * (whole[::3] == 1))[plot]  # plots of one group: no scatter between
    fit, plain = fit_split_plot(x, y, plot), fit_linear(x, y)
    assert fit.extra["ratio"] == fit.extra["whole_plot"] == 0.0
    assert [n.code for n in fit.notes] == ["whole-plot-variance-zero"]
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, atol=1e-12)
    assert fit.extra["residual"] == pytest.approx(plain.sigma**2)
    np.testing.assert_allclose(fit.covariance, plain.covariance, rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(fit.contrast_df(np.eye(6)), [6, 6, 12, 12, 12, 12], rtol=1e-9)
    assert (fit.plot_effects == 0.0).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_no_other_ratio_has_a_greater_restricted_likelihood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plot = np.sort(rng.integers(0, 6, 20))
    x = np.column_stack([np.ones(20), rng.normal(size=6)[plot], rng.normal(size=20)])
    y = rng.normal(size=20) + rng.choice([0.0, 1.0]) * rng.normal(size=6)[plot]
    try:
        fit = fit_split_plot(x, y, plot)
    except QStatsError:
        return
    z = (plot[:, None] == plot).astype(float)

    def restricted(ratio: float) -> float:
        h = ratio * z + np.eye(20)
        hi = np.linalg.inv(h)
        xhx = x.T @ hi @ x
        r = y - x @ np.linalg.solve(xhx, x.T @ hi @ y)
        s = float(r @ hi @ r) / 17
        return -0.5 * (17 * math.log(2 * math.pi * s) + np.linalg.slogdet(h)[1] + np.linalg.slogdet(xhx)[1] + 17)

    assert fit.extra["reml"] == pytest.approx(restricted(fit.extra["ratio"]), abs=1e-7)
    assert all(restricted(v) <= fit.extra["reml"] + 1e-7 for v in [0.0, *np.geomspace(1e-5, 1e5, 60)])


def test_responses_without_scatter() -> None:
    d = np.array(list(itertools.product([-1.0, 1.0], repeat=4)))
    x, plot = np.column_stack([np.ones(16), d]), np.arange(16) // 2
    for y in (np.full(16, 7e12), x @ np.arange(5.0)):
        fit = fit_split_plot(x, y, plot)
        assert [n.code for n in fit.notes] == ["no-scatter"]
        assert fit.sigma == 0.0 and not fit.covariance.any()
        np.testing.assert_allclose(fit.mean, y)
        assert not math.isnan(fit.wald(rows([1, 2], 5))[0])
    copied = fit_split_plot(x, np.random.default_rng(1).normal(size=8)[plot], plot)
    assert [n.code for n in copied.notes] == ["no-scatter-within"]
    assert np.isfinite(copied.covariance).all()
    assert copied.contrast_df(rows([1], 5))[0] == pytest.approx(4.0)


# ------------------------------------------------------------------ invariances


@given(st.integers(0, 2**32 - 1), st.sampled_from(METHODS))
@settings(max_examples=25)
def test_order_labels_units_and_offsets_do_not_matter(seed: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    x, y, plot = thinned(seed % 50)
    fit = fit_split_plot(x, y, plot, df_method=method)
    turn, unit = rng.permutation(y.size), float(10.0 ** rng.uniform(-6, 6))
    relabelled = rng.permutation(1000)[plot] - 500
    other = fit_split_plot(x[turn], unit * y[turn], relabelled[turn], df_method=method)
    np.testing.assert_allclose(other.coefficients, unit * fit.coefficients, rtol=1e-6, atol=1e-7 * unit)
    np.testing.assert_allclose(other.covariance, unit**2 * fit.covariance, rtol=1e-5, atol=1e-6 * unit**2)
    assert other.extra["ratio"] == pytest.approx(fit.extra["ratio"], rel=1e-6)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood - y.size * math.log(unit), rel=1e-7)
    assert other.extra["reml"] == pytest.approx(fit.extra["reml"] - (y.size - 17) * math.log(unit), rel=1e-7)
    far = fit_split_plot(x, 1e9 + y, plot, df_method=method)
    np.testing.assert_allclose(far.coefficients[1:], fit.coefficients[1:], atol=1e-6)
    c = rows([1, 2], 17)
    assert far.wald(c) == pytest.approx(fit.wald(c), rel=1e-6)
    assert other.wald(c) == pytest.approx(fit.wald(c), rel=1e-6)


def test_f_does_not_depend_on_how_kenward_rogers_contrasts_are_written() -> None:
    x, y, plot = thinned(2)
    fit = fit_split_plot(x, y, plot)
    c = rows([3, 4, 5], 17)
    mixed = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -3.0], [1.0, 1.0, 5.0]]) @ c
    assert fit.wald(mixed) == pytest.approx(fit.wald(c), rel=1e-9)
    again = np.vstack([c, c[0] + c[1], np.zeros((1, 17))])
    assert fit.wald(again) == pytest.approx(fit.wald(c), rel=1e-9)
    single = fit.wald(c[:1])
    t = fit.coefficients[3] / fit.standard_errors(c[:1])[0]
    assert single == pytest.approx((t**2, 1.0, fit.contrast_df(c[:1])[0]), rel=1e-9)
    assert fit.wald(np.zeros((1, 17)))[:2] == (0.0, 0.0)


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"df_method": "containment"}, "df_method"),
        ({"plot": [1, 2]}, "plot"),
        ({"plot": np.arange(8)}, "least squares"),
        ({"plot": [0.5] * 8}, "plot"),
        ({"plot": list("abcdefgh")}, "plot"),
        ({"y": [1.0] * 7}, "7 values came for 8 runs"),
        ({"y": [math.nan] * 8}, "missing"),
        ({"x": np.ones((8, 2))}, "rank 1"),
    ],
)
def test_bad_input_is_told(change: dict[str, Any], says: str) -> None:
    good: dict[str, Any] = {
        "x": np.column_stack([np.ones(8), np.arange(8) % 2]), "y": np.arange(8.0) ** 2, "plot": np.arange(8) // 2,
        "df_method": "kenward-roger",
    }  # fmt: skip
    asked = good | change
    with pytest.raises((DataError, DesignError), match=says):
        fit_split_plot(asked["x"], asked["y"], asked["plot"], df_method=asked["df_method"])


def test_no_degrees_of_freedom_are_told() -> None:
    plot, y = np.arange(8) // 4, np.arange(8.0) ** 2
    with pytest.raises(TooFewData, match="between them"):
        fit_split_plot(np.column_stack([np.ones(8), plot]), y, plot)
    plot = np.arange(8) // 2
    inside = np.zeros((8, 4))
    inside[np.arange(8), plot] = np.arange(8) % 2  # a subplot effect of its own in each whole plot
    with pytest.raises(TooFewData, match="within whole plots"):
        fit_split_plot(np.column_stack([np.ones(8), inside]), y, plot)
