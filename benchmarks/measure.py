"""The unit of the benchmarks: CPU time of a job over CPU time of one sum of the same data in the same process."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable

import numpy as np

if os.environ.get("OPENBLAS_NUM_THREADS") != "1":  # spinning BLAS threads count as CPU: up to twice the figures
    sys.exit("set OPENBLAS_NUM_THREADS=1 first: the figures are for one thread")

__all__ = ["cpu", "growth", "passes", "per_call"]


def cpu(job: Callable[[], object], repeat: int) -> float:
    """Return the least CPU seconds of a job after one warm-up."""
    job()
    best = math.inf
    for _ in range(repeat):
        start = time.process_time()
        job()
        best = min(best, time.process_time() - start)
    return best


def passes(job: Callable[[], object], x: np.ndarray, repeat: int = 5) -> float:
    """Return the CPU time of `job` as a multiple of one sum over `x`."""
    return cpu(job, repeat) / cpu(x.sum, 31)


def per_call(job: Callable[[], object], loops: int = 300, repeat: int = 7) -> float:
    """Return the CPU seconds of one call."""

    def many() -> None:
        for _ in range(loops):
            job()

    return cpu(many, repeat) / loops


def growth(make: Callable[[int], Callable[[], object]], sizes: tuple[int, ...]) -> list[float]:
    """Return the exponent of the CPU time from each size to the next."""
    seconds = [cpu(make(n), 3) for n in sizes]
    steps = zip(seconds, seconds[1:], sizes, sizes[1:], strict=False)
    return [math.log(b / a) / math.log(m / n) for a, b, n, m in steps]
