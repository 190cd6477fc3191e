"""Figures of gauge R&R: bars, charts and cells are those of the study, in both languages, whatever the labels."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import qstats.figures as figures
from qstats import DataError
from qstats.msa.gauge import gauge_rr, gauge_rr_many

D4, A2 = 2.574, 1.023  # subgroups of 3: AIAG SPC, 2nd ed. (2005), appendix E
PANELS = ("components", "ranges", "means", "parts", "operators", "interaction")
OPERATORS = ("检验员王小明", "_under $x$ <b>", 'line\nbreak ]]> & "q"')


def one(ax, gid):  # type: ignore[no-untyped-def]
    (found,) = [a for a in ax.get_children() if a.get_gid() == gid]
    return found


def named(ax, gid):  # type: ignore[no-untyped-def]
    return [a for a in ax.get_children() if a.get_gid() == gid]


def texts(figure):  # type: ignore[no-untyped-def]
    return [t.get_text() for t in figure.findobj(matplotlib.text.Text) if t.get_text()]


def measured(p=10, o=3, r=3, seed=5):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    return (
        rng.normal(0, 2, (p, 1, 1)) + rng.normal(0, 0.3, (1, o, 1)) + rng.normal(0, 0.1, (p, o, 1))
        + rng.normal(0, 0.4, (p, o, r))
    )  # fmt: skip


def labelled(y, parts, operators, **options):  # type: ignore[no-untyped-def]
    p, o, r = y.shape
    return gauge_rr(
        y.ravel(), part=np.repeat(parts, o * r), operator=np.tile(np.repeat(operators, r), p), **options
    )  # fmt: skip


@pytest.fixture(scope="module")
def cube():  # type: ignore[no-untyped-def]
    return measured()


@pytest.fixture(scope="module")
def study(cube):  # type: ignore[no-untyped-def]
    return gauge_rr(cube, spec=(-8.0, 8.0))


@pytest.fixture(scope="module")
def hostile():  # type: ignore[no-untyped-def]
    y = measured(30, 3, 2)
    return labelled(y, [f"零件编号甲零壹-{i:02d}" for i in range(30)], OPERATORS, spec=(-8.0, 8.0), sigma_process=2.0)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_bars_are_the_components_with_their_intervals(study, lang) -> None:  # type: ignore[no-untyped-def]
    ax = figures.plot(study, panel="components", lang=lang)
    names = ("gauge_rr", "repeatability", "reproducibility", "part")
    for bars, field in zip(ax.containers, ("percent_contribution", "percent_study", "percent_tolerance"), strict=True):
        wanted = [getattr(study.components[name], field) for name in names]
        np.testing.assert_allclose([bar.get_height() for bar in bars], [e.estimate for e in wanted])
    hatches = {bars[0].get_hatch() for bars in ax.containers}
    assert len(hatches) == 3  # told apart in grey
    spans = [c for c in ax.collections if hasattr(c, "get_segments")]
    ends = np.concatenate([[s[:, 1] for s in c.get_segments()] for c in spans])
    lows = [getattr(study.components[n], f).interval.low
            for f in ("percent_contribution", "percent_study", "percent_tolerance") for n in names]  # fmt: skip
    np.testing.assert_allclose(ends[:, 0], lows)
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert labels[0] == ("量具 R&R" if lang == "zh" else "gauge R&R")
    assert [t.get_text() for t in ax.get_legend().get_texts()][1] == (
        "% 研究变异" if lang == "zh" else "% study variation"
    )
    ax.figure.canvas.draw()


def test_an_interval_beyond_the_picture_is_an_arrow() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(0, 1, (4, 1, 1)) + rng.normal(0, 1.2, (1, 2, 1)) + rng.normal(0, 0.2, (4, 2, 2))
    study = gauge_rr(y, spec=(-8.0, 8.0))
    ax = figures.plot(study, panel="components")
    high = max(e.interval.high for c in study.components.values() for e in (c.percent_tolerance,))
    assert high > ax.get_ylim()[1]
    assert named(ax, "goes on") and sum(line.get_xdata().size for line in named(ax, "goes on")) >= 1
    ax.figure.canvas.draw()


def test_charts_are_those_of_the_printed_constants(cube, study) -> None:  # type: ignore[no-untyped-def]
    ranges = np.ptp(cube, axis=2).T.ravel()  # operator by operator
    means = cube.mean(axis=2).T.ravel()
    ax = figures.plot(study, panel="ranges")
    np.testing.assert_allclose(np.concatenate([line.get_ydata() for line in named(ax, "points")]), ranges)
    np.testing.assert_allclose(one(ax, "upper").get_data()[0], D4 * ranges.mean(), rtol=5e-4)
    np.testing.assert_allclose(one(ax, "center").get_data()[0], ranges.mean(), rtol=1e-9)
    np.testing.assert_allclose(one(ax, "lower").get_data()[0], 0.0)
    ax = figures.plot(study, panel="means")
    np.testing.assert_allclose(np.concatenate([line.get_ydata() for line in named(ax, "points")]), means)
    reach = A2 * ranges.mean()
    np.testing.assert_allclose(one(ax, "upper").get_data()[0], cube.mean() + reach, rtol=2e-3)
    out = int(sum(abs(m - cube.mean()) > reach for m in means))
    assert f"{out} of 30" in ax.get_title(loc="left")
    assert not named(ax, "signals")  # outside is what one wants here
    assert [t.get_text() for t in named(ax, "operator")] == list(study.cells.operator_labels)
    ax.figure.canvas.draw()


def test_a_range_beyond_the_limit_is_marked() -> None:
    y = measured()
    y[4, 1, 0] += 6.0
    ax = figures.plot(gauge_rr(y), panel="ranges")
    assert one(ax, "signals").get_xdata().tolist() == [14]


def test_parts_operators_and_both(cube, study) -> None:  # type: ignore[no-untyped-def]
    ax = figures.plot(study, panel="parts")
    at, y = one(ax, "measurements").get_data()
    for i in range(10):
        np.testing.assert_allclose(np.sort(y[at == i]), np.sort(cube[i].ravel()))
    np.testing.assert_allclose(one(ax, "means").get_ydata(), cube.mean(axis=(1, 2)))
    ax = figures.plot(study, panel="operators")
    np.testing.assert_allclose(one(ax, "means").get_ydata(), cube.mean(axis=(0, 2)))
    ax = figures.plot(study, panel="interaction")
    for j in range(3):
        np.testing.assert_allclose(one(ax, f"operator {j}").get_ydata(), cube[:, j].mean(axis=1))
    lines = [one(ax, f"operator {j}") for j in range(3)]
    assert len({line.get_marker() for line in lines}) == 3  # told apart without colour
    ax.figure.canvas.draw()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_six_panels_with_hostile_labels(hostile, lang) -> None:  # type: ignore[no-untyped-def]
    ax = figures.plot(hostile, lang=lang)
    assert len(ax.figure.axes) == 6
    ax.figure.canvas.draw()
    interaction = ax.figure.axes[5]
    assert len(interaction.get_legend().get_texts()) == 3  # also the name that begins with "_"
    ticks = [t.get_text() for t in interaction.get_xticklabels()]
    assert len(set(ticks)) == 30 and all(t.endswith(f"-{i:02d}") for i, t in enumerate(ticks))
    assert ("交叉" if lang == "zh" else "crossed") in ax.figure.get_suptitle()
    svg = figures.figure_svg(hostile, lang=lang)
    assert "<b>" not in svg and "王小明" in svg and "$x$" in svg


def test_one_operator_has_no_reproducibility() -> None:
    y = measured(8, 1, 3)
    s = gauge_rr(y.ravel(), part=np.repeat(np.arange(8).astype(str), 3))
    ax = figures.plot(s)
    assert len(ax.figure.axes[0].containers[0]) == 3
    ax.figure.canvas.draw()


def test_nested_and_unbalanced_studies() -> None:
    y = measured(15, 1, 3)
    nested = gauge_rr(y.ravel(), part=np.repeat(np.arange(15).astype(str), 3), operator=np.repeat(["A", "B", "C"], 15))
    ax = figures.plot(nested, panel="interaction")
    assert [one(ax, f"operator {j}").get_xdata().size for j in range(3)] == [5, 5, 5]
    assert one(figures.plot(nested, panel="ranges"), "upper").get_data()[0].size == 15
    figures.plot(nested).figure.canvas.draw()
    cube = measured()
    keep = np.random.default_rng(3).random(90) > 0.15
    part, operator = np.repeat(np.arange(10).astype(str), 9), np.tile(np.repeat(["A", "B", "C"], 3), 10)
    s = gauge_rr(cube.ravel()[keep], part=part[keep], operator=operator[keep])
    ax = figures.plot(s, panel="means")
    reach = one(ax, "upper").get_data()[0] - s.mean
    sizes = s.cells.count.T[s.cells.count.T > 0]
    np.testing.assert_allclose(reach * np.sqrt(sizes), reach[0] * np.sqrt(sizes[0]), rtol=1e-9)
    figures.plot(s).figure.canvas.draw()


def test_more_operators_than_lines_are_thin() -> None:
    ax = figures.plot(gauge_rr(measured(6, 9, 2)), panel="interaction")
    assert len(ax.get_legend().get_texts()) == 6
    assert ax.get_legend().get_title().get_text() == "3 more, thin"
    assert len(ax.lines) == 9
    ax.figure.canvas.draw()


def test_a_large_study_draws_cell_means() -> None:
    s = gauge_rr(measured(400, 3, 5))
    assert s.cells.values is None
    ax = figures.plot(s)
    ax.figure.canvas.draw()
    assert one(ax.figure.axes[1], "measurements").get_ydata().size == 1200
    ticks = [t.get_text() for t in ax.figure.axes[1].get_xticklabels()]
    assert 10 < len(ticks) < 100


def test_an_offset_keeps_its_digits() -> None:
    s = gauge_rr(1e6 + 0.001 * measured())
    ax = figures.plot(s, panel="means")
    ax.figure.canvas.draw()
    ticks = [t.get_text() for t in ax.get_yticklabels()]
    assert len(set(ticks)) == len(ticks) and ax.yaxis.get_offset_text().get_text() == ""


@pytest.mark.parametrize("panel", PANELS)
def test_each_panel_stands_on_a_given_axes(hostile, panel) -> None:  # type: ignore[no-untyped-def]
    import matplotlib.pyplot as plt

    before, open_figures = dict(matplotlib.rcParams), plt.get_fignums()
    figure = Figure()
    ax = figure.subplots()
    assert figures.plot(hostile, ax, panel=panel, lang="zh") is ax
    assert len(figure.axes) == 1 and ax.get_legend() is None and ax.get_title(loc="left")
    figure.canvas.draw()
    assert dict(matplotlib.rcParams) == before and plt.get_fignums() == open_figures
    assert figures.plot(hostile, panel=panel, title="T $x$").get_title(loc="left") == "T $x$"


def test_words_are_checked(study) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=r"ax: got one Axes.*'components'"):
        figures.plot(study, Figure().subplots(), panel="all")
    with pytest.raises(DataError, match="panel"):
        figures.plot(study, panel="fishbone")
    with pytest.raises(DataError, match="lang"):
        figures.plot(study, lang="fr")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_many_gauges_worst_first(lang) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(2)
    x = np.stack([measured(seed=i) + rng.normal(0, s, (10, 3, 3)) for i, s in enumerate(np.linspace(0.0, 2.0, 50))])
    x[7] = 3.0
    t = gauge_rr_many(x, names=[f"特性 {i} $a$ <b>" for i in range(50)], tolerance=10.0)
    ax = figures.plot(t, lang=lang)
    order = np.argsort(-np.where(np.isnan(t.percent_study), -1.0, t.percent_study))[:40]
    (points,) = [line for line in ax.lines if line.get_marker() == "o" and line.get_xdata().size]
    np.testing.assert_array_equal(points.get_xdata(), t.percent_study[order])
    labels = [v.get_text() for v in ax.get_yticklabels()]
    assert labels[0] == t.name[order[0]] and "10" in labels[-1] and len(labels) == 41
    assert [line.get_xdata()[0] for line in named(ax, "cut")] == [10.0, 30.0]
    assert any("ndc" in v.get_text() for v in ax.texts)
    ax.figure.canvas.draw()
    assert "<b>" not in figures.figure_svg(t, lang=lang)
