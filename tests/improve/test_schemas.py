"""The published schemas: what is written fits them, what is broken does not."""

import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qstats import DataError, Guardrail, Metric, Verdict, VerificationPlan
from qstats.improve.verify.declare import FAMILIES
from qstats.improve.verify.grid import Grid
from qstats.improve.verify.phrases import CHECK_TITLES, WORDS
from qstats.improve.verify.verdict import Check, Evidence, GuardrailResult, Phase, SecondaryResult
from qstats.inference.comparison import Comparison

from ..figures import verdicts as make
from ..figures.conftest import make_verdict

jsonschema = pytest.importorskip("jsonschema")  # comes with nbmake, which the tests need anyway
referencing = pytest.importorskip("referencing")

FOLDER = Path(__file__).parents[2] / "docs" / "_static" / "schemas"
PLAN = json.loads((FOLDER / "plan.schema.json").read_text(encoding="utf-8"))
VERDICT = json.loads((FOLDER / "verification.schema.json").read_text(encoding="utf-8"))
NEIGHBOUR = referencing.Registry().with_resource("plan.schema.json", referencing.Resource.from_contents(PLAN))


def wrong(value: Any, schema: dict[str, Any]) -> list[str]:
    """Where a value does not fit."""
    found = jsonschema.Draft202012Validator(schema, registry=NEIGHBOUR).iter_errors(value)
    return [f"{e.json_path}: {e.message}" for e in found]


def full_plan(**changes: Any) -> VerificationPlan:
    """A plan with every entry that can stand beside the others."""
    entries: dict[str, Any] = {
        "transition": ("2024-01-01", "2024-01-31"),
        "trigger_window": ("2023-11-01", "2023-11-30"),
        "category": "late",
        "control": "units",
        "sites": {"A": "2024-01-01", "B": "2024-02-01", "C": "never"},
        "guardrails": [Guardrail("lead", "time", margin_rr=1.1), Guardrail("NPS", "nps", margin=3)],
        "secondary": [Metric("in time", "sla", within="72h"), Metric("asked", "csat", top=4, scale=(1, 5))],
        "reporting_delay": 45,
        "selected_from": 20,
        "min_exposure": 100.0,
        "other_changes": [{"date": "2024-03-01", "what": "new carrier"}],
        "implementation": Metric("trained", "mean", better="higher"),
        "record": {"owner": "李工"},
        "looks": "anytime",
        **changes,
    }
    return make.plan(**entries)


# One of each: the four states, every kind of value, a control, guardrails, late reports, a block.
STEADY = [31, 27, 35, 29, 33, 30, 26, 34, 28, 32, 30, 29]
BUILD: dict[str, Callable[[], Verdict]] = {
    "effective": make.dpmo,
    "not_shown": lambda: make.counted(STEADY * 3),
    "harmful": lambda: make.counted([n * (2 if i >= 24 else 1) for i, n in enumerate(STEADY * 3)]),
    "blocked": make.blocked,
    "nothing counted": lambda: make.counted([0.0] * 36),
    "few": lambda: make.counted([3, 0, 1] * 12, season="none"),
    "no periods": lambda: make.counted([5.0], start="2020-01-01"),
    "control": lambda: make_verdict(control=True),
    "NPS": make.nps,
    "time": make.lead_time,
    "share": make.share,
    "guardrails": make.guarded,
    "late reports": make.immature,
    "weeks": lambda: make.weekly(2),
}


def test_the_schemas_are_schemas() -> None:
    for schema in (PLAN, VERDICT):
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", BUILD)
def test_real_verdicts_fit(name: str) -> None:
    v = BUILD[name]()
    written = json.loads(v.to_json())
    assert wrong(written, VERDICT) == []
    assert wrong(written["plan"], PLAN) == []


def test_a_grid_and_names_in_codes_fit() -> None:
    v = make.share()
    grid = Grid(("trend", "leave_unit"), ("", "东"), *(np.array([0.5, np.inf]),) * 3, np.array([True, False]))
    held = dataclasses.replace(v, grid=grid, evidence=(Evidence("site:东 A\n", "Site", 0.5, None, "x"),))
    written = json.loads(held.to_json())
    assert wrong(written, VERDICT) == []
    written["grid"]["agrees"][0] = "yes"
    assert wrong(written, VERDICT)
    written = json.loads(held.to_json())
    written["evidence"][0]["code"] = "Site: A"
    assert wrong(written, VERDICT)


def test_all_four_states_were_among_them() -> None:
    states = {BUILD[name]().state for name in ("effective", "not_shown", "harmful", "blocked")}
    assert states == {"effective", "not_shown", "harmful", "inconclusive"}


@pytest.mark.parametrize(
    "plan",
    [
        make.plan(),
        full_plan(),
        full_plan(sites=None, unit="A", reporting_delay="offset"),
        make.plan(metric=Metric("NPS", "nps"), target_difference=5, harm_difference=2),
        make.plan(metric=Metric("stock", "rate", better="higher"), target_rr=1.2),
        make.plan(metric=Metric("effort", "ces", better="lower", scale=(1, 7)), target_difference=0.5),
        make.plan(metric=Metric("DPMO", "dpmo", opportunities=8)),
        make.plan(category="late", control="untargeted_categories"),
    ],
)
def test_plans_fit_and_come_back(plan: VerificationPlan) -> None:
    written = json.loads(plan.to_json())
    assert wrong(written, PLAN) == []
    assert VerificationPlan.from_dict(written) == plan


def test_a_plan_written_by_hand_may_be_short() -> None:
    short = {
        "schema": "qstats.plan/1",
        "question": "Fewer?",
        "action_date": "2024-01-01",
        "baseline": ["2023-01-01", "2023-12-31"],
        "horizon": "2024-12-31",
    }
    assert wrong(short, PLAN) == []
    assert VerificationPlan.from_dict(short).target_rr == 0.7


# Each of these the schema refuses; those marked True VerificationPlan.from_dict refuses too.
BROKEN_PLANS: list[tuple[Callable[[dict[str, Any]], object], bool]] = [
    (lambda d: d.update(colour="red"), True),
    (lambda d: d.pop("horizon"), True),
    (lambda d: d.update(schema="qstats.plan/9"), True),
    (lambda d: d.update(question="  "), True),
    (lambda d: d.update(period="year"), True),
    (lambda d: d.update(alpha=0.5), True),
    (lambda d: d.update(action_date="1 Jan 2024"), True),
    (lambda d: d.update(baseline=["2023-01-01"]), True),
    (lambda d: d.update(control="untargeted"), True),
    (lambda d: d.update(control="untargeted_categories") or d.pop("category"), True),
    (lambda d: d.pop("sites"), True),
    (lambda d: d.update(target_difference=3), True),
    (lambda d: d.update(metric={"name": "NPS", "kind": "nps"}), True),
    (lambda d: d.update(metric={"name": "x", "kind": "speed"}), True),
    (lambda d: d.update(metric={"name": "x", "kind": "sla"}), True),
    (lambda d: d.update(metric={"name": "x", "top": 4}), True),
    (lambda d: d.update(metric={"name": "x", "margin": 4}), True),
    (lambda d: d.update(metric={"kind": "rate"}), True),
    (lambda d: d.update(implementation={"name": "x", "kind": "mean"}), True),
    (lambda d: d["guardrails"][0].pop("margin_rr"), True),
    (lambda d: d["guardrails"][0].update(margin=1), True),
    (lambda d: d["guardrails"][1].update(margin_rr=1.1), True),
    (lambda d: d["guardrails"][1].update(margn=1), True),
    (lambda d: d["guardrails"].append({"name": "x", "kind": "sla", "better": "higher", "margin_rr": 1.1}), True),
    (lambda d: d["secondary"][0].update(within=72), True),
    (lambda d: d["secondary"][1].update(scale=[1]), True),
    (lambda d: d.update(reporting_delay="wait"), True),
    (lambda d: d.update(reporting_delay=1.5), True),
    (lambda d: d.update(selected_from=0), True),
    (lambda d: d["sites"].update(D="soon"), True),
    (lambda d: d["other_changes"][0].pop("what"), True),
    (lambda d: d["record"].update(due=3), True),
    (lambda d: d.update(min_exposure=0), True),
    (lambda d: d["frozen"].update(hash="x"), False),
    (lambda d: d["frozen"].pop("on"), False),
]  # fmt: skip


@pytest.mark.parametrize("at", range(len(BROKEN_PLANS)))
def test_broken_plans_do_not_fit(at: int) -> None:
    change, refused = BROKEN_PLANS[at]
    written = json.loads(full_plan().to_json())
    change(written)
    assert wrong(written, PLAN)
    if refused:
        with pytest.raises(DataError):
            VerificationPlan.from_dict(written)


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    return json.loads(make.guarded().to_json())  # type: ignore[no-any-return]


BROKEN_VERDICTS: list[Callable[[dict[str, Any]], object]] = [
    lambda d: d.update(state="good"),
    lambda d: d.update(state="effective"),  # its reason is that of a harm
    lambda d: d.update(state="inconclusive", reason="target_met"),
    lambda d: d.update(reason="unheard_of"),
    lambda d: d.update(strength="certain"),
    lambda d: d.update(grade="E"),
    lambda d: d.update(schema="qstats.verification/2"),
    lambda d: d.update(extra=1),
    lambda d: d["primary"].pop("pvalue"),
    lambda d: d["primary"].update(pvalue=1.5),
    lambda d: d["primary"].update(effect="odds"),
    lambda d: d["primary"]["interval"].update(low="few"),
    lambda d: d["primary"]["interval"].pop("confidence"),
    lambda d: d["checks"][0].update(status="ok"),
    lambda d: d["checks"][0].update(code="weather"),
    lambda d: d["checks"][0].pop("numbers"),
    lambda d: d.update(checks=[]),
    lambda d: d["evidence"][0].update(estimate="many"),
    lambda d: d["evidence"][0].pop("text"),
    lambda d: d["guardrails"][0].update(state="failed"),
    lambda d: d["guardrails"][0].pop("limit"),
    lambda d: d["secondary"][0].update(state="pass"),
    lambda d: d["phases"][0].update(name="during"),
    lambda d: d["role"].__setitem__(0, "before"),
    lambda d: d["warnings"].append("careful"),
    lambda d: d["plan"].update(colour="red"),
    lambda d: d["plan"].pop("period"),
    lambda d: d["plan"]["guardrails"][0].update(kind="speed"),
    lambda d: d.update(plan_hash="short"),
    lambda d: d["versions"].pop("numpy"),
    lambda d: d["chart"].update(kind="c"),
    lambda d: d["expected"].__setitem__(0, "none"),
]


@pytest.mark.parametrize("at", range(len(BROKEN_VERDICTS)))
def test_broken_verdicts_do_not_fit(written: dict[str, Any], at: int) -> None:
    broken = copy.deepcopy(written)
    BROKEN_VERDICTS[at](broken)
    assert wrong(broken, VERDICT)


def test_no_field_may_be_missing(written: dict[str, Any]) -> None:
    for name in written:
        assert wrong({k: x for k, x in written.items() if k != name}, VERDICT), name


def test_the_schemas_name_what_the_classes_hold() -> None:
    def fields(cls: type) -> set[str]:
        return {f.name for f in dataclasses.fields(cls)}

    held = VERDICT["$defs"]
    assert set(VERDICT["properties"]) == set(VERDICT["required"]) == fields(Verdict) | {"schema"}
    for name, cls in (
        ("check", Check), ("evidence", Evidence), ("phase", Phase), ("guardrail", GuardrailResult),
        ("secondary", SecondaryResult), ("grid", Grid),
    ):  # fmt: skip
        assert set(held[name]["properties"]) == set(held[name]["required"]) == fields(cls)
    assert set(held["comparison"]["required"]) == fields(Comparison) | {"schema"}
    assert set(PLAN["properties"]) == fields(VerificationPlan) | {"schema"}
    assert set(PLAN["$defs"]["declared"]["properties"]) == fields(Metric)
    assert set(PLAN["$defs"]["guardrail"]["properties"]) == fields(Guardrail) - fields(Metric)
    assert set(PLAN["$defs"]["declared"]["properties"]["kind"]["enum"]) == set(FAMILIES) == set(held["kind"]["enum"])
    assert set(held["check"]["properties"]["code"]["enum"]) == set(CHECK_TITLES)


def test_every_reason_of_the_schema_has_a_sentence() -> None:
    reasons = [one["properties"]["reason"] for one in VERDICT["oneOf"]]
    for reason in (name for rule in reasons for name in rule.get("enum", [rule.get("const")])):
        assert reason in WORDS
