"""The study as a whole: counts by plain loops, roles, gaps, categories, notes."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from qstats.errors import DataError, TooFewData
from qstats.msa.agreement import attribute_agreement, cohen_kappa, fleiss_kappa, gwet_ac, krippendorff_alpha


def long_table(seed=1, parts=30, names=("Ann", "Bo", "张伟"), trials=2, wrong=0.15):
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(parts):
        truth = "bad" if p % 3 == 0 else "ok"
        for who, t in itertools.product(names, range(trials)):
            answer = truth if rng.random() > wrong else ("ok" if truth == "bad" else "bad")
            rows.append((f"P{p}", who, t, answer, truth))
    return pd.DataFrame(rows, columns=["part", "who", "trial", "answer", "truth"])


ROLES = {"values": "answer", "part": "part", "appraiser": "who"}


def codes(result):
    return {n.code for n in result.notes}


def test_shares_by_plain_loops():
    df = long_table()
    s = attribute_agreement(df, **ROLES, trial="trial", standard="truth", positive="bad")
    between = right_all = 0
    for who in ("Ann", "Bo", "张伟"):
        own = [g for _, g in df[df.who == who].groupby("part")]
        alike = sum(g.answer.nunique() == 1 for g in own)
        right = sum((g.answer == g.truth).all() for g in own)
        assert (s.within[who].count, s.within[who].n) == (alike, 30)
        exact = binomtest(alike, 30).proportion_ci(0.95, "exact")
        assert (s.within[who].interval.low, s.within[who].interval.high) == pytest.approx(tuple(exact), rel=1e-9)
        assert s.versus_standard[who].count == right
        bad = [g for g in own if g.truth.iloc[0] == "bad"]
        good = [g for g in own if g.truth.iloc[0] == "ok"]
        e = s.error_rates[who]
        assert (e.miss.count, e.miss.n) == (sum((g.answer == "ok").sum() for g in bad), 20)
        assert (e.false_alarm.count, e.false_alarm.n) == (sum((g.answer == "bad").sum() for g in good), 40)
        assert (e.miss_parts.count, e.miss_parts.n) == (sum((g.answer == "ok").all() for g in bad), 10)
        assert (e.false_alarm_parts.count, e.false_alarm_parts.n) == (sum((g.answer == "bad").all() for g in good), 20)
        assert (e.mixed_parts.count, e.mixed_parts.n) == (30 - alike, 30)
        assert s.crosstab[who].sum() == 60
    for _, g in df.groupby("part"):
        between += g.answer.nunique() == 1
        right_all += (g.answer == g.truth).all()
    assert (s.between.count, s.all_versus_standard.count) == (between, right_all)
    assert set(s.pairs) == {"Ann / Bo", "Ann / 张伟", "Bo / 张伟"}


def test_kappa_with_the_standard_is_the_mean_over_trials():
    """Minitab's rule: kappa of every trial with the standard, averaged; the null error adds in squares."""
    df = long_table()
    s = attribute_agreement(df, **ROLES, trial="trial", standard="truth")
    one = df[(df.who == "Bo")]
    each = [fleiss_kappa(g[["answer", "truth"]].to_numpy()) for _, g in one.groupby("trial")]
    got = s.versus_standard_kappa["Bo"]
    assert got.estimate == pytest.approx(np.mean([k.estimate for k in each]), rel=1e-12)
    assert got.null_se == pytest.approx(math.sqrt(sum(k.null_se**2 for k in each)) / 2, rel=1e-12)
    cohen = [cohen_kappa(g.answer.to_list(), g.truth.to_list()) for _, g in one.groupby("trial")]
    got = s.versus_standard_cohen["Bo"]
    assert got.estimate == pytest.approx(np.mean([k.estimate for k in cohen]), rel=1e-12)


def test_one_trial_pair_is_cohen():
    df = long_table(names=("A", "B"), trials=1)
    s = attribute_agreement(df, **ROLES)
    wide = df.pivot(index="part", columns="who", values="answer")
    k = cohen_kappa(wide.A.to_list(), wide.B.to_list())
    assert s.pairs["A / B"].estimate == pytest.approx(k.estimate, rel=1e-12)
    assert s.pairs["A / B"].se == pytest.approx(k.se, rel=1e-12)
    assert s.light is None
    assert {"one-trial", "no-standard"} <= codes(s)
    assert not s.within


def test_array_frame_and_columns_agree():
    df = long_table()
    s = attribute_agreement(df, **ROLES, standard="truth", positive="bad")
    cube = df.answer.to_numpy().reshape(30, 3, 2)
    truth = df.truth.to_numpy()[::6]
    a = attribute_agreement(cube, standard=truth, positive="bad")
    c = attribute_agreement(
        df.answer.to_list(), part=df.part.to_list(), appraiser=df.who.to_list(), standard=df.truth.to_list()
    )
    m = attribute_agreement(df, **ROLES, standard=dict(zip(df.part, df.truth, strict=True)), positive="bad")
    for other in (a, c, m):
        assert other.between.count == s.between.count
        assert other.between_kappa.estimate == pytest.approx(s.between_kappa.estimate, rel=1e-12)
        assert other.all_versus_standard.count == s.all_versus_standard.count
    assert a.verdicts[1].value == m.verdicts[1].value == s.verdicts[1].value


def test_row_order_does_not_matter():
    df = long_table()
    mixed = df.sample(frac=1.0, random_state=3)
    kw = {"trial": "trial", "standard": "truth", "positive": "bad"}
    first, second = attribute_agreement(df, **ROLES, **kw), attribute_agreement(mixed, **ROLES, **kw)
    assert first.to_json() == second.to_json()


def test_verdicts_say_what_the_interval_allows():
    perfect = attribute_agreement([["ok"], ["bad"]] * 10, standard=["ok", "bad"] * 10, positive="bad")
    by = {v.criterion: v for v in perfect.verdicts}
    assert by["effectiveness"].state == by["miss"].state == "acceptable"
    assert not by["effectiveness"].settled  # 20 of 20: the exact lower limit is 83 %
    assert by["effectiveness"].possible == ("acceptable", "marginal")
    assert by["effectiveness"].interval.low == pytest.approx(0.025 ** (1 / 20))
    many = attribute_agreement([["ok"], ["bad"]] * 500, standard=["ok", "bad"] * 500, positive="bad")
    assert all(v.settled for v in many.verdicts)


def test_misses_count_parts_where_trials_hang_together():
    """Two bad parts of ten always missed in ten trials: ten parts, not a hundred decisions."""
    cube = np.full((20, 1, 10), "bad", dtype=object)
    cube[10:] = "ok"
    cube[:2] = "ok"
    s = attribute_agreement(cube, standard=["bad"] * 10 + ["ok"] * 10, positive="bad")
    miss = s.error_rates["1"].miss
    exact = binomtest(2, 10).proportion_ci(0.95, "exact")
    assert (miss.count, miss.n) == (20, 100)
    assert (miss.interval.low, miss.interval.high) == pytest.approx(tuple(exact), rel=1e-9)


def test_missing_standards_do_not_stop_the_rest():
    df = long_table()
    df.loc[df.part.isin(["P0", "P1"]), "truth"] = None
    with pytest.raises(DataError, match="answers or standards"):
        attribute_agreement(df.assign(truth="?"), **ROLES, standard="truth", ordered=["ok", "bad"])
    s = attribute_agreement(df, **ROLES, standard="truth", positive="bad")
    assert s.versus_standard["Ann"].n == 28
    assert s.between.n == 30
    assert "standard-missing" in codes(s)
    none = attribute_agreement(df, **ROLES, positive="bad")
    assert not none.versus_standard
    assert none.between.n == 30
    assert {"no-standard", "no-standard-for-errors"} <= codes(none)


def test_gaps():
    df = long_table()
    df.loc[5, "answer"] = None
    with pytest.raises(DataError, match="position 5"):
        attribute_agreement(df, **ROLES)
    s = attribute_agreement(df, **ROLES, missing="drop", standard="truth")
    assert s.n == 179
    assert {"missing-dropped", "unequal-trials"} <= codes(s)
    without = df[~((df.part == "P3") & (df.who == "Bo"))]
    s = attribute_agreement(without, **ROLES, missing="drop")
    assert "empty-cells" in codes(s)
    assert s.between.n == 29


def test_one_category_says_so():
    s = attribute_agreement([["ok", "ok"]] * 12, standard=["ok"] * 12)
    assert s.between_kappa.estimate is None
    assert s.between_kappa.interval is None
    assert s.gwet.estimate is None
    assert s.alpha.estimate is None
    assert "one-category" in codes(s)
    assert [n.code for n in s.between_kappa.notes] == ["undefined"]
    json.loads(s.to_json())
    assert "not defined" in s.summary()


def test_constant_rater_has_no_kappa():
    k = cohen_kappa(["ok"] * 10, ["ok", "bad"] * 5)
    assert k.estimate is None
    assert k.notes[0].code == "undefined"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": None}, "values: got nothing"),
        ({"part": None}, "part: got nothing"),
        ({"appraiser": "part"}, "already part"),
        ({"weights": "linear"}, "ordered"),
        ({"weights": "cubic"}, "weights"),
        ({"ordered": ["ok"]}, "ordered: answers or standards hold 'bad'"),
        ({"ordered": ["ok", "ok", "bad"]}, "comes twice"),
        ({"ordered": [1, 2]}, "one kind"),
        ({"positive": "reject"}, "positive"),
        ({"confidence": 95}, "0.95"),
        ({"missing": "ignore"}, "missing"),
        ({"standard": {"P0": 1}}, "numbers"),
        ({"standard": {"no part": "ok"}}, "none of its keys"),
        ({"appraiser": "row"}, "row or record number"),
        ({"part": "row"}, "no part was judged twice"),
    ],
)
def test_wrong_calls(change, words):
    df = long_table().assign(row=np.arange(180))
    with pytest.raises(DataError, match=words):
        attribute_agreement(df, **{**ROLES, **change})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([["1", 1], [1, 1]], "mixed"),
        ([["ok", "bad"], ["ok"]], "unequal|parts x appraisers"),
        ("ok", "str"),
        ([], "shape"),
        ([[math.inf, 1.0], [1.0, 1.0]], "finite"),
        (np.random.default_rng(1).normal(size=(150, 2)), "measurements"),
        ([[["a"]]], "part"),
    ],
)
def test_wrong_data(data, words):
    with pytest.raises(DataError, match=words):
        attribute_agreement(data)


def test_two_standards_for_a_part():
    df = long_table()
    df.loc[1, "truth"] = "ok"
    with pytest.raises(DataError, match="'P0' has both"):
        attribute_agreement(df, **ROLES, standard="truth")


def test_trial_twice():
    df = long_table()
    with pytest.raises(DataError, match="twice with one appraiser"):
        attribute_agreement(df.assign(trial=1), **ROLES, trial="trial")


def test_too_few():
    with pytest.raises(TooFewData):
        attribute_agreement([["a", "b"]])
    with pytest.raises(TooFewData):
        cohen_kappa(["a"], ["b"])
    with pytest.raises(TooFewData):
        fleiss_kappa([["a", None], ["b", None]])


def test_roles_exchanged_are_said():
    df = long_table(parts=40, names=("A", "B", "C"))
    s = attribute_agreement(df, values="answer", part="who", appraiser="part")
    assert "roles-swapped" in codes(s)


def test_look_alike_and_spaces():
    s = attribute_agreement([["OK ", "OK"], ["ok", "OK"], ["bad", "bad"]])
    assert s.categories == ("bad", "OK", "ok") or set(s.categories) == {"bad", "OK", "ok"}
    assert "look-alike" in codes(s)


def test_ordered_gives_kendall_and_ordinal_alpha():
    rng = np.random.default_rng(2)
    truth = rng.integers(1, 6, 40)
    x = np.clip(truth[:, None] + rng.integers(-1, 2, (40, 3)), 1, 5)
    s = attribute_agreement(x, standard=truth, ordered=[1, 2, 3, 4, 5], weights="quadratic")
    assert s.kendall.estimate > 0.8
    assert s.alpha.name.endswith("(ordinal)")
    assert s.alpha.estimate == pytest.approx(krippendorff_alpha(x, metric="ordinal", interval="analytic").estimate)
    assert s.gwet.estimate == pytest.approx(gwet_ac(x, weights="quadratic", categories=[1, 2, 3, 4, 5]).estimate)
    plain = cohen_kappa(x[:, 0], truth, weights="quadratic", categories=[1, 2, 3, 4, 5])
    assert s.versus_standard_cohen["1"].estimate == pytest.approx(plain.estimate, rel=1e-12)


def test_tau_by_plain_loops_and_its_error_by_jackknife():
    """tau-b by pairs (Kendall 1945); its standard error against the jackknife, which estimates the same."""
    rng = np.random.default_rng(5)
    x = rng.integers(0, 4, 150)
    y = np.clip(x + rng.integers(-1, 2, 150), 0, 3)
    got = attribute_agreement(x[:, None], standard=y, ordered=[0, 1, 2, 3]).versus_standard_tau["1"]

    def tau(a, b):
        sa, sb = (np.sign(np.subtract.outer(v, v)) for v in (a, b))
        return (sa * sb).sum() / math.sqrt((sa * sa).sum() * (sb * sb).sum())

    assert got.estimate == pytest.approx(tau(x, y), rel=1e-12)
    left = np.array([tau(np.delete(x, i), np.delete(y, i)) for i in range(150)])
    jackknife = math.sqrt(149 / 150 * ((left - left.mean()) ** 2).sum())
    assert got.se == pytest.approx(jackknife, rel=0.03)


def test_shows_itself():
    s = attribute_agreement(long_table(), **ROLES, standard="truth", positive="bad")
    assert "张伟" in s.summary()
    assert "<table>" in s._repr_html_()
    assert len(s.to_frame()) == 8
    d = json.loads(s.to_json())
    assert d["schema"] == "qstats.agreement_study/1"
    assert d["between"]["n"] == 30
    assert len(s.pairs["Ann / Bo"].to_frame()) == 1
    assert len(s.homogeneity["Ann / Bo"].to_frame()) == 2
    assert "McNemar" in s.homogeneity["Ann / Bo"].summary()


def test_html_is_escaped():
    s = attribute_agreement([["<b>", "<b>"], ["ok", "<b>"]])
    assert "<b>" not in s._repr_html_()


def test_booleans_from_frame_and_array():
    df = pd.DataFrame({"p": list("aabbcc"), "w": list("xyxyxy"), "v": [True, True, False, True, False, False]})
    kw = {"values": "v", "part": "p", "appraiser": "w", "positive": False, "ordered": [False, True]}
    framed = attribute_agreement(df, **kw, standard={"a": True, "b": False, "c": False})
    plain = attribute_agreement(
        [[True, True], [False, True], [False, False]], standard=[True, False, False], positive=False
    )
    assert framed.error_rates["y"].miss.count == plain.error_rates["2"].miss.count == 1
    with pytest.raises(DataError, match="positive"):
        attribute_agreement([["1", "2"], ["2", "2"]], positive=1)
