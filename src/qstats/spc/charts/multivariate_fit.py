"""What the multivariate charts share: mean vector and covariance of a phase, stored in limits and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats.errors import DataError, TooFewData
from qstats.spc.charts.multivariate_door import Vectors
from qstats.spc.kernels.hotelling import (
    Location,
    individuals_covariance,
    successive_covariance,
    whitener,
    within_covariance,
)
from qstats.spc.limits import ControlLimits, Parameter

__all__ = ["COVARIANCES", "Known", "check_covariance", "check_target", "check_variables", "locate", "stored"]

COVARIANCES = ("sample", "successive_differences")


def check_covariance(covariance: object, subgroups: bool) -> str:
    """Return how the covariance is estimated: pooled within subgroups, or one of two ways from single vectors."""
    if covariance is None:
        return "pooled" if subgroups else "sample"
    if subgroups:
        raise DataError(f"covariance: got {covariance!r}; that of subgroups is pooled within them, leave it out")
    if covariance not in COVARIANCES:
        raise DataError(f"covariance: got {covariance!r}; one of {', '.join(map(repr, COVARIANCES))} is wanted")
    return str(covariance)


def check_target(target: object, names: tuple[str, ...]) -> FloatArray | None:
    """Return the target vector, one finite number per variable."""
    if target is None:
        return None
    try:
        a = np.asarray(target, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"target: got {target!r}; one number per variable is wanted ({', '.join(names)})") from None
    if a.shape != (len(names),) or not np.isfinite(a).all():
        raise DataError(f"target: got {target!r}; one finite number per variable is wanted ({', '.join(names)})")
    return a


def check_variables(vectors: Vectors, limits: ControlLimits) -> None:
    """Refuse stored limits that are about other variables, or the same in another order."""
    known = Known.of(limits)
    numbered = tuple(f"x{j + 1}" for j in range(len(known.names)))
    if vectors.p != len(known.names) or (vectors.names != known.names and numbered not in (vectors.names, known.names)):
        raise DataError(f"limits: they are about {', '.join(known.names)}; the data hold {', '.join(vectors.names)}")


def locate(vectors: Vectors, used: BoolArray, where: slice, name: str, how: str) -> tuple[Location, int]:
    """Return mean and covariance of the used points of a phase, and how many points there are."""
    which = f" in phase {name!r}" if name else ""
    m = int(np.count_nonzero(used[where]))
    if m == 0:
        raise TooFewData(f"data: no point is left to rest limits on{which}; exclude fewer or widen the baseline")
    rows, size = vectors.of(used, where)
    with np.errstate(over="ignore", invalid="ignore"):  # whitener tells of an overflow
        if size is not None:
            at = within_covariance(rows, size)[0]
        elif how == "sample":
            at = individuals_covariance(rows)
        else:
            at = successive_covariance(rows, _starts(used[where]))
        whitener(at.cov, vectors.names)
    return at, m


def _starts(used: BoolArray) -> npt.NDArray[np.intp]:
    """Return which of the used points come after one that is not used: no difference is taken across."""
    at = np.flatnonzero(used)
    return np.flatnonzero(np.diff(at) > 1) + 1


def stored(at: Location, names: tuple[str, ...]) -> dict[str, Parameter]:
    """Return mean and covariance as limits keep them."""
    return {
        "names": names,
        "mean": tuple(at.mean.tolist()),
        "covariance": tuple(tuple(row) for row in at.cov.tolist()),
    }


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Mean and covariance read back from limits.

    Parameters
    ----------
    names : tuple of str
    mean : numpy.ndarray
        Shape (p,).
    cov : numpy.ndarray
        Shape (p, p).
    """

    names: tuple[str, ...]
    mean: FloatArray
    cov: FloatArray

    @classmethod
    def of(cls, limits: ControlLimits) -> Known:
        """Read what `stored` wrote; refuse anything else."""
        held: Mapping[str, Any] = limits.parameters
        names = held.get("names")
        try:
            mean = np.array(held.get("mean"), dtype=np.float64)
            cov = np.array(held.get("covariance"), dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            mean = cov = np.empty(0)
        good = isinstance(names, tuple) and all(isinstance(v, str) for v in names) and len(names) > 1
        p = len(names) if isinstance(names, tuple) else 0
        if not good or mean.shape != (p,) or cov.shape != (p, p) or not np.allclose(cov, cov.T, 1e-9, 0):
            text = "names, mean (p) and a symmetric covariance (p, p) are wanted among their parameters"
            raise DataError(f"limits: {text}; take them from a {limits.kind} chart")
        for name, wrong in (("mean", ~np.isfinite(mean)), ("covariance", ~np.isfinite(cov))):
            if wrong.any():
                raise DataError(f"limits.parameters[{name!r}]: finite numbers are wanted; take them from a chart")
        if not (np.diag(cov) > 0.0).all():
            raise DataError("limits.parameters['covariance']: variances above zero are wanted; take it from a chart")
        return cls(tuple(names), mean, cov)  # type: ignore[arg-type]
