"""The before/after Pareto and the band of the cumulative line: what is drawn is what was computed."""

import numpy as np
import pytest

from qstats import DataError, pareto
from qstats.figures.pareto import MOST_BARS, draw_pareto, draw_pareto_change
from qstats.improve.pareto.compare import compare_pareto

BEFORE = {"late": 120, "外观划痕": 60, "$a_b$": 30, "old": 12}
AFTER = {"late": 60, "外观划痕": 61, "$a_b$": 28, "new": 11}


def _widths(ax, gid: str) -> list[float]:  # type: ignore[no-untyped-def]
    return [bar.get_width() for bar in ax.patches if bar.get_gid() == gid]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_bars_show_both_times(lang: str) -> None:
    r = compare_pareto(BEFORE, AFTER, exposure=50, exposure0=100)
    ax = draw_pareto_change(r, lang=lang)
    assert _widths(ax, "before") == r.before.tolist()
    np.testing.assert_allclose(_widths(ax, "after"), 2 * r.after)  # scaled to the exposure before
    assert "100" in ax.get_xlabel()
    texts = [t.get_text() for t in ax.texts]
    assert any(f"{r.rate.estimate[1]:.2f}" in t for t in texts)
    assert sum("∞" in t for t in texts) == 1  # the new one has no ratio
    assert any(("none after" if lang == "en" else "措施后为零") in t for t in texts)
    ax.figure.canvas.draw()


def test_equal_exposure_shows_counts_and_marks_what_fell() -> None:
    r = compare_pareto(BEFORE, AFTER, exposure=1, exposure0=1)
    ax = draw_pareto_change(r, title="T")
    assert _widths(ax, "after") == r.after.tolist()
    marked = ["▼" in t.get_text() for t in ax.texts if "(" in t.get_text() and "interval" not in t.get_text()]
    assert marked == r.fell().tolist()
    assert ax.get_title(loc="left") == "T"
    with pytest.raises(DataError, match="lang"):
        draw_pareto_change(r, lang="fr")


def test_many_categories_are_counted_in_the_last_line() -> None:
    many = {f"c{i}": 5 + i for i in range(50)}
    ax = draw_pareto_change(compare_pareto(many, many))
    assert len(_widths(ax, "before")) == MOST_BARS
    assert "10 more" in ax.get_yticklabels()[-1].get_text()


def test_band_of_the_cumulative_line() -> None:
    t = pareto({"a": 40, "b": 20, "c": 9}, resamples=199, rng=1)
    ax = draw_pareto(t)
    over = next(a for a in ax.figure.axes if a is not ax)
    (band,) = [c for c in over.collections if c.get_gid() == "cumulative band"]
    x = band.get_paths()[0].vertices[:, 0]
    assert {round(float(v), 9) for v in 100 * t.cumulative_low} <= {round(float(v), 9) for v in x}
    assert {round(float(v), 9) for v in 100 * t.cumulative_high} <= {round(float(v), 9) for v in x}
    plain = draw_pareto(pareto({"a": 40, "b": 20, "c": 9}))
    assert not [c for a in plain.figure.axes for c in a.collections if c.get_gid() == "cumulative band"]
