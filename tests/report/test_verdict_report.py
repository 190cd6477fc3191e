"""What an auditor reads of a verdict: margins, order, evidence by question, what was not looked at, the record."""

import dataclasses
from html.parser import HTMLParser

import numpy as np
import pytest

from qstats import Verdict, VerificationPlan
from qstats.improve.verify import words
from qstats.improve.verify.grid import Grid
from qstats.improve.verify.verdict import Evidence
from qstats.report import render_html, render_markdown
from qstats.report.blocks import MOST_ROWS, Block, Bullets, Heading, Table, Text
from qstats.report.evidence import ATTRIBUTION, EFFECT, evidence_blocks, grid_table, group_of
from qstats.report.verdict import verdict_blocks

from ..figures import verdicts as make
from .conftest import make_verdict


class _Text(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.text += " " + data


@pytest.fixture(scope="module")
def guarded() -> Verdict:
    return make.guarded()


def _table(blocks: list[Block], name: str) -> Table:
    return next(b for b in blocks if isinstance(b, Table) and b.name == name)


def _named(blocks: list[Block], name: str) -> str:
    return next(b.text for b in blocks if isinstance(b, Text) and b.name == name)


def test_guardrails_stand_with_margin_and_state(guarded: Verdict) -> None:
    blocks = verdict_blocks(guarded, "en")
    table = _table(blocks, "guardrails")
    rows = {row[0]: row for row in table.rows}
    assert list(rows) == [g.name for g in guarded.guardrails]
    assert rows["lead time"][1:3] == ("lower", "passed")
    assert rows["lead time"][-1] == "≥ 1.1"
    assert rows["NPS after"][1] == "higher"
    assert rows["NPS after"][-1] == "≤ -3"
    assert rows["effort"][2] == "open"
    assert rows["effort"][-1] == "≥ +0.01"
    assert rows["交付周期(含周末与节假日)"][2] == "breached"
    assert rows["cost"][2:7] == ("not assessed", "–", "–", "–", "–")
    assert table.states == ("pass", "pass", "fail", "warn", "unknown")
    g = guarded.guardrails[0]
    assert g.levels[1] != g.levels[0]
    assert rows["lead time"][3:5] == (f"{g.levels[1]:.4g}", f"{g.levels[0]:.4g}")  # before, then after
    assert _named(blocks, "guardrails").startswith("Yes: a guardrail is breached.")


def test_no_guardrail_is_not_a_pass() -> None:
    blocks = verdict_blocks(make.share(), "en")
    assert _named(blocks, "guardrails").startswith("Not looked at")
    assert not [b for b in blocks if isinstance(b, Table) and b.name == "guardrails"]


def test_secondary_metrics_keep_their_order_and_say_what_is_claimed(guarded: Verdict) -> None:
    table = _table(verdict_blocks(guarded, "en"), "secondary")
    assert [row[0] for row in table.rows] == ["NPS", "late", "asked"]
    assert [row[2] for row in table.rows] == [words.t(f"secondary.{s.state}") for s in guarded.secondary]
    assert table.rows[2][-1] == "–"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_two_strongest_reasons_come_first(guarded: Verdict, lang: str) -> None:
    blocks = verdict_blocks(guarded, lang)
    against = next(b for b in blocks if isinstance(b, Bullets) and b.name == "against")
    assert list(against.items) == guarded.reasons(lang)[:2]
    first_table = next(i for i, b in enumerate(blocks) if isinstance(b, Table))
    assert blocks.index(against) < first_table


def test_levels_stand_in_their_unit() -> None:
    nps, time, share, dpmo = (
        verdict_blocks(build(), "en") for build in (make.nps, make.lead_time, make.share, make.dpmo)
    )
    assert _table(nps, "phases").head[1:3] == ("cases", "mean")
    assert _table(time, "phases").head[1:3] == ("cases", "geometric mean")
    v = make.lead_time()
    assert _table(time, "phases").rows[0][1:3] == ("1,440", f"{v.phases[0].rate:.4g}")
    assert _table(share, "phases").head[1:4] == ("bad cases", "cases", "share")
    assert _table(share, "phases").rows[0][3].endswith("%")
    assert [row[3] for row in _table(dpmo, "phases").rows] == ["8,000", "4,000"]  # 40, then 20 of 5000
    assert _named(nps, "changed") == "Yes: “NPS” improved."
    worse = make.counted([40.0 + (i % 3) for i in range(24)] + [80.0 + (i % 3) for i in range(12)])
    assert _named(verdict_blocks(worse, "en"), "changed") == "Yes: the rate is higher."


def test_a_fall_of_what_should_rise_is_called_worse() -> None:
    from qstats import Metric, verify_improvement

    p = make.plan(metric=Metric("ease", "ces", better="higher"), target_difference=0.5)
    data = make.cases(lambda rng, n, after: rng.integers(1, 5 if after else 8, n))
    v = verify_improvement(p, data, columns=make.VALUES)
    assert v.state == "harmful"
    assert _named(verdict_blocks(v, "en"), "changed") == "Yes: “ease” got worse."


def test_evidence_is_grouped_by_the_question_it_answers(guarded: Verdict) -> None:
    assert {code: group_of(code) for code in words._EVIDENCE if group_of(code) == "other"} == {}
    codes = ("crude", "hold", "sensitivity", "needed", "placebo:x", "site:东", "trap_trend", "new")
    groups = ["effect", "time", "robustness", "power", "placebo", "placebo", "trap", "other"]
    assert [group_of(c) for c in codes] == groups
    blocks = verdict_blocks(guarded, "en")
    tables = [b for b in blocks if isinstance(b, Table) and b.name.startswith("evidence-")]
    assert sum(len(t.rows) for t in tables) == len(guarded.evidence)  # nothing is shown twice, nothing is lost
    for group, table in ((t.name.removeprefix("evidence-"), t) for t in tables):
        mine = [words.evidence_words(e.code)[0] for e in guarded.evidence if group_of(e.code) == group]
        assert [row[0] for row in table.rows] == mine
    assert {group_of(c) for c in words._EVIDENCE} <= set(EFFECT) | set(ATTRIBUTION)


def test_placebos_stand_where_the_action_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(words._EVIDENCE, "placebo_x", (("Placebo", "Text."), ("安慰剂", "文字。")))
    v = make.share()
    others = tuple(e for e in v.evidence if not e.code.startswith("placebo"))
    bare = dataclasses.replace(v, evidence=others)
    v = dataclasses.replace(v, evidence=(*others, Evidence("placebo_x", "Placebo", 0.2, None, "Text.")))
    blocks = verdict_blocks(v, "en")
    titles = [b.text for b in blocks if isinstance(b, Heading)]
    assert titles.index("Was it the action?") < titles.index("Control and placebo: what else moved")
    assert _table(blocks, "evidence-placebo").rows == (("Placebo", "0.2", "–", "Text."),)
    assert not [b for b in verdict_blocks(bare, "en") if isinstance(b, Table) and b.name == "evidence-placebo"]
    assert evidence_blocks((), EFFECT, "en") == []


def test_the_control_is_spoken_of_or_its_absence() -> None:
    v = make.share()
    bare = dataclasses.replace(v, evidence=tuple(e for e in v.evidence if not e.code.startswith("placebo")))
    alone = [b.text for b in verdict_blocks(bare, "en") if isinstance(b, Text)]
    assert any(t.startswith("No control was declared") for t in alone)
    v = make_verdict(control=True)
    beside = [b.text for b in verdict_blocks(v, "en") if isinstance(b, Text)]
    check = next(c for c in v.checks if c.code == "control")
    assert any(check.value in t for t in beside)
    assert not any(t.startswith("No control was declared") for t in beside)


def test_the_grid_marks_what_disagrees() -> None:
    low, high = np.array([0.5, 0.7]), np.array([0.8, np.inf])
    grid = Grid(("trend", "leave_unit"), ("", "东"), np.array([0.6, 0.9]), low, high, np.array([True, False]))
    v = dataclasses.replace(make.share(), grid=grid)
    table = _table(verdict_blocks(v, "en"), "grid")
    assert table.rows == (("with a trend", "0.6", "yes", "0.5 … 0.8"), ("without unit 东", "0.9", "no", "0.7 … ∞"))
    assert table.states == ("pass", "warn")
    assert any(isinstance(b, Text) and "1 of 2 choices" in b.text for b in grid_table(grid, "en"))
    assert _table(grid_table(grid, "zh"), "grid").rows[1][0] == "去掉单位 东"
    assert grid_table(None, "en") == []
    assert grid_table(Grid((), (), *(np.array([]),) * 3, np.array([], dtype=bool)), "en") == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_record_is_passed_through(guarded: Verdict, lang: str) -> None:
    blocks = verdict_blocks(guarded, lang)
    rows = dict(row for row in _table(blocks, "record").rows)
    owner, due = {"en": ("owner", "due"), "zh": ("负责人", "期限")}[lang]
    assert (rows[owner], rows[due], rows["site"]) == ("李工", "2025-02-28", "East")
    plan = VerificationPlan.from_dict(guarded.plan)
    assert str(int(plan.hash[:8], 16)) in rows.values()
    for wanted in ("2023-12-01", "2024-01-01", guarded.plan_hash, guarded.data_digest, *guarded.versions.values()):
        assert wanted in rows.values()


def test_what_could_not_be_told_is_listed_and_what_was_checked_is_not() -> None:
    v = make.share()
    blocks = verdict_blocks(v, "en")
    listed = next(b for b in blocks if isinstance(b, Bullets) and b.name == "not-checked").items
    delay = next(c for c in v.checks if c.code == "delay")
    assert delay.status == "not possible"
    assert any("Complaints still to come: could not be told" in item for item in listed)
    assert not any(words.not_checked_text(c.code) in listed for c in v.checks if c.code in v.not_checked)


def test_periods_show_what_was_expected_and_long_lists_are_cut() -> None:
    v = make_verdict()
    table = _table(verdict_blocks(v, "en"), "periods")
    assert table.head[-1] == "expected without the action"
    assert v.expected is not None
    assert table.rows[5][-1] == f"{v.expected[5]:.4g}"
    assert table.rows[0][-1] == "–"  # the month was not used
    long = make.weekly(10)
    blocks = verdict_blocks(long, "en")
    assert len(_table(blocks, "periods").rows) == MOST_ROWS
    assert any(isinstance(b, Text) and f"{len(long.periods) - MOST_ROWS} more rows" in b.text for b in blocks)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_form_has_the_same_words(guarded: Verdict, lang: str) -> None:
    page = " ".join(_Text(render_html(guarded, lang=lang)).text.split())
    text = render_markdown(guarded, lang)
    for block in verdict_blocks(guarded, lang):
        parts = (
            [block.text]
            if isinstance(block, Text | Heading)
            else [c for row in block.rows for c in row]
            if isinstance(block, Table)
            else []
        )
        for part in parts:
            assert " ".join(part.split()) in page
            assert part[:12].split("_")[0].split("*")[0].split("<")[0].split("[")[0] in text.replace("\\", "")


def test_blocked_and_immature_verdicts_have_a_page_too() -> None:
    for build in (make.blocked, make.immature):
        v = build()
        text = " ".join(_Text(render_html(v)).text.split())
        assert v.sentence() in text
    assert "Not judged: a check blocks the comparison." in render_markdown(make.blocked())
    assert "not yet complete" in render_markdown(make.immature())
