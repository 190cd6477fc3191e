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
    "qstats.improve.causes.evidence": ("CauseTest",),
    "qstats.improve.causes.node": ("CauseNode",),
    "qstats.improve.causes.tree": ("CauseTree",),
    "qstats.improve.claims.claim": ("ClaimCheck", "claim_check"),
    "qstats.improve.fmea.occurrence": ("OccurrenceRating", "OccurrenceScale", "occurrence_from_rate"),
    "qstats.improve.fmea.priority": ("ActionPriorities", "action_priorities"),
    "qstats.improve.fmea.table": ("FmeaTable", "fmea"),
    "qstats.improve.guards.change_date": ("ChangeDate", "change_date"),
    "qstats.improve.guards.delay": ("ReportingDelay", "reporting_delay"),
    "qstats.improve.guards.looks": ("EProcess", "improvement_eprocess"),
    "qstats.improve.guards.peak_trigger": ("TriggerTrap", "triggered_false_success"),
    "qstats.improve.guards.regression_to_mean": ("RegressionToMean", "predicted_after"),
    "qstats.improve.guards.relapse": ("RelapseWatch", "maxsprt_critical", "relapse_watch"),
    "qstats.improve.guards.traps": ("Trap", "TrapTable", "trap_table"),
    "qstats.improve.needs.ctq": ("Ctq", "CtqTree", "ctq_tree"),
    "qstats.improve.needs.qfd": ("HouseOfQuality", "qfd"),
    "qstats.improve.pareto.compare": ("ParetoComparison", "compare_pareto"),
    "qstats.improve.pareto.drill": ("ParetoDrill", "pareto_drill"),
    "qstats.improve.pareto.table": ("ParetoTable", "pareto"),
    "qstats.improve.units.ranking": ("UnitRanking", "rank_units"),
    "qstats.improve.verify.declare": ("Guardrail", "LogColumns", "Metric"),
    "qstats.improve.verify.hold": ("hold_period",),
    "qstats.improve.verify.plan": ("VerificationPlan",),
    "qstats.improve.verify.verdict": ("GuardrailResult", "SecondaryResult", "Verdict"),
    "qstats.improve.verify.verify": ("verify_improvement",),
    "qstats.inference.comparison": ("Comparison", "Comparisons"),
    "qstats.inference.equivalence": ("Equivalence", "equivalence", "noninferiority"),
    "qstats.inference.estimate": ("Estimate", "Estimates"),
    "qstats.inference.groups.counts": ("compare_proportion_groups", "compare_rate_groups"),
    "qstats.inference.groups.result": ("GroupComparison",),
    "qstats.inference.groups.values": ("compare_mean_groups", "compare_ordinal_groups", "compare_time_groups"),
    "qstats.inference.means.means": ("compare_mean_summaries", "compare_means", "estimate_mean"),
    "qstats.inference.means.paired": ("compare_paired_means",),
    "qstats.inference.multiplicity": ("AdjustedPValues", "adjust_pvalues"),
    "qstats.inference.negative_binomial": ("compare_overdispersed_rates",),
    "qstats.inference.ordinal.proportional_odds": ("ProportionalOdds", "TermTest", "proportional_odds"),
    "qstats.inference.ordinal.scores": ("compare_ordinal", "compare_ordinal_counts"),
    "qstats.inference.paired_proportions": ("compare_paired_proportions",),
    "qstats.inference.power.groups": (
        "mean_groups_power",
        "mean_groups_sample_size",
        "proportion_groups_power",
        "proportion_groups_sample_size",
        "rate_groups_power",
        "rate_groups_sample_size",
    ),
    "qstats.inference.power.means": ("means_power", "means_sample_size"),
    "qstats.inference.power.ordinal": ("ordinal_power", "ordinal_sample_size"),
    "qstats.inference.power.pairs": (
        "paired_means_power",
        "paired_means_sample_size",
        "paired_proportions_power",
        "paired_proportions_sample_size",
    ),
    "qstats.inference.power.proportions": ("proportions_power", "proportions_sample_size"),
    "qstats.inference.power.quantiles": ("quantiles_power", "quantiles_sample_size"),
    "qstats.inference.power.rates": ("rates_power", "rates_sample_size"),
    "qstats.inference.power.restricted": ("rmst_power", "rmst_sample_size"),
    "qstats.inference.power.study_size": ("StudySize",),
    "qstats.inference.power.times": ("logrank_power", "logrank_sample_size", "times_power", "times_sample_size"),
    "qstats.inference.proportion_estimates": ("estimate_proportion",),
    "qstats.inference.proportions": ("compare_proportions",),
    "qstats.inference.rate_estimates": ("estimate_rate",),
    "qstats.inference.rates": ("compare_rates", "rate_pvalues", "ratio_of_rate_ratios"),
    "qstats.inference.series.interrupted": ("interrupted_series",),
    "qstats.inference.series.means": ("interrupted_means",),
    "qstats.inference.series.result": ("InterruptedSeries",),
    "qstats.inference.times.logrank": ("LogRank", "logrank"),
    "qstats.inference.times.quantiles": ("QuantileEstimate", "compare_quantiles", "estimate_quantile"),
    "qstats.inference.times.survival": ("SurvivalCurve", "survival_curve"),
    "qstats.inference.times.times": ("compare_times",),
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
    "qstats.voice.drivers.drivers": ("KeyDrivers", "key_drivers"),
    "qstats.voice.drivers.importance": ("ImportancePerformance", "importance_performance"),
    "qstats.voice.drivers.kano": ("kano", "kano_from_counts"),
    "qstats.voice.drivers.kano_result": ("Kano",),
    "qstats.voice.nps.compare": ("compare_nps", "compare_nps_counts"),
    "qstats.voice.nps.groups": ("NpsGroups", "compare_nps_groups"),
    "qstats.voice.nps.one": ("nps", "nps_from_counts"),
    "qstats.voice.nps.power": ("nps_power",),
    "qstats.voice.nps.randomised": ("nps_paired_test", "nps_permutation_test"),
    "qstats.voice.nps.result": ("Nps", "NpsMany", "NpsTable", "NpsTest"),
    "qstats.voice.nps.size": ("NpsSampleSize", "nps_sample_size"),
    "qstats.voice.satisfaction.battery": ("battery",),
    "qstats.voice.satisfaction.compare": ("compare_ces", "compare_csat"),
    "qstats.voice.satisfaction.result": ("BatteryTable", "Satisfaction", "SatisfactionComparison", "SegmentTable"),
    "qstats.voice.satisfaction.scores": ("ces", "csat"),
    "qstats.voice.service.churn": ("Churn", "ChurnTable", "churn", "compare_churn"),
    "qstats.voice.service.contact": ("FirstContact", "compare_first_contact", "first_contact_resolution"),
    "qstats.voice.service.handling": ("handling_time",),
    "qstats.voice.service.resolution": ("first_response", "resolution_time"),
    "qstats.voice.service.resolution_compare": ("TimeComparison", "compare_resolution_time"),
    "qstats.voice.service.result": ("HandlingTime", "ServiceTable", "ServiceTime"),
    "qstats.voice.service.shares": ("ShareTable",),
    "qstats.voice.service.sla": ("Attainment", "compare_sla", "sla_attainment"),
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
    from qstats.improve.causes.evidence import CauseTest as CauseTest
    from qstats.improve.causes.node import CauseNode as CauseNode
    from qstats.improve.causes.tree import CauseTree as CauseTree
    from qstats.improve.claims.claim import ClaimCheck as ClaimCheck
    from qstats.improve.claims.claim import claim_check as claim_check
    from qstats.improve.fmea.occurrence import OccurrenceRating as OccurrenceRating
    from qstats.improve.fmea.occurrence import OccurrenceScale as OccurrenceScale
    from qstats.improve.fmea.occurrence import occurrence_from_rate as occurrence_from_rate
    from qstats.improve.fmea.priority import ActionPriorities as ActionPriorities
    from qstats.improve.fmea.priority import action_priorities as action_priorities
    from qstats.improve.fmea.table import FmeaTable as FmeaTable
    from qstats.improve.fmea.table import fmea as fmea
    from qstats.improve.guards.change_date import ChangeDate as ChangeDate
    from qstats.improve.guards.change_date import change_date as change_date
    from qstats.improve.guards.delay import ReportingDelay as ReportingDelay
    from qstats.improve.guards.delay import reporting_delay as reporting_delay
    from qstats.improve.guards.looks import EProcess as EProcess
    from qstats.improve.guards.looks import improvement_eprocess as improvement_eprocess
    from qstats.improve.guards.peak_trigger import TriggerTrap as TriggerTrap
    from qstats.improve.guards.peak_trigger import triggered_false_success as triggered_false_success
    from qstats.improve.guards.regression_to_mean import RegressionToMean as RegressionToMean
    from qstats.improve.guards.regression_to_mean import predicted_after as predicted_after
    from qstats.improve.guards.relapse import RelapseWatch as RelapseWatch
    from qstats.improve.guards.relapse import maxsprt_critical as maxsprt_critical
    from qstats.improve.guards.relapse import relapse_watch as relapse_watch
    from qstats.improve.guards.traps import Trap as Trap
    from qstats.improve.guards.traps import TrapTable as TrapTable
    from qstats.improve.guards.traps import trap_table as trap_table
    from qstats.improve.needs.ctq import Ctq as Ctq
    from qstats.improve.needs.ctq import CtqTree as CtqTree
    from qstats.improve.needs.ctq import ctq_tree as ctq_tree
    from qstats.improve.needs.qfd import HouseOfQuality as HouseOfQuality
    from qstats.improve.needs.qfd import qfd as qfd
    from qstats.improve.pareto.compare import ParetoComparison as ParetoComparison
    from qstats.improve.pareto.compare import compare_pareto as compare_pareto
    from qstats.improve.pareto.drill import ParetoDrill as ParetoDrill
    from qstats.improve.pareto.drill import pareto_drill as pareto_drill
    from qstats.improve.pareto.table import ParetoTable as ParetoTable
    from qstats.improve.pareto.table import pareto as pareto
    from qstats.improve.units.ranking import UnitRanking as UnitRanking
    from qstats.improve.units.ranking import rank_units as rank_units
    from qstats.improve.verify.declare import Guardrail as Guardrail
    from qstats.improve.verify.declare import LogColumns as LogColumns
    from qstats.improve.verify.declare import Metric as Metric
    from qstats.improve.verify.hold import hold_period as hold_period
    from qstats.improve.verify.plan import VerificationPlan as VerificationPlan
    from qstats.improve.verify.verdict import GuardrailResult as GuardrailResult
    from qstats.improve.verify.verdict import SecondaryResult as SecondaryResult
    from qstats.improve.verify.verdict import Verdict as Verdict
    from qstats.improve.verify.verify import verify_improvement as verify_improvement
    from qstats.inference.comparison import Comparison as Comparison
    from qstats.inference.comparison import Comparisons as Comparisons
    from qstats.inference.equivalence import Equivalence as Equivalence
    from qstats.inference.equivalence import equivalence as equivalence
    from qstats.inference.equivalence import noninferiority as noninferiority
    from qstats.inference.estimate import Estimate as Estimate
    from qstats.inference.estimate import Estimates as Estimates
    from qstats.inference.groups.counts import compare_proportion_groups as compare_proportion_groups
    from qstats.inference.groups.counts import compare_rate_groups as compare_rate_groups
    from qstats.inference.groups.result import GroupComparison as GroupComparison
    from qstats.inference.groups.values import compare_mean_groups as compare_mean_groups
    from qstats.inference.groups.values import compare_ordinal_groups as compare_ordinal_groups
    from qstats.inference.groups.values import compare_time_groups as compare_time_groups
    from qstats.inference.means.means import compare_mean_summaries as compare_mean_summaries
    from qstats.inference.means.means import compare_means as compare_means
    from qstats.inference.means.means import estimate_mean as estimate_mean
    from qstats.inference.means.paired import compare_paired_means as compare_paired_means
    from qstats.inference.multiplicity import AdjustedPValues as AdjustedPValues
    from qstats.inference.multiplicity import adjust_pvalues as adjust_pvalues
    from qstats.inference.negative_binomial import compare_overdispersed_rates as compare_overdispersed_rates
    from qstats.inference.ordinal.proportional_odds import ProportionalOdds as ProportionalOdds
    from qstats.inference.ordinal.proportional_odds import TermTest as TermTest
    from qstats.inference.ordinal.proportional_odds import proportional_odds as proportional_odds
    from qstats.inference.ordinal.scores import compare_ordinal as compare_ordinal
    from qstats.inference.ordinal.scores import compare_ordinal_counts as compare_ordinal_counts
    from qstats.inference.paired_proportions import compare_paired_proportions as compare_paired_proportions
    from qstats.inference.power.groups import mean_groups_power as mean_groups_power
    from qstats.inference.power.groups import mean_groups_sample_size as mean_groups_sample_size
    from qstats.inference.power.groups import proportion_groups_power as proportion_groups_power
    from qstats.inference.power.groups import proportion_groups_sample_size as proportion_groups_sample_size
    from qstats.inference.power.groups import rate_groups_power as rate_groups_power
    from qstats.inference.power.groups import rate_groups_sample_size as rate_groups_sample_size
    from qstats.inference.power.means import means_power as means_power
    from qstats.inference.power.means import means_sample_size as means_sample_size
    from qstats.inference.power.ordinal import ordinal_power as ordinal_power
    from qstats.inference.power.ordinal import ordinal_sample_size as ordinal_sample_size
    from qstats.inference.power.pairs import paired_means_power as paired_means_power
    from qstats.inference.power.pairs import paired_means_sample_size as paired_means_sample_size
    from qstats.inference.power.pairs import paired_proportions_power as paired_proportions_power
    from qstats.inference.power.pairs import paired_proportions_sample_size as paired_proportions_sample_size
    from qstats.inference.power.proportions import proportions_power as proportions_power
    from qstats.inference.power.proportions import proportions_sample_size as proportions_sample_size
    from qstats.inference.power.quantiles import quantiles_power as quantiles_power
    from qstats.inference.power.quantiles import quantiles_sample_size as quantiles_sample_size
    from qstats.inference.power.rates import rates_power as rates_power
    from qstats.inference.power.rates import rates_sample_size as rates_sample_size
    from qstats.inference.power.restricted import rmst_power as rmst_power
    from qstats.inference.power.restricted import rmst_sample_size as rmst_sample_size
    from qstats.inference.power.study_size import StudySize as StudySize
    from qstats.inference.power.times import logrank_power as logrank_power
    from qstats.inference.power.times import logrank_sample_size as logrank_sample_size
    from qstats.inference.power.times import times_power as times_power
    from qstats.inference.power.times import times_sample_size as times_sample_size
    from qstats.inference.proportion_estimates import estimate_proportion as estimate_proportion
    from qstats.inference.proportions import compare_proportions as compare_proportions
    from qstats.inference.rate_estimates import estimate_rate as estimate_rate
    from qstats.inference.rates import compare_rates as compare_rates
    from qstats.inference.rates import rate_pvalues as rate_pvalues
    from qstats.inference.rates import ratio_of_rate_ratios as ratio_of_rate_ratios
    from qstats.inference.series.interrupted import interrupted_series as interrupted_series
    from qstats.inference.series.means import interrupted_means as interrupted_means
    from qstats.inference.series.result import InterruptedSeries as InterruptedSeries
    from qstats.inference.times.logrank import LogRank as LogRank
    from qstats.inference.times.logrank import logrank as logrank
    from qstats.inference.times.quantiles import QuantileEstimate as QuantileEstimate
    from qstats.inference.times.quantiles import compare_quantiles as compare_quantiles
    from qstats.inference.times.quantiles import estimate_quantile as estimate_quantile
    from qstats.inference.times.survival import SurvivalCurve as SurvivalCurve
    from qstats.inference.times.survival import survival_curve as survival_curve
    from qstats.inference.times.times import compare_times as compare_times
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
    from qstats.voice.drivers.drivers import KeyDrivers as KeyDrivers
    from qstats.voice.drivers.drivers import key_drivers as key_drivers
    from qstats.voice.drivers.importance import ImportancePerformance as ImportancePerformance
    from qstats.voice.drivers.importance import importance_performance as importance_performance
    from qstats.voice.drivers.kano import kano as kano
    from qstats.voice.drivers.kano import kano_from_counts as kano_from_counts
    from qstats.voice.drivers.kano_result import Kano as Kano
    from qstats.voice.nps.compare import compare_nps as compare_nps
    from qstats.voice.nps.compare import compare_nps_counts as compare_nps_counts
    from qstats.voice.nps.groups import NpsGroups as NpsGroups
    from qstats.voice.nps.groups import compare_nps_groups as compare_nps_groups
    from qstats.voice.nps.one import nps as nps
    from qstats.voice.nps.one import nps_from_counts as nps_from_counts
    from qstats.voice.nps.power import nps_power as nps_power
    from qstats.voice.nps.randomised import nps_paired_test as nps_paired_test
    from qstats.voice.nps.randomised import nps_permutation_test as nps_permutation_test
    from qstats.voice.nps.result import Nps as Nps
    from qstats.voice.nps.result import NpsMany as NpsMany
    from qstats.voice.nps.result import NpsTable as NpsTable
    from qstats.voice.nps.result import NpsTest as NpsTest
    from qstats.voice.nps.size import NpsSampleSize as NpsSampleSize
    from qstats.voice.nps.size import nps_sample_size as nps_sample_size
    from qstats.voice.satisfaction.battery import battery as battery
    from qstats.voice.satisfaction.compare import compare_ces as compare_ces
    from qstats.voice.satisfaction.compare import compare_csat as compare_csat
    from qstats.voice.satisfaction.result import BatteryTable as BatteryTable
    from qstats.voice.satisfaction.result import Satisfaction as Satisfaction
    from qstats.voice.satisfaction.result import SatisfactionComparison as SatisfactionComparison
    from qstats.voice.satisfaction.result import SegmentTable as SegmentTable
    from qstats.voice.satisfaction.scores import ces as ces
    from qstats.voice.satisfaction.scores import csat as csat
    from qstats.voice.service.churn import Churn as Churn
    from qstats.voice.service.churn import ChurnTable as ChurnTable
    from qstats.voice.service.churn import churn as churn
    from qstats.voice.service.churn import compare_churn as compare_churn
    from qstats.voice.service.contact import FirstContact as FirstContact
    from qstats.voice.service.contact import compare_first_contact as compare_first_contact
    from qstats.voice.service.contact import first_contact_resolution as first_contact_resolution
    from qstats.voice.service.handling import handling_time as handling_time
    from qstats.voice.service.resolution import first_response as first_response
    from qstats.voice.service.resolution import resolution_time as resolution_time
    from qstats.voice.service.resolution_compare import TimeComparison as TimeComparison
    from qstats.voice.service.resolution_compare import compare_resolution_time as compare_resolution_time
    from qstats.voice.service.result import HandlingTime as HandlingTime
    from qstats.voice.service.result import ServiceTable as ServiceTable
    from qstats.voice.service.result import ServiceTime as ServiceTime
    from qstats.voice.service.shares import ShareTable as ShareTable
    from qstats.voice.service.sla import Attainment as Attainment
    from qstats.voice.service.sla import compare_sla as compare_sla
    from qstats.voice.service.sla import sla_attainment as sla_attainment


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'qstats' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
