"""Figures of fitted models and of effects: what they show is what the results hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import qstats
from qstats import doe
from qstats.errors import DataError

# Montgomery, Design and Analysis of Experiments, 8th ed., example 6.2: filtration rate
RATE = [45, 71, 48, 65, 68, 60, 80, 65, 43, 100, 45, 104, 75, 86, 70, 96]


def drawn(ax: Any, gid: str) -> list[Any]:
    return [a for a in ax.get_children() if a.get_gid() == gid]


def _effects() -> Any:
    return doe.effects(doe.full_factorial(["A", "B", "C", "D"], rng=1), RATE, name="rate $x$")


def _fit(**more: Any) -> Any:
    rng = np.random.default_rng(1)
    design = doe.full_factorial({"温度": (160, 180), "c": (20, 40), "glue": ["甲", "乙"]}, replicates=2, rng=1)
    y = 50.0 + 5.0 * design.column("温度") + rng.normal(size=len(design))
    return doe.fit(design, y, model="interactions", name="产率", **more)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_effects_and_both_margins(lang: str) -> None:
    r = _effects()
    left = qstats.plot(r, lang=lang)
    right = left.figure.axes[1]
    # the book: A 21.625, AC -18.125, AD 16.625, D 14.625, C 9.875 stand out
    bars = sorted((b.get_y() + 0.33, b.get_width()) for b in right.patches if b.get_gid() == "bars")
    assert [w for _, w in bars][:5] == pytest.approx([21.625, 18.125, 16.625, 14.625, 9.875])
    assert [t.get_text() for t in drawn(right, "effect")][:2] == ["+21.62", "-18.12"]
    assert [line.get_xdata()[0] for line in drawn(right, "margin")] == pytest.approx([r.lenth.me, r.lenth.sme])
    (active,) = drawn(left, "active")
    assert sorted(active.get_ydata()) == pytest.approx([9.875, 14.625, 16.625, 18.125, 21.625])
    (noise,) = drawn(left, "noise")
    assert noise.get_ydata()[1] / noise.get_xdata()[1] == pytest.approx(2.625)  # its pseudo standard error
    assert left.figure.get_suptitle().startswith("rate $x$")


def test_replicated_effects_have_margins_by_t() -> None:
    import scipy.stats

    rng = np.random.default_rng(4)
    r = doe.effects(doe.full_factorial(["A", "B", "C"], replicates=2, rng=1), rng.normal(size=16))
    ax = qstats.plot(r, panel="pareto")
    se = r.standard_error[0]
    wanted = [scipy.stats.t.ppf(1 - 0.025 / m, 8) * se for m in (1, 7)]
    assert [line.get_xdata()[0] for line in drawn(ax, "margin")] == pytest.approx(wanted)


def test_contrasts_and_spread() -> None:
    r = _effects()
    ax = qstats.plot(r.lenth, panel="half-normal")
    points = np.concatenate([a.get_xydata() for gid in ("active", "inert") for a in drawn(ax, gid)])
    np.testing.assert_allclose(sorted(points[:, 0]), sorted(r.half_normal), rtol=1e-12)
    spread = doe.dispersion_effects(doe.full_factorial(["A", "B", "C", "D"], rng=1), RATE, model="A+C+D+A:C+A:D")
    ax = qstats.plot(spread, lang="zh")
    got = sorted(a.get_xdata()[0] for a in drawn(ax, "factor"))
    np.testing.assert_allclose(got, sorted(spread.factor))


def test_the_model_in_four_panels() -> None:
    r = _fit()
    axes = qstats.plot(r, lang="zh").figure.axes
    assert len(axes) == 4
    shown = [a.get_xdata()[0] for a in drawn(axes[0], "coefficient")]
    assert shown == pytest.approx([b for b, label in zip(r.estimate, r.labels, strict=True) if label != "1"])
    (runs,) = drawn(axes[1], "runs")
    np.testing.assert_allclose(runs.get_xdata(), r.fitted.mean)
    (residuals,) = drawn(axes[3], "residuals")
    np.testing.assert_allclose(residuals.get_ydata(), r.diagnostics.studentized[r.design.run_order])
    assert "产率" in axes[0].figure.get_suptitle()


def test_means_of_factors() -> None:
    r = _fit()
    first = qstats.plot(r, panel="main")
    assert len(first.figure.axes) == 3
    (line,) = drawn(first, "means")
    assert line.get_xdata()[[0, -1]].tolist() == [160.0, 180.0]
    np.testing.assert_allclose(line.get_ydata()[[0, -1]], doe.marginal_means(r, "温度").mean)
    ax = qstats.plot(r, panel="interaction", factors=("glue", "温度"))
    lines = drawn(ax, "means")
    for value, one in zip((160.0, 180.0), lines, strict=True):
        np.testing.assert_allclose(one.get_ydata(), doe.marginal_means(r, "glue", at={"温度": value}).mean)
    cube = qstats.plot(r, panel="cube")
    texts = sorted(float(t.get_text()) for t in cube.texts if t.get_gid() == "corner value")
    means = doe.marginal_means(r, ("温度", "c", "glue")).mean
    np.testing.assert_allclose(texts, sorted(float(f"{m:.4g}") for m in means))


def test_counts_are_shown_per_unit_and_stopped_runs_apart() -> None:
    design = doe.full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=4, rng=1)
    rng = np.random.default_rng(2)
    count = rng.poisson(6.0, size=16)
    ax = qstats.plot(doe.fit(design, count, distribution="poisson", exposure=np.full(16, 2.0)), panel="observed")
    np.testing.assert_allclose(drawn(ax, "runs")[0].get_ydata(), count / 2.0)
    time = rng.lognormal(3.0, 0.4, size=16)
    stopped = time > 25.0
    r = doe.fit(design, np.minimum(time, 25.0), distribution="lognormal", censored=stopped, model="linear")
    ax = qstats.plot(r, panel="observed", lang="zh")
    assert drawn(ax, "stopped")[0].get_ydata().size == int(stopped.sum())


def test_a_saturated_model_is_drawn_without_intervals() -> None:
    design = doe.full_factorial(["A", "B"], rng=1)
    ax = qstats.plot(doe.fit(design, [1.0, 2.0, 4.0, 9.0], model="A*B"), panel="terms")
    assert not drawn(ax, "interval") and len(drawn(ax, "coefficient")) == 3


def test_wrong_calls() -> None:
    r = _fit()
    for wrong in (
        {"panel": "pie"},
        {"panel": "terms", "factors": ("c",)},
        {"panel": "interaction", "factors": ("c",)},
        {"panel": "cube", "factors": ("c", "glue")},
        {"panel": "main", "factors": ("nobody",)},
        {"ax": Figure().add_subplot(), "panel": "all"},
    ):
        with pytest.raises(DataError, match=r"panel|factors|ax"):
            qstats.plot(r, **wrong)
    ax = Figure().add_subplot()
    assert qstats.plot(r, ax=ax, title="T") is ax and ax.get_title(loc="left") == "T"
