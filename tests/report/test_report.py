"""The page: complete, inert, the same content in every form."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import numpy as np
import pytest

from qstats import ControlChart, DataError, ParetoTable, Verdict, compare_rates, individuals, write_report
from qstats.report import render_html, render_markdown
from qstats.report.blocks import number
from qstats.report.views import MOST_ROWS
from qstats.report.words import _WORDS

from .conftest import HOSTILE, make_verdict


class _Page(HTMLParser):
    """Collects tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _text(page: _Page) -> str:
    return " ".join(page.text.split())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_verdict_page_holds_what_an_auditor_asks(verdict: Verdict, lang: str) -> None:
    page = _Page(render_html(verdict, lang=lang))
    text = _text(page)
    assert verdict.sentence(lang) in text
    for reason in verdict.reasons(lang)[:2]:
        assert reason in text
    for part in (verdict.plan_hash, verdict.data_digest, *verdict.versions.values(), verdict.question):
        assert part in text
    for phase in verdict.phases:
        assert f"{phase.events:,.0f}" in text
        assert number(phase.rate) in text
    assert verdict.primary is not None
    assert number(verdict.primary.interval.low) in text
    for period in verdict.periods:
        assert period in text
    hero = next(attrs for tag, attrs in page.tags if attrs.get("id") == "verdict")
    assert hero["data-state"] == verdict.state
    rows = [attrs for tag, attrs in page.tags if tag == "tr" and attrs.get("data-state")]
    assert len(rows) >= len(verdict.checks)


def test_change_and_cause_are_answered_apart() -> None:
    effective = _text(_Page(render_html(make_verdict(ratio=0.5))))
    assert "Yes: the rate is lower." in effective
    assert "Grade" in effective
    none = _text(_Page(render_html(make_verdict(ratio=1.0))))
    assert "Yes: the rate" not in none
    assert "nothing to attribute" in none


def test_nothing_is_loaded_and_nothing_runs(verdict: Verdict, table: ParetoTable, phased: ControlChart) -> None:
    page = _Page(render_html([make_verdict(HOSTILE), verdict, table, phased], title=HOSTILE))
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "iframe", "object", "embed", "link", "img", "form", "base", "foreignobject"}
    for _, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on")]
        link = attrs.get("href") or attrs.get("src") or "#"
        assert link.startswith("#")
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_hostile_text_is_shown_as_typed(table: ParetoTable) -> None:
    html = render_html([make_verdict(HOSTILE), table])
    assert "<script" not in html.lower()
    assert HOSTILE in _text(_Page(html))


def test_control_characters_do_not_reach_the_page(tmp_path: Path) -> None:
    path = write_report(compare_rates(3, 10, 9, 10), tmp_path / "a.html", title="a\x00b\x1b \ud800")
    assert "\x00" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_markdown_has_the_same_sentence_and_no_markup_of_the_user(table: ParetoTable, lang: str) -> None:
    verdict = make_verdict("a|b <b>x</b> `c` [d](http://e) # *f*")
    text = render_markdown([verdict, table], lang)
    assert "<" not in text
    # GitHub's table rule: a pipe inside a cell is escaped, so all rows of a table have as many bare pipes as its head.
    for block in text.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("| ")]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in rows}) <= 1
    assert "\\[d\\]" in text
    assert verdict.plan_hash in text
    assert "配送延迟" in text


def test_a_long_chart_says_how_many_rows_are_elsewhere() -> None:
    chart = individuals(np.random.default_rng(2).normal(size=MOST_ROWS + 50))
    assert "50 more rows are in the JSON" in _text(_Page(render_html(chart)))


def test_json_holds_the_full_numbers(verdict: Verdict, tmp_path: Path) -> None:
    path = write_report([verdict, compare_rates(3, 10, 9, 10)], tmp_path / "new" / "a.json", title="T")
    page = json.loads(path.read_text(encoding="utf-8"))
    assert page["schema"] == "qstats.report/1"
    assert page["results"][0] == json.loads(verdict.to_json())


def test_other_results_get_their_rows(chart: ControlChart) -> None:
    text = _text(_Page(render_html(chart.limits, lang="zh")))
    assert "Control limits" in text
    assert chart.limits.method in text


@pytest.mark.parametrize("results", [[], "text", 3, [1], None])
def test_what_is_no_result_is_refused(results: object) -> None:
    with pytest.raises(DataError, match="results"):
        render_html(results)  # type: ignore[arg-type]


def test_unknown_ending_and_language_are_refused(chart: ControlChart, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="path"):
        write_report(chart, tmp_path / "a.docx")
    with pytest.raises(DataError, match="lang"):
        write_report(chart, tmp_path / "a.html", lang="de")
    assert list(tmp_path.iterdir()) == []


def test_words_exist_in_both_languages_with_the_same_gaps() -> None:
    for key, (en, zh) in _WORDS.items():
        assert en and zh, key
        gaps = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (en, zh)]
        assert gaps[0] == gaps[1], key
