"""What the rules look at: one fit, which of its terms are active, and how texts name it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qstats.doe.advice.result import Step
from qstats.doe.contrasts.door import effects
from qstats.doe.contrasts.result import Effects
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError, DesignError

__all__ = ["Evidence", "gather"]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One fit and what its tests say.

    Parameters
    ----------
    fit : DesignFit
    name : str
        Of the response.
    text : str
        How a call names the fit.
    alpha : float
    active : tuple of str
        Terms with a p-value below `alpha`, or contrasts that stand out by Lenth's method where nothing is left for the
        error.
    smallest : float or None
        Smallest p-value of a term; None where nothing can be tested.
    contrasts : Effects or None
        Of a two-level experiment.
    """

    fit: DesignFit
    name: str
    text: str
    alpha: float
    active: tuple[str, ...]
    smallest: float | None
    contrasts: Effects | None

    @property
    def measured(self) -> int:
        """Runs with a result."""
        return int((~np.isnan(self.fit.y)).sum())

    @property
    def tested(self) -> bool:
        """Whether anything could be tested at all."""
        return self.smallest is not None

    def step(self, code: str, urgency: int, what: str, why: str, how: str, runs: int = 0) -> Step:
        """Return a step of this response, with the clock hours its runs take."""
        design = self.fit.design
        total = design.hours
        hours = runs * total / len(design) if total > 0.0 and runs else None
        return Step(code, urgency, (self.name,), what, why, how, runs, hours)

    def augmented(self, runs: int, model: str, *, apart: bool = True) -> str:
        """Return the call that adds runs for a model to the design, in a block of their own unless told not to."""
        design = f"{self.text}.design"
        more = f", whole_plots={runs}" if self.fit.design.split_plot else ", blocks=1" * apart
        return (
            f"doe.optimal({design}.factors, runs={len(self.fit.design) + runs}, model={model}, augment={design}"
            f"{more}, rng=1)"
        )


def gather(fit: DesignFit, name: str, text: str, alpha: float) -> Evidence:
    """Return the evidence of one fit."""
    contrasts = _contrasts(fit)
    labels = set(map(str, fit.model))
    rows = [r for r in fit.anova if r.source in labels and r.p is not None]
    tested = [(r.source, float(r.p)) for r in rows if r.p is not None and not math.isnan(r.p)]
    if not tested and contrasts is not None and contrasts.lenth is not None:
        p = contrasts.lenth.pvalue
        tested = list(zip(contrasts.labels, p.tolist(), strict=True))
    active = tuple(source for source, p in sorted(tested, key=lambda pair: pair[1]) if p < alpha)
    return Evidence(fit, name, text, alpha, active, min((p for _, p in tested), default=None), contrasts)


def _contrasts(fit: DesignFit) -> Effects | None:
    """Contrasts of a two-level experiment with a normal response; None of any other."""
    if fit.distribution != "normal" or fit.censored is not None or fit.design.split_plot:
        return None
    try:
        return effects(fit.design, np.asarray(fit.y))
    except (DesignError, DataError):
        return None
