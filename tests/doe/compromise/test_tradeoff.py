"""The public face: known answers, invariances, what is told when nothing qualifies, hostile arguments."""

import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats

from qstats import Spec
from qstats.doe import Factor, central_composite, full_factorial, mixture, split_plot
from qstats.doe.as_made import from_runs
from qstats.doe.compromise.tradeoff_door import tradeoff
from qstats.doe.fitting.door import fit
from qstats.errors import DataError, DesignError, FormulaError

# NIST e-Handbook 5.4.7.3: pressure and H2/WF6 in coded units, uniformity, stress
CVD = """1 0 4.6 8.04; 0 0 6.2 7.78; .71 -.71 3.4 7.58; -.71 .71 6.9 7.27; -1 0 7.3 6.49; 0 0 6.4 7.69;
-.71 -.71 8.6 6.66; 0 -1 6.3 7.16; .71 .71 5.1 8.33; 0 1 5.4 8.19; 0 0 5.0 7.90"""
# Montgomery 2013, DAE 8e, Ex. 6.2: filtration rate, standard order
FILTRATION = [45, 71, 48, 65, 68, 60, 80, 65, 43, 100, 45, 104, 75, 86, 70, 96]


@pytest.fixture(scope="module")
def films():
    cell = np.array([[float(v) for v in row.split()] for row in CVD.split(";")])
    runs = {"pressure": 42 + 38 * cell[:, 0], "ratio": 6 + 4 * cell[:, 1], "u": cell[:, 2], "s": cell[:, 3]}
    ranges = [Factor("pressure", 4, 80), Factor("ratio", 2, 10)]
    design = from_runs(runs, ranges, responses=["u", "s"]).design
    uniformity = fit(design, runs["u"], model="pressure + ratio + pressure:ratio", name="uniformity")
    stress = fit(design, runs["s"], model="pressure + ratio + pressure^2", name="stress")
    return uniformity, stress


@pytest.fixture(scope="module")
def speed():
    """Time falls with speed, quality too; errors are small."""
    design = central_composite({"speed": (20, 60), "heat": (150, 200)}, kind="face", center_points=4, rng=1)
    rng = np.random.default_rng(5)
    x = np.asarray(design.coded)
    time = fit(design, 10 - x[:, 0] + rng.normal(0, 0.02, len(x)), model="linear", name="time")
    quality = fit(design, 50 - 2 * x[:, 0] + x[:, 1] + rng.normal(0, 0.02, len(x)), model="linear", name="quality")
    return time, quality


GOALS = {"time": "min", "quality": "max"}


def test_films_as_the_engineers_chose_them(films):
    # 5.4.7.3.3: low uniformity values are good and want high pressure and a low ratio; low stress wants low pressure
    t = tradeoff(films, goals={"uniformity": "min", "stress": "min"}, specs={"stress": (None, 8.0)}, rng=1)
    best = t.recommended
    assert best.settings["ratio"] == pytest.approx(2.0) and best.settings["pressure"] > 60
    assert best.predictions["stress"].interval.high[0] < 8.0
    # at (coded) pressure 1, ratio -1: 5.92727 - 1.90967 + .22408 - 1.68617 (coefficients of the golden examples)
    corner = np.flatnonzero((t.candidates == [1.0, -1.0]).all(axis=1))[0]
    assert t.predicted[corner, 0] == pytest.approx(2.5555, abs=2e-4)
    assert t.predicted[corner, 1] == pytest.approx(7.73410 + 0.73593 - 0.49686 - 0.49426, abs=2e-4)
    assert corner == t.front[0]  # nothing is more uniform


def test_a_known_exchange_rate(speed):
    # along the front heat is at its highest and speed alone trades: 2 of quality for 1 of time
    t = tradeoff(speed, goals=GOALS, specs={"quality": (50, None)}, rng=1)
    assert t.exchange.rate == pytest.approx(2.0, abs=0.05)
    assert 2.0 in t.exchange.interval or abs(t.exchange.interval.low - 2) < 0.05
    assert t.exchange.interval.low <= t.exchange.rate <= t.exchange.interval.high
    assert "one unit less of time costs" in t.exchange.text and t.exchange.draws == 1.0
    assert t.band.rate[8:-8] == pytest.approx(2.0, abs=0.05)  # at both ends heat trades too, a little
    assert np.isnan(t.band.rate[[0, -1]]).all()
    # quality 50 is reached at speed coded .5 with all heat: time 9.5, the safe setting a little slower
    assert 9.4 < t.recommended.values["time"] < 9.65 and t.recommended.settings["heat"] > 199
    assert (
        t.price.estimate == pytest.approx(t.recommended.values["time"] - t.point_optimum.values["time"])
        and t.price.estimate > 0
    )
    assert t.point_optimum.values["quality"] < t.recommended.values["quality"]


def test_a_rate_in_the_other_direction(speed):
    t = tradeoff(speed, goals={"quality": "max", "time": "min"}, specs={"time": (None, 10)}, rng=1)
    assert t.exchange.rate == pytest.approx(0.5, abs=0.01)
    back = tradeoff(speed, goals=GOALS, specs={"time": (None, 10)}, rng=1).exchange
    assert t.exchange.rate == pytest.approx(1 / back.rate, rel=1e-9)
    assert t.exchange.interval.low == pytest.approx(1 / back.interval.high, rel=1e-2)
    assert "one unit more of quality costs" in t.exchange.text and "more time" in t.exchange.text
    assert (np.diff(t.band.first) > 0).all() and (np.diff(t.band.second[np.isfinite(t.band.second)]) >= -1e-9).all()


def test_the_recommended_setting_is_the_best_that_qualifies(films):
    t = tradeoff(films, goals={"uniformity": "min", "stress": "min"}, specs={"stress": Spec(None, 8.0)}, rng=3)
    at = np.flatnonzero((t.candidates == t.recommended.coded).all(axis=1))[0]
    assert t.safe[at] and t.predicted[t.safe, 0].min() == pytest.approx(t.predicted[at, 0], rel=1e-12)
    assert (t.safe == (t.score >= t.multiplier)).all()
    assert t.multiplier > stats.t(films[1].fitted.df).ppf(0.95)
    # the boundary of the safe set is a bound on the mean with that many standard errors
    eta = films[1].predict(t.settings([at])).mean[0]
    se = films[1].fitted.standard_errors(films[1].rows(t.candidates[[at]]))[0]
    assert t.score[at] == pytest.approx((8.0 - eta) / se)
    assert t.recommended.probability == t.probability[at] >= 0.95
    pointwise = tradeoff(films, goals={"uniformity": "min"}, specs={"stress": (None, 8.0)}, bound="pointwise", rng=3)
    assert pointwise.multiplier == pytest.approx(stats.t(films[1].fitted.df).ppf(0.95))
    assert pointwise.recommended.values["uniformity"] <= t.recommended.values["uniformity"]
    assert "pointwise" in [n.code for n in pointwise.notes]


def test_more_assurance_lets_less_in(films):
    found = [
        tradeoff(films, goals={"uniformity": "min"}, specs={"stress": (None, 8.0)}, assurance=a, rng=3, grid=11)
        for a in (0.5, 0.9, 0.99)
    ]
    assert found[0].multiplier < found[1].multiplier < found[2].multiplier
    coarse = [t.safe[: t.grid] for t in found]
    assert all((b <= a).all() for a, b in itertools.pairwise(coarse))


def test_probabilities_of_one_limit_are_those_of_student(films):
    t = tradeoff(films, goals={"stress": "min"}, specs={"stress": (None, 8.0)}, draws=20_000, grid=7, rng=2)
    # P(mean <= 8 | data) = P(T <= (8 - x'b) / se), flat prior
    exact = stats.t(films[1].fitted.df).cdf(t.score)
    assert np.abs(t.probability - exact).max() < 4 * math.sqrt(0.25 / 20_000)


def test_units_do_not_matter(films):
    uniformity, stress = films
    design = uniformity.design
    scaled = fit(design, 60 * uniformity.y + 1e6, model=uniformity.model, name="uniformity")
    goals = {"uniformity": "min", "stress": "min"}
    a, b = (tradeoff([u, stress], goals=goals, specs={"stress": (None, 8.0)}, rng=3) for u in (uniformity, scaled))
    assert b.recommended.coded == pytest.approx(a.recommended.coded)
    assert b.price.estimate == pytest.approx(60 * a.price.estimate, rel=1e-6)
    assert b.exchange.rate == pytest.approx(a.exchange.rate / 60, rel=1e-6)
    assert b.multiplier == pytest.approx(a.multiplier, rel=1e-6)
    assert (a.front == b.front).all() and a.non_dominated == pytest.approx(b.non_dominated)


def test_the_same_seed_gives_the_same_answer(films):
    goals = {"uniformity": "min", "stress": "min"}
    a, b = (tradeoff(films, goals=goals, specs={"stress": (None, 8.0)}, rng=9, draws=500).to_json() for _ in range(2))
    assert a == b and json.loads(a)["seed"] == 9 and json.loads(a)["draws"] == 500


def test_nothing_qualifies(films):
    goals = {"uniformity": "min", "stress": "min"}
    t = tradeoff(films, goals=goals, specs={"stress": (None, 6.05)}, rng=1)
    assert t.recommended is None and not t.safe.any() and t.price is None
    assert "none-safe" in [n.code for n in t.notes]
    at = t.score.argmax()
    assert t.none_safe.closest.score == t.score[at] > 0
    assert t.none_safe.runs_factor == pytest.approx((t.multiplier / t.score[at]) ** 2)
    assert "no setting qualifies" in t.summary() and "times the runs" in t.summary()
    t = tradeoff(films, goals=goals, specs={"stress": (None, 3.0)}, rng=1)
    assert t.none_safe.runs_factor is None and t.point_optimum is None and "widen the ranges" in t.summary()


def test_without_limits(films):
    t = tradeoff(films, goals={"uniformity": "min", "stress": "min"}, rng=1)
    assert t.safe.all() and t.price is None and "no-limits" in [n.code for n in t.notes]
    assert t.recommended.values["uniformity"] == pytest.approx(2.5555, abs=2e-4)


def test_goals_that_do_not_conflict(speed):
    time, _ = speed
    both = fit(time.design, -2.0 * time.y, model="linear", name="more")
    t = tradeoff([time, both], goals={"time": "min", "more": "max"}, rng=1)
    assert t.front.size == 1 and t.band is None and t.exchange is None and t.knee is None
    assert "no-conflict" in [n.code for n in t.notes]


def test_three_goals_and_a_known_cost(speed):
    goals = {"time": "min", "quality": "max", "cost": "min"}
    t = tradeoff(speed, goals=goals, specs={"quality": (50, None)}, costs={"heat": 0.5}, draws=400, rng=1)
    assert t.responses == ("time", "quality", "cost") and t.band is None
    assert t.predicted_of("cost") == pytest.approx(0.5 * t.settings()["heat"])
    assert t.recommended.values["cost"] == 100.0 and "cost" not in t.recommended.predictions
    # predicted quality is not on the front of all who cost as much and are as fast
    assert (t.non_dominated > 0).mean() > 0.9
    by_cost = tradeoff(
        speed, goals={"cost": "min", "time": "min"}, specs={"quality": (50, None)}, costs={"heat": 0.5}, rng=1
    )
    assert by_cost.recommended.settings["heat"] == 150.0
    limited = tradeoff(speed, goals={"time": "min"}, specs={"cost": (None, 90)}, costs={"heat": 0.5}, rng=1)
    assert limited.recommended.settings["heat"] <= 180.0


def test_limits_of_other_responses_hold_along_the_front(films):
    uniformity, stress = films
    third = fit(stress.design, stress.design.coded[:, 0] + 0.01 * np.arange(11) % 3, model="linear", name="third")
    t = tradeoff(
        [uniformity, stress, third], goals={"uniformity": "min", "stress": "min"}, specs={"third": (None, 0)}, rng=1
    )
    assert (t.predicted_of("third")[t.front] <= 0).all()


def test_single_runs(films):
    goals = {"uniformity": "min", "stress": "min"}
    mean = tradeoff(films, goals=goals, specs={"stress": (None, 7.6)}, rng=1)
    run = tradeoff(films, goals=goals, specs={"stress": (None, 7.6)}, of="run", share=0.9, rng=1)
    assert run.recommended.values["stress"] + stats.norm.ppf(0.9) * films[1].sigma < 7.6
    assert run.recommended.values["uniformity"] > mean.recommended.values["uniformity"]
    assert "90% of single runs" in run.summary()


def test_counts_categories_and_rules():
    design = full_factorial({"speed": [20, 40, 60], "glue": ["A", "B", "C"], "pins": [2, 4, 8]}, rng=1)
    rng = np.random.default_rng(1)
    x = np.asarray(design.coded)
    defects = fit(
        design, rng.poisson(np.exp(2.0 + 0.5 * x[:, 0] + 0.4 * (x[:, 1] == 1))), distribution="poisson", name="defects"
    )
    time = fit(design, np.exp(1.0 - 0.4 * x[:, 0] + rng.normal(0, 0.05, 27)), distribution="lognormal", name="time")
    t = tradeoff(
        [time, defects], goals={"time": "min", "defects": "min"}, specs={"defects": (None, 8.0)},
        constraints="pins <= 4", disallowed={"glue": "C"}, rng=1,
    )  # fmt: skip
    assert set(t.settings()["glue"]) == {"A", "B"} and t.settings()["pins"].max() == 4.0
    assert {"approximate", "independent"} <= {n.code for n in t.notes}
    assert t.recommended.predictions["defects"].interval.high[0] < 8.0
    assert t.recommended.settings["speed"] in (20.0, 40.0, 60.0)
    s = t.recommended.settings
    assert t.recommended.values["time"] == pytest.approx(time.predict(s).mean[0])
    with pytest.raises(DesignError, match="no setting"):
        tradeoff([time], goals={"time": "min"}, constraints="pins <= 1", rng=1)
    with pytest.raises(FormulaError):
        tradeoff([time], goals={"time": "min"}, constraints="__import__('os')", rng=1)


def test_mixtures():
    design = mixture(3, rng=1)
    x = np.asarray(design.coded)
    rng = np.random.default_rng(1)
    n = len(design)
    a = fit(design, 3 * x[:, 0] + x[:, 1] + rng.normal(0, 0.05, n), model="linear", name="a")
    b = fit(design, 2 * x[:, 0] + 4 * x[:, 2] + rng.normal(0, 0.05, n), model="linear", name="b")
    t = tradeoff([a, b], goals={"a": "max", "b": "max"}, specs={"b": (2.5, None)}, rng=1, draws=500)
    shares = np.array([t.recommended.settings[f.name] for f in design.factors])
    assert shares.sum() == pytest.approx(1.0) and (shares >= -1e-9).all()
    # between pure first and pure third: b = 2 + 2 x3 >= 2.5 at x3 = .25, a = 2.25
    assert 2.0 < t.recommended.values["a"] < 2.35 and shares[1] < 0.06


def test_many_factors_are_sampled():
    design = full_factorial(6, rng=1)
    x = np.asarray(design.coded)
    rng = np.random.default_rng(1)
    y = fit(design, x @ [3, 2, 1, 1, 1, 1] + rng.normal(0, 0.3, 64), model="linear", name="y")
    z = fit(design, x @ [1, -1, 1, 0, 0, 0] + rng.normal(0, 0.3, 64), model="linear", name="z")
    t = tradeoff([y, z], goals={"y": "min", "z": "max"}, specs={"z": (0.5, None)}, draws=400, rng=1)
    assert t.recommended is not None and "sample of the region" in t.method
    assert t.predicted_of("y").min() == pytest.approx(y.predict({f.name: -1.0 for f in design.factors}).mean[0])


def test_a_factor_in_no_model_is_held():
    design = full_factorial({"a": (0, 1), "b": (0, 2)}, replicates=2, rng=1)
    y = fit(design, [1, 2, 1.1, 2.2, 0.9, 2.1, 1.2, 2.0], model="a", name="y")
    t = tradeoff(y, goals={"y": "min"}, specs={"y": (None, 1.8)}, rng=1)
    assert set(t.settings()["b"]) == {1.0} and "idle-factor" in [n.code for n in t.notes]


# ---- production ----


def test_transmitted_variance_of_the_filtration_rate():
    # Montgomery 2013, 12.4: A is noise; slope 10.8125 - 9.0625 C + 8.3125 D, residual variance 19.5125
    design = full_factorial([Factor("A", -1, 1, noise=True), "B", "C", "D"], rng=1)
    y = fit(design, FILTRATION, model="A + C + D + A:C + A:D", name="rate")
    t = tradeoff(y, goals={"rate": "max"}, specs={"rate": (60, None)}, noise={"A": 1.0}, rng=1)
    assert (t.candidates[:, 0] == 0.0).all()
    c, d = t.recommended.coded[2:]
    p = t.robust.responses["rate"]
    slope = 10.8125 - 9.0625 * c + 8.3125 * d
    assert p.slopes["A"] == pytest.approx(slope, abs=1e-6)
    assert p.delta_sd**2 == pytest.approx(slope**2 + 19.5125, abs=1e-5)
    assert p.sd.estimate**2 == pytest.approx(slope**2 + 19.5125, abs=1e-5)  # straight in A: no chance left
    assert p.sd.estimate in p.sd.interval and p.mean.estimate == pytest.approx(t.recommended.values["rate"])
    cd = t.candidates[t.front][:, 2:]
    expected = np.sqrt((10.8125 - 9.0625 * cd[:, 0] + 8.3125 * cd[:, 1]) ** 2 + 19.5125)
    assert t.robust.front_sd["rate"] == pytest.approx(expected, abs=1e-5)


def test_defects_of_a_straight_response_are_normal(speed):
    t = tradeoff(speed, goals=GOALS, specs={"quality": (50, None)}, tolerance={"speed": 2.0}, rng=1)
    p = t.robust.responses["quality"]
    quality = speed[1]
    slope = quality.estimate[quality.labels.index("speed")] / 20.0
    sd = math.hypot(2.0 * slope, quality.sigma)
    assert p.slopes["speed"] == pytest.approx(slope) and p.delta_sd == pytest.approx(sd)
    mean = t.recommended.values["quality"]
    assert p.dpmo.estimate == pytest.approx(1e6 * stats.norm.sf((mean - 50) / sd), rel=0.15)  # 1,000 units of a factor
    assert p.cpk.estimate == pytest.approx((mean - 50) / (3 * sd), rel=1e-9)
    assert p.dpmo.estimate in p.dpmo.interval and p.cpk.estimate in p.cpk.interval
    assert p.sigma_level.estimate == pytest.approx(stats.norm.isf(p.dpmo.estimate / 1e6))
    at = np.flatnonzero(np.isfinite(t.robust.front_dpmo["quality"]))[0]
    m = t.predicted_of("quality")[t.front[at]]
    assert t.robust.front_dpmo["quality"][at] == pytest.approx(1e6 * stats.norm.sf((m - 50) / sd), rel=1e-6)
    assert t.robust.responses["time"].cpk is None and "in production" in t.summary()


def test_lognormal_production():
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=4, rng=1)
    rng = np.random.default_rng(3)
    x = np.asarray(design.coded)
    hours = fit(design, np.exp(1 + 0.3 * x[:, 0] + rng.normal(0, 0.2, 16)), distribution="lognormal", name="hours")
    t = tradeoff(hours, goals={"hours": "min"}, specs={"hours": (None, 4)}, tolerance={"a": 0.1}, rng=1)
    p = t.robust.responses["hours"]
    eta = math.log(hours.predict(t.recommended.settings).median[0])
    slope = hours.estimate[hours.labels.index("a")] / 0.5
    s = math.hypot(0.1 * slope, hours.sigma)
    # lognormal with that spread: mean exp(eta + s^2/2), sd mean sqrt(exp(s^2) - 1)
    assert p.mean.estimate == pytest.approx(math.exp(eta + s * s / 2), rel=1e-3)
    assert p.sd.estimate == pytest.approx(math.exp(eta + s * s / 2) * math.sqrt(math.expm1(s * s)), rel=5e-3)
    assert p.dpmo.estimate == pytest.approx(1e6 * stats.norm.sf((math.log(4) - eta) / s), rel=0.05)


# ---- hostile ----


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"goals": {"tiem": "min"}}, "no response"),
        ({"goals": {"uniformity": ("target", 3)}}, "no direction"),
        ({"specs": {"x": (1, 2)}}, "no response"),
        ({"assurance": 95}, "assurance"),
        ({"assurance": float("nan")}, "assurance"),
        ({"bound": "exact"}, "bound"),
        ({"of": "run"}, "share"),
        ({"share": 0.9}, "of='run'"),
        ({"of": "run", "share": 1.0}, "share"),
        ({"draws": 10}, "draws"),
        ({"draws": 1e9}, "draws"),
        ({"grid": 1}, "grid"),
        ({"confidence": 95}, "0.95"),
        ({"rng": "x"}, "rng"),
        ({"tolerance": {"heat": 1}}, "'heat' is no factor"),
        ({"tolerance": {"ratio": -1}}, "tolerance"),
        ({"tolerance": {"ratio": 1}, "noise": {"ratio": 1}}, "tolerance too"),
        ({"tolerance": 3}, "mapping"),
        ({"costs": {"x": 1}}, "'x' is no factor"),
        ({"costs": {}}, "costs"),
        ({"costs": {"ratio": "dear"}}, "costs"),
    ],
)
def test_arguments_refused(films, more, word):
    given = {"goals": {"uniformity": "min", "stress": "min"}, **more}
    with pytest.raises(DataError, match=word):
        tradeoff(films, **given)


def test_whole_plots():
    design = split_plot(
        full_factorial([Factor("T", -1, 1, hard_to_change=True), "P", "S"], rng=1), whole_plots=4, replicates=2, rng=1
    )
    assert design.split_plot
    rng = np.random.default_rng(2)
    x, plot = np.asarray(design.coded), design.whole_plot
    error = rng.normal(0, 0.3, plot.max())[plot - 1] + rng.normal(0, 0.1, len(x))
    y = fit(design, 5 + x[:, 0] - x[:, 1] + error, model="linear", name="y")
    t = tradeoff(y, goals={"y": "min"}, specs={"y": (4.5, None)}, rng=1)
    # Student's on the least degrees of freedom any coefficient has
    least = min(float(v) for v in y.df)
    assert t.multiplier >= stats.t(least).ppf(0.95) and t.recommended.predictions["y"].interval.low[0] > 4.0
    assert "approximate" in [n.code for n in t.notes]


def test_huge_offsets_and_no_error():
    design = central_composite({"a": (1e12, 1e12 + 10), "b": (0, 1e-6)}, kind="face", center_points=4, rng=1)
    x = np.asarray(design.coded)
    e = np.random.default_rng(1).normal(0, 0.1, (2, len(x)))

    def fitted(y, name):
        return fit(design, y, model="linear", name=name)

    near, far = (
        tradeoff(
            [fitted(level + x[:, 0] + x[:, 1] + e[0], "y"), fitted(x[:, 0] - x[:, 1] + e[1], "z")],
            goals={"y": "min", "z": "max"}, specs={"z": (0.5, None)}, rng=1,
        )
        for level in (0.0, 1e9)
    )  # fmt: skip
    assert far.recommended.coded == pytest.approx(near.recommended.coded)
    assert far.exchange.rate == pytest.approx(near.exchange.rate, rel=1e-4)
    assert "a 10000000000" in str(near.recommended)
    sure = fitted(3 + x[:, 0], "sure")
    t = tradeoff(sure, goals={"sure": "max"}, specs={"sure": (None, 3.2)}, tolerance={"a": 1.0}, rng=1)
    assert t.recommended.values["sure"] == pytest.approx(3.2, abs=1e-9) and t.recommended.probability == 1.0
    assert t.robust.responses["sure"].sd.estimate == pytest.approx(0.2)  # 1 of 5 natural units for each coded one
    same = fitted(np.full(len(x), 3.0), "same")
    t = tradeoff(same, goals={"same": "min"}, specs={"same": (None, 2.0)}, rng=1)
    assert t.recommended is None and t.none_safe.runs_factor is None and "nan" not in t.summary()


def test_prices_of_levels():
    design = full_factorial({"speed": (20, 60), "glue": ["A", "B", "C"]}, replicates=2, rng=1)
    x = np.asarray(design.coded)
    e = np.random.default_rng(1).normal(0, 0.05, len(x))
    y = fit(design, 5 + x[:, 0] + (x[:, 1] == 2) + e, model="linear", name="strength")
    prices = {"speed": 0.1, "glue": {"A": 1, "B": 2, "C": 5}}
    t = tradeoff(y, goals={"cost": "min"}, specs={"strength": (4.5, None)}, costs=prices, rng=1)
    s = t.settings()
    by_hand = [0.1 * v + {"A": 1, "B": 2, "C": 5}[g] for v, g in zip(s["speed"], s["glue"], strict=True)]
    assert t.predicted_of("cost") == pytest.approx(by_hand)
    # strength 4.5 with glue A wants a speed of 30 and a little more: cost 4; with glue C speed 20: 7
    assert t.recommended.settings["glue"] == "A" and 4.0 < t.recommended.values["cost"] < 4.8
    with pytest.raises(DataError, match="A, B, C"):
        tradeoff(y, goals={"cost": "min"}, costs={"glue": {"A": 1}}, rng=1)
    with pytest.raises(DataError, match="called 'cost' already"):
        tradeoff({"cost": y}, goals={"cost": "min"}, costs=prices, rng=1)
