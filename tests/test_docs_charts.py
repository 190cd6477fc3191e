"""The how-to pages of the charts: every block runs as printed, and the table of run lengths is what `arl` gives."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from qstats import ControlLimits, arl

HOW_TO = Path(__file__).resolve().parent.parent / "docs" / "how-to"
LIMITS = ControlLimits("individuals", 0.0, 1.0, 3.0, "", 0, "given")


@pytest.mark.parametrize(
    "name",
    [
        "control-charts",
        "monitor-a-process",
        "customer-voice",
        "complaint-to-improvement",
        "capability-and-msa",
        "which-design",
        "analyse-an-experiment",
    ],
)
def test_blocks_show_what_they_print(name: str) -> None:
    text = (HOW_TO / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```pycon\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    page = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, name, f"{name}.md", 0)
    assert len(page.examples) > 10
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(page, out=said.append)
    assert not said, "".join(said)


def test_table_of_run_lengths() -> None:
    text = (HOW_TO / "control-charts.md").read_text(encoding="utf-8")
    rows = re.findall(r'^\| (`"\w+"`(?:, `"\w+"`)*) \|.*\| ([\d.]+) \|$', text, flags=re.MULTILINE)
    said = {name: float(value) for names, value in rows for name in re.findall(r'"(\w+)"', names)}
    assert len(said) == 9
    for name, value in said.items():
        run = arl(LIMITS, rules=name, rng=1)
        # The simulated ones were printed with an error of their own; the exact ones are rounded.
        error = 0.05 if run.standard_error is None else 4.0 * (run.standard_error**2 + 0.13**2) ** 0.5
        assert abs(run.arl - value) < error, name
    assert f"| {arl(LIMITS).arl:.1f} |" in text
