"""How probable it is that each factor of a screening experiment does anything: `active_factor_probabilities`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.doe.contrasts.columns import two_level_signs
from qstats.doe.contrasts.repeats import block_indicators
from qstats.doe.observed import observed
from qstats.errors import DataError, DesignError, TooFewData

__all__ = ["ActiveFactors", "active_factor_probabilities"]

_MOST = 200_000
_SHOWN = 20
_REFERENCE = "Box and Meyer 1993, Journal of Quality Technology 25, 94-105"


@dataclass(frozen=True, slots=True, eq=False)
class ActiveFactors(Result):
    """Posterior probabilities that factors are active.

    Parameters
    ----------
    response : str
    labels : tuple of str, length k
        Factors.
    probability : ndarray, shape (k,)
        That the factor is active, by itself or in an interaction.
    none : float
        Probability that no factor is.
    models : tuple of tuple of str
        The most probable sets of active factors, at most 20.
    model_probability : ndarray
        Theirs.
    prior, gamma : float
        Prior probability of a factor to be active; size of its effects against the noise.
    order : int
        Interactions of up to this many active factors were taken to act.
    sets : int
        How many sets of active factors were weighed.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.active_factors/1"
    title: ClassVar[str] = "Probabilities that factors are active"

    response: str
    labels: tuple[str, ...]
    probability: FloatArray
    none: float
    models: tuple[tuple[str, ...], ...]
    model_probability: FloatArray
    prior: float
    gamma: float
    order: int
    sets: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        order = np.argsort(-self.probability, kind="stable").tolist()
        rows = [(self.labels[i], f"{self.probability[i]:.3f}") for i in order]
        rows.append(("none", f"{self.none:.3f}"))
        for names, p in list(zip(self.models, self.model_probability.tolist(), strict=True))[:5]:
            rows.append(("set", f"{', '.join(names) or 'none'}: {p:.3f}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {"factor": list(self.labels), "probability": self.probability}


def active_factor_probabilities(
    design: Any,
    response: Any,
    *,
    order: int = 3,
    prior: float = 0.25,
    gamma: float = 2.0,
    most_active: int | None = None,
    name: str | None = None,
) -> ActiveFactors:
    r"""Tell how probable it is that each factor of a screening experiment does anything at all.

    Use it on Plackett-Burman and other experiments whose main effects are partly mixed with interactions: it weighs
    every set of factors, with all their interactions, against the results. Where two sets explain the results
    equally well, it says so, and a few more runs can tell them apart. Look at several `gamma` before deciding.

    Parameters
    ----------
    design : Design or RunRecord
    response : array-like of shape (n,), or str
        As in `effects`.
    order : int
        Interactions of up to this many active factors act.
    prior : float
        Probability of a factor to be active, before the results.
    gamma : float
        Standard deviation of an active coefficient in units of the noise.
    most_active : int, optional
        Sets of up to this many factors are weighed; unsaid, of all.
    name : str, optional
        What a response is called that comes as an array; a record and a pandas Series bring a name.

    Returns
    -------
    ActiveFactors

    Raises
    ------
    DesignError
        A factor has no two levels, or too many sets.
    DataError
        An argument out of range, or results that are all equal.

    Notes
    -----
    A set with f factors and t effects in columns Z, the mean and blocks taken out of Z and y, has posterior
    probability in proportion to :math:`(\pi/(1-\pi))^f \gamma^{-t} |Z'Z + I/\gamma^2|^{-1/2} (S/S_0)^{-(n-b)/2}` with
    :math:`S = y'y - y'Z(Z'Z + I/\gamma^2)^{-1}Z'y`, :math:`S_0 = y'y` and b blocks.

    References
    ----------
    Box and Meyer (1993), Journal of Quality Technology 25(2), 94-105.

    Examples
    --------
    >>> from qstats.doe import fractional_factorial
    >>> from qstats.doe.contrasts.active import active_factor_probabilities
    >>> held = active_factor_probabilities(fractional_factorial(3, runs=8, rng=1), [67, 79, 61, 75, 59, 90, 52, 87])
    >>> held.models[0]
    ('A',)
    """
    held = observed(design, response, name)
    k = len(held.design.factors)
    top = _whole(order, "order", k)
    most = k if most_active is None else _whole(most_active, "most_active", k)
    pi = check_number(prior, "prior", above=0.0, below=1.0)
    size = check_number(gamma, "gamma", above=0.0)
    if (count := sum(math.comb(k, f) for f in range(most + 1))) > _MOST:
        raise DesignError(f"most_active: {count} sets of up to {most} of {k} factors; at most {_MOST}: pass fewer")
    rows = held.present & ~held.center
    signs = two_level_signs(held)[held.present[~held.center]]
    if not rows.any():
        raise TooFewData("response: no factorial run has a result")
    member = block_indicators(np.asarray(held.design.block[rows]))
    y = _centred(held.y[rows] - held.y[rows].mean(), member)
    if float(np.abs(y).max(initial=0.0)) <= 1e-12 * float(np.ptp(held.y[rows])) or not float(np.ptp(held.y[rows])) > 0:
        raise DataError("response: all results are equal (but for blocks); nothing can be told")
    sets, weight = _weights(signs, member, y, (top, most, pi, size))
    p = np.exp(weight - weight.max())
    p /= p.sum()
    best = np.argsort(-p, kind="stable")[:_SHOWN].tolist()
    names = held.design.names
    inside = np.array([[j in some for j in range(k)] for some in sets], dtype=np.float64)
    return ActiveFactors(
        response=held.name, labels=names, probability=frozen_array(p @ inside), none=float(p[0]),
        models=tuple(tuple(names[j] for j in sets[i]) for i in best), model_probability=frozen_array(p[best]),
        prior=pi, gamma=size, order=top, sets=len(sets), method="posterior over all sets of active factors",
        reference=_REFERENCE,
    )  # fmt: skip


def _whole(value: object, name: str, most: int) -> int:
    number = check_number(value, name, least=1)
    if number != int(number):
        raise DataError(f"{name}: got {number:g}; a whole number is wanted")
    return min(int(number), most)


def _centred(x: FloatArray, member: FloatArray) -> FloatArray:
    """Take block means out."""
    count = member.sum(axis=0)
    means = (member.T @ x) / (count if x.ndim == 1 else count[:, None])
    return np.asarray(x - member @ means)


def _weights(
    signs: FloatArray, member: FloatArray, y: FloatArray, ask: tuple[int, int, float, float]
) -> tuple[list[tuple[int, ...]], FloatArray]:
    """Return every set of factors and the logarithm of its weight, the empty set first."""
    top, most, pi, gamma = ask
    k = signs.shape[1]
    words = [w for size in range(1, min(top, most) + 1) for w in itertools.combinations(range(k), size)]
    place = {w: i for i, w in enumerate(words)}
    z = _centred(np.column_stack([signs[:, list(w)].prod(axis=1) for w in words]), member)
    gram, cross, total = z.T @ z, z.T @ y, float(y @ y)
    power = 0.5 * (y.size - member.shape[1])
    odds = math.log(pi) - math.log1p(-pi)
    sets: list[tuple[int, ...]] = [()]
    weights = [np.zeros(1)]
    for f in range(1, most + 1):
        chosen = list(itertools.combinations(range(k), f))
        inner = [w for size in range(1, min(top, f) + 1) for w in itertools.combinations(range(f), size)]
        index = np.array([[place[tuple(some[j] for j in w)] for w in inner] for some in chosen])
        step = max(1, 2_000_000 // len(inner) ** 2)
        for start in range(0, len(chosen), step):
            part = index[start : start + step]
            m = gram[part[:, :, None], part[:, None, :]] + np.eye(len(inner)) / gamma**2
            right = cross[part]
            left = total - (right * np.linalg.solve(m, right[:, :, None])[:, :, 0]).sum(axis=1)
            misfit = np.log(np.maximum(left, 1e-300) / total)
            weights.append(f * odds - len(inner) * math.log(gamma) - 0.5 * np.linalg.slogdet(m)[1] - power * misfit)
        sets += chosen
    return sets, np.concatenate(weights)
