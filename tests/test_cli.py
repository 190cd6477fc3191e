"""The command line: what it prints, what it writes, its exit codes, and that bad input never ends in a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qstats.cli import main

PLAN = """
[plan]
question = "晚点投诉减少了吗？"
action_date = 2024-01-01
baseline = ["2023-01-01", "2023-12-31"]
horizon = "2024-12-31"
period = "month"
target_rr = 0.7

[data]
complaints = "log.csv"
exposure = "orders.csv"

[data.columns]
date = "日期"
events = "件数"
exposure_date = "日期"
exposure = "订单"
"""
BEFORE = [31, 27, 35, 29, 33, 30, 26, 34, 28, 32, 30, 29]
AFTER = [14, 17, 12, 15, 18, 13, 16, 15, 14, 12, 17, 13]


def months() -> list[str]:
    return [f"{year}-{month:02d}-01" for year in (2023, 2024) for month in range(1, 13)]


@pytest.fixture(params=["utf-8", "utf-8-sig", "gb18030"])
def job(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    rows = [f"{m},{n}" for m, n in zip(months(), BEFORE + AFTER, strict=True)]
    (tmp_path / "log.csv").write_text("日期,件数\n" + "\n".join(rows) + "\n", encoding=request.param)
    rows = [f"{m},1000" for m in months()]
    (tmp_path / "orders.csv").write_text("日期,订单\n" + "\n".join(rows) + "\n", encoding=request.param)
    return tmp_path / "plan.toml"


def test_verify_in_both_languages(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(job), "--quiet"]) == 0
    english = capsys.readouterr().out
    assert "Verdict: Effective" in english
    assert "0.484" in english  # 176 / 364
    assert main(["verify", str(job), "--lang", "zh", "--out", str(job.parent / "out"), "--quiet"]) == 0
    chinese = capsys.readouterr().out
    assert "结论: 有效" in chinese
    written = json.loads((job.parent / "out" / "verdict.json").read_text(encoding="utf-8"))
    assert written["state"] == "effective"
    page = (job.parent / "out" / "report.html").read_text(encoding="utf-8")
    assert "晚点投诉减少了吗" in page
    assert (job.parent / "out" / "verdict.svg").read_text(encoding="utf-8").lstrip().startswith("<")
    assert (job.parent / "out" / "verdict.png").read_bytes().startswith(b"\x89PNG")


def test_chart_and_pareto(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(
        f"{m},{n},1000,{'前' if m < '2024' else '后'}" for m, n in zip(months(), BEFORE + AFTER, strict=True)
    )
    file = tmp_path / "counts.csv"
    file.write_text("month,n,units,phase\n" + rows + "\n", encoding="utf-8")
    chart = ["chart", str(file), "--kind", "u", "--count", "n", "--exposure", "units", "--order-by", "month"]
    for name in ("c.svg", "c.png", "c.html", "c.json", "c.csv"):
        assert main([*chart, "--phase", "phase", "--out", str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 0
    assert json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["kind"] == "u"
    assert main(["chart", str(file), "--values", "n", "--order-by", "month"]) == 0
    log = tmp_path / "log.csv"
    log.write_text("kind\n" + "late\n" * 9 + "=cmd()\n" * 2 + "<script>alert(1)</script>\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["pareto", str(log), "--by", "kind", "--out", str(tmp_path / "p.csv")]) == 0
    assert "late" in capsys.readouterr().out
    assert "'=cmd()" in (tmp_path / "p.csv").read_text(encoding="utf-8-sig")
    assert main(["pareto", str(log), "--by", "kind", "--out", str(tmp_path / "p.html")]) == 0
    assert "<script>alert" not in (tmp_path / "p.html").read_text(encoding="utf-8")


def bad_calls(tmp_path: Path) -> list[tuple[list[str], str]]:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,x\n2,y\n", encoding="utf-8")
    (tmp_path / "broken.toml").write_text("plan = [", encoding="utf-8")
    (tmp_path / "nodata.toml").write_text(PLAN.split("[data]")[0], encoding="utf-8")
    (tmp_path / "typo.toml").write_text(PLAN.replace("complaints =", "complaint ="), encoding="utf-8")
    (tmp_path / "column.toml").write_text(PLAN.replace("件数", "没有"), encoding="utf-8")
    (tmp_path / "log.csv").write_bytes(b"\x00\x01\x02\xff\xfe")
    return [
        (["chart", str(tmp_path / "absent.csv"), "--values", "a"], "absent.csv"),
        (["chart", str(tmp_path), "--values", "a"], ""),
        (["chart", str(file), "--values", "c"], "'c'"),
        (["chart", str(file), "--values", "b"], "b"),
        (["chart", str(file)], "--values: is missing"),
        (["chart", str(file), "--values", "a"], ""),
        (["chart", str(file), "--kind", "p", "--count", "a"], "--size: is missing"),
        (["pareto", str(file), "--by", "zz"], "zz"),
        (["pareto", str(file), "--by", "b", "--out", str(tmp_path / "p.docx")], "p.docx"),
        (["verify", str(tmp_path / "none.toml")], "none.toml"),
        (["verify", str(tmp_path / "broken.toml")], "not valid TOML"),
        (["verify", str(tmp_path / "nodata.toml")], "[data]"),
        (["verify", str(tmp_path / "typo.toml")], "unknown entry 'complaint'"),
        (["verify", str(tmp_path / "column.toml")], ""),
    ]


def test_nps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(
        f"{score},{'东' if i % 2 else '西'}" for i, score in enumerate([9, 10, 3, 8, 11, 10, 7, 9, 0, 10] * 6)
    )
    (tmp_path / "答卷.csv").write_text("评分,区域\n" + rows + "\n", encoding="gb18030")
    call = ["nps", str(tmp_path / "答卷.csv"), "--values", "评分", "--blank", "11"]
    assert main([*call, "--out", str(tmp_path / "nps.json")]) == 0
    said = capsys.readouterr().out
    assert "NPS (points)" in said
    assert "33.3" in said  # five of nine are promoters, two detractors
    stored = json.loads((tmp_path / "nps.json").read_text(encoding="utf-8"))
    assert stored["n"] == 54
    assert main([*call, "--by", "区域", "--out", str(tmp_path / "nps.svg"), "--lang", "zh"]) == 0
    assert "东" in (tmp_path / "nps.svg").read_text(encoding="utf-8")
    assert main(call[:-2]) == 1
    assert "11 (6 times)" in capsys.readouterr().err


def test_bad_input_is_exit_1_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for call, says in bad_calls(tmp_path):
        assert main(call) == 1, call
        out = capsys.readouterr()
        lines = out.err.strip().splitlines()
        assert len(lines) == 1, (call, lines)
        assert lines[0].startswith("qstats: ")
        assert says in lines[0], call
        assert "Traceback" not in out.err


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("individuals", ["--values", "n"]),
        ("xbar-r", ["--values", "n", "--by", "day"]),
        ("xbar-s", ["--values", "n", "--by", "day"]),
        ("p", ["--count", "n", "--size", "units"]),
        ("np", ["--count", "n", "--size", "units"]),
        ("c", ["--count", "n"]),
        ("u", ["--count", "n", "--exposure", "units"]),
        ("laney-p", ["--count", "n", "--size", "units"]),
        ("laney-u", ["--count", "n", "--exposure", "units"]),
        ("run", ["--values", "n"]),
        ("ewma", ["--values", "n"]),
        ("cusum", ["--values", "n"]),
        ("nps", ["--values", "n", "--by", "day"]),
    ],
)
def test_every_kind_of_chart(kind: str, columns: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "数据.csv"
    rows = [f"2024-01-{i // 2 + 1:02d},{3 + i % 4},{40 + i % 3}" for i in range(24)]
    file.write_text("day,n,units\n" + "\n".join(rows) + "\n", encoding="gb18030")
    order = [] if "--by" in columns else ["--order-by", "day"]
    assert main(["chart", str(file), "--kind", kind, *columns, *order, "--lang", "zh"]) == 0
    assert "控制图" in (said := capsys.readouterr().out) or "运行图" in said
    rules = ["chart", str(file), "--kind", kind, *columns, "--rules", "nhs"]
    assert main(rules) == (1 if kind in ("run", "ewma", "cusum") else 0)
    assert (
        main(
            [
                "chart",
                str(file),
                "--kind",
                kind,
                *columns,
                "--exposure" if kind != "u" and kind != "laney-u" else "--size",
                "units",
            ]
        )
        == 1
    )


@pytest.mark.parametrize(
    "call", [[], ["nonsense"], ["chart"], ["pareto", "x.csv"], ["verify", "p.toml", "--lang", "de"]]
)
def test_wrong_usage_is_exit_2(call: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(call)
    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_installed_command_runs() -> None:
    out = subprocess.run([sys.executable, "-m", "qstats.cli", "--version"], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("qstats ")


def test_demo_answers_both_questions_honestly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path), "--quiet"]) == 0
    assert "Inconclusive: the months before and after differ" in capsys.readouterr().out
    first, second = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    assert (first["state"], first["reason"]) == ("inconclusive", "season")
    assert first["primary"] is None
    assert first["crude"]["interval"]["high"] < 1.0  # what a test without the check would have called a success
    assert second["primary"]["effect"] == "rate_ratio_ratio"
    assert second["state"] in {"not_shown", "inconclusive"}
    assert "W-POSTHOC" in second["warnings"]
    assert {p.name for p in tmp_path.iterdir()} >= {"report.html", "verdict.json", "verdict-1.svg", "verdict-2.png"}


# -- a plan on other metrics, with guardrails and a survey --
CASES = """
[plan]
question = "Fewer defective units?"
action_date = 2024-01-01
baseline = ["2022-01-01", "2023-12-31"]
horizon = "2024-12-31"
trend = "none"
metric = { name = "defective", kind = "proportion" }
secondary = [{ name = "NPS", kind = "nps" }]

[[plan.guardrails]]
name = "lead time"
kind = "time"
margin_rr = 1.5

[[plan.guardrails]]
name = "late"
kind = "rate"
margin_rr = 2.0

[data]
complaints = "units.csv"
data_date = "2025-01-31"

[data.columns]
date = "日期"
values = "坏"

[data.survey]
NPS = "nps.csv"

[data.guardrails."lead time"]
log = "lead.csv"
columns = { date = "day", values = "days" }

[data.guardrails.late]
log = "late.csv"
exposure = "constant"
columns = { events = "n" }
"""


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """36 months: of 60 units 12 bad, then 3; times, scores and late parcels that do not change."""
    months = [f"{year}-{month:02d}" for year in (2022, 2023, 2024) for month in range(1, 13)]

    def put(name: str, head: str, rows: list[str]) -> None:
        (tmp_path / name).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")

    rng = np.random.default_rng(4)
    bad = [12 + i % 3 - 1 if i < 24 else 3 + i % 2 for i in range(36)]
    units = [f"{m}-{k % 28 + 1:02d},{int(k < bad[i])}" for i, m in enumerate(months) for k in range(60)]
    put("units.csv", "日期,坏", units)
    put("lead.csv", "day,days", [f"{m}-{k:02d},{rng.uniform(2, 6):.2f}" for m in months for k in range(1, 29)])
    put("nps.csv", "date,value", [f"{m}-{k:02d},{rng.integers(5, 11)}" for m in months for k in range(1, 29)])
    put("late.csv", "date,n", [f"{m}-01,{rng.poisson(40)}" for m in months])
    (tmp_path / "plan.toml").write_text(CASES, encoding="utf-8")
    return tmp_path


def test_verify_with_guardrails_and_a_survey(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(cases / "plan.toml"), "--out", str(cases / "out"), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "lead time passed, late passed" in said
    written = json.loads((cases / "out" / "verdict.json").read_text(encoding="utf-8"))
    assert [p["exposure"] for p in written["phases"]] == [60.0 * 24, 60.0 * 12]
    assert written["phases"][0]["events"] == 12.0 * 24
    assert {g["name"]: g["state"] for g in written["guardrails"]} == {"lead time": "pass", "late": "pass"}
    assert written["guardrails"][0]["cases"] == [28.0 * 12, 28.0 * 24]
    assert [s["name"] for s in written["secondary"]] == ["NPS"]
    assert written["secondary"][0]["state"] != "not assessed"
    for name in ("verdict.svg", "verdict.png", "verdict-guardrails.svg", "verdict-guardrails.png", "report.html"):
        assert (cases / "out" / name).stat().st_size > 0
        assert name in said


def test_the_day_the_tables_were_drawn_is_used(cases: Path) -> None:
    plan = cases / "plan.toml"
    short = CASES.replace('"2025-01-31"', "2024-10-15").replace("trend =", "reporting_delay = 20\ntrend =")
    plan.write_text(short, encoding="utf-8")
    assert main(["verify", str(plan), "--out", str(cases / "out"), "--quiet"]) == 0
    early = json.loads((cases / "out" / "verdict.json").read_text(encoding="utf-8"))
    assert early["role"][-3:] == ["immature"] * 3  # October is not over, and reports take twenty days
    plan.write_text(short.replace("2024-10-15", '"2025-03-01"'), encoding="utf-8")
    assert main(["verify", str(plan), "--out", str(cases / "out"), "--quiet"]) == 0
    assert "immature" not in json.loads((cases / "out" / "verdict.json").read_text(encoding="utf-8"))["role"]


def test_a_file_named_twice_is_read_once(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import qstats

    (job.parent / "both.csv").write_text(
        "日期,件数,订单\n" + "\n".join(f"{m},{n},1000" for m, n in zip(months(), BEFORE + AFTER, strict=True)) + "\n",
        encoding="utf-8",
    )
    job.write_text(PLAN.replace("log.csv", "both.csv").replace("orders.csv", "both.csv"), encoding="utf-8")
    seen = []
    reading = qstats.read_table
    monkeypatch.setattr(qstats, "read_table", lambda path, **more: seen.append(path) or reading(path, **more))
    assert main(["verify", str(job), "--quiet"]) == 0
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('complaints = "units.csv"', "", "entry 'complaints' in [data] is missing"),
        ('complaints = "units.csv"', "complaints = 3", "entry 'complaints' in [data] is 3"),
        ('complaints = "units.csv"', 'complaints = "none.csv"', "entry 'complaints' in [data]: "),
        ("data_date =", "date_data =", "unknown entry 'date_data' in [data]"),
        ('"2025-01-31"', '"last week"', "data_date: got 'last week'"),
        ('NPS = "nps.csv"', 'CSAT = "nps.csv"', "survey: 'CSAT' is not in the plan"),
        ('NPS = "nps.csv"', "NPS = 5", '[data.survey."NPS"] is 5'),
        ('NPS = "nps.csv"', 'NPS = "gone.csv"', "entry 'log' in [data.survey.\"NPS\"]: "),
        ('[data.survey]\nNPS = "nps.csv"', "", ""),
        ('log = "lead.csv"', "", "entry 'log' in [data.guardrails.\"lead time\"] is missing"),
        ('log = "lead.csv"', "log = 1", "entry 'log' in [data.guardrails.\"lead time\"] is 1"),
        ('log = "lead.csv"', 'log = "lead.csv"\nfile = "x"', "unknown entry 'file' in [data.guardrails.\"lead time\"]"),
        ('values = "days"', 'value = "days"', "unknown entry 'value' in columns in [data.guardrails.\"lead time\"]"),
        ('columns = { events = "n" }', "columns = 3", 'columns in [data.guardrails."late"] is 3'),
        ('exposure = "constant"', "exposure = false", "entry 'exposure' in [data.guardrails.\"late\"] is False"),
        ('exposure = "constant"', "", "exposure: missing for 'late'"),
        ('[data.survey]\nNPS = "nps.csv"', "[data.survey.NPS]", "entry 'log' in [data.survey.\"NPS\"] is missing"),
    ],
)
def test_entries_of_data_are_named_when_wrong(
    cases: Path, old: str, new: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert CASES.count(old) == 1
    (cases / "plan.toml").write_text(CASES.replace(old, new), encoding="utf-8")
    code = main(["verify", str(cases / "plan.toml"), "--quiet"])
    out = capsys.readouterr()
    assert code == (1 if says else 0)
    assert says in out.err
    assert "Traceback" not in out.err


def test_a_rate_without_volume_is_refused(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job.write_text(PLAN.replace('exposure = "orders.csv"\n', ""), encoding="utf-8")
    assert main(["verify", str(job), "--quiet"]) == 1
    assert "exposure: missing for 'complaints'" in capsys.readouterr().err
