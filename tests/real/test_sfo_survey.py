"""The San Francisco airport passenger survey: 21 items, 6 = never used, 0 = blank, one column with the word Blank."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from qstats.errors import DataError
from qstats.voice.drivers.drivers import key_drivers
from qstats.voice.drivers.importance import importance_performance
from qstats.voice.satisfaction.battery import battery
from qstats.voice.satisfaction.scores import csat

FILE = Path(__file__).parents[3] / "shared" / "data" / "sfo_customer_survey" / "2017.csv"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FILE.is_file(), reason="no ../shared/data beside the checkout"),
]
OPTIONS = {"blank": (0, 6), "missing": "drop"}


@pytest.fixture(scope="module")
def raw():
    return pd.read_csv(FILE, low_memory=False)


@pytest.fixture(scope="module")
def survey(raw):
    return raw.assign(Q7ALL=pd.to_numeric(raw["Q7ALL"], errors="coerce"))


@pytest.fixture(scope="module")
def items(raw):
    return [c for c in raw.columns if c[:2] in ("Q7", "Q9") and "COM" not in c]


def test_the_word_blank_is_refused_by_name(raw, items):
    with pytest.raises(DataError, match="item 'Q7ALL': got text"):
        battery(raw, items=items, by="BAREA", **OPTIONS)


def test_codes_that_are_no_scores_are_refused_with_their_counts(survey):
    times = int((survey["Q7FOOD"] == 6).sum())
    with pytest.raises(DataError, match=rf"6 \({times} times\)"):
        csat(survey, values="Q7FOOD", blank=0)


def test_battery(survey, items):
    assert len(items) == 21
    r = battery(survey, items=items, by="BAREA", **OPTIONS)
    assert len(r) == 21 * 7
    assert (r.n + r.missing).reshape(21, 7).sum(axis=1).tolist() == [2831.0] * 21
    table = r.to_frame().set_index(["item", "segment"])
    for item, gate in (("Q7FOOD", "D"), ("Q9ALL", "A"), ("Q7RENTAL", "B")):
        x = survey.loc[survey["BAREA"] == gate, item]
        x = x[x.between(1, 5)]
        row = table.loc[(item, gate)]
        low, high = proportion_confint((x >= 4).sum(), len(x), method="wilson")
        assert (row["n"], row["low"], row["high"], row["mean"]) == pytest.approx((len(x), low, high, x.mean()))
    # boarding area D is the one with the food; alone 25 cells look different, adjusted together 14
    assert table["adjusted"].idxmin() == ("Q7FOOD", "D")
    found, alone = int((r.adjusted < 0.05).sum()), int((r.pvalue < 0.05).sum())
    assert 0 < found < alone


def test_weights_and_segments(survey):
    t = csat(survey, values="Q7ALL", by="BAREA", weight="WEIGHT", missing="drop")
    there = survey["Q7ALL"].notna()
    for i, gate in enumerate(t.segments):
        x = survey[there & (survey["BAREA"] == gate)]
        assert t.estimate[i] == pytest.approx(np.average(x["Q7ALL"] >= 4, weights=x["WEIGHT"]))
        assert t.mean[i] == pytest.approx(np.average(x["Q7ALL"], weights=x["WEIGHT"]))
    assert t.total.deff > 1.05
    assert np.ptp(t.shrunk) < np.ptp(t.estimate)
    assert ((t.rank_low <= t.rank_high) & (t.rank_low >= 1) & (t.rank_high <= 7)).all()


def test_drivers(survey):
    drivers = ["Q7ART", "Q7FOOD", "Q7STORE", "Q7SIGN", "Q7WALKWAYS", "Q7SCREENS", "Q7WIFI"]
    r = key_drivers(survey, outcome="Q7ALL", drivers=drivers, rng=1, resamples=400, **OPTIONS)
    good = survey[[*drivers, "Q7ALL"]].apply(lambda c: c.where(c.between(1, 5))).dropna()
    x = np.column_stack([np.ones(len(good)), good[drivers]])
    y = good["Q7ALL"].to_numpy(float)
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert (r.n, r.r2) == (len(good), pytest.approx(1 - rest @ rest / ((y - y.mean()) ** 2).sum()))
    assert r.share.sum() == pytest.approx(r.r2)
    assert (r.rank_high >= r.rank_low).all()
    assert "missing-dropped" in {n.code for n in r.notes}
    p = importance_performance(survey, outcome="Q7ALL", drivers=drivers, rng=1, resamples=400, **OPTIONS)
    assert p.importance == pytest.approx([np.corrcoef(good[d], y)[0, 1] for d in drivers])
