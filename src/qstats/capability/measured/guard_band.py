"""guard_band: how far inside the specification to accept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats._core.quantiles import normal_quantile, normal_sf
from qstats._core.result import Result
from qstats._core.spec import Spec, as_spec
from qstats.capability.measured.risks import Process, risks_of
from qstats.errors import DataError

__all__ = ["GuardBand", "guard_band"]

_ROUNDS = 100
_WIDE = 40.0
_CLOSE = 1e-11  # of the logarithm of a risk
_DEEP = 800.0  # where a risk is 0
_NARROW = 1e-9  # share of the tolerance that is always left to accept
_REFERENCE = "ISO 14253-1:2017; JCGM 106:2012, clauses 8 and 9.5"


@dataclass(frozen=True, slots=True, eq=False)
class GuardBand(Result):
    """Limits of acceptance, and what they cost.

    Parameters
    ----------
    guard : float
        Distance of the acceptance limits inside the specification, unit of the data; below zero they lie outside.
    z : float
        The same in standard deviations of the gauge.
    accept_lower, accept_upper : float or None
        For the value read off the gauge: a known bias is in them. None where there is no such specification.
    limit_risk : float
        Chance that a part just on a limit (just bad) is accepted: the worst case.
    consumer, producer, bad_if_accepted, good_if_rejected : float or None
        As in `misclassification`, with the guard; None where the process is not given.
    consumer_without, producer_without : float or None
        Without any guard.
    wanted : str
        What was asked for.
    spec : Spec
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.guard_band/1"
    title: ClassVar[str] = "Guard band"

    guard: float
    z: float
    accept_lower: float | None
    accept_upper: float | None
    limit_risk: float
    consumer: float | None
    producer: float | None
    bad_if_accepted: float | None
    good_if_rejected: float | None
    consumer_without: float | None
    producer_without: float | None
    wanted: str
    spec: Spec
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        ends = " to ".join("-" if v is None else f"{v:.6g}" for v in (self.accept_lower, self.accept_upper))
        rows = [("specification", str(self.spec)), ("wanted", self.wanted), ("accept from", ends)]
        rows.append(("guard", f"{self.guard:.4g}, {self.z:.4g} standard deviations of the gauge"))
        rows.append(("a part just bad is accepted", f"with chance {self.limit_risk:.4g}"))
        if self.consumer is not None and self.consumer_without is not None:
            assert self.producer is not None and self.producer_without is not None
            pairs = [("consumer's", self.consumer, self.consumer_without)]
            pairs += [("producer's", self.producer, self.producer_without)]
            rows += [(f"{n} risk", f"{1e6 * v:.4g} ppm ({1e6 * w:.4g} without guard)") for n, v, w in pairs]
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        names = [name for name in self.__dataclass_fields__ if name not in ("spec", "notes", "reference")]
        return {name: [getattr(self, name)] for name in names}


@dataclass(frozen=True, slots=True)
class _Setting:
    spec: Spec
    gauge: float
    mean: float | None
    process: float | None
    bias: float

    def risk(self, name: str, guard: float) -> float:
        """Return a risk; the acceptance limits move with the bias, so the gauge is as good as unbiased."""
        lower, upper = self.spec.lower_spec, self.spec.upper_spec
        low = -math.inf if lower is None else lower + guard
        high = math.inf if upper is None else upper - guard
        assert self.mean is not None and self.process is not None
        p = Process(*(np.array([v]) for v in (self.mean, self.process, self.gauge, 0.0, low, high)))
        return float(getattr(risks_of(self.spec, p), name)[0])


def guard_band(
    *,
    spec: object,
    sigma_gauge: float,
    mean: float | None = None,
    sigma_process: float | None = None,
    bias: float = 0.0,
    z: float | None = None,
    limit_risk: float | None = None,
    consumer_risk: float | None = None,
    producer_risk: float | None = None,
    risk: str = "global",
    wider: bool = False,
) -> GuardBand:
    r"""Set acceptance limits so that a gauge with error passes no more bad parts than wanted, and say what that costs.

    Use it where a wrong acceptance is dear: say what is wanted by exactly one of `z`, `limit_risk`, `consumer_risk`,
    `producer_risk`. Not in place of a better gauge: the price in good parts refused is given.

    Parameters
    ----------
    spec : Spec or pair of float
    sigma_gauge : float
        Standard deviation (standard uncertainty) of the measurement, unit of the data.
    mean, sigma_process : float, optional
        Of the parts as they are; needed for `consumer_risk` and `producer_risk`, and for the price of the others.
    bias : float
        Known bias, measured less true: the acceptance limits are moved by it.
    z : float, optional
        Guard in standard deviations of the gauge: 1.645 in ISO 14253-1 (5 %).
    limit_risk : float, optional
        Chance with which a part just on a limit may be accepted, whatever the process.
    consumer_risk : float, optional
        Wanted share of bad and accepted parts.
    producer_risk : float, optional
        Wanted share of good and rejected parts.
    risk : {"global", "conditional"}
        Share among all parts; or of the bad among the accepted (of the good among the rejected).
    wider : bool
        Whether the limits of acceptance may lie outside the specification, where what is wanted allows it. A producer's
        risk that is lower than without guard needs it.

    Returns
    -------
    GuardBand

    Raises
    ------
    DataError
        None or several wishes; a risk that no guard gives; a guard that leaves nothing to accept.

    Notes
    -----
    ``guard = z * sigma_gauge``; ``limit_risk`` has ``z = -Phi^-1(limit_risk)``, the other limit taken as far away.
    Global and conditional risks are solved for by bisection on the exact integrals of `misclassification`.

    References
    ----------
    ISO 14253-1:2017. JCGM 106:2012, Evaluation of measurement data - The role of measurement uncertainty in conformity
    assessment, clauses 8 and 9.5.

    Examples
    --------
    >>> from qstats import guard_band
    >>> found = guard_band(spec=(9.8, 10.2), sigma_gauge=0.02, limit_risk=0.05, mean=10, sigma_process=0.06)
    >>> round(found.accept_lower, 4), round(found.accept_upper, 4)
    (9.8329, 10.1671)
    """
    wanted = as_spec(spec)
    setting = _Setting(
        wanted,
        check_number(sigma_gauge, "sigma_gauge", above=0.0),
        None if mean is None else check_number(mean, "mean"),
        None if sigma_process is None else check_number(sigma_process, "sigma_process", above=0.0),
        check_number(bias, "bias"),
    )
    check_choice(risk, "risk", ("global", "conditional"))
    if (mean is None) != (sigma_process is None):
        raise DataError("mean, sigma_process: one came without the other; pass both or neither")
    wishes = {"z": z, "limit_risk": limit_risk, "consumer_risk": consumer_risk, "producer_risk": producer_risk}
    asked = {name: value for name, value in wishes.items() if value is not None}
    if len(asked) != 1:
        got = ", ".join(asked) or "none"
        raise DataError(f"z, limit_risk, consumer_risk, producer_risk: got {got}; exactly one of them is wanted")
    (name, value), *_ = asked.items()
    if name in ("z", "limit_risk") and risk != "global":
        raise DataError(f"risk: {risk!r} goes with consumer_risk and producer_risk, not with {name}")
    guard, notes = _guard(setting, name, value, risk, wider)
    return _result(setting, guard, f"{name} = {value:g}" + (f", {risk}" if "er_risk" in name else ""), notes)


def _most(spec: Spec) -> float:
    width = spec.tolerance
    return math.inf if width is None else 0.5 * width * (1.0 - _NARROW)


def _guard(o: _Setting, name: str, value: float, risk: str, wider: bool) -> tuple[float, tuple[Note, ...]]:
    if name in ("z", "limit_risk"):
        z = check_number(value, name) if name == "z" else -float(normal_quantile(_probability(value, name)))
        guard = z * o.gauge
        if guard < 0.0 and not wider:
            raise DataError(f"{name}: {value:g} puts the limits outside the specification; pass wider=True to mean it")
        if guard >= _most(o.spec):
            raise DataError(f"{name}: a guard of {guard:.4g} leaves nothing to accept; the gauge is too coarse for it")
        return guard, ()
    if o.mean is None:
        raise DataError(f"{name}: it depends on the process; pass mean= and sigma_process=")
    goal = _probability(value, name)
    field = {
        ("consumer_risk", "global"): "consumer", ("consumer_risk", "conditional"): "bad_if_accepted",
        ("producer_risk", "global"): "producer", ("producer_risk", "conditional"): "good_if_rejected",
    }[name, risk]  # fmt: skip
    falls = name == "consumer_risk"
    return _solved(lambda g: o.risk(field, g), goal, falls, o, (name, wider))


def _probability(value: object, name: str) -> float:
    return check_number(value, name, above=0.0, below=1.0)


def _solved(
    of: Callable[[float], float], goal: float, falls: bool, o: _Setting, said: tuple[str, bool]
) -> tuple[float, tuple[Note, ...]]:
    name, wider = said
    assert o.process is not None
    reach = _WIDE * math.hypot(o.gauge, o.process)
    low, high = (-reach if wider else 0.0), min(_most(o.spec), reach)
    at_low, at_high = of(low), of(high)
    if falls and at_low <= goal:
        return 0.0, (_free(name, at_low, wider),)
    if (falls and at_high > goal) or (not falls and at_low > goal):
        best = at_high if falls else at_low
        advice = "" if falls or wider else "; wider=True lets the limits lie outside the specification"
        raise DataError(f"{name}: {goal:g} cannot be had with this gauge and process: {best:.4g} is the least{advice}")
    if not falls and at_high <= goal:
        raise DataError(f"{name}: {goal:g} is never reached: {at_high:.4g} is the most any guard costs")
    sign = 1.0 if falls else -1.0

    def miss(g: float) -> float:
        return sign * _miss(of(g), goal)

    return _root(miss, (low, sign * _miss(at_low, goal)), (high, sign * _miss(at_high, goal)), reach), ()


def _miss(value: float, goal: float) -> float:
    return math.log(value / goal) if value > 0.0 else -_DEEP


def _root(miss: Callable[[float], float], left: tuple[float, float], right: tuple[float, float], reach: float) -> float:
    """Return where a falling function is zero, from the side where it is not above: regula falsi, Illinois variant."""
    (low, at_low), (high, at_high) = left, right
    side, done = 0, False
    for i in range(_ROUNDS):
        share = at_low / (at_low - at_high) if at_low > at_high and i % 4 < 3 else 0.5  # now and then a plain half
        middle = low + (high - low) * min(max(share, 1e-3), 1.0 - 1e-3)
        value = miss(middle)
        done = abs(value) <= _CLOSE or high - low <= 1e-13 * reach
        if value > 0.0:
            low, at_low = middle, value
            at_high = 0.5 * at_high if side == 1 else at_high
            side = 1
        else:
            high, at_high = middle, value
            at_low = 0.5 * at_low if side == -1 else at_low
            side = -1
        if done:
            break
    return high if value <= 0.0 or high - low <= 1e-13 * reach else middle


def _free(name: str, found: float, wider: bool) -> Note:
    text = f"{name} is {found:.4g} {'whatever is accepted' if wider else 'without any guard'}: none is needed"
    return Note("no-guard-needed", "info", text)


def _result(o: _Setting, guard: float, wanted: str, notes: tuple[Note, ...]) -> GuardBand:
    lower, upper = o.spec.lower_spec, o.spec.upper_spec
    width = o.spec.tolerance
    worst = float(normal_sf(guard / o.gauge))
    if width is not None:  # a part on one limit is refused beyond the other as well
        worst -= float(normal_sf((width - guard) / o.gauge))
    known = o.mean is not None
    names = ("consumer", "producer", "bad_if_accepted", "good_if_rejected")
    price = [o.risk(name, guard) if known else None for name in names]
    without = [o.risk(name, 0.0) if known else None for name in names[:2]]
    return GuardBand(
        guard, guard / o.gauge,
        None if lower is None else lower + guard + o.bias, None if upper is None else upper - guard + o.bias,
        worst, price[0], price[1], price[2], price[3], without[0], without[1], wanted, o.spec,
        "normal measurement error" + (", normal process, quadrature" if known else ""), _REFERENCE, notes,
    )  # fmt: skip
