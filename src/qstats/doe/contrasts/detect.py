"""What an unreplicated experiment would find, before it is run: `unreplicated_power`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats.doe.contrasts.margins import FEWEST, METHODS, Judge
from qstats.doe.contrasts.null import FLOOR
from qstats.doe.contrasts.pse import PSE, pseudo_error
from qstats.doe.contrasts.result import UnreplicatedPower
from qstats.doe.design import draw_seed
from qstats.errors import DataError

__all__ = ["unreplicated_power"]

_MOST = 1023
_VALUES = 4_000_000
_BLOCK = 1_000_000


def unreplicated_power(
    m: int,
    effect: float,
    *,
    active: int = 1,
    alpha: float = 0.05,
    method: str = "exact",
    pse: str = "lenth",
    simultaneous: bool = False,
    rng: Any = 1989,
) -> UnreplicatedPower:
    r"""Tell what an experiment without replicates would find, before it is run.

    Use it to choose between 8 and 16 runs, or to see whether replicates are needed. It holds for orthogonal two-level
    experiments judged by `lenth`; where a model is fitted and an error estimated, see `evaluate`.

    Parameters
    ----------
    m : int
        Contrasts: runs less one (and less one for each further block).
    effect : float
        Size of each active contrast in standard deviations of a contrast. With n runs of standard deviation s the
        standard deviation of an effect (high minus low) is 2 s / sqrt(n).
    active : int
        How many contrasts are active, at least 1; most should be inert.
    alpha : float
        Chance to take an inert contrast for active, or any of them where `simultaneous`.
    method, pse
        As in `lenth`.
    simultaneous : bool
        Judge by the simultaneous margin.
    rng : None, int or Generator
        Seed of the simulation; fixed unless told, so that the same question has the same answer.

    Returns
    -------
    UnreplicatedPower

    Raises
    ------
    DataError
        An argument out of range.

    References
    ----------
    Lenth (1989), Technometrics 31(4), 469-473.

    Examples
    --------
    >>> from qstats.doe.contrasts.detect import unreplicated_power
    >>> round(unreplicated_power(7, 4.0).power, 1), round(unreplicated_power(7, 4.0, method="t").power, 1)
    (0.8, 0.5)
    """
    count = _whole(m, "m", FEWEST, _MOST)
    several = _whole(active, "active", 1, count)
    delta = check_number(effect, "effect", least=0.0)
    level = check_number(alpha, "alpha", above=0.0, below=1.0)
    judge = Judge(check_choice(method, "method", METHODS), check_choice(pse, "pse", PSE))
    if method == "exact" and level < FLOOR:
        raise DataError(f"alpha: got {level:g}; simulated critical values reach down to {FLOOR:g}")
    if not isinstance(simultaneous, bool | np.bool_):
        raise DataError(f"simultaneous: got {simultaneous!r}; True or False is wanted")
    seed = draw_seed(rng)
    critical = judge.critical(count, level, simultaneous=bool(simultaneous))
    draws = max(_VALUES // count, 20_000)
    found, false = _hits(count, several, delta, (judge.pse, critical), draws, seed)
    share = found / several
    return UnreplicatedPower(
        m=count, active=several, effect=delta, power=float(share.mean()), power_any=float((found > 0).mean()),
        power_all=float((found == several).mean()), false_alarm=false,
        standard_error=float(share.std() / math.sqrt(draws)), alpha=level, simultaneous=bool(simultaneous),
        draws=draws, seed=seed, method=f"simulation; {judge.method} critical values, pse {judge.pse}",
        reference="Lenth 1989, Technometrics 31, 469-473",
    )  # fmt: skip


def _whole(value: object, name: str, least: int, most: int) -> int:
    number = check_number(value, name, least=least)
    if number != int(number) or number > most:
        raise DataError(f"{name}: got {number:g}; a whole number from {least} to {most} is wanted")
    return int(number)


def _hits(
    m: int, active: int, delta: float, rule: tuple[str, float], draws: int, seed: int
) -> tuple[FloatArray, float]:
    """How many active contrasts each simulated experiment finds, and the share of inert ones taken for active."""
    rng = np.random.default_rng(seed)
    found, false, step = np.zeros(draws), 0, max(1, _BLOCK // m)
    for start in range(0, draws, step):
        n = min(step, draws - start)
        c = rng.standard_normal((n, m))
        c[:, :active] += delta
        c = np.abs(c)
        hit = c > rule[1] * pseudo_error(np.sort(c, axis=1), rule[0])[:, None]
        found[start : start + n] = hit[:, :active].sum(axis=1)
        false += int(hit[:, active:].sum())
    return found, false / (draws * (m - active)) if m > active else 0.0
