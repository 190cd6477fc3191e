"""Reference cases of the control charts, by id."""

import json
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="session")
def shewhart() -> dict[str, Any]:
    return {c["id"]: c for c in json.loads((_HERE / "spc_shewhart.json").read_text(encoding="utf-8"))}


@pytest.fixture(scope="session")
def direct() -> dict[str, Any]:
    return {c["id"]: c for c in json.loads((_HERE / "spc_rules.json").read_text(encoding="utf-8"))}
