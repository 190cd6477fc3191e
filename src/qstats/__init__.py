"""Statistical quality engineering: charts, comparisons, and proof that an improvement worked.

Names load their module on first use, so ``import qstats`` costs little more than ``import numpy``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as _numpy  # noqa: F401 - everything stands on it; loading it here makes the cost visible

__version__ = "0.1.0"

_HOME = {
    "qstats._core.interval": ("Interval",),
    "qstats._core.moments": ("Moments",),
    "qstats._core.notes": ("Note",),
    "qstats.errors": (
        "DataError",
        "DesignError",
        "EngineError",
        "FormulaError",
        "NoConvergence",
        "QStatsError",
        "QStatsWarning",
        "TooFewData",
    ),
    "qstats.figures": ("plot", "save_figure"),
    "qstats.improve.hold": ("hold_period",),
    "qstats.improve.pareto": ("ParetoTable", "pareto"),
    "qstats.improve.plan": ("LogColumns", "VerificationPlan"),
    "qstats.improve.verdict": ("Verdict",),
    "qstats.improve.verify": ("verify_improvement",),
    "qstats.inference.comparison": ("Comparison",),
    "qstats.inference.proportions": ("compare_proportions",),
    "qstats.inference.rates": ("compare_rates", "ratio_of_rate_ratios"),
    "qstats.report": ("write_report",),
    "qstats.spc.attributes": ("p_chart", "u_chart"),
    "qstats.spc.chart": ("ControlChart", "ControlLimits", "Panel", "Signal"),
    "qstats.spc.rules": ("Rule", "RuleSet"),
    "qstats.spc.variables": ("individuals",),
    "qstats.table": ("read_table", "write_csv"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
__all__ = ["__version__", *sorted(_MODULE_OF)]

if TYPE_CHECKING:
    from qstats._core.interval import Interval as Interval
    from qstats._core.moments import Moments as Moments
    from qstats._core.notes import Note as Note
    from qstats.errors import DataError as DataError
    from qstats.errors import DesignError as DesignError
    from qstats.errors import EngineError as EngineError
    from qstats.errors import FormulaError as FormulaError
    from qstats.errors import NoConvergence as NoConvergence
    from qstats.errors import QStatsError as QStatsError
    from qstats.errors import QStatsWarning as QStatsWarning
    from qstats.errors import TooFewData as TooFewData
    from qstats.figures import plot as plot
    from qstats.figures import save_figure as save_figure
    from qstats.improve.hold import hold_period as hold_period
    from qstats.improve.pareto import ParetoTable as ParetoTable
    from qstats.improve.pareto import pareto as pareto
    from qstats.improve.plan import LogColumns as LogColumns
    from qstats.improve.plan import VerificationPlan as VerificationPlan
    from qstats.improve.verdict import Verdict as Verdict
    from qstats.improve.verify import verify_improvement as verify_improvement
    from qstats.inference.comparison import Comparison as Comparison
    from qstats.inference.proportions import compare_proportions as compare_proportions
    from qstats.inference.rates import compare_rates as compare_rates
    from qstats.inference.rates import ratio_of_rate_ratios as ratio_of_rate_ratios
    from qstats.report import write_report as write_report
    from qstats.spc.attributes import p_chart as p_chart
    from qstats.spc.attributes import u_chart as u_chart
    from qstats.spc.chart import ControlChart as ControlChart
    from qstats.spc.chart import ControlLimits as ControlLimits
    from qstats.spc.chart import Panel as Panel
    from qstats.spc.chart import Signal as Signal
    from qstats.spc.rules import Rule as Rule
    from qstats.spc.rules import RuleSet as RuleSet
    from qstats.spc.variables import individuals as individuals
    from qstats.table import read_table as read_table
    from qstats.table import write_csv as write_csv


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'qstats' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
