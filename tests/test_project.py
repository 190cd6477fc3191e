"""What holds for the whole repository: sizes, words that must not stand in it, commands and pages that must exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import qstats
from qstats import cli
from qstats.datasets import simulate_complaints

ROOT = Path(__file__).resolve().parent.parent
SOURCE = sorted((ROOT / "src").rglob("*.py"))
FOLDERS = ("src", "tests", "docs", "notebooks", "benchmarks", ".ci")
SKIPPED = {"_build", "jupyter_execute", "__pycache__", ".ipynb_checkpoints"}

# Put together here, so that this file does not hold them itself.
NEEDLES = [
    "/" + "work/",
    "/" + "root/",
    "/" + "home/",
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "anaconda" + ".org",
    "--index" + "-url",
    "--trusted" + "-host",
]


def _files() -> Iterator[Path]:
    for path in ROOT.iterdir():
        if path.is_file():
            yield path
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and not SKIPPED & set(path.relative_to(ROOT).parts):
                yield path


@pytest.mark.parametrize("needle", NEEDLES)
def test_no_machine_path_and_no_registry_host(needle: str) -> None:
    found = [str(path.relative_to(ROOT)) for path in _files() if needle.encode() in path.read_bytes()]
    assert found == []


@pytest.mark.parametrize("path", SOURCE, ids=lambda path: path.relative_to(ROOT / "src").as_posix())
def test_source_files_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400


def test_commands_named_in_the_texts_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md", ".ci/run"):
        text = (ROOT / name).read_text(encoding="utf-8")
        named = set(re.findall(r"^make ([a-z-]+)$" if name == ".ci/run" else r"`make ([a-z-]+)`", text, re.MULTILINE))
        assert named, name
        assert named <= targets, name


def test_every_public_name_is_in_the_reference() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md"))
    documented = set(re.findall(r"^\.\. auto(?:function|class):: qstats\.(\w+)$", pages, flags=re.MULTILINE))
    assert documented == set(qstats.__all__) - {"__version__"}


def test_validation_page_names_tests_and_references_that_exist() -> None:
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/.]+)`", text))
    assert named
    assert not [name for name in named if not (ROOT / name).exists()]


def test_validation_page_speaks_of_every_function() -> None:
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    functions = [name for name in qstats.__all__ if name.islower() and not name.startswith("_")]
    assert not [name for name in functions if f"`{name}`" not in text]


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_stripped(path: Path) -> None:
    book = json.loads(path.read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) >= (4, 5)
    cells = book["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert "widgets" not in book["metadata"]


def test_how_to_plan_runs_as_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The complete example of the how-to, on files whose columns are called as it says.
    text = (ROOT / "docs" / "how-to" / "verify-from-the-command-line.md").read_text(encoding="utf-8")
    toml = re.search(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    assert toml is not None
    made = simulate_complaints(
        periods=24, change_at=12, exposure=4000, categories=["late", "damaged"], start="2023-01-01", rng=1
    )
    log = made.log.rename(columns={"id": "number", "date": "happened", "category": "kind"})
    qstats.write_csv(log, tmp_path / "complaints.csv")
    qstats.write_csv(made.exposure.rename(columns={"date": "day", "units": "orders"}), tmp_path / "orders.csv")
    (tmp_path / "plan.toml").write_text(toml[1], encoding="utf-8")
    assert cli.main(["verify", str(tmp_path / "plan.toml"), "--quiet", "--out", str(tmp_path / "verdict")]) == 0
    said = capsys.readouterr()
    assert "Fewer late parcels since the new carrier?" in said.out
    written = {path.name for path in (tmp_path / "verdict").iterdir()}
    assert written == {"report.html", "verdict.json", "verdict.svg", "verdict.png"}


def test_how_to_plan_with_guardrails_runs_as_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "how-to" / "verify-from-the-command-line.md").read_text(encoding="utf-8")
    toml = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)[1]
    rng = np.random.default_rng(2)
    months = [f"{year}-{month:02d}" for year in (2022, 2023, 2024) for month in range(1, 13)]
    days = [f"{m}-{k:02d}" for m in months for k in range(1, 29)]
    units = [day for day in days for _ in range(5)]
    bad = rng.random(len(units)) < np.where(np.array(units) < "2024", 0.2, 0.08)
    tables = {
        "units": {"built": units, "defective": bad.astype(int), "line": rng.choice(["A", "B"], len(units))},
        "lead": {"day": days, "days": rng.lognormal(1.0, 0.3, len(days))},
        "late": {"date": [f"{m}-01" for m in months], "late": rng.poisson(200, 36)},
        "parcels": {"date": [f"{m}-01" for m in months], "parcels": np.full(36, 5000)},
        "answers": {"date": days, "value": rng.integers(5, 11, len(days))},
    }
    for name, columns in tables.items():
        qstats.write_csv(columns, tmp_path / f"{name}.csv")
    (tmp_path / "plan.toml").write_text(toml, encoding="utf-8")
    assert cli.main(["verify", str(tmp_path / "plan.toml"), "--quiet", "--out", str(tmp_path / "verdict")]) == 0
    said = capsys.readouterr().out
    assert "Fewer defective units since the new fixture?" in said
    written = json.loads((tmp_path / "verdict" / "verdict.json").read_text(encoding="utf-8"))
    assert written["state"] == "effective"
    assert {g["name"]: g["state"] for g in written["guardrails"]} == {"lead time": "pass", "late parcels": "pass"}
    assert [s["name"] for s in written["secondary"]] == ["NPS"]
    assert sum(p["events"] for p in written["phases"]) == bad.sum()
    assert {"verdict-guardrails.svg", "verdict-guardrails.png"} <= {p.name for p in (tmp_path / "verdict").iterdir()}


def test_frozen_record_goes_where_the_how_to_says() -> None:
    plan = qstats.VerificationPlan("?", "2024-01-01", ("2023-01-01", "2023-12-31"), "2024-12-31").freeze("2023-12-15")
    text = "[plan]\n" + plan.to_toml().replace("[frozen]", "[plan.frozen]")
    assert qstats.VerificationPlan.from_toml(text).is_intact


def test_version_stands_in_one_place() -> None:
    assert f"version: {qstats.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## [{qstats.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
