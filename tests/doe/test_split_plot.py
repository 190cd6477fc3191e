"""Split-plot layouts: what stays put, what is drawn, and how many degrees of freedom remain."""

from collections import Counter

import numpy as np
import pytest

from qstats.doe.factor import Factor
from qstats.doe.screening.plackett_burman import plackett_burman
from qstats.doe.surface_designs.central_composite import central_composite
from qstats.doe.whole_plots import split_plot
from qstats.errors import DesignError

OVEN = Factor("oven", 180, 220, hard_to_change=True)
TOOL = Factor("tool", levels=["a", "b", "c"], hard_to_change=True)


def layout(design):
    """Plots and hard settings in run order."""
    order = design.run_order
    hard = [j for j, f in enumerate(design.factors) if f.hard_to_change]
    return design.whole_plot[order], design.coded[order][:, hard]


@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_hard_factors_stay_put_and_plots_are_run_in_one_go(replicates):
    design = split_plot([OVEN, TOOL, Factor("t", 1, 2), Factor("u", 1, 2)], replicates=replicates, rng=4)
    plots, hard = layout(design)
    assert len(design) == 24 * replicates
    assert len(set(plots.tolist())) == 6 * replicates
    changes = int((np.diff(plots) != 0).sum())
    assert changes == 6 * replicates - 1
    for p in set(plots.tolist()):
        assert len(np.unique(hard[plots == p], axis=0)) == 1
        assert len(np.unique(design.coded[design.whole_plot == p], axis=0)) == 4
    assert Counter(map(tuple, design.coded.tolist())) == Counter(
        {tuple(r): replicates for r in split_plot([OVEN, TOOL, "t", "u"], rng=1).coded.tolist()}
    )


def test_the_order_is_drawn_for_plots_and_within_them():
    orders = {tuple(dict.fromkeys(layout(split_plot([OVEN, TOOL, "t"], rng=s))[0].tolist())) for s in range(60)}
    assert len(orders) > 40
    within = {tuple(split_plot([OVEN, "t"], rng=s).run_order.tolist()) for s in range(60)}
    assert len(within) == 8  # two plots, two runs in each: 2 * 2 * 2 orders


def test_degrees_of_freedom_of_whole_plots():
    """2 x 3 settings: 6 coefficients (1 + 1 + 2 + 2); W plots leave W - 6 (Montgomery, DAE 8e, 14.5)."""
    bare = split_plot([OVEN, TOOL, "t"], rng=1)
    assert bare.notes[-1].code == "no-whole-plot-error"
    assert "6 degrees of freedom for intercept" in bare.notes[-1].message
    three = split_plot([OVEN, TOOL, "t"], replicates=3, rng=1)
    assert three.notes[-1].code == "whole-plot-df"
    assert "18 whole plots" in three.notes[-1].message
    assert "12 for whole-plot error" in three.notes[-1].message


def test_plots_halved_stay_balanced():
    design = split_plot([OVEN, "t", "u"], whole_plots=4, rng=1)
    for p in range(1, 5):
        mine = design.coded[design.whole_plot == p]
        assert len(mine) == 2
        assert (mine[:, 1:].sum(axis=0) == 0).all()


def test_designs_keep_their_runs_blocks_and_centre_points():
    source = central_composite([OVEN, Factor("t", 1, 2), Factor("u", 1, 2)], kind="face", blocks=2, rng=1)
    design = split_plot(source, rng=2)
    assert np.array_equal(design.coded, source.coded)
    assert np.array_equal(design.block, source.block)
    assert np.array_equal(design.center, source.center)
    assert design.model == source.model
    for p in set(design.whole_plot.tolist()):
        assert len(set(design.block[design.whole_plot == p].tolist())) == 1
        assert len(set(design.coded[design.whole_plot == p, 0].tolist())) == 1
    screened = split_plot(plackett_burman([OVEN, *"abcdefghij"], rng=1), replicates=2, rng=1)
    assert sorted(Counter(screened.whole_plot.tolist()).values()) == [6, 6, 6, 6]
    assert type(screened).from_dict(screened.to_dict()).hash == screened.hash


@pytest.mark.parametrize(
    ("factors", "options", "says"),
    [
        (["a", "b"], {}, "no factor is hard to change"),
        ([OVEN, TOOL], {}, "all factors are hard"),
        ([OVEN, "t"], {"whole_plots": 3}, "whole_plots: got 3"),
        ([OVEN, "t"], {"replicates": 0}, "replicates"),
        ([OVEN, Factor("m", kind="mixture")], {}, "mixture"),
        ([OVEN, Factor("t", levels=[1, 2, 3])], {"whole_plots": 4}, "whole_plots"),
    ],
)
def test_refusals(factors, options, says):
    with pytest.raises(DesignError, match=says):
        split_plot(factors, **options)
