"""A new baseline is proposed with evidence, or not proposed with reasons."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from qstats.errors import DataError, TooFewData
from qstats.spc.charts.attributes import p_chart, u_chart
from qstats.spc.charts.individuals import individuals
from qstats.spc.rebaseline import LEAST, _likely, _step_rss, propose_baseline

LEVEL = [9, 11, 10, 12, 9, 10, 11, 8, 10, 9, 11, 10, 14, 16, 15, 13, 15, 16, 14, 15, 13, 15, 16, 14]


def test_step_rss_is_the_plain_sum_of_squares():
    z = np.random.default_rng(1).normal(size=40)
    got = _step_rss(z)
    for k in range(LEAST, 40 - LEAST + 1):
        plain = ((z[:k] - z[:k].mean()) ** 2).sum() + ((z[k:] - z[k:].mean()) ** 2).sum()
        assert got[k - LEAST] == pytest.approx(plain, rel=1e-12)


def test_a_clear_step_is_proposed():
    found = propose_baseline(individuals(LEVEL))
    assert (found.recommended, found.start, found.label, found.against) == (True, 12, "13", ())
    assert (found.n_before, found.n_after) == (12, 12)
    assert (found.before, found.after) == pytest.approx((10.0, 176 / 12), rel=1e-12)
    # the two-sample t interval of equal variances, the place taken as known
    reference = stats.ttest_ind(LEVEL[12:], LEVEL[:12]).confidence_interval(0.95)
    assert (found.shift.low, found.shift.high) == pytest.approx((reference.low, reference.high), rel=1e-9)
    assert found.pvalue == pytest.approx(1 / 2000)
    assert found.between == (12, 12)
    redrawn = individuals(LEVEL, phase=[found.start])
    assert [lim.center for lim in redrawn.limits_by_phase] == pytest.approx([found.before, found.after])


def test_nothing_is_changed_and_results_repeat():
    chart = individuals(LEVEL)
    before = chart.to_json()
    assert propose_baseline(chart).to_json() == propose_baseline(chart).to_json()
    assert chart.to_json() == before
    assert json.loads(propose_baseline(chart).to_json())["schema"] == "qstats.baseline_proposal/1"
    assert "13" in str(propose_baseline(chart))
    assert propose_baseline(chart).to_frame()["start"][0] == 12


def test_pvalue_of_noise_is_uniform():
    rng = np.random.default_rng(20261121)
    p = [propose_baseline(individuals(rng.normal(size=24)), rng=rng).pvalue for _ in range(150)]
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)


@pytest.mark.parametrize("shift", [1.0, 2.0])
def test_places_hold_what_they_promise(shift):
    rng = np.random.default_rng(20261121)
    hits = 0
    for _ in range(300):
        z = rng.normal(size=50)
        z[30:] += shift
        first, last = _likely(_step_rss(z), 50, 0.9)
        hits += first <= 30 <= last
    assert hits / 300 >= 0.9 - 3 * math.sqrt(0.09 / 300)


def test_reasons_against():
    rng = np.random.default_rng(5)
    assert propose_baseline(individuals(rng.normal(size=60))).against == ("no-step",)
    drift = individuals(rng.normal(size=60) + 0.1 * np.arange(60))
    assert "trend" in propose_baseline(drift).against
    twice = np.concatenate((rng.normal(0, 1, 30), rng.normal(6, 1, 30), rng.normal(8, 1, 30)))
    assert "not-settled" in propose_baseline(individuals(twice)).against
    wave = np.zeros(200)
    for i in range(1, 200):
        wave[i] = 0.9 * wave[i - 1] + rng.normal()
    found = propose_baseline(individuals(wave))
    assert not found.recommended
    assert {"autocorrelated", "trend"} & set(found.against)
    assert {n.code for n in found.notes} == set(found.against)


def test_few_points_are_told_and_do_not_block():
    found = propose_baseline(individuals([*LEVEL[:12], *LEVEL[12:21]]))
    assert (found.recommended, found.against, found.n_after) == (True, ("few-points",), 9)


def test_counts_weigh_by_size():
    count = [10, 22, 9, 21, 11, 18, 10, 20, 9, 19, 30, 62, 33, 58, 31, 60, 29, 61, 30, 63]
    size = [100, 200] * 10
    found = propose_baseline(p_chart(count, size=size))
    assert found.start == 10
    assert (found.before, found.after) == pytest.approx((sum(count[:10]) / 1500, sum(count[10:]) / 1500), rel=1e-12)
    assert propose_baseline(u_chart(count, exposure=size)).start == 10


def test_gaps_exclusions_and_earlier_phases_stay_out():
    x = [100.0] * 5 + [float(v) for v in LEVEL]
    x[9] = math.nan
    x[20] = 900.0
    chart = individuals(x, phase=[5], exclude=[20], missing="drop")
    found = propose_baseline(chart)
    assert (found.start, found.n_before, found.n_after) == (17, 11, 11)


@pytest.mark.parametrize(
    ("call", "error", "word"),
    [
        (lambda: propose_baseline(individuals(LEVEL[:15])), TooFewData, "15 judged points"),
        (lambda: propose_baseline(individuals([1.0] * 30)), DataError, "sigma is zero"),
        (lambda: propose_baseline(individuals(LEVEL), confidence=95), DataError, "confidence: got 95"),
    ],
)
def test_refused(call, error, word):
    with pytest.raises(error, match=word):
        call()
