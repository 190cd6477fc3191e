"""compare_capability: F, Welch and MOVER by their formulas; who is before and who after."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from qstats._core.spec import Spec
from qstats.capability.compare import compare_capability
from qstats.capability.normal import process_capability
from qstats.errors import DataError

RNG = np.random.default_rng(21)
BEFORE, AFTER = RNG.normal(10.4, 1.5, (30, 5)), RNG.normal(10.0, 1.0, (40, 5))
SPEC = Spec(6, 14)


def test_by_the_formulas():
    got = compare_capability(BEFORE, AFTER, spec=SPEC)
    x, y = AFTER.ravel(), BEFORE.ravel()
    f = x.var(ddof=1) / y.var(ddof=1)
    law = stats.f(199, 149)
    assert got.sigma_ratio.estimate == pytest.approx(math.sqrt(f))
    want = np.sqrt(f / law.ppf([0.975, 0.025]))
    assert [got.sigma_ratio.interval.low, got.sigma_ratio.interval.high] == pytest.approx(want)
    assert got.sigma_ratio.pvalue == pytest.approx(2 * min(law.cdf(f), law.sf(f)), rel=1e-9)
    welch = stats.ttest_ind(x, y, equal_var=False)
    assert got.mean_shift.pvalue == pytest.approx(welch.pvalue, rel=1e-9)
    ci = welch.confidence_interval()
    assert [got.mean_shift.interval.low, got.mean_shift.interval.high] == pytest.approx([ci.low, ci.high])
    a, b = (process_capability(v, spec=SPEC).overall.ppk for v in (AFTER, BEFORE))
    gap = a.estimate - b.estimate
    low = gap - math.hypot(a.estimate - a.interval.low, b.interval.high - b.estimate)
    high = gap + math.hypot(a.interval.high - a.estimate, b.estimate - b.interval.low)
    found = got.ppk_difference
    assert [found.estimate, found.interval.low, found.interval.high] == pytest.approx([gap, low, high])
    assert got.ppk_ratio.estimate == pytest.approx(a.estimate / b.estimate)
    assert got.verdict == "better"


def test_results_do_as_well_as_data():
    studies = [process_capability(v, spec=SPEC) for v in (BEFORE, AFTER)]
    one, two = compare_capability(*studies), compare_capability(BEFORE, AFTER, spec=SPEC)
    assert one.to_dict() == two.to_dict()


def test_swapping_turns_everything_round():
    one, two = compare_capability(BEFORE, AFTER, spec=SPEC), compare_capability(AFTER, BEFORE, spec=SPEC)
    assert two.verdict == "worse"
    for name in ("ppk_difference", "cpk_difference", "mean_shift"):
        a, b = getattr(one, name), getattr(two, name)
        assert [b.estimate, b.interval.low, b.interval.high] == pytest.approx(
            [-a.estimate, -a.interval.high, -a.interval.low]
        )
    for name in ("sigma_ratio", "sigma_ratio_within", "ppk_ratio", "ppm_ratio"):
        a, b = getattr(one, name), getattr(two, name)
        assert [b.estimate, b.interval.low, b.interval.high] == pytest.approx(
            [1 / a.estimate, 1 / a.interval.high, 1 / a.interval.low], rel=1e-9
        )
    assert one.sigma_ratio.pvalue == pytest.approx(two.sigma_ratio.pvalue)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_pvalue_and_interval_of_the_spread_agree(confidence):
    for scale in (0.8, 0.9, 0.95, 1.0, 1.1):
        got = compare_capability(BEFORE, BEFORE * scale, spec=SPEC, confidence=confidence).sigma_ratio
        assert (got.pvalue < 1 - confidence) == (1.0 not in got.interval)


def test_ppm_ratio_of_faint_tails():
    rng = np.random.default_rng(1)
    got = compare_capability(rng.normal(0, 1, 200), rng.normal(0, 0.25, 200), spec=(-6, 6))
    assert 0 < got.ppm_ratio.interval.low < got.ppm_ratio.estimate < got.ppm_ratio.interval.high < 1e-60


def test_nothing_changed():
    got = compare_capability(BEFORE, BEFORE, spec=SPEC)
    assert got.verdict == "not shown"
    assert got.sigma_ratio.estimate == got.ppk_ratio.estimate == got.ppm_ratio.estimate == 1.0
    assert got.sigma_ratio.pvalue == pytest.approx(1.0, abs=0.05)
    assert "no change" in got.summary()
    assert next(iter(got.to_frame()["quantity"])) == "Ppk difference"
    json.dumps(got.to_dict(), allow_nan=False)


def test_what_is_doubtful_is_said():
    drift = AFTER + np.linspace(0, 5, 40)[:, None]
    got = compare_capability(process_capability(BEFORE, spec=(5, 15)), process_capability(drift, spec=(6, 20)))
    assert {n.code for n in got.notes} == {"not-stable", "different-specs"}
    assert "after" in got.notes[0].message
    bad = compare_capability(BEFORE + 8, AFTER, spec=SPEC)
    assert bad.ppk_ratio is None


def test_bad_input_is_told():
    with pytest.raises(DataError, match="spec"):
        compare_capability(BEFORE, AFTER)
    with pytest.raises(DataError, match="after: data"):
        compare_capability(BEFORE, [5.0] * 10, spec=SPEC)
    with pytest.raises(DataError, match="confidence"):
        compare_capability(process_capability(BEFORE, spec=SPEC, confidence=0.9), AFTER, spec=SPEC)


def test_two_specifications_are_not_compared() -> None:
    x = np.random.default_rng(3).normal(10, 1, 50)
    study = process_capability(x, spec=(5, 15))
    with pytest.raises(DataError, match="was judged by 5 to 15"):
        compare_capability(study, x, spec=(4, 15))
    assert compare_capability(study, x, spec=(5, 15)).verdict == "not shown"
