"""Parameters of stored limits held against what each chart can work with: they may come from outside."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from functools import partial

from qstats.errors import DataError
from qstats.spc.limits import ControlLimits

__all__ = ["check_stored", "refuse_held"]

Check = Callable[[ControlLimits, str], None]
_LARGEST = 2**53


def _wrong(limits: ControlLimits, name: str, wanted: str) -> DataError:
    shown = repr(limits.parameters.get(name))
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return DataError(
        f"limits.parameters[{name!r}]: got {shown}; {wanted} is wanted in parameter {name!r} of a {limits.kind} chart: "
        f"take it from a chart"
    )


def _in(value: object, low: float, high: float, open_low: bool, open_high: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    # compared as it came: a whole number from JSON may be too long for a float64
    above = value > low if open_low else value >= low
    return bool(above and (value < high if open_high else value <= high) and abs(value) <= sys.float_info.max)


def _number(
    limits: ControlLimits, name: str, low: float, high: float, open_low: bool, open_high: bool, whole: bool
) -> None:
    value = limits.parameters.get(name)
    if _in(value, low, high, open_low, open_high) and not (whole and value % 1):  # type: ignore[operator]
        return
    ends = [f"above {low:g}" if open_low else f"of {low:g} or more"] * (low > -math.inf)
    ends += [f"below {high:g}" if open_high else f"of at most {high:g}"] * (high < math.inf)
    text = f"a {'whole ' * whole}number {' and '.join(ends) or 'that is finite'}"
    raise _wrong(limits, name, text)


def _range(low: float, high: float, *, open_low: bool = False, open_high: bool = False, whole: bool = False) -> Check:
    return partial(_number, low=low, high=high, open_low=open_low, open_high=open_high, whole=whole)


def _one_of(*choices: object) -> Check:
    def check(limits: ControlLimits, name: str) -> None:
        value = limits.parameters.get(name)
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise _wrong(limits, name, f"one of {', '.join(map(repr, choices))}")

    return check


def _rates(limits: ControlLimits, name: str) -> None:
    value = limits.parameters.get(name)
    if not isinstance(value, tuple) or len(value) != 2 or not all(_in(v, 0.0, 1.0, False, False) for v in value):
        raise _wrong(limits, name, "a pair of rates from 0 to 1 (below, above)")


_ABOVE_0 = _range(0.0, math.inf, open_low=True, open_high=True)
_FROM_0 = _range(0.0, math.inf, open_high=True)
_SHARE = _range(0.0, 1.0)
_WEIGHT = _range(0.0, 1.0, open_low=True)
_CHANCE = _range(0.0, 1.0, open_low=True, open_high=True)
_WHOLE = _range(1.0, _LARGEST, whole=True)
_YES_NO = _one_of(True, False)

# What a chart cannot do without, and what it may hold.
_WANTED: Mapping[str, Mapping[str, Check]] = {
    **{kind: {"sigma_z": _FROM_0} for kind in ("laney_p", "laney_u")},
    "ewma": {"lam": _WEIGHT, "steady_state": _YES_NO},
    "moving_average": {"span": _range(2, 1000, whole=True)},
    "cusum": {"k": _FROM_0, "h": _ABOVE_0, "head_start": _SHARE},
    "g": {
        "lower": _FROM_0,
        "upper": _FROM_0,
        "shift": _range(0, 1, whole=True),
        "run_of_minimum": _range(0, 255, whole=True),
        "alpha": _SHARE,
    },
    "t": {"lower": _FROM_0, "upper": _ABOVE_0, "half_unit": _ABOVE_0, "alpha": _SHARE},
    "t2": {"alpha": _CHANCE, "m": _WHOLE},
    "mewma": {"lam": _WEIGHT, "h": _ABOVE_0},
    "mcusum": {"k": _ABOVE_0, "h": _ABOVE_0},
    "generalized_variance": {"determinant": _ABOVE_0},
}

_EVERYWHERE: Mapping[str, Check] = {"constants": _one_of("exact", "table")}
_PER_POINT = _one_of("per point")
_COUNTS: Mapping[str, Check] = {"limits": _one_of("probability"), "alpha": _CHANCE, "attained": _rates}
_SUBGROUPS: Mapping[str, Check] = {"target": _PER_POINT, "dispersion_limits": _one_of("sigma", "probability")}
_PERHAPS: Mapping[str, Mapping[str, Check]] = {
    "individuals": {"span": _range(2, 100, whole=True), "target": _PER_POINT},
    **dict.fromkeys(("xbar_r", "xbar_s"), _SUBGROUPS),
    "between_within": {
        "dispersion": _one_of("range", "std"),
        "dispersion_limits": _one_of("sigma"),
        "sigma_within": _FROM_0,
        "sigma_between": _FROM_0,
        "sigma_total": _FROM_0,
    },
    "short_run": {"pooling": _one_of("constant", "by_part", "by_run", "relative", "nominal")},
    **dict.fromkeys(("p", "np", "c", "u"), _COUNTS),
    **{kind: {"size": _PER_POINT} for kind in ("ewma", "moving_average", "cusum")},
    "g": {"p": _WEIGHT},
    "t": {"shape": _ABOVE_0, "scale": _ABOVE_0},
    "t2": {"n": _ABOVE_0, "rows": _ABOVE_0},
    "mewma": {"steady_state": _YES_NO, "n": _ABOVE_0, "arl0": _range(1.0, math.inf, open_low=True, open_high=True)},
    "mcusum": {"arl0": _range(1.0, math.inf, open_low=True, open_high=True)},
}


def check_stored(limits: ControlLimits) -> None:
    """Refuse stored limits with a parameter that their chart cannot work with.

    Parameters
    ----------
    limits : ControlLimits
        Of any kind.

    Raises
    ------
    DataError
        Names the parameter, what came and what is wanted.
    """
    held = limits.parameters
    for name, check in _WANTED.get(limits.kind, {}).items():
        check(limits, name)
    for name, check in {**_EVERYWHERE, **_PERHAPS.get(limits.kind, {})}.items():
        if name in held:
            check(limits, name)
    if limits.kind in ("p", "np", "c", "u") and "limits" in held:
        _CHANCE(limits, "alpha")
    if limits.kind == "t2" and held.get("basis") == "pooled":
        _ABOVE_0(limits, "rows")
    if limits.kind in ("g", "t") and limits.number("upper") < limits.number("lower"):
        raise _wrong(limits, "upper", f"a number not below the lower limit, {limits.number('lower'):g},")


def refuse_held(given: ControlLimits, options: Mapping[str, tuple[object, object]]) -> None:
    """Refuse options that stored limits leave without effect: name -> (what came, the default).

    What says the same as the limits passes.
    """
    for name, (value, default) in options.items():
        held = given.parameters.get(name, default)
        if value not in (default, held):
            raise DataError(f"{name}: got {value!r} together with limits made with {held!r}; leave it out")
