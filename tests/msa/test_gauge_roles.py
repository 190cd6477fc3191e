"""What comes in: roles, labels, layouts, hostile input; and what goes out."""

import json
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest

from qstats.errors import DataError, TooFewData
from qstats.msa.gauge import gauge_rr


def cube(seed=1, shape=(10, 3, 3), sd=(1.0, 0.3, 0.2, 0.25), mean=50.0):
    rng = np.random.default_rng(seed)
    p, o, r = shape
    return (
        mean
        + sd[0] * rng.normal(size=(p, 1, 1))
        + sd[1] * rng.normal(size=(1, o, 1))
        + sd[2] * rng.normal(size=(p, o, 1))
        + sd[3] * rng.normal(size=(p, o, r))
    )


def frame(x):
    part, operator, _ = (a.ravel() for a in np.indices(x.shape))
    return pd.DataFrame({"y": x.ravel(), "part": part + 1, "who": np.array(["Ann", "陈", "Bob", "Eve"])[operator]})


def codes(s):
    return {n.code for n in s.notes}


def test_array_frame_and_polars_are_one_study():
    x = cube()
    f = frame(x)
    a = gauge_rr(x)
    b = gauge_rr(f, values="y", part="part", operator="who")
    c = gauge_rr(pl.from_pandas(f), values="y", part="part", operator="who")
    assert dict(b.variance) == pytest.approx(dict(a.variance), rel=1e-12)
    assert c.to_dict() == b.to_dict()
    assert b.cells.operator_labels == ("Ann", "Bob", "陈")
    assert b.cells.part_labels == tuple(str(i) for i in range(1, 11))  # 10 after 9
    assert gauge_rr(f["y"], part=f["part"], operator=f["who"]).variance == b.variance
    text = gauge_rr(f.assign(part=[f"p{i}" for i in f["part"]]), values="y", part="part", operator="who")
    assert text.cells.part_labels[-1] == "p10"


def test_cells_for_the_six_pictures():
    x = cube(3, (4, 3, 2))
    s = gauge_rr(x)
    assert s.cells.mean == pytest.approx(x.mean(axis=2))
    assert s.cells.range == pytest.approx(np.ptp(x, axis=2))
    assert s.cells.part_mean == pytest.approx(x.mean(axis=(1, 2)))
    assert s.cells.operator_mean == pytest.approx(x.mean(axis=(0, 2)))
    assert s.cells.values == pytest.approx(x.ravel())
    assert s.cells.part[-1] == 3
    x[1, 2] = np.nan
    s = gauge_rr(x, missing="drop")
    assert s.cells.count[1, 2] == 0
    assert np.isnan(s.cells.mean[1, 2])
    assert gauge_rr(cube(1, (60, 3, 30))).cells.values is None  # 5400 values


def test_operators_and_parts_exchanged_are_said():
    """JASP #4506, #3922: the roles were swapped without a word."""
    x = cube()
    f = frame(x)
    s = gauge_rr(f, values="y", part="who", operator="part")
    assert {"roles-swapped", "parts-alike"} <= codes(s)
    assert [n.severity for n in s.notes if n.code == "roles-swapped"] == ["serious"]
    assert not {"roles-swapped", "parts-alike"} & codes(gauge_rr(x))
    assert "parts-alike" in codes(gauge_rr(cube(2, sd=(0.05, 3.0, 0.0, 0.3))))


def test_labels_that_never_repeat_are_refused():
    f = frame(cube())
    f["row"] = np.arange(len(f))
    with pytest.raises(DataError, match="nothing was measured again"):
        gauge_rr(f, values="y", part="row", operator="who")
    with pytest.raises(DataError, match="already values"):
        gauge_rr(f, values="y", part="y", operator="who")
    with pytest.raises(DataError, match="part: got nothing"):
        gauge_rr(f, values="y", operator="who")


def test_one_operator():
    s = gauge_rr(cube(1, (6, 1, 3)))
    assert "one-operator" in codes(s)
    assert list(s.components) == ["repeatability", "gauge_rr", "part", "total"]
    assert s.variance["gauge_rr"] == s.variance["repeatability"]
    x = cube(1, (6, 1, 3))
    assert s.variance["repeatability"] == pytest.approx(x.var(axis=2, ddof=1).mean())
    f = frame(x)
    assert gauge_rr(f, values="y", part="part").variance == pytest.approx(dict(s.variance))
    r = gauge_rr(x, method="average_range")
    assert "operator" not in r.variance
    with pytest.raises(DataError, match="nothing was measured again"):
        gauge_rr(cube(1, (6, 1, 1)))


def test_one_repeat_cannot_part_interaction_from_repeatability():
    s = gauge_rr(cube(1, (8, 3, 1)))
    assert "one-repeat" in codes(s)
    assert "not separable" in s.pooling
    assert "interaction" not in s.variance
    assert list(s.anova) == ["without_interaction"]
    assert s.interaction_pvalue is None
    with pytest.raises(DataError, match="twice or more"):
        gauge_rr(cube(1, (8, 3, 1)), method="average_range")


def test_unbalanced_data_do_not_stop_the_study():
    """JASP #3468: one missing value ended the analysis."""
    x = cube()
    x[0, 0, 0] = np.nan
    s = gauge_rr(x, missing="drop")
    assert {"missing-dropped", "unbalanced", "reml-instead"} <= codes(s)
    assert s.n == 89
    whole = gauge_rr(cube())
    assert s.percent_study["gauge_rr"] == pytest.approx(whole.percent_study["gauge_rr"], rel=0.1)


def test_distinct_categories_are_counted_right():
    """JASP #3130, #3306, #3392 gave 1: the variances were divided, not the standard deviations; #3275 a fraction."""
    s = gauge_rr(cube(1, sd=(3.0, 0.2, 0.0, 0.5)))
    ratio = s.sd["part"] / s.sd["gauge_rr"]
    assert s.ndc == pytest.approx(math.sqrt(2) * ratio, rel=1e-12)
    assert s.ndc_truncated == math.floor(1.41 * ratio) > 4
    assert 1.0 < s.percent_study["gauge_rr"] < 100.0
    assert gauge_rr(cube(1, sd=(0.1, 0.0, 0.0, 2.0))).ndc_truncated == 1


def test_nested_is_found_and_can_be_forced():
    x = cube(4, (4, 3, 2))
    f = frame(x)
    f["own"] = [f"{w}{p}" for w, p in zip(f["who"], f["part"], strict=True)]
    auto = gauge_rr(f, values="y", part="own", operator="who")
    assert auto.design == "nested"
    assert "nested" in codes(auto)
    forced = gauge_rr(f, values="y", part="part", operator="who", design="nested")
    assert dict(forced.variance) == pytest.approx(dict(auto.variance))
    assert gauge_rr(f, values="y", part="part", operator="who").design == "crossed"
    crossed = gauge_rr(f, values="y", part="own", operator="who", design="crossed")
    assert "empty-cells" in codes(crossed)
    with pytest.raises(DataError, match="one operator"):
        gauge_rr(cube(1, (5, 1, 2)), design="nested")
    with pytest.raises(DataError, match="measured twice"):
        gauge_rr(f.drop_duplicates("own"), values="y", part="part", operator="who", design="nested")


def test_verdicts_say_what_the_interval_allows():
    s = gauge_rr(cube(), spec=(40, 60), sigma_process=1.0)
    found = {v.criterion: v for v in s.verdicts}
    assert list(found) == ["percent_study", "percent_tolerance", "percent_process", "ndc", "icc", "icc_without_bias"]
    assert {v.system for v in s.verdicts} == {"AIAG", "EMP"}
    v = found["percent_study"]
    assert v.state == "unacceptable"
    assert v.interval == s.components["gauge_rr"].percent_study.interval
    assert v.state in v.possible
    assert v.settled is (v.interval.low > 30)
    assert [w.settled for w in s.verdicts] == ["cannot exclude" not in w.message for w in s.verdicts]
    assert not all(w.settled for w in s.verdicts)
    t = s.components["gauge_rr"].percent_tolerance
    reached = ["acceptable"] * (t.interval.low <= 10) + ["conditional"] * (
        t.interval.low <= 30 and t.interval.high > 10
    )
    assert list(found["percent_tolerance"].possible) == reached + ["unacceptable"] * (t.interval.high > 30)
    alone = found["icc_without_bias"]
    assert alone.state == "first class"
    good = gauge_rr(cube(1, (30, 10, 5), (5.0, 0.02, 0.0, 0.03)))
    assert [v.state for v in good.verdicts] == ["acceptable", "acceptable", "first class", "first class"]
    assert all(v.settled for v in good.verdicts)
    bad = gauge_rr(cube(1, (30, 10, 5), (0.1, 0.5, 0.0, 1.0)))
    assert [v.state for v in bad.verdicts] == ["unacceptable", "unacceptable", "fourth class", "fourth class"]


def test_emp_numbers():
    """Wheeler, EMP III: intraclass correlations and the probable error, 0.675 standard deviations of repeatability."""
    s = gauge_rr(np.round(cube(), 2))
    v = s.variance
    assert s.icc.estimate == pytest.approx(v["part"] / v["total"], rel=1e-12)
    assert s.icc_without_bias.estimate == pytest.approx(v["part"] / (v["part"] + v["repeatability"]), rel=1e-12)
    assert s.probable_error == pytest.approx(0.675 * s.sd["repeatability"], rel=1e-3)
    assert s.increment == pytest.approx(0.01, rel=1e-6)
    assert s.effective_resolution == s.probable_error
    coarse = gauge_rr(np.round(cube(sd=(1.0, 0.1, 0.0, 0.1))))
    assert "coarse-increment" in codes(coarse) or "no-gauge-variation" in codes(coarse)
    assert coarse.effective_resolution == coarse.increment


def test_gauge_that_shows_no_variation():
    x = np.repeat(np.repeat(np.arange(5.0)[:, None, None], 2, axis=1), 3, axis=2)
    s = gauge_rr(x)
    assert s.ndc == math.inf
    assert s.ndc_truncated is None
    assert "no-gauge-variation" in codes(s)
    assert s.interaction_pvalue is None
    json.loads(s.to_json())


def test_huge_offset():
    """Steps of 2**-10 at 1e12 are exact in float64, so every number but the mean stays."""
    x = np.round(cube(2) * 1024) / 1024
    a, b = gauge_rr(x), gauge_rr(x + 1e12)
    for name, v in a.variance.items():
        assert b.variance[name] == pytest.approx(v, rel=1e-9, abs=1e-15)
    assert b.mean == pytest.approx(1e12 + x.mean(), rel=1e-15)
    tiny = gauge_rr(x * 1e-150)
    assert tiny.percent_study["part"] == pytest.approx(a.percent_study["part"], rel=1e-9)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.ones((3, 2, 2)), {}, "all measurements are 1"),
        (np.ones((1, 2, 2)), {}, "one part only"),
        (np.arange(6.0), {}, "parts x operators x repeats"),
        ([[["a", "b"]]], {}, "parts x operators x repeats"),
        ({"y": [1, 2]}, {}, "mapping"),
        (cube(), {"values": "y"}, "data is no table"),
        (cube(), {"pool": 1.5}, "pool"),
        (cube(), {"pool": "sometimes"}, "pool"),
        (cube(), {"confidence": 95}, "0.95"),
        (cube(), {"method": "range"}, "method"),
        (cube(), {"interval": "exact"}, "interval"),
        (cube(), {"spec": (1, 2), "tolerance": 3}, "pass one of them"),
        (cube(), {"tolerance": -1}, "tolerance"),
        (cube(), {"sigma_process": 0}, "sigma_process"),
        (cube(), {"multiplier": 0}, "multiplier"),
        (cube(), {"convention": "sas"}, "convention"),
        (cube(), {"rng": "x", "interval": "bootstrap"}, "rng"),
        (np.where(np.arange(90).reshape(10, 3, 3) == 4, np.inf, cube()), {}, "finite"),
        (np.where(np.arange(90).reshape(10, 3, 3) == 4, np.nan, cube()), {}, "missing='drop'"),
        (np.arange(8.0), {"part": list("aabb"), "operator": list("xyxyxyxy")}, "part: shape"),
        (np.arange(3.0), {"part": list("aab"), "operator": list("xyx")}, "at least four"),
    ],
)
def test_bad_input_is_named(data, options, message):
    with pytest.raises(DataError, match=message):
        gauge_rr(data, **options)


def test_too_few_is_its_own_error():
    with pytest.raises(TooFewData):
        gauge_rr(cube()[:1])


def test_result_speaks_with_one_voice():
    s = gauge_rr(cube(), spec=(45, 55))
    d = json.loads(s.to_json())
    assert d["schema"] == "qstats.gauge_study/1"
    assert d["variance"] == dict(s.variance)
    assert d["percent_tolerance"]["gauge_rr"] == s.percent_tolerance["gauge_rr"]
    table = s.to_frame()
    assert table["percent_study"].tolist() == list(s.percent_study.values())
    assert table["source"].tolist() == list(s.components)
    assert f"{s.percent_study['gauge_rr']:.3g}" in str(s)
    assert "gauge rr" in s._repr_html_()
    with pytest.raises(AttributeError):
        s.ndc = 3.0
    anova = s.anova["with_interaction"]
    assert anova.to_frame().shape == (5, 6)
    assert "F" in str(anova)
