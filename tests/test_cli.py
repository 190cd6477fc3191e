"""The command line: what it prints, what it writes, its exit codes, and that bad input never ends in a traceback."""

import json
import subprocess
import sys
from pathlib import Path

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
