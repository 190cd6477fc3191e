"""CTQ tree: every road in gives the same tree, requirements read as asked, nonsense is named."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from qstats import DataError
from qstats.errors import TooFewData
from qstats.improve.needs.ctq import Ctq, CtqTree, ctq_tree

NESTED: dict[str, Any] = {
    "送得快": {
        "物流": [{"name": "交付时间", "metric": "下单到签收", "unit": "天", "upper": 3, "sla": 0.95}],
        "客服": [{"name": "首次响应", "metric": "工单打开到首次回复", "unit": "小时", "upper": 2}],
    },
    "送得好": {
        "包装": [
            {"name": "抗压强度", "metric": "压力试验", "unit": "kPa", "direction": "higher", "lower": 250},
            {"name": "胶带宽度", "metric": "卡尺", "unit": "mm", "direction": "target", "lower": 47, "upper": 49,
             "target": 48},
        ]
    },
}  # fmt: skip
ROWS = [{"need": n, "driver": d, **c} for n, ds in NESTED.items() for d, cs in ds.items() for c in cs]


def test_all_roads_give_the_same_tree(in_polars: Callable[[Any], list[Any]]) -> None:
    tree = ctq_tree(NESTED)
    for data in (ROWS, pd.DataFrame(ROWS).fillna({"direction": "lower"}), *in_polars(ROWS)):
        assert ctq_tree(data).to_dict() == tree.to_dict()
    assert CtqTree.from_json(tree.to_json()).ctqs == tree.ctqs
    assert [list(drivers) for drivers in tree.nested().values()] == [["物流", "客服"], ["包装"]]


def test_requirements_read_as_asked() -> None:
    assert [c.requirement() for c in ctq_tree(NESTED).ctqs] == [
        "<= 3 天 in 95% of cases", "<= 2 小时", ">= 250 kPa", "47 to 49 mm target 48 mm",
    ]  # fmt: skip
    assert ctq_tree(NESTED).notes == ()


def test_what_cannot_be_judged_is_noted() -> None:
    tree = ctq_tree({"满意": {"态度": [{"name": "友好"}]}})
    assert [n.code for n in tree.notes] == ["no-limit", "no-metric"]
    assert "友好" in tree.notes[0].message
    assert "no limit yet" in tree.summary()


def test_exports() -> None:
    markdown = ctq_tree(NESTED).to_markdown()
    assert markdown.startswith("- **送得快**\n  - 物流\n    - 交付时间 (下单到签收; &lt;= 3 天 in 95% of cases)\n")
    lines = ctq_tree(NESTED).to_mermaid().splitlines()
    assert lines[0] == "flowchart LR"
    assert lines[1:4] == [
        '    need0["送得快"]',
        '    need0 --> driver0x0(["物流"])',
        '    driver0x0 --> ctq0["交付时间<br/>#60;#61; 3 天 in 95#37; of cases"]',
    ]
    assert len(lines) == 1 + 2 + 3 + 4
    hostile = '"]; click x "javascript:alert(1)" <script>\n%%'
    tree = ctq_tree([{"need": hostile, "driver": hostile, "name": hostile, "metric": hostile, "unit": hostile}])
    assert len(tree.to_mermaid().splitlines()) == 4
    assert "<script" not in tree.to_mermaid() + tree.to_markdown() + tree._repr_html_()
    assert tree.to_mermaid().count('"') == 6


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"name": ""}, "name: is empty"),
        ({"lower": 5, "upper": 3}, "not below upper"),
        ({"direction": "down"}, "direction"),
        ({"direction": "target"}, "target of '时间': is missing"),
        ({"direction": "target", "upper": 3, "target": 4}, "beyond upper"),
        ({"direction": "higher", "lower": 3, "target": 2}, "beyond lower"),
        ({"direction": "lower", "lower": 3}, "turn one of them round"),
        ({"direction": "higher", "upper": 3}, "turn one of them round"),
        ({"upper": 3, "sla": 95}, "95 per cent is 0.95"),
        ({"upper": 3, "sla": 0}, "above 0"),
        ({"sla": 0.9}, "must keep a limit"),
        ({"upper": float("nan")}, "upper"),
        ({"upper": "3"}, "upper of '时间'"),
        ({"usl": 3}, "usl"),
    ],
)
def test_nonsense_is_named(entry: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        ctq_tree([{"need": "快", "driver": "物流", "name": "时间", **entry}])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"快": ["a"]}, "a dict of drivers"),
        ({"快": {"物流": "a"}}, "a list of dicts"),
        ({"快": {"物流": ["a"]}}, "a dict with name"),
        ([{"need": "a"}], "missing"),
        ("text", "got a str"),
        (pd.DataFrame({"need": ["a"], "note": ["b"]}), "'note' is unknown"),
        ([ROWS[0], ROWS[0]], "there twice"),
    ],
)
def test_wrong_shapes_are_named(data: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        ctq_tree(data)


def test_nothing_is_too_few_and_edited_json_is_refused() -> None:
    with pytest.raises(TooFewData):
        ctq_tree([])
    with pytest.raises(DataError, match="schema"):
        CtqTree.from_dict({"ctqs": []})
    with pytest.raises(DataError, match="not valid JSON"):
        CtqTree.from_json("[")
    with pytest.raises(DataError, match="Ctq is wanted"):
        CtqTree(("a",))  # type: ignore[arg-type]
    assert Ctq("a", "b", "c", upper=1).has_limit
