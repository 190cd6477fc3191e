"""What tests of experiments share."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from qstats.errors import FormulaError


@pytest.fixture
def refuses(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Check that a text of the user is refused with a FormulaError, and that nothing is run, opened or imported."""

    def never(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a text of the user was acted upon")

    def check(read: Callable[[], object]) -> None:
        loaded = set(sys.modules)
        with monkeypatch.context() as m:
            for module, name in ((builtins, "eval"), (builtins, "exec"), (builtins, "open")):
                m.setattr(module, name, never)
            m.setattr(os, "system", never)
            m.setattr(subprocess, "Popen", never)
            try:
                taken = read()
            except FormulaError:
                assert set(sys.modules) == loaded
                return
        pytest.fail(f"taken as {taken}")

    return check
