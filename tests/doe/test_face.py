"""The face of the experiments: every name is there, documented, in the reference, and hides no module."""

from __future__ import annotations

import inspect
import re
import types
from pathlib import Path

import pytest

import qstats
from qstats import doe

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", doe.__all__)
def test_public_names_exist_and_are_documented(name: str) -> None:
    thing = getattr(doe, name)
    assert inspect.getdoc(thing)
    assert not isinstance(thing, types.ModuleType)
    assert getattr(qstats.doe, name) is thing


def test_reference_and_stub_tell_the_same_names() -> None:
    pages = (ROOT / "docs" / "reference" / name for name in ("experiments.md", "experiment-analysis.md"))
    page = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    told = set(re.findall(r"^\.\. auto(?:function|class):: qstats\.doe\.(\w+)$", page, flags=re.MULTILINE))
    assert told == set(doe.__all__)
    stub = (ROOT / "src" / "qstats" / "doe" / "__init__.pyi").read_text(encoding="utf-8")
    names = set(re.findall(r"^from (\S+) import (\w+) as \2$", stub, flags=re.MULTILINE))
    assert names == {(module, name) for module, held in doe._HOME.items() for name in held}


def test_no_function_has_the_name_of_a_module() -> None:
    modules = {p.stem for p in (ROOT / "src" / "qstats" / "doe").iterdir()}
    assert not modules & set(doe.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        doe.nonsense  # noqa: B018
