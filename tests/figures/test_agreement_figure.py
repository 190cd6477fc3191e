"""Figures of attribute agreement and of gauge linearity: what stands on them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

import qstats


def _study(standard: bool = True, names: tuple[str, ...] = ("Ann", "检验员 <b>$x_1$")) -> qstats.AgreementStudy:
    rng = np.random.default_rng(3)
    truth = rng.choice(["ok", "bad"], 30)
    rows = [
        {"p": p, "who": who, "says": str(truth[p]) if rng.random() > 0.1 else "ok"}
        for p in range(30)
        for who in names
        for _ in range(2)
    ]
    given = {p: str(t) for p, t in enumerate(truth)} if standard else None
    return qstats.attribute_agreement(pd.DataFrame(rows), values="says", part="p", appraiser="who", standard=given)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_share_has_a_row_with_its_limits(lang: str) -> None:
    s = _study()
    ax = qstats.plot(s, lang=lang)
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert len(labels) == len(s.within) + len(s.versus_standard) + 2
    (lines,) = [c for c in ax.collections if isinstance(c, LineCollection) and c.get_gid() == "intervals"]
    drawn = [tuple(path[:, 0]) for path in lines.get_segments()]
    shares = [*s.within.values(), *s.versus_standard.values(), s.between, s.all_versus_standard]
    wanted = [(v.interval.low, v.interval.high) for v in shares if v is not None and v.interval is not None]
    np.testing.assert_allclose(drawn, wanted)
    texts = " ".join(t.get_text() for t in ax.texts)
    assert f"{s.within['Ann'].count} / 30" in texts
    assert "κ" in texts
    assert [line for line in ax.lines if line.get_gid() == "class limit"]
    assert ("一致性" if lang == "zh" else "Agreement") in ax.get_title(loc="left")


def test_without_a_standard_there_are_no_classes() -> None:
    ax = qstats.plot(_study(standard=False))
    assert not [line for line in ax.lines if line.get_gid() == "class limit"]
    assert len(ax.get_yticklabels()) == 3


def test_it_stands_on_axes_given_and_in_a_file(tmp_path) -> None:
    ax = Figure().add_subplot()
    assert qstats.plot(_study(), ax=ax, title="T") is ax
    assert ax.get_title(loc="left") == "T"
    assert qstats.save_figure(_study(), tmp_path / "a.svg").read_text(encoding="utf-8").count("<b>") == 0


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_linearity_shows_points_line_band_and_what_is_allowed(lang: str) -> None:
    rng = np.random.default_rng(1)
    reference = np.repeat([2.0, 4.0, 6.0, 8.0], 8)
    r = qstats.gauge_linearity(1.02 * reference + rng.normal(0, 0.2, 32), reference=reference, allowed=0.5)
    ax = qstats.plot(r, lang=lang)
    assert {tuple(line.get_ydata()) for line in ax.lines if line.get_gid() == "allowed"} == {(-0.5, -0.5), (0.5, 0.5)}
    line = next(line for line in ax.lines if np.size(line.get_xdata()) == r.grid.size)
    np.testing.assert_allclose(line.get_ydata(), r.grid_fit)
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(r.grid_low.min())
    assert band[:, 1].max() == pytest.approx(r.grid_high.max())
    legend = ax.get_legend()
    assert legend is not None and len(legend.get_texts()) == 3
    assert qstats.plot(r, ax=Figure().add_subplot()).get_legend() is None
