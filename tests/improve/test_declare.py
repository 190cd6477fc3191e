"""What a plan can declare: metrics, guardrails, and every entry of the complete plan through every form."""

from typing import Any

import pytest

from qstats import DataError, Guardrail, Metric, VerificationPlan

FULL: dict[str, Any] = {
    "question": "缺陷更少了吗？",
    "action_date": "2025-01-01",
    "baseline": ["2023-01-01", "2024-12-31"],
    "horizon": "2025-12-31",
    "metric": {"name": "NPS", "kind": "nps"},
    "target_difference": 8,
    "harm_difference": 3,
    "trend": "linear",
    "guardrails": [
        {"name": "lead time", "kind": "time", "margin_rr": 1.1},
        {"name": "late", "kind": "sla", "within": "72h", "margin_rr": 1.05},
        {"name": "effort", "kind": "ces", "better": "higher", "scale": [1, 7], "margin": 0.2},
    ],
    "secondary": [{"name": "satisfied", "kind": "csat", "top": 4, "scale": [1, 5]}],
    "reporting_delay": 30,
    "selected_from": 20,
    "sites": {"北京": "2025-01-01", "Paris": "2025-03-01", "Rome": "never"},
    "control": "units",
    "min_exposure": 500,
    "other_changes": [{"date": "2025-06-01", "what": "new hotline"}, {"date": "2025-02-01", "what": "price"}],
    "implementation": {"name": "training", "kind": "mean", "better": "higher"},
    "record": {"owner": "李雷", "due": "2026-01-15"},
}


def test_the_complete_plan_goes_through_every_form() -> None:
    plan = VerificationPlan.from_dict(FULL).freeze(on="2024-12-20")
    for again in (
        VerificationPlan.from_toml(plan.to_toml()),
        VerificationPlan.from_json(plan.to_json()),
        VerificationPlan.from_dict(plan.to_dict()),
    ):
        assert again.canonical_json() == plan.canonical_json()
        assert again.is_intact
    assert plan.sites is not None
    assert plan.sites["Rome"] is None
    assert [c["what"] for c in plan.other_changes] == ["price", "new hotline"]
    assert (plan.target, plan.harm) == (8.0, -3.0)
    assert [g.limit for g in plan.guardrails] == [1.1, 1.05, -0.2]


def test_any_edit_of_a_new_entry_shows() -> None:
    plan = VerificationPlan.from_dict(FULL).freeze(on="2024-12-20")
    entries = plan.to_dict()
    entries["guardrails"][0]["margin_rr"] = 1.5
    assert not VerificationPlan.from_dict(entries).is_intact


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"target_difference": None}, "target_difference: missing"),
        ({"target_rr": 0.7}, "target_rr: 'NPS' is compared by a difference"),
        ({"metric": None}, "target_difference: 'complaints' is compared by a ratio"),
        ({"metric": {"name": "x", "kind": "votes"}}, "kind"),
        ({"metric": {"kind": "nps"}}, "'name' is missing"),
        ({"metric": {"name": "x", "kind": "nps", "size": 3}}, "unknown entry 'size'"),
        ({"metric": "nps"}, "metric"),
        ({"guardrails": {"name": "x"}}, "guardrails"),
        ({"guardrails": [{"name": "x", "kind": "time"}]}, "margin_rr: missing"),
        ({"guardrails": [{"name": "x", "kind": "time", "margin_rr": 0.9}]}, "margin_rr"),
        ({"guardrails": [{"name": "x", "kind": "nps", "margin_rr": 1.1}]}, "takes margin"),
        ({"guardrails": [{"name": "x", "kind": "ces", "margin": 1}]}, "better: missing"),
        ({"guardrails": [{"name": "x", "margin_rr": 1.1}, {"name": "x", "margin_rr": 1.2}]}, "comes twice"),
        ({"secondary": [{"name": "x", "kind": "sla"}]}, "within"),
        ({"secondary": [{"name": "x", "kind": "csat"}]}, "top: missing"),
        ({"secondary": [{"name": "x", "kind": "dpmo"}]}, "opportunities: missing"),
        ({"secondary": [{"name": "x", "kind": "csat", "top": 4, "scale": [5, 1]}]}, "not below"),
        ({"secondary": [{"name": "x", "kind": "nps", "within": "3h"}]}, "within: is for sla"),
        ({"secondary": [{"name": "x", "kind": "proportion", "better": "higher"}]}, "bad cases"),
        ({"reporting_delay": "wait"}, "reporting_delay"),
        ({"reporting_delay": 1.5}, "whole number"),
        ({"selected_from": 0}, "selected_from"),
        ({"sites": {"a": "2025-01-01"}}, "at least two sites"),
        ({"sites": {"a": "2025-01-01", "b": "2025-01-01"}}, "one day"),
        ({"sites": {"a": "2025-01-01", "b": "2025-02-01"}}, "unit: missing"),
        ({"unit": "a"}, "leave one of them out"),
        ({"looks": "anytime"}, "'anytime' is for rates"),
        ({"looks": "weekly"}, "looks"),
        ({"trend": "cubic"}, "trend"),
        ({"min_exposure": 0}, "min_exposure"),
        ({"other_changes": [{"date": "2025-06-01"}]}, "other_changes"),
        ({"record": {"owner": 3}}, "record"),
    ],
)
def test_contradictions_are_named(change: dict[str, Any], says: str) -> None:
    entries = {k: v for k, v in {**FULL, **change}.items() if v is not None}
    with pytest.raises(DataError, match=says):
        VerificationPlan.from_dict(entries)


def test_a_rate_that_should_rise_wants_its_target_said() -> None:
    entries = {k: FULL[k] for k in ("question", "action_date", "baseline", "horizon")}
    up = {"name": "praise per order", "better": "higher"}
    with pytest.raises(DataError, match="target_rr: missing"):
        VerificationPlan.from_dict({**entries, "metric": up})
    plan = VerificationPlan.from_dict({**entries, "metric": up, "target_rr": 1.3})
    assert plan.target == 1.3
    assert plan.harm == pytest.approx(1 / 1.1)


def test_margins_know_their_side() -> None:
    assert Guardrail("on time", "mean", better="higher", margin=0.03).limit == -0.03
    assert Guardrail("cost", "mean", better="lower", margin=2.0).limit == 2.0
    assert Metric("x", "dpmo", opportunities=12).family == "rate"
