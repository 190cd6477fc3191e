"""Caterpillars of units: what is drawn is what was computed."""

import numpy as np
import pytest

import qstats.figures as figures
from qstats import DataError
from qstats.figures.units import draw_units
from qstats.improve.units.ranking import rank_units

HOSTILE = "<script>alert(1)</script> $a_b$ 供应商"


@pytest.fixture
def ranking():  # type: ignore[no-untyped-def]
    names = ["甲", "乙", HOSTILE, "D", "E"]
    return rank_units([3, 30, 12, 9, 25], exposure=[400, 600, 500, 300, 200], unit=names, rng=1)


def _points(ax):  # type: ignore[no-untyped-def]
    return {line.get_gid(): line.get_xdata() for line in ax.lines}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_ranks_and_levels_are_those_of_the_result(ranking, lang) -> None:  # type: ignore[no-untyped-def]
    ax = figures.plot(ranking, lang=lang)
    (bars,) = [c for c in ax.collections if c.get_gid() == "intervals"]
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])
    np.testing.assert_array_equal(ends, np.column_stack([ranking.rank_low, ranking.rank_high]))
    np.testing.assert_array_equal(_points(ax)["second"], ranking.raw_rank)
    filled, hollow = (
        line.get_xdata() for line in ax.lines if line.get_marker() == "o" and line.get_gid() != "reference"
    )
    np.testing.assert_array_equal(filled, ranking.mean_rank[ranking.established])
    np.testing.assert_array_equal(hollow, ranking.mean_rank[~ranking.established])
    assert [t.get_text().replace("\n", " ") for t in ax.get_yticklabels()] == list(ranking.units)
    assert f"{ranking.reliability:.0%}" in ax.get_title(loc="left")
    assert any(f"{ranking.prob_worst[-1]:.0%}" in t.get_text() for t in ax.texts)
    ax.figure.canvas.draw()
    ax = draw_units(ranking, show="levels", lang=lang)
    (bars,) = [c for c in ax.collections if c.get_gid() == "intervals"]
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends[:, 1], ranking.interval.high)
    np.testing.assert_allclose(_points(ax)["second"], ranking.raw)
    assert ("Shrunken" if lang == "en" else "收缩") in ax.get_xlabel()
    ax.figure.canvas.draw()


def test_many_units_keep_both_ends() -> None:
    rng = np.random.default_rng(2)
    n = rng.integers(50, 400, 70)
    r = rank_units(rng.binomial(n, 0.1), size=n, draws=1000, rng=1)
    ax = draw_units(r)
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert len(labels) == 40 and labels[0] == r.units[0] and labels[-1] == r.units[-1]
    assert labels[19] == "31 more"
    ax = draw_units(r, show="levels")
    assert "%" in ax.xaxis.get_major_formatter()(0.1, 0)
    forty = draw_units(rank_units(rng.binomial(n[:40], 0.1), size=n[:40], draws=1000, rng=1))
    assert len(forty.get_yticklabels()) == 40 and not any("more" in t.get_text() for t in forty.get_yticklabels())


def test_svg_is_escaped_and_words_are_checked(ranking) -> None:  # type: ignore[no-untyped-def]
    svg = figures.figure_svg(ranking, lang="zh")
    assert "<script" not in svg and "甲" in svg
    assert draw_units(ranking, title="T").get_title(loc="left") == "T"
    with pytest.raises(DataError, match="show"):
        draw_units(ranking, show="all")
    with pytest.raises(DataError, match="lang"):
        draw_units(ranking, lang="fr")
