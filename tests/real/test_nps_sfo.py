"""NPS of the San Francisco airport passenger survey of 2017: 84 blanks coded 11, weights, runs as clusters."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError
from qstats.voice.nps.one import nps

FILE = Path(__file__).parents[3] / "shared" / "data" / "sfo_customer_survey" / "2017.csv"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FILE.is_file(), reason="no ../shared/data beside the checkout"),
]


@pytest.fixture(scope="module")
def survey():
    return pd.read_csv(FILE, low_memory=False)


def test_blanks_are_no_promoters(survey):
    with pytest.raises(DataError, match=r"11 \(84 times\)"):
        nps(survey, values="NETPRO", missing="drop")
    r = nps(survey, values="NETPRO", missing="drop", blank=11)
    x = survey["NETPRO"]
    n = int(x.le(10).sum())
    assert r.n == n
    assert r.estimate == pytest.approx(100 * ((x.ge(9) & x.le(10)).sum() - x.le(6).sum()) / n)
    assert {note.code for note in r.notes} == {"missing-dropped", "blank-dropped"}
    assert r.distribution == tuple(float((x == k).sum()) for k in range(11))


def test_weights_and_interview_runs(survey):
    plain = nps(survey, values="NETPRO", missing="drop", blank=11)
    r = nps(survey, values="NETPRO", weight="WEIGHT", cluster="RUNID", missing="drop", blank=11)
    there = survey["NETPRO"].le(10)
    y, w = survey.loc[there, "NETPRO"], survey.loc[there, "WEIGHT"]
    assert r.estimate == pytest.approx(100 * np.average(y.ge(9).astype(float) - y.le(6), weights=w))
    assert r.deff > 1.1
    assert r.n_eff < plain.n
    assert r.interval.high - r.interval.low > plain.interval.high - plain.interval.low
    assert r.df == survey.loc[there, "RUNID"].nunique() - 1


def test_terminals(survey):
    t = nps(survey, values="NETPRO", by="BAREA", weight="WEIGHT", missing="drop", blank=11)
    assert t.n.sum() == t.total.n
    spread = t.estimate.max() - t.estimate.min()
    assert t.shrunk.max() - t.shrunk.min() < spread
