"""The plan: round trips, hash, freeze, and every way to write it wrongly."""

import dataclasses
import hashlib
import json
from typing import Any

import pytest

from qstats import DataError, VerificationPlan

ENTRIES: dict[str, Any] = {
    "question": '少了吗？ "quoted" \\ and\ttab',
    "action_date": "2025-01-01",
    "baseline": ["2024-01-01", "2024-12-31"],
    "horizon": "2025-12-31",
    "period": "month",
    "target_rr": 0.7,
    "category": "晚点",
    "control": "untargeted_categories",
}


def test_toml_json_and_dict_round_trip_exactly() -> None:
    plan = VerificationPlan.from_dict(ENTRIES).freeze(on="2024-12-20")
    for back in (
        VerificationPlan.from_toml(plan.to_toml()),
        VerificationPlan.from_json(plan.to_json()),
        VerificationPlan.from_dict(plan.to_dict()),
        VerificationPlan.from_toml("[plan]\n" + plan.to_toml().replace("[frozen]", "[plan.frozen]")),
    ):
        assert back == plan
        assert back.is_intact


def test_hash_is_sha256_of_the_canonical_text() -> None:
    plan = VerificationPlan.from_dict(ENTRIES)
    text = plan.canonical_json()
    assert json.loads(text)["target_rr"] == 0.7
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert plan.hash == hashlib.sha256(text.encode("utf-8")).hexdigest()
    assert plan.freeze().hash == plan.hash  # the freeze record is not part of what is hashed


def test_any_edit_after_freezing_shows() -> None:
    frozen = VerificationPlan.from_dict(ENTRIES).freeze(on="2024-12-20")
    edits: dict[str, Any] = {"target_rr": 0.9, "horizon": "2026-01-31", "question": "other", "season": "none"}
    for name, value in edits.items():
        assert not dataclasses.replace(frozen, **{name: value}).is_intact


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"question": " "}, "question: is empty"),
        ({"action_date": "01.01.2025"}, "action_date"),
        ({"baseline": "2024"}, "two dates"),
        ({"baseline": ["2024-12-31", "2024-01-01"]}, "before it starts"),
        ({"baseline": ["2024-01-01", "2025-01-01"]}, "must end before action_date"),
        ({"horizon": "2024-12-31"}, "lies before action_date"),
        ({"period": "quarter"}, "period: got 'quarter'"),
        ({"target_rr": 1.0}, "target_rr"),
        ({"target_rr": "0.7"}, "target_rr: got '0.7'"),
        ({"harm_rr": 0.9}, "harm_rr"),
        ({"alpha": 5}, "alpha"),
        ({"control": "yes"}, "control"),
        ({"category": None}, "category: missing"),
        ({"category": 5}, "category: got 5"),
        ({"transition": ["2024-12-01", "2025-01-10"]}, "inside the baseline"),
        ({"transition": ["2025-03-01", "2025-03-10"]}, "transition"),
        ({"guardrail": []}, "unknown entry 'guardrail'"),
        ({"schema": "qstats.plan/9"}, "schema"),
        ({"frozen": "yes"}, "frozen"),
    ],
)
def test_contradictions_are_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        VerificationPlan.from_dict({**ENTRIES, **change})


@pytest.mark.parametrize("name", ["question", "action_date", "baseline", "horizon"])
def test_missing_entries_are_named(name: str) -> None:
    with pytest.raises(DataError, match=f"entry '{name}' is missing"):
        VerificationPlan.from_dict({k: v for k, v in ENTRIES.items() if k != name})


@pytest.mark.parametrize(("text", "says"), [("question = ", "not valid TOML"), ("plan = 3", "must be a table")])
def test_bad_toml(text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        VerificationPlan.from_toml(text)
    with pytest.raises(DataError, match="JSON"):
        VerificationPlan.from_json("[1]")
