"""The result of a gauge R&R study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result
from qstats._core.spec import Spec
from qstats.inference.estimate import Estimate
from qstats.msa.gauge.anova import AnovaTable
from qstats.msa.gauge.door import IntArray
from qstats.msa.gauge.verdicts import GaugeVerdict

__all__ = ["GaugeCells", "GaugeComponent", "GaugeStudy"]


@dataclass(frozen=True, slots=True, eq=False)
class GaugeComponent:
    """One source of variation, each number with its interval.

    Parameters
    ----------
    name : str
    variance : Estimate
        Unit of the data squared; never below zero.
    raw : float
        The same before it was cut off at zero.
    sd, study_variation : Estimate
        Unit of the data; the latter is the multiplier times `sd`.
    percent_contribution : Estimate
        Of the total variance; these add up.
    percent_study : Estimate
        Of the total standard deviation; these do not add up.
    percent_tolerance, percent_process : Estimate or None
        Of the tolerance and of the historical process spread; None where that was not given.
    """

    name: str
    variance: Estimate
    raw: float
    sd: Estimate
    study_variation: Estimate
    percent_contribution: Estimate
    percent_study: Estimate
    percent_tolerance: Estimate | None
    percent_process: Estimate | None


@dataclass(frozen=True, slots=True, eq=False)
class GaugeCells:
    """What the six pictures of a study are drawn from.

    Parameters
    ----------
    part_labels, operator_labels : tuple of str
    count, mean, range : ndarray, shape (parts, operators)
        Of each cell; mean and range are NaN where it is empty.
    part_mean : ndarray, shape (parts,)
    operator_mean : ndarray, shape (operators,)
    values : ndarray, shape (n,), or None
        The measurements, in the order they came; None above 5000.
    part, operator : ndarray, shape (n,), or None
        Their part and operator, as positions in the labels.
    """

    part_labels: tuple[str, ...]
    operator_labels: tuple[str, ...]
    count: FloatArray
    mean: FloatArray
    range: FloatArray
    part_mean: FloatArray
    operator_mean: FloatArray
    values: FloatArray | None
    part: IntArray | None
    operator: IntArray | None


def _shown(e: Estimate, digits: str = ".4g") -> str:
    return f"{e.estimate:{digits}} ({e.interval.low:{digits}}, {e.interval.high:{digits}})"


@dataclass(frozen=True, slots=True, eq=False)
class GaugeStudy(Result):
    """A gauge R&R study: where the variation of the measured values comes from, and whether the gauge will do.

    Parameters
    ----------
    design : {"crossed", "nested", "expanded"}
    components : mapping of str to GaugeComponent
        ``"repeatability"``, ``"reproducibility"``, ``"operator"``, ``"interaction"`` (part x operator; absent when
        pooled), further factors, ``"gauge_rr"``, ``"part"``, ``"total"``. Sources the study cannot see are absent.
    ndc : float
        ``sqrt(2) PV / GRR``, not cut off; infinite where the gauge shows no variation.
    ndc_interval : Interval
    ndc_truncated : int or None
        ``max(1, floor(1.41 PV / GRR))``, as forms print it; None where `ndc` is infinite.
    anova : mapping of str to AnovaTable
        ``"with_interaction"`` and ``"without_interaction"``, ``"nested"``, or ``"one_operator"``; empty where the data
        are not balanced or the ranges were used.
    interaction_pvalue : float or None
        Of part x operator.
    pooled : bool
        Whether the interaction was put into the repeatability.
    pooling : str
        Why, or why not.
    icc, icc_without_bias : Estimate
        Share of the measured variance that comes from the parts, 0 to 1; the second with one and the same operator.
    probable_error : float
        0.6745 standard deviations of repeatability: half of all repeats are that close to their mean. Unit of the data.
    increment : float
        Smallest gap between two different measurements. Unit of the data.
    effective_resolution : float
        The larger of these two.
    verdicts : tuple of GaugeVerdict
        AIAG and Wheeler's EMP, side by side.
    multiplier : float
        Standard deviations in a study variation.
    tolerance : float or None
        What 100 % of the tolerance is: the width, or for one limit its distance from the mean.
    tolerance_multiplier : float or None
        Standard deviations set against it: half of `multiplier` for one limit.
    spec : Spec or None
    sigma_process : float or None
    mean : float
        Of all measurements.
    n : int
    cells : GaugeCells
    confidence : float
    interval_method : str
    resamples : int
        Draws behind the intervals; 0 where none.
    convention : str or None
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.gauge_study/1"
    title: ClassVar[str] = "Gauge R&R"

    design: str
    components: FrozenMapping[str, GaugeComponent]
    ndc: float
    ndc_interval: Interval
    ndc_truncated: int | None
    anova: FrozenMapping[str, AnovaTable]
    interaction_pvalue: float | None
    pooled: bool
    pooling: str
    icc: Estimate
    icc_without_bias: Estimate
    probable_error: float
    increment: float
    effective_resolution: float
    verdicts: tuple[GaugeVerdict, ...]
    multiplier: float
    tolerance: float | None
    tolerance_multiplier: float | None
    spec: Spec | None
    sigma_process: float | None
    mean: float
    n: int
    cells: GaugeCells
    confidence: float
    interval_method: str
    resamples: int
    convention: str | None
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _values(self, field: str) -> FrozenMapping[str, float]:
        found = {name: getattr(c, field) for name, c in self.components.items()}
        return FrozenMapping({name: e.estimate for name, e in found.items() if e is not None})

    @property
    def variance(self) -> FrozenMapping[str, float]:
        """Component -> variance, in the unit of the data squared."""
        return self._values("variance")

    @property
    def sd(self) -> FrozenMapping[str, float]:
        """Component -> standard deviation, in the unit of the data."""
        return self._values("sd")

    @property
    def percent_contribution(self) -> FrozenMapping[str, float]:
        """Component -> per cent of the total variance."""
        return self._values("percent_contribution")

    @property
    def percent_study(self) -> FrozenMapping[str, float]:
        """Component -> per cent of the total standard deviation."""
        return self._values("percent_study")

    @property
    def percent_tolerance(self) -> FrozenMapping[str, float] | None:
        """Component -> per cent of the tolerance; None without one."""
        return None if self.tolerance is None else self._values("percent_tolerance")

    @property
    def percent_process(self) -> FrozenMapping[str, float] | None:
        """Component -> per cent of the historical process spread; None without one."""
        return None if self.sigma_process is None else self._values("percent_process")

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON-safe values, with the name and version of the schema, and the plain mappings."""
        held = Result.to_dict(self)
        for name in ("variance", "percent_contribution", "percent_study", "percent_tolerance", "percent_process"):
            values = getattr(self, name)
            held[name] = None if values is None else dict(values)
        return held

    def _rows(self) -> list[tuple[str, str]]:
        c = self.cells
        rows = [
            (
                "design",
                f"{self.design}: {len(c.part_labels)} parts, {len(c.operator_labels)} operators, {self.n} values",
            )
        ]
        for name, part in self.components.items():
            text = f"sd {_shown(part.sd)}  contribution {_shown(part.percent_contribution, '.3g')} %"
            text += f"  study {_shown(part.percent_study, '.3g')} %"
            if part.percent_tolerance is not None:
                text += f"  tolerance {_shown(part.percent_tolerance, '.3g')} %"
            if part.percent_process is not None:
                text += f"  process {_shown(part.percent_process, '.3g')} %"
            rows.append((name.replace("_", " "), text))
        cut = "" if self.ndc_truncated is None else f", as forms print it {self.ndc_truncated}"
        rows.append(("distinct categories", f"{self.ndc:.3g} {self.ndc_interval}{cut}"))
        rows.append(("interaction", self.pooling))
        rows.append(
            ("probable error", f"{self.probable_error:.4g}; effective resolution {self.effective_resolution:.4g}")
        )
        rows += [(f"{v.system} {v.criterion.replace('_', ' ')}", v.message) for v in self.verdicts]
        rows.append(("confidence of each interval", f"{self.confidence:.0%}, {self.interval_method}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        parts = list(self.components.values())
        columns: dict[str, object] = {"source": [c.name for c in parts]}
        for field in (
            "variance",
            "sd",
            "study_variation",
            "percent_contribution",
            "percent_study",
            "percent_tolerance",
            "percent_process",
        ):
            found = [getattr(c, field) for c in parts]
            if found[0] is None:
                continue
            columns[field] = [e.estimate for e in found]
            columns[f"{field}_low"] = [e.interval.low for e in found]
            columns[f"{field}_high"] = [e.interval.high for e in found]
        return columns
