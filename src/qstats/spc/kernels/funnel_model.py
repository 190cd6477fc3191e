"""Numbers behind a funnel plot: transformed values, overdispersion, limits and p-values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import binomial_cdf, binomial_sf, normal_quantile, normal_sf, poisson_cdf, poisson_sf
from qstats.errors import TooFewData
from qstats.spc.kernels.probability import count_limits

__all__ = ["Model", "Overdispersion", "adjusted_pvalues", "estimate_overdispersion"]


@dataclass(frozen=True, slots=True)
class Model:
    """What is compared, and on which scale it is close to normal.

    Parameters
    ----------
    kind : {"proportion", "rate", "ratio"}
        Units out of a sample; events per exposure; events per events expected.
    transform : {"arcsine", "sqrt", "log"}
        Arcsine of the root for proportions; root or logarithm for rates and ratios.
    target : float
        What a unit like all others has.
    tau2 : float
        Variance between units on the transformed scale; 0: chance alone.
    exact : bool
        Whether limits without `tau2` are quantiles of the binomial or Poisson distribution.
    """

    kind: str
    transform: str
    target: float
    tau2: float = 0.0
    exact: bool = True

    @property
    def binomial(self) -> bool:
        """Whether a count has an upper end."""
        return self.kind == "proportion"

    def to_scale(self, r: FloatArray | float) -> FloatArray:
        """Transform a proportion, rate or ratio."""
        a = np.asarray(r, dtype=np.float64)
        if self.transform == "log":
            return np.asarray(np.log(a))
        return np.asarray(np.arcsin(np.sqrt(a)) if self.transform == "arcsine" else np.sqrt(a))

    def back(self, y: FloatArray) -> FloatArray:
        """Undo `to_scale`; what lies beyond the end of the scale is its end."""
        if self.transform == "log":
            return np.asarray(np.exp(y))
        inside = np.clip(y, 0.0, 0.5 * np.pi if self.transform == "arcsine" else np.inf)
        return np.asarray(np.square(np.sin(inside) if self.transform == "arcsine" else inside))

    def error(self, size: FloatArray) -> FloatArray:
        """Return the standard error of chance on the transformed scale."""
        if self.transform == "log":
            return np.asarray(1.0 / np.sqrt(self.target * size))
        return np.asarray(0.5 / np.sqrt(size))

    def z(self, count: FloatArray, size: FloatArray) -> FloatArray:
        """Return distances from the target in standard errors of chance; a count of 0 has the logarithm of 0.5."""
        x = np.where(count == 0, 0.5, count) if self.transform == "log" else count
        return np.asarray((self.to_scale(x / size) - self.to_scale(self.target)) / self.error(size))

    def spread(self, size: FloatArray) -> FloatArray:
        """Return the standard deviation of a unit like the others, on the transformed scale."""
        return np.asarray(np.sqrt(self.error(size) ** 2 + self.tau2))

    def limits(self, size: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper limit within which a unit lies with probability `level`, or somewhat more."""
        if self.exact and self.tau2 == 0.0:
            low, high = count_limits(self.target, size, 1.0 - level, binomial=self.binomial)
            return low / size, high / size
        reach = float(normal_quantile(0.5 * (1.0 + level))) * self.spread(size)
        middle = self.to_scale(self.target)
        return self.back(middle - reach), self.back(middle + reach)

    def pvalue(self, count: FloatArray, size: FloatArray) -> FloatArray:
        """Return the two-sided p-value of each unit: at most ``1 - level`` exactly where it is beyond that limit."""
        if self.exact and self.tau2 == 0.0:
            mean = self.target * size
            low = binomial_cdf(count, size, self.target) if self.binomial else poisson_cdf(count, mean)
            high = binomial_sf(count, size, self.target) if self.binomial else poisson_sf(count, mean)
            return np.asarray(np.minimum(2.0 * np.minimum(low, high), 1.0))
        z = self.z(count, size) * self.error(size) / self.spread(size)
        return np.asarray(2.0 * normal_sf(np.abs(z)))


@dataclass(frozen=True, slots=True)
class Overdispersion:
    """How much more units differ than chance makes them.

    Parameters
    ----------
    phi : float
        Mean square of the (trimmed) z; about 1 or less if there is nothing but chance.
    tau2 : float
        Variance between units on the transformed scale, not below 0.
    n : int
        Units it rests on.
    """

    phi: float
    tau2: float
    n: int


def estimate_overdispersion(z: FloatArray, error: FloatArray, extremes: str | None, trim: float) -> Overdispersion:
    """Estimate overdispersion by moments, with the extreme units held back so that they do not hide themselves.

    Parameters
    ----------
    z, error : numpy.ndarray
        Distances from the target in standard errors of chance, and these, shape (n,).
    extremes : {"winsorise", "truncate"} or None
        Units beyond the `trim` and ``1 - trim`` quantiles of z are drawn in to them, or left out.
    trim : float
        Share of the units at each end.

    Notes
    -----
    ``tau2 = (n phi - (n - 1)) / (sum w - sum w**2 / sum w)``, ``w = 1 / error**2``: DerSimonian & Laird (1986),
    Controlled Clinical Trials 7, 177-188, as in Spiegelhalter (2005), Statistics in Medicine 24, 1185-1202.
    """
    if extremes is not None:
        low, high = np.quantile(z, [trim, 1.0 - trim])
        keep = (z >= low) & (z <= high) if extremes == "truncate" else np.ones(z.size, dtype=np.bool_)
        z, error = np.clip(z, low, high)[keep], error[keep]
    n = z.size
    if n < 2:
        raise TooFewData(f"data: {n} units to estimate overdispersion from; bring more, or pass overdispersion=None")
    phi = float(np.mean(z * z))
    w = 1.0 / error**2
    room = float(w.sum() - (w * w).sum() / w.sum())
    return Overdispersion(phi, max(0.0, (n * phi - (n - 1)) / room), n)


def adjusted_pvalues(p: FloatArray, method: str) -> FloatArray:
    """Return p-values adjusted for their number.

    Parameters
    ----------
    p : numpy.ndarray
        Shape (n,); NaN stays and does not count.
    method : {"holm", "bh"}
        Holm (1979), Scandinavian Journal of Statistics 6, 65-70: chance of any false finding; Benjamini & Hochberg
        (1995), JRSS B 57, 289-300: expected share of false ones among the findings.
    """
    out = np.full(p.size, np.nan)
    there = np.flatnonzero(~np.isnan(p))
    order = there[np.argsort(p[there])]  # equal p come out equal in any order
    n, ranked = order.size, p[order]
    if method == "holm":
        adjusted = np.maximum.accumulate(ranked * np.arange(n, 0, -1.0))
    else:
        adjusted = np.minimum.accumulate((ranked * (n / np.arange(1.0, n + 1.0)))[::-1])[::-1]
    out[order] = np.minimum(adjusted, 1.0)
    return out
