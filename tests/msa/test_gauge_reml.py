"""Unbalanced, incomplete and expanded studies: REML against a dense likelihood and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import chi2

from qstats.errors import DataError
from qstats.msa.gauge import gauge_rr
from qstats.msa.gauge.reml import prepare


def dense_deviance(variances, y, factors):
    """-2 log restricted likelihood with n x n matrices, as its definition says (Searle, Casella & McCulloch, 6.6)."""
    v = variances[0] * np.eye(y.size)
    for s, codes in zip(variances[1:], factors, strict=True):
        v += s * (codes[:, None] == codes[None, :])
    one = np.ones((y.size, 1))
    inverse = np.linalg.inv(v)
    info = one.T @ inverse @ one
    residual = y - float((one.T @ inverse @ y)[0] / info[0, 0])
    return float(np.linalg.slogdet(v)[1] + np.linalg.slogdet(info)[1] + residual @ inverse @ residual)


def dense_fit(y, factors, held=lambda v: v):
    """The best variances by a general optimiser, from three starts, on the square roots; at the boundary if need be."""
    runs = [
        minimize(
            lambda u: dense_deviance(held(u**2) + np.eye(1, u.size)[0] * 1e-12, y, factors),
            np.full(len(factors) + 1, start),
            method="Nelder-Mead",
            options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 20000, "maxfev": 20000, "adaptive": True},
        )
        for start in (0.3, 1.0)
    ]
    best = min(runs, key=lambda run: run.fun)
    return held(best.x**2), best.fun


def incomplete(seed=2, sds=(1.0, 0.4, 0.3, 0.3)):
    """A 6 x 3 x 2 crossed study with one empty cell and some repeats lost."""
    rng = np.random.default_rng(seed)
    part, operator, _ = (a.ravel() for a in np.indices((6, 3, 2)))
    y = 20 + sds[0] * rng.normal(size=6)[part] + sds[1] * rng.normal(size=3)[operator]
    y = y + sds[2] * rng.normal(size=(6, 3))[part, operator] + sds[3] * rng.normal(size=part.size)
    keep = ~((part == 2) & (operator == 1))
    keep[[0, 9, 33]] = False
    return y[keep], part[keep], operator[keep]


@pytest.mark.parametrize(
    ("seed", "sds"), [(2, (1.0, 0.4, 0.3, 0.3)), (3, (1.0, 0.0, 0.5, 0.3)), (4, (1.0, 0.5, 0.0, 0.6))]
)
def test_incomplete_study_against_the_dense_likelihood(seed, sds):
    y, part, operator = incomplete(seed, sds)
    s = gauge_rr(y, part=part, operator=operator, pool="never")
    assert "REML" in s.method
    assert {"empty-cells", "reml-instead"} <= {n.code for n in s.notes}
    expected, best = dense_fit(y, [part, operator, part * 3 + operator])
    ours = np.array([s.variance[k] for k in ("repeatability", "part", "operator", "interaction")])
    factors = [part, operator, part * 3 + operator]
    assert dense_deviance(ours, y, factors) <= best + 1e-7
    assert ours == pytest.approx(expected, rel=2e-3, abs=2e-4)


def test_against_statsmodels():
    """statsmodels MixedLM, one group with variance components, fitted by REML (its optimiser stops near 1e-4)."""
    import statsmodels.formula.api as smf

    y, part, operator = incomplete()
    frame = pd.DataFrame({"y": y, "part": part, "op": operator, "cell": part * 3 + operator, "one": 1})
    vc = {name: f"0 + C({name})" for name in ("part", "op", "cell")}
    model = smf.mixedlm("y ~ 1", frame, groups="one", vc_formula=vc, re_formula="0")
    fit = model.fit(reml=True, method="powell")
    theirs = dict(zip(model.exog_vc.names, fit.vcomp, strict=True))
    s = gauge_rr(frame, values="y", part="part", operator="op", pool="never")
    assert s.variance["part"] == pytest.approx(theirs["part"], rel=5e-3)
    assert s.variance["operator"] == pytest.approx(theirs["op"], rel=5e-3)
    assert s.variance["interaction"] == pytest.approx(theirs["cell"], rel=5e-3)
    assert s.variance["repeatability"] == pytest.approx(fit.scale, rel=5e-3)


def test_score_is_the_slope_and_curvature_of_the_dense_likelihood():
    y, part, operator = incomplete()
    factors = [part, operator, part * 3 + operator]
    reml = prepare(y - y.mean(), factors)
    v = np.array([0.3, 0.9, 0.2, 0.4])
    dev, curve, linear = reml.score(v)
    h = 1e-5

    def dense(u):
        return dense_deviance(u * reml.scale, y, factors)

    shift = dense(v) - dev
    slope = [(dense(v + h * e) - dense(v - h * e)) / (2 * h) for e in np.eye(4)]
    assert curve @ v - linear == pytest.approx(slope, rel=1e-5)
    other = np.array([0.5, 0.1, 0.0, 0.7])
    assert dense(other) - reml.score(other)[0] == pytest.approx(shift, rel=1e-10)


def test_profile_limits_lose_exactly_the_chi_square():
    y, part, operator = incomplete()
    factors = [part, operator, part * 3 + operator]
    s = gauge_rr(y, part=part, operator=operator, pool="never", confidence=0.9)
    best = dense_deviance(
        np.array([s.variance[k] for k in ("repeatability", "part", "operator", "interaction")]), y, factors
    )
    wanted = chi2.ppf(0.9, 1)
    for limit in (
        s.components["repeatability"].variance.interval.low,
        s.components["repeatability"].variance.interval.high,
    ):

        def fixed(v, limit=limit):
            return np.append(limit, v[1:])

        assert dense_fit(y, factors, fixed)[1] - best == pytest.approx(wanted, abs=2e-3)
    share = s.components["gauge_rr"].percent_contribution.interval
    for limit in (share.low / 100, share.high / 100):

        def ratio(v, limit=limit):
            gauge = v[0] + v[2] + v[3]
            return np.array([v[0], gauge * (1 - limit) / limit, v[2], v[3]])

        assert dense_fit(y, factors, ratio)[1] - best == pytest.approx(wanted, abs=2e-3)


def test_one_way_profile_interval_by_hand():
    """One operator, unequal repeats: the limits of the part variance by a search over the dense likelihood."""
    rng = np.random.default_rng(8)
    part = np.repeat(np.arange(7), [2, 3, 4, 2, 5, 3, 2])
    y = rng.normal(size=7)[part] + 0.4 * rng.normal(size=part.size)
    s = gauge_rr(y, part=part)
    assert "one-operator" in {n.code for n in s.notes}
    assert "operator" not in s.variance
    best = dense_deviance(np.array([s.variance["repeatability"], s.variance["part"]]), y, [part])

    def lost(value):
        return (
            minimize_scalar(
                lambda u: dense_deviance(np.array([np.exp(u), value]), y, [part]),
                bounds=(-6, 3),
                method="bounded",
                options={"xatol": 1e-10},
            ).fun
            - best
        )

    interval = s.components["part"].variance.interval
    assert lost(interval.low) == pytest.approx(chi2.ppf(0.95, 1), abs=1e-4)
    assert lost(interval.high) == pytest.approx(chi2.ppf(0.95, 1), abs=1e-4)


def test_variance_estimated_at_zero_has_an_upper_limit():
    for seed in range(20):
        y, part, operator = incomplete(seed, (1.0, 0.0, 0.0, 0.6))
        s = gauge_rr(y, part=part, operator=operator, pool="never")
        if s.variance["operator"] == 0.0:
            break
    interval = s.components["operator"].variance.interval
    assert s.variance["operator"] == 0.0
    assert interval.low == 0.0
    factors = [part, operator, part * 3 + operator]

    def fixed(v):
        return np.array([v[0], v[1], interval.high, v[3]])

    best = dense_fit(y, factors)[1]
    assert dense_fit(y, factors, fixed)[1] - best == pytest.approx(chi2.ppf(0.95, 1), abs=2e-3)


def test_pooling_rule_holds_for_reml_too():
    y, part, operator = incomplete(4, (1.0, 0.5, 0.0, 0.6))
    s = gauge_rr(y, part=part, operator=operator)
    assert s.pooled
    assert "interaction" not in s.variance
    assert s.interaction_pvalue > 0.05
    kept = gauge_rr(*incomplete()[:1], part=incomplete()[1], operator=incomplete()[2], pool=0.999)
    assert not kept.pooled
    factors = [part, operator, part * 3 + operator]
    full, small = (dense_fit(y, f)[1] for f in (factors, factors[:2]))
    statistic = max(small - full, 0.0)
    expected = 1.0 if statistic < 1e-6 else chi2.sf(statistic, 1) / 2
    assert s.interaction_pvalue == pytest.approx(expected, abs=1e-3)


def test_expanded_study_with_days():
    """Three crossed factors; every component against the dense likelihood."""
    rng = np.random.default_rng(12)
    part, operator, day, _ = (a.ravel() for a in np.indices((5, 3, 3, 2)))
    y = 10 + rng.normal(size=5)[part] + 0.5 * rng.normal(size=3)[operator] + 0.7 * rng.normal(size=3)[day]
    y = y + 0.4 * rng.normal(size=(5, 3))[part, day] + 0.2 * rng.normal(size=part.size)
    frame = pd.DataFrame({"y": y, "part": part, "operator": operator, "day": day})
    s = gauge_rr(frame, values="y", part="part", operator="operator", factors=["day"], pool="never")
    assert s.design == "expanded"
    names = ["part", "operator", "day", "part x operator", "part x day", "operator x day"]
    assert [k for k in s.variance if k not in ("repeatability", "reproducibility", "gauge_rr", "total")][:-1] == names[
        1:
    ]
    cross = [part * 3 + operator, part * 3 + day, operator * 3 + day]
    factors = [part, operator, day, *cross]
    ours = np.array([s.variance["repeatability"], *(s.variance[k] for k in names)])
    assert dense_deviance(ours, y, factors) <= dense_fit(y, factors)[1] + 1e-5
    gauge = sum(v for k, v in s.variance.items() if k in ("repeatability", *names[1:]))
    assert s.variance["gauge_rr"] == pytest.approx(gauge, rel=1e-12)
    arrays = gauge_rr(y, part=part, operator=operator, factors={"day": day}, pool="never")
    assert arrays.variance == s.variance
    pruned = gauge_rr(frame, values="y", part="part", operator="operator", factors="day")
    assert "part x day" in pruned.variance
    assert pruned.pooled
    assert "part x operator pooled" in pruned.pooling


def test_factor_of_one_level_is_said():
    y, part, operator = incomplete()
    s = gauge_rr(y, part=part, operator=operator, factors={"day": np.ones(y.size)})
    assert {"one-level", "profile-few-operators"} <= {n.code for n in s.notes}
    assert "day" not in s.variance


def test_unbalanced_nested_study():
    rng = np.random.default_rng(3)
    part = np.repeat(np.arange(12), [2, 3, 2, 2, 3, 2, 2, 2, 4, 2, 2, 3])
    operator = part // 4
    y = rng.normal(size=12)[part] + rng.normal(size=3)[operator] + 0.3 * rng.normal(size=part.size)
    s = gauge_rr(y, part=part, operator=operator)
    assert s.design == "nested"
    ours = np.array([s.variance[k] for k in ("repeatability", "part", "operator")])
    assert dense_deviance(ours, y, [part, operator]) <= dense_fit(y, [part, operator])[1] + 1e-7
    again = gauge_rr(y, part=part % 4, operator=operator, design="nested")
    assert again.variance == pytest.approx(dict(s.variance))


def test_what_reml_refuses():
    y, part, operator = incomplete()
    for interval in ("mls", "bootstrap"):
        with pytest.raises(DataError, match="profile"):
            gauge_rr(y, part=part, operator=operator, interval=interval)
    with pytest.raises(DataError, match="average_range"):
        gauge_rr(y, part=part, operator=operator, method="average_range")
    with pytest.raises(DataError, match="profile"):
        gauge_rr(np.random.default_rng(1).normal(size=(5, 3, 2)), interval="profile")
    with pytest.raises(DataError, match="told apart"):
        gauge_rr(y, part=part, operator=operator, factors={"shift": operator})


def test_repeats_that_never_differ_are_said():
    y, part, operator = incomplete(sds=(1.0, 0.4, 0.3, 0.0))
    with pytest.raises(DataError, match="never differ"):
        gauge_rr(y, part=part, operator=operator)


def test_rows_with_gaps_are_dropped_and_said():
    y, part, operator = incomplete()
    frame = pd.DataFrame({"y": y, "p": part.astype(float), "o": operator})
    frame.loc[4, "y"] = np.nan
    frame.loc[11, "p"] = np.nan
    with pytest.raises(DataError, match="missing='drop'"):
        gauge_rr(frame, values="y", part="p", operator="o")
    with pytest.raises(DataError, match="part: no label at position 11"):
        gauge_rr(frame.assign(y=y), values="y", part="p", operator="o")
    s = gauge_rr(frame, values="y", part="p", operator="o", missing="drop")
    assert s.n == y.size - 2
    keep = np.ones(y.size, dtype=bool)
    keep[[4, 11]] = False
    assert s.variance == gauge_rr(y[keep], part=part[keep], operator=operator[keep]).variance
    assert "missing-dropped" in {n.code for n in s.notes}
