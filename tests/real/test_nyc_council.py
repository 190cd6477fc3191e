"""Pareto and verification on 341,299 complaints to the New York City Council offices, in the library and from a shell.

Data: NYC Open Data, "NYC Council Constituent Services" (9hzi-kbqb), as packaged in github kjhealy/nycomplaints (MIT).
Not part of the project. The expected counts come from the csv module, not from qstats.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import qstats
from qstats import cli

FILE = Path(__file__).parents[2].parent / "shared" / "data" / "nyc_council_complaints" / "nycomplaints.csv.gz"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FILE.is_file(), reason=f"{FILE.name} is not beside this checkout"),
]

STATES = {"effective", "not_shown", "harmful", "inconclusive"}
CATEGORY = "Housing and Buildings"
COLUMNS = qstats.LogColumns(date="opendate", category="complaint_type", id="unique_key")
# Whole calendar years, before COVID (2020-03) and before the offices leave the system (2023-11). Nothing is known
# to have been done on 1 January 2018, so no verdict may be better than exploratory.
PLAN = """
[plan]
question = "Fewer housing complaints to the Council since 2018?"
action_date = "2018-01-01"
baseline = ["2016-01-01", "2017-12-31"]
horizon = "2019-12-31"
category = "Housing and Buildings"
control = "untargeted_categories"
"""


@dataclass(frozen=True)
class Counted:
    """What the csv module counts."""

    rows: int
    kinds: Counter[str]
    months: Counter[str]
    housing: Counter[str]
    repeated: int


@pytest.fixture(scope="module")
def counted() -> Counted:
    kinds: Counter[str] = Counter()
    months: Counter[str] = Counter()
    housing: Counter[str] = Counter()
    keys: set[str] = set()
    rows = 0
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows += 1
            kinds[row["complaint_type"]] += 1
            months[row["opendate"][:7]] += 1
            housing[row["opendate"][:7]] += row["complaint_type"] == CATEGORY
            keys.add(row["unique_key"])
    return Counted(rows, kinds, months, housing, rows - len(keys))


@pytest.fixture(scope="module")
def log() -> Any:
    return qstats.read_table(FILE)


@pytest.fixture(scope="module")
def verdict(log: Any) -> qstats.Verdict:
    plan = qstats.VerificationPlan.from_toml(PLAN)
    return qstats.verify_improvement(plan, log, exposure="constant", columns=COLUMNS)


def test_no_row_is_lost_on_the_way_in(log: Any, counted: Counted) -> None:
    assert len(log) == counted.rows == 341_299  # the count in the data's own description


def test_pareto_counts_what_the_csv_module_counts(log: Any, counted: Counted) -> None:
    table = qstats.pareto(log, by="complaint_type")
    missing = counted.kinds[""]
    assert missing == 7_431  # the count in the data's own description
    named = {kind: n for kind, n in counted.kinds.items() if kind}
    assert dict(zip(table.categories, table.values.tolist(), strict=True)) == {**named, "(missing)": missing}
    assert table.n == counted.rows
    assert [note.code for note in table.notes] == ["missing-category"]
    assert table.values.tolist() == sorted(table.values.tolist(), reverse=True)
    assert table.cumulative[-1] == pytest.approx(1.0, abs=1e-12)


def test_pareto_ranks_hold_the_order_seen(log: Any) -> None:
    table = qstats.pareto(log, by="complaint_type")
    places = range(1, len(table.categories) + 1)
    assert all(low <= place <= high for low, place, high in zip(table.rank_low, places, table.rank_high, strict=True))
    # 81,381 against 43,391: nobody would doubt which is larger.
    assert (table.rank_low[0], table.rank_high[0]) == (1, 1)


def test_monthly_counts_of_target_and_control(verdict: qstats.Verdict, counted: Counted) -> None:
    housing = [counted.housing[day[:7]] for day in verdict.periods]
    others = [counted.months[day[:7]] - counted.housing[day[:7]] for day in verdict.periods]
    assert verdict.periods[0] == "2016-01-01"
    assert verdict.periods[-1] == "2019-12-01"
    assert len(verdict.periods) == 48
    assert verdict.events.tolist() == housing
    assert verdict.control_rate is not None
    assert verdict.control_rate * verdict.exposure == pytest.approx(others, rel=1e-12)


def test_duplicated_keys_are_found(verdict: qstats.Verdict, counted: Counted) -> None:
    sanity = next(check for check in verdict.checks if check.code == "sanity")
    assert counted.repeated == 105  # the count in the data's own description
    assert sanity.status == "warn"
    assert str(counted.repeated) in sanity.value


def test_the_verdict_is_honest(verdict: qstats.Verdict) -> None:
    assert verdict.state in STATES
    codes = [check.code for check in verdict.checks]
    assert codes == [
        "plan", "sanity", "definition", "phases", "delay", "horizon", "amount", "baseline", "trend", "season",
        "regression", "overdispersion", "autocorrelation", "exposure", "control", "other",
    ]  # fmt: skip
    # Volume was only declared constant and the plan was not frozen: both must be said, and no grade above C.
    assert {"W-EXPOSURE", "W-POSTHOC"} <= set(verdict.warnings)
    assert verdict.grade in {"C", "D"}
    assert verdict.crude is not None
    assert verdict.crude.interval.low < verdict.crude.estimate < verdict.crude.interval.high


def test_crude_ratio_is_the_ratio_of_the_counts(verdict: qstats.Verdict, counted: Counted) -> None:
    total = {
        year: sum(n for month, n in counted.housing.items() if month[:4] in year) for year in ("2016 2017", "2018 2019")
    }
    days = {"2016 2017": 366 + 365, "2018 2019": 365 + 365}
    before, after = (total[years] / days[years] for years in ("2016 2017", "2018 2019"))
    assert verdict.crude is not None
    assert verdict.crude.estimate == pytest.approx(after / before, rel=1e-12)


def _no_constants(token: str) -> None:
    raise AssertionError(f"JSON holds {token}")


def test_json_holds_no_nan_and_comes_back(verdict: qstats.Verdict) -> None:
    assert json.loads(verdict.to_json(), parse_constant=_no_constants) == verdict.to_dict()
    assert qstats.VerificationPlan.from_dict(verdict.plan).hash == verdict.plan_hash


def test_no_success_without_control_or_volume(log: Any) -> None:
    # All complaints went down from 2016-17 to 2018-19, in every kind together: the use of the system changed. Without a
    # control that fall must not be put down to an action.
    plan = qstats.VerificationPlan(
        "Fewer housing complaints?", action_date="2018-01-01", baseline=("2016-01-01", "2017-12-31"),
        horizon="2019-12-31", category=CATEGORY,
    )  # fmt: skip
    alone = qstats.verify_improvement(plan, log, exposure="constant", columns=COLUMNS)
    assert alone.crude is not None
    assert alone.crude.interval.high < 1.0
    assert alone.state != "effective"


def test_command_line_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str], verdict: qstats.Verdict) -> None:
    shutil.copyfile(FILE, tmp_path / "complaints.csv.gz")
    data = """
[data]
complaints = "complaints.csv.gz"
exposure = "constant"

[data.columns]
date = "opendate"
category = "complaint_type"
id = "unique_key"
"""
    (tmp_path / "plan.toml").write_text(PLAN + data, encoding="utf-8")
    assert cli.main(["verify", str(tmp_path / "plan.toml"), "--quiet", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert verdict.sentence() in said.out
    assert said.err == ""
    written = json.loads((tmp_path / "out" / "verdict.json").read_text(encoding="utf-8"), parse_constant=_no_constants)
    assert written == verdict.to_dict()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Fewer housing complaints to the Council since 2018?" in page


def test_command_line_pareto(tmp_path: Path, capsys: pytest.CaptureFixture[str], counted: Counted) -> None:
    out = tmp_path / "pareto.json"
    assert cli.main(["pareto", str(FILE), "--by", "complaint_type", "--top", "10", "--quiet", "--out", str(out)]) == 0
    assert "Housing and Buildings" in capsys.readouterr().out
    table = json.loads(out.read_text(encoding="utf-8"), parse_constant=_no_constants)
    assert len(table["categories"]) == 11
    assert table["categories"][-1] == "(other)"
    assert sum(table["values"]) == counted.rows


def test_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pareto", str(FILE), "--by", "kind", "--quiet"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("qstats: ")
    assert "kind" in said
    assert len(said.splitlines()) == 1


# -- 2015 against 2019: offices left the system in between --
@pytest.fixture(scope="module")
def by_office() -> dict[str, Counter[str]]:
    out: dict[str, Counter[str]] = {"2015": Counter(), "2019": Counter()}
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["opendate"][:4] in out:
                out[row["opendate"][:4]][row["account"]] += 1
    return out


def _four_years_on(log: Any, category: str | None = None, **columns: str) -> qstats.Verdict:
    plan = qstats.VerificationPlan(
        "Fewer complaints?", "2019-01-01", ("2015-01-01", "2015-12-31"), "2019-12-31", category=category
    )
    names = qstats.LogColumns(date="opendate", category="complaint_type", id="unique_key", **columns)
    return qstats.verify_improvement(plan, log, exposure="constant", columns=names)


def test_offices_that_stopped_recording_are_no_success(log: Any, by_office: dict[str, Counter[str]]) -> None:
    verdict = _four_years_on(log, unit="account")
    definition = next(check for check in verdict.checks if check.code == "definition")
    silent = {office for office, n in by_office["2015"].items() if n >= 10 and by_office["2019"][office] == 0}
    assert silent == {"NYCC09", "NYCC19", "NYCC24"}
    assert (verdict.state, verdict.reason, definition.status, definition.key) == (
        "inconclusive",
        "definition",
        "fail",
        "stopped",
    )
    # These and one that stopped in June 2019; the text names three and counts the rest.
    assert definition.value.startswith("4 stopped being recorded")
    assert {"NYCC19", "NYCC24", "NYCC40"} <= set(re.findall(r"NYCC[0-9]+", definition.value))
    assert "W-DEF" in verdict.warnings
    assert verdict.crude is not None
    assert verdict.crude.estimate == pytest.approx(by_office["2019"].total() / by_office["2015"].total(), rel=1e-12)
    assert verdict.crude.estimate < 0.85  # a fall by a fifth for anyone who only counts


@pytest.mark.parametrize("category", [None, CATEGORY, "Transportation"])
def test_without_offices_the_fall_is_no_success_either(log: Any, category: str | None) -> None:
    assert _four_years_on(log, category).state != "effective"
