"""Result of non-normal capability: indices under the chosen fit, and under every other that is adequate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from qstats._core.notes import Note
from qstats._core.result import Result
from qstats._core.spec import Spec
from qstats.capability.nonnormal.fitted import FittedDistribution
from qstats.capability.nonnormal.normality import NormalityTests
from qstats.capability.result import Ppm
from qstats.inference.estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FamilyCapability", "NonnormalCapability"]

_SHOWN = ("pp", "ppl", "ppu", "ppk", "z_ppl", "z_ppu", "z_ppk", "z_bench")


@dataclass(frozen=True, slots=True, eq=False)
class FamilyCapability:
    """Indices under one fit.

    Parameters
    ----------
    family, label : str
    adequate, chosen : bool
    pvalue, aicc : float or None
        As in the fit.
    indices : mapping of str to Estimate
        ``pp, ppl, ppu, ppk`` by percentiles, ``z_ppl, z_ppu, z_ppk, z_bench`` by tails, ``ppm_below, ppm_above,
        ppm_total``; those that exist.
    resampling : {"parametric", "nonparametric"}
        From the fitted distribution, or from the data where the fit is not adequate.
    failed : int
        Resamples that could not be fitted.
    """

    family: str
    label: str
    adequate: bool
    chosen: bool
    pvalue: float | None
    aicc: float | None
    indices: Mapping[str, Estimate]
    resampling: str
    failed: int


def _text(e: Estimate) -> str:
    return f"{e.estimate:.4g} {e.interval}"


@dataclass(frozen=True, slots=True, eq=False)
class NonnormalCapability(Result):
    """Overall capability of data that need not be normal.

    Parameters
    ----------
    pp, ppl, ppu : Estimate or None
        By percentiles: specifications against the 0.135 %, 50 % and 99.865 % points of the fitted distribution. None
        where a side has no specification.
    ppk : Estimate
        The lesser of the two, or the only one.
    z_ppl, z_ppu : Estimate or None
        By tails: a third of the standard normal value that has the fitted fraction beyond it. Infinite where the fit
        has nothing there.
    z_ppk, z_bench : Estimate
        The lesser of the two; and the standard normal value (not a third of it) for both tails together.
    expected_ppm, observed_ppm : Ppm
        By the survival functions of the fit; and counted, with exact limits.
    percentiles : tuple of float
        The three points, in the unit of the data.
    leads : {"percentile", "z"}
        Which kind of index `index` is.
    chosen : FittedDistribution
    fits : tuple of FittedDistribution
        Every family tried, in order, also those that could not be fitted, with the reason.
    alternatives : tuple of FamilyCapability
        Indices under each adequate fit, and under the chosen one.
    normality : NormalityTests
    spec : Spec
    n : int
    confidence : float
    resamples, failed : int
        Resamples of each fit, and how many of the chosen one could not be fitted.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.nonnormal_capability/1"
    title: ClassVar[str] = "Capability without assuming normality"

    pp: Estimate | None
    ppl: Estimate | None
    ppu: Estimate | None
    ppk: Estimate
    z_ppl: Estimate | None
    z_ppu: Estimate | None
    z_ppk: Estimate
    z_bench: Estimate
    expected_ppm: Ppm
    observed_ppm: Ppm
    percentiles: tuple[float, float, float]
    leads: str
    chosen: FittedDistribution
    fits: tuple[FittedDistribution, ...]
    alternatives: tuple[FamilyCapability, ...]
    normality: NormalityTests
    spec: Spec
    n: int
    confidence: float
    resamples: int
    failed: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def index(self) -> Estimate:
        """Ppk of the kind that leads."""
        return self.ppk if self.leads == "percentile" else self.z_ppk

    def fit(self, family: str) -> FittedDistribution:
        """Return the fit of one of the families tried."""
        from qstats._core.checks import check_choice

        check_choice(family, "family", [f.family for f in self.fits])
        return next(f for f in self.fits if f.family == family)

    def table(self) -> pd.DataFrame:
        """Return Ppk under each adequate fit, both kinds with intervals: how much the choice matters."""
        return self.to_frame()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("specification", str(self.spec)),
            ("values", f"{self.n}"),
            ("distribution", self.chosen.label),
        ]
        named = {name: getattr(self, name) for name in _SHOWN}
        by = {"percentile": [n for n in _SHOWN if not n.startswith("z")], "z": [n for n in _SHOWN if n.startswith("z")]}
        order = ("percentile", "z") if self.leads == "percentile" else ("z", "percentile")
        rows += [(_name(n), _text(e)) for kind in order for n in by[kind] if (e := named[n]) is not None]
        rows += [("expected ppm", _text(self.expected_ppm.total)), ("observed ppm", _text(self.observed_ppm.total))]
        for other in self.alternatives:
            if not other.chosen:
                both = f"{_text(other.indices['ppk'])}, by tails {_text(other.indices['z_ppk'])}"
                rows.append((f"Ppk if {other.label}", both))
        rows += [(f"{f.label}", f"not fitted: {f.reason}") for f in self.fits if not f.fitted]
        rows += [("confidence of each interval", f"{self.confidence:.4g}"), ("method", self.method)]
        return [*rows, ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        shown = self.alternatives
        out: dict[str, Any] = {
            "family": [a.family for a in shown],
            "adequate": [a.adequate for a in shown],
            "chosen": [a.chosen for a in shown],
            "pvalue": [a.pvalue for a in shown],
            "aicc": [a.aicc for a in shown],
        }
        for name in ("ppk", "z_ppk", "ppm_total"):
            each = [a.indices[name] for a in shown]
            out |= {
                name: [e.estimate for e in each],
                f"{name}_low": [e.interval.low for e in each],
                f"{name}_high": [e.interval.high for e in each],
            }
        return out


def _name(index: str) -> str:
    if index == "z_bench":
        return "Z.bench"
    return f"{index[2:].capitalize()} by tails" if index.startswith("z_") else f"{index.capitalize()} by percentiles"
