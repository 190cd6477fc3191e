"""What the measurement does to capability: wrong decisions, guard bands, gauge noise taken out, the gauge over time."""

from qstats.capability.measured.corrected import CorrectedCapability, corrected_capability
from qstats.capability.measured.guard_band import GuardBand, guard_band
from qstats.capability.measured.misclassification import Misclassification, misclassification
from qstats.capability.measured.stability import GaugeStability, gauge_stability

__all__ = [
    "CorrectedCapability",
    "GaugeStability",
    "GuardBand",
    "Misclassification",
    "corrected_capability",
    "gauge_stability",
    "guard_band",
    "misclassification",
]
