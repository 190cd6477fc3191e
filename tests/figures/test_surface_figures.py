"""Figures of surfaces, paths and profiles: what they show is what the results hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import qstats
from qstats import doe
from qstats.doe.design import make_design
from qstats.doe.factor import as_factors
from qstats.errors import DataError
from qstats.figures import figure_svg

# NIST/SEMATECH e-Handbook 5.5.3.1 (Box, Hunter, Hunter): its stationary point (-.927852, .346800), response 77.58915,
# curvatures -9.82732 and -4.97319
SETTINGS = [[-1, -1], [1, -1], [-1, 1], [1, 1], [-1.414, 0], [1.414, 0], [0, -1.414], [0, 1.414], *[[0, 0]] * 5]
YIELD = [64.33, 51.78, 77.3, 45.37, 72.58, 37.42, 54.63, 54.18, 62.08, 79.36, 75.29, 73.81, 69.45]
LONG = "a very long name of a factor, with $x_1$ and <b>bold</b> & more in it"


def drawn(ax: Any, gid: str) -> list[Any]:
    return [a for a in ax.get_children() if a.get_gid() == gid]


def texts(ax: Any) -> list[str]:
    return [t.get_text() for t in ax.texts]


def rendered(ax: Any) -> Any:
    """Draw for good: a missing glyph or a text that cannot be set is a warning, and warnings are errors."""
    FigureCanvasAgg(ax.figure).draw()
    return ax


def handbook() -> Any:
    return doe.fit(
        make_design("CCD", as_factors(["x1", "x2"]), SETTINGS, rng=1), YIELD, model="quadratic", name="yield"
    )


def three(names: tuple[str, str, str] = ("温度", "time $t$", LONG)) -> Any:
    design = doe.central_composite(
        {names[0]: (150, 190), names[1]: (10, 30), names[2]: (0, 1)}, kind="face", rng=1
    )  # fmt: skip
    x, rng = np.asarray(design.coded), np.random.default_rng(1)
    y = 80 + x @ [2, -1, 1] - x**2 @ [3, 2, 0.3] + 1.5 * x[:, 0] * x[:, 1] + rng.normal(0, 0.5, len(x))
    return doe.fit(design, y, model="quadratic", name="产率 [%]")


def levels() -> Any:
    design = doe.full_factorial({"温度": (150, 190), "glue": ["甲", "B", "C"], "speed": [1, 2, 4]}, replicates=2, rng=1)
    noise = np.random.default_rng(1).normal(0, 0.3, len(design))
    return doe.fit(
        design, 5 + design.column("温度") + design.column("glue") + noise, model="interactions", name="force"
    )


# ---- grids ----


def test_contours_are_heights_of_the_result() -> None:
    r = doe.surface_grid(handbook(), "x1", "x2")
    ax = rendered(qstats.plot(r))
    (lines,) = drawn(ax, "contours")
    assert len(lines.levels) >= 5
    fit = handbook()
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        on = path.vertices[path.codes != 79]
        predicted = fit.predict({"x1": on[:, 0], "x2": on[:, 1]}).mean
        np.testing.assert_allclose(predicted, level, atol=0.05)
    (points,) = drawn(ax, "runs here")
    assert {tuple(p) for p in points.get_xydata().round(3)} == {tuple(map(float, s)) for s in SETTINGS}
    (pale,) = drawn(ax, "untrusted")
    inside = np.asarray(r.trusted)
    held = [any(path.contains_point((x, y)) for path in pale.get_paths()) for x, y in ((1.38, 1.38), (0.0, 0.0))]
    assert held == [True, False] and not inside[-1, -1] and inside[30, 30]
    assert ax.get_xlabel() == "x1" and ax.get_title(loc="left") == "yield: predicted mean"


def test_held_factors_are_told_and_names_stay_as_typed() -> None:
    r = doe.surface_grid(three(), "温度", LONG, at={"time $t$": 12})
    ax = rendered(qstats.plot(r, lang="zh"))
    assert "time $t$ 12" in ax.get_xlabel() and "固定" in ax.get_xlabel()
    assert ax.get_ylabel().startswith("a very long name") and ax.get_ylabel().endswith("…")
    assert not ax.xaxis.label.get_parse_math()
    (elsewhere,) = drawn(ax, "runs elsewhere")
    assert not drawn(ax, "runs here") and len(elsewhere.get_xdata()) == 9
    svg = figure_svg(r)
    assert "<image" not in svg and "time $t$ 12" in svg


def test_the_surface_in_three_dimensions() -> None:
    r = doe.surface_grid(handbook(), "x1", "x2")
    ax: Any = rendered(qstats.plot(r, panel="surface"))
    assert ax.name == "3d" and ax._repr_svg_().startswith("<svg")
    low, high = ax.get_zlim()
    assert low < r.predicted.min() < r.predicted.max() < high
    (points,) = drawn(ax, "runs")
    across, _, floor = points.get_data_3d()
    assert np.size(across) == 9
    np.testing.assert_allclose(floor, low, atol=0.05 * (high - low))
    own: Any = Figure().add_subplot(projection="3d")
    assert qstats.plot(r, ax=own) is own
    for wrong in ({"ax": own, "panel": "contour"}, {"ax": Figure().add_subplot(), "panel": "surface"}):
        with pytest.raises(DataError, match="ax"):
            qstats.plot(r, **wrong)
    with pytest.raises(DataError, match="panel"):
        qstats.plot(r, panel="pie")


def test_a_flat_response_says_so() -> None:
    design = doe.full_factorial(["a", "b"], replicates=2, rng=1)
    ax = rendered(qstats.plot(doe.surface_grid(doe.fit(design, [3.0] * 8, model="linear"), "a", "b")))
    assert "the same everywhere" in texts(ax) and not drawn(ax, "contours")
    rendered(qstats.plot(doe.surface_grid(doe.fit(design, [3.0] * 8, model="linear"), "a", "b"), panel="surface"))


def test_far_from_zero_the_lines_can_be_told_apart() -> None:
    design = doe.full_factorial(["a", "b"], replicates=2, rng=1)
    ax = rendered(qstats.plot(doe.surface_grid(doe.fit(design, 1e9 + design.column("a"), model="linear"), "a", "b")))
    shown = [t for t in texts(ax) if t.startswith(("9999", "1000"))]
    assert len(set(shown)) >= 5


# ---- stationary point ----


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_stationary_point_with_its_region_and_axes(lang: str) -> None:
    r = doe.response_surface(handbook())
    ax = rendered(qstats.plot(r, lang=lang))
    (point,) = drawn(ax, "stationary")
    np.testing.assert_allclose(point.get_xydata()[0], [-0.927852, 0.346800], atol=2e-4)
    assert [t.get_text() for t in ax.texts if t.get_gid() == "curvature"] == ["-9.83", "-4.97"]
    for line, vector in zip(drawn(ax, "axis"), r.eigenvectors.T[::-1], strict=True):
        across = np.diff(line.get_xydata(), axis=0)[0]
        assert abs(across @ vector) == pytest.approx(np.linalg.norm(across))
        np.testing.assert_allclose(line.get_xydata().mean(axis=0), r.coded)
    (edge,) = drawn(ax, "region")
    (path,) = edge.get_paths()
    np.testing.assert_allclose(r.pvalue(path.vertices[path.codes != 79]), 0.05, atol=0.003)


def test_a_slice_of_three_factors() -> None:
    r = doe.response_surface(three())
    ax = rendered(qstats.plot(r, lang="zh"))
    assert "温度" in ax.get_xlabel() and ax.get_ylabel() == "time $t$"  # the weakest curvature is of the third
    (point,) = drawn(ax, "stationary")
    assert point.get_xydata()[0].tolist() == [r.stationary["温度"], r.stationary["time $t$"]]
    assert not r.inside and point.get_markerfacecolor() == "white"
    assert not drawn(ax, "axis")  # the slice does not go through it: the third factor would lie beyond the runs
    other = rendered(qstats.plot(r, factors=(LONG, "温度"), title="T"))
    assert other.get_ylabel() == "温度" and other.get_title(loc="left") == "T"
    for wrong in (("温度",), ("温度", "温度"), ("温度", "nobody")):
        with pytest.raises(DataError, match="factors"):
            qstats.plot(r, factors=wrong)


def test_a_stationary_point_out_of_sight_is_told() -> None:
    design = doe.central_composite(["a", "b"], rng=1)
    x, rng = np.asarray(design.coded), np.random.default_rng(3)
    y = 5 + x @ [9.0, 1.0] - x**2 @ [1.0, 2.0] + rng.normal(0, 0.1, len(x))
    r = doe.response_surface(doe.fit(design, y, model="quadratic"))
    ax = rendered(qstats.plot(r))
    assert not drawn(ax, "stationary")
    assert any(t.startswith("stationary point not in sight: a 4.") for t in texts(ax))


def test_one_factor_is_a_curve() -> None:
    design = doe.full_factorial({"heat": [150, 160, 170, 180, 190]}, replicates=2, rng=1)
    heat, rng = design.natural("heat"), np.random.default_rng(1)
    fit = doe.fit(design, 50 - ((heat - 175) / 10) ** 2 + rng.normal(0, 0.5, 10), model="quadratic", name="force")
    r = doe.response_surface(fit)
    ax = rendered(qstats.plot(r, lang="zh"))
    (curve,) = drawn(ax, "curve")
    np.testing.assert_allclose(curve.get_ydata(), fit.predict({"heat": curve.get_xdata()}).mean)
    (point,) = drawn(ax, "stationary")
    assert point.get_xydata()[0].tolist() == [r.stationary["heat"], r.predicted]
    (region,) = drawn(ax, "region")
    ends = region.get_paths()[0].vertices[:, 0]
    assert r.region_box is not None
    box = r.region_box["heat"]
    np.testing.assert_allclose([ends.min(), ends.max()], [box.low, box.high], atol=0.4)
    with pytest.raises(DataError, match="factors"):
        qstats.plot(r, factors=("heat", "b"))


# ---- the way up ----


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_way_with_its_settings_beneath(lang: str) -> None:
    r = doe.steepest_ascent(three(), steps=6, base_factor="温度", step=4)
    ax = rendered(qstats.plot(r, lang=lang))
    (line,) = drawn(ax, "path")
    np.testing.assert_array_equal(line.get_xydata(), np.column_stack([r.distance, r.predicted]))
    (open_,) = drawn(ax, "beyond")
    np.testing.assert_array_equal(open_.get_xdata(), r.distance[r.outside])
    first = int(np.argmax(r.outside))
    (shade,) = drawn(ax, "outside")
    assert shade.get_x() == pytest.approx(0.5 * (r.distance[first - 1] + r.distance[first]))
    beneath = [t for t in ax.texts if t.get_gid() == "温度"]
    where = [int(np.flatnonzero(r.distance == t.xy[0])[0]) for t in beneath]
    assert len(where) >= 4
    np.testing.assert_allclose([float(t.get_text()) for t in beneath], r.settings["温度"][where], rtol=1e-3)
    assert {"温度", "time $t$"} <= set(texts(ax))


def test_a_straight_way_down_and_one_without_error() -> None:
    r = doe.steepest_ascent(
        doe.fit(levels().design, levels().y, model="linear", name="force"), descent=True, steps=40
    )  # fmt: skip
    ax = rendered(qstats.plot(r, title=None))
    assert ax.get_title(loc="left") == "force: the fastest way down from the centre of the design"
    shown = [t.xy[0] for t in ax.texts if t.get_gid() == "speed"]
    assert 3 <= len(shown) < 41 and shown == sorted(shown)
    bare = doe.steepest_ascent(doe.fit(doe.full_factorial(["a", "b"], rng=1), [1.0, 2.0, 4.0, 9.0], model="a*b"))
    ax = rendered(qstats.plot(bare, ax=Figure(layout="constrained").add_subplot()))
    assert not drawn(ax, "band") and len(drawn(ax, "path")) == 1


# ---- profile ----


def test_every_panel_is_a_curve_of_the_result() -> None:
    r = doe.profiler([levels()], at={"glue": "C", "温度": 180})
    axes = rendered(qstats.plot(r, lang="zh")).figure.axes
    assert len(axes) == 3
    for ax, name in zip(axes, r.factors, strict=True):
        c = r.curve("force", name)
        (line,) = drawn(ax, "curve")
        np.testing.assert_array_equal(line.get_ydata(), c.predicted)
        (here,) = drawn(ax, "predicted")
        assert here.get_ydata()[0] == r.predicted[0]
    (setting,) = drawn(axes[0], "setting")
    assert setting.get_xdata()[0] == 180.0
    assert [t.get_text() for ax in axes for t in ax.texts if t.get_gid() == "at"] == ["180", "C", "2.5"]
    (bars,) = drawn(axes[1], "interval")
    c = r.curve("force", "glue")
    np.testing.assert_allclose(
        [s[:, 1] for s in bars.get_segments()], np.column_stack([c.interval.low, c.interval.high])
    )
    (level,) = drawn(axes[1], "level")
    assert level.get_ydata().tolist() == [c.predicted[2]]
    assert [t.get_text() for t in axes[1].get_xticklabels()] == ["甲", "B", "C"]
    assert f"{r.predicted[0]:.4g}" in axes[0].get_ylabel()


def test_rows_of_responses_and_a_choice_of_them() -> None:
    one = three()
    two = doe.fit(one.design, -(np.asarray(one.y) ** 2), model="quadratic", name="成本 $c$")
    r = doe.profiler([one, two])
    axes = rendered(qstats.plot(r)).figure.axes
    assert len(axes) == 6
    assert axes[0].get_ylabel().startswith("产率 [%]\n") and axes[3].get_ylabel().startswith("成本 $c$\n")
    (band,) = drawn(axes[0], "band")
    c = r.curve("产率 [%]", "温度")
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(c.interval.high.max())
    own = Figure().add_subplot()
    assert qstats.plot(r, ax=own, factors="温度", responses="成本 $c$", title="T") is own
    for wrong in ({"ax": own}, {"factors": ["nobody"]}, {"responses": []}, {"factors": ["温度", "温度"]}):
        with pytest.raises(DataError, match=r"ax|factors|responses"):
            qstats.plot(r, **wrong)


def test_averaged_levels_are_said_and_no_interval_is_drawn_without_error() -> None:
    ax = rendered(qstats.plot(doe.profiler(levels())))
    assert "averaged" in [t.get_text() for one in ax.figure.axes for t in one.texts]
    bare = doe.fit(doe.full_factorial(["a", "b"], rng=1), [1.0, 2.0, 4.0, 9.0], model="a*b")
    ax = rendered(qstats.plot(doe.profiler(bare)))
    low, high = ax.get_ylim()
    assert np.isfinite([low, high]).all() and high - low < 20
