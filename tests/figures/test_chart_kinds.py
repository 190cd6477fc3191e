"""Every kind of chart has a picture: what is drawn is what the chart holds."""

import matplotlib.text
import numpy as np
import pytest

import qstats
from qstats.figures import figure_svg

RNG = np.random.default_rng(7)
X = RNG.normal(50, 2, 40)
SHIFTED = np.concatenate((X[:25], X[25:] + 6))
VECTORS = RNG.normal(size=(40, 3))
ZEROS = [4, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 11, 25, 60, 8, 17, 90, 2, 33, 41, 5, 0, 0, 3]
SIZE = RNG.integers(100, 900, 30)
COUNT = RNG.binomial(SIZE, 0.08)
COUNT[5] = SIZE[5] // 4

CHARTS = {
    "xbar_r": lambda: qstats.xbar_r(X.reshape(8, 5)),
    "xbar_s": lambda: qstats.xbar_s(X, by=np.repeat(list("甲乙丙丁"), [7, 13, 9, 11])),
    "between_within": lambda: qstats.between_within(X.reshape(10, 4)),
    "short_run": lambda: qstats.short_run(X[:24], part=np.repeat(list("ABAC"), 6)),
    "np": lambda: qstats.np_chart(COUNT, size=900),
    "c": lambda: qstats.c_chart(COUNT),
    "laney_p": lambda: qstats.laney_p(COUNT, size=SIZE),
    "laney_u": lambda: qstats.laney_u(COUNT, exposure=SIZE * 100),
    "g": lambda: qstats.g_chart([z for z in ZEROS if z]),
    "t": lambda: qstats.t_chart(RNG.exponential(30, 40)),
    "run": lambda: qstats.run_chart(SHIFTED),
    "ewma": lambda: qstats.ewma(SHIFTED, baseline=20),
    "moving_average": lambda: qstats.moving_average(X),
    "t2": lambda: qstats.t2(VECTORS, baseline=25),
    "generalized_variance": lambda: qstats.generalized_variance(VECTORS, size=5),
    "mewma": lambda: qstats.mewma(VECTORS),
    "mcusum": lambda: qstats.mcusum(VECTORS),
}


def drawn(ax, label="_statistic"):
    return [np.asarray(line.get_ydata(), dtype=float) for line in ax.lines if line.get_label() == label]


def texts(ax):
    return [t.get_text() for t in ax.figure.findobj(matplotlib.text.Text) if t.get_text()]


@pytest.mark.parametrize("kind", CHARTS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_panels_are_drawn_one_above_the_other(kind, lang):
    chart = CHARTS[kind]()
    assert chart.kind == kind
    axes = chart.plot(lang=lang).figure.axes
    shown = [p for p in chart.panels.values() if p.name != "run_of_minimum"]
    assert len(axes) == len(shown)
    for ax, panel in zip(axes, shown, strict=True):
        np.testing.assert_array_equal(drawn(ax)[0], panel.statistic)
    said = " ".join(texts(axes[0]))
    assert ("控制图" in said or "运行图" in said) is (lang == "zh")
    assert "nan" not in said


def test_both_sides_of_a_cusum_share_a_picture():
    chart = qstats.cusum(SHIFTED, baseline=20)
    ax = chart.plot()
    assert len(ax.figure.axes) == 1
    got = drawn(ax)
    np.testing.assert_array_equal(got[0], chart.panels["cusum_upper"].statistic)
    np.testing.assert_array_equal(got[1], chart.panels["cusum_lower"].statistic)
    assert len(chart.plot(panel="cusum_lower").figure.axes[0].lines)


def test_runs_of_the_minimum_are_shown_where_they_signal():
    chart = qstats.g_chart(ZEROS)
    assert len(chart.plot().figure.axes) == 2
    assert any(t.startswith("Median") for t in texts(chart.plot()))


def test_a_long_run_is_gone_over_and_named():
    chart = qstats.run_chart(np.concatenate((np.arange(12) % 2, 10 + np.arange(12) % 3)))
    ax = chart.plot()
    run = next(line for line in ax.lines if line.get_gid() == "long run" and len(line.get_xdata()))
    window = next(s.window for s in chart.signals if s.window)
    assert run.get_xdata().tolist() == list(window)
    assert any("run too long" in t for t in texts(ax))


def test_a_funnel_has_its_units_and_limits():
    funnel = qstats.funnel(COUNT, size=SIZE, unit=[f"供应商{i}" for i in range(30)])
    ax = funnel.plot(lang="zh")
    points = [line for line in ax.lines if line.get_gid() in ("units", "signals")]
    assert sum(len(line.get_xdata()) for line in points) == 30
    out = next(line for line in points if line.get_gid() == "signals")
    beyond = [i for i, s in enumerate(funnel.status) if s != "inside"]
    assert out.get_ydata().tolist() == [COUNT[i] / SIZE[i] for i in beyond]
    assert "供应商5" in texts(ax)
    upper = next(line for line in ax.lines if line.get_gid() == "upper 0.998")
    x, y = upper.get_xdata(), upper.get_ydata()
    np.testing.assert_array_equal(y, funnel.curve(x, 0.998)[1])
    assert "<script" not in figure_svg(qstats.funnel(COUNT, size=SIZE, unit=[f"<script>{i}" for i in range(30)]))


def test_tags_that_would_touch_are_shortened():
    target = np.repeat([0.0, 1.0, 6.0], 10)
    values = np.random.default_rng(3).normal(size=30)  # its own: the shared one depends on which tests ran before
    chart = qstats.individuals(values, rules="nelson", target=target)
    tags = [t for t in texts(chart.plot()) if t.endswith("+")]
    assert tags
    legend = next(t for t in texts(chart.plot()) if "signal by rule" in t)
    assert max(len(line) for line in legend.split("\n")) < 100


def test_zone_lines_stand_where_zone_rules_look():
    values = X[:30]
    zones = [p for p in qstats.individuals(values).plot().patches if p.get_gid() == "zone"]
    assert len(zones) == 4
    assert not [p for p in qstats.individuals(values, rules="none").plot().patches if p.get_gid() == "zone"]
