"""CPU of the control charts in passes over the data: kernels, whole calls, short charts, growth.

Run: ``OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/bench_spc.py``, a minute (``--quick``: a tenth of the size).
One pass is the CPU time of ``x.sum()`` on the same data in the same process. *Kernel* is estimation and flags on arrays
that are checked and owned already; a *whole call* also checks its input, copies it, and makes the result.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable

import numpy as np
from measure import growth, passes, per_call

import qstats
from qstats._core.blocks import everywhere, level_and_moves
from qstats.spc.build import Span, type_of
from qstats.spc.kernels.hotelling import individuals_covariance, t2_rows
from qstats.spc.kernels.recursions import cusum, ewma
from qstats.spc.kernels.subgroups import Subgroups, summarise
from qstats.spc.limits import ControlLimits
from qstats.spc.points import Points
from qstats.spc.rules import BEYOND_LIMITS, NELSON
from qstats.spc.rules.engine import find
from qstats.spc.stretch import Flat

QUICK = "--quick" in sys.argv
N = 1_000_000 if QUICK else 10_000_000


def _flags(kind: str, points: Points, limits: ControlLimits) -> list[np.ndarray]:
    """Signals of every panel by the limits alone, from arrays that are there already."""
    n = len(points)
    drawn = type_of(kind).draw(Span(points, 0, n, limits))
    return [find((BEYOND_LIMITS,), stretch)[0] for stretch in drawn.stretches.values()]


def _imr(x: np.ndarray) -> Callable[[], object]:
    ones = everywhere(1.0, x.size)

    def job() -> object:
        center, moves = level_and_moves(x)
        sigma = moves / (x.size - 1) / 1.1283791670955126
        return _flags(
            "individuals", Points({"value": x}, ones), ControlLimits("individuals", center, sigma, 3, "", 9, "")
        )

    return job


def _counts(kind: str, count: np.ndarray, size: np.ndarray) -> Callable[[], object]:
    def job() -> object:
        center = float(count.sum() / size.sum())
        return _flags(kind, Points({"count": count}, size), ControlLimits(kind, center, None, 3.0, "", 9, ""))

    return job


def _dense(kind: str, count: np.ndarray, size: np.ndarray) -> Callable[[], object]:
    def job() -> object:
        lim = ControlLimits(kind, float(count.sum() / size.sum()), None, 3.0, "", 9, "")
        drawn = type_of(kind).draw(Span(Points({"count": count}, size), 0, size.size, lim))
        return qstats.Panel(kind, list(drawn.stretches.values())).upper

    return job


def _jobs() -> list[tuple[str, float, Callable[[], object], np.ndarray]]:
    rng = np.random.default_rng(1)
    x = rng.normal(10.0, 1.0, N)
    groups = x.reshape(-1, 5)
    size = rng.integers(900, 1100, N).astype(np.float64)
    count = rng.binomial(900, 0.1, N).astype(np.float64)
    flat = Flat(0, N, x, 10.0, 1.0, 7.0, 13.0)
    rows = x.reshape(-1, 10)
    panel = x.reshape(-1, 100)
    z = np.empty(N)
    where = individuals_covariance(rows[:10_000])
    return [
        ("mean and mean moving range", 4.0, lambda: level_and_moves(x), x),
        ("I-MR, limits and flags on both charts", 10.0, _imr(x), x),
        ("I-MR, whole call", 0.0, lambda: qstats.individuals(x, rules=BEYOND_LIMITS), x),
        ("Xbar-R (n = 5), statistics", 8.5, lambda: summarise(Subgroups.of(groups), ("mean", "range")), x),
        ("Xbar-R-S (n = 5), statistics", 12.0, lambda: summarise(Subgroups.of(groups)), x),
        ("Xbar-R (n = 5), whole call", 0.0, lambda: qstats.xbar_r(groups), x),
        ("eight Nelson rules", 18.0, lambda: find(NELSON.rules, flat), x),
        ("p, limits and flags", 15.0, _counts("p", count, size), x),
        ("u, limits and flags", 15.0, _counts("u", count, size), x),
        ("p, four dense outputs", 40.0, _dense("p", count, size), x),
        ("p, whole call", 0.0, lambda: qstats.p_chart(count, size=size, rules=BEYOND_LIMITS), x),
        ("EWMA", 22.0, lambda: ewma(x, 0.2, center=10.0, out=z), x),
        ("EWMA, whole call", 0.0, lambda: qstats.ewma(x), x),
        ("CUSUM, two-sided", 65.0, lambda: cusum(x, 10.0, 0.5), x),
        ("CUSUM, whole call", 0.0, lambda: qstats.cusum(x), x),
        ("T2 (p = 10), per element", 22.0, lambda: t2_rows(rows, where.mean, where.cov), x),
        ("series of 100 points, I-MR, eight rules", 50.0, lambda: qstats.screen_series(panel), x),
    ]


def _short() -> list[tuple[str, Callable[[], object]]]:
    rng = np.random.default_rng(1)
    groups, values = rng.normal(10.0, 1.0, (25, 5)), rng.normal(10.0, 1.0, 25)
    count = rng.binomial(100, 0.1, 25)
    return [
        ("individuals, Western Electric", lambda: qstats.individuals(values)),
        ("individuals, Nelson", lambda: qstats.individuals(values, rules="nelson")),
        ("Xbar-R, 25 x 5, Western Electric", lambda: qstats.xbar_r(groups)),
        ("Xbar-S, 25 x 5, Nelson", lambda: qstats.xbar_s(groups, rules="nelson")),
        ("p, Western Electric", lambda: qstats.p_chart(count, size=100)),
        ("EWMA", lambda: qstats.ewma(values)),
        ("CUSUM", lambda: qstats.cusum(values)),
    ]


def _growth() -> None:
    sizes = (100_000, 1_000_000) if QUICK else (1_000_000, 10_000_000, 100_000_000)
    whole = np.random.default_rng(1).normal(10.0, 1.0, sizes[-1])
    out = np.empty(sizes[-1])
    jobs: list[tuple[str, Callable[[int], Callable[[], object]]]] = [
        ("I-MR, limits and flags", lambda n: _imr(whole[:n])),
        ("eight Nelson rules", lambda n: lambda: find(NELSON.rules, Flat(0, n, whole, 10.0, 1.0, 7.0, 13.0))),
        ("Xbar-R-S statistics", lambda n: lambda: summarise(Subgroups.of(whole[:n].reshape(-1, 5)))),
        ("EWMA", lambda n: lambda: ewma(whole[:n], 0.2, center=10.0, out=out[:n])),
        ("CUSUM", lambda n: lambda: cusum(whole[:n], 10.0, 0.5)),
    ]
    for name, make in jobs:
        steps = growth(make, sizes)
        print(f"growth per decade, {name}: {', '.join(f'{s:.2f}' for s in steps)} (target 1.10)")


def _peak(job: Callable[[], object]) -> float:
    """Return the most memory a job holds at once beyond what it is given, in MB."""
    job()
    tracemalloc.start()
    job()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _scratch() -> None:
    """Print the memory the jobs take besides their input and output; there is nothing to report in these data."""
    for n in (N // 10, N):
        x = np.random.default_rng(1).normal(10.0, 1.0, n)
        np.clip(x, 8.0, 12.0, out=x)
        x[::2], x[1::2] = 20.0 - x[: n // 2], x[n // 2 :]
        flat = Flat(0, n, x, 10.0, 9.0, 1.0, 19.0)
        z, both = np.empty(n), 2 * x.nbytes / 1e6
        size, count = np.full(n, 1000.0), np.full(n, 100.0)
        size[::3] = 999.0
        rows, some = x.reshape(-1, 10), individuals_covariance(x[:10_000].reshape(-1, 10))
        third, tenth = 3 * x.nbytes / 5e6, x.nbytes / 1e7
        groups = Subgroups.of(x.reshape(-1, 5))
        jobs: list[tuple[str, Callable[[], object], float]] = [
            ("mean and moving ranges", lambda x=x: level_and_moves(x), 0.0),
            ("beyond the limits", lambda f=flat: find(NELSON.rules[:1], f), 0.0),
            ("I-MR flags", _imr(x), 0.0),
            ("p flags", _counts("p", count, size), 0.0),
            ("Xbar-R-S", lambda g=groups: summarise(g), third),
            ("EWMA", lambda x=x, z=z: ewma(x, 0.2, center=10.0, out=z), 0.0),
            ("CUSUM", lambda x=x: cusum(x, 10.0, 0.5), both),
            ("T2", lambda r=rows, s=some: t2_rows(r, s.mean, s.cov), tenth),
        ]
        for name, job, answer in jobs:
            print(f"scratch of {name} at n = {n:.0e}: {_peak(job) - answer:.2f} MB")


def main() -> None:
    """Print the tables of `benchmarks/README.md`."""
    for name, target, job, x in _jobs():
        goal = f"target {target:g}" if target else "no target"
        print(f"{name}: {passes(job, x, 15):.1f} passes ({goal})", flush=True)
    for name, short in _short():
        print(f"25 points, {name}: {1e6 * per_call(short):.0f} us (target 150)", flush=True)
    _growth()
    _scratch()


if __name__ == "__main__":
    main()
