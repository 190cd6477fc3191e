"""The picture of a verdict: the right level in the right unit, what was expected, what does not count; guardrails."""

import math
from collections.abc import Callable

import matplotlib.text
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from qstats import DataError, Verdict, plot, save_figure
from qstats.figures import figure_svg
from qstats.figures.verify import carried_limits

from . import verdicts as make
from .conftest import make_verdict

LONG = (
    "自动分拣线上线之后，华东大区从仓库出库到客户签收这一段的配送延迟投诉（含催单、改约与二次派送）"
    "是不是真的减少了，而不是因为季节或订单量变化？"
)


def _all(ax: Axes, gid: str) -> list[object]:
    return [a for a in ax.get_children() if a.get_gid() == gid]


def _line(ax: Axes, label: str) -> np.ndarray:
    return next(np.asarray(line.get_ydata(), dtype=float) for line in ax.lines if line.get_label() == label)


def _texts(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.figure.findobj(matplotlib.text.Text) if t.get_text()]


def _counted(v: Verdict) -> np.ndarray:
    return np.flatnonzero(np.isin(v.role, ("baseline", "after")))


@pytest.mark.parametrize(
    ("build", "axis", "tick"),
    [
        (make.nps, "NPS (points)", None),
        (make.lead_time, "处理时长 (geometric mean)", None),
        (make.share, "defective", "%"),
        (make.dpmo, "DPMO (per million opportunities)", "0"),
        (make.immature, "Rate (per 1,000)", None),
    ],
)
def test_the_level_stands_in_its_unit(build: Callable[[], Verdict], axis: str, tick: str | None) -> None:
    v = build()
    ax = plot(v)
    assert ax.get_ylabel() == axis
    mean = v.events / v.exposure
    wanted = np.exp(mean) if v.metric.kind == "time" else mean
    drawn = np.concatenate([np.asarray(line.get_ydata()) for role in ("baseline", "after") for line in _all(ax, role)])  # type: ignore[attr-defined]
    np.testing.assert_allclose(drawn, wanted[_counted(v)])
    np.testing.assert_allclose(v.to_frame()["level"], wanted)
    before, after = (next(p.rate for p in v.phases if p.name == name) for name in ("baseline", "after"))
    assert _line(ax, "level before, carried on").tolist() == [before, before]
    assert _line(ax, "level after").tolist() == [after, after]
    FigureCanvasAgg(ax.figure).draw()
    if tick is not None:
        assert any(t.get_text().endswith(tick) for t in ax.get_yticklabels())


def test_defects_per_million_are_written_per_million() -> None:
    ax = plot(make.dpmo())  # 40 in 5000 opportunities a month, then 20
    assert "before 8,000" in _texts(ax)
    assert "after 4,000" in _texts(ax)


def test_what_was_expected_is_drawn_with_its_band_after_the_action() -> None:
    v = make_verdict()
    assert v.expected is not None
    assert v.expected_low is not None
    assert v.expected_high is not None
    ax = plot(v)
    line = _all(ax, "expected")[0]
    there = np.flatnonzero(np.isfinite(v.expected))
    assert line.get_xdata().tolist() == there.tolist()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(line.get_ydata(), v.expected[there])  # type: ignore[attr-defined]
    band = _all(ax, "band")[0].get_paths()[0].vertices  # type: ignore[attr-defined]
    first = v.role.index("after")
    assert band[:, 0].min() == first  # no band over the time before
    late = there[there >= first]
    for i in late:
        here = band[band[:, 0] == i, 1]
        assert {float(v.expected_low[i]), float(v.expected_high[i])} <= set(here.tolist())
    assert any("expected without the action" in t for t in _texts(ax))
    assert any("95% band" in t for t in _texts(ax))


def test_without_a_regression_nothing_is_said_to_be_expected() -> None:
    v = make.blocked()
    assert v.expected is None
    ax = plot(v)
    assert not _all(ax, "expected")
    assert not any("expected" in t for t in _texts(ax))


def test_periods_not_complete_are_hollow_and_stand_apart() -> None:
    v = make.immature()
    ax = plot(v)
    here = [i for i, role in enumerate(v.role) if role == "immature"]
    assert here
    line = _all(ax, "immature")[0]
    assert line.get_xdata().tolist() == here  # type: ignore[attr-defined]
    assert line.get_markerfacecolor() == "white"  # type: ignore[attr-defined]
    joined = next(line for line in ax.lines if line.get_gid() is None and len(line.get_xdata()) == len(v.role))
    assert np.isnan(np.asarray(joined.get_ydata())[here]).all()
    assert "not yet complete" in _texts(ax)


@pytest.mark.parametrize("build", [make.share, make.nps, make.lead_time])
def test_carried_limits_are_those_of_the_chart(build: Callable[[], Verdict]) -> None:
    v = build()
    assert v.chart is not None
    panel = next(iter(v.chart.panels.values()))
    center, lower, upper, k = carried_limits(v)
    assert k == 3.0
    assert center == v.chart.limits_by_phase[0].center
    np.testing.assert_allclose(upper[:24], panel.upper[:24])
    np.testing.assert_allclose(lower[:24], panel.lower[:24])
    assert upper[-1] == pytest.approx(upper[0])  # a hundred cases every month: the limits go on as they were


def test_limits_of_a_share_without_a_chart_are_binomial() -> None:
    import dataclasses

    v = dataclasses.replace(make.share(), chart=None)
    center, lower, upper, k = carried_limits(v)
    p = v.phases[0].rate
    half = 3.0 * math.sqrt(p * (1.0 - p) / 100.0)
    assert (center, k) == (p, 3.0)
    assert upper[0] == pytest.approx(p + half)
    assert lower[0] == pytest.approx(max(0.0, p - half))
    bare = dataclasses.replace(make.nps(), chart=None)
    assert np.isnan(carried_limits(bare)[1]).all()
    assert not any("control limits" in t for t in _texts(plot(bare)))


@pytest.mark.parametrize(("years", "size"), [(2, 3.0), (10, 2.0)])
def test_long_series_have_small_markers(years: int, size: float) -> None:
    v = make.weekly(years)
    ax = plot(v)
    assert _all(ax, "baseline")[0].get_markersize() == size  # type: ignore[attr-defined]
    assert len(_all(ax, "baseline")[0].get_xdata()) == 26 * years  # type: ignore[attr-defined]


def test_a_long_question_is_shown_whole_and_in_the_picture() -> None:
    v = make_verdict(LONG)
    ax = plot(v, lang="zh")
    assert ax.get_title(loc="left").replace("\n", "") == LONG
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    whole = ax.figure.bbox
    for text in ax.figure.findobj(matplotlib.text.Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent(canvas.get_renderer())
            if text.axes is None or text not in text.axes.get_xticklabels():  # ticks off the axis are not drawn
                assert box.x0 >= whole.x0 - 1, text.get_text()
                assert box.x1 <= whole.x1 + 1, text.get_text()
                assert box.y1 <= whole.y1 + 1, text.get_text()


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("build", [make.guarded, make.immature, make.nps])
def test_every_text_has_its_glyphs(build: Callable[[], Verdict], lang: str) -> None:
    # A missing glyph is a warning, and a warning is an error here.
    from qstats.figures.style import font_families

    if len(font_families()) == 1:
        pytest.skip("no Chinese font on this machine")
    v = build()
    FigureCanvasAgg(plot(v, lang=lang).figure).draw()
    if v.guardrails:
        FigureCanvasAgg(plot(v, lang=lang, what="guardrails").figure).draw()


# -- guardrails --
def test_guardrails_are_drawn_against_their_margins() -> None:
    v = make.guarded()
    ratios, differences = plot(v, what="guardrails").figure.axes
    assert (ratios.get_xscale(), differences.get_xscale()) == ("log", "linear")
    by_name = {g.name: g for g in v.guardrails}
    assert [t.get_text() for t in ratios.get_yticklabels()] == ["lead time", "交付周期(含周末与节假日)"]
    assert [t.get_text() for t in differences.get_yticklabels()] == ["NPS after", "effort", "cost"]
    assert [line.get_xdata()[0] for line in _all(ratios, "margin")] == [1.1, 1.2]  # type: ignore[attr-defined]
    first = by_name["lead time"].comparison
    assert first is not None
    drawn = _all(ratios, "interval")[0].get_xdata()  # type: ignore[attr-defined]
    assert list(drawn) == [first.interval.low, first.interval.high]
    assert [a.get_xdata()[0] for a in _all(ratios, "pass")] == [first.estimate]  # type: ignore[attr-defined]
    broken = by_name["交付周期(含周末与节假日)"].comparison
    assert broken is not None
    assert [a.get_xdata()[0] for a in _all(ratios, "breach")] == [broken.estimate]  # type: ignore[attr-defined]
    assert ratios.get_xlim()[0] < first.interval.low < broken.interval.high < ratios.get_xlim()[1]


def test_differences_are_in_margins_towards_the_worse() -> None:
    v = make.guarded()
    ax = plot(v, what="guardrails").figure.axes[1]
    up = next(g for g in v.guardrails if g.name == "NPS after").comparison
    assert up is not None
    assert up.estimate > 0  # points gained: drawn to the left, away from harm
    low, high = _all(ax, "interval")[0].get_xdata()  # type: ignore[attr-defined]
    assert (low, high) == pytest.approx((-up.interval.high / 3.0, -up.interval.low / 3.0))
    assert [line.get_xdata()[0] for line in _all(ax, "margin")] == [1.0] * 3  # type: ignore[attr-defined]
    assert len(_all(ax, "interval")) == 2  # the one without data has none
    assert [g.state for g in v.guardrails] == ["pass", "pass", "breach", "open", "not assessed"]
    texts = _texts(ax)
    assert sum(t.startswith("passed: ") for t in texts) == 2
    assert any(t.startswith("breached: 1.") for t in texts)
    assert any(t.startswith("open: ") and t.endswith("margin +0.01") for t in texts)
    assert "not assessed, margin +2" in texts


def test_the_state_of_a_guardrail_shows_without_colour() -> None:
    v = make.guarded()
    ratios, differences = plot(v, what="guardrails").figure.axes
    looks = {
        gid: (a.get_marker(), a.get_markerfacecolor() == "white")  # type: ignore[attr-defined]
        for ax in (ratios, differences)
        for gid in ("pass", "breach", "open")
        for a in _all(ax, gid)
    }
    assert len(set(looks.values())) == 3


def test_guardrails_on_an_axes_in_a_file_and_where_there_are_none(tmp_path: object) -> None:
    from pathlib import Path

    v = make.guarded()
    ax = Figure().subplots()
    assert plot(v, ax=ax, what="guardrails") is ax
    assert ax.get_xscale() == "log"
    path = save_figure(v, Path(str(tmp_path)) / "g.svg", what="guardrails", lang="zh")
    assert "交付周期" in path.read_text(encoding="utf-8")
    assert figure_svg(v, what="guardrails") == figure_svg(v, what="guardrails")
    with pytest.raises(DataError, match="no guardrails"):
        plot(make.share(), what="guardrails")
    with pytest.raises(DataError, match="what"):
        plot(v, what="everything")


def test_an_interval_without_end_is_an_arrow() -> None:
    import dataclasses

    from qstats import Interval

    v = make.guarded()
    g = v.guardrails[0]
    assert g.comparison is not None
    endless = dataclasses.replace(g.comparison, interval=Interval(0.0, math.inf, 0.95))
    wide = dataclasses.replace(v, guardrails=(dataclasses.replace(g, comparison=endless, state="open"),))
    ax = plot(wide, what="guardrails")
    assert {"<", ">"} <= {line.get_marker() for line in ax.lines}
    FigureCanvasAgg(ax.figure).draw()
