"""Rules on what the model leaves open: aliases, curvature, lack of fit, and where its optimum lies."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from qstats.doe.advice.evidence import Evidence
from qstats.doe.advice.result import Step
from qstats.doe.exchange.basis import Basis
from qstats.doe.fractions.fold import fold_over
from qstats.doe.grammar import as_model
from qstats.doe.surface.door import response_surface
from qstats.errors import DataError, DesignError, FormulaError

__all__ = ["aliased", "climb", "curvature", "lack_of_fit", "stationary"]

_NARROW = (3, 10)  # confirmation runs: fewer show no scatter, more hardly narrow the comparison
_POWERS = {"square root": "0.5", "reciprocal": "-1.0", "reciprocal square root": "-0.5", "square": "2.0"}


def aliased(e: Evidence) -> Step | None:
    """Active contrasts that are sums of effects are taken apart by a fold-over, or by runs for all their members."""
    if e.contrasts is None:
        return None
    significant = {label for label, s in zip(e.contrasts.labels, e.contrasts.significant, strict=True) if s}
    chains = [
        c for n, c in zip(e.contrasts.labels, e.contrasts.aliases, strict=True) if n in significant and " = " in c
    ]
    if not chains:
        return None
    members = [part.strip().lstrip("-") for chain in chains for part in chain.split(" = ")]
    main = [m for m in members if ":" not in m]
    what, how, runs = _apart(e, members, bool(main))
    return e.step(
        "aliased", 3, what,
        f"significant, but sums of effects that these runs cannot tell apart: {'; '.join(chains[:4])}", how, runs,
    )  # fmt: skip


def _apart(e: Evidence, members: list[str], main: bool) -> tuple[str, str, int]:
    """The cheapest of semifold, fold-over and optimal runs under which all members can be estimated."""
    design, d = e.fit.design, f"{e.text}.design"
    terms = [*map(str, e.fit.model), *(f"`{f.name}`" for f in design.factors), *members]
    try:
        model = as_model([t for t in dict.fromkeys(terms) if t != "1"], design.factors)
    except FormulaError:
        model = e.fit.model
    shown = " + ".join(t for t in map(str, model) if t != "1")
    options: list[tuple[str, dict[str, Any], str]] = []
    names = [f.name for f in design.factors if any(_names(m, f.name) for m in members)]
    if main:
        options.append(("all signs", {}, f"doe.fold_over({d}, rng=1)"))
    else:
        for semi, name in itertools.product((True, False), names):
            more = ", semi=True" if semi else ""
            options.append((name, {"on": name, "semi": semi}, f"doe.fold_over({d}, on={name!r}{more}, rng=1)"))
    for turned, given, how in options:
        try:
            folded = fold_over(design, rng=1, **given)
        except DesignError:
            continue
        if main or _estimable(model, folded):
            kind = "semifold" if given.get("semi") else "fold over"
            return f"{kind} on {turned}", how, len(folded) - len(design)
    x = Basis(model, design.factors).rows(np.asarray(design.coded))
    need = x.shape[1] - int(np.linalg.matrix_rank(x)) + 2  # one for the block, one to spare
    return "add runs that take the chains apart", e.augmented(need, repr(shown)), need


def _names(member: str, name: str) -> bool:
    return name in [part.strip("`") for part in member.split(":")]


def _estimable(model: Any, design: Any) -> bool:
    x = Basis(model, design.factors).rows(np.asarray(design.coded))
    block = (np.asarray(design.block)[:, None] == np.unique(design.block)[1:]).astype(np.float64)
    both = np.concatenate([x, block], axis=1)
    return bool(int(np.linalg.matrix_rank(both)) == both.shape[1])


def _squares(e: Evidence) -> bool:
    return any(p.power == 2 for term in e.fit.model for p in term.parts)


def curvature(e: Evidence) -> Step | None:
    """The middle lies off the corners: star runs let squares be estimated."""
    c = e.fit.curvature
    if c is None or not c.p < e.alpha:
        return None
    why = (
        f"the centre points lie {abs(c.difference):.4g} {'below' if c.difference > 0.0 else 'above'} the plane of the"
        f" corners (t = {c.t:.3g}, p = {c.p:.3g})"
    )
    k = len(e.fit.design.factors)
    runs = 2 * k + 2
    return e.step(
        "curvature", 3, f"add {runs} runs that let the squares be estimated, as a star does", why,
        e.augmented(runs, '"quadratic"'), runs,
    )  # fmt: skip


def lack_of_fit(e: Evidence) -> Step | None:
    """The model misses more than repeated runs scatter: another scale of the response, or a higher order."""
    lack = e.fit.lack_of_fit
    bent = e.fit.curvature
    if lack is None or lack.p is None or not lack.p < e.alpha or (bent is not None and bent.p < e.alpha):
        return None
    why = f"lack of fit F = {lack.f:.3g} on {lack.df} and {lack.df_pure} df, p = {lack.p:.3g}"
    scale = e.fit.box_cox() if e.fit.distribution == "normal" else None
    if scale is not None and scale.recommendation not in ("none", "power"):
        why += f"; the {scale.recommendation} suits better (power {scale.power:.3g} {scale.interval})"
        name = f", name={e.name!r}"
        if scale.recommendation == "log":
            how = f'doe.fit({e.text}.design, {e.text}.y, model={e.text}.model, distribution="lognormal"{name})'
        else:
            power = _POWERS[scale.recommendation]
            how = f"doe.fit({e.text}.design, {e.text}.y ** {power}, model={e.text}.model{name})"
        return e.step("lack-of-fit", 3, f"fit the {scale.recommendation} of the response", why, how)
    model, names = _higher(e)
    if model is None:
        return e.step(
            "lack-of-fit", 3, "narrow the ranges, or spread runs over the region for a model of another kind", why,
            f"doe.latin_hypercube({e.text}.design.factors, runs={5 * len(e.fit.design.factors)}, rng=1)",
            5 * len(e.fit.design.factors),
        )  # fmt: skip
    runs = max(2, names - e.measured + 2, (names - len(e.fit.labels) + 1) // 2)
    return e.step("lack-of-fit", 3, "add runs for a model of the next order", why, e.augmented(runs, model), runs)


def _higher(e: Evidence) -> tuple[str | None, int]:
    """The next named model that holds more than this one, and how many columns it has."""
    have = set(map(str, e.fit.model))
    for name in ("interactions", "quadratic"):
        model = as_model(name, e.fit.design.factors)
        if set(map(str, model)) - have:
            return f'"{name}"', len(Basis(model, e.fit.design.factors).labels)
    return None, 0


def climb(e: Evidence) -> Step | None:
    """A plane without curvature and with slopes: go along it."""
    bent, f = e.fit.curvature, e.fit
    if bent is None or bent.p < e.alpha or _squares(e) or not e.active:
        return None
    names = [
        g.name for g in f.design.factors if g.kind == "continuous" and f"{g.name}" in {a.strip("`") for a in e.active}
    ]
    if not names:
        return None
    return e.step(
        "climb", 4, "run settings along the way on which the response changes fastest, until it no longer improves",
        f"{', '.join(names)} active and no curvature (p = {bent.p:.3g}): the optimum lies outside",
        *_path(e),
    )  # fmt: skip


def _path(e: Evidence, steps: int = 5, down: bool = False) -> tuple[str, int]:
    return f"doe.steepest_ascent({e.text}, steps={steps}{', descent=True' if down else ''})", steps


def stationary(e: Evidence) -> Step | None:
    """A quadratic with its stationary point outside leads there; one inside is to be confirmed."""
    if not _squares(e) or not e.active:
        return None
    try:
        found = response_surface(e.fit)
    except (DataError, FormulaError, DesignError, np.linalg.LinAlgError):
        return None
    at = ", ".join(f"{name} {value:.4g}" for name, value in found.stationary.items())
    if found.nature not in ("maximum", "minimum"):
        return e.step(
            "no-optimum-inside", 4, "follow the best responses on growing distances from the centre",
            f"the stationary point ({at}) is a {found.nature}, so there is no optimum of {e.name} by itself", *_path(e),
        )  # fmt: skip
    if not found.inside:
        return e.step(
            "stationary-outside", 4, f"run settings along the ridge towards the {found.nature}, then a design there",
            f"the {found.nature} is expected at {at}, outside the region of the runs",
            *_path(e, down=found.nature == "minimum"),
        )  # fmt: skip
    return _inside(e, found, at)


def _inside(e: Evidence, found: Any, at: str) -> Step | None:
    settings = dict(found.stationary)
    coded = np.zeros((1, len(e.fit.design.factors)))
    for name, value in zip(found.factors, found.coded.tolist(), strict=True):
        coded[0, e.fit.design.names.index(name)] = value
    se = float(e.fit.fitted.standard_errors(e.fit.rows(coded))[0])
    ratio = e.fit.sigma / se if se > 0.0 and math.isfinite(e.fit.sigma) else 0.0
    n = int(min(max(math.ceil(min(ratio, 1e3) ** 2), _NARROW[0]), _NARROW[1]))
    if found.averaged or len(settings) < len(e.fit.design.factors):
        return e.step(
            "optimum-inside", 5, "say what is wanted and look for the best setting of all factors",
            f"the {found.nature} is expected at {at}, inside the region",
            f"doe.optimize({e.text}, goals={{{e.name!r}: {'max' if found.nature == 'maximum' else 'min'!r}}}, rng=1)",
        )  # fmt: skip
    return e.step(
        "optimum-inside", 5, f"confirm the {found.nature} with {n} runs at {at}",
        f"it lies inside; {found.predicted:.4g} {found.interval} is expected, and the mean of {n} runs is known"
        " about as well", f"{e.text}.predict({settings!r})", n,
    )  # fmt: skip
