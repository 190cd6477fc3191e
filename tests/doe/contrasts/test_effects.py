"""Effects of two-level experiments: NIST, Montgomery, Lenth, R; blocks, replicates, centre points, missing runs."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qstats.doe import fractional_factorial, full_factorial, plackett_burman
from qstats.doe.contrasts.door import effects
from qstats.doe.contrasts.margins import lenth
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.sheet import read_run_sheet, run_sheet
from qstats.errors import DataError, DesignError, TooFewData

HELD = json.loads((Path(__file__).parents[2] / "reference" / "doe_contrasts.json").read_text())


def example(name: str) -> tuple[Design, np.ndarray[Any, Any], dict[str, Any]]:
    held = HELD["examples"][name]
    design = make_design("example", as_factors(held["factors"]), held["rows"], rng=1)
    return design, np.array(held["y"], dtype=float), held["golden"]


@pytest.mark.parametrize("name", [n for n in HELD["examples"] if n != "nist_sono"])
def test_effects_are_those_of_the_books(name: str) -> None:
    design, y, golden = example(name)
    held = effects(design, y)
    assert set(held.labels) == set(golden["effects"])
    for label, want in golden["effects"].items():
        assert held.effect(label) == pytest.approx(want, abs=1e-9 + 1e-6 * abs(want))
    for label, want in golden.get("SS", {}).items():
        assert held.sum_of_squares[held.labels.index(label)] == pytest.approx(want, rel=1e-9)
    if "lenth" in golden:
        assert held.lenth is not None
        assert held.lenth.pse == pytest.approx(golden["lenth"]["PSE"], rel=1e-7)
        assert effects(design, y, method="t").lenth.me == pytest.approx(golden["lenth"]["ME_t"], rel=1e-7)  # type: ignore[union-attr]
    assert held.contribution.sum() == pytest.approx(100.0)  # a full factorial leaves nothing


def test_reactor_in_r() -> None:
    case = next(c for c in HELD["oracle"] if c["id"] == "fact-reactor-full")  # 2 coef(lm(y ~ A*B*C*D*E)), R 4.2.2
    d = case["inputs"]["D"]
    design = make_design("reactor", as_factors(list("ABCDE")), np.column_stack([d[n] for n in "ABCDE"]), rng=1)
    held = effects(design, d["y"])
    got = {label: held.effect(label) for label in held.labels}
    assert got == pytest.approx(case["expected"], abs=1e-9)
    assert held.significant_labels == ("B", "B:D", "D:E", "D", "E")


def test_sonoluminescence_with_its_chains() -> None:
    design, y, golden = example("nist_sono")
    held = effects(design, y)
    assert len(held) == 15 and held.mean == pytest.approx(golden["mean"])
    chains = [chain for chain in held.aliases if " = " in chain]
    assert chains[1] == "X1:X3 = X2:X7 = X4:X6" and len(chains) == 7
    assert "X1:X2 = X3:X7 = X5:X6" in chains and "X1:X7 = X2:X3 = X4:X5" in chains
    for chain in held.aliases:  # every name of a chain has the effect of the chain: computed apart for each word
        for word in chain.split(" = "):
            if word in golden["effects_main_2fi"]:
                assert golden["effects_main_2fi"][word] == pytest.approx(held.effect(chain.split(" = ")[0]), rel=1e-6)
    assert set(held.significant_labels) == {"X2", "X7", "X1:X3", "X1", "X3", "X1:X7", "X1:X2"}


def test_negative_words_have_their_sign() -> None:
    design = fractional_factorial(4, generators="-ABC", rng=1)
    a, b, c, d = design.coded.T
    y = 3 * a * b + 0.1 * c
    held = effects(design, y)
    assert held.effect("A:B") == pytest.approx(6.0)
    assert held.aliases[held.labels.index("A:B")] == "A:B = -C:D"
    assert (c * d * -1 == a * b).all()


def test_pure_error_from_replicates_and_centre_points() -> None:
    design = full_factorial(3, center_points=4, replicates=2, rng=3)
    y = np.random.default_rng(5).normal(size=len(design)) + 3 * design.coded[:, 0] + 2 * design.center
    held = effects(design, y)
    corner = ~design.center
    # by hand: groups of equal settings
    frame = pd.DataFrame(np.column_stack([design.coded, y])).groupby([0, 1, 2])[3]
    ss, df = (frame.var() * (frame.count() - 1)).sum(), (frame.count() - 1).sum()
    assert (held.df_error, held.error_sd) == (df, pytest.approx(math.sqrt(ss / df)))
    x1 = design.coded[corner, 0]
    by_hand = y[corner][x1 > 0].mean() - y[corner][x1 < 0].mean()
    assert held.effect("A") == pytest.approx(by_hand)
    se = 2 * math.sqrt(ss / df) / math.sqrt(corner.sum())
    assert held.standard_error is not None and held.pvalue is not None and held.interval is not None
    assert held.standard_error[0] == pytest.approx(se)
    assert held.pvalue[0] == pytest.approx(2 * stats.t.sf(abs(by_hand) / se, df))
    assert held.interval.at(0).low == pytest.approx(by_hand - stats.t.ppf(0.975, df) * se)
    assert held.mean == pytest.approx(y[corner].mean()) and held.lenth is None
    assert (held.runs, held.centers) == (int(corner.sum()), int(design.center.sum()))


def test_blocks_leave_the_contrasts_alone() -> None:
    design = fractional_factorial(4, runs=16, blocks=2, rng=3)
    y = np.random.default_rng(5).normal(size=16)
    held = effects(design, y)
    moved = effects(design, y + 100.0 * design.block)
    assert len(held.confounded) == 1 and len(held) == 14
    np.testing.assert_allclose(moved.effects, held.effects, atol=1e-9)
    assert held.orthogonal and held.lenth is not None
    # replicates in blocks: the error is what blocks do not explain (two-way table by hand)
    twice = full_factorial(2, rng=1)
    stacked = make_design(
        "2^2 in three blocks", twice.factors, np.tile(twice.coded, (3, 1)), block=np.repeat([1, 2, 3], 4)
    )
    table = np.random.default_rng(7).normal(size=(3, 4)) + np.array([[0.0], [50.0], [-20.0]])
    left = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    found = effects(stacked, table.ravel())
    assert (found.df_error, found.error_sd) == (6, pytest.approx(math.sqrt((left**2).sum() / 6)))


def test_plackett_burman_holds_main_effects() -> None:
    design = plackett_burman(11, rng=1)
    y = np.random.default_rng(5).normal(size=12) + 4 * design.coded[:, 3]
    held = effects(design, y)
    assert len(held) == 11 and held.labels == design.names and held.orthogonal
    want = [y[c > 0].mean() - y[c < 0].mean() for c in design.coded.T]
    np.testing.assert_allclose(held.effects, want, atol=1e-12)
    assert "partly-aliased" in [n.code for n in held.notes] and held.significant[3]
    nine = plackett_burman(9, rng=1)
    assert "spare-df" in [n.code for n in effects(nine, y).notes] and "spare-df" not in [n.code for n in held.notes]


def test_missing_runs() -> None:
    design = full_factorial(3, replicates=2, rng=3)
    y = np.random.default_rng(5).normal(size=16)
    y[[2, 9]] = np.nan
    held = effects(design, y)
    keep = ~np.isnan(y)
    c = design.coded[keep]
    a, b, d = c.T
    x = np.column_stack([np.ones(14), a, b, d, a * b, a * d, b * d, a * b * d])
    by_hand = np.linalg.lstsq(x, y[keep], rcond=None)[0]
    np.testing.assert_allclose(held.effects, 2 * by_hand[1:], atol=1e-12)
    assert held.mean == pytest.approx(by_hand[0])
    rss = ((y[keep] - x @ by_hand) ** 2).sum()
    se = 2 * np.sqrt(rss / 6 * np.diag(np.linalg.inv(x.T @ x)))
    assert held.standard_error is not None
    np.testing.assert_allclose(held.standard_error, se[1:], rtol=1e-9)
    assert not held.orthogonal and {"missed-runs", "not-orthogonal"} <= {n.code for n in held.notes}
    with pytest.raises(DesignError, match=r"doe\.fit"):
        lenth(held)
    once = full_factorial(3, rng=3)
    y = np.arange(8.0)
    y[0] = np.nan
    with pytest.raises(DesignError, match=r"lower order.*doe\.fit"):
        effects(once, y)
    part = effects(once, y, order=1)
    assert part.labels == ("A", "B", "C") and part.lenth is None and not part.significant.any()
    assert "no-verdict" in [n.code for n in part.notes]


def test_runs_off_plan_go_to_fit() -> None:
    design = full_factorial(3, rng=3)
    coded = np.array(design.coded)
    coded[2, 1] = 0.9
    with pytest.raises(DesignError, match=r"not at its low or high setting.*doe\.fit"):
        effects(replace(design, coded=coded), np.arange(8.0))
    three = full_factorial({"T": [1, 2, 3], "P": (0, 1)}, rng=1)
    with pytest.raises(DesignError, match=r"3 levels.*doe\.fit"):
        effects(three, np.arange(float(len(three))))
    levels = full_factorial({"glue": Factor("glue", levels=["x", "y"]), "P": Factor("P", 0, 1)}.values(), rng=1)
    held = effects(levels, [1.0, 2.0, 3.0, 5.0])
    sign = 2 * levels.coded[:, 0] - 1
    assert held.effect("glue") == pytest.approx(np.mean(np.array([1.0, 2.0, 3.0, 5.0]) * sign) * 2)


def test_from_a_run_sheet() -> None:
    design, y, _ = example("nist_springs")
    sheet = dict(run_sheet(design))
    sheet["response"] = [y[int(i) - 1] for i in sheet["standard"]]
    record = read_run_sheet(design, sheet)
    held = effects(record, "response")
    assert held.effect("X1") == pytest.approx(23.0) and held.response == "response"
    assert effects(design, pd.Series(y, name="cracks")).response == "cracks"
    with pytest.raises(DataError, match="the record has 'response'"):
        effects(record, "yield")


@given(st.integers(0, 10_000), st.sampled_from([1e-6, 1.0, 1e6]), st.sampled_from([0.0, 1e12]))
def test_shift_scale_and_order_of_runs(seed: int, scale: float, offset: float) -> None:
    rng = np.random.default_rng(seed)
    design = full_factorial(3, rng=1)
    y = np.round(rng.normal(size=8), 3) + design.coded[:, 0]
    base = effects(design, y)
    offset *= scale
    moved = effects(design, scale * y + offset)
    tolerance = 1e-9 * scale + 4 * np.finfo(float).eps * abs(offset)
    np.testing.assert_allclose(moved.effects, scale * base.effects, atol=tolerance)
    order = rng.permutation(8)
    again = effects(make_design("same", design.factors, design.coded[order], rng=1), y[order])
    np.testing.assert_allclose(again.effects, base.effects, atol=1e-12)
    # running everything twice with the same results changes no effect and leaves no error
    both = effects(make_design("twice", design.factors, np.tile(design.coded, (2, 1)), rng=1), np.tile(y, 2))
    np.testing.assert_allclose(both.effects, base.effects, atol=1e-12)
    assert both.df_error == 8 and both.error_sd == 0.0
    assert "zero-error" in [n.code for n in both.notes] and "NaN" not in both.to_json()


def test_half_normal_scores_and_views() -> None:
    design, y, _ = example("mont_filtration")
    held = effects(design, y)
    rank = stats.rankdata(np.abs(held.effects), method="ordinal")
    np.testing.assert_allclose(held.half_normal, stats.halfnorm.ppf((rank - 0.5) / 15), rtol=1e-12)
    assert held.significant_labels == ("A", "A:C", "A:D", "D", "C")
    frame = held.to_frame()
    assert list(frame["effect"]) == list(held.labels) and {"pvalue", "low", "high", "aliases"} <= set(frame)
    assert "A, A:C, A:D, D, C" in str(held) and json.loads(held.to_json())["schema"] == "qstats.effects/1"
    assert lenth(held).pse == pytest.approx(2.625)
    assert effects(design, y, order=2).labels[-1] == "C:D"
    assert effects(design, y, alias_order=4).aliases == held.labels
    assert "pure error" in str(effects(full_factorial(2, replicates=2, rng=1), np.arange(8.0)))


def test_hostile() -> None:
    design = full_factorial(3, rng=1)
    flat = effects(design, np.full(8, 5.0))
    assert (flat.effects == 0).all() and flat.contribution.sum() == 0 and "NaN" not in flat.to_json()
    with pytest.raises(DataError, match="7 values came for 8 runs"):
        effects(design, np.arange(7.0))
    with pytest.raises(DataError, match="goes with a run record"):
        effects(design, "y")
    with pytest.raises(DataError, match="RunRecord"):
        effects([1, 2], [1, 2])
    with pytest.raises(TooFewData):
        effects(design, np.full(8, np.nan))
    with pytest.raises(DataError, match="order"):
        effects(design, np.arange(8.0), order=0)
    with pytest.raises(DataError, match="order"):
        effects(design, np.arange(8.0), order=4)
    with pytest.raises(DesignError, match="more than 1023"):
        effects(full_factorial(11, rng=1), np.zeros(2048))
    half = np.full(8, np.nan)
    half[design.coded[:, 0] > 0] = 1.0
    with pytest.raises(DesignError, match="one sign"):
        effects(design, half, order=1)
    two = effects(full_factorial(1, rng=1), [1.0, 2.0])
    assert two.effect("A") == 1.0 and two.lenth is None and "no-verdict" in [n.code for n in two.notes]
    center = make_design("centres", as_factors(2), np.zeros((3, 2)), rng=1)
    with pytest.raises(DesignError, match="centre"):
        effects(center, [1.0, 2.0, 3.0])


def test_split_plots_are_not_judged() -> None:
    factors = [Factor("oven", 100, 200, hard_to_change=True), Factor("coat", 0, 1)]
    design = make_design(
        "split plot",
        tuple(factors),
        [[-1, -1], [-1, 1], [1, -1], [1, 1]] * 2,
        whole_plot=[1, 1, 2, 2, 3, 3, 4, 4],
        rng=1,
    )
    held = effects(design, np.arange(8.0))
    assert held.pvalue is None and held.lenth is None and not held.significant.any()
    assert "split-plot" in [n.code for n in held.notes]
