"""Statistical quality engineering: charts, comparisons, and proof that an improvement worked.

Names load their module on first use, so ``import qstats`` costs little more than ``import numpy``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as _numpy  # noqa: F401 - everything stands on it; loading it here makes the cost visible

__version__ = "0.1.0"

_HOME = {
    "qstats._core.interval": ("Interval", "Intervals"),
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
    "qstats.inference.comparison": ("Comparison", "Comparisons"),
    "qstats.inference.equivalence": ("Equivalence", "equivalence", "noninferiority"),
    "qstats.inference.estimate": ("Estimate", "Estimates"),
    "qstats.inference.interrupted_series": ("InterruptedSeries", "interrupted_series"),
    "qstats.inference.logrank": ("LogRank", "logrank"),
    "qstats.inference.means": ("compare_mean_summaries", "compare_means", "estimate_mean"),
    "qstats.inference.multiplicity": ("AdjustedPValues", "adjust_pvalues"),
    "qstats.inference.negative_binomial": ("compare_overdispersed_rates",),
    "qstats.inference.ordinal": ("compare_ordinal", "compare_ordinal_counts"),
    "qstats.inference.paired": ("compare_paired_means",),
    "qstats.inference.paired_proportions": ("compare_paired_proportions",),
    "qstats.inference.proportion_estimates": ("estimate_proportion",),
    "qstats.inference.proportional_odds": ("ProportionalOdds", "TermTest", "proportional_odds"),
    "qstats.inference.proportions": ("compare_proportions",),
    "qstats.inference.quantile_limits": ("QuantileEstimate", "compare_quantiles", "estimate_quantile"),
    "qstats.inference.rate_estimates": ("estimate_rate",),
    "qstats.inference.rates": ("compare_rates", "rate_pvalues", "ratio_of_rate_ratios"),
    "qstats.inference.survival": ("SurvivalCurve", "survival_curve"),
    "qstats.inference.times": ("compare_times",),
    "qstats.report": ("write_report",),
    "qstats.spc.chart": ("ControlChart", "Signal"),
    "qstats.spc.charts.attributes": ("c_chart", "np_chart", "p_chart", "u_chart"),
    "qstats.spc.charts.between_within": ("between_within",),
    "qstats.spc.charts.contributions": ("T2Contributions", "t2_contributions"),
    "qstats.spc.charts.cusum": ("ShiftEstimate", "cusum", "cusum_shifts"),
    "qstats.spc.charts.funnel": ("Funnel", "funnel"),
    "qstats.spc.charts.individuals": ("individuals",),
    "qstats.spc.charts.laney": ("laney_p", "laney_u"),
    "qstats.spc.charts.multivariate": ("t2",),
    "qstats.spc.charts.multivariate_memory": ("mcusum", "mewma"),
    "qstats.spc.charts.multivariate_spread": ("generalized_variance",),
    "qstats.spc.charts.nps": ("nps_chart",),
    "qstats.spc.charts.rare": ("g_chart", "t_chart"),
    "qstats.spc.charts.run_chart": ("run_chart",),
    "qstats.spc.charts.screening": ("SeriesScreen", "screen_series"),
    "qstats.spc.charts.short_run": ("short_run",),
    "qstats.spc.charts.time_weighted": ("ewma", "moving_average"),
    "qstats.spc.charts.xbar": ("xbar_r", "xbar_s"),
    "qstats.spc.limits": ("ControlLimits",),
    "qstats.spc.monitor": ("Monitor", "monitor"),
    "qstats.spc.panel": ("Panel",),
    "qstats.spc.rebaseline": ("BaselineProposal", "propose_baseline"),
    "qstats.spc.rules": ("Rule", "RuleSet"),
    "qstats.spc.runlength": ("CusumDesign", "EwmaDesign", "RunLength", "design_cusum", "design_ewma"),
    "qstats.spc.runlength.of_chart": ("arl",),
    "qstats.table": ("read_table", "write_csv"),
    "qstats.voice.nps": ("nps", "nps_from_counts"),
    "qstats.voice.nps_compare": ("compare_nps", "compare_nps_counts"),
    "qstats.voice.nps_groups": ("NpsGroups", "compare_nps_groups"),
    "qstats.voice.nps_result": ("Nps", "NpsMany", "NpsTable", "NpsTest"),
    "qstats.voice.nps_size": ("NpsSampleSize", "nps_sample_size"),
    "qstats.voice.nps_tests": ("nps_paired_test", "nps_permutation_test"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
__all__ = ["__version__", *sorted(_MODULE_OF)]

if TYPE_CHECKING:
    from qstats._core.interval import Interval as Interval
    from qstats._core.interval import Intervals as Intervals
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
    from qstats.inference.comparison import Comparisons as Comparisons
    from qstats.inference.equivalence import Equivalence as Equivalence
    from qstats.inference.equivalence import equivalence as equivalence
    from qstats.inference.equivalence import noninferiority as noninferiority
    from qstats.inference.estimate import Estimate as Estimate
    from qstats.inference.estimate import Estimates as Estimates
    from qstats.inference.interrupted_series import InterruptedSeries as InterruptedSeries
    from qstats.inference.interrupted_series import interrupted_series as interrupted_series
    from qstats.inference.logrank import LogRank as LogRank
    from qstats.inference.logrank import logrank as logrank
    from qstats.inference.means import compare_mean_summaries as compare_mean_summaries
    from qstats.inference.means import compare_means as compare_means
    from qstats.inference.means import estimate_mean as estimate_mean
    from qstats.inference.multiplicity import AdjustedPValues as AdjustedPValues
    from qstats.inference.multiplicity import adjust_pvalues as adjust_pvalues
    from qstats.inference.negative_binomial import compare_overdispersed_rates as compare_overdispersed_rates
    from qstats.inference.ordinal import compare_ordinal as compare_ordinal
    from qstats.inference.ordinal import compare_ordinal_counts as compare_ordinal_counts
    from qstats.inference.paired import compare_paired_means as compare_paired_means
    from qstats.inference.paired_proportions import compare_paired_proportions as compare_paired_proportions
    from qstats.inference.proportion_estimates import estimate_proportion as estimate_proportion
    from qstats.inference.proportional_odds import ProportionalOdds as ProportionalOdds
    from qstats.inference.proportional_odds import TermTest as TermTest
    from qstats.inference.proportional_odds import proportional_odds as proportional_odds
    from qstats.inference.proportions import compare_proportions as compare_proportions
    from qstats.inference.quantile_limits import QuantileEstimate as QuantileEstimate
    from qstats.inference.quantile_limits import compare_quantiles as compare_quantiles
    from qstats.inference.quantile_limits import estimate_quantile as estimate_quantile
    from qstats.inference.rate_estimates import estimate_rate as estimate_rate
    from qstats.inference.rates import compare_rates as compare_rates
    from qstats.inference.rates import rate_pvalues as rate_pvalues
    from qstats.inference.rates import ratio_of_rate_ratios as ratio_of_rate_ratios
    from qstats.inference.survival import SurvivalCurve as SurvivalCurve
    from qstats.inference.survival import survival_curve as survival_curve
    from qstats.inference.times import compare_times as compare_times
    from qstats.report import write_report as write_report
    from qstats.spc.chart import ControlChart as ControlChart
    from qstats.spc.chart import Signal as Signal
    from qstats.spc.charts.attributes import c_chart as c_chart
    from qstats.spc.charts.attributes import np_chart as np_chart
    from qstats.spc.charts.attributes import p_chart as p_chart
    from qstats.spc.charts.attributes import u_chart as u_chart
    from qstats.spc.charts.between_within import between_within as between_within
    from qstats.spc.charts.contributions import T2Contributions as T2Contributions
    from qstats.spc.charts.contributions import t2_contributions as t2_contributions
    from qstats.spc.charts.cusum import ShiftEstimate as ShiftEstimate
    from qstats.spc.charts.cusum import cusum as cusum
    from qstats.spc.charts.cusum import cusum_shifts as cusum_shifts
    from qstats.spc.charts.funnel import Funnel as Funnel
    from qstats.spc.charts.funnel import funnel as funnel
    from qstats.spc.charts.individuals import individuals as individuals
    from qstats.spc.charts.laney import laney_p as laney_p
    from qstats.spc.charts.laney import laney_u as laney_u
    from qstats.spc.charts.multivariate import t2 as t2
    from qstats.spc.charts.multivariate_memory import mcusum as mcusum
    from qstats.spc.charts.multivariate_memory import mewma as mewma
    from qstats.spc.charts.multivariate_spread import generalized_variance as generalized_variance
    from qstats.spc.charts.nps import nps_chart as nps_chart
    from qstats.spc.charts.rare import g_chart as g_chart
    from qstats.spc.charts.rare import t_chart as t_chart
    from qstats.spc.charts.run_chart import run_chart as run_chart
    from qstats.spc.charts.screening import SeriesScreen as SeriesScreen
    from qstats.spc.charts.screening import screen_series as screen_series
    from qstats.spc.charts.short_run import short_run as short_run
    from qstats.spc.charts.time_weighted import ewma as ewma
    from qstats.spc.charts.time_weighted import moving_average as moving_average
    from qstats.spc.charts.xbar import xbar_r as xbar_r
    from qstats.spc.charts.xbar import xbar_s as xbar_s
    from qstats.spc.limits import ControlLimits as ControlLimits
    from qstats.spc.monitor import Monitor as Monitor
    from qstats.spc.monitor import monitor as monitor
    from qstats.spc.panel import Panel as Panel
    from qstats.spc.rebaseline import BaselineProposal as BaselineProposal
    from qstats.spc.rebaseline import propose_baseline as propose_baseline
    from qstats.spc.rules import Rule as Rule
    from qstats.spc.rules import RuleSet as RuleSet
    from qstats.spc.runlength import CusumDesign as CusumDesign
    from qstats.spc.runlength import EwmaDesign as EwmaDesign
    from qstats.spc.runlength import RunLength as RunLength
    from qstats.spc.runlength import design_cusum as design_cusum
    from qstats.spc.runlength import design_ewma as design_ewma
    from qstats.spc.runlength.of_chart import arl as arl
    from qstats.table import read_table as read_table
    from qstats.table import write_csv as write_csv
    from qstats.voice.nps import nps as nps
    from qstats.voice.nps import nps_from_counts as nps_from_counts
    from qstats.voice.nps_compare import compare_nps as compare_nps
    from qstats.voice.nps_compare import compare_nps_counts as compare_nps_counts
    from qstats.voice.nps_groups import NpsGroups as NpsGroups
    from qstats.voice.nps_groups import compare_nps_groups as compare_nps_groups
    from qstats.voice.nps_result import Nps as Nps
    from qstats.voice.nps_result import NpsMany as NpsMany
    from qstats.voice.nps_result import NpsTable as NpsTable
    from qstats.voice.nps_result import NpsTest as NpsTest
    from qstats.voice.nps_size import NpsSampleSize as NpsSampleSize
    from qstats.voice.nps_size import nps_sample_size as nps_sample_size
    from qstats.voice.nps_tests import nps_paired_test as nps_paired_test
    from qstats.voice.nps_tests import nps_permutation_test as nps_permutation_test


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'qstats' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
