"""Figures of trade-offs and of optima: what they show is what the results hold."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import qstats
from qstats import doe
from qstats.doe.compromise.tradeoff_door import tradeoff
from qstats.doe.desirability.door import optimize
from qstats.errors import DataError
from qstats.figures import figure_svg

TIME, YIELD = "time $t$ <b>", "产率 [%]"


def drawn(ax: Any, gid: str) -> list[Any]:
    return [a for a in ax.get_children() if a.get_gid() == gid]


def names(ax: Any) -> list[str]:
    return [t.get_text() for t in ax.texts if t.get_gid() == "name"]


def rendered(ax: Any) -> Any:
    FigureCanvasAgg(ax.figure).draw()
    return ax


@cache
def fits(sd: float = 0.5, seed: int = 1) -> Any:
    design = doe.central_composite({"温度": (150, 190), "speed": (10, 30), "third": (0, 1)}, kind="face", rng=1)
    x, rng = np.asarray(design.coded), np.random.default_rng(seed)
    y = 80 + x @ [2, -1, 0.2] - x**2 @ [3, 2, 0.3] + 1.5 * x[:, 0] * x[:, 1] + rng.normal(0, sd, len(x))
    z = 30 + x @ [4, -5, 0.3] + 2 * x[:, 0] ** 2 + rng.normal(0, sd, len(x))
    return [doe.fit(design, v, model="quadratic", name=name) for v, name in ((y, YIELD), (z, TIME))]


@cache
def traded(**more: Any) -> Any:
    return tradeoff(fits(), goals={TIME: "min", YIELD: "max"}, specs={YIELD: (77, None)}, draws=400, rng=1, **more)


@cache
def hopeless() -> Any:
    return tradeoff(
        fits(4.0, 3), goals={TIME: "min", YIELD: "max"}, specs={YIELD: (81.5, None), TIME: (None, 30)}, draws=400, rng=1
    )  # fmt: skip


# ---- trade-off ----


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_front_band_limit_and_named_settings(lang: str) -> None:
    r = traded()
    ax = rendered(qstats.plot(r, lang=lang))
    x, y = r.predicted_of(TIME), r.predicted_of(YIELD)
    (front,) = drawn(ax, "front")
    np.testing.assert_array_equal(front.get_xydata(), np.column_stack([x[r.front], y[r.front]]))
    for name, choice in (("recommended", r.recommended), ("point optimum", r.point_optimum)):
        (mark,) = drawn(ax, name)
        assert mark.get_xydata()[0].tolist() == [choice.values[TIME], choice.values[YIELD]]
    (limit,) = drawn(ax, "limit")
    assert limit.get_ydata()[0] == 77.0 and any("77" in t.get_text() for t in ax.texts)
    (band,) = drawn(ax, "band")
    vertices = band.get_paths()[0].vertices
    low, high = ax.get_ylim()
    assert vertices[:, 1].max() == pytest.approx(np.clip(r.band.interval.high, low, high).max())
    assert vertices[:, 1].min() == pytest.approx(np.clip(r.band.interval.low, low, high).min())
    assert ax.get_xlabel() == TIME and ax.get_ylabel() == YIELD
    title = ax.figure.get_suptitle().replace("\n", " ")
    assert title.endswith(r.recommended.text)
    want = ["best by predictions alone", "recommended"] if lang == "en" else ["仅按预测的最优", "推荐"]
    assert names(ax) == want


def test_settings_that_qualify_stand_apart_and_none_is_invented() -> None:
    r = traded()
    ax = qstats.plot(r, panel="front")
    every = np.column_stack([r.predicted_of(TIME), r.predicted_of(YIELD)])
    for gid, some in (("candidates", ~r.safe), ("qualify", r.safe)):
        (cloud,) = drawn(ax, gid)
        held = {tuple(p) for p in every[some].tolist()}
        assert all(tuple(p) in held for p in cloud.get_xydata().tolist())
        assert len(cloud.get_xdata()) > 100
    # and every one in sight has a neighbour that is shown, less than a cell away
    (cloud,) = drawn(ax, "qualify")
    size = np.array([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())]) / 64
    away = np.abs(every[r.safe][:, None] - cloud.get_xydata()[None]) / size
    assert (away.max(axis=2).min(axis=1) <= 1.0).all()


def test_the_map_is_the_best_over_the_other_factors() -> None:
    r = traded()
    ax = rendered(qstats.plot(r, panel="map", factors=("speed", "third"), design=fits()[0].design))
    (mesh,) = drawn(ax, "map")
    shown = np.asarray(mesh.get_array()).reshape(11, 11)
    coarse, p = r.candidates[: r.grid], r.probability[: r.grid]
    level = np.linspace(-1, 1, 11)
    for i, j in ((0, 0), (3, 7), (10, 10), (5, 9)):
        some = (np.abs(coarse[:, 1] - level[j]) < 1e-9) & (np.abs(coarse[:, 2] - level[i]) < 1e-9)
        assert shown[i, j] == p[some].max()
    (mark,) = drawn(ax, "recommended")
    assert mark.get_xydata()[0] == pytest.approx([r.recommended.settings["speed"], r.recommended.settings["third"]])
    (runs,) = drawn(ax, "runs")
    assert {tuple(v) for v in runs.get_xydata()} == {(a, b) for a in (10.0, 20.0, 30.0) for b in (0.0, 0.5, 1.0)}
    (dots,) = drawn(ax, "qualify")
    wanted = np.unique(coarse[r.safe[: r.grid]][:, [1, 2]].round(6), axis=0)
    np.testing.assert_allclose(dots.get_xydata(), wanted * [10, 0.5] + [20, 0.5], atol=1e-5)
    assert "the best over the other factors" in ax.get_title(loc="left")


def test_unsaid_the_map_shows_the_factors_that_matter() -> None:
    ax = qstats.plot(traded(), panel="map")  # "third" hardly does anything
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("温度", "speed")


def test_cells_without_a_setting_are_not_cells_that_miss() -> None:
    r = traded(constraints="speed <= 20")
    ax = rendered(qstats.plot(r, panel="map", factors=("温度", "speed")))
    (mesh,) = drawn(ax, "map")
    empty = np.ma.getmaskarray(mesh.get_array()).reshape(len(np.unique(mesh.get_coordinates()[:, 0, 1])) - 1, -1)
    assert not empty.any() and ax.get_ylim() == (10.0, 20.0)  # the map ends where the rule does
    r = traded(constraints="speed + 温度 <= 190")
    ax = rendered(qstats.plot(r, panel="map", factors=("温度", "speed")))
    (mesh,) = drawn(ax, "map")
    empty = np.ma.getmaskarray(mesh.get_array()).reshape(mesh.get_coordinates().shape[0] - 1, -1)
    assert empty[-1, -1] and not empty[0, 0]
    assert "no setting tried" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_how_sure_the_front_is() -> None:
    r = traded()
    ax = rendered(qstats.plot(r, panel="probability", lang="zh"))
    order = np.argsort(r.predicted_of(TIME)[r.front], kind="stable")
    (sure,) = drawn(ax, "non-dominated")
    np.testing.assert_array_equal(sure.get_ydata(), r.non_dominated[order])
    (held,) = drawn(ax, "probability all")
    np.testing.assert_array_equal(held.get_ydata(), r.probability[r.front][order])


def test_nothing_recommended_is_said() -> None:
    r = hopeless()
    assert r.recommended is None
    left, right = rendered(qstats.plot(r)).figure.axes[:2]
    for ax in (left, right):
        assert "no setting qualifies" in [t.get_text() for t in ax.texts]
        assert not drawn(ax, "recommended") and len(drawn(ax, "closest")) == 1 and "closest" in names(ax)
    closest = r.none_safe.closest
    (mark,) = drawn(left, "closest")
    assert mark.get_xydata()[0].tolist() == [closest.values[TIME], closest.values[YIELD]]
    assert "No setting qualifies" in left.figure.get_suptitle()
    assert "没有合格的设定" in qstats.plot(r, lang="zh").figure.get_suptitle()


def test_without_limits_there_is_no_map() -> None:
    r = tradeoff(fits(), goals={TIME: "min", YIELD: "max"}, draws=300, rng=1)
    left, right = rendered(qstats.plot(r)).figure.axes
    assert drawn(right, "non-dominated") and not drawn(right, "probability all")
    assert names(left) == ["recommended"] and not drawn(left, "qualify")  # it is the point optimum, too
    with pytest.raises(DataError, match="limits"):
        qstats.plot(r, panel="map")


def test_one_goal_stands_against_the_limited_response_or_the_probability() -> None:
    r = tradeoff(fits(), goals={TIME: "min"}, specs={YIELD: (77, None)}, draws=300, rng=1)
    ax = rendered(qstats.plot(r))
    assert ax.get_ylabel() == YIELD and not drawn(ax, "band")
    alone = tradeoff(fits()[:1], goals={YIELD: "max"}, specs={YIELD: (77, None)}, draws=300, rng=1)
    ax = rendered(qstats.plot(alone))
    (mark,) = drawn(ax, "recommended both") or drawn(ax, "recommended")
    assert mark.get_ydata()[0] == alone.recommended.probability
    assert ax.get_ylabel() == "P(all limits hold)"


def test_one_factor_has_a_curve_for_a_map() -> None:
    design = doe.full_factorial({"heat": (150, 190)}, replicates=6, center_points=4, rng=1)
    rng = np.random.default_rng(1)
    fit = doe.fit(design, 50 + design.column("heat") + rng.normal(0, 0.3, len(design)), model="linear", name="force")
    r = tradeoff([fit], goals={"force": "min"}, specs={"force": (50, None)}, draws=300, rng=1)
    ax = rendered(qstats.plot(r, panel="map"))
    (line,) = drawn(ax, "probability")
    order = np.argsort(r.candidates[:, 0], kind="stable")
    np.testing.assert_array_equal(line.get_ydata(), r.probability[order])
    np.testing.assert_allclose(line.get_xdata(), 170 + 20 * r.candidates[order, 0])
    with pytest.raises(DataError, match="factors"):
        qstats.plot(r, panel="map", factors=("heat", "x"))


def test_three_goals_levels_of_text_and_a_sample_of_six_factors() -> None:
    rng = np.random.default_rng(2)
    design = doe.full_factorial({"温度": (150, 190), "glue": ["甲", "B", "C"], "v": (0, 1)}, replicates=3, rng=1)
    g, heat, n = design.column("glue"), design.column("温度"), len(design)
    a = doe.fit(design, 5 + heat + g + rng.normal(0, 0.3, n), model="linear", name="force")
    b = doe.fit(design, 9 - heat - 0.5 * g * design.column("v") + rng.normal(0, 0.3, n), name="time")
    c = doe.fit(design, rng.poisson(np.exp(1 + 0.5 * g)), distribution="poisson", model="linear", name="defects")
    r = tradeoff(
        [a, b, c], goals={"time": "min", "force": "max", "defects": "min"}, specs={"force": (5.5, None)}, draws=200,
        rng=1,
    )  # fmt: skip
    left, right = rendered(qstats.plot(r, factors=("v", "glue"))).figure.axes[:2]
    assert "two of 3 goals" in left.get_title(loc="left")
    assert drawn(left, "front")[0].get_linestyle() == "None"
    assert [t.get_text() for t in right.get_yticklabels()] == ["甲", "B", "C"]
    (mark,) = drawn(right, "recommended") or drawn(right, "recommended both")
    assert mark.get_ydata()[0] == ["甲", "B", "C"].index(r.recommended.settings["glue"])
    many = doe.definitive_screening(6, rng=1)
    x = np.asarray(many.coded)
    two = [
        doe.fit(many, 10 + x @ w + rng.normal(0, 0.3, len(x)), model="linear", name=name)
        for name, w in (("y", [1, -2, 0, 0, 0, 0]), ("z", [-1, 0, -1, 0, 0, 0]))
    ]
    r = tradeoff(two, goals={"y": "max", "z": "max"}, specs={"z": (10, None)}, draws=200, rng=1)
    ax = rendered(qstats.plot(r, panel="map", factors=("A", "C")))
    (mesh,) = drawn(ax, "map")
    assert np.asarray(mesh.get_array()).size == 15 * 15
    assert np.ma.max(mesh.get_array()) == r.probability[: r.grid].max()


def test_a_tradeoff_for_a_page() -> None:
    svg = figure_svg(traded(), design=fits()[0].design)
    assert "<image" not in svg and "time $t$ &lt;b&gt;" in svg and "<b>" not in svg
    assert len(svg) < 600_000


def test_wrong_calls_of_a_tradeoff() -> None:
    r = traded()
    for wrong in (
        {"panel": "pie"},
        {"ax": Figure().add_subplot(), "panel": "all"},
        {"panel": "front", "factors": ("speed", "third")},
        {"panel": "map", "factors": ("speed", "speed")},
        {"panel": "front", "design": fits()[0].design},
        {"design": doe.full_factorial(2, rng=1)},
        {"design": 5},
    ):
        with pytest.raises(DataError, match=r"panel|ax|factors|design"):
            qstats.plot(r, **wrong)
    for panel in ("front", "map", "probability"):
        ax = Figure(layout="constrained").add_subplot()
        assert qstats.plot(r, ax=ax, panel=panel, title="T") is ax
        assert ax.get_title(loc="left") == "T"


# ---- optimum ----


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_desirabilities_and_predictions(lang: str) -> None:
    goals = {YIELD: {"kind": "max", "low": 76, "high": 82}, TIME: {"kind": "min", "limits": (None, 32)}}
    r = optimize(fits(), goals=goals, rng=1)
    left, right = rendered(qstats.plot(r, lang=lang)).figure.axes
    bars = [b.get_width() for b in left.patches if b.get_gid() == "bars"]
    assert bars == [r.desirability, *r.each]
    assert next(t.get_text() for t in left.texts) == f"{r.desirability:.3f}"
    # the scale of a row: the limits it is drawn with give back its numbers
    zero, best = drawn(right, "zero")[0].get_xdata()[0], drawn(right, "best")[0].get_xdata()[0]

    def value(at: float) -> float:
        return 76 + (at - zero) / (best - zero) * (82 - 76)

    assert value(drawn(right, "predicted")[0].get_xdata()[0]) == pytest.approx(r.predicted[0])
    held = [value(v) for v in drawn(right, "interval")[0].get_xdata()]
    np.testing.assert_allclose(held, [r.interval.low[0], r.interval.high[0]])
    new = [value(v) for v in drawn(right, "new run")[0].get_xdata()]
    np.testing.assert_allclose(new, [r.new_run[0].low, r.new_run[0].high])
    assert [t.get_text() for t in right.texts if t.get_gid() == "zero value"] == ["76", "32"]
    assert f"{r.desirability:.3f}" in left.figure.get_suptitle()
    assert ("most" if lang == "en" else "越大越好") in next(t.get_text() for t in right.texts if t.get_gid() == "told")


def test_an_impossible_wish_is_said() -> None:
    r = optimize(fits(), goals={YIELD: ("target", 79), TIME: {"low": 0, "high": 15}}, rng=1)
    assert not r.feasible
    ax = rendered(qstats.plot(r, panel="predicted", ax=Figure(layout="constrained").add_subplot(), title="T"))
    told = [t.get_text() for t in ax.texts if t.get_gid() == "told"]
    assert f"misses by {r.missed[1]:.4g}" in told[1] and "misses" not in told[0]
    assert qstats.plot(r).figure.get_suptitle().startswith("No setting keeps every limit")
    for wrong in ({"panel": "pie"}, {"ax": Figure().add_subplot(), "panel": "all"}):
        with pytest.raises(DataError, match=r"panel|ax"):
            qstats.plot(r, **wrong)
