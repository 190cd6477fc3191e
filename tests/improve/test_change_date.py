"""Date of a change: R strucchange and changepoint, a plain-loop profile likelihood, the conditional test by hand."""

import math

import numpy as np
import pytest

from qstats import DataError
from qstats.errors import TooFewData
from qstats.improve.guards.change_date import change_date

# R datasets::Nile, 1871-1970; strucchange 1.5.3 breakpoints(y ~ 1): break after observation 28 (1898), RSS below;
# supF 75.9298 (sctest(Fstats(y ~ 1), type = "supF")).
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831,
    726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845,
    944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918,
    986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]  # fmt: skip
NILE_RSS = (2835156.75, 1597457.1944444445)
# changepoint 2.3, cpt.meanvar(x, test.stat = "Poisson", method = "PELT", penalty = "MBIC"): change after 60
POISSON = [
    3, 0, 2, 1, 2, 2, 3, 0, 0, 1, 3, 3, 1, 2, 1, 2, 3, 0, 2, 0, 1, 2, 1, 0, 1, 0, 0, 4, 1, 1, 0, 1, 2, 1, 0, 2, 2, 2, 4,
    0, 3, 2, 1, 2, 2, 1, 1, 1, 2, 1, 0, 2, 1, 3, 1, 0, 2, 1, 1, 2, 3, 2, 6, 3, 5, 1, 6, 4, 7, 1, 3, 3, 3, 4, 4, 2, 2, 6,
    5, 5, 3, 4, 4, 0, 3, 2, 4, 2, 2, 5, 3, 3, 2, 4, 9, 4, 2, 3, 6, 2, 3, 7, 2, 2, 3, 4, 1, 1, 5, 2, 2, 5, 2, 4, 4, 5, 2,
    5, 2, 4,
]  # fmt: skip
SHORT = [9, 12, 8, 11, 10, 13, 9, 4, 3, 5, 2, 4, 6, 3]


def test_nile_equals_strucchange() -> None:
    r = change_date(NILE, model="mean", labels=range(1871, 1971), rng=1)
    assert (r.start, r.last_before, r.label) == (28, "1898", "1899")
    assert r.statistic == pytest.approx(75.9298, abs=5e-5)
    assert r.dispersion == pytest.approx(NILE_RSS[1] / 98, rel=1e-12)
    assert r.statistic == pytest.approx((NILE_RSS[0] - NILE_RSS[1]) / (NILE_RSS[1] / 98), rel=1e-10)
    assert r.pvalue == 1 / 1000
    assert r.includes("1899") and not r.includes("1912")


def test_supf_equals_strucchange_on_a_short_series() -> None:
    # strucchange 1.5.3, case strucchange-1: supF 12.63000510 at 12; asymptotic p .0085 (24 points: small-sample larger)
    y = [49.426, 48.845, 50.87, 52.313, 49.243, 50.922, 52.773, 51.562, 56.233, 49.6, 51.092, 55.327, 48.334, 47.383,
         48.749, 48.093, 47.856, 48.886, 48.633, 51.783, 48.202, 46.896, 51.524, 47.52]  # fmt: skip
    r = change_date(y, model="mean", resamples=4999, rng=2)
    assert (r.start, r.statistic) == (12, pytest.approx(12.630005100585583, rel=1e-10))
    assert 0.005 < r.pvalue < 0.04
    shifted = change_date(np.array(y) + 1e9, model="mean", resamples=4999, rng=2)
    assert shifted.statistic == pytest.approx(r.statistic, rel=1e-5)
    np.testing.assert_array_equal(shifted.possible, r.possible)


def test_poisson_place_and_levels_equal_changepoint() -> None:
    r = change_date(POISSON, rng=1)
    assert (r.start, r.before, r.after) == (60, pytest.approx(1.4166666666666667), pytest.approx(3.45))
    assert r.includes(60)


def loop_gain(y: list[int], t: list[float]) -> list[float]:
    def fit(i: int, j: int) -> float:
        rate = sum(y[i:j]) / sum(t[i:j])
        return sum(a * math.log(rate * b) - rate * b if a or rate else 0.0 for a, b in zip(y[i:j], t[i:j], strict=True))

    return [fit(0, s) + fit(s, len(y)) - fit(0, len(y)) for s in range(1, len(y))]


def test_statistic_with_exposure_by_a_plain_loop() -> None:
    t = [1.0, 2.0, 1.5, 0.5, 1.0, 1.0, 3.0, 1.0, 2.0, 1.0, 0.7, 1.0, 1.0, 2.0]
    y = [9, 20, 16, 5, 11, 9, 30, 4, 8, 5, 3, 4, 3, 9]
    gain = loop_gain(y, t)
    r = change_date(y, exposure=t, rng=3)
    assert r.start == 1 + int(np.argmax(gain))
    assert r.statistic * r.dispersion == pytest.approx(2 * max(gain), rel=1e-12)
    assert r.before == pytest.approx(sum(y[: r.start]) / sum(t[: r.start]))


def test_test_of_one_place_is_the_conditional_one() -> None:
    # Worsley's test written out: given the sums of the two stretches, counts are multinomial; a loop over draws
    gain = loop_gain(SHORT, [1.0] * 14)
    r = change_date(SHORT, resamples=3999, rng=5)
    assert r.dispersion == 1.0
    rng = np.random.default_rng(77)
    for place in (6, 8):
        behind, hits, runs = max(gain) - gain[place - 1], 0, 1500
        for _ in range(runs):
            drawn = [*rng.multinomial(sum(SHORT[:place]), np.ones(place) / place)]
            drawn += [*rng.multinomial(sum(SHORT[place:]), np.ones(14 - place) / (14 - place))]
            again = loop_gain([int(v) for v in drawn], [1.0] * 14)
            hits += max(again) - again[place - 1] >= behind - 1e-9
        p = hits / runs
        assert r.pvalues[place] == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / runs) + 0.01)


def test_set_and_pvalues_are_one_procedure_and_nested() -> None:
    wide, narrow = (change_date(SHORT, confidence=c, rng=4) for c in (0.99, 0.8))
    np.testing.assert_array_equal(wide.pvalues, narrow.pvalues)
    np.testing.assert_array_equal(wide.possible[1:], wide.pvalues[1:] > 1 - 0.99)
    assert (narrow.possible <= wide.possible).all()
    assert wide.possible[wide.start]
    assert not wide.possible[0]


def test_time_reversed_mirrors_the_change() -> None:
    r, back = change_date(SHORT, rng=1), change_date(SHORT[::-1], rng=1)
    assert back.start == len(SHORT) - r.start
    assert (back.before, back.after) == (r.after, r.before)
    assert back.statistic == pytest.approx(r.statistic)


def test_no_change_leaves_the_date_open() -> None:
    r = change_date([5, 7, 4, 6, 5, 6, 5, 4, 7, 5, 6, 5], rng=1)
    assert r.pvalue > 0.2
    assert "date-open" in [n.code for n in r.notes]


def test_scatter_widens_the_set() -> None:
    calm = [10] * 12 + [5] * 12
    wild = [2, 18] * 6 + [1, 9] * 6
    a, b = change_date(calm, rng=1), change_date(wild, rng=1)
    assert (a.start, b.dispersion > 3) == (12, True)
    assert b.possible.sum() > a.possible.sum()
    assert "overdispersed" in [n.code for n in b.notes]


@pytest.mark.parametrize("y", [[0] * 7 + [1], [0] * 10 + [50] * 10, [10**9] * 5 + [10**9 + 10**6] * 5, [1] + [0] * 9])
def test_edges_give_finite_answers(y: list[int]) -> None:
    r = change_date(y, resamples=99, rng=1)
    assert np.isfinite([r.before, r.after, r.statistic, r.pvalue]).all()
    assert 0 < r.start < len(y)
    assert np.isfinite(r.pvalues[1:]).all()


def test_two_levels_without_scatter() -> None:
    r = change_date([1.0] * 6 + [2.0] * 6, model="mean", resamples=99, rng=1)
    assert r.start == 6
    assert r.possible.sum() == 1


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: change_date([1, 2, 3]), TooFewData, "at least 6"),
        (lambda: change_date([0] * 8), TooFewData, "no event"),
        (lambda: change_date([2.0] * 8, model="mean"), DataError, "all are the same"),
        (lambda: change_date([1.5] * 8), DataError, "whole numbers"),
        (lambda: change_date([1, 2] * 4, labels=["a"]), DataError, "labels"),
        (lambda: change_date([1, 2] * 4, model="poisson"), DataError, "model"),
        (lambda: change_date([1, 2] * 4, resamples=5), DataError, "resamples"),
        (lambda: change_date([1, 2] * 4, model="mean", exposure=[1.0] * 8), DataError, "exposure"),
        (lambda: change_date(SHORT, resamples=99, rng=1).includes(99), DataError, "position"),
        (lambda: change_date(SHORT, resamples=99, rng=1).includes("May"), DataError, "no period"),
    ],
)
def test_bad_input(call, error: type[Exception], says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=says):
        call()
