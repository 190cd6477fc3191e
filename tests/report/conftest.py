"""The results the figures are tested with."""

from ..figures.conftest import HOSTILE, chart, make_verdict, phased, table, verdict

__all__ = ["HOSTILE", "chart", "make_verdict", "phased", "table", "verdict"]
