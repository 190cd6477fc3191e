"""E-process and MaxSPRT: mpmath quadrature, published critical values, a step-by-step chain, what they promise."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from qstats import DataError
from qstats.improve.guards.looks import improvement_eprocess, maxsprt_critical, relapse_watch


def by_quadrature(n: float, expected: float, a: float, b: float) -> float:
    """The definition: likelihood ratio r against 1, averaged over a gamma prior cut to r < 1."""
    with mp.workdps(30):
        top = mp.quad(lambda r: r ** (n + a - 1) * mp.e ** ((1 - r) * expected - b * r), [0, 0.25, 0.5, 0.75, 1])
        return float(mp.log(top / mp.quad(lambda r: r ** (a - 1) * mp.e ** (-b * r), [0, 0.5, 1])))


@pytest.mark.parametrize(
    ("n", "expected", "prior"),
    [(0, 3.0, (2.0, 2.0)), (5, 10.0, (2.0, 2.0)), (200, 10.0, (2.0, 2.0)), (2000, 3.0, (2.0, 2.0)),
     (3, 300.0, (2.0, 2.0)), (7, 12.5, (1.0, 0.5)), (40, 40.0, (5.0, 9.0))],
)  # fmt: skip
def test_e_value_is_the_average_likelihood_ratio(n: int, expected: float, prior: tuple[float, float]) -> None:
    # mpmath 30 digits, numerical integration of the definition
    r = improvement_eprocess([n], expected, prior=prior)
    assert r.log_e[0] == pytest.approx(by_quadrature(n, expected, *prior), rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("rate", [3.0, 20.0])
def test_e_value_has_mean_at_most_one_without_effect(rate: float) -> None:
    # sum over all counts of E(n) P(n): exactly one at ratio 1 (a likelihood ratio), below one when it is worse
    n = np.arange(0, 200)
    e = np.exp([improvement_eprocess([int(k)], rate).log_e[0] for k in n])
    assert float(e @ stats.poisson.pmf(n, rate)) == pytest.approx(1.0, abs=1e-9)
    assert float(e @ stats.poisson.pmf(n, 1.3 * rate)) < 1.0


def test_baseline_limit_is_garwoods_and_the_errors_add_up() -> None:
    y, events0 = [1, 0, 2, 1, 0, 1, 0, 0, 1, 0], 90
    r = improvement_eprocess(y, 4.0, baseline_events=events0, alpha=0.03, split=0.4)
    low = stats.chi2.ppf(0.012, 2 * events0) / 2 / events0
    np.testing.assert_allclose(r.expected, 4.0 * low * np.arange(1, 11), rtol=1e-12)
    assert r.threshold == pytest.approx(-math.log(0.018))
    e = [by_quadrature(n, x, 2, 2) for n, x in zip(np.cumsum(y), r.expected, strict=True)]
    np.testing.assert_allclose(r.log_e, e, rtol=1e-10, atol=1e-12)
    p = [min(1.0, 0.012 + math.exp(-max(e[: i + 1]))) for i in range(10)]
    np.testing.assert_allclose(r.pvalue, p, rtol=1e-10)
    assert r.crossed == next(i for i, v in enumerate(e) if v >= r.threshold)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=15),
    st.floats(0.1, 8.0),
    st.sampled_from([None, 5, 60, 400]),
)
def test_p_limit_and_crossing_are_one_procedure(y: list[int], expected: float, events0: int | None) -> None:
    r = improvement_eprocess(y, expected, baseline_events=events0)
    crossed = r.pvalue <= r.alpha * (1 - 1e-12)
    assert (np.diff(r.pvalue) <= 0).all()
    assert (np.diff(r.ratio_high) <= 0).all()
    near = np.abs(r.ratio_high - 1.0) < 1e-9
    np.testing.assert_array_equal((r.ratio_high < 1.0)[~near], crossed[~near])
    assert (r.crossed is None) == (not (r.log_e >= r.threshold).any())
    # the limit itself: the e-value against it is at the threshold, at the look that set it
    i = int(np.argmin(r.ratio_high))
    n, x = float(r.events[i]), float(r.expected[i]) * float(r.ratio_high[i])
    assert improvement_eprocess([int(n)], x).log_e[0] == pytest.approx(r.threshold, abs=1e-6)


@pytest.mark.parametrize(("horizon", "critical"), [(1, 2.853937), (2, 3.046977), (10, 3.467952)])
def test_critical_values_equal_r_sequential(horizon: float, critical: float) -> None:
    # R Sequential::CV.Poisson(SampleSize=T, alpha=.05, M=1), values quoted in the project's reference, section 2.14
    assert maxsprt_critical(horizon) == pytest.approx(critical, abs=6e-7)


@pytest.mark.parametrize(("horizon", "alpha", "minimum"), [(4.0, 0.05, 1), (7.5, 0.01, 3), (0.8, 0.1, 1)])
def test_critical_value_by_a_plain_chain(horizon: float, alpha: float, minimum: int) -> None:
    # the same event written out: brentq for each s_n, scipy's Poisson, one count at a time
    c = maxsprt_critical(horizon, alpha=alpha, minimum=minimum)
    alive, now, n = {0: 1.0}, 0.0, minimum
    while True:
        s = optimize.brentq(lambda u, n=n: n * math.log(n / u) - n + u - c, 1e-12, n * (1 - 1e-12))
        time = min(s, horizon)
        step: dict[int, float] = {}
        for count, chance in alive.items():
            for more in range(n - count):
                step[count + more] = step.get(count + more, 0.0) + chance * stats.poisson.pmf(more, time - now)
        alive, now, n = step, time, n + 1
        if s >= horizon:
            break
    assert 1 - sum(alive.values()) == pytest.approx(alpha, abs=1e-9)


def test_watch_alarms_by_the_definition() -> None:
    y, expected = [1, 0, 2, 3, 4, 5, 4], 1.0
    r = relapse_watch(y, expected, horizon=12)
    n, t = np.cumsum(y), np.arange(1, 8)
    llr = [a * math.log(a / b) - (a - b) if a > b else 0.0 for a, b in zip(n, t, strict=True)]
    np.testing.assert_allclose(r.statistic, llr, rtol=1e-13)
    assert r.alarm == next(i for i, v in enumerate(llr) if v >= r.critical)
    assert relapse_watch(y, expected, horizon=12, minimum=17).alarm == 6


def test_beyond_the_horizon_nothing_alarms() -> None:
    r = relapse_watch([0, 0, 0, 30], 1.0, horizon=3.0)
    assert r.alarm is None
    assert [n.code for n in r.notes] == ["beyond-horizon"]
    assert relapse_watch([0, 0, 0, 30], 1.0).alarm == 3


def test_longer_watches_and_smaller_errors_are_stricter() -> None:
    values = [maxsprt_critical(t) for t in (1, 5, 20, 100)]
    assert values == sorted(values)
    assert maxsprt_critical(5, alpha=0.01) > maxsprt_critical(5, alpha=0.05) > maxsprt_critical(5, alpha=0.2)
    assert maxsprt_critical(5, minimum=4) < maxsprt_critical(5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: improvement_eprocess([1.5], 2.0), "counts are whole"),
        (lambda: improvement_eprocess([1], 0.0), "above zero"),
        (lambda: improvement_eprocess([1], 2.0, baseline_events=0), "baseline_events: 0"),
        (lambda: improvement_eprocess([1], 2.0, prior=(2.0,)), "pair"),  # type: ignore[arg-type]
        (lambda: improvement_eprocess([1], 2.0, alpha=0.7), "alpha"),
        (lambda: improvement_eprocess([1, 2], [1.0]), "1 values came for 2"),
        (lambda: maxsprt_critical(0.01), "even the lowest limit"),
        (lambda: maxsprt_critical(1e6), "horizon"),
        (lambda: maxsprt_critical(5, minimum=0), "minimum"),
    ],
)
def test_bad_input(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=says):
        call()


def test_results_show_themselves() -> None:
    assert "shown at look" in improvement_eprocess([0] * 8, 3.0).summary()
    assert improvement_eprocess([0] * 8, 3.0).to_dict()["crossed"] == 1
    assert len(relapse_watch([1, 2], 1.0).to_frame()) == 2
