"""Columns of a summary stand beneath each other in Chinese too."""

from __future__ import annotations

import unicodedata

from qstats._core.text import text_width
from qstats.doe import fit, full_factorial


def test_widths() -> None:
    assert [text_width(t) for t in ("", "heat", "温度", "a温", "e\u0301", "ＡＢ")] == [0, 4, 4, 3, 1, 4]


def test_values_of_a_summary_begin_in_one_column() -> None:
    design = full_factorial({"温度": (150, 190), "speed": (1, 2)}, replicates=2, rng=1)
    lines = fit(design, [1, 2, 3, 5, 1, 2, 4, 5], model="linear").summary().splitlines()
    starts = set()
    for line in lines:
        if line.startswith(("温度", "speed", "sigma")):
            at = line.index("  ") + len(line[line.index("  ") :]) - len(line[line.index("  ") :].lstrip())
            starts.add(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line[:at]))
    assert len(starts) == 1
