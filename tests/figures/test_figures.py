"""Figures are checked by their artists: what is drawn is what the result holds."""

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from qstats import ControlChart, DataError, Interval, ParetoTable, Verdict, individuals, pareto, plot, save_figure
from qstats.figures import can_plot, figure_svg
from qstats.figures.axes import spread_out
from qstats.figures.charts import MANY, phase_spans, thinned
from qstats.figures.pareto import MOST_BARS
from qstats.figures.verify import carried_limits
from qstats.inference.comparison import Comparison

from .conftest import HOSTILE


def _line(ax: Axes, label: str) -> np.ndarray:
    return next(np.asarray(line.get_ydata(), dtype=float) for line in ax.lines if line.get_label() == label)


def _by_gid(ax: Axes, gid: str) -> object:
    return next(a for a in ax.get_children() if a.get_gid() == gid)


def _texts(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.figure.findobj(matplotlib.text.Text) if t.get_text()]


def _ratio(low: float = 0.2, high: float = 0.8, estimate: float = 0.4, effect: str = "rate_ratio") -> Comparison:
    null = 1.0 if effect.endswith("ratio") else 0.0
    return Comparison(effect, estimate, Interval(low, high, 0.95), 0.01, "two-sided", null, None, (1, 2), "m", "r")


def test_every_panel_is_drawn_as_it_is(chart: ControlChart) -> None:
    first = chart.plot()
    assert len(first.figure.axes) == 2
    for ax, panel in zip(first.figure.axes, chart.panels.values(), strict=True):
        np.testing.assert_array_equal(_line(ax, "_statistic"), panel.statistic)
        drawn = [p.get_data().values[0] for p in ax.patches if isinstance(p, StepPatch) and p.get_gid() != "zone"]
        assert drawn == [panel.center[-1], panel.lower[-1], panel.upper[-1]]
        fired = sorted({s.index for s in chart.signals if s.panel == panel.name})
        assert (
            [] if not fired else np.asarray(_by_gid(ax, "signals").get_xdata()).tolist()  # type: ignore[attr-defined]
        ) == fired


def test_signals_have_a_shape_and_a_tag(chart: ControlChart) -> None:
    ax = plot(chart)
    assert _by_gid(ax, "signals").get_marker() == "D"  # type: ignore[attr-defined]
    assert "1" in _texts(ax)
    assert any("1 = beyond limits" in t for t in _texts(ax))
    assert any("1 = 单点超出控制限" in t for t in _texts(plot(chart, lang="zh")))


def test_varying_limits_are_steps_within_each_phase(phased: ControlChart) -> None:
    ax = plot(phased)
    panel = phased.panels["u"]
    steps = [p.get_data() for p in ax.patches if isinstance(p, StepPatch) and p.get_gid() != "zone"]
    upper = [s.values for s in steps if s.values.size > 1 and s.values[0] > panel.center[0]]
    np.testing.assert_array_equal(upper[0], panel.upper[:20])
    np.testing.assert_array_equal(upper[0].size, 20)
    assert 19.5 in [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 2]
    assert any(t.startswith("老工艺 (CL") for t in _texts(ax))
    assert any("per 1,000" in t for t in _texts(ax))


def test_limits_are_named_at_the_right_edge(chart: ControlChart) -> None:
    texts = _texts(plot(chart))
    limit = next(iter(chart.panels.values())).upper[-1]
    assert f"UCL {limit:.4g}" in texts


def test_points_left_out_and_unused_are_hollow(phased: ControlChart) -> None:
    ax = plot(phased)
    out = next(line for line in ax.lines if line.get_label() == "left out")
    assert out.get_xdata().tolist() == [4]
    base = individuals(np.arange(20.0) % 3, baseline=range(12))
    unused = next(line for line in plot(base).lines if line.get_label() == "not used for the limits")
    assert unused.get_xdata().tolist() == list(range(12, 20))
    assert unused.get_markerfacecolor() == "white"


def test_phase_spans_by_bisection_are_the_phases(phased: ControlChart) -> None:
    assert [(i, j) for _, i, j in phase_spans(phased)] == [(0, 20), (20, 36)]


def test_long_charts_have_no_markers() -> None:
    x = np.random.default_rng(1).normal(size=MANY + 1)
    x[77] = 30.0
    ax = plot(individuals(x))
    assert {line.get_marker() for line in ax.lines} == {"None", "D"}
    assert 77 in np.asarray(_by_gid(ax, "signals").get_xdata())  # type: ignore[attr-defined]


def test_a_very_long_line_keeps_its_outline() -> None:
    y = np.random.default_rng(4).normal(size=100_003)
    y[54_321], y[99_999], y[7] = 9.0, -9.0, np.nan
    kept = thinned(y)
    assert kept.size <= 20_000
    assert {0, 54_321, 99_999, 100_002} <= set(kept.tolist())
    assert np.array_equal(thinned(y[:5000]), np.arange(5000))
    blocks = [range(i, i + 26) for i in range(0, 99_996, 26)]  # 100 003 points in 4000 stretches: 26 each
    kept_set = set(kept.tolist())
    for block in blocks[::97]:
        part = y[block.start : block.stop]
        here = [i for i in block if i in kept_set]
        assert np.nanmin(part) == np.nanmin(y[here])
        assert np.nanmax(part) == np.nanmax(y[here])


def test_very_many_signals_are_drawn_once_per_spot() -> None:
    x = np.random.default_rng(5).normal(size=60_000)
    chart = individuals(x, sigma=0.2)
    ax = plot(chart)
    drawn = np.asarray(_by_gid(ax, "signals").get_xdata())  # type: ignore[attr-defined]
    fired = {s.index for s in chart.signals if s.panel == "individuals"}
    assert set(drawn.tolist()) < fired
    assert x[drawn].max() > x.max() - 0.01 * np.ptp(x)


def test_a_gap_stays_a_gap() -> None:
    x = [1.0, 2, 3, float("nan"), 2, 3, 1, 2, 3, 2, 1, 2]
    y = _line(plot(individuals(x, missing="drop")), "_statistic")
    assert np.flatnonzero(np.isnan(y)).tolist() == [3]


def test_one_panel_on_a_given_axes(chart: ControlChart) -> None:
    figure = Figure()
    ax = figure.subplots()
    assert plot(chart, ax=ax, panel="moving_range") is ax
    np.testing.assert_array_equal(_line(ax, "_statistic"), chart.panels["moving_range"].statistic)
    assert figure.legends == []
    with pytest.raises(DataError, match="panel"):
        plot(chart, panel="range")


def test_pareto_shows_every_category(table: ParetoTable) -> None:
    ax = plot(table, lang="zh")
    assert [bar.get_width() for bar in ax.patches] == table.values.tolist()
    names = [t.get_text().replace("\n", "") for t in ax.get_yticklabels()]
    assert names[0] == "配送延迟"
    assert names[2].replace(" ", "") == HOSTILE.replace(" ", "")
    over = next(a for a in ax.figure.axes if a is not ax)
    np.testing.assert_allclose(over.lines[0].get_xdata(), 100 * table.cumulative)
    assert tuple(over.get_xlim()) == (0, 103)
    low, high = int(table.rank_low[0]), int(table.rank_high[0])
    assert any(f"第 {low}" in t and str(high) in t for t in _texts(ax))


def test_many_categories_leave_none_out() -> None:
    table = pareto(np.repeat([f"c{i}" for i in range(70)], np.arange(70, 0, -1)))
    ax = plot(table)
    assert len(ax.patches) == MOST_BARS
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(table.values.sum())
    assert "31 more categories" in _texts(ax)


def test_ratio_stands_on_a_logarithmic_axis_against_one() -> None:
    ax = plot(_ratio())
    assert ax.get_xscale() == "log"
    assert list(_by_gid(ax, "interval").get_xdata()) == [0.2, 0.8]  # type: ignore[attr-defined]
    assert list(_by_gid(ax, "estimate").get_xdata()) == [0.4]  # type: ignore[attr-defined]
    assert 1.0 in ax.get_xticks()


def test_difference_stands_on_a_plain_axis() -> None:
    ax = plot(_ratio(-0.001, 0.0002, -0.0004, "rate_difference"))
    assert ax.get_xscale() == "linear"
    assert "per 1,000" in ax.get_xlabel()


@pytest.mark.parametrize(("low", "high", "estimate"), [(0.0, 0.8, 0.0), (0.5, np.inf, 2.0), (0.0, np.inf, np.nan)])
def test_open_ends_are_arrows(low: float, high: float, estimate: float) -> None:
    ax = plot(_ratio(low, high, estimate))
    markers = [line.get_marker() for line in ax.lines]
    assert ("<" in markers) == (low == 0)
    assert (">" in markers) == (not np.isfinite(high))
    FigureCanvasAgg(ax.figure).draw()


def test_verdict_shows_each_period_by_its_role(verdict: Verdict) -> None:
    ax = plot(verdict)
    rate = verdict.events / verdict.exposure
    for role in ("baseline", "after", "transition", "excluded"):
        here = [i for i, r in enumerate(verdict.role) if r == role]
        line = _by_gid(ax, role)
        assert line.get_xdata().tolist() == here  # type: ignore[attr-defined]
        np.testing.assert_array_equal(line.get_ydata(), rate[here])  # type: ignore[attr-defined]
        assert (line.get_markerfacecolor() == "white") == (role in ("transition", "excluded"))  # type: ignore[attr-defined]
    np.testing.assert_array_equal(_by_gid(ax, "control").get_ydata(), verdict.control_rate)  # type: ignore[attr-defined]
    assert _line(ax, "level before, carried on")[0] == verdict.phases[0].rate
    assert any("3-sigma control limits" in t for t in _texts(ax))


def test_carried_limits_agree_with_the_chart_where_it_has_the_same_centre(verdict: Verdict) -> None:
    assert verdict.chart is not None
    panel = verdict.chart.panels["u"]
    _, lower, upper, k = carried_limits(verdict)
    assert k == 3.0
    n = phase_spans(verdict.chart)[0][2]
    np.testing.assert_allclose(upper[:n], panel.upper[:n])
    np.testing.assert_allclose(lower[:n], panel.lower[:n])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_svg_is_text_inert_and_reproducible(
    phased: ControlChart, table: ParetoTable, verdict: Verdict, lang: str
) -> None:
    for result in (phased, table, verdict):
        svg = figure_svg(result, lang=lang)
        assert svg == figure_svg(result, lang=lang)
        assert svg.startswith("<svg ")
        assert "<script" not in svg
        assert "]]>" not in svg
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", svg)
        root = ET.fromstring(svg)
        text = "".join(root.itertext())
        assert ("配送延迟" in text) == (result is table)
        ids = [node.attrib["id"] for node in root.iter() if "id" in node.attrib]
        assert len(ids) == len(set(ids))
        used = re.findall(r"url\(#([^)]+)\)", svg) + [v[1:] for v in re.findall(r'href="([^"]+)"', svg)]
        assert set(used) <= set(ids)


def test_ids_of_two_figures_do_not_meet(phased: ControlChart, table: ParetoTable) -> None:
    found = [set(re.findall(r' id="([^"]+)"', figure_svg(r))) for r in (phased, table)]
    assert not found[0] & found[1]


def test_files_by_ending(chart: ControlChart, tmp_path: Path) -> None:
    assert save_figure(chart, tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<svg ")
    assert save_figure(chart, tmp_path / "a.PNG", lang="zh").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(DataError, match="path"):
        save_figure(chart, tmp_path / "a.xls")


def test_a_notebook_shows_the_axes(chart: ControlChart) -> None:
    ax = chart.plot()
    assert ax._repr_svg_().startswith("<svg ")
    assert ax.figure._repr_svg_().startswith("<svg ")


def test_nothing_global_is_touched(chart: ControlChart) -> None:
    before = dict(matplotlib.rcParams)
    FigureCanvasAgg(plot(chart).figure).draw()
    assert dict(matplotlib.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_chinese_on_axes_made_elsewhere_has_glyphs(table: ParetoTable, verdict: Verdict, lang: str) -> None:
    # A missing glyph is a warning, and a warning is an error here.
    from qstats.figures.style import font_families

    if len(font_families()) == 1:
        pytest.skip("no Chinese font on this machine")
    figure = Figure(figsize=(9, 7))
    for ax, result in zip(figure.subplots(2, 1), (table, verdict), strict=True):
        plot(result, ax=ax, lang=lang, title="标题 $x_1$")
    FigureCanvasAgg(figure).draw()


def test_what_has_no_picture_says_so() -> None:
    assert not can_plot(3)
    with pytest.raises(DataError, match="figure for"):
        plot(3)
    with pytest.raises(DataError, match="lang"):
        plot(_ratio(), lang="de")


def test_texts_keep_their_distance() -> None:
    at = spread_out([5.0, 5.01, 5.02], 0.0, 10.0)
    assert np.diff(at).min() >= 0.075 - 1e-12
    assert max(spread_out([9.9, 9.95, 10.0], 0.0, 10.0)) <= 1.0
    assert spread_out([], 0.0, 1.0) == []
