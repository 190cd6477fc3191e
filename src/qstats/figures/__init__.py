"""Pictures of results: matplotlib stands here and nowhere else.

``plot(result)`` draws any result that has a picture; ``result.plot()`` is the same. Nothing global is touched: settings
of matplotlib are as before, pyplot keeps no figure.
"""

from __future__ import annotations

from functools import singledispatch
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from qstats.capability.attribute import AttributeCapability
from qstats.capability.columns import CapabilityTable
from qstats.capability.compare import CapabilityComparison
from qstats.capability.nonnormal.result import NonnormalCapability
from qstats.capability.result import Capability
from qstats.doe.alias import AliasStructure
from qstats.doe.compromise.tradeoff_result import TradeOff
from qstats.doe.contrasts.result import Effects, Lenth
from qstats.doe.design import Design
from qstats.doe.desirability.result import Optimum
from qstats.doe.evaluation.result import DesignEvaluation
from qstats.doe.fitting.result import DesignFit
from qstats.doe.spread.result import DispersionEffects
from qstats.doe.surface.grid import SurfaceGrid
from qstats.doe.surface.path import AscentPath
from qstats.doe.surface.profiles import Profile
from qstats.doe.surface.result import ResponseSurface
from qstats.errors import DataError
from qstats.figures.capability.attribute import draw_attribute
from qstats.figures.capability.nonnormal import draw_nonnormal
from qstats.figures.capability.normal import draw_capability
from qstats.figures.capability.table import draw_capability_comparison, draw_capability_table
from qstats.figures.charts import draw_chart
from qstats.figures.comparison import draw_comparison
from qstats.figures.doe.aliases import draw_aliases
from qstats.figures.doe.design import draw_design
from qstats.figures.doe.effects import draw_dispersion, draw_effects, draw_lenth
from qstats.figures.doe.evaluation import draw_evaluation
from qstats.figures.doe.fit import draw_fit
from qstats.figures.doe.optimum import draw_optimum
from qstats.figures.doe.profile import draw_ascent, draw_profile
from qstats.figures.doe.surface import draw_grid, draw_response_surface
from qstats.figures.doe.tradeoff import draw_tradeoff
from qstats.figures.drivers import draw_importance_performance, draw_kano, draw_key_drivers
from qstats.figures.fishbone import draw_fishbone
from qstats.figures.funnel import draw_funnel
from qstats.figures.gauge.agreement import draw_agreement
from qstats.figures.gauge.linearity import draw_linearity
from qstats.figures.gauge.study import draw_gauge_study, draw_gauge_table
from qstats.figures.groups import draw_groups, draw_share_table
from qstats.figures.nps import draw_nps, draw_nps_table
from qstats.figures.output import svg_text, write_figure
from qstats.figures.pareto import draw_pareto, draw_pareto_change
from qstats.figures.satisfaction import draw_battery, draw_satisfaction, draw_segment_table
from qstats.figures.style import house_style
from qstats.figures.survival import (
    draw_churn,
    draw_churn_table,
    draw_service_table,
    draw_service_time,
    draw_survival,
)
from qstats.figures.units import draw_units
from qstats.figures.verify import draw_verdict
from qstats.improve.causes.tree import CauseTree
from qstats.improve.pareto.compare import ParetoComparison
from qstats.improve.pareto.table import ParetoTable
from qstats.improve.units.ranking import UnitRanking
from qstats.improve.verify.verdict import Verdict
from qstats.inference.comparison import Comparison
from qstats.inference.groups.result import GroupComparison
from qstats.inference.times.survival import SurvivalCurve
from qstats.msa.agreement.result import AgreementStudy
from qstats.msa.bias.linearity import GaugeLinearity
from qstats.msa.gauge.many import GaugeTable
from qstats.msa.gauge.result import GaugeStudy
from qstats.spc.chart import ControlChart
from qstats.spc.charts.funnel import Funnel
from qstats.voice.drivers.drivers import KeyDrivers
from qstats.voice.drivers.importance import ImportancePerformance
from qstats.voice.drivers.kano_result import Kano
from qstats.voice.nps.result import Nps, NpsTable
from qstats.voice.satisfaction.result import BatteryTable, Satisfaction, SegmentTable
from qstats.voice.service.churn import Churn, ChurnTable
from qstats.voice.service.result import ServiceTable, ServiceTime
from qstats.voice.service.shares import ShareTable

__all__ = ["can_plot", "figure_svg", "house_style", "plot", "save_figure"]


@singledispatch
def plot(result: Any, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw a result and return the Axes it stands on.

    Use it on any chart, Pareto table, comparison or verdict; as the last line of a notebook cell it shows itself. In a
    script, write it with `save_figure`, or pass an Axes of your own figure. A package of yours can add pictures of its
    results: ``plot.register(MyResult)(draw)``.

    Parameters
    ----------
    result : ControlChart, ParetoTable, Comparison, Verdict, Capability, GaugeStudy ...
    ax : matplotlib Axes, optional
        Where to draw; a new figure otherwise. A figure of several panels draws its first one, or ``panel=``, there.
    **style
        ``lang="en"|"zh"`` and ``title=``; charts, capability and gauge studies also take ``panel=``.

    Raises
    ------
    DataError
        The result has no picture.

    Examples
    --------
    >>> import qstats
    >>> ax = qstats.plot(qstats.compare_rates(12, 100, 30, 100))
    >>> ax.get_xscale()
    'log'
    """
    known = ", ".join(sorted(t.__name__ for t in plot.registry if t is not object))
    raise DataError(f"result: got a {type(result).__name__}; there is a figure for {known}")


plot.register(ControlChart)(draw_chart)
plot.register(Funnel)(draw_funnel)
plot.register(ParetoTable)(draw_pareto)
plot.register(ParetoComparison)(draw_pareto_change)
plot.register(Comparison)(draw_comparison)
plot.register(Verdict)(draw_verdict)
plot.register(CauseTree)(draw_fishbone)
plot.register(Nps)(draw_nps)
plot.register(NpsTable)(draw_nps_table)
plot.register(SurvivalCurve)(draw_survival)
plot.register(ServiceTime)(draw_service_time)
plot.register(ServiceTable)(draw_service_table)
plot.register(Churn)(draw_churn)
plot.register(ChurnTable)(draw_churn_table)
plot.register(ShareTable)(draw_share_table)
plot.register(GroupComparison)(draw_groups)
plot.register(Satisfaction)(draw_satisfaction)
plot.register(SegmentTable)(draw_segment_table)
plot.register(BatteryTable)(draw_battery)
plot.register(KeyDrivers)(draw_key_drivers)
plot.register(ImportancePerformance)(draw_importance_performance)
plot.register(Kano)(draw_kano)
plot.register(AliasStructure)(draw_aliases)
plot.register(Design)(draw_design)
plot.register(DesignEvaluation)(draw_evaluation)
plot.register(DesignFit)(draw_fit)
plot.register(DispersionEffects)(draw_dispersion)
plot.register(Effects)(draw_effects)
plot.register(Lenth)(draw_lenth)
plot.register(AscentPath)(draw_ascent)
plot.register(Optimum)(draw_optimum)
plot.register(Profile)(draw_profile)
plot.register(ResponseSurface)(draw_response_surface)
plot.register(SurfaceGrid)(draw_grid)
plot.register(TradeOff)(draw_tradeoff)
plot.register(UnitRanking)(draw_units)
plot.register(Capability)(draw_capability)
plot.register(NonnormalCapability)(draw_nonnormal)
plot.register(AttributeCapability)(draw_attribute)
plot.register(CapabilityTable)(draw_capability_table)
plot.register(CapabilityComparison)(draw_capability_comparison)
plot.register(AgreementStudy)(draw_agreement)
plot.register(GaugeLinearity)(draw_linearity)
plot.register(GaugeStudy)(draw_gauge_study)
plot.register(GaugeTable)(draw_gauge_table)


def can_plot(result: object) -> bool:
    """Return whether `plot` has a picture for this result."""
    return plot.dispatch(type(result)) is not plot.dispatch(object)


def figure_svg(result: Any, *, lang: str = "en", **style: Any) -> str:
    """Return the figure of a result as one ``<svg>`` element to put into a page.

    Text is text (searchable, in the reader's fonts), user text is escaped, nothing is loaded from outside, ids are
    unique to the figure, and the same result gives the same bytes.

    Parameters
    ----------
    result : result with a figure
    lang : {"en", "zh"}
    **style
        As for `plot`.
    """
    ax = plot(result, lang=lang, **style)
    figure: Any = ax.figure
    return svg_text(figure, description=figure.get_suptitle() or ax.get_title(loc="left"))


def save_figure(result: Any, path: str | Path, **style: Any) -> Path:
    """Write the figure of a result to a file; the ending says how: ``.svg`` (text stays text) or ``.png``.

    Parameters
    ----------
    result : result with a figure
    path : str or pathlib.Path
    **style
        As for `plot`.

    Returns
    -------
    pathlib.Path
        Where it was written.

    Raises
    ------
    DataError
        Another ending, or a result without a figure.
    """
    return write_figure(plot(result, **style).figure, path)
