"""A gauge against the truth: type 1 study, bias, linearity."""

from qstats.msa.bias.bias import BiasOfPart, GaugeBias, gauge_bias
from qstats.msa.bias.linearity import GaugeLinearity, gauge_linearity
from qstats.msa.bias.type1 import Type1Study, gauge_type1

__all__ = [
    "BiasOfPart",
    "GaugeBias",
    "GaugeLinearity",
    "Type1Study",
    "gauge_bias",
    "gauge_linearity",
    "gauge_type1",
]
