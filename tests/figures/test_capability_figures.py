"""Figures of capability: what is drawn is what was computed, in both languages, on any Axes, whatever the labels."""

from itertools import pairwise
from string import Formatter

import matplotlib
import numpy as np
import pytest
import scipy.stats
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import qstats.figures as figures
from qstats import DataError, Spec
from qstats.capability.attribute import attribute_capability
from qstats.capability.columns import capability_columns
from qstats.capability.compare import compare_capability
from qstats.capability.nonnormal.door import nonnormal_capability
from qstats.capability.normal import process_capability
from qstats.figures.capability.histogram import classes_of, snapped
from qstats.figures.panels import apart, reader
from qstats.figures.words_quality import _WORDS, say

HOSTILE = "<script>alert(1)</script> $a_b$ ]]> \n 零件编号甲零壹之外圆直径尺寸与同轴度"
B5, B6 = 0.0, 1.964  # n = 5: Montgomery (2013), 7th ed., appendix VI
D4_2 = 3.267  # n = 2, the same table
D2_2 = 1.128


def one(ax, gid):  # type: ignore[no-untyped-def]
    """Return the artist drawn under this name."""
    (found,) = [a for a in ax.get_children() if a.get_gid() == gid]
    return found


def named(ax, gid):  # type: ignore[no-untyped-def]
    return [a for a in ax.get_children() if a.get_gid() == gid]


def texts(figure):  # type: ignore[no-untyped-def]
    return [t.get_text() for t in figure.findobj(matplotlib.text.Text) if t.get_text()]


@pytest.fixture(scope="module")
def values():  # type: ignore[no-untyped-def]
    return np.random.default_rng(5).normal(74.0, 0.01, (30, 5))


@pytest.fixture(scope="module")
def study(values):  # type: ignore[no-untyped-def]
    return process_capability(values, spec=Spec(73.95, 74.05, 74.002))


@pytest.fixture(scope="module")
def singles():  # type: ignore[no-untyped-def]
    x = np.random.default_rng(2).normal(10.0, 1.0, 60)
    x[40] = 16.0
    return x, process_capability(x, spec=Spec(upper=15.0))


@pytest.fixture(scope="module")
def skewed():  # type: ignore[no-untyped-def]
    x = np.random.default_rng(5).lognormal(2.0, 0.5, 150)
    return x, nonnormal_capability(x, spec=Spec(0, 40, boundary="lower"), rng=1, resamples=100)


# ---- histogram ----


def test_histogram_holds_every_value_and_both_curves(values, study) -> None:  # type: ignore[no-untyped-def]
    ax = figures.plot(study)
    share, edges, _ = one(ax, "histogram").get_data()
    x = values.ravel()
    counted = [sum(a <= v < b for v in x) for a, b in pairwise(edges)]
    counted[-1] += int(sum(x == edges[-1]))
    np.testing.assert_allclose(share, np.array(counted) / x.size, atol=1e-12)
    width = edges[1] - edges[0]
    for gid, sigma in (("within", study.sigma_within.estimate), ("overall", study.sigma_overall.estimate)):
        at, height = one(ax, gid).get_data()
        expected = width * scipy.stats.norm.pdf(at, x.mean(), sigma)
        np.testing.assert_allclose(height, expected, rtol=1e-6)
    assert one(ax, "within").get_linestyle() == "--" and one(ax, "overall").get_linestyle() == "-"
    assert one(ax, "lsl").get_xdata()[0] == 73.95 and one(ax, "usl").get_xdata()[0] == 74.05
    assert one(ax, "target").get_xdata()[0] == 74.002
    assert {t.get_text() for t in named(ax, "line name")} == {"LSL 73.95", "USL 74.05", "target 74.002"}
    ax.figure.canvas.draw()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_index_stands_beside_it_with_its_interval(study, lang) -> None:  # type: ignore[no-untyped-def]
    ax = figures.plot(study, lang=lang)
    found = texts(ax.figure)
    to = "至" if lang == "zh" else "to"
    for name, e in study.terms().values.items():
        assert name in found
        low, high = f"{e.interval.low:.3g}", f"{e.interval.high:.3g}"
        assert any(t.startswith(f"{e.estimate:.3g}") and f"{low} {to} {high}" in t for t in found)
    assert ("超出规格的 ppm" if lang == "zh" else "ppm beyond specification") in found
    assert any("95%" in t for t in found)
    assert any(("信号" if lang == "zh" else "signals") in t for t in found)


def test_boundary_is_not_drawn_as_a_limit() -> None:
    x = np.random.default_rng(4).gamma(40.0, 0.002, 100)
    ax = figures.plot(process_capability(x, spec=Spec(0.0, 0.16, boundary="lower")))
    assert not named(ax, "lsl") and one(ax, "usl").get_xdata()[0] == 0.16
    assert one(ax, "boundary").get_xdata()[0] == 0.0
    assert one(ax, "beyond boundary").get_hatch()
    assert one(ax, "boundary").get_linestyle() != one(ax, "usl").get_linestyle()
    assert "boundary 0" in texts(ax.figure)


def test_a_limit_far_away_leaves_the_data_their_width() -> None:
    x = np.random.default_rng(4).normal(0.0, 1.0, 50)
    ax = figures.plot(process_capability(x, spec=Spec(-1e6, 4.0)))
    left, right = ax.get_xlim()
    assert right - left < 100 and not named(ax, "lsl")
    assert "◄ LSL -1e+06" in texts(ax.figure)
    ax.figure.canvas.draw()


def test_an_offset_leaves_all_digits_in_sight() -> None:
    x = 1e6 + np.random.default_rng(3).normal(0.0, 0.003, (25, 4))
    ax = figures.plot(process_capability(x, spec=Spec(1e6 - 0.01, 1e6 + 0.01)))
    ax.figure.canvas.draw()
    assert {"LSL 999999.99", "USL 1000000.01"} <= set(texts(ax.figure))
    ticks = [t.get_text() for t in ax.get_xticklabels()]
    assert len(set(ticks)) == len(ticks) >= 2
    assert ax.xaxis.get_offset_text().get_text() == ""


def test_two_values_in_three_do_not_break_the_picture() -> None:
    ax = figures.plot(process_capability([1.0, 1.2, 0.9], spec=Spec(0, 2)), panel="sixpack")
    ax.figure.canvas.draw()
    assert len(ax.figure.axes) == 6


def test_classes_of_a_coarse_gauge_hold_whole_steps() -> None:
    x = np.sort(np.round(np.random.default_rng(1).normal(5.0, 0.05, 120), 2))
    c = classes_of(x)
    steps = np.diff(c.edges) / 0.01
    np.testing.assert_allclose(steps, np.round(steps[0]), atol=1e-6)
    assert c.share.sum() == pytest.approx(1.0)
    assert not np.isclose((c.edges[:, None] - x).astype(float), 0.0, atol=1e-4).any()  # edges between the values
    assert snapped(np.sort(np.random.default_rng(1).normal(0, 1, 50)), 0.3) is None
    assert classes_of(np.full(5, 3.0)).share.tolist() == [1.0]


# ---- probability ----


def test_band_is_that_of_order_statistics_and_the_test_is_anderson_darlings(values, study) -> None:  # type: ignore[no-untyped-def]
    ax = figures.plot(study, panel="probability")
    x = np.sort(values.ravel())
    n = x.size
    at, height = one(ax, "values").get_data()
    np.testing.assert_array_equal(at, x)
    np.testing.assert_allclose(height, scipy.stats.norm.ppf((np.arange(1, n + 1) - 0.5) / n), rtol=1e-9)
    (band,) = one(ax, "band").get_paths()
    rank = np.arange(1, n + 1)
    low, high = (x.mean() + x.std(ddof=1) * scipy.stats.norm.ppf(scipy.stats.beta.ppf(q, rank, n + 1 - rank))
                 for q in (0.025, 0.975))  # fmt: skip
    drawn = np.unique(band.vertices[:, 0])
    np.testing.assert_allclose(drawn, np.unique(np.concatenate([low, high])), rtol=1e-9)
    line = one(ax, "fit")
    slope = np.diff(line.get_ydata()) / np.diff(line.get_xdata())
    assert slope[0] == pytest.approx(1.0 / x.std(ddof=1), rel=1e-9)
    assert f"A² = {_anderson(x):.3g}" in ax.get_title(loc="left")
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert {"1", "50", "99"} <= set(labels)
    assert "beta" in ax.get_legend().get_texts()[0].get_text()
    ax.figure.canvas.draw()


def _anderson(x) -> float:  # type: ignore[no-untyped-def]
    """A squared as it is defined (Anderson & Darling 1954), term by term."""
    z = np.sort((x - x.mean()) / x.std(ddof=1))
    n, total = z.size, 0.0
    for i in range(1, n + 1):
        total += (2 * i - 1) * (scipy.stats.norm.logcdf(z[i - 1]) + scipy.stats.norm.logsf(z[n - i]))
    return -n - total / n


# ---- six panels ----


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_six_panels(study, lang) -> None:  # type: ignore[no-untyped-def]
    ax = figures.plot(study, panel="sixpack", lang=lang)
    assert len(ax.figure.axes) == 6
    means, histogram, spreads, paper, last, bars = ax.figure.axes
    center, sigma = study.mean.estimate, study.sigma_within.estimate
    np.testing.assert_array_equal(one(means, "points").get_ydata(), study.picture.mean)
    for gid, k in (("lower", -3), ("center", 0), ("upper", 3)):
        np.testing.assert_allclose(one(means, gid).get_data()[0], center + k * sigma / np.sqrt(5), rtol=1e-12)
    np.testing.assert_allclose(one(spreads, "upper").get_data()[0], B6 * sigma, rtol=5e-4)
    np.testing.assert_allclose(one(spreads, "lower").get_data()[0], B5, atol=1e-12)
    assert spreads.get_ylim()[0] == 0.0
    assert named(histogram, "histogram") and named(paper, "band")
    assert one(last, "last").get_ydata().size == 125
    for gid, s in (("within", sigma), ("overall", study.sigma_overall.estimate)):
        np.testing.assert_allclose(one(bars, gid).get_xdata(), [center - 3 * s, center + 3 * s])
    np.testing.assert_allclose(one(bars, "specification").get_xdata(), [73.95, 74.05])
    assert ("子组均值" if lang == "zh" else "Subgroup means") == means.get_title(loc="left")
    assert ("过程能力" if lang == "zh" else "Process capability") in ax.figure.get_suptitle()
    ax.figure.canvas.draw()


def test_single_values_have_moving_ranges_and_their_signal(singles) -> None:  # type: ignore[no-untyped-def]
    x, study = singles
    ax = figures.plot(study, panel="means")
    np.testing.assert_array_equal(one(ax, "points").get_ydata(), x)
    assert 40 in one(ax, "signals").get_xdata()
    ax = figures.plot(study, panel="spreads")
    moving = np.abs(np.diff(x))
    np.testing.assert_allclose(one(ax, "points").get_ydata()[1:], moving)
    np.testing.assert_allclose(one(ax, "upper").get_data()[0], D4_2 * D2_2 * study.sigma_within.estimate, rtol=1e-3)
    far = np.flatnonzero(moving > D4_2 * D2_2 * study.sigma_within.estimate) + 1
    assert far.tolist() == one(ax, "signals").get_xdata().tolist() == [40]
    ax.figure.canvas.draw()


def test_a_study_without_rules_marks_nothing(singles) -> None:  # type: ignore[no-untyped-def]
    x, _ = singles
    study = process_capability(x, spec=Spec(upper=15.0), rules="none")
    assert not named(figures.plot(study, panel="means"), "signals")
    assert "stability not judged" in texts(figures.plot(study).figure)


def test_a_one_sided_specification_is_an_arrow(singles) -> None:  # type: ignore[no-untyped-def]
    ax = figures.plot(singles[1], panel="bars")
    assert any(line.get_marker() == "<" for line in ax.lines)
    assert not any(line.get_marker() == ">" for line in ax.lines)


def test_subgroups_of_different_size_have_stepped_limits() -> None:
    rng = np.random.default_rng(3)
    sizes = (3, 5, 4, 6, 2, 5, 5, 4, 3, 5, 6, 7)
    study = process_capability([list(rng.normal(3, 1, n)) for n in sizes], spec=Spec(lower=0))
    ax = figures.plot(study, panel="means")
    reach = one(ax, "upper").get_data()[0] - study.mean.estimate
    np.testing.assert_allclose(reach, 3 * study.sigma_within.estimate / np.sqrt(sizes), rtol=1e-9)


def test_long_data_are_drawn_from_their_end() -> None:
    study = process_capability(np.random.default_rng(3).normal(0, 1, (3000, 4)), spec=Spec(-4, 4))
    ax = figures.plot(study, panel="sixpack")
    means = ax.figure.axes[0]
    assert one(means, "points").get_ydata().size == 500
    ax.figure.canvas.draw()
    shown = [t.get_text() for t in means.get_xticklabels() if t.get_text()]
    assert min(map(int, shown)) > 2500
    assert ax.figure.axes[3].get_title(loc="left") == "Normal probability plot"  # thinned values have no test


# ---- non-normal ----


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nonnormal_histogram(skewed, lang) -> None:  # type: ignore[no-untyped-def]
    x, r = skewed
    ax = figures.plot(r, lang=lang)
    share, edges, _ = one(ax, "histogram").get_data()
    assert share.sum() == pytest.approx(1.0)
    np.testing.assert_allclose([edges[0], edges[-1]], [x.min(), x.max()], rtol=1e-12)
    at, height = one(ax, "fit").get_data()
    assert r.chosen.family == "lognormal"
    y = np.log(x)  # maximum likelihood: divisor n
    expected = scipy.stats.lognorm.pdf(at, y.std(), scale=np.exp(y.mean()))
    np.testing.assert_allclose(height, (edges[1] - edges[0]) * expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose([line.get_xdata()[0] for line in named(ax, "percentile")], r.percentiles)
    found = texts(ax.figure)
    assert {"0.135%", "50%", "99.865%", "Ppk", "USL 40"} <= set(found)
    assert any(f"{r.ppk.interval.low:.3g}" in t and f"{r.ppk.estimate:.3g}" in t for t in found)
    ax.figure.canvas.draw()


def test_probability_paper_of_a_fit_is_straight(skewed) -> None:  # type: ignore[no-untyped-def]
    x, r = skewed
    for family in (None, "gamma", "normal"):
        ax = figures.plot(r, panel="probability", family=family)
        f = r.chosen if family is None else r.fit(family)
        at, height = one(ax, "values").get_data()
        np.testing.assert_allclose(at, np.sort(x), rtol=1e-12)
        np.testing.assert_allclose(f.cdf(height), (np.arange(1, x.size + 1) - 0.5) / x.size, rtol=1e-7)
        line = one(ax, "fit")
        np.testing.assert_allclose(line.get_xdata(), line.get_ydata())
        assert f.label in ax.get_title(loc="left") and f"{f.anderson_darling:.3g}" in ax.get_title(loc="left")
        ax.figure.canvas.draw()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_fits_are_a_forest_of_ppk(skewed, lang) -> None:  # type: ignore[no-untyped-def]
    _, r = skewed
    ax = figures.plot(r, panel="fits", lang=lang)
    held = {a.family: a for a in r.alternatives}
    (bars,) = named(ax, "intervals")
    ends = {tuple(np.round(s[:, 0], 9)) for s in bars.get_segments()}
    assert ends == {(round(a.indices["ppk"].interval.low, 9), round(a.indices["ppk"].interval.high, 9))
                    for a in held.values()}  # fmt: skip
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert len(labels) == len(r.fits) and labels[0].startswith("对数正态" if lang == "zh" else r.chosen.label)
    rejected = "拟合不合格" if lang == "zh" else "not adequate"
    assert sum(rejected in t.get_text() for t in ax.texts) == sum(
        f.fitted and f.family not in held and f.pvalue is not None for f in r.fits
    )
    ax.figure.canvas.draw()


def test_named_family_holds_no_values_and_says_so() -> None:
    x = np.random.default_rng(1).weibull(0.8, 60)
    r = nonnormal_capability(x, spec=Spec(upper=9), method="weibull", rng=1, resamples=100)
    ax = figures.plot(r)
    assert not named(ax, "histogram") and "no single values" in ax.get_xlabel()
    assert np.isfinite(ax.get_ylim()).all()
    ax.figure.canvas.draw()
    with pytest.raises(DataError, match="data: the result holds no single values"):
        figures.plot(r, panel="probability")
    share, _, _ = one(figures.plot(r, data=x), "histogram").get_data()
    assert share.sum() == pytest.approx(1.0)
    assert one(figures.plot(r, panel="probability", data=x), "values").get_xdata().size == 60
    with pytest.raises(DataError, match="59 values came"):
        figures.plot(r, data=x[1:])


def test_the_sample_itself_has_no_curve() -> None:
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.normal(0, 1, 100), rng.normal(8, 1, 100)])
    r = nonnormal_capability(x, spec=Spec(-4, 13), method="empirical", rng=1, resamples=100)
    ax = figures.plot(r)
    assert named(ax, "histogram") and not named(ax, "fit")
    with pytest.raises(DataError, match="no probability paper"):
        figures.plot(r, panel="probability")
    with pytest.raises(DataError, match="for panel='probability'"):
        figures.plot(r, family="normal")


# ---- attributes ----


@pytest.fixture(scope="module")
def counted():  # type: ignore[no-untyped-def]
    x = np.random.default_rng(8).binomial(200, 0.03, 30)
    return x, attribute_capability(x, size=200, target=0.04)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_cumulative_rate_ends_in_the_result(counted, lang) -> None:  # type: ignore[no-untyped-def]
    x, r = counted
    ax = figures.plot(r, lang=lang)
    assert len(ax.figure.axes) == 4
    below = ax.figure.axes[2]
    at, rate = one(below, "cumulative").get_data()
    np.testing.assert_allclose(rate, np.cumsum(x) / (200.0 * np.arange(1, 31)))
    (band,) = one(below, "band").get_paths()
    k, n = int(x[:10].sum()), 2000  # Clopper & Pearson (1934) after ten samples
    expected = scipy.stats.beta.ppf(0.025, k, n - k + 1), scipy.stats.beta.ppf(0.975, k + 1, n - k)
    tenth = np.sort(np.unique(band.vertices[band.vertices[:, 0] == 10.0, 1]))
    np.testing.assert_allclose(tenth, expected, rtol=1e-9)
    np.testing.assert_allclose(one(below, "interval").get_ydata(), [r.rate.interval.low, r.rate.interval.high])
    assert one(below, "target").get_ydata()[0] == 0.04
    assert one(below, "cumulative").get_xdata()[-1] == 30 and at[0] == 1
    assert ("累计" if lang == "zh" else "Cumulative") in below.get_title(loc="left")
    ax.figure.canvas.draw()


def test_widened_intervals_have_no_band() -> None:
    x = [2, 30, 1, 40, 3, 35, 0, 38, 2, 33, 1, 36, 2, 31, 4, 39, 1, 37, 3, 34]
    r = attribute_capability(x, size=200)
    ax = figures.plot(r, panel="cumulative")
    assert not named(ax, "band")
    np.testing.assert_allclose(one(ax, "interval").get_ydata(), [r.rate.interval.low, r.rate.interval.high])


def test_defects_and_none_at_all() -> None:
    r = attribute_capability([3, 5, 2, 4, 6, 3], size=[40, 50, 45, 60, 55, 40], model="poisson", opportunities=10)
    ax = figures.plot(r, lang="zh")
    assert "DPMO" in texts(ax.figure)
    counts, _, _ = one(figures.plot(r, panel="rates"), "rates").get_data()
    assert counts.sum() == 6
    empty = attribute_capability([0] * 12, size=50, target=0.01)
    ax = figures.plot(empty)
    ax.figure.canvas.draw()
    assert one(ax.figure.axes[3], "rates").get_data()[0].tolist() == [12]
    assert figures.plot(r, panel="chart").get_title(loc="left") == "u chart"


# ---- tables and comparisons ----


@pytest.mark.parametrize("by", ["ppk", "cpk"])
def test_worst_characteristics_come_first(by) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(2)
    names = [HOSTILE, "乙", *(f"dim_{i} $x$" for i in range(48))]
    x = rng.normal(np.linspace(9, 11, 50), np.linspace(0.3, 1, 50), (80, 50))
    t = capability_columns(x, spec=Spec(6, 14), values=names)
    ax = figures.plot(t, by=by, required=1.33, lang="zh")
    e = getattr(t, by)
    order = np.argsort(e.estimate)[:40]
    (bars,) = named(ax, "intervals")
    ends = np.array([s[:, 0] for s in bars.get_segments()])
    np.testing.assert_allclose(ends, np.column_stack([e.interval.low, e.interval.high])[order])
    filled, hollow = (line.get_xdata() for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(filled, e.estimate[order][e.interval.low[order] >= 1.33])
    assert filled.size + hollow.size == 40
    assert "1.33" in ax.get_xlabel()
    svg = figures.figure_svg(t, by=by)
    assert "<script" not in svg
    with pytest.raises(DataError, match="by"):
        figures.plot(t, by="ppl")
    with pytest.raises(DataError, match="required"):
        figures.plot(t, required=-1.0)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_before_and_after(lang) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(5)
    before, spec = rng.normal(10, 1.5, (30, 5)), Spec(6, 14)
    c = compare_capability(before, rng.normal(10, 1, (30, 5)), spec=spec)
    ax = figures.plot(c, lang=lang)
    top, below = ax.figure.axes
    (bars,) = named(top, "intervals")
    ends = [s[:, 0].tolist() for s in bars.get_segments()]
    assert ends == [[e.interval.low, e.interval.high] for e in (c.before, c.after)]
    assert below.get_xscale() == "log"
    (ratios,) = named(below, "intervals")
    assert [s[:, 0].tolist() for s in ratios.get_segments()] == [
        [e.interval.low, e.interval.high] for e in (c.sigma_ratio, c.sigma_ratio_within, c.ppk_ratio, c.ppm_ratio)
    ]
    assert ("能力提高" if lang == "zh" else "more capable") in ax.get_title(loc="left")
    ax.figure.canvas.draw()
    worse = compare_capability(before, rng.normal(15, 1, (30, 5)), spec=spec)
    ax = figures.plot(worse)
    assert len(ax.figure.axes[1].get_yticklabels()) == 3  # a negative Ppk has no ratio
    ax.figure.canvas.draw()


# ---- on any Axes ----


def test_given_axes_hold_one_panel_and_no_legend(study, skewed, counted) -> None:  # type: ignore[no-untyped-def]
    figure = Figure()
    for draw in (
        lambda ax: figures.plot(study, ax),
        lambda ax: figures.plot(study, ax, panel="probability"),
        lambda ax: figures.plot(skewed[1], ax),
        lambda ax: figures.plot(skewed[1], ax, panel="fits"),
        lambda ax: figures.plot(counted[1], ax),
    ):
        figure.clear()
        ax = figure.subplots()
        assert draw(ax) is ax and len(figure.axes) == 1 and ax.get_legend() is None
        assert ax.get_title(loc="left")
        figure.canvas.draw()
    assert "Cpk" in figures.plot(study, Figure().subplots()).get_title(loc="left")


def test_several_panels_do_not_go_on_one_axes(study, counted) -> None:  # type: ignore[no-untyped-def]
    for r, panel in ((study, "sixpack"), (counted[1], "all")):
        with pytest.raises(DataError, match=r"ax: got one Axes.*several panels.*leave ax out"):
            figures.plot(r, Figure().subplots(), panel=panel)
        with pytest.raises(DataError, match="panel"):
            figures.plot(r, panel="everything")
        with pytest.raises(DataError, match="lang"):
            figures.plot(r, lang="fr")


def test_titles_are_the_callers(study, skewed, counted) -> None:  # type: ignore[no-untyped-def]
    for r in (study, skewed[1]):
        assert figures.plot(r, title="孔径 $d_1$").get_title(loc="left") == "孔径 $d_1$"
    assert figures.plot(study, panel="sixpack", title=HOSTILE).figure.get_suptitle().startswith("<script>")
    svg = figures.figure_svg(study, panel="sixpack", title=HOSTILE)
    assert "<script" not in svg and "aria-label" in svg and "零件编号" in svg


def test_nothing_global_moves(study, skewed, counted) -> None:  # type: ignore[no-untyped-def]
    import matplotlib.pyplot as plt

    before, open_figures = dict(matplotlib.rcParams), plt.get_fignums()
    for r in (study, skewed[1], counted[1]):
        figures.plot(r, lang="zh").figure.canvas.draw()
    assert dict(matplotlib.rcParams) == before and plt.get_fignums() == open_figures


def test_within_and_overall_differ_without_colour(study) -> None:  # type: ignore[no-untyped-def]
    ax = figures.plot(study)
    curves = [one(ax, gid) for gid in ("within", "overall")]
    grey = [float(np.dot(to_rgb(line.get_color()), (0.299, 0.587, 0.114))) for line in curves]
    assert curves[0].get_linestyle() != curves[1].get_linestyle() and abs(grey[0] - grey[1]) > 0.2


# ---- words and numbers ----


def test_words_exist_in_both_languages_with_the_same_gaps() -> None:
    for key, (en, zh) in _WORDS.items():
        assert en and zh, key
        gaps = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (en, zh)]
        assert gaps[0] == gaps[1], key
    assert list(_WORDS) == sorted(_WORDS)
    with pytest.raises(DataError, match="lang"):
        say("stable", "fr")


def test_readers_show_a_hundredth_of_the_spread() -> None:
    show = reader(0.003, 1e6 - 0.01, 1e6 + 0.01)
    assert show(1e6 + 0.000_03) != show(1e6) and show(1e6) == "1000000"
    assert reader(1.0, 5.0)(3.14159) == "3.142"
    assert [reader(0.0, 1.0)(v) for v in (np.inf, -np.inf, np.nan)] == ["∞", "-∞", "–"]


def test_names_alike_at_the_beginning_keep_their_ends() -> None:
    assert apart(["零件编号甲零壹-01", "零件编号甲零壹-02"], 8) == ["…零壹-01", "…零壹-02"]
    assert apart(["alpha", "beta"], 8) == ["alpha", "beta"]
    assert apart(["alphabetical", "beta"], 6) == ["alpha…", "beta"]
