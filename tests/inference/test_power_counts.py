"""Power of rates and proportions: brute force over every outcome with the public comparison, R's classical values."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower

from qstats import (
    DataError,
    compare_proportions,
    compare_rates,
    proportions_power,
    proportions_sample_size,
    rates_power,
    rates_sample_size,
)
from qstats.inference.equivalence import equivalence

MARGINS = [(None, "two-sided"), ("up", "less"), ("down", "greater")]


def _binomial_grid(n, p, n0, p0):
    x, x0 = np.indices((n + 1, n0 + 1)).reshape(2, -1)
    return x, x0, stats.binom.pmf(x, n, p) * stats.binom.pmf(x0, n0, p0)


@pytest.mark.parametrize("method", ["midp", "exact", "score"])
@pytest.mark.parametrize(("margin", "alternative"), MARGINS)
def test_rates_equal_the_sum_over_all_outcomes(method: str, margin: str | None, alternative: str) -> None:
    """Every pair of counts through `compare_rates`, weighted by scipy's Poisson: the definition of power."""
    null = {None: 1.0, "up": 1.2, "down": 0.8}[margin]
    for rate, rate0, t, t0 in ((0.6, 1.1, 12.0, 9.0), (2.0, 0.5, 3.0, 8.0), (0.0, 1.0, 6.0, 6.0)):
        y, y0 = np.indices((60, 60)).reshape(2, -1)
        weight = stats.poisson.pmf(y, rate * t) * stats.poisson.pmf(y0, rate0 * t0)
        p = compare_rates(y, t, y0, t0, method=method, null=null, alternative=alternative, confidence=0.9).pvalue
        expected = float(weight @ (p < 1.0 - 0.9))
        r = rates_power(rate, rate0, t, t0, method=method, null=null, alternative=alternative, confidence=0.9)
        assert r.power == pytest.approx(expected, abs=1e-11)
        assert "exact by enumeration" in r.method


@pytest.mark.parametrize(
    ("effect", "method"),
    [
        ("difference", "miettinen-nurminen"),
        ("difference", "mee"),
        ("difference", "newcombe"),
        ("risk_ratio", "miettinen-nurminen"),
        ("odds_ratio", "mee"),
        ("odds_ratio", "exact"),
        ("odds_ratio", "midp"),
    ],
)
@pytest.mark.parametrize(("margin", "alternative"), MARGINS)
def test_proportions_equal_the_sum_over_all_outcomes(
    effect: str, method: str, margin: str | None, alternative: str
) -> None:
    null = {None: None, "up": 0.1, "down": -0.1}[margin]
    if effect != "difference":
        null = {None: None, "up": 1.3, "down": 0.7}[margin]
    for n, n0, p, p0 in ((17, 23, 0.6, 0.3), (30, 12, 0.05, 0.2), (11, 11, 0.9, 0.97)):
        x, x0, weight = _binomial_grid(n, p, n0, p0)
        options = {"effect": effect, "method": method, "null": null, "alternative": alternative, "confidence": 0.9}
        pvalue = compare_proportions(x, n, x0, n0, **options).pvalue
        assert proportions_power(p, p0, n, n0, **options).power == pytest.approx(
            float(weight @ (pvalue < 1.0 - 0.9)), abs=1e-11
        )


def test_equivalence_equals_the_sum_over_all_outcomes() -> None:
    y, y0 = np.indices((140, 140)).reshape(2, -1)
    shown = equivalence(compare_rates, y, 10.0, y0, 12.0, low=0.6, high=1.6).shown
    weight = stats.poisson.pmf(y, 60.0) * stats.poisson.pmf(y0, 66.0)
    r = rates_power(6.0, 5.5, 10.0, 12.0, null=(0.6, 1.6))
    assert r.power == pytest.approx(float(weight @ shown), abs=1e-11)
    assert r.alternative == "equivalence"
    x, x0, weight = _binomial_grid(60, 0.8, 50, 0.82)
    shown = equivalence(compare_proportions, x, 60, x0, 50, low=-0.2, high=0.15).shown
    power = proportions_power(0.8, 0.82, 60, 50, null=(-0.2, 0.15)).power
    assert power == pytest.approx(float(weight @ shown), abs=1e-11)


def test_normal_option_reproduces_r_power_prop_test() -> None:
    """R 4.2.2 power.prop.test, oracle cases ss-4 and ss-5: n per group, one direction counted (strict=FALSE)."""
    for p1, p2, n80, n90 in (
        (0.8, 0.9, 198.96341328433104, 376.94448543390297),
        (0.3, 0.45, 162.3343820637082, 307.50549262144506),
    ):
        for confidence, target, n in ((0.95, 0.8, n80), (0.99, 0.9, n90)):
            # counted in one direction: the one-sided test at half the error
            r = proportions_sample_size(
                p2, p1, method="normal", power=target, alternative="greater", confidence=0.5 + confidence / 2.0
            )
            assert r.size == r.size0 == math.ceil(n)
            two = proportions_sample_size(p2, p1, method="normal", power=target, confidence=confidence)
            assert two.size == math.ceil(n)
            below = proportions_power(
                p2, p1, math.floor(n), math.floor(n), method="normal", alternative="greater",
                confidence=0.5 + confidence / 2.0,
            )  # fmt: skip
            assert below.power < target < r.power


def test_normal_rate_power_is_the_z_test_of_the_score() -> None:
    """Events of one Poisson total: mean gap and both errors written out by hand; statsmodels for the normal tail."""
    mean, mean0 = 80.0, 120.0
    gap, under, truth = 0.5 * (mean0 - mean), 0.5 * math.sqrt(200.0), 0.5 * math.sqrt(200.0)
    expected = NormalIndPower().power(gap / under, 1.0, 0.05, ratio=0, alternative="two-sided")
    assert under == truth
    r = rates_power(0.8, 1.2, 100.0, 100.0, method="normal")
    assert r.power == pytest.approx(float(expected), abs=1e-12)
    # dispersion takes away information: twice the scatter needs twice the exposure
    one, two = (rates_sample_size(1.2, 0.7, method="score" if d > 1 else "normal", dispersion=d) for d in (1.0, 2.0))
    assert two.size == pytest.approx(2.0 * one.size, rel=1e-6)
    assert "dispersion 2" in two.method


def test_large_counts_say_that_they_are_approximated_and_meet_the_exact_ones() -> None:
    mean = 10_000.0
    rate = 1.0 - 2.8 * math.sqrt(2.0 / mean)
    exact, rough = (rates_power(rate, 1.0, mean, mean, method=m) for m in ("midp", "normal"))
    assert exact.power == pytest.approx(rough.power, abs=2e-4)
    huge = rates_power(1.0, 1.001, 1e8, 1e8)
    assert huge.method.startswith("normal approximation")
    assert [note.code for note in huge.notes] == ["normal-approximation"]
    assert proportions_power(0.5, 0.501, 10**9, 10**9).notes[0].code == "normal-approximation"


@pytest.mark.parametrize("options", [{}, {"method": "exact"}, {"exposure_ratio": 0.25}, {"null": (0.4, 2.0)}])
def test_rate_exposure_is_where_the_power_begins_to_hold(options: dict[str, object]) -> None:
    ratio = 1.0 if "null" in options else 0.4
    r = rates_sample_size(0.5, ratio, **options)
    k = options.get("exposure_ratio", 1.0)
    rest = {name: v for name, v in options.items() if name != "exposure_ratio"}

    def power(t0: float) -> float:
        return rates_power(0.5 * ratio, 0.5, k * t0, t0, **rest).power

    assert r.size == pytest.approx(k * r.size0)
    assert power(r.size0 * 0.999) < 0.8 <= power(r.size0)
    assert min(power(t) for t in r.size0 * np.linspace(1.0, 2.0, 41)) >= 0.8
    assert r.power == pytest.approx(power(r.size0), abs=1e-12)


def test_rate_exposure_scales_with_the_unit() -> None:
    a, b = rates_sample_size(2.0, 0.5), rates_sample_size(0.002, 0.5)
    assert b.size == pytest.approx(1000.0 * a.size, rel=1e-7)


@pytest.mark.parametrize(
    ("p", "p0", "options"),
    [(0.3, 0.6, {}), (0.02, 0.15, {}), (0.9, 0.9, {"null": -0.15, "alternative": "greater"}), (1.0, 0.7, {}),
     (0.5, 0.8, {"size_ratio": 2.0}), (0.3, 0.7, {"effect": "odds_ratio", "method": "exact"})],
)  # fmt: skip
def test_proportion_size_is_one_more_than_the_last_dip(p: float, p0: float, options: dict[str, object]) -> None:
    """Plain loop over every size: the last one without the power, in the stretch the note names."""
    r = proportions_sample_size(p, p0, **options)
    k = options.get("size_ratio", 1.0)
    rest = {name: v for name, v in options.items() if name != "size_ratio"}
    end = int(r.notes[0].message.split(" to ")[1].split()[0])
    power = {n0: proportions_power(p, p0, math.ceil(k * n0), n0, **rest).power for n0 in range(2, end + 1)}
    assert r.size0 == max(n0 for n0, v in power.items() if v < 0.8) + 1
    assert r.size == math.ceil(k * r.size0)
    assert r.power == pytest.approx(power[r.size0])
    assert isinstance(r.size, float) and isinstance(r.size0, float)


def test_saw_tooth_is_real() -> None:
    """The first size with the power is not yet the answer: Chernick & Liu (2002), American Statistician 56."""
    r = proportions_sample_size(0.3, 0.6)
    first = next(n for n in range(2, 400) if proportions_power(0.3, 0.6, n, n).power >= 0.8)
    assert first < r.size0


def test_power_rises_with_the_table_and_swaps() -> None:
    r = rates_power(1.0, 2.0, 20.0, 30.0)
    assert [row[0] for row in r.table()] == [10.0, 15.0, 20.0, 25.0, 30.0, 40.0]
    assert r.table()[2][2] == r.power
    assert all(a[2] < b[2] for a, b in zip(r.table(), r.table()[1:], strict=False))
    assert rates_power(2.0, 1.0, 30.0, 20.0).power == pytest.approx(r.power, abs=1e-12)
    a, b = proportions_power(0.3, 0.5, 40, 60).power, proportions_power(0.5, 0.3, 60, 40).power
    assert a == pytest.approx(b, abs=1e-12)
    assert a == pytest.approx(proportions_power(0.7, 0.5, 40, 60).power, abs=1e-12)


def test_power_at_the_null_is_the_size_of_the_test() -> None:
    """Exact tests hold their level; the two nulls of a point null share it."""
    assert rates_power(1.0, 1.0, 20.0, 20.0, method="exact").power <= 0.05
    assert rates_power(1.0, 1.0, 20.0, 20.0, method="exact").power > 0.0
    assert proportions_power(0.3, 0.3, 40, 40, effect="odds_ratio", method="exact").power <= 0.05
    assert proportions_power(0.0, 0.0, 10, 10).power == 0.0
    assert rates_power(0.0, 0.0, 10.0, 10.0).power == 0.0


def test_result_reads_and_travels() -> None:
    r = rates_power(1.0, 2.0, 20.0, 30.0)
    assert "power" in r.summary() and r.to_dict()["schema"] == "qstats.study-size/1"
    assert list(r.to_frame().columns) == ["size", "size0", "power"]
    assert r.to_json().count("NaN") == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rates_power(-1.0, 1.0, 1.0, 1.0), "rate: got -1"),
        (lambda: rates_power(1.0, 1.0, 0.0, 1.0), "exposure: got 0"),
        (lambda: rates_power(1.0, 1.0, 1.0, 1.0, method="fisher"), "method"),
        (lambda: rates_power(1.0, 1.0, 1.0, 1.0, dispersion=2.0), "dispersion"),
        (lambda: rates_power(1.0, 1.0, 1.0, 1.0, null=(1.2, 0.8)), "lower margin comes first"),
        (lambda: rates_power(1.0, 1.0, 1.0, 1.0, null=(0.8, 1.2), alternative="less"), "equivalence has no side"),
        (lambda: rates_power(1.0, 1.0, 1.0, 1.0, confidence=95), "a fraction is wanted"),
        (lambda: rates_sample_size(1.0, 1.0), "no size shows it"),
        (lambda: rates_sample_size(1.0, 1.5, alternative="less"), "no size shows it"),
        (lambda: rates_sample_size(1.0, 0.7, null=(0.8, 1.25)), "no size shows it"),
        (lambda: rates_sample_size(0.0, 0.7), "rate0: got 0"),
        (lambda: rates_sample_size(1.0, 0.7, power=0.01), "power: got 0.01"),
        (lambda: proportions_power(3.0, 0.5, 10, 10), "a share from 0 to 1"),
        (lambda: proportions_power(0.3, 0.5, 10.5, 10), "size: got 10.5"),
        (lambda: proportions_power(0.3, 0.5, 10, 10, method="exact"), "odds_ratio"),
        (lambda: proportions_power(0.3, 0.0, 10, 10, effect="risk_ratio"), "use effect='difference'"),
        (lambda: proportions_power(0.3, 0.5, 10, 10, null=1.5), "null: got 1.5"),
        (lambda: proportions_sample_size(0.3, 0.3), "no size shows it"),
        (lambda: proportions_power(0.3, "half", 10, 10), "proportion0"),
    ],
)
def test_bad_input_is_told(call, words: str) -> None:
    with pytest.raises(DataError, match=words):
        call()


def test_extreme_but_sound_input_raises_no_warning() -> None:
    assert rates_power(1e-40, 1e40, 1e40, 1e-40).power > 0.0
    assert rates_power(1e-30, 1e-30, 1e30, 1e-20, null=1e40).power >= 0.0
    assert rates_power(1.0, 50.0, 1e-9, 1.0).power == pytest.approx(rates_power(50.0, 1.0, 1.0, 1e-9).power, abs=1e-9)
    assert proportions_power(1e-300, 1.0, 1, 1).power == 0.0
    assert proportions_power(1.0, 0.0, 10**14, 10**14).power == 1.0
    assert proportions_power(0.5, 0.5, 10**6, 3).power < 0.5
    assert rates_sample_size(1e-40, 0.5).power == pytest.approx(0.8)
    assert rates_sample_size(1.0, 0.5, confidence=1 - 1e-15, method="normal").power == pytest.approx(0.8)


@pytest.mark.parametrize("rows", [4, 10**9])
def test_rows_solved_in_strides_give_the_same_sum(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """The border found between neighbours is the border found alone; both against the sum over all outcomes."""
    monkeypatch.setattr("qstats.inference.power.kernels._ROWS", rows)
    x, x0, weight = _binomial_grid(70, 0.4, 90, 0.25)
    for effect, method, null in (
        ("difference", "miettinen-nurminen", 0.0),
        ("difference", "newcombe", 0.1),
        ("risk_ratio", "mee", 1.4),
        ("odds_ratio", "midp", 1.0),
    ):
        p = compare_proportions(x, 70, x0, 90, effect=effect, method=method, null=null).pvalue
        power = proportions_power(0.4, 0.25, 70, 90, effect=effect, method=method, null=null).power
        assert power == pytest.approx(float(weight @ (p < 1.0 - 0.95)), abs=1e-11)
    y, y0 = np.indices((130, 130)).reshape(2, -1)
    weight = stats.poisson.pmf(y, 40.0) * stats.poisson.pmf(y0, 60.0)
    for method in ("midp", "exact", "score"):
        p = compare_rates(y, 5.0, y0, 6.0, method=method).pvalue
        power = rates_power(8.0, 10.0, 5.0, 6.0, method=method).power
        assert power == pytest.approx(float(weight @ (p < 1.0 - 0.95)), abs=1e-10)
