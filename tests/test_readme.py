"""The README files: their examples run, and they show what the program really prints."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOW = "run .venv/bin/python docs/update_readme.py"


def _tool() -> ModuleType:
    path = ROOT / "docs" / "update_readme.py"
    spec = importlib.util.spec_from_file_location("update_readme", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _tool()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_outputs_shown_are_the_real_ones(lang: str, tmp_path: Path) -> None:
    text = (ROOT / tool.READMES[lang]).read_text(encoding="utf-8")
    demo = tool.demo_output(lang, tmp_path)
    shown = [block.rstrip() for _, what, block in tool.blocks(text) if what]
    wanted = [output.rstrip() for output in tool.wanted_outputs(text, demo)]
    assert len(shown) == 3
    assert shown == wanted, HOW


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_size_and_picture(lang: str) -> None:
    text = (ROOT / tool.READMES[lang]).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert len(pictures) == 1
    assert 0 < (ROOT / pictures[0]).stat().st_size < 200_000


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), f"{name}: {target}"


def test_example_has_about_ten_lines() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = next(code for code, _, _ in tool.blocks(text) if code)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_names_in_the_readme_exist(lang: str) -> None:
    import qstats

    text = (ROOT / tool.READMES[lang]).read_text(encoding="utf-8")
    table = text[text.index("`individuals`") :]
    names = set(re.findall(r"`([a-z_]+|[A-Z][A-Za-z]+)`", table)) & set(re.findall(r"`(\w+_\w+|[A-Z]\w+)`", table))
    assert names
    assert not [name for name in names if not hasattr(qstats, name) and not hasattr(qstats.doe, name)]
