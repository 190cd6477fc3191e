"""Figures of designs: the numbers of the results, in both languages."""

from __future__ import annotations

from string import Formatter

import numpy as np
import pytest
from matplotlib.figure import Figure

import qstats
from qstats import doe
from qstats.errors import DataError
from qstats.figures import figure_svg
from qstats.figures.doe.words import _WORDS, design_kind, say


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_map_and_curve_are_the_results(lang: str) -> None:
    r = doe.evaluate(doe.central_composite(["速度", "$T_1$ <b>"], rng=1), model="linear")
    ax = qstats.plot(r, lang=lang)
    left, right = ax.figure.axes
    np.testing.assert_allclose(left.images[0].get_array(), np.abs(r.correlation))
    assert next(t.get_text() for t in left.get_yticklabels()) == "速度"
    assert len([line for line in left.lines if line.get_gid() == "left out"]) == 2
    curve = next(line for line in right.lines if line.get_gid() == "fds")
    np.testing.assert_array_equal(curve.get_ydata(), r.fds_variance)
    assert right.get_ylim()[1] > r.largest_variance


def test_one_panel_on_axes_given() -> None:
    r = doe.evaluate(doe.full_factorial(3, rng=1), model="interactions")
    for panel in ("correlation", "fds"):
        ax = Figure().add_subplot()
        assert qstats.plot(r, ax=ax, panel=panel, title="T") is ax
        assert ax.get_title(loc="left") == "T"
    with pytest.raises(DataError, match="panel"):
        qstats.plot(r, panel="pie")
    with pytest.raises(DataError, match="ax"):
        qstats.plot(r, ax=Figure().add_subplot(), panel="all")


def test_every_word_has_both_languages_and_the_same_gaps() -> None:
    for key, (en, zh) in _WORDS.items():
        assert en and zh, key
        gaps = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (en, zh)]
        assert gaps[0] == gaps[1], key
    assert list(_WORDS) == sorted(_WORDS)
    with pytest.raises(DataError, match="lang"):
        say("low", "fr")
    assert [design_kind(k, "zh") for k in ("Box-Behnken", "mine")] == ["Box-Behnken 设计", "mine"]


def points(ax):  # type: ignore[no-untyped-def]
    (found,) = [c for c in ax.collections if c.get_gid() == "runs"]
    return found


def test_pairs_show_every_run_once_or_counted() -> None:
    design = doe.central_composite({"速度": (20, 60), "heat": (150, 190), "c": (0, 1)}, rng=1)
    ax = qstats.plot(design, lang="zh")
    drawn = [a for a in ax.figure.axes if a.axison]
    assert len(drawn) == 3
    for a in drawn:
        numbers = [int(t.get_text()) for t in a.texts if t.get_gid() == "repeated"]
        alone = len(points(a).get_offsets()) - len(numbers)
        assert sum(numbers) + alone == len(design)
    at = {tuple(v) for v in np.round(points(drawn[0]).get_offsets(), 6).tolist()}
    assert at == {tuple(v) for v in np.round(design.coded[:, :2], 6).tolist()}
    assert "中心复合设计" in ax.figure.get_suptitle()


def test_one_pair_and_the_runs() -> None:
    design = doe.full_factorial({"a": (0, 1), "glue": ["x", "y", "z"], "$c$": (5, 9)}, rng=3)
    ax = qstats.plot(design, panel="pair", factors=("$c$", "glue"))
    assert [t.get_text() for t in ax.get_yticklabels()] == ["x", "y", "z"]
    assert ax.get_xlabel() == "$c$"
    rows = qstats.plot(design, panel="runs")
    np.testing.assert_allclose(rows.images[0].get_array()[:, 0], design.coded[design.run_order, 0])
    np.testing.assert_allclose(rows.images[0].get_array()[:, 1], design.coded[design.run_order, 1] - 1.0)
    for wrong in (
        {"panel": "pair", "factors": ("a", "b")},
        {"panel": "runs", "factors": ("a", "glue")},
        {"panel": "x"},
    ):
        with pytest.raises(DataError, match=r"factors|panel"):
            qstats.plot(design, **wrong)
    with pytest.raises(DataError, match="runs"):
        qstats.plot(doe.plackett_burman(11, rng=1), panel="pairs")


def test_lines_stand_between_blocks_and_whole_plots() -> None:
    blocked = doe.full_factorial(3, blocks=4, rng=2)
    lines = [line.get_ydata()[0] for line in qstats.plot(blocked, panel="runs").lines if line.get_gid() == "group"]
    assert lines == [1.5, 3.5, 5.5]
    split = doe.split_plot([doe.Factor("oven", 1, 2, hard_to_change=True), doe.Factor("t", 1, 2)], rng=1)
    lines = [line for line in qstats.plot(split, panel="runs").lines if line.get_gid() == "group"]
    assert len(lines) == np.unique(split.whole_plot).size - 1


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_alias_table_writes_every_chain(lang: str) -> None:
    r = doe.alias_structure(doe.fractional_factorial(6, runs=16, blocks=2, rng=1))
    ax = qstats.plot(r, lang=lang)
    heads = [t.get_text() for t in ax.texts if t.get_gid() == "effect"]
    rests = [t.get_text() for t in ax.texts if t.get_gid() == "aliases"]
    chains = [chain.split(" = ", 1) for chain in r.chains]
    for head, rest in chains:
        assert rests[heads.index(head)].removeprefix("= ").split(", ")[0] == rest
    clear = [h for h, t in zip(heads, rests, strict=True) if t == say("alias clear", lang)]
    assert set(clear) == set(r.clear_effects)
    for effect in r.blocked_effects:
        assert any(say("alias blocks", lang) in t for h, t in zip(heads, rests, strict=True) if h == effect) or any(
            effect in rest for _, rest in chains
        )


def test_alias_matrix_of_an_irregular_design_is_a_map() -> None:
    r = doe.alias_structure(doe.plackett_burman(11, rng=1))
    ax = qstats.plot(r)
    np.testing.assert_allclose(ax.images[0].get_array(), np.abs(r.matrix))


def test_a_map_keeps_its_picture_as_svg() -> None:
    svg = figure_svg(doe.evaluate(doe.full_factorial(3, rng=1), model="interactions"))
    assert 'href="data:image/png;base64,' in svg
    assert "-data:" not in svg
