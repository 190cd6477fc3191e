"""Two proportions: published numbers, the constrained MLE statsmodels gets wrong, agreement of p and interval."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from qstats import compare_proportions
from qstats.errors import DataError
from qstats.inference.proportion_kernels import restricted_difference, restricted_ratio

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "comparisons.json").read_text(encoding="utf-8"))[
        "cases"
    ]
}
METHODS = {"miettinen-nurminen": "mn", "mee": "mee", "newcombe": "score"}  # DescTools calls Newcombe's method "score"


@pytest.mark.parametrize("case", ["prop2-1", "prop2-3", "prop2-5"])
@pytest.mark.parametrize("method", METHODS)
def test_equals_desctools(case: str, method: str) -> None:
    # R 4.2.2, DescTools 0.99.59 BinomDiffCI; its root finder for mn and mee stops at about 5e-5.
    c = CASES[case]
    table = c["expected"]["ci"]
    _, low, high = table["values"][table["rownames"].index(METHODS[method])]
    i = c["inputs"]
    r = compare_proportions(i["x1"], i["n1"], i["x2"], i["n2"], method=method)
    tolerance = 1e-9 if method == "newcombe" else 6e-5
    assert (r.interval.low, r.interval.high) == pytest.approx((low, high), abs=tolerance)


def test_where_statsmodels_is_wrong() -> None:
    # 56/70 against 48/80 (statsmodels issue 10269): R ratesci 1.0.0 gives MN (0.0528297, 0.3381729), Mee (0.0533338,
    # 0.3377295); Newcombe (0.0524315, 0.3338727).
    limits = {
        "miettinen-nurminen": (0.0528297, 0.3381729),
        "mee": (0.0533338, 0.3377295),
        "newcombe": (0.0524315, 0.3338727),
    }
    for method, expected in limits.items():
        r = compare_proportions(56, 70, 48, 80, method=method)
        assert (r.interval.low, r.interval.high) == pytest.approx(expected, abs=6e-8)


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_restricted_mle_at_the_observed_difference_is_the_sample(n: int, n0: int, data: st.DataObject) -> None:
    x, x0 = data.draw(st.integers(0, n)), data.draw(st.integers(0, n0))
    p, p0 = restricted_difference(x, n, x0, n0, x / n - x0 / n0)
    assert (p, p0) == pytest.approx((x / n, x0 / n0), abs=1e-6)


@pytest.mark.parametrize("d", [-0.4, 0.0, 0.15, 0.6])
def test_restricted_mle_maximises_the_likelihood(d: float) -> None:
    from math import log

    def minus_log_likelihood(p0: float) -> float:
        p = p0 + d
        return -(12 * log(p) + 18 * log(1 - p) + 9 * log(p0) + 31 * log(1 - p0))

    low, high = max(0.0, -d) + 1e-9, min(1.0, 1.0 - d) - 1e-9
    best = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-10}
    )
    assert restricted_difference(12, 30, 9, 40, d)[1] == pytest.approx(best.x, abs=1e-6)


def test_restricted_ratio_at_the_observed_ratio_is_the_sample() -> None:
    assert restricted_ratio(12, 30, 9, 40, (12 / 30) / (9 / 40)) == pytest.approx((12 / 30, 9 / 40))


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.data(),
    st.sampled_from(sorted(METHODS)),
    st.sampled_from(["two-sided", "less"]),
)
def test_p_inverts_the_interval(n: int, n0: int, data: st.DataObject, method: str, alternative: str) -> None:
    x, x0 = data.draw(st.integers(0, n)), data.draw(st.integers(0, n0))
    r = compare_proportions(x, n, x0, n0, method=method, alternative=alternative)
    assert 0.0 <= r.pvalue <= 1.0
    assert r.interval.low <= r.estimate + 1e-12
    assert r.estimate <= r.interval.high + 1e-12
    for limit in (r.interval.low, r.interval.high):
        if abs(limit) < 0.999 and abs(limit - r.estimate) > 1e-6:
            again = compare_proportions(x, n, x0, n0, method=method, alternative=alternative, null=limit)
            assert again.pvalue == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(("x", "x0"), [(0, 5), (5, 0), (10, 5), (5, 10), (10, 10)])
def test_ratio_edges(x: int, x0: int) -> None:
    r = compare_proportions(x, 10, x0, 10, effect="risk_ratio")
    assert 0.0 <= r.pvalue <= 1.0
    assert r.interval.low <= r.estimate <= r.interval.high


def test_equal_groups_have_p_one() -> None:
    assert compare_proportions(5, 10, 5, 10).pvalue == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((11, 10, 5, 10), {}, "cannot exceed"),
        ((1, 0, 5, 10), {}, "size: got 0"),
        ((1.5, 10, 5, 10), {}, "whole numbers"),
        ((0, 10, 0, 10), {"effect": "risk_ratio"}, "ratio does not exist"),
        ((1, 10, 5, 10), {"effect": "risk_ratio", "method": "newcombe"}, "is for the difference"),
        ((1, 10, 5, 10), {"null": 2}, "null"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_proportions(*args, **kwargs)
