"""How long to wait before few or no recurrences mean anything."""

from __future__ import annotations

import math

from qstats._core.checks import check_number
from qstats._core.quantiles import normal_quantile, normal_sf

__all__ = ["hold_period", "power_of_comparison"]


def hold_period(
    events0: float,
    exposure0: float,
    *,
    target_rr: float = 0.0,
    alpha: float = 0.05,
    power: float = 0.8,
    dispersion: float = 1.0,
) -> float:
    r"""Tell how much exposure after a change is needed before its result can be believed.

    Use it when planning a verification ("how many months without recurrence?") and when one came too early.

    Parameters
    ----------
    events0, exposure0 : float
        Events and exposure of the baseline (orders, months, units): the answer has the unit of `exposure0`.
    target_rr : float
        Promised rate ratio after/before, 0 to below 1. At 0: exposure with no event at all that rejects "no change".
    alpha : float
        One-sided error.
    power : float
        Chance to show the target if it is true (not used when `target_rr` is 0).
    dispersion : float
        Variance over Poisson variance, 1 or more.

    Returns
    -------
    float
        Exposure needed; infinite when the baseline holds too few events for any hold to be enough.

    Raises
    ------
    DataError
        A number outside its range.

    Notes
    -----
    No event after: :math:`p = (t_0/(t_0+t_1))^{y_0}`, so :math:`t_1 = t_0(\alpha^{-1/y_0} - 1)`. Otherwise
    :math:`t_1` solves :math:`(\log R)^2 = (z_\alpha + z_\beta)^2 \phi (1/y_0 + 1/(R\,y_0\,t_1/t_0))`.

    References
    ----------
    Przyborowski & Wilenski (1940), Biometrika 31, 313-323 (conditional test). Signorini (1991), Biometrika 78, 446-450.

    Examples
    --------
    Three complaints a year: how many months without one are evidence?

    >>> from qstats import hold_period
    >>> round(hold_period(3, 12), 1)
    20.6
    """
    y0 = check_number(events0, "events0", above=0.0)
    t0 = check_number(exposure0, "exposure0", above=0.0)
    rr = check_number(target_rr, "target_rr", least=0.0, below=1.0)
    alpha = check_number(alpha, "alpha", above=0.0, below=0.5)
    phi = check_number(dispersion, "dispersion", least=1.0)
    if rr == 0.0:
        return float(t0 * math.expm1(-phi * math.log(alpha) / y0))
    power = check_number(power, "power", above=0.0, below=1.0)
    z = float(normal_quantile(1.0 - alpha)) + float(normal_quantile(power))
    left = (math.log(rr) / z) ** 2 / phi - 1.0 / y0
    return math.inf if left <= 0.0 else t0 / (y0 * rr * left)


def power_of_comparison(
    events0: float,
    exposure0: float,
    exposure: float,
    rr: float,
    alpha: float,
    dispersion: float,
    control: float = 0.0,
) -> float:
    """Return the chance that a one-sided `alpha` comparison shows the rate ratio `rr` (log-normal approximation).

    Signorini (1991), Biometrika 78, 446-450. `events0` above zero, `rr` above zero; `control` is the sum of 1/events of
    a control group before and after, 0 without one.
    """
    variance = dispersion * (1.0 / events0 + 1.0 / (rr * events0 * exposure / exposure0) + control)
    return float(normal_sf(float(normal_quantile(1.0 - alpha)) - abs(math.log(rr)) / math.sqrt(variance)))
