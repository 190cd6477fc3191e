"""CPU of a chart in passes over the data, and of one comparison in microseconds.

Run: ``.venv/bin/python benchmarks/bench_calls.py``. One pass is the CPU time of ``x.sum()`` on the same data in the
same process. Minimum of several repeats after a warm-up.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

import qstats

SIZES = (1_000_000, 10_000_000)
TARGET = 10.0


def _cpu(job: Callable[[], object], repeat: int) -> float:
    job()
    best = math.inf
    for _ in range(repeat):
        start = time.process_time()
        job()
        best = min(best, time.process_time() - start)
    return best


def passes(job: Callable[[], object], x: np.ndarray, repeat: int = 7) -> float:
    """Return the CPU time of `job` as a multiple of one sum over `x`."""
    return _cpu(job, repeat) / _cpu(x.sum, 51)


def per_call(job: Callable[[], object], loops: int = 500, repeat: int = 7) -> float:
    """Return the CPU seconds of one call."""

    def many() -> None:
        for _ in range(loops):
            job()

    return _cpu(many, repeat) / loops


def main() -> None:
    """Print the table of `benchmarks/README.md`."""
    for n in SIZES:
        x = np.random.default_rng(1).normal(10.0, 1.0, n)
        for rules in ("none", "western_electric"):
            cost = passes(lambda x=x, rules=rules: qstats.individuals(x, rules=rules), x)
            print(f"individuals, rules={rules!r}, n = {n:.0e}: {cost:.1f} passes")
    for counts in ((12, 100, 30, 100), (1200, 100, 1300, 100), (0, 500, 12, 1000)):
        for method in ("midp", "exact", "score"):
            micro = 1e6 * per_call(lambda counts=counts, method=method: qstats.compare_rates(*counts, method=method))
            print(f"compare_rates{counts}, {method}: {micro:.0f} us")


if __name__ == "__main__":
    main()
