"""Design and analysis of experiments: ``qstats.doe.NAME``; names load their module on first use."""

from importlib import import_module
from typing import Any

_HOME = {
    "qstats.doe.advice.door": ("next_step",),
    "qstats.doe.advice.result": ("Advice",),
    "qstats.doe.alias": ("AliasStructure", "alias_structure"),
    "qstats.doe.as_made": ("from_runs",),
    "qstats.doe.blends.door": ("mixture",),
    "qstats.doe.desirability.door": ("optimize",),
    "qstats.doe.desirability.result": ("Optimum",),
    "qstats.doe.compromise.tradeoff_door": ("tradeoff",),
    "qstats.doe.compromise.tradeoff_result": ("TradeOff",),
    "qstats.doe.confirming.compatible": ("PredictionCheck", "check_prediction"),
    "qstats.doe.confirming.door": ("confirm",),
    "qstats.doe.confirming.judging": ("ConfirmationVerdict",),
    "qstats.doe.confirming.plan": ("ConfirmationPlan",),
    "qstats.doe.contrasts.active": ("ActiveFactors", "active_factor_probabilities"),
    "qstats.doe.contrasts.detect": ("unreplicated_power",),
    "qstats.doe.contrasts.door": ("effects",),
    "qstats.doe.contrasts.margins": ("lenth",),
    "qstats.doe.contrasts.result": ("Effects", "Lenth", "UnreplicatedPower"),
    "qstats.doe.design": ("Design",),
    "qstats.doe.evaluation.compare": ("DesignComparison", "compare_designs"),
    "qstats.doe.evaluation.door": ("evaluate",),
    "qstats.doe.evaluation.result": ("DesignEvaluation",),
    "qstats.doe.evaluation.simulate": ("SimulatedPower", "simulate_power"),
    "qstats.doe.exchange.door": ("optimal",),
    "qstats.doe.factor": ("Factor",),
    "qstats.doe.factorial": ("full_factorial",),
    "qstats.doe.fitting.door": ("fit",),
    "qstats.doe.fitting.marginal": ("MarginalMeans", "marginal_means"),
    "qstats.doe.fitting.prediction": ("Prediction",),
    "qstats.doe.fitting.result": ("DesignFit",),
    "qstats.doe.fitting.choosing.selection": ("TermSelection", "select_terms"),
    "qstats.doe.fractions.door": ("fractional_factorial",),
    "qstats.doe.fractions.fold": ("fold_over",),
    "qstats.doe.screening.definitive": ("definitive_screening",),
    "qstats.doe.screening.orthogonal_array": ("orthogonal_array",),
    "qstats.doe.screening.plackett_burman": ("plackett_burman",),
    "qstats.doe.sheet": ("RunRecord", "read_run_sheet", "run_sheet"),
    "qstats.doe.space_filling.latin_hypercube": ("latin_hypercube",),
    "qstats.doe.space_filling.sequences": ("halton", "sobol"),
    "qstats.doe.spread.door": ("dispersion_effects",),
    "qstats.doe.spread.result": ("DispersionEffects",),
    "qstats.doe.surface.door": ("response_surface", "steepest_ascent"),
    "qstats.doe.surface.grid": ("SurfaceGrid", "surface_grid"),
    "qstats.doe.surface.path": ("AscentPath",),
    "qstats.doe.surface.profiles": ("Profile", "profiler"),
    "qstats.doe.surface.result": ("ResponseSurface",),
    "qstats.doe.surface_designs.box_behnken": ("box_behnken",),
    "qstats.doe.surface_designs.central_composite": ("axial_distance", "central_composite"),
    "qstats.doe.whole_plots": ("split_plot",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'qstats.doe' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
