"""Gauge R&R: repeatability and reproducibility of a measurement system."""

from qstats.msa.gauge.anova import AnovaTable
from qstats.msa.gauge.many import GaugeTable, gauge_rr_many
from qstats.msa.gauge.result import GaugeCells, GaugeComponent, GaugeStudy
from qstats.msa.gauge.study import gauge_rr
from qstats.msa.gauge.verdicts import GaugeVerdict

__all__ = [
    "AnovaTable",
    "GaugeCells",
    "GaugeComponent",
    "GaugeStudy",
    "GaugeTable",
    "GaugeVerdict",
    "gauge_rr",
    "gauge_rr_many",
]
