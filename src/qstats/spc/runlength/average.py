"""Run length of a moving average chart, by simulation: its points overlap, and no short chain describes them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from qstats.errors import NoConvergence

__all__ = ["average_run_lengths"]

_RUNS = 20_000
_MOST = 100_000  # points after which a chart that has not signalled is hopeless


def _lengths(
    span: int, nsigma: float, shift: float, rng: np.random.Generator, runs: int
) -> npt.NDArray[np.int64]:  # fmt: skip
    """Return points until the first signal of `runs` new charts, the signalling point included."""
    out = np.zeros(runs, dtype=np.int64)
    alive = np.arange(runs)
    window = np.zeros((runs, span))
    for t in range(1, _MOST + 1):
        window[:, t % span] = rng.standard_normal(alive.size) + shift
        width = min(t, span)
        # The sum of the window against nsigma / sqrt(width) times the width.
        done = np.abs(window.sum(axis=1)) > nsigma * math.sqrt(width)
        if done.any():
            out[alive[done]] = t
            alive, window = alive[~done], window[~done]
            if not alive.size:
                return out
    raise NoConvergence(f"nsigma: {alive.size} of {runs} simulated charts had no signal in {_MOST} points")


def average_run_lengths(
    span: int, nsigma: float, shift: float = 0.0, rng: np.random.Generator | int | None = None
) -> npt.NDArray[np.int64]:
    """Return simulated run lengths of a moving average chart.

    Parameters
    ----------
    span : int
        Points in each window; windows at the start are shorter, with limits to match.
    nsigma : float
        Where the limits stand, in standard errors of the window's mean.
    shift : float
        Shift of the mean, in standard deviations of a single value.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    numpy.ndarray of int
        Points until the first signal, the signalling one included, shape (20000,).

    Raises
    ------
    NoConvergence
        The chart hardly ever signals.
    """
    return _lengths(span, nsigma, shift, np.random.default_rng(rng), _RUNS)
